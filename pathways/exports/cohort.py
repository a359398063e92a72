"""Pure functions for the tables of a month: count journeys one by one, then make rows from the counts.

People are counted, not jobs. Each count has a key that is the same in every month and version that publishes it, so
that earlier published values can be looked up. The memory that a ``Tally`` needs does not grow with the people counted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pathways.disclosure.inference import Inequality, Sum
from pathways.disclosure.suppression import CONFIDENTIAL, NOT_YET, FigureTable, Suppression
from pathways.exports.journeys import CONTACTED, STAGES, Journey
from pathways.exports.months import Month, number_of

LONGEST_MONTHS = 24
WINDOW_MONTHS = 12  # breakdowns and medians cover the people referred in the export's month and the 11 months before
EVERYBODY = "all"  # the breakdown of all people, and the scope of all programmes of a commissioner
NOT_HERE = ""  # the stage of people who are not referred yet; the only group in the breakdown of all people
BASES = {"referral": "referred", "start": "started"}
AFTER = {first: STAGES[STAGES.index(first) + 1 :] for first in BASES.values()}
# The two stages between which each wait is measured.
WAITS = {
    "referral_to_start": ("referred", "started"),
    "start_to_employer_contact": ("started", CONTACTED),
    "referral_to_job_start": ("referred", "in_work"),
}
# Personal characteristics. A count is suppressed if it reveals that all or none of the group reached the stage.
# The other breakdowns are by the support that people get.
CHARACTERISTICS = ("age", "ethnic_group", "long_term_condition", "sex")
BREAKDOWNS = ("programme", "area", "source", "kind", *CHARACTERISTICS)
OF_WORK = STAGES[STAGES.index("in_work") : STAGES.index("left")]
MONTHS_BACK = 12  # people at each stage are counted at the end of the month and of this number of months before
TOTAL_WEIGHT = 20.0  # when figures to suppress are chosen, a total has this weight and a part has weight 1


class Tally:
    """The counts of one month, for all of a commissioner's programmes or for one of them.

    Parameters
    ----------
    month : Month
    scope : str
        ``all``, or a programme's reference.
    """

    def __init__(self, month: Month, scope: str = EVERYBODY) -> None:
        self.month = month
        self.scope = scope
        self.people = 0
        # Months are integers here: with many people, making ``Month`` objects would take half of the running time.
        self._at, self._last_day = month.number, month.last_day
        self._new: Counter[tuple[str, int, str, int]] = Counter()  # basis, cohort, stage, months until the stage
        self._sizes: Counter[tuple[str, int]] = Counter()
        self._moves: Counter[tuple[str, str]] = Counter()
        self._turns: Counter[tuple[int, str]] = Counter()  # month, stage: people entering the stage less people leaving
        self._groups: Counter[tuple[str, str, str]] = Counter()  # breakdown, group, stage
        self._level_with: Month | None = None
        self._more_groups: dict[str, set[str]] = {}
        self._waits: dict[str, Counter[int]] = {name: Counter() for name in WAITS}

    def count(self, journeys: Iterable[Journey]) -> "Tally":
        """Count journeys, and return this tally."""
        for journey in journeys:
            self.add(journey)
        return self

    def add(self, journey: Journey) -> None:
        """Count one journey; a journey that begins after the month is ignored."""
        reached = {stage: day for stage, day in journey.reached_on.items() if day <= self._last_day}
        if "referred" not in reached:
            return
        self.people += 1
        months = {stage: number_of(day) for stage, day in reached.items()}
        for basis, first in BASES.items():
            if first not in reached:
                continue
            cohort = months[first]
            self._sizes[basis, cohort] += 1
            for stage in AFTER[first]:
                if stage in months:
                    self._new[basis, cohort, stage, max(0, months[stage] - cohort)] += 1
        self._add_steps(reached, months)
        if self._at - months["referred"] < WINDOW_MONTHS:
            self._add_to_groups(journey.groups, reached)

    def _add_steps(self, reached: Mapping[str, date], months: Mapping[str, int]) -> None:
        """Count, month by month, how the furthest stage that the person has reached changes."""
        oldest, before, current, furthest = self._at - MONTHS_BACK, NOT_HERE, NOT_HERE, -1
        for _, at in sorted((reached[stage], at) for at, stage in enumerate(STAGES) if stage in reached):
            if at <= furthest:
                continue
            stage = STAGES[at]
            in_month = max(months[stage], oldest)
            if furthest >= 0:
                self._turns[in_month, current] -= 1
            current, furthest = stage, at
            self._turns[in_month, current] += 1
            if in_month < self._at:
                before = current
        self._moves[before, current] += 1

    def at_end_of(self, month: Month) -> dict[str, int]:
        """Return how many people were at each stage at the end of one of the last thirteen months."""
        months = range(self._at - MONTHS_BACK, month.number + 1)
        return {stage: sum(self._turns[number, stage] for number in months) for stage in STAGES}

    @property
    def month_ends(self) -> list[Month]:
        """The thirteen months up to this month, oldest first. People are counted at the end of each."""
        return [self.month.plus(back - MONTHS_BACK) for back in range(MONTHS_BACK + 1)]

    def _add_to_groups(self, groups: Mapping[str, str], reached: Mapping[str, date]) -> None:
        for breakdown, group in ((EVERYBODY, NOT_HERE), *groups.items()):
            for stage in reached:
                if breakdown != "kind" or stage in OF_WORK:
                    self._groups[breakdown, group, stage] += 1
        for name, (first, last) in WAITS.items():
            if first in reached and last in reached:
                self._waits[name][(reached[last] - reached[first]).days] += 1

    # -- the figures and their keys -------------------------------------------------------------------------------

    def cohort_key(self, basis: str, cohort: Month, stage: str, elapsed: int) -> str:
        """Return the key of a count in the cohort table; the size of a cohort has one key for all elapsed months."""
        after = "*" if stage == BASES[basis] else str(elapsed)
        return f"{self.scope}|cohort|{basis}|{cohort}|{after}|{stage}"

    def at_key(self, day: date, stage: str) -> str:
        return f"{self.scope}|at|{day}|{stage}"

    def move_key(self, origin: str, stage: str) -> str:
        return f"{self.scope}|move|{self.month}|{origin}|{stage}"

    def group_key(self, breakdown: str, group: str, stage: str) -> str:
        """Return a group's key. A programme has the same key in its own export and in the export of all programmes."""
        if breakdown == "programme":
            return f"{group}|by|{self.month}|{EVERYBODY}|{NOT_HERE}|{stage}"
        return f"{self.scope}|by|{self.month}|{breakdown}|{group}|{stage}"

    @property
    def cohorts(self) -> list[tuple[str, Month]]:
        """Every cohort, as a pair of basis and month. Each basis has every month from the first referral on.

        Months without people are included, because a missing row would reveal that there are none.
        """
        first = min((Month.at(number) for _, number in self._sizes), default=None)
        first = min((month for month in (first, self._level_with) if month is not None), default=None)
        if first is None:
            return []
        months = [first.plus(ahead) for ahead in range(self.month.minus(first) + 1)]
        return [(basis, month) for basis in BASES for month in months]

    def groups(self, breakdown: str) -> list[str]:
        """Return the groups of a breakdown, including groups that have people only in other programmes."""
        own = {group for name, group, _ in self._groups if name == breakdown}
        return sorted(own | self._more_groups.get(breakdown, set())) if self.people else []

    def stages(self, breakdown: str) -> tuple[str, ...]:
        """Return the stages that a breakdown has counts for."""
        return OF_WORK if breakdown == "kind" else (*STAGES, CONTACTED) if breakdown == EVERYBODY else STAGES

    def share(self, first: Month | None, groups: dict[str, set[str]]) -> None:
        """Include the cohorts from the month ``first`` on, and ``groups``, even if this tally has no people in them."""
        self._level_with, self._more_groups = first, groups

    def wait(self, name: str) -> Mapping[int, int]:
        """Return the number of people by the number of days they waited; ``name`` is a key of ``WAITS``."""
        return self._waits[name]

    def figures(self) -> FigureTable:
        """Return every count, and the sums and inequalities between counts."""
        builder = _FigureBuilder()
        self._gather_cohorts(builder)
        self._gather_progression(builder)
        self._gather_groups(builder)
        self._gather_links(builder)
        return FigureTable(
            builder.counts,
            builder.sums,
            builder.orders,
            whole_of=builder.whole_of,
            unpublished=frozenset(builder.unpublished),
            characteristics=frozenset(builder.characteristics),
            weights=builder.weights,
        )

    def last_elapsed(self, cohort: Month) -> int:
        """Return the number of calendar months from a cohort's month to this month, at most ``LONGEST_MONTHS``."""
        return min(LONGEST_MONTHS, self.month.minus(cohort))

    def _gather_cohorts(self, builder: "_FigureBuilder") -> None:
        for basis, cohort in self.cohorts:
            size = self.cohort_key(basis, cohort, BASES[basis], 0)
            builder.counts[size] = self._sizes[basis, cohort.number]
            builder.weights[size] = TOTAL_WEIGHT
            for stage in STAGES[STAGES.index(BASES[basis]) + 1 :]:
                so_far, before = 0, None
                for elapsed in range(self.last_elapsed(cohort) + 1):
                    so_far += self._new[basis, cohort.number, stage, elapsed]
                    key = self.cohort_key(basis, cohort, stage, elapsed)
                    builder.counts[key], builder.whole_of[key] = so_far, size
                    if before is not None:
                        builder.orders.append(Inequality(before, key))
                    if basis == "referral" and stage not in {"started", "left"}:
                        builder.orders.append(Inequality(key, self.cohort_key(basis, cohort, "started", elapsed)))
                    before = key
                if before is not None:
                    builder.orders.append(Inequality(before, size))

    def _gather_progression(self, builder: "_FigureBuilder") -> None:
        for month in self.month_ends:
            for stage, count in self.at_end_of(month).items():
                builder.counts[self.at_key(month.last_day, stage)] = count
        start, end = self.month.first_day - timedelta(days=1), self.month.last_day
        for origin in (NOT_HERE, *STAGES):
            for stage in STAGES:
                is_move = (origin, stage) in MOVES
                key = self.move_key(origin, stage)
                if not is_move and origin != stage:
                    continue
                builder.counts[key] = self._moves[origin, stage]
                if not is_move:
                    builder.unpublished.add(key)  # the number of people who stayed at a stage is in no file
        for stage in STAGES:
            before, after = self.at_key(start, stage), self.at_key(end, stage)
            leaving = [self.move_key(stage, to) for to in STAGES if (stage, to) in MOVES or to == stage]
            coming = [self.move_key(origin, stage) for origin in (NOT_HERE, *STAGES) if (origin, stage) in MOVES]
            coming.append(self.move_key(stage, stage))
            builder.add_up(before, leaving)
            builder.add_up(after, coming)
            builder.weights |= {before: TOTAL_WEIGHT, after: TOTAL_WEIGHT}

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """The breakdowns of this scope; a single programme has no breakdown by programme."""
        return BREAKDOWNS if self.scope == EVERYBODY else BREAKDOWNS[1:]

    def _gather_groups(self, builder: "_FigureBuilder") -> None:
        for breakdown in (EVERYBODY, *self.breakdowns):
            for group in self.groups(breakdown):
                self._gather_group(builder, breakdown, group)
        for breakdown in self.breakdowns:
            for stage in self.stages(breakdown):
                parts = [self.group_key(breakdown, group, stage) for group in self.groups(breakdown)]
                if parts:
                    builder.add_up(self.group_key(EVERYBODY, NOT_HERE, stage), parts)

    def _gather_group(self, builder: "_FigureBuilder", breakdown: str, group: str) -> None:
        first, *further = self.stages(breakdown)
        size = self.group_key(breakdown, group, first)
        builder.counts[size] = self._groups[breakdown, group, first]
        for stage in further:
            key = self.group_key(breakdown, group, stage)
            builder.counts[key], builder.whole_of[key] = self._groups[breakdown, group, stage], size
            builder.orders.append(Inequality(key, size))
            if breakdown in CHARACTERISTICS:
                builder.characteristics.add(key)
        if breakdown == EVERYBODY:
            builder.weights |= {self.group_key(breakdown, group, stage): TOTAL_WEIGHT for stage in (first, *further)}

    def _gather_links(self, builder: "_FigureBuilder") -> None:
        """Add sums across tables: the last twelve cohorts make up the breakdowns, and all cohorts the stage counts."""

        def last(basis: str, stage: str, cohorts: Iterable[Month]) -> list[str]:
            return [self.cohort_key(basis, cohort, stage, self.last_elapsed(cohort)) for cohort in cohorts]

        referred = [cohort for basis, cohort in self.cohorts if basis == "referral"]
        started = [cohort for basis, cohort in self.cohorts if basis == "start"]
        window = [cohort for cohort in referred if self.month.minus(cohort) < WINDOW_MONTHS]
        for stage in STAGES:
            if window:
                builder.add_up(self.group_key(EVERYBODY, NOT_HERE, stage), last("referral", stage, window))
        if not referred or min(referred + started).plus(LONGEST_MONTHS) < self.month:
            return  # the oldest cohorts are no longer published in full
        for stage in STAGES[1:-1]:
            both = f"{self.scope}|reached|{self.month}|{stage}"
            builder.unpublished.add(both)
            builder.add_up(both, last("referral", stage, referred))
            if started:
                builder.add_up(both, last("start", stage, started))
        end = self.month.last_day
        builder.add_up(self.at_key(end, "left"), last("referral", "left", referred))
        for month in self.month_ends[:-1]:
            earlier = [cohort for cohort in referred if cohort <= month]
            if earlier:
                people = f"{self.scope}|people|{month}"
                builder.unpublished.add(people)
                builder.add_up(people, last("referral", "referred", earlier))
                builder.add_up(people, [self.at_key(month.last_day, stage) for stage in STAGES])
        everybody = f"{self.scope}|people|{self.month}"
        builder.unpublished.add(everybody)
        builder.add_up(everybody, last("referral", "referred", referred))
        builder.add_up(everybody, [self.at_key(end, stage) for stage in STAGES])


