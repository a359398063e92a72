"""A caseload against places that run out: who is offered what, so that most good comes of the places there are.

An allocation is a proposal. It reserves a visible share of the offers for those in most need, spreads offers softly
over social enterprises, keeps what was proposed before unless something better is clear, and explains each choice that
somebody else's offer displaced.

References
----------
.. [1] Jonker, Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems",
   Computing 38, 1987 (what SciPy implements for sparse graphs).
.. [2] Measured findings 3, 4 and 10: allocate, do not only rank; a visible need floor; caps on evenness are soft.
.. [3] Everett, "Generalized Lagrange multiplier method", Operations Research 11, 1963: what the need floor costs, and
   why the bound still certifies it.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.auction import FREE, Edges, auction
from matching.evaluation import gini
from matching.ranker import lot
from matching.score_tables import MILLION
from matching.sides import Floats

TOP_SHARE = 0.3
# Beyond so many edges, with those that mean "no offer", an exact solver is slow or does not fit: then an auction.
MOST_EXACT = 1_000_000
# What a place in the need band may be worth more before everybody of the band who can has one: over any score.
FIRST_BONUS, MOST_BONUS = MILLION // 100, 64 * MILLION
HALVINGS = 6


@dataclass(frozen=True, slots=True)
class Policy:
    """What a policy decides about an allocation; every number is shown with it.

    Parameters
    ----------
    version : str
    need_floor : float
        Share of the offers reserved for people in the need band; 0 for none.
    offer_value : float
        What any offer is worth beside its score, so that few are left with nothing for the sake of a better score.
    soft_cap : float
        Offers of one social enterprise over its fair share, as a multiple, from which each costs something.
    evenness : float
        What an offer over the soft cap costs.
    keeping : float
        What keeping a pair that was proposed before is worth.

    Raises
    ------
    ValueError
        If a share is outside its range, or a value under 0.

    Examples
    --------
    >>> Policy().need_floor
    0.3
    """

    version: str = "default-1"
    need_floor: float = 0.3
    offer_value: float = 0.1
    soft_cap: float = 4.0
    evenness: float = 0.05
    keeping: float = 0.02

    def __post_init__(self) -> None:
        if not 0.0 <= self.need_floor <= 1.0:
            raise ValueError("need_floor is a share from 0 to 1.")
        if self.soft_cap < 1.0 or min(self.offer_value, self.evenness, self.keeping) < 0.0:
            raise ValueError("soft_cap is 1 or more, and no value is under 0.")


@dataclass(frozen=True, eq=False)
class OpenPairs:
    """The pairs that no check refuses, person by person.

    Parameters
    ----------
    begins : ndarray of int64 of shape (n_jobseekers + 1,)
        Where each one's pairs begin.
    placements : ndarray of int32 of shape (n_pairs,)
    scores : ndarray of float64 of shape (n_pairs,)
        In [0, 1].

    Examples
    --------
    >>> OpenPairs.of(np.array([[0.5, np.nan], [0.1, 0.2]])).placements.tolist()
    [0, 0, 1]
    """

    begins: NDArray[np.int64]
    placements: NDArray[np.int32]
    scores: Floats

    @classmethod
    def of(cls, scores: Floats) -> "OpenPairs":
        """Return the pairs of a matrix in which NaN is a refusal.

        Parameters
        ----------
        scores : ndarray of shape (n_jobseekers, n_placements)

        Returns
        -------
        OpenPairs
        """
        is_open = ~np.isnan(scores)
        begins = np.concatenate([[0], np.cumsum(is_open.sum(axis=1))]).astype(np.int64)
        return cls(begins, np.nonzero(is_open)[1].astype(np.int32), scores[is_open])

    @cached_property
    def people(self) -> NDArray[np.intp]:
        """Whose each pair is."""
        return np.repeat(np.arange(len(self.begins) - 1), np.diff(self.begins))


@dataclass(frozen=True, eq=False)
class Problem:
    """Who could go where.

    Parameters
    ----------
    jobseekers, placements : sequence of str
        Keys.
    scores : ndarray of shape (n_jobseekers, n_placements), or OpenPairs
        In [0, 1]; NaN in a matrix where the pair is refused.
    places : sequence of int
        Free places of each placement.
    in_need : sequence of bool
        Who is in the need band; by facts a policy declares, never a feature of the score.
    organisations : sequence of str or None
        Social enterprise of each placement.
    before : mapping of str to str
        Jobseeker to placement as proposed last time.
    open_to : sequence of int
        How many placements with places are open to each, where ``scores`` names only the best of them.

    Raises
    ------
    ValueError
        If the parts do not fit each other.
    """

    jobseekers: Sequence[str]
    placements: Sequence[str]
    scores: Floats | OpenPairs
    places: Sequence[int]
    in_need: Sequence[bool] = ()
    organisations: Sequence[str | None] = ()
    before: Mapping[str, str] = field(default_factory=dict)
    open_to: Sequence[int] = ()

    def __post_init__(self) -> None:
        n, m = len(self.jobseekers), len(self.placements)
        if isinstance(self.scores, OpenPairs):
            fits = len(self.scores.begins) == n + 1 and int(self.scores.placements.max(initial=-1)) < m
        else:
            fits = self.scores.shape == (n, m)
        if not fits or len(self.places) != m:
            raise ValueError("scores has one row a jobseeker and one column a placement, and places one number each.")
        if len(self.in_need) not in {0, n} or len(self.organisations) not in {0, m} or len(self.open_to) not in {0, n}:
            raise ValueError("in_need has one entry a jobseeker, and organisations one a placement, or none.")
        if min(self.places, default=0) < 0:
            raise ValueError("A placement cannot have fewer than no places.")

    @cached_property
    def pairs(self) -> OpenPairs:
        """The open pairs, however they came."""
        return self.scores if isinstance(self.scores, OpenPairs) else OpenPairs.of(self.scores)


@dataclass(frozen=True, slots=True)
class Offer:
    """One line of the proposal.

    Parameters
    ----------
    jobseeker, placement : str
    score : float
    rank : int
        Of this placement among the jobseeker's own, from 1.
    first_choice : str
        The placement that stands first on their own list.
    why : str
        Why it is not the first choice; empty where it is.
    could_go_to : int
        Placements with places that are open to them.
    """

    jobseeker: str
    placement: str
    score: float
    rank: int
    first_choice: str
    why: str = ""
    could_go_to: int = 1


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Somebody with no offer, and why.

    Parameters
    ----------
    jobseeker : str
    could_go_to : int
        Placements with places that are open to them.
    why : str
    """

    jobseeker: str
    could_go_to: int
    why: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """The proposal, and what it does to whom.

    Parameters
    ----------
    policy : Policy
    offers : tuple of Offer
    without : tuple of Unplaced
    expected_lasting : float
        Sum of the scores: how many of the offers would last, were the scores right.
    need_offers : int
        Offers to people in the need band.
    need_floor : int
        How many the policy reserves; fewer where fewer of them have anything open.
    need_share_of_caseload, need_share_of_offers, need_share_of_top : float
        The creaming index: the need band's share of everybody, of the offers, and of the top 30 % by score.
    enterprise_gini : float
        How unevenly offers fall over the social enterprises that have places.
    kept : int
        Pairs kept from the proposal before.
    certified : float or None
        The share of the best there could be, in value terms, that is surely reached: 1 from the exact solver; None
        where an offer was taken back since, so that nothing is known.
    taken_back : int
        Offers that were made and taken back before anybody saw them, as their places or people went.
    """

    policy: Policy
    offers: tuple[Offer, ...]
    without: tuple[Unplaced, ...]
    expected_lasting: float
    need_offers: int
    need_floor: int
    need_share_of_caseload: float
    need_share_of_offers: float
    need_share_of_top: float
    enterprise_gini: float
    kept: int
    certified: float | None = 1.0
    taken_back: int = 0


