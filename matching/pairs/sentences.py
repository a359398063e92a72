"""Days, half-days and lists in words, as sentences about a pair use them."""

from collections.abc import Iterable
from datetime import date

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PART_NAMES = ("morning", "afternoon", "evening")
MOST_NAMED = 3


def in_words(day: date) -> str:
    """Return a date in words.

    Examples
    --------
    >>> in_words(date(2026, 11, 2))
    '2 November 2026'
    """
    return f"{day.day} {day:%B %Y}"


def joined(names: Iterable[str]) -> str:
    """Return names in words.

    Examples
    --------
    >>> joined(["driving licence", "CSCS card"])
    'driving licence and CSCS card'
    """
    *first, last = list(names) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def half_days_named(half_days: int, most: int = MOST_NAMED) -> str:
    """Return the names of the first ``most`` half-days, and how many more there are.

    Parameters
    ----------
    half_days : int
        21 bits, bit 0 is Monday morning.
    most : int

    Returns
    -------
    str

    Examples
    --------
    >>> half_days_named(0b11011)
    'Monday morning, Monday afternoon, Tuesday morning and 1 more'
    """
    names = [
        f"{DAY_NAMES[bit // 3]} {PART_NAMES[bit % 3]}" for bit in range(half_days.bit_length()) if half_days >> bit & 1
    ]
    more = len(names) - most
    return joined([*names[:most], f"{more} more"] if more > 0 else names)
