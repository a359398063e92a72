"""Evidence of work: recorded with its documents, and checked by somebody else."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from uuid_utils.compat import uuid7

from pathways import documents
from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.errors import Conflict, NotFound, NotPermitted, RuleBroken
from pathways.jobseekers import queries as jobseeker_queries
from pathways.progression import queries
from pathways.progression.actions import hold
from pathways.progression.models import (
    TIER_OF,
    Evidence,
    EvidenceCheck,
    EvidenceDocument,
    EvidenceState,
)
from pathways.progression.outcomes import withdraw_uncovered
from pathways.progression.schemas import (
    EvidenceOut,
    EvidenceVerdict,
    NewEvidence,
)


class OwnEvidence(NotPermitted):
    title = "Whoever records evidence may not check it"


def add_evidence(session: WriteSession, actor: Actor, new: NewEvidence) -> Evidence:
    spell = queries.spell(session, actor, new.spell_id)
    if new.covers_to < new.covers_from:
        raise RuleBroken("It cannot cover an end before its start.", pointer="/covers_to")
    if new.received_on > actor.today:
        raise RuleBroken("This day has not come.", pointer="/received_on")
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
    session.flush()  # its id is needed by the reply
    return item


def store_document(
    session: WriteSession, actor: Actor, item: Evidence, content: bytes, *, most_bytes: int, scan: Sequence[str]
) -> EvidenceDocument:
    """Keep the document of an item, sealed; refuse what is too large, of another kind, infected, or another document.

    It is kept before the row that names it is: where the row is not written, nobody can read it.
    """
    if len(content) > most_bytes:
        raise RuleBroken(f"A document has at most {most_bytes:,} bytes. Scan it smaller.", pointer="/file")
    kind = documents.type_of(content)
    if kind is None:
        raise RuleBroken("A document is a PDF, PNG or JPEG file.", pointer="/file")
    hashed = hashlib.sha256(content).hexdigest()
    if item.document_hash is not None and item.document_hash != hashed:
        raise RuleBroken("This is another document than the one whose hash is recorded.", pointer="/file")
    if scan and documents.is_infected(content, scan):
        raise RuleBroken("The scanner found something harmful in it. It is not kept.", pointer="/file")
    hold(session, queries.spell_of(session, item))
    if queries.check_of(session, item) is not None:
        raise Conflict("The evidence was checked already. Record another item, with its document.")
    before = queries.document_of(session, item)
    key = f"evidence/{uuid7().hex}"
    session.documents.put(key, session.vault.seal_bytes(content, place=key))
    document = EvidenceDocument.recorded(
        actor,
        partner_id=item.partner_id,
        jobseeker_id=item.jobseeker_id,
        evidence_id=item.id,
        supersedes=before.id if before is not None else None,
        key=key,
        sha256=hashed,
        content_type=kind,
        size_bytes=len(content),
    )
    session.add(document)
    session.flush()  # two who upload at once meet here
    return document


def document(session: Session, item: Evidence) -> tuple[bytes, str]:
    """Return the document of an item and what it is; what was changed where it is kept does not open."""
    found = queries.document_of(session, item)
    if found is None:
        raise NotFound("No document is kept of this evidence.")
    sealed = session.documents.get(found.key)
    try:
        return session.vault.open_bytes(sealed, place=found.key), found.content_type
    except ValueError as changed:
        raise documents.StoreAway("It was changed where it is kept, so it is not shown. Ask for it again.") from changed


def forget_documents(session: WriteSession, jobseeker_id: UUID) -> None:
    """Erase the documents themselves, once the rows that name them are gone for good."""
    session.info.setdefault("forget", []).extend(queries.document_keys(session, jobseeker_id))


def check_evidence(session: WriteSession, actor: Actor, item: Evidence, verdict: EvidenceVerdict) -> Evidence:
    """Accept or reject an item that somebody else recorded; a later verdict supersedes.

    An outcome that is not covered without a rejected item is taken back with it.
    """
    if item.by == actor.user_id:
        raise OwnEvidence("Ask a colleague to check it.")
    hold(session, queries.spell_of(session, item))
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
    session.flush()  # two who check at once meet here
    if not verdict.is_accepted:
        withdraw_uncovered(session, actor, item)
    return item


def evidence_reply(session: Session, actor: Actor, item: Evidence) -> EvidenceOut:
    return evidence_replies(session, actor, [item])[0]


def evidence_replies(session: Session, actor: Actor, items: Sequence[Evidence]) -> list[EvidenceOut]:
    """Return items of evidence as this actor may see them, with how they were checked in one look-up for all."""
    people = jobseeker_queries.cases(session, (item.jobseeker_id for item in items))
    checks, kept = queries.checks_of(session, items), queries.documents_of(session, items)
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
            "has_document": item.id in kept,
            "withheld": [],
        }
        shapes.append(
            EvidenceOut(**columns).limited_to(jobseeker_queries.visible_groups(actor, people[item.jobseeker_id]))
        )
    return shapes
