"""Every change to check-ins, plans, barriers and scores."""

from datetime import date, timedelta

from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.enrolments import queries as enrolment_queries
from pathways.errors import RuleBroken
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.organisations.models import Organisation
from pathways.progression import queries as progression_queries
from pathways.progression.models import SpellState
from pathways.reference import tables
from pathways.support import queries, schedule
from pathways.support.models import ActionPlan, Barrier, CheckIn, InWork, ReportedBy, Score
from pathways.support.schemas import (
    BarrierOut,
    CheckInOut,
    ClosedOn,
    DueCheckIn,
    NewBarrier,
    NewCheckIn,
    NewPlan,
    NewScore,
    PlanOut,
    ScoreOut,
    StepOut,
)

NOT_YET = "This day has not come."


def record_check_in(session: WriteSession, actor: Actor, new: NewCheckIn) -> CheckIn:
    """Record what a check-in found; work at risk is told at once to whose case it is."""
    spell = progression_queries.spell(session, actor, new.spell_id)
    if spell.state is SpellState.VOIDED:
        raise RuleBroken("This spell was recorded by mistake.", pointer="/spell_id")
    if new.on > actor.today:
        raise RuleBroken(NOT_YET, pointer="/on")
    if (new.result is InWork.UNKNOWN) != (new.told_by is ReportedBy.NOBODY):
        raise RuleBroken("Nobody reached is unknown, and unknown is told by nobody.", pointer="/told_by")
    if (new.is_at_risk or new.result is InWork.NOT_IN_WORK) and new.path_back is None:
        raise RuleBroken("Work is at risk or over: say what is done about it.", pointer="/path_back")
    steps = queries.steps(actor.today)
    if new.step is not None and new.step not in {step.name for step in steps}:
        known = ", ".join(step.name for step in steps)
        raise RuleBroken(f"There is no such step: {known}.", pointer="/step")
    started_on = progression_queries.version(session, spell).started_on
    _must_have_come(steps, new, started_on)
    there = queries.answered(session, spell.partner_id, [spell.id]).get(spell.id, {})
    check_in = CheckIn.recorded(
        actor,
        new.on,
        partner_id=spell.partner_id,
        jobseeker_id=spell.jobseeker_id,
        spell_id=spell.id,
        step=new.step or schedule.answers(steps, started_on, new.on, there),
        result=new.result,
        told_by=new.told_by,
        is_at_risk=new.is_at_risk,
        path_back=new.path_back,
        note=new.note,
    )
    session.add(check_in)
    session.flush()  # its id is needed by the reply
    if new.is_at_risk or new.result is InWork.NOT_IN_WORK:
        person = session.get_one(Jobseeker, spell.jobseeker_id)
        message_actions.notify_owner(
            session,
            actor,
            spell.partner_id,
            person.caseworker_id,
            NoticeKind.AT_RISK,
            about=("check-ins", check_in.id),
        )
    return check_in


def _must_have_come(steps: list[schedule.ScheduleStep], new: NewCheckIn, started_on: date) -> None:
    for step in steps:
        if step.name == new.step and started_on + timedelta(days=step.offset_days) > new.on:
            raise RuleBroken("This step had not come by that day.", pointer="/step")


def check_in_reply(session: Session, actor: Actor, check_in: CheckIn) -> CheckInOut:
    return check_in_replies(session, actor, [check_in])[0]


def check_in_replies(session: Session, actor: Actor, found: list[CheckIn]) -> list[CheckInOut]:
    people = jobseeker_queries.cases(session, (one.jobseeker_id for one in found))
    return [
        CheckInOut.model_validate(one).limited_to(jobseeker_queries.visible_groups(actor, people[one.jobseeker_id]))
        for one in found
    ]


def due(session: Session, actor: Actor, person: Jobseeker) -> list[DueCheckIn]:
    """Return the whole schedule of a person's spells, as it stands today."""
    spells = queries.spells_with_versions(session, person.partner_id, jobseeker_id=person.id)
    there = queries.answered(session, person.partner_id, [spell.id for spell, _ in spells])
    found = []
    for spell, version in spells:
        answered = there.get(spell.id, {})
        steps = queries.steps(version.started_on)
        days = {step: row.valid_on for step, row in answered.items()}
        for line in schedule.lines(steps, version.started_on, version.ended_on, days, actor.today):
            row = answered.get(line.step)
            found.append(
                DueCheckIn(
                    spell_id=spell.id,
                    step=line.step,
                    due_on=line.due_on,
                    in_time_until=line.in_time_until,
                    state=line.state.value,
                    check_in_id=row.id if row is not None else None,
                )
            )
    return sorted(found, key=lambda one: (one.due_on, str(one.spell_id)))


