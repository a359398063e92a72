"""Every SELECT on imports, restricted to what the actor may see."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from rapidfuzz import fuzz
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
from pathways.imports.template import words_of
from pathways.pagination import PageRequest
from pathways.sheets.header_words import normal

# Lowest similarity score at which a column is suggested for an unknown header, for a member to confirm. Of 4,529 pairs
# of our own headers that mean different columns, 7 score this high ("min hours wk", "max hours wk"). A header with one
# or two wrong letters scores 80 to 94.
LIKE_A_COLUMN = 78
LONGEST_SHORT = 4  # letters of a word that another word must not be like: age is not wage
SURELY_A_COLUMN = 85  # from this score a header says what another column says already
WITHIN_HEADER, MOST_OF_A_SCORE = 79, 20  # a header that contains the words of a column, plus a point for each letter
LONGEST_HEADER = 300
READ_AT_ONCE = 2_000
KEYS_AT_ONCE = 100
MOST_TOLD = 1_000  # most errors or warnings in a report; the rows and the result file have all
# Roles that may see rows sent by another member. A row may be about a person that other members must not see.
SEES_ALL_ROWS = {Role.TEAM_MANAGER, Role.REFERRER, Role.PLACEMENT_LISTER, Role.OPERATOR}

NO_IMPORT = "There is no import with this id that you may see. Check the id."


def runs(actor: Actor, kind: str) -> Select[ImportRun]:
    return select(ImportRun).where(ImportRun.kind == kind, ImportRun.organisation_id == actor.organisation_id)


def run(session: Session, actor: Actor, kind: str, run_id: UUID, *, for_update: bool = False) -> ImportRun:
    rows = runs(actor, kind).where(ImportRun.id == run_id)
    import_run = session.scalars(rows.with_for_update() if for_update else rows).one_or_none()
    if import_run is None:
        raise NotFound(NO_IMPORT)
    return import_run


def with_rows(session: Session, actor: Actor, kind: str, run_id: UUID, *, for_update: bool = False) -> ImportRun:
    """Return an import that the actor sent or, for a role in ``SEES_ALL_ROWS``, that the actor's organisation sent.

    Raises ``NotFound`` otherwise.
    """
    import_run = run(session, actor, kind, run_id, for_update=for_update)
    if import_run.by != actor.user_id and actor.role not in SEES_ALL_ROWS:
        raise NotFound(NO_IMPORT)
    return import_run


def rows_of(run: ImportRun, states: Collection[RowState] = ()) -> Select[ImportRow]:
    rows = select(ImportRow).where(ImportRow.import_id == run.id)
    return rows.where(ImportRow.state.in_(states)) if states else rows


def page_of_rows(session: Session, rows: Select[ImportRow], page: PageRequest) -> Sequence[ImportRow]:
    """Return a page of rows in file order, plus the next row if there is one."""
    after = page.after_id()
    if after is not None:
        last = select(ImportRow.position).where(ImportRow.id == after).scalar_subquery()
        rows = rows.where(ImportRow.position > last)
    return session.scalars(rows.order_by(ImportRow.position).limit(page.limit + 1)).all()


def unfinished(actor: Actor, kind: str, partner_id: UUID | None, file_hash: str) -> Select[ImportRun]:
    """Return the query for unfinished imports of the same file by the same member."""
    return runs(actor, kind).where(
        ImportRun.acting_id == actor.user_id,
        ImportRun.role == actor.role,
        ImportRun.partner_id == partner_id if partner_id else ImportRun.partner_id.is_(None),
        ImportRun.file_hash == file_hash,
        ImportRun.state.in_(UNFINISHED),
    )


def counts(session: Session, run: ImportRun) -> Counter[RowState]:
    rows = session.execute(
        select(ImportRow.state, func.count()).where(ImportRow.import_id == run.id).group_by(ImportRow.state)
    )
    return Counter({row[0]: row[1] for row in rows})


def rows_with_messages(session: Session, run: ImportRun, *what: Any) -> Sequence[Any]:
    """Return the first ``MOST_TOLD`` rows with a value in at least one of the given columns."""
    rows = (
        select(ImportRow.number, ImportRow.sheet, ImportRow.errors, ImportRow.warnings, ImportRow.alike)
        .where(_of(run), or_(*(column.is_not(None) for column in what)))
        .order_by(ImportRow.position)
    )
    return session.execute(rows.limit(MOST_TOLD)).all()


def made(session: Session, run: ImportRun) -> Sequence[Any]:
    """For the first ``MOST_TOLD`` rows that created a record, return its reference and its jobseeker's id."""
    rows = select(ImportRow.made, ImportRow.jobseeker_id).where(_of(run), ImportRow.state == RowState.CREATED)
    return session.execute(rows.order_by(ImportRow.position).limit(MOST_TOLD)).all()


