"""Four eyes over claims: each fact that a claim rests on, each decision of the funder; what a partner tells for it."""

import csv
import io
import threading
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from pathways.base import Actor, Role, Source
from pathways.claims import actions as claim_actions
from pathways.claims import queries as claim_queries
from pathways.claims.models import ANSWERS, FUNDERS_WORD, ClaimEvent, ClaimMove
from pathways.claims.schemas import Confirmation, Objection
from pathways.errors import DomainError
from pathways.messages.models import WebhookDelivery, WebhookEndpoint
from pathways.organisations import actions as organisation_actions
from pathways.organisations.schemas import NewKey, NewMember, NewUser
from pathways.programmes import actions as programme_actions
from pathways.programmes.models import Programme
from pathways.programmes.schemas import NewPrice
from tests.work import TODAY, evidence, working
from tests.world import World

RULE = "LOCAL_13_IN_16"
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
START = TODAY - timedelta(weeks=15)
DECLARED = {"has_other_funding": False}


def join(world: World, name: str, organisation: str, role: Role, email: str | None = None) -> Actor:
    """Add a member with a key to the world, under ``name``. A user with this e-mail address is used again."""
    world.actors[name], world.secrets[name] = world.arranged(
        ("joined", name, organisation, role, email), lambda: _joined(world, name, organisation, role, email)
    )
    return world.actors[name]


def _joined(world: World, name: str, organisation: str, role: Role, email: str | None) -> tuple[Actor, str]:
    operator = world.operator.then(source=Source.DEMONSTRATION)
    with world.database.writing(operator) as session:
        known = [actor.user_id for key, actor in world.actors.items() if f"{key}@example.org" == email]
        user_id = (
            known[0]
            if known
            else organisation_actions.make_user(
                session, operator, NewUser(name=name, email=email or f"{name}@example.org")
            ).id
        )
        organisation_id = world.organisations[organisation]
        new = NewMember(user_id=user_id, organisation_id=organisation_id, role=role)
        membership = organisation_actions.add_member(session, operator, new)
        key = NewKey(membership_id=membership.id, expires_on=date(2099, 12, 31))
        secret = organisation_actions.make_key(session, operator, key)[1]
        return Actor(user_id, organisation_id, role, membership.id), secret


# The facts of the first part of a journey. Journeys that differ only in later facts share this part.
WORKED = {"price", "start", "start corrected", "spell", "spell corrected", "hours", "hours superseded"}
PROVEN = WORKED | {"evidence", "document", "check", "check superseded"}


