"""The queries of referrals, limited to what the actor may see unless a docstring says otherwise."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, null, or_, select
from sqlalchemy.orm import aliased

from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.fields import Group, Purpose, Relation, Relationship, visible_fields
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerMove, JobseekerState
from pathways.referrals.models import Referral, ReferralMove, ReferralSnapshot


def visible_to(actor: Actor) -> Select[Referral]:
    """Select, for a referrer, its organisation's referrals; for partner staff, those of the jobseekers they may see."""
    rows = select(Referral)
    if actor.role is Role.REFERRER:
        return rows.where(Referral.referring_organisation_id == actor.organisation_id)
    return rows.where(
        Referral.partner_id == actor.organisation_id,
        jobseeker_queries.is_visible(actor, Referral.jobseeker_id),
    )


def referral(session: Session, actor: Actor, referral_id: UUID, *, for_update: bool = False) -> Referral:
    rows = visible_to(actor).where(Referral.id == referral_id)
    referral = jobseeker_queries.held(session, rows) if for_update else session.scalars(rows).one_or_none()
    if referral is None:
        raise NotFound("This referral does not exist, or you may not see it.")
    return referral


def snapshot(session: Session, referral: Referral) -> ReferralSnapshot:
    return session.scalars(
        select(ReferralSnapshot).where(
            ReferralSnapshot.partner_id == referral.partner_id,
            ReferralSnapshot.referral_id == referral.id,
            as_known(ReferralSnapshot),
        )
    ).one()


def visible_groups(session: Session, actor: Actor, referral: Referral) -> frozenset[Group]:
    if actor.role is Role.REFERRER:
        return visible_fields(actor, Relationship(Relation.REFERRER), Purpose.REFERRAL)
    person = session.get_one(Jobseeker, referral.jobseeker_id)
    return jobseeker_queries.visible_groups(actor, person, Purpose.REFERRAL)


def visible_groups_of_line(actor: Actor, case: jobseeker_queries.CaseAccess) -> frozenset[Group]:
    """Return the groups of a line of a list that the actor may see. The request's audit row names the jobseeker."""
    actor.reading.people.add(case.id)
    if actor.role is Role.REFERRER:
        return visible_fields(actor, Relationship(Relation.REFERRER), Purpose.REFERRAL)
    return jobseeker_queries.visible_groups(actor, case, Purpose.REFERRAL)


def earlier(session: Session, referral: Referral) -> Sequence[Referral]:
    """Return the earlier referrals of the same person to the same partner, oldest first."""
    rows = select(Referral).where(
        Referral.partner_id == referral.partner_id,
        Referral.jobseeker_id == referral.jobseeker_id,
        Referral.id != referral.id,
        _arrived_before(Referral, referral),
    )
    return session.scalars(rows.order_by(Referral.made_at, Referral.id)).all()


def _arrived_before(first: Any, second: Any) -> ColumnElement[bool]:
    return or_(first.made_at < second.made_at, and_(first.made_at == second.made_at, first.id < second.id))


def is_repeat() -> ColumnElement[bool]:
    """Return the condition that the person of a referral had been referred to the same partner before."""
    before = aliased(Referral)
    return exists().where(
        before.partner_id == Referral.partner_id,
        before.jobseeker_id == Referral.jobseeker_id,
        _arrived_before(before, Referral),
    )


def case_was(session: Session, referral: Referral) -> JobseekerState:
    """Return the state that the jobseeker's case had when the referral arrived."""
    rows = select(JobseekerMove.to_state).where(
        JobseekerMove.partner_id == referral.partner_id,
        JobseekerMove.jobseeker_id == referral.jobseeker_id,
        JobseekerMove.recorded_at <= referral.made_at,
    )
    last = session.scalars(rows.order_by(JobseekerMove.recorded_at.desc(), JobseekerMove.id.desc()).limit(1)).first()
    return JobseekerState(last) if last is not None else JobseekerState.REFERRED


def received_between(actor: Actor, first: datetime, end: datetime) -> Select[Any]:
    """Return the query of the partner's referrals received at or after the time ``first`` and before the time ``end``.

    Referrals that the actor may not see are included, because they are only counted.
    """
    rows: Select[Any] = select(Referral.jobseeker_id, Referral.state, Referral.source_type, is_repeat())  # type: ignore[assignment]  # a select of columns is a select
    return rows.where(Referral.partner_id == actor.organisation_id, Referral.made_at >= first, Referral.made_at < end)


def listed(actor: Actor) -> Select[Any]:
    rows: Select[Any] = (
        visible_to(actor)
        .with_only_columns(  # type: ignore[assignment]  # a select of columns is a select
            Referral.id,
            Referral.ref,
            Referral.jobseeker_id,
            Referral.state,
            ReferralSnapshot.given_name,
            ReferralSnapshot.family_name,
            Referral.referred_on,
            Referral.source_type,
            Referral.made_at,
            (null() if actor.role is Role.REFERRER else is_repeat()).label("is_repeat"),
        )
        .join(
            ReferralSnapshot,
            and_(
                ReferralSnapshot.partner_id == Referral.partner_id,
                ReferralSnapshot.referral_id == Referral.id,
                as_known(ReferralSnapshot),
            ),
        )
    )
    return rows


def submitter(session: Session, referral: Referral) -> UUID | None:
    """Return the user who submitted the referral."""
    rows = select(ReferralMove.by).where(
        ReferralMove.partner_id == referral.partner_id,
        ReferralMove.referral_id == referral.id,
        ReferralMove.event == "submit",
    )
    return session.scalars(rows.order_by(ReferralMove.recorded_at, ReferralMove.id).limit(1)).first()


def by_source_keys(session: Session, partner_id: UUID, source_keys: Sequence[str]) -> dict[str, Referral]:
    """Return, by key, the partner's referrals with these keys (see ``content.source_key``)."""
    rows = select(Referral).where(Referral.partner_id == partner_id, Referral.source_key.in_(source_keys))
    return {row.source_key: row for row in session.scalars(rows)}


def snapshots(session: Session, partner_id: UUID, referral_ids: Sequence[UUID]) -> dict[UUID, ReferralSnapshot]:
    """Return the current snapshot of each referral."""
    rows = select(ReferralSnapshot).where(
        ReferralSnapshot.partner_id == partner_id,
        ReferralSnapshot.referral_id.in_(referral_ids),
        as_known(ReferralSnapshot),
    )
    return {row.referral_id: row for row in session.scalars(rows)}
