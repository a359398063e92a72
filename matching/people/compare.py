"""Two records field by field: how far each field agrees, as one level of a short list a field.

A name is one comparison and not three: given, family and known-as names agree and differ together, so counting each by
itself counts the same evidence twice.
"""

from collections.abc import Callable
from enum import IntEnum, StrEnum

from rapidfuzz import fuzz
from rapidfuzz.distance import DamerauLevenshtein

from matching.people.identity import DIGITS_OF_A_DAY, INWARD, UNKNOWN_DAY, Identity
from matching.people.names import Alike, alike, is_contained

CLOSE_STREET = 88.0
SHORTEST_TO_SLIP = 5
SHORTEST_FORM = 2


class Field(StrEnum):
    """What is compared."""

    NAME = "name"
    BORN = "date_of_birth"
    POSTCODE = "postcode"
    STREET = "street"
    TOWN = "town"
    PHONE = "phone"
    EMAIL = "email"


class Born(IntEnum):
    """How two days of birth agree; a greater one tells more for one person."""

    OTHER = 0
    UNKNOWN = 1
    YEAR = 2  # the year only
    FIRST_OF_JANUARY = 3  # the year, and a day that offices write where nobody knows it
    PARTS = 4  # two of day, month and year, or two slips
    SLIP = 5
    SWAPPED = 6  # day and month
    SAME = 7


class Postcode(IntEnum):
    """How two postcodes agree."""

    OTHER = 0
    UNKNOWN = 1
    OUTCODE = 2
    SLIP = 3
    SECTOR = 4
    UNIT = 5


class Text(IntEnum):
    """How two telephone numbers, addresses or places agree."""

    OTHER = 0
    UNKNOWN = 1
    PART = 2
    SLIP = 3
    SAME = 4


# A name's level is the given name's likeness and the family name's; two more are for names the other way round.
TURNED_ALIKE, TURNED_SAME = 25, 26
NAME_LEVELS = 27
UNKNOWN_NAME = 5 * Alike.UNKNOWN + Alike.UNKNOWN
WORTH = {Alike.OTHER: -3, Alike.UNKNOWN: 0, Alike.CLOSE: 2, Alike.VARIANT: 3, Alike.SAME: 4}


def name_level(given: Alike, family: Alike) -> int:
    """Return the level of a name whose parts are so alike.

    Parameters
    ----------
    given, family : Alike

    Returns
    -------
    int

    Examples
    --------
    >>> name_level(Alike.SAME, Alike.SAME)
    24
    """
    return 5 * given + family


