"""Judge how well everyday words are understood, on phrases of our own and on public sets, beside named alternatives.

``python -m benchmarks.quality [--half kept_out]``.

The phrases are in ``benchmarks/phrases``. Their writers saw neither the vocabulary nor any trial file. The half
``develop`` was used to choose thresholds. The half ``kept_out`` was not used for any choice. ``phrases/README.md`` says
what the columns mean.

An alternative credits a pair if its likeness is higher than that of 95 % of the unrelated pairs of ``develop``, so each
is judged at the same share of false credit. A pair is unrelated if its two sides are from different rows.
"""

import argparse
import csv
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.results import record
from matching.pairs.profiles import PlacementProfile
from matching.pairs.surroundings import (
    NOT_KNOWN,
    RULED_OUT,
    avoided,
    avoided_answer,
    read_listing,
    surroundings_met,
    wanted_surroundings,
)
from matching.pairs.wishes import read_wishes
from matching.words.sentence import ModelMissing, SentenceModel
from pathways.reference import half_days, vocabulary

Row = dict[str, str]
Scorer = Callable[[str, Sequence[str]], NDArray[np.float64]]
FOLDER = Path(__file__).with_name("phrases")
HALVES, BLIND = ("develop", "kept_out"), "blind"
PLAINLY = "listed, plainly"
FALSE_SHARE, N_UNRELATED, SEED = 0.05, 12, 1
CREDITED_SKILL, CREDITED_WORK = 0.6, 0.505  # from here on, the service names a skill or a wish as a reason for
ANSWERS = {NOT_KNOWN: "not known", RULED_OUT: "not listed"}


class JudgedPair(NamedTuple):
    """A phrase and a text of a listing, with their relation: right, acceptable, wrong or unrelated."""

    row: int
    phrase: str
    text: str
    relation: str


@dataclass(frozen=True)
class CreditFigures:
    """The share of pairs that are credited, by relation, and the share of phrases with a right text credited."""

    right: float
    phrases: float
    acceptable: float
    unrelated: float
    traps: float


