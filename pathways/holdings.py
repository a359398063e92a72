"""The interface of a feature that stores rows about jobseekers: rows, timeline, extract, reassign, put back, erase.

Each such feature registers one ``Holding`` in ``app.py``. The package ``casefile`` loops over them and imports none of
the features. An extract is the copy of their data that a jobseeker receives.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, delete, select, update

from pathways.base import Actor, Base
from pathways.database import Session, WriteSession
from pathways.fields import Group, Schema

AT_ONCE = 1_000


class TimelineEntry(Schema):
    """One entry of a jobseeker's timeline. Entries are ordered by the day each one is about."""

    id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]
    what: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    by: Annotated[UUID | None, Group.RECORD]
    source: Annotated[str, Group.RECORD]
    is_taken_back: Annotated[bool, Group.RECORD] = False


class TiedTogether(Exception):
    """Raised if a row depends on rows of both merged records, so that the two records cannot be separated."""


@dataclass(frozen=True)
class Held:
    """One table with rows about jobseekers, and how a row is shaped for the extract and the timeline."""

    model: type[Base]
    shape: Callable[[Session, Any], Schema]
    entry: Callable[[Any], TimelineEntry | None] = lambda _: None
    # Whether its rows describe the record itself and not events. Such rows do not move when two records are merged.
    stays: bool = False


@dataclass(frozen=True)
class Holding:
    """All tables of one feature with rows about jobseekers, ordered so that parents come before their children."""

    name: str
    tables: Sequence[Held]
    # Ends what is open (referrals, enrolments, introductions) when a record is voided as a mistake.
    void: Callable[[WriteSession, Actor, Any, str], None] = lambda *_: None
    # Ends what is open, except the enrolment, when a case closes.
    close: Callable[[WriteSession, Actor, Any, str], None] = lambda *_: None
    # Removes an erased person from rows that are also about other people.
    scrub: Callable[[WriteSession, UUID], None] = lambda *_: None

    def rows(self, session: Session, jobseeker_id: UUID) -> dict[str, list[Any]]:
        """Return all rows by table, including superseded facts."""
        return {held.model.__tablename__: self._of(session, held, jobseeker_id) for held in self.tables}

    def timeline(self, session: Session, jobseeker_id: UUID) -> list[TimelineEntry]:
        """Return the timeline entries of a jobseeker, unsorted. Mark the entries of withdrawn facts."""
        entries: list[TimelineEntry] = []
        for held in self.tables:
            rows = self._of(session, held, jobseeker_id)
            withdrawn = {row.supersedes for row in rows if getattr(row, "is_withdrawal", False)}
            for row in rows:
                entry = held.entry(row)
                if entry is not None:
                    entries.append(entry.model_copy(update={"is_taken_back": row.id in withdrawn}))
        return entries

    def extract(self, session: Session, jobseeker_ids: Sequence[UUID]) -> dict[str, list[Schema]]:
        """Return all rows of all records of the person, as the person may read them."""
        return {
            held.model.__tablename__: [held.shape(session, row) for row in self._of(session, held, *jobseeker_ids)]
            for held in self.tables
        }

    def reassign(self, session: WriteSession, origin: UUID, target: UUID) -> dict[str, list[UUID]]:
        """Move the rows of the tables in ``moving`` to another jobseeker of the same partner. Return the moved ids."""
        moved: dict[str, list[UUID]] = {}
        for held in self.moving:
            rows = select(held.model.id).where(_about(held.model, origin))  # type: ignore[attr-defined]
            moved[held.model.__tablename__] = list(session.scalars(rows))
            session.execute(
                update(held.model)
                .where(_about(held.model, origin))
                .values({_key(held.model): target})
                .execution_options(synchronize_session=False)
            )
        return moved

    def put_back(
        self,
        session: WriteSession,
        moved: Mapping[str, set[UUID]],
        origin: UUID,
        target: UUID,
        since: datetime,
        moving: Collection[str],
    ) -> tuple[dict[str, set[UUID]], dict[str, int]]:
        """Move the rows that ``reassign`` moved to ``target``, and rows that depend on them, back to ``origin``.

        ``moved`` has the moved ids by table, including those of other features. ``moving`` names all tables with rows
        that move. Return two results by table: the ids that were moved back, and the number of rows made after
        ``since`` that stay, because they depend on no moved row. Raise ``TiedTogether`` if a row depends on both
        records.
        """
        returned: dict[str, set[UUID]] = {}
        stay: dict[str, int] = {}
        for held in self.moving:
            table = held.model.__tablename__
            back = set(moved.get(table, set()))
            rows = self._of(session, held, target)
            parents = _parents(held.model)
            known = {**moved, **returned}
            while True:  # a row that supersedes or depends on a returned row is returned too
                more = {
                    row.id
                    for row in rows
                    if row.id not in back
                    and any(
                        getattr(row, column) in (back if parent == table else known.get(parent, set()))
                        for column, parent in parents
                    )
                }
                if not more:
                    break
                back |= more
            ids = [row.id for row in rows if row.id in back]
            for row in rows:
                on = [(getattr(row, column), parent) for column, parent in parents if parent in moving]
                if row.id in back and any(
                    key is not None and key not in (back if parent == table else known.get(parent, set()))
                    for key, parent in on
                ):
                    raise TiedTogether
            for start in range(0, len(ids), AT_ONCE):
                session.execute(
                    update(held.model)
                    .where(held.model.id.in_(ids[start : start + AT_ONCE]))  # type: ignore[attr-defined]
                    .values({_key(held.model): origin})
                    .execution_options(synchronize_session=False)
                )
            returned[table] = back
            stay[table] = sum(row.id not in back and _made_at(row.id) > since for row in rows)
        return returned, stay

    @property
    def moving(self) -> list[Held]:
        """The tables with rows that move when two records are merged."""
        return [held for held in self.tables if not held.stays and _key(held.model) is not None]

    def erase(self, session: WriteSession, jobseeker_id: UUID) -> int:
        """Delete all rows permanently, children before parents. Return the number of rows."""
        deleted = 0
        self.scrub(session, jobseeker_id)
        for held in reversed(self.tables):
            about = _about(held.model, jobseeker_id)
            if "supersedes" in held.model.__table__.c:
                session.execute(update(held.model).where(about).values(supersedes=None))
            deleted += session.execute(delete(held.model).where(about)).rowcount  # type: ignore[attr-defined]
        return deleted

    @staticmethod
    def _of(session: Session, held: Held, *jobseeker_ids: UUID) -> list[Any]:
        order = held.model.__table__.c.get("recorded_at", held.model.id)  # type: ignore[attr-defined]
        rows = select(held.model).where(_about(held.model, *jobseeker_ids)).order_by(order, held.model.id)  # type: ignore[attr-defined]
        return list(session.scalars(rows))


