"""Replies about what a protective fact stops, bars and could not prevent."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.fields import Group, Schema
from pathways.introductions.models import IntroductionState
from pathways.jobseekers.schemas import JobseekerOut, PermissionOut, SafetyExclusionOut


class BarredPlacement(Schema):
    """A published placement that a safety exclusion keeps a jobseeker away from today."""

    placement_id: Annotated[UUID, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]


class StoppedIntroduction(Schema):
    """An introduction that was withdrawn, or about which a caseworker must decide. ``state`` is the state before."""

    introduction_id: Annotated[UUID, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]
    state: Annotated[IntroductionState, Group.RECORD]
    what_to_do: Annotated[str | None, Group.SAFETY] = Field(
        default=None, description="What the caseworker must decide; null if the introduction was withdrawn."
    )


class EarlierReading(Schema):
    """What a social enterprise had already read about the jobseeker, and when. It cannot be called back."""

    social_enterprise_id: Annotated[UUID, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]
    groups: Annotated[list[str], Group.RECORD] = Field(description="The groups of fields, for instance contact.")
    first_at: Annotated[datetime, Group.RECORD] = Field(description="When it was first read (UTC).")
    last_at: Annotated[datetime, Group.RECORD] = Field(description="When it was last read (UTC).")
    times: Annotated[int, Group.RECORD] = Field(description="How often the social enterprise read about the jobseeker.")


class StoppedOut(Schema):
    """Everything that was stopped at once, what a caseworker must decide, and what had already read."""

    withdrawn: Annotated[list[StoppedIntroduction], Group.RECORD] = Field(
        description="The introductions that were withdrawn."
    )
    to_decide: Annotated[list[StoppedIntroduction], Group.RECORD] = Field(
        description="The introductions that are stopped until a caseworker decides."
    )
    permissions_revoked: Annotated[list[str], Group.RECORD] = Field(
        description="The social enterprises that can read nothing about the jobseeker from now on."
    )
    links_ended: Annotated[int, Group.RECORD] = Field(description="How many decision links in e-mails no longer work.")
    messages_cancelled: Annotated[int, Group.RECORD] = Field(
        description="How many notices to social enterprises were cancelled."
    )
    allocation_lines_rejected: Annotated[int, Group.RECORD] = Field(
        description="How many undecided lines of proposed allocations were rejected."
    )
    already_read: Annotated[list[EarlierReading], Group.RECORD] = Field(
        description="What each of these social enterprises had already read. It cannot be called back."
    )


class ExclusionRecorded(SafetyExclusionOut):
    """A recorded safety exclusion: what it bars today, what it stopped, and what it cannot do by itself."""

    bars: Annotated[list[BarredPlacement] | None, Group.SAFETY] = Field(
        description="The published placements that the exclusion covers today, at most 100."
    )
    bars_in_all: Annotated[int | None, Group.SAFETY] = Field(
        description="How many published placements the exclusion covers today."
    )
    note: Annotated[str | None, Group.SAFETY] = Field(description="What the exclusion cannot do by itself.")
    stopped: Annotated[StoppedOut | None, Group.SAFETY] = Field(
        description="What was stopped at once, what you must decide, and what had already read."
    )


class PermissionRevoked(PermissionOut):
    """A revoked permission, and what the revocation stopped."""

    stopped: Annotated[StoppedOut | None, Group.NOTES] = Field(
        description="What was stopped at once, what you must decide, and what had already read."
    )


class PermissionGranted(PermissionOut):
    """A permission to share, and what cannot be called back where it permits less than the one before."""

    already_read: Annotated[list[EarlierReading] | None, Group.NOTES] = Field(
        description="What the social enterprise had already read in groups that are no longer permitted."
    )


class JobseekerChanged(JobseekerOut):
    """A changed record, and what the change stopped."""

    stopped: Annotated[StoppedOut | None, Group.NOTES] = Field(
        default=None,
        description="If the change withholds contact details or restricts the case, also because it resembles a"
        " restricted record: what was stopped at once, what you must decide, and what had already read. Otherwise"
        " null.",
    )


class CaseRestricted(JobseekerOut):
    """A restricted case, and what the restriction stopped."""

    stopped: Annotated[StoppedOut | None, Group.NOTES] = Field(
        description="What was stopped at once, what you must decide, and what had already read."
    )
