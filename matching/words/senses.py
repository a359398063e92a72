"""Vectors of words and concepts in one space. Words used alike have close vectors (latent semantic analysis)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from matching.words.postings import Postings

N_DIMENSIONS = 100
OF_LABELS, OF_DESCRIPTION = 1.0, 0.4
# With at most this many rows or columns, the full decomposition is used: it is fast and always converges.
SMALL = 300


@dataclass(frozen=True, eq=False)
class Senses:
    """Unit vectors of lemmas and of concepts.

    Parameters
    ----------
    lemmas : ndarray of float32 of shape (n_lemmas, n_dimensions)
    concepts : ndarray of float32 of shape (n_concepts, n_dimensions)

    References
    ----------
    .. [1] Deerwester, Dumais, Furnas, Landauer, Harshman, "Indexing by latent semantic analysis", JASIS 41(6), 1990.

    Examples
    --------
    >>> words = Postings.build(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 2]), np.ones(5), 3)
    >>> senses = Senses.learn(words, words, np.ones(3, np.float32))
    >>> (senses.concepts @ senses.lemmas[0]).round(2) + 0.0
    array([1., 1., 0.], dtype=float32)
    """

    lemmas: NDArray[np.float32]
    concepts: NDArray[np.float32]

    @classmethod
    def learn(cls, labels: Postings, descriptions: Postings, idf: NDArray[np.float32]) -> "Senses":
        """Compute the vectors by decomposing the table of concepts and lemmas.

        Parameters
        ----------
        labels, descriptions : Postings
            For each concept, the lemmas of its labels and of its description.
        idf : ndarray of shape (n_lemmas,)
            How rare each lemma is.

        Returns
        -------
        Senses
        """
        shape = (len(labels.start) - 1, len(idf))
        cells = [
            csr_matrix((part.weight * idf[part.item] * scale, part.item, part.start), shape)
            for part, scale in ((labels, OF_LABELS), (descriptions, OF_DESCRIPTION))
        ]
        table = (cells[0] + cells[1]).astype(np.float64)
        norm = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel()) + 1e-9
        table = csr_matrix(table.multiply(1 / norm[:, None]))
        left, sigma, right = _decomposed(table)
        return cls(_units(right.T * np.sqrt(sigma)), _units(left * np.sqrt(sigma)))


def _decomposed(table: csr_matrix) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    if min(table.shape) <= SMALL:
        left, sigma, right = np.linalg.svd(table.toarray(), full_matrices=False)
        size = max(1, min(N_DIMENSIONS, min(table.shape) - 1))
        return left[:, :size], sigma[:size], right[:size]
    start = np.random.default_rng(0).normal(size=min(table.shape))
    left, sigma, right = svds(table, N_DIMENSIONS, v0=start, tol=1e-2)
    return left, sigma, right


def _units(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), dtype=np.float32)
