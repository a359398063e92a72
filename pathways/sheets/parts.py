"""The parts of a table: a header with the rows that are read by it, and the text around them that is no row."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta

from pathways.sheets import formulas, sentences
from pathways.sheets.damage import is_day_column, tidy
from pathways.sheets.file_kinds import FileNotUnderstood
from pathways.sheets.header_words import column_of, normal

FEWEST_KNOWN = 3
A_TOTAL = "a total"
MOST_CELLS_IN_TOTAL = 3
MOST_COLUMNS = 1_000
PLAIN_DAYS = re.compile(r"^(\d{5})(?:\.\d+)?$")
FIRST_DAY_1904 = date(1904, 1, 1)
OUR_ANSWERS = {"import result", "import problems"}  # columns added to a result file; ignored when it is sent again
TOTAL = re.compile(r"^((grand |sub[- ]?)?totals?|number of (referrals|people|placements|rows))\b", re.IGNORECASE)

Warned = tuple[str, str, str]  # column or "row", rule, remedy


@dataclass(frozen=True, slots=True)
class Sheet:
    """The header of a sheet or CSV file: its row number, its cells as written, and our column for each cell or ""."""

    name: str
    header_at: int
    header: tuple[str, ...]
    columns: tuple[str, ...]

    @classmethod
    def under(cls, name: str, header_at: int, header: Sequence[str], aliases: Mapping[str, str]) -> "Sheet":
        """Return the sheet with this header. Raise ``FileNotUnderstood`` if two of its columns have one meaning."""
        if len(header) > MOST_COLUMNS:
            raise FileNotUnderstood(
                f"The file has more than {MOST_COLUMNS} columns. "
                "Delete columns that are not needed, then send it again."
            )
        exact = {aliases[normal(cell)] for cell in header if normal(cell) in aliases}
        columns = [
            aliases.get(normal(cell)) or ("" if (column := column_of(cell, aliases)) in exact else column)
            for cell in header
        ]
        duplicates = sorted({column for column in columns if column and columns.count(column) > 1})
        if duplicates:
            raise FileNotUnderstood(
                f"Two columns are read as {duplicates[0]} in row {header_at}. Remove or rename one of them."
            )
        return cls(name, header_at, tuple(header), tuple(columns))

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

    def unknown(self) -> list[str]:
        """Return the headers that are no column of ours."""
        return [
            cell
            for cell, column in zip(self.header, self.columns, strict=True)
            if not column and cell.strip() and normal(cell) not in OUR_ANSWERS
        ]

    def is_repeated_by(self, cells: Sequence[str], aliases: Mapping[str, str]) -> bool:
        """Return whether another header has the same columns in the same places, in whatever spelling."""
        return self._meanings(cells, aliases) == self._meanings(self.header, aliases)

    @staticmethod
    def _meanings(header: Sequence[str], aliases: Mapping[str, str]) -> list[str]:
        meanings = [column_of(cell, aliases) or normal(cell) for cell in header]
        while meanings and not meanings[-1]:
            meanings.pop()
        return meanings

    def _is_our_answer(self, place: int) -> bool:
        return place < len(self.header) and normal(self.header[place]) in OUR_ANSWERS


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its number as the spreadsheet shows it, and its cells by our column names.

    ``others`` are the cells of unknown columns by position. ``faults`` are errors of the whole row, as pairs of a rule
    and what to do. ``warnings`` have a column, or "row", in front of these. ``part`` is the position of its header
    among the headers of the file.
    """

    number: int
    sheet: str
    cells: Mapping[str, str]
    others: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[tuple[str, str], ...] = ()
    warnings: tuple[Warned, ...] = ()
    part: int = 0


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """The example row of a template: its reference, which nobody else uses, and cells that show it is unchanged."""

    column: str
    reference: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TextAround:
    """Text in a file that is no row of a table: its sheet, its row number (0 for the name of the sheet), its words.

    ``is_beside_table`` is false for a sheet that has no table.
    """

    sheet: str
    number: int
    words: str
    is_beside_table: bool = True


def recognised(cells: Sequence[str], aliases: Mapping[str, str]) -> int:
    """Return how many of our columns these cells name."""
    return len({column for cell in cells if (column := column_of(cell, aliases))})


# A function that reads the lines of a sheet again each time, so that a large file is never held in memory.
Lines = Callable[[], Iterator[tuple[int, Sequence[str]]]]


