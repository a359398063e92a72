"""Find sentences of an advert that say who may not apply, in any order of their words, and the like about pay and care.

``advert_groups.csv`` names the groups: ``noun`` is a word for people ("pensioners"), ``like`` a word that describes
them ("deaf"), ``thing`` something that they have ("a disability"). ``advert_sentences.csv`` has the forms in which a
sentence speaks of a group. A form is a list of patterns. In a pattern, ``a|b`` is either word, ``<form>`` is another
form, ``?`` after a part makes it optional, ``*`` lets it stand up to six times, ``!`` before it says that it may not
follow, ``^`` and ``$`` are the ends of a sentence or of a part of it, and ``#age``, ``#s`` and ``#`` are numbers. The
forms called ``finding`` are what is looked for; ``unless`` holds longer patterns in which they are harmless.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

from pathways.reference import advert_spelling, tables

AGE = re.compile(r"1[4-9]|[2-8]\d|(?:six|seven|eigh|nine)teen|twenty|thirty|forty|fifty|sixty|seventy")
SENTENCE_ENDS = re.compile(r"[!?;\n\r\u2022]|\.(?![\w])")
PAUSES = re.compile(r"[,:()/\[\]|*\u2013\u2014]|(?<=\s)-|-(?=\s)")
GROUP_FORMS = {"noun": "\ue000", "like": "\ue001", "thing": "\ue002"}  # the marks of words for a group
TIMES = {"?": "?", "*": "{0,6}"}  # how often a part may stand; without a limit, a long text could take very long
FIRST_MARK = 0xE003  # of the letters that Unicode leaves to private use
UNKNOWN = "?"  # a word of no list
Said = tuple[dict[str, str], int, int]  # the row of advert_groups.csv, the first word, and the word after the last
Place = tuple[frozenset[str], int, int]  # a word in each form in which it may be meant, and where it stands


@dataclass(frozen=True, slots=True)
class _SentencePatterns:
    """What is looked for, or what is harmless: in the words alone, and in those with the names of a group joined."""

    plain: tuple[re.Pattern[str], ...]
    of_groups: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class _GroupPatterns:
    """A row of ``advert_groups.csv``, the expressions of its names by their mark, and what sentences say about it."""

    row: dict[str, str]
    names: dict[str, re.Pattern[str]]
    wanted: _SentencePatterns
    unless: _SentencePatterns


@dataclass(frozen=True)
class _Grammar:
    """The patterns of all groups in force, and for each word the marks of its lists."""

    groups: tuple[_GroupPatterns, ...]
    marks: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, or the words of one name of a group: their marks, where they stand, and whether a pause comes before."""

    marks: str
    first: int
    after: int
    has_pause: bool


def said(text: str, words: Sequence[Place], on: date) -> list[Said]:
    """Return what the sentences of a text say about groups: the row of the group, and the numbers of the words."""
    reading = (tables.reading_of("advert_sentences"), tables.reading_of("advert_groups"))
    grammar = _grammar(_last_change(on, reading), (*reading, tables.reading_of("group_names")))
    found: list[Said] = []
    for first, after in _sentences(text, words):
        sentence = _Line(_read(text, words, range(first, after), grammar.marks))
        for group in grammar.groups:
            found += [(group.row, *span) for span in _spans(group, sentence)]
    return found


@lru_cache(maxsize=1000)
def _last_change(on: date, reading: tuple[tuple[Path, int], ...]) -> str:  # noqa: ARG001 - part of the key
    """Return the first day of the newest rows in force, so that days with the same rows share their patterns."""
    begun = [row["from"] for table in ("advert_sentences", "advert_groups") for row in tables.rows(table)]
    return max((day for day in begun if day <= on.isoformat()), default="")


def _sentences(text: str, words: Sequence[Place]) -> Iterator[tuple[int, int]]:
    first = 0
    for n in range(1, len(words) + 1):
        if n == len(words) or SENTENCE_ENDS.search(text[words[n - 1][2] : words[n][1]]):
            yield first, n
            first = n


