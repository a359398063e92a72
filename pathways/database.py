"""Sessions: opened inside the handler, one transaction each, committed once before the reply leaves.

Nothing else commits or rolls back. Readers and writers get sessions of different types, so that a query which writes
does not type-check on a reader.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, Engine, create_engine, event, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session as OrmSession

from pathways.base import Actor
from pathways.documents import Documents, StoreAway, store_at
from pathways.settings import Settings
from pathways.vault import Vault

SQLITE_BUSY_MILLISECONDS = 15_000
SQLITE_ROWS_SAMPLED = 1_000  # of each index; https://sqlite.org/pragma.html#pragma_analysis_limit advises 100 to 1,000
# With a replica to read from, what was written is there before it is said to be; the primary's setting
# synchronous_standby_names says which replicas wait for it.
SEEN_BY_REPLICAS = " -c synchronous_commit=remote_apply"
POSTGRESQL_OPTIONS = "-c statement_timeout=60000 -c lock_timeout=8000 -c idle_in_transaction_session_timeout=120000"


class Session(OrmSession):
    """What a query needs: rows, and the vault that opens sealed values."""

    vault: Vault
    documents: Documents
    actor: Actor | None
    is_production: bool


class ReadSession(Session):
    """A session that only reads."""


class WriteSession(Session):
    """A session that writes; everything in it lands together or not at all."""


@contextmanager
def acting_as(session: WriteSession, actor: Actor) -> Iterator[None]:
    """Act as somebody else for a while: what is written is noted as theirs, not as of whoever set it off."""
    before = session.actor
    session.flush()
    session.actor = actor
    try:
        yield
        session.flush()
    finally:
        session.actor = before


def insert_if_absent(session: WriteSession, model: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, leaving out those that a unique index has already: who writes the same at once meets no error."""
    if rows:
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        session.connection().execute(dialect.insert(model.__table__).on_conflict_do_nothing(), rows)


