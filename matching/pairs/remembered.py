"""Tables of likeness that remember their rows, so that one pair is looked up and not computed again."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

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
    >>> import numpy as np
    >>> calls = []
    >>> def compute(lefts, rights):
    ...     calls.append((len(lefts), len(rights)))
    ...     return np.array([[len(left) + len(right) for right in rights] for left in lefts])
    >>> table = RememberedTable(compute)
    >>> table.all(["a", "bb"], ["c", "dd", "e"]).tolist()
    [[2, 3, 2], [3, 4, 3]]
    >>> table.few(["bb"], ["dd"]), calls
    ([[4]], [(2, 3)])
    """

    def __init__(self, compute: Callable[[Sequence[Any], Sequence[Any]], Table]) -> None:
        self._compute = compute
        self._rows: dict[Hashable, list[tuple[dict[Hashable, int], Table]]] = {}
        self._indexes: dict[tuple[Hashable, ...], dict[Hashable, int]] = {}
        self._cells: dict[Hashable, dict[Hashable, int]] = {}

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
            self._rows, self._cells = {}, {}
        if len(self._indexes) > MOST_INDEXES:
            self._indexes = {}
        key = tuple(rights)
        columns = self._indexes.get(key)
        if columns is None:
            columns = self._indexes[key] = {right: column for column, right in enumerate(rights)}
        for row, left in enumerate(lefts):
            known = self._rows.setdefault(left, [])
            known[:] = [entry for entry in known if entry[0] is not columns][-MOST_INDEXES:]
            known.append((columns, table[row]))
        return table

    def few(self, lefts: Sequence[Any], rights: Sequence[Any]) -> list[list[int]]:
        """Return the table of a few texts, from memory where every pair of it is there.

        Parameters
        ----------
        lefts, rights : sequence of hashable

        Returns
        -------
        list of list of int
            A list for each left text, with a value for each right text.
        """
        found = [self._known(left, rights) for left in lefts]
        new = [left for left, row in zip(lefts, found, strict=True) if row is None]
        rows = iter(self.all(new, rights).tolist() if new else ())
        return [
            self._keep(left, rights, next(rows)) if row is None else row for left, row in zip(lefts, found, strict=True)
        ]

    def _known(self, left: Any, rights: Sequence[Any]) -> list[int] | None:
        cells = self._cells.get(left, {})
        try:
            return [cells[right] for right in rights]
        except KeyError:
            row = self._row(left, rights)
            return None if row is None else self._keep(left, rights, row)

    def _keep(self, left: Any, rights: Sequence[Any], row: list[int]) -> list[int]:
        """Keep each value of a row by itself: to look up one in a dict is quicker than in an array."""
        if len(self._cells) > MOST_ROWS:
            self._cells = {}
        self._cells.setdefault(left, {}).update(zip(rights, row, strict=True))
        return row

    def _row(self, left: Any, rights: Sequence[Any]) -> list[int] | None:
        entries = self._rows.get(left, ())
        row = []
        for right in rights:
            for columns, values in reversed(entries):
                if right in columns:
                    row.append(int(values[columns[right]]))
                    break
            else:
                return None
        return row
