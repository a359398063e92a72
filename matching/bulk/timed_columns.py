"""The journeys by timetable of some jobseekers as columns. Without a timetable they are empty and cost nothing."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.pairs.eligibility import Context
from matching.pairs.profiles import JobseekerProfile
from matching.pairs.timed_journeys import untimed

NOT_TIMED = -1
Int32s = NDArray[np.int32]


class TimedTables(NamedTuple):
    """Minutes by timetable.

    ``rows`` has the row of each jobseeker in ``low`` and ``high``, or -1. ``untimed_modes`` has, as bits, the modes of
    travel whose journeys are estimated although there is a timetable.
    """

    rows: Int32s
    untimed_modes: Int32s
    low: NDArray[np.int16]
    high: NDArray[np.int16]


def timed_tables(profiles: Sequence[JobseekerProfile], placements: Any, context: Context) -> TimedTables:
    """Return the minutes by timetable of the jobseekers who use its modes of travel.

    Parameters
    ----------
    profiles : sequence of JobseekerProfile
    placements : PlacementColumns
    context : Context

    Returns
    -------
    TimedTables
        ``low`` and ``high`` have a column for each placement, in the order of the columns. The minutes are -1 where the
        timetable does not say, and 30,000 where no journey is in time.
    """
    rows, modes = np.full(len(profiles), NOT_TIMED, dtype=np.int32), np.zeros(len(profiles), dtype=np.int32)
    if context.timetable is None:
        nothing = np.zeros((0, 0), dtype=np.int16)
        return TimedTables(rows, modes, nothing, nothing)
    arrays = placements.arrays
    low: list[NDArray[np.int16]] = []
    high: list[NDArray[np.int16]] = []
    near = context.timetable.near_columns(placements, arrays.east, arrays.north)
    for j, profile in enumerate(profiles):
        limits = profile.limits
        if limits.place is None or not limits.travel_modes or not context.timetable.kinds_of(limits.travel_modes):
            continue
        weeks = arrays.column("half_days")
        timed = context.timetable.to_all(limits.place, limits.travel_modes, limits.half_days, near, weeks)
        names = untimed(limits.travel_modes, limits, context.timetable)
        modes[j] = sum(1 << bit for bit, name in enumerate(sorted(context.modes)) if name in names)
        rows[j] = len(low)
        low.append(timed.low)
        high.append(timed.high)
    n_placements = len(arrays.east)
    return TimedTables(
        rows, modes, *(np.array(columns, dtype=np.int16).reshape(len(columns), n_placements) for columns in (low, high))
    )
