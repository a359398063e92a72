"""Routes for introductions. Those for a start, an end and a withdrawal are in ``progression``, with the spells."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query

from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, must_hold_too, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor, Role
from pathways.database import Database, WriteSession
from pathways.errors import Conflict, NotFound
from pathways.idempotency import Once
from pathways.introductions import actions, closing, feedback, queries, reopening
from pathways.introductions.models import REFUSED, Introduction, IntroductionEvent, IntroductionState, StartFeedback
from pathways.introductions.schemas import (
    Acceptance,
    FeedbackOut,
    IntroductionOut,
    IntroductionRefusal,
    NewFeedback,
    NewIntroduction,
    SafetyConfirmation,
)
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
    """List introductions with the fields your side may see. A social enterprise sees only introductions sent to it."""
    with database.reading(actor) as session:
        rows = queries.visible_to(actor)
        if state is not None:
            rows = rows.where(Introduction.state == state)
        if placement is not None:
            rows = rows.where(Introduction.placement_id == placement)
        if jobseeker is not None:
            rows = rows.where(Introduction.jobseeker_id == jobseeker)
        listed = page_of(session, rows, Introduction.id, page, lambda row: row)
        return Page[IntroductionOut](items=actions.replies(session, actor, listed.items), next=listed.next)


@router.post("", status_code=201, responses=REFUSALS)
def propose_introduction(new: NewIntroduction, actor: Maker, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """Propose a jobseeker for a published placement. The social enterprise sees the introduction once it is sent.

    Refused if a safety exclusion applies, or if the jobseeker already has an open introduction for the placement. If a
    safety exclusion cannot be checked against the placement, `safety_check` must say how you made sure. With `send`,
    the key also needs the permission for the steps of an introduction.
    """
    if new.send:
        must_hold_too(actor, Permission.INTRODUCTION_MOVE)
    return _write(actor, database, once, lambda session: actions.propose(session, actor, new))


@router.get("/{introduction_id}", responses=documented(NotFound))
def get_introduction(introduction_id: UUID, actor: Reader, database: DatabaseDep) -> IntroductionOut:
    """Return one introduction with the fields your side may see. Each read is recorded in the access log."""
    with database.reading(actor) as session:
        introduction = queries.introduction(session, actor, introduction_id)
        answer = actions.reply(session, actor, introduction)
        if introduction.state not in REFUSED or actor.role is Role.PLACEMENT_LISTER:
            return answer
        return answer.model_copy(update={"next_options": actions.next_options(session, actor, introduction)})


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
    """Offer free places to the waiting list first. These offers stay committed if the actor's offer then fails."""
    with database.reading(actor, newest=True) as session:
        introduction = queries.introduction(session, actor, introduction_id)
    if introduction.state is not IntroductionState.WAITING:
        actions.offer_on(database, actor, introduction.placement_id)


def _refuse(
    introduction_id: UUID,
    actor: Actor,
    database: Database,
    once: Once,
    event: IntroductionEvent,
    no: IntroductionRefusal,
) -> IntroductionOut:
    """End an introduction without a start. The reply lists the next placements on the shortlist."""

    def act(session: WriteSession) -> Introduction:
        introduction = queries.introduction(session, actor, introduction_id, for_update=True)
        given = actions.No(no.why, no.said_by)
        return actions.move(session, actor, introduction, event, reason=no.reason, no=given)

    with database.writing(actor) as session:
        introduction = once(
            session, actor, lambda: act(session), lambda made: queries.introduction(session, actor, made)
        )
        answer = actions.reply(session, actor, introduction)
        return answer.model_copy(update={"next_options": actions.next_options(session, actor, introduction)})


@router.post("/{introduction_id}/confirm-safety", responses=REFUSALS)
def confirm_safety(
    introduction_id: UUID, found: SafetyConfirmation, actor: Maker, database: DatabaseDep, once: OnceDep
) -> IntroductionOut:
    """Record how you made sure that the placement is safe, where a safety exclusion cannot be checked against it.

    Until then the introduction is stopped. Refused if a safety exclusion covers the placement.
    """

    def act(session: WriteSession) -> Introduction:
        introduction = queries.introduction(session, actor, introduction_id, for_update=True)
        return reopening.confirm_safety(session, actor, introduction, found.reason)

    return _write(actor, database, once, act)


