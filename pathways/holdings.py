"""What a feature must offer about a person: rows, timeline, extract, reassign, undo, erase.

Each feature that keeps rows about a person registers one ``Holding`` in ``app.py``; ``casefile`` loops over them and
knows none of them by name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, select, update

from pathways.base import Actor, Base
from pathways.database import Session, WriteSession
from pathways.fields import Group, Schema


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


@dataclass(frozen=True)
class Held:
    """One table that keeps rows about a person."""

    model: type[Base]
    shape: Callable[[Session, Any], Schema]
    entry: Callable[[Any], TimelineEntry | None] = lambda _: None


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

    def extract(self, session: Session, jobseeker_id: UUID) -> dict[str, list[Schema]]:
        """Return all of it as the person may read it."""
        return {
            held.model.__tablename__: [held.shape(session, row) for row in self._of(session, held, jobseeker_id)]
            for held in self.tables
        }

    def reassign(self, session: WriteSession, origin: UUID, target: UUID) -> dict[str, list[UUID]]:
        """Move every row to another jobseeker of the same partner; what it returns lets ``undo`` put them back."""
        moved: dict[str, list[UUID]] = {}
        for held in self.tables:
            key = _key(held.model)
            if key is None:
                continue
            ids = list(session.scalars(select(held.model.id).where(_about(held.model, origin))))  # type: ignore[attr-defined]
            session.execute(update(held.model).where(_about(held.model, origin)).values({key: target}))
            moved[held.model.__tablename__] = ids
        return moved

    def undo(self, session: WriteSession, moved: dict[str, list[UUID]], origin: UUID) -> None:
        """Put back exactly the rows that ``reassign`` moved."""
        for held in self.tables:
            key = _key(held.model)
            ids = moved.get(held.model.__tablename__, [])
            if key is not None and ids:
                session.execute(
                    update(held.model).where(held.model.id.in_(ids)).values({key: origin})  # type: ignore[attr-defined]
                )

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
    def _of(session: Session, held: Held, jobseeker_id: UUID) -> list[Any]:
        order = held.model.__table__.c.get("recorded_at", held.model.id)  # type: ignore[attr-defined]
        rows = select(held.model).where(_about(held.model, jobseeker_id)).order_by(order, held.model.id)  # type: ignore[attr-defined]
        return list(session.scalars(rows))


def _key(model: type[Base]) -> Any:
    """The column that names the jobseeker; None for the table of jobseekers itself."""
    return getattr(model, "jobseeker_id", None)


def _about(model: type[Base], jobseeker_id: UUID) -> ColumnElement[bool]:
    """Return the condition that a row is about a person.

    It names the partner too, for the index of each table about people begins with it.
    """
    key: Any = _key(model)
    if key is None:
        mine: ColumnElement[bool] = model.id == jobseeker_id  # type: ignore[attr-defined]
        return mine
    columns, people = model.__table__.c, Base.metadata.tables["jobseekers"].c
    if "partner_id" not in columns:
        return key == jobseeker_id  # type: ignore[no-any-return]
    partner = select(people.partner_id).where(people.id == jobseeker_id).scalar_subquery()
    return and_(columns.partner_id == partner, key == jobseeker_id)


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
