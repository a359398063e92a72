"""A simulated borough whose truth no ranker sees: experts' weights, learning from few cases, LightGBM, and an oracle.

``python -m benchmarks.borough [--seed N] [--truth FILE]``; FILE is JSON: any numbers of ``SyntheticTruth``.
Without a seed, five boroughs are pooled, each with a truth of its own, and their figures printed one by one as well.
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
from lightgbm import LGBMRanker, LGBMRegressor
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

SIZES = (5, 10, 30, 100, 300)
CHECKED = 2000
CALIBRATED = ("score", *(side.value for side in ModelSide))
LOOKED_AT = 15  # a caseworker reads this far down a list
NAMES = tuple(name for name in Feature if name is not Feature.ANSWERS)  # a made-up borough has no past of answers


@dataclass(frozen=True, eq=False)
class EligibleLists:
    """The eligible pairs of some people, list by list, with their features as each side and the others read them."""

    people: list[int]
    placements: list[np.ndarray]
    values: list[list[Values]]
    matrices: list[dict[ModelSide, Floats]]
    plain: list[Floats]
    shown: list[list[int]]


def plain(pairs: Sequence[Values]) -> Floats:
    """Return all features as one matrix, for the alternatives."""
    none = float("nan")
    return np.array([[none if v[n].value is None else v[n].value for n in NAMES] for v in pairs], dtype=np.float64)


def lists_of(borough: synthetic.SyntheticBorough, people: Sequence[int]) -> EligibleLists:
    """Return the lists of some people, each in the experts' order, as a caseworker would see it."""
    ranker = PlacementRanker(borough.vocabulary, borough.context)
    where = {key: i for i, key in enumerate(synthetic.keys(borough.placements))}
    made = EligibleLists([], [], [], [], [], [])
    for person in people:
        matches, _ = ranker.pairs((borough.jobseekers[person], p) for p in borough.placements)
        if len(matches) > 1:
            values: list[Values] = [m.values for _, m in matches]
            keys = [m.placement.key for _, m in matches]
            made.people.append(person)
            made.placements.append(np.array([where[key] for key in keys]))
            made.values.append(values)
            made.matrices.append({side: matrix(side, values) for side in ModelSide})
            made.plain.append(plain(values))
            made.shown.append(order([m.score for _, m in matches], keys, "a day", str(person)).places[:LOOKED_AT])
    return made


def scores(model: TwoSidedModel, lists: EligibleLists) -> list[Floats]:
    return [model.scores_of(matrices) for matrices in lists.matrices]


def together(one: EligibleLists, other: EligibleLists) -> EligibleLists:
    """Return the lists of the whole borough: nothing about places is learnt, so nobody need be held out."""
    return EligibleLists(
        one.people + other.people,
        one.placements + other.placements,
        one.values + other.values,
        one.matrices + other.matrices,
        one.plain + other.plain,
        one.shown + other.shown,
    )


