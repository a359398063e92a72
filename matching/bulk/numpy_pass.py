"""The pass in NumPy alone: the oracle of the compiled one, and what runs where Numba does not."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.bulk import bits
from matching.bulk.bits import MARGIN_METRES, Best, room_for
from matching.bulk.columns import ENDLESS, NO, DayArrays, JobseekerArrays, PlacementArrays
from matching.pairs.eligibility import half_days_for
from matching.pairs.features import BEST, FAR_MINUTES, LONG_ANSWER_DAYS, LONG_WAIT_DAYS, SHORT_WEEK, WORST
from matching.pairs.grades import STEPS, THOUSAND, UNKNOWN, Codes, mixed_all
from matching.score.tables import FEATURES, ScoreTables, TableArrays

Rows = NDArray[np.intp]


def check_and_score(
    jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, tables: TableArrays, day: DayArrays
) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Return how every pair of one jobseeker comes out.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    j : int
        Which of them.
    placements : PlacementArrays
    tables : TableArrays
    day : DayArrays

    Returns
    -------
    tuple of ndarray of uint16 and ndarray of int32, of shape (n_placements,)
        The failed checks of each pair as bits, in the order of ``Rule``; and its score in millionths, -1 where a check
        fails.
    """
    rows = np.arange(len(placements.east))
    failed = _failed(jobseekers, j, placements, day, rows)
    scores = np.full(len(rows), -1, dtype=np.int32)
    open_rows = np.flatnonzero(failed == 0)
    scores[open_rows] = ScoreTables(tables).scores(codes(jobseekers, j, placements, day, open_rows))
    return failed, scores


def best(
    jobseekers: JobseekerArrays,
    placements: PlacementArrays,
    tables: TableArrays,
    day: DayArrays,
    *,
    k: int,
    seed: int,
    side_k: int = 0,
) -> Best:
    """Return the best placements of each jobseeker, and the best jobseekers of each placement if asked for.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    placements : PlacementArrays
    tables : TableArrays
    day : DayArrays
    k : int
        How many placements of each jobseeker.
    seed : int
        ``hash_of`` the day's seed: equal scores stand by its lots.
    side_k : int
        How many jobseekers of each placement.

    Returns
    -------
    Best
    """
    found = room_for(len(jobseekers.east), len(placements.east), k, side_k)
    compiled = ScoreTables(tables)
    lists = mixed_all(jobseekers.hashes ^ np.uint64(seed))
    side_lists = mixed_all(placements.hashes ^ np.uint64(seed))
    for j in range(len(jobseekers.east)):
        rows = within_reach(jobseekers, j, placements, day)
        rows = rows[_failed(jobseekers, j, placements, day, rows) == 0]
        found.eligible[j] = len(rows)
        scores = compiled.scores(codes(jobseekers, j, placements, day, rows))
        lots = mixed_all(placements.hashes[rows] ^ lists[j])
        first = np.lexsort((rows, lots, -scores))[:k]
        found.placements[j, : len(first)] = rows[first]
        found.scores[j, : len(first)] = scores[first]
        if side_k:
            _enter_lists(found, j, rows, scores, mixed_all(side_lists[rows] ^ jobseekers.hashes[j]))
    return found


def _enter_lists(found: Best, j: int, rows: Rows, scores: Any, lots: NDArray[np.uint64]) -> None:
    """Let one jobseeker into the lists of the placements that are open to them."""
    for p, score, lot in zip(rows.tolist(), scores.tolist(), lots.tolist(), strict=True):
        kept, drawn, people = found.jobseeker_scores[p], found.jobseeker_lots[p], found.jobseekers[p]
        behind = (kept < score) | ((kept == score) & (drawn > lot))
        if behind.any():
            at = int(np.argmax(behind))
            for column, value in ((kept, score), (drawn, lot), (people, j)):
                column[at + 1 :] = column[at:-1].copy()
                column[at] = value


