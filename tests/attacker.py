"""Somebody with every file that was ever released, a solver, and a good memory: what can they work out?

Nothing here uses the product's own sums. The files are read as text; what is told as adding up is added up. Where a
figure did not change between two releases the attacker is told so, which is more than anybody could know.
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
FAR = 10_000.0


@dataclass
class Attacker:
    """Takes in files, release by release, then thinks."""

    smallest: int
    # Of a figure's place in the tables and the release: the same number as long as it was the same.
    epoch: Callable[[tuple, int], int]
    known: dict[tuple, tuple[float, float]] = field(default_factory=dict)  # unknown -> least, most
    hidden: dict[tuple, int] = field(default_factory=dict)  # unknown -> in how many files
    sums: set[tuple] = field(default_factory=set)
    orders: set[tuple] = field(default_factory=set)
    releases: int = 0
    read_of: set[tuple[str, str]] = field(default_factory=set)
    whole: list[tuple[tuple, str, int]] = field(default_factory=list)
    programmes: tuple[str, ...] = ()

    def read(self, scope: str, files: dict[str, bytes], programmes: Iterable[str]) -> None:
        release, self.releases = self.releases, self.releases + 1
        if not files:
            return
        rows = {name: list(csv.DictReader(io.StringIO(body.decode()))) for name, body in files.items()}
        month = rows["progression.csv"][0]["report_period"]

        def unknown(*place: str) -> tuple:
            return (*place, self.epoch(place, release))

        def learn(place: tuple, row: dict[str, str]) -> tuple:
            one = unknown(*place)
            if row["value_status"] == "[c]":
                self.hidden[one] = self.hidden.get(one, 0) + 1
                self.known.setdefault(one, (0.0, FAR))
                return one
            value = int(row["value"])
            least, most = (0, 0) if value == 0 else (max(self.smallest, value - HALF), value + HALF)
            before = self.known.get(one, (0.0, FAR))
            self.known[one] = (max(least, before[0]), min(most, before[1]))
            return one

        self._cohorts(scope, month, rows["cohort.csv"], learn)
        self._progression(scope, month, rows, learn, unknown)
        self._breakdowns(scope, month, rows["breakdowns.csv"], learn, unknown)
        self.read_of.add((scope, month))
        if scope == "all":
            self.whole += [(one, month, release) for one in self.known if one[0] == "all" and len(one) > 4]
        self.programmes = tuple(programmes)

    def _add_programmes(self) -> None:
        """What is told of all programmes is the sum of each; of one whose file is there, no row is nobody."""
        for one, month, release in self.whole:
            place = one[:-1]
            parts = []
            for programme in self.programmes:
                part = (programme, *place[1:])
                if self.epoch(part, release) >= 0:
                    parts.append((*part, self.epoch(part, release)))
                elif (programme, month) not in self.read_of:
                    parts.append(("nobody knows",))
            if parts and one == (*place, self.epoch(place, release)) and all(part in self.known for part in parts):
                self.sums.add((one, tuple(parts)))

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
            there = last["referral", stage], last["start", stage]
            if all(there):
                both = (scope, "reached", month, stage, self.releases)
                self.known[both] = (0.0, FAR)
                for side in there:
                    self.sums.add((both, tuple(one for _, one in side)))

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
            self.sums.add((at[month, "left"], tuple(one for _, one in self.last["referral", "left"])))
        for end in sorted({end for end, _ in at}):
            referred = tuple(one for cohort, one in self.last["referral", "referred"] if cohort <= end)
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
            one = learn(place, row)
            if row["breakdown"] == "all":
                totals[row["stage"]] = one
            else:
                groups[row["breakdown"], row["stage"]].append(one)
            whole = "in_work" if row["breakdown"] == "kind" else "referred"
            if row["stage"] != whole:
                self.orders.add((one, unknown(*place[:-1], whole)))
        for (_, stage), parts in groups.items():
            self.sums.add((totals[stage], tuple(parts)))
        year = sorted({cohort for cohort, _ in self.last["referral", "referred"]})
        for stage in STAGES:
            if stage in totals:
                inside = [one for cohort, one in self.last["referral", stage] if _months(month) - _months(cohort) < 12]
                if inside and year:
                    self.sums.add((totals[stage], tuple(inside)))

    # -- thinking --------------------------------------------------------------------------------------------------

    def found_out(self, truth: dict[tuple, int]) -> list[tuple]:
        """Return the hidden figures that have one possible value only, or only values that are small.

        The truth is one table that is possible; it saves looking for it.
        """
        self._add_programmes()
        program = _Program(self)
        left = [one for one in self.hidden if one in program.at]
        found = []
        while left:
            many = program.lifted(left, self.smallest)
            if many is None:
                break
            cleared = {one for one in left if many[program.at[one]] >= self.smallest - 0.5}
            if not cleared:
                break
            left = [one for one in left if one not in cleared]
            # Large is not enough: another value must be possible too.
            found += [
                one
                for one in cleared
                if abs(many[program.at[one]] - truth[one]) < 0.5
                and program.furthest(one, 1) == program.furthest(one, -1)
            ]
        return found + [one for one in left if program.furthest(one, 1) < self.smallest - 0.5]


def _months(text: str) -> int:
    year, month = text.split("-")
    return int(year) * 12 + int(month)


class _Program:
    def __init__(self, attacker: Attacker) -> None:
        names = list(attacker.known)
        self.at = {one: number for number, one in enumerate(names)}
        self.low = np.array([attacker.known[one][0] for one in names])
        self.high = np.array([attacker.known[one][1] for one in names])
        rows, columns, signs, least, most = [], [], [], [], []

        def add(terms, low, high):
            for one, sign in terms:
                rows.append(len(least))
                columns.append(self.at[one])
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
        n = len(goal)
        # The solver's presolve calls some programs impossible that are not (seed 90); then it is asked without.
        for presolve in (True, False):
            found = milp(
                goal,
                constraints=ties if ties is not None else self.ties,
                bounds=Bounds(self.low if low is None else low, self.high if high is None else high),
                integrality=np.ones(n),
                options={"time_limit": 900.0, "presolve": presolve},
            )
            if found.x is not None:
                break
        assert found.x is not None, "the truth itself must be possible"
        return found.x

    def lifted(self, wanted, smallest):
        """A table in which as many hidden figures as can be are large at once."""
        n, k = len(self.low), len(wanted)
        goal = np.concatenate([np.zeros(n), -np.ones(k)])
        columns = [self.at[one] for one in wanted]
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

    def furthest(self, one, way):
        """The largest (1) or smallest (-1) value."""
        goal = np.zeros(len(self.low))
        goal[self.at[one]] = -way
        return round(float(self.solve(goal)[self.at[one]]))
