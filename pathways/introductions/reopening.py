"""Introductions that a protective fact stopped and that open again, and the notice of it to the listers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pathways.base import Actor, Role
from pathways.database import WriteSession
from pathways.introductions import stops
from pathways.introductions.models import OPEN, Introduction
from pathways.jobseekers.models import Jobseeker
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.placements.models import Placement
from pathways.shortlists import safety


def confirm_safety(session: WriteSession, actor: Actor, introduction: Introduction, reason: str) -> Introduction:
    """Record how a caseworker made sure that the placement is safe, where the safety check cannot tell.

    Refused if a safety exclusion covers the placement.
    """
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    with announcing_again(session, actor, [introduction]):
        safety.review(session, actor, person, session.get_one(Placement, introduction.placement_id), reason)
    return introduction


@contextmanager
def announcing_again(session: WriteSession, actor: Actor, introductions: Sequence[Introduction]) -> Iterator[None]:
    """Notify the listers again of introductions that what is done within opens again: their notices were cancelled."""
    stopped = stops.stops_of(session, introductions)
    yield
    session.flush()
    still = stops.stops_of(session, introductions)
    for one in introductions:
        if one.id in stopped and one.id not in still and one.sent_at is not None and one.state in OPEN:
            message_actions.notify_roles(
                session,
                actor,
                one.social_enterprise_id,
                [Role.PLACEMENT_LISTER],
                NoticeKind.INTRODUCTION_SENT,
                about=("introductions", one.id),
                occasion=actor.at.isoformat(),
            )
