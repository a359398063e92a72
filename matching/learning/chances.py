"""Calibrate probabilities on held-out predictions: those of each side, and the chance of a match of a whole pair.

The score of a pair is a product of two probabilities, which is the chance of a match only if both sides are right and
independent. An allocation adds scores up over people, so the scale of the scores decides it. The chance of a match puts
the scores on that scale. It never falls as the score rises, so it changes no person's own order of placements.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression

from matching.learning.logistic import most_probable
from matching.learning.mixing import folds_of, gain_of, log_loss
from matching.score.side_models import Calibration, Floats, logit

FEWEST_KNOTS = 5  # a curve through fewer points is nearly a line, and Platt's line is then better
ISOTONIC_FROM = 500  # number of cases from which the isotonic curve is used instead of Platt's line
LEAST_SLOPE = 0.05
# Prior standard deviations of the intercept and the slope of Platt's line. They are small, so that a few cases cannot
# move the line far from the diagonal.
PLATT_SPREADS = (0.2, 0.1)


@dataclass(frozen=True, eq=False)
class MatchChance:
    """The map from the score of a pair to the chance of a match, and the evidence for it.

    Parameters
    ----------
    curve : Calibration
        The map. It is the diagonal, which changes nothing, unless the evidence is against the diagonal.
    kind : str
        ``diagonal``, ``line`` (Platt scaling with priors) or ``isotonic``.
    cases, matches : int
        The number of cases of which it is known whether they became a match, and of those that did.
    gain, standard_error : float
        The mean log-loss of the score minus that of the line, in nats a case, and its standard error over people. The
        scores are predicted without the cases of the same person.
    why : str
        Which map is used and why, in one sentence.
    """

    curve: Calibration
    kind: str
    cases: int
    matches: int
    gain: float
    standard_error: float
    why: str


def match_chance(score: Floats, matched: Sequence[bool | None], people: Sequence[str]) -> MatchChance:
    """Fit the map from the score to the chance of a match, if the score itself is clearly not the chance.

    Parameters
    ----------
    score : ndarray of shape (n_cases,)
        The score of each case, predicted without the cases of the same person.
    matched : sequence of bool or None
        Whether each case became a match. None if it is not known.
    people : sequence of str
        The key of the person of each case.

    Returns
    -------
    MatchChance

    Examples
    --------
    >>> match_chance(np.zeros(0), [], []).why
    'The score is used as it is: it needs known results of two people to be calibrated.'
    """
    is_known = np.array([result is not None for result in matched], dtype=bool)
    p, y = score[is_known], np.array([float(result) for result in matched if result is not None])
    known = [person for person, is_in in zip(people, is_known, strict=True) if is_in]
    counts = (len(y), int(y.sum()))
    if len(set(known)) < 2:  # noqa: PLR2004 - a standard error over people needs two
        why = "The score is used as it is: it needs known results of two people to be calibrated."
        return MatchChance(Calibration(), "diagonal", *counts, 0.0, 0.0, why)
    line = platt(p, y)
    gain, error = gain_of(log_loss(p, y), log_loss(line.apply(p), y), known)
    evidence = (*counts, round(gain, 6), round(error, 6))
    if gain <= error:
        why = "The score is used as it is: a line through the results is not clearly nearer to them."
        return MatchChance(Calibration(), "diagonal", *evidence, why)
    if len(y) >= ISOTONIC_FROM and _bends(p, y, known):
        why = "The score is calibrated by an isotonic curve: it predicts held-out people clearly better than a line."
        return MatchChance(calibrate(p, y), "isotonic", *evidence, why)
    why = "The score is calibrated by a line: it is clearly nearer to the results than the score itself."
    return MatchChance(line, "line", *evidence, why)


def _bends(p: Floats, y: Floats, people: Sequence[str]) -> bool:
    """Return whether an isotonic curve predicts held-out people clearly better than a line."""
    folds, by_line, by_curve = folds_of(people), np.zeros(len(y)), np.zeros(len(y))
    for fold in np.unique(folds):
        rows, learnt = folds == fold, folds != fold
        by_line[rows] = platt(p[learnt], y[learnt]).apply(p[rows])
        by_curve[rows] = calibrate(p[learnt], y[learnt]).apply(p[rows])
    gain, error = gain_of(log_loss(by_line, y), log_loss(by_curve, y), people)
    return gain > error


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
        return platt(p, y)
    curve = IsotonicRegression(y_min=0.01, y_max=0.99, out_of_bounds="clip").fit(z, y)
    # Where the isotonic curve is flat, a small slope preserves the order of the inputs.
    to = np.maximum.accumulate(logit(np.asarray(curve.predict(at))))
    return Calibration(at, to + LEAST_SLOPE * (at - at[0]))


def platt(p: Floats, y: Floats) -> Calibration:
    """Fit Platt's line in log-odds, with priors that hold it near the diagonal while there are few samples.

    Parameters
    ----------
    p : ndarray of shape (n_samples,)
        Held-out probabilities.
    y : ndarray of shape (n_samples,)

    Returns
    -------
    Calibration

    Examples
    --------
    >>> platt(np.zeros(0), np.zeros(0)).to.round(6)
    array([-1.,  1.])
    """
    mean, spread = np.array([0.0, 1.0]), np.array(PLATT_SPREADS)
    line, _, _ = most_probable(logit(p)[:, None], y, mean, spread, monotone=[True])
    slope = max(float(line[1]), LEAST_SLOPE)
    return Calibration(np.array([-1.0, 1.0]), np.array([line[0] - slope, line[0] + slope]))
