"""How much is hidden beside what is small: the optimal choice for each count, and the rule many offices use by hand.

``python -m benchmarks.disclosure [--tables N] [--rows N] [--columns N]``. The simple rule hides the next
smallest, noughts aside, in every row, column or margin where one count only is hidden or nothing but small ones are,
until there is none. It asks nothing of what can be worked out from several sums together, so how many it leaves bare is
told too.
"""

import argparse
import random
import time

from benchmarks.results import record
from pathways.exports.cohort import TOTAL_WEIGHT
from pathways.exports.disclosure import DisclosureRules, FigureTable, protect
from pathways.exports.inference import Sum, System

SMALLEST = 5
SEED = 7


def table_of(rng: random.Random, rows: int, columns: int) -> tuple[dict[str, int], list[Sum]]:
    """Return a table with its margins; a third of its cells are small, as in breakdowns of a middling service."""
    counts = {
        f"{row},{column}": rng.choice([0, rng.randrange(1, 9), rng.randrange(5, 60), rng.randrange(5, 200)])
        for row in range(rows)
        for column in range(columns)
    }
    sums = [Sum(f"{row},all", tuple(f"{row},{column}" for column in range(columns))) for row in range(rows)]
    sums += [Sum(f"all,{column}", tuple(f"{row},{column}" for row in range(rows))) for column in (*range(columns),)]
    sums.append(Sum("all,all", tuple(f"{row},all" for row in range(rows))))
    for one in sums:
        counts[one.total] = sum(counts[part] for part in one.parts)
    sums.append(Sum("all,all", tuple(f"all,{column}" for column in range(columns))))
    return counts, sums


def simple(counts: dict[str, int], sums: list[Sum]) -> set[str]:
    hidden = {key for key, count in counts.items() if 0 < count < SMALLEST}
    is_changed = True
    while is_changed:
        is_changed = False
        for one in sums:
            here, rest = (
                hidden.intersection(one.members),
                [key for key in one.members if key not in hidden and counts[key]],
            )
            is_thin = len(here) == 1 or all(counts[key] < SMALLEST for key in here)
            if here and rest and is_thin:
                hidden.add(min(rest, key=lambda key: (counts[key], key)))
                is_changed = True
    return hidden


def count_inferable(counts: dict[str, int], sums: list[Sum], hidden: set[str]) -> int:
    system = System(counts, sums, [], guarded=hidden, free=(), weights={}, hidden=hidden, smallest=SMALLEST)
    return sum(1 for _ in system.inferable(sorted(hidden)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=40)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--columns", type=int, default=6)
    asked = parser.parse_args()
    rng = random.Random(SEED)
    cells = small = 0
    ours = {"hidden": 0, "people": 0, "bare": 0, "seconds": 0.0}
    other = dict(ours)
    for _ in range(asked.tables):
        counts, sums = table_of(rng, asked.rows, asked.columns)
        cells += len(counts)
        small += sum(0 < count < SMALLEST for count in counts.values())
        began = time.perf_counter()
        figures = FigureTable(counts, sums, weights={one.total: TOTAL_WEIGHT for one in sums})
        chosen = set(protect(figures, DisclosureRules(SMALLEST)).hidden)
        between = time.perf_counter()
        by_rule = simple(counts, sums)
        for found, hidden, seconds in (
            (ours, chosen, between - began),
            (other, by_rule, time.perf_counter() - between),
        ):
            found["seconds"] += seconds
            found["hidden"] += len(hidden)
            found["people"] += sum(counts[key] for key in hidden)
            found["bare"] += count_inferable(counts, sums, hidden)
    print(
        f"{asked.tables} tables of {asked.rows} by {asked.columns} with margins: {cells} counts, {small} of them small"
    )
    for name, found in (("optimal for each", ours), ("simple rule", other)):
        print(
            f"{name}: {found['hidden']:.0f} hidden ({found['hidden'] - small:.0f} beside), "
            f"{found['people']:.0f} people in them, {found['bare']:.0f} can be worked out all the same, "
            f"{found['seconds'] / asked.tables * 1000:.1f} ms a table"
        )
    ratio = other["hidden"] / ours["hidden"]
    record("counts hidden, margins told", ours["hidden"], "the simple rule", other["hidden"], ratio)


if __name__ == "__main__":
    main()
