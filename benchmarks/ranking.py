"""Compare the boosted half of our learner with LightGBM, plain boosting and random order on SVMrank files.

``python -m benchmarks.ranking --svmrank TRAIN TEST``. Both files are pooled and cut into five folds by query, so that
every query is held out once. The features have no names, so only the boosted half of the learner can be used.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from lightgbm import LGBMRanker
from sklearn.datasets import load_svmlight_files
from sklearn.ensemble import HistGradientBoostingRegressor

from matching.learning import evaluation
from matching.learning.boosting import BoostedTables
from matching.score.side_models import Floats

FOLDS = 5
Fitted = Callable[[Floats], Floats]
Fit = Callable[[Floats, Floats, Floats], Fitted]


def ours(X: Floats, y: Floats, _: Floats) -> Fitted:
    """Fit additive tables, with a few pairs of features, to the grades, as the service does."""
    model = BoostedTables(max_iter=300, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=20, n_pairs=10)
    return model.fit(X, y).predict


def lambdamart(X: Floats, y: Floats, query: Floats) -> Fitted:
    inorder = np.argsort(query, kind="stable")
    sizes = np.unique(query[inorder], return_counts=True)[1]
    model = LGBMRanker(n_estimators=100, num_leaves=31, learning_rate=0.1, n_jobs=1, verbose=-1, random_state=0)
    model.fit(X[inorder], y[inorder], group=sizes)
    return lambda rows: np.asarray(model.predict(rows))


def pointwise(X: Floats, y: Floats, _: Floats) -> Fitted:
    model = HistGradientBoostingRegressor(
        max_iter=200, learning_rate=0.05, max_leaf_nodes=15, min_samples_leaf=20, random_state=0
    ).fit(X, y)
    return lambda rows: np.asarray(model.predict(rows))


def chance(_: Floats, __: Floats, ___: Floats) -> Fitted:
    rng = np.random.default_rng(0)
    return lambda rows: rng.random(len(rows))


METHODS: dict[str, Fit] = {
    "ours: boosted tables with pairs": ours,
    "LightGBM LambdaMART": lambdamart,
    "pointwise HistGradientBoosting": pointwise,
    "random": chance,
}


def average_precision(relevance: Floats, scores: Floats) -> float:
    """Return the average precision, where grade 2 or more is relevant; NaN if nothing is relevant."""
    good = (relevance >= 2)[np.argsort(-scores, kind="stable")]
    if not good.any():
        return float("nan")
    return float((np.cumsum(good) / np.arange(1, len(good) + 1))[good].mean())


def held_out(fit: Fit, X: Floats, y: Floats, query: Floats, seed: int) -> dict[str, Floats]:
    """Return the metrics of every query, by the model that was trained without the fold of that query."""
    names = np.unique(query)
    metrics: dict[str, dict[float, float]] = {"NDCG@5": {}, "NDCG@10": {}, "MAP": {}}
    for fold in np.array_split(np.random.default_rng(seed).permutation(names), FOLDS):
        is_out = np.isin(query, fold)
        predict = fit(X[~is_out], y[~is_out], query[~is_out])
        for name in fold:
            rows = query == name
            scores = predict(X[rows])
            metrics["NDCG@5"][name] = evaluation.ndcg(y[rows], scores, 5)
            metrics["NDCG@10"][name] = evaluation.ndcg(y[rows], scores, 10)
            metrics["MAP"][name] = average_precision(y[rows], scores)
    return {metric: np.array([values[name] for name in names]) for metric, values in metrics.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--svmrank", type=Path, nargs=2, required=True, metavar=("TRAIN", "TEST"))
    parser.add_argument("--seeds", type=int, default=2, help="the number of times that the queries are cut into folds")
    options = parser.parse_args()
    first, grades, queries, second, more_grades, more_queries = load_svmlight_files(
        [str(path) for path in options.svmrank], query_id=True
    )
    X = np.vstack([first.toarray(), second.toarray()])
    y, query = np.r_[grades, more_grades], np.r_[queries, more_queries + queries.max() + 1].astype(np.float64)
    print(
        f"{len(np.unique(query))} queries, {len(y)} rows, {X.shape[1]} features; {FOLDS} folds by query, "
        f"{options.seeds} cuts; queries without relevant items are left out of the means"
    )
    print(f"{'':34}{'NDCG@5':>8}{'NDCG@10':>9}{'MAP':>7}{'NDCG@10 minus LambdaMART':>34}{'CPU s':>8}")
    results: dict[str, tuple[dict[str, Floats], float]] = {}
    for name, fit in METHODS.items():
        began = time.process_time()
        cuts = [held_out(fit, X, y, query, seed) for seed in range(options.seeds)]
        mean = {metric: np.mean([cut[metric] for cut in cuts], axis=0) for metric in cuts[0]}
        results[name] = (mean, time.process_time() - began)
    base = results["LightGBM LambdaMART"][0]["NDCG@10"]
    for name, (mean, seconds) in results.items():
        gap = evaluation.paired(mean["NDCG@10"], base)
        print(
            f"{name:34}{np.nanmean(mean['NDCG@5']):8.3f}{np.nanmean(mean['NDCG@10']):9.3f}"
            f"{np.nanmean(mean['MAP']):7.3f}{gap.mean:+14.4f} [{gap.low:+.4f}, {gap.high:+.4f}]{seconds:8.1f}"
        )


if __name__ == "__main__":
    main()
