"""Hard checks, made before any score: each pass, fail or unknown, in words. Unknown never excludes.

A DBS check never fails a person, and permission to share gates the sending of an introduction, not the ranking.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from matching.pairs.grades import hundredths
from matching.pairs.profiles import JobseekerLimits, PlacementProfile
from matching.pairs.text import normalise
from matching.pairs.travel import Mode, TravelEstimate, distance_km, quickest

# Words of a licence that say nothing of what it is for, and those that say how somebody holds it.
OF_ANY_LICENCE = frozenset({"a", "card", "certificate", "full", "level", "licence", "license", "my", "the", "uk"})
HOW_HELD = frozenset(
    {"automatic", "b", "blue", "category", "clean", "current", "gold", "green", "manual", "own", "red", "valid"}
)


class CheckResult(StrEnum):
    """How a check came out."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


class Rule(StrEnum):
    """The checks, in the order they are read."""

    SAFETY = "safety"
    PLACES = "places"
    AGE = "age"
    RIGHT_TO_WORK = "right_to_work"
    DATES = "dates"
    HOURS = "hours"
    HALF_DAYS = "half_days"
    TRAVEL = "travel"
    LICENCES = "licences"
    QUALIFICATIONS = "qualifications"
    DBS = "dbs"


# What a social enterprise may be told of a check. Home, age, papers and safety are the jobseeker's to tell.
ENTERPRISE_MAY_SEE = frozenset(
    {Rule.PLACES, Rule.DATES, Rule.HOURS, Rule.HALF_DAYS, Rule.LICENCES, Rule.QUALIFICATIONS, Rule.DBS}
)


class Check(NamedTuple):
    """One check of one pair.

    Parameters
    ----------
    rule : Rule
    result : CheckResult
    text : str
        One plain sentence.
    change : str
        What would change a fail, or settle an unknown; empty for a pass.
    """

    rule: Rule
    result: CheckResult
    text: str
    change: str = ""

    @property
    def enterprise_may_see(self) -> bool:
        """Whether a social enterprise may be told of this check."""
        return self.rule in ENTERPRISE_MAY_SEE


@dataclass(frozen=True, slots=True)
class Context:
    """What the checks need beside the pair: the day, and figures from dated tables.

    Parameters
    ----------
    on : date
        The day of the shortlist.
    modes : mapping of str to Mode
        Speeds of each way of travelling.
    hours_in_a_half_day : float
        For flexible placements.
    """

    on: date
    modes: Mapping[str, Mode]
    hours_in_a_half_day: float = 4.0


LEVELS = ("E1", "E2", "E3", "1", "2", "3", "4", "5", "6", "7", "8")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PART_NAMES = ("morning", "afternoon", "evening")
PUBLIC_MODES = ("walk", "bicycle", "bus", "tube", "train", "car")
MOST_NAMED = 3
OUTCODE_REACH_KM = 10.0  # a rural outcode reaches about this far from its middle
EXCLUDED = "A safety exclusion that a caseworker recorded covers it."
ONLY_A_CASEWORKER = "A caseworker looks at the safety exclusion again with the jobseeker."


def check(
    limits: JobseekerLimits, placement: PlacementProfile, context: Context, trip: TravelEstimate | None = None
) -> tuple[Check, ...]:
    """Return every check of one pair.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile
    context : Context
    trip : TravelEstimate or None
        Where it was already worked out; else it is here.

    Returns
    -------
    tuple of Check
        In the order of ``Rule``; a rule the placement does not set is left out.

    Examples
    --------
    >>> context = Context(on=date(2026, 11, 2), modes={})
    >>> checks = check(JobseekerLimits(), PlacementProfile(key="1", title="Gardener"), context)
    >>> [c.result.value for c in checks if c.rule is Rule.PLACES]
    ['pass']
    """
    found = (
        _safety(limits, placement),
        _places(placement),
        _age(limits, placement),
        _right_to_work(limits, placement),
        _dates(limits, placement, context),
        _hours(limits, placement),
        _half_days(limits, placement, context),
        _travel(limits, placement, trip or journey(limits, placement, context)),
        _licences(limits, placement),
        _qualifications(limits, placement),
        _dbs(placement),
    )
    return tuple(c for c in found if c is not None)


