"""Store a version of a placement at each change, so that a shortlist based on that version can be explained later."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import event, insert, select

from pathways.base import utc_now
from pathways.database import WriteSession
from pathways.placements.models import Placement, PlacementVersion, Remote

# The columns that a check or a feature reads. The contact person is left out, because a shortlist stores the result of
# the safety check itself.
VERSION_COLUMNS = (
    "social_enterprise_id",
    "title",
    "occupation",
    "description",
    "essential_skills",
    "desirable_skills",
    "qualifications_needed",
    "licences_needed",
    "minimum_age",
    "maximum_age",
    "legal_basis",
    "right_to_work_needed",
    "hours_per_week",
    "hours_flexible",
    "half_days",
    "starts_on",
    "ends_on",
    "easting",
    "northing",
    "place_basis",
    "remote",
    "environment",
    "adjustments_offered",
    "support_offered",
    "dbs_level",
    "ring_fenced_for",
    "days_to_answer",
)


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def inputs_of(row: Any) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in VERSION_COLUMNS}


def columns_of(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored version's inputs with all ``VERSION_COLUMNS``; columns newer than the version are None."""
    return {**dict.fromkeys(VERSION_COLUMNS), **inputs}


def _version_columns(placement: Placement, at: datetime) -> dict[str, Any]:
    return {
        "placement_id": placement.id,
        "version": placement.version,
        "made_at": at,
        # The location a jobseeker would travel to; a fully remote placement has none.
        "easting": placement.easting if placement.remote != Remote.YES else None,
        "northing": placement.northing if placement.remote != Remote.YES else None,
        "inputs": inputs_of(placement),
    }


def _store_version(session: WriteSession, *_: object) -> None:
    at: datetime = session.actor.at if session.actor is not None else utc_now()
    rows = [
        _version_columns(placement, at)
        for placement in [*session.new, *session.dirty]
        if isinstance(placement, Placement) and (placement in session.new or session.is_modified(placement))
    ]
    if rows:
        session.connection().execute(insert(PlacementVersion), rows)


def store_missing(session: WriteSession) -> int:
    """Store each placement's current version if it is not stored yet, and return the number of versions stored.

    A version is missing if the placement was changed by direct SQL.
    """
    stored = select(PlacementVersion.number).where(
        PlacementVersion.placement_id == Placement.id, PlacementVersion.version == Placement.version
    )
    rows = [
        _version_columns(placement, utc_now())
        for placement in session.scalars(select(Placement).where(~stored.exists()))
    ]
    if rows:
        session.connection().execute(insert(PlacementVersion), rows)
    return len(rows)


event.listen(WriteSession, "after_flush", _store_version)
