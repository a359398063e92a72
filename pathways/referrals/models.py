"""Tables of referrals: the referral, the log of its states, and the versions of what the referrer said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm import Session as OrmSession

from pathways.base import LINE, Base, PrimaryKey, Role, Versioned, one_of, words
from pathways.database import Session
from pathways.facts import Fact, StateLog
from pathways.jobseekers.models import AboutPerson, DetailsColumns, ProfileColumns, about_person


class SourceType(StrEnum):
    """The kind of organisation that made the referral. The kind alone can be sensitive, for instance PROBATION."""

    JCP = "JCP"
    ASC = "ASC"
    SELF = "SELF"
    HEALTH = "HEALTH"
    VCSE = "VCSE"
    EDU = "EDU"
    PROBATION = "PROBATION"


class ReferralState(StrEnum):
    """The state of a referral."""

    SUBMITTED = "submitted"
    ACKNOWLEDGED = "acknowledged"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class ReferralEvent(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


S, E = ReferralState, ReferralEvent
REFERRAL_MOVES: dict[tuple[ReferralState, ReferralEvent], ReferralState] = {
    (S.SUBMITTED, E.ACKNOWLEDGE): S.ACKNOWLEDGED,
    (S.SUBMITTED, E.ACCEPT): S.ACCEPTED,
    (S.ACKNOWLEDGED, E.ACCEPT): S.ACCEPTED,
    (S.SUBMITTED, E.DECLINE): S.DECLINED,
    (S.ACKNOWLEDGED, E.DECLINE): S.DECLINED,
    (S.SUBMITTED, E.WITHDRAW): S.WITHDRAWN,
    (S.ACKNOWLEDGED, E.WITHDRAW): S.WITHDRAWN,
}


def afterwards(state: ReferralState, role: Role) -> str:
    """Return what follows a referral that has been decided, for a member of the partner or of the referrer."""
    if role is Role.REFERRER:
        return "Speak to the partner if something has changed."
    return "Next: enrol the jobseeker." if state is S.ACCEPTED else "The referrer may send a new referral."


class Referral(AboutPerson, Versioned, Base):
    """A request to a partner to support a jobseeker."""

    __tablename__ = "referrals"
    __table_args__ = about_person(
        "referrals",
        UniqueConstraint("partner_id", "id"),
        UniqueConstraint("partner_id", "source_key"),
        CheckConstraint(one_of("state", ReferralState), name="state_is_known"),
        CheckConstraint(one_of("source_type", SourceType), name="source_type_is_known"),
        CheckConstraint(
            "(source_type = 'SELF') = (referring_organisation_id IS NULL)", name="self_has_no_organisation"
        ),
        CheckConstraint(
            "state NOT IN ('acknowledged', 'accepted') OR acknowledged_at IS NOT NULL", name="acknowledged_at_matches"
        ),
        Index("ix_referrals_referring_organisation_id", "referring_organisation_id", "id"),
        Index("ix_referrals_partner_id_made_at", "partner_id", "made_at"),
        Index("ix_referrals_partner_id_state", "partner_id", "state", "id"),
    )

    id: Mapped[PrimaryKey]
    ref: Mapped[str] = mapped_column(LINE)
    source_key: Mapped[str] = mapped_column(LINE)  # referring organisation and its reference; unique per partner
    source_type: Mapped[SourceType] = mapped_column(words(SourceType))
    referring_organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    referred_on: Mapped[date]
    state: Mapped[ReferralState] = mapped_column(words(ReferralState), default=ReferralState.SUBMITTED)
    made_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]


class ReferralMove(AboutPerson, StateLog, Base):
    """The log of a referral's changes of state."""

    __tablename__ = "referral_moves"
    __table_args__ = about_person(
        "referral_moves",
        ForeignKeyConstraint(["partner_id", "referral_id"], ["referrals.partner_id", "referrals.id"]),
        Index("ix_referral_moves_referral", "partner_id", "referral_id"),
    )

    referral_id: Mapped[UUID]
    # Whether the reason was written for the referrer. Reasons of earlier versions were written for the partner alone.
    reason_is_for_referrer: Mapped[bool] = mapped_column(default=False, server_default=false())

    def other_parties(self, session: OrmSession) -> list[UUID]:
        """Return the organisation that made the referral."""
        referral = session.get(Referral, self.referral_id)
        organisation_id = referral.referring_organisation_id if referral is not None else None
        return [organisation_id] if organisation_id is not None else []


