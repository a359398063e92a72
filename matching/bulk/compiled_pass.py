"""The compiled pass: one loop checks and scores each pair and stores only the best lists, not the pairs.

It computes in whole numbers what ``numpy_pass`` computes, so both give identical results, including ties. Several
threads may run it at the same time, each for different jobseekers, because it writes only to the arrays passed to it.
"""

from typing import Any

import numpy as np
from numba import njit

from matching.bulk import bits
from matching.bulk.bits import MARGIN_METRES, Best, CheckedPlacements, room_for
from matching.bulk.columns import (
    ENDLESS,
    JOBSEEKER_NUMBERS,
    NO,
    PLACEMENT_NUMBERS,
    DayArrays,
    JobseekerArrays,
    PlacementArrays,
)
from matching.pairs.features import FAR_MINUTES, LONG_ANSWER_DAYS, LONG_WAIT_DAYS, OVER_LIMIT, SHORT_WEEK
from matching.pairs.grades import MIX_ONE, MIX_SHIFTS, MIX_TWO, STEPS, THOUSAND, UNKNOWN
from matching.pairs.surroundings import BEST, REFUSED, RULED_OUT, SHOWN, WORST
from matching.score.tables import CURVE_POINTS, FEATURES, MILLION, REACH, UNIT, TableArrays
from matching.timetables.journeys import NOT_COVERED, NOT_IN_TIME

ONE, TWO = np.uint64(MIX_ONE), np.uint64(MIX_TWO)
FIRST, SECOND, THIRD = (np.uint64(shift) for shift in MIX_SHIFTS)
N_FEATURES = len(FEATURES)
# The bit of each check, and the row of each name in ``numbers``. Numba compiles module-level numbers as constants.
SAFETY, PLACES, AGE, RIGHT_TO_WORK, DATES = bits.SAFETY, bits.PLACES, bits.AGE, bits.RIGHT_TO_WORK, bits.DATES
HOURS, HALF_DAYS, TRAVEL = bits.HOURS, bits.HALF_DAYS, bits.TRAVEL
LICENCES, QUALIFICATIONS, NEVER = bits.LICENCES, bits.QUALIFICATIONS, bits.NEVER
(
    P_PLACED, P_REMOTE, P_HAS_PLACES, P_RIGHT_TO_WORK, P_SUPPORT, P_FLEXIBLE, P_HOURS, P_HALF_DAYS, P_STARTS, P_ENDS,
    P_LEAST_AGE, P_MOST_AGE, P_LEVEL, P_LICENCES, P_TITLE, P_OCCUPATION, P_LISTING, P_ENVIRONMENT, P_ADJUSTMENTS,
    P_ANSWERS, P_WEEK,
) = range(len(PLACEMENT_NUMBERS))  # fmt: skip
(
    J_PLACED, J_MAY_NOT_WORK, J_TELLS_SKILLS, J_MODES, J_MINUTES, J_AGE, J_LEVEL, J_LEAST_HOURS, J_MOST_HOURS,
    J_HALF_DAYS, J_EARLIEST, J_OFFERED_LEAST, J_OFFERED_MOST, J_OFFERED_HALF_DAYS, J_OFFERED_EARLIEST,
    J_OFFERED_MINUTES, J_TIMED, J_UNTIMED_MODES, J_LICENCES, J_ENVIRONMENT, J_ADJUSTMENTS, J_SAYS_NEVER,
) = range(len(JOBSEEKER_NUMBERS))  # fmt: skip
LOWEST, HIGHEST = 0, 2 * REACH * UNIT - 1
FAR_TWICE = 2 * FAR_MINUTES


@njit(inline="always")
def _mixed(number):
    number = (number ^ (number >> FIRST)) * ONE
    number = (number ^ (number >> SECOND)) * TWO
    return number ^ (number >> THIRD)


@njit(inline="always")
def _count(week):
    """Count the half-days in a week that is stored as 21 bits, one for each half-day."""
    week = week - ((week >> 1) & 0x155555)
    week = (week & 0x133333) + ((week >> 2) & 0x133333)
    week = (week + (week >> 4)) & 0x0F0F0F
    return (week + (week >> 8) + (week >> 16)) & 0x1F


