"""The journey of one pair by timetable, in words that the checks use."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from matching.pairs.profiles import JobseekerLimits, PlacementProfile
from matching.pairs.sentences import DAY_NAMES, in_words, joined
from matching.pairs.travel import NO_JOURNEY, STRAIGHT_LINE, Mode, TravelEstimate, distance_km, quickest
from matching.timetables.journeys import NOT_IN_TIME, TimedTravel
from matching.timetables.scan import MOST_MINUTES
from matching.timetables.timetable import KINDS

NO_STOP = "the timetable has no stop within a walk of both places, or no day of the work"


def timed_journey(
    limits: JobseekerLimits, placement: PlacementProfile, timetable: TimedTravel
) -> TravelEstimate | None:
    """Return the journey by the timetable, for the time of day at which the work starts and ends.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile
    timetable : TimedTravel

    Returns
    -------
    TravelEstimate or None
        None if the jobseeker uses none of its modes of travel, or if it has no stop near.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> from matching.timetables.timetable import Timetable
    >>> empty = TimedTravel(Timetable.of_trips(739_000, [], [], 7), date(2026, 11, 2), date(2026, 11, 2), 15.0, ())
    >>> limits = JobseekerLimits(place=(0.0, 0.0), travel_modes=("bus",))
    >>> timed_journey(limits, PlacementProfile(key="1", title="x", place=(0.0, 0.0)), empty) is None
    True
    """
    if limits.place is None or placement.place is None or not limits.travel_modes:
        return None
    question = (limits.place, limits.travel_modes, limits.half_days, placement.place, placement.half_days)
    timed = timetable.to_one(*question)
    if timed is None:
        return None
    km, day = round(distance_km(limits.place, placement.place), 1), timetable.loaded_on
    basis = f"by the timetable of {in_words(day)}"
    if timed.low[0] == NOT_IN_TIME:
        usable = _named(timetable.kinds_of(limits.travel_modes), "or")
        late = timetable.why_late(*question)
        assert late is not None
        clock = f"{late.minute // 60 % 24:02}:{late.minute % 60:02} on {DAY_NAMES[late.weekday]}"
        way, edge = (f"get home after {clock}", "end") if late.is_back else (f"be there by {clock}", "start")
        text = (
            f"by {usable}, nobody can {way} in at most {MOST_MINUTES // 60} hours; the listing gives half-days only, so"
            f" this {edge} is assumed"
        )
        return TravelEstimate(km, NO_JOURNEY, NO_JOURNEY, usable, basis, day, late=text)
    mode = _named(int(timed.kinds[0])) or "walk"
    return TravelEstimate(km, int(timed.low[0]), int(timed.high[0]), mode, basis, day, int(timed.changes[0]))


def _named(kinds: int, link: str = "and") -> str:
    names = joined(name for name, bit in KINDS.items() if kinds & bit)
    return names if link == "and" else f" {link} ".join(names.rsplit(" and ", 1))


def untimed(names: Iterable[str], limits: JobseekerLimits, timetable: TimedTravel) -> list[str]:
    """Return the modes of travel that a timetable does not hold, whose journeys are estimated.

    Parameters
    ----------
    names : iterable of str
    limits : JobseekerLimits
    timetable : TimedTravel

    Returns
    -------
    list of str
    """
    kinds = timetable.kinds_of(limits.travel_modes or ())
    return [name for name in names if not kinds & KINDS.get(name, 0)]


def quickest_by_timetable(
    limits: JobseekerLimits,
    placement: PlacementProfile,
    modes: Mapping[str, Mode],
    timetable: TimedTravel | None,
    no_timetable: str,
) -> TravelEstimate | None:
    """Return the quickest journey: by the timetable where it says one, and otherwise an estimate that says why.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile
    modes : mapping of str to Mode
        The modes of travel that the jobseeker can use.
    timetable : TimedTravel or None
    no_timetable : str
        Why the loaded timetable is not used.

    Returns
    -------
    TravelEstimate or None
    """
    assert limits.place is not None
    assert placement.place is not None
    timed = timed_journey(limits, placement, timetable) if timetable is not None else None
    if timed is None or timetable is None:
        trip = quickest(limits.place, placement.place, modes)
        if trip is None or trip.mode not in KINDS or not limits.travel_modes:
            return trip
        return replace(trip, basis=f"{STRAIGHT_LINE}, because {no_timetable or NO_STOP}")
    names = untimed(modes, limits, timetable)
    other = quickest(limits.place, placement.place, {name: modes[name] for name in names})
    return timed if other is None or timed.minutes < other.minutes else other
