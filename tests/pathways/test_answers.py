"""An answer reaches whoever waits for it, on the worklist and by notice. If nobody can read it, that is said."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from pathways import daily
from pathways.access.models import User
from pathways.base import Role
from pathways.enrolments.models import Enrolment
from pathways.introductions.models import Introduction
from pathways.introductions.models import IntroductionState as S
from pathways.jobseekers.models import Jobseeker
from pathways.messages.models import Notice
from pathways.organisations import actions as organisation_actions
from pathways.organisations.schemas import NewMember, NewUser
from pathways.placements.models import DbsLevel, Placement
from tests.pathways.test_claims import NONE, RULE, recorded
from tests.pathways.test_protection import UnderWay
from tests.pathways.test_told import letters
from tests.work import TODAY, hours_so_far
from tests.world import World

pytestmark = pytest.mark.any_database


@pytest.fixture
def read(client, world: World):
    def ask(who: str, path: str) -> Any:
        answer = client.get(f"/api/v1{path}", headers=world.key(who))
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    return ask


def waits(read, who: str, *, mine: bool = False) -> dict[str, str]:
    """Return, by kind, what the items of a member's worklist are about."""
    items = read(who, f"/worklist?mine={str(mine).lower()}")["items"]
    return {item["kind"]: item["subject_id"] for item in items}


def notified(database, world: World, who: str) -> list[str]:
    actor = world.actors[who]
    rows = select(Notice.kind).where(Notice.user_id == actor.user_id, Notice.cancelled_at.is_(None))
    with database.reading() as session:
        return [kind.value for kind in session.scalars(rows.order_by(Notice.id))]


def spoken(call, case: UnderWay, whom: str = "jobseeker") -> None:
    body = {"on": str(TODAY), "with_whom": whom, "how": "phone", "outcome": "spoke"}
    call("caseworker", f"/jobseekers/{case.person}/contacts", **body)


# The worklist


@pytest.mark.parametrize("answer", ["invite", "offer"])
@pytest.mark.parametrize("who", ["caseworker", "manager"])
def test_what_the_social_enterprise_answers_waits_at_once(client, world: World, database, read, call, answer, who):
    kind = {"invite": "meeting_to_arrange", "offer": "offer_to_answer"}[answer]
    case = UnderWay(client, world, database, S.SENT)
    assert kind not in waits(read, who)
    call("lister", f"/introductions/{case.id}/{answer}")
    assert waits(read, who)[kind] == case.id
    call("caseworker", f"/introductions/{case.id}/withdraw", why="other")
    assert kind not in waits(read, who)


@pytest.mark.parametrize("state", [S.SENT, S.INVITED, S.WAITING, S.OFFERED, S.ACCEPTED])
@pytest.mark.parametrize("then", ["spoken", "introduced again", "reopened"])
def test_a_decline_waits_until_the_jobseeker_is_told(client, world: World, database, read, call, state, then):
    case = UnderWay(client, world, database, state)
    call("lister", f"/introductions/{case.id}/decline", why="hours")
    assert waits(read, "caseworker")["decline_to_tell"] == case.id
    if then == "spoken":
        spoken(call, case)
    elif then == "reopened":
        call("lister", f"/introductions/{case.id}/reconsider")
        assert "introduction_reopened" in notified(database, world, "caseworker")
        assert waits(read, "caseworker")["reopened"] == case.id
    else:
        other = world.list_placement(ref="NEXT", title="Kitchen porter")
        call("caseworker", "/introductions", jobseeker_id=str(case.person), placement_id=str(other))
    assert "decline_to_tell" not in waits(read, "caseworker")


def test_a_start_without_a_spell_waits(client, world: World, database, read, call):
    case = UnderWay(client, world, database, S.ACCEPTED)
    (enrolment,) = read("caseworker", f"/enrolments?jobseeker={case.person}")["items"]
    call("caseworker", f"/enrolments/{enrolment['id']}/end", ended_on=str(TODAY), end_reason="moved_away")
    call("lister", f"/introductions/{case.id}/start", started_on=str(TODAY))
    assert waits(read, "caseworker")["spell_to_record"] == case.id


def test_a_case_reopened_without_an_enrolment_waits(world: World, read, call):
    person, _ = world.supported()
    closing = {"closed_on": str(TODAY), "end_reason": "moved_away", "reason": "Moved."}
    call("manager", f"/jobseekers/{person}/close", **closing)
    call("manager", f"/jobseekers/{person}/reopen", reason="Back.", resume_enrolment=False)
    assert waits(read, "manager")["on_no_programme"] == str(person)


# Cases