def level(tallies: Iterable[Tally]) -> None:
    """Give the tallies of several scopes the same rows; rows that a tally lacks are published with a count of 0."""
    every = list(tallies)
    firsts = [month for tally in every for _, month in tally.cohorts]
    for tally in every:
        tally.share(
            min(firsts, default=None),
            {name: {group for other in every for group in other.groups(name)} for name in BREAKDOWNS[1:]},
        )


def together(tallies: Mapping[str, Tally], scope: str) -> FigureTable:
    """Return the figures of one scope, together with the figures of other scopes that are linked to them by sums.

    The figures of all programmes are the sums of the figures of each programme, so a reader can subtract one file from
    another. The figures of the other scopes are used for disclosure control only and are not published here.

    Parameters
    ----------
    tallies : mapping of str to Tally
        The tally of all programmes under ``all``, and of each programme under its reference.
    scope : str

    Returns
    -------
    FigureTable
    """
    if len(tallies) > 1:
        level(tallies.values())
    made = {name: tally.figures() for name, tally in tallies.items()}
    own = made[scope]
    if len(made) == 1:
        return own
    counts: dict[str, int] = {}
    whole_of: dict[str, str] = {}
    weights: dict[str, float] = {}
    sums: list[Sum] = []
    orders: list[Inequality] = []
    unpublished: set[str] = set()
    characteristics: set[str] = set()
    for figures in made.values():
        counts |= figures.counts
        whole_of |= figures.whole_of
        weights |= figures.weights
        sums += figures.sums
        orders += figures.orders
        unpublished |= set(figures.unpublished)
        characteristics |= set(figures.characteristics)
    programmes = sorted(name for name in made if name != EVERYBODY)
    for key in made[EVERYBODY].counts:
        of, rest = key.split("|", 1)
        if of != EVERYBODY:
            continue
        parts = [f"{name}|{rest}" for name in programmes if f"{name}|{rest}" in counts or name != scope]
        for part in parts:
            if part not in counts:  # this programme has no such row, and its absence is not published
                counts[part] = 0
                unpublished.add(part)
        sums.append(Sum(key, tuple(parts)))
    return FigureTable(
        counts,
        list(dict.fromkeys(sums)),
        list(dict.fromkeys(orders)),
        whole_of=whole_of,
        unpublished=frozenset(unpublished - (own.counts.keys() - set(own.unpublished))),
        withheld=frozenset(counts.keys() - own.counts.keys() - unpublished),
        characteristics=frozenset(characteristics),
        weights=weights,
    )


