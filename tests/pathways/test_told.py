"""Whoever waits for an answer is notified of it, and nobody else; letters and webhooks say which record it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from pathways.app import LABELS, LINKS, NEEDED
from pathways.base import Role
from pathways.introductions.models import WHO_MAY, IntroductionEvent
from pathways.introductions.notifying import TO_CASEWORKER, TO_LISTERS
from pathways.messages.models import WebhookDelivery, WebhookEndpoint
from pathways.messages.sending import Sender
from tests.conftest import settings_for
from tests.world import World

pytestmark = pytest.mark.any_database

API = "/api/v1"
E = IntroductionEvent
# The steps before each step, by the side that takes them.
BEFORE: dict[IntroductionEvent, list[tuple[str, str]]] = {
    E.AGREE: [],
    E.SEND: [("caseworker", "agree")],
    E.INVITE: [("caseworker", "agree"), ("caseworker", "send")],
    E.OFFER: [("caseworker", "agree"), ("caseworker", "send")],
    E.WAIT: [("caseworker", "agree"), ("caseworker", "send")],
    E.DECLINE: [("caseworker", "agree"), ("caseworker", "send")],
    E.WITHDRAW: [("caseworker", "agree"), ("caseworker", "send")],
    E.EXPIRE: [("caseworker", "agree"), ("caseworker", "send")],
    E.ACCEPT: [("caseworker", "agree"), ("caseworker", "send"), ("lister", "offer")],
    E.START: [("caseworker", "agree"), ("caseworker", "send"), ("lister", "offer"), ("caseworker", "accept")],
    E.END: [
        ("caseworker", "agree"),
        ("caseworker", "send"),
        ("lister", "offer"),
        ("caseworker", "accept"),
        ("caseworker", "start"),
    ],
    E.RECONSIDER: [("caseworker", "agree"), ("caseworker", "send"), ("lister", "decline")],
}
BODIES: dict[str, dict[str, Any]] = {event: {"why": "other"} for event in ("decline", "withdraw", "expire")}


def step(call, world: World, who: str, one: str, event: str) -> Any:
    days = {"start": "started_on", "end": "ended_on"}
    body = {days[event]: str(world.on("lister").today)} if event in days else BODIES.get(event, {})
    return call(who, f"/introductions/{one}/{event}", **body)


@pytest.fixture
def made(world: World, call) -> str:
    person, _ = world.supported()
    world.permit(person)
    placement = world.list_placement(title="Cafe Assistant", places=1)
    return call("caseworker", "/introductions", jobseeker_id=str(person), placement_id=str(placement))["id"]


def take_the_place(client, world: World, call, made: str) -> None:
    """Offer the only place to another jobseeker, so that there is a waiting list."""
    placement = client.get(f"{API}/introductions/{made}", headers=world.key("caseworker")).json()["placement_id"]
    other, _ = world.supported(ref="OTHER", given_name="Wei", nino=None, nhs_number=None, email=None, phone=None)
    world.permit(other)
    one = call("caseworker", "/introductions", jobseeker_id=str(other), placement_id=placement)["id"]
    for side, before in BEFORE[E.ACCEPT]:
        step(call, world, side, one, before)


def notices(client, world: World, who: str) -> list[str]:
    items = client.get(f"{API}/notices", headers=world.key(who)).json()["items"]
    return [one["kind"] for one in items if one["subject"] == "introductions"]


STEPS = [
    (event, who)
    for event in BEFORE
    for who, role in (("caseworker", Role.CASEWORKER), ("lister", Role.PLACEMENT_LISTER))
    if role in WHO_MAY[event]
]


def test_every_step_that_people_take_is_tried_here(client):
    paths = client.app.openapi()["paths"]
    by_people = {event for event in E if f"{API}/introductions/{{introduction_id}}/{event.value}" in paths}
    assert {event for event, _ in STEPS} == by_people
    assert set(TO_CASEWORKER) | set(TO_LISTERS) <= {event for event, _ in STEPS}


@pytest.mark.parametrize(("event", "who"), STEPS)
def test_the_other_side_is_notified_of_a_step_and_nobody_else(client, world: World, call, made: str, event, who: str):
    for side, before in BEFORE[event]:
        step(call, world, side, made, before)
    if event is E.WAIT:
        take_the_place(client, world, call, made)
    seen = {name: notices(client, world, name) for name in ("caseworker", "colleague", "manager", "lister")}
    other_lister = notices(client, world, "other_lister")
    step(call, world, who, made, event.value)
    new = {name: notices(client, world, name)[len(seen[name]) :] for name in seen}
    expected = {"caseworker": [], "colleague": [], "manager": [], "lister": []}
    if who == "lister":
        expected["caseworker"] = [TO_CASEWORKER[event].value] if event in TO_CASEWORKER else []
    elif event in TO_LISTERS:
        expected["lister"] = [TO_LISTERS[event].value]
    assert {name: sorted(kinds) for name, kinds in new.items()} == expected
    assert notices(client, world, "other_lister") == other_lister == []


def letters(world: World, database) -> list[Any]:
    sent: list[Any] = []
    later = datetime.now(UTC) + timedelta(minutes=1)
    Sender(database, settings_for("sqlite://"), sent.append, lambda: later, LINKS, NEEDED, LABELS).send_due()
    return sent


def test_a_letter_names_the_listing_the_partner_and_the_date(world: World, call, database, made: str):
    for side, before in BEFORE[E.OFFER]:
        step(call, world, side, made, before)
    (letter,) = [one for one in letters(world, database) if one["To"] == "lister@example.org"]
    today = world.on("lister").today
    text = letter.get_content()
    assert f"Cafe Assistant, put forward by Stepping Stones on {today.day} {today:%B %Y}" in text
    step(call, world, "lister", made, "invite")
    (letter,) = [one for one in letters(world, database) if one["To"] == "caseworker@example.org"]
    assert "Cafe Assistant at Acorn Kitchen CIC" in letter.get_content()
    assert not [name for name in ("Amina", "Bhriain") if name in text + letter.get_content()]


def test_an_earlier_no_is_shown_when_the_pair_is_proposed_again(client, world: World, call, made: str):
    for side, before in BEFORE[E.DECLINE]:
        step(call, world, side, made, before)
    call("lister", f"/introductions/{made}/decline", why="hours")
    first = client.get(f"{API}/introductions/{made}", headers=world.key("caseworker")).json()
    again = call("caseworker", "/introductions", jobseeker_id=first["jobseeker_id"], placement_id=first["placement_id"])
    assert "The hours did not fit." in again["earlier_end"]
    assert first["earlier_end"] is None
    step(call, world, "caseworker", again["id"], "agree")
    step(call, world, "caseworker", again["id"], "send")
    told = client.get(f"{API}/introductions/{again['id']}", headers=world.key("lister")).json()
    assert told["earlier_end"] is None


def test_the_next_best_options_stay_with_an_introduction_that_ended(client, world: World, call):
    person, _ = world.supported()
    world.permit(person)
    first, second = (world.list_placement(ref=ref, title=f"Cafe {ref}") for ref in ("A", "B"))
    made = call("caseworker", f"/jobseekers/{person}/shortlists")
    body = {"jobseeker_id": str(person), "placement_id": str(first), "shortlist_id": made["id"]}
    one = call("caseworker", "/introductions", **body)["id"]
    call("caseworker", f"/introductions/{one}/withdraw", why="other")
    read = client.get(f"{API}/introductions/{one}", headers=world.key("caseworker")).json()
    assert [option["placement_id"] for option in read["next_options"]] == [str(second)]


WATCHERS = {"enterprise": "lister", "job_centre": "referrer", "fund": "commissioner", "partner": "manager"}


def test_webhooks_fire_for_every_kind_of_organisation_and_for_no_other(world: World, call, database):
    with database.writing(world.operator) as session:
        for name in (*WATCHERS, "other_enterprise", "other_partner", "council"):
            session.add(
                WebhookEndpoint(
                    organisation_id=world.organisations[name],
                    url=f"https://{name.replace('_', '-')}.example.org/hook",
                    sealed_secret="x",
                    made_at=world.operator.at,
                )
            )
    referral = world.refer()
    world.accept(referral)
    world.enrol(referral)
    world.permit(referral.jobseeker_id)
    placement = world.list_placement()
    made = call("caseworker", "/introductions", jobseeker_id=str(referral.jobseeker_id), placement_id=str(placement))[
        "id"
    ]
    for side, before in BEFORE[E.ACCEPT]:
        step(call, world, side, made, before)
    with database.reading() as session:
        rows = session.execute(
            select(WebhookEndpoint.organisation_id, WebhookDelivery.event_type, WebhookDelivery.payload).join(
                WebhookDelivery, WebhookDelivery.endpoint_id == WebhookEndpoint.id
            )
        ).all()
    names = {organisation_id: name for name, organisation_id in world.organisations.items()}
    events: dict[str, set[str]] = {}
    for organisation_id, event, payload in rows:
        events.setdefault(names[organisation_id], set()).add(event)
        assert set(payload) == {"type", "id", "state", "at"}
        UUID(payload["id"])
    assert {"referral.submit", "referral.accept"} == events["job_centre"]
    assert {"referral.submit", "referral.accept", "introduction.propose", "introduction.send"} <= events["partner"]
    assert {"introduction.send", "introduction.offer", "placement.publish"} <= events["enterprise"]
    assert not {"introduction.propose", "introduction.agree"} & events["enterprise"]  # before it was sent
    assert not {"other_enterprise", "other_partner", "council"} & set(events)


@pytest.mark.parametrize("reached", ["propose", "agree", "send", "invite", "wait", "offer"])
def test_the_caseworker_is_notified_at_once_when_a_placement_closes(client, world: World, call, made: str, reached):
    placement = client.get(f"{API}/introductions/{made}", headers=world.key("caseworker")).json()["placement_id"]
    if reached == "wait":
        take_the_place(client, world, call, made)
    if reached not in {"propose", "agree"}:
        for side, before in BEFORE[E.OFFER]:
            step(call, world, side, made, before)
    if reached in {"invite", "wait", "offer"}:
        step(call, world, "lister", made, reached)
    call("lister", f"/placements/{placement}/close", reason="The shop closes.")
    assert notices(client, world, "caseworker").count("placement_closed") == (2 if reached == "wait" else 1)
    assert "placement_closed" not in notices(client, world, "lister")
    if reached == "offer":
        path = f"/introductions/{made}/accept"
        assert call("caseworker", path, expect=409)["type"] == "/problems/placement-closed-since"
        assert call("caseworker", path, although_closed=True)["state"] == "accepted"
