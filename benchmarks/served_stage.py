"""Shared parts of the speed benchmarks: placements as columns, people in blocks, and timers."""

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from benchmarks import population
from matching.bulk import numpy_pass
from matching.bulk.caseload import Work, block
from matching.bulk.columns import JobseekerArrays, PlacementColumns, day_arrays, jobseeker_arrays, take
from matching.bulk.word_tables import WordTables
from matching.pairs.grades import Codes, hash_of
from matching.pairs.profiles import JobseekerProfile
from matching.score.ranker import TwoSidedModel

SHAPES: dict[str, dict[str, bool]] = {
    "all known": {},
    "blanks of the intake": {"blank": True},
    "one city": {"city": True},
}
AT_ONCE, K, SAMPLE = 10_000, 20, 200  # people in a block, matches on a list, people timed one by one
# Three groups: people who are timed, learnt from and held out. Their numbers start here, so the groups never overlap.
TIMED_FROM, LEARNT_FROM, HELD_OUT_FROM = 900_000_000, 800_000_000, 700_000_000
Result = TypeVar("Result")


class ServedStage:
    """The placements of one made-up population as columns, ready for ranking people against them."""

    def __init__(self, placements: int, seed: int, **shape: bool) -> None:
        self.shape: dict[str, Any] = {"seed": seed, **shape}
        self.lexicon = WordTables(population.vocabulary())
        self.context = population.context()
        began = time.process_time()
        self.columns = PlacementColumns.of(population.listings(placements, **self.shape), self.lexicon)
        self.build_seconds = time.process_time() - began
        tables = TwoSidedModel.expert().tables.arrays
        self.work = Work(self.columns.arrays, tables, day_arrays(self.context, self.columns), hash_of("a day"), K)

    def profiles(self, count: int, first: int = 0) -> list[JobseekerProfile]:
        return population.people(count, first=first, **self.shape)

    def people(self, count: int, first: int = 0) -> JobseekerArrays:
        return jobseeker_arrays(self.profiles(count, first), self.columns, self.context)

    def blocks(self, count: int) -> Iterator[JobseekerArrays]:
        for first in range(0, count, AT_ONCE):
            yield self.people(min(AT_ONCE, count - first), first)


def timed(act: Callable[[], Result]) -> tuple[Result, float]:
    """Return the result of a call, and the CPU time that this process used for it, in seconds."""
    began = time.process_time()
    result = act()
    return result, time.process_time() - began


def median_milliseconds(acts: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """Return the median CPU time and the median wall-clock time of some calls, in milliseconds."""
    acts[0]()  # compiles the code and warms the cache before anything is timed
    cpu, wall = [], []
    for act in acts:
        began = time.perf_counter()
        _, seconds = timed(act)
        wall.append(time.perf_counter() - began)
        cpu.append(seconds)
    return float(np.median(cpu)) * 1000, float(np.median(wall)) * 1000


def peak_gigabytes() -> float:
    """Return the peak memory of this process in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def one_by_one(work: Work, people: JobseekerArrays) -> tuple[float, float]:
    """Return the median CPU and wall-clock time, in milliseconds, to rank one person's list from existing columns."""
    alone = [take(people, slice(j, j + 1)) for j in range(len(people.east))]
    return median_milliseconds([partial(block, person, work) for person in alone])


def open_rows(stage: ServedStage, people: JobseekerArrays, j: int) -> Any:
    """Return the rows of the placements for which person ``j`` is eligible according to the NumPy pass."""
    failed = numpy_pass.check_and_score(people, j, stage.work.placements, stage.work.tables, stage.work.day).failed
    return np.flatnonzero(failed == 0)


def candidates(stage: ServedStage, people: JobseekerArrays, j: int) -> Codes:
    """Return the feature grades of the eligible pairs of person ``j``."""
    return numpy_pass.codes(people, j, stage.work.placements, stage.work.day, open_rows(stage, people, j))
