"""What is hidden, worked out by hand for small tables, and by a solver of its own for made-up ones."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from pathways.disclosure.inference import Inequality, Sum
from pathways.disclosure.suppression import DisclosureRules, EarlierRelease, FigureTable, SuppressionReason, protect
from pathways.exports import adjustments
from pathways.exports.cohort import EVERYBODY, Head, Tally, together
from pathways.exports.journeys import Journey
from pathways.exports.months import Month
from pathways.exports.releases import packed, unpacked

SEX = Sum("all", ("women", "men"))
RULES = DisclosureRules(5)


def test_a_small_count_is_hidden_and_one_beside_it():
    told = protect(FigureTable({"all": 20, "women": 17, "men": 3}, [SEX]), RULES)
    assert told.hidden == {"men": SuppressionReason.SMALL, "women": SuppressionReason.BESIDE}
    assert told.published("all") == 20


def test_nothing_is_hidden_where_nothing_is_small():
    assert protect(FigureTable({"all": 20, "women": 12, "men": 8}, [SEX]), RULES).hidden == {}


def test_the_one_hidden_beside_weighs_least():
    parts = ("n1", "n2", "n3", "n4")
    counts = {"all": 60, "n1": 3, "n2": 30, "n3": 20, "n4": 7}
    assert protect(FigureTable(counts, [Sum("all", parts)], weights={"n2": 0.5}), RULES).hidden.keys() == {"n1", "n2"}


def test_two_small_counts_do_not_hide_each_other_where_their_sum_is_small():
    counts = {"all": 24, "a": 2, "b": 2, "c": 20}
    assert protect(FigureTable(counts, [Sum("all", ("a", "b", "c"))]), RULES).hidden.keys() == {"a", "b", "c"}


@pytest.mark.parametrize(("asked", "hidden"), [(True, {"women in work", "men in work"}), (False, set())])
def test_all_of_a_group_is_told_only_where_the_group_is_not_what_people_are(asked: bool, hidden: set[str]):
    counts = {"in work": 30, "women in work": 12, "men in work": 18, "women": 12, "men": 25}
    figures = FigureTable(
        counts,
        [Sum("in work", ("women in work", "men in work"))],
        whole_of={"women in work": "women", "men in work": "men"},
        characteristics={"women in work", "men in work"} if asked else set(),
    )
    assert protect(figures, RULES).hidden.keys() == hidden


def test_a_nought_of_a_small_whole_says_too_much():
    figures = FigureTable({"area": 3, "area in work": 0}, [], whole_of={"area in work": "area"})
    assert protect(figures, RULES).hidden == {
        "area": SuppressionReason.SMALL,
        "area in work": SuppressionReason.OF_A_SMALL_WHOLE,
    }


def test_a_month_less_the_month_before_tells_nothing():
    """Nobody was hidden in May; in June three more came, whom the difference would tell."""
    may = protect(FigureTable({"may": 20}), RULES)
    june = FigureTable({"may": 20, "june": 23, "new": 3}, [Sum("june", ("may", "new"))])
    told = protect(june, RULES, [may.released()])
    assert told.hidden.keys() == {"new", "june"}


def test_what_was_hidden_and_is_unchanged_stays_hidden():
    first = protect(FigureTable({"all": 20, "women": 17, "men": 3}, [SEX]), RULES)
    assert protect(FigureTable({"women": 17}), RULES, [first.released()]).hidden.keys() == {"women"}


def test_a_programme_that_is_not_in_this_file_is_guarded_too():
    """P1 was told; all of P1 and P2 would tell the two people of P2."""
    alone = protect(FigureTable({"P1": 30}), RULES)
    both = FigureTable({"all": 32, "P1": 30, "P2": 2}, [Sum("all", ("P1", "P2"))], withheld={"P1", "P2"})
    assert protect(both, RULES, [alone.released()]).hidden.keys() == {"all"}


# Seven were referred in March, and six started; then the one who did not is found to be of February.
BEFORE = {"all": 7, "february": 0, "march": 7, "march started": 6}
AFTER = {"all": 7, "february": 1, "march": 6, "march started": 6}
TIES = ([Sum("all", ("february", "march"))], [Inequality("march started", "march")])


def test_a_correction_that_nothing_can_hide_any_more_is_decided_apart():
    """All of seven and six who started are out: whoever knows them knows that February is one at most."""
    before = protect(FigureTable(BEFORE, *TIES), RULES)
    assert before.hidden == {}
    told = protect(FigureTable(AFTER, *TIES), RULES, [before.released()])
    assert told.is_apart
    assert told.is_safe
    assert told.hidden.keys() == {"february", "all"}, "all of them were shown, and are not shown again"


def test_after_a_release_apart_what_it_hid_stays_hidden():
    before = protect(FigureTable(BEFORE, *TIES), RULES)
    apart = protect(FigureTable(AFTER, *TIES), RULES, [before.released()])
    again = protect(FigureTable(AFTER, *TIES), RULES, [before.released(), apart.released()])
    assert not again.is_apart
    assert again.hidden.keys() == apart.hidden.keys()


def test_a_release_is_kept_with_all_that_later_ones_must_know():
    before = protect(FigureTable(BEFORE, *TIES), RULES)
    apart = protect(FigureTable(AFTER, *TIES, unpublished={"february"}), RULES, [before.released()])
    kept = unpacked(packed(apart, {}, {})).released
    assert kept == apart.released()


def test_the_adjustments_of_all_programmes_hold_nothing_of_one():
    """What is only guarded for other files is in none of this one's tables, its adjustments among them."""
    month = Month(2026, 3)
    people = [Journey({"referred": date(2026, 3, 2)}, {"programme": f"P{n % 2}"}, str(n)) for n in range(40)]
    tallies = {
        scope: Tally(month, scope).count(one for one in people if scope in {EVERYBODY, one.groups["programme"]})
        for scope in (EVERYBODY, "P0", "P1")
    }
    decision = protect(together(tallies, EVERYBODY), RULES)
    kept = unpacked(packed(decision, {}, {}))
    assert "P0|cohort|referral|2026-03|*|referred" in kept.released.counts
    assert {key.split("|")[0] for key in kept.shown if key.split("|")[1] == "cohort"} == {EVERYBODY}
    closed = [adjustments.Closed(month, month.last_day, kept)]
    assert list(adjustments.adjustment_rows(closed, decision, Head(month, month.last_day, 2), {})) == []


