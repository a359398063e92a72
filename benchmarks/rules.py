"""Time our engine of outcome rules against a naive engine that works day by day.

``python -m benchmarks.rules [--people N] [--seed N]``. All shipped rules are judged for many people with a year of
work. The naive engine judges a few of the same people, and every verdict is compared. All times are CPU time.
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
FEW = 50  # number of people that the naive engine judges


def shipped() -> list[OutcomeRule]:
    """Return the enabled rules that come with the service."""
    texts = outcome_rules.shipped().values()
    return [replace(queries.as_rule(text, ON), kinds_that_count=KINDS) for text in texts if text.is_enabled]


def report(people: int, seed: int) -> None:
    """Judge all people, compare with the naive engine, and print and record the figures."""
    rules, drawn = shipped(), random.Random(seed)
    findings: Counter[str] = Counter()
    ours = theirs = 0.0
    few = min(FEW, people)
    for n in range(people):
        spells, _ = history(drawn)
        began = time.process_time()
        verdicts = [judge(spells, rule, ON, began_on=BEGAN) for rule in rules]
        ours += time.process_time() - began
        findings.update(verdict.finding.value for verdict in verdicts)
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
                message = f"The naive engine gives another verdict on these rules: {', '.join(differ)}."
                raise SystemExit(message)
    each, naive_each = ours / people / len(rules) * 1e6, theirs / few / len(rules) * 1e6
    print(f"{people:,} people, {len(rules)} rules: {ours:.1f} s of CPU, {each:.0f} microseconds a verdict")
    print(f"the naive engine: {naive_each:.0f} microseconds a verdict, {naive_each / each:.0f} times as long")
    print(", ".join(f"{count:,} {finding}" for finding, count in sorted(findings.items())))
    print(f"peak memory {peak_gigabytes():.2f} GB; one person is in memory at a time")
    record(f"outcome rules, {people} people, microseconds", each, "naive, day by day", naive_each, naive_each / each)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    report(options.people, options.seed)


if __name__ == "__main__":
    main()
