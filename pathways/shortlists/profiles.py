"""From rows to matching's plain inputs. What is not a parameter there cannot reach a check or a score."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from matching.eligibility import Context
from matching.profiles import JobseekerLimits, JobseekerOffer, JobseekerProfile, JobseekerWishes, PlacementProfile
from matching.travel import Mode
from pathways.jobseekers import formats
from pathways.jobseekers.models import Jobseeker, ProfileVersion
from pathways.reference import tables


def _words(items: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(items) if items else None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _place(row: Any) -> tuple[float, float] | None:
    return (float(row.easting), float(row.northing)) if row.easting is not None else None


def of_jobseeker(person: Jobseeker, profile: ProfileVersion | None, on: date) -> JobseekerProfile:
    """Return the two halves of a profile; the date of birth becomes an age for the legal checks only."""
    birth = person.date_of_birth
    if profile is None:
        return JobseekerProfile(
            key=str(person.id),
            limits=JobseekerLimits(age_years=formats.age_on(birth, on) if birth else None, place=_place(person)),
        )
    hours = (_number(profile.hours_min), _number(profile.hours_max))
    return JobseekerProfile(
        key=str(person.id),
        limits=JobseekerLimits(
            age_years=formats.age_on(birth, on) if birth else None,
            right_to_work=profile.right_to_work.value if profile.right_to_work else None,
            qualification_level=profile.qualification_level,
            licences=_words(profile.licences),
            hours_min=hours[0],
            hours_max=hours[1],
            half_days=profile.half_days,
            earliest_start_on=profile.earliest_start_on,
            place=_place(person),
            travel_modes=_words(profile.travel_modes),
            max_travel_minutes=profile.max_travel_minutes,
        ),
        wishes=JobseekerWishes(
            aspirations=_words(profile.aspirations),
            avoid=_words(profile.avoid),
            environment=_words(profile.environment),
            adjustments=_words(profile.adjustments),
        ),
        offer=JobseekerOffer(
            skills=_words(profile.skills),
            hours_min=hours[0],
            hours_max=hours[1],
            half_days=profile.half_days,
            earliest_start_on=profile.earliest_start_on,
        ),
    )


def of_placement(row: Any) -> PlacementProfile:
    """Return a listing as its checks and features read it."""
    return PlacementProfile(
        key=str(row.id),
        title=row.title,
        occupation=row.occupation,
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
        place=_place(row),
        remote=row.remote.value if row.remote else None,
        environment=_words(row.environment),
        adjustments_offered=_words(row.adjustments_offered),
        support_offered=_words(row.support_offered),
        dbs_level=row.dbs_level.value if row.dbs_level else None,
        places_left=row.places_left,
    )


def context(on: date) -> Context:
    """The day, and the figures of the dated tables in force on it."""
    return Context(
        on=on,
        modes={name: Mode(**figures) for name, figures in tables.travel_modes(on).items()},
        hours_in_a_half_day=float(tables.limit("hours_in_a_half_day", on)),
    )
