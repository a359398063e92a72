"""Expert priors: for each weight of each side of the score, a mean and a spread that were set by hand.

A weight is the change in log-odds between the worst and the best value of its feature. The largest weights follow two
rules of supported employment: the jobseeker's choice comes first (zero exclusion), and an entry-level job should be
near home. The priors were set before any outcome was examined. Each spread is wide enough that about fifty decided
cases (pairs with a known outcome) can change a weight, and narrow enough that five cases cannot reverse its sign.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from matching.pairs.features import Feature, ModelSide

NEUTRAL = 0.5  # the value assumed for an unknown feature: half-way, so that it adds nothing to the score


@dataclass(frozen=True, slots=True)
class Prior:
    """The prior of one weight: a normal distribution on the log-odds scale.

    Parameters
    ----------
    mean, spread : float
        Mean and standard deviation.
    is_monotone : bool
        Whether policy requires that a higher value of the feature never lowers the score.

    Examples
    --------
    >>> Prior(1.0, 0.5).is_monotone
    True
    """

    mean: float
    spread: float
    is_monotone: bool = True


# If every feature has its neutral value, the probability of each side is somewhat under one half.
INTERCEPTS: Mapping[ModelSide, Prior] = {
    ModelSide.JOBSEEKER: Prior(-0.2, 1.0, is_monotone=False),
    ModelSide.PLACEMENT: Prior(-0.4, 1.0, is_monotone=False),
}
WEIGHTS: Mapping[ModelSide, Mapping[Feature, Prior]] = {
    ModelSide.JOBSEEKER: {
        Feature.ASPIRATION: Prior(2.4, 0.8),
        Feature.AVOIDS: Prior(1.6, 0.8),
        Feature.TRAVEL: Prior(1.8, 0.8),
        Feature.HOURS: Prior(0.7, 0.5),
        Feature.HALF_DAYS: Prior(0.6, 0.5),
        Feature.ENVIRONMENT: Prior(0.7, 0.5),
        Feature.START_DATE: Prior(0.3, 0.4),
        Feature.ADJUSTMENTS: Prior(0.9, 0.5),
        Feature.SUPPORT: Prior(0.4, 0.4, is_monotone=False),
    },
    ModelSide.PLACEMENT: {
        Feature.ESSENTIAL_SKILLS: Prior(1.8, 0.8),
        Feature.DESIRABLE_SKILLS: Prior(0.7, 0.5),
        Feature.TRAVEL: Prior(0.8, 0.5),
        Feature.HOURS: Prior(0.5, 0.4),
        Feature.HALF_DAYS: Prior(0.8, 0.5),
        Feature.START_DATE: Prior(0.3, 0.4),
        Feature.ANSWERS: Prior(0.5, 0.3),
    },
}
