"""Allocate limited places to a caseload of jobseekers, so that the offers have the greatest total value.

An allocation is a proposal of offers. A placement is open to a jobseeker if the pair passes every check. The allocation
reserves a published share of the offers (the need floor) for the jobseekers in greatest need (the need band). A soft
cap spreads the offers over social enterprises. The pairs of the previous proposal are repeated unless other pairs are
clearly better. Each jobseeker who does not get the first choice is given the reason.

References
----------
.. [1] Jonker, Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems",
   Computing 38, 1987 (SciPy implements it for sparse graphs).
.. [2] Everett, "Generalized Lagrange multiplier method", Operations Research 11, 1963: why a bonus
   can enforce the need floor, and why the bound still certifies the result.
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
    """One offer of the proposal.

    Parameters
    ----------
    jobseeker, placement : str
        The keys of the jobseeker and of the placement.
    score : float
    rank : int
        1 for the jobseeker's highest score among the open placements that have places, 2 for the next, and so on.
    first_choice : str
        The placement with the highest score for the jobseeker.
    why : str
        Why the offer is not the first choice. Empty if it is the first choice.
    could_go_to : int
        The number of placements that are open to the jobseeker and have places.
    chance : float
        The chance of a match: the calibrated score.
    """

    jobseeker: str
    placement: str
    score: float
    rank: int
    first_choice: str
    why: str = ""
    could_go_to: int = 1
    chance: float = 0.0


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A jobseeker without an offer, and the reason.

    Parameters
    ----------
    jobseeker : str
        The key of the jobseeker.
    could_go_to : int
        The number of placements that are open to the jobseeker and have places.
    why : str
        Why the jobseeker has no offer.
    """

    jobseeker: str
    could_go_to: int
    why: str


@dataclass(frozen=True, slots=True)
class AllocationPlan:
    """The proposed offers, and figures about them.

    Parameters
    ----------
    policy : Policy
    offers : tuple of PlaceOffer
    without : tuple of Unplaced
        Jobseekers without an offer.
    expected_lasting : float
        The sum of the chances of the offers: the number of offers that would last if the chances were right.
    need_offers : int
        The number of offers to jobseekers in the need band.
    need_floor : int
        The number of offers reserved for the need band: the policy's share of all possible offers, but at most as many
        as the band can get at once.
    need_share_of_caseload, need_share_of_offers, need_share_of_top : float
        The need band's share of all jobseekers, of the offers, and of the 30 % of jobseekers with the best scores. The
        last share is an index of creaming: see ``creaming``.
    enterprise_gini : float
        How unevenly offers are spread over the social enterprises that have places: 0 if evenly (Gini coefficient).
    kept : int
        The number of pairs repeated from the previous proposal.
    certified : float or None
        The share of the best possible value that this proposal is proved to reach. It is 1 from the exact solver. None
        if an offer was withdrawn after solving, because the proof then no longer applies.
    taken_back : int
        The number of offers withdrawn before publication because the place or the jobseeker was no longer available.
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
        If None: the neutral policy, by which only the chances of a match count.
    most_exact : int
        The greatest number of edges for which the exact solver is used. With more edges an auction is used, which also
        proves what share of the best possible value it reaches.

    Returns
    -------
    AllocationPlan
        The order of the jobseekers and placements in the problem does not change the plan.

    Notes
    -----
    The plan maximises the sum of ``offer_value`` + chance of a match over the offers. To meet the need floor, the exact
    solver requires that at least ``floor`` jobseekers of the need band get an offer. The auction adds a bonus to each
    offer to the need band, close to the smallest bonus that meets the floor [2]_. For evenness, places above the soft
    cap of a social enterprise get a price, and the plan is solved again with these prices, at most twice. A solution
    with fewer offers is never accepted.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.8], [0.8, 0.1]])
    >>> plan = allocate(AllocationProblem(["a", "b"], ["p", "q"], scores, [1, 1]))
    >>> [(offer.jobseeker, offer.placement) for offer in plan.offers]
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
        retried, share = case.assign(price, most_exact)
        if (retried >= 0).sum() < (chosen >= 0).sum():
            break  # evenness must never reduce the number of offers
        chosen, certified = retried, share
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
    explainer = _Explainer(case, policy, holders, held_back)
    offers = [explainer.offer(i, int(chosen[i])) for i in with_offer.tolist()]
    without = [explainer.unplaced(i) for i in np.flatnonzero(chosen < 0).tolist()]
    with_places = {o for o, p in zip(case.organisations, case.places.tolist(), strict=True) if o is not None and p}
    need_offers = int(case.band[chosen >= 0].sum())
    best = np.full(len(case.jobseekers), -1.0)
    np.maximum.at(best, case.pairs.people, case.pairs.scores)
    return AllocationPlan(
        policy=policy,
        offers=tuple(sorted(offers, key=lambda o: o.jobseeker)),
        without=tuple(sorted(without, key=lambda u: u.jobseeker)),
        expected_lasting=round(sum(offer.chance for offer in offers), 4),
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
    """Return a share rounded to four decimal places, or 0 if the whole is 0.

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
    """Return how unevenly offers are spread over the social enterprises that have places.

    Parameters
    ----------
    given : iterable of str or None
        The social enterprise of each offer.
    holders : collection of str
        The social enterprises that have places.

    Returns
    -------
    float
        The Gini coefficient, rounded to four decimal places. 0 means that all have the same number of offers.

    Examples
    --------
    >>> unevenness(["a", "b"], {"a", "b"})
    0.0
    """
    counts = Counter(given)
    return round(gini([counts[holder] for holder in sorted(holders)]), 4)


