"""Reads the dated tables and finds the row that was in force on a day."""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import holidays

from pathways.base import Nation
from pathways.errors import RuleBroken

SHIPPED = Path(__file__).parent / "data"
_replaced_by: list[Path] = []
_times_set: list[int] = []
UNVERIFIED = "unverified"  # the mark of a row that nobody has checked: it is never used
APPRENTICE = "apprentice"
OLDEST = 200  # years; older than any age


class NoSuchReference(RuleBroken):
    """A dated table has no row for that day."""

    title = "The reference tables do not cover this date"


class TableNotUnderstood(RuleBroken):
    """A row of a dated table in PATHWAYS_REFERENCE_FOLDER cannot be read."""

    title = "A reference table cannot be read"


def use_folder(folder: Path | None) -> None:
    """Set the folder whose files replace shipped tables of the same name, and read its bank holidays.

    Called once at start. Raises ``TableNotUnderstood`` if a row of bank holidays is wrong, so that the service does not
    start with wrong deadlines.
    """
    if folder or _replaced_by:  # else every table stays the shipped one, and what was made of it stays valid
        _times_set.append(len(_times_set))
    _replaced_by[:] = [folder] if folder else []
    _rows_of.cache_clear()
    _proclaimed.cache_clear()
    for nation in Nation:
        _proclaimed(path_of("bank_holidays"), nation)


def path_of(table: str) -> Path:
    for folder in _replaced_by:
        if (folder / f"{table}.csv").is_file():
            return folder / f"{table}.csv"
    return SHIPPED / f"{table}.csv"


