"""Showing a shortlist: its stored ids, scores and order, in words as today's policy lets them be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from matching import eligibility, explain, flags
from matching.eligibility import Result, Rule
from matching.features import Feature, Value
from matching.profiles import JobseekerProfile, PlacementProfile
from matching.ranker import Match, PlacementRanker, order
from matching.score_tables import MILLION
from pathways.base import Actor
from pathways.database import Session
from pathways.errors import NotFound, RuleBroken
from pathways.fields import Group
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, ProfileVersion
from pathways.pagination import PageRequest, cursor, page_after
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement
from pathways.reference import vocabulary
from pathways.shortlists import looked, profiles, queries
from pathways.shortlists.looked import Looked
from pathways.shortlists.models import Shortlist, ShortlistMatch
from pathways.shortlists.schemas import (
    BelowOut,
    BelowPage,
    ChangeOut,
    CheckOut,
    FlagOut,
    MatchOut,
    ProfileUsed,
    ReasonOut,
    RefusalOut,
    RefusedPage,
    ShortlistOut,
    TravelOut,
)

NEAREST = 20
# The group of what a check or a reason tells of the jobseeker; all others tell of work.
GROUP_OF_RULE = {
    Rule.RIGHT_TO_WORK: Group.RIGHT_TO_WORK,
    Rule.AGE: Group.IDENTITY,
    Rule.TRAVEL: Group.CONTACT,
    Rule.SAFETY: Group.SAFETY,
}
GROUP_OF_FEATURE = {Feature.ADJUSTMENTS.value: Group.HEALTH}


def _values(match: ShortlistMatch) -> dict[Feature, Value]:
    return {Feature(name): Value(value, tuple(found)) for name, (value, found) in match.values.items()}


class Shaper:
    """Shapes the stored pairs of one shortlist under today's policy, counting what it withholds."""

    def __init__(self, session: Session, actor: Actor, shortlist: Shortlist) -> None:
        self.session = session
        self.actor = actor
        self.withheld = 0
        self.model = queries.ranking_model(session, shortlist.model_version)
        self.rules = profiles.benefit_rules(shortlist.shown_on)
        self._benefits: dict[UUID, list[str]] = {}
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
        told = explain.reasons(_values(match), self.model)
        seen = self.groups(match.jobseeker_id)
        shown = [reason for reason in told if GROUP_OF_FEATURE.get(reason.feature, Group.WORK) in seen]
        self.withheld += len(told) - len(shown)
        asked = {rule for rule, result, _, change in match.checks if result == Result.UNKNOWN and change}
        shown = [reason for reason in shown if not (reason.effect == "unknown" and reason.feature in asked)]
        unknowns = [
            ReasonOut(feature=rule, text=change, effect="unknown")
            for rule, result, _, change in match.checks
            if result == Result.UNKNOWN and change and GROUP_OF_RULE.get(Rule(rule), Group.WORK) in seen
        ]
        return [ReasonOut(feature=r.feature, text=r.text, effect=r.effect) for r in shown] + unknowns

    def lifts(self, match: ShortlistMatch) -> list[ChangeOut]:
        """Say which single changes would lift a pair most, and to what score."""
        seen = self.groups(match.jobseeker_id)
        placement = PlacementProfile(key=str(match.placement_id), title="")
        pair = Match(placement, match.score, match.confidence, _values(match), (), None)
        return [
            ChangeOut(about=change.about, text=change.text, score=change.score)
            for change in explain.what_would_lift(pair, self.model)
            if GROUP_OF_FEATURE.get(change.about, Group.WORK) in seen
        ]

    def flags(self, match: ShortlistMatch, hours: float | None, pence: int | None) -> list[FlagOut]:
        """Say what a benefits adviser should look at, to those who may read benefits."""
        if Group.BENEFITS not in self.groups(match.jobseeker_id):
            return []
        if match.jobseeker_id not in self._benefits:
            person = self.session.get_one(Jobseeker, match.jobseeker_id)
            profile = jobseeker_queries.profile(self.session, person)
            self._benefits[person.id] = (profile.benefits or []) if profile else []
        found = flags.flags(self._benefits[match.jobseeker_id], self.rules, hours=hours, pence_an_hour=pence)
        return [FlagOut(benefit=flag.benefit, text=flag.text) for flag in found]


