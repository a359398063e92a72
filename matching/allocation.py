"""A caseload against places that run out: who is offered what, so that most good comes of the places there are.

An allocation is a proposal. It reserves a visible share of the offers for those in most need, spreads offers softly
over social enterprises, keeps what was proposed before unless something better is clear, and explains each choice that
somebody else's offer displaced.

References
----------
.. [1] Jonker, Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems",
   Computing 38, 1987 (what SciPy implements for sparse graphs).
.. [2] Measured findings 3, 4 and 10: allocate, do not only rank; a visible need floor; caps on evenness are soft.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching, min_weight_full_bipartite_matching

from matching.evaluation import gini
from matching.ranker import lot
from matching.sides import Floats

FORBIDDEN = -1e6
TOP_SHARE = 0.3


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
class Problem:
    """Who could go where.

    Parameters
    ----------
    jobseekers, placements : sequence of str
        Keys.
    scores : ndarray of shape (n_jobseekers, n_placements)
        In [0, 1]; NaN where the pair is refused.
    places : sequence of int
        Free places of each placement.
    in_need : sequence of bool
        Who is in the need band; by facts a policy declares, never a feature of the score.
    organisations : sequence of str or None
        Social enterprise of each placement.
    before : mapping of str to str
        Jobseeker to placement as proposed last time.

    Raises
    ------
    ValueError
        If the parts do not fit each other.
    """

    jobseekers: Sequence[str]
    placements: Sequence[str]
    scores: Floats
    places: Sequence[int]
    in_need: Sequence[bool] = ()
    organisations: Sequence[str | None] = ()
    before: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, m = len(self.jobseekers), len(self.placements)
        if self.scores.shape != (n, m) or len(self.places) != m:
            raise ValueError("scores has one row a jobseeker and one column a placement, and places one number each.")
        if len(self.in_need) not in {0, n} or len(self.organisations) not in {0, m}:
            raise ValueError("in_need has one entry a jobseeker, and organisations one a placement, or none.")
        if min(self.places, default=0) < 0:
            raise ValueError("A placement cannot have fewer than no places.")


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


def allocate(problem: Problem, policy: Policy | None = None) -> Allocation:
    """Return the best proposal under a policy.

    Parameters
    ----------
    problem : Problem
    policy : Policy or None
        The default one where None.

    Returns
    -------
    Allocation
        The same for the same problem in whatever order its people and placements come.

    Notes
    -----
    As many offers as can be are made in value terms (``offer_value`` + score); the need floor is exact: at most
    ``band - floor`` of the columns that mean "no offer" may be taken by the band. Evenness is a price on the
    places of a social enterprise over the soft cap, found by trying again, at most twice; it never costs an offer.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.8], [0.8, 0.1]])
    >>> found = allocate(Problem(["a", "b"], ["p", "q"], scores, [1, 1]))
    >>> [(offer.jobseeker, offer.placement) for offer in found.offers]
    [('a', 'q'), ('b', 'p')]
    """
    rules = policy or Policy()
    inorder = _sorted(problem)
    columns = np.repeat(np.arange(len(inorder.placements)), _useful_places(inorder))
    value = _values(inorder, rules)
    floor = _floor(inorder, columns, rules)
    chosen = _assign(inorder, value, columns, floor, np.zeros(len(columns)))
    held_back = np.zeros(len(inorder.placements), dtype=bool)
    for _ in range(2):
        price = _prices(inorder, chosen, columns, rules)
        if not price.any():
            break
        tried = _assign(inorder, value, columns, floor, price)
        if (tried >= 0).sum() < (chosen >= 0).sum():
            break  # evenness is never worth an offer
        chosen, held_back = tried, held_back | (np.bincount(columns, price, len(held_back)) > 0.0)
    return _told(inorder, rules, chosen, floor, held_back)


def _sorted(problem: Problem) -> Problem:
    """Put people and placements in an order of their keys' own, so that the order they came in decides nothing."""
    rows = sorted(range(len(problem.jobseekers)), key=lambda i: lot("allocation", problem.jobseekers[i]))
    columns = sorted(range(len(problem.placements)), key=lambda j: lot("allocation", problem.placements[j]))
    return Problem(
        [problem.jobseekers[i] for i in rows],
        [problem.placements[j] for j in columns],
        problem.scores[np.ix_(rows, columns)],
        [problem.places[j] for j in columns],
        [bool(problem.in_need[i]) for i in rows] if len(problem.in_need) else [False] * len(rows),
        [problem.organisations[j] for j in columns] if len(problem.organisations) else [None] * len(columns),
        problem.before,
    )


def _useful_places(problem: Problem) -> NDArray[np.intp]:
    """Count the places of each placement, but never more than there are people it is open to."""
    open_to = (~np.isnan(problem.scores)).sum(axis=0) if len(problem.jobseekers) else np.zeros(len(problem.placements))
    return np.minimum(np.asarray(problem.places, dtype=np.intp), open_to.astype(np.intp))