@njit(inline="always")
def _minutes(km, modes, ways):
    """Return the fast and the slow estimate of the journey, in minutes, for the quickest mode of travel."""
    best_low, best_high = ENDLESS, ENDLESS
    for bit in range(len(ways)):
        if modes >> bit & 1:
            low = int(km * ways[bit, 0] + ways[bit, 1])
            if low <= best_low:
                high = int(np.ceil(km * ways[bit, 2] + ways[bit, 3]))
                if low < best_low or high < best_high:
                    best_low, best_high = low, high
    return best_low, best_high


@njit(inline="always")
def _fails_hours(hours, flexible, least, most):
    if hours == NO:
        return False
    if hours > most:
        return flexible != 1
    return hours < least


@njit(inline="always")
def _half_days_for(hours, each):
    whole, rest = hours // each, hours % each
    if 2 * rest > each or (2 * rest == each and whole % 2 == 1):
        whole += 1
    return max(whole, 1)


@njit(inline="always")
def _fails_half_days(placement_week, own_week, flexible, filled, most):
    if placement_week == NO or own_week == NO or (placement_week & ~own_week) == 0:
        return False
    if flexible != 1:
        return flexible == 0
    return _count(placement_week & own_week) < min(filled, most)


@njit(inline="always")
def _sift(begin, end, pn, east, north, x, y, squared, least, most, week, filled, most_filled, passes):
    """Write to ``passes`` which rows pass the distance, hours and half-day checks, without branches (for SIMD)."""
    for p in range(begin, end):
        across, up = x - east[p], y - north[p]
        near = (across * across + up * up <= squared) | (pn[P_PLACED, p] == 0) | (pn[P_REMOTE, p] == 1)
        hours, flexible, placement_week = pn[P_HOURS, p], pn[P_FLEXIBLE, p], pn[P_HALF_DAYS, p]
        is_over = hours > most
        hours_fit = (hours == NO) | (is_over & (flexible == 1)) | (~is_over & (hours >= least))
        enough = (flexible == 1) & (_count(placement_week & week & 0x1FFFFF) >= min(filled[p], most_filled))
        week_fits = (placement_week == NO) | (week == NO) | ((placement_week & ~week) == 0) | (flexible == NO) | enough
        passes[p] = near & hours_fit & week_fits


@njit(inline="always")
def _wish(begin, end, wishes, table, title, occupation):
    if begin == end:
        return UNKNOWN
    grade = 0
    for at in range(begin, end):
        grade = max(grade, np.int64(table[wishes[at], title]))
        if occupation != NO:
            grade = max(grade, np.int64(table[wishes[at], occupation]))
    return grade


@njit(inline="always")
def _avoids(begin, end, avoid, table, listing):
    if begin == end:
        return UNKNOWN
    all_ruled_out = True
    for at in range(begin, end):
        answer = table[avoid[at], listing]
        if answer & SHOWN:
            return WORST
        if answer != RULED_OUT:
            all_ruled_out = False
    return BEST if all_ruled_out else UNKNOWN


@njit(inline="always")
def _share(part, whole):
    """Return ``part / whole`` as a grade (see grades.py). Floats are exact for such small numbers, and faster."""
    return np.int64((2.0 * STEPS * part + whole) / (2.0 * whole))


@njit(inline="always")
def _skills(begin, end, skills, weights, own_likeness):
    part, whole = 0, 0
    for at in range(begin, end):
        part += weights[at] * np.int64(own_likeness[skills[at]])
        whole += weights[at]
    if whole == 0:
        return UNKNOWN
    return _share(part, whole * THOUSAND)


@njit(inline="always")
def _hours(hours, least, most):
    if hours == NO or (least == NO and most == NO):
        return UNKNOWN
    low = max(least, 0)
    high = most if most != NO else max(low, hours)
    if low <= hours <= high:
        return BEST
    gap = low - hours if hours < low else hours - high
    whole = max(high, SHORT_WEEK)
    return _share(max(whole - gap, 0), whole)


