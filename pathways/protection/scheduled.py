"""Scheduled job of protection: exclusions that came to cover an introduction after both were recorded."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.introductions import stops
from pathways.introductions.models import OPEN
from pathways.introductions.stops import Stop
from pathways.jobseekers.models import Jobseeker
from pathways.protection import actions, queries
from pathways.scheduled import ScheduledJob


def _covered(session: Session, partner_id: UUID, _: date) -> Iterator[UUID]:
    """Yield jobseekers with an open introduction that an exclusion covers now, for instance of a new member."""
    yield from session.scalars(queries.with_exclusions(partner_id))


def _protect(session: WriteSession, actor: Actor, jobseeker_id: UUID) -> bool:
    person = session.get_one(Jobseeker, jobseeker_id, with_for_update=True)
    live = [one for one in queries.live_introductions(session, person) if one.state in OPEN]
    if Stop.EXCLUDED not in stops.stops_of(session, live).values():
        return False
    actions.protect(session, actor, person)
    return True


OF_PARTNERS = (ScheduledJob("introductions covered by a safety exclusion", _covered, _protect),)
