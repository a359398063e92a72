"""Eligibility checks, which run before a pair is scored. Each check passes, fails or is unknown, and says why.

Only a failed check rules a pair out; an unknown check never does. The checks of the DBS level, of a reserved placement
and of company on the journey never fail. The jobseeker's permission to share data is not checked here: it is needed to
send an introduction, not to rank placements.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from matching.pairs.checks import Check, CheckResult, Rule, failed, passed, unknown
from matching.pairs.grades import hundredths
from matching.pairs.half_days import half_days_for
from matching.pairs.journey_checks import company_check, travel_check
from matching.pairs.licences import holds_licence
from matching.pairs.profiles import JobseekerLimits, PlacementProfile
from matching.pairs.sentences import half_days_named, in_words, joined
from matching.pairs.timed_journeys import quickest_by_timetable
from matching.pairs.travel import Mode, TravelEstimate, distance_km, quickest
from matching.timetables.journeys import TimedTravel


@dataclass(frozen=True, slots=True)
class Context:
    """The data that the checks need besides the pair: the day, and figures from the reference tables.

    Parameters
    ----------
    on : date
        The day of the shortlist.
    modes : mapping of str to Mode
        The speed of each mode of travel, by the name of the mode.
    hours_in_a_half_day : float
        The number of hours in one half-day. Used only for placements with flexible hours.
    shows : callable or None
        It takes what must never be part of the work and a placement, and names what the listing shows of it.
    timetable : TimedTravel or None
        The timetable of buses, trams and trains on the day. Without one, their journeys are estimated.
    no_timetable : str
        Why the loaded timetable is not used: "the timetable ended on 1 June 2026".
    """

    on: date
    modes: Mapping[str, Mode]
    hours_in_a_half_day: float = 4.0
    shows: Callable[[tuple[str, ...], PlacementProfile], str] | None = None
    timetable: TimedTravel | None = None
    no_timetable: str = ""


LEVELS = ("E1", "E2", "E3", "1", "2", "3", "4", "5", "6", "7", "8")
PUBLIC_MODES = ("walk", "bicycle", "bus", "tube", "train", "car")
FAR_OVER_HOURS = 4.0  # hours a week: flexible hours that are more than this over what is wanted have to be asked about
OUTCODE_REACH_KM = 10.0  # radius of a large rural district that shares an outcode, the first half of a postcode
EXCLUDED = "A safety exclusion recorded by a caseworker covers this placement."
ONLY_A_CASEWORKER = "A caseworker must review the safety exclusion with the jobseeker."


def check(
    limits: JobseekerLimits, placement: PlacementProfile, context: Context, trip: TravelEstimate | None = None
) -> tuple[Check, ...]:
    """Check one pair against every rule.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile
    context : Context
    trip : TravelEstimate or None
        The journey, if the caller has already estimated it. If None, the journey is estimated here.

    Returns
    -------
    tuple of Check
        In the order of ``Rule``. Checks that do not apply to the pair are left out.

    Examples
    --------
    >>> context = Context(on=date(2026, 11, 2), modes={})
    >>> checks = check(JobseekerLimits(), PlacementProfile(key="1", title="Gardener"), context)
    >>> [c.result.value for c in checks if c.rule is Rule.PLACES]
    ['pass']
    """
    way = trip or journey(limits, placement, context)
    checks = (
        _safety(limits, placement),
        _places(placement),
        _age(limits, placement),
        _right_to_work(limits, placement),
        _dates(limits, placement, context),
        _hours(limits, placement),
        _half_days(limits, placement, context),
        travel_check(limits, placement, way),
        _licences(limits, placement),
        _qualifications(limits, placement),
        _dbs(placement),
        _ring_fence(placement),
        _never(limits, placement, context),
        company_check(limits, placement, way),
        _language(limits),
    )
    return tuple(c for c in checks if c is not None)


def failures(
    limits: JobseekerLimits, placement: PlacementProfile, context: Context, rules: Iterable[Rule]
) -> list[Check]:
    """Check one pair against the given rules only, and return the failed checks.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile
    context : Context
    rules : iterable of Rule

    Returns
    -------
    list of Check
        In the order of ``rules``.

    Examples
    --------
    >>> full = PlacementProfile(key="1", title="x", places_left=0)
    >>> failed = failures(JobseekerLimits(), full, Context(date(2026, 1, 1), {}), [Rule.AGE, Rule.PLACES])
    >>> [check.rule.value for check in failed]
    ['places']
    """
    checks = (CHECKS[rule](limits, placement, context) for rule in rules)
    return [check for check in checks if check is not None and check.result is CheckResult.FAIL]


def checks_and_travel(
    limits: JobseekerLimits, placement: PlacementProfile, context: Context
) -> tuple[tuple[Check, ...], TravelEstimate | None]:
    """Check one pair against every rule, and return the checks and the journey that the travel check used.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile
    context : Context

    Returns
    -------
    tuple of (tuple of Check, TravelEstimate or None)

    Examples
    --------
    >>> context = Context(date(2026, 1, 1), {})
    >>> checks_and_travel(JobseekerLimits(), PlacementProfile(key="1", title="x"), context)[1] is None
    True
    """
    trip = journey(limits, placement, context)
    return check(limits, placement, context, trip), trip


def is_refused(checks: tuple[Check, ...]) -> bool:
    """Return whether a pair is ruled out, that is, whether any of its checks failed.

    Examples
    --------
    >>> is_refused((Check(Rule.TRAVEL, CheckResult.UNKNOWN, ""),))
    False
    """
    return any(c.result is CheckResult.FAIL for c in checks)


def is_excluded(limits: JobseekerLimits, placement: PlacementProfile) -> bool:
    """Return whether one of the jobseeker's safety exclusions covers a placement.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile

    Returns
    -------
    bool

    Examples
    --------
    >>> is_excluded(JobseekerLimits(), PlacementProfile(key="1", title="x"))
    False
    """
    safety = _safety(limits, placement)
    return safety is not None and safety.result is CheckResult.FAIL


def _safety(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    """Check the safety exclusions: organisations, people and areas that the jobseeker must be kept away from.

    Returns None if the jobseeker has no safety exclusion. The result is unknown, never a pass, if the listing may leave
    out a person whom the jobseeker must be kept away from, or if the placement may lie in an excluded area.
    """
    excluded = limits.exclusions
    if not excluded:
        return None
    if placement.organisation in excluded.organisations:
        return failed(Rule.SAFETY, EXCLUDED, ONLY_A_CASEWORKER)
    if excluded.areas and placement.remote != "yes":
        if placement.place is None:
            text = "The jobseeker must be kept away from an area, and the location of this placement is not known."
            return unknown(Rule.SAFETY, text, "Find out where the placement is before you discuss the placement.")
        past_edge = min(distance_km(placement.place, centre) - km for centre, km in excluded.areas)
        if past_edge <= 0.0:
            return failed(Rule.SAFETY, EXCLUDED, ONLY_A_CASEWORKER)
        if not placement.is_place_exact and past_edge <= OUTCODE_REACH_KM:
            text = "The jobseeker must be kept away from a nearby area. The placement's exact location is not known."
            return unknown(Rule.SAFETY, text, "Find the full postcode before you discuss the placement.")
    if excluded.names_a_person:
        text = "The jobseeker must be kept away from a person. The listing does not name everybody at the placement."
        return unknown(Rule.SAFETY, text, "Before discussing the placement, find out who runs it and who works there.")
    return passed(Rule.SAFETY, "No safety exclusion covers this placement.")


def _places(placement: PlacementProfile) -> Check:
    if placement.places_left > 0:
        left = placement.places_left
        return passed(Rule.PLACES, f"{left} place{'s are' if left > 1 else ' is'} left.")
    return failed(Rule.PLACES, "Every place is held or filled.", "A place must become free.")


def _age(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    maximum = placement.maximum_age if placement.has_legal_basis else None
    if placement.minimum_age is None and maximum is None:
        return None
    if limits.age_years is None:
        return unknown(
            Rule.AGE,
            "This placement has an age limit, and the jobseeker's age is not known.",
            "Ask for the jobseeker's date of birth.",
        )
    if placement.minimum_age is not None and limits.age_years < placement.minimum_age:
        return failed(
            Rule.AGE,
            f"The placement is for people aged {placement.minimum_age} or over.",
            f"The jobseeker must be {placement.minimum_age} or over.",
        )
    if maximum is not None and limits.age_years > maximum:
        text = f"The placement is for people aged {maximum} or under. This limit has a legal basis."
        return failed(Rule.AGE, text, "Nothing can change this, because the age limit has a legal basis.")
    return passed(Rule.AGE, "The jobseeker's age is within the age limits of the placement.")


# A profile holds what was said; only the social enterprise's own check is one in law.
RIGHT_TO_WORK_TO_CHECK = "The social enterprise must check it before the first day."


def _right_to_work(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    if placement.right_to_work_needed is False:
        return None
    state = limits.right_to_work
    if state == "no":
        text = "The jobseeker has no right to work in the UK at present."
        return failed(
            Rule.RIGHT_TO_WORK, text, "The jobseeker needs permission to work. An immigration adviser can help."
        )
    if state == "unrestricted":
        text = "The profile says that the jobseeker has the right to work, with no limit."
        return passed(Rule.RIGHT_TO_WORK, f"{text} {RIGHT_TO_WORK_TO_CHECK}")
    if state == "time_limited":
        text = "The profile says that the jobseeker has the right to work until a date. Check the date."
        return passed(Rule.RIGHT_TO_WORK, f"{text} {RIGHT_TO_WORK_TO_CHECK}")
    text = "There is no evidence of the right to work yet. It is needed before the first day."
    return unknown(
        Rule.RIGHT_TO_WORK, text, "Ask for a passport or a share code, or what else shows the right to work."
    )


def _dates(limits: JobseekerLimits, placement: PlacementProfile, context: Context) -> Check | None:
    if placement.ends_on is not None and placement.ends_on < context.on:
        return failed(Rule.DATES, "The placement has ended.", "The social enterprise must list a new placement.")
    earliest = limits.earliest_start_on
    if placement.ends_on is not None and earliest is not None and earliest > placement.ends_on:
        return failed(
            Rule.DATES,
            f"The placement ends on {in_words(placement.ends_on)}, before the jobseeker can start.",
            f"The jobseeker must be able to start by {in_words(placement.ends_on)}.",
        )
    if placement.starts_on is None:
        return None
    starts = f"The placement starts on {in_words(placement.starts_on)}"
    if earliest is None:
        text = f"{starts}. The jobseeker's earliest start date is not known."
        return unknown(Rule.DATES, text, "Ask when the jobseeker can start.")
    if earliest <= placement.starts_on:
        return passed(Rule.DATES, f"{starts}, which suits the jobseeker.")
    text = f"{starts}, before the jobseeker can start. Ask about a later start."
    return unknown(Rule.DATES, text, "Ask the social enterprise for a later start.")


def _hours(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    hours = placement.hours_per_week
    if hours is None:
        return unknown(
            Rule.HOURS,
            "The listing does not say how many hours a week the work is.",
            "Ask the social enterprise how many hours a week the work is.",
        )
    if limits.hours_min is None and limits.hours_max is None:
        return unknown(
            Rule.HOURS, "The hours the jobseeker wants are not known.", "Ask how many hours a week suit the jobseeker."
        )
    if limits.hours_max is not None and hundredths(hours) > hundredths(limits.hours_max):
        if placement.hours_flexible:
            text = f"The work is {hours:g} hours a week, but flexible. The jobseeker wants up to {limits.hours_max:g}."
            if hours - limits.hours_max > FAR_OVER_HOURS:
                return unknown(Rule.HOURS, text, f"Ask whether {limits.hours_max:g} hours a week are possible.")
            return passed(Rule.HOURS, text)
        return failed(
            Rule.HOURS,
            f"The work is {hours:g} hours a week. The jobseeker wants up to {limits.hours_max:g}.",
            f"Ask the social enterprise whether {limits.hours_max:g} hours a week are possible, and the jobseeker why "
            f"{limits.hours_max:g} is the limit, before you suggest more.",
        )
    if limits.hours_min is not None and hundredths(hours) < hundredths(limits.hours_min):
        return failed(
            Rule.HOURS,
            f"The work is {hours:g} hours a week. The jobseeker wants at least {limits.hours_min:g}.",
            f"Ask the social enterprise whether it can offer {limits.hours_min:g} hours a week, and the jobseeker "
            f"whether {hours:g} would do.",
        )
    return passed(Rule.HOURS, f"The work is {hours:g} hours a week, which suits the jobseeker.")


def _half_days(limits: JobseekerLimits, placement: PlacementProfile, context: Context) -> Check | None:
    if placement.half_days is None:
        return unknown(
            Rule.HALF_DAYS,
            "The listing does not say which half-days the work is on.",
            "Ask the social enterprise which half-days the work is on.",
        )
    if limits.half_days is None:
        text = "It is not known which half-days the jobseeker can work."
        return unknown(Rule.HALF_DAYS, text, "Ask which half-days suit the jobseeker.")
    missing = placement.half_days & ~limits.half_days
    if not missing:
        return passed(Rule.HALF_DAYS, "The jobseeker can work on every half-day of the placement.")
    if placement.hours_flexible:
        return _flexible(limits, placement, context, missing)
    text = f"The work includes {half_days_named(missing)}, when the jobseeker cannot work."
    if missing == placement.half_days:
        text = "The jobseeker cannot work on any half-day of the placement."
    if placement.hours_flexible is None:
        text = f"{text} The listing does not say whether the half-days are fixed."
        return unknown(Rule.HALF_DAYS, text, "Ask the social enterprise whether the half-days can be changed.")
    change = f"Ask the social enterprise whether other half-days are possible instead of {half_days_named(missing)}."
    return failed(Rule.HALF_DAYS, text, change)


def _flexible(limits: JobseekerLimits, placement: PlacementProfile, context: Context, missing: int) -> Check:
    assert limits.half_days is not None
    assert placement.half_days is not None
    shared = (placement.half_days & limits.half_days).bit_count()
    if placement.hours_per_week is None:
        text = f"The jobseeker can work on {shared} of the half-days. The hours a week are not known."
        return unknown(Rule.HALF_DAYS, text, "Ask the social enterprise how many hours a week the work is.")
    wanted = hundredths(placement.hours_per_week)
    if limits.hours_max is not None:
        wanted = min(wanted, hundredths(limits.hours_max))
    needed = half_days_for(wanted, hundredths(context.hours_in_a_half_day))
    if shared >= needed:
        return passed(
            Rule.HALF_DAYS,
            f"The hours are flexible, and the jobseeker can work on {shared} of the half-days, which is enough.",
        )
    text = f"The jobseeker can work on {shared} of the placement's half-days. The work needs {needed}."
    more = needed - shared
    return failed(
        Rule.HALF_DAYS,
        text,
        f"Ask both sides whether {more} more of these half-days can be agreed: "
        f"{half_days_named(missing, placement.half_days.bit_count())}.",
    )


def journey(limits: JobseekerLimits, placement: PlacementProfile, context: Context) -> TravelEstimate | None:
    """Return the quickest journey from home to the placement, or None if it cannot be estimated.

    A journey cannot be estimated for remote work, or if the location of the home or of the placement is not known.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile
    context : Context

    Returns
    -------
    TravelEstimate or None
        By a mode of travel that the jobseeker can use. If these modes are not known, by any mode.

    Examples
    --------
    >>> journey(JobseekerLimits(), PlacementProfile(key="1", title="x"), Context(date(2026, 1, 1), {})) is None
    True
    """
    if limits.place is None or placement.place is None or placement.remote == "yes":
        return None
    names = limits.travel_modes or PUBLIC_MODES
    modes = {name: context.modes[name] for name in names if name in context.modes}
    if context.timetable is None and not context.no_timetable:
        return quickest(limits.place, placement.place, modes)
    return quickest_by_timetable(limits, placement, modes, context.timetable, context.no_timetable)


def _licences(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    if not placement.licences_needed:
        return None
    if limits.licences is None:
        text = f"Needed for this work: {joined(placement.licences_needed)}. It is not known what the jobseeker has."
        return unknown(Rule.LICENCES, text, "Ask which licences the jobseeker has.")
    missing = [needed for needed in placement.licences_needed if not holds_licence(needed, limits.licences)]
    if not missing:
        return passed(Rule.LICENCES, f"The jobseeker has {joined(placement.licences_needed)}.")
    text = f"Needed for this work, and not on the profile: {joined(missing)}."
    return failed(Rule.LICENCES, text, "Ask the social enterprise whether it can wait, and who could pay for it.")


def _qualifications(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    needed = placement.qualifications_needed
    if needed is None or needed not in LEVELS:
        return None
    if limits.qualification_level not in LEVELS:
        text = f"The work needs RQF level {needed}. The jobseeker's highest level is not known."
        return unknown(Rule.QUALIFICATIONS, text, "Ask which qualifications the jobseeker has.")
    if LEVELS.index(limits.qualification_level) >= LEVELS.index(needed):
        return passed(
            Rule.QUALIFICATIONS, f"The jobseeker has RQF level {limits.qualification_level}, which is enough."
        )
    text = f"The work needs RQF level {needed}. The jobseeker has level {limits.qualification_level}."
    return failed(
        Rule.QUALIFICATIONS, text, f"Ask the social enterprise whether level {needed} is really needed at once."
    )


def _dbs(placement: PlacementProfile) -> Check | None:
    if placement.dbs_level in {None, "NONE"}:
        return None
    text = (
        "A DBS check is needed, which the social enterprise arranges after an offer. Before the introduction, tell the"
        " jobseeker what this check shows and where to get advice on it."
    )
    return passed(Rule.DBS, text)


def _ring_fence(placement: PlacementProfile) -> Check | None:
    """Check a placement that is reserved for one group. No profile says who belongs to it, so a caseworker asks."""
    if not placement.reserved_for:
        return None
    text = f"This placement is reserved for one group: {placement.reserved_for}."
    change = "Ask whether the jobseeker belongs to this group and agrees to say so, before you propose the placement."
    return unknown(Rule.RING_FENCE, text, change)


def _never(limits: JobseekerLimits, placement: PlacementProfile, context: Context) -> Check | None:
    shown = context.shows(limits.never, placement) if limits.never and context.shows else ""
    if not shown:
        return None
    text = f"The jobseeker says that the work must never include this. The listing mentions it: {shown}."
    change = (
        "Leave this placement out, unless the social enterprise confirms in writing that the work does not include it."
        " Do not name the jobseeker."
    )
    return failed(Rule.NEVER, text, change)


def _language(limits: JobseekerLimits) -> Check | None:
    """Ask how much English the work needs, if the jobseeker needs an interpreter. Never a fail."""
    if not limits.needs_interpreter:
        return None
    text = "The jobseeker needs an interpreter. It is not known how much English the work needs."
    change = (
        "Ask the social enterprise which English the work needs, and whether somebody can show each task. Do not name"
        " the jobseeker. Book an interpreter for the introduction."
    )
    return unknown(Rule.LANGUAGE, text, change)


CHECKS: Mapping[Rule, Callable[[JobseekerLimits, PlacementProfile, Context], Check | None]] = {
    Rule.SAFETY: lambda limits, placement, _: _safety(limits, placement),
    Rule.PLACES: lambda _, placement, __: _places(placement),
    Rule.AGE: lambda limits, placement, _: _age(limits, placement),
    Rule.RIGHT_TO_WORK: lambda limits, placement, _: _right_to_work(limits, placement),
    Rule.DATES: _dates,
    Rule.HOURS: lambda limits, placement, _: _hours(limits, placement),
    Rule.HALF_DAYS: _half_days,
    Rule.TRAVEL: lambda limits, placement, context: travel_check(
        limits, placement, journey(limits, placement, context)
    ),
    Rule.LICENCES: lambda limits, placement, _: _licences(limits, placement),
    Rule.QUALIFICATIONS: lambda limits, placement, _: _qualifications(limits, placement),
    Rule.DBS: lambda _, placement, __: _dbs(placement),
    Rule.RING_FENCE: lambda _, placement, __: _ring_fence(placement),
    Rule.NEVER: _never,
    Rule.LANGUAGE: lambda limits, _, __: _language(limits),
    Rule.COMPANY: lambda limits, placement, context: company_check(
        limits, placement, journey(limits, placement, context)
    ),
}
