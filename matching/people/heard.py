"""Find a name as people hear, spell, shorten and mistype it: the words of names, their sound, and their likeness.

This is for a person who searches, so it accepts more than ``compare``, which weighs evidence: a wrong record in a list
costs a glance, a missing record costs a second file about the same person.
"""

import itertools
import re
from enum import StrEnum
from functools import lru_cache

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from matching.people.names import FIRST_PARTS, PARTICLES, SHORTEST_SHORT, called, parts_in_use, plain

MOST_WORDS, LONGEST_WORD = 24, 80
SHORTEST_TO_MISTYPE, LONG_WORD = 4, 8  # a word of 8 letters may have two typing errors
SHORT_SOUND, ALIKE_ENOUGH = 2, 0.7  # a sound of one or two consonants also needs similar letters
SHORTEST_STEM = 4  # of what remains of a name without the particle written with it, such as "hassan" of "alhassan"
MORE_PARTICLES = PARTICLES | {"ap", "d", "di", "du", "fitz", "la", "le", "nic", "san", "st", "ui", "van", "von"}
MORE_PARTICLES |= {"abd", "abu", "den", "dela", "las", "los", "ter", "und", "zu"}

# Names of which the spellings are far apart although people say them alike. One family a line.
SPELLINGS = """
aodhan aidan aiden
aoife eefa ifa
beauchamp beecham
caoimhe keeva kiva queeva
cholmondeley chumley
chloe khloe cloe
cian kian kean
ciara keira kiera kira
ciaran kieran keiran
cockburn coburn
dalziel deeyell
dearbhla dervla
eoghan eoin owen owain
featherstonehaugh fanshaw
graham graeme grahame
grainne grania granya
gruffydd griffith griffiths
hugh huw
ieuan evan ifan
leigh lee lea
maeve meabh medb meadhbh
mainwaring mannering
marjoribanks marchbanks
menzies mingis
mohammed muhammad mohamed mohammad mohd md muhammed
niamh neve neave nieve neeve
oisin osheen
padraig porick pauric
phoebe feebe
rhys reece rees
roisin rosheen
saoirse seersha sersha
sean shaun shawn
sian sharn
sinead shinade
siobhan shivaun shevaun chevonne shavon
tadhg teague tighe
yvette evette
yvonne evonne
zoe zoey
"""
SPELLINGS += """
ailbhe alva alvy
blathnaid blanid
bronagh brona
cathal cahal kahal
conchobhar connor conor conchur
diarmuid dermot diarmaid jeremiah
domhnall donal donall
eilidh ailey eiley aylee
eimear emer eimhear
fionnuala finola fenella nuala
iseult isolde
laoise leesha
mairead maraid mairaid
muireann mwirin
niall neil neal neale
orlaith orla orlagh
rhiannon reanna rhianna rianna rhian riannon
ruairi ruaidhri ruari ruairidh rory ruaraidh
sadhbh sive saive
seamus shamus james
siofra sheefra
sorcha saracha
angharad anharad
cerys keris kerris
gwenllian gwenlian
llewellyn llywelyn fluellen lewelin
lloyd floyd loyd
myfanwy muvanwy
andrzej andjay
czeslaw cheslav
grzegorz gregor gzegosh gregory
jerzy yezhy george
katarzyna catherine katazhyna
krzysztof kristof christof kristoff christoph kshishtof
malgorzata margaret malgosha
szymon simon shimon
wojciech voytek wojtek voychek
zbigniew zbigniev
"""
FAMILIES = [frozenset(line.split()) for line in SPELLINGS.split("\n") if line]
# Spellings of one sound, as patterns that are replaced in this order.
# Spellings of one sound by the ear of another language: Irish bh and mh, Welsh dd and ll, Polish rz, sz, cz and w, and
# the p that English puts between m and s. Each is tried alone, in both directions, in the word that is searched for:
# in names of other languages the same letters sound otherwise, as bh does in Abhishek.
RESPELT = (
    *(("bh", "v"), ("mh", "v"), ("v", "bh"), ("v", "mh"), ("dh", ""), ("gh", ""), ("bhf", "v"), ("fh", "")),
    *(("dd", "th"), ("th", "dd"), ("ll", "thl"), ("ll", "fl"), ("fl", "ll")),
    *(("szcz", "shch"), ("shch", "szcz"), ("rz", "zh"), ("sh", "rz"), ("zh", "rz"), ("cz", "ch"), ("ch", "cz")),
    *(("w", "v"), ("v", "w"), ("j", "y"), ("y", "j"), ("ch", "h"), ("h", "ch"), ("c", "ts"), ("ts", "c"), ("l", "w")),
    *(("mps", "ms"), ("ms", "mps"), ("mpt", "mt"), ("mt", "mpt"), ("mpk", "mk"), ("mk", "mpk"), ("nds", "ns")),
)
FIRST_LETTERS = ((r"^(kn|gn|pn)", "n"), (r"^wr", "r"), (r"^ps", "s"), (r"^x", "s"), (r"^gh", "g"), (r"^wh", "w"))
SOUNDS_OF = (
    (r"tch", "k"), (r"sch", "s"), (r"sh", "s"), (r"ph", "f"), (r"kh|ck|ch|qu|q", "k"), (r"gh", "h"),
    (r"([bdprt])h", r"\1"), (r"c(?=[eiy])", "s"), (r"c", "k"), (r"x", "ks"), (r"[jg]", "g"), (r"z", "s"), (r"v", "f"),
    (r"mb$", "m"), (r"(.)\1+", r"\1"), (r"(?<=[aeiouy])w(?![aeiouy])", ""), (r"w", "f"),
    (r"(?<=[aeiouy])h(?![aeiouy])", ""), (r"[aeiouy]", ""), (r"h$", ""),
)  # fmt: skip