@lru_cache
def _rows_of(path: Path) -> Sequence[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rows(table: str) -> Sequence[dict[str, str]]:
    return _rows_of(path_of(table))


def reading_of(table: str) -> tuple[Path, int]:
    """Return what identifies the rows in memory, as the key of a cache: the file, and how often a folder was set."""
    return path_of(table), len(_times_set)


def version_of(table: str) -> str:
    """Return the hash of a table's content, which the manifest of an export records."""
    return hashlib.sha256(path_of(table).read_bytes()).hexdigest()[:16]


def version_of_all() -> str:
    """Return one hash of the content of all tables."""
    hashes = "".join(version_of(path.stem) for path in sorted(SHIPPED.glob("*.csv")))
    return hashlib.sha256(hashes.encode()).hexdigest()[:16]


def in_force(table: str, on: date, **keys: str) -> dict[str, str]:
    """Return the latest row with these column values whose first day is on or before a day.

    If the table in PATHWAYS_REFERENCE_FOLDER has no row with these values, the shipped table is used. Raises
    ``NoSuchReference`` if no row had begun by that day.
    """
    return _latest(table, on, _begun(table, on, keys))


def origin(table: str, on: date, **keys: str) -> dict[str, str | None]:
    """Return where the row in force on a day comes from, for a reply that must say which row applied.

    ``in_force_from`` is its first day, ``source`` who set it, and ``evidence`` what its numbers rest on, if the table
    has such a column.
    """
    row = in_force(table, on, **keys)
    return {"in_force_from": row["from"], "source": row["source"], "evidence": row.get("evidence") or None}


def last_verified(table: str, on: date, **keys: str) -> dict[str, str]:
    """Return what ``in_force`` returns, but never a row marked ``unverified``, which nobody has checked."""
    return _latest(table, on, [row for row in _begun(table, on, keys) if is_verified(row)])


def _latest(table: str, on: date, candidates: Sequence[dict[str, str]]) -> dict[str, str]:
    if not candidates:
        raise NoSuchReference(f"{table}.csv has no entry in force on {on.isoformat()}. Use a later date.")
    return max(candidates, key=lambda row: row["from"])


def has_begun(table: str, on: date, **keys: str) -> bool:
    """Return whether a verified row with these column values is in force on a day."""
    return any(is_verified(row) for row in _begun(table, on, keys))


def _begun(table: str, on: date, keys: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the rows with these column values, verified or not, whose first day is on or before a day."""
    known = [row for row in rows(table) if all(row[k] == v for k, v in keys.items())]
    known = known or [row for row in _rows_of(SHIPPED / f"{table}.csv") if all(row[k] == v for k, v in keys.items())]
    return [row for row in known if row["from"] <= on.isoformat()]


def is_verified(row: Mapping[str, str]) -> bool:
    """Return whether the figures of a row were checked. A table without the column ``mark`` needs no check."""
    return row.get("mark", "") != UNVERIFIED


@dataclass(frozen=True, slots=True)
class WageRate:
    """A minimum wage in pence an hour, the day it began, and whether a later rate may apply that is not verified yet.

    The rates change on 1 April of each year, so a verified rate is certain only until the next 1 April.
    """

    pence: int
    since: date
    is_certain: bool


def minimum_wage(band: str, on: date) -> WageRate:
    """Return the last verified minimum wage of a band on a day. Raises ``NoSuchReference`` before the first one."""
    row = last_verified("minimum_wage", on, band=band)
    since = date.fromisoformat(row["from"])
    next_change = date(since.year + (since >= date(since.year, 4, 1)), 4, 1)
    return WageRate(int(row["pence"]), since, on < next_change)


def wage_band(age: int, on: date) -> str:
    """Return the minimum-wage band for an age on the day worked (National Minimum Wage Regulations 2015).

    A band is named by its ages, such as ``21_to_24`` or ``25_and_over``. The ages of the bands have changed, so of the
    bands that cover an age, the one whose verified rate began last applies. Below the lowest band, the lowest applies.
    """
    begun = [*_begun("minimum_wage", on, {}), *_rows_of(SHIPPED / "minimum_wage.csv")]
    since = {
        row["band"]: row["from"]
        for row in sorted(begun, key=lambda row: row["from"])
        if row["band"] != APPRENTICE and is_verified(row) and row["from"] <= on.isoformat()
    }
    if not since:
        raise NoSuchReference(f"minimum_wage.csv has no verified entry in force on {on.isoformat()}. Use a later date.")
    age = max(age, min(_ages(band)[0] for band in since))
    covering = [band for band in since if _ages(band)[0] <= age <= _ages(band)[1]]
    return max(covering, key=lambda band: (since[band], _ages(band)[0]))


def highest_wage_band(on: date) -> str:
    """Return the band of the oldest workers on a day: the National Living Wage."""
    return wage_band(OLDEST, on)


def _ages(band: str) -> tuple[int, int]:
    youngest, _, oldest = band.partition("_")
    return int(youngest), int(oldest.removeprefix("to_")) if oldest.startswith("to_") else OLDEST


def limit(name: str, on: date) -> Decimal:
    return Decimal(in_force("limits", on, limit=name)["amount"])


def travel_modes(on: date) -> dict[str, dict[str, float]]:
    """Return, by travel mode, its figures by column name: km per hour, detour factors and minutes."""
    names = {row["mode"] for row in rows("travel_modes")}
    modes = {name: in_force("travel_modes", on, mode=name) for name in sorted(names)}
    texts = {"from", "mode", "source"}
    return {name: {key: float(row[key]) for key in row if key not in texts} for name, row in modes.items()}


def half_day_times(on: date) -> tuple[tuple[int, int], ...]:
    """Return when the morning, the afternoon and the evening begin and end, in minutes after midnight."""
    rows_of_parts = [in_force("half_day_times", on, part=part) for part in ("am", "pm", "eve")]
    return tuple((_minute_of(row["starts"]), _minute_of(row["ends"])) for row in rows_of_parts)


def _minute_of(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


SUBDIVISION = {
    Nation.ENGLAND: "ENG",
    Nation.WALES: "WLS",
    Nation.SCOTLAND: "SCT",
    Nation.NORTHERN_IRELAND: "NIR",
}


@lru_cache
def _bank_holidays(nation: Nation) -> holidays.HolidayBase:
    return holidays.country_holidays("GB", subdiv=SUBDIVISION[nation])


@lru_cache
def _proclaimed(path: Path, nation: Nation) -> Mapping[date, bool]:
    """Return the days of ``bank_holidays.csv`` for a nation: True if the day is a holiday, False if it is not.

    The table adds a holiday that was proclaimed after the calendar of the ``holidays`` package was made, or cancels
    a holiday that was moved. Raises ``TableNotUnderstood`` if a row cannot be read.
    """
    days = {}
    for line, row in enumerate(_rows_of(path), start=2):
        try:
            is_ours = row["nation"] in {nation.value, "all"}
            if not is_ours:
                Nation(row["nation"])
            day, is_holiday = date.fromisoformat(row["day"]), {"yes": True, "no": False}[row["is_holiday"]]
        except (KeyError, TypeError, ValueError) as wrong:
            raise TableNotUnderstood(
                f"Line {line} of bank_holidays.csv cannot be read. Write day as yyyy-mm-dd, nation as england, wales, "
                "scotland, northern_ireland or all, and is_holiday as yes or no."
            ) from wrong
        if is_ours:
            days[day] = is_holiday
    return days


def is_bank_holiday(day: date, nation: Nation) -> bool:
    """Return whether a day is a bank holiday. The table ``bank_holidays`` overrides the built-in calendar."""
    proclaimed = _proclaimed(path_of("bank_holidays"), nation)
    return proclaimed.get(day, day in _bank_holidays(nation))


def is_working_day(day: date, nation: Nation) -> bool:
    return day.weekday() < 5 and not is_bank_holiday(day, nation)  # noqa: PLR2004 - Monday is 0, Saturday 5


def add_working_days(day: date, count: int, nation: Nation) -> date:
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day, nation)
    return day


def due_on(clock: str, since: date, nation: Nation) -> date:
    """Return the last day of the time limit named ``clock`` in ``clocks.csv``, if it began on ``since``."""
    row = in_force("clocks", since, clock=clock)
    amount = int(row["amount"])
    if row["unit"] == "working_days":
        return add_working_days(since, amount, nation)
    return since + timedelta(days=amount)
