"""Every SELECT on organisations, members and keys, restricted to what the actor may see."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, or_, select

from pathways.access.models import User
from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.organisations import names
from pathways.organisations.formats import GMAIL, mailbox
from pathways.organisations.models import ApiKey, Membership, Organisation, OrganisationKind


def organisations_visible_to(actor: Actor) -> Select[Organisation]:
    """Return the query of the organisations that the actor may see.

    A social enterprise or a referrer sees only itself and the partners, because the name of a referring organisation
    reveals something about the people it refers. All other roles see every organisation.
    """
    rows = select(Organisation)
    if actor.role in {Role.PLACEMENT_LISTER, Role.REFERRER}:
        return rows.where(
            or_(
                Organisation.id == actor.organisation_id,
                Organisation.kind == OrganisationKind.VOLUNTARY_SECTOR_PARTNER,
            )
        )
    return rows


def organisation(session: Session, actor: Actor, organisation_id: UUID) -> Organisation:
    row = session.scalars(organisations_visible_to(actor).where(Organisation.id == organisation_id)).one_or_none()
    if row is None:
        raise NotFound("There is no organisation with this id that you may see. Check the id.")
    return row


def organisation_by_ref(session: Session, ref: str) -> Organisation:
    row = session.scalars(select(Organisation).where(Organisation.ref == ref)).one_or_none()
    if row is None:
        raise NotFound(
            f"There is no organisation with the reference {ref}. To list them, run: pathways organisations list"
        )
    return row


def members_visible_to(actor: Actor) -> Select[Membership]:
    rows = select(Membership)
    if actor.role is Role.OPERATOR:
        return rows
    return rows.where(Membership.organisation_id == actor.organisation_id)


def member(session: Session, actor: Actor, membership_id: UUID) -> Membership:
    row = session.scalars(members_visible_to(actor).where(Membership.id == membership_id)).one_or_none()
    if row is None:
        raise NotFound("There is no member with this id that you may see. Check the id.")
    return row


def is_still_member(session: Session, actor: Actor) -> bool:
    """Return whether the actor's membership is current. An actor without a membership, as in a command, gives True."""
    if actor.membership_id is None:
        return True
    membership = session.get(Membership, actor.membership_id)
    return membership is not None and membership.ended_at is None


def users_visible_to(actor: Actor) -> Select[User]:
    rows = select(User)
    if actor.role is Role.OPERATOR:
        return rows
    return rows.where(
        User.id.in_(select(Membership.user_id).where(Membership.organisation_id == actor.organisation_id))
    )


def user(session: Session, actor: Actor, user_id: UUID) -> User:
    row = session.scalars(users_visible_to(actor).where(User.id == user_id)).one_or_none()
    if row is None:
        raise NotFound("There is no user with this id that you may see. Check the id.")
    return row


def same_person(session: Session, user_id: UUID) -> set[UUID]:
    """Return the ids of the users who are the same person as a user: the user, and users with the same mailbox."""
    email = session.scalars(select(User.email).where(User.id == user_id)).one_or_none()
    if email is None:
        return {user_id}
    box = mailbox(email)
    name, _, domain = box.rpartition("@")
    # The query finds more than the mailbox; Python compares the mailboxes. A dot may stand anywhere in a Gmail name.
    domains = GMAIL if domain in GMAIL else {domain}
    start = name[:1] if domain in GMAIL else name
    rows = select(User.id, User.email).where(
        or_(
            *(
                User.email.istartswith(start, autoescape=True) & User.email.iendswith(f"@{d}", autoescape=True)
                for d in domains
            )
        )
    )
    return {user_id, *(row.id for row in session.execute(rows) if mailbox(row.email) == box)}


def keys_visible_to(actor: Actor) -> Select[ApiKey]:
    rows = select(ApiKey)
    if actor.role is Role.OPERATOR:
        return rows
    return rows.where(
        ApiKey.membership_id.in_(select(Membership.id).where(Membership.organisation_id == actor.organisation_id))
    )


def key(session: Session, actor: Actor, key_id: UUID) -> ApiKey:
    row = session.scalars(keys_visible_to(actor).where(ApiKey.id == key_id)).one_or_none()
    if row is None:
        raise NotFound("There is no key with this id that you may see. Check the id.")
    return row


def advice_on_name(session: Session, name: str, kinds: Collection[OrganisationKind]) -> str:
    """Return what to do about a name that no organisation of these kinds has. The nearest name is offered, if any."""
    rows = session.scalars(select(Organisation.name).where(Organisation.kind.in_(kinds)).distinct())
    nearest = names.like(name, rows.all())
    if nearest is not None:
        return f"Did you mean {nearest}? If so, write it like this."
    return "Check the spelling. If the organisation is new, ask the operator of Pathways to add it."