class NameMatch(StrEnum):
    """How a word of a search matches a word of a name. The value completes a sentence about the name."""

    SAME = "the same"
    BEGINNING = "begins like this"
    PARTICLE = "the same without a particle"
    SPELLING = "another spelling"
    NICKNAME = "a short or long form"
    SOUND = "sounds alike"
    SLIP = "spelled almost alike"
    SHORTER = "a shorter form"
    ENDING = "ends like this"
    FAINT = "a little alike"
    INITIAL = "the same initial"


WORTH = {
    NameMatch.SAME: 1.0,
    NameMatch.BEGINNING: 0.9,
    NameMatch.PARTICLE: 0.9,
    NameMatch.SPELLING: 0.88,
    NameMatch.NICKNAME: 0.86,
    NameMatch.SOUND: 0.82,
    NameMatch.SLIP: 0.8,
    NameMatch.SHORTER: 0.78,
    NameMatch.ENDING: 0.78,
    NameMatch.FAINT: 0.45,
    NameMatch.INITIAL: 0.5,
}
# First letters that other languages write for one sound; otherwise a respelt word must begin with its own letter.
SAME_FIRST = {first: letters for letters in ("ckq", "jyg", "vwbmf", "sczx", "lf", "h") for first in letters}
SAME_FIRST |= {"c": "ckqsxt", "s": "sczx", "f": "flvw"}
FAINTLY_ALIKE, SAME_BEGINNING = 0.62, 2


def single_words(name: str) -> list[str]:
    """Return the words of a name, in their order.

    Parameters
    ----------
    name : str

    Returns
    -------
    list of str
        Lower-case Latin letters and digits. Apostrophes are left out; a hyphen separates words.

    Examples
    --------
    >>> single_words("Anne-Marie O'Neill")
    ['anne', 'marie', 'oneill']
    """
    return [word[:LONGEST_WORD] for word in plain(name).split()[:MOST_WORDS]]