def allocate(problem: Problem, policy: Policy | None = None, *, most_exact: int = MOST_EXACT) -> Allocation:
    """Return the best proposal under a policy.

    Parameters
    ----------
    problem : Problem
    policy : Policy or None
        The default one where None.
    most_exact : int
        Edges up to which the exact solver is used; beyond it an auction, whose distance from the best is certified.

    Returns
    -------
    Allocation
        The same for the same problem in whatever order its people and placements come.

    Notes
    -----
    As many offers as can be are made in value terms (``offer_value`` + score). The exact solver keeps the need floor by
    letting at most ``band - floor`` of the columns that mean "no offer" be taken by the band; in an auction an offer to
    the band is worth a bonus, about the smallest that brings the floor about [3]_. Evenness is a price on the places of
    a social enterprise over the soft cap, found by trying again, at most twice; it never costs an offer.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.8], [0.8, 0.1]])
    >>> found = allocate(Problem(["a", "b"], ["p", "q"], scores, [1, 1]))
    >>> [(offer.jobseeker, offer.placement) for offer in found.offers]
    [('a', 'q'), ('b', 'p')]
    """
    rules = policy or Policy()
    case = _Case.of(problem, rules)
    price = np.zeros(len(case.columns))
    chosen, certified = case.assign(price, most_exact)
    held_back = np.zeros(len(case.placements), dtype=bool)
    for _ in range(2):
        price = _prices(case, chosen, rules)
        if not price.any():
            break
        tried, share = case.assign(price, most_exact)
        if (tried >= 0).sum() < (chosen >= 0).sum():
            break  # evenness is never worth an offer
        chosen, certified = tried, share
        held_back = held_back | (np.bincount(case.columns, price, len(held_back)) > 0.0)
    return _told(case, rules, chosen, held_back, certified)


