"""Say whether an amount of pay is possible for an hour or a week, and if not, what was probably meant."""

from datetime import date
from decimal import Decimal

from pathways.reference import tables

# From these amounts in pounds, a figure written as pay for one hour is most likely pay for this period. The steps lie
# between the usual pay of a day, a week, a month and a year at the minimum wage and at five times the minimum wage.
LIKELY = ((7_000, "a salary for a year"), (1_000, "pay for a month, or pence"), (250, "pay for a week"))
REMEDY = "Write the pay for one hour in pounds. For a yearly salary: divide by 52, then by the hours a week."


def likely_meaning(pounds: Decimal) -> str:
    """Return the period for which an amount, written as pay for one hour, was probably meant.

    >>> likely_meaning(Decimal("23795.20"))
    'a salary for a year'
    """
    return next((meaning for least, meaning in LIKELY if pounds >= least), "pay for a day")


def too_high_for_an_hour(pounds: Decimal | None, on: date) -> str | None:
    """Return why an amount cannot be pay for one hour, and what was probably meant; None if it can."""
    if pounds is None or pounds <= (most := tables.limit("highest_pay_per_hour_pounds", on)):
        return None
    return f"The pay is more than {most:g} pounds an hour. It looks like {likely_meaning(pounds)}. {REMEDY}"


def too_high_for_a_week(pounds: Decimal | None, on: date) -> str | None:
    """Return why an amount cannot be pay for one week, and what was probably meant; None if it can."""
    if pounds is None or pounds <= (most := tables.limit("highest_pay_per_week_pounds", on)):
        return None
    return (
        f"The pay is more than {most:g} pounds for one week. It looks like a salary for a year. Write the gross pay of "
        "this week in pounds."
    )
