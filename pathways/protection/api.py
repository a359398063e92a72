"""Routes that record protective facts. Each reply says what stopped at once and what a person must decide."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from pathways.access.guards import DatabaseDep, IfMatch, OnceDep, PathwaysRoute, etag, expect_version, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.errors import Conflict, NotFound, NotPermitted
from pathways.fields import Group
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import exclusions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.api import CandidatesDep, open_record
from pathways.jobseekers.models import SafetyExclusion, SharingPermission
from pathways.jobseekers.schemas import (
    JobseekerChange,
    JobseekerOut,
    NewPermission,
    NewSafetyExclusion,
    ReasonBody,
    SafetyExclusionOut,
)
from pathways.problems import documented
from pathways.protection import actions
from pathways.protection.schemas import (
    CaseRestricted,
    ExclusionRecorded,
    JobseekerChanged,
    PermissionGranted,
    PermissionRevoked,
    StoppedOut,
)

router = APIRouter(prefix="/jobseekers", tags=["jobseekers"], route_class=PathwaysRoute)
SafetyReader = Annotated[Actor, permitted(Permission.SAFETY_READ)]
SafetyRecorder = Annotated[Actor, permitted(Permission.SAFETY_RECORD)]
PermissionRecorder = Annotated[Actor, permitted(Permission.PERMISSION_RECORD)]
Changer = Annotated[Actor, permitted(Permission.JOBSEEKER_CHANGE)]
Lifter = Annotated[Actor, permitted(Permission.RESTRICTION_LIFT)]


@router.patch("/{jobseeker_id}", responses=documented(NotFound))
def change_jobseeker(
    jobseeker_id: UUID,
    change: JobseekerChange,
    actor: Changer,
    database: DatabaseDep,
    version: IfMatch,
    response: Response,
    candidates: CandidatesDep,
) -> JobseekerChanged:
    """Change identity and contact details. A field that is left out keeps its value.

    Records that may be the same person by the changed details are listed in `may_be`. A reason to withhold contact
    details acts at once, and the reply says in `stopped` which social enterprises had already read them.
    `is_restricted` can only be set to true here. A team manager lifts a restriction with `lift-restriction`.
    """
    with database.writing(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id, for_update=True)
        expect_version(person, version)
        changes = change.model_dump(exclude_unset=True)
        actions.change(session, actor, person, changes)
        etag(response, person.version)
        reply = actions.changed(session, actor, person, changes)
    return reply.model_copy(update={"may_be": candidates(database, actor, [jobseeker_id])})


@router.post("/{jobseeker_id}/safety-exclusions", status_code=201, responses=documented(NotFound, Conflict))
def exclude_for_safety(
    jobseeker_id: UUID, new: NewSafetyExclusion, actor: SafetyRecorder, database: DatabaseDep, once: OnceDep
) -> ExclusionRecorded:
    """Record that this jobseeker must be kept away from an organisation, a person or an area. It acts at once.

    Open introductions that it covers are withdrawn, the permissions of that social enterprise are revoked, decision
    links end and messages are cancelled; nobody outside learns why. The reply says what was stopped, what you must
    decide, what the social enterprise had already read, and which placements the exclusion bars today.
    """
    with database.writing(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id, for_update=True)
        exclusion = once(
            session,
            actor,
            lambda: actions.exclude(session, actor, person, new),
            lambda exclusion_id: session.get_one(SafetyExclusion, exclusion_id),
        )
        return actions.exclusion_recorded(session, actor, person, exclusion)


@router.post("/{jobseeker_id}/safety-exclusions/{exclusion_id}/withdraw", responses=documented(NotFound, Conflict))
def withdraw_safety_exclusion(
    jobseeker_id: UUID,
    exclusion_id: UUID,
    reason: ReasonBody,
    actor: SafetyRecorder,
    database: DatabaseDep,
    once: OnceDep,
) -> SafetyExclusionOut:
    """Withdraw a safety exclusion, with a reason. The exclusion and its withdrawal remain on record."""
    with database.writing(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id, for_update=True)
        withdrawal = once(
            session,
            actor,
            lambda: actions.withdraw_exclusion(
                session,
                actor,
                person,
                jobseeker_queries.fact(session, SafetyExclusion, person, exclusion_id),
                reason.reason,
            ),
            lambda withdrawal_id: session.get_one(SafetyExclusion, withdrawal_id),
        )
        return exclusions.exclusion_reply(session, actor, person, withdrawal)


@router.post("/{jobseeker_id}/permissions", status_code=201, responses=documented(NotFound, Conflict))
def grant_permission(
    jobseeker_id: UUID, new: NewPermission, actor: PermissionRecorder, database: DatabaseDep, once: OnceDep
) -> PermissionGranted:
    """Record that the jobseeker lets one social enterprise read given groups of fields. Refused for a void record.

    A permission for fewer groups than before acts at once. The reply says in `already_read` what the social enterprise
    had read in the others.
    """
    with database.writing(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id, for_update=True)
        permission = once(
            session,
            actor,
            lambda: actions.grant(session, actor, person, new),
            lambda permission_id: session.get_one(SharingPermission, permission_id),
        )
        return actions.permission_granted(session, actor, person, permission)


@router.post("/{jobseeker_id}/permissions/{permission_id}/revoke", responses=documented(NotFound, Conflict))
def revoke_permission(
    jobseeker_id: UUID,
    permission_id: UUID,
    reason: ReasonBody,
    actor: PermissionRecorder,
    database: DatabaseDep,
    once: OnceDep,
) -> PermissionRevoked:
    """Revoke a permission at once: the social enterprise can read none of the permitted fields from now on.

    Its introductions of this jobseeker stop until there is a new permission; links end and messages are cancelled. The
    reply says what it had already read. Refused if the permission is already revoked.
    """
    with database.writing(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id, for_update=True)
        permission = once(
            session,
            actor,
            lambda: actions.revoke(
                session,
                actor,
                person,
                jobseeker_queries.fact(session, SharingPermission, person, permission_id),
                reason.reason,
            ),
            lambda new_id: session.get_one(SharingPermission, new_id),
        )
        return actions.permission_revoked(session, actor, person, permission)


@router.get("/{jobseeker_id}/stopped", responses=documented(NotFound))
def get_stopped(jobseeker_id: UUID, actor: SafetyReader, database: DatabaseDep) -> StoppedOut:
    """Return what safety exclusions withdrew, whenever they did, what you must decide now, and what had been read.

    An exclusion can come to cover an introduction later, for instance by a new member of a social enterprise. Needs
    the right to read safety exclusions of this jobseeker. Each read is recorded in the access log.
    """
    open_record(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
        if Group.SAFETY not in jobseeker_queries.visible_groups(actor, person):
            raise NotPermitted("You may not read the safety exclusions of this jobseeker. Ask a team manager.")
        return actions.stopped_so_far(session, person)


@router.post("/{jobseeker_id}/restrict", responses=documented(NotFound, Conflict))
def restrict_case(
    jobseeker_id: UUID, reason: ReasonBody, actor: Changer, database: DatabaseDep, once: OnceDep
) -> CaseRestricted:
    """Restrict a case to its caseworker and the team managers, with a reason. It acts at once.

    Every permission to share is revoked, so that the caseworker asks the jobseeker again. The reply says what stopped.
    """
    with database.writing(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id, for_update=True)
        once(session, actor, lambda: actions.restrict(session, actor, person, reason.reason), lambda _: person)
        return actions.case_restricted(session, actor, person)


@router.post("/{jobseeker_id}/lift-restriction", responses=documented(NotFound, Conflict))
def lift_restriction(
    jobseeker_id: UUID, reason: ReasonBody, actor: Lifter, database: DatabaseDep, once: OnceDep
) -> JobseekerOut:
    """Lift the restriction of a case, with a reason. Only a team manager may. Revoked permissions stay revoked."""
    with database.writing(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id, for_update=True)
        once(session, actor, lambda: actions.lift(session, actor, person, reason.reason), lambda _: person)
        return jobseeker_actions.reply(session, actor, person)