def stored_count(session: Session, run: ImportRun) -> int:
    """Return the number of stored rows. Rows are stored in file order, so this is the position of the next row."""
    return session.scalar(select(func.coalesce(func.max(ImportRow.position) + 1, 0)).where(_of(run))) or 0


def _of(run: ImportRun) -> Any:
    return ImportRow.import_id == run.id


def keys_met_twice(session: Session, run: ImportRun) -> Sequence[str]:
    """Return up to ``KEYS_AT_ONCE`` keys, each of which several rows share that are not compared yet."""
    rows = (
        select(ImportRow.key)
        .where(_of(run), ImportRow.state == RowState.UNDERSTOOD, ImportRow.key.is_not(None))
        .group_by(ImportRow.key)
        .having(func.count() > 1)
        .limit(KEYS_AT_ONCE)
    )
    return [key for key in session.scalars(rows) if key]


def of_key(session: Session, run: ImportRun, key: str) -> tuple[ImportRow | None, ImportRow | None]:
    """Return the first row with this key that is not compared yet, and the first such row with other values."""
    rows = rows_of(run, [RowState.UNDERSTOOD]).where(ImportRow.key == key).order_by(ImportRow.position).limit(1)
    first = session.scalars(rows).first()
    return first, session.scalars(rows.where(ImportRow.said != first.said)).first() if first else None


def in_order(session: Session, run: ImportRun, states: Collection[RowState] = ()) -> Iterator[ImportRow]:
    """Yield rows in file order, reading ``READ_AT_ONCE`` at a time."""
    last = -1
    while True:
        rest = rows_of(run, states).where(ImportRow.position > last).order_by(ImportRow.position).limit(READ_AT_ONCE)
        batch = session.scalars(rest).all()
        yield from batch
        if len(batch) < READ_AT_ONCE:
            return
        last = batch[-1].position
        for row in batch:
            session.expunge(row)


def own_columns(session: Session, actor: Actor, kind: str) -> dict[str, str]:
    """Return the headers that this organisation has confirmed, each with its column."""
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


def suggested(
    unknown: Iterable[str], aliases: Mapping[str, str], synonyms: Mapping[str, str], taken: Collection[str]
) -> dict[str, str]:
    """Return each unknown header with the column that it probably means, or "" if no free column is like it.

    A column that the file has already is not suggested.
    """
    names = {**{words_of(words): column for words, column in synonyms.items()}, **aliases}
    suggestions = {}
    for header in unknown:
        like = _columns_like(words_of(header), names)
        best = max(like, key=lambda column: like[column]) if like else ""
        if best and best in taken and like[best] > SURELY_A_COLUMN:
            like = {}  # it says once more what the file has already, so it means no other column
        free = {column: likeness for column, likeness in like.items() if column not in taken}
        suggestions[header[:LONGEST_HEADER]] = max(free, key=lambda column: free[column]) if free else ""
    return suggestions


def _columns_like(header: str, names: Mapping[str, str]) -> dict[str, float]:
    """Return the columns that a header may mean, each with a score from ``LIKE_A_COLUMN`` to 100."""
    within = f" {header} "
    likeness: dict[str, float] = {}
    for name, column in names.items():
        score = 0.0
        if min(len(header), len(name)) > LONGEST_SHORT or header.rstrip("s") == name.rstrip("s"):
            score = fuzz.token_sort_ratio(header, name, score_cutoff=LIKE_A_COLUMN)
        if f" {name} " in within:
            score = max(score, WITHIN_HEADER + min(len(name), MOST_OF_A_SCORE))  # a longer name says more
        if score:
            likeness[column] = max(score, likeness.get(column, 0.0))
    return likeness


def left_alone(kinds: Collection[str], before: Any) -> ColumnElement[bool]:
    """Return the condition for imports with all rows stored on which no process has worked since ``before``."""
    return and_(
        ImportRun.kind.in_(kinds),
        ImportRun.state.in_([ImportState.CHECKING, ImportState.APPLYING]),
        or_(ImportRun.touched_at.is_(None), ImportRun.touched_at < before),
    )


def unread(before: Any) -> ColumnElement[bool]:
    """Return the condition for imports that are being read and of which no row was stored since ``before``."""
    return and_(ImportRun.state == ImportState.READING, func.coalesce(ImportRun.touched_at, ImportRun.made_at) < before)


def row(session: Session, run: ImportRun, row_id: UUID) -> ImportRow:
    import_row = session.scalars(rows_of(run).where(ImportRow.id == row_id).with_for_update()).one_or_none()
    if import_row is None:
        raise NotFound("This import has no row with this id. Check the id.")
    return import_row
