"""Every SELECT on sessions, links, passkeys, authenticator apps and recovery codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import aliased

from pathways.access.models import User
from pathways.base import Actor, Role, local_day
from pathways.database import Session
from pathways.errors import NotFound
from pathways.organisations.models import Membership, MembershipPeriod, Organisation
from pathways.reference import tables
from pathways.sign_in.models import (
    AuthenticatorApp,
    KnownBrowser,
    Passkey,
    RecoveryCode,
    SignInLink,
    SignInSession,
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in with a session: the person, and the role and organisation if they are chosen."""

    session_id: UUID
    user_id: UUID
    name: str
    must_set_up: bool
    used_at: datetime
    ends_at: datetime
    membership_id: UUID | None = None
    role: Role | None = None
    organisation_id: UUID | None = None
    organisation: str = ""
    has_several_roles: bool = False
    is_by_provider: bool = False


@dataclass(frozen=True, slots=True)
class RoleOption:
    """One role that a person may choose after signing in."""

    membership_id: UUID
    role: Role
    organisation: str


def hashed(token: str) -> str:
    """Return the hash under which a random token is stored. It has 256 bits, so that a plain hash is enough."""
    return sha256(token.encode()).hexdigest()


def idle_minutes(at: datetime) -> int:
    """Return after how many minutes without a request a session ends."""
    return int(tables.limit("session_idle_minutes", local_day(at)))