def write_plan(session: WriteSession, actor: Actor, person: Jobseeker, new: NewPlan) -> ActionPlan:
    """Write the action plan of the open enrolment anew; the version before stays."""
    enrolment = enrolment_queries.open_enrolment(session, person)
    if enrolment is None:
        raise RuleBroken("A plan is made once somebody is on a programme. Start an enrolment first.")
    if not enrolment.started_on <= new.agreed_on <= actor.today:
        raise RuleBroken("It is agreed between the start of the enrolment and today.", pointer="/agreed_on")
    for place, step in enumerate(new.steps):
        if step.done_on is not None and step.done_on > actor.today:
            raise RuleBroken(NOT_YET, pointer=f"/steps/{place}/done_on")
    before = queries.plan_of(session, enrolment)
    nation = session.get_one(Organisation, person.partner_id).nation
    plan = ActionPlan.recorded(
        actor,
        new.agreed_on,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        enrolment_id=enrolment.id,
        number=before.number + 1 if before is not None else 1,
        steps=[step.model_dump(mode="json") for step in new.steps],
        review_due_on=tables.due_on("action_plan_review", new.agreed_on, nation),
        supersedes=before.id if before is not None else None,
    )
    session.add(plan)
    session.flush()  # two who write it at once meet here
    return plan


def plan_reply(actor: Actor, person: Jobseeker, plan: ActionPlan) -> PlanOut:
    seen = jobseeker_queries.visible_groups(actor, person)
    columns = {name: getattr(plan, name, None) for name in PlanOut.model_fields}
    steps = [StepOut(**step).limited_to(seen) for step in plan.steps]
    return PlanOut(**columns | {"agreed_on": plan.valid_on, "steps": steps}).limited_to(seen)


def open_barrier(session: WriteSession, actor: Actor, person: Jobseeker, new: NewBarrier) -> Barrier:
    jobseeker_actions.must_not_be_void(person)
    if new.opened_on > actor.today:
        raise RuleBroken(NOT_YET, pointer="/opened_on")
    there = queries.barriers(person).where(Barrier.kind == new.kind, Barrier.closed_on.is_(None))
    if session.scalars(there).first() is not None:
        raise RuleBroken("This barrier is open already. Close it first, or go on with that one.", pointer="/kind")
    barrier = Barrier.recorded(
        actor, new.opened_on, partner_id=person.partner_id, jobseeker_id=person.id, kind=new.kind, note=new.note
    )
    session.add(barrier)
    session.flush()
    return barrier


def close_barrier(session: WriteSession, actor: Actor, barrier: Barrier, closing: ClosedOn) -> Barrier:
    if barrier.closed_on is not None:
        raise RuleBroken("It is closed already.")
    if not barrier.valid_on <= closing.closed_on <= actor.today:
        raise RuleBroken("It closes between the day it opened and today.", pointer="/closed_on")
    closed = Barrier.recorded(
        actor,
        barrier.valid_on,
        partner_id=barrier.partner_id,
        jobseeker_id=barrier.jobseeker_id,
        kind=barrier.kind,
        note=barrier.note,
        closed_on=closing.closed_on,
        supersedes=barrier.id,
    )
    session.add(closed)
    session.flush()  # two who close it at once meet here
    return closed


def barrier_reply(actor: Actor, person: Jobseeker, barrier: Barrier) -> BarrierOut:
    return BarrierOut.model_validate(barrier).limited_to(jobseeker_queries.visible_groups(actor, person))


def record_score(session: WriteSession, actor: Actor, person: Jobseeker, new: NewScore) -> Score:
    """Record one score; the same scale of the same day again supersedes it."""
    jobseeker_actions.must_not_be_void(person)
    if new.scored_on > actor.today:
        raise RuleBroken(NOT_YET, pointer="/scored_on")
    before = session.scalars(
        queries.scores(person).where(
            Score.tool == new.tool,
            Score.edition == new.edition,
            Score.scale == new.scale,
            Score.valid_on == new.scored_on,
        )
    ).one_or_none()
    score = Score.recorded(
        actor,
        new.scored_on,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        supersedes=before.id if before is not None else None,
        **new.model_dump(exclude={"scored_on"}),
    )
    session.add(score)
    session.flush()  # two who score it at once meet here
    return score


def score_replies(session: Session, actor: Actor, person: Jobseeker, found: list[Score]) -> list[ScoreOut]:
    """Return scores with how far each is from the first of its scale and edition: editions are never compared."""
    first = queries.first_scores(session, person)
    seen = jobseeker_queries.visible_groups(actor, person)
    shapes = []
    for score in found:
        change = float(score.score - first[score.tool, score.edition, score.scale])
        shapes.append(ScoreOut.model_validate(score).model_copy(update={"change": change}).limited_to(seen))
    return shapes
