"""How the pages write days, times and amounts of money."""

import re
from datetime import date, datetime
from decimal import Decimal

import phonenumbers

from pathways.base import LONDON, Role, day_in_words
from pathways.placements.models import PlacementState

NOON = 12
HOME_COUNTRY = 44


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


def pounds(value: Decimal | float | str) -> str:
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


PLACEMENT_STATES = {
    PlacementState.DRAFT: "Draft",
    PlacementState.PUBLISHED: "Published",
    PlacementState.PAUSED: "Paused",
    PlacementState.CLOSED: "Closed",
}
DAY_NAMES = {"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat", "sun": "Sun"}
PART_NAMES = {"am": "morning", "pm": "afternoon", "eve": "evening", "all": "all day"}


def placement_state(value: PlacementState) -> str:
    """Return the state of a placement as people call it."""
    return PLACEMENT_STATES[value]


def half_days(value: str | None) -> str:
    """Return half-days as people write them, such as "Mon to Fri morning, Sat all day"."""
    of_day: dict[str, list[str]] = {day: [] for day in DAY_NAMES}
    for entry in (value or "").split("; "):
        if entry:
            day, part = entry.split()
            of_day[day].append(PART_NAMES[part])
    runs: list[tuple[list[str], str]] = []
    before = ""
    for day, parts in of_day.items():
        text = " and ".join(parts)
        if text and text == before:
            runs[-1][0].append(DAY_NAMES[day])
        elif text:
            runs.append(([DAY_NAMES[day]], text))
        before = text
    return ", ".join(f"{_from_to(days)} {text}" for days, text in runs)


def _from_to(days: list[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} {'and' if len(days) == 2 else 'to'} {days[-1]}"  # noqa: PLR2004


def phone(value: str | None) -> str:
    """Return a telephone number as people in the UK write it, such as "07700 900123"; a foreign one with its country.

    A text that is no number is returned as it is.
    """
    if not value:
        return ""
    try:
        parsed = phonenumbers.parse(value, "GB")
    except phonenumbers.NumberParseException:
        return value
    is_home = parsed.country_code == HOME_COUNTRY
    style = phonenumbers.PhoneNumberFormat.NATIONAL if is_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)


def number(value: Decimal | float | str | None) -> str:
    """Return a number without needless noughts, such as "16" or "7.5"."""
    return "" if value is None else f"{Decimal(str(value)).normalize():f}"


def hours(value: Decimal | float | None) -> str:
    """Return a number of hours a week, such as "16" or "7.5"."""
    return number(value)


FIELD_NAMES = re.compile(r" ?\((?:[a-z]+(?:_[a-z]+)+(?:: \w+)?(?:, | and )?)+\)")

OF_FIELDS = re.compile(r" The words are in as_written\.")


def plain(text: str) -> str:
    """Return a text without the names of fields that it has for programmers, such as "(starts_on)"."""
    return OF_FIELDS.sub("", FIELD_NAMES.sub("", text))
