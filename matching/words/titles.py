"""Find the occupations of a taxonomy that a job title may mean. A sentence model can be used in addition to labels.

Nothing is trained on titles with known answers. A title, and each job that it lists, is compared with labels by words,
by characters and by topics (words used alike). The title is also compared with descriptions, and by the share of its
words that the labels of an occupation contain.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from matching.words.alternatives import Alternatives
from matching.words.concepts import ConceptOffer, ConceptOffers, Labelled, in_order
from matching.words.meaning import UnitVectors, shipped
from matching.words.vectors import Encoder, TwoEncoders
from matching.words.wording import cleaned, lemmas_of, singular, with_neighbours

Floats = NDArray[np.float32]
N_TOPICS = 300
# The weights and thresholds were chosen on held-out labels of ESCO, never on titles with known answers.
LEXICAL_WEIGHTS: Mapping[str, float] = {
    "words": 0.8,
    "characters": 1.0,
    "words of jobs": 0.2,
    "characters of jobs": 0.3,
    "description": 0.1,
    "topics": 1.0,
    "topics of jobs": 0.6,
    "coverage": 1.0,
}
# With the shipped token table. Chosen on every other title of MELO; the titles between gave the same gain.
TABLE_WEIGHTS: Mapping[str, float] = {
    "characters of jobs": 0.6,
    "description": 0.2,
    "topics of jobs": 0.75,
    "sentence": 6.0,
    "concept sentence": 2.9,
}
# With a sentence model beside the table. Chosen in the same way: the titles between gave .685, and these .684.
MODEL_WEIGHTS: Mapping[str, float] = {
    "description": 0.2,
    "topics of jobs": 1.1,
    "sentence": 4.0,
    "concept sentence": 2.9,
}
MODEL_THRESHOLD, TABLE_THRESHOLD = 0.50, 0.50


class Space:
    """A set of texts, stored as TF-IDF vectors, with which other texts are compared.

    Parameters
    ----------
    texts : sequence
        Lists of words, or strings. A string is read as all its sequences of two to five characters.

    Examples
    --------
    >>> Space([["shop", "assistant"], ["cook"]]).nearness([["cook"], ["chef"]])
    array([0., 1.], dtype=float32)
    """

    def __init__(self, texts: Sequence[Any]) -> None:
        kind: dict[str, Any] = {"analyzer": list}
        if texts and isinstance(texts[0], str):
            kind = {"analyzer": "char_wb", "ngram_range": (2, 5)}
        self.vectoriser = TfidfVectorizer(**kind, sublinear_tf=True, dtype=np.float32)
        self.table = self.vectoriser.fit_transform(texts)
        # The transposed table leads from a word to the texts that contain the word.
        self._inverted = self.table.T.tocsr()

    def nearness(self, texts: Sequence[Any]) -> Floats:
        """Return, for each text of the space, its highest cosine similarity to any of the texts passed.

        Parameters
        ----------
        texts : sequence
            Lists of words or strings, of the same kind as in the space.

        Returns
        -------
        ndarray of float32 of shape (n_texts_of_the_space,)
        """
        return highest(self.vectoriser.transform(texts), self._inverted)


def highest(rows: Any, columns: Any) -> Floats:
    """Return, for each column, its highest product with any row.

    Parameters
    ----------
    rows : array or sparse array of shape (n_rows, n)
    columns : array or sparse array of shape (n, n_columns)

    Returns
    -------
    ndarray of float32 of shape (n_columns,)

    Examples
    --------
    >>> highest(np.eye(2), np.array([[1.0, 3.0], [2.0, 0.0]]))
    array([2., 3.], dtype=float32)
    """
    product = rows @ columns
    dense = product.toarray() if sp.issparse(product) else product
    return np.asarray(np.asarray(dense, dtype=np.float32).max(axis=0))


class TitleFinder:
    """Find the occupations that a job title may mean.

    Parameters
    ----------
    model : Encoder or None
        What compares texts by meaning beside the shipped token table, such as ``sentence.SentenceModel``.
    weights : mapping of str to float or None
        Weight of each kind of evidence. If None: ``TABLE_WEIGHTS`` with the token table alone, ``MODEL_WEIGHTS`` with
        a model too. ``LEXICAL_WEIGHTS`` leave meaning out.
    threshold : float or None
        If the best score is lower than this, no occupation fits. If None: 0.50.

    Attributes
    ----------
    concepts_ : list of Labelled
        Concepts in the order of their URIs.
    labels_ : list of str
        Each distinct label once, in alphabetical order.
    weights_, threshold_ : mapping of str to float, float
        The weights and the threshold in use.

    Examples
    --------
    >>> from matching.words.concepts import Concept
    >>> jobs = [Concept("o:1", "window cleaner", ("washer of windows",)), Concept("o:2", "baker")]
    >>> answer = TitleFinder().fit(jobs).find("Window Cleaners, All Other")
    >>> answer.fits, answer.offers[0].preferred
    (True, 'window cleaner')
    """

    def __init__(
        self,
        model: Encoder | None = None,
        *,
        weights: Mapping[str, float] | None = None,
        threshold: float | None = None,
    ) -> None:
        self.model = model
        self.weights = weights
        self.threshold = threshold

    def fit(self, concepts: Iterable[Labelled]) -> Self:
        """Index the labels and descriptions of the concepts.

        Parameters
        ----------
        concepts : iterable of Labelled
            In any order.

        Returns
        -------
        TitleFinder
            The fitted finder.

        Raises
        ------
        ValueError
            If there are no concepts, or two concepts have the same URI.
        """
        table = UnitVectors(shipped())
        self.model_: Encoder = table if self.model is None else TwoEncoders(self.model, table)
        defaults = (TABLE_WEIGHTS, TABLE_THRESHOLD) if self.model is None else (MODEL_WEIGHTS, MODEL_THRESHOLD)
        self.weights_ = defaults[0] if self.weights is None else self.weights
        self.threshold_ = defaults[1] if self.threshold is None else self.threshold
        self.concepts_ = in_order(concepts)
        self.labels_ = sorted({label for c in self.concepts_ for label in (c.preferred, *c.alternatives)})
        number = {label: i for i, label in enumerate(self.labels_)}
        owners = {(number[label], i) for i, c in enumerate(self.concepts_) for label in (c.preferred, *c.alternatives)}
        self._label_of, self._concept_of = np.array(sorted(owners)).T
        self._first = np.flatnonzero(np.r_[True, np.diff(self._label_of) > 0])
        cells = np.ones(len(owners), np.float32), (self._concept_of, self._label_of)
        self._owns = sp.csr_matrix(cells, shape=(len(self.concepts_), len(self.labels_)))
        words = [lemmas_of(label) for label in self.labels_]
        self._learn_labels(words)
        self._learn_concepts(words)
        self._learn_vectors()
        return self

    def _learn_labels(self, words: list[list[str]]) -> None:
        # A label without words gets "" or "-" as its only word, because a vocabulary must not be empty.
        self._alternatives = Alternatives(self.labels_)
        self._words = Space([row or [""] for row in words])
        self._neighbours = Space([with_neighbours(row or [""]) for row in words])
        self._characters = Space([" ".join(row) or "-" for row in words])

    def _learn_concepts(self, words: list[list[str]]) -> None:
        described = [lemmas_of(concept.description) for concept in self.concepts_]
        named = [[word for label in self._owns[row].indices for word in words[label]] for row in range(len(described))]
        bags = Space([labels + description or [""] for labels, description in zip(named, described, strict=True)])
        self._bags = bags.vectoriser
        self._in_descriptions = self._bags.transform(described).T.tocsr()
        self._in_labels = (self._bags.transform(named) > 0).astype(np.float32).T.tocsr()
        rank = max(1, min(N_TOPICS, min(bags.table.shape) - 1))
        _, _, basis = randomized_svd(bags.table, rank, random_state=0, n_iter=3)
        self._basis = np.ascontiguousarray(basis.T, dtype=np.float32)
        self._in_topics = np.ascontiguousarray(normalize(bags.table @ self._basis).T)

    def _learn_vectors(self) -> None:
        """Compute a vector for each label, and for each concept the mean of the vectors of its labels."""
        self._vectors = self.model_.encode([label.lower() for label in self.labels_])
        self._concept_vectors = normalize(normalize(self._owns, norm="l1") @ self._vectors)

    def _lifted(self, of_concepts: Floats) -> Floats:
        """Turn values of concepts into values of labels: each label gets the highest value of its concepts."""
        return np.asarray(np.maximum.reduceat(of_concepts[self._concept_of], self._first))

    def _coverage(self, words: Sequence[str]) -> Floats:
        """Return, for each concept, the weighted share of a title's words that occur in the labels of the concept."""
        vocabulary, weights = self._bags.vocabulary_, self._bags.idf_
        known = sorted({vocabulary[word] for word in words if word in vocabulary})
        n_unknown = len({word for word in words if word not in vocabulary})
        total = float(weights[known].sum()) + n_unknown * float(weights.max())
        shares = (weights[known] / max(total, 1e-9)).astype(np.float32)
        return np.asarray(shares @ self._in_labels[known], dtype=np.float32)

    def _topics(self, texts: Sequence[Sequence[str]]) -> Floats:
        return self._lifted(highest(normalize(self._bags.transform(texts) @ self._basis), self._in_topics))

    def evidence(self, title: str) -> dict[str, Floats]:
        """Compute the values of each kind of evidence that has a weight.

        Parameters
        ----------
        title : str
            Only its first 500 characters are read.

        Returns
        -------
        dict of str to ndarray of float32 of shape (n_labels,)
            For each kind, a value for each label, in the order of ``labels_``. Empty if the title has no words.
        """
        plain = cleaned(title)
        words = lemmas_of(plain)
        if not words:
            return {}
        jobs = self._alternatives.jobs(plain)
        makers: dict[str, Callable[[], Floats]] = {
            "words": lambda: self._words.nearness([words]),
            "characters": lambda: self._characters.nearness([" ".join(words)]),
            "words of jobs": lambda: self._neighbours.nearness([with_neighbours(job) for job in jobs]),
            "characters of jobs": lambda: self._characters.nearness([" ".join(job) for job in jobs]),
            "description": lambda: self._lifted(highest(self._bags.transform([words]), self._in_descriptions)),
            "topics": lambda: self._topics([words]),
            "topics of jobs": lambda: self._topics(jobs),
            "coverage": lambda: self._lifted(self._coverage(words)),
        }
        evidence = {kind: make() for kind, make in makers.items() if self.weights_.get(kind)}
        vector = self.model_.encode([singular(plain)])[0]
        evidence["sentence"] = self._vectors @ vector
        evidence["concept sentence"] = self._lifted(self._concept_vectors @ vector)
        return evidence

    def label_scores(self, title: str) -> Floats:
        """Return a score of how well each label fits a title.

        Parameters
        ----------
        title : str

        Returns
        -------
        ndarray of float32 of shape (n_labels,)
            Scores from 0 to 1, in the order of ``labels_``.
        """
        total = np.zeros(len(self.labels_), np.float32)
        for kind, values in self.evidence(title).items():
            total += np.float32(self.weights_.get(kind, 0.0)) * values
        scale = np.float32(sum(self.weights_.values()) or 1.0)
        return np.asarray(np.clip(total / scale, 0.0, 1.0))

    def find(self, title: str, limit: int = 5) -> ConceptOffers:
        """Return the occupations that a title is most likely to mean.

        Parameters
        ----------
        title : str
            Any text. Only its first 500 characters are read.
        limit : int
            The greatest number of occupations to return, at least 1.

        Returns
        -------
        ConceptOffers
            Up to ``limit`` occupations that have something in common with the title, even if no occupation fits.

        Raises
        ------
        ValueError
            If the limit is less than 1.
        """
        if limit < 1:
            raise ValueError("The limit must be at least 1.")
        scores = self.label_scores(title)[self._label_of]
        best: dict[int, ConceptOffer] = {}
        for place in np.lexsort((self._label_of, self._concept_of, -scores)).tolist():
            if len(best) == limit or scores[place] <= 0:
                break
            concept = self.concepts_[self._concept_of[place]]
            label = self.labels_[self._label_of[place]]
            offer = ConceptOffer(concept.uri, label, concept.preferred, float(scores[place]))
            best.setdefault(int(self._concept_of[place]), offer)
        offers = tuple(best.values())
        return ConceptOffers(offers, fits=bool(offers) and offers[0].score >= self.threshold_)
