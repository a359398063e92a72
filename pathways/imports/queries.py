"""Every SELECT on imports, starting from what the actor may see."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from rapidfuzz import fuzz, process
from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.imports.models import (
    UNFINISHED,
    ColumnName,
    ImportRow,
    ImportRun,
    ImportState,
    RowState,
)
from pathways.pagination import PageRequest
from pathways.spreadsheets import normal

# From here on a header is put forward as one of our columns, for a person to confirm. Of 4,529 pairs of our own headers
# that mean two columns 7 are so alike ("min hours wk", "max hours wk"); slips of a letter or two score 80 to 94.
LIKE_A_COLUMN = 78
READ_AT_ONCE = 2_000
KEYS_AT_ONCE = 100
MOST_TOLD = 1_000  # errors and warnings of a report; all of them stand in the rows and in the result file
# Who sees the rows somebody else sent: they hold people whom not everybody in a partner may see.
SEES_ALL_ROWS = {Role.TEAM_MANAGER, Role.REFERRER, Role.PLACEMENT_LISTER, Role.OPERATOR}


def runs(actor: Actor, kind: str) -> Select[ImportRun]:
    return select(ImportRun).where(ImportRun.kind == kind, ImportRun.organisation_id == actor.organisation_id)


def run(session: Session, actor: Actor, kind: str, run_id: UUID, *, for_update: bool = False) -> ImportRun:
    rows = runs(actor, kind).where(ImportRun.id == run_id)
    found = session.scalars(rows.with_for_update() if for_update else rows).one_or_none()
    if found is None:
        raise NotFound("There is no such import.")
    return found


def with_rows(session: Session, actor: Actor, kind: str, run_id: UUID, *, for_update: bool = False) -> ImportRun:
    """Return an import whose rows this actor may see: its own, or one of its organisation's for whom sees all."""
    found = run(session, actor, kind, run_id, for_update=for_update)
    if found.by != actor.user_id and actor.role not in SEES_ALL_ROWS:
        raise NotFound("There is no such import.")
    return found


def rows_of(run: ImportRun, states: Collection[RowState] = ()) -> Select[ImportRow]:
    rows = select(ImportRow).where(ImportRow.import_id == run.id)
    return rows.where(ImportRow.state.in_(states)) if states else rows


def page_of_rows(session: Session, rows: Select[ImportRow], page: PageRequest) -> Sequence[ImportRow]:
    """Return a page of rows, and one more where there is one, in the order of the file."""
    after = page.after_id()
    if after is not None:
        last = select(ImportRow.position).where(ImportRow.id == after).scalar_subquery()
        rows = rows.where(ImportRow.position > last)
    return session.scalars(rows.order_by(ImportRow.position).limit(page.limit + 1)).all()


def unfinished(actor: Actor, kind: str, partner_id: UUID | None, file_hash: str) -> Select[ImportRun]:
    """Return imports of the same file by the same member that stopped half-way."""
    return runs(actor, kind).where(
        ImportRun.acting_id == actor.user_id,
        ImportRun.role == actor.role,
        ImportRun.partner_id == partner_id if partner_id else ImportRun.partner_id.is_(None),
        ImportRun.file_hash == file_hash,
        ImportRun.state.in_(UNFINISHED),
    )


def counts(session: Session, run: ImportRun) -> Counter[RowState]:
    found = session.execute(
        select(ImportRow.state, func.count()).where(ImportRow.import_id == run.id).group_by(ImportRow.state)
    )
    return Counter({row[0]: row[1] for row in found})


def rows_with_messages(session: Session, run: ImportRun, *what: Any) -> Sequence[Any]:
    """Return the first rows of which there is something to tell in some columns."""
    rows = (
        select(ImportRow.number, ImportRow.sheet, ImportRow.errors, ImportRow.warnings, ImportRow.alike)
        .where(_of(run), or_(*(column.is_not(None) for column in what)))
        .order_by(ImportRow.position)
    )
    return session.execute(rows.limit(MOST_TOLD)).all()


