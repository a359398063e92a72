"""Journeys to work and home again by timetable, from one home to many placements at once.

The journey to work is the one that leaves last and arrives by the start of the half-day; the way home is the one that
arrives first after its end. Minutes count from leaving home until work begins, and from the end of work until home, so
a wait for a rare bus counts. Every ranking asks this module, so all have the same minutes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from matching.timetables import scan, scans
from matching.timetables.scan import (
    KIND_BITS,
    MINUTE_BITS,
    MOST_BOARDINGS,
    MOST_MINUTES,
    MOST_WALK_MINUTES,
    NearStops,
    Reached,
)
from matching.timetables.timetable import KINDS, Int32s, Timetable

NOT_COVERED, NOT_IN_TIME = -1, 30_000  # minutes that say: the timetable does not say, and no journey is in time
PARTS = 3
OFFICE_WEEK = 0b011_011_011_011_011  # Monday to Friday, morning and afternoon: for a listing that names no half-day
SCANS_KEPT, WINDOWS_KEPT, PLACES_KEPT = 24, 24, 4096
Place = tuple[float, float]
Minutes = NDArray[np.int16]


class TimedJourneys(NamedTuple):
    """Journeys of one jobseeker, one entry for each placement.

    ``low`` is the middle of the days of work, and ``high`` the worst of them with one vehicle missed, in minutes.
    ``changes`` and ``kinds`` are those of all days: the most changes, and the kinds of vehicle as bits.
    """

    low: Minutes
    high: Minutes
    changes: Minutes
    kinds: Minutes


class LateStart(NamedTuple):
    """Why no journey is in time: the day of the week (0 is Monday), the minute of the day, and which way."""

    weekday: int
    minute: int
    is_back: bool


class _Question(NamedTuple):
    services: int
    minute: int
    is_back: bool


@dataclass(frozen=True, eq=False)
class _OneWay:
    """The ways of one question, one entry for each place: minutes, those with a vehicle missed, and the label."""

    minutes: Int32s
    missed: Int32s
    label: Int32s


class TimedTravel:
    """A timetable on one day, ready for questions.

    Parameters
    ----------
    timetable : Timetable
    on : date
        The day of the shortlist. The days of the week are those that follow it.
    loaded_on : date
        The day on which the timetable was loaded, which sentences name.
    minutes_per_km : float
        On foot, for each straight-line kilometre.
    half_days : sequence of (int, int)
        When the morning, the afternoon and the evening begin and end, in minutes after midnight.
    key : str
        What identifies the timetable. Equal keys mean equal answers.

    Examples
    --------
    >>> bus = (1, [(0, 520, 520), (1, 532, 532)]), (1, [(1, 1024, 1024), (0, 1036, 1036)])
    >>> days = Timetable.of_trips(date(2026, 11, 2).toordinal(), [(0.0, 0.0), (5000.0, 0.0)], list(bus), days=28)
    >>> clock = ((540, 780), (780, 1020), (1020, 1260))
    >>> travel = TimedTravel(days, date(2026, 11, 2), date(2026, 11, 2), 15.0, clock)
    >>> near = travel.near(np.array([[5100.0, 0.0]]))
    >>> journeys = travel.to_all((100.0, 0.0), ("bus",), 0b011, near, np.array([0b011]))
    >>> journeys.low.tolist(), journeys.changes.tolist()
    ([22], [0])
    """

    def __init__(
        self,
        timetable: Timetable,
        on: date,
        loaded_on: date,
        minutes_per_km: float,
        half_days: Sequence[tuple[int, int]],
        key: str = "",
    ) -> None:
        self.timetable, self.on, self.loaded_on, self.key = timetable, on, loaded_on, key
        self.minutes_per_km, self.half_days = minutes_per_km, tuple(half_days)
        self.stops = np.column_stack([timetable.east, timetable.north])
        from scipy.spatial import cKDTree  # noqa: PLC0415 - a fifth of a second, and few services load a timetable

        self._tree = cKDTree(self.stops) if len(self.stops) else None
        self._services: list[NDArray[np.bool_]] = []
        # For each day of the week, which of ``_services`` run; None if the timetable has no such day.
        self._of_weekday = [self._number_of(timetable.services_on(weekday, on)) for weekday in range(7)]
        self._kinds_at = self._kinds_of_stops()
        self._footpaths = self._ways_between_stops()
        self._near_of: WeakKeyDictionary[Any, NearStops] = WeakKeyDictionary()
        # Bound to this object: the caches die with it.
        self._window = lru_cache(WINDOWS_KEPT)(self._window_of)
        self._scanned = lru_cache(SCANS_KEPT)(self._scan_of)
        self._near_one = lru_cache(PLACES_KEPT)(lambda place: self.near(np.array([place], dtype=np.float64)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A caseload hashes what its scores depend on. The caches are no part of it.
        return (_identified, (self.key, self.on, self.minutes_per_km, self.half_days))

    def kinds_of(self, modes: Sequence[str]) -> int:
        """Return the kinds of vehicle, as bits, that a jobseeker can use and that the timetable has.

        Parameters
        ----------
        modes : sequence of str

        Returns
        -------
        int
        """
        return sum(KINDS[mode] for mode in KINDS if mode in modes) & int(
            np.bitwise_or.reduce(self._kinds_at, initial=0)
        )

    def near(self, places: NDArray[np.float64]) -> NearStops:
        """Return the stops within a walk of some places.

        Parameters
        ----------
        places : ndarray of shape (n_places, 2)
            Easting and northing, in metres.

        Returns
        -------
        NearStops
        """
        found = self._tree.query_ball_point(places, self._reach(MOST_WALK_MINUTES)) if self._tree is not None else []
        counts = np.array([len(stops) for stops in found] or [0] * len(places), dtype=np.intp)
        stops = np.array([stop for stops in found for stop in sorted(stops)], dtype=np.intp)
        minutes = self._walk(places[np.repeat(np.arange(len(places)), counts)], self.stops[stops])
        is_near = minutes <= MOST_WALK_MINUTES
        begins = np.concatenate([[0], np.concatenate([[0], np.cumsum(is_near)])[np.cumsum(counts)]]).astype(np.int32)
        return NearStops(begins, stops[is_near].astype(np.int32), minutes[is_near].astype(np.int32), places)

    def near_columns(self, columns: Any, east: NDArray[np.float64], north: NDArray[np.float64]) -> NearStops:
        """Return the stops near the placements of some columns, found once for these columns.

        Parameters
        ----------
        columns : object
            What the result is kept for, as long as it exists.
        east, north : ndarray of shape (n_placements,)

        Returns
        -------
        NearStops
        """
        if columns not in self._near_of:
            self._near_of[columns] = self.near(np.column_stack([east, north]))
        return self._near_of[columns]

    def prepare(self) -> None:
        """Answer a first question, so that no later one waits for the code to be compiled."""
        for place in self.stops[:1].tolist():
            self.to_one((place[0], place[1]), tuple(KINDS), None, (place[0], place[1]), None)

    def to_one(
        self, home: Place, modes: Sequence[str], own_week: int | None, place: Place, week: int | None
    ) -> TimedJourneys | None:
        """Return the journey to one placement, or None if the timetable does not say.

        Parameters
        ----------
        home, place : tuple of float
            Easting and northing, in metres.
        modes : sequence of str
        own_week, week : int or None
            The half-days of the jobseeker and of the placement, as bits.

        Returns
        -------
        TimedJourneys or None
            With one entry.
        """
        weeks = np.array([-1 if week is None else week])
        found = self.to_all(home, modes, own_week, self._near_one(place), weeks)
        return None if found.low[0] == NOT_COVERED else found

    def to_all(
        self, home: Place, modes: Sequence[str], own_week: int | None, near: NearStops, weeks: NDArray[np.integer[Any]]
    ) -> TimedJourneys:
        """Return the journeys from one home to many placements.

        Parameters
        ----------
        home : tuple of float
        modes : sequence of str
        own_week : int or None
        near : NearStops
            The stops near the placements.
        weeks : ndarray of int of shape (n_placements,)
            The half-days of each placement; negative or 0 if they are not known.

        Returns
        -------
        TimedJourneys
            The minutes are -1 where the timetable does not say, because no stop is near, and 30,000 where no journey
            is in time on one of the days.
        """
        kinds = self.kinds_of(modes)
        result = TimedJourneys(*(np.full(len(weeks), NOT_COVERED, dtype=np.int16) for _ in TimedJourneys._fields))
        is_near = self._walk(np.array([home]), self.stops) <= MOST_WALK_MINUTES
        if not kinds or not (self._kinds_at[is_near] & kinds).any():
            return result
        worked = worked_weeks(own_week, weeks)
        is_covered = _any_of(near, (self._kinds_at[near.stops] & kinds) != 0)
        answers: dict[_Question, _OneWay] = {}
        for week in np.unique(worked[is_covered]).tolist():
            rows = np.flatnonzero(is_covered & (worked == week))
            days = self._questions(week)
            if days is None:
                continue
            for question in {question for day in days for question in day}:
                if question not in answers:
                    answers[question] = self._one_way(home, kinds, question, near)
            _combine(result, rows, [[answers[question] for question in day] for day in days])
        return result

    def why_late(
        self, home: Place, modes: Sequence[str], own_week: int | None, place: Place, week: int | None
    ) -> LateStart | None:
        """Return the first day and way of the week for which no journey is in time; None if there is none.

        Parameters
        ----------
        home, place : tuple of float
        modes : sequence of str
        own_week, week : int or None

        Returns
        -------
        LateStart or None
        """
        worked = int(worked_weeks(own_week, np.array([-1 if week is None else week]))[0])
        near, kinds = self._near_one(place), self.kinds_of(modes)
        weekdays = [day for day in range(7) if worked >> PARTS * day & 0b111]
        for weekday, day in zip(weekdays, self._questions(worked) or [], strict=False):
            for question in day:
                if self._one_way(home, kinds, question, near).minutes[0] == NOT_IN_TIME:
                    return LateStart(weekday, question.minute, question.is_back)
        return None

    def _questions(self, week: int) -> list[tuple[_Question, _Question]] | None:
        """Return the questions of each day of work, there and back; None if a day is not in the timetable."""
        days = []
        for weekday in range(7):
            parts = [part for part in range(PARTS) if week >> PARTS * weekday + part & 1]
            services = self._of_weekday[weekday]
            if parts and services is None:
                return None
            if parts and services is not None:
                begin, end = self.half_days[parts[0]][0], self.half_days[parts[-1]][1]
                days.append((_Question(services, begin, is_back=False), _Question(services, end, is_back=True)))
        return days

    def _one_way(self, home: Place, kinds: int, question: _Question, near: NearStops) -> _OneWay:
        """Answer one question for all places: the best way, and the best that leaves one vehicle earlier."""
        reached = self._scanned(home, kinds, question)
        on_foot = self._walk(np.array([home]), near.places)
        left = np.where(on_foot <= MOST_WALK_MINUTES, MOST_MINUTES - on_foot, -1)
        walked = np.where(left >= 0, left << MINUTE_BITS | MOST_BOARDINGS << KIND_BITS, scan.NONE).astype(np.int32)
        best, second = scans.best_of(near, reached, walked)
        # Who walks misses no vehicle. Where no journey is earlier, the best counts alone.
        alone = (second < 0) | (best >> KIND_BITS & MOST_BOARDINGS == MOST_BOARDINGS)
        minutes = np.where(best < 0, NOT_IN_TIME, MOST_MINUTES - (best >> MINUTE_BITS)).astype(np.int32)
        missed = np.where(alone, minutes, MOST_MINUTES - (second >> MINUTE_BITS)).astype(np.int32)
        return _OneWay(minutes, missed, best)

    def _scan_of(self, home: Place, kinds: int, question: _Question) -> Reached:
        walk = self._walk(np.array([home]), self.stops).astype(np.int32)
        return scans.scan(self._window(kinds, question), walk, self._footpaths)

    def _window_of(self, kinds: int, question: _Question) -> scan.Window:
        services = self._services[question.services]
        return scan.window_of(self.timetable, services, kinds, question.minute, is_back=question.is_back)

    def _number_of(self, services: NDArray[np.bool_] | None) -> int | None:
        """Return the number of a set of services, so that days with the same services share their scans."""
        if services is None:
            return None
        for number, known in enumerate(self._services):
            if np.array_equal(known, services):
                return number
        self._services.append(services)
        return len(self._services) - 1

    def _kinds_of_stops(self) -> NDArray[np.uint8]:
        kinds = np.zeros(len(self.stops), dtype=np.uint8)
        runs = np.any(self._services, axis=0) if self._services else np.zeros(len(self.timetable.runs), dtype=np.bool_)
        of_call = np.repeat(
            np.where(runs[self.timetable.service], self.timetable.kind, 0).astype(np.uint8),
            np.diff(self.timetable.calls_from),
        )
        np.bitwise_or.at(kinds, self.timetable.stop, of_call)
        return kinds

    def _ways_between_stops(self) -> scan.Footpaths:
        if self._tree is None:
            return scan.Footpaths(np.zeros(1, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int32))
        pairs = self._tree.query_pairs(self._reach(scan.MOST_CHANGE_WALK_MINUTES), output_type="ndarray")
        both = np.concatenate([pairs, pairs[:, ::-1]])
        both = both[np.lexsort((both[:, 1], both[:, 0]))]
        minutes = self._walk(self.stops[both[:, 0]], self.stops[both[:, 1]])
        both, minutes = (
            both[minutes <= scan.MOST_CHANGE_WALK_MINUTES],
            minutes[minutes <= scan.MOST_CHANGE_WALK_MINUTES],
        )
        begins = np.searchsorted(both[:, 0], np.arange(len(self.stops) + 1))
        return scan.Footpaths(begins.astype(np.int32), both[:, 1].astype(np.int32), minutes.astype(np.int32))

    def _reach(self, minutes: int) -> float:
        return minutes / self.minutes_per_km * 1000 + 1.0

    def _walk(self, start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return whole minutes on foot, rounded up, at most a number that is too far for any walk."""
        east, north = start[:, 0] - end[:, 0], start[:, 1] - end[:, 1]
        minutes = np.ceil(np.sqrt(east * east + north * north) / 1000 * self.minutes_per_km)
        return np.minimum(minutes, 2 * MOST_MINUTES).astype(np.int64)


