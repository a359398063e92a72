"""Pure linear programs behind disclosure control: what an attacker can infer about suppressed counts.

The attacker knows the exact value of every published count, and all sums and inequalities between counts. A suppressed
count is protected if, for all the attacker knows, it may be as large as the threshold and may have more than one value.
Otherwise it is inferable.

References
----------
Fischetti, M. and Salazar, J. J. (2001). Solving the cell suppression problem on tabular data with linear constraints.
Management Science 47(7), 1008-1027.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, coo_array, csr_array, eye_array

MOST_NEAR = 600  # counts among which the best choice is made; if there is none, a good choice is made among all
TIMES_FURTHER = 10
# The search stops after this many nodes, not after some seconds, so that every machine makes the same choice.
# In a test that attacked four histories, all 338 choices were decided at the first node.
MOST_NODES = 1_000
FEW = 5
PRIMAL = 4  # number of the primal simplex strategy in HiGHS
WHOLE = 1e-6  # tolerance for whole numbers in the solver's solutions
Floats = NDArray[np.float64]


class Sum(NamedTuple):
    """A total and its parts. An outsider knows that the parts add up to the total."""

    total: str
    parts: tuple[str, ...]

    @property
    def members(self) -> tuple[str, ...]:
        """The total and its parts."""
        return (self.total, *self.parts)


class Inequality(NamedTuple):
    """The names of two counts, where ``lower`` is never more than ``upper``."""

    lower: str
    upper: str

    @property
    def members(self) -> tuple[str, str]:
        """The names of the lower and of the upper count."""
        return self.lower, self.upper


@dataclass(eq=False)
class System:
    """Counts, the relations between them, and the counts suppressed at present.

    Parameters
    ----------
    counts : mapping of str to int
        The true values.
    sums : sequence of Sum
    orders : sequence of Inequality
    guarded : set of str
        Counts that must be protected when they are suppressed; other counts need no protection.
    free : set of str
        Counts that may still be suppressed; the others were published before.
    weights : mapping of str to float
        The cost of suppressing a count; 1 if not given.
    hidden : set of str
        Counts suppressed at the start.
    smallest : int
        The threshold: for all the attacker knows, a protected count may be this large or larger.
    """

    counts: Mapping[str, int]
    sums: Sequence[Sum]
    orders: Sequence[Inequality]
    guarded: Collection[str]
    free: Collection[str]
    weights: Mapping[str, float]
    hidden: set[str]
    smallest: int

    @cached_property
    def ties(self) -> Mapping[str, list[Sum | Inequality]]:
        """For each count, the sums and inequalities that contain it."""
        ties_of: dict[str, list[Sum | Inequality]] = defaultdict(list)
        ties: list[Sum | Inequality] = [*self.sums, *self.orders]
        for tie in ties:
            for member in tie.members:
                ties_of[member].append(tie)
        return ties_of

    @cached_property
    def _program(self) -> "_AttackerProgram":
        return _AttackerProgram(self)

    def hide(self, more: Collection[str]) -> None:
        """Suppress further counts."""
        self.hidden |= set(more)
        self._program.free(more)

    def show(self, some: Collection[str]) -> None:
        """Stop suppressing these counts, so that they are published."""
        self.hidden -= set(some)
        self._program.fix(some)

    def around(self, start: str, most: int) -> list[str]:
        """Return about ``most`` counts connected with a count through sums and inequalities, the nearest first."""
        visited, edge = {start: None}, [start]
        while edge and len(visited) < most:
            near = [member for cell in edge for tie in self.ties.get(cell, ()) for member in tie.members]
            edge = [member for member in dict.fromkeys(near) if member not in visited]
            visited.update(dict.fromkeys(edge))
        return list(visited)

    def part(self, starts: Iterable[str]) -> list[str]:
        """Return the suppressed counts that are connected with ``starts`` through suppressed counts only."""
        visited = dict.fromkeys(cell for cell in starts if cell in self.hidden)
        edge = list(visited)
        while edge:
            near = {member: None for tie in self.ties.get(edge.pop(), ()) for member in tie.members}
            new = [cell for cell in near if cell in self.hidden and cell not in visited]
            visited.update(dict.fromkeys(new))
            edge += new
        return list(visited)

    def doubtful(self, asked: Iterable[str] | None = None) -> list[str]:
        """Return the counts in ``asked`` (None: all suppressed counts) that may be inferable, by a quick check."""
        return self._program.doubtful(self._guarded_in(sorted(self.hidden) if asked is None else asked))

    def inferable(self, asked: Iterable[str]) -> Iterator[str]:
        """Yield the inferable counts among ``asked``."""
        yield from self._program.inferable(self._guarded_in(asked))

    def _guarded_in(self, asked: Iterable[str]) -> list[str]:
        return [cell for cell in asked if cell in self.hidden and cell in self.guarded]

    def is_inferable(self, cell: str) -> bool:
        """Return whether a suppressed count is inferable."""
        return not self._program.is_protected(cell)

    def is_pinned(self, cell: str) -> bool:
        """Return whether a suppressed count has only one possible value."""
        return self._program.furthest(cell, 1.0) - self._program.furthest(cell, -1.0) < WHOLE

    def makes_any_inferable(self, cell: str) -> bool:
        """Return whether any suppressed count has become inferable now that ``cell`` is no longer suppressed."""
        near = dict.fromkeys(
            member for tie in self.ties.get(cell, ()) for member in tie.members if member in self.hidden
        )
        # The count that ``cell`` was suppressed for is a neighbour, so checking a few neighbours is usually enough.
        alone = [member for member in near if member in self.guarded and self.counts[member] < self.smallest]
        if any(self.is_inferable(member) for member in alone[:FEW]):
            return True
        return any(True for _ in self.inferable(self.part(near)))

    def extra_cells(self, cell: str) -> set[str] | None:
        """Return the counts of least total weight that have to be suppressed too, so that ``cell`` is protected.

        Parameters
        ----------
        cell : str

        Returns
        -------
        set of str or None
            None if ``cell`` is inferable even when every count in ``free`` is suppressed.
        """
        near = self.around(cell, MOST_NEAR)
        return self._choose_near(near, cell) or self._program.extra_cells(cell, self)

    def cost(self, cell: str) -> float:
        """Return the cost of suppressing a count; a count of 0 costs 1 more, so that other counts come first."""
        return self.weights.get(cell, 1.0) + (0.0 if self.counts[cell] else 1.0)

    def _choose_near(self, near: Sequence[str], cell: str) -> set[str] | None:
        """Choose the cheapest counts of ``near`` that protect ``cell`` if suppressed, by a mixed integer program.

        The program looks for another possible table in which ``cell`` is large enough and which differs from the true
        table in suppressed counts only. Its variables are the value of each count, and a yes or no for each
        count that may still be suppressed.
        """
        hidden, smallest = self.hidden, self.smallest
        ties = list(dict.fromkeys(tie for member in near for tie in self.ties.get(member, ())))
        matrix, low, high = _as_rows(ties, {member: at for at, member in enumerate(near)}, self.counts)
        counts = np.array([self.counts[member] for member in near], dtype=np.float64)
        n, reach = len(near), float(counts.max() + 2 * smallest)
        may = np.array([member in self.free and member not in hidden for member in near])
        is_hidden = np.array([member in hidden for member in near])
        lowest, highest = counts.copy(), counts.copy()
        lowest[may | is_hidden], highest[may | is_hidden] = 0.0, counts[may | is_hidden] + reach
        at = near.index(cell)
        if counts[at] < smallest:
            lowest[at] = smallest
        else:
            # Any value but the true one is enough: first try larger values, then (below) smaller ones.
            lowest[at] = counts[at] + 1
        weights = np.array([self.cost(member) for member in near])
        wall = reach * eye_array(n)
        program = block_array([[matrix, None], [eye_array(n), -wall], [eye_array(n), wall]], format="csr")
        solver = _Solver(mip_max_nodes=MOST_NODES, mip_rel_gap=0.0)
        solver.take(
            np.concatenate([np.zeros(n), np.where(may, weights, 0.0)]),
            program,
            (
                np.concatenate([low, np.full(n, -np.inf), np.where(may, counts, -np.inf)]),
                np.concatenate([high, np.where(may, counts, np.inf), np.full(n, np.inf)]),
            ),
            (np.concatenate([lowest, np.zeros(n)]), np.concatenate([highest, may.astype(float)])),
            whole_from=n,
        )
        for _ in range(2):
            solution = solver.answer()
            if solution is not None:
                return {member for member, amount in zip(near, solution[n:], strict=True) if amount > 1 / 2}
            if counts[at] < smallest or counts[at] == 0:
                return None
            solver.changeColBounds(at, 0.0, counts[at] - 1)
        return None


def _as_rows(
    ties: Iterable[Sum | Inequality], at: Mapping[str, int], counts: Mapping[str, int]
) -> tuple[csr_array, Floats, Floats]:
    """Return sums and inequalities as matrix rows with their bounds. Counts in ``at`` are columns, others constants."""
    rows: list[int] = []
    columns: list[int] = []
    signs: list[float] = []
    low: list[float] = []
    high: list[float] = []
    for tie in ties:
        is_sum = isinstance(tie, Sum)
        terms = (
            [(tie.total, 1.0), *((part, -1.0) for part in tie.parts)]
            if isinstance(tie, Sum)
            else [(tie.upper, 1.0), (tie.lower, -1.0)]
        )
        rest = 0.0
        for cell, sign in terms:
            if cell in at:
                rows.append(len(low))
                columns.append(at[cell])
                signs.append(sign)
            else:
                rest += sign * counts[cell]
        low.append(-rest)
        high.append(-rest if is_sum else np.inf)
    matrix = coo_array((signs, (rows, columns)), shape=(len(low), len(at))).tocsr()
    return matrix, np.array(low), np.array(high)


class _Solver(highspy.Highs):
    """HiGHS without output on standard output.

    HiGHS prints a banner when its callbacks are set, which happens before any option can be set.
    """

    def __init__(self, **options: str | float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        for name, value in {"threads": 1, **options}.items():
            self.setOptionValue(name, value)

    def enableCallbacks(self) -> None:  # noqa: N802 - HiGHS's own name
        """Turn off output instead of setting callbacks, which this module does not use."""
        self.setOptionValue("output_flag", False)  # noqa: FBT003

    def take(
        self,
        goal: Floats,
        matrix: csr_array,
        rows: tuple[Floats, Floats],
        columns: tuple[Floats, Floats],
        whole_from: int | None = None,
    ) -> None:
        """Load a linear program: minimise ``goal``, with rows and columns between their lower and upper bounds.

        Columns from index ``whole_from`` on are integers.
        """
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = matrix.shape
        lp.col_cost_ = goal
        lp.row_lower_, lp.row_upper_ = rows
        lp.col_lower_, lp.col_upper_ = columns
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        if whole_from is not None:
            kinds = highspy.HighsVarType
            lp.integrality_ = [kinds.kInteger if at >= whole_from else kinds.kContinuous for at in range(len(goal))]
        self.passModel(lp)

    def answer(self) -> Floats | None:
        """Return the best solution found, or None if there is none."""
        self.run()
        if self.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        return np.array(self.getSolution().col_value)


class _AttackerProgram:
    """All tables (one value for each count) that an attacker considers possible, as one linear program.

    The same program is solved again and again for different goals, each time starting from the last solution. Published
    counts are fixed at their true values. Each guarded count has an additional column, its "lift", which is at most the
    count and at most the value that the count has to reach. Maximising the lift shows whether the count can do so.
    A table "clears" a count if it shows that the count is protected.
    """

    def __init__(self, system: System) -> None:
        members = sorted({*system.hidden, *system.free})
        self.at = {cell: number for number, cell in enumerate(members)}
        ties: list[Sum | Inequality] = [*system.sums, *system.orders]
        ties = [tie for tie in ties if any(member in self.at for member in tie.members)]
        self.smallest = system.smallest
        self.counts = np.array([system.counts[cell] for cell in members], dtype=np.float64)
        rows = np.array([number for cell, number in self.at.items() if cell in system.guarded], dtype=np.int32)
        n, k = len(members), len(rows)
        self.lift = dict(zip(rows.tolist(), range(n, n + k), strict=True))
        self.matrix, self.low, self.high = _as_rows(ties, self.at, system.counts)
        to_lift = coo_array((np.ones(k), (np.arange(k), rows)), shape=(k, n))
        program = block_array([[self.matrix, None], [to_lift, -eye_array(k)]], format="csr")
        most = np.maximum(self.smallest, self.counts[rows] + 1)
        # No count is assumed to be larger than this. With an upper bound on every count, no program is unbounded.
        self.far = TIMES_FURTHER * (max(system.counts.values(), default=0) + self.smallest)
        is_hidden = np.array([cell in system.hidden for cell in members], dtype=bool)
        # Mostly only the goal changes, so the last solution remains feasible and the primal simplex can start from it.
        self.solver = _Solver(presolve="off", solver="simplex", simplex_strategy=PRIMAL)
        self.solver.take(
            np.zeros(n + k),
            program,
            (np.concatenate([self.low, np.zeros(k)]), np.concatenate([self.high, np.full(k, np.inf)])),
            (
                np.concatenate([np.where(is_hidden, 0.0, self.counts), np.zeros(k)]),
                np.concatenate([np.where(is_hidden, self.far, self.counts), most]),
            ),
        )

    def extra_cells(self, cell: str, system: System) -> set[str] | None:
        """Return counts that protect ``cell`` if they are suppressed too, chosen among all counts in ``free``.

        They are the counts in which the nearest other possible table differs from the true table. The nearest table has
        the least weighted sum of differences, so the choice is good but not always the best.
        """
        may = [member for member in self.at if member in system.free and member not in system.hidden]
        rows = np.array([self.at[member] for member in may], dtype=np.intp)
        n, k = len(self.counts), len(rows)
        pick = coo_array((np.ones(k), (np.arange(k), rows)), shape=(k, n))
        program = block_array([[self.matrix, None], [pick, -eye_array(k)], [pick, eye_array(k)]], format="csr")
        truth = self.counts[rows]
        is_hidden = np.array([member in system.hidden for member in self.at], dtype=bool)
        is_open = is_hidden.copy()
        is_open[rows] = True
        lowest, highest = np.where(is_open, 0.0, self.counts), np.where(is_open, self.far, self.counts)
        at = self.at[cell]
        lowest[at] = self.smallest if self.counts[at] < self.smallest else self.counts[at] + 1
        solver = _Solver()
        solver.take(
            np.concatenate([np.zeros(n), [system.cost(member) for member in may]]),
            program,
            (
                np.concatenate([self.low, np.full(k, -np.inf), truth]),
                np.concatenate([self.high, truth, np.full(k, np.inf)]),
            ),
            (np.concatenate([lowest, np.zeros(k)]), np.concatenate([highest, np.full(k, np.inf)])),
        )
        solution = solver.answer()
        if solution is None and self.counts[at] >= self.smallest:
            solver.changeColBounds(at, 0.0, self.counts[at] - 1)
            solution = solver.answer()
        if solution is None:
            return None
        return {member for member, difference in zip(may, solution[n:], strict=True) if difference > WHOLE}

    def free(self, cells: Collection[str]) -> None:
        """Let these counts have any value from 0 to ``far``."""
        for cell in cells:
            self.solver.changeColBounds(self.at[cell], 0.0, self.far)

    def fix(self, cells: Collection[str]) -> None:
        """Fix these counts at their true values."""
        for cell in cells:
            at = self.at[cell]
            self.solver.changeColBounds(at, self.counts[at], self.counts[at])

    def _minimise(self, goal: Mapping[int, float]) -> Floats | None:
        """Return the table with the smallest weighted sum of counts that agrees with what is published, or None.

        ``goal`` gives the weights by index; the other counts have the weight 0.
        """
        columns = np.array(list(goal), dtype=np.int32)
        self.solver.changeColsCost(len(columns), columns, np.array(list(goal.values())))
        solution = self.solver.answer()
        self.solver.changeColsCost(len(columns), columns, np.zeros(len(columns)))
        return solution

    def doubtful(self, guarded: Sequence[str]) -> list[str]:
        """Return the guarded counts that are not shown to be protected. They may be inferable.

        A table clears each count that reaches the threshold in it with a value other than the true one. Each table
        maximises the sum of the lifts of the counts that are not cleared yet, until a table clears no count.
        """
        names = {self.at[cell]: cell for cell in guarded}
        remaining = np.array(list(names), dtype=np.intp)
        while len(remaining):
            table = self._minimise({self.lift[at]: -1.0 for at in remaining.tolist()})
            if table is None:
                break
            cleared = self._protected_by_table(table, remaining)
            if not cleared.any():
                break
            remaining = remaining[~cleared]
        return [names[at] for at in remaining.tolist()]

    def inferable(self, guarded: Sequence[str]) -> Iterator[str]:
        """Yield the inferable counts. One lift at a time is maximised; the resulting table may clear others too."""
        remaining = np.array([self.at[cell] for cell in self.doubtful(guarded)], dtype=np.intp)
        names = {self.at[cell]: cell for cell in guarded}
        while len(remaining):
            first, remaining = remaining[0], remaining[1:]
            table = self._minimise({self.lift[first]: -1.0})
            if not self._is_cleared(first, table):
                yield names[first]
            if table is not None:
                remaining = remaining[~self._protected_by_table(table, remaining)]

    def _protected_by_table(self, table: Floats, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return which counts a table clears: those that reach the threshold in it and differ from the true value."""
        other, truth = table[rows], self.counts[rows]
        is_other = (truth < self.smallest) | (abs(other - truth) > 1 - WHOLE)
        return np.asarray((other >= self.smallest - WHOLE) & is_other)

    def is_protected(self, cell: str) -> bool:
        """Return whether a count may reach the threshold and may have more than one value."""
        at = self.at[cell]
        return self._is_cleared(at, self._minimise({self.lift[at]: -1.0}))

    def _is_cleared(self, at: int, lifted: Floats | None) -> bool:
        """Return whether a count may reach the threshold and may have more than one value.

        ``lifted`` is the table that maximises the count. If it is None, the true value is taken as the highest one.
        """
        truth = self.counts[at]
        highest = truth if lifted is None else lifted[at]
        if highest < self.smallest - WHOLE:
            return False
        return bool(
            truth < self.smallest or highest > truth + 1 - WHOLE or self._furthest(at, -1.0) < truth - 1 + WHOLE
        )

    def furthest(self, cell: str, direction: float) -> float:
        """Return the largest (direction 1) or smallest (direction -1) possible value of a count."""
        return self._furthest(self.at[cell], direction)

    def _furthest(self, at: int, direction: float) -> float:
        table = self._minimise({at: -direction})
        # Fails closed: if the solver finds no solution, the attacker is assumed to know the count.
        return float(self.counts[at] if table is None else table[at])
