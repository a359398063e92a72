"""Build the replies for stored shortlists: stored ids, scores and order, with the texts the actor may read today."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, select

from matching.pairs.benefit_flags import BenefitRule
from matching.pairs.checks import CheckResult, Rule
from matching.pairs.eligibility import Context
from matching.pairs.features import Feature, Value, Values, codes_of
from matching.pairs.profiles import JobseekerProfile
from matching.score import explain
from matching.score.confidence import certainties, confidence_of
from matching.score.ranker import PlacementRanker, TwoSidedModel, order
from matching.score.tables import MILLION
from pathways.base import Actor
from pathways.database import Session
from pathways.errors import NotFound
from pathways.fields import Group, is_withheld_by_words, reads_any_words
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, ProfileVersion
from pathways.organisations.models import Organisation
from pathways.pagination import PageRequest, cursor, page_after
from pathways.placements.models import Placement
from pathways.reference import timetables, vocabulary
from pathways.shortlists import benefits_told, near_refusals, profiles, queries, snapshot
from pathways.shortlists.actions import NEAREST, RecordedShortlist
from pathways.shortlists.index import Listing
from pathways.shortlists.models import Shortlist, ShortlistMatch
from pathways.shortlists.near_refusals import QUESTIONS
from pathways.shortlists.schemas import (
    BelowOut,
    BelowPage,
    MatchOut,
    RefusalOut,
    RefusedPage,
    ShortlistOut,
)
from pathways.shortlists.snapshot import RankingSnapshot

# The field group that a check or a reason reveals about the jobseeker; a name not listed here reveals the group WORK.
OF_REFUSAL = 4  # the parts of a stored refusal; one that is worth asking about has its rank besides
GROUP_OF_RULE = {
    Rule.RIGHT_TO_WORK.value: Group.RIGHT_TO_WORK,
    Rule.AGE.value: Group.IDENTITY,
    Rule.TRAVEL.value: Group.CONTACT,
    Rule.SAFETY.value: Group.SAFETY,
    Rule.COMPANY.value: Group.HEALTH,
    Rule.LANGUAGE.value: Group.CONTACT,
}
# The note that every shortlist carries.
ADVISES = ShortlistOut.model_fields["note"].default
GROUP_OF_FEATURE = {Feature.ADJUSTMENTS.value: Group.HEALTH}


def _values(match: Any) -> dict[Feature, Value]:
    return {Feature(name): Value(kept[0], tuple(kept[1]), *kept[2:]) for name, kept in match.values.items()}


Titles = Mapping[UUID, Listing]


Shape = dict[str, Any]
FAIL, UNKNOWN = CheckResult.FAIL.value, CheckResult.UNKNOWN.value


@cache
def _withheld_names(visible: frozenset[Group]) -> frozenset[str]:
    """Return the names of the rules and features that reveal a field group that is not in ``visible``."""
    return frozenset(name for name, group in {**GROUP_OF_RULE, **GROUP_OF_FEATURE}.items() if group not in visible)


class Shaper:
    """Builds the reply of one shortlist for the actor, and counts the reasons and checks it withholds.

    Jobseekers the actor may not see today are left out completely. The results are plain dictionaries, which are not
    validated one by one.
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
        self.hidden = {key: _withheld_names(visible) for key, visible in self.groups.items()}
        self.reads_any_words = {key: reads_any_words(visible) for key, visible in self.groups.items()}
        self._benefits: dict[UUID, list[str]] = {}

    @classmethod
    def of(cls, session: Session, actor: Actor, shortlist: Shortlist, ids: Iterable[UUID]) -> "Shaper":
        """Return what makes replies about those of the given jobseekers that the actor may see."""
        visible = jobseeker_queries.visible_to(actor).where(Jobseeker.id.in_(set(ids)))
        return cls(session, actor, shortlist, session.scalars(visible))

    def know_benefits(self, jobseeker_id: UUID, profile: ProfileVersion | None) -> None:
        """Set the benefits of a jobseeker from a profile that is already loaded."""
        self._benefits[jobseeker_id] = (profile.benefits or []) if profile else []

    def read_benefits(self) -> None:
        """Read the benefits of all jobseekers for whom the actor may read them, in one query."""
        readable = [
            key for key, visible in self.groups.items() if Group.BENEFITS in visible and key not in self._benefits
        ]
        self._benefits |= {key: [] for key in readable} | queries.benefits(self.session, self.actor, readable)

    @cached_property
    def rules(self) -> tuple[BenefitRule, ...]:
        return profiles.benefit_rules(self.shortlist.shown_on)

    def matches(self, rows: Sequence[Any], titles: Titles, values: Sequence[Values] | None = None) -> list[Shape]:
        """Return the replies for matches; ``rows`` are rows of ``ShortlistMatch`` or objects with its columns."""
        feature_values = values if values is not None else [_values(row) for row in rows]
        self.read_benefits()
        codes = codes_of(feature_values)
        reasons_of_rows = explain.reasons_of(feature_values, self.model, codes)
        changes_of_rows = explain.lifts_of(feature_values, self.model, codes=codes)
        return [
            self._match(row, titles[row.placement_id], reasons, changes)
            for row, reasons, changes in zip(rows, reasons_of_rows, changes_of_rows, strict=True)
        ]

    def _match(
        self, row: Any, listing: Listing, reasons: list[explain.MatchReason], changes: list[explain.PairChange]
    ) -> Shape:
        person, hidden = self.people[row.jobseeker_id], self.hidden[row.jobseeker_id]
        travel = None
        if row.journey is not None:
            basis = "outcode" if "outcode" in {listing.place_basis, person.place_basis} else "postcode"
            travel = {"timetable_on": None, "changes": None, **row.journey, "basis": basis}
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
            "reasons": self._reasons(row, reasons),
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
        readable = [
            {"rule": rule, "result": result, "text": text} for rule, result, text, _ in stored if rule not in hidden
        ]
        self.withheld += len(stored) - len(readable)
        return readable

    def _reasons(self, row: Any, match_reasons: list[explain.MatchReason]) -> list[Shape]:
        """Return the reasons that the actor may read. A reason may quote the jobseeker's own words."""
        hidden, visible = self.hidden[row.jobseeker_id], self.groups[row.jobseeker_id]
        any_words = self.reads_any_words[row.jobseeker_id]
        open_questions = {rule: change for rule, result, _, change in row.checks if change and result == UNKNOWN}
        readable = []
        for reason in match_reasons:
            if reason.feature in hidden or (not any_words and is_withheld_by_words(reason.text, visible)):
                self.withheld += 1
            elif reason.effect != "unknown" or reason.feature not in open_questions:
                readable.append({"feature": reason.feature, "text": reason.text, "effect": reason.effect})
        return readable + [
            {"feature": rule, "text": change, "effect": UNKNOWN}
            for rule, change in open_questions.items()
            if rule not in hidden
        ]

    def _flags(self, row: Any, listing: Listing) -> list[Shape]:
        """Return the points to check with a benefits adviser; an empty list if the actor may not read benefits."""
        if Group.BENEFITS not in self.groups[row.jobseeker_id]:
            return []
        benefits = self._benefits[row.jobseeker_id]
        if not benefits:
            return []
        return benefits_told.shapes(benefits, self.rules, hours=listing.hours, pence_an_hour=listing.pence_an_hour)

    def refusals(self, rows: Sequence[Sequence[Any]], titles: Titles) -> list[Shape]:
        """Return the replies for refused pairs. Each stored row has an id, jobseeker, placement and failed checks."""
        shapes = []
        for _, person, placement, failed, *_ in rows:
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

    def worth_asking(self, rows: Sequence[Sequence[Any]], titles: Titles) -> list[Shape]:
        """Return the replies for refused pairs that are worth a question. One with a hidden check is left out."""
        shapes = []
        for row in rows:
            for shape in self.refusals([row], titles):
                rules = [check["rule"] for check in shape["checks"] if check["result"] == FAIL]
                if rules:
                    shapes.append({**shape, "question": QUESTIONS[rules[0]], "would_rank": row[OF_REFUSAL]})
        return shapes


