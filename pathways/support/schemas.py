"""Request bodies and replies about check-ins, action plans, barriers, scores, the worklist and fidelity."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, WithJsonSchema

from pathways.fields import Body, Day, Group, Line, NeededLine, Paragraph, Schema
from pathways.reference.days import PastDay
from pathways.support.models import BarrierKind, InWork, PathBack, ReportedBy

Points = Annotated[
    Decimal,
    Field(ge=-1_000, le=10_000, max_digits=7, decimal_places=2),
    WithJsonSchema({"type": "number", "minimum": -1_000, "maximum": 10_000, "multipleOf": 0.25}),
]
Word = Annotated[NeededLine, Field(max_length=80)]


class NewCheckIn(Body):
    """The result of a check-in to record."""

    spell_id: UUID
    on: PastDay
    step: Annotated[Line, Field(max_length=80)] | None = Field(
        default=None, description="The step of the schedule that the check-in answers. Default: the latest due step."
    )
    result: InWork
    told_by: ReportedBy
    is_at_risk: bool = False
    path_back: PathBack | None = Field(
        default=None, description="What will be done to secure or replace work. Required if work is at risk or over."
    )
    note: Paragraph | None = None


class CheckInOut(Schema):
    """A recorded check-in."""

    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    spell_id: Annotated[UUID, Group.RECORD]
    step: Annotated[str | None, Group.RECORD]
    on: Annotated[date, Group.RECORD] = Field(validation_alias="valid_on")
    result: Annotated[InWork, Group.RECORD]
    told_by: Annotated[ReportedBy, Group.RECORD]
    is_at_risk: Annotated[bool, Group.RECORD]
    path_back: Annotated[PathBack | None, Group.NOTES]
    note: Annotated[str | None, Group.NOTES]
    recorded_at: Annotated[datetime, Group.RECORD]
    withheld: Annotated[list[str], Group.RECORD] = []


class DueCheckIn(Schema):
    """One line of a spell's schedule: its due day, its last day on time, and the check-in that answered it."""

    spell_id: Annotated[UUID, Group.RECORD]
    step: Annotated[str, Group.RECORD]
    due_on: Annotated[date, Group.RECORD]
    in_time_until: Annotated[date, Group.RECORD]
    state: Annotated[str, Group.RECORD] = Field(description="One of: to_come, due, overdue, met, late, not_needed.")
    check_in_id: Annotated[UUID | None, Group.RECORD]


class CheckInSchedule(Schema):
    """The check-in schedule of all of a jobseeker's spells of work."""

    items: Annotated[list[DueCheckIn], Group.RECORD]


class PlanStep(Body):
    """One step of a new action plan."""

    what: NeededLine
    by: Literal["jobseeker", "caseworker", "other"] = "jobseeker"
    due_on: Day | None = None
    done_on: PastDay | None = None


class NewPlan(Body):
    """A new version of an action plan, with all of its steps."""

    agreed_on: PastDay
    steps: Annotated[list[PlanStep], Field(min_length=1, max_length=40)]


class StepOut(Schema):
    """One step of an action plan."""

    what: Annotated[str | None, Group.NOTES]
    by: Annotated[str, Group.RECORD]
    due_on: Annotated[date | None, Group.RECORD]
    done_on: Annotated[date | None, Group.RECORD]


