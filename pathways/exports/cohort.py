"""The cohort and progression tables, pure: journeys in, rows out. People are counted, not jobs."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

STAGES = (
    "referred",
    "started",
    "profiled",
    "introduced",
    "offered",
    "in_work",
    "sustained_13",
    "sustained_26",
    "left",
)
LONGEST_MONTHS = 24
CONFIDENTIAL, NOT_YET = "[c]", "[x]"


@dataclass(frozen=True, slots=True)
class Journey:
    """One person on one enrolment, or still waiting for one: the day each stage was reached."""

    reached_on: Mapping[str, date]


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Read ``yyyy-mm``; ValueError for anything else."""
        year, month = text.split("-")
        if len(year) != 4 or len(month) != 2 or not 1 <= int(month) <= 12:  # noqa: PLR2004 - yyyy-mm
            raise ValueError(text)
        return cls(int(year), int(month))

    @classmethod
    def of(cls, day: date) -> "Month":
        return cls(day.year, day.month)

    def plus(self, months: int) -> "Month":
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, self.month, monthrange(self.year, self.month)[1])

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A value to publish: empty with a status where it is hidden or not yet complete."""

    value: str
    status: str = ""


def count_cell(count: int, smallest: int) -> Cell:
    """Hide counts of 1 up to the smallest that may be shown; nought is shown."""
    return Cell("", CONFIDENTIAL) if 0 < count < smallest else Cell(str(count))


def share_cell(count: int, whole: int, smallest: int) -> Cell:
    """A rate only from counts that may themselves be shown, to three places."""
    if whole < smallest or 0 < count < smallest or 0 < whole - count < smallest:
        return Cell("", CONFIDENTIAL)
    return Cell(f"{float(round(Fraction(count, whole), 3)):.3f}")


COHORT_COLUMNS = (
    "report_period",
    "as_of",
    "version",
    "cohort_basis",
    "cohort_month",
    "elapsed_months",
    "measure",
    "value",
    "value_status",
)


def cohort_rows(
    journeys: Sequence[Journey], month: Month, *, as_of: date, version: int, smallest: int
) -> Iterator[tuple[str, ...]]:
    """Return every cohort up to the month, by each elapsed month; what has not elapsed is blank, never nought."""
    for basis, stage in (("referral", "referred"), ("start", "started")):
        cohorts: dict[Month, list[Journey]] = {}
        for journey in journeys:
            reached = journey.reached_on.get(stage)
            if reached is not None and reached <= month.last_day:
                cohorts.setdefault(Month.of(reached), []).append(journey)
        stages = STAGES[STAGES.index(stage) :]
        for cohort_month in sorted(cohorts):
            members = cohorts[cohort_month]
            for elapsed in range(LONGEST_MONTHS + 1):
                until = cohort_month.plus(elapsed)
                for name in stages:
                    for measure, cell in _measures(members, name, until, month, smallest):
                        yield (
                            str(month),
                            as_of.isoformat(),
                            str(version),
                            basis,
                            str(cohort_month),
                            str(elapsed),
                            measure,
                            cell.value,
                            cell.status,
                        )


def _measures(
    members: Sequence[Journey], stage: str, until: Month, month: Month, smallest: int
) -> tuple[tuple[str, Cell], tuple[str, Cell]]:
    if until > month:
        return (stage, Cell("", NOT_YET)), (f"{stage}_share", Cell("", NOT_YET))
    reached = sum(1 for m in members if stage in m.reached_on and m.reached_on[stage] <= until.last_day)
    return (
        (stage, count_cell(reached, smallest)),
        (f"{stage}_share", share_cell(reached, len(members), smallest)),
    )


PROGRESSION_COLUMNS = (
    "report_period",
    "as_of",
    "version",
    "measure",
    "from_stage",
    "to_stage",
    "value",
    "value_status",
)
NOT_HERE = ""


def stage_on(journey: Journey, day: date) -> str:
    """The furthest stage reached by the end of a day; empty for somebody not referred yet."""
    reached = [stage for stage in STAGES if stage in journey.reached_on and journey.reached_on[stage] <= day]
    return reached[-1] if reached else NOT_HERE


def progression_rows(
    journeys: Sequence[Journey], month: Month, *, as_of: date, version: int, smallest: int
) -> Iterator[tuple[str, ...]]:
    """Return people at each stage at the month's start and end, and every move between."""
    day_before = date.fromordinal(month.first_day.toordinal() - 1)
    moves: Counter[tuple[str, str]] = Counter()
    for journey in journeys:
        moves[stage_on(journey, day_before), stage_on(journey, month.last_day)] += 1
    lead = (str(month), as_of.isoformat(), str(version))
    for measure, side in (("at_start", 0), ("at_end", 1)):
        for stage in STAGES:
            count = sum(n for pair, n in moves.items() if pair[side] == stage)
            cell = count_cell(count, smallest)
            ends = (stage, "") if side == 0 else ("", stage)
            yield (*lead, measure, *ends, cell.value, cell.status)
    order = (NOT_HERE, *STAGES)
    for pair in sorted(moves, key=lambda p: (order.index(p[0]), order.index(p[1]))):
        if pair[0] == pair[1]:
            continue
        cell = count_cell(moves[pair], smallest)
        yield (*lead, "moved", pair[0] or "not_referred", pair[1], cell.value, cell.status)
