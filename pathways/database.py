"""The database and its sessions. Each session is one transaction, committed once before the reply is sent.

A handler opens its session; no other code commits or rolls back. Sessions to read and to write have different types,
so that a call that writes does not type-check on a session to read.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import structlog
from pydantic_core import from_json, to_json
from sqlalchemy import Connection, Engine, create_engine, event, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session as OrmSession

from pathways.base import Actor
from pathways.documents import Documents, StoreAway, store_at
from pathways.key_checks import CheckValues, KeyCheck, KeyState, WrongKey, recorded
from pathways.settings import Settings
from pathways.vault import Vault

SQLITE_BUSY_MILLISECONDS = 15_000
IN_MEMORY = ":memory:"
SQLITE_ROWS_SAMPLED = 1_000  # of each index; https://sqlite.org/pragma.html#pragma_analysis_limit advises 100 to 1,000
# With a replica, a commit returns only after the replica has applied it. The setting synchronous_standby_names of the
# primary lists the replicas that it waits for.
SEEN_BY_REPLICAS = " -c synchronous_commit=remote_apply"
POSTGRESQL_OPTIONS = "-c statement_timeout=60000 -c lock_timeout=8000 -c idle_in_transaction_session_timeout=120000"


# PostgreSQL, appendix A: serialization_failure and deadlock_detected. The transaction is undone and may be repeated.
MAY_BE_REPEATED = frozenset({"40001", "40P01"})
TRIES = 5
LONGEST_WAIT_SECONDS = 0.2
LOG = structlog.get_logger()
Answer = TypeVar("Answer")


class Session(OrmSession):
    """A session, with the vault that decrypts values, the document store and the actor."""

    vault: Vault
    documents: Documents
    actor: Actor | None
    is_production: bool


class ReadSession(Session):
    """A session that only reads."""


class WriteSession(Session):
    """A session that writes. All its writes are committed together or not at all."""


@contextmanager
def acting_as(session: WriteSession, actor: Actor) -> Iterator[None]:
    """Act as another actor for a while, so that the audit trail names that actor."""
    before = session.actor
    session.flush()
    session.actor = actor
    try:
        yield
        session.flush()
    finally:
        session.actor = before


def repeated(act: Callable[[], Answer]) -> Answer:
    """Call ``act``, which opens a transaction, and again if the database undid the transaction to end a deadlock."""
    for _ in range(TRIES - 1):
        try:
            return act()
        except DBAPIError as undone:
            if getattr(undone.orig, "sqlstate", None) not in MAY_BE_REPEATED:
                raise
            LOG.warning("deadlock_repeated")
        time.sleep(random.uniform(0, LONGEST_WAIT_SECONDS))  # noqa: S311 - so that two callers do not meet again
    return act()


def after_commit(session: WriteSession, act: "Callable[[Database], object]") -> None:
    """Call ``act`` with the database once the transaction of the session is committed, outside of it.

    ``act`` opens transactions of its own. It is tried several times. If it fails, the error is logged and the caller is
    not told, because the change is committed; so a scheduled job must find and do what is left.
    """
    session.info.setdefault("after_commit", []).append(act)


def insert_if_absent(session: WriteSession, model: Any, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows, skip those that a unique index already has, and return how many were inserted.

    Two callers that insert the same row at the same moment cause no error.
    """
    if not rows:
        return 0
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insertion = dialect.insert(model.__table__).on_conflict_do_nothing()
    insertion = insertion.execution_options(preserve_rowcount=True)  # otherwise PostgreSQL's driver does not count
    return session.connection().execute(insertion, rows).rowcount


