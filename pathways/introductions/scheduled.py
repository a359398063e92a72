"""Scheduled jobs of introductions: expiring offers, missing answers, closed placements, waiting lists, answer times."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from pathways.base import Actor, Role, local_day
from pathways.database import Session, WriteSession
from pathways.introductions import actions, queries, stops
from pathways.introductions.models import (
    CLOCK_OF,
    Introduction,
    IntroductionEvent,
    IntroductionMove,
    IntroductionState,
    Side,
    WhyNot,
)
from pathways.jobseekers.models import Jobseeker
from pathways.messages import actions as message_actions
from pathways.messages import queries as message_queries
from pathways.messages.models import NoticeKind
from pathways.organisations.models import Organisation
from pathways.placements import actions as placement_actions
from pathways.placements import queries as placement_queries
from pathways.placements.models import AnswerTime, Place, Placement, PlacementState, PlaceState
from pathways.reference import tables
from pathways.scheduled import ScheduledJob

S, E = IntroductionState, IntroductionEvent
A_YEAR = 365


def _locked(session: WriteSession, introduction_id: UUID) -> Introduction:
    return queries.held(session, introduction_id)


def _notify_owner(
    session: WriteSession, actor: Actor, introduction: Introduction, kind: NoticeKind, occasion: str = ""
) -> int:
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    return message_actions.notify_owner(
        session,
        actor,
        introduction.partner_id,
        person.caseworker_id,
        kind,
        about=("introductions", introduction.id),
        occasion=occasion,
    )


def _notify_listers(
    session: WriteSession, actor: Actor, introduction: Introduction, kind: NoticeKind, occasion: str = ""
) -> int:
    return message_actions.notify_roles(
        session,
        actor,
        introduction.social_enterprise_id,
        [Role.PLACEMENT_LISTER],
        kind,
        about=("introductions", introduction.id),
        occasion=occasion,
    )


def _held_offers(session: Session, partner_id: UUID, on: date) -> Iterator[UUID]:
    """Yield introductions with an offer that has expired, or that expires within the warning time."""
    warning = on + timedelta(days=int(tables.in_force("clocks", on, clock="hold_warning")["amount"]))
    rows = (
        select(Introduction.id)
        .join(Place, Place.introduction_id == Introduction.id)
        .where(
            Introduction.partner_id == partner_id,
            Introduction.state == S.OFFERED,
            Place.held_until <= warning,
        )
    )
    yield from session.scalars(rows.order_by(Introduction.id))


def _expire_or_remind(session: WriteSession, actor: Actor, introduction_id: UUID) -> bool:
    """Expire an offer after its last day, which frees the place. Until then, remind the caseworker once."""
    introduction = _locked(session, introduction_id)
    place = placement_queries.place_of(session, introduction_id)
    if introduction.state is not S.OFFERED or place is None or place.held_until is None:
        return False
    if place.held_until >= actor.today:
        kind, occasion = NoticeKind.OFFER_RUNS_OUT, place.held_until.isoformat()
        return bool(_notify_owner(session, actor, introduction, kind, occasion))
    no = actions.No(WhyNot.NO_ANSWER, Side.JOBSEEKER, notifies=False)
    actions.move(session, actor, introduction, IntroductionEvent.EXPIRE, no=no)
    _notify_of_expiry(session, actor, introduction)
    return True


def _notify_of_expiry(session: WriteSession, actor: Actor, introduction: Introduction) -> None:
    """Notify both sides of the expiry: once a day at most, because a reopened introduction can expire again."""
    for notify in (_notify_owner, _notify_listers):
        notify(session, actor, introduction, NoticeKind.INTRODUCTION_EXPIRED, actor.today.isoformat())


def _since(introduction: Any) -> Any:
    return (
        select(func.max(IntroductionMove.valid_on))
        .where(
            IntroductionMove.partner_id == introduction.partner_id,
            IntroductionMove.introduction_id == introduction.id,
        )
        .scalar_subquery()
    )


SILENT = (S.PROPOSED, S.SENT, S.INVITED, S.ACCEPTED)


def _unanswered(session: Session, partner_id: UUID, on: date) -> Iterator[UUID]:
    """Yield introductions that have had no move for longer than the first time limit of their state."""
    nation = session.get_one(Organisation, partner_id).nation
    rows = select(Introduction.id, Introduction.state, _since(Introduction).label("moved_on")).where(
        Introduction.partner_id == partner_id, Introduction.state.in_(SILENT)
    )
    for row in session.execute(rows.order_by(Introduction.id)):
        if tables.due_on(CLOCK_OF[row.state], row.moved_on, nation) < on:
            yield row.id


def _remind_or_expire(session: WriteSession, actor: Actor, introduction_id: UUID) -> bool:
    """Remind the side that must answer, then the caseworker, then let the introduction expire.

    The ``clocks`` table sets how many working days after the last move each step is due.
    """
    introduction = _locked(session, introduction_id)
    if introduction.state not in SILENT:
        return False
    if introduction.sent_at is not None and stops.stop_of(session, introduction) is not None:
        return False  # the social enterprise cannot answer; the worklist asks the caseworker
    moved_on = session.scalars(select(_since(introduction))).one()
    announced_at = message_queries.last_notice_at(
        session, introduction.social_enterprise_id, NoticeKind.INTRODUCTION_SENT, ("introductions", introduction.id)
    )
    if announced_at is not None:  # it was stopped and opened again, so the time to answer begins again
        moved_on = max(moved_on, local_day(announced_at))
    nation = session.get_one(Organisation, introduction.partner_id).nation

    def is_over(clock: str) -> bool:
        return tables.due_on(clock, moved_on, nation) < actor.today

    if not is_over(CLOCK_OF[introduction.state]):
        return False
    occasion = moved_on.isoformat()
    if introduction.state is S.PROPOSED:
        return bool(_notify_owner(session, actor, introduction, NoticeKind.INTRODUCTION_TO_AGREE, occasion))
    if introduction.state is S.ACCEPTED:
        return bool(_notify_owner(session, actor, introduction, NoticeKind.START_TO_RECORD, occasion))
    notices = _notify_listers(session, actor, introduction, NoticeKind.INTRODUCTION_UNANSWERED, occasion)
    if is_over("introduction_escalation"):
        notices += _notify_owner(session, actor, introduction, NoticeKind.INTRODUCTION_ESCALATED, occasion)
    if is_over("introduction_expiry"):
        no = actions.No(WhyNot.NO_ANSWER, Side.SOCIAL_ENTERPRISE, notifies=False)
        actions.move(session, actor, introduction, IntroductionEvent.EXPIRE, no=no)
        _notify_of_expiry(session, actor, introduction)
        return True
    return bool(notices)


BEFORE_AN_OFFER = (S.PROPOSED, S.AGREED, S.SENT, S.INVITED, S.WAITING)


def _on_closed_listings(session: Session, partner_id: UUID, _: date) -> Iterator[UUID]:
    rows = (
        select(Introduction.id)
        .join(Placement, Placement.id == Introduction.placement_id)
        .where(
            Introduction.partner_id == partner_id,
            Introduction.state.in_(BEFORE_AN_OFFER),
            Placement.state == PlacementState.CLOSED,
        )
    )
    yield from session.scalars(rows.order_by(Introduction.id))


def _expire_with_placement(session: WriteSession, actor: Actor, introduction_id: UUID) -> bool:
    """Expire an introduction to a closed placement, unless a place was already offered or accepted."""
    introduction = _locked(session, introduction_id)
    placement = session.get_one(Placement, introduction.placement_id)
    if introduction.state not in BEFORE_AN_OFFER or placement.state is not PlacementState.CLOSED:
        return False
    no = actions.No(WhyNot.LISTING_CLOSED, Side.SOCIAL_ENTERPRISE, notifies=False)
    actions.move(session, actor, introduction, IntroductionEvent.EXPIRE, no=no)
    _notify_owner(session, actor, introduction, NoticeKind.INTRODUCTION_EXPIRED, actor.today.isoformat())
    return True


def _free_with_waiting_list(session: Session, social_enterprise_id: UUID, _: date) -> Iterator[UUID]:
    """Yield published placements with both a free place and a waiting list, for example after places were added."""
    free = select(Place.id).where(Place.placement_id == Placement.id, Place.state == PlaceState.FREE)
    waiting = select(Introduction.id).where(Introduction.placement_id == Placement.id, Introduction.state == S.WAITING)
    rows = select(Placement.id).where(
        Placement.social_enterprise_id == social_enterprise_id,
        Placement.state == PlacementState.PUBLISHED,
        free.exists(),
        waiting.exists(),
    )
    yield from session.scalars(rows.order_by(Placement.id))


def _offer_on(session: WriteSession, actor: Actor, placement_id: UUID) -> bool:
    """Offer one place to the waiting list now, and the other free places after the commit."""
    waiting = stops.first_waiting(session, placement_id)
    if waiting is None:
        return False
    actions.offer_after_commit(session, actor, placement_id)
    return actions.offer_waiting(session, actor, waiting)


def _to_measure(session: Session, social_enterprise_id: UUID, on: date) -> Iterator[UUID]:
    """Yield the social enterprise if it ever received an introduction and today's answer time is not computed yet."""
    counted = session.get(AnswerTime, social_enterprise_id)
    if counted is None or counted.counted_on < on:
        sent = select(Introduction.id).where(
            Introduction.social_enterprise_id == social_enterprise_id, Introduction.sent_at.is_not(None)
        )
        yield from [social_enterprise_id] if session.scalars(sent.limit(1)).first() is not None else []


