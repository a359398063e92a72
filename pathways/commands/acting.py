"""What every command needs: the database, the actor, the day, and errors in one sentence.

A person who runs these commands has access to the database itself. So a command about a partner's jobseekers has the
rights of that partner's team manager, and is recorded under the name of the operator or of the member given by
``--as``. Every act is audited. Modules are imported only when a command runs, so that ``--help`` starts quickly.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from pathways.base import Actor
    from pathways.database import Database, Session
    from pathways.settings import Settings

ActAs = Annotated[str | None, typer.Option("--as", help="Act as this member, USER@REF:ROLE. Default: the operator.")]
On = Annotated[str | None, typer.Option("--on", help="The day, as yyyy-mm-dd. Default: today.")]


class PlainError(Exception):
    """An error that the command line prints as one sentence."""


NO_KEYS = (
    "There are no keys: neither the environment nor {} has {}. Set the keys of this database. Nothing was changed."
)


WHERE = "It is set in the environment of the process or in the file {}. docs/settings.md lists the settings."
MAKE_A_KEY = (
    "A new database needs a new key, which this command makes: openssl rand -base64 32 | tr '+/' '-_' . A database that"
    " has records needs the key that it had, from where you keep the keys: with another one, its data cannot be read."
)


def read_settings() -> "Settings":
    """Return the settings. Outside production, create missing secrets first."""
    from pydantic import ValidationError

    from pathways.settings import SECRETS_FILE, Settings, unknown_variables, write_first_secrets

    if missing_keys() and os.environ.get("PATHWAYS_ENVIRONMENT") != "production":
        write_first_secrets()
    in_file = SECRETS_FILE.read_text(encoding="utf-8").splitlines() if SECRETS_FILE.exists() else []
    unknown = unknown_variables(dict(os.environ) | {line.split("=")[0].strip(): "" for line in in_file if "=" in line})
    if unknown:
        raise PlainError(" ".join(unknown) + " docs/settings.md lists the settings.")
    try:
        return Settings()
    except ValidationError as wrong:
        sentences = dict.fromkeys(wrong_setting(error) for error in wrong.errors())
        is_key = any("_KEY" in sentence for sentence in sentences)
        remedies = [WHERE.format(SECRETS_FILE), *([MAKE_A_KEY] if is_key else [])]
        raise PlainError(" ".join([*sentences, *remedies])) from wrong


def wrong_setting(error: "ErrorDetails") -> str:
    """Return which setting is missing or invalid, and why, without its value."""
    if not error["loc"]:  # a rule about the settings names the setting itself
        return str(error["msg"]).removeprefix("Value error, ")
    name = f"PATHWAYS_{str(error['loc'][0]).upper()}"
    if error["type"] == "missing":
        return f"The setting {name} is missing."
    return f"The setting {name} is invalid: {str(error['msg']).removeprefix('Value error, ').rstrip('.')}."


def missing_keys() -> list[str]:
    """Return the variables of keys that the environment does not set. The file of secrets may set them."""
    return sorted({"PATHWAYS_ENCRYPTION_KEY", "PATHWAYS_HASH_KEY"} - {name.upper() for name in os.environ})


@contextmanager
def opened(*, migrated: bool = True) -> Iterator["Database"]:
    """Open the database and close it afterwards. Refuse a database that is being restored or has other keys.

    With ``migrated``, also refuse a database that is not migrated.
    """
    from pathways import in_use, key_proof

    with unlocked() as database, in_use.using(database):
        if migrated:
            must_be_migrated(database)
            note = key_proof.settle(database)
            if note:
                print(note, file=sys.stderr)
        yield database


@contextmanager
def unlocked() -> Iterator["Database"]:
    """Return the database without the lock of its users, for the restore, which needs the lock alone.

    If the first secrets were made just now and turn out not to be the keys of the database, they are deleted, so that
    they do not lie there as if they were.
    """
    from pathways import all_models
    from pathways.database import Database
    from pathways.key_checks import WrongKey
    from pathways.reference import sentence_vectors, tables
    from pathways.settings import SECRETS_FILE

    had_secrets = SECRETS_FILE.exists()
    settings = read_settings()
    tables.use_folder(settings.reference_folder)
    sentence_vectors.use_folder(settings.vectors)
    assert all_models.METADATA.tables  # every table must be imported before the first statement
    database = Database.of(settings)
    try:
        yield database
    except WrongKey as wrong:
        if had_secrets or not SECRETS_FILE.exists():
            raise
        SECRETS_FILE.unlink()
        raise PlainError(NO_KEYS.format(SECRETS_FILE, " and ".join(missing_keys()))) from wrong
    finally:
        database.close()


def must_be_migrated(database: "Database") -> None:
    from pathways import migrate

    if not migrate.at_head(database):
        message = (
            "The database does not answer or needs an upgrade. Check that it is running, then run: pathways db upgrade"
        )
        raise PlainError(message)


def operator(database: "Database", doing: str, acting_as: str | None = None) -> "Actor":
    """Return the operator, created on first use, or the member given by ``--as``.

    ``doing`` is the permission that the act needs, as in the API. A member without it is refused, and so is a member
    for a command that is the operator's alone. The audit names the operator as ``issued_by``, who acted for the member.
    """
    from pathways.base import Actor, Role, Source
    from pathways.organisations.actions import make_operator

    first = Actor(UUID(int=0), UUID(int=0), Role.OPERATOR, source=Source.COMMAND_LINE, doing=doing)
    with database.writing(None) as session:
        operator = make_operator(session, first)
    if acting_as is None:
        return operator
    with database.reading() as session:
        user_id, organisation_id, role, membership_id = member_of(session, acting_as)
    member = operator.then(
        user_id=user_id,
        organisation_id=organisation_id,
        role=Role(role),
        membership_id=membership_id,
        issued_by=operator.user_id,
    )
    must_be_permitted_to(member, doing)
    return member


def must_be_permitted_to(member: "Actor", doing: str) -> None:
    """Refuse a member whose role does not have the permission that a command needs."""
    from pathways.access.guards import must_be_permitted
    from pathways.access.permissions import Permission
    from pathways.base import Role

    if doing in list(Permission):
        must_be_permitted(member, Permission(doing))
    elif member.role is not Role.OPERATOR:
        message = f"The role {member.role} may not use this command. Leave out --as, to act as the operator."
        raise PlainError(message)


def member_of(session: "Session", named: str) -> tuple[UUID, UUID, str, UUID]:
    """Return user id, organisation id, role and membership id of USER@REF:ROLE, where USER is an e-mail address."""
    from sqlalchemy import select

    from pathways.access.models import User
    from pathways.organisations.models import Membership, Organisation

    user, _, role = named.rpartition(":")
    mail, _, ref = user.rpartition("@")
    member = session.execute(
        select(Membership.user_id, Membership.organisation_id, Membership.role, Membership.id)
        .join(User, User.id == Membership.user_id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(User.email == mail.lower(), Organisation.ref == ref, Membership.role == role)
        .where(Membership.ended_at.is_(None))
    ).one_or_none()
    if member is None:
        message = f"There is no current member {named}. Write it as mail@example.org@organisation-ref:role."
        raise PlainError(message)
    return member[0], member[1], member[2].value, member[3]


def for_partner(actor: "Actor", partner_id: UUID) -> "Actor":
    """Return the operator with the rights of the partner's team manager; return any other actor unchanged."""
    from pathways.base import Role

    if actor.role is Role.OPERATOR:
        return actor.then(organisation_id=partner_id, role=Role.TEAM_MANAGER, membership_id=None)
    return actor


