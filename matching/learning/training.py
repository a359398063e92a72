"""Train a model for each side, jobseeker and placement, on decided cases.

The model of a side always has a logistic half, trained from the expert priors. A boosted half is added only if held-out
cases show that it does not make predictions worse (this decision is the gate). The probabilities of both halves are
then averaged, with a weight of the boosted half that grows with the number of cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from matching.learning.boosting import BoostedTables
from matching.learning.cases import DecidedCase
from matching.learning.logistic import most_probable
from matching.pairs.features import SIDES, ModelSide
from matching.score.priors import INTERCEPTS, NEUTRAL, WEIGHTS
from matching.score.ranker import TwoSidedModel
from matching.score.side_models import Calibration, Floats, SideModel, Tables, logit, matrix, sigmoid

HALF_WEIGHT_CASES = 50  # the boosted half has the weight n / (n + 50): one half at 50 cases
FEWEST_FOR_BOOSTING = 40  # with fewer cases, the figures from five held-out folds are too uncertain
FEWEST_KNOTS = 5  # a curve through fewer points is nearly a line, and Platt's line is then better
ISOTONIC_FROM = 500  # number of cases from which the isotonic curve is used instead of Platt's line
FOLDS = 5
RESAMPLES = 400
PAIRS, ROUNDS = 3, 150
IMAGINED_ROWS, IMAGINED_CASES = 1000, 100
TOLERATED = 0.005  # boosting is left out if, by the interval, it may raise the log-loss by this or more
LEAST_SLOPE = 0.05
# Prior standard deviations of the intercept and the slope of Platt's line. They are small, so that a few cases cannot
# move the line far from the diagonal.
PLATT_SPREADS = (0.2, 0.1)


@dataclass(frozen=True, slots=True)
class Gate:
    """The decision whether the model of one side includes boosting, and the figures that decided it.

    Parameters
    ----------
    side : ModelSide
    cases : int
        The number of cases on which the decision is based.
    is_open : bool
        Whether boosting is included.
    difference : float
        On held-out cases, the mean log-loss of the logistic half minus the mean log-loss of the mix of both halves. If
        it is over 0, the mix is better.
    interval : tuple of float
        The 95 % bootstrap interval of ``difference``.
    why : str
        The reason for the decision, in one sentence.
    """

    side: ModelSide
    cases: int
    is_open: bool
    difference: float
    interval: tuple[float, float]
    why: str


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model, and the decision about boosting for each side."""

    model: TwoSidedModel
    gates: tuple[Gate, ...]


def train(cases: Sequence[DecidedCase], version: str) -> Trained:
    """Train a model on decided cases, starting from the expert priors.

    Parameters
    ----------
    cases : sequence of DecidedCase
        In any order: training sorts them by the day of the decision. Without cases, the weights are the expert priors.
    version : str
        Version of the new model.

    Returns
    -------
    Trained

    Examples
    --------
    >>> train([], "none").model.cases
    0
    """
    gates: list[Gate] = []
    sides: dict[ModelSide, SideModel] = {}
    ordered = sorted(cases, key=lambda c: (c.decided_on, c.jobseeker, c.placement))
    for side in ModelSide:
        labelled = [(case, label) for case in ordered if (label := case.label(side)) is not None]
        X = matrix(side, [case.values for case, _ in labelled])
        y = np.array([label for _, label in labelled], dtype=np.float64)
        sides[side], gate = _train_side(side, X, y)
        gates.append(gate)
    return Trained(TwoSidedModel(version, sides, len(ordered)), tuple(gates))


def _train_side(side: ModelSide, X: Floats, y: Floats) -> tuple[SideModel, Gate]:
    logistic = fit_logistic(side, X, y)
    if len(y) < FEWEST_FOR_BOOSTING or y.min() == y.max():
        why = f"Boosting is left out: it needs {FEWEST_FOR_BOOSTING} cases with a result for this side, not {len(y)}."
        if len(y) >= FEWEST_FOR_BOOSTING:
            why = f"Boosting is left out: all {len(y)} cases have the same result for this side."
        return logistic, Gate(side, len(y), is_open=False, difference=0.0, interval=(0.0, 0.0), why=why)
    later, logistic_only, mixed = _held_out(side, X, y)
    gate = _gate(side, y[later], logistic_only, mixed)
    model = logistic
    if gate.is_open:
        model = replace(logistic, boosted=fit_boosted(side, X, y), mix=mix_of(len(y)))
    return replace(model, calibration=calibrate(mixed if gate.is_open else logistic_only, y[later])), gate


def mix_of(cases: int) -> float:
    """Return the weight of the boosted half in the mix.

    Parameters
    ----------
    cases : int
        The number of cases, n.

    Returns
    -------
    float
        n / (n + 50).

    Examples
    --------
    >>> mix_of(50)
    0.5
    """
    return cases / (cases + HALF_WEIGHT_CASES)


def fit_logistic(side: ModelSide, X: Floats, y: Floats) -> SideModel:
    """Fit the logistic half: find the most probable weights, given the expert priors and the cases.

    Parameters
    ----------
    side : ModelSide
    X : ndarray of shape (n_cases, n_features)
        NaN where a feature is not known.
    y : ndarray of shape (n_cases,)

    Returns
    -------
    SideModel
    """
    expert = SideModel.expert(side)
    if not len(y):
        return expert
    priors = [WEIGHTS[side][name] for name in SIDES[side]]
    estimate, covariance, _ = most_probable(
        expert.centred(X),
        y,
        np.array([INTERCEPTS[side].mean, *(p.mean for p in priors)]),
        np.array([INTERCEPTS[side].spread, *(p.spread for p in priors)]),
        monotone=[p.is_monotone for p in priors],
    )
    return replace(expert, intercept=float(estimate[0]), weights=estimate[1:], covariance=covariance)


