"""Convert database rows to the inputs of ``matching``.

A check or a score can use only the data that this module passes on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from types import MappingProxyType
from typing import Any
from uuid import UUID

from matching.pairs.benefit_flags import BenefitRule
from matching.pairs.conditions import says_never
from matching.pairs.eligibility import Context
from matching.pairs.experience import ExperienceKind
from matching.pairs.not_meant import limited, without_mark
from matching.pairs.profiles import (
    Exclusions,
    JobseekerLimits,
    JobseekerOffer,
    JobseekerProfile,
    JobseekerWishes,
    PlacementProfile,
)
from matching.pairs.sentences import in_words
from matching.pairs.surroundings import conditions_found
from matching.pairs.travel import Mode
from matching.pairs.wishes import read_wishes, says_something
from matching.timetables.journeys import TimedTravel
from pathways.jobseekers import formats
from pathways.jobseekers.models import ExclusionKind, Jobseeker, ProfileVersion, SafetyExclusion
from pathways.reference import tables, vocabulary
from pathways.reference.timetables import StoredTimetable

DAYS_PREPARED = 4  # timetables of a day in memory: today's, and those of stored shortlists that are read
_prepared: dict[tuple[Any, ...], TimedTravel] = {}
_lock = Lock()


def _words(items: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(items) if items else None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def place_of(row: Any) -> tuple[float, float] | None:
    return (float(row.easting), float(row.northing)) if row.easting is not None else None


WHERE_FROM: Mapping[ExperienceKind, str] = {
    ExperienceKind.LIFE: "everyday life",
    ExperienceKind.SCHOOL: "school",
    ExperienceKind.CARING: "caring",
    ExperienceKind.VOLUNTEERING: "volunteering",
    ExperienceKind.WORK: "work",
}


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """Facts a ranking needs beyond the profile: safety exclusions, and what a caseworker said that words mean.

    By the words in lower case: the label that a caseworker confirmed, and the texts of listings that are not meant.
    """

    exclusions: Exclusions = field(default_factory=Exclusions)
    skills: Mapping[str, str] = field(default_factory=dict)
    occupations: Mapping[str, str] = field(default_factory=dict)
    not_these_skills: Mapping[str, Sequence[str]] = field(default_factory=dict)
    not_this_work: Mapping[str, Sequence[str]] = field(default_factory=dict)
    needs_interpreter: bool = False


def of_jobseeker(
    person: Jobseeker, profile: ProfileVersion | None, on: date, facts: ProfileFacts | None = None
) -> JobseekerProfile:
    """Return a jobseeker as the input of a ranking; the date of birth becomes an age, used only by the legal checks."""
    more = facts or ProfileFacts()
    age = max(0, formats.age_on(person.date_of_birth, on)) if person.date_of_birth else None
    if profile is None:
        limits = JobseekerLimits(
            age_years=age,
            place=place_of(person),
            exclusions=more.exclusions,
            needs_interpreter=more.needs_interpreter,
        )
        return JobseekerProfile(key=str(person.id), limits=limits)
    hours = (_number(profile.hours_min), _number(profile.hours_max))
    stated = tuple(without_mark(text) for text in profile.aspirations or ())
    wishes = read_wishes(_with_meanings(stated, more.occupations) or ())
    wanted = tuple(
        limited(
            wish,
            dict.fromkeys(
                other
                for text in (wish, *_meant_by(wish, more.occupations))
                for other in _not_meant(text, more.not_this_work)
            ),
        )
        for wish in wishes.wanted
    )
    avoid = tuple(dict.fromkeys([*_said_to_avoid(profile.avoid), *wishes.avoided]))
    return JobseekerProfile(
        key=str(person.id),
        limits=JobseekerLimits(
            age_years=age,
            right_to_work=profile.right_to_work.value if profile.right_to_work else None,
            qualification_level=profile.qualification_level,
            licences=_words(profile.licences),
            hours_min=hours[0],
            hours_max=hours[1],
            half_days=profile.half_days,
            earliest_start_on=profile.earliest_start_on,
            place=place_of(person),
            travel_modes=_words(profile.travel_modes),
            max_travel_minutes=profile.max_travel_minutes,
            exclusions=more.exclusions,
            never=tuple(wish for wish in avoid if says_never(wish)) or None,
            can_travel_alone=profile.can_travel_alone,
            needs_interpreter=more.needs_interpreter,
        ),
        wishes=JobseekerWishes(
            aspirations=wanted or None,
            avoid=avoid or None,
            environment=_words(profile.environment),
            adjustments=_words(profile.adjustments),
        ),
        offer=_offer(profile, more, hours),
    )


def _offer(profile: ProfileVersion, more: ProfileFacts, hours: tuple[float | None, float | None]) -> JobseekerOffer:
    """Return what the jobseeker offers; skills are stated, confirmed by a caseworker or inferred from experience."""
    skills = dict.fromkeys(without_mark(text) for text in (*(profile.skills or ()), *(profile.strengths or ())))
    inferred_from: dict[str, str] = {}
    for stated in list(skills):
        meaning = more.skills.get(stated.casefold())
        if meaning and meaning not in skills:
            skills[meaning] = None
            inferred_from[meaning] = stated
    for inferred in vocabulary.drawn(profile.experiences):
        if inferred.skill not in skills:
            skills[inferred.skill] = None
            # The jobseeker's own words may reveal another person's health, so only the kind of experience is named.
            inferred_from[inferred.skill] = WHERE_FROM[inferred.kind]
    spelled = {
        skill: limited(
            skill,
            dict.fromkeys(
                other
                for text in (skill.casefold(), *_meant_by(skill, more.skills))
                for other in more.not_these_skills.get(text, ())
            ),
        )
        for skill in skills
    }
    return JobseekerOffer(
        skills=tuple(spelled.values()) or None,
        drawn_from={spelled[skill]: source for skill, source in inferred_from.items()},
        hours_min=hours[0],
        hours_max=hours[1],
        half_days=profile.half_days,
        earliest_start_on=profile.earliest_start_on,
        max_travel_minutes=profile.max_travel_minutes,
    )


def _not_meant(wish: str, not_this_work: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what a wish does not mean: said of these words, of a part of them, or of the line they are a part of."""
    own = f" {wish.casefold()} "
    return [
        other for text, others in not_this_work.items() if f" {text} " in own or own in f" {text} " for other in others
    ]


