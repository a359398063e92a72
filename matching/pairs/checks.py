"""What a check says about a pair: its rule, whether it passes, fails or is unknown, and why."""

from enum import StrEnum
from typing import NamedTuple


class CheckResult(StrEnum):
    """The result of a check."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


class Rule(StrEnum):
    """The rules that a pair is checked against, in the order in which the checks are returned."""

    SAFETY = "safety"
    PLACES = "places"
    AGE = "age"
    RIGHT_TO_WORK = "right_to_work"
    DATES = "dates"
    HOURS = "hours"
    HALF_DAYS = "half_days"
    TRAVEL = "travel"
    LICENCES = "licences"
    QUALIFICATIONS = "qualifications"
    DBS = "dbs"
    RING_FENCE = "ring_fence"
    NEVER = "never"  # after the others, because stored lists hold the rules by their places
    COMPANY = "company"
    LANGUAGE = "language"


# The checks whose results a social enterprise may see. The checks of safety, age, right to work, travel and membership
# of a group are private.
ENTERPRISE_MAY_SEE = frozenset(
    {Rule.PLACES, Rule.DATES, Rule.HOURS, Rule.HALF_DAYS, Rule.LICENCES, Rule.QUALIFICATIONS, Rule.DBS}
)


class Check(NamedTuple):
    """The result of checking one pair against one rule.

    Parameters
    ----------
    rule : Rule
    result : CheckResult
    text : str
        One sentence that says what was found.
    change : str
        For a fail, what would turn it into a pass. For an unknown, what to ask. Empty for a pass.
    """

    rule: Rule
    result: CheckResult
    text: str
    change: str = ""

    @property
    def enterprise_may_see(self) -> bool:
        """Whether a social enterprise may see the result of this check."""
        return self.rule in ENTERPRISE_MAY_SEE


def passed(rule: Rule, text: str) -> Check:
    """Return a check that passes.

    Examples
    --------
    >>> passed(Rule.AGE, "Old enough.").result
    <CheckResult.PASS: 'pass'>
    """
    return Check(rule, CheckResult.PASS, text)


def failed(rule: Rule, text: str, change: str) -> Check:
    """Return a check that fails, with what would turn it into a pass.

    Examples
    --------
    >>> failed(Rule.AGE, "Too young.", "").result
    <CheckResult.FAIL: 'fail'>
    """
    return Check(rule, CheckResult.FAIL, text, change)


def unknown(rule: Rule, text: str, change: str) -> Check:
    """Return a check that cannot tell, with what to ask.

    Examples
    --------
    >>> unknown(Rule.AGE, "The age is not known.", "Ask for it.").result
    <CheckResult.UNKNOWN: 'unknown'>
    """
    return Check(rule, CheckResult.UNKNOWN, text, change)
