"""How good a ranking is: whole and by group, for both sides, with intervals.

What is decided about the cases at the edge: a list without anything relevant is left out of every mean and counted;
equal scores share the value of the ranks they tie for, so no order of the input can help; a mean of no lists is NaN.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matching.score.side_models import Floats

RESAMPLES = 2000
CALIBRATION_BINS = 10
FEWEST_SHOWN = 10  # a group of fewer lists is not shown: its figure would say more of a person than of the ranking


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean over lists, with its 95 % bootstrap interval.

    Parameters
    ----------
    mean, low, high : float
    lists : int
        How many had something relevant.
    left_out : int
        How many had not.
    """

    mean: float
    low: float
    high: float
    lists: int
    left_out: int


def ndcg(relevance: ArrayLike, scores: ArrayLike, at: int = 10) -> float:
    """Return the normalised discounted cumulative gain of one list.

    Parameters
    ----------
    relevance : array-like of shape (n_items,)
        Grades; the gain is 2 ** grade - 1.
    scores : array-like of shape (n_items,)
        Equal ones share their ranks' discounts.
    at : int

    Returns
    -------
    float
        In [0, 1]; NaN for a list without anything relevant.

    References
    ----------
    .. [1] McSherry, Najork, "Computing information retrieval performance measures efficiently in the presence of tied
       scores", ECIR 2008.

    Examples
    --------
    >>> ndcg([0, 1], [0.1, 0.9])
    1.0
    >>> ndcg([1, 0], [0.5, 0.5]) == ndcg([0, 1], [0.5, 0.5])
    True
    """
    grade, score = np.asarray(relevance, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    gain = 2.0**grade - 1.0
    discount = np.where(np.arange(len(gain)) < at, 1.0 / np.log2(np.arange(len(gain)) + 2.0), 0.0)
    ideal = float(np.sort(gain)[::-1] @ discount)
    if not ideal > 0.0:
        return float("nan")
    _, level, size = np.unique(-score, return_inverse=True, return_counts=True)
    ends = np.cumsum(size)
    reached = np.r_[0.0, np.cumsum(discount)]
    shared = (reached[ends] - reached[ends - size]) / size
    return float(gain @ shared[level]) / ideal


def recall(relevance: ArrayLike, scores: ArrayLike, at: int = 10) -> float:
    """Return the share of what is relevant among the first, ties shared.

    Parameters
    ----------
    relevance : array-like of shape (n_items,)
        Over 0 is relevant.
    scores : array-like of shape (n_items,)
    at : int

    Returns
    -------
    float
        In [0, 1]; NaN for a list without anything relevant.

    Examples
    --------
    >>> recall([0, 1, 1], [0.1, 0.9, 0.5], at=1)
    0.5
    """
    relevant, score = np.asarray(relevance) > 0, np.asarray(scores, dtype=np.float64)
    if not relevant.any():
        return float("nan")
    above = np.array([(score > s).sum() for s in score[relevant]])
    tied = np.array([(score == s).sum() for s in score[relevant]])
    return float(np.mean(np.clip((at - above) / tied, 0.0, 1.0)))


def reciprocal_rank(relevance: ArrayLike, scores: ArrayLike) -> float:
    """Return 1 over the rank of the first relevant item; one that ties stands in the middle of its tie.

    Parameters
    ----------
    relevance : array-like of shape (n_items,)
    scores : array-like of shape (n_items,)

    Returns
    -------
    float
        In (0, 1]; NaN for a list without anything relevant.

    Examples
    --------
    >>> reciprocal_rank([0, 1], [0.9, 0.1])
    0.5
    """
    relevant, score = np.asarray(relevance) > 0, np.asarray(scores, dtype=np.float64)
    if not relevant.any():
        return float("nan")
    best = score[relevant].max()
    others = (score == best).sum() - (relevant & (score == best)).sum()
    return float(1.0 / (1.0 + (score > best).sum() + others / 2))


def brier(probabilities: ArrayLike, happened: ArrayLike) -> float:
    """Return the mean squared difference between probabilities and what happened.

    Parameters
    ----------
    probabilities, happened : array-like of shape (n_samples,)

    Returns
    -------
    float
        In [0, 1], lower is better; NaN for nothing.

    Examples
    --------
    >>> brier([0.5, 0.5], [0, 1])
    0.25
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(happened, dtype=np.float64)
    return float(np.mean((p - y) ** 2)) if len(p) else float("nan")


def calibration_error(probabilities: ArrayLike, happened: ArrayLike, bins: int = CALIBRATION_BINS) -> float:
    """Return the expected calibration error over bins of equal counts.

    Parameters
    ----------
    probabilities, happened : array-like of shape (n_samples,)
    bins : int

    Returns
    -------
    float
        Mean absolute difference, weighted by the bins' sizes; NaN for nothing.

    Examples
    --------
    >>> calibration_error([0.5, 0.5], [0, 1])
    0.0
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(happened, dtype=np.float64)
    if not len(p):
        return float("nan")
    _, first = np.unique(p, return_inverse=True)  # equal probabilities stay in one bin
    inorder = np.argsort(first, kind="stable")
    edges = np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1])
    which = np.searchsorted(edges, p[inorder], side="left")
    total = 0.0
    for one in np.unique(which):
        here = inorder[which == one]
        total += len(here) * abs(float(p[here].mean() - y[here].mean()))
    return total / len(p)


def gini(counts: ArrayLike) -> float:
    """Return how unevenly something is shared: 0 for evenly, towards 1 for all to one.

    Parameters
    ----------
    counts : array-like of shape (n_holders,)

    Returns
    -------
    float
        0 where there is nothing to share.

    Examples
    --------
    >>> gini([1, 1, 1]), gini([0, 0])
    (0.0, 0.0)
    """
    held = np.sort(np.asarray(counts, dtype=np.float64))
    if not held.sum() > 0.0:
        return 0.0
    n = len(held)
    return float((2 * np.arange(1, n + 1) - n - 1) @ held / (n * held.sum()))


