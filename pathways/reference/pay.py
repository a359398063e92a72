"""Say whether an amount of pay is possible for an hour or a week, and if not, what was probably meant."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pathways.errors import DomainError
from pathways.reference import tables
from pathways.reference.tables import WageRate

# From these amounts in pounds, a figure written as pay for one hour is most likely pay for this period. The steps lie
# between the usual pay of a day, a week, a month and a year at the minimum wage and at five times the minimum wage.
LIKELY = ((7_000, "a salary for a year"), (1_000, "pay for a month, or pence"), (250, "pay for a week"))
REMEDY = "Write the pay for one hour in pounds. For a yearly salary: divide by 52, then by the hours a week."


YOUNGEST = 16  # below this age no minimum wage is due; the lowest rate is compared instead
HUNDRED = 100


@dataclass(frozen=True, slots=True)
class LowestPay:
    """The last verified minimum wage for a person on a day; the lowest one if the age is not known."""

    rate: WageRate
    band: str
    is_age_known: bool

    @property
    def pounds(self) -> Decimal:
        return Decimal(self.rate.pence) / HUNDRED

    def text(self) -> str:
        """Return the rate, its date and its age band in words, such as "12.71 pounds an hour since 2026-04-01"."""
        whom = "apprentices" if self.band == tables.APPRENTICE else f"people aged {self.band.replace('_', ' ')}"
        verified = "" if self.rate.is_certain else ", the last verified rate"
        return f"{self.pounds:.2f} pounds an hour for {whom} since {self.rate.since.isoformat()}{verified}"


def lowest_pay(age: int | None, on: date, *, is_apprenticeship: bool) -> LowestPay | None:
    """Return the minimum wage for a person of an age on a day; None before the first verified rate.

    If the age is not known, returns the lowest rate, so that nothing lawful is called unlawful.
    """
    try:
        band = tables.APPRENTICE if is_apprenticeship else tables.wage_band(YOUNGEST if age is None else age, on)
        return LowestPay(tables.minimum_wage(band, on), band, is_apprenticeship or age is not None)
    except DomainError:
        return None


def below_the_minimum(pounds: Decimal | None, lowest: LowestPay | None) -> str | None:
    """Return why pay for one hour is unlawful, with the rate, its date and the age band; None if it is not."""
    if pounds is None or lowest is None or pounds >= lowest.pounds:
        return None
    return f"The pay of {pounds:.2f} pounds an hour is below the minimum wage, which is {lowest.text()}."


def doubt_about_week(pounds: Decimal | None, hours: Decimal, lowest: LowestPay | None, on: date) -> str | None:
    """Return why the pay of a week does not fit its hours, else None. ``lowest`` is None if no minimum wage is due.

    A week below the minimum wage is not unlawful by itself, because the wage is reckoned over up to a month (National
    Minimum Wage Regulations 2015, regulation 6). So a person may confirm it.
    """
    if pounds is None:
        return None
    if hours == 0:
        return f"The pay of {pounds:.2f} pounds is for 0 hours." if pounds else None
    an_hour = pounds / hours
    if an_hour > (most := tables.limit("highest_pay_per_hour_pounds", on)):
        return f"{pounds:.2f} pounds for {hours:g} hours are {an_hour:.2f} pounds an hour, which is more than {most:g}."
    below = below_the_minimum(an_hour, lowest)
    return f"{pounds:.2f} pounds for {hours:g} hours: {below[0].lower()}{below[1:]}" if below else None


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
