"""Reader of CSV and XLSX files: finds the header, and leaves out title rows, totals and blank rows."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from pathways.errors import RuleBroken, TooLarge
from pathways.workbooks import Extent, extents_of

UTF_16_MARKS = {b"\xff\xfe", b"\xfe\xff"}
WINDOWS = "The file is not UTF-8 (line {line}), so it was read as Windows-1252. Check letters with accents."
DELIMITERS = (",", ";", "\t", "|")
ROWS_BEFORE_HEADER = 30
FEWEST_KNOWN = 3
MOST_CELLS_IN_TOTAL = 3
MOST_COLUMNS = 1_000
MOST_CELLS = 5_000_000
FORMULA = ("Formulas are not accepted.", "Paste the cells of this row as values.")
MERGED = ("Merged cells are not accepted.", "Unmerge them and fill in each cell.")
TOO_MANY = ("The row has more cells than the header.", "Put quotes around a cell that contains the delimiter.")
FORMULA_STARTS = ("=", "+", "-", "@")
OUR_ANSWERS = {"import result", "import problems"}  # columns added to a result file; ignored when it is sent again
MOST_PASSED_OVER = 100
TOTAL = re.compile(r"^(grand |sub)?totals?\b", re.IGNORECASE)


class FileNotUnderstood(RuleBroken):
    title = "The file cannot be read"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The header of a sheet or CSV file: its row number, its cells as written, and our column for each cell or ""."""

    name: str
    header_at: int
    header: tuple[str, ...]
    columns: tuple[str, ...]

    def named(self, written: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the cells of known columns by our column names, and those of unknown columns by position."""
        cells = {name: "" for name in self.columns if name}
        others = {}
        for place, cell in enumerate(written):
            name = self.columns[place] if place < len(self.columns) else ""
            if name:
                cells[name] = _plain(cell)
            elif cell.strip() and not self._is_our_answer(place):
                others[str(place)] = cell.strip()  # also beyond the header, because it is needed to correct the row
        return cells, others

    def _is_our_answer(self, place: int) -> bool:
        return place < len(self.header) and normal(self.header[place]) in OUR_ANSWERS


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its number as the spreadsheet shows it, and its cells by our column names.

    ``others`` are the cells of unknown columns by position. ``faults`` are errors of the whole row, as pairs of a rule
    and what to do.
    """

    number: int
    sheet: str
    cells: Mapping[str, str]
    others: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[tuple[str, str], ...] = ()


# A function that reads the lines of a sheet again each time, so that a large file is never held in memory.
Lines = Callable[[], Iterator[tuple[int, Sequence[str]]]]


@dataclass(frozen=True, slots=True)
class _Part:
    """One sheet with its lines, and the errors of its rows by row number."""

    sheet: Sheet
    lines: Lines
    faults: Mapping[int, list[tuple[str, str]]]


@dataclass(slots=True)
class SpreadsheetTable:
    """The content of a file: its sheets, the number of rows, and what was left out or unknown."""

    count: int = 0
    unknown_columns: list[str] = field(default_factory=list)
    suggested_columns: dict[str, str] = field(default_factory=dict)  # the column that each may mean
    notes: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)

    @property
    def sheets(self) -> list[Sheet]:
        return [part.sheet for part in self.parts]

    @property
    def columns(self) -> set[str]:
        """Return the names of our columns that the first sheet with rows has."""
        return {name for part in self.parts[:1] for name in part.sheet.columns if name}

    def rows(self) -> Iterator[Row]:
        """Yield the rows, beginning with the first row each time."""
        for part in self.parts:
            for number, cells in _rows_of(part):
                wrong = list(dict.fromkeys(part.faults.get(number, [])))
                if any(cell.strip() for cell in cells[len(part.sheet.columns) :]):
                    wrong.append(TOO_MANY)
                yield Row(number, part.sheet.name, *part.sheet.named(cells), tuple(wrong))


