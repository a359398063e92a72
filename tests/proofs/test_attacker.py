"""Every file ever released, to somebody with a solver: no hidden figure has one value, or small values, only."""

import itertools
import os
import random
from datetime import timedelta

from pathways.disclosure.suppression import DisclosureRules, protect
from pathways.exports import cohort, files
from pathways.exports.cohort import EVERYBODY, Head, Tally, together
from pathways.exports.journeys import Journey
from pathways.exports.months import Month
from pathways.exports.tables import BREAKDOWN, COHORT, PROGRESSION, STAGES_BY_MONTH
from tests.attacker import Attacker

IS_FULL = bool(os.environ.get("PATHWAYS_PROVE"))
HISTORIES = 200 if IS_FULL else 2
SMALLEST = 5
STEPS = (("started", 25), ("profiled", 15), ("introduced", 30), ("offered", 20), ("in_work", 20), ("sustained_13", 20))


def journey(rng: random.Random, number: int, first: Month, last: Month) -> Journey:
    """One made-up journey: quick enough that all stages are reached within some months."""
    day = first.first_day + timedelta(days=rng.randrange((last.last_day - first.first_day).days))
    reached = {"referred": day}
    for stage, longest in STEPS:
        if rng.random() > 0.85:
            break
        day += timedelta(days=rng.randrange(1, longest))
        reached[stage] = day
        if stage == "introduced" and rng.random() < 0.8:
            reached["contacted"] = day
    if rng.random() < 0.25:
        reached["left"] = day + timedelta(days=rng.randrange(1, 40))
    groups = {
        "programme": rng.choice(["P1", "P1", "P2"]),
        "area": rng.choice(["nw1", "nw9", "n2"]),
        "source": rng.choice(["jcp", "asc", "self"]),
        "sex": rng.choice(["female", "male", "not_known"]),
        "age": rng.choice(["18_to_24", "25_to_49"]),
        "ethnic_group": rng.choice(["a", "a", "b", "c"]),
        "long_term_condition": rng.choice(["yes", "no"]),
    }
    if "in_work" in reached:
        groups["kind"] = rng.choice(["job_open", "job_ilm"])
    return Journey(reached, groups, str(number))


def known_in(journeys: list[Journey], month: Month) -> list[Journey]:
    kept = []
    for one in journeys:
        reached = {stage: day for stage, day in one.reached_on.items() if day <= month.last_day}
        if "referred" in reached:
            groups = {name: group for name, group in one.groups.items() if name != "kind" or "in_work" in reached}
            kept.append(Journey(reached, groups, one.key))
    return kept


def learnt_late(rng: random.Random, journeys: list[Journey]) -> list[Journey]:
    """A few are known otherwise now: a day corrected, a stage taken back, somebody erased, somebody new."""
    changed = list(journeys)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(changed))
        one = changed[at]
        what = rng.random()
        if what < 0.3:
            del changed[at]
        elif what < 0.7 and len(one.reached_on) > 2:
            stage = list(one.reached_on)[-1]
            reached = {name: day for name, day in one.reached_on.items() if name != stage}
            groups = {name: group for name, group in one.groups.items() if name != "kind" or "in_work" in reached}
            changed[at] = Journey(reached, groups, one.key)
        else:
            moved = {stage: day - timedelta(days=rng.randrange(1, 20)) for stage, day in one.reached_on.items()}
            changed[at] = Journey(moved, one.groups, one.key)
    return changed


def tables_of(tally: Tally, decision, head: Head) -> dict[str, bytes]:
    rows = {
        COHORT: cohort.cohort_rows(tally, decision, head),
        PROGRESSION: cohort.progression_rows(tally, decision, head),
        STAGES_BY_MONTH: cohort.stage_rows(tally, decision, head),
        BREAKDOWN: cohort.breakdown_rows(tally, decision, head),
    }
    return {f"{table.name}.csv": files.csv_bytes(table.header, found) for table, found in rows.items()}


def place_of(key: str) -> tuple[str, ...]:
    """How the attacker names what a key stands for."""
    scope, table, *rest = key.split("|")
    if table == "at":
        return (scope, "at", rest[0][:7], rest[1])
    if table == "move":
        return (scope, "move", rest[0], rest[1] or "not_referred", rest[2])
    return (scope, table, *rest)


