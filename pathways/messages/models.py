"""Tables of notices, e-mails and webhooks. They contain no details of a jobseeker, only a kind and a record's id."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, Versioned, one_of, words


class NoticeKind(StrEnum):
    """The kind of a notice. Kinds in ``URGENT`` are e-mailed at once, the others together once a day."""

    REFERRAL_TO_ACKNOWLEDGE = "referral_to_acknowledge"
    REFERRAL_TO_START = "referral_to_start"
    INTRODUCTION_SENT = "introduction_sent"
    INTRODUCTION_UNANSWERED = "introduction_unanswered"
    INTRODUCTION_ESCALATED = "introduction_escalated"
    INTRODUCTION_EXPIRED = "introduction_expired"
    INTRODUCTION_TO_AGREE = "introduction_to_agree"
    INTRODUCTION_INVITED = "introduction_invited"
    INTRODUCTION_WAITS = "introduction_waits"
    INTRODUCTION_DECLINED = "introduction_declined"
    INTRODUCTION_CLOSED = "introduction_closed"
    OFFER_ACCEPTED = "offer_accepted"
    WORK_STARTED = "work_started"
    WORK_ENDED = "work_ended"
    OFFER_MADE = "offer_made"
    OFFER_RUNS_OUT = "offer_runs_out"
    START_TO_RECORD = "start_to_record"
    LISTING_TO_RECONFIRM = "listing_to_reconfirm"
    LISTING_PAUSED = "listing_paused"
    LISTING_CLOSED = "listing_closed"
    CHECK_IN_DUE = "check_in_due"
    CHECK_IN_OVERDUE = "check_in_overdue"
    AT_RISK = "at_risk"
    PLAN_TO_MAKE = "plan_to_make"
    PLAN_TO_REVIEW = "plan_to_review"
    OUTCOME_CAN_BE_RECORDED = "outcome_can_be_recorded"
    CLAIM_QUERIED = "claim_queried"
    CLAIM_OWED_BACK = "claim_owed_back"
    CLAIM_TWICE = "claim_twice"
    SAFETY_TO_DECIDE = "safety_to_decide"
    RESTRICTED_ON_SUSPICION = "restricted_on_suspicion"
    CASE_REASSIGNED = "case_reassigned"
    CLAIM_TO_CONFIRM = "claim_to_confirm"
    CLAIM_CONTESTED = "claim_contested"
    KEY_TO_CLAIM = "key_to_claim"
    KEY_IN_USE = "key_in_use"
    KEY_EXPIRES = "key_expires"
    REFERRAL_ACCEPTED = "referral_accepted"
    REFERRAL_DECLINED = "referral_declined"
    PLACEMENT_CLOSED = "placement_closed"
    PLACEMENT_CHANGED = "placement_changed"
    CASE_ASSIGNED = "case_assigned"
    CASE_MERGED = "case_merged"
    INTRODUCTION_REOPENED = "introduction_reopened"
    SAFETY_WITHDREW = "safety_withdrew"
    STEP_RECORDED = "step_recorded"
    CLAIM_TO_DECIDE = "claim_to_decide"
    CLAIM_DECIDED = "claim_decided"
    CLAIM_TURNED_DOWN = "claim_turned_down"
    INVITED = "invited"
    SIGN_IN_LINK = "sign_in_link"
    SIGN_IN_CHANGED = "sign_in_changed"
    FEEDBACK_GIVEN = "feedback_given"


URGENT = frozenset(
    {
        NoticeKind.INTRODUCTION_SENT,
        NoticeKind.OFFER_MADE,
        NoticeKind.PLACEMENT_CLOSED,
        NoticeKind.PLACEMENT_CHANGED,
        NoticeKind.CASE_ASSIGNED,
        NoticeKind.CASE_MERGED,
        NoticeKind.INTRODUCTION_REOPENED,
        NoticeKind.SAFETY_WITHDREW,
        NoticeKind.CLAIM_TURNED_DOWN,
        NoticeKind.INTRODUCTION_INVITED,
        NoticeKind.INTRODUCTION_DECLINED,
        NoticeKind.OFFER_ACCEPTED,
        NoticeKind.WORK_ENDED,
        NoticeKind.AT_RISK,
        NoticeKind.INTRODUCTION_ESCALATED,
        NoticeKind.LISTING_PAUSED,
        NoticeKind.CLAIM_TWICE,
        NoticeKind.SAFETY_TO_DECIDE,
        NoticeKind.CLAIM_CONTESTED,
        NoticeKind.KEY_TO_CLAIM,
        NoticeKind.KEY_IN_USE,
        NoticeKind.INVITED,
        NoticeKind.SIGN_IN_LINK,
        NoticeKind.SIGN_IN_CHANGED,
    }
)


class EmailState(StrEnum):
    """The state of an e-mail or webhook delivery: queued, sent, quarantined after the last retry, or cancelled."""

    QUEUED = "queued"
    SENT = "sent"
    QUARANTINED = "quarantined"
    CANCELLED = "cancelled"


class Delivering:
    """The columns of a message that is sent after the transaction that stored it.

    A failed message is retried with increasing delays. After the last retry it is quarantined (a dead letter).
    """

    state: Mapped[EmailState] = mapped_column(words(EmailState), default=EmailState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    last_error: Mapped[str] = mapped_column(LINE, default="")
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class Email(Delivering, Versioned, Base):
    """One e-mail to one user, made from notices. The text is written when the e-mail is sent."""

    __tablename__ = "emails"
    __unaudited__ = True
    __table_args__ = (
        CheckConstraint(one_of("state", EmailState), name="state_is_known"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at_matches_state"),
        Index("ix_emails_due", "state", "next_try_at"),
        Index("ix_emails_organisation_id", "organisation_id", "id"),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))


class Notice(Base):
    """A notice for one user. ``key`` identifies the occasion, so that the user gets only one notice of it."""

    __tablename__ = "notices"
    __unaudited__ = True
    __table_args__ = (
        UniqueConstraint("user_id", "organisation_id", "key"),
        CheckConstraint(one_of("kind", NoticeKind), name="kind_is_known"),
        Index("ix_notices_of_user", "user_id", "organisation_id", "id"),
        Index("ix_notices_unsent", "email_id", "is_urgent"),
        Index("ix_notices_subject", "subject_id"),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[NoticeKind] = mapped_column(words(NoticeKind))
    key: Mapped[str] = mapped_column(LINE)
    subject: Mapped[str] = mapped_column(SHORT)
    subject_id: Mapped[UUID]
    is_urgent: Mapped[bool]
    made_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    # When the notice was cancelled, because what it is about was stopped. It is then neither listed nor e-mailed.
    cancelled_at: Mapped[datetime | None]
    email_id: Mapped[UUID | None] = mapped_column(ForeignKey("emails.id"))


class WebhookEndpoint(Versioned, Base):
    """An address in an organisation's own system, to which webhooks are sent. The secret is stored encrypted."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (Index("ix_webhook_endpoints_organisation_id", "organisation_id", "id"),)

    id: Mapped[PrimaryKey]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    url: Mapped[str] = mapped_column(LINE)
    sealed_secret: Mapped[str] = mapped_column(LINE)
    is_on: Mapped[bool] = mapped_column(default=True)
    made_at: Mapped[datetime]


class WebhookDelivery(Delivering, Base):
    """One event for one endpoint. ``event_id`` is the same in every retry, so that the receiver can ignore repeats."""

    __tablename__ = "webhook_deliveries"
    __unaudited__ = True
    __table_args__ = (
        CheckConstraint(one_of("state", EmailState), name="state_is_known"),
        UniqueConstraint("endpoint_id", "event_id"),
        Index("ix_webhook_deliveries_due", "state", "next_try_at"),
    )

    id: Mapped[PrimaryKey]
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id"))
    event_id: Mapped[UUID]
    event_type: Mapped[str] = mapped_column(SHORT)
    payload: Mapped[dict[str, str]] = mapped_column(JSON)
