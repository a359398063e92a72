"""The steps of an import: store the rows, check them, compare them, apply them.

Each step works in blocks of rows, and each block is one transaction with the import locked. The state of the rows says
what remains to be done. So an import that is killed at any moment continues where it stopped, two processes that work
on the same import take turns, and no row is applied twice. A block takes about ``SECONDS_A_BLOCK``, so that other
writers never wait long for an import.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from uuid_utils.compat import uuid7

from pathways.base import Actor, Source, utc_now
from pathways.database import Database, Session, WriteSession
from pathways.errors import DomainError
from pathways.imports import queries
from pathways.imports.intake import WITHIN, Fault, ImportKind, Intake, Plan, ReadRow, opened, sealed, understood
from pathways.imports.models import DONE, PENDING, ImportRow, ImportRun, ImportState, RowState
from pathways.sheets.spreadsheets import Row, SpreadsheetTable

SECONDS_A_BLOCK = 0.3
FIRST_BLOCK, LARGEST_BLOCK, TAKEN_AT_ONCE = 50, 1_000, 10_000
# Another process that waits for SQLite's lock tries again after at most a tenth of a second.
PAUSE_SECONDS = 0.1
TRIES = 3
# Errors that other processes may cause by their work. A retry succeeds, unless the row itself is at fault.
MET_OTHERS = (DomainError, IntegrityError, StaleDataError, OperationalError)


# Called after every block with the name of the step, the number of rows done, and the number of rows in total.
Progress = Callable[[str, int, int], None]


class Worker:
    """Carries out one import, block by block."""

    def __init__(
        self, database: Database, kind: ImportKind, actor: Actor, run_id: UUID, tell: Progress | None = None
    ) -> None:
        self.database = database
        self.kind = kind
        self.actor = actor
        self.run_id = run_id
        self._progress = tell
        self.size = FIRST_BLOCK
        self._step = ""
        self._are_compared = False

    @contextmanager
    def _block(self) -> Iterator[tuple[WriteSession, ImportRun, Actor]]:
        """Open a block: one transaction with the import locked. Size the next block by how long this one took."""
        actor = self.actor.then(source=Source.IMPORT)
        began = time.monotonic()
        with self.database.writing(None) as session:
            run = session.scalars(select(ImportRun).where(ImportRun.id == self.run_id).with_for_update()).one()
            actor = actor.then(at=run.acts_at or utc_now())
            session.actor = actor
            yield session, run, actor
            run.touched_at = utc_now()
        took = max(time.monotonic() - began, 1e-3)
        self.size = max(1, min(LARGEST_BLOCK, round(self.size * min(2.0, max(0.5, SECONDS_A_BLOCK / took)))))
        if self.database.is_sqlite and took > SECONDS_A_BLOCK / 10:
            time.sleep(PAUSE_SECONDS)

    def _at(self, step: str) -> None:
        """Reset the block size when a new step begins, because a row takes longer in some steps than in others."""
        if self._step != step:
            self._step, self.size = step, FIRST_BLOCK

    def read(self, table: SpreadsheetTable) -> None:
        """Store the rows of a file, beginning with the first row that is not stored yet."""
        rows = table.rows()
        at = 0
        while True:
            with self._block() as (session, run, _):
                if run.state is not ImportState.READING:
                    return
                stored = queries.stored_count(session, run)
                for _ in islice(rows, stored - at):  # stored by an interrupted run or by another process
                    pass
                at = max(at, stored)
                block = list(islice(rows, self.size))
                session.add_all(self._stored_row(session, run, at + n, row) for n, row in enumerate(block))
                at += len(block)
                run.rows_read = at
                if not block:
                    run.state = ImportState.CHECKING
            if self._progress is not None:
                self._progress("Reading", at, table.count)

    @staticmethod
    def _stored_row(session: WriteSession, run: ImportRun, position: int, row: Row) -> ImportRow:
        row_id = uuid7()
        return ImportRow(
            id=row_id,
            import_id=run.id,
            partner_id=run.partner_id,
            position=position,
            number=row.number,
            sheet=row.part,
            faults=[list(fault) for fault in row.faults] or None,
            file_warnings=[list(warning) for warning in row.warnings] or None,
            cells_sealed=sealed(session, row_id, row.cells, row.others),
        )

    def go_on(self) -> None:
        """Check the stored rows, then apply them if the import is to be applied."""
        while self.check_block():
            self._report_progress("Checking")
        self._finish_checking()
        self._prepare()
        while self._apply_next_block():
            self._report_progress("Saving")

    def _report_progress(self, step: str) -> None:
        if self._progress is None:
            return
        with self.database.reading(newest=True) as session:
            run = session.get_one(ImportRun, self.run_id)
            count = queries.counts(session, run)
        left = sum(count[state] for state in PENDING)
        done = sum(count[state] for state in DONE)
        if step == "Checking":
            left, done = count[RowState.READ] + count[RowState.UNDERSTOOD], run.rows_read
            done -= left
        self._progress(step, done, done + left)

    def check_block(self) -> bool:
        """Check one block of rows. Return whether more remains to be checked."""
        with self._block() as (session, run, actor):
            if run.state is not ImportState.CHECKING:
                return False
            self._at("understand")
            rows = self.next_rows(session, run, RowState.READ)
            if not rows:
                return self._compare(session, run, actor)
            understand(session, self.kind, self.kind.open(session, actor, run), rows)
            return True

    def _finish_checking(self) -> None:
        with self.database.reading(self.actor, newest=True) as session:
            run = session.get_one(ImportRun, self.run_id)
        if run.state is not ImportState.CHECKING:
            return
        marks = [] if run.applies and run.takes_duplicates else list(self.kind.alike(self.database, self.actor, run))
        while marks:
            batch, marks = marks[: self.size], marks[self.size :]
            with self._block() as (session, run, _):
                if run.state is ImportState.CHECKING:
                    mark(session, run, dict(batch))
        with self._block() as (session, run, _):
            if run.state is ImportState.CHECKING:
                has_errors = session.scalars(queries.rows_of(run, [RowState.WITH_ERRORS]).limit(1)).first() is not None
                is_barred = run.all_or_nothing and has_errors
                run.state = ImportState.APPLYING if run.applies and not is_barred else ImportState.CHECKED

    def _compare(self, session: WriteSession, run: ImportRun, actor: Actor) -> bool:
        """Compare rows that share a key, then plan a block of rows. Return whether more remains to be done."""
        if not self._are_compared:  # all rows are read by now, so comparing them once is enough
            twice = queries.keys_met_twice(session, run)
            for key in twice:
                meet(session, self.kind, run, key)
            self._are_compared = not twice
            return True
        if run.applies and not run.all_or_nothing and run.takes_duplicates:
            # Each row is planned when it is applied. Only an import that is all or nothing, or that holds possible
            # duplicates, must plan all rows first.
            return self._take_as_they_are(session, run)
        self._at("plan")
        rows = self.next_rows(session, run, RowState.UNDERSTOOD)
        if rows:
            plan(session, self.kind, self.kind.open(session, actor, run), rows)
        return bool(rows)

    def _take_as_they_are(self, session: WriteSession, run: ImportRun) -> bool:
        batch = queries.rows_of(run, [RowState.UNDERSTOOD]).order_by(ImportRow.position).limit(TAKEN_AT_ONCE)
        ids = batch.with_only_columns(ImportRow.id).scalar_subquery()
        taken = update(ImportRow).where(ImportRow.id.in_(ids)).values(state=RowState.TO_CREATE)
        return bool(session.execute(taken.execution_options(synchronize_session=False)).rowcount)  # type: ignore[attr-defined]

    def next_rows(self, session: Session, run: ImportRun, *states: RowState) -> Sequence[ImportRow]:
        return session.scalars(queries.rows_of(run, states).order_by(ImportRow.position).limit(self.size)).all()

    def _prepare(self) -> None:
        with self.database.reading(self.actor, newest=True) as session:
            run = session.get_one(ImportRun, self.run_id)
            if run.state is ImportState.APPLYING:
                rows = queries.in_order(session, run, _pending(run))
                self.kind.prepare(session, (stored[0] for row in rows if (stored := opened(session, row)) is not None))

    def _apply_next_block(self) -> bool:
        for turn in range(TRIES):
            try:
                return self._apply_block()
            except _Barred as barred:
                self._stop(barred.wrong)
                return False
            except MET_OTHERS as refused:
                # One row of the block conflicts with another transaction. Smaller blocks find out which.
                if turn == TRIES - 1 and (self.size == 1 or self._is_all_or_nothing()):
                    self._skip_failing_row(refused)
                self.size = max(1, self.size // 8)
        return True

    def _is_all_or_nothing(self) -> bool:
        with self.database.reading(newest=True) as session:
            return session.get_one(ImportRun, self.run_id).all_or_nothing

    def _apply_block(self) -> bool:
        with self._block() as (session, run, actor):
            if run.state is not ImportState.APPLYING:
                return False
            self._at("apply")
            if run.all_or_nothing:
                self.size = max(self.size, LARGEST_BLOCK)
            rows = self.next_rows(session, run, *_pending(run))
            if not rows:
                run.state = ImportState.APPLIED
                return False
            _apply(session, self.kind, self.kind.open(session, actor, run), rows)
            if run.all_or_nothing and any(row.state is RowState.WITH_ERRORS for row in rows):
                wrong = [row for row in rows if row.state is RowState.WITH_ERRORS]
                raise _Barred([(row.id, [Fault(*error) for error in row.errors or ()]) for row in wrong])
        return True

    def _stop(self, wrong: Sequence[tuple[UUID, list[Fault]]]) -> None:
        """Stop an all-or-nothing import and record the errors of these rows."""
        with self._block() as (session, run, _):
            for row_id, errors in wrong:
                row = session.get_one(ImportRow, row_id)
                become(row, Plan(RowState.WITH_ERRORS, errors), _warnings_of(row))
            run.state = ImportState.CHECKED

    def _skip_failing_row(self, refused: Exception) -> None:
        """Record an error on the row that cannot be saved and continue; stop the import if it is all or nothing."""
        if isinstance(refused, OperationalError):
            raise refused  # the database does not answer, which is not an error of the row
        if self._is_all_or_nothing():
            self._stop(self._refused_alone())
            return
        with self._block() as (session, run, _):
            for row in self.next_rows(session, run, *_pending(run))[:1]:
                become(row, Plan(RowState.WITH_ERRORS, [_fault_of(refused)]), _warnings_of(row))

    def _refused_alone(self) -> list[tuple[UUID, list[Fault]]]:
        """Try each row separately, saving nothing. Return the first row that is refused, with its error."""
        with self.database.rehearsing(self.actor) as session:
            run = session.get_one(ImportRun, self.run_id)
            intake = self.kind.open(session, self.actor.then(source=Source.IMPORT), run)
            for row in session.scalars(queries.rows_of(run, _pending(run)).order_by(ImportRow.position)).all():
                try:
                    with session.begin_nested():
                        _apply(session, self.kind, intake, [row])
                except MET_OTHERS as refused:
                    return [(row.id, [_fault_of(refused)])]
        return []


def _fault_of(refused: Exception) -> Fault:
    rule = (
        refused.detail
        if isinstance(refused, DomainError)
        else "The same record was changed by someone else at the same time."
    )
    return Fault("row", rule, "Check this row, then apply the import again.")


class _Barred(Exception):
    """Rows of an all-or-nothing import have errors, so it must stop."""

    def __init__(self, wrong: Sequence[tuple[UUID, list[Fault]]]) -> None:
        super().__init__()
        self.wrong = wrong


def _pending(run: ImportRun) -> list[RowState]:
    """Return the states of the rows to apply. Possible duplicates are included only if the options say so."""
    return [state for state in PENDING if run.takes_duplicates or state is not RowState.POSSIBLE_DUPLICATE]


def _apply(session: WriteSession, kind: ImportKind, intake: Intake, rows: Sequence[ImportRow]) -> None:
    """Apply a block of rows. Give the repeats of a row the same jobseeker as the row."""
    readable = _readable(session, kind, rows)
    for read_row, outcome in zip(readable, intake.apply(readable), strict=True):
        become(read_row.row, outcome, read_row.warnings)
    about = {read.row.key: read.row.jobseeker_id for read in readable if read.row.jobseeker_id is not None}
    session.flush()  # the repeats are queried next
    repeats = select(ImportRow).where(
        ImportRow.import_id == rows[0].import_id, ImportRow.key.in_(about), ImportRow.state == RowState.REPEATED
    )
    for repeat in session.scalars(repeats) if about else ():
        repeat.jobseeker_id = about[repeat.key]


def _readable(session: WriteSession, kind: ImportKind, rows: Sequence[ImportRow]) -> list[ReadRow]:
    """Return the rows that can still be read. Record errors on the others."""
    readable = []
    for row in rows:
        read_row, errors = understood(session, kind, row)
        if errors:
            faults = [Fault(e.field, e.rule, e.remedy) for e in errors]
            become(row, Plan(RowState.WITH_ERRORS, faults), read_row.warnings)
        else:
            readable.append(read_row)
    return readable


def understand(session: WriteSession, kind: ImportKind, intake: Intake, rows: Sequence[ImportRow]) -> None:
    """Read the cells of some rows. Record the errors of each row, or else its key and the hash of its values."""
    for row in rows:
        read_row, errors = understood(session, kind, row)
        faults = [Fault(error.field, error.rule, error.remedy) for error in errors] or intake.wrong(read_row.values)
        if faults:
            row.key = row.said = None
            become(row, Plan(RowState.WITH_ERRORS, faults), read_row.warnings)
            continue
        row.key = session.vault.fingerprint("import", intake.key(read_row.values))[:40]
        row.said = session.vault.fingerprint("import", repr(sorted(read_row.values.items())))[:40]
        become(row, Plan(RowState.UNDERSTOOD), read_row.warnings)
    session.flush()  # rows with the same key are queried next


def meet(session: WriteSession, kind: ImportKind, run: ImportRun, key: str) -> None:
    """Resolve rows with the same key: identical rows are repeats of the first, conflicting rows all become errors.

    Uses UPDATE statements, because all rows of a file may have the same key.
    """
    first, other = queries.of_key(session, run, key)
    if first is None:
        return
    rest = update(ImportRow).where(
        ImportRow.import_id == run.id,
        ImportRow.key == key,
        ImportRow.state == RowState.UNDERSTOOD,
        ImportRow.id != first.id,
    )
    if other is None:
        session.execute(rest.values(state=RowState.REPEATED))
        return
    session.execute(rest.values(state=RowState.WITH_ERRORS, errors=[_conflict(kind, run, first)]))
    become(first, Plan(RowState.WITH_ERRORS, [_conflict(kind, run, other)]), _warnings_of(first))
    session.flush()  # the next query reads their states


def _conflict(kind: ImportKind, run: ImportRun, against: ImportRow) -> Fault:
    sheets = run.found["sheets"]
    sheet = f" of sheet {sheets[against.sheet]['name']}" if len(sheets) > 1 else ""
    rule = f"Row {against.number}{sheet} has the same reference but different details."
    return Fault(kind.key_column, rule, "Keep only the row that is right.")


def plan(session: WriteSession, kind: ImportKind, intake: Intake, rows: Sequence[ImportRow]) -> None:
    """Record the planned result of each row."""
    readable = _readable(session, kind, rows)
    for read_row, planned in zip(readable, intake.plan(readable), strict=True):
        become(read_row.row, planned, read_row.warnings)
    session.flush()  # the next step reads their states


def mark(session: WriteSession, run: ImportRun, marks: Mapping[UUID, Fault]) -> None:
    """Mark rows that may be about the same person as another row. Do not mark rows that no longer create a record."""
    rows = queries.rows_of(run, [RowState.TO_CREATE, RowState.POSSIBLE_DUPLICATE]).where(ImportRow.id.in_(marks))
    for row in session.scalars(rows):
        others = [warning for warning in row.warnings or () if tuple(warning) != marks[row.id]]
        row.warnings = [list(marks[row.id]), *others]
        row.state = RowState.POSSIBLE_DUPLICATE


def _warnings_of(row: ImportRow) -> list[Fault]:
    return [Fault(*warning) for warning in row.warnings or ()]


NO_CELLS = ("row", "listing")  # fields of warnings that are about no cell


def one_for_each_cell(warnings: Sequence[Fault]) -> list[Fault]:
    """Return the warnings, with those about one cell joined: a reader corrects a cell once."""
    joined: dict[tuple[str, ...], Fault] = {}
    for warning in dict.fromkeys(warnings):
        is_apart = warning.field in NO_CELLS or warning.rule.startswith(WITHIN)
        key = (warning.field, warning.rule, warning.remedy) if is_apart else (warning.field,)
        before = joined.get(key, Fault(warning.field, "", ""))
        rule, remedy = (_sentences(*texts) for texts in zip(before[1:], warning[1:], strict=True))
        joined[key] = Fault(warning.field, rule, remedy)
    return list(joined.values())


def _sentences(before: str, more: str) -> str:
    return before if more in before else f"{before} {more}".strip()


def become(row: ImportRow, outcome: Plan, found: Sequence[Fault] = ()) -> None:
    """Record a planned or actual result on a row, with the warnings found when the row was read."""
    row.state = outcome.state
    row.errors = [list(fault) for fault in outcome.errors] or None
    row.warnings = [list(fault) for fault in one_for_each_cell([*found, *outcome.warnings])] or None
    row.alike = [str(person) for person in outcome.alike] or None
    row.made = outcome.made
    row.jobseeker_id = outcome.jobseeker_id
