"""Another partner may support the same person: asked under an agreement, answered by the holder or by silence."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select

from pathways.audit import AuditRow
from pathways.jobseekers.models import Jobseeker
from pathways.partner_enquiries.models import ContactRequest
from tests.pathways.test_matching import get, post
from tests.world import World

TODAY = date.today().isoformat()


@pytest.fixture
def agreement(client, world: World) -> dict:
    return agree(client, world)


def agree(client, world: World, expect: int = 201, **changes) -> dict:
    body = {
        "one_id": str(world.organisations["partner"]),
        "other_id": str(world.organisations["other_partner"]),
        "one_lead_id": str(world.actors["manager"].membership_id),
        "other_lead_id": str(world.actors["other_manager"].membership_id),
        "from_on": TODAY,
        "document": "Shared drive, signed 1 November.",
    }
    return post(client, world, "/agreements", body | changes, by="operator", expect=expect)


def ask(client, world: World, person: UUID, by: str = "caseworker", expect: int = 202):
    return post(
        client, world, f"/jobseekers/{person}/elsewhere", {"reason": "She mentioned you."}, by=by, expect=expect
    )


def requests(client, world: World, by: str = "other_manager", state: str = "waiting") -> list[dict]:
    return get(client, world, f"/contact-requests?state={state}", by=by)["items"]


def answer(client, world: World, request: dict, what: str, body: dict, by: str = "other_manager", expect: int = 200):
    headers = world.key(by) | {"If-Match": f'"{request["version"]}"'}
    found = client.post(f"/api/v1/contact-requests/{request['id']}/{what}", json=body, headers=headers)
    assert found.status_code == expect, found.text
    return found.json()


def test_without_an_agreement_nobody_is_asked(client, world: World, database):
    mine = world.refer(ref="A").jobseeker_id
    world.refer(ref="B", to="other_partner")
    assert ask(client, world, mine, expect=409)["type"] == "/problems/no-agreement"
    with database.reading() as session:
        assert session.scalars(select(ContactRequest)).all() == []


def test_the_holder_hears_who_asks_and_why_and_the_asker_what_the_holder_writes(
    client, world: World, database, agreement
):
    mine = world.refer(ref="A").jobseeker_id
    theirs = world.refer(ref="B", to="other_partner", given_name="Aminah").jobseeker_id
    stranger = world.refer(ref="C", given_name="Zebedee", nino=None, nhs_number="9990000018", email=None).jobseeker_id
    assert ask(client, world, mine) == ask(client, world, stranger)  # the same whatever is known
    (request,) = requests(client, world)
    assert (request["jobseeker_id"], request["asking"]) == (str(theirs), "Stepping Stones")
    assert request["because"] == "She mentioned you."
    assert requests(client, world, by="manager") == []  # the asker's own manager is told nothing either
    asked = get(client, world, f"/jobseekers/{mine}/elsewhere")["items"]
    assert [one["answers"] for one in asked] == [[]]
    ask(client, world, mine)  # again: the holder is not asked twice
    assert len(requests(client, world)) == 1
    declined = answer(client, world, request, "decline", {"reason": "She asked us not to."})
    assert all(one["answers"] == [] for one in get(client, world, f"/jobseekers/{mine}/elsewhere")["items"])
    opened = answer(client, world, declined, "open", {"answer": "Ring Ola at Open Door, 07700 900555."})
    assert opened["possible_events"] == []
    told = [a for one in get(client, world, f"/jobseekers/{mine}/elsewhere")["items"] for a in one["answers"]]
    assert [(one["partner"], one["answer"]) for one in told] == [("Open Door", "Ring Ola at Open Door, 07700 900555.")]
    assert str(theirs) not in str(told)
    with database.reading() as session:
        by = world.actors["caseworker"].user_id
        seen = select(AuditRow.jobseeker_id).where(AuditRow.by == by)
        assert {mine, theirs} <= set(session.scalars(seen))


def test_of_a_restricted_case_only_the_named_lead_hears(client, world: World, database, agreement):
    mine = world.refer(ref="A").jobseeker_id
    theirs = world.refer(ref="B", to="other_partner").jobseeker_id
    with database.writing(world.on("other_manager")) as session:
        session.get_one(Jobseeker, theirs).is_restricted = True
    ask(client, world, mine)
    assert len(requests(client, world)) == 1
    with database.writing(None) as session:
        row = session.scalars(select(ContactRequest)).one()
        row.lead_id = world.actors["manager"].membership_id
    assert requests(client, world) == []


def test_who_may_ask_answer_and_agree(client, world: World, agreement):
    mine = world.refer(ref="A").jobseeker_id
    world.refer(ref="B", to="other_partner")
    for outsider in ("referrer", "lister", "commissioner", "auditor", "administrator"):
        ask(client, world, mine, by=outsider, expect=403)
    ask(client, world, mine, by="other_caseworker", expect=404)
    ask(client, world, mine)
    (request,) = requests(client, world)
    get(client, world, "/contact-requests", by="other_caseworker", expect=403)
    answer(client, world, request, "open", {"answer": "Ring us."}, by="manager", expect=404)
    post(client, world, "/agreements", {}, by="manager", expect=403)
    assert len(get(client, world, "/agreements", by="manager")["items"]) == 1


def test_an_agreement_is_between_two_partners_once_and_ends(client, world: World, agreement):
    mine = world.refer(ref="A").jobseeker_id
    agree(client, world, expect=409)
    agree(client, world, expect=409, other_id=str(world.organisations["council"]))
    agree(client, world, expect=409, other_id=str(world.organisations["partner"]))
    agree(client, world, expect=409, other_lead_id=str(world.actors["other_caseworker"].membership_id))
    path = f"/agreements/{agreement['id']}/end"
    post(client, world, path, {"reason": "Renewed elsewhere."}, by="operator", expect=200)
    assert get(client, world, "/agreements", by="operator")["items"] == []
    ask(client, world, mine, expect=409)
    post(client, world, path, {"reason": "Twice."}, by="operator", expect=404)
    agree(client, world)


def test_nobody_asks_about_everybody(client, world: World, agreement):
    people = [
        world.refer(ref=f"R{n}", given_name=f"Person {n}", nino=None, nhs_number=None).jobseeker_id for n in range(21)
    ]
    for person in people[:20]:
        ask(client, world, person)
    refused = ask(client, world, people[20], expect=409)
    assert refused["type"] == "/problems/asked-too-often"
    ask(client, world, people[20], by="manager")
