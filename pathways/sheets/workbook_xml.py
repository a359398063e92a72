"""The XML parts of a workbook, read in pieces and without their namespaces, so that every writer's dialect is read."""

import zipfile
from collections.abc import Callable, Iterator
from typing import IO, Any
from xml.parsers import expat

PIECE_BYTES = 1 << 20
Started = Callable[[str, dict[str, str]], None]
Ended = Callable[[str], None]
Text = Callable[[str], None]


def parse(xml: IO[bytes], started: Started, ended: Ended | None = None, text: Text | None = None) -> None:
    """Parse XML and call the functions for each element's start and end, and for text.

    Raises
    ------
    ValueError
        If it is not XML, or if it declares a document type, which no workbook does.
    """
    parser = _parser(started, ended, text)
    try:
        while piece := xml.read(PIECE_BYTES):
            parser.Parse(piece, False)  # noqa: FBT003 - expat's own
        parser.Parse(b"", True)  # noqa: FBT003
    except expat.ExpatError as broken:
        raise ValueError("A part of the workbook is not XML.") from broken


def _parser(started: Started, ended: Ended | None, text: Text | None) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def element(name: str, about: dict[str, str]) -> None:
        started(name.rpartition(" ")[2], {key.rpartition(" ")[2]: value for key, value in about.items()})

    def end(name: str) -> None:
        if ended is not None:
            ended(name.rpartition(" ")[2])

    def refuse(*_: Any) -> None:
        raise ValueError("The workbook declares a document type, which is not allowed.")

    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = refuse
    if ended is not None:
        parser.EndElementHandler = end
    if text is not None:
        parser.CharacterDataHandler = text
    return parser


def elements_of(parts: zipfile.ZipFile, part: str) -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """Yield each element of a part: its name, its attributes, and the names of the elements it is within.

    Yields nothing if the workbook has no such part.
    """
    if part not in parts.namelist():
        return
    met: list[tuple[str, dict[str, str], list[str]]] = []
    open_elements: list[str] = []

    def started(name: str, about: dict[str, str]) -> None:
        met.append((name, about, open_elements[-3:]))
        open_elements.append(name)

    def ended(_: str) -> None:
        open_elements.pop()

    parser = _parser(started, ended, None)
    with parts.open(part) as xml:
        try:
            while piece := xml.read(PIECE_BYTES):
                parser.Parse(piece, False)  # noqa: FBT003 - expat's own
                yield from met
                met.clear()
            parser.Parse(b"", True)  # noqa: FBT003
        except expat.ExpatError as broken:
            raise ValueError("A part of the workbook is not XML.") from broken
    yield from met