@contextmanager
def audited(database: "Database", actor: "Actor", **ids: UUID) -> Iterator[None]:
    """Record in the audit what the API records: the jobseekers whose data the command read, and a refused attempt.

    ``ids`` are the ids that the command was given, for instance ``jobseeker_id``. Nothing is printed before the audit
    has its row: print after the block.
    """
    from pathways import audit, errors

    try:
        yield
    except errors.DomainError as refused:
        if refused.is_audited:
            audit.refused(database, actor, ids.items())
        raise
    audit.read(database, actor)


def day_of(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text} is not a date. Write it as yyyy-mm-dd."
        raise PlainError(message) from None


def acting_on(actor: "Actor", on: str | None) -> "Actor":
    """Return the actor with its time set to noon of a day, if one is given, for files that are imported late.

    Refuses a day after today.
    """
    day = day_of(on)
    if day is None:
        return actor
    from pathways.base import LONDON, local_day, utc_now

    if day > local_day(utc_now()):
        message = f"{day} is in the future, and nothing can be recorded for a future day. Leave out --on."
        raise PlainError(message)
    return actor.then(at=min(datetime(day.year, day.month, day.day, 12, tzinfo=LONDON), utc_now()))


def bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as wrong:
        message = f"{file} cannot be read: {wrong.strerror}."
        raise PlainError(message) from wrong


Model = TypeVar("Model")


def body_of(model: type[Model], **values: object) -> Model:
    """Return a request body made from the given options, or raise ``PlainError`` naming the first invalid option."""
    from pydantic import ValidationError

    from pathways.field_faults import sentence_of

    try:
        return model(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        rule = sentence_of(first).removesuffix(".")
        message = f"{'.'.join(map(str, first['loc'])) or 'The command'}: {rule}."
        raise PlainError(message) from wrong
