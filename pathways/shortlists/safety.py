"""Check safety exclusions wherever a jobseeker is put forward for a placement, not only in a ranking."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from uuid import UUID

from matching.pairs import eligibility
from matching.pairs.checks import CheckResult, Rule
from matching.pairs.eligibility import Context
from matching.pairs.profiles import JobseekerLimits, PlacementProfile
from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.errors import Conflict
from pathways.jobseekers.models import Jobseeker, SafetyExclusion
from pathways.placements.models import Placement
from pathways.shortlists import connected, profiles, queries
from pathways.shortlists.models import SafetyReview


class Safety(StrEnum):
    """What a jobseeker's safety exclusions say about a placement."""

    CLEAR = "clear"
    ASKS = "asks"  # the check cannot tell, and no caseworker has found the placement to be safe since
    SUSPECTED = "suspected"  # an exclusion of a record that may be the same person covers the placement
    EXCLUDED = "excluded"


class ExcludedForSafety(Conflict):
    title = "A safety exclusion covers this placement"
    is_audited = True


class SafetyNotChecked(Conflict):
    title = "Make sure that this placement is safe first"
    is_audited = True


EXCLUDED = (
    "The jobseeker must be kept away from this placement. Review the safety exclusion with the jobseeker. "
    "If the exclusion no longer applies, withdraw it and try again."
)
SUSPECTED = (
    "Another record that may be the same person has a safety exclusion for this placement. Ask a team manager to"
    " compare the two records first (duplicates). Until then, the jobseeker cannot be put forward here."
)
ASKS = (
    "The jobseeker has a safety exclusion, and the listing does not say enough to check it. Find out where the "
    "placement is, who runs it and who works there. Then say how you made sure that the jobseeker is safe there."
)


REFUSALS = {Safety.EXCLUDED: EXCLUDED, Safety.SUSPECTED: SUSPECTED}


def safety_of(
    session: Session, pairs: Collection[tuple[UUID, Placement]], partner_ids: Collection[UUID]
) -> dict[tuple[UUID, UUID], Safety]:
    """Return by (jobseeker id, placement id) what the current safety exclusions say. Pairs left out are clear."""
    people = {jobseeker_id for jobseeker_id, _ in pairs}
    rows_of = queries.exclusions(session, partner_ids, people)
    suspected_of = queries.suspected_exclusions(session, partner_ids, people)
    if not rows_of and not suspected_of:
        return {}
    named = connected.workplaces(
        session, [row for by_person in (rows_of, suspected_of) for rows in by_person.values() for row in rows]
    )
    reviews = queries.safety_reviews(session, partner_ids, {*rows_of, *suspected_of})
    found: dict[tuple[UUID, UUID], Safety] = {}
    for jobseeker_id, placement in pairs:
        own, suspected = rows_of.get(jobseeker_id, []), suspected_of.get(jobseeker_id, [])
        listing, on = listing_of(placement), placement.confirmed_on
        answered = reviews.get((jobseeker_id, placement.id, _hash_of(placement)), frozenset())
        is_covered = bool(own) and _safety(own, named, listing, on) is Safety.EXCLUDED
        if own or suspected:
            both = _safety([*own, *suspected], named, listing, on, answered)
            is_suspected = both is Safety.EXCLUDED and not is_covered
            found[jobseeker_id, placement.id] = Safety.SUSPECTED if is_suspected else both
    return found


def _hash_of(placement: Placement) -> str:
    """Return a hash of what a safety check reads of a listing: a review of another contact or location has lapsed."""
    read = (placement.contact_email, placement.postcode, placement.easting, placement.northing, placement.remote)
    return hashlib.sha256(repr([str(value) for value in read]).encode()).hexdigest()


def listing_of(placement: Placement) -> PlacementProfile:
    """Return the columns of a placement that the safety check reads."""
    return PlacementProfile(
        key=str(placement.id),
        title=placement.title,
        organisation=str(placement.social_enterprise_id),
        place=profiles.place_of(placement),
        is_place_exact=placement.place_basis != "outcode",
        remote=placement.remote.value if placement.remote else None,
    )


