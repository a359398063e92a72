"""JSON routes for a casefile: timeline, access log, extract, close, void and merge."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, must_hold_too, permitted
from pathways.access.permissions import Permission
from pathways.audit import AuditRow, opened
from pathways.base import Actor, Role
from pathways.casefile import actions, merging
from pathways.casefile.schemas import AccessLine, Extract, MergeOut, NewMerge, TimelinePage, UndoneOut
from pathways.duplicates.actions import visible_candidates
from pathways.enrolments import actions as enrolment_actions
from pathways.enrolments.schemas import Closing, Reopening
from pathways.errors import Conflict, NotFound
from pathways.holdings import Holding
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Merge
from pathways.jobseekers.schemas import JobseekerOut, ReasonBody
from pathways.pagination import Page, page_of
from pathways.problems import documented
from pathways.referrals.api import StageSourcesDep

router = APIRouter(prefix="/jobseekers", tags=["casefile"], route_class=PathwaysRoute)
Reader = Annotated[Actor, permitted(Permission.JOBSEEKER_READ)]
LogReader = Annotated[Actor, permitted(Permission.ACCESS_LOG_READ)]
Extracter = Annotated[Actor, permitted(Permission.JOBSEEKER_EXTRACT)]
Closer = Annotated[Actor, permitted(Permission.JOBSEEKER_CLOSE)]
Merger = Annotated[Actor, permitted(Permission.JOBSEEKER_MERGE)]
Voider = Annotated[Actor, permitted(Permission.JOBSEEKER_VOID)]


def get_holdings(request: Request) -> Sequence[Holding]:
    holdings: Sequence[Holding] = request.app.state.holdings
    return holdings


HoldingsDep = Annotated[Sequence[Holding], Depends(get_holdings)]


@router.get("/{jobseeker_id}/timeline", responses=documented(NotFound, Conflict))
def get_timeline(
    jobseeker_id: UUID, actor: Reader, database: DatabaseDep, holdings: HoldingsDep, page: PageDep
) -> TimelinePage:
    """List what happened to a jobseeker, oldest first, and when each event was recorded.

    The access is recorded in the jobseeker's access log.
    """
    with database.reading(actor) as session:
        jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    opened(database, actor, "jobseekers", [(jobseeker_id, jobseeker_id)])
    with database.reading(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
        return actions.timeline(session, holdings, person, page)


@router.get("/{jobseeker_id}/access-log", responses=documented(NotFound))
def get_access_log(jobseeker_id: UUID, actor: LogReader, database: DatabaseDep, page: PageDep) -> Page[AccessLine]:
    """List who opened or changed a jobseeker's record. Auditors see only accesses by their own organisation."""
    with database.reading(actor) as session:
        rows = actions.access_log(session, jobseeker_id)
        if actor.role is Role.AUDITOR:
            rows = rows.where(AuditRow.organisation_id == actor.organisation_id)
        else:
            jobseeker_queries.jobseeker(session, actor, jobseeker_id)
        return page_of(session, rows, AuditRow.id, page, AccessLine.model_validate)


