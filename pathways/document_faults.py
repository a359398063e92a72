"""Documents of evidence that are missing from the store, or that cannot be read as they were stored."""

import hashlib
from collections.abc import Iterator

from sqlalchemy import select

from pathways.database import Database
from pathways.progression.models import EvidenceDocument

AT_ONCE = 200
MISSING, DAMAGED = "is not in the document store", "is damaged, or was encrypted with another key"


def fault_of(database: Database, key: str, content: bytes | None, sha256: str | None = None) -> str | None:
    """Return what is wrong with the stored content of a document, or None. Without ``sha256``, only its encryption."""
    if content is None:
        return MISSING
    try:
        plain = database.vault.open_bytes(content, place=key)
    except (ValueError, IndexError):
        return DAMAGED
    return DAMAGED if sha256 is not None and hashlib.sha256(plain).hexdigest() != sha256 else None


def faults(database: Database) -> Iterator[str]:
    """Yield one sentence for each document that is missing or damaged, with the id of its item of evidence."""
    columns = EvidenceDocument.id, EvidenceDocument.evidence_id, EvidenceDocument.key, EvidenceDocument.sha256
    last = None
    while True:
        rows = select(*columns).order_by(EvidenceDocument.id).limit(AT_ONCE)
        with database.reading(newest=True) as session:
            found = session.execute(rows if last is None else rows.where(EvidenceDocument.id > last)).all()
        for _, evidence_id, key, sha256 in found:
            fault = fault_of(database, key, database.documents.find(key), sha256)
            if fault is not None:
                yield f"evidence {evidence_id}: its document {fault}. Restore it from a backup, or ask for it again."
        if len(found) < AT_ONCE:
            return
        last = found[-1][0]
