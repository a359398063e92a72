"""The rows of a CSV text, also where a double quote stands in a cell in a way that CSV does not allow."""

import csv
import io
import re
from collections.abc import Iterator

from pathways.sheets.file_kinds import FileNotUnderstood

MOVED = -1  # in place of the number of cells, of a row whose cells were certainly moved


def open_quote(row: int | None = None) -> FileNotUnderstood:
    """Return the refusal of a file with a quote that is not closed."""
    where = f" The error begins in row {row}." if row is not None else ""
    return FileNotUnderstood(
        f"A double quote is not closed, or is in the middle of a cell.{where} Correct it and send the file again."
    )


def numbered(text: str, delimiter: str, as_written: dict[int, int] | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with its number, as a spreadsheet counts rows: a quoted cell may contain several lines.

    A cell such as ``"Handyman" and driver`` is read with its quotes. ``as_written`` receives, by number, how many cells
    a row with such a cell has, because a delimiter within its quotes would move the cells after it. Raises
    ``FileNotUnderstood`` if a quote is still open at the end of its line, so that no cell takes in other rows.
    """
    number = 0
    lines = _Lines(text)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number += 1
        lines.taken.clear()
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as wrong:
            if len(lines.taken) != 1 or lines.is_at_end:
                raise open_quote(number) from wrong
            cells = _with_quotes(lines.taken[0].rstrip("\r\n"), delimiter)
            if as_written is not None:
                # A cell that begins or ends with a quote of its own was divided at a delimiter within the quotes.
                as_written[number] = MOVED if any(cell.count('"') % 2 for cell in cells) else len(cells)
        yield number, cells


class _Lines:
    """The lines of a text, and those that were taken since ``taken`` was last cleared."""

    def __init__(self, text: str) -> None:
        self.lines = io.StringIO(text, newline="")
        self.taken: list[str] = []
        self.is_at_end = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self.lines, None)
        if line is None:
            self.is_at_end = True
            raise StopIteration
        self.taken.append(line)
        return line


def _with_quotes(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line. Only a cell that is quoted as a whole loses its quotes."""
    mark = re.escape(delimiter)
    cell = re.compile(rf'"((?:[^"]|"")*)"(?={mark}|$)|([^{mark}]*)')
    cells, at = [], 0
    while True:
        found = cell.match(line, at)
        assert found is not None  # the pattern matches an empty text too
        cells.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        at = found.end() + 1
        if at > len(line):
            return cells
