"""The legal rules a placement must meet to be published: age limits, reserved placements, pay and DBS level."""

import re
from datetime import date

from pathways.placements.models import MUST_PAY, DbsLevel, Placement, PlacementKind
from pathways.reference import tables

ADULT = 21  # from this age the highest rate of the minimum wage is due (since 1 April 2024)
SCHOOL_LEAVING = 16


def reasons_to_stay_in_draft(placement: Placement, today: date) -> list[str]:
    """Return one sentence for each rule that the placement breaks; an empty list means it may be published."""
    return [
        reason
        for reason in (_age(placement), _ring_fence(placement), _pay(placement, today), _dbs(placement))
        if reason is not None
    ]


def _age(placement: Placement) -> str | None:
    """Return a reason if a maximum age, or a minimum age over 21, has no legal basis (Equality Act 2010), else None.

    A minimum age of 21 or less needs no stated basis, because the law itself sets such an age for many trades.
    """
    if placement.maximum_age is not None and not placement.legal_basis:
        return "A maximum age needs a legal basis. Write it in legal_basis, or remove the maximum age."
    if (placement.minimum_age or 0) > ADULT and not placement.legal_basis:
        return "A minimum age over 21 needs a legal basis. Write it in legal_basis, or lower or remove the minimum age."
    return None


def _ring_fence(placement: Placement) -> str | None:
    if placement.ring_fenced_for and not placement.legal_basis:
        return (
            "A placement reserved for one group needs a legal basis (Equality Act 2010, section 158 or schedule 9). "
            "Write it in legal_basis, or leave ring_fenced_for blank."
        )
    return None


def _pay(placement: Placement, today: date) -> str | None:
    if placement.kind not in MUST_PAY:
        return None
    if placement.pay_per_hour_pence is None:
        return None
    first_day = max(placement.starts_on or today, today)
    lowest = lowest_lawful_pay_pence(placement, first_day)
    if placement.pay_per_hour_pence >= lowest:
        return None
    return (
        f"The pay is below the minimum wage, which is {lowest / 100:.2f} pounds an hour for this kind of placement on "
        f"{first_day.isoformat()}. Raise the pay."
    )


def lowest_lawful_pay_pence(placement: Placement, on: date) -> int:
    """Return the minimum wage in pence an hour for the oldest person who may take the placement.

    Pay is listed before a jobseeker is chosen, so the rate must be lawful at every age the placement allows.
    An apprenticeship has one rate for all ages.
    """
    if placement.kind is PlacementKind.APPRENTICESHIP:
        return tables.minimum_wage_pence("apprentice", on)
    oldest = placement.maximum_age if placement.maximum_age is not None and placement.legal_basis else ADULT
    return tables.minimum_wage_pence(tables.wage_band(max(oldest, SCHOOL_LEAVING)), on)


def _dbs(placement: Placement) -> str | None:
    """Return a reason if a DBS check above BASIC has neither a legal basis nor a role that allows it, else None.

    Asking for a higher check than the role allows is an offence. The reference table ``dbs_roles`` lists the words
    that name roles in a title or occupation, with the level of check that each role allows.
    """
    level = placement.dbs_level
    if level in {None, DbsLevel.NONE, DbsLevel.BASIC} or placement.legal_basis:
        return None
    words = f"{placement.title} {placement.occupation or ''}".lower()
    enough = {"STANDARD": {"STANDARD", "ENHANCED"}}.get(str(level), {"ENHANCED"})
    for row in tables.rows("dbs_roles"):
        if row["level"] in enough and re.search(rf"\b{re.escape(row['word'])}", words):
            return None
    return (
        f"A {level} DBS check is lawful only for some roles, and the title and occupation name none of them. Write the "
        "legal basis in legal_basis, or ask for a BASIC check."
    )