def failures(
    limits: JobseekerLimits, placement: PlacementProfile, context: Context, rules: Iterable[Rule]
) -> list[Check]:
    """Return those of some rules that one pair fails, making no other check.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile
    context : Context
    rules : iterable of Rule

    Returns
    -------
    list of Check
        In the order they came in.

    Examples
    --------
    >>> full = PlacementProfile(key="1", title="x", places_left=0)
    >>> told = failures(JobseekerLimits(), full, Context(date(2026, 1, 1), {}), [Rule.AGE, Rule.PLACES])
    >>> [check.rule.value for check in told]
    ['places']
    """
    found = (CHECKS[rule](limits, placement, context) for rule in rules)
    return [check for check in found if check is not None and check.result is CheckResult.FAIL]


def checks_and_travel(
    limits: JobseekerLimits, placement: PlacementProfile, context: Context
) -> tuple[tuple[Check, ...], TravelEstimate | None]:
    """Return every check of one pair, and the journey they were made with.

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
    found = journey(limits, placement, context)
    return check(limits, placement, context, found), found


def is_refused(checks: tuple[Check, ...]) -> bool:
    """Return whether a pair is refused: only a fail refuses.

    Examples
    --------
    >>> is_refused((Check(Rule.TRAVEL, CheckResult.UNKNOWN, ""),))
    False
    """
    return any(c.result is CheckResult.FAIL for c in checks)


def is_excluded(limits: JobseekerLimits, placement: PlacementProfile) -> bool:
    """Return whether a safety exclusion covers a placement.

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
    found = _safety(limits, placement)
    return found is not None and found.result is CheckResult.FAIL


