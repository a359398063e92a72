"""Make ``matching/words/meaning.npz``, the token table with which a fresh install compares everyday phrases.

``python -m benchmarks.meaning_training --esco FOLDER --out FILE [--without FILE ...] [--cache FOLDER]``.
Every file of ``--without`` has the columns ``text`` and ``uri``; its concepts are left out of the training. The labels
of our own starter vocabulary are learnt with those of ESCO, each once.

The table starts from the vectors that the sentence model all-MiniLM-L6-v2 gives to single word pieces, made shorter by
a principal component analysis and weighted by how rare each piece is. It is then trained on pairs of ESCO labels, with
the cosines of the sentence model as the teacher. The training is not reproducible to the last bit, so the file is
shipped with its SHA-256 and the tests do not make it again.

References
----------
.. [1] Arora, Liang, Ma, "A simple but tough-to-beat baseline for sentence embeddings", ICLR 2017.
.. [2] van den Oord, Li, Vinyals, "Representation learning with contrastive predictive coding", 2018.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.words_training import rows_of
from matching.words.meaning import WIDTH, MeaningTable
from matching.words.pieces import WordPieces
from matching.words.sentence import SentenceModel
from pathways.reference import esco, tables

Floats = NDArray[np.float32]
FILES = ("skills_en.csv", "occupations_en.csv")
LONGEST_SENTENCE = 250
RARITY = 1e-3  # a of reference 1: a piece with this share of all pieces gets half the weight of a rare one
EPOCHS, BATCH, SEED = 4, 1024, 19
N_TAUGHT = 384  # numbers in a vector of the teacher
TEMPERATURE, TEACHING = 0.05, 300.0
RATE = 3e-3  # of the mean length of a row; it falls to 0
MOMENTS, TINY = (0.9, 0.999), 1e-8


@dataclass
class Lesson:
    """The texts to learn from, the pairs of them that mean the same, and the concept of each pair.

    ``is_label`` tells which texts are labels: only they have a vector of the teacher.
    """

    texts: list[str] = field(default_factory=list)
    is_label: list[bool] = field(default_factory=list)
    pairs: list[tuple[int, int]] = field(default_factory=list)
    concepts: list[int] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def text(self, text: str, *, is_label: bool = True) -> int:
        """Return the number of a text, which is added at its first use."""
        number = self._numbers.setdefault(text.lower().strip(), len(self.texts))
        if number == len(self.texts):
            self.texts.append(text.lower().strip())
            self.is_label.append(is_label)
        return number

    def pair(self, first: int, second: int, concept: int) -> None:
        if first != second:
            self.pairs.append((first, second))
            self.concepts.append(concept)


def lesson_of(folder: Path, without: Sequence[Path], *, has_everyday: bool) -> Lesson:
    """Read the pairs: each label and the first sentence of the description, with the preferred label."""
    left_out = {uri for path in without for _, uri in rows_of(path)}
    lesson, concept = Lesson(), 0
    for name in FILES:
        for entry in esco.concepts(folder / name):
            if entry.uri in left_out:
                continue
            concept += 1
            preferred = lesson.text(entry.preferred)
            for label in entry.alternatives:
                lesson.pair(lesson.text(label), preferred, concept)
            if sentence := entry.description.split(". ")[0][:LONGEST_SENTENCE]:
                lesson.pair(lesson.text(sentence, is_label=False), preferred, concept)
    if has_everyday:
        for row in (*tables.rows("skills"), *tables.rows("occupations")):
            if row["relation"] != "near" and row["label"] != row["concept"]:
                concept += 1
                lesson.pair(lesson.text(row["label"]), lesson.text(row["concept"]), concept)
    return lesson


def taught_vectors(lesson: Lesson, folder: Path, cache: Path | None, model: SentenceModel) -> Floats:
    """Return the vectors of the teacher for the labels of a lesson, and 0 for its descriptions."""
    everything = lesson_of(folder, (), has_everyday=False)
    labels = [text for text, is_label in zip(everything.texts, everything.is_label, strict=True) if is_label]
    known = dict(zip(labels, cached(cache, labels, model), strict=True))
    own = [text for text, is_label in zip(lesson.texts, lesson.is_label, strict=True) if is_label and text not in known]
    known |= dict(zip(own, model.encode(own), strict=True))
    nothing = np.zeros(N_TAUGHT, np.float32)
    return np.array([known.get(text, nothing) for text in lesson.texts], dtype=np.float32)


def vectors_of_pieces(pieces: WordPieces, model: SentenceModel) -> Floats:
    """Return the vector that the sentence model gives to each piece alone, in the order of their numbers."""
    first, last = pieces.vocabulary["[CLS]"], pieces.vocabulary["[SEP]"]
    numbers = np.array([[first, number, last] for number in range(len(pieces.vocabulary))])
    return np.concatenate([model.forward(part) for part in np.array_split(numbers, 200)])


def cached(folder: Path | None, texts: Sequence[str], model: SentenceModel) -> Floats:
    """Return the vectors that the sentence model gives to texts; keep them in a folder if there is one."""
    key = hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()[:16]
    path = None if folder is None else folder / f"labels_{key}.npy"
    if path is not None and path.is_file():
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float32)
    vectors = model.encode(texts)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, vectors.astype(np.float16), allow_pickle=False)
    return vectors


def bags(texts: Sequence[str], pieces: WordPieces) -> Any:
    """Return how often each word piece occurs in each text, as a sparse matrix."""
    rows, columns = [], []
    for row, text in enumerate(texts):
        own = pieces.numbers(text)[1:-1]
        rows += [row] * len(own)
        columns += own
    counts = np.ones(len(rows), np.float32)
    return sp.csr_matrix((counts, (rows, columns)), shape=(len(texts), len(pieces.vocabulary)))


def first_table(vectors: Floats, counts: Any) -> Floats:
    """Return the table before training: principal components of the pieces' vectors, times a weight of rarity."""
    centred = vectors - vectors.mean(axis=0)
    _, vectors_of_spread = np.linalg.eigh(centred.T @ centred)
    shorter = centred @ vectors_of_spread[:, ::-1][:, :WIDTH]
    used = np.asarray(counts.sum(axis=0)).ravel() + 0.5
    weight = RARITY / (RARITY + used / used.sum())
    return np.asarray(shorter * weight[:, None], dtype=np.float32)


