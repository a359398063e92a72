"""Make shortlists by a PostgreSQL query that applies our hard checks to the same placements and people.

The score of the query is simpler than ours, which favours the query. A wish or a skill counts only if it is the same
word (ours compares similar words). A journey's low and high estimates are the smallest of all modes. Every skill has
the same weight. The weights are added up once (ours has a logistic curve and a calibration for each of two sides).

Words are stored as whole numbers, and the rows are stored in the order of our grid and have an index. The table is
analysed, the query prepared and the cache warm. A b-tree on east and north was never faster than the GiST index on a
point. Safety exclusions are left out, because no made-up person has any.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import psycopg

from benchmarks import population
from benchmarks.served_stage import K, ServedStage, open_rows
from matching.bulk.bits import MARGIN_METRES
from matching.bulk.columns import ENDLESS, JobseekerArrays
from matching.pairs.eligibility import LEVELS, PUBLIC_MODES
from matching.pairs.grades import hundredths
from matching.pairs.half_days import half_days_for
from matching.pairs.profiles import JobseekerProfile, PlacementProfile
from tests import postgres

TABLE = """
CREATE TABLE placement (
  id integer PRIMARY KEY, at point, east float8, north float8, is_remote boolean NOT NULL,
  is_anywhere boolean NOT NULL, places_left smallint NOT NULL, asks_right_to_work boolean NOT NULL,
  minimum_age smallint, starts integer, ends integer, hours integer, flexible boolean, half_days integer,
  half_days_filled smallint NOT NULL, licences integer NOT NULL, level smallint, title integer NOT NULL,
  essential integer[], desirable integer[], environment integer, adjustments integer[], offers_support boolean NOT NULL
)
"""
INDEXES = (
    "CREATE INDEX ON placement USING gist (at) WHERE NOT is_anywhere",
    "CREATE INDEX ON placement (id) WHERE is_anywhere",
)
# Travel modes that the person does not use are NULL, and ``least`` ignores NULL.
LOW, HIGH = (
    "least(" + ", ".join(f"{rounded}(km * %({way}_{end})s::float8 + {wait})" for way, wait in waits.items()) + ")"
    for rounded, end, waits in (
        ("floor", "low", {way: mode.wait_minutes_low for way, mode in population.MODES.items()}),
        ("ceil", "high", {way: mode.wait_minutes_high for way, mode in population.MODES.items()}),
    )
)
CHECKS = """
  places_left > 0
  AND (minimum_age IS NULL OR %(age)s::int IS NULL OR %(age)s::int >= minimum_age)
  AND NOT (asks_right_to_work AND %(may_not_work)s::boolean)
  AND (ends IS NULL OR (ends >= %(today)s::int AND (%(earliest)s::int IS NULL OR %(earliest)s::int <= ends)))
  AND (hours IS NULL OR CASE WHEN hours > %(most_hours)s::int THEN flexible IS TRUE
                             ELSE hours >= %(least_hours)s::int END)
  AND (half_days IS NULL OR %(half_days)s::int IS NULL OR half_days & ~%(half_days)s::int = 0 OR flexible IS NULL
       OR (flexible AND bit_count((half_days & %(half_days)s::int)::bit(32))
                        >= least(half_days_filled, %(most_half_days)s::int)))
  AND (%(licences)s::int IS NULL OR licences & ~%(licences)s::int = 0)
  AND (level IS NULL OR %(level)s::int IS NULL OR %(level)s::int >= level)
"""
SCORE = """
  2.4::float8 * coalesce((title = ANY(%(wishes)s::int[]))::int, 0.5::float8)
  + 1.8::float8 * coalesce((SELECT avg((e = ANY(%(skills)s::int[]))::int::float8) FROM unnest(essential) e), 0.5)
  + 0.7::float8 * coalesce((SELECT avg((d = ANY(%(skills)s::int[]))::int::float8) FROM unnest(desirable) d), 0.5)
  + 2.6::float8 * CASE WHEN is_remote THEN 1 ELSE coalesce(greatest(0, 180 - (low + high)) / 180, 0.5) END
  + 1.2::float8 * CASE WHEN hours BETWEEN %(least_hours)s::int AND %(most_hours)s::int THEN 1::float8 ELSE 0.5 END
  + 1.4::float8 * coalesce(bit_count((half_days & %(half_days)s::int)::bit(32))::float8
                           / nullif(bit_count(half_days::bit(32)), 0), 0.5)
  + 0.7::float8 * coalesce(CASE WHEN environment = %(environment)s::int THEN 1::float8 ELSE 0.4 END, 0.5)
  + 0.6::float8 * coalesce(greatest(0, 120 - abs(starts - %(earliest)s::int)) / 120::float8, 0.5)
  + 0.9::float8 * CASE WHEN %(adjustment)s::int = ANY(adjustments) THEN 1::float8 ELSE 0.5 END
  + 0.4::float8 * CASE WHEN offers_support THEN 1::float8 ELSE 0.5 END
