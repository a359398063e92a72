"""Every change to organisations, members and keys, and the authentication of each request by its key."""

import hashlib
import hmac
import re
import secrets
import string
import unicodedata
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select
from uuid_utils.compat import uuid7

from pathways.access.models import User
from pathways.access.permissions import PERMISSIONS_OF, READ_ONLY, ROLES_THAT_SEE_PEOPLE
from pathways.base import LONDON, Actor, Nation, Role, Source
from pathways.database import Database, Session, WriteSession
from pathways.errors import Conflict, KeyIsOver, NotPermitted, RuleBroken, Unauthenticated
from pathways.organisations import formats, queries
from pathways.organisations.models import (
    ROLES_ANYWHERE,
    ROLES_IN,
    ApiKey,
    Membership,
    MembershipPeriod,
    Organisation,
    OrganisationKind,
    PublishedPlace,
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
from pathways.reference import tables

OPERATOR_REF = "operator"
OPERATOR_EMAIL = "operator@example.org"
ALPHABET = string.ascii_letters + string.digits
PUBLIC_LENGTH, SECRET_LENGTH = 8, 43  # 43 characters of 62 are 256 bits


class RefTaken(Conflict):
    title = "This reference or e-mail address is already in use"


class RoleDoesNotFit(RuleBroken):
    title = "Members of this kind of organisation cannot have this role"


class AlreadyDone(Conflict):
    title = "This change has already been made"


class OwnRole(NotPermitted):
    title = "You cannot give yourself a role that sees people"


class OwnKey(NotPermitted):
    title = "You cannot issue a key to yourself"


def slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50] or "organisation"


def make_organisation(session: WriteSession, actor: Actor, new: NewOrganisation) -> Organisation:
    ref = new.ref or _free_ref(session, slug(new.name))
    if session.scalars(select(Organisation.id).where(Organisation.ref == ref)).first() is not None:
        raise RefTaken("Another organisation has this reference. Choose a different one, or leave it out.")
    organisation = Organisation(
        id=uuid7(),
        ref=ref,
        kind=new.kind,
        name=new.name,
        nation=new.nation,
        **{name: _number(name, getattr(new, name)) for name in NUMBERS},
        published_place=new.published_place,
        public_email=new.public_email,
        public_website=new.public_website,
        made_at=actor.at,
    )
    session.add(organisation)
    session.flush()  # the caller needs its id
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
        raise NotPermitted(
            "You can only change your own organisation. Ask the operator of this service to change others."
        )
    for name in change.model_fields_set:
        value = getattr(change, name)
        if value is None and name in {"name", "nation", "published_place"}:
            raise RuleBroken(f"The {name} cannot be empty. Enter a value, or leave the field out.", pointer=f"/{name}")
        setattr(organisation, name, _number(name, value) if name in NUMBERS else value)
    session.flush()  # so that the reply has the new version
    return organisation


NUMBERS = {"company_number": formats.company_number, "charity_number": formats.charity_number}


def _number(field: str, text: str | None) -> str | None:
    """Return a company or charity number in its usual form; refuse a placeholder."""
    if text is None:
        return None
    number = NUMBERS[field](text)
    if number is None:
        raise RuleBroken(
            f"The {field} is a placeholder and names no organisation. Leave it out until you know the number.",
            pointer=f"/{field}",
        )
    return number


def reply(organisation: Organisation) -> OrganisationOut:
    """Return an organisation with warnings about its company and charity numbers."""
    columns = {name: getattr(organisation, name, None) for name in OrganisationOut.model_fields}
    columns["published_place"] = organisation.published_place or PublishedPlace.POSTCODE
    return OrganisationOut(**columns | {"warnings": formats.warnings_of(organisation)})


def make_user(session: WriteSession, actor: Actor, new: NewUser) -> User:
    if session.scalars(select(User.id).where(User.email == new.email.lower())).first() is not None:
        raise RefTaken("A user with this e-mail address already exists. Use the existing user.")
    user = User(id=uuid7(), name=new.name, email=new.email.lower(), is_machine=new.is_machine, made_at=actor.at)
    session.add(user)
    session.flush()  # the caller needs its id
    return user


