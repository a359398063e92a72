"""JSON API of allocations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from pathways import audit
from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.allocations import actions, queries
from pathways.allocations.models import Allocation, AllocationLine, LineEvent, LineState
from pathways.allocations.schemas import (
    AllocationLineOut,
    AllocationOut,
    ChangeTo,
    LineDecision,
    NewAllocation,
    Rejection,
)
from pathways.base import Actor
from pathways.database import Database
from pathways.errors import Conflict, NotFound
from pathways.idempotency import Once
from pathways.pagination import Page, page_of
from pathways.problems import documented

router = APIRouter(prefix="/allocations", tags=["allocations"], route_class=PathwaysRoute)
Maker = Annotated[Actor, permitted(Permission.ALLOCATION_MAKE)]
Reader = Annotated[Actor, permitted(Permission.ALLOCATION_READ)]
Decider = Annotated[Actor, permitted(Permission.ALLOCATION_DECIDE)]


@router.post("", status_code=201, responses=documented(NotFound, Conflict))
def propose_allocation(new: NewAllocation, actor: Maker, database: DatabaseDep, once: OnceDep) -> AllocationOut:
    """Propose places for the open cases you may see, under the policy in force. Nothing is sent to anyone.

    Refuses a caseworker who is not a member of your organisation.
    """
    earlier = once.earlier(database, actor)
    if earlier is not None:
        with database.reading(actor, newest=True) as session:
            return actions.reply(session, actor, queries.allocation(session, actor, earlier))
    caseload, proposal = actions.propose(database, actor, new.on or actor.today, caseworker_id=new.caseworker_id)
    with database.writing(actor) as session:
        made = once(
            session,
            actor,
            lambda: actions.record(session, actor, caseload, proposal),
            lambda made: queries.allocation(session, actor, made),
        )
        return actions.reply(session, actor, made)


@router.get("")
def list_allocations(actor: Reader, database: DatabaseDep, page: PageDep) -> Page[AllocationOut]:
    """List your organisation's allocations.

    The totals of an allocation are withheld if you may not see every jobseeker in it.
    """
    with database.reading(actor) as session:
        answer = page_of(session, queries.visible_to(actor), Allocation.id, page, lambda row: row)
        return Page[AllocationOut](items=actions.replies(session, actor, answer.items), next=answer.next)


@router.get("/{allocation_id}", responses=documented(NotFound))
def get_allocation(allocation_id: UUID, actor: Reader, database: DatabaseDep) -> AllocationOut:
    """Return one allocation: its policy, its totals and the number of lines decided so far.

    The totals are withheld if you may not see every jobseeker in it.
    """
    with database.reading(actor) as session:
        return actions.reply(session, actor, queries.allocation(session, actor, allocation_id))


@router.get("/{allocation_id}/lines", responses=documented(NotFound, Conflict))
def list_allocation_lines(
    allocation_id: UUID,
    actor: Reader,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[LineState | None, Query(description="State of the lines to list ('without': no offer).")] = None,
) -> Page[AllocationLineOut]:
    """List the lines of the jobseekers you may see.

    A line says why the jobseeker is not offered their first choice, or why there is no offer.
    """
    with database.reading(actor) as session:
        allocation = queries.allocation(session, actor, allocation_id)
        rows = queries.lines(actor, allocation.id)
        if state is not None:
            rows = rows.where(AllocationLine.state == state)
        answer = page_of(session, rows, AllocationLine.id, page, lambda row: row)
        items = actions.line_replies(session, actor, answer.items)
    audit.opened(database, actor, "allocation_lines", [(item.id, item.jobseeker_id) for item in items])
    return Page[AllocationLineOut](items=items, next=answer.next)


def _decide(
    database: Database,
    actor: Actor,
    once: Once,
    ids: tuple[UUID, UUID],
    event: LineEvent,
    *,
    reason: str = "",
    placement_id: UUID | None = None,
) -> AllocationLineOut:
    with database.writing(actor) as session:

        def make() -> AllocationLine:
            line = queries.line(session, actor, *ids)
            return actions.decide(session, actor, line, event, reason=reason, placement_id=placement_id)

        line = once(session, actor, make, lambda _: queries.line(session, actor, *ids))
        return actions.line_replies(session, actor, [line])[0]


@router.post("/{allocation_id}/lines/{line_id}/accept", responses=documented(NotFound, Conflict))
def accept_line(
    allocation_id: UUID, line_id: UUID, decision: LineDecision, actor: Decider, database: DatabaseDep, once: OnceDep
) -> AllocationLineOut:
    """Accept the proposed placement. This creates no introduction: next, propose the introduction to the jobseeker.

    Refuses a line without a proposal, a closed case, an unpublished placement and a pair that a safety
    exclusion covers.
    """
    ids = (allocation_id, line_id)
    return _decide(database, actor, once, ids, LineEvent.ACCEPT, reason=decision.reason or "")


@router.post("/{allocation_id}/lines/{line_id}/change", responses=documented(NotFound, Conflict))
def change_line(
    allocation_id: UUID, line_id: UUID, change: ChangeTo, actor: Decider, database: DatabaseDep, once: OnceDep
) -> AllocationLineOut:
    """Change the line to another placement, with a reason.

    Refuses the placement that was proposed, a closed case, an unpublished placement and a pair that a safety
    exclusion covers.
    """
    ids = (allocation_id, line_id)
    changed_to = change.placement_id
    return _decide(database, actor, once, ids, LineEvent.CHANGE, reason=change.reason, placement_id=changed_to)


@router.post("/{allocation_id}/lines/{line_id}/reject", responses=documented(NotFound, Conflict))
def reject_line(
    allocation_id: UUID, line_id: UUID, rejection: Rejection, actor: Decider, database: DatabaseDep, once: OnceDep
) -> AllocationLineOut:
    """Reject the proposal for a jobseeker, with a reason. Refuses a line without a proposal."""
    return _decide(database, actor, once, (allocation_id, line_id), LineEvent.REJECT, reason=rejection.reason)