"""
BOX = "at <@ box(point(%(west)s, %(south)s), point(%(far_east)s, %(far_north)s))"
ONE_SCAN = f"(SELECT * FROM placement WHERE {BOX} OR is_anywhere)"  # noqa: S608 - put together from constants
TWO_PARTS = f"""(SELECT * FROM placement WHERE NOT is_anywhere AND {BOX}
                 UNION ALL SELECT * FROM placement WHERE is_anywhere)"""  # noqa: S608 - put together from constants
# OFFSET 0 stops the server from calculating the journey again at each use. The query is faster with it.
QUERY = f"""
SELECT {{columns}} FROM (
  SELECT *, {LOW} AS low, {HIGH} AS high FROM (
    SELECT *, sqrt((east - %(x)s::float8) * (east - %(x)s::float8) + (north - %(y)s::float8) * (north - %(y)s::float8))
              / 1000 AS km
    FROM {{around}} AS around WHERE {CHECKS} OFFSET 0
  ) AS measured
) AS reached
WHERE %(minutes)s::int IS NULL OR low IS NULL OR low <= %(minutes)s::int
"""  # noqa: S608 - put together from constants
SHORTLIST = QUERY.replace("{columns}", f"id, {SCORE} AS score") + f"ORDER BY score DESC, id LIMIT {K}"
OPEN = QUERY.replace("{columns}", "id")
# The forms of the query, and whether the server may cache one plan for all people. The second form was the fastest in
# trials with 10,000 placements, the third with 100,000.
PLAIN = "one scan"
WAYS = {
    PLAIN: (ONE_SCAN, "auto"),
    "two parts, cached plan": (TWO_PARTS, "auto"),
    "two parts, new plan each time": (TWO_PARTS, "force_custom_plan"),
}
WARM = 10  # queries before timing; after five queries, the server decides whether to cache the plan


def number_of(words: dict[str, int], word: str) -> int:
    """Return the number of a word, and give a new word the next number."""
    return words.setdefault(word, len(words))


def numbers_of(words: dict[str, int], answer: Sequence[str] | None) -> list[int] | None:
    return [number_of(words, word) for word in answer] if answer else None


def licences_held(licences: Sequence[str] | None) -> int | None:
    """Return licences as a number with one bit for each licence, or None if they are unknown."""
    return None if licences is None else sum(1 << population.LICENCES.index(licence) for licence in set(licences))


def level_of(level: str | None) -> int | None:
    return None if level is None else LEVELS.index(level)


def hundredths_or_none(hours: float | None) -> int | None:
    return None if hours is None else hundredths(hours)


def half_days_filled(hours: float | None) -> int:
    """Return the number of half-days that weekly hours fill."""
    each = hundredths(population.context().hours_in_a_half_day)
    return half_days_for(hundredths_or_none(hours) or 0, each)


def row_of(number: int, listing: PlacementProfile, words: dict[str, int]) -> tuple[Any, ...]:
    """Return a placement as a row of the table."""
    is_anywhere = listing.place is None or listing.remote == "yes"
    east, north = (None, None) if is_anywhere or listing.place is None else listing.place
    return (
        number,
        None if is_anywhere else f"({east},{north})",
        east,
        north,
        listing.remote == "yes",
        is_anywhere,
        listing.places_left,
        listing.right_to_work_needed is not False,
        listing.minimum_age,
        listing.starts_on and listing.starts_on.toordinal(),
        listing.ends_on and listing.ends_on.toordinal(),
        hundredths_or_none(listing.hours_per_week),
        listing.hours_flexible,
        listing.half_days,
        half_days_filled(listing.hours_per_week),
        licences_held(listing.licences_needed or ()),
        level_of(listing.qualifications_needed),
        number_of(words, listing.title),
        numbers_of(words, listing.essential_skills),
        numbers_of(words, listing.desirable_skills),
        number_of(words, listing.environment[0]) if listing.environment else None,
        numbers_of(words, listing.adjustments_offered),
        bool(listing.support_offered),
    )


def parameters_of(person: JobseekerProfile, words: dict[str, int]) -> dict[str, Any]:
    """Return the parameters of one person's query."""
    limits, wishes = person.limits, person.wishes
    x, y = limits.place or (None, None)
    used = limits.travel_modes or PUBLIC_MODES
    ways = {way: mode for way, mode in population.MODES.items() if way in used}
    parameters: dict[str, Any] = {
        "x": x, "y": y, "minutes": limits.max_travel_minutes, "today": population.DAY.toordinal(),
        "age": limits.age_years, "may_not_work": limits.right_to_work == "no",
        "earliest": limits.earliest_start_on and limits.earliest_start_on.toordinal(),
        "least_hours": hundredths_or_none(limits.hours_min) or 0,
        "most_hours": ENDLESS if limits.hours_max is None else hundredths(limits.hours_max),
        "half_days": limits.half_days,
        "most_half_days": ENDLESS if limits.hours_max is None else half_days_filled(limits.hours_max),
        "licences": licences_held(limits.licences), "level": level_of(limits.qualification_level),
        "wishes": numbers_of(words, wishes.aspirations), "skills": numbers_of(words, person.offer.skills),
        "environment": number_of(words, wishes.environment[0]) if wishes.environment else None,
        "adjustment": number_of(words, wishes.adjustments[0]) if wishes.adjustments else None,
    }  # fmt: skip
    for way in population.MODES:
        mode = ways.get(way)
        parameters |= {
            f"{way}_low": mode and mode.minutes_per_km_low,
            f"{way}_high": mode and mode.minutes_per_km_high,
        }
    if x is not None and y is not None and limits.max_travel_minutes is not None and ways:
        reach = MARGIN_METRES + 1000 * max(
            (limits.max_travel_minutes + 1 - mode.wait_minutes_low) / mode.minutes_per_km_low for mode in ways.values()
        )
        parameters |= {"west": x - reach, "south": y - reach, "far_east": x + reach, "far_north": y + reach}
    return parameters