def trained(table: Floats, lesson: Lesson, counts: Any, teacher: Floats) -> Floats:
    """Train the table on the pairs, and print the mean loss of each epoch."""
    rng = np.random.default_rng(SEED)
    pairs, concepts = np.array(lesson.pairs), np.array(lesson.concepts)
    is_label = np.array(lesson.is_label)
    optimiser = SparseAdam(table, RATE * float(np.linalg.norm(table, axis=1).mean()))
    steps, step = EPOCHS * (len(pairs) // BATCH), 0
    for epoch in range(EPOCHS):
        order, losses = rng.permutation(len(pairs)), []
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            first, second = pairs[chosen].T
            known = is_label[first][:, None] & is_label[second]
            taught = np.where(known, teacher[first] @ teacher[second].T, np.nan)
            loss, slope = batch_loss(optimiser.table, counts[first], counts[second], concepts[chosen], taught)
            optimiser.step(slope, 1 - step / steps)
            losses.append(loss)
            step += 1
        print(f"epoch {epoch + 1}: mean loss {np.mean(losses):.4f}", flush=True)
    return optimiser.table


def batch_loss(table: Floats, left: Any, right: Any, concepts: NDArray[Any], taught: Floats) -> tuple[float, Any]:
    """Return the loss of a batch, and its slope for each piece as a sparse choice of rows and their values.

    The loss is the symmetric InfoNCE of both directions, where other pairs of the same concept do not count, plus the
    mean square of the differences from the teacher's cosines.
    """
    a, b = left @ table, right @ table
    length_a, length_b = _length(a), _length(b)
    a, b = a / length_a, b / length_b
    cosine = a @ b.T
    is_same = concepts[:, None] == concepts
    np.fill_diagonal(is_same, False)  # noqa: FBT003 - numpy's own signature
    scores = np.where(is_same, -np.inf, cosine / TEMPERATURE)
    slope = np.zeros_like(cosine)
    loss = 0.0
    for axis in (0, 1):
        share = np.exp(scores - scores.max(axis=axis, keepdims=True))
        share /= share.sum(axis=axis, keepdims=True)
        loss -= float(np.log(np.diagonal(share) + 1e-12).mean()) / 2
        slope += (share - np.eye(len(share), dtype=np.float32)) / (2 * len(share) * TEMPERATURE)
    difference = np.where(np.isnan(taught), 0.0, cosine - taught).astype(np.float32)
    loss += TEACHING * float(np.square(difference).mean())
    slope = (slope + TEACHING * 2 * difference / difference.size).astype(np.float32)
    slope_a, slope_b = slope @ b, slope.T @ a
    slope_a = (slope_a - (slope_a * a).sum(axis=1, keepdims=True) * a) / length_a
    slope_b = (slope_b - (slope_b * b).sum(axis=1, keepdims=True) * b) / length_b
    both = sp.vstack([left, right]).tocsc()
    used = np.flatnonzero(np.diff(both.indptr))
    return loss, (used, both[:, used].T @ np.vstack([slope_a, slope_b]))


def _length(vectors: Floats) -> Floats:
    return np.asarray(np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9, dtype=np.float32)


class SparseAdam:
    """Adam that moves only the rows that a batch uses.

    References
    ----------
    .. [1] Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """

    def __init__(self, table: Floats, rate: float) -> None:
        self.table = table.copy()
        self.rate = rate
        self.mean = np.zeros_like(table)
        self.square = np.zeros_like(table)
        self.steps = 0

    def step(self, slope: tuple[NDArray[Any], Floats], share_of_rate: float) -> None:
        rows, values = slope
        self.steps += 1
        first, second = MOMENTS
        self.mean[rows] = first * self.mean[rows] + (1 - first) * values
        self.square[rows] = second * self.square[rows] + (1 - second) * values**2
        mean = self.mean[rows] / (1 - first**self.steps)
        square = self.square[rows] / (1 - second**self.steps)
        self.table[rows] -= self.rate * share_of_rate * mean / (np.sqrt(square) + TINY)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--esco", type=Path, required=True)
    parser.add_argument("--without", type=Path, nargs="*", default=[])
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    began = time.process_time()
    model = SentenceModel.installed()
    pieces = WordPieces(model.pieces.vocabulary)
    lesson = lesson_of(options.esco, options.without, has_everyday=True)
    counts = bags(lesson.texts, pieces)
    teacher = taught_vectors(lesson, options.esco, options.cache, model)
    in_order = sorted(pieces.vocabulary, key=pieces.vocabulary.__getitem__)
    alone = vectors_of_pieces(pieces, model)
    print(f"{len(lesson.texts)} texts, {len(lesson.pairs)} pairs: {time.process_time() - began:.0f} s CPU", flush=True)
    table = trained(first_table(alone, counts), lesson, counts, teacher)
    MeaningTable.of_floats(table, in_order).save(options.out)
    print(f"Saved to {options.out}: {time.process_time() - began:.0f} s CPU in all.")


if __name__ == "__main__":
    main()
