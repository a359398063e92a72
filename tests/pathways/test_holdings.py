"""Everything held about a person: read whole, moved and put back, erased."""

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from pathways import consistency
from pathways.access.models import User
from pathways.all_models import METADATA
from pathways.allocations import actions as allocation_actions
from pathways.allocations.models import AllocationLine, AllocationLineMove, LineState
from pathways.app import HOLDINGS
from pathways.base import Actor, Role, utc_now
from pathways.demo import borough
from pathways.jobseekers import exclusions, profile
from pathways.jobseekers.models import Jobseeker
from pathways.jobseekers.schemas import NewConfirmedWord, NewSafetyExclusion
from tests.world import World

END = date(2026, 6, 30)


def a_full_life(world: World):
    """The jobseeker of a short demonstration with the most rows in the most tables."""
    best, counted = world.arranged("a full life", lambda: _a_full_life(world.database))
    return best, dict(counted)


def _a_full_life(database):
    borough.load(database, start=END - timedelta(days=240), end=END, jobseekers=30, placements=16, seed=2)
    with database.reading() as session:
        best = max(
            session.scalars(select(Jobseeker.id)).all(),
            key=lambda one: sum(bool(rows) for h in HOLDINGS for rows in h.rows(session, one).values()),
        )
    add_what_matching_keeps(database, best)
    with database.reading() as session:
        count = {table: len(rows) for h in HOLDINGS for table, rows in h.rows(session, best).items()}
    assert all(count[table] for table in ("allocation_lines", "confirmed_words", "safety_exclusions"))
    return best, tuple(count.items())


def add_what_matching_keeps(database, jobseeker_id):
    """A proposal for everybody's places, somewhere not to be sent, and what a word means."""
    with database.reading() as session:
        person = session.get_one(Jobseeker, jobseeker_id)
        user_id = session.scalars(select(User.id).limit(1)).one()
        actor = Actor(user_id, person.partner_id, Role.TEAM_MANAGER)
        caseload, proposal = allocation_actions.propose(database, actor, END)
    with database.writing(actor) as session:
        person = session.get_one(Jobseeker, jobseeker_id)
        made = allocation_actions.record(session, actor, caseload, proposal)
        if jobseeker_id not in caseload.ids:  # a closed case is in no proposal made today, but in those made before
            line = AllocationLine(
                id=uuid7(),
                partner_id=person.partner_id,
                jobseeker_id=jobseeker_id,
                allocation_id=made.id,
                state=LineState.WITHOUT,
                could_go_to=0,
                need_facts=[],
                why="",
            )
            session.add(line)
            session.flush()
            move = {"line_id": line.id, "event": "propose", "from_state": None, "to_state": "without"}
            whose = {"partner_id": person.partner_id, "jobseeker_id": jobseeker_id}
            session.add(AllocationLineMove.recorded(actor, **whose, **move))
        kept = NewSafetyExclusion(kind="person", who="Sam Stone", reason="Asked.")
        exclusion = exclusions.exclude(session, actor, person, kept)
        exclusions.withdraw_exclusion(session, actor, person, exclusion, "Entered twice.")
        word = NewConfirmedWord(kind="skill", text="tidying", uri=None)
        profile.confirm_word(session, actor, person, word)


def test_the_extract_holds_every_row_and_the_timeline_is_in_order(client, world: World, database):
    person, _ = world.supported()
    held = client.get(f"/api/v1/jobseekers/{person}/extract", headers=world.key("manager")).json()["holdings"]
    with database.reading() as session:
        rows = {table: len(found) for h in HOLDINGS for table, found in h.rows(session, person).items()}
    assert {table: len(found) for table, found in held.items() if table != "audit"} == {
        table: count for table, count in rows.items() if table != "audit"
    }
    details = held["jobseeker_details"][0]
    assert (details["nino"], details["given_name"]) == ("QQ224466C", "Amina")  # their own copy is not masked
    timeline = client.get(f"/api/v1/jobseekers/{person}/timeline?limit=100", headers=world.key("caseworker")).json()
    days = [entry["on"] for entry in timeline["items"]]
    assert days == sorted(days)
    assert "Amina" not in json.dumps(timeline)
    assert client.get(f"/api/v1/jobseekers/{person}/extract", headers=world.key("caseworker")).status_code == 403


def test_moving_to_another_record_and_undoing_it_leaves_all_as_it_was(world: World, database):
    person, before = a_full_life(world)
    assert sum(bool(count) for count in before.values()) > 14
    with database.reading() as session:
        row = session.get_one(Jobseeker, person)
        other = session.scalars(
            select(Jobseeker.id).where(Jobseeker.id != person, Jobseeker.partner_id == row.partner_id).limit(1)
        ).one()
        of_other = {table: len(rows) for h in HOLDINGS for table, rows in h.rows(session, other).items()}
    with database.writing(None) as session:
        moved = {h.name: h.reassign(session, person, other) for h in HOLDINGS if h.name != "enrolments"}
    with database.reading() as session:
        assert not [
            r for h in HOLDINGS for t, r in h.rows(session, person).items() if r and t in ("contacts", "spells")
        ]
    with database.writing(None) as session:
        gone = {table: set(ids) for tables in moved.values() for table, ids in tables.items()}
        for holding in HOLDINGS:
            holding.put_back(session, gone, person, other, utc_now(), set())
    with database.reading() as session:
        assert {table: len(rows) for h in HOLDINGS for table, rows in h.rows(session, person).items()} == before
        assert {table: len(rows) for h in HOLDINGS for table, rows in h.rows(session, other).items()} == of_other
        assert consistency.faults(session) == []


def test_erasing_takes_a_person_out_of_placements_shortlists_too(client, world: World, database):
    person, _ = world.supported(right_to_work="no")
    placement = world.list_placement(right_to_work_needed=True)
    made = client.post(f"/api/v1/placements/{placement}/shortlists", json={}, headers=world.key("caseworker")).json()
    assert (made["refused"], made["refused_by_rule"]) == (1, {"right_to_work": 1})
    with database.writing(None) as session:
        for holding in reversed(HOLDINGS):
            holding.erase(session, person)
    again = client.get(f"/api/v1/shortlists/{made['id']}", headers=world.key("caseworker")).json()
    assert (again["refused"], again["refused_by_rule"]) == (0, {})


@pytest.mark.long_test("sqlite")
def test_erasing_leaves_no_row_about_the_person(world: World, database):
    person, before = a_full_life(world)
    with database.writing(None) as session:
        gone = sum(holding.erase(session, person) for holding in reversed(HOLDINGS))
    assert gone == sum(before.values())
    with database.reading() as session:
        for table in METADATA.tables.values():
            if "jobseeker_id" in table.c:
                left = session.scalar(select(func.count()).select_from(table).where(table.c.jobseeker_id == person))
                assert left == 0, table.name
        assert session.get(Jobseeker, person) is None