def insert_many(session: WriteSession, model: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows without creating objects, which is faster than adding them to the session."""
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


def _make_private(_dialect: object, _record: object, arguments: Sequence[Any], _options: object) -> None:
    """Make a new database file that only its owner can read. SQLite gives its log the same mode."""
    with suppress(OSError):  # SQLite says what is wrong
        if not Path(arguments[0]).exists() and arguments[0] != IN_MEMORY:
            Path(arguments[0]).touch(mode=0o600)


def _begin_sqlite(connection: Connection) -> None:
    # The driver's own transactions are off, so BEGIN is issued here. Writers lock at once; readers never wait.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _json(value: Any) -> str:
    return to_json(value).decode()


def make_engine(url: str, worker_threads: int, *, has_replica: bool = False) -> Engine:
    """Return an engine with one connection for each worker thread, and two more (pool_size + max_overflow)."""
    pool: dict[str, Any] = {"json_serializer": _json, "json_deserializer": from_json}
    pool |= {"pool_size": min(10, worker_threads), "pool_timeout": 30}
    pool["max_overflow"] = worker_threads + 2 - pool["pool_size"]
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"check_same_thread": False}, hide_parameters=True, **pool)
        event.listen(engine, "do_connect", _make_private)
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    parsed = parsed.set(drivername="postgresql+psycopg")
    options = POSTGRESQL_OPTIONS + (SEEN_BY_REPLICAS if has_replica else "")
    return create_engine(parsed, pool_pre_ping=True, connect_args={"options": options}, hide_parameters=True, **pool)


PUBLIC_THREADS = 2


class NoDocuments:
    """The document store if none is configured. It refuses to store or read documents."""

    def put(self, key: str, content: bytes) -> None:
        raise StoreAway(
            f"There is no document store ({len(content)} bytes were not stored). Ask the operator to set one up."
        )

    def get(self, key: str) -> bytes:
        raise StoreAway("This service has no document store. Ask the operator to set one up.")

    def find(self, key: str) -> None:
        """Return None, because no document can be stored."""

    def forget(self, key: str) -> None:
        """Do nothing, because no document can be stored."""


class Database:
    """The database with its engines. All sessions are opened through it."""

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
        # Reads go to the replica, if there is one. Reads that need the newest data go to the primary.
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
        # SQLite's busy handler is unfair. A lock in the process keeps the longest wait short.
        self._writer_lock = threading.Lock() if self.is_sqlite else nullcontext()
        self._has_right_keys = False

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

    def key_state(self) -> KeyState:
        """Compare the keys with the check values that the database has now. Sessions are refused unless it is RIGHT."""
        with self._newest.connect() as connection:
            values = recorded(connection)
        if values is None:
            state = KeyState.NOT_RECORDED
        else:
            state = KeyState.WRONG if values.wrong(self.vault) else KeyState.RIGHT
        self._has_right_keys = state is KeyState.RIGHT
        return state

    def key_ids(self) -> dict[str, str]:
        """Return the ids of the database's keys, by which people recognise them; an empty dictionary if unrecorded."""
        with self._newest.connect() as connection:
            values = recorded(connection)
        return values.ids() if values else {}

    def must_have_right_keys(self) -> None:
        """Raise ``WrongKey`` unless the keys are those of the database. They are compared once, then regularly."""
        if self._has_right_keys:
            return
        state = self.key_state()
        if state is KeyState.NOT_RECORDED:
            raise WrongKey(
                "The keys of this database are not recorded yet. Ask the operator to run pathways db upgrade."
            )
        if state is KeyState.WRONG:
            raise WrongKey("The service runs with keys that are not those of its database. Contact the operator.")

    @contextmanager
    def proving(self) -> Iterator[ReadSession]:
        """Open a session to prove the keys on stored values, while they are not recorded yet. Nothing else uses it."""
        with ReadSession(self._newest) as session:
            session.vault, session.documents = self.vault, self.documents
            session.actor, session.is_production = None, self.is_production
            yield session

    def record_keys(self, values: CheckValues, at: datetime) -> None:
        """Store the check values, unless another process has stored some in the meantime."""
        row = {"id": 1, "salt": values.salt.hex(), **values.values, "made_at": at}
        with self._writer_lock, WriteSession(self._writers) as session:
            session.actor = None
            insert_if_absent(session, KeyCheck, [row])
            session.commit()

    def _equip(self, session: Session, actor: Actor | None) -> None:
        self.must_have_right_keys()
        session.vault, session.documents = self.vault, self.documents
        session.actor, session.is_production = actor, self.is_production

    @contextmanager
    def reading(self, actor: Actor | None = None, *, newest: bool = False) -> Iterator[ReadSession]:
        """Open a session to read. ``newest`` reads from the primary, because a replica may lag behind."""
        with ReadSession(self._newest if newest else self._readers) as session:
            self._equip(session, actor)
            yield session

    @contextmanager
    def reading_publicly(self) -> Iterator[ReadSession]:
        """Open a session for public data, from a small separate pool of connections that cannot write.

        So a flood of public requests takes no connections from members.
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
        """Open a session to write. Commit at the end, then delete the documents of erased records.

        Then the functions are called that were given to ``after_commit``.
        """
        with self._writer_lock, WriteSession(self._writers, expire_on_commit=False) as session:
            self._equip(session, actor)
            yield session
            session.commit()
            for key in session.info.pop("forget", ()):
                self.documents.forget(key)
            acts = session.info.pop("after_commit", ())
        for act in acts:
            self._act_after_commit(act)

    def _act_after_commit(self, act: "Callable[[Database], object]") -> None:
        for attempt in range(TRIES):
            try:
                act(self)
            except Exception as error:  # noqa: BLE001 - an error would tell the caller that nothing was changed
                LOG.warning("after_commit_failed", error=type(error).__name__, attempt=attempt + 1)
                time.sleep(random.uniform(0, LONGEST_WAIT_SECONDS))  # noqa: S311 - as in ``repeated``
            else:
                return
        LOG.error("after_commit_left_to_daily", work=getattr(getattr(act, "func", act), "__name__", ""))

    @contextmanager
    def rehearsing(self, actor: Actor) -> Iterator[WriteSession]:
        """Open a session to write that is always rolled back, for dry runs."""
        with self._writer_lock, WriteSession(self._writers, expire_on_commit=False) as session:
            self._equip(session, actor)
            yield session
            session.rollback()

    def replica_may_lag(self) -> bool:
        """Return whether reads go to a replica that the primary does not wait for.

        Such a replica could still show a record just after access to it was restricted.
        """
        if self._replica is self.engine:
            return False
        with self._newest.connect() as connection:
            return not connection.exec_driver_sql("SHOW synchronous_standby_names").scalar_one()

    def count_rows(self) -> None:
        """Update SQLite's statistics of indexes for its query planner. PostgreSQL does this automatically.

        Without statistics, SQLite cannot tell which of two indexes is narrower, and may read a whole table for the rows
        of one jobseeker.
        """
        if not self.is_sqlite:
            return
        with self._writer_lock, self._writers.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA analysis_limit = {SQLITE_ROWS_SAMPLED}")
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
        # A connection reads the statistics only when it is opened.
        self.engine.dispose()

    def close(self) -> None:
        self.engine.dispose()
        self._replica.dispose()
        if "_public" in self.__dict__:
            self._public.dispose()
