"""Profiles of jobseekers and placements: plain values that are validated when they are created.

A jobseeker's profile has three parts.

- ``JobseekerLimits`` is read by the eligibility checks only.
- ``JobseekerWishes`` is read only by the jobseeker's side of the score, which estimates what the jobseeker wants.
- ``JobseekerOffer`` (skills, hours, half-days and dates) is read by both sides. The placement's side reads nothing else
  about the jobseeker.

The wishes and the offer have no field for a protected characteristic, health detail, benefit, conviction, employment
gap or postcode, so neither side of the score can use any of these. The offer has no field for adjustments, so the
placement's side cannot use adjustments.
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
MOST_METRES = 1e8  # farther than any place on earth; the minutes of a longer journey would overflow an integer
MOST_NUMBER = 1_000_000
Grid = tuple[float, float]


def _check_half_days(half_days: int | None) -> None:
    if half_days is not None and not 0 <= half_days <= MOST_HALF_DAYS:
        raise ValueError("half_days must be from 0 to 2,097,151: 21 bits, one for each half-day of the week.")


def _check_place(place: Grid | None) -> None:
    if place is not None and not all(isfinite(metres) and abs(metres) <= MOST_METRES for metres in place):
        raise ValueError("place must be an easting and a northing in metres, each from -100,000,000 to 100,000,000.")


def _check_whole(*numbers: int | None) -> None:
    if any(number is not None and not 0 <= number <= MOST_NUMBER for number in numbers):
        raise ValueError("Each age and each number of minutes or days must be between 0 and 1,000,000.")


def _check_hours(*hours: float | None) -> None:
    if any(h is not None and not 0 <= h <= HOURS_IN_A_WEEK for h in hours):
        raise ValueError("Hours a week must be between 0 and 168.")


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Organisations, people and areas that a jobseeker must be kept away from. No social enterprise ever sees them.

    Parameters
    ----------
    organisations : frozenset of str
        Keys of social enterprises, among them those where an excluded person is known to work.
    areas : tuple of (place, kilometres)
        The centre and the radius of each circle that the jobseeker must not be sent into.
    names_a_person : bool
        Whether a person is excluded, who may also work elsewhere. Other placements then stay a question.

    Examples
    --------
    >>> bool(Exclusions()), bool(Exclusions(organisations=frozenset({"a"})))
    (False, True)
    """

    organisations: frozenset[str] = frozenset()
    areas: tuple[tuple[Grid, float], ...] = ()
    names_a_person: bool = False

    def __post_init__(self) -> None:
        if not all(isfinite(number) for centre, km in self.areas for number in (*centre, km)):
            raise ValueError("The centre and the radius of an excluded area must be finite numbers.")

    def __bool__(self) -> bool:
        return bool(self.organisations or self.areas or self.names_a_person)


