"""Every query on enrolments."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select

from pathways.base import Actor
from pathways.database import Session
from pathways.enrolments.models import EndReason, Enrolment
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Contact, ContactOutcome, ContactWith, Jobseeker
from pathways.referrals.models import ProgressStage, ReachedStage


def visible_to(actor: Actor) -> Select[Enrolment]:
    return select(Enrolment).where(
        Enrolment.partner_id == actor.organisation_id,
        jobseeker_queries.is_visible(actor, Enrolment.jobseeker_id),
    )


def enrolment(session: Session, actor: Actor, enrolment_id: UUID, *, for_update: bool = False) -> Enrolment:
    rows = visible_to(actor).where(Enrolment.id == enrolment_id)
    row = jobseeker_queries.held(session, rows) if for_update else session.scalars(rows).one_or_none()
    if row is None:
        raise NotFound("There is no such enrolment, or you may not see it. Check the id.")
    return row


def open_enrolment(session: Session, person: Jobseeker) -> Enrolment | None:
    return session.scalars(
        select(Enrolment).where(
            Enrolment.partner_id == person.partner_id,
            Enrolment.jobseeker_id == person.id,
            Enrolment.ended_on.is_(None),
        )
    ).one_or_none()


def last_enrolment(session: Session, person: Jobseeker) -> Enrolment | None:
    """Return the open enrolment or else the one that ended last. One that was a mistake does not count."""
    rows = select(Enrolment).where(
        Enrolment.partner_id == person.partner_id,
        Enrolment.jobseeker_id == person.id,
        or_(Enrolment.end_reason.is_(None), Enrolment.end_reason != EndReason.RECORDED_BY_MISTAKE),
    )
    order = (Enrolment.ended_on.is_not(None), Enrolment.ended_on.desc(), Enrolment.id.desc())
    return session.scalars(rows.order_by(*order).limit(1)).first()


def stages(session: Session, partner_id: UUID, jobseeker_ids: Sequence[UUID]) -> Iterator[ReachedStage]:
    """Yield the time of people on programmes. Enrolments that were recorded by mistake are left out."""
    rows = select(Enrolment).where(Enrolment.partner_id == partner_id, Enrolment.jobseeker_id.in_(jobseeker_ids))
    for row in session.scalars(rows):
        if row.end_reason is not EndReason.RECORDED_BY_MISTAKE:
            yield ReachedStage(
                row.jobseeker_id, ProgressStage.STARTED_PROGRAMME, row.started_on, row.made_at, row.ended_on
            )


def first_employer_contacts(session: Session, enrolment_ids: Iterable[UUID]) -> dict[UUID, date]:
    """Return the day of the first employer contact since the start of each enrolment, by enrolment id."""
    rows = session.execute(
        select(Enrolment.id, func.min(Contact.valid_on))
        .join(
            Contact,
            and_(
                Contact.partner_id == Enrolment.partner_id,
                Contact.jobseeker_id == Enrolment.jobseeker_id,
                Contact.with_whom == ContactWith.EMPLOYER,
                Contact.outcome == ContactOutcome.SPOKE,
                Contact.valid_on >= Enrolment.started_on,
                as_known(Contact),
            ),
        )
        .where(Enrolment.id.in_(list(enrolment_ids)))
        .group_by(Enrolment.id)
    )
    return {row[0]: row[1] for row in rows}
