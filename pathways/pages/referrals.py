"""The pages of referrals: the partner accepts and enrols in one step; the referrer reads what became of it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import or_, select

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.base import Actor, Role
from pathways.database import Database, Session
from pathways.enrolments import actions as enrolment_actions
from pathways.enrolments import queries as enrolment_queries
from pathways.enrolments.schemas import NewEnrolment
from pathways.errors import DomainError
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.schemas import ReasonBody
from pathways.organisations.models import Organisation
from pathways.pages.forms import Faults, FormQuestion, Option, body_of, faults_of
from pathways.pages.person_questions import DETAILS_STEPS, PROFILE_STEPS, RIGHT_TO_WORK, WORDS
from pathways.pages.steps import Step
from pathways.pages.teams import caseworkers
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of, show
from pathways.programmes.models import Programme
from pathways.referrals import actions, progress, queries
from pathways.referrals.models import Referral, ReferralEvent, ReferralState, SourceType
from pathways.referrals.schemas import ReferralLine

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/referrals")
Reader = Annotated[Visitor, allowed(Permission.REFERRAL_READ)]
Accepter = Annotated[Visitor, allowed(Permission.REFERRAL_ACCEPT)]
Decliner = Annotated[Visitor, allowed(Permission.REFERRAL_DECLINE)]
Withdrawer = Annotated[Visitor, allowed(Permission.REFERRAL_WITHDRAW)]
ROWS = 25
S = ReferralState
SECTIONS = tuple(step for step in (*DETAILS_STEPS, *PROFILE_STEPS) if step is not WORDS)
STATES = {
    S.SUBMITTED: "New",
    S.ACKNOWLEDGED: "Acknowledged",
    S.ACCEPTED: "Accepted",
    S.DECLINED: "Declined",
    S.WITHDRAWN: "Withdrawn",
}
COLOURS = {S.SUBMITTED: "yellow", S.ACKNOWLEDGED: "light-blue", S.ACCEPTED: "green"}
SOURCES = {
    SourceType.JCP: "Job centre",
    SourceType.ASC: "Adult social care",
    SourceType.SELF: "Referred themselves",
    SourceType.HEALTH: "Health service",
    SourceType.VCSE: "Charity or community group",
    SourceType.EDU: "School or college",
    SourceType.PROBATION: "Probation",
}
REASON = (FormQuestion("reason", "text", "Why?", missing="Say why, in a few words"),)


def sources_of(request: Request) -> Sequence[Any]:
    """Return the functions that say what became of a person."""
    sources: Sequence[Any] = request.app.state.stage_sources
    return sources


def referral_lines(session: Session, request: Request, actor: Actor, rows: Sequence[Any]) -> list[ReferralLine]:
    """Return rows of the list of referrals with the fields that the actor may read."""
    nation = session.get_one(Organisation, actor.organisation_id).nation
    people = jobseeker_queries.cases(session, (row.jobseeker_id for row in rows))
    found = [actions.line_reply(actor, nation, row, people[row.jobseeker_id]) for row in rows]
    return list(progress.with_progress_of_lines(session, actor, found, sources_of(request)))


def list_page(
    request: Request, visitor: Visitor, database: Database, state: str, after: UUID | None, *, at: str
) -> Response:
    """Show a list of referrals, the newest first. ``at`` is the address of the list."""
    actor = visitor.actor
    chosen = next((one for one in STATES if one.value == state), None)
    rows = queries.listed(actor)
    if chosen is not None:
        rows = rows.where(Referral.state == chosen)
    if after is not None:
        rows = rows.where(Referral.id < after)
    with database.reading(actor) as session:
        found = session.execute(rows.order_by(Referral.id.desc()).limit(ROWS + 1)).all()
        items = referral_lines(session, request, actor, found[:ROWS])
    return show(
        request,
        visitor,
        "referrals/list",
        "People I referred" if actor.role is Role.REFERRER else "Referrals",
        items=items,
        states=STATES,
        colours=COLOURS,
        sources=SOURCES,
        chosen=chosen,
        at=at,
        next_after=items[-1].id if len(found) > ROWS else None,
    )


def first_page(request: Request, visitor: Visitor, database: Database) -> Response:
    """Show a referrer the people that their organisation referred, and what became of them."""
    after = request.query_params.get("after")
    try:
        last = UUID(after) if after else None
    except ValueError:
        last = None
    return list_page(request, visitor, database, request.query_params.get("state", ""), last, at="/")


@router.get("")
def list_referrals(
    request: Request,
    visitor: Reader,
    database: DatabaseDep,
    state: Annotated[str, Query(max_length=20)] = "",
    after: UUID | None = None,
) -> Response:
    """List the referrals that the visitor may see."""
    return list_page(request, visitor, database, state, after, at="/referrals")


def enrolling(session: Session, actor: Actor) -> tuple[FormQuestion, ...]:
    """Return what is asked to accept a referral and enrol the person."""
    programmes = session.scalars(
        select(Programme)
        .where(
            Programme.partner_id == actor.organisation_id,
            Programme.starts_on <= actor.today,
            or_(Programme.ends_on.is_(None), Programme.ends_on >= actor.today),
        )
        .order_by(Programme.name)
    ).all()
    return (
        FormQuestion(
            "programme_id",
            "one",
            "On which programme?",
            options=tuple(Option(str(one.id), one.name) for one in programmes),
            missing="Choose a programme",
        ),
        FormQuestion("started_on", "day", "First day on the programme", missing="Enter the first day"),
        FormQuestion("caseworker_id", "select", "Caseworker", options=caseworkers(session, actor)),
    )


def _changes(visitor: Visitor, state: ReferralState) -> tuple[Step, ...]:
    """Return the sections that a referrer can still correct. The partner corrects the person's record instead."""
    may = visitor.may(Permission.REFERRAL_CHANGE) and not visitor.is_caseworker
    return SECTIONS if may and state in {S.SUBMITTED, S.ACKNOWLEDGED} else ()


