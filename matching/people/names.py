"""Names as people are called in several countries, offices and families: their letters, their sound, their short forms.

A name is compared after transliteration, so that one written in Arabic, Cyrillic or Hebrew meets its Latin spelling.
Vowels are what transliterations disagree about, so how a name sounds is told by its consonants.
"""

import re
from enum import IntEnum
from functools import lru_cache

from anyascii import anyascii
from nicknames import NickNamer
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

LONGEST = 200
CLOSE_ENOUGH = 0.9
# Words that many names of a language begin with: sharing one says nothing.
PARTICLES = frozenset(
    {"abdul", "al", "bin", "bint", "da", "de", "del", "der", "dos", "el", "ibn", "mac", "mc", "ni", "o"}
)
LONG_ENOUGH = 4  # "Ali" and "Ala" are two names; "Alison" and "Alizon" are one
# Letters that one sound is written with in several languages.
SOUNDS = (("ph", "f"), ("ck", "k"), ("kh", "k"), ("gh", "g"), ("sch", "s"), ("sh", "s"), ("ch", "k"), ("dh", "d"))
ONE_SOUND = str.maketrans({"c": "k", "q": "k", "z": "s", "w": "v", "j": "g", "x": "k"})
MUTE = re.compile(r"[aeiouy]|h(?=$)")


class Alike(IntEnum):
    """How alike two parts of a name are; a greater one is more alike."""

    OTHER = 0
    UNKNOWN = 1
    CLOSE = 2
    VARIANT = 3
    SAME = 4


@lru_cache(maxsize=200_000)
def plain(name: str) -> str:
    """Return a name in small Latin letters, words apart.

    Parameters
    ----------
    name : str
        Only its first 200 characters are read.

    Returns
    -------
    str

    Examples
    --------
    >>> plain("Ní Bhriain-Łukasz"), plain("محمد")
    ('ni bhriain lukasz', 'mhmd')
    """
    letters = anyascii(name[:LONGEST]).casefold().replace("'", "").replace("`", "")
    return " ".join(re.findall(r"[a-z0-9]+", letters))


@lru_cache(maxsize=200_000)
def sound(name: str) -> str:
    """Return how a name sounds: its consonants, each sound once, words apart.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        The plain name itself where no consonant is left.

    Examples
    --------
    >>> sound("Muhammad") == sound("Mohamed") == sound("محمد"), sound("Philips"), sound("Eau")
    (True, 'flps', 'eau')
    """
    words = []
    for word in plain(name).split():
        told = word
        for written, heard in SOUNDS:
            told = told.replace(written, heard)
        told = re.sub(r"(.)\1+", r"\1", MUTE.sub("", told.translate(ONE_SOUND)))
        words.append(told or word)
    return " ".join(words)


@lru_cache(maxsize=1)
def _nicknames() -> NickNamer:
    return NickNamer()


@lru_cache(maxsize=200_000)
def called(name: str) -> frozenset[str]:
    """Return the names that somebody of this name may go by, and those this one may be short for.

    Parameters
    ----------
    name : str
        Plain.

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> "liz" in called("elizabeth"), "elizabeth" in called("liz"), called("zebedee9")
    (True, True, frozenset())
    """
    known = _nicknames()
    return frozenset(known.nicknames_of(name) | known.canonicals_of(name))


def is_contained(one: str, other: str) -> bool:
    """Return whether every word of the shorter of two names is a word of the longer one, or its initial.

    Parameters
    ----------
    one, other : str
        Plain.

    Returns
    -------
    bool
        Twins share a first word often; two names with a word each that the other has not are two people's.

    Examples
    --------
    >>> is_contained("maria", "maria jose"), is_contained("muhammad hassan", "muhammad hussein")
    (True, False)
    """
    short, long = sorted((one.split(), other.split()), key=len)
    return bool(short) and all(any(word in (theirs, theirs[:1]) for theirs in long) for word in short)


@lru_cache(maxsize=500_000)
def alike(one: str, other: str) -> Alike:
    """Return how alike two given names or two family names are.

    Parameters
    ----------
    one, other : str
        Plain; may be empty.

    Returns
    -------
    Alike
        A nickname and one half of a double-barrelled name are variants; a slip of the pen, an initial and another
        spelling of the same sound are close.

    Examples
    --------
    >>> alike("bob", "robert").name, alike("smith", "smith jones").name
    ('VARIANT', 'VARIANT')
    >>> alike("hasan", "hussein").name, alike("ann", "bo").name
    ('CLOSE', 'OTHER')
    """
    if not one or not other:
        return Alike.UNKNOWN
    if one == other or one.replace(" ", "") == other.replace(" ", ""):
        return Alike.SAME
    ours, theirs = one.split(), other.split()
    if set(ours) & set(theirs) - PARTICLES:
        return Alike.VARIANT
    if ours[0] in called(theirs[0]):
        return Alike.VARIANT
    if min(len(one), len(other)) == 1:
        return Alike.CLOSE if one[0] == other[0] else Alike.OTHER
    if sound(one) == sound(other) or JaroWinkler.similarity(one, other) >= CLOSE_ENOUGH:
        return Alike.CLOSE
    is_slip = min(len(one), len(other)) >= LONG_ENOUGH and DamerauLevenshtein.distance(one, other, score_cutoff=1) <= 1
    return Alike.CLOSE if is_slip else Alike.OTHER
