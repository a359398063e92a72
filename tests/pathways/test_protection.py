"""A protective fact acts at once on whatever is under way: each fact, in each state, by each way out."""

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from pathways import daily
from pathways.access.models import User
from pathways.allocations.models import AllocationLine, LineState
from pathways.app import LINKS, NEEDED
from pathways.base import Role
from pathways.introductions.models import INTRODUCTION_MOVES, OPEN, WHO_MAY, Introduction, IntroductionState
from pathways.introductions.stops import LIVE
from pathways.jobseekers.models import Jobseeker
from pathways.messages.models import Email, EmailState
from pathways.messages.sending import Sender
from pathways.placements.models import Placement
from pathways.referrals.models import Referral
from tests.conftest import settings_for
from tests.world import World

S = IntroductionState
API = "/api/v1"
MARKS = ("Amina", "Bhriain", "07700900123", "447700900123", "amina@example.org", "quiet space", "cooking", "Text only")
PRIVATE = ("exclu", "safety", "permission", "restrict", "withheld", "protect")
# How each state is reached: the steps after the proposal, and who takes them.
STEPS: dict[IntroductionState, tuple[tuple[str, str], ...]] = {
    S.PROPOSED: (),
    S.AGREED: (("caseworker", "agree"),),
    S.SENT: (("caseworker", "agree"), ("caseworker", "send")),
    S.INVITED: (("caseworker", "agree"), ("caseworker", "send"), ("lister", "invite")),
    S.WAITING: (("caseworker", "agree"), ("caseworker", "send"), ("lister", "wait")),
    S.OFFERED: (("caseworker", "agree"), ("caseworker", "send"), ("lister", "offer")),
    S.ACCEPTED: (("caseworker", "agree"), ("caseworker", "send"), ("lister", "offer"), ("caseworker", "accept")),
    S.STARTED: (
        ("caseworker", "agree"),
        ("caseworker", "send"),
        ("lister", "offer"),
        ("caseworker", "accept"),
        ("lister", "start"),
    ),
}
AWAY = {"reason": "The jobseeker asked us to."}
# What each protective fact does to the introduction that is under way.
WITHDRAWS, STOPS, HIDES = "withdraws", "stops", "hides"
FACTS = {
    "organisation": WITHDRAWS,
    "person by name": WITHDRAWS,
    "person by address": WITHDRAWS,
    "area": WITHDRAWS,
    "person nobody knows": STOPS,
    "area of an unknown place": STOPS,
    "permission revoked": STOPS,
    "case restricted": STOPS,
    "case restricted by a change": STOPS,
    "permission narrowed": HIDES,
    "contact withheld": HIDES,
}


EXCLUSIONS: dict[str, dict[str, Any]] = {
    "person by name": {"kind": "person", "who": "Thornton, Garry (her stepfather)"},
    "person by address": {"kind": "person", "who": "Gary <Gary.Thornton@Example.org>"},
    "person nobody knows": {"kind": "person", "who": "Quentin Umbridge"},
    "area": {"kind": "area", "postcode": "NW4 4BT", "radius_km": 1.5},
    "area of an unknown place": {"kind": "area", "postcode": "NW9 5QN", "radius_km": 1.5},
}


