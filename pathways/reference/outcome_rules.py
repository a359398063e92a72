"""Outcome rules as data: what funders pay for. Each version of a rule is dated and never changes once it is loaded.

A file is JSON, ``{"format": 1, "rules": [...]}``; ``RuleText`` defines the fields of a rule. The shipped rules are in
``data/outcome_rules.json``; ``pathways reference load-rules FILE`` loads others. A rule with unverified figures is
listed with its source, but disabled.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import from_json
from sqlalchemy import JSON, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import SHORT, Actor, Base, PrimaryKey
from pathways.database import Session, WriteSession
from pathways.errors import Conflict, RuleBroken
from pathways.field_faults import sentence_of
from pathways.reference import tables

SHIPPED = Path(__file__).parent / "data" / "outcome_rules.json"
FORMAT = 1
# For each pay rate: its band in the minimum wage table. No figures are shipped for other rates.
# The adult rate had other ages before April 2024, so it is one band after another.
BAND_OF = {"NLW": ("25_and_over", "23_and_over", "21_and_over")}


class RuleFileNotUnderstood(RuleBroken):
    title = "The file of outcome rules cannot be read"


class RuleVersionKnown(Conflict):
    title = "This version of the rule is already loaded with different content"


class RuleText(BaseModel):
    """One version of an outcome rule, as written in a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{2,60}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}$")]
    effective_from: date
    effective_to: date | None = None
    funder: Annotated[str, Field(min_length=1, max_length=200)]
    definition: Annotated[str, Field(min_length=1, max_length=500)]
    basis: Literal["hours_weeks", "cumulative_earnings", "duration_self_employed", "point_in_time"]
    min_hours: Decimal = Field(default=Decimal(0), ge=0, le=168, decimal_places=2, description="Hours per week.")
    hours_test: Literal["every_week", "average"] = "every_week"
    weeks_required: int = Field(default=0, ge=0, le=520)
    window_weeks: int = Field(
        default=0, ge=0, le=520, description="The number of consecutive weeks within which the required weeks must lie."
    )
    longest_gap_days: int | None = Field(
        default=None, ge=0, le=3_660, description="The longest gap allowed between two jobs within the window."
    )
    spells_combined: bool = Field(description="Whether the hours of several jobs are added up.")
    leave_counts: bool = Field(default=False, description="Whether weeks of sick or statutory leave count as worked.")
    pay_rate: Literal["NLW", "RLW_UK", "RLW_LONDON"] | None = None
    rate_date: Literal["start_date", "earned_date", "rule_date"] = "start_date"
    self_employed_days: int | None = Field(default=None, ge=1, le=3_660)
    tracking_days: int | None = Field(
        default=None,
        ge=1,
        le=3_660,
        description="Days from the start of the programme within which the outcome must be met.",
    )
    own_supply_chain_counts: bool = False
    evidence_tier: Literal["A", "B", "C"] | None = Field(
        default=None, description="The lowest tier of evidence that is accepted."
    )
    claim_lag_working_days: int = Field(default=0, ge=0, le=260)
    is_enabled: bool
    mark: Literal["seen", "unverified"]
    source: Annotated[str, Field(min_length=1, max_length=500)]

    @property
    def name(self) -> str:
        return f"{self.rule}@{self.version}"

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise ValueError("effective_to must not be before effective_from.")
        if self.window_weeks < self.weeks_required:
            raise ValueError("window_weeks must be at least weeks_required.")
        if not self.is_enabled:
            return self  # a disabled rule may be incomplete
        if self.mark == "unverified":
            raise ValueError("A rule with the mark unverified must not be enabled.")
        if self.basis == "hours_weeks" and not (self.min_hours and self.weeks_required):
            raise ValueError("A rule with the basis hours_weeks needs min_hours and weeks_required.")
        if self.basis == "cumulative_earnings" and not (self.min_hours and self.weeks_required and self.pay_rate):
            raise ValueError("A rule with the basis cumulative_earnings needs min_hours, weeks_required and pay_rate.")
        if self.basis == "cumulative_earnings" and self.pay_rate not in BAND_OF:
            raise ValueError(f"The pay_rate {self.pay_rate} is unknown. There are no hourly rates for it.")
        if self.basis == "duration_self_employed" and not self.self_employed_days:
            raise ValueError("A rule with the basis duration_self_employed needs self_employed_days.")
        return self