@pytest.mark.parametrize("state", [S.SENT, S.INVITED, S.OFFERED, S.ACCEPTED])
def test_both_caseworkers_of_a_reassigned_case_are_notified_and_the_new_one_has_what_waits(
    client, world: World, database, read, call, state
):
    case = UnderWay(client, world, database, state)
    (enrolment,) = read("manager", f"/enrolments?jobseeker={case.person}")["items"]
    colleague = str(world.actors["colleague"].membership_id)
    before = waits(read, "caseworker", mine=True)
    call("manager", f"/enrolments/{enrolment['id']}/assign", caseworker_id=colleague)
    assert notified(database, world, "caseworker")[-1] == "case_reassigned"
    assert notified(database, world, "colleague") == ["case_assigned"]
    assert waits(read, "colleague", mine=True) == before
    assert ("offer_to_answer" in before) == (state is S.OFFERED)
    assert "case_assigned" not in notified(database, world, "manager")  # who did it knows


def test_a_merge_notifies_both_caseworkers_and_names_the_present_one(world: World, database, call):
    wandas, _ = world.supported(is_restricted=True)
    wilfs = world.refer(ref="B", **dict.fromkeys(("nino", "nhs_number", "phone", "email")), given_name="Mina")
    world.accept(wilfs)
    colleague = world.actors["colleague"].membership_id
    world.enrol(wilfs, caseworker_id=colleague)
    call("manager", f"/jobseekers/{wandas}/close", closed_on=str(TODAY), end_reason="moved_away", reason="Twice.")
    call("manager", f"/jobseekers/{wandas}/reopen", reason="Back.", resume_enrolment=False)
    world_caseworker = world.actors["caseworker"].membership_id
    with database.writing(world.on("manager")) as session:
        session.get_one(Jobseeker, wandas).caseworker_id = world_caseworker
    body = {"other_id": str(wandas), "reason": "One person."}
    merged = call("manager", f"/jobseekers/{wilfs.jobseeker_id}/merge", **body)
    assert merged["caseworker_id"] == str(colleague)
    assert notified(database, world, "caseworker")[-1] == "case_reassigned"
    assert notified(database, world, "colleague")[-1] == "case_merged"


# Claims


DECISIONS = [
    (["accept"], "claim_decided", None),
    (["accept", "pay"], "claim_decided", None),
    (["fail"], "claim_turned_down", "claim_turned_down"),
    (["accept", "pay", "reverse"], "claim_turned_down", "claim_turned_down"),
    (["query"], "claim_queried", "claim_queried"),
]


@pytest.fixture
def outcome(client, world: World, call) -> dict[str, Any]:
    call("operator", f"/programmes/{world.programme_id}/prices", rule=RULE, pounds=1000, from_on="2020-01-01")
    return recorded(client, world, call)


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: "-".join(decision[0]))
def test_each_answer_about_money_reaches_the_partner(world: World, call, read, database, outcome, decision):
    events, kind, item = decision
    claim = call("caseworker", "/claims", outcome_id=outcome["id"])
    call("caseworker", f"/claims/{claim['id']}/submit", **NONE)
    assert notified(database, world, "commissioner") == ["claim_to_decide"]
    for event in events:
        call("commissioner", f"/claims/{claim['id']}/{event}", **({} if event in {"accept", "pay"} else REASON))
    assert notified(database, world, "caseworker")[-1] == kind
    if kind != "claim_queried":
        assert notified(database, world, "manager")[-1] == kind
    assert not [one for one in notified(database, world, "colleague") if one.startswith("claim")]
    assert not notified(database, world, "other_commissioner")
    found = waits(read, "caseworker")
    assert found.get(item or "claim_turned_down") == (claim["id"] if item else None)


REASON = {"reason": "The dates are another person's."}


def test_a_query_that_was_answered_waits_for_the_funder(world: World, call, read, database, outcome):
    claim = call("caseworker", "/claims", outcome_id=outcome["id"])
    path = f"/claims/{claim['id']}"
    call("caseworker", f"{path}/submit", **NONE)
    call("commissioner", f"{path}/query", **REASON)
    call("caseworker", f"{path}/answer", reason="They are hers.")
    assert notified(database, world, "commissioner") == ["claim_to_decide"] * 2
    assert "claim_queried" not in waits(read, "caseworker")