def exposure(ranks: ArrayLike, at: int = 10) -> Floats:
    """Return how likely each rank is to be looked at, by the discount that NDCG takes.

    Parameters
    ----------
    ranks : array-like of int of shape (n_items,)
        From 1.
    at : int

    Returns
    -------
    ndarray of shape (n_items,)

    Examples
    --------
    >>> exposure([1, 11]).tolist()
    [1.0, 0.0]
    """
    rank = np.asarray(ranks, dtype=np.float64)
    return np.where(rank <= at, 1.0 / np.log2(rank + 1.0), 0.0)


def coverage(shown: Sequence[Sequence[Hashable]], everything: int) -> float:
    """Return the share of everything that stands on at least one list.

    Parameters
    ----------
    shown : sequence of sequence
    everything : int

    Returns
    -------
    float
        In [0, 1]; NaN where there is nothing.

    Examples
    --------
    >>> coverage([["a"], ["a", "b"]], 4)
    0.5
    """
    return len({item for one in shown for item in one}) / everything if everything else float("nan")


def mean_of(values: ArrayLike, seed: int = 0) -> Measured:
    """Return the mean over lists with its bootstrap interval.

    Parameters
    ----------
    values : array-like of shape (n_lists,)
        NaN for a list that is left out.
    seed : int

    Returns
    -------
    Measured

    Examples
    --------
    >>> mean_of([1.0, 1.0, float("nan")]).left_out
    1
    """
    all_lists = np.asarray(values, dtype=np.float64)
    kept = all_lists[~np.isnan(all_lists)]
    if not len(kept):
        return Measured(float("nan"), float("nan"), float("nan"), 0, len(all_lists))
    drawn = np.random.default_rng(seed).choice(kept, (RESAMPLES, len(kept))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Measured(float(kept.mean()), float(low), float(high), len(kept), len(all_lists) - len(kept))


def paired(values: ArrayLike, others: ArrayLike, seed: int = 0) -> Measured:
    """Return the mean difference over the same lists; "better" means an interval wholly over 0.

    Parameters
    ----------
    values, others : array-like of shape (n_lists,)

    Returns
    -------
    Measured

    Examples
    --------
    >>> paired([1.0, 0.5], [0.5, 0.5]).mean
    0.25
    """
    return mean_of(np.asarray(values, dtype=np.float64) - np.asarray(others, dtype=np.float64), seed)


def by_group(values: ArrayLike, groups: Sequence[str], fewest: int = FEWEST_SHOWN) -> dict[str, Measured | None]:
    """Return the mean of each group; one of too few lists is None, so that no figure points at a person.

    Parameters
    ----------
    values : array-like of shape (n_lists,)
    groups : sequence of str
    fewest : int

    Returns
    -------
    dict of str to Measured or None

    Examples
    --------
    >>> by_group([1.0], ["a"])
    {'a': None}
    """
    all_lists, group = np.asarray(values, dtype=np.float64), np.asarray(groups)
    return {
        str(name): mean_of(all_lists[group == name]) if (group == name).sum() >= fewest else None
        for name in sorted(set(groups))
    }


@dataclass(frozen=True, slots=True)
class Split:
    """Cases cut by time, the later ones apart by whether their person and placement were seen before.

    Parameters
    ----------
    train, warm, cold : ndarray of int
        Positions.
    """

    train: NDArray[np.intp]
    warm: NDArray[np.intp]
    cold: NDArray[np.intp]


def split_by_time(days: Sequence[date], people: Sequence[str], held_out_share: float = 0.25) -> Split:
    """Return the earlier cases for training; the later ones as warm (person seen before) and cold.

    Parameters
    ----------
    days : sequence of date
    people : sequence of str
    held_out_share : float
        Of the days' order; cases of the same day never stand on both sides.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        If the share is not between 0 and 1.

    Examples
    --------
    >>> split = split_by_time([date(2026, 1, d) for d in (1, 2, 3, 4)], ["a", "b", "c", "a"])
    >>> split.train.tolist(), split.warm.tolist(), split.cold.tolist()
    ([0, 1, 2], [3], [])
    """
    if not 0.0 < held_out_share < 1.0:
        raise ValueError("held_out_share lies between 0 and 1.")
    if not days:
        nothing = np.array([], dtype=np.intp)
        return Split(nothing, nothing, nothing)
    inorder = sorted(days)
    first_held_out = inorder[min(int(len(inorder) * (1 - held_out_share)), len(inorder) - 1)]
    is_later = np.array([day >= first_held_out for day in days])
    seen = {person for person, later in zip(people, is_later, strict=True) if not later}
    is_warm = np.array([person in seen for person in people])
    return Split(np.flatnonzero(~is_later), np.flatnonzero(is_later & is_warm), np.flatnonzero(is_later & ~is_warm))


Metric = Callable[[Floats, Floats], float]


def over_lists(
    relevance: Mapping[Hashable, Floats], scores: Mapping[Hashable, Floats], metric: Metric = ndcg
) -> Floats:
    """Return a metric of every list, in the order of ``relevance``.

    Parameters
    ----------
    relevance, scores : mapping of a list's name to ndarray
    metric : callable

    Returns
    -------
    ndarray of shape (n_lists,)

    Examples
    --------
    >>> over_lists({"a": np.array([0.0, 1.0])}, {"a": np.array([0.1, 0.9])})
    array([1.])
    """
    return np.array([metric(grades, scores[name]) for name, grades in relevance.items()])
