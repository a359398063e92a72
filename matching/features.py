"""The named features of a pair, each in [0, 1], or None where something is not known.

Only ``JobseekerWishes`` comes in, so nothing protected can reach a feature.
"""

from dataclasses import dataclass
from enum import StrEnum

from matching.profiles import JobseekerWishes, PlacementProfile
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
    ENVIRONMENT = "environment"
    START_DATE = "start_date"
    ADJUSTMENTS = "adjustments"


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


ALIKE = 0.6
FAR_MINUTES = 90.0
LONG_WAIT_DAYS = 120.0
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
    wishes: JobseekerWishes, placement: PlacementProfile, journey: Journey | None, vocabulary: Vocabulary
) -> dict[Feature, Value]:
    """Return every feature of one pair.

    Parameters
    ----------
    wishes : JobseekerWishes
    placement : PlacementProfile
    journey : Journey or None
        As the checks found it.
    vocabulary : Vocabulary

    Returns
    -------
    dict of Feature to Value

    Examples
    --------
    >>> pair = compute(JobseekerWishes(aspirations=("gardener",)), PlacementProfile(key="1", title="Gardener"),
    ...                None, Vocabulary())
    >>> pair[Feature.ASPIRATION].value
    1.0
    """
    return {
        Feature.ASPIRATION: _aspiration(wishes, placement, vocabulary),
        Feature.AVOIDS: _avoids(wishes, placement),
        Feature.ESSENTIAL_SKILLS: _skills(wishes.skills, placement.essential_skills, vocabulary),
        Feature.DESIRABLE_SKILLS: _skills(wishes.skills, placement.desirable_skills, vocabulary),
        Feature.TRAVEL: _travel(placement, journey),
        Feature.HOURS: _hours(wishes, placement),
        Feature.ENVIRONMENT: _environment(wishes, placement),
        Feature.START_DATE: _start_date(wishes, placement),
        Feature.ADJUSTMENTS: _adjustments(wishes, placement),
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


def _skills(has: tuple[str, ...] | None, wanted: tuple[str, ...] | None, vocabulary: Vocabulary) -> Value:
    """Take the mean over the wanted skills of the best one there is; nothing wanted is unknown, so neutral."""
    if not wanted or not has:
        return Value(None)
    total, found = 0.0, []
    for skill in wanted:
        best, mine = max(((vocabulary.skill_likeness(one, skill), one) for one in has), key=lambda pair: pair[0])
        total += best
        if best >= ALIKE:
            found.append(mine if normalise(mine) == normalise(skill) else f"{mine} (for {skill})")
    return Value(total / len(wanted), tuple(dict.fromkeys(found)))


def _travel(placement: PlacementProfile, journey: Journey | None) -> Value:
    if placement.remote == "yes":
        return Value(1.0, ("from home",))
    if journey is None:
        return Value(None)
    middle = (journey.minutes_low + journey.minutes_high) / 2
    return Value(max(0.0, 1.0 - middle / FAR_MINUTES), (f"{journey.km:g} km",))


def _hours(wishes: JobseekerWishes, placement: PlacementProfile) -> Value:
    hours = placement.hours_per_week
    if hours is None or (wishes.hours_min is None and wishes.hours_max is None):
        return Value(None)
    low = wishes.hours_min or 0.0
    high = wishes.hours_max if wishes.hours_max is not None else max(low, hours)
    if low <= hours <= high:
        return Value(1.0, (f"{hours:g} hours",))
    gap = low - hours if hours < low else hours - high
    return Value(max(0.0, 1.0 - gap / max(high, 8.0)), ())


def _environment(wishes: JobseekerWishes, placement: PlacementProfile) -> Value:
    if not wishes.environment or not placement.environment:
        return Value(None)
    offered = {normalise(word) for word in placement.environment}
    wanted = {normalise(word): word for word in wishes.environment}
    hits = [word for key, word in wanted.items() if key in offered or key.removesuffix(" is fine") in offered]
    clashes = "quiet" in wanted and "busy" in offered
    return Value(0.0 if clashes else 1.0 if hits else 0.4, tuple(hits))


def _start_date(wishes: JobseekerWishes, placement: PlacementProfile) -> Value:
    if placement.starts_on is None or wishes.earliest_start_on is None:
        return Value(None)
    wait = (placement.starts_on - wishes.earliest_start_on).days
    return Value(max(0.0, 1.0 - abs(wait) / LONG_WAIT_DAYS))


def _adjustments(wishes: JobseekerWishes, placement: PlacementProfile) -> Value:
    """Raise the score for an adjustment that is offered; one not listed is a question and costs nothing."""
    if not wishes.adjustments:
        return Value(None)
    offered = {normalise(word) for word in placement.adjustments_offered or ()}
    hits = tuple(word for word in wishes.adjustments if normalise(word) in offered)
    return Value(0.5 + 0.5 * len(hits) / len(wishes.adjustments), hits) if hits else Value(None)
