"""Make up histories of work, and judge outcome rules with a naive engine.

The naive engine checks day by day, calculates in fractions and caches nothing. It is slow, and simple enough to check
the real engine against.
"""

import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from pathways.progression.rules import Basis, Finding, HoursTest, OutcomeRule, RateDate, SpellFacts

BEGAN = date(2025, 6, 2)
KINDS = frozenset({"JOB_OPEN", "SELF_EMPLOYMENT"})
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


def history(drawn: random.Random) -> tuple[list[SpellFacts], date]:
    """Return up to four spells within about fifteen months, some of them unusual, and a day to judge them on."""
    spells = []
    for n in range(drawn.choice((0, 1, 1, 2, 2, 3, 4))):
        start = BEGAN + timedelta(days=drawn.randrange(-40, 260))
        length = drawn.choice((3, 7, 20, 56, 91, 120, 200, 300))
        end = None if drawn.random() < 0.25 else start + timedelta(days=length + drawn.randrange(7))
        usual = drawn.choice((0, 4, 7, 8, 16, 16, 20, 37))
        hours, pay, leave = {}, {}, set()
        week = start
        while week <= (end or BEGAN + timedelta(days=430)):
            if drawn.random() > drawn.choice((0.0, 0.0, 0.1, 0.3)):
                worked = Decimal(max(0, usual + drawn.choice((0, 0, 0, -3, 2)))) + drawn.choice(
                    (Decimal(0), Decimal("0.25"))
                )
                hours[week] = worked if drawn.random() > 0.08 else Decimal(0)
            if drawn.random() > drawn.choice((0.0, 0.0, 0.05)):
                pay[week] = (hours.get(week, Decimal(usual)) * drawn.choice((Decimal("12.21"), Decimal(14)))).quantize(
                    Decimal("0.01")
                )
            if drawn.random() < 0.05:
                leave.add(week)
            week += WEEK
        kind = drawn.choice(("JOB_OPEN", "JOB_OPEN", "SELF_EMPLOYMENT", "WORK_EXPERIENCE"))
        is_own = drawn.random() < 0.05
        spells.append(SpellFacts(f"s{n}", kind, start, end, hours, pay, frozenset(leave), is_own))
    return spells, BEGAN + timedelta(days=drawn.randrange(0, 430))


# The naive engine.


def is_on(spell: SpellFacts, day: date) -> bool:
    return spell.started_on <= day and (spell.ended_on is None or day <= spell.ended_on)


