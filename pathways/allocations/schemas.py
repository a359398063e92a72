"""What goes over the wire about allocations."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from pathways.allocations.models import LineState
from pathways.fields import Body, Day, Group, Line, NeededLine, Schema


class NewAllocation(Body):
    on: Day | None = Field(default=None, description="The day it is for; today when left out.")
    caseworker_id: UUID | None = Field(default=None, description="Only this member's cases; else all you may see.")


class LineDecision(Body):
    reason: Annotated[Line, Field(min_length=1)] | None = Field(
        default=None, description="Needed to reject or change; a proposal taken as it is speaks for itself."
    )


class Rejection(Body):
    reason: NeededLine


class ChangeTo(Body):
    placement_id: UUID
    reason: NeededLine


class AllocationFigures(Schema):
    """What the proposal does, and to whom: the creaming index and the people with no offer are part of it."""

    offers: Annotated[int, Group.RECORD]
    without: Annotated[int, Group.RECORD]
    expected_lasting: Annotated[float, Group.RECORD] = Field(description="Offers that would last, were scores right.")
    need_people: Annotated[int, Group.RECORD] = Field(description="In the need band, by the policy's declared facts.")
    need_offers: Annotated[int, Group.RECORD]
    need_floor: Annotated[int, Group.RECORD] = Field(description="Offers the policy reserves for the need band.")
    need_share_of_caseload: Annotated[float, Group.RECORD]
    need_share_of_offers: Annotated[float, Group.RECORD]
    need_share_of_top: Annotated[float, Group.RECORD] = Field(
        description="The need band's share of the top 30 % by score: far under its share of the caseload is creaming."
    )
    enterprise_gini: Annotated[float, Group.RECORD]
    kept: Annotated[int, Group.RECORD] = Field(description="Pairs kept from the proposal before.")
    first_choices: Annotated[int, Group.RECORD]
    certified: Annotated[float | None, Group.RECORD] = Field(
        default=1.0,
        description="The share of the best there could be that is surely reached; 1 is the best itself. None where an"
        " offer was taken back, so that it is not known.",
    )
    taken_back: Annotated[int, Group.RECORD] = Field(
        default=0,
        description="Offers taken back before they were recorded, as their places or people went; with some, fewer may"
        " be left to the need band than were reserved. Propose again to fill what is left.",
    )


class LineDecisions(Schema):
    """How caseworkers decided so far; a share of 1 taken unchanged may mean that nobody looked."""

    proposed: Annotated[int, Group.RECORD]
    accepted: Annotated[int, Group.RECORD]
    changed: Annotated[int, Group.RECORD]
    rejected: Annotated[int, Group.RECORD]
    accepted_unchanged_share: Annotated[float | None, Group.RECORD] = Field(
        description="Of the lines decided so far; none while nothing is."
    )


class AllocationOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]
    policy: Annotated[dict[str, Any], Group.RECORD]
    looked_at: Annotated[int | None, Group.RECORD]
    placements: Annotated[int, Group.RECORD]
    figures: Annotated[AllocationFigures | None, Group.RECORD] = Field(
        description="None where a line is of somebody you may not see: a total would tell of them."
    )
    decided: Annotated[LineDecisions | None, Group.RECORD]
    note: Annotated[str, Group.RECORD] = (
        "A proposal: nothing is sent and no introduction is made. A caseworker accepts, changes or rejects each line."
    )


class AllocationLineOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    jobseeker_reference: Annotated[str, Group.RECORD]
    state: Annotated[LineState, Group.RECORD]
    placement_id: Annotated[UUID | None, Group.RECORD]
    title: Annotated[str | None, Group.RECORD]
    social_enterprise: Annotated[str | None, Group.RECORD]
    score: Annotated[float | None, Group.RECORD]
    rank_of_own: Annotated[int | None, Group.RECORD] = Field(description="On the jobseeker's own list.")
    first_choice: Annotated[str | None, Group.RECORD]
    why: Annotated[str, Group.RECORD] = Field(description="Why not the first choice, or why there is no offer.")
    need_facts: Annotated[list[str] | None, Group.NOTES] = Field(description="Why the person is in the need band.")
    could_go_to: Annotated[int, Group.RECORD]
    changed_to_id: Annotated[UUID | None, Group.RECORD]
    decided_because: Annotated[str | None, Group.NOTES]
    possible_events: Annotated[list[str], Group.RECORD]
    version: Annotated[int, Group.RECORD]


class AllocationLineRecord(Schema):
    """The line, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    placement_id: Annotated[UUID | None, Group.RECORD]
    changed_to_id: Annotated[UUID | None, Group.RECORD]
    state: Annotated[LineState, Group.RECORD]
    score: Annotated[float | None, Group.RECORD]
    why: Annotated[str, Group.RECORD]
    need_facts: Annotated[list[str] | None, Group.NOTES]


class AllocationMoveRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    event: Annotated[str, Group.RECORD]
    to_state: Annotated[str, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES]
    valid_on: Annotated[date, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
