"""The outcome engine, pure: facts and a dated rule in; met, not met or not yet known out, with how it was counted.

A week is seven days, rolling from the first day of the first spell that counts. What is not recorded is not known,
never zero. Hours and pay of a week belong to its days in equal parts, so that a week of one job may be shared between
two weeks of the count; they are whole numbers of small units, so nothing is rounded. What counts as a job start is here
too: ``job_started_on``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import accumulate
from typing import Any

DAYS_IN_A_WEEK = 7
PARTS = 420  # a week of 1 to 7 days divides by its days
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
class Verdict:
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


NO_JOB = "This kind of work is no job."
OWN_CHAIN = "The employer is of the provider's own supply chain, which does not count unless the funder was notified."


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


def judge(spells: Sequence[SpellFacts], rule: OutcomeRule, on: date, *, began_on: date | None = None) -> Verdict:
    """Return whether a rule is met by what had been recorded, as of a day.

    ``began_on`` is the first day of the programme: of earnings and self-employment nothing before it counts, and the
    days of ``tracking_days`` run from it.
    """
    jobs, _ = counting(spells, rule.kinds_that_count)
    why_not = [(spell.spell_id, NO_JOB) for spell in sorted(spells, key=_in_order) if spell not in jobs]
    if not rule.own_supply_chain_counts:
        why_not += [(job.spell_id, OWN_CHAIN) for job in jobs if job.is_own_supply_chain]
        jobs = [job for job in jobs if not job.is_own_supply_chain]
    until = None
    if rule.tracking_days is not None and began_on is not None:
        until = began_on + timedelta(days=rule.tracking_days)
    found = _judge(jobs, rule, on, began_on, until)
    if found.finding is not Finding.MET and until is not None and (found.earliest_on or until) > until:
        text = f"It can no more be met by {until.isoformat()}, when the time for it ends."
        found = replace(found, finding=Finding.NOT_MET, text=text, earliest_on=None)
    return replace(found, not_counted=tuple(spell_id for spell_id, _ in why_not), why_not=tuple(why_not))


def _in_order(spell: SpellFacts) -> tuple[date, str]:
    return spell.started_on, spell.spell_id


def _judge(jobs: list[SpellFacts], rule: OutcomeRule, on: date, began_on: date | None, until: date | None) -> Verdict:
    if not jobs:
        return Verdict(Finding.NOT_YET_KNOWN, "No job has started yet.")
    by_day = on if until is None else min(on, until)
    if rule.basis is Basis.POINT_IN_TIME:
        return _at_a_day(jobs, rule, by_day)
    verdicts: list[Verdict] = []
    if rule.self_employed_days is not None:
        verdicts += _by_days(jobs, rule, by_day, began_on)
    if rule.basis is Basis.EARNINGS:
        groups = [jobs] if rule.spells_combined else [[job] for job in jobs]
        verdicts += [_by_earnings(group, rule, by_day, began_on) for group in groups]
    if rule.basis is Basis.HOURS_WEEKS:
        # Weeks roll from the first day of any job, so that an earlier short one does not shift a good stretch; all that
        # is worked from that day on counts, whichever job it is of.
        stretches = [(jobs if rule.spells_combined else [job], job.started_on) for job in jobs]
        verdicts += [_by_weeks(group, first, rule, by_day) for group, first in stretches]
    if not verdicts:
        return Verdict(Finding.NOT_YET_KNOWN, "No job of the kind has started yet.")
    order = (Finding.MET, Finding.NOT_YET_KNOWN, Finding.NOT_MET)
    best = min(verdicts, key=lambda v: (order.index(v.finding), v.met_on or date.max, -v.weeks_counted))
    earliest = min((v.earliest_on for v in verdicts if v.earliest_on is not None), default=None)
    return best if best.finding is Finding.MET else replace(best, earliest_on=earliest)


# Hours by week.


@dataclass(frozen=True, slots=True)
class _Days:
    """What is recorded of each day of some jobs together: units of hours or pay, and whether any of it is not known."""

    units: list[int]
    is_unknown: list[bool]
    is_worked: list[bool]
    is_leave: list[bool]


def _days_of(jobs: Sequence[SpellFacts], first: date, count: int, of: str) -> _Days:
    """Return the days from ``first`` on; ``of`` names the amounts that are read."""
    days = _Days([0] * count, [False] * count, [False] * count, [False] * count)
    for job in jobs:
        amounts = getattr(job, of)
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


def _by_weeks(jobs: list[SpellFacts], first: date, rule: OutcomeRule, on: date) -> Verdict:
    jobs = [job for job in jobs if job.ended_on is None or job.ended_on >= first]
    # Whole weeks that have passed: the week a day stands in is not over yet.
    passed = max(0, ((on - first).days + 1) // DAYS_IN_A_WEEK)
    is_running = any(job.ended_on is None or job.ended_on >= on for job in jobs)
    # Of work that has ended its last week is known too, though it may not be over.
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
            text = f"{counted} weeks counted in {len(counts[window])}, on {met_on.isoformat()}."
            counted_weeks = [first + timedelta(weeks=n) for n in range(last + 1)[window] if counts[n] or units[n]]
            rests = _stretches(jobs, counted_weeks)
            ids, gap = _ids(rests), _longest_gap(gaps, window)
            return Verdict(
                Finding.MET, text, met_on, met_on, counted, 0, ids, gap_days=gap, hours=hours, rests_on=rests
            )
    ids = tuple(job.spell_id for job in jobs)
    counted, told, missing = reached.most(), _hours(sum(units)), sum(unknown)
    gap = _longest_gap(gaps, slice(0, count))
    hopeful = _Reach(
        rule, needed, _hoped(full, unknown, rule, needed), [c or u for c, u in zip(counts, unknown, strict=True)]
    )
    if is_running or any(hopeful.at(n) and _gap_fits(gaps, n, rule) for n in range(count)):
        earliest = _earliest(rule, needed, full, counts, unknown, gaps, first)
        text = f"{counted} of {rule.weeks_required} weeks counted so far; {missing} weeks are not recorded."
        return Verdict(Finding.NOT_YET_KNOWN, text, None, earliest, counted, missing, ids, gap_days=gap, hours=told)
    text = f"{counted} of {rule.weeks_required} weeks counted, and the work has ended."
    return Verdict(Finding.NOT_MET, text, None, None, counted, missing, ids, gap_days=gap, hours=told)


def _stretches(jobs: Sequence[SpellFacts], weeks: Sequence[date]) -> tuple[Stretch, ...]:
    """Return the days of each job that lie in these weeks, of its own weeks with paid hours or leave."""
    found: list[Stretch] = []
    for job in jobs:
        days = [
            (max(week, begins), min(week + timedelta(days=DAYS_IN_A_WEEK - 1), ends))
            for begins, ends in _weeks_of(job, weeks[0], weeks[-1] + timedelta(days=DAYS_IN_A_WEEK - 1))
            if job.hours_of_week.get(begins) or begins in job.leave_weeks
            for week in weeks
            if week <= ends and week + timedelta(days=DAYS_IN_A_WEEK) > begins
        ]
        found += _joined(job.spell_id, days)
    return tuple(found)


def _joined(spell_id: str, days: Iterable[tuple[date, date]]) -> list[Stretch]:
    """Return stretches of days, those that follow on each other as one."""
    found: list[Stretch] = []
    for first, last in sorted(days):
        if found and first <= found[-1].last_on + timedelta(days=1):
            found[-1] = replace(found[-1], last_on=max(found[-1].last_on, last))
        else:
            found.append(Stretch(spell_id, first, last))
    return found


def uncovered(rests: Iterable[Stretch], covers: Iterable[Stretch]) -> list[Stretch]:
    """Return what of the days a finding rests on no evidence of that spell covers."""
    told = list(covers)
    missing = []
    for rest in rests:
        mine = _joined(rest.spell_id, ((c.first_on, c.last_on) for c in told if c.spell_id == rest.spell_id))
        day = rest.first_on
        for cover in mine:
            if cover.last_on < day or cover.first_on > rest.last_on:
                continue
            if cover.first_on > day:
                missing.append(Stretch(rest.spell_id, day, cover.first_on - timedelta(days=1)))
            day = cover.last_on + timedelta(days=1)
        if day <= rest.last_on:
            missing.append(Stretch(rest.spell_id, day, rest.last_on))
    return missing


def _ids(rests: Iterable[Stretch]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rest.spell_id for rest in rests))


class _Reach:
    """Which windows, by their last week, hold what a rule asks for."""

    def __init__(self, rule: OutcomeRule, needed: int, units: Sequence[int], counts: Sequence[bool]) -> None:
        self.rule = rule
        self.enough = needed * rule.weeks_required
        self.units = [0, *accumulate(units)]
        self.counts = [0, *accumulate(map(int, counts))]

    def at(self, last: int) -> bool:
        begins = max(0, last + 1 - self.rule.window_weeks)
        if self.rule.hours_test is HoursTest.AVERAGE:
            # So many weeks must have passed: an average over fewer is another rule.
            is_long = last + 1 >= self.rule.weeks_required
            return is_long and self.units[last + 1] - self.units[begins] >= self.enough
        return self.counts[last + 1] - self.counts[begins] >= self.rule.weeks_required

    def most(self) -> int:
        """The most weeks that any window counts."""
        spans = range(len(self.counts) - 1)
        window = self.rule.window_weeks
        return max((self.counts[n + 1] - self.counts[max(0, n + 1 - window)] for n in spans), default=0)


def _hoped(units: Sequence[int], unknown: Sequence[bool], rule: OutcomeRule, needed: int) -> list[int]:
    """Return the units of weeks if each that is not known had all that could be asked of it."""
    most = needed * rule.weeks_required
    return [most if not_known else found for found, not_known in zip(units, unknown, strict=True)]


def _earliest(
    rule: OutcomeRule,
    needed: int,
    units: list[int],
    counts: list[bool],
    unknown: list[bool],
    gaps: list[tuple[int, int]],
    first: date,
) -> date | None:
    """The first day on which it could be met, if every week not yet known counted."""
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
    """Return the stretches of days without a job between days with one: from, and the day after."""
    found, begins = [], None
    for day, worked in enumerate(is_worked):
        if worked:
            if begins is not None:
                found.append((begins, day))
            begins = None
        elif begins is None and day > 0:
            begins = day
    return found


def _gap_fits(gaps: Iterable[tuple[int, int]], last: int, rule: OutcomeRule) -> bool:
    if rule.longest_gap_days is None:
        return True
    window = slice(max(0, last + 1 - rule.window_weeks), last + 1)
    return _longest_gap(gaps, window) <= rule.longest_gap_days


def _longest_gap(gaps: Iterable[tuple[int, int]], weeks: slice) -> int:
    """Return the days of the longest gap within some weeks: what lies before them, or is not over in them, is not."""
    begins, ends = weeks.start * DAYS_IN_A_WEEK, weeks.stop * DAYS_IN_A_WEEK
    return max((end - max(begin, begins) for begin, end in gaps if begins < end < ends), default=0)


def _hours(units: int) -> Decimal:
    return (Decimal(units) / (PARTS * HUNDREDTHS)).quantize(Decimal("0.01"))


def _at_a_day(jobs: list[SpellFacts], rule: OutcomeRule, on: date) -> Verdict:
    """Return whether somebody is in work on a day, with the hours of all jobs in the week of each that holds it."""
    running = [job for job in jobs if job.started_on <= on and (job.ended_on is None or job.ended_on >= on)]
    if not running:
        return Verdict(Finding.NOT_MET, "No job on this day.", hours=Decimal(0))
    hours, is_known = Decimal(0), True
    for job in running:
        week = on - timedelta(days=(on - job.started_on).days % DAYS_IN_A_WEEK)
        found = job.hours_of_week.get(week)
        hours, is_known = hours + (found or 0), is_known and found is not None
    ids = tuple(job.spell_id for job in running)
    if hours >= rule.min_hours:
        told = tuple(Stretch(spell_id, on, on) for spell_id in ids)
        text = f"In work on {on.isoformat()}."
        return Verdict(Finding.MET, text, on, on, spell_ids=ids, hours=hours, rests_on=told)
    if is_known:
        return Verdict(Finding.NOT_MET, "Fewer hours than asked for on this day.", spell_ids=ids, hours=hours)
    return Verdict(Finding.NOT_YET_KNOWN, "Hours of this week are not recorded.", None, on, 0, 1, ids, hours=hours)


# Earnings.


def _by_earnings(jobs: list[SpellFacts], rule: OutcomeRule, on: date, began_on: date | None) -> Verdict:
    """Return whether enough was earned: the pay of a week counts when that week of its job is over."""
    first = began_on or date.min
    paid = next((job for job in jobs if any(pay > 0 for pay in job.pay_of_week.values())), jobs[0])
    starts = max(paid.started_on, first)
    fixed = rule.rule_date or starts if rule.rate_date is RateDate.RULE else starts
    booked, missing = _booked(jobs, rule, first, on, fixed)
    if booked is None:
        return Verdict(Finding.NOT_YET_KNOWN, "The dated tables hold no rate of that day.")
    hours = Fraction(rule.min_hours) * rule.weeks_required
    one = _rate(rule, fixed) if rule.rate_date is not RateDate.EARNED else None
    total, met_on = Fraction(0), None
    for ends, more, _, _ in booked:
        total += more
        if total >= hours:
            met_on = ends
            break
    until = on if met_on is None else min(met_on, on)
    counted = [told for told in booked if told[0] <= until]
    rests = _paid_stretches(jobs, first, until)
    about: dict[str, Any] = {
        "spell_ids": _ids(rests),
        "pounds": sum((pounds for _, _, pounds, _ in counted), Decimal(0)).quantize(Decimal("0.01")),
        "rates_used": tuple(sorted({rate for _, _, _, rate in counted} | ({one} if one else set()))),
        "pounds_needed": None
        if one is None
        else (rule.min_hours * rule.weeks_required * one / 100).quantize(Decimal("0.01")),
    }
    if met_on is not None and met_on <= on:
        return Verdict(
            Finding.MET, f"Enough was earned by {met_on.isoformat()}.", met_on, met_on, rests_on=rests, **about
        )
    running = [job for job in jobs if job.ended_on is None or job.ended_on >= on]
    unknown = sum(1 for ends in missing if ends <= on)
    if met_on is None and not missing and not running:
        return Verdict(Finding.NOT_MET, "Less was earned than is needed, and the work has ended.", **about)
    next_weeks = [on + timedelta(days=DAYS_IN_A_WEEK - (on - job.started_on).days % DAYS_IN_A_WEEK) for job in running]
    nearest = [*([met_on] if met_on else []), *missing, *(min(day, on + timedelta(days=1)) for day in next_weeks)]
    text = f"So far less was earned than is needed; the pay of {unknown} weeks is not recorded."
    return Verdict(Finding.NOT_YET_KNOWN, text, None, min(nearest), 0, unknown, **about)


def _paid_stretches(jobs: Sequence[SpellFacts], first: date, until: date) -> tuple[Stretch, ...]:
    """Return the days of each job's weeks with pay that had ended by a day."""
    found: list[Stretch] = []
    for job in jobs:
        weeks = (
            (max(week, first), ends)
            for week, ends in _weeks_of(job, first, until)
            if ends <= until and job.pay_of_week.get(week)
        )
        found += _joined(job.spell_id, weeks)
    return tuple(found)


