"""Reader of CSV and XLSX files: finds the header, and leaves out title rows, totals and blank rows.

What is in a file and is not read, or may not be meant to be sent, is named: in the notes and the rows left out of the
table, or in a warning of the row.
"""

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from pathways.errors import TooLarge
from pathways.sheets import encodings, file_kinds, formulas, quotes, sentences
from pathways.sheets.day_order import MonthFirst
from pathways.sheets.file_kinds import FileNotUnderstood
from pathways.sheets.parts import (
    A_TOTAL,
    FEWEST_KNOWN,
    MOST_COLUMNS,
    OUR_ANSWERS,
    ExampleRow,
    Lines,
    Part,
    Row,
    Sheet,
    TableReading,
    TextAround,
    Warned,
    letters_of,
    recognised,
)
from pathways.sheets.workbooks import Extent, WorkbookFacts, facts_of, with_known_errors

DELIMITERS = (",", ";", "\t", "|")
ROWS_BEFORE_HEADER = 30
MOST_CELLS = 5_000_000
FORMULA_STARTS = ("=", "+", "-", "@")
HELP_SHEET = "How to fill in"  # the sheet of our template that explains its columns
EXAMPLE_SHEET = re.compile(r"^(examples?|samples?)\b", re.IGNORECASE)
LAST_ROWS = {65_536, 1_048_576}  # of a sheet in old and in present Excel
MOST_EXACT = 10**15  # a spreadsheet keeps 15 digits of a number
MOST_PASSED_OVER = 100
MOST_SHOWN_ROWS = 10  # row numbers in one note
MOST_HEADERS = 50  # in one sheet
MOST_AROUND, LONGEST_AROUND = 1_000, 33_000  # texts around the tables of a sheet that are kept; letters of a cell
DELIMITER_LINE = re.compile(r"^sep=.?$")  # what Excel writes to say which delimiter it used
Protection = tuple[Mapping[str, str], tuple[Warned, ...]]  # cells to be read with each row, and its warnings
__all__ = ["OUR_ANSWERS", "ExampleRow", "Row", "Sheet", "SpreadsheetTable", "TextAround", "read_table"]


class ColumnsMissing(FileNotUnderstood):
    """The file has no header, or its header lacks a column that is needed.

    ``missing`` are the columns that are needed, and ``unknown`` the headers that are no column, which stand in ``row``.
    """

    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    row: int = 0


@dataclass(slots=True)
class SpreadsheetTable:
    """The content of a file: its sheets, the number of rows, and what was left out or unknown."""

    count: int = 0
    unknown_columns: list[str] = field(default_factory=list)
    suggested_columns: dict[str, str] = field(default_factory=dict)  # the column that each may mean
    unread_columns: dict[str, str] = field(default_factory=dict)  # one sentence for each
    protective_headers: frozenset[str] = frozenset()  # those unknown headers that may be about somebody's safety
    notes: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    has_header: bool = False
    around: list[TextAround] = field(default_factory=list)
    protections: dict[str, Protection] = field(default_factory=dict)  # by sheet, from what is written around its table
    # How many texts around the table each sheet has, also those beyond MOST_AROUND, which are not kept.
    around_of: Counter[str] = field(default_factory=Counter)
    # Whether the words of a cell that was not read may be about somebody's safety.
    is_protective: Callable[[str], bool] = field(default=lambda _: False)

    @property
    def sheets(self) -> list[Sheet]:
        return [part.sheet for part in self.parts]

    @property
    def columns(self) -> set[str]:
        """Return the names of our columns that the first sheet with rows has."""
        return {name for part in self.parts[:1] for name in part.sheet.columns if name}

    def rows(self) -> Iterator[Row]:
        """Yield the rows, beginning with the first row each time."""
        for place, part in enumerate(self.parts):
            more, warnings = self.protections.get(part.sheet.name, ({}, ()))
            for number, cells in part.written_rows():
                row = part.row(number, cells)
                together = {column: f"{text} {row.cells.get(column, '')}".strip() for column, text in more.items()}
                said = (*row.warnings, *self._unread(part.sheet, row.others), *warnings)
                yield replace(row, part=place, cells={**row.cells, **together}, warnings=said)

    def _unread(self, sheet: Sheet, others: Mapping[str, str]) -> Iterator[Warned]:
        """Yield a warning for each cell under an unknown header that may be about somebody's safety."""
        for place, words in others.items():
            header = sheet.header[int(place)] if int(place) < len(sheet.header) else ""
            if header in self.protective_headers or (header.strip() and self.is_protective(words)):
                yield (
                    "row",
                    sentences.UNREAD_PROTECTION.format(header=" ".join(header.split())[:80]),
                    sentences.RECORD_BY_HAND,
                )

    def add_around(self, sheet: str, number: int, cells: Sequence[str], *, is_beside_table: bool = True) -> None:
        """Keep a text that is no row, so that somebody may find out whether it protects anybody."""
        self.around_of[sheet] += 1
        if self.around_of[sheet] <= MOST_AROUND:
            words = " ".join(" ".join(cells).split())[:LONGEST_AROUND]
            self.around.append(TextAround(sheet, number, words, is_beside_table))


