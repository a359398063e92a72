"""The README is true: its first calls, pasted as printed, work and find what the demonstration holds."""

import json
import os
import re
import subprocess
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pathways.base import Actor, Role, Source
from pathways.demo import borough, cast
from pathways.organisations import actions as organisation_actions
from tests.served import served

ROOT = Path(__file__).parents[2]


def documents_in(text: str) -> list[Any]:
    """Return the JSON documents that stand one after the other in a text."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        document, at = decoder.raw_decode(text, at)
        found.append(document)
    return found


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="the README's calls are for a shell")
@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)  # `make run` is SQLite
def test_the_first_calls_pasted_as_printed_work(stage, tmp_path):
    borough.load(
        stage.database, start=date.today() - timedelta(days=120), end=date.today(), jobseekers=60, placements=16, seed=1
    )
    first = Actor(UUID(int=0), UUID(int=0), Role.OPERATOR, source=Source.COMMAND_LINE)
    with stage.database.writing(None) as session:
        operator = organisation_actions.make_operator(session, first)
    with stage.database.writing(operator) as session:
        keys = cast.issue_keys(session, operator)
    block = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    calls = block.group(1)
    assert calls.count('\ncall "$') == 8
    with served(stage.settings, tmp_path / "log") as address:
        (tmp_path / "var").mkdir()
        lines = [f"export PATHWAYS={address}/api/v1", *(f"export {role}={key}" for role, key in keys.items())]
        (tmp_path / "var" / "demo-keys.env").write_text("\n".join(lines))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", calls],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )
    assert done.returncode == 0, done.stderr
    cases, search, shortlist, exclusion, timeline, outcomes, foreign, export = documents_in(done.stdout)
    assert len(cases["items"]) == 3
    assert any(found["given_name"] == "Amina" for found in search["items"])
    assert shortlist["matches"][0]["reasons"]
    assert "check for this person" in exclusion["note"]
    assert timeline["items"]
    assert outcomes["rules"]
    assert foreign["status"] == 404
    assert "cohort.csv" in export["files"]
    assert done.stdout.count("\n") > 100  # it is printed for a person
