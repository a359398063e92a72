"""Flag the benefits that work may affect, so that a benefits adviser checks them. A flag removes no placement."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rapidfuzz.fuzz import ratio

from matching.pairs.text import normalise

OVER = "This placement is over the limit."
MAYBE_OVER = "The hours or the pay of this placement, or the limit, are not known: ask before the start."
NOT_UNDERSTOOD = "This benefit was not understood. Ask which one it is, and ask a benefits adviser before work starts."
SHORT = 3  # letters of a word that has no plural ending
LONG = 10  # letters of a name that may have a slip
ALIKE = 88  # of 100, how alike two names are that differ by a slip


@dataclass(frozen=True, slots=True)
class BenefitRule:
    """What one benefit asks of people who work, from the reference tables.

    Parameters
    ----------
    benefit : str
    names : frozenset of str
        Names and abbreviations of the benefit, in lower case.
    hours_under : float or None
        The weekly hours must be fewer than this number. None means no limit.
    pence_a_week : int or None
        The weekly earnings in pence must not exceed this number. None means no limit.
    text : str
        What the adviser should check before any paid work.
    unpaid_text : str
        What the adviser should check before work that is known to be unpaid. Empty: such work is not flagged.
    unpaid_source : str
        Where ``unpaid_text`` comes from.
    source : str
        Where the text and the limits come from.
    since : date or None
        The first day of the text and the limits.
    has_unknown_limit : bool
        Whether there is a limit of which no figure is known, so that work may always be over it.
    """

    benefit: str
    names: frozenset[str]
    hours_under: float | None
    pence_a_week: int | None
    text: str
    unpaid_text: str = ""
    unpaid_source: str = ""
    source: str = ""
    since: date | None = None
    has_unknown_limit: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """A benefit that an adviser should check before work starts.

    Parameters
    ----------
    benefit, text : str
    is_over_limit : bool or None
        Whether the work breaks a limit of the benefit. None if the hours or the pay are not known.
    source : str
    since : date or None
        The first day of the figures that were compared.
    """

    benefit: str
    text: str
    is_over_limit: bool | None = False
    source: str = ""
    since: date | None = None


def flags(
    benefits: Iterable[str],
    rules: Iterable[BenefitRule],
    *,
    hours: float | None,
    pence_an_hour: int | None,
) -> tuple[Flag, ...]:
    """Return the benefits that an adviser should check for one jobseeker and one placement.

    Parameters
    ----------
    benefits : iterable of str
        Names of the benefits, as the jobseeker gave them.
    rules : iterable of BenefitRule
    hours : float or None
        Hours of work a week. None means unknown.
    pence_an_hour : int or None
        Pay in pence an hour. None means unknown, 0 means that the work is known to be unpaid.

    Returns
    -------
    tuple of Flag
        One for each benefit named, whether or not the work is within its limits, because work within a limit still has
        a form and a date. Work that is known to be unpaid has a text of its own, and is over no limit.

    Examples
    --------
    >>> esa = BenefitRule("ESA", frozenset({"esa"}), 16, 20350, "Send form PW1 before the first paid hour.")
    >>> [flag.is_over_limit for flag in flags(["ESA (support group)"], [esa], hours=20, pence_an_hour=1200)]
    [True]
    >>> flags(["ESA"], [esa], hours=8, pence_an_hour=1200)[0].text
    'Send form PW1 before the first paid hour.'
    >>> flags(["ESA"], [esa], hours=8, pence_an_hour=0)
    ()
    """
    known, said = list(rules), list(benefits)
    found = {text: [rule for rule in known if _names(rule, _plain(text))] for text in said}
    named = tuple(
        _flag(rule, hours, pence_an_hour)
        for rule in known
        if (pence_an_hour != 0 or rule.unpaid_text) and any(rule in rules_of for rules_of in found.values())
    )
    unread = (text for text in dict.fromkeys(said) if not found[text] and not NO_BENEFIT.fullmatch(_plain(text)))
    return named + tuple(Flag(text.strip(), NOT_UNDERSTOOD, None) for text in unread)


NO_BENEFIT = re.compile(
    r"|n a|na|nil|no|none|nothing|0|no benefits?|not (?:on|claiming|in receipt of)(?: any)?(?: benefits?)?"
    r"|(?:none|no benefits?) (?:claimed|known|at present|currently)|does not claim(?: any)?(?: benefits?)?|dim"
)


def _names(rule: BenefitRule, text: str) -> bool:
    """Return whether a text names a benefit: as whole words, also in the plural, or as longer words with one slip."""
    padded, words = f" {text} ", text.split()
    singular = f" {' '.join(word.removesuffix('s') if len(word) > SHORT else word for word in words)} "
    for name in map(_plain, rule.names):
        if f" {name} " in padded or f" {name} " in singular:
            return True
        count = name.count(" ") + 1
        if len(name) >= LONG and any(
            ratio(" ".join(words[first : first + count]), name, score_cutoff=ALIKE) for first in range(len(words))
        ):
            return True
    return False


def _plain(name: str) -> str:
    """Return a name in lower case without punctuation, so that it is found as whole words of a longer text."""
    plain = re.sub(r"['+#]", "", normalise(re.sub(r"[\u2018\u2019]", "'", name)))
    plain = re.sub(r"[^\w]+", " ", plain).strip()
    return re.sub(r"\b\w(?: \w\b)+", lambda letters: letters[0].replace(" ", ""), plain)  # "e s a"


def _flag(rule: BenefitRule, hours: float | None, pence_an_hour: int | None) -> Flag:
    if pence_an_hour == 0:
        return Flag(rule.benefit, rule.unpaid_text, False, rule.unpaid_source, rule.since)  # noqa: FBT003
    is_over = _is_over(rule, hours, pence_an_hour)
    text = rule.text if is_over is False else f"{rule.text} {MAYBE_OVER if is_over is None else OVER}"
    return Flag(rule.benefit, text, is_over, rule.source, rule.since)


def _is_over(rule: BenefitRule, hours: float | None, pence_an_hour: int | None) -> bool | None:
    """Return whether work breaks a limit of a benefit; None if that is not known."""
    if rule.has_unknown_limit:
        return None
    too_long = rule.hours_under is not None and (None if hours is None else hours >= rule.hours_under)
    too_much = rule.pence_a_week is not None and (
        None if hours is None or pence_an_hour is None else hours * pence_an_hour > rule.pence_a_week
    )
    if too_long or too_much:
        return True
    return None if too_long is None or too_much is None else False
