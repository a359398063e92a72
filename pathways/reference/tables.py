"""Reads the dated tables and finds the row that was in force on a day."""

import csv
import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import holidays

from pathways.base import Nation
from pathways.errors import RuleBroken

SHIPPED = Path(__file__).parent / "data"
_replaced_by: list[Path] = []


class NoSuchReference(RuleBroken):
    """A dated table has no row for that day."""

    title = "The reference tables do not cover this date"


def use_folder(folder: Path | None) -> None:
    """Set the folder whose files replace shipped tables of the same name. Called once at start."""
    _replaced_by[:] = [folder] if folder else []
    _rows_of.cache_clear()


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
    known = [row for row in rows(table) if all(row[k] == v for k, v in keys.items())]
    known = known or [row for row in _rows_of(SHIPPED / f"{table}.csv") if all(row[k] == v for k, v in keys.items())]
    candidates = [row for row in known if row["from"] <= on.isoformat()]
    if not candidates:
        raise NoSuchReference(f"{table}.csv has no entry in force on {on.isoformat()}. Use a later date.")
    return max(candidates, key=lambda row: row["from"])


def minimum_wage_pence(band: str, on: date) -> int:
    return int(in_force("minimum_wage", on, band=band)["pence"])


def wage_band(age: int) -> str:
    """Return the minimum-wage band for a jobseeker's age on the day worked (National Minimum Wage Regulations 2015)."""
    for youngest, band in ((21, "21_and_over"), (18, "18_to_20")):
        if age >= youngest:
            return band
    return "16_to_17"


def limit(name: str, on: date) -> Decimal:
    return Decimal(in_force("limits", on, limit=name)["amount"])


def travel_modes(on: date) -> dict[str, dict[str, float]]:
    """Return, by travel mode, its figures by column name: km per hour, detour factors and minutes."""
    names = {row["mode"] for row in rows("travel_modes")}
    modes = {name: in_force("travel_modes", on, mode=name) for name in sorted(names)}
    texts = {"from", "mode", "source"}
    return {name: {key: float(row[key]) for key in row if key not in texts} for name, row in modes.items()}


SUBDIVISION = {
    Nation.ENGLAND: "ENG",
    Nation.WALES: "WLS",
    Nation.SCOTLAND: "SCT",
    Nation.NORTHERN_IRELAND: "NIR",
}


@lru_cache
def _bank_holidays(nation: Nation) -> holidays.HolidayBase:
    return holidays.country_holidays("GB", subdiv=SUBDIVISION[nation])


def is_working_day(day: date, nation: Nation) -> bool:
    return day.weekday() < 5 and day not in _bank_holidays(nation)  # noqa: PLR2004 - Monday is 0, Saturday 5


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
