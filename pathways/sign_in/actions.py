"""Everything that starts, changes and ends a sign-in: invitations, sessions, and the ways of a person."""

from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import update

from pathways.access.models import User
from pathways.base import Actor, Role, Source, local_day
from pathways.database import Session, WriteSession, acting_as
from pathways.errors import Conflict, NotFound, NotPermitted
from pathways.messages.actions import notify
from pathways.messages.models import NoticeKind
from pathways.organisations import queries as organisation_queries
from pathways.reference import tables
from pathways.sign_in import codes, one_time_links, queries
from pathways.sign_in.models import (
    KnownBrowser,
    Passkey,
    SignInLink,
    SignInLinkKind,
    SignInSession,
    SignInWay,
)
from pathways.sign_in.schemas import Caller, NewInvitation

TOKEN_BYTES = 32
SECONDS_BETWEEN_TOUCHES = 60  # how exactly the last use of a session is known


class OwnInvitation(NotPermitted):
    title = "You cannot invite yourself"


class LastWay(Conflict):
    title = "This is your only way to sign in"


class OnlyByYourself(NotPermitted):
    title = "You signed in through your organisation"


class NewSession(NamedTuple):
    """The tokens of a browser that has signed in. Only their hashes are stored."""

    token: str
    known_browser: str
    session_id: UUID


def invite(session: WriteSession, actor: Actor, new: NewInvitation) -> SignInLink:
    """Invite a member to sign in. They are sent a link that works once; the actor never sees it.

    The invited person sets up a new way to sign in. What they had set up before stops working when they use the
    link, so that an invitation also helps a person who lost every device. Refused for oneself, also as another user.
    """
    user = session.scalars(organisation_queries.users_visible_to(actor).where(User.id == new.user_id)).one_or_none()
    of_ours = None if actor.role is Role.OPERATOR else actor.organisation_id
    roles = queries.roles_of(session, new.user_id, of_ours) if user is not None else []
    if user is None or not roles:
        raise NotFound("Your organisation has no current member with this id. Check the id, or add the member first.")
    if user.is_machine:
        raise Conflict("This user is a machine, which uses an API key. Invite only people.")
    if user.id in organisation_queries.same_person(session, actor.user_id):
        raise OwnInvitation("Ask another administrator, or the operator of this service, to invite you.")
    link = one_time_links.add(
        session, user.id, SignInLinkKind.INVITATION, actor.user_id, source=actor.source, at=actor.at
    )
    membership = queries.membership_of(session, user.id, roles[0].membership_id)
    notify(
        session,
        actor,
        [user.id],
        NoticeKind.INVITED,
        about=("sign-in", link.id),
        organisation_id=membership.organisation_id,
    )
    return link


def cancel_invitation(session: WriteSession, actor: Actor, link: SignInLink) -> SignInLink:
    """Cancel an invitation, whose link then no longer works. Refused if it was used or cancelled."""
    session.refresh(link, with_for_update=True)
    if link.used_at is not None or link.cancelled_at is not None:
        raise Conflict("This invitation was already used or cancelled.")
    link.cancelled_at, link.link_hash = actor.at, None
    session.flush()
    return link


def send_link(session: WriteSession, email: str, at: datetime) -> bool:
    """Send a person a link to sign in with a browser that is not known yet. Return whether there is such a person.

    The caller does not show the result, so that nobody learns who has an account.
    """
    user = queries.user_by_email(session, email)
    if user is None:
        return False
    link = one_time_links.add(session, user.id, SignInLinkKind.NEW_BROWSER, user.id, source=Source.PAGE, at=at)
    membership = queries.membership_of(session, user.id, queries.roles_of(session, user.id)[0].membership_id)
    owner = Actor(user.id, membership.organisation_id, membership.role, membership.id, source=Source.PAGE, at=at)
    notify(
        session,
        owner,
        [user.id],
        NoticeKind.SIGN_IN_LINK,
        about=("sign-in", link.id),
        organisation_id=membership.organisation_id,
    )
    return True


def use_link(session: WriteSession, caller: Caller, token: str, code: str, at: datetime) -> NewSession:
    """Sign in with a one-time link and, where the person has an authenticator app, its code.

    An invitation starts afresh: what the person had set up before stops working, and other sessions end. A link for
    a new browser is not enough for a person who has only a passkey.
    """
    link = one_time_links.found(session, token, at, for_update=True)
    has_app = queries.authenticator(session, link.user_id) is not None
    must_set_up = False
    if link.kind is SignInLinkKind.INVITATION:
        # A link of the demonstration is for looking around: several may be in use.
        if link.made_from is not Source.DEMONSTRATION or queries.has_a_way(session, link.user_id):
            _start_afresh(session, link.user_id, at)
        must_set_up = link.made_from is not Source.DEMONSTRATION
    elif has_app:
        codes.use(session, link.user_id, code, at)
    elif queries.has_a_way(session, link.user_id):
        raise Conflict("The link alone is not enough. Sign in with your passkey, or with a recovery code.")
    else:
        must_set_up = True
    link.used_at, link.link_hash = at, None
    way = SignInWay.AUTHENTICATOR if has_app and link.kind is SignInLinkKind.NEW_BROWSER else SignInWay.LINK
    return _start(session, link.user_id, caller, way, at=at, must_set_up=must_set_up)


