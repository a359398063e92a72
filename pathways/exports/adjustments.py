"""What is known otherwise now of months that are closed, pure: what was first reported beside it, and why.

A reason is of people: each journey that is another one than it was known to be when the last month was closed. What no
journey explains was changed by the tables the figures rest on, or by an erasure, which leaves nothing to compare.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Any

from pathways.exports.cohort import Head, Row, Tally
from pathways.exports.disclosure import CONFIDENTIAL, Suppression
from pathways.exports.journeys import Journey, Life
from pathways.exports.months import Month
from pathways.exports.releases import StoredRelease

LATE, CORRECTED, WITHDRAWN, MERGED, BY_RULE, ERASED = (
    "late_evidence",
    "correction",
    "withdrawn",
    "merge",
    "rule_change",
    "erasure",
)


@dataclass(frozen=True)
class Closed:
    """One closed month: what it told, and when it was frozen as known."""

    month: Month
    as_of: date
    kept: StoredRelease


Person = tuple[Any, Any, Life, list[Journey]]


def in_step(before: Iterable[Person], now: Iterable[Person]) -> Iterator[tuple[Person | None, Person | None]]:
    """Return people as they were known at two instants, side by side: each comes in the order of their keys.

    Parameters
    ----------
    before, now : iterable of Person
        Partner, person, life and journeys; those whose records were ever merged come last, and in order too.

    Returns
    -------
    iterator of pair of Person or None
    """
    rest: tuple[dict[Any, Person], dict[Any, Person]] = ({}, {})
    one, other = iter(before), iter(now)
    here, there = next(one, None), next(other, None)
    while here is not None or there is not None:
        if here is not None and there is not None and here[:2] == there[:2]:
            yield here, there
            here, there = next(one, None), next(other, None)
        elif there is None or (here is not None and here[:2] < there[:2]):
            assert here is not None
            rest[0][here[:2]] = here
            here = next(one, None)
        else:
            rest[1][there[:2]] = there
            there = next(other, None)
    for key in sorted(rest[0].keys() | rest[1].keys(), key=str):
        yield rest[0].get(key), rest[1].get(key)


def reasons(
    month: Month,
    scope: str,
    people: Iterable[tuple[Person | None, Person | None]],
    merged: Callable[[Any], bool],
) -> tuple[dict[str, Counter[str]], Tally]:
    """Return of each count of a closed month by whom and why it is another, and the month as it was known then.

    Parameters
    ----------
    month : Month
        The last closed one.
    scope : str
    people : iterable of pair of Person or None
        Known when it was closed, and now.
    merged : callable
        Whether a person's record was merged, or a merge undone, between the two.

    Returns
    -------
    tuple of (dict of str to Counter of str, Tally)
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    then = Tally(month, scope)
    for before, now in people:
        were = {journey.key: journey for journey in (before[3] if before else ())}
        are = {journey.key: journey for journey in (now[3] if now else ())}
        then.count(were.values())
        if were == are:
            continue
        person = (before or now or (None, None))[1]
        for old, new in _pairs(were, are):
            why = _why(old, new, before, now, is_merged=merged(person))
            for changed in _touched(month, scope, old, new):
                found[changed][why] += 1
    return found, then


def _pairs(were: Mapping[str, Journey], are: Mapping[str, Journey]) -> Iterator[tuple[Journey | None, Journey | None]]:
    """Return the journeys of one person that are others now; a wait that became an enrolment, or back, is the same."""
    for key in sorted(were.keys() & are.keys()):
        if were[key] != are[key]:
            yield were[key], are[key]
    gone = [were[key] for key in sorted(were.keys() - are.keys())]
    come = [are[key] for key in sorted(are.keys() - were.keys())]
    yield from zip_longest(gone, come)


def _touched(month: Month, scope: str, old: Journey | None, new: Journey | None) -> set[str]:
    """Return the counts that one journey moves."""
    published_reasons = [Tally(month, scope).count([one] if one else []).figures().counts for one in (old, new)]
    return {
        key
        for key in published_reasons[0].keys() | published_reasons[1].keys()
        if published_reasons[0].get(key, 0) != published_reasons[1].get(key, 0)
    }


