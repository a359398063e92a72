"""Compare ways to weigh boosting beside the linear model, after few and many decided cases, on people never seen.

``python -m benchmarks.learning_curve [--svmrank TRAIN TEST]``. Without files, the cases are introductions of made-up
boroughs, and the whole learner is measured. With files, the rows of some queries stand for cases and a grade of 2 or
more for success. The features then have no names and no expert priors, so only the choice of the weight is measured.

- ``chosen``: our learner. The weight is chosen on held-out people.
- ``prescribed``: the weight is n / (n + 50) after n cases, if held-out days do not show that it does harm. This was our
  learner until version 0.3.
- ``linear``: the linear model alone.
- ``pointwise`` and ``LambdaMART``: LightGBM, on the grades of the same cases.
"""

import argparse
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from lightgbm import LGBMRanker, LGBMRegressor
from sklearn.datasets import load_svmlight_files

from benchmarks import borough, synthetic
from benchmarks.results import record
from matching.learning import evaluation
from matching.learning.boosting import BoostedTables
from matching.learning.cases import DecidedCase
from matching.learning.chances import calibrate
from matching.learning.logistic import MapLogistic
from matching.learning.mixing import FOLDS, SHARES, choose_share, folds_of, log_loss
from matching.learning.training import fit_boosted, fit_logistic, train
from matching.pairs.features import ModelSide
from matching.score.ranker import TwoSidedModel
from matching.score.side_models import Floats, SideModel, matrix, sigmoid

SIZES = (5, 10, 20, 50, 100, 200, 500, 1000, 2000)
OLD_HALF_WEIGHT, OLD_FEWEST, OLD_BLOCKS, OLD_TOLERATED = 50, 40, 5, 0.005
METHODS = ("chosen", "prescribed", "linear", "pointwise", "LambdaMART")


@dataclass
class CurvePoint:
    """What each method reaches after one number of cases: the NDCG@10 of each held-out list, averaged over draws."""

    ndcg: dict[str, Floats]
    shares: list[float]


def prescribed_model(cases: Sequence[DecidedCase]) -> TwoSidedModel:
    """Train as our learner did until version 0.3: the weight follows the number of cases, behind a gate."""
    inorder = sorted(cases, key=lambda case: (case.decided_on, case.jobseeker, case.placement))
    sides = {}
    for side in ModelSide:
        labelled = [(case.values, label) for case in inorder if (label := case.label(side)) is not None]
        X = matrix(side, [values for values, _ in labelled])
        sides[side] = _prescribed_side(side, X, np.array([float(label) for _, label in labelled]))
    return TwoSidedModel("prescribed", sides, len(cases))


def _prescribed_side(side: ModelSide, X: Floats, y: Floats) -> SideModel:
    model = fit_logistic(side, X, y)
    if len(y) < OLD_FEWEST or y.min() == y.max():
        return model
    blocks = np.array_split(np.arange(len(y)), OLD_BLOCKS)
    alone, mixed = [], []
    for number in range(1, OLD_BLOCKS):
        past, now = np.concatenate(blocks[:number]), blocks[number]
        alone.append(fit_logistic(side, X[past], y[past]).logistic(X[now]))
        mixed.append(alone[-1])
        if y[past].min() < y[past].max():
            share = len(past) / (len(past) + OLD_HALF_WEIGHT)
            boosted = sigmoid(fit_boosted(side, X[past], y[past]).raw(X[now]))
            mixed[-1] = (1 - share) * alone[-1] + share * boosted
    later, p, q = y[len(blocks[0]) :], np.concatenate(alone), np.concatenate(mixed)
    gain = log_loss(p, later) - log_loss(q, later)
    rng = np.random.default_rng(0)
    low = np.percentile([rng.choice(gain, len(gain)).mean() for _ in range(400)], 2.5)
    if gain.mean() <= 0.0 or low <= -OLD_TOLERATED:
        return replace(model, calibration=calibrate(p, later))
    mix = len(y) / (len(y) + OLD_HALF_WEIGHT)
    return replace(model, boosted=fit_boosted(side, X, y), mix=mix, calibration=calibrate(q, later))


def linear_model(cases: Sequence[DecidedCase]) -> TwoSidedModel:
    sides = {}
    for side in ModelSide:
        labelled = [(case.values, label) for case in cases if (label := case.label(side)) is not None]
        y = np.array([float(label) for _, label in labelled])
        sides[side] = fit_logistic(side, matrix(side, [values for values, _ in labelled]), y)
    return TwoSidedModel("linear", sides, len(cases))


