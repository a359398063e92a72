"""Assign many people to few places by an auction, with a bound that certifies how close the result is to the best.

A person's gain from a place is its value for the person minus its price. Each person without a place bids for the place
with the greatest gain. The bid raises the price by the difference between the greatest and the second greatest gain,
plus a small step. The person who had the place loses it and bids again. At the end, the prices prove how good the
result is: no assignment is worth more than the sum of every person's greatest gain and of all prices [1]_.

References
----------
.. [1] Bertsekas, "Auction algorithms for network flow problems: a tutorial introduction", Computational Optimization
   and Applications 1, 1992: with steps of epsilon, the value is within n x epsilon of the best value.
   The bound is the dual value.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.bulk.compiled import njit

FREE = -1
STEP_SHARE = 12.0  # each round divides the step of the previous round by this number
MOST_ROUNDS = 8
MARGIN_STEPS = 4


@dataclass(frozen=True, eq=False)
class Edges:
    """The possible pairs of a person and a placement (the edges), and the value of each pair.

    Parameters
    ----------
    begins : ndarray of int64 of shape (n_people + 1,)
        Where the edges of each person begin.
    placements : ndarray of int32 of shape (n_edges,)
        The placement of each edge.
    values : ndarray of int64 of shape (n_edges,)
        The value of each edge in whole millionths. An edge with a value of 0 or less is never assigned.
    places : ndarray of int32 of shape (n_placements,)
        The number of places of each placement.

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
        """The number of people."""
        return len(self.begins) - 1


@dataclass(frozen=True, eq=False)
class Auctioned:
    """An assignment and the bound that certifies it.

    Parameters
    ----------
    edges : ndarray of int64 of shape (n_people,)
        The edge assigned to each person, -1 for none.
    prices : ndarray of int64 of shape (n_placements,)
        The price of the cheapest place of each placement, in millionths. It is over 0 if more people want the placement
        than it has places.
    value : int
        The value of the assignment, in millionths.
    bound : int
        The value, in millionths, that no assignment can exceed.
    """

    edges: NDArray[np.int64]
    prices: NDArray[np.int64]
    value: int
    bound: int

    @property
    def certified(self) -> float:
        """The share of the best possible value that this assignment is proved to reach."""
        return self.value / self.bound if self.bound else 1.0


@njit(inline="always")
def _two_cheapest(prices, first_place, placement):
    """Return the cheapest place of a placement, and the price of its second cheapest place."""
    place, lowest, second = first_place[placement], np.iinfo(np.int64).max, np.iinfo(np.int64).max
    for candidate in range(first_place[placement], first_place[placement + 1]):
        if prices[candidate] < lowest:
            lowest, second, place = prices[candidate], lowest, candidate
        elif prices[candidate] < second:
            second = prices[candidate]
    return place, second


@njit(cache=True, nogil=True)
def _auction(begins, placements, values, first_place, prices, step):
    """Start from the given ``prices``, and let people bid until nobody without a place would gain from a bid."""
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
    """Return the dual value: the sum of every person's greatest gain at these prices, plus the sum of the prices."""
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
    """Return an assignment, with a proof of what share of the best possible value it reaches.

    Parameters
    ----------
    edges : Edges
    reserve : ndarray of int64 of shape (n_places,) or None
        The lowest price of each place, in millionths, sorted by placement. The value of an assignment is reduced by the
        lowest prices of the places that it uses.
    certify : float
        The share of the best possible value that is good enough. Rounds with ever smaller steps follow until the bound
        proves this share, but at most eight rounds.
    first_step : int
        The step of the first round, in millionths.

    Returns
    -------
    Auctioned
        The best result of the rounds. The same edges always give the same result.

    Examples
    --------
    >>> edges = Edges(np.array([0, 2, 3]), np.array([0, 1, 0], dtype=np.int32), np.array([9, 8, 8]) * 100_000,
    ...               np.array([1, 1], dtype=np.int32))
    >>> result = auction(edges)
    >>> edges.placements[result.edges].tolist(), result.value
    ([1, 0], 1600000)
    """
    first_place = np.concatenate([[0], np.cumsum(edges.places, dtype=np.int64)]).astype(np.int64)
    begins: Any = edges.begins.astype(np.int64)
    reserve_prices = np.zeros(int(first_place[-1]), dtype=np.int64) if reserve is None else reserve.astype(np.int64)
    prices = reserve_prices.copy()
    best: Auctioned | None = None
    step = max(1, first_step)
    for _ in range(MOST_ROUNDS):
        chosen, lowest, taken = _auction(begins, edges.placements, edges.values, first_place, prices, step)
        value = int(edges.values[chosen[chosen != FREE]].sum()) - int(reserve_prices[taken].sum())
        bound = int(_bound(begins, edges.placements, edges.values, first_place, prices, lowest)) - int(
            reserve_prices.sum()
        )
        bound = min(bound, best.bound) if best is not None else bound
        if best is None or value >= best.value:
            best = Auctioned(chosen, lowest, value, bound)
        else:
            best = Auctioned(best.edges, best.prices, best.value, bound)
        if best.certified >= certify or step == 1:
            break
        # The next, finer round starts slightly below these prices, so that it does not need to reach them from 0 again.
        prices = np.maximum(prices - MARGIN_STEPS * step, reserve_prices)
        step = max(1, int(step / STEP_SHARE))
    assert best is not None
    return best
