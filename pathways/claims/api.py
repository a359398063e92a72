"""JSON of claims."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pathways import audit
from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.claims import actions, queries
from pathways.claims.models import Claim, ClaimEvent, ClaimState
from pathways.claims.schemas import Because, ClaimOut, Declaration, NewClaim, Payment
from pathways.database import Database, WriteSession
from pathways.errors import Conflict, NotFound
from pathways.idempotency import Once
from pathways.pagination import Page, page_of_all
from pathways.problems import documented

router = APIRouter(prefix="/claims", tags=["claims"], route_class=PathwaysRoute)
Reader = Annotated[Actor, permitted(Permission.CLAIM_READ)]
Maker = Annotated[Actor, permitted(Permission.CLAIM_MAKE)]
Mover = Annotated[Actor, permitted(Permission.CLAIM_MOVE)]
REFUSALS = documented(NotFound, Conflict)


@router.get("")
def list_claims(
    actor: Reader,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[ClaimState | None, Query()] = None,
    programme: Annotated[UUID | None, Query()] = None,
    jobseeker: Annotated[UUID | None, Query()] = None,
) -> Page[ClaimOut]:
    """Claims as your side may see them: a commissioner those that were submitted to it, without the person."""
    with database.reading(actor) as session:
        rows = queries.visible_to(actor)
        if state is not None:
            rows = rows.where(Claim.state == state)
        if programme is not None:
            rows = rows.where(Claim.programme_id == programme)
        if jobseeker is not None:
            rows = rows.where(Claim.jobseeker_id == jobseeker)
        return page_of_all(session, rows, Claim.id, page, lambda found: actions.replies(session, actor, found))


@router.post("", status_code=201, responses=REFUSALS)
def draft_claim(new: NewClaim, actor: Maker, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Draft the claim for a recorded outcome; its days and evidence are spent by it."""
    return _write(actor, database, once, lambda session: actions.draft(session, actor, new))


@router.get("/{claim_id}", responses=documented(NotFound))
def get_claim(claim_id: UUID, actor: Reader, database: DatabaseDep) -> ClaimOut:
    with database.reading(actor) as session:
        jobseeker_id = queries.claim(session, actor, claim_id).jobseeker_id
    audit.opened(database, actor, "claims", [(claim_id, jobseeker_id)])
    with database.reading(actor) as session:
        return actions.reply(session, actor, queries.claim(session, actor, claim_id))


def _write(actor: Actor, database: Database, once: Once, act: Callable[[WriteSession], Claim]) -> ClaimOut:
    with database.writing(actor) as session:
        claim = once(session, actor, lambda: act(session), lambda made: queries.claim(session, actor, made))
        return actions.reply(session, actor, claim)


def _move(
    claim_id: UUID, actor: Actor, database: Database, once: Once, event: ClaimEvent, because: Because
) -> ClaimOut:
    def act(session: WriteSession) -> Claim:
        claim = queries.claim(session, actor, claim_id, for_update=True)
        return actions.move(session, actor, claim, event, reason=because.reason)

    return _write(actor, database, once, act)


@router.post("/{claim_id}/submit", responses=REFUSALS)
def submit_claim(claim_id: UUID, declared: Declaration, actor: Maker, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Send a draft to the funder, with what is declared of other funding."""

    def act(session: WriteSession) -> Claim:
        return actions.submit(session, actor, queries.claim(session, actor, claim_id, for_update=True), declared)

    return _write(actor, database, once, act)


@router.post("/{claim_id}/query", responses=REFUSALS)
def query_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """The funder asks something."""
    return _move(claim_id, actor, database, once, ClaimEvent.QUERY, because)


@router.post("/{claim_id}/answer", responses=REFUSALS)
def answer_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """The partner answers what the funder asked."""
    return _move(claim_id, actor, database, once, ClaimEvent.ANSWER, because)


@router.post("/{claim_id}/accept", responses=REFUSALS)
def accept_claim(claim_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """The funder will pay it."""

    def act(session: WriteSession) -> Claim:
        claim = queries.claim(session, actor, claim_id, for_update=True)
        return actions.move(session, actor, claim, ClaimEvent.ACCEPT)

    return _write(actor, database, once, act)


@router.post("/{claim_id}/fail", responses=REFUSALS)
def fail_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """The funder will not pay it; its days may be claimed again, by a new claim that names this one."""
    return _move(claim_id, actor, database, once, ClaimEvent.FAIL, because)


@router.post("/{claim_id}/withdraw", responses=REFUSALS)
def withdraw_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """The partner takes it back before anything is decided."""
    return _move(claim_id, actor, database, once, ClaimEvent.WITHDRAW, because)


@router.post("/{claim_id}/pay", responses=REFUSALS)
def pay_claim(claim_id: UUID, payment: Payment, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """The funder has paid it, whole or in part."""

    def act(session: WriteSession) -> Claim:
        claim = queries.claim(session, actor, claim_id, for_update=True)
        return actions.move(session, actor, claim, ClaimEvent.PAY, pounds=payment.pounds)

    return _write(actor, database, once, act)


@router.post("/{claim_id}/reverse", responses=REFUSALS)
def reverse_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """What was paid goes back, as when its evidence turned out to be wrong."""
    return _move(claim_id, actor, database, once, ClaimEvent.REVERSE, because)
