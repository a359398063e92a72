"""Tables of spells of work, evidence and outcomes."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, Versioned, one_of, words
from pathways.facts import Fact
from pathways.jobseekers.models import AboutPerson, about_person
from pathways.placements.models import PlacementKind


class SpellEnd(StrEnum):
    """The reason why a spell of work ended."""

    COMPLETED = "completed"
    RESIGNED = "resigned"
    DISMISSED = "dismissed"
    REDUNDANT = "redundant"
    HEALTH = "health"
    CARING = "caring"
    ANOTHER_JOB = "another_job"
    EDUCATION = "education"
    MOVED_AWAY = "moved_away"
    OTHER = "other"
    UNKNOWN = "unknown"


class NextDestination(StrEnum):
    """What the jobseeker did after this work ended."""

    ANOTHER_JOB = "another_job"
    SELF_EMPLOYMENT = "self_employment"
    EDUCATION = "education"
    TRAINING = "training"
    VOLUNTEERING = "volunteering"
    LOOKING = "looking"
    NOT_LOOKING = "not_looking"
    UNKNOWN = "unknown"


class Leave(StrEnum):
    """The reason why the jobseeker did not work all or part of a week while the job continued."""

    SICK = "sick"
    STATUTORY = "statutory"  # parental, adoption, bereavement, jury service and the like


class SpellState(StrEnum):
    """Whether a spell of work is running, ended, or voided as a mistake."""

    RUNNING = "running"
    ENDED = "ended"
    VOIDED = "voided"


def _to_enrolment(column: str = "enrolment_id") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["partner_id", column], ["enrolments.partner_id", "enrolments.id"])


class Spell(AboutPerson, Versioned, Base):
    """A stretch of work. Its versions and hours are facts in tables of their own; ``state`` is the current state."""

    __tablename__ = "spells"
    __table_args__ = about_person(
        "spells",
        UniqueConstraint("partner_id", "id"),
        _to_enrolment(),
        ForeignKeyConstraint(["partner_id", "introduction_id"], ["introductions.partner_id", "introductions.id"]),
        CheckConstraint(one_of("state", SpellState), name="state_is_known"),
    )

    id: Mapped[PrimaryKey]
    enrolment_id: Mapped[UUID]
    introduction_id: Mapped[UUID | None]
    state: Mapped[SpellState] = mapped_column(words(SpellState), default=SpellState.RUNNING)
    made_at: Mapped[datetime]


class SpellVersion(AboutPerson, Fact, Base):
    """One version of a spell's details; each version repeats every column."""

    __tablename__ = "spell_versions"
    __table_args__ = about_person(
        "spell_versions",
        ForeignKeyConstraint(["partner_id", "spell_id"], ["spells.partner_id", "spells.id"]),
        _to_enrolment(),
        CheckConstraint(one_of("kind", PlacementKind), name="kind_is_known"),
        CheckConstraint("ended_on IS NULL OR ended_on >= started_on", name="ends_after_start"),
        CheckConstraint("(ended_on IS NULL) = (end_reason IS NULL)", name="end_has_reason"),
        CheckConstraint("came_after IS NULL OR ended_on IS NOT NULL", name="after_comes_after"),
        Index("ix_spell_versions_spell", "partner_id", "spell_id"),
        Index("ix_spell_versions_enrolment", "partner_id", "enrolment_id"),
    )

    spell_id: Mapped[UUID]
    enrolment_id: Mapped[UUID]
    kind: Mapped[PlacementKind] = mapped_column(words(PlacementKind))
    title: Mapped[str] = mapped_column(LINE)
    employer: Mapped[str | None] = mapped_column(LINE)
    started_on: Mapped[date]
    ended_on: Mapped[date | None]
    end_reason: Mapped[SpellEnd | None] = mapped_column(words(SpellEnd))
    # The spell ended early if it ended before this day.
    planned_end_on: Mapped[date | None]
    came_after: Mapped[NextDestination | None] = mapped_column(words(NextDestination))
    pay_per_hour_pence: Mapped[int | None]
    # The employer is the provider itself or in its supply chain. The funder must be notified; most rules exclude it.
    is_own_supply_chain: Mapped[bool] = mapped_column(default=False)


class SpellHours(AboutPerson, Fact, Base):
    """Actual paid hours and gross pay (pence) of one week of a spell. The week begins on ``valid_on``."""

    __tablename__ = "spell_hours"
    __table_args__ = about_person(
        "spell_hours",
        ForeignKeyConstraint(["partner_id", "spell_id"], ["spells.partner_id", "spells.id"]),
        CheckConstraint("hours >= 0 AND hours <= 168", name="hours_fit_in_a_week"),
        CheckConstraint("pay_pence >= 0", name="pay_is_not_owed"),
        Index("ix_spell_hours_spell", "partner_id", "spell_id", "valid_on"),
    )

    spell_id: Mapped[UUID]
    hours: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    pay_pence: Mapped[int | None]
    leave: Mapped[Leave | None] = mapped_column(words(Leave))


