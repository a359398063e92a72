"""The model of one side of the score: a logistic model, mixed with boosted tables where held-out cases gain by it.

Scoring needs NumPy only. The code that trains these models is in ``matching.learning``: ``logistic``, ``boosting`` and
``training``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matching.pairs.features import SIDES, Feature, ModelSide, Values
from matching.pairs.grades import STEPS, UNKNOWN, Codes
from matching.score.priors import INTERCEPTS, NEUTRAL, WEIGHTS

Floats = NDArray[np.float64]
# The variance of an unknown feature, taken as uniformly distributed between 0 and 1.
VARIANCE_OF_UNKNOWN = 1 / 12


def matrix(side: ModelSide, pairs: Sequence[Values]) -> Floats:
    """Return the feature matrix of many pairs for one side.

    Parameters
    ----------
    side : ModelSide
    pairs : sequence of mapping of Feature to Value

    Returns
    -------
    ndarray of shape (n_pairs, n_features)
        NaN means not known.

    Examples
    --------
    >>> matrix(ModelSide.PLACEMENT, []).shape
    (0, 7)
    """
    names = SIDES[side]
    X = np.full((len(pairs), len(names)), np.nan)
    for row, values in enumerate(pairs):
        for column, name in enumerate(names):
            value = values[name].value if name in values else None
            if value is not None:
                X[row, column] = value
    return X


COLUMNS_OF = {side: [list(Feature).index(name) for name in SIDES[side]] for side in ModelSide}
VALUE_OF = np.append(np.arange(UNKNOWN) / STEPS, np.nan)


def matrix_of(side: ModelSide, codes: Codes) -> Floats:
    """Return the feature matrix of many pairs for one side, from their grades.

    Parameters
    ----------
    side : ModelSide
    codes : ndarray of uint8 of shape (n_pairs, n_features)
        Columns are in the order of ``Feature``.

    Returns
    -------
    ndarray of shape (n_pairs, n_features_of_the_side)
        NaN means not known.

    Examples
    --------
    >>> matrix_of(ModelSide.PLACEMENT, np.full((1, len(Feature)), 120, dtype=np.uint8)).tolist()
    [[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]]
    """
    return np.asarray(VALUE_OF[codes[:, COLUMNS_OF[side]]])


def sigmoid(z: Floats) -> Floats:
    """Return 1 / (1 + exp(-z)), without overflow.

    Parameters
    ----------
    z : ndarray

    Returns
    -------
    ndarray

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * z)))


def logit(p: Floats) -> Floats:
    """Return the log-odds of probabilities, which are first clipped to the range from 1e-6 to 1 - 1e-6.

    Parameters
    ----------
    p : ndarray

    Returns
    -------
    ndarray

    Examples
    --------
    >>> logit(np.array([0.5]))
    array([0.])
    """
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


@dataclass(frozen=True, eq=False)
class Tables:
    """An additive model with a few pairwise interactions, stored as lookup tables over fixed bins.

    Parameters
    ----------
    edges : list of ndarray
        For each feature, the upper edges of all bins except the last, in ascending order.
    base : float
        The constant to which the table values are added.
    singles : mapping of int to ndarray
        For each feature with a table, the value of each bin.
    pairs : mapping of (int, int) to ndarray
        For each pair of features with a table, the value of each pair of bins.

    Examples
    --------
    >>> tables = Tables([np.array([0.5])], 1.0, {0: np.array([0.0, 2.0])}, {})
    >>> tables.raw(np.array([[0.2], [0.9]]))
    array([1., 3.])
    """

    edges: Sequence[Floats]
    base: float
    singles: Mapping[int, Floats] = field(default_factory=dict)
    pairs: Mapping[tuple[int, int], Floats] = field(default_factory=dict)

    def codes(self, X: Floats) -> NDArray[np.uint8]:
        """Return the bin of each value. An unknown value gets the bin of the neutral value.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        filled = np.where(np.isnan(X), NEUTRAL, X)
        codes = np.empty(filled.shape, dtype=np.uint8)
        for column, edges in enumerate(self.edges):
            codes[:, column] = np.searchsorted(edges, filled[:, column], side="left")
        return codes

    def raw(self, X: Floats) -> Floats:
        """Return, for each sample, the base plus the sum of the sample's table values.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Log-odds, if the tables belong to a side of the score.
        """
        codes = self.codes(X)
        total = np.full(len(X), self.base)
        for column, table in self.singles.items():
            total += table[codes[:, column]]
        for (first, second), table in self.pairs.items():
            total += table[codes[:, first], codes[:, second]]
        return total


@dataclass(frozen=True, eq=False)
class Calibration:
    """A map from a side's raw probability to a probability that agrees with observed outcomes.

    Parameters
    ----------
    at, to : ndarray of shape (n_points,)
        Log-odds before and after calibration, both ascending. Values between two points are interpolated linearly.
        Beyond the first and the last point, the curve is a line with the average slope between these two points. Two
        points give Platt scaling; many points give an isotonic curve.

    Examples
    --------
    >>> Calibration().apply(np.array([0.25, 0.75]))
    array([0.25, 0.75])
    """

    at: Floats = field(default_factory=lambda: np.array([-1.0, 1.0]))
    to: Floats = field(default_factory=lambda: np.array([-1.0, 1.0]))

    @cached_property
    def is_diagonal(self) -> bool:
        """Whether calibration changes nothing."""
        return np.array_equal(self.at, self.to)

    def apply(self, p: Floats) -> Floats:
        """Return calibrated probabilities. Calibration never reverses the order of two probabilities.

        Parameters
        ----------
        p : ndarray of shape (n_samples,)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        z = logit(p)
        inside = np.interp(z, self.at, self.to)
        slope = (self.to[-1] - self.to[0]) / (self.at[-1] - self.at[0])
        below, above = np.minimum(z - self.at[0], 0.0), np.maximum(z - self.at[-1], 0.0)
        return sigmoid(inside + slope * (below + above))


