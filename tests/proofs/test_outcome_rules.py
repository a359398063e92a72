"""A second engine, naive and day by day, agrees with ours on random histories under every kind of rule."""

import os
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from pathways.progression import queries
from pathways.progression.rules import (
    Basis,
    Finding,
    HoursTest,
    OutcomeRule,
    RateDate,
    SpellFacts,
    judge,
)
from pathways.reference import outcome_rules

PROVES = bool(os.environ.get("PATHWAYS_PROVE"))
OF_A_SHIPPED_RULE, OF_A_KIND = (10_000, 1_000) if PROVES else (100, 100)
BEGAN = date(2025, 6, 2)
KINDS = frozenset({"JOB_OPEN", "SELF_EMPLOYMENT"})
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
NLW = ((date(2024, 4, 1), 1144), (date(2025, 4, 1), 1221), (date(2026, 4, 1), 1271))


def rule(min_hours: str, weeks: int, window: int, **more: object) -> OutcomeRule:
    return OutcomeRule("R", "1", Decimal(min_hours), weeks, window, True, KINDS, **more)  # type: ignore[arg-type]


RULES = {
    "any hours, 13 in 16": rule("0.1", 13, 16),
    "7 hours, 13 in 16": rule("7", 13, 16),
    "16 hours, 13 in a row": rule("16", 13, 13),
    "26 in 30": rule("0.1", 26, 30),
    "an average of 16 over 4": rule("16", 4, 4, hours_test=HoursTest.AVERAGE),
    "an average of 7, 13 in 16": rule("7", 13, 16, hours_test=HoursTest.AVERAGE),
    "4 in 8 without a gap over 7 days": rule("8", 4, 8, longest_gap_days=7),
    "leave counts": rule("16", 6, 8, leave_counts=True),
    "each job by itself": OutcomeRule("R", "1", Decimal(7), 6, 8, False, KINDS),
    "16 x 26 at the rate of the start": rule("16", 26, 26, basis=Basis.EARNINGS, rates=NLW),
    "8 x 10 at the rate when earned": rule(
        "8", 10, 10, basis=Basis.EARNINGS, rates=NLW, rate_date=RateDate.EARNED, tracking_days=400
    ),
    "earnings, each job by itself": OutcomeRule(
        "R", "1", Decimal(8), 8, 8, False, KINDS, basis=Basis.EARNINGS, rates=NLW
    ),
    "60 days of self-employment": rule("0", 0, 0, basis=Basis.SELF_EMPLOYED_DAYS, self_employed_days=60),
    "earnings or self-employment": rule("16", 20, 20, basis=Basis.EARNINGS, rates=NLW, self_employed_days=90),
    "in work on the day": rule("0", 0, 0, basis=Basis.POINT_IN_TIME),
}


def history(drawn: random.Random) -> tuple[list[SpellFacts], date]:
    """Return up to four spells within some fifteen months, whatever is odd about them, and a day."""
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


# The naive engine: one question a day, in fractions, with nothing kept between the questions.


def is_on(spell: SpellFacts, day: date) -> bool:
    return spell.started_on <= day and (spell.ended_on is None or day <= spell.ended_on)