def _made_at(row_id: UUID) -> datetime:
    """Return the time at which an id was made; its first 48 bits are milliseconds (RFC 9562)."""
    return datetime.fromtimestamp((row_id.int >> 80) / 1000, UTC)


def _parents(model: type[Base]) -> list[tuple[str, str]]:
    """Return the foreign keys of a table to rows about the same jobseeker, each with the table it refers to."""
    parents = []
    for constraint in model.__table__.foreign_key_constraints:  # type: ignore[attr-defined]
        if "jobseeker_id" in constraint.column_keys or not isinstance(constraint.referred_table, Table):
            continue
        if "jobseeker_id" in constraint.referred_table.c:
            parents.append((constraint.column_keys[-1], constraint.referred_table.name))
    return parents


def _key(model: type[Base]) -> Any:
    """Return the column with the id of the jobseeker; None for the table of jobseekers itself."""
    return getattr(model, "jobseeker_id", None)


def _about(model: type[Base], *jobseeker_ids: UUID) -> ColumnElement[bool]:
    """Return the condition that a row is about one of these jobseekers, all of one partner.

    The condition includes the partner, because the index of each such table begins with the partner.
    """
    key: Any = _key(model)
    if key is None:
        is_record: ColumnElement[bool] = model.id.in_(jobseeker_ids)  # type: ignore[attr-defined]
        return is_record
    columns, people = model.__table__.c, Base.metadata.tables["jobseekers"].c
    if "partner_id" not in columns:
        return key.in_(jobseeker_ids)  # type: ignore[no-any-return]
    partner = select(people.partner_id).where(people.id == jobseeker_ids[0]).scalar_subquery()
    return and_(columns.partner_id == partner, key.in_(jobseeker_ids))


def fact_entry(what: str, tell: Callable[[Any], str]) -> Callable[[Any], TimelineEntry]:
    """Return the function that makes the timeline entry of a fact.

    ``tell`` returns one sentence about the fact. It must not contain anything that some readers may not see.
    """

    def entry(row: Any) -> TimelineEntry:
        return TimelineEntry(
            id=row.id,
            on=row.valid_on,
            recorded_at=row.recorded_at,
            what=f"{what} withdrawn" if row.is_withdrawal else what,
            text=row.reason if row.is_withdrawal else tell(row),
            by=row.by,
            source=row.source.value,
        )

    return entry


def as_schema(schema: type[Schema]) -> Any:
    """Return the function that shapes a row by a schema, from the columns of the row alone."""

    def shape(_: Session, row: Any) -> Schema:
        return schema.model_validate(row)

    return shape