def read_table(
    content: bytes,
    aliases: Mapping[str, str],
    *,
    needed: Sequence[str],
    most_unpacked: int,
    example: ExampleRow | None = None,
    required: Collection[str] = (),
) -> SpreadsheetTable:
    """Return a file as a table with our column names; ``aliases`` maps a normalised header to one of our columns.

    The file is read once to check it. ``example`` is the row of the template that is left out. A formula in a
    ``required`` or ``needed`` column stops its row; elsewhere the value that was saved with it is read. Raises
    ``FileNotUnderstood`` if the file cannot be read, has no header or lacks a ``needed`` column, and ``TooLarge`` if a
    workbook unpacks to more than ``most_unpacked`` bytes.
    """
    table = SpreadsheetTable()
    reading = TableReading(aliases, example, {*needed, *required})
    if content[:4] == file_kinds.ZIP:
        _read_workbook_headers(table, content, reading, most_unpacked)
    else:
        _read_csv_header(table, content, reading)
    missing = [name for name in needed if table.count and name not in table.columns]
    if missing:
        refusal = ColumnsMissing(
            f"There is no column {', '.join(missing)}. Add it, or rename the column with this content."
        )
        refusal.missing, refusal.unknown = tuple(missing), tuple(table.unknown_columns)
        raise refusal
    return table


def _read_csv_header(table: SpreadsheetTable, content: bytes, reading: TableReading) -> None:
    if not content.strip():
        raise FileNotUnderstood("The file is empty. Choose another file.")
    refusal = file_kinds.refusal(content)
    if refusal is not None:
        raise FileNotUnderstood(refusal)
    decoded = encodings.decoded(content)
    text, aliases = decoded.text, reading.aliases
    table.notes += [decoded.note] if decoded.note else []
    top = "".join(text.splitlines(keepends=True)[:ROWS_BEFORE_HEADER])
    known, delimiter = max(
        ((_columns_recognised(text, delimiter, aliases), delimiter) for delimiter in DELIMITERS),
        key=lambda counted: (counted[0], top.count(counted[1])),
    )
    as_written: dict[int, int] = {}
    lines: Lines = lambda: quotes.numbered(text, delimiter, as_written)  # noqa: E731 - with the delimiter found above
    if known < FEWEST_KNOWN <= _columns_anywhere(text, aliases):
        raise _quote_near_top(top)
    _take_sheet(table, "", lines, replace(reading, guessed=decoded.guessed), {}, {})
    if not table.has_header:
        raise _no_header(lines, aliases)
    _note_quotes(table, as_written)
    _note_missing_end(table, lines, ends_in_row=not text.endswith(("\n", "\r")))


def _note_missing_end(table: SpreadsheetTable, lines: Lines, *, ends_in_row: bool) -> None:
    """Warn of a file that may have been cut off: in the middle of a row, or at the last row of a sheet."""
    for part in table.parts:
        narrowest, last, width = len(part.sheet.columns), 0, 0
        for number, cells in lines():
            if last > part.sheet.header_at:
                narrowest = min(narrowest, width)
            last, width = number, len(cells)
        if ends_in_row and width < narrowest and last > part.sheet.header_at:
            part.warnings.setdefault(last, []).append(sentences.CUT_SHORT)
        if last in LAST_ROWS:
            table.notes.append(f"The file ends at row {last}, the last row of a sheet. Check that no rows are missing.")


def _columns_recognised(text: str, delimiter: str, aliases: Mapping[str, str]) -> int:
    """Return how many of our columns a header has with this delimiter; -1 if the file cannot be read with it."""
    try:
        return max(
            (recognised(cells, aliases) for _, cells in islice(quotes.numbered(text, delimiter), ROWS_BEFORE_HEADER))
        )
    except FileNotUnderstood:
        return -1


