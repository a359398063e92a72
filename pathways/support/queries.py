"""Every query on check-ins, action plans, barriers and scores."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from pathways.base import Actor
from pathways.database import Session
from pathways.enrolments.models import Enrolment
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.progression.models import Spell, SpellState, SpellVersion
from pathways.reference import tables
from pathways.support.models import ActionPlan, Barrier, CheckIn, Score
from pathways.support.schedule import ScheduleStep


def steps(on: date) -> list[ScheduleStep]:
    """Return the steps of the check-in schedule in force on a day."""
    names = dict.fromkeys(row["step"] for row in tables.rows("check_ins"))
    rows = (tables.in_force("check_ins", on, step=name) for name in names)
    return [ScheduleStep(row["step"], int(row["offset_days"]), int(row["window_days"])) for row in rows]


def check_ins_visible_to(actor: Actor) -> Select[CheckIn]:
    return select(CheckIn).where(
        CheckIn.partner_id == actor.organisation_id,
        jobseeker_queries.is_visible(actor, CheckIn.jobseeker_id),
        as_known(CheckIn),
    )


def check_in(session: Session, actor: Actor, check_in_id: UUID) -> CheckIn:
    row = session.scalars(check_ins_visible_to(actor).where(CheckIn.id == check_in_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such check-in, or you may not see it.")
    return row


def spells_with_versions(
    session: Session,
    partner_id: UUID,
    *,
    jobseeker_id: UUID | None = None,
    among: Collection[UUID] | None = None,
    running_only: bool = False,
) -> list[tuple[Spell, SpellVersion]]:
    """Return a partner's spells, except voided spells, each with its current version.

    With ``among``, only the spells of these jobseekers.
    """
    rows = (
        select(Spell, SpellVersion)
        .join(SpellVersion, (SpellVersion.partner_id == Spell.partner_id) & (SpellVersion.spell_id == Spell.id))
        .where(Spell.partner_id == partner_id, as_known(SpellVersion), Spell.state != SpellState.VOIDED)
        .order_by(Spell.id)
    )
    if jobseeker_id is not None:
        rows = rows.where(Spell.jobseeker_id == jobseeker_id)
    if among is not None:
        rows = rows.where(Spell.jobseeker_id.in_(among))
    if running_only:
        rows = rows.where(Spell.state == SpellState.RUNNING)
    return [(row[0], row[1]) for row in session.execute(rows)]


def answered(session: Session, partner_id: UUID, spell_ids: Iterable[UUID]) -> dict[UUID, dict[str, CheckIn]]:
    """Return, by spell id and step, the earliest check-in that answered the step.

    A check-in in which nobody was reached does not answer a step.
    """
    rows = session.scalars(
        select(CheckIn)
        .where(
            CheckIn.partner_id == partner_id,
            CheckIn.spell_id.in_(list(spell_ids)),
            CheckIn.step.is_not(None),
            as_known(CheckIn),
        )
        .order_by(CheckIn.valid_on.desc(), CheckIn.id.desc())
    )
    answers: dict[UUID, dict[str, CheckIn]] = defaultdict(dict)
    for row in rows:
        if row.step is not None and row.result != "unknown":
            answers[row.spell_id][row.step] = row
    return answers


def last_check_ins(session: Session, partner_id: UUID, spell_ids: Iterable[UUID]) -> dict[UUID, CheckIn]:
    """Return, by spell id, the last check-in with a known result."""
    rows = session.scalars(
        select(CheckIn)
        .where(
            CheckIn.partner_id == partner_id,
            CheckIn.spell_id.in_(list(spell_ids)),
            CheckIn.result != "unknown",
            as_known(CheckIn),
        )
        .order_by(CheckIn.valid_on, CheckIn.recorded_at, CheckIn.id)
    )
    return {row.spell_id: row for row in rows}


def plans(person: Jobseeker) -> Select[ActionPlan]:
    """Return the query for the current action plan of each of a jobseeker's enrolments."""
    return select(ActionPlan).where(
        ActionPlan.partner_id == person.partner_id, ActionPlan.jobseeker_id == person.id, as_known(ActionPlan)
    )


def plan_of(session: Session, enrolment: Enrolment) -> ActionPlan | None:
    rows = select(ActionPlan).where(
        ActionPlan.partner_id == enrolment.partner_id,
        ActionPlan.enrolment_id == enrolment.id,
        as_known(ActionPlan),
    )
    return session.scalars(rows).one_or_none()


def barriers(person: Jobseeker) -> Select[Barrier]:
    return select(Barrier).where(
        Barrier.partner_id == person.partner_id, Barrier.jobseeker_id == person.id, as_known(Barrier)
    )


def barrier(session: Session, person: Jobseeker, barrier_id: UUID) -> Barrier:
    row = session.scalars(barriers(person).where(Barrier.id == barrier_id)).one_or_none()
    if row is None:
        raise NotFound("This jobseeker has no such barrier, or a newer record replaced it. List the barriers again.")
    return row


def scores(person: Jobseeker) -> Select[Score]:
    return select(Score).where(Score.partner_id == person.partner_id, Score.jobseeker_id == person.id, as_known(Score))


def first_scores(session: Session, person: Jobseeker) -> dict[tuple[str, str, str], Any]:
    """Return, by tool, edition and scale, the jobseeker's first score."""
    rows = session.scalars(scores(person).order_by(Score.valid_on.desc(), Score.id.desc()))
    return {(row.tool, row.edition, row.scale): row.score for row in rows}
