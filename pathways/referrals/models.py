"""Tables of referrals: the referral, the log of its states, and the versions of what the referrer said."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from pathways.base import LINE, Base, PrimaryKey, Versioned, one_of, words
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

    def other_parties(self, session: Session) -> list[UUID]:
        """Return the organisation that made the referral."""
        referral = session.get(Referral, self.referral_id)
        organisation_id = referral.referring_organisation_id if referral is not None else None
        return [organisation_id] if organisation_id is not None else []


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
