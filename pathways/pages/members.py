"""The page on which an administrator sees the members of their organisation and invites them to sign in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import func, select

from pathways.access.guards import DatabaseDep
from pathways.access.models import User
from pathways.access.permissions import Permission
from pathways.base import Role
from pathways.database import Database, Session
from pathways.organisations import queries as organisation_queries
from pathways.organisations.models import Membership, Organisation
from pathways.pages.visitors import PageRoute, Visitor, allowed, go, show
from pathways.sign_in import actions, queries
from pathways.sign_in.models import SignInLink, SignInSession
from pathways.sign_in.schemas import NewInvitation

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/members")
Inviter = Annotated[Visitor, allowed(Permission.MEMBER_MAKE)]
MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One current member: who, in which roles, when they last signed in, and the invitation that is open."""

    user_id: UUID
    name: str
    email: str
    roles: tuple[tuple[Role, str], ...]
    signed_in_at: datetime | None
    invited_until: datetime | None
    invitation_id: UUID | None
    is_own: bool


def rows(session: Session, visitor: Visitor) -> list[MemberRow]:
    """Return the current members of the organisation who are people, by name. The operator sees all."""
    actor = visitor.actor
    visible = organisation_queries.members_visible_to(actor).with_only_columns(Membership.id).subquery()
    found = session.execute(
        select(User.id, User.name, User.email, Membership.role, Organisation.name.label("organisation"))
        .join(Membership, Membership.user_id == User.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(Membership.id.in_(select(visible.c.id)), Membership.ended_at.is_(None), User.is_machine.is_(False))
        .order_by(User.name, User.id)
        .limit(MOST_ROWS)
    ).all()
    ids = [row.id for row in found]
    latest = (
        select(SignInSession.user_id, func.max(SignInSession.made_at).label("at"))
        .where(SignInSession.user_id.in_(ids), SignInSession.membership_id.in_(select(visible.c.id)))
        .group_by(SignInSession.user_id)
    )
    signed_in = {row.user_id: row.at for row in session.execute(latest)}
    invited = {
        link.user_id: link
        for link in session.scalars(
            queries.invitations_visible_to(actor).where(
                SignInLink.user_id.in_(ids),
                SignInLink.used_at.is_(None),
                SignInLink.cancelled_at.is_(None),
                SignInLink.works_until > actor.at,
            )
        )
    }
    own = organisation_queries.same_person(session, actor.user_id)
    roles: dict[UUID, list[tuple[Role, str]]] = {}
    for row in found:
        roles.setdefault(row.id, []).append((row.role, row.organisation))
    people = {row.id: row for row in found}
    return [
        MemberRow(
            user_id,
            row.name,
            row.email,
            tuple(roles[user_id]),
            signed_in.get(user_id),
            invited[user_id].works_until if user_id in invited else None,
            invited[user_id].id if user_id in invited else None,
            user_id in own,
        )
        for user_id, row in people.items()
    ]


def first_page(request: Request, visitor: Visitor, database: Database) -> Response:
    """Show the members and whether they can sign in."""
    with database.reading(visitor.actor) as session:
        members = rows(session, visitor)
    return show(request, visitor, "members/members", "Members", members=members)


@router.get("")
def members(visitor: Inviter) -> Response:  # noqa: ARG001 - guards the page
    """Go to the first page, where an administrator has the members."""
    return go("/")


@router.get("/{user_id:uuid}/invite")
def ask_invitation(user_id: UUID, request: Request, visitor: Inviter, database: DatabaseDep) -> Response:
    """Ask before an invitation replaces what a member has set up to sign in."""
    with database.reading(visitor.actor) as session:
        member = next((one for one in rows(session, visitor) if one.user_id == user_id), None)
    if member is None or member.signed_in_at is None:
        return go("/")
    return show(request, visitor, "members/invite", "Invite again", member=member)


@router.post("/{user_id:uuid}/invite")
def invite(user_id: UUID, visitor: Inviter, database: DatabaseDep) -> Response:
    """Invite a member to sign in. The link goes to them by e-mail."""
    with database.writing(visitor.actor) as session:
        actions.invite(session, visitor.actor, NewInvitation(user_id=user_id))
    return go("/", "invited")


@router.post("/invitations/{invitation_id:uuid}/cancel")
def cancel(invitation_id: UUID, visitor: Inviter, database: DatabaseDep) -> Response:
    """Cancel an invitation that was not used."""
    with database.writing(visitor.actor) as session:
        link = queries.invitation(session, visitor.actor, invitation_id)
        actions.cancel_invitation(session, visitor.actor, link)
    return go("/", "cancelled")
