"""Every SELECT on programmes."""

from datetime import date
from uuid import UUID

from sqlalchemy import Select, or_, select

from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.programmes.models import Programme, ProgrammePrice


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


def prices(programme: Programme) -> Select[ProgrammePrice]:
    return select(ProgrammePrice).where(ProgrammePrice.programme_id == programme.id, as_known(ProgrammePrice))


def price_on(session: Session, programme: Programme, rule: str, on: date) -> int | None:
    """Return the pence paid for an outcome of a day; None where no price is recorded."""
    rows = prices(programme).where(ProgrammePrice.rule == rule, ProgrammePrice.valid_on <= on)
    found = session.scalars(rows.order_by(ProgrammePrice.valid_on.desc(), ProgrammePrice.id.desc()).limit(1)).first()
    return found.pence if found is not None else None