class UnderWay:
    """One jobseeker on their way to a placement, and a mailbox that nothing has been sent to yet."""

    def __init__(self, client, world: World, database, state: IntroductionState, *, place: str = "NW4 4BT") -> None:
        self.client, self.world, self.database = client, world, database
        self.filler: str | None = None
        self.sent_link: str | None = None
        self.person, self.placement, self.filler, self.sent_link, self.id = world.arranged(
            ("under way", state, place), lambda: self._reach(state, place)
        )

    def _reach(self, state: IntroductionState, place: str) -> tuple[Any, ...]:
        world = self.world
        self.person, _ = world.supported(safe_contact="Text only, between nine and three")
        world.permit(self.person, "identity", "contact", "work", "health_and_adjustments")
        self.placement = world.list_placement(postcode=place, places=1, contact_email="gary.thornton@example.org")
        if state is S.WAITING:
            self._fill()
            self.send_mail()
        self.id = self.post(
            "caseworker", "/introductions", jobseeker_id=str(self.person), placement_id=str(self.placement)
        )["id"]
        for who, step in STEPS[state]:
            body = {"started_on": str(world.on("lister").today)} if step == "start" else {}
            self.post(who, f"/introductions/{self.id}/{step}", **body)
            if step == "send" and state is not S.SENT:  # the e-mail goes before the next step makes it needless
                self.sent_link = self.link()
        return self.person, self.placement, self.filler, self.sent_link, self.id

    def _fill(self) -> None:
        """Give the only place to another jobseeker, so that there is a waiting list."""
        other, _ = self.world.supported(
            ref="OTHER",
            given_name="Zed",
            family_name="Quill",
            nino=None,
            nhs_number=None,
            email=None,
            phone=None,
            skills=["sewing"],
            adjustments=[],
        )
        self.world.permit(other)
        made = self.post("caseworker", "/introductions", jobseeker_id=str(other), placement_id=str(self.placement))
        self.filler = made["id"]
        for who, step in STEPS[S.OFFERED]:
            self.post(who, f"/introductions/{self.filler}/{step}")

    def post(self, who: str, path: str, /, expect: int | None = None, **body: Any) -> Any:
        answer = self.client.post(f"{API}{path}", headers=self.world.key(who), json=body)
        assert answer.status_code in ({200, 201} if expect is None else {expect}), (path, answer.text)
        return answer.json()

    def read(self, who: str) -> Any:
        return self.client.get(f"{API}/introductions/{self.id}", headers=self.world.key(who))

    def state(self) -> IntroductionState:
        with self.database.reading() as session:
            return session.get_one(Introduction, UUID(self.id)).state

    def send_mail(self) -> list[Any]:
        letters: list[Any] = []
        later = datetime.now(UTC) + timedelta(minutes=1)
        Sender(self.database, settings_for("sqlite://"), letters.append, lambda: later, LINKS, NEEDED).send_due()
        return [letter for letter in letters if letter["To"] == "lister@example.org"]

    def link(self) -> str | None:
        """Send what is queued, and return the decision link in it or in an e-mail that was sent before."""
        for letter in self.send_mail():
            found = re.search(r"http://127.0.0.1:8000(/decide/[A-Za-z0-9_-]{43})", letter.get_content())
            if found:
                return found.group(1)
        return self.sent_link

    def protect(self, fact: str) -> Any:
        """Record a protective fact as a caseworker does, and return the reply."""
        bodies = EXCLUSIONS | {
            "organisation": {
                "kind": "organisation",
                "social_enterprise_id": str(self.world.organisations["enterprise"]),
            }
        }
        if fact in bodies:
            return self.exclude(**bodies[fact])
        path = f"/jobseekers/{self.person}"
        if fact == "permission revoked":
            items = self.client.get(f"{API}{path}/permissions", headers=self.world.key("caseworker")).json()
            (permission,) = items["items"]
            return self.post("caseworker", f"{path}/permissions/{permission['id']}/revoke", reason="She said so.")
        if fact == "case restricted":
            return self.post("caseworker", f"{path}/restrict", reason="He looks for her.")
        if fact == "permission narrowed":
            enterprise = str(self.world.organisations["enterprise"])
            body = {"social_enterprise_id": enterprise, "groups": ["work"], "how_given": "in person"}
            return self.post("caseworker", f"{path}/permissions", **body)
        restricts = fact == "case restricted by a change"
        return self.change(**({"is_restricted": True} if restricts else {"contact_withheld_reason": "MAPPA"}))

    def exclude(self, **body: Any) -> Any:
        return self.post("caseworker", f"/jobseekers/{self.person}/safety-exclusions", **body, **AWAY)

    def change(self, **changes: Any) -> Any:
        path, key = f"{API}/jobseekers/{self.person}", self.world.key("caseworker")
        tag = self.client.get(path, headers=key).headers["ETag"]
        answer = self.client.patch(path, headers=key | {"If-Match": tag}, json=changes)
        assert answer.status_code == 200, answer.text
        return answer.json()