def _meant_by(label: str, meanings: Mapping[str, str]) -> list[str]:
    """Return the words that a caseworker confirmed to mean an entry."""
    return [text for text, meaning in meanings.items() if meaning == label]


def _said_to_avoid(stated: Sequence[str] | None) -> list[str]:
    """Return what a jobseeker wants to avoid, without "nothing" and other words that name nothing."""
    return [wish for wish in stated or () if says_something(wish)]


def _with_meanings(stated: Sequence[str] | None, meanings: Mapping[str, str]) -> tuple[str, ...] | None:
    meanings_found = [m for m in (meanings.get(word.casefold()) for word in stated or ()) if m]
    return tuple(dict.fromkeys([*(stated or ()), *meanings_found])) or None


def exclusions_of(
    rows: Iterable[SafetyExclusion], named: Mapping[UUID, frozenset[UUID]] = MappingProxyType({})
) -> Exclusions:
    """Return safety exclusions as the safety check reads them.

    ``named`` has, by the id of an exclusion of a person, the social enterprises where that person is known to work.
    """
    exclusions = list(rows)
    organisations = {r.social_enterprise_id for r in exclusions if r.kind is ExclusionKind.ORGANISATION}
    return Exclusions(
        organisations=frozenset(map(str, organisations.union(*(named.get(r.id, ()) for r in exclusions)))),
        areas=tuple(
            ((float(r.easting), float(r.northing)), float(r.radius_km))
            for r in exclusions
            if r.easting is not None and r.northing is not None and r.radius_km is not None
        ),
        names_a_person=any(r.kind is ExclusionKind.PERSON for r in exclusions),
    )


