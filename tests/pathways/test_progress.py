"""What becomes of a referral and its person: who reads it, who is told, what waits, and what is asked."""

from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from pathways.base import Role, local_day
from pathways.messages.models import Notice, NoticeKind
from pathways.organisations import actions as organisation_actions
from pathways.organisations.models import ApiKey, Membership
from pathways.organisations.schemas import NewKey, NewMember, NewUser
from pathways.reference import tables
from pathways.referrals import actions as referral_actions
from pathways.referrals.models import AGREED_STAGES, Referral, ReferralEvent, ReferralMove
from tests.world import World

TODAY = date.today()
DAY = TODAY - timedelta(days=20)
AGREED = [stage.value for stage in AGREED_STAGES]
ALWAYS = ["received", "accepted"]
# What only the partner knows: none of it may be in what a referrer reads of the progress.
SECRETS = ("Acorn Kitchen", "Cafe Secret", "health", "arson", "flat", "Disengaged", "hospital", "completed")


@pytest.fixture
def read(client, world: World):
    def ask(who: str, path: str) -> Any:
        answer = client.get(f"/api/v1{path}", headers=world.key(who))
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    return ask


def walk(world: World, call, *, closes: bool = True) -> Referral:
    """Take a person the whole way: met, on a programme, in work, out of both, the case closed."""
    referral = world.refer(day=DAY, referred_on=DAY)
    person = referral.jobseeker_id
    world.accept(referral, DAY)
    spoke = {"with_whom": "jobseeker", "how": "face_to_face", "outcome": "spoke", "note": "A conviction: arson."}
    call("manager", f"/jobseekers/{person}/contacts", **spoke, on=str(DAY + timedelta(days=1)))
    enrolment = world.enrol(referral, DAY + timedelta(days=2))
    spell = {"enrolment_id": str(enrolment), "kind": "JOB_OPEN", "title": "Cafe Secret", "employer": "Acorn Kitchen"}
    made = call("caseworker", "/spells", **spell, started_on=str(DAY + timedelta(days=3)))
    if closes:
        ended = {"ended_on": str(DAY + timedelta(days=10)), "end_reason": "health"}
        call("caseworker", f"/spells/{made['id']}/end", **ended)
        body = {"closed_on": str(TODAY), "end_reason": "health", "reason": "Went to hospital."}
        call("manager", f"/jobseekers/{person}/close", **body)
    return referral


def stages(read, referral: Referral, who: str = "referrer") -> list[str]:
    one = read(who, f"/referrals/{referral.id}")["progress"]
    if who == "referrer":
        lines = {line["id"]: line["progress"] for line in read(who, "/referrals")["items"]}
        assert lines[str(referral.id)] == one
    return [line["stage"] for line in one]


def permit(call, referral: Referral, *agreed: str, **more: Any) -> Any:
    return call(
        "caseworker",
        f"/referrals/{referral.id}/progress-permission",
        stages=list(agreed),
        how_given="in person",
        **more,
    )


def test_without_an_agreement_a_referrer_reads_only_the_answer_and_the_close(world: World, call, read):
    referral = walk(world, call)
    assert stages(read, referral) == [*ALWAYS, "closed"]


@pytest.mark.parametrize("agreed", [[stage] for stage in AGREED] + [AGREED, AGREED[1:3], AGREED[::-1]])
def test_a_referrer_reads_exactly_the_stages_that_were_agreed(world: World, call, read, agreed):
    referral = walk(world, call)
    permit(call, referral, *agreed)
    assert stages(read, referral) == [*ALWAYS, *(stage for stage in AGREED if stage in agreed), "closed"]
    told = str(read("referrer", f"/referrals/{referral.id}")["progress"])
    assert [secret for secret in SECRETS if secret.lower() in told.lower()] == []
    shown = read("caseworker", f"/referrals/{referral.id}")
    assert shown["progress"] == read("referrer", f"/referrals/{referral.id}")["progress"]
    assert sorted(shown["referrer_may_read"]) == sorted(agreed)
    assert read("referrer", f"/referrals/{referral.id}")["referrer_may_read"] is None
    permit(call, referral)
    assert stages(read, referral) == [*ALWAYS, "closed"]


