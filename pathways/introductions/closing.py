"""An offer of a placement that closed after it: whether the jobseeker can still accept."""

from pathways.database import Session
from pathways.errors import Conflict
from pathways.introductions.models import Introduction, IntroductionState
from pathways.placements.models import Placement, PlacementState


class PlacementClosedSince(Conflict):
    """The placement was closed after the offer, and nobody has said that the place is still there."""

    title = "The placement was closed after this offer"


def must_be_there(session: Session, introduction: Introduction, *, although_closed: bool) -> None:
    """Refuse to accept an offer of a placement that has closed, unless a person says that the place is still there."""
    placement = session.get_one(Placement, introduction.placement_id)
    is_offer = introduction.state is IntroductionState.OFFERED
    if is_offer and placement.state is PlacementState.CLOSED and not although_closed:
        raise PlacementClosedSince(
            "Ask the social enterprise whether the place is still there. If it is, accept with although_closed. If not,"
            " decline the offer; next_options of the introduction has other placements."
        )
