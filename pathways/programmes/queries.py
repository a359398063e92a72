"""Every SELECT on programmes and their prices."""

from datetime import date
from uuid import UUID

from sqlalchemy import Select, or_, select

from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.programmes.models import Programme, ProgrammePrice


def visible_to(actor: Actor) -> Select[Programme]:
    """Return the query of programmes the actor may see.

    A commissioner sees the programmes it pays for. A partner sees the programmes it delivers. The operator sees all.
    """
    rows = select(Programme)
    if actor.role is Role.OPERATOR:
        return rows
    return rows.where(
        or_(Programme.commissioner_id == actor.organisation_id, Programme.partner_id == actor.organisation_id)
    )


def programme(session: Session, actor: Actor, programme_id: UUID) -> Programme:
    programme_row = session.scalars(visible_to(actor).where(Programme.id == programme_id)).one_or_none()
    if programme_row is None:
        raise NotFound("There is no programme with this id that you may see. Check the id.")
    return programme_row


def prices(programme: Programme) -> Select[ProgrammePrice]:
    """Return the query of the current prices of a programme."""
    return select(ProgrammePrice).where(ProgrammePrice.programme_id == programme.id, as_known(ProgrammePrice))


def price_on(session: Session, programme: Programme, rule: str, on: date) -> int | None:
    """Return the price in pence of an outcome met on a day; None if no price applies on that day."""
    rows = prices(programme).where(ProgrammePrice.rule == rule, ProgrammePrice.valid_on <= on)
    price = session.scalars(rows.order_by(ProgrammePrice.valid_on.desc(), ProgrammePrice.id.desc()).limit(1)).first()
    return price.pence if price is not None else None
