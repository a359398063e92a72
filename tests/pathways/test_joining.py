"""What protects a person travels with the contact, and survives a merge of two records."""

import re
from typing import Any

import pytest

from pathways.fields import Schema
from pathways.jobseekers.schemas import NewJobseeker
from tests.world import World

API = "/api/v1"


def schemas(base: type[Schema] = Schema) -> list[type[Schema]]:
    return [one for child in base.__subclasses__() for one in (child, *schemas(child))]


def test_whoever_reads_a_number_reads_how_it_is_safe_to_use_it():
    looked_at = 0
    for schema in schemas():
        groups = schema.group_of
        if {"phone", "given_name"} <= set(groups):
            looked_at += 1
            assert groups.get("safe_contact") is groups["phone"], schema.__name__
    assert looked_at >= 5


@pytest.fixture
def ask(client, world: World):
    def send(method: str, path: str, by: str = "caseworker", expect: int | None = None, **body: Any) -> Any:
        key = world.key(by)
        if method in {"PATCH", "PUT"}:
            read = client.get(f"{API}{path}", headers=key)
            key = key | {"If-Match": read.headers.get("ETag", '"0"')}
        answer = client.request(method, f"{API}{path}", headers=key, json=body or None)
        assert answer.status_code in ({200, 201} if expect is None else {expect}), answer.text
        return answer.json()

    return send


def made(ask, **details: Any) -> str:
    return ask("POST", "/jobseekers", given_name="Rosa", family_name="Merge", date_of_birth="1998-04-02", **details)[
        "id"
    ]


KEPT, TAKEN = "Text only, between 9 and 3", "Never ring: he answers her phone. Use her sister."
TEXTS = ["safe_contact", "contact_withheld_reason"]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    ("kept", "taken", "both"),
    [
        (KEPT, TAKEN, f"{KEPT} / {TAKEN}"),
        (None, TAKEN, TAKEN),
        (KEPT, None, KEPT),
        (KEPT, KEPT.upper(), KEPT),
        (KEPT, f"{KEPT}. {TAKEN}", f"{KEPT}. {TAKEN}"),
    ],
)
def test_a_merge_keeps_the_protective_texts_of_both_and_its_undo_parts_them(
    ask, name: str, kept: str | None, taken: str | None, both: str
):
    a, b = made(ask, phone="07700900701", **{name: kept}), made(ask, phone="07700900702", **{name: taken})
    merge = ask("POST", f"/jobseekers/{a}/merge", by="manager", other_id=b, reason="One person.")
    assert ask("GET", f"/jobseekers/{a}", by="manager")[name] == both
    assert (name in merge["filled"]) is (both != kept)
    ask("POST", f"/jobseekers/{a}/merges/{merge['id']}/undo", by="manager", reason="Two people.")
    for one, text in ((a, kept), (b, taken)):
        assert ask("GET", f"/jobseekers/{one}", by="manager")[name] == text


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_do_not_fit_together_are_named_and_nothing_is_merged(ask, name: str):
    a, *others, b = (made(ask, **{name: f"{letter} " * 149}) for letter in "acdb")
    for other in others:
        ask("POST", f"/jobseekers/{a}/merge", by="manager", other_id=other, reason="One person.")
    refused = ask("POST", f"/jobseekers/{a}/merge", by="manager", expect=409, other_id=b, reason="One person.")
    assert refused["type"] == "/problems/differ-to-settle"
    assert name in refused["detail"]
    assert "bbb" not in refused["detail"].replace(" ", "")
    assert ask("GET", f"/jobseekers/{b}", by="manager")["state"] == "referred"


