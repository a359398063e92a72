"""Pure functions that turn the facts about one jobseeker into journeys.

A journey says when a jobseeker reached each stage. A jobseeker has one journey for each enrolment, and one for a
referral that has led to no enrolment.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from pathways.progression import rules

STAGES = (
    "referred",
    "started",
    "profiled",
    "introduced",
    "offered",
    "in_work",
    "sustained_13",
    "sustained_26",
    "left",
)
CONTACTED = "contacted"  # the first contact with an employer: not a stage, but the end of a measured wait
NOT_KNOWN = "not_known"
# The lowest age of each age group in years. Official labour market figures use the same groups.
AGES = ((16, "16_to_17"), (18, "18_to_24"), (25, "25_to_49"), (50, "50_and_over"))
UNDER_THE_YOUNGEST = "under_16"


@dataclass(frozen=True, slots=True)
class Journey:
    """The stages that one jobseeker reached on one enrolment, or while waiting for an enrolment.

    Parameters
    ----------
    reached_on : mapping of str to date
        The day on which each stage was reached.
    groups : mapping of str to str
        The jobseeker's group in each breakdown.
    key : str
        A stable key of the enrolment or wait, which does not change when more facts are recorded.
    """

    reached_on: Mapping[str, date]
    groups: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


@dataclass(slots=True)
class Life:
    """The facts about one jobseeker as known at an instant. Each list has one tuple per fact, ordered by day."""

    referrals: list[tuple[str, Any, date]] = field(default_factory=list)  # event, referral, day
    sources: dict[Any, str] = field(default_factory=dict)  # type of referring organisation, by referral
    # event, enrolment, programme, referral, day
    enrolments: list[tuple[str, Any, Any, Any, date]] = field(default_factory=list)
    closed: list[date] = field(default_factory=list)
    introductions: list[tuple[str, date]] = field(default_factory=list)  # event, day
    profiled: list[date] = field(default_factory=list)
    contacted: list[date] = field(default_factory=list)
    # enrolment, spell, kind, first and last day
    spells: list[tuple[Any, Any, str, date, date | None]] = field(default_factory=list)
    hours: list[tuple[Any, date, Decimal]] = field(default_factory=list)  # spell, first day of the week, hours
    outcomes: list[tuple[Any, str, str, date]] = field(default_factory=list)  # enrolment, rule, version, day
    monitoring: list[tuple[str, str, str]] = field(default_factory=list)  # sex, ethnic group, condition
    details: list[tuple[date | None, str | None]] = field(default_factory=list)  # date of birth, postcode
    is_void: bool = False


@dataclass(frozen=True)
class Frame:
    """The settings that the journeys of a month are made with.

    Parameters
    ----------
    wanted : mapping of key to str
        The reference of each programme of this export.
    running : callable
        Returns every programme of a partner with its first and last day.
    until : date
        The last day of the month.
    kinds, least_hours
        The kinds of placement that count as a job, and the paid hours from which a job counts as started.
    weeks_of : mapping of (rule, version) to int
        The number of weeks in work that an outcome proves. Rules about pay are left out.
    postcode_area : callable
        Converts a postcode to the published area.
    """

    wanted: Mapping[Any, str]
    running: Callable[[Any], Iterable[tuple[Any, date, date | None]]]
    until: date
    kinds: frozenset[str]
    least_hours: Decimal
    weeks_of: Mapping[tuple[str, str], int]
    postcode_area: Callable[[str | None], str | None]


def journeys_of(life: Life, partner_id: Any, person_id: Any, frame: Frame) -> list[Journey]:
    """Return one jobseeker's journeys on the programmes of an export, up to the day ``frame.until``.

    The cohort is the month of the first referral that led to the enrolment. A jobseeker who still waits for an
    enrolment is counted with the partner's programme, but only if the partner ran exactly one programme on the day of
    referral. Events after ``frame.until`` are ignored.

    Parameters
    ----------
    life : Life
    partner_id, person_id
        The ids of the partner and of the jobseeker's record.
    frame : Frame

    Returns
    -------
    list of Journey
    """
    if life.is_void:
        return []
    until = frame.until
    referred_on = {key: day for event, key, day in life.referrals if event == "submit" and day <= until}
    starts = [row for row in life.enrolments if row[0] == "start" and row[4] <= until]
    ends = {row[1]: row[4] for row in life.enrolments if row[0] == "end"}
    enrolled = [
        _enrolled(life, start, ends.get(start[1]), referred_on, frame) for start in starts if start[2] in frame.wanted
    ]
    waiting = _waiting(life, partner_id, person_id, referred_on, starts, ends, frame)
    return [
        journey for journey in (*enrolled, waiting) if journey is not None and journey.reached_on["referred"] <= until
    ]


def _enrolled(
    life: Life,
    start: tuple[str, Any, Any, Any, date],
    end: date | None,
    referred_on: Mapping[Any, date],
    frame: Frame,
) -> Journey:
    """Return the journey of one enrolment."""
    _, enrolment, programme, referral, started = start
    reached = {"referred": referred_on.get(referral, started), "started": started}
    for stage, days in (
        ("profiled", life.profiled),
        ("introduced", [day for event, day in life.introductions if event == "send"]),
        ("offered", [day for event, day in life.introductions if event == "offer"]),
        (CONTACTED, life.contacted),
    ):
        inside = [day for day in days if day >= started and (end is None or day <= end)]
        if inside:
            reached[stage] = min(inside)
    spells = _spells(life, enrolment, started)
    job = rules.job_started_on(spells, frame.kinds, frame.least_hours)
    if job is not None:
        reached["in_work"] = job
    for of, rule, version, met_on in life.outcomes:
        weeks = frame.weeks_of.get((rule, version))
        if of == enrolment and weeks is not None and f"sustained_{weeks}" in STAGES:
            stage = f"sustained_{weeks}"
            reached[stage] = min(met_on, reached.get(stage, met_on))
    if end is not None:
        reached["left"] = end
    groups = _groups(life, reached["referred"], life.sources.get(referral), frame)
    if job is not None and job <= frame.until:
        groups["kind"] = min(
            spell.kind.lower() for spell in spells if spell.started_on == job and spell.kind in frame.kinds
        )
    return _journey(reached, {"programme": frame.wanted[programme], **groups}, f"enrolment {enrolment}", frame.until)


def _spells(life: Life, enrolment: Any, started: date) -> list[rules.SpellFacts]:
    """Return the spells of work that began during an enrolment, with their weekly hours."""
    spells = [row for row in life.spells if row[0] == enrolment and row[3] >= started]
    weeks: dict[Any, dict[date, Decimal]] = defaultdict(dict)
    if spells:
        for spell, week_from, hours in life.hours:
            weeks[spell][week_from] = hours
    return [rules.SpellFacts(str(spell), kind, begun, over, weeks[spell]) for _, spell, kind, begun, over in spells]


def _waiting(
    life: Life,
    partner_id: Any,
    person_id: Any,
    referred_on: Mapping[Any, date],
    starts: Sequence[tuple[str, Any, Any, Any, date]],
    ends: Mapping[Any, date],
    frame: Frame,
) -> Journey | None:
    """Return the journey of a waiting jobseeker, from the earliest referral that led to no enrolment."""
    used = {start[3] for start in starts}
    spans = [
        (min(referred_on.get(referral, started), started), ends.get(enrolment, date.max))
        for _, enrolment, _, referral, started in starts
    ]
    for referral, day in referred_on.items():
        running = [
            programme for programme, begins, over in frame.running(partner_id) if begins <= day <= (over or date.max)
        ]
        is_inside = any(begins <= day <= over for begins, over in spans)
        if referral in used or is_inside or len(running) != 1 or running[0] not in frame.wanted:
            continue
        reached = {"referred": day}
        refused = [on for event, key, on in life.referrals if key == referral and event != "submit"]
        over_on = [*refused[-1:], *life.closed[:1]]
        if over_on:
            reached["left"] = max(min(over_on), day)
        groups = _groups(life, day, life.sources.get(referral), frame)
        return _journey(reached, {"programme": frame.wanted[running[0]], **groups}, f"wait {person_id}", frame.until)
    return None


def _journey(reached: Mapping[str, date], groups: Mapping[str, str], key: str, until: date) -> Journey:
    """Return a journey without the stages reached after the day ``until``."""
    return Journey({stage: day for stage, day in reached.items() if day <= until}, groups, key)


def _groups(life: Life, on: date, source: str | None, frame: Frame) -> dict[str, str]:
    sex, ethnic_group, condition = life.monitoring[-1] if life.monitoring else (NOT_KNOWN,) * 3
    born, postcode = life.details[-1] if life.details else (None, None)
    return {
        "source": (source or NOT_KNOWN).lower(),
        "area": (frame.postcode_area(postcode) or NOT_KNOWN).lower(),
        "sex": sex or NOT_KNOWN,
        "ethnic_group": ethnic_group or NOT_KNOWN,
        "long_term_condition": condition or NOT_KNOWN,
        "age": age_group(born, on),
    }


def age_group(born: date | None, on: date) -> str:
    """Return a person's age group on a day.

    Examples
    --------
    >>> age_group(date(2008, 5, 1), date(2026, 4, 30)), age_group(None, date(2026, 4, 30))
    ('16_to_17', 'not_known')
    """
    if born is None:
        return NOT_KNOWN
    years = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    groups = [name for least, name in AGES if years >= least]
    return groups[-1] if groups else UNDER_THE_YOUNGEST
