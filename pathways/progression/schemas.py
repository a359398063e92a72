"""Request bodies and replies about spells, evidence and outcomes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field, WithJsonSchema

from pathways.fields import PENNIES, Body, Day, GivenReason, Group, Line, MaybeReason, NeededLine, Penny, Schema
from pathways.introductions.schemas import IntroductionOut
from pathways.jobseekers.schemas import Hours, HoursOut
from pathways.placements.models import PlacementKind
from pathways.placements.schemas import Pounds
from pathways.progression.models import EvidenceKind, EvidenceState, Leave, NextDestination, SpellEnd, SpellState
from pathways.reference.days import PastDay

WeekPay = Annotated[
    Decimal,
    Penny,
    Field(ge=0, le=20_000, max_digits=7, decimal_places=2),
    WithJsonSchema(PENNIES | {"minimum": 0, "maximum": 20_000}),
]


class NewSpell(Body):
    """A new spell of work."""

    enrolment_id: UUID
    introduction_id: UUID | None = Field(default=None, description="The introduction that led to this work, if any.")
    kind: PlacementKind
    title: NeededLine
    employer: Line | None = None
    started_on: PastDay
    planned_end_on: Day | None = Field(
        default=None, description="The planned last day. Leave empty if the work is open-ended."
    )
    pay_per_hour_pounds: Pounds | None = None
    is_own_supply_chain: bool = Field(
        default=False,
        description="True if the employer is your organisation or in its supply chain. Then also notify the funder.",
    )
    is_another: bool = Field(
        default=False,
        description="True if the introduction already has a running spell and this is another one, for instance after "
        "a contract was renewed.",
    )


class SpellChange(Body):
    """A correction of a spell. Fields that are left out keep their values."""

    kind: PlacementKind | None = None
    title: NeededLine | None = None
    employer: Line | None = None
    started_on: PastDay | None = None
    planned_end_on: Day | None = None
    came_after: NextDestination | None = Field(
        default=None, description="What the jobseeker did next. Only for a spell that has ended."
    )
    pay_per_hour_pounds: Pounds | None = None
    is_own_supply_chain: bool | None = None


class SpellEnding(Body):
    """The last day of a spell, why the spell ended, and what the jobseeker did next."""

    ended_on: PastDay
    end_reason: SpellEnd
    came_after: NextDestination | None = Field(
        default=None, description="What the jobseeker did next. If unknown, leave empty and correct the spell later."
    )


class WorkEnding(Body):
    """The last day of the work that an introduction led to, and why the work ended."""

    ended_on: PastDay | None = Field(
        default=None, description="The last day of work. Needed if a spell of work of the introduction is running."
    )
    end_reason: SpellEnd = SpellEnd.UNKNOWN


class NewHours(Body):
    """The paid hours and pay of one week. The week begins on the weekday on which the spell began."""

    week_from: PastDay
    hours: Hours
    pay_pounds: WeekPay | None = Field(
        default=None, description="The gross pay earned in this week. Leave empty if unknown."
    )
    leave: Leave | None = Field(
        default=None, description="The kind of leave, if all or part of the week was sick or statutory leave."
    )
    unusual_pay_because: GivenReason | None = Field(
        default=None,
        description="Why the pay is right although it does not fit the hours: below the minimum wage, unusually high,"
        " or for 0 hours. Leave empty unless the reply asks for it.",
    )


class HoursLine(Schema):
    """The paid hours, pay and leave of one week of a spell."""

    week_from: Annotated[date, Group.RECORD]
    hours: Annotated[HoursOut | None, Group.WORK]
    pay_pounds: Annotated[HoursOut | None, Group.WORK] = None
    leave: Annotated[Leave | None, Group.NOTES] = None


class SpellOut(Schema):
    """A spell of work with its hours week by week."""

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
    ended_early: Annotated[bool | None, Group.RECORD] = Field(
        description="Whether the work ended before its planned end. Empty if it continues or had no planned end."
    )
    came_after: Annotated[NextDestination | None, Group.NOTES]
    pay_per_hour_pounds: Annotated[HoursOut | None, Group.WORK]
    hours: Annotated[list[HoursLine], Group.RECORD]
    counts_as_job: Annotated[bool | None, Group.WORK]
    is_own_supply_chain: Annotated[bool, Group.RECORD]
    notes: Annotated[list[str] | None, Group.WORK] = Field(
        default=[],
        description="What to know about the pay and the hours: what is missing for a claim, what does not fit the law,"
        " and what was kept from an earlier record.",
    )
    withheld: Annotated[list[str], Group.RECORD] = []
    version: Annotated[int, Group.RECORD]


class StartOut(IntroductionOut):
    """An introduction that has started, and its spell of work. Only the partner sees the spell."""

    spell_id: Annotated[UUID | None, Group.NOTES]
    no_spell: Annotated[str | None, Group.NOTES] = Field(
        description="If no spell of work was made for the start: why, and what to do."
    )
    benefit_note: Annotated[str | None, Group.BENEFITS] = Field(
        default=None,
        description="What benefits need to be sent or told because of this start, with its first day. Only the partner"
        " reads it.",
    )


class NewEvidence(Body):
    """A new item of evidence for a spell of work."""

    spell_id: UUID
    kind: EvidenceKind
    covers_from: PastDay
    covers_to: PastDay
    received_on: PastDay
    obtained_how: NeededLine
    document_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None,
        description="The SHA-256 hash of a document stored elsewhere. Leave empty if you upload the document here.",
    )


class EvidenceVerdict(Body):
    """Whether an item of evidence is accepted, with the reason."""

    is_accepted: bool
    reason: MaybeReason = ""


class EvidenceOut(Schema):
    """An item of evidence with the result of its check."""

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
    reason: Annotated[str | None, Group.NOTES] = Field(description="The reason of the verdict.")
    withheld: Annotated[list[str], Group.RECORD] = []


class NewOutcome(Body):
    """The enrolment and the rule of an outcome to record."""

    enrolment_id: UUID
    rule: Annotated[str, Field(pattern=r"^[A-Z0-9_]{2,60}$")]


class OutcomeOut(Schema):
    """A recorded outcome: the rule, the day it was met, and the spells and evidence it is based on."""

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
        default=[], description="The days that met the rule. Each entry: spell id, first day, last day."
    )
    recorded_at: Annotated[datetime, Group.RECORD]


class UncoveredDays(Schema):
    """Days of a spell that are not covered by accepted evidence."""

    spell_id: Annotated[UUID, Group.RECORD]
    first_on: Annotated[date, Group.RECORD]
    last_on: Annotated[date, Group.RECORD]


class RuleFinding(Schema):
    """Whether one rule is met, and what was counted."""

    rule: Annotated[str, Group.RECORD]
    rule_version: Annotated[str, Group.RECORD]
    finding: Annotated[str, Group.RECORD] = Field(description="One of: met, not_met, not_yet_known.")
    text: Annotated[str, Group.RECORD]
    met_on: Annotated[date | None, Group.RECORD]
    earliest_on: Annotated[date | None, Group.RECORD]
    weeks_counted: Annotated[int, Group.RECORD]
    weeks_unknown: Annotated[int, Group.RECORD]
    not_counted: Annotated[list[str], Group.RECORD] = Field(description="The ids of spells that do not count.")
    why_not: Annotated[dict[str, str], Group.RECORD] = Field(
        default={}, description="For each spell that does not count, by its id: the reason."
    )
    gap_days: Annotated[int, Group.RECORD] = 0
    days_counted: Annotated[int, Group.RECORD] = Field(
        default=0, description="The number of days of self-employment. A day with two businesses counts once."
    )
    hours: Annotated[HoursOut | None, Group.WORK] = None
    pounds: Annotated[HoursOut | None, Group.WORK] = Field(
        default=None, description="The recorded earnings that count, in pounds."
    )
    pounds_needed: Annotated[HoursOut | None, Group.WORK] = None
    rates_used: Annotated[list[int] | None, Group.WORK] = Field(
        default=None, description="For an earnings rule: the minimum wage rates used, in pence per hour."
    )
    without_evidence: Annotated[list[UncoveredDays], Group.RECORD] = Field(
        default=[],
        description="If the rule is met: the days without accepted evidence of the tier that the rule needs.",
    )
    outcome_id: Annotated[UUID | None, Group.RECORD] = Field(description="The id of the recorded outcome, if any.")


class OutcomesExplained(Schema):
    """The findings for each rule of a jobseeker's latest enrolment, and the first day of their first job."""

    enrolment_id: Annotated[UUID | None, Group.RECORD]
    job_started_on: Annotated[date | None, Group.RECORD]
    rules: Annotated[list[RuleFinding], Group.RECORD]


