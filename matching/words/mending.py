"""Correct slips of the finger in everyday phrases, by the words of a vocabulary."""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

import simplemma
from rapidfuzz import process
from rapidfuzz.distance import OSA

from matching.words.phrases import plain

WORD = re.compile(r"[a-z']+")
SHORTEST_MENDED, TWO_SLIPS_FROM = 5, 8  # letters


class Mender:
    """Replaces a word that is neither English nor in the vocabulary by the one word of the vocabulary that is near it.

    Parameters
    ----------
    texts : iterable of str
        The phrases of the vocabulary.

    Examples
    --------
    >>> Mender(["gardening", "help at a library"]).mend("Gardning at the libary")
    'gardening at the library'
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._words = {word for text in texts for word in WORD.findall(plain(text))}
        by_first: dict[str, list[str]] = defaultdict(list)
        for word in sorted(self._words):
            if len(word) >= SHORTEST_MENDED:
                by_first[word[0]].append(word)
        self._by_first = by_first
        self.word = lru_cache(maxsize=100_000)(self._mended)

    def knows(self, word: str) -> bool:
        """Return whether a word in lower case is one of the vocabulary.

        Parameters
        ----------
        word : str

        Returns
        -------
        bool
        """
        return word in self._words

    def mend(self, text: str) -> str:
        """Return a text in lower case, with its slips corrected.

        Parameters
        ----------
        text : str

        Returns
        -------
        str
        """
        return WORD.sub(lambda match: self.word(match.group()), plain(text))

    def _mended(self, word: str) -> str:
        if len(word) < SHORTEST_MENDED or word in self._words or simplemma.is_known(word, lang="en"):
            return word
        slips = 1 if len(word) < TWO_SLIPS_FROM else 2
        near = process.extract(word, self._by_first.get(word[0], ()), scorer=OSA.distance, score_cutoff=slips, limit=2)
        if not near or (len(near) > 1 and near[0][1] == near[1][1] and near[0][1] > 1):
            return word  # nothing is near, or two words are as near: guess neither
        return str(near[0][0])
