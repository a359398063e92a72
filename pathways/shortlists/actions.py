"""Making a shortlist: read, rank outside any transaction, then recheck and record in one short write."""

import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from matching.profiles import JobseekerProfile, PlacementProfile
from matching.ranker import Match, PlacementRanker, Refusal, TwoSidedModel
from matching.text import Vocabulary
from matching.travel import Journey
from pathways.base import Actor
from pathways.database import Database, Session, WriteSession
from pathways.errors import RuleBroken
from pathways.jobseekers import queries as jobseeker_queries
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement, PlacementState
from pathways.reference import vocabulary
from pathways.shortlists import profiles, queries
from pathways.shortlists.models import Shortlist, ShortlistMatch


@dataclass(frozen=True, slots=True)
class Ranked:
    """What was ranked, on its way into the record: pairs of a jobseeker's and a placement's id."""

    on: date
    looked_at: int
    matches: Sequence[tuple[UUID, UUID, Match]]
    refusals: Sequence[tuple[UUID, UUID, Refusal]]
    model_version: str
    seed: str
    profile_version_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is read for one jobseeker's shortlist, so that ranking needs nothing open."""

    jobseeker_id: UUID
    on: date
    wanted: JobseekerProfile
    profile_version_id: UUID | None
    placements: Sequence[PlacementProfile]
    model: TwoSidedModel
    words: Vocabulary

    def ranker(self) -> PlacementRanker:
        return PlacementRanker(self.words, profiles.context(self.on), self.model)


@dataclass(frozen=True, slots=True)
class GatheredPeople:
    """What is read to rank people for placements."""

    on: date
    people: list[JobseekerProfile]
    placements: list[PlacementProfile]
    model: TwoSidedModel
    words: Vocabulary

    def ranker(self) -> PlacementRanker:
        return PlacementRanker(self.words, profiles.context(self.on), self.model)


def gather(session: Session, actor: Actor, jobseeker_id: UUID, on: date) -> Gathered:
    person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    wanted, version_id = queries.profiled(session, [person], on)[0]
    placements = queries.open_placements(session, on, [wanted])
    return Gathered(
        jobseeker_id=person.id,
        on=on,
        wanted=wanted,
        profile_version_id=version_id,
        placements=placements,
        model=queries.released_model(session),
        words=vocabulary.of_words(session, vocabulary.all_words([wanted], placements)),
    )


def rank(gathered: Gathered) -> Ranked:
    """Rank what is open on a day for one jobseeker."""
    ranker = gathered.ranker()
    ranking = ranker.rank(gathered.wanted, gathered.placements)
    return Ranked(
        on=gathered.on,
        looked_at=len(gathered.placements),
        matches=[(gathered.jobseeker_id, UUID(m.placement.key), m) for m in ranking.matches],
        refusals=[(gathered.jobseeker_id, UUID(r.placement.key), r) for r in ranking.refusals],
        model_version=gathered.model.version,
        seed=ranker.seed,
        profile_version_id=gathered.profile_version_id,
    )


def rank_placements(database: Database, actor: Actor, jobseeker_id: UUID, on: date) -> Ranked:
    """Read, then rank with nothing open."""
    with database.reading(actor) as session:
        gathered = gather(session, actor, jobseeker_id, on)
    return rank(gathered)


def rank_jobseekers(database: Database, actor: Actor, placement_id: UUID, on: date) -> Ranked:
    """Rank the open cases this caseworker may see for one placement; for caseworkers only, never for the enterprise."""
    with database.reading(actor) as session:
        gathered = gather_people(session, actor, on, placement_id=placement_id)
    ranker = gathered.ranker()
    matches, refusals = ranker.rank_jobseekers(gathered.placements[0], gathered.people)
    return Ranked(
        on=on,
        looked_at=len(gathered.people),
        matches=[(UUID(person.key), placement_id, match) for person, match in matches],
        refusals=[(UUID(person.key), placement_id, refusal) for person, refusal in refusals],
        model_version=gathered.model.version,
        seed=ranker.seed,
    )


