"""Pure functions for disclosure control: decide which counts of people may be published.

The input is counts and the sums and inequalities between them. The module fails closed: when it cannot decide that a
count is safe, the count is suppressed.

Primary suppression: a count under the threshold is suppressed, and so is a count that would say that all or none of a
group reached a stage.

Secondary suppression: a suppressed count could still be inferred from other counts: from a total less the published
parts, from counts that can only rise from month to month, or from a file of another month, version or scope. So further
counts are suppressed until every suppressed count has more than one possible value, and at least one of these values
reaches the threshold.

The attacker is assumed to know the exact value of every count that was ever published, although published counts are
rounded. Rounding is an additional protection only. Earlier releases are binding: an unchanged count is published or
suppressed as before, and the sums of earlier files are part of the inference that is checked.

A correction can create a new small count when every count related to it has already been published. The release is then
decided apart from the earlier releases: counts published before may be suppressed in it, and an attacker can no longer
know that a suppressed count is unchanged. If that is not safe either, the whole release is suppressed.

The counts to suppress are chosen by the solver HiGHS (``highspy``): among the nearest counts that could protect a
count, those with the least total weight. The choice is optimal for one count and close to optimal for all. If the
nearest counts cannot protect it, all counts are tried with a faster approximation.

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

from pathways.disclosure.inference import Inequality, Sum, System

CONFIDENTIAL, NOT_YET, LOW = "[c]", "[x]", "[low]"
PROTECTED_BEFORE_RECHECK = (
    3  # after this many counts that were not inferable, the remaining counts are checked together
)
MOST_UNNEEDED_CHECKS = 8  # at most this many suppressed counts are checked for whether they are still needed


class SuppressionReason(StrEnum):
    """Why a count is suppressed; the values are keys of the manifest."""

    SMALL = "small"
    OF_A_SMALL_WHOLE = "of a small whole"
    ALL_OR_NONE = "all or none of a group"
    BESIDE = "another could be worked out from it"
    CLOSED = "nothing else was found that is safe"
    KNOWN = "worked out from earlier releases already"  # suppressing it would protect nothing


@dataclass(frozen=True, slots=True)
class DisclosureRules:
    """The thresholds of suppression and the rounding base, from the dated table ``limits``.

    Parameters
    ----------
    smallest : int
        The smallest count above 0 that may be published.
    base : int
        Counts are rounded to multiples of this; 1 means no rounding.
    smallest_whole : int
        The smallest published whole for which a rate is calculated.
    """

    smallest: int
    base: int = 5
    smallest_whole: int = 20


@dataclass(frozen=True)
class FigureTable:
    """Counts of people by key, and the relations between counts that an outsider knows.

    Parameters
    ----------
    counts : mapping of str to int
    sums : sequence of Sum
    orders : sequence of Inequality
    whole_of : mapping of str to str
        For each count that is part of a group: the key of the number of people in the group.
    unpublished : set of str
        Keys that are in no file. They are part of sums and need no protection.
    withheld : set of str
        Keys that are not in this release but may be in a release of another scope. Their small counts must not be
        inferable either.
    characteristics : set of str
        Keys of counts by personal characteristics. Such a count is suppressed if it is all or none of its group.
    weights : mapping of str to float
        The cost of suppressing a count; 1 if not given.
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
        """The published totals that each count is a part of."""
        totals: dict[str, list[str]] = defaultdict(list)
        for total, parts in self.sums:
            if total not in self.unpublished:
                for part in parts:
                    totals[part].append(total)
        return totals


@dataclass(frozen=True)
class EarlierRelease:
    """One earlier release: its counts, the suppressed keys, and its sums and inequalities."""

    counts: Mapping[str, int]
    hidden: Collection[str]
    sums: Sequence[Sum] = ()
    orders: Sequence[Inequality] = ()
    unpublished: Collection[str] = frozenset()
    withheld: Collection[str] = frozenset()
    is_apart: bool = False

    @cached_property
    def published(self) -> set[str]:
        """The keys in the files of this release, both published and suppressed."""
        return set(self.counts).difference(self.unpublished, self.withheld)

    @property
    def shows_any(self) -> bool:
        """Whether this release published any count. If not, it has no effect on later releases."""
        return not self.published.issubset(self.hidden)


