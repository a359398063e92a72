"""Whether a text that a person gives as a reason is words, or only something typed to get past the question."""

import re
import unicodedata

WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
SHORTEST = 3  # letters of a word that says something by itself: "ill", "old"
SAME = re.compile(r"(.{1,3}?)\1+")  # "aaaa", "hahaha", "abcabc"
VOWELS = frozenset("aeiouyw")  # w is a vowel in Welsh
ROWS_OF_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz")
WORDS_IN_A_ROW = frozenset({"fed", "poi", "were"})  # words whose keys or letters happen to lie side by side
SHORTEST_RUN = 3  # "asd" and "qwe" are keys that lie side by side
MOST_CONSONANTS = 5  # "strengths" has five at its end; six in a row are no word
# What people type into a field that has to be filled. None of it says why.
FILLERS = frozenset(
    re.findall(
        r"\w+",
        "and any anything as because blah bla cos dunno etc filler foo bar baz for idk just lorem ipsum nil "
        "none nope not nothing null okay other placeholder please reason reasons said same see above some "
        "something tba tbc tbd test testing text that the this todo undefined unknown unspecified various "
        "whatever why word words yes yep yup",
    )
)
# Abbreviations that say something by themselves, although they are short or have no vowel.
ABBREVIATIONS = frozenset({"cps", "cv", "dbs", "dv", "dwp", "gp", "hmp", "hr", "jcp", "nfa", "nhs", "ptsd", "scr"})
FEWEST_FOR_AN_EXCEPTION = 3  # words: "Section 158 applies" is the least that names an exception
NO_REASON = "Give the reason in words, so that a person who reads it later understands it, such as: {example}."
EXAMPLE, EXAMPLE_OF_EXCEPTION = "the placement closed early", "the work is personal care in a women's refuge"


def words_of(text: str) -> list[str]:
    """Return the words of a text that a person can read, in lower case, without runs of keys and repeated letters.

    >>> words_of("She moved, asdf xxxx 123 .")
    ['she', 'moved']
    """
    plain = unicodedata.normalize("NFKC", text).lower()
    return [found[0] for found in WORD.finditer(plain) if _is_a_word(found[0])]


def _is_a_word(word: str) -> bool:
    letters = re.sub(r"['\u2019-]", "", word)
    if SAME.fullmatch(letters) and (len(letters) >= SHORTEST or len(set(letters)) == 1):
        return False
    if not letters.isascii() or letters in ABBREVIATIONS:
        return True
    if not VOWELS & set(letters) or re.search(rf"[^aeiouyw]{{{MOST_CONSONANTS + 1},}}", letters):
        return False
    is_run = len(letters) >= SHORTEST_RUN and any(letters in row or letters[::-1] in row for row in ROWS_OF_KEYS)
    return not is_run or letters in WORDS_IN_A_ROW


def is_a_reason(text: str, fewest: int = 1) -> bool:
    """Return whether a text has a word that says something, and at least ``fewest`` words in all.

    >>> [is_a_reason(text) for text in ("The place is full", "Mistake.", "MAPPA", ".", "aaaa", "n/a", "asdf", "test")]
    [True, True, True, False, False, False, False, False]
    """
    words = words_of(text)
    says = [word for word in words if word in ABBREVIATIONS or (len(word) >= SHORTEST and word not in FILLERS)]
    return bool(says) and len(set(words)) >= fewest


def why_no_reason(text: str, fewest: int = 1) -> str | None:
    """Return what to write instead if a text is no reason, else None."""
    if is_a_reason(text, fewest):
        return None
    return NO_REASON.format(example=EXAMPLE if fewest == 1 else EXAMPLE_OF_EXCEPTION)
