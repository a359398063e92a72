"""The audit trail: append-only rows of who opened or changed which record.

A session writes a row for every change automatically, so that no change can be left out.
"""

from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ForeignKey, Table, event, insert, inspect
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import SHORT, Actor, Base
from pathways.database import Database, WriteSession
from pathways.facts import Fact


class AuditRow(Fact, Base):
    """One act of an actor on one record."""

    __tablename__ = "audit"

    doing: Mapped[str] = mapped_column(SHORT)
    role: Mapped[str] = mapped_column(SHORT)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    subject: Mapped[str] = mapped_column(SHORT)
    subject_id: Mapped[UUID]
    # No foreign key, because the audit trail must remain when the record is erased.
    jobseeker_id: Mapped[UUID | None] = mapped_column(index=True)
    is_change: Mapped[bool]
    request_id: Mapped[str] = mapped_column(SHORT, default="")
    # The user who issued the key that was used. None for a command, and for keys issued before this was recorded.
    issued_by: Mapped[UUID | None]


def row(actor: Actor, subject: str, subject_id: UUID, jobseeker_id: UUID | None = None, *, is_change: bool) -> AuditRow:
    """Return the audit row of one act; ``subject`` is a table name."""
    return AuditRow.recorded(actor, **_columns(actor, subject, subject_id, jobseeker_id, is_change=is_change))


def _columns(
    actor: Actor, subject: str, subject_id: UUID, jobseeker_id: UUID | None, *, is_change: bool
) -> dict[str, Any]:
    return {
        "doing": actor.doing,
        "role": actor.role.value,
        "organisation_id": actor.organisation_id,
        "subject": subject,
        "subject_id": subject_id,
        "jobseeker_id": jobseeker_id,
        "is_change": is_change,
        "request_id": actor.request_id,
        "issued_by": actor.issued_by,
    }


def opened(database: Database, actor: Actor, subject: str, subjects: Iterable[tuple[UUID, UUID | None]]) -> None:
    """Write an audit row for each opened record. Commit before the reply, so that a failure prevents the reply."""
    with database.writing(actor) as session:
        session.add_all(
            row(actor, subject, subject_id, jobseeker_id, is_change=False) for subject_id, jobseeker_id in subjects
        )


def people_changed(session: WriteSession, actor: Actor, jobseeker_ids: Iterable[UUID]) -> None:
    """Record changes to jobseekers that were made by bulk statements, which the session does not see row by row."""
    rows = [
        AuditRow.row(actor, **_columns(actor, "jobseekers", jobseeker_id, jobseeker_id, is_change=True))
        for jobseeker_id in jobseeker_ids
    ]
    if rows:
        session.execute(insert(cast("Table", AuditRow.__table__)), rows)


def _record_changes(session: WriteSession, *_: object) -> None:
    actor = session.actor
    if actor is None:
        return
    recorded: set[tuple[str, UUID, UUID | None]] = session.info.setdefault("audited", set())
    for changed in [*session.new, *session.dirty]:
        if isinstance(changed, AuditRow) or getattr(changed, "__unaudited__", False):
            continue
        if changed in session.dirty and not session.is_modified(changed):
            continue
        jobseeker_id = getattr(changed, "jobseeker_id", None)
        subject = changed.__tablename__
        if subject == "jobseekers":
            jobseeker_id = changed.id
        # One row for each record in a transaction, even if several facts about a jobseeker are written.
        subject_id = jobseeker_id or (changed.id if isinstance(changed.id, UUID) else inspect(changed).identity)
        key = ("jobseekers" if jobseeker_id else subject, subject_id, jobseeker_id)
        if subject_id is not None and key not in recorded:
            recorded.add(key)
            session.add(row(actor, *key, is_change=True))


event.listen(WriteSession, "before_flush", _record_changes)
