"""Every SELECT on placements and places."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, func, or_, select

from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.organisations.models import Organisation
from pathways.placements.models import (
    AnswerTime,
    Place,
    Placement,
    PlacementState,
    PlacementVersion,
    PlaceState,
    WordingConfirmation,
)
from pathways.placements.versions import VERSION_COLUMNS


def visible_to(actor: Actor) -> Select[Placement]:
    """Return the query of placements the actor may read.

    A placement lister or an administrator reads the placements of their own organisation and all published placements.
    Every other role reads every placement that is not a draft.
    """
    rows = select(Placement)
    if actor.role in {Role.PLACEMENT_LISTER, Role.ADMINISTRATOR}:
        return rows.where(
            or_(Placement.social_enterprise_id == actor.organisation_id, Placement.state == PlacementState.PUBLISHED)
        )
    return rows.where(Placement.state != PlacementState.DRAFT)


def own(actor: Actor) -> Select[Placement]:
    return select(Placement).where(Placement.social_enterprise_id == actor.organisation_id)


def placement(session: Session, actor: Actor, placement_id: UUID) -> Placement:
    placement_row = session.scalars(visible_to(actor).where(Placement.id == placement_id)).one_or_none()
    if placement_row is None:
        raise NotFound("There is no placement with this id that you may see. Check the id.")
    return placement_row


def own_placement(session: Session, actor: Actor, placement_id: UUID) -> Placement:
    """Return a placement of the actor's own organisation, locked for update and refreshed from the database."""
    placement_row = session.scalars(own(actor).where(Placement.id == placement_id)).one_or_none()
    if placement_row is None:
        raise NotFound("Your organisation has no placement with this id. Check the id.")
    session.refresh(placement_row, with_for_update=True)
    return placement_row


def places(session: Session, placement_id: UUID) -> list[Place]:
    return list(session.scalars(select(Place).where(Place.placement_id == placement_id).order_by(Place.number)))


def places_left(session: Session, placement_id: UUID) -> int:
    return session.scalars(
        select(func.count()).where(Place.placement_id == placement_id, Place.state == PlaceState.FREE)
    ).one()


def place_counts(session: Session, placement_ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return for each placement the number of places that are not withdrawn, and the number of free places."""
    rows = session.execute(
        select(
            Place.placement_id,
            func.count().filter(Place.state != PlaceState.WITHDRAWN),
            func.count().filter(Place.state == PlaceState.FREE),
        )
        .where(Place.placement_id.in_(placement_ids))
        .group_by(Place.placement_id)
    )
    return {placement_id: (total, left) for placement_id, total, left in rows}


def with_held_places(session: Session, placement_ids: Collection[UUID]) -> set[UUID]:
    """Return the placements of which a place is held: it was offered to a jobseeker, who may have accepted it."""
    rows = select(Place.placement_id).where(Place.placement_id.in_(placement_ids), Place.state == PlaceState.HELD)
    return set(session.scalars(rows.distinct()))


def answer_times(session: Session, organisation_ids: Collection[UUID]) -> dict[UUID, AnswerTime]:
    rows = session.scalars(select(AnswerTime).where(AnswerTime.social_enterprise_id.in_(organisation_ids)))
    return {row.social_enterprise_id: row for row in rows}


def names(session: Session, organisation_ids: set[UUID]) -> dict[UUID, str]:
    rows = session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(organisation_ids)))
    return {row.id: row.name for row in rows}


def confirmed_wording(
    session: Session, placement_ids: Collection[UUID]
) -> dict[UUID, dict[tuple[str, str, str], WordingConfirmation]]:
    """Return, for each placement, the current confirmation of each wording.

    The keys are the kind, the words in lower case, and the hash of the text that was checked (empty if it was recorded
    before hashes were: such a confirmation no longer counts).
    """
    rows = session.scalars(
        select(WordingConfirmation)
        .where(WordingConfirmation.placement_id.in_(placement_ids), as_known(WordingConfirmation))
        .order_by(WordingConfirmation.id)
    )
    confirmed: dict[UUID, dict[tuple[str, str, str], WordingConfirmation]] = {}
    for row in rows:
        confirmed.setdefault(row.placement_id, {})[row.kind, row.wording, row.of_text or ""] = row
    return confirmed


def place_of(session: Session, introduction_id: UUID) -> Place | None:
    return session.scalars(select(Place).where(Place.introduction_id == introduction_id)).one_or_none()


RANKED_COLUMNS = (
    Placement.id,
    Placement.version,
    Placement.closes_on,
    Placement.pay_per_hour_pence,
    Organisation.name.label("social_enterprise"),
    Placement.kind,
)


def published(placement_ids: Collection[UUID] | None = None) -> Select[Any]:
    """Return the query of published placements for a ranking: columns, version number and number of free places.

    With ``placement_ids``, the query reads only those placements.
    """
    left = (
        select(func.count())
        .where(Place.placement_id == Placement.id, Place.state == PlaceState.FREE)
        .scalar_subquery()
        .label("places_left")
    )
    rows = (
        select(*RANKED_COLUMNS, *(getattr(Placement, name) for name in VERSION_COLUMNS), PlacementVersion.number, left)
        .join(Organisation, Organisation.id == Placement.social_enterprise_id)
        .join(
            PlacementVersion,
            and_(PlacementVersion.placement_id == Placement.id, PlacementVersion.version == Placement.version),
            isouter=True,  # a missing stored version is a fault of this service, so the placement is still ranked
        )
        .where(Placement.state == PlacementState.PUBLISHED)
        .order_by(Placement.id)
    )
    return rows if placement_ids is None else rows.where(Placement.id.in_(placement_ids))


STILL_OPEN = select(
    Placement.id,
    Placement.version,
    select(func.count()).where(Place.placement_id == Placement.id, Place.state == PlaceState.FREE).scalar_subquery(),
).where(
    Placement.id.in_(bindparam("ids", expanding=True)),
    Placement.state == PlacementState.PUBLISHED,
    or_(Placement.closes_on.is_(None), Placement.closes_on >= bindparam("day")),
)


def still_open(session: Session, placement_ids: Collection[UUID], on: date) -> dict[UUID, tuple[int, int]]:
    """Return the version and the number of free places of each given placement that may be shortlisted on a day.

    The placement must be published, must not be past its closing date and must have a free place.
    """
    rows = session.connection().execute(STILL_OPEN, {"ids": list(placement_ids), "day": on})
    return {row[0]: (row[1], row[2]) for row in rows if row[2] > 0}
