"""The audit trail: append-only rows of who read or changed which record, and who tried to and was refused.

A session writes a row for every change automatically, and every request writes one row for all jobseekers in its reply,
so that nothing can be left out.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import JSON, Column, ColumnElement, ForeignKey, Index, Table, event, insert, inspect, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from pathways.base import SHORT, Actor, Base
from pathways.database import Database, WriteSession, insert_many
from pathways.facts import Fact

# Tables of ids in requests whose name is not that of their table: ``spell_id`` and ``spell`` name a row of ``spells``.
TABLE_OF = {
    "evidence": "evidence",
    "exclusion": "safety_exclusions",
    "invitation": "sign_in_links",
    "line": "allocation_lines",
    "move": "claim_moves",
    "pair": "duplicate_pairs",
    "permission": "sharing_permissions",
    "request": "contact_requests",
    "word": "confirmed_words",
    "row": "import_rows",
}
NO_RECORD = UUID(int=0)  # the subject of a row about a list, or about no record


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
    is_refused: Mapped[bool] = mapped_column(default=False)
    request_id: Mapped[str] = mapped_column(SHORT, default="")
    # The API key and the network address of the request, if it came over the network.
    key_id: Mapped[UUID | None]
    address: Mapped[str] = mapped_column(SHORT, default="")
    # The user who issued the key that was used. None for a command, and for keys issued before this was recorded.
    issued_by: Mapped[UUID | None]
    # The ids of the records in a list; None for a single record.
    listed: Mapped[list[str] | None] = mapped_column(JSON)


class AuditedPerson(Base):
    """One jobseeker in an audit row about a list. Without a foreign key: it remains when the record is erased."""

    __tablename__ = "audit_people"
    __unaudited__ = True
    __table_args__ = (Index("ix_audit_people_jobseeker_id", "jobseeker_id", "audit_id"),)

    audit_id: Mapped[UUID] = mapped_column(ForeignKey("audit.id"), primary_key=True)
    jobseeker_id: Mapped[UUID] = mapped_column(primary_key=True)


def is_about(jobseeker_ids: Collection[UUID]) -> ColumnElement[bool]:
    """Return the condition that an audit row is about one of these jobseeker records, alone or in a list."""
    alone = aliased(AuditRow)
    in_a_list = select(AuditedPerson.audit_id).where(AuditedPerson.jobseeker_id.in_(jobseeker_ids))
    # Not an OR of two conditions, for which both databases would read the whole table.
    return AuditRow.id.in_(select(alone.id).where(alone.jobseeker_id.in_(jobseeker_ids)).union_all(in_a_list))


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
        "is_refused": False,
        "request_id": actor.request_id,
        "key_id": actor.key_id,
        "address": actor.address,
        "listed": None,
        "issued_by": actor.issued_by,
    }


def opened(database: Database, actor: Actor, subject: str, subjects: Iterable[tuple[UUID, UUID | None]]) -> None:
    """Write one audit row for the opened records. Commit before the reply, so that a failure prevents the reply.

    ``subjects`` has the id of each record and of its jobseeker, if it is about one. The row of a list holds all ids.
    """
    all_subjects = list(subjects)
    if all_subjects:
        with database.writing(actor) as session:
            _add(session, actor, subject, all_subjects)


def _add(session: WriteSession, actor: Actor, subject: str, subjects: Sequence[tuple[UUID, UUID | None]]) -> None:
    people = {jobseeker_id for _, jobseeker_id in subjects if jobseeker_id is not None}
    actor.reading.audited |= people
    actor.reading.outside -= people
    if len(subjects) == 1:
        session.add(row(actor, subject, *subjects[0], is_change=False))
        return
    one = row(actor, subject, NO_RECORD, None, is_change=False)
    one.listed = [str(subject_id) for subject_id, _ in subjects]
    session.add(one)
    session.flush()  # the people have a foreign key to the row
    insert_many(session, AuditedPerson, [{"audit_id": one.id, "jobseeker_id": person} for person in sorted(people)])


def opened_with_people(database: Database, actor: Actor, subject: str, subject_id: UUID) -> None:
    """Write one audit row for an opened record and the jobseekers whom the reply about it shows or names.

    Call it after the reply is shaped, before it is sent.
    """
    people = sorted(actor.reading.unaudited)
    opened(database, actor, subject, [(subject_id, None), *((person, person) for person in people)])


def read(database: Database, actor: Actor) -> None:
    """Write one audit row for the jobseekers in a reply that no other row of the request is about.

    Commit before the reply is sent, so that a failure prevents the reply.
    """
    people = sorted(actor.reading.unaudited)
    opened(database, actor, "jobseekers", [(person, person) for person in people])


def refused(database: Database, actor: Actor, named: Iterable[tuple[str, UUID]]) -> None:
    """Write one audit row for an attempt that was refused, because the role or the record is not the actor's.

    ``named`` are the ids in the request with their names, for instance ``introduction_id``. The row is about every
    jobseeker whom one of them names, directly or as the record that is about the jobseeker.
    """
    ids = list(named)
    with database.writing(actor) as session:
        subject_id = ids[-1][1] if ids else NO_RECORD
        people = _jobseekers_of(session, ids)
        one = row(actor, "refused", subject_id, people[0] if len(people) == 1 else None, is_change=False)
        one.is_refused = True
        session.add(one)
        if len(people) > 1:
            one.listed = list(map(str, people))
            session.flush()  # the people have a foreign key to the row
            insert_many(session, AuditedPerson, [{"audit_id": one.id, "jobseeker_id": person} for person in people])


def _jobseekers_of(session: WriteSession, ids: Sequence[tuple[str, UUID]]) -> list[UUID]:
    """Return the jobseekers whom the ids of a request name, in the order of their ids."""
    by_table: dict[str, set[UUID]] = {"jobseekers": {value for _, value in ids}}
    for name, value in ids:
        by_table.setdefault(table_of(name), set()).add(value)
    found: set[UUID] = set()
    for name, values in by_table.items():
        for column in jobseeker_columns(name):
            rows = select(column).where(column.table.c.id.in_(values), column.is_not(None))
            found.update(session.scalars(rows))
    return sorted(found)


def table_of(name: str) -> str:
    """Return the table that the name of an id in a request means; the table need not exist."""
    noun = name.removesuffix("_ids").removesuffix("_id")
    return TABLE_OF.get(noun, noun if noun.endswith("s") else f"{noun}s")


def jobseeker_columns(table_name: str) -> list[Column[Any]]:
    """Return the columns of a table that name the jobseekers a row is about; none if there is no such table."""
    table = Base.metadata.tables.get(table_name)
    if table is None or "id" not in table.c:
        return []
    if table_name == "jobseekers":
        return [table.c.id]
    return [one for one in table.c if any(key.target_fullname == "jobseekers.id" for key in one.foreign_keys)]


def people_changed(session: WriteSession, actor: Actor, jobseeker_ids: Iterable[UUID]) -> None:
    """Record changes to jobseekers that were made by bulk statements, which the session does not see row by row."""
    changed = set(jobseeker_ids)
    actor.reading.audited |= changed
    rows = [
        AuditRow.row(actor, **_columns(actor, "jobseekers", jobseeker_id, jobseeker_id, is_change=True))
        for jobseeker_id in sorted(changed)
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
            if jobseeker_id is not None:
                actor.reading.audited.add(jobseeker_id)
            session.add(row(actor, *key, is_change=True))


event.listen(WriteSession, "before_flush", _record_changes)
