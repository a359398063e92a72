"""An attacker who has all released files and a solver, and tries to infer suppressed figures.

The attacker does not use the sums of the service. It reads the files as text and applies the sums that their
documentation gives. It is also given the information that a figure did not change between two releases, which a real
attacker would not have.
"""

import csv
import io
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

BASE, HALF = 5, 2
STAGES = ("referred", "started", "profiled", "introduced", "offered", "in_work", "sustained_13", "sustained_26", "left")
WORK = ("in_work", "sustained_13", "sustained_26")
FAR = 10_000.0  # the upper bound of an unknown figure


@dataclass
class Attacker:
    """Read files release by release with ``read``, then infer figures with ``found_out``."""

    smallest: int
    # From a figure's place in the tables and the number of a release: a number that changes when the figure changes. It
    # is negative if the figure is not in the release.
    epoch: Callable[[tuple, int], int]
    known: dict[tuple, tuple[float, float]] = field(default_factory=dict)  # unknown -> lower and upper bound
    hidden: dict[tuple, int] = field(default_factory=dict)  # unknown -> number of files in which it is suppressed
    sums: set[tuple] = field(default_factory=set)
    orders: set[tuple] = field(default_factory=set)
    releases: int = 0
    read_of: set[tuple[str, str]] = field(default_factory=set)
    whole: list[tuple[tuple, str, int]] = field(default_factory=list)
    programmes: tuple[str, ...] = ()

    def read(self, scope: str, files: dict[str, bytes], programmes: Iterable[str]) -> None:
        """Read the files of one release. ``scope`` is a programme or "all"."""
        release, self.releases = self.releases, self.releases + 1
        if not files:
            return
        rows = {name: list(csv.DictReader(io.StringIO(body.decode()))) for name, body in files.items()}
        month = rows["progression.csv"][0]["report_period"]

        def unknown(*place: str) -> tuple:
            return (*place, self.epoch(place, release))

        def learn(place: tuple, row: dict[str, str]) -> tuple:
            figure = unknown(*place)
            if row["value_status"] == "[c]":
                self.hidden[figure] = self.hidden.get(figure, 0) + 1
                self.known.setdefault(figure, (0.0, FAR))
                return figure
            value = int(row["value"])
            least, most = (0, 0) if value == 0 else (max(self.smallest, value - HALF), value + HALF)
            before = self.known.get(figure, (0.0, FAR))
            self.known[figure] = (max(least, before[0]), min(most, before[1]))
            return figure

        self._cohorts(scope, month, rows["cohort.csv"], learn)
        self._progression(scope, month, rows, learn, unknown)
        self._breakdowns(scope, month, rows["breakdowns.csv"], learn, unknown)
        self.read_of.add((scope, month))
        if scope == "all":
            self.whole += [(figure, month, release) for figure in self.known if figure[0] == "all" and len(figure) > 4]
        self.programmes = tuple(programmes)

    def _add_programmes(self) -> None:
        """Add the sums over programmes: a figure of all programmes is the sum of the figures of each.

        If the file of a programme was released and has no row for the figure, the programme's figure is zero.
        """
        for whole, month, release in self.whole:
            place = whole[:-1]
            parts = []
            for programme in self.programmes:
                part = (programme, *place[1:])
                if self.epoch(part, release) >= 0:
                    parts.append((*part, self.epoch(part, release)))
                elif (programme, month) not in self.read_of:
                    parts.append(("unknown",))  # the programme's file was not released
            if parts and whole == (*place, self.epoch(place, release)) and all(part in self.known for part in parts):
                self.sums.add((whole, tuple(parts)))

    def _cohorts(self, scope, month, rows, learn) -> None:
        chains = defaultdict(dict)
        for row in rows:
            if row["measure"].endswith("_share") or row["value_status"] == "[x]":
                continue
            basis, cohort, elapsed, stage = (
                row[name] for name in ("cohort_basis", "cohort_month", "elapsed_months", "measure")
            )
            first = "referred" if basis == "referral" else "started"
            at = "*" if stage == first else elapsed
            chains[basis, cohort, stage][int(elapsed)] = learn((scope, "cohort", basis, cohort, at, stage), row)
        sizes = {
            (b, c): chain[0]
            for (b, c, s), chain in chains.items()
            if s in {"referred", "started"} and (b == "referral") == (s == "referred")
        }
        last = defaultdict(list)
        for (basis, cohort, stage), chain in chains.items():
            inorder = [chain[e] for e in sorted(chain)]
            self.orders |= {(low, high) for low, high in itertools.pairwise(inorder) if low != high}
            if inorder[-1] != sizes[basis, cohort]:
                self.orders.add((inorder[-1], sizes[basis, cohort]))
            last[basis, stage].append((cohort, inorder[-1]))
        self.last = last
        for stage in STAGES[1:-1]:
            sides = last["referral", stage], last["start", stage]
            if all(sides):
                both = (scope, "reached", month, stage, self.releases)
                self.known[both] = (0.0, FAR)
                for side in sides:
                    self.sums.add((both, tuple(figure for _, figure in side)))

    def _progression(self, scope, month, rows, learn, unknown) -> None:
        at = {}
        for row in rows["stages.csv"]:
            at[row["month_end"], row["stage"]] = learn((scope, "at", row["month_end"], row["stage"]), row)
        before = sorted({end for end, _ in at})[-2]
        leaving, coming = defaultdict(list), defaultdict(list)
        for row in rows["progression.csv"]:
            if row["measure"] == "moved":
                move = learn((scope, "move", month, row["from_stage"], row["to_stage"]), row)
                leaving[row["from_stage"]].append(move)
                coming[row["to_stage"]].append(move)
            else:
                end = before if row["measure"] == "at_start" else month
                learn((scope, "at", end, row["from_stage"] or row["to_stage"]), row)
        for stage in STAGES:
            stay = (scope, "stay", month, stage, self.releases)
            self.known[stay] = (0.0, FAR)
            self.sums.add((at[before, stage], (*leaving[stage], stay)))
            self.sums.add((at[month, stage], (*coming[stage], stay)))
        if self.last["referral", "left"]:
            self.sums.add((at[month, "left"], tuple(figure for _, figure in self.last["referral", "left"])))
        for end in sorted({end for end, _ in at}):
            referred = tuple(figure for cohort, figure in self.last["referral", "referred"] if cohort <= end)
            if referred:
                everybody = (scope, "people", end, self.releases)
                self.known[everybody] = (0.0, FAR)
                self.sums.add((everybody, referred))
                self.sums.add((everybody, tuple(at[end, stage] for stage in STAGES)))

    def _breakdowns(self, scope, month, rows, learn, unknown) -> None:
        groups = defaultdict(list)
        totals = {}
        for row in rows:
            owner = row["group"] if row["breakdown"] == "programme" else scope
            is_total = row["breakdown"] in {"all", "programme"}
            place = (
                owner,
                "by",
                month,
                "all" if is_total else row["breakdown"],
                "" if is_total else row["group"],
                row["stage"],
            )
            figure = learn(place, row)
            if row["breakdown"] == "all":
                totals[row["stage"]] = figure
            else:
                groups[row["breakdown"], row["stage"]].append(figure)
            whole = "in_work" if row["breakdown"] == "kind" else "referred"
            if row["stage"] != whole:
                self.orders.add((figure, unknown(*place[:-1], whole)))
        for (_, stage), parts in groups.items():
            self.sums.add((totals[stage], tuple(parts)))
        year = sorted({cohort for cohort, _ in self.last["referral", "referred"]})
        for stage in STAGES:
            if stage in totals:
                cohorts = self.last["referral", stage]
                inside = [figure for cohort, figure in cohorts if _months(month) - _months(cohort) < 12]
                if inside and year:
                    self.sums.add((totals[stage], tuple(inside)))

    # -- inference -------------------------------------------------------------------------------------------------

    def found_out(self, truth: dict[tuple, int]) -> list[tuple]:
        """Return the suppressed figures that are inferable: with one possible value only, or with small values only.

        ``truth`` is one possible table. It saves solving for one.
        """
        self._add_programmes()
        program = _Program(self)
        left = [figure for figure in self.hidden if figure in program.at]
        inferred = []
        while left:
            many = program.lifted(left, self.smallest)
            if many is None:
                break
            cleared = {figure for figure in left if many[program.at[figure]] >= self.smallest - 0.5}
            if not cleared:
                break
            left = [figure for figure in left if figure not in cleared]
            # A large possible value is not enough: a second value must be possible too.
            inferred += [
                figure
                for figure in cleared
                if abs(many[program.at[figure]] - truth[figure]) < 0.5
                and program.furthest(figure, 1) == program.furthest(figure, -1)
            ]
        return inferred + [figure for figure in left if program.furthest(figure, 1) < self.smallest - 0.5]


