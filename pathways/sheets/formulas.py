"""Formulas in the cells of a workbook: the value that was saved with one is read, and the row says so."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

MOST_FORMULA = 200  # characters of a formula that are kept, where it has no value

SAVED_VALUE = (
    "The cell holds a formula. The value that was saved with it was read.",
    "Check the value. To be sure, paste the cell as a value and send the file again.",
)
WITHOUT_VALUE = (
    "The cell holds a formula without a saved value, so it was not read.",
    "Paste the cell as a value and send the file again, or enter the value in the service.",
)
IN_NEEDED = "Formulas are not accepted in the column {column}, because the row needs its value."
AS_VALUE = "Paste the cell as a value, and send the file again."

# The beginning of a formula: a function, a cell, another sheet, a text, a bracket or a sum.
FORMULA = re.compile(
    r"^=\s*[-+]*(?:[A-Za-z_][\w.]*\(|\$?[A-Za-z]{1,3}\$?\d{1,7}(?!\w)|'[^'!]{1,100}'!|[\w.\[\]]{1,100}!\$?[A-Za-z]"
    r"|[(\"{]|[\d.]+\s*[-+*/^&%<>=])"
)
CONSTANT = re.compile(r'^(?:"((?:[^"]|"")*)"|(\d+(?:\.\d+)?))$')

# By column, counted from 0: the formula without its "=", or None if its value is known to be blank.
Formulas = Mapping[int, str | None]


def with_formulas(line: list[str], formulas: Formulas) -> list[str]:
    """Return the cells of a row; a cell whose formula has no saved value holds the formula."""
    for column, formula in formulas.items():
        line += [""] * (column + 1 - len(line))
        if formula is not None and not line[column].strip():
            line[column] = as_text(formula)
    return line


def as_text(formula: str) -> str:
    """Return the text of a cell with a formula that has no saved value; of a constant, as in ="0770", its value."""
    constant = CONSTANT.match(formula)
    if constant is not None:
        return constant[2] or constant[1].replace('""', '"')
    return f"={formula}" if is_formula(f"={formula}") else f"=({formula})"


def is_formula(text: str) -> bool:
    """Return whether the text of a cell is a formula, which does not tell what the cell showed."""
    return FORMULA.match(text) is not None


def faults_of(columns: Sequence[str], formulas: Formulas, required: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield an error for each formula in a cell that the row needs."""
    for column in sorted(formulas):
        name = columns[column] if column < len(columns) else ""
        if name in required:
            yield IN_NEEDED.format(column=name), AS_VALUE


def warnings_of(
    columns: Sequence[str], cells: Mapping[str, str], formulas: Formulas, required: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield a warning for each formula in another cell that is read."""
    for column, formula in sorted(formulas.items()):
        name = columns[column] if column < len(columns) else ""
        if name and name not in required and cells.get(name):
            has_no_value = formula is not None and is_formula(cells[name])
            yield name, *(WITHOUT_VALUE if has_no_value else SAVED_VALUE)
