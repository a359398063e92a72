"""Journeys by timetable: the scan against Dijkstra's algorithm, and what a journey to work is."""

import random
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from benchmarks import synthetic
from benchmarks.timetables import CLOCK, DAY, TimeExpanded, city, ours
from matching.pairs import eligibility
from matching.pairs.checks import CheckResult, Rule
from matching.pairs.eligibility import Context
from matching.pairs.profiles import JobseekerLimits, PlacementProfile
from matching.pairs.travel import Mode
from matching.timetables import numpy_scan, scan, scans
from matching.timetables.journeys import NOT_COVERED, NOT_IN_TIME, TimedTravel, worked_weeks
from matching.timetables.timetable import KINDS, Timetable, TimetableUnreadable
from tests.matching.test_passes import columns_of, odd

HOME, WORK = (0.0, 0.0), (8000.0, 0.0)
MORNING = 0b001
MODES = {
    "walk": Mode(5.5, 4, 1.2, 1.4, 0, 0),
    "bus": Mode(24, 12, 1.2, 1.5, 4, 15),
    "car": Mode(50, 20, 1.2, 1.4, 2, 10),
}
BACK = (1, [(1, 790, 790), (0, 810, 810)])


def travel_of(trips, stops=(HOME, WORK), days=28, first=DAY, on=DAY) -> TimedTravel:
    timetable = Timetable.of_trips(first.toordinal(), list(stops), list(trips), days)
    return TimedTravel(timetable, on, DAY, 15.0, CLOCK, "a timetable")


def journey(travel: TimedTravel, modes=("bus",), week=MORNING, own=None, home=HOME, place=WORK):
    found = travel.to_one(home, modes, own, place, week)
    return None if found is None else tuple(int(column[0]) for column in found)


def bus(leaves: int, arrives: int, kind: int = 1, stops: tuple[int, int] = (0, 1)):
    return kind, [(stops[0], leaves, leaves), (stops[1], arrives, arrives)]


@pytest.mark.parametrize("seed", range(12))
def test_the_scan_finds_what_dijkstra_finds(seed):
    timetable = city(60, 14, seed, metres=5_000.0)
    travel = TimedTravel(timetable, DAY, DAY, 15.0, CLOCK)
    rng, found = np.random.default_rng(seed), 0
    for home in rng.random((3, 2)) * 5_000:
        kinds, deadline = random.Random(seed).choice([1, 3, 7]), int(rng.choice([540, 780, 1020]))
        window = scan.window_of(timetable, np.ones(1, dtype=np.bool_), kinds, deadline, is_back=False)
        walk = travel._walk(home.reshape(1, 2), travel.stops)
        expanded = TimeExpanded(timetable, travel, kinds, deadline)
        wanted = expanded.left(expanded.graph_from(walk))
        for way in (numpy_scan, scans):
            assert ours(way.scan(window, walk.astype(np.int32), travel._footpaths), deadline) == wanted
        found += len(wanted)
    assert found > 10


@pytest.mark.parametrize("seed", range(4))
def test_the_way_home_is_the_way_there_with_the_time_reversed(seed):
    """A timetable read backwards: its way home from 09:00 is the other's way there by the mirrored minute."""
    timetable = city(60, 14, seed, metres=5_000.0)
    mirrored = replace(
        timetable,
        stop=timetable.stop[::-1],
        arrives=(1440 - timetable.departs[::-1]).astype(np.int16),
        departs=(1440 - timetable.arrives[::-1]).astype(np.int16),
        kind=timetable.kind[::-1],
        calls_from=np.concatenate([[0], np.cumsum(np.diff(timetable.calls_from)[::-1])]).astype(np.int32),
    )
    services, walk = np.ones(1, dtype=np.bool_), np.full(60, 3, dtype=np.int32)
    paths = TimedTravel(timetable, DAY, DAY, 15.0, CLOCK)._footpaths
    back = scans.scan(scan.window_of(timetable, services, 7, 540, is_back=True), walk, paths)
    there = scans.scan(scan.window_of(mirrored, services, 7, 900, is_back=False), walk, paths)
    assert np.array_equal(back.latest >> scan.KIND_BITS, there.latest >> scan.KIND_BITS)
    assert np.array_equal(back.earlier >> scan.MINUTE_BITS, there.earlier >> scan.MINUTE_BITS)


def test_minutes_count_until_work_begins_and_from_its_end():
    assert journey(travel_of([bus(500, 520), BACK])) == (40, 40, 0, 1)  # 08:20 for 09:00; home at 13:30


def test_high_is_the_journey_with_one_vehicle_missed():
    later_home = (1, [(1, 820, 820), (0, 840, 840)])
    assert journey(travel_of([bus(500, 520), bus(470, 490), BACK, later_home]))[:2] == (40, 70)


