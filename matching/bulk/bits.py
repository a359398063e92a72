"""The results that both passes return: failed checks as bits, and the best lists as arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.pairs.eligibility import Rule

RULES = tuple(Rule)
SAFETY, PLACES, AGE, RIGHT_TO_WORK, DATES, HOURS, HALF_DAYS, TRAVEL, LICENCES, QUALIFICATIONS = (
    1 << RULES.index(rule)
    for rule in (
        Rule.SAFETY,
        Rule.PLACES,
        Rule.AGE,
        Rule.RIGHT_TO_WORK,
        Rule.DATES,
        Rule.HOURS,
        Rule.HALF_DAYS,
        Rule.TRAVEL,
        Rule.LICENCES,
        Rule.QUALIFICATIONS,
    )
)
NOBODY = -1
# Metres added to the longest possible journey: more than any rounding error, less than the width of a street.
MARGIN_METRES = 1.0


@dataclass(frozen=True, eq=False)
class Best:
    """The best placements of each jobseeker and, if requested, the best jobseekers of each placement.

    Parameters
    ----------
    placements : ndarray of int32 of shape (n_jobseekers, k)
        Rows of the placements' columns, best first. The end of a shorter list is filled with -1.
    scores : ndarray of int32 of shape (n_jobseekers, k)
        Scores in millionths. The end of a shorter list is filled with -1.
    eligible : ndarray of int32 of shape (n_jobseekers,)
        Number of placements that pass every check.
    jobseekers : ndarray of int32 of shape (n_placements, side_k)
        Rows of the jobseekers' columns, best first. The end of a shorter list is filled with -1.
    jobseeker_scores : ndarray of int32 of shape (n_placements, side_k)
        Scores in millionths. The end of a shorter list is filled with -1.
    jobseeker_lots : ndarray of uint64 of shape (n_placements, side_k)
        Tie-break hashes. Equal scores are ordered by them, lowest first.
    """

    placements: NDArray[np.int32]
    scores: NDArray[np.int32]
    eligible: NDArray[np.int32]
    jobseekers: NDArray[np.int32]
    jobseeker_scores: NDArray[np.int32]
    jobseeker_lots: NDArray[np.uint64]


def room_for(n_jobseekers: int, n_placements: int, k: int, side_k: int) -> Best:
    """Return empty lists of the right size, for a pass to fill.

    Parameters
    ----------
    n_jobseekers, n_placements : int
    k : int
        Placements in the list of each jobseeker, at least 1.
    side_k : int
        Jobseekers in the list of each placement, 0 for no such lists.

    Returns
    -------
    Best

    Raises
    ------
    ValueError
        If ``k`` is less than 1 or ``side_k`` is negative.

    Examples
    --------
    >>> room_for(2, 3, 4, 0).placements.tolist()
    [[-1, -1, -1, -1], [-1, -1, -1, -1]]
    """
    if k < 1 or side_k < 0:
        raise ValueError("k must be at least one, and side_k must not be negative.")
    return Best(
        np.full((n_jobseekers, k), NOBODY, dtype=np.int32),
        np.full((n_jobseekers, k), NOBODY, dtype=np.int32),
        np.zeros(n_jobseekers, dtype=np.int32),
        np.full((n_placements, side_k), NOBODY, dtype=np.int32),
        np.full((n_placements, side_k), NOBODY, dtype=np.int32),
        np.zeros((n_placements, side_k), dtype=np.uint64),
    )
