"""Bodies and replies about data-sharing agreements, enquiries and contact requests."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, Day, GivenReason, Group, NeededLine, Schema
from pathways.partner_enquiries.models import RequestState

ASKED = (
    "Your enquiry was recorded. If a partner that you have an agreement with supports this person, its team"
    " manager can read your organisation's name and your reason, and may open contact with you."
    " You get a reply only if a partner opens contact."
    " If you get no reply, you cannot conclude that no partner supports this person."
)


class NewAgreement(Body):
    """The request body for recording a signed data-sharing agreement between two partners."""

    one_id: UUID
    other_id: UUID
    one_lead_id: UUID = Field(
        description="A team manager of the first partner. Only this lead sees requests about the first"
        " partner's restricted cases."
    )
    other_lead_id: UUID
    from_on: Day
    document: NeededLine = Field(description="Where to find the signed agreement.")


class AgreementOut(Schema):
    """A data-sharing agreement between two partners."""

    id: Annotated[UUID, Group.RECORD]
    one_id: Annotated[UUID, Group.RECORD]
    other_id: Annotated[UUID, Group.RECORD]
    one_lead_id: Annotated[UUID, Group.RECORD]
    other_lead_id: Annotated[UUID, Group.RECORD]
    from_on: Annotated[date, Group.RECORD] = Field(validation_alias="valid_on")
    document: Annotated[str, Group.RECORD]


class NewAsk(Body):
    """The request body for asking other partners about a person."""

    reason: GivenReason = Field(
        description="Why you ask. If a partner supports the person, its team manager can read this reason."
    )


class EnquiryOut(Schema):
    """The reply to every enquiry. It is always the same, so it reveals nothing about other partners' records."""

    note: Annotated[str, Group.RECORD] = ASKED


class AnswerOut(Schema):
    """A contact that another partner opened in answer to an enquiry."""

    asked_at: Annotated[datetime, Group.RECORD]
    partner: Annotated[str, Group.RECORD]
    answer: Annotated[str, Group.RECORD]


class AskOut(Schema):
    """An enquiry about a person, with the contacts that other partners opened."""

    id: Annotated[UUID, Group.RECORD]
    asked_on: Annotated[date, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
    reason: Annotated[str, Group.RECORD]
    answers: Annotated[list[AnswerOut], Group.RECORD]


class RequestOut(Schema):
    """A contact request from another partner about a person you support. You decide whether to answer, and what."""

    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    jobseeker_reference: Annotated[str, Group.RECORD]
    asking: Annotated[str, Group.RECORD]
    asked_at: Annotated[datetime, Group.RECORD]
    because: Annotated[str, Group.RECORD]
    state: Annotated[RequestState, Group.RECORD]
    answer: Annotated[str | None, Group.RECORD]
    possible_events: Annotated[list[str], Group.RECORD]
    version: Annotated[int, Group.RECORD]


class Opening(Body):
    """The request body for opening contact with the asking partner."""

    answer: NeededLine = Field(
        description="Who to contact, and how. The asking partner reads only this text and your organisation's name."
    )


class AskRecord(Schema):
    """An enquiry, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    valid_on: Annotated[date, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES]


class ContactRequestRecord(Schema):
    """A contact request, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    asked_at: Annotated[datetime, Group.RECORD]
    because: Annotated[str | None, Group.NOTES]
    state: Annotated[RequestState, Group.RECORD]
    answer: Annotated[str | None, Group.NOTES]


class RequestMoveRecord(Schema):
    """A change of state of a contact request, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    event: Annotated[str, Group.RECORD]
    to_state: Annotated[str, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES]
    valid_on: Annotated[date, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
