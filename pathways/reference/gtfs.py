"""Reads a GTFS zip into a timetable of what journeys to work need: stops, trips, times and the days they run.

https://gtfs.org/documentation/schedule/reference. Stations, shapes, fares, transfers and frequencies are not read: a
change is on foot between the stops themselves. Ferries and cable cars are left out, because no mode of travel in a
profile means them, and so are stops outside the National Grid. What is left out is counted.
"""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matching.timetables.timetable import ALIGHTS, BOARDS, KINDS, Timetable
from pathways.reference.gtfs_files import (
    CALENDARS,
    GtfsFiles,
    TimetableRefused,
    day_of,
    refuse,
    seconds_of,
    shortened,
    whole_number,
)
from pathways.reference.national_grid import is_on_grid, to_grid

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# What a route_type means, by the first number of each range: the basic types, then the extended ones (hundreds).
BASIC_TYPES = {0: "tube", 1: "tube", 2: "train", 3: "bus", 5: "tube", 7: "tube", 11: "bus", 12: "tube"}
EXTENDED_TYPES = {1: "train", 2: "bus", 4: "tube", 5: "tube", 6: "tube", 7: "bus", 8: "bus", 9: "tube"}
ADDED, REMOVED = "1", "2"
NOT_FOR_PASSENGERS = {"1", "2"}  # no pick-up, or only by phone: nobody relies on that every day
DAYS_BEFORE, MOST_DAYS = 31, 430  # days kept before today, and in all: more than any calendar is sure of
NEVER_CALLS = -1
Int32s = NDArray[np.int32]
Week = tuple[int, int, int, list[str]]


@dataclass(frozen=True, slots=True)
class FeedRead:
    """A GTFS file as it was read: the timetable, the last day it speaks of, and what was left out, in sentences."""

    timetable: Timetable
    modes: list[str]
    notes: list[str]


@dataclass(slots=True)
class _Trips:
    """The trips that are read: their numbers by id, kinds and services; and the ids of trips that are left out."""

    numbers: dict[str, int] = field(default_factory=dict)
    kinds: list[int] = field(default_factory=list)
    services: list[int] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)


def read(path: Path, most_bytes: int, today: date) -> FeedRead:
    """Read a GTFS zip. Raises ``TimetableRefused`` for the first cell that breaks a rule."""
    with GtfsFiles(path, most_bytes) as files:
        _must_have_fixed_times(files)
        services, first_on, runs = _calendar(files, today)
        trips = _trips(files, _routes(files), services)
        stop_ids, east, north = _stops(files)
        calls = _Calls(files, trips, stop_ids)
    kept = np.flatnonzero(is_on_grid(east, north)[calls.stop])
    notes = []
    if len(kept) < len(calls.stop):
        outside = len(np.unique(np.delete(calls.stop, kept)))
        notes.append(f"Left out: {outside} stops outside the National Grid.")
    if trips.left_out:
        notes.append(f"Left out: {len(trips.left_out)} trips of ferries and other kinds that no travel mode means.")
    timetable = _timetable(calls, kept, trips, (east, north), first_on, runs)
    if not len(timetable.kind):
        raise TimetableRefused(f"{path.name} has no trip by bus, tram, underground or train. Nothing was saved.")
    modes = [name for name, bit in KINDS.items() if (timetable.kind & bit).any()]
    return FeedRead(timetable, modes, notes)


def _calendar(files: GtfsFiles, today: date) -> tuple[dict[str, int], int, NDArray[np.bool_]]:
    """Return the services by id, the ordinal of the first day, and on which days each runs."""
    numbers: dict[str, int] = {}
    weeks, exceptions = _weeks(files, numbers), _exceptions(files, numbers)
    first_on, last_on = _days_kept(files, weeks, exceptions, today)
    runs = np.zeros((len(numbers), last_on - first_on + 1), dtype=np.bool_)
    for number, first_day, last_day, cells in weeks:
        for ordinal in range(max(first_day, first_on), min(last_day, last_on) + 1):
            runs[number, ordinal - first_on] = cells[(ordinal - 1) % 7] == "1"
    for number, on, is_added in exceptions:
        if first_on <= on <= last_on:
            runs[number, on - first_on] = is_added
    return numbers, first_on, runs


