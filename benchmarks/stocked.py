"""Bulk insert any number of placements and people into a database, and serve it in a process of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from uuid_utils.compat import uuid7

from benchmarks import population
from pathways import migrate
from pathways.base import Source
from pathways.database import Database
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, JobseekerState, ProfileVersion
from pathways.placements.models import (
    DbsLevel,
    Place,
    Placement,
    PlacementKind,
    PlacementState,
    PlacementVersion,
    PlaceState,
)
from pathways.placements.versions import VERSION_COLUMNS, inputs_of
from pathways.settings import Settings
from tests.world import World, build_world

AT_ONCE = 2_000  # rows
ENTERPRISES = ("enterprise", "other_enterprise")


def settings_for(url: str) -> Settings:
    """Return settings for a benchmark database. The keys are fixed, so that several processes can share it."""
    return Settings(
        _env_file=None,
        database_url=url,
        encryption_key="bench-encryption-key-of-43-characters-00000",
        hash_key="bench-hash-key-of-at-least-32-characters-00",
        log_level="error",
    )


def stocked(
    url: str, placements: int, jobseekers: int, *, blank: bool = False, city: bool = False
) -> tuple[World, list[UUID]]:
    """Create the test world, add placements and jobseekers, and return the world and the ids of these jobseekers.

    All these jobseekers are supported by the world's caseworker.
    """
    database = Database.of(settings_for(url))
    migrate.upgrade(database)
    world = build_world(database)
    shape: dict[str, Any] = {"seed": 5, "blank": blank, "city": city}
    rows = [_placement(world, n, listing) for n, listing in enumerate(population.listings(placements, **shape))]
    now = datetime.now(UTC)
    with database.writing(world.operator) as session:
        for start in range(0, len(rows), AT_ONCE):
            batch = rows[start : start + AT_ONCE]
            session.execute(insert(Placement), [row for row, _ in batch])
            session.execute(insert(Place), [place for _, places in batch for place in places])
            session.execute(insert(PlacementVersion), [_version(row, now) for row, _ in batch])
    ids: list[UUID] = []
    for people in population.in_blocks(jobseekers, AT_ONCE, **shape):
        made = [_person(world, len(ids) + n, profile, now) for n, profile in enumerate(people)]
        with database.writing(world.operator) as session:
            for model, index in ((Jobseeker, 0), (JobseekerDetails, 1), (ProfileVersion, 2)):
                session.execute(insert(model), [person[index] for person in made])
        ids += [person[0]["id"] for person in made]
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    return world, ids


def _placement(world: World, number: int, listing: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the columns of a placement and of its places."""
    placement_id, today = uuid7(), population.DAY
    row = {
        "id": placement_id,
        "social_enterprise_id": world.organisations[ENTERPRISES[number % 2]],
        "ref": f"B-{number}",
        "state": PlacementState.PUBLISHED,
        "title": listing.title,
        "occupation": listing.occupation,
        "kind": PlacementKind.JOB_OPEN,
        "essential_skills": list(listing.essential_skills or ()) or None,
        "desirable_skills": list(listing.desirable_skills or ()) or None,
        "qualifications_needed": listing.qualifications_needed,
        "licences_needed": list(listing.licences_needed or ()) or None,
        "easting": int(listing.place[0]),
        "northing": int(listing.place[1]),
        "place_basis": "postcode",
        "remote": listing.remote,
        "half_days": listing.half_days,
        "hours_per_week": listing.hours_per_week,
        "hours_flexible": listing.hours_flexible,
        "starts_on": listing.starts_on,
        "ends_on": listing.ends_on,
        "pay_per_hour_pence": 1400,
        "minimum_age": listing.minimum_age,
        "maximum_age": None,
        "legal_basis": None,
        "right_to_work_needed": None,
        "dbs_level": DbsLevel.NONE,
        "adjustments_offered": list(listing.adjustments_offered or ()) or None,
        "environment": list(listing.environment or ()) or None,
        "support_offered": list(listing.support_offered or ()) or None,
        "days_to_answer": listing.days_to_answer,
        "contact_email": f"lister{number}@example.org",
        "ring_fenced_for": listing.reserved_for,
        "confirmed_on": today,
        "reconfirm_by": today + timedelta(days=90),
        "made_at": datetime.now(UTC),
        "version": 1,
    }
    places = [
        {"id": uuid7(), "placement_id": placement_id, "number": n + 1, "state": PlaceState.FREE}
        for n in range(listing.places_left)
    ]
    return row, places


