"""Measure the quality of rankings, overall and by group, with 95 % intervals.

Rules for special cases: every mean leaves out the lists without a relevant item, and their number is reported. Items
with equal scores share the average value of their ranks, so the order of the input cannot change a result. The mean of
no lists is NaN.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matching.score.side_models import Floats

RESAMPLES = 2000
CALIBRATION_BINS = 10
FEWEST_SHOWN = 10  # the figure of a group with fewer lists is suppressed, because it could describe individual people


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean over lists, with its 95 % bootstrap interval.

    Parameters
    ----------
    mean, low, high : float
        The mean, and the lower and upper end of its interval.
    lists : int
        The number of lists with a relevant item.
    left_out : int
        The number of lists without a relevant item, which the mean leaves out.
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
        The grade of each item. Its gain is 2 ** grade - 1.
    scores : array-like of shape (n_items,)
        The score of each item. Items with equal scores all get the average discount of their ranks.
    at : int
        The number of ranks that count, from the first.

    Returns
    -------
    float
        In [0, 1]. NaN for a list without a relevant item.

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
    """Return the share of the relevant items that are ranked among the first ``at`` items.

    Parameters
    ----------
    relevance : array-like of shape (n_items,)
        An item is relevant if its value here is over 0.
    scores : array-like of shape (n_items,)
        If items with equal scores are only partly among the first ``at``, each of them counts in part.
    at : int
        The number of ranks that count, from the first.

    Returns
    -------
    float
        In [0, 1]. NaN for a list without a relevant item.

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
    """Return 1 / rank of the first relevant item. Half of the irrelevant items that tie with it count as before it.

    Parameters
    ----------
    relevance : array-like of shape (n_items,)
    scores : array-like of shape (n_items,)

    Returns
    -------
    float
        In (0, 1]. NaN for a list without a relevant item.

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
    """Return the mean squared difference between predicted probabilities and what happened, 0 or 1 (Brier score).

    Parameters
    ----------
    probabilities, happened : array-like of shape (n_samples,)

    Returns
    -------
    float
        In [0, 1], lower is better. NaN for no samples.

    Examples
    --------
    >>> brier([0.5, 0.5], [0, 1])
    0.25
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(happened, dtype=np.float64)
    return float(np.mean((p - y) ** 2)) if len(p) else float("nan")


def calibration_error(probabilities: ArrayLike, happened: ArrayLike, bins: int = CALIBRATION_BINS) -> float:
    """Return the expected calibration error over bins with equal numbers of samples.

    Parameters
    ----------
    probabilities, happened : array-like of shape (n_samples,)
    bins : int

    Returns
    -------
    float
        The mean over bins, weighted by their sizes, of the absolute difference between the mean probability and the
        mean of ``happened``. NaN for no samples.

    Examples
    --------
    >>> calibration_error([0.5, 0.5], [0, 1])
    0.0
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(happened, dtype=np.float64)
    if not len(p):
        return float("nan")
    _, first = np.unique(p, return_inverse=True)  # equal probabilities stay in one bin
    order = np.argsort(first, kind="stable")
    edges = np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1])
    bin_of = np.searchsorted(edges, p[order], side="left")
    total = 0.0
    for number in np.unique(bin_of):
        in_bin = order[bin_of == number]
        total += len(in_bin) * abs(float(p[in_bin].mean() - y[in_bin].mean()))
    return total / len(p)


def gini(counts: ArrayLike) -> float:
    """Return the Gini coefficient of some counts: 0 if all are equal, almost 1 if one of many holders has everything.

    Parameters
    ----------
    counts : array-like of shape (n_holders,)

    Returns
    -------
    float
        In [0, 1). 0 where all counts are 0.

    Examples
    --------
    >>> gini([1, 1, 1]), gini([0, 0])
    (0.0, 0.0)
    """
    ascending = np.sort(np.asarray(counts, dtype=np.float64))
    if not ascending.sum() > 0.0:
        return 0.0
    n = len(ascending)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ascending / (n * ascending.sum()))


def exposure(ranks: ArrayLike, at: int = 10) -> Floats:
    """Return an estimate of how likely each rank is to be read: the discount of NDCG.

    Parameters
    ----------
    ranks : array-like of int of shape (n_items,)
        Ranks, starting at 1.
    at : int
        The number of ranks that are read, from the first. The result for later ranks is 0.

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


