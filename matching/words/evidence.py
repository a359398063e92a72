"""Compute the inputs of the reranker: features that compare a text with each shortlisted concept.

A saved reranker contains the names of the features in their order. A file with other names or another order is refused.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.fuzz import ratio

from matching.words.index import SkillIndex
from matching.words.query import GAIN_SCALE, NOISE_FLOOR, Query, label_scores, word_gains
from matching.words.shortlist import ConceptShortlist

# Features of a text and a concept. "_3" is the mean over the concept's three best labels. "_preferred" is the value for
# the preferred label. "near_" also counts synonyms. "forward" is the share of the text that a label covers, and
# "backward" is the share of a label that the text covers.
OWN = (
    "characters", "characters_3", "characters_preferred", "words", "forward", "backward", "both_ways", "both_ways_3",
    "near_forward", "near_backward", "near_both_ways", "near_both_ways_3", "near_preferred", "covered", "near_covered",
    "weakest", "near_weakest", "core", "ratio", "ratio_3", "sorted_ratio", "sorted_ratio_3", "concept_grams", "pairs",
    "description", "n_labels", "is_exact", "lost", "most_lost", "first_gain", "last_gain", "rest_gain", "n_misses",
    "reverse", "reverse_3", "reverse_all", "gloss", "weakest_gloss", "sense", "least_sense", "mean_sense",
)  # fmt: skip
# For each of these features, another feature is the value minus the best value in the shortlist.
BEHIND_BEST = (
    "characters", "characters_3", "words", "both_ways", "near_both_ways", "near_both_ways_3", "covered",
    "near_covered", "core", "ratio", "sorted_ratio", "concept_grams", "sum", "reverse", "reverse_all", "gloss", "sense",
    "mean_sense", "description", "near_forward", "near_backward", "ratio_3", "characters_preferred",
)  # fmt: skip
OF_TEXT = ("n_words", "n_unknown", "n_characters")
FEATURES = (*OWN, *(f"{name}_behind_best" for name in BEHIND_BEST), *OF_TEXT)
SUM = FEATURES.index("sum_behind_best")
MISSED = 0.3  # a word with a smaller gain for a concept does not indicate that concept

Features = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class LabelEvidence:
    """The shortlist of concepts for a text, the features of these concepts, and how close their labels are.

    Parameters
    ----------
    shortlist : ConceptShortlist
    X : ndarray of shape (n_shortlisted, n_features)
        Columns in the order of ``FEATURES``.
    closeness : ndarray of shape (n_their_labels,)
        How close each label of the shortlist is to the text: higher is closer.

    Examples
    --------
    >>> from matching.words.concepts import Concept
    >>> from matching.words.query import read
    >>> index = SkillIndex([Concept("s:1", "sew hems"), Concept("s:2", "bake bread")])
    >>> evidence = gather(index, read(index, "hems"), 32)
    >>> evidence.X.shape == (2, len(FEATURES))
    True
    """

    shortlist: ConceptShortlist
    X: NDArray[np.float64]
    closeness: NDArray[np.float64]


def gather(index: SkillIndex, query: Query, size: int, near: NDArray[np.float32] | None = None) -> LabelEvidence:
    """Shortlist concepts for a text and compute their features.

    Parameters
    ----------
    index : SkillIndex
    query : Query
        A text with at least one word.
    size : int
        The number of concepts that each ranking (by characters, by words, by both, by meaning) adds to the shortlist.
    near : ndarray of shape (n_concepts,) or None
        How near each concept is to the text in meaning. If None, this ranking is left out.

    Returns
    -------
    LabelEvidence

    Examples
    --------
    >>> from matching.words.concepts import Concept
    >>> from matching.words.query import read
    >>> index = SkillIndex([Concept("s:1", "sew hems"), Concept("s:2", "bake bread")])
    >>> evidence = gather(index, read(index, "sew hems"), 32)
    >>> evidence.X[:, FEATURES.index("is_exact")]
    array([1., 0.])
    """
    characters, gains = label_scores(index, query), word_gains(index, query)
    words = gains.sum(axis=0) / max(1, len(gains))
    short = ConceptShortlist.choose(index, characters, words, size, near)
    own = characters[short.labels]
    top = short.best_three(own)
    features: Features = {
        "words": words[short.concepts],
        "characters": top[:, 0],
        "characters_3": top.mean(axis=1),
        "characters_preferred": own[short.start],
        "n_labels": short.lengths,
    }
    features |= _gains(gains[:, short.concepts])
    aligned, near = _aligned(index, query, short)
    features |= aligned | _reverse(index, query, short) | _strings(index, query, short)
    features |= _whole(index, query, short) | _glosses(index, query, short) | _senses(index, query, short)
    return LabelEvidence(short, _columns(query, features), near + own)


def _gains(gains: NDArray[np.float64]) -> Features:
    """Return features of each concept: how far its gains for words are below the best, and how many gains are low."""
    lost = gains.max(axis=1, keepdims=True) - gains
    return {
        "lost": lost.sum(axis=0),
        "most_lost": lost.max(axis=0),
        "first_gain": -lost[0],
        "last_gain": -lost[-1],
        "rest_gain": -lost[1:].sum(axis=0),
        "n_misses": (gains < MISSED).sum(axis=0),
    }


def _both_ways(forward: NDArray[Any], backward: NDArray[Any]) -> NDArray[Any]:
    """Return the harmonic mean of ``forward`` and ``backward`` (described above ``OWN``)."""
    return np.asarray(2 * forward * backward / (forward + backward + 1e-6))


def _aligned(index: SkillIndex, query: Query, short: ConceptShortlist) -> tuple[Features, NDArray[Any]]:
    """Return features of how far text and labels cover each other, and each label's coverage score with synonyms."""
    places, lengths = index.label_words.spans(short.labels)
    lemmas = index.label_words.item[places]
    start = np.cumsum(lengths) - lengths
    share = query.idf / query.idf.sum()
    weight = index.idf[lemmas]
    total = np.add.reduceat(weight, start)
    features: Features = {}
    score: NDArray[Any] = np.zeros(len(short.labels))
    for mark, table in (("", query.known), ("near_", query.near)):
        grid = table[:, lemmas]
        each = np.maximum.reduceat(grid, start, axis=1)
        forward = share @ each
        backward = np.add.reduceat(grid.max(axis=0) * weight, start) / total
        score = _both_ways(forward, backward)
        top = short.best_three(score)
        whole = short.highest(each, axis=1)
        features[f"{mark}forward"], features[f"{mark}backward"] = short.highest(forward), short.highest(backward)
        features[f"{mark}both_ways"], features[f"{mark}both_ways_3"] = top[:, 0], top.mean(axis=1)
        features[f"{mark}covered"], features[f"{mark}weakest"] = share @ whole, whole.min(axis=0)
    features["near_preferred"] = score[short.start]
    return features, score