def within_reach(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays) -> Rows:
    """Return the rows of the placements that may be near enough, and of all that are nowhere in particular.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    j : int
    placements : PlacementArrays
    day : DayArrays

    Returns
    -------
    ndarray of shape (n_rows,)
        Rising.
    """
    count, behind = len(placements.east), int(placements.cells[-1])
    reach = _reach_metres(jobseekers, j, day)
    if reach is None:
        return np.arange(count)
    runs = [np.arange(behind, count)]
    if reach >= 0.0 and behind:
        west, south, size, across, up = placements.grid.tolist()
        x, y = jobseekers.east[j], jobseekers.north[j]
        first, last = int((x - reach - west) // size), int((x + reach - west) // size)
        low, high = int((y - reach - south) // size), int((y + reach - south) // size)
        first, last = max(first, 0), min(last, int(across) - 1)
        for line in range(max(low, 0), min(high, int(up) - 1) + 1):
            if first <= last:
                start = int(placements.cells[line * int(across) + first])
                runs.append(np.arange(start, int(placements.cells[line * int(across) + last + 1])))
    return np.sort(np.concatenate(runs))


def _reach_metres(jobseekers: JobseekerArrays, j: int, day: DayArrays) -> float | None:
    """Return how far the longest journey may go; None where no journey can be ruled out."""
    minutes, modes = jobseekers.number("minutes", j), jobseekers.number("modes", j)
    if not jobseekers.number("is_placed", j) or minutes == NO or modes == 0:
        return None
    reach = -1.0
    for bit in range(len(day.modes)):
        if modes >> bit & 1:
            reach = max(reach, (minutes + 1 - day.modes[bit, 1]) / day.modes[bit, 0] * 1000 + MARGIN_METRES)
    return reach


def _failed(
    jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays, rows: Rows
) -> NDArray[np.uint16]:
    failed = np.zeros(len(rows), dtype=np.uint16)
    for bit, fails in (
        (bits.SAFETY, _is_blocked(jobseekers, j, rows)),
        (bits.PLACES, placements.column("has_places")[rows] == 0),
        (bits.AGE, _fails_age(jobseekers.number("age", j), placements, rows)),
        (bits.RIGHT_TO_WORK, placements.column("asks_right_to_work")[rows] * jobseekers.number("may_not_work", j)),
        (bits.DATES, _fails_dates(jobseekers.number("earliest", j), placements, day, rows)),
        (bits.HOURS, _fails_hours(jobseekers, j, placements, rows)),
        (bits.HALF_DAYS, _fails_half_days(jobseekers, j, placements, day, rows)),
        (bits.TRAVEL, _fails_travel(jobseekers, j, placements, day, rows)),
        (bits.LICENCES, _fails_licences(jobseekers, j, placements, rows)),
        (bits.QUALIFICATIONS, _fails_level(jobseekers.number("level", j), placements, rows)),
    ):
        failed |= np.where(fails, bit, 0).astype(np.uint16)
    return failed


def _is_blocked(jobseekers: JobseekerArrays, j: int, rows: Rows) -> NDArray[np.bool_]:
    blocked = jobseekers.blocked[jobseekers.blocked_from[j] : jobseekers.blocked_from[j + 1]]
    return np.isin(rows, blocked) if len(blocked) else np.zeros(len(rows), dtype=np.bool_)


def _fails_age(age: int, placements: PlacementArrays, rows: Rows) -> Any:
    if age == NO:
        return False
    return (age < placements.column("least_age")[rows]) | (age > placements.column("most_age")[rows])


def _fails_dates(earliest: int, placements: PlacementArrays, day: DayArrays, rows: Rows) -> Any:
    ends = placements.column("ends")[rows]
    return (ends < day.numbers[0]) | ((earliest != NO) & (earliest > ends))


def _fails_hours(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    hours = placements.column("hours")[rows]
    is_over = hours > jobseekers.number("most_hours", j)
    return (hours != NO) & np.where(
        is_over, placements.column("flexible")[rows] != 1, hours < jobseekers.number("least_hours", j)
    )


def _fails_half_days(
    jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays, rows: Rows
) -> Any:
    mine, theirs = jobseekers.number("half_days", j), placements.column("half_days")[rows].astype(np.int64)
    if mine == NO:
        return False
    needed = np.minimum(day.half_days[rows], half_days_for(jobseekers.number("most_hours", j), int(day.numbers[1])))
    shared = np.bitwise_count(np.maximum(theirs, 0) & mine)
    flexible = placements.column("flexible")[rows]
    refuses = np.where(flexible == 1, shared < needed, flexible == 0)
    return (theirs != NO) & ((np.maximum(theirs, 0) & ~mine) != 0) & refuses


def _minutes(
    jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays, rows: Rows
) -> tuple[Any, Any, Any]:
    """Return whether there is a journey, and its minutes by the quickest way, low and high."""
    modes = jobseekers.number("modes", j)
    there = (placements.column("is_placed")[rows] == 1) & (placements.column("is_remote")[rows] == 0)
    there &= bool(jobseekers.number("is_placed", j) and modes)
    east, north = jobseekers.east[j] - placements.east[rows], jobseekers.north[j] - placements.north[rows]
    km = np.sqrt(east * east + north * north) / 1000
    best_low, best_high = np.full(len(rows), ENDLESS, dtype=np.int64), np.full(len(rows), ENDLESS, dtype=np.int64)
    for bit in range(len(day.modes)):
        if modes >> bit & 1:
            low = (km * day.modes[bit, 0] + day.modes[bit, 1]).astype(np.int64)
            high = np.ceil(km * day.modes[bit, 2] + day.modes[bit, 3]).astype(np.int64)
            better = (low < best_low) | ((low == best_low) & (high < best_high))
            best_low, best_high = np.where(better, low, best_low), np.where(better, high, best_high)
    return there, best_low, best_high


def _fails_travel(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays, rows: Rows) -> Any:
    limit = jobseekers.number("minutes", j)
    if limit == NO:
        return False
    there, low, _ = _minutes(jobseekers, j, placements, day, rows)
    return there & (low > limit)


def _fails_licences(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    held, needed = jobseekers.number("licences", j), placements.column("licences")[rows]
    return False if held == NO else (needed != NO) & (jobseekers.licence_table[held, np.maximum(needed, 0)] == 1)


def _fails_level(level: int, placements: PlacementArrays, rows: Rows) -> Any:
    return False if level == NO else placements.column("level")[rows] > level


def codes(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays, rows: Rows) -> Codes:
    """Return the grades of every feature of some pairs of one jobseeker.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    j : int
    placements : PlacementArrays
    day : DayArrays
    rows : ndarray of shape (n_rows,)
        Of the placements' columns.

    Returns
    -------
    ndarray of uint8 of shape (n_rows, n_features)
    """
    found = np.full((len(rows), len(FEATURES)), UNKNOWN, dtype=np.uint8)
    for column, told in enumerate(
        (
            _aspiration(jobseekers, j, placements, rows),
            _avoids(jobseekers, j, placements, rows),
            _skills(jobseekers, j, placements, rows, "essential"),
            _skills(jobseekers, j, placements, rows, "desirable"),
            _travel(jobseekers, j, placements, day, rows),
            _hours(jobseekers, j, placements, rows),
            _shared_half_days(jobseekers, j, placements, rows),
            _single(
                jobseekers.number("environment", j),
                jobseekers.environment_table,
                placements.column("environment")[rows],
            ),
            _start_date(jobseekers, j, placements, rows),
            _single(
                jobseekers.number("adjustments", j), jobseekers.adjustment_table, placements.column("adjustments")[rows]
            ),
            np.where(placements.column("offers_support")[rows] == 1, BEST, UNKNOWN),
            _answers(placements, rows),
        )
    ):
        found[:, column] = told
    return found


def _share(part: Any, whole: Any) -> Any:
    return (2 * STEPS * part + whole) // (2 * whole)


def _listed(numbers: Any, begins: Any, j: int) -> list[int]:
    found: list[int] = numbers[begins[j] : begins[j + 1]].tolist()
    return found


def _aspiration(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    wishes = _listed(jobseekers.wishes, jobseekers.wishes_from, j)
    if not wishes:
        return UNKNOWN
    title, occupation = placements.column("title")[rows], placements.column("occupation")[rows]
    of_rows = jobseekers.title_table[wishes]
    told = of_rows[:, title].max(axis=0)
    return np.where(occupation == NO, told, np.maximum(told, of_rows[:, np.maximum(occupation, 0)].max(axis=0)))


def _avoids(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    avoid = _listed(jobseekers.avoid, jobseekers.avoid_from, j)
    if not avoid:
        return UNKNOWN
    hit = jobseekers.listing_table[avoid][:, placements.column("listing")[rows]].any(axis=0)
    return np.where(hit, WORST, BEST)


def _skills(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows, kind: str) -> Any:
    if not jobseekers.number("tells_skills", j):
        return UNKNOWN
    begins: Any = getattr(placements, f"{kind}_from")
    asked: Any = getattr(placements, kind)
    weights: Any = getattr(placements, f"{kind}_weight")
    mine = _listed(jobseekers.skills, jobseekers.skills_from, j)
    table = jobseekers.skill_table
    own = table[mine].max(axis=0) if mine else np.zeros(table.shape[1], dtype=table.dtype)
    lengths = begins[rows + 1] - begins[rows]
    at = np.repeat(begins[rows] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(lengths.sum())
    whose = np.repeat(np.arange(len(rows)), lengths)
    weight = weights[at].astype(np.int64)
    part, whole = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    np.add.at(part, whose, weight * own[asked[at]])
    np.add.at(whole, whose, weight * THOUSAND)
    return np.where(whole == 0, UNKNOWN, _share(part, np.maximum(whole, 1)))


def _travel(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays, rows: Rows) -> Any:
    there, low, high = _minutes(jobseekers, j, placements, day, rows)
    told = _share(np.maximum(2 * FAR_MINUTES - (low + high), 0), 2 * FAR_MINUTES)
    return np.where(placements.column("is_remote")[rows] == 1, BEST, np.where(there, told, UNKNOWN))


def _hours(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    least, most = jobseekers.number("offered_least", j), jobseekers.number("offered_most", j)
    if least == NO and most == NO:
        return UNKNOWN
    hours = placements.column("hours")[rows].astype(np.int64)
    low = max(least, 0)
    high = np.full(len(rows), most) if most != NO else np.maximum(low, hours)
    gap = np.where(hours < low, low - hours, hours - high)
    whole = np.maximum(high, SHORT_WEEK)
    told = np.where((low <= hours) & (hours <= high), BEST, _share(np.maximum(whole - gap, 0), whole))
    return np.where(hours == NO, UNKNOWN, told)


def _shared_half_days(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    mine, theirs = jobseekers.number("offered_half_days", j), np.maximum(placements.column("half_days")[rows], 0)
    if mine == NO:
        return UNKNOWN
    total = np.bitwise_count(theirs).astype(np.int64)
    shared = np.bitwise_count(theirs & mine).astype(np.int64)
    return np.where(total == 0, UNKNOWN, _share(shared, np.maximum(total, 1)))


def _single(mine: int, table: Any, theirs: Any) -> Any:
    return UNKNOWN if mine == NO else np.where(theirs == NO, UNKNOWN, table[mine, np.maximum(theirs, 0)])


def _start_date(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    earliest, starts = jobseekers.number("offered_earliest", j), placements.column("starts")[rows].astype(np.int64)
    if earliest == NO:
        return UNKNOWN
    told = _share(np.maximum(LONG_WAIT_DAYS - np.abs(starts - earliest), 0), LONG_WAIT_DAYS)
    return np.where(starts == NO, UNKNOWN, told)


def _answers(placements: PlacementArrays, rows: Rows) -> Any:
    days = placements.column("answers")[rows].astype(np.int64)
    told = _share(np.maximum(LONG_ANSWER_DAYS - days, 0), LONG_ANSWER_DAYS)
    return np.where(days == NO, UNKNOWN, told)
