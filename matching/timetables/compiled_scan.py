"""The scan of a timetable and the choice of the best stop near each place, compiled.

They compute in whole numbers what ``numpy_scan`` computes, so both give identical results.
"""

import numpy as np
from numba import njit
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

LEFT = MOST_BOARDINGS << KIND_BITS  # the bits of a label that count the vehicles still to be boarded


@njit(cache=True, nogil=True)
def _scan(groups, alight_stop, alight_trip, board_stop, board_trip, board_kind, n_trips, walk, begins, to, paths):
    n_stops = len(walk)
    board, alight = np.full(n_stops, NONE, dtype=np.int32), np.full(n_stops, NONE, dtype=np.int32)
    before, earlier = np.full(n_stops, NONE, dtype=np.int32), np.full(n_stops, NONE, dtype=np.int32)
    ring, on_trip = np.full((RING, n_stops), NONE, dtype=np.int32), np.full(n_trips, NONE, dtype=np.int32)
    latest = np.full((MOST_WALK_MINUTES + 1, n_stops), NONE, dtype=np.int32)
    one_earlier = np.full((MOST_WALK_MINUTES + 1, n_stops), NONE, dtype=np.int32)
    at = 0
    for minute in range(MOST_MINUTES + 1):
        slot = minute % RING
        for stop in range(n_stops):
            board[stop] = max(board[stop], ring[slot, stop])
            ring[slot, stop] = NONE
            before[stop] = alight[stop]
        while at < len(groups) and groups[at, 0] == minute:
            for event in range(groups[at, 1], groups[at, 2]):
                stop = alight_stop[event]
                alight[stop] = max(alight[stop], on_trip[alight_trip[event]])
            for event in range(groups[at, 3], groups[at, 4]):
                stop, trip = board_stop[event], board_trip[event]
                label = board[stop]
                if walk[stop] <= MOST_WALK_MINUTES and minute >= walk[stop]:
                    label = max(label, np.int32((minute - walk[stop]) << MINUTE_BITS | LEFT))
                if label >= 0 and label & LEFT:
                    on_trip[trip] = max(on_trip[trip], np.int32(label - BOARDING | board_kind[event]))
            at += 1
        for stop in range(n_stops):
            label = alight[stop]
            if label <= before[stop]:
                continue
            if label >> MINUTE_BITS > before[stop] >> MINUTE_BITS:
                earlier[stop] = before[stop]
            ready = (minute + CHANGE_MINUTES) % RING
            ring[ready, stop] = max(ring[ready, stop], label)
            for path in range(begins[stop], begins[stop + 1]):
                ready = (minute + CHANGE_MINUTES + paths[path]) % RING
                ring[ready, to[path]] = max(ring[ready, to[path]], label)
        if minute >= MOST_MINUTES - MOST_WALK_MINUTES:
            latest[MOST_MINUTES - minute] = alight
            one_earlier[MOST_MINUTES - minute] = earlier
    return latest, one_earlier


def scan(window: Window, walk: Int32s, footpaths: Footpaths) -> Reached:
    """Return how late one can leave and be at each stop, as ``numpy_scan.scan`` does.

    Parameters
    ----------
    window : Window
    walk : ndarray of int32 of shape (n_stops,)
        The minutes on foot from the place to each stop.
    footpaths : Footpaths

    Returns
    -------
    Reached
    """
    return Reached(*_scan(*window, walk, *footpaths))


@njit(cache=True, nogil=True)
def _best(begins, stops, minutes, latest, earlier, walked):  # fmt: skip
    best, second = walked.copy(), np.full(len(walked), NONE, dtype=np.int32)
    for place in range(len(walked)):
        for at in range(begins[place], begins[place + 1]):
            best[place] = max(best[place], latest[minutes[at], stops[at]])
        left = best[place] >> MINUTE_BITS
        if walked[place] >> MINUTE_BITS < left:
            second[place] = walked[place]
        for at in range(begins[place], begins[place + 1]):
            for label in (latest[minutes[at], stops[at]], earlier[minutes[at], stops[at]]):
                if label >> MINUTE_BITS < left:
                    second[place] = max(second[place], label)
    return best, second


def best_of(near: NearStops, reached: Reached, walked: Labels) -> tuple[Labels, Labels]:
    """Return the best label of each place, and the best that leaves earlier, as ``numpy_scan.best_of`` does.

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
    result: tuple[NDArray[np.int32], NDArray[np.int32]] = _best(
        near.begins, near.stops, near.minutes, reached.latest, reached.earlier, walked
    )
    return result
