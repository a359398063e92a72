"""JSON routes for claims."""

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
    """List the claims you may see. A commissioner sees only submitted claims, with a pseudonym for the jobseeker."""
    with database.reading(actor) as session:
        rows = queries.visible_to(actor)
        if state is not None:
            rows = rows.where(Claim.state == state)
        if programme is not None:
            rows = rows.where(Claim.programme_id == programme)
        if jobseeker is not None:
            rows = rows.where(Claim.jobseeker_id == jobseeker)
        return page_of_all(session, rows, Claim.id, page, lambda claims: actions.replies(session, actor, claims))


@router.post("", status_code=201, responses=REFUSALS)
def draft_claim(new: NewClaim, actor: Maker, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Draft a claim for a recorded outcome. Permitted for the partner's caseworkers and team managers.

    The draft reserves the outcome's days and evidence. It is refused if another claim uses any of them or is open or
    paid for the same rule and enrolment, if the outcome has been withdrawn, or if no price is recorded.
    """
    return _write(actor, database, once, lambda session: actions.draft(session, actor, new))


@router.get("/{claim_id}", responses=documented(NotFound))
def get_claim(claim_id: UUID, actor: Reader, database: DatabaseDep) -> ClaimOut:
    """Return one claim with its history. The access is recorded in the jobseeker's access log."""
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
    """Submit a draft to the funder with your declaration about other funding.

    It is refused if you checked any of the evidence yourself, or if the funder accepts the claim only from
    a later day.
    """

    def act(session: WriteSession) -> Claim:
        return actions.submit(session, actor, queries.claim(session, actor, claim_id, for_update=True), declared)

    return _write(actor, database, once, act)


@router.post("/{claim_id}/query", responses=REFUSALS)
def query_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Record the funder's query about a submitted claim. Give the question as the reason.

    Permitted for the commissioner, and for a team manager who did not submit the claim.
    """
    return _move(claim_id, actor, database, once, ClaimEvent.QUERY, because)


@router.post("/{claim_id}/answer", responses=REFUSALS)
def answer_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Answer the funder's query. The claim then has the state `submitted` again.

    Permitted for the partner's caseworkers and team managers.
    """
    return _move(claim_id, actor, database, once, ClaimEvent.ANSWER, because)


@router.post("/{claim_id}/accept", responses=REFUSALS)
def accept_claim(claim_id: UUID, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Record that the funder will pay the claim.

    Permitted for the commissioner, and for a team manager who did not submit the claim. It is refused if the outcome
    has been withdrawn.
    """

    def act(session: WriteSession) -> Claim:
        claim = queries.claim(session, actor, claim_id, for_update=True)
        return actions.move(session, actor, claim, ClaimEvent.ACCEPT)

    return _write(actor, database, once, act)


@router.post("/{claim_id}/fail", responses=REFUSALS)
def fail_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Record that the funder will not pay the claim. A new claim, which refers to this one, may use the same days.

    Permitted for the commissioner, and for a team manager who did not submit the claim.
    """
    return _move(claim_id, actor, database, once, ClaimEvent.FAIL, because)


@router.post("/{claim_id}/withdraw", responses=REFUSALS)
def withdraw_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Withdraw a claim that the funder has not decided. Permitted for the partner's caseworkers and team managers."""
    return _move(claim_id, actor, database, once, ClaimEvent.WITHDRAW, because)


@router.post("/{claim_id}/pay", responses=REFUSALS)
def pay_claim(claim_id: UUID, payment: Payment, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Record the funder's payment, in full or in part.

    Permitted for the commissioner, and for a team manager who did not submit the claim. A payment above the amount
    claimed is refused.
    """

    def act(session: WriteSession) -> Claim:
        claim = queries.claim(session, actor, claim_id, for_update=True)
        return actions.move(session, actor, claim, ClaimEvent.PAY, pounds=payment.pounds)

    return _write(actor, database, once, act)


@router.post("/{claim_id}/reverse", responses=REFUSALS)
def reverse_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Record that a payment goes back to the funder, for example because the evidence was wrong.

    Permitted for the commissioner, and for a team manager who did not submit the claim.
    """
    return _move(claim_id, actor, database, once, ClaimEvent.REVERSE, because)
