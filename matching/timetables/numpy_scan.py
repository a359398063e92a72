"""The scan of a timetable and the choice of the best stop near each place, by NumPy alone.

The tests require that ``compiled_scan`` gives the same results. This also runs on machines without Numba.
"""

import numpy as np
from numpy.typing import NDArray

from matching.timetables.scan import (
    BOARDING,
    CHANGE_MINUTES,
    KIND_BITS,
    MINUTE_BITS,
    MOST_BOARDINGS,
    MOST_MINUTES,
    MOST_WALK_MINUTES,
    NONE,
    RING,
    Footpaths,
    Labels,
    NearStops,
    Reached,
    Window,
)
from matching.timetables.timetable import Int32s


def scan(window: Window, walk: Int32s, footpaths: Footpaths) -> Reached:
    """Return how late one can leave and be at each stop by the last minutes before the deadline.

    Parameters
    ----------
    window : Window
    walk : ndarray of int32 of shape (n_stops,)
        The minutes on foot from the place to each stop; more than ``MOST_WALK_MINUTES`` where it is too far.
    footpaths : Footpaths

    Returns
    -------
    Reached
        Each of shape (``MOST_WALK_MINUTES`` + 1, n_stops); -1 where a stop is not reached.
    """
    n_stops = len(walk)
    board, alight = np.full(n_stops, NONE, dtype=np.int32), np.full(n_stops, NONE, dtype=np.int32)
    earlier, ring = alight.copy(), np.full((RING, n_stops), NONE, dtype=np.int32)
    on_trip = np.full(window.n_trips, NONE, dtype=np.int32)
    reached = Reached(*(np.full((MOST_WALK_MINUTES + 1, n_stops), NONE, dtype=np.int32) for _ in range(2)))
    walks = np.where(walk <= MOST_WALK_MINUTES, walk, 2 * MOST_MINUTES)
    at, groups = 0, window.groups.tolist()
    for minute in range(MOST_MINUTES + 1):
        arriving = ring[minute % RING]
        np.maximum(board, arriving, out=board)
        arriving[:] = NONE
        before = alight.copy()
        while at < len(groups) and groups[at][0] == minute:
            _ride(window, groups[at], board, alight, on_trip, walks)
            at += 1
        changed = np.flatnonzero(alight > before)
        if len(changed):
            later = changed[alight[changed] >> MINUTE_BITS > before[changed] >> MINUTE_BITS]
            earlier[later] = before[later]
            _walk_on(changed, alight, ring, minute, footpaths)
        if minute >= MOST_MINUTES - MOST_WALK_MINUTES:
            reached.latest[MOST_MINUTES - minute] = alight
            reached.earlier[MOST_MINUTES - minute] = earlier
    return reached


def _ride(
    window: Window,
    group: list[int],
    board: Labels,
    alight: Labels,
    on_trip: Labels,
    walks: Int32s,
) -> None:
    """Let everybody alight at the calls of one group, then board."""
    minute, off_start, off_stop, on_start, on_stop = group
    if off_stop > off_start:
        labels = on_trip[window.alight_trip[off_start:off_stop]]
        np.maximum.at(alight, window.alight_stop[off_start:off_stop], labels)
    if on_stop > on_start:
        stops, trips = window.board_stop[on_start:on_stop], window.board_trip[on_start:on_stop]
        left = minute - walks[stops]
        fresh = np.where(left >= 0, left << MINUTE_BITS | MOST_BOARDINGS << KIND_BITS, NONE)
        labels = np.maximum(board[stops], fresh)
        may_board = (labels >= 0) & (labels & MOST_BOARDINGS << KIND_BITS != 0)
        labels = np.where(may_board, labels - BOARDING | window.board_kind[on_start:on_stop], NONE)
        on_trip[trips] = np.maximum(on_trip[trips], labels)


def _walk_on(changed: NDArray[np.intp], alight: Labels, ring: Labels, minute: int, footpaths: Footpaths) -> None:
    """Let those who alighted be ready for the next vehicle, at the same stop and at stops nearby."""
    same = (minute + CHANGE_MINUTES) % RING
    ring[same, changed] = np.maximum(ring[same, changed], alight[changed])
    counts = footpaths.begins[changed + 1] - footpaths.begins[changed]
    ends = np.cumsum(counts)
    paths = np.arange(ends[-1]) + np.repeat(footpaths.begins[changed] - (ends - counts), counts)
    ready = (minute + CHANGE_MINUTES + footpaths.minutes[paths]) % RING
    np.maximum.at(ring, (ready, footpaths.to[paths]), np.repeat(alight[changed], counts))


def best_of(near: NearStops, reached: Reached, walked: Labels) -> tuple[Labels, Labels]:
    """Return the best label of each place, and the best that leaves earlier.

    Parameters
    ----------
    near : NearStops
    reached : Reached
    walked : ndarray of int32 of shape (n_places,)
        The label of walking all the way.

    Returns
    -------
    tuple of two ndarray of int32 of shape (n_places,)
    """
    latest, earlier = reached.latest[near.minutes, near.stops], reached.earlier[near.minutes, near.stops]
    best = np.maximum(_most_of(near, latest), walked)
    of_stop = np.repeat(best, np.diff(near.begins)) >> MINUTE_BITS
    second = np.maximum(
        _most_of(near, np.where(latest >> MINUTE_BITS < of_stop, latest, NONE)),
        _most_of(near, np.where(earlier >> MINUTE_BITS < of_stop, earlier, NONE)),
    )
    second = np.where(walked >> MINUTE_BITS < best >> MINUTE_BITS, np.maximum(second, walked), second)
    return best, second


def _most_of(near: NearStops, labels: Labels) -> Labels:
    """Return the greatest label of the stops near each place; -1 for a place without a stop."""
    most = np.full(len(near.begins) - 1, NONE, dtype=np.int32)
    filled = np.flatnonzero(np.diff(near.begins))
    if len(filled):
        most[filled] = np.maximum.reduceat(labels, near.begins[filled])
    return most
