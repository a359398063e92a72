"""Assignment of many people to few places by an auction, with a bound that certifies how near the best it is.

Everybody without a place bids for the one that is worth most to them at today's prices, over the price by as much as it
is worth more than their second choice and a little step; whoever held it is free again and bids in turn. At the end the
prices prove how good it is: no assignment at all can be worth more than what everybody would gain at these prices plus
the prices themselves [1]_.

References
----------
.. [1] Bertsekas, "Auction algorithms for network flow problems: a tutorial introduction", Computational Optimization
   and Applications 1, 1992: with steps of epsilon the value is within n x epsilon of the best; the bound is its dual.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.bulk.compiled import njit

FREE = -1
STEP_SHARE = 12.0  # each round's step is this much finer than the one before
MOST_ROUNDS = 8
MARGIN_STEPS = 4


@dataclass(frozen=True, eq=False)
class Edges:
    """Who could go where, and what it is worth.

    Parameters
    ----------
    begins : ndarray of int64 of shape (n_people + 1,)
        Where each one's edges begin.
    placements : ndarray of int32 of shape (n_edges,)
    values : ndarray of int64 of shape (n_edges,)
        In whole millionths; an edge worth nothing or less is never taken.
    places : ndarray of int32 of shape (n_placements,)
        Places of each placement.

    Examples
    --------
    >>> Edges(np.array([0, 1]), np.array([0], dtype=np.int32), np.array([5]), np.array([1], dtype=np.int32)).people
    1
    """

    begins: NDArray[np.int64]
    placements: NDArray[np.int32]
    values: NDArray[np.int64]
    places: NDArray[np.int32]

    @property
    def people(self) -> int:
        """How many people there are."""
        return len(self.begins) - 1


@dataclass(frozen=True, eq=False)
class Auctioned:
    """An assignment and its certificate.

    Parameters
    ----------
    edges : ndarray of int64 of shape (n_people,)
        Which edge each one goes by, -1 for none.
    prices : ndarray of int64 of shape (n_placements,)
        What the cheapest place of each placement costs: over 0 where more people want it than it has places.
    value : int
        What the assignment is worth, in millionths.
    bound : int
        What no assignment can be worth more than.
    """

    edges: NDArray[np.int64]
    prices: NDArray[np.int64]
    value: int
    bound: int

    @property
    def certified(self) -> float:
        """The share of the best there could be that is surely reached."""
        return self.value / self.bound if self.bound else 1.0


@njit(inline="always")
def _two_cheapest(prices, first_place, placement):
    """Return the cheapest place of a placement, and what the next one costs."""
    place, low, after = first_place[placement], np.iinfo(np.int64).max, np.iinfo(np.int64).max
    for one in range(first_place[placement], first_place[placement + 1]):
        if prices[one] < low:
            low, after, place = prices[one], low, one
        elif prices[one] < after:
            after = prices[one]
    return place, after


@njit(cache=True, nogil=True)
def _auction(begins, placements, values, first_place, prices, step):
    """Let everybody bid, from given prices, until nobody without a place would still pay for one."""
    people, count = len(begins) - 1, len(first_place) - 1
    holders = np.full(first_place[-1], FREE, dtype=np.int32)
    cheapest, second = first_place[:-1].copy(), np.full(count, np.iinfo(np.int64).max, dtype=np.int64)
    for placement in range(count):
        if first_place[placement] < first_place[placement + 1]:
            cheapest[placement], second[placement] = _two_cheapest(prices, first_place, placement)
    chosen = np.full(people, np.int64(FREE), dtype=np.int64)
    waiting = np.empty(people, dtype=np.int32)
    for person in range(people):
        waiting[person] = people - 1 - person
    left = people
    while left > 0:
        left -= 1
        person = waiting[left]
        best, next_best, edge = np.int64(0), np.int64(0), np.int64(FREE)
        for at in range(begins[person], begins[person + 1]):
            placement = placements[at]
            if first_place[placement] == first_place[placement + 1]:
                continue
            gain = values[at] - prices[cheapest[placement]]
            if gain > best:
                next_best, best, edge = best, gain, at
                if second[placement] != np.iinfo(np.int64).max:
                    next_best = max(next_best, values[at] - second[placement])
            elif gain > next_best:
                next_best = gain
        if edge == FREE:
            continue
        placement = placements[edge]
        place = cheapest[placement]
        if holders[place] != FREE:
            chosen[holders[place]] = FREE
            waiting[left] = holders[place]
            left += 1
        holders[place], chosen[person] = person, edge
        prices[place] += best - next_best + step
        cheapest[placement], second[placement] = _two_cheapest(prices, first_place, placement)
    lowest = np.zeros(count, dtype=np.int64)
    for placement in range(count):
        if first_place[placement] < first_place[placement + 1]:
            lowest[placement] = prices[cheapest[placement]]
    return chosen, lowest, holders != FREE


@njit(cache=True, nogil=True)
def _bound(begins, placements, values, first_place, prices, lowest):
    """Return the dual value: what everybody would gain at these prices, and the prices themselves."""
    bound = np.int64(0)
    for person in range(len(begins) - 1):
        best = np.int64(0)
        for at in range(begins[person], begins[person + 1]):
            placement = placements[at]
            if first_place[placement] < first_place[placement + 1]:
                best = max(best, values[at] - lowest[placement])
        bound += best
    return bound + prices.sum()


def auction(
    edges: Edges, *, reserve: NDArray[np.int64] | None = None, certify: float = 0.9995, first_step: int = 24_000
) -> Auctioned:
    """Return an assignment that is surely within a share of the best.

    Parameters
    ----------
    edges : Edges
    reserve : ndarray of int64 of shape (n_places,) or None
        What each place costs at least, placement by placement; the value of an assignment is less by that.
    certify : float
        The share of the best to be reached; steps are made finer until the bound proves it, at most eight times.
    first_step : int
        In millionths.

    Returns
    -------
    Auctioned
        The best of the rounds that were needed; the same for the same edges.

    Examples
    --------
    >>> edges = Edges(np.array([0, 2, 3]), np.array([0, 1, 0], dtype=np.int32), np.array([9, 8, 8]) * 100_000,
    ...               np.array([1, 1], dtype=np.int32))
    >>> found = auction(edges)
    >>> edges.placements[found.edges].tolist(), found.value
    ([1, 0], 1600000)
    """
    first_place = np.concatenate([[0], np.cumsum(edges.places, dtype=np.int64)]).astype(np.int64)
    begins: Any = edges.begins.astype(np.int64)
    asked = np.zeros(int(first_place[-1]), dtype=np.int64) if reserve is None else reserve.astype(np.int64)
    prices = asked.copy()
    best: Auctioned | None = None
    step = max(1, first_step)
    for _ in range(MOST_ROUNDS):
        chosen, lowest, taken = _auction(begins, edges.placements, edges.values, first_place, prices, step)
        value = int(edges.values[chosen[chosen != FREE]].sum()) - int(asked[taken].sum())
        bound = int(_bound(begins, edges.placements, edges.values, first_place, prices, lowest)) - int(asked.sum())
        bound = min(bound, best.bound) if best is not None else bound
        if best is None or value >= best.value:
            best = Auctioned(chosen, lowest, value, bound)
        else:
            best = Auctioned(best.edges, best.prices, best.value, bound)
        if best.certified >= certify or step == 1:
            break
        # The next, finer round begins a little under these prices, so that it need not climb to them again.
        prices = np.maximum(prices - MARGIN_STEPS * step, asked)
        step = max(1, int(step / STEP_SHARE))
    assert best is not None
    return best
