"""Learning both sides from decided cases: around the expert priors, with boosting let in by its weight and its gate."""

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

HALF_WEIGHT_CASES = 50  # boosting's share is n / (n + 50): measured findings 1
FEWEST_FOR_BOOSTING = 40  # under it, held-out figures of five folds say nothing
FEWEST_KNOTS = 5  # a curve through fewer points is a line, and Platt's is the better one
ISOTONIC_FROM = 500  # measured findings, section 5
FOLDS = 5
RESAMPLES = 400
PAIRS, ROUNDS = 3, 150
IMAGINED_ROWS, IMAGINED_CASES = 1000, 100
TOLERATED = 0.005  # of log-loss: a lower edge further down than this is a risk not worth taking
LEAST_SLOPE = 0.05
# Platt's line is held to the diagonal by the weight of this many cases, so that a handful cannot tilt it.
PLATT_SPREADS = (0.2, 0.1)


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the boosted half was let in on one side, and on what figures.

    Parameters
    ----------
    side : ModelSide
    cases : int
        With a label for this side.
    is_open : bool
    difference : float
        Mean held-out log-loss of the logistic half less that of the mix; over 0 means that the mix is better.
    interval : tuple of float
        95 % of the paired bootstrap.
    why : str
        One sentence.
    """

    side: ModelSide
    cases: int
    is_open: bool
    difference: float
    interval: tuple[float, float]
    why: str


@dataclass(frozen=True, slots=True)
class Trained:
    """A model and how each side's gate came out."""

    model: TwoSidedModel
    gates: tuple[Gate, ...]


def train(cases: Sequence[DecidedCase], version: str) -> Trained:
    """Return the model that these cases and the expert priors make together.

    Parameters
    ----------
    cases : sequence of DecidedCase
        In any order; their days decide what is held out. None at all gives the experts' own weights.
    version : str

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
    inorder = sorted(cases, key=lambda c: (c.decided_on, c.jobseeker, c.placement))
    for side in ModelSide:
        told = [(case, label) for case in inorder if (label := case.label(side)) is not None]
        X = matrix(side, [case.values for case, _ in told])
        y = np.array([label for _, label in told], dtype=np.float64)
        sides[side], gate = _train_side(side, X, y)
        gates.append(gate)
    return Trained(TwoSidedModel(version, sides, len(inorder)), tuple(gates))


def _train_side(side: ModelSide, X: Floats, y: Floats) -> tuple[SideModel, Gate]:
    logistic = fit_logistic(side, X, y)
    if len(y) < FEWEST_FOR_BOOSTING or y.min() == y.max():
        why = f"{len(y)} cases with an answer; boosting is looked at from {FEWEST_FOR_BOOSTING}."
        if len(y) >= FEWEST_FOR_BOOSTING:
            why = f"{len(y)} cases with an answer, all the same one: there is nothing to tell apart."
        return logistic, Gate(side, len(y), is_open=False, difference=0.0, interval=(0.0, 0.0), why=why)
    later, alone, mixed = _held_out(side, X, y)
    gate = _gate(side, y[later], alone, mixed)
    model = logistic
    if gate.is_open:
        model = replace(logistic, boosted=fit_boosted(side, X, y), mix=mix_of(len(y)))
    return replace(model, calibration=calibrate(mixed if gate.is_open else alone, y[later])), gate


def mix_of(cases: int) -> float:
    """Return the share of the boosted half.

    Parameters
    ----------
    cases : int

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
    """Return the logistic half: the most probable weights given the priors and the cases.

    Parameters
    ----------
    side : ModelSide
    X : ndarray of shape (n_cases, n_features)
        NaN where something is not known.
    y : ndarray of shape (n_cases,)

    Returns
    -------
    SideModel
    """
    expert = SideModel.expert(side)
    if not len(y):
        return expert
    priors = [WEIGHTS[side][name] for name in SIDES[side]]
    found, covariance, _ = most_probable(
        expert.centred(X),
        y,
        np.array([INTERCEPTS[side].mean, *(p.mean for p in priors)]),
        np.array([INTERCEPTS[side].spread, *(p.spread for p in priors)]),
        monotone=[p.is_monotone for p in priors],
    )
    return replace(expert, intercept=float(found[0]), weights=found[1:], covariance=covariance)


def fit_boosted(side: ModelSide, X: Floats, y: Floats) -> Tables:
    """Return the boosted half as tables, told what the logistic half says of imagined pairs.

    Trees know no priors. So that they say nothing wild where no case was decided, they are given imagined pairs all
    over the range of the features, with the answers the logistic half expects, at the weight of some hundred cases.

    Parameters
    ----------
    side : ModelSide
    X : ndarray of shape (n_cases, n_features)
    y : ndarray of shape (n_cases,)
        Both 0 and 1 among them.

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
    said = fit_logistic(side, X, y).logistic(imagined)
    share = IMAGINED_CASES / IMAGINED_ROWS
    return boosted.fit(
        np.vstack([filled, imagined, imagined]),
        np.r_[y, np.ones(IMAGINED_ROWS), np.zeros(IMAGINED_ROWS)],
        np.r_[np.ones(len(y)), share * said, share * (1 - said)],
    ).tables_


def _held_out(side: ModelSide, X: Floats, y: Floats) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Predict each block of days from the days before it, by the logistic half alone and by the mix."""
    blocks = np.array_split(np.arange(len(y)), FOLDS)
    alone, mixed = [], []
    for number in range(1, FOLDS):
        past, now = np.concatenate(blocks[:number]), blocks[number]
        logistic = fit_logistic(side, X[past], y[past])
        p = logistic.logistic(X[now])
        alone.append(p)
        if y[past].min() == y[past].max():
            mixed.append(p)
            continue
        boosted = sigmoid(fit_boosted(side, X[past], y[past]).raw(X[now]))
        share = mix_of(len(past))
        mixed.append((1 - share) * p + share * boosted)
    return np.concatenate(blocks[1:]), np.concatenate(alone), np.concatenate(mixed)


def _log_loss(p: Floats, y: Floats) -> Floats:
    kept = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(-(y * np.log(kept) + (1 - y) * np.log1p(-kept)))


def _gate(side: ModelSide, y: Floats, alone: Floats, mixed: Floats) -> Gate:
    gain = _log_loss(alone, y) - _log_loss(mixed, y)
    rng = np.random.default_rng(0)
    means = [float(rng.choice(gain, len(gain)).mean()) for _ in range(RESAMPLES)]
    low, high = (float(edge) for edge in np.percentile(means, [2.5, 97.5]))
    is_open = float(gain.mean()) > 0.0 and low > -TOLERATED
    why = (
        "Boosting is mixed in: on the days held out it was not worse."
        if is_open
        else "Boosting stays out: on the days held out it was, or may well have been, worse."
    )
    return Gate(side, len(y), is_open, round(float(gain.mean()), 5), (round(low, 5), round(high, 5)), why)


def calibrate(p: Floats, y: Floats) -> Calibration:
    """Return the curve that makes held-out probabilities agree with what happened.

    Parameters
    ----------
    p : ndarray of shape (n_samples,)
        Held-out probabilities.
    y : ndarray of shape (n_samples,)

    Returns
    -------
    Calibration
        Platt's line, held to the diagonal, under 500 answers; the isotonic curve from there.

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
    # a whisker of slope keeps the order that came in wherever the isotonic curve is flat
    to = np.maximum.accumulate(logit(np.asarray(curve.predict(at))))
    return Calibration(at, to + LEAST_SLOPE * (at - at[0]))