def test_the_funder_is_notified_of_a_paid_claim_whose_evidence_is_rejected(
    client,
    world: World,
    call,
    read,
    database,
    outcome,
):
    claim = call("caseworker", "/claims", outcome_id=outcome["id"])
    for who, event in (("caseworker", "submit"), ("commissioner", "accept"), ("commissioner", "pay")):
        call(who, f"/claims/{claim['id']}/{event}", **(NONE if event == "submit" else {}))
    (item,) = outcome["evidence_ids"]
    call("manager", f"/evidence/{item}/check", is_accepted=False, reason="It was another person's payslip.")
    daily.run(database, world.operator, datetime.now(UTC) + timedelta(days=1))
    for who in ("commissioner", "manager"):
        assert "claim_owed_back" in notified(database, world, who)


# The end of work


@pytest.mark.parametrize("who", ["caseworker", "manager", "lister"])
def test_the_end_of_an_introduction_asks_the_day_and_ends_its_spell(client, world: World, database, read, call, who):
    case = UnderWay(client, world, database, S.STARTED)
    path = f"/introductions/{case.id}/end"
    asked = call(who, path, expect=409)
    assert asked["errors"][0]["pointer"] == "/ended_on"
    call(who, path, expect=409, ended_on=str(TODAY + timedelta(days=1)))
    call(who, path, expect=409, ended_on=str(TODAY - timedelta(days=1)))
    assert call(who, path, ended_on=str(TODAY))["state"] == "ended"
    (spell,) = read("manager", f"/spells?jobseeker={case.person}")["items"]
    assert (spell["state"], spell["ended_on"]) == ("ended", str(TODAY))
    told = notified(database, world, "lister" if who != "lister" else "caseworker")
    assert ("work_ended" if who == "lister" else "step_recorded") in told
    call(who, path, expect=409, ended_on=str(TODAY))


def test_what_the_partner_recorded_after_the_last_day_is_not_told_to_the_social_enterprise(
    client, world: World, database, read, call
):
    case = UnderWay(client, world, database, S.STARTED)
    (spell,) = read("manager", f"/spells?jobseeker={case.person}")["items"]
    first = TODAY - timedelta(days=8)
    with database.writing(world.operator) as session:
        session.execute(update(Introduction).values(started_on=first))
    call("caseworker", f"/spells/{spell['id']}/hours", week_from=str(TODAY), hours=hours_so_far(4))
    path = f"/introductions/{case.id}/end"
    refused = call("lister", path, expect=409, ended_on=str(TODAY - timedelta(days=2)))
    assert (refused["type"], "hours" in str(refused).lower()) == ("/problems/work-recorded-after-end", False)
    assert read("manager", f"/introductions/{case.id}")["state"] == "started"


@pytest.mark.parametrize("kind", ["VOLUNTEERING", "WORK_EXPERIENCE"])
def test_in_work_with_only_unpaid_activity_is_asked_about(world: World, call, kind):
    person, enrolment = world.supported()
    spell = {"enrolment_id": str(enrolment), "kind": kind, "title": "Shop", "started_on": str(TODAY)}
    call("caseworker", "/spells", **spell)
    closing = {"closed_on": str(TODAY), "end_reason": "in_work", "reason": "Found work."}
    refused = call("manager", f"/jobseekers/{person}/close", expect=409, **closing)
    assert refused["errors"][0]["pointer"] == "/without_spell_because"


@pytest.mark.parametrize("days", [0, 1])
def test_in_work_is_asked_about_after_the_job_has_ended(world: World, call, days):
    began = TODAY - timedelta(days=10)
    person, enrolment = world.supported(began, referred_on=began)
    spell = {"enrolment_id": str(enrolment), "kind": "JOB_OPEN", "title": "Cafe", "started_on": str(began)}
    made = call("caseworker", "/spells", **spell)["id"]
    ended_on = TODAY - timedelta(days=days)
    call("caseworker", f"/spells/{made}/end", ended_on=str(ended_on), end_reason="resigned")
    closing = {"closed_on": str(TODAY), "end_reason": "in_work", "reason": "Found work."}
    call("manager", f"/jobseekers/{person}/close", expect=409 if days else 200, **closing)


# The first day


@pytest.mark.parametrize("who", ["caseworker", "manager", "lister"])
@pytest.mark.parametrize("days", [1, 30, 2500])
def test_a_first_day_before_the_introduction_was_made_is_refused(client, world: World, database, call, who, days):
    case = UnderWay(client, world, database, S.ACCEPTED)
    day = TODAY - timedelta(days=days)
    refused = call(who, f"/introductions/{case.id}/start", expect=409, started_on=str(day))
    assert refused["errors"][0]["pointer"] == "/started_on"
    assert case.state() is S.ACCEPTED


