"""Outcomes by hours: enough hours in a number of weeks (in each week or on average), or enough work on one day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

from pathways.base import day_in_words
from pathways.progression.rules.facts import (
    DAYS_IN_A_WEEK,
    HUNDREDTHS,
    Finding,
    HoursTest,
    OutcomeRule,
    RuleVerdict,
    SpellFacts,
    Stretch,
    ids_of,
    joined,
    weeks_of,
)

PARTS = 420  # the least common multiple of 1 to 7: any amount divides exactly among 1 to 7 days


@dataclass(frozen=True, slots=True)
class _Days:
    """Totals of several jobs by day: hours or pay in 42,000ths, and whether a day is unknown, worked or leave."""

    units: list[int]
    is_unknown: list[bool]
    is_worked: list[bool]
    is_leave: list[bool]


def _days_of(jobs: Sequence[SpellFacts], first: date, count: int, field_name: str) -> _Days:
    """Return the totals of ``count`` days, starting on the day ``first``, from the field ``field_name`` of the jobs."""
    days = _Days([0] * count, [False] * count, [False] * count, [False] * count)
    for job in jobs:
        amounts = getattr(job, field_name)
        last = count if job.ended_on is None else min(count, (job.ended_on - first).days + 1)
        week = job.started_on
        while (week - first).days < last:
            length = DAYS_IN_A_WEEK if job.ended_on is None else min(DAYS_IN_A_WEEK, (job.ended_on - week).days + 1)
            amount, at = amounts.get(week), (week - first).days
            part = 0 if amount is None else int(amount * HUNDREDTHS) * PARTS // length
            for day in range(max(at, 0), min(at + length, last)):
                days.is_worked[day] = True
                days.units[day] += part
                days.is_unknown[day] |= amount is None
                days.is_leave[day] |= week in job.leave_weeks
            week += timedelta(days=DAYS_IN_A_WEEK)
    return days


def by_weeks(jobs: list[SpellFacts], first: date, rule: OutcomeRule, on: date) -> RuleVerdict:
    """Return the verdict on a rule by weeks. Weeks start on the day ``first``; earlier work is ignored."""
    jobs = [job for job in jobs if job.ended_on is None or job.ended_on >= first]
    # Whole weeks that have passed. The week that contains the day ``on`` is not over yet, unless it ends on that day.
    passed = max(0, ((on - first).days + 1) // DAYS_IN_A_WEEK)
    is_running = any(job.ended_on is None or job.ended_on >= on for job in jobs)
    # If the work has ended, its last week is known too, even if that week is not over.
    ends = on if is_running else max(job.ended_on or on for job in jobs)
    count = passed if is_running else max(passed, (ends - first).days // DAYS_IN_A_WEEK + 1)
    days = _days_of(jobs, first, count * DAYS_IN_A_WEEK, "hours_of_week")
    weeks = [slice(n * DAYS_IN_A_WEEK, (n + 1) * DAYS_IN_A_WEEK) for n in range(count)]
    needed = int(rule.min_hours * HUNDREDTHS) * PARTS
    units = [sum(days.units[week]) for week in weeks]
    leave = [rule.leave_counts and any(days.is_leave[week]) for week in weeks]
    worked = [any(days.is_worked[week]) for week in weeks]
    counts = [w and (u >= needed or on_leave) for w, u, on_leave in zip(worked, units, leave, strict=True)]
    unknown = [any(days.is_unknown[week]) and not counted for week, counted in zip(weeks, counts, strict=True)]
    gaps = _gaps(days.is_worked)
    full = [max(u, needed) if on_leave else u for u, on_leave in zip(units, leave, strict=True)]
    reached = _Reach(rule, needed, full, counts)
    for last in range(passed):
        if reached.at(last) and _gap_fits(gaps, last, rule):
            window = slice(max(0, last + 1 - rule.window_weeks), last + 1)
            met_on = first + timedelta(weeks=last + 1, days=-1)
            counted, hours = sum(counts[window]), _hours(sum(units[window]))
            text = f"Met on {day_in_words(met_on)} ({counted} weeks of {len(counts[window])})."
            counted_weeks = [first + timedelta(weeks=n) for n in range(last + 1)[window] if counts[n] or units[n]]
            rests = _stretches(jobs, counted_weeks)
            ids, gap = ids_of(rests), _longest_gap(gaps, window)
            return RuleVerdict(
                Finding.MET, text, met_on, met_on, counted, 0, ids, gap_days=gap, hours=hours, rests_on=rests
            )
    ids = tuple(job.spell_id for job in jobs)
    counted, total, missing = reached.most(), _hours(sum(units)), sum(unknown)
    gap = _longest_gap(gaps, slice(0, count))
    hopeful = _Reach(
        rule, needed, _hoped(full, unknown, rule, needed), [c or u for c, u in zip(counts, unknown, strict=True)]
    )
    if is_running or any(hopeful.at(n) and _gap_fits(gaps, n, rule) for n in range(count)):
        earliest = _earliest(rule, needed, full, counts, unknown, gaps, first)
        text = f"{counted} of {rule.weeks_required} weeks so far. {_without_record(missing)}"
        return RuleVerdict(
            Finding.NOT_YET_KNOWN, text, None, earliest, counted, missing, ids, gap_days=gap, hours=total
        )
    text = f"{counted} of {rule.weeks_required} weeks counted, and the work has ended."
    return RuleVerdict(Finding.NOT_MET, text, None, None, counted, missing, ids, gap_days=gap, hours=total)


def _without_record(missing: int) -> str:
    if not missing:
        return "No weeks are missing."
    return "1 week has no record." if missing == 1 else f"{missing} weeks have no record."


def _stretches(jobs: Sequence[SpellFacts], weeks: Sequence[date]) -> tuple[Stretch, ...]:
    """Return, for each job, the days of ``weeks`` that are also in a week of the job with paid hours or leave."""
    stretches: list[Stretch] = []
    for job in jobs:
        days = [
            (max(week, begins), min(week + timedelta(days=DAYS_IN_A_WEEK - 1), ends))
            for begins, ends in weeks_of(job, weeks[0], weeks[-1] + timedelta(days=DAYS_IN_A_WEEK - 1))
            if job.hours_of_week.get(begins) or begins in job.leave_weeks
            for week in weeks
            if week <= ends and week + timedelta(days=DAYS_IN_A_WEEK) > begins
        ]
        stretches += joined(job.spell_id, days)
    return tuple(stretches)


class _Reach:
    """Computes which windows of weeks meet a rule. A window is identified by the index of its last week."""

    def __init__(self, rule: OutcomeRule, needed: int, units: Sequence[int], counts: Sequence[bool]) -> None:
        self.rule = rule
        self.enough = needed * rule.weeks_required
        self.units = [0, *accumulate(units)]
        self.counts = [0, *accumulate(map(int, counts))]

    def at(self, last: int) -> bool:
        begins = max(0, last + 1 - self.rule.window_weeks)
        if self.rule.hours_test is HoursTest.AVERAGE:
            # At least ``weeks_required`` weeks must have passed: an average over fewer weeks would be another rule.
            is_long = last + 1 >= self.rule.weeks_required
            return is_long and self.units[last + 1] - self.units[begins] >= self.enough
        return self.counts[last + 1] - self.counts[begins] >= self.rule.weeks_required

    def most(self) -> int:
        """Return the highest number of counted weeks in any window."""
        spans = range(len(self.counts) - 1)
        window = self.rule.window_weeks
        return max((self.counts[n + 1] - self.counts[max(0, n + 1 - window)] for n in spans), default=0)


def _hoped(units: Sequence[int], unknown: Sequence[bool], rule: OutcomeRule, needed: int) -> list[int]:
    """Return each week's hours in 42,000ths, as if each unknown week alone had enough for the whole rule."""
    most = needed * rule.weeks_required
    return [most if is_unknown else recorded for recorded, is_unknown in zip(units, unknown, strict=True)]


