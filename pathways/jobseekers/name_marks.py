"""Words that offices add to a name to protect a person, such as "Smith (DV)" or "Smith *RESTRICTED*"."""

import re
from typing import NamedTuple

# What is beside a name: in brackets or asterisks, or after a dash, colon, slash or comma.
MARK = re.compile(
    r"[(\[{*!#~<]+\s*(?P<inside>[^()\[\]{}*!#~<>]*?)\s*(?:[)\]}*!#~>]+|$)"
    r"|\s*[\u2010-\u2015:/|,;]\s*(?P<after>.*)$|\s+-+\s*(?P<dash>.*)$"
)
# Words that are no names, so they are recognised without any sign around them.
BARE = re.compile(
    r"\s+(?P<bare>(?:restricted(?: (?:access|record|case))?|confidential|deceased|no contact|dnc|see alert|high risk"
    r"|do not (?:contact|call|share|disclose)|safeguarding|witness protection|marac|mappa)[\s!.]*)$",
    re.IGNORECASE,
)
RESTRICTING = re.compile(
    r"\b(?:restrict(?:ed|ion)|confidential|sensitive|protected|secret|dv|d\.v|domestic|abuse|marac|refuge|witness"
    r"|hidden|do not (?:share|disclose|reveal)|don'?t (?:share|disclose)|safeguarding|stalk\w*|traffick\w*|fgm|hbv"
    r"|forced marriage|honou?r|locked|access limited|vip|staff member)\b"
)
UNREACHABLE = re.compile(
    r"\b(?:do not|don'?t|never|no|not to be) (?:contact(?:ed)?|call(?:ed)?|ring|text|phone|write|visit)\b|\bdnc\b"
)
PROTECTING = re.compile(
    rf"{RESTRICTING.pattern}|{UNREACHABLE.pattern}|"
    r"\b(?:deceased|dec'?d|died|passed away|r\.?i\.?p|risk|alert|warning|caution|violen\w*|aggressi\w*|vulnerable"
    r"|flag(?:ged)?|see (?:notes?|file|alert|warning)|mappa|banned|barred|excluded|no (?:fe)?male\w*|two workers"
    r"|lone work\w*|weapon\w*|exclusion|injunction|court|bail)\b"
)


class MarkedName(NamedTuple):
    """A name without the words that protect, and these words; None if there are none."""

    name: str
    words: str | None = None


def read(name: str) -> MarkedName:
    """Return a name without the protective words beside it. A name of nothing else is returned as it was written."""
    taken: list[str] = []

    def without(found: re.Match[str]) -> str:
        words = next((text for text in found.groupdict().values() if text), "")
        if not PROTECTING.search(words.casefold()):
            return found[0]
        taken.append(words.strip())
        return " "

    rest = BARE.sub(without, MARK.sub(without, name))
    rest = " ".join(rest.split()).strip(" -*,;:/")
    if not taken or not rest:
        return MarkedName(name, name if taken else None)
    return MarkedName(rest, "; ".join(taken))


def restricts(words: str | None) -> bool:
    """Return whether words beside a name say that access to the record is to be restricted."""
    return words is not None and RESTRICTING.search(words.casefold()) is not None


def forbids_contact(words: str | None) -> bool:
    """Return whether words beside a name say that the person must not be contacted."""
    return words is not None and UNREACHABLE.search(words.casefold()) is not None
