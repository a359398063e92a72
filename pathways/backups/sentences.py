"""Errors of backups in one sentence each: full disks, damaged files, programs that fail."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from pathways.errors import RuleBroken, Unavailable

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
SPARE_BYTES = 1_000_000  # for the manifest, the directory of the archive and a margin
UNITS = ("bytes", "kB", "MB", "GB", "TB")
THOUSAND = 1_000


class BackupRefused(RuleBroken):
    title = "This backup cannot be used"


def damaged(file: Path, why: str) -> BackupRefused:
    return BackupRefused(f"{file} cannot be restored: {why} Nothing was changed. Choose another backup.")


@contextmanager
def in_sentences(doing: str, left: str) -> Iterator[None]:
    """Turn errors of the disk and of the databases into one sentence. ``left`` is what remains after the error."""
    try:
        yield
    except OSError as wrong:
        if wrong.errno in FULL:
            raise Unavailable(f"The disk became full while {doing}. {left} Free some space, then try again.") from wrong
        path = f" ({os.fsdecode(wrong.filename)})" if wrong.filename else ""
        reason = wrong.strerror or type(wrong).__name__
        raise Unavailable(f"There was an error while {doing}: {reason}{path}. {left}") from wrong
    except (sqlite3.Error, SQLAlchemyError, psycopg.Error) as wrong:
        if "disk is full" in str(wrong):
            raise Unavailable(f"The disk became full while {doing}. {left} Free some space, then try again.") from wrong
        raise Unavailable(f"The database failed ({type(wrong).__name__}) while {doing}. {left} Try again.") from wrong


def size_text(count: int) -> str:
    """Return a number of bytes for people.

    >>> size_text(1_234_567)
    '1.2 MB'
    """
    size, unit = float(count), 0
    while size >= THOUSAND and unit < len(UNITS) - 1:
        size, unit = size / THOUSAND, unit + 1
    return f"{size:.1f} {UNITS[unit]}" if unit else f"{count} bytes"


def must_have_room(folder: Path, needed: int) -> None:
    """Raise ``Unavailable`` unless the folder's disk has the space, and a little more."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise Unavailable(
            f"About {size_text(needed + SPARE_BYTES)} are needed in {folder}, but {size_text(free)} are free."
            " Free some space, or choose another folder. Nothing was changed."
        )
