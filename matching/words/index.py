"""An index of a taxonomy of skills: its labels, words, n-grams, translations and senses."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from matching.words.concepts import Labelled
from matching.words.lexicon import Lexicon
from matching.words.postings import Postings
from matching.words.reading import grams_of, prose_words, words_of
from matching.words.senses import Senses
from matching.words.translations import learn_glosses, learn_translations

# An n-gram in more labels than this is not used to score labels: it says little and would take most of the time.
MOST_LABELS_OF_GRAM = 4000


class SkillIndex:
    """An index of concepts, with which texts are compared.

    Parameters
    ----------
    concepts : sequence of Labelled
        Concepts in the order of their URIs. A concept without a word in its labels is skipped.

    Attributes
    ----------
    concepts : list of Labelled
    labels : list of str
        Labels of all concepts, sorted by concept, with the preferred label first.
    owner : ndarray of int32 of shape (n_labels,)
        The number of the concept of each label.
    label_start : ndarray of int of shape (n_concepts + 1,)
        Where the labels of each concept begin. The last number is where the last concept's labels end.
    plain, ordered : list of str
        The words of each label as written, and in alphabetical order.
    lexicon : Lexicon
    idf, noise : ndarray of float32 of shape (n_lemmas,)
        How rare each lemma is among concepts, and its share of all words in labels.
    label_words, concept_words, word_concepts, descriptions : Postings
        Lemmas of each label, lemmas of each concept, concepts of each lemma, and lemmas of each description.
    pairs : list of set of int
        Neighbouring lemmas in the labels of each concept. A pair is one number: first * n_lemmas + second.
    gram_number : dict of str to int
    gram_idf : ndarray of float32 of shape (n_grams,)
    gram_labels, concept_grams : Postings
    translations, glosses : Postings
        The results of ``learn_translations`` and ``learn_glosses``.
    senses : Senses

    Raises
    ------
    ValueError
        If no label has a word.

    Examples
    --------
    >>> from matching.words.concepts import Concept
    >>> index = SkillIndex([Concept("s:1", "sew hems", ("hem trousers",)), Concept("s:2", "bake bread")])
    >>> index.labels
    ['sew hems', 'hem trousers', 'bake bread']
    >>> index.label_start
    array([0, 2, 3])
    """

    def __init__(self, concepts: Sequence[Labelled]) -> None:
        named = [(concept, labels) for concept in concepts if (labels := _distinct_labels(concept))]
        if not named:
            raise ValueError("No label of any concept has a word.")
        self.concepts = [concept for concept, _ in named]
        self.labels = [label for _, labels in named for label in labels]
        self.label_start = np.cumsum([0, *(len(labels) for _, labels in named)])
        self.owner = np.repeat(np.arange(len(named), dtype=np.int32), np.diff(self.label_start))
        self.lexicon = Lexicon(self.labels)
        self.plain = [" ".join(words_of(label)) for label in self.labels]
        self.ordered = [" ".join(sorted(words_of(label))) for label in self.labels]
        self._learn_words()
        self._learn_descriptions()
        self._learn_grams()

    def _learn_words(self) -> None:
        of_labels = [self.lexicon.numbers(label) for label in self.labels]
        width, height = len(self.lexicon.lemmas), len(self.concepts)
        lengths = np.array([len(lemmas) for lemmas in of_labels])
        flat = np.concatenate([np.array(lemmas, np.int64) for lemmas in of_labels])
        start = np.concatenate([[0], np.cumsum(lengths)])
        self.label_words = Postings(start, flat.astype(np.int32), np.ones(len(flat), np.float32))
        once = np.unique(np.repeat(np.arange(len(of_labels)), lengths) * width + flat)
        concept = self.owner[once // width].astype(np.int64)
        keys, times = np.unique(concept * width + once % width, return_counts=True)
        concepts, lemmas = keys // width, keys % width
        share = times / np.bincount(self.owner, minlength=height)[concepts]
        total = np.bincount(concepts, times, minlength=height)
        self.concept_words = Postings.build(concepts, lemmas, share, height)
        self.word_concepts = Postings.build(lemmas, concepts, times / total[concepts], width)
        spread = np.bincount(lemmas, minlength=width)
        self.idf = np.log((height + 1) / (spread + 0.5)).astype(np.float32)
        used = np.bincount(flat, minlength=width)
        self.noise = (used / used.sum()).astype(np.float32)
        self.translations = learn_translations(of_labels, self.owner, width)
        self.pairs: list[set[int]] = [set() for _ in self.concepts]
        for number, label in zip(self.owner, of_labels, strict=True):
            self.pairs[number].update(a * width + b for a, b in pairwise(label))

    def _learn_descriptions(self) -> None:
        known = self.lexicon.word_lemma
        rows: list[int] = []
        items: list[int] = []
        for number, concept in enumerate(self.concepts):
            lemmas = {known[word] for word in prose_words(concept.description) if word in known}
            rows += [number] * len(lemmas)
            items += sorted(lemmas)
        cells = np.array(rows, np.int64), np.array(items, np.int64), np.ones(len(rows))
        self.descriptions = Postings.build(*cells, len(self.concepts))
        self.glosses = learn_glosses(self.concept_words, self.descriptions, self.noise)
        self.senses = Senses.learn(self.concept_words, self.descriptions, self.idf)

    def _learn_grams(self) -> None:
        self.gram_number: dict[str, int] = {}
        rows: list[int] = []
        items: list[int] = []
        for number, plain in enumerate(self.plain):
            grams = grams_of(plain.split())
            rows += [number] * len(grams)
            items += [self.gram_number.setdefault(gram, len(self.gram_number)) for gram in grams]
        size, n_labels = len(self.gram_number), len(self.labels)
        keys, times = np.unique(np.array(items, np.int64) * n_labels + np.array(rows), return_counts=True)
        gram, label = keys // n_labels, keys % n_labels
        spread = np.bincount(gram, minlength=size)
        self.gram_idf = (np.log((n_labels + 1) / (spread + 1)) + 1).astype(np.float32)
        weight = (1 + np.log(times)) * self.gram_idf[gram]
        weight /= np.sqrt(np.bincount(label, weight**2, minlength=n_labels))[label]
        is_used = spread[gram] <= MOST_LABELS_OF_GRAM
        self.gram_labels = Postings.build(gram[is_used], label[is_used], weight[is_used], size)
        whole = np.unique(self.owner[label].astype(np.int64) * size + gram)
        self.concept_grams = Postings.build(
            whole // size, whole % size, self.gram_idf[whole % size], len(self.concepts)
        )


def _distinct_labels(concept: Labelled) -> list[str]:
    """Return the labels with a word, preferred label first. Of labels that differ only in case, return the first."""
    distinct: dict[str, str] = {}
    for label in (concept.preferred, *concept.alternatives):
        if words_of(label):
            distinct.setdefault(label.strip().casefold(), label.strip())
    return list(distinct.values())