def read_table(
    content: bytes, aliases: Mapping[str, str], *, needed: Sequence[str], most_unpacked: int
) -> SpreadsheetTable:
    """Return a file as a table with our column names; ``aliases`` maps a normalised header to one of our columns.

    The file is read once to check it. Raises ``FileNotUnderstood`` if it cannot be read, has no header or lacks a
    ``needed`` column, and ``TooLarge`` if a workbook unpacks to more than ``most_unpacked`` bytes.
    """
    table = SpreadsheetTable()
    if content[:4] == b"PK\x03\x04":
        _read_workbook_headers(table, content, aliases, most_unpacked)
    elif content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise FileNotUnderstood(
            "This is an old or password-protected Excel file. Save it as .xlsx without a password, or as CSV UTF-8."
        )
    else:
        _read_csv_header(table, content, aliases)
    missing = [name for name in needed if table.count and name not in table.columns]
    if missing:
        raise FileNotUnderstood(
            f"There is no column {', '.join(missing)}. Add it, or rename the column with this content."
        )
    return table


def normal(header: str) -> str:
    """Return a header normalised for comparison: lower-case letters, digits and single spaces."""
    return re.sub(r"[^a-z0-9]+", " ", header.lower()).strip()


def _read_csv_header(table: SpreadsheetTable, content: bytes, aliases: Mapping[str, str]) -> None:
    if not content.strip():
        raise FileNotUnderstood("The file is empty. Choose another file.")
    text, notes = _decoded(content)
    table.notes += notes
    if "\x00" in text:
        raise FileNotUnderstood("This file is neither CSV nor XLSX. Save it as CSV UTF-8 and send it again.")
    known, delimiter = max(
        ((_columns_recognised(text, delimiter, aliases), delimiter) for delimiter in DELIMITERS),
        key=lambda counted: counted[0],
    )
    lines: Lines = lambda: _numbered(text, delimiter)  # noqa: E731 - the reader needs the delimiter found above
    if known < FEWEST_KNOWN <= _columns_anywhere(text, aliases):
        raise _open_quote()
    _take_sheet(table, "", lines, aliases, {})
    if not table.count and table.passed_over:
        raise _no_header(aliases)


def _columns_recognised(text: str, delimiter: str, aliases: Mapping[str, str]) -> int:
    """Return how many of our columns a header has with this delimiter; -1 if the file cannot be read with it."""
    try:
        return max((_recognised(cells, aliases) for _, cells in islice(_numbered(text, delimiter), ROWS_BEFORE_HEADER)))
    except FileNotUnderstood:
        return -1


def _open_quote(row: int | None = None) -> FileNotUnderstood:
    where = f" The error begins in row {row}." if row is not None else ""
    return FileNotUnderstood(
        f"A double quote is not closed, or is in the middle of a cell.{where} Correct it and send the file again."
    )


def _decoded(content: bytes) -> tuple[str, list[str]]:
    """Return a file as text, with a note if its encoding had to be guessed.

    Excel writes "CSV" as Windows-1252 and "Unicode text" as UTF-16. Both are as frequent as UTF-8.
    """
    if content[:2] in UTF_16_MARKS:
        try:
            return content.decode("utf-16"), []
        except UnicodeDecodeError as wrong:
            raise FileNotUnderstood('The file is damaged UTF-16. Save it as "CSV UTF-8" and send it again.') from wrong
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        try:
            return content.decode("cp1252"), [WINDOWS.format(line=line)]
        except UnicodeDecodeError:
            raise FileNotUnderstood(
                f'The file is not UTF-8 (line {line}). Save it as "CSV UTF-8" and send it again.'
            ) from wrong


