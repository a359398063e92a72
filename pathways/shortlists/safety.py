"""Check safety exclusions wherever a jobseeker is put forward for a placement, not only in a ranking."""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

from matching.pairs import eligibility
from matching.pairs.eligibility import Context, Rule
from matching.pairs.profiles import JobseekerLimits, PlacementProfile
from pathways.base import Actor
from pathways.database import Session
from pathways.errors import Conflict
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.exclusions import name_hash
from pathways.jobseekers.models import Jobseeker, SafetyExclusion
from pathways.placements.models import Placement
from pathways.shortlists import profiles, queries


class ExcludedForSafety(Conflict):
    title = "A safety exclusion covers this placement"


def must_not_be_excluded(session: Session, person: Jobseeker, placement: Placement) -> None:
    """Refuse a jobseeker and a placement that a current safety exclusion keeps apart.

    A check whose result is unknown does not refuse the pair.
    """
    rows = list(session.scalars(jobseeker_queries.facts_about(SafetyExclusion, person)))
    if not rows:
        return
    run_by = frozenset([name_hash(session, placement.contact_email)]) if placement.contact_email else frozenset()
    listing = PlacementProfile(
        key=str(placement.id),
        title=placement.title,
        organisation=str(placement.social_enterprise_id),
        run_by=run_by,
        place=profiles.place_of(placement),
        is_place_exact=placement.place_basis != "outcode",
        remote=placement.remote.value if placement.remote else None,
    )
    if _is_covered(rows, listing, placement.confirmed_on):
        raise ExcludedForSafety(
            "The jobseeker must be kept away from this placement. Review the safety exclusion with the jobseeker. "
            "If the exclusion no longer applies, withdraw it and try again."
        )


def covered(
    session: Session, actor: Actor, pairs: Iterable[tuple[UUID, PlacementProfile]], on: date
) -> set[tuple[UUID, str]]:
    """Return the pairs (jobseeker id, placement key) that a current safety exclusion keeps apart.

    The exclusions are read from the database now, so an exclusion recorded after the ranking also counts.
    """
    all_pairs = list(pairs)
    exclusions_of = queries.exclusions(session, actor, {jobseeker_id for jobseeker_id, _ in all_pairs})
    return {
        (jobseeker_id, listing.key)
        for jobseeker_id, listing in all_pairs
        if jobseeker_id in exclusions_of and _is_covered(exclusions_of[jobseeker_id], listing, on)
    }


def _is_covered(rows: Sequence[SafetyExclusion], listing: PlacementProfile, on: date) -> bool:
    limits = JobseekerLimits(exclusions=profiles.exclusions_of(rows))
    return bool(eligibility.failures(limits, listing, Context(on, {}), [Rule.SAFETY]))
