"""Every change to imports: begun, put right row by row, applied, given up, forgotten; and what headers mean."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import and_, select, update

from pathways import audit
from pathways.base import Actor, Source, utc_now
from pathways.database import Database, Session, WriteSession
from pathways.errors import Conflict, RuleBroken
from pathways.imports import intake, queries, reports, staging
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
from pathways.spreadsheets import SpreadsheetTable, normal, read_table

LOG = structlog.get_logger()
LONGEST_HEADER = 300
KEPT_DAYS = 30  # cells of an import, for its rows to be put right and its result to be fetched
AT_ONCE = 1_000  # rows of a file that are checked and applied before the answer; more go on after it
LEFT_ALONE = timedelta(seconds=20)
FORGOTTEN_AT_ONCE = 1_000
MayAct = Callable[[Session, Actor], bool]  # whether somebody is still what they were when they began an import


class ImportNotReady(Conflict):
    title = "The import cannot do that now"


@dataclass(frozen=True, slots=True)
class Wish:
    """What whoever sends a file wants of it."""

    partner_id: UUID | None = None
    applies: bool = True
    all_or_nothing: bool = False
    creates_organisations: bool = False
    acts_at: datetime | None = None


def read_file(session: Session, actor: Actor, kind: ImportKind, content: bytes, most_unpacked: int) -> SpreadsheetTable:
    """Return what is in a file, with this organisation's own names of columns; whatever cannot be read is refused."""
    aliases = {**kind.aliases, **queries.own_columns(session, actor, kind.name)}
    table = read_table(content, aliases, needed=kind.needed, most_unpacked=most_unpacked)
    table.suggested_columns = queries.suggested(table.unknown_columns, aliases, table.columns)
    if not table.count:
        table.notes.append("There are no rows under the header.")
    return table


def begin(
    session: WriteSession, actor: Actor, kind: ImportKind, content: bytes, table: SpreadsheetTable, wish: Wish
) -> ImportRun:
    """Begin an import, or take up the one of the same file that was stopped half-way."""
    file_hash = hashlib.sha256(content).hexdigest()
    found = {
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
        "passed_over": table.passed_over,
    }
    for there in session.scalars(queries.unfinished(actor, kind.name, wish.partner_id, file_hash)):
        if _wants_the_same(there, wish, found):
            return there
        if there.state is ImportState.READING:  # nobody can read on what is wanted otherwise now
            there.state = ImportState.DISCARDED
    run = ImportRun(
        kind=kind.name,
        organisation_id=actor.organisation_id,
        partner_id=wish.partner_id,
        by=actor.user_id,
        acting_id=actor.user_id,
        membership_id=actor.membership_id,
        role=actor.role,
        doing=actor.doing,
        made_at=utc_now(),  # when it came, whatever day it acts on: what it keeps is forgotten by this
        acts_at=wish.acts_at,
        touched_at=utc_now(),
        file_hash=file_hash,
        state=ImportState.READING,
        applies=wish.applies,
        all_or_nothing=wish.all_or_nothing,
        creates_organisations=wish.creates_organisations,
        rows=table.count,
        found=found,
    )
    session.add(run)
    session.flush()  # its id is needed by the reply
    _note(session, actor, run)
    return run


def _wants_the_same(run: ImportRun, wish: Wish, found: Mapping[str, Any]) -> bool:
    """Whether an import that was stopped wants what is wanted now, of columns that mean the same."""
    return (
        run.applies == wish.applies
        and run.all_or_nothing == wish.all_or_nothing
        and run.creates_organisations == wish.creates_organisations
        and run.acts_at == wish.acts_at
        and run.found["sheets"] == found["sheets"]
    )


def _note(session: WriteSession, actor: Actor, run: ImportRun) -> None:
    session.add(audit.row(actor, "imports", run.id, is_change=True))


def leave_if_large(session: WriteSession, run_id: UUID) -> bool:
    """Leave an import of very many rows, if there is more of it to do, to whoever carries on what was left."""
    run = session.get_one(ImportRun, run_id)
    is_left = run.rows > AT_ONCE and run.state in UNFINISHED
    if is_left:
        run.touched_at = None
    return is_left


