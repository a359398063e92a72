"""What goes over the wire about support."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, WithJsonSchema

from pathways.fields import Body, Day, Group, Line, NeededLine, Paragraph, Schema
from pathways.support.models import BarrierKind, InWork, PathBack, ReportedBy

Points = Annotated[
    Decimal,
    Field(ge=-1_000, le=10_000, max_digits=7, decimal_places=2),
    WithJsonSchema({"type": "number", "minimum": -1_000, "maximum": 10_000, "multipleOf": 0.25}),
]
Word = Annotated[NeededLine, Field(max_length=80)]


class NewCheckIn(Body):
    spell_id: UUID
    on: Day
    step: Annotated[Line, Field(max_length=80)] | None = Field(
        default=None, description="Which line of the schedule it answers; the one that is due when left out."
    )
    result: InWork
    told_by: ReportedBy
    is_at_risk: bool = False
    path_back: PathBack | None = Field(default=None, description="Needed where work is at risk or over.")
    note: Paragraph | None = None


class CheckInOut(Schema):
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
    """One line of a spell's schedule: when it is due, until when it is in time, and what it found."""

    spell_id: Annotated[UUID, Group.RECORD]
    step: Annotated[str, Group.RECORD]
    due_on: Annotated[date, Group.RECORD]
    in_time_until: Annotated[date, Group.RECORD]
    state: Annotated[str, Group.RECORD] = Field(description="to_come, due, overdue, met, late or not_needed")
    check_in_id: Annotated[UUID | None, Group.RECORD]


class CheckInSchedule(Schema):
    items: Annotated[list[DueCheckIn], Group.RECORD]


class PlanStep(Body):
    what: NeededLine
    by: Literal["jobseeker", "caseworker", "other"] = "jobseeker"
    due_on: Day | None = None
    done_on: Day | None = None


class NewPlan(Body):
    agreed_on: Day
    steps: Annotated[list[PlanStep], Field(min_length=1, max_length=40)]


class StepOut(Schema):
    what: Annotated[str | None, Group.NOTES]
    by: Annotated[str, Group.RECORD]
    due_on: Annotated[date | None, Group.RECORD]
    done_on: Annotated[date | None, Group.RECORD]


class PlanOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    enrolment_id: Annotated[UUID, Group.RECORD]
    number: Annotated[int, Group.RECORD]
    agreed_on: Annotated[date, Group.RECORD]
    steps: Annotated[list[StepOut], Group.RECORD]
    review_due_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class PlanRecord(Schema):
    """The row itself, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    enrolment_id: Annotated[UUID, Group.RECORD]
    number: Annotated[int, Group.RECORD]
    steps: Annotated[list[StepOut], Group.RECORD]
    review_due_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class NewBarrier(Body):
    kind: BarrierKind
    opened_on: Day
    note: Paragraph | None = None


class ClosedOn(Body):
    closed_on: Day


class BarrierOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    kind: Annotated[BarrierKind | None, Group.NOTES]
    opened_on: Annotated[date, Group.RECORD] = Field(validation_alias="valid_on")
    closed_on: Annotated[date | None, Group.RECORD]
    note: Annotated[str | None, Group.NOTES]
    recorded_at: Annotated[datetime, Group.RECORD]
    withheld: Annotated[list[str], Group.RECORD] = []


class NewScore(Body):
    tool: Word = Field(description="The name of the tool, as its owner writes it.")
    edition: Word
    scale: Word
    score: Points
    scored_on: Day
    licence_ref: Line | None = None


class ScoreOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    tool: Annotated[str | None, Group.NOTES]
    edition: Annotated[str | None, Group.NOTES]
    scale: Annotated[str | None, Group.NOTES]
    score: Annotated[float | None, Group.NOTES]
    scored_on: Annotated[date, Group.RECORD] = Field(validation_alias="valid_on")
    change: Annotated[float | None, Group.NOTES] = Field(
        default=None, description="Since the first score on the same scale of the same edition."
    )
    recorded_at: Annotated[datetime, Group.RECORD]
    withheld: Annotated[list[str], Group.RECORD] = []


class WorklistItem(Schema):
    """Something that waits for somebody: what, since when it is due, whose it is."""

    kind: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    due_on: Annotated[date, Group.RECORD]
    days_late: Annotated[int, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    reference: Annotated[str, Group.RECORD]
    owner_id: Annotated[UUID | None, Group.RECORD] = Field(description="The caseworker's membership.")
    subject: Annotated[str, Group.RECORD]
    subject_id: Annotated[UUID, Group.RECORD]


class Worklist(Schema):
    items: Annotated[list[WorklistItem], Group.RECORD]
    counts: Annotated[dict[str, int], Group.RECORD] = Field(description="How many of each kind wait, all told.")


class Measure(Schema):
    """A computed figure of fidelity, with what it is made of; none where there is too little."""

    name: Annotated[str, Group.RECORD]
    definition: Annotated[str, Group.RECORD]
    value: Annotated[float | None, Group.RECORD]
    unit: Annotated[str, Group.RECORD]
    of: Annotated[int, Group.RECORD] = Field(description="How many it is made of.")
    band: Annotated[int | None, Group.RECORD] = Field(description="1 to 5, of the dated table; 5 is the best.")
    is_verified: Annotated[bool, Group.RECORD] = Field(description="Whether the band's figures were seen in a source.")


class Fidelity(Schema):
    since: Annotated[date, Group.RECORD]
    until: Annotated[date, Group.RECORD]
    measures: Annotated[list[Measure], Group.RECORD]
    caseload: Annotated[dict[str, int], Group.RECORD] = Field(description="Active people by caseworker (membership).")
