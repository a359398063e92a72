"""Every SELECT on allocations, and the facts that put a jobseeker among those in most need."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select

from pathways.allocations.models import Allocation, AllocationLine, AllocationLineMove, LineState
from pathways.base import Actor
from pathways.database import Session
from pathways.enrolments.models import Enrolment
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.introductions.models import IntroductionMove, IntroductionState
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import EverPaidWork, ProfileVersion
from pathways.reference import tables


def visible_to(actor: Actor) -> Select[Allocation]:
    """Return the query of all allocations of the actor's organisation; the function ``lines`` restricts their lines."""
    return select(Allocation).where(Allocation.partner_id == actor.organisation_id)


def allocation(session: Session, actor: Actor, allocation_id: UUID) -> Allocation:
    allocation_row = session.scalars(visible_to(actor).where(Allocation.id == allocation_id)).one_or_none()
    if allocation_row is None:
        raise NotFound("Your organisation has no allocation with this id. Check the id.")
    return allocation_row


def lines(actor: Actor, allocation_id: UUID) -> Select[AllocationLine]:
    return select(AllocationLine).where(
        AllocationLine.partner_id == actor.organisation_id,
        AllocationLine.allocation_id == allocation_id,
        jobseeker_queries.is_visible(actor, AllocationLine.jobseeker_id),
    )


def line(session: Session, actor: Actor, allocation_id: UUID, line_id: UUID) -> AllocationLine:
    """Lock the jobseeker, then the line, and return the line as it is then."""
    allocation(session, actor, allocation_id)
    line_row = jobseeker_queries.held(session, lines(actor, allocation_id).where(AllocationLine.id == line_id))
    if line_row is None:
        raise NotFound("This allocation has no line with this id that you may see. Check the id.")
    return line_row


def states(session: Session, actor: Actor, allocation_ids: Iterable[UUID]) -> dict[UUID, Counter[LineState]]:
    """Return the number of lines in each state, for each allocation."""
    rows = session.execute(
        select(AllocationLine.allocation_id, AllocationLine.state, func.count())
        .where(
            AllocationLine.partner_id == actor.organisation_id,
            AllocationLine.allocation_id.in_(list(allocation_ids)),
        )
        .group_by(AllocationLine.allocation_id, AllocationLine.state)
    )
    counts: dict[UUID, Counter[LineState]] = defaultdict(Counter)
    for allocation_id, state, count in rows:
        counts[allocation_id][state] = count
    return counts


def wholly_visible(session: Session, actor: Actor, allocation_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Return the ids of the allocations in which the actor may see every line.

    A total of any other allocation could reveal facts about a jobseeker the actor may not see.
    """
    ids = list(allocation_ids)
    partly_withheld = session.scalars(
        select(AllocationLine.allocation_id)
        .where(
            AllocationLine.partner_id == actor.organisation_id,
            AllocationLine.allocation_id.in_(ids),
            ~jobseeker_queries.is_visible(actor, AllocationLine.jobseeker_id),
        )
        .distinct()
    )
    return frozenset(ids) - frozenset(partly_withheld)


def last_reasons(session: Session, actor: Actor, line_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the reason given for the latest decision on each line."""
    rows = session.execute(
        select(AllocationLineMove.line_id, AllocationLineMove.reason)
        .where(AllocationLineMove.partner_id == actor.organisation_id, AllocationLineMove.line_id.in_(list(line_ids)))
        .order_by(AllocationLineMove.recorded_at, AllocationLineMove.id)
    )
    return {row[0]: row[1] for row in rows}


def before(session: Session, actor: Actor) -> dict[str, str]:
    """Return the placement last proposed to each jobseeker within ``proposal_days``, if it was not rejected.

    Keys are jobseeker ids, values placement ids. For a line that was changed, the value is the new placement.
    """
    rows = session.scalars(
        select(AllocationLine)
        .join(Allocation, Allocation.id == AllocationLine.allocation_id)
        .where(
            AllocationLine.partner_id == actor.organisation_id,
            Allocation.proposed_on >= actor.today - timedelta(days=int(tables.limit("proposal_days", actor.today))),
        )
        .order_by(AllocationLine.id)
    )
    counted_states = (LineState.PROPOSED, LineState.ACCEPTED, LineState.CHANGED)
    newest = {row.jobseeker_id: row for row in rows}
    return {
        str(row.jobseeker_id): str(row.changed_to_id or row.placement_id)
        for row in newest.values()
        if row.state in counted_states
    }


@dataclass(frozen=True, slots=True)
class NeedRule:
    """A policy's limits for being in most need. Meeting one limit is enough. Need does not change any score."""

    weeks_without_offer: int
    open_barriers: int


def need_facts(session: Session, actor: Actor, on: date, rule: NeedRule) -> Mapping[UUID, list[str]]:
    """Return the reasons why a jobseeker is in most need, as sentences, for each visible jobseeker who has any."""
    visible = jobseeker_queries.ids_visible_to(actor)
    facts: dict[UUID, list[str]] = {}
    waiting_since = on - timedelta(weeks=rule.weeks_without_offer)
    offered = select(IntroductionMove.jobseeker_id).where(
        IntroductionMove.partner_id == actor.organisation_id,
        IntroductionMove.to_state == IntroductionState.OFFERED.value,
        IntroductionMove.valid_on >= Enrolment.started_on,
        IntroductionMove.jobseeker_id == Enrolment.jobseeker_id,
    )
    waiting = session.scalars(
        select(Enrolment.jobseeker_id).where(
            Enrolment.partner_id == actor.organisation_id,
            Enrolment.jobseeker_id.in_(visible),
            Enrolment.ended_on.is_(None),
            Enrolment.started_on < waiting_since,
            ~offered.exists(),
        )
    )
    for jobseeker_id in waiting:
        facts.setdefault(jobseeker_id, []).append(
            f"Enrolled for over {rule.weeks_without_offer} weeks without an offer."
        )
    profiles = session.execute(
        select(ProfileVersion.jobseeker_id, ProfileVersion.ever_paid_work, ProfileVersion.barriers).where(
            ProfileVersion.partner_id == actor.organisation_id,
            ProfileVersion.jobseeker_id.in_(visible),
            as_known(ProfileVersion),
        )
    )
    for jobseeker_id, ever_paid_work, barriers in profiles:
        if ever_paid_work is EverPaidWork.NO:
            facts.setdefault(jobseeker_id, []).append("Has never been in paid work.")
        open_barriers = len(barriers or ())
        if open_barriers >= rule.open_barriers:
            facts.setdefault(jobseeker_id, []).append(f"Has {open_barriers} open barriers.")
    return facts
