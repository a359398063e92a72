"""Make a shortlist: read the data, rank with no transaction open, then check and record in one short transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any, TypeVar, cast
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Table, insert
from uuid_utils.compat import uuid7

from matching.bulk import passes
from matching.bulk.bits import RULES
from matching.bulk.columns import jobseeker_arrays
from matching.pairs import eligibility
from matching.pairs.checks import Check, CheckResult
from matching.pairs.features import Value, Values
from matching.pairs.profiles import JobseekerProfile, PlacementProfile
from matching.pairs.travel import TravelEstimate
from matching.score.ranker import NEAR_TIE, Match, PlacementRanker, Refusal, TwoSidedModel, order
from matching.score.tables import MILLION
from pathways import audit
from pathways.base import Actor
from pathways.database import Database, Session, WriteSession
from pathways.errors import RuleBroken
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, ProfileVersion
from pathways.placements import queries as placement_queries
from pathways.shortlists import index, near_refusals, queries, safety, snapshot
from pathways.shortlists.index import Day, IndexState, Listing
from pathways.shortlists.models import Shortlist, ShortlistMatch
from pathways.shortlists.snapshot import RankingSnapshot

NEAREST = 20
# The number of attempts to rank and record a shortlist; a new attempt follows if a placement changed meanwhile.
TRIES = 3
Rows = NDArray[np.intp]
Done = TypeVar("Done")


class RankedTooSoon(Exception):
    """A ranked placement has changed or is now covered by a safety exclusion, so the ranking must be repeated."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """The result of a ranking that is not recorded yet.

    ``matches`` are the pairs within the limit, as jobseeker id, placement id and match. ``versions`` and ``profiles``
    hold, for each matched placement, the version and the profile that were ranked. ``looked_at`` is the number of pairs
    checked. ``refusals``, ``below``, ``inputs`` and ``looked`` are packed for storage (``snapshot.py``); ``nearest``
    has the rows of ``refusals`` before that, if nobody was left out since. ``people`` holds every jobseeker checked for
    a placement's shortlist; it is empty for a jobseeker's shortlist.
    """

    on: date
    looked_at: int
    eligible: int
    matches: Sequence[tuple[UUID, UUID, Match]]
    refused_by_rule: Mapping[str, int]
    refusals: bytes
    model: TwoSidedModel
    seed: str
    below: bytes | None = None
    inputs: bytes | None = None
    looked: bytes | None = None
    versions: Mapping[UUID, int] = field(default_factory=dict)
    profiles: Mapping[UUID, PlacementProfile] = field(default_factory=dict)
    listings: Mapping[UUID, Listing] = field(default_factory=dict)
    people: frozenset[UUID] = frozenset()
    person: Jobseeker | None = None
    profile: ProfileVersion | None = None
    timetable_id: UUID | None = None
    nearest: Sequence[list[Any]] | None = None

    def without(self, gone: Collection[UUID]) -> "Ranked":
        """Return the ranking without the given jobseekers, with all counts calculated again."""
        if not gone:
            return self
        keys = {str(jobseeker_id) for jobseeker_id in gone}
        refused = snapshot.without(snapshot.unpacked(self.refusals), keys)
        below = snapshot.without(snapshot.unpacked(self.below), keys) if self.below else []
        matches = [pair for pair in self.matches if pair[0] not in gone]
        return replace(
            self,
            looked_at=self.looked_at - len(gone),
            eligible=len(matches) + len(below),
            matches=matches,
            refused_by_rule=snapshot.counted(refused),
            refusals=snapshot.packed(refused),
            nearest=None,
            below=snapshot.packed(below) if self.below else None,
        )


@dataclass(frozen=True, slots=True)
class RecordedShortlist:
    """A shortlist that was just recorded, with the data for its reply, so that no data is read again for the reply.

    ``matches`` have the columns of ``ShortlistMatch``.
    """

    shortlist: Shortlist
    matches: Sequence[Any]
    values: Sequence[Values]
    ranked: Ranked


@dataclass(frozen=True, slots=True)
class Gathered:
    """The data read for one jobseeker's shortlist, so that ranking needs no open session."""

    person: Jobseeker
    on: date
    wanted: JobseekerProfile
    profile: ProfileVersion | None
    index_state: IndexState

    @property
    def day(self) -> Day:
        return self.index_state.on(self.on)

    def ranker(self) -> PlacementRanker:
        return self.index_state.ranker(self.on)


