"""Every change to imports: begin, correct a row, apply, discard, delete old cells, confirm column names."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import and_, or_, select, update

from pathways import audit
from pathways.base import Actor, Role, Source, utc_now
from pathways.database import Database, Session, WriteSession
from pathways.errors import Conflict, RuleBroken
from pathways.imports import intake, queries, staging, surroundings, template
from pathways.imports.headers import HeaderMatter, UnreadHeader, unread_header
from pathways.imports.intake import WITHIN, ImportKind, Intake
from pathways.imports.models import (
    DONE,
    PENDING,
    UNFINISHED,
    ColumnName,
    ImportRow,
    ImportRun,
    ImportState,
    RowState,
)
from pathways.imports.schemas import (
    ApplyImport,
    ImportRowRecord,
    RowChange,
)
from pathways.imports.staging import Worker
from pathways.sheets.file_kinds import FileNotUnderstood
from pathways.sheets.header_words import normal
from pathways.sheets.parts import FEWEST_KNOWN
from pathways.sheets.spreadsheets import ColumnsMissing, SpreadsheetTable, read_table

LOG = structlog.get_logger()
LONGEST_HEADER = 300
AT_ONCE = 1_000  # a file of more rows than this is checked and applied after the reply
LEFT_ALONE = timedelta(seconds=20)
UNREAD_FOR = timedelta(days=1)  # a file of which no row was read for this long is not read further
FORGOTTEN_AT_ONCE = 1_000
MayAct = Callable[[Session, Actor], bool]  # whether the member who began an import is still a member


# What the sender can do, by state, while an import can be neither applied nor changed.
_NEXT_STEP = {
    ImportState.READING: "Wait until it has been read and checked.",
    ImportState.CHECKING: "Wait until it has been checked.",
    ImportState.APPLYING: "Wait until it is finished.",
    ImportState.DISCARDED: "Send the file again.",
}


class ImportNotReady(Conflict):
    title = "This is not possible in the current state of the import"


@dataclass(frozen=True, slots=True)
class Wish:
    """The options of an import, chosen by the sender of the file."""

    partner_id: UUID | None = None
    applies: bool = True
    all_or_nothing: bool = False
    holds_duplicates: bool = False
    creates_organisations: bool = False
    acts_at: datetime | None = None


def read_file(session: Session, actor: Actor, kind: ImportKind, content: bytes, most_unpacked: int) -> SpreadsheetTable:
    """Read a file, using this organisation's own column names. Raise ``FileNotUnderstood`` if it cannot be read."""
    aliases = {**kind.aliases, **queries.own_columns(session, actor, kind.name)}
    example = template.example_row(kind)
    try:
        table = read_table(
            content,
            aliases,
            needed=kind.needed,
            most_unpacked=most_unpacked,
            example=example,
            required=kind.form.also_needed,
        )
    except ColumnsMissing as refusal:
        where = f"GET {template.path_of(kind)} or pathways import template {kind.name}"
        likest = queries.suggested(refusal.unknown, aliases, kind.form.synonyms, ())
        detail = f"{refusal.detail}{_meant(refusal, likest)} A template with the right columns: {where}."
        raise FileNotUnderstood(detail) from refusal
    unread: dict[str, UnreadHeader] = {}
    for sheet in table.sheets:
        # A column that another sheet has may be missing in this one.
        taken = {column for column in sheet.columns if column}
        unknown = [header for header in table.unknown_columns if header in sheet.header]
        for header, column in queries.suggested(unknown, aliases, kind.form.synonyms, taken).items():
            if header not in unread or not unread[header].column:
                unread[header] = unread_header(header, column, kind.readers.keys(), taken)
    table.suggested_columns = {header: about.column for header, about in unread.items()}
    table.unread_columns = {header: about.sentence for header, about in unread.items()}
    protective = [header for header, about in unread.items() if about.matter is HeaderMatter.PROTECTION]
    table.protective_headers = frozenset(protective)
    table.notes += [unread[header].sentence for header in protective]
    surroundings.protect(table, kind.readers.keys())
    if not table.count:
        table.notes.append("The file has a header but no rows below it.")
    return table


