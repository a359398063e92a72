"""The table of results of `make bench`: each benchmark records its figures, and ``__main__`` prints and saves them."""

import json
import os
import platform
from pathlib import Path
from typing import Any

FILE = "PATHWAYS_BENCH_RESULTS"
RESULTS = Path(__file__).with_name("RESULTS.md")


def record(what: str, ours: float, alternative: str, other: float, ratio: float) -> None:
    """Record our figure and that of an alternative. Do nothing unless all benchmarks are run together."""
    if os.environ.get(FILE):
        with Path(os.environ[FILE]).open("a", encoding="utf-8") as file:
            file.write(json.dumps([what, ours, alternative, other, ratio]) + "\n")


def recorded(path: Path) -> list[list[Any]]:
    """Return the figures recorded in a file, one row for each; no rows if there is no file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def table(rows: list[list[Any]]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| what | ours | alternative | its figure | ratio |", "|---|---|---|---|---|"]
    lines += [
        f"| {what} | {ours:.4g} | {name} | {other:.4g} | {ratio:.3g} |" for what, ours, name, other, ratio in rows
    ]
    return "\n".join(lines)


def machine() -> str:
    """Describe the machine on which the benchmarks ran."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    memory = next((int(line.split()[1]) >> 20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return (
        f"{cpu}, {os.cpu_count()} cores (shared with other work, so times vary: compare the ratios), {memory} GB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