class _FigureBuilder:
    """Collects the parts of a ``FigureTable``."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.sums: list[Sum] = []
        self.orders: list[Inequality] = []
        self.whole_of: dict[str, str] = {}
        self.unpublished: set[str] = set()
        self.characteristics: set[str] = set()
        self.weights: dict[str, float] = {}

    def add_up(self, total: str, parts: list[str]) -> None:
        self.counts[total] = sum(self.counts[part] for part in parts)
        self.sums.append(Sum(total, tuple(parts)))


# Moves lead only to later stages, because a stage that was once reached always counts as reached.
MOVES = frozenset(
    (origin, stage) for at, origin in enumerate((NOT_HERE, *STAGES)) for stage in STAGES[at:] if origin != stage
)


@dataclass(frozen=True, slots=True)
class Head:
    """The first columns of every row: the month, the ``as_of`` day and the version number."""

    month: Month
    as_of: date
    version: int

    @property
    def cells(self) -> tuple[str, str, str]:
        return str(self.month), self.as_of.isoformat(), str(self.version)


Row = tuple[str, ...]


def _cell(decision: Suppression, key: str) -> tuple[str, str]:
    """Return a count's value and status as published; the value is blank if it is suppressed."""
    value = decision.published(key)
    return "" if value is None else str(value), decision.status(key)