def _weeks(files: GtfsFiles, numbers: dict[str, int]) -> list[Week]:
    """Return the rows of ``calendar.txt``: service, first day, last day, and a cell for each day of the week."""
    weeks: list[Week] = []
    for row, cells in files.rows("calendar.txt", ("service_id", *WEEKDAYS, "start_date", "end_date")):
        first, last = (
            day_of("calendar.txt", row, name, cells[at]) for name, at in (("start_date", 8), ("end_date", 9))
        )
        if last < first:
            refuse("calendar.txt", row, "end_date", "it is before start_date.", "Correct one of them.")
        for name, cell in zip(WEEKDAYS, cells[1:8], strict=True):
            if cell not in {"0", "1"}:
                refuse("calendar.txt", row, name, f"{shortened(cell)} is neither 0 nor 1.", "Write 1 if it runs.")
        number = numbers.setdefault(cells[0], len(numbers))
        weeks.append((number, first.toordinal(), last.toordinal(), cells[1:8]))
    return weeks


def _exceptions(files: GtfsFiles, numbers: dict[str, int]) -> list[tuple[int, int, bool]]:
    """Return the rows of ``calendar_dates.txt``: service, day, and whether the service runs on it."""
    exceptions: list[tuple[int, int, bool]] = []
    for row, (service, day, kind) in files.rows("calendar_dates.txt", ("service_id", "date", "exception_type")):
        if kind not in {ADDED, REMOVED}:
            rule = f"{shortened(kind)} is neither 1 nor 2."
            refuse("calendar_dates.txt", row, "exception_type", rule, "1 adds the service on the day, 2 removes it.")
        number = numbers.setdefault(service, len(numbers))
        on = day_of("calendar_dates.txt", row, "date", day).toordinal()
        exceptions.append((number, on, kind == ADDED))
    return exceptions


def _days_kept(
    files: GtfsFiles, weeks: list[Week], exceptions: list[tuple[int, int, bool]], today: date
) -> tuple[int, int]:
    """Return the ordinals of the first and last day that are kept: those of the feed, around today."""
    firsts = [first for _, first, _, _ in weeks] + [on for _, on, is_added in exceptions if is_added]
    lasts = [last for _, _, last, _ in weeks] + [on for _, on, is_added in exceptions if is_added]
    if not firsts:
        raise TimetableRefused(f"{' and '.join(CALENDARS)} name no day on which a service runs. Nothing was saved.")
    first, last = min(firsts), max(lasts)
    for row, (begins, ends) in files.rows("feed_info.txt", (), ("feed_start_date", "feed_end_date")):
        first = max(first, day_of("feed_info.txt", row, "feed_start_date", begins).toordinal()) if begins else first
        last = min(last, day_of("feed_info.txt", row, "feed_end_date", ends).toordinal()) if ends else last
    if last < first:
        raise TimetableRefused("feed_info.txt, row 2, feed_end_date: no service runs before it. Nothing was saved.")
    first = max(first, min(today.toordinal(), last) - DAYS_BEFORE)
    return first, min(last, first + MOST_DAYS - 1)


