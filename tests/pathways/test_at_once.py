"""A protective fact and any other step at the same moment: the fact is recorded, and nobody is told of a fault."""

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, event, select
from sqlalchemy.orm.exc import StaleDataError
from uuid_utils.compat import uuid7

from pathways import daily
from pathways.allocations.models import Allocation, AllocationLine, LineState
from pathways.base import utc_now
from pathways.database import TRIES, Database, WriteSession, after_commit
from pathways.duplicates.models import DuplicatePair
from pathways.introductions import stops
from pathways.introductions.models import OPEN, Introduction
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import AboutPerson, Jobseeker
from tests.pathways.test_protection import AWAY, UnderWay
from tests.pathways.test_protection import S as State
from tests.world import World

FACTS = ("organisation", "person nobody knows", "permission revoked", "case restricted")
STEPS = {
    "move by the lister": State.SENT,
    "move by the partner": State.SENT,
    "answer by a link": State.SENT,
    "accept instead of others": State.OFFERED,
    "decision on a line": State.SENT,
    "merge": State.SENT,
}


FORWARD = ("move by the lister", "move by the partner", "answer by a link", "accept instead of others")
RECORDS_A_FACT = ("safety:record", "permission:record", "jobseeker:change")
BLANK: dict[str, Any] = {"nino": None, "nhs_number": None, "email": None, "phone": None}


