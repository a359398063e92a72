"""Compare our allocation of places with other ways: everyone's own best placement, a greedy method, exact solvers.

``python -m benchmarks.allocation --jobseekers 2000 --places 2000``. The scores are made up from a seed; about a seventh
of the pairs are eligible. Above 25 million pairs, a dense solver runs out of memory. In that case, every jobseeker has
up to twenty candidate placements, and only our auction and OR-Tools' exact min-cost flow are compared.

``python -m benchmarks.allocation --matches``. Counts the matches that come true in made-up boroughs, where every
placement has one place. The scores come from cases. The ways differ in the scale on which an exact assignment adds up
the scores: raw, scaled by hand to 0..1, and either of them calibrated to the chance of a match. Beside them: everyone's
own best placement, and an assignment by random numbers.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.graph.python import min_cost_flow
from scipy.optimize import linear_sum_assignment

from benchmarks import borough, synthetic
from benchmarks.results import record
from matching.learning import evaluation
from matching.learning.cases import CaseOutcome
from matching.learning.chances import match_chance
from matching.learning.training import train
from matching.places.allocation import allocate
from matching.places.auction import Edges, auction
from matching.places.problem import AllocationProblem, Policy
from matching.score.ranker import TwoSidedModel
from matching.score.side_models import Calibration, Floats
from pathways.allocations.actions import policy_in_force

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
    parser.add_argument("--matches", action="store_true", help="count the matches that come true in made-up boroughs")
    parser.add_argument("--boroughs", type=int, default=8, help="with --matches: the number of made-up boroughs")
    options = parser.parse_args()
    if options.matches:
        count_matches(options.boroughs)
        return
    if options.jobseekers * options.places > MOST_DENSE:
        wide(options.jobseekers, options.places, options.seed)
        return
    problem = problem_of(options.jobseekers, options.places, options.seed)
    in_force, _ = policy_in_force(synthetic.DAY)
    methods: dict[str, Callable[[], Pairs]] = {
        "everyone to their own best placement": lambda: own_top(problem),
        "greedy by score": lambda: greedy(problem),
        "SciPy linear_sum_assignment, dense": lambda: dense(problem),
        "ours, no policy": lambda: ours(problem, Policy()),
        "ours, policy in force, explained": lambda: ours(problem, in_force),
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


# How scores are put on a scale of 0..1 by hand. Each function gets some scores and, ascending, those of all open pairs.
BY_HAND: dict[str, Callable[[Floats, Floats], Floats]] = {
    "least to greatest": lambda scores, every: (scores - every[0]) / max(float(every[-1] - every[0]), 1e-9),
    "square root": lambda scores, _: np.sqrt(scores),
    "squared": lambda scores, _: np.square(scores),
    "share of lower scores": lambda scores, every: np.searchsorted(every, scores) / len(every),
}
RAW, OURS = "raw scores", "ours: calibrated in training"
CASES = (30, 100, 300, 1000)
TRUE_PEOPLE, TRUE_PLACEMENTS = 300, 200
Counted = tuple[int, int, float]  # offers, true matches, and the number of matches expected by the true probabilities


@dataclass(frozen=True, eq=False)
class TrueBorough:
    """A made-up borough with its drawn outcomes, and the lists of its people: half of them learnt from, half not."""

    made: synthetic.SyntheticBorough
    outcomes: NDArray[np.int64]
    known: borough.EligibleLists
    others: borough.EligibleLists

    @classmethod
    def of(cls, seed: int) -> "TrueBorough":
        made, half = synthetic.make(TRUE_PEOPLE, TRUE_PLACEMENTS, seed=seed), TRUE_PEOPLE // 2
        lists = borough.lists_of(made, range(half)), borough.lists_of(made, range(half, TRUE_PEOPLE))
        return cls(made, made.outcomes(np.random.default_rng([seed, 2])), *lists)

    @cached_property
    def lists(self) -> borough.EligibleLists:
        return borough.together(self.known, self.others)

    def scores(self, model: TwoSidedModel) -> Floats:
        """Return the scores of all people and placements, NaN where a check rules the pair out."""
        table = np.full((len(self.lists.people), TRUE_PLACEMENTS), np.nan)
        for row, (placements, score) in enumerate(
            zip(self.lists.placements, borough.scores(model, self.lists), strict=True)
        ):
            table[row, placements] = score
        return table

    def counted(self, pairs: Pairs) -> Counted:
        offers = [(self.lists.people[row], placement) for row, placement in pairs]
        lasting = sum(bool(self.outcomes[pair] >= CaseOutcome.SUSTAINED) for pair in offers)
        truth = self.made.wants * self.made.takes * self.made.lasts
        return len(offers), lasting, float(sum(truth[pair] for pair in offers))


def exactly(scores: Floats, chance_of: Calibration | None = None) -> Pairs:
    """Return the exact assignment of one place each that has the most expected matches, if the chances are right."""
    keys = [f"J{i}" for i in range(len(scores))], [f"P{j}" for j in range(scores.shape[1])]
    one_each = [1] * scores.shape[1]
    return ours(AllocationProblem(*keys, scores, one_each, chance_of=chance_of or Calibration()), Policy())


def matches_of(seed: int) -> dict[int, dict[str, Counted]]:
    """Return, by number of cases and way to assign, what comes of the offers in one borough."""
    town = TrueBorough.of(seed)
    results: dict[int, dict[str, Counted]] = {}
    for n in CASES:
        cases, fresh = (
            borough.cases_of(lists, town.outcomes, n, np.random.default_rng([seed, number, n]))
            for number, lists in ((4, town.known), (6, town.others))
        )
        model = train(cases, f"after-{n}").model
        table = town.scores(model)
        is_open = ~np.isnan(table)
        noise = np.where(is_open, np.random.default_rng(seed).random(table.shape), np.nan)
        one_each = AllocationProblem([""] * len(table), [""] * table.shape[1], table, [1] * table.shape[1])
        ways = {"random": exactly(noise), "own best": own_top(one_each), RAW: exactly(table)}
        ways[OURS] = exactly(table, model.match_chance)
        every, judged = np.sort(table[is_open]), model.scores([case.values for case in fresh])
        for name, scale in BY_HAND.items():
            scaled = np.full(table.shape, np.nan)
            scaled[is_open] = scale(table[is_open], every)
            people, matched = [case.jobseeker for case in fresh], [case.matched for case in fresh]
            curve = match_chance(np.clip(scale(judged, every), 0.0, 1.0), matched, people).curve
            ways[f"by hand: {name}"], ways[f"  calibrated: {name}"] = exactly(scaled), exactly(scaled, curve)
        results[n] = {name: town.counted(pairs) for name, pairs in ways.items()}
    return results


def count_matches(boroughs: int) -> None:
    """Print and record what comes of the offers of every way to assign, summed over made-up boroughs."""
    results = [matches_of(seed) for seed in range(boroughs)]
    print(
        f"{boroughs} boroughs of {TRUE_PEOPLE} people and {TRUE_PLACEMENTS} places; exact assignment but for own best"
    )
    for n in CASES:
        print(f"\nscores after {n} cases; a scale by hand is calibrated on {n} cases of other people")
        print(f"{'':40}{'offers':>8}{'true matches':>14}{'expected':>10}{'expected, minus raw, a borough':>34}")
        raw = [result[n][RAW][2] for result in results]
        for name in results[0][n]:
            offers, lasting, expected = (sum(result[n][name][at] for result in results) for at in range(3))
            gap = evaluation.paired([result[n][name][2] for result in results], raw)
            interval = f"{gap.mean:+.2f} [{gap.low:+.2f}, {gap.high:+.2f}]"
            print(f"{name:40}{offers:8}{lasting:14}{expected:10.1f}{interval:>34}", flush=True)
        mine, other = (sum(result[n][name][2] for result in results) for name in (OURS, "own best"))
        record(f"expected matches of an assignment, scores after {n} cases", mine, "own best", other, mine / other)


def value(problem: AllocationProblem, pairs: Pairs) -> float:
    """Return the sum of the scores of some pairs."""
    return float(np.sum([_matrix(problem)[pair] for pair in pairs]))


if __name__ == "__main__":
    main()
