"""Solvers of the assignment: an exact solver for up to a million edges, and an auction for more edges."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.places.auction import FREE, Edges, auction
from matching.places.problem import AllocationProblem, OpenPairs, Policy
from matching.score.ranker import tie_break
from matching.score.side_models import Floats
from matching.score.tables import MILLION

# If there are more edges than this, including edges that mean "no offer", the auction is used, because the exact solver
# would be slow or run out of memory.
MOST_EXACT = 1_000_000


# The first and the greatest bonus, in millionths, that is tried for an offer to the need band. The greatest is more
# than any score, so with it every jobseeker in the band who can have a place gets a place.
FIRST_BONUS, MOST_BONUS = MILLION // 100, 64 * MILLION
HALVINGS = 6  # steps of the binary search for the smallest bonus that meets the need floor


@dataclass(frozen=True, eq=False)
class _Case:
    """A problem sorted by hashes of its keys, so that the order of the input cannot change the result.

    ``columns`` has the placement of every place that could be used. ``chances`` has the chance of a match of each pair,
    and ``values`` its value. In the methods, ``chosen`` has, for each person, the index of the assigned pair, or -1.
    """

    jobseekers: list[str]
    placements: list[str]
    pairs: OpenPairs
    places: NDArray[np.intp]
    band: NDArray[np.bool_]
    organisations: list[str | None]
    before: Mapping[str, str]
    could: NDArray[np.intp]
    chances: Floats
    values: Floats
    columns: NDArray[np.intp]
    floor: int

    @classmethod
    def of(cls, problem: AllocationProblem, policy: Policy) -> "_Case":
        pairs, n, m = problem.pairs, len(problem.jobseekers), len(problem.placements)
        rows = sorted(range(n), key=lambda i: tie_break("allocation", problem.jobseekers[i]))
        columns = sorted(range(m), key=lambda j: tie_break("allocation", problem.placements[j]))
        row_at, column_at = _inverse(rows), _inverse(columns).astype(np.int32)
        people, placements = row_at[pairs.people], column_at[pairs.placements]
        order = np.lexsort((placements, people))
        begins = np.concatenate([[0], np.cumsum(np.bincount(people, minlength=n))]).astype(np.int64)
        sorted_pairs = OpenPairs(begins, placements[order], pairs.scores[order])
        chances = problem.chances(sorted_pairs.scores)
        places = np.asarray(problem.places, dtype=np.intp)[columns] if m else np.zeros(0, dtype=np.intp)
        band = np.zeros(n, dtype=bool)
        if len(problem.in_need):
            band = np.asarray(problem.in_need, dtype=bool)[rows]
        with_places = np.bincount(sorted_pairs.people, (places > 0)[sorted_pairs.placements], n).astype(np.intp)
        keys, names = [problem.jobseekers[i] for i in rows], [problem.placements[j] for j in columns]
        useful = np.minimum(places, np.bincount(sorted_pairs.placements, minlength=m))
        case = cls(
            keys,
            names,
            sorted_pairs,
            places,
            band,
            [problem.organisations[j] for j in columns] if len(problem.organisations) else [None] * m,
            problem.before,
            np.asarray(problem.open_to, dtype=np.intp)[rows] if len(problem.open_to) else with_places,
            chances,
            _values(sorted_pairs, chances, keys, names, problem.before, policy),
            np.repeat(np.arange(m), useful),
            0,
        )
        return replace(case, floor=_floor(case, policy))

    def score_of(self, chosen: NDArray[np.intp]) -> Floats:
        """Return the scores of the pairs with the indices ``chosen``."""
        return np.asarray(self.pairs.scores[chosen])

    def assign(self, price: Floats, most_exact: int) -> tuple[NDArray[np.intp], float]:
        """Return the pair assigned to each person (-1 for none). Also return what share of the best value is proved."""
        chosen = np.full(len(self.jobseekers), -1, dtype=np.intp)
        if not len(chosen) or not len(self.columns):
            return chosen, 1.0
        shared = int(self.band.sum()) - self.floor
        places_of = np.bincount(self.columns, minlength=len(self.placements))
        edges = int(places_of[self.pairs.placements].sum()) + len(chosen) + int(self.band.sum()) * shared
        if edges <= most_exact:
            return self._exactly(price, chosen), 1.0
        return self._by_auction(price, places_of)

    def _exactly(self, price: Floats, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the assignment of greatest value that meets the need floor.

        Besides a column for each place, there are columns that mean "no offer" and have the value 0. Each person
        outside the need band has one such column. The people in the band, whose number is ``band``, share
        ``band - floor`` such columns, so that at least ``floor`` of them get a place. With these columns a full
        matching always exists. Only open pairs are edges to places, so the work grows with the open pairs only.
        """
        from scipy.sparse import csr_array  # noqa: PLC0415 - takes 0.1 s, and most processes do not need it
        from scipy.sparse.csgraph import min_weight_full_bipartite_matching  # noqa: PLC0415

        n, width = len(chosen), len(self.columns)
        pair, places = _expanded(self)
        # Whole numbers are necessary: where weights differ only by rounding, SciPy's solver never ends and blocks the
        # process.
        net = _whole(self.values)[pair] - _whole(price)[places]
        is_used = (net > 0) | self.band[self.pairs.people[pair]]
        pair, places, net = pair[is_used], places[is_used], net[is_used]
        inside, outside = np.flatnonzero(self.band), np.flatnonzero(~self.band)
        shared = len(inside) - self.floor
        rows = np.r_[self.pairs.people[pair], outside, np.repeat(inside, shared)]
        cols = np.r_[
            places,
            width + np.arange(len(outside)),
            np.tile(width + len(outside) + np.arange(shared), len(inside)),
        ]
        worth = np.r_[net, np.zeros(len(rows) - len(pair), dtype=np.int64)]
        # SciPy reads a weight of 0 as no edge, so all weights are made greater than 0.
        edges = csr_array(
            ((worth.max(initial=0) + 1 - worth).astype(np.float64), (rows, cols)), shape=(n, int(cols.max()) + 1)
        )
        matched, taken = min_weight_full_bipartite_matching(edges)
        is_place = taken < width
        chosen[matched[is_place]] = _pairs_at(self.pairs, matched[is_place], self.columns[taken[is_place]])
        return chosen

    def _by_auction(self, price: Floats, places_of: NDArray[np.intp]) -> tuple[NDArray[np.intp], float]:
        """Return an assignment that meets the need floor, and the share of the best value that it provably reaches."""
        values, reserve = _whole(self.values), _whole(price)
        in_band = self.band[self.pairs.people]

        def solve(bonus: int) -> tuple[NDArray[np.intp], int, int]:
            edges = Edges(
                self.pairs.begins, self.pairs.placements, values + bonus * in_band, places_of.astype(np.int32)
            )
            result = auction(edges, reserve=reserve)
            chosen = np.where(result.edges == FREE, -1, result.edges).astype(np.intp)
            given = int(self.band[chosen >= 0].sum())
            return chosen, given, result.bound - bonus * self.floor

        best, low, high = solve(0), 0, FIRST_BONUS
        halvings = HALVINGS if best[1] < self.floor else 0
        while best[1] < self.floor and high <= MOST_BONUS:
            best = solve(high)
            low, high = (high, high * 2) if best[1] < self.floor else (low, high)
        for _ in range(halvings):
            middle = (low + high) // 2
            other = solve(middle)
            if other[1] >= self.floor:
                best, high = other, middle
            else:
                low = middle
        chosen, _, bound = best
        taken = chosen[chosen >= 0]
        worth = int(values[taken].sum()) - self._cheapest(reserve, places_of, taken)
        return chosen, min(1.0, worth / bound) if bound > 0 else 1.0

    def _cheapest(self, reserve: NDArray[np.int64], places_of: NDArray[np.intp], taken: NDArray[np.intp]) -> int:
        """Return the sum of the prices of the used places. Of each placement, the cheapest places are used first."""
        if not reserve.any():
            return 0
        first = np.concatenate([[0], np.cumsum(places_of)])
        used = np.bincount(self.pairs.placements[taken], minlength=len(places_of))
        return sum(int(np.sort(reserve[first[j] : first[j + 1]])[: used[j]].sum()) for j in np.flatnonzero(used))


