"""Commands for organisations, users, members, programmes and keys."""

import sys
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from pathways.commands.acting import ActAs, PlainError, body_of, day_of, member_of, opened, operator, read_settings

if TYPE_CHECKING:
    from pathways.database import Session

# Written out, so that --help need not load the models; a test compares them with the enumerations.
KINDS = "local_authority, job_centre, voluntary_sector_partner, social_enterprise, commissioner, other_referrer"
ROLES = (
    "referrer, caseworker, team_manager, placement_lister, commissioner, administrator, auditor;"
    " which of them depends on the kind of organisation"
)
NATIONS = "england, wales, scotland, northern_ireland"
organisations = typer.Typer(
    no_args_is_help=True, help="Manage partners, referrers, social enterprises and commissioners."
)
users = typer.Typer(no_args_is_help=True, help="Manage users: people and machines.")
members = typer.Typer(no_args_is_help=True, help="Manage members: users with a role in an organisation.")
programmes = typer.Typer(no_args_is_help=True, help="Manage programmes: what a commissioner pays a partner for.")
keys = typer.Typer(no_args_is_help=True, help="Manage the API keys of members.")


@organisations.command("create")
def organisations_create(
    kind: Annotated[str, typer.Option(help=f"One of: {KINDS}.")],
    name: Annotated[str, typer.Option(help="The organisation's name.")],
    ref: Annotated[str | None, typer.Option(help="A short reference. If left out: made from the name.")] = None,
    nation: Annotated[str, typer.Option(help=f"The nation, for bank holidays. One of: {NATIONS}.")] = "england",
    acting_as: ActAs = None,
) -> None:
    """Create an organisation.

    Example: pathways organisations create --kind social_enterprise --name "Acorn Kitchen CIC".
    """
    from pathways.organisations import actions
    from pathways.organisations.schemas import NewOrganisation

    with opened() as database:
        actor = operator(database, "organisation:make", acting_as)
        new = body_of(NewOrganisation, kind=kind, name=name, ref=ref, nation=nation)
        with database.writing(actor) as session:
            made = actions.make_organisation(session, actor, new)
            print(made.ref)


@organisations.command("list")
def organisations_list() -> None:
    """List organisations with their references. Example: pathways organisations list."""
    from sqlalchemy import select

    from pathways.organisations.models import Organisation

    with opened() as database, database.reading() as session:
        for row in session.scalars(select(Organisation).order_by(Organisation.kind, Organisation.ref)):
            print(f"{row.kind.value:25} {row.ref:40} {row.name}")


@users.command("create")
def users_create(
    name: Annotated[str, typer.Option(help="The user's name.")],
    email: Annotated[str, typer.Option(help="The e-mail address that identifies the user.")],
    machine: Annotated[bool, typer.Option(help="The user is a machine, not a person.")] = False,
    acting_as: ActAs = None,
) -> None:
    """Create a user. Example: pathways users create --name "Wanda Worker" --email wanda@example.org."""
    from pathways.organisations import actions
    from pathways.organisations.schemas import NewUser

    with opened() as database:
        actor = operator(database, "user:make", acting_as)
        new = body_of(NewUser, name=name, email=email, is_machine=machine)
        with database.writing(actor) as session:
            print(actions.make_user(session, actor, new).email)


@members.command("add")
def members_add(
    user: str,
    organisation: Annotated[str, typer.Option(help="The organisation's reference.")],
    role: Annotated[str, typer.Option(help=f"One of: {ROLES}.")],
    acting_as: ActAs = None,
) -> None:
    """Add a member. Example: pathways members add wanda@example.org --organisation partner --role caseworker."""
    from pathways.organisations import actions, queries
    from pathways.organisations.schemas import NewMember

    with opened() as database:
        actor = operator(database, "member:make", acting_as)
        with database.writing(actor) as session:
            organisation_id = queries.organisation_by_ref(session, organisation).id
            new = body_of(NewMember, user_id=_user_id(session, user), organisation_id=organisation_id, role=role)
            actions.add_member(session, actor, new)
    print(f"{user}@{organisation}:{role}")


@users.command("list")
def users_list() -> None:
    """List users. Example: pathways users list."""
    from sqlalchemy import select

    from pathways.access.models import User

    with opened() as database, database.reading() as session:
        for row in session.scalars(select(User).order_by(User.email)):
            print(f"{row.email:40} {'machine' if row.is_machine else 'person':8} {row.name}")