def search_words(name: str) -> list[str]:
    """Return the words by which a name is found: each word, and neighbouring words written as one.

    Parameters
    ----------
    name : str

    Returns
    -------
    list of str
        As ``single_words`` returns them.

    Examples
    --------
    >>> search_words("Smith-Jones"), search_words("O'Brien"), search_words("O Brien")
    (['smith', 'jones', 'smithjones'], ['obrien'], ['o', 'brien', 'obrien'])
    """
    words = single_words(name)
    joined = [first + second for first, second in itertools.pairwise(words)]
    if len(words) > len(joined[:1]) + 1:
        joined.append("".join(words))
    return list(dict.fromkeys([*words, *(word for word in joined if len(word) <= LONGEST_WORD)]))


@lru_cache(maxsize=200_000)
def heard(word: str) -> str:
    """Return how a word of a name sounds: its consonants, in one spelling for each sound.

    Parameters
    ----------
    word : str
        As ``search_words`` returns it.

    Returns
    -------
    str
        A word without consonants is returned unchanged.

    Examples
    --------
    >>> heard("stephen") == heard("steven"), heard("catherine") == heard("kathryn"), heard("aisha") == heard("ayesha")
    (True, True, True)
    >>> heard("mohamed") == heard("muhammad"), heard("macdonald") == heard("mcdonald"), heard("geoff") == heard("jeff")
    (True, True, True)
    """
    letters = word
    for written, sound in (*FIRST_LETTERS, *SOUNDS_OF):
        letters = re.sub(written, sound, letters)
    return letters or word


@lru_cache(maxsize=20_000)
def other_sounds(word: str) -> frozenset[str]:
    """Return the sounds of a word as it may be written by the ear of another language, without ``heard`` of the word.

    Parameters
    ----------
    word : str
        As ``search_words`` returns it.

    Returns
    -------
    frozenset of str

    Examples
    --------
    >>> heard("siobhan") in other_sounds("shevon"), heard("thompson") in other_sounds("tomson")
    (True, True)
    """
    respelt = {word.replace(written, other) for written, other in RESPELT if written in word}
    if "rz" in word or "sz" in word or "cz" in word:  # several of them are in one Polish name
        polish = word
        for written, other in (("szcz", "shch"), ("rz", "zh"), ("sz", "sh"), ("cz", "ch"), ("w", "v")):
            polish = polish.replace(written, other)
        respelt.add(polish)
    return frozenset(heard(other) for other in respelt if other) - {heard(word)}


@lru_cache(maxsize=10_000)
def other_forms(word: str) -> dict[str, NameMatch]:
    """Return other words that may be meant by a word: spellings, short and long forms, and the word without a particle.

    Parameters
    ----------
    word : str
        As ``search_words`` returns it.

    Returns
    -------
    dict of str to NameMatch

    Examples
    --------
    >>> other_forms("liz")["elizabeth"].name, other_forms("alhassan")["hassan"].name, other_forms("shaun")["sean"].name
    ('NICKNAME', 'PARTICLE', 'SPELLING')
    """
    forms = dict.fromkeys(_stems(word), NameMatch.PARTICLE)
    forms |= {word[:n]: NameMatch.SHORTER for n in range(SHORTEST_SHORT, len(word))}
    forms |= dict.fromkeys(_beginnings_of_parts(word), NameMatch.NICKNAME)
    forms |= dict.fromkeys(parts_in_use(word), NameMatch.NICKNAME)
    forms |= dict.fromkeys(called(word), NameMatch.NICKNAME)
    forms |= {other: NameMatch.SPELLING for family in FAMILIES if word in family for other in family}
    forms.pop(word, None)
    return forms


def _beginnings_of_parts(word: str) -> list[str]:
    """Return the beginnings of what follows the first part of a Yoruba or Igbo name: funmi of olufunmilayo."""
    parts = [word[len(part) :] for part in FIRST_PARTS if word.startswith(part)]
    return [part[:n] for part in parts for n in range(SHORTEST_STEM, len(part) + 1)]


