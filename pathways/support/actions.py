"""Every change to check-ins, action plans, barriers and scores."""

from datetime import date, timedelta

from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.enrolments import queries as enrolment_queries
from pathways.errors import NotPermitted, RuleBroken
from pathways.fields import Group
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
from pathways.support.models import ActionPlan, Barrier, BarrierKind, CheckIn, InWork, ReportedBy, Score
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

NOT_YET = "The date cannot be in the future."


def record_check_in(session: WriteSession, actor: Actor, new: NewCheckIn) -> CheckIn:
    """Record the result of a check-in. The caseworker is notified at once if work is at risk or over.

    The source must be `nobody` if, and only if, the result is `unknown`. Work at risk or over requires ``path_back``.
    """
    spell = progression_queries.spell(session, actor, new.spell_id)
    if spell.state is SpellState.VOIDED:
        raise RuleBroken("This spell was recorded by mistake and is void. Choose another spell.", pointer="/spell_id")
    if new.on > actor.today:
        raise RuleBroken(NOT_YET, pointer="/on")
    if (new.result is InWork.UNKNOWN) != (new.told_by is ReportedBy.NOBODY):
        raise RuleBroken(
            "The result contradicts the source. If nobody was reached, the result is 'unknown' and the source is"
            " 'nobody'. For any other result, name the source.",
            pointer="/told_by",
        )
    if (new.is_at_risk or new.result is InWork.NOT_IN_WORK) and new.path_back is None:
        raise RuleBroken("Work is at risk or over. Choose what will be done next.", pointer="/path_back")
    steps = queries.steps(actor.today)
    if new.step is not None and new.step not in {step.name for step in steps}:
        names = ", ".join(step.name for step in steps)
        raise RuleBroken(f"The check-in schedule has no such step. Choose one of: {names}.", pointer="/step")
    started_on = progression_queries.version(session, spell).started_on
    if new.on < started_on:
        raise RuleBroken(
            f"The work began on {started_on.isoformat()}, so a check-in on it cannot be earlier. Correct the date.",
            pointer="/on",
        )
    _must_not_be_early(steps, new, started_on)
    answered = queries.answered(session, spell.partner_id, [spell.id]).get(spell.id, {})
    check_in = CheckIn.recorded(
        actor,
        new.on,
        partner_id=spell.partner_id,
        jobseeker_id=spell.jobseeker_id,
        spell_id=spell.id,
        step=new.step or schedule.answers(steps, started_on, new.on, answered),
        result=new.result,
        told_by=new.told_by,
        is_at_risk=new.is_at_risk,
        path_back=new.path_back,
        note=new.note,
    )
    session.add(check_in)
    session.flush()  # the reply needs its id
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


def _must_not_be_early(steps: list[schedule.ScheduleStep], new: NewCheckIn, started_on: date) -> None:
    for step in steps:
        if step.name == new.step and started_on + timedelta(days=step.offset_days) > new.on:
            raise RuleBroken(
                "This step of the schedule was not due yet on that date. Choose an earlier step or no step.",
                pointer="/step",
            )


def check_in_reply(session: Session, actor: Actor, check_in: CheckIn) -> CheckInOut:
    return check_in_replies(session, actor, [check_in])[0]


def check_in_replies(session: Session, actor: Actor, check_ins: list[CheckIn]) -> list[CheckInOut]:
    people = jobseeker_queries.cases(session, (check_in.jobseeker_id for check_in in check_ins))
    return [
        CheckInOut.model_validate(check_in).limited_to(
            jobseeker_queries.visible_groups(actor, people[check_in.jobseeker_id])
        )
        for check_in in check_ins
    ]


def due(session: Session, actor: Actor, person: Jobseeker) -> list[DueCheckIn]:
    """Return the check-in schedule of all spells of a jobseeker, with today's state of each line."""
    spells = queries.spells_with_versions(session, person.partner_id, jobseeker_id=person.id)
    answered_by_spell = queries.answered(session, person.partner_id, [spell.id for spell, _ in spells])
    check_ins = []
    for spell, version in spells:
        answered = answered_by_spell.get(spell.id, {})
        steps = queries.steps(version.started_on)
        days = {step: row.valid_on for step, row in answered.items()}
        for line in schedule.lines(steps, version.started_on, version.ended_on, days, actor.today):
            row = answered.get(line.step)
            check_ins.append(
                DueCheckIn(
                    spell_id=spell.id,
                    step=line.step,
                    due_on=line.due_on,
                    in_time_until=line.in_time_until,
                    state=line.state.value,
                    check_in_id=row.id if row is not None else None,
                )
            )
    return sorted(check_ins, key=lambda check_in: (check_in.due_on, str(check_in.spell_id)))


