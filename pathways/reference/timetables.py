"""The loaded timetable of public transport: one row with the packed arrays, so that every process reads the same one.

It is in the database, not in a file beside it: several processes, a restored backup and both kinds of database then
have the one timetable that the last committed command loaded. A timetable that a stored shortlist used is kept when it
is replaced or removed, so that the shortlist can still be explained.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Lock
from uuid import UUID

from sqlalchemy import JSON, Index, LargeBinary, delete, select, text, true, update
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import ColumnElement

from matching.timetables.timetable import Timetable, TimetableUnreadable
from pathways.base import LINE, SHORT, Base, PrimaryKey
from pathways.database import Session, WriteSession
from pathways.errors import NotFound, RuleBroken
from pathways.reference.gtfs import FeedRead

UNPACKED_KEPT = 2  # in memory: the current one, and one that an older shortlist used
_in_memory: dict[UUID, Timetable] = {}
_lock = Lock()


class LoadedTimetable(Base):
    """A timetable that an operator loaded. At most one is current."""

    __tablename__ = "timetables"
    __unaudited__ = True
    __table_args__ = (
        Index(
            "uq_timetables_one_current",
            "is_current",
            unique=True,
            sqlite_where=text("is_current"),
            postgresql_where=text("is_current"),
        ),
    )

    id: Mapped[PrimaryKey]
    file_name: Mapped[str] = mapped_column(LINE)
    sha256: Mapped[str] = mapped_column(SHORT)
    is_current: Mapped[bool]
    loaded_on: Mapped[date]
    first_on: Mapped[date]
    last_on: Mapped[date]
    modes: Mapped[list[str]] = mapped_column(JSON)
    stops: Mapped[int]
    trips: Mapped[int]
    calls: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)


COLUMNS = (LoadedTimetable.id, LoadedTimetable.loaded_on, LoadedTimetable.first_on, LoadedTimetable.last_on)


@dataclass(frozen=True, slots=True)
class StoredTimetable:
    """A timetable with its days. ``timetable`` is the unpacked one, shared by all readers of this process."""

    id: UUID
    loaded_on: date
    first_on: date
    last_on: date
    timetable: Timetable


def store(session: WriteSession, file_name: str, feed: FeedRead, today: date, is_used: ColumnElement[bool]) -> bool:
    """Make a timetable the current one, in place of the one before. Return False if it is the current one already.

    ``is_used`` is the condition that a stored shortlist used a timetable.
    """
    content = feed.timetable.packed()
    digest = hashlib.sha256(content).hexdigest()
    _wait_for_others(session)
    known = select(LoadedTimetable.content).where(LoadedTimetable.is_current)
    stored = session.scalars(known).first()
    if stored is not None and hashlib.sha256(stored).hexdigest() == digest:
        return False
    _retire(session, is_used, today)
    timetable = feed.timetable
    session.add(
        LoadedTimetable(
            file_name=file_name,
            sha256=digest,
            is_current=True,
            loaded_on=today,
            first_on=date.fromordinal(timetable.first_on),
            last_on=date.fromordinal(timetable.last_on),
            modes=feed.modes,
            stops=len(timetable.east),
            trips=len(timetable.kind),
            calls=len(timetable.stop),
            content=content,
        )
    )
    return True


def remove(session: WriteSession, is_used: ColumnElement[bool], today: date) -> None:
    """Take the current timetable out of use. A stored shortlist that used it keeps it."""
    _wait_for_others(session)
    must_be_loaded(session)
    _retire(session, is_used, today)


def _wait_for_others(session: WriteSession) -> None:
    """Let one command at a time replace the timetable. SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE timetables IN SHARE ROW EXCLUSIVE MODE"))


def _retire(session: WriteSession, is_used: ColumnElement[bool], today: date) -> None:
    """Delete what earlier commands replaced and no stored shortlist used, then take the current one out of use.

    What was loaded lately is not deleted yet, because a shortlist that was ranked by it may be recorded a moment later.
    """
    unused = delete(LoadedTimetable).where(
        ~LoadedTimetable.is_current, ~is_used, LoadedTimetable.loaded_on < today - timedelta(days=1)
    )
    session.execute(unused.execution_options(synchronize_session=False))
    current = update(LoadedTimetable).where(LoadedTimetable.is_current).values(is_current=False)
    session.execute(current.execution_options(synchronize_session=False))


def must_be_loaded(session: Session) -> LoadedTimetable:
    """Return the row of the current timetable. Raises ``NotFound`` if none is loaded."""
    row = session.scalars(select(LoadedTimetable).where(LoadedTimetable.is_current)).one_or_none()
    if row is None:
        raise NotFound("No timetable is loaded. Load one with: pathways transport load FILE.zip")
    return row


def current(session: Session) -> StoredTimetable | None:
    """Return the current timetable; None if none is loaded."""
    return _stored(session, LoadedTimetable.is_current == true())


def by_id(session: Session, timetable_id: UUID | None) -> StoredTimetable | None:
    """Return the timetable that a stored shortlist used; None if it used none."""
    return None if timetable_id is None else _stored(session, LoadedTimetable.id == timetable_id)


def _stored(session: Session, where: ColumnElement[bool]) -> StoredTimetable | None:
    row = session.execute(select(*COLUMNS).where(where)).one_or_none()
    return None if row is None else StoredTimetable(*row, _unpacked(session, row.id))


def _unpacked(session: Session, timetable_id: UUID) -> Timetable:
    """Return a timetable from memory or, if it is not there, from the database. A row never changes its content."""
    with _lock:
        if timetable_id not in _in_memory:
            query = select(LoadedTimetable.content).where(LoadedTimetable.id == timetable_id)
            try:
                timetable = Timetable.unpacked(session.scalars(query).one())
            except TimetableUnreadable as broken:
                raise RuleBroken(str(broken)) from broken
            while len(_in_memory) >= UNPACKED_KEPT:
                _in_memory.pop(next(iter(_in_memory)))
            _in_memory[timetable_id] = timetable
        return _in_memory[timetable_id]
