"""Every change to introductions; places are held and filled in the same transaction."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from uuid_utils.compat import uuid7

from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.errors import Conflict, NotPermitted, RuleBroken
from pathways.facts import MoveRefused, destination, possible_events
from pathways.introductions import queries
from pathways.introductions.models import (
    HOLDS_A_PLACE,
    INTRODUCTION_MOVES,
    OPEN,
    WHO_MAY,
    Introduction,
    IntroductionEvent,
    IntroductionMove,
    IntroductionState,
)
from pathways.introductions.schemas import IntroductionOut, NewIntroduction
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.placements import actions as placement_actions
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement, PlacementState
from pathways.shortlists import queries as shortlist_queries
from pathways.shortlists import safety

# The partner's own moves that bring a jobseeker nearer to a placement; the social enterprise's moves tell it nothing.
PUTS_FORWARD = frozenset({IntroductionEvent.AGREE, IntroductionEvent.SEND, IntroductionEvent.ACCEPT})


class IntroductionMoveRefused(MoveRefused):
    title = "The introduction cannot make that move now"


class NotYourMove(NotPermitted):
    title = "This move is the other side's"


class PermissionNeeded(Conflict):
    title = "The jobseeker's permission is not on record"


class IntroducedAlready(Conflict):
    title = "There is an open introduction for this pair"


def propose(session: WriteSession, actor: Actor, new: NewIntroduction) -> Introduction:
    """Put a jobseeker forward for a placement; nobody outside is told yet."""
    person = jobseeker_queries.jobseeker(session, actor, new.jobseeker_id)
    jobseeker_actions.must_be_open(person)
    placement = placement_queries.placement(session, actor, new.placement_id)
    if placement.state is not PlacementState.PUBLISHED:
        raise RuleBroken(f"The placement is {placement.state}.", pointer="/placement_id")
    safety.must_not_be_excluded(session, person, placement)
    if new.shortlist_id is not None:
        shortlist = shortlist_queries.shortlist(session, actor, new.shortlist_id)
        if shortlist.jobseeker_id not in {person.id, None}:
            raise RuleBroken("This shortlist is another jobseeker's.", pointer="/shortlist_id")
    pair = select(Introduction.id).where(
        Introduction.partner_id == person.partner_id,
        Introduction.jobseeker_id == person.id,
        Introduction.placement_id == placement.id,
        Introduction.state.in_(OPEN),
    )
    if session.scalars(pair).first() is not None:
        raise IntroducedAlready("Go on with that one, or withdraw it first.")
    introduction = Introduction(
        id=uuid7(),
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        placement_id=placement.id,
        social_enterprise_id=placement.social_enterprise_id,
        shortlist_id=new.shortlist_id,
        state=IntroductionState.PROPOSED,
        made_at=actor.at,
    )
    session.add(introduction)
    session.flush()  # its log points to it
    session.add(_move_row(actor, introduction, "propose", None, IntroductionState.PROPOSED, actor.today, ""))
    session.flush()  # the reply reads it
    return introduction


def _move_row(
    actor: Actor,
    introduction: Introduction,
    event: str,
    from_state: IntroductionState | None,
    to_state: IntroductionState,
    on: date,
    reason: str,
) -> IntroductionMove:
    return IntroductionMove.recorded(
        actor,
        on,
        partner_id=introduction.partner_id,
        jobseeker_id=introduction.jobseeker_id,
        introduction_id=introduction.id,
        made_by_role=actor.role.value,
        event=event,
        from_state=from_state.value if from_state else None,
        to_state=to_state.value,
        reason=reason,
    )


def move(
    session: WriteSession,
    actor: Actor,
    introduction: Introduction,
    event: IntroductionEvent,
    *,
    reason: str = "",
    started_on: date | None = None,
) -> Introduction:
    """Make one move of the table, with what it does to the place: held at the offer, filled at the start."""
    if actor.role not in WHO_MAY[event]:
        raise NotYourMove(f"The role {actor.role} may not {event} an introduction.")
    if event in PUTS_FORWARD:
        person = session.get_one(Jobseeker, introduction.jobseeker_id)
        safety.must_not_be_excluded(session, person, session.get_one(Placement, introduction.placement_id))
    from_state = introduction.state
    to_state = destination(INTRODUCTION_MOVES, from_state, event, IntroductionMoveRefused)
    on = actor.today
    if to_state in {*OPEN, IntroductionState.STARTED}:
        jobseeker_actions.must_be_open(session.get_one(Jobseeker, introduction.jobseeker_id))
    if event is IntroductionEvent.SEND:
        _must_be_sendable(session, introduction)
        introduction.sent_at = actor.at
    elif event is IntroductionEvent.OFFER:
        placement_actions.hold_place(session, actor, introduction.placement_id, introduction.id)
    elif event is IntroductionEvent.START:
        on = _start_day(actor, started_on)
        placement_actions.fill_place(session, actor, introduction.id)
        introduction.started_on = on
    elif to_state not in OPEN and from_state in {*HOLDS_A_PLACE, IntroductionState.STARTED}:
        placement_actions.free_place(session, actor, introduction.id)
        introduction.started_on = None
    session.add(_move_row(actor, introduction, event.value, from_state, to_state, on, reason))
    introduction.state = to_state
    session.flush()  # so that the reply carries the new version
    return introduction


def _start_day(actor: Actor, started_on: date | None) -> date:
    if started_on is None:
        return actor.today
    if started_on > actor.today:
        raise RuleBroken("A start is recorded when it has happened; this day has not come.", pointer="/started_on")
    return started_on


def _must_be_sendable(session: Session, introduction: Introduction) -> None:
    """Nothing leaves without the jobseeker's permission for this social enterprise on record."""
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    jobseeker_actions.must_be_open(person)
    placement = session.get_one(Placement, introduction.placement_id)
    if placement.state is not PlacementState.PUBLISHED:
        raise RuleBroken(f"The placement is {placement.state} now.")
    permission = jobseeker_queries.permission_for(session, person, introduction.social_enterprise_id)
    if not jobseeker_queries.granted_groups(permission):
        raise PermissionNeeded(
            "Ask the jobseeker what this social enterprise may be told, record it under permissions, then send."
        )


