"""Reading one cell as people write it: dates, yes and no, numbers, lists, and one word of a list."""

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
from pathways.spreadsheets import Row

DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d %b %Y", "%d %B %Y", "%d-%m-%Y", "%d.%m.%Y")
FOUR_DIGIT_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
EXCEL_DAY, FIRST_EXCEL_DAY = re.compile(r"^[1-5]\d{4}$"), date(1899, 12, 30)
LONGEST_DAY = 40
UNLIKE = ((2001, 1, 1), (1999, 2, 2))  # two days that share no part: what a date leaves out differs between them
YES = {"yes", "y", "true", "1"}
NO = {"no", "n", "false", "0"}
UNKNOWN = {"", "unknown", "not known", "n/k", "nk", "?"}
MOST_LINE = 300


class CellError(BaseModel):
    """What is wrong in one row: the field, the rule, and what to do. Never the value itself."""

    row: int = Field(description="The number of the row as the spreadsheet shows it; 0 for the whole file.")
    sheet: str = Field(default="", description="The sheet, where there are several.")
    field: str
    rule: str
    remedy: str


class InvalidCell(ValueError):
    """A cell that breaks a rule."""

    def __init__(self, rule: str, remedy: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.remedy = remedy


def as_line(text: str) -> str | None:
    if len(text) > MOST_LINE:
        raise InvalidCell(f"At most {MOST_LINE} characters.", "Shorten it.")
    if text.startswith(("=", "@")):
        raise InvalidCell("A formula is not taken.", "Paste the cell as a value.")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
        raise InvalidCell("It holds a control character.", "Type the cell again.")
    return " ".join(text.split()) or None


def line(most: int) -> "Reader":
    """Return the reader of a line of at most so many characters."""

    def read(text: str) -> str | None:
        found = as_line(text)
        if found is not None and len(found) > most:
            raise InvalidCell(f"At most {most} characters.", "Shorten it.")
        return found

    return read


@lru_cache(maxsize=20_000)
def as_date(text: str) -> date | None:
    if text.lower() in UNKNOWN:
        return None
    if len(text) > LONGEST_DAY:
        raise InvalidCell("This is not a date that exists.", "Write it as yyyy-mm-dd, dd/mm/yyyy or dd Mon yyyy.")
    for form in DATE_FORMATS:
        try:
            found = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
        if not EARLIEST <= found <= LATEST:
            raise InvalidCell(f"A date lies between {EARLIEST} and {LATEST}.", "Correct the year.")
        return found
    otherwise = _written_otherwise(text)
    if otherwise is None or not EARLIEST <= otherwise <= LATEST:
        raise InvalidCell("This is not a date that exists.", "Write it as yyyy-mm-dd, dd/mm/yyyy or dd Mon yyyy.")
    return otherwise


def _written_otherwise(text: str) -> date | None:
    """Return a day written as in "26th May 2002" or with a time, or as the number Excel keeps it as; None for none.

    The year has four digits, for of two nobody knows the century; a part that is missing is not made up, and a month
    never stands before the day.
    """
    if EXCEL_DAY.match(text):
        return FIRST_EXCEL_DAY + timedelta(days=int(text))
    if not FOUR_DIGIT_YEAR.search(text):
        return None
    try:
        # Time zones are not looked for: a name in the cell would be taken for one, and warned of by name.
        one, other = (
            dates.parse(text, dayfirst=True, ignoretz=True, default=datetime(*day)).date()  # noqa: DTZ001
            for day in UNLIKE
        )
    except (ValueError, ArithmeticError):
        return None
    first = re.match(r"\d{1,2}(?=\D)", text)
    is_day_first = first is None or int(first[0]) == one.day
    return one if one == other and is_day_first else None


def as_needed_date(text: str) -> date:
    found = as_date(text)
    if found is None:
        raise InvalidCell("This field is needed.", "Fill it in.")
    return found


def as_yes_no(text: str) -> bool | None:
    word = text.lower()
    if word in YES:
        return True
    if word in NO:
        return False
    if word in UNKNOWN:
        return None
    raise InvalidCell("Write yes, no, or leave it blank for unknown.", "Correct the word.")


def as_list(text: str) -> list[str] | None:
    items = [item for raw in text.split(";") if (item := as_line(raw.strip()))]
    return items or None


def as_number(text: str) -> Decimal | None:
    if not text or text.lower() in UNKNOWN:
        return None
    try:
        number = Decimal(text.removeprefix("£"))
    except InvalidOperation:
        raise InvalidCell("This is not a number.", "Write digits, as 16 or 37.5.") from None
    if not number.is_finite() or number < 0 or number > 100_000:  # noqa: PLR2004 - no column of ours holds more
        raise InvalidCell("This number is out of range.", "Correct it.")
    return number.quantize(Decimal("0.01"))


def as_whole(text: str) -> int | None:
    number = as_number(text)
    if number is not None and number != int(number):
        raise InvalidCell("This is not a whole number.", "Write digits, as 3.")
    return None if number is None else int(number)


def hours(text: str) -> Decimal | None:
    number = as_number(text)
    if number is not None and number > 168:  # noqa: PLR2004 - hours in a week
        raise InvalidCell("A week has 168 hours.", "Correct the number.")
    return number


Word = TypeVar("Word", bound=StrEnum)


def one_of(words: type[Word], *, ignoring_case: bool = True) -> Callable[[str], Word | None]:
    """Return the reader of a cell that holds one word of a list."""
    known = {word.value.lower().replace("_", " "): word for word in words}

    def read(text: str) -> Word | None:
        if not text:
            return None
        word = known.get(text.lower().replace("_", " ") if ignoring_case else text)
        if word is None:
            raise InvalidCell(f"Write one of {', '.join(w.value for w in words)}.", "Correct the word.")
        return word

    return read


Reader = Callable[[str], Any]


@lru_cache(maxsize=1_000)
def _of_blank(reader: Reader) -> Any:
    """Return what a blank cell says, which most cells of a file are; one that must not be blank says so each time."""
    return reader("")


def read_row(row: Row, readers: Mapping[str, Reader]) -> tuple[dict[str, Any], list[CellError]]:
    """Return the values of one row, and everything that is wrong in it."""
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
