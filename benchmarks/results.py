"""The one table of `make bench`: every benchmark tells its figures, whoever runs them all prints and keeps them."""

import json
import os
import platform
from pathlib import Path
from typing import Any

FILE = "PATHWAYS_BENCH_RESULTS"
KEPT = Path(__file__).with_name("RESULTS.md")


def record(what: str, ours: float, alternative: str, other: float, ratio: float) -> None:
    """Tell one figure beside its alternative; nothing happens where nobody gathers them."""
    if os.environ.get(FILE):
        with Path(os.environ[FILE]).open("a", encoding="utf-8") as file:
            file.write(json.dumps([what, ours, alternative, other, ratio]) + "\n")


def recorded(path: Path) -> list[list[Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def table(rows: list[list[Any]]) -> str:
    lines = ["| what | ours | alternative | its figure | ratio |", "|---|---|---|---|---|"]
    lines += [
        f"| {what} | {ours:.4g} | {name} | {other:.4g} | {ratio:.3g} |" for what, ours, name, other, ratio in rows
    ]
    return "\n".join(lines)


def machine() -> str:
    """Return what this was measured on."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    memory = next((int(line.split()[1]) >> 20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return (
        f"{cpu}, {os.cpu_count()} cores (shared with others, noisy: read ratios, not times), {memory} GB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
