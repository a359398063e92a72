"""Whether a protective fact stops an introduction now: a safety exclusion, or a permission that is not given.

Every read by a social enterprise, move, decision link and message asks here. So a fact that is recorded later acts at
once, whichever way it was recorded.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from pathways.database import Session
from pathways.introductions import queries
from pathways.introductions.models import OPEN, Introduction, IntroductionEvent, IntroductionState
from pathways.jobseekers import queries as jobseeker_queries
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement, PlacementState
from pathways.shortlists import safety
from pathways.shortlists.safety import Safety

LIVE = (*OPEN, IntroductionState.STARTED)
# What a social enterprise may still say about a stopped introduction: nothing that brings the jobseeker nearer.
STILL_POSSIBLE = frozenset({IntroductionEvent.DECLINE, IntroductionEvent.END})


# The reason of the move with which a safety exclusion withdraws an open introduction.
COVERED = "A safety exclusion bars the jobseeker from this placement."


class Stop(StrEnum):
    """Why an introduction is stopped. No social enterprise may read it."""

    EXCLUDED = "excluded"
    SUSPECTED = "suspected"
    SAFETY_NOT_CHECKED = "safety_not_checked"
    NOT_PERMITTED = "not_permitted"


OF_SAFETY = {Safety.EXCLUDED: Stop.EXCLUDED, Safety.SUSPECTED: Stop.SUSPECTED, Safety.ASKS: Stop.SAFETY_NOT_CHECKED}
TEXTS = {
    Stop.EXCLUDED: "A safety exclusion bars the jobseeker from this placement. The social enterprise cannot see or do"
    " anything with this introduction. Withdraw it, and tell the jobseeker.",
    Stop.SUSPECTED: "Another record that may be the same person has a safety exclusion for this placement. Until a team"
    " manager has compared the two records (duplicates), the social enterprise cannot see or do anything with this"
    " introduction.",
    Stop.SAFETY_NOT_CHECKED: "The jobseeker has a safety exclusion that cannot be checked against this placement. Until"
    " you say how you made sure that it is safe, the social enterprise cannot see or do anything with this"
    " introduction.",
    Stop.NOT_PERMITTED: "There is no valid permission for this social enterprise: it is missing, was revoked, or was"
    " given before the restriction of the case. The social enterprise cannot see or do anything with this introduction."
    " Ask the jobseeker, then record a permission or withdraw the introduction.",
}
TEXTS_ONCE_STARTED = {
    Stop.EXCLUDED: "A safety exclusion bars the jobseeker from this placement, where they have started. Speak to the"
    " jobseeker today and agree what is safe. Then, if the work must stop, record its end. The social enterprise cannot"
    " see this introduction, and can only record its end.",
    Stop.SUSPECTED: "The jobseeker has started here, and another record, which may be the same person, has a safety"
    " exclusion for this placement. Speak to the jobseeker today and find out whether they are safe there. Ask a team"
    " manager to compare the two records (duplicates). The social enterprise cannot see this introduction, and can only"
    " record its end.",
    Stop.SAFETY_NOT_CHECKED: "The jobseeker has a safety exclusion that cannot be checked against this placement, where"
    " they have started. Speak to the jobseeker today and find out whether they are safe there. If the work must stop,"
    " record its end. Until you say how you made sure that it is safe, the social enterprise cannot see this"
    " introduction, and can only record its end.",
    Stop.NOT_PERMITTED: "There is no valid permission for this social enterprise: it is missing, was revoked, or was"
    " given before the restriction of the case. The jobseeker has started there. The social enterprise cannot see this"
    " introduction, and can only record its end. Ask the jobseeker whether the social enterprise may see their details"
    " again. If so, record a permission.",
}


def sentence_of(stop: Stop, state: IntroductionState) -> str:
    """Return why an introduction in this state is stopped, and what the partner must do."""
    return (TEXTS_ONCE_STARTED if state is IntroductionState.STARTED else TEXTS)[stop]


def stops_of(session: Session, introductions: Sequence[Introduction]) -> dict[UUID, Stop]:
    """Return, by introduction id, why each stopped introduction is stopped. Only open and started ones can be."""
    return _why(session, [one for one in introductions if one.state in LIVE])


def stop_of(session: Session, introduction: Introduction) -> Stop | None:
    return stops_of(session, [introduction]).get(introduction.id)


def is_barred(session: Session, introduction: Introduction) -> bool:
    """Return whether the social enterprise may learn nothing of an introduction now, in whatever state, also ended."""
    return bool(_why(session, [introduction]))


def _why(session: Session, introductions: Sequence[Introduction]) -> dict[UUID, Stop]:
    """Return, by introduction id, which protective fact stands against each, whatever its state."""
    if not introductions:
        return {}
    rows = session.scalars(select(Placement).where(Placement.id.in_({one.placement_id for one in introductions})))
    placements = {placement.id: placement for placement in rows}
    pairs = [(one.jobseeker_id, placements[one.placement_id]) for one in introductions]
    found = safety.safety_of(session, pairs, {one.partner_id for one in introductions})
    stops = {
        one.id: OF_SAFETY[found[one.jobseeker_id, one.placement_id]]
        for one in introductions
        if found.get((one.jobseeker_id, one.placement_id), Safety.CLEAR) in OF_SAFETY
    }
    return {one.id: Stop.NOT_PERMITTED for one in _not_permitted(session, introductions)} | stops


def first_waiting(session: Session, placement_id: UUID, not_these: Collection[UUID] = ()) -> UUID | None:
    """Return the introduction that is offered a place next, without locking it; None if there is none, or no place."""
    placement = session.get_one(Placement, placement_id)
    if placement.state is not PlacementState.PUBLISHED or not placement_queries.places_left(session, placement_id):
        return None
    rows = [one for one in queries.waiting_for(session, placement_id) if one.id not in not_these]
    stopped = stops_of(session, rows)
    return next((one.id for one in rows if one.id not in stopped), None)


def _not_permitted(session: Session, introductions: Sequence[Introduction]) -> list[Introduction]:
    """Return the introductions that were sent to a social enterprise that may read nothing about the jobseeker now."""
    sent = [one for one in introductions if one.sent_at is not None]
    between = jobseeker_queries.permissions_between(
        session, ((one.partner_id, one.jobseeker_id, one.social_enterprise_id) for one in sent)
    )
    permissions = jobseeker_queries.without_paused(session, between.values())
    return [
        one
        for one in sent
        if not jobseeker_queries.granted_groups(permissions.get((one.jobseeker_id, one.social_enterprise_id)))
    ]