@router.post("/{introduction_id}/agree", responses=REFUSALS)
def agree(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """Record that the jobseeker agrees to be put forward. Only the partner may do this."""
    return _move(introduction_id, actor, database, once, IntroductionEvent.AGREE)


@router.post("/{introduction_id}/send", responses=REFUSALS)
def send(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """Send the introduction to the social enterprise, which sees only what the jobseeker has agreed to share.

    Only the partner may do this. Refused if no permission from the jobseeker is on record.
    """
    return _move(introduction_id, actor, database, once, IntroductionEvent.SEND)


@router.post("/{introduction_id}/invite", responses=REFUSALS)
def invite(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """Record that the social enterprise wants to meet the jobseeker."""
    return _move(introduction_id, actor, database, once, IntroductionEvent.INVITE)


@router.post("/{introduction_id}/offer", responses=REFUSALS)
def offer(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """Offer a place and hold it for the jobseeker. Refused if no place is free.

    Free places are offered to the jobseekers on the waiting list before they are offered to this jobseeker.
    """
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
    """Record that the jobseeker accepts the offer. Only the partner may do this.

    Unless `keeps_others` is true, the jobseeker's other offers and unsent introductions are withdrawn. Another
    introduction awaiting an offer is withdrawn if its placement has fewer free places than jobseekers awaiting one.
    Refused if the placement was closed after the offer, unless `although_closed` is true.
    """

    def act(session: WriteSession) -> Introduction:
        introduction = queries.introduction(session, actor, introduction_id, for_update=True)
        said = acceptance or Acceptance()
        closing.must_be_there(session, introduction, although_closed=said.although_closed)
        return actions.accept(session, actor, introduction, keeps_others=said.keeps_others)

    return _write(actor, database, once, act)


@router.post("/{introduction_id}/wait", responses=REFUSALS)
def put_on_waiting_list(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """Put the jobseeker on the placement's waiting list. Refused while a place is free.

    When a place becomes free, the jobseeker who has waited longest gets the offer.
    """
    return _move(introduction_id, actor, database, once, IntroductionEvent.WAIT)


@router.post("/{introduction_id}/reconsider", responses=REFUSALS)
def reconsider(introduction_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> IntroductionOut:
    """Reopen an introduction that was sent, then declined, withdrawn or expired. The social enterprise decides again.

    A social enterprise may reopen only an introduction that it ended. Refused if the introduction cannot be sent now.
    """
    return _move(introduction_id, actor, database, once, IntroductionEvent.RECONSIDER)


@router.post("/{introduction_id}/decline", responses=REFUSALS)
def decline(
    introduction_id: UUID, no: IntroductionRefusal, actor: Mover, database: DatabaseDep, once: OnceDep
) -> IntroductionOut:
    """Decline the introduction for either side, with a reason.

    If a place was held, it becomes free. The reply to a partner lists the next placements on the shortlist.
    """
    return _refuse(introduction_id, actor, database, once, IntroductionEvent.DECLINE, no)


@router.post("/{introduction_id}/expire", responses=REFUSALS)
def expire(
    introduction_id: UUID, no: IntroductionRefusal, actor: Mover, database: DatabaseDep, once: OnceDep
) -> IntroductionOut:
    """Record that the introduction expired without an answer. Only the partner may do this.

    If a place was held, it becomes free.
    """
    return _refuse(introduction_id, actor, database, once, IntroductionEvent.EXPIRE, no)


@router.post("/{introduction_id}/feedback", status_code=201, responses=REFUSALS)
def give_feedback(
    introduction_id: UUID, new: NewFeedback, actor: Mover, database: DatabaseDep, once: OnceDep
) -> FeedbackOut:
    """Say how the work of a jobseeker goes who has started with you. Only the social enterprise may do this.

    The jobseeker's caseworker is notified. If you ask for a call or the work is at risk, it waits on the worklist.
    """
    with database.writing(actor) as session:
        introduction = queries.introduction(session, actor, introduction_id, for_update=True)
        given = once(
            session,
            actor,
            lambda: feedback.give(session, actor, introduction, new),
            lambda made: session.get_one(StartFeedback, made),
        )
        return feedback.replies(session, actor, introduction, [given])[0]


@router.get("/{introduction_id}/feedback", responses=documented(NotFound))
def list_feedback(introduction_id: UUID, actor: Reader, database: DatabaseDep, page: PageDep) -> Page[FeedbackOut]:
    """List what the social enterprise said about the work. The social enterprise does not read its notes again."""
    with database.reading(actor) as session:
        introduction = queries.introduction(session, actor, introduction_id)
        rows = feedback.of_introduction(introduction)
        listed = page_of(session, rows, StartFeedback.id, page, lambda row: row)
        return Page[FeedbackOut](items=feedback.replies(session, actor, introduction, listed.items), next=listed.next)
