"""Measure the sheets of a workbook, and find rows with formulas or merged cells, before a reader opens it.

A workbook is XML in a zip file. A tiny file can claim that its only cell is in the last row and column, which would
fill the memory of a reader. Cell positions may be quoted in different ways or left out, so a real XML parser is used.
It reads the file in pieces.
"""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any
from xml.parsers import expat

PIECE_BYTES = 1 << 20
MOST_MERGED = 100_000  # a sheet with more rows of merged cells is refused
PLACE = re.compile(r"^\$?([A-Z]{1,3})\$?(\d{1,7})$")
Started = Callable[[str, dict[str, str]], None]


@dataclass(slots=True)
class Extent:
    """The last row and column of a sheet, and the rows with a formula or a merged cell."""

    rows: int = 0
    columns: int = 0
    with_formula: set[int] = field(default_factory=set)
    merged: set[int] = field(default_factory=set)


def extents_of(parts: zipfile.ZipFile) -> dict[str, Extent]:
    """Return the extent of each sheet by its name.

    Raises
    ------
    ValueError
        If a part is not XML, or if it declares a document type, which no workbook does.
    """
    targets: dict[str, str] = {}
    names: dict[str, str] = {}

    def relation(name: str, about: dict[str, str]) -> None:
        if name == "Relationship":
            targets[about.get("Id", "")] = about.get("Target", "")

    def sheet(name: str, about: dict[str, str]) -> None:
        if name == "sheet":
            names[about.get("name", "")] = about.get("id", "")

    members = set(parts.namelist())
    for part, started in (("xl/_rels/workbook.xml.rels", relation), ("xl/workbook.xml", sheet)):
        if part in members:
            with parts.open(part) as xml:
                _parse(xml, started)
    extents = {}
    for name, relation_id in names.items():
        part = targets.get(relation_id, "").lstrip("/")
        part = part if part.startswith("xl/") else f"xl/{part}"
        if part in members:
            with parts.open(part) as xml:
                extents[name] = _extent(xml)
    return extents


def _extent(xml: IO[bytes]) -> Extent:
    extent = Extent()
    row = column = 0
    merges: list[tuple[int, int]] = []

    def started(name: str, about: dict[str, str]) -> None:
        nonlocal row, column
        if name == "row":
            number = about.get("r", "")
            row = int(number) if number.isdecimal() and len(number) < 8 else row + 1  # noqa: PLR2004 - seven digits at most
            column = 0
        elif name == "c":
            place = PLACE.match(about.get("r", ""))
            column = _number_of(place[1]) if place else column + 1
            at = int(place[2]) if place else row
            extent.rows, extent.columns = max(extent.rows, at), max(extent.columns, column)
            row = at
        elif name == "f":
            extent.with_formula.add(row)
        elif name == "mergeCell":
            ends = [PLACE.match(end) for end in about.get("ref", "").split(":")]
            if len(ends) == 2 and ends[0] and ends[1]:  # noqa: PLR2004 - from and to
                merges.append((int(ends[0][2]), int(ends[1][2])))

    _parse(xml, started)
    for first, last in merges:
        end = min(last, extent.rows)
        if len(extent.merged) + end - first > MOST_MERGED:
            raise ValueError("The sheet has too many merged cells.")
        extent.merged.update(range(first, end + 1))
    return extent


def _number_of(letters: str) -> int:
    """Return the number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _parse(xml: IO[bytes], started: Started) -> None:
    """Parse XML and call ``started`` for each element. Names are passed on without their namespace."""
    parser = expat.ParserCreate(namespace_separator=" ")

    def element(name: str, about: dict[str, str]) -> None:
        started(name.rpartition(" ")[2], {key.rpartition(" ")[2]: value for key, value in about.items()})

    def refuse(*_: Any) -> None:
        raise ValueError("The workbook declares a document type, which is not allowed.")

    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = refuse
    try:
        while piece := xml.read(PIECE_BYTES):
            parser.Parse(piece, False)  # noqa: FBT003 - expat's own
        parser.Parse(b"", True)  # noqa: FBT003
    except expat.ExpatError as broken:
        raise ValueError("A part of the workbook is not XML.") from broken
