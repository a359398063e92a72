"""Routes about referrals, with their permissions."""

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
    permitted,
)
from pathways.access.permissions import Permission
from pathways.base import Actor, Role
from pathways.database import Database, Session
from pathways.duplicates import actions as duplicate_actions
from pathways.errors import Conflict, NotFound, RuleBroken
from pathways.idempotency import Once
from pathways.imports import api as imports
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.schemas import ReasonBody
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.pagination import Page, cut
from pathways.problems import documented
from pathways.referrals import actions, files, progress, queries
from pathways.referrals.models import ProgressPermission, Referral, ReferralEvent, ReferralState, StageSource
from pathways.referrals.schemas import (
    NewProgressPermission,
    NewReferral,
    ProgressPermissionOut,
    ReferralChange,
    ReferralLine,
    ReferralOut,
    Workload,
    WorkloadQuery,
)

router = APIRouter(prefix="/referrals", tags=["referrals"], route_class=PathwaysRoute)
Reader = Annotated[Actor, permitted(Permission.REFERRAL_READ)]
Maker = Annotated[Actor, permitted(Permission.REFERRAL_MAKE)]
Changer = Annotated[Actor, permitted(Permission.REFERRAL_CHANGE)]
Accepter = Annotated[Actor, permitted(Permission.REFERRAL_ACCEPT)]
Acknowledger = Annotated[Actor, permitted(Permission.REFERRAL_ACKNOWLEDGE)]
Decliner = Annotated[Actor, permitted(Permission.REFERRAL_DECLINE)]
Withdrawer = Annotated[Actor, permitted(Permission.REFERRAL_WITHDRAW)]
Counter = Annotated[Actor, permitted(Permission.REFERRAL_COUNT)]
Importer = Annotated[Actor, permitted(Permission.REFERRAL_IMPORT)]
Permitter = Annotated[Actor, permitted(Permission.PERMISSION_RECORD)]


def get_stage_sources(request: Request) -> Sequence[StageSource]:
    sources: Sequence[StageSource] = request.app.state.stage_sources
    return sources


StageSourcesDep = Annotated[Sequence[StageSource], Depends(get_stage_sources)]


def _reply(session: Session, actor: Actor, referral: Referral, sources: Sequence[StageSource]) -> ReferralOut:
    return progress.with_progress(session, actor, referral, actions.reply(session, actor, referral), sources)


@router.get("")
def list_referrals(
    actor: Reader,
    database: DatabaseDep,
    page: PageDep,
    sources: StageSourcesDep,
    state: Annotated[ReferralState | None, Query()] = None,
) -> Page[ReferralLine]:
    """List referrals. A referrer sees those of its organisation; partner staff see those of jobseekers they may see.

    A referrer reads in ``progress`` what became of each of its people.
    """
    with database.reading(actor) as session:
        rows = queries.listed(actor)
        if state is not None:
            rows = rows.where(Referral.state == state)
        after = page.after_id()
        if after is not None:
            rows = rows.where(Referral.id > after)
        listed = session.execute(rows.order_by(Referral.id).limit(page.limit + 1)).all()
        nation = session.get_one(Organisation, actor.organisation_id).nation
        people = jobseeker_queries.cases(session, (row.jobseeker_id for row in listed[: page.limit]))
        lines = cut(
            listed,
            page,
            lambda row: actions.line_reply(actor, nation, row, people[row.jobseeker_id]),
            lambda row: row.id,
        )
        items = progress.with_progress_of_lines(session, actor, lines.items, sources)
        return lines.model_copy(update={"items": items})


@router.get("/workload", responses=documented(RuleBroken))
def count_workload(actor: Counter, database: DatabaseDep, days: Annotated[WorkloadQuery, Query()]) -> Workload:
    """Count the referrals (repeat referrals included) and the different people referred in a period."""
    with database.reading(actor) as session:
        return actions.workload(session, actor, days)


@router.post("", status_code=201, responses=documented(Conflict, NotFound))
def submit_referral(
    new: NewReferral,
    actor: Maker,
    database: DatabaseDep,
    once: OnceDep,
    sources: StageSourcesDep,
    response: Response,
) -> ReferralOut:
    """Submit a referral of a jobseeker to a partner.

    A value in an unusual format is saved, and the reply contains a warning. A reference already in use is refused. The
    partner's staff read in ``may_be`` which of their records may be the same person.
    """
    with database.writing(actor) as session:
        referral = once(
            session,
            actor,
            lambda: actions.submit(session, actor, new),
            lambda referral_id: queries.referral(session, actor, referral_id),
        )
        etag(response, referral.version)
        reply = _reply(session, actor, referral, sources)
    return _with_candidates(database, actor, reply, referral)


def _with_candidates(database: Database, actor: Actor, reply: ReferralOut, referral: Referral) -> ReferralOut:
    """Add the records that may be the referred person. A referrer learns nothing about the partner's records."""
    if actor.role is Role.REFERRER:
        return reply
    may_be = duplicate_actions.visible_candidates(database, actor, [referral.jobseeker_id])
    return reply.model_copy(update={"may_be": may_be})


def _partner(
    actor: Importer,
    database: DatabaseDep,
    partner_id: Annotated[
        UUID | None, Query(description="The partner to refer to. Leave it out if you work for the partner.")
    ] = None,
) -> UUID:
    if actor.role is not Role.REFERRER:
        if partner_id not in {None, actor.organisation_id}:
            raise RuleBroken(
                "You can only import referrals to your own organisation. Leave the partner out (partner_id).",
                pointer="/partner_id",
            )
        return actor.organisation_id
    with database.reading(actor) as session:
        partner = session.get(Organisation, partner_id) if partner_id else None
        if partner is None or partner.kind is not OrganisationKind.VOLUNTARY_SECTOR_PARTNER:
            raise RuleBroken(
                "The partner is missing or unknown. Choose the voluntary-sector partner to refer to.",
                pointer="/partner_id",
            )
        return partner.id


