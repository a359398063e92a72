"""Pure functions for adjustments: figures of closed months that have changed since, with the reasons.

A person's journeys as known when the last month was closed are compared with the journeys as known now. Each changed
journey has one reason, and people are counted for each reason. A changed count that no journey explains is due to a new
version of a reference table, or to an erasure, after which there is no journey left to compare.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Any

from pathways.disclosure.suppression import CONFIDENTIAL, Suppression
from pathways.exports.cohort import Head, Row, Tally
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
    """One closed month: its stored release, and the ``as_of`` day of its figures."""

    month: Month
    as_of: date
    kept: StoredRelease


Person = tuple[Any, Any, Life, list[Journey]]  # the ids of partner and jobseeker, the facts, the journeys


def in_step(before: Iterable[Person], now: Iterable[Person]) -> Iterator[tuple[Person | None, Person | None]]:
    """Yield a pair for each person: as known before, and as known now. None means: not known at that time.

    Parameters
    ----------
    before, now : iterable of Person
        Ordered by partner id and jobseeker id. Jobseekers with merged records come last, in the same order.

    Returns
    -------
    iterator of pair of Person or None
    """
    only_before: dict[Any, Person] = {}
    only_now: dict[Any, Person] = {}
    olds, news = iter(before), iter(now)
    old, new = next(olds, None), next(news, None)
    while old is not None or new is not None:
        if old is not None and new is not None and old[:2] == new[:2]:
            yield old, new
            old, new = next(olds, None), next(news, None)
        elif new is None or (old is not None and old[:2] < new[:2]):
            assert old is not None
            only_before[old[:2]] = old
            old = next(olds, None)
        else:
            only_now[new[:2]] = new
            new = next(news, None)
    for key in sorted(only_before.keys() | only_now.keys(), key=str):
        yield only_before.get(key), only_now.get(key)


def reasons(
    month: Month,
    scope: str,
    people: Iterable[tuple[Person | None, Person | None]],
    merged: Callable[[Any], bool],
) -> tuple[dict[str, Counter[str]], Tally]:
    """Return why each count of the last closed month changed, and the counts as known when it was closed.

    Parameters
    ----------
    month : Month
        The last closed month.
    scope : str
    people : iterable of pair of Person or None
        Each person as known when the month was closed, and as known now.
    merged : callable
        Returns whether a person's record was merged, or separated again, since the month was closed.

    Returns
    -------
    tuple of (dict of str to Counter of str, Tally)
        The number of people for each reason, by the key of the count; and the counts as known when it was closed.
    """
    changes: dict[str, Counter[str]] = defaultdict(Counter)
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
                changes[changed][why] += 1
    return changes, then


def _pairs(were: Mapping[str, Journey], are: Mapping[str, Journey]) -> Iterator[tuple[Journey | None, Journey | None]]:
    """Yield each journey of one person that changed, as a pair: as known before, and as known now.

    A wait that became an enrolment, or an enrolment that became a wait, counts as one changed journey.
    """
    for key in sorted(were.keys() & are.keys()):
        if were[key] != are[key]:
            yield were[key], are[key]
    gone = [were[key] for key in sorted(were.keys() - are.keys())]
    come = [are[key] for key in sorted(are.keys() - were.keys())]
    yield from zip_longest(gone, come)


def _touched(month: Month, scope: str, old: Journey | None, new: Journey | None) -> set[str]:
    """Return the keys of the counts that a change of one journey affects."""
    before, after = (Tally(month, scope).count([journey] if journey else []).figures().counts for journey in (old, new))
    return {key for key in before.keys() | after.keys() if before.get(key, 0) != after.get(key, 0)}


def _why(
    old: Journey | None, new: Journey | None, before: Person | None, now: Person | None, *, is_merged: bool
) -> str:
    """Return the reason why one journey changed."""
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
    """Return whether an outcome was recorded again under another version of its rule."""
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
    """Return the reasons for each changed count of the last closed month, including changes that no journey explains.

    Parameters
    ----------
    changed : mapping of str to Counter of str
    then : Tally
        The counts of the month as known when it was closed, counted again now.
    last : Closed
    references : mapping of str to str
        The present versions of the reference tables.

    Returns
    -------
    dict of str to Counter of str
    """
    why_changed = {key: Counter(why) for key, why in changed.items()}
    recounted = then.figures().counts
    is_by_rule = any(references.get(name) != version for name, version in last.kept.references.items())
    for key, count in last.kept.released.counts.items():
        unexplained = abs(count - recounted.get(key, 0))
        if unexplained:
            why_changed.setdefault(key, Counter())[BY_RULE if is_by_rule else ERASED] += unexplained
    return why_changed


def adjustment_rows(
    closed: Sequence[Closed], decision: Suppression, head: Head, why: Mapping[str, Sequence[str]]
) -> Iterator[Row]:
    """Yield a row for each figure that was published for a closed month and has another value now.

    Parameters
    ----------
    closed : sequence of Closed
        Oldest first, because a figure was first reported by the oldest of these months that has it.
    decision : Suppression
        The suppression decision for the present figures.
    head : Head
    why : mapping of str to sequence of str

    Returns
    -------
    iterator of Row
    """
    seen: set[str] = set()
    for closed_month in closed:
        stored = closed_month.kept
        for key in sorted(stored.released.counts):
            place = _place(key)
            if place is None or key in seen or key not in stored.released.published:
                continue
            seen.add(key)
            if key not in decision.figures.counts:
                continue  # the figure is too old to be published any more
            first, now = stored.shown.get(key), decision.published(key)
            statuses = ("" if first is not None else CONFIDENTIAL), ("" if now is not None else CONFIDENTIAL)
            if (first, now) == (None, None) or first == now:
                continue
            difference = str(now - first) if first is not None and now is not None else ""
            numbers = ["" if count is None else str(count) for count in (first, now)]
            yield (
                *head.cells,
                str(closed_month.month),
                *place,
                numbers[0],
                statuses[0],
                numbers[1],
                statuses[1],
                difference,
                ";".join(why.get(key, ())),
            )


def _place(key: str) -> tuple[str, str, str, str, str, str] | None:
    """Return a count's table, basis, cohort, elapsed months, day and stage; None if its table has no adjustments."""
    parts = key.split("|")
    if parts[1] == "cohort":
        _, _, basis, month, elapsed, stage = parts
        return "cohort", basis, month, "" if elapsed == "*" else elapsed, "", stage
    if parts[1] == "at":
        return "progression", "", "", "", parts[2], parts[3]
    return None


def published_reasons(why: Counter[str], smallest: int) -> list[str]:
    """Return the reasons that apply to at least ``smallest`` people; add ``[c]`` if others apply to fewer people.

    Examples
    --------
    >>> published_reasons(Counter(correction=7, merge=1), 5)
    ['correction', '[c]']
    """
    named = sorted(name for name, people in why.items() if people >= smallest)
    return [*named, *([CONFIDENTIAL] if len(named) < len(why) else [])]
