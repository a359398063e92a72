"""The outcome engine, with the arithmetic written out, and its laws."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pathways.progression.rules import (
    Basis,
    Finding,
    HoursTest,
    OutcomeRule,
    RateDate,
    SpellFacts,
    job_started_on,
    judge,
    uncovered,
)

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


# The edges of the domain reference (3.4), each with its arithmetic.

NLW = ((date(2025, 4, 1), 1221), (date(2026, 4, 1), 1271))
WHP = OutcomeRule("WHP", "1", Decimal(16), 26, 26, True, JOBS, basis=Basis.EARNINGS, rates=NLW, self_employed_days=182)


def paid(start: date, weeks: int, pounds: str, *, ended: bool = False, name: str = "p") -> SpellFacts:
    pay = {start + timedelta(weeks=n): Decimal(pounds) for n in range(weeks)}
    end = start + timedelta(weeks=weeks, days=-1) if ended else None
    return SpellFacts(name, "JOB_OPEN", start, end, {}, pay)


def test_1_a_job_that_starts_on_31_march_is_paid_by_the_rate_its_contract_names():
    job, late = paid(date(2026, 3, 31), 40, "203.36"), date(2026, 12, 31)  # 16 hours at £12.71
    by_start = judge([job], WHP, late)
    # 16 x 26 x 12.21 = 5,079.36; 24 weeks are 4,880.64 and 25 are 5,084.00; 31 March + 25 x 7 - 1 = 21 September.
    assert (by_start.met_on, by_start.pounds_needed) == (date(2026, 9, 21), Decimal("5079.36"))
    by_rule = judge([job], replace(WHP, rate_date=RateDate.RULE, rule_date=date(2026, 4, 1)), late)
    # 16 x 26 x 12.71 = 5,287.36 = 26 x 203.36 to the penny.
    assert (by_rule.met_on, by_rule.pounds_needed) == (date(2026, 9, 28), Decimal("5287.36"))
    by_day = judge([job], replace(WHP, rate_date=RateDate.EARNED), late)
    # One day at 12.21 (29.05 / 12.21 = 2.38 hours), then 16 hours a week: 25 weeks are 400.09 hours, 26 are 416.09.
    assert (by_day.met_on, by_day.rates_used) == (date(2026, 9, 28), (1221, 1271))


def test_2_two_part_time_jobs_are_one_band():
    rule = OutcomeRule("ASC", "1", Decimal(16), 0, 0, True, JOBS, basis=Basis.POINT_IN_TIME)
    jobs = [spell([7] * 4), SpellFacts("other", "JOB_OPEN", START, None, spell([10] * 4).hours_of_week)]
    assert judge(jobs[:1], rule, START).finding is Finding.NOT_MET  # 7 hours
    assert judge(jobs, rule, START).hours == 17  # 7 + 10, so 16 or more
    assert judge(jobs, rule, START).finding is Finding.MET


def test_3_a_gap_of_eight_days_across_two_weeks_is_longer_than_seven():
    first = SpellFacts(
        "a", "JOB_OPEN", START, date(2026, 1, 28), {START + timedelta(weeks=n): Decimal(9) for n in range(4)}
    )
    second = spell([16] * 8, date(2026, 2, 6))  # 29 January to 5 February: 3 days of one week and 5 of the next
    rule = OutcomeRule("X", "1", Decimal(8), 6, 8, True, JOBS, longest_gap_days=7)
    on = date(2026, 3, 1)
    # Weeks 1 to 4 have 9 hours. Week 5 has 3 of 7 days of 16 hours, 6.86: not counted. Weeks 6 and 7 are the 5th, 6th.
    told = judge([first, second], replace(rule, longest_gap_days=8), on)
    assert (told.met_on, told.weeks_counted, told.gap_days) == (date(2026, 2, 22), 6, 8)
    # With seven days allowed no window may hold the gap: six weeks of the second job alone end on 19 March.
    assert judge([first, second], rule, on).finding is Finding.NOT_YET_KNOWN
    assert judge([first, second], rule, date(2026, 3, 31)).met_on == date(2026, 3, 19)


def test_4_weeks_roll_from_the_first_day_of_the_job_whatever_day_that_is():
    thursday = date(2026, 1, 8)
    # 13 weeks from a Thursday end on a Wednesday: 8 January + 91 - 1 = 8 April.
    assert judge([spell([8] * 13, thursday)], RULE, date(2026, 6, 1)).met_on == date(2026, 4, 8)


def test_5_a_zero_hours_job_of_every_other_week_has_the_average_and_not_each_week():
    weeks = [14, 0] * 8
    on = START + timedelta(weeks=16)
    assert judge([spell(weeks, ended=True)], RULE, on).finding is Finding.NOT_MET  # 8 of 16 weeks
    average = replace(RULE, hours_test=HoursTest.AVERAGE)
    # 13 weeks hold 7 of 14 hours: 98, and 13 x 7 = 91.
    assert judge([spell(weeks, ended=True)], average, on).met_on == START + timedelta(weeks=13, days=-1)


def test_6_weeks_of_leave_count_where_the_rule_says_so():
    job = spell([8] * 6 + [0] * 5 + [8] * 5, ended=True)
    leave = replace(job, leave_weeks=frozenset(START + timedelta(weeks=n) for n in range(6, 11)))
    on = START + timedelta(weeks=30)
    assert judge([leave], RULE, on).finding is Finding.NOT_MET  # 11 of 16
    told = judge([leave], replace(RULE, leave_counts=True), on)
    assert (told.finding, told.met_on) == (Finding.MET, START + timedelta(weeks=13, days=-1))


def test_7_a_job_that_follows_on_the_next_day_is_joined_only_where_jobs_combine():
    jobs = [spell([8] * 6, ended=True), spell([8] * 7, START + timedelta(weeks=6), ended=True)]
    on = START + timedelta(weeks=30)
    assert judge(jobs, RULE, on).met_on == START + timedelta(weeks=13, days=-1)  # 6 + 7
    assert judge(jobs, replace(RULE, spells_combined=False), on).finding is Finding.NOT_MET


def test_8_a_day_of_two_businesses_counts_once():
    kinds = frozenset({"SELF_EMPLOYMENT"})
    rule = OutcomeRule("SE", "1", Decimal(0), 0, 0, True, kinds, basis=Basis.SELF_EMPLOYED_DAYS, self_employed_days=182)
    both = [
        SpellFacts("a", "SELF_EMPLOYMENT", date(2026, 1, 1), date(2026, 3, 31), {}),
        SpellFacts("b", "SELF_EMPLOYMENT", date(2026, 3, 1), date(2026, 7, 31), {}),
    ]
    # January to June are 31 + 28 + 31 + 30 + 31 + 30 = 181 days; the 182nd is 1 July. Counted twice it would be 31 May.
    assert judge(both, rule, date(2026, 6, 30)).days_counted == 181
    assert judge(both, rule, date(2026, 6, 30)).earliest_on == date(2026, 7, 1)
    assert judge(both, rule, date(2026, 12, 1)).met_on == date(2026, 7, 1)


def test_9_what_happens_after_the_time_for_it_does_not_count():
    began = date(2025, 1, 6)
    rule = replace(WHP, tracking_days=456 + 182)  # ends on 6 October 2026
    early, late = paid(date(2026, 3, 31), 40, "203.36"), paid(date(2026, 5, 4), 40, "203.36")
    assert judge([early], rule, date(2026, 12, 1), began_on=began).met_on == date(2026, 9, 21)
    told = judge([late], rule, date(2026, 8, 1), began_on=began)
    assert told.finding is Finding.NOT_YET_KNOWN
    told = judge([late], rule, date(2026, 12, 1), began_on=began)
    assert (told.finding, told.earliest_on) == (Finding.NOT_MET, None)
    assert "6 October 2026" in told.text


def test_pay_of_before_the_programme_and_of_the_own_supply_chain_does_not_count():
    job = paid(date(2025, 12, 1), 60, "500.00")
    # From 5 January at £500 a week: 5,079.36 needs 11 weeks (5,500); its own weeks end on Sundays: 22 March.
    assert judge([job], WHP, date(2026, 12, 1), began_on=START).met_on == date(2026, 3, 22)
    own = replace(job, is_own_supply_chain=True)
    told = judge([own], WHP, date(2026, 12, 1), began_on=START)
    assert (told.finding, told.not_counted) == (Finding.NOT_YET_KNOWN, ("p",))
    assert "supply chain" in told.why_not[0][1]
    assert judge([own], replace(WHP, own_supply_chain_counts=True), date(2026, 12, 1)).finding is Finding.MET


def test_pay_that_is_not_recorded_is_not_known_and_says_from_when_it_could_be_enough():
    job = paid(START, 30, "203.36", ended=True)
    gap = replace(job, pay_of_week={week: pay for week, pay in job.pay_of_week.items() if week >= date(2026, 3, 2)})
    told = judge([gap], WHP, date(2026, 12, 1))
    # The first week without pay is the first one: it ends on 11 January.
    assert (told.finding, told.weeks_unknown, told.earliest_on) == (Finding.NOT_YET_KNOWN, 8, date(2026, 1, 11))
    assert told.pounds == Decimal("4473.92")  # 22 x 203.36


# Laws.


@given(st.lists(st.one_of(st.none(), st.integers(0, 20)), min_size=2, max_size=40), st.data())
def test_a_job_in_two_parts_that_follow_on_each_other_is_the_same_job(weeks, data):
    whole = spell(weeks, ended=True)
    cut = data.draw(st.integers(1, len(weeks) - 1))
    first = replace(spell(weeks[:cut], ended=True), spell_id="1")
    second = replace(spell(weeks[cut:], START + timedelta(weeks=cut), ended=True), spell_id="2")
    on = START + timedelta(days=data.draw(st.integers(0, 400)))
    found, same = judge([first, second], RULE, on), judge([whole], RULE, on)
    assert (found.finding, found.met_on) == (same.finding, same.met_on)
    if found.finding is Finding.MET:
        assert found.weeks_counted == same.weeks_counted


@given(st.integers(7, 20), st.integers(2, 30), st.data())
def test_a_steady_job_may_be_parted_on_any_day(steady, count, data):
    """Hours of a week belong to its days in equal parts, so that a part of a week has its part of them."""
    whole = spell([steady] * count, ended=True)
    days = data.draw(st.integers(1, count * 7 - 1))
    parts = [(START, days), (START + timedelta(days=days), count * 7 - days)]
    jobs = []
    for n, (begins, length) in enumerate(parts):
        told = {}
        for at in range(0, length, 7):
            told[begins + timedelta(days=at)] = Decimal(steady) * min(7, length - at) / 7
        jobs.append(SpellFacts(str(n), "JOB_OPEN", begins, begins + timedelta(days=length - 1), told))
    rule = replace(RULE, min_hours=Decimal(steady) - Decimal("0.1"))  # a hundredth of an hour is the least recorded
    on = START + timedelta(weeks=50)
    assert judge(jobs, rule, on).met_on == judge([whole], rule, on).met_on


@given(hours, st.lists(st.integers(8, 20), min_size=1, max_size=10))
def test_more_weeks_never_unmeet_a_rule(weeks, more):
    on = START + timedelta(weeks=60)
    before, after = judge([spell(weeks)], RULE, on), judge([spell([*weeks, *more])], RULE, on)
    if before.finding is Finding.MET:
        assert after.met_on == before.met_on


@given(hours, st.integers(0, 300), st.sampled_from([RULE, replace(RULE, hours_test=HoursTest.AVERAGE)]))
def test_what_is_said_to_be_the_earliest_day_is_never_too_late(weeks, days, rule):
    early = judge([spell(weeks)], rule, START + timedelta(days=days))
    late = judge([spell(weeks)], rule, START + timedelta(weeks=60))
    if late.met_on is not None and early.earliest_on is not None:
        assert early.earliest_on <= late.met_on


# What a review found, each as it was seen.


def test_hours_of_a_job_that_began_before_the_stretch_count_in_it():
    rule = OutcomeRule("FSS", "1", Decimal(16), 13, 13, True, JOBS)
    first = spell([8] * 40)
    second = replace(spell([8] * 13, date(2026, 2, 5), ended=True), spell_id="b")
    # From Thursday 5 February both run for 13 weeks, 8 + 8 hours each: to Wednesday 6 May.
    assert judge([first, second], rule, date(2026, 8, 1)).met_on == date(2026, 5, 6)


def test_a_job_without_pay_takes_nothing_away_and_sets_no_rate():
    job, idle = paid(date(2026, 4, 6), 30, "203.36"), SpellFacts("idle", "JOB_OPEN", date(2026, 3, 31), None, {})
    idle = replace(idle, pay_of_week={date(2026, 3, 31) + timedelta(weeks=n): Decimal(0) for n in range(40)})
    alone, both = judge([job], WHP, date(2026, 12, 1)), judge([job, idle], WHP, date(2026, 12, 1))
    assert alone.met_on == both.met_on == date(2026, 10, 4)  # 26 x 203.36 = 16 x 26 x 12.71, of 2026
    assert both.rates_used == (1271,)


def test_a_day_before_the_first_rate_is_not_known():
    told = judge([paid(date(2022, 5, 2), 60, "500.00")], WHP, date(2023, 12, 1))
    assert (told.finding, "no hourly rate" in told.text) == (Finding.NOT_YET_KNOWN, True)


def test_a_week_that_is_not_over_is_waited_for():
    job = spell([8] * 12 + [8])
    ended = replace(job, ended_on=START + timedelta(weeks=12, days=2))
    # Three days of the thirteenth week hold its 8 hours: it is over on Sunday 5 April.
    for day in (date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 4)):
        assert judge([ended], RULE, day).finding is Finding.NOT_YET_KNOWN
    assert judge([ended], RULE, date(2026, 4, 5)).finding is Finding.MET


@st.composite
def histories(draw):
    made = []
    for n in range(draw(st.integers(1, 3))):
        start = START + timedelta(days=draw(st.integers(0, 120)))
        weeks = draw(hours)
        job = replace(spell(weeks, start, ended=draw(st.booleans())), spell_id=str(n))
        made.append(replace(job, pay_of_week={week: amount * 13 for week, amount in job.hours_of_week.items()}))
    return made


SOME_RULES = st.sampled_from(
    [
        RULE,
        replace(RULE, longest_gap_days=7),
        replace(RULE, spells_combined=False),
        replace(WHP, weeks_required=10),
        replace(WHP, weeks_required=10, rate_date=RateDate.EARNED),
    ]
)


@given(histories(), SOME_RULES, st.integers(0, 300), st.integers(0, 200))
def test_what_is_met_stays_met_and_what_is_not_met_stays_so_on_the_same_facts(jobs, rule, days, more):
    on = START + timedelta(days=days)
    early, late = judge(jobs, rule, on), judge(jobs, rule, on + timedelta(days=more))
    if early.finding is Finding.MET:
        assert late.met_on == early.met_on
    if early.finding is Finding.NOT_MET and all(job.started_on <= on for job in jobs):
        assert late.finding is not Finding.MET
        assert early.earliest_on is None


@given(histories(), histories(), SOME_RULES, st.integers(0, 300))
def test_one_more_job_never_unmeets_a_rule_of_earnings_or_hours(jobs, more, rule, days):
    on = START + timedelta(days=days)
    before = judge(jobs, rule, on)
    after = judge([*jobs, *(replace(job, spell_id=f"more {job.spell_id}") for job in more)], rule, on)
    # At the rate of the start an earlier job may set another rate: that is what such a contract says.
    if before.finding is Finding.MET and (rule.basis is Basis.HOURS_WEEKS or rule.rate_date is not RateDate.START):
        assert after.finding is Finding.MET
        assert after.met_on <= before.met_on


@given(histories(), SOME_RULES, st.integers(0, 400))
def test_a_met_rule_rests_on_days_of_its_own_jobs_and_on_nothing_after_it_was_met(jobs, rule, days):
    on = START + timedelta(days=days)
    verdict = judge(jobs, rule, on, began_on=START)
    if verdict.finding is not Finding.MET:
        assert verdict.rests_on == ()
        return
    of = {job.spell_id: job for job in jobs}
    assert verdict.rests_on
    assert set(verdict.spell_ids) == {rest.spell_id for rest in verdict.rests_on}
    for rest in verdict.rests_on:
        job = of[rest.spell_id]
        assert job.started_on <= rest.first_on <= rest.last_on <= (job.ended_on or on)
        assert rest.last_on <= verdict.met_on
    assert uncovered(verdict.rests_on, verdict.rests_on) == []
    assert uncovered(verdict.rests_on, []) == list(verdict.rests_on)
    # The days alone are enough: what lies outside of them takes no part in it being met.
    kept = [
        replace(of[one], hours_of_week={}, pay_of_week={}) if one not in set(verdict.spell_ids) else of[one]
        for one in of
    ]
    assert judge(kept, rule, on, began_on=START).met_on == verdict.met_on
