"""What is known of a jobseeker and of a placement, as plain values checked on creation.

A jobseeker's profile has three parts. ``JobseekerLimits`` is read by the checks only. ``JobseekerWishes`` is read by
the jobseeker's side of the score, which asks what they would want. ``JobseekerOffer`` is what both sides read, and all
that the placement's side reads: skills, hours, half-days and dates. Nothing protected, no health detail, benefit,
conviction, gap or postcode is a field of the second and the third, and no adjustment is one of the third, so none can
reach a score that should not know it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from typing import Literal

RightToWorkState = Literal["unrestricted", "time_limited", "not_evidenced", "no", "unknown"]
HALF_DAYS_IN_A_WEEK = 21
MOST_HALF_DAYS = (1 << HALF_DAYS_IN_A_WEEK) - 1
HOURS_IN_A_WEEK = 168
MOST_METRES = 1e8  # beyond any place on earth: a larger number is a slip, and would not fit into whole minutes
MOST_NUMBER = 1_000_000
Grid = tuple[float, float]


def _check_half_days(half_days: int | None) -> None:
    if half_days is not None and not 0 <= half_days <= MOST_HALF_DAYS:
        raise ValueError("half_days is a number of 21 bits.")


def _check_place(place: Grid | None) -> None:
    if place is not None and not all(isfinite(metres) and abs(metres) <= MOST_METRES for metres in place):
        raise ValueError("A place is an easting and a northing in metres.")


def _check_whole(*numbers: int | None) -> None:
    if any(number is not None and not 0 <= number <= MOST_NUMBER for number in numbers):
        raise ValueError("An age or a number of minutes is 0 or more.")


def _check_hours(*hours: float | None) -> None:
    if any(h is not None and not 0 <= h <= HOURS_IN_A_WEEK for h in hours):
        raise ValueError("A week has 0 to 168 hours.")


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Where this jobseeker must not be sent, for safety; the social enterprise is never told.

    Parameters
    ----------
    organisations : frozenset of str
        Keys of social enterprises.
    people : frozenset of str
        Whoever runs a placement, as the listing names them.
    areas : tuple of (place, kilometres)
        Circles to keep out of.

    Examples
    --------
    >>> bool(Exclusions()), bool(Exclusions(organisations=frozenset({"a"})))
    (False, True)
    """

    organisations: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    areas: tuple[tuple[Grid, float], ...] = ()

    def __post_init__(self) -> None:
        if not all(isfinite(number) for centre, km in self.areas for number in (*centre, km)):
            raise ValueError("An area has a place and a size in numbers.")

    def __bool__(self) -> bool:
        return bool(self.organisations or self.people or self.areas)


@dataclass(frozen=True, slots=True)
class JobseekerLimits:
    """What only the checks may read.

    Parameters
    ----------
    age_years : int or None
        Age on the day of the shortlist, in whole years; read only where the law or a legal basis sets an age.
    right_to_work : str or None
        State of the evidence; None is unknown.
    qualification_level : str or None
        Highest RQF level, ``E1`` to ``8``.
    licences : tuple of str or None
        Licences held, as written.
    hours_min, hours_max : float or None
        Hours a week.
    half_days : int or None
        The 21 half-days of a week as bits, bit 0 Monday morning.
    earliest_start_on : date or None
        First day the jobseeker can start.
    place : tuple of float or None
        Easting and northing of home in metres.
    travel_modes : tuple of str or None
        Ways of travelling; None means not asked.
    max_travel_minutes : int or None
        Longest journey one way.
    exclusions : Exclusions
        Where this jobseeker must not be sent.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> JobseekerLimits(hours_min=8.0, hours_max=16.0).hours_max
    16.0
    """

    age_years: int | None = None
    right_to_work: RightToWorkState | None = None
    qualification_level: str | None = None
    licences: tuple[str, ...] | None = None
    hours_min: float | None = None
    hours_max: float | None = None
    half_days: int | None = None
    earliest_start_on: date | None = None
    place: Grid | None = None
    travel_modes: tuple[str, ...] | None = None
    max_travel_minutes: int | None = None
    exclusions: Exclusions = Exclusions()

    def __post_init__(self) -> None:
        _check_half_days(self.half_days)
        _check_hours(self.hours_min, self.hours_max)
        _check_place(self.place)
        _check_whole(self.age_years, self.max_travel_minutes)


