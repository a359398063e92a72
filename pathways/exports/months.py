"""Calendar months."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

# Not of the locale: a folder says the same wherever it is made.
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
        """Read ``yyyy-mm``; ValueError for anything else."""
        year, month = text.split("-")
        if len(year) != 4 or len(month) != 2 or not 1 <= int(month) <= 12:  # noqa: PLR2004 - yyyy-mm
            raise ValueError(text)
        return cls(int(year), int(month))

    @classmethod
    def of(cls, day: date) -> "Month":
        return cls(day.year, day.month)

    def plus(self, months: int) -> "Month":
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    def minus(self, other: "Month") -> int:
        """Return the calendar months from another one to this one."""
        return (self.year - other.year) * 12 + self.month - other.month

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
