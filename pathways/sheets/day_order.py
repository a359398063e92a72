"""Dates of a file that may have the month before the day, found by those that can only be read so."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pathways.sheets import sentences
from pathways.sheets.damage import is_day_column

NUMBERS_DATE = re.compile(r"^(\d{1,2})[/.-](\d{1,2})[/.-](?:19|20)\d\d\b")
MOST_ROWS_NAMED = 20


@dataclass(slots=True)
class MonthFirst:
    """Of a sheet, by column: the first row whose date has the month before the day, and the rows that also may."""

    first: dict[str, int] = field(default_factory=dict)
    doubtful: dict[str, list[int]] = field(default_factory=dict)

    def take(self, columns: Sequence[str], number: int, cells: Sequence[str]) -> None:
        for column in _month_first(columns, cells):
            self.first.setdefault(column, number)
        for column, cell in zip(columns, cells, strict=False):
            if column and is_day_column(column) and _is_either_way_round(cell.strip()):
                self.doubtful.setdefault(column, []).append(number)

    def notes(self, place: str) -> Iterator[str]:
        for column, first in self.first.items():
            rows = self.doubtful.get(column, [])
            named = [f"row {row}" for row in rows[:MOST_ROWS_NAMED]]
            named += [f"{len(rows) - MOST_ROWS_NAMED} more"] if len(rows) > MOST_ROWS_NAMED else []
            if rows:
                yield sentences.MONTH_FIRST.format(
                    column=column, place=place, first=first, count=len(rows), rows=", ".join(named)
                )


def _month_first(columns: Sequence[str], cells: Sequence[str]) -> Iterator[str]:
    """Yield the columns of a row whose date can only be read with the month before the day."""
    for column, cell in zip(columns, cells, strict=False):
        if column and is_day_column(column) and (numbers := NUMBERS_DATE.match(cell.strip())):
            first, second = int(numbers[1]), int(numbers[2])
            if first <= 12 < second:  # noqa: PLR2004 - months
                yield column


def _is_either_way_round(text: str) -> bool:
    """Return whether a date can be read with the day first and with the month first, as two different days."""
    numbers = NUMBERS_DATE.match(text)
    return numbers is not None and int(numbers[1]) != int(numbers[2]) and max(map(int, numbers.groups())) <= 12  # noqa: PLR2004 - months