def parts_of(level: int) -> tuple[Alike, Alike] | None:
    """Return how alike the parts of a name are at a level; None where they were the other way round.

    Parameters
    ----------
    level : int

    Returns
    -------
    tuple of (Alike, Alike), or None

    Examples
    --------
    >>> parts_of(24) == (Alike.SAME, Alike.SAME), parts_of(TURNED_SAME)
    (True, None)
    """
    return None if level >= TURNED_ALIKE else (Alike(level // 5), Alike(level % 5))


def compare_names(one: Identity, other: Identity) -> int:
    """Return the level of two names: straight, by the name they are known by, or turned round.

    Parameters
    ----------
    one, other : Identity

    Returns
    -------
    int

    Examples
    --------
    >>> compare_names(Identity("1", "Wei", "Zhang"), Identity("2", "Zhang", "Wei")) == TURNED_SAME
    True
    """
    (our_given, our_family), (their_given, their_family) = one.names, other.names
    given = alike(our_given, their_given)
    if given < Alike.VARIANT and (one.also or other.also):
        known = [alike(a, b) for a, b in ((one.also, their_given), (our_given, other.also), (one.also, other.also))]
        if max(known) >= Alike.VARIANT:
            given = Alike.VARIANT
    if given is Alike.VARIANT and set(our_given.split()) & set(their_given.split()):
        given = Alike.VARIANT if is_contained(our_given, their_given) else Alike.CLOSE
    if given is Alike.OTHER and _is_short_for(our_given, their_given):
        given = Alike.CLOSE
    family = alike(our_family, their_family)
    if given >= Alike.VARIANT and family >= Alike.VARIANT:
        return name_level(given, family)
    turned = alike(our_given, their_family), alike(our_family, their_given)
    if sum(WORTH[part] for part in turned) > max(0, WORTH[given] + WORTH[family]):
        return TURNED_SAME if Alike.SAME in turned and min(turned) >= Alike.UNKNOWN else TURNED_ALIKE
    return name_level(given, family)


def _is_short_for(one: str, other: str) -> bool:
    """Whether one given name begins the other, as "Mo" does "Mohammed": perhaps a short form that no list has."""
    short, long = sorted((one, other), key=len)
    return len(short) >= SHORTEST_FORM and long.startswith(short)


def compare_days(one: Identity, other: Identity) -> int:
    """Return the level of two days of birth.

    Parameters
    ----------
    one, other : Identity

    Returns
    -------
    int

    Examples
    --------
    >>> a, b = Identity("1", born="20020526"), Identity("2", born="20020525")
    >>> Born(compare_days(a, b)).name, Born(compare_days(a, Identity("3", born="20020101"))).name
    ('SLIP', 'FIRST_OF_JANUARY')
    """
    ours, theirs = one.day, other.day
    if not ours or not theirs:
        return _slipped(one.born, other.born)
    if UNKNOWN_DAY in (ours[4:], theirs[4:]):
        return Born.FIRST_OF_JANUARY if ours[:4] == theirs[:4] else Born.OTHER
    if ours == theirs:
        return Born.SAME
    if ours[:4] == theirs[:4] and (ours[4:6], ours[6:]) == (theirs[6:], theirs[4:6]):
        return Born.SWAPPED
    slips = DamerauLevenshtein.distance(ours, theirs, score_cutoff=2)
    if slips == 1:
        return Born.SLIP
    cuts = (slice(0, 4), slice(4, 6), slice(6, 8))
    if slips == 2 or sum(ours[cut] == theirs[cut] for cut in cuts) == 2:  # noqa: PLR2004 - two slips, two parts
        return Born.PARTS
    return Born.YEAR if ours[:4] == theirs[:4] else Born.OTHER


def _slipped(one: str, other: str) -> int:
    """Return the level of days of which one cannot be read."""
    if min(len(one), len(other)) < DIGITS_OF_A_DAY - 1:
        return Born.UNKNOWN
    return Born.SLIP if DamerauLevenshtein.distance(one, other, score_cutoff=1) <= 1 else Born.UNKNOWN


def compare_postcodes(one: Identity, other: Identity) -> int:
    """Return the level of two postcodes.

    Parameters
    ----------
    one, other : Identity

    Returns
    -------
    int

    Examples
    --------
    >>> Postcode(compare_postcodes(Identity("1", postcode="NW95QN"), Identity("2", postcode="NW95QP"))).name
    'SECTOR'
    """
    ours, theirs = one.postcode, other.postcode
    if not ours or not theirs:
        return Postcode.UNKNOWN
    if ours == theirs:
        return Postcode.UNIT
    if min(len(ours), len(theirs)) >= SHORTEST_TO_SLIP:
        if ours[:-2] == theirs[:-2]:
            return Postcode.SECTOR
        if DamerauLevenshtein.distance(ours, theirs, score_cutoff=1) == 1:
            return Postcode.SLIP
        return Postcode.OUTCODE if ours[:-INWARD] == theirs[:-INWARD] else Postcode.OTHER
    if DamerauLevenshtein.distance(ours, theirs, score_cutoff=1) == 1:
        return Postcode.SLIP
    return Postcode.OUTCODE if ours == theirs[:-INWARD] or theirs == ours[:-INWARD] else Postcode.OTHER


def _texts(read: Callable[[Identity], str]) -> Callable[[Identity, Identity], int]:
    def compare(one: Identity, other: Identity) -> int:
        ours, theirs = read(one), read(other)
        if not ours or not theirs:
            return Text.UNKNOWN
        if ours == theirs:
            return Text.SAME
        if DamerauLevenshtein.distance(ours, theirs, score_cutoff=1) == 1:
            return Text.SLIP
        return Text.PART if fuzz.token_sort_ratio(ours, theirs) >= CLOSE_STREET else Text.OTHER

    return compare


def compare_phones(one: Identity, other: Identity) -> int:
    """Return the level of two telephone numbers.

    Parameters
    ----------
    one, other : Identity

    Returns
    -------
    int

    Examples
    --------
    >>> a, b = Identity("1", phone="+447700900123"), Identity("2", phone="+447700900132")
    >>> Text(compare_phones(a, b)).name
    'SLIP'
    """
    ours, theirs = one.phone, other.phone
    if not ours or not theirs:
        return Text.UNKNOWN
    if ours == theirs:
        return Text.SAME
    return Text.SLIP if DamerauLevenshtein.distance(ours, theirs, score_cutoff=1) == 1 else Text.OTHER


def compare_emails(one: Identity, other: Identity) -> int:
    """Return the level of two e-mail addresses; of an address at another provider the part before the @ agrees.

    Parameters
    ----------
    one, other : Identity

    Returns
    -------
    int

    Examples
    --------
    >>> Text(compare_emails(Identity("1", email="a.b@example.org"), Identity("2", email="a.b@mail.example.org"))).name
    'PART'
    """
    ours, theirs = one.email, other.email
    if not ours or not theirs:
        return Text.UNKNOWN
    if ours == theirs:
        return Text.SAME
    if DamerauLevenshtein.distance(ours, theirs, score_cutoff=1) == 1:
        return Text.SLIP
    return Text.PART if ours.split("@")[0] == theirs.split("@")[0] else Text.OTHER


COMPARE: dict[Field, Callable[[Identity, Identity], int]] = {
    Field.NAME: compare_names,
    Field.BORN: compare_days,
    Field.POSTCODE: compare_postcodes,
    Field.STREET: _texts(lambda who: who.address),
    Field.TOWN: _texts(lambda who: who.place),
    Field.PHONE: compare_phones,
    Field.EMAIL: compare_emails,
}
LEVELS = {
    Field.NAME: NAME_LEVELS,
    Field.BORN: len(Born),
    Field.POSTCODE: len(Postcode),
    Field.STREET: len(Text),
    Field.TOWN: len(Text),
    Field.PHONE: len(Text),
    Field.EMAIL: len(Text),
}
FIELDS = tuple(Field)


def compare(one: Identity, other: Identity) -> tuple[int, ...]:
    """Return the level of each field of two records, in the order of ``Field``.

    Parameters
    ----------
    one, other : Identity

    Returns
    -------
    tuple of int

    Examples
    --------
    >>> one, other = Identity("1", "Ann", "Lee", born="20020526"), Identity("2", "Ann", "Lee", born="20020526")
    >>> [int(level) for level in compare(one, other)]
    [24, 7, 1, 1, 1, 1, 1]
    """
    return tuple(COMPARE[field](one, other) for field in FIELDS)
