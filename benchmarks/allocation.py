"""Compare our allocation of places with other ways: everyone's own best placement, a greedy method, exact solvers.

``python -m benchmarks.allocation --jobseekers 2000 --places 2000``. The scores are made up from a seed; about a seventh
of the pairs are eligible. Above 25 million pairs, a dense solver runs out of memory. In that case, every jobseeker has
up to twenty candidate placements, and only our auction and OR-Tools' exact min-cost flow are compared.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from ortools.graph.python import min_cost_flow
from scipy.optimize import linear_sum_assignment

from benchmarks.results import record
from matching.places.allocation import allocate
from matching.places.auction import Edges, auction
from matching.places.problem import AllocationProblem, Policy

OPEN_SHARE = 0.15
MOST_DENSE, CANDIDATES = 25_000_000, 20
Pairs = list[tuple[int, int]]


def problem_of(jobseekers: int, places: int, seed: int) -> AllocationProblem:
    """Return a made-up caseload.

    Some placements score higher for everyone, and people in most need score lower everywhere.
    """
    rng = np.random.default_rng(seed)
    scores = np.clip(rng.beta(2, 5, (jobseekers, places)) + rng.normal(0, 0.1, places), 0.01, 0.99)
    in_need = rng.random(jobseekers) < 0.3
    scores[in_need] *= 0.7
    scores[rng.random(scores.shape) > OPEN_SHARE] = np.nan
    return AllocationProblem(
        [f"J{i}" for i in range(jobseekers)],
        [f"P{i}" for i in range(places)],
        scores,
        [1] * places,
        in_need.tolist(),
        [f"E{i % max(1, places // 20)}" for i in range(places)],
    )


def _matrix(problem: AllocationProblem) -> Any:
    return problem.scores


def own_top(problem: AllocationProblem) -> Pairs:
    """Send everyone to the placement with their highest score. Each placement takes the best person sent to it."""
    best: dict[int, int] = {}
    filled = np.nan_to_num(_matrix(problem), nan=-1.0)
    for person, placement in enumerate(filled.argmax(axis=1).tolist()):
        if (
            filled[person, placement] >= 0
            and filled[person, placement] > filled[best.get(placement, person), placement] - 1e-12
        ):
            best[placement] = person
    return [(person, placement) for placement, person in best.items()]


def greedy(problem: AllocationProblem) -> Pairs:
    """Take pairs in order of score, highest first. Skip a pair if its person or placement is already taken."""
    rows, columns = np.nonzero(~np.isnan(_matrix(problem)))
    people, places, pairs = set(), set(), []
    for index in np.argsort(-_matrix(problem)[rows, columns], kind="stable"):
        person, placement = int(rows[index]), int(columns[index])
        if person not in people and placement not in places:
            people.add(person)
            places.add(placement)
            pairs.append((person, placement))
    return pairs


def dense(problem: AllocationProblem) -> Pairs:
    """Return the pairs with the highest possible sum of scores, by SciPy."""
    filled = np.nan_to_num(_matrix(problem), nan=0.0)
    rows, columns = linear_sum_assignment(filled, maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if filled[i, j] > 0]


def ours(problem: AllocationProblem, policy: Policy) -> Pairs:
    """Return the offers of our allocation under a policy."""
    plan = allocate(problem, policy)
    row = {key: i for i, key in enumerate(problem.jobseekers)}
    column = {key: i for i, key in enumerate(problem.placements)}
    return [(row[offer.jobseeker], column[offer.placement]) for offer in plan.offers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobseekers", type=int, default=2000)
    parser.add_argument("--places", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.jobseekers * options.places > MOST_DENSE:
        wide(options.jobseekers, options.places, options.seed)
        return
    problem = problem_of(options.jobseekers, options.places, options.seed)
    plain = Policy(need_floor=0.0, offer_value=0.0, evenness=0.0, keeping=0.0)
    methods: dict[str, Callable[[], Pairs]] = {
        "everyone to their own best placement": lambda: own_top(problem),
        "greedy by score": lambda: greedy(problem),
        "SciPy linear_sum_assignment, dense": lambda: dense(problem),
        "ours, no policy": lambda: ours(problem, plain),
        "ours, default policy, explained": lambda: ours(problem, Policy()),
    }
    in_need, results = np.asarray(problem.in_need), {}
    for name, method in methods.items():
        began = time.process_time()
        results[name] = (method(), time.process_time() - began)
    optimum = value(problem, results["SciPy linear_sum_assignment, dense"][0])
    print(
        f"{options.jobseekers} jobseekers, {options.places} places, "
        f"{np.mean(~np.isnan(_matrix(problem))):.0%} of pairs eligible, "
        f"{in_need.mean():.0%} in most need"
    )
    print(f"{'':36}{'offers':>8}{'sum of scores':>15}{'of optimum':>12}{'in need':>9}{'CPU s':>8}")
    for name, (pairs, seconds) in results.items():
        share = float(np.mean([in_need[i] for i, _ in pairs]))
        total = value(problem, pairs)
        print(f"{name:36}{len(pairs):8}{total:15.1f}{total / optimum:12.4f}{share:9.0%}{seconds:8.2f}")


def edges_of(jobseekers: int, places: int, seed: int) -> Edges:
    """Return a large made-up caseload with up to twenty candidate placements for each person.

    A placement has one to three places. Some placements score higher for everyone.
    """
    rng = np.random.default_rng(seed)
    count = places // 2
    liked, placements = rng.normal(0, 0.08, count), np.sort(rng.integers(0, count, (jobseekers, CANDIDATES)), axis=1)
    is_new = np.ones(placements.shape, dtype=bool)
    is_new[:, 1:] = placements[:, 1:] != placements[:, :-1]
    scores = np.clip(rng.beta(2, 5, placements.shape) + liked[placements], 0.01, 0.99)
    begins = np.searchsorted(np.nonzero(is_new)[0], np.arange(jobseekers + 1))
    return Edges(
        begins.astype(np.int64),
        placements[is_new].astype(np.int32),
        (scores[is_new] * 1e6).astype(np.int64),
        rng.choice([1, 2, 3], count).astype(np.int32),
    )


def exact(edges: Edges) -> float:
    """Return the highest possible sum of scores, by OR-Tools' min-cost flow."""
    people, count = edges.people, len(edges.places)
    source, sink = people + count, people + count + 1
    flow = min_cost_flow.SimpleMinCostFlow()
    add = flow.add_arcs_with_capacity_and_unit_cost
    person = np.repeat(np.arange(people), np.diff(edges.begins))
    add(person, people + edges.placements.astype(np.int64), np.ones(len(person), dtype=np.int64), -edges.values)
    add(np.full(people, source), np.arange(people), np.ones(people, dtype=np.int64), np.zeros(people, dtype=np.int64))
    to_sink = np.full(count, sink), edges.places.astype(np.int64), np.zeros(count, dtype=np.int64)
    add(people + np.arange(count), *to_sink)
    add(np.array([source]), np.array([sink]), np.array([people]), np.array([0]))
    flow.set_node_supply(source, people)
    flow.set_node_supply(sink, -people)
    if flow.solve() != flow.OPTIMAL:
        raise SystemExit("OR-Tools did not find an optimal flow.")
    return float(-flow.optimal_cost() / 1e6)


