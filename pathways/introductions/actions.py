"""Every change to introductions. The place is held, filled or freed in the same transaction as the move."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import update
from uuid_utils.compat import uuid7

from pathways.base import Actor, Role
from pathways.database import Database, Session, WriteSession, acting_as, after_commit
from pathways.errors import Conflict, RuleBroken
from pathways.facts import MoveRefused, NotYourMove, destination, possible_events
from pathways.introductions import notifying, queries, start_questions, stops
from pathways.introductions.models import (
    HOLDS_A_PLACE,
    INTRODUCTION_MOVES,
    OPEN,
    SAYS_NO,
    WHO_MAY,
    DecisionLink,
    Introduction,
    IntroductionEvent,
    IntroductionMove,
    IntroductionState,
    Side,
    WhyNot,
    steps_of,
)
from pathways.introductions.reasons import WORDINGS, reasons_for
from pathways.introductions.schemas import IntroductionOut, NewIntroduction, NextOption, StartedOn, WordsOf
from pathways.introductions.start_questions import StartAnswers
from pathways.introductions.stops import Stop
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.messages import actions as message_actions
from pathways.placements import actions as placement_actions
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement, PlacementState
from pathways.shortlists import queries as shortlist_queries
from pathways.shortlists import safety
from pathways.shortlists.benefits_told import flags_of
from pathways.shortlists.profiles import benefit_rules
from pathways.shortlists.safety import Safety

# The partner's moves towards a placement, which a safety exclusion or an unanswered safety check refuses.
PUTS_FORWARD = frozenset(
    {
        IntroductionEvent.AGREE,
        IntroductionEvent.SEND,
        IntroductionEvent.INVITE,
        IntroductionEvent.WAIT,
        IntroductionEvent.OFFER,
        IntroductionEvent.ACCEPT,
        IntroductionEvent.START,
    }
)
NOBODY_NOTIFIED = (
    "Nobody at the social enterprise has an account, so nobody there was notified. Contact the social enterprise"
    " yourself, and record its answer."
)
OPTIONS = 3  # the number of further placements listed when an introduction ends without a start


class IntroductionMoveRefused(MoveRefused):
    title = "This step is not possible for the introduction now"


class PermissionNeeded(Conflict):
    title = "No permission from the jobseeker is on record"
    is_audited = True


@dataclass(frozen=True, slots=True)
class No:
    """Why an introduction ends without a start. If ``said_by`` is None, ``_checked_reason`` sets the side.

    With ``notifies`` false, the other side is not notified.
    """

    why: WhyNot
    said_by: Side | None = None
    notifies: bool = True


class IntroducedAlready(Conflict):
    title = "This jobseeker already has an open introduction for this placement"


def propose(session: WriteSession, actor: Actor, new: NewIntroduction) -> Introduction:
    """Put a jobseeker forward for a placement. The social enterprise sees the introduction only once it is sent.

    With ``new.send``, the jobseeker has agreed and it is sent at once; refused as a whole without a permission.
    """
    person = jobseeker_queries.jobseeker(session, actor, new.jobseeker_id)
    jobseeker_queries.hold(session, person.id)  # an exclusion recorded at the same moment is seen, or sees this
    jobseeker_actions.must_be_open(person)
    placement = placement_queries.placement(session, actor, new.placement_id)
    if placement.state is not PlacementState.PUBLISHED:
        raise RuleBroken(f"The placement is {placement.state}. Choose a published placement.", pointer="/placement_id")
    if new.safety_check:
        safety.review(session, actor, person, placement, new.safety_check)
    safety.must_be_safe(session, person, placement)
    if new.shortlist_id is not None:
        shortlist = shortlist_queries.shortlist(session, actor, new.shortlist_id)
        if shortlist.jobseeker_id not in {person.id, None}:
            raise RuleBroken(
                "This shortlist belongs to another jobseeker. Choose a shortlist of the jobseeker you introduce.",
                pointer="/shortlist_id",
            )
    if queries.open_of_pair(session, person.partner_id, person.id, placement.id):
        raise IntroducedAlready("Continue with the open introduction, or withdraw it first.")
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
    session.flush()  # the move row has a foreign key to the introduction
    session.add(_move_row(actor, introduction, "propose", None, IntroductionState.PROPOSED))
    session.flush()  # the reply reads the move row
    if new.send:
        move(session, actor, introduction, IntroductionEvent.AGREE)
        move(session, actor, introduction, IntroductionEvent.SEND)
    return introduction


def _move_row(
    actor: Actor,
    introduction: Introduction,
    event: str,
    from_state: IntroductionState | None,
    to_state: IntroductionState,
    *,
    reason: str = "",
    no: No | None = None,
    answers: StartAnswers | None = None,
) -> IntroductionMove:
    of_start = asdict(answers) if answers is not None else {}
    return IntroductionMove.recorded(
        actor,
        of_start.pop("started_on", actor.today),
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
        **of_start,
    )


def move(
    session: WriteSession,
    actor: Actor,
    introduction: Introduction,
    event: IntroductionEvent,
    *,
    reason: str = "",
    no: No | None = None,
    start: StartedOn | None = None,
) -> Introduction:
    """Make one move listed in INTRODUCTION_MOVES. An offer holds a place, a start fills it and an ending frees it.

    The caller has locked the jobseeker, then the introduction. After the commit a freed place is offered to the
    introduction that has waited longest; no new decision is needed. Refuses a role that may not make the move, and a
    move that the state does not allow. Refuses to send without permission. Refuses a move towards the placement if a
    protective fact stops the introduction (``stops.py``). Refuses a start that leaves a question without an answer
    (``start_questions.py``). ``progression.starting`` makes
    the spell of a start, so every start and every withdrawal by a member goes through it.
    """
    _must_be_allowed(session, actor, introduction, event)
    from_state = introduction.state
    to_state = destination(INTRODUCTION_MOVES, from_state, event, IntroductionMoveRefused, allowed=steps_of(actor.role))
    no = _checked_reason(actor, event, no)
    if to_state in {*OPEN, IntroductionState.STARTED}:
        jobseeker_actions.must_be_open(session.get_one(Jobseeker, introduction.jobseeker_id))
    answers = None
    if event is IntroductionEvent.START:
        answers = start_questions.answers(session, actor, introduction, start or StartedOn(started_on=actor.today))
    if event is IntroductionEvent.SEND:
        _must_be_sendable(session, introduction)
        introduction.sent_at = actor.at
    is_freed = _settle_place(session, actor, introduction, event, to_state)
    if answers is not None:
        introduction.started_on = answers.started_on
    elif to_state is not IntroductionState.ENDED:
        introduction.started_on = None
    session.add(
        _move_row(actor, introduction, event.value, from_state, to_state, reason=reason, no=no, answers=answers)
    )
    introduction.waiting_since = actor.at if to_state is IntroductionState.WAITING else None
    introduction.state = to_state
    session.flush()  # increases the version number, which the reply returns
    message_actions.settle(session, actor, introduction.id, notifying.ASK_FOR_A_STEP)
    if to_state not in OPEN:
        end_links(session, [introduction.id], actor.at)
    if no is None or no.notifies:
        notifying.notify_other_side(session, actor, introduction, event)
    if is_freed:
        offer_after_commit(session, actor, introduction.placement_id)
    return introduction


def _must_be_allowed(session: Session, actor: Actor, introduction: Introduction, event: IntroductionEvent) -> None:
    """Refuse a move that the role may not make, or that a protective fact stops."""
    if actor.role not in WHO_MAY[event]:
        raise NotYourMove(
            f"Your role ({actor.role.replace('_', ' ')}) does not allow the step '{event}' of an introduction."
            " Ask the jobseeker's caseworker."
        )
    if event is IntroductionEvent.RECONSIDER:
        _must_be_reconsiderable(session, actor, introduction)
    else:
        _must_not_be_stopped(session, actor, introduction, event)


def _must_not_be_stopped(session: Session, actor: Actor, introduction: Introduction, event: IntroductionEvent) -> None:
    """Refuse a move that a protective fact stops. A social enterprise does not learn which fact, or that there is one.

    The same sentence answers it for a closed case, a revoked permission and a safety exclusion.
    """
    if actor.role is Role.PLACEMENT_LISTER:
        if event not in stops.STILL_POSSIBLE and stops.stop_of(session, introduction) is not None:
            raise NotYourMove("This introduction is not open to you now. Contact the partner.")
    elif event in PUTS_FORWARD:
        _must_be_safe(session, introduction)
        if introduction.sent_at is not None:
            _must_be_permitted(session, introduction)


def _must_be_safe(session: Session, introduction: Introduction) -> None:
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    safety.must_be_safe(session, person, session.get_one(Placement, introduction.placement_id))


def end_links(session: WriteSession, introduction_ids: Collection[UUID], at: datetime) -> int:
    """End the decision links of introductions that were not used yet. Return how many were ended."""
    ended = (
        update(DecisionLink)
        .where(
            DecisionLink.introduction_id.in_(introduction_ids),
            DecisionLink.used_at.is_(None),
            DecisionLink.expires_at > at,
        )
        .values(expires_at=at)
    )
    return int(session.execute(ended, execution_options={"synchronize_session": False}).rowcount)  # type: ignore[attr-defined]


def _settle_place(
    session: WriteSession,
    actor: Actor,
    introduction: Introduction,
    event: IntroductionEvent,
    to_state: IntroductionState,
) -> bool:
    """Hold, fill or free the introduction's place as the move requires. Return whether a place became free."""
    if event is IntroductionEvent.WAIT and placement_queries.places_left(session, introduction.placement_id):
        raise IntroductionMoveRefused(
            "A place is free, so the waiting list is not needed. Offer the place instead.", possible=["offer"]
        )
    if event is IntroductionEvent.OFFER:
        placement_actions.hold_place(session, actor, introduction.placement_id, introduction.id)
    elif event is IntroductionEvent.START:
        placement_actions.fill_place(session, actor, introduction.id)
    elif to_state not in OPEN and introduction.state in {*HOLDS_A_PLACE, IntroductionState.STARTED}:
        placement_actions.free_place(session, actor, introduction.id)
        return True
    return False


