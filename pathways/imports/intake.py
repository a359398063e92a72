"""What one kind of file is: how a row is kept, read, planned and applied, and what may be said of it."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from pathways import cells
from pathways.base import Actor
from pathways.cells import CellError
from pathways.database import Database, Session
from pathways.imports.models import ImportRow, ImportRun, RowState
from pathways.spreadsheets import Row, Sheet

WITHIN = "This may be the same person as row"
NOT_KEPT = "What this row said is not kept any more."


class Fault(NamedTuple):
    """What is wrong or unsure in a row: the field, the rule, what to do. Never the value."""

    field: str
    rule: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row that could be read: what it says, by our names."""

    row: ImportRow
    values: dict[str, Any]


Change = tuple[str, Any, Any]  # column, as it is, as it would be


@dataclass(slots=True)
class Plan:
    """What would become of a row, or what became of it."""

    state: RowState
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    alike: list[UUID] = field(default_factory=list)  # whom it may be about, whoever may see them
    made: str | None = None
    jobseeker_id: UUID | None = None


class Intake(Protocol):
    """How one kind of file is understood and applied, for one block of rows."""

    def wrong(self, values: Mapping[str, Any]) -> list[Fault]:
        """Return what is wrong in a row by itself."""

    def key(self, values: Mapping[str, Any]) -> str:
        """Return what a row is about: two rows of one key are one or in conflict."""

    def plan(self, told: Sequence[ReadRow]) -> list[Plan]:
        """Return what would become of some rows, changing nothing."""

    def changes(self, told: Sequence[ReadRow]) -> list[list[Change]]:
        """Return what some rows would change of what is there, as this actor may see it."""

    def apply(self, told: Sequence[ReadRow]) -> list[Plan]:
        """Apply some rows and return what became of them."""

    def same_person(self, jobseeker_id: UUID) -> None:
        """Refuse, unless the caller may say that a row is about this person."""


@dataclass(frozen=True)
class ImportKind:
    """One kind of file.

    ``alike`` finds rows that may be of one person with another row of the file, once all rows are checked, and what to
    say of each. ``prepare`` is shown the cells of all that will be applied, while nothing is locked. ``after`` is told
    whom a block was about, once it is committed. ``references`` names people, of those the actor may see.
    """

    name: str
    readers: Mapping[str, cells.Reader]
    aliases: Mapping[str, str]
    needed: Sequence[str]
    key_column: str
    open: Callable[[Session, Actor, ImportRun], Intake]
    values: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    alike: Callable[[Database, Actor, ImportRun], Sequence[tuple[UUID, Fault]]] = lambda *_: ()
    after: Callable[[Database, Actor, Sequence[UUID]], None] = lambda *_: None
    prepare: Callable[[Session, Iterable[Mapping[str, str]]], None] = lambda *_: None
    references: Callable[[Session, Actor, Collection[UUID]], Mapping[UUID, str]] = lambda *_: {}


# What was written.


def sealed(session: Session, row_id: UUID, cells: Mapping[str, str], others: Mapping[str, str]) -> str:
    """Return what a row says as it is kept: encrypted, for it holds all that a record will.

    ``cells`` are those of our columns, ``others`` those of columns nobody knows, by their place; blank ones are left
    out.
    """
    kept = [{name: text for name, text in some.items() if text} for some in (cells, others)]
    return session.vault.seal(json.dumps(kept, ensure_ascii=False), place=f"import_rows:cells:{row_id}")


def opened(session: Session, row: ImportRow) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return what a row says as ``sealed`` kept it; None once the time to keep it is over."""
    if row.cells_sealed is None:
        return None
    cells, others = json.loads(session.vault.open(row.cells_sealed, place=f"import_rows:cells:{row.id}"))
    return cells, others


def sheet_of(run: ImportRun, row: ImportRow) -> Sheet:
    kept = run.found["sheets"][row.sheet]
    return Sheet(kept["name"], kept["header_at"], tuple(kept["header"]), tuple(kept["columns"]))


def understood(session: Session, kind: ImportKind, row: ImportRow) -> tuple[ReadRow, list[CellError]]:
    """Return what a row says, and what of it cannot be read."""
    faults = tuple((rule, remedy) for rule, remedy in row.faults or ())
    kept = opened(session, row)
    if kept is None:
        return ReadRow(row, {}), [CellError(row=row.number, field="row", rule=NOT_KEPT, remedy="Send the file again.")]
    taken, _ = kept
    found, errors = cells.read_row(Row(row.number, "", taken, faults=faults), kind.readers)
    return ReadRow(row, {} if errors else kind.values(found)), errors