def _start_afresh(session: WriteSession, user_id: UUID, at: datetime) -> None:
    for passkey in session.scalars(queries.passkeys(user_id)):
        passkey.removed_at = at
    codes.remove(session, user_id, at)
    for code in session.scalars(queries.codes_left(user_id)):
        code.replaced_at = at
    session.execute(
        update(KnownBrowser).where(KnownBrowser.user_id == user_id).values(removed_at=at),
        execution_options={"synchronize_session": False},
    )
    end_others(session, user_id, None, at)


def use_code(session: WriteSession, caller: Caller, email: str, code: str, at: datetime) -> NewSession:
    """Sign in with the code of the authenticator app, in a browser in which the person has signed in before."""
    user = queries.user_by_email(session, email)
    if user is None or not queries.known_browser(session, user.id, caller.known_browser, at):
        raise codes.WrongCode(codes.WRONG_CODE, pointer="/code")
    codes.use(session, user.id, code, at)
    return _start(session, user.id, caller, SignInWay.AUTHENTICATOR, at=at)


def use_recovery_code(session: WriteSession, caller: Caller, email: str, code: str, at: datetime) -> NewSession:
    """Sign in with a recovery code, which then no longer works. The person is notified."""
    user = queries.user_by_email(session, email)
    user_id = codes.use_recovery(session, user.id if user else None, code, at)
    must_set_up = not queries.has_a_way(session, user_id)
    started = _start(session, user_id, caller, SignInWay.RECOVERY_CODE, at=at, must_set_up=must_set_up)
    ways_changed(session, user_id, at, occasion=str(started.session_id))
    return started


def start_with_passkey(session: WriteSession, caller: Caller, user_id: UUID, at: datetime) -> NewSession:
    """Start the session of a person whose passkey was checked. Refused if they have no role now."""
    return _start(session, user_id, caller, SignInWay.PASSKEY, at=at)


def start_with_provider(
    session: WriteSession, caller: Caller, user_id: UUID, organisation_id: UUID, at: datetime
) -> NewSession:
    """Start the session of a person for whom an organisation's provider vouched, for roles in that organisation."""
    return _start(session, user_id, caller, SignInWay.PROVIDER, at=at, only_organisation_id=organisation_id)


def browser_lasts(at: datetime) -> timedelta:
    """Return for how long a browser stays known."""
    return timedelta(days=int(tables.limit("known_browser_days", local_day(at))))


def _start(
    session: WriteSession,
    user_id: UUID,
    caller: Caller,
    way: SignInWay,
    *,
    at: datetime,
    must_set_up: bool = False,
    only_organisation_id: UUID | None = None,
) -> NewSession:
    roles = queries.roles_of(session, user_id, only_organisation_id)
    if not roles:
        raise Conflict("You have no role in any organisation now. Ask the administrator of your organisation.")
    token, browser = token_urlsafe(TOKEN_BYTES), caller.known_browser
    today = local_day(at)
    row = SignInSession(
        token_hash=queries.hashed(token),
        user_id=user_id,
        way=way,
        must_set_up=must_set_up,
        only_organisation_id=only_organisation_id,
        browser=caller.browser,
        address=caller.address,
        made_at=at,
        used_at=at,
        ends_at=at + timedelta(hours=int(tables.limit("session_hours", today))),
    )
    session.add(row)
    session.flush()  # the audit names it
    # A provider vouches for its own organisation, and not for what an authenticator app of the person opens here.
    is_known = bool(browser) and queries.known_browser(session, user_id, browser, at)
    if only_organisation_id is None and not is_known:
        browser = token_urlsafe(TOKEN_BYTES)
        ends_at = at + browser_lasts(at)
        session.add(KnownBrowser(user_id=user_id, token_hash=queries.hashed(browser), made_at=at, works_until=ends_at))
    if len(roles) == 1:
        choose_role(session, row, roles[0].membership_id, caller, at)
    return NewSession(token, browser, row.id)


def choose_role(session: WriteSession, row: SignInSession, membership_id: UUID, caller: Caller, at: datetime) -> None:
    """Choose in which role the person works in this session. The audit records it in that role."""
    membership = queries.membership_of(session, row.user_id, membership_id)
    if row.only_organisation_id not in {None, membership.organisation_id}:
        raise NotFound("You signed in by your organisation, so you can choose only roles in it.")
    actor = Actor(
        row.user_id,
        membership.organisation_id,
        membership.role,
        membership.id,
        source=Source.PAGE,
        doing="sign_in",
        request_id=caller.request_id,
        address=caller.address,
        at=at,
    )
    with acting_as(session, actor):
        row.membership_id = membership.id


