"""The README is true: its first calls, pasted as printed, work."""

import json
import os
import re
import subprocess
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from pathways.base import Actor, Role, Source
from pathways.demo import borough, cast
from tests.served import served

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="the README's calls are for a shell")
@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)  # `make run` is SQLite
def test_the_first_calls_pasted_as_printed_work(stage, tmp_path):
    borough.load(
        stage.database, start=date.today() - timedelta(days=120), end=date.today(), jobseekers=24, placements=16, seed=1
    )
    first = Actor(UUID(int=0), UUID(int=0), Role.OPERATOR, source=Source.COMMAND_LINE)
    with stage.database.writing(None) as session:
        operator = cast.organisation_actions.make_operator(session, first)
    with stage.database.writing(operator) as session:
        keys = cast.issue_keys(session, operator)
    block = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block
    calls = block.group(1)
    assert calls.count("curl") == 8
    with served(stage.settings, tmp_path / "log") as address:
        (tmp_path / "var").mkdir()
        lines = [f"export PATHWAYS={address}/api/v1", *(f"export {role}={key}" for role, key in keys.items())]
        (tmp_path / "var" / "demo-keys.env").write_text("\n".join(lines))
        script = calls.replace("curl -s", 'curl -s -w "\\n%{http_code}\\n"', 2)
        script = re.sub(r"^curl -s ", 'curl -s -w "\\\\n%{http_code}\\\\n" ', script, flags=re.MULTILINE)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )
    assert done.returncode == 0, done.stderr
    statuses = re.findall(r"^\d{3}$", done.stdout, re.MULTILINE)
    assert statuses == ["200", "200", "201", "200", "200", "404", "201"], done.stdout[-3000:]
    shortlist = next(json.loads(line) for line in done.stdout.splitlines() if '"matches"' in line)
    assert shortlist["matches"][0]["reasons"]
