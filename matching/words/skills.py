"""From a free text to the skills of a taxonomy that it names."""

from collections.abc import Iterable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matching.words.concepts import ConceptOffer, ConceptOffers, Labelled, in_order
from matching.words.evidence import gather
from matching.words.index import SkillIndex
from matching.words.query import read
from matching.words.reranker import Reranker
from matching.words.shortlist import ConceptShortlist

# Measured on labels of ESCO held out for development, as written and misspelt: of right answers 97 % score more, and of
# 400 labels whose whole skill was taken out of the taxonomy 63 % score less. A smaller taxonomy may want another.
THRESHOLD = 0.15
# Of a text that is a label to the letter: its owners share nearly all, and nothing else has more than the rest.
OF_EXACT, AT_MOST = 0.98, 0.99


class SkillFinder:
    """Finds the skills that a free text names.

    A text is compared with every label by n-grams and by words, their slips mended and their synonyms learned from the
    labels themselves; a forest of small trees orders the best of both.

    Parameters
    ----------
    reranker : Reranker or None
        The shipped one if None.
    shortlist : int
        How many skills each of the three first rankings gives.
    threshold : float
        The score of the best under which nothing fits, in [0, 1].

    Attributes
    ----------
    index_ : SkillIndex
    reranker_ : Reranker
    exact_ : dict of str to set of int
        The skills that own each label, by the label in lower case.

    Examples
    --------
    >>> from matching.words.concepts import Concept
    >>> finder = SkillFinder().fit([Concept("s:1", "sew hems", ("hem trousers",)), Concept("s:2", "bake bread")])
    >>> found = finder.find("baking braed")
    >>> found.fits, found.offers[0].preferred
    (True, 'bake bread')
    >>> finder.find("...").fits
    False
    """

    def __init__(self, reranker: Reranker | None = None, *, shortlist: int = 32, threshold: float = THRESHOLD) -> None:
        self.reranker = reranker
        self.shortlist = shortlist
        self.threshold = threshold

    def fit(self, concepts: Iterable[Labelled]) -> Self:
        """Index the skills, and learn which of their words stand for others.

        Parameters
        ----------
        concepts : iterable of Labelled
            In any order.

        Returns
        -------
        SkillFinder
            Itself.

        Raises
        ------
        ValueError
            If there is none, a URI comes twice, or no label has a word.
        """
        self.reranker_ = Reranker.load() if self.reranker is None else self.reranker
        self.index_ = SkillIndex(in_order(concepts))
        self.exact_: dict[str, set[int]] = {}
        for label, owner in zip(self.index_.labels, self.index_.owner.tolist(), strict=True):
            self.exact_.setdefault(label.casefold(), set()).add(owner)
        return self

    def find(self, text: str, limit: int = 5) -> ConceptOffers:
        """Return the likeliest skills.

        Parameters
        ----------
        text : str
            Anything at all; only its first 300 characters and 40 words are read.
        limit : int
            At least 1.

        Returns
        -------
        ConceptOffers
            Offers up to the limit even where nothing fits, but none where the text has no words or shares no run of
            three letters with any label. A score is the probability of being the right skill.

        Raises
        ------
        ValueError
            If the limit is under 1.
        """
        if limit < 1:
            raise ValueError("The limit is at least 1.")
        query = read(self.index_, text)
        if not query.words or not len(query.grams):
            return ConceptOffers()
        evidence = gather(self.index_, query, self.shortlist)
        raw = self.reranker_.scores(evidence.X)
        chances = self._exact_first(text, evidence.shortlist, self.reranker_.probabilities(raw))
        order = np.lexsort((-raw, -chances))[:limit]
        offers: list[ConceptOffer] = []
        for place in order.tolist():
            concept = self.index_.concepts[int(evidence.shortlist.concepts[place])]
            label = self.index_.labels[evidence.shortlist.nearest(place, evidence.closeness)]
            offers.append(ConceptOffer(concept.uri, label, concept.preferred, float(chances[place])))
        return ConceptOffers(tuple(offers), fits=offers[0].score >= self.threshold)

    def _exact_first(self, text: str, short: ConceptShortlist, chances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Put the owners of a label that is the very text before all others."""
        owners = self.exact_.get(text.strip().casefold(), set())
        is_owner = np.isin(short.concepts, list(owners))
        if not is_owner.any():
            return chances
        floor = OF_EXACT / len(owners)
        alone = floor + (AT_MOST - floor) * chances if len(owners) == 1 else np.full(len(chances), floor)
        return np.where(is_owner, alone, np.minimum(chances, (1 - OF_EXACT) / 2))
