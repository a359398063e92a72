"""An import step by step: rows kept, checked, compared, applied; each step a block in a transaction of its own.

A step takes up what the rows themselves say is not done yet, with the run locked. So an import that is killed at any
moment goes on where it stopped, two processes that work on one run take turns, and what is done is never done twice.
Blocks are as large as some tenths of a second allow, so that nobody who writes beside an import waits long.
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
from pathways.imports.intake import Fault, ImportKind, Intake, Plan, ReadRow, opened, sealed, understood
from pathways.imports.models import DONE, PENDING, ImportRow, ImportRun, ImportState, RowState
from pathways.spreadsheets import Row, SpreadsheetTable

SECONDS_A_BLOCK = 0.3
FIRST_BLOCK, LARGEST_BLOCK, TAKEN_AT_ONCE = 50, 1_000, 10_000
# Who waits for SQLite's lock in another process looks again after at most a tenth of a second.
PAUSE_SECONDS = 0.1
TRIES = 3
# What somebody else's work beside an import may cause: once more it goes well, or it is the row's own fault.
MET_OTHERS = (DomainError, IntegrityError, StaleDataError, OperationalError)


# Told after every block: which step, how many rows of it are done, of how many.
Progress = Callable[[str, int, int], None]


class Worker:
    """Whoever carries imports of one kind on, block by block."""

    def __init__(
        self, database: Database, kind: ImportKind, actor: Actor, run_id: UUID, tell: Progress | None = None
    ) -> None:
        self.database = database
        self.kind = kind
        self.actor = actor
        self.run_id = run_id
        self._told = tell
        self.size = FIRST_BLOCK
        self._step = ""
        self._are_met = False

    @contextmanager
    def _block(self) -> Iterator[tuple[WriteSession, ImportRun, Actor]]:
        """Open one block: the run locked, the present instant, and the next block sized by how long this one took."""
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
        """Begin small where another step begins: a row costs more in one than in another."""
        if self._step != step:
            self._step, self.size = step, FIRST_BLOCK

    def read(self, table: SpreadsheetTable) -> None:
        """Keep the rows of a file, from the first that is not kept yet."""
        numbers = {sheet.name: place for place, sheet in enumerate(table.sheets)}
        rows = table.rows()
        at = 0
        while True:
            with self._block() as (session, run, _):
                if run.state is not ImportState.READING:
                    return
                there = queries.stored_count(session, run)
                for _ in islice(rows, there - at):  # kept already, by the one that was stopped or by one beside us
                    pass
                at = max(at, there)
                block = list(islice(rows, self.size))
                session.add_all(self._stored_row(session, run, at + n, row, numbers) for n, row in enumerate(block))
                at += len(block)
                run.rows_read = at
                if not block:
                    run.state = ImportState.CHECKING
            if self._told is not None:
                self._told("Reading", at, table.count)

    @staticmethod
    def _stored_row(
        session: WriteSession, run: ImportRun, position: int, row: Row, numbers: Mapping[str, int]
    ) -> ImportRow:
        row_id = uuid7()
        return ImportRow(
            id=row_id,
            import_id=run.id,
            partner_id=run.partner_id,
            position=position,
            number=row.number,
            sheet=numbers[row.sheet],
            faults=[list(fault) for fault in row.faults] or None,
            cells_sealed=sealed(session, row_id, row.cells, row.others),
        )

    def go_on(self) -> None:
        """Check what is read, and apply it where that was asked for."""
        while self.check_block():
            self._report_progress("Checking")
        self._finish_checking()
        self._prepare()
        while self._apply_next_block():
            self._report_progress("Saving")

    def _report_progress(self, step: str) -> None:
        if self._told is None:
            return
        with self.database.reading(newest=True) as session:
            run = session.get_one(ImportRun, self.run_id)
            count = queries.counts(session, run)
        left = sum(count[state] for state in PENDING)
        done = sum(count[state] for state in DONE)
        if step == "Checking":
            left, done = count[RowState.READ] + count[RowState.UNDERSTOOD], run.rows_read
            done -= left
        self._told(step, done, done + left)

    def check_block(self) -> bool:
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
        marks = [] if run.applies else list(self.kind.alike(self.database, self.actor, run))
        while marks:
            some, marks = marks[: self.size], marks[self.size :]
            with self._block() as (session, run, _):
                if run.state is ImportState.CHECKING:
                    mark(session, run, dict(some))
        with self._block() as (session, run, _):
            if run.state is ImportState.CHECKING:
                has_errors = session.scalars(queries.rows_of(run, [RowState.WITH_ERRORS]).limit(1)).first() is not None
                is_barred = run.all_or_nothing and has_errors
                run.state = ImportState.APPLYING if run.applies and not is_barred else ImportState.CHECKED

    def _compare(self, session: WriteSession, run: ImportRun, actor: Actor) -> bool:
        """Compare rows that say something about the same with each other, then some with what is there."""
        if not self._are_met:  # rows that are understood by now are all there are: once they have met, they have
            twice = queries.keys_met_twice(session, run)
            for key in twice:
                meet(session, self.kind, run, key)
            self._are_met = not twice
            return True
        if run.applies and not run.all_or_nothing:
            # What each becomes is found out as it is applied; only who wants all or nothing must know before.
            return self._take_as_they_are(session, run)
        self._at("plan")
        rows = self.next_rows(session, run, RowState.UNDERSTOOD)
        if rows:
            plan(session, self.kind, self.kind.open(session, actor, run), rows)
        return bool(rows)

    def _take_as_they_are(self, session: WriteSession, run: ImportRun) -> bool:
        some = queries.rows_of(run, [RowState.UNDERSTOOD]).order_by(ImportRow.position).limit(TAKEN_AT_ONCE)
        ids = some.with_only_columns(ImportRow.id).scalar_subquery()
        taken = update(ImportRow).where(ImportRow.id.in_(ids)).values(state=RowState.TO_CREATE)
        return bool(session.execute(taken.execution_options(synchronize_session=False)).rowcount)  # type: ignore[attr-defined]

    def next_rows(self, session: Session, run: ImportRun, *states: RowState) -> Sequence[ImportRow]:
        return session.scalars(queries.rows_of(run, states).order_by(ImportRow.position).limit(self.size)).all()

    def _prepare(self) -> None:
        with self.database.reading(self.actor, newest=True) as session:
            run = session.get_one(ImportRun, self.run_id)
            if run.state is ImportState.APPLYING:
                rows = queries.in_order(session, run, _pending(run))
                self.kind.prepare(session, (kept[0] for row in rows if (kept := opened(session, row)) is not None))

    def _apply_next_block(self) -> bool:
        for turn in range(TRIES):
            try:
                return self._apply_block()
            except _Barred as barred:
                self._stop(barred.wrong)
                return False
            except MET_OTHERS as refused:
                # One row of the block met what somebody else did meanwhile: smaller blocks find which.
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
                raise _Barred([(row.id, [Fault(*told) for told in row.errors or ()]) for row in wrong])
        self.kind.after(self.database, actor, [row.jobseeker_id for row in rows if row.jobseeker_id is not None])
        return True

    def _stop(self, wrong: Sequence[tuple[UUID, list[Fault]]]) -> None:
        """Apply nothing more of an import that is all or nothing: say which rows are wrong by now."""
        with self._block() as (session, run, _):
            for row_id, errors in wrong:
                become(session.get_one(ImportRow, row_id), Plan(RowState.WITH_ERRORS, errors))
            run.state = ImportState.CHECKED

    def _skip_failing_row(self, refused: Exception) -> None:
        """Give up the one row that cannot be saved, saying so; the others go on, unless it is all or nothing."""
        if isinstance(refused, OperationalError):
            raise refused  # the database does not answer: that is no fault of a row
        if self._is_all_or_nothing():
            self._stop(self._refused_alone())
            return
        with self._block() as (session, run, _):
            for row in self.next_rows(session, run, *_pending(run))[:1]:
                become(row, Plan(RowState.WITH_ERRORS, [_fault_of(refused)]))

    def _refused_alone(self) -> list[tuple[UUID, list[Fault]]]:
        """Return the first row that is refused where each is tried by itself; nothing of it is kept."""
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
    rule = refused.detail if isinstance(refused, DomainError) else "Somebody changed the same at this moment."
    return Fault("row", rule, "Look at it, then apply the import again.")


class _Barred(Exception):
    """Rows are wrong by now, of an import that is all or nothing."""

    def __init__(self, wrong: Sequence[tuple[UUID, list[Fault]]]) -> None:
        super().__init__()
        self.wrong = wrong


def _pending(run: ImportRun) -> list[RowState]:
    """Return what applying takes up, as whoever applies it wants."""
    return [state for state in PENDING if run.takes_duplicates or state is not RowState.POSSIBLE_DUPLICATE]


def _apply(session: WriteSession, kind: ImportKind, intake: Intake, rows: Sequence[ImportRow]) -> None:
    """Apply a block of rows; those that said the same are about the same person."""
    told = _readable(session, kind, rows)
    for one, outcome in zip(told, intake.apply(told), strict=True):
        become(one.row, outcome)
    about = {one.row.key: one.row.jobseeker_id for one in told if one.row.jobseeker_id is not None}
    session.flush()  # the repeats are found next
    repeats = select(ImportRow).where(
        ImportRow.import_id == rows[0].import_id, ImportRow.key.in_(about), ImportRow.state == RowState.REPEATED
    )
    for repeat in session.scalars(repeats) if about else ():
        repeat.jobseeker_id = about[repeat.key]


def _readable(session: WriteSession, kind: ImportKind, rows: Sequence[ImportRow]) -> list[ReadRow]:
    """Return rows that can still be read; of others say why not."""
    told = []
    for row in rows:
        one, errors = understood(session, kind, row)
        if errors:
            become(row, Plan(RowState.WITH_ERRORS, [Fault(e.field, e.rule, e.remedy) for e in errors]))
        else:
            told.append(one)
    return told


def understand(session: WriteSession, kind: ImportKind, intake: Intake, rows: Sequence[ImportRow]) -> None:
    """Read the cells of some rows: what is wrong in them by themselves, and what they are about."""
    for row in rows:
        told, errors = understood(session, kind, row)
        faults = [Fault(error.field, error.rule, error.remedy) for error in errors] or intake.wrong(told.values)
        if faults:
            row.key = row.said = None
            become(row, Plan(RowState.WITH_ERRORS, faults))
            continue
        row.key = session.vault.fingerprint("import", intake.key(told.values))[:40]
        row.said = session.vault.fingerprint("import", repr(sorted(told.values.items())))[:40]
        become(row, Plan(RowState.UNDERSTOOD))
    session.flush()  # rows of one key are looked for next


def meet(session: WriteSession, kind: ImportKind, run: ImportRun, key: str) -> None:
    """Where several rows are about the same: equal ones count once; ones that say two things are all wrong.

    By statements over all of them, for a whole file may be of one key.
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
    become(first, Plan(RowState.WITH_ERRORS, [_conflict(kind, run, other)]))
    session.flush()  # the next look reads their states