@members.command("list")
def members_list(
    organisation: Annotated[str | None, typer.Option(help="Only members of this organisation, by reference.")] = None,
) -> None:
    """List current members as USER@REF:ROLE. Example: pathways members list --organisation partner."""
    from sqlalchemy import select

    from pathways.access.models import User
    from pathways.organisations import queries
    from pathways.organisations.models import Membership, Organisation

    with opened() as database, database.reading() as session:
        rows = (
            select(User.email, Organisation.ref, Membership.role)
            .join(User, User.id == Membership.user_id)
            .join(Organisation, Organisation.id == Membership.organisation_id)
            .where(Membership.ended_at.is_(None))
            .order_by(Organisation.ref, Membership.role, User.email)
        )
        if organisation is not None:
            rows = rows.where(Organisation.id == queries.organisation_by_ref(session, organisation).id)
        for mail, ref, role in session.execute(rows):
            print(f"{mail}@{ref}:{role.value}")


@members.command("end")
def members_end(member: Annotated[str, typer.Argument(help="USER@REF:ROLE")], acting_as: ActAs = None) -> None:
    """End a membership and its keys. Example: pathways members end wanda@example.org@partner:caseworker."""
    from pathways.organisations import actions, queries

    with opened() as database:
        actor = operator(database, "member:make", acting_as)
        with database.writing(actor) as session:
            membership = queries.member(session, actor, member_of(session, member)[3])
            actions.end_member(session, actor, membership)
    print(f"The membership {member} has ended. Its keys no longer work.")


def _user_id(session: "Session", mail: str) -> UUID:
    from sqlalchemy import select

    from pathways.access.models import User

    user_id = session.scalars(select(User.id).where(User.email == mail.lower())).one_or_none()
    if user_id is None:
        message = "There is no user with this e-mail address. Create one: pathways users create"
        raise PlainError(message)
    return user_id


@programmes.command("create")
def programmes_create(
    commissioner: Annotated[str, typer.Option(help="The reference of the commissioner that pays.")],
    partner: Annotated[str, typer.Option(help="The reference of the partner that delivers it.")],
    name: Annotated[str, typer.Option(help="The programme's name.")],
    starts: Annotated[str, typer.Option("--from", help="The first day, as yyyy-mm-dd.")],
    ends: Annotated[str | None, typer.Option("--to", help="The last day. If left out: no planned end.")] = None,
    acting_as: ActAs = None,
) -> None:
    """Create a programme.

    Example: pathways programmes create --commissioner fund --partner p --name Work --from 2026-04-01.
    """
    from pathways.organisations import queries
    from pathways.programmes import actions
    from pathways.programmes.schemas import NewProgramme

    with opened() as database:
        actor = operator(database, "programme:make", acting_as)
        with database.writing(actor) as session:
            new = body_of(
                NewProgramme,
                commissioner_id=queries.organisation_by_ref(session, commissioner).id,
                partner_id=queries.organisation_by_ref(session, partner).id,
                name=name,
                starts_on=day_of(starts),
                ends_on=day_of(ends),
            )
            print(actions.make(session, actor, new).ref)


@programmes.command("price")
def programmes_price(
    programme: str,
    rule: str,
    pounds: str,
    begins: Annotated[str, typer.Option("--from", help="The first day, as yyyy-mm-dd.")],
    acting_as: ActAs = None,
) -> None:
    """Set the price of an outcome. Example: pathways programmes price first-work IPES_LOWER 850 --from 2026-04-01."""
    from sqlalchemy import select

    from pathways.programmes import actions
    from pathways.programmes.models import Programme
    from pathways.programmes.schemas import NewPrice

    with opened() as database:
        actor = operator(database, "programme:make", acting_as)
        new = body_of(NewPrice, rule=rule, pounds=pounds, from_on=day_of(begins))
        with database.writing(actor) as session:
            row = session.scalars(select(Programme).where(Programme.ref == programme)).one_or_none()
            if row is None:
                message = f"There is no programme {programme}. To list them, run: pathways programmes list"
                raise PlainError(message)
            actions.set_price(session, actor, row, new)
    print(f"{rule} pays {pounds} pounds from {begins}.")


@programmes.command("list")
def programmes_list() -> None:
    """List programmes. Example: pathways programmes list."""
    from sqlalchemy import select

    from pathways.programmes.models import Programme

    with opened() as database, database.reading() as session:
        for row in session.scalars(select(Programme).order_by(Programme.ref)):
            print(f"{row.ref:40} {row.starts_on} to {row.ends_on or 'open':10} {', '.join(row.rule_versions)}")