def retold_in(decision, past) -> set[tuple]:
    """Return the places of which nobody is told whether they are what they were: only a release that is apart has any.

    They are what it hides and an earlier file held, and what it does not hold and no earlier file showed.
    """
    if not decision.is_apart:
        return set()
    held = set().union(*(one.published for one in past))
    shown = set().union(*(one.published.difference(one.hidden) for one in past))
    aside = {*decision.figures.unpublished, *decision.figures.withheld}
    return {place_of(key) for key in (held & decision.hidden.keys()) | (aside - shown)}


def attacked(seed: int) -> tuple[int, int, list]:
    """Release some months, versions and cuts of a made-up history, and attack them all together."""
    rng = random.Random(seed)
    first, months = Month(2026, 3), rng.randrange(3, 5)
    last = first.plus(months - 1)
    people = [journey(rng, n, first, last) for n in range(rng.choice([25, 40, 60, 120]))]
    plan: list[tuple[Month, str]] = []
    for back in (1, 0):
        plan.append((last.plus(-back), EVERYBODY))
        if rng.random() < 0.5:
            plan.append((last.plus(-back), rng.choice(["P1", "P2"])))
    plan.append((last, EVERYBODY))  # once more, as known later
    truths: list[dict[tuple, int]] = []
    past, released = [], []
    retold: list[set[tuple]] = []  # of each release the places that are no longer known to be what they were
    for number, (month, scope) in enumerate(plan):
        if number == len(plan) - 1 or rng.random() < 0.4:
            people = learnt_late(rng, people)
        known = known_in(people, month)
        tallies = {
            name: Tally(month, name).count(j for j in known if name in {EVERYBODY, j.groups["programme"]})
            for name in (EVERYBODY, "P1", "P2")
        }
        figures = together(tallies, scope)
        decision = protect(figures, DisclosureRules(SMALLEST), past)
        past.append(decision.released())
        retold.append(retold_in(decision, past[:-1]))
        truths.append({place_of(key): count for key, count in figures.counts.items()})
        released.append((scope, tables_of(tallies[scope], decision, Head(month, month.last_day, 1))))

    def epoch(place: tuple, release: int) -> int:
        """How often a figure had changed by a release; under 0 where there is none."""
        told = [
            (truth[place], place in other)
            for truth, other in itertools.islice(zip(truths, retold, strict=True), release + 1)
            if place in truth
        ]
        return (
            sum(now != before or is_other for (before, _), (now, is_other) in itertools.pairwise(told)) if told else -1
        )

    attacker = Attacker(SMALLEST, epoch)
    for (scope, made), kept in zip(released, past, strict=True):
        # Of a release that shows nothing there is nothing to read, and nobody is told what in it is as it was.
        attacker.read(scope, made if kept.shows_any else {}, ["P1", "P2"])
    truth = {(*place, epoch(place, at)): count for at, told in enumerate(truths) for place, count in told.items()}
    return len(attacker.hidden), len(attacker.known), attacker.found_out(truth)


def test_nothing_hidden_is_worked_out_from_all_that_was_ever_released():
    hidden = figures = 0
    for seed in range(HISTORIES):
        some, all_of_them, found = attacked(seed)
        hidden, figures = hidden + some, figures + all_of_them
        assert found == [], (seed, found[:5])
    print(f"\n{HISTORIES} histories: {figures} figures, {hidden} hidden, none worked out")
    assert hidden > 50 * HISTORIES


def test_the_attacker_finds_what_is_badly_hidden():
    """Were small counts hidden and nothing beside them, a difference would tell some of them."""
    rng = random.Random(5)
    people = [journey(rng, n, Month(2026, 3), Month(2026, 5)) for n in range(120)]
    month = Month(2026, 5)
    tally = Tally(month).count(known_in(people, month))
    decision = protect(tally.figures(), DisclosureRules(SMALLEST))
    careless = type(decision)(
        decision.figures, decision.rules, {key: why for key, why in decision.hidden.items() if why.value == "small"}
    )
    attacker = Attacker(SMALLEST, lambda *_: 0)
    attacker.read(EVERYBODY, tables_of(tally, careless, Head(month, month.last_day, 1)), [])
    assert len(careless.hidden) < len(decision.hidden)
    truth = {(*place_of(key), 0): count for key, count in decision.figures.counts.items()}
    assert attacker.found_out(truth) != []