def _identified(*parts: object) -> tuple[object, ...]:
    return parts


def worked_weeks(own_week: int | None, weeks: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the half-days on which a jobseeker would work at each placement.

    Parameters
    ----------
    own_week : int or None
        The half-days of the jobseeker, as bits.
    weeks : ndarray of int of shape (n_placements,)
        The half-days of each placement; negative or 0 if they are not known.

    Returns
    -------
    ndarray of int64 of shape (n_placements,)
        The shared half-days or, if there are none, those of the placement.

    Examples
    --------
    >>> worked_weeks(0b001, np.array([0b011, 0b110])).tolist()
    [1, 6]
    """
    listed = np.where(weeks > 0, weeks, OFFICE_WEEK).astype(np.int64)
    shared = listed if own_week is None else listed & own_week
    return np.where(shared != 0, shared, listed)


def _any_of(near: NearStops, is_found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    counts = np.concatenate([[0], np.cumsum(is_found)])
    return np.asarray(counts[near.begins[1:]] > counts[near.begins[:-1]])


def _combine(result: TimedJourneys, rows: NDArray[np.intp], days: Sequence[Sequence[_OneWay]]) -> None:
    """Enter the journeys of some placements: the middle of the days of work, and the worst of them."""
    of_days = np.array([np.maximum(*(way.minutes[rows] for way in day)) for day in days])
    is_late = (of_days == NOT_IN_TIME).any(axis=0)
    middle = np.sort(of_days, axis=0)[(len(days) - 1) // 2]
    worst = np.max([way.missed[rows] for day in days for way in day], axis=0)
    labels = np.array([way.label[rows] for day in days for way in day])
    boardings = MOST_BOARDINGS - (labels >> KIND_BITS & MOST_BOARDINGS)
    result.low[rows] = np.where(is_late, NOT_IN_TIME, middle)
    result.high[rows] = np.where(is_late, NOT_IN_TIME, np.maximum(worst, middle))
    result.changes[rows] = np.where(is_late, 0, np.maximum(boardings.max(axis=0) - 1, 0))
    result.kinds[rows] = np.where(is_late, 0, np.bitwise_or.reduce(labels & (1 << KIND_BITS) - 1, axis=0))
