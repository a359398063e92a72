"""Reader of CSV and XLSX files: finds the header, and leaves out title rows, totals and blank rows.

What is in a file and is not read, or may not be meant to be sent, is named: in the notes and the rows left out of the
table, or in a warning of the row.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from pathways.errors import TooLarge
from pathways.sheets import encodings, file_kinds, formulas, sentences
from pathways.sheets.damage import is_day_column, tidy
from pathways.sheets.day_order import MonthFirst
from pathways.sheets.file_kinds import FileNotUnderstood
from pathways.sheets.header_words import column_of, normal
from pathways.sheets.workbooks import Extent, WorkbookFacts, facts_of, with_known_errors

DELIMITERS = (",", ";", "\t", "|")
ROWS_BEFORE_HEADER = 30
FEWEST_KNOWN = 3
MOST_CELLS_IN_TOTAL = 3
MOST_COLUMNS = 1_000
MOST_CELLS = 5_000_000
FORMULA_STARTS = ("=", "+", "-", "@")
HELP_SHEET = "How to fill in"  # the sheet of our template that explains its columns
EXAMPLE_SHEET = re.compile(r"^(examples?|samples?)\b", re.IGNORECASE)
PLAIN_DAYS = re.compile(r"^(\d{5})(?:\.\d+)?$")
FIRST_DAY_1904 = date(1904, 1, 1)
LAST_ROWS = {65_536, 1_048_576}  # of a sheet in old and in present Excel
MOST_EXACT = 10**15  # a spreadsheet keeps 15 digits of a number
OUR_ANSWERS = {"import result", "import problems"}  # columns added to a result file; ignored when it is sent again
MOST_PASSED_OVER = 100
MOST_SHOWN_ROWS = 10  # row numbers in one note
TOTAL = re.compile(r"^((grand |sub[- ]?)?totals?|number of (referrals|people|placements|rows))\b", re.IGNORECASE)


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
                cells[name] = tidy(cell)
            elif cell.strip() and not self._is_our_answer(place):
                others[str(place)] = cell.strip()  # also beyond the header, because it is needed to correct the row
        return cells, others

    def _is_our_answer(self, place: int) -> bool:
        return place < len(self.header) and normal(self.header[place]) in OUR_ANSWERS


class ColumnsMissing(FileNotUnderstood):
    """The file has no header, or its header lacks a column that is needed.

    ``missing`` are the columns that are needed, and ``unknown`` the headers that are no column.
    """

    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


Warned = tuple[str, str, str]  # column or "row", rule, remedy


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its number as the spreadsheet shows it, and its cells by our column names.

    ``others`` are the cells of unknown columns by position. ``faults`` are errors of the whole row, as pairs of a rule
    and what to do. ``warnings`` have a column, or "row", in front of these.
    """

    number: int
    sheet: str
    cells: Mapping[str, str]
    others: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[tuple[str, str], ...] = ()
    warnings: tuple[Warned, ...] = ()


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """The example row of a template: its reference, which nobody else uses, and cells that show it is unchanged."""

    column: str
    reference: str
    cells: Mapping[str, str]