def write_plan(session: WriteSession, actor: Actor, person: Jobseeker, new: NewPlan) -> ActionPlan:
    """Write a new version of the action plan of the open enrolment. It supersedes the earlier version.

    Refuses if no enrolment is open, or if a date is in the future.
    """
    enrolment = enrolment_queries.open_enrolment(session, person)
    if enrolment is None:
        raise RuleBroken("An action plan needs an open enrolment. Start an enrolment first.")
    if not enrolment.started_on <= new.agreed_on <= actor.today:
        raise RuleBroken(
            "The date of agreement must be between the start of the enrolment and today.", pointer="/agreed_on"
        )
    for index, step in enumerate(new.steps):
        if step.done_on is not None and step.done_on > actor.today:
            raise RuleBroken(NOT_YET, pointer=f"/steps/{index}/done_on")
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
    session.flush()  # the second of two versions written at the same time fails here
    return plan


def plan_reply(actor: Actor, person: Jobseeker, plan: ActionPlan) -> PlanOut:
    seen = jobseeker_queries.visible_groups(actor, person)
    columns = {name: getattr(plan, name, None) for name in PlanOut.model_fields}
    steps = [StepOut(**step).limited_to(seen) for step in plan.steps]
    return PlanOut(**columns | {"agreed_on": plan.valid_on, "steps": steps}).limited_to(seen)


def open_barrier(session: WriteSession, actor: Actor, person: Jobseeker, new: NewBarrier) -> Barrier:
    """Record a new barrier to work. Refuses if a barrier of the same kind is still open.

    Who may not read convictions may not record them: the refusal of a second one would reveal the first.
    """
    if new.kind is BarrierKind.CONVICTION and Group.CONVICTIONS not in jobseeker_queries.visible_groups(actor, person):
        raise NotPermitted("Only the jobseeker's caseworker or a team manager records a conviction. Ask one of them.")
    jobseeker_actions.must_not_be_void(person)
    if new.opened_on > actor.today:
        raise RuleBroken(NOT_YET, pointer="/opened_on")
    already_open = queries.barriers(person).where(Barrier.kind == new.kind, Barrier.closed_on.is_(None))
    if session.scalars(already_open).first() is not None:
        raise RuleBroken(
            "A barrier of this kind is already open. Use the open barrier, or close it first.", pointer="/kind"
        )
    barrier = Barrier.recorded(
        actor, new.opened_on, partner_id=person.partner_id, jobseeker_id=person.id, kind=new.kind, note=new.note
    )
    session.add(barrier)
    session.flush()
    return barrier


def close_barrier(session: WriteSession, actor: Actor, barrier: Barrier, closing: ClosedOn) -> Barrier:
    if barrier.closed_on is not None:
        raise RuleBroken("This barrier is already closed. Record a new barrier if the problem has come back.")
    if not barrier.valid_on <= closing.closed_on <= actor.today:
        raise RuleBroken(
            "The closing date must be between the date the barrier was opened and today.", pointer="/closed_on"
        )
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
    session.flush()  # the second of two closings at the same time fails here
    return closed


def barrier_reply(actor: Actor, person: Jobseeker, barrier: Barrier) -> BarrierOut:
    return BarrierOut.model_validate(barrier).limited_to(jobseeker_queries.visible_groups(actor, person))


def record_score(session: WriteSession, actor: Actor, person: Jobseeker, new: NewScore) -> Score:
    """Record one score. A second score for the same tool, edition, scale and day supersedes the first."""
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
    session.flush()  # the second of two scores at the same time fails here
    return score


def score_replies(session: Session, actor: Actor, person: Jobseeker, scores: list[Score]) -> list[ScoreOut]:
    """Return scores, each with the change since the first score with the same tool, edition and scale.

    Scores of different editions of a tool are never compared.
    """
    first = queries.first_scores(session, person)
    seen = jobseeker_queries.visible_groups(actor, person)
    shapes = []
    for score in scores:
        change = float(score.score - first[score.tool, score.edition, score.scale])
        shapes.append(ScoreOut.model_validate(score).model_copy(update={"change": change}).limited_to(seen))
    return shapes
