"""The interface of one kind of import file: how its rows are stored, read, planned and applied."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from pathways.base import Actor
from pathways.database import Database, Session
from pathways.imports.models import ImportRow, ImportRun, RowState
from pathways.sheets import cells, damage, slips
from pathways.sheets.cells import CellError
from pathways.sheets.spreadsheets import Row, Sheet

WITHIN = "This may be the same person as row"
NOT_KEPT = "The content of this row has been deleted."


class Fault(NamedTuple):
    """An error or warning of a row: the field, the rule, and what to do. It never holds the words of a cell."""

    field: str
    rule: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A stored row, with its values by column name, and the warnings from reading it.

    There are no values if a cell could not be read.
    """

    row: ImportRow
    values: dict[str, Any]
    warnings: tuple[Fault, ...] = ()


Change = tuple[str, Any, Any]  # column, current value, new value


@dataclass(slots=True)
class Plan:
    """The planned or actual result of a row."""

    state: RowState
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    alike: list[UUID] = field(default_factory=list)  # candidates, including those that the actor may not see
    made: str | None = None
    jobseeker_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class TemplateForm:
    """What the template of a file holds: what each column means, lists to choose from, and an example row.

    ``if_lost`` has, for columns that protect a person, the text that is read if the cell is lost in the file.
    """

    help: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)  # no other value is accepted
    suggestions: Callable[[], Mapping[str, Sequence[str]]] = dict  # other values are accepted
    example: Mapping[str, str] = field(default_factory=dict)
    recognised_by: Sequence[str] = ()  # the columns that show that the example row is unchanged
    also_needed: Sequence[str] = ()  # columns that nearly every row needs
    synonyms: Mapping[str, str] = field(default_factory=dict)  # words in people's headers, and the column they suggest
    if_lost: Mapping[str, str] = field(default_factory=dict)


class Intake(Protocol):
    """Reads and applies rows of one kind of file, for one block of rows."""

    def wrong(self, values: Mapping[str, Any]) -> list[Fault]:
        """Return the errors of a row, without comparing it to other rows or to records."""

    def key(self, values: Mapping[str, Any]) -> str:
        """Return the key of a row. Two rows with the same key are repeats if identical, otherwise in conflict."""

    def plan(self, rows: Sequence[ReadRow]) -> list[Plan]:
        """Return the planned result of each row. Change nothing."""

    def changes(self, rows: Sequence[ReadRow]) -> list[list[Change]]:
        """Return the changes that each row would make to existing records, limited to what the actor may see."""

    def apply(self, rows: Sequence[ReadRow]) -> list[Plan]:
        """Apply the rows and return the result of each."""

    def same_person(self, jobseeker_id: UUID) -> None:
        """Raise an error unless the caller may mark a row as about this jobseeker."""


@dataclass(frozen=True)
class ImportKind:
    """One kind of file.

    ``alike`` is called once all rows are checked; it returns the rows that may be about the same person as another row
    of the file, each with a warning. ``prepare`` receives the cells of all rows to apply, before any lock is taken.
    ``references`` returns the references of those jobseekers that the actor may see. ``form`` says what the template of
    such a file holds.
    """

    name: str
    readers: Mapping[str, cells.Reader]
    aliases: Mapping[str, str]
    needed: Sequence[str]
    key_column: str
    open: Callable[[Session, Actor, ImportRun], Intake]
    values: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    alike: Callable[[Database, Actor, ImportRun], Sequence[tuple[UUID, Fault]]] = lambda *_: ()
    prepare: Callable[[Session, Iterable[Mapping[str, str]]], None] = lambda *_: None
    references: Callable[[Session, Actor, Collection[UUID]], Mapping[UUID, str]] = lambda *_: {}
    form: TemplateForm = field(default_factory=TemplateForm)


# Storing and reading the cells of a row.


def sealed(session: Session, row_id: UUID, cells: Mapping[str, str], others: Mapping[str, str]) -> str:
    """Return the cells of a row encrypted for storage, because they hold as much personal data as a record does.

    ``cells`` has the cells of our columns by name; ``others`` has those of unknown columns by position. Blank cells are
    left out.
    """
    filled = [{name: text for name, text in group.items() if text} for group in (cells, others)]
    return session.vault.seal(json.dumps(filled, ensure_ascii=False), place=f"import_rows:cells:{row_id}")


def opened(session: Session, row: ImportRow) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return the two dictionaries given to ``sealed``, decrypted; None once the cells have been deleted."""
    if row.cells_sealed is None:
        return None
    cells, others = json.loads(session.vault.open(row.cells_sealed, place=f"import_rows:cells:{row.id}"))
    return cells, others


def sheet_of(run: ImportRun, row: ImportRow) -> Sheet:
    layout = run.found["sheets"][row.sheet]
    return Sheet(layout["name"], layout["header_at"], tuple(layout["header"]), tuple(layout["columns"]))


def understood(session: Session, kind: ImportKind, row: ImportRow) -> tuple[ReadRow, list[CellError]]:
    """Return a row with its values, and the errors of the cells that cannot be read."""
    faults = tuple((rule, remedy) for rule, remedy in row.faults or ())
    stored = opened(session, row)
    if stored is None:
        return ReadRow(row, {}), [CellError(row=row.number, field="row", rule=NOT_KEPT, remedy="Send the file again.")]
    needed = {*kind.needed, *kind.form.also_needed}
    own_cells, found = damage.examined(stored[0], kind.form.if_lost, lambda *cell: _is_readable(kind, *cell), needed)
    warnings = tuple(Fault(*warning) for warning in [*(row.file_warnings or ()), *found])
    values, errors = cells.read_row(Row(row.number, "", own_cells, faults=faults), kind.readers)
    if errors:
        return ReadRow(row, {}, warnings), errors
    shortened = damage.shortened(stored[0], own_cells)
    # The words go with the value, so that a person can see what stood there.
    values |= {
        column: slips.Slip(words, rule=rule, remedy=remedy) for column, (words, rule, remedy) in shortened.items()
    }
    warnings = tuple(warning for warning in warnings if warning.field not in shortened)
    return ReadRow(row, kind.values(values), warnings), errors


def _is_readable(kind: ImportKind, column: str, text: str) -> bool:
    reader = kind.readers.get(column)
    try:
        if reader is not None:
            reader(text)
    except cells.InvalidCell:
        return False
    return True
