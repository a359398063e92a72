"""A copy taken while in use, and put back; and the command line's plain words."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest
from sqlalchemy import func, select

from pathways import backup, consistency
from pathways.errors import DomainError
from pathways.jobseekers.models import Jobseeker
from tests.world import World


def people(database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(Jobseeker)).one()


def test_a_copy_is_whole_and_put_back_whole(stage, world: World, tmp_path):
    if stage.backend == "postgresql" and which("pg_dump") is None:
        pytest.skip("pg_dump is not installed on this machine: PostgreSQL's client programs make the copy")
    database = stage.database
    world.supported(ref="A")
    file = tmp_path / "copy"
    with database.writing(world.on("manager")):  # a writer is at work meanwhile
        backup.backup(database, file)
    world.supported(ref="B")
    assert people(database) == 2
    backup.restore(database, file)
    assert people(database) == 1
    with database.reading() as session:
        assert consistency.faults(session) == []
    with pytest.raises(DomainError, match="already exists"):
        backup.backup(database, file)


def test_a_damaged_copy_changes_nothing(stages, stage, world: World, tmp_path):
    world.supported()
    broken = tmp_path / "broken"
    broken.write_bytes(b"no database")
    with pytest.raises(DomainError):
        backup.restore(stage.database, broken)
    assert people(stage.database) == 1


def pathways(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PATHWAYS_")}
    environment["PATHWAYS_DATABASE_URL"] = f"sqlite:///{folder}/cli.db"
    command = [sys.executable, "-m", "pathways.cli", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=environment)


def test_the_command_line_goes_the_first_steps_and_says_in_one_sentence_what_is_wrong(tmp_path):
    early = pathways(tmp_path, "organisations", "list")
    assert (early.returncode, early.stderr.count("\n")) == (1, 1)
    assert "pathways db upgrade" in early.stderr
    steps = (
        ("db", "upgrade"),
        ("organisations", "create", "--kind", "voluntary_sector_partner", "--name", "Stepping Stones"),
        ("users", "create", "--name", "Wanda", "--email", "wanda@example.org"),
        ("members", "add", "wanda@example.org", "--organisation", "stepping-stones", "--role", "caseworker"),
        ("keys", "create", "--member", "wanda@example.org@stepping-stones:caseworker"),
        ("db", "check"),
    )
    for step in steps:
        done = pathways(tmp_path, *step)
        assert done.returncode == 0, (step, done.stderr)
    secrets = tmp_path / "var" / "secrets.env"
    assert oct(secrets.stat().st_mode)[-3:] == "600"
    for wrong in (
        ("organisations", "create", "--kind", "circus", "--name", "X"),
        ("shortlist", "J-000000"),
        ("import", "referrals", "nowhere.csv", "--to", "stepping-stones"),
        ("export", "month", "2026-13", "--out", "x"),
        ("export", "verify", "nowhere"),
        ("keys", "create", "--member", "nobody"),
    ):
        done = pathways(tmp_path, *wrong)
        assert done.returncode == 1, wrong
        assert "Traceback" not in done.stderr + done.stdout
        assert done.stderr.startswith("Error: ")
