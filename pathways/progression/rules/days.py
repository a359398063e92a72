"""Outcomes by days of self-employment, each counted once."""

from datetime import date, timedelta

from pathways.progression.rules.facts import Finding, OutcomeRule, RuleVerdict, SpellFacts, Stretch, ids_of


def by_days(jobs: list[SpellFacts], rule: OutcomeRule, on: date, began_on: date | None) -> list[RuleVerdict]:
    """Return whether self-employment lasted the days that are asked for; a day of two businesses counts once."""
    mine = [job for job in jobs if job.kind in rule.self_employed_kinds]
    if not mine or rule.self_employed_days is None:
        return []
    ids = tuple(job.spell_id for job in mine)
    counted = 0
    reached: date | None = None
    free_from = date.min  # days before it are counted already
    for begins, ends in sorted((max(job.started_on, began_on or job.started_on), job.ended_on or on) for job in mine):
        day, until = max(begins, free_from), min(ends, on)
        length = max(0, (until - day).days + 1)
        if counted + length >= rule.self_employed_days:
            reached = day + timedelta(days=rule.self_employed_days - counted - 1)
            counted = rule.self_employed_days
            break
        counted, free_from = counted + length, max(free_from, until + timedelta(days=1))
    told = {"spell_ids": ids, "days_counted": counted}
    if reached is not None:
        text = f"{counted} days of self-employment by {reached.isoformat()}."
        rests = tuple(
            Stretch(job.spell_id, begins, min(job.ended_on or reached, reached))
            for job in mine
            if (begins := max(job.started_on, began_on or job.started_on)) <= min(job.ended_on or reached, reached)
        )
        told |= {"rests_on": rests, "spell_ids": ids_of(rests)}
        return [RuleVerdict(Finding.MET, text, reached, reached, **told)]  # type: ignore[arg-type]
    missing = rule.self_employed_days - counted
    text = f"{counted} of {rule.self_employed_days} days of self-employment so far."
    if any(job.ended_on is None or job.ended_on >= on for job in mine):
        return [RuleVerdict(Finding.NOT_YET_KNOWN, text, None, on + timedelta(days=missing), **told)]  # type: ignore[arg-type]
    return [RuleVerdict(Finding.NOT_MET, f"{text} It has ended.", **told)]  # type: ignore[arg-type]
