"""Distance between two places, and an estimate of the journey time between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import ceil, sqrt

from matching.pairs.profiles import Grid


@dataclass(frozen=True, slots=True)
class Mode:
    """The figures for one mode of travel from which a low and a high estimate of the journey time are computed.

    Parameters
    ----------
    km_per_hour_fast, km_per_hour_slow : float
        Speed for the low and for the high estimate.
    detour_low, detour_high : float
        Length of the real route divided by the straight-line distance, for the low and for the high estimate.
    wait_minutes_low, wait_minutes_high : float
        Minutes added to each journey, whatever its length.

    Examples
    --------
    >>> Mode(6, 4, 1.0, 1.5, 0, 0).km_per_hour_fast
    6
    >>> Mode(6, 4, 1.0, 1.5, 0, 0).minutes_per_km_low
    10.0
    """

    km_per_hour_fast: float
    km_per_hour_slow: float
    detour_low: float
    detour_high: float
    wait_minutes_low: float
    wait_minutes_high: float

    @property
    def minutes_per_km_low(self) -> float:
        """The number of minutes for each straight-line kilometre, for the low estimate."""
        return self.detour_low / self.km_per_hour_fast * 60

    @property
    def minutes_per_km_high(self) -> float:
        """The number of minutes for each straight-line kilometre, for the high estimate."""
        return self.detour_high / self.km_per_hour_slow * 60


STRAIGHT_LINE = "estimated from the straight-line distance"
NO_JOURNEY = 1 << 29  # minutes; more than any limit
NUMBERS = ("no", "one", "two", "three", "four", "five", "six")


@dataclass(frozen=True, slots=True)
class TravelEstimate:
    """A one-way journey: straight-line kilometres, the low and the high estimate in minutes, and the mode of travel.

    Parameters
    ----------
    km : float
    minutes_low, minutes_high : int
        ``NO_JOURNEY`` if the timetable has no journey in time.
    mode : str
    basis : str
        What the minutes rest on, in words.
    timetable_on : date or None
        The day on which the timetable was loaded. None for an estimate from the distance.
    changes : int
        How often to change, by the timetable.
    late : str
        Why no journey is in time: "no bus journey of up to 2 hours arrives by 09:00 on Monday".
    """

    km: float
    minutes_low: int
    minutes_high: int
    mode: str
    basis: str = STRAIGHT_LINE
    timetable_on: date | None = None
    changes: int = 0
    late: str = ""

    @property
    def minutes(self) -> tuple[int, int]:
        """The low and the high estimate. Of two journeys, the one with the lower pair is quicker."""
        return self.minutes_low, self.minutes_high


def distance_km(origin: Grid, destination: Grid) -> float:
    """Return the straight-line distance between two places.

    Parameters
    ----------
    origin, destination : tuple of float
        Easting and northing on the National Grid, in metres.

    Returns
    -------
    float
        Kilometres on the National Grid (scale error under 0.1 %). A real journey is longer.

    References
    ----------
    .. [1] Ordnance Survey, "A guide to coordinate systems in Great Britain", 2020, section 7.

    Examples
    --------
    >>> round(distance_km((429900.0, 433400.0), (460300.0, 451900.0)), 1)
    35.6
    """
    # Every implementation must compute the same minutes. ``sqrt`` gives the same result on every machine, but ``hypot``
    # does not.
    east, north = origin[0] - destination[0], origin[1] - destination[1]
    return sqrt(east * east + north * north) / 1000


def quickest(origin: Grid, destination: Grid, modes: Mapping[str, Mode]) -> TravelEstimate | None:
    """Return the journey by the mode with the shortest low estimate. In a tie, the shorter high estimate decides.

    Parameters
    ----------
    origin, destination : tuple of float
        Easting and northing in metres.
    modes : mapping of str to Mode
        The modes of travel that the jobseeker can use, by name.

    Returns
    -------
    TravelEstimate or None
        Whole minutes: the low estimate is rounded down and the high estimate up. None if ``modes`` is empty.

    Examples
    --------
    >>> walk = Mode(km_per_hour_fast=6, km_per_hour_slow=4, detour_low=1.0, detour_high=1.5,
    ...             wait_minutes_low=0, wait_minutes_high=0)
    >>> estimate = quickest((0.0, 0.0), (3000.0, 0.0), {"walk": walk})
    >>> estimate.km, estimate.minutes_low, estimate.minutes_high
    (3.0, 30, 68)
    """
    km = distance_km(origin, destination)
    best: TravelEstimate | None = None
    for name, mode in sorted(modes.items()):
        low = int(km * mode.minutes_per_km_low + mode.wait_minutes_low)
        high = ceil(km * mode.minutes_per_km_high + mode.wait_minutes_high)
        if best is None or (low, high) < (best.minutes_low, best.minutes_high):
            best = TravelEstimate(round(km, 1), low, high, name)
    return best


def minutes_between(journey: TravelEstimate) -> str:
    """Return the time of a journey in words.

    Parameters
    ----------
    journey : TravelEstimate

    Returns
    -------
    str

    Examples
    --------
    >>> minutes_between(TravelEstimate(0.0, 0, 1, "walk"))
    'about 1 minute on foot'
    >>> minutes_between(TravelEstimate(5.2, 34, 52, "bus", timetable_on=date(2026, 11, 30), changes=1))
    '34 to 52 minutes by bus with one change'
    """
    if journey.late:
        return journey.late
    by = "on foot" if journey.mode == "walk" else f"by {journey.mode}"
    low, high = max(1, journey.minutes_low), max(1, journey.minutes_high)
    minutes = f"{low} to {high} minutes" if low < high else f"{high} minute{'' if high == 1 else 's'}"
    if journey.timetable_on is None:
        return f"about {minutes} {by}"
    changes = f" with {NUMBERS[journey.changes]} change{'' if journey.changes == 1 else 's'}" if journey.changes else ""
    return f"{minutes} {by}{changes}"
