"""What a jobseeker's words do not mean, as a caseworker said: "library", but not "Library Technician".

It is written behind the words, so that it goes with them into every table, cache and stored list, and can be read.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

MARK, BETWEEN, END = " (not meant: ", "; ", ")"


class SaidWords(NamedTuple):
    """Words of a jobseeker, and what they do not mean."""

    text: str
    not_meant: tuple[str, ...] = ()


def limited(text: str, not_meant: Iterable[str]) -> str:
    """Return words together with what they do not mean.

    Parameters
    ----------
    text : str
    not_meant : iterable of str
        Titles of listings, or skills that listings ask for.

    Returns
    -------
    str

    Examples
    --------
    >>> limited("library", ["Library Technician"]), limited("library", [])
    ('library (not meant: Library Technician)', 'library')
    """
    others = BETWEEN.join(other.replace(";", ",") for other in not_meant)
    return f"{text}{MARK}{others}{END}" if others else text


def without_mark(text: str) -> str:
    """Return words that somebody typed, so that they never read as a caseworker's statement of what they do not mean.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> without_mark("washing (not meant: laundry)")
    'washing (not meant, laundry)'
    """
    return text.replace(MARK.strip(), MARK.strip().replace(":", ","))


def said(text: str) -> SaidWords:
    """Return the words and what they do not mean.

    Parameters
    ----------
    text : str

    Returns
    -------
    SaidWords

    Examples
    --------
    >>> said("library (not meant: Library Technician; Porter)")
    SaidWords(text='library', not_meant=('Library Technician', 'Porter'))
    >>> said("library").not_meant
    ()
    """
    if MARK not in text or not text.endswith(END):
        return SaidWords(text)
    words, others = text[: -len(END)].split(MARK, 1)
    return SaidWords(words, tuple(others.split(BETWEEN)))


def refused_columns(
    words: Sequence[SaidWords], columns: Sequence[str], concepts: Callable[[str], frozenset[str]]
) -> list[tuple[int, list[int]]]:
    """Return the cells of a table that get nothing, because the words of the row do not mean the text of the column.

    Parameters
    ----------
    words : sequence of SaidWords
        The rows.
    columns : sequence of str
    concepts : callable
        Returns the concepts of a text. A text of another spelling is refused too if it has a concept in common.

    Returns
    -------
    list of (int, list of int)
        A row, and its columns.

    Examples
    --------
    >>> refused_columns([SaidWords("library", ("librarian",))], ["librarian", "porter"], lambda text: frozenset([text]))
    [(0, [0])]
    """
    found = []
    for row, own in enumerate(words):
        if own.not_meant:
            named = frozenset[str]().union(*(concepts(other) for other in own.not_meant))
            found.append(
                (
                    row,
                    [
                        at
                        for at, text in enumerate(columns)
                        if text in own.not_meant or not named.isdisjoint(concepts(text))
                    ],
                )
            )
    return found