def test_low_is_the_middle_and_high_the_worst_of_the_days_of_work():
    trips = [bus(500, 520), bus(450, 470), BACK]
    timetable = Timetable.of_trips(DAY.toordinal(), [HOME, WORK], trips, 28)
    runs = np.ones((2, 28), dtype=np.bool_)
    runs[0, 4::7] = False  # no late bus on Fridays
    timetable = replace(timetable, runs=runs, service=np.array([0, 1, 1], dtype=np.int32))
    travel = TimedTravel(timetable, DAY, DAY, 15.0, CLOCK)
    week = MORNING | MORNING << 3 | MORNING << 12
    assert journey(travel, week=week)[:2] == (40, 90)
    assert journey(travel, week=MORNING << 12)[:2] == (90, 90)
    assert journey(travel, week=week, own=MORNING << 12)[:2] == (90, 90)  # the days both have


def test_a_change_takes_minutes_and_is_counted():
    stops, back = (HOME, (4000.0, 0.0), WORK), (1, [(2, 790, 790), (0, 800, 800)])
    ready = bus(500, 510), bus(510 + scan.CHANGE_MINUTES, 530, stops=(1, 2)), back
    missed = bus(500, 510), bus(509 + scan.CHANGE_MINUTES, 530, stops=(1, 2)), back
    assert journey(travel_of(ready, stops)) == (40, 40, 1, 1)
    assert journey(travel_of(missed, stops))[0] == NOT_IN_TIME


def test_a_train_is_taken_only_by_who_uses_trains_and_may_follow_a_bus():
    stops, back = (HOME, (4000.0, 0.0), WORK), (4, [(2, 790, 790), (0, 800, 800)])
    travel = travel_of([bus(500, 510), bus(520, 530, 4, (1, 2)), back], stops)
    assert journey(travel, ("bus", "train")) == (40, 40, 1, 5)
    assert journey(travel, ("bus",)) is None  # buses have no stop near the work
    assert journey(travel, ("walk", "car")) is None


def test_a_place_within_a_walk_is_walked_to():
    assert journey(travel_of([bus(500, 520), BACK]), place=(600.0, 0.0)) == (9, 9, 0, 0)


def test_no_stop_near_says_nothing():
    travel = travel_of([bus(500, 520), BACK])
    assert journey(travel, place=(8000.0, 3000.0)) is None
    assert journey(travel, home=(0.0, 3000.0)) is None


def test_an_early_start_without_an_early_bus_is_not_in_time_and_says_so():
    late = travel_of([bus(545, 560), BACK])
    assert journey(late)[0] == NOT_IN_TIME
    check = check_of(late, Rule.TRAVEL, max_travel_minutes=60)
    assert check.result is CheckResult.FAIL
    assert check.text == (
        "The journey is 8 km. By bus, nobody can be there by 09:00 on Monday in at most 2 hours; the listing gives "
        "half-days only, so this start is assumed (by the timetable of 2 November 2026)."
    )
    assert check_of(late, Rule.TRAVEL).result is CheckResult.UNKNOWN
    assert "get home after 13:00 on Monday" in check_of(travel_of([bus(500, 520)]), Rule.TRAVEL).text


def check_of(travel: TimedTravel | None, rule: Rule, no_timetable="", modes=("bus",), place=WORK, **limits):
    person = JobseekerLimits(place=HOME, travel_modes=modes, **limits)
    placement = PlacementProfile(key="1", title="x", place=place, half_days=MORNING)
    context = Context(DAY, MODES, timetable=travel, no_timetable=no_timetable)
    found = [check for check in eligibility.check(person, placement, context) if check.rule is rule]
    return found[0] if found else None


def test_the_sentence_says_what_the_journey_rests_on():
    travel = travel_of([bus(500, 520), bus(470, 490), BACK])
    assert check_of(travel, Rule.TRAVEL, max_travel_minutes=60).text == (
        "The journey is 8 km, 40 to 70 minutes by bus (by the timetable of 2 November 2026). "
        "The jobseeker's limit is 60 minutes, so the journey may be too long."
    )
    estimate = "The journey is 8 km, about 27 to 75 minutes by bus (estimated from the straight-line distance"
    assert check_of(None, Rule.TRAVEL, max_travel_minutes=80).text == (
        f"{estimate}), which is within the jobseeker's limit of 80 minutes."
    )
    ended = check_of(None, Rule.TRAVEL, "the timetable ended on 1 June 2026", max_travel_minutes=80).text
    assert ended.startswith(f"{estimate}, because the timetable ended on 1 June 2026)")
    far = check_of(travel, Rule.TRAVEL, place=(8000.0, 3000.0), max_travel_minutes=80).text
    assert "because the timetable has no stop within a walk of both places, or no day of the work)" in far


def test_a_car_that_is_quicker_is_taken():
    assert "by car (estimated" in check_of(travel_of([bus(500, 520), BACK]), Rule.TRAVEL, modes=("bus", "car")).text


