"""Open the file of a backup and prove that it is whole, before anything is changed."""

import hashlib
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path
from typing import BinaryIO, Literal

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pathways.backups.manifest import (
    CODE,
    DATABASE,
    DOCUMENTS,
    LARGEST_MANIFEST_BYTES,
    MANIFEST,
    BackupManifest,
    ManifestEntry,
    ManifestInvalid,
    read_manifest,
)
from pathways.backups.sealed import SealBroken, is_sealed, unseal
from pathways.backups.sentences import BackupRefused, damaged, must_have_room
from pathways.vault import Vault

BLOCK_BYTES = 1 << 20
ZIP_ENDS, ZIP_END_BYTES = b"PK\x05\x06", 22  # of the last record, which has no comment in a backup
ZIP_BEGINS, SQLITE_BEGINS, POSTGRESQL_BEGINS = b"PK\x03\x04", b"SQLite format 3\x00", b"PGDMP"
BROKEN_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)
INCOMPLETE = "it was altered or is incomplete."


@dataclass(frozen=True)
class UnpackedBackup:
    """The database of a backup as a file, and the archive with the documents.

    A backup of version 0.3.0 or earlier is only a database: it has no manifest, no archive and no documents.
    """

    backend: Literal["sqlite", "postgresql"]
    database: Path
    manifest: BackupManifest | None = None
    archive: Path | None = None

    def documents(self) -> Iterator[tuple[ManifestEntry, bytes]]:
        """Yield the documents, each compared with the manifest again."""
        if self.manifest is None or self.archive is None:
            return
        with zipfile.ZipFile(self.archive) as archive:
            for entry in self.manifest.documents:
                content = archive.read(DOCUMENTS + entry.name)
                if hashlib.sha256(content).hexdigest() != entry.sha256:
                    raise damaged(self.archive, INCOMPLETE)
                yield entry, content


def unpack(
    file: Path,
    work: Path,
    vault: Vault,
    private_key: Callable[[], X25519PrivateKey] | None,
    *,
    accept_unproved: bool = False,
) -> UnpackedBackup:
    """Return the content of a backup in the folder ``work``. Refuse one with damage or alterations, or for other keys.

    ``private_key`` returns the key that opens a sealed backup. A bare database, as version 0.3.0 and earlier wrote it,
    has nothing that proves where it comes from: it needs ``accept_unproved``.
    """
    if not file.is_file():
        raise BackupRefused(f"There is no file {file}. Check the path.")
    if is_sealed(file):
        if private_key is None:
            raise BackupRefused(f"{file} is sealed. Give the file of the private key with --private-key.")
        key = private_key()
        must_have_room(work, file.stat().st_size)
        archive = work / "archive"
        with archive.open("xb") as opened, _damage_in_sentences(file):
            unseal(file, key, opened)
        return _unpacked(file, archive, work, vault)
    with file.open("rb") as opened:
        beginning = opened.read(16)
    if beginning.startswith(ZIP_BEGINS):
        return _unpacked(file, file, work, vault)
    if beginning.startswith((SQLITE_BEGINS, POSTGRESQL_BEGINS)):
        if not accept_unproved:
            raise BackupRefused(
                f"{file} is a bare database, not a backup: nothing proves who made it or that it is whole. Nothing was"
                " changed. Choose a file that pathways db backup wrote. If this is a backup of version 0.3.0 or"
                " earlier, and you know where it comes from, add --accept-unproved."
            )
        must_have_room(work, file.stat().st_size)
        shutil.copyfile(file, work / DATABASE)
        backend: Literal["sqlite", "postgresql"] = "sqlite" if beginning == SQLITE_BEGINS else "postgresql"
        return UnpackedBackup(backend, work / DATABASE)
    raise damaged(file, "it is not a backup of Pathways, or its beginning is damaged.")


@contextmanager
def _damage_in_sentences(file: Path) -> Iterator[None]:
    try:
        yield
    except (ManifestInvalid, SealBroken) as broken:
        raise damaged(file, str(broken)) from broken
    except KeyError as absent:
        raise damaged(file, "it is not a backup of Pathways, or a part of it is missing.") from absent
    except BROKEN_ARCHIVE as broken:
        raise damaged(file, INCOMPLETE) from broken


def _unpacked(file: Path, path: Path, work: Path, vault: Vault) -> UnpackedBackup:
    with _damage_in_sentences(file), zipfile.ZipFile(path) as archive:
        _must_be_nothing_else(file, path, archive)
        manifest = _manifest(file, archive, vault)
        must_have_room(work, manifest.database.bytes)
        with (work / DATABASE).open("xb") as copy:
            _verify(file, archive, DATABASE, manifest.database, copy)
        for entry in manifest.documents:
            _verify(file, archive, DOCUMENTS + entry.name, entry)
    return UnpackedBackup(manifest.backend, work / DATABASE, manifest, path)


def _must_be_nothing_else(file: Path, path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse bytes before, between or after the members: the manifest would say nothing of them."""
    with path.open("rb") as opened:
        opened.seek(max(0, path.stat().st_size - ZIP_END_BYTES))
        ends = opened.read()
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    is_whole = ends.startswith(ZIP_ENDS) and not archive.comment and members and members[0].header_offset == 0
    if not is_whole:
        raise damaged(file, "bytes were added to it, or it is incomplete.")


def _manifest(file: Path, archive: zipfile.ZipFile, vault: Vault) -> BackupManifest:
    """Return the manifest, if our keys are those it needs, it was not altered, and it names every member."""
    if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST_BYTES:
        raise ManifestInvalid("its manifest is too large.")
    content = archive.read(MANIFEST)
    manifest = read_manifest(content)
    manifest.keys.check_values().refuse_wrong(vault, "this backup")
    code = archive.getinfo(CODE)
    own = vault.authentication_code(content)
    if code.file_size != len(own) or not compare_digest(archive.read(CODE), own.encode()):
        raise damaged(file, "its manifest was altered.")
    names = archive.namelist()
    if len(names) != len(set(names)) or set(names) != manifest.names:
        raise damaged(file, "it does not hold exactly the files that its manifest names.")
    return manifest


def _verify(
    file: Path, archive: zipfile.ZipFile, name: str, entry: ManifestEntry, copy: BinaryIO | None = None
) -> None:
    """Compare a member with the manifest, and write it to ``copy``. Never reads more than the manifest says."""
    digest, size = hashlib.sha256(), 0
    with archive.open(name) as member:
        while size <= entry.bytes and (block := member.read(BLOCK_BYTES)):
            digest.update(block)
            size += len(block)
            if copy is not None:
                copy.write(block)
    if (size, digest.hexdigest()) != (entry.bytes, entry.sha256):
        raise damaged(file, INCOMPLETE)
