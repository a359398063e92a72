"""What is open, kept in this process as columns: brought up to date before each answer, and never the last word.

A trigger notes every change to a placement or its places. Before an answer the index reads the notes it has not seen,
reads those placements anew, and puts new columns beside the old; whoever holds the old ones keeps them. The index
proposes: what is shown is checked again in the transaction that records it, so that even a change the index missed
can show nothing wrong.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import compress
from threading import Event, Lock
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, bindparam, delete, func, literal, literal_column, or_, select, true, update
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils.compat import uuid7

from matching.bulk import passes
from matching.bulk.columns import DayArrays, PlacementColumns, PlacementRows, day_arrays, jobseeker_arrays
from matching.bulk.word_tables import WordTables
from matching.pairs.eligibility import Context
from matching.pairs.grades import hash_of
from matching.pairs.profiles import JobseekerProfile, PlacementProfile
from matching.score.ranker import PlacementRanker, TwoSidedModel
from pathways.base import Actor, local_day, utc_now
from pathways.database import Database, ReadSession, Session
from pathways.errors import DomainError
from pathways.jobseekers.exclusions import name_hash
from pathways.placements import queries as placement_queries
from pathways.placements.models import PlacementChangeMark
from pathways.placements.versions import store_missing
from pathways.reference import taxonomy, vocabulary
from pathways.shortlists import profiles, queries
from pathways.shortlists.models import ModelState, RankingModel
from pathways.shortlists.snapshot import numbers_packed

ENDLESS = date.max.toordinal()
NOT_KEPT = 0
# A list is for one of these many days at once; a day asked for less often is worked out anew.
DAYS_KEPT = 4
SECONDS_BETWEEN_TRIES = 2.0
# Words of listings that closed long ago stay in the lexicon: grown so much since it was begun, it is begun anew.
TIMES_GROWN, MOST_GROWN_BY = 4, 50_000
NOTES_KEPT = 100_000
MOST_TOKEN = 2**53
MOST_MENDED = 5_000  # beyond so many changed listings everything is read anew, which takes no more parameters


@dataclass(frozen=True, slots=True)
class Listing:
    """What a shortlist shows of a placement."""

    title: str
    social_enterprise: str
    place_basis: str | None
    hours: float | None
    pence_an_hour: int | None

    @classmethod
    def of(cls, row: Any) -> "Listing":
        hours = float(row.hours_per_week) if row.hours_per_week is not None else None
        return cls(row.title, row.social_enterprise, row.place_basis, hours, row.pay_per_hour_pence)


@dataclass(frozen=True, eq=False)
class Day:
    """What may be shortlisted on one day.

    ``numbers`` and ``versions`` belong to the rows of ``columns``: the short number of each listing's version, and the
    version itself. ``by_number`` are those rows in the order of their numbers; packed, as each shortlist keeps them.
    Nothing can be told again later of a listing whose version is not kept, so such a one is not among them.
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
        """Every listing, in the order they were read."""
        return list(self.columns.profiles)

    def row_of(self, placement_id: UUID) -> int | None:
        """Return which row of the columns a listing is; None where it is not open on this day."""
        key = str(placement_id)
        return next((row for row in range(len(self.columns)) if self.columns.profile(row).key == key), None)


