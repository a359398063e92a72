"""The page with the evidence that waits for somebody else's check."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import select

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.jobseekers.models import Jobseeker
from pathways.pages.today import caseload_options, chosen_caseload, names, scope, unchecked
from pathways.pages.visitors import PageRoute, Visitor, allowed, show
from pathways.pages.work import EVIDENCE_KINDS
from pathways.progression import evidence as evidence_actions

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Checker = Annotated[Visitor, allowed(Permission.EVIDENCE_CHECK)]
ROWS = 50


@router.get("/evidence")
def to_check(
    request: Request, visitor: Checker, database: DatabaseDep, whose: Annotated[str, Query(max_length=36)] = ""
) -> Response:
    """List the evidence that the visitor may check, with a link to the person's work."""
    actor = visitor.actor
    with database.reading(actor) as session:
        whose = chosen_caseload(caseload_options(session, actor), whose)
        rows = unchecked(actor, scope(session, actor, whose)).limit(ROWS)
        items = evidence_actions.evidence_replies(session, actor, session.scalars(rows).all())
        ids = {item.jobseeker_id for item in items}
        known = names(session, actor, ids)
        pairs = session.execute(select(Jobseeker.id, Jobseeker.reference).where(Jobseeker.id.in_(ids)))
        references = {row.id: row.reference for row in pairs}
    return show(
        request,
        visitor,
        "today/evidence",
        "Evidence to check",
        items=items,
        names=known,
        references=references,
        kinds=EVIDENCE_KINDS,
    )
