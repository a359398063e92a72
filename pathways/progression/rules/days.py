"""Outcomes by days of self-employment. Each day counts once."""

from datetime import date, timedelta

from pathways.base import day_in_words
from pathways.progression.rules.facts import Finding, OutcomeRule, RuleVerdict, SpellFacts, Stretch, ids_of


def by_days(jobs: list[SpellFacts], rule: OutcomeRule, on: date, began_on: date | None) -> list[RuleVerdict]:
    """Return a list with one verdict: whether ``rule.self_employed_days`` days of self-employment were reached.

    The list is empty if there is no self-employment. A day with two businesses counts once.
    """
    businesses = [job for job in jobs if job.kind in rule.self_employed_kinds]
    if not businesses or rule.self_employed_days is None:
        return []
    ids = tuple(job.spell_id for job in businesses)
    counted = 0
    reached: date | None = None
    free_from = date.min  # days before this day are already counted
    for begins, ends in sorted(
        (max(job.started_on, began_on or job.started_on), job.ended_on or on) for job in businesses
    ):
        day, until = max(begins, free_from), min(ends, on)
        length = max(0, (until - day).days + 1)
        if counted + length >= rule.self_employed_days:
            reached = day + timedelta(days=rule.self_employed_days - counted - 1)
            counted = rule.self_employed_days
            break
        counted, free_from = counted + length, max(free_from, until + timedelta(days=1))
    figures = {"spell_ids": ids, "days_counted": counted}
    if reached is not None:
        text = f"Met on {day_in_words(reached)} ({counted} days of self-employment)."
        rests = tuple(
            Stretch(job.spell_id, begins, min(job.ended_on or reached, reached))
            for job in businesses
            if (begins := max(job.started_on, began_on or job.started_on)) <= min(job.ended_on or reached, reached)
        )
        figures |= {"rests_on": rests, "spell_ids": ids_of(rests)}
        return [RuleVerdict(Finding.MET, text, reached, reached, **figures)]  # type: ignore[arg-type]
    missing = rule.self_employed_days - counted
    text = f"{counted} of {rule.self_employed_days} days of self-employment so far."
    if any(job.ended_on is None or job.ended_on >= on for job in businesses):
        return [RuleVerdict(Finding.NOT_YET_KNOWN, text, None, on + timedelta(days=missing), **figures)]  # type: ignore[arg-type]
    return [RuleVerdict(Finding.NOT_MET, f"{text} The self-employment has ended.", **figures)]  # type: ignore[arg-type]