def coverage(lists: Sequence[Sequence[Hashable]], everything: int) -> float:
    """Return the share of all items that are on at least one list.

    Parameters
    ----------
    lists : sequence of sequence
        The lists.
    everything : int
        The number of items that could be on a list.

    Returns
    -------
    float
        In [0, 1]. NaN where there are no items.

    Examples
    --------
    >>> coverage([["a"], ["a", "b"]], 4)
    0.5
    """
    return len({item for items in lists for item in items}) / everything if everything else float("nan")


def mean_of(values: ArrayLike, seed: int = 0) -> Measured:
    """Return the mean over lists, with its bootstrap interval.

    Parameters
    ----------
    values : array-like of shape (n_lists,)
        The value of each list. The mean leaves out a list with the value NaN.
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
    used = all_lists[~np.isnan(all_lists)]
    if not len(used):
        return Measured(float("nan"), float("nan"), float("nan"), 0, len(all_lists))
    resampled = np.random.default_rng(seed).choice(used, (RESAMPLES, len(used))).mean(axis=1)
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Measured(float(used.mean()), float(low), float(high), len(used), len(all_lists) - len(used))


def paired(values: ArrayLike, others: ArrayLike, seed: int = 0) -> Measured:
    """Return the mean of ``values - others`` over lists. If its whole interval is over 0, ``values`` are higher.

    Parameters
    ----------
    values, others : array-like of shape (n_lists,)
        Two values of each list, for example from two models.

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
    """Return the mean of each group, or None for a group with so few lists that its mean could identify a person.

    Parameters
    ----------
    values : array-like of shape (n_lists,)
    groups : sequence of str
        The group of each list.
    fewest : int
        The number of lists that a group needs for its mean to be returned.

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
    """Cases split by time. A later case is warm if an earlier case has the same person, and cold if none has.

    Parameters
    ----------
    train, warm, cold : ndarray of int
        The positions of the earlier cases, of the warm later cases and of the cold later cases.
    """

    train: NDArray[np.intp]
    warm: NDArray[np.intp]
    cold: NDArray[np.intp]


def split_by_time(days: Sequence[date], people: Sequence[str], held_out_share: float = 0.25) -> Split:
    """Split cases into earlier cases for training and later cases for testing, which are warm or cold (see ``Split``).

    Parameters
    ----------
    days : sequence of date
    people : sequence of str
    held_out_share : float
        The share of the cases, latest first, that is held out for testing. Cases of the same day stay together.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        If the share is 0 or less, or 1 or more.

    Examples
    --------
    >>> split = split_by_time([date(2026, 1, d) for d in (1, 2, 3, 4)], ["a", "b", "c", "a"])
    >>> split.train.tolist(), split.warm.tolist(), split.cold.tolist()
    ([0, 1, 2], [3], [])
    """
    if not 0.0 < held_out_share < 1.0:
        raise ValueError("held_out_share must be more than 0 and less than 1.")
    if not days:
        nothing = np.array([], dtype=np.intp)
        return Split(nothing, nothing, nothing)
    ordered_days = sorted(days)
    first_held_out = ordered_days[min(int(len(ordered_days) * (1 - held_out_share)), len(ordered_days) - 1)]
    is_later = np.array([day >= first_held_out for day in days])
    seen = {person for person, later in zip(people, is_later, strict=True) if not later}
    is_warm = np.array([person in seen for person in people])
    return Split(np.flatnonzero(~is_later), np.flatnonzero(is_later & is_warm), np.flatnonzero(is_later & ~is_warm))


Metric = Callable[[Floats, Floats], float]


def over_lists(
    relevance: Mapping[Hashable, Floats], scores: Mapping[Hashable, Floats], metric: Metric = ndcg
) -> Floats:
    """Return a metric for every list, in the order of ``relevance``.

    Parameters
    ----------
    relevance, scores : mapping of a list's name to ndarray
    metric : callable
        A function of the relevance and the scores of one list.

    Returns
    -------
    ndarray of shape (n_lists,)

    Examples
    --------
    >>> over_lists({"a": np.array([0.0, 1.0])}, {"a": np.array([0.1, 0.9])})
    array([1.])
    """
    return np.array([metric(grades, scores[name]) for name, grades in relevance.items()])
