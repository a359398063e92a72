"""Which of the telephone numbers in a text is current, by the words beside them, as in "old 07700 900711 new ..."."""

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

CURRENT = re.compile(
    r"\b(?:new(?:er|est)?|now|current(?:ly)?|latest|changed to|instead|(?:please )?use(?: this)?|best|correct)\b"
)
PAST = re.compile(
    r"\b(?:old|former(?:ly)?|previous(?:ly)?|prev|was|used to|no longer|lost|stolen|dead|broken|disconnected|cancelled"
    r"|canceled|expired|wrong|incorrect|out of (?:use|service|date)|sold|not (?:in use|working|his|hers?|theirs|correct"
    r"|current|valid|this|used)|does ?n[o']?t work|do(?: not|n'?t) (?:use|call|ring|text|phone|contact|dial)(?: this)?"
    r"|never (?:use|call|ring|text)|until|ex|ex-?(?:partner|husband|wife|boyfriend|girlfriend)?'?s|barred|blocked)\b"
)
# A refusal right before a number; "do not leave a message: 07700 ..." does not refuse the number.
REFUSED = re.compile(
    r"\b(?:not|isn'?t|never|do(?: not|n'?t) (?:use|call|ring|text|phone|contact|dial))(?: on)?(?: (?:his|her|their|the"
    r"|this|mobile|phone|number|no|mob|tel|home|landline|work)\b)*[\s:.,(\u2013-]*$"
)
# A refusal right after a number ends there: "do not call after 6pm" is about the hour.
NO_LIMIT = re.compile(r"^\W*(?:(?:this|it|number|any ?more|now|please)\W*)*(?:$|[),;.!/|])")
REFUSING_VERB = re.compile(r"^(?:do|never|until|ex$)")
BREAK = re.compile(r"[;,/|)\]\n]|\s[-\u2013]\s|\band\b|\bbut\b")


class NumberInText(NamedTuple):
    """A telephone number in international form, and where it begins and ends in its text."""

    number: str
    start: int
    end: int


def current(line: str, numbers: Sequence[NumberInText]) -> NumberInText | None:
    """Return the number that the words of a line call current, or the first that they do not call old.

    ``numbers`` are in the order of the line. None means that the words leave open which number is current, or that all
    numbers are old or refused.
    """
    words = _words_around(line.casefold(), numbers)
    if words is None:
        return None
    kept, chosen = [], []
    for number, (before, after) in zip(numbers, words, strict=True):
        if _is_past(before, after):
            continue
        kept.append(number)
        if CURRENT.search(before) or CURRENT.search(after):
            chosen.append(number)
    if len({number.number for number in chosen}) > 1:
        return None
    return next(iter(chosen or kept), None)


def _is_past(before: str, after: str) -> bool:
    if REFUSED.search(before):
        return True
    if any(not REFUSING_VERB.match(found[0]) or found[0].startswith("ex") for found in PAST.finditer(before)):
        return True
    for found in PAST.finditer(after):
        if not REFUSING_VERB.match(found[0]) or NO_LIMIT.match(after[found.end() :]):
            return True
    return False


def _words_around(line: str, numbers: Sequence[NumberInText]) -> list[tuple[str, str]] | None:
    """Return the words about each number, before and after it; None if it is open which number they are about."""
    first, last = line[: numbers[0].start], line[numbers[-1].end :]
    before, after = [first], []
    for number, following in itertools.pairwise(numbers):
        gap = line[number.end : following.start]
        breaks = list(BREAK.finditer(gap))
        if breaks:
            after.append(gap[: breaks[0].start()])
            before.append(gap[breaks[0].end() :])
        elif not PAST.search(gap) or _says_when(first):
            after.append("")
            before.append(gap)
        elif _says_when(last):
            after.append(gap)
            before.append("")
        elif REFUSED.search(gap):
            after.append("")
            before.append(gap)
        else:
            return None
    after.append(last)
    return list(zip(before, after, strict=True))


def _says_when(words: str) -> bool:
    return CURRENT.search(words) is not None or PAST.search(words) is not None