@dataclass(frozen=True, eq=False)
class _Case:
    """A problem in an order of its keys' own, so that the order it came in decides nothing.

    ``columns`` has the placement of every useful place; ``values`` what each pair is worth; ``chosen`` below is the
    pair of each person, or -1.
    """

    jobseekers: list[str]
    placements: list[str]
    pairs: OpenPairs
    places: NDArray[np.intp]
    band: NDArray[np.bool_]
    organisations: list[str | None]
    before: Mapping[str, str]
    could: NDArray[np.intp]
    values: Floats
    columns: NDArray[np.intp]
    floor: int

    @classmethod
    def of(cls, problem: Problem, policy: Policy) -> "_Case":
        pairs, n, m = problem.pairs, len(problem.jobseekers), len(problem.placements)
        rows = sorted(range(n), key=lambda i: lot("allocation", problem.jobseekers[i]))
        columns = sorted(range(m), key=lambda j: lot("allocation", problem.placements[j]))
        row_at, column_at = _inverse(rows), _inverse(columns).astype(np.int32)
        people, placements = row_at[pairs.people], column_at[pairs.placements]
        inorder = np.lexsort((placements, people))
        begins = np.concatenate([[0], np.cumsum(np.bincount(people, minlength=n))]).astype(np.int64)
        kept = OpenPairs(begins, placements[inorder], pairs.scores[inorder])
        places = np.asarray(problem.places, dtype=np.intp)[columns] if m else np.zeros(0, dtype=np.intp)
        band = np.zeros(n, dtype=bool)
        if len(problem.in_need):
            band = np.asarray(problem.in_need, dtype=bool)[rows]
        with_places = np.bincount(kept.people, (places > 0)[kept.placements], n).astype(np.intp)
        keys, names = [problem.jobseekers[i] for i in rows], [problem.placements[j] for j in columns]
        useful = np.minimum(places, np.bincount(kept.placements, minlength=m))
        case = cls(
            keys,
            names,
            kept,
            places,
            band,
            [problem.organisations[j] for j in columns] if len(problem.organisations) else [None] * m,
            problem.before,
            np.asarray(problem.open_to, dtype=np.intp)[rows] if len(problem.open_to) else with_places,
            _values(kept, keys, names, problem.before, policy),
            np.repeat(np.arange(m), useful),
            0,
        )
        return replace(case, floor=_floor(case, policy))

    def score_of(self, chosen: NDArray[np.intp]) -> Floats:
        """Return the score of some pairs."""
        return np.asarray(self.pairs.scores[chosen])

    def assign(self, price: Floats, most_exact: int) -> tuple[NDArray[np.intp], float]:
        """Return the pair of each person, or -1, and the share of the best that is surely reached."""
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
        """Return the assignment of greatest value under the floor.

        Beside a column for each place there are columns that mean "no offer", worth nothing: one for each person
        outside the band, and ``band - floor`` for the band, so that at least ``floor`` of it must take a place. With
        them a full matching always exists, and only open pairs are edges, so the work grows with them alone.
        """
        from scipy.sparse import csr_array  # noqa: PLC0415 - a tenth of a second that most processes never need
        from scipy.sparse.csgraph import min_weight_full_bipartite_matching  # noqa: PLC0415

        n, width = len(chosen), len(self.columns)
        pair, places = _expanded(self)
        # Whole numbers: on weights that tie but for a rounding SciPy's solver never ends, and stops the process.
        net = _whole(self.values)[pair] - _whole(price)[places]
        kept = (net > 0) | self.band[self.pairs.people[pair]]
        pair, places, net = pair[kept], places[kept], net[kept]
        inside, outside = np.flatnonzero(self.band), np.flatnonzero(~self.band)
        shared = len(inside) - self.floor
        rows = np.r_[self.pairs.people[pair], outside, np.repeat(inside, shared)]
        cols = np.r_[
            places,
            width + np.arange(len(outside)),
            np.tile(width + len(outside) + np.arange(shared), len(inside)),
        ]
        worth = np.r_[net, np.zeros(len(rows) - len(pair), dtype=np.int64)]
        # SciPy reads a weight of 0 as no edge, so all are kept over 0
        edges = csr_array(
            ((worth.max(initial=0) + 1 - worth).astype(np.float64), (rows, cols)), shape=(n, int(cols.max()) + 1)
        )
        matched, taken = min_weight_full_bipartite_matching(edges)
        is_place = taken < width
        chosen[matched[is_place]] = _pairs_at(self.pairs, matched[is_place], self.columns[taken[is_place]])
        return chosen

    def _by_auction(self, price: Floats, places_of: NDArray[np.intp]) -> tuple[NDArray[np.intp], float]:
        """Return a nearly best assignment under the floor, and how near it surely is."""
        values, reserve = _whole(self.values), _whole(price)
        in_band = self.band[self.pairs.people]

        def tried(bonus: int) -> tuple[NDArray[np.intp], int, int]:
            edges = Edges(
                self.pairs.begins, self.pairs.placements, values + bonus * in_band, places_of.astype(np.int32)
            )
            found = auction(edges, reserve=reserve)
            chosen = np.where(found.edges == FREE, -1, found.edges).astype(np.intp)
            given = int(self.band[chosen >= 0].sum())
            return chosen, given, found.bound - bonus * self.floor

        best, low, high = tried(0), 0, FIRST_BONUS
        halvings = HALVINGS if best[1] < self.floor else 0
        while best[1] < self.floor and high <= MOST_BONUS:
            best = tried(high)
            low, high = (high, high * 2) if best[1] < self.floor else (low, high)
        for _ in range(halvings):
            middle = (low + high) // 2
            other = tried(middle)
            if other[1] >= self.floor:
                best, high = other, middle
            else:
                low = middle
        chosen, _, bound = best
        taken = chosen[chosen >= 0]
        worth = int(values[taken].sum()) - self._cheapest(reserve, places_of, taken)
        return chosen, min(1.0, worth / bound) if bound > 0 else 1.0

    def _cheapest(self, reserve: NDArray[np.int64], places_of: NDArray[np.intp], taken: NDArray[np.intp]) -> int:
        """Return what the places that are taken cost, the cheapest of each placement first."""
        if not reserve.any():
            return 0
        first = np.concatenate([[0], np.cumsum(places_of)])
        used = np.bincount(self.pairs.placements[taken], minlength=len(places_of))
        return sum(int(np.sort(reserve[first[j] : first[j + 1]])[: used[j]].sum()) for j in np.flatnonzero(used))


