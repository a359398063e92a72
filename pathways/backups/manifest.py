"""The form of a backup: a zip archive with the database, the documents and a manifest that describes them.

The manifest names the keys that the backup needs by their check values, never the keys. Its authentication code is made
with the encryption key, so that an altered backup is recognised.
"""

import json
from datetime import datetime
from typing import Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from pathways.key_checks import CheckValues

PRODUCT: Final = "pathways"
FORMAT: Final = 1
DATABASE, MANIFEST, CODE = "database", "manifest.json", "manifest.hmac"
DOCUMENTS = "documents/"
HEX = r"^[0-9a-f]+$"
# Without dots and leading slashes, so that no name leads out of the store.
DOCUMENT_KEY = r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$"
LARGEST_MANIFEST_BYTES = 256_000_000


class ManifestInvalid(ValueError):
    """The manifest cannot be read. The text says why, in a sentence."""


class ManifestEntry(BaseModel):
    """One file of a backup. The name of a document is its key in the store."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=DOCUMENT_KEY)
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=HEX)


class KeysNeeded(BaseModel):
    """The salt and check values of the keys that a backup needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    salt: str = Field(pattern=HEX)
    encryption_key: str = Field(pattern=HEX)
    hash_key: str = Field(pattern=HEX)

    @classmethod
    def of(cls, values: CheckValues) -> Self:
        return cls(salt=values.salt.hex(), **values.values)

    def check_values(self) -> CheckValues:
        return CheckValues(bytes.fromhex(self.salt), {"encryption_key": self.encryption_key, "hash_key": self.hash_key})


class BackupManifest(BaseModel):
    """What a backup contains, when and by which version it was made, and which keys it needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: Literal["pathways"] = PRODUCT
    format: Literal[1] = FORMAT
    version: str
    made_at: AwareDatetime
    backend: Literal["sqlite", "postgresql"]
    revision: str
    keys: KeysNeeded
    database: ManifestEntry
    documents: tuple[ManifestEntry, ...]
    missing_documents: tuple[str, ...]

    def as_bytes(self) -> bytes:
        return self.model_dump_json(indent=1).encode()

    @property
    def names(self) -> set[str]:
        """The names of all members of the archive."""
        return {DATABASE, MANIFEST, CODE, *(DOCUMENTS + entry.name for entry in self.documents)}

    @property
    def day(self) -> str:
        return f"{self.made_at:%d %B %Y, %H:%M} UTC"


def read_manifest(content: bytes) -> BackupManifest:
    """Return the manifest; raise ``ManifestInvalid`` if it is of another product, of a newer form, or malformed."""
    try:
        found = json.loads(content)
    except ValueError as malformed:
        raise ManifestInvalid("its manifest cannot be read.") from malformed
    if not isinstance(found, dict) or found.get("product") != PRODUCT:
        raise ManifestInvalid("it is not a backup of Pathways.")
    if isinstance(found.get("format"), int) and found["format"] > FORMAT:
        raise ManifestInvalid("a newer version of Pathways made it. Upgrade Pathways first.")
    try:
        manifest = BackupManifest.model_validate_json(content)
    except ValidationError as malformed:
        raise ManifestInvalid("its manifest cannot be read.") from malformed
    if len({entry.name for entry in manifest.documents}) != len(manifest.documents):
        raise ManifestInvalid("its manifest names a document twice.")
    return manifest


def stamp(at: datetime) -> str:
    """Return an instant as it is written in file names."""
    return f"{at:%Y%m%d-%H%M%S}"
