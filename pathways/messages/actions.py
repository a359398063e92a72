"""Every change to notices, e-mails and webhooks. This module only queues messages; sending.py sends them."""

from base64 import b64encode
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from secrets import token_bytes
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
from sqlalchemy import event, select, update
from sqlalchemy.orm.attributes import get_history
from standardwebhooks.webhooks import Webhook
from uuid_utils.compat import uuid7

from pathways.base import Actor, Role, Source
from pathways.database import Session, WriteSession, insert_if_absent, insert_many
from pathways.errors import Conflict, RuleBroken
from pathways.facts import StateLog
from pathways.messages import queries
from pathways.messages.models import (
    URGENT,
    Email,
    EmailState,
    Notice,
    NoticeKind,
    WebhookDelivery,
    WebhookEndpoint,
)
from pathways.messages.schemas import EndpointOut, NewEndpoint, NoticeOut
from pathways.messages.wording import line
from pathways.organisations.models import ApiKey, Membership

HERE = frozenset({"127.0.0.1", "localhost", "::1"})
SECRET_BYTES = 32


class NotQuarantined(Conflict):
    title = "This message cannot be sent again now"


NOT_AGAIN = (
    "The message is still queued, was cancelled, is an e-mail that was already sent, or is about a record that your"
    " organisation does not read now. Only a failed message or a delivered webhook can be sent again."
)


def notify(
    session: WriteSession,
    actor: Actor,
    to: Iterable[UUID],
    kind: NoticeKind,
    *,
    about: tuple[str, UUID],
    organisation_id: UUID,
    occasion: str = "",
) -> int:
    """Write one notice for each user.

    A repeated call with the same kind, subject and occasion writes nothing. Return the number of notices written.
    """
    subject, subject_id = about
    rows = [
        {
            "id": uuid7(),
            "user_id": user_id,
            "organisation_id": organisation_id,
            "kind": kind,
            "key": f"{kind.value}:{subject_id}:{occasion}",
            "subject": subject,
            "subject_id": subject_id,
            "is_urgent": kind in URGENT,
            "made_at": actor.at,
        }
        for user_id in dict.fromkeys(to)
    ]
    return insert_if_absent(session, Notice, rows)


def notify_roles(
    session: WriteSession,
    actor: Actor,
    organisation_id: UUID,
    roles: Iterable[Role],
    kind: NoticeKind,
    *,
    about: tuple[str, UUID],
    occasion: str = "",
) -> int:
    """Notify every current member who has one of these roles in an organisation."""
    to = queries.members(session, organisation_id, roles)
    return notify(session, actor, to, kind, about=about, organisation_id=organisation_id, occasion=occasion)


def notify_owner(
    session: WriteSession,
    actor: Actor,
    organisation_id: UUID,
    membership_id: UUID | None,
    kind: NoticeKind,
    *,
    about: tuple[str, UUID],
    occasion: str = "",
) -> int:
    """Notify the caseworker of a case, or the team managers if the case has no caseworker."""
    owner = queries.user_of(session, membership_id)
    if owner is None:
        return notify_roles(session, actor, organisation_id, [Role.TEAM_MANAGER], kind, about=about, occasion=occasion)
    return notify(session, actor, [owner], kind, about=about, organisation_id=organisation_id, occasion=occasion)


def make_emails(session: WriteSession, at: datetime, *, urgent: bool) -> int:
    """Create one e-mail for each member with new notices: a user in two organisations gets two. Return the total."""
    made = 0
    for (user_id, organisation_id), rows in groupby(
        queries.not_mailed(session, urgent=urgent), key=lambda row: (row.user_id, row.organisation_id)
    ):
        email = Email(
            id=uuid7(), user_id=user_id, organisation_id=organisation_id, made_at=at, next_try_at=at, attempts=0
        )
        session.add(email)
        session.flush()  # the notices have a foreign key to the e-mail
        taken = session.execute(
            update(Notice)
            .where(Notice.id.in_([row.id for row in rows]), Notice.email_id.is_(None))
            .values(email_id=email.id),
            execution_options={"synchronize_session": False},
        ).rowcount  # type: ignore[attr-defined]
        if taken == 0:  # another process took these notices first
            session.delete(email)
            session.flush()
        made += bool(taken)
    return made


def cancel(
    session: WriteSession, actor: Actor, organisation_ids: Collection[UUID], subject: str, subject_ids: Collection[UUID]
) -> int:
    """Cancel the notices of organisations about records that were stopped. Return how many were cancelled.

    A notice that was read, or whose e-mail was sent, is cancelled too: it is no longer listed.
    """
    cancelled = (
        update(Notice)
        .where(
            Notice.organisation_id.in_(organisation_ids),
            Notice.subject == subject,
            Notice.subject_id.in_(subject_ids),
            Notice.cancelled_at.is_(None),
        )
        .values(cancelled_at=actor.at)
    )
    return int(session.execute(cancelled, execution_options={"synchronize_session": False}).rowcount)  # type: ignore[attr-defined]