class _Row:
    """Give the columns of a row as attributes, as ``inputs_of`` reads them."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.__dict__.update(row)


def _version(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    is_remote = row["remote"] == "yes"
    return {
        "placement_id": row["id"],
        "version": 1,
        "made_at": now,
        "easting": None if is_remote else row["easting"],
        "northing": None if is_remote else row["northing"],
        "inputs": inputs_of(_Row({**dict.fromkeys(VERSION_COLUMNS), **row})),
    }


def _person(world: World, number: int, made_up: Any, now: datetime) -> tuple[dict[str, Any], ...]:
    """Return the columns of a jobseeker, of the jobseeker's details and of the profile."""
    worker = world.actors["caseworker"]
    person_id, limits, wishes, offer = uuid7(), made_up.limits, made_up.wishes, made_up.offer
    about = {"partner_id": world.organisations["partner"], "jobseeker_id": person_id}
    fact = {"valid_on": population.DAY, "recorded_at": now, "by": worker.user_id, "source": Source.DEMONSTRATION}
    born = None if limits.age_years is None else population.DAY - timedelta(days=366 * limits.age_years + 100)
    person = {
        "id": person_id,
        "partner_id": about["partner_id"],
        "reference": f"J-B{number:07}",
        "state": JobseekerState.OPEN,
        "is_restricted": False,
        "caseworker_id": worker.membership_id,
        "made_at": now,
        "given_key": f"given {number}",
        "family_key": f"family {number}",
        "date_of_birth": born,
        "easting": int(limits.place[0]) if limits.place else None,
        "northing": int(limits.place[1]) if limits.place else None,
        "place_basis": "postcode" if limits.place else None,
        "version": 1,
    }
    details = {"id": uuid7(), **about, **fact, "given_name": f"Given {number}", "family_name": f"Family {number}"}
    profile = {
        "id": uuid7(),
        **about,
        **fact,
        "number": 1,
        "said_by": {},
        "right_to_work": limits.right_to_work,
        "aspirations": list(wishes.aspirations or ()) or None,
        "avoid": list(wishes.avoid or ()) or None,
        "skills": list(offer.skills or ()) or None,
        "qualification_level": limits.qualification_level,
        "licences": list(limits.licences or ()) or None,
        "hours_min": limits.hours_min,
        "hours_max": limits.hours_max,
        "half_days": limits.half_days,
        "earliest_start_on": limits.earliest_start_on,
        "travel_modes": list(limits.travel_modes or ()) or None,
        "max_travel_minutes": limits.max_travel_minutes,
        "adjustments": list(wishes.adjustments or ()) or None,
        "environment": list(wishes.environment or ()) or None,
    }
    return person, details, profile


@contextmanager
def served(
    url: str, log: Path, factory: str = "pathways.commands.running:make_app"
) -> Iterator[tuple[str, Any, float]]:
    """Serve a database. Yield the address, the process, and the seconds until the service was ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = settings_for(url)
    environment = os.environ | {
        "PATHWAYS_DATABASE_URL": url,
        "PATHWAYS_ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
        "PATHWAYS_HASH_KEY": settings.hash_key.get_secret_value(),
        "PATHWAYS_LOG_LEVEL": "error",
    }
    code = (
        f"import uvicorn; uvicorn.run({factory!r}, factory=True, host='127.0.0.1', port={port}, "
        "access_log=False, log_level='critical', server_header=False)"
    )
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=out, stderr=out)
    address = f"http://127.0.0.1:{port}"
    try:
        while not _is_ready(address):
            if process.poll() is not None or time.perf_counter() - began > 120:
                raise RuntimeError(log.read_text()[-2000:])
            time.sleep(0.02)
        yield address, process, time.perf_counter() - began
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