Booked = tuple[date, Fraction, Decimal, int]  # on which day, hours at the rate, pounds, the rate


def _booked(
    jobs: Sequence[SpellFacts], rule: OutcomeRule, first: date, on: date, fixed: date
) -> tuple[list[Booked] | None, list[date]]:
    """Return what was earned by the day it counts, None where a rate is unknown; and the ends of weeks without pay."""
    booked: list[Booked] = []
    missing: list[date] = []
    for job in jobs:
        for week, ends in _weeks_of(job, first, on):
            pay = job.pay_of_week.get(week)
            if pay is None:
                missing.append(ends)
                continue
            length = (ends - week).days + 1
            for n in range(length):
                day = week + timedelta(days=n)
                rate = _rate(rule, day if rule.rate_date is RateDate.EARNED else fixed)
                if rate is None:
                    return None, missing
                if day >= first and pay:
                    booked.append((ends, Fraction(int(pay * HUNDREDTHS), length) / rate, pay / length, rate))
    return sorted(booked, key=lambda told: told[0]), missing


def _rate(rule: OutcomeRule, day: date) -> int | None:
    """Return the rate in force on a day, in pence; None before the first one that is known."""
    return next((pence for begins, pence in reversed(rule.rates) if begins <= day), None)


def _weeks_of(job: SpellFacts, first: date, on: date) -> Iterable[tuple[date, date]]:
    """Return the first and last days of a job's weeks that have begun, of those with a day from ``first`` on."""
    week = job.started_on
    while week <= on and (job.ended_on is None or week <= job.ended_on):
        ends = min(week + timedelta(days=DAYS_IN_A_WEEK - 1), job.ended_on or date.max)
        if ends >= first:
            yield week, ends
        week += timedelta(days=DAYS_IN_A_WEEK)


