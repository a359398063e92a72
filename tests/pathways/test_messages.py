"""Notices, e-mails and webhooks: told once, sent afterwards, tried again, put aside; nothing about a person in them."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from pathways.base import Role
from pathways.messages import actions
from pathways.messages.models import Email, EmailState, Notice, NoticeKind, WebhookDelivery
from pathways.messages.sending import BACK_OFF, NotSent, Sender, Smtp
from tests.conftest import settings_for
from tests.world import World


class Clock:
    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


class Outbox:
    """Takes e-mails, or refuses them while it is shut."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.is_shut = False

    def __call__(self, message: EmailMessage) -> None:
        if self.is_shut:
            raise NotSent("ConnectionRefusedError")
        self.messages.append(message)


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def sender(database, outbox) -> Sender:
    return Sender(database, settings_for("sqlite://"), outbox, Clock())


def tell(world: World, kind: NoticeKind, subject: Any, occasion: str = "") -> None:
    manager = world.on("manager")
    with world.database.writing(manager) as session:
        actions.notify_roles(
            session,
            manager,
            manager.organisation_id,
            [Role.TEAM_MANAGER, Role.CASEWORKER],
            kind,
            about=("introductions", subject),
            occasion=occasion,
        )


def test_the_same_is_told_once_and_one_email_a_person_carries_the_day(world: World, database, sender, outbox):
    person, enrolment = world.supported()
    assert sender.send_due() == 1  # the caseworker, at once: a case was assigned
    outbox.messages.clear()
    for _ in range(2):
        tell(world, NoticeKind.CHECK_IN_DUE, person)
        tell(world, NoticeKind.CHECK_IN_DUE, enrolment)
        tell(world, NoticeKind.PLAN_TO_MAKE, person)
    for _ in range(2):
        with database.writing(None) as session:
            actions.make_emails(session, sender.now(), urgent=False)
    assert sender.send_due() == 4  # the caseworker, the colleague, the manager, and the referrer
    assert sender.send_due() == 0
    assert sorted(str(message["To"]) for message in outbox.messages) == [
        "caseworker@example.org",
        "colleague@example.org",
        "manager@example.org",
        "referrer@example.org",
    ]
    text = outbox.messages[0].get_content()
    assert "2 check-ins are due." in text
    assert "An action plan has not been made yet." in text
    for message in outbox.messages:
        for private in ("Amina", "Bhriain", "QQ224466C", "07700"):
            assert private not in message.as_string()


def test_what_is_urgent_goes_at_once_and_what_was_read_goes_nowhere(client, world: World, database, sender, outbox):
    person, _ = world.supported()
    sender.send_due()  # that a case was assigned
    outbox.messages.clear()
    tell(world, NoticeKind.AT_RISK, person)
    told = client.get("/api/v1/notices?unread=true", headers=world.key("caseworker")).json()["items"]
    (mine,) = [notice for notice in told if notice["kind"] == "at_risk"]
    assert mine["text"] == "A jobseeker's work is at risk or has ended. Contact the jobseeker."
    assert client.post(f"/api/v1/notices/{mine['id']}/read", headers=world.key("colleague")).status_code == 404
    client.post(f"/api/v1/notices/{mine['id']}/read", headers=world.key("caseworker"))
    assert sender.send_due() == 2
    assert "caseworker@example.org" not in {str(message["To"]) for message in outbox.messages}


def test_what_will_not_go_is_tried_again_later_and_later_then_put_aside_and_sent_again_by_a_person(
    client, world: World, database, sender, outbox
):
    person, _ = world.supported()
    outbox.is_shut = True
    with database.writing(world.on("manager")) as session:
        to = [world.actors["caseworker"].user_id]
        manager = world.on("manager")
        about = ("jobseekers", person)
        actions.notify(session, manager, to, NoticeKind.AT_RISK, about=about, organisation_id=manager.organisation_id)
    waits = []
    for _ in range(len(BACK_OFF) + 1):
        assert sender.send_due() == 1
        assert sender.send_due() == 0
        with database.reading() as session:
            email = session.scalars(select(Email)).one()
            waits.append(email.next_try_at - sender.now())
        sender.now.at = max(sender.now.at, email.next_try_at)  # type: ignore[attr-defined]
    assert tuple(waits[:-1]) == BACK_OFF
    (shown,) = client.get("/api/v1/emails?state=quarantined", headers=world.key("administrator")).json()["items"]
    assert (shown["attempts"], shown["last_error"]) == (len(BACK_OFF) + 1, "ConnectionRefusedError")
    outbox.is_shut = False
    client.post(f"/api/v1/emails/{shown['id']}/retry", headers=world.key("administrator"))
    sender.now.at += timedelta(minutes=1)  # type: ignore[attr-defined]
    assert sender.send_due() == 1
    assert len(outbox.messages) == 1
    again = client.post(f"/api/v1/emails/{shown['id']}/retry", headers=world.key("administrator"))
    assert again.status_code == 409


def test_two_workers_send_an_email_once(world: World, database, outbox):
    person, _ = world.supported()
    for n in range(20):
        tell(world, NoticeKind.AT_RISK, person, occasion=str(n))
    workers = [Sender(database, settings_for("sqlite://"), outbox) for _ in range(4)]
    with database.writing(None) as session:
        actions.make_emails(session, workers[0].now(), urgent=True)
    threads = [threading.Thread(target=worker.send_due) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outbox.messages) == 3
    with database.reading() as session:
        assert (
            session.scalars(
                select(func.count()).select_from(Notice).where(Notice.email_id.is_(None), Notice.is_urgent)
            ).one()
            == 0
        )


