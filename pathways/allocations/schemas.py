"""Request bodies and replies of allocations, and records for the copy of their data that a jobseeker receives."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from pathways.allocations.models import LineState
from pathways.fields import Body, Day, GivenReason, Group, Schema
from pathways.shortlists.schemas import FlagOut


class NewAllocation(Body):
    """The request body for proposing an allocation."""

    on: Day | None = Field(default=None, description="The day the proposal is for. If left out: today.")
    caseworker_id: UUID | None = Field(
        default=None,
        description="The membership id of the caseworker whose cases are included. If left out: all cases you may see.",
    )


class LineDecision(Body):
    """The request body for accepting a line."""

    reason: GivenReason | None = Field(
        default=None,
        description="Why the line is accepted. Optional: a reason is required only to change or reject a line.",
    )


class Rejection(Body):
    """The request body for rejecting a line."""

    reason: GivenReason


class ChangeTo(Body):
    """The request body for changing a line to another placement."""

    placement_id: UUID
    reason: GivenReason


class AllocationFigures(Schema):
    """The totals of a proposal, and figures that reveal creaming (favouring jobseekers who are easy to place)."""

    offers: Annotated[int, Group.RECORD]
    without: Annotated[int, Group.RECORD]
    expected_lasting: Annotated[float, Group.RECORD] = Field(
        description="The expected number of offers that lead to a lasting placement, if their chances are right."
    )
    need_people: Annotated[int, Group.RECORD] = Field(
        description="The number of jobseekers in most need: those who have never had paid work, have waited long for an"
        " offer or have many barriers. The policy sets the limits."
    )
    need_offers: Annotated[int, Group.RECORD]
    need_floor: Annotated[int, Group.RECORD] = Field(
        description="The number of offers that the policy reserves for jobseekers in most need."
    )
    need_share_of_caseload: Annotated[float, Group.RECORD]
    need_share_of_offers: Annotated[float, Group.RECORD]
    need_share_of_top: Annotated[float, Group.RECORD] = Field(
        description="How much of the top 30 % of jobseekers by score is in most need, from 0 to 1. If it is far below"
        " need_share_of_caseload, ranking by score alone would be creaming."
    )
    enterprise_gini: Annotated[float, Group.RECORD]
    kept: Annotated[int, Group.RECORD] = Field(
        description="The number of offers that are the same as in the previous proposal."
    )
    first_choices: Annotated[int, Group.RECORD]
    certified: Annotated[float | None, Group.RECORD] = Field(
        default=1.0,
        description="The share of the best possible result that this proposal is proven to reach; 1 is the best."
        " Null if offers were removed, because the share is then unknown.",
    )
    taken_back: Annotated[int, Group.RECORD] = Field(
        default=0,
        description="The number of offers removed before the proposal was recorded, because a place was taken or a case"
        " changed. Jobseekers in most need may then have fewer offers than reserved. Make a new proposal to use the"
        " places that are left.",
    )


class LineDecisions(Schema):
    """The number of lines in each state. If every line is accepted unchanged, the lines may not have been reviewed."""

    proposed: Annotated[int, Group.RECORD]
    accepted: Annotated[int, Group.RECORD]
    changed: Annotated[int, Group.RECORD]
    rejected: Annotated[int, Group.RECORD]
    accepted_unchanged_share: Annotated[float | None, Group.RECORD] = Field(
        description="The share of the decided lines that were accepted unchanged, from 0 to 1; null if none is decided."
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
        description="The totals of the proposal. Null if you may not see every jobseeker in the allocation, because a"
        " total could reveal facts about a jobseeker you may not see."
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
        description="The rank of the proposed placement among all placements ranked for this jobseeker; 1 is the best."
    )
    first_choice: Annotated[str | None, Group.RECORD]
    why: Annotated[str, Group.RECORD] = Field(
        description="Why the offer is not the jobseeker's first choice, or why there is no offer."
    )
    need_facts: Annotated[list[str] | None, Group.NOTES] = Field(
        description="The facts that put the jobseeker among those in most need."
    )
    benefit_flags: Annotated[list[FlagOut] | None, Group.BENEFITS] = Field(
        default=None,
        description="Benefits that the work of the line may affect, to check with a benefits adviser before it begins:"
        " of the placement that the line was changed to, or else the proposed one.",
    )
    could_go_to: Annotated[int, Group.RECORD]
    changed_to_id: Annotated[UUID | None, Group.RECORD]
    decided_because: Annotated[str | None, Group.NOTES]
    possible_events: Annotated[list[str], Group.RECORD]
    version: Annotated[int, Group.RECORD]


class AllocationLineRecord(Schema):
    """An allocation line in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    placement_id: Annotated[UUID | None, Group.RECORD]
    changed_to_id: Annotated[UUID | None, Group.RECORD]
    state: Annotated[LineState, Group.RECORD]
    score: Annotated[float | None, Group.RECORD]
    why: Annotated[str, Group.RECORD]
    need_facts: Annotated[list[str] | None, Group.NOTES]


class AllocationMoveRecord(Schema):
    """A change of an allocation line's state, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    event: Annotated[str, Group.RECORD]
    to_state: Annotated[str, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES]
    valid_on: Annotated[date, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
