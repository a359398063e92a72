"""Whoever records a protective fact, and by whatever door, everything under way obeys it at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from pathways import daily
from pathways.access.models import User
from pathways.app import sender_of
from pathways.introductions.models import Introduction, IntroductionMove
from pathways.introductions.models import IntroductionState as S
from pathways.jobseekers.models import Jobseeker, JobseekerState, Restriction
from pathways.messages.models import EmailState, Notice, NoticeKind, WebhookDelivery, WebhookEndpoint
from tests.conftest import settings_for
from tests.pathways.test_attacked import ask
from tests.pathways.test_protection import API, MARKS, UnderWay
from tests.world import REFERRAL, World

SHEET = "referral_ref,source_type,referred_on,given_name,family_name,restricted,safe_contact,avoid\n"


def by_a_changed_referral(client, world: World, case: UnderWay, **said: Any) -> None:
    """Merge the person of an undecided referral into the record; then its referrer changes what they said."""
    blank = dict.fromkeys(set(REFERRAL) - {"ref", "source_type", "referred_on", "given_name", "family_name"})
    new = world.refer(ref="B", by="other_referrer", **blank)
    merge = {"other_id": str(new.jobseeker_id), "reason": "One person."}
    assert ask(client, world, "manager", "POST", f"/jobseekers/{case.person}/merge", **merge).status_code == 201
    changed = ask(client, world, "other_referrer", "PATCH", f"/referrals/{new.id}", **said)
    assert changed.status_code == 200, changed.text


def by_a_new_referral(client, world: World, case: UnderWay, **said: Any) -> None:
    world.refer(ref="C", by="caseworker", jobseeker_id=case.person, partner_id=None, source_type="SELF", **said)


def by_a_merge(client, world: World, case: UnderWay, **said: Any) -> None:
    profile = {name: said.pop(name) for name in ("avoid", "adjustments", "can_travel_alone") if name in said}
    is_restricted = said.pop("is_restricted", False)
    new = {"given_name": "Amina", "family_name": "Begum", **said}
    other = ask(client, world, "manager", "POST", "/jobseekers", **new).json()["id"]
    if profile:
        ask(client, world, "manager", "PUT", f"/jobseekers/{other}/profile", **profile)
    if is_restricted:
        ask(client, world, "manager", "POST", f"/jobseekers/{other}/restrict", reason="He looks for her.")
    merged = ask(client, world, "manager", "POST", f"/jobseekers/{case.person}/merge", other_id=other, reason="One.")
    assert merged.status_code == 201, merged.text


def by_a_change(client, world: World, case: UnderWay, **said: Any) -> None:
    assert ask(client, world, "manager", "PATCH", f"/jobseekers/{case.person}", **said).status_code == 200


DOORS = {
    "a changed referral": by_a_changed_referral,
    "a new referral": by_a_new_referral,
    "a merge": by_a_merge,
    "a change": by_a_change,
}


@pytest.mark.parametrize("door", DOORS)
def test_a_restriction_by_any_door_stops_what_is_under_way_and_restricts_the_likely_duplicate(
    client, world: World, database, door: str
):
    case = UnderWay(client, world, database, S.SENT)
    same = {"given_name": "Amina", "family_name": "Begum", "date_of_birth": "1998-05-04", "nino": "QQ224466C"}
    ask(client, world, "manager", "PATCH", f"/jobseekers/{case.person}", **same)
    twin = ask(client, world, "manager", "POST", "/jobseekers", **same).json()["id"]
    path = case.link()
    assert path is not None
    DOORS[door](client, world, case, is_restricted=True)
    assert not [mark for mark in MARKS if mark in case.read("lister").text]
    assert client.get(path).status_code in {404, 410}
    for one in (case.person, twin):
        assert ask(client, world, "manager", "GET", f"/jobseekers/{one}").json()["is_restricted"] is True
    with database.reading() as session:
        notices = session.scalars(select(Notice).where(Notice.kind == NoticeKind.INTRODUCTION_SENT)).all()
        assert [notice.cancelled_at is not None for notice in notices] == [True] * len(notices)
        assert session.scalars(select(Restriction.jobseeker_id)).all()


SAID: dict[str, tuple[Any, Any, Any]] = {
    "safe_contact": (
        "Text only, after six.",
        "NEVER RING, he answers.",
        "Text only, after six. / NEVER RING, he answers.",
    ),
    "contact_withheld_reason": ("MAPPA", "He looks for her.", "MAPPA / He looks for her."),
    "interpreter_needed": (False, True, True),
}
SAID_OF_PROFILE: dict[str, tuple[Any, Any, Any]] = {
    "avoid": (["kitchens"], ["lone working"], ["kitchens", "lone working"]),
    "adjustments": (["quiet space"], ["never alone with men"], ["quiet space", "never alone with men"]),
    "can_travel_alone": (True, False, False),
}
OTHER_SOURCES = {name: door for name, door in DOORS.items() if name != "a change"}


@pytest.mark.parametrize("door", OTHER_SOURCES)
@pytest.mark.parametrize("name", [*SAID, *SAID_OF_PROFILE])
def test_what_protects_is_added_to_the_record_by_any_door(client, world: World, name: str, door: str):
    """A caseworker has edited the record, so nothing of it may be replaced; what another source says is added."""
    before, said, both = (SAID | SAID_OF_PROFILE)[name]
    referral = world.refer(given_name="Amina", family_name="Begum")
    world.accept(referral)
    case = UnderWay.__new__(UnderWay)
    case.person = referral.jobseeker_id
    path = f"/jobseekers/{case.person}"
    if name in SAID:
        assert ask(client, world, "manager", "PATCH", path, **{name: before}).status_code == 200
    else:
        kept = {"note": "Likes dogs.", "barriers": ["debt"], "own_words": "I want work."}
        assert ask(client, world, "manager", "PUT", f"{path}/profile", **{name: before}, **kept).is_success
    DOORS[door](client, world, case, **{name: said})
    if name in SAID:
        assert ask(client, world, "manager", "GET", path).json()[name] == both
    else:
        profile = ask(client, world, "manager", "GET", f"{path}/profile").json()
        assert profile[name] == both
        assert (profile["note"], profile["barriers"], profile["own_words"]) == ("Likes dogs.", ["debt"], "I want work.")


def test_a_long_text_is_joined_and_never_replaced(client, world: World):
    referral = world.refer()
    world.accept(referral)
    path = f"/jobseekers/{referral.jobseeker_id}"
    ask(client, world, "manager", "PATCH", path, safe_contact="a " * 149)
    case = UnderWay.__new__(UnderWay)
    case.person = referral.jobseeker_id
    by_a_new_referral(client, world, case, safe_contact="b " * 149)
    now = ask(client, world, "manager", "GET", path).json()["safe_contact"]
    assert ("a a" in now, "b b" in now) == (True, True)


def test_a_second_reason_for_a_restriction_is_not_lost_without_a_word(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    case.protect("case restricted")
    again = ask(client, world, "manager", "POST", f"/jobseekers/{case.person}/restrict", reason="Another reason.")
    assert (again.status_code, "already restricted" in again.text) == (409, True)


def test_a_record_whose_restriction_was_lifted_is_protected_on_a_new_suspicion(client, world: World):
    same = {"given_name": "Rosa", "family_name": "Merge", "date_of_birth": "1998-04-02", "nino": "QQ224466C"}
    first = ask(client, world, "manager", "POST", "/jobseekers", **same).json()["id"]
    ask(client, world, "manager", "POST", f"/jobseekers/{first}/restrict", reason="He looks for her.")
    ask(client, world, "manager", "POST", f"/jobseekers/{first}/lift-restriction", reason="He moved away.")
    second = ask(client, world, "manager", "POST", "/jobseekers", **same).json()["id"]
    assert not ask(client, world, "manager", "GET", f"/jobseekers/{second}").json()["is_restricted"]
    ask(client, world, "manager", "POST", f"/jobseekers/{second}/restrict", reason="He is back.")
    assert ask(client, world, "manager", "GET", f"/jobseekers/{first}").json()["is_restricted"]
    # A manager who lifts it now has decided about this suspicion: nothing restricts it again until the other changes.
    ask(client, world, "manager", "POST", f"/jobseekers/{first}/lift-restriction", reason="Two people.")
    ask(client, world, "manager", "PATCH", f"/jobseekers/{first}", known_as="Ro")
    assert not ask(client, world, "manager", "GET", f"/jobseekers/{first}").json()["is_restricted"]


def test_a_safety_check_answers_only_the_exclusions_that_its_caseworker_knew(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    case.exclude(kind="person", who="Quentin Umbridge")
    case.post("caseworker", f"/introductions/{case.id}/confirm-safety", reason="Nobody of that name works there.")
    assert case.read("lister").json()["given_name"] == "Amina"
    other = ask(client, world, "manager", "POST", "/jobseekers", given_name="Amina", family_name="Begum").json()["id"]
    away = {"kind": "person", "who": "Zelda Thistle", "reason": "Asked for."}
    path = f"{API}/jobseekers/{other}/safety-exclusions"
    assert client.post(path, json=away, headers=world.key("manager")).status_code == 201
    # The review is newer than the other record's exclusion, and yet nobody looked for that person.
    ask(client, world, "manager", "POST", f"/jobseekers/{case.person}/merge", other_id=other, reason="One person.")
    assert case.read("lister").json()["given_name"] is None
    case.post("caseworker", f"/introductions/{case.id}/confirm-safety", reason="Neither works there, the manager says.")
    assert case.read("lister").json()["given_name"] == "Amina"


def test_what_had_been_read_of_a_merged_record_is_told_and_listed(client, world: World, database):
    case = UnderWay(client, world, database, S.INVITED)
    assert case.read("lister").status_code == 200
    kept = ask(client, world, "manager", "POST", "/jobseekers", given_name="Amina", family_name="Begum").json()["id"]
    merge = ask(client, world, "manager", "POST", f"/jobseekers/{kept}/merge", other_id=str(case.person), reason="One.")
    assert merge.status_code == 201, merge.text
    case.person = kept
    told = ask(
        client,
        world,
        "manager",
        "POST",
        f"/jobseekers/{kept}/safety-exclusions",
        kind="organisation",
        social_enterprise_id=str(world.organisations["enterprise"]),
        reason="Asked for.",
    ).json()
    assert [one["social_enterprise"] for one in told["stopped"]["already_read"]] == ["Acorn Kitchen CIC"]
    log = ask(client, world, "manager", "GET", f"/jobseekers/{kept}/access-log?limit=100").json()["items"]
    assert str(world.organisations["enterprise"]) in str(log)


OF_INTRODUCTIONS = WebhookDelivery.event_type.startswith("introduction.")


def hooked(world: World, database) -> None:
    with database.writing(world.operator) as session:
        session.add(
            WebhookEndpoint(
                organisation_id=world.organisations["enterprise"],
                url="https://example.org/hook",
                sealed_secret="x",
                made_at=world.operator.at,
            )
        )


@pytest.mark.parametrize("fact", ["organisation", "person by name", "permission revoked", "case restricted"])
def test_no_webhook_tells_the_social_enterprise_of_what_was_stopped(client, world: World, database, fact: str):
    hooked(world, database)
    case = UnderWay(client, world, database, S.SENT)
    with database.reading() as session:
        before = session.scalars(select(WebhookDelivery.event_type)).all()
    assert "introduction.send" in before
    case.protect(fact)
    with database.reading() as session:
        left = session.scalars(select(WebhookDelivery.state).where(OF_INTRODUCTIONS)).all()
    assert set(left) == {EmailState.CANCELLED}


def test_a_webhook_that_is_queued_all_the_same_asks_before_it_is_sent(client, world: World, database):
    hooked(world, database)
    case = UnderWay(client, world, database, S.SENT)
    case.protect("permission revoked")
    later = datetime.now(UTC) + timedelta(minutes=1)
    with database.writing(world.operator) as session:
        session.execute(update(WebhookDelivery).where(OF_INTRODUCTIONS).values(state=EmailState.QUEUED))
    replace(sender_of(settings_for("sqlite://"), database), mail=lambda _: None, now=lambda: later).send_due()
    with database.reading() as session:
        left = session.scalars(select(WebhookDelivery.state).where(OF_INTRODUCTIONS)).all()
    assert set(left) == {EmailState.CANCELLED}


def test_nobody_is_chased_or_blamed_for_an_answer_that_they_could_not_give(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    case.protect("person nobody knows")
    daily.run(database, world.operator, datetime.now(UTC) + timedelta(days=60))
    assert case.state() is S.SENT
    with database.reading() as session:
        kinds = set(session.scalars(select(Notice.kind).where(Notice.cancelled_at.is_(None))))
    assert not kinds & {NoticeKind.INTRODUCTION_UNANSWERED, NoticeKind.INTRODUCTION_EXPIRED}


def by_confirming(case: UnderWay, made: Any) -> None:
    case.post("caseworker", f"/introductions/{case.id}/confirm-safety", reason="Nobody of that name works there.")


def by_withdrawing(case: UnderWay, made: Any) -> None:
    case.post("caseworker", f"/jobseekers/{case.person}/safety-exclusions/{made['id']}/withdraw", reason="A mistake.")


def by_permitting(case: UnderWay, made: Any) -> None:
    enterprise = str(case.world.organisations["enterprise"])
    body = {"social_enterprise_id": enterprise, "groups": ["identity", "work"], "how_given": "in person"}
    case.post("caseworker", f"/jobseekers/{case.person}/permissions", **body)


@pytest.mark.parametrize(
    ("fact", "opens"),
    [
        ("person nobody knows", by_confirming),
        ("person nobody knows", by_withdrawing),
        ("permission revoked", by_permitting),
    ],
)
def test_who_can_answer_again_is_notified_and_has_their_time(client, world: World, database, fact: str, opens):
    case = UnderWay(client, world, database, S.SENT)
    case.send_mail()
    opens(case, case.protect(fact))
    letters = case.send_mail()
    assert len(letters) == 1
    with database.reading() as session:
        assert session.get_one(Introduction, UUID(case.id)).state is S.SENT


def twin_of(client, world: World, case: UnderWay) -> str:
    """Record the same person again, as a colleague who does not know the other record, and return the new record."""
    person = ask(client, world, "manager", "GET", f"/jobseekers/{case.person}").json()
    names = ("given_name", "family_name", "date_of_birth", "phone", "email", "postcode")
    made = client.post(f"{API}/jobseekers", headers=world.key("colleague"), json={name: person[name] for name in names})
    assert made.status_code == 201, made.text
    return made.json()["id"]


@pytest.mark.parametrize("fact", ["organisation", "person by name", "area", "person nobody knows", "contact withheld"])
def test_a_second_record_of_a_protected_person_is_protected_too(client, world: World, database, fact: str):
    case = UnderWay(client, world, database, S.SENT)
    case.protect(fact)
    twin = twin_of(client, world, case)
    world.permit(UUID(twin), "identity", "contact", "work")
    with database.writing(world.on("manager")) as session:
        jobseeker = session.get_one(Jobseeker, UUID(twin))
        jobseeker.state = JobseekerState.OPEN
    new = {"jobseeker_id": twin, "placement_id": str(case.placement), "send": True}
    sent = client.post(f"{API}/introductions", headers=world.key("colleague"), json=new)
    if fact == "contact withheld":
        assert sent.status_code == 201, sent.text
        read = client.get(f"{API}/introductions/{sent.json()['id']}", headers=world.key("lister")).json()
        assert (read["given_name"], read["phone"], read["email"]) == ("Amina", None, None)
    else:
        assert (sent.status_code, "compare" in sent.text or "how you made sure" in sent.text) == (409, True), sent.text


@pytest.mark.parametrize("fact", ["organisation", "person by name", "area"])
def test_what_is_recorded_on_a_second_record_stops_the_first_until_a_person_compares_them(
    client, world: World, database, fact: str
):
    case = UnderWay(client, world, database, S.INVITED)
    twin, first = twin_of(client, world, case), case.person
    case.person = twin
    case.protect(fact)
    case.person = first
    assert not [mark for mark in MARKS if mark in case.read("lister").text]
    assert case.state() is S.INVITED  # it is not withdrawn, because the records may be of two people
    with database.reading() as session:
        kinds = session.scalars(select(Notice.kind).where(Notice.cancelled_at.is_(None))).all()
    assert NoticeKind.SAFETY_TO_DECIDE in kinds
    (pair,) = ask(client, world, "manager", "GET", "/duplicates").json()["items"]
    tag = {"If-Match": f'"{pair["version"]}"'}
    said = client.post(
        f"{API}/duplicates/{pair['id']}/different",
        headers=world.key("manager") | tag,
        json={"reason": "Two people of one name."},
    )
    assert said.status_code == 200, said.text
    assert case.read("lister").json()["given_name"] == "Amina"


def test_a_record_that_was_merged_away_takes_no_protection_that_nobody_would_read(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    twin = twin_of(client, world, case)
    merged = ask(client, world, "manager", "POST", f"/jobseekers/{case.person}/merge", other_id=twin, reason="One.")
    assert merged.status_code == 201, merged.text
    refused = ask(client, world, "manager", "PATCH", f"/jobseekers/{twin}", contact_withheld_reason="She fled.")
    assert refused.status_code == 409, refused.text


def move_into_the_area(client, world: World, database, case: UnderWay) -> None:
    path = f"/placements/{case.placement}"
    assert ask(client, world, "lister", "PATCH", path, postcode="NW4 4BT").status_code == 200


def move_out(client, world: World, database, case: UnderWay) -> None:
    assert ask(client, world, "lister", "PATCH", f"/placements/{case.placement}", postcode="EN5 5XP").status_code == 200


def test_a_listing_that_moves_into_an_excluded_area_ends_it_at_once_and_for_good(client, world: World, database):
    case = UnderWay(client, world, database, S.INVITED, place="EN5 5XP")
    case.exclude(kind="area", postcode="NW4 4BT", radius_km=1.5)
    assert case.read("lister").json()["given_name"] == "Amina"
    move_into_the_area(client, world, database, case)
    assert case.state() is S.WITHDRAWN
    move_out(client, world, database, case)
    assert not [mark for mark in MARKS if mark in case.read("lister").text]
    with database.reading() as session:
        row = session.scalars(select(IntroductionMove).where(IntroductionMove.event == "withdraw")).one()
        assert row.by == world.actors["caseworker"].user_id  # who recorded the exclusion, not the lister


def test_a_member_whose_name_becomes_the_excluded_one_ends_it_at_once(client, world: World, database):
    case = UnderWay(client, world, database, S.INVITED)
    case.exclude(kind="person", who="Lamorak Thistle")
    case.post("caseworker", f"/introductions/{case.id}/confirm-safety", reason="Nobody of that name works there.")
    with database.writing(world.operator) as session:
        session.get_one(User, world.actors["lister"].user_id).name = "Lamorak Thistle"
    assert case.state() is S.WITHDRAWN


def test_work_that_has_begun_in_an_area_that_is_excluded_later_is_told_at_once(client, world: World, database):
    case = UnderWay(client, world, database, S.STARTED, place="EN5 5XP")
    case.exclude(kind="area", postcode="NW4 4BT", radius_km=1.5)
    move_into_the_area(client, world, database, case)
    assert case.state() is S.STARTED
    with database.reading() as session:
        kinds = session.scalars(select(Notice.kind).where(Notice.cancelled_at.is_(None))).all()
    assert NoticeKind.SAFETY_TO_DECIDE in kinds


def test_the_answer_to_a_safety_check_is_words(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    case.exclude(kind="person", who="Quentin Umbridge")
    other = world.list_placement(title="Kitchen porter", ref="KP", postcode="NW4 4BT")
    new = {"jobseeker_id": str(case.person), "placement_id": str(other), "send": True}
    for answer, status in (("-", 409), ("x", 409), (".", 409), ("I rang and asked who works there.", 201)):
        made = client.post(f"{API}/introductions", headers=world.key("caseworker"), json=new | {"safety_check": answer})
        assert made.status_code == status, (answer, made.text)
