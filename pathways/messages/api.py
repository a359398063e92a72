"""JSON of notices, e-mails and webhooks."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
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
Told = Annotated[Actor, permitted(Permission.NOTICE_READ)]
Keeper = Annotated[Actor, permitted(Permission.WEBHOOK_MAKE)]


@notices.get("")
def list_notices(
    actor: Told, database: DatabaseDep, page: PageDep, *, unread: Annotated[bool, Query()] = False
) -> Page[NoticeOut]:
    """What you are told of, in the organisation of this key."""
    with database.reading(actor) as session:
        rows = queries.notices_of(actor)
        if unread:
            rows = rows.where(Notice.read_at.is_(None))
        return page_of(session, rows, Notice.id, page, actions.reply)


@notices.post("/{notice_id}/read", responses=documented(NotFound))
def read_notice(notice_id: UUID, actor: Told, database: DatabaseDep) -> NoticeOut:
    """You have seen it: it goes into no e-mail any more."""
    with database.writing(actor) as session:
        return actions.reply(actions.read(session, actor, queries.notice(session, actor, notice_id)))


@emails.get("")
def list_emails(
    actor: Keeper, database: DatabaseDep, page: PageDep, state: Annotated[EmailState | None, Query()] = None
) -> Page[EmailOut]:
    """The e-mails of your organisation, and whether they went."""
    with database.reading(actor) as session:
        rows = queries.emails_of(actor)
        if state is not None:
            rows = rows.where(Email.state == state)
        return page_of(session, rows, Email.id, page, EmailOut.model_validate)


@emails.post("/{email_id}/retry", responses=documented(NotFound, Conflict))
def retry_email(email_id: UUID, actor: Keeper, database: DatabaseDep) -> EmailOut:
    """Queue again what was put aside."""
    with database.writing(actor) as session:
        email = queries.email(session, actor, email_id)
        actions.send_again(session, actor, email)
        return EmailOut.model_validate(email)


@webhooks.get("")
def list_endpoints(actor: Keeper, database: DatabaseDep, page: PageDep) -> Page[EndpointOut]:
    with database.reading(actor) as session:
        return page_of(session, queries.endpoints_of(actor), WebhookEndpoint.id, page, EndpointOut.model_validate)


@webhooks.post("", status_code=201, responses=documented(Conflict))
def make_endpoint(new: NewEndpoint, actor: Keeper, database: DatabaseDep, once: OnceDep) -> EndpointOut:
    """Let your own system be told of every move, by the Standard Webhooks scheme; the secret is shown once."""
    shown: list[EndpointOut] = []

    with database.writing(actor) as session:

        def make() -> WebhookEndpoint:
            endpoint, answer = actions.make_endpoint(session, actor, new)
            shown.append(answer)
            return endpoint

        endpoint = once(session, actor, make, lambda made: queries.endpoint(session, actor, made))
        return shown[0] if shown else EndpointOut.model_validate(endpoint)


@webhooks.post("/{endpoint_id}/switch-off", responses=documented(NotFound))
def switch_off_endpoint(endpoint_id: UUID, actor: Keeper, database: DatabaseDep) -> EndpointOut:
    with database.writing(actor) as session:
        endpoint = queries.endpoint(session, actor, endpoint_id)
        return EndpointOut.model_validate(actions.switch_off(session, endpoint))


@webhooks.get("/{endpoint_id}/deliveries", responses=documented(NotFound))
def list_deliveries(
    endpoint_id: UUID,
    actor: Keeper,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[EmailState | None, Query()] = None,
) -> Page[DeliveryOut]:
    with database.reading(actor) as session:
        rows = queries.deliveries_of(queries.endpoint(session, actor, endpoint_id))
        if state is not None:
            rows = rows.where(WebhookDelivery.state == state)
        return page_of(session, rows, WebhookDelivery.id, page, DeliveryOut.model_validate)


@deliveries.post("/{delivery_id}/replay", responses=documented(NotFound, Conflict))
def replay_delivery(delivery_id: UUID, actor: Keeper, database: DatabaseDep) -> DeliveryOut:
    """Send an event again, under the same id."""
    with database.writing(actor) as session:
        delivery = queries.delivery(session, actor, delivery_id)
        actions.send_again(session, actor, delivery)
        return DeliveryOut.model_validate(delivery)
