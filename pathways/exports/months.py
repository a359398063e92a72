"""Calendar months."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

# The names are not taken from the locale, so that an export has the same content wherever it is made.
NAMES = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month.

    Examples
    --------
    >>> str(Month.parse("2026-11").plus(2)), Month(2026, 11).minus(Month(2025, 12))
    ('2027-01', 11)
    """

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Parse ``yyyy-mm``; raise ValueError for anything else."""
        year, month = text.split("-")
        if len(year) != 4 or len(month) != 2 or not 1 <= int(month) <= 12:  # noqa: PLR2004 - yyyy-mm
            raise ValueError(text)
        return cls(int(year), int(month))

    @classmethod
    def of(cls, day: date) -> "Month":
        return cls(day.year, day.month)

    @classmethod
    def at(cls, number: int) -> "Month":
        """Return the month with this ``number``."""
        return cls(number // 12, number % 12 + 1)

    @property
    def number(self) -> int:
        """The number of months since the start of year 0, so that consecutive months differ by 1."""
        return self.year * 12 + self.month - 1

    def plus(self, months: int) -> "Month":
        return Month.at(self.number + months)

    def minus(self, other: "Month") -> int:
        """Return the number of calendar months from another month to this one."""
        return self.number - other.number

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, self.month, monthrange(self.year, self.month)[1])

    @property
    def in_words(self) -> str:
        return f"{NAMES[self.month - 1]} {self.year}"

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


def number_of(day: date) -> int:
    """Return ``Month.number`` of the month that a day is in."""
    return day.year * 12 + day.month - 1
