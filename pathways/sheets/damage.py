"""Signs that a spreadsheet or an export damaged a cell: error values, shortened numbers, lost or garbled letters.

What can be put right is put right. What is lost is not read. Either way the row has a warning with a remedy.
"""

import html
import quopri
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from pathways.sheets import formulas

ERROR_VALUE = re.compile(
    r"^(?:=?#(?:N/A(?: N/A)?|NV|GETTING_DATA|[A-ZÀ-Þ_/0-9]{2,20}[!?])|Err:\d{3})$"
)  # Excel in English and other languages, LibreOffice, Google Sheets
ERROR_WITHIN = re.compile(r"#(?:N/A|(?:REF|VALUE|DIV/0|NULL|NUM|SPILL|CALC|FIELD|BLOCKED|CONNECT)!|NAME\?)")
TOO_NARROW = re.compile(r"^#{3,}$")
NULLS = ("NULL", "null", "Null", "BLANK", "blank", "EMPTY", "empty", "NA")
MACHINE_BLANKS = {"NaN", "nan", "NaT", "undefined", "[object Object]", "NULL", "null", "\\N", "#EMPTY", "#NULL"}
MACHINE_BLANKS |= {f"{first}{word}{last}" for word in NULLS for first, last in ("()", "<>", "[]", "{}")}
BLANK_WORDS = MACHINE_BLANKS - {"[object Object]"}
SHORTENED = re.compile(r"^([+-]?)(\d{1,3})(?:\.(\d+))?E\+?(\d{1,3})$", re.IGNORECASE)
# A number of which a spreadsheet kept the first digits only: 4.47701E+11 becomes 447701000000.
ENDS_IN_NOUGHTS = re.compile(r"^\+?0?(?=\d{10,15}$)[1-9]\d{2,}0{6,}$")
TRUTH_VALUES = {"TRUE", "FALSE"}
DAY = re.compile(r"^\d{4}-\d\d-\d\d(?:[T ]00:00(?::00(?:\.0+)?)?)?$")
MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec"
SHORT_DAY = re.compile(
    rf"^(?:\d{{1,2}}-(?:{MONTHS})(?:-\d{{2}}(?:\d\d)?)?|(?:{MONTHS})-\d{{2}}(?:\d\d)?)$", re.IGNORECASE
)
DAY_NUMBER = re.compile(r"^([1-5]\d{4})(?:\.\d+)?$")
LOST_LETTER = re.compile("[\ufffd\ufffc\ue000-\uf8ff\x1a]")
QUESTION_WITHIN = re.compile(r"(?<=[^\W\d_])\?(?=[^\W\d_])")
QUESTION_AT_WORD = re.compile(r"[^\W\d_]\?|\?[^\W\d_]")
STILL_GARBLED = re.compile(
    "[\x80-\x9f]|[\xc2\xc3](?=[\x80-\xbf\u2018-\u203a\u0192\u02c6\u02dc\u20ac\u2122])|\xe2\u20ac|\u221a[\x80-\xff]"
)
ENTITY = re.compile(r"&(?:[a-zA-Z]{2,10}|#\d{2,5}|#x[0-9a-fA-F]{2,4});")
LETTER_OF_LATIN = re.compile(r"=[C-F][0-9A-F]")  # as in Zo=EB
QUOTED_PRINTABLE = re.compile(r"=[C-F][0-9A-F](?:=[89AB][0-9A-F])+")  # as in Zo=C3=AB, from an e-mail
PERCENT = re.compile(r"%[89A-Fa-f][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f])+|%20|%27")
ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
WORKBOOK_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
WRITTEN_AS_DECIMAL = re.compile(r"^(\+?\d{5,})\.0+$")
EXACT_DIGITS = 15  # significant digits of a number in a spreadsheet
LONG_NUMBER = re.compile(rf"^\d{{{EXACT_DIGITS}}}0+$")
CUT_OFF = 255  # characters of a cell in old spreadsheets and exports
LAST_OF_LATIN = "\u017f"
OF_NAMES = re.compile(
    "[\u01a0\u01a1\u01af\u01b0\u0218-\u021b\u1e00-\u1eff\u2010-\u203a\u20ac\u2122]"
)  # Romanian, Vietnamese, signs
WRONG_READINGS = ("cp1252", "mac_roman", "cp850", "latin-1", "cp1250", "iso8859_2", "cp437", "cp1254", "cp1251")
CAPITAL_WITHIN = re.compile("[a-zà-öø-ÿ][À-ÖØ-Þ]")
TIMES_GARBLED = 3


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a cell, what to do, and the text to read instead: None if the cell cannot be read.

    The rule is empty if the text is put right without any doubt, so that nobody needs a warning.
    """

    rule: str
    remedy: str
    text: str | None


def is_day_column(column: str) -> bool:
    """Return whether a column holds a day. The names of such columns end in ``_on``."""
    return column.endswith("_on") or column == "date_of_birth"


def is_name_column(column: str) -> bool:
    return column.endswith("_name") or column == "known_as"


def damage_of(column: str, text: str) -> Damage | None:
    """Return what is damaged in the text of a cell, or None. A cell put right twice has the last remedy."""
    found = None
    for check in CHECKS:
        damage = check(column, text)
        if damage is not None:
            if damage.text is None or damage.text == text:
                return damage
            text = damage.text
            found = damage if damage.rule or found is None else Damage(found.rule, found.remedy, text)
    return found


def _error_value(column: str, text: str) -> Damage | None:
    if ERROR_VALUE.match(text):
        rule = "The cell holds an error value of the spreadsheet and was not read."
        return Damage(rule, "Correct the formula or the link it came from, or type the value.", None)
    if ERROR_WITHIN.search(text):
        rule = "The text contains an error value of the spreadsheet, so a part of it is missing."
        return Damage(rule, "Type the missing part, and send the file again.", text)
    if TOO_NARROW.match(text):
        rule = "The cell holds only # signs, because its column was too narrow when it was copied. It was not read."
        return Damage(rule, "Widen the column, copy the cell again, and send the file again.", None)
    if text in MACHINE_BLANKS and not (is_name_column(column) and text.casefold() in {"null", "nan"}):
        rule = "The program that made the file wrote a word of its own for an empty cell, so it was not read."
        return Damage(rule, "Leave the cell blank, or type the value.", None)
    return None


def _formula(_column: str, text: str) -> Damage | None:
    return Damage(*formulas.WITHOUT_VALUE, None) if formulas.is_formula(text) else None


def _truth_value(column: str, text: str) -> Damage | None:
    if text not in TRUTH_VALUES or not is_name_column(column):
        return None
    rule = "The cell holds TRUE or FALSE, which a spreadsheet writes for a ticked box, where a name should be."
    return Damage(rule, "Check the name, and type it again.", text)


def _shortened_number(column: str, text: str) -> Damage | None:
    if ENDS_IN_NOUGHTS.match(text):
        rule = "This number ends in six noughts or more, as a number does of which a spreadsheet lost the last digits."
        remedy = "Format the column as text, type the number in full, and send the file again."
        return Damage(f"{rule} It was not read.", remedy, None) if column == "phone" else Damage(rule, remedy, text)
    written = SHORTENED.match(text)
    if written is None or ("+" not in text and "." not in text):
        return None  # 5E10 may be a reference
    sign, first, rest, power = written[1], written[2], written[3] or "", int(written[4])
    if sign != "-" and len(rest.rstrip("0")) and len(rest) == power:
        rule = "The number was written in scientific notation. All its digits were there, and it was read."
        return Damage(rule, "Check the number. Format the column as text before you save the file.", first + rest)
    rule = "A spreadsheet shortened this number, as in 4.5E+11, and digits are lost. It was not read."
    return Damage(rule, "Format the column as text, type the number in full, and send the file again.", None)


def _number(column: str, text: str) -> Damage | None:
    if is_day_column(column):
        number = DAY_NUMBER.match(text)
        if number is None:
            return None
        rule = "The date is a plain number, which was read as the days that Excel counts from 1900."
        return Damage(
            rule, "Check the date. It is four years too early if the file was made in an old Excel for Mac.", number[1]
        )
    if LONG_NUMBER.match(text):
        rule = f"A spreadsheet keeps only {EXACT_DIGITS} digits of a number, so the last digits may have become 0."
        return Damage(rule, "Format the column as text, type the number in full, and send the file again.", text)
    decimal = WRITTEN_AS_DECIMAL.match(text)
    return Damage("", "", decimal[1]) if decimal else None


def _turned_into_day(column: str, text: str) -> Damage | None:
    if is_day_column(column) or not (DAY.match(text) or SHORT_DAY.match(text)):
        return None
    rule = "The cell holds a date. A spreadsheet turns texts such as 3-11 or 10/12 into a date."
    return Damage(rule, "Check the cell. If it is wrong, format the column as text and type it again.", text)


def _written_in_code(_column: str, text: str) -> Damage | None:
    plain = LINE_BREAK.sub("\n", WORKBOOK_ESCAPE.sub(lambda code: _letter(int(code[1], 16)), text))
    if plain != text:
        return Damage("", "", plain)
    plain = html.unescape(text) if ENTITY.search(text) else text
    plain = ESCAPE.sub(lambda code: _letter(int(code[1], 16)), plain)
    if PERCENT.search(plain) and "\ufffd" not in unquote(plain) and "://" not in plain:
        plain = unquote(plain)
    if plain == text:
        return None
    rule = "The text had signs written as a code, such as &amp; for &. They were put right."
    return Damage(rule, CHECK_LETTERS, plain)


def _quoted_printable(column: str, text: str) -> Damage | None:
    if "://" in text or column.endswith(("_ref", "email")):
        return None
    try:
        plain = QUOTED_PRINTABLE.sub(lambda codes: quopri.decodestring(codes[0].encode()).decode(), text)
    except UnicodeDecodeError:
        return None
    if is_name_column(column):
        plain = LETTER_OF_LATIN.sub(lambda code: chr(int(code[0][1:], 16)), plain)
    if plain == text:
        return None
    rule = "The text had letters written as a code of e-mails, such as =C3=AB. They were put right."
    return Damage(rule, CHECK_LETTERS, plain) if plain.isprintable() else None


def _letter(code: int) -> str:
    """Return the letter of a code; a surrogate, which is half a letter, counts as lost."""
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)  # noqa: PLR2004 - the range that Unicode reserves


def _garbled(_column: str, text: str) -> Damage | None:
    if text.isascii():
        return None
    plain = text
    for _ in range(TIMES_GARBLED):
        again = _read_as_meant(plain)
        if again is None:
            break
        plain = again
    if plain != text:
        rule = "Letters with accents were garbled, because UTF-8 was read as another encoding. They were put right."
        return Damage(rule, CHECK_LETTERS, plain)
    if STILL_GARBLED.search(text):
        rule = "Letters with accents are garbled, because the text was once read in the wrong encoding."
        return Damage(rule, "Type the text again, or ask the sender for a new export as CSV UTF-8.", text)
    return None


def _read_as_meant(text: str) -> str | None:
    """Return a text whose UTF-8 was read in another encoding as it was meant; None if it was not."""
    likely = []
    for encoding in WRONG_READINGS:
        try:
            raw = b"".join(_byte(letter, encoding) for letter in text)
            meant = raw.decode()
        except UnicodeError:
            continue
        if meant != text and _is_likely(meant) and text.isupper() <= meant.isupper():
            likely.append(meant)
    # Several readings may give letters. The first without a capital in the middle of a word is meant.
    return min(likely, key=lambda meant: CAPITAL_WITHIN.search(meant) is not None, default=None)


def _is_likely(text: str) -> bool:
    """Return whether a text can be what was meant: all its letters are of European names, or none is Latin.

    Letters with accents that follow each other by chance, as in L'éclair, can give
    a letter of another script when their bytes are read as UTF-8.
    """
    if any(not letter.isprintable() and not letter.isspace() for letter in text):
        return False
    if any(letter.isascii() and letter.isalpha() for letter in text):
        return all(letter <= LAST_OF_LATIN or OF_NAMES.match(letter) for letter in text)
    return True


def _byte(letter: str, encoding: str) -> bytes:
    # Windows leaves five bytes without a letter, and programs pass them on as control characters.
    return bytes([ord(letter)]) if "\x80" <= letter <= "\x9f" else letter.encode(encoding)


def _lost_letter(column: str, text: str) -> Damage | None:
    if LOST_LETTER.search(text):
        rule = "A letter was lost before the file was sent: it has become a sign that stands for an unknown letter."
        return Damage(rule, "Type the text again, or ask the sender for a new export as CSV UTF-8.", text)
    sought = QUESTION_AT_WORD if is_name_column(column) else QUESTION_WITHIN
    if sought.search(text) and "/" not in text:
        rule = "A question mark is beside a letter. It may stand for a letter with an accent that was lost."
        return Damage(rule, "Check the spelling, and type it again if it is wrong.", text)
    return None


def _cut_off(_column: str, text: str) -> Damage | None:
    if len(text) != CUT_OFF:
        return None
    rule = f"The text has exactly {CUT_OFF} characters. Some programs cut a cell off there."
    return Damage(rule, "Check that the end of the text is there.", text)


CHECK_LETTERS = "Check the spelling."
CHECKS: tuple[Callable[[str, str], Damage | None], ...] = (
    _error_value,
    _quoted_printable,  # before formulas, because =C5=81ukasz is none
    _formula,
    _truth_value,
    _shortened_number,
    _number,
    _turned_into_day,
    _written_in_code,
    _garbled,
    _lost_letter,
    _cut_off,
)

INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad]")  # zero-width space, word joiner, byte order mark, soft hyphen
DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
LINE_BREAK = re.compile("\r+\n?|[\x0b\x85\u2028\u2029]")
EXPORTED_AS_TEXT = re.compile(r'^="([^"=]*)"$')
NUMBER_AS_TEXT = re.compile(r"^'(?=[\d=+@-])")


def tidy(cell: str) -> str:
    """Return a cell without what a spreadsheet adds to its text and nobody sees.

    These are invisible characters, marks of direction in a text that has no right-to-left letters, the apostrophe of
    text that looks like a number or a formula, and ``="…"``, which keeps the noughts of a number in CSV.
    """
    text = LINE_BREAK.sub("\n", cell.strip())
    if not text.isascii():
        text = _without_invisible(text).strip()
    text = NUMBER_AS_TEXT.sub("", text)
    exported = EXPORTED_AS_TEXT.match(text)
    return exported[1].strip() if exported else text


@lru_cache(maxsize=10_000)
def _without_invisible(text: str) -> str:
    text = INVISIBLE.sub("", text)
    if any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text if letter not in "\u200e\u200f"):
        return text
    return DIRECTION.sub("", text)


def shortened(cells: Mapping[str, str], readable: Mapping[str, str]) -> dict[str, tuple[str, str, str]]:
    """Return, by column, the text, the rule and the remedy of each shortened number that is not read.

    ``readable`` are the same cells as ``examined`` returns them.
    """
    lost = {
        column: (text, _shortened_number(column, text))
        for column, text in cells.items()
        if text and not readable[column]
    }
    return {column: (text, found.rule, found.remedy) for column, (text, found) in lost.items() if found is not None}


def examined(
    cells: Mapping[str, str],
    instead: Mapping[str, str],
    is_readable: Callable[[str, str], bool],
    needed: Collection[str] = (),
) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Return the cells of a row as they are to be read, and a warning for each damaged cell.

    ``instead`` has, for columns that protect a person, the text that is read if the cell is lost. ``is_readable``
    returns whether a column can hold a text: a damaged cell that it cannot hold is not read. A formula in a ``needed``
    column stays, because its reader refuses the row.
    """
    readable, warnings = dict(cells), []
    for column, text in cells.items():
        damage = damage_of(column, text)
        if damage is None or (column in needed and damage.rule == formulas.WITHOUT_VALUE[0]):
            continue
        is_lost = damage.text is None or (bool(damage.rule) and not is_readable(column, damage.text))
        # A program's word for an empty cell takes nothing away: the cell was blank before.
        lost = "" if text in BLANK_WORDS else instead.get(column, "")
        readable[column] = lost if is_lost or damage.text is None else damage.text
        if damage.rule:
            warnings.append((column, damage.rule, damage.remedy))
    return readable, warnings