def test_who_cannot_travel_alone_is_a_question_and_never_a_refusal():
    travel = travel_of([bus(500, 520), BACK])
    check = check_of(travel, Rule.COMPANY, can_travel_alone=False)
    assert (check.result, check.change) == (
        CheckResult.UNKNOWN,
        "Ask who could go with the jobseeker, there and back, on each day of work. Ask too about travel training.",
    )
    assert "(40 minutes by bus)." in check.text
    assert check_of(travel, Rule.COMPANY, can_travel_alone=True) is None
    assert check_of(travel, Rule.COMPANY) is None


def test_an_ordinary_monday_speaks_for_mondays_even_before_a_bank_holiday():
    timetable = Timetable.of_trips(DAY.toordinal(), [HOME, WORK], [bus(500, 520), BACK], 28)
    runs = timetable.runs.copy()
    runs[:, 7] = False
    travel = TimedTravel(replace(timetable, runs=runs), date(2026, 11, 3), DAY, 15.0, CLOCK)
    assert journey(travel)[:2] == (40, 40)
    assert journey(travel_of([bus(500, 520), BACK], days=3), week=MORNING << 9) is None  # it has no Thursday


def test_a_listing_without_half_days_is_an_office_week():
    assert worked_weeks(None, np.array([-1, 0])).tolist() == [0b011_011_011_011_011] * 2


def test_a_trip_goes_forward_even_within_a_minute():
    """Three calls in one minute: one may ride on from the second to the third, never back to the first."""
    stops = ((0.0, 0.0), (4000.0, 0.0), (8000.0, 0.0))
    trips = [(1, [(0, 500, 500), (1, 500, 500), (2, 500, 500)]), (1, [(2, 790, 790), (1, 790, 790), (0, 790, 790)])]
    travel = travel_of(trips, stops)
    assert journey(travel, home=stops[1], place=stops[2])[0] == 40
    assert journey(travel, home=stops[1], place=stops[0])[0] == NOT_IN_TIME


def test_equal_timetables_have_equal_bytes_and_come_back_whole():
    timetable = city(30, 5, 3)
    again = Timetable.unpacked(timetable.packed())
    assert again.packed() == timetable.packed()
    assert all(np.array_equal(getattr(again, name), getattr(timetable, name)) for name in vars(again))
    with pytest.raises(TimetableUnreadable):
        Timetable.unpacked(b"something else")


@pytest.mark.parametrize("seed", range(3))
def test_every_pair_has_the_same_minutes_three_ways(seed):
    from matching.bulk import compiled_pass, numpy_pass
    from matching.pairs.grades import hash_of
    from matching.score.ranker import PlacementRanker, TwoSidedModel

    borough = odd(synthetic.make(25, 80, seed=seed, blank_share=0.1 * seed), seed)
    rng = random.Random(seed)
    ways = [("bus",), ("walk", "bus"), ("bus", "train"), ("walk",), ("bus", "car", "tube"), None]
    people = [
        replace(
            one, limits=replace(one.limits, travel_modes=rng.choice(ways), half_days=rng.choice([None, 0b11, 0b111000]))
        )
        for one in borough.jobseekers
    ]
    timetable = city(120, 25, seed, metres=12_000.0)
    context = replace(borough.context, timetable=TimedTravel(timetable, borough.context.on, DAY, 15.0, CLOCK))
    context = replace(
        context,
        timetable=TimedTravel(replace(timetable, first_on=context.on.toordinal()), context.on, DAY, 15.0, CLOCK),
    )
    borough = replace(borough, jobseekers=people, context=context)
    placements, columns, day = columns_of(borough)
    model = TwoSidedModel.expert()
    ranker, tables = PlacementRanker(borough.vocabulary, context, model), model.tables.arrays
    assert (columns.timed_low_table > 0).sum() > 20
    assert NOT_COVERED in columns.timed_low_table
    assert NOT_IN_TIME in columns.timed_low_table
    row_of = {placements.profile(row).key: row for row in range(len(placements))}
    for j, person in enumerate(people):
        slow = numpy_pass.check_and_score(columns, j, placements.arrays, tables, day)
        quick = compiled_pass.check_and_score(columns, j, placements.arrays, tables, day)
        assert all(np.array_equal(one, other) for one, other in zip(slow, quick, strict=True))
        ranking = ranker.rank(person, borough.placements)
        assert {m.placement.key: round(m.score * 1e6) for m in ranking.matches} == {
            key: int(quick[1][row]) for key, row in row_of.items() if quick[0][row] == 0
        }
    best = [
        way.best(columns, placements.arrays, tables, day, k=7, seed=hash_of("a day"), side_k=3)
        for way in (numpy_pass, compiled_pass)
    ]
    for name in ("placements", "scores", "eligible", "jobseekers", "jobseeker_scores"):
        assert np.array_equal(getattr(best[0], name), getattr(best[1], name)), name


def test_kinds_are_modes_of_travel():
    assert set(KINDS) <= set(eligibility.PUBLIC_MODES)