@dataclass(frozen=True)
class Suppression:
    """The suppressed keys with their reasons; every other count is published, rounded."""

    figures: FigureTable
    rules: DisclosureRules
    hidden: Mapping[str, SuppressionReason]
    is_safe: bool = True
    is_apart: bool = False  # an attacker cannot know that a count suppressed here is the same as in earlier releases

    def published(self, key: str) -> int | None:
        """Return a count as published: rounded, or None if it is suppressed."""
        return None if key in self.hidden else rounded(self.figures.counts[key], self.rules.base)

    def status(self, key: str) -> str:
        """Return the shorthand of a count: ``[c]`` if suppressed, ``[low]`` if rounded down to 0, otherwise ''."""
        if key in self.hidden:
            return CONFIDENTIAL
        return LOW if self.figures.counts[key] and self.published(key) == 0 else ""

    def rate(self, part: str, whole: str) -> str | None:
        """Return the published ``part`` divided by the published ``whole``, to two decimal places.

        None if either count is suppressed, or if the whole is under ``smallest_whole``.
        """
        numerator, denominator = self.published(part), self.published(whole)
        if numerator is None or denominator is None or denominator < self.rules.smallest_whole:
            return None
        return f"{min(numerator / denominator, 1):.2f}"

    def released(self) -> EarlierRelease:
        """Return the parts of this release that are needed to decide about later releases."""
        figures = self.figures
        return EarlierRelease(
            figures.counts,
            frozenset(self.hidden),
            figures.sums,
            figures.orders,
            frozenset(figures.unpublished),
            frozenset(figures.withheld),
            self.is_apart,
        )

    def counts_by_reason(self) -> dict[str, int]:
        """Return the number of suppressed counts for each reason."""
        numbers: dict[str, int] = defaultdict(int)
        for why in self.hidden.values():
            numbers[why.value] += 1
        return dict(sorted(numbers.items()))


def rounded(count: int, base: int) -> int:
    """Return a count rounded to the nearest multiple of ``base``; halves are rounded up.

    Examples
    --------
    >>> [rounded(count, 5) for count in (0, 7, 8, 12, 13)]
    [0, 5, 10, 10, 15]
    """
    return (2 * count + base) // (2 * base) * base


def protect(figures: FigureTable, rules: DisclosureRules, past: Sequence[EarlierRelease] = ()) -> Suppression:
    """Decide which counts may be published.

    Parameters
    ----------
    figures : FigureTable
    rules : DisclosureRules
    past : sequence of EarlierRelease
        Every earlier release, oldest first, of any month, version or scope.

    Returns
    -------
    Suppression
        If suppression cannot make every count safe while earlier releases are binding, the release is decided apart
        from the earlier releases. If that is not safe either, the whole release is suppressed.

    Examples
    --------
    >>> figures = FigureTable({"all": 20, "women": 17, "men": 3}, [Sum("all", ("women", "men"))])
    >>> sorted(protect(figures, DisclosureRules(5)).hidden)
    ['men', 'women']
    """
    ledger = _Ledger(past)
    decision = _decided(figures, rules, ledger, ledger.named(figures.counts))
    if decision.is_safe:
        return decision
    ledger = _Ledger(past)
    unknowns = ledger.named(figures.counts)
    was_hidden = {key for key, unknown in unknowns.items() if ledger.was_shown.get(unknown) is False}
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
    """Decide which counts to suppress.

    If ``stays_hidden`` is given, the release is decided apart from earlier releases. The keys in ``stays_hidden``
    were suppressed before and stay suppressed. All other keys are decided again.
    """
    hidden: dict[str, SuppressionReason] = {}
    for key in figures.counts:
        if key in figures.unpublished or key in figures.withheld:
            continue
        was_shown, why = ledger.was_shown.get(now[key]), _primary(figures, key, ledger, now, rules)
        if was_shown is False or key in (stays_hidden or ()) or (was_shown is None and why):
            hidden[key] = why or SuppressionReason.BESIDE  # an unchanged count stays suppressed
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
    """Return the reason for primary suppression of a count; None if the count needs none."""
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
    """Return whether a count of 0 follows from a published total of 0, so that suppressing it would protect nothing."""
    for total in figures.totals_of[key]:
        if figures.counts[total]:
            continue
        was_shown = ledger.was_shown.get(now[total])
        if was_shown or (was_shown is None and not _primary(figures, total, ledger, now, rules)):
            return True
    return False