def under_way(client, world, database, fact: str, state: IntroductionState) -> UnderWay:
    case = UnderWay(client, world, database, state)
    if fact == "area of an unknown place":
        with database.writing(world.operator) as session:
            session.execute(update(Placement).values(postcode=None, easting=None, northing=None, place_basis=None))
    return case


def test_every_live_state_is_reached_here():
    assert set(STEPS) == set(LIVE)


@pytest.mark.parametrize(("fact", "state"), list(product(FACTS, STEPS)))
def test_no_way_out_is_left_open(client, world: World, database, fact: str, state: IntroductionState):
    case = under_way(client, world, database, fact, state)
    link = case.link()
    if fact != "area of an unknown place":  # the placement has no postcode, but the person is read all the same
        is_sent = state not in {S.PROPOSED, S.AGREED}
        read = case.read("lister").text
        # Without this, the test of what is hidden would pass if nothing had ever been visible.
        assert [mark for mark in ALWAYS_READ if mark in read] == (list(ALWAYS_READ) if is_sent else [])
    case.protect(fact)
    does = FACTS[fact]
    seen = case.read("lister")
    shown = [mark for mark in MARKS if mark in seen.text]
    if does is HIDES:
        hides_elsewhere_too(case, fact, link, HIDDEN[fact])
        return
    assert shown == []
    values = str([value for name, value in seen.json().items() if name != "withheld"]) if seen.is_success else seen.text
    assert not [word for word in PRIVATE if word in values.lower()], values
    listed = client.get(f"{API}/introductions", headers=world.key("lister")).text
    assert not [mark for mark in MARKS if mark in listed]
    expected = S.WITHDRAWN if does is WITHDRAWS and state in OPEN else state
    assert case.state() is expected
    takes_no_step(case, expected)
    if link is not None:
        assert client.get(link).status_code == 410
        assert client.post(link, data={"event": "invite"}).status_code == 410
        assert case.state() is expected
    assert case.send_mail() == []
    if fact == "case restricted by a change":
        return  # the notice in the list stays: it names nobody, and what it points to shows nothing
    notices = client.get(f"{API}/notices", headers=world.key("lister")).json()["items"]
    assert not [notice for notice in notices if notice["subject_id"] == case.id]


# What the social enterprise reads of a jobseeker who was put forward, if nothing protects them.
ALWAYS_READ = ("Amina", "447700900123", "amina@example.org", "quiet space", "cooking")
HIDDEN = {"permission narrowed": set(MARKS) - {"cooking"}, "contact withheld": set(MARKS[2:5])}


def hides_elsewhere_too(case: UnderWay, fact: str, link: str | None, hidden: set[str]) -> None:
    """Look for what a fact hides in every way out; the introduction goes on, so its link and its mail do too."""
    ways = [case.read("lister").text]
    for path in ("introductions", "notices", f"placements/{case.placement}"):
        answer = case.client.get(f"{API}/{path}", headers=case.world.key("lister"))
        assert answer.is_success, answer.text
        ways.append(answer.text)
    ways += [str(letter) for letter in case.send_mail()]
    if link is not None:
        ways.append(case.client.get(link).text)
    for text in ways:
        assert not [mark for mark in hidden if mark in text], fact


def takes_no_step(case: UnderWay, expected: IntroductionState) -> None:
    """Try every move as the social enterprise: none brings the jobseeker nearer, and no refusal says why."""
    today = str(case.world.on("lister").today)
    for event in sorted({event for (_, event) in INTRODUCTION_MOVES}):
        if Role.PLACEMENT_LISTER not in WHO_MAY[event] or event in {"decline", "end"}:
            continue
        body = {"started_on": today} if event == "start" else {}
        answer = case.client.post(f"{API}/introductions/{case.id}/{event}", headers=case.world.key("lister"), json=body)
        assert answer.status_code in {403, 404, 409}, (event, answer.text)
        assert not [word for word in PRIVATE if word in answer.text.lower()], answer.text
        assert case.state() is expected


