"""Tables that compare every word of jobseekers with every word of listings. Each value is computed once and cached.

A row is a jobseeker's word (the left side). A column is a listing's word (the right side). A new word gets the next
number. The number of a column never changes. The numbers of rows change only if the table has become too large and all
its rows are dropped. A caller can continue to use an older table for the words that it contains.
"""

from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.bulk.listing_columns import ListingColumns
from matching.pairs.grades import UNKNOWN, share
from matching.pairs.licences import holds_licence
from matching.pairs.surroundings import ListingRead, avoided, wanted_surroundings
from matching.pairs.text import normalise
from matching.pairs.vocabulary import Vocabulary

Table = NDArray[Any]
Words = tuple[str, ...]
Fill = Callable[[Sequence[Any], Sequence[Any]], Table]
FIRST_ROWS, FIRST_COLUMNS = 64, 256
MOST_COLUMNS = 16


class LazyTable:
    """A table with a value for each left word and right word. A row is computed when it is first requested.

    Parameters
    ----------
    fill : callable
        It takes a list of left words and a list of right words, and returns the table of their values.
    dtype : type
        Type of the entries.
    most_cells : int
        The greatest number of cells. If a new row would exceed this number, all rows are dropped, so that a year of
        free text does not fill the memory. A caller can continue to read the table from before the drop.

    Examples
    --------
    >>> def fill(lefts, rights):
    ...     return np.array([[len(a) + len(b) for b in rights] for a in lefts])
    >>> lengths = LazyTable(fill, np.uint8)
    >>> lengths.right("abc"), lengths.right("de"), lengths.right("abc")
    (0, 1, 0)
    >>> numbers, table = lengths.rows(["x"])
    >>> table[numbers[0], :2].tolist()
    [4, 3]
    """

    def __init__(self, fill: Fill, dtype: type, most_cells: int = 200_000_000) -> None:
        self._fill = fill
        self._dtype = dtype
        self._most_cells = most_cells
        self._lefts: dict[Hashable, int] = {}
        self._left_words: list[Any] = []
        self._filled: list[int] = []
        self._rights: dict[Hashable, int] = {}
        self._right_words: list[Any] = []
        self._table: Table = np.zeros((FIRST_ROWS, FIRST_COLUMNS), dtype=dtype)
        self._lock = Lock()

    def right(self, word: Any) -> int:
        """Return the column number of a right word. A new word gets the next number.

        Parameters
        ----------
        word : hashable

        Returns
        -------
        int
        """
        number = self._rights.get(word)
        if number is not None:
            return number
        with self._lock:
            number = self._rights.setdefault(word, len(self._right_words))
            if number == len(self._right_words):
                self._right_words.append(word)
            return number

    @property
    def rights(self) -> Sequence[Any]:
        """The right words, in the order of their column numbers."""
        return self._right_words

    def rows(self, lefts: Sequence[Any]) -> tuple[list[int], Table]:
        """Return the row numbers of some left words, and the table, with these rows filled.

        Parameters
        ----------
        lefts : sequence of hashable

        Returns
        -------
        tuple of (list of int, ndarray)
            In these rows, the table has a value for every right word that has a number so far.
        """
        with self._lock:
            row_of, width = self._lefts, len(self._right_words)
            new = [left for left in dict.fromkeys(lefts) if left not in row_of]
            if (len(row_of) + len(new)) * max(width, 1) > self._most_cells and row_of:
                self._drop_rows()
                row_of, new = self._lefts, list(dict.fromkeys(lefts))
            for left in new:
                row_of[left] = len(self._left_words)
                self._left_words.append(left)
                self._filled.append(0)
            self._enlarge(len(self._left_words), width)
            numbers = [row_of[left] for left in lefts]
            self._fill_in(sorted({n for n in numbers if self._filled[n] < width}), width)
            return numbers, self._table

    def _drop_rows(self) -> None:
        self._lefts, self._left_words, self._filled = {}, [], []
        self._table = np.zeros((FIRST_ROWS, self._table.shape[1]), dtype=self._dtype)

    def _enlarge(self, rows: int, columns: int) -> None:
        shape = self._table.shape
        if rows <= shape[0] and columns <= shape[1]:
            return
        wider: Table = np.zeros((_grown(shape[0], rows), _grown(shape[1], columns)), dtype=self._dtype)
        wider[: shape[0], : shape[1]] = self._table
        self._table = wider

    def _fill_in(self, numbers: Sequence[int], width: int) -> None:
        by_width: dict[int, list[int]] = {}
        for number in numbers:
            by_width.setdefault(self._filled[number], []).append(number)
        for start, same_width in by_width.items():
            values = self._fill([self._left_words[n] for n in same_width], self._right_words[start:width])
            self._table[np.array(same_width), start:width] = values
            for number in same_width:
                self._filled[number] = width


