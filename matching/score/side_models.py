"""One side of the score: a logistic model on named features, mixed with boosted lookup tables where cases allow.

What scores needs NumPy alone; what learns it is in ``logistic``, ``boosting`` and ``training``.
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
# The variance of a feature that is not known: of a value anywhere between 0 and 1 (the uniform law).
VARIANCE_OF_UNKNOWN = 1 / 12


def matrix(side: ModelSide, pairs: Sequence[Values]) -> Floats:
    """Return the features of many pairs as one side reads them.

    Parameters
    ----------
    side : ModelSide
    pairs : sequence of mapping of Feature to Value

    Returns
    -------
    ndarray of shape (n_pairs, n_features)
        NaN where something is not known.

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
    """Return the features of many pairs, which stand as grades already, as one side reads them.

    Parameters
    ----------
    side : ModelSide
    codes : ndarray of uint8 of shape (n_pairs, n_features)
        In the order of ``Feature``.

    Returns
    -------
    ndarray of shape (n_pairs, n_features_of_the_side)
        NaN where something is not known.

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
    """Return the log-odds of probabilities kept one in a million away from 0 and 1.

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
    kept = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(kept) - np.log1p(-kept))


@dataclass(frozen=True, eq=False)
class Tables:
    """An additive model with a few pairs, as lookup tables over fixed bins.

    Parameters
    ----------
    edges : list of ndarray
        For each feature, the upper edge of every bin but the last, rising.
    base : float
        The raw value where every table reads nothing.
    singles : mapping of int to ndarray
        For a feature, its value in each bin.
    pairs : mapping of (int, int) to ndarray
        For two features, their value in each pair of bins.

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
        """Return the bin of each value; what is not known is read as the neutral value.

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
        """Return the sum of the tables.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            On the scale the tables were learned on; log-odds for a side of the score.
        """
        codes = self.codes(X)
        total = np.full(len(X), self.base)
        for column, table in self.singles.items():
            total += table[codes[:, column]]
        for (one, other), table in self.pairs.items():
            total += table[codes[:, one], codes[:, other]]
        return total


@dataclass(frozen=True, eq=False)
class Calibration:
    """From a side's own probability to one that agrees with what happened.

    Parameters
    ----------
    at, to : ndarray of shape (n_points,)
        Log-odds before, and log-odds after, both rising; between two points by the straight line, beyond them
        parallel to the diagonal. Two points make Platt's line, many the isotonic curve.

    Examples
    --------
    >>> Calibration().apply(np.array([0.25, 0.75]))
    array([0.25, 0.75])
    """

    at: Floats = field(default_factory=lambda: np.array([-1.0, 1.0]))
    to: Floats = field(default_factory=lambda: np.array([-1.0, 1.0]))

    def apply(self, p: Floats) -> Floats:
        """Return calibrated probabilities, in the same order as they came.

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
    """P(the jobseeker wants it and starts), or P(the placement takes them and it lasts).

    Parameters
    ----------
    side : ModelSide
    intercept : float
        Log-odds where every feature is neutral.
    weights : ndarray of shape (n_features,)
        Log-odds from the worst to the best value of each feature, in the order of ``SIDES[side]``.
    covariance : ndarray of shape (n_features + 1, n_features + 1)
        Laplace posterior of the intercept and the weights.
    boosted : Tables or None
        The boosted half, where it was let in.
    mix : float
        Its share, n / (n + 50); 0 without it.
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
        """Return the side as the published priors have it, before any case.

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
        """The features it reads, in order."""
        return SIDES[self.side]

    @cached_property
    def is_plain(self) -> bool:
        """Whether its probability is its logistic half's: nothing boosted, nothing calibrated."""
        return self.boosted is None and np.array_equal(self.calibration.at, self.calibration.to)

    def centred(self, X: Floats) -> Floats:
        """Return features less the neutral value; what is not known adds nothing.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        return np.asarray(np.where(np.isnan(X), 0.0, X - NEUTRAL))

    def logistic(self, X: Floats) -> Floats:
        """Return the probability of the logistic half alone.

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
            NaN where something is not known.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self.calibration.apply(self.mixed(X))

    def spread(self, X: Floats) -> Floats:
        """Return how uncertain the log-odds are: of the weights, and of what is not known of the pair.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            One standard deviation.
        """
        centred = np.column_stack([np.ones(len(X)), self.centred(X)])
        of_weights = np.einsum("ij,jk,ik->i", centred, self.covariance, centred)
        of_unknown = np.isnan(X).astype(np.float64) @ (self.weights**2 * VARIANCE_OF_UNKNOWN)
        return np.asarray(np.sqrt(of_weights + of_unknown))

    @cached_property
    def contributions_of(self) -> dict[Feature, float]:
        """The weight of each feature, by its name."""
        return dict(zip(self.features, self.weights.tolist(), strict=True))