# Self-employment.


def _by_days(jobs: list[SpellFacts], rule: OutcomeRule, on: date, began_on: date | None) -> list[Verdict]:
    """Return whether self-employment lasted the days that are asked for; a day of two businesses counts once."""
    mine = [job for job in jobs if job.kind in rule.self_employed_kinds]
    if not mine or rule.self_employed_days is None:
        return []
    ids = tuple(job.spell_id for job in mine)
    counted = 0
    reached: date | None = None
    free_from = date.min  # days before it are counted already
    for begins, ends in sorted((max(job.started_on, began_on or job.started_on), job.ended_on or on) for job in mine):
        day, until = max(begins, free_from), min(ends, on)
        length = max(0, (until - day).days + 1)
        if counted + length >= rule.self_employed_days:
            reached = day + timedelta(days=rule.self_employed_days - counted - 1)
            counted = rule.self_employed_days
            break
        counted, free_from = counted + length, max(free_from, until + timedelta(days=1))
    told = {"spell_ids": ids, "days_counted": counted}
    if reached is not None:
        text = f"{counted} days of self-employment by {reached.isoformat()}."
        rests = tuple(
            Stretch(job.spell_id, begins, min(job.ended_on or reached, reached))
            for job in mine
            if (begins := max(job.started_on, began_on or job.started_on)) <= min(job.ended_on or reached, reached)
        )
        told |= {"rests_on": rests, "spell_ids": _ids(rests)}
        return [Verdict(Finding.MET, text, reached, reached, **told)]  # type: ignore[arg-type]
    missing = rule.self_employed_days - counted
    text = f"{counted} of {rule.self_employed_days} days of self-employment so far."
    if any(job.ended_on is None or job.ended_on >= on for job in mine):
        return [Verdict(Finding.NOT_YET_KNOWN, text, None, on + timedelta(days=missing), **told)]  # type: ignore[arg-type]
    return [Verdict(Finding.NOT_MET, f"{text} It has ended.", **told)]  # type: ignore[arg-type]
