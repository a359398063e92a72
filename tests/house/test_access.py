"""Every operation as a stranger and as every role, against the one table; every field against the one policy."""

import re
from typing import Annotated, get_args
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from pathways.access.permissions import PERMISSIONS_OF, Permission
from pathways.base import Actor
from pathways.fields import SHAREABLE, Group, Purpose, Relation, Relationship, Schema, UntaggedField, visible_fields
from tests.world import MEMBERS, World

ROLE_MEMBERS = {role: name for name, (_, role) in reversed(MEMBERS.items())}


def operations(client: TestClient):
    for path, methods in client.app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def filled(path: str) -> str:
    path = path.replace("{name}", "cohort.csv")
    return re.sub(r"{\w+}", str(uuid4()), path)


def test_every_operation_names_a_permission_of_the_table(client):
    named = {operation["x-permission"] for *_, operation in operations(client)}
    assert len(named) > 40
    assert named <= set(Permission)
    assert set(Permission) - named == set()


def test_no_operation_is_open_to_a_stranger(client):
    looked_at = 0
    for method, path, _ in operations(client):
        for headers in ({}, {"Authorization": "Bearer pw_unknown1_secret"}, {"Authorization": "Basic abc"}):
            answer = client.request(method, filled(path), headers=headers)
            assert answer.status_code == 401, (method, path, answer.status_code)
            looked_at += 1
    assert looked_at > 250


@pytest.mark.long_test("sqlite")
def test_each_role_is_let_in_exactly_where_the_table_opens(client, world: World):
    looked_at = 0
    for role, permissions in PERMISSIONS_OF.items():
        name = ROLE_MEMBERS.get(role, "operator")
        for method, path, operation in operations(client):
            answer = client.request(method, filled(path), headers=world.key(name), json={})
            is_shut_out = answer.status_code == 403 and answer.json()["type"] == "/problems/role-may-not"
            may = Permission(operation["x-permission"]) in permissions
            assert is_shut_out is not may, (role, method, path, answer.status_code)
            looked_at += 1
    assert looked_at > 700


def test_a_key_stops_when_it_is_revoked_when_it_expires_and_when_its_member_leaves(client, world: World):
    keys = client.get("/api/v1/keys?limit=100", headers=world.key("operator")).json()["items"]
    key = next(k for k in keys if k["membership_id"] == str(world.actors["caseworker"].membership_id))
    assert client.get("/api/v1/jobseekers", headers=world.key("caseworker")).status_code == 200
    client.post(f"/api/v1/keys/{key['id']}/revoke", headers=world.key("operator"))
    assert client.get("/api/v1/jobseekers", headers=world.key("caseworker")).status_code == 401
    member = world.actors["colleague"].membership_id
    client.post(f"/api/v1/members/{member}/end", headers=world.key("operator"))
    assert client.get("/api/v1/jobseekers", headers=world.key("colleague")).status_code == 401


PERSON_PATHS = (
    "/jobseekers/{person}",
    "/jobseekers/{person}/profile",
    "/jobseekers/{person}/profile/versions",
    "/jobseekers/{person}/permissions",
    "/jobseekers/{person}/contacts",
    "/jobseekers/{person}/supporters",
    "/jobseekers/{person}/timeline",
    "/jobseekers/{person}/duplicates",
    "/jobseekers/{person}/outcomes",
    "/jobseekers/{person}/shortlists",
    "/referrals/{referral}",
    "/enrolments/{enrolment}",
)


def test_another_organisations_rows_are_not_found(client, world: World):
    person, enrolment = world.supported()
    referral = client.get("/api/v1/referrals", headers=world.key("caseworker")).json()["items"][0]["id"]
    for template in PERSON_PATHS:
        path = "/api/v1" + template.format(person=person, referral=referral, enrolment=enrolment)
        assert client.get(path, headers=world.key("caseworker")).status_code == 200, path
        for other in ("other_caseworker", "other_manager"):
            assert client.get(path, headers=world.key(other)).status_code == 404, path
    assert client.get(f"/api/v1/referrals/{referral}", headers=world.key("other_referrer")).status_code == 404
    for listing in ("/jobseekers", "/referrals", "/enrolments", "/introductions", "/spells", "/evidence", "/outcomes"):
        answer = client.get(f"/api/v1{listing}", headers=world.key("other_manager"))
        assert answer.json()["items"] == [], listing


def test_a_restricted_case_is_seen_by_its_caseworker_and_the_managers_only(client, world: World):
    person, _ = world.supported(is_restricted=True)
    seen = {
        name: client.get(f"/api/v1/jobseekers/{person}", headers=world.key(name)).status_code
        for name in ("caseworker", "manager", "colleague")
    }
    assert seen == {"caseworker": 200, "manager": 200, "colleague": 404}
    hits = client.post("/api/v1/jobseekers/search", headers=world.key("colleague"), json={"name": "Amina"}).json()
    assert hits["items"] == []