class SpellRecord(Schema):
    """A spell, as it appears in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    enrolment_id: Annotated[UUID, Group.RECORD]
    state: Annotated[SpellState, Group.RECORD]


class SpellVersionOut(Schema):
    """One version of a spell, as it appears in the copy of their data that a jobseeker receives."""

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
    """The hours of one week, as they appear in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    spell_id: Annotated[UUID, Group.RECORD]
    valid_on: Annotated[date, Group.RECORD]
    hours: Annotated[HoursOut | None, Group.WORK]
    pay_pence: Annotated[int | None, Group.WORK]
    leave: Annotated[Leave | None, Group.NOTES]
    recorded_at: Annotated[datetime, Group.RECORD]


class EvidenceRecord(Schema):
    """An item of evidence, as it appears in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    spell_id: Annotated[UUID, Group.RECORD]
    kind: Annotated[EvidenceKind, Group.RECORD]
    covers_from: Annotated[date, Group.RECORD]
    covers_to: Annotated[date, Group.RECORD]
    obtained_how: Annotated[str | None, Group.NOTES]
    recorded_at: Annotated[datetime, Group.RECORD]


class EvidenceDocumentRecord(Schema):
    """A stored document without its content, as it appears in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    evidence_id: Annotated[UUID, Group.RECORD]
    sha256: Annotated[str, Group.RECORD]
    content_type: Annotated[str, Group.RECORD]
    size_bytes: Annotated[int, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class EvidenceCheckRecord(Schema):
    """The check of an item of evidence, as it appears in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    evidence_id: Annotated[UUID, Group.RECORD]
    is_accepted: Annotated[bool, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class HeldOutcome(Schema):
    """The row that prevents a second outcome of a rule, as it appears in the copy of a jobseeker's data."""

    id: Annotated[UUID, Group.RECORD]
    outcome_id: Annotated[UUID, Group.RECORD]
    rule: Annotated[str, Group.RECORD]
