"""Train the reranker of the skill finder on the labels of a taxonomy. Only this training needs LightGBM.

``python -m benchmarks.words_training --skills skills_en.csv [--without Q.csv ...] --out matching/words/reranker.json``.
The labels in each Q (columns ``text`` and ``uri``) are left out of the training, so that the reranker can be measured
on them. The shipped file was trained on ESCO 1.1.1 without such labels.
"""

import argparse
import csv
import random
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from lightgbm import LGBMRanker
from sklearn.linear_model import LogisticRegression

from matching.words.concepts import in_order
from matching.words.evidence import SUM, gather
from matching.words.index import SkillIndex
from matching.words.query import read
from matching.words.reranker import PARTS, Reranker, calibration_inputs
from matching.words.skills import SkillFinder
from pathways.reference import esco

Rows = list[tuple[str, str]]
FOLDS, HELD_OUT, SEED = 5, 2500, 7
RIVALS = 24  # wrong concepts for each text
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, eq=False)
class Example:
    """A label looked up in an index without it: the features of the candidates, and which candidates are right."""

    X: np.ndarray
    is_right: np.ndarray


def rows_of(path: Path) -> Rows:
    """Return the texts of a file, each with its URI."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [(row["text"], row["uri"]) for row in csv.DictReader(lines)]


def same(label: str) -> str:
    """Return a label in the form for comparing: with case folded and without outer spaces."""
    return label.strip().casefold()


def without(concepts: Iterable[esco.EscoConcept], rows: Iterable[tuple[str, str]]) -> list[esco.EscoConcept]:
    """Return the concepts without those labels that equal a text in ``rows`` with the concept's URI.

    A concept is left out if it has no other label.
    """
    gone = {(same(text), uri) for text, uri in rows}
    remaining: list[esco.EscoConcept] = []
    for concept in concepts:
        labels = [a for a in (concept.preferred, *concept.alternatives) if (same(a), concept.uri) not in gone]
        if labels:
            remaining.append(replace(concept, preferred=labels[0], alternatives=tuple(labels[1:])))
    return remaining


def misspelt(text: str, rng: random.Random) -> str:
    """Return the text with one typing mistake, or with two if it has twelve letters or more."""
    for _ in range(2 if len(text) >= 12 else 1):
        place, kind = rng.randrange(len(text)), rng.randrange(4)
        letter = rng.choice(LETTERS)
        before, after = text[:place], text[place:]
        if kind == 0:
            text = before + letter + after
        elif kind == 1 and len(text) > 2:
            text = before + after[1:]
        elif kind == 2:
            text = before + letter + after[1:]
        else:
            text = before + after[1:2] + after[:1] + after[2:]
    return text


def held_out(concepts: Sequence[esco.EscoConcept], rng: random.Random) -> Rows:
    """Return one alternative label of each concept that has two or more, in random order.

    Labels that another concept has too are not used.
    """
    owners: Counter[str] = Counter()
    for concept in concepts:
        owners.update({same(label) for label in (concept.preferred, *concept.alternatives)})
    rows: Rows = []
    for concept in concepts:
        own = [a for a in concept.alternatives if owners[same(a)] == 1 and same(a) != same(concept.preferred)]
        if own and len(concept.alternatives) > 1:
            rows.append((rng.choice(own), concept.uri))
    rng.shuffle(rows)
    return rows


def examples_of(concepts: Sequence[esco.EscoConcept], rows: Rows, rng: random.Random) -> list[Example]:
    """Look up each label, as written and misspelt, in an index without these labels, and return the examples."""
    index = SkillIndex(without(concepts, rows))
    number = {concept.uri: i for i, concept in enumerate(index.concepts)}
    size = SkillFinder().shortlist
    examples: list[Example] = []
    for text, uri in rows:
        for written in (text, misspelt(text, rng)):
            query = read(index, written)
            if query.words and len(query.grams):
                evidence = gather(index, query, size)
                is_right = evidence.shortlist.concepts == number.get(uri, -1)
                examples.append(Example(evidence.X.astype(np.float32), is_right))
    return examples


def learn(concepts: Iterable[esco.EscoConcept], folds: int = FOLDS, size: int = HELD_OUT, seed: int = SEED) -> Reranker:
    """Train the trees and the calibration on held-out labels, with different labels in each fold.

    For one label in twenty, the whole concept is left out, so that no candidate is right. Three examples in twenty are
    used for the calibration, and the other examples for the trees.
    """
    ordered = in_order(concepts)
    rng = random.Random(seed)
    rows = held_out(ordered, rng)
    examples: list[Example] = []
    for_calibration: list[Example] = []
    for fold in range(folds):
        part = rows[fold * size : (fold + 1) * size]
        lost = {uri for _, uri in part[: size // 20]}
        new = examples_of([concept for concept in ordered if concept.uri not in lost], part, rng)
        cut = len(new) * 3 // 20
        for_calibration += new[:cut]
        examples += new[cut:]
    trees, depth = grown(examples, seed)
    return Reranker(trees, depth, calibrated(Reranker(trees, depth, (1.0, 0.0, 0.0, 0.0)), for_calibration))


def grown(examples: Sequence[Example], seed: int) -> tuple[dict[str, np.ndarray], int]:
    """Train LambdaMART on each example's right and most similar concepts. Return its trees as arrays, and the depth."""
    tables, rights, groups = [], [], []
    for example in examples:
        if example.is_right.any():
            chosen = example.is_right.copy()
            chosen[np.argsort(-example.X[:, SUM], kind="stable")[:RIVALS]] = True
            tables.append(example.X[chosen])
            rights.append(example.is_right[chosen])
            groups.append(int(chosen.sum()))
    ranker = LGBMRanker(
        n_estimators=200, learning_rate=0.06, max_depth=7, num_leaves=20, min_child_samples=30, reg_lambda=5.0,
        colsample_bytree=0.3, lambdarank_truncation_level=3, n_jobs=1, verbose=-1, random_state=seed,
        deterministic=True, force_row_wise=True,
    )  # fmt: skip
    ranker.fit(np.concatenate(tables), np.concatenate(rights), group=groups)
    return flattened([tree["tree_structure"] for tree in ranker.booster_.dump_model()["tree_info"]])


