"""The benchmarks run: what they measure is for `make bench`, that they can is for every change."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_benchmarks_run_and_end_in_one_table():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--small"], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "| shortlist over HTTP, sqlite, all known, ms CPU |" in done.stdout
    assert "ours, policy in force, explained" in done.stdout
