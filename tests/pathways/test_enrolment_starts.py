"""The start of an enrolment stays before its work, and does not move under an outcome."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from pathways import consistency
from pathways.enrolments.models import Enrolment
from tests.work import TODAY, evidence, working
from tests.world import World

RULE = "LOCAL_13_IN_16"


def move_start(client, world: World, enrolment: str, day: date, expect: int = 200) -> Any:
    path, headers = f"/api/v1/enrolments/{enrolment}", world.key("manager")
    tag = client.get(path, headers=headers).headers["ETag"]
    answer = client.patch(path, headers=headers | {"If-Match": tag}, json={"started_on": day.isoformat()})
    assert answer.status_code == expect, answer.text
    return answer.json()


def started_on(client, world: World, enrolment: str) -> date:
    read = client.get(f"/api/v1/enrolments/{enrolment}", headers=world.key("manager")).json()
    return date.fromisoformat(read["started_on"])


@pytest.mark.parametrize("is_ended", [False, True])
def test_a_start_is_never_after_the_first_day_of_work(client, world: World, call, is_ended: bool):
    enrolment, spell = working(client, world, weeks=3)
    work = date.fromisoformat(client.get(f"/api/v1/spells/{spell}", headers=world.key("manager")).json()["started_on"])
    if is_ended:
        call("caseworker", f"/spells/{spell}/end", ended_on=TODAY.isoformat(), end_reason="completed")
    before = started_on(client, world, enrolment)
    for days in (1, 5, 20):
        refused = move_start(client, world, enrolment, work + timedelta(days=days), expect=409)
        assert (refused["errors"][0]["pointer"], work.isoformat() in refused["detail"]) == ("/started_on", True)
        assert started_on(client, world, enrolment) == before
    move_start(client, world, enrolment, work)
    if not is_ended:
        call("caseworker", f"/spells/{spell}/void", reason="It never began.")
        move_start(client, world, enrolment, work + timedelta(days=5))


def test_a_start_does_not_change_while_an_outcome_is_current(client, world: World, call):
    enrolment, spell = working(client, world)
    evidence(client, world, spell, TODAY - timedelta(weeks=16), TODAY)
    outcome = call("caseworker", "/outcomes", enrolment_id=enrolment, rule=RULE)["id"]
    before = started_on(client, world, enrolment)
    for days in (-2, 1, 2):
        refused = move_start(client, world, enrolment, before + timedelta(days=days), expect=409)
        assert refused["type"] == "/problems/outcome-rests-on-it"
    assert started_on(client, world, enrolment) == before
    call("caseworker", f"/outcomes/{outcome}/withdraw", reason="The start was wrong.")
    move_start(client, world, enrolment, before + timedelta(days=1))


def test_the_check_of_the_database_names_work_before_its_enrolment(client, world: World, call, database):
    enrolment, spell = working(client, world)
    evidence(client, world, spell, TODAY - timedelta(weeks=16), TODAY)
    outcome = call("caseworker", "/outcomes", enrolment_id=enrolment, rule=RULE)["id"]
    with database.reading() as session:
        assert consistency.faults(session) == []
    with database.writing(None) as session:
        moved = update(Enrolment).where(Enrolment.id == UUID(enrolment))
        session.execute(moved.values(started_on=TODAY, caseworker_from=TODAY))
    with database.reading() as session:
        found = consistency.faults(session)
    assert f"spells: {spell} began before its enrolment." in found
    assert f"outcomes: {outcome} was met before its enrolment began." in found
