"""How far the sheets of a workbook reach, and which rows hold formulas or merged cells, before anything opens it.

A workbook is XML in a zip. It is read piece by piece by a real parser, as the reader that opens it afterwards does: a
tiny file can say that its only cell stands in the last row and column, in any quotes, or leave out where cells stand.
"""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers import expat

PIECE_BYTES = 1 << 20
MOST_MERGED = 100_000  # rows of merged cells that are told one by one; a sheet of more is refused
PLACE = re.compile(r"^\$?([A-Z]{1,3})\$?(\d{1,7})$")
Started = Callable[[str, dict[str, str]], None]


@dataclass(slots=True)
class Extent:
    """The last row and column of a sheet, and the rows of it that hold a formula or a merged cell."""

    rows: int = 0
    columns: int = 0
    with_formula: set[int] = field(default_factory=set)
    merged: set[int] = field(default_factory=set)


def extents_of(parts: zipfile.ZipFile) -> dict[str, Extent]:
    """Return the extent of each sheet by its name.

    Raises
    ------
    ValueError
        Where a part is no XML, or declares a document type, which workbooks never do.
    """
    targets: dict[str, str] = {}
    names: dict[str, str] = {}

    def relation(name: str, about: dict[str, str]) -> None:
        if name == "Relationship":
            targets[about.get("Id", "")] = about.get("Target", "")

    def sheet(name: str, about: dict[str, str]) -> None:
        if name == "sheet":
            names[about.get("name", "")] = about.get("id", "")

    there = set(parts.namelist())
    for part, started in (("xl/_rels/workbook.xml.rels", relation), ("xl/workbook.xml", sheet)):
        if part in there:
            with parts.open(part) as xml:
                _parse(xml, started)
    found = {}
    for name, relation_id in names.items():
        part = targets.get(relation_id, "").lstrip("/")
        part = part if part.startswith("xl/") else f"xl/{part}"
        if part in there:
            with parts.open(part) as xml:
                found[name] = _extent(xml)
    return found


def _extent(xml: IO[bytes]) -> Extent:
    found = Extent()
    row = column = 0
    merges: list[tuple[int, int]] = []

    def started(name: str, about: dict[str, str]) -> None:
        nonlocal row, column
        if name == "row":
            told = about.get("r", "")
            row = int(told) if told.isdecimal() and len(told) < 8 else row + 1  # noqa: PLR2004 - seven digits at most
            column = 0
        elif name == "c":
            place = PLACE.match(about.get("r", ""))
            column = _number_of(place[1]) if place else column + 1
            at = int(place[2]) if place else row
            found.rows, found.columns = max(found.rows, at), max(found.columns, column)
            row = at
        elif name == "f":
            found.with_formula.add(row)
        elif name == "mergeCell":
            ends = [PLACE.match(end) for end in about.get("ref", "").split(":")]
            if len(ends) == 2 and ends[0] and ends[1]:  # noqa: PLR2004 - from and to
                merges.append((int(ends[0][2]), int(ends[1][2])))

    _parse(xml, started)
    for first, last in merges:
        end = min(last, found.rows)
        if len(found.merged) + end - first > MOST_MERGED:
            raise ValueError("More merged cells than a table of people has.")
        found.merged.update(range(first, end + 1))
    return found


def _number_of(letters: str) -> int:
    """Return the number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _parse(xml: IO[bytes], started: Started) -> None:
    """Tell each element that starts, by its name without a namespace; attributes are told likewise."""
    parser = expat.ParserCreate(namespace_separator=" ")

    def element(name: str, about: dict[str, str]) -> None:
        started(name.rpartition(" ")[2], {key.rpartition(" ")[2]: value for key, value in about.items()})

    def refuse(*_: Any) -> None:
        raise ValueError("A workbook declares no document type.")

    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = refuse
    try:
        while piece := xml.read(PIECE_BYTES):
            parser.Parse(piece, False)  # noqa: FBT003 - expat's own
        parser.Parse(b"", True)  # noqa: FBT003
    except expat.ExpatError as broken:
        raise ValueError("A part of the workbook is no XML.") from broken
