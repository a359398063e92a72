"""A shortlist and a whole caseload: the compiled pass against NumPy, LightGBM and PostgreSQL, in one run.

``python -m benchmarks.speed [--placements 10000 --jobseekers 100000]`` prints each figure three times: all known, with
the blanks of our intake files, and with everyone in one city. LightGBM (lambdarank, 300 trees of 31 leaves) scores the
pairs that the NumPy pass's checks let through, each person's by one call; its time is its own prediction alone, without
the checks, which flatters it. ``parity`` says how it and our own tables were learnt, ``postgres_shortlist`` what the
query leaves out. ``--country`` ranks 1,000,000 people among 50,000 placements in this process, and nothing else.
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

GROWTH = {1_000: 200, 10_000: 200, 100_000: 60}  # placements, and how many people are timed among them
MOST_MILLISECONDS = 0.3  # of one list among 100,000 placements
SIDE_K, PLACEMENTS_TIMED = 10, 5
COUNTRY = (1_000_000, 50_000)
MOST_GIGABYTES = 1.5


def lightgbm_seconds(stage: ServedStage, people: JobseekerArrays, model: LGBMRanker) -> float:
    """Return what predicting and taking the best costs for these people, their candidates being given."""
    given = [parity.values(candidates(stage, people, j)) for j in range(len(people.east))]
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


def is_met(condition: object) -> str:
    return "met" if condition else "NOT met"


def report(name: str, asked: argparse.Namespace, server: postgres_shortlist.Server) -> None:
    stage = ServedStage(asked.placements, asked.seed, **SHAPES[name])
    sample = stage.people(SAMPLE, TIMED_FROM)
    single, single_wall = one_by_one(stage.work, sample)
    learnt = [parity.learn(stage, asked.seed, strength) for strength in parity.STRENGTHS]
    light = shortlists(name, stage, sample, learnt[0])
    print(f"  one list by a call of its own: median CPU {single:.4f} ms, wall {single_wall:.4f} ms")
    for one in learnt:
        print("\n".join(parity.lines(one)))
    caseload(name, stage, asked.jobseekers, learnt[0], light)
    both_sides(stage, asked.jobseekers)
    growth(name, asked.seed, server)
    print(f"  peak memory {peak_gigabytes():.2f} GB, with all the benchmark keeps", flush=True)


def shortlists(name: str, stage: ServedStage, sample: JobseekerArrays, learnt: Parity) -> float:
    """Print what the lists of a sample cost each way, and return LightGBM's seconds for one list."""
    work, with_pairs = stage.work, replace(stage.work, tables=learnt.tables)
    shared = (sample, work.placements)
    asked: Any = {"k": K, "seed": work.seed}
    slow, plain_seconds = timed(lambda: numpy_pass.best(*shared, work.tables, work.day, **asked))
    quick, seconds = timed(lambda: block(sample, work))
    paired, paired_seconds = timed(lambda: block(sample, with_pairs))
    slow_paired = numpy_pass.best(*shared, learnt.tables, work.day, **asked)
    light = lightgbm_seconds(stage, sample, learnt.lightgbm)
    share = quick.eligible.mean() / len(stage.columns)
    print(
        f"\n{name}: {len(stage.columns)} placements, {share:.2%} of pairs open; columns in {stage.build_seconds:.2f} s"
    )
    print(f"  the same lists as NumPy: {same(slow, quick)}; with the learnt tables: {same(slow_paired, paired)}")
    print(f"  {'one after another':26}{'ms CPU a list':>14}{'to compiled':>14}{'to learnt':>12}")
    for what, taken in (
        ("compiled, expert weights", seconds),
        ("compiled, learnt, pairs", paired_seconds),
        ("NumPy, expert weights", plain_seconds),
        ("LightGBM, prediction only", light),
    ):
        told = f"{taken / SAMPLE * 1e3:14.4f}{taken / seconds:12.1f} x{taken / paired_seconds:10.1f} x"
        print(f"  {what:26}{told}")
    for what, taken in (("LightGBM, prediction only", light), ("NumPy pass", plain_seconds)):
        each = seconds / SAMPLE * 1e3, what, taken / SAMPLE * 1e3, taken / seconds
        record(f"one list, {name}, {len(stage.columns)} placements, ms CPU", *each)
    return light / SAMPLE


