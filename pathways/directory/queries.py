"""The queries of the public feed. They read published and paused placements and their social enterprises only."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from pathways.base import end_of_local_day
from pathways.database import Session
from pathways.organisations.models import Organisation, OrganisationKind, PublishedPlace
from pathways.placements.models import Placement, PlacementChangeMark, PlacementState, PlacementVersion, Remote

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
    func.coalesce(PlacementVersion.made_at, Placement.made_at).label("changed_at"),
    Placement.hours_per_week,
    Placement.pay_per_hour_pence,
    Placement.ring_fenced_for,
    Placement.starts_on,
    Placement.ends_on,
    Placement.half_days,
    Placement.postcode,
    Placement.remote,
    Organisation.id.label("organisation_id"),
    Organisation.name.label("organisation"),
    Organisation.company_number,
    Organisation.charity_number,
    Organisation.published_place,
    Organisation.public_email,
    Organisation.public_website,
)
# The order of the feed: the order in which placements were first published. It never changes.
LISTED = func.coalesce(Placement.listed_at, Placement.made_at)


def is_open(day: date) -> ColumnElement[bool]:
    """Return the condition that a placement is in the feed on a day: published or paused, and not past its closing."""
    return and_(
        Placement.state.in_([PlacementState.PUBLISHED, PlacementState.PAUSED]),
        or_(Placement.closes_on.is_(None), Placement.closes_on >= day),
    )


def open_on(day: date) -> Any:
    """Select the placements that are in the feed on a day, in the order in which they were first published."""
    return (
        select(*COLUMNS)
        .join(Organisation, Organisation.id == Placement.social_enterprise_id)
        .join(
            PlacementVersion,
            and_(PlacementVersion.placement_id == Placement.id, PlacementVersion.version == Placement.version),
            isouter=True,
        )
        .where(is_open(day))
        .order_by(LISTED, Placement.id)
    )


def frame(session: Session, day: date) -> list[tuple[UUID, bool]]:
    """Return the ids that pages are counted by, in order, and whether each placement is in the feed.

    A placement that closed yesterday or today has a position but is not shown. So while others are published or
    closed, a client that reads page after page neither misses a placement nor gets one twice.
    """
    since = day - timedelta(days=1)
    has_position = or_(
        is_open(day),
        and_(
            Placement.state == PlacementState.CLOSED, Placement.closed_at > end_of_local_day(since - timedelta(days=1))
        ),
        and_(Placement.state.in_([PlacementState.PUBLISHED, PlacementState.PAUSED]), Placement.closes_on >= since),
    )
    was_listed = or_(Placement.state != PlacementState.CLOSED, Placement.listed_at.is_not(None))
    rows = select(Placement.id, is_open(day)).where(has_position, was_listed).order_by(LISTED, Placement.id)
    return [(key, bool(is_shown)) for key, is_shown in session.execute(rows)]


def of_ids(session: Session, day: date, placement_ids: Collection[UUID]) -> list[Any]:
    """Return these placements with their social enterprises, in the order of the feed."""
    return list(session.execute(open_on(day).where(Placement.id.in_(placement_ids))))


def located(session: Session, day: date) -> frozenset[UUID]:
    """Return the ids of the placements that the feed shows with a location on a day."""
    rows = (
        select(Placement.id)
        .join(Organisation, Organisation.id == Placement.social_enterprise_id)
        .where(
            is_open(day),
            or_(
                Placement.remote == Remote.YES,
                and_(
                    Placement.postcode.is_not(None),
                    Organisation.published_place.is_distinct_from(PublishedPlace.NOTHING),
                ),
            ),
        )
    )
    return frozenset(session.scalars(rows))


def operator_email(session: Session) -> str | None:
    """Return the public address of the operator, which the feed gives for an organisation without one."""
    rows = select(Organisation.public_email).where(Organisation.kind == OrganisationKind.OPERATOR)
    return session.scalars(rows.order_by(Organisation.id)).first()


def organisation(session: Session, day: date, placement_id: UUID) -> Any | None:
    """Return one placement with its social enterprise, or None if the placement is not in the feed on that day."""
    return session.execute(open_on(day).where(Placement.id == placement_id)).first()


def stamp(session: Session) -> tuple[int, int, int]:
    """Return the newest change mark, and a number that changes with every organisation.

    They change whenever a placement, its places or what an organisation publishes changes. They are part of the key of
    every cached reply.
    """
    newest = (
        select(PlacementChangeMark.number, PlacementChangeMark.token)
        .order_by(PlacementChangeMark.number.desc())
        .limit(1)
    )
    row = session.execute(newest).first()
    # A version only increases, so the sum changes with every change, and with every new organisation.
    versions = session.scalars(select(func.coalesce(func.sum(Organisation.version), 0))).one()
    return (row.number, row.token, int(versions)) if row is not None else (0, 0, int(versions))
