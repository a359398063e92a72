"""The input of a finder (concepts of a taxonomy) and its result (the concepts that a text may mean)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeVar


class Labelled(Protocol):
    """Any object with a URI, labels and a description, such as an entry of ESCO.

    Attributes
    ----------
    uri : str
        Identifier that no other entry has.
    preferred : str
        The label to display.
    alternatives : sequence of str
        Other labels with the same meaning. May be empty.
    description : str
        Description in whole sentences. May be empty.

    Examples
    --------
    >>> entry: Labelled = Concept("s:1", "sew hems")
    >>> entry.uri
    's:1'
    """

    @property
    def uri(self) -> str:
        """Identifier that no other entry has."""
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
        """Description in whole sentences."""
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
        In [0, 1]. A higher score means a likelier concept.

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
        The likeliest first. Empty only if the text has nothing in common with any label.
    fits : bool
        Whether the first concept is good enough. If not, no concept fits and the list holds only the closest concepts.

    Examples
    --------
    >>> ConceptOffers().fits
    False
    """

    offers: tuple[ConceptOffer, ...] = ()
    fits: bool = False


Entry = TypeVar("Entry", bound=Labelled)


def in_order(concepts: Iterable[Entry]) -> list[Entry]:
    """Return concepts sorted by their URIs, so that the input order does not change what is learned.

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
            raise ValueError(f"Two concepts have the URI {concept.uri}. Each concept needs its own.")
    return ordered
