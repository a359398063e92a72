"""Every SELECT on programmes."""

from uuid import UUID

from sqlalchemy import Select, or_, select

from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.programmes.models import Programme


def visible_to(actor: Actor) -> Select[Programme]:
    """A commissioner sees what it pays for, a partner what it delivers, the operator all."""
    rows = select(Programme)
    if actor.role is Role.OPERATOR:
        return rows
    return rows.where(
        or_(Programme.commissioner_id == actor.organisation_id, Programme.partner_id == actor.organisation_id)
    )


def programme(session: Session, actor: Actor, programme_id: UUID) -> Programme:
    found = session.scalars(visible_to(actor).where(Programme.id == programme_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such programme.")
    return found