def _routes(files: GtfsFiles) -> dict[str, int]:
    """Return the kind of vehicle of each route; 0 for one that no mode of travel means."""
    kinds = {}
    for row, (route, text) in files.rows("routes.txt", ("route_id", "route_type")):
        number = whole_number("routes.txt", row, "route_type", text)
        mode = EXTENDED_TYPES.get(number // 100) if number >= 100 else BASIC_TYPES.get(number)  # noqa: PLR2004
        kinds[route] = KINDS[mode] if mode else 0
    return kinds


def _must_have_fixed_times(files: GtfsFiles) -> None:
    """Refuse trips that run every so many minutes: without them, places that a bus reaches would be refused."""
    if "frequencies.txt" in files:
        for row, (trip,) in files.rows("frequencies.txt", ("trip_id",)):
            rule = f"{shortened(trip)} runs by its frequency, and only fixed times are read."
            refuse("frequencies.txt", row, "trip_id", rule, "Get the feed with all trips written out.")


def _trips(files: GtfsFiles, kinds: Mapping[str, int], services: Mapping[str, int]) -> _Trips:
    trips = _Trips()
    for row, (trip, route, service) in files.rows("trips.txt", ("trip_id", "route_id", "service_id")):
        if route not in kinds:
            refuse("trips.txt", row, "route_id", f"{shortened(route)} is not in routes.txt.", "Add the route.")
        if service not in services:
            refuse("trips.txt", row, "service_id", f"{shortened(service)} is in no calendar.", "Add the service.")
        if trip in trips.numbers or trip in trips.left_out:
            refuse("trips.txt", row, "trip_id", f"{shortened(trip)} is there twice.", "Give each trip its own id.")
        if kinds[route]:
            trips.numbers[trip] = len(trips.numbers)
            trips.kinds.append(kinds[route])
            trips.services.append(services[service])
        else:
            trips.left_out.add(trip)
    return trips


def _stops(files: GtfsFiles) -> tuple[dict[str, int], NDArray[np.float64], NDArray[np.float64]]:
    """Return the stops by id, and their positions. A stop without a position, such as an entrance, is off the grid."""
    numbers: dict[str, int] = {}
    degrees: list[tuple[float, float]] = []
    for row, (stop, *texts) in files.rows("stops.txt", ("stop_id", "stop_lat", "stop_lon")):
        if stop in numbers:
            refuse("stops.txt", row, "stop_id", f"{shortened(stop)} is there twice.", "Give each stop its own id.")
        numbers[stop] = len(numbers)
        degrees.append((_degrees(row, "stop_lat", texts[0], 90.0), _degrees(row, "stop_lon", texts[1], 180.0)))
    places = np.array(degrees, dtype=np.float64).reshape(-1, 2)
    east, north = to_grid(places[:, 0], places[:, 1])
    return numbers, np.round(east), np.round(north)


def _degrees(row: int, name: str, text: str, most: float) -> float:
    try:
        degrees = float(text or 0.0)
    except ValueError:
        degrees = np.inf
    if not abs(degrees) <= most:
        refuse(
            "stops.txt",
            row,
            name,
            f"{shortened(text)} is not a position.",
            f"Write degrees from -{most:g} to {most:g}.",
        )
    return degrees


class _Calls:
    """The rows of ``stop_times.txt`` as columns, sorted by trip and sequence, with the gaps between times filled."""

    def __init__(self, files: GtfsFiles, trips: _Trips, stop_ids: Mapping[str, int]) -> None:
        columns = [array("i") for _ in range(6)]
        may = array("B")
        needed = ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence")
        seconds: dict[str, int] = {}
        for row, cells in files.rows("stop_times.txt", needed, ("pickup_type", "drop_off_type")):
            trip = trips.numbers.get(cells[0], NEVER_CALLS)
            if trip == NEVER_CALLS:
                if cells[0] in trips.left_out:
                    continue
                rule = f"{shortened(cells[0])} is not in trips.txt."
                refuse("stop_times.txt", row, "trip_id", rule, "Add the trip, or remove the row.")
            for name, at in (("arrival_time", 1), ("departure_time", 2)):
                if cells[at] not in seconds:
                    seconds[cells[at]] = seconds_of(row, name, cells[at])
            if cells[3] not in stop_ids:
                refuse("stop_times.txt", row, "stop_id", f"{shortened(cells[3])} is not in stops.txt.", "Add the stop.")
            sequence = whole_number("stop_times.txt", row, "stop_sequence", cells[4])
            entry = (trip, sequence, row, stop_ids[cells[3]], seconds[cells[1]], seconds[cells[2]])
            for column, number in zip(columns, entry, strict=True):
                column.append(number)
            boards, alights = (cell not in NOT_FOR_PASSENGERS for cell in cells[5:])
            may.append(BOARDS * boards | ALIGHTS * alights)
        read = [np.frombuffer(column, dtype=np.int32) if column else np.zeros(0, np.int32) for column in columns]
        order = np.lexsort((read[1], read[0]))
        self.trip, numbers, self.row, self.stop, arrives, departs = (column[order] for column in read)
        self.may = np.frombuffer(may, dtype=np.uint8)[order] if may else np.zeros(0, np.uint8)
        self._must_be_in_sequence(numbers)
        # A call with one time arrives and departs then.
        arrives, departs = np.where(arrives < 0, departs, arrives), np.where(departs < 0, arrives, departs)
        self.arrives, self.departs = self._filled(arrives), self._filled(departs)
        self._must_go_forward()

    def _must_be_in_sequence(self, sequence: Int32s) -> None:
        twice = np.flatnonzero((np.diff(self.trip) == 0) & (np.diff(sequence) == 0))
        if len(twice):
            rule = f"{sequence[twice[0]]} is there twice in one trip."
            row = int(max(self.row[twice[0]], self.row[twice[0] + 1]))
            refuse("stop_times.txt", row, "stop_sequence", rule, "Number the calls of a trip in order.")

    def _filled(self, times: Int32s) -> Int32s:
        """Return the times with those of calls without a time set evenly between their neighbours in the trip."""
        if not len(times):
            return times
        begins = np.flatnonzero(np.diff(self.trip, prepend=-1))
        ends = np.append(begins[1:], len(times)) - 1
        bare = np.concatenate([begins[times[begins] < 0], ends[times[ends] < 0]])
        if len(bare):
            row = int(self.row[bare].min())
            rule = "the first and the last call of a trip need a time."
            refuse("stop_times.txt", row, "arrival_time", rule, "Fill it in.")
        known = np.flatnonzero(times >= 0)
        return np.asarray(np.interp(np.arange(len(times)), known, times[known]), dtype=np.int32)

    def _must_go_forward(self) -> None:
        waits = np.flatnonzero(self.departs < self.arrives)
        rides = np.flatnonzero((np.diff(self.trip) == 0) & (self.arrives[1:] < self.departs[:-1])) + 1
        for name, wrong in (("departure_time", waits), ("arrival_time", rides)):
            if len(wrong):
                row = int(self.row[wrong].min())
                refuse("stop_times.txt", row, name, "it is before the time that precedes it.", "Correct the times.")


def _timetable(
    calls: _Calls,
    kept: NDArray[np.intp],
    trips: _Trips,
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    first_on: int,
    runs: NDArray[np.bool_],
) -> Timetable:
    """Return the calls at stops on the grid as a timetable. Trips with fewer than two calls lead nowhere."""
    counts = np.bincount(calls.trip[kept], minlength=len(trips.kinds))
    kept = kept[counts[calls.trip[kept]] > 1]
    used, stop = np.unique(calls.stop[kept], return_inverse=True)
    stop = stop.astype(np.int32)
    begins = np.flatnonzero(np.diff(calls.trip[kept], prepend=-1))
    bounds = [*begins.tolist(), len(kept)]
    arrives, departs = (calls.arrives[kept] // 60).astype(np.int16), (calls.departs[kept] // 60).astype(np.int16)
    # Trips over the same stops follow each other, so that the bytes repeat and pack well.
    order = sorted(
        range(len(begins)), key=lambda n: (stop[bounds[n] : bounds[n + 1]].tobytes(), arrives[bounds[n]].item(), n)
    )
    lengths = np.diff(bounds)[order] if order else np.zeros(0, dtype=np.int64)
    calls_from = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.repeat(np.array(bounds[:-1], dtype=np.int64)[order] - calls_from[:-1], lengths) + np.arange(
        calls_from[-1]
    )
    number = calls.trip[kept][begins][order]
    return Timetable(
        first_on,
        places[0][used],
        places[1][used],
        np.array(trips.kinds, dtype=np.uint8)[number],
        np.array(trips.services, dtype=np.int32)[number],
        calls_from.astype(np.int32),
        stop[rows],
        arrives[rows],
        departs[rows],
        calls.may[kept][rows],
        runs,
    )