def fit_boosted(side: ModelSide, X: Floats, y: Floats) -> Tables:
    """Fit the boosted half as tables, on the cases and on random pairs labelled by the logistic half.

    Trees have no priors. To prevent extreme predictions for pairs unlike all cases, the trees are also fitted on random
    pairs from the whole range of the features. Each random pair is used once with each label, and each label is
    weighted by the probability that the logistic half gives it. Together, the random pairs weigh as much as 100 cases.

    Parameters
    ----------
    side : ModelSide
    X : ndarray of shape (n_cases, n_features)
    y : ndarray of shape (n_cases,)
        Labels 0 and 1. Both must occur.

    Returns
    -------
    Tables
    """
    boosted = BoostedTables(
        "log_loss",
        n_pairs=PAIRS,
        max_iter=ROUNDS,
        learning_rate=0.1,
        max_leaf_nodes=5,
        min_samples_leaf=10,
        l2_regularization=1.0,
        monotone=[int(WEIGHTS[side][name].is_monotone) for name in SIDES[side]],
        unit_bins=True,
    )
    filled = np.where(np.isnan(X), NEUTRAL, X)
    imagined = np.random.default_rng(0).random((IMAGINED_ROWS, X.shape[1]))
    predicted = fit_logistic(side, X, y).logistic(imagined)
    share = IMAGINED_CASES / IMAGINED_ROWS
    return boosted.fit(
        np.vstack([filled, imagined, imagined]),
        np.r_[y, np.ones(IMAGINED_ROWS), np.zeros(IMAGINED_ROWS)],
        np.r_[np.ones(len(y)), share * predicted, share * (1 - predicted)],
    ).tables_


def _held_out(side: ModelSide, X: Floats, y: Floats) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Predict each block from earlier blocks. Return case positions, and probabilities without and with boosting."""
    blocks = np.array_split(np.arange(len(y)), FOLDS)
    logistic_only, mixed = [], []
    for number in range(1, FOLDS):
        past, current = np.concatenate(blocks[:number]), blocks[number]
        logistic = fit_logistic(side, X[past], y[past])
        p = logistic.logistic(X[current])
        logistic_only.append(p)
        if y[past].min() == y[past].max():
            mixed.append(p)
            continue
        boosted = sigmoid(fit_boosted(side, X[past], y[past]).raw(X[current]))
        share = mix_of(len(past))
        mixed.append((1 - share) * p + share * boosted)
    return np.concatenate(blocks[1:]), np.concatenate(logistic_only), np.concatenate(mixed)


def _log_loss(p: Floats, y: Floats) -> Floats:
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(-(y * np.log(clipped) + (1 - y) * np.log1p(-clipped)))


def _gate(side: ModelSide, y: Floats, logistic_only: Floats, mixed: Floats) -> Gate:
    gain = _log_loss(logistic_only, y) - _log_loss(mixed, y)
    rng = np.random.default_rng(0)
    means = [float(rng.choice(gain, len(gain)).mean()) for _ in range(RESAMPLES)]
    low, high = (float(edge) for edge in np.percentile(means, [2.5, 97.5]))
    is_open = float(gain.mean()) > 0.0 and low > -TOLERATED
    why = (
        "Boosting is included: it did not make the predictions for held-out cases worse."
        if is_open
        else "Boosting is left out: it made, or may have made, the predictions for held-out cases worse."
    )
    return Gate(side, len(y), is_open, round(float(gain.mean()), 5), (round(low, 5), round(high, 5)), why)


def calibrate(p: Floats, y: Floats) -> Calibration:
    """Fit the curve that makes held-out probabilities agree with the observed results.

    Parameters
    ----------
    p : ndarray of shape (n_samples,)
        Held-out probabilities.
    y : ndarray of shape (n_samples,)

    Returns
    -------
    Calibration
        Platt's line with priors, if there are under 500 samples or few distinct values. Otherwise an isotonic curve.

    References
    ----------
    .. [1] Platt, "Probabilistic outputs for support vector machines", 1999.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.random(400)
    >>> curve = calibrate(p, (rng.random(400) < p).astype(float))
    >>> bool(abs(curve.apply(np.array([0.5]))[0] - 0.5) < 0.08)
    True
    """
    z = logit(p)
    at = np.unique(np.quantile(z, np.linspace(0.02, 0.98, 25)))
    if len(y) < ISOTONIC_FROM or len(at) < FEWEST_KNOTS:
        line, _, _ = most_probable(z[:, None], y, np.array([0.0, 1.0]), np.array(PLATT_SPREADS), monotone=[True])
        slope = max(float(line[1]), LEAST_SLOPE)
        return Calibration(np.array([-1.0, 1.0]), np.array([line[0] - slope, line[0] + slope]))
    curve = IsotonicRegression(y_min=0.01, y_max=0.99, out_of_bounds="clip").fit(z, y)
    # Where the isotonic curve is flat, a small slope preserves the order of the inputs.
    to = np.maximum.accumulate(logit(np.asarray(curve.predict(at))))
    return Calibration(at, to + LEAST_SLOPE * (at - at[0]))