def longer_forms(word: str) -> list[str]:
    """Return the beginnings of names of which a word may be the middle, as olufunmi of funmi.

    Parameters
    ----------
    word : str
        As ``search_words`` returns it.

    Returns
    -------
    list of str
        Empty for a word of fewer than ``SHORTEST_STEM`` letters.
    """
    return [part + word for part in FIRST_PARTS] if len(word) >= SHORTEST_STEM else []


def _stems(word: str) -> list[str]:
    return [
        word[len(particle) :]
        for particle in MORE_PARTICLES
        if word.startswith(particle) and len(word) - len(particle) >= SHORTEST_STEM
    ]


@lru_cache(maxsize=200_000)
def name_match(wanted: str, word: str) -> NameMatch | None:
    """Return how a word of a search matches a word of a name; None if it does not.

    Parameters
    ----------
    wanted, word : str
        As ``search_words`` returns them.

    Returns
    -------
    NameMatch or None
        The strongest match that applies.

    Examples
    --------
    >>> name_match("smyth", "smith").name, name_match("jon", "jonathan").name, name_match("smiht", "smith").name
    ('SOUND', 'BEGINNING', 'SOUND')
    >>> name_match("hassan", "alhassan").name, name_match("a", "anne").name, name_match("ann", "bo")
    ('PARTICLE', 'INITIAL', None)
    """
    if wanted == word:
        return NameMatch.SAME
    if min(len(wanted), len(word)) == 1:
        return NameMatch.INITIAL if wanted[0] == word[0] else None
    if word.startswith(wanted):
        return NameMatch.BEGINNING
    if word in other_forms(wanted):
        return other_forms(wanted)[word]
    if wanted in _stems(word) or wanted in parts_in_use(word) or wanted in _beginnings_of_parts(word):
        return NameMatch.PARTICLE if wanted in _stems(word) else NameMatch.NICKNAME
    sound = heard(word)
    is_heard = sound == heard(wanted) or (
        sound in other_sounds(wanted) and wanted[0] in SAME_FIRST.get(word[0], word[0])
    )
    if is_heard and (len(sound) > SHORT_SOUND or JaroWinkler.similarity(wanted, word) >= ALIKE_ENOUGH):
        return NameMatch.SOUND
    most = (min(len(wanted), len(word)) >= SHORTEST_TO_MISTYPE) + (len(wanted) >= LONG_WORD)
    if most and DamerauLevenshtein.distance(wanted, word, score_cutoff=most) <= most:
        return NameMatch.SLIP
    return NameMatch.ENDING if len(wanted) >= SHORTEST_TO_MISTYPE and word.endswith(wanted) else None


@lru_cache(maxsize=200_000)
def is_faintly_alike(first: str, second: str) -> bool:
    """Return whether two words may be one name that was badly heard, such as Iseult and Isolde.

    This is no evidence that two people are one. It is for a search in which the other words agree, and for the
    protection of a person, where a doubt must protect.

    Parameters
    ----------
    first, second : str
        As ``search_words`` returns them.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_faintly_alike("iseult", "isolde"), is_faintly_alike("wojcik", "voychik"), is_faintly_alike("anna", "brian")
    (True, True, False)
    """
    if not first or not second:
        return False
    if name_match(first, second) not in {None, NameMatch.INITIAL} or name_match(second, first) is not None:
        return True
    sounds = heard(first), heard(second)
    if min(map(len, (first, second))) >= SHORTEST_SHORT and first[:SAME_BEGINNING] == second[:SAME_BEGINNING]:
        return True
    return (
        sounds[0][:1] == sounds[1][:1] and JaroWinkler.similarity(*sounds) >= FAINTLY_ALIKE
    ) or JaroWinkler.similarity(first, second) >= ALIKE_ENOUGH