@dataclass(frozen=True, slots=True)
class GatheredPeople:
    """The data read to rank jobseekers for placements.

    ``versions`` holds the version of the placement when the ranking is for one placement; otherwise it is empty.
    """

    on: date
    people: list[JobseekerProfile]
    placements: list[PlacementProfile]
    index_state: IndexState
    versions: Mapping[UUID, int] = field(default_factory=dict)

    @property
    def model(self) -> TwoSidedModel:
        return self.index_state.model

    def ranker(self) -> PlacementRanker:
        return self.index_state.ranker(self.on)


def gather(session: Session, actor: Actor, jobseeker_id: UUID, on: date, index_state: IndexState) -> Gathered:
    """Read the data to rank placements for one jobseeker; refuse a jobseeker the actor may not see."""
    person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    wanted, profile = queries.profiled(session, [person], on)[0]
    return Gathered(person, on, wanted, profile, index_state)


def rank(gathered: Gathered, limit: int) -> Ranked:
    """Rank, for one jobseeker, the placements that are open on a day.

    The bulk pass checks and scores every placement. Only the pairs within the limit get reasons.
    """
    day, ranker, wanted = gathered.day, gathered.ranker(), gathered.wanted
    people = jobseeker_arrays([wanted], day.columns, day.context)
    scored = passes.check_and_score(
        people, 0, day.columns.arrays, ranker.model.tables.arrays, day.arrays, near_refusals.AGREEABLE
    )
    failed, scores = scored.failed, scored.scores
    first, chances = _first(day, failed, scores, ranker.seed, wanted.key, max(limit, near_refusals.AMONG_FIRST))
    rows, propensities = first[:limit], chances[:limit]
    pairs, _ = ranker.pairs((wanted, day.columns.profile(row)) for row in rows)
    listed = {_id_of(day.columns.profile(row).key): day.columns.profile(row) for row in rows}
    matches = [
        (gathered.person.id, placement_id, match.with_propensity(round(chance, 6)))
        for placement_id, (_, match), chance in zip(listed, pairs, propensities, strict=True)
    ]
    metres = partial(_metres, day, wanted.limits.place)
    nearest = _nearest_rows(day, failed, metres)
    asked = near_refusals.worth_asking(day, scored, first, metres, wanted.limits)
    refused = _nearest(gathered, day, failed, nearest, asked)
    open_rows = day.by_number[failed[day.by_number] == 0]
    ranking_snapshot = RankingSnapshot(
        day.numbers[day.by_number],
        failed[day.by_number],
        scores[day.by_number],
        scored.codes[open_rows],
    )
    return Ranked(
        on=gathered.on,
        looked_at=len(failed),
        eligible=int(np.count_nonzero(failed == 0)),
        matches=matches,
        refused_by_rule=_counted(failed),
        refusals=snapshot.packed(refused),
        nearest=refused,
        model=ranker.model,
        seed=ranker.seed,
        inputs=snapshot.profile_packed(wanted),
        looked=ranking_snapshot.packed(day.packed_numbers),
        versions=dict(zip(listed, day.versions[rows].tolist(), strict=True)),
        profiles=listed,
        listings={
            _id_of(day.columns.profile(row).key): day.listing(row)
            for row in [*rows, *nearest, *(at for at, _ in asked)]
        },
        person=gathered.person,
        profile=gathered.profile,
        timetable_id=gathered.index_state.timetable.id if gathered.index_state.timetable else None,
    )


_id_of = lru_cache(maxsize=100_000)(UUID)  # the same listings come in one list after another


