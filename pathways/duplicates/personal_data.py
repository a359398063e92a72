"""The tables of possible duplicates that contain personal data, for the extract and erasure."""

from uuid import UUID

from sqlalchemy import delete, select, update

from pathways.database import WriteSession
from pathways.duplicates.models import DuplicateMove, DuplicatePair
from pathways.duplicates.schemas import PairMoveRecord, PairRecord
from pathways.holdings import Held, Holding, as_schema
from pathways.jobseekers.models import Jobseeker


def scrub(session: WriteSession, jobseeker_id: UUID) -> None:
    """Delete the pairs in which this person is the older record."""
    partner_id = session.scalars(select(Jobseeker.partner_id).where(Jobseeker.id == jobseeker_id)).one_or_none()
    pairs = select(DuplicatePair.id).where(
        DuplicatePair.partner_id == partner_id, DuplicatePair.other_id == jobseeker_id
    )
    moves = DuplicateMove.partner_id == partner_id, DuplicateMove.pair_id.in_(pairs)
    session.execute(update(DuplicateMove).where(*moves).values(supersedes=None))
    session.execute(delete(DuplicateMove).where(*moves))
    session.execute(
        delete(DuplicatePair).where(DuplicatePair.partner_id == partner_id, DuplicatePair.other_id == jobseeker_id)
    )


HOLDING = Holding(
    "duplicates",
    (
        Held(DuplicatePair, as_schema(PairRecord), stays=True),
        Held(DuplicateMove, as_schema(PairMoveRecord), stays=True),
    ),
    scrub=scrub,
)
