"""What an outsider can work out of counts that are hidden: the linear programs behind disclosure control, pure.

An outsider knows every count that is shown, exactly, and how all of them hang together. A hidden count stands where it
may be as large as the threshold, and may be more than one number.

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

MOST_NEAR = 600  # counts among which the best choice is made; if there is none, a good one is among all
TIMES_FURTHER = 10
SECONDS_FOR_A_CHOICE = 5.0
FEW = 5
PRIMAL = 4  # as HiGHS counts its strategies
WHOLE = 1e-6  # how far from a whole number an answer of the solver may be
Floats = NDArray[np.float64]


class Sum(NamedTuple):
    """A total and its parts; everybody knows that they add up."""

    total: str
    parts: tuple[str, ...]

    @property
    def members(self) -> tuple[str, ...]:
        """The total and its parts."""
        return (self.total, *self.parts)


class Inequality(NamedTuple):
    """Two counts of which the first is never more than the second."""

    lower: str
    upper: str

    @property
    def members(self) -> tuple[str, str]:
        """Both counts."""
        return self.lower, self.upper


@dataclass(eq=False)
class System:
    """Counts, how they hang together, and what of them is hidden for now.

    Parameters
    ----------
    counts : mapping of str to int
        The truth.
    sums : sequence of Sum
    orders : sequence of Inequality
    guarded : set of str
        What must stand where it is hidden; anything may be thought of the others.
    free : set of str
        What may still be hidden: the rest was shown before.
    weights : mapping of str to float
        What is lost with a count; 1 where it is not named.
    hidden : set of str
        What is hidden to begin with.
    smallest : int
        The threshold.
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
        """Of each count the sums and orders it is in."""
        found: dict[str, list[Sum | Inequality]] = defaultdict(list)
        ties: list[Sum | Inequality] = [*self.sums, *self.orders]
        for tie in ties:
            for member in tie.members:
                found[member].append(tie)
        return found

    @cached_property
    def _thoughts(self) -> "_Thoughts":
        return _Thoughts(self)

    def hide(self, more: Collection[str]) -> None:
        """Hide some counts more."""
        self.hidden |= set(more)
        self._thoughts.doubt(more)

    def show(self, some: Collection[str]) -> None:
        """Show some hidden counts again."""
        self.hidden -= set(some)
        self._thoughts.settle(some)

    def around(self, start: str, most: int) -> list[str]:
        """Return counts from the nearest on, as far as they hang together, at most about so many."""
        found, edge = {start: None}, [start]
        while edge and len(found) < most:
            near = [member for one in edge for tie in self.ties.get(one, ()) for member in tie.members]
            edge = [member for member in dict.fromkeys(near) if member not in found]
            found.update(dict.fromkeys(edge))
        return list(found)

    def part(self, starts: Iterable[str]) -> list[str]:
        """Return the hidden counts that hang together with some through hidden ones."""
        found = dict.fromkeys(one for one in starts if one in self.hidden)
        edge = list(found)
        while edge:
            near = {member: None for tie in self.ties.get(edge.pop(), ()) for member in tie.members}
            fresh = [one for one in near if one in self.hidden and one not in found]
            found.update(dict.fromkeys(fresh))
            edge += fresh
        return list(found)

    def doubtful(self, asked: Iterable[str] | None = None) -> list[str]:
        """Return the hidden counts of which it is not seen at a glance that they stand: of all or of some."""
        return self._thoughts.doubtful(self._guarded_in(sorted(self.hidden) if asked is None else asked))

    def inferable(self, asked: Iterable[str]) -> Iterator[str]:
        """Yield those of some hidden counts that do not stand."""
        yield from self._thoughts.inferable(self._guarded_in(asked))

    def _guarded_in(self, asked: Iterable[str]) -> list[str]:
        return [one for one in asked if one in self.hidden and one in self.guarded]

    def is_inferable(self, one: str) -> bool:
        """Say whether a hidden count does not stand."""
        return not self._thoughts.is_protected(one)

    def is_pinned(self, one: str) -> bool:
        """Say whether a hidden count can be one number only."""
        return self._thoughts.furthest(one, 1.0) - self._thoughts.furthest(one, -1.0) < WHOLE

    def makes_any_inferable(self, one: str) -> bool:
        """Say whether a hidden count does not stand any more, now that one that was hidden among them is shown."""
        near = dict.fromkeys(
            member for tie in self.ties.get(one, ()) for member in tie.members if member in self.hidden
        )
        # Whom it was hidden for is near, so most answers come from a few programs instead of one for each count.
        alone = [member for member in near if member in self.guarded and self.counts[member] < self.smallest]
        if any(self.is_inferable(member) for member in alone[:FEW]):
            return True
        return any(True for _ in self.inferable(self.part(near)))

    def extra_cells(self, one: str) -> set[str] | None:
        """Return the counts that weigh least of those that, hidden too, let one count stand.

        Parameters
        ----------
        one : str

        Returns
        -------
        set of str or None
            None where hiding all that may be hidden would not do either.
        """
        near = self.around(one, MOST_NEAR)
        return self._choose_near(near, one) or self._thoughts.extra_cells(one, self)

    def cost(self, one: str) -> float:
        """Return what is lost with a count; noughts are hidden after others."""
        return self.weights.get(one, 1.0) + (0.0 if self.counts[one] else 1.0)

    def _choose_near(self, near: Sequence[str], one: str) -> set[str] | None:
        """Choose among near counts: another table of them, in which the one is large, may differ in hidden ones only.

        It is a mixed integer program. Of each count it has by how much it differs, and of each that may be hidden
        whether it is.
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
        at = near.index(one)
        if counts[at] < smallest:
            lowest[at] = smallest
        else:
            # It must only be some other number: one more, or where that is not to be had one less, is as good as any.
            lowest[at] = counts[at] + 1
        weights = np.array([self.cost(member) for member in near])
        wall = reach * eye_array(n)
        program = block_array([[matrix, None], [eye_array(n), -wall], [eye_array(n), wall]], format="csr")
        solver = _Solver(time_limit=SECONDS_FOR_A_CHOICE, mip_rel_gap=0.0)
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
            found = solver.answer()
            if found is not None:
                return {member for member, amount in zip(near, found[n:], strict=True) if amount > 1 / 2}
            if counts[at] < smallest or counts[at] == 0:
                return None
            solver.changeColBounds(at, 0.0, counts[at] - 1)
        return None


def _as_rows(
    ties: Iterable[Sum | Inequality], at: Mapping[str, int], counts: Mapping[str, int]
) -> tuple[csr_array, Floats, Floats]:
    """Return ties as rows of a program over some counts; those it does not name are as they are."""
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
        for one, sign in terms:
            if one in at:
                rows.append(len(low))
                columns.append(at[one])
                signs.append(sign)
            else:
                rest += sign * counts[one]
        low.append(-rest)
        high.append(-rest if is_sum else np.inf)
    matrix = coo_array((signs, (rows, columns)), shape=(len(low), len(at))).tocsr()
    return matrix, np.array(low), np.array(high)


class _Solver(highspy.Highs):
    """HiGHS without a word on standard output: it greets as soon as its callbacks are set, before an option can be."""

    def __init__(self, **options: str | float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        for name, value in {"threads": 1, **options}.items():
            self.setOptionValue(name, value)

    def enableCallbacks(self) -> None:  # noqa: N802 - HiGHS's own name
        """Set none; nothing here asks for any."""
        self.setOptionValue("output_flag", False)  # noqa: FBT003

    def take(
        self,
        goal: Floats,
        matrix: csr_array,
        rows: tuple[Floats, Floats],
        columns: tuple[Floats, Floats],
        whole_from: int | None = None,
    ) -> None:
        """Take in a program: what is to be least, and between what rows and columns must be.

        Columns from ``whole_from`` on are whole numbers.
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
        """Return the best table that was found; None where there is none."""
        self.run()
        if self.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        return np.array(self.getSolution().col_value)


