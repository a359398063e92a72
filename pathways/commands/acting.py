"""How a command acts: as whom, on which day, on which database; and how it says what is wrong.

Whoever runs these commands holds the database itself, so a command about a partner's people acts as that partner's
team manager would, under the name of the operator or of ``--as``; every act is audited. What a command needs is
imported when it runs, so that ``--help`` and a shortlist start quickly.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

if TYPE_CHECKING:
    from pathways.base import Actor
    from pathways.database import Database, Session
    from pathways.settings import Settings

ActAs = Annotated[str | None, typer.Option("--as", help="Act as this member: USER@REF:ROLE. Default: the operator.")]
On = Annotated[str | None, typer.Option("--on", help="The day, as yyyy-mm-dd; today when left out.")]


class PlainError(Exception):
    """An error that is told in one sentence."""


def read_settings() -> "Settings":
    from pydantic import ValidationError

    from pathways.settings import Settings, write_first_secrets

    needed = {"PATHWAYS_ENCRYPTION_KEY", "PATHWAYS_HASH_KEY"}
    if not needed <= set(os.environ) and os.environ.get("PATHWAYS_ENVIRONMENT") != "production":
        write_first_secrets()
    try:
        return Settings()
    except ValidationError as wrong:
        named = ", ".join(sorted({"PATHWAYS_" + str(e["loc"][0]).upper() for e in wrong.errors() if e["loc"]}))
        message = f"A setting is missing or not right: {named or 'the keys'}. The README lists them."
        raise PlainError(message) from wrong


@contextmanager
def opened(*, migrated: bool = True) -> Iterator["Database"]:
    from pathways import all_models
    from pathways.database import Database
    from pathways.reference import tables

    settings = read_settings()
    tables.use_folder(settings.reference_folder)
    assert all_models.METADATA.tables  # every table is known before the first statement
    database = Database.of(settings)
    try:
        if migrated:
            must_be_migrated(database)
        yield database
    finally:
        database.close()


def must_be_migrated(database: "Database") -> None:
    from pathways import migrate

    if not migrate.at_head(database):
        message = "The database is not at this version, or does not answer. Run: pathways db upgrade"
        raise PlainError(message)


def operator(database: "Database", doing: str, acting_as: str | None = None) -> "Actor":
    """Return the operator, made on first use, or the member named by ``--as``."""
    from pathways.base import Actor, Role, Source
    from pathways.organisations.actions import make_operator

    first = Actor(UUID(int=0), UUID(int=0), Role.OPERATOR, source=Source.COMMAND_LINE, doing=doing)
    with database.writing(None) as session:
        operator = make_operator(session, first)
    if acting_as is None:
        return operator
    with database.reading() as session:
        user_id, organisation_id, role, membership_id = member_of(session, acting_as)
    return operator.then(user_id=user_id, organisation_id=organisation_id, role=Role(role), membership_id=membership_id)


def member_of(session: "Session", named: str) -> tuple[UUID, UUID, str, UUID]:
    """Find USER@REF:ROLE, where USER is an e-mail address."""
    from sqlalchemy import select

    from pathways.access.models import User
    from pathways.organisations.models import Membership, Organisation

    who, _, role = named.rpartition(":")
    mail, _, ref = who.rpartition("@")
    found = session.execute(
        select(Membership.user_id, Membership.organisation_id, Membership.role, Membership.id)
        .join(User, User.id == Membership.user_id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(User.email == mail.lower(), Organisation.ref == ref, Membership.role == role)
        .where(Membership.ended_at.is_(None))
    ).one_or_none()
    if found is None:
        message = f"There is no member {named}. Write it as mail@example.org@organisation-ref:role."
        raise PlainError(message)
    return found[0], found[1], found[2].value, found[3]


def for_partner(actor: "Actor", partner_id: UUID) -> "Actor":
    """Act on a partner's people as its team manager would."""
    from pathways.base import Role

    if actor.role is Role.OPERATOR:
        return actor.then(organisation_id=partner_id, role=Role.TEAM_MANAGER, membership_id=None)
    return actor


def day_of(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text} is not a day. Write it as yyyy-mm-dd."
        raise PlainError(message) from None


def acting_on(actor: "Actor", on: str | None) -> "Actor":
    """Set the clock of an act to a day, for files that are imported late."""
    day = day_of(on)
    if day is None:
        return actor
    from pathways.base import LONDON

    return actor.then(at=datetime(day.year, day.month, day.day, 12, tzinfo=LONDON))


def bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as wrong:
        message = f"{file} cannot be read: {wrong.strerror}."
        raise PlainError(message) from wrong


Model = TypeVar("Model")


def body_of(model: type[Model], **values: object) -> Model:
    """Return what the API would take, or say in one sentence which option is not right."""
    from pydantic import ValidationError

    try:
        return model(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        message = f"{'.'.join(map(str, first['loc'])) or 'The command'}: {first['msg']}."
        raise PlainError(message) from wrong
