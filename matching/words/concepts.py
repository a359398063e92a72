"""What a finder is told of a taxonomy, and what it answers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeVar


class Labelled(Protocol):
    """Anything with a URI, labels and a description, such as an entry of ESCO.

    Attributes
    ----------
    uri : str
        Its own; no other entry has it.
    preferred : str
        The label to show.
    alternatives : sequence of str
        Other labels of the same meaning; may be empty.
    description : str
        Whole sentences; may be empty.

    Examples
    --------
    >>> told: Labelled = Concept("s:1", "sew hems")
    >>> told.uri
    's:1'
    """

    @property
    def uri(self) -> str:
        """Its own address."""
        ...

    @property
    def preferred(self) -> str:
        """The label to show."""
        ...

    @property
    def alternatives(self) -> Sequence[str]:
        """Other labels."""
        ...

    @property
    def description(self) -> str:
        """Whole sentences."""
        ...


@dataclass(frozen=True, slots=True)
class Concept:
    """The plainest entry of a taxonomy.

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
    """One concept that a text may mean.

    Parameters
    ----------
    uri : str
    label : str
        The label of it that is nearest to the text.
    preferred : str
        The label to show.
    score : float
        In [0, 1].

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
    """The answer to a text.

    Parameters
    ----------
    offers : tuple of ConceptOffer
        The likeliest first. Empty only where the text shares nothing with any label.
    fits : bool
        Whether the first is good enough; if not, nothing fits and the offers are mere neighbours.

    Examples
    --------
    >>> ConceptOffers().fits
    False
    """

    offers: tuple[ConceptOffer, ...] = ()
    fits: bool = False


Entry = TypeVar("Entry", bound=Labelled)


def in_order(concepts: Iterable[Entry]) -> list[Entry]:
    """Return concepts by their URIs, so that nothing learned depends on the order they came in.

    Parameters
    ----------
    concepts : iterable of Labelled

    Returns
    -------
    list of Labelled

    Raises
    ------
    ValueError
        If there is none, or a URI comes twice.

    Examples
    --------
    >>> [c.uri for c in in_order([Concept("s:2", "sew"), Concept("s:1", "knit")])]
    ['s:1', 's:2']
    """
    ordered = sorted(concepts, key=lambda concept: concept.uri)
    if not ordered:
        raise ValueError("There are no concepts to learn from.")
    for one, other in pairwise(ordered):
        if one.uri == other.uri:
            raise ValueError(f"The concept {one.uri} comes twice.")
    return ordered