class Journey:
    """Records everything that a claim rests on, each fact by the member of ``by`` or by the default member."""

    def __init__(self, client: Any, world: World, call: Callable[..., Any], **by: str) -> None:
        self.client, self.world, self.call, self.by = client, world, call, by

    def who(self, fact: str, default: str = "caseworker") -> str:
        return self.by.get(fact, default)

    def to_submitted(self) -> str:
        """Return the path of the submitted claim."""
        enrolment, spell = self._shared("worked", WORKED, self._worked)
        self._shared("proven", PROVEN, lambda: self._evidence(spell))
        outcome = self.call(self.who("outcome"), "/outcomes", enrolment_id=enrolment, rule=RULE)
        claim = self.call(self.who("draft"), "/claims", outcome_id=outcome["id"])
        path = f"/claims/{claim['id']}"
        self.call(self.who("submit"), f"{path}/submit", **DECLARED)
        if "answer" in self.by:
            self.call("commissioner", f"{path}/query", reason="Which employer?")
            self.call(self.who("answer"), f"{path}/answer", reason="A social enterprise.")
        return path

    def _shared(self, part: str, facts: set[str], build: Callable[[], Any]) -> Any:
        by = tuple(sorted((fact, who) for fact, who in self.by.items() if fact in facts))
        return self.world.arranged((part, by), build)

    def _worked(self) -> tuple[str, str]:
        price = NewPrice(rule=RULE, pounds=Decimal(1000), from_on=START - timedelta(days=400))
        setter = self.world.actors[self.by["price"]] if "price" in self.by else self.world.operator
        with self.world.database.writing(setter) as session:
            programme = session.get_one(Programme, self.world.programme_id)
            programme_actions.set_price(session, setter, programme, price)
        enrolment = self._enrolment()
        return enrolment, self._spell(enrolment)

    def _enrolment(self) -> str:
        referral = self.world.refer(day=START - timedelta(days=5), referred_on=START - timedelta(days=9))
        self.world.accept(referral, START - timedelta(days=5))
        made = self.call(
            self.who("start"),
            "/enrolments",
            referral_id=str(referral.id),
            programme_id=str(self.world.programme_id),
            started_on=(START - timedelta(days=3)).isoformat(),
            caseworker_id=str(self.world.actors["caseworker"].membership_id),
        )
        if "start corrected" in self.by:
            self.change(self.by["start corrected"], "enrolments", made["id"], started_on=(START - timedelta(days=2)))
        return made["id"]

    def change(self, who: str, room: str, row_id: str, **changes: Any) -> None:
        path, headers = f"/api/v1/{room}/{row_id}", self.world.key(who)
        tag = self.client.get(path, headers=headers).headers["ETag"]
        body = {name: str(value) for name, value in changes.items()}
        answer = self.client.patch(path, headers=headers | {"If-Match": tag}, json=body)
        assert answer.status_code == 200, answer.text

    def _spell(self, enrolment: str) -> str:
        spell = self.call(
            self.who("spell"),
            "/spells",
            enrolment_id=enrolment,
            kind="JOB_OPEN",
            title="Cafe",
            started_on=START.isoformat(),
        )["id"]
        if "spell corrected" in self.by:
            self.change(self.by["spell corrected"], "spells", spell, title="Cafe Assistant")
        for week in range(14):
            first = (START + timedelta(weeks=week)).isoformat()
            by = self.who("hours") if week == 5 else "caseworker"
            self.call(by, f"/spells/{spell}/hours", week_from=first, hours=10)
            if week == 6 and "hours superseded" in self.by:
                self.call(self.by["hours superseded"], f"/spells/{spell}/hours", week_from=first, hours=9)
                self.call("caseworker", f"/spells/{spell}/hours", week_from=first, hours=10)
        return spell

    def _evidence(self, spell: str) -> None:
        item = self.call(
            self.who("evidence"),
            "/evidence",
            spell_id=spell,
            kind="payslip",
            covers_from=START.isoformat(),
            covers_to=TODAY.isoformat(),
            received_on=TODAY.isoformat(),
            obtained_how="copies",
        )["id"]
        if "document" in self.by:
            headers = self.world.key(self.by["document"])
            files = {"file": ("p.pdf", PDF, "application/pdf")}
            uploaded = self.client.post(f"/api/v1/evidence/{item}/document", headers=headers, files=files)
            assert uploaded.status_code in {200, 201}, uploaded.text
        if "check superseded" in self.by:
            self.call(self.by["check superseded"], f"/evidence/{item}/check", is_accepted=True)
        self.call(self.who("check", "colleague"), f"/evidence/{item}/check", is_accepted=True)


# Each fact that a member can record, with the words in which the refusal names it.
FACTS = {
    "start": "the start of the enrolment",
    "start corrected": "the start of the enrolment",
    "spell": "the spell of work",
    "spell corrected": "the spell of work",
    "hours": "hours worked",
    "hours superseded": "hours worked",
    "evidence": "evidence",
    "document": "a document of the evidence",
    "check": "a check of the evidence",
    "check superseded": "a check of the evidence",
    "outcome": "the outcome",
    "draft": "the claim",
    "submit": "the claim",
    "answer": "the claim",
    "price": "the price",
}
# Each decision of the funder, with the moves of the commissioner that lead to the state in which it is possible.
DECISIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("query", {"reason": "Which?"}),
    ("accept", {}),
    ("fail", {"reason": "The figure is wrong."}),
    ("pay", {}),
    ("reverse", {"reason": "Wrong."}),
)


def test_every_decision_of_the_funder_is_among_those_tried():
    assert {name for name, _ in DECISIONS} == {event.value for event in FUNDERS_WORD}


def test_every_kind_of_fact_is_among_those_tried():
    assert set(FACTS.values()) == set(claim_queries.FACT_TEXTS)


