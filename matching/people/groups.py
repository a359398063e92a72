"""Records of one person, put together from pairs: by average linkage, so that a chain of likely pairs is cut.

If A is like B and B is like C, the transitive closure makes one person of the three, whatever A and C say. Average
linkage joins two groups only if their records are, on average over all pairs, more likely one person than two [1]_.

References
----------
.. [1] Sokal, Michener, "A statistical method for evaluating systematic relationships", University of Kansas Science
   Bulletin 38, 1958.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations, product

Pair = tuple[int, int]
# Two records alone are joined if they are as likely as not one person. Of larger groups, a mean of less is enough:
# records of one person from different years may have little in common, so half of their pairs may say nothing either
# way. The figure was chosen on ``benchmarks.hard_town.DEVELOPED``.
LEAST_ALONE, LEAST_MEAN = 0.5, 0.2
LEAST_LINK = 0.02  # pairs less probable than this count in a mean, but no group is made for their sake
LARGEST = 200  # records in a group


def grouped(
    chances: Mapping[Pair, float],
    judge: Callable[[int, int], float],
    least: float = LEAST_MEAN,
    largest: int = LARGEST,
) -> list[list[int]]:
    """Return the groups of records that are about one person each, by average linkage.

    Parameters
    ----------
    chances : mapping of (int, int) to float
        The probability that the two records of a pair are about one person, in any order of the two.
    judge : callable
        Returns the probability of a pair that is not in ``chances``. It is called only for pairs on which a decision
        depends.
    least : float
        Two groups are joined if the mean probability of the pairs between them is at least this, and two records alone
        if it is at least ``LEAST_ALONE``.
    largest : int
        No group of more records is made.

    Returns
    -------
    list of list of int
        Groups of at least two records, in the order of their first records.

    Examples
    --------
    >>> grouped({(0, 1): 0.9, (1, 2): 0.3}, lambda _, __: 0.0)
    [[0, 1]]
    >>> grouped({(0, 1): 0.9, (1, 2): 0.8}, lambda _, __: 0.0)
    [[0, 1, 2]]
    """
    linkage = _AverageLinkage(chances, judge)
    linkage.join(least, largest)
    return sorted(sorted(members) for members in linkage.members.values() if len(members) > 1)


def pairs_within(groups: Iterable[Iterable[int]]) -> set[Pair]:
    """Return all pairs of records that are in one group.

    Parameters
    ----------
    groups : iterable of iterable of int

    Returns
    -------
    set of (int, int)
        The first position is the smaller.

    Examples
    --------
    >>> sorted(pairs_within([[0, 1, 2]]))
    [(0, 1), (0, 2), (1, 2)]
    """
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


class _AverageLinkage:
    """Groups of records, and between any two that a likely pair links, the sum of the probabilities of all pairs."""

    def __init__(self, chances: Mapping[Pair, float], judge: Callable[[int, int], float]) -> None:
        self._judge = judge
        self._chances = {(min(pair), max(pair)): chance for pair, chance in chances.items()}
        likely = {pair: chance for pair, chance in self._chances.items() if chance >= LEAST_LINK}
        self.members: dict[int, list[int]] = {record: [record] for pair in likely for record in pair}
        self._sums: dict[int, dict[int, float]] = {record: {} for record in self.members}
        for (one, other), chance in likely.items():
            self._sums[one][other] = self._sums[other][one] = chance
        self._queue = [(-chance, one, other) for (one, other), chance in likely.items()]
        heapq.heapify(self._queue)
        self._next = max(self.members, default=0) + 1

    def join(self, least: float, largest: int) -> None:
        """Join the two groups of the highest mean, again and again, until no mean reaches ``least``."""
        while self._queue and -self._queue[0][0] >= least:
            mean, one, other = heapq.heappop(self._queue)
            # A group that was joined has a new number, so what was queued for its old number is out of date.
            if one not in self.members or other not in self.members:
                continue
            records = len(self.members[one]) + len(self.members[other])
            if records <= largest and (-mean >= LEAST_ALONE or records > len((one, other))):
                self._join(one, other)

    def _join(self, one: int, other: int) -> None:
        joined, self._next = self._next, self._next + 1
        sums: dict[int, float] = {}
        for third in sorted((self._sums[one].keys() | self._sums[other].keys()) - {one, other}):
            sums[third] = self._sum(one, third) + self._sum(other, third)
        members = self.members.pop(one) + self.members.pop(other)
        for third in self._sums.pop(one).keys() | self._sums.pop(other).keys():
            if third in self._sums:
                self._sums[third].pop(one, None)
                self._sums[third].pop(other, None)
        self.members[joined], self._sums[joined] = members, sums
        for third, total in sums.items():
            self._sums[third][joined] = total
            heapq.heappush(self._queue, (-total / (len(members) * len(self.members[third])), third, joined))

    def _sum(self, group: int, third: int) -> float:
        known = self._sums[group].get(third)
        if known is not None:
            return known
        pairs = product(self.members[group], self.members[third])
        return sum(self._chance(min(pair), max(pair)) for pair in pairs)

    def _chance(self, one: int, other: int) -> float:
        if (one, other) not in self._chances:
            self._chances[one, other] = self._judge(one, other)
        return self._chances[one, other]