def _meant(refusal: ColumnsMissing, likest: Mapping[str, str]) -> str:
    """Return what the unknown headers of a file that is refused may mean.

    Words in the first row of a file without a header may be about a person. They are named only if most of them, and
    three at least, are like columns.
    """
    if refusal.missing:
        found = {header: column for header, column in likest.items() if column in refusal.missing}
        return "".join(f" The column {header} may be {column}: rename it." for header, column in found.items())
    known = [f"{header} may be {column}" for header, column in likest.items() if column]
    if len(known) < max(FEWEST_KNOWN, len(likest) / 2):
        return ""
    unlike = [header for header, column in likest.items() if not column]
    others = f" No column is like {', '.join(unlike)}: these will be ignored." if unlike else ""
    return f" Row {refusal.row} may be the header. Rename its columns: {'; '.join(known)}.{others}"


def begin(
    session: WriteSession, actor: Actor, kind: ImportKind, content: bytes, table: SpreadsheetTable, wish: Wish
) -> ImportRun:
    """Begin an import, or continue an unfinished import of the same file with the same options.

    A referrer cannot hold possible duplicates: which rows are held would reveal whom the partner supports.
    """
    if wish.holds_duplicates and actor.role is Role.REFERRER:
        raise RuleBroken(
            "Only the partner can hold possible duplicates. Leave that choice out (hold_possible_duplicates).",
            pointer="/hold_possible_duplicates",
        )
    file_hash = hashlib.sha256(content).hexdigest()
    layout = {
        "is_workbook": content[:4] == b"PK\x03\x04",
        "sheets": [
            {
                "name": sheet.name,
                "header_at": sheet.header_at,
                "header": [cell[:LONGEST_HEADER] for cell in sheet.header],
                "columns": list(sheet.columns),
            }
            for sheet in table.sheets
        ],
        "notes": table.notes,
        "unknown_columns": table.unknown_columns,
        "suggested_columns": table.suggested_columns,
        "unread_columns": table.unread_columns,
        "passed_over": table.passed_over,
        "added": sorted({column for cells, _ in table.protections.values() for column in cells}),
    }
    for earlier in session.scalars(queries.unfinished(actor, kind.name, wish.partner_id, file_hash)):
        if _has_same_options(earlier, wish, layout):
            return earlier
        if earlier.state is ImportState.READING:  # its options differ, so it cannot be continued from this file
            earlier.state = ImportState.DISCARDED
    run = ImportRun(
        kind=kind.name,
        organisation_id=actor.organisation_id,
        partner_id=wish.partner_id,
        by=actor.user_id,
        acting_id=actor.user_id,
        membership_id=actor.membership_id,
        role=actor.role,
        doing=actor.doing,
        made_at=utc_now(),  # not ``acts_at``: the time of receipt decides when the stored cells are deleted
        acts_at=wish.acts_at,
        touched_at=utc_now(),
        file_hash=file_hash,
        state=ImportState.READING,
        applies=wish.applies,
        all_or_nothing=wish.all_or_nothing,
        takes_duplicates=not wish.holds_duplicates,
        creates_organisations=wish.creates_organisations,
        rows=table.count,
        found=layout,
    )
    session.add(run)
    session.flush()  # the reply needs its id
    _audit(session, actor, run)
    return run


def _has_same_options(run: ImportRun, wish: Wish, layout: Mapping[str, Any]) -> bool:
    """Return whether an unfinished import has the same options and reads the columns in the same way."""
    return (
        run.applies == wish.applies
        and run.all_or_nothing == wish.all_or_nothing
        and run.takes_duplicates != wish.holds_duplicates
        and run.creates_organisations == wish.creates_organisations
        and run.acts_at == wish.acts_at
        and run.found["sheets"] == layout["sheets"]
    )


