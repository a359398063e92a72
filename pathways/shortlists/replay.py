"""Showing a shortlist: its stored ids, scores and order, in words as today's policy lets them be told."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, select

from matching.pairs import benefit_flags
from matching.pairs.eligibility import CheckResult, Rule
from matching.pairs.features import Feature, Value, Values, codes_of
from matching.pairs.profiles import JobseekerProfile
from matching.score import explain
from matching.score.ranker import PlacementRanker, TwoSidedModel, confidence_of, order
from matching.score.tables import MILLION
from pathways.base import Actor
from pathways.database import Session
from pathways.errors import NotFound
from pathways.fields import Group
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, ProfileVersion
from pathways.organisations.models import Organisation
from pathways.pagination import PageRequest, cursor, page_after
from pathways.placements.models import Placement
from pathways.reference import vocabulary
from pathways.shortlists import profiles, queries, snapshot
from pathways.shortlists.actions import NEAREST, RecordedShortlist
from pathways.shortlists.index import Listing
from pathways.shortlists.models import Shortlist, ShortlistMatch
from pathways.shortlists.schemas import (
    BelowOut,
    BelowPage,
    MatchOut,
    RefusalOut,
    RefusedPage,
    ShortlistOut,
)
from pathways.shortlists.snapshot import RankingSnapshot

# The group of what a check or a reason tells of the jobseeker; all others tell of work.
GROUP_OF_RULE = {
    Rule.RIGHT_TO_WORK.value: Group.RIGHT_TO_WORK,
    Rule.AGE.value: Group.IDENTITY,
    Rule.TRAVEL.value: Group.CONTACT,
    Rule.SAFETY.value: Group.SAFETY,
}
# What every shortlist says of itself.
ADVISES = ShortlistOut.model_fields["note"].default
GROUP_OF_FEATURE = {Feature.ADJUSTMENTS.value: Group.HEALTH}


def _values(match: Any) -> dict[Feature, Value]:
    return {Feature(name): Value(value, tuple(found)) for name, (value, found) in match.values.items()}


Titles = Mapping[UUID, Listing]


Shape = dict[str, Any]
UNKNOWN = CheckResult.UNKNOWN.value


@cache
def _hidden(seen: frozenset[Group]) -> frozenset[str]:
    """Return the rules and features that tell of what is not among some groups."""
    return frozenset(name for name, group in {**GROUP_OF_RULE, **GROUP_OF_FEATURE}.items() if group not in seen)


class Shaper:
    """Shapes the stored pairs of one shortlist under today's policy, counting what it withholds.

    Only people this actor may see today are shaped at all. What it makes are plain shapes, checked once as a whole.
    """

    def __init__(
        self,
        session: Session,
        actor: Actor,
        shortlist: Shortlist,
        people: Iterable[Jobseeker],
        model: TwoSidedModel | None = None,
    ) -> None:
        self.session = session
        self.actor = actor
        self.shortlist = shortlist
        self.withheld = 0
        self.model = model or queries.ranking_model(session, shortlist.model_version)
        self.people = {person.id: person for person in people}
        self.groups = {person.id: jobseeker_queries.visible_groups(actor, person) for person in self.people.values()}
        self.hidden = {key: _hidden(seen) for key, seen in self.groups.items()}
        self._benefits: dict[UUID, list[str]] = {}

    @classmethod
    def of(cls, session: Session, actor: Actor, shortlist: Shortlist, ids: Iterable[UUID]) -> "Shaper":
        """Look up who of these people this actor may see."""
        visible = jobseeker_queries.visible_to(actor).where(Jobseeker.id.in_(set(ids)))
        return cls(session, actor, shortlist, session.scalars(visible))

    def know_benefits(self, jobseeker_id: UUID, profile: ProfileVersion | None) -> None:
        self._benefits[jobseeker_id] = (profile.benefits or []) if profile else []

    def look_up_benefits(self) -> None:
        """Read the benefits of those whose benefits this actor may read, once for all."""
        may = [key for key, seen in self.groups.items() if Group.BENEFITS in seen and key not in self._benefits]
        self._benefits |= {key: [] for key in may} | queries.benefits(self.session, self.actor, may)

    @cached_property
    def rules(self) -> tuple[benefit_flags.BenefitRule, ...]:
        return profiles.benefit_rules(self.shortlist.shown_on)

    def matches(self, rows: Sequence[Any], titles: Titles, values: Sequence[Values] | None = None) -> list[Shape]:
        """Shape pairs that were shown: rows of ``ShortlistMatch``, or what has its columns."""
        known = values if values is not None else [_values(row) for row in rows]
        self.look_up_benefits()
        told, lifts = explain.reasons_of(known, self.model), explain.lifts_of(known, self.model)
        return [
            self._match(row, titles[row.placement_id], reasons, changes)
            for row, reasons, changes in zip(rows, told, lifts, strict=True)
        ]

    def _match(
        self, row: Any, listing: Listing, reasons: list[explain.MatchReason], changes: list[explain.PairChange]
    ) -> Shape:
        person, hidden = self.people[row.jobseeker_id], self.hidden[row.jobseeker_id]
        travel = None
        if row.journey is not None:
            basis = "outcode" if "outcode" in {listing.place_basis, person.place_basis} else "postcode"
            travel = {**row.journey, "basis": basis}
        return {
            "rank": row.rank,
            "placement_id": row.placement_id,
            "jobseeker_id": row.jobseeker_id,
            "jobseeker_reference": person.reference,
            "title": listing.title,
            "social_enterprise": listing.social_enterprise,
            "score": row.score,
            "score_low": row.score_low,
            "score_high": row.score_high,
            "jobseeker_side": row.jobseeker_side,
            "placement_side": row.placement_side,
            "propensity": row.propensity,
            "confidence": row.confidence,
            "reasons": self._reasons(row, reasons, hidden),
            "what_would_lift_it": [
                {"about": change.about, "text": change.text, "score": change.score}
                for change in changes
                if change.about not in hidden
            ],
            "benefit_flags": self._flags(row, listing),
            "checks": self.checks(row.checks, hidden),
            "travel": travel,
            "places_left": row.places_left,
            "model_version": self.shortlist.model_version,
        }

    def checks(self, stored: Sequence[Sequence[str]], hidden: frozenset[str]) -> list[Shape]:
        shown = [
            {"rule": rule, "result": result, "text": text} for rule, result, text, _ in stored if rule not in hidden
        ]
        self.withheld += len(stored) - len(shown)
        return shown

    def _reasons(self, row: Any, told: list[explain.MatchReason], hidden: frozenset[str]) -> list[Shape]:
        asked = {rule: change for rule, result, _, change in row.checks if change and result == UNKNOWN}
        kept = []
        for reason in told:
            if reason.feature in hidden:
                self.withheld += 1
            elif reason.effect != "unknown" or reason.feature not in asked:
                kept.append({"feature": reason.feature, "text": reason.text, "effect": reason.effect})
        return kept + [
            {"feature": rule, "text": change, "effect": UNKNOWN} for rule, change in asked.items() if rule not in hidden
        ]

    def _flags(self, row: Any, listing: Listing) -> list[Shape]:
        """Say what a benefits adviser should look at, to those who may read benefits."""
        if Group.BENEFITS not in self.groups[row.jobseeker_id]:
            return []
        benefits = self._benefits[row.jobseeker_id]
        if not benefits:
            return []
        found = benefit_flags.flags(benefits, self.rules, hours=listing.hours, pence_an_hour=listing.pence_an_hour)
        return [{"benefit": flag.benefit, "text": flag.text} for flag in found]

    def refusals(self, rows: Sequence[Sequence[Any]], titles: Titles) -> list[Shape]:
        """Shape refused pairs as they are kept: an id, the person, the placement, the failed checks."""
        shapes = []
        for _, person, placement, failed in rows:
            jobseeker_id, placement_id = UUID(person), UUID(placement)
            if jobseeker_id not in self.people:
                self.withheld += 1
                continue
            listing, hidden = titles[placement_id], self.hidden[jobseeker_id]
            shapes.append(
                {
                    "placement_id": placement_id,
                    "jobseeker_id": jobseeker_id,
                    "title": listing.title,
                    "social_enterprise": listing.social_enterprise,
                    "checks": self.checks(failed, hidden),
                    "what_would_change_it": [change for rule, *_, change in failed if change and rule not in hidden],
                }
            )
        return shapes


def reply(session: Session, actor: Actor, shortlist: Shortlist, recorded: RecordedShortlist | None = None) -> Shape:
    """Return a shortlist: its stored ids, scores and order, with names and reasons as they may be told today.

    It is the shape of ``ShortlistOut``. ``recorded`` is what was read and written of it a moment ago in this session.
    """
    kept = snapshot.unpacked(shortlist.refusals)
    nearest = kept[:NEAREST]
    ranked = recorded.ranked if recorded else None
    if recorded is None or ranked is None or ranked.person is None:
        matches: Sequence[Any] = queries.matches(session, actor, shortlist.id)
        values: Sequence[Values] | None = None
        people = {match.jobseeker_id for match in matches} | {UUID(row[1]) for row in nearest}
        shaper = Shaper.of(session, actor, shortlist, people)
        titles = _titles(session, {m.placement_id for m in matches} | {UUID(row[2]) for row in nearest})
        profile = session.get(ProfileVersion, shortlist.profile_version_id) if shortlist.profile_version_id else None
    else:
        matches, values, profile = recorded.matches, recorded.values, ranked.profile
        shaper = Shaper(session, actor, shortlist, [ranked.person], ranked.model)
        shaper.know_benefits(ranked.person.id, profile)
        titles = ranked.listings
    return {
        "id": shortlist.id,
        "jobseeker_id": shortlist.jobseeker_id,
        "placement_id": shortlist.placement_id,
        "on": shortlist.shown_on,
        "made_at": shortlist.recorded_at,
        "model_version": shortlist.model_version,
        "profile": {"number": profile.number, "valid_on": profile.valid_on} if profile else None,
        "seed": shortlist.seed,
        "looked_at": shortlist.looked_at,
        "eligible": shortlist.eligible,
        "matches": shaper.matches(matches, titles, values),
        "refused": len(kept) if shortlist.looked is None else shortlist.looked_at - shortlist.eligible,
        "refused_by_rule": shortlist.refused_by_rule,
        "nearest_refusals": shaper.refusals(nearest, titles),
        "withheld": shaper.withheld,
        "note": ADVISES,
    }


LISTINGS = (
    select(
        Placement.id,
        Placement.title,
        Organisation.name.label("social_enterprise"),
        Placement.place_basis,
        Placement.hours_per_week,
        Placement.pay_per_hour_pence,
    )
    .join(Organisation, Organisation.id == Placement.social_enterprise_id)
    .where(Placement.id.in_(bindparam("ids", expanding=True)))
)


def _titles(session: Session, placement_ids: set[UUID]) -> Titles:
    rows = session.execute(LISTINGS, {"ids": list(placement_ids)}).all()
    return {row.id: Listing.of(row) for row in rows}


def refused_page(session: Session, actor: Actor, shortlist: Shortlist, request: PageRequest) -> RefusedPage:
    """Return the refused pairs one page at a time, so that nothing disappears silently."""
    again = Again.of(session, shortlist)
    if again is None:
        found = page_after(snapshot.unpacked(shortlist.refusals), request, lambda row: UUID(row[0]))
        page = list(found[: request.limit])
    else:
        found = page_after(again.refused(), request, lambda at: _place_in_list(shortlist, at))
        page = again.refusals(found[: request.limit])
    shaper = Shaper.of(session, actor, shortlist, {UUID(row[1]) for row in page})
    items = shaper.refusals(page, _titles(session, {UUID(row[2]) for row in page}))
    more = len(found) > request.limit
    return RefusedPage.model_validate({"items": items, "next": cursor(UUID(page[-1][0])) if more else None})


def below_page(session: Session, actor: Actor, shortlist: Shortlist, request: PageRequest) -> BelowPage:
    """Return what fits but stood under the limit, best first, so that the whole list can be read."""
    again = Again.of(session, shortlist)
    if again is None:
        rows = snapshot.unpacked(shortlist.below) if shortlist.below else []
        found = page_after(rows, request, lambda row: UUID(row[0]))
        page = list(found[: request.limit])
    else:
        found = page_after(again.below(), request, lambda at: _place_in_list(shortlist, at))
        page = again.pairs(found[: request.limit])
    titles = _titles(session, {UUID(row[2]) for row in page})
    people = Shaper.of(session, actor, shortlist, {UUID(row[1]) for row in page}).people
    items = [
        BelowOut(
            rank=rank,
            placement_id=UUID(placement),
            jobseeker_id=UUID(person),
            jobseeker_reference=people[UUID(person)].reference,
            title=titles[UUID(placement)].title,
            social_enterprise=titles[UUID(placement)].social_enterprise,
            score=score,
            confidence=confidence,
        )
        for _, person, placement, rank, score, confidence in page
        if UUID(person) in people
    ]
    return BelowPage(items=items, next=cursor(UUID(page[-1][0])) if len(found) > request.limit else None)


def _place_in_list(shortlist: Shortlist, at: int) -> UUID:
    """Name a place of a list that is worked out again: the same at each reading, and no other list's."""
    return UUID(int=shortlist.id.int ^ at)


