"""The results of the compiled pass and of the NumPy pass: failed checks as bits, and the best lists as arrays."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.pairs.checks import Rule
from matching.pairs.grades import Codes

RULES = tuple(Rule)
SAFETY, PLACES, AGE, RIGHT_TO_WORK, DATES, HOURS, HALF_DAYS, TRAVEL, LICENCES, QUALIFICATIONS, NEVER = (
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
        Rule.NEVER,
    )
)
NOBODY = -1
# The metres added to the longest possible journey, so that no rounding error can exclude a placement.
MARGIN_METRES = 1.0


class CheckedPlacements(NamedTuple):
    """Every placement checked and scored for one jobseeker. Each array has a row for each placement.

    Parameters
    ----------
    failed : ndarray of uint16 of shape (n_placements,)
        The failed checks as bits, in the order of ``Rule``.
    scores : ndarray of int32 of shape (n_placements,)
        In millionths; -1 where a check fails.
    agreed : ndarray of int32 of shape (n_placements,)
        The score that a placement would have if its only failed check passed, where that check is one of
        ``agreeable``; else -1.
    codes : ndarray of uint8 of shape (n_placements, n_features)
        The grades behind each score. They mean nothing where there is no score.
    """

    failed: NDArray[np.uint16]
    scores: NDArray[np.int32]
    agreed: NDArray[np.int32]
    codes: Codes


@dataclass(frozen=True, eq=False)
class Best:
    """The best placements of each jobseeker and, if requested, the best jobseekers of each placement.

    Parameters
    ----------
    placements : ndarray of int32 of shape (n_jobseekers, k)
        Row numbers in the placements' columns, best first. A list with fewer than k entries is filled up with -1.
    scores : ndarray of int32 of shape (n_jobseekers, k)
        The score of each entry of ``placements``, in millionths, or -1.
    eligible : ndarray of int32 of shape (n_jobseekers,)
        The number of placements that pass every check for the jobseeker.
    jobseekers : ndarray of int32 of shape (n_placements, side_k)
        Row numbers in the jobseekers' columns, best first. A list with fewer than side_k entries is filled up with -1.
    jobseeker_scores : ndarray of int32 of shape (n_placements, side_k)
        The score of each entry of ``jobseekers``, in millionths, or -1.
    jobseeker_lots : ndarray of uint64 of shape (n_placements, side_k)
        The tie-break hash of each entry of ``jobseekers``. Of equal scores, the lowest hash comes first.
    """

    placements: NDArray[np.int32]
    scores: NDArray[np.int32]
    eligible: NDArray[np.int32]
    jobseekers: NDArray[np.int32]
    jobseeker_scores: NDArray[np.int32]
    jobseeker_lots: NDArray[np.uint64]


def is_only_agreeable(failed: NDArray[np.uint16], agreeable: int) -> NDArray[np.bool_]:
    """Return where exactly one check fails, and it is one of ``agreeable``.

    Parameters
    ----------
    failed : ndarray of uint16
        The failed checks as bits.
    agreeable : int
        The bits of the checks that can be agreed on.

    Returns
    -------
    ndarray of bool

    Examples
    --------
    >>> is_only_agreeable(np.array([0, HOURS, HOURS | AGE, AGE], dtype=np.uint16), HOURS).tolist()
    [False, True, False, False]
    """
    return np.asarray(((failed & agreeable) != 0) & ((failed & (failed - np.uint16(1))) == 0))


def room_for(n_jobseekers: int, n_placements: int, k: int, side_k: int) -> Best:
    """Return empty lists of the right size, which a pass then fills.

    Parameters
    ----------
    n_jobseekers, n_placements : int
    k : int
        The number of placements in the list of each jobseeker, at least 1.
    side_k : int
        The number of jobseekers in the list of each placement. With 0, placements have no lists.

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
        raise ValueError("k must be at least one, and side_k must be 0 or more.")
    return Best(
        np.full((n_jobseekers, k), NOBODY, dtype=np.int32),
        np.full((n_jobseekers, k), NOBODY, dtype=np.int32),
        np.zeros(n_jobseekers, dtype=np.int32),
        np.full((n_placements, side_k), NOBODY, dtype=np.int32),
        np.full((n_placements, side_k), NOBODY, dtype=np.int32),
        np.zeros((n_placements, side_k), dtype=np.uint64),
    )