def _whole(values: Floats) -> NDArray[np.int64]:
    """Return values as whole millionths, rounded."""
    return np.floor(values * MILLION + 0.5).astype(np.int64)


def _inverse(order: Sequence[int]) -> NDArray[np.intp]:
    inverse = np.empty(len(order), dtype=np.intp)
    inverse[np.asarray(order, dtype=np.intp)] = np.arange(len(order))
    return inverse


def _pairs_at(pairs: OpenPairs, people: NDArray[np.intp], placements: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the index of the pair of each person and placement. In ``pairs``, each person's placements must ascend."""
    width = int(pairs.placements.max(initial=0)) + 1
    return np.searchsorted(pairs.people * width + pairs.placements, people * width + placements)


def _expanded(case: _Case) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """List every pair once for each usable place of its placement. Return the index of each entry's pair and place."""
    count = np.bincount(case.columns, minlength=len(case.placements))
    first = np.concatenate([[0], np.cumsum(count)])
    times = count[case.pairs.placements]
    pair = np.repeat(np.arange(len(case.pairs.placements)), times)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(times) - times, times)
    return pair, first[case.pairs.placements[pair]] + within


def _values(
    pairs: OpenPairs,
    chances: Floats,
    jobseekers: Sequence[str],
    placements: Sequence[str],
    before: Mapping[str, str],
    policy: Policy,
) -> Floats:
    values = chances + policy.offer_value
    column_of = {key: j for j, key in enumerate(placements)}
    previous = [(i, column_of[before[key]]) for i, key in enumerate(jobseekers) if before.get(key) in column_of]
    for i, j in previous:
        at = pairs.begins[i] + int(np.searchsorted(pairs.placements[pairs.begins[i] : pairs.begins[i + 1]], j))
        if at < pairs.begins[i + 1] and pairs.placements[at] == j:
            values[at] += policy.keeping
    return np.asarray(values)


