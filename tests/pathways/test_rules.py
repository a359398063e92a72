"""The outcome engine, with the arithmetic written out, and its laws."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pathways.progression.rules import Finding, OutcomeRule, SpellFacts, job_started_on, judge

START = date(2026, 1, 5)
JOBS = frozenset({"JOB_OPEN"})
RULE = OutcomeRule("IPSPC_13_IN_16", "1", Decimal(7), 13, 16, True, JOBS)


def spell(hours: list[int | None], start: date = START, *, kind: str = "JOB_OPEN", ended: bool = False) -> SpellFacts:
    weeks = {start + timedelta(weeks=n): Decimal(h) for n, h in enumerate(hours) if h is not None}
    end = start + timedelta(weeks=len(hours), days=-1) if ended else None
    return SpellFacts(f"s{start}", kind, start, end, weeks)


def test_thirteen_weeks_in_a_row_are_met_on_the_last_day_of_the_thirteenth():
    verdict = judge([spell([8] * 13)], RULE, START + timedelta(weeks=13))
    # 13 weeks of 7 days from Monday 5 January: 5 January + 91 days - 1 = Sunday 5 April.
    assert (verdict.finding, verdict.met_on, verdict.weeks_counted) == (Finding.MET, date(2026, 4, 5), 13)


def test_the_last_week_counts_only_when_it_is_over():
    assert judge([spell([8] * 13)], RULE, date(2026, 4, 4)).finding is Finding.NOT_YET_KNOWN
    assert judge([spell([8] * 13)], RULE, date(2026, 4, 5)).finding is Finding.MET


def test_three_weeks_without_hours_are_allowed_and_a_fourth_is_not():
    three = [8] * 6 + [0] * 3 + [8] * 7
    four = [8] * 6 + [0] * 4 + [8] * 6
    # 6 + 7 = 13 in 16 weeks; 6 + 6 = 12 in 16 weeks.
    assert judge([spell(three, ended=True)], RULE, START + timedelta(weeks=30)).finding is Finding.MET
    assert judge([spell(four, ended=True)], RULE, START + timedelta(weeks=30)).finding is Finding.NOT_MET


def test_two_part_time_jobs_count_together():
    jobs = [spell([4] * 13), SpellFacts("other", "JOB_OPEN", START, None, spell([3] * 13).hours_of_week)]
    assert judge(jobs, RULE, START + timedelta(weeks=13)).finding is Finding.MET  # 4 + 3 = 7 hours
    apart = OutcomeRule("X", "1", Decimal(7), 13, 16, False, JOBS)
    assert judge(jobs, apart, START + timedelta(weeks=13)).finding is Finding.NOT_YET_KNOWN


def test_a_week_that_is_not_recorded_is_not_known_and_never_nought():
    verdict = judge([spell([8] * 6 + [None] * 8 + [8] * 2, ended=True)], RULE, START + timedelta(weeks=40))
    assert (verdict.finding, verdict.weeks_unknown) == (Finding.NOT_YET_KNOWN, 8)


def test_a_placement_that_is_no_job_never_counts():
    verdict = judge([spell([30] * 20, kind="WORK_EXPERIENCE")], RULE, START + timedelta(weeks=30))
    assert (verdict.finding, verdict.not_counted) == (Finding.NOT_YET_KNOWN, (f"s{START}",))


def test_a_job_start_counts_from_four_paid_hours():
    assert job_started_on([spell([3])], JOBS, Decimal(4)) is None
    assert job_started_on([spell([4])], JOBS, Decimal(4)) == START
    assert job_started_on([spell([40], kind="TASTER")], JOBS, Decimal(4)) is None


hours = st.lists(st.one_of(st.none(), st.integers(0, 20)), min_size=1, max_size=40)


@given(hours, st.integers(0, 400))
def test_met_never_precedes_the_earliest_day_and_stays_met(weeks, days):
    on = START + timedelta(days=days)
    verdict = judge([spell(weeks)], RULE, on)
    if verdict.finding is Finding.MET:
        assert verdict.met_on <= on
        assert judge([spell(weeks)], RULE, on + timedelta(days=50)).met_on == verdict.met_on
    elif verdict.earliest_on is not None and verdict.finding is Finding.NOT_YET_KNOWN:
        assert verdict.earliest_on >= START + timedelta(weeks=13, days=-1)


@given(hours)
def test_more_hours_never_unmeet_a_rule(weeks):
    on = START + timedelta(weeks=45)
    if judge([spell(weeks)], RULE, on).finding is Finding.MET:
        more = [None if h is None else h + 5 for h in weeks]
        assert judge([spell(more)], RULE, on).finding is Finding.MET


@given(st.permutations(range(3)), hours)
def test_the_order_of_facts_does_not_matter(order, weeks):
    jobs = [spell(weeks, START + timedelta(weeks=5 * n)) for n in range(3)]
    on = START + timedelta(weeks=60)
    assert judge([jobs[n] for n in order], RULE, on) == judge(jobs, RULE, on)
