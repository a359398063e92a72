"""The pages on which caseworkers find a person: the list with its filters, and the search."""

from dataclasses import dataclass
from datetime import date
from gettext import gettext as _
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy import func, select

from pathways.access.guards import DatabaseDep
from pathways.access.models import User
from pathways.access.permissions import Permission
from pathways.base import Actor, Role
from pathways.database import Session
from pathways.drafts import actions as drafts
from pathways.jobseekers import queries, search
from pathways.jobseekers.models import Contact, Jobseeker, JobseekerDetails, JobseekerState
from pathways.jobseekers.search_schemas import SearchBody
from pathways.organisations.models import Membership
from pathways.pages.forms import first
from pathways.pages.teams import caseworkers
from pathways.pages.today import most_pressing
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, show, typed_before
from pathways.support import worklist
from pathways.support.schemas import WorklistItem
from pathways.support.waiting import Cases

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/people")
Reader = Annotated[Visitor, allowed(Permission.JOBSEEKER_READ)]
ROWS = 25
FOUND = "/people/found"
S = JobseekerState
STATES = {S.REFERRED: "Referred", S.OPEN: "Open", S.CLOSED: "Closed"}
SORTS = {"name": "Name", "newest": "Newest first"}


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One person in the list: name, reference, state, what is due next, last contact and caseworker."""

    reference: str
    name: str
    state: JobseekerState
    is_restricted: bool
    caseworker: str
    contacted_on: date | None
    due: WorklistItem | None


def person_lines(session: Session, actor: Actor, rows: list[Any]) -> list[PersonLine]:
    """Return people as lines of the list. A fixed number of queries reads what all of them need."""
    ids = [row.id for row in rows]
    actor.reading.people.update(ids)
    contacts = select(Contact.jobseeker_id, func.max(Contact.valid_on).label("on")).where(
        Contact.partner_id == actor.organisation_id, Contact.jobseeker_id.in_(ids), ~Contact.is_withdrawal
    )
    contacted = {row.jobseeker_id: row.on for row in session.execute(contacts.group_by(Contact.jobseeker_id))}
    workers = {row.caseworker_id for row in rows if row.caseworker_id is not None}
    named = select(Membership.id, User.name).join(User, User.id == Membership.user_id).where(Membership.id.in_(workers))
    names = {row.id: row.name for row in session.execute(named)}
    waits: dict[UUID, list[WorklistItem]] = {}
    for item in worklist.items_of(session, actor, Cases(actor.organisation_id, tuple(ids))) if ids else ():
        waits.setdefault(item.jobseeker_id, []).append(item)
    due = {jobseeker_id: most_pressing(items) for jobseeker_id, items in waits.items()}
    return [
        PersonLine(
            row.reference,
            " ".join(filter(None, (row.given_name, row.family_name))) or row.reference,
            row.state,
            row.is_restricted,
            names.get(row.caseworker_id, ""),
            contacted.get(row.id),
            due.get(row.id),
        )
        for row in rows
    ]


def _caseload(actor: Actor, whose: str) -> UUID | None:
    """Return the membership of the caseworker whose people are listed; None for everybody's."""
    if whose == "mine":
        return actor.membership_id
    try:
        return UUID(whose)
    except ValueError:
        return None


@router.get("")
def list_people(
    request: Request,
    visitor: Reader,
    database: DatabaseDep,
    state: Annotated[str, Query(max_length=20)] = "open",
    whose: Annotated[str, Query(max_length=36)] = "",
    sort: Annotated[str, Query(max_length=10)] = "name",
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> Response:
    """List the people whom the visitor may see: their own caseload first."""
    actor = visitor.actor
    chosen = next((one for one in STATES if one.value == state), None)
    whose = whose or ("all" if actor.role is Role.TEAM_MANAGER else "mine")
    rows = queries.listed(actor, state=chosen, caseworker=_caseload(actor, whose))
    if whose == "nobody":
        rows = rows.where(Jobseeker.caseworker_id.is_(None))
    if sort == "newest":
        rows = rows.order_by(Jobseeker.id.desc())
    else:
        rows = rows.order_by(
            func.lower(JobseekerDetails.family_name), func.lower(JobseekerDetails.given_name), Jobseeker.id
        )
    with database.reading(actor) as session:
        # Only ids are sorted; the rest is read of the people on this page.
        narrow = rows.with_only_columns(Jobseeker.id).limit(ROWS + 1).offset((page - 1) * ROWS)
        found = list(session.scalars(narrow))
        team = [one for one in caseworkers(session, actor) if one.value != str(actor.membership_id)]
        by_id = {row.id: row for row in session.execute(queries.listed(actor).where(Jobseeker.id.in_(found[:ROWS])))}
        lines = person_lines(session, actor, [by_id[one] for one in found[:ROWS] if one in by_id])
    return show(
        request,
        visitor,
        "people/list",
        "People",
        lines=lines,
        states=STATES,
        sorts=SORTS,
        whose_options=[("mine", _("Me")), ("all", _("Everybody")), ("nobody", _("Nobody yet"))]
        + [(one.value, one.text) for one in team],
        filters={"state": state, "whose": whose, "sort": sort},
        page_number=page,
        has_more=len(found) > ROWS,
        text="",
    )


@router.post("/search")
def find(visitor: Reader, database: DatabaseDep, typed: TypedDep) -> Response:
    """Keep what was searched for with the visitor, and show what is found. So no name stands in an address."""
    text = first(typed, "text")[:300]
    with database.writing(visitor.actor) as session:
        drafts.save(session, visitor.membership_id, FOUND, {"text": [text]}, visitor.actor.at)
    return go(FOUND)


@router.get("/found")
def found(request: Request, visitor: Reader, database: DatabaseDep) -> Response:
    """Show the people that the last search finds, the likeliest first."""
    actor = visitor.actor
    text = first(typed_before(database, visitor, FOUND) or {}, "text")
    notes: list[str] = []
    hits: list[Any] = []
    if text:
        try:
            wanted = SearchBody(text=text)
        except ValidationError:
            wanted, notes = None, ["This text cannot be searched for. Write it on one line."]
        if wanted is not None:
            with database.reading(actor) as session:
                matches = search.search(session, actor, wanted)
                hits, notes = search.hits(session, matches[:ROWS]), search.notes(wanted, matches)
            actor.reading.people.update(hit.jobseeker_id for hit in hits)
    return show(request, visitor, "people/found", "People found", hits=hits, notes=notes, text=text)
