"""Rows out of CSV and XLSX files as people send them: the header found, title, total and blank rows passed over."""

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
WINDOWS = "The file is not UTF-8 (line {line}), so it was read as Windows-1252. Look at letters with accents."
DELIMITERS = (",", ";", "\t", "|")
ROWS_BEFORE_HEADER = 30
FEWEST_KNOWN = 3
MOST_CELLS_IN_TOTAL = 3
MOST_COLUMNS = 1_000
MOST_CELLS = 5_000_000
FORMULA = ("A formula is not taken.", "Paste the cells of this row as values.")
MERGED = ("Merged cells are not taken.", "Unmerge them and fill each cell.")
TOO_MANY = ("It has more cells than the header.", "Put quotes round a cell that holds the delimiter.")
FORMULA_STARTS = ("=", "+", "-", "@")
OUR_ANSWERS = {"import result", "import problems"}  # columns of a result file that is sent again once it is corrected
MOST_PASSED_OVER = 100
TOTAL = re.compile(r"^(grand |sub)?totals?\b", re.IGNORECASE)


class FileNotUnderstood(RuleBroken):
    title = "The file cannot be read"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The header of one sheet (of a CSV: of the file): where it stands, as written, our column for each cell or ""."""

    name: str
    header_at: int
    header: tuple[str, ...]
    columns: tuple[str, ...]

    def named(self, written: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the cells of a row by our column names, and those of columns nobody knows by their place."""
        cells = {name: "" for name in self.columns if name}
        others = {}
        for place, cell in enumerate(written):
            name = self.columns[place] if place < len(self.columns) else ""
            if name:
                cells[name] = _plain(cell)
            elif cell.strip() and not self._is_our_answer(place):
                others[str(place)] = cell.strip()  # beyond the header, too: whoever puts the row right must see it
        return cells, others

    def _is_our_answer(self, place: int) -> bool:
        return place < len(self.header) and normal(self.header[place]) in OUR_ANSWERS


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its number as the spreadsheet shows it, and its cells by our column names.

    ``others`` are cells of columns nobody knows, by their place; ``faults`` says what is wrong with the row as a whole:
    pairs of a rule and what to do.
    """

    number: int
    sheet: str
    cells: Mapping[str, str]
    others: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[tuple[str, str], ...] = ()


# The lines of a sheet, read anew each time: a file of very many is never held as a whole.
Lines = Callable[[], Iterator[tuple[int, Sequence[str]]]]


@dataclass(frozen=True, slots=True)
class _Part:
    """One sheet as it is read, and what is wrong with rows of it."""

    sheet: Sheet
    lines: Lines
    faults: Mapping[int, list[tuple[str, str]]]


@dataclass(slots=True)
class SpreadsheetTable:
    """What was found in a file."""

    count: int = 0
    unknown_columns: list[str] = field(default_factory=list)
    suggested_columns: dict[str, str] = field(default_factory=dict)  # what they may stand for
    notes: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)

    @property
    def sheets(self) -> list[Sheet]:
        return [part.sheet for part in self.parts]

    @property
    def columns(self) -> set[str]:
        """Which of our columns the first sheet with rows has."""
        return {name for part in self.parts[:1] for name in part.sheet.columns if name}

    def rows(self) -> Iterator[Row]:
        """Read the rows, from the first one again each time."""
        for part in self.parts:
            for number, cells in _rows_of(part):
                wrong = list(dict.fromkeys(part.faults.get(number, [])))
                if any(cell.strip() for cell in cells[len(part.sheet.columns) :]):
                    wrong.append(TOO_MANY)
                yield Row(number, part.sheet.name, *part.sheet.named(cells), tuple(wrong))


def read_table(
    content: bytes, aliases: Mapping[str, str], *, needed: Sequence[str], most_unpacked: int
) -> SpreadsheetTable:
    """Return the rows of a file under our column names; ``aliases`` maps a header as written to one of ours.

    The whole file is read once to see that it can be; no row is kept.
    """
    table = SpreadsheetTable()
    if content[:4] == b"PK\x03\x04":
        _read_workbook_headers(table, content, aliases, most_unpacked)
    elif content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise FileNotUnderstood("This is an old or password-protected Excel file. Save it as .xlsx or as CSV UTF-8.")
    else:
        _read_csv_header(table, content, aliases)
    missing = [name for name in needed if table.count and name not in table.columns]
    if missing:
        raise FileNotUnderstood(f"There is no column {', '.join(missing)}. Add it, or rename the column that holds it.")
    return table


def normal(header: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", header.lower()).strip()


def _read_csv_header(table: SpreadsheetTable, content: bytes, aliases: Mapping[str, str]) -> None:
    if not content.strip():
        raise FileNotUnderstood("The file is empty.")
    text, notes = _decoded(content)
    table.notes += notes
    if "\x00" in text:
        raise FileNotUnderstood("This is neither CSV nor XLSX. Save it as CSV UTF-8 and send it again.")
    known, delimiter = max(
        ((_columns_recognised(text, delimiter, aliases), delimiter) for delimiter in DELIMITERS),
        key=lambda found: found[0],
    )
    lines: Lines = lambda: _numbered(text, delimiter)  # noqa: E731 - one reader of this file, made where it is known
    if known < FEWEST_KNOWN <= _columns_anywhere(text, aliases):
        raise _open_quote()
    _take_sheet(table, "", lines, aliases, {})
    if not table.count and table.passed_over:
        raise _no_header(aliases)


def _columns_recognised(text: str, delimiter: str, aliases: Mapping[str, str]) -> int:
    """Return how many of our columns a header has, if this is what stands between cells; -1 where it cannot be."""
    try:
        return max((_recognised(cells, aliases) for _, cells in islice(_numbered(text, delimiter), ROWS_BEFORE_HEADER)))
    except FileNotUnderstood:
        return -1


def _open_quote(row: int | None = None) -> FileNotUnderstood:
    where = f" Row {row} is where it begins to be wrong." if row is not None else ""
    return FileNotUnderstood(
        f"A quote that opens is never closed, or stands inside a cell.{where} Correct it and send again."
    )


def _decoded(content: bytes) -> tuple[str, list[str]]:
    """Return a file as text, and what to look at where its letters had to be guessed.

    Excel writes "CSV" as Windows-1252 and "Unicode text" as UTF-16; both come in as often as UTF-8.
    """
    if content[:2] in UTF_16_MARKS:
        try:
            return content.decode("utf-16"), []
        except UnicodeDecodeError as wrong:
            raise FileNotUnderstood('The file is broken UTF-16. Save it as "CSV UTF-8" and send it again.') from wrong
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
    # Excel and our report count rows, not lines: a quoted cell may hold several lines.
    number = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1):
            yield number, cells
    except csv.Error as wrong:
        raise _open_quote(number + 1) from wrong


def _columns_anywhere(text: str, aliases: Mapping[str, str]) -> int:
    """How many of our columns the first lines name, whatever stands between them."""
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
                raise TooLarge(f"The workbook unpacks to more than {most_unpacked // 1_000_000} MB. Split it.")
            _must_unpack_to_declared_size(parts)
            extents = extents_of(parts)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = workbook.sheet_names
        if len({name.casefold() for name in names}) < len(names):
            raise FileNotUnderstood("Two sheets have one name. Rename one of them, then send it again.")
        for name in names:
            extent = extents[name]  # a sheet that was not looked at is not opened
            _must_fit(name, extent)
            sheet = workbook.get_sheet_by_name(name)
            faults = {number: [FORMULA] for number in extent.with_formula}
            for number in extent.merged:
                faults.setdefault(number, []).append(MERGED)
            _take_sheet(table, name, partial(_lines_of, sheet), aliases, faults)
    except (CalamineError, zipfile.BadZipFile, KeyError, ValueError, OSError, zlib.error) as broken:
        raise FileNotUnderstood("The workbook cannot be opened. Save it again as .xlsx, or as CSV UTF-8.") from broken
    if not table.count:
        raise _no_header(aliases)


def _must_fit(name: str, extent: Extent) -> None:
    """Refuse a sheet whose far cells would fill the memory: the reader lays it out as a whole rectangle."""
    if extent.columns > MOST_COLUMNS or extent.rows * extent.columns > MOST_CELLS:
        raise FileNotUnderstood(
            f"The sheet {name} reaches over {extent.rows} rows and {extent.columns} columns. "
            "Delete empty ones, send it again."
        )


def _must_unpack_to_declared_size(parts: zipfile.ZipFile) -> None:
    if parts.testzip() is not None:
        raise zipfile.BadZipFile


def _lines_of(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        yield number, [_text(cell) for cell in cells]


def _no_header(aliases: Mapping[str, str]) -> FileNotUnderstood:
    some = ", ".join(sorted(set(aliases.values()))[:6])
    return FileNotUnderstood(
        f"No header row was found in the first {ROWS_BEFORE_HEADER} rows. Its cells are column names such as {some}."
    )


def _text(cell: Any) -> str:
    """A cell as text: whole numbers without a decimal point, dates as ISO."""
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
    """Add one sheet where it has a header: what its columns mean, how many rows it has, what of it is passed over."""
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
        raise FileNotUnderstood(f"The file has more than {MOST_COLUMNS} columns. Send the columns we know only.")
    columns = [aliases.get(normal(cell), "") for cell in header]
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise FileNotUnderstood(f"Two columns mean {twice[0]}. Remove or rename one of them.")
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
    """Read the rows under a header that say something."""
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
    """Return a cell as it is read: a mark that keeps a spreadsheet from taking text for a formula is none of it."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA_STARTS else text
