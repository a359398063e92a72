"""What goes over the wire about spells, evidence and outcomes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field, WithJsonSchema

from pathways.fields import Body, Day, Group, Line, NeededLine, Schema
from pathways.jobseekers.schemas import Hours, HoursOut
from pathways.placements.models import PlacementKind
from pathways.placements.schemas import Pounds
from pathways.progression.models import EvidenceKind, EvidenceState, Leave, NextDestination, SpellEnd, SpellState

WeekPay = Annotated[
    Decimal,
    Field(ge=0, le=20_000, max_digits=7, decimal_places=2),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 20_000, "multipleOf": 0.25}),
]


class NewSpell(Body):
    enrolment_id: UUID
    introduction_id: UUID | None = Field(default=None, description="The introduction it came from, if any.")
    kind: PlacementKind
    title: NeededLine
    employer: Line | None = None
    started_on: Day
    planned_end_on: Day | None = Field(default=None, description="When it is meant to end; none where it is open.")
    pay_per_hour_pounds: Pounds | None = None
    is_own_supply_chain: bool = Field(
        default=False,
        description="The employer is your own organisation or of its supply chain: the funder is to know.",
    )


class SpellChange(Body):
    """A correction: what is left out stays as it was."""

    kind: PlacementKind | None = None
    title: NeededLine | None = None
    employer: Line | None = None
    started_on: Day | None = None
    planned_end_on: Day | None = None
    came_after: NextDestination | None = Field(default=None, description="Of one that has ended.")
    pay_per_hour_pounds: Pounds | None = None
    is_own_supply_chain: bool | None = None


class SpellEnding(Body):
    ended_on: Day
    end_reason: SpellEnd
    came_after: NextDestination | None = Field(default=None, description="May be told later too, by a correction.")


class NewHours(Body):
    """Paid hours of a week, and what was paid; the week begins on the weekday the spell began on."""

    week_from: Day
    hours: Hours
    pay_pounds: WeekPay | None = Field(default=None, description="Gross pay earned in this week; blank is not known.")
    leave: Leave | None = Field(default=None, description="Where all or part of it was sick or statutory leave.")


class HoursLine(Schema):
    week_from: Annotated[date, Group.RECORD]
    hours: Annotated[HoursOut | None, Group.WORK]
    pay_pounds: Annotated[HoursOut | None, Group.WORK] = None
    leave: Annotated[Leave | None, Group.NOTES] = None


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
    planned_end_on: Annotated[date | None, Group.RECORD]
    ended_early: Annotated[bool | None, Group.RECORD] = Field(description="None while it runs, or without a plan.")
    came_after: Annotated[NextDestination | None, Group.NOTES]
    pay_per_hour_pounds: Annotated[HoursOut | None, Group.WORK]
    hours: Annotated[list[HoursLine], Group.RECORD]
    counts_as_job: Annotated[bool | None, Group.WORK]
    is_own_supply_chain: Annotated[bool, Group.RECORD]
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
        default=None, description="SHA-256 of a document that is kept elsewhere; one that is uploaded has its own."
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
    has_document: Annotated[bool, Group.RECORD]
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
    rests_on: Annotated[list[list[str]], Group.RECORD] = Field(
        default=[], description="Days that made it met: spell, first day, last day."
    )
    recorded_at: Annotated[datetime, Group.RECORD]


class UncoveredDays(Schema):
    """Days of a spell that no accepted evidence covers."""

    spell_id: Annotated[UUID, Group.RECORD]
    first_on: Annotated[date, Group.RECORD]
    last_on: Annotated[date, Group.RECORD]


class RuleFinding(Schema):
    rule: Annotated[str, Group.RECORD]
    rule_version: Annotated[str, Group.RECORD]
    finding: Annotated[str, Group.RECORD] = Field(description="met, not_met or not_yet_known")
    text: Annotated[str, Group.RECORD]
    met_on: Annotated[date | None, Group.RECORD]
    earliest_on: Annotated[date | None, Group.RECORD]
    weeks_counted: Annotated[int, Group.RECORD]
    weeks_unknown: Annotated[int, Group.RECORD]
    not_counted: Annotated[list[str], Group.RECORD] = Field(description="Spells that are left out.")
    why_not: Annotated[dict[str, str], Group.RECORD] = Field(default={}, description="Why, by spell.")
    gap_days: Annotated[int, Group.RECORD] = 0
    days_counted: Annotated[int, Group.RECORD] = Field(default=0, description="Of self-employment, each once.")
    hours: Annotated[HoursOut | None, Group.WORK] = None
    pounds: Annotated[HoursOut | None, Group.WORK] = Field(default=None, description="Earned and recorded.")
    pounds_needed: Annotated[HoursOut | None, Group.WORK] = None
    rates_used: Annotated[list[int] | None, Group.WORK] = Field(default=None, description="Pence an hour.")
    without_evidence: Annotated[list[UncoveredDays], Group.RECORD] = Field(
        default=[], description="Where it is met: days that no evidence of the tier the rule asks for covers yet."
    )
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
    planned_end_on: Annotated[date | None, Group.RECORD]
    came_after: Annotated[NextDestination | None, Group.NOTES]
    pay_per_hour_pence: Annotated[int | None, Group.WORK]
    is_own_supply_chain: Annotated[bool, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class HoursRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    spell_id: Annotated[UUID, Group.RECORD]
    valid_on: Annotated[date, Group.RECORD]
    hours: Annotated[HoursOut | None, Group.WORK]
    pay_pence: Annotated[int | None, Group.WORK]
    leave: Annotated[Leave | None, Group.NOTES]
    recorded_at: Annotated[datetime, Group.RECORD]


class EvidenceRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    spell_id: Annotated[UUID, Group.RECORD]
    kind: Annotated[EvidenceKind, Group.RECORD]
    covers_from: Annotated[date, Group.RECORD]
    covers_to: Annotated[date, Group.RECORD]
    obtained_how: Annotated[str | None, Group.NOTES]
    recorded_at: Annotated[datetime, Group.RECORD]


class EvidenceDocumentRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    evidence_id: Annotated[UUID, Group.RECORD]
    sha256: Annotated[str, Group.RECORD]
    content_type: Annotated[str, Group.RECORD]
    size_bytes: Annotated[int, Group.RECORD]
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
