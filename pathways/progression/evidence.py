"""Evidence of work: record an item, store its document, and check the item of another member."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from pathways import documents
from pathways.base import Actor
from pathways.database import Database, Session, WriteSession
from pathways.errors import Conflict, NotFound, NotPermitted, RuleBroken
from pathways.idempotency import Once
from pathways.jobseekers import queries as jobseeker_queries
from pathways.organisations import queries as organisation_queries
from pathways.progression import queries
from pathways.progression.actions import hold
from pathways.progression.models import (
    TIER_OF,
    Evidence,
    EvidenceCheck,
    EvidenceDocument,
    EvidenceState,
    Spell,
    SpellState,
)
from pathways.progression.outcomes import withdraw_uncovered
from pathways.progression.schemas import (
    EvidenceOut,
    EvidenceVerdict,
    NewEvidence,
)
from pathways.reference import tables

LOG = structlog.get_logger()


class OwnEvidence(NotPermitted):
    """The member who recorded an item, or uploaded a document of it, tried to check it."""

    title = "You recorded this evidence or uploaded its document, so you cannot check it"


def add_evidence(session: WriteSession, actor: Actor, new: NewEvidence) -> Evidence:
    """Record an unchecked item of evidence for a spell. The kind of the item determines its tier."""
    spell = queries.spell(session, actor, new.spell_id)
    if new.covers_to < new.covers_from:
        raise RuleBroken("The last day that the evidence covers cannot be before the first.", pointer="/covers_to")
    if new.covers_to > actor.today:
        raise RuleBroken(
            "Evidence cannot cover days that have not come yet. Write the last day that the document shows, up to "
            "today.",
            pointer="/covers_to",
        )
    if new.received_on > actor.today:
        raise RuleBroken("The date received cannot be in the future.", pointer="/received_on")
    if new.received_on < new.covers_to:
        raise RuleBroken(
            f"An item received on {new.received_on.isoformat()} cannot show work after that day. Let the days"
            " that it covers end by then (covers_to), or correct the date received.",
            pointer="/received_on",
        )
    _must_show_work_of(session, spell, new)
    item = Evidence.recorded(
        actor,
        new.received_on,
        partner_id=spell.partner_id,
        jobseeker_id=spell.jobseeker_id,
        spell_id=spell.id,
        kind=new.kind,
        tier=TIER_OF.get(new.kind, "B"),
        covers_from=new.covers_from,
        covers_to=new.covers_to,
        obtained_how=new.obtained_how,
        document_hash=new.document_hash,
    )
    session.add(item)
    session.flush()  # the reply needs its id
    return item


def _must_show_work_of(session: Session, spell: Spell, new: NewEvidence) -> None:
    """Refuse evidence for a void spell, and evidence that covers no day of the spell or begins too early."""
    if spell.state is SpellState.VOIDED:
        raise RuleBroken("This spell was recorded by mistake and is void. Choose another spell.", pointer="/spell_id")
    version = queries.version(session, spell)
    if new.covers_to < version.started_on or (version.ended_on is not None and new.covers_from > version.ended_on):
        until = f" to {version.ended_on.isoformat()}" if version.ended_on else " and goes on"
        raise RuleBroken(
            f"The work began on {version.started_on.isoformat()}{until}, and this evidence covers no day of it. Correct"
            " the days, or choose the spell that it shows.",
            pointer="/covers_from",
        )
    before = timedelta(days=int(tables.limit("evidence_days_before_work", new.received_on)))
    if new.covers_from < version.started_on - before:
        raise RuleBroken(
            f"The work began on {version.started_on.isoformat()}, so this evidence cannot begin before"
            f" {(version.started_on - before).isoformat()}. Correct the year, or write the first day that the document"
            " shows of this work.",
            pointer="/covers_from",
        )


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was examined and is in the document store, encrypted, but to which no row refers yet."""

    key: str
    sha256: str
    content_type: str
    size_bytes: int


def examine(content: bytes, *, most_bytes: int, scan: Sequence[str]) -> str:
    """Return the media type of a document. Refuses a file that is too large, of the wrong type, or infected.

    A scan may take a minute, so it belongs outside every transaction.
    """
    if len(content) > most_bytes:
        raise RuleBroken(
            f"The document is larger than {most_bytes:,} bytes. Scan it at a lower resolution.", pointer="/file"
        )
    kind = documents.type_of(content)
    if kind is None:
        raise RuleBroken("The document must be a PDF, PNG or JPEG file.", pointer="/file")
    if scan and documents.is_infected(content, scan):
        raise RuleBroken(
            "The virus scanner found something harmful in this file, so it was not stored. Ask for a clean copy.",
            pointer="/file",
        )
    return kind


def must_fit(session: Session, item: Evidence, content: bytes) -> None:
    """Refuse a document of an item that was checked already, or one that differs from the recorded hash."""
    if item.document_hash is not None and item.document_hash != hashlib.sha256(content).hexdigest():
        raise RuleBroken(
            "This document does not match the hash recorded for this evidence. Upload the original document.",
            pointer="/file",
        )
    if queries.check_of(session, item) is not None:
        raise Conflict(
            "This evidence was already checked, so its document cannot change. Record new evidence with the document."
        )


def put_file(database: Database, content: bytes, content_type: str) -> StoredFile:
    """Encrypt a file and put it in the document store, outside every transaction.

    If no row is written for it, the caller deletes it with ``drop_file``. A process that is killed in between leaves an
    encrypted file to which nothing refers.
    """
    key = f"evidence/{uuid7().hex}"
    database.documents.put(key, database.vault.seal_bytes(content, place=key))
    return StoredFile(key, hashlib.sha256(content).hexdigest(), content_type, len(content))


