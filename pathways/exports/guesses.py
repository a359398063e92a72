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
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import block_array, coo_array, csr_array, eye_array

MOST_NEAR = 600  # counts among which one choice is made; if none is found there, among ten times as many
TIMES_FURTHER = 10
SECONDS_FOR_A_CHOICE = 20.0
FEW = 5
WHOLE = 1e-6  # how far from a whole number an answer of the solver may be
UNBOUNDED = 3  # as SciPy says it
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

    def is_bare(self, one: str, hidden: Collection[str], smallest: int) -> bool:
        """Say whether one hidden count does not stand."""
        thoughts = self._thoughts(one, hidden)
        if thoughts is None:
            return bool(self._bare_by_order([one], hidden, smallest))
        return not thoughts.stands(one, smallest)

    def _thoughts(self, one: str, hidden: Collection[str]) -> "_Thoughts | None":
        """Return what can be thought of all that hangs together with one; None where there are no sums in it.

        The last is kept: many are asked for one after another while nothing else was hidden.
        """
        last = self._last
        if last is None or last[0] is not hidden or last[1] != len(hidden) or one not in last[2].at:
            members, ties = self.part(one, hidden)
            self._last = last = (hidden, len(hidden), _Thoughts(self, members, ties))
        return last[2] if last[2].has_sums else None

    def is_pinned(self, one: str, hidden: Collection[str]) -> bool:
        """Say whether a hidden count can be one number only."""
        thoughts = self._thoughts(one, hidden)
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
            return _Thoughts(self, members, ties).doubtful(guarded, smallest)
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
        constraints = [
            LinearConstraint(block_array([[matrix, csr_array((len(low), n))]]), low, high),
            LinearConstraint(block_array([[eye_array(n), -wall]]), -np.inf, np.where(may, counts, np.inf)),
            LinearConstraint(block_array([[eye_array(n), wall]]), np.where(may, counts, -np.inf), np.inf),
        ]
        for _ in range(2):
            found = milp(
                np.concatenate([np.zeros(n), np.where(may, weights, 0.0)]),
                constraints=constraints,
                bounds=Bounds(np.concatenate([lowest, np.zeros(n)]), np.concatenate([highest, may.astype(float)])),
                integrality=np.concatenate([np.zeros(n), np.ones(n)]),
                options={"time_limit": SECONDS_FOR_A_CHOICE, "mip_rel_gap": 0.0},
            )
            if found.x is not None:
                chosen = found.x[n:] > 1 / 2
                return {member for member, is_chosen in zip(near, chosen, strict=True) if is_chosen}
            if counts[at] < smallest or counts[at] == 0:
                return None
            lowest[at], highest[at] = 0.0, counts[at] - 1
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


class _Thoughts:
    """All that an outsider can think of some hidden counts, the rest being known."""

    def __init__(self, system: System, members: Sequence[str], ties: Sequence[Sum | Order]) -> None:
        self.at = {one: number for number, one in enumerate(members)}
        self.has_sums = any(isinstance(tie, Sum) for tie in ties)
        self.counts = np.array([system.counts[one] for one in members], dtype=np.float64)
        matrix, low, high = _as_rows(ties, self.at, system.counts)
        is_equal = low == high
        self.equal, self.equals = matrix[is_equal], low[is_equal]
        self.least, self.at_least = -matrix[~is_equal], -low[~is_equal]

    def doubtful(self, guarded: Sequence[str], smallest: int) -> list[str]:
        """Return those that are not seen to stand by other tables that are possible.

        Another table in which as many as can be are large, or not as they are, clears those at once; whoever is left
        is lifted again without them, until none is.
        """
        left = np.array([self.at[one] for one in guarded])
        while len(left):
            other, truth = self._lifted(left, smallest)[left], self.counts[left]
            stands = (other >= smallest - WHOLE) & ((truth < smallest) | (abs(other - truth) > 1 - WHOLE))
            if not stands.any():
                break
            left = left[~stands]
        names = {self.at[one]: one for one in guarded}
        return [names[at] for at in left.tolist()]

    def _lifted(self, rows: NDArray[np.intp], smallest: int) -> Floats:
        """Return a table in which as many as can be are large at once; the truth where there is none."""
        n, k = len(self.counts), len(rows)
        goal = np.concatenate([np.zeros(n), -np.ones(k)])
        to_lift = coo_array((-np.ones(k), (np.arange(k), rows)), shape=(k, n)).tocsr()
        most = np.maximum(smallest, self.counts[rows] + 1)
        found = linprog(
            goal,
            A_ub=block_array([[self.least, csr_array((len(self.at_least), k))], [to_lift, eye_array(k)]]),
            b_ub=np.concatenate([self.at_least, np.zeros(k)]),
            A_eq=block_array([[self.equal, csr_array((len(self.equals), k))]]),
            b_eq=self.equals,
            bounds=[(0, None)] * n + [(0, float(one)) for one in most],
            method="highs",
        )
        return np.asarray(found.x[:n] if found.status == 0 else self.counts)

    def stands(self, one: str, smallest: int) -> bool:
        """Say whether one may be large, and more than one number."""
        truth = self.counts[self.at[one]]
        highest = self.furthest(one, 1.0)
        if highest < smallest - WHOLE:
            return False
        return bool(truth < smallest or highest > truth + 1 - WHOLE or self.furthest(one, -1.0) < truth - 1 + WHOLE)

    def furthest(self, one: str, way: float) -> float:
        """Return the largest (1) or the smallest (-1) that a count may be thought to be."""
        goal = np.zeros(len(self.counts))
        goal[self.at[one]] = -way
        found: Any = linprog(
            goal,
            A_ub=self.least if len(self.at_least) else None,
            b_ub=self.at_least if len(self.at_least) else None,
            A_eq=self.equal if len(self.equals) else None,
            b_eq=self.equals if len(self.equals) else None,
            method="highs",
        )
        if found.status == UNBOUNDED:
            return np.inf
        return float(-way * found.fun) if found.status == 0 else float(self.counts[self.at[one]])
