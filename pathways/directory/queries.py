"""Every SELECT of the feed: placements that are published or paused, and who lists them. No other table is read."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from pathways.database import Session
from pathways.organisations.models import Organisation
from pathways.placements.models import Placement, PlacementChangeMark, PlacementState

# What of a listing is public. Who runs it and how to reach them is not: it may name somebody.
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
    return session.scalars(select(func.count()).select_from(open_on(day).subquery())).one()


def page(session: Session, day: date, number: int, size: int) -> list[Any]:
    return list(session.execute(open_on(day).offset((number - 1) * size).limit(size)))


def organisation(session: Session, day: date, placement_id: UUID) -> Any | None:
    return session.execute(open_on(day).where(Placement.id == placement_id)).first()


def stamp(session: Session) -> tuple[int, int]:
    """Return what changes whenever a listing, its places or its enterprise's name does."""
    newest = (
        select(PlacementChangeMark.number, PlacementChangeMark.token)
        .order_by(PlacementChangeMark.number.desc())
        .limit(1)
    )
    row = session.execute(newest).first()
    return (row.number, row.token) if row is not None else (0, 0)
