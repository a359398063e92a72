"""Measures of fidelity: how closely a partner follows the supported employment model. A dated table sets the bands."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from statistics import mean
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from pathways.base import Role
from pathways.database import Session
from pathways.enrolments.models import Enrolment
from pathways.facts import as_known
from pathways.jobseekers.models import Contact
from pathways.organisations.models import Membership
from pathways.progression import queries as progression_queries
from pathways.reference import tables
from pathways.support import queries, schedule
from pathways.support.schedule import ScheduleState
from pathways.support.schemas import Fidelity, Measure

PER_CENT = 100


def measured(session: Session, partner_id: UUID, since: date, until: date) -> Fidelity:
    """Return the measures of a partner for a period. Both ``since`` and ``until`` are included."""
    caseload = _caseload(session, partner_id, until)
    starts = _job_starts(session, partner_id, since, until)
    met, due = _follow_along(session, partner_id, since, until)
    to_employer = _days_to_an_employer(session, partner_id, since, until)
    full_time = _full_time_workers(session, partner_id)
    active = sum(caseload.values())
    competitive = sum(version.kind.value == "JOB_OPEN" for version in starts)
    return Fidelity(
        since=since,
        until=until,
        caseload=caseload,
        measures=[
            _measure(
                "caseload_per_full_time_worker",
                "The number of jobseekers with an open enrolment, in work or not, for each full-time caseworker.",
                float(active / full_time) if full_time else None,
                "people",
                active,
                until,
            ),
            _measure(
                "days_to_first_employer_contact",
                "The mean number of days from the start of an enrolment to the first face-to-face contact with an"
                " employer, for enrolments that started in this period and have had such a contact.",
                mean(to_employer) if to_employer else None,
                "days",
                len(to_employer),
                until,
            ),
            _measure(
                "follow_along_met",
                "The percentage of the check-ins due in this period that were made on time.",
                PER_CENT * met / due if due else None,
                "per cent",
                due,
                until,
            ),
            _measure(
                "job_types",
                "The number of different job titles, as a percentage of the jobs that started in this period.",
                _share_of_different(version.title for version in starts),
                "per cent",
                len(starts),
                until,
            ),
            _measure(
                "employers",
                "The number of different employers, as a percentage of the jobs that started in this period.",
                _share_of_different(version.employer or str(version.spell_id) for version in starts),
                "per cent",
                len(starts),
                until,
            ),
            _measure(
                "competitive_jobs",
                "The percentage of the jobs that started in this period that are on the open labour market.",
                PER_CENT * competitive / len(starts) if starts else None,
                "per cent",
                len(starts),
                until,
            ),
        ],
    )


def _measure(name: str, definition: str, value: float | None, unit: str, of: int, on: date) -> Measure:
    rows = [row for row in tables.rows("fidelity") if row["measure"] == name]
    band = _band(tables.in_force("fidelity", on, measure=name), value) if rows and value is not None else None
    return Measure(
        name=name,
        definition=definition,
        value=round(value, 1) if value is not None else None,
        unit=unit,
        of=of,
        band=band,
        is_verified=bool(rows) and rows[-1]["mark"] == "seen",
    )


def _band(row: dict[str, str], value: float) -> int:
    for band in (5, 4, 3, 2):
        limit = float(row[f"band_{band}"])
        if value <= limit if row["better"] == "lower" else value >= limit:
            return band
    return 1


def _share_of_different(words: Any) -> float | None:
    """Return the different words as a percentage of all words, ignoring case; None if no word is given."""
    folded = [word.strip().casefold() for word in words]
    return PER_CENT * len(set(folded)) / len(folded) if folded else None


def _caseload(session: Session, partner_id: UUID, on: date) -> dict[str, int]:
    rows = session.execute(
        select(Enrolment.caseworker_id, func.count())
        .where(
            Enrolment.partner_id == partner_id,
            Enrolment.started_on <= on,
            (Enrolment.ended_on.is_(None)) | (Enrolment.ended_on > on),
        )
        .group_by(Enrolment.caseworker_id)
    )
    return {str(row[0]): row[1] for row in rows}


def _full_time_workers(session: Session, partner_id: UUID) -> Decimal:
    rows = select(func.sum(Membership.full_time_share)).where(
        Membership.organisation_id == partner_id, Membership.role == Role.CASEWORKER, Membership.ended_at.is_(None)
    )
    return Decimal(session.scalars(rows).one() or 0)


def _job_starts(session: Session, partner_id: UUID, since: date, until: date) -> Sequence[Any]:
    kinds = progression_queries.kinds_that_count(until)
    return [
        version
        for _, version in queries.spells_with_versions(session, partner_id)
        if since <= version.started_on <= until and version.kind.value in kinds
    ]


def _follow_along(session: Session, partner_id: UUID, since: date, until: date) -> tuple[int, int]:
    """Count the check-ins whose last day on time is in the period. Return the number made on time and the total."""
    spells = queries.spells_with_versions(session, partner_id)
    answered = queries.answered(session, partner_id, [spell.id for spell, _ in spells])
    states: Counter[ScheduleState] = Counter()
    for spell, version in spells:
        days = {step: row.valid_on for step, row in answered.get(spell.id, {}).items()}
        steps = queries.steps(version.started_on)
        for line in schedule.lines(steps, version.started_on, version.ended_on, days, until):
            if since <= line.in_time_until <= until:
                states[line.state] += 1
    return states[ScheduleState.MET], sum(
        states[state] for state in (ScheduleState.MET, ScheduleState.LATE, ScheduleState.OVERDUE)
    )


def _days_to_an_employer(session: Session, partner_id: UUID, since: date, until: date) -> list[int]:
    """Return the days to the first face-to-face employer contact, for enrolments begun in the period that have one."""
    first = (
        select(func.min(Contact.valid_on))
        .where(
            Contact.partner_id == Enrolment.partner_id,
            Contact.jobseeker_id == Enrolment.jobseeker_id,
            Contact.valid_on >= Enrolment.started_on,
            Contact.valid_on <= until,
            Contact.with_whom == "employer",
            Contact.how == "face_to_face",
            as_known(Contact),
        )
        .correlate(Enrolment)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Enrolment.started_on, first).where(
            Enrolment.partner_id == partner_id, Enrolment.started_on >= since, Enrolment.started_on <= until
        )
    )
    days: list[tuple[date, date | None]] = [(row[0], row[1]) for row in rows]
    return [(contact - start).days for start, contact in days if contact is not None]
