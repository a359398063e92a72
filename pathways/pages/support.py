"""The pages about supporting a person: the action plan, barriers and contacts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Database, Session, WriteSession
from pathways.enrolments import queries as enrolment_queries
from pathways.errors import DomainError
from pathways.field_faults import sentence_of
from pathways.jobseekers import contacts
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Contact, ContactHow, ContactOutcome, ContactWith, Jobseeker
from pathways.jobseekers.personal_data import contact_reply
from pathways.jobseekers.schemas import NewContact
from pathways.pages.forms import Faults, FormQuestion, body_of, day_of, faults_of, first, options
from pathways.pages.person import PersonForm, find, head, person_form, person_page, today_in
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of, typed_before
from pathways.pages.words import plain
from pathways.support import actions, queries
from pathways.support.models import ActionPlan, BarrierKind
from pathways.support.schemas import ClosedOn, NewBarrier, NewPlan, PlanOut, StepOut

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/people")
Reader = Annotated[Visitor, allowed(Permission.SUPPORT_READ)]
Recorder = Annotated[Visitor, allowed(Permission.SUPPORT_RECORD)]
ContactRecorder = Annotated[Visitor, allowed(Permission.CONTACT_RECORD)]
ROWS = 20
STEPS = 4  # rows of the form for a plan that has fewer
MOST_STEPS = STEPS + 40
WITH = {
    ContactWith.JOBSEEKER: "The jobseeker",
    ContactWith.REFERRER: "The referrer",
    ContactWith.EMPLOYER: "An employer",
    ContactWith.SUPPORTER: "A supporter",
    ContactWith.OTHER: "Somebody else",
}
HOW = {
    ContactHow.FACE_TO_FACE: "Face to face",
    ContactHow.PHONE: "Telephone",
    ContactHow.VIDEO: "Video",
    ContactHow.TEXT: "Text message",
    ContactHow.EMAIL: "E-mail",
    ContactHow.LETTER: "Letter",
}
CAME_OF_IT = {
    ContactOutcome.SPOKE: "We spoke",
    ContactOutcome.LEFT_MESSAGE: "A message was left",
    ContactOutcome.NO_ANSWER: "Nobody answered",
    ContactOutcome.DID_NOT_ATTEND: "They did not come",
    ContactOutcome.CANCELLED: "It was cancelled",
}
BARRIERS = {kind: kind.value.replace("_", " ").capitalize() for kind in BarrierKind}
CONTACT = (
    FormQuestion("with_whom", "one", "With whom?", options=options(WITH), missing="Choose who the contact was with"),
    FormQuestion("how", "one", "How?", options=options(HOW), missing="Choose how you were in touch"),
    FormQuestion("outcome", "one", "What came of it?", options=options(CAME_OF_IT), missing="Choose what came of it"),
    FormQuestion("on", "day", "On which day?", missing="Enter the day"),
    FormQuestion("note", "long", "Note"),
)
BARRIER = (
    FormQuestion("kind", "select", "What is the barrier?", options=options(BARRIERS), missing="Choose what it is"),
    FormQuestion("opened_on", "day", "Since when is it known?", missing="Enter the day"),
    FormQuestion("note", "long", "Note", rows=2),
)


@dataclass(frozen=True, slots=True)
class PlanRow:
    """The fields of one step in the form of the plan, as they were typed or as they are recorded."""

    what: str
    by: str
    due: Mapping[str, str]
    done_on: date | None
    is_done: bool


NEW_ROW = PlanRow("", "jobseeker", {}, None, is_done=False)


def _recorded_row(step: StepOut) -> PlanRow:
    day = step.due_on
    due = {"day": str(day.day), "month": str(day.month), "year": str(day.year)} if day else {}
    return PlanRow(step.what or "", step.by, due, step.done_on, is_done=step.done_on is not None)


def _plan_rows(typed: Mapping[str, list[str]] | None, plan: PlanOut | None) -> list[PlanRow]:
    """Return the rows of the form: those that were typed, else those of the plan, and blank ones for new steps."""
    recorded = [_recorded_row(step) for step in plan.steps] if plan else []
    count = max(STEPS, len(recorded) + 2)
    blank = [NEW_ROW] * (count - len(recorded))
    if not typed or "what-0" not in typed:
        return [*recorded, *blank]
    return [
        PlanRow(
            first(typed, f"what-{n}"),
            first(typed, f"by-{n}"),
            {part: first(typed, f"due_on-{n}-{part}") for part in ("day", "month", "year")},
            row.done_on,
            is_done=bool(first(typed, f"done-{n}")),
        )
        for n, row in enumerate([*recorded, *blank])
    ]


def _support_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
) -> Response:
    actor = visitor.actor
    kept = typed_before(database, visitor, f"/people/{reference}/plan") if typed is None else None
    typed = typed or kept
    with database.reading(actor) as session:
        person = find(session, actor, reference)
        top = head(session, actor, person)
        enrolment = enrolment_queries.open_enrolment(session, person)
        plan = queries.plan_of(session, enrolment) if enrolment else None
        barriers = session.scalars(queries.barriers(person)).all()
        shown = actions.plan_reply(actor, person, plan) if plan else None
        rows = jobseeker_queries.facts_about(Contact, person).order_by(None)
        found = session.scalars(rows.order_by(Contact.valid_on.desc(), Contact.id.desc()).limit(ROWS)).all()
        values = {
            "plan": shown,
            "rows": _plan_rows(typed, shown),
            "is_enrolled": enrolment is not None,
            "barriers": [actions.barrier_reply(actor, person, row) for row in barriers],
            "contacts": [contact_reply(actor, person, row) for row in found],
        }
    return person_page(
        request,
        visitor,
        top,
        "person/support",
        "Support",
        words={"with": WITH, "how": HOW, "outcome": CAME_OF_IT, "barrier": BARRIERS},
        barrier_questions=BARRIER,
        typed=typed or today_in(visitor, "opened_on"),
        faults=faults.by_field if faults else {},
        errors=faults.summary(BARRIER) if faults else (),
        opens_barrier=bool(faults) and "kind" in (typed or {}),
        status=422 if faults else 200,
        **values,
    )


@router.get("/{reference}/support")
def support(reference: str, request: Request, visitor: Reader, database: DatabaseDep) -> Response:
    """Show the action plan, the barriers and the latest contacts of a person."""
    return _support_page(request, visitor, database, reference)


@router.post("/{reference}/plan")
def write_plan(reference: str, request: Request, visitor: Recorder, database: DatabaseDep, typed: TypedDep) -> Response:
    """Write a new version of the action plan, with all its steps."""
    actor = visitor.actor
    try:
        new = _plan(typed, actor.today)
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            once_of(request, typed)(
                session,
                actor,
                lambda: _written(session, actor, person, new, first(typed, "number")),
                lambda made: session.get_one(ActionPlan, made),
            )
    except Faults as faults:
        return _support_page(request, visitor, database, reference, typed, faults)
    except DomainError as refused:
        return _support_page(request, visitor, database, reference, typed, faults_of(refused, ()))
    return go(f"/people/{reference}/support", "plan_written")


def _plan(typed: Mapping[str, list[str]], today: date) -> NewPlan:
    try:
        return NewPlan.model_validate({"agreed_on": today, "steps": _steps(typed)})
    except ValidationError as wrong:
        written = [number for number in range(MOST_STEPS) if first(typed, f"what-{number}")]
        faults: dict[str, str] = {}
        for fault in wrong.errors():
            place = next((part for part in fault["loc"] if isinstance(part, int)), 0)
            number = written[place] if place < len(written) else 0
            field = f"due_on-{number}-day" if "due_on" in fault["loc"] else f"what-{number}"
            faults.setdefault(field, f"Step {number + 1}: {plain(sentence_of(fault))}")
        raise Faults(faults) from wrong


def _must_be_whole(session: Session, actor: Actor, person: Jobseeker, number: str) -> None:
    """Refuse to replace a plan with a step that the actor may not read, or that was changed since it was opened."""
    enrolment = enrolment_queries.open_enrolment(session, person)
    plan = queries.plan_of(session, enrolment) if enrolment else None
    if plan is None:
        return
    shown = actions.plan_reply(actor, person, plan)
    if any(step.what is None for step in shown.steps):
        raise Faults({"": "The plan has steps that you may not read, so you cannot change it. Ask the caseworker."})
    if number != str(shown.number):
        raise Faults({"": "Somebody else has changed the plan since you opened this page. Open it again."})


def _written(session: WriteSession, actor: Actor, person: Jobseeker, new: NewPlan, number: str) -> ActionPlan:
    _must_be_whole(session, actor, person, number)
    return actions.write_plan(session, actor, person, new)


def _steps(typed: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    faults: dict[str, str] = {}
    steps = [step for number in range(MOST_STEPS) if (step := _step(typed, number, faults)) is not None]
    if not steps and not faults:
        faults["what-0"] = "Write at least one step"
    if faults:
        raise Faults(faults)
    return steps


def _step(typed: Mapping[str, list[str]], number: int, faults: dict[str, str]) -> dict[str, Any] | None:
    """Return one step of the plan; None if nothing was written. What is wrong is added to ``faults``."""
    what = first(typed, f"what-{number}")
    due = [first(typed, f"due_on-{number}-{part}") for part in ("day", "month", "year")]
    if not what:
        if any(due):
            faults[f"what-{number}"] = f"Step {number + 1}: Write what is to be done by this day, or clear the day"
        return None
    step: dict[str, Any] = {"what": what, "by": first(typed, f"by-{number}") or "jobseeker"}
    try:
        step["due_on"] = day_of(*due)
    except ValueError as wrong:
        faults[f"due_on-{number}-day"] = f"Step {number + 1}: {wrong}"
    step["done_on"] = first(typed, f"done-{number}") or None
    return step


@router.post("/{reference}/barriers")
def open_barrier(
    reference: str, request: Request, visitor: Recorder, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Record a barrier to work."""
    actor = visitor.actor
    try:
        body = body_of(NewBarrier, BARRIER, typed)
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            once_of(request, typed)(
                session,
                actor,
                lambda: actions.open_barrier(session, actor, person, body),
                lambda made: queries.barrier(session, person, made),
            )
    except Faults as faults:
        return _support_page(request, visitor, database, reference, typed, faults)
    except DomainError as refused:
        return _support_page(request, visitor, database, reference, typed, faults_of(refused, BARRIER))
    return go(f"/people/{reference}/support", "barrier_opened")


