"""One-time links for the first sign-in, and for a browser that the service does not know. Each is sent to its owner.

Opening a link (GET) signs nobody in. Sending the form (POST) uses the link up.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import select, update

from pathways.access.models import User
from pathways.base import Source, day_in_words, local_day
from pathways.database import Session, WriteSession
from pathways.errors import NotFound
from pathways.messages.models import Notice
from pathways.organisations.models import Membership
from pathways.reference import tables
from pathways.sign_in import queries
from pathways.sign_in.models import SignInLink, SignInLinkKind

TOKEN_BYTES = 32


class SignInLinkGone(NotFound):
    title = "This link no longer works"


@dataclass(frozen=True, slots=True)
class LinkOffer:
    """What the page behind a link says, and asks for."""

    name: str
    kind: SignInLinkKind
    needs_code: bool  # of the authenticator app
    needs_other_way: bool  # the person has a passkey only, so that the link alone is not enough
    sets_up: bool = True  # a way to sign in is set up next; not with a link of the demonstration


def add(
    session: WriteSession, user_id: UUID, kind: SignInLinkKind, made_by: UUID, *, source: Source, at: datetime
) -> SignInLink:
    """Add a link that works once it is sent. An invitation replaces earlier invitations of the person.

    A link for a new browser leaves earlier ones as they are: anybody can ask for one, and would else end those.
    """
    if kind is SignInLinkKind.INVITATION:
        earlier = queries.open_links(user_id, at).where(SignInLink.kind == kind).with_only_columns(SignInLink.id)
        session.execute(
            update(SignInLink).where(SignInLink.id.in_(earlier)).values(cancelled_at=at, link_hash=None),
            execution_options={"synchronize_session": False},
        )
    today = local_day(at)
    lasts = (
        timedelta(days=int(tables.limit("invitation_days", today)))
        if kind is SignInLinkKind.INVITATION
        else timedelta(minutes=int(tables.limit("sign_in_link_minutes", today)))
    )
    link = SignInLink(user_id=user_id, kind=kind, made_by=made_by, made_from=source, made_at=at, works_until=at + lasts)
    session.add(link)
    session.flush()  # the notice needs its id
    return link


def make(session: WriteSession, notice: Notice, at: datetime) -> str:
    """Make the token of a link and return its path. Only its hash is stored. A link that is over gets no token."""
    link = session.get_one(SignInLink, notice.subject_id, with_for_update=True, populate_existing=True)
    return path_of(link, at)


def path_of(link: SignInLink, at: datetime) -> str:
    if not _is_open(link, at):
        return "sign-in"
    token = token_urlsafe(TOKEN_BYTES)
    link.link_hash = queries.hashed(token)
    return f"sign-in/link/{token}"


def is_needed(session: WriteSession, notice: Notice) -> bool:
    """Return whether the e-mail with a link is still to be sent."""
    link = session.get(SignInLink, notice.subject_id)
    return link is not None and link.used_at is None and link.cancelled_at is None


def label(session: Session, notice: Notice) -> str:
    """Return what the e-mail adds to a link: until when it works."""
    link = session.get(SignInLink, notice.subject_id)
    if link is None:
        return ""
    if link.kind is SignInLinkKind.INVITATION:
        return f"It works once, until {day_in_words(local_day(link.works_until))}"
    minutes = int(tables.limit("sign_in_link_minutes", local_day(link.made_at)))
    return f"It works once, for {minutes} minutes"


def _is_open(link: SignInLink, at: datetime) -> bool:
    return link.used_at is None and link.cancelled_at is None and at < link.works_until


def found(session: Session, token: str, at: datetime, *, for_update: bool = False) -> SignInLink:
    """Return the link of a token. Raises ``SignInLinkGone`` if it was used, replaced or is too old."""
    rows = select(SignInLink).where(SignInLink.link_hash == queries.hashed(token))
    link = session.scalars(rows.with_for_update() if for_update else rows).one_or_none()
    has_a_role = (
        link is not None
        and session.scalars(
            select(Membership.id).where(Membership.user_id == link.user_id, Membership.ended_at.is_(None)).limit(1)
        ).first()
    )
    if link is None or not has_a_role or not _is_open(link, at):
        raise SignInLinkGone(
            "The link was used, is too old, or was replaced by a newer e-mail. To sign in, enter your e-mail address"
            " on the sign-in page. If you have never signed in, ask your administrator for a new invitation."
        )
    return link


def offer_of(session: Session, token: str, at: datetime) -> LinkOffer:
    """Return what the page behind a link shows. It changes nothing."""
    link = found(session, token, at)
    replaces = link.kind is SignInLinkKind.INVITATION
    has_app = queries.authenticator(session, link.user_id) is not None
    return LinkOffer(
        name=session.get_one(User, link.user_id).name,
        kind=link.kind,
        needs_code=has_app and not replaces,
        needs_other_way=not replaces and not has_app and queries.has_a_way(session, link.user_id),
        sets_up=link.made_from is not Source.DEMONSTRATION,
    )
