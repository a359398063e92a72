"""Request bodies and replies for claims."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.claims.models import ClaimState, FundersAnswer
from pathways.fields import Body, GivenReason, Group, Line, Schema
from pathways.programmes.schemas import Price


class Declaration(Body):
    """The declaration about other funding that goes to the funder with a claim."""

    has_other_funding: bool = Field(description="Whether another funder also pays for the outcome of this claim.")
    other_funding: Line | None = Field(
        default=None, description="The other funding and what it pays for. Required if has_other_funding is true."
    )


class NewClaim(Body):
    """The outcome that a new claim is for."""

    outcome_id: UUID
    declaration: Declaration | None = Field(
        default=None, description="With the declaration, the claim is submitted at once. Otherwise it stays a draft."
    )


class Payment(Body):
    """The amount the funder paid."""

    pounds: Price | None = Field(default=None, description="The amount paid. If left out: the full amount claimed.")


class Because(Body):
    """The reason for a change to a claim, which the partner and the commissioner can read."""

    reason: GivenReason


class Confirmation(Body):
    """The decision, recorded by the partner in the funder's name, that the funder confirms."""

    move_id: UUID = Field(description="The id of the decision, in the field moves of the claim.")


class Objection(Confirmation):
    """The decision, recorded by the partner in the funder's name, that the funder contests."""

    reason: GivenReason = Field(description="Why the funder contests the decision. The partner can read it.")


class ClaimMoveOut(Schema):
    """One change of a claim's state, with the amount paid or reversed."""

    id: Annotated[UUID, Group.RECORD] = Field(description="The id of this change, by which the funder answers it.")
    event: Annotated[str, Group.RECORD]
    from_state: Annotated[str | None, Group.RECORD]
    to_state: Annotated[str, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]
    made_by_role: Annotated[str, Group.RECORD]
    pounds: Annotated[float, Group.RECORD] = Field(
        description="The amount in pounds: positive if paid, negative if a payment was reversed, otherwise 0."
    )
    reason: Annotated[str, Group.RECORD]
    told_by_partner: Annotated[bool, Group.RECORD] = Field(
        description="Whether the partner recorded this decision in the funder's name."
    )
    funders_answer: Annotated[FundersAnswer | None, Group.RECORD] = Field(
        description="For a decision that the partner recorded in the funder's name: whether the funder has confirmed"
        " it, contested it, or not answered yet."
    )
    answers_id: Annotated[UUID | None, Group.RECORD] = Field(
        description="For an event confirm or contest: the id of the decision that the funder answers."
    )


class ClaimOut(Schema):
    """A claim with its history; a commissioner never sees the jobseeker, only the pseudonym ``participant_ref``."""

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
    days: Annotated[int, Group.RECORD] = Field(description="The number of days of work claimed for.")
    evidence_tier: Annotated[str | None, Group.RECORD] = Field(
        description="The weakest tier of the evidence for the claim."
    )
    is_subsidised: Annotated[bool, Group.RECORD]
    is_own_supply_chain: Annotated[bool, Group.RECORD]
    has_other_funding: Annotated[bool | None, Group.RECORD]
    other_funding: Annotated[str | None, Group.RECORD]
    claimed_elsewhere: Annotated[list[UUID] | None, Group.NOTES] = Field(
        description="The ids of other programmes on which another claim uses some of this claim's days."
    )
    outcome_stands: Annotated[bool, Group.RECORD] = Field(
        description="False if the outcome has been withdrawn. An unpaid claim can then no longer be paid, and a paid"
        " claim must be reversed."
    )
    funders_answer: Annotated[FundersAnswer | None, Group.RECORD] = Field(
        description="The funder's answer to the decisions that the partner recorded in its name: contested if the"
        " funder contests any of them, waiting if any has no answer yet, else confirmed. Null if there are none."
    )
    may_be_submitted_from: Annotated[date, Group.RECORD]
    attempt: Annotated[int, Group.RECORD]
    earlier_id: Annotated[UUID | None, Group.RECORD]
    possible_events: Annotated[list[str], Group.RECORD]
    moves: Annotated[list[ClaimMoveOut], Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    version: Annotated[int, Group.RECORD]


class ClaimRecord(Schema):
    """A claim, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    rule: Annotated[str, Group.RECORD]
    state: Annotated[ClaimState, Group.RECORD]
    participant_ref: Annotated[str, Group.RECORD]
    achieved_on: Annotated[date, Group.RECORD]
    pence: Annotated[int, Group.RECORD]
    paid_pence: Annotated[int | None, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]


class DayRecord(Schema):
    """A day of work claimed for, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    claim_id: Annotated[UUID, Group.RECORD]
    day: Annotated[date, Group.RECORD]


class ItemRecord(Schema):
    """An item of evidence used in a claim, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    claim_id: Annotated[UUID, Group.RECORD]
    evidence_id: Annotated[UUID, Group.RECORD]


class ClaimedDocumentRecord(Schema):
    """The hash of a document used in a claim, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    claim_id: Annotated[UUID, Group.RECORD]
    document_hash: Annotated[str, Group.RECORD]
