"""Sixteen clients, and listings edited and closed at fifty a second: no stall, no error, no wrong list."""

import os

import pytest
from sqlalchemy import select

from benchmarks import busy, stocked
from pathways.placements.models import Placement
from tests import postgres

IS_PROOF = bool(os.environ.get("PATHWAYS_PROVE"))
PLACEMENTS, SECONDS = (10_000, 60.0) if IS_PROOF else (200, 4.0)
LONGEST_WAIT = 5.0


@pytest.mark.long_test("sqlite")
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_no_answer_is_wrong_while_listings_change(backend, tmp_path, capsys):
    if backend == "sqlite":
        prove(f"sqlite:///{tmp_path}/busy.db", tmp_path, capsys)
        return
    with postgres.server() as url:
        prove(postgres.database_beside(url, "pathways_busy"), tmp_path, capsys)


def prove(url: str, folder, capsys) -> None:
    world, people = stocked.stocked(url, PLACEMENTS, 64, city=True, blank=True)
    with world.database.reading() as session:
        own = select(Placement.id).where(Placement.social_enterprise_id == world.organisations["enterprise"])
        placements = list(session.scalars(own.order_by(Placement.ref)))
    with stocked.served(url, folder / "serve.log") as (address, _, _):
        told = busy.run(address, world, people, placements, SECONDS)
    assert told.answers
    assert told.edits > SECONDS  # listings did change meanwhile, on however slow a machine
    assert busy.faults_in(world.database, world, told) == []
    waits = sorted(ended - began for began, ended, _ in told.answers)
    assert waits[-1] < LONGEST_WAIT
    with capsys.disabled():
        print(
            f"\n{len(told.answers)} shortlists for {busy.CLIENTS} clients in {SECONDS:.0f} s, {told.edits} edits, "
            f"{len(told.closed)} closed: none wrong; "
            f"median wait {waits[len(waits) // 2]:.3f} s, longest {waits[-1]:.3f} s"
        )
    world.database.close()
