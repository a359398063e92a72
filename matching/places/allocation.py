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
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.learning.evaluation import gini
from matching.places.problem import AllocationProblem, Policy
from matching.places.solvers import MOST_EXACT, _Case, _prices
from matching.score.side_models import Floats

TOP_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class PlaceOffer:
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
class AllocationPlan:
    """The proposal, and what it does to whom.

    Parameters
    ----------
    policy : Policy
    offers : tuple of PlaceOffer
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
    offers: tuple[PlaceOffer, ...]
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


def allocate(
    problem: AllocationProblem, policy: Policy | None = None, *, most_exact: int = MOST_EXACT
) -> AllocationPlan:
    """Return the best proposal under a policy.

    Parameters
    ----------
    problem : AllocationProblem
    policy : Policy or None
        The default one where None.
    most_exact : int
        Edges up to which the exact solver is used; beyond it an auction, whose distance from the best is certified.

    Returns
    -------
    AllocationPlan
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
    >>> found = allocate(AllocationProblem(["a", "b"], ["p", "q"], scores, [1, 1]))
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
    return _plan_of(case, rules, chosen, held_back, certified)


def _plan_of(
    case: _Case, policy: Policy, chosen: NDArray[np.intp], held_back: NDArray[np.bool_], certified: float
) -> AllocationPlan:
    with_offer = np.flatnonzero(chosen >= 0)
    taken = case.pairs.placements[chosen[with_offer]]
    holders: dict[int, list[int]] = defaultdict(list)
    for person, placement in zip(with_offer.tolist(), taken.tolist(), strict=True):
        holders[placement].append(person)
    look = _Explainer(case, policy, holders, held_back)
    offers = [look.offer(i, int(chosen[i])) for i in with_offer.tolist()]
    without = [look.unplaced(i) for i in np.flatnonzero(chosen < 0).tolist()]
    with_places = {o for o, p in zip(case.organisations, case.places.tolist(), strict=True) if o is not None and p}
    need_offers = int(case.band[chosen >= 0].sum())
    best = np.full(len(case.jobseekers), -1.0)
    np.maximum.at(best, case.pairs.people, case.pairs.scores)
    return AllocationPlan(
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
class _Explainer:
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

    def offer(self, person: int, pair: int) -> PlaceOffer:
        case = self.case
        placements, mine = self.own(person)
        placement, score = int(case.pairs.placements[pair]), float(case.pairs.scores[pair])
        first = placement if score == mine.max() else int(placements[int(mine.argmax())])
        rank = 1 + int((mine > score).sum())
        return PlaceOffer(
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
