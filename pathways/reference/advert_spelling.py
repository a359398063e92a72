"""Read the words of an advert as a person reads them, however they are spaced, drawn or spelt.

Zero-width characters, accents and letters of other alphabets that look Latin are read as the letter that is seen.
Letters set apart ("w o m e n", "w.o.m.e.n"), a word cut by a hyphen ("wo-men"), figures and signs for letters
("w0m@n") and the spellings of ``advert_spellings.csv`` are read as the word that is meant. A word in a near spelling
counts only if the table lists the word for it, and ordinary words that are as near are listed there as exceptions.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rapidfuzz.distance import DamerauLevenshtein

from pathways.reference import tables

TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
# A word in which signs stand for letters. An address such as sam@lads.example is none: a dot follows in it.
DISGUISED = re.compile(
    r"(?<![\w@.])(?=(?:[0-9@$!|]*[a-z]){2})[a-z0-9@$!|]*[0-9@$!|][a-z0-9@$!|]*[a-z0-9](?![\w@]|\.\w)"
)
SIGNS = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "|": "l"}
)
APOSTROPHES = "\u2018\u2019\u02bc\u00b4`"
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
GROUPS = ("nation", "people", "country", "religion", "condition", "article")  # what names() knows
SYMBOLS = {"\u2640": "female", "\u2642": "male"}
SPACED = re.compile(r"(?<![a-z0-9'])[a-z0-9](?:([ .,_*/-]{1,3})[a-z0-9])(?:\1[a-z0-9])+(?![a-z0-9'])")
MORE_APART = re.compile(r"(?<![a-z0-9'])[a-z](?:[ .,_*/|-]{1,3}[a-z]){2,}(?![a-z0-9'])")
CUT = re.compile(r"(?<![a-z0-9-])[a-z]{1,12}(?:[-\u2010-\u2015_*/.][a-z]{1,12}){1,11}(?![a-z0-9-])")
REPEATED = re.compile(r"(.)\1{2,}")
FEWEST_APART = 3  # letters set apart that make a word
SHORTEST_NEAR = 5  # letters of a word that may be spelt nearly
Spelt = tuple[tuple[str, ...], int, int]  # the forms in which a word may be meant, and where it begins and ends


@dataclass(frozen=True)
class Meant:
    """The words that an advert may mean: all words of the phrases, and the words that a spelling means."""

    vocabulary: frozenset[str]
    spellings: dict[str, str]
    near: tuple[str, ...]
    ordinary: frozenset[str]

    def forms(self, word: str) -> tuple[str, ...]:
        """Return a word, and the word that it means if it is spelt in another way."""
        if word in self.vocabulary or word in self.ordinary or not word.isascii():
            return (word,)
        for stem, ending in ((word, ""), (word.removesuffix("'s"), ""), (word.removesuffix("s"), "s")):
            if stem in self.spellings:
                return (word, self.spellings[stem] + ending, self.spellings[stem])
        once = REPEATED.sub(r"\1", word)
        twice = REPEATED.sub(r"\1\1", word)
        for other in (once, twice):
            if other != word and other in self.vocabulary:
                return (word, other)
        found = self._near(word)
        return (word, found) if found else (word,)

    def _near(self, word: str) -> str | None:
        if len(word) < SHORTEST_NEAR or not word.isalpha():
            return None
        bases = {word, word.removesuffix("s")} - self.ordinary
        if len(bases) < len({word, word.removesuffix("s")}):
            return None
        return next(
            (
                one
                for one in self.near
                if any(
                    base[0] == one[0] and DamerauLevenshtein.distance(base, one, score_cutoff=1) <= 1 for base in bases
                )
            ),
            None,
        )


@lru_cache(maxsize=4)
def meant(reading: tuple[Path, int]) -> Meant:  # noqa: ARG001 - part of the key
    """Return the words that adverts may mean, from the tables of words and of spellings."""
    rows = tables.rows("advert_spellings")
    parts = {
        word
        for row in tables.rows("advert_words")
        for phrase in row["phrases"].split(";")
        for part in phrase.split()
        for word in part.split("|")
        if not word.startswith("@")
    } | {name for kind in GROUPS for name in names(kind)}
    return Meant(
        vocabulary=frozenset(parts | {row["word"] for row in rows}),
        spellings={spelling: row["word"] for row in rows for spelling in row["spelt"].split("|") if spelling},
        near=tuple(row["word"] for row in rows if row["near"] == "yes"),
        ordinary=frozenset(word for row in rows for word in row["unless"].split("|") if word),
    )


@lru_cache(maxsize=20)
def _names(kind: str, reading: tuple[Path, int]) -> frozenset[str]:  # noqa: ARG001 - part of the key
    column = kind if kind in {"people", "country"} else "name"
    kinds = {"nation", "people"} if column == kind else {kind}
    return frozenset(row[column] for row in tables.rows("group_names") if row[column] and row["kind"] in kinds)


def names(kind: str) -> frozenset[str]:
    """Return the names of a kind in ``group_names.csv``, one of ``GROUPS``: nations, religions, things and so on."""
    return _names(kind, tables.reading_of("group_names"))


@lru_cache(maxsize=4)
def _lookalikes(reading: tuple[Path, int]) -> dict[str, str]:  # noqa: ARG001 - part of the key
    return {chr(int(row["code"].removeprefix("U+"), 16)): row["latin"] for row in tables.rows("lookalike_letters")}


def plain(text: str) -> str:
    r"""Return a text in lower case as it is seen: without accents and invisible characters, in Latin letters.

    >>> plain("W\u200bom\u0435n, Jos\u00e9")
    'women, jose'
    """
    return "".join(_seen(text)[0])


def _written(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the characters of a text and their places. An entity of HTML, such as ``&#101;``, is one character."""
    after = 0
    for entity in ENTITY.finditer(text):
        yield from ((text[place], place, place + 1) for place in range(after, entity.start()))
        yield from ((character, entity.start(), entity.end()) for character in html.unescape(entity[0]))
        after = entity.end()
    yield from ((text[place], place, place + 1) for place in range(after, len(text)))


