"""What a workbook holds besides the values of its cells, found before a reader opens it.

A tiny file can claim that its only cell is in the last row and column, which would fill the memory of a reader, so each
sheet is measured first. The reader passes over what people see or hide: error values, noughts shown by a format, hidden
rows, struck-through text and notes. They are found here.
"""

import io
import posixpath
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from pathways.sheets import cell_formats
from pathways.sheets.cell_formats import CellFormat
from pathways.sheets.formulas import MOST_FORMULA
from pathways.sheets.workbook_xml import elements_of, parse

WORKBOOK = "xl/workbook.xml"
MOST_MERGED = 100_000  # a sheet with more rows of merged cells is refused
MOST_SHOWN = 1_000_000  # cells with an error value, or a number shown by its format; a sheet with more is refused
PLACE = re.compile(r"^\$?([A-Z]{1,3})\$?(\d{1,7})$")
READABLE_ERRORS = {"#NULL!", "#DIV/0!", "#N/A", "#NAME?", "#NUM!", "#REF!", "#VALUE!"}
OWN_NOTES = "Pathways"  # the author of the notes in our own result files and templates


@dataclass(slots=True)
class Extent:
    """The last row and column of a sheet, and its rows and columns with something that a reader of values misses.

    Rows are counted from 1 and columns from 0. ``shown`` has, by row and column, the text of a cell that a reader does
    not return as people see it.
    """

    rows: int = 0
    columns: int = 0
    is_hidden: bool = False
    formulas: dict[int, dict[int, str | None]] = field(default_factory=dict)  # see ``pathways.sheets.formulas``
    merged: set[int] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)  # first and last
    noted: set[int] = field(default_factory=set)
    struck: set[int] = field(default_factory=set)
    struck_partly: set[int] = field(default_factory=set)  # rows of which a struck-through part of a cell is left out
    partial_days: dict[int, dict[int, str]] = field(default_factory=dict)  # "year" or "month", see ``CellFormat.shows``
    unseen: set[int] = field(default_factory=set)
    shown: dict[int, dict[int, str]] = field(default_factory=dict)
    has_new_errors: bool = False  # error values that the reader of values does not know
    has_pictures: bool = False
    part: str = ""

    def hides_column(self, column: int) -> bool:
        return any(first <= column <= last for first, last in self.hidden_columns)


@dataclass(slots=True)
class WorkbookFacts:
    """The extents of the sheets by name, and what is said of the workbook as a whole."""

    extents: dict[str, Extent] = field(default_factory=dict)
    is_1904: bool = False  # whether it counts days from 1904, as Excel on old Macs did
    has_macros: bool = False
    has_links: bool = False


def facts_of(parts: zipfile.ZipFile) -> WorkbookFacts:
    """Return what a workbook holds besides its values. Raise ``ValueError`` if a part is not XML."""
    members = set(parts.namelist())
    facts = WorkbookFacts(
        has_macros="xl/vbaProject.bin" in members,
        has_links=any(name.startswith("xl/externalLinks/") for name in members),
    )
    targets = {key: target for key, target, _ in _relations(parts, WORKBOOK)}
    formats, struck = cell_formats.formats_of(parts), cell_formats.struck_strings(parts)
    for element, about, _ in elements_of(parts, WORKBOOK):
        if element == "workbookPr" and about.get("date1904", "0") in {"1", "true", "on"}:
            facts.is_1904 = True
        elif element == "sheet":
            part = targets.get(about.get("id", ""), "")
            if part in members:
                with parts.open(part) as xml:
                    extent = _SheetReading(formats, struck).extent_of(xml)
                extent.part, extent.is_hidden = part, about.get("state", "visible") != "visible"
                _add_attachments(parts, extent)
                facts.extents[about.get("name", "")] = extent
    return facts