@njit(inline="always")
def _half_days(own_week, placement_week):
    if own_week == NO or placement_week <= 0:
        return UNKNOWN
    return _share(_count(placement_week & own_week), _count(placement_week))


@njit(inline="always")
def _start(starts, earliest):
    if earliest == NO or starts == NO:
        return UNKNOWN
    part = max(LONG_WAIT_DAYS - abs(starts - earliest), 0)
    return (2 * STEPS * part + LONG_WAIT_DAYS) // (2 * LONG_WAIT_DAYS)


@njit(inline="always")
def _answers(days):
    if days == NO:
        return UNKNOWN
    return (2 * STEPS * max(LONG_ANSWER_DAYS - days, 0) + LONG_ANSWER_DAYS) // (2 * LONG_ANSWER_DAYS)


@njit(inline="always")
def _single(own_word, placement_word, table):
    return np.int64(table[own_word, placement_word]) if own_word != NO and placement_word != NO else UNKNOWN


@njit(inline="always")
def _odds(total, odds):
    z = min(max(total + REACH * UNIT, LOWEST), HIGHEST)
    at = z >> 10
    below = np.int64(odds[at])
    return below + ((np.int64(odds[at + 1]) - below) * (z & 1023) >> 10)


@njit(inline="always")
def _calibrated(p, side, curves):
    at = min(p >> 8, CURVE_POINTS - 1)
    below = np.int64(curves[side, at])
    return below + ((np.int64(curves[side, at + 1]) - below) * (p - (at << 8)) >> 8)


@njit(inline="always")
def _summed(side_half, base, codes, flat):
    total = np.int64(base)
    for feature in range(N_FEATURES):
        total += flat[(side_half * N_FEATURES + feature) * 256 + codes[feature]]
    return total


@njit(inline="always")
def _paired(side, codes, pairs, bins, parts):
    total = 0
    for number in range(len(pairs)):
        if pairs[number, 0] == side:
            first, second = bins[number, 0, codes[pairs[number, 1]]], bins[number, 1, codes[pairs[number, 2]]]
            total += parts[number, first, second]
    return total


