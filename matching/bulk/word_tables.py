"""Words as numbers: how alike every word of one kind is to every word of another, worked out once and kept.

A jobseeker's words stand on the left, a listing's on the right. Numbers are given in the order words come and never
change, so a table only ever grows: whoever holds an older one still reads what was true of the words it knew.
"""

from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from matching.pairs import eligibility
from matching.pairs.features import BEST, SOMETHING_ELSE, WORST, avoided_words
from matching.pairs.grades import STEPS, THOUSAND, UNKNOWN, share
from matching.pairs.text import CHANCE, SAME, Vocabulary, normalise, title_words, what_at

Table = NDArray[Any]
Words = tuple[str, ...]
Fill = Callable[[Sequence[Any], Sequence[Any]], Table]
FIRST_ROWS, FIRST_COLUMNS = 64, 256


class LazyTable:
    """How each thing on the left stands to each on the right, filled in when it is first asked for.

    Parameters
    ----------
    fill : callable
        From some things on the left and some on the right to a table of theirs.
    dtype : type
        Of its entries.
    most_cells : int
        Over this the left side is forgotten and begun anew, so that a year of free text does not fill the memory;
        who still reads the table before it keeps that table.

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
        """Return the number of something on the right, a new one where it is new.

        Parameters
        ----------
        word : hashable

        Returns
        -------
        int
        """
        found = self._rights.get(word)
        if found is not None:
            return found
        with self._lock:
            found = self._rights.setdefault(word, len(self._right_words))
            if found == len(self._right_words):
                self._right_words.append(word)
            return found

    @property
    def rights(self) -> Sequence[Any]:
        """What stands on the right, by number."""
        return self._right_words

    def rows(self, lefts: Sequence[Any]) -> tuple[list[int], Table]:
        """Return the numbers of some things on the left, and a table in which their rows are whole.

        Parameters
        ----------
        lefts : sequence of hashable

        Returns
        -------
        tuple of (list of int, ndarray)
            The table is right for these rows and for every number on the right given so far.
        """
        with self._lock:
            known, width = self._lefts, len(self._right_words)
            new = [left for left in dict.fromkeys(lefts) if left not in known]
            if (len(known) + len(new)) * max(width, 1) > self._most_cells and known:
                self._begin_anew()
                known, new = self._lefts, list(dict.fromkeys(lefts))
            for left in new:
                known[left] = len(self._left_words)
                self._left_words.append(left)
                self._filled.append(0)
            self._make_room(len(self._left_words), width)
            numbers = [known[left] for left in lefts]
            self._fill_in(sorted({n for n in numbers if self._filled[n] < width}), width)
            return numbers, self._table

    def _begin_anew(self) -> None:
        self._lefts, self._left_words, self._filled = {}, [], []
        self._table = np.zeros((FIRST_ROWS, self._table.shape[1]), dtype=self._dtype)

    def _make_room(self, rows: int, columns: int) -> None:
        have = self._table.shape
        if rows <= have[0] and columns <= have[1]:
            return
        wider: Table = np.zeros((_grown(have[0], rows), _grown(have[1], columns)), dtype=self._dtype)
        wider[: have[0], : have[1]] = self._table
        self._table = wider

    def _fill_in(self, numbers: Sequence[int], width: int) -> None:
        behind: dict[int, list[int]] = {}
        for number in numbers:
            behind.setdefault(self._filled[number], []).append(number)
        for start, those in behind.items():
            told = self._fill([self._left_words[n] for n in those], self._right_words[start:width])
            self._table[np.array(those), start:width] = told
            for number in those:
                self._filled[number] = width


def _grown(have: int, wanted: int) -> int:
    while have < wanted:
        have += have // 2 + 1
    return have


class WordTables:
    """Every relation between a jobseeker's words and a listing's, under one vocabulary.

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
        self.titles = LazyTable(self._titles, np.uint8)
        self.listings = LazyTable(_avoided, np.uint8)
        self.skills = LazyTable(self._skills, np.uint16)
        self.licences = LazyTable(_missing_licence, np.uint8)
        self.environments = LazyTable(_environments, np.uint8)
        self.adjustments = LazyTable(_adjustments, np.uint8)

    def count_of_words(self) -> int:
        """Return how many words of listings have been numbered so far, those of listings long gone too.

        Returns
        -------
        int
        """
        every = (self.titles, self.listings, self.skills, self.licences, self.environments, self.adjustments)
        return sum(len(one.rights) for one in every)

    def _titles(self, wishes: Sequence[str], titles: Sequence[str]) -> Table:
        """Return the grade of each wish beside each title, as ``Vocabulary.occupation_likeness`` has it."""
        words = self.vocabulary
        ours, theirs = [title_words(one) for one in wishes], [title_words(one) for one in titles]
        table = _letters([what_at(one) for one in ours], [what_at(one) for one in theirs])
        told = np.floor(table * STEPS + 0.5).astype(np.uint8)
        by_concept = _by_concept([words.concepts_of_title(one) for one in theirs])
        by_words = _by_concept([{one} for one in theirs])
        for row, one in enumerate(ours):
            for concept in words.concepts_of_title(one):
                told[row, by_concept.get(concept, [])] = BEST
            told[row, by_words.get(one, [])] = BEST
            if not one:
                told[row] = WORST
        told[:, by_words.get("", [])] = WORST
        return told

    def _skills(self, mine: Sequence[str], asked: Sequence[str]) -> Table:
        """Return in thousandths how alike skills are, as ``Vocabulary.skill_likeness`` has it; keys are normalised."""
        words = self.vocabulary
        told = np.floor(_letters(mine, asked) * THOUSAND + 0.5).astype(np.uint16)
        known = [column for column, one in enumerate(asked) if words.concepts_of_skill(one)]
        beside = words.neighbours
        columns: dict[str, list[int]] = {}
        for column in known:
            for concept in words.concepts_of_skill(asked[column]):
                columns.setdefault(concept, []).append(column)
        by_words = _by_concept([{one} for one in asked])
        for row, one in enumerate(mine):
            concepts = words.concepts_of_skill(one)
            if concepts:
                told[row, known] = 0
                near = set(concepts).union(*(beside.get(concept, ()) for concept in concepts))
                for column in {c for concept in near for c in columns.get(concept, ())}:
                    told[row, column] = int(words.skill_likeness(one, asked[column]) * THOUSAND + 0.5)
            told[row, by_words.get(one, [])] = int(SAME * THOUSAND)
        return told


