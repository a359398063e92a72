"""Tables of allocations, their lines and the decision on each line."""

from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, Versioned, one_of, words
from pathways.facts import Fact, StateLog
from pathways.jobseekers.models import AboutPerson, about_person


class LineState(StrEnum):
    """The state of an allocation line: proposed, decided (accepted, changed or rejected), or without an offer."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    CHANGED = "changed"
    REJECTED = "rejected"
    WITHOUT = "without"


class LineEvent(StrEnum):
    ACCEPT = "accept"
    CHANGE = "change"
    REJECT = "reject"


S, E = LineState, LineEvent
# A decision may be replaced by another decision, for example after a mistake.
LINE_MOVES: dict[tuple[LineState, LineEvent], LineState] = {
    **{(state, E.ACCEPT): S.ACCEPTED for state in (S.PROPOSED, S.CHANGED, S.REJECTED)},
    **{(state, E.CHANGE): S.CHANGED for state in (S.PROPOSED, S.ACCEPTED, S.CHANGED, S.REJECTED, S.WITHOUT)},
    **{(state, E.REJECT): S.REJECTED for state in (S.PROPOSED, S.ACCEPTED, S.CHANGED)},
}


class Allocation(Fact, Base):
    """One proposal for a partner's caseload as it was made, with the policy, the figures and the ranking model used."""

    __tablename__ = "allocations"
    __table_args__ = (UniqueConstraint("partner_id", "id"),)

    partner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    proposed_on: Mapped[date]
    model_version: Mapped[str] = mapped_column(SHORT)
    policy: Mapped[dict[str, Any]] = mapped_column(JSON)
    looked_at: Mapped[int]
    placements: Mapped[int]
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)


class AllocationLine(AboutPerson, Versioned, Base):
    """The proposal for one jobseeker: a placement, or the reason why there is no offer."""

    __tablename__ = "allocation_lines"
    __table_args__ = about_person(
        "allocation_lines",
        UniqueConstraint("partner_id", "id"),
        ForeignKeyConstraint(["partner_id", "allocation_id"], ["allocations.partner_id", "allocations.id"]),
        CheckConstraint(one_of("state", LineState), name="state_is_known"),
        CheckConstraint("(state = 'changed') = (changed_to_id IS NOT NULL)", name="changed_names_a_placement"),
        CheckConstraint("state <> 'without' OR placement_id IS NULL", name="without_has_no_placement"),
        Index("ix_allocation_lines_allocation", "partner_id", "allocation_id", "id"),
    )

    id: Mapped[PrimaryKey]
    allocation_id: Mapped[UUID]
    placement_id: Mapped[UUID | None] = mapped_column(ForeignKey("placements.id"))
    first_choice_id: Mapped[UUID | None] = mapped_column(ForeignKey("placements.id"))
    changed_to_id: Mapped[UUID | None] = mapped_column(ForeignKey("placements.id"))
    state: Mapped[LineState] = mapped_column(words(LineState))
    score: Mapped[float | None]
    rank_of_own: Mapped[int | None]
    could_go_to: Mapped[int]
    need_facts: Mapped[list[str]] = mapped_column(JSON)
    why: Mapped[str] = mapped_column(LINE)


class AllocationLineMove(AboutPerson, StateLog, Base):
    """A change of a line's state, with its reason."""

    __tablename__ = "allocation_line_moves"
    __table_args__ = about_person(
        "allocation_line_moves",
        ForeignKeyConstraint(["partner_id", "line_id"], ["allocation_lines.partner_id", "allocation_lines.id"]),
        Index("ix_allocation_line_moves_line", "partner_id", "line_id"),
    )

    line_id: Mapped[UUID]