def current(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a session that works at an instant."""
    idle = at - timedelta(minutes=idle_minutes(at))
    return (SignInSession.ended_at.is_(None), SignInSession.ends_at > at, SignInSession.used_at > idle)


def signed_in(session: Session, token: str, at: datetime) -> SignedIn | None:
    """Return who is signed in with a session's token; None if it is over.

    A session is over too when its membership ends, and stays over if the member returns.
    """
    left = exists().where(
        MembershipPeriod.membership_id == SignInSession.membership_id,
        MembershipPeriod.is_member.is_(False),
        MembershipPeriod.recorded_at >= SignInSession.made_at,
    )
    other = aliased(Membership)
    several = exists().where(
        other.user_id == SignInSession.user_id,
        other.ended_at.is_(None),
        other.id != SignInSession.membership_id,
        or_(SignInSession.only_organisation_id.is_(None), other.organisation_id == SignInSession.only_organisation_id),
    )
    row = session.execute(
        select(
            SignInSession.id,
            SignInSession.user_id,
            User.name,
            SignInSession.must_set_up,
            SignInSession.used_at,
            SignInSession.ends_at,
            SignInSession.membership_id,
            SignInSession.only_organisation_id,
            Membership.role,
            Membership.organisation_id,
            Organisation.name.label("organisation"),
            (Membership.ended_at.is_not(None) | left).label("is_over"),
            several.label("has_several_roles"),
        )
        .join(User, User.id == SignInSession.user_id)
        .outerjoin(Membership, Membership.id == SignInSession.membership_id)
        .outerjoin(Organisation, Organisation.id == Membership.organisation_id)
        .where(SignInSession.token_hash == hashed(token), *current(at))
    ).one_or_none()
    if row is None or row.is_over:
        return None
    return SignedIn(
        row.id,
        row.user_id,
        row.name,
        row.must_set_up,
        row.used_at,
        row.ends_at,
        row.membership_id,
        row.role,
        row.organisation_id,
        row.organisation or "",
        bool(row.has_several_roles),
        row.only_organisation_id is not None,
    )


def membership_of_token(session: Session, token: str) -> UUID | None:
    """Return in which membership a session was, also after it has ended: what was typed is kept for that member."""
    rows = select(SignInSession.membership_id).where(SignInSession.token_hash == hashed(token))
    return session.scalars(rows).one_or_none()


def roles_of(session: Session, user_id: UUID, organisation_id: UUID | None = None) -> list[RoleOption]:
    """Return the roles that a person has now, in any organisation or in one, by organisation and role."""
    in_one = () if organisation_id is None else (Membership.organisation_id == organisation_id,)
    rows = session.execute(
        select(Membership.id, Membership.role, Organisation.name)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(Membership.user_id == user_id, Membership.ended_at.is_(None), *in_one)
        .order_by(Organisation.name, Membership.role)
    )
    return [RoleOption(*row) for row in rows]


def membership_of(session: Session, user_id: UUID, membership_id: UUID) -> Membership:
    """Return a membership that a person has now."""
    row = session.scalars(
        select(Membership).where(
            Membership.id == membership_id, Membership.user_id == user_id, Membership.ended_at.is_(None)
        )
    ).one_or_none()
    if row is None:
        raise NotFound("You do not have this role now. Choose one of the roles in the list.")
    return row


def sessions_of(session: Session, user_id: UUID, at: datetime) -> Sequence[SignInSession]:
    """Return the sessions of a person that work now, the newest first."""
    rows = select(SignInSession).where(SignInSession.user_id == user_id, *current(at))
    return session.scalars(rows.order_by(SignInSession.id.desc())).all()


def passkeys(user_id: UUID) -> Select[Passkey]:
    """Return the query of the passkeys that a person can use."""
    rows = select(Passkey).where(Passkey.user_id == user_id, Passkey.removed_at.is_(None))
    return rows.order_by(Passkey.id)


def authenticator(session: Session, user_id: UUID, *, for_update: bool = False) -> AuthenticatorApp | None:
    """Return the confirmed authenticator app of a person, if they have one."""
    rows = select(AuthenticatorApp).where(
        AuthenticatorApp.user_id == user_id,
        AuthenticatorApp.confirmed_at.is_not(None),
        AuthenticatorApp.removed_at.is_(None),
    )
    return session.scalars(rows.with_for_update() if for_update else rows).one_or_none()


def has_a_way(session: Session, user_id: UUID) -> bool:
    """Return whether a person has set up a passkey or an authenticator app."""
    passkey = session.scalars(passkeys(user_id).limit(1)).first()
    return passkey is not None or authenticator(session, user_id) is not None


def codes_left(user_id: UUID) -> Select[RecoveryCode]:
    """Return the query of the recovery codes that a person has not used."""
    return select(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None), RecoveryCode.replaced_at.is_(None)
    )


def user_by_email(session: Session, email: str) -> User | None:
    """Return the person with an e-mail address, if they have a role now. A machine does not sign in."""
    has_a_role = exists().where(Membership.user_id == User.id, Membership.ended_at.is_(None))
    rows = select(User).where(User.email == email.strip().lower(), User.is_machine.is_(False), has_a_role)
    return session.scalars(rows).one_or_none()


def known_browser(session: Session, user_id: UUID, token: str, at: datetime) -> bool:
    """Return whether a person has signed in with this browser before."""
    rows = select(KnownBrowser.id).where(
        KnownBrowser.token_hash == hashed(token),
        KnownBrowser.user_id == user_id,
        KnownBrowser.works_until > at,
        KnownBrowser.removed_at.is_(None),
    )
    return session.scalars(rows).one_or_none() is not None


def open_links(user_id: UUID, at: datetime) -> Select[SignInLink]:
    """Return the query of the links of a person that work, or will work once they are sent."""
    return select(SignInLink).where(
        SignInLink.user_id == user_id,
        SignInLink.used_at.is_(None),
        SignInLink.cancelled_at.is_(None),
        SignInLink.works_until > at,
    )


def invitations_visible_to(actor: Actor) -> Select[SignInLink]:
    """Return the query of the invitations of people in the actor's organisation. The operator sees all."""
    rows = select(SignInLink).where(SignInLink.kind == "invitation")
    if actor.role is Role.OPERATOR:
        return rows
    members = select(Membership.user_id).where(
        Membership.organisation_id == actor.organisation_id, Membership.ended_at.is_(None)
    )
    return rows.where(SignInLink.user_id.in_(members))


def invitation(session: Session, actor: Actor, invitation_id: UUID) -> SignInLink:
    row = session.scalars(invitations_visible_to(actor).where(SignInLink.id == invitation_id)).one_or_none()
    if row is None:
        raise NotFound("There is no invitation with this id that you may see. Check the id.")
    return row


def never_signed_in(user_ids: Sequence[UUID]) -> Select[UUID]:
    """Return the query of those users who have not signed in to the pages."""
    has_signed_in = exists().where(SignInSession.user_id == User.id)
    return select(User.id).where(User.id.in_(user_ids), ~has_signed_in)
