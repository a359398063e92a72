"""Split texts into numbered word pieces, which are the input of lower-case BERT models."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

MOST_PIECES = 64
# A word of gibberish falls into more pieces than this, and than one for each so many of its letters.
MOST_OF_SHORT_WORD, LETTERS_OF_PIECE = 3, 2
OF_ASCII = re.compile(r"[a-z0-9]+|[^a-z0-9 ]")
LONGEST_WORD = 100  # BERT's own limit: a longer word counts as one unknown word.
CHARACTERS_OF_PIECE = 20  # for each piece, this many characters of a text are read: no piece of a title is longer


def tokens_of(text: str) -> list[str]:
    """Return the lower-case words and single punctuation marks of a text, without accents and control characters.

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
    if text.isascii() and text.isprintable():
        return OF_ASCII.findall(text.lower())
    spaced: list[str] = []
    for char in unicodedata.normalize("NFD", text.lower()):
        category = unicodedata.category(char)
        if category == "Mn" or char == "\N{REPLACEMENT CHARACTER}" or (category[0] == "C" and char not in "\t\n\r"):
            continue
        stands_alone = "\u3400" <= char <= "\u4dbf" or "\u4e00" <= char <= "\u9fff" or _is_mark(char)
        spaced.append(f" {char} " if stands_alone else char)
    return "".join(spaced).split()


def _is_mark(char: str) -> bool:
    """Return whether BERT reads a character as a piece of its own: any punctuation and any ASCII symbol."""
    return unicodedata.category(char)[0] == "P" or (
        char.isascii() and char.isprintable() and not char.isalnum() and char != " "
    )


class WordPieces:
    """The tokeniser of BERT models.

    Parameters
    ----------
    vocabulary : mapping of str to int
        Pieces and their numbers, including ``[UNK]``, ``[CLS]`` and ``[SEP]``. ``##`` marks a piece that does not begin
        a word.

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
        self._of_word = lru_cache(maxsize=50_000)(self._split)

    def __reduce__(self) -> tuple[type["WordPieces"], tuple[Mapping[str, int]]]:
        """Pickle the vocabulary only. The cache is not sent to another process."""
        return WordPieces, (self.vocabulary,)

    def numbers(self, text: str, most: int = MOST_PIECES, *, skips_gibberish: bool = False) -> list[int]:
        """Return the start mark, the pieces of a text, and the end mark, all as numbers.

        Parameters
        ----------
        text : str
        most : int
            The greatest number of pieces, including both marks. The rest of the text is ignored.
        skips_gibberish : bool
            Whether to leave out words that fall into many short pieces, such as "xqzv".

        Returns
        -------
        list of int
        """
        numbers: list[int] = []
        for word in tokens_of(text[: CHARACTERS_OF_PIECE * most]):
            pieces = self._of_word(word)
            if not skips_gibberish or len(pieces) <= MOST_OF_SHORT_WORD or LETTERS_OF_PIECE * len(pieces) < len(word):
                numbers += pieces
            if len(numbers) >= most - 2:
                break
        return [self._first, *numbers[: most - 2], self._last]

    def _split(self, word: str) -> list[int]:
        """Split a word into numbered pieces. From the left, each piece is the longest in the vocabulary."""
        if len(word) > LONGEST_WORD:
            return [self._unknown]
        numbers: list[int] = []
        start = 0
        while start < len(word):
            mark = "##" if start else ""
            stops = (stop for stop in range(len(word), start, -1) if mark + word[start:stop] in self.vocabulary)
            stop = next(stops, None)
            if stop is None:
                return [self._unknown]
            numbers.append(self.vocabulary[mark + word[start:stop]])
            start = stop
        return numbers