def test_the_sentences_have_the_days_and_the_workplace_only_if_agreed(world: World, call, read):
    referral = walk(world, call)
    permit(call, referral, *AGREED, names_workplace=True)
    lines = read("referrer", f"/referrals/{referral.id}")["progress"]
    on = {line["stage"]: line["on"] for line in lines}
    assert on == {
        **dict.fromkeys(("received", "accepted"), str(DAY)),
        "met": str(DAY + timedelta(days=1)),
        "started_programme": str(DAY + timedelta(days=2)),
        "started_work": str(DAY + timedelta(days=3)),
        "left_work": str(DAY + timedelta(days=10)),
        "left_programme": str(TODAY),
        "closed": str(TODAY),
    }
    assert [line["stage"] for line in lines if "Acorn Kitchen" in line["text"]] == ["started_work"]
    for line in lines:
        day = date.fromisoformat(line["on"])
        assert f"{day.day} {day:%B %Y}" in line["text"]
    wrong = call(
        "caseworker",
        f"/referrals/{referral.id}/progress-permission",
        expect=409,
        stages=["met"],
        names_workplace=True,
        how_given="in person",
    )
    assert "started_work" in wrong["errors"][0]["detail"]


def test_a_restriction_ends_what_was_agreed_also_after_it_is_lifted(world: World, call, read):
    referral = walk(world, call)
    permit(call, referral, *AGREED)
    why = {"reason": "She asked us to."}
    call("manager", f"/jobseekers/{referral.jobseeker_id}/restrict", **why)
    assert stages(read, referral) == ALWAYS
    call(
        "manager",
        f"/referrals/{referral.id}/progress-permission",
        expect=409,
        stages=["met"],
        how_given="in person",
    )
    call("manager", f"/jobseekers/{referral.jobseeker_id}/lift-restriction", **why)
    assert stages(read, referral) == [*ALWAYS, "closed"]
    permit(call, referral, "met")
    assert stages(read, referral) == [*ALWAYS, "met", "closed"]


def test_a_case_that_was_restricted_at_birth_tells_only_the_answer(world: World, call, read):
    referral = world.refer(is_restricted=True, day=DAY, referred_on=DAY)
    assert stages(read, referral) == ["received"]
    world.accept(referral, DAY)
    world.enrol(referral, DAY)
    closing = {"closed_on": str(TODAY), "end_reason": "moved_away", "reason": "Moved."}
    call("manager", f"/jobseekers/{referral.jobseeker_id}/close", **closing)
    assert stages(read, referral) == ALWAYS


def test_a_referrer_reads_nothing_of_the_time_that_another_referral_began(world: World, call, read):
    first = walk(world, call)
    permit(call, first, *AGREED)
    before = stages(read, first)
    council = {"referring_organisation_id": world.organisations["council"], "source_type": "ASC", "ref": "B"}
    again = world.refer(by="manager", jobseeker_id=first.jobseeker_id, referred_on=TODAY, **council)
    world.accept(again)
    world.enrol(again)
    assert stages(read, first) == before
    assert stages(read, again, "other_referrer") == ALWAYS


def test_nobody_else_reads_the_progress_or_records_the_agreement(client, world: World, call):
    referral = walk(world, call, closes=False)
    path = f"/api/v1/referrals/{referral.id}"
    body = {"stages": ["met"], "how_given": "in person"}
    for who, status in {"other_referrer": 404, "other_caseworker": 404, "lister": 403, "commissioner": 403}.items():
        assert client.get(path, headers=world.key(who)).status_code == status
    for who, status in {"referrer": 403, "other_caseworker": 404, "lister": 403, "administrator": 403}.items():
        made = client.post(f"{path}/progress-permission", headers=world.key(who), json=body)
        assert made.status_code == status, who


def test_a_self_referral_has_nobody_to_agree_for(world: World, call):
    referral = world.refer(by="caseworker", source_type="SELF")
    path = f"/referrals/{referral.id}/progress-permission"
    assert "referred themselves" in call("caseworker", path, 409, stages=["met"], how_given="in person")["detail"]


# A referral's answer reaches those who wait for it.


def member(world: World, name: str, role: Role, organisation: str) -> UUID:
    with world.database.writing(world.operator) as session:
        user = organisation_actions.make_user(session, world.operator, NewUser(name=name, email=f"{name}@example.org"))
        new = NewMember(user_id=user.id, organisation_id=world.organisations[organisation], role=role)
        organisation_actions.add_member(session, world.operator, new)
        return user.id


def told(world: World, kind: NoticeKind) -> set[tuple[UUID, UUID]]:
    with world.database.reading() as session:
        rows = session.scalars(select(Notice).where(Notice.kind == kind)).all()
        return {(row.user_id, row.subject_id) for row in rows}


