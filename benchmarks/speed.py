"""Time a shortlist and a whole caseload: the compiled pass against NumPy, LightGBM and PostgreSQL, in one run.

``python -m benchmarks.speed [--placements 10000 --jobseekers 100000]`` prints each figure three times: with all answers
known, with the blank answers of our intake files, and with everyone in one city. LightGBM (lambdarank, 300 trees of 31
leaves) scores the pairs that the checks of the NumPy pass find eligible, one call for each person. Its time is the
prediction only, without the checks, which favours LightGBM. See ``parity`` for how the two models were learnt, and
``postgres_shortlist`` for what the query leaves out. With ``--country``, 1,000,000 people are ranked among 50,000
placements in this process instead.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from lightgbm import LGBMRanker

from benchmarks import parity, postgres_shortlist
from benchmarks.parity import Parity
from benchmarks.postgres_shortlist import PLAIN
from benchmarks.results import record
from benchmarks.served_stage import (
    AT_ONCE,
    SAMPLE,
    SHAPES,
    TIMED_FROM,
    K,
    ServedStage,
    candidates,
    median_milliseconds,
    one_by_one,
    peak_gigabytes,
    timed,
)
from matching.bulk import numpy_pass
from matching.bulk.bits import Best
from matching.bulk.caseload import block, in_parallel, together
from matching.bulk.columns import JobseekerArrays, PlacementColumns, day_arrays, jobseeker_arrays
from matching.bulk.word_tables import WordTables

GROWTH = {1_000: 200, 10_000: 200, 100_000: 60}  # number of placements: number of people timed
MOST_MILLISECONDS = 0.3  # CPU, for one list among 100,000 placements
SIDE_K, PLACEMENTS_TIMED = 10, 5
COUNTRY = (1_000_000, 50_000)  # people, placements
MOST_GIGABYTES = 1.5


def lightgbm_seconds(stage: ServedStage, people: JobseekerArrays, model: LGBMRanker) -> float:
    """Return LightGBM's CPU time in seconds to score these people's candidates and take the best for each person."""
    given = [parity.values(candidates(stage, people, j)) for j in range(len(people.east))]
    booster = model.booster_

    def act() -> None:
        for X in given:
            if len(X):
                scores = booster.predict(X, num_threads=1)
                np.argsort(-np.asarray(scores), kind="stable")[:K]

    return timed(act)[1]


def same(first: Best, second: Best) -> bool:
    """Return whether two results have the same lists."""
    return all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("placements", "scores", "eligible")
    )


def is_met(condition: object) -> str:
    return "met" if condition else "NOT met"


def report(name: str, options: argparse.Namespace, server: postgres_shortlist.Server) -> None:
    """Print all figures for one of ``SHAPES``."""
    stage = ServedStage(options.placements, options.seed, **SHAPES[name])
    sample = stage.people(SAMPLE, TIMED_FROM)
    single, single_wall = one_by_one(stage.work, sample)
    learnt = [parity.learn(stage, options.seed, strength) for strength in parity.STRENGTHS]
    light = shortlists(name, stage, sample, learnt[0])
    print(f"  one call for each list: median CPU {single:.4f} ms, wall {single_wall:.4f} ms")
    for comparison in learnt:
        print("\n".join(parity.lines(comparison)))
    caseload(name, stage, options.jobseekers, learnt[0], light)
    both_sides(stage, options.jobseekers)
    growth(name, options.seed, server)
    print(f"  peak memory {peak_gigabytes():.2f} GB, including the data of the benchmark", flush=True)


def shortlists(name: str, stage: ServedStage, sample: JobseekerArrays, learnt: Parity) -> float:
    """Print the time of each method for the lists of a sample, and return LightGBM's seconds for one list."""
    work, with_pairs = stage.work, replace(stage.work, tables=learnt.tables)
    shared = (sample, work.placements)
    settings: Any = {"k": K, "seed": work.seed}
    slow, plain_seconds = timed(lambda: numpy_pass.best(*shared, work.tables, work.day, **settings))
    quick, seconds = timed(lambda: block(sample, work))
    paired, paired_seconds = timed(lambda: block(sample, with_pairs))
    slow_paired = numpy_pass.best(*shared, learnt.tables, work.day, **settings)
    light = lightgbm_seconds(stage, sample, learnt.lightgbm)
    share = quick.eligible.mean() / len(stage.columns)
    print(
        f"\n{name}: {len(stage.columns)} placements, {share:.2%} of pairs eligible; "
        f"columns built in {stage.build_seconds:.2f} s"
    )
    print(f"  the same lists as NumPy: {same(slow, quick)}; with the learnt tables: {same(slow_paired, paired)}")
    print(f"  {'one after another':26}{'ms CPU a list':>14}{'to compiled':>14}{'to learnt':>12}")
    for what, taken in (
        ("compiled, expert weights", seconds),
        ("compiled, learnt, pairs", paired_seconds),
        ("NumPy, expert weights", plain_seconds),
        ("LightGBM, prediction only", light),
    ):
        figures = f"{taken / SAMPLE * 1e3:14.4f}{taken / seconds:12.1f} x{taken / paired_seconds:10.1f} x"
        print(f"  {what:26}{figures}")
    for what, taken in (("LightGBM, prediction only", light), ("NumPy pass", plain_seconds)):
        each = seconds / SAMPLE * 1e3, what, taken / SAMPLE * 1e3, taken / seconds
        record(f"one list, {name}, {len(stage.columns)} placements, ms CPU", *each)
    return light / SAMPLE


