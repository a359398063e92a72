"""Outcome rules as data: what funders pay for, each version dated and never changed once it is known.

A file is JSON: ``{"format": 1, "rules": [...]}``; a rule is what ``RuleText`` says. Those that ship stand in
``data/outcome_rules.json``; others are loaded by ``pathways reference load-rules FILE``. A figure that is not verified
is kept for its source and switched off.
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
from pathways.reference import tables

SHIPPED = Path(__file__).parent / "data" / "outcome_rules.json"
FORMAT = 1
# Which band of the minimum wage table a rate is; a rate without one ships no figures.
BAND_OF = {"NLW": "21_and_over"}


class RuleFileNotUnderstood(RuleBroken):
    title = "The file of outcome rules cannot be read"


class RuleVersionKnown(Conflict):
    title = "This version of a rule is known and says something else"


class RuleText(BaseModel):
    """One version of one rule, as a file gives it (domain 3.1)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{2,60}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}$")]
    effective_from: date
    effective_to: date | None = None
    funder: Annotated[str, Field(min_length=1, max_length=200)]
    definition: Annotated[str, Field(min_length=1, max_length=500)]
    basis: Literal["hours_weeks", "cumulative_earnings", "duration_self_employed", "point_in_time"]
    min_hours: Decimal = Field(default=Decimal(0), ge=0, le=168, decimal_places=2, description="A week.")
    hours_test: Literal["every_week", "average"] = "every_week"
    weeks_required: int = Field(default=0, ge=0, le=520)
    window_weeks: int = Field(default=0, ge=0, le=520, description="So many weeks in which they must lie.")
    longest_gap_days: int | None = Field(
        default=None, ge=0, le=3_660, description="Between two jobs, within the window."
    )
    spells_combined: bool = Field(description="Several jobs count together.")
    leave_counts: bool = Field(default=False, description="Weeks of sick or statutory leave count as worked.")
    pay_rate: Literal["NLW", "RLW_UK", "RLW_LONDON"] | None = None
    rate_date: Literal["start_date", "earned_date", "rule_date"] = "start_date"
    self_employed_days: int | None = Field(default=None, ge=1, le=3_660)
    tracking_days: int | None = Field(default=None, ge=1, le=3_660, description="From the start of the programme.")
    own_supply_chain_counts: bool = False
    evidence_tier: Literal["A", "B", "C"] | None = Field(default=None, description="The least that is taken.")
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
            raise ValueError("effective_to is before effective_from.")
        if self.window_weeks < self.weeks_required:
            raise ValueError("window_weeks is under weeks_required.")
        if not self.is_enabled:
            return self  # it is kept for its source; what it lacks is why
        if self.mark == "unverified":
            raise ValueError("A rule whose figures are not verified is not switched on.")
        if self.basis == "hours_weeks" and not (self.min_hours and self.weeks_required):
            raise ValueError("A rule by hours needs min_hours and weeks_required.")
        if self.basis == "cumulative_earnings" and not (self.min_hours and self.weeks_required and self.pay_rate):
            raise ValueError("A rule by earnings needs min_hours, weeks_required and pay_rate.")
        if self.basis == "cumulative_earnings" and self.pay_rate not in BAND_OF:
            raise ValueError(f"There are no rates of {self.pay_rate} in the dated tables.")
        if self.basis == "duration_self_employed" and not self.self_employed_days:
            raise ValueError("A rule by self-employment needs self_employed_days.")
        return self


_checked: dict[UUID, RuleText] = {}


class LoadedRule(Base):
    """A version of a rule that was loaded; it never changes."""

    __tablename__ = "outcome_rules"
    __table_args__ = (UniqueConstraint("rule", "version"),)

    id: Mapped[PrimaryKey]
    rule: Mapped[str] = mapped_column(SHORT)
    version: Mapped[str] = mapped_column(SHORT)
    text: Mapped[dict[str, Any]] = mapped_column(JSON)
    loaded_at: Mapped[datetime]
    by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))


def read(content: bytes) -> list[RuleText]:
    """Return the rules of a file; which rule and field is wrong, and how, where one is."""
    try:
        told = from_json(content)
    except ValueError:
        told = None
    rules = told.get("rules") if isinstance(told, dict) and told.get("format") == FORMAT else None
    if not isinstance(rules, list):
        raise RuleFileNotUnderstood(f'It is JSON: {{"format": {FORMAT}, "rules": [...]}}.')
    found = []
    for place, one in enumerate(rules, start=1):
        try:
            found.append(RuleText.model_validate(one))
        except ValidationError as wrong:
            first = wrong.errors()[0]
            named = one.get("rule", "") if isinstance(one, dict) else ""
            field = ".".join(map(str, first["loc"]))
            raise RuleFileNotUnderstood(
                f"Rule {place} {str(named)[:60]}: {f'{field}: ' if field else ''}{first['msg']}. Nothing was saved."
            ) from wrong
    names = [rule.name for rule in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RuleFileNotUnderstood(f"{twice[0]} stands there twice. Nothing was saved.")
    return found


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, RuleText]:
    return {rule.name: rule for rule in read(SHIPPED.read_bytes())}


def all_versions(session: Session) -> dict[str, RuleText]:
    """Return every version of every rule by ``RULE@VERSION``."""
    rows = session.scalars(select(LoadedRule).order_by(LoadedRule.rule, LoadedRule.version))
    return {**shipped(), **{f"{row.rule}@{row.version}": _understood(row) for row in rows}}


def _understood(row: LoadedRule) -> RuleText:
    """Return a loaded rule, checked once a process: it never changes."""
    if row.id not in _checked:
        _checked[row.id] = RuleText.model_validate(row.text)
    return _checked[row.id]


def load(session: WriteSession, actor: Actor, content: bytes) -> tuple[int, int]:
    """Keep the versions of a file that are new; return how many, and how many were known as they are."""
    rules, there = read(content), all_versions(session)
    new = [rule for rule in rules if rule.name not in there]
    for rule in rules:
        if rule.name in there and there[rule.name] != rule:
            raise RuleVersionKnown(
                f"{rule.name}: outcomes may rest on it, so it stays. Give what is new a new version. Nothing was saved."
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
    session.flush()  # two who load the same version meet here
    return len(new), len(rules) - len(new)


def version_of(rules: Mapping[str, RuleText], names: Iterable[str]) -> str:
    """Return a hash of what some rules say."""
    told = [rules[name].model_dump_json() for name in sorted(set(names)) if name in rules]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def rates(pay_rate: str | None) -> tuple[tuple[date, int], ...]:
    """Return the pence of a rate by the day they begin; those that are verified; empty where there is none."""
    band = BAND_OF.get(pay_rate or "")
    rows = [row for row in tables.rows("minimum_wage") if row["band"] == band and row["mark"] == "seen"]
    return tuple(sorted((date.fromisoformat(row["from"]), int(row["pence"])) for row in rows))