@pytest.mark.parametrize(
    "fact", ["organisation", "person by name", "area", "person nobody knows", "permission revoked"]
)
def test_a_place_that_comes_free_passes_by(client, world: World, database, fact: str):
    case = UnderWay(client, world, database, S.WAITING)
    case.protect(fact)
    if fact == "permission revoked":
        assert case.state() is S.WAITING
    case.post("caseworker", f"/introductions/{case.filler}/decline", why="pay")
    assert case.state() is not S.OFFERED
    daily.run(database, world.operator, datetime.now(UTC))
    assert case.state() is not S.OFFERED


@pytest.mark.parametrize("fact", ["organisation", "person by name", "person by address", "area"])
def test_the_reply_says_what_was_stopped_and_what_had_been_shown(client, world: World, database, fact: str):
    case = UnderWay(client, world, database, S.INVITED)
    case.read("lister")
    case.link()
    told = case.protect(fact)
    stopped = told["stopped"]
    assert [one["introduction_id"] for one in stopped["withdrawn"]] == [case.id]
    assert (stopped["withdrawn"][0]["state"], stopped["to_decide"]) == ("invited", [])
    assert stopped["permissions_revoked"] == ["Acorn Kitchen CIC"]
    assert stopped["links_ended"] >= 1
    assert stopped["messages_cancelled"] >= 1
    (shown,) = stopped["already_read"]
    assert shown["groups"] == ["contact", "health_and_adjustments", "identity", "work"]
    assert shown["times"] >= 1
    assert [one["placement_id"] for one in told["bars"]] == [str(case.placement)]


@pytest.mark.parametrize(
    ("fact", "groups"),
    [
        ("contact withheld", ["contact"]),
        ("permission narrowed", ["contact", "health_and_adjustments", "identity"]),
        ("case restricted by a change", ["contact", "health_and_adjustments", "identity", "work"]),
    ],
)
@pytest.mark.parametrize("was_read", [True, False])
def test_a_change_that_protects_says_what_had_already_been_read(
    client, world: World, database, fact: str, groups, was_read
):
    case = UnderWay(client, world, database, S.SENT)
    if was_read:
        case.read("lister")
    told = case.protect(fact)
    read = (told.get("stopped") or told)["already_read"]
    assert [one["groups"] for one in read] == ([groups] if was_read else [])


def test_a_repeated_request_is_answered_alike_and_stops_nothing_twice(client, world: World, database):
    case = UnderWay(client, world, database, S.OFFERED)
    body = {"kind": "organisation", "social_enterprise_id": str(world.organisations["enterprise"]), **AWAY}
    path, key = f"{API}/jobseekers/{case.person}/safety-exclusions", world.key("caseworker") | {"Idempotency-Key": "1"}
    first, again = (client.post(path, json=body, headers=key).json() for _ in range(2))
    assert first == again
    assert len(again["stopped"]["withdrawn"]) == 1


def test_work_that_has_begun_is_for_a_person_to_decide_and_they_are_told(client, world: World, database):
    case = UnderWay(client, world, database, S.STARTED)
    told = case.protect("organisation")
    assert [one["introduction_id"] for one in told["stopped"]["to_decide"]] == [case.id]
    for who in ("caseworker", "manager"):
        notices = client.get(f"{API}/notices", headers=world.key(who)).json()["items"]
        assert [one["subject_id"] for one in notices if one["kind"] == "safety_to_decide"] == [case.id]
    assert "record its end" in case.read("caseworker").json()["stopped"]


def test_a_line_of_a_proposal_ends_with_the_exclusion(client, world: World, database):
    case = UnderWay(client, world, database, S.PROPOSED)
    case.post("caseworker", f"/introductions/{case.id}/withdraw", why="other")
    case.post("manager", "/allocations")
    told = case.protect("person by name")
    assert told["stopped"]["allocation_lines_rejected"] == 1
    with database.reading() as session:
        assert session.scalars(select(AllocationLine.state)).all() == [LineState.REJECTED]