def _numbered(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    # Excel and our report count rows and not lines, because a quoted cell may contain several lines.
    number = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            yield number, cells
    except csv.Error as wrong:
        raise _open_quote(number + 1) from wrong


def _columns_anywhere(text: str, aliases: Mapping[str, str]) -> int:
    """Return the highest number of our columns that one line near the top names, whatever its delimiter."""
    return max(
        (_recognised(re.split(r"[,;\t|]", line), aliases) for line in text.splitlines()[:ROWS_BEFORE_HEADER]), default=0
    )


def _read_workbook_headers(
    table: SpreadsheetTable, content: bytes, aliases: Mapping[str, str], most_unpacked: int
) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
            if unpacked > most_unpacked:
                raise TooLarge(
                    f"The workbook unpacks to more than {most_unpacked // 1_000_000} MB. Split it into smaller files."
                )
            _must_unpack_to_declared_size(parts)
            extents = extents_of(parts)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = workbook.sheet_names
        if len({name.casefold() for name in names}) < len(names):
            raise FileNotUnderstood("Two sheets have the same name. Rename one of them, then send the file again.")
        for name in names:
            extent = extents[name]  # a KeyError means the sheet was not measured, so it must not be opened
            _must_fit(name, extent)
            sheet = workbook.get_sheet_by_name(name)
            faults = {number: [FORMULA] for number in extent.with_formula}
            for number in extent.merged:
                faults.setdefault(number, []).append(MERGED)
            _take_sheet(table, name, partial(_lines_of, sheet), aliases, faults)
    except (CalamineError, zipfile.BadZipFile, KeyError, ValueError, OSError, zlib.error) as broken:
        raise FileNotUnderstood(
            "The workbook cannot be opened. Save it again as .xlsx or as CSV UTF-8, then send it again."
        ) from broken
    if not table.count:
        raise _no_header(aliases)


def _must_fit(name: str, extent: Extent) -> None:
    """Refuse a sheet that is too large, because the reader holds its whole rectangle in memory."""
    if extent.columns > MOST_COLUMNS or extent.rows * extent.columns > MOST_CELLS:
        raise FileNotUnderstood(
            f"The sheet {name} has {extent.rows} rows and {extent.columns} columns, which is too many. "
            "Delete empty rows and columns, then send the file again."
        )


def _must_unpack_to_declared_size(parts: zipfile.ZipFile) -> None:
    if parts.testzip() is not None:
        raise zipfile.BadZipFile


def _lines_of(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        yield number, [_text(cell) for cell in cells]


def _no_header(aliases: Mapping[str, str]) -> FileNotUnderstood:
    examples = ", ".join(sorted(set(aliases.values()))[:6])
    return FileNotUnderstood(
        f"The first {ROWS_BEFORE_HEADER} rows have no header row. Add a row with column names such as {examples}."
    )


def _text(cell: Any) -> str:
    """Return a cell as text: whole numbers without a decimal point, dates as yyyy-mm-dd."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    return str(cell)


def _recognised(cells: Sequence[str], aliases: Mapping[str, str]) -> int:
    return len({aliases[normal(cell)] for cell in cells if normal(cell) in aliases})


def _take_sheet(
    table: SpreadsheetTable,
    name: str,
    lines: Lines,
    aliases: Mapping[str, str],
    faults: Mapping[int, list[tuple[str, str]]],
) -> None:
    """Add a sheet to the table if it has a header. Count its rows; list the unknown columns and rows left out."""
    header_at, header = next(
        (
            (at, cells)
            for at, cells in islice(lines(), ROWS_BEFORE_HEADER)
            if _recognised(cells, aliases) >= FEWEST_KNOWN
        ),
        (0, ()),
    )
    if not header:
        table.passed_over.append(f"sheet {name}: no header row" if name else "no header row")
        return
    if len(header) > MOST_COLUMNS:
        raise FileNotUnderstood(
            f"The file has more than {MOST_COLUMNS} columns. Delete columns that are not needed, then send it again."
        )
    columns = [aliases.get(normal(cell), "") for cell in header]
    duplicates = sorted({column for column in columns if column and columns.count(column) > 1})
    if duplicates:
        raise FileNotUnderstood(f"Two columns are read as {duplicates[0]}. Remove or rename one of them.")
    table.unknown_columns += [
        cell
        for cell, column in zip(header, columns, strict=True)
        if not column and cell.strip() and normal(cell) not in OUR_ANSWERS
    ]
    part = _Part(Sheet(name, header_at, tuple(header), tuple(columns)), lines, faults)
    rows = sum(1 for _ in _rows_of(part, table.passed_over))
    table.count += rows
    if rows:
        table.parts.append(part)


def _rows_of(part: _Part, passed_over: list[str] | None = None) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the rows below the header that are neither blank nor totals."""
    for number, cells in part.lines():
        if number <= part.sheet.header_at:
            continue
        filled = [cell.strip() for cell in cells if cell.strip()]
        if not filled:
            continue
        if TOTAL.match(filled[0]) and len(filled) <= MOST_CELLS_IN_TOTAL:
            if passed_over is not None and len(passed_over) < MOST_PASSED_OVER:
                passed_over.append(f"row {number}: a total")
            continue
        yield number, cells


def _plain(cell: str) -> str:
    """Return a cell without the apostrophe that keeps a spreadsheet from reading its text as a formula."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA_STARTS else text
