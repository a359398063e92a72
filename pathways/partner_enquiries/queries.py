"""The queries of agreements, enquiries and contact requests. Those that take an actor are limited to visible rows."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.organisations.models import Organisation
from pathways.partner_enquiries.models import ContactRequest, ElsewhereAsk, RequestState, SharingAgreement


def agreements(actor: Actor) -> Select[SharingAgreement]:
    """Select the current agreements: all for the operator, who records agreements, and only its own for a partner."""
    rows = select(SharingAgreement).where(as_known(SharingAgreement))
    if actor.role is Role.OPERATOR:
        return rows
    is_first = SharingAgreement.one_id == actor.organisation_id
    return rows.where(or_(is_first, SharingAgreement.other_id == actor.organisation_id))


def agreement(session: Session, actor: Actor, agreement_id: UUID) -> SharingAgreement:
    agreement = session.scalars(agreements(actor).where(SharingAgreement.id == agreement_id)).one_or_none()
    if agreement is None:
        raise NotFound("This agreement does not exist, or it has ended. Check the list of agreements.")
    return agreement


def holders(session: Session, partner_id: UUID, on: date) -> dict[UUID, UUID]:
    """Return the ids of the partners that this partner may ask on a day, each with the membership id of its lead."""
    rows = session.scalars(
        select(SharingAgreement).where(
            as_known(SharingAgreement),
            SharingAgreement.valid_on <= on,
            or_(SharingAgreement.one_id == partner_id, SharingAgreement.other_id == partner_id),
        )
    )
    return {
        (row.other_id if row.one_id == partner_id else row.one_id): (
            row.other_lead_id if row.one_id == partner_id else row.one_lead_id
        )
        for row in rows
    }


def count_today(session: Session, actor: Actor) -> int:
    """Return how many enquiries this user has made today."""
    return session.scalars(
        select(func.count()).where(
            ElsewhereAsk.partner_id == actor.organisation_id,
            ElsewhereAsk.by == actor.user_id,
            ElsewhereAsk.valid_on == actor.today,
        )
    ).one()


def enquiries(person: Jobseeker) -> Select[ElsewhereAsk]:
    return jobseeker_queries.facts_about(ElsewhereAsk, person)


def answers(session: Session, ask_ids: Collection[UUID]) -> dict[UUID, list[tuple[ContactRequest, str]]]:
    """Return, by enquiry id, the requests that the asking partner may read: those in which contact was opened."""
    rows = session.execute(
        select(ContactRequest, Organisation.name)
        .join(Organisation, Organisation.id == ContactRequest.partner_id)
        .where(ContactRequest.ask_id.in_(ask_ids), ContactRequest.state == RequestState.OPENED)
        .order_by(ContactRequest.id)
    )
    contacts: dict[UUID, list[tuple[ContactRequest, str]]] = {}
    for request, name in rows:
        contacts.setdefault(request.ask_id, []).append((request, name))
    return contacts


def has_open_request(session: Session, holder_id: UUID, jobseeker_id: UUID, asking_id: UUID) -> bool:
    """Return whether the asking partner already has an unanswered contact request about this person."""
    rows = select(ContactRequest.id).where(
        ContactRequest.partner_id == holder_id,
        ContactRequest.jobseeker_id == jobseeker_id,
        ContactRequest.asking_id == asking_id,
        ContactRequest.state == RequestState.WAITING,
    )
    return session.scalars(rows.limit(1)).first() is not None


def requests(actor: Actor) -> Select[ContactRequest]:
    """Select the requests that the actor may see. Only the named lead sees requests about a restricted case."""
    restricted = (
        select(Jobseeker.id)
        .where(
            Jobseeker.partner_id == ContactRequest.partner_id,
            Jobseeker.id == ContactRequest.jobseeker_id,
            Jobseeker.is_restricted,
        )
        .exists()
    )
    return select(ContactRequest).where(
        ContactRequest.partner_id == actor.organisation_id,
        jobseeker_queries.is_visible(actor, ContactRequest.jobseeker_id),
        or_(~restricted, ContactRequest.lead_id == actor.membership_id),
    )


def request(session: Session, actor: Actor, request_id: UUID, *, for_update: bool = False) -> ContactRequest:
    request = session.scalars(requests(actor).where(ContactRequest.id == request_id)).one_or_none()
    if request is None:
        raise NotFound("This contact request does not exist, or you may not see it.")
    if for_update:
        session.refresh(request, with_for_update=True)
    return request