def _why(
    old: Journey | None, new: Journey | None, before: Person | None, now: Person | None, *, is_merged: bool
) -> str:
    if is_merged:
        return MERGED
    if new is None:
        return WITHDRAWN
    if old is None:
        return LATE
    if _by_another_version(before, now):
        return BY_RULE
    if old.key != new.key:
        return CORRECTED
    gone = old.reached_on.keys() - new.reached_on.keys()
    come = new.reached_on.keys() - old.reached_on.keys()
    if any(old.reached_on[stage] != new.reached_on[stage] for stage in old.reached_on.keys() & new.reached_on.keys()):
        return CORRECTED
    if gone and come:
        return CORRECTED
    return WITHDRAWN if gone else LATE if come else CORRECTED


def _by_another_version(before: Person | None, now: Person | None) -> bool:
    """Say whether an outcome was recorded anew by another version of its rule."""
    if before is None or now is None:
        return False
    versions: dict[tuple[Any, str], set[str]] = defaultdict(set)
    for enrolment, rule, version, _ in before[2].outcomes:
        versions[enrolment, rule].add(version)
    return any(
        (enrolment, rule) in versions and version not in versions[enrolment, rule]
        for enrolment, rule, version, _ in now[2].outcomes
    )


def all_reasons(
    changed: Mapping[str, Counter[str]], then: Tally, last: Closed, references: Mapping[str, str]
) -> dict[str, Counter[str]]:
    """Return the reasons of each count of the last closed month, with what no journey explains.

    Parameters
    ----------
    changed : mapping of str to Counter of str
    then : Tally
        That month as known when it was closed, worked out anew.
    last : Closed
    references : mapping of str to str
        The tables the figures rest on now.

    Returns
    -------
    dict of str to Counter of str
    """
    found = {key: Counter(why) for key, why in changed.items()}
    worked_out = then.figures().counts
    is_by_rule = any(references.get(name) != version for name, version in last.kept.references.items())
    for key, count in last.kept.released.counts.items():
        unexplained = abs(count - worked_out.get(key, 0))
        if unexplained:
            found.setdefault(key, Counter())[BY_RULE if is_by_rule else ERASED] += unexplained
    return found


def adjustment_rows(
    closed: Sequence[Closed], decision: Suppression, head: Head, why: Mapping[str, Sequence[str]]
) -> Iterator[Row]:
    """Return a row for each published figure of a closed month that is another one now.

    Parameters
    ----------
    closed : sequence of Closed
        Oldest first: the first that told a figure is the one that reported it.
    decision : Suppression
        Of what is told now.
    head : Head
    why : mapping of str to sequence of str

    Returns
    -------
    iterator of Row
    """
    seen: set[str] = set()
    for one in closed:
        shown = one.kept.shown
        for key in sorted(one.kept.released.counts):
            place = _place(key)
            if place is None or key in seen or key not in one.kept.released.published:
                continue
            seen.add(key)
            if key not in decision.figures.counts:
                continue  # too old to be told any more
            first, now = shown.get(key), decision.published(key)
            statuses = ("" if first is not None else CONFIDENTIAL), ("" if now is not None else CONFIDENTIAL)
            if (first, now) == (None, None) or first == now:
                continue
            difference = str(now - first) if first is not None and now is not None else ""
            numbers = ["" if count is None else str(count) for count in (first, now)]
            yield (
                *head.cells,
                str(one.month),
                *place,
                numbers[0],
                statuses[0],
                numbers[1],
                statuses[1],
                difference,
                ";".join(why.get(key, ())),
            )


def _place(key: str) -> tuple[str, str, str, str, str, str] | None:
    """Return where a count stands: table, basis, cohort, elapsed months, day and stage; None for other tables."""
    parts = key.split("|")
    if parts[1] == "cohort":
        _, _, basis, month, elapsed, stage = parts
        return "cohort", basis, month, "" if elapsed == "*" else elapsed, "", stage
    if parts[1] == "at":
        return "progression", "", "", "", parts[2], parts[3]
    return None


def published_reasons(why: Counter[str], smallest: int) -> list[str]:
    """Return reasons that enough people stand behind; ``[c]`` for those of fewer.

    Examples
    --------
    >>> told(Counter(correction=7, merge=1), 5)
    ['correction', '[c]']
    """
    named = sorted(name for name, people in why.items() if people >= smallest)
    return [*named, *([CONFIDENTIAL] if len(named) < len(why) else [])]
