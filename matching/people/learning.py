"""Learning how much each field tells, from records without labels: u from random pairs, m by expectation-maximisation.

References
----------
.. [1] Winkler, "Using the EM algorithm for weight computation in the Fellegi-Sunter model of record linkage", U.S.
   Bureau of the Census, 2000.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.people.compare import COMPARE, FIELDS, LEVELS, NAME_LEVELS, Born, Field, Postcode, Text, compare, parts_of
from matching.people.identity import Identity, keys_of
from matching.people.linkage import LEAST_SHARE, UNKNOWN_OF, Kin, Linkage
from matching.people.names import Alike

Floats = NDArray[np.float64]
Levels = NDArray[np.uint8]
RANDOM_PAIRS = 50_000
ROUNDS = 200
SETTLED = 1e-6
# A key that so many records share compares none of them: it tells little, and its pairs grow with their square.
MOST_OF_A_KEY = 200
COUNTED = 0.5  # what an unseen level counts as, so that nothing is impossible
# Of records of one person, before any was seen: mostly the same, some slips.
AGREES, KNOWN_SHARE = 0.9, 0.1
PRIOR_WEIGHT = 20.0
READ: dict[Field, tuple[int, Callable[[Identity], str]]] = {
    Field.BORN: (Born.SAME, lambda who: who.day),
    Field.POSTCODE: (Postcode.UNIT, lambda who: who.postcode),
    Field.STREET: (Text.SAME, lambda who: who.address),
    Field.TOWN: (Text.SAME, lambda who: who.place),
    Field.PHONE: (Text.SAME, lambda who: who.phone),
    Field.EMAIL: (Text.SAME, lambda who: who.email),
}
TOP = {name: level for name, (level, _) in READ.items()}
LEAST_SEEN = 1e-4


def pairs_of(left: Sequence[Identity], right: Sequence[Identity] | None = None) -> list[tuple[int, int]]:
    """Return the pairs that share a key: of one set with itself, or of two sets.

    Parameters
    ----------
    left : sequence of Identity
    right : sequence of Identity or None

    Returns
    -------
    list of (int, int)
        Each pair once; within one set the first is the smaller.

    Examples
    --------
    >>> one = Identity("1", phone="+447700900123")
    >>> pairs_of([one, one]), pairs_of([one], [one])
    ([(0, 1)], [(0, 0)])
    """
    groups = _by_key(left if right is None else right)
    found: set[tuple[int, int]] = set()
    if right is None:
        for members in groups.values():
            if len(members) <= MOST_OF_A_KEY:
                found |= {(a, b) for at, a in enumerate(members) for b in members[at + 1 :]}
        return sorted(found)
    for at, who in enumerate(left):
        for key in keys_of(who):
            members = groups.get(key, [])
            if len(members) <= MOST_OF_A_KEY:
                found |= {(at, other) for other in members}
    return sorted(found)


def _by_key(people: Sequence[Identity]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for at, who in enumerate(people):
        for key in keys_of(who):
            groups[key].append(at)
    return groups


def learn(
    left: Sequence[Identity],
    right: Sequence[Identity] | None = None,
    pairs: Sequence[tuple[int, int]] | None = None,
    *,
    seed: int = 0,
    manifest: Mapping[str, object] | None = None,
) -> tuple[Linkage, Levels]:
    """Learn parameters from records of which nobody said who is who.

    Parameters
    ----------
    left : sequence of Identity
    right : sequence of Identity or None
        The other set; None for duplicates within one.
    pairs : sequence of (int, int) or None
        Those to look at; those that share a key where None.
    seed : int
    manifest : mapping or None

    Returns
    -------
    tuple of (Linkage, ndarray of uint8 of shape (n_pairs, n_fields))
        And the levels of the pairs.

    Notes
    -----
    The prior is that of a random pair, not of one that shares a key: inside the keys strangers are far more alike than
    at random, and a prior taken there makes every alike stranger a match. It is learnt as the matches that are expected
    among the pairs over all the pairs there could be.
    """
    others = left if right is None else right
    asked = pairs_of(left, right) if pairs is None else list(pairs)
    levels = np.array([compare(left[a], others[b]) for a, b in asked], dtype=np.uint8).reshape(len(asked), len(FIELDS))
    u, given = _at_random(left, right, random.Random(seed))  # noqa: S311 - a sample, no secret
    total = len(left) * len(others) if right is not None else len(left) * (len(left) - 1) / 2
    m, expected = _maximised(levels, u, given, float(max(total, 1)))
    names = _shares(left, right)
    usual: Any = tuple(
        max(
            _same([who.names[at] for who in left], [who.names[at] for who in others] if right is not None else None),
            LEAST_SHARE,
        )
        for at in (0, 1)
    )
    # A pair is found from either end of one set, and from one end of two.
    ends = 1 if right is not None else 2
    shares = {kin: ends * expected[kin] / max(len(left), 1) for kin in Kin}
    return Linkage(m, u, shares, usual, *names, manifest=dict(manifest or {})), levels


def _at_random(
    left: Sequence[Identity], right: Sequence[Identity] | None, drawn: random.Random
) -> tuple[dict[Field, tuple[float, ...]], Floats]:
    """Return how often each level is seen between two people drawn at random, and each likeness of given names."""
    others = left if right is None else right
    counts = {name: np.zeros(LEVELS[name]) for name in FIELDS}
    given, family = np.zeros(len(Alike)), np.zeros(len(Alike))
    seen = 0
    for a, b in _drawn(len(left), len(others), is_one_set=right is None, drawn=drawn):
        one, other = left[a], others[b]
        for name in FIELDS:
            counts[name][COMPARE[name](one, other)] += 1
        parts = parts_of(COMPARE[Field.NAME](one, other))
        if parts is not None:
            given[parts[0]] += 1
            family[parts[1]] += 1
        seen += 1
    # Given and family names of two strangers are alike independently of each other, so rare levels need not be seen.
    straight = counts[Field.NAME][: NAME_LEVELS - 2].sum()
    for part, at in ((given, 0), (family, 1)):
        same = _same([who.names[at] for who in left], [who.names[at] for who in others] if right is not None else None)
        known = part.sum() - part[Alike.UNKNOWN]
        part[Alike.SAME] = same * known
    both = np.outer(_shares_of(given), _shares_of(family)).ravel() * straight
    counts[Field.NAME] = np.r_[both, counts[Field.NAME][NAME_LEVELS - 2 :]]
    for name, (level, read) in READ.items():
        same = _same([read(who) for who in left], [read(who) for who in others] if right is not None else None)
        known = counts[name].sum() - counts[name][UNKNOWN_OF[name]]
        counts[name][level] = same * known
    return {name: tuple(_shares_of_known(name, counts[name], seen).tolist()) for name in FIELDS}, _shares_of(given)


def _drawn(n: int, others: int, *, is_one_set: bool, drawn: random.Random) -> Iterator[tuple[int, int]]:
    if min(n, others) < 2:  # noqa: PLR2004 - one record has no other
        return
    for _ in range(RANDOM_PAIRS):
        a, b = drawn.randrange(n), drawn.randrange(others)
        if not (is_one_set and a == b):
            yield a, b


def _same(ours: Sequence[str], theirs: Sequence[str] | None) -> float:
    """Return how often two drawn at random have the same, of those where both are known; counted, not sampled."""
    one = Counter(value for value in ours if value)
    n = sum(one.values())
    if theirs is None:
        return sum(count * (count - 1) for count in one.values()) / max(n * (n - 1), 1)
    other = Counter(value for value in theirs if value)
    return sum(count * other[value] for value, count in one.items()) / max(n * sum(other.values()), 1)


def _shares_of(counts: Floats) -> Floats:
    smooth = counts + COUNTED * (counts == 0)
    return np.asarray(smooth / smooth.sum())


def _shares_of_known(name: Field, counts: Floats, seen: int) -> Floats:
    """Return the shares among what is known; what is not known stands as it is and tells nothing."""
    known = counts.copy()
    known[UNKNOWN_OF[name]] = 0.0
    known[0] += COUNTED
    floor = COUNTED / max(seen, 1)
    total = max(known.sum(), 1.0)
    shares = np.maximum(known / total, floor)
    if name is Field.NAME:  # but for names turned round, rare levels are products and need not be seen
        shares[: NAME_LEVELS - 2] = np.maximum(known / total, floor * floor)[: NAME_LEVELS - 2]
    shares[UNKNOWN_OF[name]] = 1.0
    return np.asarray(shares)


def _maximised(
    levels: Levels, u: Mapping[Field, Sequence[float]], given: Floats, total: float
) -> tuple[dict[Kin, dict[Field, tuple[float, ...]]], dict[Kin, float]]:
    """Return m of each kind and how many pairs of it are expected, by expectation-maximisation over patterns [1]_.

    A household is told from one person by what cannot be shared: its given names and birthdays are those of strangers,
    and so are the given names of twins. That is fixed; the rest is learnt.
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
    """Return levels of names as seen in a household: family names as they were, given names as of strangers."""
    family = seen[: NAME_LEVELS - 2].reshape(len(Alike), len(Alike)).sum(axis=0)
    told = np.r_[np.outer(given, family).ravel(), seen[NAME_LEVELS - 2 :]]
    told[UNKNOWN_OF[Field.NAME]] = 0.0
    return np.asarray(told)


