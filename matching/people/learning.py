"""Learn the parameters of ``Linkage`` from unlabelled records: u from random pairs, m by expectation-maximisation.

References
----------
.. [1] Winkler, "Using the EM algorithm for weight computation in the Fellegi-Sunter model of record linkage", U.S.
   Bureau of the Census, 2000.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.people.candidates import pairs_of
from matching.people.compare import COMPARE, FIELDS, LEVELS, NAME_LEVELS, Born, Field, Postcode, Text, compare, parts_of
from matching.people.identity import Identity
from matching.people.linkage import LEAST_SHARE, UNKNOWN_OF, Kin, Linkage
from matching.people.names import Alike

Floats = NDArray[np.float64]
Levels = NDArray[np.uint8]
RANDOM_PAIRS = 50_000
ROUNDS = 200
SETTLED = 1e-6
COUNTED = 0.5  # the count given to a level that was never seen, so that no level has probability 0
# The prior for two records of one person: most fields agree, some have errors.
AGREES, KNOWN_SHARE = 0.9, 0.1
PRIOR_WEIGHT = 20.0
READ: dict[Field, tuple[int, Callable[[Identity], str]]] = {
    Field.BORN: (Born.SAME, lambda person: person.day),
    Field.POSTCODE: (Postcode.UNIT, lambda person: person.postcode),
    Field.STREET: (Text.SAME, lambda person: person.address),
    Field.TOWN: (Text.SAME, lambda person: person.place),
    Field.PHONE: (Text.SAME, lambda person: person.phone),
    Field.EMAIL: (Text.SAME, lambda person: person.email),
}
TOP = {name: level for name, (level, _) in READ.items()}
LEAST_SEEN = 1e-4


def learn(
    left: Sequence[Identity],
    right: Sequence[Identity] | None = None,
    pairs: Sequence[tuple[int, int]] | None = None,
    *,
    seed: int = 0,
    manifest: Mapping[str, object] | None = None,
) -> tuple[Linkage, Levels]:
    """Learn linkage parameters from records without labels.

    Parameters
    ----------
    left : sequence of Identity
    right : sequence of Identity or None
        The second set. If None, duplicates are searched for within ``left``.
    pairs : sequence of (int, int) or None
        The pairs to compare. If None, all pairs that share a key are compared.
    seed : int
        Seed of the random pairs.
    manifest : mapping or None
        Notes on the data. They are saved with the parameters.

    Returns
    -------
    tuple of (Linkage, ndarray of uint8 of shape (n_pairs, n_fields))
        The parameters, and the levels of each compared pair.

    Notes
    -----
    The prior is the probability that a random pair is a match, not that a pair that shares a key is a match. It is the
    expected number of matches among the compared pairs, divided by the number of all possible pairs. Strangers who
    share a key are far more alike than random strangers, so a prior learnt from pairs that share a key would make
    every similar stranger a match.
    """
    others = left if right is None else right
    compared = pairs_of(left, right) if pairs is None else list(pairs)
    levels = np.array([compare(left[a], others[b]) for a, b in compared], dtype=np.uint8).reshape(
        len(compared), len(FIELDS)
    )
    u, given = _at_random(left, right, random.Random(seed))  # noqa: S311 - a sample, not a secret
    total = len(left) * len(others) if right is not None else len(left) * (len(left) - 1) / 2
    m, expected = _maximised(levels, u, given, float(max(total, 1)))
    names = _shares(left, right)
    usual: Any = tuple(
        max(
            _same(
                [person.names[at] for person in left],
                [person.names[at] for person in others] if right is not None else None,
            ),
            LEAST_SHARE,
        )
        for at in (0, 1)
    )
    # Within one set, a pair counts for both of its records. Between two sets, it counts for the record of ``left``.
    ends = 1 if right is not None else 2
    shares = {kin: ends * expected[kin] / max(len(left), 1) for kin in Kin}
    return Linkage(m, u, shares, usual, *names, manifest=dict(manifest or {})), levels


def _at_random(
    left: Sequence[Identity], right: Sequence[Identity] | None, rng: random.Random
) -> tuple[dict[Field, tuple[float, ...]], Floats]:
    """Return how often each level, and each likeness of given names, occurs between two people chosen at random."""
    others = left if right is None else right
    counts = {name: np.zeros(LEVELS[name]) for name in FIELDS}
    given, family = np.zeros(len(Alike)), np.zeros(len(Alike))
    seen = 0
    for a, b in _drawn(len(left), len(others), is_one_set=right is None, rng=rng):
        first, second = left[a], others[b]
        for name in FIELDS:
            counts[name][COMPARE[name](first, second)] += 1
        parts = parts_of(COMPARE[Field.NAME](first, second))
        if parts is not None:
            given[parts[0]] += 1
            family[parts[1]] += 1
        seen += 1
    # For two strangers, the likeness of given names is independent of the likeness of family names. The share of a name
    # level is therefore the product of two shares, even if the level was never sampled.
    straight = counts[Field.NAME][: NAME_LEVELS - 2].sum()
    for part, at in ((given, 0), (family, 1)):
        same = _same(
            [person.names[at] for person in left],
            [person.names[at] for person in others] if right is not None else None,
        )
        known = part.sum() - part[Alike.UNKNOWN]
        part[Alike.SAME] = same * known
    both = np.outer(_shares_of(given), _shares_of(family)).ravel() * straight
    counts[Field.NAME] = np.r_[both, counts[Field.NAME][NAME_LEVELS - 2 :]]
    for name, (level, read) in READ.items():
        same = _same(
            [read(person) for person in left], [read(person) for person in others] if right is not None else None
        )
        known = counts[name].sum() - counts[name][UNKNOWN_OF[name]]
        counts[name][level] = same * known
    return {name: tuple(_shares_of_known(name, counts[name], seen).tolist()) for name in FIELDS}, _shares_of(given)


def _drawn(n: int, others: int, *, is_one_set: bool, rng: random.Random) -> Iterator[tuple[int, int]]:
    if min(n, others) < 2:  # noqa: PLR2004 - one record forms no pair
        return
    for _ in range(RANDOM_PAIRS):
        a, b = rng.randrange(n), rng.randrange(others)
        if not (is_one_set and a == b):
            yield a, b


def _same(first_values: Sequence[str], second_values: Sequence[str] | None) -> float:
    """Return the share of pairs, one value from each list, that are equal. Without a second list, pair in the first."""
    first = Counter(value for value in first_values if value)
    n = sum(first.values())
    if second_values is None:
        return sum(count * (count - 1) for count in first.values()) / max(n * (n - 1), 1)
    second = Counter(value for value in second_values if value)
    return sum(count * second[value] for value, count in first.items()) / max(n * sum(second.values()), 1)


def _shares_of(counts: Floats) -> Floats:
    smooth = counts + COUNTED * (counts == 0)
    return np.asarray(smooth / smooth.sum())


def _shares_of_known(name: Field, counts: Floats, seen: int) -> Floats:
    """Return the share of each level among known values. The unknown level gets 1, so that it counts as no evidence."""
    known = counts.copy()
    known[UNKNOWN_OF[name]] = 0.0
    known[0] += COUNTED
    floor = COUNTED / max(seen, 1)
    total = max(known.sum(), 1.0)
    shares = np.maximum(known / total, floor)
    if name is Field.NAME:  # except for swapped names, rare levels are products of shares
        shares[: NAME_LEVELS - 2] = np.maximum(known / total, floor * floor)[: NAME_LEVELS - 2]
    shares[UNKNOWN_OF[name]] = 1.0
    return np.asarray(shares)


def _maximised(
    levels: Levels, u: Mapping[Field, Sequence[float]], given: Floats, total: float
) -> tuple[dict[Kin, dict[Field, tuple[float, ...]]], dict[Kin, float]]:
    """Return the ``m`` of ``Linkage`` and the expected number of pairs of each kind, by expectation-maximisation [1]_.

    Within a household, given names and birthdays agree only as often as between strangers, and so do the given names
    of twins. These shares are fixed, because they set households and twins apart from one person. The rest is learnt.
    """
    patterns, counts = (
        np.unique(levels, axis=0, return_counts=True) if len(levels) else (levels, np.zeros(0, dtype=np.int64))
    )
    base = {name: np.asarray(u[name]) for name in FIELDS}
    prior = {kin: _expected(kin, base, given) for kin in Kin}
    m = {kin: {name: prior[kin][name].copy() for name in FIELDS} for kin in Kin}
    expected = {kin: KNOWN_SHARE * float(np.sqrt(total)) for kin in Kin}
    log_u = sum_of_logs(patterns, base)
    for _ in range(ROUNDS):
        odds = {
            kin: 2.0
            ** np.clip(sum_of_logs(patterns, m[kin]) - log_u + log2(min(expected[kin] / total, 0.5)), -100, 100)
            for kin in Kin
        }
        whole = 1.0 + sum(odds.values())
        before = expected
        expected = {}
        for kin in Kin:
            weight = counts * odds[kin] / whole
            expected[kin] = max(float(weight.sum()), 1e-3)
            for at, name in enumerate(FIELDS):
                seen: Floats = np.bincount(patterns[:, at], weight, LEVELS[name]).astype(np.float64)
                seen[UNKNOWN_OF[name]] = 0.0
                if name is Field.NAME and kin is not Kin.PERSON:
                    seen = _family_alone(seen, given)
                if name is Field.BORN and kin is not Kin.PERSON:
                    continue
                shares = (seen + PRIOR_WEIGHT * prior[kin][name]) / (seen.sum() + PRIOR_WEIGHT)
                shares[UNKNOWN_OF[name]] = 1.0
                m[kin][name] = shares
        if all(abs(expected[kin] - before[kin]) < SETTLED * before[kin] for kin in Kin):
            break
    return {kin: {name: tuple(m[kin][name].tolist()) for name in FIELDS} for kin in Kin}, expected


def _family_alone(seen: Floats, given: Floats) -> Floats:
    """Return counts of name levels. Family names are as counted, but given names are as alike as those of strangers."""
    family = seen[: NAME_LEVELS - 2].reshape(len(Alike), len(Alike)).sum(axis=0)
    levels = np.r_[np.outer(given, family).ravel(), seen[NAME_LEVELS - 2 :]]
    levels[UNKNOWN_OF[Field.NAME]] = 0.0
    return np.asarray(levels)


def sum_of_logs(patterns: Levels, shares: Mapping[Field, Floats]) -> Floats:
    """Return the base-2 logarithm of the probability of each level pattern, given the share of each level.

    Parameters
    ----------
    patterns : ndarray of uint8 of shape (n_patterns, n_fields)
    shares : mapping of Field to ndarray

    Returns
    -------
    ndarray of shape (n_patterns,)

    Examples
    --------
    >>> sum_of_logs(np.zeros((1, 7), dtype=np.uint8), {name: np.full(LEVELS[name], 0.5) for name in FIELDS}).tolist()
    [-7.0]
    """
    bits = np.zeros(len(patterns))
    for at, name in enumerate(FIELDS):
        bits += np.log2(shares[name])[patterns[:, at]]
    return bits


def _expected(kin: Kin, u: Mapping[Field, Floats], given: Floats) -> dict[Field, Floats]:
    """Return, for one kind of pair, the share of each level that is assumed before learning."""
    expected = {}
    part = np.array([0.03, 0.05, 0.05, 0.04, 0.88]) if kin is Kin.PERSON else given
    family = (
        np.array([0.03, 0.05, 0.05, 0.04, 0.88]) if kin is not Kin.HOUSEHOLD else np.array([0.4, 0.05, 0.05, 0.02, 0.5])
    )
    straight = np.outer(part / part.sum(), family / family.sum()).ravel()
    expected[Field.NAME] = np.r_[straight * 0.98, 0.01, 0.01]
    for name, top in TOP.items():
        shares = np.full(LEVELS[name], (1 - AGREES) / (LEVELS[name] - 2))
        shares[top] = AGREES
        expected[name] = shares
    if kin is Kin.HOUSEHOLD:
        expected[Field.BORN] = u[Field.BORN].copy()
        expected[Field.PHONE], expected[Field.EMAIL] = (
            np.array([0.4, 0, 0, 0, 0.6]),
            np.array([0.5, 0, 0.01, 0.01, 0.48]),
        )
    for name in FIELDS:
        expected[name][UNKNOWN_OF[name]] = 0.0
        expected[name] = np.maximum(expected[name] / expected[name].sum(), LEAST_SEEN)
        expected[name][UNKNOWN_OF[name]] = 1.0
    return expected


def _shares(left: Sequence[Identity], right: Sequence[Identity] | None) -> tuple[dict[str, float], dict[str, float]]:
    people = [*left, *(right or [])]
    shares = []
    for at in (0, 1):
        counts = Counter(person.names[at] for person in people if person.names[at])
        n = max(sum(counts.values()), 1)
        shares.append({name: count / n for name, count in counts.items()})
    return shares[0], shares[1]