def settle(session: WriteSession, actor: Actor, subject_id: UUID, kinds: Collection[NoticeKind]) -> None:
    """Mark notices as read that ask for a step on a record, because the step was taken: nobody acts on them twice."""
    settled = (
        update(Notice)
        .where(Notice.subject_id == subject_id, Notice.kind.in_(kinds), Notice.read_at.is_(None))
        .values(read_at=actor.at)
    )
    session.execute(settled, execution_options={"synchronize_session": False})


def cancel_webhooks(
    session: WriteSession, organisation_ids: Collection[UUID], subject: str, subject_ids: Collection[UUID]
) -> int:
    """Cancel the queued webhooks to organisations about records that were stopped. Return how many were cancelled."""
    cancelled = (
        update(WebhookDelivery)
        .where(
            WebhookDelivery.endpoint_id.in_(
                select(WebhookEndpoint.id).where(WebhookEndpoint.organisation_id.in_(organisation_ids))
            ),
            WebhookDelivery.state == EmailState.QUEUED,
            WebhookDelivery.event_type.startswith(f"{subject}."),
            WebhookDelivery.payload["id"].as_string().in_([str(one) for one in subject_ids]),
        )
        .values(state=EmailState.CANCELLED)
    )
    return int(session.execute(cancelled, execution_options={"synchronize_session": False}).rowcount)  # type: ignore[attr-defined]


def read(session: WriteSession, actor: Actor, notice: Notice) -> Notice:
    """Mark a notice as read. If it was read before, the recorded time does not change."""
    notice.read_at = notice.read_at or actor.at
    session.flush()
    return notice


def reply(notice: Notice) -> NoticeOut:
    columns = {name: getattr(notice, name, None) for name in NoticeOut.model_fields}
    return NoticeOut(**columns | {"text": line(notice.kind)})


def send_again(session: WriteSession, actor: Actor, row: Email | WebhookDelivery) -> None:
    """Queue a failed message or a delivered webhook again. A webhook keeps the id of its event.

    Refuses a message that is still queued or was cancelled, and an e-mail that was sent.
    """
    if row.state in {EmailState.QUEUED, EmailState.CANCELLED} or (
        isinstance(row, Email) and row.state is EmailState.SENT
    ):
        raise NotQuarantined(NOT_AGAIN)
    row.state, row.attempts, row.next_try_at, row.sent_at, row.last_error = EmailState.QUEUED, 0, actor.at, None, ""
    session.flush()


def replay(
    session: WriteSession,
    actor: Actor,
    delivery: WebhookDelivery,
    may_receive: Mapping[str, Callable[[Session, UUID, UUID], bool]],
) -> None:
    """Queue a failed or delivered webhook again, if the organisation may still receive it. Its sending asks again."""
    if not may_be_sent(session, delivery, actor.organisation_id, may_receive):
        raise NotQuarantined(NOT_AGAIN)
    send_again(session, actor, delivery)


def may_be_sent(
    session: Session,
    delivery: WebhookDelivery,
    organisation_id: UUID,
    may_receive: Mapping[str, Callable[[Session, UUID, UUID], bool]],
) -> bool:
    """Return whether an organisation may receive a webhook now, by what protects the person whom it is about.

    ``may_receive`` has a function of the record's id and the organisation's id, by the kind of the record.
    """
    check = may_receive.get(delivery.event_type.partition(".")[0])
    return check is None or check(session, UUID(delivery.payload["id"]), organisation_id)


# Webhooks.


def make_endpoint(session: WriteSession, actor: Actor, new: NewEndpoint) -> tuple[WebhookEndpoint, EndpointOut]:
    """Create an endpoint with a new secret, which only this reply contains.

    Refuses an address that is not valid, is not https, or contains a user name or password.
    """
    address = urlsplit("")
    try:
        address = urlsplit(new.url)
        host = (address.hostname or "").encode("idna").decode()
        httpx2.URL(new.url)
        is_valid = bool(host) and (address.port is None or address.port > 0)
    except (ValueError, httpx2.InvalidURL):
        is_valid = False
    if not is_valid:
        raise RuleBroken("This is not a valid web address. Correct the address.", pointer="/url")
    if address.scheme != "https" and (session.is_production or address.hostname not in HERE):
        raise RuleBroken("The address must begin with https://.", pointer="/url")
    if address.username or address.password:
        raise RuleBroken("The address cannot contain a user name or password. Remove them.", pointer="/url")
    secret = "whsec_" + b64encode(token_bytes(SECRET_BYTES)).decode()
    endpoint = WebhookEndpoint(
        id=uuid7(),
        organisation_id=actor.organisation_id,
        url=new.url,
        sealed_secret="",
        is_on=True,
        made_at=actor.at,
    )
    endpoint.sealed_secret = session.vault.seal(secret, place=f"webhook_endpoints.sealed_secret:{endpoint.id}")
    session.add(endpoint)
    session.flush()
    return endpoint, EndpointOut.model_validate(endpoint).model_copy(update={"secret": secret})