def change_user(session: WriteSession, user: User, change: UserChange) -> User:
    for name in change.model_fields_set:
        value = getattr(change, name)
        if value is None:
            raise RuleBroken(f"The {name} cannot be empty. Enter a value, or leave the field out.", pointer=f"/{name}")
        setattr(user, name, value)
    session.flush()  # so that the reply has the new version
    return user


def add_member(session: WriteSession, actor: Actor, new: NewMember) -> Membership:
    """Add a user to an organisation in one role, or renew a membership that ended.

    Only the operator may add a member to another organisation. Refused if this kind of organisation does not have
    the role, if the actor may not see the user, if the membership has not ended, or if it would give the actor
    themselves a role that sees people. Keys of an earlier membership stay revoked.
    """
    organisation = queries.organisation(session, actor, new.organisation_id)
    if actor.role is not Role.OPERATOR and organisation.id != actor.organisation_id:
        raise NotPermitted(
            "You can only add members to your own organisation. Ask the operator to add them to another organisation."
        )
    if new.role not in ROLES_IN[organisation.kind] | ROLES_ANYWHERE:
        allowed = ", ".join(sorted(ROLES_IN[organisation.kind] | ROLES_ANYWHERE))
        raise RoleDoesNotFit(
            f"An organisation of the kind {organisation.kind} has no role {new.role}. Roles it has: {allowed}.",
            pointer="/role",
        )
    user = session.scalars(queries.users_visible_to(actor).where(User.id == new.user_id)).one_or_none()
    if user is None:
        raise RuleBroken(
            "Your organisation has no such user. Ask the operator of this service to add a new user.",
            pointer="/user_id",
        )
    if new.role in ROLES_THAT_SEE_PEOPLE and user.id in queries.same_person(session, actor.user_id):
        raise OwnRole(
            "Ask another administrator of the organisation to give you this role. If it has no other administrator, ask"
            " the operator of this service to add you on the command line: pathways members add"
        )
    must_not_join_operator_and_people(session, user.id, new.role)
    membership = session.scalars(
        select(Membership)
        .where(
            Membership.organisation_id == organisation.id,
            Membership.user_id == new.user_id,
            Membership.role == new.role,
        )
        .with_for_update()
    ).one_or_none()
    if membership is not None and membership.ended_at is None:
        raise AlreadyDone("This user already has this role in this organisation.")
    if membership is None:
        membership = Membership(
            id=uuid7(),
            organisation_id=organisation.id,
            user_id=new.user_id,
            role=new.role,
            made_at=actor.at,
        )
        session.add(membership)
    if membership.ended_at is not None:
        _revoke_keys(session, actor, membership)
    membership.ended_at = None
    membership.full_time_share = new.full_time_share
    session.flush()  # the period needs the membership's id
    session.add(MembershipPeriod.recorded(actor, membership_id=membership.id, is_member=True))
    return membership


def must_not_join_operator_and_people(session: Session, user_id: UUID, role: Role) -> None:
    """Refuse to give one person the operator's role and a role that sees people, by whatever way.

    The operator makes accounts and organisations. With such a role, it would have let itself in.
    """
    if role is Role.OPERATOR:
        wanted = ROLES_THAT_SEE_PEOPLE
    elif role in ROLES_THAT_SEE_PEOPLE:
        wanted = frozenset({Role.OPERATOR})
    else:
        return
    held = select(Membership.id).where(
        Membership.user_id.in_(queries.same_person(session, user_id)),
        Membership.role.in_(wanted),
        Membership.ended_at.is_(None),
    )
    if session.scalars(held.limit(1)).first() is not None:
        raise OwnRole(
            "One person cannot be the operator and have a role that sees people. Give the role to another person, whom"
            " the organisation employs, with an e-mail address of their own."
        )


def end_member(session: WriteSession, actor: Actor, membership: Membership) -> Membership:
    session.refresh(membership, with_for_update=True)
    if membership.ended_at is not None:
        raise AlreadyDone("This membership has already ended.")
    membership.ended_at = actor.at
    session.add(MembershipPeriod.recorded(actor, membership_id=membership.id, is_member=False))
    _revoke_keys(session, actor, membership)
    return membership


