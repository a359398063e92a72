"""Tables of check-ins, action plans, barriers and scores. Each row is a fact; a newer fact supersedes an older one."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index, Numeric, Text
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, one_of, words
from pathways.facts import Fact
from pathways.jobseekers.models import AboutPerson, about_person


class InWork(StrEnum):
    """The result of a check-in. If nobody was reached, the result is `unknown`, never `not_in_work`."""

    IN_WORK = "in_work"
    NOT_IN_WORK = "not_in_work"
    UNKNOWN = "unknown"


class ReportedBy(StrEnum):
    """The source of a check-in's result."""

    JOBSEEKER = "jobseeker"
    EMPLOYER = "employer"
    SUPPORTER = "supporter"
    PAYSLIP = "payslip"
    HMRC = "hmrc"
    NOBODY = "nobody"


class PathBack(StrEnum):
    """What will be done when work is at risk or over."""

    JOB_COACHING = "job_coaching"
    ADJUSTMENT = "adjustment"
    TALK_WITH_EMPLOYER = "talk_with_employer"
    ANOTHER_PLACEMENT = "another_placement"
    BENEFITS_ADVICE = "benefits_advice"
    HEALTH_SUPPORT = "health_support"
    NOTHING_WANTED = "nothing_wanted"


class CheckIn(AboutPerson, Fact, Base):
    """One check-in about a spell of work. ``step`` is the step of the schedule that the check-in answers, if any."""

    __tablename__ = "check_ins"
    __table_args__ = about_person(
        "check_ins",
        ForeignKeyConstraint(["partner_id", "spell_id"], ["spells.partner_id", "spells.id"]),
        CheckConstraint(one_of("result", InWork), name="result_is_known"),
        CheckConstraint("(result = 'unknown') = (told_by = 'nobody')", name="unknown_is_told_by_nobody"),
        Index("ix_check_ins_spell", "partner_id", "spell_id"),
    )

    spell_id: Mapped[UUID]
    step: Mapped[str | None] = mapped_column(SHORT)
    result: Mapped[InWork] = mapped_column(words(InWork))
    told_by: Mapped[ReportedBy] = mapped_column(words(ReportedBy))
    is_at_risk: Mapped[bool]
    path_back: Mapped[PathBack | None] = mapped_column(words(PathBack))
    note: Mapped[str | None] = mapped_column(Text)


class ActionPlan(AboutPerson, Fact, Base):
    """One version of a whole action plan. ``valid_on`` is the day it was agreed or reviewed."""

    __tablename__ = "action_plans"
    __table_args__ = about_person(
        "action_plans",
        ForeignKeyConstraint(["partner_id", "enrolment_id"], ["enrolments.partner_id", "enrolments.id"]),
        Index("ix_action_plans_enrolment", "partner_id", "enrolment_id"),
    )

    enrolment_id: Mapped[UUID]
    number: Mapped[int]
    # Each step has the keys what, by (jobseeker, caseworker or other), due_on and done_on.
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    review_due_on: Mapped[date]


class BarrierKind(StrEnum):
    """The kind of a barrier to work. An adjustment or a step of the action plan can remove a barrier."""

    HOUSING = "housing"
    DEBT = "debt"
    HEALTH = "health"
    CARING = "caring"
    CHILDCARE = "childcare"
    TRANSPORT = "transport"
    SKILLS = "skills"
    LANGUAGE = "language"
    DIGITAL = "digital"
    CONFIDENCE = "confidence"
    CONVICTION = "conviction"
    BENEFITS = "benefits"
    PAPERS = "papers"
    OTHER = "other"


class Barrier(AboutPerson, Fact, Base):
    """A barrier to work, open from ``valid_on``. Closing a barrier records a new fact that supersedes the open one."""

    __tablename__ = "barriers"
    __table_args__ = about_person(
        "barriers",
        CheckConstraint(one_of("kind", BarrierKind), name="kind_is_known"),
        CheckConstraint("closed_on IS NULL OR closed_on >= valid_on", name="closes_after_it_opened"),
    )

    kind: Mapped[BarrierKind] = mapped_column(words(BarrierKind))
    note: Mapped[str | None] = mapped_column(Text)
    closed_on: Mapped[date | None]


class Score(AboutPerson, Fact, Base):
    """One score on one scale of an assessment tool on one day, to measure the distance travelled.

    The tool's questions belong to its owner and are not stored.
    """

    __tablename__ = "scores"
    __table_args__ = about_person("scores", Index("ix_scores_scale", "partner_id", "jobseeker_id", "tool", "scale"))

    tool: Mapped[str] = mapped_column(SHORT)
    edition: Mapped[str] = mapped_column(SHORT)
    scale: Mapped[str] = mapped_column(SHORT)
    score: Mapped[Decimal] = mapped_column(Numeric(7, 2))
    licence_ref: Mapped[str | None] = mapped_column(LINE)
