"""Formats of cells that decide what people see: noughts in front, percent, hidden or struck-through text."""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from pathways.sheets.workbook_xml import elements_of

STYLES, STRINGS = "xl/styles.xml", "xl/sharedStrings.xml"
BUILT_IN = {9: "0%", 10: "0.00%"}
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


def struck_strings(parts: zipfile.ZipFile) -> set[int]:
    """Return the positions of the shared texts of a workbook of which a part is struck through."""
    struck: set[int] = set()
    at = -1
    for element, about, within in elements_of(parts, STRINGS):
        if element == "si":
            at += 1
        elif element == "strike" and within[-1:] == ["rPr"] and about.get("val", "1") not in {"0", "false"}:
            struck.add(at)
    return struck


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else -1  # noqa: PLR2004 - a sane number


def _format(code: str, *, is_struck: bool) -> CellFormat:
    if UNSEEN.match(code) or code.replace('"', "") == "":
        return CellFormat(is_unseen=bool(code), is_struck=is_struck) if code or is_struck else PLAIN
    section = code.split(";", maxsplit=1)[0]
    if re.fullmatch(r"[0#]+(?:\.[0#]+)?%", section):
        return CellFormat(is_percent=True, is_struck=is_struck)
    return CellFormat(pattern=_pattern(section), is_struck=is_struck)


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