def _grown(size: int, wanted: int) -> int:
    while size < wanted:
        size += size // 2 + 1
    return size


class WordTables:
    """The tables that compare a jobseeker's words with a listing's words, under one vocabulary.

    Parameters
    ----------
    vocabulary : Vocabulary

    Examples
    --------
    >>> words = WordTables(Vocabulary(occupations=[("barista", "cafe")]))
    >>> words.titles.right("Cafe")
    0
    >>> numbers, table = words.titles.rows(["barista"])
    >>> int(table[numbers[0], 0])
    240
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        # The listings are kept too, so that no other listing gets the identity that is part of the key.
        self._columns: dict[tuple[int, int, int], tuple[ListingColumns, Sequence[ListingRead]]] = {}
        self.titles = LazyTable(vocabulary.work.all, np.uint8)
        self.listings = LazyTable(self._avoided, np.uint8)
        self.skills = LazyTable(vocabulary.skills.all, np.uint16)
        self.licences = LazyTable(_missing_licence, np.uint8)
        self.environments = LazyTable(self._environments, np.uint8)
        self.adjustments = LazyTable(_adjustments, np.uint8)

    def count_of_words(self) -> int:
        """Return the number of listing words in the tables, including words of listings that are now closed.

        Returns
        -------
        int
        """
        tables = (self.titles, self.listings, self.skills, self.licences, self.environments, self.adjustments)
        return sum(len(table.rights) for table in tables)

    def _avoided(self, wishes: Sequence[str], listings: Sequence[ListingRead]) -> Table:
        columns = self._columns_of(listings)
        return np.array([columns.avoided(avoided(wish, self.vocabulary)) for wish in wishes])

    def _environments(self, wanted: Sequence[Words], listings: Sequence[ListingRead]) -> Table:
        columns = self._columns_of(listings)
        return np.array([columns.surroundings(wanted_surroundings(words, self.vocabulary)) for words in wanted])

    def _columns_of(self, listings: Sequence[ListingRead]) -> ListingColumns:
        """Return the columns of some listings. The latest are kept, because new wishes meet the same listings."""
        if not listings:
            return ListingColumns(listings)
        key = (id(listings[0]), id(listings[-1]), len(listings))
        kept = self._columns.get(key)
        if kept is None:
            if len(self._columns) > MOST_COLUMNS:
                self._columns.clear()
            kept = self._columns[key] = (ListingColumns(listings), listings)
        return kept[0]


def _missing_licence(held: Sequence[Words], needed: Sequence[Words]) -> Table:
    is_held: dict[tuple[str, Words], bool] = {}
    is_missing = np.zeros((len(held), len(needed)), dtype=np.uint8)
    for row, licences in enumerate(held):
        for column, needs in enumerate(needed):
            for licence in needs:
                if (licence, licences) not in is_held:
                    is_held[licence, licences] = holds_licence(licence, licences)
                if not is_held[licence, licences]:
                    is_missing[row, column] = 1
                    break
    return is_missing


def _adjustments(requested: Sequence[Words], offered: Sequence[Words]) -> Table:
    grades = np.full((len(requested), len(offered)), UNKNOWN, dtype=np.uint8)
    offered_words = [{normalise(word) for word in words} for words in offered]
    for row, words in enumerate(requested):
        keys = [normalise(word) for word in words]
        for column, own_words in enumerate(offered_words):
            if hits := sum(key in own_words for key in keys):
                grades[row, column] = share(len(keys) + hits, 2 * len(keys))
    return grades
