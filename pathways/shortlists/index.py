"""A cache of the published placements as columns in memory, brought up to date before each ranking.

A database trigger writes a change mark for every change to a placement or its places. Before each ranking the index
reads the new change marks, reads the changed placements again and builds a new ``IndexState``. A running request keeps
the state it started with. The index is not authoritative: every match is checked again in the transaction that records
it, so a change that the index missed cannot lead to a wrong shortlist.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import compress
from threading import Lock
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, bindparam, delete, func, literal, literal_column, or_, select, true, update
from uuid_utils.compat import uuid7

from matching.bulk import passes
from matching.bulk.columns import DayArrays, PlacementColumns, PlacementRows, day_arrays, jobseeker_arrays
from matching.bulk.word_tables import WordTables
from matching.pairs.eligibility import Context
from matching.pairs.grades import hash_of
from matching.pairs.profiles import JobseekerOffer, JobseekerProfile, JobseekerWishes, PlacementProfile
from matching.score.ranker import PlacementRanker, TwoSidedModel
from pathways.base import Actor, local_day, utc_now
from pathways.database import Database, ReadSession, Session
from pathways.placements import queries as placement_queries
from pathways.placements.models import PlacementChangeMark, known_pay
from pathways.placements.versions import store_missing
from pathways.reference import taxonomy, timetables, vocabulary
from pathways.reference.timetables import LoadedTimetable, StoredTimetable
from pathways.shortlists import profiles, queries
from pathways.shortlists.models import ModelState, RankingModel
from pathways.shortlists.snapshot import numbers_packed

ENDLESS = date.max.toordinal()
NOT_KEPT = 0
# The number of days whose columns are cached. The oldest entry is dropped first, and is built again if needed.
DAYS_KEPT = 4
# The lexicon also holds words of placements that have closed. It is built again once it has more words than
# TIMES_GROWN times its first size plus MOST_GROWN_BY.
TIMES_GROWN, MOST_GROWN_BY = 4, 50_000
NOTES_KEPT = 100_000
# A first word of each kind is compared with all listings at the start, which takes a second or two, not at a request.
SAYS_A_WORD_OF_EACH_KIND = JobseekerProfile(
    wishes=JobseekerWishes(aspirations=("gardening",), avoid=("noise",), environment=("quiet",)),
    offer=JobseekerOffer(skills=("cooking",)),
)
MOST_TOKEN = 2**53
MOST_MENDED = 5_000  # if more placements changed, all placements are read again: that query needs no list of ids


@dataclass(frozen=True, slots=True)
class Listing:
    """The fields of a placement that a shortlist reply contains. A pay of 0: the work is known to be unpaid."""

    title: str
    social_enterprise: str
    place_basis: str | None
    hours: float | None
    pence_an_hour: int | None

    @classmethod
    def of(cls, row: Any) -> "Listing":
        hours = float(row.hours_per_week) if row.hours_per_week is not None else None
        return cls(
            row.title, row.social_enterprise, row.place_basis, hours, known_pay(row.kind, row.pay_per_hour_pence)
        )


@dataclass(frozen=True, eq=False)
class Day:
    """The placements that may be shortlisted on one day.

    ``numbers`` holds the short id of each placement's stored version (``PlacementVersion.number``). ``versions`` holds
    the value of ``Placement.version``. Both have the order of the rows of ``columns``. ``by_number`` lists the rows in
    ascending order of short id, without placements that have no stored version: their results could not be explained
    later. ``packed_numbers`` holds the short ids in the packed form that each shortlist stores.
    """

    columns: PlacementColumns
    arrays: DayArrays
    context: Context
    numbers: NDArray[np.int64]
    versions: NDArray[np.int64]
    by_number: NDArray[np.intp]
    packed_numbers: bytes
    listings: list[Listing]

    def listing(self, row: int) -> Listing:
        return self.listings[int(self.columns.order[row])]

    @property
    def profiles(self) -> list[PlacementProfile]:
        """All placements, in the order they were read from the database."""
        return list(self.columns.profiles)

    def row_of(self, placement_id: UUID) -> int | None:
        """Return the row of a placement in ``columns``; None if the placement is not open on this day."""
        key = str(placement_id)
        return next((row for row in range(len(self.columns)) if self.columns.profile(row).key == key), None)


@dataclass(frozen=True, eq=False)
class IndexState:
    """All published placements, the lexicon, the released ranking model and the timetable at one moment.

    ``closes`` holds the ordinal of each closing date. The lists and arrays have one entry for each placement.
    """

    rows: PlacementRows
    listings: list[Listing]
    numbers: NDArray[np.int64]
    versions: NDArray[np.int64]
    closes: NDArray[np.int64]
    lexicon: WordTables
    model: TwoSidedModel
    timetable: StoredTimetable | None = None
    _days: dict[date, Day] = field(default_factory=dict)
    _lock: Any = field(default_factory=Lock)

    def on(self, day: date) -> Day:
        """Return the placements whose closing date is not before a day, from the cache if possible."""
        with self._lock:
            if day not in self._days:
                while len(self._days) >= DAYS_KEPT:
                    self._days.pop(next(iter(self._days)))
                self._days[day] = self._build_day(day)
            return self._days[day]

    def ranker(self, day: date) -> PlacementRanker:
        return PlacementRanker(self.lexicon.vocabulary, self.on(day).context, self.model)

    def _build_day(self, day: date) -> Day:
        is_open = self.closes >= day.toordinal()
        rows = self.rows if is_open.all() else self.rows.kept(is_open)
        columns = PlacementColumns.of_rows(rows, self.lexicon)
        context = profiles.context(day, self.timetable)
        numbers = self.numbers[is_open][columns.order]
        by_number = np.argsort(numbers)[np.count_nonzero(numbers == NOT_KEPT) :]
        return Day(
            columns,
            day_arrays(context, columns),
            context,
            numbers,
            self.versions[is_open][columns.order],
            by_number,
            numbers_packed(numbers[by_number]),
            list(compress(self.listings, is_open.tolist())),
        )

    def ranked_by(self, model: TwoSidedModel) -> "IndexState":
        """Return a copy of this state with another ranking model."""
        return replace(self, model=model, _days={}, _lock=Lock())

    def timed_by(self, timetable: StoredTimetable | None) -> "IndexState":
        """Return a copy of this state with another timetable, or without one."""
        return replace(self, timetable=timetable, _days={}, _lock=Lock())

    def without(self, removed: Iterable[str]) -> "IndexState":
        """Return a copy of this state without the placements that have the given keys."""
        removed_keys = set(removed)
        hashes = np.array([hash_of(key) for key in removed_keys], dtype=np.uint64)
        mask = ~np.isin(self.rows.hashes, hashes)
        for row in np.flatnonzero(~mask).tolist():
            mask[row] = self.rows.profiles[row].key not in removed_keys
        return IndexState(
            self.rows if mask.all() else self.rows.kept(mask),
            list(compress(self.listings, mask.tolist())),
            self.numbers[mask],
            self.versions[mask],
            self.closes[mask],
            self.lexicon,
            self.model,
            self.timetable,
        )

    def and_also(self, listings: Iterable[Any]) -> "IndexState":
        """Return a copy of this state with the placements of the given database rows added."""
        fresh = list(listings)
        more = PlacementRows.of(map(profiles.of_placement, fresh), self.lexicon)
        return IndexState(
            self.rows.and_also(more),
            [*self.listings, *map(Listing.of, fresh)],
            np.concatenate([self.numbers, np.array([row.number or NOT_KEPT for row in fresh], dtype=np.int64)]),
            np.concatenate([self.versions, np.array([row.version for row in fresh], dtype=np.int64)]),
            np.concatenate(
                [
                    self.closes,
                    np.array([row.closes_on.toordinal() if row.closes_on else ENDLESS for row in fresh], np.int64),
                ]
            ),
            self.lexicon,
            self.model,
            self.timetable,
        )


NONE = np.zeros(0, dtype=np.int64)


def read(session: Session, lexicon: WordTables | None = None) -> IndexState:
    """Read all published placements in an open session, without the cache; for commands and long-running actions."""
    words = lexicon or WordTables(vocabulary.in_force(session))
    model, timetable = queries.released_model(session), timetables.current(session)
    empty = IndexState(PlacementRows.of([], words), [], NONE, NONE, NONE, words, model, timetable)
    return empty.and_also(session.execute(placement_queries.published()))


@dataclass(frozen=True, slots=True)
class Seen:
    """How far the change marks have been read, and which words, model and timetable were current then.

    On PostgreSQL, transactions may commit in another order than their ids. ``horizon`` is the oldest transaction that
    was still running at the last read. Marks of that transaction and of later ones are read again. ``numbers`` holds
    the numbers of those marks that have already been applied.
    """

    last: int = 0
    token: int = 0
    horizon: int = 0
    numbers: frozenset[int] = frozenset()
    words: tuple[UUID | None, UUID | None] = (None, None)
    model: str | None = None
    timetable: UUID | None = None


class Index:
    """The cached ``IndexState`` of one database; each reader brings it up to date first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: IndexState | None = None
        self.seen = Seen()
        self._most_words = MOST_GROWN_BY
        # True once the placements are read and the bulk pass is compiled. Then a request waits only for changes.
        self.is_ready = False

    def current(self, database: Database) -> IndexState:
        """Return the current state, with every change that was committed before this call."""
        with self.reading(database) as (_, current):
            return current

    @contextmanager
    def reading(self, database: Database, actor: Actor | None = None) -> Iterator[tuple[ReadSession, IndexState]]:
        """Open a read session and yield it with the current state."""
        with database.reading(actor, newest=True) as session:
            # The change marks are the first thing this session reads, and the lock is held, so that no reader can set
            # the index back to an older snapshot.
            with self._lock:
                current = self._brought_up_to_date(session, is_sqlite=database.is_sqlite)
            yield session, current

    def _brought_up_to_date(self, session: Session, *, is_sqlite: bool) -> IndexState:
        before, current = self.seen, self._state
        query = NOTES[is_sqlite, before.last > 0]
        marks = list(session.connection().execute(query, {"last": before.last, "horizon": before.horizon}))
        seen, changed = _changed_placements(before, marks)
        are_same_words = current is not None and seen.words == before.words
        is_outgrown = current is not None and current.lexicon.count_of_words() > self._most_words
        if current is None or changed is None or not are_same_words or is_outgrown:
            words = current.lexicon if current and are_same_words and not is_outgrown else None
            current = read(session, words or WordTables(vocabulary.in_force(session, seen.words)))
            if words is None:
                self._most_words = TIMES_GROWN * current.lexicon.count_of_words() + MOST_GROWN_BY
        else:
            if seen.model != before.model:
                current = current.ranked_by(queries.released_model(session))
            if seen.timetable != before.timetable:
                current = current.timed_by(timetables.current(session))
            if changed:
                fresh = session.execute(placement_queries.published(changed)).all()
                current = current.without(str(placement_id) for placement_id in changed).and_also(fresh)
        self._state, self.seen = current, seen
        return current


