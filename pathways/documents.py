"""Where documents are kept, outside the database: a folder, or a bucket that speaks S3; each sealed before it leaves.

One small interface over one library: put, get, forget. Nothing is ever read by its name on disk, which is an id.
"""

import subprocess
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from pathways.errors import Unavailable

SECONDS_TO_SCAN = 60
CLEAN, INFECTED = 0, 1  # what clamdscan and its like end with


class Documents(Protocol):
    """Keeps documents by key."""

    def put(self, key: str, content: bytes) -> None: ...
    def get(self, key: str) -> bytes: ...
    def forget(self, key: str) -> None: ...


class StoreAway(Unavailable):
    title = "Documents cannot be kept or read now"


class DocumentStore:
    """Documents in a store of the library: a folder or a bucket, which is opened when the first one is asked for."""

    def __init__(self, opened: Callable[[], Any]) -> None:
        self._opened = opened

    @cached_property
    def store(self) -> Any:
        return self._opened()

    def put(self, key: str, content: bytes) -> None:
        try:
            self.store.put(key, content)
        except BaseError as wrong:
            raise StoreAway("Try again in a moment.") from wrong

    def get(self, key: str) -> bytes:
        try:
            return bytes(self.store.get(key).bytes())
        except (BaseError, FileNotFoundError) as wrong:
            raise StoreAway("Try again in a moment; if it stays so, tell whoever runs the service.") from wrong

    def forget(self, key: str) -> None:
        try:
            self.store.delete(key)
        except FileNotFoundError:
            return
        except BaseError as wrong:
            raise StoreAway("Try again in a moment.") from wrong


def store_at(place: str) -> Documents:
    """Return the documents of a folder, or of a bucket named ``s3://bucket/prefix`` with the usual AWS variables."""
    if place.startswith("s3://"):
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        return DocumentStore(lambda: S3Store(bucket, prefix=prefix or None))
    return DocumentStore(lambda: _folder(Path(place)))


def _folder(folder: Path) -> LocalStore:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(folder.resolve())


# What a document may be, by how it begins: what it calls itself is not believed.
BEGINS_WITH: dict[str, Sequence[bytes]] = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
}


def type_of(content: bytes) -> str | None:
    """Return what a document is, of what we take; None for anything else."""
    return next((kind for kind, starts in BEGINS_WITH.items() if content.startswith(tuple(starts))), None)


def is_infected(content: bytes, command: Sequence[str]) -> bool:
    """Ask a scanner, which reads the document and ends with 0 if it is clean and 1 if it is not."""
    try:
        done = subprocess.run(  # noqa: S603 - the command is the administrator's own setting
            list(command), input=content, capture_output=True, timeout=SECONDS_TO_SCAN, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise StoreAway("Documents are scanned before they are kept, and the scanner does not answer.") from wrong
    if done.returncode not in {CLEAN, INFECTED}:
        raise StoreAway("Documents are scanned before they are kept, and the scanner does not answer.")
    return done.returncode == INFECTED
