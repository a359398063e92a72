"""The pages on which a social enterprise lists a placement: eight short steps, then all answers once more.

What was answered is a draft until the placement is saved, so that somebody can stop and go on later.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.database import Database
from pathways.drafts import actions as drafts
from pathways.errors import DomainError
from pathways.pages.forms import Faults, Typed, body_of, faults_of, first, values_of
from pathways.pages.listing_questions import QUESTIONS, STEP, STEPS
from pathways.pages.placements import NEW, answers
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of, show, typed_before
from pathways.placements import actions, queries
from pathways.placements.models import PlacementEvent
from pathways.placements.schemas import NewPlacement, PlacementChange
from pathways.reference import vocabulary
from pathways.reference.esco import ConceptKind

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix=NEW)
Maker = Annotated[Visitor, allowed(Permission.PLACEMENT_MAKE)]
NAMES = [step.name for step in STEPS]
# The questions whose answers are compared with the words that the matching knows.
WORDS_OF = {
    "occupation": ConceptKind.OCCUPATION,
    "essential_skills": ConceptKind.SKILL,
    "desirable_skills": ConceptKind.SKILL,
}
MOST_LOOKED_UP = 10
LOOK_UP = "look_up"


def _kept(database: Database, visitor: Visitor) -> dict[str, list[str]]:
    return typed_before(database, visitor, NEW) or {}


def _is_answered(step: str, kept: Typed) -> bool:
    names = [question.name for question in STEP[step].questions]
    return any(key == name or key.startswith(f"{name}-") for name in names for key in kept)


@router.get("")
def overview(request: Request, visitor: Maker, database: DatabaseDep) -> Response:
    """Show the steps, and which of them are answered."""
    kept = _kept(database, visitor)
    if not kept:
        return go(f"{NEW}/{NAMES[0]}")
    steps = [(step, _is_answered(step.name, kept)) for step in STEPS]
    return show(request, visitor, "placements/overview", "List a placement", steps=steps)


@router.get("/check")
def check(request: Request, visitor: Maker, database: DatabaseDep) -> Response:
    """Show all answers before the placement is published or saved."""
    return _check_page(request, visitor, _kept(database, visitor), None)


def _check_page(request: Request, visitor: Visitor, kept: Typed, faults: Faults | None) -> Response:
    try:
        said = answers(values_of(QUESTIONS, kept))
    except Faults as wrong:
        faults = faults or wrong
        said = answers(_readable(kept))
    return show(
        request,
        visitor,
        "placements/check",
        "Check what you say about the placement",
        422 if faults else 200,
        steps=STEPS,
        said=said,
        faults=faults.by_field if faults else {},
        errors=[
            {"text": sentence, "href": f"{NEW}/{_step_of(name)}?from=check" if name else "#main-content"}
            for name, sentence in faults.by_field.items()
        ]
        if faults
        else (),
    )


def _readable(kept: Typed) -> dict[str, Any]:
    """Return those answers that can be read."""
    values: dict[str, Any] = {}
    for question in QUESTIONS:
        try:
            values |= values_of([question], kept)
        except Faults:
            continue
    return values


def _step_of(field: str) -> str:
    return next(step.name for step in STEPS if any(question.name == field for question in step.questions))


@router.post("/check")
def save(request: Request, visitor: Maker, database: DatabaseDep, typed: TypedDep) -> Response:
    """Save the placement as a draft and, if asked, publish it. What the law refuses stays a draft, with the reasons."""
    actor, kept = visitor.actor, _kept(database, visitor)
    try:
        new = body_of(NewPlacement, QUESTIONS, kept)
        with database.writing(actor) as session:
            placement = once_of(request, typed)(
                session,
                actor,
                lambda: actions.make(
                    session, actor, actor.organisation_id, new.model_dump(exclude={"places"}), places=new.places
                ),
                lambda made: queries.own_placement(session, actor, made),
            )
            placement_id = placement.id
            drafts.forget(session, visitor.membership_id, NEW)
    except Faults as faults:
        return _check_page(request, visitor, kept, faults)
    except DomainError as refused:
        return _check_page(request, visitor, kept, faults_of(refused, QUESTIONS))
    if first(typed, "do") != "publish":
        return go(f"/placements/{placement_id}", "saved_as_draft")
    try:
        with database.writing(actor) as session:
            placement = queries.own_placement(session, actor, placement_id)
            actions.move(session, actor, placement, PlacementEvent.PUBLISH)
    except DomainError:
        return go(f"/placements/{placement_id}", "kept_in_draft")  # its page says why
    return go(f"/placements/{placement_id}", "published")


@router.post("/discard")
def discard(visitor: Maker, database: DatabaseDep) -> Response:
    """Discard what was answered."""
    with database.writing(visitor.actor) as session:
        drafts.forget(session, visitor.membership_id, NEW)
    return go("/", "discarded")


@router.get("/{step}")
def ask(step: str, request: Request, visitor: Maker, database: DatabaseDep) -> Response:
    """Ask the questions of one step."""
    if step not in STEP:
        return go(NEW)
    return _step_page(request, visitor, step, _kept(database, visitor), None)


def _step_page(
    request: Request,
    visitor: Visitor,
    step: str,
    typed: Typed,
    faults: Faults | None,
    offers: Mapping[str, list[tuple[str, list[str]]]] | None = None,
) -> Response:
    from_check = request.query_params.get("from") == "check"
    number = NAMES.index(step)
    before = f"{NEW}/check" if from_check else f"{NEW}/{NAMES[number - 1]}" if number else "/"
    return show(
        request,
        visitor,
        "placements/step",
        STEP[step].title,
        422 if faults else 200,
        step=STEP[step],
        number=number + 1,
        action=f"{NEW}/{step}" + ("?from=check" if from_check else ""),
        back=before,
        button="Continue",
        version="",
        offers=offers or {},
        typed=typed,
        faults=faults.by_field if faults else {},
        errors=faults.summary(STEP[step].questions) if faults else (),
    )


@router.post("/{step}")
def answer(step: str, request: Request, visitor: Maker, database: DatabaseDep, typed: TypedDep) -> Response:
    """Keep the answers of one step and go on to the next, or offer the words that the matching knows."""
    if step not in STEP:
        return go(NEW)
    if typed.get(LOOK_UP):
        return _step_page(request, visitor, step, typed, None, _offers(database, visitor, step, typed))
    taken = _with_chosen_words(typed)
    try:
        body_of(PlacementChange, STEP[step].questions, taken)
    except Faults as faults:
        return _step_page(request, visitor, step, typed, faults)
    names = {question.name for question in STEP[step].questions}
    kept = {key: value for key, value in _kept(database, visitor).items() if key.split("-")[0] not in names}
    new = {key: value for key, value in taken.items() if key.split("-")[0] in names and any(value)}
    with database.writing(visitor.actor) as session:
        drafts.save(session, visitor.membership_id, NEW, kept | new, visitor.actor.at)
    number = NAMES.index(step)
    is_last = request.query_params.get("from") == "check" or number + 1 == len(NAMES)
    return go(f"{NEW}/check" if is_last else f"{NEW}/{NAMES[number + 1]}")


def _offers(database: Database, visitor: Visitor, step: str, typed: Typed) -> dict[str, list[tuple[str, list[str]]]]:
    """Return, by field, for each line that was typed, the words that the matching knows and that are near to it."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for question in STEP[step].questions:
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
