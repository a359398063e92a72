"""Compare rankers in a simulated borough: expert weights, our learner on few cases, LightGBM and an oracle.

The rankers do not see the true probabilities (``SyntheticTruth``) that decide the outcomes.
``python -m benchmarks.borough [--seed N] [--truth FILE]``. FILE is JSON with any of the numbers of ``SyntheticTruth``.
Without a seed, five boroughs with different truths are run. Their figures are printed one by one and pooled.
"""

import argparse
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from benchmarks import synthetic
from matching.learning import evaluation
from matching.learning.cases import CaseOutcome, DecidedCase
from matching.learning.training import Trained, train
from matching.pairs.features import Feature, ModelSide, Values
from matching.places.allocation import AllocationPlan, allocate
from matching.places.problem import AllocationProblem
from matching.score.ranker import PlacementRanker, TwoSidedModel, order
from matching.score.side_models import Floats, matrix
from pathways.allocations.actions import policy_in_force

SIZES = (5, 10, 30, 100, 300)  # numbers of decided cases to learn from
CHECKED = 2000  # pairs on which calibration is measured
CALIBRATED = ("score", *(side.value for side in ModelSide))
MATCHES_READ = 15  # how many matches of a list a caseworker reads
NAMES = tuple(name for name in Feature if name is not Feature.ANSWERS)  # a made-up borough has no earlier answers


@dataclass(frozen=True, eq=False)
class EligibleLists:
    """The eligible pairs of some people, with one list of pairs for each person.

    ``matrices`` has the features in the form that our models of the two sides read, ``plain`` in the form that the
    other rankers read. ``shown`` has the row numbers of the pairs that a caseworker reads, best first.
    """

    people: list[int]
    placements: list[np.ndarray]
    values: list[list[Values]]
    matrices: list[dict[ModelSide, Floats]]
    plain: list[Floats]
    shown: list[list[int]]


def plain(pairs: Sequence[Values]) -> Floats:
    """Return all features as one matrix for the other rankers. Unknown values are NaN."""
    unknown = float("nan")
    return np.array([[unknown if v[n].value is None else v[n].value for n in NAMES] for v in pairs], dtype=np.float64)


def lists_of(borough: synthetic.SyntheticBorough, people: Sequence[int]) -> EligibleLists:
    """Return the lists of some people. The rows that a caseworker reads are in the order of the expert weights."""
    ranker = PlacementRanker(borough.vocabulary, borough.context)
    index_of = {key: i for i, key in enumerate(synthetic.keys(borough.placements))}
    made = EligibleLists([], [], [], [], [], [])
    for person in people:
        matches, _ = ranker.pairs((borough.jobseekers[person], p) for p in borough.placements)
        if len(matches) > 1:
            values: list[Values] = [m.values for _, m in matches]
            keys = [m.placement.key for _, m in matches]
            made.people.append(person)
            made.placements.append(np.array([index_of[key] for key in keys]))
            made.values.append(values)
            made.matrices.append({side: matrix(side, values) for side in ModelSide})
            made.plain.append(plain(values))
            made.shown.append(order([m.score for _, m in matches], keys, "a day", str(person)).places[:MATCHES_READ])
    return made


def scores(model: TwoSidedModel, lists: EligibleLists) -> list[Floats]:
    """Return the scores that a model gives: one array for each list."""
    return [model.scores_of(matrices) for matrices in lists.matrices]


def together(known: EligibleLists, held_out: EligibleLists) -> EligibleLists:
    """Return both sets of lists as one, for the allocation. It learns nothing, so no people need to be held out."""
    return EligibleLists(
        known.people + held_out.people,
        known.placements + held_out.placements,
        known.values + held_out.values,
        known.matrices + held_out.matrices,
        known.plain + held_out.plain,
        known.shown + held_out.shown,
    )