@pytest.mark.parametrize("fact", FACTS)
def test_who_recorded_or_checked_a_fact_makes_no_decision_on_the_claim(client, world: World, call, fact: str):
    """Each fact that a claim rests on, each decision, as the partner, as the funder and as a second user."""
    join(world, "decider", "partner", Role.TEAM_MANAGER)
    join(world, "decider_as_funder", "fund", Role.COMMISSIONER, email="decider@example.org")
    join(world, "decider_again", "partner", Role.TEAM_MANAGER, email="Decider+two@example.org")
    path = Journey(client, world, call, **{fact: "decider"}).to_submitted()
    tried = 0
    for step, possible in (("", ("query", "accept", "fail")), ("accept", ("pay", "fail")), ("pay", ("reverse",))):
        if step:
            call("commissioner", f"{path}/{step}")
        for who in ("decider", "decider_as_funder", "decider_again"):
            seen = client.get(f"/api/v1{path}", headers=world.key(who)).json()
            assert not {event.value for event in FUNDERS_WORD} & set(seen["possible_events"])
            for name, body in DECISIONS:
                if name in possible:
                    refused = call(who, f"{path}/{name}", expect=403, **body)
                    assert refused["type"] == "/problems/own-claim"
                    assert FACTS[fact] in refused["facts"]
                    assert "Another team manager who had no part in it can, or the commissioner" in refused["detail"]
                    assert "@" not in refused["detail"]
                    tried += 1
    assert tried == 18
    with world.database.reading() as session:
        makers = set(session.scalars(select(ClaimMove.by).where(ClaimMove.event.in_(FUNDERS_WORD))))
    assert world.actors["decider"].user_id not in makers


def test_a_manager_who_recorded_nothing_makes_each_decision_and_it_is_marked(client, world: World, call):
    """Without this, the test of the refusals would pass if everybody were refused."""
    join(world, "clean", "partner", Role.TEAM_MANAGER)
    path = Journey(client, world, call).to_submitted()
    call("clean", f"{path}/query", reason="Which?")
    call("caseworker", f"{path}/answer", reason="That one.")
    for name, body in DECISIONS[1:]:
        if name != "fail":
            moved = call("clean", f"{path}/{name}", **body)["moves"][-1]
            assert (moved["event"], moved["told_by_partner"], moved["funders_answer"]) == (name, True, "waiting")


def test_a_partner_whose_only_manager_checked_is_paid_through_the_funder(client, world: World, call):
    path = Journey(client, world, call, check="manager").to_submitted()
    refused = call("manager", f"{path}/accept", expect=403)
    assert refused["facts"] == ["a check of the evidence"]
    assert "or the commissioner (the funder)" in refused["detail"]
    call("commissioner", f"{path}/accept")
    paid = call("commissioner", f"{path}/pay")
    assert (paid["state"], paid["funders_answer"]) == ("paid", None)
    assert not any(move["told_by_partner"] for move in paid["moves"])


# Decisions that the partner tells in the funder's name.


@pytest.fixture
def told(client, world: World, call) -> dict[str, Any]:
    """A claim that a manager of the partner has accepted and paid in the funder's name."""
    join(world, "clean", "partner", Role.TEAM_MANAGER)
    path = Journey(client, world, call).to_submitted()
    call("clean", f"{path}/accept")
    return call("clean", f"{path}/pay")


def move_of(claim: dict[str, Any], event: str) -> str:
    return next(move["id"] for move in claim["moves"] if move["event"] == event)


def exported(client, world: World) -> dict[str, str]:
    headers = world.key("commissioner")
    made = client.post("/api/v1/exports/claims", headers=headers, json={"month": f"{TODAY:%Y-%m}"}).json()
    text = client.get(f"/api/v1/exports/{made['id']}/files/claims.csv", headers=headers).text
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    return row


def kinds(client, world: World, who: str) -> list[str]:
    items = client.get("/api/v1/notices", headers=world.key(who)).json()["items"]
    return [item["kind"] for item in items]


def test_the_funder_is_notified_and_finds_what_was_told_in_its_name(client, world: World, call, told):
    headers = world.key("commissioner")
    assert kinds(client, world, "commissioner").count("claim_to_confirm") == 2
    (found,) = client.get("/api/v1/claims?waits_for_funder=true", headers=headers).json()["items"]
    assert (found["id"], found["funders_answer"]) == (told["id"], "waiting")
    assert {"confirm", "contest"} <= set(found["possible_events"])
    assert client.get("/api/v1/claims?waits_for_funder=false", headers=headers).json()["items"] == []
    call("commissioner", f"/claims/{told['id']}/confirm", move_id=move_of(told, "accept"))
    done = call("commissioner", f"/claims/{told['id']}/confirm", move_id=move_of(told, "pay"))
    assert (done["funders_answer"], done["state"], done["paid_pounds"]) == ("confirmed", "paid", 1000.0)
    assert "confirm" not in done["possible_events"]
    assert client.get("/api/v1/claims?waits_for_funder=true", headers=headers).json()["items"] == []
    assert "claim_contested" not in kinds(client, world, "clean")