def _revoke_keys(session: WriteSession, actor: Actor, membership: Membership) -> None:
    """Revoke every key of a membership, so that none works again if the member returns."""
    for key in session.scalars(
        select(ApiKey).where(ApiKey.membership_id == membership.id, ApiKey.revoked_at.is_(None))
    ):
        key.revoked_at = actor.at


def issue_key(session: WriteSession, actor: Actor, new: NewKey) -> ApiKey:
    """Issue a key that works once its owner has claimed it by the link in the owner's e-mail.

    The issuer never sees the link or the secret. Refuses a key for the issuer themselves, or one that ends too late.
    """
    must_end_in_time(actor, new)
    membership = _current_member(session, actor, new)
    must_not_be_own(session, actor, membership.id)
    must_not_join_operator_and_people(session, membership.user_id, membership.role)
    nation = queries.organisation(session, actor, membership.organisation_id).nation
    last_day = tables.due_on("key_link", actor.today, nation)
    key = _new_key(actor, membership, new)
    key.claim_until = datetime.combine(last_day + timedelta(days=1), time(0), LONDON)
    session.add(key)
    session.flush()  # the reply needs its id
    return key


def make_key(session: WriteSession, actor: Actor, new: NewKey) -> tuple[ApiKey, str]:
    """Make a key that works at once, for the operator on the command line, who has access to the database itself.

    Return it with its secret, which is not stored and cannot be read again. The key names who issued it, and how, and
    its owner is notified. Refuses a key of the operator for a role that sees people.
    """
    membership = _current_member(session, actor, new)
    must_not_join_operator_and_people(session, membership.user_id, membership.role)
    key = _new_key(actor, membership, new)
    secret = set_secret(key)
    session.add(key)
    session.flush()  # the reply needs its id
    return key, secret


def must_end_in_time(actor: Actor, new: NewKey) -> None:
    """Refuse an end date beyond the longest time for which a member's key may be issued."""
    most = int(tables.limit("key_days_at_most", actor.today))
    last = actor.today + timedelta(days=most)
    if new.expires_on is not None and new.expires_on > last:
        raise RuleBroken(
            f"A key works for {most} days at most. Choose {last.isoformat()} or an earlier date. Its owner is reminded"
            " before it ends, and a new key is issued.",
            pointer="/expires_on",
        )


def must_not_be_own(session: Session, actor: Actor, membership_id: UUID) -> None:
    """Refuse a key for the actor themselves, also as another user."""
    membership = queries.member(session, actor, membership_id)
    if membership.user_id in queries.same_person(session, actor.user_id):
        raise OwnKey(
            "Ask another administrator, or the operator of this service, to issue the key. The operator can also do it"
            " on the command line: pathways keys create"
        )


def _current_member(session: WriteSession, actor: Actor, new: NewKey) -> Membership:
    membership = queries.member(session, actor, new.membership_id)
    session.refresh(membership, with_for_update=True)  # so that the membership cannot end at the same moment
    if membership.ended_at is not None:
        raise Conflict("This membership has ended, so it cannot have a new key. Add the member again first.")
    return membership


def _new_key(actor: Actor, membership: Membership, new: NewKey) -> ApiKey:
    """Return a key without a secret.

    Refuses an end date in the past, and permissions that the role does not have.
    """
    if new.expires_on is not None and new.expires_on < actor.today:
        raise RuleBroken("A key cannot expire before today. Choose today or a later date.", pointer="/expires_on")
    return ApiKey(
        id=uuid7(),
        membership_id=membership.id,
        public_id="".join(secrets.choice(ALPHABET) for _ in range(PUBLIC_LENGTH)),
        made_at=actor.at,
        expires_on=new.expires_on or default_key_end(actor.today),
        # On the command line, the operator of the machine reads the secret, whichever member it acts for.
        issued_by=(actor.issued_by if actor.source is Source.COMMAND_LINE else None) or actor.user_id,
        issued_from=actor.source,
        scopes=_scopes(membership, new),
    )


def default_key_end(today: date) -> date:
    """Return the last day of a key for which no end date is given."""
    days = min(tables.limit("key_days", today), tables.limit("key_days_at_most", today))
    return today + timedelta(days=int(days))


