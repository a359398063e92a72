"""Decided cases, from which a model is trained.

This module does not import the training code, which takes a second to load.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from matching.pairs.features import Feature, ModelSide, Value


class CaseOutcome(IntEnum):
    """How far a pair got. The number is the grade of the case."""

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
        Whether the jobseeker wanted the placement and, where starting was up to the jobseeker, started it. None where
        the other side ended the introduction before this could be known.
    lasted : bool or None
        Whether the placement accepted the jobseeker and the work lasted. None where it never came to that, or where it
        is too early to know.
    outcome : CaseOutcome
    decided_on : date
    jobseeker, placement : str
        Keys.

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
        """Return the label that the model of one side learns from.

        Parameters
        ----------
        side : ModelSide

        Returns
        -------
        bool or None
            None where the case has no label for this side.
        """
        return self.wanted if side is ModelSide.JOBSEEKER else self.lasted
