"""Every SELECT on shortlists."""

from uuid import UUID

from sqlalchemy import Select, select

from pathways.base import Actor
from pathways.database import Session
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerState, ProfileVersion
from pathways.shortlists.models import Shortlist, ShortlistMatch


def visible_to(actor: Actor) -> Select[Shortlist]:
    """A shortlist for a jobseeker is seen by who may see the jobseeker; one for a placement by who made it."""
    visible = jobseeker_queries.ids_visible_to(actor)
    return select(Shortlist).where(
        Shortlist.partner_id == actor.organisation_id,
        Shortlist.jobseeker_id.in_(visible) | ((Shortlist.placement_id.is_not(None)) & (Shortlist.by == actor.user_id)),
    )


def shortlist(session: Session, actor: Actor, shortlist_id: UUID) -> Shortlist:
    found = session.scalars(visible_to(actor).where(Shortlist.id == shortlist_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such shortlist.")
    return found


def matches(session: Session, actor: Actor, shortlist_id: UUID) -> list[ShortlistMatch]:
    """Return the pairs in their order; a jobseeker that has since been restricted is left out."""
    return list(
        session.scalars(
            select(ShortlistMatch)
            .where(
                ShortlistMatch.partner_id == actor.organisation_id,
                ShortlistMatch.shortlist_id == shortlist_id,
                ShortlistMatch.jobseeker_id.in_(jobseeker_queries.ids_visible_to(actor)),
            )
            .order_by(ShortlistMatch.rank)
        )
    )


def open_jobseekers(session: Session, actor: Actor) -> list[tuple[Jobseeker, ProfileVersion | None]]:
    rows = session.execute(
        select(Jobseeker, ProfileVersion)
        .outerjoin(ProfileVersion, (ProfileVersion.jobseeker_id == Jobseeker.id) & as_known(ProfileVersion))
        .where(jobseeker_queries.may_see(actor), Jobseeker.state == JobseekerState.OPEN)
        .order_by(Jobseeker.id)
    )
    return [(person, profile) for person, profile in rows]
