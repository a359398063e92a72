"""The names that people had before: by these too, a person is found who is recorded again."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from matching.people.identity import Identity
from pathways.database import Session
from pathways.jobseekers import placeholders
from pathways.jobseekers.models import JobseekerDetails

MOST_FORMER, AT_ONCE = 4, 500  # of the latest former names; ids in a statement


def with_former_names(
    session: Session, partner_id: UUID, identities: Sequence[tuple[UUID, Identity]]
) -> list[Identity]:
    """Return the identities with the names of earlier versions of each person's details, the latest first."""
    former = _names_of(session, partner_id, [jobseeker_id for jobseeker_id, _ in identities])
    named = []
    for jobseeker_id, identity in identities:
        others = [names for names in former.get(jobseeker_id, ()) if names != (identity.given, identity.family)]
        named.append(replace(identity, former=tuple(others[:MOST_FORMER])) if others else identity)
    return named


def _names_of(session: Session, partner_id: UUID, ids: Sequence[UUID]) -> dict[UUID, list[tuple[str, str]]]:
    """Return the different names of each person, without placeholders, the latest first."""
    columns = JobseekerDetails.jobseeker_id, JobseekerDetails.given_name, JobseekerDetails.family_name
    names: dict[UUID, dict[tuple[str, str], None]] = {}
    for start in range(0, len(ids), AT_ONCE):
        versions = session.execute(
            select(*columns)
            .where(
                JobseekerDetails.partner_id == partner_id,
                JobseekerDetails.jobseeker_id.in_(ids[start : start + AT_ONCE]),
            )
            .order_by(JobseekerDetails.recorded_at.desc(), JobseekerDetails.id.desc())
        )
        for jobseeker_id, given, family in versions:
            known = tuple("" if not name or placeholders.is_name(name) else name for name in (given, family))
            if any(known):
                names.setdefault(jobseeker_id, {})[known[0], known[1]] = None
    return {jobseeker_id: list(own) for jobseeker_id, own in names.items()}