def insert_many(session: WriteSession, model: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that nobody reads as objects: a session would set and look through each column of each."""
    if rows:
        session.connection().execute(insert(model.__table__), rows)


def _on_sqlite_connect(connection: Any, _: object) -> None:
    connection.isolation_level = None
    for pragma in (
        "foreign_keys = ON",
        "journal_mode = WAL",
        "synchronous = FULL",
        f"busy_timeout = {SQLITE_BUSY_MILLISECONDS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # The driver's own transactions are off, so BEGIN is ours: writers take the lock at once, readers never wait.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _json(value: Any) -> str:
    return to_json(value).decode()


def make_engine(url: str, worker_threads: int, *, has_replica: bool = False) -> Engine:
    """Return an engine whose connections equal the worker threads: pool_size + max_overflow = threads + 2 spare."""
    pool: dict[str, Any] = {"json_serializer": _json, "json_deserializer": from_json}
    pool |= {"pool_size": min(10, worker_threads), "pool_timeout": 30}
    pool["max_overflow"] = worker_threads + 2 - pool["pool_size"]
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"check_same_thread": False}, hide_parameters=True, **pool)
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    parsed = parsed.set(drivername="postgresql+psycopg")
    options = POSTGRESQL_OPTIONS + (SEEN_BY_REPLICAS if has_replica else "")
    return create_engine(parsed, pool_pre_ping=True, connect_args={"options": options}, hide_parameters=True, **pool)


PUBLIC_THREADS = 2


class NoDocuments:
    """No place for documents was named: keeping one is refused."""

    def put(self, key: str, content: bytes) -> None:
        raise StoreAway(f"No place for documents is set ({len(content)} bytes).")

    def get(self, key: str) -> bytes:
        raise StoreAway("No place for documents is set.")

    def forget(self, key: str) -> None:
        """There is nothing to forget."""


class Database:
    """One database, and the only way to it."""

    def __init__(
        self,
        url: str,
        vault: Vault,
        *,
        worker_threads: int = 40,
        is_production: bool = False,
        reader_url: str | None = None,
        documents: Documents | None = None,
    ) -> None:
        self.engine = make_engine(url, worker_threads, has_replica=reader_url is not None)
        # A replica answers what only reads; what must be the newest is read where it is written.
        self._replica = make_engine(reader_url, worker_threads) if reader_url else self.engine
        self.vault = vault
        self.documents = documents or NoDocuments()
        self.is_production = is_production
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._readers, self._newest = (
            engine if self.is_sqlite else engine.execution_options(postgresql_readonly=True)
            for engine in (self._replica, self.engine)
        )
        self._writers = self.engine.execution_options(writes=True) if self.is_sqlite else self.engine
        # SQLite's busy handler is unfair; one queue in the process keeps the longest wait short.
        self._writer_lock = threading.Lock() if self.is_sqlite else nullcontext()

    @classmethod
    def of(cls, settings: Settings) -> "Database":
        """Return the database that the settings name."""
        vault = Vault(settings.encryption_key.get_secret_value(), settings.hash_key.get_secret_value())
        return cls(
            settings.database_url,
            vault,
            worker_threads=settings.worker_threads,
            is_production=settings.environment == "production",
            reader_url=settings.reader_url,
            documents=store_at(settings.documents),
        )

    def _equip(self, session: Session, actor: Actor | None) -> None:
        session.vault, session.documents = self.vault, self.documents
        session.actor, session.is_production = actor, self.is_production

    @contextmanager
    def reading(self, actor: Actor | None = None, *, newest: bool = False) -> Iterator[ReadSession]:
        """Open a session to read with; ``newest`` where a replica that lags a moment behind would not do."""
        with ReadSession(self._newest if newest else self._readers) as session:
            self._equip(session, actor)
            yield session

    @contextmanager
    def reading_publicly(self) -> Iterator[ReadSession]:
        """Open a session for what anybody may read: a connection of its own that cannot write, and few of them.

        Whoever asks too much of what is public takes no connection from those who work with people.
        """
        with ReadSession(self._public) as session:
            self._equip(session, None)
            yield session

    @cached_property
    def _public(self) -> Engine:
        engine = make_engine(self.engine.url.render_as_string(hide_password=False), PUBLIC_THREADS)
        if not self.is_sqlite:
            return engine.execution_options(postgresql_readonly=True)
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))
        return engine

    @contextmanager
    def writing(self, actor: Actor | None) -> Iterator[WriteSession]:
        with self._writer_lock, WriteSession(self._writers, expire_on_commit=False) as session:
            self._equip(session, actor)
            yield session
            session.commit()
            for key in session.info.pop("forget", ()):
                self.documents.forget(key)

    @contextmanager
    def rehearsing(self, actor: Actor) -> Iterator[WriteSession]:
        """A writing session whose work is never kept: what a dry run would do."""
        with self._writer_lock, WriteSession(self._writers, expire_on_commit=False) as session:
            self._equip(session, actor)
            yield session
            session.rollback()

    def replica_may_lag(self) -> bool:
        """Whether reads go to a replica that the primary does not wait for: who may be seen could be told too late."""
        if self._replica is self.engine:
            return False
        with self._newest.connect() as connection:
            return not connection.exec_driver_sql("SHOW synchronous_standby_names").scalar_one()

    def count_rows(self) -> None:
        """Let SQLite sample its indexes: its planner goes by that, and it never does so by itself as PostgreSQL does.

        Uncounted, it reads a whole table for one person's rows: it cannot tell which of two indexes is the narrower.
        """
        if not self.is_sqlite:
            return
        with self._writer_lock, self._writers.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA analysis_limit = {SQLITE_ROWS_SAMPLED}")
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
        # A connection reads the counts when it is opened.
        self.engine.dispose()

    def close(self) -> None:
        self.engine.dispose()
        self._replica.dispose()
        if "_public" in self.__dict__:
            self._public.dispose()