@dataclass(frozen=True, eq=False)
class IndexState:
    """Everything published, the words and the model in force, as they stood at one moment."""

    rows: PlacementRows
    listings: list[Listing]
    numbers: NDArray[np.int64]
    versions: NDArray[np.int64]
    closes: NDArray[np.int64]
    lexicon: WordTables
    model: TwoSidedModel
    _days: dict[date, Day] = field(default_factory=dict)
    _lock: Any = field(default_factory=Lock)

    def on(self, day: date) -> Day:
        """Return what has not closed by a day."""
        with self._lock:
            if day not in self._days:
                while len(self._days) >= DAYS_KEPT:
                    self._days.pop(next(iter(self._days)))
                self._days[day] = self._made(day)
            return self._days[day]

    def ranker(self, day: date) -> PlacementRanker:
        return PlacementRanker(self.lexicon.vocabulary, self.on(day).context, self.model)

    def _made(self, day: date) -> Day:
        is_open = self.closes >= day.toordinal()
        rows = self.rows if is_open.all() else self.rows.kept(is_open)
        columns = PlacementColumns.of_rows(rows, self.lexicon)
        context = profiles.context(day)
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
        """Return the same under another model."""
        return IndexState(self.rows, self.listings, self.numbers, self.versions, self.closes, self.lexicon, model)

    def without(self, gone: Iterable[str]) -> "IndexState":
        """Return all but some listings."""
        keys = set(gone)
        hashes = np.array([hash_of(key) for key in keys], dtype=np.uint64)
        mask = ~np.isin(self.rows.hashes, hashes)
        for row in np.flatnonzero(~mask).tolist():
            mask[row] = self.rows.profiles[row].key not in keys
        return IndexState(
            self.rows if mask.all() else self.rows.kept(mask),
            list(compress(self.listings, mask.tolist())),
            self.numbers[mask],
            self.versions[mask],
            self.closes[mask],
            self.lexicon,
            self.model,
        )

    def and_also(self, session: Session, listings: Iterable[Any]) -> "IndexState":
        """Return these and the listings of some rows of the database."""
        fresh = list(listings)
        hashed = partial(name_hash, session)
        more = PlacementRows.of((profiles.of_placement(row, hashed) for row in fresh), self.lexicon)
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
        )


NONE = np.zeros(0, dtype=np.int64)


def read(session: Session, lexicon: WordTables | None = None) -> IndexState:
    """Read everything that is published, in a session that is open: for a command, or inside a long act."""
    words = lexicon or WordTables(vocabulary.in_force(session))
    empty = IndexState(PlacementRows.of([], words), [], NONE, NONE, NONE, words, queries.released_model(session))
    return empty.and_also(session, session.execute(placement_queries.published()))


@dataclass(frozen=True, slots=True)
class Seen:
    """Up to where the notes of changes have been read, and what of words and models was read with them.

    On PostgreSQL transactions commit out of the order of their numbers: every note of a transaction that is not older
    than ``horizon``, the oldest one still running at the last look, is looked at again, and ``numbers`` are those of
    them that were dealt with.
    """

    last: int = 0
    token: int = 0
    horizon: int = 0
    numbers: frozenset[int] = frozenset()
    words: tuple[UUID | None, UUID | None] = (None, None)
    model: str | None = None


