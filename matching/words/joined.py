"""Two finders as one: everyday words first, then the entries of a large taxonomy."""

from typing import Protocol

from matching.words.concepts import ConceptOffers

MOST_OF_EVERYDAY = 3


class Finder(Protocol):
    """What finds entries for a text."""

    def find(self, text: str, limit: int = 5) -> ConceptOffers:
        """Return the entries that a text is most likely to mean."""
        ...


class JoinedFinder:
    """Offers entries of a vocabulary of everyday words, and entries of a taxonomy.

    An entry of the taxonomy whose label is the whole text comes first. Then come up to three entries of the everyday
    vocabulary, if one of them fits, and then the taxonomy. On everyday phrases, the first entry of the everyday
    vocabulary was acceptable more than three times as often as that of the taxonomy.

    Parameters
    ----------
    everyday, taxonomy : Finder

    Examples
    --------
    >>> from matching.words.concepts import Concept, ConceptOffer
    >>> class Only:
    ...     def __init__(self, uri, score): self.offer = ConceptOffer(uri, uri, uri, score)
    ...     def find(self, text, limit=5): return ConceptOffers((self.offer,), fits=True)
    >>> [offer.uri for offer in JoinedFinder(Only("plain", 0.6), Only("esco", 0.9)).find("doing the dinners").offers]
    ['plain', 'esco']
    """

    def __init__(self, everyday: Finder, taxonomy: Finder) -> None:
        self.everyday = everyday
        self.taxonomy = taxonomy

    def find(self, text: str, limit: int = 5) -> ConceptOffers:
        """Return the entries that a text is most likely to mean.

        Parameters
        ----------
        text : str
        limit : int
            The greatest number of entries to return, at least 1.

        Returns
        -------
        ConceptOffers
            In the order in which they should be shown, so a later entry may have a higher score.
        """
        plain, large = self.everyday.find(text, limit), self.taxonomy.find(text, limit)
        exact = [offer for offer in large.offers if offer.label.casefold() == text.strip().casefold()]
        first = [*exact, *plain.offers[:MOST_OF_EVERYDAY]] if plain.fits else exact
        rest = [offer for offer in (*large.offers, *plain.offers) if offer not in first]
        return ConceptOffers(tuple([*first, *rest][:limit]), fits=plain.fits or large.fits)
