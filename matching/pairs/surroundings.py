"""What a listing says about its surroundings, beside what a jobseeker wants to avoid there and what they want."""

from collections.abc import Iterable
from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

from matching.pairs.conditions import ListingText, says_never
from matching.pairs.grades import STEPS, UNKNOWN, graded
from matching.pairs.profiles import PlacementProfile
from matching.pairs.text import normalise
from matching.pairs.vocabulary import Vocabulary
from matching.pairs.wishes import SAYS_NOTHING
from matching.words.phrases import DENIALS, may_be_denied, stem, stems_of

# The answers about one thing to avoid. A listing that shows what must never be part of the work is refused.
NOT_KNOWN, SHOWN, RULED_OUT, REFUSED = 0, 1, 2, 3
BEST, WORST = STEPS, 0
SOMETHING_ELSE = graded(0.4)  # surroundings that are neither what the jobseeker wants nor its opposite
OF_THE_SECTOR = 0.85  # from this credit on, a kind of work belongs to the sector that was named
IS_FINE = " is fine"
DENYING = frozenset(stem(word) for word in DENIALS)


class ListingRead(NamedTuple):
    """What a listing says about its surroundings and its kind of work.

    ``shown``, ``ruled_out`` and ``doubtful`` (shown in one place, denied in another) have one bit for each condition.
    ``environment`` is None if the listing does not describe its working environment.
    """

    shown: int
    ruled_out: int
    text: str
    kinds: frozenset[str]
    environment: frozenset[str] | None
    doubtful: int = 0


class Avoided(NamedTuple):
    """One thing that a jobseeker wants to avoid: conditions as bits, kinds of work, or else the stems of its words.

    ``named`` has the conditions that each of its phrases names, and ``widely_named`` also those that it may name.
    """

    wish: str
    named: tuple[int, ...]
    kinds: frozenset[str]
    stems: tuple[str, ...]
    is_never: bool
    widely_named: tuple[int, ...]

    @property
    def conditions(self) -> int:
        """All conditions that the words name, one bit for each."""
        return reduce(or_, self.named, 0)


class WantedSurroundings(NamedTuple):
    """One wish for surroundings: its words, and the conditions that it asks for and asks to be free of."""

    word: str
    key: str
    conditions: int
    free_of: int


def text_of(placement: PlacementProfile) -> ListingText:
    """Return the words and times of a listing that are read.

    Parameters
    ----------
    placement : PlacementProfile

    Returns
    -------
    ListingText

    Examples
    --------
    >>> text_of(PlacementProfile(key="1", title="Porter", environment=("busy",), description="Move beds.")).words
    'busy'
    """
    words = (
        placement.occupation or "",
        *(placement.environment or ()),
        *(placement.essential_skills or ()),
        *(placement.desirable_skills or ()),
    )
    return ListingText(
        placement.title,
        ". ".join(word for word in words if word),
        placement.description or "",
        placement.half_days,
        placement.hours_per_week,
    )


def read_listing(placement: PlacementProfile, vocabulary: Vocabulary) -> ListingRead:
    """Return what a listing says about its surroundings and its kind of work.

    Parameters
    ----------
    placement : PlacementProfile
    vocabulary : Vocabulary

    Returns
    -------
    ListingRead

    Examples
    --------
    >>> read_listing(PlacementProfile(key="1", title="Night Porter", environment=("busy",)), Vocabulary()).text
    ' night porter . busy . '
    """
    reading = vocabulary.conditions.read(text_of(placement))
    kinds = set(vocabulary.concepts_of_title(placement.title))
    if placement.occupation:
        kinds.update(vocabulary.concepts_of_title(placement.occupation))
    environment = None if placement.environment is None else _normalised(placement.environment)
    return ListingRead(reading.shown, reading.ruled_out, reading.text, frozenset(kinds), environment, reading.doubtful)