def caseload(name: str, stage: ServedStage, jobseekers: int, learnt: Parity, light: float) -> None:
    """Print what all the people's lists cost, how that grows, and LightGBM's time for as many."""
    with_pairs = replace(stage.work, tables=learnt.tables)
    grown, paired = [], 0.0
    for count in (jobseekers // 2, jobseekers):
        cpu, aside, eligible, began = 0.0, 0.0, 0, time.perf_counter()
        for people in stage.blocks(count):
            found, seconds = timed(partial(block, people, stage.work))
            cpu, eligible = cpu + seconds, eligible + int(found.eligible.sum())
            if count == jobseekers:
                start = time.perf_counter()
                paired += timed(partial(block, people, with_pairs))[1]
                aside += time.perf_counter() - start
        grown.append(cpu)
        wall = time.perf_counter() - began - aside
        print(f"  {count} people: {cpu:.2f} s CPU, {wall:.1f} s with making them up; {eligible:,} open pairs")
    print(f"  {jobseekers} people with the learnt tables: {paired:.2f} s CPU")
    print(f"  growth exponent in people {np.log2(grown[1] / grown[0]):.3f}")
    of_light = light * jobseekers
    what = f"{jobseekers} people x {len(stage.columns)} placements, {name}, s CPU"
    record(what, grown[1], "LightGBM, from a sample", of_light, of_light / grown[1])
    record(f"{what}, learnt tables", paired, "LightGBM, from a sample", of_light, of_light / paired)
    print(
        f"  LightGBM for all {of_light:.0f} s (from the sample): {of_light / grown[1]:.0f} x ours, "
        f"{of_light / paired:.0f} x ours with the learnt tables"
    )


def both_sides(stage: ServedStage, jobseekers: int) -> None:
    """Print what the placements' own lists cost beside the people's, and one placement's list alone."""
    people = stage.people(min(AT_ONCE, jobseekers))
    one, both = (replace(stage.work, side_k=side_k) for side_k in (0, SIDE_K))
    for work in (one, both):
        block(people, work)
    seconds = [median_milliseconds([partial(block, people, work)] * 3)[0] / 1e3 for work in (one, both)]
    count = len(people.east)
    print(
        f"  {count} people: {seconds[0]:.3f} s CPU; with each placement's own top {SIDE_K} {seconds[1]:.3f} s: "
        f"{seconds[1] / seconds[0]:.2f} x"
    )
    rows = np.random.default_rng(0).choice(len(stage.columns), min(PLACEMENTS_TIMED, len(stage.columns)), replace=False)
    lexicon = WordTables(stage.lexicon.vocabulary)  # of these placements' words alone
    few = PlacementColumns.of([stage.columns.profile(row) for row in rows.tolist()], lexicon)
    everybody = jobseeker_arrays(stage.profiles(jobseekers), few, stage.context)
    works = []
    for profile in few.profiles:
        alone = PlacementColumns.of([profile], lexicon)
        works.append(replace(both, placements=alone.arrays, day=day_arrays(stage.context, alone), k=1))
    cpu, wall = median_milliseconds([partial(block, everybody, work) for work in works])
    print(f"  one placement's top {SIDE_K} of {jobseekers} people: median CPU {cpu:.2f} ms, wall {wall:.2f} ms")


def growth(name: str, seed: int, server: postgres_shortlist.Server) -> None:
    """Print one list among ever more placements beside PostgreSQL's, and the exponents."""
    print(f"  one list as the placements grow, {name}, p50 in ms; PostgreSQL {server.version}, one client on loopback")
    quickest = f"PostgreSQL, quickest of {len(server.ways)}"
    print(f"  {'':10}{'ours':>16}{'PostgreSQL, ' + PLAIN:>32}{quickest:>32}{'the same':>13}")
    taken = f"{'CPU':>9}{'wall':>9}{'ratios':>14}"
    print(f"  {'placements':10}{'CPU':>8}{'wall':>8} {taken}{taken}{'open set':>13}")
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
        plainly, best = (f"PostgreSQL, {way}" for way in (PLAIN, "quickest"))
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


def workers(asked: argparse.Namespace) -> None:
    """Compare one loky worker with two, each of one thread, on blocks that stand ready."""
    from joblib import parallel_config  # noqa: PLC0415 - only here

    stage = ServedStage(asked.placements, asked.seed)
    blocks = list(stage.blocks(asked.jobseekers))
    walls, answers = {}, {}
    for jobs in (1, 2):
        with parallel_config(backend="loky", inner_max_num_threads=1):
            run = in_parallel(jobs)
            list(run(block, blocks[:2], stage.work))
            began = time.perf_counter()
            answers[jobs] = together(run(block, blocks, stage.work))
            walls[jobs] = time.perf_counter() - began
    ratio, are_same = walls[1] / walls[2], same(answers[1], answers[2])
    what = f"two loky workers, {asked.jobseekers} x {asked.placements}, s wall"
    record(what, walls[2], "one worker", walls[1], ratio)
    print(f"workers: one {walls[1]:.1f} s, two {walls[2]:.1f} s: {ratio:.2f} x; the same lists: {are_same}")


def country(asked: argparse.Namespace) -> None:
    """Rank a country block by block in this process on two threads, keeping every list."""
    people, placements = COUNTRY
    name = asked.shape or next(iter(SHAPES))
    stage = ServedStage(placements, asked.seed, **SHAPES[name])
    block(stage.people(2, TIMED_FROM), stage.work)
    kept = [np.empty((people, K), dtype=np.int32) for _ in range(2)]
    cpu, wall, eligible, first = 0.0, 0.0, 0, 0
    making, began = time.process_time(), time.perf_counter()
    for some in stage.blocks(people):
        start = time.perf_counter()
        found, seconds = timed(partial(block, some, stage.work, threads=2))
        cpu, wall = cpu + seconds, wall + time.perf_counter() - start
        rows = slice(first, first + len(some.east))
        kept[0][rows], kept[1][rows] = found.placements, found.scores
        eligible, first = eligible + int(found.eligible.sum()), rows.stop
    whole, made = time.perf_counter() - began, time.process_time() - making - cpu
    print(f"country, {name}: {people:,} people x {placements:,} placements, top {K}, two threads of one process")
    print(f"  {eligible:,} open pairs, {eligible / people / placements:.2%}; {(kept[0] >= 0).sum():,} listed")
    print(f"  ranking {cpu:.1f} s CPU, {wall:.1f} s wall; {cpu / eligible * 1e9:.0f} ns CPU an open pair")
    print(f"  making the people up {made:.1f} s CPU, {whole - wall:.1f} s wall")
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
    asked = parser.parse_args(arguments)
    if asked.workers or asked.country:
        (workers if asked.workers else country)(asked)
        return
    with postgres_shortlist.server() as server:
        for name in [asked.shape] if asked.shape else list(SHAPES):
            report(name, asked, server)


if __name__ == "__main__":
    main()
