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

from matching.pairs.grades import NEUTRAL_GRADE, STEPS, THOUSAND, UNKNOWN, Codes, graded, hundredths, share, weight
from matching.pairs.not_meant import said
from matching.pairs.profiles import JobseekerOffer, JobseekerWishes, PlacementProfile
from matching.pairs.surroundings import (
    BEST,
    NOT_KNOWN,
    REFUSED,
    SHOWN,
    WORST,
    ListingRead,
    avoided,
    avoided_answer,
    read_listing,
    surroundings_grade,
    surroundings_met,
    text_of,
    wanted_surroundings,
)
from matching.pairs.text import normalise
from matching.pairs.travel import TravelEstimate, minutes_between
from matching.pairs.vocabulary import ALIKE, Vocabulary


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
    note : str
        Which sentence explains the value, if the feature has several: ``TOO_FAR``, ``NONE_SHARED``, ``NOT_SAID``,
        ``MISSING`` if the words are missing skills, ``PARTLY`` for what there is and what is missing, ``NEARLY`` for
        skills that only come near, ``OF_LISTING`` or ``OF_JOBSEEKER`` for who does not say it, or why work is near.
    """

    value: float | None
    found: tuple[str, ...] = ()
    note: str = ""


Values = Mapping[Feature, Value]
TOO_FAR, MAYBE_FAR, IN_LIMIT, NO_WAY = "too_far", "maybe_far", "in_limit", "no_way"
NONE_SHARED, NOT_SAID, MISSING, NEARLY, PARTLY = "none_shared", "not_said", "missing", "nearly", "partly"
OF_LISTING, OF_JOBSEEKER, NOT_OFFERED = "of_listing", "of_jobseeker", "not_offered"
HAS = 800  # thousandths: from here on, a skill is the one that is wanted; below, it may show it
INORDER = tuple(Feature)

FAR_MINUTES = 90
LONG_WAIT_DAYS = 120
LONG_ANSWER_DAYS = 28  # gives the worst value; half this is neutral, as is the unknown time of a new social enterprise
SHORT_WEEK = 800  # hundredths of an hour: a shorter week counts as this long, so that one extra hour weighs little
MOST_NAMED = 4  # skills that a reason names
OVER_LIMIT = 4  # a journey whose middle estimate is over the jobseeker's own limit has its grade divided by this


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
    reads_listing = bool(wishes.avoid or wishes.environment)
    listing = read_listing(placement, vocabulary) if reads_listing else None
    return {
        Feature.ASPIRATION: _aspiration(wishes, placement, vocabulary),
        Feature.AVOIDS: _avoids(wishes, placement, listing, vocabulary),
        Feature.ESSENTIAL_SKILLS: _skills(offer, placement.essential_skills, vocabulary),
        Feature.DESIRABLE_SKILLS: _skills(offer, placement.desirable_skills, vocabulary),
        Feature.TRAVEL: _travel(offer, placement, journey),
        Feature.HOURS: _hours(offer, placement),
        Feature.HALF_DAYS: _half_days(offer, placement, vocabulary),
        Feature.ENVIRONMENT: _environment(wishes, listing, vocabulary),
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
    texts = (placement.title, placement.occupation) if placement.occupation else (placement.title,)
    grades = [max(row) for row in vocabulary.work.few(wishes.aspirations, texts)]
    best = grades.index(max(grades))
    if not grades[best]:
        return _at(WORST)
    wish = said(wishes.aspirations[best]).text
    return Value(grades[best] / STEPS, (wish,), vocabulary.relation_of(wish, texts))


def _avoids(
    wishes: JobseekerWishes, placement: PlacementProfile, listing: ListingRead | None, vocabulary: Vocabulary
) -> Value:
    """Return the worst value if the listing shows a thing to avoid, and the best only if it rules all of them out.

    If the listing does not say, the value is unknown, and the words name what to ask about.
    """
    if not wishes.avoid or listing is None:
        return Value(None)
    answers = [(wish, avoided_answer(avoided(wish, vocabulary), listing)) for wish in wishes.avoid]
    if shown := [wish for wish, answer in answers if answer in {SHOWN, REFUSED}]:
        return _at(WORST, *(_with_evidence(wish, placement, vocabulary) for wish in shown))
    if asked := [wish for wish, answer in answers if answer == NOT_KNOWN]:
        return Value(None, tuple(asked), NOT_SAID)
    return _at(BEST, *wishes.avoid)


def _with_evidence(wish: str, placement: PlacementProfile, vocabulary: Vocabulary) -> str:
    """Return a thing to avoid with the listing's words that show it."""
    words = vocabulary.conditions.evidence(text_of(placement), avoided(wish, vocabulary).conditions)
    return (
        f"{wish} (the listing says \N{LEFT DOUBLE QUOTATION MARK}{words}\N{RIGHT DOUBLE QUOTATION MARK})"
        if words
        else wish
    )