def caseload(name: str, stage: ServedStage, jobseekers: int, learnt: Parity, light: float) -> None:
    """Print the time to rank all people's lists, how it grows with their number, and LightGBM's estimated time."""
    with_pairs = replace(stage.work, tables=learnt.tables)
    grown, paired = [], 0.0
    for count in (jobseekers // 2, jobseekers):
        cpu, paired_wall, eligible, began = 0.0, 0.0, 0, time.perf_counter()
        for people in stage.blocks(count):
            best, seconds = timed(partial(block, people, stage.work))
            cpu, eligible = cpu + seconds, eligible + int(best.eligible.sum())
            if count == jobseekers:
                start = time.perf_counter()
                paired += timed(partial(block, people, with_pairs))[1]
                paired_wall += time.perf_counter() - start
        grown.append(cpu)
        wall = time.perf_counter() - began - paired_wall
        print(
            f"  {count} people: {cpu:.2f} s CPU, {wall:.1f} s wall including making up the people; "
            f"{eligible:,} eligible pairs"
        )
    print(f"  {jobseekers} people with the learnt tables: {paired:.2f} s CPU")
    print(f"  growth exponent in people {np.log2(grown[1] / grown[0]):.3f}")
    of_light = light * jobseekers
    what = f"{jobseekers} people x {len(stage.columns)} placements, {name}, s CPU"
    record(what, grown[1], "LightGBM, from a sample", of_light, of_light / grown[1])
    record(f"{what}, learnt tables", paired, "LightGBM, from a sample", of_light, of_light / paired)
    print(
        f"  LightGBM for all people {of_light:.0f} s, estimated from the sample: {of_light / grown[1]:.0f} x ours, "
        f"{of_light / paired:.0f} x ours with the learnt tables"
    )


def both_sides(stage: ServedStage, jobseekers: int) -> None:
    """Print how much longer a block takes if placements get lists of people too, and the time of one such list."""
    people = stage.people(min(AT_ONCE, jobseekers))
    people_only, both = (replace(stage.work, side_k=side_k) for side_k in (0, SIDE_K))
    for work in (people_only, both):
        block(people, work)
    seconds = [median_milliseconds([partial(block, people, work)] * 3)[0] / 1e3 for work in (people_only, both)]
    count = len(people.east)
    print(
        f"  {count} people: {seconds[0]:.3f} s CPU; with each placement's top {SIDE_K} {seconds[1]:.3f} s: "
        f"{seconds[1] / seconds[0]:.2f} x"
    )
    rows = np.random.default_rng(0).choice(len(stage.columns), min(PLACEMENTS_TIMED, len(stage.columns)), replace=False)
    lexicon = WordTables(stage.lexicon.vocabulary)  # only the words of these placements
    few = PlacementColumns.of([stage.columns.profile(row) for row in rows.tolist()], lexicon)
    everybody = jobseeker_arrays(stage.profiles(jobseekers), few, stage.context)
    works = []
    for profile in few.profiles:
        alone = PlacementColumns.of([profile], lexicon)
        works.append(replace(both, placements=alone.arrays, day=day_arrays(stage.context, alone), k=1))
    cpu, wall = median_milliseconds([partial(block, everybody, work) for work in works])
    print(f"  one placement's top {SIDE_K} of {jobseekers} people: median CPU {cpu:.2f} ms, wall {wall:.2f} ms")


def growth(name: str, seed: int, server: postgres_shortlist.Server) -> None:
    """Print our and PostgreSQL's time for one list by number of placements, and the growth exponents of our time."""
    print(f"  one list by number of placements, {name}, median ms; PostgreSQL {server.version}, one client on loopback")
    quickest = f"PostgreSQL, fastest of {len(server.ways)}"
    print(f"  {'':10}{'ours':>16}{'PostgreSQL, ' + PLAIN:>32}{quickest:>32}{'the same':>13}")
    taken = f"{'CPU':>9}{'wall':>9}{'ratios':>14}"
    print(f"  {'placements':10}{'CPU':>8}{'wall':>8} {taken}{taken}{'eligible set':>13}")
    ours = []
    for placements, people in GROWTH.items():
        stage = ServedStage(placements, seed, **SHAPES[name])
        sample = stage.people(people, TIMED_FROM)
        cpu, wall = one_by_one(stage.work, sample)
        theirs = server.compare(stage, stage.profiles(people, TIMED_FROM), sample)
        cells = [
            f"{taken.cpu:9.3f}{taken.wall:9.3f}{f'{taken.cpu / cpu:.0f} / {taken.wall / wall:.0f} x':>14}"
            for taken in (theirs.plain, theirs.quickest)
        ]
        print(f"  {placements:10}{cpu:8.4f}{wall:8.4f} {''.join(cells)}{f'{theirs.agreed} of {theirs.people}':>13}")
        ours.append(cpu)
        plainly, best = (f"PostgreSQL, {way}" for way in (PLAIN, "fastest"))
        record(
            f"one list, {name}, {placements} placements, ms CPU",
            cpu,
            plainly,
            theirs.plain.cpu,
            theirs.plain.cpu / cpu,
        )
        record(
            f"one list, {name}, {placements} placements, ms CPU",
            cpu,
            best,
            theirs.quickest.cpu,
            theirs.quickest.cpu / cpu,
        )
    exponents = ", ".join(f"{np.log10(after / before):.2f}" for before, after in pairwise(ours))
    print(f"  growth exponents in placements {exponents}")
    print(f"  one list among 100,000 placements under {MOST_MILLISECONDS} ms: {is_met(ours[-1] < MOST_MILLISECONDS)}")


def workers(options: argparse.Namespace) -> None:
    """Compare one loky worker with two, each with one thread, on blocks of people made beforehand."""
    from joblib import parallel_config  # noqa: PLC0415 - needed here only

    stage = ServedStage(options.placements, options.seed)
    blocks = list(stage.blocks(options.jobseekers))
    walls, answers = {}, {}
    for jobs in (1, 2):
        with parallel_config(backend="loky", inner_max_num_threads=1):
            run = in_parallel(jobs)
            list(run(block, blocks[:2], stage.work))
            began = time.perf_counter()
            answers[jobs] = together(run(block, blocks, stage.work))
            walls[jobs] = time.perf_counter() - began
    ratio, are_same = walls[1] / walls[2], same(answers[1], answers[2])
    what = f"two loky workers, {options.jobseekers} x {options.placements}, s wall"
    record(what, walls[2], "one worker", walls[1], ratio)
    print(f"workers: one {walls[1]:.1f} s, two {walls[2]:.1f} s: {ratio:.2f} x; the same lists: {are_same}")


def country(options: argparse.Namespace) -> None:
    """Rank the people of a country block by block in this process, with two threads, and store all lists in memory."""
    people, placements = COUNTRY
    name = options.shape or next(iter(SHAPES))
    stage = ServedStage(placements, options.seed, **SHAPES[name])
    block(stage.people(2, TIMED_FROM), stage.work)
    placed, scored = (np.empty((people, K), dtype=np.int32) for _ in range(2))
    cpu, wall, eligible, first = 0.0, 0.0, 0, 0
    making, began = time.process_time(), time.perf_counter()
    for batch in stage.blocks(people):
        start = time.perf_counter()
        best, seconds = timed(partial(block, batch, stage.work, threads=2))
        cpu, wall = cpu + seconds, wall + time.perf_counter() - start
        rows = slice(first, first + len(batch.east))
        placed[rows], scored[rows] = best.placements, best.scores
        eligible, first = eligible + int(best.eligible.sum()), rows.stop
    whole, made = time.perf_counter() - began, time.process_time() - making - cpu
    print(f"country, {name}: {people:,} people x {placements:,} placements, top {K}, two threads of one process")
    print(f"  {eligible:,} eligible pairs, {eligible / people / placements:.2%}; {(placed >= 0).sum():,} matches")
    print(f"  ranking {cpu:.1f} s CPU, {wall:.1f} s wall; {cpu / eligible * 1e9:.0f} ns CPU an eligible pair")
    print(f"  making up the people {made:.1f} s CPU, {whole - wall:.1f} s wall")
    peak = peak_gigabytes()
    print(f"  peak memory {peak:.2f} GB, at most {MOST_GIGABYTES}: {is_met(peak <= MOST_GIGABYTES)}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--placements", type=int, default=10_000)
    parser.add_argument("--jobseekers", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shape", choices=SHAPES, default=None)
    parser.add_argument("--workers", action="store_true", help="Only compare one loky worker with two.")
    parser.add_argument("--country", action="store_true", help="Only rank 1,000,000 people among 50,000 placements.")
    options = parser.parse_args(arguments)
    if options.workers or options.country:
        (workers if options.workers else country)(options)
        return
    with postgres_shortlist.server() as server:
        for name in [options.shape] if options.shape else list(SHAPES):
            report(name, options, server)


if __name__ == "__main__":
    main()
