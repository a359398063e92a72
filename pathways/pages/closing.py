"""The page on which a case is closed, with what that ends."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.casefile import actions
from pathways.database import Database
from pathways.enrolments.models import EndReason
from pathways.enrolments.schemas import Closing
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


def _page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    typed: Mapping[str, Any],
    faults: Faults | None = None,
) -> Response:
    form = PersonForm("Close the case", QUESTIONS, typed, faults)
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