@pytest.mark.parametrize("days", [1, 30])
def test_the_partner_may_record_late_what_began_after_the_enrolment(client, world: World, database, call, days):
    case = UnderWay(client, world, database, S.ACCEPTED)
    with database.writing(world.operator) as session:
        session.execute(update(Enrolment).values(started_on=TODAY - timedelta(days=30)))
    call("lister", f"/introductions/{case.id}/start", expect=409, started_on=str(TODAY - timedelta(days=days)))
    call("caseworker", f"/introductions/{case.id}/start", started_on=str(TODAY - timedelta(days=days)))
    assert case.state() is S.STARTED


@pytest.mark.parametrize(
    ("seen_on", "is_asked"),
    [
        (TODAY, False),
        (TODAY - timedelta(days=365), False),
        (TODAY - timedelta(days=366), True),
        (date(1970, 1, 1), True),
    ],
)
def test_a_dbs_certificate_seen_on_an_unlikely_day_is_asked_about(
    client, world: World, database, call, seen_on, is_asked
):
    case = UnderWay(client, world, database, S.ACCEPTED)
    call("lister", f"/placements/{case.placement}/pause", reason="To correct it.")
    with database.writing(world.operator) as session:
        session.get_one(Placement, case.placement).dbs_level = DbsLevel.BASIC
    path, check = f"/introductions/{case.id}/start", {"level": "BASIC", "seen_on": str(seen_on), "seen_by": "A manager"}
    body = {"started_on": str(TODAY), "dbs_check": check}
    if is_asked:
        assert call("lister", path, expect=409, **body)["errors"][0]["pointer"] == "/dbs_check/day_is_right"
        body["dbs_check"] = check | {"day_is_right": True}
    assert call("lister", path, **body)["state"] == "started"


# Placements


@pytest.mark.parametrize("change", [{"pay_per_hour_pounds": "15.00"}, {"hours_per_week": 8}, {"half_days": "sat am"}])
@pytest.mark.parametrize("state", [S.SENT, S.OFFERED, S.ACCEPTED])
def test_the_caseworker_is_notified_when_the_terms_of_a_placement_change(
    client, world: World, database, state, change: dict[str, Any]
):
    case = UnderWay(client, world, database, state)
    path, key = f"/api/v1/placements/{case.placement}", world.key("lister")
    for body, told in (({"description": "A kind team."}, False), (change, True), (change, True)):
        tag = client.get(path, headers=key).headers["ETag"]
        assert client.patch(path, headers=key | {"If-Match": tag}, json=body).status_code == 200
        assert notified(database, world, "caseworker").count("placement_changed") == told


def test_the_next_options_come_from_the_latest_shortlist_without_naming_one(world: World, call, read):
    person, _ = world.supported()
    world.permit(person)
    first, second = (world.list_placement(ref=ref, title=f"Cafe {ref}") for ref in ("A", "B"))
    body = {"jobseeker_id": str(person), "placement_id": str(first), "send": True}
    one = call("caseworker", "/introductions", **body)["id"]
    call("caseworker", f"/jobseekers/{person}/shortlists")
    call("lister", f"/introductions/{one}/decline", why="hours")
    options = read("caseworker", f"/introductions/{one}")["next_options"]
    assert [option["placement_id"] for option in options] == [str(second)]


# Nobody there


def test_an_introduction_that_nobody_there_can_read_says_so_and_waits(client, world: World, database, read, call):
    membership = world.actors["lister"].membership_id
    case = UnderWay(client, world, database, S.AGREED)
    call("operator", f"/members/{membership}/end")
    sent = call("caseworker", f"/introductions/{case.id}/send")
    assert sent["nobody_notified"]
    assert waits(read, "caseworker")["nobody_notified"] == case.id
    call("caseworker", f"/introductions/{case.id}/withdraw", why="other")
    assert read("caseworker", f"/introductions/{case.id}")["nobody_notified"] is None


def test_a_declined_referral_that_nobody_there_can_read_says_so_and_waits(world: World, read, call):
    referral = world.refer()
    case = UnderWay.__new__(UnderWay)
    case.person = referral.jobseeker_id
    call("operator", f"/members/{world.actors['referrer'].membership_id}/end")
    declined = call("caseworker", f"/referrals/{referral.id}/decline", reason="She lives outside our area.")
    assert declined["nobody_notified"]
    assert waits(read, "caseworker")["referrer_to_tell"] == str(referral.id)
    spoken(call, case, "referrer")
    assert "referrer_to_tell" not in waits(read, "caseworker")


def test_a_declined_referral_that_a_referrer_can_read_says_nothing(world: World, read, call):
    referral = world.refer()
    assert call("caseworker", f"/referrals/{referral.id}/decline", reason="Too far away.")["nobody_notified"] is None
    assert "referrer_to_tell" not in waits(read, "caseworker")


