"""What an independent attack on a running server found, each as a test."""

from typing import Any

import pytest

from pathways.errors import DomainError
from pathways.introductions.models import IntroductionState as S
from pathways.sheets import cells, slips
from tests.pathways.test_protection import API, MARKS, UnderWay
from tests.world import World


def ask(client, world: World, who: str, method: str, path: str, **body: Any) -> Any:
    key = world.key(who)
    if method in {"PATCH", "PUT"}:
        key = key | {"If-Match": client.get(f"{API}{path}", headers=world.key("manager")).headers.get("ETag", '"0"')}
    return client.request(method, f"{API}{path}", headers=key, json=body or None)


def test_a_restriction_on_suspicion_stops_the_social_enterprise_too_until_it_is_lifted(client, world: World, database):
    case = UnderWay(client, world, database, S.INVITED)
    world.refer(ref="B", by="other_referrer", nino=None, is_restricted=True)
    assert not [mark for mark in MARKS if mark in case.read("lister").text]
    case.post("lister", f"/introductions/{case.id}/offer", expect=403)
    assert "restriction" in ask(client, world, "manager", "GET", f"/introductions/{case.id}").json()["stopped"]
    case.post("manager", f"/jobseekers/{case.person}/lift-restriction", reason="Two people.")
    assert case.read("lister").json()["given_name"] == "Amina"