def _conflict(kind: ImportKind, run: ImportRun, against: ImportRow) -> Fault:
    sheets = run.found["sheets"]
    sheet = f" of sheet {sheets[against.sheet]['name']}" if len(sheets) > 1 else ""
    rule = f"Row {against.number}{sheet} has the same reference and says something else."
    return Fault(kind.key_column, rule, "Keep one of them.")


def plan(session: WriteSession, kind: ImportKind, intake: Intake, rows: Sequence[ImportRow]) -> None:
    """Say of some rows what would become of them."""
    told = _readable(session, kind, rows)
    for one, planned in zip(told, intake.plan(told), strict=True):
        become(one.row, planned)
    session.flush()  # the next step reads their states


def mark(session: WriteSession, run: ImportRun, marks: Mapping[UUID, Fault]) -> None:
    """Mark new rows that may be of one person with another row, unless they have become something else."""
    rows = queries.rows_of(run, [RowState.TO_CREATE, RowState.POSSIBLE_DUPLICATE]).where(ImportRow.id.in_(marks))
    for row in session.scalars(rows):
        others = [told for told in row.warnings or () if tuple(told) != marks[row.id]]
        row.warnings = [list(marks[row.id]), *others]
        row.state = RowState.POSSIBLE_DUPLICATE


def become(row: ImportRow, outcome: Plan) -> None:
    row.state = outcome.state
    row.errors = [list(fault) for fault in outcome.errors] or None
    row.warnings = [list(fault) for fault in outcome.warnings] or None
    row.alike = [str(one) for one in outcome.alike] or None
    row.made = outcome.made
    row.jobseeker_id = outcome.jobseeker_id
