"""Find wording of an advert that the law forbids or that a caseworker must see, by whole words and their inflections.

The phrases are rows of ``advert_words.csv``, and the words that name roles are rows of ``dbs_roles.csv``. What is said
in another order of words is found by ``advert_sentences``. In a phrase, ``a|b`` is either word, ``*`` any word, ``#``
a number, ``#s`` a number such as 25s, ``#age`` a number that can be an age, also in words, and ``#year`` a year.
``@nation``, ``@people``, ``@country``, ``@religion``, ``@condition`` and ``@article`` (things and animals) are words
of ``group_names.csv``. ``~conviction`` is this word, or one of eight letters or more that differs by one slip of the
finger. A word also matches its plural and its possessive form. A beginning of a word never matches:
"caretaker" is not "care".
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from pathlib import Path

from rapidfuzz.distance import DamerauLevenshtein

from pathways import fields
from pathways.base import local_day, utc_now
from pathways.reference import advert_sentences, advert_spelling, tables

NUMBERS = {
    "#": re.compile(r"\d+"),
    "#s": re.compile(r"\d+s"),
    "#age": re.compile(r"1[4-9]|[2-8]\d|(?:six|seven|eigh|nine)teen|twenty|thirty|forty|fifty|sixty|seventy"),
    "#year": re.compile(r"(?:19|20)\d\d"),
    "*": re.compile(r".+"),
}
NUMBER_PARTS = frozenset(NUMBERS)
ENDS = re.compile(r"\b(previous|inside)\s*(?:[.,;:!?)/\n]|[-\u2013\u2014](?=\s)|$)", re.IGNORECASE)
SHORTEST_NEAR = 8  # a word of fewer letters differs by one letter from too many other words
SHORT = 3  # a word of at most this length, such as "gas" or "his", is not taken for a plural


class WordingNeed(StrEnum):
    """What has to happen before a placement with this wording is published."""

    NOTE = "note"  # nothing: a caseworker should see the wording
    CONFIRMATION = "confirmation"  # a person confirms it, and gives a reason if an exception is claimed
    CHANGE = "change"  # the law has no exception: the wording must go, unless it means something else
    REMOVAL = "removal"  # the wording has one meaning, and the law has no exception: it must go
    DBS_LEVEL = "dbs level"  # the level of DBS check must be stated


@dataclass(frozen=True, slots=True)
class AdvertWords:
    """Words found in an advert, the law, why they matter and what to do."""

    words: str
    kind: str
    needs: WordingNeed
    law: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a text in each form in which it may be meant, and its position in the text as it was written."""

    forms: frozenset[str]
    starts: int
    ends: int


Phrase = tuple[frozenset[str], ...]


def stem(word: str) -> str:
    """Return a word without a possessive and plural ending.

    >>> [stem(word) for word in ("waitresses", "ladies", "woman's", "boss", "nurses", "25s", "his")]
    ['waitress', 'lady', 'woman', 'boss', 'nurse', '25s', 'his']
    """
    word = word.removesuffix("'s").replace("'", "")
    if len(word) <= SHORT or word[0].isdigit() or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word.removesuffix("s")


def _words(text: str) -> list[_Word]:
    """Return the words of a text, read as a person reads them: without the tricks that hide a word from a program."""
    meant = advert_spelling.meant(tables.reading_of("advert_spellings"))
    return [
        _Word(frozenset(form for one in forms for form in (one, stem(one))), starts, ends)
        for forms, starts, ends in advert_spelling.words(text, meant)
    ]


def _phrase(text: str) -> Phrase:
    return tuple(
        frozenset(meant for word in part.split("|") for meant in _named(word)) for part in text.lower().split()
    )


def _named(word: str) -> Iterable[str]:
    """Return the words that a part of a phrase stands for: the names of ``group_names.csv``, or the word's stem."""
    if word.startswith("~"):
        return (word,)
    if not word.startswith("@"):
        return (stem(word),)
    return advert_spelling.names(word.removeprefix("@"))


