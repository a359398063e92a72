"""Bodies and replies about possible duplicates."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.duplicates.models import PairState
from pathways.fields import Group, Schema
from pathways.jobseekers.models import JobseekerState


class FieldComparison(Schema):
    """How one field compares. Each 1 in ``bits`` doubles the odds that both are one person; each -1 halves them."""

    field: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    bits: Annotated[float, Group.RECORD]


class PairSide(Schema):
    """One of the two records, with the fields that this actor may read."""

    jobseeker_id: Annotated[UUID, Group.RECORD]
    reference: Annotated[str, Group.RECORD]
    state: Annotated[JobseekerState, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    caseworker_id: Annotated[UUID | None, Group.RECORD]
    given_name: Annotated[str | None, Group.IDENTITY]
    family_name: Annotated[str | None, Group.IDENTITY]
    known_as: Annotated[str | None, Group.IDENTITY]
    date_of_birth: Annotated[date | None, Group.IDENTITY]
    nino: Annotated[str | None, Group.IDENTITY]
    nhs_number: Annotated[str | None, Group.IDENTITY]
    postcode: Annotated[str | None, Group.CONTACT]
    phone: Annotated[str | None, Group.CONTACT]
    safe_contact: Annotated[str | None, Group.CONTACT]
    email: Annotated[str | None, Group.CONTACT]


class PairOut(Schema):
    """Two records side by side for review. Records are never merged automatically."""

    id: Annotated[UUID, Group.RECORD]
    state: Annotated[PairState, Group.RECORD]
    probability: Annotated[float, Group.RECORD] = Field(
        description="The probability that both records are one person, as computed when the pair was found."
    )
    is_proposed: Annotated[bool, Group.RECORD] = Field(
        description="Whether the pair is proposed as one person: its probability is 0.99 or more."
    )
    held_back: Annotated[str, Group.RECORD] = Field(
        description="Why the probability was limited to less than the fields suggest. Empty if it was not limited."
    )
    told: Annotated[list[FieldComparison], Group.RECORD]
    one: Annotated[PairSide, Group.RECORD]
    other: Annotated[PairSide, Group.RECORD]
    differs_on: Annotated[list[str], Group.RECORD]
    found_at: Annotated[datetime, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES] = Field(
        description="The reason given for the latest event of this pair."
    )
    possible_events: Annotated[list[str], Group.RECORD]
    version: Annotated[int, Group.RECORD]


class PairRecord(Schema):
    """A pair, in the copy of their data that a jobseeker receives. The other person is left out."""

    id: Annotated[UUID, Group.RECORD]
    state: Annotated[PairState, Group.RECORD]
    probability: Annotated[float, Group.RECORD]
    found_at: Annotated[datetime, Group.RECORD]


class PairMoveRecord(Schema):
    """An event of a pair, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    event: Annotated[str, Group.RECORD]
    to_state: Annotated[str, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES]
    valid_on: Annotated[date, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
