"""The named features of a pair, each in [0, 1], or None where something is not known.

A side of the score has features of its own. The functions of the placement's side take ``JobseekerOffer`` only, and
those of the jobseeker's side ``JobseekerWishes`` and ``JobseekerOffer``, so nothing protected can reach a feature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from matching.profiles import JobseekerOffer, JobseekerWishes, PlacementProfile
from matching.text import Vocabulary, normalise
from matching.travel import Journey


class Feature(StrEnum):
    """The features, in the order they are told."""

    ASPIRATION = "aspiration"
    AVOIDS = "avoids"
    ESSENTIAL_SKILLS = "essential_skills"
    DESIRABLE_SKILLS = "desirable_skills"
    TRAVEL = "travel"
    HOURS = "hours"
    HALF_DAYS = "half_days"
    ENVIRONMENT = "environment"
    START_DATE = "start_date"
    ADJUSTMENTS = "adjustments"
    SUPPORT = "support"


class Side(StrEnum):
    """Whose question a model answers."""

    JOBSEEKER = "jobseeker"
    PLACEMENT = "placement"


SIDES: Mapping[Side, tuple[Feature, ...]] = {
    Side.JOBSEEKER: (
        Feature.ASPIRATION,
        Feature.AVOIDS,
        Feature.TRAVEL,
        Feature.HOURS,
        Feature.HALF_DAYS,
        Feature.ENVIRONMENT,
        Feature.START_DATE,
        Feature.ADJUSTMENTS,
        Feature.SUPPORT,
    ),
    Side.PLACEMENT: (
        Feature.ESSENTIAL_SKILLS,
        Feature.DESIRABLE_SKILLS,
        Feature.TRAVEL,
        Feature.HOURS,
        Feature.HALF_DAYS,
        Feature.START_DATE,
    ),
}


@dataclass(frozen=True, slots=True)
class Value:
    """A feature of one pair: its value, and what was found, for the reasons.

    Parameters
    ----------
    value : float or None
        In [0, 1]; None is unknown.
    found : tuple of str
        The words that made it so.
    """

    value: float | None
    found: tuple[str, ...] = ()


Values = Mapping[Feature, Value]

ALIKE = 0.6
FAR_MINUTES = 90.0
LONG_WAIT_DAYS = 120.0
SOMETHING_ELSE = 0.4  # an environment that is neither what was asked for nor its opposite
# What each thing to avoid looks like in a listing: words of title, occupation and environment, or the evenings.
AVOIDED = {
    "nights": ("night", "nights"),
    "phones": ("call", "telephone", "telephonist", "switchboard", "contact centre", "receptionist"),
    "noisy places": ("busy", "noisy"),
    "working with dogs": ("dog", "kennel", "animal"),
    "heights": ("roof", "scaffold", "window cleaner"),
    "lone working": ("lone",),
}


def compute(
    wishes: JobseekerWishes,
    offer: JobseekerOffer,
    placement: PlacementProfile,
    journey: Journey | None,
    vocabulary: Vocabulary,
) -> dict[Feature, Value]:
    """Return every feature of one pair.

    Parameters
    ----------
    wishes : JobseekerWishes
    offer : JobseekerOffer
    placement : PlacementProfile
    journey : Journey or None
        As the checks found it.
    vocabulary : Vocabulary

    Returns
    -------
    dict of Feature to Value

    Examples
    --------
    >>> pair = compute(JobseekerWishes(aspirations=("gardener",)), JobseekerOffer(),
    ...                PlacementProfile(key="1", title="Gardener"), None, Vocabulary())
    >>> pair[Feature.ASPIRATION].value
    1.0
    """
    return {
        Feature.ASPIRATION: _aspiration(wishes, placement, vocabulary),
        Feature.AVOIDS: _avoids(wishes, placement),
        Feature.ESSENTIAL_SKILLS: _skills(offer, placement.essential_skills, vocabulary),
        Feature.DESIRABLE_SKILLS: _skills(offer, placement.desirable_skills, vocabulary),
        Feature.TRAVEL: _travel(placement, journey),
        Feature.HOURS: _hours(offer, placement),
        Feature.HALF_DAYS: _half_days(offer, placement),
        Feature.ENVIRONMENT: _environment(wishes, placement),
        Feature.START_DATE: _start_date(offer, placement),
        Feature.ADJUSTMENTS: _adjustments(wishes, placement),
        Feature.SUPPORT: _support(placement),
    }


def _aspiration(wishes: JobseekerWishes, placement: PlacementProfile, vocabulary: Vocabulary) -> Value:
    if not wishes.aspirations:
        return Value(None)
    texts = [placement.title] + ([placement.occupation] if placement.occupation else [])
    best, wish = 0.0, ""
    for aspiration in wishes.aspirations:
        alike = max(vocabulary.occupation_likeness(aspiration, text) for text in texts)
        if alike > best:
            best, wish = alike, aspiration
    return Value(best if best >= ALIKE else 0.0, (wish,) if best >= ALIKE else ())


def _avoids(wishes: JobseekerWishes, placement: PlacementProfile) -> Value:
    if not wishes.avoid:
        return Value(None)
    listing = f" {normalise(' '.join([placement.title, placement.occupation or '', *(placement.environment or ())]))} "
    hit = tuple(
        wish
        for wish in wishes.avoid
        if any(
            f" {normalise(word)}" in listing for word in (*AVOIDED.get(normalise(wish), ()), wish) if normalise(word)
        )
    )
    return Value(0.0 if hit else 1.0, hit)


def _skills(offer: JobseekerOffer, wanted: tuple[str, ...] | None, vocabulary: Vocabulary) -> Value:
    """Take the mean over the wanted skills of the best one there is, the rarer ones weighing more.

    Nothing wanted, or nothing known, is unknown.
    """
    asked = tuple(dict.fromkeys(skill for skill in wanted or () if normalise(skill)))
    if not asked or not offer.skills:
        return Value(None)
    total, weight, found = 0.0, 0.0, []
    for skill in asked:
        best, mine = max(((vocabulary.skill_likeness(one, skill), one) for one in offer.skills), key=lambda p: p[0])
        importance = vocabulary.importance(skill)
        total += importance * best
        weight += importance
        if best >= ALIKE:
            found.append(_told(mine, skill, offer))
    return Value(total / weight, tuple(dict.fromkeys(found)))


def _told(mine: str, skill: str, offer: JobseekerOffer) -> str:
    name = mine if normalise(mine) == normalise(skill) else f"{mine} (for {skill})"
    source = offer.drawn_from.get(mine)
    return f"{name}, from {source}" if source else name


def _travel(placement: PlacementProfile, journey: Journey | None) -> Value:
    if placement.remote == "yes":
        return Value(1.0, ("from home",))
    if journey is None:
        return Value(None)
    middle = (journey.minutes_low + journey.minutes_high) / 2
    return Value(max(0.0, 1.0 - middle / FAR_MINUTES), (f"{journey.km:g} km",))


def _hours(offer: JobseekerOffer, placement: PlacementProfile) -> Value:
    hours = placement.hours_per_week
    if hours is None or (offer.hours_min is None and offer.hours_max is None):
        return Value(None)
    low = offer.hours_min or 0.0
    high = offer.hours_max if offer.hours_max is not None else max(low, hours)
    if low <= hours <= high:
        return Value(1.0, (f"{hours:g} hours",))
    gap = low - hours if hours < low else hours - high
    return Value(max(0.0, 1.0 - gap / max(high, 8.0)), ())


def _half_days(offer: JobseekerOffer, placement: PlacementProfile) -> Value:
    """Take the share of the placement's half-days that suit; one without half-days is unknown."""
    if offer.half_days is None or not placement.half_days:
        return Value(None)
    shared = (offer.half_days & placement.half_days).bit_count()
    total = placement.half_days.bit_count()
    return Value(shared / total, (f"{shared} of {total} half-days",))


