"""Request bodies and replies about enrolments."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.enrolments.models import EndReason, EnrolmentState
from pathways.fields import Body, Day, Group, Line, NeededLine, Schema


class NewEnrolment(Body):
    """A new enrolment on a programme."""

    referral_id: UUID = Field(
        description="An accepted referral of the jobseeker. The cohort follows the earliest accepted referral since"
        " the jobseeker's last enrolment with you ended."
    )
    programme_id: UUID
    started_on: Day
    caseworker_id: UUID | None = Field(default=None, description="The caseworker's membership. If left out: your own.")


class EnrolmentChange(Body):
    """A corrected start date of an enrolment."""

    started_on: Day


class Assignment(Body):
    """The new caseworker of an enrolment, and the day the assignment begins."""

    caseworker_id: UUID = Field(description="The membership id of the new caseworker.")
    valid_on: Day | None = None


class EnrolmentEnding(Body):
    """The last day of an enrolment and why it ended."""

    ended_on: Day
    end_reason: EndReason
    note: Line = ""


class Closing(Body):
    """The closing of a case; an open enrolment ends on the same day."""

    closed_on: Day
    end_reason: EndReason
    reason: NeededLine


class EnrolmentOut(Schema):
    """An enrolment, with the days by which the action plan and the first employer contact are due."""

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
    """An enrolment, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    programme_id: Annotated[UUID, Group.RECORD]
    state: Annotated[EnrolmentState, Group.RECORD]
    started_on: Annotated[date, Group.RECORD]
    ended_on: Annotated[date | None, Group.RECORD]
    end_reason: Annotated[EndReason | None, Group.NOTES]
