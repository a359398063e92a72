"""The pages on which a social enterprise lists a placement: eight short steps, then all answers once more."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.database import Database, WriteSession
from pathways.drafts import actions as drafts
from pathways.errors import DomainError
from pathways.pages import steps
from pathways.pages.forms import Faults, Typed, body_of, faults_of, first
from pathways.pages.listing_questions import LISTING
from pathways.pages.steps import Step
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of
from pathways.placements import actions, queries
from pathways.placements.models import Placement, PlacementEvent
from pathways.placements.schemas import NewPlacement
from pathways.reference import vocabulary
from pathways.reference.esco import ConceptKind

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix=LISTING.address)
Maker = Annotated[Visitor, allowed(Permission.PLACEMENT_MAKE)]
# The questions whose answers are compared with the words that the matching knows.
WORDS_OF = {
    "occupation": ConceptKind.OCCUPATION,
    "essential_skills": ConceptKind.SKILL,
    "desirable_skills": ConceptKind.SKILL,
}
MOST_LOOKED_UP = 10
LOOK_UP = "look_up"


@router.get("")
def overview(request: Request, visitor: Maker, database: DatabaseDep) -> Response:
    """Show the steps, and which of them are answered."""
    return steps.overview_page(request, visitor, database, LISTING)


@router.get("/check")
def check(request: Request, visitor: Maker, database: DatabaseDep) -> Response:
    """Show all answers before the placement is published or saved."""
    return steps.check_page(request, visitor, LISTING, steps.kept(database, visitor, LISTING))


@router.post("/check")
def save(request: Request, visitor: Maker, database: DatabaseDep, typed: TypedDep) -> Response:
    """Save the placement as a draft and, if asked, publish it. What the law refuses stays a draft, with the reasons."""
    actor, kept = visitor.actor, steps.kept(database, visitor, LISTING)
    once = once_of(request, typed)
    try:
        with database.writing(actor) as session:
            placement = once(
                session,
                actor,
                lambda: _made(session, visitor, kept),
                lambda made: queries.own_placement(session, actor, made),
            )
            placement_id = placement.id
            drafts.forget(session, visitor.membership_id, LISTING.address)
    except Faults as faults:
        return steps.check_page(request, visitor, LISTING, kept, faults)
    except DomainError as refused:
        return steps.check_page(request, visitor, LISTING, kept, faults_of(refused, LISTING.questions))
    if first(typed, "do") != "send":
        return go(f"/placements/{placement_id}", "saved_as_draft")
    try:
        with database.writing(actor) as session:
            placement = queries.own_placement(session, actor, placement_id)
            actions.move(session, actor, placement, PlacementEvent.PUBLISH)
    except DomainError:
        return go(f"/placements/{placement_id}", "kept_in_draft")  # its page says why
    return go(f"/placements/{placement_id}", "published")


def _made(session: WriteSession, visitor: Visitor, kept: Typed) -> Placement:
    new = body_of(NewPlacement, LISTING.questions, kept)
    columns = new.model_dump(exclude={"places"})
    return actions.make(session, visitor.actor, visitor.actor.organisation_id, columns, places=new.places)


@router.post("/discard")
def discard(visitor: Maker, database: DatabaseDep) -> Response:
    """Discard what was answered."""
    return steps.discard(visitor, database, LISTING)


@router.get("/{step}")
def ask(step: str, request: Request, visitor: Maker, database: DatabaseDep) -> Response:
    """Ask the questions of one step."""
    asked = LISTING.step(step)
    if asked is None:
        return go(LISTING.address)
    kept = steps.kept(database, visitor, LISTING)
    return steps.step_page(request, visitor, LISTING, asked, kept, has_lookup=_has_lookup(asked))


@router.post("/{step}")
def answer(step: str, request: Request, visitor: Maker, database: DatabaseDep, typed: TypedDep) -> Response:
    """Keep the answers of one step and go on to the next, or offer the words that the matching knows."""
    asked = LISTING.step(step)
    if asked is None:
        return go(LISTING.address)
    has_lookup = _has_lookup(asked)
    if typed.get(LOOK_UP):
        offers = _offers(database, visitor, asked, typed)
        return steps.step_page(request, visitor, LISTING, asked, typed, offers=offers, has_lookup=has_lookup)
    try:
        return steps.take(request, visitor, database, LISTING, asked, _with_chosen_words(typed))
    except Faults as faults:
        return steps.step_page(request, visitor, LISTING, asked, typed, faults=faults, has_lookup=has_lookup)


def _has_lookup(step: Step) -> bool:
    return any(question.name in WORDS_OF for question in step.questions)


def _offers(database: Database, visitor: Visitor, step: Step, typed: Typed) -> dict[str, list[tuple[str, list[str]]]]:
    """Return, by field, for each line that was typed, the words that the matching knows and that are near to it."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for question in step.questions:
        kind = WORDS_OF.get(question.name)
        text = first(typed, question.name)
        if kind is None or not text:
            continue
        with database.reading(visitor.actor) as session:
            finder = vocabulary.finder(session, kind)
        written = [line.strip() for line in text.split("\n") if line.strip()][:MOST_LOOKED_UP]
        near = [(line, [offer.preferred for offer in finder.find(line).offers]) for line in written]
        found[question.name] = [(line, words) for line, words in near if words and line.lower() not in words]
    return found


def _with_chosen_words(typed: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return what was typed, with each line replaced by the words that were chosen for it."""
    taken = {key: list(value) for key, value in typed.items()}
    for name in WORDS_OF:
        lines = first(typed, name).split("\n")
        chosen = {first(typed, f"{name}.line.{n}"): first(typed, f"{name}.choice.{n}") for n in range(MOST_LOOKED_UP)}
        if name in taken:
            taken[name] = ["\n".join(chosen.get(line.strip()) or line for line in lines)]
    return {key: value for key, value in taken.items() if "." not in key}
