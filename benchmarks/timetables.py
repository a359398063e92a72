"""Compare our scan of a timetable with Dijkstra's algorithm on a time-expanded graph (scipy).

``python -m benchmarks.timetables [--stops N] [--routes N] [--placements N]``. Both find, from one home, how late one
can leave and be at each stop by 09:00. A made-up city has buses on lines across it. The graph has a node for each call
of a vehicle; building it, like reading the calls of the window, is not timed, because it serves all homes. Both must
find the same minutes. Then one jobseeker's journeys to all placements are timed: that is what a shortlist adds.
"""

import argparse
import random
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from benchmarks.results import record
from matching.timetables import numpy_scan, scan, scans
from matching.timetables.journeys import TimedTravel
from matching.timetables.timetable import KINDS, Timetable

DAY = date(2026, 11, 2)
CLOCK = ((540, 780), (780, 1020), (1020, 1260))
MINUTES_PER_KM = 16.0
DEADLINE = 540
SEED = 11
# A step of the graph costs 1, a vehicle 2**12 and a minute 2**20, so that whole numbers stay exact in a float.
STEP, VEHICLE, MINUTE = 1, 1 << 12, 1 << 20
TIMES = 5


def city(n_stops: int, n_routes: int, seed: int = SEED, metres: float = 12_000.0) -> Timetable:
    """Return a made-up city: routes over neighbouring stops, each way every 10 to 60 minutes from 06:00 to 22:00."""
    rng = random.Random(seed)
    stops = [(rng.random() * metres, rng.random() * metres) for _ in range(n_stops)]
    trips: list[tuple[int, list[tuple[int, int, int]]]] = []
    for _ in range(n_routes):
        one, other = rng.choice(stops), rng.choice(stops)
        corner = (one[0], other[1])
        path = [(one, corner), (corner, other)]
        along = [
            (start[0] + (end[0] - start[0]) * step / 8, start[1] + (end[1] - start[1]) * step / 8)
            for start, end in path
            for step in range(9)
        ]
        line = list(dict.fromkeys(_nearest(stops, to) for to in along))
        every, kind = rng.choice([10, 15, 20, 30, 60]), rng.choice([1, 1, 1, 2, 4])
        for begin in range(360 + rng.randrange(every), 1320, every):
            trips += [(kind, _calls(way, stops, begin, rng)) for way in (line, line[::-1])]
    return Timetable.of_trips(DAY.toordinal(), stops, trips, days=28)


def _nearest(stops: list[tuple[float, float]], place: tuple[float, float]) -> int:
    apart = [_apart(stop, place) for stop in stops]
    return apart.index(min(apart))


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2


def _calls(
    line: list[int], stops: list[tuple[float, float]], begin: int, rng: random.Random
) -> list[tuple[int, int, int]]:
    """Return the calls of a trip at 25 km an hour. Some wait a minute; neighbours may share a minute."""
    calls, minute = [], float(begin)
    for at, stop in enumerate(line):
        if at:
            minute += _apart(stops[line[at - 1]], stops[stop]) ** 0.5 / 417
        waits = rng.random() < 0.1
        calls.append((stop, int(minute), int(minute) + waits))
        minute += waits
    return calls


