"""Every change to introductions; places are held and filled in the same transaction."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from pathways.base import Actor, Role
from pathways.database import Session, WriteSession, acting_as
from pathways.errors import Conflict, RuleBroken
from pathways.facts import MoveRefused, NotYourMove, destination, possible_events
from pathways.introductions import queries
from pathways.introductions.models import (
    HOLDS_A_PLACE,
    INTRODUCTION_MOVES,
    OPEN,
    SAYS_NO,
    WHO_MAY,
    Introduction,
    IntroductionEvent,
    IntroductionMove,
    IntroductionState,
    Side,
    WhyNot,
)
from pathways.introductions.reasons import WORDINGS, reasons_for
from pathways.introductions.schemas import IntroductionOut, NewIntroduction, NextOption, WordsOf
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.placements import actions as placement_actions
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement, PlacementState
from pathways.shortlists import queries as shortlist_queries
from pathways.shortlists import safety

# The partner's own moves that bring a jobseeker nearer to a placement; the social enterprise's moves tell it nothing.
PUTS_FORWARD = frozenset(
    {IntroductionEvent.AGREE, IntroductionEvent.SEND, IntroductionEvent.ACCEPT, IntroductionEvent.RECONSIDER}
)
OFFERED_ON = "introduction:offer_on"
OPTIONS = 3  # what comes next on the shortlist, after a no


class IntroductionMoveRefused(MoveRefused):
    title = "The introduction cannot make that move now"


class PermissionNeeded(Conflict):
    title = "The jobseeker's permission is not on record"


@dataclass(frozen=True, slots=True)
class No:
    """A reason for a no, and whose it is; by default of the side that makes the move."""

    why: WhyNot
    said_by: Side | None = None


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
    if queries.open_of_pair(session, person.partner_id, person.id, placement.id):
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
    session.add(_move_row(actor, introduction, "propose", None, IntroductionState.PROPOSED, actor.today))
    session.flush()  # the reply reads it
    return introduction


def _move_row(
    actor: Actor,
    introduction: Introduction,
    event: str,
    from_state: IntroductionState | None,
    to_state: IntroductionState,
    on: date,
    *,
    reason: str = "",
    no: No | None = None,
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
        why=no.why if no is not None else None,
        said_by=no.said_by if no is not None else None,
    )


def move(
    session: WriteSession,
    actor: Actor,
    introduction: Introduction,
    event: IntroductionEvent,
    *,
    reason: str = "",
    no: No | None = None,
    started_on: date | None = None,
    offers_on: bool = True,
) -> Introduction:
    """Make one move of the table, with what it does to the place: held at the offer, filled at the start.

    Whoever frees a place lets whoever waits longest for it have the offer, as the social enterprise decided when it
    put them on the list.
    """
    if actor.role not in WHO_MAY[event]:
        raise NotYourMove(f"The role {actor.role} may not {event} an introduction.")
    if event is IntroductionEvent.RECONSIDER:
        _must_be_reconsiderable(session, actor, introduction)
    elif event in PUTS_FORWARD:
        _must_not_be_excluded(session, introduction)
    from_state = introduction.state
    to_state = destination(INTRODUCTION_MOVES, from_state, event, IntroductionMoveRefused)
    no = _no(actor, event, no)
    if to_state in {*OPEN, IntroductionState.STARTED}:
        jobseeker_actions.must_be_open(session.get_one(Jobseeker, introduction.jobseeker_id))
    on = _start_day(actor, started_on) if event is IntroductionEvent.START else actor.today
    if event is IntroductionEvent.SEND:
        _must_be_sendable(session, introduction)
        introduction.sent_at = actor.at
    is_freed = _settle_place(session, actor, introduction, event, to_state)
    if event is IntroductionEvent.START:
        introduction.started_on = on
    elif to_state is not IntroductionState.ENDED:
        introduction.started_on = None
    session.add(_move_row(actor, introduction, event.value, from_state, to_state, on, reason=reason, no=no))
    introduction.waiting_since = actor.at if to_state is IntroductionState.WAITING else None
    introduction.state = to_state
    session.flush()  # so that the reply carries the new version
    _notify_other_side(session, actor, introduction, event)
    if is_freed and offers_on:
        offer_on(session, actor, introduction.placement_id)
    return introduction


def _must_not_be_excluded(session: Session, introduction: Introduction) -> None:
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    safety.must_not_be_excluded(session, person, session.get_one(Placement, introduction.placement_id))


def _notify_other_side(
    session: WriteSession, actor: Actor, introduction: Introduction, event: IntroductionEvent
) -> None:
    """Tell the other side at once of what it is to decide on."""
    about, occasion = ("introductions", introduction.id), f"{actor.at.isoformat()}"
    if event in {IntroductionEvent.SEND, IntroductionEvent.RECONSIDER}:
        message_actions.notify_roles(
            session,
            actor,
            introduction.social_enterprise_id,
            [Role.PLACEMENT_LISTER],
            NoticeKind.INTRODUCTION_SENT,
            about=about,
            occasion=occasion,
        )
    elif event is IntroductionEvent.OFFER and (actor.role is Role.PLACEMENT_LISTER or actor.doing == OFFERED_ON):
        person = session.get_one(Jobseeker, introduction.jobseeker_id)
        message_actions.notify_owner(
            session,
            actor,
            introduction.partner_id,
            person.caseworker_id,
            NoticeKind.OFFER_MADE,
            about=about,
            occasion=occasion,
        )


def _settle_place(
    session: WriteSession,
    actor: Actor,
    introduction: Introduction,
    event: IntroductionEvent,
    to_state: IntroductionState,
) -> bool:
    """Do what a move does to the place of an introduction; say whether one came free."""
    if event is IntroductionEvent.WAIT and placement_queries.places_left(session, introduction.placement_id):
        raise IntroductionMoveRefused("There is a free place: make the offer.", possible=["offer"])
    if event is IntroductionEvent.OFFER:
        placement_actions.hold_place(session, actor, introduction.placement_id, introduction.id)
    elif event is IntroductionEvent.START:
        placement_actions.fill_place(session, actor, introduction.id)
    elif to_state not in OPEN and introduction.state in {*HOLDS_A_PLACE, IntroductionState.STARTED}:
        placement_actions.free_place(session, actor, introduction.id)
        return True
    return False


def _no(actor: Actor, event: IntroductionEvent, no: No | None) -> No | None:
    """Return the reason of a move that says no, on the side it is of; refuse one which that side cannot give."""
    if event not in SAYS_NO:
        return None
    told = no or No(WhyNot.OTHER)
    if actor.role is Role.PLACEMENT_LISTER:
        side = Side.SOCIAL_ENTERPRISE
        if told.said_by not in {None, side}:
            raise RuleBroken("You speak for the social enterprise.", pointer="/said_by")
    else:
        side = told.said_by or (Side.JOBSEEKER if event is IntroductionEvent.DECLINE else Side.PARTNER)
    if side not in WORDINGS[told.why].said_by:
        possible = ", ".join(reasons_for(side))
        raise RuleBroken(f"This is no reason of the {side.replace('_', ' ')}: {possible}.", pointer="/why")
    return No(told.why, side)


def _must_be_reconsiderable(session: Session, actor: Actor, introduction: Introduction) -> None:
    """Whoever said no may take it back, and the partner may record that somebody did; as if it were sent again."""
    if introduction.sent_at is None:
        raise IntroductionMoveRefused("It was never sent. Propose it anew.", possible=[])
    if actor.role is Role.PLACEMENT_LISTER:
        last = queries.last_no(session, introduction)
        if last is None or last.said_by is not Side.SOCIAL_ENTERPRISE:
            raise NotYourMove("The other side said no; ask its partner.")
    try:
        _must_not_be_excluded(session, introduction)
        _must_be_sendable(session, introduction)
    except Conflict as kept_back:
        if actor.role is not Role.PLACEMENT_LISTER:
            raise
        # Why it cannot be is the jobseeker's own: a safety exclusion, a permission taken back, a case that closed.
        raise NotYourMove("It cannot be taken up again from here. Ask its partner.") from kept_back
    if queries.open_of_pair(session, introduction.partner_id, introduction.jobseeker_id, introduction.placement_id):
        raise IntroducedAlready("Go on with that one.")


def offer_on(session: WriteSession, actor: Actor, placement_id: UUID) -> list[Introduction]:
    """Offer free places to those who wait for one, longest first; each in the name of whoever put them on the list."""
    offered: list[Introduction] = []
    passed: set[UUID] = set()
    placement = session.get_one(Placement, placement_id)
    while placement.state is PlacementState.PUBLISHED and placement_queries.places_left(session, placement_id):
        waiting = queries.first_on_waiting_list(session, placement_id, passed)
        if waiting is None:
            break
        passed.add(waiting.id)
        if waiting.state is not IntroductionState.WAITING:
            continue  # somebody else was quicker
        row = queries.put_on_the_list(session, waiting)
        role = Role(row.made_by_role)
        own = waiting.social_enterprise_id if role is Role.PLACEMENT_LISTER else waiting.partner_id
        for_them = actor.then(user_id=row.by, organisation_id=own, role=role, membership_id=None, doing=OFFERED_ON)
        try:
            _must_not_be_excluded(session, waiting)
            with acting_as(session, for_them):
                move(session, for_them, waiting, IntroductionEvent.OFFER, reason="A place came free.")
        except Conflict:
            continue  # the case is closed, or the place is gone again
        offered.append(waiting)
    return offered


def accept(session: WriteSession, actor: Actor, introduction: Introduction, *, keeps_others: bool) -> Introduction:
    """The jobseeker says yes; their other open introductions are settled, unless they go on with several.

    What is not sent yet is withdrawn. An offer elsewhere is given up, so that its place is free for others. What is
    before a social enterprise stays as long as it takes nothing from anybody: there are more free places than people
    in line. Another place that was accepted stays: somebody may work at two.
    """
    move(session, actor, introduction, IntroductionEvent.ACCEPT)
    if keeps_others:
        return introduction
    freed = set()
    for other in queries.others_open(session, introduction):
        session.refresh(other, with_for_update=True)
        if other.state not in OPEN or other.state is IntroductionState.ACCEPTED:
            continue
        if other.sent_at is not None and other.state is not IntroductionState.OFFERED:
            line = queries.in_line(session, other.placement_id)
            if placement_queries.places_left(session, other.placement_id) >= line:
                continue
        if other.state is IntroductionState.OFFERED:
            freed.add(other.placement_id)
        no = No(WhyNot.ANOTHER_PLACE, Side.JOBSEEKER)
        move(session, actor, other, IntroductionEvent.WITHDRAW, no=no, offers_on=False)
    for placement_id in sorted(freed):  # when all of one's own is settled: what is offered on is other people's
        offer_on(session, actor, placement_id)
    return introduction


def next_options(session: Session, actor: Actor, introduction: Introduction) -> list[NextOption]:
    """Return what comes next on the shortlist after a no, where the jobseeker may be sent."""
    if actor.role is Role.PLACEMENT_LISTER or introduction.shortlist_id is None:
        return []
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    found: list[NextOption] = []
    for row in queries.next_on_the_shortlist(session, introduction, actor.today, OPTIONS * 2):
        with suppress(safety.ExcludedForSafety):
            safety.must_not_be_excluded(session, person, row.Placement)
            found.append(
                NextOption(
                    placement_id=row.Placement.id,
                    title=row.Placement.title,
                    rank=row.rank,
                    places_left=row.places_left,
                )
            )
    return found[:OPTIONS]


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


def vacate(session: WriteSession, actor: Actor, introduction_id: UUID) -> None:
    """The work that came of an introduction is over: its place comes free and is offered on."""
    introduction = session.get_one(Introduction, introduction_id, with_for_update=True, populate_existing=True)
    if introduction.state is IntroductionState.STARTED:
        move(session, actor, introduction, IntroductionEvent.END)


def withdraw_open(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """Withdraw every open introduction of a case that closes; their places come free."""
    _withdraw(session, actor, person, reason, OPEN, No(WhyNot.CASE_CLOSED, Side.PARTNER))


def withdraw_all(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """Withdraw what a record that was a mistake led to, also what had started."""
    no = No(WhyNot.MISTAKE, Side.PARTNER)
    _withdraw(session, actor, person, reason, (*OPEN, IntroductionState.STARTED), no)


def _withdraw(
    session: WriteSession, actor: Actor, person: Jobseeker, reason: str, states: tuple[IntroductionState, ...], no: No
) -> None:
    for introduction in queries.in_states(session, person, states):
        session.refresh(introduction, with_for_update=True)
        move(session, actor, introduction, IntroductionEvent.WITHDRAW, reason=reason, no=no)


def reply(session: Session, actor: Actor, introduction: Introduction) -> IntroductionOut:
    """Return an introduction as this side may see it."""
    return replies(session, actor, [introduction])[0]


def replies(session: Session, actor: Actor, introductions: Sequence[Introduction]) -> list[IntroductionOut]:
    """Return introductions as this side may see them, with what stands beside them in one look-up for all."""
    beside = queries.reply_facts(session, introductions)
    granted = queries.granted(session, actor, introductions)
    positions = queries.before_them(session, introductions)
    shapes = []
    for introduction in introductions:
        row = beside[introduction.id]
        seen = queries.visible_groups(actor, introduction, row, granted.get(introduction.jobseeker_id, frozenset()))
        shapes.append(_shaped(actor, introduction, row, positions.get(introduction.id)).limited_to(seen))
    return shapes


def _shaped(actor: Actor, introduction: Introduction, row: Any, position: int | None) -> IntroductionOut:
    columns = {column.key: getattr(row, column.key) for column in (*queries.OF_DETAILS, *queries.OF_PROFILE)}
    columns["right_to_work"] = row.right_to_work.value if row.right_to_work else None
    events = [
        event.value for event in possible_events(INTRODUCTION_MOVES, introduction.state) if actor.role in WHO_MAY[event]
    ]
    wording = WORDINGS[row.why] if row.why is not None else None
    outside = actor.role is Role.PLACEMENT_LISTER and row.said_by is not Side.SOCIAL_ENTERPRISE
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
        why=row.why,
        said_by=row.said_by,
        words=WordsOf(jobseeker=wording.jobseeker, referrer=wording.referrer, social_enterprise=wording.outside)
        if wording
        else None,
        why_not=(wording.outside if outside else wording.referrer) if wording else None,
        waiting_position=position,
        possible_events=events,
        version=introduction.version,
    )