ANSWERS = {
    ReferralEvent.ACCEPT: NoticeKind.REFERRAL_ACCEPTED,
    ReferralEvent.DECLINE: NoticeKind.REFERRAL_DECLINED,
}


def answer(world: World, referral: Referral, event: ReferralEvent) -> None:
    actor = world.on("manager")
    with world.database.writing(actor) as session:
        row = session.get_one(Referral, referral.id)
        referral_actions.move(session, actor, row, event, reason="We have no advisers in Hendon.")


@pytest.mark.parametrize(
    ("event", "submits"), list(product(ANSWERS, ("referrer", "member who left", "partner", "itself")))
)
def test_the_answer_reaches_who_submitted_or_else_the_referrers(world: World, event, submits):
    other = member(world, "second", Role.REFERRER, "job_centre")
    member(world, "counter", Role.ADMINISTRATOR, "job_centre")
    first = world.actors["referrer"].user_id
    council = {"referring_organisation_id": world.organisations["job_centre"]}
    if submits == "partner":
        referral = world.refer(by="caseworker", **council)
    elif submits == "itself":
        referral = world.refer(by="caseworker", source_type="SELF")
    else:
        referral = world.refer()
    if submits == "member who left":
        with world.database.writing(world.operator) as session:
            leaver = session.get_one(Membership, world.actors["referrer"].membership_id)
            organisation_actions.end_member(session, world.operator, leaver)
    answer(world, referral, event)
    expected = {
        "referrer": {first},
        "member who left": {other},
        "partner": {first, other},
        "itself": set(),
    }[submits]
    assert told(world, ANSWERS[event]) == {(user, referral.id) for user in expected}
    [silent] = [kind for answered, kind in ANSWERS.items() if answered is not event]
    assert told(world, silent) == set()


@pytest.mark.parametrize("is_restricted", [False, True])
def test_a_decline_with_its_reason_reaches_the_referrer_and_no_other(client, world: World, call, read, is_restricted):
    referral = world.refer(is_restricted=is_restricted)
    call("manager", f"/referrals/{referral.id}/decline", reason="We have no advisers in Hendon.")
    shown = read("referrer", f"/referrals/{referral.id}")
    assert shown["declined_because"] == "We have no advisers in Hendon."
    assert [line["stage"] for line in shown["progress"]] == ["received", "declined"]
    assert "We have no advisers in Hendon." in shown["progress"][1]["text"]
    assert client.get(f"/api/v1/referrals/{referral.id}", headers=world.key("other_referrer")).status_code == 404
    texts = [line["text"] for line in read("referrer", "/notices")["items"]]
    assert texts == ["The partner declined a referral. Open it to read the reason."]
    assert read("other_referrer", "/notices")["items"] == []


def test_reasons_written_before_referrers_read_them_stay_with_the_partner(world: World, read):
    referral = world.refer()
    actor = world.on("manager")
    with world.database.writing(actor) as session:
        row = session.get_one(Referral, referral.id)
        old = {"event": "decline", "from_state": "submitted", "to_state": "declined", "reason": "Known to us: arson."}
        about = {"partner_id": row.partner_id, "jobseeker_id": row.jobseeker_id, "referral_id": row.id}
        session.add(ReferralMove.recorded(actor, **old, **about))
        row.state = "declined"
    shown = read("referrer", f"/referrals/{referral.id}")
    assert shown["declined_because"] is None
    assert "arson" not in str(shown)


# What waits at the beginning of the journey.


def waiting(read, who: str = "caseworker") -> list[tuple[str, str]]:
    kinds = {"referral_new", "referral_to_decide", "to_enrol", "stopped"}
    items = read(who, "/worklist")["items"]
    return [(item["kind"], item["subject_id"]) for item in items if item["kind"] in kinds]


def test_a_referral_waits_from_its_arrival_until_the_person_is_enrolled(world: World, call, read):
    referral = world.refer()
    one = str(referral.id)
    [item] = read("caseworker", "/worklist?kind=referral_new")["items"]
    due = tables.due_on("acknowledge_referral", local_day(referral.made_at), "england")
    assert (item["subject_id"], item["due_on"], item["days_late"]) == (one, str(due), 0)
    assert waiting(read, "other_caseworker") == []
    call("caseworker", f"/referrals/{one}/acknowledge")
    assert waiting(read) == [("referral_to_decide", one)]
    call("caseworker", f"/referrals/{one}/accept")
    assert waiting(read) == [("to_enrol", one)]
    enrolment = world.enrol(referral)
    assert waiting(read) == []
    ending = {"ended_on": str(TODAY), "end_reason": "completed"}
    call("caseworker", f"/enrolments/{enrolment}/end", **ending)
    assert waiting(read) == []