# A function that reads the lines of a sheet again each time, so that a large file is never held in memory.
Lines = Callable[[], Iterator[tuple[int, Sequence[str]]]]


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the headers and rows of a file are understood."""

    aliases: Mapping[str, str]
    example: ExampleRow | None = None
    required: Collection[str] = ()  # columns in which a formula stops its row
    guessed: str = ""  # the encoding, if it was guessed
    is_1904: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """One sheet with its lines, and the errors and warnings of its rows by row number."""

    sheet: Sheet
    lines: Lines
    reading: _Reading
    faults: Mapping[int, list[tuple[str, str]]]
    warnings: dict[int, list[Warned]]
    held_formulas: dict[int, formulas.Formulas] = field(default_factory=dict)  # by row number
    partial_days: dict[int, dict[int, str]] = field(default_factory=dict)  # see ``Extent.partial_days``

    def show_partial_birthday(self, number: int, own: dict[str, str]) -> None:
        """Read of a date of birth only what its format shows, because offices type the rest if they do not know it."""
        for place, shows in self.partial_days.get(number, {}).items():
            if place < len(self.sheet.columns) and self.sheet.columns[place] == "date_of_birth":
                with suppress(ValueError):
                    born = date.fromisoformat(own["date_of_birth"])
                    own["date_of_birth"] = f"{born.year}" if shows == "year" else f"{born:%b %Y}"


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
    parts: list[_Part] = field(default_factory=list)
    has_header: bool = False

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
                    wrong.append(sentences.TOO_MANY)
                own, others = part.sheet.named(cells)
                part.show_partial_birthday(number, own)
                held, columns, required = part.held_formulas.get(number, {}), part.sheet.columns, part.reading.required
                wrong += formulas.faults_of(columns, held, required)
                example = part.reading.example
                if example is not None and own.get(example.column, "").casefold() == example.reference.casefold():
                    wrong.append(sentences.EXAMPLE_REFERENCE)
                warnings = [*part.warnings.get(number, ()), *_doubts(part, own), *self._unread(part.sheet, others)]
                warnings += formulas.warnings_of(columns, own, held, required)
                yield Row(number, part.sheet.name, own, others, tuple(wrong), tuple(warnings))

    def _unread(self, sheet: Sheet, others: Mapping[str, str]) -> Iterator[Warned]:
        """Yield a warning for each cell under an unknown header that may be about somebody's safety."""
        for place in others:
            header = sheet.header[int(place)] if int(place) < len(sheet.header) else ""
            if header in self.protective_headers:
                yield (
                    "row",
                    sentences.UNREAD_PROTECTION.format(header=" ".join(header.split())[:80]),
                    sentences.RECORD_BY_HAND,
                )


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
    reading = _Reading(aliases, example, {*needed, *required})
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


def _read_csv_header(table: SpreadsheetTable, content: bytes, reading: _Reading) -> None:
    if not content.strip():
        raise FileNotUnderstood("The file is empty. Choose another file.")
    refusal = file_kinds.refusal(content)
    if refusal is not None:
        raise FileNotUnderstood(refusal)
    decoded = encodings.decoded(content)
    text, aliases = decoded.text, reading.aliases
    table.notes += [decoded.note] if decoded.note else []
    known, delimiter = max(
        ((_columns_recognised(text, delimiter, aliases), delimiter) for delimiter in DELIMITERS),
        key=lambda counted: counted[0],
    )
    lines: Lines = lambda: _numbered(text, delimiter)  # noqa: E731 - the reader needs the delimiter found above
    if known < FEWEST_KNOWN <= _columns_anywhere(text, aliases):
        raise _open_quote()
    _take_sheet(table, "", lines, replace(reading, guessed=decoded.guessed), {}, {})
    if not table.has_header:
        raise _no_header(aliases)
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
        return max((_recognised(cells, aliases) for _, cells in islice(_numbered(text, delimiter), ROWS_BEFORE_HEADER)))
    except FileNotUnderstood:
        return -1


def _open_quote(row: int | None = None) -> FileNotUnderstood:
    where = f" The error begins in row {row}." if row is not None else ""
    return FileNotUnderstood(
        f"A double quote is not closed, or is in the middle of a cell.{where} Correct it and send the file again."
    )


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


def _read_workbook_headers(table: SpreadsheetTable, content: bytes, reading: _Reading, most_unpacked: int) -> None:
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
    except (CalamineError, zipfile.BadZipFile, KeyError, ValueError, OSError, zlib.error) as broken:
        raise FileNotUnderstood(
            "The workbook cannot be opened. Save it again as .xlsx or as CSV UTF-8, then send it again."
        ) from broken
    table.passed_over += left_out
    table.notes += _notes_about(facts)
    if not table.count and left_out:
        raise FileNotUnderstood(f"No row was read. Left out: {'; '.join(left_out)}.")
    if not table.has_header:
        raise _no_header(reading.aliases)


