"""Keeps what somebody types as they go, and discards it when they say so."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from pathways.access.guards import DatabaseDep
from pathways.drafts import actions
from pathways.pages.shell import HEADERS
from pathways.pages.visitors import AnyVisitor, PageRoute, TypedDep, go, own_path

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/drafts")
FORM, LONGEST = "form", 300  # as long as the column


@router.post("")
def save(visitor: AnyVisitor, database: DatabaseDep, typed: TypedDep) -> Response:
    """Keep what is typed into a form now. The script of the page sends it while somebody types."""
    form = own_path((typed.pop(FORM, None) or ["/"])[0])[:LONGEST]
    with database.writing(None) as session:
        actions.save(session, visitor.membership_id, form, typed, visitor.actor.at)
    return JSONResponse({}, headers=HEADERS)


@router.post("/forget")
def forget(visitor: AnyVisitor, database: DatabaseDep, typed: TypedDep) -> Response:
    """Discard what was typed into a form, and show the form afresh."""
    form = own_path((typed.get(FORM) or ["/"])[0])[:LONGEST]
    with database.writing(None) as session:
        actions.forget(session, visitor.membership_id, form)
    return go(form, "discarded")
