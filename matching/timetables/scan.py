"""What a scan of a timetable reads and finds: how late one can leave a place and still be at each stop in time.

A scan goes through the minutes before the deadline once, and through the calls of each minute at once. It answers for
one place and all stops, whatever the number of placements. The way home is the same question with the time reversed.
``compiled_scan`` and ``numpy_scan`` do the scan.

A label is one whole number: the minute of leaving, then the vehicles that may still be boarded, then the kinds of
vehicle used. The greatest label leaves last and, of those, boards the fewest vehicles.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.timetables.timetable import ALIGHTS, BOARDS, Int32s, Timetable

MOST_MINUTES = 120  # a longer way to work, twice a day, is nobody's limit in practice
MOST_WALK_MINUTES = 15  # to the first stop, and from the last one
CHANGE_MINUTES = 4  # to leave one vehicle and be ready for the next: the margin that journey planners allow at a stop
MOST_CHANGE_WALK_MINUTES = 6  # between the stops of a change, besides ``CHANGE_MINUTES``
MOST_BOARDINGS = 7
NONE = -1
KIND_BITS = 3
MINUTE_BITS = 6  # a label shifted by this many bits is its minute
BOARDING = 1 << KIND_BITS
RING = CHANGE_MINUTES + MOST_CHANGE_WALK_MINUTES + 1
Labels = NDArray[np.int32]


class Footpaths(NamedTuple):
    """The ways on foot between stops: where those of each stop begin, the stops they lead to, and their minutes."""

    begins: Int32s
    to: Int32s
    minutes: Int32s


class Window(NamedTuple):
    """The calls of the trips in the minutes before a deadline.

    ``groups`` has one row for each group of calls: minute, then the first and last position among those who alight and
    among those who board. A later call of one trip in the same minute is in a later group. Minutes count from 0, which
    is ``MOST_MINUTES`` before the deadline.
    """

    groups: Int32s
    alight_stop: Int32s
    alight_trip: Int32s
    board_stop: Int32s
    board_trip: Int32s
    board_kind: Int32s
    n_trips: int


class NearStops(NamedTuple):
    """The stops near some places: where those of each place begin, the stops, and the minutes on foot to each."""

    begins: Int32s
    stops: Int32s
    minutes: Int32s
    places: NDArray[np.float64]


class Reached(NamedTuple):
    """The labels of all stops in the last minutes before the deadline.

    Row w of ``latest`` has the best label of each stop, w minutes before the deadline. ``earlier`` has the label that
    was the best before: the journey to take so that a missed vehicle does not make one late.
    """

    latest: Labels
    earlier: Labels


def window_of(timetable: Timetable, services: NDArray[np.bool_], kinds: int, deadline: int, *, is_back: bool) -> Window:
    """Return the calls between a deadline and ``MOST_MINUTES`` before it. For the way back: after it, time reversed.

    Parameters
    ----------
    timetable : Timetable
    services : ndarray of bool of shape (n_services,)
        The services that run on the day.
    kinds : int
        The kinds of vehicle that the jobseeker can use, as bits.
    deadline : int
        Minutes after midnight: when work begins or, for the way back, when it ends.
    is_back : bool

    Returns
    -------
    Window
    """
    runs = services[timetable.service] & (timetable.kind & kinds != 0)
    trip_of = np.repeat(np.arange(len(runs), dtype=np.int32), np.diff(timetable.calls_from))
    early, late = (deadline, deadline + MOST_MINUTES) if is_back else (deadline - MOST_MINUTES, deadline)
    inside = runs[trip_of] & (timetable.departs >= early) & (timetable.arrives <= late)
    at = np.flatnonzero(inside)
    if is_back:
        at = at[::-1]
        off, on = late - timetable.departs[at].astype(np.int32), late - timetable.arrives[at].astype(np.int32)
        may_off, may_on = timetable.may[at] & BOARDS, timetable.may[at] & ALIGHTS
    else:
        off, on = timetable.arrives[at].astype(np.int32) - early, timetable.departs[at].astype(np.int32) - early
        may_off, may_on = timetable.may[at] & ALIGHTS, timetable.may[at] & BOARDS
    trips, trip = np.unique(trip_of[at], return_inverse=True)
    off_wave, on_wave = _waves(trip, off, on)
    alights, boards = np.flatnonzero((may_off != 0) & (off >= 0)), np.flatnonzero((may_on != 0) & (on <= MOST_MINUTES))
    n_waves = int(max(off_wave.max(initial=0), on_wave.max(initial=0))) + 1
    off_key, on_key = off[alights] * n_waves + off_wave[alights], on[boards] * n_waves + on_wave[boards]
    alights, boards = alights[np.argsort(off_key, kind="stable")], boards[np.argsort(on_key, kind="stable")]
    off_key, on_key = np.sort(off_key), np.sort(on_key)
    keys = np.unique(np.concatenate([off_key, on_key]))
    bounds = [np.searchsorted(column, keys, side) for column in (off_key, on_key) for side in ("left", "right")]
    return Window(
        np.column_stack([keys // n_waves, *bounds]).astype(np.int32),
        timetable.stop[at[alights]],
        trip[alights].astype(np.int32),
        timetable.stop[at[boards]],
        trip[boards].astype(np.int32),
        timetable.kind[trips[trip[boards]]].astype(np.int32),
        len(trips),
    )


def _waves(trip: NDArray[np.intp], off: Int32s, on: Int32s) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return, for each call, how many calls of the same trip and minute come before its arrival and its departure."""
    rows = np.arange(len(trip))
    follows = np.zeros(len(trip), dtype=np.bool_)
    follows[1:] = (trip[1:] == trip[:-1]) & (off[1:] == on[:-1])
    waits_before = np.zeros(len(trip), dtype=np.bool_)
    waits_before[1:] = (off != on)[:-1]
    first = np.maximum(np.where(follows, -1, rows), np.where(waits_before, rows - 1, -1))
    off_wave = rows - np.maximum.accumulate(first) if len(rows) else rows
    return off_wave, np.where(off == on, off_wave, 0)