def test_an_untagged_field_fails_the_build():
    with pytest.raises(UntaggedField, match="has no group"):

        class Untagged(Schema):
            secret: str

    with pytest.raises(UntaggedField, match="must allow None"):

        class NotHideable(Schema):
            name: Annotated[str, Group.IDENTITY]


def schemas_by_name() -> dict[str, type[Schema]]:
    found: dict[str, type[Schema]] = {}
    waiting = [Schema]
    while waiting:
        for schema in waiting.pop().__subclasses__():
            found[schema.__name__] = schema
            waiting.append(schema)
    return found


def shown_in(schema: type[Schema], reply: dict, visible: frozenset[Group]):
    """Yield each field of a reply with whether the policy shows it, going into what is nested."""
    for name, group in schema.group_of.items():
        if name not in reply:
            continue
        value = reply[name]
        yield f"{schema.__name__}.{name}", group in visible, value
        inner = [arg for arg in [schema.model_fields[name].annotation] if isinstance(arg, type)]
        inner += [arg for arg in get_args(schema.model_fields[name].annotation) if isinstance(arg, type)]
        for nested in inner:
            if issubclass(nested, Schema):
                for one in value if isinstance(value, list) else [value] if value else []:
                    yield from shown_in(nested, one, visible)


RELATION_OF = {"caseworker": Relation.OWN_CASEWORKER, "colleague": Relation.COLLEAGUE, "manager": Relation.MANAGER}


@pytest.mark.parametrize("name", RELATION_OF)
def test_every_field_of_every_reply_about_a_person_is_one_that_visible_fields_shows(client, world: World, name: str):
    """Every GET about one person, its reply walked field by field against the policy."""
    person, enrolment = world.supported(contact_withheld_reason="MAPPA", council_person_id="401138")
    world.permit(person)
    world.list_placement()
    headers = world.key(name)
    shortlist = client.post(f"/api/v1/jobseekers/{person}/shortlists", headers=headers, json={}).json()["id"]
    referral = client.get("/api/v1/referrals", headers=headers).json()["items"][0]["id"]
    known = {"jobseeker_id": person, "referral_id": referral, "enrolment_id": enrolment, "shortlist_id": shortlist}
    schemas = schemas_by_name()
    looked_at: set[str] = set()
    for method, path, operation in operations(client):
        names = re.findall(r"{(\w+)}", path)
        if method != "GET" or not set(names) <= set(known) or path.endswith("/imports/template"):
            continue  # a template is a workbook that holds no person
        answer = client.get(path.format(**known), headers=headers)
        if answer.status_code in {403, 404}:
            continue
        reference = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        schema = schemas.get(reference.removeprefix("Page_").removesuffix("_"))
        assert schema is not None, reference
        purpose = Purpose.REFERRAL if path.startswith("/api/v1/referrals") else Purpose.SUPPORT
        if path.endswith("/extract"):
            continue  # the person's own copy, by its own purpose: test_holdings
        visible = visible_fields(world.actors[name], Relationship(RELATION_OF[name]), purpose)
        replies = answer.json()["items"] if reference.startswith("Page_") else [answer.json()]
        for reply in replies:
            for field, is_shown, value in shown_in(schema, reply, visible):
                assert is_shown or value is None, (path, field)
                looked_at.add(field)
    assert len(looked_at) > 150
    assert {"JobseekerOut.nino", "ProfileOut.adjustments", "ReferralOut.source_type", "MatchOut.score"} <= looked_at


def test_a_colleague_does_not_read_why_contact_is_withheld_and_the_caseworker_does(client, world: World):
    person, _ = world.supported(contact_withheld_reason="MAPPA")
    read = {
        name: client.get(f"/api/v1/jobseekers/{person}", headers=world.key(name)).json()["contact_withheld_reason"]
        for name in ("caseworker", "colleague")
    }
    assert read == {"caseworker": "MAPPA", "colleague": None}


def test_identifiers_are_sealed_at_rest_and_masked_on_reading(client, world: World, database):
    person, _ = world.supported()
    answer = client.get(f"/api/v1/jobseekers/{person}", headers=world.key("caseworker")).json()
    assert (answer["nino"], answer["nhs_number"]) == ("******66C", "*******476")
    with database.engine.connect() as connection:
        stored = str(connection.execute(text("SELECT * FROM jobseeker_details")).all())
    assert "QQ224466C" not in stored
    assert "9990770476" not in stored


def test_a_social_enterprise_is_never_shown_what_nobody_may_tell_it():
    lister_only = Relationship(Relation.SOCIAL_ENTERPRISE, frozenset(Group))
    for name, (_, role) in MEMBERS.items():
        seen = visible_fields(Actor(UUID(int=1), UUID(int=2), role), lister_only, Purpose.INTRODUCTION)
        assert seen <= SHAREABLE | {Group.RECORD}, name
        assert Group.CONVICTIONS not in seen
        assert Group.REFERRAL_SOURCE not in seen