def withdraw_open(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """Withdraw every open introduction of a case that closes; their places come free."""
    _withdraw(session, actor, person, reason, OPEN)


def withdraw_all(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """Withdraw what a record that was a mistake led to, also what had started."""
    _withdraw(session, actor, person, reason, (*OPEN, IntroductionState.STARTED))


def _withdraw(
    session: WriteSession, actor: Actor, person: Jobseeker, reason: str, states: tuple[IntroductionState, ...]
) -> None:
    for introduction in queries.in_states(session, person, states):
        session.refresh(introduction, with_for_update=True)
        move(session, actor, introduction, IntroductionEvent.WITHDRAW, reason=reason)


def shown(session: Session, actor: Actor, introduction: Introduction) -> IntroductionOut:
    """Return an introduction as this side may see it."""
    return shown_all(session, actor, [introduction])[0]


def shown_all(session: Session, actor: Actor, introductions: Sequence[Introduction]) -> list[IntroductionOut]:
    """Return introductions as this side may see them, with what stands beside them in one look-up for all."""
    beside = queries.beside(session, introductions)
    granted = queries.granted(session, actor, introductions)
    shapes = []
    for introduction in introductions:
        row = beside[introduction.id]
        seen = queries.visible_groups(actor, introduction, row, granted.get(introduction.jobseeker_id, frozenset()))
        shapes.append(_shaped(actor, introduction, row).shown(seen))
    return shapes


def _shaped(actor: Actor, introduction: Introduction, row: Any) -> IntroductionOut:
    columns = {column.key: getattr(row, column.key) for column in (*queries.OF_DETAILS, *queries.OF_PROFILE)}
    columns["right_to_work"] = row.right_to_work.value if row.right_to_work else None
    events = [
        event.value for event in possible_events(INTRODUCTION_MOVES, introduction.state) if actor.role in WHO_MAY[event]
    ]
    return IntroductionOut(
        **columns,
        id=introduction.id,
        state=introduction.state,
        placement_id=introduction.placement_id,
        title=row.title,
        social_enterprise_id=introduction.social_enterprise_id,
        social_enterprise=row.social_enterprise,
        partner=row.partner,
        jobseeker_id=introduction.jobseeker_id,
        jobseeker_reference=row.reference,
        shortlist_id=introduction.shortlist_id,
        made_at=introduction.made_at,
        sent_at=introduction.sent_at,
        held_until=row.held_until,
        started_on=introduction.started_on,
        last_reason=row.last_reason or None,
        possible_events=events,
        version=introduction.version,
    )
