"""Disclosure control, pure: counts and how they hang together in, what may be shown of each out. It fails closed.

A count under the threshold is hidden (primary suppression), and so is one that would say that all of a group or none
did something. A hidden count could still be worked out from others: from a total less the parts that are shown, from
what rises month by month, or from a file of another month, version or cut. So others are hidden beside it (secondary
suppression), until no hidden count has one possible value only, nor only values under the threshold.

Whoever attacks is taken to know every count that was ever shown, exactly, though they are rounded when they are
published: rounding is a second wall and not the first one. What was released before stands: a count that is unchanged
is shown or hidden as it was, and the earlier files are part of the sums that are looked at.

A correction can make a new small count where all that it hangs together with was shown already. Then the release is
decided apart: what was shown before may be hidden in it, and a count that is hidden in it is no longer known to be the
one that it was. Where that does not do either, nothing of the release is shown.

What is hidden beside is chosen by HiGHS (``highspy``): of the nearest other counts that could hide one, those that
weigh least, which is optimal for one count and near it for all. Where none of them can, a near table is taken.

References
----------
Fischetti, M. and Salazar, J. J. (2001). Solving the cell suppression problem on tabular data with linear constraints.
Management Science 47(7), 1008-1027.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from pathways.exports.inference import Inequality, Sum, System

CONFIDENTIAL, NOT_YET, LOW = "[c]", "[x]", "[low]"
IN_VAIN = 3  # counts looked at and found to stand, until all that are left are looked at together
MOST_SPARED = 8  # counts that are looked at whether they need to be hidden after all


class SuppressionReason(StrEnum):
    """Why a count is hidden, as the summary says it."""

    SMALL = "small"
    OF_A_SMALL_WHOLE = "of a small whole"
    ALL_OR_NONE = "all or none of a group"
    BESIDE = "another could be worked out from it"
    CLOSED = "nothing else was found that is safe"
    KNOWN = "worked out from earlier releases already"  # hiding it would hide nothing


@dataclass(frozen=True, slots=True)
class DisclosureRules:
    """What is hidden and how the rest is rounded, as the dated table ``limits`` has it.

    Parameters
    ----------
    smallest : int
        The smallest count that may be shown.
    base : int
        Counts are rounded to its multiples; 1 leaves them.
    smallest_whole : int
        The smallest published whole that a rate is made of.
    """

    smallest: int
    base: int = 5
    smallest_whole: int = 20


@dataclass(frozen=True)
class FigureTable:
    """Counts of people by key, and all that an outsider knows of how they hang together.

    Parameters
    ----------
    counts : mapping of str to int
    sums : sequence of Sum
    orders : sequence of Inequality
    whole_of : mapping of str to str
        Of a part of a group, the key of the group's size.
    unpublished : set of str
        Keys that no file holds: they take part in sums, and anything may be thought of them.
    withheld : set of str
        Keys that this release does not hold and another cut may: what is small of them must not be worked out either.
    characteristics : set of str
        Keys of groups by what people are: all or none of such a group is not told.
    weights : mapping of str to float
        What is lost with a count; 1 where it is not named.
    """

    counts: Mapping[str, int]
    sums: Sequence[Sum] = ()
    orders: Sequence[Inequality] = ()
    whole_of: Mapping[str, str] = field(default_factory=dict)
    unpublished: Collection[str] = frozenset()
    withheld: Collection[str] = frozenset()
    characteristics: Collection[str] = frozenset()
    weights: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def totals_of(self) -> Mapping[str, list[str]]:
        """Of each part the totals that files hold."""
        found: dict[str, list[str]] = defaultdict(list)
        for one in self.sums:
            if one.total not in self.unpublished:
                for part in one.parts:
                    found[part].append(one.total)
        return found


@dataclass(frozen=True)
class EarlierRelease:
    """One earlier release: its counts, what of them was hidden, and its sums and orders."""

    counts: Mapping[str, int]
    hidden: Collection[str]
    sums: Sequence[Sum] = ()
    orders: Sequence[Inequality] = ()
    unpublished: Collection[str] = frozenset()
    withheld: Collection[str] = frozenset()
    is_apart: bool = False

    @cached_property
    def published(self) -> set[str]:
        """What its files held, hidden or not."""
        return set(self.counts).difference(self.unpublished, self.withheld)

    @property
    def shows_any(self) -> bool:
        """Whether it tells anything at all: one that does not is as if it never was."""
        return not self.published.issubset(self.hidden)


@dataclass(frozen=True)
class Suppression:
    """What is hidden and why; everything else is shown, rounded."""

    figures: FigureTable
    rules: DisclosureRules
    hidden: Mapping[str, SuppressionReason]
    is_safe: bool = True
    is_apart: bool = False  # what is hidden here, and was told before, is not known to be what it was

    def published(self, key: str) -> int | None:
        """Return a count as it is published: rounded, or None where it is hidden."""
        return None if key in self.hidden else rounded(self.figures.counts[key], self.rules.base)

    def status(self, key: str) -> str:
        """Return the shorthand of a count: ``[c]`` hidden, ``[low]`` not nought though it rounds to it, or nothing."""
        if key in self.hidden:
            return CONFIDENTIAL
        return LOW if self.figures.counts[key] and self.published(key) == 0 else ""

    def rate(self, part: str, whole: str) -> str | None:
        """Return a share made of two published counts, to two places; None where one is hidden or the whole small."""
        top, bottom = self.published(part), self.published(whole)
        if top is None or bottom is None or bottom < self.rules.smallest_whole:
            return None
        return f"{min(top / bottom, 1):.2f}"

    def released(self) -> EarlierRelease:
        """Return what is to be kept of this release, for the next ones."""
        kept = self.figures
        return EarlierRelease(
            kept.counts,
            frozenset(self.hidden),
            kept.sums,
            kept.orders,
            frozenset(kept.unpublished),
            frozenset(kept.withheld),
            self.is_apart,
        )

    def counts_by_reason(self) -> dict[str, int]:
        """Return how many counts are hidden for each reason."""
        found: dict[str, int] = defaultdict(int)
        for why in self.hidden.values():
            found[why.value] += 1
        return dict(sorted(found.items()))


def rounded(count: int, base: int) -> int:
    """Return a count to the nearest multiple of ``base``; half goes up.

    Examples
    --------
    >>> [rounded(count, 5) for count in (0, 7, 8, 12, 13)]
    [0, 5, 10, 10, 15]
    """
    return (2 * count + base) // (2 * base) * base


def protect(figures: FigureTable, rules: DisclosureRules, past: Sequence[EarlierRelease] = ()) -> Suppression:
    """Decide what of some figures may be published.

    Parameters
    ----------
    figures : FigureTable
    rules : DisclosureRules
    past : sequence of EarlierRelease
        Every release before this one, oldest first, whatever month, version or cut it was of.

    Returns
    -------
    Suppression
        Where nothing that is still free to be hidden makes a count safe, the release is decided apart from the earlier
        ones; and where that does not either, all of it is hidden.

    Examples
    --------
    >>> both = FigureTable({"all": 20, "women": 17, "men": 3}, [Sum("all", ("women", "men"))])
    >>> sorted(protect(both, DisclosureRules(5)).hidden)
    ['men', 'women']
    """
    ledger = _Ledger(past)
    decision = _decided(figures, rules, ledger, ledger.named(figures.counts))
    if decision.is_safe:
        return decision
    ledger = _Ledger(past)
    was_hidden = {key for key, one in ledger.named(figures.counts).items() if ledger.was_shown.get(one) is False}
    now = ledger.apart(figures.counts, figures.unpublished, figures.withheld)
    decision = _decided(figures, rules, ledger, now, was_hidden.difference(figures.unpublished, figures.withheld))
    if decision.is_safe:
        return replace(decision, is_apart=True)
    published = set(figures.counts).difference(figures.unpublished, figures.withheld)
    return Suppression(figures, rules, dict.fromkeys(sorted(published), SuppressionReason.CLOSED), is_apart=True)


def _decided(
    figures: FigureTable,
    rules: DisclosureRules,
    ledger: "_Ledger",
    now: Mapping[str, str],
    stays_hidden: Collection[str] | None = None,
) -> Suppression:
    """Decide; apart from earlier releases, but for what they hid, where that is named."""
    hidden: dict[str, SuppressionReason] = {}
    for key in figures.counts:
        if key in figures.unpublished or key in figures.withheld:
            continue
        was_shown, why = ledger.was_shown.get(now[key]), _primary(figures, key, ledger, now, rules)
        if was_shown is False or key in (stays_hidden or ()) or (was_shown is None and why):
            hidden[key] = why or SuppressionReason.BESIDE  # what was hidden stays so as long as it is the same
    guarded = {now[key] for key in figures.withheld if _primary(figures, key, ledger, now, rules)}
    more, is_safe = _secondary(
        ledger, figures, now, set(hidden), guarded, rules.smallest, is_apart=stays_hidden is not None
    )
    return Suppression(
        figures,
        rules,
        {key: why for key, why in (hidden | more).items() if why is not SuppressionReason.KNOWN},
        is_safe,
    )


def _primary(
    figures: FigureTable, key: str, ledger: "_Ledger", now: Mapping[str, str], rules: DisclosureRules
) -> SuppressionReason | None:
    """Return why a count may not be told by itself."""
    count, whole = figures.counts[key], figures.counts.get(figures.whole_of.get(key, ""))
    if 0 < count < rules.smallest:
        return SuppressionReason.SMALL
    if whole is None or (count == 0 and _follows(figures, key, ledger, now, rules)):
        return None
    if count == 0 and 0 < whole < rules.smallest:
        return SuppressionReason.OF_A_SMALL_WHOLE
    if key in figures.characteristics and whole > 0 and count in {0, whole}:
        return SuppressionReason.ALL_OR_NONE
    return None


def _follows(figures: FigureTable, key: str, ledger: "_Ledger", now: Mapping[str, str], rules: DisclosureRules) -> bool:
    """Say whether a nought follows from a total of nought that is told: hiding it would hide nothing."""
    for total in figures.totals_of[key]:
        if figures.counts[total]:
            continue
        was_shown = ledger.was_shown.get(now[total])
        if was_shown or (was_shown is None and not _primary(figures, total, ledger, now, rules)):
            return True
    return False


class _Ledger:
    """All releases as one system. A count that did not change between two of them is one unknown; else it is two."""

    def __init__(self, past: Iterable[EarlierRelease]) -> None:
        self.counts: dict[str, int] = {}
        self.sums: dict[Sum, None] = {}
        self.orders: dict[Inequality, None] = {}
        self.was_shown: dict[str, bool] = {}  # of what files held; shown once is shown for ever
        self._latest: dict[str, str] = {}
        for release in past:
            if release.shows_any:
                self._add(release)

    def named(self, counts: Mapping[str, int]) -> dict[str, str]:
        """Return the unknown that each key is, now that these are the counts."""
        for key, count in counts.items():
            unknown = self._latest.get(key)
            if unknown is None or self.counts[unknown] != count:
                self._name(key, count)
        return {key: self._latest[key] for key in counts}

    def apart(
        self, counts: Mapping[str, int], unpublished: Collection[str], withheld: Collection[str]
    ) -> dict[str, str]:
        """Return the unknown that each key is in a release of which nobody knows what is as it was.

        Two are still what they were, as long as they are the same: what another cut showed (``withheld``), and what
        this one holds for the first time.
        """
        before = self.named(counts)
        for key, unknown in before.items():
            is_same = self.was_shown.get(unknown) if key in withheld else unknown not in self.was_shown
            if key in unpublished or not is_same:
                self._name(key, counts[key])
        return {key: self._latest[key] for key in counts}

    def _name(self, key: str, count: int) -> None:
        before = self._latest.get(key)
        epoch = 1 if before is None else int(before.rsplit("#", 1)[1]) + 1
        self._latest[key] = f"{key}#{epoch}"
        self.counts[self._latest[key]] = count

    def _add(self, release: EarlierRelease) -> None:
        counts = release.counts
        aside = (release.unpublished, release.withheld)
        now = self.apart(counts, *aside) if release.is_apart else self.named(counts)
        for key, unknown in now.items():
            if key in release.published:
                self.was_shown[unknown] = self.was_shown.get(unknown, False) or key not in release.hidden
        self.tie(now, release.sums, release.orders)

    def tie(self, now: Mapping[str, str], sums: Iterable[Sum], orders: Iterable[Inequality]) -> None:
        self.sums.update((Sum(now[one.total], tuple(now[part] for part in one.parts)), None) for one in sums)
        self.orders.update((Inequality(now[one.lower], now[one.upper]), None) for one in orders)


def _secondary(
    ledger: _Ledger,
    figures: FigureTable,
    now: Mapping[str, str],
    hidden: Collection[str],
    more_guarded: Collection[str],
    smallest: int,
    *,
    is_apart: bool,
) -> tuple[dict[str, SuppressionReason], bool]:
    """Hide more until everything hidden stands; return what, and whether it does."""
    ledger.tie(now, figures.sums, figures.orders)
    published = {
        unknown: key for key, unknown in now.items() if key not in figures.unpublished and key not in figures.withheld
    }
    free = {unknown for unknown in published if unknown not in ledger.was_shown}
    shown = {one for one, was in ledger.was_shown.items() if was}
    system = System(
        ledger.counts,
        list(ledger.sums),
        list(ledger.orders),
        guarded=published.keys() | ledger.was_shown.keys() | set(more_guarded),
        free=free,
        weights={now[key]: weight for key, weight in figures.weights.items()},
        hidden=set(ledger.counts) - shown - {one for one in free if published[one] not in hidden},
        smallest=smallest,
    )
    reasons: dict[str, SuppressionReason] = {}
    hidden_for: dict[str, str] = {}
    # What stands, stands whatever else is hidden: each is looked at once, and what is hidden for it after it.
    to_look_at = system.doubtful()
    in_vain = 0
    while to_look_at:
        one = to_look_at.pop(0)
        if one not in system.hidden or not system.is_inferable(one):
            in_vain += 1
            if in_vain > IN_VAIN:  # many stand by now, and some are seen to do so at once
                to_look_at, in_vain = system.doubtful(to_look_at), 0
            continue
        more, why = system.extra_cells(one) or set(), SuppressionReason.BESIDE
        system.hide(more)
        if system.is_inferable(one):
            rest, why = free - system.hidden, SuppressionReason.CLOSED
            system.hide(rest)
            more |= rest
        if why is SuppressionReason.CLOSED and system.is_inferable(one):
            # Whatever this release does, it is known from earlier ones: nothing that is hidden for it is of use.
            is_pinned = system.is_pinned(one)
            system.show(more)
            if is_apart and one not in published:
                continue
            if one not in free or ledger.counts[one] in range(1, smallest):
                if one not in published and one not in ledger.was_shown and not ledger.counts[one]:
                    continue  # a nought that no file ever held and that follows from others
                return reasons, False
            system.show({one})
            if not is_pinned and system.makes_any_inferable(one):
                return reasons, False
            reasons[published[one]] = SuppressionReason.KNOWN
            continue
        reasons |= {published[unknown]: why for unknown in more}
        hidden_for |= {published[unknown]: one for unknown in more}
        to_look_at += sorted(more)
    _spare(system, figures, now, reasons, hidden_for)
    return reasons, True


def _spare(
    system: System,
    figures: FigureTable,
    now: Mapping[str, str],
    reasons: dict[str, SuppressionReason],
    hidden_for: Mapping[str, str],
) -> None:
    """Show what was hidden for one count and made needless by what was hidden for another: the largest first."""
    extra_cells = [
        key
        for key, why in reasons.items()
        if why is SuppressionReason.BESIDE and figures.counts[key] >= system.smallest
    ]
    for key in sorted(extra_cells, key=lambda one: -figures.counts[one])[:MOST_SPARED]:
        system.show({now[key]})
        # Mostly whom it was hidden for still needs it, which is one question instead of many.
        if system.is_inferable(hidden_for[key]) or system.makes_any_inferable(now[key]):
            system.hide({now[key]})
        else:
            del reasons[key]