def test_the_export_shows_what_was_told_and_what_the_funder_says(client, world: World, call, told):
    path, column = f"/claims/{told['id']}", "told_in_funders_name"
    row = exported(client, world)
    assert (list(row)[-1], row[column]) == (column, "waiting")
    call("commissioner", f"{path}/confirm", move_id=move_of(told, "accept"))
    assert exported(client, world)[column] == "waiting"  # the payment still waits
    call("commissioner", f"{path}/contest", move_id=move_of(told, "pay"), reason="Nothing was paid.")
    assert exported(client, world)[column] == "contested"
    call("commissioner", f"{path}/confirm", move_id=move_of(told, "pay"))
    assert exported(client, world)[column] == "confirmed"


def test_the_export_of_the_funders_own_decisions_says_no(client, world: World, call):
    path = Journey(client, world, call).to_submitted()
    assert exported(client, world)["told_in_funders_name"] == "no"
    call("commissioner", f"{path}/accept")
    assert exported(client, world)["told_in_funders_name"] == "no"


def test_what_the_funder_contests_brings_the_partner_no_more_money(client, world: World, call):
    join(world, "clean", "partner", Role.TEAM_MANAGER)
    path = Journey(client, world, call).to_submitted()
    accepted = call("clean", f"{path}/accept")
    call("commissioner", f"{path}/contest", move_id=move_of(accepted, "accept"), reason="We did not say so.")
    assert "claim_contested" in kinds(client, world, "clean")
    assert "claim_contested" not in kinds(client, world, "caseworker")
    refused = call("clean", f"{path}/pay", expect=409)
    assert refused["type"] == "/problems/decision-contested"
    assert "pay" not in client.get(f"/api/v1{path}", headers=world.key("clean")).json()["possible_events"]
    call("commissioner", f"{path}/confirm", move_id=move_of(accepted, "accept"))
    assert call("clean", f"{path}/pay")["state"] == "paid"


def possible(client, world: World, who: str, path: str) -> set[str]:
    return set(client.get(f"/api/v1{path}", headers=world.key(who)).json()["possible_events"])


OF_FUNDER = {event.value for event in FUNDERS_WORD}


@pytest.mark.parametrize("contested", ["accept", "pay"])
def test_a_contest_stays_open_over_every_later_attempt(client, world: World, call, told, contested: str):
    """Neither the reversal that frees the evidence nor a new claim ends it; the funder's own word does."""
    first = f"/claims/{told['id']}"
    call("commissioner", f"{first}/contest", move_id=move_of(told, contested), reason="We did not say so.")
    refused = call("clean", f"{first}/reverse", expect=409, reason="To pay it again.")
    assert refused["type"] == "/problems/decision-contested"
    assert not OF_FUNDER & possible(client, world, "clean", first)
    paths = [first]
    call("commissioner", f"{first}/reverse", reason="Never paid.")
    for attempt in (2, 3):
        again = call("caseworker", "/claims", outcome_id=told["outcome_id"], declaration=DECLARED)
        assert again["attempt"] == attempt
        paths.append(f"/claims/{again['id']}")
        for name, body in DECISIONS[:3]:
            assert call("clean", f"{paths[-1]}/{name}", expect=409, **body)["type"] == "/problems/decision-contested"
        assert not OF_FUNDER & possible(client, world, "clean", paths[-1])
        assert "accept" in possible(client, world, "commissioner", paths[-1])
        if attempt == 2:
            call("caseworker", f"{paths[-1]}/withdraw", reason="Again.")
    call("commissioner", f"{first}/confirm", move_id=move_of(told, contested))
    call("clean", f"{paths[-1]}/accept")
    assert call("clean", f"{paths[-1]}/pay")["state"] == "paid"