@dataclass(frozen=True, slots=True)
class TableReading:
    """How the headers and rows of a file are understood."""

    aliases: Mapping[str, str]
    example: ExampleRow | None = None
    required: Collection[str] = ()  # columns in which a formula stops its row
    guessed: str = ""  # the encoding, if it was guessed
    is_1904: bool = False

    def is_header(self, cells: Sequence[str], filled: int) -> bool:
        """Return whether a row is a header, of which most cells name a column."""
        return recognised(cells, self.aliases) >= max(FEWEST_KNOWN, filled / 2)


@dataclass(slots=True)
class Part:
    """The rows below one header, up to the end of the sheet or to another header (``ends_before``).

    ``faults`` and ``warnings`` are those of its rows, by row number.
    """

    sheet: Sheet
    lines: Lines
    reading: TableReading
    faults: dict[int, list[tuple[str, str]]]
    warnings: dict[int, list[Warned]]
    held_formulas: Mapping[int, formulas.Formulas] = field(default_factory=dict)  # by row number
    partial_days: Mapping[int, Mapping[int, str]] = field(default_factory=dict)  # see ``Extent.partial_days``
    ends_before: int = 0
    count: int = 0

    def written_rows(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the rows that are no blank, total, repeated header or example of a template."""
        for number, cells in self.lines():
            if number <= self.sheet.header_at:
                continue
            if number == self.ends_before:
                return
            filled = [cell.strip() for cell in cells if cell.strip()]
            if filled and not self.reason_to_pass_over(cells, filled):
                yield number, cells

    def reason_to_pass_over(self, cells: Sequence[str], filled: Sequence[str]) -> str:
        """Return why a row that is no other header is left out; "" if it is a row of people or placements."""
        if TOTAL.match(filled[0]) and len(filled) <= MOST_CELLS_IN_TOTAL:
            return A_TOTAL
        if self.reading.is_header(cells, len(filled)):
            return "the header again"
        example = self.reading.example
        if example is not None and any(cell.casefold() == example.reference.casefold() for cell in filled):
            own, _ = self.sheet.named(cells)
            if all(own.get(column, text) == text for column, text in example.cells.items()):
                return "the example row of the template"
        return ""

    def without_header(self, cells: Sequence[str]) -> Iterator[int]:
        """Yield the places of the cells under a blank header."""
        header = self.sheet.header
        return (at for at, cell in enumerate(cells[: len(header)]) if cell.strip() and not header[at].strip())

    def row(self, number: int, cells: Sequence[str]) -> Row:
        """Return a row with what is wrong or doubtful in it because of the file."""
        wrong = list(dict.fromkeys(self.faults.get(number, [])))
        if any(cell.strip() for cell in cells[len(self.sheet.columns) :]):
            wrong.append(sentences.TOO_MANY)
        own, others = self.sheet.named(cells)
        self._show_partial_birthday(number, own)
        held, columns, required = self.held_formulas.get(number, {}), self.sheet.columns, self.reading.required
        wrong += formulas.faults_of(columns, held, required)
        example = self.reading.example
        if example is not None and own.get(example.column, "").casefold() == example.reference.casefold():
            wrong.append(sentences.EXAMPLE_REFERENCE)
        warnings = [*self.warnings.get(number, ()), *self._doubts(own)]
        warnings += [("row", *sentences.under_no_header(letters_of(at))) for at in self.without_header(cells)]
        warnings += formulas.warnings_of(columns, own, held, required)
        return Row(number, self.sheet.name, own, others, tuple(wrong), tuple(warnings))

    def _show_partial_birthday(self, number: int, own: dict[str, str]) -> None:
        """Read of a date of birth only what its format shows, because offices type the rest if they do not know it."""
        for place, shows in self.partial_days.get(number, {}).items():
            if place < len(self.sheet.columns) and self.sheet.columns[place] == "date_of_birth":
                with suppress(ValueError):
                    born = date.fromisoformat(own["date_of_birth"])
                    own["date_of_birth"] = f"{born.year}" if shows == "year" else f"{born:%b %Y}"

    def _doubts(self, own: dict[str, str]) -> Iterator[Warned]:
        """Yield what is doubtful in the cells of a row because of the whole file. Rewrites days counted from 1904."""
        reading = self.reading
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


def letters_of(column: int) -> str:
    """Return the letters of a column counted from 0: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return letters