@dataclass(frozen=True, eq=False)
class SideModel:
    """The model of one side of the score.

    The jobseeker's side gives P(the jobseeker wants the placement and starts). The placement's side gives P(the social
    enterprise accepts the jobseeker and the placement lasts).

    Parameters
    ----------
    side : ModelSide
    intercept : float
        Log-odds if every feature has its neutral value.
    weights : ndarray of shape (n_features,)
        Change in log-odds from the worst to the best value of each feature, in the order of ``SIDES[side]``.
    covariance : ndarray of shape (n_features + 1, n_features + 1)
        Covariance of the intercept and the weights in the Laplace approximation of the posterior.
    boosted : Tables or None
        The boosted half of the model: tables learnt by boosting. None if training did not accept them.
    mix : float
        The weight of the boosted half, which held-out cases decide. 0 if ``boosted`` is None.
    calibration : Calibration

    Examples
    --------
    >>> SideModel.expert(ModelSide.PLACEMENT).probability(np.full((1, 7), np.nan)).round(3)
    array([0.401])
    """

    side: ModelSide
    intercept: float
    weights: Floats
    covariance: Floats
    boosted: Tables | None = None
    mix: float = 0.0
    calibration: Calibration = field(default_factory=Calibration)

    @classmethod
    def expert(cls, side: ModelSide) -> "SideModel":
        """Return the model with the weights of the expert priors, which has learnt from no case yet.

        Parameters
        ----------
        side : ModelSide

        Returns
        -------
        SideModel
        """
        priors = [WEIGHTS[side][name] for name in SIDES[side]]
        spreads = np.array([INTERCEPTS[side].spread, *(p.spread for p in priors)])
        return cls(side, INTERCEPTS[side].mean, np.array([p.mean for p in priors]), np.diag(spreads**2))

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features that this side reads, in column order."""
        return SIDES[self.side]

    @cached_property
    def is_plain(self) -> bool:
        """Whether the probability comes from the logistic half alone, with neither a boosted half nor calibration."""
        return self.boosted is None and self.calibration.is_diagonal

    def centred(self, X: Floats) -> Floats:
        """Return each feature minus the neutral value. An unknown feature becomes 0, so that it adds nothing.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        return np.asarray(np.where(np.isnan(X), 0.0, X - NEUTRAL))

    def logistic(self, X: Floats) -> Floats:
        """Return the probability that the logistic half alone gives.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return sigmoid(self.intercept + self.centred(X) @ self.weights)

    def mixed(self, X: Floats) -> Floats:
        """Return the probability before calibration.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        p = self.logistic(X)
        if self.boosted is None:
            return p
        return np.asarray((1 - self.mix) * p + self.mix * sigmoid(self.boosted.raw(X)))

    def probability(self, X: Floats) -> Floats:
        """Return the calibrated probability.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            NaN means not known.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.calibration.apply(self.mixed(X))

    def spread(self, X: Floats) -> Floats:
        """Return the uncertainty of the log-odds, due to the weights and to the unknown features of each pair.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            One standard deviation, in log-odds.
        """
        centred = np.column_stack([np.ones(len(X)), self.centred(X)])
        of_weights = np.einsum("ij,jk,ik->i", centred, self.covariance, centred)
        of_unknown = np.isnan(X).astype(np.float64) @ (self.weights**2 * VARIANCE_OF_UNKNOWN)
        return np.asarray(np.sqrt(of_weights + of_unknown))

    @cached_property
    def contributions_of(self) -> dict[Feature, float]:
        """The weight of each feature, in log-odds."""
        return dict(zip(self.features, self.weights.tolist(), strict=True))
