"""The pages on which it is recorded what a person lets whom read, and from whom they are kept away."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import select

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.database import Database, Session
from pathways.errors import DomainError
from pathways.fields import SHAREABLE_IN_WORDS
from pathways.introductions import queries as introduction_queries
from pathways.introductions.models import OPEN, Introduction, IntroductionState
from pathways.jobseekers import exclusions, queries
from pathways.jobseekers.models import ExclusionKind, Jobseeker, SafetyExclusion, SharingPermission
from pathways.jobseekers.schemas import NewPermission, NewSafetyExclusion, ReasonBody
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.pages.forms import Faults, FormQuestion, Option, body_of, faults_of, first, options, values_of
from pathways.pages.person import PersonForm, find, head, person_form, person_page
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of
from pathways.protection import actions as protection

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/people")
Reader = Annotated[Visitor, allowed(Permission.PERMISSION_READ)]
Recorder = Annotated[Visitor, allowed(Permission.PERMISSION_RECORD)]
SafetyRecorder = Annotated[Visitor, allowed(Permission.SAFETY_RECORD)]
MOST_ORGANISATIONS = 500
KINDS = {
    ExclusionKind.ORGANISATION: "An organisation",
    ExclusionKind.PERSON: "A person",
    ExclusionKind.AREA: "An area",
}
WITHDRAWAL = (
    FormQuestion(
        "how",
        "text",
        "How did the jobseeker say so?",
        "It works at once: open introductions there are stopped, and nothing more can be read.",
        missing="Say how the jobseeker said so, such as: by telephone",
    ),
)
LONGEST_REASON = 500  # characters
REASON = (FormQuestion("reason", "text", "Why?", missing="Say why, in at least three words"),)


def _organisations(session: Session, person: Jobseeker) -> tuple[Option, ...]:
    """Return the social enterprises that a permission may name: those with an open introduction first."""
    rows = session.execute(
        select(Organisation.id, Organisation.name)
        .where(Organisation.kind == OrganisationKind.SOCIAL_ENTERPRISE)
        .order_by(Organisation.name)
        .limit(MOST_ORGANISATIONS)
    ).all()
    live = set(
        session.scalars(
            select(Introduction.social_enterprise_id).where(
                Introduction.partner_id == person.partner_id,
                Introduction.jobseeker_id == person.id,
                Introduction.state.in_([*OPEN, IntroductionState.STARTED]),
            )
        )
    )
    ordered = sorted(rows, key=lambda row: (row.id not in live, row.name.casefold()))
    return tuple(Option(str(row.id), row.name) for row in ordered)


def _permission_questions(organisations: tuple[Option, ...]) -> tuple[FormQuestion, ...]:
    return (
        FormQuestion("social_enterprise_id", "select", "Which social enterprise?", options=organisations,
                     missing="Choose a social enterprise"),
        FormQuestion("groups", "several", "What may it read?", options=options(SHAREABLE_IN_WORDS),
                     missing="Choose what it may read"),
        FormQuestion("how_given", "text", "How did the jobseeker agree?", "Such as: in person, on a signed form.",
                     missing="Say how the jobseeker agreed"),
    )  # fmt: skip


def _exclusion_questions(organisations: tuple[Option, ...]) -> tuple[FormQuestion, ...]:
    return (
        FormQuestion("kind", "one", "Who or what must the person be kept away from?", options=options(KINDS),
                     missing="Choose one"),
        FormQuestion("social_enterprise_id", "select", "Which organisation?", "Only for an organisation.",
                     options=organisations),
        FormQuestion("who", "text", "Which person?", "Only for a person: the name, the e-mail address, or both."),
        FormQuestion("postcode", "text", "Around which postcode?", "Only for an area: the full postcode.", width="10"),
        FormQuestion("radius_km", "number", "How far around it?", "Only for an area.", width="4", suffix="km"),
        FormQuestion("reason", "long", "Why?", "Only caseworkers read it.", missing="Say why, in at least three words",
                     rows=2),
    )  # fmt: skip


def _page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
    form: str = "",
) -> Response:
    actor = visitor.actor
    with database.reading(actor, newest=True) as session:
        person = find(session, actor, reference)
        top = head(session, actor, person)
        organisations = _organisations(session, person)
        names = {one.value: one.text for one in organisations}
        rows = session.scalars(queries.facts_about(SharingPermission, person)).all()
        shared = [
            (
                row,
                names.get(str(row.social_enterprise_id), ""),
                [text for group, text in SHAREABLE_IN_WORDS.items() if group in row.groups],
            )
            for row in rows
            if row.is_granted
        ]
        kept_away = [
            exclusions.exclusion_reply(session, actor, person, row)
            for row in session.scalars(queries.facts_about(SafetyExclusion, person))
        ]
        stopped = protection.stopped_so_far(session, person)
    questions = (*_permission_questions(organisations), *_exclusion_questions(organisations))
    return person_page(
        request,
        visitor,
        top,
        "person/sharing",
        "Sharing and safety",
        shared=shared,
        kept_away=kept_away,
        names=names,
        kinds=KINDS,
        stopped=stopped,
        permission_questions=_permission_questions(organisations),
        exclusion_questions={one.name: one for one in _exclusion_questions(organisations)},
        form=form,
        typed=typed or {},
        faults=faults.by_field if faults else {},
        errors=faults.summary(questions) if faults else (),
        status=422 if faults else 200,
    )


@router.get("/{reference}/sharing")
def sharing(
    reference: str,
    request: Request,
    visitor: Reader,
    database: DatabaseDep,
    introduction: UUID | None = None,
) -> Response:
    """Show what the person lets whom read, and from whom they are kept away.

    For an introduction that cannot be sent without a permission, the form names its social enterprise already.
    """
    if introduction is None:
        return _page(request, visitor, database, reference)
    with database.reading(visitor.actor) as session:
        row = introduction_queries.introduction(session, visitor.actor, introduction)
        enterprise = str(row.social_enterprise_id)
    typed = {"social_enterprise_id": [enterprise], "introduction": [str(introduction)], "groups": ["identity", "work"]}
    return _page(request, visitor, database, reference, typed, form="permission")


@router.post("/{reference}/sharing")
def grant(reference: str, request: Request, visitor: Recorder, database: DatabaseDep, typed: TypedDep) -> Response:
    """Record that a social enterprise may read parts of the record. It works at once."""
    actor = visitor.actor
    try:
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            body = body_of(NewPermission, _permission_questions(_organisations(session, person)), typed)
            once_of(request, typed)(
                session,
                actor,
                lambda: protection.grant(session, actor, person, body),
                lambda made: session.get_one(SharingPermission, made),
            )
    except Faults as faults:
        return _page(request, visitor, database, reference, typed, faults, "permission")
    except DomainError as refused:
        return _page(request, visitor, database, reference, typed, faults_of(refused, ()), "permission")
    try:
        return go(f"/introductions/{UUID(first(typed, 'introduction'))}", "shared_to_send")
    except ValueError:  # the permission was recorded for no introduction in particular
        return go(f"/people/{reference}/sharing", "shared")


@router.get("/{reference}/sharing/{permission_id:uuid}/withdraw")
def ask_withdrawal(
    reference: str, permission_id: UUID, request: Request, visitor: Recorder, database: DatabaseDep
) -> Response:
    """Ask whether the person no longer lets a social enterprise read, and say what that does."""
    return _withdrawal_page(request, visitor, database, reference, permission_id, {})


def _withdrawal_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    permission_id: UUID,
    typed: Mapping[str, Any],
    faults: Faults | None = None,
) -> Response:
    with database.reading(visitor.actor) as session:
        person = find(session, visitor.actor, reference)
        row = queries.fact(session, SharingPermission, person, permission_id)
        enterprise = session.get_one(Organisation, row.social_enterprise_id).name
    form = PersonForm("Withdraw a permission", WITHDRAWAL, typed, faults, enterprise, "Withdraw it")
    return person_form(request, visitor, database, reference, form)


@router.post("/{reference}/sharing/{permission_id:uuid}/withdraw")
def withdraw(
    reference: str, permission_id: UUID, request: Request, visitor: Recorder, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Record that the person no longer lets a social enterprise read. It works at once."""
    actor = visitor.actor
    try:
        how = values_of(WITHDRAWAL, typed)["how"]
        reason = f"Withdrawn by the jobseeker: {how}"[:LONGEST_REASON]
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            row = queries.fact(session, SharingPermission, person, permission_id)
            protection.revoke(session, actor, person, row, reason)
    except Faults as faults:
        return _withdrawal_page(request, visitor, database, reference, permission_id, typed, faults)
    except DomainError as refused:
        return _page(request, visitor, database, reference, typed, faults_of(refused, ()))
    return go(f"/people/{reference}/sharing", "unshared")


