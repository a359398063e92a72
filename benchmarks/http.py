"""Compare a shortlist over HTTP with a route that only inserts one row, or time the start of the service.

``python -m benchmarks.http [--placements N --jobseekers N --database sqlite|postgresql] [--cold]``. The route for
comparison belongs to the same application and checks permission in the same way. It reads the same body, honours an
Idempotency-Key like every POST, inserts one audit row in a transaction of its own, and returns a fixed body of the same
size as the shortlist. Both routes take turns in rounds. CPU time is the median of the rounds, for the serving process
without PostgreSQL. The first round is not counted, because the first shortlist with a word that is new to the service
takes some milliseconds longer.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx2 as httpx
import numpy as np
from fastapi import APIRouter, Response

from benchmarks import stocked
from benchmarks.results import record
from benchmarks.served_stage import SHAPES
from pathways import audit
from pathways.access.guards import DatabaseDep, OnceDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.audit import AuditRow
from pathways.base import Actor
from pathways.database import WriteSession
from pathways.shortlists.schemas import NewShortlist
from tests import postgres

ROUNDS = 12


def make_app() -> Any:
    """Return the application of the service with three more routes.

    One inserts a row, one returns the CPU time, and one sets how many bytes the first returns.
    """
    from pathways.commands import running  # noqa: PLC0415 - as the command does

    app: Any = running.make_app()
    router = APIRouter(route_class=PathwaysRoute)
    sized = {"body": b'""'}

    @router.post("/bench/rows/{row_id}", status_code=201)
    def insert_a_row(
        row_id: UUID,
        new: NewShortlist,  # noqa: ARG001 - the body is validated, as in the real route
        actor: Annotated[Actor, permitted(Permission.SHORTLIST_MAKE)],
        database: DatabaseDep,
        once: OnceDep,
    ) -> Response:
        """Insert one audit row and return a body of fixed size."""
        with database.writing(actor) as session:
            once(
                session,
                actor,
                lambda: _inserted(session, actor, row_id),
                lambda made: session.get_one(AuditRow, made),
            )
        return Response(sized["body"], 201, media_type="application/json")

    async def cpu() -> float:
        """Return the CPU time that this process has used, in seconds."""
        return time.process_time()

    async def resize(size: int) -> None:
        """Set the size of the body that the inserting route returns, in bytes."""
        sized["body"] = b'"' + b"x" * (size - 2) + b'"'

    app.get("/bench/cpu")(cpu)
    app.get("/bench/body/{size}")(resize)
    app.include_router(router)
    return app


def _inserted(session: WriteSession, actor: Actor, row_id: UUID) -> AuditRow:
    row = audit.row(actor, "bench", row_id, is_change=True)
    session.add(row)
    return row


@contextmanager
def database_url(kind: str, folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/bench.db"
        return
    with postgres.server() as url:
        yield url


def in_turn(client: httpx.Client, people: list[UUID], count: int) -> dict[str, tuple[float, float]]:
    """Request both routes in turn. For each, return the median server CPU and wall-clock time of a request, in ms."""
    paths: dict[str, Callable[[int], tuple[str, Any]]] = {
        "insert": lambda n: (f"/bench/rows/{people[n % len(people)]}", {}),
        "shortlist": lambda n: (f"/api/v1/jobseekers/{people[n % len(people)]}/shortlists", {}),
    }
    cpu: dict[str, list[float]] = {name: [] for name in paths}
    wall: dict[str, list[float]] = {name: [] for name in paths}
    each = max(1, count // ROUNDS)
    for round_ in range(ROUNDS + 1):
        for name, path in paths.items():
            before = client.get("/bench/cpu").json()
            for n in range(round_ * each, (round_ + 1) * each):
                address, body = path(n)
                began = time.perf_counter()
                answer = client.post(address, json=body)
                taken = time.perf_counter() - began
                answer.raise_for_status()
                if round_:  # the first round only warms up
                    wall[name].append(taken * 1000)
            if round_:
                cpu[name].append((client.get("/bench/cpu").json() - before) / each * 1000)
    return {name: (float(np.median(cpu[name])), float(np.median(wall[name]))) for name in paths}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--placements", type=int, default=10_000)
    parser.add_argument("--jobseekers", type=int, default=40)
    parser.add_argument("--requests", type=int, default=360)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default=None)
    parser.add_argument("--shape", choices=SHAPES, default=None)
    parser.add_argument("--cold", action="store_true", help="Only start the service and print how long it takes.")
    options = parser.parse_args()
    if options.cold:
        for kind in [options.database] if options.database else ["sqlite", "postgresql"]:
            with tempfile.TemporaryDirectory() as folder, database_url(kind, Path(folder)) as url:
                cold(kind, url, Path(folder), options)
        return
    for kind in [options.database] if options.database else ["sqlite", "postgresql"]:
        for shape in [options.shape] if options.shape else list(SHAPES):
            with tempfile.TemporaryDirectory() as folder, database_url(kind, Path(folder)) as url:
                report(kind, shape, SHAPES[shape], url, Path(folder), options)


def report(
    kind: str, shape: str, changes: dict[str, bool], url: str, folder: Path, options: argparse.Namespace
) -> None:
    """Compare both routes on one database with one of ``SHAPES``, and print and record the figures."""
    world, people = stocked.stocked(url, options.placements, options.jobseekers, **changes)
    headers = world.key("caseworker")
    with (
        stocked.served(url, folder / "serve.log", "benchmarks.http:make_app") as (address, _, ready),
        httpx.Client(base_url=address, headers=headers, timeout=60) as client,
    ):
        answer = client.post(f"/api/v1/jobseekers/{people[0]}/shortlists", json={}).raise_for_status()
        client.get(f"/bench/body/{len(answer.content)}").raise_for_status()
        times = in_turn(client, people, options.requests)
    shortlist = json.loads(answer.content)
    (cpu, wall), (plain_cpu, plain_wall) = times["shortlist"], times["insert"]
    print(
        f"{kind}, {shape}: {options.placements} placements, {len(shortlist['matches'])} matches and "
        f"{len(shortlist['nearest_refusals'])} refusals in {len(answer.content) // 1000} kB; ready in {ready:.1f} s"
    )
    print(f"  shortlist   {cpu:6.2f} ms CPU {wall:6.2f} ms wall")
    print(f"  one insert  {plain_cpu:6.2f} ms CPU {plain_wall:6.2f} ms wall")
    print(f"  ratio       {cpu / plain_cpu:6.2f} x      {wall / plain_wall:6.2f} x", flush=True)
    record(f"shortlist over HTTP, {kind}, {shape}, ms CPU", cpu, "one insert", plain_cpu, cpu / plain_cpu)


def cold(kind: str, url: str, folder: Path, options: argparse.Namespace) -> None:
    """Print how long the service takes to be ready, how long its first shortlist takes, and the memory it uses."""
    world, people = stocked.stocked(url, options.placements, options.jobseekers)
    headers = world.key("caseworker")
    with stocked.served(url, folder / "serve.log") as (address, process, ready):
        before = resident(process.pid)
        began = time.perf_counter()
        answer = httpx.post(f"{address}/api/v1/jobseekers/{people[0]}/shortlists", json={}, headers=headers, timeout=60)
        first = time.perf_counter() - began
        answer.raise_for_status()
        print(
            f"{kind}: {options.placements:,} placements, {options.jobseekers:,} jobseekers: ready after {ready:.1f} s, "
            f"{before:.0f} MB; first shortlist {first * 1000:.0f} ms, {resident(process.pid):.0f} MB",
            flush=True,
        )


def resident(process: int) -> float:
    """Return the resident memory of a process in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    return 0.0


if __name__ == "__main__":
    main()