def _checked_reason(actor: Actor, event: IntroductionEvent, no: No | None) -> No | None:
    """Return the reason with the side that gave it, or None for a move that needs no reason.

    If the partner declines and names no side, the side is the jobseeker. Refuses a reason that the side cannot give.
    """
    if event not in SAYS_NO:
        return None
    given = no or No(WhyNot.OTHER)
    if actor.role is Role.PLACEMENT_LISTER:
        side = Side.SOCIAL_ENTERPRISE
        if given.said_by not in {None, side}:
            raise RuleBroken(
                "You answer for the social enterprise. Leave out who said it, or say the social enterprise"
                " (said_by: social_enterprise).",
                pointer="/said_by",
            )
    else:
        side = given.said_by or (Side.JOBSEEKER if event is IntroductionEvent.DECLINE else Side.PARTNER)
    if side not in WORDINGS[given.why].said_by:
        possible = ", ".join(reasons_for(side))
        raise RuleBroken(
            f"The {side.replace('_', ' ')} cannot give this reason. Choose one of: {possible}.", pointer="/why"
        )
    return No(given.why, side, given.notifies)


def _must_be_reconsiderable(session: Session, actor: Actor, introduction: Introduction) -> None:
    """Refuse to reopen what cannot be sent now. A placement lister may reopen only what the social enterprise ended."""
    if introduction.sent_at is None:
        raise IntroductionMoveRefused(
            "This introduction was never sent, so it cannot be reopened. Propose a new introduction.", possible=[]
        )
    if actor.role is Role.PLACEMENT_LISTER:
        last = queries.last_no(session, introduction)
        if last is None or last.said_by is not Side.SOCIAL_ENTERPRISE:
            raise NotYourMove("Your organisation did not end this introduction. Ask the partner to reopen it.")
    try:
        _must_be_safe(session, introduction)
        _must_be_sendable(session, introduction)
    except Conflict as withheld:
        if actor.role is not Role.PLACEMENT_LISTER:
            raise
        # The social enterprise must not learn why: a safety exclusion, a revoked permission and a closed case are
        # private to the jobseeker.
        raise NotYourMove("You cannot reopen this introduction. Contact the partner.") from withheld
    if queries.open_of_pair(session, introduction.partner_id, introduction.jobseeker_id, introduction.placement_id):
        raise IntroducedAlready("Continue with the open introduction.")


