"""The pass that uses NumPy alone.

The tests require that the compiled pass gives the same results. This pass also runs on machines without Numba.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.bulk import bits
from matching.bulk.bits import MARGIN_METRES, Best, CheckedPlacements, is_only_agreeable, room_for
from matching.bulk.columns import ENDLESS, NO, DayArrays, JobseekerArrays, PlacementArrays
from matching.pairs.features import FAR_MINUTES, LONG_ANSWER_DAYS, LONG_WAIT_DAYS, OVER_LIMIT, SHORT_WEEK
from matching.pairs.grades import STEPS, THOUSAND, UNKNOWN, Codes, mixed_all
from matching.pairs.half_days import half_days_for
from matching.pairs.surroundings import BEST, REFUSED, RULED_OUT, SHOWN, WORST
from matching.score.tables import FEATURES, ScoreTables, TableArrays
from matching.timetables.journeys import NOT_COVERED, NOT_IN_TIME

Rows = NDArray[np.intp]


def check_and_score(
    jobseekers: JobseekerArrays,
    j: int,
    placements: PlacementArrays,
    tables: TableArrays,
    day: DayArrays,
    agreeable: int = 0,
) -> CheckedPlacements:
    """Check and score every placement for one jobseeker.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    j : int
        Row of the jobseeker.
    placements : PlacementArrays
    tables : TableArrays
    day : DayArrays
    agreeable : int
        The bits of the checks that can be agreed on. A placement that fails one of them and no other check is scored
        too, in ``agreed``.

    Returns
    -------
    CheckedPlacements
    """
    everything = np.arange(len(placements.east))
    failed = _failed(jobseekers, j, placements, day, everything)
    is_open = failed == 0
    rows = np.flatnonzero(is_open | is_only_agreeable(failed, agreeable))
    values, grades = np.full(len(failed), -1, dtype=np.int32), np.zeros((len(failed), len(FEATURES)), dtype=np.uint8)
    grades[rows] = codes(jobseekers, j, placements, day, rows)
    values[rows] = ScoreTables(tables).scores(grades[rows])
    return CheckedPlacements(failed, np.where(is_open, values, -1), np.where(is_open, -1, values), grades)


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
    """Return the best placements of each jobseeker and, if requested, the best jobseekers of each placement.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    placements : PlacementArrays
    tables : TableArrays
    day : DayArrays
    k : int
        The number of placements to return for each jobseeker, at least 1.
    seed : int
        The hash of the day's seed, computed by ``hash_of``. It decides the order of equal scores.
    side_k : int
        The number of jobseekers to return for each placement.

    Returns
    -------
    Best
    """
    result = room_for(len(jobseekers.east), len(placements.east), k, side_k)
    compiled = ScoreTables(tables)
    jobseeker_seeds = mixed_all(jobseekers.hashes ^ np.uint64(seed))
    placement_seeds = mixed_all(placements.hashes ^ np.uint64(seed))
    for j in range(len(jobseekers.east)):
        rows = within_reach(jobseekers, j, placements, day)
        rows = rows[_failed(jobseekers, j, placements, day, rows) == 0]
        result.eligible[j] = len(rows)
        scores = compiled.scores(codes(jobseekers, j, placements, day, rows))
        tie_breaks = mixed_all(placements.hashes[rows] ^ jobseeker_seeds[j])
        first = np.lexsort((rows, tie_breaks, -scores))[:k]
        result.placements[j, : len(first)] = rows[first]
        result.scores[j, : len(first)] = scores[first]
        if side_k:
            _enter_lists(result, j, rows, scores, mixed_all(placement_seeds[rows] ^ jobseekers.hashes[j]))
    return result


def _enter_lists(result: Best, j: int, rows: Rows, scores: Any, tie_breaks: NDArray[np.uint64]) -> None:
    """Insert jobseeker ``j`` into the lists of the placements in ``rows``, which have passed every check."""
    for p, score, tie_break in zip(rows.tolist(), scores.tolist(), tie_breaks.tolist(), strict=True):
        list_scores, list_ties, list_people = result.jobseeker_scores[p], result.jobseeker_lots[p], result.jobseekers[p]
        is_worse = (list_scores < score) | ((list_scores == score) & (list_ties > tie_break))
        if is_worse.any():
            at = int(np.argmax(is_worse))
            for column, value in ((list_scores, score), (list_ties, tie_break), (list_people, j)):
                column[at + 1 :] = column[at:-1].copy()
                column[at] = value


def within_reach(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays) -> Rows:
    """Return the rows of the placements that are not too far away for one jobseeker.

    Remote placements and placements without a location are always returned.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    j : int
        Row of the jobseeker.
    placements : PlacementArrays
    day : DayArrays

    Returns
    -------
    ndarray of shape (n_rows,)
        Rows of the placements' columns, ascending.
    """
    count, off_grid = len(placements.east), int(placements.cells[-1])
    reach = _reach_metres(jobseekers, j, day)
    if reach is None:
        return np.arange(count)
    runs = [np.arange(off_grid, count)]
    if reach >= 0.0 and off_grid:
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
    """Return the distance in metres beyond which a placement is too far away, or None if no distance is too far."""
    minutes, modes = jobseekers.number("minutes", j), jobseekers.number("modes", j)
    if not jobseekers.number("is_placed", j) or minutes == NO or modes == 0 or jobseekers.number("timed", j) != NO:
        return None  # a timetable knows no distance
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
        (bits.NEVER, _has_what_never(jobseekers, j, placements, rows)),
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
    own_week, placement_weeks = jobseekers.number("half_days", j), placements.column("half_days")[rows].astype(np.int64)
    if own_week == NO:
        return False
    needed = np.minimum(day.half_days[rows], half_days_for(jobseekers.number("most_hours", j), int(day.numbers[1])))
    shared = np.bitwise_count(np.maximum(placement_weeks, 0) & own_week)
    flexible = placements.column("flexible")[rows]
    refuses = np.where(flexible == 1, shared < needed, flexible == 0)
    return (placement_weeks != NO) & ((np.maximum(placement_weeks, 0) & ~own_week) != 0) & refuses


def _minutes(
    jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays, rows: Rows
) -> tuple[Any, Any, Any]:
    """Return three arrays: whether a pair has a journey, and its fast and slow minutes by the quickest mode."""
    modes = jobseekers.number("modes", j)
    has_journey = (placements.column("is_placed")[rows] == 1) & (placements.column("is_remote")[rows] == 0)
    has_journey &= bool(jobseekers.number("is_placed", j) and modes)
    east, north = jobseekers.east[j] - placements.east[rows], jobseekers.north[j] - placements.north[rows]
    km = np.sqrt(east * east + north * north) / 1000
    best_low, best_high = np.full(len(rows), ENDLESS, dtype=np.int64), np.full(len(rows), ENDLESS, dtype=np.int64)
    timed, untimed = jobseekers.number("timed", j), jobseekers.number("untimed_modes", j)
    timed_low = best_low if timed == NO else jobseekers.timed_low_table[timed][rows].astype(np.int64)
    for bit in range(len(day.modes)):
        if modes >> bit & 1:
            low = (km * day.modes[bit, 0] + day.modes[bit, 1]).astype(np.int64)
            high = np.ceil(km * day.modes[bit, 2] + day.modes[bit, 3]).astype(np.int64)
            better = (low < best_low) | ((low == best_low) & (high < best_high))
            if timed != NO and not untimed >> bit & 1:
                better &= timed_low == NOT_COVERED
            best_low, best_high = np.where(better, low, best_low), np.where(better, high, best_high)
    if timed != NO:
        timed_high = jobseekers.timed_high_table[timed][rows].astype(np.int64)
        better = (timed_low != NOT_COVERED) & (timed_low != NOT_IN_TIME)
        better &= (timed_low < best_low) | ((timed_low == best_low) & (timed_high < best_high))
        best_low, best_high = np.where(better, timed_low, best_low), np.where(better, timed_high, best_high)
    return has_journey, best_low, best_high


def _fails_travel(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays, rows: Rows) -> Any:
    limit = jobseekers.number("minutes", j)
    if limit == NO:
        return False
    has_journey, low, _ = _minutes(jobseekers, j, placements, day, rows)
    return has_journey & (low > limit)


def _fails_licences(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    held, needed = jobseekers.number("licences", j), placements.column("licences")[rows]
    return False if held == NO else (needed != NO) & (jobseekers.licence_table[held, np.maximum(needed, 0)] == 1)


def _fails_level(level: int, placements: PlacementArrays, rows: Rows) -> Any:
    return False if level == NO else placements.column("level")[rows] > level


def _has_what_never(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    avoid = _listed(jobseekers.avoid, jobseekers.avoid_from, j)
    if not avoid or not jobseekers.number("says_never", j):
        return False
    return (jobseekers.listing_table[avoid][:, placements.column("listing")[rows]] == REFUSED).any(axis=0)


def codes(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays, rows: Rows) -> Codes:
    """Return the grade of every feature for one jobseeker and some placements.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    j : int
        Row of the jobseeker.
    placements : PlacementArrays
    day : DayArrays
    rows : ndarray of shape (n_rows,)
        Rows of the placements' columns.

    Returns
    -------
    ndarray of uint8 of shape (n_rows, n_features)
        Grades from 0 to 240, or 255 where the feature is not known.
    """
    grades = np.full((len(rows), len(FEATURES)), UNKNOWN, dtype=np.uint8)
    for column, feature_grades in enumerate(
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
        grades[:, column] = feature_grades
    return grades


def _share(part: Any, whole: Any) -> Any:
    return (2 * STEPS * part + whole) // (2 * whole)


def _listed(numbers: Any, begins: Any, j: int) -> list[int]:
    members: list[int] = numbers[begins[j] : begins[j + 1]].tolist()
    return members


def _aspiration(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    wishes = _listed(jobseekers.wishes, jobseekers.wishes_from, j)
    if not wishes:
        return UNKNOWN
    title, occupation = placements.column("title")[rows], placements.column("occupation")[rows]
    wish_grades = jobseekers.title_table[wishes]
    grades = wish_grades[:, title].max(axis=0)
    return np.where(occupation == NO, grades, np.maximum(grades, wish_grades[:, np.maximum(occupation, 0)].max(axis=0)))


def _avoids(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    avoid = _listed(jobseekers.avoid, jobseekers.avoid_from, j)
    if not avoid:
        return UNKNOWN
    answers = jobseekers.listing_table[avoid][:, placements.column("listing")[rows]]
    is_shown, all_ruled_out = (answers & SHOWN).any(axis=0), (answers == RULED_OUT).all(axis=0)
    return np.where(is_shown, WORST, np.where(all_ruled_out, BEST, UNKNOWN))


def _skills(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows, kind: str) -> Any:
    if not jobseekers.number("tells_skills", j):
        return UNKNOWN
    begins: Any = getattr(placements, f"{kind}_from")
    skills: Any = getattr(placements, kind)
    weights: Any = getattr(placements, f"{kind}_weight")
    own_skills = _listed(jobseekers.skills, jobseekers.skills_from, j)
    table = jobseekers.skill_table
    own_likeness = table[own_skills].max(axis=0) if own_skills else np.zeros(table.shape[1], dtype=table.dtype)
    lengths = begins[rows + 1] - begins[rows]
    at = np.repeat(begins[rows] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(lengths.sum())
    pair_of_entry = np.repeat(np.arange(len(rows)), lengths)
    weight = weights[at].astype(np.int64)
    part, whole = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    np.add.at(part, pair_of_entry, weight * own_likeness[skills[at]])
    np.add.at(whole, pair_of_entry, weight * THOUSAND)
    return np.where(whole == 0, UNKNOWN, _share(part, np.maximum(whole, 1)))


def _travel(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, day: DayArrays, rows: Rows) -> Any:
    has_journey, low, high = _minutes(jobseekers, j, placements, day, rows)
    limit = jobseekers.number("offered_minutes", j)
    far = 2 * FAR_MINUTES if limit == NO else max(1, min(2 * FAR_MINUTES, 4 * limit))
    grades = _share(np.maximum(far - (low + high), 0), far)
    if limit != NO:
        grades = np.where(low + high > 2 * limit, grades // OVER_LIMIT, grades)
    return np.where(placements.column("is_remote")[rows] == 1, BEST, np.where(has_journey, grades, UNKNOWN))


def _hours(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    least, most = jobseekers.number("offered_least", j), jobseekers.number("offered_most", j)
    if least == NO and most == NO:
        return UNKNOWN
    hours = placements.column("hours")[rows].astype(np.int64)
    low = max(least, 0)
    high = np.full(len(rows), most) if most != NO else np.maximum(low, hours)
    gap = np.where(hours < low, low - hours, hours - high)
    whole = np.maximum(high, SHORT_WEEK)
    grades = np.where((low <= hours) & (hours <= high), BEST, _share(np.maximum(whole - gap, 0), whole))
    return np.where(hours == NO, UNKNOWN, grades)


def _shared_half_days(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    own_week, placement_weeks = (
        jobseekers.number("offered_half_days", j),
        placements.column("week")[rows],
    )
    if own_week == NO:
        return UNKNOWN
    total = np.bitwise_count(placement_weeks).astype(np.int64)
    shared = np.bitwise_count(placement_weeks & own_week).astype(np.int64)
    return np.where(total == 0, UNKNOWN, _share(shared, np.maximum(total, 1)))


def _single(own: int, table: Any, words: Any) -> Any:
    return UNKNOWN if own == NO else np.where(words == NO, UNKNOWN, table[own, np.maximum(words, 0)])


def _start_date(jobseekers: JobseekerArrays, j: int, placements: PlacementArrays, rows: Rows) -> Any:
    earliest, starts = jobseekers.number("offered_earliest", j), placements.column("starts")[rows].astype(np.int64)
    if earliest == NO:
        return UNKNOWN
    grades = _share(np.maximum(LONG_WAIT_DAYS - np.abs(starts - earliest), 0), LONG_WAIT_DAYS)
    return np.where(starts == NO, UNKNOWN, grades)


def _answers(placements: PlacementArrays, rows: Rows) -> Any:
    days = placements.column("answers")[rows].astype(np.int64)
    grades = _share(np.maximum(LONG_ANSWER_DAYS - days, 0), LONG_ANSWER_DAYS)
    return np.where(days == NO, UNKNOWN, grades)