def sum_of_logs(patterns: Levels, shares: Mapping[Field, Floats]) -> Floats:
    """Return the bits of each pattern of levels under some shares.

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
    found = np.zeros(len(patterns))
    for at, name in enumerate(FIELDS):
        found += np.log2(shares[name])[patterns[:, at]]
    return found


def _expected(kin: Kin, u: Mapping[Field, Floats], given: Floats) -> dict[Field, Floats]:
    """Return what is expected of a kind before any pair was seen."""
    found = {}
    part = np.array([0.03, 0.05, 0.05, 0.04, 0.88]) if kin is Kin.PERSON else given
    family = (
        np.array([0.03, 0.05, 0.05, 0.04, 0.88]) if kin is not Kin.HOUSEHOLD else np.array([0.4, 0.05, 0.05, 0.02, 0.5])
    )
    straight = np.outer(part / part.sum(), family / family.sum()).ravel()
    found[Field.NAME] = np.r_[straight * 0.98, 0.01, 0.01]
    for name, top in TOP.items():
        shares = np.full(LEVELS[name], (1 - AGREES) / (LEVELS[name] - 2))
        shares[top] = AGREES
        found[name] = shares
    if kin is Kin.HOUSEHOLD:
        found[Field.BORN] = u[Field.BORN].copy()
        found[Field.PHONE], found[Field.EMAIL] = np.array([0.4, 0, 0, 0, 0.6]), np.array([0.5, 0, 0.01, 0.01, 0.48])
    for name in FIELDS:
        found[name][UNKNOWN_OF[name]] = 0.0
        found[name] = np.maximum(found[name] / found[name].sum(), LEAST_SEEN)
        found[name][UNKNOWN_OF[name]] = 1.0
    return found


def _shares(left: Sequence[Identity], right: Sequence[Identity] | None) -> tuple[dict[str, float], dict[str, float]]:
    people = [*left, *(right or [])]
    found = []
    for at in (0, 1):
        counts = Counter(who.names[at] for who in people if who.names[at])
        n = max(sum(counts.values()), 1)
        found.append({name: count / n for name, count in counts.items()})
    return found[0], found[1]
