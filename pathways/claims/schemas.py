"""What goes over the wire about claims."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.claims.models import ClaimState
from pathways.fields import Body, Group, Line, NeededLine, Schema
from pathways.programmes.schemas import Price


class NewClaim(Body):
    outcome_id: UUID


class Declaration(Body):
    """What whoever submits a claim declares to the funder."""

    has_other_funding: bool = Field(description="Another funder pays for the same purpose.")
    other_funding: Line | None = Field(default=None, description="Which, and for what; needed where there is one.")


class Payment(Body):
    pounds: Price | None = Field(default=None, description="What was paid; all that was asked for when left out.")


class Because(Body):
    reason: NeededLine


class ClaimMoveOut(Schema):
    event: Annotated[str, Group.RECORD]
    from_state: Annotated[str | None, Group.RECORD]
    to_state: Annotated[str, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]
    made_by_role: Annotated[str, Group.RECORD]
    pounds: Annotated[float, Group.RECORD]
    reason: Annotated[str, Group.RECORD]


class ClaimOut(Schema):
    """A commissioner sees the claim and never the person: ``participant_ref`` stands for them."""

    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID | None, Group.NOTES]
    enrolment_id: Annotated[UUID | None, Group.NOTES]
    outcome_id: Annotated[UUID | None, Group.NOTES]
    participant_ref: Annotated[str, Group.RECORD]
    programme_id: Annotated[UUID, Group.RECORD]
    rule: Annotated[str, Group.RECORD]
    rule_version: Annotated[str, Group.RECORD]
    state: Annotated[ClaimState, Group.RECORD]
    achieved_on: Annotated[date, Group.RECORD]
    pounds: Annotated[float, Group.RECORD]
    paid_pounds: Annotated[float | None, Group.RECORD]
    days: Annotated[int, Group.RECORD] = Field(description="Days of work it rests on.")
    evidence_tier: Annotated[str | None, Group.RECORD] = Field(description="The weakest of what it rests on.")
    is_subsidised: Annotated[bool, Group.RECORD]
    is_own_supply_chain: Annotated[bool, Group.RECORD]
    has_other_funding: Annotated[bool | None, Group.RECORD]
    other_funding: Annotated[str | None, Group.RECORD]
    claimed_elsewhere: Annotated[list[UUID] | None, Group.NOTES] = Field(
        description="Programmes under which a claim stands on some of the same days."
    )
    outcome_stands: Annotated[bool, Group.RECORD] = Field(
        description="False: the outcome was taken back. What is not paid fails; what is paid is owed back: reverse it."
    )
    may_be_submitted_from: Annotated[date, Group.RECORD]
    attempt: Annotated[int, Group.RECORD]
    earlier_id: Annotated[UUID | None, Group.RECORD]
    possible_events: Annotated[list[str], Group.RECORD]
    moves: Annotated[list[ClaimMoveOut], Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    version: Annotated[int, Group.RECORD]


class ClaimRecord(Schema):
    """The row itself, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    rule: Annotated[str, Group.RECORD]
    state: Annotated[ClaimState, Group.RECORD]
    participant_ref: Annotated[str, Group.RECORD]
    achieved_on: Annotated[date, Group.RECORD]
    pence: Annotated[int, Group.RECORD]
    paid_pence: Annotated[int | None, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]


class DayRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    claim_id: Annotated[UUID, Group.RECORD]
    day: Annotated[date, Group.RECORD]


class ItemRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    claim_id: Annotated[UUID, Group.RECORD]
    evidence_id: Annotated[UUID, Group.RECORD]


class ClaimedDocumentRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    claim_id: Annotated[UUID, Group.RECORD]
    document_hash: Annotated[str, Group.RECORD]