@members.command("invite")
def members_invite(
    email: str,
    print_link: Annotated[
        bool, typer.Option("--print", help="Print the link here too, for a new installation without e-mail.")
    ] = False,
    acting_as: ActAs = None,
) -> None:
    """Invite a member to sign in to the web pages. Example: pathways members invite wanda@example.org."""
    from sqlalchemy import select

    from pathways.access.models import User
    from pathways.base import utc_now
    from pathways.sign_in import actions, one_time_links
    from pathways.sign_in.schemas import NewInvitation

    if print_link and acting_as is not None:
        message = "Only the operator may see a link. Leave out --print or --as."
        raise PlainError(message)
    with opened() as database:
        actor = operator(database, "member:make", acting_as)
        with database.writing(actor) as session:
            user_id = session.scalars(select(User.id).where(User.email == email.strip().lower())).one_or_none()
            if user_id is None:
                message = "There is no user with this e-mail address. To list members, run: pathways members list"
                raise PlainError(message)
            link = actions.invite(session, actor, NewInvitation(user_id=user_id))
            path = one_time_links.path_of(link, utc_now()) if print_link else ""
    if path:
        print(f"{read_settings().public_url}/{path}")
        print(
            "Give it to nobody but its owner: it works once, and the member also gets one by e-mail.", file=sys.stderr
        )
    else:
        print("The link goes to the member by e-mail.")


STORE_IT = (
    "Store the secret now: it cannot be read again. The member is notified that somebody can now use Pathways as them,"
    " and the access log names you."
)
CLAIM_BY_LINK = "The member claims it by the one-time link in an e-mail. Until then it does not work."


@keys.command("create")
def keys_create(
    member: Annotated[str, typer.Option(help="The member that the key is for, as USER@REF:ROLE.")],
    expires: Annotated[
        str | None, typer.Option(help="The last day the key works, as yyyy-mm-dd. If left out: 90 days from today.")
    ] = None,
    read_only: Annotated[bool, typer.Option(help="Limit the key to permissions that only read.")] = False,
    permission: Annotated[
        list[str] | None, typer.Option(help="Limit the key to this permission. Give the option once for each.")
    ] = None,
    acting_as: ActAs = None,
) -> None:
    """Create a key. The member is notified by e-mail.

    Without --as, the key works at once and is printed once: a person who runs commands has the database itself, and a
    new installation has no other way in. With --as, the member gets a one-time link by e-mail; nobody else sees the
    key.

    Example: pathways keys create --member wanda@example.org@partner:caseworker.
    """
    from pathways.organisations import actions
    from pathways.organisations.schemas import NewKey

    with opened() as database:
        actor = operator(database, "key:make", acting_as)
        with database.writing(actor) as session:
            membership_id = member_of(session, member)[3]
            limited = {"read_only": read_only, "scopes": permission or None}
            new = body_of(NewKey, membership_id=membership_id, expires_on=day_of(expires), **limited)
            if acting_as is not None:
                issued = actions.issue_key(session, actor, new)
                told = f"Key {issued.public_id} for {member}, until {issued.expires_on}. {CLAIM_BY_LINK}"
                secret = ""
            else:
                actions.must_end_in_time(actor, new)
                key, secret = actions.make_key(session, actor, new)
                told = f"Key {key.public_id} for {member}, until {key.expires_on}. {STORE_IT}"
    if secret:
        print(secret)
    print(told, file=sys.stderr)


@keys.command("list")
def keys_list() -> None:
    """List keys without their secrets. Example: pathways keys list."""
    from sqlalchemy import select

    from pathways.access.models import User
    from pathways.organisations.models import ApiKey, Membership, Organisation

    with opened() as database, database.reading() as session:
        rows = session.execute(
            select(ApiKey, Membership.role, Organisation.ref, User.email)
            .join(Membership, Membership.id == ApiKey.membership_id)
            .join(Organisation, Organisation.id == Membership.organisation_id)
            .join(User, User.id == Membership.user_id)
            .order_by(ApiKey.id)
        )
        for key, role, ref, mail in rows:
            state = "revoked" if key.revoked_at else f"expires {key.expires_on}" if key.expires_on else "no expiry"
            state += ", not claimed yet" if key.secret_hash is None and key.revoked_at is None else ""
            state += ", limited" if key.scopes is not None else ""
            print(f"{key.public_id}  {mail}@{ref}:{role.value}  {state}")


@keys.command("revoke")
def keys_revoke(public_id: str, acting_as: ActAs = None) -> None:
    """Revoke a key at once. Example: pathways keys revoke AbCd1234."""
    from pathways.organisations import actions, queries
    from pathways.organisations.models import ApiKey

    with opened() as database:
        actor = operator(database, "key:revoke", acting_as)
        with database.writing(actor) as session:
            visible = queries.keys_visible_to(actor)
            key = session.scalars(visible.where(ApiKey.public_id == public_id)).one_or_none()
            if key is None:
                message = "There is no such key. To list them, run: pathways keys list"
                raise PlainError(message)
            actions.revoke_key(session, actor, key)
    print(f"The key {public_id} is revoked.")