def _take_worksheet(
    table: SpreadsheetTable, workbook: CalamineWorkbook, name: str, facts: WorkbookFacts, reading: _Reading
) -> str:
    """Add a sheet to the table, or return why its rows are left out."""
    extent = facts.extents[name]  # a KeyError means the sheet was not measured, so it must not be opened
    _must_fit(name, extent)
    lines = partial(_lines_of, workbook.get_sheet_by_name(name), extent)
    reading = replace(reading, is_1904=facts.is_1904)
    is_example = EXAMPLE_SHEET.match(name.strip()) is not None
    if extent.is_hidden or is_example:
        rows = _rows_below_header(name, lines, reading)
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
    part = _take_sheet(table, name, lines, reading, faults, warnings)
    if part is not None:
        part.held_formulas.update(extent.formulas)
        part.partial_days.update(extent.partial_days)
        table.notes += [*_notes_about_sheet(part.sheet, extent), *_notes_elsewhere(part, extent)]
    return ""


def _rows_below_header(name: str, lines: Lines, reading: _Reading) -> int:
    scratch = SpreadsheetTable()
    try:
        _take_sheet(scratch, name, lines, reading, {}, {})
    except FileNotUnderstood:  # two columns with one meaning do not matter in a sheet that is not read
        return sum(1 for _, cells in lines() if any(cell.strip() for cell in cells))
    return scratch.count


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


def _notes_elsewhere(part: _Part, extent: Extent) -> Iterator[str]:
    """Yield a sentence about notes on the header, below the table, or on rows that were passed over."""
    if extent.noted and (rows := extent.noted - {number for number, _ in _rows_of(part)}):
        shown = ", ".join(map(str, sorted(rows)[:MOST_SHOWN_ROWS]))
        yield sentences.NOTED_ELSEWHERE.format(name=part.sheet.name, rows=shown)


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


def _no_header(aliases: Mapping[str, str]) -> ColumnsMissing:
    examples = ", ".join(sorted(set(aliases.values()))[:6])
    return ColumnsMissing(
        f"The first {ROWS_BEFORE_HEADER} rows have no header row. Add a row with column names such as {examples}."
    )