@lru_cache(maxsize=20_000)
def _open_parts(part: frozenset[str]) -> tuple[tuple[re.Pattern[str], ...], tuple[str, ...]]:
    """Return what a part of a phrase stands for beside its words: numbers, and words that may be misspelt."""
    return (
        tuple(NUMBERS[name] for name in sorted(part & NUMBER_PARTS)),
        tuple(name[1:] for name in sorted(part) if name.startswith("~")),
    )


def _fits(part: frozenset[str], word: _Word) -> bool:
    if not word.forms.isdisjoint(part):
        return True
    numbers, near = _open_parts(part)
    return any(pattern.fullmatch(form) for pattern in numbers for form in word.forms) or any(
        _is_slip_of(form, name) for name in near for form in word.forms
    )


def _is_slip_of(form: str, word: str) -> bool:
    return len(form) >= min(SHORTEST_NEAR, len(word)) and DamerauLevenshtein.distance(form, word, score_cutoff=1) <= 1


class _Phrases:
    """Phrases by the words with which they begin, so that a word of a text is compared with few of them."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self._beginning_with: dict[str, list[Phrase]] = defaultdict(list)
        self._with_open_beginning: list[Phrase] = []
        for phrase in phrases:
            if any(_open_parts(phrase[0])):
                self._with_open_beginning.append(phrase)
            else:
                for word in phrase[0]:
                    self._beginning_with[word].append(phrase)

    def spans(self, words: Sequence[_Word]) -> set[tuple[int, int]]:
        """Return where phrases stand in the words: the number of the first word, and of the word after the last."""
        return {
            (first, first + len(phrase))
            for first, word in enumerate(words)
            for phrase in chain(self._with_open_beginning, *(self._beginning_with.get(form, ()) for form in word.forms))
            if first + len(phrase) <= len(words) and all(_fits(part, words[first + n]) for n, part in enumerate(phrase))
        }


@dataclass(frozen=True)
class _Entry:
    """A row of a table of words: its phrases, and the longer phrases in which they mean something else."""

    phrases: _Phrases
    unless: _Phrases
    row: dict[str, str]
    first_words: frozenset[str]
    has_near: bool  # whether a phrase begins with a word that may be misspelt

    def found_in(self, words: Sequence[_Word]) -> list[tuple[int, int]]:
        """Return where the phrases stand, but not within a longer one or touching an ``unless`` phrase."""
        spans = self.phrases.spans(words)
        if not spans:
            return []
        excused = self.unless.spans(words)
        kept = {(a, b) for a, b in spans if not any(c < b and a < d for c, d in excused)}
        return sorted(s for s in kept if not any(o != s and o[0] <= s[0] and s[1] <= o[1] for o in kept))


@lru_cache(maxsize=20)
def _entries(table: str, column: str, reading: tuple[Path, int]) -> tuple[_Entry, ...]:  # noqa: ARG001 - part of the key
    def phrases(text: str) -> tuple[Phrase, ...]:
        return tuple(_phrase(one) for one in (text or "").split(";") if one.strip())

    def entry(row: dict[str, str]) -> _Entry:
        wanted = phrases(row[column])
        first = frozenset(word for phrase in wanted for word in phrase[0])
        has_near = any(word.startswith("~") for word in first)
        return _Entry(_Phrases(wanted), _Phrases(phrases(row.get("unless") or "")), row, first, has_near)

    return tuple(entry(row) for row in tables.rows(table))


def rows_found(table: str, column: str, text: str, on: date) -> list[dict[str, str]]:
    """Return the rows of a table, in force on a day, of which a phrase stands in a text."""
    words = _words(text)
    entries = _entries(table, column, tables.reading_of(table))
    return [entry.row for entry in entries if entry.row["from"] <= on.isoformat() and entry.found_in(words)]


def words_left(table: str, column: str, text: str, on: date, besides: Iterable[str]) -> tuple[set[str], list[str]]:
    """Return the values of ``group`` of the rows found in a text, and the words that no phrase and none besides has."""
    words, covered, groups = _words(text), set[int](), set[str]()
    for entry in _entries(table, column, tables.reading_of(table)):
        if entry.row["from"] <= on.isoformat():
            spans = entry.found_in(words)
            covered |= {place for first, after in spans for place in range(first, after)}
            groups |= {entry.row["group"]} if spans else set()
    known = frozenset(besides)
    return groups, [text[w.starts : w.ends] for n, w in enumerate(words) if n not in covered and not w.forms & known]


def names_a_role(text: str, levels: Iterable[str], on: date) -> bool:
    """Return whether a text names a role that allows a DBS check of one of these levels, by ``dbs_roles.csv``."""
    wanted = frozenset(levels)
    return any(row["level"] in wanted for row in rows_found("dbs_roles", "word", text, on))


def speaks_of_convictions(text: str, on: date) -> bool:
    """Return whether a text speaks of convictions, by ``conviction_words.csv``, so that fewer people may read it.

    In that table the word ``endofphrase`` is the end of the text or of a part of a sentence: "has previous." is not
    "has previous experience".
    """
    return _speaks_of_convictions(text, on, tables.reading_of("conviction_words"))


@lru_cache(maxsize=4096)
def _speaks_of_convictions(text: str, on: date, reading: tuple[Path, int]) -> bool:
    words = _words(ENDS.sub(r"\1 endofphrase ", text))
    stems = {form for word in words for form in word.forms}
    return any(
        entry.row["from"] <= on.isoformat()
        and (entry.first_words & (stems | NUMBER_PARTS) or entry.has_near)
        and entry.found_in(words)
        for entry in _entries("conviction_words", "word", reading)
    )


fields.decide_by_words(fields.Group.CONVICTIONS, lambda text: speaks_of_convictions(text, local_day(utc_now())))


def in_advert(texts: Iterable[str | None], on: date, *, is_paid: bool) -> tuple[AdvertWords, ...]:
    """Return the wording of an advert that the law forbids or that a caseworker must see, each wording once.

    ``is_paid`` says whether the kind of placement must be paid. Some wording, such as "unpaid trial", matters only
    there. A phrase never reaches from one text into the next.
    """
    return found(tuple(text for text in texts if text), on, tables.reading_of("advert_words"), is_paid=is_paid)


@lru_cache(maxsize=4096)
def found(texts: tuple[str, ...], on: date, reading: tuple[Path, int], *, is_paid: bool) -> tuple[AdvertWords, ...]:
    """Return what ``in_advert`` returns. Cached, because a list of placements asks for the same adverts again."""
    findings: dict[tuple[str, str], AdvertWords] = {}
    for text in texts:
        words = _words(text)
        listed = [one for one in _listed(words, on, reading) if is_paid or one[0]["only_paid"] != "yes"]
        asked = {(row["kind"], n) for row, a, b in listed if row["needs"] != WordingNeed.NOTE for n in range(a, b)}
        told = [
            (row, first, after)
            for row, first, after in advert_sentences.said(text, [(w.forms, w.starts, w.ends) for w in words], on)
            if (is_paid or row["only_paid"] != "yes")
            and not any((row["kind"], n) in asked for n in range(first, after))
        ]
        for row, first, after in (*listed, *told):
            named = text[words[first].starts : words[after - 1].ends]
            needs = WordingNeed(row["needs"])
            finding = AdvertWords(named, row["kind"], needs, row["law"], row["reason"], row["remedy"])
            findings.setdefault((row["kind"], advert_spelling.plain(named)), finding)
    return tuple(findings.values())


def _listed(words: Sequence[_Word], on: date, reading: tuple[Path, int]) -> list[advert_sentences.Said]:
    """Return the rows of ``advert_words.csv`` whose phrases stand in a text, and where."""
    stems = {form for word in words for form in word.forms}
    has_number = any(form[0].isdigit() or NUMBERS["#age"].fullmatch(form) for form in stems)
    return [
        (entry.row, first, after)
        for entry in _entries("advert_words", "phrases", reading)
        if entry.row["from"] <= on.isoformat()
        and (entry.first_words & stems or (has_number and entry.first_words & NUMBERS.keys()))
        for first, after in entry.found_in(words)
    ]
