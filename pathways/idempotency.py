"""Idempotency keys: a POST request that is sent twice with the same key acts only once.

The row of the key is inserted first, in the same transaction as the act. It has a hash of method, path and body, and
the id of the record that was made, but never the body. The reply to a repeat is made from the record as it is now.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar, cast
from uuid import UUID

from sqlalchemy import Select, Table, UniqueConstraint, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from pathways.base import SHORT, Actor, Base, PrimaryKey
from pathways.database import Database, WriteSession
from pathways.errors import Conflict, Invalid

KEPT = timedelta(hours=24)


class IdempotencyKey(Base):
    """An Idempotency-Key of a user, with the hash of its request and the id of the record that was made."""

    __tablename__ = "idempotency_keys"
    __unaudited__ = True
    __table_args__ = (UniqueConstraint("user_id", "organisation_id", "key"),)

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID]
    organisation_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(SHORT)
    fingerprint: Mapped[str] = mapped_column(SHORT)
    resource_id: Mapped[UUID | None]
    made_at: Mapped[datetime] = mapped_column(index=True)


class IdempotencyKeyReused(Invalid):
    title = "This Idempotency-Key was used for a different request"


class RequestInFlight(Conflict):
    title = "The first request with this Idempotency-Key is still in progress"


class HasId(Protocol):
    """A record that an act makes; a repeat reads it again by its id."""

    @property
    def id(self) -> UUID: ...


Made = TypeVar("Made", bound=HasId)


@dataclass(frozen=True, slots=True)
class Once:
    """The Idempotency-Key of a request, if it has one, and the hash of the request."""

    key: str | None = None
    fingerprint: str = ""

    def with_file(self, content: bytes) -> "Once":
        """Return the key with the content of an uploaded file added to the hash."""
        return replace(self, fingerprint=hashlib.sha256(self.fingerprint.encode() + content).hexdigest())

    def __call__(
        self, session: WriteSession, actor: Actor, make: Callable[[], Made], find: Callable[[UUID], Made]
    ) -> Made:
        """Call ``make``; on a repeat, return the record that the same key made before, read by ``find``.

        Raises ``IdempotencyKeyReused`` if the key was used for a different request.
        """
        if self.key is None:
            return make()
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.made_at < actor.at - KEPT))
        values = {
            "id": uuid7(),
            "user_id": actor.user_id,
            "organisation_id": actor.organisation_id,
            "key": self.key,
            "fingerprint": self.fingerprint,
            "made_at": actor.at,
        }
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        table = cast("Table", IdempotencyKey.__table__)
        statement = dialect.insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
        claimed = session.execute(statement).scalar_one_or_none() is not None
        row = session.scalars(self._row(actor)).one()
        if claimed:
            made = make()
            row.resource_id = made.id
            return made
        return find(self._made(row))

    def earlier(self, database: Database, actor: Actor) -> UUID | None:
        """Return the id of the record that the same key made before, to avoid long work for a repeat."""
        if self.key is None:
            return None
        with database.reading(actor, newest=True) as session:
            row = session.scalars(self._row(actor).where(IdempotencyKey.made_at >= actor.at - KEPT)).one_or_none()
            return self._made(row) if row is not None else None

    def _row(self, actor: Actor) -> Select[IdempotencyKey]:
        return select(IdempotencyKey).where(
            IdempotencyKey.user_id == actor.user_id,
            IdempotencyKey.organisation_id == actor.organisation_id,
            IdempotencyKey.key == self.key,
        )

    def _made(self, row: IdempotencyKey) -> UUID:
        if row.fingerprint != self.fingerprint:
            raise IdempotencyKeyReused("Send this request with a new Idempotency-Key.", pointer="/Idempotency-Key")
        if row.resource_id is None:
            raise RequestInFlight("Wait a moment, then send the same request again with the same Idempotency-Key.")
        return row.resource_id