def spelling_of_skills(skills: Sequence[str] | None, vocabulary: Vocabulary) -> dict[str, str]:
    """Return the skills of a listing or a jobseeker, each once, with its spelling there.

    Parameters
    ----------
    skills : sequence of str or None
    vocabulary : Vocabulary

    Returns
    -------
    dict of str to str
        For each skill as ``Vocabulary.key`` returns it, its first spelling.

    Examples
    --------
    >>> spelling_of_skills(("First Aid", "first aid", ""), Vocabulary())
    {'first aid': 'First Aid'}
    """
    spellings: dict[str, str] = {}
    for skill in skills or ():
        if key := vocabulary.key(skill):
            spellings.setdefault(key, skill)
    return spellings


def _skills(offer: JobseekerOffer, wanted: tuple[str, ...] | None, vocabulary: Vocabulary) -> Value:
    """Return how well the jobseeker's skills match the wanted skills: a weighted mean over the wanted skills.

    For each wanted skill, the likeness of the jobseeker's closest skill is counted. Rare skills weigh more. The value
    is unknown if the listing wants no skill or the jobseeker's skills are not known.
    """
    weighted = _weighted(wanted, vocabulary) if wanted else ()
    if not weighted or not offer.skills:
        return Value(None, (), OF_JOBSEEKER if weighted else OF_LISTING)
    held = _held(offer.skills, vocabulary)
    if not held:
        return Value(0.0, tuple(skill for _, skill, _ in weighted), MISSING)
    keys = list(held)
    table = vocabulary.skills.few(keys, [key for key, _, _ in weighted])
    total, whole, matched, missing, is_had = 0, 0, [], [], False
    for column, (_, skill, importance) in enumerate(weighted):
        own = [row[column] for row in table]
        best = max(own)
        total += importance * best
        whole += importance * THOUSAND
        if best >= ALIKE:
            is_had |= best >= HAS
            link = "for" if best >= HAS else "may show"
            matched.append(_spelling(held[keys[own.index(best)]], skill, offer, link))
        else:
            missing.append(skill)
    grade = share(total, whole)
    if not matched or (missing and grade <= NEUTRAL_GRADE):
        return Value(grade / STEPS, tuple(missing), MISSING)
    names = tuple(dict.fromkeys(matched))
    if not is_had:
        return Value(grade / STEPS, names, NEARLY)
    if missing:
        return Value(grade / STEPS, (", ".join(names[:MOST_NAMED]), ", ".join(missing[:MOST_NAMED])), PARTLY)
    return _at(grade, *names)


@lru_cache(maxsize=1_000)
def _held(skills: tuple[str, ...], vocabulary: Vocabulary) -> Mapping[str, str]:
    return spelling_of_skills(skills, vocabulary)


@lru_cache(maxsize=100_000)
def _weighted(wanted: tuple[str, ...], vocabulary: Vocabulary) -> tuple[tuple[str, str, int], ...]:
    """Return the skills that a listing asks for, each once: its key, its spelling and its weight."""
    return tuple(
        (key, skill, weight(vocabulary.importance(skill)))
        for key, skill in spelling_of_skills(wanted, vocabulary).items()
    )


def _spelling(held: str, skill: str, offer: JobseekerOffer, link: str) -> str:
    own = said(held).text
    name = own if normalise(own) == normalise(skill) else f"{own} ({link} {skill})"
    source = offer.drawn_from.get(held)
    return f"{name}, from {source}" if source else name


def _travel(offer: JobseekerOffer, placement: PlacementProfile, journey: TravelEstimate | None) -> Value:
    if placement.remote == "yes":
        return _at(BEST, "the work is done from home")
    if journey is None:
        return Value(None)
    words = (f"{journey.km:g} km, {minutes_between(journey)}",)
    limit = offer.max_travel_minutes
    grade = travel_grade(journey.minutes_low + journey.minutes_high, limit)
    if journey.late:
        return Value(grade / STEPS, words, NO_WAY)
    if limit is None:
        return Value(grade / STEPS, words)
    if journey.minutes_low + journey.minutes_high > 2 * limit:
        return Value(grade / STEPS, (*words, str(limit)), TOO_FAR)
    if journey.minutes_high > limit:
        return Value(grade / STEPS, (*words, str(limit)), MAYBE_FAR)
    return Value(grade / STEPS, words, IN_LIMIT)