def _quote_near_top(top: str) -> FileNotUnderstood:
    """Return the refusal of a file whose header is there, but in whose first rows a quote is not closed."""
    try:
        for _ in quotes.numbered(top, max(DELIMITERS, key=top.count)):
            pass
    except FileNotUnderstood as refusal:
        return refusal
    return quotes.open_quote()


def _note_quotes(table: SpreadsheetTable, as_written: Mapping[int, int]) -> None:
    """Warn of rows with quotes that CSV does not allow. Refuse them if their cells do not fit under the header."""
    for part in table.parts:
        for number, cells in as_written.items():
            if part.sheet.header_at < number and (not part.ends_before or number < part.ends_before):
                if cells == len(part.sheet.header):
                    part.warnings.setdefault(number, []).append(sentences.QUOTE_AS_WRITTEN)
                else:
                    part.faults.setdefault(number, []).append(sentences.QUOTE_MOVES_CELLS)


def _columns_anywhere(text: str, aliases: Mapping[str, str]) -> int:
    """Return the highest number of our columns that one line near the top names, whatever its delimiter."""
    return max(
        (recognised(re.split(r"[,;\t|]", line), aliases) for line in text.splitlines()[:ROWS_BEFORE_HEADER]), default=0
    )


def _read_workbook_headers(table: SpreadsheetTable, content: bytes, reading: TableReading, most_unpacked: int) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            refusal = file_kinds.refusal_of_zip(parts.namelist())
            if refusal is not None:
                raise FileNotUnderstood(refusal)
            unpacked = sum(part.file_size for part in parts.infolist())
            if unpacked > most_unpacked:
                raise TooLarge(
                    f"The workbook unpacks to more than {most_unpacked // 1_000_000} MB. Split it into smaller files."
                )
            _must_unpack_to_declared_size(parts)
            facts = facts_of(parts)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(with_known_errors(content, facts)))
        names = workbook.sheet_names
        if len({name.casefold() for name in names}) < len(names):
            raise FileNotUnderstood("Two sheets have the same name. Rename one of them, then send the file again.")
        left_out = [what for name in names if (what := _take_worksheet(table, workbook, name, facts, reading))]
        first_lines = partial(_lines_of, workbook.get_sheet_by_name(names[0]), facts.extents[names[0]])
    except (CalamineError, zipfile.BadZipFile, KeyError, ValueError, OSError, zlib.error) as broken:
        raise FileNotUnderstood(
            "The workbook cannot be opened. Save it again as .xlsx or as CSV UTF-8, then send it again."
        ) from broken
    table.passed_over += left_out
    table.notes += _notes_about(facts)
    if not table.count and left_out:
        raise FileNotUnderstood(f"No row was read. Left out: {'; '.join(left_out)}.")
    if not table.has_header:
        raise _no_header(first_lines, reading.aliases)


def _take_worksheet(
    table: SpreadsheetTable, workbook: CalamineWorkbook, name: str, facts: WorkbookFacts, reading: TableReading
) -> str:
    """Add a sheet to the table, or return why its rows are left out."""
    extent = facts.extents[name]  # a KeyError means the sheet was not measured, so it must not be opened
    _must_fit(name, extent)
    lines = partial(_lines_of, workbook.get_sheet_by_name(name), extent)
    reading = replace(reading, is_1904=facts.is_1904)
    is_example = EXAMPLE_SHEET.match(name.strip()) is not None
    if extent.is_hidden or is_example:
        rows, texts = _rows_below_header(name, lines, reading)
        table.around += [replace(text, is_beside_table=False) for text in texts if extent.is_hidden and text.number]
        if not rows:
            return f"sheet {name}: hidden, and it has no rows under a header" if extent.is_hidden else ""
        count = f"{rows} row{'s' if rows > 1 else ''} not read"
        if extent.is_hidden:
            return f"sheet {name}: hidden, {count}. To import them, {sentences.SHOW_SHEET}"
        return f"sheet {name}: named as an example, {count}. To import them, rename the sheet and send the file again"
    faults = {number: [sentences.MERGED] for number in extent.merged}
    warnings: dict[int, list[Warned]] = {}
    for numbers, warning in (
        (extent.hidden, sentences.HIDDEN_ROW),
        (extent.struck, sentences.STRUCK),
        (extent.struck_partly, sentences.STRUCK_PARTLY),
        (extent.noted, sentences.NOTED),
        (extent.unseen, sentences.UNSEEN),
    ):
        for number in numbers:
            warnings.setdefault(number, []).append(warning)
    parts = _take_sheet(table, name, lines, reading, faults, warnings)
    for part in parts:
        part.held_formulas, part.partial_days = extent.formulas, extent.partial_days
        table.notes += _notes_about_sheet(part.sheet, extent)
    if parts:
        table.notes += _notes_elsewhere(name, parts, extent)
    return ""


