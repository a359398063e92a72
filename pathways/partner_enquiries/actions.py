"""Asking other partners about a person, and what a holder answers.

Whoever asks reads the same sentence whatever is known, so that nobody can find out who uses a refuge or a clinic by
asking. Only what the holder writes when it opens contact ever reaches the asker.
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

# From here on a holder hears that somebody asks; a wrong guess would tell it of a question about another person.
LIKELY = 0.9


class NoAgreement(RuleBroken):
    title = "There is no data-sharing agreement"


class AskedTooOften(Conflict):
    title = "You have asked about enough people today"


class RequestMoveRefused(MoveRefused):
    title = "The request cannot be answered so now"


def agree(session: WriteSession, actor: Actor, new: NewAgreement) -> SharingAgreement:
    """Record that two partners agreed in writing to ask each other."""
    for name, organisation_id, lead_id in (
        ("one", new.one_id, new.one_lead_id),
        ("other", new.other_id, new.other_lead_id),
    ):
        partner = session.get(Organisation, organisation_id)
        if partner is None or partner.kind is not OrganisationKind.VOLUNTARY_SECTOR_PARTNER:
            raise RuleBroken("Name a voluntary-sector partner.", pointer=f"/{name}_id")
        lead = session.get(Membership, lead_id)
        if lead is None or (lead.organisation_id, lead.role, lead.ended_at) != (
            partner.id,
            Role.TEAM_MANAGER,
            None,
        ):
            raise RuleBroken("The lead is a team manager of that partner.", pointer=f"/{name}_lead_id")
    if new.one_id == new.other_id:
        raise RuleBroken("An agreement is between two partners.", pointer="/other_id")
    if new.other_id in queries.holders(session, new.one_id, new.from_on):
        raise RuleBroken("These two have an agreement. End it first.", pointer="/other_id")
    made = SharingAgreement.recorded(
        actor,
        new.from_on,
        one_id=new.one_id,
        other_id=new.other_id,
        one_lead_id=new.one_lead_id,
        other_lead_id=new.other_lead_id,
        document=new.document,
    )
    session.add(made)
    session.flush()  # the reply carries it
    return made


def end(session: WriteSession, actor: Actor, agreement: SharingAgreement, reason: str) -> SharingAgreement:
    ended = agreement.withdrawn(actor, reason)
    session.add(ended)
    session.flush()  # two who end it meet here
    return ended


def ask(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> ElsewhereAsk:
    """Ask every partner there is an agreement with; the answer says nothing of what they know."""
    jobseeker_actions.must_not_be_void(person)
    holders = queries.holders(session, person.partner_id, actor.today)
    if not holders:
        raise NoAgreement("Your organisation has no agreement with another partner, so nobody can be asked.")
    most = int(tables.limit("elsewhere_asks_a_day", actor.today))
    if queries.count_today(session, actor) >= most:
        raise AskedTooOften(f"At most {most} people a day. Go on tomorrow, or ask your team manager to.")
    asked = ElsewhereAsk.recorded(actor, partner_id=person.partner_id, jobseeker_id=person.id, reason=reason)
    session.add(asked)
    details = identifiers.unsealed(session, jobseeker_queries.details(session, person))
    who = identify.identity(session, str(person.id), details)
    for holder_id, lead_id in sorted(holders.items()):
        for hit in identify.look_up(session, holder_id, [IdentityQuery(who)])[0]:
            if hit.verdict.probability >= LIKELY:
                _request(session, actor, asked, holder_id, lead_id, hit.jobseeker_id)
    session.flush()
    return asked


def _request(
    session: WriteSession, actor: Actor, asked: ElsewhereAsk, holder_id: UUID, lead_id: UUID, jobseeker_id: UUID
) -> None:
    if queries.has_open_request(session, holder_id, jobseeker_id, actor.organisation_id):
        return
    session.add(
        ContactRequest(
            id=uuid7(),
            partner_id=holder_id,
            jobseeker_id=jobseeker_id,
            ask_id=asked.id,
            asking_id=actor.organisation_id,
            asked_by=actor.user_id,
            asked_at=actor.at,
            because=asked.reason,
            lead_id=lead_id,
            state=RequestState.WAITING,
        )
    )


def enquiry_replies(session: Session, asks: Sequence[ElsewhereAsk]) -> list[AskOut]:
    answers = queries.answers(session, [asked.id for asked in asks])
    return [
        AskOut(
            id=asked.id,
            asked_on=asked.valid_on,
            by=asked.by,
            reason=asked.reason,
            answers=[
                AnswerOut(asked_at=request.asked_at, partner=name, answer=request.answer or "")
                for request, name in answers.get(asked.id, [])
            ],
        )
        for asked in asks
    ]


def answer(
    session: WriteSession, actor: Actor, request: ContactRequest, event: RequestEvent, text: str
) -> ContactRequest:
    """Open contact, or decline; declining tells the asker nothing."""
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
    session.flush()  # the reply carries the new version
    return request


def request_replies(session: Session, requests: Sequence[ContactRequest]) -> list[RequestOut]:
    people = session.execute(
        select(Jobseeker.id, Jobseeker.reference).where(Jobseeker.id.in_([one.jobseeker_id for one in requests]))
    )
    references = {row.id: row.reference for row in people}
    rows = session.execute(
        select(Organisation.id, Organisation.name).where(Organisation.id.in_([one.asking_id for one in requests]))
    )
    names = {row.id: row.name for row in rows}
    return [
        RequestOut(
            id=one.id,
            jobseeker_id=one.jobseeker_id,
            jobseeker_reference=references[one.jobseeker_id],
            asking=names[one.asking_id],
            asked_at=one.asked_at,
            because=one.because,
            state=one.state,
            answer=one.answer,
            possible_events=[event.value for event in possible_events(REQUEST_MOVES, one.state)],
            version=one.version,
        )
        for one in requests
    ]