def _audit(session: WriteSession, actor: Actor, run: ImportRun) -> None:
    session.add(audit.row(actor, "imports", run.id, is_change=True))


def leave_if_large(session: WriteSession, run_id: UUID) -> bool:
    """Leave an unfinished import to the background worker if it is large. Return whether it was left.

    An import of more than ``AT_ONCE`` rows is large.
    """
    run = session.get_one(ImportRun, run_id)
    is_left = run.rows > AT_ONCE and run.state in UNFINISHED
    if is_left:
        run.touched_at = None
    return is_left


def go_on_with_what_was_left(database: Database, kinds: Collection[ImportKind], may_act: MayAct) -> int:
    """Continue unfinished imports that no process is working on. Return the number of these imports.

    If the member who began an import is no longer a member, its rows are checked but not applied.
    """
    by_name = {kind.name: kind for kind in kinds}
    left_alone = queries.left_alone(list(by_name), utc_now() - LEFT_ALONE)
    with database.reading(newest=True) as session:
        left = session.execute(select(ImportRun.id, ImportRun.kind).where(left_alone)).all()
    done = 0
    for run_id, name in left:
        claim = update(ImportRun).where(ImportRun.id == run_id, left_alone).values(touched_at=utc_now())
        with database.writing(None) as session:
            if session.execute(claim).rowcount == 0:  # type: ignore[attr-defined]  # another process claimed it
                continue
        done += 1
        try:
            _go_on(database, by_name[name], run_id, may_act)
        except Exception as wrong:  # noqa: BLE001 - a failing import must not stop the others; it is retried
            LOG.warning("import stopped", import_id=str(run_id), error=type(wrong).__name__)
    return done


def _go_on(database: Database, kind: ImportKind, run_id: UUID, may_act: MayAct) -> None:
    with database.writing(None) as session:
        run = session.scalars(select(ImportRun).where(ImportRun.id == run_id).with_for_update()).one()
        actor = acting_member(run)
        if not may_act(session, actor):
            run.applies = False  # checking the remaining rows is allowed, because it changes no record
            run.state = ImportState.CHECKED if run.state is ImportState.APPLYING else run.state
    Worker(database, kind, actor, run.id).go_on()


def acting_member(run: ImportRun) -> Actor:
    """Return the member in whose name an import continues in the background."""
    assert run.role is not None  # always set on an unfinished import
    assert run.acting_id is not None
    return Actor(run.acting_id, run.organisation_id, run.role, run.membership_id, source=Source.IMPORT, doing=run.doing)


def apply(session: WriteSession, actor: Actor, run: ImportRun, wish: ApplyImport) -> ImportRun:
    """Mark a checked import to be applied: all rows, or only those without errors. The caller then runs the worker."""
    if run.state not in {ImportState.CHECKED, ImportState.APPLIED}:
        raise ImportNotReady(f"This import is {run.state}. {_NEXT_STEP[run.state]}", possible=[])
    if run.role is None:
        raise ImportNotReady("This import is too old to be applied. Send the file again.", possible=[])
    has_errors = session.scalars(queries.rows_of(run, [RowState.WITH_ERRORS]).limit(1)).first() is not None
    if wish.all_or_nothing and has_errors:
        raise ImportNotReady(
            "Some rows have errors. Correct or skip these rows, or apply only the rows without errors.",
            possible=["PATCH"],
        )
    is_checked = session.scalars(queries.rows_of(run, [RowState.READ, RowState.UNDERSTOOD]).limit(1)).first() is None
    run.state = ImportState.APPLYING if is_checked else ImportState.CHECKING
    run.applies, run.all_or_nothing = True, wish.all_or_nothing
    run.takes_duplicates = wish.with_possible_duplicates
    # From now on it runs in the name of the member who applies it, who may not be the sender of the file.
    run.acting_id, run.role, run.membership_id, run.doing = actor.user_id, actor.role, actor.membership_id, actor.doing
    run.touched_at = utc_now()
    _audit(session, actor, run)
    session.flush()  # the reply reports its progress
    return run