class Letters:
    def __init__(self) -> None:
        self.found: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - its name
        self.found.append(envelope)
        return "250 OK"


def test_a_real_mail_server_takes_it_and_one_that_is_away_is_an_error_of_its_kind_alone():
    letters = Letters()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(letters, hostname="127.0.0.1", port=port)
    server.start()
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "pathways@example.org", "lee@example.org", "What waits"
    message.set_content("An introduction waits for your answer.")
    try:
        Smtp("127.0.0.1", port)(message)
    finally:
        server.stop()
    assert letters.found[0].rcpt_tos == ["lee@example.org"]
    with pytest.raises(NotSent, match=r"^ConnectionRefusedError$"):
        Smtp("127.0.0.1", port)(message)


class Hook(BaseHTTPRequestHandler):
    answer = 204
    got: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.append(({key.lower(): value for key, value in self.headers.items()}, body))
        self.send_response(self.answer)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[tuple[str, type[Hook]]]:
    handler = type("OneHook", (Hook,), {"got": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", handler
    server.shutdown()
    server.server_close()


def test_a_partners_system_is_told_of_each_move_signed_and_may_have_it_again(client, world: World, sender, hook):
    url, handler = hook
    made = client.post("/api/v1/webhooks", headers=world.key("administrator"), json={"url": url}).json()
    world.supported()
    sender.now.at += timedelta(minutes=1)
    assert sender.send_due() > 0
    told = [body for _, body in handler.got]
    assert any(b'"referral.accept"' in body for body in told)
    headers, body = handler.got[0]
    verified = Webhook(made["secret"]).verify(body, headers)
    assert set(verified) == {"type", "timestamp", "data"}
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(body + b" ", headers)
    for private in (b"Amina", b"Bhriain", b"QQ224466C"):
        assert all(private not in one for one in told)
    path = f"/api/v1/webhooks/{made['id']}/deliveries"
    listed = client.get(path, headers=world.key("administrator")).json()["items"]
    assert {row["state"] for row in listed} == {"sent"}
    client.post(f"/api/v1/webhook-deliveries/{listed[0]['id']}/replay", headers=world.key("administrator"))
    before = len(handler.got)
    sender.now.at += timedelta(minutes=1)
    assert sender.send_due() == 1
    assert handler.got[before][0]["webhook-id"] == listed[0]["event_id"]


def test_an_endpoint_that_refuses_is_tried_again_and_one_that_is_off_is_told_nothing(
    client, world: World, database, sender, hook
):
    url, handler = hook
    handler.answer = 500
    made = client.post("/api/v1/webhooks", headers=world.key("administrator"), json={"url": url}).json()
    world.supported()
    sender.now.at += timedelta(minutes=1)
    sender.send_due()
    with database.reading() as session:
        rows = session.scalars(select(WebhookDelivery)).all()
        assert {(row.state, row.last_error) for row in rows} == {(EmailState.QUEUED, "HTTP 500")}
    client.post(f"/api/v1/webhooks/{made['id']}/switch-off", headers=world.key("administrator"))
    world.refer(ref="another", given_name="Wei")
    with database.reading() as session:
        assert len(session.scalars(select(WebhookDelivery)).all()) == len(rows)


def test_an_endpoint_is_https_and_not_inside_our_own_network(client, world: World):
    for url in (
        "http://example.org/hook",
        "https://name:word@example.org/hook",
        "https://x:abc/",
        "https://.x/",
        "https://[::1",
        f"https://{'x' * 70}.org/",
    ):
        refused = client.post("/api/v1/webhooks", headers=world.key("administrator"), json={"url": url})
        assert refused.json()["errors"][0]["pointer"] == "/url", url


def test_one_that_breaks_the_sender_stops_no_other(world: World, database, sender, outbox):
    person, _ = world.supported()
    tell(world, NoticeKind.AT_RISK, person)

    def broken(message: EmailMessage) -> None:
        if "manager" in str(message["To"]):
            raise UnicodeError("a@b")
        outbox.messages.append(message)

    sender.mail = broken
    assert sender.send_due() == 3
    assert len(outbox.messages) == 2
    with database.reading() as session:
        assert {row.last_error for row in session.scalars(select(Email))} == {"", "UnicodeError"}


def test_whoever_has_left_is_mailed_nothing(client, world: World, database, sender, outbox):
    person, _ = world.supported()
    tell(world, NoticeKind.AT_RISK, person)
    with database.writing(None) as session:
        actions.make_emails(session, sender.now(), urgent=True)
    tell(world, NoticeKind.AT_RISK, person, occasion="again")
    client.post(f"/api/v1/members/{world.actors['colleague'].membership_id}/end", headers=world.key("operator"))
    sender.send_due()
    assert {str(message["To"]) for message in outbox.messages} == {"caseworker@example.org", "manager@example.org"}
    with database.reading() as session:
        left = session.scalars(select(Email).where(Email.user_id == world.actors["colleague"].user_id)).one()
        assert (left.last_error, left.state) == ("MemberLeft", EmailState.QUEUED)
