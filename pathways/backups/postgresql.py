"""The client programs of PostgreSQL, and databases beside the one in use."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import IO

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from pathways.errors import Unavailable

LONGEST_NAME = 63  # bytes; PostgreSQL cuts longer names
LONGEST_REASON = 200
LOOKS, SECONDS_BETWEEN_LOOKS = 20, 0.2


def program(name: str) -> str:
    path = which(name)
    if path is None:
        raise Unavailable(f"{name} is not installed. Install the PostgreSQL client programs.")
    return path


def _with_password(url: URL) -> tuple[str, dict[str, str]]:
    """Return the URL without its password, which is passed in the environment: other users can read arguments."""
    environment = dict(os.environ)
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    plain = url.set(drivername="postgresql")._replace(password=None)
    return plain.render_as_string(hide_password=False), environment


def _reason(errors: str) -> str:
    """Return the first error of a program without quoted values, which may be personal data."""
    lines = [line for line in errors.splitlines() if "error:" in line]
    return re.sub(r"\"[^\"]*\"|'[^']*'", "…", lines[0])[:LONGEST_REASON] if lines else "no reason was given"


@contextmanager
def dumped(url: URL) -> Iterator[IO[bytes]]:
    """Run pg_dump and yield its output; raise ``Unavailable`` at the end if it failed."""
    plain, environment = _with_password(url)
    command = [program("pg_dump"), "--format=custom", "--compress=0", f"--dbname={plain}"]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment) as process:  # noqa: S603 - our own arguments
            assert process.stdout is not None
            try:
                yield process.stdout
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            errors.seek(0)
            raise Unavailable(f"pg_dump failed: {_reason(errors.read().decode(errors='replace'))}.")


def load(url: URL, file: Path) -> str | None:
    """Load a dump into an empty database. Return why it failed, or None."""
    plain, environment = _with_password(url)
    command = [program("pg_restore"), "--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={plain}"]
    done = subprocess.run([*command, str(file)], check=False, capture_output=True, text=True, env=environment)  # noqa: S603 - our own arguments
    return _reason(done.stderr) if done.returncode else None


def name_with(database: str, ending: str) -> str:
    return f"{database[: LONGEST_NAME - len(ending.encode())]}{ending}"


def unused(connection: psycopg.Connection, database: str, ending: str) -> str:
    """Return the name of a database with an ending, and with a number if the server has such a database already."""
    number, name = 1, name_with(database, ending)
    while connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None:
        number += 1
        name = name_with(database, f"{ending}_{number}")
    return name


@contextmanager
def maintenance(url: URL) -> Iterator[psycopg.Connection]:
    """Yield a connection to another database of the server, from which databases are created and renamed."""
    other = "template1" if url.database == "postgres" else "postgres"
    plain = url.set(drivername="postgresql", database=other).render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        yield connection


def is_used_by_others(connection: psycopg.Connection, name: str) -> bool:
    """Return whether anybody but the restore, which has one connection, is connected to a database.

    A program that has just ended may stay connected for a moment, so this looks again for a few seconds.
    """
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
    for _ in range(LOOKS):
        row = connection.execute(sessions, [name]).fetchone()
        if row is None or row[0] <= 1:
            return False
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return True


def create(connection: psycopg.Connection, name: str, like: str) -> None:
    """Create an empty database with the encoding and the sort order of another one."""
    row = connection.execute(
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s", [like]
    ).fetchone()
    assert row is not None
    try:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
                sql.Identifier(name), *(sql.Literal(value) for value in row)
            )
        )
    except psycopg.errors.InsufficientPrivilege as refused:
        raise Unavailable(
            "The backup is validated in a database of its own, which this PostgreSQL role may not create. Give the role"
            " CREATEDB for the restore. Nothing was changed."
        ) from refused


def drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def swap(connection: psycopg.Connection, name: str, *, old_becomes: str, new: str) -> bool:
    """Give the name of a database to another one, in one transaction. Return False if somebody is connected to it."""
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    try:
        with connection.transaction():
            connection.execute(rename.format(sql.Identifier(name), sql.Identifier(old_becomes)))
            connection.execute(rename.format(sql.Identifier(new), sql.Identifier(name)))
    except psycopg.errors.ObjectInUse:
        return False
    return True
