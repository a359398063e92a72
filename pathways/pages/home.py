"""The first page after signing in: for each role, what waits for an answer or can be done now."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep
from pathways.base import Role
from pathways.database import Database
from pathways.pages import enterprise, members, referrals, today
from pathways.pages.visitors import AnyVisitor, PageRoute, Visitor, show

router = APIRouter(include_in_schema=False, route_class=PageRoute)
FirstPage = Callable[[Request, Visitor, Database], Response]
FIRST_PAGE: Mapping[Role, FirstPage] = {
    Role.ADMINISTRATOR: members.first_page,
    Role.OPERATOR: members.first_page,
    Role.PLACEMENT_LISTER: enterprise.first_page,
    Role.CASEWORKER: today.first_page,
    Role.TEAM_MANAGER: today.first_page,
    Role.REFERRER: referrals.first_page,
}


def _without_pages(request: Request, visitor: Visitor, _: Database) -> Response:
    return show(request, visitor, "home/no_pages", "Welcome")


@router.get("/")
def home(request: Request, visitor: AnyVisitor, database: DatabaseDep) -> Response:
    """Show the first page of the visitor's role."""
    return FIRST_PAGE.get(visitor.actor.role, _without_pages)(request, visitor, database)
