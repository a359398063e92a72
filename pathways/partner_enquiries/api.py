"""Routes about agreements between partners, enquiries to other partners, and the answers to these enquiries."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pathways.access.guards import DatabaseDep, IfMatch, OnceDep, PageDep, PathwaysRoute, expect_version, permitted
from pathways.access.permissions import Permission
from pathways.audit import opened
from pathways.base import Actor
from pathways.errors import Conflict, NotFound
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.schemas import ReasonBody
from pathways.pagination import Page, page_of
from pathways.partner_enquiries import actions, queries
from pathways.partner_enquiries.models import (
    ContactRequest,
    ElsewhereAsk,
    RequestEvent,
    RequestState,
    SharingAgreement,
)
from pathways.partner_enquiries.schemas import (
    AgreementOut,
    AskOut,
    EnquiryOut,
    NewAgreement,
    NewAsk,
    Opening,
    RequestOut,
)
from pathways.problems import documented

router = APIRouter(tags=["elsewhere"], route_class=PathwaysRoute)
Agreer = Annotated[Actor, permitted(Permission.AGREEMENT_MAKE)]
AgreementReader = Annotated[Actor, permitted(Permission.AGREEMENT_READ)]
Asker = Annotated[Actor, permitted(Permission.ELSEWHERE_ASK)]
Answerer = Annotated[Actor, permitted(Permission.ELSEWHERE_ANSWER)]


@router.get("/agreements")
def list_agreements(actor: AgreementReader, database: DatabaseDep, page: PageDep) -> Page[AgreementOut]:
    """List the current data-sharing agreements. A partner sees its own; the operator sees all."""
    with database.reading(actor) as session:
        return page_of(session, queries.agreements(actor), SharingAgreement.id, page, AgreementOut.model_validate)


@router.post("/agreements", status_code=201, responses=documented(Conflict))
def record_agreement(new: NewAgreement, actor: Agreer, database: DatabaseDep, once: OnceDep) -> AgreementOut:
    """Record a signed data-sharing agreement between two partners.

    The two partners can ask each other about people until the agreement ends. Until then, they cannot have a second
    agreement.
    """
    with database.writing(actor) as session:
        agreement = once(
            session,
            actor,
            lambda: actions.agree(session, actor, new),
            lambda agreement_id: session.get_one(SharingAgreement, agreement_id),
        )
        return AgreementOut.model_validate(agreement)


@router.post("/agreements/{agreement_id}/end", responses=documented(NotFound, Conflict))
def end_agreement(agreement_id: UUID, reason: ReasonBody, actor: Agreer, database: DatabaseDep) -> AgreementOut:
    """End a data-sharing agreement, with a reason. The two partners can no longer ask each other about people."""
    with database.writing(actor) as session:
        agreement = queries.agreement(session, actor, agreement_id)
        actions.end(session, actor, agreement, reason.reason)
        return AgreementOut.model_validate(agreement)


@router.post("/jobseekers/{jobseeker_id}/elsewhere", status_code=202, responses=documented(NotFound, Conflict))
def ask_elsewhere(jobseeker_id: UUID, new: NewAsk, actor: Asker, database: DatabaseDep, once: OnceDep) -> EnquiryOut:
    """Ask the partners that you have an agreement with whether they support this person.

    The reply only confirms the enquiry. You hear more only if a partner opens contact with you. An enquiry is refused
    if you have no agreement, if the record is void, or beyond the daily limit.
    """
    with database.writing(actor) as session:
        once(
            session,
            actor,
            lambda: actions.ask(session, actor, jobseeker_queries.jobseeker(session, actor, jobseeker_id), new.reason),
            lambda enquiry_id: session.get_one(ElsewhereAsk, enquiry_id),
        )
    return EnquiryOut()


@router.get("/jobseekers/{jobseeker_id}/elsewhere", responses=documented(NotFound))
def list_asked(jobseeker_id: UUID, actor: Asker, database: DatabaseDep, page: PageDep) -> Page[AskOut]:
    """List your organisation's enquiries about this person, with the answers of partners that opened contact."""
    with database.reading(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
        enquiries = page_of(session, queries.enquiries(person), ElsewhereAsk.id, page, lambda row: row)
        return Page[AskOut](items=actions.enquiry_replies(session, enquiries.items), next=enquiries.next)


@router.get("/contact-requests")
def list_contact_requests(
    actor: Answerer,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[RequestState, Query()] = RequestState.WAITING,
) -> Page[RequestOut]:
    """List which partners ask about people you support, and why.

    A request about a restricted case is visible only to the team manager whom the agreement names as your lead.
    """
    with database.reading(actor) as session:
        rows = queries.requests(actor).where(ContactRequest.state == state)
        requests = page_of(session, rows, ContactRequest.id, page, lambda row: row)
        reply = Page[RequestOut](items=actions.request_replies(session, requests.items), next=requests.next)
    if reply.items:
        people = sorted({item.jobseeker_id for item in reply.items})
        opened(database, actor, "jobseekers", [(jobseeker_id, jobseeker_id) for jobseeker_id in people])
    return reply


@router.post("/contact-requests/{request_id}/open", responses=documented(NotFound, Conflict))
def open_contact(
    request_id: UUID, opening: Opening, actor: Answerer, database: DatabaseDep, version: IfMatch
) -> RequestOut:
    """Agree to contact. The asking partner can then read your organisation's name and the text you enter.

    Refused if contact is already open.
    """
    with database.writing(actor) as session:
        request = queries.request(session, actor, request_id, for_update=True)
        expect_version(request, version)
        actions.answer(session, actor, request, RequestEvent.OPEN, opening.answer)
        return actions.request_replies(session, [request])[0]


@router.post("/contact-requests/{request_id}/decline", responses=documented(NotFound, Conflict))
def decline_contact(
    request_id: UUID, reason: ReasonBody, actor: Answerer, database: DatabaseDep, version: IfMatch
) -> RequestOut:
    """Decline a contact request, with a reason for your own record. The asking partner is not notified."""
    with database.writing(actor) as session:
        request = queries.request(session, actor, request_id, for_update=True)
        expect_version(request, version)
        actions.answer(session, actor, request, RequestEvent.DECLINE, reason.reason)
        return actions.request_replies(session, [request])[0]