def wide(jobseekers: int, places: int, seed: int) -> None:
    """Compare the auction with the exact min-cost flow on a large caseload, and print and record the figures."""
    edges = edges_of(jobseekers, places, seed)
    auction(edges_of(10, 10, seed))  # compiles the auction, so that compiling is not timed
    print(f"{jobseekers} jobseekers, {edges.places.sum()} places, {len(edges.values)} eligible pairs")
    result, seconds = auction(edges), []
    for _ in range(3):
        began = time.process_time()
        auction(edges)
        seconds.append(time.process_time() - began)
    began = time.process_time()
    optimum = exact(edges)
    flow = time.process_time() - began
    ours_seconds = float(np.median(seconds))
    print(f"{'':36}{'sum of scores':>15}{'of optimum':>12}{'certified':>12}{'CPU s':>8}{'ratio':>8}")
    print(f"{'OR-Tools min-cost flow, exact':36}{optimum:15.1f}{1.0:12.5f}{'':12}{flow:8.2f}{1.0:8.1f}")
    share = result.value / 1e6 / optimum
    what = f"allocation, {jobseekers} x {places} places, certified {result.certified:.5f}, s CPU"
    record(what, ours_seconds, "OR-Tools min-cost flow", flow, flow / ours_seconds)
    print(
        f"{'ours, by auction':36}{result.value / 1e6:15.1f}{share:12.5f}{result.certified:12.5f}{ours_seconds:8.2f}"
        f"{flow / ours_seconds:8.1f}"
    )


def value(problem: AllocationProblem, pairs: Pairs) -> float:
    """Return the sum of the scores of some pairs."""
    return float(np.sum([_matrix(problem)[pair] for pair in pairs]))


if __name__ == "__main__":
    main()
