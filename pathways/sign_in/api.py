"""Routes of invitations to sign in to the web pages."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.errors import Conflict, NotFound
from pathways.pagination import Page, page_of
from pathways.problems import documented
from pathways.sign_in import actions, queries
from pathways.sign_in.models import SignInLink
from pathways.sign_in.schemas import InvitationOut, NewInvitation

router = APIRouter(prefix="/invitations", tags=["invitations"], route_class=PathwaysRoute)

Inviter = Annotated[Actor, permitted(Permission.MEMBER_MAKE)]
Reader = Annotated[Actor, permitted(Permission.MEMBER_READ)]


@router.get("")
def list_invitations(actor: Reader, database: DatabaseDep, page: PageDep) -> Page[InvitationOut]:
    """List the invitations of people in your organisation. The operator sees all."""
    with database.reading(actor) as session:
        rows = queries.invitations_visible_to(actor)
        return page_of(session, rows, SignInLink.id, page, InvitationOut.model_validate)


@router.post("", status_code=201, responses=documented(Conflict, NotFound))
def invite_member(new: NewInvitation, actor: Inviter, database: DatabaseDep, once: OnceDep) -> InvitationOut:
    """Invite a member to sign in to the web pages. They are sent an e-mail with a link that works once.

    You see no link. What the person had set up before to sign in stops working when they use the link. Refused for
    yourself.
    """
    with database.writing(actor) as session:
        link = once(
            session,
            actor,
            lambda: actions.invite(session, actor, new),
            lambda made: queries.invitation(session, actor, made),
        )
        return InvitationOut.model_validate(link)


@router.get("/{invitation_id}", responses=documented(NotFound))
def get_invitation(invitation_id: UUID, actor: Reader, database: DatabaseDep) -> InvitationOut:
    """Read an invitation without its link."""
    with database.reading(actor) as session:
        return InvitationOut.model_validate(queries.invitation(session, actor, invitation_id))


@router.post("/{invitation_id}/cancel", responses=documented(NotFound, Conflict))
def cancel_invitation(invitation_id: UUID, actor: Inviter, database: DatabaseDep, once: OnceDep) -> InvitationOut:
    """Cancel an invitation. Its link stops working. Refused if it was used or cancelled."""
    with database.writing(actor) as session:
        link = once(
            session,
            actor,
            lambda: actions.cancel_invitation(session, actor, queries.invitation(session, actor, invitation_id)),
            lambda made: queries.invitation(session, actor, made),
        )
        return InvitationOut.model_validate(link)
