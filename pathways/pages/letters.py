"""The addresses in letters that name a record by its id: each leads to the page on which the record is shown."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import select

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.claims.models import Claim
from pathways.enrolments.models import Enrolment
from pathways.errors import NotFound
from pathways.jobseekers import queries
from pathways.jobseekers.models import Jobseeker
from pathways.pages.visitors import AnyVisitor, PageRoute, go
from pathways.progression.models import Spell
from pathways.support.models import CheckIn

router = APIRouter(include_in_schema=False, route_class=PageRoute)
# By the kind of record in the address: its table, and which page about the person shows it.
ABOUT_PEOPLE: Mapping[str, tuple[Any, str]] = {
    "jobseekers": (Jobseeker, ""),
    "enrolments": (Enrolment, ""),
    "spells": (Spell, "/work"),
    "check-ins": (CheckIn, "/work"),
    "claims": (Claim, "/claims/{id}"),
}

OF_NO_PERSON = frozenset({"keys", "account", "sign-in"})


@router.get("/{kind}/{record_id:uuid}")
def open_record(kind: str, record_id: UUID, visitor: AnyVisitor, database: DatabaseDep) -> Response:
    """Go to the page of the person whom a record is about, if the visitor may see them; else to the first page."""
    if kind not in {*ABOUT_PEOPLE, *OF_NO_PERSON}:
        raise NotFound("There is no such page. Go to the first page.")
    if kind in OF_NO_PERSON or not visitor.may(Permission.JOBSEEKER_READ):
        return go("/")
    model, tab = ABOUT_PEOPLE[kind]
    person_id = Jobseeker.id if model is Jobseeker else model.jobseeker_id
    wanted = select(person_id).where(model.id == record_id)
    with database.reading(visitor.actor) as session:
        rows = queries.visible_to(visitor.actor).where(Jobseeker.id.in_(wanted)).with_only_columns(Jobseeker.reference)
        reference = session.scalars(rows).first()
    return go(f"/people/{reference}{tab.format(id=record_id)}" if reference else "/")
