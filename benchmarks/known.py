"""Compare identifying a person by keyed hashes with a scan of all people, on both databases.

``python -m benchmarks.known [--people N] [--database sqlite|postgresql]``. The people of a made-up town are bulk
inserted. Half of the people looked up live in the town, as recorded a second time by another office, with typing
mistakes and changed addresses; half are strangers. CPU is that of this process only; the CPU of PostgreSQL is not
included, so wall-clock time is printed too. The scan reads all people and compares names, as a search without keys
would. The scan is run only a few times.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from rapidfuzz import fuzz, process
from sqlalchemy import insert, select
from uuid_utils.compat import uuid7

from benchmarks import people_population, stocked
from benchmarks.http import database_url
from benchmarks.people_population import SyntheticPerson
from benchmarks.results import record
from benchmarks.served_stage import peak_gigabytes
from matching.people.identity import Identity, keys_of
from pathways import migrate
from pathways.base import Source
from pathways.database import Database, Session
from pathways.jobseekers import formats, identify, person_keys
from pathways.jobseekers.details import Details
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, JobseekerState, PersonKey
from tests.world import World, build_world

AT_ONCE = 5_000  # people
LOOK_UPS, SCANS = 1_000, 3
STRANGERS_SEED = 1_000_003
Rows = list[dict[str, Any]]


def filled(url: str, count: int) -> tuple[Database, World, list[tuple[SyntheticPerson, UUID]]]:
    """Insert a town. Return the database, its test world, and some people with the ids of their records."""
    database = Database.of(stocked.settings_for(url))
    migrate.upgrade(database)
    world = build_world(database)
    sample: list[tuple[SyntheticPerson, UUID]] = []
    drawn = random.Random(7)
    every = max(1, count // (LOOK_UPS // 2))
    for batch in _batches(people_population.people(count)):
        with database.writing(None) as session:
            rows: dict[type[Any], Rows] = {Jobseeker: [], JobseekerDetails: [], PersonKey: []}
            for person in batch:
                jobseeker_id = _add(session, world, rows, person, drawn)
                if person.number % every == 0:
                    sample.append((person, jobseeker_id))
            for model, columns in rows.items():
                session.connection().execute(insert(model.__table__), columns)
    if database.is_sqlite:
        database.count_rows()
    else:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
    return database, world, sample


def _batches(people: Iterator[SyntheticPerson]) -> Iterator[list[SyntheticPerson]]:
    while batch := list(islice(people, AT_ONCE)):
        yield batch


def _add(
    session: Session, world: World, rows: dict[type[Any], Rows], person: SyntheticPerson, drawn: random.Random
) -> UUID:
    """Add the rows of one person to ``rows``, and return the id of the jobseeker."""
    who = people_population.office_record(drawn, person, "")
    actor, jobseeker_id = world.actors["manager"], uuid7()
    born = _day(who.born)
    owner = {"partner_id": actor.organisation_id}
    identifiers = (
        identify.identity(session, "", Details.of({"nino": person.nino})).identifiers if drawn.random() < 0.6 else {}
    )
    recorded = Identity(
        "", who.given, who.family, born=f"{born:%Y%m%d}" if born else "", postcode=who.postcode, phone=who.phone,
        email=who.email, identifiers=identifiers,
    )  # fmt: skip
    rows[Jobseeker].append(
        {
            "id": jobseeker_id,
            **owner,
            "reference": f"J-{person.number:07d}",
            "state": JobseekerState.OPEN,
            "is_restricted": False,
            "made_at": actor.at,
            "given_key": formats.name_key(who.given),
            "family_key": formats.name_key(who.family),
            "date_of_birth": born,
            "postcode_key": who.postcode or None,
            "nino_hash": identifiers.get("nino"),
            "version": 1,
        }
    )
    rows[JobseekerDetails].append(
        {
            "id": uuid7(),
            **owner,
            "jobseeker_id": jobseeker_id,
            "given_name": who.given,
            "family_name": who.family,
            "date_of_birth": born,
            "postcode": who.postcode or None,
            "phone": who.phone or None,
            "email": who.email or None,
            "valid_on": actor.today,
            "recorded_at": actor.at,
            "by": actor.user_id,
            "source": Source.DEMONSTRATION,
            "is_withdrawal": False,
            "reason": "",
        }
    )
    keys = {person_keys.hashed(session, key) for key in keys_of(recorded)}
    rows[PersonKey] += [{**owner, "jobseeker_id": jobseeker_id, "key": key} for key in sorted(keys)]
    return jobseeker_id


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def timed_lookups(
    database: Database, world: World, people: Sequence[Identity]
) -> tuple[list[list[identify.Candidate]], float, float]:
    """Return the candidates of each person, and the median CPU and wall-clock time of a look-up in milliseconds."""
    partner, cpu, wall, candidates = world.organisations["partner"], [], [], []
    with database.reading() as session:
        identify.find(session, partner, [identify.IdentityQuery(people[0])])
        for who in people:
            before, began = time.process_time(), time.perf_counter()
            candidates += identify.find(session, partner, [identify.IdentityQuery(who)])
            cpu.append((time.process_time() - before) * 1000)
            wall.append((time.perf_counter() - began) * 1000)
    print(f"  95 % of look-ups within {np.percentile(wall, 95):.1f} ms, the longest {max(wall):.1f} ms wall")
    return candidates, float(np.median(cpu)), float(np.median(wall))


def scanned(database: Database, world: World, people: Iterable[Identity]) -> tuple[float, float]:
    """Return the median CPU and wall-clock time, in milliseconds, of a scan that compares names."""
    cpu, wall = [], []
    rows = select(Jobseeker.id, Jobseeker.given_key, Jobseeker.family_key, Jobseeker.date_of_birth).where(
        Jobseeker.partner_id == world.organisations["partner"]
    )
    for who in people:
        before, began = time.process_time(), time.perf_counter()
        with database.reading() as session:
            names = [f"{row[1]} {row[2]}" for row in session.connection().execute(rows)]
        process.extract(f"{who.given} {who.family}".casefold(), names, scorer=fuzz.token_sort_ratio, limit=20)
        cpu.append((time.process_time() - before) * 1000)
        wall.append((time.perf_counter() - began) * 1000)
    return float(np.median(cpu)), float(np.median(wall))


@dataclass(frozen=True)
class LookupFigures:
    """The cost of a look-up in milliseconds, and how well it works.

    ``found`` is the share of people with a second record whose first record is among the candidates. ``wrong`` is the
    number of strangers for whom a person of the town is a candidate with a probability of ``identify.SURELY`` or more.
    """

    cpu: float
    wall: float
    scan_cpu: float
    found: float
    wrong: int


def report(kind: str, count: int) -> LookupFigures:
    """Fill a new database, look people up in it, and print the times of the look-up and of a scan."""
    with tempfile.TemporaryDirectory() as folder, database_url(kind, Path(folder)) as url:
        began = time.perf_counter()
        database, world, sample = filled(url, count)
        print(f"{kind}: {count:,} people inserted in {time.perf_counter() - began:.0f} s", flush=True)
        drawn = random.Random(99)
        again = [people_population.office_record(drawn, person, "") for person, _ in sample]
        strangers = [
            people_population.office_record(drawn, person, "")
            for person in people_population.people(len(again), STRANGERS_SEED)
        ]
        candidates, cpu, wall = timed_lookups(database, world, [*again, *strangers])
        mine = [jobseeker_id for _, jobseeker_id in sample]
        hit = sum(
            any(candidate.jobseeker_id == jobseeker_id for candidate in of_person)
            for of_person, jobseeker_id in zip(candidates, mine, strict=False)
        )
        of_strangers = [of_person for of_person in candidates[len(mine) :] if of_person]
        wrong = sum(of_person[0].verdict.probability >= identify.SURELY for of_person in of_strangers)
        scan_cpu, scan_wall = scanned(database, world, again[:SCANS])
        print(f"  {len(candidates):,} people looked up: {cpu:.2f} ms CPU, {wall:.2f} ms wall")
        print(f"  a scan: {scan_cpu:.0f} ms CPU, {scan_wall:.0f} ms wall")
        print(f"  share found of {len(mine)} people recorded again without their NI number: {hit / len(mine):.3f}")
        print(f"  {wrong} of {len(strangers)} strangers are wrongly taken for a person of the town")
        print(f"  peak memory {peak_gigabytes():.2f} GB", flush=True)
        record(f"look-up among {count} people, {kind}, ms CPU", cpu, "scan of everybody", scan_cpu, scan_cpu / cpu)
        database.close()
        return LookupFigures(cpu, wall, scan_cpu, hit / len(mine), wrong)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default=None)
    options = parser.parse_args(arguments)
    for kind in [options.database] if options.database else ["sqlite", "postgresql"]:
        report(kind, options.people)


if __name__ == "__main__":
    main()
