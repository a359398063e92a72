"""The access log is made by what shapes the reply: whoever is in a reply is in the audit, and so is who was refused."""

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from pathways.audit import AuditedPerson, AuditRow, is_about
from pathways.claims.models import Claim
from pathways.introductions.models import Introduction
from pathways.jobseekers.models import Jobseeker
from pathways.organisations.models import ApiKey
from pathways.referrals.models import Referral
from tests.pathways.test_plans import ASKED, Grower, lists_of
from tests.world import MEMBERS, World

API = "/api/v1"
NAMES = ("Amina", "Bhriain")
EVERYBODY = (*MEMBERS, "operator")


def rows_since(database, last: UUID | None) -> list[AuditRow]:
    with database.reading() as session:
        rows = select(AuditRow).order_by(AuditRow.id)
        return list(session.scalars(rows if last is None else rows.where(AuditRow.id > last)))


def newest(database) -> UUID | None:
    with database.reading() as session:
        return session.scalars(select(AuditRow.id).order_by(AuditRow.id.desc()).limit(1)).first()


def people_in(database, rows: list[AuditRow]) -> set[UUID]:
    with database.reading() as session:
        listed = select(AuditedPerson.jobseeker_id).where(AuditedPerson.audit_id.in_([row.id for row in rows]))
        return {row.jobseeker_id for row in rows if row.jobseeker_id} | set(session.scalars(listed))


def known_by(database) -> dict[str, UUID]:
    """Return the jobseeker by everything that names one in a reply: id, reference, pseudonym, id of a referral."""
    with database.reading() as session:
        rows = session.execute(select(Jobseeker.id, Jobseeker.reference)).all()
        names = {str(row.id): row.id for row in rows} | {row.reference: row.id for row in rows}
        for model, name in ((Referral, "id"), (Claim, "participant_ref"), (Introduction, "id"), (Claim, "id")):
            column = getattr(model, name)
            names |= {str(row[0]): row[1] for row in session.execute(select(column, model.jobseeker_id))}
    return names


# Fields of a line that tell something about the person it is about. A line without any of them names nobody.
TELLS = {"given_name", "family_name", "participant_ref", "jobseeker_reference", "reference", "jobseeker_id"}


def people_named(reply: Any, names: dict[str, UUID]) -> set[UUID]:
    """Return the jobseekers whom a reply names in any way, at any depth."""
    if isinstance(reply, list):
        return set().union(*(people_named(one, names) for one in reply))
    if not isinstance(reply, dict):
        return set()
    found = set().union(*(people_named(value, names) for value in reply.values()))
    if any(reply.get(name) for name in TELLS):
        found |= {names[value] for value in reply.values() if isinstance(value, str) and value in names}
    return found


def people_of(reply: Any) -> set[UUID]:
    """Return the ids of all jobseekers that a reply names, at any depth."""
    found: set[UUID] = set()
    if isinstance(reply, dict):
        if reply.get("jobseeker_id"):
            found.add(UUID(reply["jobseeker_id"]))
        return found.union(*(people_of(value) for value in reply.values()))
    if isinstance(reply, list):
        return found.union(*(people_of(value) for value in reply))
    return found


@pytest.mark.long_test("sqlite")
def test_every_list_leaves_one_row_with_the_people_in_it(client, world: World, database):
    grower = Grower(client, world)
    grower.grow_to(3)
    names, looked_at, told = known_by(database), 0, set()
    for path in lists_of(client):
        for who in EVERYBODY:
            try:
                filled = path.format(**grower.ids)
            except KeyError:
                continue
            before = newest(database)
            answer = client.get(f"{API}{filled}", headers=world.key(who), params=ASKED.get(path, {}))
            if not answer.is_success:
                continue
            people = people_of(answer.json()) | people_named(answer.json(), names)
            if not people or "access-log" in path:
                continue
            looked_at += 1
            told.add((path, who))
            rows = [row for row in rows_since(database, before) if not row.is_change]
            assert people <= people_in(database, rows), (path, who)
            assert len(rows) <= 2, (path, who, [(row.subject, row.listed) for row in rows])
            assert {row.by for row in rows} == {world.actors[who].user_id}
    assert looked_at > 12
    assert {("/referrals", "manager"), ("/referrals", "referrer"), ("/claims", "commissioner")} <= told


@pytest.mark.parametrize("fact", ["exclusion", "unchecked", "no permission", "stopped"])
def test_what_a_protective_fact_refuses_leaves_a_row(client, world: World, database, call, fact: str):
    person, _ = world.supported()
    placement = world.list_placement()
    pair = {"jobseeker_id": str(person), "placement_id": str(placement)}
    out = {"kind": "organisation", "social_enterprise_id": str(world.organisations["enterprise"])}
    who, path, body = "caseworker", "/introductions", pair

    def exclude(**told: str) -> None:
        at, key = f"{API}/jobseekers/{person}/safety-exclusions", world.key("caseworker")
        assert client.post(at, headers=key, json=told | {"reason": "She asked."}).is_success

    if fact in {"exclusion", "unchecked"}:
        told = out if fact == "exclusion" else {"kind": "person", "who": "Zed Quill"}
        exclude(**told)
    else:
        if fact == "stopped":
            world.permit(person)
        made = call("caseworker", "/introductions", **pair)
        call("caseworker", f"/introductions/{made['id']}/agree")
        path, body = f"/introductions/{made['id']}/send", {}
        if fact == "stopped":
            call("caseworker", path)
            exclude(kind="person", who="Zed Quill")
            who, path = "lister", f"/introductions/{made['id']}/invite"
    before = newest(database)
    answer = client.post(f"{API}{path}", headers=world.key(who), json=body)
    assert answer.status_code in {403, 409}, answer.text
    rows = [row for row in rows_since(database, before) if row.is_refused]
    assert [(row.jobseeker_id, row.by) for row in rows] == [(person, world.actors[who].user_id)]