def creaming(best: Floats, in_need: Sequence[bool] | NDArray[np.bool_], top_share: float = TOP_SHARE) -> float:
    """Return what share of the top jobseekers, ranked by their best score, is in the need band.

    Parameters
    ----------
    best : ndarray of shape (n_jobseekers,)
        The best score of each jobseeker, or a negative number if no placement is open to the jobseeker.
    in_need : sequence of bool
        Whether each jobseeker is in the need band.
    top_share : float
        The share of jobseekers that counts as the top.

    Returns
    -------
    float
        A share, rounded to four decimal places. If it is far below the band's share of all jobseekers, choosing by
        score alone would favour jobseekers in less need (creaming). Jobseekers who tie for the last ranks of the top
        count in part.

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
    above_edge, at_edge = best > edge, best == edge
    edge_share = (top - above_edge.sum()) / at_edge.sum()
    return round(float((band & above_edge).sum() + edge_share * (band & at_edge).sum()) / top, 4)


@dataclass(frozen=True, eq=False)
class _Explainer:
    """Describes a finished assignment for each jobseeker: the offer or its absence, with the reason."""

    case: _Case
    policy: Policy
    holders: Mapping[int, Sequence[int]]
    held_back: NDArray[np.bool_]

    def own(self, person: int) -> tuple[NDArray[np.int32], Floats]:
        """Return the placements that are open to one jobseeker and have places, and their scores."""
        pairs = self.case.pairs
        span = slice(int(pairs.begins[person]), int(pairs.begins[person + 1]))
        has_places = self.case.places[pairs.placements[span]] > 0
        return pairs.placements[span][has_places], pairs.scores[span][has_places]

    def offer(self, person: int, pair: int) -> PlaceOffer:
        case = self.case
        placements, scores = self.own(person)
        placement, score = int(case.pairs.placements[pair]), float(case.pairs.scores[pair])
        first = placement if score == scores.max() else int(placements[int(scores.argmax())])
        rank = 1 + int((scores > score).sum())
        return PlaceOffer(
            case.jobseekers[person],
            case.placements[placement],
            round(score, 6),
            rank,
            case.placements[first],
            "" if rank == 1 else self._why(person, first, float(scores.max())),
            int(case.could[person]),
            round(float(case.chances[pair]), 6),
        )

    def _why(self, person: int, first: int, score: float) -> str:
        """Return why a jobseeker did not get the first choice, without details about any other individual jobseeker."""
        case, holders, places = self.case, self.holders.get(first, ()), int(self.case.places[first])
        if len(holders) < places:
            if self.held_back[first]:
                return "The social enterprise of the first choice already gets far more than its fair share of offers."
            return "The previous proposal for this jobseeker is repeated: the first choice is only slightly better."
        n_better = sum(self._score(other, first) >= score for other in holders)
        n_without_other = sum(int(case.could[other]) == 1 for other in holders)
        if n_better == len(holders):
            return _filled(places, places, "with an equal or higher score for this placement")
        if n_without_other:
            return _filled(places, n_without_other, "who can be offered no other placement")
        n_in_need = sum(bool(case.band[other]) for other in holders)
        if n_in_need and not case.band[person] and self.policy.need_floor:
            return _filled(places, n_in_need, "in the group for which a share of offers is reserved")
        return _filled(places, len(holders) - n_better, "who would lose more by going to another placement")

    def _score(self, person: int, placement: int) -> float:
        pairs = self.case.pairs
        run = pairs.placements[pairs.begins[person] : pairs.begins[person + 1]]
        return float(pairs.scores[int(pairs.begins[person]) + int(np.searchsorted(run, placement))])

    def unplaced(self, person: int) -> Unplaced:
        case, could = self.case, int(self.case.could[person])
        if could:
            where = "the only placement" if could == 1 else f"all {could} placements"
            why = f"Every place at {where} open to this jobseeker went to other jobseekers. More places are needed."
        elif len(case.placements) and case.pairs.begins[person] == case.pairs.begins[person + 1]:
            why = "Every placement fails a check for this jobseeker. Next: see which change would allow a placement."
        else:
            why = "None of the placements open to this jobseeker has a place left."
        return Unplaced(case.jobseekers[person], could, why)


def _filled(places: int, number: int, reason: str) -> str:
    if places == 1:
        return f"The only place of the first choice went to a jobseeker {reason}."
    if number == places:
        return f"All {places} places of the first choice went to jobseekers {reason}."
    return f"Of the {places} places of the first choice, {number} went to jobseekers {reason}."
