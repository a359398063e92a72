"""Run every benchmark on seeded data, print one table, and save the table and all output in ``RESULTS.md``.

``python -m benchmarks [--small]``. `make bench` runs it at full size, which takes about twenty minutes.
"""

import argparse
import os
import runpy
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from benchmarks.results import FILE, RESULTS, machine, recorded, table

FULL = (
    ("borough",),
    ("allocation",),
    ("allocation", "--jobseekers", "100000", "--places", "20000"),
    ("speed",),
    ("speed", "--country"),
    ("speed", "--workers", "--placements", "50000", "--jobseekers", "1000000"),
    ("pages",),
    ("http",),
    ("http", "--cold", "--jobseekers", "100000"),
    ("people",),
    ("people", "--town", "20000"),
    ("people", "--hard", "5000"),
    ("people", "--hard", "5000", "--held-out"),
    ("known", "--people", "100000"),
    ("search", "--people", "100000"),
    ("rules", "--people", "100000"),
    ("exports", "--people", "200000"),
    ("disclosure", "--tables", "200"),
    ("timetables",),
)
SMALL = (
    ("people", "--town", "60"),
    ("people", "--hard", "60"),
    ("known", "--people", "20", "--database", "sqlite"),
    ("search", "--people", "20", "--database", "sqlite"),
    ("rules", "--people", "4"),
    ("exports", "--people", "10", "--database", "sqlite"),
    ("disclosure", "--tables", "2"),
    ("timetables", "--stops", "60", "--routes", "8", "--placements", "50"),
    ("allocation", "--jobseekers", "100", "--places", "100"),
    ("pages", "--jobseekers", "60", "--placements", "40"),
    ("http", "--placements", "60", "--requests", "4", "--database", "sqlite", "--shape", "all known"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--small", action="store_true", help="Run a few benchmarks on little data as a check. Nothing is saved."
    )
    options = parser.parse_args()
    sections = []
    with tempfile.TemporaryDirectory() as folder:
        gathered = Path(folder) / "figures.jsonl"
        for command in SMALL if options.small else FULL:
            name = "python -m benchmarks." + " ".join(command)
            print(f"\n== {name}", flush=True)
            began = time.perf_counter()
            code, printed = (_in_fork if options.small else _in_new_process)(command, gathered)
            print(printed, flush=True)
            if code:
                sys.exit(f"{name} failed.")
            seconds = time.perf_counter() - began
            sections.append(f"## `{name}`\n\n{seconds:.0f} s\n\n```\n{printed.strip()}\n```\n")
        rows = table(recorded(gathered))
    print(rows)
    if not options.small:
        day = datetime.now(UTC).date().isoformat()
        head = f"# Results of the last run\n\n`make bench` on {day}: {machine()}.\n\n{rows}\n"
        RESULTS.write_text("\n".join([head, *sections]), encoding="utf-8")


def _in_new_process(command: Sequence[str], gathered: Path) -> tuple[int, str]:
    """Run a benchmark, and return its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", f"benchmarks.{command[0]}", *command[1:]],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {FILE: str(gathered)},
    )
    return done.returncode, done.stdout


def _in_fork(command: Sequence[str], gathered: Path) -> tuple[int, str]:
    """Do the same in a fork of this process, which has imported the service: nine imports take longer than the rest."""
    from pathways import app  # noqa: F401, PLC0415 - not for the full size, whose processes measure their own memory

    with tempfile.TemporaryFile("w+") as out:
        process = get_context("fork").Process(target=_become, args=(command, gathered, out.fileno()))
        process.start()
        process.join()
        out.seek(0)
        return process.exitcode or 0, out.read()


def _become(command: Sequence[str], gathered: Path, out: int) -> None:
    os.dup2(out, sys.stdout.fileno())
    os.environ[FILE] = str(gathered)
    sys.argv = ["", *command[1:]]
    warnings.simplefilter("ignore")
    runpy.run_module(f"benchmarks.{command[0]}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