def _rows_below_header(name: str, lines: Lines, reading: TableReading) -> tuple[int, list[TextAround]]:
    """Return the number of rows of a sheet that is not read, and the texts that are no rows."""
    scratch = SpreadsheetTable()
    try:
        _take_sheet(scratch, name, lines, reading, {}, {})
    except FileNotUnderstood:  # two columns with one meaning do not matter in a sheet that is not read
        return sum(1 for _, cells in lines() if any(cell.strip() for cell in cells)), []
    return scratch.count, scratch.around


def _notes_about(facts: WorkbookFacts) -> list[str]:
    notes = []
    if facts.has_macros:
        notes.append("The workbook contains macros. They were not run, and only the values of cells were read.")
    if facts.has_links:
        notes.append("The workbook is linked to other files. Values from them are as they were when it was last saved.")
    return notes


def _notes_about_sheet(sheet: Sheet, extent: Extent) -> list[str]:
    hidden = [
        header.strip()
        for place, header in enumerate(sheet.header)
        if header.strip() and sheet.columns[place] and extent.hides_column(place)
    ]
    notes = []
    if hidden:
        notes.append(
            f"Sheet {sheet.name} has hidden columns that were read: {', '.join(hidden)}. "
            "Check that they were meant to be sent."
        )
    if extent.has_pictures:
        notes.append(f"Sheet {sheet.name} has pictures, charts or text boxes. They were not read.")
    return notes


def _notes_elsewhere(name: str, parts: Sequence[Part], extent: Extent) -> Iterator[str]:
    """Yield a sentence about notes on the header, below the table, or on rows that were passed over."""
    if extent.noted and (rows := extent.noted - {number for part in parts for number, _ in part.written_rows()}):
        shown = ", ".join(map(str, sorted(rows)[:MOST_SHOWN_ROWS]))
        yield sentences.NOTED_ELSEWHERE.format(name=name, rows=shown)


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


def _lines_of(sheet: CalamineSheet, extent: Extent) -> Iterator[tuple[int, list[str]]]:
    before = [""] * (sheet.start[1] if sheet.start else 0)  # the reader leaves out empty columns on the left
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        line = [*before, *map(_text, cells)]
        for column, text in extent.shown.get(number, {}).items():
            line += [""] * (column + 1 - len(line))
            line[column] = text
        yield number, formulas.with_formulas(line, extent.formulas.get(number, {}))


def _no_header(lines: Lines, aliases: Mapping[str, str]) -> ColumnsMissing:
    """Return the refusal of a file without a known header; ``unknown`` are the cells of its first row of words."""
    examples = ", ".join(sorted(set(aliases.values()))[:6])
    refusal = ColumnsMissing(
        f"The first {ROWS_BEFORE_HEADER} rows have no header row. Add a row with column names such as {examples}."
    )
    for refusal.row, cells in islice(lines(), ROWS_BEFORE_HEADER):
        words = [cell.strip() for cell in cells if cell.strip()]
        if len(words) >= FEWEST_KNOWN and all(word[:1].isalpha() for word in words):
            refusal.unknown = tuple(words)
            break
    return refusal


