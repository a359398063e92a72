"""The words of a header, and the column that it names."""

import re
from collections.abc import Mapping

from pathways.sheets.damage import tidy


def normal(header: str) -> str:
    """Return a header normalised for comparison: lower-case letters, digits and single spaces."""
    return re.sub(r"[^a-z0-9]+", " ", tidy(header).lower()).strip()


# What headers say in brackets about the form of their cells.
FORM_IN_BRACKETS = re.compile(
    r"[(\[][\s]*(?:e\.?g\.?|eg|i\.?e\.?|format|optional|required|mandatory|if known|if any|please|yes|y\s?/|dd|d/m|yyyy"
    r"|mm|uk|24|hh|number|digits|text|date|choose|select|drop|see|as |in |all|one|\*)[^)\]]*[)\]]",
    re.IGNORECASE,
)


def column_of(header: str, aliases: Mapping[str, str]) -> str:
    """Return the column that a header names, or "". What it says in brackets about the form of a cell is left out."""
    return aliases.get(normal(header)) or aliases.get(normal(FORM_IN_BRACKETS.sub(" ", header)), "")