class Index:
    """The standing of one database, kept up to date by whoever asks for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: IndexState | None = None
        self.seen = Seen()
        self._most_words = MOST_GROWN_BY
        # Read once and the pass compiled: from now on an answer waits for what changed only.
        self.is_ready = False

    def current(self, database: Database) -> IndexState:
        """Return what stands now: every change that was committed before this call is in it."""
        with self.reading(database) as (_, current):
            return current

    @contextmanager
    def reading(self, database: Database, actor: Actor | None = None) -> Iterator[tuple[ReadSession, IndexState]]:
        """Open a session to read with, beside what stands now."""
        with database.reading(actor, newest=True) as session:
            # The first thing read, and under the lock, so that no reader brings the index back to an older moment.
            with self._lock:
                current = self._brought_up_to_date(session, is_sqlite=database.is_sqlite)
            yield session, current

    def _brought_up_to_date(self, session: Session, *, is_sqlite: bool) -> IndexState:
        before, current = self.seen, self._state
        query = NOTES[is_sqlite, before.last > 0]
        notes = list(session.connection().execute(query, {"last": before.last, "horizon": before.horizon}))
        seen, changed = _changed_placements(before, notes)
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
            if changed:
                fresh = session.execute(placement_queries.published(changed)).all()
                current = current.without(str(one) for one in changed).and_also(session, fresh)
        self._state, self.seen = current, seen
        return current


def _notes(new: Any, horizon: Any) -> Select[Any]:
    """Return the query of changes, always with one row at least: each says what is in force, too."""
    stamp = taxonomy.stamp().subquery()
    released = select(RankingModel.name).where(RankingModel.state == ModelState.RELEASED).scalar_subquery()
    notes = select(
        PlacementChangeMark.number,
        PlacementChangeMark.token,
        PlacementChangeMark.placement_id,
        PlacementChangeMark.mark,
    )
    found = notes.where(new).subquery()
    return select(
        stamp.c.newest_label,
        stamp.c.newest_relation,
        released.label("model"),
        horizon.label("horizon"),
        found.c.number,
        found.c.token,
        found.c.placement_id,
        found.c.mark,
    ).select_from(stamp.outerjoin(found, true()))


# The last note seen comes again; where it does not, the database is another one or was emptied.
NEWEST = PlacementChangeMark.number == select(func.max(PlacementChangeMark.number)).scalar_subquery()
OLDEST_RUNNING: Any = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
NOT_YET_BEGUN: Any = literal_column("pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
SINCE_LAST = PlacementChangeMark.number >= bindparam("last")
SINCE_HORIZON = or_(PlacementChangeMark.number == bindparam("last"), PlacementChangeMark.mark >= bindparam("horizon"))
# By whether it is SQLite, and whether anything was read before. Made once, for each costs more to put together than to
# run.
NOTES = {
    (True, False): _notes(NEWEST, literal(0)),
    (True, True): _notes(SINCE_LAST, literal(0)),
    (False, False): _notes(NEWEST, OLDEST_RUNNING),
    (False, True): _notes(SINCE_HORIZON, OLDEST_RUNNING),
}


def _changed_placements(before: Seen, notes: list[Any]) -> tuple[Seen, set[UUID] | None]:
    """Return how far the notes have been read, and which placements changed; None where all must be read anew."""
    first = notes[0]
    there = [note for note in notes if note.number is not None]
    words, model, horizon = (first.newest_label, first.newest_relation), first.model, first.horizon
    newest = max(there, key=lambda note: note.number, default=None)
    open_still = frozenset(note.number for note in there if note.mark is not None and note.mark >= horizon)
    seen = Seen(newest.number if newest else 0, newest.token if newest else 0, horizon, open_still, words, model)
    is_same = any(note.number == before.last and note.token == before.token for note in there)
    if not before.last or not is_same or horizon < before.horizon:
        return seen, None
    fresh = {note.placement_id for note in there if note.number != before.last and note.number not in before.numbers}
    return seen, fresh if len(fresh) <= MOST_MENDED else None


_kept: WeakKeyDictionary[Database, Index] = WeakKeyDictionary()
_keeping = Lock()


def of(database: Database) -> Index:
    """Return the index this process keeps of a database."""
    with _keeping:
        found = _kept.get(database)
        if found is None:
            found = _kept[database] = Index()
        return found


def forget_old_notes(database: Database, most: int = NOTES_KEPT) -> None:
    """Keep the newest notes of changes only, at least one; who had not read so far yet reads everything anew."""
    newest = select(func.max(PlacementChangeMark.number)).scalar_subquery()
    with database.writing(None) as session:
        session.execute(
            delete(PlacementChangeMark)
            .where(PlacementChangeMark.number <= newest - most)
            .execution_options(synchronize_session=False)
        )
        if session.scalars(select(PlacementChangeMark.number).limit(1)).first() is None:
            # Where nothing was ever noted a look could not tell that nothing has changed, and would read everything.
            session.add(PlacementChangeMark(placement_id=UUID(int=0), token=uuid7().int % MOST_TOKEN))
        if not database.is_sqlite:
            # Transactions of another cluster, whose dump this is: here they would seem to be running for ever.
            session.execute(
                update(PlacementChangeMark)
                .where(PlacementChangeMark.mark >= NOT_YET_BEGUN)
                .values(mark=None)
                .execution_options(synchronize_session=False)
            )


def warm(database: Database, stop: Event) -> None:
    """Read the index and compile the pass at the start, so that no caseworker waits for either; try until it works."""
    kept = of(database)
    while not stop.is_set():
        try:
            forget_old_notes(database)
            with database.writing(None) as session:
                store_missing(session)
            current = kept.current(database)
        except (SQLAlchemyError, DomainError):  # a model that cannot be read is retired by a person, then it goes on
            stop.wait(SECONDS_BETWEEN_TRIES)
            continue
        day = current.on(local_day(utc_now()))
        somebody = jobseeker_arrays([JobseekerProfile()], day.columns, day.context)
        passes.check_and_score(somebody, 0, day.columns.arrays, current.model.tables.arrays, day.arrays)
        # What was read stays for the life of the process: looking through it for rubbish would cost each answer more
        # than its ranking.
        gc.collect()
        gc.freeze()
        kept.is_ready = True
        return
