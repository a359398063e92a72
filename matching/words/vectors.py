"""The labels of a taxonomy as vectors of meaning and of words, for the order in which a finder offers concepts."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from matching.words.index import SkillIndex
from matching.words.query import Query

AT_ONCE = 4096  # labels that are compared together, so that their numbers stay in the processor's cache
FINEST = 127
Floats = NDArray[np.float32]


class Encoder(Protocol):
    """What turns texts into vectors of meaning: the token table, or a sentence model.

    Examples
    --------
    >>> class Lengths:
    ...     def encode(self, texts: Sequence[str]) -> Floats:
    ...         return np.ones((len(texts), 1), np.float32)
    >>> encoder: Encoder = Lengths()
    """

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a vector of length 1 for each text.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        ndarray of float32 of shape (n_texts, n_dimensions)
            0 for a text that the encoder knows no word of.
        """
        ...


class TwoEncoders:
    """Two encoders as one: the cosine of two texts is the mean of both cosines.

    A sentence model and the token table err on different texts: together, they order better than either.

    Parameters
    ----------
    first, second : Encoder

    Examples
    --------
    >>> from matching.words.meaning import UnitVectors, shipped
    >>> table = UnitVectors(shipped())
    >>> vectors = TwoEncoders(table, table).encode(["sew hems", "hem trousers"])
    >>> cosines = table.encode(["sew hems", "hem trousers"])
    >>> bool(np.isclose(vectors[0] @ vectors[1], cosines[0] @ cosines[1]))
    True
    """

    def __init__(self, first: Encoder, second: Encoder) -> None:
        self._encoders = (first, second)

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of some texts.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        ndarray of float32 of shape (n_texts, n_dimensions of both)
        """
        half = np.float32(np.sqrt(0.5))
        return np.hstack([encoder.encode(texts) * half for encoder in self._encoders])


class LabelVectors:
    """The vectors of all labels of an index.

    Parameters
    ----------
    index : SkillIndex
    encoder : Encoder

    Examples
    --------
    >>> from matching.words.concepts import Concept
    >>> from matching.words.meaning import UnitVectors, shipped
    >>> from matching.words.query import read
    >>> index = SkillIndex([Concept("s:1", "sew hems"), Concept("s:2", "bake bread")])
    >>> vectors = LabelVectors(index, UnitVectors(shipped()))
    >>> vectors.by_words(read(index, "sew hems")).round(3).tolist()
    [1.0, 0.0]
    """

    def __init__(self, index: SkillIndex, encoder: Encoder) -> None:
        self._encoder = encoder
        vectors = encoder.encode([label.lower() for label in index.labels])
        self._finest = FINEST / max(float(np.abs(vectors).max(initial=0.0)), 1e-9)
        self._rows = np.rint(vectors * np.float32(self._finest)).astype(np.int8)
        words = index.label_words
        places = np.repeat(np.arange(len(index.labels)), np.diff(words.start))
        weights = index.idf[words.item]
        table = sp.csr_matrix((weights, (words.item, places)), shape=(len(index.idf), len(index.labels)))
        lengths = np.sqrt(np.bincount(places, weights.astype(np.float64) ** 2, minlength=len(index.labels)))
        self._words: Any = table.multiply(1.0 / np.maximum(lengths, 1e-9)).tocsr().astype(np.float32)
        self._idf = index.idf

    def by_meaning(self, text: str) -> Floats:
        """Return how near each label is to a text in meaning.

        Parameters
        ----------
        text : str

        Returns
        -------
        ndarray of float32 of shape (n_labels,)
            Cosines from -1 to 1, to about two decimals.
        """
        vector = self._encoder.encode([text.lower()])[0] / np.float32(self._finest)
        parts = [
            self._rows[start : start + AT_ONCE].astype(np.float32) @ vector
            for start in range(0, len(self._rows), AT_ONCE)
        ]
        return np.concatenate(parts)

    def by_words(self, query: Query) -> Floats:
        """Return how alike each label is to a text by its lemmas, where a rare lemma counts more.

        Parameters
        ----------
        query : Query

        Returns
        -------
        ndarray of float32 of shape (n_labels,)
            From 0 to 1.
        """
        lemmas = np.unique([number for number in query.best if number >= 0]).astype(np.int64)
        weights = self._idf[lemmas]
        length = float(np.sqrt(weights @ weights)) or 1.0
        return np.asarray((weights / length) @ self._words[lemmas]).ravel()
