"""May this listing be published: age limits, ring-fences, pay and DBS level against the law of the day."""

import re
from datetime import date

from pathways.placements.models import MUST_PAY, DbsLevel, Placement, PlacementKind
from pathways.reference import tables

ADULT = 21  # the age of the highest band of the minimum wage since 1 April 2024
SCHOOL_LEAVING = 16


def reasons_to_stay_in_draft(placement: Placement, today: date) -> list[str]:
    """Return each rule the listing breaks, in a sentence that says what to do; empty means it may be published."""
    return [
        reason
        for reason in (_age(placement), _ring_fence(placement), _pay(placement, today), _dbs(placement))
        if reason is not None
    ]


def _age(placement: Placement) -> str | None:
    """A minimum of 18 or under is allowed by law for many trades; a maximum needs its basis (Equality Act 2010)."""
    if placement.maximum_age is not None and not placement.legal_basis:
        return "A maximum age needs its legal basis: write it in legal_basis, or remove the age."
    if (placement.minimum_age or 0) > ADULT and not placement.legal_basis:
        return "A minimum age over 21 needs its legal basis: write it in legal_basis, or remove the age."
    return None


def _ring_fence(placement: Placement) -> str | None:
    if placement.ring_fenced_for and not placement.legal_basis:
        return "A placement kept for one group needs its legal basis (Equality Act 2010, section 158 or schedule 9)."
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
        f"Pay is under the minimum wage of {lowest / 100:.2f} pounds an hour for this kind on {first_day.isoformat()}: "
        "raise it."
    )


def lowest_lawful_pay_pence(placement: Placement, on: date) -> int:
    """The rate of the oldest person who may take it, since pay is listed before anyone is chosen."""
    if placement.kind is PlacementKind.APPRENTICESHIP:
        return tables.minimum_wage_pence("apprentice", on)
    oldest = placement.maximum_age if placement.maximum_age is not None and placement.legal_basis else ADULT
    return tables.minimum_wage_pence(tables.wage_band(max(oldest, SCHOOL_LEAVING)), on)


def _dbs(placement: Placement) -> str | None:
    """A check above BASIC is lawful only for some roles; asking for more than a role allows is an offence."""
    level = placement.dbs_level
    if level in {None, DbsLevel.NONE, DbsLevel.BASIC} or placement.legal_basis:
        return None
    words = f"{placement.title} {placement.occupation or ''}".lower()
    enough = {"STANDARD": {"STANDARD", "ENHANCED"}}.get(str(level), {"ENHANCED"})
    for row in tables.rows("dbs_roles"):
        if row["level"] in enough and re.search(rf"\b{re.escape(row['word'])}", words):
            return None
    return (
        f"A DBS check of level {level} is lawful only for some roles, and this title names none of them: write the "
        "legal basis in legal_basis, or ask for BASIC."
    )
