"""Decided cases: what a model learns from. Apart from what learns, which takes a second to import."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from matching.pairs.features import Feature, ModelSide, Value


class CaseOutcome(IntEnum):
    """How far a pair came: the grade of a case."""

    DECLINED = 0
    INTRODUCED = 1
    STARTED = 2
    SUSTAINED = 3
    PROGRESSED = 4


@dataclass(frozen=True, slots=True)
class DecidedCase:
    """A pair that was introduced and decided.

    Parameters
    ----------
    values : mapping of Feature to Value
        As they were when it was shown.
    wanted : bool or None
        Whether the jobseeker wanted it and, if it was theirs to start, started; None where the other side ended it
        before that could be seen.
    lasted : bool or None
        Whether the placement took them and it lasted; None where it never came to that, or it is too early to say.
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
        """Return what one side's model learns from it.

        Parameters
        ----------
        side : ModelSide

        Returns
        -------
        bool or None
        """
        return self.wanted if side is ModelSide.JOBSEEKER else self.lasted
