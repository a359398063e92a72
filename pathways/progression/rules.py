"""The outcome engine, pure: facts and a dated rule in; met, not met or not yet known out, with how it was counted.

A week is seven days, rolling from the first day of the first spell that counts. What is not recorded is not known,
never zero. What counts as a job start is here too: ``job_started_on``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

DAYS_IN_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class SpellFacts:
    """One spell as it is known: its days and the paid hours of each week that is recorded, by the week's first day."""

    spell_id: str
    kind: str
    started_on: date
    ended_on: date | None
    hours_of_week: Mapping[date, Decimal]


@dataclass(frozen=True, slots=True)
class OutcomeRule:
    """One version of a rule: at least ``min_hours`` a week in ``weeks_required`` of ``window_weeks`` weeks."""

    name: str
    version: str
    min_hours: Decimal
    weeks_required: int
    window_weeks: int
    spells_combined: bool
    kinds_that_count: frozenset[str]


class Finding(StrEnum):
    MET = "met"
    NOT_MET = "not_met"
    NOT_YET_KNOWN = "not_yet_known"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out, and how it was counted."""

    finding: Finding
    text: str
    met_on: date | None = None
    earliest_on: date | None = None
    weeks_counted: int = 0
    weeks_unknown: int = 0
    spell_ids: tuple[str, ...] = ()
    not_counted: tuple[str, ...] = ()


def counting(spells: Iterable[SpellFacts], kinds: frozenset[str]) -> tuple[list[SpellFacts], tuple[str, ...]]:
    """Return the spells that are jobs, in order, and the ids of those that are not."""
    counted, left_out = [], []
    for spell in sorted(spells, key=lambda s: (s.started_on, s.spell_id)):
        if spell.kind in kinds:
            counted.append(spell)
        else:
            left_out.append(spell.spell_id)
    return counted, tuple(left_out)


def job_started_on(spells: Iterable[SpellFacts], kinds: frozenset[str], least_hours: Decimal) -> date | None:
    """Return the first day of the first job in which enough paid hours are recorded; None where there is none.

    What counts as a job start is a paid kind of work with at least ``least_hours`` paid hours (IPS Grow: four).
    """
    jobs, _ = counting(spells, kinds)
    started = [
        job.started_on
        for job in jobs
        if sum(
            (hours for week, hours in job.hours_of_week.items() if job.ended_on is None or week <= job.ended_on),
            Decimal(0),
        )
        >= least_hours
    ]
    return min(started, default=None)


def judge(spells: Sequence[SpellFacts], rule: OutcomeRule, on: date) -> Verdict:
    """Return whether a rule is met by what had been recorded, as of a day."""
    jobs, left_out = counting(spells, rule.kinds_that_count)
    if not jobs:
        return Verdict(Finding.NOT_YET_KNOWN, "No job has started yet.", not_counted=left_out)
    # Weeks roll from the first day of a job: of any job, so that an earlier short one does not shift a good stretch.
    groups = [jobs[n:] for n in range(len(jobs))] if rule.spells_combined else [[job] for job in jobs]
    verdicts = [_judge_group(group, rule, on, left_out) for group in groups]
    order = (Finding.MET, Finding.NOT_YET_KNOWN, Finding.NOT_MET)
    return min(verdicts, key=lambda v: (order.index(v.finding), v.met_on or date.max))


def _judge_group(jobs: list[SpellFacts], rule: OutcomeRule, on: date, left_out: tuple[str, ...]) -> Verdict:
    first = jobs[0].started_on
    weeks = [_week(jobs, first + timedelta(weeks=n), rule.min_hours) for n in range(_weeks_until(first, on))]
    ids = tuple(job.spell_id for job in jobs)
    for last in range(len(weeks)):
        window = weeks[max(0, last + 1 - rule.window_weeks) : last + 1]
        counted = sum(week is True for week in window)
        if counted >= rule.weeks_required:
            met_on = first + timedelta(weeks=last + 1, days=-1)
            text = f"{counted} weeks counted in {len(window)}, on {met_on.isoformat()}."
            return Verdict(Finding.MET, text, met_on, met_on, counted, 0, ids, left_out)
    counted = _most(weeks, rule, lambda week: week is True)
    unknown = sum(week is None for week in weeks)
    earliest = _earliest(weeks, first, rule)
    is_running = any(job.ended_on is None or job.ended_on >= on for job in jobs)
    could_be = _most(weeks, rule, lambda week: week is not False) >= rule.weeks_required
    if is_running or could_be:
        text = f"{counted} of {rule.weeks_required} weeks counted so far; {unknown} weeks are not recorded."
        return Verdict(Finding.NOT_YET_KNOWN, text, None, earliest, counted, unknown, ids, left_out)
    text = f"{counted} of {rule.weeks_required} weeks counted, and the work has ended."
    return Verdict(Finding.NOT_MET, text, None, earliest, counted, unknown, ids, left_out)


def _weeks_until(first: date, on: date) -> int:
    """Whole weeks that have passed: the week a day stands in is not over yet."""
    return max(0, ((on - first).days + 1) // DAYS_IN_A_WEEK)


def _week(jobs: list[SpellFacts], begins: date, min_hours: Decimal) -> bool | None:
    """Return whether a week has the hours: True, False, or None where hours that could decide it are not recorded."""
    ends = begins + timedelta(days=DAYS_IN_A_WEEK - 1)
    total, is_known = Decimal(0), True
    for job in jobs:
        if job.started_on > ends or (job.ended_on is not None and job.ended_on < begins):
            continue
        hours, whole = _hours_between(job, begins, ends)
        total += hours
        is_known = is_known and whole
    if total >= min_hours:
        return True
    return False if is_known else None


def _hours_between(job: SpellFacts, begins: date, ends: date) -> tuple[Decimal, bool]:
    """Return the recorded hours that fall in a week, day by day, and whether every worked day of it is recorded."""
    total, whole = Decimal(0), True
    for n in range(DAYS_IN_A_WEEK):
        day = begins + timedelta(days=n)
        if day > ends or day < job.started_on or (job.ended_on is not None and day > job.ended_on):
            continue
        recorded = _week_holding(job, day)
        if recorded is None:
            whole = False
            continue
        first, hours = recorded
        total += hours / _days_of(job, first)
    return total.quantize(Decimal("0.0001")), whole


def _week_holding(job: SpellFacts, day: date) -> tuple[date, Decimal] | None:
    offset = (day - job.started_on).days % DAYS_IN_A_WEEK
    first = day - timedelta(days=offset)
    return (first, job.hours_of_week[first]) if first in job.hours_of_week else None


def _days_of(job: SpellFacts, first: date) -> int:
    """How many days of a recorded week lie inside the spell: a last week may be short."""
    if job.ended_on is None:
        return DAYS_IN_A_WEEK
    return min(DAYS_IN_A_WEEK, (job.ended_on - first).days + 1)


def _most(weeks: Sequence[bool | None], rule: OutcomeRule, counts: Callable[[bool | None], bool]) -> int:
    """The most weeks that any window counts."""
    spans = range(len(weeks))
    return max((sum(map(counts, weeks[max(0, n + 1 - rule.window_weeks) : n + 1])) for n in spans), default=0)


def _earliest(weeks: Sequence[bool | None], first: date, rule: OutcomeRule) -> date:
    """The first day on which it could be met, if every week not yet known counted."""
    horizon = len(weeks) + rule.window_weeks + rule.weeks_required
    hopeful = [week is not False for week in weeks] + [True] * (horizon - len(weeks))
    for last in range(horizon):
        if sum(hopeful[max(0, last + 1 - rule.window_weeks) : last + 1]) >= rule.weeks_required:
            return first + timedelta(weeks=last + 1, days=-1)
    return first + timedelta(weeks=horizon)