ANSWERS = (E.INVITE, E.WAIT, E.OFFER, E.DECLINE)


def days_to_answer(session: Session, social_enterprise_id: UUID, on: date) -> list[int]:
    """Return how many days the social enterprise took to answer each introduction sent and answered in the last year.

    If an introduction expired because the social enterprise did not answer, the days until the expiry count. A
    withdrawal, and a decline by the jobseeker or the partner, are not answers of the social enterprise.
    """
    rows = session.execute(
        select(
            IntroductionMove.introduction_id,
            IntroductionMove.event,
            IntroductionMove.valid_on,
            IntroductionMove.said_by,
        )
        .join(
            Introduction,
            (Introduction.partner_id == IntroductionMove.partner_id)
            & (Introduction.id == IntroductionMove.introduction_id),
        )
        .where(
            Introduction.social_enterprise_id == social_enterprise_id,
            IntroductionMove.valid_on > on - timedelta(days=A_YEAR),
            IntroductionMove.valid_on <= on,
        )
        .order_by(IntroductionMove.id)
    )
    sent: dict[UUID, date] = {}
    days = []
    for row in rows:
        if row.event in {E.SEND, E.RECONSIDER}:
            sent[row.introduction_id] = row.valid_on
            continue
        began = sent.pop(row.introduction_id, None)
        is_answer = row.event in ANSWERS or row.event == E.EXPIRE
        if began is not None and is_answer and row.said_by in {None, Side.SOCIAL_ENTERPRISE}:
            days.append((row.valid_on - began).days)
    return days


