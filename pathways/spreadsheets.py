"""Rows out of CSV and XLSX files as people send them: the header found, title, total and blank rows passed over."""

import csv
import html
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from pathways.errors import RuleBroken, TooLarge

UTF_16_MARKS = {b"\xff\xfe", b"\xfe\xff"}
WINDOWS = "The file is not UTF-8 (line {line}), so it was read as Windows-1252. Look at letters with accents."
DELIMITERS = (",", ";", "\t", "|")
ROWS_BEFORE_HEADER = 30
FEWEST_KNOWN = 3
MOST_CELLS_IN_TOTAL = 3
MOST_COLUMNS = 1_000
MOST_CELLS = 5_000_000
SHEET = re.compile(r"<sheet [^>]*>")
RELATION = re.compile(r"<Relationship [^>]*>")
CELL = re.compile(r'<(?:\w+:)?c [^>]*?r="([A-Z]{1,3})(\d{1,7})"[^>]*>(<f)?')
FORMULA = ("A formula is not taken.", "Paste the cells of this row as values.")
MERGED = ("Merged cells are not taken.", "Unmerge them and fill each cell.")
TOO_MANY = ("It has more cells than the header.", "Put quotes round a cell that holds the delimiter.")
TOTAL = re.compile(r"^(grand |sub)?totals?\b", re.IGNORECASE)


class FileNotUnderstood(RuleBroken):
    title = "The file cannot be read"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its number as the spreadsheet shows it, and its cells by our column names.

    ``faults`` says what is wrong with the row as a whole: pairs of a rule and what to do.
    """

    number: int
    sheet: str
    cells: Mapping[str, str]
    faults: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Table:
    """What was found in a file."""

    rows: list[Row] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def read_table(content: bytes, aliases: Mapping[str, str], *, needed: Sequence[str], most_unpacked: int) -> Table:
    """Return the rows of a file under our column names; ``aliases`` maps a header as written to one of ours."""
    if content[:4] == b"PK\x03\x04":
        table = _of_workbook(content, aliases, most_unpacked)
    elif content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise FileNotUnderstood("This is an old or password-protected Excel file. Save it as .xlsx or as CSV UTF-8.")
    else:
        table = _of_csv(content, aliases)
    found = {name for row in table.rows[:1] for name in row.cells}
    missing = [name for name in needed if table.rows and name not in found]
    if missing:
        raise FileNotUnderstood(f"There is no column {', '.join(missing)}. Add it, or rename the column that holds it.")
    return table


def normal(header: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", header.lower()).strip()


def _of_csv(content: bytes, aliases: Mapping[str, str]) -> Table:
    if not content.strip():
        raise FileNotUnderstood("The file is empty.")
    text, notes = _decoded(content)
    if "\x00" in text:
        raise FileNotUnderstood("This is neither CSV nor XLSX. Save it as CSV UTF-8 and send it again.")
    best: list[tuple[int, list[str]]] | None = None
    best_known = -1
    for delimiter in DELIMITERS:
        try:
            lines = _numbered(text, delimiter)
        except csv.Error:
            continue
        known = max((_known(cells, aliases) for _, cells in lines[:ROWS_BEFORE_HEADER]), default=0)
        if known > best_known:
            best, best_known = lines, known
    if best is None or best_known < FEWEST_KNOWN <= _known_anywhere(text, aliases):
        raise FileNotUnderstood(
            "A quote that opens is never closed, or stands inside a cell. Correct it and send again."
        )
    table = Table(notes=notes)
    _take_sheet(table, "", best, aliases, {})
    if not table.rows and table.passed_over:
        raise _no_header(aliases)
    return table


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


def _numbered(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    # Excel and our report count rows, not lines: a quoted cell may hold several lines.
    return list(enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), start=1))


def _known_anywhere(text: str, aliases: Mapping[str, str]) -> int:
    """How many of our columns the first lines name, whatever stands between them."""
    return max(
        (_known(re.split(r"[,;\t|]", line), aliases) for line in text.splitlines()[:ROWS_BEFORE_HEADER]), default=0
    )


def _of_workbook(content: bytes, aliases: Mapping[str, str], most_unpacked: int) -> Table:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
            if unpacked > most_unpacked:
                raise TooLarge(f"The workbook unpacks to more than {most_unpacked // 1_000_000} MB. Split it.")
            formulas = _looked_through(parts)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        table = Table()
        for name in workbook.sheet_names:
            sheet = workbook.get_sheet_by_name(name)
            lines = [
                (number, [_text(cell) for cell in cells])
                for number, cells in enumerate(sheet.to_python(skip_empty_area=False), start=1)
            ]
            faults = {number: [FORMULA] for number in formulas.get(name, set())}
            for (first, _), (last, _) in sheet.merged_cell_ranges or []:
                for number in range(first + 1, last + 2):
                    faults.setdefault(number, []).append(MERGED)
            _take_sheet(table, name, lines, aliases, faults)
    except (CalamineError, zipfile.BadZipFile, KeyError, ValueError, OSError) as broken:
        raise FileNotUnderstood("The workbook cannot be opened. Save it again as .xlsx, or as CSV UTF-8.") from broken
    if not table.rows:
        raise _no_header(aliases)
    return table


def _looked_through(parts: zipfile.ZipFile) -> dict[str, set[int]]:
    """Return the rows with formulas of each sheet; refuse a sheet whose far cells would fill the memory.

    The reader lays a sheet out as a whole rectangle, so that one cell in the last column of the last row of a tiny file
    would ask for gigabytes: the extent is looked at before the workbook is opened.
    """
    relations = dict(_attributes(parts, "xl/_rels/workbook.xml.rels", RELATION))
    formulas: dict[str, set[int]] = {}
    for name, relation in _attributes(parts, "xl/workbook.xml", SHEET):
        target = relations.get(relation, "").lstrip("/").removeprefix("xl/")
        if f"xl/{target}" not in parts.namelist():
            continue
        rows, columns, with_formula = _extent(parts.read(f"xl/{target}").decode("utf-8", "replace"))
        if columns > MOST_COLUMNS or rows * columns > MOST_CELLS:
            raise FileNotUnderstood(
                f"The sheet {name} reaches over {rows} rows and {columns} columns. Delete empty ones, send it again."
            )
        formulas[html.unescape(name)] = with_formula
    return formulas


def _attributes(parts: zipfile.ZipFile, part: str, pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return two attributes of each element of a part, in whichever order they are written."""
    if part not in parts.namelist():
        return []
    found = []
    for element in pattern.findall(parts.read(part).decode("utf-8", "replace")):
        values = dict(re.findall(r'([\w:]+)="([^"]*)"', element))
        first, second = values.get("Id") or values.get("name"), values.get("Target") or values.get("r:id")
        if first is not None and second is not None:
            found.append((first, second))
    return found


