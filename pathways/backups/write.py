"""Write a backup of a database in use and of its documents to one new file."""

import hashlib
import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlalchemy import func, select

from pathways import document_faults
from pathways.backups import postgresql
from pathways.backups.manifest import (
    CODE,
    DATABASE,
    DOCUMENTS,
    MANIFEST,
    PRODUCT,
    BackupManifest,
    KeysNeeded,
    ManifestEntry,
)
from pathways.backups.sealed import SealingWriter
from pathways.backups.sentences import in_sentences, must_have_room
from pathways.base import utc_now
from pathways.database import Database
from pathways.errors import RuleBroken, Unavailable
from pathways.key_checks import recorded
from pathways.migrate import newest
from pathways.progression.models import EvidenceDocument

BLOCK_BYTES = 1 << 20
SEAL_BYTES = 28  # of nonce and tag in each encrypted document
NOT_WRITTEN = "The backup was not written."


@dataclass(frozen=True)
class BackupSummary:
    """What was written: how many documents, how many were missing or damaged, and the ids of the keys it needs."""

    documents: int
    missing: int
    damaged: int
    keys: dict[str, str]
    is_sealed: bool


def write(database: Database, file: Path, recipient: X25519PublicKey | None = None) -> BackupSummary:
    """Write a backup to a new file that only its owner can read. Other processes can continue to write.

    The file gets its name when it is complete. With ``recipient``, it is sealed.
    """
    if file.exists():
        raise RuleBroken(f"The file {file} already exists. Choose another file name.")
    if not file.parent.is_dir():
        raise RuleBroken(f"There is no folder {file.parent}. Make it, or choose another one.")
    with in_sentences("writing the backup", NOT_WRITTEN):
        _must_have_room(database, file.parent)
        with _named_when_complete(file) as opened:
            return _write(database, opened, recipient)


def _must_have_room(database: Database, folder: Path) -> None:
    with database.reading(newest=True) as session:
        count, size = session.execute(select(func.count(), func.sum(EvidenceDocument.size_bytes))).one()
        in_use = _database_bytes(session, is_sqlite=database.is_sqlite)
    documents = int(size or 0) + SEAL_BYTES * count
    if database.is_sqlite:
        beside = Path(str(database.engine.url.database)).resolve().parent
        is_same_disk = beside.stat().st_dev == folder.stat().st_dev
        must_have_room(beside, in_use * (2 if is_same_disk else 1) + (documents if is_same_disk else 0))
    must_have_room(folder, in_use + documents)


def _database_bytes(session: Any, *, is_sqlite: bool) -> int:
    connection = session.connection()
    if not is_sqlite:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
    pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    return pages * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())


@contextmanager
def _named_when_complete(file: Path) -> Iterator[BinaryIO]:
    """Yield a new file with a temporary name. Give it its name at the end, or delete it after an error."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)  # mode 0600
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        _name(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _name(draft: Path, file: Path) -> None:
    try:
        os.link(draft, file)  # unlike a rename, it replaces no file that was made in the meantime
    except FileExistsError as made:
        raise RuleBroken(f"The file {file} already exists. Choose another file name.") from made
    except OSError:  # a file system without links
        draft.rename(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder last through a power cut, where the file system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _write(database: Database, file: BinaryIO, recipient: X25519PublicKey | None) -> BackupSummary:
    with database.engine.connect() as connection:
        values = recorded(connection)
    assert values is not None  # a session was opened before, which needs them
    target: Any = file
    if recipient is not None:
        target = SealingWriter(file, recipient, values.ids())
    with zipfile.ZipFile(target, "w", allowZip64=True) as archive:
        manifest, damaged = _write_members(database, archive, KeysNeeded.of(values))
        content = manifest.as_bytes()
        archive.writestr(MANIFEST, content, zipfile.ZIP_DEFLATED)
        archive.writestr(CODE, database.vault.authentication_code(content))
    if recipient is not None:
        target.finish()
    return BackupSummary(
        len(manifest.documents), len(manifest.missing_documents), damaged, values.ids(), is_sealed=recipient is not None
    )


def _write_members(database: Database, archive: zipfile.ZipFile, keys: KeysNeeded) -> tuple[BackupManifest, int]:
    """Write the database, then the documents that it names: an upload during the backup is in both or in neither.

    Return also how many documents are damaged: they are written as they are, because no other copy may exist.
    """
    made_at = utc_now()
    before = _document_keys(database)
    entry = _write_database(database, archive)
    # A document that was stored or erased meanwhile may be named by the copy or not.
    documents, missing, damaged = [], [], 0
    for key in sorted({*before, *_document_keys(database)}):
        content = database.documents.find(key)
        if content is None:
            missing.append(key)
            continue
        damaged += document_faults.fault_of(database, key, content) is not None
        archive.writestr(DOCUMENTS + key, content, zipfile.ZIP_STORED)  # encrypted content cannot be compressed
        documents.append(ManifestEntry(name=key, bytes=len(content), sha256=hashlib.sha256(content).hexdigest()))
    manifest = BackupManifest(
        version=version(PRODUCT),
        made_at=made_at,
        backend="sqlite" if database.is_sqlite else "postgresql",
        revision=str(newest()),
        keys=keys,
        database=entry,
        documents=tuple(documents),
        missing_documents=tuple(missing),
    )
    return manifest, damaged


def _document_keys(database: Database) -> Sequence[str]:
    with database.reading(newest=True) as session:
        return session.scalars(select(EvidenceDocument.key)).all()


def _write_database(database: Database, archive: zipfile.ZipFile) -> ManifestEntry:
    url = database.engine.url
    if not database.is_sqlite:
        with postgresql.dumped(url) as content:
            return _add(archive, content)
    origin_file = Path(str(url.database)).resolve()
    # The copy is not encrypted, so it is made beside the database, whose folder is as safe as the database is.
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=origin_file.parent) as folder:
        copy_file = Path(folder) / DATABASE
        with closing(sqlite3.connect(origin_file)) as origin, closing(sqlite3.connect(copy_file)) as copy:
            origin.backup(copy)
        with copy_file.open("rb") as content:
            return _add(archive, content)


def _add(archive: zipfile.ZipFile, content: IO[bytes]) -> ManifestEntry:
    digest, size = hashlib.sha256(), 0
    entry = zipfile.ZipInfo(DATABASE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as member:
        while block := content.read(BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            member.write(block)
    if not size:
        raise Unavailable(f"The copy of the database is empty. {NOT_WRITTEN} Try again.")
    return ManifestEntry(name=DATABASE, bytes=size, sha256=digest.hexdigest())
