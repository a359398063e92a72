"""The queries of possible duplicates, limited to what the actor may see unless a docstring says otherwise."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, or_, select, union_all

from pathways.base import Actor
from pathways.database import Session
from pathways.duplicates.models import DuplicateMove, DuplicatePair, PairState
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, JobseekerState, Merge

AT_ONCE = 500  # ids in a statement


def visible_to(actor: Actor) -> Select[DuplicatePair]:
    """Select the pairs of which the actor may see both people.

    If one case is restricted, only its caseworker and the team managers see the pair.
    """
    return select(DuplicatePair).where(
        DuplicatePair.partner_id == actor.organisation_id,
        jobseeker_queries.is_visible(actor, DuplicatePair.jobseeker_id),
        jobseeker_queries.is_visible(actor, DuplicatePair.other_id),
    )


def listed(actor: Actor, states: Collection[PairState], jobseeker_id: UUID | None = None) -> Select[DuplicatePair]:
    rows = visible_to(actor).where(DuplicatePair.state.in_(states))
    if PairState.MERGED not in states:  # the surviving record has the pairs of a merged record
        is_merged = select(Jobseeker.id).where(
            Jobseeker.partner_id == DuplicatePair.partner_id,
            Jobseeker.id.in_([DuplicatePair.jobseeker_id, DuplicatePair.other_id]),
            Jobseeker.merged_into_id.is_not(None),
        )
        rows = rows.where(~is_merged.exists())
    if jobseeker_id is None:
        return rows
    return rows.where(or_(DuplicatePair.jobseeker_id == jobseeker_id, DuplicatePair.other_id == jobseeker_id))


def pair(session: Session, actor: Actor, pair_id: UUID, *, for_update: bool = False) -> DuplicatePair:
    pair = session.scalars(visible_to(actor).where(DuplicatePair.id == pair_id)).one_or_none()
    if pair is None:
        raise NotFound("This pair does not exist, or you may not see both people.")
    if for_update:
        jobseeker_queries.hold(session, pair.jobseeker_id, pair.other_id)
        session.refresh(pair, with_for_update=True)
    return pair


def recorded_since(partner_id: UUID, since: datetime) -> Select[UUID]:
    """Select the ids, in order, of people whose details were recorded, or whose records were merged, since a time."""
    details = select(JobseekerDetails.jobseeker_id).where(
        JobseekerDetails.partner_id == partner_id, JobseekerDetails.recorded_at >= since
    )
    kept, merged = (
        select(column).where(Merge.partner_id == partner_id, Merge.recorded_at >= since)
        for column in (Merge.jobseeker_id, Merge.merged_id)
    )
    rows = select(Jobseeker.id).where(
        Jobseeker.partner_id == partner_id,
        Jobseeker.state != JobseekerState.VOIDED,
        Jobseeker.id.in_(union_all(details, kept, merged)),
    )
    return rows.order_by(Jobseeker.id)


def between(session: Session, partner_id: UUID, first: UUID, second: UUID) -> DuplicatePair | None:
    """Return the pair of two records, including a pair that the actor may not see."""
    return session.scalars(
        select(DuplicatePair).where(
            DuplicatePair.partner_id == partner_id,
            DuplicatePair.jobseeker_id == max(first, second),
            DuplicatePair.other_id == min(first, second),
        )
    ).one_or_none()


def unreviewed(person: Jobseeker) -> Select[DuplicatePair]:
    """Select the person's pairs that have not been reviewed, including pairs that the actor may not see."""
    is_of_person = or_(DuplicatePair.jobseeker_id == person.id, DuplicatePair.other_id == person.id)
    rows = select(DuplicatePair).where(
        DuplicatePair.partner_id == person.partner_id, is_of_person, DuplicatePair.state == PairState.OPEN
    )
    return _locked(rows)


def _locked(rows: Select[DuplicatePair]) -> Select[DuplicatePair]:
    """Lock the pairs in the order of their ids, and read them as they are now, so that no review is overwritten."""
    return rows.order_by(DuplicatePair.id).with_for_update().execution_options(populate_existing=True)