@router.get("/{jobseeker_id}/extract", responses=documented(NotFound))
def get_extract(jobseeker_id: UUID, actor: Extracter, database: DatabaseDep, holdings: HoldingsDep) -> Extract:
    """Return all data held about a jobseeker, to answer a subject access request. The access is logged."""
    with database.reading(actor) as session:
        jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    opened(database, actor, "jobseekers", [(jobseeker_id, jobseeker_id)])
    with database.reading(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
        return actions.extract(session, actor, holdings, person)


@router.post("/{jobseeker_id}/close", responses=documented(NotFound, Conflict))
def close_case(
    jobseeker_id: UUID,
    closing: Closing,
    actor: Closer,
    database: DatabaseDep,
    holdings: HoldingsDep,
    sources: StageSourcesDep,
    once: OnceDep,
) -> JobseekerOut:
    """Close a case: open introductions are withdrawn and the open enrolment ends. The case can be reopened.

    The reason ``in_work`` is refused while no spell of work is recorded, unless ``without_spell_because`` says why.
    """
    with database.writing(actor) as session:
        person = once(
            session,
            actor,
            lambda: actions.close(
                session,
                actor,
                holdings,
                jobseeker_queries.jobseeker(session, actor, jobseeker_id, for_update=True),
                closing,
                sources,
            ),
            lambda made: jobseeker_queries.jobseeker(session, actor, made),
        )
        return jobseeker_actions.reply(session, actor, person)


@router.post("/{jobseeker_id}/reopen", responses=documented(NotFound, Conflict))
def reopen_case(
    jobseeker_id: UUID, reopening: Reopening, actor: Closer, database: DatabaseDep, once: OnceDep
) -> JobseekerOut:
    """Reopen a closed case, with a reason. Refused if the case is not closed.

    If the last enrolment has ended, ``resume_enrolment`` must say whether it continues. If it does, a limited key also
    needs the permission to end and resume enrolments.
    """
    if reopening.resume_enrolment:
        must_hold_too(actor, Permission.ENROLMENT_END)
    with database.writing(actor) as session:
        person = once(
            session,
            actor,
            lambda: enrolment_actions.reopen_case(
                session,
                actor,
                jobseeker_queries.jobseeker(session, actor, jobseeker_id, for_update=True),
                reopening,
            ),
            lambda made: jobseeker_queries.jobseeker(session, actor, made),
        )
        return jobseeker_actions.reply(session, actor, person)


@router.post("/{jobseeker_id}/void", responses=documented(NotFound, Conflict))
def void_record(
    jobseeker_id: UUID,
    reason: ReasonBody,
    actor: Voider,
    database: DatabaseDep,
    holdings: HoldingsDep,
    once: OnceDep,
) -> JobseekerOut:
    """Void a record that was made by mistake. All open work on the record ends. Only team managers can still see it."""
    with database.writing(actor) as session:
        person = once(
            session,
            actor,
            lambda: actions.void(
                session,
                actor,
                holdings,
                jobseeker_queries.jobseeker(session, actor, jobseeker_id, for_update=True),
                reason.reason,
            ),
            lambda made: jobseeker_queries.jobseeker(session, actor, made),
        )
        return jobseeker_actions.reply(session, actor, person)


@router.post("/{jobseeker_id}/merge", status_code=201, responses=documented(NotFound, Conflict))
def merge_records(
    jobseeker_id: UUID,
    new: NewMerge,
    actor: Merger,
    database: DatabaseDep,
    holdings: HoldingsDep,
    once: OnceDep,
) -> MergeOut:
    """Merge a duplicate record of the same jobseeker into this one. Both histories remain. The merge can be undone.

    The merge is refused if the records are marked as different people or an introduction breaks a safety exclusion. It
    is also refused if both have an open enrolment, are put forward for one placement or claim for the same work.
    """
    with database.writing(actor) as session:
        made = once(
            session,
            actor,
            lambda: merging.merge(session, actor, holdings, jobseeker_id, new.other_id, new.reason),
            lambda merge_id: session.get_one(Merge, merge_id),
        )
        reply = merging.reply(session, actor, made)
    return reply.model_copy(update={"may_be": visible_candidates(database, actor, [jobseeker_id])})


@router.get("/{jobseeker_id}/merges", responses=documented(NotFound))
def list_merges(jobseeker_id: UUID, actor: Merger, database: DatabaseDep, page: PageDep) -> Page[MergeOut]:
    """List the merges of other records into this record, except for merges that were undone."""
    with database.reading(actor) as session:
        rows = jobseeker_queries.merges_into(jobseeker_queries.jobseeker(session, actor, jobseeker_id))
        merges = page_of(session, rows, Merge.id, page, lambda row: row)
        return Page[MergeOut](items=merging.replies(session, actor, merges.items), next=merges.next)


@router.post("/{jobseeker_id}/merges/{merge_id}/undo", responses=documented(NotFound, Conflict))
def undo_merge(
    jobseeker_id: UUID, merge_id: UUID, reason: ReasonBody, actor: Merger, database: DatabaseDep, holdings: HoldingsDep
) -> UndoneOut:
    """Undo a merge and separate the two records. The reply lists later edits, which the undo leaves as they are.

    Refused if a later merge must be undone first, or if data recorded since this merge belongs to both records.
    """
    with database.writing(actor) as session:
        made = jobseeker_queries.merge(session, actor, jobseeker_id, merge_id)
        undone = merging.undo(session, actor, holdings, made, reason.reason)[1]
    both = [undone.jobseeker_id, undone.restored_id]
    return undone.model_copy(update={"may_be": visible_candidates(database, actor, both)})