def _whole(values: Floats) -> NDArray[np.int64]:
    """Return values in whole millionths."""
    return np.floor(values * MILLION + 0.5).astype(np.int64)


def _inverse(order: Sequence[int]) -> NDArray[np.intp]:
    found = np.empty(len(order), dtype=np.intp)
    found[np.asarray(order, dtype=np.intp)] = np.arange(len(order))
    return found


def _pairs_at(pairs: OpenPairs, people: NDArray[np.intp], placements: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return which pair each person and placement is; placements rise within a person."""
    width = int(pairs.placements.max(initial=0)) + 1
    return np.searchsorted(pairs.people * width + pairs.placements, people * width + placements)


def _expanded(case: _Case) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return every pair once for each useful place of its placement, and those places."""
    count = np.bincount(case.columns, minlength=len(case.placements))
    first = np.concatenate([[0], np.cumsum(count)])
    times = count[case.pairs.placements]
    pair = np.repeat(np.arange(len(case.pairs.placements)), times)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(times) - times, times)
    return pair, first[case.pairs.placements[pair]] + within


def _values(
    pairs: OpenPairs, jobseekers: Sequence[str], placements: Sequence[str], before: Mapping[str, str], policy: Policy
) -> Floats:
    values = pairs.scores + policy.offer_value
    column_of = {key: j for j, key in enumerate(placements)}
    told = [(i, column_of[before[key]]) for i, key in enumerate(jobseekers) if before.get(key) in column_of]
    for i, j in told:
        at = pairs.begins[i] + int(np.searchsorted(pairs.placements[pairs.begins[i] : pairs.begins[i + 1]], j))
        if at < pairs.begins[i + 1] and pairs.placements[at] == j:
            values[at] += policy.keeping
    return np.asarray(values)


