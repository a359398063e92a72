"""What this feature keeps about a person."""

from collections import Counter
from uuid import UUID

from sqlalchemy import select, update

from pathways.database import WriteSession
from pathways.holdings import Held, Holding, fact_entry
from pathways.jobseekers.holding import plainly
from pathways.jobseekers.models import Jobseeker
from pathways.shortlists import looked
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
        refused, below = looked.unpacked(row.refusals), looked.unpacked(row.below) if row.below else []
        kept = [one for one in refused if one[1] != str(jobseeker_id)]
        kept_below = [one for one in below if one[1] != str(jobseeker_id)]
        if len(kept) + len(kept_below) < len(refused) + len(below):
            rules = Counter(check[0] for one in kept for check in one[3])
            session.execute(
                update(Shortlist)
                .where(Shortlist.id == row.id)
                .values(
                    refusals=looked.packed(kept),
                    below=looked.packed(kept_below) if row.below else None,
                    refused_by_rule=dict(sorted(rules.items())),
                )
            )


HOLDING = Holding(
    "shortlists",
    (
        Held(
            Shortlist,
            plainly(ShortlistRecord),
            fact_entry("shortlist", lambda s: f"Shortlist: {s.eligible} of {s.looked_at} placements fit."),
        ),
        Held(ShortlistMatch, plainly(MatchRecord)),
    ),
    scrub=scrub,
)
