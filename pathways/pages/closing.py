"""The pages on which a case is closed, with what that ends, and opened again."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.casefile import actions
from pathways.database import Database
from pathways.enrolments import actions as enrolment_actions
from pathways.enrolments import queries as enrolment_queries
from pathways.enrolments.models import EndReason
from pathways.enrolments.schemas import Closing, Reopening
from pathways.errors import DomainError
from pathways.jobseekers import queries as jobseeker_queries
from pathways.pages.forms import Faults, FormQuestion, body_of, faults_of, options
from pathways.pages.person import PersonForm, find, person_form, today_in
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of, typed_before

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/people")
Closer = Annotated[Visitor, allowed(Permission.JOBSEEKER_CLOSE)]
ENDS = {
    EndReason.COMPLETED: "They completed the programme",
    EndReason.COMPLETED_EARLY: "They completed it early",
    EndReason.IN_WORK: "They are in work",
    EndReason.MOVED_AWAY: "They moved away",
    EndReason.HEALTH: "Their health",
    EndReason.DISENGAGED: "They no longer came",
    EndReason.WITHDREW: "They withdrew",
    EndReason.TRANSFERRED: "They went to another service",
    EndReason.DIED: "They died",
    EndReason.RECORDED_BY_MISTAKE: "The record was made by mistake",
}
QUESTIONS = (
    FormQuestion("end_reason", "one", "Why does it end?", options=options(ENDS), missing="Choose why it ends"),
    FormQuestion("closed_on", "day", "On which day?", missing="Enter the day"),
    FormQuestion(
        "without_spell_because",
        "text",
        "If they are in work and no work is recorded: why not?",
        "Such as: they do not want to say where.",
    ),
    FormQuestion(
        "reason",
        "long",
        "What should the next person know?",
        "Open introductions are withdrawn, and the programme ends. The case can be opened again.",
        missing="Say in at least three words why the case closes",
        rows=2,
    ),
)


REASON = FormQuestion(
    "reason",
    "text",
    "Why is the case opened again?",
    missing="Say in at least three words why the case is opened again",
)
RESUMES = FormQuestion(
    "resume_enrolment",
    "yes_no",
    "Does the programme continue?",
    "Yes: its end was a mistake, and it continues. No: the case opens without a programme.",
    missing="Say whether the programme continues",
)


def _page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    typed: Mapping[str, Any],
    faults: Faults | None = None,
) -> Response:
    form = PersonForm("Close the case", QUESTIONS, typed, faults, button="Close the case")
    return person_form(request, visitor, database, reference, form)


def _reopening_questions(visitor: Visitor, database: Database, reference: str) -> tuple[FormQuestion, ...]:
    """Return the questions about a case that is opened again: about the programme only if there was one."""
    with database.reading(visitor.actor) as session:
        last = enrolment_queries.last_enrolment(session, find(session, visitor.actor, reference))
    return (REASON,) if last is None else (REASON, RESUMES)


def _reopening_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    typed: Mapping[str, Any],
    faults: Faults | None = None,
) -> Response:
    questions = _reopening_questions(visitor, database, reference)
    form = PersonForm("Open the case again", questions, typed, faults, button="Open it again")
    return person_form(request, visitor, database, reference, form)


@router.get("/{reference}/close")
def ask(reference: str, request: Request, visitor: Closer, database: DatabaseDep) -> Response:
    """Ask why the case closes."""
    kept = typed_before(database, visitor, request.url.path)
    return _page(request, visitor, database, reference, kept or today_in(visitor, "closed_on"))


@router.post("/{reference}/close")
def close(reference: str, request: Request, visitor: Closer, database: DatabaseDep, typed: TypedDep) -> Response:
    """Close the case: open introductions are withdrawn, and the enrolment ends."""
    actor, state = visitor.actor, request.app.state
    try:
        closing = body_of(Closing, QUESTIONS, typed)
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            once_of(request, typed)(
                session,
                actor,
                lambda: actions.close(session, actor, state.holdings, person, closing, state.stage_sources),
                lambda made: jobseeker_queries.jobseeker(session, actor, made),
            )
    except Faults as faults:
        return _page(request, visitor, database, reference, typed, faults)
    except DomainError as refused:
        return _page(request, visitor, database, reference, typed, faults_of(refused, QUESTIONS))
    return go(f"/people/{reference}", "case_closed")


@router.get("/{reference}/reopen")
def ask_reopening(reference: str, request: Request, visitor: Closer, database: DatabaseDep) -> Response:
    """Ask why a closed case is opened again."""
    return _reopening_page(
        request, visitor, database, reference, typed_before(database, visitor, request.url.path) or {}
    )


@router.post("/{reference}/reopen")
def reopen(reference: str, request: Request, visitor: Closer, database: DatabaseDep, typed: TypedDep) -> Response:
    """Open a closed case again, with its programme or without."""
    actor = visitor.actor
    questions = _reopening_questions(visitor, database, reference)
    try:
        reopening = body_of(Reopening, questions, typed)
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            once_of(request, typed)(
                session,
                actor,
                lambda: enrolment_actions.reopen_case(session, actor, person, reopening),
                lambda made: jobseeker_queries.jobseeker(session, actor, made),
            )
    except Faults as faults:
        return _reopening_page(request, visitor, database, reference, typed, faults)
    except DomainError as refused:
        return _reopening_page(request, visitor, database, reference, typed, faults_of(refused, questions))
    return go(f"/people/{reference}", "case_reopened")
