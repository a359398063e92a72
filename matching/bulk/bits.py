"""What both passes give back: which checks refuse a pair, as bits, and the best of each list, as arrays."""

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
# The first number beyond a journey's reach, in metres: wider than any rounding, narrower than any street.
MARGIN_METRES = 1.0


@dataclass(frozen=True, eq=False)
class Best:
    """The best placements of each jobseeker and, where asked for, the best jobseekers of each placement.

    Parameters
    ----------
    placements : ndarray of int32 of shape (n_jobseekers, k)
        Rows of the placements' columns, best first; -1 where a list is shorter.
    scores : ndarray of int32 of shape (n_jobseekers, k)
        In millionths.
    eligible : ndarray of int32 of shape (n_jobseekers,)
        How many placements no check refuses.
    jobseekers : ndarray of int32 of shape (n_placements, side_k)
        Rows of the jobseekers' columns, best first; -1 where a list is shorter.
    jobseeker_scores : ndarray of int32 of shape (n_placements, side_k)
    jobseeker_lots : ndarray of uint64 of shape (n_placements, side_k)
        By which equal scores stand in order.
    """

    placements: NDArray[np.int32]
    scores: NDArray[np.int32]
    eligible: NDArray[np.int32]
    jobseekers: NDArray[np.int32]
    jobseeker_scores: NDArray[np.int32]
    jobseeker_lots: NDArray[np.uint64]


def room_for(n_jobseekers: int, n_placements: int, k: int, side_k: int) -> Best:
    """Return an answer with nothing in it.

    Parameters
    ----------
    n_jobseekers, n_placements, k, side_k : int

    Returns
    -------
    Best

    Raises
    ------
    ValueError
        If a list would hold nobody.

    Examples
    --------
    >>> room_for(2, 3, 4, 0).placements.tolist()
    [[-1, -1, -1, -1], [-1, -1, -1, -1]]
    """
    if k < 1 or side_k < 0:
        raise ValueError("A list holds at least one.")
    return Best(
        np.full((n_jobseekers, k), NOBODY, dtype=np.int32),
        np.full((n_jobseekers, k), NOBODY, dtype=np.int32),
        np.zeros(n_jobseekers, dtype=np.int32),
        np.full((n_placements, side_k), NOBODY, dtype=np.int32),
        np.full((n_placements, side_k), NOBODY, dtype=np.int32),
        np.zeros((n_placements, side_k), dtype=np.uint64),
    )
