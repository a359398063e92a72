"""Read a free text as words, dictionary forms and character n-grams, in one spelling for British and American."""

import re
from collections.abc import Sequence

import simplemma

MOST_CHARACTERS = 300  # The name of a skill is far shorter. To read a whole pasted page would only cost time.
MOST_WORDS = 40
SHORTEST_INFLECTED = 4  # shorter words such as "gas" and "bus" are not plurals
WORD = re.compile(r"[^\W_]+")
APOSTROPHE = re.compile(r"['\N{RIGHT SINGLE QUOTATION MARK}`\N{ACUTE ACCENT}]s?\b")
# British endings and the American endings that replace them. The reverse is not possible: not every "z" was an "s".
SPELLINGS = (
    (re.compile(r"(?<=[a-z]{3})is(e|ed|es|ing|ation|ations|er|ers)\b"), r"iz\1"),
    (re.compile(r"(?<=[a-z]{2})ys(e|ed|es|ing)\b"), r"yz\1"),
    (re.compile(r"(?<=[a-z]{2})our(?=(s|ed|ing|al|able|ful|ite|ist)?\b)"), "or"),
    (re.compile(r"(?<=[a-z]{2})tre(s?)\b"), r"ter\1"),
    (re.compile(r"ogue(s?)\b"), r"og\1"),
    (re.compile(r"(?<=[aeiou])ll(ed|ing|er|ers)\b"), r"l\1"),
    (re.compile(r"ae(?=[a-z]{3})"), "e"),
    (re.compile(r"programme(s?)\b"), r"program\1"),
)


def words_of(text: str) -> list[str]:
    """Return the words of a label or of a typed text.

    Parameters
    ----------
    text : str
        Only its first 300 characters and 40 words are read.

    Returns
    -------
    list of str
        The words in lower case, in the order of the text, without possessive endings.

    Examples
    --------
    >>> words_of("Clean customers' windows, the shop's too")
    ['clean', 'customers', 'windows', 'the', 'shop', 'too']
    """
    return WORD.findall(APOSTROPHE.sub("", text[:MOST_CHARACTERS].casefold()))[:MOST_WORDS]


def prose_words(text: str) -> list[str]:
    """Return the words of a description of any length.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> prose_words("Clean floors. Polish them.")
    ['clean', 'floors', 'polish', 'them']
    """
    return WORD.findall(text.casefold())


def spelling_of(word: str) -> str:
    """Return a word in one spelling for both British and American English.

    Parameters
    ----------
    word : str
        In lower case.

    Returns
    -------
    str
        For comparison only: the result is not always a real word.

    Examples
    --------
    >>> spelling_of("organise"), spelling_of("organize"), spelling_of("colour")
    ('organize', 'organize', 'color')
    """
    for pattern, form in SPELLINGS:
        word = pattern.sub(form, word)
    return word


def lemma_of(word: str) -> str:
    """Return the dictionary form of a word, in one spelling for both British and American English.

    Parameters
    ----------
    word : str
        In lower case.

    Returns
    -------
    str
        The word itself if it is short or has characters other than English letters.

    Examples
    --------
    >>> lemma_of("children"), lemma_of("organising"), lemma_of("bus")
    ('child', 'organize', 'bus')
    """
    if len(word) < SHORTEST_INFLECTED or not word.isascii() or not word.isalpha():
        return word
    return spelling_of(simplemma.lemmatize(word, lang="en").casefold())


def grams_of(words: Sequence[str]) -> list[str]:
    """Return all sequences of three or four characters of some words. A space is added at both ends of each word.

    Parameters
    ----------
    words : sequence of str

    Returns
    -------
    list of str

    Examples
    --------
    >>> grams_of(["sew"])
    [' se', 'sew', 'ew ', ' sew', 'sew ']
    """
    grams: list[str] = []
    for word in words:
        padded = f" {word} "
        grams += [padded[i : i + 3] for i in range(len(padded) - 2)]
        grams += [padded[i : i + 4] for i in range(len(padded) - 3)]
    return grams
