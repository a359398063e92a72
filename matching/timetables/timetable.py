"""A timetable of public transport as arrays: stops, trips, their calls, and the days on which each service runs."""

import io
from dataclasses import dataclass, fields
from datetime import date, timedelta
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

# The kinds of vehicle, each a bit. They are also the names of the modes of travel in a profile.
KINDS = {"bus": 1, "tube": 2, "train": 4}
BOARDS, ALIGHTS = 1, 2  # what passengers may do at a call
WEEKS_COMPARED = 4  # of four Mondays, most are ordinary ones, even around a bank holiday
WEEK = timedelta(days=7)
Int32s = NDArray[np.int32]


class TimetableUnreadable(ValueError):
    """The stored bytes are not a timetable of this version."""


@dataclass(frozen=True, eq=False)
class Timetable:
    """All trips between two days.

    Parameters
    ----------
    first_on : int
        The ordinal of the first day of ``runs``.
    east, north : ndarray of float64 of shape (n_stops,)
        In metres on the National Grid.
    kind, service : ndarray of shape (n_trips,)
        The kind of vehicle (see ``KINDS``), and the row of ``runs``.
    calls_from : ndarray of int32 of shape (n_trips + 1,)
        Where the calls of each trip begin.
    stop, arrives, departs, may : ndarray of shape (n_calls,)
        The stop of each call; minutes after midnight, which pass 1,440 after midnight; and ``BOARDS`` and ``ALIGHTS``
        as bits.
    runs : ndarray of bool of shape (n_services, n_days)

    Examples
    --------
    >>> Timetable.of_trips(738_000, [(0.0, 0.0), (4000.0, 0.0)], [(1, [(0, 480, 480), (1, 490, 490)])], days=7).last_on
    738006
    """

    first_on: int
    east: NDArray[np.float64]
    north: NDArray[np.float64]
    kind: NDArray[np.uint8]
    service: Int32s
    calls_from: Int32s
    stop: Int32s
    arrives: NDArray[np.int16]
    departs: NDArray[np.int16]
    may: NDArray[np.uint8]
    runs: NDArray[np.bool_]

    @property
    def last_on(self) -> int:
        """The ordinal of the last day."""
        return self.first_on + int(self.runs.shape[1]) - 1

    @classmethod
    def of_trips(
        cls,
        first_on: int,
        stops: list[tuple[float, float]],
        trips: list[tuple[int, list[tuple[int, int, int]]]],
        days: int,
    ) -> "Timetable":
        """Return a timetable whose trips all run on each day.

        Parameters
        ----------
        first_on : int
            The ordinal of the first day.
        stops : list of tuple of float
            Easting and northing in metres.
        trips : list of (int, list of tuple of int)
            The kind of vehicle, and the calls: stop, arrival and departure in minutes after midnight.
        days : int
            The number of days.

        Returns
        -------
        Timetable
        """
        places = np.array(stops, dtype=np.float64).reshape(-1, 2)
        calls = np.array([call for _, trip in trips for call in trip], dtype=np.int32).reshape(-1, 3)
        return cls(
            first_on,
            places[:, 0].copy(),
            places[:, 1].copy(),
            np.array([kind for kind, _ in trips], dtype=np.uint8),
            np.zeros(len(trips), dtype=np.int32),
            np.concatenate([[0], np.cumsum([len(trip) for _, trip in trips])]).astype(np.int32),
            calls[:, 0].copy(),
            calls[:, 1].astype(np.int16),
            calls[:, 2].astype(np.int16),
            np.full(len(calls), BOARDS | ALIGHTS, dtype=np.uint8),
            np.ones((1, days), dtype=np.bool_),
        )

    def packed(self) -> bytes:
        """Return the timetable as bytes. Equal timetables give equal bytes.

        Returns
        -------
        bytes
        """
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        # Differences between neighbours are small and repeat from trip to trip, so they take a fraction of the room.
        for name in ("stop", "arrives", "departs", "calls_from"):
            arrays[name] = np.diff(arrays[name], prepend=arrays[name].dtype.type(0))
        arrays["runs"] = np.packbits(self.runs, axis=1)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, days=self.runs.shape[1], **arrays)
        return buffer.getvalue()

    @classmethod
    def unpacked(cls, content: bytes) -> "Timetable":
        """Return the timetable in the bytes that ``packed`` made.

        Parameters
        ----------
        content : bytes

        Returns
        -------
        Timetable

        Raises
        ------
        TimetableUnreadable
            If the bytes are something else.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                arrays = dict(file)
            for name in ("stop", "arrives", "departs", "calls_from"):
                arrays[name] = np.cumsum(arrays[name], dtype=arrays[name].dtype)
            days = int(arrays.pop("days"))
            arrays["runs"] = np.unpackbits(arrays["runs"], axis=1, count=days).astype(np.bool_)
            return cls(**{**arrays, "first_on": int(arrays["first_on"])})
        except (BadZipFile, EOFError, KeyError, OSError, TypeError, ValueError) as broken:
            raise TimetableUnreadable("The stored timetable cannot be read. Load its file again.") from broken

    def services_on(self, weekday: int, on: date) -> NDArray[np.bool_] | None:
        """Return which services run on an ordinary day of the week, soon after a day.

        Of the next four such days within the timetable, the day counts whose services most of them share, so that a
        bank holiday does not speak for all Mondays.

        Parameters
        ----------
        weekday : int
            Monday is 0.
        on : date

        Returns
        -------
        ndarray of bool of shape (n_services,) or None
            None if the timetable has no such day from ``on`` on.
        """
        first = on + timedelta(days=(weekday - on.weekday()) % 7)
        columns = [(first + week * WEEK).toordinal() - self.first_on for week in range(WEEKS_COMPARED)]
        days = [self.runs[:, column] for column in columns if 0 <= column < self.runs.shape[1]]
        if not days:
            return None
        alike = [sum(np.array_equal(day, other) for other in days) for day in days]
        ordinary: NDArray[np.bool_] = days[int(np.argmax(alike))]
        return ordinary
