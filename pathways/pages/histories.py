"""The pages with what happened to a person, who opened the record, and the sheet for a handover."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import select

from pathways.access.guards import DatabaseDep
from pathways.access.models import User
from pathways.access.permissions import Permission
from pathways.audit import AuditRow
from pathways.base import Actor
from pathways.casefile import actions, merging
from pathways.database import Session
from pathways.enrolments import queries as enrolment_queries
from pathways.errors import DomainError
from pathways.introductions import queries as introduction_queries
from pathways.introductions.models import OPEN, IntroductionState
from pathways.jobseekers import exclusions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Contact, SafetyExclusion
from pathways.jobseekers.personal_data import contact_reply
from pathways.organisations import queries as organisation_queries
from pathways.organisations.models import Organisation
from pathways.pages.enterprise import lines as introduction_lines
from pathways.pages.introduction_words import STATES_OF_PARTNER
from pathways.pages.person import due, find, head, latest_profile, person_page, readiness
from pathways.pages.person_questions import PROFILE_STEPS
from pathways.pages.sharing import KINDS
from pathways.pages.steps import in_words
from pathways.pages.support import BARRIERS, CAME_OF_IT, HOW, WITH
from pathways.pages.visitors import PageRoute, Visitor, allowed
from pathways.pagination import PageRequest
from pathways.support import actions as support_actions
from pathways.support import queries as support_queries

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/people")
Reader = Annotated[Visitor, allowed(Permission.JOBSEEKER_READ)]
ROWS = 100


def _names(session: Session, actor: Actor, ids: set[UUID]) -> dict[UUID, str]:
    """Return the names of the members of the actor's organisation among some users. Others stay unnamed."""
    users = session.scalars(organisation_queries.users_visible_to(actor).where(User.id.in_(ids)))
    return {user.id: user.name for user in users}


def _page_after(after: str | None) -> PageRequest:
    """Return which page of the timeline is meant; the first, if the address was changed by hand."""
    wanted = PageRequest.model_validate({"after": after, "limit": ROWS} if after else {"limit": ROWS})
    try:
        wanted.after_id()
    except DomainError:
        return PageRequest(limit=ROWS)
    return wanted


@router.get("/{reference}/history")
def history(
    reference: str, request: Request, visitor: Reader, database: DatabaseDep, after: str | None = None
) -> Response:
    """Show what happened to a person, newest first, and, to a manager, who opened the record."""
    actor = visitor.actor
    with database.reading(actor) as session:
        person = find(session, actor, reference)
        top = head(session, actor, person)
        page = actions.timeline(session, request.app.state.holdings, person, _page_after(after), newest_first=True)
        opened = []
        if visitor.may(Permission.ACCESS_LOG_READ):
            rows = actions.access_log(session, person.id).order_by(None).order_by(AuditRow.id.desc()).limit(ROWS)
            opened = list(session.scalars(rows))
        merges = []
        if visitor.may(Permission.JOBSEEKER_MERGE):
            merges = merging.replies(session, actor, session.scalars(jobseeker_queries.merges_into(person)).all())
        known = _names(session, actor, {entry.by for entry in page.items if entry.by} | {row.by for row in opened})
    return person_page(
        request, visitor, top, "person/history", "History", timeline=page, opened=opened, names=known, merges=merges
    )


@router.get("/{reference}/handover")
def handover(reference: str, request: Request, visitor: Reader, database: DatabaseDep) -> Response:
    """Show one sheet to print for the caseworker who takes over."""
    actor = visitor.actor
    may_read_support = visitor.may(Permission.SUPPORT_READ)
    with database.reading(actor) as session:
        person = find(session, actor, reference)
        waits = due(session, actor, person)
        top = head(session, actor, person, waits)
        latest = latest_profile(session, actor, person)
        live = introduction_queries.in_states(session, person, (*OPEN, IntroductionState.STARTED))
        rows = jobseeker_queries.facts_about(Contact, person).order_by(None)
        contacts = session.scalars(rows.order_by(Contact.valid_on.desc(), Contact.id.desc()).limit(5)).all()
        enrolment = enrolment_queries.open_enrolment(session, person)
        plan = support_queries.plan_of(session, enrolment) if enrolment and may_read_support else None
        barriers = session.scalars(support_queries.barriers(person)).all() if may_read_support else []
        exclusions_now = session.scalars(jobseeker_queries.facts_about(SafetyExclusion, person)).all()
        kept_ids = [row.social_enterprise_id for row in exclusions_now if row.social_enterprise_id]
        named = select(Organisation.id, Organisation.name).where(Organisation.id.in_(kept_ids))
        values = {
            "enterprises": {row.id: row.name for row in session.execute(named)},
            "plan": support_actions.plan_reply(actor, person, plan) if plan else None,
            "barriers": [support_actions.barrier_reply(actor, person, row) for row in barriers if not row.closed_on],
            "kept_away": [exclusions.exclusion_reply(session, actor, person, row) for row in exclusions_now]
            if visitor.may(Permission.PERMISSION_READ)
            else [],
            "waits": waits,
            "readiness": readiness(top.shown, latest),
            "introductions": introduction_lines(session, actor, live),
            "contacts": [contact_reply(actor, person, row) for row in contacts],
        }
    questions = [question for step in PROFILE_STEPS for question in step.questions]
    return person_page(
        request,
        visitor,
        top,
        "person/handover",
        "Handover sheet",
        questions=questions,
        said=in_words(questions, latest.model_dump() if latest else {}),
        states=STATES_OF_PARTNER,
        words={"with": WITH, "how": HOW, "outcome": CAME_OF_IT, "barrier": BARRIERS},
        kinds=KINDS,
        today=actor.today,
        **values,
    )
