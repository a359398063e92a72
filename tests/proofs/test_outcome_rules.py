"""A second engine, naive and day by day, agrees with ours on random histories under every kind of rule."""

import os
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from pathways.progression import queries
from pathways.progression.rules import (
    Basis,
    Finding,
    HoursTest,
    OutcomeRule,
    RateDate,
    judge,
)
from pathways.reference import outcome_rules
from tests.naive_rules import BEGAN, DAY, KINDS, history, naive

PROVES = bool(os.environ.get("PATHWAYS_PROVE"))
OF_A_SHIPPED_RULE, OF_A_KIND = (10_000, 1_000) if PROVES else (40, 40)
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
