"""The outcome engine: decides from spells of work whether a dated rule is met, not met or not yet known.

The functions are pure, and a verdict states what was counted. Counted weeks have seven days each, and the first begins
on the first day of a job. A recorded week of another job can overlap two counted weeks, so the hours and pay of a
recorded week are divided equally among its days. A week without a record is unknown, never zero. Amounts are whole
numbers of small units, so nothing is rounded. ``job_started_on`` defines what counts as a job start.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from pathways.base import day_in_words
from pathways.progression.rules.coverage import uncovered
from pathways.progression.rules.days import by_days
from pathways.progression.rules.earnings import by_earnings
from pathways.progression.rules.facts import (
    Basis,
    Finding,
    HoursTest,
    OutcomeRule,
    RateDate,
    RuleVerdict,
    SpellFacts,
    Stretch,
)
from pathways.progression.rules.weeks import at_a_day, by_weeks

__all__ = [
    "Basis",
    "Finding",
    "HoursTest",
    "OutcomeRule",
    "RateDate",
    "RuleVerdict",
    "SpellFacts",
    "Stretch",
    "counting",
    "job_started_on",
    "judge",
    "uncovered",
]

NO_JOB = "This kind of placement does not count as a job."
OWN_CHAIN = "The employer is in the provider's own supply chain. Such work counts only if the funder was notified."


def counting(spells: Iterable[SpellFacts], kinds: frozenset[str]) -> tuple[list[SpellFacts], tuple[str, ...]]:
    """Return the spells that count as jobs, ordered by start date, and the ids of the other spells."""
    counted, left_out = [], []
    for spell in sorted(spells, key=lambda s: (s.started_on, s.spell_id)):
        if spell.kind in kinds:
            counted.append(spell)
        else:
            left_out.append(spell.spell_id)
    return counted, tuple(left_out)


def job_started_on(spells: Iterable[SpellFacts], kinds: frozenset[str], least_hours: Decimal) -> date | None:
    """Return the first day of the first job with at least ``least_hours`` recorded paid hours, or None.

    The IPS Grow programme counts a job start from four paid hours.
    """
    jobs, _ = counting(spells, kinds)
    started = [
        job.started_on
        for job in jobs
        if sum(
            (hours for week, hours in job.hours_of_week.items() if job.ended_on is None or week <= job.ended_on),
            Decimal(0),
        )
        >= least_hours
    ]
    return min(started, default=None)


def judge(spells: Sequence[SpellFacts], rule: OutcomeRule, on: date, *, began_on: date | None = None) -> RuleVerdict:
    """Return whether the recorded spells meet a rule as of a day, and what was counted.

    ``began_on`` is the first day of the enrolment. Earnings and self-employment before that day do not count, and
    ``tracking_days`` are counted from that day.
    """
    jobs, _ = counting(spells, rule.kinds_that_count)
    why_not = [(spell.spell_id, NO_JOB) for spell in sorted(spells, key=_start_order) if spell not in jobs]
    if not rule.own_supply_chain_counts:
        why_not += [(job.spell_id, OWN_CHAIN) for job in jobs if job.is_own_supply_chain]
        jobs = [job for job in jobs if not job.is_own_supply_chain]
    until = None
    if rule.tracking_days is not None and began_on is not None:
        until = began_on + timedelta(days=rule.tracking_days)
    verdict = _judge(jobs, rule, on, began_on, until)
    if verdict.finding is not Finding.MET and until is not None and (verdict.earliest_on or until) > until:
        text = f"The rule can no longer be met by {day_in_words(until)}, the last day allowed."
        verdict = replace(verdict, finding=Finding.NOT_MET, text=text, earliest_on=None)
    return replace(verdict, not_counted=tuple(spell_id for spell_id, _ in why_not), why_not=tuple(why_not))


def _start_order(spell: SpellFacts) -> tuple[date, str]:
    return spell.started_on, spell.spell_id


def _judge(
    jobs: list[SpellFacts], rule: OutcomeRule, on: date, began_on: date | None, until: date | None
) -> RuleVerdict:
    if not jobs:
        return RuleVerdict(Finding.NOT_YET_KNOWN, "No job has started yet.")
    by_day = on if until is None else min(on, until)
    if rule.basis is Basis.POINT_IN_TIME:
        return at_a_day(jobs, rule, by_day)
    verdicts: list[RuleVerdict] = []
    if rule.self_employed_days is not None:
        verdicts += by_days(jobs, rule, by_day, began_on)
    if rule.basis is Basis.EARNINGS:
        groups = [jobs] if rule.spells_combined else [[job] for job in jobs]
        verdicts += [by_earnings(group, rule, by_day, began_on) for group in groups]
    if rule.basis is Basis.HOURS_WEEKS:
        # Try the first day of every job as the start of the weeks, so that an earlier short job does not shift a
        # later stretch that meets the rule. From that day on, the work of every job counts.
        stretches = [(jobs if rule.spells_combined else [job], job.started_on) for job in jobs]
        verdicts += [by_weeks(group, first, rule, by_day) for group, first in stretches]
    if not verdicts:
        return RuleVerdict(Finding.NOT_YET_KNOWN, "No self-employment has started yet.")
    order = (Finding.MET, Finding.NOT_YET_KNOWN, Finding.NOT_MET)
    best = min(verdicts, key=lambda v: (order.index(v.finding), v.met_on or date.max, -v.weeks_counted))
    earliest = min((v.earliest_on for v in verdicts if v.earliest_on is not None), default=None)
    return best if best.finding is Finding.MET else replace(best, earliest_on=earliest)
