"""The shortlist of concepts that are compared in detail with one text, and their labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.words.index import SkillIndex

FEWEST_LABELS = 3  # Some features are the mean of the three best labels.


@dataclass(frozen=True, eq=False)
class ConceptShortlist:
    """The concepts of a shortlist, and their labels.

    Parameters
    ----------
    concepts : ndarray of int of shape (n_shortlisted,)
        The numbers of the concepts, ascending.
    labels : ndarray of int of shape (n_their_labels,)
        The numbers of their labels, sorted by concept.
    start : ndarray of int of shape (n_shortlisted,)
        Where each concept's labels begin in ``labels``.

    Examples
    --------
    >>> ConceptShortlist(np.array([4, 9]), np.array([7, 8, 20]), np.array([0, 2])).best_three(np.array([0.3, 0.9, 0.5]))
    array([[0.9, 0.3, 0. ],
           [0.5, 0. , 0. ]])
    """

    concepts: NDArray[np.int64]
    labels: NDArray[np.int64]
    start: NDArray[np.int64]

    @classmethod
    def choose(
        cls,
        index: SkillIndex,
        characters: NDArray[np.float64],
        words: NDArray[np.float64],
        size: int,
        near: NDArray[np.float32] | None = None,
    ) -> "ConceptShortlist":
        """Select the concepts with the best scores by characters, by words, and by both.

        Parameters
        ----------
        index : SkillIndex
        characters : ndarray of shape (n_labels,)
            Score of each label by characters.
        words : ndarray of shape (n_concepts,)
            Score of each concept by words.
        size : int
            The number of concepts that each score selects. If the index has at most this many, all are selected.
        near : ndarray of shape (n_concepts,) or None
            Score of each concept by meaning, if there is one.

        Returns
        -------
        ConceptShortlist
        """
        best = np.maximum.reduceat(characters, index.label_start[:-1])
        if len(best) <= size:
            return cls.of(index, np.arange(len(best)))
        both = best / (best.max() + 1e-9) + words / (words.max() + 1e-9)
        picked = [np.argpartition(-scores, size)[:size] for scores in (best, words, both, near) if scores is not None]
        return cls.of(index, np.unique(np.concatenate(picked)))

    @classmethod
    def of(cls, index: SkillIndex, concepts: NDArray[np.int64]) -> "ConceptShortlist":
        """Build the shortlist of some concepts, with their labels.

        Parameters
        ----------
        index : SkillIndex
        concepts : ndarray of int of shape (n_shortlisted,)

        Returns
        -------
        ConceptShortlist
        """
        begin = index.label_start[concepts]
        length = index.label_start[concepts + 1] - begin
        ends = np.cumsum(length)
        place = np.arange(int(ends[-1])) - np.repeat(ends - length, length)
        return cls(concepts, np.repeat(begin, length) + place, ends - length)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of labels of each concept."""
        return np.diff(np.append(self.start, len(self.labels)))

    def highest(self, values: NDArray[Any], axis: int = 0) -> NDArray[Any]:
        """Return, for each concept, the highest value of its labels.

        Parameters
        ----------
        values : ndarray with n_their_labels along the axis
        axis : int

        Returns
        -------
        ndarray with n_shortlisted along the axis
        """
        return np.asarray(np.maximum.reduceat(values, self.start, axis=axis))

    def best_three(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the three highest values of each concept's labels. With fewer than three labels, the rest are 0.

        Parameters
        ----------
        values : ndarray of shape (n_their_labels,)

        Returns
        -------
        ndarray of shape (n_shortlisted, 3)
        """
        lengths = self.lengths
        width = max(FEWEST_LABELS, int(lengths.max()))
        grid = np.zeros(len(self.concepts) * width)
        place = np.arange(len(self.labels)) - np.repeat(self.start, lengths)
        grid[np.repeat(np.arange(len(self.concepts)) * width, lengths) + place] = values
        ordered = -np.sort(-grid.reshape(len(self.concepts), width), axis=1)
        return ordered[:, :FEWEST_LABELS]

    def nearest(self, position: int, closeness: NDArray[Any]) -> int:
        """Return which label of one concept is closest to the text.

        Parameters
        ----------
        position : int
            Position of the concept in the shortlist.
        closeness : ndarray of shape (n_their_labels,)
            How close each label of the shortlist is to the text.

        Returns
        -------
        int
            The label's number in the index. If several labels are equally close, the first is returned.
        """
        begin = int(self.start[position])
        own = closeness[begin : begin + int(self.lengths[position])]
        return int(self.labels[begin + int(np.argmax(own))])