class PlanOut(Schema):
    """An action plan, with its version number and the day its review is due."""

    id: Annotated[UUID, Group.RECORD]
    enrolment_id: Annotated[UUID, Group.RECORD]
    number: Annotated[int, Group.RECORD]
    agreed_on: Annotated[date, Group.RECORD]
    steps: Annotated[list[StepOut], Group.RECORD]
    review_due_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class PlanRecord(Schema):
    """An action plan, as it appears in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    enrolment_id: Annotated[UUID, Group.RECORD]
    number: Annotated[int, Group.RECORD]
    steps: Annotated[list[StepOut], Group.RECORD]
    review_due_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class NewBarrier(Body):
    """The request body for a new barrier to work."""

    kind: BarrierKind
    opened_on: PastDay
    note: Paragraph | None = None


class ClosedOn(Body):
    """The day on which a barrier was closed."""

    closed_on: PastDay


class BarrierOut(Schema):
    """A barrier, open or closed."""

    id: Annotated[UUID, Group.RECORD]
    kind: Annotated[BarrierKind | None, Group.NOTES]
    opened_on: Annotated[date, Group.RECORD] = Field(validation_alias="valid_on")
    closed_on: Annotated[date | None, Group.RECORD]
    note: Annotated[str | None, Group.NOTES]
    recorded_at: Annotated[datetime, Group.RECORD]
    withheld: Annotated[list[str], Group.RECORD] = []

    def groups_by_value(self) -> Mapping[str, Group]:
        """Return the group of each field: a conviction, and the note about it, belong to the group of convictions."""
        if self.kind is not BarrierKind.CONVICTION:
            return self.group_of
        return {**self.group_of, "kind": Group.CONVICTIONS, "note": Group.CONVICTIONS}


class NewScore(Body):
    """A score on one scale of an assessment tool."""

    tool: Word = Field(description="The name of the assessment tool, as its owner writes it.")
    edition: Word
    scale: Word
    score: Points
    scored_on: PastDay
    licence_ref: Line | None = None


class ScoreOut(Schema):
    """A recorded score, with the change since the first score with the same tool, edition and scale."""

    id: Annotated[UUID, Group.RECORD]
    tool: Annotated[str | None, Group.NOTES]
    edition: Annotated[str | None, Group.NOTES]
    scale: Annotated[str | None, Group.NOTES]
    score: Annotated[float | None, Group.NOTES]
    scored_on: Annotated[date, Group.RECORD] = Field(validation_alias="valid_on")
    change: Annotated[float | None, Group.NOTES] = Field(
        default=None, description="The change since the first score with the same tool, edition and scale."
    )
    recorded_at: Annotated[datetime, Group.RECORD]
    withheld: Annotated[list[str], Group.RECORD] = []


class WorklistItem(Schema):
    """One item that needs action: its kind, the day it was due, and the caseworker who owns the case."""

    kind: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    due_on: Annotated[date, Group.RECORD]
    days_late: Annotated[int, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    reference: Annotated[str, Group.RECORD]
    owner_id: Annotated[UUID | None, Group.RECORD] = Field(
        description="The membership id of the caseworker who owns the case."
    )
    subject: Annotated[str, Group.RECORD]
    subject_id: Annotated[UUID, Group.RECORD]


class Worklist(Schema):
    """What needs action now, most overdue first, with the number of items by kind."""

    items: Annotated[list[WorklistItem], Group.RECORD]
    counts: Annotated[dict[str, int], Group.RECORD] = Field(
        description="The number of items of each kind, including those beyond `limit`."
    )


class Measure(Schema):
    """One measure of fidelity, with its definition. `value` is empty if there is nothing to measure."""

    name: Annotated[str, Group.RECORD]
    definition: Annotated[str, Group.RECORD]
    value: Annotated[float | None, Group.RECORD]
    unit: Annotated[str, Group.RECORD]
    of: Annotated[int, Group.RECORD] = Field(description="The number of records on which the value is based.")
    band: Annotated[int | None, Group.RECORD] = Field(
        description="The band of the value, from 1 (worst) to 5 (best); null if the measure has no bands or no value."
    )
    is_verified: Annotated[bool, Group.RECORD] = Field(
        description="Whether the values at which each band begins were checked against the published source."
    )


class Fidelity(Schema):
    """How closely an organisation followed the supported employment model in a period."""

    since: Annotated[date, Group.RECORD]
    until: Annotated[date, Group.RECORD]
    measures: Annotated[list[Measure], Group.RECORD]
    caseload: Annotated[dict[str, int], Group.RECORD] = Field(
        description="The number of jobseekers with an open enrolment, by the caseworker's membership id."
    )