def _seen(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the characters that are seen, and for each the places in the text between which it was written."""
    lookalikes = _lookalikes(tables.reading_of("lookalike_letters"))
    seen: list[str] = []
    places: list[tuple[int, int]] = []
    for character, starts, ends in _written(text):
        if character in APOSTROPHES:
            letters = "'"
        elif character in SYMBOLS:
            letters = f" {SYMBOLS[character]} "
        elif unicodedata.category(character) in {"Cf", "Mn", "Me"} or character in "\u115f\u1160\u3164\uffa0\u2800":
            continue
        else:
            letters = unicodedata.normalize("NFKD", character).lower()
        for letter in letters:
            if unicodedata.combining(letter) == 0:
                seen.append(lookalikes.get(letter, " " if letter.isspace() else letter))
                places.append((starts, ends))
    return seen, places


def words(text: str, known: Meant) -> list[Spelt]:
    """Return the words of a text, each with its forms and with its place in the text as it was written."""
    seen, places = _seen(text)
    read = "".join(seen)
    joined = _joined(read, known)
    covered = {place for _, starts, ends in joined for place in range(starts, ends)}
    single = [
        (known.forms(found[0]), found.start(), found.end())
        for found in TOKEN.finditer(read)
        if found.start() not in covered
    ]
    return [
        (forms, places[starts][0], places[ends - 1][1])
        for forms, starts, ends in sorted([*single, *joined], key=lambda one: one[1])
    ]


def _joined(read: str, known: Meant) -> list[Spelt]:
    """Return the words that are written apart or with signs, if the table has the word. No two overlap."""
    found: list[Spelt] = []

    def add(forms_at: Sequence[Spelt]) -> None:
        for one in forms_at:
            if not any(one[1] < ends and starts < one[2] for _, starts, ends in found):
                found.append(one)

    for pattern in (SPACED, MORE_APART):
        for match in pattern.finditer(read):
            add(list(_apart(match, known)))
    for match in CUT.finditer(read):
        word = re.sub(r"[^a-z]", "", match[0])
        if word in known.vocabulary and not any(part in known.vocabulary for part in re.split(r"[^a-z]", match[0])):
            add([((word,), match.start(), match.end())])
    for match in DISGUISED.finditer(read):
        word = match[0].translate(SIGNS)
        forms = known.forms(word)
        if (word in known.vocabulary or len(forms) > 1) and not match[0].isdigit():
            add([(forms, match.start(), match.end())])
    return found


def _apart(match: re.Match[str], known: Meant) -> Iterator[Spelt]:
    """Yield the words of letters that are set apart. Without gaps between words, the longest known word is read."""
    letters = [(letter, match.start() + n) for n, letter in enumerate(match[0]) if letter.isalnum()]
    first = 0
    while first < len(letters):
        for after in range(len(letters), first + FEWEST_APART - 1, -1):
            word = "".join(letter for letter, _ in letters[first:after])
            forms = known.forms(word)
            if word in known.vocabulary or len(forms) > 1:
                yield forms, letters[first][1], letters[after - 1][1] + 1
                first = after
                break
        else:
            first += 1