def _notes(new: Any, horizon: Any) -> Select[Any]:
    """Return a query of change marks, each with the current words, model, timetable and horizon.

    It gives one row if there are no marks.
    """
    stamp = taxonomy.stamp().subquery()
    released = select(RankingModel.name).where(RankingModel.state == ModelState.RELEASED).scalar_subquery()
    timetable = select(LoadedTimetable.id).where(LoadedTimetable.is_current).scalar_subquery()
    marks = select(
        PlacementChangeMark.number,
        PlacementChangeMark.token,
        PlacementChangeMark.placement_id,
        PlacementChangeMark.mark,
    )
    new_marks = marks.where(new).subquery()
    return select(
        stamp.c.newest_label,
        stamp.c.newest_relation,
        released.label("model"),
        timetable.label("timetable"),
        horizon.label("horizon"),
        new_marks.c.number,
        new_marks.c.token,
        new_marks.c.placement_id,
        new_marks.c.mark,
    ).select_from(stamp.outerjoin(new_marks, true()))


# The last mark that was read is read again. If it is missing, the database was replaced or its marks were deleted.
NEWEST = PlacementChangeMark.number == select(func.max(PlacementChangeMark.number)).scalar_subquery()
OLDEST_RUNNING: Any = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
NOT_YET_BEGUN: Any = literal_column("pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
SINCE_LAST = PlacementChangeMark.number >= bindparam("last")
SINCE_HORIZON = or_(PlacementChangeMark.number == bindparam("last"), PlacementChangeMark.mark >= bindparam("horizon"))
# Keyed by whether the database is SQLite and whether marks were read before. Built once at import, because building
# such a query takes longer than running it.
NOTES = {
    (True, False): _notes(NEWEST, literal(0)),
    (True, True): _notes(SINCE_LAST, literal(0)),
    (False, False): _notes(NEWEST, OLDEST_RUNNING),
    (False, True): _notes(SINCE_HORIZON, OLDEST_RUNNING),
}


def _changed_placements(before: Seen, rows: list[Any]) -> tuple[Seen, set[UUID] | None]:
    """Return how far the marks have been read, and the ids of changed placements (None: read all placements again)."""
    first = rows[0]
    marks = [mark for mark in rows if mark.number is not None]
    words, model, horizon = (first.newest_label, first.newest_relation), first.model, first.horizon
    newest = max(marks, key=lambda mark: mark.number, default=None)
    open_still = frozenset(mark.number for mark in marks if mark.mark is not None and mark.mark >= horizon)
    seen = Seen(
        newest.number if newest else 0,
        newest.token if newest else 0,
        horizon,
        open_still,
        words,
        model,
        first.timetable,
    )
    is_same = any(mark.number == before.last and mark.token == before.token for mark in marks)
    if not before.last or not is_same or horizon < before.horizon:
        return seen, None
    fresh = {mark.placement_id for mark in marks if mark.number != before.last and mark.number not in before.numbers}
    return seen, fresh if len(fresh) <= MOST_MENDED else None


_indexes: WeakKeyDictionary[Database, Index] = WeakKeyDictionary()
_indexes_lock = Lock()


def of(database: Database) -> Index:
    """Return this process's index of a database, and create it at first use."""
    with _indexes_lock:
        index = _indexes.get(database)
        if index is None:
            index = _indexes[database] = Index()
        return index


def forget_old_notes(database: Database, most: int = NOTES_KEPT) -> None:
    """Delete all but the ``most`` newest change marks; at least one mark always remains.

    A process that has not yet read the deleted marks reads all placements again.
    """
    newest = select(func.max(PlacementChangeMark.number)).scalar_subquery()
    with database.writing(None) as session:
        session.execute(
            delete(PlacementChangeMark)
            .where(PlacementChangeMark.number <= newest - most)
            .execution_options(synchronize_session=False)
        )
        if session.scalars(select(PlacementChangeMark.number).limit(1)).first() is None:
            # If there is no mark, a reader cannot tell that nothing has changed, so it reads everything each time.
            session.add(PlacementChangeMark(placement_id=UUID(int=0), token=uuid7().int % MOST_TOKEN))
        if not database.is_sqlite:
            # After a restore, marks can have ids of another cluster's transactions, which never count as finished here.
            session.execute(
                update(PlacementChangeMark)
                .where(PlacementChangeMark.mark >= NOT_YET_BEGUN)
                .values(mark=None)
                .execution_options(synchronize_session=False)
            )


def warm(database: Database) -> None:
    """Read the index and compile the bulk pass and the scan of a timetable, so that no caseworker waits for either.

    Raises an error if the index cannot be read, for instance if the released model cannot be read and must be
    retired. The background loop logs the error and tries again.
    """
    database_index = of(database)
    forget_old_notes(database)
    with database.writing(None) as session:
        store_missing(session)
    current = database_index.current(database)
    day = current.on(local_day(utc_now()))
    people = jobseeker_arrays([JobseekerProfile(), SAYS_A_WORD_OF_EACH_KIND], day.columns, day.context)
    passes.check_and_score(people, 0, day.columns.arrays, current.model.tables.arrays, day.arrays)
    if day.context.timetable is not None:
        day.context.timetable.prepare()
    # The cached objects live as long as the process. Freezing them keeps the garbage collector from scanning them,
    # which would take longer than the ranking itself.
    gc.collect()
    gc.freeze()
    database_index.is_ready = True