def _months(text: str) -> int:
    year, month = text.split("-")
    return int(year) * 12 + int(month)


class _Program:
    """The integer programme of all tables that agree with the released files."""

    def __init__(self, attacker: Attacker) -> None:
        names = list(attacker.known)
        self.at = {figure: number for number, figure in enumerate(names)}
        self.low = np.array([attacker.known[figure][0] for figure in names])
        self.high = np.array([attacker.known[figure][1] for figure in names])
        rows, columns, signs, least, most = [], [], [], [], []

        def add(terms, low, high):
            for figure, sign in terms:
                rows.append(len(least))
                columns.append(self.at[figure])
                signs.append(sign)
            least.append(low)
            most.append(high)

        for total, parts in attacker.sums:
            if total in self.at and all(part in self.at for part in parts):
                add([(total, 1.0), *((part, -1.0) for part in parts)], 0.0, 0.0)
        for lower, upper in attacker.orders:
            if lower in self.at and upper in self.at:
                add([(upper, 1.0), (lower, -1.0)], 0.0, np.inf)
        self.matrix = coo_array((signs, (rows, columns)), shape=(len(least), len(names))).tocsr()
        self.ties = LinearConstraint(self.matrix, least, most)

    def solve(self, goal, low=None, high=None, ties=None):
        """Return a possible table with the smallest value of ``goal``."""
        n = len(goal)
        # The solver's presolve wrongly reports some programmes as infeasible (seed 90). They are solved without it.
        for presolve in (True, False):
            result = milp(
                goal,
                constraints=ties if ties is not None else self.ties,
                bounds=Bounds(self.low if low is None else low, self.high if high is None else high),
                integrality=np.ones(n),
                options={"time_limit": 900.0, "presolve": presolve},
            )
            if result.x is not None:
                break
        assert result.x is not None, "the true table must be possible"
        return result.x

    def lifted(self, wanted, smallest):
        """Return a possible table in which the wanted figures, each capped at ``smallest``, have the largest sum."""
        n, k = len(self.low), len(wanted)
        goal = np.concatenate([np.zeros(n), -np.ones(k)])
        columns = [self.at[figure] for figure in wanted]
        lift = coo_array(
            (
                np.concatenate([np.ones(k), -np.ones(k)]),
                (np.concatenate([np.arange(k)] * 2), [*columns, *range(n, n + k)]),
            ),
            shape=(k, n + k),
        ).tocsr()
        wide = self.matrix.copy()
        wide.resize((self.matrix.shape[0], n + k))
        ties = [LinearConstraint(wide, self.ties.lb, self.ties.ub), LinearConstraint(lift, 0.0, np.inf)]
        low, high = np.concatenate([self.low, np.zeros(k)]), np.concatenate([self.high, np.full(k, float(smallest))])
        return self.solve(goal, low, high, ties)[:n]

    def furthest(self, figure, way):
        """Return the largest (``way`` 1) or smallest (``way`` -1) possible value of a figure."""
        goal = np.zeros(len(self.low))
        goal[self.at[figure]] = -way
        return round(float(self.solve(goal)[self.at[figure]]))