def made(session: Session, run: ImportRun) -> Sequence[Any]:
    """Return the first rows that made something: its reference, or whom it is about."""
    rows = select(ImportRow.made, ImportRow.jobseeker_id).where(_of(run), ImportRow.state == RowState.CREATED)
    return session.execute(rows.order_by(ImportRow.position).limit(MOST_TOLD)).all()


def stored_count(session: Session, run: ImportRun) -> int:
    """Return how many rows are kept: they are kept in the order of the file, so the next one is at this place."""
    return session.scalar(select(func.coalesce(func.max(ImportRow.position) + 1, 0)).where(_of(run))) or 0


def _of(run: ImportRun) -> Any:
    return ImportRow.import_id == run.id


def keys_met_twice(session: Session, run: ImportRun) -> Sequence[str]:
    """Return some keys that several rows have which are not compared yet."""
    rows = (
        select(ImportRow.key)
        .where(_of(run), ImportRow.state == RowState.UNDERSTOOD, ImportRow.key.is_not(None))
        .group_by(ImportRow.key)
        .having(func.count() > 1)
        .limit(KEYS_AT_ONCE)
    )
    return [key for key in session.scalars(rows) if key]


def of_key(session: Session, run: ImportRun, key: str) -> tuple[ImportRow | None, ImportRow | None]:
    """Return the first row of a key that is not compared yet, and the first that says something else."""
    rows = rows_of(run, [RowState.UNDERSTOOD]).where(ImportRow.key == key).order_by(ImportRow.position).limit(1)
    first = session.scalars(rows).first()
    return first, session.scalars(rows.where(ImportRow.said != first.said)).first() if first else None


def in_order(session: Session, run: ImportRun, states: Collection[RowState] = ()) -> Iterator[ImportRow]:
    """Read rows in the order of the file, some at a time."""
    last = -1
    while True:
        some = rows_of(run, states).where(ImportRow.position > last).order_by(ImportRow.position).limit(READ_AT_ONCE)
        found = session.scalars(some).all()
        yield from found
        if len(found) < READ_AT_ONCE:
            return
        last = found[-1].position
        for one in found:
            session.expunge(one)


def own_columns(session: Session, actor: Actor, kind: str) -> dict[str, str]:
    """Return what this organisation's own headers mean."""
    rows = session.execute(
        select(ColumnName.header, ColumnName.column)
        .where(ColumnName.organisation_id == actor.organisation_id, ColumnName.kind == kind)
        .order_by(ColumnName.header)
    )
    return {row.header: row.column for row in rows}


def column_name(session: Session, actor: Actor, kind: str, header: str) -> ColumnName | None:
    return session.scalars(
        select(ColumnName).where(
            ColumnName.organisation_id == actor.organisation_id,
            ColumnName.kind == kind,
            ColumnName.header == normal(header)[:300],
        )
    ).one_or_none()


def suggested(unknown: Iterable[str], aliases: Mapping[str, str], taken: Collection[str]) -> dict[str, str]:
    """Return which column some headers nobody knows may stand for, of those the file does not have already."""
    free = {name: column for name, column in aliases.items() if column not in taken}
    found = {}
    for header in unknown:
        hit = process.extractOne(normal(header), list(free), scorer=fuzz.token_sort_ratio, score_cutoff=LIKE_A_COLUMN)
        if hit is not None:
            found[header[:300]] = free[hit[0]]
    return found


def left_alone(kinds: Collection[str], before: Any) -> ColumnElement[bool]:
    """Return the condition that the rows of an import are all kept and nobody has taken its next step for a while."""
    return and_(
        ImportRun.kind.in_(kinds),
        ImportRun.state.in_([ImportState.CHECKING, ImportState.APPLYING]),
        or_(ImportRun.touched_at.is_(None), ImportRun.touched_at < before),
    )


def row(session: Session, run: ImportRun, row_id: UUID) -> ImportRow:
    found = session.scalars(rows_of(run).where(ImportRow.id == row_id).with_for_update()).one_or_none()
    if found is None:
        raise NotFound("There is no such row.")
    return found