def _safety(
    rows: Sequence[SafetyExclusion],
    named: Mapping[UUID, frozenset[UUID]],
    listing: PlacementProfile,
    on: date,
    answered: frozenset[UUID] = frozenset(),
) -> Safety:
    limits = JobseekerLimits(exclusions=profiles.exclusions_of(rows, named))
    check = eligibility.CHECKS[Rule.SAFETY](limits, listing, Context(on, {}))
    if check is None:
        return Safety.CLEAR
    if check.result is CheckResult.FAIL:
        return Safety.EXCLUDED
    is_answered = answered.issuperset(row.id for row in rows)
    return Safety.CLEAR if check.result is CheckResult.PASS or is_answered else Safety.ASKS


def is_excluded(session: Session, person: Jobseeker, placement: Placement) -> bool:
    """Return whether a current safety exclusion keeps the jobseeker away from the placement."""
    return _of_pair(session, person, placement) is Safety.EXCLUDED


def needs_review(session: Session, person: Jobseeker, placement: Placement) -> bool:
    """Return whether the safety check cannot tell, and no caseworker has answered it."""
    return _of_pair(session, person, placement) is Safety.ASKS


def covered_by(session: Session, exclusion: SafetyExclusion, placements: Iterable[Placement]) -> list[Placement]:
    """Return the placements that one safety exclusion covers."""
    named = connected.workplaces(session, [exclusion])
    return [
        placement
        for placement in placements
        if _safety([exclusion], named, listing_of(placement), placement.confirmed_on) is Safety.EXCLUDED
    ]


def must_not_be_excluded(session: Session, person: Jobseeker, placement: Placement) -> None:
    """Refuse a jobseeker and a placement that a current safety exclusion keeps apart.

    A check whose result is unknown does not refuse the pair.
    """
    found = _of_pair(session, person, placement)
    if found in REFUSALS:
        raise ExcludedForSafety(REFUSALS[found])


def must_be_safe(session: Session, person: Jobseeker, placement: Placement) -> None:
    """Refuse as ``must_not_be_excluded`` does, and also while a safety check that cannot tell has no answer."""
    found = _of_pair(session, person, placement)
    if found in REFUSALS:
        raise ExcludedForSafety(REFUSALS[found])
    if found is Safety.ASKS:
        raise SafetyNotChecked(ASKS)


def _of_pair(session: Session, person: Jobseeker, placement: Placement) -> Safety:
    found = safety_of(session, [(person.id, placement)], [person.partner_id])
    return found.get((person.id, placement.id), Safety.CLEAR)


def review(session: WriteSession, actor: Actor, person: Jobseeker, placement: Placement, reason: str) -> SafetyReview:
    """Record that a caseworker found a placement to be safe, and how. Refuse if an exclusion covers the placement."""
    must_not_be_excluded(session, person, placement)
    rows = [
        row
        for read in (queries.exclusions, queries.suspected_exclusions)
        for row in read(session, [person.partner_id], {person.id}).get(person.id, ())
    ]
    found = SafetyReview.recorded(
        actor,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        placement_id=placement.id,
        listing=_hash_of(placement),
        answers=[str(row.id) for row in rows],
        reason=reason,
    )
    session.add(found)
    session.flush()  # the next check reads it
    return found


def covered(
    session: Session, actor: Actor, pairs: Iterable[tuple[UUID, PlacementProfile]], on: date
) -> set[tuple[UUID, str]]:
    """Return the pairs (jobseeker id, placement key) that a current safety exclusion keeps apart.

    The exclusions are read from the database now, so an exclusion recorded after the ranking also counts.
    """
    all_pairs = list(pairs)
    rows_of = queries.exclusions(session, [actor.organisation_id], {jobseeker_id for jobseeker_id, _ in all_pairs})
    named = connected.workplaces(session, [row for rows in rows_of.values() for row in rows])
    return {
        (jobseeker_id, listing.key)
        for jobseeker_id, listing in all_pairs
        if jobseeker_id in rows_of and _safety(rows_of[jobseeker_id], named, listing, on) is Safety.EXCLUDED
    }
