"""Compare the title finder with RapidFuzz and character TF-IDF on MELO (US job titles to ESCO occupations).

``python -m benchmarks.titles --melo FOLDER [--esco FOLDER] [--no-model] [--cache FOLDER]``. Every element of MELO's
corpus is ranked for every title. No finder is trained on MELO. With ``--cache``, the model's vectors of the labels are
stored for later runs.
"""

import argparse
import csv
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process, utils
from sklearn.feature_extraction.text import TfidfVectorizer

from matching.words.concepts import Concept
from matching.words.sentence import SHA256, ModelMissing, SentenceModel
from matching.words.titles import LEXICAL_WEIGHTS, TitleFinder
from matching.words.vectors import Encoder

Scorer = Callable[[str], np.ndarray]
# Descriptions of ISCO groups end with lists of example titles. These would give the answers away, so they are cut off.
EXAMPLES = re.compile(r"Examples of the occupations classified here|Some related occupations|\nNote")
TIES = (
    "Scores are rounded to five decimals. MRR and success@1 are expected values if equal scores are in random order. "
    "'By id' orders equal scores as trec_eval does: the last id comes first."
)


def cells_of(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


def descriptions_in(esco: Path) -> dict[str, str]:
    """Return the descriptions of occupations and of ISCO groups, by URI."""
    descriptions: dict[str, str] = {}
    for name in ("occupations_en.csv", "ISCOGroups_en.csv"):
        with (esco / name).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                descriptions[row["conceptUri"]] = EXAMPLES.split(row["description"])[0]
    return descriptions


class Melo:
    """The MELO data: titles to look up, elements to rank, their concepts, and the right elements of each title."""

    def __init__(self, folder: Path, descriptions: Mapping[str, str]) -> None:
        titles = [(row[0], row[1]) for row in cells_of(folder / "queries.tsv")]
        elements = [(row[0], row[1]) for row in cells_of(folder / "corpus_elements.tsv")]
        concept = {row[0]: row[1] for row in cells_of(folder / "concept_mapping.tsv")}
        self.titles = [text for _, text in titles]
        self.texts = [text for _, text in elements]
        labels: dict[str, list[str]] = {}
        for key, text in elements:
            labels.setdefault(concept[key], []).append(text)
        self.concepts = [Concept(uri, own[0], tuple(own[1:]), descriptions.get(uri, "")) for uri, own in labels.items()]
        element = {key: i for i, (key, _) in enumerate(elements)}
        title = {key: i for i, (key, _) in enumerate(titles)}
        right: list[list[int]] = [[] for _ in titles]
        for query, _, key, grade in cells_of(folder / "annotations.tsv"):
            if int(grade) > 0:
                right[title[query]].append(element[key])
        self.right = [np.array(row) for row in right]


def expected(scores: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Return the expected reciprocal rank and success@1 if equal scores are put in random order."""
    best = scores[right].max()
    above, tied = int((scores > best).sum()), int((scores == best).sum())
    good = int((scores[right] == best).sum())
    remaining, total = 1.0, 0.0
    for position in range(tied - good + 1):
        chance = remaining * good / (tied - position)
        total += chance / (above + position + 1)
        remaining -= chance
    return total, 0.0 if above else good / tied


def by_id(scores: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Return the reciprocal rank and success@1 if equal scores are ordered by id, the last id first."""
    best = scores[right].max()
    last = int(right[scores[right] == best].max())
    above = int((scores > best).sum()) + int((scores[last + 1 :] == best).sum())
    return 1 / (above + 1), float(above == 0)


def measure(name: str, melo: Melo, score: Scorer) -> None:
    """Print one line of figures; ``score`` returns a score for each element of the corpus."""
    figures: list[tuple[float, ...]] = []
    spent: list[float] = []
    for title, right in zip(melo.titles, melo.right, strict=True):
        began = time.process_time()
        raw = score(title)
        spent.append(time.process_time() - began)
        scores = np.round(raw.astype(np.float64), 5)
        figures.append((*expected(scores, right), *by_id(scores, right)))
    numbers = "".join(f"{value:13.4f}" for value in np.mean(figures, axis=0))
    print(f"{name:24}{numbers}{1000 * float(np.median(spent)):10.1f}", flush=True)


class CachingModel:
    """A sentence model that stores the vectors of lists of 100 or more texts in a folder."""

    def __init__(self, model: Encoder, folder: Path) -> None:
        self.model = model
        self.folder = folder

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        if len(texts) < 100:
            return self.model.encode(texts)
        # The name is a hash of the model and the texts, so a changed label or model never reads old vectors.
        key = hashlib.sha256(json.dumps([SHA256["model.safetensors"], *texts]).encode()).hexdigest()
        path = self.folder / f"{key}.npy"
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            np.save(path, self.model.encode(texts), allow_pickle=False)
        return np.asarray(np.load(path, allow_pickle=False))


def model_of(cache: Path | None) -> Encoder | None:
    try:
        model = SentenceModel.installed()
    except ModelMissing as missing:
        print(f"The title finder is not measured with a model. {missing}")
        return None
    return model if cache is None else CachingModel(model, cache)


def title_finder(melo: Melo, model: Encoder | None = None, weights: Mapping[str, float] | None = None) -> Scorer:
    began = time.process_time()
    finder = TitleFinder(model, weights=weights).fit(melo.concepts)
    print(f"({time.process_time() - began:.0f} s CPU to learn the labels{', with the model' if model else ''})")
    number = {label: i for i, label in enumerate(finder.labels_)}
    of_element = np.array([number[text] for text in melo.texts])
    return lambda title: finder.label_scores(title)[of_element]


def plain_scorers(melo: Melo) -> dict[str, Scorer]:
    plain = [utils.default_process(text) for text in melo.texts]
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    characters.fit(list(dict.fromkeys(melo.texts)))
    table = characters.transform(melo.texts)

    def rapidfuzz(title: str) -> np.ndarray:
        query = [utils.default_process(title)]
        return np.asarray(process.cdist(query, plain, scorer=fuzz.token_sort_ratio, dtype=np.float32)[0])

    def tfidf(title: str) -> np.ndarray:
        return np.asarray((table @ characters.transform([title]).T).toarray()[:, 0])

    return {"RapidFuzz token sort": rapidfuzz, "character TF-IDF": tfidf}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--melo", type=Path, required=True)
    parser.add_argument("--esco", type=Path, help="folder with occupations_en.csv and ISCOGroups_en.csv")
    parser.add_argument("--no-model", action="store_true")
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    esco = options.esco or options.melo.resolve().parent / "esco"
    has_esco = options.esco is not None or esco.is_dir()
    print(f"Descriptions of concepts: {f'from {esco}' if has_esco else 'none'}.\n{TIES}")
    melo = Melo(options.melo, descriptions_in(esco) if has_esco else {})
    print(f"\n{'finder':24}{'MRR':>13}{'success@1':>13}{'MRR by id':>13}{'s@1 by id':>13}{'ms CPU':>10}")
    for name, score in plain_scorers(melo).items():
        measure(name, melo, score)
    measure("title finder, no meaning", melo, title_finder(melo, weights=LEXICAL_WEIGHTS))
    measure("title finder", melo, title_finder(melo))
    model = None if options.no_model else model_of(options.cache)
    if model is not None:
        measure("title finder, with model", melo, title_finder(melo, model))


if __name__ == "__main__":
    main()
