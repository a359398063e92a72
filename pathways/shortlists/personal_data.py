"""What this feature keeps about a person."""

from uuid import UUID

from sqlalchemy import select, update

from pathways.database import WriteSession
from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.jobseekers.models import Jobseeker
from pathways.shortlists import snapshot
from pathways.shortlists.models import Shortlist, ShortlistMatch
from pathways.shortlists.schemas import MatchRecord, ShortlistRecord


def scrub(session: WriteSession, jobseeker_id: UUID) -> None:
    """Take a person out of the packed lists of placements' shortlists, and out of their counts."""
    partner_id = session.scalars(select(Jobseeker.partner_id).where(Jobseeker.id == jobseeker_id)).one_or_none()
    rows = session.execute(
        select(Shortlist.id, Shortlist.refusals, Shortlist.below).where(
            Shortlist.partner_id == partner_id, Shortlist.jobseeker_id.is_(None)
        )
    )
    for row in rows.all():
        refused, below = snapshot.unpacked(row.refusals), snapshot.unpacked(row.below) if row.below else []
        kept, kept_below = (snapshot.without(rows_of, {str(jobseeker_id)}) for rows_of in (refused, below))
        if len(kept) + len(kept_below) < len(refused) + len(below):
            session.execute(
                update(Shortlist)
                .where(Shortlist.id == row.id)
                .values(
                    refusals=snapshot.packed(kept),
                    below=snapshot.packed(kept_below) if row.below else None,
                    refused_by_rule=snapshot.counted(kept),
                )
            )


HOLDING = Holding(
    "shortlists",
    (
        Held(
            Shortlist,
            as_schema(ShortlistRecord),
            fact_entry("shortlist", lambda s: f"Shortlist: {s.eligible} of {s.looked_at} placements fit."),
            stays=True,
        ),
        Held(ShortlistMatch, as_schema(MatchRecord), stays=True),
    ),
    scrub=scrub,
)
