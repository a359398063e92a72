"""An import that is killed at random moments and run again ends as one that was never stopped."""

import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, delete, func, select

from pathways import consistency
from pathways.base import Base
from pathways.database import Database
from pathways.idempotency import IdempotencyKey
from pathways.imports.models import DONE, ImportRow, ImportRun, ImportState, RowState
from pathways.jobseekers.details import SHARED
from pathways.referrals.models import Referral
from tests import launched
from tests.intake import referral_file
from tests.served import environment_of
from tests.world import build_world

ROWS, KILLS = (100_000, 10) if os.environ.get("PATHWAYS_PROVE") else (1_200, 3)
TABLES = (
    *("jobseekers", "jobseeker_details", "profile_versions", "person_keys", "duplicate_pairs"),
    *("referrals", "referral_moves", "referral_snapshots", "import_rows", "audit"),
)
# What differs from run to run by its nature: ids, instants, references that are drawn.
OF_THE_RUN = {
    *("id", "made_at", "recorded_at", "found_at", "reference", "made", "by", "partner_id", "import_id", "request_id"),
    *("referral_id", "referring_organisation_id", "source_key", "organisation_id", "subject_id", "version"),
    *("alike", "key"),  # ids of people, and a hash with the id of an organisation
}
SEALED = {"cells_sealed": "cells", "nino_sealed": "nino", "nhs_number_sealed": "nhs_number"}
READ_AT_ONCE = 5_000
LONGEST_WAIT = 5.0  # on a machine that does other things; what was measured is printed


def rows_of(database: Database, table: Table, who: dict[Any, str]) -> Iterator[str]:
    """Tell each row without what is of the run, people by their referrals."""
    with database.reading(newest=True) as session:
        rows = select(table)
        if table.name == "audit":  # each command notes its own beginning, too
            rows = rows.where(table.c.jobseeker_id.is_not(None))
        for row in session.connection().execution_options(yield_per=READ_AT_ONCE).execute(rows):
            told = {}
            for name, value in zip(row._fields, row, strict=True):
                if name in SEALED and value is not None:
                    place = f"{table.name}:{SEALED[name]}:{row.id}"
                    told[name] = session.vault.open(value, place=place)
                elif name in {"jobseeker_id", "other_id"}:
                    told[name] = who.get(value, value and "somebody")
                elif table.name == "import_rows" and name == "warnings":
                    # How many people share a telephone number depends on which rows a killed run had recorded.
                    told[name] = [one for one in value or [] if SHARED.get(one[0]) != one[1]]
                elif name not in OF_THE_RUN:
                    told[name] = value
            yield re.sub(r"J-[0-9A-Z]{6}", "J-", repr(told))


def told(database: Database) -> dict[str, Counter[int]]:
    """Return the whole state by table, each row as a hash."""
    with database.reading(newest=True) as session:
        who = {row.jobseeker_id: row.ref for row in session.execute(select(Referral.jobseeker_id, Referral.ref))}
    return {name: Counter(map(hash, rows_of(database, Base.metadata.tables[name], who))) for name in TABLES}


@contextmanager
def importing(stage: Any, file: Path, log: Path) -> Iterator[launched.Launched]:
    # On a day of its own, so that a run over midnight says what one before it says.
    told = ["--to", "stepping-stones", "--on", "2026-11-20"]
    command = ["import", "referrals", str(file), *told]
    process = launched.start(command, environment_of(stage.settings), log.parent, log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def writing_beside(database: Database) -> Iterator[list[float]]:
    """Write small things all the time, as people would; yield how long each waited."""
    waited: list[float] = []
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.05):
            began = time.monotonic()
            with database.writing(None) as session:
                session.execute(delete(IdempotencyKey).where(IdempotencyKey.key == "nobody's"))
            waited.append(time.monotonic() - began)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield waited
    finally:
        over.set()
        writer.join()


def done_of(database: Database) -> float:
    """Return how much of an import is done: reading, checking and applying each a third."""
    with database.reading(newest=True) as session:
        read = session.scalar(select(func.coalesce(func.max(ImportRun.rows_read), 0)))
        rows = dict(session.execute(select(ImportRow.state, func.count()).group_by(ImportRow.state)).all())  # type: ignore[arg-type]
    understood = sum(count for state, count in rows.items() if state is not RowState.READ)
    return ((read or 0) + understood + sum(rows.get(state, 0) for state in DONE)) / (3 * ROWS)


def state_of(database: Database) -> ImportState | None:
    with database.reading(newest=True) as session:
        return session.scalars(select(ImportRun.state)).one_or_none()


@pytest.mark.long_test("postgresql")
def test_an_import_that_is_killed_and_run_again_ends_as_if_run_once(stage, tmp_path):
    database, file, log = stage.database, tmp_path / "intake.csv", tmp_path / "import.log"
    file.write_bytes(referral_file(ROWS))
    build_world(database)
    began = time.monotonic()
    with writing_beside(database) as waited, importing(stage, file, log) as process:
        assert process.wait(3600) == 0, log.read_text()[-2000:]
    took = time.monotonic() - began
    once = told(database)
    assert once["referrals"].total() > ROWS * 0.9
    stage.reset()

    build_world(database)
    drawn = random.Random(ROWS)
    met: list[ImportState | None] = []
    # At moments of its work, not of the clock: machines do other things.
    for moment in sorted(drawn.uniform(0.02, 0.85) for _ in range(KILLS)):
        with importing(stage, file, log) as process:
            while process.poll() is None and done_of(database) < moment:
                time.sleep(0.02 if ROWS < 10_000 else 0.2)
            time.sleep(drawn.uniform(0, 0.05))
            if process.poll() is None:
                met.append(state_of(database))
    with importing(stage, file, log) as process:
        assert process.wait(3600) == 0, log.read_text()[-2000:]
    assert len(met) == KILLS
    assert state_of(database) is ImportState.APPLIED  # one run, however often it was begun
    again = told(database)
    for name in TABLES:
        assert once[name] == again[name], (name, len(once[name] - again[name]), len(again[name] - once[name]))
    with database.reading() as session:
        assert consistency.faults(session) == []
        referrals = session.scalar(select(func.count()).select_from(Referral))
        assert session.scalar(select(func.count()).select_from(ImportRow)) == ROWS
    states = Counter(str(state) for state in met)
    print(
        f"\n{stage.backend}: {ROWS} rows, {referrals} referrals in {took:.0f} s; killed {len(met)} times while "
        f"{dict(states)}; the same state; who wrote beside waited at most {max(waited):.2f} s"
    )
    assert max(waited) < LONGEST_WAIT