def test_what_was_read_leaves_out_what_was_withheld_then_and_replies_with_nothing(client, world: World, call):
    person, _ = world.supported()
    world.permit(person, "identity", "contact")
    pair = {"jobseeker_id": str(person), "placement_id": str(world.list_placement())}
    made = call("caseworker", "/introductions", **pair)["id"]
    for step in ("agree", "send"):
        call("caseworker", f"/introductions/{made}/{step}")
    path, key = f"{API}/jobseekers/{person}", world.key("caseworker")

    def withhold(reason: str | None) -> None:
        tag = client.get(path, headers=key).headers["ETag"]
        answer = client.patch(path, headers=key | {"If-Match": tag}, json={"contact_withheld_reason": reason})
        assert answer.is_success, answer.text

    withhold("He answers her phone.")
    client.get(f"{API}/introductions/{made}", headers=world.key("lister"))  # reads the name and no number
    withhold(None)
    call("lister", f"/introductions/{made}/invite")  # the reply to a step is a reading too
    client.post(f"{path}/safety-exclusions", headers=key, json={"kind": "person", "who": "Zed Q", "reason": "Asked."})
    client.get(f"{API}/introductions/{made}", headers=world.key("lister"))  # stopped: reads nothing
    call("lister", f"/introductions/{made}/decline", why="other")
    told = client.post(
        f"{path}/safety-exclusions",
        headers=key,
        json={
            "kind": "organisation",
            "social_enterprise_id": str(world.organisations["enterprise"]),
            "reason": "She asked.",
        },
    ).json()
    [read] = told["stopped"]["already_read"]
    assert (read["times"], read["groups"]) == (2, ["contact", "identity"])


def test_a_row_names_the_key_and_the_address_that_asked(client, world: World, database):
    person, _ = world.supported()
    before = newest(database)
    client.get(f"{API}/jobseekers/{person}", headers=world.key("caseworker"))
    (row,) = rows_since(database, before)
    with database.reading() as session:
        key = session.scalars(
            select(ApiKey).where(ApiKey.membership_id == world.actors["caseworker"].membership_id)
        ).one()
    assert (row.key_id, row.address, row.is_refused) == (key.id, "testclient", False)


@pytest.mark.parametrize(
    ("who", "expect"), [("other_caseworker", 404), ("other_manager", 404), ("lister", 403), ("commissioner", 403)]
)
@pytest.mark.parametrize("path", ["", "/profile", "/contacts", "/safety-exclusions", "/permissions"])
def test_a_refused_attempt_leaves_a_row(client, world: World, database, who: str, expect: int, path: str):
    person, _ = world.supported()
    before = newest(database)
    answer = client.get(f"{API}/jobseekers/{person}{path}", headers=world.key(who))
    assert answer.status_code == expect
    (row,) = rows_since(database, before)
    assert (row.is_refused, row.is_change, row.jobseeker_id) == (True, False, person)
    assert (row.by, row.organisation_id) == (world.actors[who].user_id, world.actors[who].organisation_id)
    log = client.get(f"{API}/jobseekers/{person}/access-log", headers=world.key("manager")).json()["items"]
    assert [line["is_refused"] for line in log if line["id"] == str(row.id)] == [True]


def test_a_social_enterprise_that_reads_nothing_has_read_nothing(client, world: World, database, call):
    person, _ = world.supported()
    world.permit(person)
    made = call("caseworker", "/introductions", jobseeker_id=str(person), placement_id=str(world.list_placement()))
    for step in ("agree", "send"):
        call("caseworker", f"/introductions/{made['id']}/{step}")

    def read() -> list[AuditRow]:
        before = newest(database)
        client.get(f"{API}/introductions", headers=world.key("lister"))
        client.get(f"{API}/introductions/{made['id']}", headers=world.key("lister"))
        return rows_since(database, before)

    assert len(read()) == 2
    call("caseworker", f"/introductions/{made['id']}/withdraw", why="other")
    assert read() == []


def test_the_log_of_a_person_holds_the_lists_in_which_they_were(client, world: World, database):
    person, _ = world.supported()
    world.supported(ref="B", given_name="Wei", family_name="Zhang", nino=None, nhs_number=None, email=None, phone=None)
    client.get(f"{API}/jobseekers", headers=world.key("colleague"))
    with database.reading() as session:
        (row,) = session.scalars(select(AuditRow).where(AuditRow.by == world.actors["colleague"].user_id)).all()
        assert session.scalars(select(AuditRow.id).where(is_about([person]), AuditRow.id == row.id)).all() == [row.id]
    assert len(row.listed) == 2
    assert not any(name in json.dumps(row.listed) for name in NAMES)
    log = client.get(f"{API}/jobseekers/{person}/access-log", headers=world.key("manager")).json()["items"]
    assert row.id in {UUID(line["id"]) for line in log}
