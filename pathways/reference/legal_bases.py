"""The legal bases for a limit in a listing: which exceptions a text names, and what each may justify."""

from datetime import date
from enum import StrEnum

from pathways.reference import tables, wording


class LimitKind(StrEnum):
    """What a legal basis may justify: a limit of age, a place reserved for a group, or a higher DBS check."""

    AGE = "age"
    GROUP = "group"
    DBS = "dbs"


def covers(text: str | None, limit: LimitKind, on: date) -> bool:
    """Return whether a text names a legal basis of ``legal_bases.csv`` that may justify a limit.

    >>> covers("Equality Act 2010, s.158: few young people work here", LimitKind.AGE, date(2026, 11, 30))
    True
    >>> covers("x", LimitKind.AGE, date(2026, 11, 30))
    False
    """
    if not text:
        return False
    return any(
        limit.value in row["covers"].split("|") for row in wording.rows_found("legal_bases", "phrases", text, on)
    )


def remedy(limit: LimitKind, on: date) -> str:
    """Return which legal bases may be written for a limit, in words."""
    known = [
        f"{row['code'].replace('_', ' ')} ({row['law']})"
        for row in tables.rows("legal_bases")
        if limit.value in row["covers"].split("|") and row["from"] <= on.isoformat()
    ]
    return f"Name one of these as the legal basis (legal_basis), and why it applies: {'; '.join(known)}."
