"""What many listings say of their surroundings, as columns, so that one wish is compared with all of them at once."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matching.pairs.grades import UNKNOWN
from matching.pairs.surroundings import (
    BEST,
    NOT_KNOWN,
    REFUSED,
    RULED_OUT,
    SHOWN,
    SOMETHING_ELSE,
    WORST,
    Avoided,
    ListingRead,
    WantedSurroundings,
    is_fine_only,
    mentions,
)

WORD = 64  # bits
Bools = NDArray[np.bool_]
Codes = NDArray[np.uint8]


class ListingColumns:
    """The readings of some listings as columns.

    Parameters
    ----------
    listings : sequence of ListingRead

    Examples
    --------
    >>> columns = ListingColumns([ListingRead(0b1, 0, " busy ", frozenset(), None)])
    >>> columns.avoided(Avoided("noise", (0b1,), frozenset(), (), False, (0b1,))).tolist()
    [1]
    """

    def __init__(self, listings: Sequence[ListingRead]) -> None:
        self._count = len(listings)
        most = max((max(one.shown, one.ruled_out, one.doubtful) for one in listings), default=0)
        self._n_words = most.bit_length() // WORD + 1
        self._shown = self._columns([one.shown for one in listings])
        self._shown_or_doubtful = self._columns([one.shown | one.doubtful for one in listings])
        self._ruled_out = self._columns([one.ruled_out for one in listings])
        self._texts = [one.text for one in listings]
        self._has_kinds = np.array([bool(one.kinds) for one in listings], dtype=np.bool_)
        self._is_described = np.array([bool(one.environment) for one in listings], dtype=np.bool_)
        self._of_kind: dict[str, list[int]] = defaultdict(list)
        self._of_word: dict[str, list[int]] = defaultdict(list)
        for row, one in enumerate(listings):
            for kind in one.kinds:
                self._of_kind[kind].append(row)
            for word in one.environment or ():
                self._of_word[word].append(row)

    def _columns(self, bits: Sequence[int]) -> NDArray[np.uint64]:
        size = self._n_words * WORD // 8
        packed = b"".join(each.to_bytes(size, "little") for each in bits)
        return np.frombuffer(packed, dtype="<u8").reshape(self._count, self._n_words)

    def _any(self, columns: NDArray[np.uint64], bits: int) -> Bools:
        """Return which listings have one of some bits."""
        found = np.zeros(self._count, dtype=np.bool_)
        for word in range(min(self._n_words, bits.bit_length() // WORD + 1)):
            part = bits >> WORD * word & (1 << WORD) - 1
            if part:
                found |= (columns[:, word] & np.uint64(part)) != 0
        return found

    def _most(self, columns: NDArray[np.uint64], bits: int) -> Bools:
        """Return which listings have more than half of some bits."""
        found = np.zeros(self._count, dtype=np.int64)
        for word in range(self._n_words):
            part = np.uint64(bits >> WORD * word & (1 << WORD) - 1)
            found += np.bitwise_count(columns[:, word] & part)
        return np.asarray(2 * found > bits.bit_count())

    def avoided(self, avoid: Avoided) -> Codes:
        """Return what ``avoided_answer`` gives for every listing.

        Parameters
        ----------
        avoid : Avoided

        Returns
        -------
        ndarray of uint8 of shape (n_listings,)
        """
        is_shown = np.zeros(self._count, dtype=np.bool_)
        for named in avoid.named:
            is_shown |= self._any(self._shown_or_doubtful if avoid.is_never else self._shown, named)
        for kind in avoid.kinds:
            is_shown[self._of_kind.get(kind, [])] = True
        if avoid.stems:
            is_shown |= np.array([mentions(text, avoid.stems) for text in self._texts], dtype=np.bool_)
        if avoid.named:
            is_ruled_out = np.ones(self._count, dtype=np.bool_)
            for named in avoid.widely_named:
                is_ruled_out &= self._most(self._ruled_out, named)
        else:
            is_ruled_out = self._has_kinds & bool(avoid.kinds)
        otherwise = np.where(is_ruled_out, RULED_OUT, NOT_KNOWN)
        return np.where(is_shown, REFUSED if avoid.is_never else SHOWN, otherwise).astype(np.uint8)

    def surroundings(self, wishes: Sequence[WantedSurroundings]) -> Codes:
        """Return what ``surroundings_grade`` gives for every listing.

        Parameters
        ----------
        wishes : sequence of WantedSurroundings

        Returns
        -------
        ndarray of uint8 of shape (n_listings,)
        """
        is_met, is_opposed = np.zeros(self._count, dtype=np.bool_), np.zeros(self._count, dtype=np.bool_)
        for wish in wishes:
            opposed = np.zeros(self._count, dtype=np.bool_)
            if not is_fine_only(wish):
                opposed = self._any(self._shown, wish.free_of) | self._any(self._ruled_out, wish.conditions)
            met = self._any(self._shown, wish.conditions) | self._any(self._ruled_out, wish.free_of)
            met[self._of_word.get(wish.key, [])] = True
            is_opposed |= opposed
            is_met |= met & ~opposed
        otherwise = np.where(self._is_described, SOMETHING_ELSE, UNKNOWN)
        return np.where(is_opposed, WORST, np.where(is_met, BEST, otherwise)).astype(np.uint8)