@dataclass(frozen=True, slots=True)
class JobseekerWishes:
    """What the jobseeker wants: read by the jobseeker's side of the score and by nothing else.

    Parameters
    ----------
    aspirations, avoid, environment, adjustments : tuple of str or None
        As the jobseeker put it; None is unknown.

    Examples
    --------
    >>> JobseekerWishes(aspirations=("gardener",)).aspirations
    ('gardener',)
    """

    aspirations: tuple[str, ...] | None = None
    avoid: tuple[str, ...] | None = None
    environment: tuple[str, ...] | None = None
    adjustments: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class JobseekerOffer:
    """What the jobseeker brings: all of a jobseeker that the placement's side of the score may read.

    Parameters
    ----------
    skills : tuple of str or None
        As the jobseeker put it, and what life, school, caring and volunteering have taught; None is unknown.
    drawn_from : mapping of str to str
        For a skill that was drawn from something else, what it was drawn from, as a reason may tell it.
    hours_min, hours_max : float or None
        Hours a week.
    half_days : int or None
        The 21 half-days of a week as bits.
    earliest_start_on : date or None
        First day the jobseeker can start.

    Examples
    --------
    >>> JobseekerOffer(skills=("caring",), drawn_from={"caring": "looked after my nan"}).drawn_from["caring"]
    'looked after my nan'
    """

    skills: tuple[str, ...] | None = None
    drawn_from: Mapping[str, str] = field(default_factory=dict)
    hours_min: float | None = None
    hours_max: float | None = None
    half_days: int | None = None
    earliest_start_on: date | None = None

    def __post_init__(self) -> None:
        _check_half_days(self.half_days)
        _check_hours(self.hours_min, self.hours_max)


@dataclass(frozen=True, slots=True)
class JobseekerProfile:
    """A jobseeker: limits for the checks, wishes and offer for the score.

    Parameters
    ----------
    limits : JobseekerLimits
    wishes : JobseekerWishes
    offer : JobseekerOffer
    key : str
        By which the caller knows the jobseeker again.

    Examples
    --------
    >>> JobseekerProfile().limits.age_years is None
    True
    """

    limits: JobseekerLimits = JobseekerLimits()
    wishes: JobseekerWishes = JobseekerWishes()
    offer: JobseekerOffer = field(default_factory=JobseekerOffer)
    key: str = ""


@dataclass(frozen=True, slots=True)
class PlacementProfile:
    """A placement as it is listed.

    Parameters
    ----------
    key : str
        By which the caller knows it again; ties in the score are broken by it.
    title : str
        As listed.
    occupation : str or None
        What kind of work, if it says more than the title.
    organisation : str or None
        Key of the social enterprise.
    run_by : frozenset of str
        Who runs it, as the listing names them; read by the safety exclusions only.
    essential_skills, desirable_skills, licences_needed, environment : tuple of str or None
        As listed; None is not said.
    adjustments_offered, support_offered : tuple of str or None
        As listed; None is not said.
    qualifications_needed : str or None
        Lowest RQF level.
    minimum_age, maximum_age : int or None
        Whole years. A maximum is applied only with ``has_legal_basis``.
    hours_per_week : float or None
        Hours a week.
    hours_flexible : bool or None
        Whether fewer of its half-days will do.
    half_days : int or None
        The 21 half-days of a week as bits.
    starts_on, ends_on : date or None
        First and last day.
    place : tuple of float or None
        Easting and northing in metres.
    is_place_exact : bool
        False where only the middle of an outcode is known.
    remote : str or None
        ``no``, ``hybrid`` or ``yes``.
    dbs_level : str or None
        The check the social enterprise arranges after an offer.
    places_left : int
        Free places.
    days_to_answer : int or None
        Days in which half of what the social enterprise was sent is answered; None until enough is.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> PlacementProfile(key="1", title="Gardener").places_left
    1
    """

    key: str
    title: str
    occupation: str | None = None
    organisation: str | None = None
    run_by: frozenset[str] = frozenset()
    essential_skills: tuple[str, ...] | None = None
    desirable_skills: tuple[str, ...] | None = None
    qualifications_needed: str | None = None
    licences_needed: tuple[str, ...] | None = None
    minimum_age: int | None = None
    maximum_age: int | None = None
    has_legal_basis: bool = False
    right_to_work_needed: bool | None = None
    hours_per_week: float | None = None
    hours_flexible: bool | None = None
    half_days: int | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    place: Grid | None = None
    is_place_exact: bool = True
    remote: str | None = None
    environment: tuple[str, ...] | None = None
    adjustments_offered: tuple[str, ...] | None = None
    support_offered: tuple[str, ...] | None = None
    dbs_level: str | None = None
    places_left: int = 1
    days_to_answer: int | None = None

    def __post_init__(self) -> None:
        _check_half_days(self.half_days)
        _check_hours(self.hours_per_week)
        _check_place(self.place)
        _check_whole(self.minimum_age, self.maximum_age, self.days_to_answer)
        if self.places_left < 0:
            raise ValueError("places_left cannot be under 0.")