def test_a_contest_of_another_jobseekers_claim_bars_nothing(client, world: World, call, told):
    call("commissioner", f"/claims/{told['id']}/contest", move_id=move_of(told, "pay"), reason="We did not say so.")
    enrolment, spell = working(client, world, ref="two", given_name="Wei", nino=None, nhs_number=None)
    evidence(client, world, spell, TODAY - timedelta(weeks=16), TODAY)
    outcome = call("caseworker", "/outcomes", enrolment_id=enrolment, rule=RULE)
    other = call("caseworker", "/claims", outcome_id=outcome["id"], declaration=DECLARED)
    assert call("clean", f"/claims/{other['id']}/accept")["state"] == "accepted"


@pytest.mark.parametrize("check", ["check", "check superseded"])
@pytest.mark.parametrize("again", ["decider", "decider_again"])
def test_who_ever_checked_the_evidence_neither_records_the_outcome_nor_submits(
    client, world: World, call, check: str, again: str
):
    join(world, "decider", "partner", Role.TEAM_MANAGER)
    join(world, "decider_again", "partner", Role.TEAM_MANAGER, email="Decider+two@example.org")
    path = Journey(client, world, call, **{check: "decider"}).to_submitted()
    claim = call("caseworker", f"{path}/withdraw", reason="Again.")
    draft = call("caseworker", "/claims", outcome_id=claim["outcome_id"])
    refused = call(again, f"/claims/{draft['id']}/submit", expect=403, **DECLARED)
    assert refused["type"] == "/problems/own-check"
    call("caseworker", f"/claims/{draft['id']}/withdraw", reason="Again.")
    call("caseworker", f"/outcomes/{claim['outcome_id']}/withdraw", reason="Again.")
    one = {"enrolment_id": claim["enrolment_id"], "rule": RULE}
    assert "If you checked it yourself" in call(again, "/outcomes", expect=409, **one)["detail"]
    call("caseworker", "/outcomes", **one)


def test_a_commissioner_cannot_ask_who_is_behind_a_pseudonym(client, world: World, told):
    path = f"/api/v1/claims?jobseeker={told['jobseeker_id']}"
    refused = client.get(path, headers=world.key("commissioner"))
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/pseudonym-only")
    nobody = client.get(f"/api/v1/claims?jobseeker={UUID(int=0)}", headers=world.key("commissioner"))
    assert nobody.json() | {"request_id": ""} == refused.json() | {"request_id": ""}  # the answer tells nothing
    assert len(client.get(path, headers=world.key("caseworker")).json()["items"]) == 1


def test_the_funders_system_hears_of_a_claim_from_its_submission_on(world: World, call, told):
    with world.database.writing(world.operator) as session:
        fund = world.organisations["fund"]
        hook = {"url": "https://fund.example.org/hook", "sealed_secret": "x", "made_at": world.operator.at}
        session.add(WebhookEndpoint(organisation_id=fund, **hook))
    call("commissioner", f"/claims/{told['id']}/reverse", reason="Wrong.")
    never = call("caseworker", "/claims", outcome_id=told["outcome_id"])["id"]
    call("caseworker", f"/claims/{never}/withdraw", reason="Too early.")
    sent = call("caseworker", "/claims", outcome_id=told["outcome_id"], declaration=DECLARED)["id"]
    call("caseworker", f"/claims/{sent}/withdraw", reason="Too early.")
    with world.database.reading() as session:
        heard = session.execute(select(WebhookDelivery.event_type, WebhookDelivery.payload)).all()
    assert {(row.event_type, row.payload["id"]) for row in heard} == {
        ("claim.reverse", told["id"]),
        ("claim.submit", sent),
        ("claim.withdraw", sent),
    }


def test_only_the_funder_answers_and_only_what_was_told(client, world: World, call, told):
    path, pay = f"/claims/{told['id']}", move_of(told, "pay")
    for who in ("clean", "caseworker", "administrator", "operator", "referrer", "lister", "auditor"):
        assert call(who, f"{path}/confirm", expect=403, move_id=pay)["type"] == "/problems/role-may-not"
        call(who, f"{path}/contest", expect=403, move_id=pay, reason="The figure is wrong.")
    call("other_commissioner", f"{path}/confirm", expect=404, move_id=pay)
    for not_told in (move_of(told, "submit"), told["id"]):
        wrong = call("commissioner", f"{path}/confirm", expect=409, move_id=not_told)
        assert wrong["errors"][0]["pointer"] == "/move_id"
    call("commissioner", f"{path}/contest", expect=422, move_id=pay)  # without a reason
    call("commissioner", f"{path}/confirm", move_id=pay)
    again = call("commissioner", f"{path}/confirm", expect=409, move_id=pay)
    assert again["type"] == "/problems/answered-already"