def travel_grade(twice_the_middle: int, limit: int | None) -> int:
    """Return the grade of a journey, measured against the longest that the jobseeker accepts.

    Parameters
    ----------
    twice_the_middle : int
        The sum of the low and the high estimate, in minutes.
    limit : int or None
        The longest journey that the jobseeker accepts, in minutes.

    Returns
    -------
    int
        240 for no journey, and 0 from twice the limit on, or from 90 minutes on if that is less.

    Examples
    --------
    >>> travel_grade(40, None), travel_grade(40, 20), travel_grade(42, 20)
    (187, 120, 28)
    """
    far = 2 * FAR_MINUTES if limit is None else max(1, min(2 * FAR_MINUTES, 4 * limit))
    grade = share(max(0, far - twice_the_middle), far)
    return grade // OVER_LIMIT if limit is not None and twice_the_middle > 2 * limit else grade


def _hours(offer: JobseekerOffer, placement: PlacementProfile) -> Value:
    if placement.hours_per_week is None or (offer.hours_min is None and offer.hours_max is None):
        return Value(None, (), OF_LISTING if placement.hours_per_week is None else OF_JOBSEEKER)
    hours, low = hundredths(placement.hours_per_week), hundredths(offer.hours_min or 0.0)
    high = hundredths(offer.hours_max) if offer.hours_max is not None else max(low, hours)
    if low <= hours <= high:
        return _at(BEST, f"{placement.hours_per_week:g} hours")
    gap, whole = (low - hours if hours < low else hours - high), max(high, SHORT_WEEK)
    wanted = f"at least {offer.hours_min:g}" if hours < low else f"up to {offer.hours_max:g}"
    return _at(share(max(0, whole - gap), whole), f"{placement.hours_per_week:g} hours a week, wanted {wanted}")


def week_of(placement: PlacementProfile, vocabulary: Vocabulary) -> int:
    """Return the half-days of a listing or, if it states none, those that its words show, such as nights.

    Parameters
    ----------
    placement : PlacementProfile
    vocabulary : Vocabulary

    Returns
    -------
    int
        21 bits; 0 if neither is known.
    """
    if placement.half_days is not None:
        return placement.half_days
    return vocabulary.conditions.week_of(read_listing(placement, vocabulary).shown)


def _half_days(offer: JobseekerOffer, placement: PlacementProfile, vocabulary: Vocabulary) -> Value:
    """Return the share of the placement's half-days that the jobseeker can work. None if half-days are unknown."""
    week = week_of(placement, vocabulary)
    if offer.half_days is None or not week:
        return Value(None, (), OF_JOBSEEKER if week else OF_LISTING)
    shared = (offer.half_days & week).bit_count()
    total = week.bit_count()
    words = (f"{shared} of {total} half-days",)
    return Value(share(shared, total) / STEPS, words, "" if shared else NONE_SHARED)


def _environment(wishes: JobseekerWishes, listing: ListingRead | None, vocabulary: Vocabulary) -> Value:
    if not wishes.environment or listing is None:
        return Value(None)
    wanted = wanted_surroundings(wishes.environment, vocabulary)
    grade = surroundings_grade(wanted, listing)
    if grade == UNKNOWN:
        return Value(None)
    quoted = [wish.word for wish in wanted if surroundings_met(wish, listing) is (grade == BEST)]
    return _at(grade, *(quoted if grade in {BEST, WORST} else ()))


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
    return _at(share(wanted + len(hits), 2 * wanted), *hits) if hits else Value(None, wishes.adjustments, NOT_OFFERED)


def _support(placement: PlacementProfile) -> Value:
    """Return the best value if the listing offers support, and otherwise None, which is neutral."""
    return _at(BEST, *placement.support_offered) if placement.support_offered else Value(None)


def _answers(placement: PlacementProfile) -> Value:
    """Return a higher value for quicker answers. None if the social enterprise has answered too few introductions."""
    days = placement.days_to_answer
    if days is None:
        return Value(None)
    return _at(share(max(0, LONG_ANSWER_DAYS - days), LONG_ANSWER_DAYS), f"{days} {'day' if days == 1 else 'days'}")
