"""JSON of introductions."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query

from pathways import audit
from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Database, WriteSession
from pathways.errors import Conflict, NotFound
from pathways.idempotency import Once
from pathways.introductions import actions, queries
from pathways.introductions.models import Introduction, IntroductionEvent, IntroductionState
from pathways.introductions.schemas import Acceptance, IntroductionOut, IntroductionRefusal, NewIntroduction, StartedOn
from pathways.pagination import Page, page_of
from pathways.problems import documented

router = APIRouter(prefix="/introductions", tags=["introductions"], route_class=PathwaysRoute)
Reader = Annotated[Actor, permitted(Permission.INTRODUCTION_READ)]
Maker = Annotated[Actor, permitted(Permission.INTRODUCTION_MAKE)]
Mover = Annotated[Actor, permitted(Permission.INTRODUCTION_MOVE)]
REFUSALS = documented(NotFound, Conflict)


@router.get("")
def list_introductions(
    actor: Reader,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[IntroductionState | None, Query()] = None,
    placement: Annotated[UUID | None, Query()] = None,
    jobseeker: Annotated[UUID | None, Query()] = None,
) -> Page[IntroductionOut]:
    """Introductions as your side may see them; each person shown is noted in the access log."""
    with database.reading(actor) as session:
        rows = queries.visible_to(actor)
        if state is not None:
            rows = rows.where(Introduction.state == state)
        if placement is not None:
            rows = rows.where(Introduction.placement_id == placement)
        if jobseeker is not None:
            rows = rows.where(Introduction.jobseeker_id == jobseeker)
        found = page_of(session, rows, Introduction.id, page, lambda row: row)
        seen = [(row.id, row.jobseeker_id) for row in found.items]
        answer = Page[IntroductionOut](items=actions.replies(session, actor, found.items), next=found.next)
    audit.opened(database, actor, "introductions", seen)
    return answer


@router.post("", status_code=201, responses=REFUSALS)
def propose_introduction(new: NewIntroduction, actor: Maker, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """Put a jobseeker forward for a placement; the social enterprise is not told yet."""
    return _write(actor, database, once, lambda session: actions.propose(session, actor, new))


@router.get("/{introduction_id}", responses=documented(NotFound))
def get_introduction(introduction_id: UUID, actor: Reader, database: DatabaseDep) -> IntroductionOut:
    with database.reading(actor) as session:
        jobseeker_id = queries.introduction(session, actor, introduction_id).jobseeker_id
    audit.opened(database, actor, "introductions", [(introduction_id, jobseeker_id)])
    with database.reading(actor) as session:
        return actions.reply(session, actor, queries.introduction(session, actor, introduction_id))


def _write(
    actor: Actor, database: Database, once: Once, act: Callable[[WriteSession], Introduction]
) -> IntroductionOut:
    with database.writing(actor) as session:
        introduction = once(
            session, actor, lambda: act(session), lambda made: queries.introduction(session, actor, made)
        )
        return actions.reply(session, actor, introduction)


def _move(
    introduction_id: UUID,
    actor: Actor,
    database: Database,
    once: Once,
    event: IntroductionEvent,
) -> IntroductionOut:
    def act(session: WriteSession) -> Introduction:
        introduction = queries.introduction(session, actor, introduction_id, for_update=True)
        return actions.move(session, actor, introduction, event)

    return _write(actor, database, once, act)


def _offer_to_waiting_list(introduction_id: UUID, actor: Actor, database: Database) -> None:
    """Let those who wait for a place have it first, in a transaction of its own: it stands though the offer may not."""
    with database.writing(actor) as session:
        introduction = queries.introduction(session, actor, introduction_id)
        if introduction.state is not IntroductionState.WAITING:
            actions.offer_on(session, actor, introduction.placement_id)


def _refuse(
    introduction_id: UUID,
    actor: Actor,
    database: Database,
    once: Once,
    event: IntroductionEvent,
    no: IntroductionRefusal,
) -> IntroductionOut:
    """Say no, and answer with what comes next."""

    def act(session: WriteSession) -> Introduction:
        introduction = queries.introduction(session, actor, introduction_id, for_update=True)
        told = actions.No(no.why, no.said_by)
        return actions.move(session, actor, introduction, event, reason=no.reason, no=told)

    with database.writing(actor) as session:
        introduction = once(
            session, actor, lambda: act(session), lambda made: queries.introduction(session, actor, made)
        )
        answer = actions.reply(session, actor, introduction)
        return answer.model_copy(update={"next_options": actions.next_options(session, actor, introduction)})


@router.post("/{introduction_id}/agree", responses=REFUSALS)
def agree(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """The jobseeker agrees to be put forward."""
    return _move(introduction_id, actor, database, once, IntroductionEvent.AGREE)


@router.post("/{introduction_id}/send", responses=REFUSALS)
def send(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """Tell the social enterprise what the jobseeker lets it be told; without a permission on record it is refused."""
    return _move(introduction_id, actor, database, once, IntroductionEvent.SEND)


@router.post("/{introduction_id}/invite", responses=REFUSALS)
def invite(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """The social enterprise wants to meet the jobseeker."""
    return _move(introduction_id, actor, database, once, IntroductionEvent.INVITE)


@router.post("/{introduction_id}/offer", responses=REFUSALS)
def offer(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """The social enterprise offers a place, which is held from now; without a free place it is refused."""
    _offer_to_waiting_list(introduction_id, actor, database)
    return _move(introduction_id, actor, database, once, IntroductionEvent.OFFER)


@router.post("/{introduction_id}/accept", responses=REFUSALS)
def accept(
    introduction_id: UUID,
    actor: Mover,
    database: DatabaseDep,
    once: OnceDep,
    acceptance: Annotated[Acceptance | None, Body()] = None,
) -> IntroductionOut:
    """The jobseeker says yes; their other open introductions are settled, unless they keep them.

    What is not sent is withdrawn, an offer elsewhere is given up, and what is before a social enterprise stays only
    while more places are free there than people are in line.
    """

    def act(session: WriteSession) -> Introduction:
        introduction = queries.introduction(session, actor, introduction_id, for_update=True)
        keeps = acceptance is not None and acceptance.keeps_others
        return actions.accept(session, actor, introduction, keeps_others=keeps)

    return _write(actor, database, once, act)


@router.post("/{introduction_id}/wait", responses=REFUSALS)
def put_on_waiting_list(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """The social enterprise would take them, and every place is taken: whoever waits longest gets the next offer."""
    return _move(introduction_id, actor, database, once, IntroductionEvent.WAIT)


@router.post("/{introduction_id}/reconsider", responses=REFUSALS)
def reconsider(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """Whoever said no takes it back; it is before the social enterprise again."""
    return _move(introduction_id, actor, database, once, IntroductionEvent.RECONSIDER)


@router.post("/{introduction_id}/end", responses=REFUSALS)
def end(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """The work is over; its place comes free and is offered to whoever waits longest."""
    return _move(introduction_id, actor, database, once, IntroductionEvent.END)


@router.post("/{introduction_id}/start", responses=REFUSALS)
def start(
    introduction_id: UUID, started: StartedOn, actor: Mover, database: DatabaseDep, once: OnceDep
) -> IntroductionOut:
    """The first day came; the place is filled."""

    def act(session: WriteSession) -> Introduction:
        introduction = queries.introduction(session, actor, introduction_id, for_update=True)
        return actions.move(session, actor, introduction, IntroductionEvent.START, started_on=started.started_on)

    return _write(actor, database, once, act)


@router.post("/{introduction_id}/decline", responses=REFUSALS)
def decline(
    introduction_id: UUID, no: IntroductionRefusal, actor: Mover, database: DatabaseDep, once: OnceDep
) -> IntroductionOut:
    """Either side says no, with a reason; a held place comes free and the next best options are named."""
    return _refuse(introduction_id, actor, database, once, IntroductionEvent.DECLINE, no)


@router.post("/{introduction_id}/withdraw", responses=REFUSALS)
def withdraw(
    introduction_id: UUID, no: IntroductionRefusal, actor: Mover, database: DatabaseDep, once: OnceDep
) -> IntroductionOut:
    return _refuse(introduction_id, actor, database, once, IntroductionEvent.WITHDRAW, no)


@router.post("/{introduction_id}/expire", responses=REFUSALS)
def expire(
    introduction_id: UUID, no: IntroductionRefusal, actor: Mover, database: DatabaseDep, once: OnceDep
) -> IntroductionOut:
    """Nobody answered; a held place comes free."""
    return _refuse(introduction_id, actor, database, once, IntroductionEvent.EXPIRE, no)
