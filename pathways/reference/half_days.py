"""The 21 half-days of a week, as text and as a 21-bit number (bit 0 is Monday morning)."""

import re

from pathways.sheets.cells import InvalidCell

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
_PLURAL_DAYS = {f"{name}s": day for name, day in _DAY_NAMES.items() if name.endswith("day")}
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


def named(text: str) -> int:
    """Return the half-days that a reference table names: whole days, parts of every day, or both: "sun;fri eve;am"."""
    bits = 0
    for entry in filter(None, text.split(";")):
        days = [day for day in DAYS if day in entry.split()] or DAYS
        parts = [part for part in PARTS if part in entry.split()] or PARTS
        for day in days:
            for part in parts:
                bits |= bit(day, part)
    return bits


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


_WORD = re.compile(r"[a-z]+|[-–—]|\S")  # noqa: RUF001 - dashes of every length are typed
_GROUPS: dict[str, tuple[str, ...]] = dict.fromkeys(("weekday", "weekdays"), DAYS[:5]) | dict.fromkeys(
    ("weekend", "weekends"), DAYS[5:]
)
_GROUPS |= dict.fromkeys(("everyday", "daily"), DAYS)
_LETTERS = {"m": "mon", "t": "tue", "w": "wed", "th": "thu", "f": "fri"}
_PLURAL = {f"{name}s": parts for name, parts in _PART_NAMES.items() if name.isalpha()} | {"days": ALL_DAY}
_DASHES = frozenset(["-", "–", "—", "to", "till", "until", "through", "thru"])  # noqa: RUF001
_BETWEEN = frozenset(
    ["and", "&", ",", "/", "+", "in", "the", "on", "from", "(", ")", ".", ":", "every", "all", "or", "only"]
)
_JOINING = frozenset(["and", "&", ",", "+", "or"])


def parse_words(text: str) -> int | None:
    """Return the half-days that a text in plain words names, such as "Mon-Fri mornings" or "weekends".

    A day without a part of the day is its morning and afternoon; a part without a day is that part of every day.
    Return None if any word is not understood, because what it says may limit the rest ("not Mondays").
    """
    bits = 0
    for clause in re.split(r"[;\n]", text.lower()):
        clause_bits = _clause(_WORD.findall(clause.replace("all day", "day").replace("full day", "day")))
        if clause_bits is None:
            return None
        bits |= clause_bits
    return bits or None


def _clause(words: list[str]) -> int | None:
    days: list[str] = []
    parts: list[str] = []
    bits, is_range, last_was_day = 0, False, False
    for n, word in enumerate(words):
        day = (
            _DAY_NAMES.get(word)
            or _PLURAL_DAYS.get(word)
            or (_LETTERS.get(word) if _is_letter_range(words, n) else None)
        )
        named_parts = _PART_NAMES.get(word) or _PLURAL.get(word)
        if day is not None or word in _GROUPS:
            if parts and not days and words[n - 1] in _JOINING:
                return None  # "evenings and weekends" may mean either or both
            if days and parts and not last_was_day and not is_range:
                bits, days, parts = bits | _together(days, parts), [], []
            if is_range and day is not None and days:
                start, end = DAYS.index(days[-1]), DAYS.index(day)
                days += DAYS[start : end + 1] if start <= end else DAYS[start:] + DAYS[: end + 1]
            else:
                days += [day] if day is not None else _GROUPS[word]
            is_range, last_was_day = False, True
        elif named_parts is not None:
            if days and parts and last_was_day:  # the parts came first, as in "mornings Mon-Wed, afternoons Thu"
                bits, days, parts = bits | _together(days, parts), [], []
            parts += named_parts
            last_was_day = False
        elif word in _DASHES and last_was_day:
            is_range = True
        elif word not in _BETWEEN:
            return None
    return None if is_range else bits | _together(days, parts)


def _is_letter_range(words: list[str], n: int) -> bool:
    """Return whether a single letter stands for a day: only at the ends of a range, as in "M-F"."""
    return any(0 <= at < len(words) and words[at] in _DASHES for at in (n - 1, n + 1))


def _together(days: list[str], parts: list[str]) -> int:
    bits = 0
    if days or parts:
        for day in days or DAYS:
            for part in parts or ALL_DAY:
                bits |= bit(day, part)
    return bits


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
