"""What goes over the wire about enrolments."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.enrolments.models import EndReason, EnrolmentState
from pathways.fields import Body, Day, Group, Line, NeededLine, Schema


class NewEnrolment(Body):
    referral_id: UUID = Field(description="The accepted referral that led to it; its month is the cohort.")
    programme_id: UUID
    started_on: Day
    caseworker_id: UUID | None = Field(default=None, description="A membership; your own when left out.")


class EnrolmentChange(Body):
    """Correct the day it started, before anything else rests on it."""

    started_on: Day


class Assignment(Body):
    caseworker_id: UUID = Field(description="The membership of the caseworker from now on.")
    valid_on: Day | None = None


class EnrolmentEnding(Body):
    ended_on: Day
    end_reason: EndReason
    note: Line = ""


class Closing(Body):
    """Close the case: its enrolment ends on the day, if one is open."""

    closed_on: Day
    end_reason: EndReason
    reason: NeededLine


class EnrolmentOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    programme_id: Annotated[UUID, Group.RECORD]
    referral_id: Annotated[UUID, Group.RECORD]
    caseworker_id: Annotated[UUID, Group.RECORD]
    caseworker_from: Annotated[date, Group.RECORD]
    state: Annotated[EnrolmentState, Group.RECORD]
    started_on: Annotated[date, Group.RECORD]
    ended_on: Annotated[date | None, Group.RECORD]
    end_reason: Annotated[EndReason | None, Group.NOTES]
    made_at: Annotated[datetime, Group.RECORD]
    action_plan_by: Annotated[date, Group.RECORD]
    first_employer_contact_by: Annotated[date, Group.RECORD]
    first_employer_contact_on: Annotated[date | None, Group.RECORD]
    possible_events: Annotated[list[str], Group.RECORD]
    withheld: Annotated[list[str], Group.RECORD] = []
    version: Annotated[int, Group.RECORD]


class EnrolmentRecord(Schema):
    """The row itself, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    programme_id: Annotated[UUID, Group.RECORD]
    state: Annotated[EnrolmentState, Group.RECORD]
    started_on: Annotated[date, Group.RECORD]
    ended_on: Annotated[date | None, Group.RECORD]
    end_reason: Annotated[EndReason | None, Group.NOTES]
