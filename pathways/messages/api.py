"""Routes for notices, e-mails and webhooks."""

from collections.abc import Callable, Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Session
from pathways.errors import Conflict, NotFound
from pathways.messages import actions, queries
from pathways.messages.models import Email, EmailState, Notice, WebhookDelivery, WebhookEndpoint
from pathways.messages.schemas import DeliveryOut, EmailOut, EndpointOut, NewEndpoint, NoticeOut
from pathways.pagination import Page, page_of
from pathways.problems import documented

notices = APIRouter(prefix="/notices", tags=["messages"], route_class=PathwaysRoute)
emails = APIRouter(prefix="/emails", tags=["messages"], route_class=PathwaysRoute)
webhooks = APIRouter(prefix="/webhooks", tags=["messages"], route_class=PathwaysRoute)
deliveries = APIRouter(prefix="/webhook-deliveries", tags=["messages"], route_class=PathwaysRoute)
NoticeReader = Annotated[Actor, permitted(Permission.NOTICE_READ)]
WebhookAdmin = Annotated[Actor, permitted(Permission.WEBHOOK_MAKE)]


def _may_receive(request: Request) -> Mapping[str, Callable[[Session, UUID, UUID], bool]]:
    checks: Mapping[str, Callable[[Session, UUID, UUID], bool]] = request.app.state.may_receive
    return checks


MayReceiveDep = Annotated[Mapping[str, Callable[[Session, UUID, UUID], bool]], Depends(_may_receive)]


@notices.get("")
def list_notices(
    actor: NoticeReader, database: DatabaseDep, page: PageDep, *, unread: Annotated[bool, Query()] = False
) -> Page[NoticeOut]:
    """List your notices in the organisation of this API key."""
    with database.reading(actor) as session:
        rows = queries.notices_of(actor)
        if unread:
            rows = rows.where(Notice.read_at.is_(None))
        return page_of(session, rows, Notice.id, page, actions.reply)


@notices.post("/{notice_id}/read", responses=documented(NotFound))
def read_notice(notice_id: UUID, actor: NoticeReader, database: DatabaseDep) -> NoticeOut:
    """Mark a notice as read. A read notice is not put into a later e-mail."""
    with database.writing(actor) as session:
        return actions.reply(actions.read(session, actor, queries.notice(session, actor, notice_id)))


@emails.get("")
def list_emails(
    actor: WebhookAdmin, database: DatabaseDep, page: PageDep, state: Annotated[EmailState | None, Query()] = None
) -> Page[EmailOut]:
    """List the e-mails to members of your organisation, with their delivery state. The text is not included."""
    with database.reading(actor) as session:
        rows = queries.emails_of(actor)
        if state is not None:
            rows = rows.where(Email.state == state)
        return page_of(session, rows, Email.id, page, EmailOut.model_validate)


@emails.post("/{email_id}/retry", responses=documented(NotFound, Conflict))
def retry_email(email_id: UUID, actor: WebhookAdmin, database: DatabaseDep) -> EmailOut:
    """Queue again an e-mail that failed and is no longer retried. Refused if the e-mail is queued or was sent."""
    with database.writing(actor) as session:
        email = queries.email(session, actor, email_id)
        actions.send_again(session, actor, email)
        return EmailOut.model_validate(email)


@webhooks.get("")
def list_endpoints(actor: WebhookAdmin, database: DatabaseDep, page: PageDep) -> Page[EndpointOut]:
    """List the webhook endpoints of your organisation, without their secrets."""
    with database.reading(actor) as session:
        return page_of(session, queries.endpoints_of(actor), WebhookEndpoint.id, page, EndpointOut.model_validate)


@webhooks.post("", status_code=201, responses=documented(Conflict))
def make_endpoint(new: NewEndpoint, actor: WebhookAdmin, database: DatabaseDep, once: OnceDep) -> EndpointOut:
    """Create an endpoint that receives a webhook for each change of state, as Standard Webhooks defines.

    Only this reply contains the secret. Refused if the address is not valid, not https, or contains a password.
    """
    replies: list[EndpointOut] = []

    with database.writing(actor) as session:

        def make() -> WebhookEndpoint:
            endpoint, answer = actions.make_endpoint(session, actor, new)
            replies.append(answer)
            return endpoint

        endpoint = once(session, actor, make, lambda made: queries.endpoint(session, actor, made))
        return replies[0] if replies else EndpointOut.model_validate(endpoint)


@webhooks.post("/{endpoint_id}/switch-off", responses=documented(NotFound))
def switch_off_endpoint(endpoint_id: UUID, actor: WebhookAdmin, database: DatabaseDep) -> EndpointOut:
    """Switch an endpoint off. No more webhooks are sent to it."""
    with database.writing(actor) as session:
        endpoint = queries.endpoint(session, actor, endpoint_id)
        return EndpointOut.model_validate(actions.switch_off(session, endpoint))


@webhooks.get("/{endpoint_id}/deliveries", responses=documented(NotFound))
def list_deliveries(
    endpoint_id: UUID,
    actor: WebhookAdmin,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[EmailState | None, Query()] = None,
) -> Page[DeliveryOut]:
    """List the webhooks queued for or sent to an endpoint, with their delivery state."""
    with database.reading(actor) as session:
        rows = queries.deliveries_of(queries.endpoint(session, actor, endpoint_id))
        if state is not None:
            rows = rows.where(WebhookDelivery.state == state)
        return page_of(session, rows, WebhookDelivery.id, page, DeliveryOut.model_validate)


@deliveries.post("/{delivery_id}/replay", responses=documented(NotFound, Conflict))
def replay_delivery(
    delivery_id: UUID, actor: WebhookAdmin, database: DatabaseDep, may_receive: MayReceiveDep
) -> DeliveryOut:
    """Queue a failed or delivered webhook again, with the same event id.

    Refused if the webhook is still queued, or if your organisation does not read its record now.
    """
    with database.writing(actor) as session:
        delivery = queries.delivery(session, actor, delivery_id)
        actions.replay(session, actor, delivery, may_receive)
        return DeliveryOut.model_validate(delivery)
