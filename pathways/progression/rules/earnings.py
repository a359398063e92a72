"""Outcomes by earnings: pay is converted to hours at the contract's hourly rate and added up."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pathways.progression.rules.facts import (
    DAYS_IN_A_WEEK,
    HUNDREDTHS,
    Finding,
    OutcomeRule,
    RateDate,
    RuleVerdict,
    SpellFacts,
    Stretch,
    ids_of,
    joined,
    weeks_of,
)


def by_earnings(jobs: list[SpellFacts], rule: OutcomeRule, on: date, began_on: date | None) -> RuleVerdict:
    """Return the verdict on an earnings rule. The pay of a week of a job counts on the last day of that week."""
    first = began_on or date.min
    paid = next((job for job in jobs if any(pay > 0 for pay in job.pay_of_week.values())), jobs[0])
    starts = max(paid.started_on, first)
    fixed = rule.rule_date or starts if rule.rate_date is RateDate.RULE else starts
    booked, missing = _booked(jobs, rule, first, on, fixed)
    if booked is None:
        return RuleVerdict(Finding.NOT_YET_KNOWN, "The dated tables have no hourly rate for one of the days.")
    hours = Fraction(rule.min_hours) * rule.weeks_required
    fixed_rate = _rate(rule, fixed) if rule.rate_date is not RateDate.EARNED else None
    total, met_on = Fraction(0), None
    for ends, more, _, _ in booked:
        total += more
        if total >= hours:
            met_on = ends
            break
    until = on if met_on is None else min(met_on, on)
    counted = [entry for entry in booked if entry[0] <= until]
    rests = _paid_stretches(jobs, first, until)
    about: dict[str, Any] = {
        "spell_ids": ids_of(rests),
        "pounds": sum((pounds for _, _, pounds, _ in counted), Decimal(0)).quantize(Decimal("0.01")),
        "rates_used": tuple(sorted({rate for _, _, _, rate in counted} | ({fixed_rate} if fixed_rate else set()))),
        "pounds_needed": None
        if fixed_rate is None
        else (rule.min_hours * rule.weeks_required * fixed_rate / 100).quantize(Decimal("0.01")),
    }
    if met_on is not None and met_on <= on:
        return RuleVerdict(
            Finding.MET, f"Enough was earned by {met_on.isoformat()}.", met_on, met_on, rests_on=rests, **about
        )
    running = [job for job in jobs if job.ended_on is None or job.ended_on >= on]
    unknown = sum(1 for ends in missing if ends <= on)
    if met_on is None and not missing and not running:
        return RuleVerdict(Finding.NOT_MET, "Less was earned than the rule requires, and the work has ended.", **about)
    next_weeks = [on + timedelta(days=DAYS_IN_A_WEEK - (on - job.started_on).days % DAYS_IN_A_WEEK) for job in running]
    nearest = [*([met_on] if met_on else []), *missing, *(min(day, on + timedelta(days=1)) for day in next_weeks)]
    text = "Less was earned so far than the rule requires. " + (
        "No pay is missing." if not unknown else f"Weeks whose pay has no record: {unknown}."
    )
    return RuleVerdict(Finding.NOT_YET_KNOWN, text, None, min(nearest), 0, unknown, **about)


def _paid_stretches(jobs: Sequence[SpellFacts], first: date, until: date) -> tuple[Stretch, ...]:
    """Return, for each job, the days from ``first`` on in its paid weeks that ended by the day ``until``."""
    stretches: list[Stretch] = []
    for job in jobs:
        weeks = (
            (max(week, first), ends)
            for week, ends in weeks_of(job, first, until)
            if ends <= until and job.pay_of_week.get(week)
        )
        stretches += joined(job.spell_id, weeks)
    return tuple(stretches)


Booked = tuple[date, Fraction, Decimal, int]  # day the pay counts, pay in hours at the rate, pounds, pence an hour


def _booked(
    jobs: Sequence[SpellFacts], rule: OutcomeRule, first: date, on: date, fixed: date
) -> tuple[list[Booked] | None, list[date]]:
    """Return each day's pay as ``Booked`` (None if a rate is unknown), and the last days of weeks without a record."""
    booked: list[Booked] = []
    missing: list[date] = []
    for job in jobs:
        for week, ends in weeks_of(job, first, on):
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
    return sorted(booked, key=lambda entry: entry[0]), missing


def _rate(rule: OutcomeRule, day: date) -> int | None:
    """Return the rate in force on a day, in pence an hour, or None before the first known rate."""
    return next((pence for begins, pence in reversed(rule.rates) if begins <= day), None)