@router.post("/{reference}/barriers/{barrier_id:uuid}/close")
def close_barrier(reference: str, barrier_id: UUID, visitor: Recorder, database: DatabaseDep) -> Response:
    """Record that something no longer stands in the way, from today."""
    actor = visitor.actor
    with database.writing(actor) as session:
        person = find(session, actor, reference, for_update=True)
        barrier = queries.barrier(session, person, barrier_id)
        actions.close_barrier(session, actor, barrier, ClosedOn(closed_on=actor.today))
    return go(f"/people/{reference}/support", "barrier_closed")


def _contact_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    typed: Mapping[str, Any],
    faults: Faults | None,
) -> Response:
    form = PersonForm("Record a contact", CONTACT, typed, faults)
    return person_form(request, visitor, database, reference, form)


@router.get("/{reference}/contacts/new")
def ask_contact(reference: str, request: Request, visitor: ContactRecorder, database: DatabaseDep) -> Response:
    """Ask about a contact."""
    kept = typed_before(database, visitor, f"/people/{reference}/contacts/new")
    return _contact_page(request, visitor, database, reference, kept or today_in(visitor, "on"), None)


@router.post("/{reference}/contacts/new")
def record_contact(
    reference: str, request: Request, visitor: ContactRecorder, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Record a contact about a person."""
    actor = visitor.actor
    try:
        body = body_of(NewContact, CONTACT, typed)
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            once_of(request, typed)(
                session,
                actor,
                lambda: contacts.record_contact(session, actor, person, body),
                lambda made: jobseeker_queries.fact(session, Contact, person, made),
            )
    except Faults as faults:
        return _contact_page(request, visitor, database, reference, typed, faults)
    except DomainError as refused:
        return _contact_page(request, visitor, database, reference, typed, faults_of(refused, CONTACT))
    return go(f"/people/{reference}", "contact_recorded")
