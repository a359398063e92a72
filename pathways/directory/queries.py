"""The queries of the public feed. They read published and paused placements and their social enterprises only."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from pathways.database import Session
from pathways.organisations.models import Organisation
from pathways.placements.models import Placement, PlacementChangeMark, PlacementState

# The public columns of a placement. Contact details are left out: they may name a person.
COLUMNS = (
    Placement.id,
    Placement.title,
    Placement.description,
    Placement.kind,
    Placement.state,
    Placement.minimum_age,
    Placement.maximum_age,
    Placement.legal_basis,
    Placement.confirmed_on,
    Placement.made_at,
    Placement.starts_on,
    Placement.ends_on,
    Placement.half_days,
    Placement.postcode,
    Placement.remote,
    Organisation.id.label("organisation_id"),
    Organisation.name.label("organisation"),
    Organisation.company_number,
    Organisation.charity_number,
)


def open_on(day: date) -> Any:
    """Select the published and paused placements that do not close before a day, in order of id."""
    return (
        select(*COLUMNS)
        .join(Organisation, Organisation.id == Placement.social_enterprise_id)
        .where(
            Placement.state.in_([PlacementState.PUBLISHED, PlacementState.PAUSED]),
            or_(Placement.closes_on.is_(None), Placement.closes_on >= day),
        )
        .order_by(Placement.id)
    )


def count(session: Session, day: date) -> int:
    """Count the placements that are in the feed on a day."""
    return session.scalars(select(func.count()).select_from(open_on(day).subquery())).one()


def page(session: Session, day: date, number: int, size: int) -> list[Any]:
    """Return one page of the feed's placements. Page numbers start at 1."""
    return list(session.execute(open_on(day).offset((number - 1) * size).limit(size)))


def organisation(session: Session, day: date, placement_id: UUID) -> Any | None:
    """Return one placement with its social enterprise, or None if the placement is not in the feed on that day."""
    return session.execute(open_on(day).where(Placement.id == placement_id)).first()


def stamp(session: Session) -> tuple[int, int]:
    """Return the newest change mark. It changes whenever a placement, its places or its enterprise's name changes.

    The change mark is part of the key of every cached reply.
    """
    newest = (
        select(PlacementChangeMark.number, PlacementChangeMark.token)
        .order_by(PlacementChangeMark.number.desc())
        .limit(1)
    )
    row = session.execute(newest).first()
    return (row.number, row.token) if row is not None else (0, 0)
