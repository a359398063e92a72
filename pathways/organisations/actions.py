"""Every change to organisations, members and keys, and the look-up behind each request's key."""

import hashlib
import hmac
import re
import secrets
import string
import unicodedata
from uuid import UUID

from sqlalchemy import bindparam, select

from pathways.access.models import User
from pathways.base import Actor, Nation, Role
from pathways.database import Database, Session, WriteSession
from pathways.errors import Conflict, NotPermitted, RuleBroken, Unauthenticated
from pathways.organisations import formats, queries
from pathways.organisations.models import (
    ROLES_ANYWHERE,
    ROLES_IN,
    ApiKey,
    Membership,
    MembershipPeriod,
    Organisation,
    OrganisationKind,
)
from pathways.organisations.schemas import (
    NewKey,
    NewMember,
    NewOrganisation,
    NewUser,
    OrganisationChange,
    OrganisationOut,
    UserChange,
)

OPERATOR_REF = "operator"
OPERATOR_EMAIL = "operator@example.org"
ALPHABET = string.ascii_letters + string.digits
PUBLIC_LENGTH, SECRET_LENGTH = 8, 43  # 43 characters of 62 are 256 bits


class RefTaken(Conflict):
    title = "There is already one with this reference"


class RoleDoesNotFit(RuleBroken):
    title = "This kind of organisation has no such role"


class AlreadyDone(Conflict):
    title = "That has been done already"


def slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50] or "organisation"


def make_organisation(session: WriteSession, actor: Actor, new: NewOrganisation) -> Organisation:
    ref = new.ref or _free_ref(session, slug(new.name))
    if session.scalars(select(Organisation.id).where(Organisation.ref == ref)).first() is not None:
        raise RefTaken("Choose another reference, or leave it out.")
    organisation = Organisation(
        ref=ref,
        kind=new.kind,
        name=new.name,
        nation=new.nation,
        company_number=formats.padded_company_number(new.company_number),
        charity_number=new.charity_number,
        made_at=actor.at,
    )
    session.add(organisation)
    session.flush()  # its id is needed by what the caller makes next
    return organisation


def _free_ref(session: Session, stem: str) -> str:
    taken = set(session.scalars(select(Organisation.ref).where(Organisation.ref.startswith(stem))))
    if stem not in taken:
        return stem
    return next(f"{stem}-{n}" for n in range(2, len(taken) + 3) if f"{stem}-{n}" not in taken)


def change_organisation(
    session: WriteSession, actor: Actor, organisation: Organisation, change: OrganisationChange
) -> Organisation:
    if actor.role is not Role.OPERATOR and organisation.id != actor.organisation_id:
        raise NotPermitted("You may change your own organisation only.")
    for name in change.model_fields_set:
        value = getattr(change, name)
        if value is None and name in {"name", "nation"}:
            raise RuleBroken(f"{name} cannot be emptied.", pointer=f"/{name}")
        setattr(organisation, name, value)
    session.flush()  # so that the reply carries the new version
    return organisation


def reply(organisation: Organisation) -> OrganisationOut:
    answer = OrganisationOut.model_validate(organisation)
    return answer.model_copy(update={"warnings": formats.warnings_of(organisation)})


def make_user(session: WriteSession, actor: Actor, new: NewUser) -> User:
    if session.scalars(select(User.id).where(User.email == new.email.lower())).first() is not None:
        raise RefTaken("There is already a user with this address.")
    user = User(name=new.name, email=new.email.lower(), is_machine=new.is_machine, made_at=actor.at)
    session.add(user)
    session.flush()  # its id is needed by what the caller makes next
    return user


def change_user(session: WriteSession, user: User, change: UserChange) -> User:
    for name in change.model_fields_set:
        value = getattr(change, name)
        if value is None:
            raise RuleBroken(f"{name} cannot be emptied.", pointer=f"/{name}")
        setattr(user, name, value)
    session.flush()  # so that the reply carries the new version
    return user


def add_member(session: WriteSession, actor: Actor, new: NewMember) -> Membership:
    organisation = queries.organisation(session, actor, new.organisation_id)
    if actor.role is not Role.OPERATOR and organisation.id != actor.organisation_id:
        raise NotPermitted("You may add members to your own organisation only.")
    if new.role not in ROLES_IN[organisation.kind] | ROLES_ANYWHERE:
        raise RoleDoesNotFit(f"A {organisation.kind} has no {new.role}.", pointer="/role")
    user = session.scalars(queries.users_visible_to(actor).where(User.id == new.user_id)).one_or_none()
    if user is None:
        raise RuleBroken(
            "Your organisation has no such user. The operator adds people who are new.", pointer="/user_id"
        )
    membership = session.scalars(
        select(Membership).where(
            Membership.organisation_id == organisation.id,
            Membership.user_id == new.user_id,
            Membership.role == new.role,
        )
    ).one_or_none()
    if membership is not None and membership.ended_at is None:
        raise AlreadyDone("This user already has this role there.")
    if membership is None:
        membership = Membership(organisation_id=organisation.id, user_id=new.user_id, role=new.role, made_at=actor.at)
        session.add(membership)
    membership.ended_at = None
    membership.full_time_share = new.full_time_share
    session.flush()  # the period names the membership
    session.add(MembershipPeriod.recorded(actor, membership_id=membership.id, is_member=True))
    return membership


