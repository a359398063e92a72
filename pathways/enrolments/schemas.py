"""Request bodies and replies about enrolments."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from pathways.enrolments.models import EndReason, EnrolmentState
from pathways.fields import Body, GivenReason, Group, Line, Schema, against_the_rule
from pathways.jobseekers.search_schemas import MAY_BE, MayBe
from pathways.reference.days import PastDay


class NewEnrolment(Body):
    """A new enrolment on a programme."""

    referral_id: UUID = Field(
        description="An accepted referral of the jobseeker, or with ``accept`` one to accept. The cohort follows the"
        " earliest accepted referral since the jobseeker's last enrolment with you ended."
    )
    programme_id: UUID
    started_on: PastDay
    caseworker_id: UUID | None = Field(default=None, description="The caseworker's membership. If left out: your own.")
    accept: bool = Field(
        default=False,
        description="Whether to accept the referral first, if it is not accepted yet. If the enrolment is refused, the"
        " referral is not accepted either.",
    )


class EnrolmentChange(Body):
    """A corrected start date of an enrolment."""

    started_on: PastDay


class Assignment(Body):
    """The new caseworker of an enrolment, and the day the assignment begins."""

    caseworker_id: UUID = Field(description="The membership id of the new caseworker.")
    valid_on: PastDay | None = None


class LeavingBody(Body):
    """Why an enrolment or a case ends. The reason ``in_work`` needs a spell of work, or why none is recorded."""

    end_reason: EndReason
    without_spell_because: GivenReason | None = Field(
        default=None,
        description="Only with the reason ``in_work``, if no spell of work is recorded: why there is none, for instance"
        " that the jobseeker does not want to say where they work. It is stored with the end.",
    )

    @model_validator(mode="after")
    def _only_in_work(self) -> Self:
        if self.without_spell_because is not None and self.end_reason is not EndReason.IN_WORK:
            raise against_the_rule("without_spell_because belongs to the end reason in_work. Leave it out.")
        return self


class EnrolmentEnding(LeavingBody):
    """The last day of an enrolment and why it ended."""

    ended_on: PastDay
    note: Line = ""


class Closing(LeavingBody):
    """The closing of a case; an open enrolment ends on the same day."""

    closed_on: PastDay
    reason: GivenReason


class Reopening(Body):
    """The reopening of a closed case."""

    reason: GivenReason
    resume_enrolment: bool | None = Field(
        default=None,
        description="Needed if the jobseeker's last enrolment has ended. True: its end was a mistake, and it continues."
        " False: the case opens without an enrolment.",
    )


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
    may_be: MayBe = MAY_BE
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
