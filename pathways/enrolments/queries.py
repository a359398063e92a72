"""Every SELECT on enrolments."""

from datetime import date
from uuid import UUID

from sqlalchemy import Select, func, select

from pathways.base import Actor
from pathways.database import Session
from pathways.enrolments.models import Enrolment
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Contact, ContactOutcome, ContactWith, Jobseeker


def visible_to(actor: Actor) -> Select[Enrolment]:
    return select(Enrolment).where(
        Enrolment.partner_id == actor.organisation_id,
        Enrolment.jobseeker_id.in_(jobseeker_queries.ids_visible_to(actor)),
    )


def enrolment(session: Session, actor: Actor, enrolment_id: UUID, *, for_update: bool = False) -> Enrolment:
    found = session.scalars(visible_to(actor).where(Enrolment.id == enrolment_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such enrolment.")
    if for_update:
        session.refresh(found, with_for_update=True)
    return found


def open_enrolment(session: Session, person: Jobseeker) -> Enrolment | None:
    return session.scalars(
        select(Enrolment).where(
            Enrolment.partner_id == person.partner_id,
            Enrolment.jobseeker_id == person.id,
            Enrolment.ended_on.is_(None),
        )
    ).one_or_none()


def first_employer_contact_on(session: Session, enrolment: Enrolment) -> date | None:
    """The measured clock: the first day an employer was spoken to about this person since the start."""
    return session.scalars(
        select(func.min(Contact.valid_on)).where(
            Contact.partner_id == enrolment.partner_id,
            Contact.jobseeker_id == enrolment.jobseeker_id,
            Contact.with_whom == ContactWith.EMPLOYER,
            Contact.outcome == ContactOutcome.SPOKE,
            Contact.valid_on >= enrolment.started_on,
            as_known(Contact),
        )
    ).one()