def cases_of(lists: EligibleLists, outcomes: np.ndarray, n: int, rng: np.random.Generator) -> list[DecidedCase]:
    """Return n decided cases: introductions that simulated caseworkers choose from lists ordered by the expert weights.

    Higher matches are chosen more often, with a probability proportional to 1 / log2(rank + 1).
    """
    cases: list[DecidedCase] = []
    taken: set[tuple[int, int]] = set()
    for row in np.concatenate([rng.permutation(len(lists.people)) for _ in range(2 + n // len(lists.people) * 2)]):
        person, read = lists.people[row], lists.shown[row]
        attention = 1 / np.log2(np.arange(len(read)) + 2)
        pick = read[int(rng.choice(len(read), p=attention / attention.sum()))]
        placement = int(lists.placements[row][pick])
        if (person, placement) in taken:
            continue
        taken.add((person, placement))
        outcome = CaseOutcome(int(outcomes[person, placement]))
        cases.append(
            DecidedCase(
                lists.values[row][pick],
                wanted=outcome > CaseOutcome.DECLINED,
                lasted=None if outcome is CaseOutcome.DECLINED else outcome >= CaseOutcome.SUSTAINED,
                outcome=outcome,
                decided_on=synthetic.DAY + timedelta(days=len(cases)),
                jobseeker=str(person),
                placement=str(placement),
            )
        )
        if len(cases) == n:
            break
    return cases


def lightgbm_scores(cases: Sequence[DecidedCase], lists: EligibleLists) -> dict[str, list[Floats]]:
    """Return the scores of two LightGBM models, a regression on the grade and LambdaMART, set up for few cases."""
    from lightgbm import LGBMRanker, LGBMRegressor  # noqa: PLC0415 - takes a second, and only this benchmark needs it

    X, y = plain([case.values for case in cases]), np.array([float(case.outcome) for case in cases])
    leaf = max(1, min(20, len(cases) // 10))
    common: dict[str, Any] = {
        "n_estimators": 100,
        "learning_rate": 0.05,
        "num_leaves": 7,
        "min_child_samples": leaf,
        "n_jobs": 1,
    }
    inorder = np.argsort([case.jobseeker for case in cases], kind="stable")
    groups = np.unique([cases[i].jobseeker for i in inorder], return_counts=True)[1]
    point = LGBMRegressor(**common, verbose=-1, random_state=0).fit(X, y)
    ranked = LGBMRanker(**common, verbose=-1, random_state=0).fit(X[inorder], y[inorder], group=groups)
    return {
        "pointwise": [np.asarray(point.predict(X)) for X in lists.plain],
        "lambdamart": [np.asarray(ranked.predict(X)) for X in lists.plain],
    }


def ndcg_of(lists: EligibleLists, outcomes: np.ndarray, scores: Sequence[Floats]) -> Floats:
    """Return the NDCG at 10 of each list."""
    return np.array(
        [
            evaluation.ndcg(outcomes[person, placements], score)
            for person, placements, score in zip(lists.people, lists.placements, scores, strict=True)
        ]
    )


def oracle_scores(borough: synthetic.SyntheticBorough, known: EligibleLists, held_out: EligibleLists) -> list[Floats]:
    """Return an oracle's scores of the held-out lists.

    It is trained on the true expected gains of all known pairs. Its figures show the most that any ranker could learn.
    """
    gain = expected_gain(borough)
    target = np.concatenate([gain[p, placements] for p, placements in zip(known.people, known.placements, strict=True)])
    model = HistGradientBoostingRegressor(max_iter=300, learning_rate=0.06, random_state=0).fit(
        np.vstack(known.plain), target
    )
    return [np.asarray(model.predict(X)) for X in held_out.plain]


def expected_gain(borough: synthetic.SyntheticBorough) -> Floats:
    """Return the expected gain, 2 ** grade - 1, of every pair."""
    want, take, last = borough.wants, borough.takes, borough.lasts
    on = last / 2
    return want * ((1 - take) * 1 + take * ((1 - last) * 3 + last * ((1 - on) * 7 + on * 15)))


def in_most_need(borough: synthetic.SyntheticBorough) -> np.ndarray:
    """Return which people are in most need: the 30 % with the least chance of a start that lasts.

    A person's chance is the true probability of such a start at the placement where it is highest.
    """
    best = (borough.wants * borough.takes * borough.lasts).max(axis=1)
    return np.asarray(best <= np.quantile(best, 0.3))


@dataclass
class Placed:
    """The result of one method of allocation: starts that last (as drawn, and expected) and offers.

    ``need_share`` is the share of the offers that go to people in most need.
    """

    true_matches: int
    expected: float
    offered: int
    need_share: float


@dataclass
class BoroughResult:
    """The figures of one borough: the NDCG of each held-out list, calibration errors, and results of allocation.

    Each row of ``learnt`` is from one random draw of cases.
    """

    expert: Floats
    oracle: Floats
    chance: Floats
    learnt: dict[int, Floats]
    lightgbm: dict[int, dict[str, Floats]]
    calibration: dict[int, dict[str, float]]
    gates: dict[int, float]
    own_top: Placed
    allocated: Placed
    own_top_as_listed: Placed
    allocated_as_listed: Placed
    allocations: list[AllocationPlan]


def run(
    seed: int, truth: synthetic.SyntheticTruth | None, *, people: int, placements: int, draws: int
) -> BoroughResult:
    """Simulate one borough and measure every ranker on the half of the people that is held out."""
    borough = synthetic.make(people, placements, seed=seed, truth=truth)
    outcomes = borough.outcomes(np.random.default_rng([seed, 2]))
    half = people // 2
    known, held_out = lists_of(borough, range(half)), lists_of(borough, range(half, people))
    rng = np.random.default_rng([seed, 3])
    chance = [rng.random(len(p)) for p in held_out.placements]
    learnt, light, gates = {}, {}, {}
    calibration: dict[int, dict[str, float]] = {}
    for n in SIZES:
        rows: list[Floats] = []
        others: dict[str, list[Floats]] = {"pointwise": [], "lambdamart": []}
        sides: dict[str, list[float]] = {name: [] for name in CALIBRATED}
        opened = 0
        for draw in range(draws):
            cases = cases_of(known, outcomes, n, np.random.default_rng([seed, 4, n, draw]))
            trained = train(cases, f"after-{n}")
            opened += sum(mix.is_mixed_in for mix in trained.mixes)
            rows.append(ndcg_of(held_out, outcomes, scores(trained.model, held_out)))
            for name, light_scores in lightgbm_scores(cases, held_out).items():
                others[name].append(ndcg_of(held_out, outcomes, light_scores))
            for side, error in calibration_of(borough, held_out, outcomes, trained, [seed, 5, n, draw]).items():
                sides[side].append(error)
        learnt[n] = np.array(rows)
        light[n] = {name: np.array(figures) for name, figures in others.items()}
        calibration[n] = {side: float(np.mean(errors)) for side, errors in sides.items()}
        gates[n] = opened / (2 * draws)
    given = [
        places_given(borough, together(known, held_out), outcomes, in_most_need(borough), places)
        for places in ([1] * placements, [placement.places_left for placement in borough.placements])
    ]
    return BoroughResult(
        own_top=given[0][0],
        allocated=given[0][1],
        own_top_as_listed=given[1][0],
        allocated_as_listed=given[1][1],
        allocations=[allocation for *_, allocation in given],
        expert=ndcg_of(held_out, outcomes, scores(TwoSidedModel.expert(), held_out)),
        oracle=ndcg_of(held_out, outcomes, oracle_scores(borough, known, held_out)),
        chance=ndcg_of(held_out, outcomes, chance),
        learnt=learnt,
        lightgbm=light,
        calibration=calibration,
        gates=gates,
    )


def calibration_of(
    borough: synthetic.SyntheticBorough,
    lists: EligibleLists,
    outcomes: np.ndarray,
    trained: Trained,
    seed: Sequence[int],
) -> dict[str, float]:
    """Return the calibration error of the score and of each side, on introductions of held-out people.

    The probabilities are compared with the true probabilities, not with drawn outcomes, so the figure has no error that
    comes from the random drawing.
    """
    fresh = cases_of(lists, outcomes, CHECKED, np.random.default_rng(seed))
    pairs = [(int(case.jobseeker), int(case.placement)) for case in fresh]
    truth = {
        ModelSide.JOBSEEKER: [borough.wants[pair] for pair in pairs],
        ModelSide.PLACEMENT: [borough.takes[pair] * borough.lasts[pair] for pair in pairs],
    }
    p = trained.model.probabilities([case.values for case in fresh])
    errors = {side.value: evaluation.calibration_error(p[side], truth[side]) for side in ModelSide}
    both = np.array(truth[ModelSide.JOBSEEKER]) * np.array(truth[ModelSide.PLACEMENT])
    return errors | {"score": evaluation.calibration_error(p[ModelSide.JOBSEEKER] * p[ModelSide.PLACEMENT], both)}


def places_given(
    borough: synthetic.SyntheticBorough,
    lists: EligibleLists,
    outcomes: np.ndarray,
    in_need: np.ndarray,
    places: Sequence[int],
) -> tuple[Placed, Placed, AllocationPlan]:
    """Return the results of everyone's own best placement and of our allocation, and the plan of our allocation.

    Both results use the same scores and places.
    """
    expert = scores(TwoSidedModel.expert(), lists)
    table = np.full((len(lists.people), len(borough.placements)), np.nan)
    for row, (placements, score) in enumerate(zip(lists.placements, expert, strict=True)):
        table[row, placements] = score
    own: list[tuple[int, int]] = []
    for placement in range(len(places)):
        tops = [row for row in range(len(table)) if np.nanargmax(table[row]) == placement]
        tops.sort(key=lambda row: -table[row, placement])
        own += [(row, placement) for row in tops[: places[placement]]]
    keys = synthetic.keys(borough.placements)
    problem = AllocationProblem(
        [str(row) for row in range(len(table))],
        keys,
        table,
        places,
        in_need[lists.people].tolist(),
        [placement.organisation for placement in borough.placements],
    )
    plan = allocate(problem, policy_in_force(synthetic.DAY)[0])
    ours = [(int(offer.jobseeker), keys.index(offer.placement)) for offer in plan.offers]
    return _placed(borough, lists, outcomes, own, in_need), _placed(borough, lists, outcomes, ours, in_need), plan


def _placed(
    borough: synthetic.SyntheticBorough,
    lists: EligibleLists,
    outcomes: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    in_need: np.ndarray,
) -> Placed:
    offers = [(lists.people[row], placement) for row, placement in pairs]
    chance = borough.wants * borough.takes * borough.lasts
    return Placed(
        true_matches=sum(int(outcomes[pair] >= CaseOutcome.SUSTAINED) for pair in offers),
        expected=float(sum(chance[pair] for pair in offers)),
        offered=len(offers),
        need_share=float(np.mean([in_need[person] for person, _ in offers])) if offers else 0.0,
    )


def pooled(results: Sequence[BoroughResult]) -> BoroughResult:
    """Return several boroughs as one result: NDCGs joined, offers and starts summed, calibration errors averaged."""
    first = results[0]
    return BoroughResult(
        expert=np.concatenate([r.expert for r in results]),
        oracle=np.concatenate([r.oracle for r in results]),
        chance=np.concatenate([r.chance for r in results]),
        learnt={n: np.hstack([r.learnt[n] for r in results]) for n in SIZES},
        lightgbm={
            n: {name: np.hstack([r.lightgbm[n][name] for r in results]) for name in first.lightgbm[n]} for n in SIZES
        },
        calibration={
            n: {name: float(np.mean([r.calibration[n][name] for r in results])) for name in CALIBRATED} for n in SIZES
        },
        gates={n: float(np.mean([r.gates[n] for r in results])) for n in SIZES},
        own_top=_together([r.own_top for r in results]),
        allocated=_together([r.allocated for r in results]),
        own_top_as_listed=_together([r.own_top_as_listed for r in results]),
        allocated_as_listed=_together([r.allocated_as_listed for r in results]),
        allocations=[allocation for r in results for allocation in r.allocations],
    )


def _together(placed: Sequence[Placed]) -> Placed:
    return Placed(
        sum(p.true_matches for p in placed),
        sum(p.expected for p in placed),
        sum(p.offered for p in placed),
        float(np.average([p.need_share for p in placed], weights=[p.offered for p in placed])),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="simulate one borough with this seed; without it, five are pooled")
    parser.add_argument("--truth", type=Path, help="JSON file with any of the numbers of synthetic.SyntheticTruth")
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--placements", type=int, default=200)
    parser.add_argument("--draws", type=int, default=3, help="the number of random draws for each number of cases")
    options = parser.parse_args()
    truth = synthetic.SyntheticTruth(**json.loads(options.truth.read_text())) if options.truth else None
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    seeds = range(5) if options.seed is None else [options.seed]
    results = []
    for seed in seeds:
        results.append(run(seed, truth, people=options.people, placements=options.placements, draws=options.draws))
        result = results[-1]
        oracle = float(np.nanmean(result.oracle))
        shares = [f"{n}: {np.nanmean(result.learnt[n]) / oracle:.1%}" for n in SIZES]
        print(
            f"borough {seed}, share of the oracle's NDCG: expert weights {np.nanmean(result.expert) / oracle:.1%}, "
            f"our learner by number of cases {', '.join(shares)}; expected lasting starts of our allocation: "
            f"{result.allocated.expected / result.own_top.expected:.2f} x those of everyone's own best placement",
            flush=True,
        )
    print()
    report(pooled(results))


def report(result: BoroughResult) -> None:
    """Print the figures of a result as tables."""
    oracle = float(np.nanmean(result.oracle))
    print(f"{'NDCG@10, held-out people':34}{'mean':>7}{'of oracle':>11}")
    for name, lists in (("random", result.chance), ("expert weights", result.expert), ("oracle", result.oracle)):
        print(f"{name:34}{np.nanmean(lists):7.3f}{np.nanmean(lists) / oracle:11.1%}")
    print(
        f"\n{'cases':>6}{'ours':>8}{'of oracle':>11}{'experts':>9}{'LGBM point':>12}{'LambdaMART':>12}"
        f"{'ours minus the best other':>28}{'ECE score':>11}{'wants':>8}{'takes':>8}{'boosted':>9}"
    )
    for n in SIZES:
        ours = result.learnt[n].mean(axis=0)
        rivals = {"experts": result.expert, **{k: v.mean(axis=0) for k, v in result.lightgbm[n].items()}}
        better = max(rivals, key=lambda k: float(np.nanmean(rivals[k])))
        gap = evaluation.paired(ours, rivals[better])
        print(
            f"{n:6}{np.nanmean(ours):8.3f}{np.nanmean(ours) / oracle:11.1%}{np.nanmean(result.expert):9.3f}"
            f"{np.nanmean(rivals['pointwise']):12.3f}{np.nanmean(rivals['lambdamart']):12.3f}"
            f"{gap.mean:+10.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
            f"{result.calibration[n]['score']:9.3f}{result.calibration[n][ModelSide.JOBSEEKER]:8.3f}"
            f"{result.calibration[n][ModelSide.PLACEMENT]:8.3f}"
            f"{result.gates[n]:9.0%}"
        )
    print(f"\n{'ways to assign the places':34}{'true matches':>14}{'expected':>10}{'offered':>9}{'in need':>9}")
    for how, own, ours in (
        ("one place each", result.own_top, result.allocated),
        ("places as listed", result.own_top_as_listed, result.allocated_as_listed),
    ):
        for name, placed in (("own best", own), ("allocation", ours)):
            print(
                f"{how + ': ' + name:34}{placed.true_matches:14}{placed.expected:10.1f}{placed.offered:9}"
                f"{placed.need_share:9.0%}"
            )
        print(f"{'':34}{ours.true_matches / own.true_matches:13.2f}x{ours.expected / own.expected:9.2f}x")
    plans = result.allocations
    print(
        f"need floor: {sum(p.need_offers for p in plans)} offers to those in most need, at least "
        f"{sum(p.need_floor for p in plans)} reserved; the band is "
        f"{np.mean([p.need_share_of_caseload for p in plans]):.0%} of the caseload and "
        f"{np.mean([p.need_share_of_top for p in plans]):.0%} of the top 30 % by score"
    )


if __name__ == "__main__":
    main()
