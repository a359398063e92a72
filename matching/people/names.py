"""Compare names of many countries: by their letters, their sound and their short forms.

Names are transliterated first, so that a name written in Arabic, Cyrillic or Hebrew can be compared with its Latin
spelling. Transliterations differ mostly in their vowels, so the sound of a name is represented by its consonants.
"""

import re
from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

from anyascii import anyascii
from nicknames import NickNamer
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

LONGEST = 200
CLOSE_ENOUGH = 0.9
# Words that begin many names. That two names share one of these words is no evidence that they are one name.
PARTICLES = frozenset(
    {"abdul", "al", "bin", "bint", "da", "de", "del", "der", "dos", "el", "ibn", "mac", "mc", "ni", "o"}
)
SHORT_FORMS = Path(__file__).with_name("short_forms.csv")
# Yoruba and Igbo names are sentences: their beginning or their end alone is the short form ("Seun" of "Oluwaseun").
_BEGINNINGS = """
oluwa olu ola ade ayo abi aki akin ani baba dami eni fola folu ibi ife iya kehinde mo mofe oba ogun olo omo
omoto ore oyin temi titi tolu yewande chi chukwu chuku ebube eke ike ka ke nna nne nwa nke obi oge ony onyi uzo
abdul abdur abdal abdel fazl ghulam mohd saif nur noor zain
"""
_ENDINGS = """
chukwu chukwuka chi oluwa ife ola ayo tola dele deen uddin ullah ul inder deep preet jit bai ben bhai kumar kaur
wati gul jan dayo niyi wale sola
"""
BEGINNINGS, ENDINGS = tuple(_BEGINNINGS.split()), tuple(_ENDINGS.split())
FIRST_PARTS = frozenset(BEGINNINGS)
SHORTEST_SHORT = 3
LONG_ENOUGH = 4  # shorter names that differ in one letter are different names: "Ali" and "Ala"
# Spellings of the same sound in several languages.
SOUNDS = (("ph", "f"), ("ck", "k"), ("kh", "k"), ("gh", "g"), ("sch", "s"), ("sh", "s"), ("ch", "k"), ("dh", "d"))
ONE_SOUND = str.maketrans({"c": "k", "q": "k", "z": "s", "w": "v", "j": "g", "x": "k"})
MUTE = re.compile(r"[aeiouy]|h(?=$)")


class Alike(IntEnum):
    """How alike two parts of a name are. Except for ``UNKNOWN``, a higher level is more alike."""

    OTHER = 0
    UNKNOWN = 1
    CLOSE = 2
    VARIANT = 3
    SAME = 4