def _floor(case: _Case, policy: Policy) -> int:
    """Return how many offers are reserved: of as many as can be made, but no more than the band can take up."""
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
    """Return what each place costs for evenness: nothing up to its social enterprise's soft cap, then a little.

    The places that are used best stay free up to the cap. A price stays under the worth of an offer, so that a dear
    place is still better than none.
    """
    price = np.zeros(len(case.columns))
    holders = {o for o, p in zip(case.organisations, case.places.tolist(), strict=True) if o is not None and p}
    taken = chosen[chosen >= 0]
    if len(holders) < 2 or not len(taken):  # noqa: PLR2004 - one has nobody to share with
        return price
    cap = policy.soft_cap * len(taken) / len(holders)
    used: dict[int, list[float]] = defaultdict(list)
    for placement, score in zip(case.pairs.placements[taken].tolist(), case.score_of(taken).tolist(), strict=True):
        used[placement].append(score)
    own: dict[str, list[int]] = defaultdict(list)
    for column, placement in enumerate(case.columns.tolist()):
        holder = case.organisations[placement]
        if holder is not None:
            own[holder].append(column)
    for holder in sorted(own):
        given = sum(len(used[j]) for j in set(case.columns[own[holder]].tolist()))
        if given <= cap:
            continue
        worth = _worth_of_columns(own[holder], case.columns, used)
        dear = sorted(own[holder], key=lambda c: (-worth[c], c))[int(cap) :]
        price[dear] = min(policy.evenness * (given / cap), 0.9 * policy.offer_value)
    return price


def _worth_of_columns(
    own: Sequence[int], columns: NDArray[np.intp], used: Mapping[int, Sequence[float]]
) -> dict[int, float]:
    """Return the score each place was used with, best first among the places of a placement; -1 for an unused one."""
    left = {placement: sorted(scores) for placement, scores in used.items()}
    worth = {}
    for column in own:
        scores = left.get(int(columns[column]), [])
        worth[column] = scores.pop() if scores else -1.0
    return worth


def _told(
    case: _Case, policy: Policy, chosen: NDArray[np.intp], held_back: NDArray[np.bool_], certified: float
) -> Allocation:
    with_offer = np.flatnonzero(chosen >= 0)
    taken = case.pairs.placements[chosen[with_offer]]
    holders: dict[int, list[int]] = defaultdict(list)
    for person, placement in zip(with_offer.tolist(), taken.tolist(), strict=True):
        holders[placement].append(person)
    look = _Look(case, policy, holders, held_back)
    offers = [look.offer(i, int(chosen[i])) for i in with_offer.tolist()]
    without = [look.unplaced(i) for i in np.flatnonzero(chosen < 0).tolist()]
    with_places = {o for o, p in zip(case.organisations, case.places.tolist(), strict=True) if o is not None and p}
    need_offers = int(case.band[chosen >= 0].sum())
    best = np.full(len(case.jobseekers), -1.0)
    np.maximum.at(best, case.pairs.people, case.pairs.scores)
    return Allocation(
        policy=policy,
        offers=tuple(sorted(offers, key=lambda o: o.jobseeker)),
        without=tuple(sorted(without, key=lambda u: u.jobseeker)),
        expected_lasting=round(sum(offer.score for offer in offers), 4),
        need_offers=need_offers,
        need_floor=case.floor,
        need_share_of_caseload=share_of(int(case.band.sum()), len(case.band)),
        need_share_of_offers=share_of(need_offers, len(offers)),
        need_share_of_top=creaming(best, case.band) if len(case.placements) else 0.0,
        enterprise_gini=unevenness((case.organisations[j] for j in taken.tolist()), with_places),
        kept=sum(case.before.get(offer.jobseeker) == offer.placement for offer in offers),
        certified=round(certified, 6),
    )


def share_of(part: int, whole: int) -> float:
    """Return a share to four places, 0 of nothing.

    Parameters
    ----------
    part, whole : int

    Returns
    -------
    float

    Examples
    --------
    >>> share_of(1, 3), share_of(0, 0)
    (0.3333, 0.0)
    """
    return round(part / whole, 4) if whole else 0.0


