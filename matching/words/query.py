"""Prepare a text for an index: correct its words and find their possible meanings. Then score labels and concepts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.words.index import SkillIndex
from matching.words.lexicon import Lexicon, Reading
from matching.words.postings import Postings
from matching.words.reading import grams_of, words_of

Floats = NDArray[np.float32]
IDF_OF_UNKNOWN = 5.0
SYNONYM_AT_MOST = 0.9  # A synonym always counts less than the word itself.
# The gain of a word is log(1 + scale * probability / (noise + floor)). The floor prevents division by 0.
GAIN_SCALE, NOISE_FLOOR = 4.0, 2e-4


@dataclass(frozen=True, eq=False)
class Query:
    """A text, prepared for comparison with an index.

    Parameters
    ----------
    plain, ordered : str
        The words as written, and the corrected words in alphabetical order.
    words : list of str
        The corrected words.
    readings : list of Reading
        The possible meanings of each word.
    known, near : ndarray of float32 of shape (n_words, n_lemmas)
        The probability that each word means each lemma: ``known`` ignores synonyms and ``near`` includes them.
    idf, noise : ndarray of float32 of shape (n_words,)
        How rare each word is, and its share of all words in labels.
    sources : list of (ndarray of int, ndarray of float32)
        For each word, the lemmas that it may replace as a synonym, and their probabilities.
    grams : ndarray of int
        The n-grams of the text that occur in labels.

    Examples
    --------
    >>> from matching.words.concepts import Concept
    >>> read(SkillIndex([Concept("s:1", "sew hems")]), "Hems!").words
    ['hems']
    """

    plain: str
    ordered: str
    words: list[str]
    readings: list[Reading]
    known: Floats
    near: Floats
    idf: Floats
    noise: Floats
    sources: list[tuple[NDArray[np.int64], Floats]]
    grams: NDArray[np.int64]

    @property
    def best(self) -> list[int]:
        """The number of the likeliest lemma of each word, or -1 if the word has no lemma."""
        return [reading.lemmas[0] if reading.lemmas else -1 for reading in self.readings]

    def mended(self, lexicon: Lexicon) -> str:
        """Return the text with each word that occurs in no label replaced by the likeliest word that does.

        Parameters
        ----------
        lexicon : Lexicon
            The lexicon with which the text was read.

        Returns
        -------
        str
            A word stays as it was written if no word of the lexicon is like it.
        """
        known = [reading.known or not reading.lemmas for reading in self.readings]
        best = [lexicon.lemmas[number] if number >= 0 else "" for number in self.best]
        return " ".join(w if is_known else b for w, is_known, b in zip(self.words, known, best, strict=True))

    @property
    def n_unknown(self) -> int:
        """The number of words that occur in no label."""
        return sum(not reading.known for reading in self.readings)


def read(index: SkillIndex, text: str) -> Query:
    """Prepare a text for comparison with an index.

    Parameters
    ----------
    index : SkillIndex
    text : str
        Any text.

    Returns
    -------
    Query
        It has no words, or no n-grams, if nothing in the text can be compared with labels.

    Examples
    --------
    >>> from matching.words.concepts import Concept
    >>> read(SkillIndex([Concept("s:1", "sew hems")]), "sew hmes").n_unknown
    1
    """
    written = words_of(text)
    words = index.lexicon.mend(written)
    readings = [index.lexicon.read(word) for word in words]
    known = np.zeros((len(words), len(index.idf)), np.float32)
    near = np.zeros_like(known)
    idf = np.full(len(words), IDF_OF_UNKNOWN, np.float32)
    noise = np.zeros(len(words), np.float32)
    sources: list[tuple[NDArray[np.int64], Floats]] = []
    for i, reading in enumerate(readings):
        lemmas, weights = np.array(reading.lemmas, np.int64), np.array(reading.weights, np.float32)
        known[i, lemmas] = near[i, lemmas] = weights
        if len(lemmas) and weights.sum() > 0:
            idf[i] = index.idf[lemmas] @ weights / weights.sum()
            noise[i] = index.noise[lemmas] @ weights / weights.sum()
        places, lengths = index.translations.spans(lemmas)
        source, given = index.translations.item[places].astype(np.int64), index.translations.weight[places]
        share = weights / max(1.0, float(weights.sum()))
        sources.append((source, (given * np.repeat(share, lengths)).astype(np.float32)))
        np.maximum.at(near[i], source, np.minimum(np.sqrt(given), SYNONYM_AT_MOST) * np.repeat(weights, lengths))
    numbers = [index.gram_number[gram] for gram in grams_of(written) if gram in index.gram_number]
    grams = np.array(numbers, np.int64)
    return Query(" ".join(written), " ".join(sorted(words)), words, readings, known, near, idf, noise, sources, grams)


def label_scores(index: SkillIndex, query: Query) -> NDArray[np.float64]:
    """Return, for every label, the cosine similarity of its n-grams and those of a text.

    Parameters
    ----------
    index : SkillIndex
    query : Query

    Returns
    -------
    ndarray of shape (n_labels,)

    Examples
    --------
    >>> from matching.words.concepts import Concept
    >>> index = SkillIndex([Concept("s:1", "sew hems"), Concept("s:2", "bake bread")])
    >>> label_scores(index, read(index, "sew hems")).round(3)
    array([1., 0.])
    """
    if not len(query.grams):
        return np.zeros(len(index.labels))
    grams, times = np.unique(query.grams, return_counts=True)
    weight = (1 + np.log(times)) * index.gram_idf[grams]
    weight /= np.sqrt(float(weight @ weight))
    return _summed(index.gram_labels, grams, weight, len(index.labels))


def word_gains(index: SkillIndex, query: Query) -> NDArray[np.float64]:
    """Return how strongly each word of a text indicates each concept.

    Parameters
    ----------
    index : SkillIndex
    query : Query

    Returns
    -------
    ndarray of shape (n_words, n_concepts)
        log(1 + ratio), which is at least 0. The ratio is the word's probability given the concept, divided by its share
        of all words in labels, and scaled.

    Examples
    --------
    >>> from matching.words.concepts import Concept
    >>> index = SkillIndex([Concept("s:1", "sew hems"), Concept("s:2", "bake bread")])
    >>> bool(np.all(word_gains(index, read(index, "quilt")) == 0))
    True
    """
    gains = np.zeros((len(query.sources), len(index.concepts)))
    for i, (source, chance) in enumerate(query.sources):
        given = _summed(index.word_concepts, source, chance, len(index.concepts))
        gains[i] = np.log1p(given * (GAIN_SCALE / (float(query.noise[i]) + NOISE_FLOOR)))
    return gains


def _summed(postings: Postings, rows: NDArray[np.int64], weight: NDArray[Any], n_items: int) -> NDArray[np.float64]:
    """Return, for each item, the sum of its weights in some rows. Each row is multiplied by a weight of its own."""
    places, lengths = postings.spans(rows)
    entries = postings.weight[places] * np.repeat(weight, lengths)
    return np.bincount(postings.item[places], entries, minlength=n_items).astype(np.float64)
