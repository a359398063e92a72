"""Compare our secondary suppression with the simple rule that many offices apply by hand.

``python -m benchmarks.disclosure [--tables N] [--rows N] [--columns N]``. The simple rule looks for a row, column or
margin in which only one count, or only small counts, are suppressed. In it, the rule suppresses the smallest published
count above zero, and repeats this until there is no such row, column or margin. The rule does not combine several sums,
so some suppressed counts can still be inferred; their number is printed too.
"""

import argparse
import random
import time

from benchmarks.results import record
from pathways.disclosure.inference import Sum, System
from pathways.disclosure.suppression import DisclosureRules, FigureTable, protect
from pathways.exports.cohort import TOTAL_WEIGHT

SMALLEST = 5
SEED = 7


def table_of(rng: random.Random, rows: int, columns: int) -> tuple[dict[str, int], list[Sum]]:
    """Return a table with its margins. About a third of its cells are small, as for a mid-sized service."""
    counts = {
        f"{row},{column}": rng.choice([0, rng.randrange(1, 9), rng.randrange(5, 60), rng.randrange(5, 200)])
        for row in range(rows)
        for column in range(columns)
    }
    sums = [Sum(f"{row},all", tuple(f"{row},{column}" for column in range(columns))) for row in range(rows)]
    sums += [Sum(f"all,{column}", tuple(f"{row},{column}" for row in range(rows))) for column in (*range(columns),)]
    sums.append(Sum("all,all", tuple(f"{row},all" for row in range(rows))))
    for margin in sums:
        counts[margin.total] = sum(counts[part] for part in margin.parts)
    sums.append(Sum("all,all", tuple(f"all,{column}" for column in range(columns))))
    return counts, sums


def simple(counts: dict[str, int], sums: list[Sum]) -> set[str]:
    """Return the counts that the simple rule suppresses."""
    suppressed = {key for key, count in counts.items() if 0 < count < SMALLEST}
    is_changed = True
    while is_changed:
        is_changed = False
        for margin in sums:
            withheld, published = (
                suppressed.intersection(margin.members),
                [key for key in margin.members if key not in suppressed and counts[key]],
            )
            is_weak = len(withheld) == 1 or all(counts[key] < SMALLEST for key in withheld)
            if withheld and published and is_weak:
                suppressed.add(min(published, key=lambda key: (counts[key], key)))
                is_changed = True
    return suppressed


def count_inferable(counts: dict[str, int], sums: list[Sum], hidden: set[str]) -> int:
    """Count the suppressed counts that can still be inferred."""
    system = System(counts, sums, [], guarded=hidden, free=(), weights={}, hidden=hidden, smallest=SMALLEST)
    return sum(1 for _ in system.inferable(sorted(hidden)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=40)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--columns", type=int, default=6)
    options = parser.parse_args()
    rng = random.Random(SEED)
    cells = small = 0
    ours = {"hidden": 0, "people": 0, "inferable": 0, "seconds": 0.0}
    other = dict(ours)
    for _ in range(options.tables):
        counts, sums = table_of(rng, options.rows, options.columns)
        cells += len(counts)
        small += sum(0 < count < SMALLEST for count in counts.values())
        began = time.perf_counter()
        figures = FigureTable(counts, sums, weights={margin.total: TOTAL_WEIGHT for margin in sums})
        chosen = set(protect(figures, DisclosureRules(SMALLEST)).hidden)
        between = time.perf_counter()
        by_rule = simple(counts, sums)
        for totals, hidden, seconds in (
            (ours, chosen, between - began),
            (other, by_rule, time.perf_counter() - between),
        ):
            totals["seconds"] += seconds
            totals["hidden"] += len(hidden)
            totals["people"] += sum(counts[key] for key in hidden)
            totals["inferable"] += count_inferable(counts, sums, hidden)
    print(f"{options.tables} tables of {options.rows} by {options.columns} with margins: {cells} counts, {small} small")
    for name, totals in (("ours, optimal for each count", ours), ("simple rule", other)):
        print(
            f"{name}: {totals['hidden']:.0f} counts suppressed ({totals['hidden'] - small:.0f} of them secondary), "
            f"with {totals['people']:.0f} people; {totals['inferable']:.0f} of these counts can still be inferred; "
            f"{totals['seconds'] / options.tables * 1000:.1f} ms a table"
        )
    ratio = other["hidden"] / ours["hidden"]
    record("counts suppressed, margins published", ours["hidden"], "the simple rule", other["hidden"], ratio)


if __name__ == "__main__":
    main()
