"""Sends queued e-mails and webhooks. Each is reserved for 10 minutes, sent outside any transaction and marked as sent.

If a process dies before it marks a message as sent, the message is sent again after the 10 minutes. An e-mail keeps its
Message-ID and a webhook its event id, so that the receiver can recognise the repeat. A failed message is retried with
increasing delays, then quarantined (a dead letter).
"""

import smtplib
import ssl
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from socket import getaddrinfo
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import structlog
from pydantic_core import to_json
from sqlalchemy import update

from pathways.access.models import User
from pathways.base import utc_now
from pathways.database import Database, Session, WriteSession
from pathways.messages import actions, queries, wording
from pathways.messages.models import Email, EmailState, Notice, NoticeKind, WebhookDelivery, WebhookEndpoint
from pathways.settings import Settings

LOG = structlog.get_logger()
# The delay after each failed try. A message that fails after the last delay is quarantined.
BACK_OFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(hours=24),
)
TAKEN_FOR = timedelta(minutes=10)
SECONDS_TO_ANSWER = 10.0
MOST_AT_ONCE = 200


class NotSent(Exception):
    """The message was not accepted. The text names only the kind of error, without personal data."""


class NotNeeded(Exception):
    """Everything that the message is about was stopped, so it is cancelled."""


class Mailer(Protocol):
    """Sends one e-mail, or raises ``NotSent``."""

    def __call__(self, message: EmailMessage) -> None: ...


