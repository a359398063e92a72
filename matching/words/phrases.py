"""Find known phrases in a text, whatever the endings of their words, and tell whether the text denies them."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

SHORTEST = 3  # a shorter word has no ending to cut off
VOWELS = frozenset("aeiouy")
ENDINGS = ("ings", "ing", "ies", "ied", "ed", "es", "s")
# Words whose last letters only look like an ending.
WHOLE = frozenset((
    "always", "anything", "bedding", "building", "ceiling", "christmas", "clothing", "during", "evening",
    "everything", "morning", "news", "nothing", "something", "spring", "string", "thing", "tuesday", "wednesday",
    "wedding", "wing",
))  # fmt: skip
# A phrase after one of these words is denied: "no lifting", "without heavy lifting", "not around dogs".
DENIALS = frozenset((
    "no", "not", "never", "without", "nor", "non", "zero", "dont", "don't", "cant", "can't", "cannot", "wont",
    "won't", "isnt", "isn't", "doesnt", "doesn't", "arent", "aren't", "hate", "hates", "dislike", "avoid", "avoids",
    "avoiding", "except", "nowt", "neither", "free", "nobody", "none", "nothing",
))  # fmt: skip
# Words that may stand between a denial and the phrase that it denies.
BETWEEN = frozenset((
    "a", "an", "any", "the", "of", "too", "very", "much", "many", "so", "do", "does", "doing", "have", "has",
    "having", "be", "being", "is", "are", "in", "on", "at", "to", "with", "around", "near", "like", "want", "wants",
    "need", "needs", "work", "working", "job", "jobs", "heavy", "loud", "early", "late", "regular", "other", "that",
    "this", "my", "it", "for", "from", "like", "mind", "more", "bit", "great", "big", "strong", "involve",
    "involves", "involving", "required", "expected", "there", "or", "direct", "customer", "contact",
))  # fmt: skip
MOST_BETWEEN = 3
# A time or another number with a point is one word. The end of a sentence is kept: a denial does not reach past it.
WORD = re.compile(r"\d+[.:]\d+[a-z]*|[a-z0-9+#']+|[.;!?\n]")


def plain(text: str) -> str:
    r"""Return a text in lower case, without accents, and with one kind of apostrophe.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> plain("Café, I can\N{RIGHT SINGLE QUOTATION MARK}t")
    "cafe, i can't"
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return "".join(letter for letter in folded if not unicodedata.combining(letter)).casefold()


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return a word without its ending, so that forms of one word are equal. The result is not always a word.

    Parameters
    ----------
    word : str
        In lower case.

    Returns
    -------
    str

    Examples
    --------
    >>> [stem(word) for word in ("lifting", "lifts", "noise", "noises", "running", "evening", "glass")]
    ['lift', 'lift', 'nois', 'nois', 'run', 'evening', 'glass']
    """
    if not word[0].isalpha():
        return word
    bare = word.removesuffix("'s").strip("'").replace("'", "")
    if bare in WHOLE or (bare.endswith("s") and bare[:-1] in WHOLE):
        return bare.removesuffix("s") if bare[:-1] in WHOLE else bare
    for ending in ENDINGS:
        rest = bare.removesuffix(ending)
        if rest != bare and len(rest) >= SHORTEST and VOWELS.intersection(rest) and not _is_whole(rest, ending):
            bare = rest + ("y" if ending in {"ies", "ied"} else "")
            break
    if len(bare) > SHORTEST and bare[-1] == bare[-2] and bare[-1] not in "sel":
        return bare[:-1]
    return bare.removesuffix("e") if len(bare) > SHORTEST else bare


def _is_whole(rest: str, ending: str) -> bool:
    return (ending == "s" and rest[-1] in "su") or (ending == "ed" and rest[-1] == "e")


def stems_of(text: str) -> list[str]:
    """Return the stems of a text's words, in order, with the marks that end a sentence.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> stems_of("Lifting, cleaning and Dogs! From 7.30am")
    ['lift', 'clean', 'and', 'dog', '!', 'from', '7.30am']
    """
    return [stem(word) for word in WORD.findall(plain(text))]


class Found(NamedTuple):
    """A phrase that was found: its number, and where its words begin and end in the text.

    ``is_denied`` tells whether words directly before it deny it. ``may_be_denied`` tells whether its clause has a
    denial that may or may not reach as far: then the phrase is neither shown nor ruled out.
    """

    number: int
    start: int
    end: int
    is_denied: bool
    may_be_denied: bool


class Phrases:
    """Phrases, each with a number, that are looked for in texts.

    Parameters
    ----------
    phrases : iterable of (str, int)
        A phrase, and the number that a find returns. Several phrases may have one number.

    Examples
    --------
    >>> phrases = Phrases([("heavy lifting", 0), ("dog", 1)])
    >>> [(found.number, found.is_denied) for found in phrases.find(stems_of("No heavy lifting; two dogs live here."))]
    [(0, True), (1, False)]
    """

    def __init__(self, phrases: Iterable[tuple[str, int]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], int]]] = defaultdict(list)
        for phrase, number in phrases:
            if words := tuple(stems_of(phrase)):
                self._by_first[words[0]].append((words, number))
        for entries in self._by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def find(self, stems: Sequence[str]) -> list[Found]:
        """Return every phrase that occurs in a text.

        Parameters
        ----------
        stems : sequence of str
            As ``stems_of`` returns them.

        Returns
        -------
        list of Found
            In the order of the text. Phrases may overlap.
        """
        found: list[Found] = []
        for start, word in enumerate(stems):
            for words, number in self._by_first.get(word, ()):
                end = start + len(words)
                if len(words) == 1 or tuple(stems[start:end]) == words:
                    found.append(Found(number, start, end, is_denied(stems, start), may_be_denied(stems, start, end)))
        return found


MOST_OF_CLAUSE, MOST_AFTER = 8, 4  # words
CLAUSE_ENDS = frozenset({".", ";", "!", "?", "\n", "but", "becaus", "so", "just", "then", "instead"})
STEMMED_DENIALS = frozenset(stem(word) for word in DENIALS)
STEMMED_BETWEEN = frozenset(stem(word) for word in BETWEEN)


def is_denied(stems: Sequence[str], start: int) -> bool:
    """Return whether the words before a position deny what follows: "no", "without", "not too".

    Parameters
    ----------
    stems : sequence of str
    start : int

    Returns
    -------
    bool

    Examples
    --------
    >>> is_denied(stems_of("not too much noise"), 3), is_denied(stems_of("no experience of noise"), 3)
    (True, False)
    """
    for at in range(start - 1, max(-1, start - 2 - MOST_BETWEEN), -1):
        if stems[at] in STEMMED_DENIALS:
            return True
        if stems[at] not in STEMMED_BETWEEN:
            return False
    return False


def may_be_denied(stems: Sequence[str], start: int, end: int) -> bool:
    """Return whether a denial stands before a phrase in the same clause, or directly after it: "lifting is not needed".

    Parameters
    ----------
    stems : sequence of str
    start, end : int
        Where the phrase begins and ends.

    Returns
    -------
    bool

    Examples
    --------
    >>> may_be_denied(stems_of("no knives or blades"), 3, 4), may_be_denied(stems_of("knives and blades"), 2, 3)
    (True, False)
    """
    for at in range(start - 1, max(-1, start - 2 - MOST_OF_CLAUSE), -1):
        if stems[at] in STEMMED_DENIALS:
            return True
        if stems[at] in CLAUSE_ENDS:
            break
    for word in stems[end : end + MOST_AFTER]:
        if word in CLAUSE_ENDS:
            return False
        if word in STEMMED_DENIALS:
            return True
    return False


def denies(stems: Sequence[str]) -> bool:
    """Return whether a phrase has a word that denies something.

    Parameters
    ----------
    stems : sequence of str

    Returns
    -------
    bool

    Examples
    --------
    >>> denies(stems_of("I can't cook")), denies(stems_of("I cook"))
    (True, False)
    """
    return not STEMMED_DENIALS.isdisjoint(stems)


def longest(found: Sequence[Found]) -> list[Found]:
    """Leave out phrases that lie inside a longer phrase that was found too.

    Parameters
    ----------
    found : sequence of Found

    Returns
    -------
    list of Found

    Examples
    --------
    >>> phrases = Phrases([("traffic", 0), ("heavy traffic", 1)])
    >>> [one.number for one in longest(phrases.find(stems_of("heavy traffic")))]
    [1]
    """
    return [
        one
        for one in found
        if not any(
            other.start <= one.start and one.end <= other.end and other.end - other.start > one.end - one.start
            for other in found
        )
    ]
