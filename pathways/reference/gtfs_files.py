"""The files inside a GTFS zip, row by row. Each fault names the file, the row, the field, the rule and the remedy."""

import csv
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NoReturn, Self

from pathways.errors import RuleBroken

NEEDED_FILES = ("stops.txt", "routes.txt", "trips.txt", "stop_times.txt")
CALENDARS = ("calendar.txt", "calendar_dates.txt")
READ_FILES = (*NEEDED_FILES, *CALENDARS, "feed_info.txt", "frequencies.txt")
BROKEN_ARCHIVE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError)
DAMAGED_PART = (*BROKEN_ARCHIVE, OSError)  # bzip2 raises an OSError
DAY = re.compile(r"^\d{8}$")
TIME = re.compile(r"^(\d{1,2}):([0-5]\d):([0-5]\d)$")
LAST_HOUR = 48  # a trip that begins before midnight ends within the next day
LONGEST_CELL = 60  # letters of a cell that a message quotes


class TimetableRefused(RuleBroken):
    """A GTFS file breaks a rule, or is too large."""

    title = "The timetable cannot be read"


def refuse(file: str, row: int, field: str, rule: str, remedy: str) -> NoReturn:
    """Refuse a timetable because of one cell."""
    raise TimetableRefused(f"{file}, row {row}, {field}: {rule} {remedy} Nothing was saved.")


class GtfsFiles:
    """The text files of one GTFS zip. The size of what is read is checked before anything is unpacked."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.name = path.name
        try:
            self._archive = zipfile.ZipFile(path)
        except OSError as broken:
            raise TimetableRefused(f"{path} cannot be opened ({broken.strerror}). Check the path.") from broken
        except BROKEN_ARCHIVE as broken:
            raise TimetableRefused(
                f"{path.name} is not a zip file. Download the GTFS zip again. Nothing was saved."
            ) from broken
        self._parts = {part.filename: part for part in self._archive.infolist()}
        self._must_have_all_files()
        # zipfile never gives more than the size that a part declares, so the declared sizes bound the work.
        unpacked = sum(part.file_size for name, part in self._parts.items() if name in READ_FILES)
        if unpacked > most_bytes:
            raise TimetableRefused(
                f"{path.name} unpacks to {unpacked:,} bytes, and at most {most_bytes:,} are read. Load a smaller "
                "region, or raise PATHWAYS_MAX_UNPACKED_BYTES. Nothing was saved."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def __contains__(self, file: str) -> bool:
        return file in self._parts

    def _must_have_all_files(self) -> None:
        missing = [file for file in NEEDED_FILES if file not in self]
        if not any(file in self for file in CALENDARS):
            missing.append("calendar.txt")
        if missing:
            raise TimetableRefused(
                f"{self.name} has no {' and no '.join(missing)}. A GTFS zip has them at its top level, in no folder. "
                "Nothing was saved."
            )

    def rows(self, file: str, needed: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, list[str]]]:
        """Yield the row number and the cells of the given columns, stripped; the header is row 1.

        A missing optional column gives empty cells. A file that the zip does not have gives no rows.
        """
        if file not in self:
            return
        row = 1
        try:
            with self._archive.open(self._parts[file]) as raw:
                lines = csv.reader(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""), strict=True)
                header = [name.strip() for name in next(lines, [])]
                if missing := [name for name in needed if name not in header]:
                    refuse(file, 1, missing[0], "the column is missing.", "Add it, as GTFS asks.")
                places = [header.index(name) if name in header else -1 for name in (*needed, *optional)]
                for row, line in enumerate(lines, start=2):
                    if not line:
                        continue
                    try:
                        yield row, [line[place].strip() if place >= 0 else "" for place in places]
                    except IndexError:
                        refuse(file, row, header[len(line)], "the cell is missing.", "Give every row all columns.")
        except (csv.Error, UnicodeDecodeError) as broken:
            refuse(file, row + 1, "the row", f"it is not CSV in UTF-8 ({broken}).", "Save the file as CSV UTF-8.")
        except DAMAGED_PART as broken:
            raise TimetableRefused(
                f"{file} in {self.name} is damaged or encrypted. Download the zip again. Nothing was saved."
            ) from broken


def day_of(file: str, row: int, field: str, text: str) -> date:
    """Return a day written as GTFS writes it, such as 20261130."""
    try:
        return date.fromisoformat(text if DAY.match(text) else "")
    except ValueError:
        refuse(file, row, field, f"{shortened(text)} is not a day.", "Write it as YYYYMMDD.")


def seconds_of(row: int, field: str, text: str) -> int:
    """Return a time of ``stop_times.txt`` in seconds after midnight, or -1 for an empty cell."""
    if not text:
        return -1
    parts = TIME.match(text)
    if parts is None or int(parts[1]) > LAST_HOUR:
        remedy = f"Write it as HH:MM:SS, up to {LAST_HOUR}:59:59 for a trip after midnight."
        refuse("stop_times.txt", row, field, f"{shortened(text)} is not a time.", remedy)
    return int(parts[1]) * 3600 + int(parts[2]) * 60 + int(parts[3])


def whole_number(file: str, row: int, field: str, text: str) -> int:
    """Return a cell as a whole number that is not negative."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004 - more digits do not fit the columns
        refuse(file, row, field, f"{shortened(text)} is not a whole number.", "Write digits only.")
    return int(text)


def shortened(text: str) -> str:
    """Return a cell for a message: quoted, and cut if it is long."""
    return f'"{text[:LONGEST_CELL]}"' if text else "an empty cell"
