"""The page on which a manager changes the caseworker of a person."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Database, Session
from pathways.enrolments import actions, queries
from pathways.enrolments.schemas import Assignment
from pathways.errors import Conflict, DomainError
from pathways.pages.forms import Faults, FormQuestion, body_of, faults_of
from pathways.pages.person import PersonForm, find, person_form, today_in
from pathways.pages.teams import caseworkers
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/people")
Assigner = Annotated[Visitor, allowed(Permission.ENROLMENT_ASSIGN)]
NO_PROGRAMME = (
    "The person is on no programme, so nobody can be their caseworker. Accept a referral and enrol them first."
)


def _questions(session: Session, actor: Actor) -> tuple[FormQuestion, ...]:
    return (
        FormQuestion(
            "caseworker_id",
            "select",
            "Who works with the person from now on?",
            options=caseworkers(session, actor),
            missing="Choose who works with the person",
        ),
        FormQuestion("valid_on", "day", "From which day?", missing="Enter the day"),
    )


def _page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    typed: Mapping[str, Any],
    faults: Faults | None = None,
) -> Response:
    with database.reading(visitor.actor) as session:
        person = find(session, visitor.actor, reference)
        if queries.open_enrolment(session, person) is None:
            raise Conflict(NO_PROGRAMME)
        questions = _questions(session, visitor.actor)
    form = PersonForm("Change the caseworker", questions, typed, faults, button="Change it")
    return person_form(request, visitor, database, reference, form)


@router.get("/{reference}/caseworker")
def ask(reference: str, request: Request, visitor: Assigner, database: DatabaseDep) -> Response:
    """Ask who works with a person from now on."""
    return _page(request, visitor, database, reference, today_in(visitor, "valid_on"))


@router.post("/{reference}/caseworker")
def change(reference: str, request: Request, visitor: Assigner, database: DatabaseDep, typed: TypedDep) -> Response:
    """Change the caseworker of a person on a programme."""
    actor = visitor.actor
    with database.reading(actor) as session:
        questions = _questions(session, actor)
    try:
        new = body_of(Assignment, questions, typed)
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            enrolment = queries.open_enrolment(session, person)
            if enrolment is None:
                raise Conflict(NO_PROGRAMME)
            once_of(request, typed)(
                session,
                actor,
                lambda: actions.assign(session, actor, enrolment, new),
                lambda made: queries.enrolment(session, actor, made),
            )
    except Faults as faults:
        return _page(request, visitor, database, reference, typed, faults)
    except DomainError as refused:
        return _page(request, visitor, database, reference, typed, faults_of(refused, questions))
    return go(f"/people/{reference}", "caseworker_changed")
