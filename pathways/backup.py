"""Back up a database in use, and restore it."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from shutil import which

from sqlalchemy.engine import URL

from pathways.database import Database
from pathways.errors import RuleBroken, Unavailable


def backup(database: Database, file: Path) -> None:
    """Write a consistent copy of the database to a new file. Other processes can continue to write."""
    if file.exists():
        raise RuleBroken(f"The file {file} already exists. Choose another file name.")
    url = database.engine.url
    if database.is_sqlite:
        with closing(sqlite3.connect(str(url.database))) as origin, closing(sqlite3.connect(file)) as copy:
            origin.backup(copy)
        return
    _run("pg_dump", "--format=custom", f"--file={file}", url=url)


def restore(database: Database, file: Path) -> None:
    """Replace the database by a backup. No process may be using the database."""
    if not file.is_file():
        raise RuleBroken(f"There is no file {file}. Check the path.")
    url = database.engine.url
    if database.is_sqlite:
        with closing(sqlite3.connect(file)) as copy:
            if not _is_whole(copy):
                raise RuleBroken(
                    f"{file} is damaged or is not a backup of this service. Nothing was changed. Choose another file."
                )
            database.close()
            with closing(sqlite3.connect(str(url.database))) as target:
                copy.backup(target)
        return
    _run("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", str(file), url=url)


def _is_whole(copy: sqlite3.Connection) -> bool:
    try:
        is_sound = copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return is_sound and copy.execute("SELECT count(*) FROM alembic_version").fetchone() is not None
    except sqlite3.DatabaseError:
        return False


def _run(program: str, *arguments: str, url: URL) -> None:
    path = which(program)
    if path is None:
        raise Unavailable(f"{program} is not installed. Install the PostgreSQL client programs.")
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run([path, *arguments, f"--dbname={plain}"], check=False, capture_output=True, text=True)  # noqa: S603 - our own arguments
    if done.returncode:
        raise Unavailable(f"{program} failed: {done.stderr.strip().splitlines()[-1:] or ['no reason given']}.")
