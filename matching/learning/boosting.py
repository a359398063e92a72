"""Gradient boosting on single features and a few pairs of features, converted to equivalent lookup tables."""

from itertools import combinations
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from matching.score.side_models import Floats, Tables

BINS = 32
CANDIDATES = 30  # the number of strongest single features among which pairs are searched for
GRID = 4


class BoostedTables(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Additive gradient boosting with pairs of features ("GA2M") on fixed bins.

    Parameters
    ----------
    loss : str
        ``squared_error`` for graded outcomes, ``log_loss`` for outcomes that are 0 or 1.
    n_pairs : int
        The number of pairs in which the two features may interact.
    max_iter : int
        The number of rounds of boosting.
    learning_rate : float
    max_leaf_nodes, min_samples_leaf : int
        The greatest number of leaves of a tree, and the least number of samples of a leaf.
    l2_regularization : float
    monotone : array-like of int of shape (n_features,) or None
        1 for each feature that must never lower the prediction as its value rises, 0 for all other features.
    unit_bins : bool
        True if all features are in [0, 1]. The bins are then fixed. If False, bins are quantiles of the fitted data.
    random_state : int

    Attributes
    ----------
    tables_ : Tables
        The whole model as tables. Its predictions equal those of the trees, apart from rounding.
    trees_ : HistGradientBoostingRegressor or HistGradientBoostingClassifier
        The trees that the tables were computed from. Their inputs are bin numbers.

    References
    ----------
    .. [1] Lou, Caruana, Gehrke, Hooker, "Accurate intelligible models with pairwise interactions", KDD 2013.
    .. [2] Lucchese, Nardini, Orlando, Perego, Veneri, "ILMART", SIGIR 2022.

    Examples
    --------
    >>> X = np.linspace(0, 1, 200).reshape(-1, 1)
    >>> model = BoostedTables().fit(X, (X[:, 0] > 0.5).astype(float))
    >>> bool(model.predict([[0.9]])[0] > model.predict([[0.1]])[0] + 0.8)
    True
    """

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        n_pairs: int = 10,
        max_iter: int = 300,
        learning_rate: float = 0.05,
        max_leaf_nodes: int = 8,
        min_samples_leaf: int = 20,
        l2_regularization: float = 1.0,
        monotone: ArrayLike | None = None,
        unit_bins: bool = False,
        random_state: int = 0,
    ) -> None:
        self.loss = loss
        self.n_pairs = n_pairs
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.monotone = monotone
        self.unit_bins = unit_bins
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Boost single features, select pairs, boost again with the pairs, and compute the tables.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,) or None

        Returns
        -------
        BoostedTables
            The fitted estimator.
        """
        values: Floats
        target: Floats
        values, target = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, values, dtype=np.float64)
        edges = [_edges(column, unit=self.unit_bins) for column in values.T]
        codes = Tables(edges, 0.0).codes(values).astype(np.float64)
        pairs: list[tuple[int, int]] = []
        if self.n_pairs and values.shape[1] > 1:
            singles = self._tables(self._boost(codes, target, weight, pairs), edges, pairs)
            residual = target - self._mean(singles.raw(values))
            pairs = _strongest_pairs(singles, codes.astype(np.uint8), residual, self.n_pairs)
        self.trees_ = self._boost(codes, target, weight, pairs)
        self.tables_ = self._tables(self.trees_, edges, pairs)
        return self

    def _mean(self, raw: Floats) -> Floats:
        return np.asarray(1 / (1 + np.exp(-raw))) if self.loss == "log_loss" else raw

    def _boost(self, codes: Floats, y: Floats, weight: Floats | None, pairs: list[tuple[int, int]]) -> Any:
        kind = HistGradientBoostingClassifier if self.loss == "log_loss" else HistGradientBoostingRegressor
        model = kind(
            loss=self.loss,
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_regularization,
            monotonic_cst=self.monotone,
            interaction_cst=[{i} for i in range(codes.shape[1])] + [set(pair) for pair in pairs],
            early_stopping=False,
            random_state=self.random_state,
        )
        return model.fit(codes, y, sample_weight=weight)

    def _tables(self, model: Any, edges: list[Floats], pairs: list[tuple[int, int]]) -> Tables:
        """Compute the tables from the model's predictions. They are exact, because at most two features interact."""
        raw = model.decision_function if self.loss == "log_loss" else model.predict
        sizes = [len(e) + 1 for e in edges]
        middle = np.array([[size // 2 for size in sizes]], dtype=np.float64)
        base = float(raw(middle)[0])
        singles: dict[int, Floats] = {}
        for column, size in enumerate(sizes):
            grid = np.repeat(middle, size, axis=0)
            grid[:, column] = np.arange(size)
            singles[column] = np.asarray(raw(grid)) - base
        tables: dict[tuple[int, int], Floats] = {}
        for first, second in pairs:
            grid = np.repeat(middle, sizes[first] * sizes[second], axis=0)
            grid[:, first] = np.repeat(np.arange(sizes[first]), sizes[second])
            grid[:, second] = np.tile(np.arange(sizes[second]), sizes[first])
            both = np.asarray(raw(grid)).reshape(sizes[first], sizes[second]) - base
            tables[first, second] = both - singles[first][:, None] - singles[second][None, :]
        singles = {column: table for column, table in singles.items() if np.any(table)}
        return Tables(edges, base, singles, {pair: table for pair, table in tables.items() if np.any(table)})

    def predict(self, X: ArrayLike) -> Floats:
        """Return the sum of the table values for each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Grades if the loss is ``squared_error``, log-odds if it is ``log_loss``.
        """
        check_is_fitted(self)
        values: Floats = validate_data(self, X, dtype=np.float64, reset=False)
        return self.tables_.raw(values)


def _edges(column: Floats, *, unit: bool) -> Floats:
    if unit:
        return np.asarray((np.arange(BINS) + 0.5) / BINS)
    values = np.unique(column)
    if len(values) > BINS:
        values = np.unique(np.quantile(column, np.linspace(0, 1, BINS), method="lower"))
    return np.asarray((values[:-1] + values[1:]) / 2)


def _strongest_pairs(single_tables: Tables, codes: Any, residual: Floats, n_pairs: int) -> list[tuple[int, int]]:
    """Return the pairs of features that, on a coarse grid, best predict ``residual`` (method FAST, see [1] above)."""
    strength = {column: float(np.var(table[codes[:, column]])) for column, table in single_tables.singles.items()}
    strongest = sorted(strength, key=lambda c: (-strength[c], c))[:CANDIDATES]
    coarse = {c: np.searchsorted(np.sort(codes[:, c]), codes[:, c]) * GRID // len(codes) for c in strongest}
    gains: list[tuple[float, tuple[int, int]]] = []
    for first, second in combinations(sorted(strongest), 2):
        cell = coarse[first] * GRID + coarse[second]
        count = np.bincount(cell, minlength=GRID * GRID)
        total = np.bincount(cell, weights=residual, minlength=GRID * GRID)
        gains.append((float(np.sum(total**2 / np.maximum(count, 1))), (first, second)))
    gains.sort(key=lambda g: (-g[0], g[1]))
    return [pair for _, pair in gains[:n_pairs]]