def _values(problem: Problem, policy: Policy) -> Floats:
    value = np.where(np.isnan(problem.scores), FORBIDDEN, np.nan_to_num(problem.scores) + policy.offer_value)
    column_of = {key: j for j, key in enumerate(problem.placements)}
    for i, key in enumerate(problem.jobseekers):
        j = column_of.get(problem.before.get(key, ""))
        if j is not None and value[i, j] > FORBIDDEN:
            value[i, j] += policy.keeping
    return np.asarray(value)


def _floor(problem: Problem, columns: NDArray[np.intp], policy: Policy) -> int:
    """Return how many offers are reserved: of as many as can be made, but no more than the band can take up."""
    band = np.asarray(problem.in_need, dtype=bool)
    if not policy.need_floor or not band.any() or not len(columns):
        return 0
    is_open = ~np.isnan(problem.scores[:, columns])
    return min(ceil(policy.need_floor * _most_offers(is_open)), _most_offers(is_open[band]))


def _most_offers(is_open: NDArray[np.bool_]) -> int:
    return int((maximum_bipartite_matching(csr_array(is_open), perm_type="column") >= 0).sum())


def _assign(problem: Problem, value: Floats, columns: NDArray[np.intp], floor: int, price: Floats) -> NDArray[np.intp]:
    """Return the placement of each jobseeker, or -1: the assignment of greatest value under the floor.

    Beside a column for each place there are columns that mean "no offer", worth nothing: one for each person outside
    the band, and ``band - floor`` for the band, so that at least ``floor`` of it must take a place. With them a full
    matching always exists, and only open pairs are edges, so the work grows with them alone.
    """
    n, band = len(problem.jobseekers), np.asarray(problem.in_need, dtype=bool)
    chosen = np.full(n, -1, dtype=np.intp)
    if not n or not len(columns):
        return chosen
    net = value[:, columns] - price
    people, places = np.nonzero((net > 0.0) | (band[:, None] & (value[:, columns] > FORBIDDEN)))
    inside, outside = np.flatnonzero(band), np.flatnonzero(~band)
    shared = len(inside) - floor
    rows = np.r_[people, outside, np.repeat(inside, shared)]
    cols = np.r_[
        places,
        len(columns) + np.arange(len(outside)),
        np.tile(len(columns) + len(outside) + np.arange(shared), len(inside)),
    ]
    worth = np.r_[net[people, places], np.zeros(len(rows) - len(people))]
    # SciPy reads a weight of 0 as no edge, so all are kept over 0
    edges = csr_array((worth.max(initial=0.0) + 1.0 - worth, (rows, cols)), shape=(n, int(cols.max()) + 1))
    matched, taken = min_weight_full_bipartite_matching(edges)
    is_place = taken < len(columns)
    chosen[matched[is_place]] = columns[taken[is_place]]
    return chosen


