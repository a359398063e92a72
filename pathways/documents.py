"""The document store, outside the database: a folder or an S3 bucket.

A document is encrypted before it is stored, and its name in the store is an id. The interface is small: put, get and
forget (delete).
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
SCANNER_AWAY = (
    "Documents are scanned for viruses before they are stored, and the scanner does not answer. Try again later."
)
CLEAN, INFECTED = 0, 1  # exit codes of clamdscan and similar scanners


class Documents(Protocol):
    """A store of documents by key."""

    def put(self, key: str, content: bytes) -> None: ...
    def get(self, key: str) -> bytes: ...
    def find(self, key: str) -> bytes | None: ...
    def forget(self, key: str) -> None: ...


class StoreAway(Unavailable):
    title = "Documents cannot be stored or read at the moment"


class DocumentStore:
    """A document store in a folder or a bucket. The folder or bucket is opened on first use."""

    def __init__(self, opened: Callable[[], Any]) -> None:
        self._opened = opened

    @cached_property
    def store(self) -> Any:
        return self._opened()

    def put(self, key: str, content: bytes) -> None:
        try:
            self.store.put(key, content)
        except BaseError as wrong:
            raise StoreAway("The document was not stored. Try again in a moment.") from wrong

    def get(self, key: str) -> bytes:
        try:
            return bytes(self.store.get(key).bytes())
        except (BaseError, FileNotFoundError) as wrong:
            raise StoreAway(
                "The document cannot be read. Try again in a moment. If this continues, contact the operator."
            ) from wrong

    def find(self, key: str) -> bytes | None:
        """Return a document, or None if the store has none of this key."""
        try:
            return bytes(self.store.get(key).bytes())
        except FileNotFoundError:
            return None
        except BaseError as wrong:
            raise StoreAway("The document store does not answer. Try again in a moment.") from wrong

    def forget(self, key: str) -> None:
        try:
            self.store.delete(key)
        except FileNotFoundError:
            return
        except BaseError as wrong:
            raise StoreAway("The document was not deleted. Try again in a moment.") from wrong


class FolderStore(DocumentStore):
    """A document store in a folder. Only the owner of the process can read what it stores."""

    def __init__(self, folder: Path) -> None:
        super().__init__(lambda: _folder(folder))
        self.folder = folder

    def put(self, key: str, content: bytes) -> None:
        super().put(key, content)
        file = self.folder / key
        for path, mode in ((file, 0o600), (file.parent, 0o700)):
            if path.exists() and path != self.folder:  # the folder itself may have been made by somebody
                path.chmod(mode)


def store_at(place: str) -> Documents:
    """Return the document store at a folder, or at ``s3://bucket/prefix`` with the usual AWS variables."""
    if place.startswith("s3://"):
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        return DocumentStore(lambda: S3Store(bucket, prefix=prefix or None))
    return FolderStore(Path(place))


def _folder(folder: Path) -> LocalStore:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(folder.resolve())


# The accepted types and how their content begins. The type that the client declares is not trusted.
BEGINS_WITH: dict[str, Sequence[bytes]] = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
}


def type_of(content: bytes) -> str | None:
    """Return the media type of a document; None if the type is not accepted."""
    return next((kind for kind, starts in BEGINS_WITH.items() if content.startswith(tuple(starts))), None)


def is_infected(content: bytes, command: Sequence[str]) -> bool:
    """Return whether a virus scanner finds the document infected.

    The command reads the document from standard input and exits with 0 if it is clean and 1 if it is infected. Any
    other result raises ``StoreAway``.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the command is the administrator's own setting
            list(command), input=content, capture_output=True, timeout=SECONDS_TO_SCAN, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise StoreAway(SCANNER_AWAY) from wrong
    if done.returncode not in {CLEAN, INFECTED}:
        raise StoreAway(SCANNER_AWAY)
    return done.returncode == INFECTED