@pytest.mark.parametrize("ends", ["decline", "withdraw"])
def test_a_referral_that_was_answered_with_a_no_waits_no_more(world: World, call, read, ends):
    referral = world.refer()
    call("manager", f"/referrals/{referral.id}/{ends}", reason="Too far away.")
    assert waiting(read) == []


def test_a_new_referral_of_a_restricted_person_waits_for_its_managers_alone(world: World, read):
    referral = world.refer(is_restricted=True)
    assert waiting(read, "manager") == [("referral_new", str(referral.id))]
    assert waiting(read) == []


def test_a_person_who_was_referred_twice_waits_once_for_an_enrolment(world: World, read):
    first = world.refer()
    world.accept(first)
    council = {"referring_organisation_id": world.organisations["council"], "source_type": "ASC", "ref": "B"}
    world.accept(world.refer(by="manager", jobseeker_id=first.jobseeker_id, **council))
    assert waiting(read) == [("to_enrol", str(first.id))]


def test_a_stopped_introduction_waits_for_those_who_see_the_person(world: World, call, read, client):
    person, _ = world.supported()
    world.permit(person)
    body = {"jobseeker_id": str(person), "placement_id": str(world.list_placement())}
    introduction = call("caseworker", "/introductions", **body)["id"]
    for step in ("agree", "send"):
        call("caseworker", f"/introductions/{introduction}/{step}")
    assert waiting(read) == []
    [permission] = read("caseworker", f"/jobseekers/{person}/permissions")["items"]
    path = f"/jobseekers/{person}/permissions/{permission['id']}/revoke"
    call("caseworker", path, reason="She changed her mind.")
    assert waiting(read) == waiting(read, "manager") == [("stopped", introduction)]
    assert waiting(read, "other_manager") == []


# Accepting and enrolling in one step.


def enrolling(world: World, referral: Referral, **changes: Any) -> dict[str, Any]:
    programme = {"referral_id": str(referral.id), "programme_id": str(world.programme_id), "started_on": str(TODAY)}
    return {**programme, "accept": True, **changes}


@pytest.mark.parametrize("is_acknowledged", [False, True])
def test_accept_and_enrol_is_one_step(world: World, call, read, is_acknowledged):
    referral = world.refer()
    if is_acknowledged:
        call("caseworker", f"/referrals/{referral.id}/acknowledge")
    made = call("caseworker", "/enrolments", **enrolling(world, referral))
    assert (made["state"], made["referral_id"], made["may_be"]) == ("started", str(referral.id), [])
    assert read("caseworker", f"/referrals/{referral.id}")["state"] == "accepted"
    assert {user for user, _ in told(world, NoticeKind.REFERRAL_ACCEPTED)} == {world.actors["referrer"].user_id}


@pytest.mark.parametrize(
    "wrong",
    [
        {"started_on": str(TODAY + timedelta(days=1))},
        {"started_on": "2026-08-01"},
        {"programme_id": str(UUID(int=7))},
        {"caseworker_id": str(UUID(int=7))},
        {"accept": False},
    ],
)
def test_an_enrolment_that_is_refused_leaves_the_referral_as_it_was(world: World, call, read, wrong):
    referral = world.refer()
    call("caseworker", "/enrolments", expect=409, **enrolling(world, referral, **wrong))
    assert read("caseworker", f"/referrals/{referral.id}")["state"] == "submitted"
    assert read("manager", f"/jobseekers/{referral.jobseeker_id}")["state"] == "referred"
    assert told(world, NoticeKind.REFERRAL_ACCEPTED) == set()


def test_a_declined_referral_is_not_accepted_by_enrolling(world: World, call):
    referral = world.refer()
    call("manager", f"/referrals/{referral.id}/decline", reason="Too far away.")
    call("caseworker", "/enrolments", expect=409, **enrolling(world, referral))


def test_a_key_that_may_only_enrol_accepts_nothing(client, world: World):
    referral = world.refer()
    issuer = world.actors["operator"]
    with world.database.writing(issuer) as session:
        membership = world.actors["caseworker"].membership_id
        new = NewKey(membership_id=membership, scopes=["enrolment:make"], expires_on=date(2099, 12, 31))
        key, secret = organisation_actions.make_key(session, issuer, new)
        assert isinstance(key, ApiKey)
    headers = {"Authorization": f"Bearer {secret}"}
    refused = client.post("/api/v1/enrolments", headers=headers, json=enrolling(world, referral))
    assert (refused.status_code, "referral:accept" in refused.json()["detail"]) == (403, True)


