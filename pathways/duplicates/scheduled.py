"""Scheduled job of duplicates: simultaneous records that were not compared with each other after their commit."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from uuid import UUID

from pathways.base import LONDON, Actor
from pathways.database import Session, WriteSession
from pathways.duplicates import actions, queries
from pathways.scheduled import ScheduledJob

DAYS = 7  # a daily run may fail for some days
AT_ONCE = 500


def _recorded_lately(session: Session, partner_id: UUID, on: date) -> Iterator[UUID]:
    """Yield people recorded, changed or merged in the last days who resemble another record."""
    since = datetime.combine(on - timedelta(days=DAYS), time(0), LONDON)
    people = session.scalars(queries.recorded_since(partner_id, since)).all()
    for start in range(0, len(people), AT_ONCE):
        yield from actions.alike_again(session, partner_id, people[start : start + AT_ONCE])


def _compare(session: WriteSession, actor: Actor, jobseeker_id: UUID) -> bool:
    return actions.compare_committed(session, actor, actor.organisation_id, [jobseeker_id])


OF_PARTNERS = (ScheduledJob("records that may be one person", _recorded_lately, _compare),)