def of_placement(row: Any) -> PlacementProfile:
    """Return a placement as the input of checks and features."""
    return PlacementProfile(
        key=str(row.id),
        title=row.title,
        occupation=row.occupation,
        description=row.description,
        organisation=str(row.social_enterprise_id),
        essential_skills=_words(row.essential_skills),
        desirable_skills=_words(row.desirable_skills),
        qualifications_needed=row.qualifications_needed,
        licences_needed=_words(row.licences_needed),
        minimum_age=row.minimum_age,
        maximum_age=row.maximum_age,
        has_legal_basis=bool(row.legal_basis),
        right_to_work_needed=row.right_to_work_needed,
        hours_per_week=_number(row.hours_per_week),
        hours_flexible=row.hours_flexible,
        half_days=row.half_days,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        place=place_of(row),
        is_place_exact=row.place_basis != "outcode",
        remote=str(row.remote) if row.remote else None,
        environment=_words(row.environment),
        adjustments_offered=_words(row.adjustments_offered),
        support_offered=_words(row.support_offered),
        dbs_level=str(row.dbs_level) if row.dbs_level else None,
        reserved_for=row.ring_fenced_for,
        places_left=row.places_left,
        days_to_answer=row.days_to_answer,
    )


def context(on: date, stored: StoredTimetable | None = None) -> Context:
    """Return the context of the checks: the day, the figures in force on that day, and the timetable if one is."""
    modes = {name: Mode(**figures) for name, figures in tables.travel_modes(on).items()}
    no_timetable = _why_not(stored, on) if stored else ""
    return Context(
        on=on,
        modes=modes,
        hours_in_a_half_day=float(tables.limit("hours_in_a_half_day", on)),
        shows=_found_in_listing,
        timetable=_timed_travel(stored, on, modes["walk"]) if stored and not no_timetable else None,
        no_timetable=no_timetable,
    )


def _why_not(stored: StoredTimetable, on: date) -> str:
    if on > stored.last_on:
        return f"the timetable ended on {in_words(stored.last_on)}"
    if on < stored.first_on:
        return f"the timetable begins on {in_words(stored.first_on)}"
    return ""


def _timed_travel(stored: StoredTimetable, on: date, walk: Mode) -> TimedTravel:
    minutes_per_km = (walk.minutes_per_km_low + walk.minutes_per_km_high) / 2
    clock = tables.half_day_times(on)
    key = (stored.id, on, minutes_per_km, clock)
    with _lock:
        if key not in _prepared:
            while len(_prepared) >= DAYS_PREPARED:
                _prepared.pop(next(iter(_prepared)))
            _prepared[key] = TimedTravel(stored.timetable, on, stored.loaded_on, minutes_per_km, clock, str(stored.id))
        return _prepared[key]


def _found_in_listing(never: tuple[str, ...], placement: PlacementProfile) -> str:
    return conditions_found(never, placement, vocabulary.starter())


UNKNOWN_LIMIT = "?"  # there is a limit, but no figure of it is verified


def benefit_rules(on: date) -> tuple[BenefitRule, ...]:
    """Return what each benefit asks of people who work on a day, by its last verified row."""
    benefits = {row["benefit"] for row in tables.rows("benefits") if row["from"] <= on.isoformat()}
    return tuple(
        _benefit_rule(tables.last_verified("benefits", on, benefit=name), on)
        for name in sorted(benefits)
        if tables.has_begun("benefits", on, benefit=name)
    )


def _benefit_rule(row: Mapping[str, str], on: date) -> BenefitRule:
    """Return a row as a rule; say so if its figures are of an earlier year, because benefits rise each April."""
    since = date.fromisoformat(row["from"])
    has_unknown_limit = UNKNOWN_LIMIT in {row["hours_under"], row["pence_a_week"]}
    hours, pence = (row[name].replace(UNKNOWN_LIMIT, "") for name in ("hours_under", "pence_a_week"))
    text = row["text"].format(hours=hours, pounds=f"{int(pence) / 100:.2f}" if pence else "")
    if (hours or pence) and on >= date(since.year + 1, 4, 1):
        text += f" These are the last verified figures, in force since {since.isoformat()}: check this year's."
    return BenefitRule(
        row["benefit"],
        frozenset(row["names"].split(";")),
        float(hours) if hours else None,
        int(pence) if pence else None,
        text,
        # A table of an operator from before has a column that says whether its one text is for unpaid work too.
        unpaid_text=row.get("unpaid_text") or (text if row.get("unpaid_too") == "yes" else ""),
        unpaid_source=row.get("unpaid_source") or row.get("source", ""),
        source=row.get("source", ""),
        since=since,
        has_unknown_limit=has_unknown_limit,
    )
