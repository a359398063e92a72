"""The limit of a week counts a person's hours in all spells; what may be lawful is never refused."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pathways.reference.worked_hours import impossible_period, possible_hours
from tests.work import TODAY, working
from tests.world import World

DAY, MOST = date(2026, 8, 3), Decimal(78)
START = TODAY - timedelta(weeks=4)


def spell(client, world: World, enrolment: str, started_on: date = START) -> str:
    body = {"enrolment_id": enrolment, "kind": "JOB_OPEN", "title": "Cafe", "started_on": started_on.isoformat()}
    return client.post("/api/v1/spells", headers=world.key("caseworker"), json=body).json()["id"]


def hours(client, world: World, of: str, hours: float, week_from: date = START, **more: object):
    body = {"week_from": week_from.isoformat(), "hours": hours, **more}
    return client.post(f"/api/v1/spells/{of}/hours", headers=world.key("caseworker"), json=body)


def test_the_hours_of_a_week_are_counted_over_all_spells_of_a_person(client, world: World):
    enrolment, _ = working(client, world, 4)  # 10 hours a week in a first spell, from a week before START
    second, third = spell(client, world, enrolment), spell(client, world, enrolment)
    assert hours(client, world, second, 40).status_code == 201
    refused = hours(client, world, third, 29)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, "/hours")
    assert "79 hours" in refused.json()["detail"] + refused.json()["errors"][0]["detail"]
    assert hours(client, world, third, 28).status_code == 201
    assert hours(client, world, second, 41).status_code == 409  # a correction upwards
    assert hours(client, world, second, 39).status_code == 201
    assert hours(client, world, third, 29).status_code == 201
    assert hours(client, world, third, 78, START + timedelta(weeks=1), leave="sick").status_code == 201


def test_a_voided_spell_and_another_person_do_not_count(client, world: World):
    enrolment, _ = working(client, world, 0, given_name="Ola", nino=None, nhs_number=None, phone=None, email=None)
    other, _ = working(client, world, 0)
    start = TODAY - timedelta(weeks=1)
    first, second = spell(client, world, enrolment, start), spell(client, world, enrolment, start)
    of_other = spell(client, world, other, start)
    assert hours(client, world, first, 70, start).status_code == 201
    assert hours(client, world, of_other, 70, start).status_code == 201
    assert hours(client, world, second, 70, start).status_code == 409
    void = client.post(f"/api/v1/spells/{first}/void", headers=world.key("caseworker"), json={"reason": "A mistake."})
    assert void.status_code == 200
    assert hours(client, world, second, 70, start).status_code == 201


def test_weeks_that_begin_on_two_weekdays_are_compared_by_the_days_of_both(client, world: World):
    enrolment, _ = working(client, world, 3)
    first, second = spell(client, world, enrolment), spell(client, world, enrolment, START + timedelta(days=1))
    assert hours(client, world, first, 60).status_code == 201
    assert hours(client, world, second, 60, START + timedelta(days=1)).status_code == 409
    assert hours(client, world, second, 30, START + timedelta(days=1)).status_code == 201


@given(worked=st.lists(st.integers(0, 11), min_size=28, max_size=28), split=st.integers(0, 6))
def test_no_hours_that_were_worked_day_by_day_are_called_impossible(worked: list[int], split: int):
    """A person works up to 11 hours a day (77 a week), by turns for two spells whose weeks begin on two weekdays."""
    weeks = [(DAY + timedelta(days=7 * n), Decimal(sum(worked[7 * n : 7 * n + 7 : 2]))) for n in range(4)]
    weeks += [
        (DAY + timedelta(days=7 * n + split), Decimal(sum(worked[7 * n + split + day] for day in (1, 3, 5))))
        for n in range(3)
        if split % 2 == 0
    ]
    for first, _ in weeks:
        assert impossible_period(weeks, first, MOST) is None


@given(st.lists(st.decimals(0, 78, places=1), min_size=2, max_size=5))
def test_weeks_of_the_same_days_are_possible_only_up_to_the_limit_of_one_week(amounts: list[Decimal]):
    found = impossible_period([(DAY, amount) for amount in amounts], DAY, MOST)
    assert (found is None) is (sum(amounts) <= MOST)


@given(st.integers(1, 60))
def test_more_days_never_leave_room_for_fewer_hours(days: int):
    assert possible_hours(days, MOST) <= possible_hours(days + 1, MOST)