def shown(
    session: Session, actor: Actor, shortlist: Shortlist, made: Sequence[ShortlistMatch] | None = None
) -> ShortlistOut:
    """Return a shortlist: its stored ids, scores and order, with names and reasons as they may be told today.

    ``made`` are its pairs where they were recorded a moment ago by this actor.
    """
    matches = queries.matches(session, actor, shortlist.id) if made is None else made
    kept = looked.unpacked(shortlist.refusals)
    nearest = kept[:NEAREST]
    titles = _titles(session, {m.placement_id for m in matches} | {UUID(row[2]) for row in nearest})
    references = _references(session, {m.jobseeker_id for m in matches})
    shaper = Shaper(session, actor, shortlist)
    items = [_shown_match(shaper, shortlist, match, titles, references) for match in matches]
    refusals = _shown_refusals(shaper, nearest, titles, actor)
    return ShortlistOut(
        id=shortlist.id,
        jobseeker_id=shortlist.jobseeker_id,
        placement_id=shortlist.placement_id,
        on=shortlist.shown_on,
        made_at=shortlist.recorded_at,
        model_version=shortlist.model_version,
        profile=_profile_used(session, shortlist),
        seed=shortlist.seed,
        looked_at=shortlist.looked_at,
        eligible=shortlist.eligible,
        matches=items,
        refused=len(kept) if shortlist.looked is None else shortlist.looked_at - shortlist.eligible,
        refused_by_rule=shortlist.refused_by_rule,
        nearest_refusals=refusals,
        withheld=shaper.withheld,
    )


def _profile_used(session: Session, shortlist: Shortlist) -> ProfileUsed | None:
    """Say which version of the profile was read, and from which day it is."""
    if shortlist.profile_version_id is None:
        return None
    version = session.get(ProfileVersion, shortlist.profile_version_id)
    return ProfileUsed(number=version.number, valid_on=version.valid_on) if version else None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a shortlist shows of a placement."""

    title: str
    social_enterprise: str
    place_basis: str | None
    hours: float | None
    pence_an_hour: int | None


Titles = dict[UUID, Listing]


def _titles(session: Session, placement_ids: set[UUID]) -> Titles:
    rows = session.execute(
        select(
            Placement.id,
            Placement.title,
            Placement.social_enterprise_id,
            Placement.place_basis,
            Placement.hours_per_week,
            Placement.pay_per_hour_pence,
        ).where(Placement.id.in_(placement_ids))
    ).all()
    names = placement_queries.names(session, {row.social_enterprise_id for row in rows})
    return {
        row.id: Listing(
            row.title,
            names[row.social_enterprise_id],
            row.place_basis,
            float(row.hours_per_week) if row.hours_per_week is not None else None,
            row.pay_per_hour_pence,
        )
        for row in rows
    }


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
    listing = titles[match.placement_id]
    reference, home_basis = references[match.jobseeker_id]
    travel = None
    if match.journey is not None:
        basis = "outcode" if "outcode" in {listing.place_basis, home_basis} else "postcode"
        travel = TravelOut(**match.journey, basis=basis)
    return MatchOut(
        rank=match.rank,
        placement_id=match.placement_id,
        jobseeker_id=match.jobseeker_id,
        jobseeker_reference=reference,
        title=listing.title,
        social_enterprise=listing.social_enterprise,
        score=match.score,
        score_low=match.score_low,
        score_high=match.score_high,
        jobseeker_side=match.jobseeker_side,
        placement_side=match.placement_side,
        propensity=match.propensity,
        confidence=match.confidence,
        reasons=shaper.reasons(match),
        what_would_lift_it=shaper.lifts(match),
        benefit_flags=shaper.flags(match, listing.hours, listing.pence_an_hour),
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
        listing = titles[UUID(placement)]
        shapes.append(
            RefusalOut(
                placement_id=UUID(placement),
                jobseeker_id=UUID(person),
                title=listing.title,
                social_enterprise=listing.social_enterprise,
                checks=shaper.checks(UUID(person), failed),
                what_would_change_it=[
                    change
                    for rule, *_, change in failed
                    if change and GROUP_OF_RULE.get(Rule(rule), Group.WORK) in shaper.groups(UUID(person))
                ],
            )
        )
    return shapes


def refused_page(session: Session, actor: Actor, shortlist: Shortlist, request: PageRequest) -> RefusedPage:
    """Return the refused pairs one page at a time, so that nothing disappears silently."""
    again = Again.of(session, shortlist)
    if again is None:
        found = page_after(looked.unpacked(shortlist.refusals), request, lambda row: UUID(row[0]))
        page = list(found[: request.limit])
    else:
        found = page_after(again.refused(), request, lambda at: _place_in_list(shortlist, at))
        page = again.refusals(found[: request.limit])
    titles = _titles(session, {UUID(row[2]) for row in page})
    items = _shown_refusals(Shaper(session, actor, shortlist), page, titles, actor)
    more = len(found) > request.limit
    return RefusedPage(items=items, next=cursor(UUID(page[-1][0])) if more else None)


def below_page(session: Session, actor: Actor, shortlist: Shortlist, request: PageRequest) -> BelowPage:
    """Return what fits but stood under the limit, best first, so that the whole list can be read."""
    again = Again.of(session, shortlist)
    if again is None:
        rows = looked.unpacked(shortlist.below) if shortlist.below else []
        found = page_after(rows, request, lambda row: UUID(row[0]))
        page = list(found[: request.limit])
    else:
        found = page_after(again.below(), request, lambda at: _place_in_list(shortlist, at))
        page = again.pairs(found[: request.limit])
    titles = _titles(session, {UUID(row[2]) for row in page})
    references = _references(session, {UUID(row[1]) for row in page})
    visible = set(session.scalars(jobseeker_queries.ids_visible_to(actor).where(Jobseeker.id.in_(references))))
    items = [
        BelowOut(
            rank=rank,
            placement_id=UUID(placement),
            jobseeker_id=UUID(person),
            jobseeker_reference=references[UUID(person)][0],
            title=titles[UUID(placement)].title,
            social_enterprise=titles[UUID(placement)].social_enterprise,
            score=score,
            confidence=confidence,
        )
        for _, person, placement, rank, score, confidence in page
        if UUID(person) in visible
    ]
    return BelowPage(items=items, next=cursor(UUID(page[-1][0])) if len(found) > request.limit else None)


def _place_in_list(shortlist: Shortlist, at: int) -> UUID:
    """Name a place of a list that is worked out again: the same at each reading, and no other list's."""
    return UUID(int=shortlist.id.int ^ at)


