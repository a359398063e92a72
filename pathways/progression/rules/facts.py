"""What the outcome engine reads and says: spells as they are known, a version of a rule, a verdict; and their days."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

DAYS_IN_A_WEEK = 7
HUNDREDTHS = 100


class Basis(StrEnum):
    """What a rule counts."""

    HOURS_WEEKS = "hours_weeks"
    EARNINGS = "cumulative_earnings"
    SELF_EMPLOYED_DAYS = "duration_self_employed"
    POINT_IN_TIME = "point_in_time"


class HoursTest(StrEnum):
    """Whether each week has the hours, or so many weeks have them together."""

    EVERY_WEEK = "every_week"
    AVERAGE = "average"


class RateDate(StrEnum):
    """On which day the rate of an earnings rule is read: it is the contract that says."""

    START = "start_date"
    EARNED = "earned_date"
    RULE = "rule_date"


@dataclass(frozen=True, slots=True)
class SpellFacts:
    """One spell as it is known: its days, and of each week that is recorded its paid hours, by the week's first day.

    ``pay_of_week`` is gross pay in pounds; ``leave_weeks`` were sick or statutory leave, all or part.
    """

    spell_id: str
    kind: str
    started_on: date
    ended_on: date | None
    hours_of_week: Mapping[date, Decimal]
    pay_of_week: Mapping[date, Decimal] = field(default_factory=dict)
    leave_weeks: frozenset[date] = frozenset()
    is_own_supply_chain: bool = False


@dataclass(frozen=True, slots=True)
class OutcomeRule:
    """One version of a rule.

    By hours: at least ``min_hours`` a week in ``weeks_required`` of ``window_weeks`` weeks, with no gap between jobs
    longer than ``longest_gap_days``. By earnings: ``min_hours`` times ``weeks_required`` at the rate of the day that
    ``rate_date`` names; ``rates`` are pence by the day they begin. ``self_employed_days`` is the whole rule, or beside
    earnings another way to meet it. What happens more than ``tracking_days`` after the programme began does not count.
    """

    name: str
    version: str
    min_hours: Decimal
    weeks_required: int
    window_weeks: int
    spells_combined: bool
    kinds_that_count: frozenset[str]
    basis: Basis = Basis.HOURS_WEEKS
    hours_test: HoursTest = HoursTest.EVERY_WEEK
    longest_gap_days: int | None = None
    leave_counts: bool = False
    rates: tuple[tuple[date, int], ...] = ()
    rate_date: RateDate = RateDate.START
    rule_date: date | None = None
    self_employed_days: int | None = None
    self_employed_kinds: frozenset[str] = frozenset({"SELF_EMPLOYMENT"})
    tracking_days: int | None = None
    own_supply_chain_counts: bool = False


class Finding(StrEnum):
    MET = "met"
    NOT_MET = "not_met"
    NOT_YET_KNOWN = "not_yet_known"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days of one spell that a finding rests on: what evidence has to cover."""

    spell_id: str
    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What came out, and how it was counted.

    ``not_counted`` are ids of spells left out, ``why_not`` says why of each. ``earliest_on`` is the first day on which
    it can be met, where it can be. ``rests_on`` are the days that make it met, of the spells in ``spell_ids``.
    """

    finding: Finding
    text: str
    met_on: date | None = None
    earliest_on: date | None = None
    weeks_counted: int = 0
    weeks_unknown: int = 0
    spell_ids: tuple[str, ...] = ()
    not_counted: tuple[str, ...] = ()
    why_not: tuple[tuple[str, str], ...] = ()
    gap_days: int = 0
    hours: Decimal | None = None
    pounds: Decimal | None = None
    pounds_needed: Decimal | None = None
    rates_used: tuple[int, ...] = ()
    days_counted: int = 0
    rests_on: tuple[Stretch, ...] = ()


def weeks_of(job: SpellFacts, first: date, on: date) -> Iterable[tuple[date, date]]:
    """Return the first and last days of a job's weeks that have begun, of those with a day from ``first`` on."""
    week = job.started_on
    while week <= on and (job.ended_on is None or week <= job.ended_on):
        ends = min(week + timedelta(days=DAYS_IN_A_WEEK - 1), job.ended_on or date.max)
        if ends >= first:
            yield week, ends
        week += timedelta(days=DAYS_IN_A_WEEK)


def joined(spell_id: str, days: Iterable[tuple[date, date]]) -> list[Stretch]:
    """Return stretches of days, those that follow on each other as one."""
    found: list[Stretch] = []
    for first, last in sorted(days):
        if found and first <= found[-1].last_on + timedelta(days=1):
            found[-1] = replace(found[-1], last_on=max(found[-1].last_on, last))
        else:
            found.append(Stretch(spell_id, first, last))
    return found


def ids_of(rests: Iterable[Stretch]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rest.spell_id for rest in rests))
