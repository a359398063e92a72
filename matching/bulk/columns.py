"""Profiles of jobseekers and placements as columns, with one array for each fact, so that many pairs are read at once.

Columns are built from the profiles in ``matching.pairs.profiles`` and are never changed in place: after a change, new
columns replace them. The rows of placements are sorted by the cells of a map grid, so the placements that a jobseeker
can reach are in a few ranges of consecutive rows. Placements without a location and remote placements come after the
grid and are always checked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.bulk.map_grid import grid_and_cells
from matching.bulk.timed_columns import timed_tables
from matching.bulk.word_tables import LazyTable, Table, WordTables
from matching.pairs import eligibility
from matching.pairs.eligibility import LEVELS, PUBLIC_MODES, Context
from matching.pairs.features import spelling_of_skills, week_of
from matching.pairs.grades import hash_of, hundredths, weight
from matching.pairs.half_days import half_days_for
from matching.pairs.profiles import JobseekerProfile, PlacementProfile
from matching.pairs.surroundings import avoided, read_listing

NO = -1  # not known, or not requested
NEVER, ALWAYS = np.iinfo(np.int32).min, np.iinfo(np.int32).max
OF_TABLES = 6  # the last numbers of a jobseeker, which come with a table
ENDLESS = 1 << 29  # means "no limit": more than any hours, age or day
Int32s = NDArray[np.int32]
# The names of the rows of ``numbers``, in order. Hours are in hundredths, days are ordinals, and words are stored as
# their numbers in the word tables. -1 means not known or not requested.
PLACEMENT_NUMBERS = (
    "is_placed", "is_remote", "has_places", "asks_right_to_work", "offers_support", "flexible", "hours", "half_days",
    "starts", "ends", "least_age", "most_age", "level", "licences", "title", "occupation", "listing", "environment",
    "adjustments", "answers", "week",
)  # fmt: skip
JOBSEEKER_NUMBERS = (
    "is_placed", "may_not_work", "tells_skills", "modes", "minutes", "age", "level", "least_hours", "most_hours",
    "half_days", "earliest", "offered_least", "offered_most", "offered_half_days", "offered_earliest",
    "offered_minutes", "timed", "untimed_modes", "licences", "environment", "adjustments", "says_never",
)  # fmt: skip


class PlacementArrays(NamedTuple):
    """Columns of placements, sorted by the cells of the grid.

    ``numbers`` has one row for each name in ``PLACEMENT_NUMBERS``. ``east`` and ``north`` are in metres. ``essential``
    has the essential skills of all placements, one placement after another, and ``essential_from`` where the skills of
    each placement begin (``desirable`` likewise). ``cells`` gives the first row of each grid cell. ``grid`` has the
    west and south edges of the grid and the size of a cell, in metres, then the number of cells across and up.
    """

    numbers: Int32s
    east: NDArray[np.float64]
    north: NDArray[np.float64]
    essential_from: Int32s
    essential: Int32s
    essential_weight: Int32s
    desirable_from: Int32s
    desirable: Int32s
    desirable_weight: Int32s
    hashes: NDArray[np.uint64]
    cells: Int32s
    grid: NDArray[np.float64]

    def column(self, name: str) -> Int32s:
        """Return the column with this name, which must be in ``PLACEMENT_NUMBERS``."""
        column: Int32s = self.numbers[PLACEMENT_NUMBERS.index(name)]
        return column


class JobseekerArrays(NamedTuple):
    """Columns of jobseekers, and the word tables that their word numbers refer to.

    ``numbers`` has one row for each name in ``JOBSEEKER_NUMBERS``. ``timed_low_table`` and ``timed_high_table`` have
    minutes by timetable: a row for each jobseeker who uses it (the number ``timed``), a column for each placement.
    """

    numbers: Int32s
    east: NDArray[np.float64]
    north: NDArray[np.float64]
    wishes_from: Int32s
    wishes: Int32s
    avoid_from: Int32s
    avoid: Int32s
    skills_from: Int32s
    skills: Int32s
    blocked_from: Int32s
    blocked: Int32s
    hashes: NDArray[np.uint64]
    title_table: Table
    listing_table: Table
    skill_table: Table
    licence_table: Table
    environment_table: Table
    adjustment_table: Table
    timed_low_table: NDArray[np.int16]
    timed_high_table: NDArray[np.int16]

    def number(self, name: str, j: int) -> int:
        """Return one entry of ``numbers`` for jobseeker ``j``. The name must be in ``JOBSEEKER_NUMBERS``."""
        return int(self.numbers[JOBSEEKER_NUMBERS.index(name), j])


class DayArrays(NamedTuple):
    """Values that depend on the day and on the tables that apply on that day.

    ``numbers`` has the day as an ordinal, the length of a half-day in hundredths of an hour, and the number of distinct
    skills that placements have requested so far. ``modes`` has one row for each mode of travel: the minutes per
    kilometre and the waiting minutes of the fast estimate, then those of the slow estimate. ``half_days`` gives the
    number of half-days that the hours of each placement fill.
    """

    numbers: NDArray[np.int64]
    modes: NDArray[np.float64]
    half_days: Int32s


@dataclass(frozen=True, eq=False)
class PlacementColumns:
    """Placements as columns.

    Parameters
    ----------
    profiles : sequence of PlacementProfile
        The profiles, in the order in which they were passed.
    order : ndarray of shape (n_placements,)
        For each row of the columns, the position of its profile.
    arrays : PlacementArrays
    lexicon : WordTables
        The tables from which the words have their numbers.

    Examples
    --------
    >>> from matching.pairs.vocabulary import Vocabulary
    >>> columns = PlacementColumns.of([PlacementProfile(key="1", title="Gardener")], WordTables(Vocabulary()))
    >>> len(columns), columns.arrays.column("hours").tolist()
    (1, [-1])
    """

    profiles: Sequence[PlacementProfile]
    order: NDArray[np.intp]
    arrays: PlacementArrays
    lexicon: WordTables

    def __len__(self) -> int:
        return len(self.order)

    @classmethod
    def of(cls, profiles: Sequence[PlacementProfile], lexicon: WordTables) -> "PlacementColumns":
        """Build the columns of some placements.

        Parameters
        ----------
        profiles : sequence of PlacementProfile
        lexicon : WordTables

        Returns
        -------
        PlacementColumns
        """
        return cls.of_rows(PlacementRows.of(profiles, lexicon), lexicon)

    @classmethod
    def of_rows(cls, rows: "PlacementRows", lexicon: WordTables) -> "PlacementColumns":
        """Build the columns of placements whose words already have numbers.

        Parameters
        ----------
        rows : PlacementRows
        lexicon : WordTables
            The tables from which the words have their numbers.

        Returns
        -------
        PlacementColumns
        """
        is_on_grid = (rows.column("is_placed") == 1) & (rows.column("is_remote") == 0)
        grid, cell = grid_and_cells(is_on_grid, rows.east, rows.north)
        off_grid = int(grid[3] * grid[4])
        order = np.argsort(cell, kind="stable")
        essential_from, (essential, essential_weight) = _picked(rows.essential, order)
        desirable_from, (desirable, desirable_weight) = _picked(rows.desirable, order)
        arrays = PlacementArrays(
            numbers=np.ascontiguousarray(rows.numbers[:, order]),
            east=rows.east[order],
            north=rows.north[order],
            essential_from=essential_from,
            essential=essential,
            essential_weight=essential_weight,
            desirable_from=desirable_from,
            desirable=desirable,
            desirable_weight=desirable_weight,
            hashes=rows.hashes[order],
            cells=np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=off_grid + 1)[:off_grid])]).astype(
                np.int32
            ),
            grid=grid,
        )
        return cls(rows.profiles, order, arrays, lexicon)

    def profile(self, row: int) -> PlacementProfile:
        """Return the profile of the placement in one row of the columns.

        Parameters
        ----------
        row : int

        Returns
        -------
        PlacementProfile
        """
        return self.profiles[int(self.order[row])]


class Runs(NamedTuple):
    """Lists of word numbers, one after another: where each list begins, all the numbers, and the weight of each."""

    begins: Int32s
    members: Int32s
    weights: Int32s


@dataclass(frozen=True, eq=False)
class PlacementRows:
    """Placements whose words have numbers, in the order in which they were passed. They become ``PlacementColumns``.

    The words of a listing get their numbers once and keep them while the listing does not change. A changed listing is
    removed and added again.

    Parameters
    ----------
    profiles : list of PlacementProfile
    numbers : ndarray of int32 of shape (n_numbers, n_placements)
        One row for each name in ``PLACEMENT_NUMBERS``.
    east, north : ndarray of float64 of shape (n_placements,)
        In metres; 0 where the location is not known.
    essential, desirable : Runs
        The requested skills of each placement, and the weight of each skill.
    hashes : ndarray of uint64 of shape (n_placements,)
        The hash of each placement's key.

    Examples
    --------
    >>> from matching.pairs.vocabulary import Vocabulary
    >>> words = WordTables(Vocabulary())
    >>> both = PlacementRows.of([PlacementProfile(key="1", title="x"), PlacementProfile(key="2", title="y")], words)
    >>> [profile.key for profile in both.kept(np.array([False, True])).profiles]
    ['2']
    """

    profiles: list[PlacementProfile]
    numbers: Int32s
    east: NDArray[np.float64]
    north: NDArray[np.float64]
    essential: Runs
    desirable: Runs
    hashes: NDArray[np.uint64]

    def column(self, name: str) -> Int32s:
        """Return the column with this name, which must be in ``PLACEMENT_NUMBERS``."""
        column: Int32s = self.numbers[PLACEMENT_NUMBERS.index(name)]
        return column

    @classmethod
    def of(cls, profiles: Iterable[PlacementProfile], lexicon: WordTables) -> "PlacementRows":
        """Give numbers to the words of some placements.

        Parameters
        ----------
        profiles : iterable of PlacementProfile
        lexicon : WordTables

        Returns
        -------
        PlacementRows
        """
        listed = list(profiles)
        places = np.array([profile.place or (0.0, 0.0) for profile in listed], dtype=np.float64).reshape(-1, 2)
        numbers = np.empty((len(listed), len(PLACEMENT_NUMBERS)), dtype=np.int32)
        # Listings of one area get numbers beside each other, because a pass goes through the rows area by area.
        _, cell = grid_and_cells(np.array([profile.place is not None for profile in listed], dtype=np.bool_), *places.T)
        for row in np.argsort(cell, kind="stable").tolist():
            numbers[row] = _numbers_of_placement(listed[row], lexicon)
        return cls(
            listed,
            numbers.T.copy(),
            places[:, 0].copy(),
            places[:, 1].copy(),
            _wanted_skills([profile.essential_skills for profile in listed], lexicon),
            _wanted_skills([profile.desirable_skills for profile in listed], lexicon),
            np.array([hash_of(profile.key) for profile in listed], dtype=np.uint64),
        )

    def kept(self, mask: NDArray[np.bool_]) -> "PlacementRows":
        """Return only the placements that a mask selects.

        Parameters
        ----------
        mask : ndarray of bool of shape (n_placements,)
            True for each placement to return.

        Returns
        -------
        PlacementRows
        """
        rows = np.flatnonzero(mask)
        essential, desirable = _picked(self.essential, rows), _picked(self.desirable, rows)
        return PlacementRows(
            list(compress(self.profiles, mask.tolist())),
            self.numbers[:, rows],
            self.east[rows],
            self.north[rows],
            Runs(essential[0], *essential[1]),
            Runs(desirable[0], *desirable[1]),
            self.hashes[rows],
        )

    def and_also(self, more: "PlacementRows") -> "PlacementRows":
        """Return these placements followed by more placements.

        Parameters
        ----------
        more : PlacementRows

        Returns
        -------
        PlacementRows
        """
        return PlacementRows(
            [*self.profiles, *more.profiles],
            np.hstack([self.numbers, more.numbers]),
            np.concatenate([self.east, more.east]),
            np.concatenate([self.north, more.north]),
            _joined(self.essential, more.essential),
            _joined(self.desirable, more.desirable),
            np.concatenate([self.hashes, more.hashes]),
        )


def _numbers_of_placement(profile: PlacementProfile, lexicon: WordTables) -> tuple[int, ...]:
    most_age = profile.maximum_age if profile.has_legal_basis and profile.maximum_age is not None else ENDLESS
    needed = profile.qualifications_needed
    read = read_listing(profile, lexicon.vocabulary)
    numbers = {
        "is_placed": profile.place is not None,
        "is_remote": profile.remote == "yes",
        "has_places": profile.places_left > 0,
        "asks_right_to_work": profile.right_to_work_needed is not False,
        "offers_support": bool(profile.support_offered),
        "flexible": NO if profile.hours_flexible is None else profile.hours_flexible,
        "hours": NO if profile.hours_per_week is None else hundredths(profile.hours_per_week),
        "half_days": NO if profile.half_days is None else profile.half_days,
        "starts": _day(profile.starts_on),
        "ends": ENDLESS if profile.ends_on is None else profile.ends_on.toordinal(),
        "least_age": NO if profile.minimum_age is None else profile.minimum_age,
        "most_age": most_age,
        "level": LEVELS.index(needed) if needed in LEVELS else NO,
        "licences": _right(lexicon.licences, profile.licences_needed),
        "title": lexicon.titles.right(profile.title),
        "occupation": lexicon.titles.right(profile.occupation) if profile.occupation else NO,
        "listing": lexicon.listings.right(read),
        "environment": lexicon.environments.right(read),
        "adjustments": _right(lexicon.adjustments, profile.adjustments_offered),
        "answers": NO if profile.days_to_answer is None else profile.days_to_answer,
        "week": week_of(profile, lexicon.vocabulary),
    }
    return tuple(int(numbers[name]) for name in PLACEMENT_NUMBERS)


def _wanted_skills(lists: Sequence[tuple[str, ...] | None], lexicon: WordTables) -> Runs:
    wanted = [spelling_of_skills(skills, lexicon.vocabulary) for skills in lists]
    importance = lexicon.vocabulary.importance
    begins, members = _runs([[lexicon.skills.right(key) for key in skills] for skills in wanted])
    weights = np.array([weight(importance(skill)) for skills in wanted for skill in skills.values()], dtype=np.int32)
    return Runs(begins, members, weights)


def _picked(runs: Runs, rows: NDArray[np.intp]) -> tuple[Int32s, tuple[Int32s, Int32s]]:
    """Select lists by row. Return where each selected list begins, and the word numbers and weights of these lists."""
    lengths = np.diff(runs.begins)[rows]
    begins = np.zeros(len(rows) + 1, dtype=np.int32)
    np.cumsum(lengths, out=begins[1:])
    at = np.repeat(runs.begins[:-1][rows] - begins[:-1], lengths) + np.arange(begins[-1])
    return begins, (runs.members[at], runs.weights[at])


def _joined(first: Runs, second: Runs) -> Runs:
    return Runs(
        np.concatenate([first.begins, second.begins[1:] + first.begins[-1]]).astype(np.int32),
        np.concatenate([first.members, second.members]),
        np.concatenate([first.weights, second.weights]),
    )


def _right(relation: LazyTable, words: tuple[str, ...] | None) -> int:
    return relation.right(words) if words else NO


def _day(day: date | None) -> int:
    return NO if day is None else day.toordinal()


def _runs(lists: Sequence[Sequence[int]]) -> tuple[Int32s, Int32s]:
    """Join lists into one array. Return where each list begins in the array, and the array."""
    begins = np.zeros(len(lists) + 1, dtype=np.int32)
    np.cumsum([len(members) for members in lists], out=begins[1:])
    return begins, np.array([number for members in lists for number in members], dtype=np.int32)


def day_arrays(context: Context, placements: PlacementColumns) -> DayArrays:
    """Return the values that a pass needs and that depend on the day.

    Parameters
    ----------
    context : Context
    placements : PlacementColumns

    Returns
    -------
    DayArrays

    Examples
    --------
    >>> from matching.pairs.vocabulary import Vocabulary
    >>> day_arrays(Context(date(2026, 11, 2), {}), PlacementColumns.of([], WordTables(Vocabulary()))).modes.shape
    (0, 4)
    """
    modes = [
        (mode.minutes_per_km_low, mode.wait_minutes_low, mode.minutes_per_km_high, mode.wait_minutes_high)
        for _, mode in sorted(context.modes.items())
    ]
    half_day = hundredths(context.hours_in_a_half_day)
    hours, position = np.unique(np.maximum(placements.arrays.column("hours"), 0), return_inverse=True)
    filled = np.array([half_days_for(number, half_day) for number in hours.tolist()], dtype=np.int32)
    return DayArrays(
        np.array([context.on.toordinal(), half_day, len(placements.lexicon.skills.rights)], dtype=np.int64),
        np.array(modes, dtype=np.float64).reshape(-1, 4),
        filled[position] if len(filled) else np.zeros(0, dtype=np.int32),
    )


def jobseeker_arrays(
    profiles: Sequence[JobseekerProfile], placements: PlacementColumns, context: Context
) -> JobseekerArrays:
    """Build the columns of some jobseekers, so that a pass can check and score them for some placements.

    Parameters
    ----------
    profiles : sequence of JobseekerProfile
    placements : PlacementColumns
        The placements that the jobseekers will be paired with.
    context : Context

    Returns
    -------
    JobseekerArrays

    Examples
    --------
    >>> from matching.pairs.vocabulary import Vocabulary
    >>> none = PlacementColumns.of([], WordTables(Vocabulary()))
    >>> jobseeker_arrays([JobseekerProfile()], none, Context(date(2026, 11, 2), {})).number("minutes", 0)
    -1
    """
    lexicon = placements.lexicon
    places = np.array([profile.limits.place or (0.0, 0.0) for profile in profiles], dtype=np.float64).reshape(-1, 2)
    wishes = _listed(lexicon.titles, [profile.wishes.aspirations or () for profile in profiles])
    avoid = _listed(lexicon.listings, [profile.wishes.avoid or () for profile in profiles])
    offered = [tuple(spelling_of_skills(profile.offer.skills, lexicon.vocabulary)) for profile in profiles]
    skills = _listed(lexicon.skills, offered)
    licences = _single(lexicon.licences, [profile.limits.licences for profile in profiles], is_known=True)
    environment = _single(lexicon.environments, [profile.wishes.environment for profile in profiles])
    adjustments = _single(lexicon.adjustments, [profile.wishes.adjustments for profile in profiles])
    numbers = np.empty((len(JOBSEEKER_NUMBERS), len(profiles)), dtype=np.int32)
    numbers[:-OF_TABLES] = (
        np.array([_numbers_of(profile, context) for profile in profiles], dtype=np.int32)
        .reshape(len(profiles), len(JOBSEEKER_NUMBERS) - OF_TABLES)
        .T
    )
    timed = timed_tables(profiles, placements, context)
    says_never = [
        any(avoided(wish, lexicon.vocabulary).is_never for wish in profile.wishes.avoid or ()) for profile in profiles
    ]
    found: Any = timed.rows, timed.untimed_modes, licences[0], environment[0], adjustments[0], says_never
    for row, values in enumerate(found, start=-OF_TABLES):
        numbers[row] = values
    blocked = _runs([_blocked(profile, placements) for profile in profiles])
    return JobseekerArrays(
        numbers=numbers,
        east=places[:, 0].copy(),
        north=places[:, 1].copy(),
        wishes_from=wishes[0],
        wishes=wishes[1],
        avoid_from=avoid[0],
        avoid=avoid[1],
        skills_from=skills[0],
        skills=skills[1],
        blocked_from=blocked[0],
        blocked=blocked[1],
        hashes=np.array([hash_of(profile.key) for profile in profiles], dtype=np.uint64),
        title_table=wishes[2],
        listing_table=avoid[2],
        skill_table=skills[2],
        licence_table=licences[1],
        environment_table=environment[1],
        adjustment_table=adjustments[1],
        timed_low_table=timed.low,
        timed_high_table=timed.high,
    )


def _numbers_of(profile: JobseekerProfile, context: Context) -> tuple[int, ...]:
    limits, offer = profile.limits, profile.offer
    ways = limits.travel_modes or PUBLIC_MODES
    modes = sum(1 << bit for bit, name in enumerate(sorted(context.modes)) if name in ways)
    numbers = {
        "is_placed": limits.place is not None,
        "may_not_work": limits.right_to_work == "no",
        "tells_skills": bool(offer.skills),
        "modes": modes,
        "minutes": NO if limits.max_travel_minutes is None else limits.max_travel_minutes,
        "age": NO if limits.age_years is None else limits.age_years,
        "level": LEVELS.index(limits.qualification_level) if limits.qualification_level in LEVELS else NO,
        "least_hours": NO if limits.hours_min is None else hundredths(limits.hours_min),
        "most_hours": ENDLESS if limits.hours_max is None else hundredths(limits.hours_max),
        "half_days": NO if limits.half_days is None else limits.half_days,
        "earliest": _day(limits.earliest_start_on),
        "offered_least": NO if offer.hours_min is None else hundredths(offer.hours_min),
        "offered_most": NO if offer.hours_max is None else hundredths(offer.hours_max),
        "offered_half_days": NO if offer.half_days is None else offer.half_days,
        "offered_earliest": _day(offer.earliest_start_on),
        "offered_minutes": NO if offer.max_travel_minutes is None else offer.max_travel_minutes,
    }
    return tuple(int(numbers[name]) for name in JOBSEEKER_NUMBERS[:-OF_TABLES])


def _listed(relation: LazyTable, lists: Sequence[Sequence[str]]) -> tuple[Int32s, Int32s, Table]:
    """Return where each list of words begins, the table row of every word, and the table."""
    begins, _ = _runs([range(len(words)) for words in lists])
    rows, table = relation.rows([word for words in lists for word in words])
    return begins, np.array(rows, dtype=np.int32), table


def _single(
    relation: LazyTable, lists: Sequence[tuple[str, ...] | None], *, is_known: bool = False
) -> tuple[Int32s, Table]:
    """Return the table row of each list, and the table. The row is -1 for None and, unless ``is_known``, for ()."""
    known = [words for words in lists if words is not None and (words or is_known)]
    rows, table = relation.rows(known)
    next_rows = iter(rows)
    return np.array(
        [next(next_rows) if words is not None and (words or is_known) else NO for words in lists], dtype=np.int32
    ), table


def _blocked(profile: JobseekerProfile, placements: PlacementColumns) -> list[int]:
    """Return the rows of the placements that the jobseeker's safety exclusions rule out."""
    if not profile.limits.exclusions:
        return []
    return [row for row in range(len(placements)) if eligibility.is_excluded(profile.limits, placements.profile(row))]


def take(arrays: Any, rows: Any) -> Any:
    """Return the columns of some consecutive jobseekers.

    Parameters
    ----------
    arrays : JobseekerArrays
    rows : slice
        The rows must be consecutive, because the lists of consecutive jobseekers are also consecutive.

    Returns
    -------
    JobseekerArrays
    """
    start, stop, _ = rows.indices(len(arrays.east))
    listed = {"wishes": "wishes_from", "avoid": "avoid_from", "skills": "skills_from", "blocked": "blocked_from"}
    columns = arrays._asdict()
    cut: dict[str, Any] = {}
    for name, values in columns.items():
        if name.endswith("_table") or name in cut:
            cut.setdefault(name, values)
        elif name in listed:
            begins = columns[listed[name]]
            cut[name] = values[begins[start] : begins[stop]]
        elif name.endswith("_from"):
            cut[name] = values[start : stop + 1] - values[start]
        elif name == "numbers":
            cut[name] = np.ascontiguousarray(values[:, start:stop])
        else:
            cut[name] = values[start:stop]
    return type(arrays)(**cut)
