"""What goes over the wire about agreements, questions and answers."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, Day, Group, NeededLine, Schema
from pathways.partner_enquiries.models import RequestState

ASKED = (
    "Asked. Where a partner you have an agreement with supports this person, its team manager sees that you ask and"
    " why, and may open contact. You hear nothing otherwise, and nothing either way for now."
)


class NewAgreement(Body):
    one_id: UUID
    other_id: UUID
    one_lead_id: UUID = Field(description="A team manager of the first; alone hears of restricted cases.")
    other_lead_id: UUID
    from_on: Day
    document: NeededLine = Field(description="Where the signed agreement is kept.")


class AgreementOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    one_id: Annotated[UUID, Group.RECORD]
    other_id: Annotated[UUID, Group.RECORD]
    one_lead_id: Annotated[UUID, Group.RECORD]
    other_lead_id: Annotated[UUID, Group.RECORD]
    from_on: Annotated[date, Group.RECORD] = Field(validation_alias="valid_on")
    document: Annotated[str, Group.RECORD]


class NewAsk(Body):
    reason: NeededLine = Field(description="Why you ask; the holder reads it.")


class EnquiryOut(Schema):
    """The same whatever is known elsewhere: silence reveals nothing."""

    note: Annotated[str, Group.RECORD] = ASKED


class AnswerOut(Schema):
    """A holder opened contact."""

    asked_at: Annotated[datetime, Group.RECORD]
    partner: Annotated[str, Group.RECORD]
    answer: Annotated[str, Group.RECORD]


class AskOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    asked_on: Annotated[date, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
    reason: Annotated[str, Group.RECORD]
    answers: Annotated[list[AnswerOut], Group.RECORD]


class RequestOut(Schema):
    """Somebody asked about a person you support. Whether and what they are told is yours to decide."""

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
    answer: NeededLine = Field(description="Whom to get in touch with, and how. They read just this, and your name.")


class AskRecord(Schema):
    """The question, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    valid_on: Annotated[date, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES]


class ContactRequestRecord(Schema):
    """The request, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    asked_at: Annotated[datetime, Group.RECORD]
    because: Annotated[str | None, Group.NOTES]
    state: Annotated[RequestState, Group.RECORD]
    answer: Annotated[str | None, Group.NOTES]


class RequestMoveRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    event: Annotated[str, Group.RECORD]
    to_state: Annotated[str, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES]
    valid_on: Annotated[date, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