def offer_after_commit(session: WriteSession, actor: Actor, placement_id: UUID) -> None:
    """Offer free places to the waiting list once this transaction is committed, which holds another jobseeker's lock.

    If that fails, the daily job for free places with a waiting list does it.
    """
    after_commit(session, partial(offer_on, actor=actor, placement_id=placement_id))


def offer_on(database: Database, actor: Actor, placement_id: UUID) -> int:
    """Offer free places to waiting introductions, longest wait first. Return the number of offers.

    Each offer is a transaction of its own, so that no transaction holds the locks of two jobseekers.
    """
    tried: set[UUID] = set()
    offered = 0
    while True:
        with database.reading(actor, newest=True) as session:
            waiting = stops.first_waiting(session, placement_id, tried)
        if waiting is None:
            return offered
        tried.add(waiting)
        with database.writing(actor) as session:
            offered += offer_waiting(session, actor, waiting)


def offer_waiting(session: WriteSession, actor: Actor, introduction_id: UUID) -> bool:
    """Offer a place to a waiting introduction, in the name of the member who put it on the waiting list.

    Returns False if that is not possible now: it moved, a protective fact stops it, or another one took the place.
    """
    waiting = queries.held(session, introduction_id)
    if waiting.state is not IntroductionState.WAITING or stops.stop_of(session, waiting) is not None:
        return False
    row = queries.put_on_the_list(session, waiting)
    role = Role(row.made_by_role)
    own = waiting.social_enterprise_id if role is Role.PLACEMENT_LISTER else waiting.partner_id
    list_actor = actor.then(
        user_id=row.by, organisation_id=own, role=role, membership_id=None, doing=notifying.OFFERED_ON
    )
    try:
        with acting_as(session, list_actor):
            move(session, list_actor, waiting, IntroductionEvent.OFFER, reason="A place became free.")
    except Conflict:
        return False  # the case is closed, or another introduction took the place
    return True


