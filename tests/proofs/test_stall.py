"""No stall: a hundred clients and slow queries on the default settings."""

import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from pathways import consistency
from pathways.database import Database
from tests.served import served
from tests.world import World

CLIENTS = 100
SECONDS = 20.0 if os.environ.get("PATHWAYS_PROVE") else 4.0
LONGEST_SILENCE = 5.0
SLOW = 0.05


@contextmanager
def slowed(database: Database) -> Iterator[None]:
    """Hold what every request writes to, half of the time, so that each request's queries are truly slow."""
    over = threading.Event()
    engine = database.engine.execution_options(writes=True) if database.is_sqlite else database.engine

    def hold() -> None:
        while not over.is_set():
            with engine.connect() as connection, connection.begin():
                if not database.is_sqlite:
                    connection.execute(text("LOCK TABLE audit IN EXCLUSIVE MODE"))
                time.sleep(SLOW)
            time.sleep(SLOW)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        yield
    finally:
        over.set()
        holder.join()


@pytest.mark.long_test("postgresql")
def test_a_hundred_clients_are_answered_without_a_stall(stage, world: World, database, tmp_path):
    """Readers and writers together: each second some are answered, none with a server error."""
    for number in range(40):
        world.refer(ref=f"R{number}", given_name=f"Person {number}")
    for _ in range(10):
        world.list_placement()
    person, _ = world.supported(ref="S")
    paths = [
        ("GET", "/jobseekers?limit=100"),
        ("GET", f"/jobseekers/{person}"),
        ("POST", f"/jobseekers/{person}/shortlists"),
        ("POST", "/jobseekers/search"),
    ]
    bodies = {"/jobseekers/search": b'{"name": "Amna Ni Brian"}'}
    answered: list[tuple[float, int]] = []
    lock = threading.Lock()

    def call(address: str, number: int, until: float) -> None:
        turn = number
        while time.monotonic() < until:
            method, path = paths[turn % len(paths)]
            turn += 1
            body = bodies.get(path, b"{}") if method == "POST" else None
            request = urllib.request.Request(f"{address}/api/v1{path}", data=body, method=method)
            request.add_header("Authorization", world.key("caseworker")["Authorization"])
            request.add_header("Content-Type", "application/json")
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    answer.read()
                    status = answer.status
            except urllib.error.HTTPError as refused:
                status = refused.code
            with lock:
                answered.append((time.monotonic(), status))

    with served(stage.settings, tmp_path / "log") as address, slowed(database):
        began = time.monotonic()
        threads = [threading.Thread(target=call, args=(address, n, began + SECONDS)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    times = sorted(at for at, _ in answered)
    silence = max(after - before for before, after in zip([began, *times], times, strict=False))
    statuses = {status for _, status in answered}
    print(
        f"\n{stage.backend}: {len(answered)} answers to {CLIENTS} clients, longest silence {silence:.2f} s, {statuses}"
    )
    assert statuses <= {200, 201}
    assert len(answered) > CLIENTS
    assert silence < LONGEST_SILENCE
    with database.reading() as session:
        assert consistency.faults(session) == []
