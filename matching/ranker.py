"""PlacementRanker: checks first, then an additive score in [0, 1] from named features with expert weights."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matching import eligibility, features
from matching.eligibility import Check, Context
from matching.features import Feature, Value
from matching.profiles import JobseekerProfile, PlacementProfile
from matching.text import Vocabulary
from matching.travel import Journey

MODEL_VERSION = "expert-1"
NEUTRAL = 0.5
# The jobseeker's own wishes weigh most (zero exclusion, domain reference 11 item 8); then skills and travel, which
# decide whether a start lasts. They add to 1. Judged by hand on the intake files; learning replaces them behind gates.
EXPERT_WEIGHTS: Mapping[Feature, float] = {
    Feature.ASPIRATION: 0.32,
    Feature.AVOIDS: 0.10,
    Feature.ESSENTIAL_SKILLS: 0.14,
    Feature.DESIRABLE_SKILLS: 0.06,
    Feature.TRAVEL: 0.16,
    Feature.HOURS: 0.08,
    Feature.ENVIRONMENT: 0.06,
    Feature.START_DATE: 0.03,
    Feature.ADJUSTMENTS: 0.05,
}
HIGH_CONFIDENCE, MEDIUM_CONFIDENCE = 0.75, 0.45


@dataclass(frozen=True, slots=True)
class Match:
    """A pair that passed or may pass every check, with its score and what made it.

    Parameters
    ----------
    placement : PlacementProfile
    score : float
        In [0, 1].
    confidence : str
        ``low``, ``medium`` or ``high``: how much of the weight rests on something known.
    values : dict of Feature to Value
    checks : tuple of Check
    journey : Journey or None
    """

    placement: PlacementProfile
    score: float
    confidence: str
    values: dict[Feature, Value]
    checks: tuple[Check, ...]
    journey: Journey | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A pair that failed a check.

    Parameters
    ----------
    placement : PlacementProfile
    checks : tuple of Check
    journey : Journey or None
    """

    placement: PlacementProfile
    checks: tuple[Check, ...]
    journey: Journey | None

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that refused it."""
        return tuple(c for c in self.checks if c.result is eligibility.Result.FAIL)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Everything that was looked at: matches best first, and refusals nearest first.

    Parameters
    ----------
    matches : tuple of Match
    refusals : tuple of Refusal
    """

    matches: tuple[Match, ...]
    refusals: tuple[Refusal, ...]


def score_of(values: Mapping[Feature, Value], weights: Mapping[Feature, float] = EXPERT_WEIGHTS) -> float:
    """Return the additive score: the weighted mean of the features, the unknown ones neutral.

    Parameters
    ----------
    values : mapping of Feature to Value
    weights : mapping of Feature to float
        They add to 1.

    Returns
    -------
    float
        In [0, 1], rounded to six places so that a tie is a tie on every machine.

    Examples
    --------
    >>> score_of({})
    0.5
    """
    total = 0.0
    for feature, weight in weights.items():
        value = values[feature].value if feature in values else None
        total += weight * (NEUTRAL if value is None else value)
    return round(total, 6)


def confidence_of(values: Mapping[Feature, Value], weights: Mapping[Feature, float] = EXPERT_WEIGHTS) -> str:
    """Return how much of the weight rests on something known.

    Parameters
    ----------
    values : mapping of Feature to Value
    weights : mapping of Feature to float

    Returns
    -------
    str
        ``high`` from 0.75 of the weight, ``medium`` from 0.45, else ``low``.

    Examples
    --------
    >>> confidence_of({})
    'low'
    """
    known = sum(
        weight for feature, weight in weights.items() if feature in values and values[feature].value is not None
    )
    return "high" if known >= HIGH_CONFIDENCE else "medium" if known >= MEDIUM_CONFIDENCE else "low"


class PlacementRanker:
    """Rank placements for one jobseeker.

    Parameters
    ----------
    vocabulary : Vocabulary
        What words mean the same.
    context : Context
        The day, and figures from dated tables.

    Examples
    --------
    >>> from datetime import date
    >>> ranker = PlacementRanker(Vocabulary(), Context(on=date(2026, 11, 2), modes={}))
    >>> ranking = ranker.rank(JobseekerProfile(), [PlacementProfile(key="1", title="Gardener")])
    >>> [(match.placement.key, match.score) for match in ranking.matches]
    [('1', 0.5)]
    """

    def __init__(self, vocabulary: Vocabulary, context: Context) -> None:
        self.vocabulary = vocabulary
        self.context = context

    def pair(self, jobseeker: JobseekerProfile, placement: PlacementProfile) -> Match | Refusal:
        """Return one pair, explained whether it is refused or not.

        Parameters
        ----------
        jobseeker : JobseekerProfile
        placement : PlacementProfile

        Returns
        -------
        Match or Refusal
        """
        checks = eligibility.check(jobseeker.limits, placement, self.context)
        journey = eligibility.journey(jobseeker.limits, placement, self.context)
        if eligibility.is_refused(checks):
            return Refusal(placement, checks, journey)
        values = features.compute(jobseeker.wishes, placement, journey, self.vocabulary)
        return Match(placement, score_of(values), confidence_of(values), values, checks, journey)

    def rank(self, jobseeker: JobseekerProfile, placements: Iterable[PlacementProfile]) -> Ranking:
        """Return every placement, either ranked or refused; none disappears.

        Parameters
        ----------
        jobseeker : JobseekerProfile
        placements : iterable of PlacementProfile

        Returns
        -------
        Ranking
            Matches by score, ties by key; refusals by number of failed checks, then distance, then key.
        """
        matches: list[Match] = []
        refusals: list[Refusal] = []
        for placement in placements:
            found = self.pair(jobseeker, placement)
            if isinstance(found, Match):
                matches.append(found)
            else:
                refusals.append(found)
        matches.sort(key=lambda m: (-m.score, m.placement.key))
        refusals.sort(key=lambda r: (len(r.failed), r.journey.km if r.journey else 0.0, r.placement.key))
        return Ranking(tuple(matches), tuple(refusals))