def session_row(session: Session, session_id: UUID) -> SignInSession:
    return session.get_one(SignInSession, session_id)


def touch(session: WriteSession, session_id: UUID, at: datetime) -> None:
    """Note that a session was used. It is noted once a minute at most."""
    session.execute(
        update(SignInSession)
        .where(
            SignInSession.id == session_id,
            SignInSession.used_at < at - timedelta(seconds=SECONDS_BETWEEN_TOUCHES),
        )
        .values(used_at=at),
        execution_options={"synchronize_session": False},
    )


def end(session: WriteSession, user_id: UUID, session_id: UUID, at: datetime) -> None:
    """End one session of a person. A session that has ended stays as it is."""
    session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.user_id == user_id, SignInSession.ended_at.is_(None))
        .values(ended_at=at),
        execution_options={"synchronize_session": False},
    )


def end_others(session: WriteSession, user_id: UUID, kept: UUID | None, at: datetime) -> None:
    """End every session of a person but one. Other browsers are forgotten: there, a code alone is no longer enough."""
    session.execute(
        update(SignInSession)
        .where(SignInSession.user_id == user_id, SignInSession.id != kept, SignInSession.ended_at.is_(None))
        .values(ended_at=at),
        execution_options={"synchronize_session": False},
    )


def must_not_be_by_provider(session: Session, session_id: UUID) -> None:
    """Refuse to change how a person signs in while only their organisation's provider vouches for them.

    A way that is added here would also open the person's roles in other organisations, for which it does not vouch.
    """
    if session.get_one(SignInSession, session_id).only_organisation_id is not None:
        raise OnlyByYourself(
            "Passkeys, apps and codes can be changed only in a session that you began with one of them, or with a link."
        )


def way_was_set_up(session: WriteSession, user_id: UUID, session_id: UUID, at: datetime) -> bool:
    """Note that a person has added a way to sign in, and notify them. Return whether they have recovery codes."""
    row = session.get_one(SignInSession, session_id, with_for_update=True)
    row.must_set_up = False
    ways_changed(session, user_id, at, occasion=at.isoformat())
    return session.scalars(queries.codes_left(user_id).limit(1)).first() is not None


def forget_browsers(session: WriteSession, user_id: UUID, kept: str, at: datetime) -> None:
    """Forget the browsers in which a person signed in before, but for the one with the token ``kept``."""
    session.execute(
        update(KnownBrowser)
        .where(
            KnownBrowser.user_id == user_id,
            KnownBrowser.token_hash != queries.hashed(kept),
            KnownBrowser.removed_at.is_(None),
        )
        .values(removed_at=at),
        execution_options={"synchronize_session": False},
    )


def make_recovery_codes(session: WriteSession, user_id: UUID, at: datetime) -> list[str]:
    """Make new recovery codes, once a passkey or an authenticator app is set up: they are for the day it is lost."""
    if not queries.has_a_way(session, user_id):
        raise Conflict("Set up a passkey or an authenticator app first. Recovery codes are for the day you lose it.")
    made = codes.new_recovery_codes(session, user_id, at)
    ways_changed(session, user_id, at, occasion=at.isoformat())
    return made


def remove_passkey(session: WriteSession, user_id: UUID, passkey_id: UUID, at: datetime) -> None:
    """Remove a passkey. Refused if the person could not sign in without it."""
    session.get_one(User, user_id, with_for_update=True)  # so that two ways are not removed at the same moment
    passkey = session.scalars(queries.passkeys(user_id).where(Passkey.id == passkey_id)).one_or_none()
    if passkey is None:
        raise NotFound("You have no such passkey now. It may have been removed already.")
    others = [one for one in session.scalars(queries.passkeys(user_id)) if one.id != passkey_id]
    if not others and queries.authenticator(session, user_id) is None:
        raise LastWay("Add another passkey or an authenticator app first.")
    passkey.removed_at = at
    ways_changed(session, user_id, at, occasion=at.isoformat())


def remove_authenticator(session: WriteSession, user_id: UUID, at: datetime) -> None:
    """Remove the authenticator app. Refused if the person could not sign in without it."""
    session.get_one(User, user_id, with_for_update=True)
    if session.scalars(queries.passkeys(user_id).limit(1)).first() is None:
        raise LastWay("Add a passkey first.")
    codes.remove(session, user_id, at)
    ways_changed(session, user_id, at, occasion=at.isoformat())


def ways_changed(session: WriteSession, user_id: UUID, at: datetime, *, occasion: str) -> None:
    """Notify a person by e-mail that their ways to sign in changed, in case it was somebody else."""
    roles = queries.roles_of(session, user_id)
    if not roles:
        return
    membership = queries.membership_of(session, user_id, roles[0].membership_id)
    owner = Actor(user_id, membership.organisation_id, membership.role, membership.id, source=Source.PAGE, at=at)
    notify(
        session,
        owner,
        [user_id],
        NoticeKind.SIGN_IN_CHANGED,
        about=("account", user_id),
        organisation_id=membership.organisation_id,
        occasion=occasion,
    )