def reply(session: Session, actor: Actor, shortlist: Shortlist, recorded: RecordedShortlist | None = None) -> Shape:
    """Return the reply of a shortlist as a dictionary with the fields of ``ShortlistOut``.

    Ids, scores and order are the stored ones; names and reasons are those the actor may read today. ``recorded`` is
    given if the shortlist was recorded in this session, so that its data is not read again.
    """
    fresh = recorded.ranked.nearest if recorded else None
    stored_refusals = snapshot.unpacked(shortlist.refusals) if fresh is None else fresh
    refused_rows = [row for row in stored_refusals if len(row) == OF_REFUSAL]
    nearest, asked = refused_rows[:NEAREST], [row for row in stored_refusals if len(row) > OF_REFUSAL]
    ranked = recorded.ranked if recorded else None
    if recorded is None and asked:  # a question that was stored may hold no longer
        asked = near_refusals.still_holds(session, shortlist.partner_id, asked)
    if recorded is None or ranked is None or ranked.person is None:
        matches: Sequence[Any] = queries.matches(session, actor, shortlist.id)
        values: Sequence[Values] | None = None
        people = {match.jobseeker_id for match in matches} | {UUID(row[1]) for row in (*nearest, *asked)}
        shaper = Shaper.of(session, actor, shortlist, people)
        shown = {match.placement_id for match in matches} | {UUID(row[2]) for row in (*nearest, *asked)}
        titles = _titles(session, shown)
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
        "refused": len(refused_rows) if shortlist.looked is None else shortlist.looked_at - shortlist.eligible,
        "refused_by_rule": shortlist.refused_by_rule,
        "nearest_refusals": shaper.refusals(nearest, titles),
        "worth_asking": shaper.worth_asking(asked, titles),
        "withheld": shaper.withheld,
        "note": ADVISES,
    }


