"""How the pages write days, times and amounts of money."""

from datetime import date, datetime
from decimal import Decimal

from pathways.base import LONDON, Role, day_in_words

NOON = 12


def day(value: date | datetime | None) -> str:
    """Return a day as people write it, such as "3 December 2026". Without a day, return an empty text."""
    if value is None:
        return ""
    return day_in_words(value.astimezone(LONDON).date() if isinstance(value, datetime) else value)


def clock(value: datetime) -> str:
    """Return the local time of an instant, such as "2:30pm"."""
    local = value.astimezone(LONDON)
    return f"{local.hour % NOON or NOON}:{local.minute:02d}{'am' if local.hour < NOON else 'pm'}"


def moment(value: datetime | None) -> str:
    """Return an instant in local time, such as "3 December 2026, 2:30pm"."""
    return f"{day(value)}, {clock(value)}" if value is not None else ""


def pounds(value: Decimal | float) -> str:
    """Return an amount of money, such as "£12.21" or "£450"."""
    amount = Decimal(str(value))
    return f"£{amount:,.0f}" if amount == amount.to_integral() else f"£{amount:,.2f}"


ROLES = {
    Role.REFERRER: "Referrer",
    Role.CASEWORKER: "Caseworker",
    Role.TEAM_MANAGER: "Team manager",
    Role.PLACEMENT_LISTER: "Lists placements",
    Role.COMMISSIONER: "Commissioner",
    Role.ADMINISTRATOR: "Administrator",
    Role.AUDITOR: "Auditor",
    Role.OPERATOR: "Operator",
}


def role(value: Role) -> str:
    """Return a role as people call it."""
    return ROLES[value]