class ProgressStage(StrEnum):
    """How far a referred person has come, as a referrer may read it."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    MET = "met"
    STARTED_PROGRAMME = "started_programme"
    STARTED_WORK = "started_work"
    LEFT_WORK = "left_work"
    LEFT_PROGRAMME = "left_programme"
    CLOSED = "closed"


# The stages that a referrer reads only if the jobseeker agreed.
AGREED_STAGES = (
    ProgressStage.MET,
    ProgressStage.STARTED_PROGRAMME,
    ProgressStage.STARTED_WORK,
    ProgressStage.LEFT_WORK,
    ProgressStage.LEFT_PROGRAMME,
)


class ProgressPermission(AboutPerson, Fact, Base):
    """What the jobseeker agreed that the referrer may read of their progress. A row without stages revokes it."""

    __tablename__ = "progress_permissions"
    __table_args__ = about_person(
        "progress_permissions",
        ForeignKeyConstraint(["partner_id", "referral_id"], ["referrals.partner_id", "referrals.id"]),
        Index("ix_progress_permissions_referral", "partner_id", "referral_id"),
    )

    referral_id: Mapped[UUID]
    stages: Mapped[list[str]] = mapped_column(JSON)
    names_workplace: Mapped[bool]
    how_given: Mapped[str] = mapped_column(LINE)


@dataclass(frozen=True, slots=True)
class ReachedStage:
    """A stretch of a person's time: on a programme, or in work. ``until`` is its last day if it is over.

    ``is_job`` says whether the work is of a kind that counts as a job; volunteering, for instance, does not.
    """

    jobseeker_id: UUID
    stage: ProgressStage
    on: date
    recorded_at: datetime
    until: date | None = None
    workplace: str | None = None
    is_job: bool = False


class StageSource(Protocol):
    """What a feature above referrals provides: the stretches that people of one partner began, in any order."""

    def __call__(
        self, session: Session, partner_id: UUID, jobseeker_ids: Sequence[UUID], /
    ) -> Iterable[ReachedStage]: ...


class ReferralSnapshot(AboutPerson, DetailsColumns, ProfileColumns, Fact, Base):
    """One version of all details that the referrer gave. A change adds a row that supersedes the earlier version."""

    __tablename__ = "referral_snapshots"
    __table_args__ = about_person(
        "referral_snapshots",
        ForeignKeyConstraint(["partner_id", "referral_id"], ["referrals.partner_id", "referrals.id"]),
        Index("ix_referral_snapshots_referral", "partner_id", "referral_id"),
    )

    referral_id: Mapped[UUID]
    # Why the person was referred. It is not named ``reason``, because every fact already has a ``reason``.
    referred_because: Mapped[str | None] = mapped_column(Text)
    urgency: Mapped[str | None] = mapped_column(LINE)
    is_restricted: Mapped[bool] = mapped_column(default=False)
    referrer_name: Mapped[str | None] = mapped_column(LINE)
    referrer_email: Mapped[str | None] = mapped_column(LINE)
    permission_to_share: Mapped[bool | None]
    permission_recorded_on: Mapped[date | None]


ABOUT_NAMES = (
    "referred_because",
    "urgency",
    "is_restricted",
    "referrer_name",
    "referrer_email",
    "permission_to_share",
    "permission_recorded_on",
)