@lru_cache(maxsize=50_000)
def _normalised(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(normalise(word) for word in words)


@lru_cache(maxsize=50_000)
def avoided(wish: str, vocabulary: Vocabulary) -> Avoided:
    """Return what a jobseeker's words say that the work should not include.

    Parameters
    ----------
    wish : str
        With or without "no" before it: "nights", "no early mornings".
    vocabulary : Vocabulary

    Returns
    -------
    Avoided

    Examples
    --------
    >>> avoided("never with dogs", Vocabulary()).stems
    ('dog',)
    """
    said = vocabulary.mended(wish)
    conditions = vocabulary.conditions.named_in(said)
    stems = [word for word in stems_of(said) if word not in SAYS_NOTHING and word not in DENYING]
    kinds_named = vocabulary.concepts_of_wish(" ".join(stems)) if stems and not conditions else frozenset()
    kinds = set(kinds_named)
    for kind in kinds_named:
        kinds.update(
            near for near, value in vocabulary.work_near.get(kind, {}).items() if value.credit >= OF_THE_SECTOR
        )
    own = () if conditions or kinds else tuple(stems)
    wide = vocabulary.conditions.widely_named_in(said)
    return Avoided(wish, conditions, frozenset(kinds), own, says_never(wish), wide)


def avoided_answer(avoid: Avoided, listing: ListingRead) -> int:
    """Return whether a listing shows what a jobseeker wants to avoid, rules it out or does not say.

    Parameters
    ----------
    avoid : Avoided
    listing : ListingRead

    Returns
    -------
    int
        ``NOT_KNOWN``, ``SHOWN``, ``RULED_OUT`` or ``REFUSED``.
    """
    # What must never be part of the work is taken as shown also where the listing denies it elsewhere.
    shown = listing.shown | listing.doubtful if avoid.is_never else listing.shown
    is_shown = any(named & shown for named in avoid.named) or not avoid.kinds.isdisjoint(listing.kinds)
    if avoid.stems and not is_shown:
        is_shown = mentions(listing.text, avoid.stems)
    if is_shown:
        return REFUSED if avoid.is_never else SHOWN
    if avoid.named:
        # A word may name several things, such as nights. Most of them must be ruled out.
        are_out = all(2 * (named & listing.ruled_out).bit_count() > named.bit_count() for named in avoid.widely_named)
        return RULED_OUT if are_out else NOT_KNOWN
    return RULED_OUT if avoid.kinds and listing.kinds else NOT_KNOWN


def mentions(text: str, stems: tuple[str, ...]) -> bool:
    """Return whether a listing has all of some words, and has the first of them at least once without denying it.

    Parameters
    ----------
    text : str
        The stems of the listing, as in ``ListingRead``.
    stems : tuple of str

    Returns
    -------
    bool

    Examples
    --------
    >>> mentions(" you peel kiwi fruit . ", ("kiwi",)), mentions(" we never peel kiwi fruit . ", ("kiwi",))
    (True, False)
    """
    if not all(f" {word} " in text for word in stems):
        return False
    words = text.split()
    return any(word == stems[0] and not may_be_denied(words, at, at + 1) for at, word in enumerate(words))


def conditions_found(wishes: tuple[str, ...], placement: PlacementProfile, vocabulary: Vocabulary) -> str:
    """Return what a listing shows of things that must never be part of the work, in the words of the vocabulary.

    Parameters
    ----------
    wishes : tuple of str
    placement : PlacementProfile
    vocabulary : Vocabulary

    Returns
    -------
    str
        Empty if the listing shows none of them.
    """
    listing, names = read_listing(placement, vocabulary), dict[str, None]()
    for wish in wishes:
        avoid = avoided(wish, vocabulary)
        if avoided_answer(avoid, listing) == REFUSED:
            shown = vocabulary.conditions.names(avoid.conditions & (listing.shown | listing.doubtful))
            names.update(dict.fromkeys(shown or sorted(avoid.kinds & listing.kinds) or (" ".join(avoid.stems),)))
    return ", ".join(names)


@lru_cache(maxsize=50_000)
def wanted_surroundings(words: tuple[str, ...], vocabulary: Vocabulary) -> tuple[WantedSurroundings, ...]:
    """Return what a jobseeker's wishes for surroundings ask for.

    Parameters
    ----------
    words : tuple of str
    vocabulary : Vocabulary

    Returns
    -------
    tuple of WantedSurroundings
    """
    return tuple(
        WantedSurroundings(
            word, normalise(word).removesuffix(IS_FINE), *vocabulary.conditions.wanted_by(vocabulary.mended(word))
        )
        for word in words
    )


def is_fine_only(wanted: WantedSurroundings) -> bool:
    """Return whether surroundings are only accepted, not wanted: "outdoors is fine".

    Parameters
    ----------
    wanted : WantedSurroundings

    Returns
    -------
    bool
    """
    return normalise(wanted.word).endswith(IS_FINE)


def surroundings_met(wanted: WantedSurroundings, listing: ListingRead) -> bool | None:
    """Return whether a listing's surroundings are what a jobseeker wants; False for the opposite; None if neither.

    Parameters
    ----------
    wanted : WantedSurroundings
    listing : ListingRead

    Returns
    -------
    bool or None
    """
    if not is_fine_only(wanted) and (wanted.free_of & listing.shown or wanted.conditions & listing.ruled_out):
        return False
    if wanted.key in (listing.environment or ()) or wanted.conditions & listing.shown:
        return True
    return True if wanted.free_of and wanted.free_of & listing.ruled_out else None


def surroundings_grade(wishes: Iterable[WantedSurroundings], listing: ListingRead) -> int:
    """Return how well a listing's surroundings suit.

    Parameters
    ----------
    wishes : iterable of WantedSurroundings
    listing : ListingRead

    Returns
    -------
    int
        240 if one wish is met and none is opposed, 0 if one is opposed, 96 if the listing describes other surroundings,
        and 255 if it does not say.
    """
    answers = [surroundings_met(wish, listing) for wish in wishes]
    if False in answers:
        return WORST
    if True in answers:
        return BEST
    return SOMETHING_ELSE if listing.environment else UNKNOWN