@router.post("/{reference}/exclusions")
def exclude(
    reference: str, request: Request, visitor: SafetyRecorder, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Record from whom or what the person is kept away. It acts at once on everything under way."""
    actor = visitor.actor
    try:
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            questions = _exclusion_questions(_organisations(session, person))
            body = body_of(NewSafetyExclusion, questions, typed)
            once_of(request, typed)(
                session,
                actor,
                lambda: protection.exclude(session, actor, person, body),
                lambda made: session.get_one(SafetyExclusion, made),
            )
    except Faults as faults:
        return _page(request, visitor, database, reference, typed, faults, "exclusion")
    except DomainError as refused:
        return _page(request, visitor, database, reference, typed, faults_of(refused, ()), "exclusion")
    return go(f"/people/{reference}/sharing", "excluded")


@router.post("/{reference}/exclusions/{exclusion_id:uuid}/withdraw")
def withdraw_exclusion(
    reference: str,
    exclusion_id: UUID,
    request: Request,
    visitor: SafetyRecorder,
    database: DatabaseDep,
    typed: TypedDep,
) -> Response:
    """Withdraw an exclusion, with the reason why the danger is over."""
    actor = visitor.actor
    try:
        reason = body_of(ReasonBody, REASON, typed).reason
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            row = queries.fact(session, SafetyExclusion, person, exclusion_id)
            protection.withdraw_exclusion(session, actor, person, row, reason)
    except Faults as faults:
        return _page(request, visitor, database, reference, typed, faults)
    except DomainError as refused:
        return _page(request, visitor, database, reference, typed, faults_of(refused, REASON))
    return go(f"/people/{reference}/sharing", "exclusion_withdrawn")
