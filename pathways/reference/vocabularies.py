"""Vocabularies: the codes that a field accepts, or suggestions for a field that takes free text."""

import csv
from dataclasses import dataclass
from functools import lru_cache

from pathways.reference.tables import path_of


@dataclass(frozen=True, slots=True)
class Term:
    """A code as it is sent, and the words that a form shows."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class CodeList:
    """The terms of one vocabulary. ``is_closed`` means that no other value is accepted."""

    name: str
    is_closed: bool
    terms: tuple[Term, ...]


@lru_cache(maxsize=1)
def code_lists() -> dict[str, CodeList]:
    """Return every vocabulary by its name."""
    rows: dict[str, list[dict[str, str]]] = {}
    with path_of("vocabularies").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["vocabulary"], []).append(row)
    return {
        name: CodeList(name, lines[0]["is_closed"] == "yes", tuple(Term(line["code"], line["label"]) for line in lines))
        for name, lines in rows.items()
    }


def codes_of(name: str) -> list[str]:
    """Return the codes of one vocabulary."""
    return [term.code for term in code_lists()[name].terms]


def labels_of(name: str) -> dict[str, str]:
    """Return the words for each code of one vocabulary, by code."""
    return {term.code: term.label for term in code_lists()[name].terms}
