"""What goes over the wire about a casefile."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, Group, NeededLine, Schema
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


class NewMerge(Body):
    other_id: UUID = Field(description="The record that is taken into this one.")
    reason: NeededLine


class MergeOut(Schema):
    """Two records that are one person; it can be undone."""

    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    reference: Annotated[str, Group.RECORD]
    merged_id: Annotated[UUID, Group.RECORD]
    merged_reference: Annotated[str, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
    reason: Annotated[str, Group.RECORD]
    moved: Annotated[dict[str, int], Group.RECORD] = Field(description="How many rows moved, by what they are.")
    filled: Annotated[list[str], Group.RECORD] = Field(description="Fields that the kept record did not know.")


class UndoneOut(Schema):
    """What became of a merge that was undone."""

    jobseeker_id: Annotated[UUID, Group.RECORD]
    restored_id: Annotated[UUID, Group.RECORD]
    put_back: Annotated[dict[str, int], Group.RECORD]
    stays: Annotated[dict[str, int], Group.RECORD] = Field(
        description="What was recorded since the merge and hangs on nothing that went back: it stays where it is. Look"
        " at each, and record it anew with the other one where it belongs there."
    )
    left: Annotated[list[str], Group.RECORD] = Field(description="What was edited since and is left as it is.")
