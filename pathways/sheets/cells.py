"""Readers of one spreadsheet cell: dates, yes or no, numbers, lists, and words of an enumeration."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from dateutil import parser as dates
from pydantic import BaseModel, Field

from pathways.fields import EARLIEST, LATEST
from pathways.sheets.parts import Row

DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d %b %Y", "%d %B %Y", "%d-%m-%Y", "%d.%m.%Y")
FOUR_DIGIT_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
EXCEL_DAY, FIRST_EXCEL_DAY = re.compile(r"^[1-5]\d{4}$"), date(1899, 12, 30)
# "2002-05-26 00:00:00", "2002/05/26", "2002.5.26": the year stands first, then the month.
YEAR_FIRST = re.compile(r"^\s*((?:19|20)\d\d)[-/. ](\d{1,2})[-/. ](\d{1,2})(?!\d)")
LONGEST_DAY = 40
UNLIKE = (
    (2001, 1, 1),
    (1999, 2, 2),
)  # two default days without a common part: if a text leaves out a part, the two results differ
YES = {"yes", "y", "true", "1"}
NO = {"no", "n", "false", "0"}
UNKNOWN = {"", "unknown", "not known", "n/k", "nk", "?"}
MOST_LINE = 300


class CellError(BaseModel):
    """An error or warning in one row: the field, the rule, and what to do. It never holds the words of a cell.

    It may say as which day, number or choice they were read, except for a date of birth.
    """

    row: int = Field(description="The row number as the spreadsheet displays it; 0 for the whole file.")
    sheet: str = Field(default="", description="The name of the sheet, if there are several.")
    field: str
    rule: str
    remedy: str


class InvalidCell(ValueError):
    """Raised for a cell that breaks a rule. ``remedy`` says what to do."""

    def __init__(self, rule: str, remedy: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.remedy = remedy


def as_line(text: str) -> str | None:
    """Return a cell's text as one line with single spaces; None if blank. Refuse formulas and overlong text."""
    if len(text) > MOST_LINE:
        raise InvalidCell(f"The text is longer than {MOST_LINE} characters.", "Shorten it.")
    if text.startswith(("=", "@")):
        raise InvalidCell("Formulas are not accepted.", "Paste the cell as a value.")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
        raise InvalidCell("The cell contains a control character.", "Type the text again.")
    return " ".join(text.split()) or None


def line(most: int) -> "Reader":
    """Return the reader of a cell that holds one line of at most ``most`` characters."""

    def read(text: str) -> str | None:
        text_read = as_line(text)
        if text_read is not None and len(text_read) > most:
            raise InvalidCell(f"The text is longer than {most} characters.", "Shorten it.")
        return text_read

    return read


@lru_cache(maxsize=20_000)
def as_date(text: str) -> date | None:
    """Return a date; None for a blank cell or a word for unknown."""
    if text.lower() in UNKNOWN:
        return None
    if len(text) > LONGEST_DAY:
        raise InvalidCell("This is not a date that exists.", "Write it as yyyy-mm-dd, dd/mm/yyyy or dd Mon yyyy.")
    for form in DATE_FORMATS:
        try:
            day = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
        if not EARLIEST <= day <= LATEST:
            raise InvalidCell(f"The date must be between {EARLIEST} and {LATEST}.", "Correct the year.")
        return day
    parsed = _in_other_format(text)
    if parsed is None or not EARLIEST <= parsed <= LATEST:
        raise InvalidCell("This is not a date that exists.", "Write it as yyyy-mm-dd, dd/mm/yyyy or dd Mon yyyy.")
    return parsed


