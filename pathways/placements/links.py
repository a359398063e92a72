"""Links in e-mails, by which a social enterprise confirms without signing in that a placement is still available.

Opening a link (GET) confirms nothing. Sending the form (POST) confirms the placement; then the link no longer works.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from pathways.base import Actor, Role, Source, day_in_words, local_day
from pathways.database import Session, WriteSession, acting_as
from pathways.errors import NotFound
from pathways.messages import queries as message_queries
from pathways.messages.models import Notice, NoticeKind
from pathways.placements import actions, queries
from pathways.placements.models import Placement, PlacementState, ReconfirmLink

TOKEN_BYTES = 32
KINDS = frozenset({NoticeKind.LISTING_TO_RECONFIRM})


class ReconfirmLinkGone(NotFound):
    title = "This link no longer works"


@dataclass(frozen=True, slots=True)
class ReconfirmQuestion:
    """What the page behind a link asks about."""

    title: str
    hours: str
    reconfirm_by: str
    places_left: int


def make(session: WriteSession, notice: Notice, at: datetime) -> str:
    """Make a link for the member who receives the notice and return its path. Only its token's hash is stored."""
    placement = session.get_one(Placement, notice.subject_id)
    token = token_urlsafe(TOKEN_BYTES)
    session.add(
        ReconfirmLink(
            id=uuid7(),
            placement_id=placement.id,
            user_id=notice.user_id,
            token_hash=_hashed(token),
            reconfirm_by=placement.reconfirm_by,
            made_at=at,
        )
    )
    return f"reconfirm/{token}"


def is_needed(session: WriteSession, notice: Notice) -> bool:
    """Return whether the e-mail is still to be sent: nobody has confirmed, paused or closed the placement meanwhile."""
    placement = session.get(Placement, notice.subject_id)
    return placement is not None and placement.state is PlacementState.PUBLISHED


def label(session: Session, notice: Notice) -> str:
    """Return which placement a notice is about."""
    placement = session.get(Placement, notice.subject_id)
    return placement.title if placement is not None else "A placement"


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _link_of(
    session: Session, token: str, at: datetime, *, for_update: bool = False
) -> tuple[ReconfirmLink, Placement]:
    """Return a link that works, and its placement."""
    rows = select(ReconfirmLink).where(ReconfirmLink.token_hash == _hashed(token))
    link = session.scalars(rows.with_for_update() if for_update else rows).one_or_none()
    if link is None:
        raise ReconfirmLinkGone("The link does not exist. Sign in to see your placements.")
    placement = session.get_one(
        Placement, link.placement_id, with_for_update=True if for_update else None, populate_existing=for_update
    )
    if link.used_at is not None or placement.reconfirm_by != link.reconfirm_by:
        raise ReconfirmLinkGone("The placement is already confirmed. There is nothing more to do.")
    if placement.state is not PlacementState.PUBLISHED or placement.reconfirm_by < local_day(at):
        raise ReconfirmLinkGone(
            "The placement is not published any more: it was paused or closed. Sign in to publish it again."
        )
    if link.user_id not in message_queries.members(session, placement.social_enterprise_id, [Role.PLACEMENT_LISTER]):
        raise ReconfirmLinkGone(
            "The link was made for a person who is no longer a placement lister of this organisation. Ask a current"
            " placement lister to sign in and confirm the placement."
        )
    return link, placement


def question_of(session: Session, token: str, at: datetime) -> ReconfirmQuestion:
    """Return what the page behind a link asks. It changes nothing."""
    _, placement = _link_of(session, token, at)
    hours = f"{placement.hours_per_week.normalize():f}" if placement.hours_per_week is not None else ""
    return ReconfirmQuestion(
        placement.title, hours, day_in_words(placement.reconfirm_by), queries.places_left(session, placement.id)
    )


def confirm(session: WriteSession, token: str, at: datetime, request_id: str, address: str = "") -> UUID:
    """Confirm the placement in the name of the member for whom the link was made, and mark the link as used."""
    link, placement = _link_of(session, token, at, for_update=True)
    actor = Actor(
        link.user_id,
        placement.social_enterprise_id,
        Role.PLACEMENT_LISTER,
        source=Source.PAGE,
        doing="placement:confirm",
        request_id=request_id,
        address=address,
        at=at,
    )
    with acting_as(session, actor):
        actions.confirm(session, actor, placement)
        link.used_at = at
    return placement.id