class TimeExpanded:
    """The same question as a shortest path: a node for each arrival, each departure and each wait at a stop."""

    def __init__(self, timetable: Timetable, travel: TimedTravel, kinds: int, deadline: int) -> None:
        self.deadline, self.first = deadline, deadline - scan.MOST_MINUTES
        self.n_stops = len(timetable.east)
        self.edges: list[tuple[int, int, float]] = []
        self.arrivals: list[tuple[int, int, int]] = []  # node, stop, minute
        self.departures: list[tuple[int, int, int]] = []
        # Node 0 is the home. A stop has a node for each minute at which a vehicle leaves it.
        self.count = 1
        self.ready = [
            self._waits_at(np.unique(timetable.departs[timetable.stop == stop])) for stop in range(self.n_stops)
        ]
        near = travel._footpaths  # noqa: SLF001 - the same ways on foot
        for trip in np.flatnonzero(timetable.kind & kinds):
            self._add(timetable, near, range(*timetable.calls_from[trip : trip + 2].tolist()))

    def _waits_at(self, minutes: NDArray[np.int16]) -> tuple[list[int], int]:
        """Return the minutes at which vehicles leave a stop, and the node of the first of them."""
        inside = [minute for minute in minutes.tolist() if self.first <= minute <= self.deadline]
        first, self.count = self.count, self.count + len(inside)
        self.edges += [(node, node + 1, STEP) for node in range(first, self.count - 1)]
        return inside, first

    def _wait(self, stop: int, minute: int) -> int | None:
        """Return the node of the first vehicle that leaves a stop from a minute on."""
        minutes, first = self.ready[stop]
        at = bisect_left(minutes, minute)
        return first + at if at < len(minutes) else None

    def _add(self, timetable: Timetable, near: scan.Footpaths, calls: range) -> None:
        before = -1
        for call in calls:
            stop, off, on = int(timetable.stop[call]), int(timetable.arrives[call]), int(timetable.departs[call])
            if on < self.first or off > self.deadline:
                before = -1
                continue
            arrives, departs = self.count, self.count + 1
            self.count += 2
            self.edges.append((arrives, departs, STEP))
            if before >= 0:
                self.edges.append((before, arrives, STEP))
            if off >= self.first:
                self.arrivals.append((arrives, stop, off))
                paths = range(int(near.begins[stop]), int(near.begins[stop + 1]))
                for to, walk in [(stop, 0), *((int(near.to[path]), int(near.minutes[path])) for path in paths)]:
                    node = self._wait(to, off + scan.CHANGE_MINUTES + walk)
                    if node is not None:
                        self.edges.append((arrives, node, STEP))
            if on <= self.deadline:
                self.departures.append((departs, stop, on))
                node = self._wait(stop, on)
                assert node is not None
                self.edges.append((node, departs, VEHICLE + STEP))
            before = departs

    def graph_from(self, walk: NDArray[np.int64]) -> csr_matrix:
        """Return the graph with the ways from one home to its stops."""
        at_home = [
            (0, node, MINUTE * (self.deadline - minute + int(walk[stop])) + VEHICLE + STEP)
            for node, stop, minute in self.departures
            if walk[stop] <= scan.MOST_WALK_MINUTES and minute - walk[stop] >= self.first
        ]
        start, end, cost = zip(*self.edges, *at_home, strict=True)
        return csr_matrix((cost, (start, end)), shape=(self.count, self.count))

    def left(self, graph: csr_matrix) -> dict[int, tuple[int, int]]:
        """Return, for each stop, the last minute to leave home and the number of vehicles."""
        costs = dijkstra(graph, indices=0)
        best: dict[int, float] = defaultdict(lambda: np.inf)
        for node, stop, _ in self.arrivals:
            best[stop] = min(best[stop], costs[node])
        return {
            stop: (self.deadline - int(cost // MINUTE), int(cost % MINUTE // VEHICLE))
            for stop, cost in best.items()
            if np.isfinite(cost)
        }


def ours(reached: scan.Reached, deadline: int) -> dict[int, tuple[int, int]]:
    """Return the result of a scan in the form of ``TimeExpanded.left``."""
    first = deadline - scan.MOST_MINUTES
    return {
        stop: (
            first + (label >> scan.MINUTE_BITS),
            scan.MOST_BOARDINGS - (label >> scan.KIND_BITS & scan.MOST_BOARDINGS),
        )
        for stop, label in enumerate(reached.latest[0].tolist())
        if label >= 0
    }


def _seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the quickest of some runs."""
    best = np.inf
    for _ in range(TIMES):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stops", type=int, default=4000)
    parser.add_argument("--routes", type=int, default=150)
    parser.add_argument("--placements", type=int, default=10_000)
    options = parser.parse_args()
    timetable = city(options.stops, options.routes)
    travel = TimedTravel(timetable, DAY, DAY, MINUTES_PER_KM, CLOCK)
    rng = np.random.default_rng(SEED)
    places = rng.random((options.placements, 2)) * 12_000
    home = (6_000.0, 6_000.0)
    kinds = travel.kinds_of(tuple(KINDS))
    window = scan.window_of(timetable, np.ones(1, dtype=np.bool_), kinds, DEADLINE, is_back=False)
    walk = travel._walk(np.array([home]), travel.stops).astype(np.int32)  # noqa: SLF001
    paths = travel._footpaths  # noqa: SLF001
    expanded = TimeExpanded(timetable, travel, kinds, DEADLINE)
    graph = expanded.graph_from(walk.astype(np.int64))
    alike = ours(scans.scan(window, walk, paths), DEADLINE) == expanded.left(graph)
    print(f"{len(timetable.stop)} calls, {graph.shape[0]} nodes; the same minutes: {'yes' if alike else 'NO'}")
    mine, other = _seconds(lambda: scans.scan(window, walk, paths)), _seconds(lambda: dijkstra(graph, indices=0))
    print(f"one home, all stops: scan {mine * 1000:.1f} ms, Dijkstra {other * 1000:.1f} ms, ratio {other / mine:.2f}")
    plain = _seconds(lambda: numpy_scan.scan(window, walk, paths))
    print(f"the scan without Numba: {plain * 1000:.1f} ms")
    near = travel.near(places)
    weeks = rng.choice([0b011_011_011_011_011, 0b001_001_001, 0b010, 0b100_100], options.placements)
    homes = iter(rng.random((100, 2)) * 6_000 + 3_000)
    whole = _seconds(lambda: travel.to_all(tuple(next(homes).tolist()), tuple(KINDS), None, near, weeks))
    print(f"one jobseeker, {options.placements} placements, all questions of the week: {whole * 1000:.0f} ms")
    record(
        f"one home to {options.stops} stops by timetable, ms CPU",
        mine * 1000,
        "scipy Dijkstra",
        other * 1000,
        other / mine,
    )


if __name__ == "__main__":
    main()
