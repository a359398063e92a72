"""The lock of a database: each process that uses it has a shared lock, and a restore needs the only lock.

The operating system releases the lock of an SQLite database when a process ends, however it ends (``flock``).
PostgreSQL releases its lock when the connection ends (a session-level advisory lock).
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from pathways.database import Database
from pathways.errors import Conflict, Unavailable

SECONDS_TO_END = 0.5
ADVISORY_LOCK = 7_284_917  # any fixed number that nothing else locks; migrations lock the number before it
MEMORY = (None, "", ":memory:")


class DatabaseInUse(Conflict):
    title = "Another process uses the database"


BEING_RESTORED = "The database is being restored. Wait until pathways db restore has finished, then try again."
USED_BY_OTHERS = (
    "The service, a worker or another command is using the database. Stop it, then run the command again."
    " Nothing was changed."
)


SERVED = (
    "Another service runs on this SQLite database. Each would have caches that the other does not know of, and they"
    " would answer differently. Stop the other one, or use PostgreSQL for several."
)


class UseLock:
    """A lock of one process on a database. ``alone`` refuses every other process; otherwise the lock is shared."""

    def __init__(self, database: Database, *, alone: bool = False) -> None:
        self._database = database
        self._alone = alone
        self._file: int | None = None
        self._connection: psycopg.Connection | None = None

    def acquire(self) -> None:
        """Take the lock or raise ``DatabaseInUse``. Take it again if PostgreSQL ended the connection.

        On PostgreSQL it is tried for ``SECONDS_TO_END``.
        """
        has_lock = self._lock_file() if self._database.is_sqlite else self._lock_by_connection()
        if not has_lock:
            self.release()
            raise DatabaseInUse(USED_BY_OTHERS if self._alone else BEING_RESTORED)

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _lock_file(self) -> bool:
        file = self._database.engine.url.database
        if self._file is not None or file in MEMORY:
            return True
        self._file = _open_lock(Path(f"{file}.lock"))
        try:
            fcntl.flock(self._file, (fcntl.LOCK_EX if self._alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _lock_by_connection(self) -> bool:
        if self._connection is not None and _answers(self._connection):
            return True
        self.release()
        url = self._database.engine.url.set(drivername="postgresql")
        try:
            self._connection = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
            function = "pg_try_advisory_lock" if self._alone else "pg_try_advisory_lock_shared"
            asked_at = time.monotonic()
            row = self._connection.execute(f"SELECT {function}({ADVISORY_LOCK})").fetchone()
            # The server ends the session of a process a moment after the process.
            while row is not None and row[0] is not True and time.monotonic() - asked_at < SECONDS_TO_END:
                time.sleep(SECONDS_TO_END / 10)
                row = self._connection.execute(f"SELECT {function}({ADVISORY_LOCK})").fetchone()
        except psycopg.Error as refused:
            raise Unavailable(
                "The database does not answer or needs an upgrade. Check that it is running, then run: pathways db"
                " upgrade"
            ) from refused
        return row is not None and row[0] is True


def _answers(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


@contextmanager
def using(database: Database, *, alone: bool = False) -> Iterator[UseLock]:
    """Have the lock while the block runs."""
    lock = UseLock(database, alone=alone)
    lock.acquire()
    try:
        yield lock
    finally:
        lock.release()


@contextmanager
def serving(database: Database) -> Iterator[None]:
    """Be the only service on an SQLite database while the block runs; commands and a worker may still use it.

    SQLite itself would keep two services from damaging the file. But what a service has in memory (the index of the
    shortlists, the feed, the limits of requests) is dropped by its own changes only, so two would answer differently.
    """
    file = database.engine.url.database
    if not database.is_sqlite or file in MEMORY:
        yield
        return
    handle = _open_lock(Path(f"{file}.serve.lock"))
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as refused:
            raise DatabaseInUse(SERVED) from refused
        yield
    finally:
        os.close(handle)


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as refused:
        raise Unavailable(
            f"The lock file {path} cannot be opened: {refused.strerror}. Check who may write in this folder."
        ) from refused
