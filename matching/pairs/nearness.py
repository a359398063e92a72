"""How near two phrases are, by the concepts that each of them is like: a profile of concepts for each phrase.

A phrase need not be a label of the vocabulary. It is compared by meaning with every label, and its profile has a weight
for each concept whose labels are like it. Two phrases are near if their profiles are, where neighbouring concepts count
in part. This tells more than the likeness of the two phrases alone: "pulling pints" and "pulling pallets" share a word
but no concept. All weights are whole numbers, so a nearness is the same on every machine.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from matching.pairs.grades import THOUSAND

Ints = NDArray[np.int64]
# A label whose likeness to a phrase is at most this many thousandths says nothing. Above it, the weight of its concept
# rises with the cube, so that the few best labels decide.
FLOOR = 350
WEIGHT_OF = (
    np.floor(THOUSAND * (np.clip(np.arange(THOUSAND + 1) - FLOOR, 0, None) / (THOUSAND - FLOOR)) ** 3 + 0.5)
).astype(np.int64)
TENTHS = 10
MOST_REMEMBERED = 20_000  # texts
AT_ONCE = 128  # phrases that are compared with all labels together


class Meaning(Protocol):
    """What compares phrases by meaning, such as the token table."""

    def encode(self, texts: Iterable[str]) -> NDArray[np.int16]:
        """Return a vector for each text."""
        ...

    def products(self, lefts: NDArray[Any], rights: NDArray[Any]) -> NDArray[np.float32]:
        """Return the product of each left vector with each right vector: a whole number that rises with nearness."""
        ...

    def thousandths(self, products: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the likeness that belongs to each product."""
        ...


class Label(NamedTuple):
    """A label of a concept, and the share of the concept that it shows, in tenths."""

    text: str
    concept: int
    tenths: int = TENTHS


class LabelStack:
    """The labels of numbered concepts, as vectors that phrases are compared with.

    Parameters
    ----------
    labels : sequence of Label
        In any order. Every concept from 0 to ``n_concepts - 1`` that has no label is like no phrase.
    n_concepts : int
    meaning : Meaning
    """

    def __init__(self, labels: Sequence[Label], n_concepts: int, meaning: Meaning) -> None:
        # Labels of one concept that show the same share of it stand together, so that one maximum is taken of them.
        inorder = sorted(labels, key=lambda label: (label.concept, label.tenths))
        self._meaning = meaning
        self._vectors = meaning.encode(label.text for label in inorder).astype(np.float32)
        groups = np.array([(label.concept, label.tenths) for label in inorder], dtype=np.int64).reshape(-1, 2)
        changes = np.flatnonzero(np.diff(groups, axis=0).any(axis=1)) + 1
        self._group_starts = np.concatenate([[0], changes]) if len(groups) else np.zeros(0, dtype=np.int64)
        self._tenths = groups[self._group_starts, 1].astype(np.int32)
        self._concepts, self._starts = np.unique(groups[self._group_starts, 0], return_index=True)
        self._n_concepts = n_concepts
        # For each text, the concepts that it is like and their weights: the same phrases come again and again.
        self._remembered: dict[str, tuple[NDArray[np.intp], Ints]] = {}

    def weights(self, texts: Sequence[str]) -> Ints:
        """Return the weight of each concept for each text.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        ndarray of int64 of shape (n_texts, n_concepts)
            From 0 to 1,000.
        """
        found = np.zeros((len(texts), self._n_concepts), dtype=np.int64)
        if not len(self._concepts):
            return found
        known = self._remembered
        if len(known) > MOST_REMEMBERED:
            known = self._remembered = {}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        for start in range(0, len(new), AT_ONCE):
            part = new[start : start + AT_ONCE]
            for text, weights in zip(part, self._compared(part), strict=True):
                columns = np.flatnonzero(weights)
                known[text] = (self._concepts[columns], weights[columns])
        for row, text in enumerate(texts):
            columns, values = known[text]
            found[row, columns] = values
        return found

    def _compared(self, texts: Sequence[str]) -> Ints:
        """Compare texts with all labels, and return their weights for the concepts that have labels."""
        products = self._meaning.products(self._meaning.encode(texts), self._vectors)
        by_group = self._meaning.thousandths(np.maximum.reduceat(products, self._group_starts, axis=1))
        return np.asarray(WEIGHT_OF[np.maximum.reduceat(by_group * self._tenths // TENTHS, self._starts, axis=1)])


class Profiles(NamedTuple):
    """The profiles of some phrases, and the length of each."""

    weights: Any
    lengths: NDArray[np.float64]


class Neighbourhood:
    """Concepts and how near two of them are.

    Parameters
    ----------
    concepts : iterable of str
    near : mapping of (str, str) to float
        For two concepts, from 0 to 1. Pairs of other concepts are left out. If the two directions differ, the greater
        value counts for both.

    Examples
    --------
    >>> near = Neighbourhood(["cook", "bake", "weld"], {("cook", "bake"): 0.5})
    >>> right = near.profiles(np.array([[0, 1000, 0], [0, 0, 1000]]))
    >>> near.likeness(np.array([[1000, 0, 0]]), right).tolist()
    [[500, 0]]
    """

    def __init__(self, concepts: Iterable[str], near: Mapping[tuple[str, str], float]) -> None:
        self.number = {concept: number for number, concept in enumerate(dict.fromkeys(concepts))}
        n = len(self.number)
        tenths = np.zeros((n, n), dtype=np.float64)
        for (first, second), credit in near.items():
            if first in self.number and second in self.number:
                a, b = self.number[first], self.number[second]
                tenths[a, b] = tenths[b, a] = max(tenths[a, b], round(TENTHS * credit))
        np.fill_diagonal(tenths, TENTHS)
        self._tenths = sp.csr_matrix(tenths)

    def profiles(self, weights: Ints) -> Profiles:
        """Return profiles from the weights of concepts.

        Parameters
        ----------
        weights : ndarray of int64 of shape (n_phrases, n_concepts)

        Returns
        -------
        Profiles
        """
        return Profiles(sp.csr_matrix(weights.astype(np.float64)), self._spread(weights)[1])

    def _spread(self, weights: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weights with the part of each that its neighbours get, and the length of each profile."""
        own = weights.astype(np.float64)
        spread = (self._tenths @ own.T).T  # near is the same in both directions
        return spread, np.sqrt((own * spread).sum(axis=1))

    def likeness(self, lefts: Ints, rights: Profiles) -> Ints:
        """Return how near each left phrase is to each right phrase.

        Parameters
        ----------
        lefts : ndarray of int64 of shape (n_lefts, n_concepts)
            The weights of concepts.
        rights : Profiles

        Returns
        -------
        ndarray of int64 of shape (n_lefts, n_rights)
            In thousandths. 0 if a phrase is like no concept.
        """
        spread, lengths_of_lefts = self._spread(lefts)
        products = (rights.weights @ spread.T).T  # a sparse table times a dense one: a third of the time of two sparse
        lengths = np.maximum(np.outer(lengths_of_lefts, rights.lengths), 1.0)
        return np.asarray(np.minimum(np.floor(THOUSAND * products / lengths + 0.5), THOUSAND).astype(np.int64))