class Again:
    """A jobseeker's list worked out again from what it was ranked on: what failed and scored is kept, words are made.

    Rows are numbers of places in what was looked at; each page makes the words of its own rows only.
    """

    def __init__(self, session: Session, shortlist: Shortlist, wanted: JobseekerProfile, kept: RankingSnapshot) -> None:
        self.session = session
        self.shortlist = shortlist
        self.wanted = wanted
        self.where = queries.where_listings_were(session, kept.numbers.tolist())
        # What is kept no longer cannot be told again; one such listing hides none of the others.
        self.kept = kept.only([row.number for row in self.where])

    @classmethod
    def of(cls, session: Session, shortlist: Shortlist) -> "Again | None":
        """Return nothing for a list that keeps its sentences: a placement's, or one made before lists were packed."""
        if shortlist.looked is None or shortlist.inputs is None:
            return None
        wanted = snapshot.profile_unpacked(shortlist.inputs)
        return cls(session, shortlist, wanted, RankingSnapshot.unpacked(shortlist.looked))

    def refused(self) -> list[int]:
        """Return the refused rows, nearest first."""
        rows = np.flatnonzero(self.kept.failed)
        near = snapshot.nearness(self.kept.failed[rows], self._metres(rows))
        return [int(row) for row in rows[np.lexsort((self.kept.numbers[rows], near))]]

    def _metres(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        home = self.wanted.limits.place
        if home is None:
            return np.zeros(len(rows))
        east = np.array([self.where[row].easting for row in rows.tolist()], dtype=np.float64)
        north = np.array([self.where[row].northing for row in rows.tolist()], dtype=np.float64)
        return np.nan_to_num(np.hypot(east - home[0], north - home[1]))

    def refusals(self, rows: Sequence[int]) -> list[list[Any]]:
        """Return the failed checks of some rows in their words."""
        context = profiles.context(self.shortlist.shown_on)
        versions = queries.versions(self.session, [int(self.kept.numbers[row]) for row in rows])
        told = []
        for row in rows:
            failed, version = int(self.kept.failed[row]), versions[int(self.kept.numbers[row])]
            told_of = snapshot.failed_checks(failed, self.wanted.limits, snapshot.listing(version, failed), context)
            words = [[c.rule.value, c.result.value, c.text, c.change] for c in told_of]
            place = str(_place_in_list(self.shortlist, row))
            told.append([place, self.wanted.key, str(version.placement_id), words])
        return told

    @cached_property
    def inorder(self) -> list[int]:
        """Every row that may be, in the order of the list."""
        rows = np.flatnonzero(self.kept.failed == 0)
        keys = [str(self.where[row].placement_id) for row in rows.tolist()]
        found = order(self.kept.scores[rows] / MILLION, keys, self.shortlist.seed or "", self.wanted.key)
        return [int(row) for row in rows[found.places]]

    def below(self) -> list[int]:
        """Return the rows that may be and were not shown, best first."""
        rows = select(ShortlistMatch.placement_id).where(
            ShortlistMatch.partner_id == self.shortlist.partner_id, ShortlistMatch.shortlist_id == self.shortlist.id
        )
        shown = set(self.session.scalars(rows))
        return [row for row in self.inorder if self.where[row].placement_id not in shown]

    def pairs(self, rows: Sequence[int]) -> list[list[Any]]:
        """Return some rows with their ranks, scores and how much of them was known."""
        ranks = {row: rank for rank, row in enumerate(self.inorder, start=1)}
        told = []
        for row, (placement, _, confidence) in zip(rows, self.scored(rows), strict=True):
            place, score = str(_place_in_list(self.shortlist, row)), int(self.kept.scores[row]) / MILLION
            told.append([place, self.wanted.key, placement, ranks[row], score, confidence])
        return told

    def scored(self, rows: Sequence[int]) -> list[tuple[str, int, str]]:
        """Return of some rows the placement, its score worked out anew in millionths, and how much was known.

        Whether they may be was decided when the list was made: a table revised since takes none of them away.
        """
        versions = queries.versions(self.session, [int(self.kept.numbers[row]) for row in rows])
        listings = [snapshot.listing(versions[int(self.kept.numbers[row])], 0) for row in rows]
        model = queries.ranking_model(self.session, self.shortlist.model_version)
        ranker = PlacementRanker(vocabulary.in_force(self.session), profiles.context(self.shortlist.shown_on), model)
        codes = codes_of([ranker.values(self.wanted, listing) for listing in listings])
        scores, known = model.tables.scores(codes).tolist(), model.shares_known(codes).tolist()
        return [
            (listing.key, score, confidence_of(share))
            for listing, score, share in zip(listings, scores, known, strict=True)
        ]


def explained(session: Session, actor: Actor, shortlist: Shortlist, placement_id: UUID) -> MatchOut | RefusalOut:
    """Return one pair of a jobseeker's shortlist, whether it was shown or refused."""
    if shortlist.jobseeker_id is None:
        raise NotFound("This is a placement's shortlist; look at the jobseeker's own to have a pair explained.")
    shaper = Shaper.of(session, actor, shortlist, {shortlist.jobseeker_id})
    titles = _titles(session, {placement_id})
    shown = [one for one in queries.matches(session, actor, shortlist.id) if one.placement_id == placement_id]
    if shown:
        return MatchOut.model_validate(shaper.matches(shown, titles)[0])
    refused = shaper.refusals(_refusal_of(session, shortlist, placement_id), titles)
    if refused:
        return RefusalOut.model_validate(refused[0])
    raise NotFound("This placement was not looked at, or ranked below the limit; make a longer shortlist.")


def _refusal_of(session: Session, shortlist: Shortlist, placement_id: UUID) -> list[list[Any]]:
    again = Again.of(session, shortlist)
    if again is None:
        return [row for row in snapshot.unpacked(shortlist.refusals) if row[2] == str(placement_id)]
    rows = [row for row in np.flatnonzero(again.kept.failed).tolist() if again.where[row].placement_id == placement_id]
    return again.refusals(rows)
