"""What the benchmarks of speed stand on: one population's placements as columns, its people in blocks, and clocks."""

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
AT_ONCE, K, SAMPLE = 10_000, 20, 200
# Where the numbers of people begin who are timed, whom a model learns from, and on whom it is judged.
TIMED_FROM, LEARNT_FROM, HELD_OUT_FROM = 900_000_000, 800_000_000, 700_000_000
Found = TypeVar("Found")


class ServedStage:
    """One population's placements as columns, and what ranks people against them."""

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


def timed(act: Callable[[], Found]) -> tuple[Found, float]:
    """Return what is found and the seconds of CPU it took this process."""
    began = time.process_time()
    found = act()
    return found, time.process_time() - began


def median_milliseconds(acts: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """Return the median milliseconds, CPU and wall, of some calls; the first is made once before."""
    acts[0]()  # compiled, and its cache read, before anything is timed
    cpu, wall = [], []
    for act in acts:
        began = time.perf_counter()
        _, seconds = timed(act)
        wall.append(time.perf_counter() - began)
        cpu.append(seconds)
    return float(np.median(cpu)) * 1000, float(np.median(wall)) * 1000


def peak_gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def one_by_one(work: Work, people: JobseekerArrays) -> tuple[float, float]:
    """Return the median milliseconds, CPU and wall, of one person's list, their columns being given."""
    alone = [take(people, slice(j, j + 1)) for j in range(len(people.east))]
    return median_milliseconds([partial(block, one, work) for one in alone])


def open_rows(stage: ServedStage, people: JobseekerArrays, j: int) -> Any:
    """Return the placements that no check refuses one person, by the NumPy pass."""
    failed, _ = numpy_pass.check_and_score(people, j, stage.work.placements, stage.work.tables, stage.work.day)
    return np.flatnonzero(failed == 0)


def candidates(stage: ServedStage, people: JobseekerArrays, j: int) -> Codes:
    """Return the grades of the pairs of one person that no check refuses."""
    return numpy_pass.codes(people, j, stage.work.placements, stage.work.day, open_rows(stage, people, j))