def test_a_count_of_another_cut_that_is_known_already_hides_nothing_here():
    """P1's own files tell that its February is one at most; a file of all programmes cannot change that."""
    before = protect(FigureTable({f"P1 {key}": count for key, count in BEFORE.items()}, *_named("P1")), RULES)
    counts = {f"P1 {key}": count for key, count in AFTER.items()} | {"everybody": 40, "others": 33}
    sums, orders = _named("P1")
    figures = FigureTable(
        counts, [*sums, Sum("everybody", ("P1 all", "others"))], orders, withheld=counts.keys() - {"everybody"}
    )
    told = protect(figures, RULES, [before.released()])
    assert told.hidden == {}
    assert told.is_apart


def _named(programme: str) -> tuple[list[Sum], list[Inequality]]:
    sums, orders = TIES
    return (
        [Sum(f"{programme} {one.total}", tuple(f"{programme} {part}" for part in one.parts)) for one in sums],
        [Inequality(f"{programme} {one.lower}", f"{programme} {one.upper}") for one in orders],
    )


# Made-up tables, and a solver that knows nothing of the product's.


def range_of(one: str, counts: dict[str, int], hidden: Sequence[str], sums: Sequence[Sum]) -> tuple[int, int]:
    """Return the least and the most that whole numbers allow a hidden count to be."""
    rows, limits = [], []
    for each in sums:
        signs = {each.total: 1} | dict.fromkeys(each.parts, -1)
        rows.append([signs.get(key, 0) for key in hidden])
        limits.append(-sum(sign * counts[key] for key, sign in signs.items() if key not in hidden))
    goal = np.array([key == one for key in hidden], dtype=float)
    ends = []
    for way in (1, -1):
        found = milp(way * goal, constraints=LinearConstraint(rows, limits, limits), integrality=np.ones(len(hidden)))
        ends.append(round(found.x @ goal) if found.status == 0 else 10_000)
    return ends[0], ends[1]


@given(st.lists(st.lists(st.integers(0, 14), min_size=3, max_size=3), min_size=2, max_size=4), st.sampled_from([5, 10]))
@settings(max_examples=60, deadline=None)
def test_no_hidden_count_of_a_table_with_its_margins_is_worked_out(cells: list[list[int]], smallest: int):
    counts = {f"{row},{column}": count for row, line in enumerate(cells) for column, count in enumerate(line)}
    sums = []
    for row, line in enumerate(cells):
        counts[f"{row},all"] = sum(line)
        sums.append(Sum(f"{row},all", tuple(f"{row},{column}" for column in range(3))))
    for column in (*range(3), "all"):
        parts = tuple(f"{row},{column}" for row in range(len(cells)))
        counts[f"all,{column}"] = sum(counts[part] for part in parts)
        sums.append(Sum(f"all,{column}", parts))
    told = protect(FigureTable(counts, sums), DisclosureRules(smallest))
    hidden = sorted(told.hidden)
    assert {key for key, count in counts.items() if 0 < count < smallest} <= told.hidden.keys()
    for one in hidden:
        least, most = range_of(one, counts, hidden, sums)
        assert most >= smallest, (one, least, most)
        assert least < most, (one, least, most)


def test_a_release_of_other_figures_changes_nothing():
    figures = FigureTable({"all": 20, "women": 17, "men": 3}, [SEX])
    other = EarlierRelease({"elsewhere": 4}, frozenset({"elsewhere"}))
    assert protect(figures, RULES, [other]).hidden == protect(figures, RULES).hidden