def flattened(roots: Sequence[dict[str, Any]]) -> tuple[dict[str, np.ndarray], int]:
    """Return nested trees as arrays with a row for each tree, and the depth of the deepest tree."""
    laid = [_laid_out(root) for root in roots]
    width = max(len(nodes) for nodes, _ in laid)
    blank = {"feature": 0, "threshold": 0.0, "left": 0, "right": 0, "value": 0.0}
    tables = {
        part: np.array([[n[part] for n in nodes] + [blank[part]] * (width - len(nodes)) for nodes, _ in laid])
        for part in PARTS
    }
    return tables, max(depth for _, depth in laid)


def _laid_out(root: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    nodes: list[dict[str, Any]] = []
    deepest = 0
    waiting: list[tuple[dict[str, Any], int, int, str]] = [(root, 0, -1, "left")]
    while waiting:
        node, depth, parent, side = waiting.pop()
        number = len(nodes)
        nodes.append({"feature": 0, "threshold": 0.0, "left": number, "right": number, "value": 0.0})
        if parent >= 0:
            nodes[parent][side] = number
        if "split_feature" not in node:
            nodes[number]["value"] = node["leaf_value"]
            deepest = max(deepest, depth)
            continue
        nodes[number].update(feature=node["split_feature"], threshold=node["threshold"])
        waiting.append((node["left_child"], depth + 1, number, "left"))
        waiting.append((node["right_child"], depth + 1, number, "right"))
    return nodes, deepest


def calibrated(reranker: Reranker, examples: Sequence[Example]) -> tuple[float, ...]:
    """Return the calibration's weights: a logistic regression on the inputs of each example's five best candidates."""
    inputs, rights = [], []
    for example in examples:
        scores = reranker.scores(example.X.astype(np.float64))
        best = np.argsort(-scores, kind="stable")[:5]
        inputs.append(calibration_inputs(scores)[best])
        rights.append(example.is_right[best])
    model = LogisticRegression(C=10.0, max_iter=1000)
    model.fit(np.concatenate(inputs), np.concatenate(rights))
    return (*map(float, model.coef_[0]), float(model.intercept_[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skills", type=Path, required=True)
    parser.add_argument("--without", type=Path, nargs="*", default=[])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rows = [row for path in options.without for row in rows_of(path)]
    began = time.process_time()
    learn(without(esco.concepts(options.skills), rows)).save(options.out)
    print(f"Trained in {time.process_time() - began:.0f} s CPU without {len(rows)} labels, and saved to {options.out}.")


if __name__ == "__main__":
    main()