def _environment(wishes: JobseekerWishes, placement: PlacementProfile) -> Value:
    if not wishes.environment or not placement.environment:
        return Value(None)
    offered = {normalise(word) for word in placement.environment}
    wanted = {normalise(word): word for word in wishes.environment}
    hits = [word for key, word in wanted.items() if key in offered or key.removesuffix(" is fine") in offered]
    clashes = "quiet" in wanted and "busy" in offered
    return Value(0.0 if clashes else 1.0 if hits else SOMETHING_ELSE, tuple(hits))


def _start_date(offer: JobseekerOffer, placement: PlacementProfile) -> Value:
    if placement.starts_on is None or offer.earliest_start_on is None:
        return Value(None)
    wait = (placement.starts_on - offer.earliest_start_on).days
    return Value(max(0.0, 1.0 - abs(wait) / LONG_WAIT_DAYS))


def _adjustments(wishes: JobseekerWishes, placement: PlacementProfile) -> Value:
    """Raise the score for an adjustment that is offered; one not listed is a question and costs nothing."""
    if not wishes.adjustments:
        return Value(None)
    offered = {normalise(word) for word in placement.adjustments_offered or ()}
    hits = tuple(word for word in wishes.adjustments if normalise(word) in offered)
    return Value(0.5 + 0.5 * len(hits) / len(wishes.adjustments), hits) if hits else Value(None)


def _support(placement: PlacementProfile) -> Value:
    """Raise the score for support that is offered; a listing that names none is not marked down."""
    return Value(1.0, placement.support_offered) if placement.support_offered else Value(None)
