"""The checks of the journey: how long it takes, whether it is in time, and who goes along."""

from matching.pairs.checks import Check, Rule, failed, passed, unknown
from matching.pairs.profiles import JobseekerLimits, PlacementProfile
from matching.pairs.travel import TravelEstimate, minutes_between


def travel_check(limits: JobseekerLimits, placement: PlacementProfile, trip: TravelEstimate | None) -> Check:
    """Compare the journey with the longest that the jobseeker accepts.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile
    trip : TravelEstimate or None

    Returns
    -------
    Check
        A fail only if even the shorter time is over the limit, or if nobody can be there in time.
    """
    if placement.remote == "yes":
        return passed(Rule.TRAVEL, "The work is done from home.")
    if trip is None:
        location = "the jobseeker's home" if limits.place is None else "the placement"
        return unknown(Rule.TRAVEL, f"The location of {location} is not known.", f"Find the postcode of {location}.")
    limit = limits.max_travel_minutes
    if trip.late:
        return _late(trip, limit)
    summary = f"The journey is {trip.km:g} km, {minutes_between(trip)} ({trip.basis})"
    if limit is None:
        text = f"{summary}. The longest journey the jobseeker accepts is not known."
        return unknown(Rule.TRAVEL, text, "Ask how long a journey the jobseeker accepts.")
    if trip.minutes_low > limit:
        return failed(
            Rule.TRAVEL,
            f"{summary}. Even the shorter time is over the jobseeker's limit of {limit} minutes.",
            f"Ask the jobseeker about a journey of {trip.minutes_low} minutes or another way to travel.",
        )
    if limits.travel_modes is None:
        text = f"{summary}. It is not known how the jobseeker can travel."
        return unknown(Rule.TRAVEL, text, "Ask how the jobseeker can travel.")
    if trip.minutes_high <= limit:
        return passed(Rule.TRAVEL, f"{summary}, which is within the jobseeker's limit of {limit} minutes.")
    return unknown(
        Rule.TRAVEL,
        f"{summary}. The jobseeker's limit is {limit} minutes, so the journey may be too long.",
        "Try the journey once with the jobseeker.",
    )


def _late(trip: TravelEstimate, limit: int | None) -> Check:
    """Return the check of a journey that the timetable does not have in time."""
    text = f"The journey is {trip.km:g} km. {trip.late[:1].upper()}{trip.late[1:]} ({trip.basis})."
    if limit is None:
        return unknown(Rule.TRAVEL, text, "Ask whether the jobseeker can travel another way.")
    change = "Ask the social enterprise when the work really starts and ends, then ask the jobseeker about another way."
    return failed(Rule.TRAVEL, text, change)


def company_check(limits: JobseekerLimits, placement: PlacementProfile, trip: TravelEstimate | None) -> Check | None:
    """Ask who goes with a jobseeker who cannot travel alone. Never a fail: company can be found.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile
    trip : TravelEstimate or None

    Returns
    -------
    Check or None
    """
    if limits.can_travel_alone is not False or placement.remote == "yes":
        return None
    way = f" ({minutes_between(trip)})" if trip is not None and not trip.late else ""
    text = f"The jobseeker travels with somebody. It is not known who could come along{way}."
    change = "Ask who could go with the jobseeker, there and back, on each day of work. Ask too about travel training."
    return unknown(Rule.COMPANY, text, change)
