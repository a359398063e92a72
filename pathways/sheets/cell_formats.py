"""Formats of cells that decide what people see: noughts in front, percent, hidden or struck-through text."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from pathways.sheets.workbook_xml import elements_of, parse

STYLES, STRINGS = "xl/styles.xml", "xl/sharedStrings.xml"
BUILT_IN = {9: "0%", 10: "0.00%", 17: "mmm-yy"}
FORMAT_PIECE = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|([0#?])|([ ()+/-])|(.)')
FEWEST_PLACES = 2  # a format with fewer digits in front adds no nought
UNSEEN = re.compile(r"^;;;?")


@dataclass(frozen=True, slots=True)
class CellFormat:
    """How a cell is shown: a pattern of digits (None if the number is shown as it is), and what hides its value.

    ``pattern`` is a sequence of digits' places (None) and of texts between them.
    """

    pattern: tuple[str | None, ...] | None = None
    is_percent: bool = False
    is_unseen: bool = False
    is_struck: bool = False
    shows: Literal["", "year", "month"] = ""  # what is shown of a date, if it is only the year, or month and year

    def displayed(self, value: str) -> str | None:
        """Return the text that a number is shown as, if it differs in its digits; None otherwise."""
        try:
            number = Decimal(value)
        except InvalidOperation:
            return None
        if self.is_percent:
            return f"{(number * 100).normalize():f}%"
        if self.pattern is None or number < 0 or number != number.to_integral_value():
            return None
        places = self.pattern.count(None)
        digits = f"{number:f}".split(".")[0].rjust(places, "0")
        extra = len(digits) - places  # digits that have no place are shown at the first one
        cut = iter([digits[: extra + 1], *digits[extra + 1 :]])
        return "".join(next(cut) if piece is None else piece for piece in self.pattern).strip()


PLAIN = CellFormat()


def formats_of(parts: zipfile.ZipFile) -> Sequence[CellFormat]:
    """Return the format of each style of a workbook, in the order in which its cells name them."""
    codes = dict(BUILT_IN)
    struck_fonts: list[bool] = []
    formats: list[CellFormat] = []
    for element, about, within in elements_of(parts, STYLES):
        if element == "numFmt":
            codes[_number(about.get("numFmtId"))] = about.get("formatCode", "")
        elif element == "font" and within[-1:] == ["fonts"]:
            struck_fonts.append(False)
        elif element == "strike" and within[-2:] == ["fonts", "font"]:
            struck_fonts[-1] = about.get("val", "1") not in {"0", "false"}
        elif element == "xf" and within[-1:] == ["cellXfs"]:
            font = _number(about.get("fontId"))
            is_struck = 0 <= font < len(struck_fonts) and struck_fonts[font]
            formats.append(_format(codes.get(_number(about.get("numFmtId")), ""), is_struck=is_struck))
    return formats


class RichText:
    """Reads one text of a workbook that may have runs of different fonts, and leaves out the struck-through runs."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.is_struck = False
        self._run_is_struck = self._is_text = self._is_spoken = False

    def started(self, name: str, about: Mapping[str, str]) -> None:
        if name == "r":
            self._run_is_struck = False
        elif name == "strike" and about.get("val", "1") not in {"0", "false"}:
            self._run_is_struck = self.is_struck = True
        elif name == "t":
            self._is_text = True
        elif name == "rPh":
            self._is_spoken = True

    def ended(self, name: str) -> None:
        if name == "t":
            self._is_text = False
        elif name == "rPh":
            self._is_spoken = False

    def text(self, written: str) -> None:
        if self._is_text and not self._run_is_struck and not self._is_spoken:
            self.pieces.append(written)

    @property
    def remaining(self) -> str:
        """The text without its struck-through runs; "" if all of it is struck through."""
        return " ".join("".join(self.pieces).split())


def struck_strings(parts: zipfile.ZipFile) -> dict[int, str]:
    """Return, by position, the shared texts of a workbook of which a part is struck through, without that part."""
    struck: dict[int, str] = {}
    at, rich = -1, RichText()

    def started(name: str, about: dict[str, str]) -> None:
        nonlocal at, rich
        if name == "si":
            at, rich = at + 1, RichText()
        rich.started(name, about)

    def ended(name: str) -> None:
        rich.ended(name)
        if name == "si" and rich.is_struck:
            struck[at] = rich.remaining

    def text(written: str) -> None:
        rich.text(written)

    if STRINGS in parts.namelist():
        with parts.open(STRINGS) as xml:
            parse(xml, started, ended, text)
    return struck


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else -1  # noqa: PLR2004 - a sane number


def _format(code: str, *, is_struck: bool) -> CellFormat:
    if UNSEEN.match(code) or code.replace('"', "") == "":
        return CellFormat(is_unseen=bool(code), is_struck=is_struck) if code or is_struck else PLAIN
    section = code.split(";", maxsplit=1)[0]
    if re.fullmatch(r"[0#]+(?:\.[0#]+)?%", section):
        return CellFormat(is_percent=True, is_struck=is_struck)
    if shows := _shows_of_day(section):
        return CellFormat(is_struck=is_struck, shows=shows)
    return CellFormat(pattern=_pattern(section), is_struck=is_struck)


def _shows_of_day(section: str) -> Literal["", "year", "month"]:
    """Return what a format shows of a date if that is not the day: its year, or its month and year."""
    letters = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]|_.', "", section).lower()
    if not re.fullmatch(r"[ymyj/.,' \u2010-\u2015-]+", letters) or "y" not in letters:
        return ""
    return "month" if "m" in letters else "year"


def _pattern(section: str) -> tuple[str | None, ...] | None:
    """Return the pattern of a format that shows a fixed number of digits; None for any other format."""
    pattern: list[str | None] = []
    is_in_front = True
    for piece in FORMAT_PIECE.finditer(section):
        quoted, escaped, place, sign, other = piece.groups()
        if other is not None:
            return None
        if place is not None:
            is_in_front = is_in_front and place != "0"
            if not is_in_front:
                pattern.append(None)  # a place to the right of a nought shows a digit, whatever its sign
        elif text := quoted or escaped or sign:
            pattern.append(text)
    return tuple(pattern) if pattern.count(None) >= FEWEST_PLACES else None
