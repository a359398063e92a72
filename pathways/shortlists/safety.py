"""A safety exclusion is looked at wherever a jobseeker is put forward, not only where placements are ranked."""

from matching import eligibility
from matching.eligibility import Context, Result, Rule
from matching.profiles import JobseekerLimits, PlacementProfile
from pathways.database import Session
from pathways.errors import Conflict
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.actions import who_hash
from pathways.jobseekers.models import Jobseeker, SafetyExclusion
from pathways.placements.models import Placement
from pathways.shortlists import profiles


class ExcludedForSafety(Conflict):
    title = "A safety exclusion covers this placement"


def must_not_be_excluded(session: Session, person: Jobseeker, placement: Placement) -> None:
    """Refuse a pair that a safety exclusion covers, as it stands now; what is only a question is let through."""
    rows = list(session.scalars(jobseeker_queries.facts_about(SafetyExclusion, person)))
    if not rows:
        return
    limits = JobseekerLimits(exclusions=profiles.exclusions_of(rows))
    run_by = frozenset([who_hash(session, placement.contact_email)]) if placement.contact_email else frozenset()
    listing = PlacementProfile(
        key=str(placement.id),
        title=placement.title,
        organisation=str(placement.social_enterprise_id),
        run_by=run_by,
        place=profiles.place_of(placement),
        is_place_exact=placement.place_basis != "outcode",
        remote=placement.remote.value if placement.remote else None,
    )
    checks = eligibility.check(limits, listing, Context(placement.confirmed_on, {}))
    if any(check.rule is Rule.SAFETY and check.result is Result.FAIL for check in checks):
        raise ExcludedForSafety(
            "The jobseeker must not be sent there. Look at the exclusion together; if it is over, take it back."
        )
