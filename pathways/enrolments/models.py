"""Tables of enrolments and of the changes of their state."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, Base, PrimaryKey, Versioned, one_of, words
from pathways.facts import StateLog
from pathways.jobseekers.models import AboutPerson, about_person


class EnrolmentState(StrEnum):
    """Whether an enrolment is open (started) or has ended."""

    STARTED = "started"
    ENDED = "ended"


class EnrolmentEvent(StrEnum):
    END = "end"
    RESUME = "resume"


S, E = EnrolmentState, EnrolmentEvent
ENROLMENT_MOVES: dict[tuple[EnrolmentState, EnrolmentEvent], EnrolmentState] = {
    (S.STARTED, E.END): S.ENDED,
    (S.ENDED, E.RESUME): S.STARTED,  # the end was recorded by mistake
}


class EndReason(StrEnum):
    """Why an enrolment ended."""

    COMPLETED = "completed"
    COMPLETED_EARLY = "completed_early"
    IN_WORK = "in_work"
    MOVED_AWAY = "moved_away"
    HEALTH = "health"
    DISENGAGED = "disengaged"
    WITHDREW = "withdrew"
    TRANSFERRED = "transferred"
    DIED = "died"
    RECORDED_BY_MISTAKE = "recorded_by_mistake"


class Enrolment(AboutPerson, Versioned, Base):
    """A jobseeker's time on a programme. A jobseeker has at most one open enrolment.

    ``referral_id`` is the first referral that led to the enrolment; it decides the cohort.
    """

    __tablename__ = "enrolments"
    __table_args__ = about_person(
        "enrolments",
        UniqueConstraint("partner_id", "id"),
        ForeignKeyConstraint(["partner_id", "programme_id"], ["programmes.partner_id", "programmes.id"]),
        ForeignKeyConstraint(["partner_id", "referral_id"], ["referrals.partner_id", "referrals.id"]),
        CheckConstraint(one_of("state", EnrolmentState), name="state_is_known"),
        CheckConstraint("(state = 'ended') = (ended_on IS NOT NULL)", name="ended_on_matches_state"),
        CheckConstraint("(ended_on IS NULL) = (end_reason IS NULL)", name="end_has_reason"),
        CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ends_after_start"),
        Index(
            "uq_enrolments_one_open",
            "partner_id",
            "jobseeker_id",
            unique=True,
            sqlite_where=text("ended_on IS NULL"),
            postgresql_where=text("ended_on IS NULL"),
        ),
        Index("ix_enrolments_programme", "partner_id", "programme_id"),
    )

    id: Mapped[PrimaryKey]
    programme_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    caseworker_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"))
    caseworker_from: Mapped[date]
    state: Mapped[EnrolmentState] = mapped_column(words(EnrolmentState), default=EnrolmentState.STARTED)
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    end_reason: Mapped[EndReason | None] = mapped_column(words(EndReason))
    made_at: Mapped[datetime]


class EnrolmentMove(AboutPerson, StateLog, Base):
    """One change of an enrolment's state: its start, its end or its reopening."""

    __tablename__ = "enrolment_moves"
    __table_args__ = about_person(
        "enrolment_moves",
        ForeignKeyConstraint(["partner_id", "enrolment_id"], ["enrolments.partner_id", "enrolments.id"]),
        Index("ix_enrolment_moves_enrolment", "partner_id", "enrolment_id"),
    )

    enrolment_id: Mapped[UUID]
    programme_id: Mapped[UUID]
    referral_id: Mapped[UUID]
    end_reason: Mapped[str | None] = mapped_column(LINE)
    # Why no spell of work is recorded although the enrolment ended as in work.
    without_spell_because: Mapped[str | None] = mapped_column(LINE)
