"""Days that can be meant: of what has happened, of a first day of work, and of the hours that fit into half-days."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator

from pathways.base import local_day, utc_now
from pathways.fields import Day, against_the_rule
from pathways.reference import tables


def long_ago(day: date | None, today: date) -> str | None:
    """Return why a day is too long ago for something that a partner records, else None."""
    first = today.year - int(tables.limit("record_years_back", today))
    if day is None or day.year >= first:
        return None
    return f"The date is before {first}, so its year is most likely a slip. Correct the year."


def impossible_start(day: date | None, today: date) -> str | None:
    """Return why a day cannot be meant as the earliest day on which a jobseeker can start work, else None."""
    back, ahead = (int(tables.limit(name, today)) for name in ("listing_years_back", "listing_years_ahead"))
    if day is None or today.year - back <= day.year <= today.year + ahead:
        return None
    return f"The earliest start must be in the years {today.year - back} to {today.year + ahead}. Correct the year."


def too_many_hours(hours: Decimal | None, half_days: int | None, on: date) -> str | None:
    """Return why the hours of a week do not fit into its half-days (21 bits), else None."""
    if hours is None or not half_days:
        return None
    count = half_days.bit_count()
    most = count * tables.limit("most_hours_in_a_half_day", on)
    if hours <= most:
        return None
    named = "1 half-day" if count == 1 else f"{count} half-days"
    return (
        f"{float(hours):g} hours a week do not fit into {named}: that leaves room for"
        f" {float(most):g} hours at the most. Correct the hours (hours_per_week) or the half-days (half_days)."
    )


def _is_not_long_ago(day: date) -> date:
    if wrong := long_ago(day, local_day(utc_now())):
        raise against_the_rule(wrong)
    return day


def _is_a_possible_start(day: date) -> date:
    if wrong := impossible_start(day, local_day(utc_now())):
        raise against_the_rule(wrong)
    return day


# A day on which something happened that a partner or referrer records. Whether it has come is the action's question.
PastDay = Annotated[Day, AfterValidator(_is_not_long_ago)]
EarliestStart = Annotated[Day, AfterValidator(_is_a_possible_start)]