def cases_of(lists: EligibleLists, outcomes: np.ndarray, n: int, rng: np.random.Generator) -> list[DecidedCase]:
    """Let caseworkers introduce from the experts' lists, looking more at what stands higher, until n are decided."""
    cases: list[DecidedCase] = []
    taken: set[tuple[int, int]] = set()
    for row in np.concatenate([rng.permutation(len(lists.people)) for _ in range(2 + n // len(lists.people) * 2)]):
        person, seen = lists.people[row], lists.shown[row]
        looks = 1 / np.log2(np.arange(len(seen)) + 2)
        pick = seen[int(rng.choice(len(seen), p=looks / looks.sum()))]
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
    """Return LightGBM's scores, pointwise on the grade and LambdaMART by person, each set for few cases."""
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
    return np.array(
        [
            evaluation.ndcg(outcomes[person, placements], score)
            for person, placements, score in zip(lists.people, lists.placements, scores, strict=True)
        ]
    )


def oracle_scores(borough: synthetic.SyntheticBorough, known: EligibleLists, held_out: EligibleLists) -> list[Floats]:
    """Train on the true chances of every known pair, on the same features: the most that any ranker could learn."""
    gain = expected_gain(borough)
    target = np.concatenate([gain[p, placements] for p, placements in zip(known.people, known.placements, strict=True)])
    model = HistGradientBoostingRegressor(max_iter=300, learning_rate=0.06, random_state=0).fit(
        np.vstack(known.plain), target
    )
    return [np.asarray(model.predict(X)) for X in held_out.plain]


def expected_gain(borough: synthetic.SyntheticBorough) -> Floats:
    """Return the mean of 2 ** grade - 1 for every pair."""
    want, take, last = borough.wants, borough.takes, borough.lasts
    on = last / 2
    return want * ((1 - take) * 1 + take * ((1 - last) * 3 + last * ((1 - on) * 7 + on * 15)))


def in_most_need(borough: synthetic.SyntheticBorough) -> np.ndarray:
    """Return who is in the band: here, the three in ten for whom the truth holds least anywhere."""
    best = (borough.wants * borough.takes * borough.lasts).max(axis=1)
    return np.asarray(best <= np.quantile(best, 0.3))


@dataclass
class Placed:
    """What two ways of giving out the same places come to, by the truth."""

    true_matches: int
    expected: float
    offered: int
    need_share: float


@dataclass
class BoroughResult:
    """Held-out figures of one borough, list by list; rows of ``learnt`` are draws of the cases."""

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
            opened += sum(gate.is_open for gate in trained.gates)
            rows.append(ndcg_of(held_out, outcomes, scores(trained.model, held_out)))
            for name, found in lightgbm_scores(cases, held_out).items():
                others[name].append(ndcg_of(held_out, outcomes, found))
            for side, error in calibration_of(borough, held_out, outcomes, trained, [seed, 5, n, draw]).items():
                sides[side].append(error)
        learnt[n] = np.array(rows)
        light[n] = {name: np.array(found) for name, found in others.items()}
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
    """Return the calibration error of the score and of each side on the next pairs to introduce, of people never seen.

    Against the true chances, not one draw of them: so the figure is the model's error and not the draw's.
    """
    fresh = cases_of(lists, outcomes, CHECKED, np.random.default_rng(seed))
    where = [(int(case.jobseeker), int(case.placement)) for case in fresh]
    truth = {
        ModelSide.JOBSEEKER: [borough.wants[pair] for pair in where],
        ModelSide.PLACEMENT: [borough.takes[pair] * borough.lasts[pair] for pair in where],
    }
    p = trained.model.probabilities([case.values for case in fresh])
    found = {side.value: evaluation.calibration_error(p[side], truth[side]) for side in ModelSide}
    both = np.array(truth[ModelSide.JOBSEEKER]) * np.array(truth[ModelSide.PLACEMENT])
    return found | {"score": evaluation.calibration_error(p[ModelSide.JOBSEEKER] * p[ModelSide.PLACEMENT], both)}


def places_given(
    borough: synthetic.SyntheticBorough,
    lists: EligibleLists,
    outcomes: np.ndarray,
    in_need: np.ndarray,
    places: Sequence[int],
) -> tuple[Placed, Placed, AllocationPlan]:
    """Return everyone sent to their own top against the allocation, on the same scores and places."""
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
    found = allocate(problem)
    ours = [(int(offer.jobseeker), keys.index(offer.placement)) for offer in found.offers]
    return _placed(borough, lists, outcomes, own, in_need), _placed(borough, lists, outcomes, ours, in_need), found


def _placed(
    borough: synthetic.SyntheticBorough,
    lists: EligibleLists,
    outcomes: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    in_need: np.ndarray,
) -> Placed:
    where = [(lists.people[row], placement) for row, placement in pairs]
    chance = borough.wants * borough.takes * borough.lasts
    return Placed(
        true_matches=sum(int(outcomes[pair] >= CaseOutcome.SUSTAINED) for pair in where),
        expected=float(sum(chance[pair] for pair in where)),
        offered=len(where),
        need_share=float(np.mean([in_need[person] for person, _ in where])) if where else 0.0,
    )


def pooled(results: Sequence[BoroughResult]) -> BoroughResult:
    """Return several boroughs as one: all their lists, their places together, the mean of their calibration."""
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
    parser.add_argument("--seed", type=int, help="one borough; without it five are pooled")
    parser.add_argument("--truth", type=Path, help="JSON with any of the numbers of synthetic.SyntheticTruth")
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--placements", type=int, default=200)
    parser.add_argument("--draws", type=int, default=3, help="how often cases are drawn anew at each size")
    asked = parser.parse_args()
    truth = synthetic.SyntheticTruth(**json.loads(asked.truth.read_text())) if asked.truth else None
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    seeds = range(5) if asked.seed is None else [asked.seed]
    results = []
    for seed in seeds:
        results.append(run(seed, truth, people=asked.people, placements=asked.placements, draws=asked.draws))
        one = results[-1]
        oracle = float(np.nanmean(one.oracle))
        shares = [f"{n}: {np.nanmean(one.learnt[n]) / oracle:.1%}" for n in SIZES]
        print(
            f"borough {seed}: experts {np.nanmean(one.expert) / oracle:.1%} of oracle; after {', '.join(shares)}; "
            f"allocation {one.allocated.expected / one.own_top.expected:.2f} x own top",
            flush=True,
        )
    print()
    report(pooled(results))


def report(result: BoroughResult) -> None:
    oracle = float(np.nanmean(result.oracle))
    print(f"{'NDCG@10, held-out people':34}{'mean':>7}{'of oracle':>11}")
    for name, lists in (("random", result.chance), ("experts' weights", result.expert), ("oracle", result.oracle)):
        print(f"{name:34}{np.nanmean(lists):7.3f}{np.nanmean(lists) / oracle:11.1%}")
    print(
        f"\n{'cases':>6}{'ours':>8}{'of oracle':>11}{'experts':>9}{'LGBM point':>12}{'LambdaMART':>12}"
        f"{'less the better of them':>28}{'ECE score':>11}{'wants':>8}{'takes':>8}{'boosted':>9}"
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
    print(f"\n{'the same places given out':34}{'true matches':>14}{'expected':>10}{'offered':>9}{'in need':>9}")
    for how, own, ours in (
        ("one vacancy, one hire", result.own_top, result.allocated),
        ("places as listed", result.own_top_as_listed, result.allocated_as_listed),
    ):
        for name, placed in (("own top", own), ("allocation", ours)):
            print(
                f"{how + ': ' + name:34}{placed.true_matches:14}{placed.expected:10.1f}{placed.offered:9}"
                f"{placed.need_share:9.0%}"
            )
        print(f"{'':34}{ours.true_matches / own.true_matches:13.2f}x{ours.expected / own.expected:9.2f}x")
    found = result.allocations
    print(
        f"need floor: {sum(f.need_offers for f in found)} offers to the band, at least "
        f"{sum(f.need_floor for f in found)} reserved; the band is "
        f"{np.mean([f.need_share_of_caseload for f in found]):.0%} of everybody and "
        f"{np.mean([f.need_share_of_top for f in found]):.0%} of the top 30 % by score"
    )


if __name__ == "__main__":
    main()
