"""Scheduled job for placements: close after the closing date, pause if unconfirmed or unlawful, warn of the pause."""

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from pathways.base import Actor, Role
from pathways.database import Session, WriteSession
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.placements import actions, legality
from pathways.placements.models import Placement, PlacementEvent, PlacementState
from pathways.reference import tables
from pathways.scheduled import ScheduledJob


def _warning_period(on: date) -> timedelta:
    return timedelta(days=int(tables.in_force("clocks", on, clock="reconfirm_warning")["amount"]))


def _due(session: Session, social_enterprise_id: UUID, on: date) -> Iterator[UUID]:
    rows = select(Placement).where(
        Placement.social_enterprise_id == social_enterprise_id,
        Placement.state == PlacementState.PUBLISHED,
    )
    for placement in session.scalars(rows.order_by(Placement.id)):
        is_due = placement.closes_on is not None and placement.closes_on < on
        if is_due or placement.reconfirm_by <= on + _warning_period(on) or legality.reason_to_pause(placement, on):
            yield placement.id


def _close_pause_or_warn(session: WriteSession, actor: Actor, placement_id: UUID) -> bool:
    """Close or pause a placement, or warn of a pause, and notify its listers; return whether anything was done."""
    placement = session.get_one(Placement, placement_id, with_for_update=True, populate_existing=True)
    if placement.state is not PlacementState.PUBLISHED:
        return False
    if placement.closes_on is not None and placement.closes_on < actor.today:
        actions.move(session, actor, placement, PlacementEvent.CLOSE, reason="The closing date has passed.")
        kind, occasion = NoticeKind.LISTING_CLOSED, placement.closes_on
    elif (unlawful := legality.reason_to_pause(placement, actor.today)) is not None:
        actions.move(session, actor, placement, PlacementEvent.PAUSE, reason=unlawful)
        kind, occasion = NoticeKind.LISTING_PAUSED, actor.today
    elif placement.reconfirm_by < actor.today:
        actions.move(session, actor, placement, PlacementEvent.PAUSE, reason="The placement was not confirmed in time.")
        kind, occasion = NoticeKind.LISTING_PAUSED, placement.reconfirm_by
    elif placement.reconfirm_by <= actor.today + _warning_period(actor.today):
        kind, occasion = NoticeKind.LISTING_TO_RECONFIRM, placement.reconfirm_by
    else:
        return False
    notices = message_actions.notify_roles(
        session,
        actor,
        placement.social_enterprise_id,
        [Role.PLACEMENT_LISTER],
        kind,
        about=("placements", placement.id),
        occasion=occasion.isoformat(),
    )
    return bool(notices) or placement.state is not PlacementState.PUBLISHED


OF_SOCIAL_ENTERPRISES = (ScheduledJob("placements closed, paused or warned about", _due, _close_pause_or_warn),)
