"""The legal bases for a limit in a listing: which exception is named, and which limit or group it may justify.

A basis is named by its code or its citation in ``legal_bases.csv`` and nothing else: a sentence that contains a
citation may say the opposite. The groups for which a placement may be reserved are in ``ring_fence_groups.csv``.
"""

import re
from collections import Counter
from datetime import date
from enum import StrEnum

from pathways.reference import tables, wording

# Words that a ring-fence may have besides its group.
JOINING = [
    "people",
    "person",
    "those",
    "someone",
    "anyone",
    "adult",
    "who",
    "are",
    "is",
    "have",
    "has",
    "a",
    "an",
    "the",
    "with",
    "of",
    "from",
    "and",
    "or",
    "only",
    "for",
    "in",
]
SHORT_FORMS = {"s": "section", "ss": "sections", "sec": "section", "sch": "schedule", "sched": "schedule"} | {
    "para": "paragraph",
    "reg": "regulation",
}
LEFT_OUT = {"the", "of", "and", "act's"}
THE_ACT = Counter(("equality", "act", "2010"))


class LimitKind(StrEnum):
    """What a legal basis may justify: a limit of age, a higher DBS check, or a place reserved for a group."""

    AGE = "age"
    DBS = "dbs"
    SEX = "sex"
    RACE = "race"
    RELIGION = "religion"
    DISABILITY = "disability"


NO_BASIS_NEEDED = "none"


def covers(text: str | None, limit: LimitKind, on: date, kind: str = "") -> bool:
    """Return whether a text is the code or the citation of a legal basis that may justify a limit.

    ``kind`` is the kind of the placement: some bases count for some kinds only.

    >>> covers("Equality Act 2010, s.13(2)", LimitKind.AGE, date(2026, 11, 30))
    True
    >>> covers("we ignore s.13(2)", LimitKind.AGE, date(2026, 11, 30))
    False
    """
    return any(_is_for(row, limit, kind) for row in _rows_named(text or "", on))


def _is_for(row: dict[str, str], limit: LimitKind, kind: str) -> bool:
    return limit.value in row["covers"].split("|") and (not row["only_kinds"] or kind in row["only_kinds"].split("|"))


def _rows_named(text: str, on: date) -> list[dict[str, str]]:
    said = _parts(text)
    return [
        row
        for row in tables.rows("legal_bases")
        if row["from"] <= on.isoformat()
        and said
        and any(
            said in (_parts(form), _parts(form) + THE_ACT)
            for form in (row["code"], row["law"], *row["citations"].split(";"))
        )
    ]


def _parts(text: str) -> Counter[str]:
    """Return the words of a citation without their order, with short forms written out."""
    parts = re.findall(r"[a-z]+|\d+[a-z]?", text.lower())
    return Counter(SHORT_FORMS.get(part, part) for part in parts if part not in LEFT_OUT)


def groups_of(text: str, on: date) -> tuple[set[str], list[str]]:
    """Return the kinds of the groups that a ring-fence names, and its words that belong to no known group.

    A kind is a value of ``LimitKind``, or none for a group for which no legal basis is needed.

    >>> groups_of("care leavers with a car", date(2026, 11, 30))
    ({'none'}, ['car'])
    """
    return wording.words_left("ring_fence_groups", "phrases", text, on, JOINING)


def remedy(limit: LimitKind, on: date, kind: str = "") -> str:
    """Return which legal bases may be written for a limit in a placement of a kind, in words."""
    known = [
        f"{row['code']} ({row['law']})"
        for row in tables.rows("legal_bases")
        if row["from"] <= on.isoformat() and _is_for(row, limit, kind)
    ]
    return (
        "Write one of these as the legal basis (legal_basis), the code or the citation and nothing else:"
        f" {'; '.join(known)}."
    )