def discard(session: WriteSession, actor: Actor, run: ImportRun) -> ImportRun:
    """Discard an import. Records it made remain; the stored cells of the file are deleted."""
    if run.state is ImportState.APPLYING:
        raise ImportNotReady("This import is being applied. Wait until it is finished.", possible=[])
    if run.state is not ImportState.APPLIED:
        run.state = ImportState.DISCARDED
    rows = update(ImportRow).where(ImportRow.import_id == run.id)
    session.execute(rows.values(cells_sealed=None))
    session.execute(rows.where(ImportRow.state.in_(PENDING)).values(state=RowState.SKIPPED))
    _audit(session, actor, run)
    session.flush()  # the reply includes the new state
    return run


def change_row(
    session: WriteSession, actor: Actor, kind: ImportKind, run: ImportRun, row: ImportRow, change: RowChange
) -> ImportRow:
    """Correct a row, skip it, or name its jobseeker. Then check this row and all rows with the same key again."""
    if run.state not in {ImportState.CHECKED, ImportState.APPLIED}:
        raise ImportNotReady(f"This import is {run.state}. {_NEXT_STEP[run.state]}", possible=[])
    if row.state in DONE:
        raise ImportNotReady("This row has been applied already. Change the record itself.", possible=[])
    handler = kind.open(session, actor, run)
    stored = intake.opened(session, row)
    if stored is None:
        raise ImportNotReady("The content of this row has been deleted. Send the file again.", possible=[])
    _audit(session, actor, run)
    key_before, warnings_before = row.key, row.warnings or []
    if change.cells:
        cells, others = stored
        row.cells_sealed = intake.sealed(session, row.id, cells | _own_columns(kind, change.cells), others)
        added = set(change.cells) - set(intake.sheet_of(run, row).columns)
        run.found = {**run.found, "added": sorted({*run.found.get("added", []), *added})}
        row.faults = None  # a member has reviewed the row, including any cells beyond the header
        kept = [warning for warning in row.file_warnings or () if warning[0] not in {"row", *change.cells}]
        row.file_warnings = kept or None
    if "same_as" in change.model_fields_set:
        if change.same_as is not None:
            handler.same_person(change.same_as)
        row.same_as = change.same_as
    stays_out = row.state is RowState.SKIPPED and change.is_skipped is None
    if change.is_skipped or stays_out:
        row.key = row.said = None
        staging.become(row, intake.Plan(RowState.SKIPPED))
    else:
        staging.understand(session, kind, handler, [row])
    session.flush()  # rows with the same key are read next
    marks = [intake.Fault(*warning) for warning in warnings_before if warning[1].startswith(WITHIN)]
    _compare_again(session, kind, run, handler, {key for key in (key_before, row.key) if key})
    session.refresh(row)
    if marks:  # it may still be about the same person as another row, so a member has to review it
        staging.mark(session, run, {row.id: marks[0]})
    session.flush()  # the reply carries the new version
    return row


def _own_columns(kind: ImportKind, cells: Mapping[str, str | None]) -> dict[str, str]:
    for column in cells:
        if column not in kind.readers:
            known = ", ".join(sorted(kind.readers))
            raise RuleBroken(f"There is no column {column[:60]}. Use one of: {known}.", pointer="/cells")
    return {column: (text or "").strip() for column, text in cells.items()}


def _compare_again(
    session: WriteSession, kind: ImportKind, run: ImportRun, handler: Intake, keys: Collection[str]
) -> None:
    """Compare the rows of these keys again: a correction may create or remove a conflict between rows."""
    of_keys = and_(ImportRow.import_id == run.id, ImportRow.key.in_(keys))
    reset = update(ImportRow).where(of_keys, ImportRow.state.not_in([*DONE, RowState.SKIPPED]))
    session.execute(reset.values(state=RowState.UNDERSTOOD, errors=None))
    for key in sorted(keys):
        staging.meet(session, kind, run, key)
    left = select(ImportRow).where(of_keys, ImportRow.state == RowState.UNDERSTOOD)
    staging.plan(session, kind, handler, session.scalars(left).all())