def to_console(message: EmailMessage) -> None:
    """Print an e-mail instead of sending it. Used where no mail server is configured."""
    sys.stdout.write(f"-- e-mail {message['Message-ID']}: {message['Subject']}\n{message.get_content()}\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server. The connection is encrypted unless the server is this machine."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __call__(self, message: EmailMessage) -> None:
        try:
            with smtplib.SMTP(self.host, self.port, timeout=SECONDS_TO_ANSWER) as server:
                if self.host not in actions.HERE:
                    server.starttls(context=ssl.create_default_context())
                if self.user and self.password:
                    server.login(self.user, self.password)
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(type(error).__name__) from error


def mailer(settings: Settings) -> Mailer:
    """Return the configured mail server, or the console if none is configured."""
    if not settings.smtp_host:
        return to_console
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    return Smtp(settings.smtp_host, settings.smtp_port, settings.smtp_user, password)


@dataclass
class Sender:
    """Sends due messages. On PostgreSQL several senders may run at once, because each row is reserved by one sender."""

    database: Database
    settings: Settings
    mail: Mailer
    now: Callable[[], datetime] = utc_now
    # Functions that create the path of a decision link, by the kind of notice that can be answered without signing in.
    links: Mapping[NoticeKind, Callable[[WriteSession, Notice, datetime], str]] = field(default_factory=dict)
    # Functions that return whether a notice may still be sent, by its kind. Other kinds are always sent.
    is_needed: Mapping[NoticeKind, Callable[[WriteSession, Notice], bool]] = field(default_factory=dict)
    # Functions that say what a notice is about without naming a person, by the kind of its record (``Notice.subject``).
    labels: Mapping[str, Callable[[WriteSession, Notice], str]] = field(default_factory=dict)
    # Functions that return whether an organisation may receive a webhook about a record, by the kind of the record.
    may_receive: Mapping[str, Callable[[Session, UUID, UUID], bool]] = field(default_factory=dict)

    def send_due(self) -> int:
        """Create e-mails for urgent notices, send all due messages, and return the number of messages tried."""
        at = self.now()
        with self.database.reading(newest=True) as session:
            has_urgent = bool(queries.not_mailed(session, urgent=True))
        if has_urgent:
            with self.database.writing(None) as session:
                actions.make_emails(session, at, urgent=True)
        return self._each(Email, self._email) + self._each(WebhookDelivery, self._webhook)

    def _each(self, model: type[Email] | type[WebhookDelivery], send: Callable[[UUID], None]) -> int:
        with self.database.reading(newest=True) as session:
            due = list(session.scalars(queries.due(model, self.now()).limit(MOST_AT_ONCE)))
        return sum(self._try(model, row_id, send) for row_id in due)

    def _try(self, model: Any, row_id: UUID, send: Callable[[UUID], None]) -> bool:
        at = self.now()
        taken = (
            update(model)
            .where(model.id == row_id, model.state == EmailState.QUEUED, model.next_try_at <= at)
            .values(next_try_at=at + TAKEN_FOR, attempts=model.attempts + 1)
        )
        with self.database.writing(None) as session:
            if session.execute(taken, execution_options={"synchronize_session": False}).rowcount == 0:  # type: ignore[attr-defined]
                return False  # another process reserved it first
        error, is_needed = "", True
        try:
            send(row_id)
        except NotNeeded:
            is_needed = False
        except NotSent as failure:
            error = str(failure)
        except Exception as failure:  # noqa: BLE001 - an error in one message must not stop the others
            error = type(failure).__name__
        with self.database.writing(None) as session:
            row = session.get_one(model, row_id, with_for_update=True)
            row.last_error = error
            if not is_needed:
                row.state = EmailState.CANCELLED
            elif not error:
                row.state, row.sent_at = EmailState.SENT, self.now()
            elif row.attempts > len(BACK_OFF):
                row.state = EmailState.QUARANTINED
                LOG.warning("message quarantined", table=model.__tablename__, row_id=str(row_id), error=error)
            else:
                row.next_try_at = self.now() + BACK_OFF[row.attempts - 1]
        return True

    def _email(self, row_id: UUID) -> None:
        with self.database.writing(None) as session:
            email = session.get_one(Email, row_id)
            if not queries.is_for_a_member(session, email):
                raise NotSent("MemberLeft")
            notices = [n for n in queries.notices_in(session, row_id) if self._may_be_sent(session, n)]
            if not notices:
                raise NotNeeded
            paths = {
                notice.id: self.links[notice.kind](session, notice, self.now())
                for notice in notices
                if notice.kind in self.links
            }
            message = EmailMessage()
            message["From"] = self.settings.mail_from
            message["To"] = session.get_one(User, email.user_id).email
            message["Message-ID"] = f"<{row_id}@{self.settings.mail_from.rpartition('@')[2]}>"
            said = {n.id: self.labels[n.subject](session, n) for n in notices if n.subject in self.labels}
            labels = {notice_id: text for notice_id, text in said.items() if text}
            subject, text = wording.mail(notices, self.settings.public_url, paths, labels)
            message["Subject"] = subject
            message.set_content(text)
        self.mail(message)

    def _may_be_sent(self, session: WriteSession, notice: Notice) -> bool:
        check = self.is_needed.get(notice.kind)
        return check is None or check(session, notice)

    def _webhook(self, row_id: UUID) -> None:
        with self.database.reading(newest=True) as session:
            delivery = session.get_one(WebhookDelivery, row_id)
            endpoint = session.get_one(WebhookEndpoint, delivery.endpoint_id)
            if not actions.may_be_sent(session, delivery, endpoint.organisation_id, self.may_receive):
                raise NotNeeded
            url, secret, is_on = endpoint.url, actions.secret_of(session, endpoint), endpoint.is_on
            body = to_json({"type": delivery.event_type, "timestamp": delivery.payload["at"], "data": delivery.payload})
            event_id = delivery.event_id
        if not is_on:
            raise NotSent("SwitchedOff")
        if self.settings.environment == "production":
            _must_be_public(url)
        headers = actions.signed(secret, event_id, self.now(), body.decode())
        try:
            answer = httpx2.post(url, content=body, headers=headers, timeout=SECONDS_TO_ANSWER, follow_redirects=False)
        except httpx2.HTTPError as error:
            raise NotSent(type(error).__name__) from error
        if not answer.is_success:
            raise NotSent(f"HTTP {answer.status_code}")


def _must_be_public(url: str) -> None:
    """Refuse an address inside our own network, because endpoint addresses come from outside organisations."""
    host = urlsplit(url).hostname or ""
    with suppress(OSError):
        addresses = [ip_address(entry[4][0]) for entry in getaddrinfo(host, None)]
        if addresses and all(address.is_global for address in addresses):
            return
    raise NotSent("NotPublic")