LISTINGS = (
    select(
        Placement.id,
        Placement.title,
        Organisation.name.label("social_enterprise"),
        Placement.place_basis,
        Placement.kind,
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
    """Return one page of the refused pairs, nearest to eligible first."""
    restored = Again.of(session, shortlist)
    if restored is None:
        rows = page_after(snapshot.unpacked(shortlist.refusals), request, lambda row: UUID(row[0]))
        page = list(rows[: request.limit])
    else:
        rows = page_after(restored.refused(), request, lambda at: _row_id(shortlist, at))
        page = restored.refusals(rows[: request.limit])
    shaper = Shaper.of(session, actor, shortlist, {UUID(row[1]) for row in page})
    items = shaper.refusals(page, _titles(session, {UUID(row[2]) for row in page}))
    more = len(rows) > request.limit
    return RefusedPage.model_validate({"items": items, "next": cursor(UUID(page[-1][0])) if more else None})


def below_page(session: Session, actor: Actor, shortlist: Shortlist, request: PageRequest) -> BelowPage:
    """Return one page of the eligible pairs below the limit, best first."""
    restored = Again.of(session, shortlist)
    if restored is None:
        rows = snapshot.unpacked(shortlist.below) if shortlist.below else []
        page_rows = page_after(rows, request, lambda row: UUID(row[0]))
        page = list(page_rows[: request.limit])
    else:
        page_rows = page_after(restored.below(), request, lambda at: _row_id(shortlist, at))
        page = restored.pairs(page_rows[: request.limit])
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
    return BelowPage(items=items, next=cursor(UUID(page[-1][0])) if len(page_rows) > request.limit else None)


def _row_id(shortlist: Shortlist, at: int) -> UUID:
    """Return the id of a row of a restored list, for the cursor: the same at each reading, and unique to this list."""
    return UUID(int=shortlist.id.int ^ at)


class Again:
    """A jobseeker's shortlist restored from its snapshot.

    Failed checks and scores are stored; sentences are made again, but only for the rows of the requested page. A row
    is a position in the snapshot.
    """

    def __init__(self, session: Session, shortlist: Shortlist, wanted: JobseekerProfile, kept: RankingSnapshot) -> None:
        self.session = session
        self.shortlist = shortlist
        self.wanted = wanted
        self.where = queries.where_listings_were(session, kept.numbers.tolist())
        # A placement version that was deleted cannot be described, so its row is left out.
        self.kept = kept.only([row.number for row in self.where])

    @classmethod
    def of(cls, session: Session, shortlist: Shortlist) -> "Again | None":
        """Return the restored list; None if the shortlist has no snapshot.

        A placement's shortlist, and a shortlist made before snapshots were introduced, is stored with its sentences.
        """
        if shortlist.looked is None or shortlist.inputs is None:
            return None
        wanted = snapshot.profile_unpacked(shortlist.inputs)
        return cls(session, shortlist, wanted, RankingSnapshot.unpacked(shortlist.looked))

    def _context(self) -> Context:
        timetable = timetables.by_id(self.session, self.shortlist.timetable_id)
        return profiles.context(self.shortlist.shown_on, timetable)

    def refused(self) -> list[int]:
        """Return the refused rows, nearest to eligible first."""
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
        """Return the given refused rows with the sentences of their failed checks."""
        context = self._context()
        versions = queries.versions(self.session, [int(self.kept.numbers[row]) for row in rows])
        refused_rows = []
        for row in rows:
            failed, version = int(self.kept.failed[row]), versions[int(self.kept.numbers[row])]
            checks = snapshot.failed_checks(failed, self.wanted.limits, snapshot.listing(version, failed), context)
            sentences = [[c.rule.value, c.result.value, c.text, c.change] for c in checks]
            row_id = str(_row_id(self.shortlist, row))
            refused_rows.append([row_id, self.wanted.key, str(version.placement_id), sentences])
        return refused_rows

    @cached_property
    def inorder(self) -> list[int]:
        """All eligible rows, in the order of the shortlist."""
        rows = np.flatnonzero(self.kept.failed == 0)
        keys = [str(self.where[row].placement_id) for row in rows.tolist()]
        ordering = order(self.kept.scores[rows] / MILLION, keys, self.shortlist.seed or "", self.wanted.key)
        return [int(row) for row in rows[ordering.places]]

    def below(self) -> list[int]:
        """Return the eligible rows that are not among the stored matches, best first."""
        rows = select(ShortlistMatch.placement_id).where(
            ShortlistMatch.partner_id == self.shortlist.partner_id, ShortlistMatch.shortlist_id == self.shortlist.id
        )
        matched = set(self.session.scalars(rows))
        return [row for row in self.inorder if self.where[row].placement_id not in matched]

    def pairs(self, rows: Sequence[int]) -> list[list[Any]]:
        """Return the given eligible rows with their ranks, scores and confidence."""
        ranks = {row: rank for rank, row in enumerate(self.inorder, start=1)}
        eligible_rows = []
        for row, (placement, _, confidence) in zip(rows, self.scored(rows), strict=True):
            row_id, score = str(_row_id(self.shortlist, row)), int(self.kept.scores[row]) / MILLION
            eligible_rows.append([row_id, self.wanted.key, placement, ranks[row], score, confidence])
        return eligible_rows

    def scored(self, rows: Sequence[int]) -> list[tuple[str, int, str]]:
        """Return the placement, the recalculated score in millionths and the confidence of the given rows.

        Eligibility is not checked again: it was decided when the shortlist was made, and later changes of reference
        tables do not change it. Nor do later words change a grade, because the grades are stored. Only a shortlist of
        an earlier version has none: its grades are worked out with the words of today.
        """
        versions = queries.versions(self.session, [int(self.kept.numbers[row]) for row in rows])
        listings = [snapshot.listing(versions[int(self.kept.numbers[row])], 0) for row in rows]
        model = queries.ranking_model(self.session, self.shortlist.model_version)
        codes = self.kept.grades_of(rows)
        if codes is None:
            words, context = vocabulary.in_force(self.session), self._context()
            ranker = PlacementRanker(words, context, model)
            codes = codes_of([ranker.values(self.wanted, listing) for listing in listings])
        scores, sure = model.tables.scores(codes).tolist(), certainties(model, codes).tolist()
        return [
            (listing.key, score, confidence_of(certainty))
            for listing, score, certainty in zip(listings, scores, sure, strict=True)
        ]


def explained(session: Session, actor: Actor, shortlist: Shortlist, placement_id: UUID) -> MatchOut | RefusalOut:
    """Return one pair of a jobseeker's shortlist: a match or a refusal.

    Refuses a placement's shortlist, and a placement that is neither a match nor refused.
    """
    if shortlist.jobseeker_id is None:
        raise NotFound(
            "This shortlist is for a placement and cannot explain one pair. Open a shortlist made for the jobseeker."
        )
    shaper = Shaper.of(session, actor, shortlist, {shortlist.jobseeker_id})
    titles = _titles(session, {placement_id})
    stored = [match for match in queries.matches(session, actor, shortlist.id) if match.placement_id == placement_id]
    if stored:
        return MatchOut.model_validate(shaper.matches(stored, titles)[0])
    refused = shaper.refusals(_refusal_of(session, shortlist, placement_id), titles)
    if refused:
        return RefusalOut.model_validate(refused[0])
    raise NotFound(
        "This placement was not checked for this shortlist, or it ranked below the limit on matches. "
        "Check the id, or make a new shortlist with a higher limit."
    )


def _refusal_of(session: Session, shortlist: Shortlist, placement_id: UUID) -> list[list[Any]]:
    restored = Again.of(session, shortlist)
    if restored is None:
        return [row for row in snapshot.unpacked(shortlist.refusals) if row[2] == str(placement_id)]
    rows = [
        row for row in np.flatnonzero(restored.kept.failed).tolist() if restored.where[row].placement_id == placement_id
    ]
    return restored.refusals(rows)