class Again:
    """A jobseeker's list worked out again from what it was ranked on: what failed and scored is kept, words are made.

    Rows are numbers of places in what was looked at; each page makes the words of its own rows only.
    """

    def __init__(self, session: Session, shortlist: Shortlist, wanted: JobseekerProfile, kept: Looked) -> None:
        self.session = session
        self.shortlist = shortlist
        self.wanted = wanted
        self.kept = kept
        self.where = queries.where_listings_were(session, kept.numbers.tolist())
        if len(self.where) != len(kept.numbers):
            raise RuleBroken("A listing of this shortlist is kept no longer. Make the shortlist again.")

    @classmethod
    def of(cls, session: Session, shortlist: Shortlist) -> "Again | None":
        """Return nothing for a list that keeps its sentences: a placement's, or one made before lists were packed."""
        if shortlist.looked is None or shortlist.inputs is None:
            return None
        wanted = looked.profile_unpacked(shortlist.inputs)
        return cls(session, shortlist, wanted, Looked.unpacked(shortlist.looked))

    def refused(self) -> list[int]:
        """Return the refused rows, nearest first."""
        rows = np.flatnonzero(self.kept.failed)
        near = looked.nearness(self.kept.failed[rows], self._metres(rows))
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
            checks, _ = eligibility.look(self.wanted.limits, looked.listing(version, failed), context)
            words = [[c.rule.value, c.result.value, c.text, c.change] for c in looked.told_of(failed, checks)]
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
        for row, match in zip(rows, self.matches(rows), strict=True):
            place, score = str(_place_in_list(self.shortlist, row)), int(self.kept.scores[row]) / MILLION
            told.append([place, self.wanted.key, match.placement.key, ranks[row], score, match.confidence])
        return told

    def matches(self, rows: Sequence[int]) -> list[Match]:
        """Return some rows that may be, explained anew."""
        versions = queries.versions(self.session, [int(self.kept.numbers[row]) for row in rows])
        ranker = PlacementRanker(
            vocabulary.in_force(self.session),
            profiles.context(self.shortlist.shown_on),
            queries.ranking_model(self.session, self.shortlist.model_version),
        )
        listings = [looked.listing(versions[int(self.kept.numbers[row])], 0) for row in rows]
        found, _ = ranker.pairs((self.wanted, listing) for listing in listings)
        return [match for _, match in found]


def explained(session: Session, actor: Actor, shortlist: Shortlist, placement_id: UUID) -> MatchOut | RefusalOut:
    """Return one pair of a jobseeker's shortlist, whether it was shown or refused."""
    if shortlist.jobseeker_id is None:
        raise NotFound("This is a placement's shortlist; look at the jobseeker's own to have a pair explained.")
    shaper = Shaper(session, actor, shortlist)
    for match in queries.matches(session, actor, shortlist.id):
        if match.placement_id == placement_id:
            titles = _titles(session, {placement_id})
            return _shown_match(shaper, shortlist, match, titles, _references(session, {match.jobseeker_id}))
    for row in _refusal_of(session, shortlist, placement_id):
        found = _shown_refusals(shaper, [row], _titles(session, {placement_id}), actor)
        if found:
            return found[0]
    raise NotFound("This placement was not looked at, or ranked below the limit; make a longer shortlist.")


def _refusal_of(session: Session, shortlist: Shortlist, placement_id: UUID) -> list[list[Any]]:
    again = Again.of(session, shortlist)
    if again is None:
        return [row for row in looked.unpacked(shortlist.refusals) if row[2] == str(placement_id)]
    rows = [row for row in np.flatnonzero(again.kept.failed).tolist() if again.where[row].placement_id == placement_id]
    return again.refusals(rows)