def _text(cell: Any) -> str:
    """Return a cell as text: whole numbers without a decimal point, dates as yyyy-mm-dd."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and abs(cell) >= MOST_EXACT:
        return f"{Decimal(format(cell, '.15g')):f}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    return str(cell)


def _take_sheet(
    table: SpreadsheetTable,
    name: str,
    lines: Lines,
    reading: TableReading,
    faults: dict[int, list[tuple[str, str]]],
    warnings: dict[int, list[Warned]],
) -> list[Part]:
    """Add a sheet to the table if it has a header. Count its rows; list the unknown columns and what is left out.

    A header whose columns differ from those of the header above it begins another part.
    """
    aliases = reading.aliases
    header_at, header = _header_in(lines, aliases)
    if not header:
        if name != HELP_SHEET:
            table.passed_over.append(f"sheet {name}: no header row" if name else "no header row")
            for number, cells in islice(lines(), MOST_AROUND):
                if any(cells):
                    table.add_around(name, number, cells, is_beside_table=False)
        return []
    table.has_header = True
    scan = _SheetScan(table, name, reading)
    parts = [Part(Sheet.under(name, header_at, header, aliases), lines, reading, faults, warnings)]
    for number, cells in lines():
        filled = [cell.strip() for cell in cells if cell.strip()]
        if not filled or number == header_at:
            continue
        if number < header_at:
            scan.take_above(number, filled)
        elif scan.begins_part(parts[-1], number, cells, filled):
            if len(parts) == MOST_HEADERS:
                raise FileNotUnderstood(sentences.TOO_MANY_HEADERS.format(most=MOST_HEADERS))
            parts[-1].ends_before = number
            parts.append(Part(Sheet.under(name, number, cells, aliases), lines, reading, faults, warnings))
        else:
            scan.take(parts[-1], number, cells, filled)
    scan.finish(parts)
    return parts


REMARK = re.compile(
    r"^\W*(?:n\.?b\.?|notes?|please note|important|warning|attention|remark|ps|p\.s\.)\W*$", re.IGNORECASE
)


class _SheetScan:
    """What the first reading of a sheet finds: its rows by header, and what is left out or doubtful."""

    def __init__(self, table: SpreadsheetTable, name: str, reading: TableReading) -> None:
        self.table = table
        self.name = name
        self.reading = reading
        self.left_out: list[str] = []
        self.without_header: set[int] = set()
        self.month_first = MonthFirst()

    def take_above(self, number: int, filled: Sequence[str]) -> None:
        if len(filled) > 1 or not DELIMITER_LINE.match(filled[0]):
            self.left_out.append(f"row {number}: text above the header")
            self.table.add_around(self.name, number, filled)

    def begins_part(self, part: Part, number: int, cells: Sequence[str], filled: Sequence[str]) -> bool:
        """Return whether a row is a header with other columns than the header above it."""
        is_other = self.reading.is_header(cells, len(filled)) and not part.sheet.is_repeated_by(
            cells, self.reading.aliases
        )
        if is_other:
            self.left_out.append(f"row {number}: a header with other columns, by which the rows below it were read")
        return is_other

    def take(self, part: Part, number: int, cells: Sequence[str], filled: Sequence[str]) -> None:
        reason = part.reason_to_pass_over(cells, filled)
        if reason:
            self.left_out.append(f"row {number}: {reason}")
            if reason == A_TOTAL:
                self.table.add_around(self.name, number, filled)
            return
        part.count += 1
        self.month_first.take(part.sheet.columns, number, cells)
        self.without_header.update(part.without_header(cells))
        if len(filled) == 1 or REMARK.match(filled[0]):
            self.table.add_around(self.name, number, filled)

    def finish(self, parts: Sequence[Part]) -> None:
        """Add to the table what was found."""
        table, place = self.table, f" of sheet {self.name}" if self.name else ""
        table.passed_over += self.left_out[:MOST_PASSED_OVER]
        if len(self.left_out) > MOST_PASSED_OVER:
            table.passed_over.append(
                f"{len(self.left_out) - MOST_PASSED_OVER} more rows{place}: totals or headers like these"
            )
        table.passed_over += [
            f"column {letters_of(column)}{place}: it has cells but no header" for column in sorted(self.without_header)
        ]
        table.notes += self.month_first.notes(place)
        for number, column in self.month_first.rows_in_doubt():
            parts[0].warnings.setdefault(number, []).append((column, *sentences.EITHER_WAY_ROUND))
        known = set(table.unknown_columns)
        table.unknown_columns += dict.fromkeys(
            header for part in parts for header in part.sheet.unknown() if len(parts) == 1 or header not in known
        )
        table.count += sum(part.count for part in parts)
        if any(part.count for part in parts):
            table.add_around(self.name, 0, [self.name])
        table.parts += [part for part in parts if part.count]


def _header_in(lines: Lines, aliases: Mapping[str, str]) -> tuple[int, Sequence[str]]:
    """Return the number and cells of the header; (0, ()) without one. Of two headers in a row, the fuller is meant."""
    found: tuple[int, Sequence[str]] = (0, ())
    for at, cells in islice(lines(), ROWS_BEFORE_HEADER):
        if found[1]:
            return (at, cells) if recognised(cells, aliases) > recognised(found[1], aliases) else found
        if recognised(cells, aliases) >= FEWEST_KNOWN:
            found = (at, cells)
    return found
