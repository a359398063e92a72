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

from matching import explain
from matching.eligibility import Result, Rule
from matching.features import Feature, Value
from matching.profiles import JobseekerProfile, PlacementProfile
from matching.ranker import EXPERT_VERSION, Match, PlacementRanker, Refusal
from matching.travel import Journey
from pathways.base import Actor
from pathways.database import Database, Session, WriteSession
from pathways.errors import NotFound, RuleBroken
from pathways.fields import Group
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.pagination import PageRequest, cursor, page_after
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement, PlacementState
from pathways.reference import vocabulary
from pathways.shortlists import profiles, queries
from pathways.shortlists.models import Shortlist, ShortlistMatch
from pathways.shortlists.schemas import (
    CheckOut,
    MatchOut,
    ReasonOut,
    RefusalOut,
    RefusedPage,
    ShortlistOut,
    TravelOut,
)

NEAREST = 20
# The group of what a check or a reason tells of the jobseeker; all others tell of work.
GROUP_OF_RULE = {Rule.RIGHT_TO_WORK: Group.RIGHT_TO_WORK, Rule.AGE: Group.IDENTITY, Rule.TRAVEL: Group.CONTACT}
GROUP_OF_FEATURE = {Feature.ADJUSTMENTS.value: Group.HEALTH}


@dataclass(frozen=True, slots=True)
class Ranked:
    """What was ranked, on its way into the record: pairs of a jobseeker's and a placement's id."""

    on: date
    looked_at: int
    matches: Sequence[tuple[UUID, UUID, Match]]
    refusals: Sequence[tuple[UUID, UUID, Refusal]]
    profile_version_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is read for one jobseeker's shortlist, so that ranking needs nothing open."""

    jobseeker_id: UUID
    on: date
    wanted: JobseekerProfile
    profile_version_id: UUID | None
    placements: Sequence[PlacementProfile]


def gather(session: Session, actor: Actor, jobseeker_id: UUID, on: date) -> Gathered:
    person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    version = jobseeker_queries.profile(session, person)
    return Gathered(
        jobseeker_id=person.id,
        on=on,
        wanted=profiles.of_jobseeker(person, version, on),
        profile_version_id=version.id if version else None,
        placements=[profiles.of_placement(row) for row in session.execute(placement_queries.open_on(on))],
    )


def rank(gathered: Gathered) -> Ranked:
    """Rank what is open on a day for one jobseeker."""
    ranker = PlacementRanker(vocabulary.starter(), profiles.context(gathered.on))
    ranking = ranker.rank(gathered.wanted, gathered.placements)
    return Ranked(
        on=gathered.on,
        looked_at=len(gathered.placements),
        matches=[(gathered.jobseeker_id, UUID(m.placement.key), m) for m in ranking.matches],
        refusals=[(gathered.jobseeker_id, UUID(r.placement.key), r) for r in ranking.refusals],
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
        placement_queries.placement(session, actor, placement_id)
        row = session.execute(placement_queries.open_on(on).where(Placement.id == placement_id)).one_or_none()
        if row is None:
            raise RuleBroken("The placement is not open on this day.")
        placement = profiles.of_placement(row)
        people = [
            profiles.of_jobseeker(person, version, on) for person, version in queries.open_jobseekers(session, actor)
        ]
    ranker = PlacementRanker(vocabulary.starter(), profiles.context(on))
    matches, refusals = ranker.rank_jobseekers(placement, people)
    return Ranked(
        on=on,
        looked_at=len(people),
        matches=[(UUID(person.key), placement_id, match) for person, match in matches],
        refusals=[(UUID(person.key), placement_id, refusal) for person, refusal in refusals],
    )


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
        model_version=EXPERT_VERSION,
        profile_version_id=ranked.profile_version_id,
        looked_at=ranked.looked_at,
        eligible=len(ranked.matches),
        refused_by_rule=dict(sorted(refused_by.items())),
        refusals=_packed(ranked.refusals),
    )
    session.add(shortlist)
    session.flush()  # the matches point to it
    for rank, (person_id, match_placement_id, match) in enumerate(shown, start=1):
        session.add(
            ShortlistMatch.recorded(
                actor,
                ranked.on,
                partner_id=actor.organisation_id,
                jobseeker_id=person_id,
                shortlist_id=shortlist.id,
                placement_id=match_placement_id,
                rank=rank,
                score=match.score,
                confidence=match.confidence,
                values={f.value: [v.value, list(v.found)] for f, v in match.values.items()},
                checks=[[c.rule.value, c.result.value, c.text, c.change] for c in match.checks],
                journey=_journey(match.journey),
                places_left=counts[match_placement_id][1],
            )
        )
    session.flush()  # the reply reads them
    return shortlist


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


