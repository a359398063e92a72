"""A shortlist and a whole caseload: the compiled pass against the NumPy pass and LightGBM on the same candidates.

``python -m benchmarks.speed [--placements 10000 --jobseekers 100000]`` prints each figure three times: all known, with
the blanks of our intake files, and with everyone in one city. LightGBM (lambdarank, 300 trees of 31 leaves) scores the
pairs that the NumPy pass's checks let through, each person's by one call; its time is its own prediction alone, without
the checks, which flatters it.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from lightgbm import LGBMRanker

from benchmarks import population
from matching.caseload import Work, block, in_parallel, together
from matching.columns import JobseekerArrays, PlacementColumns, day_arrays, jobseeker_arrays, take
from matching.grades import hash_of
from matching.lexicon import Lexicon
from matching.passes import plain
from matching.passes.bits import Best
from matching.ranker import TwoSidedModel
from matching.score_tables import ScoreTables

SHAPES: dict[str, dict[str, bool]] = {
    "all known": {},
    "blanks of the intake": {"blank": True},
    "one city": {"city": True},
}
AT_ONCE, K, SAMPLE = 10_000, 20, 200


class Stage:
    """One population's placements as columns, and what ranks people against them."""

    def __init__(self, placements: int, seed: int, **shape: bool) -> None:
        self.shape: dict[str, Any] = {"seed": seed, **shape}
        self.lexicon = Lexicon(population.vocabulary())
        self.context = population.context()
        began = time.process_time()
        self.columns = PlacementColumns.of(population.listings(placements, **self.shape), self.lexicon)
        self.build_seconds = time.process_time() - began
        tables = TwoSidedModel.expert().tables.arrays
        self.work = Work(self.columns.arrays, tables, day_arrays(self.context, self.columns), hash_of("a day"), K)

    def people(self, count: int, first: int = 0) -> JobseekerArrays:
        told = population.people(count, first=first, **self.shape)
        return jobseeker_arrays(told, self.columns, self.context)

    def blocks(self, count: int) -> Iterator[JobseekerArrays]:
        for first in range(0, count, AT_ONCE):
            yield self.people(min(AT_ONCE, count - first), first)


def timed(act: Any) -> tuple[Any, float]:
    began = time.process_time()
    found = act()
    return found, time.process_time() - began


def one_by_one(stage: Stage, people: JobseekerArrays) -> float:
    """Return the median milliseconds of one person's list, each by a call of its own."""
    taken = []
    for j in range(len(people.east)):
        _, seconds = timed(lambda j=j: block(take(people, slice(j, j + 1)), stage.work))
        taken.append(seconds)
    return float(np.median(taken)) * 1000


def trained(stage: Stage, people: JobseekerArrays) -> LGBMRanker:
    """Train LightGBM to repeat our own score, so that only its speed and its form differ."""
    X, y, groups = [], [], []
    compiled = ScoreTables(stage.work.tables)
    for j in range(len(people.east)):
        codes = candidates(stage, people, j)
        if len(codes) > 1:
            X.append(codes)
            y.append(np.minimum(compiled.scores(codes) * 8 // 1_000_000, 7))
            groups.append(len(codes))
    model = LGBMRanker(n_estimators=300, num_leaves=31, learning_rate=0.1, n_jobs=1, verbose=-1)
    return model.fit(np.vstack(X).astype(np.float32), np.concatenate(y), group=groups)


def candidates(stage: Stage, people: JobseekerArrays, j: int) -> Any:
    failed, _ = plain.look(people, j, stage.work.placements, stage.work.tables, stage.work.day)
    return plain.codes(people, j, stage.work.placements, stage.work.day, np.flatnonzero(failed == 0))


def lightgbm_seconds(stage: Stage, people: JobseekerArrays, model: LGBMRanker) -> float:
    """Return what predicting and taking the best costs for these people, their candidates being given."""
    given = [candidates(stage, people, j).astype(np.float32) for j in range(len(people.east))]
    booster = model.booster_

    def act() -> None:
        for X in given:
            if len(X):
                scores = booster.predict(X, num_threads=1)
                np.argsort(-np.asarray(scores), kind="stable")[:K]

    return timed(act)[1]


def same(one: Best, other: Best) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("placements", "scores", "eligible")
    )


def report(name: str, asked: argparse.Namespace) -> None:
    stage = Stage(asked.placements, asked.seed, **SHAPES[name])
    sample = stage.people(SAMPLE, 900_000_000)
    block(take(sample, slice(0, 2)), stage.work)  # compiled, and its cache read, before anything is timed
    model = trained(stage, stage.people(SAMPLE, 800_000_000))
    slow, plain_seconds = timed(lambda: plain.best(sample, *_of(stage.work), k=K, seed=stage.work.seed))
    quick, quick_seconds = timed(lambda: block(sample, stage.work))
    light = lightgbm_seconds(stage, sample, model)
    single = one_by_one(stage, sample)
    share = quick.eligible.mean() / asked.placements
    print(f"\n{name}: {asked.placements} placements, {share:.2%} of pairs open; columns in {stage.build_seconds:.2f} s")
    print(f"  one list, median CPU {single:.4f} ms; the same lists as NumPy: {same(slow, quick)}")
    for what, seconds in (("compiled", quick_seconds), ("NumPy", plain_seconds), ("LightGBM", light)):
        print(f"  {what:9}{seconds / SAMPLE * 1e3:9.4f} ms CPU a list, {seconds / quick_seconds:6.1f} x")
    grown = []
    for count in (asked.jobseekers // 2, asked.jobseekers):
        cpu, eligible, began = 0.0, 0, time.perf_counter()
        for people in stage.blocks(count):
            found, seconds = timed(lambda people=people: block(people, stage.work))
            cpu, eligible = cpu + seconds, eligible + int(found.eligible.sum())
        grown.append(cpu)
        wall = time.perf_counter() - began
        print(f"  {count} people: {cpu:.2f} s CPU, {wall:.1f} s with making them up; {eligible:,} open pairs")
    of_light = light / SAMPLE * asked.jobseekers
    print(f"  growth exponent in people {np.log2(grown[1] / grown[0]):.3f}")
    print(f"  LightGBM for all {of_light:.0f} s (from the sample): {of_light / grown[1]:.0f} x")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")


def _of(work: Work) -> Any:
    return work.placements, work.tables, work.day


def workers(asked: argparse.Namespace) -> None:
    """Compare one loky worker with two, each of one thread, on blocks that stand ready."""
    from joblib import parallel_config  # noqa: PLC0415 - only here

    stage = Stage(asked.placements, asked.seed)
    blocks = list(stage.blocks(asked.jobseekers))
    walls, answers = {}, {}
    for jobs in (1, 2):
        with parallel_config(backend="loky", inner_max_num_threads=1):
            run = in_parallel(jobs)
            list(run(blocks[:2], stage.work))
            began = time.perf_counter()
            answers[jobs] = together(run(blocks, stage.work))
            walls[jobs] = time.perf_counter() - began
    ratio, are_same = walls[1] / walls[2], same(answers[1], answers[2])
    print(f"workers: one {walls[1]:.1f} s, two {walls[2]:.1f} s: {ratio:.2f} x; the same lists: {are_same}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--placements", type=int, default=10_000)
    parser.add_argument("--jobseekers", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shape", choices=SHAPES, default=None)
    parser.add_argument("--workers", action="store_true", help="Only compare one loky worker with two.")
    asked = parser.parse_args()
    if asked.workers:
        workers(asked)
        return
    for name in [asked.shape] if asked.shape else list(SHAPES):
        report(name, asked)


if __name__ == "__main__":
    main()
