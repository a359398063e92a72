"""Routes for check-ins, action plans, barriers, scores, the worklist and fidelity."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pathways import audit
from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Database, Session
from pathways.errors import Conflict, NotFound, RuleBroken
from pathways.fields import Day
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.pagination import Page, page_of, page_of_all
from pathways.problems import documented
from pathways.support import actions, fidelity, queries, worklist
from pathways.support.models import ActionPlan, Barrier, CheckIn, Score
from pathways.support.schemas import (
    BarrierOut,
    CheckInOut,
    CheckInSchedule,
    ClosedOn,
    Fidelity,
    NewBarrier,
    NewCheckIn,
    NewPlan,
    NewScore,
    PlanOut,
    ScoreOut,
    Worklist,
)

check_ins = APIRouter(prefix="/check-ins", tags=["support"], route_class=PathwaysRoute)
of_jobseekers = APIRouter(prefix="/jobseekers", tags=["support"], route_class=PathwaysRoute)
waiting = APIRouter(tags=["support"], route_class=PathwaysRoute)
Reader = Annotated[Actor, permitted(Permission.SUPPORT_READ)]
Recorder = Annotated[Actor, permitted(Permission.SUPPORT_RECORD)]
Manager = Annotated[Actor, permitted(Permission.FIDELITY_READ)]
REFUSALS = documented(NotFound, Conflict)
A_YEAR = 365


@check_ins.get("")
def list_check_ins(
    actor: Reader,
    database: DatabaseDep,
    page: PageDep,
    jobseeker: Annotated[UUID | None, Query()] = None,
) -> Page[CheckInOut]:
    """List check-ins of the jobseekers you may see."""
    with database.reading(actor) as session:
        rows = queries.check_ins_visible_to(actor)
        if jobseeker is not None:
            rows = rows.where(CheckIn.jobseeker_id == jobseeker)
        return page_of_all(
            session, rows, CheckIn.id, page, lambda rows: actions.check_in_replies(session, actor, list(rows))
        )


@check_ins.post("", status_code=201, responses=REFUSALS)
def record_check_in(new: NewCheckIn, actor: Recorder, database: DatabaseDep, once: OnceDep) -> CheckInOut:
    """Record the result of a check-in: in work, not in work, or unknown.

    If the jobseeker may lose the work or has lost it, choose in ``path_back`` which support comes next. The caseworker
    is then notified.
    """
    with database.writing(actor) as session:
        check_in = once(
            session,
            actor,
            lambda: actions.record_check_in(session, actor, new),
            lambda made: queries.check_in(session, actor, made),
        )
        return actions.check_in_reply(session, actor, check_in)


@check_ins.get("/{check_in_id}", responses=documented(NotFound))
def get_check_in(check_in_id: UUID, actor: Reader, database: DatabaseDep) -> CheckInOut:
    """Return one check-in. Each read is recorded in the access log."""
    with database.reading(actor) as session:
        jobseeker_id = queries.check_in(session, actor, check_in_id).jobseeker_id
    audit.opened(database, actor, "check_ins", [(check_in_id, jobseeker_id)])
    with database.reading(actor) as session:
        return actions.check_in_reply(session, actor, queries.check_in(session, actor, check_in_id))


def _opened(database: Database, actor: Actor, jobseeker_id: UUID) -> None:
    with database.reading(actor) as session:
        jobseeker_queries.must_see(session, actor, jobseeker_id)
    audit.opened(database, actor, "jobseekers", [(jobseeker_id, jobseeker_id)])


def _person(session: Session, actor: Actor, jobseeker_id: UUID) -> Jobseeker:
    return jobseeker_queries.jobseeker(session, actor, jobseeker_id)


@of_jobseekers.get("/{jobseeker_id}/check-ins", responses=documented(NotFound))
def list_due_check_ins(jobseeker_id: UUID, actor: Reader, database: DatabaseDep) -> CheckInSchedule:
    """Return the check-in schedule of the jobseeker's spells of work, with the state of each check-in.

    Each read is recorded in the access log.
    """
    _opened(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        return CheckInSchedule(items=actions.due(session, actor, _person(session, actor, jobseeker_id)))


@of_jobseekers.get("/{jobseeker_id}/plans", responses=documented(NotFound))
def list_plans(jobseeker_id: UUID, actor: Reader, database: DatabaseDep, page: PageDep) -> Page[PlanOut]:
    """List the current action plan of each enrolment. Each read is recorded in the access log."""
    _opened(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = _person(session, actor, jobseeker_id)
        rows = queries.plans(person)
        return page_of(session, rows, ActionPlan.id, page, lambda row: actions.plan_reply(actor, person, row))


@of_jobseekers.post("/{jobseeker_id}/plans", status_code=201, responses=REFUSALS)
def write_plan(jobseeker_id: UUID, new: NewPlan, actor: Recorder, database: DatabaseDep, once: OnceDep) -> PlanOut:
    """Write a new version of the action plan of the open enrolment. Older versions are not deleted.

    Refused if no enrolment is open, or if a date is in the future.
    """
    with database.writing(actor) as session:
        person = _person(session, actor, jobseeker_id)
        plan = once(
            session,
            actor,
            lambda: actions.write_plan(session, actor, person, new),
            lambda made: session.get_one(ActionPlan, made),
        )
        return actions.plan_reply(actor, person, plan)


@of_jobseekers.get("/{jobseeker_id}/barriers", responses=documented(NotFound))
def list_barriers(jobseeker_id: UUID, actor: Reader, database: DatabaseDep, page: PageDep) -> Page[BarrierOut]:
    """List the jobseeker's barriers, open and closed. Each read is recorded in the access log."""
    _opened(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = _person(session, actor, jobseeker_id)
        rows = queries.barriers(person)
        return page_of(session, rows, Barrier.id, page, lambda row: actions.barrier_reply(actor, person, row))


@of_jobseekers.post("/{jobseeker_id}/barriers", status_code=201, responses=REFUSALS)
def open_barrier(
    jobseeker_id: UUID, new: NewBarrier, actor: Recorder, database: DatabaseDep, once: OnceDep
) -> BarrierOut:
    """Record a new barrier to work. Refused if one of this kind is already open, or if the date is in the future."""
    with database.writing(actor) as session:
        person = _person(session, actor, jobseeker_id)
        barrier = once(
            session,
            actor,
            lambda: actions.open_barrier(session, actor, person, new),
            lambda made: session.get_one(Barrier, made),
        )
        return actions.barrier_reply(actor, person, barrier)


@of_jobseekers.post("/{jobseeker_id}/barriers/{barrier_id}/close", responses=REFUSALS)
def close_barrier(
    jobseeker_id: UUID, barrier_id: UUID, closing: ClosedOn, actor: Recorder, database: DatabaseDep, once: OnceDep
) -> BarrierOut:
    """Close a barrier. Refused if already closed, or if the date is in the future or before the barrier was opened."""
    with database.writing(actor) as session:
        person = _person(session, actor, jobseeker_id)
        barrier = once(
            session,
            actor,
            lambda: actions.close_barrier(session, actor, queries.barrier(session, person, barrier_id), closing),
            lambda made: session.get_one(Barrier, made),
        )
        return actions.barrier_reply(actor, person, barrier)


@of_jobseekers.get("/{jobseeker_id}/scores", responses=documented(NotFound))
def list_scores(jobseeker_id: UUID, actor: Reader, database: DatabaseDep, page: PageDep) -> Page[ScoreOut]:
    """List the jobseeker's scores (distance travelled), each with the change since the first score on its scale.

    Each read is recorded in the access log.
    """
    _opened(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = _person(session, actor, jobseeker_id)
        return page_of_all(
            session,
            queries.scores(person),
            Score.id,
            page,
            lambda rows: actions.score_replies(session, actor, person, list(rows)),
        )


@of_jobseekers.post("/{jobseeker_id}/scores", status_code=201, responses=REFUSALS)
def record_score(jobseeker_id: UUID, new: NewScore, actor: Recorder, database: DatabaseDep, once: OnceDep) -> ScoreOut:
    """Record a score on one scale of an assessment tool. The tool's questions are not stored here.

    A second score for the same scale and day replaces the first. Refused if the date is in the future.
    """
    with database.writing(actor) as session:
        person = _person(session, actor, jobseeker_id)
        score = once(
            session,
            actor,
            lambda: actions.record_score(session, actor, person, new),
            lambda made: session.get_one(Score, made),
        )
        return actions.score_replies(session, actor, person, [score])[0]


@waiting.get("/worklist", responses=documented(Conflict))
def read_worklist(
    actor: Reader,
    database: DatabaseDep,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    *,
    mine: Annotated[bool, Query(description="If true: only the items of the cases that you own.")] = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Worklist:
    """List what needs action now, most overdue first.

    The items are check-ins, work at risk, plans, introductions, and cases without contact, activity or an offer.
    The access log records that you read about each jobseeker in the list.
    """
    if kind is not None and kind not in worklist.TEXT:
        raise RuleBroken(f"There is no such kind of item. Choose one of: {', '.join(worklist.TEXT)}.", pointer="/kind")
    with database.reading(actor) as session:
        answer, people = worklist.worklist(session, actor, kind=kind, mine=mine, limit=limit)
    audit.opened(database, actor, "worklist", [(jobseeker_id, jobseeker_id) for jobseeker_id in people])
    return answer


@waiting.get("/fidelity", responses=documented(Conflict))
def read_fidelity(
    actor: Manager,
    database: DatabaseDep,
    since: Annotated[Day | None, Query()] = None,
    until: Annotated[Day | None, Query()] = None,
) -> Fidelity:
    """Return the fidelity of your organisation: how closely it follows the supported employment model.

    The measures are caseload, days to the first employer contact, check-ins made on time and the variety of jobs.
    The default period is the last year. Refused if `since` is after `until`.
    """
    end = min(until or actor.today, actor.today)
    begin = since or date.fromordinal(max(1, end.toordinal() - A_YEAR + 1))
    if begin > end:
        raise RuleBroken("The date `since` is after the date `until`. Correct one of the two dates.", pointer="/since")
    with database.reading(actor) as session:
        return fidelity.measured(session, actor.organisation_id, begin, end)
