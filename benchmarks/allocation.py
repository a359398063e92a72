"""Assigning a caseload to places: ours against everyone to their own top, greedy by score, and SciPy's dense solver.

``python -m benchmarks.allocation --jobseekers 2000 --places 2000``; scores are seeded and made up, a seventh open.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment

from matching.allocation import Policy, Problem, allocate

OPEN_SHARE = 0.15
Pairs = list[tuple[int, int]]


def problem_of(jobseekers: int, places: int, seed: int) -> Problem:
    """Return a made-up caseload: some placements are liked by all, and those in need score lower."""
    rng = np.random.default_rng(seed)
    scores = np.clip(rng.beta(2, 5, (jobseekers, places)) + rng.normal(0, 0.1, places), 0.01, 0.99)
    in_need = rng.random(jobseekers) < 0.3
    scores[in_need] *= 0.7
    scores[rng.random(scores.shape) > OPEN_SHARE] = np.nan
    return Problem(
        [f"J{i}" for i in range(jobseekers)],
        [f"P{i}" for i in range(places)],
        scores,
        [1] * places,
        in_need.tolist(),
        [f"E{i % max(1, places // 20)}" for i in range(places)],
    )


def own_top(problem: Problem) -> Pairs:
    best: dict[int, int] = {}
    filled = np.nan_to_num(problem.scores, nan=-1.0)
    for person, placement in enumerate(filled.argmax(axis=1).tolist()):
        if (
            filled[person, placement] >= 0
            and filled[person, placement] > filled[best.get(placement, person), placement] - 1e-12
        ):
            best[placement] = person
    return [(person, placement) for placement, person in best.items()]


def greedy(problem: Problem) -> Pairs:
    rows, columns = np.nonzero(~np.isnan(problem.scores))
    people, places, pairs = set(), set(), []
    for at in np.argsort(-problem.scores[rows, columns], kind="stable"):
        person, placement = int(rows[at]), int(columns[at])
        if person not in people and placement not in places:
            people.add(person)
            places.add(placement)
            pairs.append((person, placement))
    return pairs


def dense(problem: Problem) -> Pairs:
    filled = np.nan_to_num(problem.scores, nan=0.0)
    rows, columns = linear_sum_assignment(filled, maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if filled[i, j] > 0]


def ours(problem: Problem, policy: Policy) -> Pairs:
    found = allocate(problem, policy)
    row = {key: i for i, key in enumerate(problem.jobseekers)}
    column = {key: i for i, key in enumerate(problem.placements)}
    return [(row[offer.jobseeker], column[offer.placement]) for offer in found.offers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobseekers", type=int, default=2000)
    parser.add_argument("--places", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    problem = problem_of(asked.jobseekers, asked.places, asked.seed)
    plain = Policy(need_floor=0.0, offer_value=0.0, evenness=0.0, keeping=0.0)
    methods: dict[str, Callable[[], Pairs]] = {
        "everyone to their own top": lambda: own_top(problem),
        "greedy by score": lambda: greedy(problem),
        "SciPy linear_sum_assignment, dense": lambda: dense(problem),
        "ours, no policy": lambda: ours(problem, plain),
        "ours, default policy, explained": lambda: ours(problem, Policy()),
    }
    in_need, found = np.asarray(problem.in_need), {}
    for name, method in methods.items():
        began = time.process_time()
        found[name] = (method(), time.process_time() - began)
    optimum = value(problem, found["SciPy linear_sum_assignment, dense"][0])
    print(
        f"{asked.jobseekers} jobseekers, {asked.places} places, "
        f"{np.mean(~np.isnan(problem.scores)):.0%} of pairs open, "
        f"{in_need.mean():.0%} in the need band"
    )
    print(f"{'':36}{'offers':>8}{'sum of scores':>15}{'of optimum':>12}{'in need':>9}{'CPU s':>8}")
    for name, (pairs, seconds) in found.items():
        share = float(np.mean([in_need[i] for i, _ in pairs]))
        total = value(problem, pairs)
        print(f"{name:36}{len(pairs):8}{total:15.1f}{total / optimum:12.4f}{share:9.0%}{seconds:8.2f}")


def value(problem: Problem, pairs: Pairs) -> float:
    return float(np.sum([problem.scores[pair] for pair in pairs]))


if __name__ == "__main__":
    main()