def test_a_permission_neither_begins_later_nor_outlives_what_ended_it(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    body = {
        "social_enterprise_id": str(world.organisations["enterprise"]),
        "groups": ["identity", "contact"],
        "how_given": "signed",
    }
    path, today = f"/jobseekers/{case.person}/permissions", world.on("caseworker").today
    later = ask(client, world, "caseworker", "POST", path, **body, valid_on=str(today.replace(year=today.year + 1)))
    assert later.status_code == 409
    case.protect("permission revoked")
    older = ask(client, world, "caseworker", "POST", path, **body, valid_on="2026-01-01")
    assert (older.status_code, "older than" in older.text) == (409, True)
    assert case.read("lister").json()["given_name"] is None
    assert ask(client, world, "caseworker", "POST", path, **body).status_code == 201
    assert case.read("lister").json()["given_name"] == "Amina"


@pytest.mark.parametrize(("state", "step"), [(S.SENT, "invite"), (S.OFFERED, "accept"), (S.ACCEPTED, "start")])
@pytest.mark.parametrize("fact", ["permission revoked", "case restricted"])
def test_the_partner_takes_no_step_nearer_without_a_permission(client, world: World, database, fact, state, step):
    case = UnderWay(client, world, database, state)
    case.protect(fact)
    body = {"started_on": str(world.on("lister").today)} if step == "start" else {}
    refused = case.post("caseworker", f"/introductions/{case.id}/{step}", expect=409, **body)
    assert refused["type"] == "/problems/permission-needed"
    case.post("caseworker", f"/introductions/{case.id}/withdraw", why="other")


def test_a_closed_case_is_taken_by_nobody_but_a_manager(client, world: World, database):
    person, enrolment = world.supported()
    ended = {"ended_on": str(world.on("manager").today), "end_reason": "moved_away"}
    assert ask(client, world, "manager", "POST", f"/enrolments/{enrolment}/end", **ended).is_success
    tag = client.get(f"{API}/jobseekers/{person}", headers=world.key("manager")).headers["ETag"]
    closed = client.post(
        f"{API}/jobseekers/{person}/close",
        json={"closed_on": str(world.on("manager").today), "end_reason": "moved_away", "reason": "Moved."},
        headers=world.key("manager") | {"If-Match": tag},
    )
    assert closed.status_code == 200, closed.text
    referral = world.refer(
        ref="B",
        by="colleague",
        jobseeker_id=person,
        partner_id=None,
        source_type="SELF",
    )
    world.accept(referral)
    body = {
        "referral_id": str(referral.id),
        "programme_id": str(world.programme_id),
        "started_on": str(world.on("manager").today),
        "caseworker_id": str(world.actors["colleague"].membership_id),
    }
    assert ask(client, world, "colleague", "POST", "/enrolments", **body).status_code == 403
    assert ask(client, world, "manager", "POST", "/enrolments", **body).is_success


def test_convictions_show_neither_in_the_profile_nor_in_a_refusal(client, world: World, database):
    person, _ = world.supported()
    lines = ["Debt", "MARK unspent conviction", "Was in prison: MARK", "Worked as a prison officer", "probation period"]
    assert ask(client, world, "manager", "PUT", f"/jobseekers/{person}/profile", barriers=lines).is_success
    for path in ("profile", "profile/versions"):
        read = ask(client, world, "colleague", "GET", f"/jobseekers/{person}/{path}")
        assert ("MARK" in read.text, "prison officer" in read.text, "withheld" in read.text) == (False, True, True)
        assert "MARK" in ask(client, world, "caseworker", "GET", f"/jobseekers/{person}/{path}").text
    new = {"kind": "conviction", "opened_on": "2026-10-01"}
    first = ask(client, world, "colleague", "POST", f"/jobseekers/{person}/barriers", **new)
    assert ask(client, world, "caseworker", "POST", f"/jobseekers/{person}/barriers", **new).status_code == 201
    second = ask(client, world, "colleague", "POST", f"/jobseekers/{person}/barriers", **new)
    assert (first.status_code, first.json()["detail"]) == (second.status_code, second.json()["detail"])


def test_a_colleague_erases_no_protection_that_they_cannot_read(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    case.protect("contact withheld")
    change = ask(client, world, "colleague", "PATCH", f"/jobseekers/{case.person}", contact_withheld_reason=None)
    assert (change.status_code, "may not read" in change.text) == (403, True)
    # The colleague who answers the telephone adds a reason at once, without reading the others.
    added = {"contact_withheld_reason": "He has her telephone now."}
    change = ask(client, world, "colleague", "PATCH", f"/jobseekers/{case.person}", **added)
    assert (change.status_code, "MAPPA" in change.text) == (200, False)
    now = ask(client, world, "manager", "GET", f"/jobseekers/{case.person}").json()
    assert now["contact_withheld_reason"] == "MAPPA / He has her telephone now."
    assert case.read("lister").json()["phone"] is None
    made = case.protect("person nobody knows")
    path = f"/jobseekers/{case.person}/safety-exclusions/{made['id']}/withdraw"
    assert ask(client, world, "colleague", "POST", path, reason="Not needed.").status_code == 403
    assert ask(client, world, "caseworker", "POST", path, reason="Not needed.").status_code == 200


def test_what_protects_in_a_later_referral_acts_on_the_record(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    world.refer(
        ref="B",
        by="caseworker",
        jobseeker_id=case.person,
        partner_id=None,
        source_type="SELF",
        contact_withheld_reason="MAPPA",
        safe_contact="Never ring.",
        is_restricted=True,
    )
    assert case.read("lister").json()["phone"] is None
    now = ask(client, world, "manager", "GET", f"/jobseekers/{case.person}").json()
    assert (now["is_restricted"], now["contact_withheld_reason"]) == (True, "MAPPA")
    assert now["safe_contact"] == "Text only, between nine and three / Never ring."


def test_a_safety_check_lapses_when_the_listing_changes(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    case.exclude(kind="person", who="Lamorak Thistle")
    case.post("caseworker", f"/introductions/{case.id}/confirm-safety", reason="Nobody of that name.")
    assert case.read("lister").json()["given_name"] == "Amina"
    for address in ("lamorak.thistle@example.org", "hello@example.org"):
        changed = ask(client, world, "lister", "PATCH", f"/placements/{case.placement}", contact_email=address)
        assert changed.status_code == 200, changed.text
        assert case.read("lister").json()["given_name"] is None


def test_a_refused_attempt_by_another_id_is_in_the_log_of_the_person(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    tried = [
        ("other_caseworker", "GET", f"/introductions/{case.id}", {}),
        ("other_caseworker", "POST", f"/introductions/{case.id}/withdraw", {"why": "other"}),
        (
            "other_caseworker",
            "POST",
            "/introductions",
            {"jobseeker_id": str(case.person), "placement_id": str(case.placement)},
        ),
        ("commissioner", "GET", f"/introductions/{case.id}", {}),
    ]
    for who, method, path, body in tried:
        assert ask(client, world, who, method, path, **body).status_code in {403, 404}
    log = ask(client, world, "manager", "GET", f"/jobseekers/{case.person}/access-log?limit=100").json()["items"]
    refused = [line for line in log if line["is_refused"]]
    assert len(refused) == len(tried)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1999/04/03", "1999-04-03"),
        ("1999.04.03", "1999-04-03"),
        ("1999-04-03T00:00:00", "1999-04-03"),
        ("1999-04-03 00:00:00", "1999-04-03"),
        ("1999-4-3", "1999-04-03"),
        ("1999/04/13 ", "1999-04-13"),
        ("1999-04-03 00:00:00.000+00", "1999-04-03"),
        ("1999 04 03", "1999-04-03"),
        ("03/04/1999 00:00", "1999-04-03"),
        ("3 April 1999 12:00", "1999-04-03"),
    ],
)
def test_a_date_with_its_year_first_is_never_turned(written: str, day: str):
    assert str(cells.as_date(written)) == day


@pytest.mark.parametrize("written", ["1999-13-03", "1999/02/30 00:00:00", "1999-00-10"])
def test_a_date_that_does_not_exist_is_not_turned_into_one(written: str):
    with pytest.raises(cells.InvalidCell):
        cells.as_date(written)


@pytest.mark.parametrize(
    ("written", "is_restricted"),
    [
        ("?", True),
        ("tbc", True),
        ("not sure", True),
        ("yes", True),
        ("no", False),
        ("", None),
        ("n/a", None),
        ("-", None),
    ],
)
def test_a_doubt_about_a_restriction_protects_and_says_so(written: str, is_restricted: bool | None):
    read = slips.restricted(written)
    assert (read.value if isinstance(read, slips.Slip) else read) is is_restricted
    assert isinstance(read, slips.Slip) is (is_restricted is True and written != "yes")


@pytest.mark.parametrize("title", ["Mr", "Mrs", "Miss", "Ms", "Dr."])
def test_a_title_counts_for_nothing_in_a_search(client, world: World, database, title: str):
    world.supported()
    found = ask(client, world, "caseworker", "POST", "/jobseekers/search", text=f"{title} Bhriain").json()["items"]
    assert [hit["given_name"] for hit in found] == ["Amina"]


def test_a_week_of_no_hours_is_not_published(client, world: World, database):
    with pytest.raises(DomainError, match="0 hours is no work"):
        world.list_placement(hours_per_week=0)


@pytest.mark.parametrize(
    ("title", "description", "asks"),
    [
        ("Home help", "Help older people get out of bed, shower and take their tablets", True),
        ("Helper", "Toddlers, nappy changing", True),
        ("Creche worker", "Fun mornings", True),
        ("Plant nursery assistant", "Water the seedlings", False),
        ("Caretaker", "Look after an office building", False),
    ],
)
def test_personal_care_by_other_words_asks_for_a_dbs_level(client, world: World, database, title, description, asks):
    body = {"title": title, "description": description, "kind": "JOB_OPEN", "pay_per_hour_pounds": 14}
    made = ask(client, world, "lister", "POST", "/placements", **body).json()
    assert ("dbs_level" in str(made["kept_in_draft_because"])) is asks, made["kept_in_draft_because"]


def test_a_date_of_birth_to_come_is_named_as_that(client, world: World, database):
    body = {"given_name": "Rosa", "family_name": "Future", "date_of_birth": "2099-11-03"}
    made = ask(client, world, "caseworker", "POST", "/jobseekers", **body).json()
    assert [one["text"] for one in made["warnings"] if "in the future" in one["text"]]


def test_a_resent_row_that_cannot_be_read_says_that_the_listing_keeps_its_value(client, world: World, database):
    world.list_placement(ref="P1", title="Packer", pay_per_hour_pounds="13.50", hours_per_week=16)
    header = "placement_ref,title,kind,hours_per_week,pay_per_hour_pounds"

    def send(hours: str, pay: str) -> Any:
        content = f"{header}\nP1,Packer,JOB_OPEN,{hours},{pay}\n".encode()
        answer = client.post(
            f"{API}/placements/imports", headers=world.key("lister"), files={"file": ("rows.csv", content)}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["report"]

    rules = [one["rule"] for one in send("part time", "NMW")["warnings"]]
    assert sum("keeps the value that it has" in rule for rule in rules) == 2
    listed = ask(client, world, "lister", "GET", "/placements").json()["items"][0]
    assert (listed["pay_per_hour_pounds"], listed["hours_per_week"]) == (13.5, 16.0)
    send("16", "13.50")
    assert ask(client, world, "lister", "GET", "/placements").json()["items"][0]["as_written"] is None