def week_of(spell: SpellFacts, day: date) -> date:
    return spell.started_on + WEEK * ((day - spell.started_on).days // 7)


def share(spell: SpellFacts, day: date, of: str) -> Fraction | None:
    """Return a day's part of what is recorded of its week; None where nothing is."""
    week = week_of(spell, day)
    amount = getattr(spell, of).get(week)
    return None if amount is None else Fraction(amount) / sum(is_on(spell, week + DAY * n) for n in range(7))


def week_told(jobs: list[SpellFacts], first: date, of: OutcomeRule) -> tuple[Fraction, bool, bool]:
    """Return the hours of a week, whether any of it is not known, whether any of it was leave."""
    days = [(job, first + DAY * n) for job in jobs for n in range(7) if is_on(job, first + DAY * n)]
    parts = [share(job, day, "hours_of_week") for job, day in days]
    leave = of.leave_counts and any(week_of(job, day) in job.leave_weeks for job, day in days)
    return sum((part for part in parts if part is not None), Fraction(0)), None in parts, leave


def longest_gap(jobs: list[SpellFacts], begins: date, ends: date, until: date) -> int:
    """Return the days of the longest gap that touches some days and has work before and after it, until a day."""
    longest, run, touches = 0, 0, False
    seen = False
    day = jobs[0].started_on
    while day <= until:
        if any(is_on(job, day) for job in jobs):
            if seen and run and touches:
                longest = max(longest, run)
            run, touches, seen = 0, False, True
        else:
            run += 1
            touches |= begins <= day <= ends
        day += DAY
    return longest


def by_weeks(  # noqa: C901 - naive on purpose: each question is asked in full
    jobs: list[SpellFacts], of: OutcomeRule, on: date
) -> tuple[Finding, date | None]:
    first = jobs[0].started_on
    told = []
    while first + WEEK * (len(told) + 1) - DAY <= on:
        told.append(week_told(jobs, first + WEEK * len(told), of))
    until = first + WEEK * len(told) - DAY

    def enough(last: int, *, hopes: bool) -> bool:
        begins = max(0, last + 1 - of.window_weeks)
        window = told[begins : last + 1]
        needed = Fraction(of.min_hours)
        if of.hours_test is HoursTest.AVERAGE:
            if last + 1 < of.weeks_required:
                return False
            if hopes and any(unknown and not (hours >= needed or leave) for hours, unknown, leave in window):
                return _no_gap(begins, last)
            total = sum((max(hours, needed) if leave else hours for hours, _, leave in window), Fraction(0))
            return total >= needed * of.weeks_required and _no_gap(begins, last)
        counted = sum(hours >= needed or leave or (hopes and unknown) for hours, unknown, leave in window)
        return counted >= of.weeks_required and _no_gap(begins, last)

    def _no_gap(begins: int, last: int) -> bool:
        if of.longest_gap_days is None:
            return True
        return longest_gap(jobs, first + WEEK * begins, first + WEEK * (last + 1) - DAY, until) <= of.longest_gap_days

    for last in range(len(told)):
        if enough(last, hopes=False):
            return Finding.MET, first + WEEK * (last + 1) - DAY
    if any(job.ended_on is None or job.ended_on >= on for job in jobs):
        return Finding.NOT_YET_KNOWN, None
    could = any(enough(last, hopes=True) for last in range(len(told)))
    return (Finding.NOT_YET_KNOWN if could else Finding.NOT_MET), None


def by_earnings(jobs: list[SpellFacts], of: OutcomeRule, on: date) -> tuple[Finding, date | None]:
    first = max(BEGAN, jobs[0].started_on)

    def rate(day: date) -> Fraction:
        return Fraction(max(((d, p) for d, p in of.rates if d <= day), default=of.rates[0])[1], 100)

    hours, day, met_on, unknown = Fraction(0), first, None, False
    while day <= on:
        for job in jobs:
            if is_on(job, day):
                part = share(job, day, "pay_of_week")
                unknown |= part is None
                at = first if of.rate_date is RateDate.START else day
                hours += (part or Fraction(0)) / rate(at)
        if met_on is None and hours >= Fraction(of.min_hours) * of.weeks_required:
            ends = []
            for job in jobs:
                if is_on(job, day):
                    end = week_of(job, day) + WEEK - DAY
                    ends.append(min(end, job.ended_on or end))
            met_on = max(ends)
        day += DAY
    if met_on is not None and met_on <= on:
        return Finding.MET, met_on
    if met_on is None and not unknown and not any(job.ended_on is None or job.ended_on >= on for job in jobs):
        return Finding.NOT_MET, None
    return Finding.NOT_YET_KNOWN, None


def by_days(jobs: list[SpellFacts], of: OutcomeRule, on: date) -> tuple[Finding, date | None] | None:
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
    weeks = [job.hours_of_week.get(week_of(job, day)) for job in jobs]
    if jobs and sum(hours for hours in weeks if hours is not None) >= of.min_hours:
        return Finding.MET, day
    return (Finding.NOT_YET_KNOWN if jobs and None in weeks else Finding.NOT_MET), None


def naive(spells: list[SpellFacts], of: OutcomeRule, on: date) -> tuple[Finding, date | None]:
    jobs = [s for s in spells if s.kind in KINDS and not s.is_own_supply_chain]
    jobs.sort(key=lambda s: (s.started_on, s.spell_id))
    if not jobs:
        return Finding.NOT_YET_KNOWN, None
    until = BEGAN + timedelta(days=of.tracking_days) if of.tracking_days is not None else on
    by = min(on, until)
    if of.basis is Basis.POINT_IN_TIME:
        return on_a_day([job for job in jobs if is_on(job, by)], of, by)
    found = []
    alone = by_days(jobs, of, by)
    if alone is not None:
        found.append(alone)
    if of.basis is Basis.EARNINGS:
        found += [by_earnings(group, of, by) for group in ([jobs] if of.spells_combined else [[j] for j in jobs])]
    if of.basis is Basis.HOURS_WEEKS:
        groups = [jobs[n:] for n in range(len(jobs))] if of.spells_combined else [[job] for job in jobs]
        found += [by_weeks(group, of, by) for group in groups]
    if not found:
        return Finding.NOT_YET_KNOWN, None
    met = [day for finding, day in found if finding is Finding.MET and day is not None]
    if met:
        return Finding.MET, min(met)
    return (Finding.NOT_YET_KNOWN if any(f is Finding.NOT_YET_KNOWN for f, _ in found) else Finding.NOT_MET), None


SHIPPED = {
    name: replace(queries.as_rule(text, date(2026, 6, 1)), kinds_that_count=KINDS)
    for name, text in outcome_rules.shipped().items()
    if text.is_enabled
}


@pytest.mark.parametrize("name", [*SHIPPED, *RULES])
def test_the_engine_agrees_with_the_naive_one(name: str):
    of, drawn = {**SHIPPED, **RULES}[name], random.Random(name)
    histories = OF_A_SHIPPED_RULE if name in SHIPPED else OF_A_KIND
    seen: dict[Finding, int] = dict.fromkeys(Finding, 0)
    for n in range(histories):
        spells, on = history(drawn)
        found = judge(spells, of, on, began_on=BEGAN)
        wanted = naive(spells, of, on)
        if of.tracking_days is not None and wanted[0] is Finding.NOT_YET_KNOWN and found.finding is Finding.NOT_MET:
            # Said to be over: then no day is left within the time in which it could be met.
            late = judge(spells, of, on + timedelta(days=600), began_on=BEGAN)
            assert late.finding is not Finding.MET, (n, spells, on)
            continue
        assert (found.finding, found.met_on) == wanted, (n, spells, on, found)
        seen[found.finding] += 1
        if found.finding is Finding.MET and of.basis is not Basis.POINT_IN_TIME:  # which is of each day by itself
            assert found.met_on is not None
            before = judge(spells, of, found.met_on - DAY, began_on=BEGAN)
            assert before.finding is not Finding.MET, (n, spells, on)
            assert before.earliest_on is None or before.earliest_on <= found.met_on, (n, spells, on, before)
    print(f"{name}: {histories} histories, " + ", ".join(f"{count} {finding}" for finding, count in seen.items()))
    assert len([count for count in seen.values() if count]) > 1  # it says more than one thing