def _earliest(
    rule: OutcomeRule,
    needed: int,
    units: list[int],
    counts: list[bool],
    unknown: list[bool],
    gaps: list[tuple[int, int]],
    first: date,
) -> date | None:
    """Return the first day on which the rule could be met if every unknown and future week counted, or None."""
    more = rule.window_weeks + rule.weeks_required
    hopeful = _Reach(
        rule,
        needed,
        [*_hoped(units, unknown, rule, needed), *[needed * rule.weeks_required] * more],
        [*(c or u for c, u in zip(counts, unknown, strict=True)), *[True] * more],
    )
    for last in range(len(units) + more):
        if hopeful.at(last) and _gap_fits(gaps, last, rule):
            return first + timedelta(weeks=last + 1, days=-1)
    return None


def _gaps(is_worked: Sequence[bool]) -> list[tuple[int, int]]:
    """Return the gaps between days with work, as day numbers: the first day, and the day after the last day."""
    gaps, begins = [], None
    for day, worked in enumerate(is_worked):
        if worked:
            if begins is not None:
                gaps.append((begins, day))
            begins = None
        elif begins is None and day > 0:
            begins = day
    return gaps


def _gap_fits(gaps: Iterable[tuple[int, int]], last: int, rule: OutcomeRule) -> bool:
    if rule.longest_gap_days is None:
        return True
    window = slice(max(0, last + 1 - rule.window_weeks), last + 1)
    return _longest_gap(gaps, window) <= rule.longest_gap_days


def _longest_gap(gaps: Iterable[tuple[int, int]], weeks: slice) -> int:
    """Return the length in days of the longest gap that ends within the week numbers ``weeks``.

    Days of a gap before the first of these weeks do not count.
    """
    begins, ends = weeks.start * DAYS_IN_A_WEEK, weeks.stop * DAYS_IN_A_WEEK
    return max((end - max(begin, begins) for begin, end in gaps if begins < end < ends), default=0)


def _hours(units: int) -> Decimal:
    return (Decimal(units) / (PARTS * HUNDREDTHS)).quantize(Decimal("0.01"))


def at_a_day(jobs: list[SpellFacts], rule: OutcomeRule, on: date) -> RuleVerdict:
    """Return the verdict on a rule about one day. All running jobs' hours in the weeks that contain it are added."""
    running = [job for job in jobs if job.started_on <= on and (job.ended_on is None or job.ended_on >= on)]
    if not running:
        return RuleVerdict(Finding.NOT_MET, "The jobseeker has no job on this day.", hours=Decimal(0))
    hours, is_known = Decimal(0), True
    for job in running:
        week = on - timedelta(days=(on - job.started_on).days % DAYS_IN_A_WEEK)
        recorded = job.hours_of_week.get(week)
        hours, is_known = hours + (recorded or 0), is_known and recorded is not None
    ids = tuple(job.spell_id for job in running)
    if hours >= rule.min_hours:
        rests = tuple(Stretch(spell_id, on, on) for spell_id in ids)
        text = f"In work on {day_in_words(on)}."
        return RuleVerdict(Finding.MET, text, on, on, spell_ids=ids, hours=hours, rests_on=rests)
    if is_known:
        return RuleVerdict(
            Finding.NOT_MET, "The week of this day has fewer hours than the rule requires.", spell_ids=ids, hours=hours
        )
    return RuleVerdict(
        Finding.NOT_YET_KNOWN, "The hours of this week are not recorded.", None, on, 0, 1, ids, hours=hours
    )
