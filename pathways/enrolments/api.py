"""Routes for enrolments."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from pathways import audit
from pathways.access.guards import (
    DatabaseDep,
    IfMatch,
    OnceDep,
    PageDep,
    PathwaysRoute,
    etag,
    expect_version,
    must_be_permitted,
    must_hold_too,
    permitted,
)
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.duplicates.actions import visible_candidates
from pathways.enrolments import actions, queries
from pathways.enrolments.models import Enrolment
from pathways.enrolments.schemas import Assignment, EnrolmentChange, EnrolmentEnding, EnrolmentOut, NewEnrolment
from pathways.errors import Conflict, NotFound
from pathways.jobseekers.schemas import ReasonBody
from pathways.pagination import Page, page_of_all
from pathways.problems import documented
from pathways.referrals.api import StageSourcesDep

router = APIRouter(prefix="/enrolments", tags=["enrolments"], route_class=PathwaysRoute)
Reader = Annotated[Actor, permitted(Permission.ENROLMENT_READ)]
Maker = Annotated[Actor, permitted(Permission.ENROLMENT_MAKE)]
Assigner = Annotated[Actor, permitted(Permission.ENROLMENT_ASSIGN)]
Ender = Annotated[Actor, permitted(Permission.ENROLMENT_END)]


def get_start_checks(request: Request) -> Sequence[actions.StartCheck]:
    checks: Sequence[actions.StartCheck] = request.app.state.start_checks
    return checks


StartChecksDep = Annotated[Sequence[actions.StartCheck], Depends(get_start_checks)]


@router.get("")
def list_enrolments(
    actor: Reader,
    database: DatabaseDep,
    page: PageDep,
    jobseeker: Annotated[UUID | None, Query()] = None,
    programme: Annotated[UUID | None, Query()] = None,
) -> Page[EnrolmentOut]:
    """List enrolments of the jobseekers you may see."""
    with database.reading(actor) as session:
        rows = queries.visible_to(actor)
        if jobseeker is not None:
            rows = rows.where(Enrolment.jobseeker_id == jobseeker)
        if programme is not None:
            rows = rows.where(Enrolment.programme_id == programme)
        return page_of_all(session, rows, Enrolment.id, page, lambda rows: actions.replies(session, actor, rows))


@router.post("", status_code=201, responses=documented(Conflict, NotFound))
def start_enrolment(
    new: NewEnrolment, actor: Maker, database: DatabaseDep, once: OnceDep, response: Response
) -> EnrolmentOut:
    """Start a jobseeker on a programme, based on an accepted referral. With ``accept``, accept it in the same step.

    It is refused if the jobseeker already has an open enrolment. It is also refused if the start date is in the
    future, before the referral or on a day on which the programme does not run. If ``accept`` is true, the key also
    needs the permission to accept referrals, a refusal leaves the referral as it was, and the reply says in ``may_be``
    which of your records may be the same person.
    """
    if new.accept:
        must_be_permitted(actor, Permission.REFERRAL_ACCEPT)
    if new.caseworker_id not in {None, actor.membership_id}:
        must_hold_too(actor, Permission.ENROLMENT_ASSIGN)
    with database.writing(actor) as session:
        enrolment = once(
            session,
            actor,
            lambda: actions.start(session, actor, new),
            lambda made: queries.enrolment(session, actor, made),
        )
        etag(response, enrolment.version)
        reply = actions.reply(session, actor, enrolment)
    if not new.accept:
        return reply
    return reply.model_copy(update={"may_be": visible_candidates(database, actor, [reply.jobseeker_id])})


@router.get("/{enrolment_id}", responses=documented(NotFound))
def get_enrolment(enrolment_id: UUID, actor: Reader, database: DatabaseDep, response: Response) -> EnrolmentOut:
    """Return one enrolment. The access is recorded in the jobseeker's access log."""
    with database.reading(actor) as session:
        jobseeker_id = queries.enrolment(session, actor, enrolment_id).jobseeker_id
    audit.opened(database, actor, "enrolments", [(enrolment_id, jobseeker_id)])
    with database.reading(actor) as session:
        enrolment = queries.enrolment(session, actor, enrolment_id)
        etag(response, enrolment.version)
        return actions.reply(session, actor, enrolment)


@router.patch("/{enrolment_id}", responses=documented(NotFound, Conflict))
def change_enrolment(
    enrolment_id: UUID,
    change: EnrolmentChange,
    actor: Maker,
    database: DatabaseDep,
    version: IfMatch,
    response: Response,
    checks: StartChecksDep,
) -> EnrolmentOut:
    """Correct the start date, by the rules for a new enrolment. A date after the enrolment's end is refused.

    A date after the start of a spell of work of the enrolment is refused, unless the spell was voided. While an outcome
    is recorded, the date cannot change: withdraw the outcome first.
    """
    with database.writing(actor) as session:
        enrolment = queries.enrolment(session, actor, enrolment_id, for_update=True)
        expect_version(enrolment, version)
        actions.correct_start(session, actor, enrolment, change, checks)
        etag(response, enrolment.version)
        return actions.reply(session, actor, enrolment)


@router.post("/{enrolment_id}/assign", responses=documented(NotFound, Conflict))
def assign_caseworker(
    enrolment_id: UUID, new: Assignment, actor: Assigner, database: DatabaseDep, once: OnceDep
) -> EnrolmentOut:
    """Assign another caseworker to an open enrolment. The member must be a current caseworker or team manager."""
    with database.writing(actor) as session:
        enrolment = once(
            session,
            actor,
            lambda: actions.assign(
                session, actor, queries.enrolment(session, actor, enrolment_id, for_update=True), new
            ),
            lambda made: queries.enrolment(session, actor, made),
        )
        return actions.reply(session, actor, enrolment)


@router.post("/{enrolment_id}/end", responses=documented(NotFound, Conflict))
def end_enrolment(
    enrolment_id: UUID,
    ending: EnrolmentEnding,
    actor: Ender,
    database: DatabaseDep,
    once: OnceDep,
    sources: StageSourcesDep,
) -> EnrolmentOut:
    """End an open enrolment, with a reason. An end date in the future or before the start date is refused.

    The reason ``in_work`` is refused while no spell of work is recorded, unless ``without_spell_because`` says why.
    """
    with database.writing(actor) as session:
        enrolment = once(
            session,
            actor,
            lambda: actions.leave(
                session, actor, queries.enrolment(session, actor, enrolment_id, for_update=True), ending, sources
            ),
            lambda made: queries.enrolment(session, actor, made),
        )
        return actions.reply(session, actor, enrolment)


@router.post("/{enrolment_id}/resume", responses=documented(NotFound, Conflict))
def resume_enrolment(
    enrolment_id: UUID, reason: ReasonBody, actor: Ender, database: DatabaseDep, once: OnceDep
) -> EnrolmentOut:
    """Reopen an enrolment whose end was recorded by mistake. It is refused if another enrolment is open."""
    with database.writing(actor) as session:
        enrolment = once(
            session,
            actor,
            lambda: actions.resume(
                session, actor, queries.enrolment(session, actor, enrolment_id, for_update=True), reason.reason
            ),
            lambda made: queries.enrolment(session, actor, made),
        )
        return actions.reply(session, actor, enrolment)