class _Thoughts:
    """All that an outsider can think of what is hidden, the rest being known.

    One linear program is kept and asked again and again for other extremes, each time from where it was. What is not
    hidden and may be is in it as it is. Beside each guarded count it has another column, never more than the count nor
    than what is large: how far it is lifted.
    """

    def __init__(self, system: System) -> None:
        members = sorted({*system.hidden, *system.free})
        self.at = {one: number for number, one in enumerate(members)}
        ties: list[Sum | Inequality] = [*system.sums, *system.orders]
        ties = [tie for tie in ties if any(member in self.at for member in tie.members)]
        self.smallest = system.smallest
        self.counts = np.array([system.counts[one] for one in members], dtype=np.float64)
        rows = np.array([number for one, number in self.at.items() if one in system.guarded], dtype=np.int32)
        n, k = len(members), len(rows)
        self.lift = dict(zip(rows.tolist(), range(n, n + k), strict=True))
        self.matrix, self.low, self.high = _as_rows(ties, self.at, system.counts)
        to_lift = coo_array((np.ones(k), (np.arange(k), rows)), shape=(k, n))
        program = block_array([[self.matrix, None], [to_lift, -eye_array(k)]], format="csr")
        most = np.maximum(self.smallest, self.counts[rows] + 1)
        # Nobody thinks of more people than this: with an end to every count no question is without one.
        self.far = TIMES_FURTHER * (max(system.counts.values(), default=0) + self.smallest)
        is_hidden = np.array([one in system.hidden for one in members], dtype=bool)
        # Only what is asked changes, mostly, so each question goes on from the last answer, which is still a table.
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

    def extra_cells(self, one: str, system: System) -> set[str] | None:
        """Return counts that, hidden too, let one stand: those that the table nearest to the truth differs in.

        How near it is is what it differs by, weighed; so it is good, and the best only by chance.
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
        at = self.at[one]
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
        found = solver.answer()
        if found is None and self.counts[at] >= self.smallest:
            solver.changeColBounds(at, 0.0, self.counts[at] - 1)
            found = solver.answer()
        if found is None:
            return None
        return {member for member, differs in zip(may, found[n:], strict=True) if differs > WHOLE}

    def doubt(self, some: Collection[str]) -> None:
        """Let some counts be anything."""
        for one in some:
            self.solver.changeColBounds(self.at[one], 0.0, self.far)

    def settle(self, some: Collection[str]) -> None:
        """Let some counts be what they are."""
        for one in some:
            at = self.at[one]
            self.solver.changeColBounds(at, self.counts[at], self.counts[at])

    def _ask(self, goal: Mapping[int, float]) -> Floats | None:
        """Return the table in which a goal is least; None where that could not be worked out."""
        columns = np.array(list(goal), dtype=np.int32)
        self.solver.changeColsCost(len(columns), columns, np.array(list(goal.values())))
        found = self.solver.answer()
        self.solver.changeColsCost(len(columns), columns, np.zeros(len(columns)))
        return found

    def doubtful(self, guarded: Sequence[str]) -> list[str]:
        """Return those that are not seen to stand by other tables that are possible.

        A table in which as many as can be are lifted clears all that are large in it, and not as they are; whoever is
        left is lifted again without them, until none is cleared.
        """
        names = {self.at[one]: one for one in guarded}
        left = np.array(list(names), dtype=np.intp)
        while len(left):
            found = self._ask({self.lift[at]: -1.0 for at in left.tolist()})
            cleared = np.zeros(len(left), dtype=bool) if found is None else self._protected_by_table(found, left)
            if not cleared.any():
                break
            left = left[~cleared]
        return [names[at] for at in left.tolist()]

    def inferable(self, guarded: Sequence[str]) -> Iterator[str]:
        """Yield those that do not stand: of those that are doubtful, each is lifted alone, and may clear others too."""
        left = np.array([self.at[one] for one in self.doubtful(guarded)], dtype=np.intp)
        names = {self.at[one]: one for one in guarded}
        while len(left):
            first, left = left[0], left[1:]
            found = self._ask({self.lift[first]: -1.0})
            if not self._is_cleared(first, found):
                yield names[first]
            if found is not None:
                left = left[~self._protected_by_table(found, left)]

    def _protected_by_table(self, found: Floats, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Say which of some counts are seen to stand by another table: large in it, and not as they are."""
        other, truth = found[rows], self.counts[rows]
        is_other = (truth < self.smallest) | (abs(other - truth) > 1 - WHOLE)
        return np.asarray((other >= self.smallest - WHOLE) & is_other)

    def is_protected(self, one: str) -> bool:
        """Say whether one may be large, and more than one number."""
        at = self.at[one]
        return self._is_cleared(at, self._ask({self.lift[at]: -1.0}))

    def _is_cleared(self, at: int, lifted: Floats | None) -> bool:
        """Say whether a count stands that was lifted: no further than to be large, or to be one more than it is."""
        truth = self.counts[at]
        highest = truth if lifted is None else lifted[at]
        if highest < self.smallest - WHOLE:
            return False
        return bool(
            truth < self.smallest or highest > truth + 1 - WHOLE or self._furthest(at, -1.0) < truth - 1 + WHOLE
        )

    def furthest(self, one: str, way: float) -> float:
        """Return the largest (1) or the smallest (-1) that a count may be thought to be."""
        return self._furthest(self.at[one], way)

    def _furthest(self, at: int, way: float) -> float:
        found = self._ask({at: -way})
        # What could not be worked out is taken to be known: it fails closed.
        return float(self.counts[at] if found is None else found[at])
