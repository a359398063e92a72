"""API routes for organisations, users, members and keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from pathways.access.guards import (
    DatabaseDep,
    IfMatch,
    OnceDep,
    PageDep,
    PathwaysRoute,
    etag,
    expect_version,
    permitted,
)
from pathways.access.models import User
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.errors import Conflict, NotFound
from pathways.organisations import actions, queries
from pathways.organisations.models import ApiKey, Membership, Organisation
from pathways.organisations.schemas import (
    KeyOut,
    MemberOut,
    NewKey,
    NewMember,
    NewOrganisation,
    NewUser,
    OrganisationChange,
    OrganisationOut,
    UserChange,
    UserOut,
)
from pathways.pagination import Page, page_of
from pathways.problems import documented

organisations = APIRouter(prefix="/organisations", tags=["organisations"], route_class=PathwaysRoute)
users = APIRouter(prefix="/users", tags=["users"], route_class=PathwaysRoute)
members = APIRouter(prefix="/members", tags=["members"], route_class=PathwaysRoute)
keys = APIRouter(prefix="/keys", tags=["keys"], route_class=PathwaysRoute)

OrganisationReader = Annotated[Actor, permitted(Permission.ORGANISATION_READ)]
OrganisationMaker = Annotated[Actor, permitted(Permission.ORGANISATION_MAKE)]
OrganisationChanger = Annotated[Actor, permitted(Permission.ORGANISATION_CHANGE)]
UserReader = Annotated[Actor, permitted(Permission.USER_READ)]
UserMaker = Annotated[Actor, permitted(Permission.USER_MAKE)]
MemberReader = Annotated[Actor, permitted(Permission.MEMBER_READ)]
MemberMaker = Annotated[Actor, permitted(Permission.MEMBER_MAKE)]
KeyReader = Annotated[Actor, permitted(Permission.KEY_READ)]
KeyMaker = Annotated[Actor, permitted(Permission.KEY_MAKE)]
KeyRevoker = Annotated[Actor, permitted(Permission.KEY_REVOKE)]


@organisations.get("")
def list_organisations(actor: OrganisationReader, database: DatabaseDep, page: PageDep) -> Page[OrganisationOut]:
    """List organisations. A social enterprise or a referrer sees only itself and the partners."""
    with database.reading(actor) as session:
        rows = queries.organisations_visible_to(actor)
        return page_of(session, rows, Organisation.id, page, actions.reply)


@organisations.post("", status_code=201, responses=documented(Conflict))
def make_organisation(
    new: NewOrganisation, actor: OrganisationMaker, database: DatabaseDep, once: OnceDep, response: Response
) -> OrganisationOut:
    """Create an organisation. Only the operator may do this. Refused if the reference is already in use."""
    with database.writing(actor) as session:
        organisation = once(
            session,
            actor,
            lambda: actions.make_organisation(session, actor, new),
            lambda made: queries.organisation(session, actor, made),
        )
        etag(response, organisation.version)
        return actions.reply(organisation)


@organisations.get("/{organisation_id}", responses=documented(NotFound))
def get_organisation(
    organisation_id: UUID, actor: OrganisationReader, database: DatabaseDep, response: Response
) -> OrganisationOut:
    """Read an organisation that you may see."""
    with database.reading(actor) as session:
        organisation = queries.organisation(session, actor, organisation_id)
        etag(response, organisation.version)
        return actions.reply(organisation)


@organisations.patch("/{organisation_id}", responses=documented(NotFound))
def change_organisation(
    organisation_id: UUID,
    change: OrganisationChange,
    actor: OrganisationChanger,
    database: DatabaseDep,
    version: IfMatch,
    response: Response,
) -> OrganisationOut:
    """Change an organisation. An administrator may change only their own; the operator may change any."""
    with database.writing(actor) as session:
        organisation = queries.organisation(session, actor, organisation_id)
        expect_version(organisation, version)
        actions.change_organisation(session, actor, organisation, change)
        etag(response, organisation.version)
        return actions.reply(organisation)


@users.get("")
def list_users(actor: UserReader, database: DatabaseDep, page: PageDep) -> Page[UserOut]:
    """List the users of your organisation. The operator sees all users."""
    with database.reading(actor) as session:
        return page_of(session, queries.users_visible_to(actor), User.id, page, UserOut.model_validate)


@users.post("", status_code=201, responses=documented(Conflict))
def make_user(new: NewUser, actor: UserMaker, database: DatabaseDep, once: OnceDep, response: Response) -> UserOut:
    """Create a user. Only the operator may do this. Refused if the e-mail address is already in use."""
    with database.writing(actor) as session:
        user = once(
            session,
            actor,
            lambda: actions.make_user(session, actor, new),
            lambda made: queries.user(session, actor, made),
        )
        etag(response, user.version)
        return UserOut.model_validate(user)


@users.get("/{user_id}", responses=documented(NotFound))
def get_user(user_id: UUID, actor: UserReader, database: DatabaseDep, response: Response) -> UserOut:
    """Read a user of your organisation. The operator may read any user."""
    with database.reading(actor) as session:
        user = queries.user(session, actor, user_id)
        etag(response, user.version)
        return UserOut.model_validate(user)


@users.patch("/{user_id}", responses=documented(NotFound))
def change_user(
    user_id: UUID, change: UserChange, actor: UserMaker, database: DatabaseDep, version: IfMatch, response: Response
) -> UserOut:
    """Change a user. Only the operator may do this. Refused if a field is set to null."""
    with database.writing(actor) as session:
        user = queries.user(session, actor, user_id)
        expect_version(user, version)
        actions.change_user(session, user, change)
        etag(response, user.version)
        return UserOut.model_validate(user)


@members.get("")
def list_members(actor: MemberReader, database: DatabaseDep, page: PageDep) -> Page[MemberOut]:
    """List the members of your organisation, current and former. The operator sees those of every organisation."""
    with database.reading(actor) as session:
        return page_of(session, queries.members_visible_to(actor), Membership.id, page, MemberOut.model_validate)


@members.post("", status_code=201, responses=documented(Conflict, NotFound))
def add_member(new: NewMember, actor: MemberMaker, database: DatabaseDep, once: OnceDep) -> MemberOut:
    """Add a user to an organisation in one role. An administrator may do this only for their own organisation.

    Refused if this kind of organisation does not have the role, if the user already has it, or if you would give
    yourself a role that sees people: ask another administrator, or the operator.
    """
    with database.writing(actor) as session:
        membership = once(
            session,
            actor,
            lambda: actions.add_member(session, actor, new),
            lambda made: queries.member(session, actor, made),
        )
        return MemberOut.model_validate(membership)


@members.get("/{membership_id}", responses=documented(NotFound))
def get_member(membership_id: UUID, actor: MemberReader, database: DatabaseDep) -> MemberOut:
    """Read a member of your organisation. The operator may read any member."""
    with database.reading(actor) as session:
        return MemberOut.model_validate(queries.member(session, actor, membership_id))


@members.post("/{membership_id}/end", responses=documented(NotFound, Conflict))
def end_member(membership_id: UUID, actor: MemberMaker, database: DatabaseDep, once: OnceDep) -> MemberOut:
    """End a membership. Its keys are revoked, also for the case that the member returns. Refused if it has ended."""
    with database.writing(actor) as session:
        membership = once(
            session,
            actor,
            lambda: actions.end_member(session, actor, queries.member(session, actor, membership_id)),
            lambda made: queries.member(session, actor, made),
        )
        return MemberOut.model_validate(membership)


@keys.get("")
def list_keys(actor: KeyReader, database: DatabaseDep, page: PageDep) -> Page[KeyOut]:
    """List the keys of your organisation without their secrets. The operator sees all keys."""
    with database.reading(actor) as session:
        return page_of(session, queries.keys_visible_to(actor), ApiKey.id, page, KeyOut.model_validate)


@keys.post("", status_code=201, responses=documented(Conflict, NotFound))
def make_key(new: NewKey, actor: KeyMaker, database: DatabaseDep, once: OnceDep) -> KeyOut:
    """Issue a key to a current member, who is sent an e-mail with a link that shows the key once.

    You see neither the link nor the key. The key works once its owner has claimed it. Refused for yourself. On the
    command line, `pathways keys create` makes a key that works at once.
    """
    with database.writing(actor) as session:
        key = once(
            session,
            actor,
            lambda: actions.issue_key(session, actor, new),
            lambda made: queries.key(session, actor, made),
        )
        return KeyOut.model_validate(key)


@keys.get("/{key_id}", responses=documented(NotFound))
def get_key(key_id: UUID, actor: KeyReader, database: DatabaseDep) -> KeyOut:
    """Read a key of your organisation without its secret. The operator may read any key."""
    with database.reading(actor) as session:
        return KeyOut.model_validate(queries.key(session, actor, key_id))


@keys.post("/{key_id}/revoke", responses=documented(NotFound, Conflict))
def revoke_key(key_id: UUID, actor: KeyRevoker, database: DatabaseDep, once: OnceDep) -> KeyOut:
    """Revoke a key. It stops working at once. Refused if it has already been revoked."""
    with database.writing(actor) as session:
        key = once(
            session,
            actor,
            lambda: actions.revoke_key(session, actor, queries.key(session, actor, key_id)),
            lambda made: queries.key(session, actor, made),
        )
        return KeyOut.model_validate(key)