# Closing as in work, and reopening: what is meant is asked.


def closing(**changes: Any) -> dict[str, Any]:
    return {"closed_on": str(TODAY), "end_reason": "in_work", "reason": "Found work.", **changes}


WHY = {"without_spell_because": "He does not want to say where."}


@pytest.mark.parametrize("way", ["close the case", "end the enrolment"])
def test_in_work_without_a_spell_is_asked_about(world: World, call, read, way):
    person, enrolment = world.supported(DAY, referred_on=DAY)
    if way == "close the case":
        path, body = f"/jobseekers/{person}/close", closing()
    else:
        path, body = f"/enrolments/{enrolment}/end", {"ended_on": str(TODAY), "end_reason": "in_work"}
    refused = call("manager", path, expect=409, **body)
    assert refused["errors"][0]["pointer"] == "/without_spell_because"
    assert read("manager", f"/enrolments/{enrolment}")["state"] == "started"
    call("manager", path, expect=409, **body | {"end_reason": "moved_away"} | WHY)
    call("manager", path, **body, **WHY)
    held = read("manager", f"/jobseekers/{person}/extract")["holdings"]
    moves = held["enrolment_moves"] + (held["jobseeker_moves"] if way == "close the case" else [])
    kept = [move["event"] for move in moves if move["without_spell_because"] == WHY["without_spell_because"]]
    assert kept == ["end", "close"][: 2 if way == "close the case" else 1]


@pytest.mark.parametrize("state", ["running", "ended", "voided"])
def test_in_work_with_a_spell_asks_nothing_unless_the_spell_was_a_mistake(world: World, call, state):
    person, enrolment = world.supported(DAY, referred_on=DAY)
    spell = {"enrolment_id": str(enrolment), "kind": "JOB_OPEN", "title": "Cafe", "started_on": str(DAY)}
    made = call("caseworker", "/spells", **spell)["id"]
    if state == "ended":
        call("caseworker", f"/spells/{made}/end", ended_on=str(TODAY), end_reason="another_job")
    if state == "voided":
        call("manager", f"/spells/{made}/void", reason="Not him.")
    call("manager", f"/jobseekers/{person}/close", expect=409 if state == "voided" else 200, **closing())


def test_a_case_without_an_enrolment_that_closes_as_in_work_is_asked_about_too(world: World, call, read):
    referral = world.refer()
    path = f"/jobseekers/{referral.jobseeker_id}/close"
    call("manager", path, expect=409, **closing())
    assert call("manager", path, **closing(), **WHY)["state"] == "closed"
    held = read("manager", f"/jobseekers/{referral.jobseeker_id}/extract")["holdings"]["jobseeker_moves"]
    assert [move["without_spell_because"] for move in held] == [WHY["without_spell_because"]]


@pytest.mark.parametrize("resumes", [True, False])
def test_reopening_with_an_ended_enrolment_asks_whether_it_continues(world: World, call, read, resumes):
    person, enrolment = world.supported(DAY, referred_on=DAY)
    call("manager", f"/jobseekers/{person}/close", **closing(end_reason="moved_away"))
    path = f"/jobseekers/{person}/reopen"
    asked = call("manager", path, expect=409, reason="She is back.")
    assert (asked["errors"][0]["pointer"], str(TODAY) in asked["detail"]) == ("/resume_enrolment", True)
    assert read("manager", f"/jobseekers/{person}")["state"] == "closed"
    shown = call("manager", path, reason="She is back.", resume_enrolment=resumes)
    caseworker = str(world.actors["caseworker"].membership_id) if resumes else None
    assert (shown["state"], shown["caseworker_id"]) == ("open", caseworker)
    assert read("manager", f"/enrolments/{enrolment}")["state"] == ("started" if resumes else "ended")
    assert call("manager", path, expect=409, reason="Again.")["possible"] == ["close", "void"]


def test_reopening_a_case_that_had_no_enrolment_asks_nothing(world: World, call):
    referral = world.refer()
    call("manager", f"/jobseekers/{referral.jobseeker_id}/close", **closing(end_reason="moved_away"))
    path = f"/jobseekers/{referral.jobseeker_id}/reopen"
    call("manager", path, expect=409, reason="She is back.", resume_enrolment=True)
    assert call("manager", path, reason="She is back.")["state"] == "open"