def end_member(session: WriteSession, actor: Actor, membership: Membership) -> Membership:
    if membership.ended_at is not None:
        raise AlreadyDone("This membership has ended already.")
    membership.ended_at = actor.at
    session.add(MembershipPeriod.recorded(actor, membership_id=membership.id, is_member=False))
    return membership


def make_key(session: WriteSession, actor: Actor, new: NewKey) -> tuple[ApiKey, str]:
    """Return the key and its secret, which is never seen again."""
    membership = queries.member(session, actor, new.membership_id)
    if membership.ended_at is not None:
        raise Conflict("This membership has ended.")
    if new.expires_on is not None and new.expires_on < actor.today:
        raise RuleBroken("A key cannot expire before today.", pointer="/expires_on")
    public_id = "".join(secrets.choice(ALPHABET) for _ in range(PUBLIC_LENGTH))
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    key = ApiKey(
        membership_id=membership.id,
        public_id=public_id,
        secret_hash=hashlib.sha256(secret.encode()).hexdigest(),
        made_at=actor.at,
        expires_on=new.expires_on,
    )
    session.add(key)
    session.flush()  # its id is needed by the reply
    return key, f"pw_{public_id}_{secret}"


def revoke_key(session: WriteSession, actor: Actor, key: ApiKey) -> ApiKey:
    if key.revoked_at is not None:
        raise AlreadyDone("This key has been revoked already.")
    key.revoked_at = actor.at
    session.flush()  # so that the reply shows it
    return key


NO_KEY = "This key is not valid now. Ask your administrator for a new one."


# Made once, for each request asks it.
OF_KEY = (
    select(
        ApiKey.secret_hash,
        ApiKey.expires_on,
        ApiKey.revoked_at,
        Membership.id,
        Membership.user_id,
        Membership.organisation_id,
        Membership.role,
        Membership.ended_at,
    )
    .join(Membership, Membership.id == ApiKey.membership_id)
    .where(ApiKey.public_id == bindparam("public_id"))
)


def authenticate(database: Database, secret: str, request_id: str) -> Actor:
    """Return the member a key belongs to, if key and membership are both still good today."""
    parts = secret.split("_")
    if len(parts) != 3 or parts[0] != "pw":  # noqa: PLR2004 - pw, public part, secret part
        raise Unauthenticated(NO_KEY)
    with database.reading(newest=True) as session:  # a key revoked a moment ago opens nothing
        row = session.connection().execute(OF_KEY, {"public_id": parts[1]}).one_or_none()
    given = hashlib.sha256(parts[2].encode()).hexdigest()
    if row is None or not hmac.compare_digest(row.secret_hash, given):
        raise Unauthenticated(NO_KEY)
    actor = Actor(
        user_id=row.user_id,
        organisation_id=row.organisation_id,
        role=row.role,
        membership_id=row.id,
        request_id=request_id,
    )
    is_over = row.expires_on is not None and row.expires_on < actor.today
    if row.revoked_at is not None or row.ended_at is not None or is_over:
        raise Unauthenticated(NO_KEY)
    return actor


def make_operator(session: WriteSession, at: Actor) -> Actor:
    """Make the organisation and user that run this service, once; ``at`` carries the instant and the way in."""
    organisation = session.scalars(select(Organisation).where(Organisation.ref == OPERATOR_REF)).one_or_none()
    if organisation is None:
        organisation = Organisation(
            ref=OPERATOR_REF,
            kind=OrganisationKind.OPERATOR,
            name="Operator of this service",
            nation=Nation.ENGLAND,
            made_at=at.at,
        )
        user = User(name="Operator", email=OPERATOR_EMAIL, is_machine=True, made_at=at.at)
        session.add_all([organisation, user])
        session.flush()  # the membership names both
        membership = Membership(organisation_id=organisation.id, user_id=user.id, role=Role.OPERATOR, made_at=at.at)
        session.add(membership)
        session.flush()  # the period names the membership
        actor = at.then(user_id=user.id, organisation_id=organisation.id, membership_id=membership.id)
        session.add(MembershipPeriod.recorded(actor, membership_id=membership.id, is_member=True))
        return actor
    found = session.scalars(
        select(Membership).where(Membership.organisation_id == organisation.id, Membership.role == Role.OPERATOR)
    ).first()
    assert found is not None
    return at.then(user_id=found.user_id, organisation_id=organisation.id, membership_id=found.id)


def found_or_made(
    session: WriteSession, actor: Actor, name: str, kind: OrganisationKind, made_by: dict[str, UUID]
) -> UUID:
    """Return the organisation of a name, made if it is new; ``made_by`` remembers those of one file."""
    if name not in made_by:
        found = session.scalars(
            select(Organisation.id).where(Organisation.name == name, Organisation.kind == kind).limit(1)
        ).first()
        made_by[name] = found or make_organisation(session, actor, NewOrganisation(kind=kind, name=name)).id
    return made_by[name]