class _Ledger:
    """All releases as one system of unknowns: the values that an attacker tries to infer.

    A key whose count is the same in two releases has one unknown for both; a key whose count changed has two.
    """

    def __init__(self, past: Iterable[EarlierRelease]) -> None:
        self.counts: dict[str, int] = {}
        self.sums: dict[Sum, None] = {}
        self.orders: dict[Inequality, None] = {}
        self.was_shown: dict[str, bool] = {}  # for each unknown in a file: True if it was ever published
        self._latest: dict[str, str] = {}
        for release in past:
            if release.shows_any:
                self._add(release)

    def named(self, counts: Mapping[str, int]) -> dict[str, str]:
        """Return the name of the unknown for each key. A key that is new or whose count changed gets a new unknown."""
        for key, count in counts.items():
            unknown = self._latest.get(key)
            if unknown is None or self.counts[unknown] != count:
                self._name(key, count)
        return {key: self._latest[key] for key in counts}

    def apart(
        self, counts: Mapping[str, int], unpublished: Collection[str], withheld: Collection[str]
    ) -> dict[str, str]:
        """Return the unknown for each key of a release in which an attacker cannot know which counts are unchanged.

        Every key gets a new unknown, with two exceptions if its count is unchanged: a ``withheld`` key that a release
        of another scope published, and a key that is in a file for the first time.
        """
        before = self.named(counts)
        for key, unknown in before.items():
            is_same = self.was_shown.get(unknown) if key in withheld else unknown not in self.was_shown
            if key in unpublished or not is_same:
                self._name(key, counts[key])
        return {key: self._latest[key] for key in counts}

    def _name(self, key: str, count: int) -> None:
        """Give a key a new unknown with this count."""
        before = self._latest.get(key)
        epoch = 1 if before is None else int(before.rsplit("#", 1)[1]) + 1
        self._latest[key] = f"{key}#{epoch}"
        self.counts[self._latest[key]] = count

    def _add(self, release: EarlierRelease) -> None:
        counts = release.counts
        now = self.apart(counts, release.unpublished, release.withheld) if release.is_apart else self.named(counts)
        for key, unknown in now.items():
            if key in release.published:
                self.was_shown[unknown] = self.was_shown.get(unknown, False) or key not in release.hidden
        self.tie(now, release.sums, release.orders)

    def tie(self, now: Mapping[str, str], sums: Iterable[Sum], orders: Iterable[Inequality]) -> None:
        """Add the sums and inequalities of a release; ``now`` has the unknown for each key of the release."""
        self.sums.update((Sum(now[total], tuple(now[part] for part in parts)), None) for total, parts in sums)
        self.orders.update((Inequality(now[lower], now[upper]), None) for lower, upper in orders)


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
    """Suppress further counts until no suppressed count can be inferred.

    Return the extra keys with their reasons, and whether every suppressed count is now protected.
    """
    ledger.tie(now, figures.sums, figures.orders)
    published = {
        unknown: key for key, unknown in now.items() if key not in figures.unpublished and key not in figures.withheld
    }
    free = {unknown for unknown in published if unknown not in ledger.was_shown}
    shown = {unknown for unknown, was_shown in ledger.was_shown.items() if was_shown}
    system = System(
        ledger.counts,
        list(ledger.sums),
        list(ledger.orders),
        guarded=published.keys() | ledger.was_shown.keys() | set(more_guarded),
        free=free,
        weights={now[key]: weight for key, weight in figures.weights.items()},
        hidden=set(ledger.counts) - shown - {unknown for unknown in free if published[unknown] not in hidden},
        smallest=smallest,
    )
    reasons: dict[str, SuppressionReason] = {}
    hidden_for: dict[str, str] = {}
    # Suppressing more counts never makes a protected count inferable again, so each count is checked once. The counts
    # that are suppressed to protect it are checked later.
    to_check = system.doubtful()
    protected_so_far = 0
    while to_check:
        cell = to_check.pop(0)
        if cell not in system.hidden or not system.is_inferable(cell):
            protected_so_far += 1
            if protected_so_far > PROTECTED_BEFORE_RECHECK:  # one table may now show many to be safe
                to_check, protected_so_far = system.doubtful(to_check), 0
            continue
        more, why = system.extra_cells(cell) or set(), SuppressionReason.BESIDE
        system.hide(more)
        if system.is_inferable(cell):
            rest, why = free - system.hidden, SuppressionReason.CLOSED
            system.hide(rest)
            more |= rest
        if why is SuppressionReason.CLOSED and system.is_inferable(cell):
            # Earlier releases reveal this count whatever is suppressed here, so the extra suppression is undone.
            is_pinned = system.is_pinned(cell)
            system.show(more)
            if is_apart and cell not in published:
                continue
            if cell not in free or ledger.counts[cell] in range(1, smallest):
                if cell not in published and cell not in ledger.was_shown and not ledger.counts[cell]:
                    continue  # a 0 that was in no file and follows from other counts
                return reasons, False
            system.show({cell})
            if not is_pinned and system.makes_any_inferable(cell):
                return reasons, False
            reasons[published[cell]] = SuppressionReason.KNOWN
            continue
        reasons |= {published[unknown]: why for unknown in more}
        hidden_for |= {published[unknown]: cell for unknown in more}
        to_check += sorted(more)
    _publish_unneeded(system, figures, now, reasons, hidden_for)
    return reasons, True


def _publish_unneeded(
    system: System,
    figures: FigureTable,
    now: Mapping[str, str],
    reasons: dict[str, SuppressionReason],
    hidden_for: Mapping[str, str],
) -> None:
    """Remove the extra counts that need not be suppressed any more from ``reasons``. Large counts are checked first."""
    extra_cells = [
        key
        for key, why in reasons.items()
        if why is SuppressionReason.BESIDE and figures.counts[key] >= system.smallest
    ]
    for key in sorted(extra_cells, key=lambda key: -figures.counts[key])[:MOST_UNNEEDED_CHECKS]:
        system.show({now[key]})
        # The count that this key protects is checked first: it usually still needs this key, and one check is quick.
        if system.is_inferable(hidden_for[key]) or system.makes_any_inferable(now[key]):
            system.hide({now[key]})
        else:
            del reasons[key]
