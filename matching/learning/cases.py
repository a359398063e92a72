"""Decided cases, on which a model is trained.

This module does not import the training code, which takes a second to load.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from matching.pairs.features import Feature, ModelSide, Value


class CaseOutcome(IntEnum):
    """How far an introduction went. Its value is the grade of the pair when rankings are evaluated."""

    DECLINED = 0
    INTRODUCED = 1
    STARTED = 2
    SUSTAINED = 3
    PROGRESSED = 4


@dataclass(frozen=True, slots=True)
class DecidedCase:
    """A jobseeker and a placement that were introduced, and how the introduction ended.

    Parameters
    ----------
    values : mapping of Feature to Value
        The feature values at the time the match was shortlisted.
    wanted : bool or None
        True if the jobseeker started the placement, False if the jobseeker declined it. None if the social enterprise
        declined the jobseeker: what the jobseeker wanted is then not known.
    lasted : bool or None
        Whether the social enterprise accepted the jobseeker and the work lasted. None if the jobseeker declined, or if
        it is not known (yet) whether the work lasted.
    outcome : CaseOutcome
    decided_on : date
    jobseeker, placement : str
        The keys of the jobseeker and of the placement.

    Examples
    --------
    >>> case = DecidedCase({}, True, None, CaseOutcome.STARTED, date(2026, 3, 2), "J", "P")
    >>> case.outcome > CaseOutcome.INTRODUCED
    True
    """

    values: Mapping[Feature, Value]
    wanted: bool | None
    lasted: bool | None
    outcome: CaseOutcome
    decided_on: date
    jobseeker: str
    placement: str

    def label(self, side: ModelSide) -> bool | None:
        """Return the label of the case for training the model of one side.

        Parameters
        ----------
        side : ModelSide

        Returns
        -------
        bool or None
            None where the case has no label for this side.
        """
        return self.wanted if side is ModelSide.JOBSEEKER else self.lasted

    @property
    def matched(self) -> bool | None:
        """Whether the pair became a match: the jobseeker started, and the work lasted. None if it is not known."""
        if self.wanted is False or self.lasted is False:
            return False
        return True if self.lasted else None
