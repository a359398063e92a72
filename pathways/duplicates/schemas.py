"""What goes over the wire about possible duplicates."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.duplicates.models import PairState
from pathways.fields import Group, Schema
from pathways.jobseekers.models import JobseekerState


class FieldComparison(Schema):
    """What one field tells: each bit doubles the odds of one person, or halves them where it is under 0."""

    field: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    bits: Annotated[float, Group.RECORD]


class PairSide(Schema):
    """One of the two records, as it may be read."""

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
    email: Annotated[str | None, Group.CONTACT]


class PairOut(Schema):
    """Two records side by side. Nothing is merged by a number: a person looks."""

    id: Annotated[UUID, Group.RECORD]
    state: Annotated[PairState, Group.RECORD]
    probability: Annotated[float, Group.RECORD] = Field(description="That it is one person, as the pair was found.")
    is_proposed: Annotated[bool, Group.RECORD] = Field(description="At 0.99 or over: put forward as one person.")
    held_back: Annotated[str, Group.RECORD] = Field(description="Why the probability was held below the evidence.")
    told: Annotated[list[FieldComparison], Group.RECORD]
    one: Annotated[PairSide, Group.RECORD]
    other: Annotated[PairSide, Group.RECORD]
    differs_on: Annotated[list[str], Group.RECORD]
    found_at: Annotated[datetime, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES] = Field(description="What was last said of it.")
    possible_events: Annotated[list[str], Group.RECORD]
    version: Annotated[int, Group.RECORD]


class PairRecord(Schema):
    """The pair, for the extract: that there was one, and what was found; nothing of the other person."""

    id: Annotated[UUID, Group.RECORD]
    state: Annotated[PairState, Group.RECORD]
    probability: Annotated[float, Group.RECORD]
    found_at: Annotated[datetime, Group.RECORD]


class PairMoveRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    event: Annotated[str, Group.RECORD]
    to_state: Annotated[str, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES]
    valid_on: Annotated[date, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
