"""The personal data that shortlists hold about a jobseeker, and how it is erased."""

from uuid import UUID

from sqlalchemy import select, update

from pathways.database import WriteSession
from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.jobseekers.models import Jobseeker
from pathways.shortlists import snapshot
from pathways.shortlists.models import SafetyReview, Shortlist, ShortlistMatch
from pathways.shortlists.schemas import MatchRecord, SafetyReviewRecord, ShortlistRecord


def scrub(session: WriteSession, jobseeker_id: UUID) -> None:
    """Remove a jobseeker from the packed lists and counts of all shortlists that the partner made for placements."""
    partner_id = session.scalars(select(Jobseeker.partner_id).where(Jobseeker.id == jobseeker_id)).one_or_none()
    rows = session.execute(
        select(Shortlist.id, Shortlist.refusals, Shortlist.below).where(
            Shortlist.partner_id == partner_id, Shortlist.jobseeker_id.is_(None)
        )
    )
    for row in rows.all():
        refused, below = snapshot.unpacked(row.refusals), snapshot.unpacked(row.below) if row.below else []
        remaining, remaining_below = (snapshot.without(rows_of, {str(jobseeker_id)}) for rows_of in (refused, below))
        if len(remaining) + len(remaining_below) < len(refused) + len(below):
            session.execute(
                update(Shortlist)
                .where(Shortlist.id == row.id)
                .values(
                    refusals=snapshot.packed(remaining),
                    below=snapshot.packed(remaining_below) if row.below else None,
                    refused_by_rule=snapshot.counted(remaining),
                )
            )


HOLDING = Holding(
    "shortlists",
    (
        Held(
            Shortlist,
            as_schema(ShortlistRecord),
            fact_entry(
                "shortlist", lambda s: f"Shortlist made: {s.eligible} of {s.looked_at} placements passed every check."
            ),
            stays=True,
        ),
        Held(ShortlistMatch, as_schema(MatchRecord), stays=True),
        Held(
            SafetyReview,
            as_schema(SafetyReviewRecord),
            fact_entry("safety review", lambda _: "A placement was found to be safe."),
        ),
    ),
    scrub=scrub,
)