def _share(decision: Suppression, part: str, whole: str) -> tuple[str, str]:
    rate = decision.rate(part, whole)
    return ("", CONFIDENTIAL) if rate is None else (rate, "")


def cohort_rows(tally: Tally, decision: Suppression, head: Head) -> Iterator[Row]:
    """Yield the rows of every cohort, by elapsed months. Values of months that are not over are blank, never 0."""
    for basis, cohort in tally.cohorts:
        size = tally.cohort_key(basis, cohort, BASES[basis], 0)
        for elapsed in range(LONGEST_MONTHS + 1):
            lead = (*head.cells, basis, str(cohort), str(elapsed))
            for stage in STAGES[STAGES.index(BASES[basis]) :]:
                if elapsed > tally.last_elapsed(cohort):
                    yield (*lead, stage, "", NOT_YET)
                    yield (*lead, f"{stage}_share", "", NOT_YET)
                else:
                    key = tally.cohort_key(basis, cohort, stage, elapsed)
                    yield (*lead, stage, *_cell(decision, key))
                    yield (*lead, f"{stage}_share", *_share(decision, key, size))


def progression_rows(tally: Tally, decision: Suppression, head: Head) -> Iterator[Row]:
    """Yield rows of the people at each stage at the month's start and end, and of the moves between stages."""
    start, end = tally.month.first_day - timedelta(days=1), tally.month.last_day
    for stage in STAGES:
        yield (*head.cells, "at_start", stage, "", *_cell(decision, tally.at_key(start, stage)))
    for stage in STAGES:
        yield (*head.cells, "at_end", "", stage, *_cell(decision, tally.at_key(end, stage)))
    for origin in (NOT_HERE, *STAGES):
        for stage in STAGES:
            if (origin, stage) in MOVES:
                cell = _cell(decision, tally.move_key(origin, stage))
                yield (*head.cells, "moved", origin or "not_referred", stage, *cell)