def accept(session: WriteSession, actor: Actor, introduction: Introduction, *, keeps_others: bool) -> Introduction:
    """Record that the jobseeker accepts. Withdraw their other open introductions unless ``keeps_others`` is true.

    Two kinds of introduction are never withdrawn here. An accepted introduction stays, because a jobseeker may work at
    two placements. An introduction that is sent, invited or waiting stays if its placement has at least as many free
    places as introductions in these three states. The place of a withdrawn offer is offered to other jobseekers.
    """
    move(session, actor, introduction, IntroductionEvent.ACCEPT)
    if keeps_others:
        return introduction
    for other in queries.others_open(session, introduction):
        session.refresh(other, with_for_update=True)
        if other.state not in OPEN or other.state is IntroductionState.ACCEPTED:
            continue
        if other.sent_at is not None and other.state is not IntroductionState.OFFERED:
            line = queries.in_line(session, other.placement_id)
            if placement_queries.places_left(session, other.placement_id) >= line:
                continue
        no = No(WhyNot.ANOTHER_PLACE, Side.JOBSEEKER)
        move(session, actor, other, IntroductionEvent.WITHDRAW, no=no)
    return introduction


def next_options(session: Session, actor: Actor, introduction: Introduction) -> list[NextOption]:
    """Return the next placements on the latest shortlist, without those that are excluded; none for a lister."""
    if actor.role is Role.PLACEMENT_LISTER:
        return []
    rows = queries.next_on_the_shortlist(session, introduction, actor.today, OPTIONS * 2)
    pairs = [(introduction.jobseeker_id, row.Placement) for row in rows]
    found = safety.safety_of(session, pairs, [introduction.partner_id])
    options = [
        NextOption(placement_id=row.Placement.id, title=row.Placement.title, rank=row.rank, places_left=row.places_left)
        for row in rows
        if found.get((introduction.jobseeker_id, row.Placement.id)) is not Safety.EXCLUDED
    ]
    return options[:OPTIONS]


def _must_be_sendable(session: Session, introduction: Introduction) -> None:
    """Refuse to send if the case is closed, the placement is not published, or no permission is on record."""
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    jobseeker_actions.must_be_open(person)
    placement = session.get_one(Placement, introduction.placement_id)
    if placement.state is not PlacementState.PUBLISHED:
        raise RuleBroken(f"The placement is now {placement.state}. Introduce the jobseeker to a published placement.")
    _must_be_permitted(session, introduction)


def _must_be_permitted(session: Session, introduction: Introduction) -> None:
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    permission = jobseeker_queries.permission_for(session, person, introduction.social_enterprise_id)
    current = jobseeker_queries.without_paused(session, [permission])
    if not any(jobseeker_queries.granted_groups(row) for row in current.values()):
        raise PermissionNeeded(
            "Ask the jobseeker what this social enterprise may see. Record a permission, then send the introduction."
        )


def vacate(session: WriteSession, actor: Actor, introduction_id: UUID) -> None:
    """End a started introduction whose work is over. Its place becomes free and is offered to the waiting list."""
    introduction = queries.held(session, introduction_id)
    if introduction.state is IntroductionState.STARTED:
        move(session, actor, introduction, IntroductionEvent.END)


