"""Asking other partners about a person, and answering such an enquiry.

Every enquiry gets the same reply, so an enquiry never shows that a person uses a refuge or a clinic. The asking
partner learns more only if another partner opens contact: the asking partner then reads the other partner's text.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from pathways.base import Actor, Role
from pathways.database import Session, WriteSession
from pathways.errors import Conflict, RuleBroken
from pathways.facts import MoveRefused, destination, possible_events
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import identifiers, identify
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.identify import IdentityQuery
from pathways.jobseekers.models import Jobseeker
from pathways.organisations.models import Membership, Organisation, OrganisationKind
from pathways.partner_enquiries import queries
from pathways.partner_enquiries.models import (
    REQUEST_MOVES,
    ContactRequest,
    ContactRequestMove,
    ElsewhereAsk,
    RequestEvent,
    RequestState,
    SharingAgreement,
)
from pathways.partner_enquiries.schemas import AnswerOut, AskOut, NewAgreement, RequestOut
from pathways.reference import tables

# The lowest match probability at which the other partner sees the enquiry. With a wrong match, that partner would
# see an enquiry about a different person.
LIKELY = 0.9


class NoAgreement(RuleBroken):
    title = "There is no data-sharing agreement"


class AskedTooOften(Conflict):
    title = "You have reached today's limit of enquiries"


class RequestMoveRefused(MoveRefused):
    title = "The contact request cannot be answered in this way now"


def agree(session: WriteSession, actor: Actor, new: NewAgreement) -> SharingAgreement:
    """Record that two partners agreed in writing to ask each other about people.

    Refuse organisations that are not partners, leads who are not their team managers, and a second agreement.
    """
    for name, organisation_id, lead_id in (
        ("one", new.one_id, new.one_lead_id),
        ("other", new.other_id, new.other_lead_id),
    ):
        partner = session.get(Organisation, organisation_id)
        if partner is None or partner.kind is not OrganisationKind.VOLUNTARY_SECTOR_PARTNER:
            raise RuleBroken(
                "This organisation is not a voluntary-sector partner. Choose a partner.", pointer=f"/{name}_id"
            )
        lead = session.get(Membership, lead_id)
        if lead is None or (lead.organisation_id, lead.role, lead.ended_at) != (
            partner.id,
            Role.TEAM_MANAGER,
            None,
        ):
            raise RuleBroken(
                "The lead of a partner must be one of its current team managers. Choose another lead.",
                pointer=f"/{name}_lead_id",
            )
    if new.one_id == new.other_id:
        raise RuleBroken("An agreement needs two different partners. Choose another partner.", pointer="/other_id")
    if new.other_id in queries.holders(session, new.one_id, new.from_on):
        raise RuleBroken(
            "These two partners already have an agreement. End it before you record a new one.", pointer="/other_id"
        )
    agreement = SharingAgreement.recorded(
        actor,
        new.from_on,
        one_id=new.one_id,
        other_id=new.other_id,
        one_lead_id=new.one_lead_id,
        other_lead_id=new.other_lead_id,
        document=new.document,
    )
    session.add(agreement)
    session.flush()  # the reply includes it
    return agreement


def end(session: WriteSession, actor: Actor, agreement: SharingAgreement, reason: str) -> SharingAgreement:
    """End an agreement by recording its withdrawal. The row of the agreement remains."""
    ended = agreement.withdrawn(actor, reason)
    session.add(ended)
    session.flush()  # refuses the second of two actors who end the same agreement
    return ended


def ask(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> ElsewhereAsk:
    """Send an enquiry about a person to every partner with which there is an agreement.

    Refuse a void record, a partner without agreements, and a user who has reached today's limit.
    """
    jobseeker_actions.must_not_be_void(person)
    holders = queries.holders(session, person.partner_id, actor.today)
    if not holders:
        raise NoAgreement(
            "Your organisation has no agreement with another partner. The operator can record an agreement."
        )
    most = int(tables.limit("elsewhere_asks_a_day", actor.today))
    if queries.count_today(session, actor) >= most:
        raise AskedTooOften(
            f"You can make at most {most} enquiries a day. Continue tomorrow, or ask your team manager to enquire."
        )
    enquiry = ElsewhereAsk.recorded(actor, partner_id=person.partner_id, jobseeker_id=person.id, reason=reason)
    session.add(enquiry)
    details = identifiers.unsealed(session, jobseeker_queries.details(session, person))
    identity = identify.identity(session, str(person.id), details)
    for holder_id, lead_id in sorted(holders.items()):
        for candidate in identify.find(session, holder_id, [IdentityQuery(identity)])[0]:
            if candidate.verdict.probability >= LIKELY:
                _request(session, actor, enquiry, holder_id, lead_id, candidate.jobseeker_id)
    session.flush()
    return enquiry


def _request(
    session: WriteSession, actor: Actor, enquiry: ElsewhereAsk, holder_id: UUID, lead_id: UUID, jobseeker_id: UUID
) -> None:
    if queries.has_open_request(session, holder_id, jobseeker_id, actor.organisation_id):
        return
    session.add(
        ContactRequest(
            id=uuid7(),
            partner_id=holder_id,
            jobseeker_id=jobseeker_id,
            ask_id=enquiry.id,
            asking_id=actor.organisation_id,
            asked_by=actor.user_id,
            asked_at=actor.at,
            because=enquiry.reason,
            lead_id=lead_id,
            state=RequestState.WAITING,
        )
    )


def enquiry_replies(session: Session, enquiries: Sequence[ElsewhereAsk]) -> list[AskOut]:
    answers = queries.answers(session, [enquiry.id for enquiry in enquiries])
    return [
        AskOut(
            id=enquiry.id,
            asked_on=enquiry.valid_on,
            by=enquiry.by,
            reason=enquiry.reason,
            answers=[
                AnswerOut(asked_at=request.asked_at, partner=name, answer=request.answer or "")
                for request, name in answers.get(enquiry.id, [])
            ],
        )
        for enquiry in enquiries
    ]


def answer(
    session: WriteSession, actor: Actor, request: ContactRequest, event: RequestEvent, text: str
) -> ContactRequest:
    """Answer a contact request: open contact or decline. The asking partner is not notified of a decline."""
    to_state = destination(REQUEST_MOVES, request.state, event, RequestMoveRefused)
    session.add(
        ContactRequestMove.recorded(
            actor,
            partner_id=request.partner_id,
            jobseeker_id=request.jobseeker_id,
            request_id=request.id,
            event=event.value,
            from_state=request.state.value,
            to_state=to_state.value,
            reason=text,
        )
    )
    request.state = to_state
    request.answer = text if to_state is RequestState.OPENED else None
    session.flush()  # the reply includes the new version
    return request


def request_replies(session: Session, requests: Sequence[ContactRequest]) -> list[RequestOut]:
    people = session.execute(
        select(Jobseeker.id, Jobseeker.reference).where(
            Jobseeker.id.in_([request.jobseeker_id for request in requests])
        )
    )
    references = {row.id: row.reference for row in people}
    rows = session.execute(
        select(Organisation.id, Organisation.name).where(
            Organisation.id.in_([request.asking_id for request in requests])
        )
    )
    names = {row.id: row.name for row in rows}
    return [
        RequestOut(
            id=request.id,
            jobseeker_id=request.jobseeker_id,
            jobseeker_reference=references[request.jobseeker_id],
            asking=names[request.asking_id],
            asked_at=request.asked_at,
            because=request.because,
            state=request.state,
            answer=request.answer,
            possible_events=[event.value for event in possible_events(REQUEST_MOVES, request.state)],
            version=request.version,
        )
        for request in requests
    ]