def drop_file(database: Database, stored: StoredFile) -> None:
    """Delete a file to which no row refers. If the store does not answer, the encrypted file remains there."""
    try:
        database.documents.forget(stored.key)
    except documents.StoreAway:
        LOG.warning("document not deleted", key=stored.key)


def store_document(
    session: WriteSession, actor: Actor, item: Evidence, content: bytes, stored: StoredFile
) -> EvidenceDocument:
    """Record the document of an item, which is in the store already. Refuses what ``must_fit`` refuses."""
    hold(session, queries.spell_of(session, item))
    must_fit(session, item, content)
    before = queries.document_of(session, item)
    document = EvidenceDocument.recorded(
        actor,
        partner_id=item.partner_id,
        jobseeker_id=item.jobseeker_id,
        evidence_id=item.id,
        supersedes=before.id if before is not None else None,
        key=stored.key,
        sha256=stored.sha256,
        content_type=stored.content_type,
        size_bytes=stored.size_bytes,
    )
    session.add(document)
    session.flush()  # the second of two uploads at the same time fails here
    return document


def upload(
    database: Database,
    actor: Actor,
    evidence_id: UUID,
    content: bytes,
    *,
    most_bytes: int,
    scan: Sequence[str],
    once: Once,
) -> EvidenceOut:
    """Examine, store and record the document of an item of evidence, and return the item.

    Scanning and storing may take long, so no transaction is open meanwhile. ``once`` has the hash of the content.
    """
    with database.reading(actor, newest=True) as session:
        item = queries.evidence(session, actor, evidence_id)
        if once.earlier(database, actor) is not None:  # a repeat: the document is stored already
            return evidence_reply(session, actor, item)
        must_fit(session, item, content)
    kind = examine(content, most_bytes=most_bytes, scan=scan)
    stored = put_file(database, content, kind)
    is_needed = False
    try:
        with database.writing(actor) as session:
            item = queries.evidence(session, actor, evidence_id)
            made = once(
                session,
                actor,
                lambda: store_document(session, actor, item, content, stored),
                lambda made: session.get_one(EvidenceDocument, made),
            )
            reply = evidence_reply(session, actor, item)
            # From here on, only the commit can fail, and then it is uncertain whether the row was written.
            is_needed = made.key == stored.key
    finally:
        if not is_needed:
            drop_file(database, stored)
    return reply


def document(session: Session, item: Evidence) -> tuple[bytes, str]:
    """Return the document of an item and its content type. Refuses a stored file that was altered."""
    row = queries.document_of(session, item)
    if row is None:
        raise NotFound("No document is stored for this evidence.")
    sealed = session.documents.get(row.key)
    try:
        return session.vault.open_bytes(sealed, place=row.key), row.content_type
    except ValueError as altered:
        raise documents.StoreAway(
            "The stored document was altered, so it cannot be opened. Ask for the document again."
        ) from altered


def forget_documents(session: WriteSession, jobseeker_id: UUID) -> None:
    """Schedule the erasure of a jobseeker's stored documents, to happen once the deletion of the rows is committed."""
    session.info.setdefault("forget", []).extend(queries.document_keys(session, jobseeker_id))


def check_evidence(session: WriteSession, actor: Actor, item: Evidence, verdict: EvidenceVerdict) -> Evidence:
    """Accept or reject another member's item. Withdraw outcomes that a rejection leaves without enough evidence."""
    people = organisation_queries.same_person(session, actor.user_id)
    if item.by in people:
        raise OwnEvidence("Ask a colleague to check this evidence.")
    if not verdict.is_accepted and not verdict.reason:
        raise RuleBroken(
            "Say why the evidence is rejected, so that the colleague who recorded it knows what to ask for.",
            pointer="/reason",
        )
    hold(session, queries.spell_of(session, item))
    if people & queries.uploaders_of(session, item):
        raise OwnEvidence("You uploaded a document of this evidence. Ask another colleague to check it.")
    previous = queries.check_of(session, item)
    session.add(
        EvidenceCheck.recorded(
            actor,
            partner_id=item.partner_id,
            jobseeker_id=item.jobseeker_id,
            evidence_id=item.id,
            supersedes=previous.id if previous else None,
            is_accepted=verdict.is_accepted,
            reason=verdict.reason,
        )
    )
    session.flush()  # the second of two checks at the same time fails here
    if not verdict.is_accepted:
        withdraw_uncovered(session, actor, item)
    return item


def evidence_reply(session: Session, actor: Actor, item: Evidence) -> EvidenceOut:
    return evidence_replies(session, actor, [item])[0]


def evidence_replies(session: Session, actor: Actor, items: Sequence[Evidence]) -> list[EvidenceOut]:
    """Return items of evidence with the fields that the actor may see. Each query reads all of them at once."""
    people = jobseeker_queries.cases(session, (item.jobseeker_id for item in items))
    checks, stored = queries.checks_of(session, items), queries.documents_of(session, items)
    shapes = []
    for item in items:
        check = checks.get(item.id)
        state = EvidenceState.UNCHECKED
        if check is not None:
            state = EvidenceState.ACCEPTED if check.is_accepted else EvidenceState.REJECTED
        columns = {name: getattr(item, name, None) for name in EvidenceOut.model_fields}
        columns |= {
            "received_on": item.valid_on,
            "recorded_by": item.by,
            "state": state,
            "checked_by": check.by if check else None,
            "reason": (check.reason or None) if check else None,
            "has_document": item.id in stored,
            "withheld": [],
        }
        shapes.append(
            EvidenceOut(**columns).limited_to(jobseeker_queries.visible_groups(actor, people[item.jobseeker_id]))
        )
    return shapes
