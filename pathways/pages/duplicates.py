"""The pages on which records that may be one person are compared side by side: same, different, or ask first."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.database import Database
from pathways.duplicates import actions, queries
from pathways.duplicates.models import DuplicatePair, PairEvent, PairState
from pathways.errors import DomainError
from pathways.jobseekers.schemas import ReasonBody
from pathways.pages.forms import Faults, FormQuestion, Option, body_of, faults_of, first
from pathways.pages.person import STATES
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, show

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/duplicates")
Reviewer = Annotated[Visitor, allowed(Permission.DUPLICATE_REVIEW)]
ROWS = 25
VERDICTS = (
    Option(
        PairEvent.SAME.value, "The same person", "Nothing is merged yet: a team manager merges the records afterwards."
    ),
    Option(PairEvent.DIFFERENT.value, "Two different people", "The pair is not proposed again."),
    Option(PairEvent.ASK.value, "I have to ask first", "Say below whom you ask, and what."),
)
REVIEW = (
    FormQuestion("event", "one", "Are they the same person?", options=VERDICTS, missing="Choose one of the answers"),
    FormQuestion("reason", "text", "Why?", "In at least three words.", missing="Say why, in at least three words"),
)
FIELDS = (
    ("given_name", "First names"),
    ("family_name", "Last name"),
    ("date_of_birth", "Date of birth"),
    ("nino", "NI number"),
    ("nhs_number", "NHS number"),
    ("phone", "Telephone"),
    ("email", "E-mail"),
    ("postcode", "Postcode"),
    ("state", "State of the case"),
)


@router.get("")
def list_pairs(request: Request, visitor: Reviewer, database: DatabaseDep) -> Response:
    """List the pairs that nobody has decided, the likeliest first."""
    actor = visitor.actor
    with database.reading(actor) as session:
        waiting = {PairState.OPEN, PairState.ASKED}
        if visitor.may(Permission.JOBSEEKER_MERGE):
            waiting.add(PairState.SAME)
        rows = queries.listed(actor, waiting)
        found = session.scalars(rows.order_by(DuplicatePair.probability.desc(), DuplicatePair.id).limit(ROWS)).all()
        pairs = actions.replies(session, actor, found)
        actor.reading.people.update(key for pair in found for key in (pair.jobseeker_id, pair.other_id))
    return show(request, visitor, "duplicates/list", "Perhaps the same person", pairs=pairs, fields=FIELDS)


def _pair_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    pair_id: UUID,
    typed: dict[str, list[str]] | None = None,
    faults: Faults | None = None,
) -> Response:
    actor = visitor.actor
    with database.reading(actor, newest=True) as session:
        pair = queries.pair(session, actor, pair_id)
        shown = actions.replies(session, actor, [pair])[0]
        actor.reading.people |= {pair.jobseeker_id, pair.other_id}
    return show(
        request,
        visitor,
        "duplicates/one",
        "Are these the same person?",
        422 if faults else 200,
        pair=shown,
        fields=FIELDS,
        states=STATES,
        questions=REVIEW if shown.possible_events else (),
        typed=typed or {},
        faults=faults.by_field if faults else {},
        errors=faults.summary(REVIEW) if faults else (),
    )


@router.get("/{pair_id:uuid}")
def get_pair(pair_id: UUID, request: Request, visitor: Reviewer, database: DatabaseDep) -> Response:
    """Show two records side by side."""
    return _pair_page(request, visitor, database, pair_id)


@router.post("/{pair_id:uuid}")
def review(pair_id: UUID, request: Request, visitor: Reviewer, database: DatabaseDep, typed: TypedDep) -> Response:
    """Record whether two records are of one person."""
    actor = visitor.actor
    try:
        event = first(typed, "event")
        reason = body_of(ReasonBody, REVIEW[1:], typed).reason
        if event not in {one.value for one in VERDICTS}:
            return _pair_page(request, visitor, database, pair_id, typed, Faults({"event": REVIEW[0].missing}))
        with database.writing(actor) as session:
            pair = queries.pair(session, actor, pair_id, for_update=True)
            actions.record_event(session, actor, pair, PairEvent(event), reason)
    except Faults as faults:
        return _pair_page(request, visitor, database, pair_id, typed, faults)
    except DomainError as refused:
        return _pair_page(request, visitor, database, pair_id, typed, faults_of(refused, REVIEW))
    if event == PairEvent.SAME.value and visitor.may(Permission.JOBSEEKER_MERGE):
        return go(f"/duplicates/{pair_id}/merge", "pair_reviewed")
    return go("/duplicates", "pair_reviewed")
