"""The flags of a jobseeker's benefits wherever a step to work is taken, for an adviser and never as a filter."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from matching.pairs import benefit_flags
from matching.pairs.benefit_flags import BenefitRule
from pathways.base import day_in_words, local_day, utc_now
from pathways.placements.models import known_pay
from pathways.reference import wording
from pathways.shortlists.schemas import FlagOut

UNNAMED = "A benefit"  # in place of words that only some may read


def shapes(
    benefits: Iterable[str], rules: Iterable[BenefitRule], *, hours: float | None, pence_an_hour: int | None
) -> list[dict[str, Any]]:
    """Return the flags of some benefits and some work as plain dictionaries with the fields of ``FlagOut``."""
    flags = benefit_flags.flags(benefits, rules, hours=hours, pence_an_hour=pence_an_hour)
    on = local_day(utc_now())
    # Everybody who reads the flags reads all of them, so what was written for a benefit may be no secret.
    return [
        asdict(flag) | ({"benefit": UNNAMED} if wording.speaks_of_convictions(flag.benefit, on) else {})
        for flag in flags
    ]


def flags_of(benefits: Sequence[str] | None, rules: Iterable[BenefitRule], work: Any) -> list[FlagOut]:
    """Return the flags for a placement; ``work`` is a row with its kind, hours a week and pay."""
    if not benefits:
        return []
    hours = float(work.hours_per_week) if work.hours_per_week is not None else None
    pence = known_pay(work.kind, work.pay_per_hour_pence)
    return [FlagOut(**shape) for shape in shapes(benefits, rules, hours=hours, pence_an_hour=pence)]


def note_of(flags: Sequence[FlagOut] | None, first_day: date) -> str | None:
    """Return what a caseworker must see to at a start: each form with the day before which it must be sent."""
    if not flags:
        return None
    day = day_in_words(first_day)
    return f"The work began on {day}. Whatever must be sent or told before it is due now. " + " ".join(
        flag.text for flag in flags
    )
