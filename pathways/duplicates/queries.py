"""Every SELECT on possible duplicates, starting from what the actor may see."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select

from pathways.base import Actor
from pathways.database import Session
from pathways.duplicates.models import DuplicateMove, DuplicatePair, PairState
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerDetails


def visible_to(actor: Actor) -> Select[DuplicatePair]:
    """A pair is seen by who may see both people; where one is restricted, its caseworker and team managers."""
    return select(DuplicatePair).where(
        DuplicatePair.partner_id == actor.organisation_id,
        jobseeker_queries.is_visible(actor, DuplicatePair.jobseeker_id),
        jobseeker_queries.is_visible(actor, DuplicatePair.other_id),
    )


def listed(actor: Actor, states: Collection[PairState], jobseeker_id: UUID | None = None) -> Select[DuplicatePair]:
    rows = visible_to(actor).where(DuplicatePair.state.in_(states))
    if PairState.MERGED not in states:  # what is said of a record that was merged is said of the one that is kept
        gone = select(Jobseeker.id).where(
            Jobseeker.partner_id == DuplicatePair.partner_id,
            Jobseeker.id.in_([DuplicatePair.jobseeker_id, DuplicatePair.other_id]),
            Jobseeker.merged_into_id.is_not(None),
        )
        rows = rows.where(~gone.exists())
    if jobseeker_id is None:
        return rows
    return rows.where(or_(DuplicatePair.jobseeker_id == jobseeker_id, DuplicatePair.other_id == jobseeker_id))


def pair(session: Session, actor: Actor, pair_id: UUID, *, for_update: bool = False) -> DuplicatePair:
    found = session.scalars(visible_to(actor).where(DuplicatePair.id == pair_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such pair.")
    if for_update:
        session.refresh(found, with_for_update=True)
    return found


def between(session: Session, partner_id: UUID, one: UUID, other: UUID) -> DuplicatePair | None:
    """Return the pair of two records, whoever may see it."""
    return session.scalars(
        select(DuplicatePair).where(
            DuplicatePair.partner_id == partner_id,
            DuplicatePair.jobseeker_id == max(one, other),
            DuplicatePair.other_id == min(one, other),
        )
    ).one_or_none()


def unlooked(person: Jobseeker) -> Select[DuplicatePair]:
    """Return the pairs of a person that nobody has said anything of, whoever may see them."""
    mine = or_(DuplicatePair.jobseeker_id == person.id, DuplicatePair.other_id == person.id)
    return select(DuplicatePair).where(
        DuplicatePair.partner_id == person.partner_id, mine, DuplicatePair.state == PairState.OPEN
    )


def dropped(session: Session, pairs: Mapping[tuple[UUID, UUID], Mapping[str, Any]]) -> list[DuplicatePair]:
    """Return those of some pairs, by newer and older record, that were dropped before."""
    if not pairs:
        return []
    rows = select(DuplicatePair).where(
        DuplicatePair.partner_id.in_({told["partner_id"] for told in pairs.values()}),
        DuplicatePair.jobseeker_id.in_({later for later, _ in pairs}),
        DuplicatePair.state == PairState.DROPPED,
    )
    return [row for row in session.scalars(rows) if (row.jobseeker_id, row.other_id) in pairs]


def people(session: Session, ids: Collection[UUID]) -> dict[UUID, tuple[Jobseeker, JobseekerDetails]]:
    """Return people with their details, as they stand."""
    rows = session.execute(
        select(Jobseeker, JobseekerDetails)
        .join(
            JobseekerDetails,
            (JobseekerDetails.partner_id == Jobseeker.partner_id) & (JobseekerDetails.jobseeker_id == Jobseeker.id),
        )
        .where(Jobseeker.id.in_(ids), as_known(JobseekerDetails))
    )
    return {person.id: (person, details) for person, details in rows}


def reasons(session: Session, pairs: Iterable[DuplicatePair]) -> dict[UUID, str]:
    """Return what was last said of each of some pairs."""
    told = list(pairs)
    rows = session.execute(
        select(DuplicateMove.pair_id, DuplicateMove.reason)
        .where(
            DuplicateMove.partner_id.in_({one.partner_id for one in told}),
            DuplicateMove.pair_id.in_([one.id for one in told]),
        )
        .order_by(DuplicateMove.recorded_at, DuplicateMove.id)
    )
    return {row.pair_id: row.reason for row in rows}