def _relations(parts: zipfile.ZipFile, part: str) -> list[tuple[str, str, str]]:
    """Return the id, the target and the kind of each part that a part refers to."""
    folder, name = posixpath.split(part)
    return [
        (about.get("Id", ""), _resolved(folder, about.get("Target", "")), posixpath.basename(about.get("Type", "")))
        for element, about, _ in elements_of(parts, f"{folder}/_rels/{name}.rels")
        if element == "Relationship" and about.get("TargetMode") != "External"
    ]


def _resolved(folder: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))


def _add_attachments(parts: zipfile.ZipFile, extent: Extent) -> None:
    """Add the rows with notes that are not our own, and whether there are pictures, charts or text boxes."""
    for _, target, kind in _relations(parts, extent.part):
        if kind == "comments":
            _add_notes(parts, target, extent)
        elif kind == "drawing" and any(
            element in {"sp", "pic", "graphicFrame"} for element, _, _ in elements_of(parts, target)
        ):
            extent.has_pictures = True


def _add_notes(parts: zipfile.ZipFile, part: str, extent: Extent) -> None:
    own = {-1}
    author = -1

    def started(name: str, about: dict[str, str]) -> None:
        nonlocal author
        if name == "author":
            author += 1
        elif name == "comment":
            place = PLACE.match(about.get("ref", ""))
            by = about.get("authorId", "")
            if place and not (by.isdecimal() and int(by) in own):
                extent.noted.add(int(place[2]))

    def text(written: str) -> None:
        if written.strip() == OWN_NOTES and author >= 0:
            own.add(author)

    if part in parts.namelist():
        with parts.open(part) as xml:
            parse(xml, started, text=text)


