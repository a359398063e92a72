"""Every outcome rule that ships, for very many people with a year of work: our engine beside a naive one, day by day.

``python -m benchmarks.rules [--people N] [--seed N]``. The naive engine judges a few of the same people, and each of
its answers is compared; seconds are of one core.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from benchmarks.results import record
from benchmarks.served_stage import peak_gigabytes
from pathways.progression import queries
from pathways.progression.rules import OutcomeRule, judge
from pathways.reference import outcome_rules
from tests.naive_rules import BEGAN, KINDS, history, naive

ON = date(2026, 6, 30)
FEW = 50


def shipped() -> list[OutcomeRule]:
    texts = outcome_rules.shipped().values()
    return [replace(queries.as_rule(text, ON), kinds_that_count=KINDS) for text in texts if text.is_enabled]


def report(people: int, seed: int) -> None:
    rules, drawn = shipped(), random.Random(seed)
    found: Counter[str] = Counter()
    ours = theirs = 0.0
    few = min(FEW, people)
    for n in range(people):
        spells, _ = history(drawn)
        began = time.process_time()
        verdicts = [judge(spells, rule, ON, began_on=BEGAN) for rule in rules]
        ours += time.process_time() - began
        found.update(verdict.finding.value for verdict in verdicts)
        if n < few:
            began = time.process_time()
            plain = [naive(spells, rule, ON) for rule in rules]
            theirs += time.process_time() - began
            differ = [
                rule.name
                for rule, verdict, wanted in zip(rules, verdicts, plain, strict=True)
                if rule.tracking_days is None and (verdict.finding, verdict.met_on) != wanted
            ]
            if differ:
                message = f"The naive engine says otherwise: {', '.join(differ)}."
                raise SystemExit(message)
    each, naive_each = ours / people / len(rules) * 1e6, theirs / few / len(rules) * 1e6
    print(f"{people:,} people, {len(rules)} rules: {ours:.1f} s of CPU, {each:.0f} microseconds a verdict")
    print(f"the naive engine: {naive_each:.0f} microseconds a verdict, {naive_each / each:.0f} times as long")
    print(", ".join(f"{count:,} {finding}" for finding, count in sorted(found.items())))
    print(f"peak memory {peak_gigabytes():.2f} GB, people made up one by one")
    record(f"outcome rules, {people} people, microseconds", each, "naive, day by day", naive_each, naive_each / each)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    report(asked.people, asked.seed)


if __name__ == "__main__":
    main()