def test_who_told_a_decision_does_not_confirm_it_as_the_funder(client, world: World, call, told):
    join(world, "clean_as_funder", "fund", Role.COMMISSIONER, email="clean@example.org")
    for event, body in (("confirm", {}), ("contest", {"reason": "The figure is wrong."})):
        move = move_of(told, "pay")
        refused = call("clean_as_funder", f"/claims/{told['id']}/{event}", expect=403, move_id=move, **body)
        assert refused["type"] == "/problems/own-claim"


def test_the_partners_system_hears_of_the_funders_answer(client, world: World, call, told):
    call("administrator", "/webhooks", url="http://127.0.0.1:9/hook")
    call("commissioner", f"/claims/{told['id']}/confirm", move_id=move_of(told, "pay"))
    with world.database.reading() as session:
        (sent,) = session.scalars(select(WebhookDelivery))
    assert (sent.event_type, sent.payload["id"]) == ("claim.confirm", told["id"])


def at_once(world: World, calls: list[tuple[str, Callable[[Any, Any], Any]]]) -> list[str]:
    """Make calls at the same moment, each in its own transaction; return what became of each."""
    gate, found = threading.Barrier(len(calls)), [""] * len(calls)

    def one(place: int, who: str, act: Callable[[Any, Any], Any]) -> None:
        actor = world.on(who)
        gate.wait()
        try:
            with world.database.writing(actor) as session:
                act(session, actor)
            found[place] = "done"
        except DomainError as refused:
            found[place] = type(refused).__name__

    threads = [threading.Thread(target=one, args=(n, *wanted)) for n, wanted in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_the_same_answer_several_times_at_once_is_recorded_once(client, world: World, call, told):
    move_id = move_of(told, "pay")

    def confirm(session: Any, actor: Actor) -> None:
        claim = claim_queries.claim(session, actor, UUID(told["id"]), for_update=True)
        answer = Confirmation(move_id=move_id)
        claim_actions.answer_decision(session, actor, claim, ClaimEvent.CONFIRM, answer)

    def contest(session: Any, actor: Actor) -> None:
        claim = claim_queries.claim(session, actor, UUID(told["id"]), for_update=True)
        objection = Objection(move_id=move_id, reason="The figure is wrong.")
        claim_actions.answer_decision(session, actor, claim, ClaimEvent.CONTEST, objection)

    assert sorted(at_once(world, [("commissioner", confirm)] * 3)) == ["AnsweredAlready", "AnsweredAlready", "done"]
    assert sorted(at_once(world, [("commissioner", contest)] * 2)) == ["AnsweredAlready", "done"]
    with world.database.reading() as session:
        answers = session.scalars(select(ClaimMove.event).where(ClaimMove.answers_id.is_not(None))).all()
    assert sorted(answers) == sorted(event.value for event in ANSWERS)


def test_a_check_at_the_same_moment_as_a_decision_bars_the_payment(client, world: World, call):
    """Whichever of the two comes first, the manager has now checked the evidence and does not pay."""
    join(world, "clean", "partner", Role.TEAM_MANAGER)
    path = Journey(client, world, call).to_submitted()
    (item,) = client.get("/api/v1/evidence", headers=world.key("clean")).json()["items"]
    statuses: dict[str, int] = {}
    gate = threading.Barrier(2)

    def post(name: str, where: str, **body: Any) -> None:
        gate.wait()
        answer = client.post(f"/api/v1{where}", headers=world.key("clean"), json=body)
        statuses[name] = answer.status_code

    threads = [
        threading.Thread(target=post, args=("check", f"/evidence/{item['id']}/check"), kwargs={"is_accepted": True}),
        threading.Thread(target=post, args=("accept", f"{path}/accept")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses["check"] == 200
    assert statuses["accept"] in {200, 403}
    if statuses["accept"] == 403:
        call("commissioner", f"{path}/accept")
    assert call("clean", f"{path}/pay", expect=403)["facts"] == ["a check of the evidence"]
