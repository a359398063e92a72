"""Benefits that work may touch: said to an adviser, never a reason to hide a placement."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from matching.pairs.text import normalise


@dataclass(frozen=True, slots=True)
class BenefitRule:
    """One benefit's limits, from a dated table.

    Parameters
    ----------
    benefit : str
    names : frozenset of str
        What it is called, in lower case.
    hours_under : float or None
        Weekly hours must stay under this.
    pence_a_week : int or None
        Weekly earnings must not be over this.
    text : str
        What an adviser should look at.
    """

    benefit: str
    names: frozenset[str]
    hours_under: float | None
    pence_a_week: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Flag:
    """Something for a benefits adviser to look at before work starts.

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
    """Return what an adviser should look at for this jobseeker and this placement.

    Parameters
    ----------
    benefits : iterable of str
        As the jobseeker named them.
    rules : iterable of BenefitRule
    hours : float or None
        A week.
    pence_an_hour : int or None

    Returns
    -------
    tuple of Flag
        A benefit with limits is flagged where a limit is passed, or may be because something is not known; one
        without limits is flagged wherever the work is paid, or its pay is not known.

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
    """Return how a benefit may be meant: as written, without what stands in brackets, and what stands there."""
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
