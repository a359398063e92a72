"""Compare the names of organisations as people write them: in any case, with or without signs and legal forms."""

import re
from collections.abc import Iterable

from rapidfuzz import fuzz, process

LEGAL_FORMS = re.compile(
    r"\b(?:ltd|limited|cic|c i c|community interest company|cio|plc|llp|inc|the|uk|charity|registered charity)\b"
)
ALMOST = 88  # the lowest likeness, from 0 to 100, at which a name is a spelling of another
LIKE_ENOUGH = 70  # the lowest likeness at which a name is suggested
# Words in the place of an organisation that name none, and words of a person who refers themselves.
NO_ORGANISATION = re.compile(
    r"^(?:n ?a|n ?k|none|nil|no|not applicable|not known|unknown|blank|tbc|tba|as above|same|same as above|see above"
    r"|ours?(?:elves)?|us|own|this organisation|my organisation)?$"
)
SELF = re.compile(
    r"^(?:self|myself|me|self ?refer(?:ral|red|rer|s)?|self ?ref|him ?self|her ?self|them ?sel(?:f|ves))$"
)


def plain_name(name: str) -> str:
    """Return a name in lower case, without accents of punctuation, legal forms or spaces.

    Examples
    --------
    >>> plain_name("Demonstration Job-Centre Ltd."), plain_name("A & B C.I.C.")
    ('demonstrationjobcentre', 'aandb')
    """
    words = _words(name)
    return (LEGAL_FORMS.sub(" ", words) if LEGAL_FORMS.sub(" ", words).strip() else words).replace(" ", "")


def _words(name: str) -> str:
    spelt = name.casefold().replace("&", " and ").replace("'", "").replace("\u2019", "").replace("centers", "centres")
    return " ".join(re.findall(r"\w+", re.sub(r"\bcenter\b", "centre", spelt)))


def names_no_organisation(text: str | None) -> bool:
    """Return whether a text in the place of an organisation names none, such as "n/a" or "-"."""
    return text is None or NO_ORGANISATION.match(_words(text)) is not None


def is_self(text: str | None) -> bool:
    """Return whether a text in the place of an organisation says that the person refers themselves."""
    return text is not None and SELF.match(_words(text)) is not None


def is_almost(first: str, second: str) -> bool:
    """Return whether two names are one name, perhaps with a typing error."""
    return fuzz.ratio(plain_name(first), plain_name(second)) >= ALMOST


def like(name: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like another, or None if none is like it."""
    by_key = {plain_name(other): other for other in names}
    found = process.extractOne(plain_name(name), list(by_key), scorer=fuzz.ratio, score_cutoff=LIKE_ENOUGH)
    return by_key[found[0]] if found else None