def around(session: Session, partner_id: UUID, jobseeker_ids: Collection[UUID]) -> Sequence[DuplicatePair]:
    """Return the pairs of these people that are not dropped or merged, including pairs that the actor may not see."""
    ids = sorted(jobseeker_ids)
    states = [PairState.OPEN, PairState.ASKED, PairState.SAME, PairState.DIFFERENT]
    rows: dict[UUID, DuplicatePair] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        for column in (DuplicatePair.jobseeker_id, DuplicatePair.other_id):  # each has an index of its own
            is_of_people = DuplicatePair.partner_id == partner_id, column.in_(some), DuplicatePair.state.in_(states)
            found = session.scalars(select(DuplicatePair).where(*is_of_people).order_by(DuplicatePair.id))
            rows |= {pair.id: pair for pair in found}
    return list(rows.values())


def dropped(session: Session, pairs: Mapping[tuple[UUID, UUID], Mapping[str, Any]]) -> list[DuplicatePair]:
    """Return those of ``pairs`` that are recorded as dropped. A key of ``pairs`` is (newer record, older record)."""
    return _in_states(session, pairs, [PairState.DROPPED])


def different(session: Session, pairs: Mapping[tuple[UUID, UUID], Mapping[str, Any]]) -> list[DuplicatePair]:
    """Return those of ``pairs`` that were decided to be two people."""
    return _in_states(session, pairs, [PairState.DIFFERENT])


def undecided(session: Session, pairs: Mapping[tuple[UUID, UUID], Mapping[str, Any]]) -> list[DuplicatePair]:
    """Return those of ``pairs`` that are recorded and wait for a decision or for an answer."""
    return _in_states(session, pairs, [PairState.OPEN, PairState.ASKED])


def _in_states(
    session: Session, pairs: Mapping[tuple[UUID, UUID], Mapping[str, Any]], states: Collection[PairState]
) -> list[DuplicatePair]:
    if not pairs:
        return []
    rows = select(DuplicatePair).where(
        DuplicatePair.partner_id.in_({columns["partner_id"] for columns in pairs.values()}),
        DuplicatePair.jobseeker_id.in_({later for later, _ in pairs}),
        DuplicatePair.state.in_(states),
    )
    return [row for row in session.scalars(_locked(rows)).all() if (row.jobseeker_id, row.other_id) in pairs]


MOST_CANDIDATES = 10


def candidates(session: Session, actor: Actor, jobseeker_ids: Sequence[UUID]) -> Sequence[Any]:
    """Return the pairs of these people that are not decided to be two people, each with the other record.

    The most probable pair comes first. Only pairs of which the actor may see the other record are returned. The caller
    has recorded these people, so the actor knows them, even if a restricted record is no longer visible to the actor.
    """
    of_person = [DuplicatePair.jobseeker_id.in_(jobseeker_ids), DuplicatePair.other_id.in_(jobseeker_ids)]
    states = [PairState.OPEN, PairState.ASKED, PairState.SAME]
    other = or_(
        and_(of_person[0], Jobseeker.id == DuplicatePair.other_id),
        and_(of_person[1], Jobseeker.id == DuplicatePair.jobseeker_id),
    )
    rows = (
        select(DuplicatePair, Jobseeker, JobseekerDetails)
        .where(
            DuplicatePair.partner_id == actor.organisation_id,
            or_(*of_person),
            DuplicatePair.state.in_(states),
            jobseeker_queries.may_see(actor),
            Jobseeker.state != JobseekerState.VOIDED,
        )
        .join(Jobseeker, and_(Jobseeker.partner_id == DuplicatePair.partner_id, other))
        .join(JobseekerDetails, jobseeker_queries.THEIR_DETAILS)
        .order_by(DuplicatePair.probability.desc(), DuplicatePair.id)
        .limit(MOST_CANDIDATES)
    )
    return session.execute(rows).all()


def people(session: Session, ids: Collection[UUID]) -> dict[UUID, tuple[Jobseeker, JobseekerDetails]]:
    """Return, by id, the people and their current details."""
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
    """Return the reason of the latest event of each pair."""
    listed_pairs = list(pairs)
    rows = session.execute(
        select(DuplicateMove.pair_id, DuplicateMove.reason)
        .where(
            DuplicateMove.partner_id.in_({pair.partner_id for pair in listed_pairs}),
            DuplicateMove.pair_id.in_([pair.id for pair in listed_pairs]),
        )
        .order_by(DuplicateMove.recorded_at, DuplicateMove.id)
    )
    return {row.pair_id: row.reason for row in rows}