def _by_concept(concepts: Sequence[Any]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for column, those in enumerate(concepts):
        for concept in those:
            found.setdefault(concept, []).append(column)
    return found


def _letters(ours: Sequence[str], theirs: Sequence[str]) -> NDArray[np.float64]:
    """Return how alike texts are by their letters, 0 where that may be chance or one is empty."""
    if not ours or not theirs:
        return np.zeros((len(ours), len(theirs)))
    told = process.cdist(ours, theirs, scorer=fuzz.token_sort_ratio, score_cutoff=CHANCE * 100, dtype=np.float64) / 100
    told[told < CHANCE] = 0.0
    told[[row for row, one in enumerate(ours) if not one]] = 0.0
    told[:, [column for column, one in enumerate(theirs) if not one]] = 0.0
    return np.asarray(told)


def _avoided(wishes: Sequence[str], listings: Sequence[str]) -> Table:
    told = np.zeros((len(wishes), len(listings)), dtype=np.uint8)
    for row, wish in enumerate(wishes):
        words = avoided_words(wish)
        told[row] = [any(word in listing for word in words) for listing in listings]
    return told


def _missing_licence(held: Sequence[Words], needed: Sequence[Words]) -> Table:
    kept: dict[tuple[str, Words], bool] = {}
    told = np.zeros((len(held), len(needed)), dtype=np.uint8)
    for row, mine in enumerate(held):
        for column, asked in enumerate(needed):
            for one in asked:
                if (one, mine) not in kept:
                    kept[one, mine] = eligibility.holds_licence(one, mine)
                if not kept[one, mine]:
                    told[row, column] = 1
                    break
    return told


def _environments(wanted: Sequence[Words], offered: Sequence[Words]) -> Table:
    told = np.full((len(wanted), len(offered)), UNKNOWN, dtype=np.uint8)
    theirs = [{normalise(word) for word in one} for one in offered]
    for row, one in enumerate(wanted):
        keys = {normalise(word) for word in one}
        either = keys | {key.removesuffix(" is fine") for key in keys}
        for column, there in enumerate(theirs):
            if one and offered[column]:
                clashes = "quiet" in keys and "busy" in there
                told[row, column] = WORST if clashes else BEST if either & there else SOMETHING_ELSE
    return told


def _adjustments(asked: Sequence[Words], offered: Sequence[Words]) -> Table:
    told = np.full((len(asked), len(offered)), UNKNOWN, dtype=np.uint8)
    theirs = [{normalise(word) for word in one} for one in offered]
    for row, one in enumerate(asked):
        keys = [normalise(word) for word in one]
        for column, there in enumerate(theirs):
            if hits := sum(key in there for key in keys):
                told[row, column] = share(len(keys) + hits, 2 * len(keys))
    return told
