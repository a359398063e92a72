"""Dates of a file that may have the month before the day, found by those that can only be read so."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pathways.sheets import sentences
from pathways.sheets.damage import is_day_column

NUMBERS_DATE = re.compile(r"^(\d{1,2})[/.-](\d{1,2})[/.-](?:19|20)\d\d\b")
MOST_ROWS_NAMED = 20
# With more dates than this that can only have the day first, a date with the month first is one slip among them.
SLIPS_AMONG = 10


@dataclass(slots=True)
class MonthFirst:
    """Of a sheet, by column: the first row whose date has the month before the day, and the rows that also may.

    ``counts`` are the dates that can only have the month first, and those that can only have the day first.
    """

    first: dict[str, int] = field(default_factory=dict)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    doubtful: dict[str, list[int]] = field(default_factory=dict)

    def take(self, columns: Sequence[str], number: int, cells: Sequence[str]) -> None:
        for column, is_month_first in _only_one_way_round(columns, cells):
            if is_month_first:
                self.first.setdefault(column, number)
            months, days = self.counts.get(column, (0, 0))
            self.counts[column] = (months + is_month_first, days + (not is_month_first))
        for column, cell in zip(columns, cells, strict=False):
            if column and is_day_column(column) and _is_either_way_round(cell.strip()):
                self.doubtful.setdefault(column, []).append(number)

    def rows_in_doubt(self) -> Iterator[tuple[int, str]]:
        """Yield the row and the column of each date that may have the month first as those around it do."""
        for column in self.first:
            months, days = self.counts[column]
            if days <= months * SLIPS_AMONG:
                yield from ((row, column) for row in self.doubtful.get(column, []))

    def notes(self, place: str) -> Iterator[str]:
        for column, first in self.first.items():
            rows = self.doubtful.get(column, [])
            named = [f"row {row}" for row in rows[:MOST_ROWS_NAMED]]
            named += [f"{len(rows) - MOST_ROWS_NAMED} more"] if len(rows) > MOST_ROWS_NAMED else []
            if rows:
                yield sentences.MONTH_FIRST.format(
                    column=column, place=place, first=first, count=len(rows), rows=", ".join(named)
                )


def _only_one_way_round(columns: Sequence[str], cells: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield the columns whose date can be read in one order only, and whether that is with the month first."""
    for column, cell in zip(columns, cells, strict=False):
        if column and is_day_column(column) and (numbers := NUMBERS_DATE.match(cell.strip())):
            first, second = int(numbers[1]), int(numbers[2])
            if (first > 12) != (second > 12):  # noqa: PLR2004 - months
                yield column, second > first


def _is_either_way_round(text: str) -> bool:
    """Return whether a date can be read with the day first and with the month first, as two different days."""
    numbers = NUMBERS_DATE.match(text)
    return numbers is not None and int(numbers[1]) != int(numbers[2]) and max(map(int, numbers.groups())) <= 12  # noqa: PLR2004 - months