def go_on_with_what_was_left(database: Database, kinds: Collection[ImportKind], may_act: MayAct) -> int:
    """Carry on imports that nobody works on any more; return how many.

    Of somebody who may not act any more nothing more is applied.
    """
    by_name = {kind.name: kind for kind in kinds}
    left_alone = queries.left_alone(list(by_name), utc_now() - LEFT_ALONE)
    with database.reading(newest=True) as session:
        left = session.execute(select(ImportRun.id, ImportRun.kind).where(left_alone)).all()
    done = 0
    for run_id, name in left:
        claim = update(ImportRun).where(ImportRun.id == run_id, left_alone).values(touched_at=utc_now())
        with database.writing(None) as session:
            if session.execute(claim).rowcount == 0:  # type: ignore[attr-defined]  # another process was quicker
                continue
        done += 1
        try:
            _go_on(database, by_name[name], run_id, may_act)
        except Exception as wrong:  # noqa: BLE001 - one import that breaks stops no other, and is tried again
            LOG.warning("import stopped", import_id=str(run_id), error=type(wrong).__name__)
    return done


def _go_on(database: Database, kind: ImportKind, run_id: UUID, may_act: MayAct) -> None:
    with database.writing(None) as session:
        run = session.scalars(select(ImportRun).where(ImportRun.id == run_id).with_for_update()).one()
        actor = acting_member(run)
        if not may_act(session, actor):
            run.applies = False  # what is not checked yet is checked: that changes nobody's record
            run.state = ImportState.CHECKED if run.state is ImportState.APPLYING else run.state
    Worker(database, kind, actor, run.id).go_on()


def acting_member(run: ImportRun) -> Actor:
    """Return the member who began an import, as it goes on without them."""
    assert run.role is not None  # of what is not finished
    assert run.acting_id is not None  # both are kept
    return Actor(run.acting_id, run.organisation_id, run.role, run.membership_id, source=Source.IMPORT, doing=run.doing)


def apply(session: WriteSession, actor: Actor, run: ImportRun, wish: ApplyImport) -> ImportRun:
    """Let a checked import be applied: all of it, or its good rows; who calls carries it on after this."""
    if run.state not in {ImportState.CHECKED, ImportState.APPLIED}:
        raise ImportNotReady(f"An import that is {run.state} cannot be applied now.", possible=[])
    if run.role is None:
        raise ImportNotReady("This import was made before rows were kept. Send the file again.", possible=[])
    has_errors = session.scalars(queries.rows_of(run, [RowState.WITH_ERRORS]).limit(1)).first() is not None
    if wish.all_or_nothing and has_errors:
        raise ImportNotReady("Rows are wrong. Correct or skip them, or apply the good ones only.", possible=["PATCH"])
    is_checked = session.scalars(queries.rows_of(run, [RowState.READ, RowState.UNDERSTOOD]).limit(1)).first() is None
    run.state = ImportState.APPLYING if is_checked else ImportState.CHECKING
    run.applies, run.all_or_nothing = True, wish.all_or_nothing
    run.takes_duplicates = wish.with_possible_duplicates
    # It goes on as whoever applies it, who may be another than who sent the file.
    run.acting_id, run.role, run.membership_id, run.doing = actor.user_id, actor.role, actor.membership_id, actor.doing
    run.touched_at = utc_now()
    _note(session, actor, run)
    session.flush()  # the reply says how far it is
    return run


def discard(session: WriteSession, actor: Actor, run: ImportRun) -> ImportRun:
    """Give an import up: what it made stays, what it kept of the file goes."""
    if run.state is ImportState.APPLYING:
        raise ImportNotReady("It is being applied. Wait until it is done.", possible=[])
    if run.state is not ImportState.APPLIED:
        run.state = ImportState.DISCARDED
    rows = update(ImportRow).where(ImportRow.import_id == run.id)
    session.execute(rows.values(cells_sealed=None))
    session.execute(rows.where(ImportRow.state.in_(PENDING)).values(state=RowState.SKIPPED))
    _note(session, actor, run)
    session.flush()  # the reply says so
    return run


