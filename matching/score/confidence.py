"""How sure the order of a list is: how likely a pair keeps its place before or after another, once all is known.

Two things make an order unsure: facts that are not known, and weights that little experience stands behind. Both are
put on the scale of the log-score, as one standard deviation. If the log-scores of a list spread about as much as those
of real lists do, the deviation gives the chance that this pair and another of its list are in the right order.
"""

from typing import TYPE_CHECKING

import numpy as np

from matching.pairs.grades import Codes
from matching.score.side_models import VARIANCE_OF_UNKNOWN, Floats, matrix_of

if TYPE_CHECKING:
    from matching.score.ranker import TwoSidedModel

# The standard deviation of the log-scores in a list, as a mean of 25 lists (``python -m benchmarks.lists sure``).
SPREAD_OF_LIST = 0.75
# Readers who graded pairs blind agreed with the order as often as deviations of this multiple foretell.
OBSERVED = 1.2
# Chances of the right order from which the confidence is high or medium.
HIGH, MEDIUM = 0.85, 0.75


def deviations(model: "TwoSidedModel", codes: Codes) -> Floats:
    """Return how far the log-score of each pair may be from what it would be if all were known.

    Parameters
    ----------
    model : TwoSidedModel
    codes : ndarray of uint8 of shape (n_pairs, n_features)
        Grades; 255 means not known.

    Returns
    -------
    ndarray of shape (n_pairs,)
        One standard deviation. What moves every pair alike, such as the intercepts, is left out.
    """
    variance = np.zeros(len(codes))
    for side, own in model.sides.items():
        X = matrix_of(side, codes)
        centred, weights = own.centred(X), own.covariance[1:, 1:]
        of_weights = np.einsum("ij,jk,ik->i", centred, weights, centred)
        of_unknown = np.isnan(X).astype(np.float64) @ (own.weights**2 * VARIANCE_OF_UNKNOWN)
        variance += (of_weights + of_unknown) * (1.0 - own.probability(X)) ** 2
    return np.asarray(OBSERVED * np.sqrt(variance))


def certainties(model: "TwoSidedModel", codes: Codes) -> Floats:
    """Return the chance that a pair and another pair of its list are in the right order.

    Parameters
    ----------
    model : TwoSidedModel
    codes : ndarray of uint8 of shape (n_pairs, n_features)

    Returns
    -------
    ndarray of shape (n_pairs,)
        From 0.5 (as likely wrong as right) to 1.

    References
    ----------
    .. [1] Sheppard, "On the application of the theory of error to cases of normal distribution", 1899: the chance that
       two normal variables have the same sign.
    """
    variance = deviations(model, codes) ** 2
    return np.asarray(0.5 + np.arcsin(SPREAD_OF_LIST / np.sqrt(SPREAD_OF_LIST**2 + variance)) / np.pi)


def confidence_of(certainty: float) -> str:
    """Return a chance of the right order in words.

    Parameters
    ----------
    certainty : float
        From 0.5 to 1.

    Returns
    -------
    str
        ``high`` from 0.85, ``medium`` from 0.75, and otherwise ``low``.

    Examples
    --------
    >>> confidence_of(0.8)
    'medium'
    """
    return "high" if certainty >= HIGH else "medium" if certainty >= MEDIUM else "low"
