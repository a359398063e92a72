"""Decision links in e-mails, with which a social enterprise answers an introduction without signing in.

Opening a link (GET) decides nothing. Sending the form (POST) records the answer; then the link no longer works.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from pathways import audit
from pathways.base import LONDON, Actor, Role, Source, day_in_words, local_day
from pathways.database import Database, Session, WriteSession, acting_as
from pathways.errors import NotFound
from pathways.facts import possible_events
from pathways.introductions import actions, queries, stops
from pathways.introductions.models import (
    INTRODUCTION_MOVES,
    OPEN,
    DecisionLink,
    Introduction,
    IntroductionEvent,
    IntroductionState,
    Side,
    WhyNot,
)
from pathways.introductions.reasons import reasons_for
from pathways.messages import queries as message_queries
from pathways.messages.models import Notice, NoticeKind
from pathways.organisations.models import Organisation
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement
from pathways.reference import tables

TOKEN_BYTES = 32
BY_LINK = (IntroductionEvent.INVITE, IntroductionEvent.OFFER, IntroductionEvent.WAIT, IntroductionEvent.DECLINE)
KINDS = frozenset({NoticeKind.INTRODUCTION_SENT, NoticeKind.INTRODUCTION_UNANSWERED})
# Kinds of notices to a social enterprise that are no longer sent once the introduction has ended or is stopped.
ONLY_WHILE_OPEN = KINDS | {NoticeKind.OFFER_ACCEPTED}


GONE = "The link has expired or does not exist. Sign in to answer, or ask for a new link."


class LinkGone(NotFound):
    title = "This link no longer works"


@dataclass(frozen=True, slots=True)
class LinkQuestion:
    """The question on the page behind a link. It contains no data about the jobseeker."""

    title: str
    partner: str
    sent_on: str
    so_far: str
    events: tuple[IntroductionEvent, ...]
    reasons: tuple[WhyNot, ...]


def make(session: WriteSession, notice: Notice, at: datetime) -> str:
    """Create a link for the member who receives the notice and return its path. Only its token's hash is stored."""
    introduction = session.get_one(Introduction, notice.subject_id)
    token = token_urlsafe(TOKEN_BYTES)
    last_day = tables.due_on(
        "decision_link", local_day(at), session.get_one(Organisation, notice.organisation_id).nation
    )
    session.add(
        DecisionLink(
            id=uuid7(),
            partner_id=introduction.partner_id,
            jobseeker_id=introduction.jobseeker_id,
            introduction_id=introduction.id,
            user_id=notice.user_id,
            token_hash=_hashed(token),
            made_at=at,
            expires_at=datetime.combine(last_day + timedelta(days=1), time(0), LONDON),
        )
    )
    return f"decide/{token}"


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _link_of(
    session: Session, token: str, at: datetime, *, for_update: bool = False
) -> tuple[DecisionLink, Introduction]:
    """Return a link that works, and its introduction. With ``for_update``, first lock the jobseeker, then both."""
    rows = select(DecisionLink).where(DecisionLink.token_hash == _hashed(token))
    link = session.scalars(rows).one_or_none()
    if link is not None and for_update:
        queries.held(session, link.introduction_id)
        link = session.scalars(rows.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if link is not None and link.used_at is not None:
        raise LinkGone("You have already answered. There is nothing more to do. To change the answer, sign in.")
    if link is None or link.expires_at <= at:
        raise LinkGone(GONE)
    introduction = session.get_one(Introduction, link.introduction_id)
    if stops.stop_of(session, introduction) is not None:
        raise LinkGone(GONE)
    listers = message_queries.members(session, introduction.social_enterprise_id, [Role.PLACEMENT_LISTER])
    if link.user_id not in listers:
        raise LinkGone(
            "The link was made for a person who is no longer a placement lister of this organisation. Ask a current"
            " placement lister to sign in and answer."
        )
    return link, introduction


def question_of(session: Session, token: str, at: datetime) -> LinkQuestion:
    """Return the question behind a link, with the answers that are possible now."""
    _, introduction = _link_of(session, token, at)
    is_free = placement_queries.places_left(session, introduction.placement_id) > 0
    not_now = IntroductionEvent.WAIT if is_free else IntroductionEvent.OFFER
    possible = set(possible_events(INTRODUCTION_MOVES, introduction.state)) - {not_now}
    sent_on = local_day(introduction.sent_at or at)
    return LinkQuestion(
        title=session.get_one(Placement, introduction.placement_id).title,
        partner=session.get_one(Organisation, introduction.partner_id).name,
        sent_on=day_in_words(sent_on),
        so_far=_so_far(session, introduction),
        events=tuple(event for event in BY_LINK if event in possible),
        reasons=tuple(reasons_for(Side.SOCIAL_ENTERPRISE)),
    )


SO_FAR = {
    IntroductionState.INVITED: "that you would like to meet the jobseeker",
    IntroductionState.WAITING: "that you would like to offer the jobseeker a place when a place becomes free",
    IntroductionState.OFFERED: "that you offer the jobseeker a place",
    IntroductionState.ACCEPTED: "that the jobseeker accepted your offer",
}


def _so_far(session: Session, introduction: Introduction) -> str:
    """Return what is already recorded about an introduction, by which side and when; empty if it was only sent."""
    move = queries.last_move(session, introduction) if introduction.state in SO_FAR else None
    if move is None:
        return ""
    partner = session.get_one(Organisation, introduction.partner_id).name
    side = "Your organisation" if move.made_by_role == Role.PLACEMENT_LISTER.value else partner
    return f"{side} recorded on {day_in_words(local_day(move.recorded_at))} {SO_FAR[introduction.state]}."


def partner_of(session: Session, token: str) -> str:
    """Return the name of the partner that a link is about, whether or not the link still works."""
    rows = (
        select(Organisation.name)
        .join(DecisionLink, DecisionLink.partner_id == Organisation.id)
        .where(DecisionLink.token_hash == _hashed(token))
    )
    return session.scalars(rows).one()


def offer_to_waiting_list(database: Database, token: str, at: datetime, address: str = "") -> None:
    """Offer the free places of the link's placement to its waiting list, before the answer is recorded."""
    with database.reading(newest=True) as session:
        link, introduction = _link_of(session, token, at)
    actions.offer_on(database, _as_lister(link, introduction, at, "", address), introduction.placement_id)


def _as_lister(link: DecisionLink, introduction: Introduction, at: datetime, request_id: str, address: str) -> Actor:
    return Actor(
        link.user_id,
        introduction.social_enterprise_id,
        Role.PLACEMENT_LISTER,
        source=Source.PAGE,
        doing="introduction:decide",
        request_id=request_id,
        address=address,
        at=at,
    )


def decide(
    session: WriteSession,
    token: str,
    at: datetime,
    event: IntroductionEvent,
    why: WhyNot | None,
    request_id: str,
    address: str = "",
) -> None:
    """Make the move in the name of the member for whom the link was made, and mark the link as used.

    ``address`` is the network address from which the answer came, for the audit.
    """
    link, introduction = _link_of(session, token, at, for_update=True)
    actor = _as_lister(link, introduction, at, request_id, address)
    no = actions.No(why or WhyNot.OTHER) if event is IntroductionEvent.DECLINE else None
    with acting_as(session, actor):
        actions.move(session, actor, introduction, event, no=no)
        link.used_at = at


def refused(database: Database, token: str, at: datetime, request_id: str, address: str) -> None:
    """Record in the audit that a link was opened or answered that no longer works. An unknown token names nobody."""
    with database.reading(newest=True) as session:
        link = session.scalars(select(DecisionLink).where(DecisionLink.token_hash == _hashed(token))).one_or_none()
        if link is None:
            return
        introduction = session.get_one(Introduction, link.introduction_id)
        actor = _as_lister(link, introduction, at, request_id, address)
        named = [("jobseeker_id", link.jobseeker_id), ("introduction_id", introduction.id)]
    audit.refused(database, actor, named)


def is_needed(session: Session, notice: Notice) -> bool:
    """Return whether a social enterprise may still read of an introduction: it is open and nothing stops it."""
    introduction = session.get(Introduction, notice.subject_id)
    return introduction is not None and introduction.state in OPEN and stops.stop_of(session, introduction) is None


def is_live(session: Session, notice: Notice) -> bool:
    """Return whether there is still something to decide about an introduction: it is open, or the work goes on."""
    introduction = session.get(Introduction, notice.subject_id)
    return introduction is not None and introduction.state in stops.LIVE


def may_receive(session: Session, introduction_id: UUID, organisation_id: UUID) -> bool:
    """Return whether an organisation may receive a webhook about an introduction. A stopped one is none of theirs."""
    introduction = session.get(Introduction, introduction_id)
    if introduction is None or introduction.social_enterprise_id != organisation_id:
        return introduction is not None
    return not stops.is_barred(session, introduction)


def label(session: Session, notice: Notice) -> str:
    """Return which introduction a notice is about, without naming the jobseeker."""
    introduction = session.get(Introduction, notice.subject_id)
    if introduction is None:
        return "An introduction"
    title = session.get_one(Placement, introduction.placement_id).title
    if notice.organisation_id != introduction.social_enterprise_id:
        enterprise = session.get_one(Organisation, introduction.social_enterprise_id).name
        return f"{title} at {enterprise}"
    partner = session.get_one(Organisation, introduction.partner_id).name
    return (
        f"{title}, put forward by {partner} on {day_in_words(local_day(introduction.sent_at or introduction.made_at))}"
    )