def _first(
    day: Day, failed: NDArray[np.uint16], scores: NDArray[np.int32], seed: str, list_key: str, limit: int
) -> tuple[list[int], list[float]]:
    """Return the best rows up to the limit, and for each of them the probability that the tie-break gives it its rank.

    Sorts only rows that could be within the limit: rows with at least the score of the limit's row minus ``NEAR_TIE``.
    """
    rows = np.flatnonzero(failed == 0)
    if len(rows) > limit:
        least = np.partition(scores[rows], len(rows) - limit)[len(rows) - limit]
        rows = rows[scores[rows] >= least - NEAR_TIE]
    keys = [day.columns.profile(row).key for row in rows.tolist()]
    ordering = order(scores[rows] / MILLION, keys, seed, list_key, day.columns.arrays.hashes[rows])
    return rows[ordering.places[:limit]].tolist(), ordering.propensities[:limit]


def _counted(failed: NDArray[np.uint16]) -> dict[str, int]:
    """Return, by check in alphabetical order, the number of placements it refuses. Leave out zeros."""
    counts = np.bincount(failed, minlength=1)
    patterns = np.flatnonzero(counts)
    by_rule = {rule.value: int(counts[patterns[patterns >> bit & 1 == 1]].sum()) for bit, rule in enumerate(RULES)}
    return {rule: count for rule, count in sorted(by_rule.items()) if count}


def _nearest(
    gathered: Gathered, day: Day, failed: NDArray[np.uint16], rows: Sequence[int], asked: Sequence[tuple[int, int]]
) -> list[list[Any]]:
    """Return the nearest refusals with their sentences; the other refusals are restored from the snapshot when read.

    Those that are worth asking about follow, each with the rank that it would have.
    """
    refusals = []
    for row, *rank in [*((row,) for row in rows), *asked]:
        listing = day.columns.profile(row)
        of_bits = snapshot.failed_checks(int(failed[row]), gathered.wanted.limits, listing, day.context)
        if rank:  # what else is to be asked is part of the question
            every, _ = eligibility.checks_and_travel(gathered.wanted.limits, listing, day.context)
            of_bits = [*of_bits, *(check for check in every if check.result is CheckResult.UNKNOWN)]
        refusals.append([str(uuid7()), gathered.wanted.key, listing.key, _checks(of_bits), *rank])
    return refusals


