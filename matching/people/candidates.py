"""Which pairs of records are compared: those that share keys of few records, and of these, those that share most."""

from collections.abc import Sequence
from math import log2

import numpy as np
from numpy.typing import NDArray

from matching.people.identity import Identity, keys_of, weak_keys_of

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
# A key that more records share is not used. It says little, and its pairs grow with the square of its records.
MOST_OF_A_KEY = 400
# Of the pairs of one record, those are compared that share the most and the rarest keys.
MOST_OF_A_RECORD = 30
# The largest keys are left out if all keys together would make more pairs than this for each record.
MOST_SHARED = 600


def pairs_of(
    left: Sequence[Identity],
    right: Sequence[Identity] | None = None,
    most: int | None = None,
    *,
    with_weak: bool = True,
) -> list[tuple[int, int]]:
    """Return the pairs of records to compare, within one set or between two sets.

    Parameters
    ----------
    left : sequence of Identity
    right : sequence of Identity or None
    most : int or None
        A key of more records is not used; by default, of ``MOST_OF_A_KEY``.
    with_weak : bool
        Whether a weak key is enough for a pair to be compared.

    Returns
    -------
    list of (int, int)
        Positions of the records. Each pair appears once, and within one set the first position is the smaller.

    Examples
    --------
    >>> person = Identity("1", phone="+447700900123")
    >>> pairs_of([person, person]), pairs_of([person], [person])
    ([(0, 1)], [(0, 0)])
    """
    people = [*left, *(right or [])]
    groups = _groups(people, with_weak=with_weak)
    ends, weights = _sharing(groups, len(people), len(left) if right is not None else None, most or MOST_OF_A_KEY)
    if not len(ends):
        return []
    pairs, of_pair = np.unique(ends, return_inverse=True)
    weight = np.bincount(of_pair, weights).astype(np.float64)
    first, second = np.divmod(pairs, len(people))
    kept = _best(first, weight) | _best(second, weight)
    offset = len(left) if right is not None else 0
    return list(zip(first[kept].tolist(), (second[kept] - offset).tolist(), strict=True))


def _sharing(groups: list[list[int]], records: int, split: int | None, most: int) -> tuple[Integers, Floats]:
    """Return each pair once for each key that it shares, as one number, with the weight of the key.

    With ``split``, the number of records in the first of two sets, pairs within one set are left out.
    """
    groups = [group for group in groups if 1 < len(group) <= most]
    groups.sort(key=len)
    ends: list[Integers] = [np.zeros(0, dtype=np.int64)]
    weights: list[Floats] = [np.zeros(0)]
    left = MOST_SHARED * records
    for size in sorted({len(group) for group in groups}):
        members = np.array([group for group in groups if len(group) == size], dtype=np.int64)
        one, other = np.triu_indices(size, 1)
        first, second = members[:, one].ravel(), members[:, other].ravel()
        if split is not None:
            is_across = (first < split) & (second >= split)
            first, second = first[is_across], second[is_across]
        left -= len(first)
        if left < 0:
            break
        ends.append(first * records + second)
        weights.append(np.full(len(first), key_weight(size, most)))
    return np.concatenate(ends), np.concatenate(weights)


def _groups(people: Sequence[Identity], *, with_weak: bool) -> list[list[int]]:
    """Return the positions of the records with each key, in order."""
    groups: dict[str, list[int]] = {}
    for at, person in enumerate(people):
        for key in {*keys_of(person), *(weak_keys_of(person) if with_weak else ())}:
            groups.setdefault(key, []).append(at)
    return list(groups.values())


def key_weight(records: int, most: int) -> float:
    """Return how much it counts that two records share a key that so many records have, in bits: at least 1.

    Parameters
    ----------
    records : int
        The number of records with the key.
    most : int
        The number of records from which a key is not used.

    Returns
    -------
    float

    Examples
    --------
    >>> key_weight(4, 64), key_weight(64, 64)
    (5.0, 1.0)
    """
    return log2(2 * most / min(max(records, 1), most))


def _best(ends: Integers, weight: Floats) -> NDArray[np.bool_]:
    """Return, for each pair, whether it is among the best ``MOST_OF_A_RECORD`` pairs of the record at this end."""
    order = np.lexsort((-weight, ends))
    starts = np.r_[0, np.flatnonzero(np.diff(ends[order])) + 1]
    counts = np.diff(np.r_[starts, len(order)])
    rank = np.arange(len(order)) - np.repeat(starts, counts)
    kept = np.zeros(len(order), dtype=np.bool_)
    kept[order] = rank < MOST_OF_A_RECORD
    return kept