def _unpacked(shortlist: Shortlist) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads(zlib.decompress(shortlist.refusals))
    return rows


class Shaper:
    """Shapes the stored pairs of one shortlist under today's policy, counting what it withholds."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self.session = session
        self.actor = actor
        self.withheld = 0
        self._groups: dict[UUID, frozenset[Group]] = {}

    def groups(self, jobseeker_id: UUID) -> frozenset[Group]:
        if jobseeker_id not in self._groups:
            person = self.session.get_one(Jobseeker, jobseeker_id)
            self._groups[jobseeker_id] = jobseeker_queries.visible_groups(self.actor, person)
        return self._groups[jobseeker_id]

    def checks(self, jobseeker_id: UUID, stored: Sequence[Sequence[str]]) -> list[CheckOut]:
        seen = self.groups(jobseeker_id)
        shown = [
            CheckOut(rule=rule, result=result, text=text)
            for rule, result, text, _ in stored
            if GROUP_OF_RULE.get(Rule(rule), Group.WORK) in seen
        ]
        self.withheld += len(stored) - len(shown)
        return shown

    def reasons(self, match: ShortlistMatch) -> list[ReasonOut]:
        values = {Feature(name): Value(value, tuple(found)) for name, (value, found) in match.values.items()}
        told = explain.reasons(values)
        seen = self.groups(match.jobseeker_id)
        shown = [reason for reason in told if GROUP_OF_FEATURE.get(reason.feature, Group.WORK) in seen]
        self.withheld += len(told) - len(shown)
        unknowns = [
            ReasonOut(feature=rule, text=change, effect="unknown")
            for rule, result, _, change in match.checks
            if result == Result.UNKNOWN and change and GROUP_OF_RULE.get(Rule(rule), Group.WORK) in seen
        ]
        return [ReasonOut(feature=r.feature, text=r.text, effect=r.effect) for r in shown] + unknowns


def shown(session: Session, actor: Actor, shortlist: Shortlist) -> ShortlistOut:
    """Return a shortlist: its stored ids, scores and order, with names and reasons as they may be told today."""
    matches = queries.matches(session, actor, shortlist.id)
    refused = _unpacked(shortlist)
    nearest = refused[:NEAREST]
    titles = _titles(session, {m.placement_id for m in matches} | {UUID(row[2]) for row in nearest})
    references = _references(session, {m.jobseeker_id for m in matches})
    shaper = Shaper(session, actor)
    items = [_shown_match(shaper, shortlist, match, titles, references) for match in matches]
    refusals = _shown_refusals(shaper, nearest, titles, actor)
    return ShortlistOut(
        id=shortlist.id,
        jobseeker_id=shortlist.jobseeker_id,
        placement_id=shortlist.placement_id,
        on=shortlist.shown_on,
        made_at=shortlist.recorded_at,
        model_version=shortlist.model_version,
        looked_at=shortlist.looked_at,
        eligible=shortlist.eligible,
        matches=items,
        refused=len(refused),
        refused_by_rule=shortlist.refused_by_rule,
        nearest_refusals=refusals,
        withheld=shaper.withheld,
    )


Titles = dict[UUID, tuple[str, str, str | None]]


def _titles(session: Session, placement_ids: set[UUID]) -> Titles:
    rows = session.execute(
        select(Placement.id, Placement.title, Placement.social_enterprise_id, Placement.place_basis).where(
            Placement.id.in_(placement_ids)
        )
    ).all()
    names = placement_queries.names(session, {row.social_enterprise_id for row in rows})
    return {row.id: (row.title, names[row.social_enterprise_id], row.place_basis) for row in rows}


def _references(session: Session, jobseeker_ids: set[UUID]) -> dict[UUID, tuple[str, str | None]]:
    rows = session.execute(
        select(Jobseeker.id, Jobseeker.reference, Jobseeker.place_basis).where(Jobseeker.id.in_(jobseeker_ids))
    )
    return {row.id: (row.reference, row.place_basis) for row in rows}


def _shown_match(
    shaper: Shaper,
    shortlist: Shortlist,
    match: ShortlistMatch,
    titles: Titles,
    references: dict[UUID, tuple[str, str | None]],
) -> MatchOut:
    title, enterprise, placement_basis = titles[match.placement_id]
    reference, home_basis = references[match.jobseeker_id]
    travel = None
    if match.journey is not None:
        basis = "outcode" if "outcode" in {placement_basis, home_basis} else "postcode"
        travel = TravelOut(**match.journey, basis=basis)
    return MatchOut(
        rank=match.rank,
        placement_id=match.placement_id,
        jobseeker_id=match.jobseeker_id,
        jobseeker_reference=reference,
        title=title,
        social_enterprise=enterprise,
        score=match.score,
        confidence=match.confidence,
        reasons=shaper.reasons(match),
        checks=shaper.checks(match.jobseeker_id, match.checks),
        travel=travel,
        places_left=match.places_left,
        model_version=shortlist.model_version,
    )


def _shown_refusals(shaper: Shaper, rows: Sequence[Sequence[Any]], titles: Titles, actor: Actor) -> list[RefusalOut]:
    visible = set(
        shaper.session.scalars(
            jobseeker_queries.ids_visible_to(actor).where(Jobseeker.id.in_({UUID(row[1]) for row in rows}))
        )
    )
    shapes = []
    for _, person, placement, failed in rows:
        if UUID(person) not in visible:
            shaper.withheld += 1
            continue
        title, enterprise, _ = titles[UUID(placement)]
        shapes.append(
            RefusalOut(
                placement_id=UUID(placement),
                jobseeker_id=UUID(person),
                title=title,
                social_enterprise=enterprise,
                checks=shaper.checks(UUID(person), failed),
                what_would_change_it=[change for *_, change in failed if change],
            )
        )
    return shapes


def refused_page(session: Session, actor: Actor, shortlist: Shortlist, request: PageRequest) -> RefusedPage:
    """Return the refused pairs one page at a time, so that nothing disappears silently."""
    rows = _unpacked(shortlist)
    found = page_after(rows, request, lambda row: UUID(row[0]))
    page = found[: request.limit]
    titles = _titles(session, {UUID(row[2]) for row in page})
    items = _shown_refusals(Shaper(session, actor), page, titles, actor)
    more = len(found) > request.limit
    return RefusedPage(items=items, next=cursor(UUID(page[-1][0])) if more else None)


def explained(session: Session, actor: Actor, shortlist: Shortlist, placement_id: UUID) -> MatchOut | RefusalOut:
    """Return one pair of a jobseeker's shortlist, whether it was shown or refused."""
    if shortlist.jobseeker_id is None:
        raise NotFound("This is a placement's shortlist; look at the jobseeker's own to have a pair explained.")
    shaper = Shaper(session, actor)
    for match in queries.matches(session, actor, shortlist.id):
        if match.placement_id == placement_id:
            titles = _titles(session, {placement_id})
            return _shown_match(shaper, shortlist, match, titles, _references(session, {match.jobseeker_id}))
    for row in _unpacked(shortlist):
        if row[2] == str(placement_id):
            found = _shown_refusals(shaper, [row], _titles(session, {placement_id}), actor)
            if found:
                return found[0]
    raise NotFound("This placement was not looked at, or ranked below the limit; make a longer shortlist.")