def change_row(
    session: WriteSession, actor: Actor, kind: ImportKind, run: ImportRun, row: ImportRow, change: RowChange
) -> ImportRow:
    """Put one row right, leave it out, or say whom it is about; it is checked anew at once, and so is what it meets."""
    if run.state not in {ImportState.CHECKED, ImportState.APPLIED}:
        raise ImportNotReady(f"An import that is {run.state} cannot be changed now.", possible=[])
    if row.state in DONE:
        raise ImportNotReady("This row is applied. Change the record itself.", possible=[])
    taking = kind.open(session, actor, run)
    kept = intake.opened(session, row)
    if kept is None:
        raise ImportNotReady("What this row said is not kept any more. Send the file again.", possible=[])
    _note(session, actor, run)
    before, told_before = row.key, row.warnings or []
    if change.cells:
        cells, others = kept
        row.cells_sealed = intake.sealed(session, row.id, cells | _own_columns(kind, change.cells), others)
        added = set(change.cells) - set(intake.sheet_of(run, row).columns)
        run.found = {**run.found, "added": sorted({*run.found.get("added", []), *added})}
        row.faults = None  # a person has looked at the row, and has seen the cells beyond the header
    if "same_as" in change.model_fields_set:
        if change.same_as is not None:
            taking.same_person(change.same_as)
        row.same_as = change.same_as
    stays_out = row.state is RowState.SKIPPED and change.is_skipped is None
    if change.is_skipped or stays_out:
        row.key = row.said = None
        staging.become(row, intake.Plan(RowState.SKIPPED))
    else:
        staging.understand(session, kind, taking, [row])
    session.flush()  # what it meets is read next
    marks = [intake.Fault(*told) for told in told_before if told[1].startswith(WITHIN)]
    _compare_again(session, kind, run, taking, {key for key in (before, row.key) if key})
    session.refresh(row)
    if marks:  # like another row of the file it may be still: a person looks
        staging.mark(session, run, {row.id: marks[0]})
    about = reports.shows_of(row)
    if about is not None:
        session.add(audit.row(actor, "jobseekers", about, about, is_change=False))
    session.flush()  # the reply carries the new version
    return row


def _own_columns(kind: ImportKind, cells: Mapping[str, str | None]) -> dict[str, str]:
    for column in cells:
        if column not in kind.readers:
            known = ", ".join(sorted(kind.readers))
            raise RuleBroken(f"There is no column {column[:60]}. Columns: {known}.", pointer="/cells")
    return {column: (text or "").strip() for column, text in cells.items()}


def _compare_again(
    session: WriteSession, kind: ImportKind, run: ImportRun, taking: Intake, keys: Collection[str]
) -> None:
    """Compare rows of some keys anew: one that met another may be the only one now, or the other way round."""
    of_keys = and_(ImportRow.import_id == run.id, ImportRow.key.in_(keys))
    anew = update(ImportRow).where(of_keys, ImportRow.state.not_in([*DONE, RowState.SKIPPED]))
    session.execute(anew.values(state=RowState.UNDERSTOOD, errors=None))
    for key in sorted(keys):
        staging.meet(session, kind, run, key)
    left = select(ImportRow).where(of_keys, ImportRow.state == RowState.UNDERSTOOD)
    staging.plan(session, kind, taking, session.scalars(left).all())


def extract_of_row(session: Session, row: ImportRow) -> ImportRowRecord:
    """Return a row as the person it is about may read it."""
    kept = intake.opened(session, row)
    return ImportRowRecord(id=row.id, import_id=row.import_id, state=row.state, cells=kept[0] if kept else None)


def forget_person(session: WriteSession, jobseeker_id: UUID) -> None:
    """Take out what other rows say of a person who is erased: those that said the same, or are said to be of them."""
    theirs = select(ImportRow.import_id, ImportRow.key).where(
        ImportRow.jobseeker_id == jobseeker_id, ImportRow.key.is_not(None)
    )
    for import_id, key in session.execute(theirs).all():
        same = update(ImportRow).where(ImportRow.import_id == import_id, ImportRow.key == key)
        session.execute(same.values(cells_sealed=None, state=RowState.SKIPPED, same_as=None))
    said = update(ImportRow).where(ImportRow.same_as == jobseeker_id)
    session.execute(said.values(cells_sealed=None, state=RowState.SKIPPED, same_as=None))


def forget(database: Database, before: datetime | None = None) -> int:
    """Take away the cells of imports that are old enough, in small pieces; return of how many rows."""
    limit = before or utc_now() - timedelta(days=KEPT_DAYS)
    old = select(ImportRun.id).where(ImportRun.made_at < limit, ImportRun.state.not_in(UNFINISHED))
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
    """Keep what headers mean for this organisation from now on; return all of them."""
    for header, column in columns.items():
        if column is not None and column not in known:
            raise RuleBroken(
                f"There is no column {column[:60]}. Columns: {', '.join(sorted(known))}.", pointer="/columns"
            )
        if not normal(header):
            raise RuleBroken("A header has a letter or a digit.", pointer="/columns")
        there = queries.column_name(session, actor, kind, header)
        if column is None:
            if there is not None:
                session.delete(there)
        elif there is not None:
            there.column, there.by, there.made_at = column, actor.user_id, actor.at
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
        session.flush()  # two headers that are the same to us meet here
    return queries.own_columns(session, actor, kind)