def _extent(xml: str) -> tuple[int, int, set[int]]:
    """Return the last row, the last column, and the rows that hold a formula."""
    rows = columns = 0
    with_formula: set[int] = set()
    for letters, digits, rest in CELL.findall(xml):
        column = 0
        for letter in letters:
            column = column * 26 + ord(letter) - 64
        rows, columns = max(rows, int(digits)), max(columns, column)
        if rest.startswith("<f"):
            with_formula.add(int(digits))
    return rows, columns, with_formula


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


def _known(cells: Sequence[str], aliases: Mapping[str, str]) -> int:
    return len({aliases[normal(cell)] for cell in cells if normal(cell) in aliases})


def _take_sheet(
    table: Table,
    sheet: str,
    lines: list[tuple[int, list[str]]],
    aliases: Mapping[str, str],
    faults: Mapping[int, list[tuple[str, str]]],
) -> None:
    """Add the rows of one sheet, with what is wrong with each as a whole."""
    place = next(
        (
            place
            for place, (_, cells) in enumerate(lines[:ROWS_BEFORE_HEADER])
            if _known(cells, aliases) >= FEWEST_KNOWN
        ),
        None,
    )
    if place is None:
        table.passed_over.append(f"sheet {sheet}: no header row" if sheet else "no header row")
        return
    header = lines[place][1]
    if len(header) > MOST_COLUMNS:
        raise FileNotUnderstood(f"The file has more than {MOST_COLUMNS} columns. Send the columns we know only.")
    names = [aliases.get(normal(cell), "") for cell in header]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise FileNotUnderstood(f"Two columns mean {twice[0]}. Remove or rename one of them.")
    table.unknown_columns += [cell for cell, name in zip(header, names, strict=True) if not name and cell.strip()]
    for row_number, cells in lines[place + 1 :]:
        filled = [cell.strip() for cell in cells if cell.strip()]
        if not filled:
            continue
        if TOTAL.match(filled[0]) and len(filled) <= MOST_CELLS_IN_TOTAL:
            table.passed_over.append(f"row {row_number}: a total")
            continue
        padded = [*cells, *[""] * (len(names) - len(cells))]
        taken = {name: cell.strip() for name, cell in zip(names, padded, strict=False) if name}
        wrong = list(dict.fromkeys(faults.get(row_number, [])))
        if any(cell.strip() for cell in cells[len(names) :]):
            wrong.append(TOO_MANY)
        table.rows.append(Row(row_number, sheet, taken, tuple(wrong)))