def _count_answers(session: WriteSession, actor: Actor, social_enterprise_id: UUID) -> bool:
    """Recompute the number of answers in the last year, and the median number of days to answer.

    If there was no answer in the last year, both are set to 0. A social enterprise that was slow more than a year ago
    is then ranked in the middle again.
    """
    days = days_to_answer(session, social_enterprise_id, actor.today)
    counted = session.get(AnswerTime, social_enterprise_id)
    if counted is None:
        if not days:
            return False
        counted = AnswerTime(social_enterprise_id=social_enterprise_id)
        session.add(counted)
    counted.median_days, counted.answers = Decimal(str(median(days or [0]))), len(days)
    counted.counted_on = actor.today
    session.flush()
    placement_actions.rank_by_answers(session, actor, social_enterprise_id)
    return True


OF_PARTNERS = (
    ScheduledJob("offers about to expire", _held_offers, _expire_or_remind),
    ScheduledJob("introductions without an answer", _unanswered, _remind_or_expire),
    ScheduledJob("introductions to closed placements", _on_closed_listings, _expire_with_placement),
)
OF_SOCIAL_ENTERPRISES = (
    ScheduledJob("free places with a waiting list", _free_with_waiting_list, _offer_on),
    ScheduledJob("answer times of social enterprises", _to_measure, _count_answers),
)
