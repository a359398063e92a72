"""Every query on notices, e-mails and webhooks."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from pathways.access.models import User
from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.messages.models import Email, EmailState, Notice, NoticeKind, WebhookDelivery, WebhookEndpoint
from pathways.organisations.models import Membership


def notices_of(actor: Actor) -> Select[Notice]:
    return select(Notice).where(
        Notice.user_id == actor.user_id, Notice.organisation_id == actor.organisation_id, Notice.cancelled_at.is_(None)
    )


def notice(session: Session, actor: Actor, notice_id: UUID) -> Notice:
    row = session.scalars(notices_of(actor).where(Notice.id == notice_id)).one_or_none()
    if row is None:
        raise NotFound("You have no such notice in this organisation.")
    return row


def members(session: Session, organisation_id: UUID, roles: Iterable[Role]) -> list[UUID]:
    """Return the ids of users who now have one of these roles in an organisation. Leaves out machine users."""
    rows = (
        select(Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.role.in_(list(roles)),
            Membership.ended_at.is_(None),
            User.is_machine.is_(False),
        )
        .distinct()
        .order_by(Membership.user_id)
    )
    return list(session.scalars(rows))


def user_of(session: Session, membership_id: UUID | None) -> UUID | None:
    """Return the user id of a membership, or None if the membership has ended or no membership is given."""
    rows = select(Membership.user_id).where(Membership.id == membership_id, Membership.ended_at.is_(None))
    return session.scalars(rows).one_or_none() if membership_id is not None else None


def emails_of(actor: Actor) -> Select[Email]:
    return select(Email).where(Email.organisation_id == actor.organisation_id)


def email(session: Session, actor: Actor, email_id: UUID) -> Email:
    row = session.scalars(emails_of(actor).where(Email.id == email_id)).one_or_none()
    if row is None:
        raise NotFound("Your organisation has no such e-mail.")
    return row


def _is_member(user_id: Any, organisation_id: Any) -> Any:
    return (
        select(Membership.id)
        .where(
            Membership.user_id == user_id,
            Membership.organisation_id == organisation_id,
            Membership.ended_at.is_(None),
        )
        .exists()
    )


def is_for_a_member(session: Session, email: Email) -> bool:
    """Return whether the recipient of an e-mail is still a member of the organisation."""
    return (
        session.scalars(
            select(Email.id).where(Email.id == email.id, _is_member(Email.user_id, Email.organisation_id))
        ).first()
        is not None
    )


def not_mailed(session: Session, *, urgent: bool) -> Sequence[Any]:
    """Return unread notices that are not in an e-mail yet, ordered by user and organisation."""
    rows = (
        select(Notice.id, Notice.user_id, Notice.organisation_id)
        .where(
            _is_member(Notice.user_id, Notice.organisation_id),
            Notice.email_id.is_(None),
            Notice.is_urgent.is_(urgent),
            Notice.read_at.is_(None),
            Notice.cancelled_at.is_(None),
        )
        .order_by(Notice.user_id, Notice.organisation_id, Notice.id)
    )
    return session.execute(rows).all()


def last_notice_at(
    session: Session, organisation_id: UUID, kind: NoticeKind, about: tuple[str, UUID]
) -> datetime | None:
    """Return when an organisation was last notified about a record; None if never, or if that was cancelled."""
    rows = select(func.max(Notice.made_at)).where(
        Notice.organisation_id == organisation_id,
        Notice.kind == kind,
        Notice.subject == about[0],
        Notice.subject_id == about[1],
        Notice.cancelled_at.is_(None),
    )
    found: datetime | None = session.scalars(rows).one()
    return found


def due(model: type[Email] | type[WebhookDelivery], at: datetime) -> Select[UUID]:
    """Return the query for the ids of queued messages that are due at a time. Those due longest come first."""
    return (
        select(model.id)
        .where(model.state == EmailState.QUEUED, model.next_try_at <= at)
        .order_by(model.next_try_at, model.id)
    )


def notices_in(session: Session, email_id: UUID) -> list[Notice]:
    """Return the notices of an e-mail that were neither cancelled nor read since."""
    rows = select(Notice).where(Notice.email_id == email_id, Notice.cancelled_at.is_(None), Notice.read_at.is_(None))
    return list(session.scalars(rows.order_by(Notice.kind, Notice.id)))


def endpoints_of(actor: Actor) -> Select[WebhookEndpoint]:
    return select(WebhookEndpoint).where(WebhookEndpoint.organisation_id == actor.organisation_id)


def endpoint(session: Session, actor: Actor, endpoint_id: UUID) -> WebhookEndpoint:
    row = session.scalars(endpoints_of(actor).where(WebhookEndpoint.id == endpoint_id)).one_or_none()
    if row is None:
        raise NotFound("Your organisation has no such webhook endpoint.")
    return row


def endpoints_on(session: Session, organisation_id: UUID) -> list[UUID]:
    rows = select(WebhookEndpoint.id).where(
        WebhookEndpoint.organisation_id == organisation_id, WebhookEndpoint.is_on.is_(True)
    )
    return list(session.scalars(rows))


def deliveries_of(endpoint: WebhookEndpoint) -> Select[WebhookDelivery]:
    return select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)


def delivery(session: Session, actor: Actor, delivery_id: UUID) -> WebhookDelivery:
    rows = (
        select(WebhookDelivery)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookEndpoint.organisation_id == actor.organisation_id, WebhookDelivery.id == delivery_id)
    )
    row = session.scalars(rows).one_or_none()
    if row is None:
        raise NotFound("Your organisation has no such webhook delivery.")
    return row
