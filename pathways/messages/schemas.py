"""Request bodies and replies about notices, e-mails and webhooks."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from pathways.fields import Body, Group, Schema
from pathways.messages.models import EmailState, NoticeKind

HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00-\x1f\x7f]{1,280}$", max_length=300)]


class NoticeOut(Schema):
    """A notice to a member: its text, and the kind and id of the record that the notice is about."""

    id: Annotated[UUID, Group.RECORD]
    kind: Annotated[NoticeKind, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    subject: Annotated[str, Group.RECORD]
    subject_id: Annotated[UUID, Group.RECORD]
    is_urgent: Annotated[bool, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    read_at: Annotated[datetime | None, Group.RECORD]


class EmailOut(Schema):
    """An e-mail as an administrator sees it: with the recipient and the delivery state, but without the text."""

    id: Annotated[UUID, Group.RECORD]
    user_id: Annotated[UUID, Group.RECORD]
    state: Annotated[EmailState, Group.RECORD]
    attempts: Annotated[int, Group.RECORD]
    next_try_at: Annotated[datetime, Group.RECORD]
    last_error: Annotated[str, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    sent_at: Annotated[datetime | None, Group.RECORD]


class NewEndpoint(Body):
    """The address of a new webhook endpoint."""

    url: HttpsUrl = Field(description="An https address. In development, http to this machine is also allowed.")


class EndpointOut(Schema):
    """A webhook endpoint of your organisation."""

    id: Annotated[UUID, Group.RECORD]
    url: Annotated[str, Group.RECORD]
    is_on: Annotated[bool, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    secret: Annotated[str | None, Group.NOTES] = Field(
        default=None,
        description="The signing secret: whsec_ and base 64. Only in the reply that creates the endpoint.",
    )


class DeliveryOut(Schema):
    """One webhook to one endpoint, with its payload and delivery state."""

    id: Annotated[UUID, Group.RECORD]
    event_id: Annotated[UUID, Group.RECORD]
    event_type: Annotated[str, Group.RECORD]
    payload: Annotated[dict[str, str], Group.RECORD]
    state: Annotated[EmailState, Group.RECORD]
    attempts: Annotated[int, Group.RECORD]
    next_try_at: Annotated[datetime, Group.RECORD]
    last_error: Annotated[str, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    sent_at: Annotated[datetime | None, Group.RECORD] = Field(description="When the webhook was sent (UTC), if it was.")
