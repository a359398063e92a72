"""Every SELECT on introductions."""

from uuid import UUID

from sqlalchemy import Select, select

from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.fields import Group, Purpose, Relation, Relationship, visible_fields
from pathways.introductions.models import OPEN, Introduction, IntroductionMove, IntroductionState
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerState


def visible_to(actor: Actor) -> Select[Introduction]:
    """A partner's people see those of jobseekers they may see; a social enterprise those that were sent to it."""
    rows = select(Introduction)
    if actor.role is Role.PLACEMENT_LISTER:
        return rows.where(Introduction.social_enterprise_id == actor.organisation_id, Introduction.sent_at.is_not(None))
    return rows.where(
        Introduction.partner_id == actor.organisation_id,
        Introduction.jobseeker_id.in_(jobseeker_queries.ids_visible_to(actor)),
    )


def introduction(session: Session, actor: Actor, introduction_id: UUID, *, for_update: bool = False) -> Introduction:
    found = session.scalars(visible_to(actor).where(Introduction.id == introduction_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such introduction.")
    if for_update:
        session.refresh(found, with_for_update=True)
    return found


def visible_groups(session: Session, actor: Actor, introduction: Introduction) -> frozenset[Group]:
    """Return what may be seen of the jobseeker: for a social enterprise, what is granted now, while it is open."""
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    if actor.role is not Role.PLACEMENT_LISTER:
        return jobseeker_queries.visible_groups(actor, person, Purpose.INTRODUCTION)
    is_live = introduction.state is IntroductionState.STARTED or (
        introduction.state in OPEN and person.state is JobseekerState.OPEN
    )
    permission = jobseeker_queries.permission_for(session, person, introduction.social_enterprise_id)
    granted = jobseeker_queries.granted_groups(permission) if is_live else frozenset()
    return visible_fields(actor, Relationship(Relation.SOCIAL_ENTERPRISE, granted), Purpose.INTRODUCTION)


def last_reason(session: Session, introduction: Introduction) -> str | None:
    return session.scalars(
        select(IntroductionMove.reason)
        .where(
            IntroductionMove.partner_id == introduction.partner_id,
            IntroductionMove.introduction_id == introduction.id,
        )
        .order_by(IntroductionMove.recorded_at.desc(), IntroductionMove.id.desc())
        .limit(1)
    ).first()


def in_states(session: Session, person: Jobseeker, states: tuple[IntroductionState, ...]) -> list[Introduction]:
    return list(
        session.scalars(
            select(Introduction).where(
                Introduction.partner_id == person.partner_id,
                Introduction.jobseeker_id == person.id,
                Introduction.state.in_(states),
            )
        )
    )