def stage_rows(tally: Tally, decision: Suppression, head: Head) -> Iterator[Row]:
    """Yield rows of the people at each stage at the end of each of the last thirteen months."""
    for month in tally.month_ends:
        for stage in STAGES:
            yield (*head.cells, str(month), stage, *_cell(decision, tally.at_key(month.last_day, stage)))


def breakdown_rows(tally: Tally, decision: Suppression, head: Head) -> Iterator[Row]:
    """Yield rows of the people referred in the last twelve months, by group and by stage reached."""
    for breakdown in (EVERYBODY, *tally.breakdowns):
        for group in tally.groups(breakdown):
            for stage in tally.stages(breakdown):
                cell = _cell(decision, tally.group_key(breakdown, group, stage))
                yield (*head.cells, breakdown, group or EVERYBODY, stage, *cell)


def median_rows(tally: Tally, decision: Suppression, head: Head, smallest: int) -> Iterator[Row]:
    """Yield rows of the median days of each wait, for people referred in the last twelve months.

    The median is suppressed if it is based on fewer than ``smallest`` people, or if their count is suppressed.
    """
    for name, (_, last) in WAITS.items():
        days = tally.wait(name)
        people = _cell(decision, tally.group_key(EVERYBODY, NOT_HERE, last)) if tally.groups(EVERYBODY) else ("0", "")
        count = sum(days.values())
        if count < smallest or people[1]:
            yield (*head.cells, name, "people", *people)
            yield (*head.cells, name, "median_days", "", CONFIDENTIAL if count else NOT_YET)
        else:
            yield (*head.cells, name, "people", *people)
            yield (*head.cells, name, "median_days", str(median_of(days)), "")


def median_of(days: Mapping[int, int]) -> int:
    """Return the median, given the number of people for each number of days; half a day is rounded up.

    Examples
    --------
    >>> median_of({3: 2, 9: 1}), median_of({1: 1, 4: 1})
    (3, 3)
    """
    count = sum(days.values())
    middle: list[int] = []
    so_far = 0
    for day in sorted(days):
        before, so_far = so_far, so_far + days[day]
        middle += [day for place in ((count - 1) // 2, count // 2) if before <= place < so_far]
    return (sum(middle) + 1) // 2
