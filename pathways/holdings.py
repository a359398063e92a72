"""What a feature must offer about a person: rows, timeline, extract, reassign, put back, erase.

Each feature that keeps rows about a person registers one ``Holding`` in ``app.py``; ``casefile`` loops over them and
knows none of them by name.
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
    """One thing that happened, in the order it was true."""

    id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]
    what: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    by: Annotated[UUID | None, Group.RECORD]
    source: Annotated[str, Group.RECORD]
    is_taken_back: Annotated[bool, Group.RECORD] = False


class TiedTogether(Exception):
    """A row hangs on what belongs to one record and on what belongs to another."""


@dataclass(frozen=True)
class Held:
    """One table that keeps rows about a person."""

    model: type[Base]
    shape: Callable[[Session, Any], Schema]
    entry: Callable[[Any], TimelineEntry | None] = lambda _: None
    # Whether it describes the record rather than what happened to the person: when two records are merged it stays.
    stays: bool = False


@dataclass(frozen=True)
class Holding:
    """Everything one feature keeps about a person; its tables stand in the order they may be written in."""

    name: str
    tables: Sequence[Held]
    # What must stop when a record turns out to be a mistake: open referrals, enrolments, introductions.
    void: Callable[[WriteSession, Actor, Any, str], None] = lambda *_: None
    # What must stop when a case closes, beside its enrolment.
    close: Callable[[WriteSession, Actor, Any, str], None] = lambda *_: None
    # What of a person stands inside rows that are about others too: taken out when the person is erased.
    scrub: Callable[[WriteSession, UUID], None] = lambda *_: None

    def rows(self, session: Session, jobseeker_id: UUID) -> dict[str, list[Any]]:
        """Return every row, superseded ones too, by table."""
        return {held.model.__tablename__: self._of(session, held, jobseeker_id) for held in self.tables}

    def timeline(self, session: Session, jobseeker_id: UUID) -> list[TimelineEntry]:
        entries: list[TimelineEntry] = []
        for held in self.tables:
            rows = self._of(session, held, jobseeker_id)
            gone = {row.supersedes for row in rows if getattr(row, "is_withdrawal", False)}
            for row in rows:
                entry = held.entry(row)
                if entry is not None:
                    entries.append(entry.model_copy(update={"is_taken_back": row.id in gone}))
        return entries

    def extract(self, session: Session, jobseeker_ids: Sequence[UUID]) -> dict[str, list[Schema]]:
        """Return all of it as the person may read it; of several records of one person, all of theirs."""
        return {
            held.model.__tablename__: [held.shape(session, row) for row in self._of(session, held, *jobseeker_ids)]
            for held in self.tables
        }

    def reassign(self, session: WriteSession, origin: UUID, target: UUID) -> dict[str, list[UUID]]:
        """Move every row that does not stay to another jobseeker of the same partner; return which were moved."""
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
        """Put back the rows that ``reassign`` moved from ``origin`` to ``target``, and those that hang on them since.

        ``moved`` has them by table, and those of the features that were put back before; ``moving`` names all tables
        whose rows move. Returns what went back, by table, and how many rows came ``since`` of which nothing says that
        they belong there: they stay. A row that hangs on both records is ``TiedTogether``.
        """
        gone: dict[str, set[UUID]] = {}
        stay: dict[str, int] = {}
        for held in self.moving:
            table = held.model.__tablename__
            back = set(moved.get(table, set()))
            rows = self._of(session, held, target)
            parents = _parents(held.model)
            known = {**moved, **gone}
            while True:  # what supersedes a row, or stands under one, that goes back goes with it
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
            there = [row.id for row in rows if row.id in back]
            for row in rows:
                on = [(getattr(row, column), parent) for column, parent in parents if parent in moving]
                if row.id in back and any(
                    key is not None and key not in (back if parent == table else known.get(parent, set()))
                    for key, parent in on
                ):
                    raise TiedTogether
            for start in range(0, len(there), AT_ONCE):
                session.execute(
                    update(held.model)
                    .where(held.model.id.in_(there[start : start + AT_ONCE]))  # type: ignore[attr-defined]
                    .values({_key(held.model): origin})
                    .execution_options(synchronize_session=False)
                )
            gone[table] = back
            stay[table] = sum(row.id not in back and _made_at(row.id) > since for row in rows)
        return gone, stay

    @property
    def moving(self) -> list[Held]:
        return [held for held in self.tables if not held.stays and _key(held.model) is not None]

    def erase(self, session: WriteSession, jobseeker_id: UUID) -> int:
        """Delete every row for good, newest tables first; return how many."""
        gone = 0
        self.scrub(session, jobseeker_id)
        for held in reversed(self.tables):
            theirs = _about(held.model, jobseeker_id)
            if "supersedes" in held.model.__table__.c:
                session.execute(update(held.model).where(theirs).values(supersedes=None))
            gone += session.execute(delete(held.model).where(theirs)).rowcount  # type: ignore[attr-defined]
        return gone

    @staticmethod
    def _of(session: Session, held: Held, *jobseeker_ids: UUID) -> list[Any]:
        order = held.model.__table__.c.get("recorded_at", held.model.id)  # type: ignore[attr-defined]
        rows = select(held.model).where(_about(held.model, *jobseeker_ids)).order_by(order, held.model.id)  # type: ignore[attr-defined]
        return list(session.scalars(rows))


def _made_at(row_id: UUID) -> datetime:
    """Return when an id was made: its first 48 bits are milliseconds (RFC 9562)."""
    return datetime.fromtimestamp((row_id.int >> 80) / 1000, UTC)


def _parents(model: type[Base]) -> list[tuple[str, str]]:
    """Return the columns by which a row hangs on another one about the person, or supersedes one, and its table."""
    found = []
    for constraint in model.__table__.foreign_key_constraints:  # type: ignore[attr-defined]
        if "jobseeker_id" in constraint.column_keys or not isinstance(constraint.referred_table, Table):
            continue
        if "jobseeker_id" in constraint.referred_table.c:
            found.append((constraint.column_keys[-1], constraint.referred_table.name))
    return found


def _key(model: type[Base]) -> Any:
    """The column that names the jobseeker; None for the table of jobseekers itself."""
    return getattr(model, "jobseeker_id", None)


def _about(model: type[Base], *jobseeker_ids: UUID) -> ColumnElement[bool]:
    """Return the condition that a row is about a person, or about one of several records of one partner.

    It names the partner too, for the index of each table about people begins with it.
    """
    key: Any = _key(model)
    if key is None:
        mine: ColumnElement[bool] = model.id.in_(jobseeker_ids)  # type: ignore[attr-defined]
        return mine
    columns, people = model.__table__.c, Base.metadata.tables["jobseekers"].c
    if "partner_id" not in columns:
        return key.in_(jobseeker_ids)  # type: ignore[no-any-return]
    partner = select(people.partner_id).where(people.id == jobseeker_ids[0]).scalar_subquery()
    return and_(columns.partner_id == partner, key.in_(jobseeker_ids))


def fact_entry(what: str, tell: Callable[[Any], str]) -> Callable[[Any], TimelineEntry]:
    """Return the timeline entry of a fact; ``tell`` gives one plain sentence of dates and states, nothing hidden."""

    def entry(row: Any) -> TimelineEntry:
        return TimelineEntry(
            id=row.id,
            on=row.valid_on,
            recorded_at=row.recorded_at,
            what=f"{what} taken back" if row.is_withdrawal else what,
            text=row.reason if row.is_withdrawal else tell(row),
            by=row.by,
            source=row.source.value,
        )

    return entry


def as_schema(schema: type[Schema]) -> Any:
    """Return the shape of a row that needs nothing but its own columns."""

    def shape(_: Session, row: Any) -> Schema:
        return schema.model_validate(row)

    return shape
