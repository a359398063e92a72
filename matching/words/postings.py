"""Postings: lists of weighted items, stored one after another in arrays. Each list is a row of an index."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Postings:
    """Rows of items. Each item of a row has a weight.

    Parameters
    ----------
    start : ndarray of int of shape (n_rows + 1,)
        Where each row begins. The last number is where the last row ends.
    item : ndarray of int32 of shape (n_entries,)
    weight : ndarray of float32 of shape (n_entries,)

    Examples
    --------
    >>> lists = Postings.build(np.array([1, 0, 1]), np.array([7, 5, 6]), np.ones(3), 2)
    >>> lists.item[lists.start[1] : lists.start[2]]
    array([6, 7], dtype=int32)
    """

    start: NDArray[np.int64]
    item: NDArray[np.int32]
    weight: NDArray[np.float32]

    @classmethod
    def build(cls, rows: NDArray[Any], items: NDArray[Any], weights: NDArray[Any], n_rows: int) -> "Postings":
        """Build postings from triples of row, item and weight.

        Parameters
        ----------
        rows, items, weights : ndarray of shape (n_entries,)
        n_rows : int

        Returns
        -------
        Postings
        """
        order = np.lexsort((items, rows))
        start = np.zeros(n_rows + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=n_rows), out=start[1:])
        return cls(start, items[order].astype(np.int32), weights[order].astype(np.float32))

    def items_of(self, row: int) -> NDArray[np.int64]:
        """Return the items of one row.

        Parameters
        ----------
        row : int

        Returns
        -------
        ndarray of int
        """
        return self.item[self.start[row] : self.start[row + 1]].astype(np.int64)

    def spans(self, rows: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the positions of all entries of some rows, and the number of entries of each row.

        Parameters
        ----------
        rows : ndarray of int of shape (n_wanted,)

        Returns
        -------
        places : ndarray of int of shape (n_entries_of_these,)
        lengths : ndarray of int of shape (n_wanted,)
        """
        begin = self.start[rows]
        length = self.start[rows + 1] - begin
        ends = np.cumsum(length)
        total = int(ends[-1]) if len(ends) else 0
        return np.arange(total) + np.repeat(begin - ends + length, length), length
