"""Run every benchmark on seeded data, print one table, and save the table and all output in ``RESULTS.md``.

``python -m benchmarks [--small]``. `make bench` runs it at full size, which takes about twenty minutes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.results import FILE, RESULTS, machine, recorded, table

FULL = (
    ("borough",),
    ("allocation",),
    ("allocation", "--jobseekers", "100000", "--places", "20000"),
    ("speed",),
    ("speed", "--country"),
    ("speed", "--workers", "--placements", "50000", "--jobseekers", "1000000"),
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
            done = subprocess.run(
                [sys.executable, "-W", "ignore", "-m", f"benchmarks.{command[0]}", *command[1:]],
                check=False,
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | {FILE: str(gathered)},
            )
            print(done.stdout, flush=True)
            if done.returncode:
                sys.exit(f"{name} failed.")
            seconds = time.perf_counter() - began
            sections.append(f"## `{name}`\n\n{seconds:.0f} s\n\n```\n{done.stdout.strip()}\n```\n")
        rows = table(recorded(gathered))
    print(rows)
    if not options.small:
        day = datetime.now(UTC).date().isoformat()
        head = f"# Results of the last run\n\n`make bench` on {day}: {machine()}.\n\n{rows}\n"
        RESULTS.write_text("\n".join([head, *sections]), encoding="utf-8")


if __name__ == "__main__":
    main()
