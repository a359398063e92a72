"""What an outsider can work out of counts that are hidden: the linear programs behind disclosure control, pure.

An outsider knows every count that is shown, exactly, and how all of them hang together. A hidden count stands where it
may be as large as the threshold, and may be more than one number.

References
----------
Fischetti, M. and Salazar, J. J. (2001). Solving the cell suppression problem on tabular data with linear constraints.
Management Science 47(7), 1008-1027.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, coo_array, csr_array, eye_array

MOST_NEAR = 600  # counts among which one choice is made; if none is found there, among ten times as many
TIMES_FURTHER = 10
SECONDS_FOR_A_CHOICE = 20.0
FEW = 5
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


class Order(NamedTuple):
    """Two counts of which the first is never more than the second."""

    lower: str
    upper: str

    @property
    def members(self) -> tuple[str, str]:
        """Both counts."""
        return self.lower, self.upper


@dataclass(eq=False)
class System:
    """Counts, and how they hang together.

    Parameters
    ----------
    counts : mapping of str to int
        The truth.
    sums : sequence of Sum
    orders : sequence of Order
    guarded : set of str
        What must stand where it is hidden; anything may be thought of the others.
    free : set of str
        What may still be hidden: the rest was shown before.
    weights : mapping of str to float
        What is lost with a count; 1 where it is not named.
    """

    counts: Mapping[str, int]
    sums: Sequence[Sum]
    orders: Sequence[Order]
    guarded: Collection[str]
    free: Collection[str]
    weights: Mapping[str, float]
    _last: "tuple[Collection[str], int, _Thoughts] | None" = None

    @cached_property
    def ties(self) -> Mapping[str, list[Sum | Order]]:
        """Of each count the sums and orders it is in."""
        found: dict[str, list[Sum | Order]] = defaultdict(list)
        ties: list[Sum | Order] = [*self.sums, *self.orders]
        for tie in ties:
            for member in tie.members:
                found[member].append(tie)
        return found

    def around(self, start: str, most: int | None = None) -> list[str]:
        """Return counts from the nearest on, as far as they hang together, at most about so many."""
        found, edge = {start: None}, [start]
        while edge and (most is None or len(found) < most):
            near = [member for one in edge for tie in self.ties.get(one, ()) for member in tie.members]
            edge = [member for member in dict.fromkeys(near) if member not in found]
            found.update(dict.fromkeys(edge))
        return list(found)

    def part(self, start: str, hidden: Collection[str]) -> tuple[list[str], list[Sum | Order]]:
        """Return the hidden counts that hang together with one through hidden ones, and the ties they are in."""
        members, edge = {start: None}, [start]
        ties: dict[Sum | Order, None] = {}
        while edge:
            for tie in self.ties.get(edge.pop(), ()):
                if tie not in ties:
                    ties[tie] = None
                    fresh = [one for one in tie.members if one in hidden and one not in members]
                    members.update(dict.fromkeys(fresh))
                    edge += fresh
        return list(members), list(ties)

    def doubtful(self, hidden: Collection[str], smallest: int) -> list[str]:
        """Return the hidden counts of which it is not seen at a glance that they stand.

        Parameters
        ----------
        hidden : set of str
        smallest : int
            The threshold.

        Returns
        -------
        list of str
            In the order of their names, part by part.
        """
        found: list[str] = []
        seen: set[str] = set()
        for start in sorted(hidden):
            if start not in seen:
                members, ties = self.part(start, hidden)
                seen.update(members)
                found += self._doubtful_among(members, ties, hidden, smallest)
        return found

    def still_doubtful(self, asked: Sequence[str], one: str, hidden: Collection[str], smallest: int) -> list[str]:
        """Return some hidden counts less those that are seen to stand now that more is hidden for one."""
        thoughts = self._thoughts(one, hidden, smallest)
        if thoughts is None:
            return list(asked)
        left = set(thoughts.doubtful([other for other in asked if other in thoughts.at]))
        return [other for other in asked if other in left or other not in thoughts.at]

    def is_bare(self, one: str, hidden: Collection[str], smallest: int) -> bool:
        """Say whether one hidden count does not stand."""
        thoughts = self._thoughts(one, hidden, smallest)
        if thoughts is None:
            return bool(self._bare_by_order([one], hidden, smallest))
        return not thoughts.stands(one)

    def _thoughts(self, one: str, hidden: Collection[str], smallest: int) -> "_Thoughts | None":
        """Return what can be thought of all that hangs together with one; None where there are no sums in it.

        The last is kept: many are asked for one after another while nothing else was hidden.
        """
        last = self._last
        if last is None or last[0] is not hidden or last[1] != len(hidden) or one not in last[2].at:
            members, ties = self.part(one, hidden)
            self._last = last = (hidden, len(hidden), _Thoughts(self, members, ties, smallest))
        return last[2] if last[2].has_sums else None

    def is_pinned(self, one: str, hidden: Collection[str], smallest: int) -> bool:
        """Say whether a hidden count can be one number only."""
        thoughts = self._thoughts(one, hidden, smallest)
        if thoughts is None:
            return False
        return thoughts.furthest(one, 1.0) - thoughts.furthest(one, -1.0) < WHOLE

    def bares_any(self, one: str, hidden: Collection[str], smallest: int) -> bool:
        """Say whether a hidden count does not stand any more once one that was hidden among them is shown."""
        near = dict.fromkeys(member for tie in self.ties.get(one, ()) for member in tie.members if member in hidden)
        # Whom it was hidden for is near, so most answers come from a few programs instead of one for each count.
        alone = [member for member in near if member in self.guarded and self.counts[member] < smallest]
        if any(self.is_bare(member, hidden, smallest) for member in alone[:FEW]):
            return True
        seen: set[str] = set()
        for member in near:
            if member not in seen:
                members, ties = self.part(member, hidden)
                seen.update(members)
                doubtful = self._doubtful_among(members, ties, hidden, smallest)
                if any(self.is_bare(here, hidden, smallest) for here in doubtful):
                    return True
        return False

    def _doubtful_among(
        self, members: Sequence[str], ties: Sequence[Sum | Order], hidden: Collection[str], smallest: int
    ) -> list[str]:
        guarded = sorted(one for one in members if one in self.guarded)
        if guarded and any(isinstance(tie, Sum) for tie in ties):
            return _Thoughts(self, members, ties, smallest).doubtful(guarded)
        return self._bare_by_order(guarded, hidden, smallest)

    def _bare_by_order(self, guarded: Sequence[str], hidden: Collection[str], smallest: int) -> list[str]:
        """Without sums a count is bounded by what is shown above and under it only, through hidden ones or not."""
        bare = []
        for one in guarded:
            top = min(self._shown_beyond(one, hidden, is_up=True), default=None)
            bottom = max(self._shown_beyond(one, hidden, is_up=False), default=0)
            if top is not None and (top < smallest or top == bottom):
                bare.append(one)
        return bare

    def _shown_beyond(self, start: str, hidden: Collection[str], *, is_up: bool) -> list[int]:
        found, seen, edge = [], {start}, [start]
        while edge:
            here = edge.pop()
            for tie in self.ties.get(here, ()):
                if isinstance(tie, Sum) or tie.members[not is_up] != here:
                    continue
                near = tie.members[is_up]
                if near not in hidden:
                    found.append(self.counts[near])
                elif near not in seen:
                    seen.add(near)
                    edge.append(near)
        return found

    def beside(self, hidden: Collection[str], one: str, smallest: int) -> set[str] | None:
        """Return the counts that weigh least of those that, hidden too, let one count stand.

        Parameters
        ----------
        hidden : set of str
        one : str
        smallest : int

        Returns
        -------
        set of str or None
            None where no choice was found.
        """
        for most in (MOST_NEAR, MOST_NEAR * TIMES_FURTHER):
            near = self.around(one, most)
            found = self._beside_among(near, hidden, one, smallest)
            if found is not None or len(near) < most:
                return found
        return None

    def _beside_among(self, near: Sequence[str], hidden: Collection[str], one: str, smallest: int) -> set[str] | None:
        """Choose among near counts: another table of them, in which the one is large, may differ in hidden ones only.

        It is a mixed integer program. Of each count it has by how much it differs, and of each that may be hidden
        whether it is.
        """
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
        weights = np.array([self.weights.get(member, 1.0) + (0 if self.counts[member] else 1.0) for member in near])
        wall = reach * eye_array(n)
        program = block_array([[matrix, None], [eye_array(n), -wall], [eye_array(n), wall]], format="csr")
        solver = _Solver()
        solver.setOptionValue("time_limit", SECONDS_FOR_A_CHOICE)
        solver.setOptionValue("mip_rel_gap", 0.0)
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
    ties: Iterable[Sum | Order], at: Mapping[str, int], counts: Mapping[str, int]
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

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.setOptionValue("threads", 1)

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

    @property
    def has_no_end(self) -> bool:
        """Whether what was to be least can be less than anything, where it is known that there is a table at all."""
        status = highspy.HighsModelStatus
        return self.getModelStatus() in {status.kUnbounded, status.kUnboundedOrInfeasible}

    def answer(self) -> Floats | None:
        """Return the best table that was found; None where there is none or it has no end."""
        self.run()
        if self.has_no_end or self.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None
        return np.array(self.getSolution().col_value)


class _Thoughts:
    """All that an outsider can think of some hidden counts, the rest being known.

    One linear program is kept and asked again and again for other extremes, each time from where it was. Beside each
    guarded count it has another column, never more than the count nor than what is large: how far it is lifted.
    """

    def __init__(self, system: System, members: Sequence[str], ties: Sequence[Sum | Order], smallest: int) -> None:
        self.at = {one: number for number, one in enumerate(members)}
        self.has_sums = any(isinstance(tie, Sum) for tie in ties)
        self.smallest = smallest
        self.counts = np.array([system.counts[one] for one in members], dtype=np.float64)
        rows = np.array([number for one, number in self.at.items() if one in system.guarded], dtype=np.int32)
        n, k = len(members), len(rows)
        self.lift = dict(zip(rows.tolist(), range(n, n + k), strict=True))
        matrix, low, high = _as_rows(ties, self.at, system.counts)
        to_lift = coo_array((np.ones(k), (np.arange(k), rows)), shape=(k, n))
        program = block_array([[matrix, csr_array((len(low), k))], [to_lift, -eye_array(k)]], format="csr")
        most = np.maximum(smallest, self.counts[rows] + 1)
        self.solver = _Solver()
        self.solver.take(
            np.zeros(n + k),
            program,
            (np.concatenate([low, np.zeros(k)]), np.concatenate([high, np.full(k, np.inf)])),
            (np.zeros(n + k), np.concatenate([np.full(n, np.inf), most])),
        )

    def _ask(self, goal: Mapping[int, float]) -> Floats | None:
        """Return the table in which a goal is least; None where it has no end."""
        columns = np.array(list(goal), dtype=np.int32)
        self.solver.changeColsCost(len(columns), columns, np.array(list(goal.values())))
        found = self.solver.answer()
        self.solver.changeColsCost(len(columns), columns, np.zeros(len(columns)))
        return found

    def doubtful(self, guarded: Sequence[str]) -> list[str]:
        """Return those that are not seen to stand by other tables that are possible.

        Another table in which as many as can be are large, or not as they are, clears those at once; whoever is left
        is lifted again without them, until none is.
        """
        left = np.array([self.at[one] for one in guarded])
        while len(left):
            found = self._ask({self.lift[at]: -1.0 for at in left.tolist()})
            if found is None:
                break
            other, truth = found[left], self.counts[left]
            stands = (other >= self.smallest - WHOLE) & ((truth < self.smallest) | (abs(other - truth) > 1 - WHOLE))
            if not stands.any():
                break
            left = left[~stands]
        names = {self.at[one]: one for one in guarded}
        return [names[at] for at in left.tolist()]

    def stands(self, one: str) -> bool:
        """Say whether one may be large, and more than one number."""
        truth = self.counts[self.at[one]]
        highest = self.furthest(one, 1.0)
        if highest < self.smallest - WHOLE:
            return False
        return bool(
            truth < self.smallest or highest > truth + 1 - WHOLE or self.furthest(one, -1.0) < truth - 1 + WHOLE
        )

    def furthest(self, one: str, way: float) -> float:
        """Return the largest (1) or the smallest (-1) that a count may be thought to be."""
        found = self._ask({self.at[one]: -way})
        if found is None:
            # What could not be worked out is taken to be known: it fails closed.
            return np.inf if self.solver.has_no_end else float(self.counts[self.at[one]])
        return float(found[self.at[one]])
