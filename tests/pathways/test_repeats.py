"""Somebody referred again: shown, linked, one cohort row for one enrolment, counted once more as work."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from pathways.exports import queries as export_queries
from pathways.programmes.models import Programme
from pathways.referrals.models import Referral
from tests.world import World

DAY = date(2026, 3, 2)


def again(world: World, person: UUID, ref: str, **changes: Any) -> Referral:
    """Staff record a second referral of somebody they support."""
    council = {"referring_organisation_id": world.organisations["council"], "source_type": "ASC"}
    return world.refer(by="manager", jobseeker_id=person, ref=ref, **council | changes)


def get(client, world: World, path: str, who: str = "manager") -> Any:
    answer = client.get(f"/api/v1{path}", headers=world.key(who))
    assert answer.status_code == 200, answer.text
    return answer.json()


def journeys(database) -> int:
    with database.reading() as session:
        programmes = list(session.scalars(select(Programme)))
        return len(list(export_queries.journeys(session, programmes, datetime.now(UTC), date.max)))


def workload(client, world: World) -> tuple[int, int, int]:
    today = datetime.now(UTC).date()
    told = get(client, world, f"/referrals/workload?first_day=2026-01-01&last_day={today}")
    assert sum(told["by_state"].values()) == sum(told["by_source"].values()) == told["referrals"]
    return told["referrals"], told["people"], told["repeats"]


def test_a_referral_while_one_is_open_is_shown_linked_and_joins_the_enrolment(client, world: World, database):
    person, _ = world.supported(DAY, referred_on=DAY, ref="A")
    assert (journeys(database), workload(client, world)) == (1, (1, 1, 0))
    second = again(world, person, "B")
    shown = get(client, world, f"/referrals/{second.id}")
    assert [(one["ref"], one["state"]) for one in shown["earlier"]] == [("A", "accepted")]
    assert shown["case_was"] == "open"
    assert [line["is_repeat"] for line in get(client, world, "/referrals")["items"]] == [False, True]
    world.accept(second)
    assert (journeys(database), workload(client, world)) == (1, (2, 1, 1))


def test_a_referral_after_a_close_opens_the_case_again_and_a_new_enrolment_counts(client, world: World, database):
    person, _ = world.supported(DAY, referred_on=DAY, ref="A")
    reason = {"end_reason": "moved_away", "reason": "She moved.", "closed_on": "2026-04-01"}
    closed = client.post(f"/api/v1/jobseekers/{person}/close", headers=world.key("manager"), json=reason)
    assert closed.status_code == 200, closed.text
    second = again(world, person, "B", referred_on=date(2026, 5, 4))
    assert get(client, world, f"/referrals/{second.id}")["case_was"] == "closed"
    assert (journeys(database), workload(client, world)) == (2, (2, 1, 1))  # one ended, one waiting to start
    world.accept(second)
    world.enrol(second)
    assert get(client, world, f"/jobseekers/{person}")["state"] == "open"
    assert (journeys(database), workload(client, world)) == (2, (2, 1, 1))


def test_who_refers_is_not_told_that_somebody_else_did(client, world: World):
    person, _ = world.supported(DAY, referred_on=DAY, ref="A")
    second = again(world, person, "B")
    shown = get(client, world, f"/referrals/{second.id}", who="other_referrer")
    assert (shown["earlier"], shown["case_was"]) == (None, None)
    assert [line["is_repeat"] for line in get(client, world, "/referrals", who="other_referrer")["items"]] == [None]
    first = get(client, world, "/referrals", who="referrer")["items"][0]
    assert get(client, world, f"/referrals/{first['id']}", who="referrer")["earlier"] is None


def test_two_records_of_one_person_that_are_merged_are_a_repeat_and_no_more_when_they_are_parted(client, world: World):
    one, other = (world.refer(ref=ref, given_name="Amina") for ref in ("A", "B"))
    assert get(client, world, f"/referrals/{other.id}")["earlier"] is None
    path = f"/api/v1/jobseekers/{one.jobseeker_id}"
    body = {"reason": "The same person.", "other_id": str(other.jobseeker_id)}
    made = client.post(f"{path}/merge", headers=world.key("manager"), json=body)
    assert made.status_code == 201, made.text
    assert [row["ref"] for row in get(client, world, f"/referrals/{other.id}")["earlier"]] == ["A"]
    assert workload(client, world) == (2, 1, 1)
    undo = f"{path}/merges/{made.json()['id']}/undo"
    assert client.post(undo, headers=world.key("manager"), json={"reason": "Two sisters."}).status_code == 200
    assert get(client, world, f"/referrals/{other.id}")["earlier"] is None
    assert workload(client, world) == (2, 2, 0)


@pytest.mark.parametrize(("who", "expect"), [("caseworker", 403), ("referrer", 403), ("lister", 403), ("manager", 200)])
def test_the_workload_is_for_team_managers(client, world: World, who: str, expect: int):
    path = "/api/v1/referrals/workload?first_day=2026-01-01&last_day=2026-01-31"
    assert client.get(path, headers=world.key(who)).status_code == expect


def test_days_the_wrong_way_round_are_refused(client, world: World):
    path = "/api/v1/referrals/workload?first_day=2026-02-01&last_day=2026-01-31"
    assert client.get(path, headers=world.key("manager")).status_code == 409
