"""A placement that closes while introductions to it are open: who is notified at once, and what becomes of an offer."""

from sqlalchemy import select

from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.errors import Conflict
from pathways.introductions.models import OPEN, Introduction, IntroductionState
from pathways.jobseekers.models import Jobseeker
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.placements import actions as placement_actions
from pathways.placements.models import Placement, PlacementState


class PlacementClosedSince(Conflict):
    """The placement was closed after the offer, and nobody has said that the place is still there."""

    title = "The placement was closed after this offer"


def notify_caseworkers(session: WriteSession, actor: Actor, placement: Placement) -> None:
    """Notify the caseworker of each open introduction to a placement that has just closed."""
    rows = (
        select(Introduction, Jobseeker.caseworker_id)
        .join(Jobseeker, Jobseeker.id == Introduction.jobseeker_id)
        .where(Introduction.placement_id == placement.id, Introduction.state.in_(OPEN))
        .order_by(Introduction.id)
    )
    for introduction, caseworker_id in session.execute(rows).all():
        message_actions.notify_owner(
            session,
            actor,
            introduction.partner_id,
            caseworker_id,
            NoticeKind.PLACEMENT_CLOSED,
            about=("introductions", introduction.id),
            occasion=actor.at.isoformat(),
        )


def must_be_there(session: Session, introduction: Introduction, *, although_closed: bool) -> None:
    """Refuse to accept an offer of a placement that has closed, unless a person says that the place is still there."""
    placement = session.get_one(Placement, introduction.placement_id)
    is_offer = introduction.state is IntroductionState.OFFERED
    if is_offer and placement.state is PlacementState.CLOSED and not although_closed:
        raise PlacementClosedSince(
            "Ask the social enterprise whether the place is still there. If it is, accept with although_closed. If not,"
            " decline the offer; next_options of the introduction has other placements."
        )


if notify_caseworkers not in placement_actions.WHEN_CLOSED:
    placement_actions.WHEN_CLOSED.append(notify_caseworkers)