class EvidenceKind(StrEnum):
    """The kinds of evidence that show work or earnings."""

    HMRC = "hmrc_earnings"
    PAYSLIP = "payslip"
    P45 = "p45"
    P60 = "p60"
    EMPLOYER_LETTER = "employer_letter"
    CONTRACT_AND_BANK = "contract_and_bank_credit"
    TAX_CALCULATION = "tax_calculation"
    INVOICES = "invoices"
    EMPLOYER_CONFIRMATION = "employer_confirmation"
    SELF_DECLARATION = "self_declaration"


TIER_OF: dict[EvidenceKind, str] = {
    EvidenceKind.HMRC: "A",
    EvidenceKind.EMPLOYER_CONFIRMATION: "C",
    EvidenceKind.SELF_DECLARATION: "C",
}  # every other kind is tier B


class EvidenceState(StrEnum):
    """Whether an item of evidence is unchecked, accepted or rejected."""

    UNCHECKED = "unchecked"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Evidence(AboutPerson, Fact, Base):
    """One item of evidence: its kind, the days that it covers, and how and when it was obtained.

    The member who recorded the item may not check it.
    """

    __tablename__ = "evidence"
    __table_args__ = about_person(
        "evidence",
        UniqueConstraint("partner_id", "id"),
        ForeignKeyConstraint(["partner_id", "spell_id"], ["spells.partner_id", "spells.id"]),
        CheckConstraint(one_of("kind", EvidenceKind), name="kind_is_known"),
        CheckConstraint("covers_to >= covers_from", name="covers_in_order"),
        Index("ix_evidence_spell", "partner_id", "spell_id"),
    )

    spell_id: Mapped[UUID]
    kind: Mapped[EvidenceKind] = mapped_column(words(EvidenceKind))
    tier: Mapped[str] = mapped_column(SHORT)
    covers_from: Mapped[date]
    covers_to: Mapped[date]
    obtained_how: Mapped[str] = mapped_column(LINE)
    document_hash: Mapped[str | None] = mapped_column(SHORT)


class EvidenceDocument(AboutPerson, Fact, Base):
    """The stored, encrypted document of an item. ``key`` is its name in the store. A new upload supersedes this row."""

    __tablename__ = "evidence_documents"
    __table_args__ = about_person(
        "evidence_documents",
        ForeignKeyConstraint(["partner_id", "evidence_id"], ["evidence.partner_id", "evidence.id"]),
        Index("ix_evidence_documents_evidence", "partner_id", "evidence_id"),
    )

    evidence_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(SHORT)
    sha256: Mapped[str] = mapped_column(SHORT)
    content_type: Mapped[str] = mapped_column(SHORT)
    size_bytes: Mapped[int]


class EvidenceCheck(AboutPerson, Fact, Base):
    """The verdict on an item of evidence by a member who did not record it."""

    __tablename__ = "evidence_checks"
    __table_args__ = about_person(
        "evidence_checks",
        ForeignKeyConstraint(["partner_id", "evidence_id"], ["evidence.partner_id", "evidence.id"]),
        Index("ix_evidence_checks_evidence", "partner_id", "evidence_id"),
    )

    evidence_id: Mapped[UUID]
    is_accepted: Mapped[bool]


class Outcome(AboutPerson, Fact, Base):
    """A rule that was met, with its evidence. ``valid_on`` is the day on which the rule was met.

    ``figures`` stores the hours, pounds or days counted and the versions of the tables used. ``rests_on`` stores, for
    each spell, the days that met the rule. With both, an auditor can see a paid outcome exactly as it was counted.
    """

    __tablename__ = "outcomes"
    __table_args__ = about_person(
        "outcomes",
        UniqueConstraint("partner_id", "id"),
        _to_enrolment(),
        Index("ix_outcomes_enrolment", "partner_id", "enrolment_id"),
    )

    enrolment_id: Mapped[UUID]
    rule: Mapped[str] = mapped_column(SHORT)
    rule_version: Mapped[str] = mapped_column(SHORT)
    weeks_counted: Mapped[int]
    spell_ids: Mapped[list[str]] = mapped_column(JSON)
    evidence_ids: Mapped[list[str]] = mapped_column(JSON)
    figures: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    rests_on: Mapped[list[list[str]]] = mapped_column(JSON, default=list)


class OutcomeClaimed(Base):
    """A lock row. Its unique constraint allows only one current outcome for each enrolment and rule."""

    __tablename__ = "outcomes_held"
    __unaudited__ = True
    __table_args__ = about_person(
        "outcomes_held",
        UniqueConstraint("partner_id", "enrolment_id", "rule"),
        _to_enrolment(),
        ForeignKeyConstraint(["partner_id", "outcome_id"], ["outcomes.partner_id", "outcomes.id"]),
    )

    id: Mapped[PrimaryKey]
    partner_id: Mapped[UUID]
    jobseeker_id: Mapped[UUID]
    enrolment_id: Mapped[UUID]
    rule: Mapped[str] = mapped_column(SHORT)
    outcome_id: Mapped[UUID]