def _reverse(index: SkillIndex, query: Query, short: ConceptShortlist) -> Features:
    """Return, for each concept, how well the text explains the words of its best label, best three and all labels."""
    places, lengths = index.label_words.spans(short.labels)
    lemmas = index.label_words.item[places]
    start = np.cumsum(lengths) - lengths
    likelihood = query.near.max(axis=0)[lemmas] ** 2 / (index.noise[lemmas] + NOISE_FLOOR)
    given = np.add.reduceat(np.log1p(likelihood), start) / lengths
    full = np.add.reduceat(np.log1p(1 / (index.noise[lemmas] + NOISE_FLOOR)), start) / lengths
    top = short.best_three(given / full)
    whole = np.add.reduceat(given, short.start) / np.add.reduceat(full, short.start)
    return {"reverse": top[:, 0], "reverse_3": top.mean(axis=1), "reverse_all": whole}


def _strings(index: SkillIndex, query: Query, short: ConceptShortlist) -> Features:
    """Return how similar the text and the labels are by letters, as written and with their words sorted."""
    features: Features = {}
    for name, text, labels in (("ratio", query.plain, index.plain), ("sorted_ratio", query.ordered, index.ordered)):
        similarity = process.cdist([text], [labels[i] for i in short.labels], scorer=ratio)[0] / 100
        top = short.best_three(similarity)
        features[name], features[f"{name}_3"] = top[:, 0], top.mean(axis=1)
    features["is_exact"] = (features["ratio"] > 0.9999).astype(float)  # noqa: PLR2004 - 1, but for rounding
    return features