def _metres(day: Day, home: tuple[float, float] | None, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how far some placements are from home; 0 for work from home, and where either place is not known."""
    arrays = day.columns.arrays
    if home is None:
        return np.zeros(len(rows))
    has_journey = (arrays.column("is_placed")[rows] == 1) & (arrays.column("is_remote")[rows] == 0)
    return np.where(has_journey, np.hypot(arrays.east[rows] - home[0], arrays.north[rows] - home[1]), 0.0)


def _nearest_rows(
    day: Day, failed: NDArray[np.uint16], metres: Callable[[NDArray[np.intp]], NDArray[np.float64]]
) -> list[int]:
    """Return the rows of the ``NEAREST`` refused placements: fewest failed checks first, then shortest distance."""
    # A placement with fewer failed checks is always nearer. So only placements with at most ``enough`` failed checks
    # are compared, the smallest number that gives enough rows.
    how_many = np.bitwise_count(failed)
    enough = int(np.searchsorted(np.cumsum(np.bincount(how_many)[1:]), NEAREST)) + 1
    rows = np.flatnonzero((how_many > 0) & (how_many <= enough))
    near = snapshot.nearness(failed[rows], metres(rows))
    if len(rows) > NEAREST:
        nearest = near <= np.partition(near, NEAREST)[NEAREST]
        rows, near = rows[nearest], near[nearest]
    first: list[int] = rows[np.lexsort((day.numbers[rows], near))][:NEAREST].tolist()
    return first


def rank_placements(database: Database, actor: Actor, jobseeker_id: UUID, on: date, limit: int) -> Ranked:
    """Read one jobseeker's data, then rank the placements with no session open."""
    with index.of(database).reading(database, actor) as (session, index_state):
        gathered = gather(session, actor, jobseeker_id, on, index_state)
    return rank(gathered, limit)


def rank_jobseekers(database: Database, actor: Actor, placement_id: UUID, on: date, limit: int) -> Ranked:
    """For one placement, rank the open cases the actor may see. The social enterprise never receives the result."""
    with index.of(database).reading(database, actor) as (session, index_state):
        gathered = gather_people(session, actor, on, index_state, placement_id=placement_id)
    ranker = gathered.ranker()
    matches, refusals = ranker.rank_jobseekers(gathered.placements[0], gathered.people)
    refused = [_refusal(person, gathered.placements[0], refusal) for person, refusal in refusals]
    rows = [(UUID(person.key), placement_id, match) for person, match in matches]
    return Ranked(
        on=on,
        looked_at=len(gathered.people),
        eligible=len(matches),
        matches=rows[:limit],
        refused_by_rule=snapshot.counted(refused),
        refusals=snapshot.packed(refused),
        below=_packed_below(rows[limit:], limit),
        versions=gathered.versions,
        profiles={placement_id: gathered.placements[0]},
        people=frozenset(UUID(person.key) for person in gathered.people),
        model=gathered.model,
        seed=ranker.seed,
    )


def gather_people(
    session: Session, actor: Actor, on: date, index_state: IndexState, *where: Any, placement_id: UUID | None = None
) -> GatheredPeople:
    """Read the open cases the actor may see, and one placement or all open placements.

    ``where`` are further conditions on the jobseekers. Refuses a placement that is not open on the day.
    """
    if placement_id is not None:
        placement_queries.placement(session, actor, placement_id)
    people = [person for person, _ in queries.profiled(session, queries.people_to_rank(session, actor, *where), on)]
    day = index_state.on(on)
    if placement_id is None:
        return GatheredPeople(on, people, day.profiles, index_state)
    row = day.row_of(placement_id)
    if row is None:
        raise RuleBroken(
            "The placement is not open on this day: it is not published, has closed or has no free place. "
            "Choose another day or another placement."
        )
    return GatheredPeople(on, people, [day.columns.profile(row)], index_state, {placement_id: int(day.versions[row])})


def settled(
    database: Database, actor: Actor, ranking: Callable[[], Ranked], act: Callable[[WriteSession, Ranked, bool], Done]
) -> Done:
    """Call ``ranking``, then ``act`` in a write transaction. Repeat both if ``act`` raises ``RankedTooSoon``.

    In the last of ``TRIES`` attempts, the third argument of ``act`` is False, and ``act`` must not raise it.
    """
    for tries_left in reversed(range(TRIES)):
        ranked = ranking()
        try:
            with database.writing(actor) as session:
                return act(session, ranked, tries_left > 0)
        except RankedTooSoon:
            continue
    raise AssertionError  # the last attempt leaves changed placements out and cannot raise RankedTooSoon


def record(
    session: WriteSession,
    actor: Actor,
    ranked: Ranked,
    *,
    jobseeker_id: UUID | None = None,
    placement_id: UUID | None = None,
    may_repeat: bool = False,
) -> RecordedShortlist:
    """Check the ranking against the database again, then record the shortlist and its matches.

    A match is recorded only if its placement is still open, has not changed, has a free place and is not covered by a
    safety exclusion. Jobseekers whose cases were closed, erased or restricted since the ranking are removed from every
    part of a placement's shortlist. With ``may_repeat``, ``RankedTooSoon`` is raised if a match cannot be recorded.
    """
    if jobseeker_id is None:
        ranked = ranked.without(ranked.people.difference(queries.ids_to_rank(session, actor)))
    placements = {key for _, key, _ in ranked.matches}
    still_open, has_exclusions = queries.still_open(session, actor, placements, ranked.on, jobseeker_id)
    pairs = [(person_id, ranked.profiles[key]) for person_id, key, _ in ranked.matches] if has_exclusions else []
    excluded = safety.covered(session, actor, pairs, ranked.on)
    accepted = [
        (person_id, key, match)
        for person_id, key, match in ranked.matches
        if key in still_open and ranked.versions[key] == still_open[key][0] and (person_id, str(key)) not in excluded
    ]
    if may_repeat and len(accepted) < len(ranked.matches):
        raise RankedTooSoon
    columns = Shortlist.row(
        actor,
        ranked.on,
        partner_id=actor.organisation_id,
        jobseeker_id=jobseeker_id,
        placement_id=placement_id,
        shown_on=ranked.on,
        model_version=ranked.model.version,
        profile_version_id=ranked.profile.id if ranked.profile else None,
        looked_at=ranked.looked_at,
        eligible=ranked.eligible,
        refused_by_rule=dict(ranked.refused_by_rule),
        refusals=ranked.refusals,
        below=ranked.below,
        inputs=ranked.inputs,
        looked=ranked.looked,
        seed=ranked.seed,
        timetable_id=ranked.timetable_id,
    )
    session.execute(SHORTLISTS, [columns])
    shortlist = Shortlist(**columns)
    if jobseeker_id is None:
        session.add(audit.row(actor, "shortlists", shortlist.id, is_change=True))
    people = {person_id for person_id, _, _ in accepted} if jobseeker_id is None else {jobseeker_id}
    audit.people_changed(session, actor, people)
    rows = [
        _match_columns(actor, shortlist, person_id, placement, match, rank=rank, places_left=still_open[placement][1])
        for rank, (person_id, placement, match) in enumerate(accepted, start=1)
    ]
    if rows:
        # One INSERT for all rows, because a session would track every row as an object.
        session.execute(MATCHES, rows)
    matches = [SimpleNamespace(**row) for row in rows]
    values = [match.values for _, _, match in accepted]
    return RecordedShortlist(shortlist, matches, values, ranked)


SHORTLISTS = insert(cast("Table", Shortlist.__table__))
MATCHES = insert(cast("Table", ShortlistMatch.__table__))


def _match_columns(
    actor: Actor,
    shortlist: Shortlist,
    person_id: UUID,
    placement_id: UUID,
    match: Match,
    *,
    rank: int,
    places_left: int,
) -> dict[str, Any]:
    return ShortlistMatch.row(
        actor,
        shortlist.shown_on,
        partner_id=actor.organisation_id,
        jobseeker_id=person_id,
        shortlist_id=shortlist.id,
        placement_id=placement_id,
        rank=rank,
        score=match.score,
        confidence=match.confidence,
        values={f.value: _value(v) for f, v in match.values.items()},
        checks=_checks(match.checks),
        journey=_journey(match.journey),
        places_left=places_left,
        propensity=match.propensity,
        jobseeker_side=match.sides[0],
        placement_side=match.sides[1],
        score_low=match.interval[0],
        score_high=match.interval[1],
    )


def _value(value: Value) -> list[Any]:
    """Return the value of a feature as it is stored; one without a note is stored as before notes were introduced."""
    stored: list[Any] = [value.value, list(value.found)]
    return [*stored, value.note] if value.note else stored


def _packed_below(matches: Sequence[tuple[UUID, UUID, Match]], limit: int) -> bytes:
    return snapshot.packed(
        [
            [str(uuid7()), str(person), str(placement), rank, match.score, match.confidence]
            for rank, (person, placement, match) in enumerate(matches, start=limit + 1)
        ]
    )


def _journey(journey: TravelEstimate | None) -> dict[str, Any] | None:
    """Return a journey as it is stored; None too if the timetable has none in time, as the check then says."""
    if journey is None or journey.late:
        return None
    stored: dict[str, Any] = {
        "km": journey.km,
        "minutes_low": journey.minutes_low,
        "minutes_high": journey.minutes_high,
        "mode": journey.mode,
    }
    if journey.timetable_on is not None:
        stored |= {"timetable_on": journey.timetable_on.isoformat(), "changes": journey.changes}
    return stored


def _checks(checks: Sequence[Check]) -> list[list[str]]:
    return [[c.rule.value, c.result.value, c.text, c.change] for c in checks]


def _refusal(person: JobseekerProfile, placement: PlacementProfile, refusal: Refusal) -> list[Any]:
    return [str(uuid7()), person.key, placement.key, _checks(refusal.failed)]