class _SheetReading:
    """Reads the XML of one sheet, cell by cell."""

    def __init__(self, formats: Sequence[CellFormat], struck: Mapping[int, str]) -> None:
        self.formats = formats
        self.struck = struck
        self.extent = Extent()
        self.row = self.column = 0
        self.format = cell_formats.PLAIN
        self.type = ""
        self.value: list[str] | None = None
        self.formula: list[str] | None = None
        self.shown = self.formulas = 0
        self.inline: cell_formats.RichText | None = None
        self.merges: list[tuple[int, int]] = []

    def extent_of(self, xml: IO[bytes]) -> Extent:
        parse(xml, self._started, self._ended, self._text)
        extent = self.extent
        for first, last in self.merges:
            end = min(last, extent.rows)
            if len(extent.merged) + end - first > MOST_MERGED:
                raise ValueError("The sheet has too many merged cells.")
            extent.merged.update(range(first, end + 1))
        return extent

    def _started(self, name: str, about: dict[str, str]) -> None:
        if name == "c":
            self._cell(about)
        elif name == "v":
            self._mark_seen()
            is_wanted = self.type == "e" or (self.type == "s" and bool(self.struck))
            self.value = [] if is_wanted or (self.type in {"", "n"} and self._has_own_display()) else None
        elif name == "is":
            self._mark_seen()
            self.inline = cell_formats.RichText()
        elif self.inline is not None:
            self.inline.started(name, about)
        elif name == "f":
            self.formula = []
        elif name == "row":
            self._row(about)
        elif name == "col":
            self._columns(about)
        elif name == "mergeCell":
            places = [PLACE.match(end) for end in about.get("ref", "").split(":")]
            if len(places) == 2 and places[0] and places[1]:  # noqa: PLR2004 - from and to
                self.merges.append((int(places[0][2]), int(places[1][2])))

    def _row(self, about: dict[str, str]) -> None:
        number = about.get("r", "")
        is_number = number.isdecimal() and len(number) < 8  # noqa: PLR2004 - seven digits at most
        self.row = int(number) if is_number else self.row + 1
        self.column = 0
        if _is_true(about.get("hidden")) or about.get("ht") in {"0", "0.0"}:
            self.extent.hidden.add(self.row)

    def _cell(self, about: dict[str, str]) -> None:
        place = PLACE.match(about.get("r", ""))
        self.column = _number_of(place[1]) if place else self.column + 1
        self.row = int(place[2]) if place else self.row
        extent = self.extent
        extent.rows, extent.columns = max(extent.rows, self.row), max(extent.columns, self.column)
        style, self.type = about.get("s", ""), about.get("t", "")
        known = style.isdecimal() and int(style) < len(self.formats)
        self.format = self.formats[int(style)] if known else cell_formats.PLAIN

    def _mark_seen(self) -> None:
        if self.format.is_struck:
            self.extent.struck.add(self.row)
        if self.format.shows and self.type in {"", "n"}:
            self.extent.partial_days.setdefault(self.row, {})[self.column - 1] = self.format.shows
        if self.format.is_unseen:
            self.extent.unseen.add(self.row)

    def _has_own_display(self) -> bool:
        return self.format.pattern is not None or self.format.is_percent

    def _columns(self, about: dict[str, str]) -> None:
        ends = about.get("min", ""), about.get("max", "")
        is_hidden = _is_true(about.get("hidden")) or about.get("width") == "0"
        if is_hidden and all(end.isdecimal() for end in ends):
            self.extent.hidden_columns.append((int(ends[0]) - 1, int(ends[1]) - 1))

    def _text(self, written: str) -> None:
        if self.value is not None:
            self.value.append(written)
        if self.inline is not None:
            self.inline.text(written)
        if self.formula is not None:
            self.formula.append(written)

    def _keep_formula(self) -> None:
        formula, self.formula = "".join(self.formula or []).strip()[:MOST_FORMULA], None
        self.formulas += 1
        if self.formulas > MOST_SHOWN:
            raise ValueError("The sheet has too many formulas.")
        # A formula with the type of a text has a saved value even if that is blank, as =IF(A2="","",A2) has.
        self.extent.formulas.setdefault(self.row, {})[self.column - 1] = None if self.type == "str" else formula

    def _leave_out_struck(self, remaining: str) -> None:
        """Show a text without its struck-through part. A text that is struck through as a whole is read."""
        if remaining:
            self.extent.struck_partly.add(self.row)
            self._show(remaining)
        else:
            self.extent.struck.add(self.row)

    def _ended(self, name: str) -> None:
        if self.inline is not None:
            self.inline.ended(name)
            if name == "is":
                if self.inline.is_struck:
                    self._leave_out_struck(self.inline.remaining)
                self.inline = None
        if name == "f" and self.formula is not None:
            self._keep_formula()
        if name != "v" or self.value is None:
            return
        value, self.value = "".join(self.value).strip(), None
        if self.type == "s":
            if value.isdecimal() and int(value) in self.struck:
                self._leave_out_struck(self.struck[int(value)])
            return
        text = value if self.type == "e" else self.format.displayed(value)
        if text is None:
            return
        self.extent.has_new_errors |= self.type == "e" and value not in READABLE_ERRORS
        self._show(text)

    def _show(self, text: str) -> None:
        self.shown += 1
        if self.shown > MOST_SHOWN:
            raise ValueError("The sheet has too many error values.")
        self.extent.shown.setdefault(self.row, {})[self.column - 1] = text


def _is_true(text: str | None) -> bool:
    return text in {"1", "true", "on"}


NEW_ERROR = re.compile(rb">\s*#(?!(?:NULL!|DIV/0!|N/A|NAME\?|NUM!|REF!|VALUE!)\s*<)[^<>]{0,30}<(?=/(?:\w+:)?v>)")


def with_known_errors(content: bytes, facts: WorkbookFacts) -> bytes:
    """Return a workbook that the reader of values can open: it refuses error values that it does not know."""
    changed = {extent.part for extent in facts.extents.values() if extent.has_new_errors}
    if not changed:
        return content
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as parts, zipfile.ZipFile(out, "w") as copy:
        for name in parts.namelist():
            part = parts.read(name)
            copy.writestr(name, NEW_ERROR.sub(b">#N/A<", part) if name in changed else part)
    return out.getvalue()


def _number_of(letters: str) -> int:
    """Return the number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