NAMES = [
    ("Gary Thornton", True),
    ("THORNTON Gary", True),
    ("Mr. G. Thornton", True),
    ("Garry Thorntn", True),
    ("gary lee thornton", True),
    ("her ex, Gary Thornton, drives a white van", True),
    ("g.thornton@elsewhere.example.org", False),
    ("gary.thornton@example.org", True),
    ("Gary", False),
    ("Thornton", False),
    ("Jane Thornton", False),
    ("Gary Smith", False),
]


@pytest.mark.parametrize(("who", "bars"), NAMES)
@pytest.mark.parametrize("known", ["a contact", "a member"])
def test_who_is_kept_away_is_found_as_people_write_it(client, world: World, database, who: str, bars: bool, known: str):
    person, _ = world.supported()
    contact = "gary.thornton@example.org" if known == "a contact" else None
    placement = world.list_placement(contact_email=contact)
    if known == "a member":
        with database.writing(world.operator) as session:
            user = session.get_one(User, world.actors["lister"].user_id)
            user.name, user.email = "Gary Thornton", "gary.thornton@example.org"
    answer = client.post(
        f"{API}/jobseekers/{person}/safety-exclusions",
        headers=world.key("caseworker"),
        json={"kind": "person", "who": who, **AWAY},
    ).json()
    assert [one["placement_id"] for one in answer["bars"]] == ([str(placement)] if bars else [])
    assert ("bars no placement" in answer["note"]) is not bars
    made = client.post(f"{API}/jobseekers/{person}/shortlists", headers=world.key("caseworker"), json={}).json()
    if bars:
        assert (made["matches"], made["refused_by_rule"]) == ([], {"safety": 1})
    else:
        checks = [check["result"] for check in made["matches"][0]["checks"] if check["rule"] == "safety"]
        assert checks == ["unknown"]


@pytest.mark.parametrize("fact", ["person nobody knows", "area of an unknown place"])
def test_a_check_that_cannot_tell_needs_a_caseworkers_word_before_anybody_is_put_forward(
    client, world: World, database, fact: str
):
    case = under_way(client, world, database, fact, S.PROPOSED)
    case.post("caseworker", f"/introductions/{case.id}/withdraw", why="other")
    case.protect(fact)
    body = {"jobseeker_id": str(case.person), "placement_id": str(case.placement)}
    refused = case.post("caseworker", "/introductions", expect=409, **body)
    assert refused["type"] == "/problems/safety-not-checked"
    made = case.post("caseworker", "/introductions", **body, safety_check="I rang them: nobody of that name.")
    case.id = made["id"]
    case.post("caseworker", f"/introductions/{case.id}/agree")
    case.post("caseworker", f"/introductions/{case.id}/send")
    case.exclude(kind="person", who="Somebody Else")  # a new exclusion asks again
    assert case.read("lister").json()["given_name"] is None
    case.post("lister", f"/introductions/{case.id}/invite", expect=403)
    case.post("caseworker", f"/introductions/{case.id}/invite", expect=409)
    case.post("caseworker", f"/introductions/{case.id}/confirm-safety", reason="I met everybody who works there.")
    assert case.read("lister").json()["given_name"] == "Amina"
    case.post("lister", f"/introductions/{case.id}/invite")


def test_a_confirmation_does_not_lift_an_exclusion(client, world: World, database):
    case = UnderWay(client, world, database, S.STARTED)
    case.protect("organisation")
    refused = case.post("caseworker", f"/introductions/{case.id}/confirm-safety", expect=409, reason="It is fine.")
    assert refused["type"] == "/problems/excluded-for-safety"