_checked: dict[UUID, RuleText] = {}


class LoadedRule(Base):
    """A version of a rule loaded by the operator. It never changes."""

    __tablename__ = "outcome_rules"
    __table_args__ = (UniqueConstraint("rule", "version"),)

    id: Mapped[PrimaryKey]
    rule: Mapped[str] = mapped_column(SHORT)
    version: Mapped[str] = mapped_column(SHORT)
    text: Mapped[dict[str, Any]] = mapped_column(JSON)
    loaded_at: Mapped[datetime]
    by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))


def read(content: bytes) -> list[RuleText]:
    """Return the rules in a file. Raise ``RuleFileNotUnderstood``, naming the first invalid rule and field."""
    try:
        data = from_json(content)
    except ValueError:
        data = None
    rules = data.get("rules") if isinstance(data, dict) and data.get("format") == FORMAT else None
    if not isinstance(rules, list):
        raise RuleFileNotUnderstood(
            f'The file must be JSON of the form {{"format": {FORMAT}, "rules": [...]}}. Nothing was saved.'
        )
    checked = []
    for place, rule in enumerate(rules, start=1):
        try:
            checked.append(RuleText.model_validate(rule))
        except ValidationError as wrong:
            first = wrong.errors()[0]
            named = rule.get("rule", "") if isinstance(rule, dict) else ""
            field = ".".join(map(str, first["loc"]))
            rule_broken = sentence_of(first).removesuffix(".")
            raise RuleFileNotUnderstood(
                f"Rule {place} {str(named)[:60]}: {f'{field}: ' if field else ''}{rule_broken}. Nothing was saved."
            ) from wrong
    names = [rule.name for rule in checked]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RuleFileNotUnderstood(f"{twice[0]} occurs twice in the file. Remove one of them. Nothing was saved.")
    return checked


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, RuleText]:
    return {rule.name: rule for rule in read(SHIPPED.read_bytes())}


def all_versions(session: Session) -> dict[str, RuleText]:
    """Return every version of every rule by ``RULE@VERSION``."""
    rows = session.scalars(select(LoadedRule).order_by(LoadedRule.rule, LoadedRule.version))
    return {**shipped(), **{f"{row.rule}@{row.version}": _understood(row) for row in rows}}


def _understood(row: LoadedRule) -> RuleText:
    """Return a loaded rule. It is validated once per process and then cached, because it never changes."""
    if row.id not in _checked:
        _checked[row.id] = RuleText.model_validate(row.text)
    return _checked[row.id]


def load(session: WriteSession, actor: Actor, content: bytes) -> tuple[int, int]:
    """Store new versions; return how many were new and known. Raise ``RuleVersionKnown`` if a known one differs."""
    rules, known = read(content), all_versions(session)
    new = [rule for rule in rules if rule.name not in known]
    for rule in rules:
        if rule.name in known and known[rule.name] != rule:
            raise RuleVersionKnown(
                f"{rule.name} cannot change, as outcomes may depend on it. Give it a new version. Nothing was saved."
            )
    session.add_all(
        LoadedRule(
            rule=rule.rule,
            version=rule.version,
            text=rule.model_dump(mode="json"),
            loaded_at=actor.at,
            by=actor.user_id,
        )
        for rule in new
    )
    session.flush()  # loading the same version at the same time fails on the unique constraint here
    return len(new), len(rules) - len(new)


def version_of(rules: Mapping[str, RuleText], names: Iterable[str]) -> str:
    """Return a hash of the content of the named rules."""
    texts = [rules[name].model_dump_json() for name in sorted(set(names)) if name in rules]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def rates(pay_rate: str | None) -> tuple[tuple[date, int], ...]:
    """Return the verified amounts of a pay rate in pence, each with its first day; empty if there are none."""
    bands = BAND_OF.get(pay_rate or "", ())
    rows = [row for row in tables.rows("minimum_wage") if row["band"] in bands and tables.is_verified(row)]
    return tuple(sorted((date.fromisoformat(row["from"]), int(row["pence"])) for row in rows))