def extract_of_row(session: Session, row: ImportRow) -> ImportRowRecord:
    """Return a row for the copy of their data that the jobseeker in the row receives."""
    stored = intake.opened(session, row)
    return ImportRowRecord(id=row.id, import_id=row.import_id, state=row.state, cells=stored[0] if stored else None)


def forget_person(session: WriteSession, jobseeker_id: UUID) -> None:
    """Delete the cells of rows about an erased person.

    These are rows with the same key as a row about the person, and rows that a member marked as about the person.
    """
    about = select(ImportRow.import_id, ImportRow.key).where(
        ImportRow.jobseeker_id == jobseeker_id, ImportRow.key.is_not(None)
    )
    for import_id, key in session.execute(about).all():
        same = update(ImportRow).where(ImportRow.import_id == import_id, ImportRow.key == key)
        session.execute(same.values(cells_sealed=None, state=RowState.SKIPPED, same_as=None))
    marked = update(ImportRow).where(ImportRow.same_as == jobseeker_id)
    session.execute(marked.values(cells_sealed=None, state=RowState.SKIPPED, same_as=None))


def discard_unread(database: Database, before: datetime) -> int:
    """Discard imports of which no row was read since an instant: their process died, and only it had the whole file.

    Return the number of these imports. Sending the file again begins a new import.
    """
    unread = queries.unread(before)
    with database.writing(None) as session:
        discarded = update(ImportRun).where(unread).values(state=ImportState.DISCARDED)
        return session.execute(discarded).rowcount  # type: ignore[attr-defined,no-any-return]


def forget(database: Database, before: datetime) -> int:
    """Delete the cells of finished imports made before an instant, in small batches. Return the number of rows.

    Imports that were discarded, or of which the reading stopped a day ago, keep no cells, however new they are.
    """
    discard_unread(database, utc_now() - UNREAD_FOR)
    is_old = and_(ImportRun.made_at < before, ImportRun.state.not_in(UNFINISHED))
    old = select(ImportRun.id).where(or_(is_old, ImportRun.state == ImportState.DISCARDED))
    gone = 0
    while True:
        with database.writing(None) as session:
            ids = session.scalars(
                select(ImportRow.id)
                .where(ImportRow.import_id.in_(old), ImportRow.cells_sealed.is_not(None))
                .limit(FORGOTTEN_AT_ONCE)
            ).all()
            session.execute(update(ImportRow).where(ImportRow.id.in_(ids)).values(cells_sealed=None))
        gone += len(ids)
        if len(ids) < FORGOTTEN_AT_ONCE:
            return gone


def confirm_columns(
    session: WriteSession, actor: Actor, kind: str, columns: Mapping[str, str | None], known: Collection[str]
) -> dict[str, str]:
    """Record which column each header means for this organisation; None deletes a header. Return all headers."""
    for header, column in columns.items():
        if column is not None and column not in known:
            raise RuleBroken(
                f"There is no column {column[:60]}. Use one of: {', '.join(sorted(known))}.", pointer="/columns"
            )
        if not normal(header):
            raise RuleBroken("A header must contain a letter or a digit. Correct the header.", pointer="/columns")
        recorded = queries.column_name(session, actor, kind, header)
        if column is None:
            if recorded is not None:
                session.delete(recorded)
        elif recorded is not None:
            recorded.column, recorded.by, recorded.made_at = column, actor.user_id, actor.at
        else:
            session.add(
                ColumnName(
                    organisation_id=actor.organisation_id,
                    kind=kind,
                    header=normal(header)[:300],
                    column=column,
                    by=actor.user_id,
                    made_at=actor.at,
                )
            )
        session.flush()  # two headers that differ only in spelling fail on the unique constraint here
    return queries.own_columns(session, actor, kind)
