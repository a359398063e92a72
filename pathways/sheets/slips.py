"""Slips: what people write in an optional cell that its field cannot hold, such as "16-20" or "part time".

A slip bars nobody. The field is left unknown, or takes what can honestly be read; the words are stored as they were
written, and the row gets a warning. A reader of a cell returns a ``Slip`` instead of raising ``InvalidCell``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

from pathways.base import day_in_words, local_day, utc_now
from pathways.fields import EARLIEST, LATEST
from pathways.sheets import cells
from pathways.sheets.cells import InvalidCell, Reader

AS_WRITTEN = "The words as they were typed are stored with it (as_written)."
READ_PARTLY = "Only a part of these words could be read into the field."
KEPT = f"Check the value and correct it in the service. {AS_WRITTEN}"
NOT_READ = "This could not be read, so the field is left unknown."
MOST_WORDS, MOST_PARAGRAPH = 4_000, 4_000
CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
# A year of two digits is taken for a birth that makes this age; otherwise it may be this century or the last.
YOUNGEST, OLDEST = 14, 80


@dataclass(frozen=True, slots=True)
class Slip:
    """A cell that could not be read as it should be written.

    ``value`` is what was read, or None. ``also`` has values for other fields, used where those are blank, as the other
    end of a range.
    """

    words: str
    value: Any = None
    also: Mapping[str, Any] = field(default_factory=dict)
    rule: str = ""
    remedy: str = KEPT


@dataclass(frozen=True, slots=True)
class Settled:
    """The cells of a row without their slips: values, words as written, and warnings, each by column."""

    values: dict[str, Any]
    words: dict[str, str]
    warnings: list[tuple[str, str, str]]


def is_yes(words: str) -> bool:
    """Return whether words begin with a yes that nothing limits, as in "Yes - British"."""
    return _answer(words) is True


def said(text: str) -> str:
    """Return the words of a cell on one line, without control characters."""
    return " ".join(CONTROLS.sub(" ", text).split())[:MOST_WORDS]


def read_as(value: Any) -> str:
    """Return the sentence that says as what a cell in another form was read: a day, a number or one of the choices.

    Of other values, such as a text that was shortened, it says only that a part was read.
    """
    if isinstance(value, bool):
        words = "yes" if value else "no"
    elif isinstance(value, date):
        words = day_in_words(value)
    elif isinstance(value, int | Decimal):
        words = _plain(value) if isinstance(value, Decimal) else str(value)
    elif isinstance(value, StrEnum):
        words = value.value
    elif isinstance(value, list) and value:
        words = ", ".join(map(str, value))
    else:
        return READ_PARTLY
    return f"This was read as {words}."


def _plain(number: Decimal) -> str:
    """Return a number without noughts at its end: 20.00 is 20."""
    return f"{number.normalize():f}"


def lenient(
    reader: Reader, otherwise: Callable[[str], Any] | None = None, rule_of: Callable[[Any], str] = read_as
) -> Reader:
    """Return a reader that never refuses: what ``reader`` refuses is a ``Slip``.

    ``otherwise`` reads what people write instead; it returns a value, a ``Slip``, or None if it can read nothing.
    ``rule_of`` returns the sentence about a value that ``otherwise`` read.
    """

    def read(text: str) -> Any:
        try:
            return reader(text)
        except InvalidCell as wrong:
            refused = wrong
        words = said(text)
        found = otherwise(words) if otherwise is not None and words else None
        if isinstance(found, Slip):
            return found
        if found is not None:
            return Slip(words, found, rule=rule_of(found))
        if words.casefold().rstrip(".") in NOTHING_SAID:
            return None
        return Slip(words, rule=f"{NOT_READ} {refused.rule}")

    return read


NOTHING_SAID = frozenset(
    ["", "-", "--", "n/a", "na", "none given", "not given", "not stated", "not provided", "tbc", "tba"]
)


def settle(read: Mapping[str, Any]) -> Settled:
    """Return the values of a row with each ``Slip`` replaced by what could be read of it."""
    slips = {name: value for name, value in read.items() if isinstance(value, Slip)}
    values = {name: value.value if isinstance(value, Slip) else value for name, value in read.items()}
    for slip in slips.values():
        for other, value in slip.also.items():
            if other not in values or (values[other] is None and other not in slips):
                values[other] = value
    words = {name: slip.words for name, slip in slips.items() if slip.words}
    return Settled(values, words, [(name, slip.rule or READ_PARTLY, slip.remedy) for name, slip in slips.items()])


# Texts.


def line(most: int = cells.MOST_LINE) -> Reader:
    """Return a lenient reader of one line. Of a text that is too long the beginning is taken."""

    def shortened(words: str) -> str | None:
        return None if words.startswith(("=", "@")) else words[:most].strip()

    return lenient(cells.line(most), shortened)


def protective(text: str) -> Any:
    """Read a line that protects the person: whatever is written there is taken, so that no protection is lost."""
    return lenient(cells.as_line, lambda words: words.lstrip("=@ ")[: cells.MOST_LINE] or words[: cells.MOST_LINE])(
        text
    )


# Words in the place of a reason to withhold contact that say that there is none. A doubt, such as "TBC", protects.
NO_REASON = re.compile(
    r"^(?:-+|n/?a|nil|no(?:ne|pe)?|not applicable|false|n|0|no (?:reason|issues?|concerns?|risks?))[. ]*$"
)


def reason_to_protect(text: str) -> Any:
    """Read a reason that protects the person. Plain words for none are no reason; whatever else is written, is one."""
    return None if NO_REASON.match(said(text).casefold()) else protective(text)


def paragraph(text: str) -> Any:
    """Read a text of at most ``MOST_PARAGRAPH`` characters; of a longer text the beginning is taken."""
    words = said(text)
    if words.startswith(("=", "@")):
        return line()(text)
    is_whole = len(" ".join(CONTROLS.sub(" ", text).split())) <= MOST_PARAGRAPH
    return (words or None) if is_whole else Slip(words, words[:MOST_PARAGRAPH], rule=READ_PARTLY)


def lines(text: str) -> Any:
    """Read a list separated by semicolons: what can be read of each item, in at most 50 items."""
    items, is_whole = [], True
    for raw in text.split(";"):
        item = line()(raw.strip())
        if isinstance(item, Slip):
            is_whole, item = False, item.value
        if item:
            items.append(item)
    if is_whole and len(items) <= MOST_ITEMS:
        return items or None
    return Slip(said(text), items[:MOST_ITEMS] or None, rule=READ_PARTLY)


MOST_ITEMS = 50

# Yes or no.

YES_WORDS = frozenset(
    [
        "yes",
        "y",
        "yep",
        "yeah",
        "yup",
        "true",
        "ok",
        "okay",
        "agreed",
        "agrees",
        "sure",
        "definitely",
        "always",
        "✓",
        "✔",
        "☑",
    ]
)
NO_WORDS = frozenset(["no", "n", "nope", "never", "false", "none", "✗", "✘", "☐"])
CONDITIONS = re.compile(r"\b(?:but|not|unless|except|if|only|sometimes|maybe|depends|until|however|partly)\b")
ANSWER = re.compile(r"^([a-z✓✔☑✗✘☐]+)\s*(?:[-–—,.:;(/!].*)?$")  # noqa: RUF001 - dashes of every length are typed


def _answer(words: str) -> bool | None:
    """Return the answer that a text begins with, as in "Yes - Somali"; None if the text goes on to limit it."""
    found = ANSWER.match(words.casefold())
    if found is None or CONDITIONS.search(words.casefold()):
        return None
    return True if found[1] in YES_WORDS else False if found[1] in NO_WORDS else None


yes_no = lenient(cells.as_yes_no, _answer)
NO_PERMISSION_YET = "This is not a plain yes or no, so it counts as no permission yet."
ASK_FOR_PERMISSION = f"Ask the jobseeker, and record the answer and its date. {AS_WRITTEN}"


def permission(text: str) -> Any:
    """Read a permission. What the law asks of a person is never worked out from other words: it must be asked."""
    words = said(text)
    if not words:
        return None
    if words.casefold() in cells.YES | cells.NO:
        return cells.as_yes_no(words)
    return Slip(words, rule=NO_PERMISSION_YET, remedy=ASK_FOR_PERMISSION)


def restricted(text: str) -> Any:
    """Read whether access is restricted: any words but a plain no restrict it, because a doubt must protect."""
    words = said(text)
    if not words or words.casefold().rstrip(".") in NOTHING_SAID - DOUBTS:
        return None
    answer = _answer(words)
    if answer is False:
        return False
    return True if answer and words.casefold() in cells.YES else Slip(words, value=True, rule=DOUBTED)


# Words of somebody who does not know. Of the words for nothing, these are a doubt.
DOUBTS = frozenset(["tbc", "tba"])
UNCERTAIN = "These are words for something not known yet, and it limits whom the law allows."


def certain(read: Reader) -> Reader:
    """Return a reader that also names words such as "TBC", which mean that the answer is not known yet."""

    def checked(text: str) -> Any:
        words = said(text)
        return Slip(words, rule=UNCERTAIN) if words.casefold().strip(" .?") in DOUBTS else read(text)

    return checked


DOUBTED = (
    "This is not a clear yes or no, so the record was restricted to be safe. A team manager can lift the restriction."
)


def one_of(words: type[cells.Word], spellings: Mapping[str, cells.Word] | None = None) -> Reader:
    """Return a lenient reader of a value of an enumeration, with other ``spellings`` of its values."""
    others = spellings or {}

    def otherwise(text: str) -> cells.Word | None:
        word = re.sub(r"[^a-z0-9]+", " ", text.casefold()).strip()
        if word in others:
            return others[word]
        answer = _answer(text)
        return None if answer is None else others.get("yes" if answer else "no")

    return lenient(cells.one_of(words), otherwise)


# Numbers.

NUMBER = r"(\d{1,6}(?:[.,]\d{1,2})?)"
RANGE = re.compile(rf"^{NUMBER}\s*(?:-|–|—|/|to|or|and|till|until)\s*{NUMBER}$")  # noqa: RUF001
AROUND = re.compile(r"^(?:c\.?|ca\.?|circa|about|approx(?:imately)?\.?|around|roughly|~|usually|say)\s*")
LESS_THAN = re.compile(r"^(?:(?:strictly |just |always )?(?:less than|fewer than|under|below)|<(?!\s*=))\s*")
MORE_THAN = re.compile(r"^(?:(?:strictly |always )?(?<!no )more than|>(?!\s*=))\s*")
AT_MOST = re.compile(r"^(?:up to|max(?:imum)?(?: of)?|no more than|not more than|at most|<=?)\s*")
AT_LEAST = re.compile(r"^(?:at least|min(?:imum)?(?: of)?|no less than|not less than|over|from|>=?)\s*")
OR_MORE = re.compile(r"\s*(?:\+|plus|or more|and over|or over|min(?:imum)?|and above|upwards)$")
OR_LESS = re.compile(r"\s*(?:or less|or under|max(?:imum)?|and under|or below|or fewer|tops)$")
HOUR_UNITS = re.compile(
    r"\s*\b(?:hours?|hrs?|h)\b\.?|\s*\b(?:a|per|each|every)\s*(?:week|wk)\b|/\s*(?:week|wk|w)\b|\bp\.?\s?w\b\.?|\bweekly\b"
)


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", ".")).quantize(Decimal("0.01"))


def bounds(
    words: str, units: re.Pattern[str], step: Decimal = Decimal(1)
) -> tuple[Decimal | None, Decimal | None] | None:
    """Return the lowest and the highest number that a text allows, as in "16-20", "up to 16" or "20+ hours".

    Of "less than 16", 16 itself is not allowed: the highest is one ``step`` lower, and likewise of "more than 16".
    """
    text = re.sub(r"(\d)([a-z])", r"\1 \2", words.casefold()).replace("£", "")
    text = " ".join(units.sub(" ", text).split()).strip(" .()")
    text = AROUND.sub("", text)
    if found := RANGE.match(text):
        low, high = sorted((_number(found[1]), _number(found[2])))
        return low, high
    is_less, is_more = LESS_THAN.match(text), MORE_THAN.match(text)
    is_most = is_less or AT_MOST.match(text) or OR_LESS.search(text)
    is_least = is_more or AT_LEAST.match(text) or OR_MORE.search(text)
    for pattern in (LESS_THAN, MORE_THAN, AT_MOST, AT_LEAST, OR_MORE, OR_LESS):
        text = pattern.sub("", text).strip()
    if re.fullmatch(NUMBER, text) is None:
        return None
    number = _number(text) - (step if is_less else -step if is_more else 0)
    if number < 0:
        return None
    return (None, number) if is_most else (number, None) if is_least else (number, number)


Highest = Callable[[], Decimal]  # the most hours that anybody may work in a week


def _hours(text: str, most: Decimal) -> Decimal | None:
    """Read a number of hours in a week. More than anybody may work is refused: as a minimum it would fit no work."""
    if re.match(r"^\s*-\s*\d", text):
        raise InvalidCell("Hours cannot be less than 0.", "Correct the number.")
    number = cells.hours(text)
    if number is not None and number > most:
        raise InvalidCell(f"Nobody may work more than {most:g} hours a week.", "Correct the number.")
    return number


QUARTER = Decimal("0.25")


def _hours_within(words: str, most: Decimal) -> tuple[Decimal | None, Decimal | None] | None:
    found = bounds(words, HOUR_UNITS, QUARTER)
    return None if found is None or any(end is not None and end > most for end in found) else found


def _range_read(low: Decimal | None, high: Decimal | None) -> str:
    if low is None or high is None:
        return f"This was read as {'at least' if high is None else 'at most'} {_plain(low or high or Decimal())} hours."
    return f"This was read as {_plain(low) if low == high else f'{_plain(low)} to {_plain(high)}'} hours."


def hours_min(most: Highest) -> Reader:
    """Return the reader of the fewest hours that somebody wants; a range also gives the most."""

    def lowest(words: str) -> Slip | None:
        found = _hours_within(words, most())
        also = {"hours_max": found[1]} if found and found[0] != found[1] else {}
        return found and Slip(words, found[0], also, _range_read(*found))

    return lenient(lambda text: _hours(text, most()), lowest)


def hours_max(most: Highest) -> Reader:
    """Return the reader of the most hours that somebody wants; a range also gives the fewest."""

    def highest(words: str) -> Slip | None:
        found = _hours_within(words, most())
        also = {"hours_min": found[0]} if found and found[0] != found[1] else {}
        return found and Slip(words, found[1], also, _range_read(*found))

    return lenient(lambda text: _hours(text, most()), highest)


WEEK = Decimal(168)


def _exact_hours(words: str) -> Decimal | None:
    found = _hours_within(words, WEEK)
    return found[0] if found is not None and found[0] == found[1] else None


# A range is no number of hours a week, so it is left unknown: an unknown number of hours rules no jobseeker out.
hours_per_week = lenient(cells.hours, _exact_hours)

MINUTE_UNITS = re.compile(r"\s*\b(?:minutes?|mins?|m)\b\.?|\b(?:each way|one way|travel(?:ling)?|journey)\b")
HOURS_AND_MINUTES = re.compile(
    r"^(?:up to |max(?:imum)? |about |approx\.? )?(?:(\d(?:\.\d+)?|an|one|two|half an)\s*(?:hours?|hrs?|h)\b)"
    r"(?:\s*(?:and)?\s*(?:(\d{1,2})|a (half)|(half))\s*(?:minutes?|mins?|m)?)?(?: max(?:imum)?)?\.?$"
)
NAMED_HOURS = {"an": Decimal(1), "one": Decimal(1), "two": Decimal(2), "half an": Decimal("0.5")}
MOST_MINUTES = 600


def _minutes(words: str) -> int | None:
    text = words.casefold()
    if found := HOURS_AND_MINUTES.match(text):
        hours = NAMED_HOURS.get(found[1]) or Decimal(found[1])
        minutes = int(hours * 60) + (int(found[2]) if found[2] else 30 if found[3] or found[4] else 0)
    else:
        ends = bounds(words, MINUTE_UNITS)
        if ends is None or ends[1] is None or ends[1] != int(ends[1]):
            return None  # 0.75 may be a part of an hour
        minutes = int(ends[1])
    return minutes if minutes <= MOST_MINUTES else None


def _whole_minutes(text: str) -> int | None:
    minutes = cells.as_whole(text.lower().removesuffix("minutes").removesuffix("mins").strip())
    if minutes is not None and minutes > MOST_MINUTES:
        raise InvalidCell(f"The travel time is more than {MOST_MINUTES} minutes.", "Correct the number.")
    return minutes


max_travel_minutes = lenient(_whole_minutes, _minutes)

# Dates.

TWO_DIGIT_YEAR = re.compile(r"^(\d{1,2})\s*[./ -]\s*(\d{1,2}|[a-z]{3,9})\.?\s*[./ -]\s*(\d\d)$", re.IGNORECASE)
YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")


def _day(text: str, century: Callable[[date], bool], centuries: tuple[int, ...]) -> date | None:
    """Return the day of a date whose year has two digits, in the only century that fits."""
    found = TWO_DIGIT_YEAR.match(text)
    if found is None:
        return None
    fitting = []
    for hundreds in centuries:
        try:
            day = cells.as_date(f"{found[1]} {_month(found[2])} {hundreds}{found[3]}")
        except InvalidCell:
            continue
        if day is not None and century(day):
            fitting.append(day)
    return fitting[0] if len(fitting) == 1 else None


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _month(text: str) -> str:
    return MONTHS[int(text) - 1].title() if text.isdigit() and 1 <= int(text) <= len(MONTHS) else text[:3].title()


@lru_cache(maxsize=20_000)
def _birth(words: str) -> Any:
    today = local_day(utc_now())
    born = _day(words, lambda day: YOUNGEST <= today.year - day.year <= OLDEST, (19, 20))
    if born is not None:
        return born
    years = set(YEAR.findall(words))
    if len(years) == 1 and not re.search(r"\bnot\b", words.casefold()):
        year = int(years.pop())
        if EARLIEST.year <= year <= today.year:
            rule = "This is not a whole date, so only the year of birth was taken."
            return Slip(words, None, {"birth_year": year}, rule)
    return None


NO_BIRTHDAY = "These are words for a date of birth that is not known, so the age stays unknown."
WHICH_CENTURY = (
    "It is uncertain which century this year of two digits is in, or this is no date, so the age stays unknown."
)
ASK_FOR_BIRTHDAY = f"Ask for the date, or enter only the year of birth. {AS_WRITTEN}"
BIRTH_READ = "This was written in another form, and was read as a date."  # without the date: it is personal
_read_birth = lenient(cells.as_date, _birth, lambda _: BIRTH_READ)


def date_of_birth(text: str) -> Any:
    """Read a date of birth. Words for an unknown one are kept, because age limits cannot be checked then."""
    found, words = _read_birth(text), said(text)
    is_read = found is not None and not (isinstance(found, Slip) and found.value is None and not found.also)
    if not is_read and TWO_DIGIT_YEAR.match(words):
        return Slip(words, rule=WHICH_CENTURY, remedy=ASK_FOR_BIRTHDAY)
    if found is not None or not words:
        return found
    return Slip(words, rule=NO_BIRTHDAY, remedy=ASK_FOR_BIRTHDAY)


day = lenient(cells.as_date, lambda words: _day(words, lambda found: EARLIEST <= found <= LATEST, (20,)))


def needed_day(text: str) -> Any:
    """Read a date that a row needs. A year of two digits is taken, with a warning; anything else is refused."""
    try:
        return cells.as_needed_date(text)
    except InvalidCell:
        found = _day(said(text), lambda found: EARLIEST <= found <= LATEST, (20,))
        if found is None:
            raise
        return Slip(said(text), found, rule=read_as(found))