def _prices(problem: Problem, chosen: NDArray[np.intp], columns: NDArray[np.intp], policy: Policy) -> Floats:
    """Return what each place costs for evenness: nothing up to its social enterprise's soft cap, then a little.

    The places that are used best stay free up to the cap. A price stays under the worth of an offer, so that a dear
    place is still better than none.
    """
    price = np.zeros(len(columns))
    holders = sorted({o for o, p in zip(problem.organisations, problem.places, strict=True) if o is not None and p})
    offers = int((chosen >= 0).sum())
    if len(holders) < 2 or not offers:  # noqa: PLR2004 - one has nobody to share with
        return price
    cap = policy.soft_cap * offers / len(holders)
    used: dict[int, list[float]] = defaultdict(list)
    for person, placement in enumerate(chosen.tolist()):
        if placement >= 0:
            used[placement].append(float(problem.scores[person, placement]))
    for holder in holders:
        own = [c for c, j in enumerate(columns.tolist()) if problem.organisations[j] == holder]
        given = sum(len(used[j]) for j in set(columns[own].tolist()))
        if given <= cap:
            continue
        worth = _worth_of_columns(own, columns, used)
        dear = sorted(own, key=lambda c: (-worth[c], c))[int(cap) :]
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
    problem: Problem, policy: Policy, chosen: NDArray[np.intp], floor: int, held_back: NDArray[np.bool_]
) -> Allocation:
    band = np.asarray(problem.in_need, dtype=bool)
    holders: dict[int, list[int]] = defaultdict(list)
    for person, placement in enumerate(chosen.tolist()):
        if placement >= 0:
            holders[placement].append(person)
    has_places = np.asarray(problem.places) > 0
    could = [np.flatnonzero(~np.isnan(row) & has_places).tolist() for row in problem.scores]
    offers = [
        _offer(problem, policy, i, int(chosen[i]), holders, held_back, could)
        for i in np.flatnonzero(chosen >= 0).tolist()
    ]
    without = [_unplaced(problem, i, len(could[i])) for i in np.flatnonzero(chosen < 0).tolist()]
    counts = Counter(problem.organisations[j] for j in chosen.tolist() if j >= 0)
    with_places = {o for o, p in zip(problem.organisations, problem.places, strict=True) if o is not None and p}
    need_offers = int(band[chosen >= 0].sum())
    return Allocation(
        policy=policy,
        offers=tuple(sorted(offers, key=lambda o: o.jobseeker)),
        without=tuple(sorted(without, key=lambda u: u.jobseeker)),
        expected_lasting=round(sum(offer.score for offer in offers), 4),
        need_offers=need_offers,
        need_floor=floor,
        need_share_of_caseload=_share(int(band.sum()), len(band)),
        need_share_of_offers=_share(need_offers, len(offers)),
        need_share_of_top=creaming(problem.scores, problem.in_need),
        enterprise_gini=round(gini([counts[o] for o in sorted(with_places)]), 4),
        kept=sum(problem.before.get(offer.jobseeker) == offer.placement for offer in offers),
    )


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def creaming(scores: Floats, in_need: Sequence[bool], top_share: float = TOP_SHARE) -> float:
    """Return the need band's share of those whose own best score is highest.

    Parameters
    ----------
    scores : ndarray of shape (n_jobseekers, n_placements)
    in_need : sequence of bool
    top_share : float

    Returns
    -------
    float
        Far under the band's share of everybody, choosing by score alone would cream. Equal best scores share places.

    Examples
    --------
    >>> creaming(np.array([[0.9], [0.1]]), [False, True], 0.5)
    0.0
    """
    band = np.asarray(in_need, dtype=bool)
    if not len(band) or not scores.shape[1]:
        return 0.0
    best = np.where(np.isnan(scores), -1.0, np.nan_to_num(scores)).max(axis=1)
    top = max(1, round(top_share * len(best)))
    edge = np.sort(best)[::-1][top - 1]
    surely, at_edge = best > edge, best == edge
    left = (top - surely.sum()) / at_edge.sum()
    return round(float((band & surely).sum() + left * (band & at_edge).sum()) / top, 4)


def _offer(
    problem: Problem,
    policy: Policy,
    person: int,
    placement: int,
    holders: Mapping[int, Sequence[int]],
    held_back: NDArray[np.bool_],
    could: Sequence[Sequence[int]],
) -> Offer:
    mine = problem.scores[person, could[person]]
    score = float(problem.scores[person, placement])
    first = placement if score == mine.max() else could[person][int(mine.argmax())]
    rank = 1 + int((mine > score).sum())
    return Offer(
        problem.jobseekers[person],
        problem.placements[placement],
        round(score, 6),
        rank,
        problem.placements[first],
        "" if rank == 1 else _why(problem, policy, person, first, holders, held_back, could),
        len(could[person]),
    )


def _why(
    problem: Problem,
    policy: Policy,
    person: int,
    first: int,
    holders: Mapping[int, Sequence[int]],
    held_back: NDArray[np.bool_],
    could: Sequence[Sequence[int]],
) -> str:
    """Say what displaced a first choice, without a word about anybody in particular."""
    held_by, places = holders.get(first, ()), problem.places[first]
    if len(held_by) < places:
        if held_back[first]:
            return "Its social enterprise already has far more than its fair share of the offers."
        return "The pair proposed before was kept, since the difference is small."
    mine = float(problem.scores[person, first])
    better = sum(float(problem.scores[other, first]) >= mine for other in held_by)
    only = sum(len(could[other]) == 1 for other in held_by)
    if better == len(held_by):
        return f"{_places(places)} went to people it fits at least as well."
    if only:
        return f"{_places(places)} went in part to people who have nowhere else to go ({only})."
    need = sum(problem.in_need[other] for other in held_by)
    if need and not problem.in_need[person] and policy.need_floor:
        return f"{_places(places)} went in part to people for whom offers are reserved ({need})."
    return f"{_places(places)} went in part to people who would lose more by going elsewhere ({len(held_by) - better})."


def _places(count: int) -> str:
    return "Its only place" if count == 1 else f"Its {count} places"


def _unplaced(problem: Problem, person: int, could: int) -> Unplaced:
    if could:
        thing = "the one placement" if could == 1 else f"all {could} placements"
        why = f"Every place of {thing} open to them went to somebody else; what changes that is more places."
    elif len(problem.placements) and np.isnan(problem.scores[person]).all():
        why = "A check keeps them from every placement; see what one change would open."
    else:
        why = "No placement that is open to them has a free place."
    return Unplaced(problem.jobseekers[person], could, why)
