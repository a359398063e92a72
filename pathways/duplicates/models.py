"""Tables of possible duplicates: the pair as it was found, and what people said of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, Base, PrimaryKey, Versioned, one_of, words
from pathways.facts import StateLog
from pathways.jobseekers.models import AboutPerson, about_person


class PairState(StrEnum):
    OPEN = "open"
    ASKED = "asked"
    SAME = "same"
    DIFFERENT = "different"
    MERGED = "merged"
    DROPPED = "dropped"


class PairEvent(StrEnum):
    ASK = "ask"
    SAME = "same"
    DIFFERENT = "different"
    MERGE = "merge"
    UNDO = "undo"
    DROP = "drop"
    FIND = "find"


S, E = PairState, PairEvent
_UNSAID = (S.OPEN, S.DROPPED)
# A verdict may be taken back for another one while nothing is merged; a merge that is undone is looked at again. A pair
# that nobody has said anything of is dropped when it is no longer alike, as after an undo; that is nobody's verdict, so
# it hinders no merge and the pair may be found again.
PAIR_MOVES: dict[tuple[PairState, PairEvent], PairState] = {
    **{(state, E.ASK): S.ASKED for state in (*_UNSAID, S.SAME, S.DIFFERENT)},
    **{(state, E.SAME): S.SAME for state in (*_UNSAID, S.ASKED, S.DIFFERENT)},
    **{(state, E.DIFFERENT): S.DIFFERENT for state in (*_UNSAID, S.ASKED, S.SAME)},
    **{(state, E.MERGE): S.MERGED for state in (*_UNSAID, S.ASKED, S.SAME)},
    (S.MERGED, E.UNDO): S.OPEN,
    (S.OPEN, E.DROP): S.DROPPED,
    (S.DROPPED, E.FIND): S.OPEN,
}


class DuplicatePair(AboutPerson, Versioned, Base):
    """Two records of a partner that may be one person; ``jobseeker_id`` is the newer one.

    A pair stays for good, whatever is said of it: one that was found to be two people is not found again.
    """

    __tablename__ = "duplicate_pairs"
    __table_args__ = about_person(
        "duplicate_pairs",
        UniqueConstraint("partner_id", "id"),
        UniqueConstraint("partner_id", "jobseeker_id", "other_id"),
        ForeignKeyConstraint(["partner_id", "other_id"], ["jobseekers.partner_id", "jobseekers.id"]),
        CheckConstraint(one_of("state", PairState), name="state_is_known"),
        CheckConstraint("jobseeker_id <> other_id", name="two_records"),
        Index("ix_duplicate_pairs_other", "partner_id", "other_id"),
        Index("ix_duplicate_pairs_state", "partner_id", "state", "id"),
    )

    id: Mapped[PrimaryKey]
    other_id: Mapped[UUID]
    state: Mapped[PairState] = mapped_column(words(PairState), default=PairState.OPEN)
    probability: Mapped[float]
    # How each field agrees or differs, in words that hold nothing of it: [field, text, bits] each.
    told: Mapped[list[list[Any]]] = mapped_column(JSON)
    held_back: Mapped[str] = mapped_column(LINE, default="")
    found_at: Mapped[datetime]


class DuplicateMove(AboutPerson, StateLog, Base):
    __tablename__ = "duplicate_moves"
    __table_args__ = about_person(
        "duplicate_moves",
        ForeignKeyConstraint(["partner_id", "pair_id"], ["duplicate_pairs.partner_id", "duplicate_pairs.id"]),
        Index("ix_duplicate_moves_pair", "partner_id", "pair_id"),
    )

    pair_id: Mapped[UUID]