def withdraw_open(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """Withdraw every open introduction of a case that closes, and free their places."""
    _withdraw(session, actor, person, reason, OPEN, No(WhyNot.CASE_CLOSED, Side.PARTNER))


def withdraw_all(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """Withdraw every open or started introduction of a jobseeker whose record was made by mistake."""
    no = No(WhyNot.MISTAKE, Side.PARTNER)
    _withdraw(session, actor, person, reason, (*OPEN, IntroductionState.STARTED), no)


def _withdraw(
    session: WriteSession, actor: Actor, person: Jobseeker, reason: str, states: tuple[IntroductionState, ...], no: No
) -> None:
    for introduction in queries.in_states(session, person, states):
        session.refresh(introduction, with_for_update=True)
        move(session, actor, introduction, IntroductionEvent.WITHDRAW, reason=reason, no=no)


def reply(session: Session, actor: Actor, introduction: Introduction) -> IntroductionOut:
    """Return an introduction with the fields that the actor's side may see."""
    return replies(session, actor, [introduction])[0]


def replies(session: Session, actor: Actor, introductions: Sequence[Introduction]) -> list[IntroductionOut]:
    """Return introductions with the fields that the actor's side may see. Each query reads all of them at once."""
    facts = queries.reply_facts(session, introductions)
    granted = queries.granted(session, actor, introductions)
    positions = queries.before_them(session, introductions)
    stopped = stops.stops_of(session, introductions)
    earlier = {} if _is_outside(actor) else queries.earlier_ends(session, introductions)
    rules = () if _is_outside(actor) else benefit_rules(actor.today)
    shapes = []
    for introduction in introductions:
        row, stop = facts[introduction.id], stopped.get(introduction.id)
        shared = granted.get(introduction.jobseeker_id, frozenset()) if stop is None else frozenset()
        seen = queries.visible_groups(actor, introduction, row, shared)
        shape = _shaped(actor, introduction, row, positions.get(introduction.id), stop)
        if introduction.id in earlier:
            shape = shape.model_copy(update={"earlier_end": _in_words(earlier[introduction.id])})
        if rules and introduction.state in stops.LIVE:
            shape = shape.model_copy(update={"benefit_flags": flags_of(row.benefits, rules, row)})
        shapes.append(shape.limited_to(seen))
    return shapes


def _shaped(
    actor: Actor, introduction: Introduction, row: Any, position: int | None, stop: Stop | None
) -> IntroductionOut:
    columns = {column.key: getattr(row, column.key) for column in (*queries.OF_DETAILS, *queries.OF_PROFILE)}
    columns["right_to_work"] = row.right_to_work.value if row.right_to_work else None
    refused = frozenset[IntroductionEvent]()
    if _is_outside(actor) and row.said_by is not Side.SOCIAL_ENTERPRISE:
        refused = frozenset({IntroductionEvent.RECONSIDER})
    if stop is not None:
        refused = frozenset(IntroductionEvent) - stops.STILL_POSSIBLE if _is_outside(actor) else PUTS_FORWARD
    events = [
        event.value
        for event in possible_events(INTRODUCTION_MOVES, introduction.state)
        if actor.role in WHO_MAY[event] and event not in refused
    ]
    wording = WORDINGS[row.why] if row.why is not None else None
    outside = _is_outside(actor) and row.said_by is not Side.SOCIAL_ENTERPRISE
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
        stopped=stops.sentence_of(stop, introduction.state) if stop is not None else None,
        last_reason=row.last_reason or None,
        why=row.why,
        said_by=row.said_by,
        words=WordsOf(jobseeker=wording.jobseeker, referrer=wording.referrer, social_enterprise=wording.outside)
        if wording
        else None,
        why_not=(wording.outside if outside else wording.referrer) if wording else None,
        nobody_notified=NOBODY_NOTIFIED
        if introduction.sent_at is not None and introduction.state in OPEN and not row.has_lister and stop is None
        else None,
        waiting_position=position,
        possible_events=events,
        version=introduction.version,
    )


def _is_outside(actor: Actor) -> bool:
    return actor.role is Role.PLACEMENT_LISTER


def _in_words(ended: IntroductionMove) -> str:
    """Return why an earlier introduction of the same pair ended, as one sentence for the caseworker."""
    day = f"{ended.valid_on.day} {ended.valid_on:%B %Y}"
    side = (ended.said_by or Side.PARTNER).replace("_", " ")
    wording = WORDINGS[ended.why].referrer if ended.why is not None else ""
    return f"An earlier introduction to this placement ended on {day} ({side}): {wording}"
