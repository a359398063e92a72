"""Request bodies and replies for a casefile."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, GivenReason, Group, Schema
from pathways.holdings import TimelineEntry
from pathways.jobseekers.search_schemas import MAY_BE, MayBe
from pathways.protection.schemas import StoppedOut


class TimelinePage(Schema):
    """One page of a jobseeker's timeline, and the cursor of the next page."""

    items: Annotated[list[TimelineEntry], Group.RECORD]
    next: Annotated[str | None, Group.RECORD]


class AccessLine(Schema):
    """One access to a jobseeker's record: who opened or changed it, and when."""

    id: Annotated[UUID, Group.RECORD] = Field(description="The id of this line of the access log (UUID, version 7).")
    at: Annotated[datetime, Group.RECORD] = Field(validation_alias="recorded_at")
    user_id: Annotated[UUID, Group.RECORD] = Field(
        validation_alias="by", description="The id of the user who opened or changed the record."
    )
    organisation_id: Annotated[UUID, Group.RECORD]
    role: Annotated[str, Group.RECORD]
    doing: Annotated[str, Group.RECORD]
    is_change: Annotated[bool, Group.RECORD]
    is_refused: Annotated[bool, Group.RECORD] = Field(description="Whether the attempt was refused.")
    request_id: Annotated[str, Group.RECORD]
    key_id: Annotated[UUID | None, Group.RECORD] = Field(description="The id of the API key that was used.")
    address: Annotated[str, Group.RECORD] = Field(description="The network address that the request came from.")
    issued_by: Annotated[UUID | None, Group.RECORD] = Field(
        description="The id of the user who issued the key that was used. Null for a command, and for old keys."
    )


class Extract(Schema):
    """All data held about a jobseeker, limited to the fields that the jobseeker may read."""

    jobseeker_id: Annotated[UUID, Group.RECORD]
    reference: Annotated[str, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    holdings: Annotated[dict[str, list[dict[str, Any]]], Group.RECORD]


class NewMerge(Body):
    """The request body for merging a duplicate record into this one."""

    other_id: UUID = Field(description="The id of the duplicate record, which is merged into this record.")
    reason: GivenReason


class MergeOut(Schema):
    """A merge of two records of one jobseeker, which can be undone."""

    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    reference: Annotated[str, Group.RECORD]
    merged_id: Annotated[UUID, Group.RECORD]
    merged_reference: Annotated[str, Group.RECORD]
    caseworker_id: Annotated[UUID | None, Group.RECORD] = Field(
        description="The membership of the caseworker who has the kept record's case now."
    )
    made_at: Annotated[datetime, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
    reason: Annotated[str, Group.RECORD]
    moved: Annotated[dict[str, int], Group.RECORD] = Field(
        description="How many database rows were moved from the merged record to the kept one, by table name."
    )
    filled: Annotated[list[str], Group.RECORD] = Field(
        description="The kept record's fields that changed: blank fields that were filled, and texts and lists of both"
        " records that protect the jobseeker and were joined."
    )
    stopped: Annotated[StoppedOut | None, Group.NOTES] = Field(
        default=None,
        description="In the reply to the merge: what it stopped at once, what you must decide, and what had been read.",
    )
    may_be: MayBe = MAY_BE


class UndoneOut(Schema):
    """The result of undoing a merge: what was moved back, and what was left as it is."""

    jobseeker_id: Annotated[UUID, Group.RECORD]
    restored_id: Annotated[UUID, Group.RECORD]
    put_back: Annotated[dict[str, int], Group.RECORD]
    stays: Annotated[dict[str, int], Group.RECORD] = Field(
        description="For each table, the number of rows recorded since the merge that stay with the kept record."
        " They stay because they depend on no row that moved back. Check each row. If a row belongs to the other"
        " record, record it there again."
    )
    left: Annotated[list[str], Group.RECORD] = Field(
        description="One sentence for each kind of edit made after the merge. The undo leaves these edits as they are."
    )
    as_before: Annotated[list[str], Group.RECORD] = Field(
        description="The kept record's fields that the merge had filled or joined, and that are again as before it."
    )
    may_be: MayBe = MAY_BE