def _whole(index: SkillIndex, query: Query, short: ConceptShortlist) -> Features:
    """Compare the text with all labels of a concept together (words, n-grams, word pairs) and its description."""
    concepts = short.concepts
    places, lengths = index.concept_words.spans(concepts)
    start, lemmas = np.cumsum(lengths) - lengths, index.concept_words.item[places]
    weight = index.concept_words.weight[places] ** 2 * index.idf[lemmas]
    near = query.near.max(axis=0)[lemmas]
    core = np.add.reduceat(weight * near, start) / np.add.reduceat(weight, start)
    mask = np.zeros(len(index.gram_idf))
    mask[query.grams] = index.gram_idf[query.grams]
    places, lengths = index.concept_grams.spans(concepts)
    grams = np.add.reduceat(mask[index.concept_grams.item[places]], np.cumsum(lengths) - lengths)
    best, width = query.best, len(index.idf)
    pairs = {first * width + second for first, second in pairwise(best)}
    shared = np.array([len(pairs & index.pairs[concept]) for concept in concepts])
    places, lengths = index.descriptions.spans(concepts)
    described = (query.known * query.idf[:, None]).max(axis=0)[index.descriptions.item[places]]
    row = np.repeat(np.arange(len(concepts)), lengths)
    return {
        "core": core,
        "concept_grams": grams / (mask.sum() + 1e-9),
        "pairs": shared / max(1, len(pairs)),
        "description": np.bincount(row, described, minlength=len(concepts)) / query.idf.sum(),
    }


def _glosses(index: SkillIndex, query: Query, short: ConceptShortlist) -> Features:
    """Return how well each concept's description predicts the text's words, on average and for the worst word."""
    places, lengths = index.descriptions.spans(short.concepts)
    lemmas = index.descriptions.item[places]
    row = np.repeat(np.arange(len(lengths)), lengths)
    total = np.zeros((len(query.words), len(lengths)))
    chance = np.zeros(len(index.idf))
    for i, reading in enumerate(query.readings):
        if not reading.lemmas:
            continue
        gloss_places, gloss_lengths = index.glosses.spans(np.array(reading.lemmas, np.int64))
        source = index.glosses.item[gloss_places]
        share = np.array(reading.weights) / max(1.0, sum(reading.weights))
        np.add.at(chance, source, index.glosses.weight[gloss_places] * np.repeat(share, gloss_lengths))
        given = np.bincount(row, chance[lemmas], minlength=len(lengths)) / (lengths + 3)
        total[i] = np.log1p(given * (GAIN_SCALE / (float(query.noise[i]) + NOISE_FLOOR)))
        chance[source] = 0.0
    return {"gloss": total.mean(axis=0), "weakest_gloss": total.min(axis=0)}


def _senses(index: SkillIndex, query: Query, short: ConceptShortlist) -> Features:
    """Return how close the sense vectors of the text and of its words are to the sense vector of each concept."""
    lemmas, concepts = index.senses.lemmas, index.senses.concepts[short.concepts]
    weight = (query.known * query.idf[:, None]).sum(axis=0)
    used = np.flatnonzero(weight)
    sense = weight[used] @ lemmas[used] if len(used) else np.zeros(lemmas.shape[1])
    whole = concepts @ (sense / (np.linalg.norm(sense) + 1e-9))
    each = [concepts @ lemmas[lemma] for lemma in query.best if lemma >= 0] or [whole]
    return {"sense": whole, "least_sense": np.min(each, axis=0), "mean_sense": np.mean(each, axis=0)}


def _columns(query: Query, features: Features) -> NDArray[np.float64]:
    features["sum"] = (
        features["near_both_ways"] + features["characters"] + 0.1 * features["words"] + features["near_covered"]
    )
    columns = [features[name] for name in OWN]
    columns += [features[name] - features[name].max() for name in BEHIND_BEST]
    of_text = (len(query.words), query.n_unknown, len(query.plain))
    columns += [np.full(len(columns[0]), float(value)) for value in of_text]
    return np.stack(columns, axis=1).astype(np.float64)
