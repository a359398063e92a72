"""Tables of possible duplicates: the pairs that were found, and the log of their reviews."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ColumnElement, ForeignKeyConstraint, Index, UniqueConstraint, and_
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, Base, PrimaryKey, Versioned, one_of, words
from pathways.facts import StateLog
from pathways.jobseekers.models import AboutPerson, about_person


class PairState(StrEnum):
    """The state of the review of two records that may be one person."""

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
_UNDECIDED = (S.OPEN, S.DROPPED)
# A decision can be replaced by another until the records are merged. Undoing a merge opens the pair for review again.
# A pair without a decision is dropped when its records are no longer similar, for example after an undone merge.
# Dropping is not a decision: it prevents no merge, and the pair can be found again.
PAIR_MOVES: dict[tuple[PairState, PairEvent], PairState] = {
    **{(state, E.ASK): S.ASKED for state in (*_UNDECIDED, S.SAME, S.DIFFERENT)},
    **{(state, E.SAME): S.SAME for state in (*_UNDECIDED, S.ASKED, S.DIFFERENT)},
    **{(state, E.DIFFERENT): S.DIFFERENT for state in (*_UNDECIDED, S.ASKED, S.SAME)},
    **{(state, E.MERGE): S.MERGED for state in (*_UNDECIDED, S.ASKED, S.SAME)},
    (S.MERGED, E.UNDO): S.OPEN,
    (S.OPEN, E.DROP): S.DROPPED,
    (S.DROPPED, E.FIND): S.OPEN,
    (S.DIFFERENT, E.FIND): S.OPEN,  # what was learnt since makes it all but certain that they are one person
}


class DuplicatePair(AboutPerson, Versioned, Base):
    """Two records of a partner that may be one person; ``jobseeker_id`` is the newer record.

    A decision does not delete the pair, so a pair that was found to be two people is not recorded again.
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
    # How each field compares, as [field, text, bits]. The text never repeats the field's value.
    told: Mapped[list[list[Any]]] = mapped_column(JSON)
    held_back: Mapped[str] = mapped_column(LINE, default="")
    found_at: Mapped[datetime]


LIKELY_ENOUGH = 0.5  # a record that is as likely as not about a protected person is protected too


def may_be_one_person(pair: Any) -> ColumnElement[bool]:
    """Return the condition that a pair is as likely as not one person, and that nobody decided otherwise."""
    decided = (PairState.DIFFERENT, PairState.MERGED, PairState.DROPPED)
    return and_(pair.probability >= LIKELY_ENOUGH, pair.state.not_in(decided))


class DuplicateMove(AboutPerson, StateLog, Base):
    """The log of a pair's events."""

    __tablename__ = "duplicate_moves"
    __table_args__ = about_person(
        "duplicate_moves",
        ForeignKeyConstraint(["partner_id", "pair_id"], ["duplicate_pairs.partner_id", "duplicate_pairs.id"]),
        Index("ix_duplicate_moves_pair", "partner_id", "pair_id"),
    )

    pair_id: Mapped[UUID]
