"""What goes over the wire about spells, evidence and outcomes."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, Day, Group, Line, NeededLine, Schema
from pathways.jobseekers.schemas import Hours, HoursOut
from pathways.placements.models import PlacementKind
from pathways.placements.schemas import Pounds
from pathways.progression.models import EvidenceKind, EvidenceState, SpellEnd, SpellState


class NewSpell(Body):
    enrolment_id: UUID
    introduction_id: UUID | None = Field(default=None, description="The introduction it came from, if any.")
    kind: PlacementKind
    title: NeededLine
    employer: Line | None = None
    started_on: Day
    pay_per_hour_pounds: Pounds | None = None


class SpellChange(Body):
    """A correction: what is left out stays as it was."""

    kind: PlacementKind | None = None
    title: NeededLine | None = None
    employer: Line | None = None
    started_on: Day | None = None
    pay_per_hour_pounds: Pounds | None = None


class SpellEnding(Body):
    ended_on: Day
    end_reason: SpellEnd


class NewHours(Body):
    """Paid hours of a week; the week begins on the weekday the spell began on."""

    week_from: Day
    hours: Hours


class HoursLine(Schema):
    week_from: Annotated[date, Group.RECORD]
    hours: Annotated[HoursOut | None, Group.WORK]


class SpellOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    enrolment_id: Annotated[UUID, Group.RECORD]
    introduction_id: Annotated[UUID | None, Group.RECORD]
    state: Annotated[SpellState, Group.RECORD]
    kind: Annotated[PlacementKind | None, Group.WORK]
    title: Annotated[str | None, Group.WORK]
    employer: Annotated[str | None, Group.WORK]
    started_on: Annotated[date, Group.RECORD]
    ended_on: Annotated[date | None, Group.RECORD]
    end_reason: Annotated[SpellEnd | None, Group.NOTES]
    pay_per_hour_pounds: Annotated[HoursOut | None, Group.WORK]
    hours: Annotated[list[HoursLine], Group.RECORD]
    counts_as_job: Annotated[bool | None, Group.WORK]
    withheld: Annotated[list[str], Group.RECORD] = []
    version: Annotated[int, Group.RECORD]


class NewEvidence(Body):
    spell_id: UUID
    kind: EvidenceKind
    covers_from: Day
    covers_to: Day
    received_on: Day
    obtained_how: NeededLine
    document_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="SHA-256 of the document, which is kept outside this service."
    )


class EvidenceVerdict(Body):
    is_accepted: bool
    reason: Line = ""


class EvidenceOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    spell_id: Annotated[UUID, Group.RECORD]
    kind: Annotated[EvidenceKind, Group.RECORD]
    tier: Annotated[str, Group.RECORD]
    covers_from: Annotated[date, Group.RECORD]
    covers_to: Annotated[date, Group.RECORD]
    received_on: Annotated[date, Group.RECORD]
    obtained_how: Annotated[str | None, Group.NOTES]
    document_hash: Annotated[str | None, Group.RECORD]
    recorded_by: Annotated[UUID, Group.RECORD]
    state: Annotated[EvidenceState, Group.RECORD]
    checked_by: Annotated[UUID | None, Group.RECORD]
    withheld: Annotated[list[str], Group.RECORD] = []


class NewOutcome(Body):
    enrolment_id: UUID
    rule: Annotated[str, Field(pattern=r"^[A-Z0-9_]{2,60}$")]


class OutcomeOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    enrolment_id: Annotated[UUID, Group.RECORD]
    rule: Annotated[str, Group.RECORD]
    rule_version: Annotated[str, Group.RECORD]
    met_on: Annotated[date, Group.RECORD] = Field(validation_alias="valid_on")
    weeks_counted: Annotated[int, Group.RECORD]
    spell_ids: Annotated[list[str], Group.RECORD]
    evidence_ids: Annotated[list[str], Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class RuleFinding(Schema):
    rule: Annotated[str, Group.RECORD]
    rule_version: Annotated[str, Group.RECORD]
    finding: Annotated[str, Group.RECORD] = Field(description="met, not_met or not_yet_known")
    text: Annotated[str, Group.RECORD]
    met_on: Annotated[date | None, Group.RECORD]
    earliest_on: Annotated[date | None, Group.RECORD]
    weeks_counted: Annotated[int, Group.RECORD]
    weeks_unknown: Annotated[int, Group.RECORD]
    not_counted: Annotated[list[str], Group.RECORD] = Field(description="Spells of kinds that are not jobs.")
    outcome_id: Annotated[UUID | None, Group.RECORD] = Field(description="The recorded outcome, if there is one.")


class OutcomesExplained(Schema):
    enrolment_id: Annotated[UUID | None, Group.RECORD]
    job_started_on: Annotated[date | None, Group.RECORD]
    rules: Annotated[list[RuleFinding], Group.RECORD]


class SpellRecord(Schema):
    """The row itself, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    enrolment_id: Annotated[UUID, Group.RECORD]
    state: Annotated[SpellState, Group.RECORD]


class SpellVersionOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    spell_id: Annotated[UUID, Group.RECORD]
    kind: Annotated[PlacementKind | None, Group.WORK]
    title: Annotated[str | None, Group.WORK]
    employer: Annotated[str | None, Group.WORK]
    started_on: Annotated[date, Group.RECORD]
    ended_on: Annotated[date | None, Group.RECORD]
    end_reason: Annotated[SpellEnd | None, Group.NOTES]
    pay_per_hour_pence: Annotated[int | None, Group.WORK]
    recorded_at: Annotated[datetime, Group.RECORD]


class HoursRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    spell_id: Annotated[UUID, Group.RECORD]
    valid_on: Annotated[date, Group.RECORD]
    hours: Annotated[HoursOut | None, Group.WORK]
    recorded_at: Annotated[datetime, Group.RECORD]


class EvidenceRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    spell_id: Annotated[UUID, Group.RECORD]
    kind: Annotated[EvidenceKind, Group.RECORD]
    covers_from: Annotated[date, Group.RECORD]
    covers_to: Annotated[date, Group.RECORD]
    obtained_how: Annotated[str | None, Group.NOTES]
    recorded_at: Annotated[datetime, Group.RECORD]


class EvidenceCheckRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    evidence_id: Annotated[UUID, Group.RECORD]
    is_accepted: Annotated[bool, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class HeldOutcome(Schema):
    id: Annotated[UUID, Group.RECORD]
    outcome_id: Annotated[UUID, Group.RECORD]
    rule: Annotated[str, Group.RECORD]