_STEPS = (Permission.REFERRAL_MAKE, Permission.REFERRAL_CHANGE)
router.include_router(imports.routes(files.KIND, Permission.REFERRAL_IMPORT, _partner, _STEPS))


@router.get("/{referral_id}", responses=documented(NotFound))
def get_referral(
    referral_id: UUID, actor: Reader, database: DatabaseDep, sources: StageSourcesDep, response: Response
) -> ReferralOut:
    """Return one referral, with what became of it and its person. Opening it is recorded in the audit log.

    Without the jobseeker's agreement (``POST /referrals/{id}/progress-permission``), a referrer reads only that the
    referral was received, accepted, declined (with its reason) or withdrawn, and that the case was closed. About a
    restricted case it reads only the answer to the referral.
    """
    with database.reading(actor) as session:
        jobseeker_id = queries.referral(session, actor, referral_id).jobseeker_id
    audit.opened(database, actor, "referrals", [(referral_id, jobseeker_id)])
    with database.reading(actor) as session:
        referral = queries.referral(session, actor, referral_id)
        etag(response, referral.version)
        return _reply(session, actor, referral, sources)


@router.patch("/{referral_id}", responses=documented(NotFound))
def change_referral(
    referral_id: UUID,
    change: ReferralChange,
    actor: Changer,
    database: DatabaseDep,
    version: IfMatch,
    sources: StageSourcesDep,
    response: Response,
) -> ReferralOut:
    """Change the details that the referrer gave. Refused once the referral is accepted, declined or withdrawn."""
    with database.writing(actor) as session:
        referral = queries.referral(session, actor, referral_id, for_update=True)
        expect_version(referral, version)
        actions.change(session, actor, referral, change)
        etag(response, referral.version)
        reply = _reply(session, actor, referral, sources)
    return _with_candidates(database, actor, reply, referral)


def _move(
    referral_id: UUID,
    actor: Actor,
    database: Database,
    once: Once,
    sources: Sequence[StageSource],
    event: ReferralEvent,
    reason: str = "",
) -> ReferralOut:
    with database.writing(actor) as session:
        referral = once(
            session,
            actor,
            lambda: actions.move(
                session,
                actor,
                queries.referral(session, actor, referral_id, for_update=True),
                event,
                reason=reason,
            ),
            lambda moved_id: queries.referral(session, actor, moved_id),
        )
        reply = _reply(session, actor, referral, sources)
    return _with_candidates(database, actor, reply, referral) if event is ReferralEvent.ACCEPT else reply


@router.post("/{referral_id}/acknowledge", responses=documented(NotFound, Conflict))
def acknowledge_referral(
    referral_id: UUID, actor: Acknowledger, database: DatabaseDep, once: OnceDep, sources: StageSourcesDep
) -> ReferralOut:
    """Acknowledge a referral (due two working days after its arrival). Refused unless its state is ``submitted``."""
    return _move(referral_id, actor, database, once, sources, ReferralEvent.ACKNOWLEDGE)


@router.post("/{referral_id}/accept", responses=documented(NotFound, Conflict))
def accept_referral(
    referral_id: UUID, actor: Accepter, database: DatabaseDep, once: OnceDep, sources: StageSourcesDep
) -> ReferralOut:
    """Accept a referral and open the case.

    This also acknowledges the referral, if necessary, and notifies the referrer. Refused if it is already accepted,
    declined or withdrawn. ``POST /enrolments`` with ``accept`` accepts and enrols in one step.
    """
    return _move(referral_id, actor, database, once, sources, ReferralEvent.ACCEPT)


@router.post("/{referral_id}/decline", responses=documented(NotFound, Conflict))
def decline_referral(
    referral_id: UUID,
    reason: ReasonBody,
    actor: Decliner,
    database: DatabaseDep,
    once: OnceDep,
    sources: StageSourcesDep,
) -> ReferralOut:
    """Decline a referral, with a reason. Refused if it is already accepted, declined or withdrawn.

    The referrer is notified and reads the reason: write nothing in it that the referrer may not know.
    """
    return _move(referral_id, actor, database, once, sources, ReferralEvent.DECLINE, reason.reason)


@router.post("/{referral_id}/withdraw", responses=documented(NotFound, Conflict))
def withdraw_referral(
    referral_id: UUID,
    reason: ReasonBody,
    actor: Withdrawer,
    database: DatabaseDep,
    once: OnceDep,
    sources: StageSourcesDep,
) -> ReferralOut:
    """Withdraw a referral, with a reason. Refused if it is already accepted, declined or withdrawn."""
    return _move(referral_id, actor, database, once, sources, ReferralEvent.WITHDRAW, reason.reason)


@router.post("/{referral_id}/progress-permission", status_code=201, responses=documented(NotFound, Conflict))
def record_progress_permission(
    referral_id: UUID, new: NewProgressPermission, actor: Permitter, database: DatabaseDep, once: OnceDep
) -> ProgressPermissionOut:
    """Record what the jobseeker agreed that the referrer may read of their progress.

    It replaces what was agreed before, and an empty list of stages revokes it. Refused for a self-referral, and for a
    restricted case. A later restriction of the case ends the agreement.
    """
    with database.writing(actor) as session:
        permission = once(
            session,
            actor,
            lambda: progress.agree(session, actor, queries.referral(session, actor, referral_id, for_update=True), new),
            lambda made: session.get_one(ProgressPermission, made),
        )
        return ProgressPermissionOut.model_validate(permission)
