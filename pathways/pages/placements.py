"""The pages of placements: the list, one placement, and what can be done with it."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy import func

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.base import Actor, Role
from pathways.database import Database, WriteSession
from pathways.drafts import actions as drafts
from pathways.errors import DomainError, NotFound
from pathways.jobseekers.schemas import ReasonBody
from pathways.pages.forms import Faults, FormQuestion, body_of, faults_of, first, typed_of
from pathways.pages.listing_questions import KINDS, LISTING
from pathways.pages.steps import Step, in_words
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of, show, typed_before
from pathways.placements import actions, queries
from pathways.placements.models import Placement, PlacementEvent, PlacementState, WordingBasis
from pathways.placements.schemas import PlacementChange, PlacementOut, WordingToConfirm
from pathways.reference import tables
from pathways.reference.wording import WordingNeed

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/placements")
Reader = Annotated[Visitor, allowed(Permission.PLACEMENT_READ)]
Changer = Annotated[Visitor, allowed(Permission.PLACEMENT_CHANGE)]
Maker = Annotated[Visitor, allowed(Permission.PLACEMENT_MAKE)]
ROWS = 25
CAN_BE_CONFIRMED = frozenset({WordingNeed.CONFIRMATION, WordingNeed.CHANGE})
REASON = (FormQuestion("reason", "text", "Why?", missing="Say why, in a few words"),)
BASES = {
    WordingBasis.MEANS_SOMETHING_ELSE: "The words mean something else",
    WordingBasis.OCCUPATIONAL_REQUIREMENT: "The work itself needs it (occupational requirement)",
    WordingBasis.POSITIVE_ACTION: "It is positive action",
    WordingBasis.REQUIRED_BY_LAW: "The law requires it",
}


@router.get("")
def list_placements(
    request: Request,
    visitor: Reader,
    database: DatabaseDep,
    state: str = "",
    title: Annotated[str, Query(max_length=100)] = "",
    after: UUID | None = None,
) -> Response:
    """List placements: a social enterprise its own, a partner those that are published."""
    actor = visitor.actor
    is_lister = actor.role is Role.PLACEMENT_LISTER
    rows = queries.own(actor) if is_lister else queries.visible_to(actor)
    states = {one.value: one for one in PlacementState if is_lister or one is not PlacementState.DRAFT}
    chosen = states.get(state, None if is_lister else PlacementState.PUBLISHED)
    if chosen is not None:
        rows = rows.where(Placement.state == chosen)
    if title.strip():
        rows = rows.where(func.lower(Placement.title).contains(title.strip().lower(), autoescape=True))
    if after is not None:
        rows = rows.where(Placement.id < after)
    with database.reading(actor) as session:
        found = list(session.scalars(rows.order_by(Placement.id.desc()).limit(ROWS + 1)))
        items = actions.replies(session, actor, found[:ROWS])
    return show(
        request,
        visitor,
        "placements/list",
        "Placements",
        items=items,
        is_lister=is_lister,
        states=list(states.values()),
        chosen=chosen,
        typed_title=title,
        next_after=items[-1].id if len(found) > ROWS else None,
        today=actor.today,
        soon=int(tables.limit("reconfirm_soon_days", actor.today)),
        kinds=KINDS,
    )


def _one(
    request: Request,
    visitor: Visitor,
    database: Database,
    placement_id: UUID,
    faults: Faults | None = None,
    typed: Any = None,
) -> Response:
    actor = visitor.actor
    with database.reading(actor, newest=True) as session:
        placement = queries.placement(session, actor, placement_id)
        shown = actions.replies(session, actor, [placement])[0]
    is_own = shown.social_enterprise_id == actor.organisation_id and visitor.may("placement:change")
    to_confirm = [one for one in shown.wording if one.needs in CAN_BE_CONFIRMED and one.basis is None]
    return show(
        request,
        visitor,
        "placements/one",
        shown.title,
        422 if faults else 200,
        placement=shown,
        is_own=is_own,
        said=in_words(LISTING.questions, shown.model_dump()),
        steps=LISTING.steps,
        to_confirm=to_confirm if is_own else [],
        bases=[(basis.value, text) for basis, text in BASES.items()],
        typed=typed or {},
        faults=faults.by_field if faults else {},
        errors=faults.summary(()) if faults else (),
        today=actor.today,
    )


@router.get("/{placement_id:uuid}")
def get_placement(placement_id: UUID, request: Request, visitor: Reader, database: DatabaseDep) -> Response:
    """Show one placement: what was said about it, why it stays in draft, and what can be done."""
    return _one(request, visitor, database, placement_id)


@router.get("/{placement_id:uuid}/{step}")
def ask_change(placement_id: UUID, step: str, request: Request, visitor: Reader, database: DatabaseDep) -> Response:
    """Ask the questions of one step about a placement that is listed."""
    asked = LISTING.step(step)
    if asked is None or not visitor.may("placement:change"):
        return go(f"/placements/{placement_id}")
    with database.reading(visitor.actor, newest=True) as session:
        shown = _own(session, visitor, placement_id)
    return _step_page(request, visitor, shown, asked, typed_of(LISTING.questions, shown.model_dump()), None)


def _own(session: Any, visitor: Visitor, placement_id: UUID) -> PlacementOut:
    placement = session.scalars(queries.own(visitor.actor).where(Placement.id == placement_id)).one_or_none()
    if placement is None:
        raise NotFound("Your organisation has no such placement. Go back to the list.")
    return actions.replies(session, visitor.actor, [placement])[0]


def _step_page(
    request: Request, visitor: Visitor, shown: PlacementOut, step: Step, typed: Mapping[str, Any], faults: Faults | None
) -> Response:
    return show(
        request,
        visitor,
        "steps/step",
        step.title,
        422 if faults else 200,
        form=LISTING,
        step=step,
        has_lookup=False,
        action=f"/placements/{shown.id}/{step.name}",
        back=f"/placements/{shown.id}",
        button="Save",
        version=first(typed, "version") if faults else shown.version,
        number=0,
        offers={},
        typed=typed,
        faults=faults.by_field if faults else {},
        errors=faults.summary(step.questions) if faults else (),
    )


@router.post("/{placement_id:uuid}/publish")
def publish(placement_id: UUID, request: Request, visitor: Changer, database: DatabaseDep, typed: TypedDep) -> Response:
    """Publish a placement, with what a person confirms about its words."""
    confirmed, faults = _confirmed(typed)
    if faults:
        return _one(request, visitor, database, placement_id, Faults(faults), typed)
    try:
        _move(database, visitor, placement_id, PlacementEvent.PUBLISH, confirmed=confirmed)
    except DomainError as refused:
        return _one(request, visitor, database, placement_id, faults_of(refused, ()), typed)
    return go(f"/placements/{placement_id}", "published")


def _confirmed(typed: Mapping[str, list[str]]) -> tuple[list[WordingToConfirm], dict[str, str]]:
    """Return what is confirmed about each words of the advert, and what is wrong with it by field."""
    confirmed, faults = [], {}
    for number, text in enumerate(typed.get("words", ())):
        basis, reason = first(typed, f"basis-{number}"), first(typed, f"because-{number}")
        if not basis:
            continue
        if not reason:
            faults[f"because-{number}"] = "Say why, in at least three words"
            continue
        try:
            confirmed.append(WordingToConfirm(words=text, basis=WordingBasis(basis), reason=reason))
        except (ValidationError, ValueError):
            faults[f"basis-{number}"] = "Choose one of the reasons"
    return confirmed, faults


def _move(
    database: Database,
    visitor: Visitor,
    placement_id: UUID,
    event: PlacementEvent,
    reason: str = "",
    confirmed: list[WordingToConfirm] | None = None,
) -> None:
    with database.writing(visitor.actor) as session:
        placement = queries.own_placement(session, visitor.actor, placement_id)
        actions.move(session, visitor.actor, placement, event, reason=reason, confirmations=confirmed or ())


@router.post("/{placement_id:uuid}/pause")
def pause(placement_id: UUID, request: Request, visitor: Changer, database: DatabaseDep, typed: TypedDep) -> Response:
    """Pause a placement: nobody is put forward for it until it is published again."""
    return _stop(request, visitor, database, placement_id, PlacementEvent.PAUSE, typed, "paused")


@router.post("/{placement_id:uuid}/close")
def close(placement_id: UUID, request: Request, visitor: Changer, database: DatabaseDep, typed: TypedDep) -> Response:
    """Close a placement for good."""
    return _stop(request, visitor, database, placement_id, PlacementEvent.CLOSE, typed, "closed")


def _stop(
    request: Request,
    visitor: Visitor,
    database: Database,
    placement_id: UUID,
    event: PlacementEvent,
    typed: Mapping[str, list[str]],
    done: str,
) -> Response:
    try:
        reason = body_of(ReasonBody, REASON, typed).reason
        _move(database, visitor, placement_id, event, reason)
    except Faults as faults:
        return _one(request, visitor, database, placement_id, faults, typed)
    except DomainError as refused:
        return _one(request, visitor, database, placement_id, faults_of(refused, REASON), typed)
    return go(f"/placements/{placement_id}", done)


@router.post("/{placement_id:uuid}/reconfirm")
def reconfirm(placement_id: UUID, visitor: Changer, database: DatabaseDep) -> Response:
    """Confirm that a placement is still right."""
    with database.writing(visitor.actor) as session:
        actions.confirm(session, visitor.actor, queries.own_placement(session, visitor.actor, placement_id))
    return go(f"/placements/{placement_id}", "reconfirmed")


@router.post("/{placement_id:uuid}/copy")
def copy(placement_id: UUID, visitor: Maker, database: DatabaseDep) -> Response:
    """Begin a new placement with the answers of this one."""
    with database.reading(visitor.actor) as session:
        shown = _own(session, visitor, placement_id)
    if typed_before(database, visitor, LISTING.address):
        return go(LISTING.address, "listing_unfinished")
    with database.writing(visitor.actor) as session:
        typed = typed_of(LISTING.questions, shown.model_dump() | {"closes_on": None})
        drafts.save(session, visitor.membership_id, LISTING.address, typed, visitor.actor.at)
    return go(f"{LISTING.address}/check")


def _changed(
    session: WriteSession, actor: Actor, placement: Placement, body: PlacementChange, opened_with: str
) -> Placement:
    if opened_with != str(placement.version):
        raise Faults({"": "Somebody else has changed this placement since you opened the page. Open it again."})
    return actions.change(session, actor, placement, body)


@router.post("/{placement_id:uuid}/{step}")
def change(
    placement_id: UUID, step: str, request: Request, visitor: Changer, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Change the answers of one step. Refused if somebody else has changed the placement since the page was opened."""
    asked = LISTING.step(step)
    if asked is None:
        return go(f"/placements/{placement_id}")
    questions = asked.questions
    with database.reading(visitor.actor, newest=True) as session:
        shown = _own(session, visitor, placement_id)
    try:
        blank = {question.name: None for question in questions if question.name not in {"title", "kind", "places"}}
        body = body_of(PlacementChange, questions, typed)
        body = PlacementChange.model_validate(blank | body.model_dump(exclude_unset=True))
        with database.writing(visitor.actor) as session:
            placement = queries.own_placement(session, visitor.actor, placement_id)
            once_of(request, typed)(
                session,
                visitor.actor,
                lambda: _changed(session, visitor.actor, placement, body, first(typed, "version")),
                lambda made: queries.own_placement(session, visitor.actor, made),
            )
    except Faults as faults:
        return _step_page(request, visitor, shown, asked, typed, faults)
    except DomainError as refused:
        return _step_page(request, visitor, shown, asked, typed, faults_of(refused, questions))
    return go(f"/placements/{placement_id}", "saved")