def switch_off(session: WriteSession, endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Switch an endpoint off. New moves are no longer queued for it."""
    endpoint.is_on = False
    session.flush()
    return endpoint


def signed(secret: str, event_id: UUID, at: datetime, body: str) -> dict[str, str]:
    """Return the headers of a webhook, with its signature, as the Standard Webhooks scheme defines them."""
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(str(event_id), at, body),
        "content-type": "application/json",
    }


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A move that webhooks report: the record, the event, the new state, the time, and the organisations concerned."""

    event_id: UUID
    subject: str
    subject_id: UUID
    event: str
    state: str
    at: datetime
    organisations: Collection[UUID]


def queue_webhooks(session: WriteSession, events: Sequence[WebhookEvent]) -> None:
    """Queue a webhook for each event, to each endpoint of each organisation concerned.

    The payload contains only the id of the record, the event, the new state and the time.
    """
    # The endpoints are read only once in a transaction, because most organisations have none.
    endpoints: dict[UUID, list[UUID]] = session.info.setdefault("endpoints", {})
    with session.no_autoflush:
        for organisation_id in {one for event in events for one in event.organisations} - set(endpoints):
            endpoints[organisation_id] = queries.endpoints_on(session, organisation_id)
    insert_many(
        session,
        WebhookDelivery,
        [
            _delivery(event, endpoint_id)
            for event in events
            for organisation_id in sorted(event.organisations)
            for endpoint_id in endpoints[organisation_id]
        ],
    )


def _delivery(event: WebhookEvent, endpoint_id: UUID) -> dict[str, Any]:
    payload = {
        "type": f"{event.subject}.{event.event}",
        "id": str(event.subject_id),
        "state": event.state,
        "at": event.at.isoformat().replace("+00:00", "Z"),
    }
    return {
        "id": uuid7(),
        "endpoint_id": endpoint_id,
        "event_id": event.event_id,
        "event_type": payload["type"],
        "payload": payload,
        "state": EmailState.QUEUED,
        "attempts": 0,
        "next_try_at": event.at,
        "last_error": "",
        "made_at": event.at,
    }


def _queue_webhooks(session: WriteSession, *_: object) -> None:
    """Queue webhooks for the new moves: to the partner, and to the other parties that may know of them."""
    events = []
    for row in [row for row in session.new if isinstance(row, StateLog)]:
        subject = row.__tablename__.removesuffix("_moves")  # type: ignore[attr-defined]
        subject_id = getattr(row, f"{subject}_id", None)
        if subject_id is None:
            continue
        with session.no_autoflush:
            organisations = {getattr(row, "partner_id", None), *row.other_parties(session)} - {None}
        events.append(
            WebhookEvent(row.id, subject, subject_id, row.event, row.to_state, row.recorded_at, organisations)  # type: ignore[arg-type]
        )
    queue_webhooks(session, events)


event.listen(WriteSession, "before_flush", _queue_webhooks)


def _notify_owners_of_keys(session: WriteSession, *_: object) -> None:
    """Notify the owner of each new key, and of each key that was claimed just now, so that none can be left out.

    The demonstration's keys are for nobody real, so nobody is notified of them.
    """
    actor = session.actor
    if actor is None or actor.source is Source.DEMONSTRATION:
        return
    new = [row for row in session.new if isinstance(row, ApiKey)]
    claimed = [row for row in session.dirty if isinstance(row, ApiKey) and _is_just_claimed(row)]
    for key in (*new, *claimed):
        with session.no_autoflush:
            membership = session.get_one(Membership, key.membership_id)
        kind = NoticeKind.KEY_TO_CLAIM if key.secret_hash is None else NoticeKind.KEY_IN_USE
        about, organisation_id = ("keys", key.id), membership.organisation_id
        notify(session, actor, [membership.user_id], kind, about=about, organisation_id=organisation_id)


def _is_just_claimed(key: ApiKey) -> bool:
    return key.claimed_at is not None and get_history(key, "claimed_at").has_changes()


event.listen(WriteSession, "before_flush", _notify_owners_of_keys)


def secret_of(session: Session, endpoint: WebhookEndpoint) -> str:
    return session.vault.open(endpoint.sealed_secret, place=f"webhook_endpoints.sealed_secret:{endpoint.id}")
