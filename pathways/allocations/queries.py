"""Every SELECT on allocations, and the facts that put somebody in the need band."""

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

KEPT_DAYS = 90  # an older proposal is no promise any more


def visible_to(actor: Actor) -> Select[Allocation]:
    """A partner's caseworkers and team managers see its proposals; of the lines only those of people they may see."""
    return select(Allocation).where(Allocation.partner_id == actor.organisation_id)


def allocation(session: Session, actor: Actor, allocation_id: UUID) -> Allocation:
    found = session.scalars(visible_to(actor).where(Allocation.id == allocation_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such allocation.")
    return found


def lines(actor: Actor, allocation_id: UUID) -> Select[AllocationLine]:
    return select(AllocationLine).where(
        AllocationLine.partner_id == actor.organisation_id,
        AllocationLine.allocation_id == allocation_id,
        jobseeker_queries.is_visible(actor, AllocationLine.jobseeker_id),
    )


def line(session: Session, actor: Actor, allocation_id: UUID, line_id: UUID) -> AllocationLine:
    allocation(session, actor, allocation_id)
    found = session.scalars(lines(actor, allocation_id).where(AllocationLine.id == line_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such line.")
    session.refresh(found, with_for_update=True)
    return found


def states(session: Session, actor: Actor, allocation_ids: Iterable[UUID]) -> dict[UUID, Counter[LineState]]:
    """Return how many lines of each proposal stand in each state."""
    rows = session.execute(
        select(AllocationLine.allocation_id, AllocationLine.state, func.count())
        .where(
            AllocationLine.partner_id == actor.organisation_id,
            AllocationLine.allocation_id.in_(list(allocation_ids)),
        )
        .group_by(AllocationLine.allocation_id, AllocationLine.state)
    )
    found: dict[UUID, Counter[LineState]] = defaultdict(Counter)
    for allocation_id, state, count in rows:
        found[allocation_id][state] = count
    return found


def wholly_visible(session: Session, actor: Actor, allocation_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Return the proposals of which this actor may see every line; a total over the others would tell of somebody."""
    ids = list(allocation_ids)
    hidden = session.scalars(
        select(AllocationLine.allocation_id)
        .where(
            AllocationLine.partner_id == actor.organisation_id,
            AllocationLine.allocation_id.in_(ids),
            ~jobseeker_queries.is_visible(actor, AllocationLine.jobseeker_id),
        )
        .distinct()
    )
    return frozenset(ids) - frozenset(hidden)


def last_reasons(session: Session, actor: Actor, line_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the reason of the last decision on each line that has one."""
    rows = session.execute(
        select(AllocationLineMove.line_id, AllocationLineMove.reason)
        .where(AllocationLineMove.partner_id == actor.organisation_id, AllocationLineMove.line_id.in_(list(line_ids)))
        .order_by(AllocationLineMove.recorded_at, AllocationLineMove.id)
    )
    return {row[0]: row[1] for row in rows}


def before(session: Session, actor: Actor) -> dict[str, str]:
    """Return what was last proposed to each person lately and not rejected: jobseeker to placement."""
    rows = session.scalars(
        select(AllocationLine)
        .join(Allocation, Allocation.id == AllocationLine.allocation_id)
        .where(
            AllocationLine.partner_id == actor.organisation_id,
            Allocation.proposed_on >= actor.today - timedelta(days=KEPT_DAYS),
        )
        .order_by(AllocationLine.id)
    )
    kept = (LineState.PROPOSED, LineState.ACCEPTED, LineState.CHANGED)
    newest = {row.jobseeker_id: row for row in rows}
    return {
        str(row.jobseeker_id): str(row.changed_to_id or row.placement_id)
        for row in newest.values()
        if row.state in kept
    }


@dataclass(frozen=True, slots=True)
class NeedRule:
    """The facts a policy declares: any one of them puts somebody in the need band. None is a feature of the score."""

    weeks_without_offer: int
    open_barriers: int


def need_facts(session: Session, actor: Actor, on: date, rule: NeedRule) -> Mapping[UUID, list[str]]:
    """Return, for each person in the band, the facts that put them there."""
    mine = jobseeker_queries.ids_visible_to(actor)
    found: dict[UUID, list[str]] = {}
    long_ago = on - timedelta(weeks=rule.weeks_without_offer)
    offered = select(IntroductionMove.jobseeker_id).where(
        IntroductionMove.partner_id == actor.organisation_id,
        IntroductionMove.to_state == IntroductionState.OFFERED.value,
        IntroductionMove.valid_on >= Enrolment.started_on,
        IntroductionMove.jobseeker_id == Enrolment.jobseeker_id,
    )
    waiting = session.scalars(
        select(Enrolment.jobseeker_id).where(
            Enrolment.partner_id == actor.organisation_id,
            Enrolment.jobseeker_id.in_(mine),
            Enrolment.ended_on.is_(None),
            Enrolment.started_on < long_ago,
            ~offered.exists(),
        )
    )
    for jobseeker_id in waiting:
        found.setdefault(jobseeker_id, []).append(f"Enrolled over {rule.weeks_without_offer} weeks without an offer.")
    profiles = session.execute(
        select(ProfileVersion.jobseeker_id, ProfileVersion.ever_paid_work, ProfileVersion.barriers).where(
            ProfileVersion.partner_id == actor.organisation_id,
            ProfileVersion.jobseeker_id.in_(mine),
            as_known(ProfileVersion),
        )
    )
    for jobseeker_id, ever_paid_work, barriers in profiles:
        if ever_paid_work is EverPaidWork.NO:
            found.setdefault(jobseeker_id, []).append("Never in paid work.")
        named = len(barriers or ())
        if named >= rule.open_barriers:
            found.setdefault(jobseeker_id, []).append(f"Named {named} open barriers.")
    return found
