"""The replies about an import and its rows: counts, errors, warnings and the names that the actor may see."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pathways.base import Actor
from pathways.database import Session
from pathways.imports import intake, queries, template
from pathways.imports.intake import Fault, ImportKind
from pathways.imports.models import DONE, ImportRow, ImportRun, ImportState, RowState
from pathways.imports.schemas import FieldChange, ImportOut, ImportReport, ImportRowOut, RowProblem
from pathways.sheets.cells import CellError


def reply(session: Session, actor: Actor, kind: ImportKind, run: ImportRun) -> ImportOut:
    """Return an import with its report. The counts are computed from the rows each time; none are stored."""
    count = queries.counts(session, run)
    return ImportOut(
        id=run.id,
        kind=run.kind,
        state=run.state,
        made_at=run.made_at,
        file_hash=run.file_hash,
        rows_read=run.rows_read,
        rows_checked=sum(count.values()) - count[RowState.READ] - count[RowState.UNDERSTOOD],
        rows_applied=sum(count[state] for state in DONE),
        report=_stored_report(kind, run) if run.report else _report(session, actor, kind, run, count),
    )


def _stored_report(kind: ImportKind, run: ImportRun) -> ImportReport:
    return ImportReport.model_validate({**run.report, "template": template.path_of(kind)})


def _report(session: Session, actor: Actor, kind: ImportKind, run: ImportRun, count: Counter[RowState]) -> ImportReport:
    to_create, to_update = count[RowState.TO_CREATE] + count[RowState.POSSIBLE_DUPLICATE], count[RowState.TO_UPDATE]
    made, wrong = queries.made(session, run), queries.rows_with_messages(session, run, ImportRow.errors)
    unsure = queries.rows_with_messages(session, run, ImportRow.warnings, ImportRow.alike)
    about = {row.jobseeker_id for row in made if row.jobseeker_id is not None}
    about |= {UUID(person) for row in unsure for person in row.alike or ()}
    names = kind.references(session, actor, about)
    warnings = [
        (row, fault)
        for row in unsure
        for fault in [*(row.warnings or ()), *candidate_faults(actor, kind, names, row.alike)]
    ]
    actor.reading.people |= {row.jobseeker_id for row in made} & set(names)
    return ImportReport(
        is_dry_run=not run.applies,
        was_applied=run.state is ImportState.APPLIED,
        rows=run.rows,
        created=count[RowState.CREATED],
        updated=count[RowState.UPDATED],
        to_create=to_create,
        to_update=to_update,
        unchanged=count[RowState.UNCHANGED],
        possible_duplicates=count[RowState.POSSIBLE_DUPLICATE],
        repeated=count[RowState.REPEATED],
        skipped=count[RowState.SKIPPED],
        in_error=count[RowState.WITH_ERRORS],
        errors=[_cell_error(run, row, fault) for row in wrong for fault in row.errors],
        warnings=[_cell_error(run, row, fault) for row, fault in warnings],
        notes=run.found["notes"],
        unknown_columns=run.found["unknown_columns"],
        suggested_columns=run.found["suggested_columns"],
        unread_columns=run.found.get("unread_columns", {}),  # runs of an earlier version have none
        passed_over=run.found["passed_over"],
        made=[name for row in made if (name := row.made or names.get(row.jobseeker_id)) is not None],
        template=template.path_of(kind),
    )


def _cell_error(run: ImportRun, row: Any, fault: Sequence[str]) -> CellError:
    sheet = run.found["sheets"][row.sheet]["name"]
    return CellError(row=row.number, sheet=sheet, field=fault[0], rule=fault[1], remedy=fault[2])


def note_people(actor: Actor, row: ImportRow, names: Mapping[UUID, str]) -> None:
    """Note for the audit whom the reply about a row shows: by its cells, by a planned change, or by a reference."""
    if row.jobseeker_id is not None and (row.cells_sealed is not None or row.jobseeker_id in names):
        actor.reading.people.add(row.jobseeker_id)
    if row.same_as is not None and row.same_as in names:
        actor.reading.people.add(row.same_as)


def row_replies(
    session: Session, actor: Actor, kind: ImportKind, run: ImportRun, rows: Sequence[ImportRow]
) -> list[ImportRowOut]:
    """Return the replies for some rows, with the changes they would make to the records as they are now."""
    updates = [
        intake.understood(session, kind, row)[0]
        for row in rows
        if row.state is RowState.TO_UPDATE and row.cells_sealed is not None
    ]
    changes_of = kind.open(session, actor, run).changes(updates) if updates else []
    changes = {update.row.id: changed for update, changed in zip(updates, changes_of, strict=True)}
    about = {UUID(person) for row in rows for person in row.alike or ()}
    about |= {person for row in rows for person in (row.jobseeker_id, row.same_as) if person is not None}
    names = kind.references(session, actor, about)
    return [_row_reply(session, actor, kind, run, row, changes.get(row.id, []), names) for row in rows]


def _row_reply(
    session: Session,
    actor: Actor,
    kind: ImportKind,
    run: ImportRun,
    row: ImportRow,
    changes: Sequence[tuple[str, Any, Any]],
    names: Mapping[UUID, str],
) -> ImportRowOut:
    warnings = [*(row.warnings or ()), *candidate_faults(actor, kind, names, row.alike)]
    note_people(actor, row, names)
    about = row.jobseeker_id if row.state in DONE else None
    return ImportRowOut(
        id=row.id,
        row=row.number,
        sheet=intake.sheet_of(run, row).name,
        state=row.state,
        cells=(intake.opened(session, row) or (None,))[0],
        errors=[RowProblem(field=f, rule=r, remedy=m) for f, r, m in row.errors or ()],
        warnings=[RowProblem(field=f, rule=r, remedy=m) for f, r, m in warnings],
        changes=[FieldChange(field=name, was=as_text(was), becomes=as_text(becomes)) for name, was, becomes in changes],
        same_as=row.same_as if row.same_as in names else None,
        made=row.made or (names.get(about) if about else None),
        version=row.version,
    )


def as_text(value: Any) -> str | None:
    """Return a value as the text of a cell."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "; ".join(map(str, value))
    return str(value)


MOST_CANDIDATES = 3


def candidate_faults(
    actor: Actor, kind: ImportKind, names: Mapping[UUID, str], alike: Sequence[str] | None
) -> list[Fault]:
    """Return one warning with up to three ``names`` of jobseekers that a row may be about, or no warning.

    Whom it names is noted for the audit.
    """
    visible = [UUID(person) for person in alike or () if UUID(person) in names][:MOST_CANDIDATES]
    if not visible:
        return []
    actor.reading.people |= set(visible)
    rule = f"This may be the same person as {', '.join(names[person] for person in visible)}."
    return [Fault(kind.key_column, rule, "Compare the row with each record named. Nothing has been merged.")]