class AtOnce:
    """Requests that begin together, and meet again where each is about to write about a person.

    There the one has the locks that it takes first, and the other has read what it checks. They wait for each other for
    a moment only: if one of them waits for a lock of the other, the meeting fails and both go on.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[int]] = {}
        self.committed: list[str] = []

    def run(self, calls: list[tuple[str, Callable[[], Any]]]) -> None:
        gate, meeting = threading.Barrier(len(calls)), threading.Barrier(len(calls))

        def meet(session: Any, *_: object) -> None:
            if session.info.get("met") or not any(isinstance(row, AboutPerson) for row in session.new):
                return
            session.info["met"] = True
            with suppress(threading.BrokenBarrierError):
                meeting.wait(timeout=0.4)

        def note(session: Any) -> None:
            if session.info.get("met"):
                self.committed.append(session.actor.doing if session.actor else "a link")

        def one(name: str, act: Callable[[], Any]) -> None:
            gate.wait()
            self.answers.setdefault(name, []).append(act().status_code)

        threads = [threading.Thread(target=one, args=told) for told in calls]
        event.listen(WriteSession, "before_flush", meet)
        event.listen(WriteSession, "after_commit", note)
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            event.remove(WriteSession, "before_flush", meet)
            event.remove(WriteSession, "after_commit", note)


class Race:
    """One jobseeker on their way to a placement, a protective fact, and a step that meets it."""

    def __init__(self, client: Any, world: World, database: Database, step: str) -> None:
        self.way = UnderWay(client, world, database, STEPS[step])
        self.client, self.world, self.database, self.step = client, world, database, step
        self.link = self.way.link() if step == "answer by a link" else None
        if step == "accept instead of others":
            second = world.list_placement(ref="second", places=1)
            made = self.way.post(
                "caseworker", "/introductions", jobseeker_id=str(self.way.person), placement_id=str(second)
            )
            for who, event_ in (("caseworker", "agree"), ("caseworker", "send"), ("lister", "offer")):
                self.way.post(who, f"/introductions/{made['id']}/{event_}")
        if step == "decision on a line":
            self.line = proposed_line(database, world, self.way)
        if step == "merge":
            self.twin = world.refer(ref="TWIN").jobseeker_id

    def post(self, member: str, path: str, /, **body: Any) -> Any:
        return self.client.post(f"/api/v1{path}", headers=self.world.key(member), json=body)

    def take_step(self) -> Any:
        base = f"/introductions/{self.way.id}"
        match self.step:
            case "move by the lister":
                return self.post("lister", f"{base}/invite")
            case "move by the partner":
                return self.post("caseworker", f"{base}/offer")
            case "answer by a link":
                return self.client.post(self.link, data={"event": "invite"})
            case "accept instead of others":
                return self.post("caseworker", f"{base}/accept")
            case "decision on a line":
                return self.post("manager", f"/allocations/{self.line[0]}/lines/{self.line[1]}/accept")
        return self.post("manager", f"/jobseekers/{self.way.person}/merge", other_id=str(self.twin), reason="Twin.")

    def protect(self, fact: str) -> Any:
        path = f"/jobseekers/{self.way.person}"
        match fact:
            case "permission revoked":
                with self.database.reading() as session:
                    person = session.get_one(Jobseeker, self.way.person)
                    enterprise = self.world.organisations["enterprise"]
                    permission = jobseeker_queries.permission_for(session, person, enterprise)
                return self.post("caseworker", f"{path}/permissions/{permission.id}/revoke", **AWAY)
            case "case restricted":
                return self.post("manager", f"{path}/restrict", **AWAY)
            case "organisation":
                who = {"kind": "organisation", "social_enterprise_id": str(self.world.organisations["enterprise"])}
            case _:
                who = {"kind": "person", "who": "Quentin Umbridge"}
        return self.post("caseworker", f"{path}/safety-exclusions", **who, **AWAY)

    def open_and_not_stopped(self) -> list[UUID]:
        """Return the open introductions of the jobseeker that the social enterprise may still read."""
        with self.database.reading() as session:
            rows = session.scalars(
                select(Introduction).where(Introduction.jobseeker_id == self.way.person, Introduction.state.in_(OPEN))
            ).all()
            return [row.id for row in rows if stops.stop_of(session, row) is None and row.sent_at is not None]


def proposed_line(database: Database, world: World, way: UnderWay) -> tuple[UUID, UUID]:
    """Record an allocation with one line for the jobseeker, as proposed, and return the ids of both."""
    actor = world.on("manager")
    with database.writing(actor) as session:
        allocation = Allocation.recorded(
            actor,
            partner_id=actor.organisation_id,
            proposed_on=actor.today,
            model_version="0",
            policy={},
            looked_at=1,
            placements=1,
            figures={},
        )
        session.add(allocation)
        session.flush()
        line = AllocationLine(
            id=uuid7(),
            partner_id=actor.organisation_id,
            allocation_id=allocation.id,
            jobseeker_id=way.person,
            state=LineState.PROPOSED,
            placement_id=way.placement,
            first_choice_id=way.placement,
            score=0.5,
            rank_of_own=1,
            could_go_to=1,
            why="",
            need_facts=[],
        )
        session.add(line)
        session.flush()
        return allocation.id, line.id


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fact", FACTS)
def test_a_protective_fact_and_a_step_at_the_same_moment_both_get_an_answer(client, world, database, fact, step):
    race, at_once = Race(client, world, database, step), AtOnce()
    at_once.run([("fact", lambda: race.protect(fact)), ("step", race.take_step)])
    assert at_once.answers["fact"][0] in {200, 201}
    assert at_once.answers["step"][0] < 500
    assert race.open_and_not_stopped() == []
    came_after = at_once.committed and at_once.committed[-1] not in RECORDS_A_FACT
    assert not (step in FORWARD and came_after and len(at_once.committed) > 1)


def test_of_twenty_callers_each_gets_an_answer_and_no_fact_is_lost(client, world, database):
    race, at_once = Race(client, world, database, "answer by a link"), AtOnce()
    facts = [
        ("fact", partial(race.protect, fact)) for fact in ("organisation", "person nobody knows", "case restricted")
    ]
    base = f"/introductions/{race.way.id}"
    moves = [("lister", "invite"), ("caseworker", "offer"), ("lister", "offer"), ("caseworker", "accept")]
    steps = [("step", partial(race.post, who, f"{base}/{move}")) for who, move in moves * 4] + [
        ("step", race.take_step)
    ]
    at_once.run(facts + steps)
    assert set(at_once.answers["fact"]) <= {200, 201}
    assert max(at_once.answers["step"]) < 500
    assert race.open_and_not_stopped() == []


def test_places_that_two_jobseekers_free_for_each_other_are_both_offered(client, world, database):
    """Each holds the place for which the other waits, and both decline at once."""
    people = [world.supported(ref=f"P{n}", given_name=f"Person {n}", **BLANK)[0] for n in range(2)]
    places = [world.list_placement(ref=f"L{n}", places=1) for n in range(2)]
    held, waiting = [], []
    for person in people:
        world.permit(person)

    def ask(who: str, path: str, **body: Any) -> Any:
        return client.post(f"/api/v1{path}", headers=world.key(who), json=body)

    def sent(person: UUID, place: UUID, last: str) -> str:
        body = {"jobseeker_id": str(person), "placement_id": str(place), "send": True}
        made = ask("caseworker", "/introductions", **body).json()["id"]
        assert ask("lister", f"/introductions/{made}/{last}").status_code == 200
        return made

    held = [sent(people[n], places[n], "offer") for n in range(2)]
    waiting = [sent(people[n], places[1 - n], "wait") for n in range(2)]
    at_once = AtOnce()
    no = {"why": "changed_mind", "said_by": "jobseeker"}
    at_once.run([("step", partial(ask, "caseworker", f"/introductions/{one}/decline", **no)) for one in held])
    with database.reading() as session:
        states = {session.get_one(Introduction, UUID(one)).state for one in waiting}
    assert (at_once.answers["step"], states) == ([200, 200], {State.OFFERED})


def test_work_after_the_commit_that_fails_does_not_fail_the_request(world, database):
    tried = []

    def fail(_: Database) -> None:
        tried.append(1)
        raise StaleDataError

    with database.writing(world.on("manager")) as session:
        after_commit(session, fail)
    assert len(tried) == TRIES


def test_the_daily_run_finds_the_pairs_that_the_work_after_a_commit_did_not(world, database):
    people = {world.refer(ref=f"TWIN{n}").jobseeker_id for n in range(2)}
    with database.writing(world.operator) as session:
        session.execute(delete(DuplicatePair))
    runs = [daily.run(database, world.operator, utc_now())["records that may be one person"] for _ in range(2)]
    with database.reading() as session:
        found = {(pair.jobseeker_id, pair.other_id) for pair in session.scalars(select(DuplicatePair))}
    assert (found, runs) == ({(max(people), min(people))}, [1, 0])