def rows_in(half: str, name: str) -> list[Row]:
    with (FOLDER / half / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def cells(row: Row, column: str) -> list[str]:
    return [text.strip() for text in row[column].split("|") if text.strip()]


def pairs_of(rows: Sequence[Row]) -> list[JudgedPair]:
    """Return the pairs of each phrase: those of its row, and the first right text of twelve other rows."""
    rng = random.Random(SEED)
    pairs = []
    for number, row in enumerate(rows):
        others = rng.sample([other for other in rows if other is not row], min(N_UNRELATED, len(rows) - 1))
        texts = [(relation, text) for relation in ("right", "acceptable", "wrong") for text in cells(row, relation)]
        texts += [("unrelated", cells(other, "right")[0]) for other in others]
        pairs += [JudgedPair(number, row["phrase"], text, relation) for relation, text in texts]
    return pairs


def likenesses(pairs: Sequence[JudgedPair], score: Scorer) -> NDArray[np.float64]:
    by_phrase: dict[str, list[int]] = {}
    for at, pair in enumerate(pairs):
        by_phrase.setdefault(pair.phrase, []).append(at)
    found = np.zeros(len(pairs))
    for phrase, places in by_phrase.items():
        found[places] = score(phrase, [pairs[at].text for at in places])
    return found


def threshold(pairs: Sequence[JudgedPair], found: NDArray[np.float64]) -> float:
    """Return the likeness above which one in twenty unrelated pairs lies."""
    unrelated = found[[pair.relation == "unrelated" for pair in pairs]]
    return float(np.quantile(unrelated, 1 - FALSE_SHARE)) + 1e-9


def credit(pairs: Sequence[JudgedPair], found: NDArray[np.float64], least: float) -> CreditFigures:
    is_credited = found >= least
    shares = {
        relation: float(np.mean(is_credited[[pair.relation == relation for pair in pairs]]))
        for relation in ("right", "acceptable", "unrelated", "wrong")
    }
    by_row: dict[int, bool] = {}
    for pair, credited in zip(pairs, is_credited.tolist(), strict=True):
        if pair.relation == "right":
            by_row[pair.row] = by_row.get(pair.row, False) or credited
    phrases = float(np.mean(list(by_row.values())))
    return CreditFigures(shares["right"], phrases, shares["acceptable"], shares["unrelated"], shares["wrong"])


def our_skills(phrase: str, texts: Sequence[str]) -> NDArray[np.float64]:
    words = vocabulary.starter()
    return np.asarray(words.skill_table([words.key(phrase)], [words.key(text) for text in texts])[0] / 1000)


def our_work(phrase: str, titles: Sequence[str]) -> NDArray[np.float64]:
    wishes = read_wishes([phrase]).wanted or (phrase,)
    return np.asarray(vocabulary.starter().work_table(wishes, list(titles)).max(axis=0) / 240)


def letters(phrase: str, texts: Sequence[str]) -> NDArray[np.float64]:
    return np.asarray(
        process.cdist([phrase.casefold()], [text.casefold() for text in texts], scorer=fuzz.token_set_ratio)[0] / 100
    )


def tfidf_of(texts: Sequence[str]) -> Scorer:
    vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit([text.casefold() for text in texts])

    def score(phrase: str, others: Sequence[str]) -> NDArray[np.float64]:
        rows = vectoriser.transform([phrase.casefold(), *(text.casefold() for text in others)])
        return np.asarray((rows[1:] @ rows[0].T).todense()).ravel()

    return score


def sentence_scorer() -> Scorer | None:
    try:
        model = SentenceModel.installed()
    except ModelMissing as missing:
        print(f"The sentence model is not measured. {missing}")
        return None
    encode = lru_cache(maxsize=100_000)(lambda text: model.encode([text.lower()])[0])
    return lambda phrase, texts: np.array([float(encode(text) @ encode(phrase)) for text in texts])


def credits_table(name: str, half: str, ours: Scorer, least: float) -> None:
    """Print the credited shares of skills or wishes, ours and those of the alternatives."""

    def wanted(which: str) -> list[JudgedPair]:
        return pairs_of([row for row in rows_in(which, name) if row.get("kind", "wish") in {"wish", "several"}])

    pairs, chosen_on = wanted(half), wanted("develop")
    scorers: dict[str, Scorer | None] = {
        "RapidFuzz token set": letters,
        "character TF-IDF": tfidf_of([text for pair in chosen_on for text in (pair.phrase, pair.text)]),
        "MiniLM": sentence_scorer(),
    }
    print(f"\n{name}, {half}: {len({pair.row for pair in pairs})} phrases, {len(pairs)} pairs; shares credited")
    print(f"{'':24}{'right':>9}{'phrases':>9}{'accept.':>9}{'unrelated':>11}{'traps':>8}")
    figures = {"ours": credit(pairs, likenesses(pairs, ours), least)}
    for label, score in scorers.items():
        if score is not None:
            figures[label] = credit(pairs, likenesses(pairs, score), threshold(chosen_on, likenesses(chosen_on, score)))
    for label, f in figures.items():
        print(f"{label:24}{f.right:9.3f}{f.phrases:9.3f}{f.acceptable:9.3f}{f.unrelated:11.3f}{f.traps:8.3f}")
    best = max((f.right, label) for label, f in figures.items() if label != "ours")
    record(
        f"{name} of our phrases credited, {half}",
        figures["ours"].right,
        best[1],
        best[0],
        figures["ours"].right / best[0],
    )


def wishes_read(half: str) -> None:
    """Print how many wishes that say nothing, and wishes against something, are read as that."""
    counts: Counter[tuple[str, bool]] = Counter()
    for row in rows_in(half, "wishes"):
        read = read_wishes([row["phrase"]])
        if row["kind"] == "unknown":
            counts["unknown", not read.wanted and not read.avoided] += 1
        elif row["kind"] == "against":
            counts["against", bool(read.avoided)] += 1
    for kind in ("unknown", "against"):
        right, wrong = counts[kind, True], counts[kind, False]
        print(f"wishes read as {kind}, {half}: {right} of {right + wrong}")


def listing_of(row: Row) -> PlacementProfile:
    """Return the advert of a row of ``avoid.csv`` as a listing."""

    def words(column: str) -> tuple[str, ...] | None:
        return tuple(cells(row, column)) or None

    week = 0
    for entry in filter(None, (part.strip() for part in row["half_days"].split(","))):
        day, part = entry.split()[:2]
        week |= half_days.bit(day[:3], {"evening": "eve"}.get(part, part))
    return PlacementProfile(
        key=row["id"],
        title=row["title"],
        description=row["description"] or None,
        environment=words("environment"),
        essential_skills=words("skills"),
        hours_per_week=float(row["hours"]) if row["hours"] else None,
        half_days=week or None,
    )


def surroundings_table(half: str) -> None:
    """Print what is answered about things to avoid and about wishes for surroundings, beside what is right."""
    words, answers = vocabulary.starter(), Counter[tuple[str, str, str]]()
    for row in rows_in(half, "avoid"):
        listing = read_listing(listing_of(row), words)
        if row["kind"] == "avoid":
            answer = ANSWERS.get(avoided_answer(avoided(row["phrase"], words), listing), "listed")
        else:
            met = surroundings_met(wanted_surroundings((row["phrase"],), words)[0], listing)
            answer = {True: "suits", False: "clashes", None: "neither or not known"}[met]
        answers[row["kind"], row["answer"], answer] += 1
    print(f"\nthings to avoid and wishes for surroundings, {half}: right answer, our answer, rows")
    for (kind, right, ours), count in sorted(answers.items()):
        print(f"  {kind:14}{right:14}{ours:24}{count:4}")
    listed = [count for (kind, right, _), count in answers.items() if kind == "avoid" and right == "listed"]
    found, false = answers["avoid", "listed", "listed"], answers["avoid", "listed", "not listed"]
    print(f"  what is listed was found in {found} of {sum(listed)} rows, and said not to be there in {false}")
    record(
        f"things to avoid found in listings, {half}",
        found / sum(listed),
        "told as not there",
        false,
        found / sum(listed),
    )


def blind_table() -> None:
    """Print what is answered about things to avoid on the rows that were written after all rules were settled."""
    words, answers = vocabulary.starter(), Counter[tuple[str, str]]()
    for row in rows_in(BLIND, "avoid"):
        answer = avoided_answer(avoided(row["phrase"], words), read_listing(listing_of(row), words))
        right = (
            f"{row['answer']}, {'plainly' if row['plain'] == 'yes' else 'implied'}" if row["plain"] else row["answer"]
        )
        answers[right, ANSWERS.get(answer, "listed")] += 1
    print("\nthings to avoid, rows written afterwards: right answer, our answer, rows")
    for (right, ours), count in sorted(answers.items()):
        print(f"  {right:20}{ours:14}{count:4}")
    plain = sum(count for (right, _), count in answers.items() if right == PLAINLY)
    false = sum(count for (right, ours), count in answers.items() if ours == "not listed" and right != "not listed")
    print(f"  what is plainly listed was found in {answers[PLAINLY, 'listed']} of {plain} rows")
    print(f"  told as not there though it is there or not known: {false}")
    share = answers[PLAINLY, "listed"] / plain
    record("things to avoid plainly listed and found, blind rows", share, "told as not there", false, share)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=HALVES, default="kept_out")
    options = parser.parse_args()
    credits_table("skills", options.half, our_skills, CREDITED_SKILL)
    credits_table("wishes", options.half, our_work, CREDITED_WORK)
    wishes_read(options.half)
    surroundings_table(options.half)
    blind_table()


if __name__ == "__main__":
    main()
