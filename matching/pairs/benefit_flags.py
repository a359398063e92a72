"""Flag the benefits that work may affect, so that a benefits adviser checks them. A flag removes no placement."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from matching.pairs.text import normalise


@dataclass(frozen=True, slots=True)
class BenefitRule:
    """The limits that one benefit sets on work, from the reference tables.

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
        What the adviser should check.
    """

    benefit: str
    names: frozenset[str]
    hours_under: float | None
    pence_a_week: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A benefit that an adviser should check before work starts.

    Parameters
    ----------
    benefit, text : str
    """

    benefit: str
    text: str


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
        Pay in pence an hour. None means unknown.

    Returns
    -------
    tuple of Flag
        A benefit with limits is flagged if the work breaks a limit, or may break it because the hours or the pay are
        not known. A benefit without limits is flagged unless the work is known to be unpaid.

    Examples
    --------
    >>> esa = BenefitRule("ESA", frozenset({"esa"}), 16, 20350, "Permitted work rules apply.")
    >>> [flag.benefit for flag in flags(["ESA"], [esa], hours=20, pence_an_hour=1200)]
    ['ESA']
    >>> flags(["ESA"], [esa], hours=8, pence_an_hour=1200)
    ()
    """
    named = {name for benefit in benefits for name in _names(benefit)}
    return tuple(
        Flag(rule.benefit, rule.text) for rule in rules if named & rule.names and _touches(rule, hours, pence_an_hour)
    )


def _names(benefit: str) -> tuple[str, ...]:
    """Return the names to look for: the whole text, the text without its brackets, and the text in each bracket."""
    return (
        normalise(benefit),
        normalise(re.sub(r"\([^)]*\)", " ", benefit)),
        *(normalise(inside) for inside in re.findall(r"\(([^)]*)\)", benefit)),
    )


def _touches(rule: BenefitRule, hours: float | None, pence_an_hour: int | None) -> bool:
    if rule.hours_under is None and rule.pence_a_week is None:
        return pence_an_hour != 0
    too_long = rule.hours_under is not None and (hours is None or hours >= rule.hours_under)
    too_much = rule.pence_a_week is not None and (
        hours is None or pence_an_hour is None or hours * pence_an_hour > rule.pence_a_week
    )
    return too_long or too_much