def test_a_person_who_joins_the_social_enterprise_later_ends_it_at_once(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    case.exclude(kind="person", who="Quentin Umbridge")
    case.post("caseworker", f"/introductions/{case.id}/confirm-safety", reason="Nobody of that name works there.")
    assert case.read("lister").json()["given_name"] == "Amina"
    with database.writing(world.operator) as session:
        session.get_one(User, world.actors["lister"].user_id).name = "Quentin Umbridge"
    assert case.state() is S.WITHDRAWN
    assert case.read("lister").json()["given_name"] is None
    daily.run(database, world.operator, datetime.now(UTC))
    assert case.state() is S.WITHDRAWN


def test_a_message_already_in_an_e_mail_is_cancelled_and_the_rest_of_the_e_mail_is_sent(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    with database.writing(None) as session:
        from pathways.messages import actions as message_actions

        message_actions.make_emails(session, datetime.now(UTC), urgent=True)
    case.protect("organisation")
    assert case.send_mail() == []
    with database.reading() as session:
        user = world.actors["lister"].user_id
        assert session.scalars(select(Email.state).where(Email.user_id == user)).all() == [EmailState.CANCELLED]


def test_only_a_manager_lifts_a_restriction_and_says_why(client, world: World, database):
    case = UnderWay(client, world, database, S.SENT)
    told = case.protect("case restricted")
    assert told["stopped"]["permissions_revoked"] == ["Acorn Kitchen CIC"]
    path, key = f"{API}/jobseekers/{case.person}", world.key("manager")
    tag = client.get(path, headers=key).headers["ETag"]
    assert client.patch(path, headers=key | {"If-Match": tag}, json={"is_restricted": False}).status_code == 409
    case.post("caseworker", f"/jobseekers/{case.person}/lift-restriction", expect=403, reason="Over.")
    case.post("manager", f"/jobseekers/{case.person}/lift-restriction", expect=422)
    lifted = case.post("manager", f"/jobseekers/{case.person}/lift-restriction", reason="He has moved abroad.")
    assert lifted["is_restricted"] is False
    assert case.read("lister").json()["given_name"] is None  # what was revoked stays revoked
    case.post("manager", f"/jobseekers/{case.person}/lift-restriction", expect=409, reason="Again.")


# Protection is inherited upwards on suspicion, and removed only by a person.


@pytest.mark.parametrize("door", ["referral", "walk-in"])
def test_what_may_be_a_restricted_person_is_restricted_at_birth(client, world: World, database, door: str):
    first, _ = world.supported(is_restricted=True)
    again = {"given_name": "Amina", "family_name": "Ni Bhriain", "date_of_birth": "2002-05-26", "phone": "07700900123"}
    key = world.key("caseworker")
    if door == "referral":
        again |= {"source_type": "JCP", "referred_on": "2026-09-02", "partner_id": str(world.organisations["partner"])}
        made = client.post(f"{API}/referrals", headers=world.key("referrer"), json=again)
        assert made.json()["is_restricted"] is False  # the referrer must not learn of the other record
        with database.reading() as session:
            person = str(session.get_one(Referral, UUID(made.json()["id"])).jobseeker_id)
    else:
        made = client.post(f"{API}/jobseekers", headers=key, json=again)
        person = made.json()["id"]
    assert made.status_code == 201, made.text
    assert client.get(f"{API}/jobseekers/{person}", headers=world.key("colleague")).status_code == 404
    read = client.get(f"{API}/jobseekers/{person}", headers=world.key("manager")).json()
    assert (read["id"] != str(first), read["is_restricted"]) == (True, True)
    notices = client.get(f"{API}/notices", headers=world.key("manager")).json()["items"]
    assert [one["subject_id"] for one in notices if one["kind"] == "restricted_on_suspicion"] == [person]
    lift = client.post(
        f"{API}/jobseekers/{person}/lift-restriction", headers=world.key("manager"), json={"reason": "Two people."}
    )
    assert lift.status_code == 200, lift.text
    assert client.get(f"{API}/jobseekers/{person}", headers=world.key("colleague")).status_code == 200


def test_somebody_else_is_not_restricted(client, world: World, database):
    world.supported(is_restricted=True)
    other = {"given_name": "Wei", "family_name": "Zhang", "date_of_birth": "1990-01-02"}
    made = client.post(f"{API}/jobseekers", headers=world.key("caseworker"), json=other).json()
    assert made["is_restricted"] is False


def test_a_case_that_is_restricted_takes_its_likely_duplicates_along(client, world: World, database):
    first, _ = world.supported()
    second = world.refer(ref="B", by="other_referrer", nino=None).jobseeker_id
    told = client.post(
        f"{API}/jobseekers/{first}/restrict", headers=world.key("caseworker"), json={"reason": "He looks for her."}
    )
    assert told.status_code == 200, told.text
    assert client.get(f"{API}/jobseekers/{second}", headers=world.key("colleague")).status_code == 404


def test_a_colleague_reads_no_conviction_by_whatever_field_it_comes(client, world: World, database):
    person, _ = world.supported()
    path = f"{API}/jobseekers/{person}/barriers"
    for kind, note in (("conviction", "MARKER-CONVICTION"), ("debt", "MARKER-DEBT")):
        body = {"kind": kind, "opened_on": "2026-10-01", "note": note}
        assert client.post(path, headers=world.key("caseworker"), json=body).status_code == 201
    seen = {who: client.get(path, headers=world.key(who)).text for who in ("caseworker", "manager", "colleague")}
    assert {who: "MARKER-CONVICTION" in text for who, text in seen.items()} == {
        "caseworker": True,
        "manager": True,
        "colleague": False,
    }
    assert '"conviction"' not in seen["colleague"]
    assert "MARKER-DEBT" in seen["colleague"]


@pytest.mark.parametrize("door", ["assign", "enrol"])
def test_a_case_is_taken_from_its_caseworker_only_by_a_manager_and_they_are_told(
    client, world: World, database, door: str
):
    _, enrolment = world.supported()
    colleague = str(world.actors["colleague"].membership_id)
    path, body = f"{API}/enrolments/{enrolment}/assign", {"caseworker_id": colleague}
    if door == "enrol":
        ended = {"ended_on": str(world.on("manager").today), "end_reason": "moved_away"}
        assert client.post(f"{API}/enrolments/{enrolment}/end", headers=world.key("manager"), json=ended).is_success
        referral = world.refer(ref="B", by="other_referrer")
        world.accept(referral)
        with database.writing(world.operator) as session:
            session.execute(
                update(Jobseeker)
                .where(Jobseeker.id == referral.jobseeker_id)
                .values(caseworker_id=world.actors["caseworker"].membership_id)
            )
        path = f"{API}/enrolments"
        body |= {
            "referral_id": str(referral.id),
            "programme_id": str(world.programme_id),
            "started_on": str(world.on("manager").today),
        }
    refused = client.post(path, headers=world.key("colleague"), json=body)
    assert (refused.status_code, "team manager" in refused.text) == (403, True)
    assert client.post(path, headers=world.key("manager"), json=body).is_success
    notices = client.get(f"{API}/notices", headers=world.key("caseworker")).json()["items"]
    assert len([one for one in notices if one["kind"] == "case_reassigned"]) == 1


@pytest.mark.parametrize(("given", "again"), [("Iseult", "Isolde"), ("Niamh", "Neive"), ("Amina", "Yasmina")])
def test_a_name_that_was_badly_heard_keeps_the_protection(client, world: World, given: str, again: str):
    one = {"given_name": given, "family_name": "Featherstone", "date_of_birth": "1994-03-17"}
    made = []
    for body in (one | {"is_restricted": True}, one | {"given_name": again}):
        answer = client.post("/api/v1/jobseekers", headers=world.key("manager"), json=body)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
    read = client.get(f"/api/v1/jobseekers/{made[1]}", headers=world.key("manager")).json()
    assert read["is_restricted"] is True
    pairs = client.get(f"/api/v1/jobseekers/{made[1]}/duplicates", headers=world.key("manager")).json()["items"]
    assert [pair["jobseeker_id"] for pair in pairs] == [made[0]]
    assert client.get(f"/api/v1/jobseekers/{made[0]}", headers=world.key("manager")).json()["state"] != "VOIDED"


def test_twins_with_names_unlike_each_other_are_two_people(client, world: World):
    one = {"family_name": "Featherstone", "date_of_birth": "1994-03-17", "postcode": "NW9 5QN"}
    for given in ("Brian", "Anna"):
        answer = client.post("/api/v1/jobseekers", headers=world.key("manager"), json=one | {"given_name": given})
        assert answer.status_code == 201
        assert answer.json()["may_be"] == []
