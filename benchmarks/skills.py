"""Compare the skill finder with RapidFuzz and character TF-IDF, on texts that are not labels in their index.

``python -m benchmarks.skills --labels skills_en.csv --queries Q.csv [--typos Q2.csv] [--shipped]``.
Q has the columns ``text`` and ``uri``. If a text has several rows, any of their URIs is right. A label that equals a
text of Q with the same URI is left out of the index. It is also left out of the training of the reranker, unless
``--shipped`` uses the reranker in the package. Q2 has the texts of Q with typing mistakes, row for row. Without
``--typos``, a file next to Q whose name ends in ``_typos`` is used if there is one.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.words_training import Rows, learn, rows_of, without
from matching.words.skills import SkillFinder
from pathways.reference import esco

Finder = Callable[[str], list[str]]
MOST_SECONDS = 120  # CPU time for one finder on one set of texts; after it, no further texts are measured


@dataclass(frozen=True)
class Question:
    """A text, and the URIs of the skills that are right for it."""

    text: str
    right: frozenset[str]


@dataclass(frozen=True)
class SkillFigures:
    """The number of texts, the shares with a right skill first and in the first five, and median CPU in ms."""

    n: int
    top_1: float
    top_5: float
    ms: float


def questions_of(rows: Rows, written: Sequence[str]) -> list[Question]:
    """Return a question for each text of ``written``. Right are all URIs of the text in the same row of ``rows``."""
    right: dict[str, set[str]] = {}
    for text, uri in rows:
        right.setdefault(text, set()).add(uri)
    distinct = dict.fromkeys((new, text) for new, (text, _) in zip(written, rows, strict=True))
    return [Question(new, frozenset(right[text])) for new, text in distinct]


def rapidfuzz_finder(concepts: Sequence[esco.EscoConcept]) -> Finder:
    """Return a finder that compares texts with preferred labels only, as published comparisons do."""
    labels = [concept.preferred.casefold() for concept in concepts]

    def find(text: str) -> list[str]:
        best = process.extract(text.casefold(), labels, scorer=fuzz.WRatio, limit=5)
        return [concepts[i].uri for _, _, i in best]

    return find


def tfidf_finder(concepts: Sequence[esco.EscoConcept]) -> Finder:
    """Return a finder that compares texts with all labels."""
    pairs = [(label, c.uri) for c in concepts for label in dict.fromkeys((c.preferred, *c.alternatives))]
    vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), dtype=np.float32)
    table = vectoriser.fit_transform([label.casefold() for label, _ in pairs]).T.tocsr()

    def find(text: str) -> list[str]:
        scores = (vectoriser.transform([text.casefold()]) @ table).toarray()[0]
        best = np.argsort(-scores, kind="stable")[:60]
        return list(dict.fromkeys(pairs[i][1] for i in best))[:5]

    return find


def measured(find: Finder, questions: Sequence[Question]) -> SkillFigures:
    """Measure a finder on the questions, but stop once it has used ``MOST_SECONDS`` of CPU time."""
    first = among = 0
    spent: list[float] = []
    for question in questions:
        began = time.process_time()
        uris = find(question.text)
        spent.append(time.process_time() - began)
        first += uris[:1] != [] and uris[0] in question.right
        among += not question.right.isdisjoint(uris[:5])
        if sum(spent) > MOST_SECONDS:
            break
    return SkillFigures(len(spent), first / len(spent), among / len(spent), 1000 * float(np.median(spent)))


def skill_finder(concepts: Sequence[esco.EscoConcept], *, shipped: bool) -> Finder:
    began = time.process_time()
    reranker = None if shipped else learn(concepts)
    if not shipped:
        print(f"The reranker was trained without labels that equal a text: {time.process_time() - began:.0f} s CPU.")
    began = time.process_time()
    finder = SkillFinder(reranker).fit(concepts)
    n_labels = len(finder.index_.labels)
    print(f"{n_labels} labels of {len(concepts)} skills were indexed: {time.process_time() - began:.0f} s CPU.")
    return lambda text: [offer.uri for offer in finder.find(text).offers]


def sets_of(queries: Path, typos: Path | None) -> tuple[Rows, dict[str, list[Question]]]:
    """Return the texts and URIs of ``queries``, and its questions: as written and, if there is a file, with typos."""
    rows = rows_of(queries)
    sets = {"as written": questions_of(rows, [text for text, _ in rows])}
    neighbour = queries.with_name(f"{queries.stem}_typos{queries.suffix}")
    if typos is None and neighbour.is_file():
        typos = neighbour
        print(f"{neighbour.name} is in the same folder as {queries.name}, so it is measured too.")
    if typos is not None:
        written = [text for text, _ in rows_of(typos)]
        if len(written) != len(rows):
            raise SystemExit(
                f"{typos.name} has {len(written)} rows and {queries.name} has {len(rows)}. "
                "Both need the same number of rows."
            )
        sets["with typos"] = questions_of(rows, written)
    return rows, sets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--typos", type=Path)
    parser.add_argument("--shipped", action="store_true", help="use the reranker in the package")
    options = parser.parse_args()
    rows, sets = sets_of(options.queries, options.typos)
    concepts = without(esco.concepts(options.labels), rows)
    finders = {
        "RapidFuzz WRatio, preferred labels": rapidfuzz_finder(concepts),
        "character TF-IDF, all labels": tfidf_finder(concepts),
        "skill finder": skill_finder(concepts, shipped=options.shipped),
    }
    print(f"\n{'finder':36}{'texts':12}{'n':>6}{'top-1':>8}{'top-5':>8}{'ms CPU':>8}")
    for name, find in finders.items():
        for texts, questions in sets.items():
            figures = measured(find, questions)
            line = f"{name:36}{texts:12}{figures.n:6}{figures.top_1:8.3f}{figures.top_5:8.3f}{figures.ms:8.1f}"
            note = "" if figures.n == len(questions) else f"  (only the first {figures.n}, because it is slow)"
            print(line + note, flush=True)


if __name__ == "__main__":
    main()