def _read(text: str, words: Sequence[Place], numbers: range, marks: Mapping[str, str]) -> list[_Token]:
    """Return the words of one sentence as their marks."""
    return [
        _Token(
            _marks_of(words[n][0], marks),
            n,
            n + 1,
            n > numbers.start and PAUSES.search(text[words[n - 1][2] : words[n][1]]) is not None,
        )
        for n in numbers
    ]


def _marks_of(forms: frozenset[str], marks: Mapping[str, str]) -> str:
    """Return the marks of a word in each form in which it may be meant, and as a number."""
    found = [marks[form] for form in sorted(forms) if form in marks]
    for form in sorted(forms):
        if AGE.fullmatch(form):
            found.append(marks.get("#age", ""))
        elif form[0].isdigit():
            found.append(marks.get("#s" if re.fullmatch(r"\d+s", form) else "#", ""))
    return "".join(found) or UNKNOWN


class _Line:
    """Tokens as one line with a comma where it pauses. What each expression finds in it is looked for once."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self.tokens = tokens
        self.text = ""
        self.starts: list[int] = []  # where in the line each token begins
        for token in tokens:
            self.text += ", " if token.has_pause else ""
            self.starts.append(len(self.text))
            self.text += f"{token.marks} "
        self._found: dict[re.Pattern[str], set[tuple[int, int]]] = {}

    def places(self, patterns: Iterable[re.Pattern[str]]) -> set[tuple[int, int]]:
        """Return where the patterns stand: the first word, and the word after the last."""
        return {place for pattern in patterns for place in self._places(pattern)}

    def _places(self, pattern: re.Pattern[str]) -> set[tuple[int, int]]:
        if pattern not in self._found:
            spans = {found.span() for found in pattern.finditer(self.text) if found[0].strip(", ")}
            self._found[pattern] = {
                (
                    self.tokens[bisect_left(self.starts, a)].first,
                    self.tokens[bisect_left(self.starts, b) - 1].after,
                )
                for a, b in spans
            }
        return self._found[pattern]


def _with_names(group: _GroupPatterns, line: _Line) -> _Line | None:
    """Return the line with each name of the group, the longest first, as one token. None if no name is there."""
    tokens, starts = line.tokens, line.starts
    named: dict[tuple[int, int], str] = {}
    for mark, pattern in group.names.items():
        for n, at in enumerate(starts):
            if name := pattern.match(line.text, at):
                after = bisect_left(starts, name.end())
                named[n, after] = named.get((n, after), "") + mark
    taken: dict[int, tuple[int, str]] = {}
    free = set(range(len(tokens)))
    for (n, after), marks in sorted(named.items(), key=lambda one: (one[0][0] - one[0][1], one[0])):
        if free.issuperset(range(n, after)):
            free -= set(range(n, after))
            taken[n] = (after, marks)
    if not taken:
        return None
    kept = free | taken.keys()
    return _Line([_joined(tokens, n, *taken[n]) if n in taken else tokens[n] for n in range(len(tokens)) if n in kept])


def _joined(tokens: Sequence[_Token], n: int, after: int, marks: str) -> _Token:
    own = tokens[n].marks if after == n + 1 else ""
    return _Token(own + marks, tokens[n].first, tokens[after - 1].after, tokens[n].has_pause)


def _spans(group: _GroupPatterns, sentence: _Line) -> list[tuple[int, int]]:
    """Return what is said of a group in a sentence: the first word, and the word after the last."""
    joined = _with_names(group, sentence)

    def places(patterns: _SentencePatterns) -> set[tuple[int, int]]:
        plain = sentence.places(patterns.plain)
        return plain | joined.places(patterns.of_groups) if joined else plain

    spans = places(group.wanted)
    if not spans:
        return []
    harmless = places(group.unless)
    kept = {(a, b) for a, b in spans if not any(c < b and a < d for c, d in harmless)}
    return sorted(s for s in kept if not any(o != s and o[0] <= s[0] and s[1] <= o[1] for o in kept))


@lru_cache(maxsize=8)
def _grammar(on: str, reading: tuple[tuple[Path, int], ...]) -> _Grammar:  # noqa: ARG001 - part of the key
    sentences = [row for row in tables.rows("advert_sentences") if row["from"] <= on]
    compiler = _Compiler()
    for row in sentences:
        compiler.forms.setdefault(row["form"], []).extend(_listed(row["patterns"]))
    findings = [row for row in sentences if row["form"] == "finding"]
    made = [
        (row["kinds"], compiler.made(_listed(row["patterns"])), compiler.made(_listed(row["unless"])))
        for row in findings
    ]
    groups = []
    for row in tables.rows("advert_groups"):
        if row["from"] <= on:
            mine = [one for one in made if row["kind"] in one[0].split("|") or (not one[0] and row["like"])]
            names = {
                mark: re.compile(compiler.either(_listed(row[name]))) for name, mark in GROUP_FORMS.items() if row[name]
            }
            groups.append(
                _GroupPatterns(row, names, _together(wanted for _, wanted, _ in mine), _together(no for *_, no in mine))
            )
    return _Grammar(tuple(groups), compiler.marks())


def _together(patterns: Iterable[_SentencePatterns]) -> _SentencePatterns:
    known = list(patterns)
    return _SentencePatterns(
        tuple(one for some in known for one in some.plain), tuple(one for some in known for one in some.of_groups)
    )


def _listed(patterns: str | None) -> list[str]:
    return [one.strip() for one in (patterns or "").split(";") if one.strip()]


@dataclass
class _Compiler:
    """Makes regular expressions of patterns. A list of words is one mark, and ``lists`` notes the mark of each."""

    forms: dict[str, list[str]] = field(default_factory=dict)
    lists: dict[frozenset[str], str] = field(default_factory=dict)

    def made(self, patterns: Sequence[str]) -> _SentencePatterns:
        """Return patterns as expressions that begin at the beginning of a word."""
        plain, of_groups = list[str](), list[str]()
        for pattern in patterns:
            expression = self._one(pattern)
            speaks_of_groups = any(mark in expression for mark in GROUP_FORMS.values())
            (of_groups if speaks_of_groups else plain).append(expression)
        whole = [(re.compile(rf"(?:\A|(?<= ))(?:{'|'.join(some)})"),) if some else () for some in (plain, of_groups)]
        return _SentencePatterns(*whole)

    def marks(self) -> dict[str, str]:
        """Return for each word of the patterns the marks of its lists."""
        marks: dict[str, str] = {}
        for words, mark in self.lists.items():
            for word in words:
                marks[word] = marks.get(word, "") + mark
        return marks

    def either(self, patterns: Sequence[str]) -> str:
        """Return an expression for any of some patterns, the longest first."""
        words = [one for one in patterns if re.fullmatch(r"[a-z@#]+", one)]
        longer = sorted((one for one in patterns if one not in words), key=lambda one: -len(one.split()))
        made = [self._one(pattern) for pattern in longer] + ([self._word("|".join(words))] if words else [])
        return f"(?:{'|'.join(made)})"

    def _one(self, pattern: str) -> str:
        return "".join(self._part(part) for part in pattern.split())

    def _part(self, part: str) -> str:
        if part == "^":
            return r"(?:\A|(?<=, ))"
        if part == "$":
            return r"(?:(?<=, )|\Z)"
        if part.startswith("!"):
            return f"(?!{self._word(part[1:])})"
        if part[-1] in TIMES:
            return f"(?:{self._word(part[:-1])}){TIMES[part[-1]]}"
        return self._word(part)

    def _word(self, part: str) -> str:
        choices = part.split("|")
        inner = [self._form(one[1:-1]) for one in choices if one.startswith("<")]
        words = frozenset(name for one in choices if not one.startswith("<") for name in _named(one))
        if words:
            inner.append(_marked(self.lists.setdefault(words, chr(FIRST_MARK + len(self.lists)))))
        return f"(?:{'|'.join(inner)})"

    def _form(self, name: str) -> str:
        return _marked(GROUP_FORMS[name]) if name in GROUP_FORMS else self.either(self.forms[name])


def _marked(mark: str) -> str:
    return f"[^ ,]*{mark}[^ ,]* (?:, )?"


def _named(word: str) -> frozenset[str]:
    return advert_spelling.names(word[1:]) if word.startswith("@") else frozenset({word})
