"""Input and output of the outcome engine: spells, a version of a rule, stretches of days, and the verdict."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

DAYS_IN_A_WEEK = 7
HUNDREDTHS = 100


class Basis(StrEnum):
    """What a rule counts: weeks of hours, earnings, days of self-employment, or work on one day."""

    HOURS_WEEKS = "hours_weeks"
    EARNINGS = "cumulative_earnings"
    SELF_EMPLOYED_DAYS = "duration_self_employed"
    POINT_IN_TIME = "point_in_time"


class HoursTest(StrEnum):
    """Whether each week must reach the required hours to count, or only the average of the weeks."""

    EVERY_WEEK = "every_week"
    AVERAGE = "average"


class RateDate(StrEnum):
    """The day whose hourly rate an earnings rule uses. The contract says which day."""

    START = "start_date"
    EARNED = "earned_date"
    RULE = "rule_date"


@dataclass(frozen=True, slots=True)
class SpellFacts:
    """One spell of work. A recorded week is identified by its first day.

    For that day, ``hours_of_week`` has the paid hours and ``pay_of_week`` the gross pay in pounds. ``leave_weeks`` has
    the first day of each week with sick or statutory leave for all or part of the week.
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

    A rule by hours requires at least ``min_hours`` a week in ``weeks_required`` of ``window_weeks`` weeks. A gap
    between jobs may last ``longest_gap_days`` at most. A rule by earnings requires the pay for ``min_hours`` times
    ``weeks_required`` hours, at the rate of the day that ``rate_date`` names. ``rates`` has the first day of each rate
    and its pence an hour. Reaching ``self_employed_days`` is the whole rule, or a second way to meet an earnings rule.
    Work later than ``tracking_days`` days after the enrolment began does not count.
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
    """Consecutive days of one spell: days on which a verdict depends, or days that an item of evidence covers."""

    spell_id: str
    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """The result for one rule, and what was counted.

    ``not_counted`` has the ids of spells that do not count; ``why_not`` gives the reason for each. ``earliest_on`` is
    the first day on which the rule can be met, if it still can. ``rests_on`` has the days that meet the
    rule, as stretches of the spells in ``spell_ids``.
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
    """Yield the first and last day of each week of a job that begins by ``on`` and ends on or after ``first``."""
    week = job.started_on
    while week <= on and (job.ended_on is None or week <= job.ended_on):
        ends = min(week + timedelta(days=DAYS_IN_A_WEEK - 1), job.ended_on or date.max)
        if ends >= first:
            yield week, ends
        week += timedelta(days=DAYS_IN_A_WEEK)


def joined(spell_id: str, days: Iterable[tuple[date, date]]) -> list[Stretch]:
    """Return the days as stretches. Overlapping or adjacent stretches are merged into one."""
    stretches: list[Stretch] = []
    for first, last in sorted(days):
        if stretches and first <= stretches[-1].last_on + timedelta(days=1):
            stretches[-1] = replace(stretches[-1], last_on=max(stretches[-1].last_on, last))
        else:
            stretches.append(Stretch(spell_id, first, last))
    return stretches


def ids_of(rests: Iterable[Stretch]) -> tuple[str, ...]:
    """Return the spell ids of the stretches, each once, in order."""
    return tuple(dict.fromkeys(rest.spell_id for rest in rests))
