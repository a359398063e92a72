"""Find the skills of a taxonomy that a free text names."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from matching.words.concepts import ConceptOffer, ConceptOffers, Labelled, in_order
from matching.words.evidence import FEATURES, gather
from matching.words.index import SkillIndex
from matching.words.meaning import UnitVectors, shipped
from matching.words.query import read
from matching.words.reranker import Reranker
from matching.words.shortlist import ConceptShortlist
from matching.words.vectors import Encoder, LabelVectors, TwoEncoders

# On held-out labels of ESCO, as written and misspelt, 97 % of the right answers have a higher score than this. Of 400
# labels whose skill was removed from the taxonomy, 63 % have a lower score. A smaller taxonomy may need another value.
THRESHOLD = 0.15
# An everyday phrase differs from every label, so the reranker gives it a low probability. It fits too if it means much
# the same as a label.
MEANS_THE_SAME = 0.6
OF_MEANING = 4.0  # how much meaning weighs beside letters and beside words
TRUST = 2.0  # from a probability of 1 / TRUST on, the reranker decides alone
LONGEST_WORD = 40  # letters; a longer word is not one
BESIDE_CHANCE = 0.1  # and beside the probability of the reranker
# If a text equals a label, the skills with this label share a probability of 0.98 to 0.99, and each other skill has at
# most 0.01.
OF_EXACT, AT_MOST = 0.98, 0.99


class SkillFinder:
    """Find the skills that a free text names.

    A text is compared with every label by n-grams and by words. Spelling mistakes are corrected, and synonyms are
    learned from the labels. Boosted trees order the best skills of both comparisons.

    Parameters
    ----------
    reranker : Reranker or None
        If None: the reranker shipped with this package.
    shortlist : int
        The number of skills that each of three rankings (by characters, by words, by both) adds to the shortlist.
    model : Encoder or None
        What compares texts by meaning beside the shipped token table, such as ``sentence.SentenceModel``.
    threshold : float
        If the reranker's probability of the best skill is lower than this value, from 0 to 1, and the text does not
        mean much the same as one of its labels, no skill fits.

    Attributes
    ----------
    index_ : SkillIndex
    reranker_ : Reranker
    exact_ : dict of str to set of int
        For each label, in lower case, the numbers of the skills that have this label.

    Examples
    --------
    >>> from matching.words.concepts import Concept
    >>> finder = SkillFinder().fit([Concept("s:1", "sew hems", ("hem trousers",)), Concept("s:2", "bake bread")])
    >>> answer = finder.find("baking braed")
    >>> answer.fits, answer.offers[0].preferred
    (True, 'bake bread')
    >>> finder.find("...").fits
    False
    """

    def __init__(
        self,
        reranker: Reranker | None = None,
        *,
        model: Encoder | None = None,
        shortlist: int = 32,
        threshold: float = THRESHOLD,
    ) -> None:
        self.reranker = reranker
        self.model = model
        self.shortlist = shortlist
        self.threshold = threshold

    def fit(self, concepts: Iterable[Labelled]) -> Self:
        """Index the skills, and learn which of their words are synonyms.

        Parameters
        ----------
        concepts : iterable of Labelled
            In any order.

        Returns
        -------
        SkillFinder
            The fitted finder.

        Raises
        ------
        ValueError
            If there are no concepts, two concepts have the same URI, or no label has a word.
        """
        self.reranker_ = Reranker.load() if self.reranker is None else self.reranker
        self.index_ = SkillIndex(in_order(concepts))
        self.exact_: dict[str, set[int]] = {}
        for label, owner in zip(self.index_.labels, self.index_.owner.tolist(), strict=True):
            self.exact_.setdefault(label.casefold(), set()).add(owner)
        table = UnitVectors(shipped())
        self.vectors_ = LabelVectors(self.index_, table if self.model is None else TwoEncoders(self.model, table))
        return self

    def find(self, text: str, limit: int = 5) -> ConceptOffers:
        """Return the skills that a text is most likely to name.

        Parameters
        ----------
        text : str
            Any text. Only its first 300 characters and 40 words are read.
        limit : int
            The greatest number of skills to return, at least 1.

        Returns
        -------
        ConceptOffers
            Up to ``limit`` skills, even if no skill fits. The list is empty if the text has no words, or has no three
            consecutive letters in common with any label. A score is from 0 to 1, and higher for a likelier skill.

        Raises
        ------
        ValueError
            If the limit is less than 1.
        """
        if limit < 1:
            raise ValueError("The limit must be at least 1.")
        query = read(self.index_, " ".join(word for word in text.split() if len(word) <= LONGEST_WORD))
        if not query.words or not len(query.grams):
            return ConceptOffers()
        by_label = self.vectors_.by_meaning(query.mended(self.index_.lexicon))
        meaning = np.maximum.reduceat(by_label, self.index_.label_start[:-1])
        evidence = gather(self.index_, query, self.shortlist, meaning)
        short = evidence.shortlist
        words = short.highest(self.vectors_.by_words(query)[short.labels])
        characters = evidence.X[:, FEATURES.index("characters")]
        raw = self.reranker_.scores(evidence.X)
        near, of_labels = meaning[short.concepts], self.reranker_.probabilities(raw)
        chances = fused(of_labels, characters, words, near)
        chances = self._exact_first(text, evidence.shortlist, chances)
        order = np.lexsort((-raw, -chances))[:limit]
        offers: list[ConceptOffer] = []
        for place in order.tolist():
            concept = self.index_.concepts[int(evidence.shortlist.concepts[place])]
            label = self.index_.labels[evidence.shortlist.nearest(place, evidence.closeness)]
            offers.append(ConceptOffer(concept.uri, label, concept.preferred, float(chances[place])))
        first = int(order[0])
        is_exact = offers[0].score >= OF_EXACT / 2
        is_near = float(near[first]) >= MEANS_THE_SAME and query.n_unknown < len(query.words)
        return ConceptOffers(tuple(offers), fits=is_exact or is_near or float(of_labels[first]) >= self.threshold)

    def _exact_first(self, text: str, short: ConceptShortlist, chances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the skills that have the whole text as a label higher probabilities than all other skills."""
        owners = self.exact_.get(text.strip().casefold(), set())
        is_owner = np.isin(short.concepts, list(owners))
        if not is_owner.any():
            return chances
        floor = OF_EXACT / len(owners)
        alone = floor + (AT_MOST - floor) * chances if len(owners) == 1 else np.full(len(chances), floor)
        return np.where(is_owner, alone, np.minimum(chances, (1 - OF_EXACT) / 2))


def fused(
    chances: NDArray[np.float64], characters: NDArray[Any], words: NDArray[Any], meaning: NDArray[Any]
) -> NDArray[np.float64]:
    """Return the scores of a shortlist from the reranker, and from letters, words and meaning together.

    The reranker was trained on labels. The less sure it is, the more the text differs from every label, and the more
    the other three count.

    Parameters
    ----------
    chances : ndarray of shape (n_shortlisted,)
        The probabilities of the reranker.
    characters, words, meaning : ndarray of shape (n_shortlisted,)
        The best likeness of each concept's labels.

    Returns
    -------
    ndarray of shape (n_shortlisted,)
        From 0 to 1.
    """
    near = np.maximum(meaning, 0.0)
    trust = min(1.0, TRUST * float(chances.max()))
    of_text = (characters + words + OF_MEANING * near) / (2.0 + OF_MEANING)
    scores = trust * (chances + BESIDE_CHANCE * near) / (1.0 + BESIDE_CHANCE) + (1.0 - trust) * of_text
    return np.asarray(np.clip(scores, 0.0, 1.0))