def _floor(case: _Case, policy: Policy) -> int:
    """Return how many offers are reserved: a share of all possible offers, but no more than the band can get."""
    if not policy.need_floor or not case.band.any() or not len(case.columns):
        return 0
    from scipy.sparse import csr_array  # noqa: PLC0415

    pair, places = _expanded(case)
    people = case.pairs.people[pair]
    shape = (len(case.jobseekers), len(case.columns))
    is_open = csr_array((np.ones(len(pair), dtype=np.int8), (people, places)), shape=shape)
    return min(ceil(policy.need_floor * _most_offers(is_open)), _most_offers(is_open[case.band]))


def _most_offers(is_open: Any) -> int:
    from scipy.sparse.csgraph import maximum_bipartite_matching  # noqa: PLC0415

    return int((maximum_bipartite_matching(is_open, perm_type="column") >= 0).sum())


def _prices(case: _Case, chosen: NDArray[np.intp], policy: Policy) -> Floats:
    """Return the evenness price of each place: 0 up to the soft cap of its social enterprise, then a small price.

    The price is 0 for the places whose offers have the best scores, up to the cap. A price is always less than the
    value of an offer, so that a place with a price is still better than no offer.
    """
    price = np.zeros(len(case.columns))
    holders = {o for o, p in zip(case.organisations, case.places.tolist(), strict=True) if o is not None and p}
    taken = chosen[chosen >= 0]
    if len(holders) < 2 or not len(taken):  # noqa: PLR2004 - evenness needs two social enterprises
        return price
    cap = policy.soft_cap * len(taken) / len(holders)
    used: dict[int, list[float]] = defaultdict(list)
    for placement, score in zip(case.pairs.placements[taken].tolist(), case.score_of(taken).tolist(), strict=True):
        used[placement].append(score)
    columns_of: dict[str, list[int]] = defaultdict(list)
    for column, placement in enumerate(case.columns.tolist()):
        holder = case.organisations[placement]
        if holder is not None:
            columns_of[holder].append(column)
    for holder in sorted(columns_of):
        given = sum(len(used[j]) for j in set(case.columns[columns_of[holder]].tolist()))
        if given <= cap:
            continue
        score_at = _worth_of_columns(columns_of[holder], case.columns, used)
        priced = sorted(columns_of[holder], key=lambda c: (-score_at[c], c))[int(cap) :]
        price[priced] = min(policy.evenness * (given / cap), 0.9 * policy.offer_value)
    return price


def _worth_of_columns(
    own_columns: Sequence[int], columns: NDArray[np.intp], used: Mapping[int, Sequence[float]]
) -> dict[int, float]:
    """Return the score of the offer at each place, -1 for none. A placement's first places get its best scores."""
    left = {placement: sorted(scores) for placement, scores in used.items()}
    score_at = {}
    for column in own_columns:
        scores = left.get(int(columns[column]), [])
        score_at[column] = scores.pop() if scores else -1.0
    return score_at
