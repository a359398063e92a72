"""Tables of agreements between partners, enquiries to other partners, and the answers to these enquiries."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, Base, PrimaryKey, Versioned, one_of, words
from pathways.facts import Fact, StateLog
from pathways.jobseekers.models import AboutPerson, about_person


class SharingAgreement(Fact, Base):
    """A written agreement of two partners to ask each other about people. A withdrawal ends the agreement.

    Each partner names a lead. Only the lead sees enquiries about a restricted case.
    """

    __tablename__ = "sharing_agreements"
    __table_args__ = (CheckConstraint("one_id <> other_id", name="two_partners"),)

    one_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    other_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    one_lead_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"))
    other_lead_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"))
    document: Mapped[str] = mapped_column(LINE)


class ElsewhereAsk(AboutPerson, Fact, Base):
    """A partner's enquiry whether another partner supports this person. ``reason`` says why the partner asks."""

    __tablename__ = "elsewhere_asks"


class RequestState(StrEnum):
    """The states of a contact request."""

    WAITING = "waiting"
    OPENED = "opened"
    DECLINED = "declined"


class RequestEvent(StrEnum):
    """What a team manager can do with a contact request."""

    OPEN = "open"
    DECLINE = "decline"


S, E = RequestState, RequestEvent
REQUEST_MOVES: dict[tuple[RequestState, RequestEvent], RequestState] = {
    (S.WAITING, E.OPEN): S.OPENED,
    (S.DECLINED, E.OPEN): S.OPENED,
    (S.WAITING, E.DECLINE): S.DECLINED,
}


class ContactRequest(AboutPerson, Versioned, Base):
    """Another partner's enquiry, as sent to a partner that supports the person. The asking partner cannot see the row.

    ``ask_id`` is the id of the asking partner's enquiry. It is not a foreign key, because no row references another
    partner's rows.
    """

    __tablename__ = "contact_requests"
    __table_args__ = about_person(
        "contact_requests",
        UniqueConstraint("partner_id", "id"),
        CheckConstraint(one_of("state", RequestState), name="state_is_known"),
        CheckConstraint("(state = 'opened') = (answer IS NOT NULL)", name="opened_has_an_answer"),
        Index("ix_contact_requests_ask_id", "ask_id"),
    )

    id: Mapped[PrimaryKey]
    ask_id: Mapped[UUID]
    asking_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    asked_at: Mapped[datetime]
    because: Mapped[str] = mapped_column(LINE)
    lead_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"))
    state: Mapped[RequestState] = mapped_column(words(RequestState), default=RequestState.WAITING)
    answer: Mapped[str | None] = mapped_column(LINE)


class ContactRequestMove(AboutPerson, StateLog, Base):
    """The log of a contact request's changes of state."""

    __tablename__ = "contact_request_moves"
    __table_args__ = about_person(
        "contact_request_moves",
        ForeignKeyConstraint(["partner_id", "request_id"], ["contact_requests.partner_id", "contact_requests.id"]),
        Index("ix_contact_request_moves_request", "partner_id", "request_id"),
    )

    request_id: Mapped[UUID]