def borough_curve(seed: int, people: int, draws: int, sizes: Sequence[int]) -> dict[int, CurvePoint]:
    """Measure every method on the held-out half of the people of one made-up borough."""
    made = synthetic.make(people, 200, seed=seed)
    outcomes = made.outcomes(np.random.default_rng([seed, 2]))
    known = borough.lists_of(made, range(people // 2))
    held_out = borough.lists_of(made, range(people // 2, people))
    points = {}
    for n in sizes:
        rows: dict[str, list[Floats]] = defaultdict(list)
        shares: list[float] = []
        for draw in range(draws):
            cases = borough.cases_of(known, outcomes, n, np.random.default_rng([seed, 4, n, draw]))
            trained = train(cases, "chosen")
            shares += [mix.share for mix in trained.mixes]
            scores = {
                "chosen": borough.scores(trained.model, held_out),
                "prescribed": borough.scores(prescribed_model(cases), held_out),
                "linear": borough.scores(linear_model(cases), held_out),
            }
            light = borough.lightgbm_scores(cases, held_out)
            scores |= {"pointwise": light["pointwise"], "LambdaMART": light["lambdamart"]}
            for name, given in scores.items():
                rows[name].append(borough.ndcg_of(held_out, outcomes, given))
        points[n] = CurvePoint({name: np.mean(figures, axis=0) for name, figures in rows.items()}, shares)
    return points


@dataclass(frozen=True, eq=False)
class JudgedRows:
    """Rows of a judged file: features, grades and the query of each."""

    X: Floats
    grade: Floats
    query: Floats

    def of(self, is_in: np.ndarray) -> "JudgedRows":
        return JudgedRows(self.X[is_in], self.grade[is_in], self.query[is_in])


def _fitted(rows: JudgedRows, is_in: np.ndarray) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """Fit the linear and the boosted half to success. Return the functions that predict its probability."""
    X, y = rows.X[is_in], (rows.grade[is_in] >= 2).astype(np.float64)
    middle, spread = X.mean(axis=0), X.std(axis=0) + 1e-9
    rate = np.clip(y.mean(), 0.01, 0.99)
    n_features = X.shape[1]
    logistic = MapLogistic(
        np.zeros(n_features), np.full(n_features, 0.3), intercept_mean=float(np.log(rate / (1 - rate)))
    ).fit((X - middle) / spread, y)

    def linear(fresh: Floats) -> Floats:
        if y.min() == y.max():
            return np.full(len(fresh), rate)
        return np.asarray(logistic.predict_proba((fresh - middle) / spread)[:, 1])

    if y.min() == y.max() or len(y) < OLD_FEWEST:
        return linear, linear
    tables = BoostedTables(
        "log_loss", n_pairs=3, max_iter=150, learning_rate=0.1, max_leaf_nodes=5, min_samples_leaf=10
    )
    tables.fit(X, y)
    return linear, lambda fresh: sigmoid(tables.predict(fresh))


def judged_scores(rows: JudgedRows, fresh: Floats) -> tuple[dict[str, Floats], float]:
    """Return the scores of every method for the rows ``fresh``, and the chosen weight."""
    everything = np.ones(len(rows.grade), dtype=bool)
    linear, boosted = (predict(fresh) for predict in _fitted(rows, everything))
    y, people = (rows.grade >= 2).astype(np.float64), [str(query) for query in rows.query]
    share = 0.0
    if len(y) >= OLD_FEWEST and y.min() < y.max():
        folds, p, q = folds_of(people), np.zeros(len(y)), np.zeros(len(y))
        for fold in np.unique(folds):
            halves = _fitted(rows, folds != fold)
            p[folds == fold], q[folds == fold] = (predict(rows.X[folds == fold]) for predict in halves)
        share, _ = choose_share(p, q, y, people)
    old = len(y) / (len(y) + OLD_HALF_WEIGHT)
    inorder = np.argsort(rows.query, kind="stable")
    sizes = np.unique(rows.query[inorder], return_counts=True)[1]
    leaf = max(1, min(20, len(y) // 10))
    common: dict[str, Any] = {"n_estimators": 100, "learning_rate": 0.05, "num_leaves": 7, "min_child_samples": leaf}
    point = LGBMRegressor(**common, n_jobs=1, verbose=-1, random_state=0).fit(rows.X, rows.grade)
    ranked = LGBMRanker(**common, n_jobs=1, verbose=-1, random_state=0)
    ranked.fit(rows.X[inorder], rows.grade[inorder], group=sizes)
    return {
        "chosen": (1 - share) * linear + share * boosted,
        "prescribed": (1 - old) * linear + old * boosted,
        "linear": linear,
        "pointwise": np.asarray(point.predict(fresh)),
        "LambdaMART": np.asarray(ranked.predict(fresh)),
    }, share


def judged_curve(rows: JudgedRows, sizes: Sequence[int]) -> dict[int, CurvePoint]:
    """Measure every method on each query once: a fifth is held out at a time, and n rows of others are learnt from."""
    names, points = np.random.default_rng(0).permutation(np.unique(rows.query)), {}
    for n in sizes:
        by_query: dict[str, list[float]] = defaultdict(list)
        shares = []
        for fold in np.array_split(names, FOLDS):
            others = np.random.default_rng(n).permutation(np.setdiff1d(names, fold))
            # Whole queries one after another, as people come with all their cases.
            at = np.concatenate([np.flatnonzero(rows.query == name) for name in others])[:n]
            held_out = rows.of(np.isin(rows.query, fold))
            scores, share = judged_scores(JudgedRows(rows.X[at], rows.grade[at], rows.query[at]), held_out.X)
            shares.append(share)
            for name in np.unique(held_out.query):
                own = held_out.query == name
                for method, given in scores.items():
                    by_query[method].append(evaluation.ndcg(held_out.grade[own], given[own]))
        points[n] = CurvePoint({method: np.array(figures) for method, figures in by_query.items()}, shares)
    return points


def report(what: str, points: Mapping[int, CurvePoint]) -> None:
    """Print the NDCG@10 of every method after each number of cases, and the differences of ours to the other two."""
    print(f"\n{what}: NDCG@10 on held-out lists, and the differences with 95 % intervals")
    print(f"{'cases':>6}{'weight':>8}" + "".join(f"{name:>12}" for name in METHODS), end="")
    print(f"{'chosen minus prescribed':>32}{'chosen minus linear':>30}")
    for n, point in points.items():
        means = "".join(f"{np.nanmean(point.ndcg[name]):12.4f}" for name in METHODS)
        gaps = [evaluation.paired(point.ndcg["chosen"], point.ndcg[name]) for name in ("prescribed", "linear")]
        told = "".join(f"{gap.mean:+14.4f} [{gap.low:+.4f}, {gap.high:+.4f}]" for gap in gaps)
        print(f"{n:6}{np.mean(point.shares):8.2f}{means}{told}", flush=True)
        ours, theirs = (float(np.nanmean(point.ndcg[name])) for name in ("chosen", "prescribed"))
        record(f"NDCG@10 after {n} cases, {what}", ours, "weight prescribed by n", theirs, ours / theirs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--svmrank", type=Path, nargs=2, metavar=("TRAIN", "TEST"))
    parser.add_argument("--seeds", type=int, default=5, help="the number of made-up boroughs")
    parser.add_argument("--people", type=int, default=600)
    parser.add_argument("--draws", type=int, default=2, help="random draws of the cases of a borough")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    print(f"weights tried: {', '.join(f'{share:g}' for share in SHARES)}")
    if options.svmrank:
        first, grades, queries, second, more_grades, more_queries = load_svmlight_files(
            [str(path) for path in options.svmrank], query_id=True
        )
        query = np.r_[queries, more_queries + queries.max() + 1].astype(np.float64)
        rows = JudgedRows(np.vstack([first.toarray(), second.toarray()]), np.r_[grades, more_grades], query)
        report("judged rows of a file", judged_curve(rows, options.sizes))
        return
    curves = [borough_curve(seed, options.people, options.draws, options.sizes) for seed in range(options.seeds)]
    pooled = {
        n: CurvePoint(
            {name: np.concatenate([curve[n].ndcg[name] for curve in curves]) for name in METHODS},
            [share for curve in curves for share in curve[n].shares],
        )
        for n in options.sizes
    }
    report(f"{options.seeds} made-up boroughs", pooled)


if __name__ == "__main__":
    main()