@lru_cache(maxsize=200_000)
def plain(name: str) -> str:
    """Return a name in lower-case Latin letters, with one space between words.

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
    """Return the sound of a name: its consonants, doubled ones written once, with one space between words.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        A word without consonants is returned unchanged.

    Examples
    --------
    >>> sound("Muhammad") == sound("Mohamed") == sound("محمد"), sound("Philips"), sound("Eau")
    (True, 'flps', 'eau')
    """
    words = []
    for word in plain(name).split():
        consonants = word
        for written, heard in SOUNDS:
            consonants = consonants.replace(written, heard)
        consonants = re.sub(r"(.)\1+", r"\1", MUTE.sub("", consonants.translate(ONE_SOUND)))
        words.append(consonants or word)
    return " ".join(words)


@lru_cache(maxsize=1)
def _nicknames() -> NickNamer:
    return NickNamer()


@lru_cache(maxsize=200_000)
def called(name: str) -> frozenset[str]:
    """Return the short forms of a name, and the full names of which the name may be a short form.

    Parameters
    ----------
    name : str
        As ``plain`` returns it.

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> "liz" in called("elizabeth"), "elizabeth" in called("liz"), called("zebedee9")
    (True, True, frozenset())
    """
    known, own = _nicknames(), _short_forms()
    return frozenset(known.nicknames_of(name) | known.canonicals_of(name) | own.get(name, frozenset()))


@lru_cache(maxsize=200_000)
def full_names(name: str) -> tuple[str, ...]:
    """Return the full names of which a name is a known short form; first those that have the most short forms.

    Parameters
    ----------
    name : str
        One word, as ``plain`` returns it.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> full_names("bob"), full_names("robert")
    (('robert', 'bert'), ())
    """
    known = _nicknames()
    forms = {full: len(known.nicknames_of(full)) for full in known.canonicals_of(name)}
    # The list has "bob" as a full name of "robert" too: a full name is the one with more short forms.
    own = len(known.nicknames_of(name))
    return tuple(sorted((full for full in forms if forms[full] > own), key=lambda full: (-forms[full], full)))


@lru_cache(maxsize=1)
def _short_forms() -> Mapping[str, frozenset[str]]:
    """Return, by name, its short and long forms in ``short_forms.csv``. Two long names with one short form differ."""
    forms: dict[str, set[str]] = {}
    for line in SHORT_FORMS.read_text(encoding="utf-8").splitlines()[1:]:
        long, _, short = line.partition(",")
        for form in short.split() if not line.startswith("#") else ():
            forms.setdefault(long, set()).add(form)
            forms.setdefault(form, set()).add(long)
    return {name: frozenset(others - {name}) for name, others in forms.items()}


@lru_cache(maxsize=200_000)
def parts_in_use(name: str) -> frozenset[str]:
    """Return the beginnings and ends of a name that are used alone, as Yoruba and Igbo names are shortened.

    Parameters
    ----------
    name : str
        One word, as ``plain`` returns it.

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> "seun" in parts_in_use("oluwaseun"), "bayo" in parts_in_use("adebayo"), "uche" in parts_in_use("uchechukwu")
    (True, True, True)
    """
    parts = {name[len(part) :] for part in BEGINNINGS if name.startswith(part)}
    parts |= {name[: -len(part)] for part in ENDINGS if name.endswith(part)}
    return frozenset(part for part in parts if len(part) >= SHORTEST_SHORT)


def is_contained(first: str, second: str) -> bool:
    """Return whether each word of the shorter name is a word of the longer name, or the initial of such a word.

    Parameters
    ----------
    first, second : str
        As ``plain`` returns them.

    Returns
    -------
    bool
        False if each name has a word that the other name lacks. The names of twins often share only the first word, and
        must not count as one name.

    Examples
    --------
    >>> is_contained("maria", "maria jose"), is_contained("muhammad hassan", "muhammad hussein")
    (True, False)
    """
    short, long = sorted((first.split(), second.split()), key=len)
    return bool(short) and all(any(word in (long_word, long_word[:1]) for long_word in long) for word in short)


@lru_cache(maxsize=500_000)
def alike(first: str, second: str) -> Alike:
    """Return how alike two given names or two family names are.

    Parameters
    ----------
    first, second : str
        As ``plain`` returns them. An empty name is unknown.

    Returns
    -------
    Alike
        A nickname or one half of a double-barrelled name is ``VARIANT``. A typing error, an initial or another spelling
        of the same sound is ``CLOSE``.

    Examples
    --------
    >>> alike("bob", "robert").name, alike("smith", "smith jones").name
    ('VARIANT', 'VARIANT')
    >>> alike("hasan", "hussein").name, alike("ann", "bo").name
    ('CLOSE', 'OTHER')
    """
    if not first or not second:
        return Alike.UNKNOWN
    if first == second or first.replace(" ", "") == second.replace(" ", ""):
        return Alike.SAME
    first_words, second_words = first.split(), second.split()
    if set(first_words) & set(second_words) - PARTICLES:
        return Alike.VARIANT
    if first_words[0] in called(second_words[0]):
        return Alike.VARIANT
    if second_words[0] in parts_in_use(first_words[0]) or first_words[0] in parts_in_use(second_words[0]):
        return Alike.CLOSE
    if min(len(first), len(second)) == 1:
        return Alike.CLOSE if first[0] == second[0] else Alike.OTHER
    if sound(first) == sound(second) or JaroWinkler.similarity(first, second) >= CLOSE_ENOUGH:
        return Alike.CLOSE
    is_slip = (
        min(len(first), len(second)) >= LONG_ENOUGH and DamerauLevenshtein.distance(first, second, score_cutoff=1) <= 1
    )
    return Alike.CLOSE if is_slip else Alike.OTHER


TITLES = frozenset({"mr", "mrs", "miss", "ms", "mx", "dr", "sir", "prof"})
A_NAME = 2  # words: a given name and a family name


def pairs_of_words(text: str) -> list[tuple[str, str]]:
    """Return the pairs of words in a text that may be a given name and a family name.

    Parameters
    ----------
    text : str
        Free text that names a person, for instance ``"Stone, Sam (stepfather)"``.

    Returns
    -------
    list of tuple of (str, str)
        Words that stand next to each other or have one word between them. Titles are left out.

    Examples
    --------
    >>> pairs_of_words("Mr Sam Lee Stone")
    [('sam', 'lee'), ('sam', 'stone'), ('lee', 'stone')]
    """
    words = [word for word in plain(text).split() if word not in TITLES]
    return [(word, other) for at, word in enumerate(words) for other in words[at + 1 : at + 1 + A_NAME]]


def may_be_named(text: str, name: str) -> bool:
    """Return whether a text may name the person who has a name.

    Parameters
    ----------
    text : str
        Free text that names a person.
    name : str
        A name of at least two words. The order of its words does not matter.

    Returns
    -------
    bool
        True if two neighbouring words of the text are like two words of the name, and not both only by their sound.
        A single word is never enough.

    Examples
    --------
    >>> may_be_named("Stone, Sam", "Samuel Stone"), may_be_named("Sam", "Sam Stone")
    (True, False)
    >>> may_be_named("Sam Stone (stepfather)", "s stone"), may_be_named("Sam Stone", "Ann Stone")
    (True, False)
    """
    words = [word for word in plain(name).split() if word not in TITLES]
    return any(
        _are_one_name(first, word) and _are_one_name(second, other) and _is_enough((first, word), (second, other))
        for first, second in pairs_of_words(text)
        for at, word in enumerate(words)
        for place, other in enumerate(words)
        if place != at
    )


def _are_one_name(first: str, second: str) -> bool:
    return alike(first, second) >= Alike.CLOSE


def _is_enough(*pairs: tuple[str, str]) -> bool:
    """Return whether one pair is more than close, or every pair differs by its spelling only and not by its sound."""
    if max(alike(*pair) for pair in pairs) >= Alike.VARIANT:
        return True
    return all(min(map(len, pair)) > 1 and JaroWinkler.similarity(*pair) >= CLOSE_ENOUGH for pair in pairs)


def may_be_written(text: str, run_together: str) -> bool:
    """Return whether a name written as one word, as in an e-mail address, may be the name in a text.

    Parameters
    ----------
    text : str
        Free text that names a person.
    run_together : str
        For instance ``"sstone"`` or ``"samstone"``.

    Returns
    -------
    bool

    Examples
    --------
    >>> may_be_written("Sam Stone", "sstone"), may_be_written("Sam Stone", "jobs")
    (True, False)
    """
    word = plain(run_together).replace(" ", "")
    return any(
        word in {first + second, second + first, first[0] + second, second + first[0], first + second[0]}
        for first, second in pairs_of_words(text)
    )
