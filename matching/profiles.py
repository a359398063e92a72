"""What is known of a jobseeker and of a placement, as plain values checked on creation.

A jobseeker's profile has two halves. ``JobseekerLimits`` is read by the checks only; ``JobseekerWishes`` by the
features of the score only. Nothing protected, no health detail, benefit, conviction, gap or postcode is a field of the
second, so none can reach a score.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

RightToWorkState = Literal["unrestricted", "time_limited", "not_evidenced", "no", "unknown"]
HALF_DAYS_IN_A_WEEK = 21
MOST_HALF_DAYS = (1 << HALF_DAYS_IN_A_WEEK) - 1
HOURS_IN_A_WEEK = 168
Grid = tuple[float, float]


def _check_half_days(half_days: int | None) -> None:
    if half_days is not None and not 0 <= half_days <= MOST_HALF_DAYS:
        raise ValueError("half_days is a number of 21 bits.")


def _check_hours(*hours: float | None) -> None:
    if any(h is not None and not 0 <= h <= HOURS_IN_A_WEEK for h in hours):
        raise ValueError("A week has 0 to 168 hours.")


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

    def __post_init__(self) -> None:
        _check_half_days(self.half_days)
        _check_hours(self.hours_min, self.hours_max)


@dataclass(frozen=True, slots=True)
class JobseekerWishes:
    """What the features of the score may read: wishes, skills, and the adjustments the jobseeker asked us to look for.

    Parameters
    ----------
    aspirations, avoid, skills, environment, adjustments : tuple of str or None
        As the jobseeker put it; None is unknown.
    hours_min, hours_max : float or None
        Hours a week.
    earliest_start_on : date or None
        First day the jobseeker can start.

    Examples
    --------
    >>> JobseekerWishes(aspirations=("gardener",)).aspirations
    ('gardener',)
    """

    aspirations: tuple[str, ...] | None = None
    avoid: tuple[str, ...] | None = None
    skills: tuple[str, ...] | None = None
    environment: tuple[str, ...] | None = None
    adjustments: tuple[str, ...] | None = None
    hours_min: float | None = None
    hours_max: float | None = None
    earliest_start_on: date | None = None

    def __post_init__(self) -> None:
        _check_hours(self.hours_min, self.hours_max)


@dataclass(frozen=True, slots=True)
class JobseekerProfile:
    """A jobseeker: limits for the checks, wishes for the score.

    Examples
    --------
    >>> JobseekerProfile().limits.age_years is None
    True
    """

    limits: JobseekerLimits = JobseekerLimits()
    wishes: JobseekerWishes = JobseekerWishes()


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
    essential_skills, desirable_skills, licences_needed, environment, adjustments_offered : tuple of str or None
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
    remote : str or None
        ``no``, ``hybrid`` or ``yes``.
    dbs_level : str or None
        The check the social enterprise arranges after an offer.
    places_left : int
        Free places.

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
    remote: str | None = None
    environment: tuple[str, ...] | None = None
    adjustments_offered: tuple[str, ...] | None = None
    dbs_level: str | None = None
    places_left: int = 1

    def __post_init__(self) -> None:
        _check_half_days(self.half_days)
        _check_hours(self.hours_per_week)
        if self.places_left < 0:
            raise ValueError("places_left cannot be under 0.")