def week_of(spell: SpellFacts, day: date) -> date:
    return spell.started_on + WEEK * ((day - spell.started_on).days // 7)


def share(spell: SpellFacts, day: date, of: str) -> Fraction | None:
    """Return a day's share of the amount recorded for its week, or None if nothing is recorded."""
    week = week_of(spell, day)
    amount = getattr(spell, of).get(week)
    return None if amount is None else Fraction(amount) / sum(is_on(spell, week + DAY * n) for n in range(7))


def week_totals(jobs: list[SpellFacts], first: date, of: OutcomeRule) -> tuple[Fraction, bool, bool]:
    """Return the hours of a week, whether some hours are unknown, and whether some days were leave."""
    days = [(job, first + DAY * n) for job in jobs for n in range(7) if is_on(job, first + DAY * n)]
    parts = [share(job, day, "hours_of_week") for job, day in days]
    leave = of.leave_counts and any(week_of(job, day) in job.leave_weeks for job, day in days)
    return sum((part for part in parts if part is not None), Fraction(0)), None in parts, leave


def longest_gap(jobs: list[SpellFacts], begins: date, ends: date) -> int:
    """Return the days of the longest gap between jobs from ``begins`` to ``ends``.

    A gap counts only if there was a job before it and another job starts by ``ends``.
    """
    longest = run = 0
    day = begins
    while day <= ends:
        if any(is_on(job, day) for job in jobs):
            longest, run = max(longest, run), 0
        elif any(job.started_on < day for job in jobs):
            run += 1
        day += DAY
    return longest


def by_weeks(  # noqa: C901 - naive on purpose: each check is written out in full
    jobs: list[SpellFacts], first: date, of: OutcomeRule, on: date
) -> tuple[Finding, date | None]:
    """Judge a rule of hours in weeks, with the weeks counted from ``first``."""
    jobs = [job for job in jobs if job.ended_on is None or job.ended_on >= first]
    needed = Fraction(of.min_hours)
    is_over = not any(job.ended_on is None or job.ended_on >= on for job in jobs)

    def judged(week: int) -> tuple[Fraction, bool, bool]:
        """Return the hours of a week, whether it counts, and whether it could count if the unknown hours were known."""
        begins = first + WEEK * week
        hours, unknown, leave = week_totals(jobs, begins, of)
        worked = any(is_on(job, begins + DAY * n) for job in jobs for n in range(7))
        counts = worked and (hours >= needed or leave)
        return (max(hours, needed) if leave else hours), counts, counts or unknown

    def enough(last: int, *, hopes: bool) -> bool:
        """Whether the rule is met by the week ``last``; with ``hopes``, whether it could be met."""
        weeks = [judged(week) for week in range(max(0, last + 1 - of.window_weeks), last + 1)]
        begins = first + WEEK * max(0, last + 1 - of.window_weeks)
        # Of a gap that began before these weeks, only the days in these weeks count.
        gap = longest_gap(jobs, begins, first + WEEK * (last + 1) - DAY)
        if of.longest_gap_days is not None and gap > of.longest_gap_days:
            return False
        if of.hours_test is HoursTest.AVERAGE:
            if last + 1 < of.weeks_required:
                return False
            if hopes and any(could and not counts for _, counts, could in weeks):
                return True
            return sum((hours for hours, _, _ in weeks), Fraction(0)) >= needed * of.weeks_required
        return sum(could if hopes else counts for _, counts, could in weeks) >= of.weeks_required

    week = 0
    while first + WEEK * (week + 1) - DAY <= on:
        if enough(week, hopes=False):
            return Finding.MET, first + WEEK * (week + 1) - DAY
        week += 1
    if not is_over:
        return Finding.NOT_YET_KNOWN, None
    last_day = max(job.ended_on or on for job in jobs)
    while first + WEEK * week <= last_day:
        week += 1
    could_be = any(enough(n, hopes=True) for n in range(week))
    return (Finding.NOT_YET_KNOWN if could_be else Finding.NOT_MET), None


def by_earnings(jobs: list[SpellFacts], of: OutcomeRule, on: date) -> tuple[Finding, date | None]:
    """Judge a rule of earnings: pay divided by the hourly rate must reach the required hours."""
    paid = [job for job in jobs if sum(job.pay_of_week.values()) > 0] or jobs
    start = max(BEGAN, paid[0].started_on)

    def rate(day: date) -> Fraction:
        return Fraction([pence for begins, pence in of.rates if begins <= day][-1], 100)

    hours, unknown, met_on = Fraction(0), False, None
    day = min(BEGAN, *(job.started_on for job in jobs))
    while met_on is None and day <= on + WEEK:
        for job in jobs:
            if is_on(job, day):
                week = week_of(job, day)
                is_last = not is_on(job, day + DAY) or week_of(job, day + DAY) != week
                days = [week + DAY * n for n in range(7) if is_on(job, week + DAY * n) and week + DAY * n >= BEGAN]
                if is_last and days and week <= on:
                    parts = [share(job, paid_day, "pay_of_week") for paid_day in days]
                    unknown |= None in parts
                    for paid_day, part in zip(days, parts, strict=True):
                        hours += (part or 0) / rate(start if of.rate_date is RateDate.START else paid_day)
        if hours >= Fraction(of.min_hours) * of.weeks_required:
            met_on = day
        day += DAY
    if met_on is not None and met_on <= on:
        return Finding.MET, met_on
    if met_on is None and not unknown and not any(job.ended_on is None or job.ended_on >= on for job in jobs):
        return Finding.NOT_MET, None
    return Finding.NOT_YET_KNOWN, None


def by_days(jobs: list[SpellFacts], of: OutcomeRule, on: date) -> tuple[Finding, date | None] | None:
    """Judge the days of self-employment; None if the rule or the person has none."""
    mine = [job for job in jobs if job.kind == "SELF_EMPLOYMENT"]
    if not mine or of.self_employed_days is None:
        return None
    count, day = 0, BEGAN
    while day <= on:
        count += any(is_on(job, day) for job in mine)
        if count == of.self_employed_days:
            return Finding.MET, day
        day += DAY
    is_running = any(job.ended_on is None or job.ended_on >= on for job in mine)
    return (Finding.NOT_YET_KNOWN if is_running else Finding.NOT_MET), None


def on_a_day(jobs: list[SpellFacts], of: OutcomeRule, day: date) -> tuple[Finding, date | None]:
    """Judge a rule about one day by the hours of the week of that day."""
    weeks = [job.hours_of_week.get(week_of(job, day)) for job in jobs]
    if jobs and sum(hours for hours in weeks if hours is not None) >= of.min_hours:
        return Finding.MET, day
    return (Finding.NOT_YET_KNOWN if jobs and None in weeks else Finding.NOT_MET), None


def naive(spells: list[SpellFacts], of: OutcomeRule, on: date) -> tuple[Finding, date | None]:
    """Return the finding of a rule on a day, and the day on which it was met."""
    jobs = [s for s in spells if s.kind in KINDS and not s.is_own_supply_chain]
    jobs.sort(key=lambda s: (s.started_on, s.spell_id))
    if not jobs:
        return Finding.NOT_YET_KNOWN, None
    until = BEGAN + timedelta(days=of.tracking_days) if of.tracking_days is not None else on
    by = min(on, until)
    if of.basis is Basis.POINT_IN_TIME:
        return on_a_day([job for job in jobs if is_on(job, by)], of, by)
    findings = []
    self_employed = by_days(jobs, of, by)
    if self_employed is not None:
        findings.append(self_employed)
    if of.basis is Basis.EARNINGS:
        findings += [by_earnings(group, of, by) for group in ([jobs] if of.spells_combined else [[j] for j in jobs])]
    if of.basis is Basis.HOURS_WEEKS:
        for job in jobs:
            findings.append(by_weeks(jobs if of.spells_combined else [job], job.started_on, of, by))
    if not findings:
        return Finding.NOT_YET_KNOWN, None
    met = [day for finding, day in findings if finding is Finding.MET and day is not None]
    if met:
        return Finding.MET, min(met)
    return (Finding.NOT_YET_KNOWN if any(f is Finding.NOT_YET_KNOWN for f, _ in findings) else Finding.NOT_MET), None
