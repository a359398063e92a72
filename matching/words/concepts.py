"""Concepts of a taxonomy, which are the input of a finder, and its result: the concepts that a text may mean."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeVar


class Labelled(Protocol):
    """Any object with a URI, labels and a description, such as an entry of ESCO.

    Attributes
    ----------
    uri : str
        A unique identifier.
    preferred : str
        The label to display.
    alternatives : sequence of str
        Other labels with the same meaning. The sequence may be empty.
    description : str
        A description in whole sentences, or an empty text.

    Examples
    --------
    >>> entry: Labelled = Concept("s:1", "sew hems")
    >>> entry.uri
    's:1'
    """

    @property
    def uri(self) -> str:
        """A unique identifier."""
        ...

    @property
    def preferred(self) -> str:
        """The label to display."""
        ...

    @property
    def alternatives(self) -> Sequence[str]:
        """Other labels with the same meaning."""
        ...

    @property
    def description(self) -> str:
        """A description in whole sentences, or an empty text."""
        ...


@dataclass(frozen=True, slots=True)
class Concept:
    """A simple entry of a taxonomy.

    Parameters
    ----------
    uri : str
    preferred : str
    alternatives : tuple of str
    description : str

    Examples
    --------
    >>> Concept("s:1", "sew hems", ("hem trousers",)).alternatives
    ('hem trousers',)
    """

    uri: str
    preferred: str
    alternatives: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class ConceptOffer:
    """A concept that a text may mean.

    Parameters
    ----------
    uri : str
    label : str
        The label of the concept that is closest to the text.
    preferred : str
        The label to display.
    score : float
        From 0 to 1. A higher score means a likelier concept.

    Examples
    --------
    >>> ConceptOffer("s:1", "hem trousers", "sew hems", 0.9).preferred
    'sew hems'
    """

    uri: str
    label: str
    preferred: str
    score: float


@dataclass(frozen=True, slots=True)
class ConceptOffers:
    """The concepts that a text may mean.

    Parameters
    ----------
    offers : tuple of ConceptOffer
        The concepts, likeliest first. The tuple is empty only if the text has nothing in common with any label.
    fits : bool
        Whether the first concept fits the text. If not, no concept fits, and ``offers`` has only the closest concepts.

    Examples
    --------
    >>> ConceptOffers().fits
    False
    """

    offers: tuple[ConceptOffer, ...] = ()
    fits: bool = False


Entry = TypeVar("Entry", bound=Labelled)


def in_order(concepts: Iterable[Entry]) -> list[Entry]:
    """Return concepts sorted by their URIs, so that the order of the input does not change what a finder learns.

    Parameters
    ----------
    concepts : iterable of Labelled

    Returns
    -------
    list of Labelled

    Raises
    ------
    ValueError
        If there are no concepts, or two concepts have the same URI.

    Examples
    --------
    >>> [c.uri for c in in_order([Concept("s:2", "sew"), Concept("s:1", "knit")])]
    ['s:1', 's:2']
    """
    ordered = sorted(concepts, key=lambda concept: concept.uri)
    if not ordered:
        raise ValueError("There are no concepts to learn from.")
    for concept, following in pairwise(ordered):
        if concept.uri == following.uri:
            raise ValueError(f"Two concepts have the URI {concept.uri}. Give each concept its own URI.")
    return ordered
