"""Texts as the numbered word pieces that BERT's lower-case models read."""

import unicodedata
from collections.abc import Mapping

MOST_PIECES = 64
LONGEST_WORD = 100  # BERT's own limit: a longer word is unknown as a whole.
CHARACTERS_OF_PIECE = 20  # No title has longer pieces; what follows is cut before any work is done.


def tokens_of(text: str) -> list[str]:
    """Return the lower-case words and single marks of a text, without accents and control characters.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> tokens_of("Chef de Pâtisserie!")
    ['chef', 'de', 'patisserie', '!']
    """
    spaced: list[str] = []
    for char in unicodedata.normalize("NFD", text.lower()):
        category = unicodedata.category(char)
        if category == "Mn" or char == "\N{REPLACEMENT CHARACTER}" or (category[0] == "C" and char not in "\t\n\r"):
            continue
        stands_alone = "\u3400" <= char <= "\u4dbf" or "\u4e00" <= char <= "\u9fff" or _is_mark(char)
        spaced.append(f" {char} " if stands_alone else char)
    return "".join(spaced).split()


def _is_mark(char: str) -> bool:
    """Return whether BERT splits at a character: any punctuation, and every ASCII sign."""
    return unicodedata.category(char)[0] == "P" or (
        char.isascii() and char.isprintable() and not char.isalnum() and char != " "
    )


class WordPieces:
    """The tokeniser.

    Parameters
    ----------
    vocabulary : mapping of str to int
        Pieces and their numbers, ``[UNK]``, ``[CLS]`` and ``[SEP]`` among them; ``##`` marks one inside a word.

    Examples
    --------
    >>> pieces = WordPieces({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "shop": 3, "##per": 4})
    >>> pieces.numbers("Shopper and shop")
    [1, 3, 4, 0, 3, 2]
    """

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self.vocabulary = vocabulary
        self._unknown = vocabulary["[UNK]"]
        self._first, self._last = vocabulary["[CLS]"], vocabulary["[SEP]"]

    def numbers(self, text: str, most: int = MOST_PIECES) -> list[int]:
        """Return the numbers of a text's pieces, between the two end marks.

        Parameters
        ----------
        text : str
        most : int
            With the end marks; the rest of the text is left out.

        Returns
        -------
        list of int
        """
        found: list[int] = []
        for word in tokens_of(text[: CHARACTERS_OF_PIECE * most]):
            found += self._of_word(word)
            if len(found) >= most - 2:
                break
        return [self._first, *found[: most - 2], self._last]

    def _of_word(self, word: str) -> list[int]:
        """Take the longest piece from the left, again and again."""
        if len(word) > LONGEST_WORD:
            return [self._unknown]
        found: list[int] = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            stops = (stop for stop in range(len(word), start, -1) if mark + word[start:stop] in self.vocabulary)
            stop = next(stops, None)
            if stop is None:
                return [self._unknown]
            found.append(self.vocabulary[mark + word[start:stop]])
            start = stop
        return found
