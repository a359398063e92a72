"""The inputs of an allocation: the policy, the open pairs and the places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matching.score.side_models import Calibration, Floats


@dataclass(frozen=True, slots=True)
class Policy:
    """The parameters of an allocation, which are published with the allocation.

    The numbers are the caller's to set, because they are policy. The defaults are neutral: only the chances of a match
    count.

    Parameters
    ----------
    version : str
    need_floor : float
        The share of the offers, from 0 to 1, that is reserved for jobseekers in the need band. 0 reserves no offers.
    offer_value : float
        The value that every offer has in addition to its chance of a match. It ensures that many offers are preferred
        to fewer offers with better chances.
    soft_cap : float
        How many offers a social enterprise can have before each further offer has a cost. It is a multiple (1 or more)
        of the social enterprise's fair share of the offers.
    evenness : float
        The cost of each offer above the soft cap.
    keeping : float
        The value added to a pair that was also in the previous proposal.

    Raises
    ------
    ValueError
        If a share is out of range, or a value is negative.

    Examples
    --------
    >>> Policy("agreed-2027", need_floor=0.5).need_floor
    0.5
    """

    version: str = "none"
    need_floor: float = 0.0
    offer_value: float = 0.0
    soft_cap: float = 1.0
    evenness: float = 0.0
    keeping: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.need_floor <= 1.0:
            raise ValueError("need_floor is out of range: it must be a share from 0 to 1.")
        if self.soft_cap < 1.0 or min(self.offer_value, self.evenness, self.keeping) < 0.0:
            raise ValueError("A parameter is out of range: soft_cap must be 1 or more, and no value may be negative.")


@dataclass(frozen=True, eq=False)
class OpenPairs:
    """The pairs that pass every check, sorted by jobseeker.

    Parameters
    ----------
    begins : ndarray of int64 of shape (n_jobseekers + 1,)
        Where the pairs of each jobseeker begin.
    placements : ndarray of int32 of shape (n_pairs,)
        The placement of each pair.
    scores : ndarray of float64 of shape (n_pairs,)
        The score of each pair, in [0, 1].

    Examples
    --------
    >>> OpenPairs.of(np.array([[0.5, np.nan], [0.1, 0.2]])).placements.tolist()
    [0, 0, 1]
    """

    begins: NDArray[np.int64]
    placements: NDArray[np.int32]
    scores: Floats

    @classmethod
    def of(cls, scores: Floats) -> "OpenPairs":
        """Return the open pairs of a matrix of scores. NaN means that a check rules the pair out.

        Parameters
        ----------
        scores : ndarray of shape (n_jobseekers, n_placements)

        Returns
        -------
        OpenPairs
        """
        is_open = ~np.isnan(scores)
        begins = np.concatenate([[0], np.cumsum(is_open.sum(axis=1))]).astype(np.int64)
        return cls(begins, np.nonzero(is_open)[1].astype(np.int32), scores[is_open])

    @cached_property
    def people(self) -> NDArray[np.intp]:
        """The jobseeker of each pair."""
        return np.repeat(np.arange(len(self.begins) - 1), np.diff(self.begins))


@dataclass(frozen=True, eq=False)
class AllocationProblem:
    """The jobseekers, placements and scores to allocate.

    Parameters
    ----------
    jobseekers, placements : sequence of str
        The keys of the jobseekers and of the placements.
    scores : ndarray of shape (n_jobseekers, n_placements), or OpenPairs
        Scores in [0, 1]. In a matrix, NaN means that a check rules the pair out.
    places : sequence of int
        The number of places left at each placement.
    in_need : sequence of bool
        Whether each jobseeker is in the need band. The policy states which facts decide this. These facts are never
        features of the score.
    organisations : sequence of str or None
        The social enterprise of each placement.
    before : mapping of str to str
        The placement that each jobseeker had in the previous proposal: the keys of jobseekers to keys of placements.
    open_to : sequence of int
        For each jobseeker, the number of placements that are open to the jobseeker and have places. Needed only if
        ``scores`` leaves out some of these placements.
    chance_of : Calibration
        The map from a score to the chance of a match. The assignment adds up chances, not scores, so that the scale of
        the scores does not decide it. Ranks and reasons keep to the scores.

    Raises
    ------
    ValueError
        If the lengths of the inputs do not agree, or a number of places is negative.
    """

    jobseekers: Sequence[str]
    placements: Sequence[str]
    scores: Floats | OpenPairs
    places: Sequence[int]
    in_need: Sequence[bool] = ()
    organisations: Sequence[str | None] = ()
    before: Mapping[str, str] = field(default_factory=dict)
    open_to: Sequence[int] = ()
    chance_of: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        n, m = len(self.jobseekers), len(self.placements)
        if isinstance(self.scores, OpenPairs):
            fits = len(self.scores.begins) == n + 1 and int(self.scores.placements.max(initial=-1)) < m
        else:
            fits = self.scores.shape == (n, m)
        if not fits or len(self.places) != m:
            raise ValueError(
                "scores must have a row for each jobseeker and a column for each placement. "
                "places must have an entry for each placement."
            )
        if len(self.in_need) not in {0, n} or len(self.organisations) not in {0, m} or len(self.open_to) not in {0, n}:
            raise ValueError(
                "in_need and open_to must be empty or have an entry for each jobseeker. "
                "organisations must be empty or have an entry for each placement."
            )
        if min(self.places, default=0) < 0:
            raise ValueError("The number of places of a placement cannot be negative.")

    @cached_property
    def pairs(self) -> OpenPairs:
        """The open pairs. If ``scores`` is a matrix, they are read from the matrix."""
        return self.scores if isinstance(self.scores, OpenPairs) else OpenPairs.of(self.scores)

    def chances(self, scores: Floats) -> Floats:
        """Return the chance of a match for each score.

        Parameters
        ----------
        scores : ndarray of shape (n_pairs,)

        Returns
        -------
        ndarray of shape (n_pairs,)
            In [0, 1]. The scores themselves if the map is the diagonal.
        """
        return scores if self.chance_of.is_diagonal else self.chance_of.apply(scores)
