"""The features of a pair. Each value is in [0, 1], a multiple of 1/240 (see ``grades``), or None if it is not known.

Each side of the score has its own features. About the jobseeker, the functions for the placement's side read only
``JobseekerOffer``, and the functions for the jobseeker's side read only ``JobseekerWishes`` and ``JobseekerOffer``.
Neither class contains a protected characteristic, so no protected characteristic can affect a feature.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from matching.pairs.grades import STEPS, THOUSAND, UNKNOWN, Codes, graded, hundredths, share, thousandths, weight
from matching.pairs.profiles import JobseekerOffer, JobseekerWishes, PlacementProfile
from matching.pairs.text import Vocabulary, normalise
from matching.pairs.travel import TravelEstimate


class Feature(StrEnum):
    """The features, in the order of the columns of a grade matrix."""

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
    ANSWERS = "answers"


class ModelSide(StrEnum):
    """The sides of the score: how much the jobseeker wants the placement, and how well the jobseeker suits it."""

    JOBSEEKER = "jobseeker"
    PLACEMENT = "placement"


SIDES: Mapping[ModelSide, tuple[Feature, ...]] = {
    ModelSide.JOBSEEKER: (
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
    ModelSide.PLACEMENT: (
        Feature.ESSENTIAL_SKILLS,
        Feature.DESIRABLE_SKILLS,
        Feature.TRAVEL,
        Feature.HOURS,
        Feature.HALF_DAYS,
        Feature.START_DATE,
        Feature.ANSWERS,
    ),
}


class Value(NamedTuple):
    """The value of one feature of one pair, and the words that a reason quotes.

    Parameters
    ----------
    value : float or None
        In [0, 1], a multiple of 1/240. None means unknown.
    found : tuple of str
        The words that explain the value, for example the matching skills.
    """

    value: float | None
    found: tuple[str, ...] = ()


Values = Mapping[Feature, Value]
INORDER = tuple(Feature)

ALIKE = 0.6
FAR_MINUTES = 90
LONG_WAIT_DAYS = 120
LONG_ANSWER_DAYS = 28  # gives the worst value; half this is neutral, as is the unknown time of a new social enterprise
SHORT_WEEK = 800  # hundredths of an hour: a shorter week counts as this long, so that one extra hour weighs little
BEST, WORST = STEPS, 0
SOMETHING_ELSE = graded(0.4)  # an environment that is neither what the jobseeker wants nor its opposite
# For each thing that a jobseeker may want to avoid: words that show it in a listing's title, occupation or environment.
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
    journey: TravelEstimate | None,
    vocabulary: Vocabulary,
) -> dict[Feature, Value]:
    """Return all features of one pair.

    Parameters
    ----------
    wishes : JobseekerWishes
    offer : JobseekerOffer
    placement : PlacementProfile
    journey : TravelEstimate or None
        The journey that the travel check used.
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
        Feature.ANSWERS: _answers(placement),
    }


def codes_of(pairs: Sequence[Values]) -> Codes:
    """Return the grades of many pairs, with one row for each pair and one column for each feature.

    Parameters
    ----------
    pairs : sequence of mapping of Feature to Value

    Returns
    -------
    ndarray of uint8 of shape (n_pairs, n_features)
        Columns are in the order of ``Feature``. 255 means not known.

    Examples
    --------
    >>> codes_of([{Feature.TRAVEL: Value(0.5)}])[0, list(Feature).index(Feature.TRAVEL)]
    np.uint8(120)
    """
    rows = [[_grade(values.get(name)) for name in INORDER] for values in pairs]
    return np.array(rows, dtype=np.uint8).reshape(len(pairs), len(INORDER))


def _grade(feature: Value | None) -> int:
    return UNKNOWN if feature is None or feature.value is None else graded(feature.value)


def _at(grade: int, *words: str) -> Value:
    return Value(grade / STEPS, words)


