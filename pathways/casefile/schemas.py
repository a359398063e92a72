"""What goes over the wire about a casefile."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from pathways.fields import Group, Schema
from pathways.holdings import TimelineEntry


class TimelinePage(Schema):
    items: Annotated[list[TimelineEntry], Group.RECORD]
    next: Annotated[str | None, Group.RECORD]


class AccessLine(Schema):
    """Who opened or changed the record."""

    id: Annotated[UUID, Group.RECORD]
    at: Annotated[datetime, Group.RECORD] = Field(validation_alias="recorded_at")
    user_id: Annotated[UUID, Group.RECORD] = Field(validation_alias="by")
    organisation_id: Annotated[UUID, Group.RECORD]
    role: Annotated[str, Group.RECORD]
    doing: Annotated[str, Group.RECORD]
    is_change: Annotated[bool, Group.RECORD]
    request_id: Annotated[str, Group.RECORD]


class Extract(Schema):
    """All that is held about a person, for the person."""

    jobseeker_id: Annotated[UUID, Group.RECORD]
    reference: Annotated[str, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    holdings: Annotated[dict[str, list[dict[str, Any]]], Group.RECORD]
