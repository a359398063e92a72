"""Tables of likeness that remember their rows, so that one pair is looked up and not computed again."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = NDArray[Any]
MOST_ROWS, MOST_INDEXES = 20_000, 64


class RememberedTable:
    """Computes tables of every left text with every right text, and remembers the latest rows.

    Parameters
    ----------
    compute : callable
        It takes a sequence of left texts and a sequence of right texts, and returns the table of their values.

    Examples
    --------
    >>> calls = []
    >>> def compute(lefts, rights):
    ...     calls.append((len(lefts), len(rights)))
    ...     return np.array([[len(left) + len(right) for right in rights] for left in lefts])
    >>> table = RememberedTable(compute)
    >>> table.all(["a", "bb"], ["c", "dd", "e"]).tolist()
    [[2, 3, 2], [3, 4, 3]]
    >>> table.few(["bb"], ["dd"]).tolist(), calls
    ([[4]], [(2, 3)])
    """

    def __init__(self, compute: Callable[[Sequence[Any], Sequence[Any]], Table]) -> None:
        self._compute = compute
        self._rows: dict[Hashable, list[tuple[dict[Hashable, int], Table]]] = {}
        self._indexes: dict[tuple[Hashable, ...], dict[Hashable, int]] = {}

    def all(self, lefts: Sequence[Any], rights: Sequence[Any]) -> Table:
        """Compute the table of some texts, and remember its rows.

        Parameters
        ----------
        lefts, rights : sequence of hashable

        Returns
        -------
        ndarray of shape (n_lefts, n_rights)
        """
        table = self._compute(lefts, rights)
        if not len(rights):
            return table
        if len(self._rows) > MOST_ROWS:
            self._rows = {}
        if len(self._indexes) > MOST_INDEXES:
            self._indexes = {}
        columns = self._indexes.setdefault(tuple(rights), {right: column for column, right in enumerate(rights)})
        for row, left in enumerate(lefts):
            known = self._rows.setdefault(left, [])
            known[:] = [entry for entry in known if entry[0] is not columns][-MOST_INDEXES:]
            known.append((columns, table[row]))
        return table

    def few(self, lefts: Sequence[Any], rights: Sequence[Any]) -> Table:
        """Return the table of a few texts, from memory where every pair of it is there.

        Parameters
        ----------
        lefts, rights : sequence of hashable

        Returns
        -------
        ndarray of shape (n_lefts, n_rights)
        """
        found = []
        for left in lefts:
            row = self._row(left, rights)
            if row is None:
                return self.all(lefts, rights)
            found.append(row)
        return np.array(found).reshape(len(lefts), len(rights))

    def _row(self, left: Any, rights: Sequence[Any]) -> list[Any] | None:
        entries = self._rows.get(left, ())
        row = []
        for right in rights:
            value = next((values[columns[right]] for columns, values in reversed(entries) if right in columns), None)
            if value is None:
                return None
            row.append(value)
        return row