def _aspiration(wishes: JobseekerWishes, placement: PlacementProfile, vocabulary: Vocabulary) -> Value:
    if not wishes.aspirations:
        return Value(None)
    texts = [placement.title] + ([placement.occupation] if placement.occupation else [])
    best, wish = 0.0, ""
    for aspiration in wishes.aspirations:
        alike = max(vocabulary.occupation_likeness(aspiration, text) for text in texts)
        if alike > best:
            best, wish = alike, aspiration
    return _at(graded(best), wish) if best >= ALIKE else _at(WORST)


@lru_cache(maxsize=100_000)
def listing_text(title: str, occupation: str | None, environment: tuple[str, ...] | None) -> str:
    """Return the text of a listing that is searched for what a jobseeker wants to avoid.

    Parameters
    ----------
    title : str
    occupation : str or None
    environment : tuple of str or None

    Returns
    -------
    str
        Normalised, with a space at each end.

    Examples
    --------
    >>> listing_text("Night Porter", None, ("busy",))
    ' night porter busy '
    """
    return f" {normalise(' '.join([title, occupation or '', *(environment or ())]))} "


@lru_cache(maxsize=50_000)
def avoided_words(wish: str) -> tuple[str, ...]:
    """Return beginnings of words. A listing with such a word has what the jobseeker wants to avoid.

    Parameters
    ----------
    wish : str
        What the jobseeker wants to avoid, for instance ``nights``.

    Returns
    -------
    tuple of str
        Each begins with a space.

    Examples
    --------
    >>> avoided_words("Nights")
    (' night', ' nights', ' nights')
    """
    words = (*AVOIDED.get(normalise(wish), ()), wish)
    return tuple(f" {normalise(word)}" for word in words if normalise(word))


def _avoids(wishes: JobseekerWishes, placement: PlacementProfile) -> Value:
    if not wishes.avoid:
        return Value(None)
    listing = listing_text(placement.title, placement.occupation, placement.environment)
    hit = tuple(wish for wish in wishes.avoid if any(word in listing for word in avoided_words(wish)))
    return _at(WORST if hit else BEST, *hit)


def skills_wanted(wanted: Sequence[str] | None) -> dict[str, str]:
    """Return the skills that a listing asks for, each once, with its spelling in the listing.

    Parameters
    ----------
    wanted : sequence of str or None

    Returns
    -------
    dict of str to str
        For each normalised skill, its first spelling.

    Examples
    --------
    >>> skills_wanted(("First Aid", "first aid", ""))
    {'first aid': 'First Aid'}
    """
    spellings: dict[str, str] = {}
    for skill in wanted or ():
        if key := normalise(skill):
            spellings.setdefault(key, skill)
    return spellings


def _skills(offer: JobseekerOffer, wanted: tuple[str, ...] | None, vocabulary: Vocabulary) -> Value:
    """Return how well the jobseeker's skills match the wanted skills: a weighted mean over the wanted skills.

    For each wanted skill, the likeness of the jobseeker's closest skill is counted. Rare skills weigh more. The value
    is unknown if the listing wants no skill or the jobseeker's skills are not known.
    """
    if not wanted or not offer.skills:
        return Value(None)
    weighted = _weighted(wanted, vocabulary)
    if not weighted:
        return Value(None)
    total, whole, matched = 0, 0, []
    likeness = vocabulary.skill_likeness
    for skill, importance in weighted:
        likenesses = [likeness(held, skill) for held in offer.skills]
        best = max(likenesses)
        closest = offer.skills[likenesses.index(best)]
        total += importance * thousandths(best)
        whole += importance * THOUSAND
        if best >= ALIKE:
            matched.append(_spelling(closest, skill, offer))
    return _at(share(total, whole), *dict.fromkeys(matched))


@lru_cache(maxsize=100_000)
def _weighted(wanted: tuple[str, ...], vocabulary: Vocabulary) -> tuple[tuple[str, int], ...]:
    """Return the skills that a listing asks for, each once, with the weight of each."""
    return tuple((skill, weight(vocabulary.importance(skill))) for skill in skills_wanted(wanted).values())