def _one(
    request: Request,
    visitor: Visitor,
    database: Database,
    referral_id: UUID,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
) -> Response:
    actor = visitor.actor
    with database.reading(actor, newest=True) as session:
        row = queries.referral(session, actor, referral_id)
        shown = progress.with_progress(session, actor, row, actions.reply(session, actor, row), sources_of(request))
        reference, to_enrol = "", False
        questions: tuple[FormQuestion, ...] = ()
        if visitor.is_caseworker:
            person = jobseeker_queries.jobseeker(session, actor, row.jobseeker_id)
            reference = person.reference
            is_enrolled = enrolment_queries.open_enrolment(session, person) is not None
            to_enrol = row.state in {S.SUBMITTED, S.ACKNOWLEDGED, S.ACCEPTED} and not is_enrolled
            questions = enrolling(session, actor) if to_enrol else ()
        actor.reading.people.add(row.jobseeker_id)
    today = actor.today
    start = {"started_on-day": [str(today.day)], "started_on-month": [str(today.month)]}
    start |= {"started_on-year": [str(today.year)]}
    if visitor.is_caseworker:
        start["caseworker_id"] = [str(visitor.membership_id)]
    if questions and len(questions[0].options) == 1:
        start["programme_id"] = [questions[0].options[0].value]
    return show(
        request,
        visitor,
        "referrals/one",
        "Referral",
        422 if faults else 200,
        referral=shown,
        reference=reference,
        to_enrol=to_enrol,
        questions=questions,
        changes=_changes(visitor, shown.state),
        right_to_work=RIGHT_TO_WORK,
        labels={question.name: question.text for step in DETAILS_STEPS for question in step.questions},
        state=STATES[shown.state],
        source=SOURCES.get(shown.source_type) if shown.source_type else "",
        typed=typed or start,
        faults=faults.by_field if faults else {},
        errors=faults.summary((*questions, *REASON)) if faults else (),
    )


@router.get("/{referral_id:uuid}")
def get_referral(referral_id: UUID, request: Request, visitor: Reader, database: DatabaseDep) -> Response:
    """Show one referral: what was said, what became of it, and what can be done."""
    return _one(request, visitor, database, referral_id)


@router.post("/{referral_id:uuid}/enrol")
def enrol(referral_id: UUID, request: Request, visitor: Accepter, database: DatabaseDep, typed: TypedDep) -> Response:
    """Accept a referral and enrol the person on a programme."""
    actor = visitor.actor
    with database.reading(actor) as session:
        questions = enrolling(session, actor)
    try:
        body = body_of(NewEnrolment, questions, typed, referral_id=referral_id, accept=True)
        with database.writing(actor) as session:
            once_of(request, typed)(
                session,
                actor,
                lambda: enrolment_actions.start(session, actor, body),
                lambda made: enrolment_queries.enrolment(session, actor, made),
            )
            row = queries.referral(session, actor, referral_id)
            reference = jobseeker_queries.jobseeker(session, actor, row.jobseeker_id).reference
    except Faults as faults:
        return _one(request, visitor, database, referral_id, typed, faults)
    except DomainError as refused:
        return _one(request, visitor, database, referral_id, typed, faults_of(refused, questions))
    return go(f"/people/{reference}", "enrolled")


@router.post("/{referral_id:uuid}/acknowledge")
def acknowledge(referral_id: UUID, visitor: Accepter, database: DatabaseDep) -> Response:
    """Acknowledge a referral, so that the referrer knows that it arrived."""
    return _moved(database, visitor, referral_id, ReferralEvent.ACKNOWLEDGE, "", "referral_acknowledged")


def _moved(
    database: Database, visitor: Visitor, referral_id: UUID, event: ReferralEvent, reason: str, done: str
) -> Response:
    with database.writing(visitor.actor) as session:
        row = queries.referral(session, visitor.actor, referral_id, for_update=True)
        actions.move(session, visitor.actor, row, event, reason=reason)
    return go(f"/referrals/{referral_id}", done)


def _with_reason(
    request: Request, visitor: Visitor, database: Database, referral_id: UUID, typed: Any, event: ReferralEvent
) -> Response:
    try:
        reason = body_of(ReasonBody, REASON, typed).reason
        return _moved(database, visitor, referral_id, event, reason, f"referral_{event.value}")
    except Faults as faults:
        return _one(request, visitor, database, referral_id, typed, faults)
    except DomainError as refused:
        return _one(request, visitor, database, referral_id, typed, faults_of(refused, REASON))


@router.post("/{referral_id:uuid}/decline")
def decline(referral_id: UUID, request: Request, visitor: Decliner, database: DatabaseDep, typed: TypedDep) -> Response:
    """Decline a referral. The referrer reads the reason."""
    return _with_reason(request, visitor, database, referral_id, typed, ReferralEvent.DECLINE)


@router.post("/{referral_id:uuid}/withdraw")
def withdraw(
    referral_id: UUID, request: Request, visitor: Withdrawer, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Withdraw a referral that was made by mistake or is no longer wanted."""
    return _with_reason(request, visitor, database, referral_id, typed, ReferralEvent.WITHDRAW)
