"""JSON of referrals: shapes and permissions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

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
from pathways.database import Database
from pathways.duplicates import actions as duplicate_actions
from pathways.errors import Conflict, NotFound, RuleBroken
from pathways.idempotency import Once
from pathways.imports import api as imports
from pathways.jobseekers.schemas import ReasonBody
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.pagination import Page, cut
from pathways.problems import documented
from pathways.referrals import actions, files, queries
from pathways.referrals.models import Referral, ReferralEvent, ReferralState
from pathways.referrals.schemas import NewReferral, ReferralChange, ReferralLine, ReferralOut, Workload, WorkloadQuery

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


@router.get("")
def list_referrals(
    actor: Reader,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[ReferralState | None, Query()] = None,
) -> Page[ReferralLine]:
    with database.reading(actor) as session:
        rows = queries.listed(actor)
        if state is not None:
            rows = rows.where(Referral.state == state)
        after = page.after_id()
        if after is not None:
            rows = rows.where(Referral.id > after)
        found = session.execute(rows.order_by(Referral.id).limit(page.limit + 1)).all()
        nation = session.get_one(Organisation, actor.organisation_id).nation
        return cut(found, page, lambda row: actions.line_reply(nation, row), lambda row: row.id)


@router.get("/workload", responses=documented(RuleBroken))
def count_workload(actor: Counter, database: DatabaseDep, days: Annotated[WorkloadQuery, Query()]) -> Workload:
    """How many referrals came in some days, about how many people; a repeat referral counts once more."""
    with database.reading(actor) as session:
        return actions.workload(session, actor, days)


@router.post("", status_code=201, responses=documented(Conflict, NotFound))
def submit_referral(
    new: NewReferral, actor: Maker, database: DatabaseDep, once: OnceDep, response: Response
) -> ReferralOut:
    """Refer a jobseeker to a partner. Formats that look wrong come back as warnings; nothing bars a person."""
    with database.writing(actor) as session:
        referral = once(
            session,
            actor,
            lambda: actions.submit(session, actor, new),
            lambda made: queries.referral(session, actor, made),
        )
        etag(response, referral.version)
        answer = actions.reply(session, actor, referral)
    duplicate_actions.find_simultaneous(database, actor, [referral.jobseeker_id])
    return answer


def _partner(
    actor: Importer,
    database: DatabaseDep,
    partner_id: Annotated[UUID | None, Query(description="To whom; a caseworker's own partner when left out.")] = None,
) -> UUID:
    if actor.role is not Role.REFERRER:
        if partner_id not in {None, actor.organisation_id}:
            raise RuleBroken("You may import referrals to your own organisation only.", pointer="/partner_id")
        return actor.organisation_id
    with database.reading(actor) as session:
        partner = session.get(Organisation, partner_id) if partner_id else None
        if partner is None or partner.kind is not OrganisationKind.VOLUNTARY_SECTOR_PARTNER:
            raise RuleBroken("Name the partner to refer to.", pointer="/partner_id")
        return partner.id


router.include_router(imports.routes(files.KIND, Permission.REFERRAL_IMPORT, _partner))


@router.get("/{referral_id}", responses=documented(NotFound))
def get_referral(referral_id: UUID, actor: Reader, database: DatabaseDep, response: Response) -> ReferralOut:
    with database.reading(actor) as session:
        jobseeker_id = queries.referral(session, actor, referral_id).jobseeker_id
    audit.opened(database, actor, "referrals", [(referral_id, jobseeker_id)])
    with database.reading(actor) as session:
        referral = queries.referral(session, actor, referral_id)
        etag(response, referral.version)
        return actions.reply(session, actor, referral)


@router.patch("/{referral_id}", responses=documented(NotFound))
def change_referral(
    referral_id: UUID,
    change: ReferralChange,
    actor: Changer,
    database: DatabaseDep,
    version: IfMatch,
    response: Response,
) -> ReferralOut:
    """Change what the referrer says, until it is decided."""
    with database.writing(actor) as session:
        referral = queries.referral(session, actor, referral_id, for_update=True)
        expect_version(referral, version)
        actions.change(session, actor, referral, change)
        etag(response, referral.version)
        return actions.reply(session, actor, referral)


def _move(
    referral_id: UUID, actor: Actor, database: Database, once: Once, event: ReferralEvent, reason: str = ""
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
            lambda made: queries.referral(session, actor, made),
        )
        return actions.reply(session, actor, referral)


@router.post("/{referral_id}/acknowledge", responses=documented(NotFound, Conflict))
def acknowledge_referral(referral_id: UUID, actor: Acknowledger, database: DatabaseDep, once: OnceDep) -> ReferralOut:
    """Tell the referrer that it has arrived; the clock is two working days."""
    return _move(referral_id, actor, database, once, ReferralEvent.ACKNOWLEDGE)


@router.post("/{referral_id}/accept", responses=documented(NotFound, Conflict))
def accept_referral(referral_id: UUID, actor: Accepter, database: DatabaseDep, once: OnceDep) -> ReferralOut:
    """Accept a referral, acknowledging it at once where nobody has; the case opens."""
    return _move(referral_id, actor, database, once, ReferralEvent.ACCEPT)


@router.post("/{referral_id}/decline", responses=documented(NotFound, Conflict))
def decline_referral(
    referral_id: UUID, reason: ReasonBody, actor: Decliner, database: DatabaseDep, once: OnceDep
) -> ReferralOut:
    return _move(referral_id, actor, database, once, ReferralEvent.DECLINE, reason.reason)


@router.post("/{referral_id}/withdraw", responses=documented(NotFound, Conflict))
def withdraw_referral(
    referral_id: UUID, reason: ReasonBody, actor: Withdrawer, database: DatabaseDep, once: OnceDep
) -> ReferralOut:
    return _move(referral_id, actor, database, once, ReferralEvent.WITHDRAW, reason.reason)