def _safety(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    """Keep a jobseeker from an organisation, a person or an area; nothing is said where nothing is excluded.

    A listing seldom says who runs it, and a place may be known roughly only: then it is a question, never a pass.
    """
    excluded = limits.exclusions
    if not excluded:
        return None
    if placement.organisation in excluded.organisations or excluded.people & placement.run_by:
        return Check(Rule.SAFETY, CheckResult.FAIL, EXCLUDED, ONLY_A_CASEWORKER)
    if excluded.areas and placement.remote != "yes":
        if placement.place is None:
            text = "An area is excluded for safety, and where this placement is, is not known."
            return Check(Rule.SAFETY, CheckResult.UNKNOWN, text, "Find where it is before it is spoken of.")
        past_edge = min(distance_km(placement.place, centre) - km for centre, km in excluded.areas)
        if past_edge <= 0.0:
            return Check(Rule.SAFETY, CheckResult.FAIL, EXCLUDED, ONLY_A_CASEWORKER)
        if not placement.is_place_exact and past_edge <= OUTCODE_REACH_KM:
            text = "An area near is excluded for safety, and where exactly this placement is, is not known."
            return Check(Rule.SAFETY, CheckResult.UNKNOWN, text, "Find its full postcode before it is spoken of.")
    if excluded.people:
        text = "There is somebody to be kept from, and the listing does not say who is there."
        return Check(
            Rule.SAFETY, CheckResult.UNKNOWN, text, "Find out who runs it and works there before it is spoken of."
        )
    return Check(Rule.SAFETY, CheckResult.PASS, "No safety exclusion covers it.")


def _places(placement: PlacementProfile) -> Check:
    if placement.places_left > 0:
        left = placement.places_left
        return Check(Rule.PLACES, CheckResult.PASS, f"{left} place{'s are' if left > 1 else ' is'} left.")
    return Check(Rule.PLACES, CheckResult.FAIL, "Every place is held or filled.", "A place would have to come free.")


def _age(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    maximum = placement.maximum_age if placement.has_legal_basis else None
    if placement.minimum_age is None and maximum is None:
        return None
    if limits.age_years is None:
        return Check(
            Rule.AGE, CheckResult.UNKNOWN, "The law sets an age here, and ours is not known.", "Ask the date of birth."
        )
    if placement.minimum_age is not None and limits.age_years < placement.minimum_age:
        return Check(
            Rule.AGE,
            CheckResult.FAIL,
            f"The placement is for people of {placement.minimum_age} or over.",
            f"Reaching the age of {placement.minimum_age}.",
        )
    if maximum is not None and limits.age_years > maximum:
        text = f"The placement is for people of {maximum} or under, with a legal basis."
        return Check(Rule.AGE, CheckResult.FAIL, text, "Nothing: the age limit has a legal basis.")
    return Check(Rule.AGE, CheckResult.PASS, "The age fits.")


def _right_to_work(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    if placement.right_to_work_needed is False:
        return None
    state = limits.right_to_work
    if state == "no":
        text = "There is no right to work in the UK now."
        return Check(Rule.RIGHT_TO_WORK, CheckResult.FAIL, text, "Permission to work; an immigration adviser can help.")
    if state == "unrestricted":
        return Check(Rule.RIGHT_TO_WORK, CheckResult.PASS, "There is a right to work.")
    if state == "time_limited":
        return Check(Rule.RIGHT_TO_WORK, CheckResult.PASS, "There is a right to work for now; check until when.")
    text = "The right to work is not evidenced yet."
    return Check(
        Rule.RIGHT_TO_WORK,
        CheckResult.UNKNOWN,
        text,
        "Look at the evidence of the right to work: a passport or a share code.",
    )


def _dates(limits: JobseekerLimits, placement: PlacementProfile, context: Context) -> Check | None:
    if placement.ends_on is not None and placement.ends_on < context.on:
        return Check(Rule.DATES, CheckResult.FAIL, "The placement has ended.", "A new listing.")
    earliest = limits.earliest_start_on
    if placement.ends_on is not None and earliest is not None and earliest > placement.ends_on:
        return Check(
            Rule.DATES,
            CheckResult.FAIL,
            f"The placement ends on {_day(placement.ends_on)}, before the jobseeker can start.",
            f"Being able to start before {_day(placement.ends_on)}.",
        )
    if placement.starts_on is None:
        return None
    if earliest is None:
        text = f"It starts on {_day(placement.starts_on)}; from when the jobseeker can start is not known."
        return Check(Rule.DATES, CheckResult.UNKNOWN, text, "Ask from when the jobseeker can start.")
    if earliest <= placement.starts_on:
        return Check(Rule.DATES, CheckResult.PASS, f"It starts on {_day(placement.starts_on)}, which fits.")
    text = f"It starts on {_day(placement.starts_on)}, before the jobseeker can; ask whether a later start will do."
    return Check(Rule.DATES, CheckResult.UNKNOWN, text, "Ask the social enterprise for a later start.")


def _hours(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    hours = placement.hours_per_week
    if hours is None:
        return Check(
            Rule.HOURS,
            CheckResult.UNKNOWN,
            "The listing does not say how many hours.",
            "Ask the social enterprise how many hours it is.",
        )
    if limits.hours_min is None and limits.hours_max is None:
        return Check(
            Rule.HOURS, CheckResult.UNKNOWN, "The hours the jobseeker wants are not known.", "Ask how many hours suit."
        )
    if limits.hours_max is not None and hundredths(hours) > hundredths(limits.hours_max):
        if placement.hours_flexible:
            text = f"It is {hours:g} hours a week and flexible; up to {limits.hours_max:g} are wanted."
            return Check(Rule.HOURS, CheckResult.PASS, text)
        return Check(
            Rule.HOURS,
            CheckResult.FAIL,
            f"It is {hours:g} hours a week; up to {limits.hours_max:g} are wanted.",
            f"Wanting {hours:g} hours a week, or fewer hours at the placement.",
        )
    if limits.hours_min is not None and hundredths(hours) < hundredths(limits.hours_min):
        return Check(
            Rule.HOURS,
            CheckResult.FAIL,
            f"It is {hours:g} hours a week; at least {limits.hours_min:g} are wanted.",
            f"Wanting {hours:g} hours a week, or more hours at the placement.",
        )
    return Check(Rule.HOURS, CheckResult.PASS, f"{hours:g} hours a week fit.")


def _half_days(limits: JobseekerLimits, placement: PlacementProfile, context: Context) -> Check | None:
    if placement.half_days is None:
        return Check(
            Rule.HALF_DAYS,
            CheckResult.UNKNOWN,
            "The listing does not say which half-days.",
            "Ask the social enterprise which half-days it is.",
        )
    if limits.half_days is None:
        text = "Which half-days the jobseeker can work is not known."
        return Check(Rule.HALF_DAYS, CheckResult.UNKNOWN, text, "Ask which half-days suit.")
    missing = placement.half_days & ~limits.half_days
    if not missing:
        return Check(Rule.HALF_DAYS, CheckResult.PASS, "Every half-day of the placement fits.")
    if placement.hours_flexible:
        return _flexible(limits, placement, context, missing)
    text = f"It needs {_named(missing)}, when the jobseeker cannot work."
    if placement.hours_flexible is None:
        text = f"It lists {_named(missing)}, when the jobseeker cannot work; whether that can move is not said."
        return Check(
            Rule.HALF_DAYS, CheckResult.UNKNOWN, text, "Ask the social enterprise whether the half-days can move."
        )
    return Check(Rule.HALF_DAYS, CheckResult.FAIL, text, f"Being free on {_named(missing)}, or a flexible placement.")


def _flexible(limits: JobseekerLimits, placement: PlacementProfile, context: Context, missing: int) -> Check:
    assert limits.half_days is not None
    assert placement.half_days is not None
    shared = (placement.half_days & limits.half_days).bit_count()
    wanted = hundredths(placement.hours_per_week or 0.0)
    if limits.hours_max is not None:
        wanted = min(wanted, hundredths(limits.hours_max))
    needed = half_days_for(wanted, hundredths(context.hours_in_a_half_day))
    if shared >= needed:
        return Check(
            Rule.HALF_DAYS, CheckResult.PASS, f"{shared} shared half-days are enough, since the hours are flexible."
        )
    text = f"Only {shared} half-day{'s' if shared != 1 else ''} shared; {needed} would be needed."
    more = needed - shared
    return Check(
        Rule.HALF_DAYS,
        CheckResult.FAIL,
        text,
        f"Being free on {more} more of {_named(missing, placement.half_days.bit_count())}.",
    )


def half_days_for(hours: int, of_each: int) -> int:
    """Return how many half-days some hours fill, rounded to the nearest, a half to the even number; at least one.

    Parameters
    ----------
    hours, of_each : int
        In hundredths of an hour: those worked, and those of a half-day.

    Returns
    -------
    int

    Examples
    --------
    >>> half_days_for(1600, 400), half_days_for(1000, 400), half_days_for(0, 400)
    (4, 2, 1)
    """
    whole, rest = divmod(hours, of_each)
    if 2 * rest > of_each or (2 * rest == of_each and whole % 2):
        whole += 1
    return max(1, whole)


def journey(limits: JobseekerLimits, placement: PlacementProfile, context: Context) -> TravelEstimate | None:
    """Return the quickest journey from home to the placement; None where a place is not known.

    Parameters
    ----------
    limits : JobseekerLimits
    placement : PlacementProfile
    context : Context

    Returns
    -------
    TravelEstimate or None
        By the jobseeker's own ways of travelling, or by any where they are not known.

    Examples
    --------
    >>> journey(JobseekerLimits(), PlacementProfile(key="1", title="x"), Context(date(2026, 1, 1), {})) is None
    True
    """
    if limits.place is None or placement.place is None or placement.remote == "yes":
        return None
    names = limits.travel_modes or PUBLIC_MODES
    modes = {name: context.modes[name] for name in names if name in context.modes}
    return quickest(limits.place, placement.place, modes)


def _travel(limits: JobseekerLimits, placement: PlacementProfile, found: TravelEstimate | None) -> Check:
    if placement.remote == "yes":
        return Check(Rule.TRAVEL, CheckResult.PASS, "It is done from home.")
    if found is None:
        whose = "the jobseeker's home" if limits.place is None else "the placement"
        return Check(
            Rule.TRAVEL, CheckResult.UNKNOWN, f"Where {whose} is, is not known.", f"Find the postcode of {whose}."
        )
    trip = f"{found.km:g} km, about {found.minutes_low} to {found.minutes_high} minutes by {found.mode}"
    limit = limits.max_travel_minutes
    if limit is None:
        text = f"{trip}; how far the jobseeker would travel is not known."
        return Check(Rule.TRAVEL, CheckResult.UNKNOWN, text, "Ask how long a journey suits.")
    if found.minutes_low > limit:
        return Check(
            Rule.TRAVEL,
            CheckResult.FAIL,
            f"{trip}, over the limit of {limit} minutes.",
            f"A journey of {found.minutes_low} minutes or another way of travelling.",
        )
    if limits.travel_modes is None:
        text = f"{trip}; which ways of travelling the jobseeker has is not known."
        return Check(Rule.TRAVEL, CheckResult.UNKNOWN, text, "Ask how the jobseeker travels.")
    if found.minutes_high <= limit:
        return Check(Rule.TRAVEL, CheckResult.PASS, f"{trip}, within {limit} minutes.")
    return Check(
        Rule.TRAVEL,
        CheckResult.UNKNOWN,
        f"{trip}; the limit is {limit} minutes.",
        "Try the journey once together: it may be too long.",
    )


def holds_licence(needed: str, held: tuple[str, ...]) -> bool:
    """Return whether a licence is held; a provisional one is not a full one.

    Parameters
    ----------
    needed : str
    held : tuple of str

    Returns
    -------
    bool

    Examples
    --------
    >>> holds_licence("driving licence", ("provisional driving",))
    False
    >>> holds_licence("Driving licence", ("full driving licence",))
    True
    """
    wanted = set(normalise(needed).split()) - OF_ANY_LICENCE
    return any(_is_licence(wanted, set(normalise(one).split())) for one in held)


def _is_licence(wanted: set[str], words: set[str]) -> bool:
    """Return whether it is the very licence: a word more than says how it is held makes it another one."""
    kind = {word for word in words - OF_ANY_LICENCE if not word.isdigit()}
    if not kind:  # "full UK licence" says nothing of its kind: in everyday speech that is for a car
        return bool(words & {"licence", "license"}) and wanted == {"driving"}
    return wanted <= kind <= wanted | HOW_HELD


def _licences(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    if not placement.licences_needed:
        return None
    if limits.licences is None:
        text = f"The work needs {_listed(placement.licences_needed)}; which licences there are is not known."
        return Check(Rule.LICENCES, CheckResult.UNKNOWN, text, "Ask which licences the jobseeker has.")
    missing = [needed for needed in placement.licences_needed if not holds_licence(needed, limits.licences)]
    if not missing:
        return Check(Rule.LICENCES, CheckResult.PASS, f"The jobseeker has {_listed(placement.licences_needed)}.")
    return Check(Rule.LICENCES, CheckResult.FAIL, f"The work needs {_listed(missing)}.", f"Getting {_listed(missing)}.")


def _qualifications(limits: JobseekerLimits, placement: PlacementProfile) -> Check | None:
    needed = placement.qualifications_needed
    if needed is None or needed not in LEVELS:
        return None
    if limits.qualification_level not in LEVELS:
        text = f"The work needs RQF level {needed}; ours is not known."
        return Check(Rule.QUALIFICATIONS, CheckResult.UNKNOWN, text, "Ask which qualifications there are.")
    if LEVELS.index(limits.qualification_level) >= LEVELS.index(needed):
        return Check(Rule.QUALIFICATIONS, CheckResult.PASS, f"RQF level {limits.qualification_level} is enough.")
    text = f"The work needs RQF level {needed}; the jobseeker has {limits.qualification_level}."
    return Check(Rule.QUALIFICATIONS, CheckResult.FAIL, text, f"A qualification at RQF level {needed}.")


def _dbs(placement: PlacementProfile) -> Check | None:
    if placement.dbs_level in {None, "NONE"}:
        return None
    text = "A DBS check is needed, and the social enterprise arranges it after an offer."
    return Check(Rule.DBS, CheckResult.PASS, text)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _listed(things: tuple[str, ...] | list[str]) -> str:
    return " and ".join(things)


def _named(half_days: int, most: int = MOST_NAMED) -> str:
    """Name the first few half-days of a set."""
    names = [
        f"{DAY_NAMES[bit // 3]} {PART_NAMES[bit % 3]}" for bit in range(half_days.bit_length()) if half_days >> bit & 1
    ]
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


CHECKS: Mapping[Rule, Callable[[JobseekerLimits, PlacementProfile, Context], Check | None]] = {
    Rule.SAFETY: lambda limits, placement, _: _safety(limits, placement),
    Rule.PLACES: lambda _, placement, __: _places(placement),
    Rule.AGE: lambda limits, placement, _: _age(limits, placement),
    Rule.RIGHT_TO_WORK: lambda limits, placement, _: _right_to_work(limits, placement),
    Rule.DATES: _dates,
    Rule.HOURS: lambda limits, placement, _: _hours(limits, placement),
    Rule.HALF_DAYS: _half_days,
    Rule.TRAVEL: lambda limits, placement, context: _travel(limits, placement, journey(limits, placement, context)),
    Rule.LICENCES: lambda limits, placement, _: _licences(limits, placement),
    Rule.QUALIFICATIONS: lambda limits, placement, _: _qualifications(limits, placement),
    Rule.DBS: lambda _, placement, __: _dbs(placement),
}