LISTS: dict[str, tuple[Any, Any, Any]] = {
    "avoid": (["kitchens"], ["lone working"], ["kitchens", "lone working"]),
    "adjustments": (["quiet space"], ["seat", "quiet space"], ["quiet space", "seat"]),
    "barriers": (["debt"], ["he waits outside"], ["debt", "he waits outside"]),
    "can_travel_alone": (True, False, False),
    "note": ("Likes dogs.", "Never alone with men.", "Likes dogs.\n\nNever alone with men."),
    "own_words": ("I want work.", "I am afraid of him.", "I want work.\n\nI am afraid of him."),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_merge_keeps_every_protective_line_of_both_profiles(ask, name: str):
    kept, taken, both = LISTS[name]
    a, b = made(ask), made(ask)
    for one, value in ((a, kept), (b, taken)):
        ask("PUT", f"/jobseekers/{one}/profile", **{name: value})
    merge = ask("POST", f"/jobseekers/{a}/merge", by="manager", other_id=b, reason="One person.")
    assert ask("GET", f"/jobseekers/{a}/profile", by="manager")[name] == both
    assert name in merge["filled"]
    ask("POST", f"/jobseekers/{a}/merges/{merge['id']}/undo", by="manager", reason="Two people.")
    for one, value in ((a, kept), (b, taken)):
        assert ask("GET", f"/jobseekers/{one}/profile", by="manager")[name] == value


def test_an_interpreter_that_one_record_needs_is_needed(ask):
    a, b = made(ask, interpreter_needed=False), made(ask, interpreter_needed=True)
    ask("POST", f"/jobseekers/{a}/merge", by="manager", other_id=b, reason="One person.")
    assert ask("GET", f"/jobseekers/{a}", by="manager")["interpreter_needed"] is True


@pytest.mark.parametrize("restricted", ["kept", "taken"])
def test_a_merge_restricts_and_asks_again_what_may_be_shared(ask, world: World, restricted: str):
    a, b = made(ask), made(ask)
    groups = {"social_enterprise_id": str(world.organisations["enterprise"]), "groups": ["identity"], "how_given": "x"}
    ask("POST", f"/jobseekers/{a}/permissions", **groups)
    ask("POST", f"/jobseekers/{a if restricted == 'kept' else b}/restrict", by="manager", reason="He looks for her.")
    ask("POST", f"/jobseekers/{a}/merge", by="manager", other_id=b, reason="One person.")
    assert ask("GET", f"/jobseekers/{a}", by="manager")["is_restricted"] is True
    items = ask("GET", f"/jobseekers/{a}/permissions", by="manager")["items"]
    assert [one["is_granted"] for one in items] == [False]


def test_every_detail_of_a_person_is_filled_or_joined_or_named(ask):
    """No detail of the record that nobody opens afterwards is left only there, unless the kept record has its own."""
    values: dict[str, Any] = {
        "known_as": "Ro",
        "council_person_id": "C1",
        "language": "Somali",
        "interpreter_needed": True,
        "safe_contact": "Text only",
        "contact_withheld_reason": "MAPPA",
        "nino": "QQ224466C",
        "nhs_number": "9990770476",
    }
    assert set(values) <= set(NewJobseeker.model_fields)
    a, b = made(ask), made(ask, **values)
    ask("POST", f"/jobseekers/{a}/merge", by="manager", other_id=b, reason="One person.")
    told = ask("GET", f"/jobseekers/{a}", by="manager")
    assert {name for name in values if told[name] in (None, "")} == set()


LATER = "Never ring: he answers her phone."


def people_with_numbers(reply: Any) -> list[dict[str, Any]]:
    """Return every object of a reply, at any depth, that holds a jobseeker's name and telephone number."""
    if isinstance(reply, list):
        return [one for item in reply for one in people_with_numbers(item)]
    if not isinstance(reply, dict):
        return []
    inner = [one for value in reply.values() for one in people_with_numbers(value)]
    return [*inner, reply] if reply.get("phone") and "given_name" in reply else inner


def test_through_every_door_a_number_comes_with_what_was_said_later_about_it(client, world: World, ask):
    referral = world.refer(safe_contact="Text first")
    world.accept(referral)
    enrolment, person = world.enrol(referral), str(referral.jobseeker_id)
    world.permit(referral.jobseeker_id, "identity", "contact", "work")
    again = {"given_name": "Amina", "family_name": "Ni Bhriain", "date_of_birth": "2002-05-26", "phone": "07700900123"}
    ask("POST", "/jobseekers", **again, safe_contact=LATER)
    placement = str(world.list_placement())
    made = ask("POST", "/introductions", jobseeker_id=person, placement_id=placement)
    for step in ("agree", "send"):
        ask("POST", f"/introductions/{made['id']}/{step}")
    ask("PATCH", f"/jobseekers/{person}", safe_contact=LATER)
    ids = {"jobseeker_id": person, "referral_id": referral.id, "introduction_id": made["id"], "enrolment_id": enrolment}
    pairs = ask("GET", "/duplicates")["items"]
    ids |= {"pair_id": pairs[0]["id"]} if pairs else {}
    document, doors = client.app.openapi(), set()
    for path, methods in document["paths"].items():
        if "get" not in methods or path.endswith("/extract") or not set(re.findall(r"{(\w+)}", path)) <= set(ids):
            continue
        for who in ("caseworker", "colleague", "manager", "referrer", "lister"):
            answer = client.get(path.format(**ids), headers=world.key(who))
            if not answer.headers.get("content-type", "").startswith("application/json"):
                continue
            for one in people_with_numbers(answer.json()):
                doors.add((path.removeprefix(API), who))
                assert LATER in (one["safe_contact"] or ""), (path, who)
    referrals = {("/referrals/{referral_id}", who) for who in ("caseworker", "colleague", "manager", "referrer")}
    assert referrals | {("/introductions/{introduction_id}", "lister")} <= doors
    told = ask("GET", f"/referrals/{referral.id}")
    assert (told["safe_contact"], told["differs_from_record"]) == (f"{LATER} / Text first", ["safe_contact"])


def test_a_referrer_reads_no_number_once_the_partner_withholds_it(client, world: World, ask):
    referral = world.refer()
    assert ask("GET", f"/referrals/{referral.id}", by="referrer")["phone"]
    ask("PATCH", f"/jobseekers/{referral.jobseeker_id}", by="manager", contact_withheld_reason="He works there.")
    read = ask("GET", f"/referrals/{referral.id}", by="referrer")
    assert (read["phone"], read["email"], "phone" in read["withheld"]) == (None, None, True)
    assert ask("GET", f"/referrals/{referral.id}", by="manager")["phone"]


SINCE: dict[str, Any] = {
    "safe_contact": LATER,
    "contact_withheld_reason": "He works there.",
    "interpreter_needed": True,
    "avoid": ["lone working", "night shifts"],
    "adjustments": ["seat"],
    "can_travel_alone": False,
}


@pytest.mark.parametrize("name", SINCE)
def test_what_protects_and_was_recorded_during_a_merge_is_on_both_records_after_its_undo(ask, name: str):
    a, b = made(ask), made(ask, council_person_id="C1")
    for one in (a, b):
        ask("PUT", f"/jobseekers/{one}/profile", avoid=["kitchens"], skills=["cooking"] if one == b else None)
    merge = ask("POST", f"/jobseekers/{a}/merge", by="manager", other_id=b, reason="One person.")
    at = {True: f"/jobseekers/{a}", False: f"/jobseekers/{a}/profile"}[name in NewJobseeker.model_fields]
    method = "PATCH" if at.endswith(a) else "PUT"
    ask(method, at, by="manager", **({"avoid": ["kitchens"]} if method == "PUT" else {}) | {name: SINCE[name]})
    undone = ask("POST", f"/jobseekers/{a}/merges/{merge['id']}/undo", by="manager", reason="Two people.")
    for one in (a, b):
        read = ask("GET", at.replace(a, one), by="manager")[name]
        assert set(SINCE[name]) <= set(read) if isinstance(read, list) else read == SINCE[name], one
    assert any("both records" in text for text in undone["left"])
    assert "council_person_id" in undone["as_before"]


def test_a_merge_that_withholds_says_what_had_been_read(client, world: World, ask):
    person, _ = world.supported()
    world.permit(person, "identity", "contact")
    sent = ask("POST", "/introductions", jobseeker_id=str(person), placement_id=str(world.list_placement()))["id"]
    for step in ("agree", "send"):
        ask("POST", f"/introductions/{sent}/{step}")
    ask("GET", f"/introductions/{sent}", by="lister")
    other = made(ask, contact_withheld_reason="He works there.")
    merge = ask("POST", f"/jobseekers/{person}/merge", by="manager", other_id=other, reason="One person.")
    [read] = merge["stopped"]["already_read"]
    assert (read["social_enterprise"], read["groups"]) == ("Acorn Kitchen CIC", ["contact"])


@pytest.mark.parametrize("who", ["caseworker", "colleague", "manager"])
def test_a_record_says_that_another_of_the_same_person_knows_how_contact_is_safe(client, world: World, who):
    first, _ = world.supported(ref="A", safe_contact=None)
    second = world.refer(ref="B", by="other_referrer", safe_contact="Never ring: he answers her phone").jobseeker_id
    read = client.get(f"/api/v1/jobseekers/{first}", headers=world.key(who)).json()
    (hit,) = read["may_be"]
    assert hit["jobseeker_id"] == str(second)
    assert "how contact is safe" in hit["reasons"][-1]
    (pair,) = client.get("/api/v1/duplicates", headers=world.key(who)).json()["items"]
    assert "safe_contact" in pair["differs_on"]


def test_a_colleague_reads_that_contact_is_withheld_but_not_why(client, world: World):
    first, _ = world.supported(ref="A", contact_withheld_reason="MAPPA")
    second, _ = world.supported(ref="B", given_name="Zed", family_name="Quill", nino=None, nhs_number=None)
    read = {p: client.get(f"/api/v1/jobseekers/{p}", headers=world.key("colleague")).json() for p in (first, second)}
    assert [one["is_contact_withheld"] for one in read.values()] == [True, False]
    assert read[first]["contact_withheld_reason"] is None