# A safety exclusion that comes to bear later


def by_a_new_member(client, world: World, database) -> None:
    with database.writing(world.on("operator")) as session:
        new = NewUser(name="Osbert Quixwood", email="o.q@example.org")
        user = organisation_actions.make_user(session, world.on("operator"), new)
        member = NewMember(
            user_id=user.id, organisation_id=world.organisations["enterprise"], role=Role.PLACEMENT_LISTER
        )
        organisation_actions.add_member(session, world.on("operator"), member)


def by_a_new_name(client, world: World, database) -> None:
    with database.writing(world.on("operator")) as session:
        session.get_one(User, world.actors["lister"].user_id).name = "Osbert Quixwood"


def by_a_new_contact(client, world: World, database) -> None:
    (item,) = client.get("/api/v1/placements", headers=world.key("lister")).json()["items"]
    path, key = f"/api/v1/placements/{item['id']}", world.key("lister")
    tag = client.get(path, headers=key).headers["ETag"]
    body = {"contact_email": "osbert.quixwood@example.org"}
    assert client.patch(path, headers=key | {"If-Match": tag}, json=body).status_code == 200


@pytest.mark.parametrize("door", [by_a_new_member, by_a_new_name, by_a_new_contact])
def test_an_exclusion_that_comes_to_bear_later_is_told_to_the_partner_alone(
    client, world: World, database, read, call, door
):
    case = UnderWay(client, world, database, S.SENT)
    case.exclude(kind="person", who="Osbert Quixwood")
    call("caseworker", f"/introductions/{case.id}/confirm-safety", reason="Nobody of that name works there now.")
    assert case.read("lister").json()["given_name"] == "Amina"
    letters(world, database)
    door(client, world, database)
    assert case.state() is S.WITHDRAWN
    for who in ("caseworker", "manager"):
        assert "safety_withdrew" in notified(database, world, who)
        assert waits(read, who)["safety_withdrew"] == case.id
    assert not {"safety_withdrew", "introduction_closed"} & set(notified(database, world, "lister"))
    stopped = read("caseworker", f"/jobseekers/{case.person}/stopped")
    assert [one["introduction_id"] for one in stopped["withdrawn"]] == [case.id]
    assert (stopped["messages_cancelled"], stopped["links_ended"]) == (0, 0)  # it counts no single instant
    (earlier,) = stopped["already_read"]
    assert (earlier["social_enterprise"], "identity" in earlier["groups"]) == ("Acorn Kitchen CIC", True)
    sent = [one for one in letters(world, database) if one["To"] in {"caseworker@example.org", "manager@example.org"}]
    assert len(sent) == 2
    assert not [mark for mark in ("Amina", "Bhriain", "Osbert") for one in sent if mark in one.get_content()]
    assert client.get(f"/api/v1/jobseekers/{case.person}/stopped", headers=world.key("lister")).status_code == 403
    spoken(call, case)
    assert "safety_withdrew" not in waits(read, "caseworker")


def test_a_change_that_shows_a_restricted_twin_says_what_it_stopped(client, world: World, database, call):
    case = UnderWay(client, world, database, S.SENT)
    assert case.read("lister").json()["given_name"] == "Amina"
    known = {"given_name": "Sunniva", "family_name": "Oakes", "date_of_birth": "1999-04-03", "phone": "07700 900777"}
    other = call("manager", "/jobseekers", **known)["id"]
    call("manager", f"/jobseekers/{other}/restrict", reason="He looks for her.")
    changed = case.change(**known)
    assert changed["is_restricted"] is True
    assert [one["introduction_id"] for one in changed["stopped"]["to_decide"]] == [case.id]


def test_an_exclusion_on_a_second_record_says_what_it_stopped_on_the_first(client, world: World, database, call):
    case = UnderWay(client, world, database, S.SENT)
    known = client.get(f"/api/v1/jobseekers/{case.person}", headers=world.key("manager")).json()
    names = ("given_name", "family_name", "date_of_birth", "phone", "email", "postcode")
    twin = call("caseworker", "/jobseekers", **{name: known[name] for name in names})["id"]
    body = {"kind": "organisation", "social_enterprise_id": str(world.organisations["enterprise"])}
    reply = call("caseworker", f"/jobseekers/{twin}/safety-exclusions", **body, reason="He works there.")
    assert [one["introduction_id"] for one in reply["stopped"]["to_decide"]] == [case.id]
    assert case.state() is S.SENT
