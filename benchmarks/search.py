"""Compare the search for people by the words of their names with a scan of all names, on both databases.

``python -m benchmarks.search [--people N] [--database sqlite|postgresql]``. The people are those of ``known``. Each
search asks for a person by a part of the name, in another order, with a typing error, by a short form or by telephone.
The scan reads all names and compares them with RapidFuzz, as the search did before. CPU is that of this process only.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
from rapidfuzz import fuzz, process
from sqlalchemy import select

from benchmarks.http import database_url
from benchmarks.known import filled
from benchmarks.results import record
from matching.people.names import called
from pathways.database import Database
from pathways.jobseekers import name_index
from pathways.jobseekers.models import Jobseeker, JobseekerDetails
from pathways.jobseekers.search import search
from pathways.jobseekers.search_schemas import SearchBody
from tests.world import World

SEARCHES, SCANS = 300, 5


def searches(database: Database, ids: Sequence[UUID]) -> list[tuple[str, SearchBody, UUID]]:
    """Return made-up searches: the kind, the body, and the person who is meant."""
    drawn = random.Random(11)
    has_names = JobseekerDetails.given_name != "", JobseekerDetails.family_name != ""
    rows = select(JobseekerDetails).where(JobseekerDetails.jobseeker_id.in_(ids[:SEARCHES]), *has_names)
    with database.reading() as session:
        people = list(session.scalars(rows))
    made = []
    for person in people:
        given, family = person.given_name or "", person.family_name or ""
        n = drawn.randrange(1, max(2, len(family) - 1))
        short = sorted(called(given.casefold())) or [given]
        made += [
            ("family name", SearchBody(text=family), person.jobseeker_id),
            ("both, turned", SearchBody(text=f"{family} {given}"), person.jobseeker_id),
            ("typing error", SearchBody(text=f"{given} {family[:n] + family[n + 1 :]}"), person.jobseeker_id),
            ("short form", SearchBody(text=f"{drawn.choice(short)} {family}"), person.jobseeker_id),
        ]
        if person.phone:
            made.append(("telephone", SearchBody(text=person.phone), person.jobseeker_id))
    return made


def timed(act: Callable[[], object]) -> tuple[float, float, object]:
    """Return the CPU and wall-clock time of a call in milliseconds, and its result."""
    before, began = time.process_time(), time.perf_counter()
    result = act()
    return (time.process_time() - before) * 1000, (time.perf_counter() - began) * 1000, result


def scan(database: Database, world: World, text: str) -> object:
    """Compare the text with all names of the partner."""
    columns = Jobseeker.id, Jobseeker.given_key, Jobseeker.family_key
    rows = select(*columns).where(Jobseeker.partner_id == world.organisations["partner"])
    with database.reading() as session:
        names = [f"{row[1]} {row[2]}" for row in session.connection().execute(rows)]
    return process.extract(text.casefold(), names, scorer=fuzz.token_sort_ratio, limit=20)


def report(kind: str, count: int) -> None:
    """Fill a new database, search it, and print the times of the search and of the scan."""
    with tempfile.TemporaryDirectory() as folder, database_url(kind, Path(folder)) as url:
        database, world, sample = filled(url, count)
        began = time.perf_counter()
        name_index.fill(database)
        print(f"{kind}: words of {count:,} people stored in {time.perf_counter() - began:.0f} s", flush=True)
        actor = world.actors["manager"]
        if database.is_sqlite:
            database.count_rows()
        times: dict[str, list[tuple[float, float, bool]]] = {}
        asked = searches(database, [jobseeker_id for _, jobseeker_id in sample])
        for name, body, person in asked:
            with database.reading(actor) as session:
                cpu, wall, matches = timed(lambda body=body, session=session: search(session, actor, body))  # type: ignore[misc]
            first = [match.id for match in matches][:50]  # type: ignore[attr-defined]
            times.setdefault(name, []).append((cpu, wall, person in first))
        for name, figures in times.items():
            walls = [figure[1] for figure in figures]
            share = np.mean([figure[2] for figure in figures])
            print(
                f"  {name}: median {np.median(walls):.1f} ms, 95 % within {np.percentile(walls, 95):.1f} ms, longest"
                f" {max(walls):.0f} ms wall; {share:.3f} on the first page of 50"
            )
        cpu = float(np.median([figure[0] for figures in times.values() for figure in figures]))
        scans = [timed(lambda body=body: scan(database, world, body.text or ""))[0] for _, body, _ in asked[:SCANS]]  # type: ignore[misc]
        scan_cpu = float(np.median(scans))
        print(f"  all searches: median {cpu:.1f} ms CPU; a scan: {scan_cpu:.0f} ms CPU", flush=True)
        record(
            f"search for a name among {count} people, {kind}, ms CPU",
            cpu,
            "scan of all names",
            scan_cpu,
            scan_cpu / cpu,
        )
        database.close()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default=None)
    options = parser.parse_args(arguments)
    for kind in [options.database] if options.database else ["sqlite", "postgresql"]:
        report(kind, options.people)


if __name__ == "__main__":
    main()
