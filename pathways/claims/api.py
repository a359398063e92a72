"""JSON routes for claims."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pathways import audit
from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor, Role
from pathways.claims import actions, queries
from pathways.claims.models import Claim, ClaimEvent, ClaimState
from pathways.claims.schemas import Because, ClaimOut, Confirmation, Declaration, NewClaim, Objection, Payment
from pathways.database import Database, WriteSession
from pathways.errors import Conflict, NotFound, NotPermitted
from pathways.idempotency import Once
from pathways.pagination import Page, page_of_all
from pathways.problems import documented

router = APIRouter(prefix="/claims", tags=["claims"], route_class=PathwaysRoute)
Reader = Annotated[Actor, permitted(Permission.CLAIM_READ)]
Maker = Annotated[Actor, permitted(Permission.CLAIM_MAKE)]
Mover = Annotated[Actor, permitted(Permission.CLAIM_MOVE)]
Funder = Annotated[Actor, permitted(Permission.CLAIM_CONFIRM)]
REFUSALS = documented(NotFound, Conflict)


class PseudonymOnly(NotPermitted):
    title = "You see pseudonyms, so you cannot look for a jobseeker"


@router.get("", responses=documented(NotPermitted))
def list_claims(
    actor: Reader,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[ClaimState | None, Query()] = None,
    programme: Annotated[UUID | None, Query()] = None,
    jobseeker: Annotated[UUID | None, Query()] = None,
    waits_for_funder: Annotated[
        bool | None,
        Query(
            description="True: only claims with a decision that the partner recorded in the funder's name and that the"
            " funder has not answered. False: only the other claims."
        ),
    ] = None,
) -> Page[ClaimOut]:
    """List the claims you may see. A commissioner sees only submitted claims, with a pseudonym for the jobseeker.

    The filter `jobseeker` is refused for a commissioner, because it would tell who is behind a pseudonym.
    """
    if jobseeker is not None and actor.role is Role.COMMISSIONER:
        raise PseudonymOnly("Leave out jobseeker. You may look through the claims by state and by programme.")
    with database.reading(actor) as session:
        rows = queries.visible_to(actor)
        if state is not None:
            rows = rows.where(Claim.state == state)
        if programme is not None:
            rows = rows.where(Claim.programme_id == programme)
        if jobseeker is not None:
            rows = rows.where(Claim.jobseeker_id == jobseeker)
        if waits_for_funder is not None:
            waits = queries.waits_for_the_funder()
            rows = rows.where(waits if waits_for_funder else ~waits)
        return page_of_all(session, rows, Claim.id, page, lambda claims: actions.replies(session, actor, claims))


@router.post("", status_code=201, responses=REFUSALS)
def draft_claim(new: NewClaim, actor: Maker, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Draft a claim for a recorded outcome, and submit it at once if `declaration` is given.

    Permitted for the partner's caseworkers and team managers.

    The draft reserves the outcome's days and evidence. It is refused if another claim uses any of them or is open or
    paid for the same rule and enrolment, if the outcome has been withdrawn, or if no price is recorded.
    """

    def act(session: WriteSession) -> Claim:
        claim = actions.draft(session, actor, new)
        return claim if new.declaration is None else actions.submit(session, actor, claim, new.declaration)

    return _write(actor, database, once, act)


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

    Permitted for the commissioner, and for a team manager of the partner in the funder's name; never for a member who
    recorded or checked anything that the claim rests on.
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

    Permitted for the commissioner, and for a team manager of the partner in the funder's name; never for a member who
    recorded or checked anything that the claim rests on. A decision recorded by the partner is marked so, and the
    funder confirms or contests it. It is refused if the outcome has been withdrawn.
    """

    def act(session: WriteSession) -> Claim:
        claim = queries.claim(session, actor, claim_id, for_update=True)
        return actions.move(session, actor, claim, ClaimEvent.ACCEPT)

    return _write(actor, database, once, act)


@router.post("/{claim_id}/fail", responses=REFUSALS)
def fail_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Record that the funder will not pay the claim. A new claim, which refers to this one, may use the same days.

    Permitted for the commissioner, and for a team manager of the partner in the funder's name; never for a member who
    recorded or checked anything that the claim rests on.
    """
    return _move(claim_id, actor, database, once, ClaimEvent.FAIL, because)


@router.post("/{claim_id}/withdraw", responses=REFUSALS)
def withdraw_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Withdraw a claim that the funder has not decided. Permitted for the partner's caseworkers and team managers."""
    return _move(claim_id, actor, database, once, ClaimEvent.WITHDRAW, because)


@router.post("/{claim_id}/pay", responses=REFUSALS)
def pay_claim(claim_id: UUID, payment: Payment, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Record the funder's payment, in full or in part.

    Permitted for the commissioner, and for a team manager of the partner in the funder's name; never for a member who
    recorded or checked anything that the claim rests on. A payment recorded by the partner is marked so, and the
    funder confirms or contests it. A payment above the amount claimed is refused.
    """

    def act(session: WriteSession) -> Claim:
        claim = queries.claim(session, actor, claim_id, for_update=True)
        return actions.move(session, actor, claim, ClaimEvent.PAY, pounds=payment.pounds)

    return _write(actor, database, once, act)


@router.post("/{claim_id}/reverse", responses=REFUSALS)
def reverse_claim(claim_id: UUID, because: Because, actor: Mover, database: DatabaseDep, once: OnceDep) -> ClaimOut:
    """Record that a payment goes back to the funder, for example because the evidence was wrong.

    Permitted for the commissioner, and for a team manager of the partner in the funder's name; never for a member who
    recorded or checked anything that the claim rests on.
    """
    return _move(claim_id, actor, database, once, ClaimEvent.REVERSE, because)


@router.post("/{claim_id}/confirm", responses=REFUSALS)
def confirm_decision(
    claim_id: UUID, answer: Confirmation, actor: Funder, database: DatabaseDep, once: OnceDep
) -> ClaimOut:
    """Confirm a decision that the partner recorded in your name. Permitted for the commissioner. It moves no money.

    It is refused for a member who recorded the decision, or who recorded or checked anything that the claim rests on.
    """
    return _answer(claim_id, actor, database, once, ClaimEvent.CONFIRM, answer)


@router.post("/{claim_id}/contest", responses=REFUSALS)
def contest_decision(
    claim_id: UUID, answer: Objection, actor: Funder, database: DatabaseDep, once: OnceDep
) -> ClaimOut:
    """Contest a decision that the partner recorded in your name. Permitted for the commissioner. It moves no money.

    The partner's team managers are notified. Until you confirm the decision, the partner can record no decision in your
    name, neither on this claim nor on another claim for the same jobseeker and rule. To correct the claim yourself,
    fail it or reverse its payment.
    """
    return _answer(claim_id, actor, database, once, ClaimEvent.CONTEST, answer)


def _answer(
    claim_id: UUID, actor: Actor, database: Database, once: Once, event: ClaimEvent, answer: Confirmation
) -> ClaimOut:
    def act(session: WriteSession) -> Claim:
        claim = queries.claim(session, actor, claim_id, for_update=True)
        return actions.answer_decision(session, actor, claim, event, answer)

    return _write(actor, database, once, act)
