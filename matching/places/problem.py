"""What an allocation decides about: the policy, the open pairs, the places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matching.score.side_models import Floats


@dataclass(frozen=True, slots=True)
class Policy:
    """What a policy decides about an allocation; every number is shown with it.

    Parameters
    ----------
    version : str
    need_floor : float
        Share of the offers reserved for people in the need band; 0 for none.
    offer_value : float
        What any offer is worth beside its score, so that few are left with nothing for the sake of a better score.
    soft_cap : float
        Offers of one social enterprise over its fair share, as a multiple, from which each costs something.
    evenness : float
        What an offer over the soft cap costs.
    keeping : float
        What keeping a pair that was proposed before is worth.

    Raises
    ------
    ValueError
        If a share is outside its range, or a value under 0.

    Examples
    --------
    >>> Policy().need_floor
    0.3
    """

    version: str = "default-1"
    need_floor: float = 0.3
    offer_value: float = 0.1
    soft_cap: float = 4.0
    evenness: float = 0.05
    keeping: float = 0.02

    def __post_init__(self) -> None:
        if not 0.0 <= self.need_floor <= 1.0:
            raise ValueError("need_floor is a share from 0 to 1.")
        if self.soft_cap < 1.0 or min(self.offer_value, self.evenness, self.keeping) < 0.0:
            raise ValueError("soft_cap is 1 or more, and no value is under 0.")


@dataclass(frozen=True, eq=False)
class OpenPairs:
    """The pairs that no check refuses, person by person.

    Parameters
    ----------
    begins : ndarray of int64 of shape (n_jobseekers + 1,)
        Where each one's pairs begin.
    placements : ndarray of int32 of shape (n_pairs,)
    scores : ndarray of float64 of shape (n_pairs,)
        In [0, 1].

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
        """Return the pairs of a matrix in which NaN is a refusal.

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
        """Whose each pair is."""
        return np.repeat(np.arange(len(self.begins) - 1), np.diff(self.begins))


@dataclass(frozen=True, eq=False)
class AllocationProblem:
    """Who could go where.

    Parameters
    ----------
    jobseekers, placements : sequence of str
        Keys.
    scores : ndarray of shape (n_jobseekers, n_placements), or OpenPairs
        In [0, 1]; NaN in a matrix where the pair is refused.
    places : sequence of int
        Free places of each placement.
    in_need : sequence of bool
        Who is in the need band; by facts a policy declares, never a feature of the score.
    organisations : sequence of str or None
        Social enterprise of each placement.
    before : mapping of str to str
        Jobseeker to placement as proposed last time.
    open_to : sequence of int
        How many placements with places are open to each, where ``scores`` names only the best of them.

    Raises
    ------
    ValueError
        If the parts do not fit each other.
    """

    jobseekers: Sequence[str]
    placements: Sequence[str]
    scores: Floats | OpenPairs
    places: Sequence[int]
    in_need: Sequence[bool] = ()
    organisations: Sequence[str | None] = ()
    before: Mapping[str, str] = field(default_factory=dict)
    open_to: Sequence[int] = ()

    def __post_init__(self) -> None:
        n, m = len(self.jobseekers), len(self.placements)
        if isinstance(self.scores, OpenPairs):
            fits = len(self.scores.begins) == n + 1 and int(self.scores.placements.max(initial=-1)) < m
        else:
            fits = self.scores.shape == (n, m)
        if not fits or len(self.places) != m:
            raise ValueError("scores has one row a jobseeker and one column a placement, and places one number each.")
        if len(self.in_need) not in {0, n} or len(self.organisations) not in {0, m} or len(self.open_to) not in {0, n}:
            raise ValueError("in_need has one entry a jobseeker, and organisations one a placement, or none.")
        if min(self.places, default=0) < 0:
            raise ValueError("A placement cannot have fewer than no places.")

    @cached_property
    def pairs(self) -> OpenPairs:
        """The open pairs, however they came."""
        return self.scores if isinstance(self.scores, OpenPairs) else OpenPairs.of(self.scores)
