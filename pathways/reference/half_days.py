"""The 21 half-days of a week, as text and as a 21-bit number (bit 0 is Monday morning)."""

import re

from pathways.cells import InvalidCell

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PARTS = ("am", "pm", "eve")
ALL_DAY = ("am", "pm")
_DAY_NAMES = {name: day for day in DAYS for name in (day, day + "s")} | {
    "monday": "mon",
    "tues": "tue",
    "tuesday": "tue",
    "wednesday": "wed",
    "thur": "thu",
    "thurs": "thu",
    "thursday": "thu",
    "friday": "fri",
    "saturday": "sat",
    "sunday": "sun",
}
_PART_NAMES = {
    "am": ("am",),
    "morning": ("am",),
    "pm": ("pm",),
    "afternoon": ("pm",),
    "eve": ("eve",),
    "evening": ("eve",),
    "all day": ALL_DAY,
    "day": ALL_DAY,
}
_ENTRY = re.compile(r"^([a-z]+) +([a-z ]+)$")


class NotHalfDays(ValueError):
    """Raised for a text that does not name half-days."""


def bit(day: str, part: str) -> int:
    return 1 << (DAYS.index(day) * len(PARTS) + PARTS.index(part))


_BITS = tuple((bit(day, part), f"{day} {part}") for day in DAYS for part in PARTS)


def parse(text: str | None) -> int | None:
    """Return the half-days that a text such as "mon am; tue all day" names; None for an empty text."""
    if text is None or not text.strip():
        return None
    bits = 0
    for raw in re.split(r"[;,]", text):
        entry = " ".join(raw.lower().split())
        if not entry:
            continue
        parts = _ENTRY.match(entry)
        day = _DAY_NAMES.get(parts.group(1)) if parts else None
        halves = _PART_NAMES.get(parts.group(2).strip()) if parts else None
        if day is None or halves is None:
            raise NotHalfDays(
                'Write half-days such as "mon am; tue pm; fri all day": each is a day, then am, pm, eve or all day.'
            )
        for half in halves:
            bits |= bit(day, half)
    return bits or None


def read_cell(text: str) -> int | None:
    """Return the half-days in a spreadsheet cell. Raise ``InvalidCell`` if the text does not name half-days."""
    try:
        return parse(text)
    except NotHalfDays as wrong:
        raise InvalidCell(str(wrong), "Correct the cell, or leave it blank.") from wrong


def text_of(half_days: int | None) -> str | None:
    if half_days is None:
        return None
    return "; ".join(text for half_day, text in _BITS if half_days & half_day)
