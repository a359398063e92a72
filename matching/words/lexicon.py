"""The words of a taxonomy's labels, and the correction of words that are in no label."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler

from matching.words.reading import lemma_of, words_of

# The constants below were chosen on held-out labels of ESCO. No benchmark contains any of these labels.
MOST_MEANINGS = 5
SAME_LEMMA = 0.9
OF_SLIPS = (1.0, 0.85, 0.5)  # the probability that a word is meant that differs by 0, 1 or 2 typing mistakes
SURE = 0.95
FAR = 0.6
FAR_CUTOFF = 0.87
SHORTEST_MENDED, SHORTEST_TWO_SLIPS, SHORTEST_SPLIT = 3, 5, 5
TINY_PIECE, COMMON_PIECE = 2, 50


@dataclass(frozen=True, slots=True)
class Reading:
    """The possible meanings of a written word.

    Parameters
    ----------
    lemmas : list of int
        The numbers of the lemmas, the likeliest first.
    weights : list of float
        The probability of each lemma, in [0, 1].
    known : bool
        Whether a label contains the word as it is written.

    Examples
    --------
    >>> Reading([3], [1.0], True).known
    True
    """

    lemmas: list[int]
    weights: list[float]
    known: bool


class Lexicon:
    """The words and lemmas of some labels.

    Parameters
    ----------
    labels : iterable of str

    Attributes
    ----------
    words : list of str
        The words of the labels, in alphabetical order.
    count : Counter of str
        How often each word occurs in the labels.
    lemmas : list of str
        The lemmas, in alphabetical order. A lemma's number is its position in this list.
    word_lemma : dict of str to int
        The number of each word's lemma.

    Examples
    --------
    >>> lexicon = Lexicon(["clean windows", "wash dishes"])
    >>> lexicon.mend(["clean", "win", "dows"])
    ['clean', 'windows']
    >>> [lexicon.lemmas[i] for i in lexicon.read("widnows").lemmas]
    ['window']
    """

    def __init__(self, labels: Iterable[str]) -> None:
        self.count: Counter[str] = Counter()
        for label in labels:
            self.count.update(words_of(label))
        self.words = sorted(self.count)
        lemmas = [lemma_of(word) for word in self.words]
        self.lemmas = sorted(set(lemmas))
        self.lemma_number = {lemma: i for i, lemma in enumerate(self.lemmas)}
        self.word_lemma = {w: self.lemma_number[m] for w, m in zip(self.words, lemmas, strict=True)}
        of_length: dict[int, list[str]] = {}
        for word in self.words:
            of_length.setdefault(len(word), []).append(word)
        # Two mistakes change the length of a word by at most two letters, so only words of these lengths are compared.
        self._near = {
            size: [w for n in range(size - 2, size + 3) for w in of_length.get(n, ())]
            for size in range(1, max(of_length, default=1) + 3)
        }

    def numbers(self, label: str) -> list[int]:
        """Return the lemma numbers of a label, which must be one of the labels of this lexicon.

        Parameters
        ----------
        label : str

        Returns
        -------
        list of int
        """
        return [self.word_lemma[word] for word in words_of(label)]

    def mend(self, words: list[str]) -> list[str]:
        """Correct the spaces between words: spaces that are missing, unnecessary or one letter out of place.

        Parameters
        ----------
        words : list of str

        Returns
        -------
        list of str
        """
        return [piece for word in self._rejoined(words) for piece in self._split(word)]

    def _rejoined(self, words: list[str]) -> list[str]:
        out: list[str] = []
        for word in words:
            before = out[-1] if out else ""
            if not before or (word in self.count and before in self.count):
                out.append(word)
                continue
            ways = ([before + word], [before + word[0], word[1:]], [before[:-1], before[-1] + word])
            good = [way for way in ways if all(piece in self.count for piece in way)]
            if good:
                out[-1:] = max(good, key=lambda way: min(self.count[piece] for piece in way))
            else:
                out.append(word)
        return out

    def _split(self, word: str) -> list[str]:
        if word in self.count or len(word) < SHORTEST_SPLIT:
            return [word]
        best, score = [word], 2.0
        for i in range(1, len(word)):
            left, right = word[:i], word[i:]
            rarer = min(self.count.get(left, 0), self.count.get(right, 0))
            if rarer > score and (min(i, len(word) - i) > TINY_PIECE or rarer > COMMON_PIECE):
                best, score = [left, right], rarer
        return best

    def read(self, word: str) -> Reading:
        """Return the lemmas that a word may mean.

        Parameters
        ----------
        word : str

        Returns
        -------
        Reading
            Its lists are empty if no word of the lexicon is similar.
        """
        if word in self.word_lemma:
            return Reading([self.word_lemma[word]], [1.0], known=True)
        weight_of: dict[int, float] = {}
        lemma = lemma_of(word)
        if lemma in self.lemma_number:
            weight_of[self.lemma_number[lemma]] = SAME_LEMMA
        for other, weight in self._similar(word):
            key = self.word_lemma[other]
            weight_of[key] = max(weight_of.get(key, 0.0), weight)
        top = sorted(weight_of.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_MEANINGS]
        return Reading([key for key, _ in top], [weight for _, weight in top], known=False)

    def _similar(self, word: str) -> list[tuple[str, float]]:
        if len(word) < SHORTEST_MENDED:
            return []
        slips = 1 if len(word) < SHORTEST_TWO_SLIPS else 2
        pool = self._near.get(len(word), [])
        similar: list[tuple[str, float]] = []
        for other, distance, _ in process.extract(word, pool, scorer=OSA.distance, score_cutoff=slips, limit=12):
            commonness = 1.0 + math.log(1 + self.count[other]) / 40
            near = JaroWinkler.similarity(word, other)
            similar.append((other, min(SURE, OF_SLIPS[int(distance)] * near * commonness)))
        if not similar:
            scorer = JaroWinkler.similarity
            best = process.extract(word, self.words, scorer=scorer, score_cutoff=FAR_CUTOFF, limit=4)
            similar = [(other, FAR * near) for other, near, _ in best]
        return similar