def gather_people(
    session: Session, actor: Actor, on: date, *where: Any, placement_id: UUID | None = None
) -> GatheredPeople:
    """Read the open cases this actor may see, and what is open to them: one placement, or all."""
    if placement_id is not None:
        placement_queries.placement(session, actor, placement_id)
    people = [person for person, _ in queries.profiled(session, queries.people_to_rank(session, actor, *where), on)]
    placements = queries.open_placements(session, on, people)
    if placement_id is not None:
        placements = [placement for placement in placements if placement.key == str(placement_id)]
        if not placements:
            raise RuleBroken("The placement is not open on this day.")
    words = vocabulary.of_words(session, vocabulary.all_words(people, placements))
    return GatheredPeople(on, people, placements, queries.released_model(session), words)


def record(
    session: WriteSession,
    actor: Actor,
    ranked: Ranked,
    *,
    limit: int,
    jobseeker_id: UUID | None = None,
    placement_id: UUID | None = None,
) -> Shortlist:
    """Record what is shown, after looking again that each placement is still open with a place left."""
    if jobseeker_id is not None:
        jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    shown = ranked.matches[:limit]
    still_open = set(
        session.scalars(
            select(Placement.id).where(
                Placement.id.in_({placement for _, placement, _ in shown}),
                Placement.state == PlacementState.PUBLISHED,
            )
        )
    )
    counts = placement_queries.place_counts(session, list(still_open))
    shown = [
        (person, placement, match)
        for person, placement, match in shown
        if placement in still_open and counts.get(placement, (0, 0))[1] > 0
    ]
    refused_by = Counter(check.rule.value for _, _, refusal in ranked.refusals for check in refusal.failed)
    shortlist = Shortlist.recorded(
        actor,
        ranked.on,
        partner_id=actor.organisation_id,
        jobseeker_id=jobseeker_id,
        placement_id=placement_id,
        shown_on=ranked.on,
        model_version=ranked.model_version,
        profile_version_id=ranked.profile_version_id,
        looked_at=ranked.looked_at,
        eligible=len(ranked.matches),
        refused_by_rule=dict(sorted(refused_by.items())),
        refusals=_packed(ranked.refusals),
        below=_packed_below(ranked.matches[limit:], limit),
        seed=ranked.seed,
    )
    session.add(shortlist)
    session.flush()  # the matches point to it
    for rank, (person_id, match_placement_id, match) in enumerate(shown, start=1):
        places_left = counts[match_placement_id][1]
        row = _match_row(actor, shortlist, person_id, match_placement_id, match, rank=rank, places_left=places_left)
        session.add(row)
    session.flush()  # the reply reads them
    return shortlist


def _match_row(
    actor: Actor,
    shortlist: Shortlist,
    person_id: UUID,
    placement_id: UUID,
    match: Match,
    *,
    rank: int,
    places_left: int,
) -> ShortlistMatch:
    return ShortlistMatch.recorded(
        actor,
        shortlist.shown_on,
        partner_id=actor.organisation_id,
        jobseeker_id=person_id,
        shortlist_id=shortlist.id,
        placement_id=placement_id,
        rank=rank,
        score=match.score,
        confidence=match.confidence,
        values={f.value: [v.value, list(v.found)] for f, v in match.values.items()},
        checks=[[c.rule.value, c.result.value, c.text, c.change] for c in match.checks],
        journey=_journey(match.journey),
        places_left=places_left,
        propensity=match.propensity,
        jobseeker_side=match.sides[0],
        placement_side=match.sides[1],
        score_low=match.interval[0],
        score_high=match.interval[1],
    )


def _packed_below(matches: Sequence[tuple[UUID, UUID, Match]], limit: int) -> bytes:
    rows = [
        [str(uuid7()), str(person), str(placement), rank, match.score, match.confidence]
        for rank, (person, placement, match) in enumerate(matches, start=limit + 1)
    ]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode())


def _journey(journey: Journey | None) -> dict[str, Any] | None:
    if journey is None:
        return None
    return {
        "km": journey.km,
        "minutes_low": journey.minutes_low,
        "minutes_high": journey.minutes_high,
        "mode": journey.mode,
    }


def _packed(refusals: Sequence[tuple[UUID, UUID, Refusal]]) -> bytes:
    rows = [
        [
            str(uuid7()),
            str(person),
            str(placement),
            [[c.rule.value, c.result.value, c.text, c.change] for c in r.failed],
        ]
        for person, placement, r in refusals
    ]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode())