@njit(cache=True, nogil=True)
def _pass(start, stop, people, places, tables, flat, day, seed, is_full, agreeable, failed, scores, agreed,
          kept, best_rows, best_scores, best_ties, eligible, side_rows, side_scores, side_ties):  # fmt: skip
    # Arrays are read from their tuples before the loop. Inside it, each reading would update a reference count.
    pn, p_east, p_north, p_hashes, cells = places.numbers, places.east, places.north, places.hashes, places.cells
    essential_from, essential, essential_weight = places.essential_from, places.essential, places.essential_weight
    desirable_from, desirable, desirable_weight = places.desirable_from, places.desirable, places.desirable_weight
    jn, j_east, j_north, j_hashes = people.numbers, people.east, people.north, people.hashes
    wishes_from, wishes, titles = people.wishes_from, people.wishes, people.title_table
    avoid_from, avoid, listings = people.avoid_from, people.avoid, people.listing_table
    skills_from, skills, skill_table = people.skills_from, people.skills, people.skill_table
    blocked_from, to_block = people.blocked_from, people.blocked
    licence_table, environments, adjustments = people.licence_table, people.environment_table, people.adjustment_table
    timed_lows, timed_highs = people.timed_low_table, people.timed_high_table
    base, odds, curves, mix, both = tables.base, tables.odds, tables.curves, tables.mix, tables.both
    pairs, bins, pair_parts, ways, half_days = tables.pairs, tables.bins, tables.pair_parts, day.modes, day.half_days
    today, each = day.numbers[0], day.numbers[1]
    west, south, size = places.grid[0], places.grid[1], places.grid[2]
    across, up = np.int64(places.grid[3]), np.int64(places.grid[4])
    count, off_grid = len(p_east), cells[-1]
    own, codes = np.zeros(day.numbers[2], dtype=np.uint16), np.zeros(N_FEATURES, dtype=np.uint8)
    blocked, sifted = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    k, side_k = best_rows.shape[1], side_rows.shape[1]
    for j in range(start, stop):
        # Compute how well the jobseeker has each requested skill, and mark the placements that exclusions rule out.
        own[:] = 0
        for at in range(skills_from[j], skills_from[j + 1]):
            own_skill = skills[at]
            row = skill_table[own_skill]
            for wanted in range(len(own)):
                if row[wanted] > own[wanted]:
                    own[wanted] = row[wanted]
        for at in range(blocked_from[j], blocked_from[j + 1]):
            blocked[to_block[at]] = True
        list_seed = _mixed(j_hashes[j] ^ seed)
        x, y, modes, limit = j_east[j], j_north[j], jn[J_MODES, j], jn[J_MINUTES, j]
        may_not_work, age, level, earliest = jn[J_MAY_NOT_WORK, j], jn[J_AGE, j], jn[J_LEVEL, j], jn[J_EARLIEST, j]
        least_hours, most_hours, week = jn[J_LEAST_HOURS, j], jn[J_MOST_HOURS, j], jn[J_HALF_DAYS, j]
        most_half_days = _half_days_for(np.int64(most_hours), each)
        held, tells_skills, offered_limit = jn[J_LICENCES, j], jn[J_TELLS_SKILLS, j], np.int64(jn[J_OFFERED_MINUTES, j])
        timed, untimed_modes, says_never = jn[J_TIMED, j], jn[J_UNTIMED_MODES, j], jn[J_SAYS_NEVER, j] == 1
        has_journey = jn[J_PLACED, j] == 1 and modes != 0
        is_bounded = has_journey and limit != NO and not is_full and timed == NO  # a timetable knows no distance
        low_line, high_line, first, last, squared = np.int64(0), np.int64(-1), np.int64(0), np.int64(0), np.inf
        if is_bounded:
            reach = -1.0
            for bit in range(len(ways)):
                if modes >> bit & 1:
                    reach = max(reach, (limit + 1 - ways[bit, 1]) / ways[bit, 0] * 1000 + MARGIN_METRES)
            squared = reach * reach if reach >= 0.0 else -1.0
            if reach >= 0.0 and off_grid > 0:
                first = max(np.int64((x - reach - west) // size), 0)
                last = min(np.int64((x + reach - west) // size), across - 1)
                if first <= last:
                    low_line = max(np.int64((y - reach - south) // size), 0)
                    high_line = min(np.int64((y + reach - south) // size), up - 1)
        open_pairs = 0
        # Read the lines of the grid, then the rows after the grid. Without a travel limit, read all rows at once.
        for line in range(low_line, high_line + 2):
            if line <= high_line:
                begin, end = np.int64(cells[line * across + first]), np.int64(cells[line * across + last + 1])
            elif is_bounded:
                begin, end = max(np.int64(off_grid), 0), np.int64(count)
            else:
                begin, end = np.int64(0), np.int64(count)
            if not is_full:
                _sift(begin, end, pn, p_east, p_north, x, y, squared, least_hours, most_hours, week,
                      half_days, most_half_days, sifted)  # fmt: skip
            for p in range(begin, end):
                if not sifted[p] and not is_full:
                    continue
                km, failures = 0.0, 0
                pair_has_journey = has_journey and pn[P_PLACED, p] == 1 and pn[P_REMOTE, p] == 0
                if pair_has_journey:
                    east, north = x - p_east[p], y - p_north[p]
                    km = east * east + north * north
                hours, flexible, placement_week = pn[P_HOURS, p], pn[P_FLEXIBLE, p], pn[P_HALF_DAYS, p]
                if is_full:
                    if _fails_hours(hours, flexible, least_hours, most_hours):
                        failures |= HOURS
                    if _fails_half_days(placement_week, week, flexible, half_days[p], most_half_days):
                        failures |= HALF_DAYS
                ends = pn[P_ENDS, p]
                if blocked[p]:
                    failures |= SAFETY
                if pn[P_HAS_PLACES, p] == 0:
                    failures |= PLACES
                if ends < today or (earliest != NO and earliest > ends):
                    failures |= DATES
                if age != NO and (age < pn[P_LEAST_AGE, p] or age > pn[P_MOST_AGE, p]):
                    failures |= AGE
                if may_not_work == 1 and pn[P_RIGHT_TO_WORK, p] == 1:
                    failures |= RIGHT_TO_WORK
                if level != NO and pn[P_LEVEL, p] > level:
                    failures |= QUALIFICATIONS
                if held != NO and pn[P_LICENCES, p] != NO and licence_table[held, pn[P_LICENCES, p]] == 1:
                    failures |= LICENCES
                if says_never:  # only then is a listing refused, and to look costs as much as all other checks
                    for at in range(avoid_from[j], avoid_from[j + 1]):
                        if listings[avoid[at], pn[P_LISTING, p]] == REFUSED:
                            failures |= NEVER
                low, high = ENDLESS, ENDLESS
                if pair_has_journey and (failures == 0 or is_full):
                    if timed == NO or timed_lows[timed, p] == NOT_COVERED:
                        low, high = _minutes(np.sqrt(km) / 1000, modes, ways)
                    else:
                        low, high = _minutes(np.sqrt(km) / 1000, untimed_modes, ways)
                        timed_low, timed_high = np.int64(timed_lows[timed, p]), np.int64(timed_highs[timed, p])
                        if timed_low != NOT_IN_TIME and (timed_low < low or (timed_low == low and timed_high < high)):
                            low, high = timed_low, timed_high
                    if limit != NO and low > limit:
                        failures |= TRAVEL
                if is_full:
                    failed[p] = failures
                is_agreeable = failures & agreeable != 0 and failures & (failures - 1) == 0
                if failures != 0 and not is_agreeable:
                    continue
                codes[0] = _wish(
                    wishes_from[j], wishes_from[j + 1], wishes, titles, pn[P_TITLE, p], pn[P_OCCUPATION, p]
                )
                codes[1] = _avoids(avoid_from[j], avoid_from[j + 1], avoid, listings, pn[P_LISTING, p])
                codes[2], codes[3] = UNKNOWN, UNKNOWN
                if tells_skills == 1:
                    codes[2] = _skills(essential_from[p], essential_from[p + 1], essential, essential_weight, own)
                    codes[3] = _skills(desirable_from[p], desirable_from[p + 1], desirable, desirable_weight, own)
                codes[4] = UNKNOWN
                if pn[P_REMOTE, p] == 1:
                    codes[4] = BEST
                elif pair_has_journey:
                    far = FAR_TWICE if offered_limit == NO else max(1, min(FAR_TWICE, 4 * offered_limit))
                    grade = _share(max(far - (low + high), 0), far)
                    is_over = offered_limit != NO and low + high > 2 * offered_limit
                    codes[4] = grade // OVER_LIMIT if is_over else grade
                codes[5] = _hours(hours, jn[J_OFFERED_LEAST, j], jn[J_OFFERED_MOST, j])
                codes[6] = _half_days(jn[J_OFFERED_HALF_DAYS, j], pn[P_WEEK, p])
                codes[7] = _single(jn[J_ENVIRONMENT, j], pn[P_ENVIRONMENT, p], environments)
                codes[8] = _start(pn[P_STARTS, p], jn[J_OFFERED_EARLIEST, j])
                codes[9] = _single(jn[J_ADJUSTMENTS, j], pn[P_ADJUSTMENTS, p], adjustments)
                codes[10] = BEST if pn[P_SUPPORT, p] == 1 else UNKNOWN
                codes[11] = _answers(pn[P_ANSWERS, p])
                logistic = np.int64(0)
                for feature in range(N_FEATURES):
                    logistic += both[feature * 256 + codes[feature]]
                of_jobseeker = np.int64(np.int32(logistic & 0xFFFFFFFF))
                score = np.int64(MILLION)
                for side in range(2):
                    part = of_jobseeker if side == 0 else (logistic - of_jobseeker) >> 32
                    chance = _odds(base[side, 0] + part, odds)
                    share = mix[side]
                    if share != 0:
                        boosted = _summed(2 * side + 1, base[side, 1], codes, flat)
                        boosted += _paired(side, codes, pairs, bins, pair_parts)
                        chance = ((UNIT - share) * chance + share * _odds(boosted, odds)) >> 16
                    score *= _calibrated(chance, side, curves)
                score = (score + (1 << 39)) >> 40
                open_pairs += 1
                if is_full:
                    kept[p] = codes
                    if is_agreeable:
                        agreed[p] = score
                    else:
                        scores[p] = score
                    continue
                if score >= best_scores[j, k - 1]:
                    tie_break = _mixed(list_seed ^ p_hashes[p])
                    if score > best_scores[j, k - 1] or tie_break < best_ties[j, k - 1]:
                        _insert(j, p, score, tie_break, best_rows, best_scores, best_ties)
                if side_k > 0 and score >= side_scores[p, side_k - 1]:
                    tie_break = _mixed(_mixed(p_hashes[p] ^ seed) ^ j_hashes[j])
                    if score > side_scores[p, side_k - 1] or tie_break < side_ties[p, side_k - 1]:
                        _insert(p, j, score, tie_break, side_rows, side_scores, side_ties)
        if not is_full:
            eligible[j] = open_pairs
        for at in range(blocked_from[j], blocked_from[j + 1]):
            blocked[to_block[at]] = False


@njit(inline="always")
def _insert(row, item, score, tie_break, items, scores, ties):
    """Insert an item into list number ``row``, sorted by score (ties: lowest hash first), and drop the last item."""
    at = scores.shape[1] - 1
    while at > 0 and (scores[row, at - 1] < score or (scores[row, at - 1] == score and ties[row, at - 1] > tie_break)):
        scores[row, at], ties[row, at] = scores[row, at - 1], ties[row, at - 1]
        items[row, at] = items[row, at - 1]
        at -= 1
    scores[row, at], ties[row, at], items[row, at] = score, tie_break, item


_NOTHING = room_for(0, 0, 1, 1)


def _unscored(count: int) -> CheckedPlacements:
    return CheckedPlacements(
        np.zeros(count, dtype=np.uint16),
        np.full(count, -1, dtype=np.int32),
        np.full(count, -1, dtype=np.int32),
        np.zeros((count, N_FEATURES), dtype=np.uint8),
    )


_UNSCORED = _unscored(0)
_NO_TIE_BREAKS = np.zeros((0, 1), dtype=np.uint64)


def check_and_score(
    jobseekers: JobseekerArrays,
    j: int,
    placements: PlacementArrays,
    tables: TableArrays,
    day: DayArrays,
    agreeable: int = 0,
) -> CheckedPlacements:
    """Check and score every placement for one jobseeker, as ``numpy_pass.check_and_score`` does.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    j : int
        Row of the jobseeker.
    placements : PlacementArrays
    tables : TableArrays
    day : DayArrays
    agreeable : int
        The bits of the checks that can be agreed on.

    Returns
    -------
    CheckedPlacements
    """
    scored = _unscored(len(placements.east))
    _pass(j, j + 1, jobseekers, placements, tables, tables.parts.ravel(), day, np.uint64(0), True, agreeable, *scored,
          _NOTHING.placements, _NOTHING.scores, _NO_TIE_BREAKS, _NOTHING.eligible,
          _NOTHING.jobseekers, _NOTHING.jobseeker_scores, _NOTHING.jobseeker_lots)  # fmt: skip
    return scored


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
    """Return the best lists of jobseekers and placements, with the same results as ``numpy_pass.best``.

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
    count = len(jobseekers.east)
    result = room_for(count, len(placements.east), k, side_k)
    side_lists: Any = (result.jobseekers, result.jobseeker_scores, result.jobseeker_lots)
    tie_breaks = np.zeros((count, k), dtype=np.uint64)
    _pass(0, count, jobseekers, placements, tables, tables.parts.ravel(), day, np.uint64(seed), False, 0, *_UNSCORED,
          result.placements, result.scores, tie_breaks, result.eligible, *side_lists)  # fmt: skip
    return result
