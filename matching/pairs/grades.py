"""Grades: the values of features as whole numbers, from 0 (worst) to 240 (best), and 255 for a value that is not known.

A grade is a whole number, so it is the same on every machine and in every implementation. Scores can therefore be
looked up in tables, and two implementations cannot differ by a rounding error. The number 240 was chosen because it has
many divisors, so that tenths, eighths and thirds are exact grades.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEPS = 240
UNKNOWN = 255
NEUTRAL_GRADE = STEPS // 2
THOUSAND = 1000
HUNDRED = 100
Uints = NDArray[np.uint64]
Codes = NDArray[np.uint8]
# The finaliser of SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
MIX_ONE, MIX_TWO, MIX_SHIFTS = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, (30, 27, 31)
_ALL_BITS = (1 << 64) - 1


def share(part: int, whole: int) -> int:
    """Return ``part / whole`` as a grade, rounded to the nearest grade (halves up).

    Parameters
    ----------
    part, whole : int
        ``0 <= part <= whole`` and ``whole > 0``. The result is the same on every machine, as both are whole numbers.

    Returns
    -------
    int
        0 to 240.

    Examples
    --------
    >>> share(1, 2), share(2, 3), share(5, 5)
    (120, 160, 240)
    """
    return (2 * STEPS * part + whole) // (2 * whole)


def graded(value: float) -> int:
    """Return the grade nearest to a value.

    Parameters
    ----------
    value : float
        In [0, 1].

    Returns
    -------
    int
        0 to 240.

    Examples
    --------
    >>> graded(0.4), graded(1.0)
    (96, 240)
    """
    return int(value * STEPS + 0.5)


def grades_of(X: NDArray[np.float64]) -> Codes:
    """Return the grades of a matrix of feature values.

    Parameters
    ----------
    X : ndarray
        Values in [0, 1]. NaN means not known.

    Returns
    -------
    ndarray of uint8 of the same shape

    Examples
    --------
    >>> grades_of(np.array([[0.5, np.nan]])).tolist()
    [[120, 255]]
    """
    blank = np.isnan(X)
    return np.where(blank, UNKNOWN, np.where(blank, 0.0, X) * STEPS + 0.5).astype(np.uint8)


def thousandths(likeness: float) -> int:
    """Return the likeness of two words as a whole number of thousandths.

    Parameters
    ----------
    likeness : float
        In [0, 1].

    Returns
    -------
    int

    Examples
    --------
    >>> thousandths(0.7)
    700
    """
    return int(likeness * THOUSAND + 0.5)


def weight(importance: float) -> int:
    """Return the importance of a skill as a whole number of thousandths, at least 1.

    Parameters
    ----------
    importance : float

    Returns
    -------
    int

    Examples
    --------
    >>> weight(1.0)
    1000
    """
    return max(1, int(importance * THOUSAND + 0.5))


def hundredths(hours: float) -> int:
    """Return hours as a whole number of hundredths of an hour, which is the precision of stored listings.

    Parameters
    ----------
    hours : float

    Returns
    -------
    int

    Examples
    --------
    >>> hundredths(37.5)
    3750
    """
    return int(hours * HUNDRED + 0.5)


def hash_of(text: str) -> int:
    """Return a 64-bit hash of a text. It is the same on every machine.

    Parameters
    ----------
    text : str

    Returns
    -------
    int

    Examples
    --------
    >>> hash_of("a") == hash_of("a") != hash_of("b")
    True
    """
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def mixed(bits: int) -> int:
    """Return a 64-bit number with its bits mixed, so that similar numbers give very different results.

    Parameters
    ----------
    bits : int

    Returns
    -------
    int

    Examples
    --------
    >>> mixed(1) == int(mixed_all(np.array([1], dtype=np.uint64))[0])
    True
    """
    first, second, third = MIX_SHIFTS
    bits ^= bits >> first
    bits = bits * MIX_ONE & _ALL_BITS
    bits ^= bits >> second
    bits = bits * MIX_TWO & _ALL_BITS
    return bits ^ bits >> third


def mixed_all(bits: Any) -> Uints:
    """Apply ``mixed`` to every number in an array.

    Parameters
    ----------
    bits : ndarray of uint64

    Returns
    -------
    ndarray of uint64

    Examples
    --------
    >>> mixed_all(np.zeros(2, dtype=np.uint64)).tolist()
    [0, 0]
    """
    first, second, third = (np.uint64(shift) for shift in MIX_SHIFTS)
    shuffled = np.asarray(bits, dtype=np.uint64)
    shuffled = (shuffled ^ (shuffled >> first)) * np.uint64(MIX_ONE)
    shuffled = (shuffled ^ (shuffled >> second)) * np.uint64(MIX_TWO)
    return np.asarray(shuffled ^ (shuffled >> third), dtype=np.uint64)


def list_hash(seed: str, list_key: str) -> int:
    """Return the hash from which the tie-breaks of one list on one day are computed.

    Parameters
    ----------
    seed : str
        The text that seeds the day's tie-breaks.
    list_key : str
        Key of the jobseeker or placement for which the list is made.

    Returns
    -------
    int

    Examples
    --------
    >>> list_hash("2026-11-02", "J") != list_hash("2026-11-03", "J")
    True
    """
    return mixed(hash_of(list_key) ^ hash_of(seed))
