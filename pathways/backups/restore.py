"""Replace a database by a backup: validate a copy first, put the documents back, and swap at the end.

Until the swap, the database in use is not touched. What was there is kept under a dated name.
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import select
from sqlalchemy.engine import URL

from pathways import consistency, migrate
from pathways.backups import postgresql
from pathways.backups.manifest import stamp
from pathways.backups.sentences import BackupRefused, damaged, in_sentences, must_have_room
from pathways.backups.unpack import UnpackedBackup, unpack
from pathways.backups.write import sync_folder
from pathways.base import utc_now
from pathways.database import Database
from pathways.documents import Documents, StoreAway
from pathways.errors import DomainError, Unavailable
from pathways.in_use import USED_BY_OTHERS, DatabaseInUse, using
from pathways.progression.models import EvidenceDocument
from pathways.vault import Vault

UNCHANGED = "The database was not changed."
OWNER_ONLY = 0o600


@dataclass(frozen=True)
class RestoreSummary:
    """What a restore did. ``kept`` is the file or database with what was there before, if anything was."""

    made_at: str | None
    kept: str | None
    documents_added: int
    documents_missing: int
    faults: int
    note: str


@dataclass(frozen=True)
class RestoreJob:
    """The database to replace, the file to restore from, and the choices of the operator."""

    database: Database
    file: Path
    private_key: Callable[[], X25519PrivateKey] | None = None
    accept_faults: bool = False
    accept_unproved: bool = False

    @property
    def url(self) -> URL:
        return self.database.engine.url


def restore(job: RestoreJob) -> RestoreSummary:
    """Replace the database by a backup. Refuses while any other process uses the database."""
    with in_sentences("restoring the backup", UNCHANGED), using(job.database, alone=True) as lock, _work(job) as work:
        job.database.close()  # this process also has no connection to what is replaced
        unpacked = unpack(job.file, work, job.database.vault, job.private_key, accept_unproved=job.accept_unproved)
        if (unpacked.backend == "sqlite") is not job.database.is_sqlite:
            kind = "an SQLite" if job.database.is_sqlite else "a PostgreSQL"
            raise BackupRefused(
                f"{job.file} is of {'a PostgreSQL' if job.database.is_sqlite else 'an SQLite'} database, and"
                f" PATHWAYS_DATABASE_URL names {kind} database. Nothing was changed. Choose another backup."
            )
        if job.database.is_sqlite:
            return _restore_file(job, unpacked)
        return _restore_database(job, unpacked, lock.release)


@contextmanager
def _work(job: RestoreJob) -> Iterator[Path]:
    """Yield a new folder that only the owner can read; for SQLite on the same disk, so that a rename is the swap."""
    beside = Path(str(job.url.database)).resolve().parent if job.database.is_sqlite else None
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=beside) as folder:
        yield Path(folder)


def _validate(job: RestoreJob, unpacked: UnpackedBackup, copy: Database) -> tuple[int, str]:
    """Refuse a copy of another product, a newer version, other keys or inconsistent facts; upgrade an older one.

    Return the number of inconsistencies that the operator accepts, and a sentence about keys that were not proved.
    """
    revision = migrate.revision(copy)
    if revision is None:
        raise damaged(job.file, "it holds no database of Pathways.")
    if not migrate.is_known(revision):
        raise damaged(job.file, "a newer version of Pathways made it. Upgrade Pathways first.")
    note = migrate.upgrade(copy)  # also compares or proves the keys
    with copy.reading() as session:
        faults = consistency.faults(session)
        named = set(session.scalars(select(EvidenceDocument.key)))
    if unpacked.manifest is not None:
        held = {entry.name for entry in unpacked.manifest.documents} | set(unpacked.manifest.missing_documents)
        if named - held:
            raise damaged(job.file, f"{len(named - held)} documents of its database are not in it.")
    if faults and not job.accept_faults:
        raise BackupRefused(
            f"The backup has {len(faults)} inconsistencies, the first: {faults[0]} Nothing was changed. Choose another"
            " backup, or restore this one with --accept-faults."
        )
    return len(faults), note


@contextmanager
def _documents_put_back(job: RestoreJob, unpacked: UnpackedBackup) -> Iterator[int]:
    """Put the documents of the backup into the store for the block that swaps; yield how many were stored.

    If the block refuses, documents that the store did not have before are deleted again. They stay after an error in
    which the swap may have happened, because the loss of a document is worse than one to which nothing refers.
    """
    documents, added = job.database.documents, list[str]()
    try:
        yield _put_documents(unpacked, documents, job.database.vault, added)
    except (DomainError, OSError):
        for key in added:
            with suppress(StoreAway):
                documents.forget(key)
        raise


def _put_documents(unpacked: UnpackedBackup, documents: Documents, vault: Vault, added: list[str]) -> int:
    """Store the documents that the store lacks or cannot open, and return their number.

    A document never changes, so no other is replaced. ``added`` receives the names of those that the store lacked.
    """
    stored = 0
    for entry, content in unpacked.documents():
        present = documents.find(entry.name)
        if present is not None and (_same(present, entry.sha256) or _opens(vault, present, entry.name)):
            continue
        if present is None:
            added.append(entry.name)
        documents.put(entry.name, content)
        stored += 1
    return stored


def _same(content: bytes, sha256: str) -> bool:
    return hashlib.sha256(content).hexdigest() == sha256


def _opens(vault: Vault, content: bytes, key: str) -> bool:
    try:
        vault.open_bytes(content, place=key)
    except ValueError:
        return False
    return True


def _summary(unpacked: UnpackedBackup, kept: str | None, added: int, faults: int, note: str) -> RestoreSummary:
    manifest = unpacked.manifest
    return RestoreSummary(
        manifest.day if manifest else None,
        kept,
        added,
        len(manifest.missing_documents) if manifest else 0,
        faults,
        note,
    )


# SQLite: the copy is a file beside the database, and a rename is the swap.


def _restore_file(job: RestoreJob, unpacked: UnpackedBackup) -> RestoreSummary:
    target = Path(str(job.url.database)).resolve()
    must_have_room(target.parent, unpacked.database.stat().st_size)  # an upgrade may write every table again
    _must_be_sound(job.file, unpacked.database)
    copy = _copy_database(job, URL.create("sqlite", database=str(unpacked.database)))
    try:
        faults, note = _validate(job, unpacked, copy)
    finally:
        copy.close()
    _fold(unpacked.database)
    _fold_what_is_there(target)
    with _documents_put_back(job, unpacked) as added:
        kept = _swap_files(target, unpacked.database, utc_now())
    return _summary(unpacked, str(kept) if kept else None, added, faults, note)


def _copy_database(job: RestoreJob, url: URL) -> Database:
    return Database(
        url.render_as_string(hide_password=False),
        job.database.vault,
        worker_threads=1,
        is_production=job.database.is_production,
        documents=job.database.documents,
    )


def _must_be_sound(file: Path, copy: Path) -> None:
    try:
        with closing(sqlite3.connect(copy)) as connection:
            is_sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            points_to_nothing = connection.execute("PRAGMA foreign_key_check").fetchone() is not None
    except sqlite3.DatabaseError as broken:
        raise damaged(file, "its database is damaged.") from broken
    if not is_sound:
        raise damaged(file, "its database is damaged.")
    if points_to_nothing:
        raise damaged(file, "its database has rows that refer to missing rows.")


def _fold(file: Path) -> None:
    """Merge the write-ahead log into the file, so that the file alone is the database. Write it to the disk."""
    with closing(sqlite3.connect(file, timeout=1)) as connection:
        mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    if mode != ("delete",):
        raise DatabaseInUse(USED_BY_OTHERS)
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _fold_what_is_there(target: Path) -> None:
    """Merge the log of the database in use. This fails if a program without our lock has it open.

    A database that is damaged is kept as it is, with its log.
    """
    if not target.exists():
        return
    try:
        _fold(target)
    except sqlite3.OperationalError as refused:
        if "locked" in str(refused):
            raise DatabaseInUse(USED_BY_OTHERS) from refused
        raise
    except sqlite3.DatabaseError:
        return  # damaged: nothing can be merged


def _swap_files(target: Path, copy: Path, at: datetime) -> Path | None:
    """Keep the old file under a dated name and give its name to the copy. The name always has a whole database."""
    kept = _unused(target.with_name(f"{target.name}.before-{stamp(at)}"))
    has_old = target.exists()
    copy.chmod(target.stat().st_mode & 0o777 if has_old else OWNER_ONLY)
    if has_old:
        _keep(target, kept)
    for ending in ("-wal", "-shm"):  # they exist only if the old database is damaged or gone
        log = Path(f"{target}{ending}")
        if log.exists():
            log.rename(f"{kept}{ending}")  # SQLite would apply it to the copy
    copy.replace(target)
    sync_folder(target.parent)
    return kept if has_old else None


def _keep(target: Path, kept: Path) -> None:
    try:
        os.link(target, kept)
    except OSError:  # a file system without links
        must_have_room(target.parent, target.stat().st_size)
        shutil.copy2(target, kept)


def _unused(path: Path) -> Path:
    number, name = 1, path
    while name.exists():
        number += 1
        name = path.with_name(f"{path.name}-{number}")
    return name


# PostgreSQL: the copy is a database of its own, and two renames in one transaction are the swap.


def _restore_database(job: RestoreJob, unpacked: UnpackedBackup, release: Callable[[], None]) -> RestoreSummary:
    name, at = str(job.url.database), utc_now()
    with postgresql.maintenance(job.url) as connection:
        if postgresql.is_used_by_others(connection, name):  # before the long work; the swap finds who came meanwhile
            raise DatabaseInUse(USED_BY_OTHERS)
        new, old = (postgresql.unused(connection, name, f"_{word}_{stamp(at)}") for word in ("restored", "before"))
        postgresql.create(connection, new, name)
        is_swapped = False
        try:
            faults, note = _load_and_validate(job, unpacked, new)
            release()  # our own connection would keep the database from being renamed
            with _documents_put_back(job, unpacked) as added:
                is_swapped = postgresql.swap(connection, name, old_becomes=old, new=new)
                if not is_swapped:
                    raise DatabaseInUse(USED_BY_OTHERS)
        finally:
            if not is_swapped:
                postgresql.drop(connection, new)
    return _summary(unpacked, old, added, faults, note)


def _load_and_validate(job: RestoreJob, unpacked: UnpackedBackup, new: str) -> tuple[int, str]:
    url = job.url.set(database=new)
    wrong = postgresql.load(url, unpacked.database)
    if wrong is not None:
        raise Unavailable(f"pg_restore failed: {wrong}. Nothing was changed. Choose another backup.")
    copy = _copy_database(job, url)
    try:
        return _validate(job, unpacked, copy)
    finally:
        copy.close()