def _text(cell: Any) -> str:
    """Return a cell as text: whole numbers without a decimal point, dates as yyyy-mm-dd."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and abs(cell) >= MOST_EXACT:
        return f"{Decimal(format(cell, '.15g')):f}"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    return str(cell)


def _recognised(cells: Sequence[str], aliases: Mapping[str, str]) -> int:
    return len({column for cell in cells if (column := column_of(cell, aliases))})


def _take_sheet(
    table: SpreadsheetTable,
    name: str,
    lines: Lines,
    reading: _Reading,
    faults: Mapping[int, list[tuple[str, str]]],
    warnings: dict[int, list[Warned]],
) -> _Part | None:
    """Add a sheet to the table if it has a header. Count its rows; list the unknown columns and rows left out."""
    aliases = reading.aliases
    header_at, header = _header_in(lines, aliases)
    if not header:
        if name != HELP_SHEET:
            table.passed_over.append(f"sheet {name}: no header row" if name else "no header row")
        return None
    table.has_header = True
    if len(header) > MOST_COLUMNS:
        raise FileNotUnderstood(
            f"The file has more than {MOST_COLUMNS} columns. Delete columns that are not needed, then send it again."
        )
    exact = {aliases[normal(cell)] for cell in header if normal(cell) in aliases}
    columns = [
        aliases.get(normal(cell)) or ("" if (column := column_of(cell, aliases)) in exact else column)
        for cell in header
    ]
    duplicates = sorted({column for column in columns if column and columns.count(column) > 1})
    if duplicates:
        raise FileNotUnderstood(f"Two columns are read as {duplicates[0]}. Remove or rename one of them.")
    table.unknown_columns += [
        cell
        for cell, column in zip(header, columns, strict=True)
        if not column and cell.strip() and normal(cell) not in OUR_ANSWERS
    ]
    part = _Part(Sheet(name, header_at, tuple(header), tuple(columns)), lines, reading, faults, warnings)
    without_header: set[int] = set()
    rows = 0
    left_out: list[str] = []
    month_first = MonthFirst()
    for number, cells in _rows_of(part, left_out):
        rows += 1
        month_first.take(part.sheet.columns, number, cells)
        without_header.update(_filled_without_header(part.sheet, cells))
    place = f" of sheet {name}" if name else ""
    table.passed_over += left_out[:MOST_PASSED_OVER]
    if len(left_out) > MOST_PASSED_OVER:
        table.passed_over.append(f"{len(left_out) - MOST_PASSED_OVER} more rows{place}: totals or headers like these")
    table.passed_over += [
        f"column {letters_of(column)}{place}: it has cells but no header" for column in sorted(without_header)
    ]
    table.count += rows
    table.notes += month_first.notes(place)
    if rows:
        table.parts.append(part)
    return part


def _header_in(lines: Lines, aliases: Mapping[str, str]) -> tuple[int, Sequence[str]]:
    """Return the number and cells of the header; (0, ()) without one. Of two headers in a row, the fuller is meant."""
    found: tuple[int, Sequence[str]] = (0, ())
    for at, cells in islice(lines(), ROWS_BEFORE_HEADER):
        if found[1]:
            return (at, cells) if _recognised(cells, aliases) > _recognised(found[1], aliases) else found
        if _recognised(cells, aliases) >= FEWEST_KNOWN:
            found = (at, cells)
    return found


def _filled_without_header(sheet: Sheet, cells: Sequence[str]) -> Iterator[int]:
    return (at for at, cell in enumerate(cells[: len(sheet.header)]) if cell.strip() and not sheet.header[at].strip())


def letters_of(column: int) -> str:
    """Return the letters of a column counted from 0: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def _rows_of(part: _Part, passed_over: list[str] | None = None) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the rows below the header that are no blank, total, repeated header or example of a template."""
    for number, cells in part.lines():
        if number <= part.sheet.header_at:
            continue
        filled = [cell.strip() for cell in cells if cell.strip()]
        if not filled:
            continue
        reason = _reason_to_pass_over(part, cells, filled)
        if not reason:
            yield number, cells
        elif passed_over is not None:
            passed_over.append(f"row {number}: {reason}")


def _reason_to_pass_over(part: _Part, cells: Sequence[str], filled: Sequence[str]) -> str:
    if TOTAL.match(filled[0]) and len(filled) <= MOST_CELLS_IN_TOTAL:
        return "a total"
    if _recognised(cells, part.reading.aliases) >= max(FEWEST_KNOWN, len(filled) / 2):
        return "the header again"
    example = part.reading.example
    if example is not None and any(cell.casefold() == example.reference.casefold() for cell in filled):
        own, _ = part.sheet.named(cells)
        if all(own.get(column, text) == text for column, text in example.cells.items()):
            return "the example row of the template"
    return ""


def _doubts(part: _Part, own: dict[str, str]) -> Iterator[Warned]:
    """Yield what is doubtful in the cells of a row because of the file as a whole. Rewrites days counted from 1904."""
    reading = part.reading
    for column, text in own.items():
        if reading.guessed and not text.isascii():
            yield (
                column,
                sentences.GUESSED_LETTERS.format(name=reading.guessed),
                "Check them, or send the file as CSV UTF-8.",
            )
        if not text or not is_day_column(column):
            continue
        if reading.is_1904 and (days := PLAIN_DAYS.match(text)):
            own[column] = (FIRST_DAY_1904 + timedelta(days=int(days[1]))).isoformat()
            yield column, *sentences.COUNTED_FROM_1904
