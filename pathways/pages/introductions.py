"""The pages of introductions: the list, what was agreed to be told, and the answer."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.base import Role
from pathways.database import Database, WriteSession, repeated
from pathways.errors import DomainError
from pathways.fields import Group
from pathways.idempotency import Once
from pathways.introductions import actions, closing, feedback, queries
from pathways.introductions.models import (
    OPEN,
    REFUSED,
    SAYS_NO,
    Introduction,
    IntroductionEvent,
    IntroductionState,
    Side,
    StartFeedback,
)
from pathways.introductions.reasons import reasons_for
from pathways.introductions.schemas import IntroductionOut, IntroductionRefusal
from pathways.pages import introduction_words as wording
from pathways.pages.enterprise import lines
from pathways.pages.first_days import FEEDBACK_HOW
from pathways.pages.forms import Faults, FormQuestion, Option, body_of, faults_of, first, options
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of, show, typed_before
from pathways.placements.models import Placement
from pathways.progression import starting

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/introductions")
Reader = Annotated[Visitor, allowed(Permission.INTRODUCTION_READ)]
Mover = Annotated[Visitor, allowed(Permission.INTRODUCTION_MOVE)]
S, E = IntroductionState, IntroductionEvent
ROWS = 25
SHOWN: Mapping[str, tuple[str, tuple[IntroductionState, ...]]] = {
    "waiting": ("Waiting", OPEN),
    "working": ("Working", (S.STARTED,)),
    "over": ("Over", (S.ENDED, *REFUSED)),
}
CHOOSE = "Choose one of the answers"
LONGEST_TIMES = 300
REFUSAL = (
    FormQuestion("why", "select", "Why does it not go ahead?", missing="Choose why it does not go ahead"),
    FormQuestion("said_by", "select", "Who said so?"),
    FormQuestion("reason", "text", "What was said"),
)


@router.get("")
def list_introductions(
    request: Request,
    visitor: Reader,
    database: DatabaseDep,
    chosen: Annotated[str, Query(alias="show")] = "waiting",
    after: UUID | None = None,
) -> Response:
    """List the introductions that the visitor may see: those that wait, those who work, and those that are over."""
    chosen = chosen if chosen in SHOWN else "waiting"
    rows = queries.visible_to(visitor.actor).where(Introduction.state.in_(SHOWN[chosen][1]))
    if after is not None:
        rows = rows.where(Introduction.id < after)
    with database.reading(visitor.actor) as session:
        found = list(session.scalars(rows.order_by(Introduction.id.desc()).limit(ROWS + 1)))
        items = lines(session, visitor.actor, found[:ROWS])
    title = "People introduced" if visitor.actor.role is Role.PLACEMENT_LISTER else "Introductions"
    return show(
        request,
        visitor,
        "introductions/list",
        title,
        tabs=[(key, text) for key, (text, _) in SHOWN.items()],
        chosen=chosen,
        items=items,
        next_after=items[-1].shown.id if len(found) > ROWS else None,
        states=wording.states_of(visitor.actor.role),
        colours=wording.COLOURS,
    )


def _answer_options(visitor: Visitor, shown: IntroductionOut) -> list[tuple[str, str, str]]:
    """Return the moves that the visitor can make on the page: value, words and hint."""
    words, hints = wording.moves_of(visitor.actor.role), wording.hints_of(visitor.actor.role)
    return [
        (event.value, text, hints.get(event, ""))
        for event, text in words.items()
        if event.value in shown.possible_events and shown.state is not S.STARTED  # it ends on a page of its own
    ]


def _reasons(visitor: Visitor) -> tuple[Option, ...]:
    sides = (
        (Side.SOCIAL_ENTERPRISE,)
        if visitor.actor.role is Role.PLACEMENT_LISTER
        else (Side.JOBSEEKER, Side.SOCIAL_ENTERPRISE, Side.PARTNER)
    )
    given = {why for side in sides for why in reasons_for(side)}
    return options({why: text for why, text in wording.REASONS.items() if why in given})


def _groups_withheld(shown: IntroductionOut) -> set[Group]:
    return {IntroductionOut.group_of[name] for name in shown.withheld}


SIDES = options(
    {Side.JOBSEEKER: "The jobseeker", Side.SOCIAL_ENTERPRISE: "The social enterprise", Side.PARTNER: "We did"}
)


def _one(
    request: Request,
    visitor: Visitor,
    database: Database,
    introduction_id: UUID,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
) -> Response:
    with database.reading(visitor.actor, newest=True) as session:
        row = queries.introduction(session, visitor.actor, introduction_id)
        line = lines(session, visitor.actor, [row])[0]
        placement = session.get_one(Placement, row.placement_id)
        last = queries.last_move(session, row)
        is_invited = visitor.is_caseworker and last is not None and last.event == E.INVITE.value
        note = (line.shown.last_reason or "") if is_invited else ""
        next_options = (
            actions.next_options(session, visitor.actor, row) if visitor.is_caseworker and row.state in REFUSED else []
        )
        said = session.scalars(feedback.of_introduction(row).order_by(StartFeedback.id.desc())).all()
        feedback_given = feedback.replies(session, visitor.actor, row, said)
        kept = typed_before(database, visitor, f"/introductions/{introduction_id}/answer") if typed is None else None
        values = {
            "description": placement.description,
            "hours": placement.hours_per_week,
            "postcode": placement.postcode,
        }
    return show(
        request,
        visitor,
        "introductions/one",
        line.shown.title,
        422 if faults else 200,
        line=line,
        note=note,
        next_options=next_options,
        feedback=feedback_given,
        feedback_how=FEEDBACK_HOW,
        moves=_answer_options(visitor, line.shown),
        ends_here=bool({event.value for event in SAYS_NO} & set(line.shown.possible_events)),
        reasons=_reasons(visitor),
        sides=SIDES,
        state=wording.states_of(visitor.actor.role)[line.shown.state],
        withheld=[text for group, text in wording.WITHHELD.items() if group in _groups_withheld(line.shown)],
        typed=typed or kept or ({"event": [E.SEND.value]} if row.state is S.AGREED and visitor.is_caseworker else {}),
        faults=faults.by_field if faults else {},
        errors=faults.summary(()) if faults else (),
        **values,
    )


@router.get("/{introduction_id:uuid}")
def get_introduction(introduction_id: UUID, request: Request, visitor: Reader, database: DatabaseDep) -> Response:
    """Show one introduction: what was agreed to be told, and what can be done now."""
    return _one(request, visitor, database, introduction_id)


@router.get("/{introduction_id:uuid}/answer")
def back_to_the_introduction(introduction_id: UUID, visitor: Reader) -> Response:  # noqa: ARG001 - guards the page
    """Show the introduction, on whose page the answer is given."""
    return go(f"/introductions/{introduction_id}")


@router.post("/{introduction_id:uuid}/answer")
def answer(introduction_id: UUID, request: Request, visitor: Mover, database: DatabaseDep, typed: TypedDep) -> Response:
    """Record an answer or another move. What was typed stays on the page if it is refused."""
    try:
        event = _event(typed, visitor)
        _offer_to_waiting_list(database, visitor, introduction_id, event)
        repeated(lambda: _move(database, visitor, introduction_id, event, typed, once_of(request, typed)))
    except Faults as faults:
        return _one(request, visitor, database, introduction_id, typed, faults)
    except actions.PermissionNeeded:
        with database.reading(visitor.actor) as session:
            row = queries.introduction(session, visitor.actor, introduction_id)
            reference = actions.reply(session, visitor.actor, row).jobseeker_reference
        return go(f"/people/{reference}/sharing?introduction={introduction_id}")
    except DomainError as refused:
        return _one(request, visitor, database, introduction_id, typed, faults_of(refused, ()))
    return go(f"/introductions/{introduction_id}", f"introduction_{event.value}")


def _event(typed: Mapping[str, list[str]], visitor: Visitor) -> IntroductionEvent:
    """Return the move that was chosen. Raises ``Faults`` if none was, or a reason is missing."""
    chosen = first(typed, "event")
    known = {event.value: event for event in wording.moves_of(visitor.actor.role)}
    if chosen not in known:
        raise Faults({"event": CHOOSE})
    if len(first(typed, "times")) > LONGEST_TIMES:
        raise Faults({"times": f"Shorten this to {LONGEST_TIMES} characters"})
    return known[chosen]


def _offer_to_waiting_list(
    database: Database, visitor: Visitor, introduction_id: UUID, event: IntroductionEvent
) -> None:
    """Offer free places to people who have waited before, in transactions of their own."""
    if event is not E.OFFER:
        return
    with database.reading(visitor.actor, newest=True) as session:
        introduction = queries.introduction(session, visitor.actor, introduction_id)
    if introduction.state is not S.WAITING:
        actions.offer_on(database, visitor.actor, introduction.placement_id)


def _move(
    database: Database,
    visitor: Visitor,
    introduction_id: UUID,
    event: IntroductionEvent,
    typed: Mapping[str, list[str]],
    once: Once,
) -> None:
    actor = visitor.actor
    given = body_of(IntroductionRefusal, REFUSAL, typed) if event in SAYS_NO else None
    no = actions.No(given.why, given.said_by) if given else None
    reason = given.reason if given else first(typed, "times") if event is E.INVITE else ""

    def make(session: WriteSession) -> Callable[[], Introduction]:
        def act() -> Introduction:
            row = queries.introduction(session, actor, introduction_id, for_update=True)
            if event is E.ACCEPT:
                closing.must_be_there(session, row, although_closed=bool(typed.get("although_closed")))
                return actions.accept(session, actor, row, keeps_others=bool(typed.get("keeps_others")))
            if event is E.WITHDRAW:
                assert no is not None
                return starting.withdraw_introduction(session, actor, row, reason=reason, no=no)
            return actions.move(session, actor, row, event, reason=reason, no=no)

        return act

    with database.writing(actor) as session:
        once(session, actor, make(session), lambda made: queries.introduction(session, actor, made))