def _scopes(membership: Membership, new: NewKey) -> list[str] | None:
    held = PERMISSIONS_OF[membership.role]
    if new.scopes is None:
        return sorted(held & READ_ONLY) if new.read_only else None
    beyond = sorted(set(new.scopes) - (held & READ_ONLY if new.read_only else held))
    if beyond:
        limit = f"a read-only key of the role {membership.role}" if new.read_only else f"the role {membership.role}"
        raise RuleBroken(
            f"These permissions are not part of {limit}: {', '.join(beyond)}. Leave them out.", pointer="/scopes"
        )
    return sorted(set(new.scopes))


def set_secret(key: ApiKey) -> str:
    """Give a key a new secret and return the whole key, which cannot be read again."""
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    key.secret_hash = hashlib.sha256(secret.encode()).hexdigest()
    return f"pw_{key.public_id}_{secret}"


def revoke_key(session: WriteSession, actor: Actor, key: ApiKey) -> ApiKey:
    session.refresh(key, with_for_update=True)
    if key.revoked_at is not None:
        raise AlreadyDone("This key has already been revoked.")
    key.revoked_at = actor.at
    session.flush()  # so that the reply includes it
    return key


NO_KEY = "This key is not valid. Ask your administrator for a new key."


# Built once, because every request runs this query.
OF_KEY = (
    select(
        ApiKey.id.label("key_id"),
        ApiKey.secret_hash,
        ApiKey.expires_on,
        ApiKey.revoked_at,
        ApiKey.scopes,
        ApiKey.issued_by,
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
    """Return the member that a key belongs to.

    Raises ``Unauthenticated`` if the key is unknown or not claimed yet, and ``KeyIsOver`` if it was revoked, has
    expired, or the membership has ended. The reply is the same in each case.
    """
    parts = secret.split("_")
    if len(parts) != 3 or parts[0] != "pw":  # noqa: PLR2004 - pw, public part, secret part
        raise Unauthenticated(NO_KEY)
    with database.reading(
        newest=True
    ) as session:  # not from a replica, where a key that was just revoked may still be valid
        row = session.connection().execute(OF_KEY, {"public_id": parts[1]}).one_or_none()
    given = hashlib.sha256(parts[2].encode()).hexdigest()
    if row is None or row.secret_hash is None or not hmac.compare_digest(row.secret_hash, given):
        raise Unauthenticated(NO_KEY)
    actor = Actor(
        user_id=row.user_id,
        organisation_id=row.organisation_id,
        role=row.role,
        membership_id=row.id,
        request_id=request_id,
        key_id=row.key_id,
        scopes=None if row.scopes is None else frozenset(row.scopes),
        issued_by=row.issued_by,
    )
    is_over = row.expires_on is not None and row.expires_on < actor.today
    if row.revoked_at is not None or row.ended_at is not None or is_over:
        raise KeyIsOver(NO_KEY, actor)
    return actor


def make_operator(session: WriteSession, at: Actor) -> Actor:
    """Return ``at`` as an actor for the operator of this service. The first call creates the operator."""
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
        session.flush()  # the membership needs both ids
        membership = Membership(organisation_id=organisation.id, user_id=user.id, role=Role.OPERATOR, made_at=at.at)
        session.add(membership)
        session.flush()  # the period needs the membership's id
        actor = at.then(user_id=user.id, organisation_id=organisation.id, membership_id=membership.id)
        session.add(MembershipPeriod.recorded(actor, membership_id=membership.id, is_member=True))
        return actor
    first = session.scalars(
        select(Membership).where(Membership.organisation_id == organisation.id, Membership.role == Role.OPERATOR)
    ).first()
    assert first is not None
    return at.then(user_id=first.user_id, organisation_id=organisation.id, membership_id=first.id)


def found_or_made(
    session: WriteSession, actor: Actor, name: str, kind: OrganisationKind, made_by: dict[str, UUID]
) -> UUID:
    """Return the id of the organisation with a name and kind; create it if there is none.

    ``made_by`` stores each id by name, so that later rows of the same file need no query.
    """
    if name not in made_by:
        found = session.scalars(
            select(Organisation.id).where(Organisation.name == name, Organisation.kind == kind).limit(1)
        ).first()
        made_by[name] = found or make_organisation(session, actor, NewOrganisation(kind=kind, name=name)).id
    return made_by[name]
