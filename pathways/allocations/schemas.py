"""Request bodies, replies and data-extract records of allocations."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from pathways.allocations.models import LineState
from pathways.fields import Body, Day, Group, Line, NeededLine, Schema


class NewAllocation(Body):
    """The body that proposes an allocation."""

    on: Day | None = Field(default=None, description="The day the proposal is for; today if left out.")
    caseworker_id: UUID | None = Field(
        default=None, description="Only this member's cases; all cases you may see if left out."
    )


class LineDecision(Body):
    """The body that accepts a line."""

    reason: Annotated[Line, Field(min_length=1)] | None = Field(
        default=None,
        description="An optional reason for accepting the proposal; a reason is required only to change or reject.",
    )


class Rejection(Body):
    """The body that rejects a line."""

    reason: NeededLine


class ChangeTo(Body):
    """The body that changes a line to another placement."""

    placement_id: UUID
    reason: NeededLine


class AllocationFigures(Schema):
    """The totals of a proposal, with the jobseekers without an offer and the figures that reveal creaming."""

    offers: Annotated[int, Group.RECORD]
    without: Annotated[int, Group.RECORD]
    expected_lasting: Annotated[float, Group.RECORD] = Field(
        description="Expected number of offers that last, if the scores are right."
    )
    need_people: Annotated[int, Group.RECORD] = Field(
        description="Jobseekers in the need band, by the facts the policy declares."
    )
    need_offers: Annotated[int, Group.RECORD]
    need_floor: Annotated[int, Group.RECORD] = Field(description="Offers the policy reserves for the need band.")
    need_share_of_caseload: Annotated[float, Group.RECORD]
    need_share_of_offers: Annotated[float, Group.RECORD]
    need_share_of_top: Annotated[float, Group.RECORD] = Field(
        description="The need band's share of the top 30 % by score. Far below its caseload share means creaming."
    )
    enterprise_gini: Annotated[float, Group.RECORD]
    kept: Annotated[int, Group.RECORD] = Field(description="Offers that repeat the previous proposal.")
    first_choices: Annotated[int, Group.RECORD]
    certified: Annotated[float | None, Group.RECORD] = Field(
        default=1.0,
        description="The proven share of the best possible result; 1 is the best. Null if offers were removed, because"
        " it is not known then.",
    )
    taken_back: Annotated[int, Group.RECORD] = Field(
        default=0,
        description="Offers removed before the proposal was recorded, because a place was taken or a case changed. The"
        " need band may then have fewer offers than reserved. Propose again to use the places that are left.",
    )


class LineDecisions(Schema):
    """The decisions so far; if every line is accepted unchanged, the lines may not have been reviewed."""

    proposed: Annotated[int, Group.RECORD]
    accepted: Annotated[int, Group.RECORD]
    changed: Annotated[int, Group.RECORD]
    rejected: Annotated[int, Group.RECORD]
    accepted_unchanged_share: Annotated[float | None, Group.RECORD] = Field(
        description="Share of the decided lines; null while no line is decided."
    )


class AllocationOut(Schema):
    """An allocation as the API returns it, without its lines."""

    id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]
    policy: Annotated[dict[str, Any], Group.RECORD]
    looked_at: Annotated[int | None, Group.RECORD]
    placements: Annotated[int, Group.RECORD]
    figures: Annotated[AllocationFigures | None, Group.RECORD] = Field(
        description="Null if you may not see every jobseeker in the allocation, because a total could reveal"
        " facts about them."
    )
    decided: Annotated[LineDecisions | None, Group.RECORD]
    note: Annotated[str, Group.RECORD] = (
        "This is a proposal: nothing is sent and no introduction is made. A caseworker accepts, changes or rejects "
        "each line."
    )


class AllocationLineOut(Schema):
    """One line of an allocation: the proposal for one jobseeker and the decision on it."""

    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    jobseeker_reference: Annotated[str, Group.RECORD]
    state: Annotated[LineState, Group.RECORD]
    placement_id: Annotated[UUID | None, Group.RECORD]
    title: Annotated[str | None, Group.RECORD]
    social_enterprise: Annotated[str | None, Group.RECORD]
    score: Annotated[float | None, Group.RECORD]
    rank_of_own: Annotated[int | None, Group.RECORD] = Field(
        description="The rank of the placement on the jobseeker's own list."
    )
    first_choice: Annotated[str | None, Group.RECORD]
    why: Annotated[str, Group.RECORD] = Field(
        description="Why the offer is not the first choice, or why there is no offer."
    )
    need_facts: Annotated[list[str] | None, Group.NOTES] = Field(
        description="The facts that put the jobseeker in the need band."
    )
    could_go_to: Annotated[int, Group.RECORD]
    changed_to_id: Annotated[UUID | None, Group.RECORD]
    decided_because: Annotated[str | None, Group.NOTES]
    possible_events: Annotated[list[str], Group.RECORD]
    version: Annotated[int, Group.RECORD]


class AllocationLineRecord(Schema):
    """A line in a jobseeker's data extract."""

    id: Annotated[UUID, Group.RECORD]
    placement_id: Annotated[UUID | None, Group.RECORD]
    changed_to_id: Annotated[UUID | None, Group.RECORD]
    state: Annotated[LineState, Group.RECORD]
    score: Annotated[float | None, Group.RECORD]
    why: Annotated[str, Group.RECORD]
    need_facts: Annotated[list[str] | None, Group.NOTES]


class AllocationMoveRecord(Schema):
    """A change of a line's state in a jobseeker's data extract."""

    id: Annotated[UUID, Group.RECORD]
    event: Annotated[str, Group.RECORD]
    to_state: Annotated[str, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES]
    valid_on: Annotated[date, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