def _spelling(held: str, skill: str, offer: JobseekerOffer) -> str:
    name = held if normalise(held) == normalise(skill) else f"{held} (for {skill})"
    source = offer.drawn_from.get(held)
    return f"{name}, from {source}" if source else name


def _travel(placement: PlacementProfile, journey: TravelEstimate | None) -> Value:
    if placement.remote == "yes":
        return _at(BEST, "the work is done from home")
    if journey is None:
        return Value(None)
    twice_the_middle = journey.minutes_low + journey.minutes_high
    return _at(share(max(0, 2 * FAR_MINUTES - twice_the_middle), 2 * FAR_MINUTES), f"{journey.km:g} km")


def _hours(offer: JobseekerOffer, placement: PlacementProfile) -> Value:
    if placement.hours_per_week is None or (offer.hours_min is None and offer.hours_max is None):
        return Value(None)
    hours, low = hundredths(placement.hours_per_week), hundredths(offer.hours_min or 0.0)
    high = hundredths(offer.hours_max) if offer.hours_max is not None else max(low, hours)
    if low <= hours <= high:
        return _at(BEST, f"{placement.hours_per_week:g} hours")
    gap, whole = (low - hours if hours < low else hours - high), max(high, SHORT_WEEK)
    return _at(share(max(0, whole - gap), whole))


def _half_days(offer: JobseekerOffer, placement: PlacementProfile) -> Value:
    """Return the share of the placement's half-days that the jobseeker can work. None if half-days are unknown."""
    if offer.half_days is None or not placement.half_days:
        return Value(None)
    shared = (offer.half_days & placement.half_days).bit_count()
    total = placement.half_days.bit_count()
    return _at(share(shared, total), f"{shared} of {total} half-days")


def _environment(wishes: JobseekerWishes, placement: PlacementProfile) -> Value:
    if not wishes.environment or not placement.environment:
        return Value(None)
    offered = _normalised(placement.environment)
    wanted = {normalise(word): word for word in wishes.environment}
    hits = [word for key, word in wanted.items() if key in offered or key.removesuffix(" is fine") in offered]
    clashes = "quiet" in wanted and "busy" in offered
    return _at(WORST if clashes else BEST if hits else SOMETHING_ELSE, *hits)


@lru_cache(maxsize=50_000)
def _normalised(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(normalise(word) for word in words)


def _start_date(offer: JobseekerOffer, placement: PlacementProfile) -> Value:
    if placement.starts_on is None or offer.earliest_start_on is None:
        return Value(None)
    wait = abs((placement.starts_on - offer.earliest_start_on).days)
    return _at(share(max(0, LONG_WAIT_DAYS - wait), LONG_WAIT_DAYS))


def _adjustments(wishes: JobseekerWishes, placement: PlacementProfile) -> Value:
    """Return a value that rises with the share of wanted adjustments on offer. None (neutral) if none is on offer."""
    if not wishes.adjustments:
        return Value(None)
    offered = _normalised(placement.adjustments_offered or ())
    hits = tuple(word for word in wishes.adjustments if normalise(word) in offered)
    wanted = len(wishes.adjustments)
    return _at(share(wanted + len(hits), 2 * wanted), *hits) if hits else Value(None)


def _support(placement: PlacementProfile) -> Value:
    """Return the best value if the listing offers support, and otherwise None, which is neutral."""
    return _at(BEST, *placement.support_offered) if placement.support_offered else Value(None)


def _answers(placement: PlacementProfile) -> Value:
    """Return a higher value for quicker answers. None if the social enterprise has answered too few introductions."""
    days = placement.days_to_answer
    if days is None:
        return Value(None)
    return _at(share(max(0, LONG_ANSWER_DAYS - days), LONG_ANSWER_DAYS), f"{days} {'day' if days == 1 else 'days'}")