@dataclass(frozen=True)
class Taken:
    """The median times of one shortlist in milliseconds: CPU time of the server (NaN if unknown) and wall-clock."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Compared:
    """The times of each form of the query.

    ``agreed`` is the number of people for whom the query finds the same eligible placements as our checks.
    """

    ways: dict[str, Taken]
    agreed: int
    people: int

    @property
    def plain(self) -> Taken:
        return self.ways[PLAIN]

    @property
    def quickest(self) -> Taken:
        return min(self.ways.values(), key=lambda taken: taken.wall)


class Server:
    """A PostgreSQL server on this machine, with one client."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        connection.execute("SET random_page_cost = 1.1")  # everything is in memory
        connection.execute("SET jit = off")
        connection.execute("SET max_parallel_workers_per_gather = 0")  # one thread, as ours has
        self.ways = WAYS
        self.version = connection.info.parameter_status("server_version") or "?"
        process = Path(f"/proc/{connection.info.backend_pid}")
        is_here = (process / "comm").exists() and (process / "comm").read_text().startswith("postgres")
        self._clock = process / "schedstat" if is_here else None

    def cpu(self) -> float:
        """Return the CPU time in milliseconds that the server has used for this client; NaN if it cannot be read."""
        return int(self._clock.read_text().split()[0]) / 1e6 if self._clock else float("nan")

    def load(self, stage: ServedStage, words: dict[str, int]) -> None:
        """Create and fill the table of placements."""
        self.connection.execute("DROP TABLE IF EXISTS placement")
        self.connection.execute(TABLE)
        with self.connection.cursor() as cursor, cursor.copy("COPY placement FROM STDIN") as copy:
            for number in range(len(stage.columns)):
                copy.write_row(row_of(number, stage.columns.profile(number), words))
        for index in INDEXES:
            self.connection.execute(index)
        self.connection.execute("VACUUM ANALYZE placement")

    def ask(self, query: str, around: str, parameters: dict[str, Any]) -> list[Any]:
        """Query the placements that ``around`` selects for a person, or all if the person's journey has no limit."""
        whole = query.replace("{around}", around if "west" in parameters else "placement").encode()
        return self.connection.execute(whole, parameters, prepare=True).fetchall()

    def time(self, around: str, people: Sequence[dict[str, Any]]) -> Taken:
        """Return the median times of the shortlist query; ``people`` has the parameters for each person."""
        for parameters in people[:WARM]:
            self.ask(SHORTLIST, around, parameters)
        cpu, wall = [], []
        for parameters in people:
            spent, began = self.cpu(), perf_counter()
            self.ask(SHORTLIST, around, parameters)
            wall.append(perf_counter() - began)
            cpu.append(self.cpu() - spent)
        return Taken(float(np.median(cpu)), float(np.median(wall)) * 1000)

    def compare(self, stage: ServedStage, profiles: Sequence[JobseekerProfile], people: JobseekerArrays) -> Compared:
        """Time each form of the query on some people, and compare its eligible placements with those of our checks."""
        words: dict[str, int] = {}
        self.load(stage, words)
        queries = [parameters_of(person, words) for person in profiles]
        ways = {}
        for name, (around, planned) in WAYS.items():
            self.connection.execute(f"SET plan_cache_mode = {planned}".encode())
            ways[name] = self.time(around, queries)
        agreed = 0
        for j, parameters in enumerate(queries):
            eligible = {row[0] for row in self.ask(OPEN, TWO_PARTS, parameters)}
            agreed += eligible == set(open_rows(stage, people, j).tolist())
        return Compared(ways, agreed, len(queries))


@contextmanager
def server() -> Iterator[Server]:
    """Start a PostgreSQL server and connect to it."""
    with postgres.server() as url, psycopg.connect(url, autocommit=True) as connection:
        yield Server(connection)