def unevenness(given: Iterable[str | None], holders: Collection[str]) -> float:
    """Return how unevenly offers fall over the social enterprises that have places.

    Parameters
    ----------
    given : iterable of str or None
        The social enterprise of each offer.
    holders : collection of str
        Those with places.

    Returns
    -------
    float
        The Gini coefficient to four places: 0 where each has as many.

    Examples
    --------
    >>> unevenness(["a", "b"], {"a", "b"})
    0.0
    """
    counts = Counter(given)
    return round(gini([counts[holder] for holder in sorted(holders)]), 4)


def creaming(best: Floats, in_need: Sequence[bool] | NDArray[np.bool_], top_share: float = TOP_SHARE) -> float:
    """Return the need band's share of those whose own best score is highest.

    Parameters
    ----------
    best : ndarray of shape (n_jobseekers,)
        Of each one's scores; under 0 where nothing is open to them.
    in_need : sequence of bool
    top_share : float

    Returns
    -------
    float
        Far under the band's share of everybody, choosing by score alone would cream. Equal best scores share places.

    Examples
    --------
    >>> creaming(np.array([0.9, 0.1]), [False, True], 0.5)
    0.0
    """
    band = np.asarray(in_need, dtype=bool)
    if not len(band):
        return 0.0
    top = max(1, round(top_share * len(best)))
    edge = np.sort(best)[::-1][top - 1]
    surely, at_edge = best > edge, best == edge
    left = (top - surely.sum()) / at_edge.sum()
    return round(float((band & surely).sum() + left * (band & at_edge).sum()) / top, 4)


@dataclass(frozen=True, eq=False)
class _Look:
    """A finished assignment, to be put in words person by person."""

    case: _Case
    policy: Policy
    holders: Mapping[int, Sequence[int]]
    held_back: NDArray[np.bool_]

    def own(self, person: int) -> tuple[NDArray[np.int32], Floats]:
        """Return the placements with places that are open to somebody, and the scores."""
        pairs = self.case.pairs
        run = slice(int(pairs.begins[person]), int(pairs.begins[person + 1]))
        kept = self.case.places[pairs.placements[run]] > 0
        return pairs.placements[run][kept], pairs.scores[run][kept]

    def offer(self, person: int, pair: int) -> Offer:
        case = self.case
        placements, mine = self.own(person)
        placement, score = int(case.pairs.placements[pair]), float(case.pairs.scores[pair])
        first = placement if score == mine.max() else int(placements[int(mine.argmax())])
        rank = 1 + int((mine > score).sum())
        return Offer(
            case.jobseekers[person],
            case.placements[placement],
            round(score, 6),
            rank,
            case.placements[first],
            "" if rank == 1 else self._why(person, first, float(mine.max())),
            int(case.could[person]),
        )

    def _why(self, person: int, first: int, mine: float) -> str:
        """Say what displaced a first choice, without a word about anybody in particular."""
        case, held_by, places = self.case, self.holders.get(first, ()), int(self.case.places[first])
        if len(held_by) < places:
            if self.held_back[first]:
                return "Its social enterprise already has far more than its fair share of the offers."
            return "The pair proposed before was kept, since the difference is small."
        better = sum(self._score(other, first) >= mine for other in held_by)
        only = sum(int(case.could[other]) == 1 for other in held_by)
        if better == len(held_by):
            return f"{_places(places)} went to people it fits at least as well."
        if only:
            return f"{_places(places)} went in part to people who have nowhere else to go ({only})."
        need = sum(bool(case.band[other]) for other in held_by)
        if need and not case.band[person] and self.policy.need_floor:
            return f"{_places(places)} went in part to people for whom offers are reserved ({need})."
        lose = len(held_by) - better
        return f"{_places(places)} went in part to people who would lose more by going elsewhere ({lose})."

    def _score(self, person: int, placement: int) -> float:
        pairs = self.case.pairs
        run = pairs.placements[pairs.begins[person] : pairs.begins[person + 1]]
        return float(pairs.scores[int(pairs.begins[person]) + int(np.searchsorted(run, placement))])

    def unplaced(self, person: int) -> Unplaced:
        case, could = self.case, int(self.case.could[person])
        if could:
            thing = "the one placement" if could == 1 else f"all {could} placements"
            why = f"Every place of {thing} open to them went to somebody else; what changes that is more places."
        elif len(case.placements) and case.pairs.begins[person] == case.pairs.begins[person + 1]:
            why = "A check keeps them from every placement; see what one change would open."
        else:
            why = "No placement that is open to them has a free place."
        return Unplaced(case.jobseekers[person], could, why)


def _places(count: int) -> str:
    return "Its only place" if count == 1 else f"Its {count} places"