@dataclass(frozen=True, slots=True)
class JobseekerLimits:
    """The part of a jobseeker's profile that only the eligibility checks may read.

    Parameters
    ----------
    age_years : int or None
        Age on the day of the shortlist, in whole years. Used only if the placement has an age limit.
    right_to_work : str or None
        ``unrestricted``, ``time_limited`` or ``no``. None or any other value means that there is no evidence yet.
    qualification_level : str or None
        Highest level of the Regulated Qualifications Framework (RQF) that the jobseeker has, ``E1`` to ``8``.
    licences : tuple of str or None
        The licences that the jobseeker has, as written.
    hours_min, hours_max : float or None
        The fewest and the most hours a week that the jobseeker wants.
    half_days : int or None
        The half-days that the jobseeker can work: 21 bits, bit 0 is Monday morning.
    earliest_start_on : date or None
        The first day on which the jobseeker can start.
    place : tuple of float or None
        Easting and northing of the home, in metres.
    travel_modes : tuple of str or None
        The modes of travel that the jobseeker can use. None means that the jobseeker was not asked.
    max_travel_minutes : int or None
        Longest one-way journey that the jobseeker accepts, in minutes.
    exclusions : Exclusions
        Organisations, people and areas that the jobseeker must be kept away from.
    never : tuple of str or None
        What the work must never include, in the jobseeker's own words: "never nights".
    can_travel_alone : bool or None
        Whether the jobseeker can travel alone.
    needs_interpreter : bool
        Whether an interpreter is needed. False also if nobody has asked.

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
    never: tuple[str, ...] | None = None
    can_travel_alone: bool | None = None
    needs_interpreter: bool = False

    def __post_init__(self) -> None:
        _check_half_days(self.half_days)
        _check_hours(self.hours_min, self.hours_max)
        _check_place(self.place)
        _check_whole(self.age_years, self.max_travel_minutes)


@dataclass(frozen=True, slots=True)
class JobseekerWishes:
    """The wishes of the jobseeker. Only the jobseeker's side of the score reads them.

    Parameters
    ----------
    aspirations, avoid, environment, adjustments : tuple of str or None
        In the jobseeker's own words. None means unknown.

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
    """What the jobseeker can offer. The placement's side of the score may read nothing else about the jobseeker.

    Parameters
    ----------
    skills : tuple of str or None
        Skills in the jobseeker's own words, and skills inferred from their experiences. None means unknown.
    drawn_from : mapping of str to str
        For each inferred skill, the words or the kind of experience that show it. A reason may quote this text.
    hours_min, hours_max : float or None
        The fewest and the most hours a week that the jobseeker wants.
    half_days : int or None
        The half-days that the jobseeker can work: 21 bits, bit 0 is Monday morning.
    earliest_start_on : date or None
        The first day on which the jobseeker can start.
    max_travel_minutes : int or None
        Longest one-way journey that the jobseeker accepts, in minutes.

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
    max_travel_minutes: int | None = None

    def __post_init__(self) -> None:
        _check_half_days(self.half_days)
        _check_hours(self.hours_min, self.hours_max)
        _check_whole(self.max_travel_minutes)


@dataclass(frozen=True, slots=True)
class JobseekerProfile:
    """A jobseeker: the limits for the eligibility checks, and the wishes and the offer for the score.

    Parameters
    ----------
    limits : JobseekerLimits
    wishes : JobseekerWishes
    offer : JobseekerOffer
    key : str
        The caller's identifier for the jobseeker.

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
    """A placement as its listing describes it.

    Parameters
    ----------
    key : str
        The caller's identifier for the placement. Its hash breaks ties between equal scores.
    title : str
        The job title as listed.
    occupation : str or None
        The kind of work, if it says more than the title.
    description : str or None
        The text of the advert. It is read for what the work includes.
    organisation : str or None
        Key of the social enterprise.
    essential_skills, desirable_skills, licences_needed, environment : tuple of str or None
        As listed. None means that the listing does not say.
    adjustments_offered, support_offered : tuple of str or None
        As listed. None means that the listing does not say.
    qualifications_needed : str or None
        The lowest RQF level that the work needs.
    minimum_age, maximum_age : int or None
        In whole years. The maximum applies only if ``has_legal_basis`` is True.
    hours_per_week : float or None
        Hours of work a week.
    hours_flexible : bool or None
        Whether the jobseeker may work only some of the listed half-days.
    half_days : int or None
        The half-days of the work: 21 bits, bit 0 is Monday morning.
    starts_on, ends_on : date or None
        The first and the last day of the placement.
    place : tuple of float or None
        Easting and northing of the placement, in metres.
    is_place_exact : bool
        False if ``place`` is only the centre of an outcode, the first half of a postcode.
    remote : str or None
        Whether the work is done from home: ``no``, ``hybrid`` or ``yes``.
    dbs_level : str or None
        The level of the DBS check that the social enterprise arranges after an offer.
    reserved_for : str or None
        The one group of people for whom the placement is reserved.
    places_left : int
        The number of places that are neither held nor filled.
    days_to_answer : int or None
        Median days that the social enterprise takes to answer an introduction. None if too few answers are known.

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
    reserved_for: str | None = None
    places_left: int = 1
    days_to_answer: int | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        _check_half_days(self.half_days)
        _check_hours(self.hours_per_week)
        _check_place(self.place)
        _check_whole(self.minimum_age, self.maximum_age, self.days_to_answer)
        if self.places_left < 0:
            raise ValueError("places_left cannot be negative.")