def _in_other_format(text: str) -> date | None:
    """Return a day from a text such as "26th May 2002", from a date with a time, or from Excel's day number.

    Return None if the text has no year of four digits (two digits leave the century open), if a part of the date is
    missing, or if the month comes before the day.
    """
    if EXCEL_DAY.match(text):
        return FIRST_EXCEL_DAY + timedelta(days=int(text))
    if not FOUR_DIGIT_YEAR.search(text):
        return None
    year_first = YEAR_FIRST.match(text)
    if year_first is not None:  # a database export: never the day before the month
        try:
            return date(*(int(part) for part in year_first.groups()))
        except ValueError:
            return None
    try:
        # Time zones are ignored: a name in the cell could be read as a time zone and printed in a warning.
        first_day, second_day = (
            dates.parse(text, dayfirst=True, ignoretz=True, default=datetime(*day)).date()  # noqa: DTZ001
            for day in UNLIKE
        )
    except (ValueError, ArithmeticError):
        return None
    number = re.match(r"\d{1,2}(?=\D)", text)
    is_day_first = number is None or int(number[0]) == first_day.day
    return first_day if first_day == second_day and is_day_first else None


def as_needed_date(text: str) -> date:
    day = as_date(text)
    if day is None:
        raise InvalidCell("This field is required.", "Fill it in.")
    return day


def as_yes_no(text: str) -> bool | None:
    word = text.lower()
    if word in YES:
        return True
    if word in NO:
        return False
    if word in UNKNOWN:
        return None
    raise InvalidCell("The cell must be yes, no, or blank for unknown.", "Correct the word.")


def as_list(text: str) -> list[str] | None:
    items = [item for raw in text.split(";") if (item := as_line(raw.strip()))]
    return items or None


def as_number(text: str) -> Decimal | None:
    if not text or text.lower() in UNKNOWN:
        return None
    try:
        number = Decimal(text.removeprefix("£"))
    except InvalidOperation:
        raise InvalidCell("This is not a number.", "Write digits, such as 16 or 37.5.") from None
    if not number.is_finite() or number < 0 or number > 100_000:  # noqa: PLR2004 - larger than any valid value of our columns
        raise InvalidCell("The number must be between 0 and 100,000.", "Correct the number.")
    return number.quantize(Decimal("0.01"))


def as_whole(text: str) -> int | None:
    number = as_number(text)
    if number is not None and Decimal(text.removeprefix("£")) != int(number):
        raise InvalidCell("This is not a whole number.", "Write digits, such as 3.")
    return None if number is None else int(number)


def hours(text: str) -> Decimal | None:
    number = as_number(text)
    if number is not None and number > 168:  # noqa: PLR2004 - hours in a week
        raise InvalidCell("A week has only 168 hours.", "Correct the number.")
    return number


Word = TypeVar("Word", bound=StrEnum)


def one_of(words: type[Word], *, ignoring_case: bool = True) -> Callable[[str], Word | None]:
    """Return the reader of a cell that holds one value of an enumeration."""
    known = {word.value.lower().replace("_", " "): word for word in words}

    def read(text: str) -> Word | None:
        if not text:
            return None
        word = known.get(text.lower().replace("_", " ") if ignoring_case else text)
        if word is None:
            raise InvalidCell(f"The cell must be one of: {', '.join(w.value for w in words)}.", "Correct the word.")
        return word

    return read


Reader = Callable[[str], Any]


@lru_cache(maxsize=1_000)
def _of_blank(reader: Reader) -> Any:
    """Return what a reader returns for a blank cell. It is cached, because most cells of a file are blank."""
    return reader("")


def read_row(row: Row, readers: Mapping[str, Reader]) -> tuple[dict[str, Any], list[CellError]]:
    """Return the values of one row by field name, each read by its reader, and all errors of the row."""
    values: dict[str, Any] = {}
    errors = [
        CellError(row=row.number, sheet=row.sheet, field="row", rule=rule, remedy=remedy) for rule, remedy in row.faults
    ]
    for name, reader in readers.items():
        text = row.cells.get(name, "")
        try:
            values[name] = reader(text) if text else _of_blank(reader)
        except InvalidCell as wrong:
            errors.append(CellError(row=row.number, sheet=row.sheet, field=name, rule=wrong.rule, remedy=wrong.remedy))
    return values, errors
