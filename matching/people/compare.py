"""Compare two records field by field. The result for a field is one level from a short list of levels of agreement.

The given, family and known-as names are compared together, as one field. They tend to agree or differ together, so
separate comparisons would count the same evidence twice.
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
YEARS_OF_A_GUESS = 5
EXTENSION = " ext "


class Field(StrEnum):
    """The fields that are compared."""

    NAME = "name"
    BORN = "date_of_birth"
    POSTCODE = "postcode"
    STREET = "street"
    TOWN = "town"
    PHONE = "phone"
    EMAIL = "email"


class Born(IntEnum):
    """How two dates of birth agree. A higher level is stronger evidence for one person."""

    OTHER = 0
    UNKNOWN = 1
    YEAR = 2  # only the year agrees
    FIRST_OF_JANUARY = 3  # the same year, and one is a year alone, or 1 January, which offices enter for an unknown day
    PARTS = 4  # two of day, month and year agree, or two characters differ
    SLIP = 5  # one character differs
    SWAPPED = 6  # day and month are swapped
    SAME = 7


class Postcode(IntEnum):
    """How two postcodes agree: the smallest area that contains both, or ``SLIP`` if one character differs."""

    OTHER = 0
    UNKNOWN = 1
    OUTCODE = 2
    SLIP = 3
    SECTOR = 4
    UNIT = 5


class Text(IntEnum):
    """How two telephone numbers, e-mail addresses, streets or towns agree. ``SLIP``: one character differs."""

    OTHER = 0
    UNKNOWN = 1
    PART = 2
    SLIP = 3
    SAME = 4


# A name level is 5 x the likeness of the given names + the likeness of the family names. Two more levels mean that the
# given name of one record is like the family name of the other (swapped names).
TURNED_ALIKE, TURNED_SAME = 25, 26
NAME_LEVELS = 27
UNKNOWN_NAME = 5 * Alike.UNKNOWN + Alike.UNKNOWN
WORTH = {Alike.OTHER: -3, Alike.UNKNOWN: 0, Alike.CLOSE: 2, Alike.VARIANT: 3, Alike.SAME: 4}


def name_level(given: Alike, family: Alike) -> int:
    """Return the name level: one number for how alike the given names are and how alike the family names are.

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
    """Return how alike the given names and the family names are at a name level, or None if the names are swapped.

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


def compare_names(first: Identity, second: Identity) -> int:
    """Return the level at which two names agree: in order, by a known-as name, or with given and family name swapped.

    Parameters
    ----------
    first, second : Identity

    Returns
    -------
    int

    Examples
    --------
    >>> compare_names(Identity("1", "Wei", "Zhang"), Identity("2", "Zhang", "Wei")) == TURNED_SAME
    True
    """
    (first_given, first_family), (second_given, second_family) = first.names, second.names
    given = alike(first_given, second_given)
    if given < Alike.VARIANT and (first.also or second.also):
        levels = [
            alike(a, b) for a, b in ((first.also, second_given), (first_given, second.also), (first.also, second.also))
        ]
        if max(levels) >= Alike.VARIANT:
            given = Alike.VARIANT
    if given is Alike.VARIANT and set(first_given.split()) & set(second_given.split()):
        given = Alike.VARIANT if is_contained(first_given, second_given) else Alike.CLOSE
    if given is Alike.OTHER and _is_short_for(first_given, second_given):
        given = Alike.CLOSE
    family = alike(first_family, second_family)
    if given >= Alike.VARIANT and family >= Alike.VARIANT:
        return name_level(given, family)
    turned = alike(first_given, second_family), alike(first_family, second_given)
    if sum(WORTH[part] for part in turned) > max(0, WORTH[given] + WORTH[family]):
        return TURNED_SAME if Alike.SAME in turned and min(turned) >= Alike.UNKNOWN else TURNED_ALIKE
    return name_level(given, family)


def _is_short_for(first: str, second: str) -> bool:
    """Return whether one given name begins with the other, as "Mohammed" does with "Mo", a possible short form."""
    short, long = sorted((first, second), key=len)
    return len(short) >= SHORTEST_FORM and long.startswith(short)


def compare_days(first: Identity, second: Identity) -> int:
    """Return the level at which two dates of birth agree.

    Parameters
    ----------
    first, second : Identity

    Returns
    -------
    int

    Examples
    --------
    >>> a, b = Identity("1", born="20020526"), Identity("2", born="20020525")
    >>> Born(compare_days(a, b)).name, Born(compare_days(a, Identity("3", born="20020101"))).name
    ('SLIP', 'FIRST_OF_JANUARY')
    """
    first_day, second_day = first.day, second.day
    if not first_day or not second_day:
        return _years(first, second)
    if UNKNOWN_DAY in (first_day[4:], second_day[4:]):
        return Born.FIRST_OF_JANUARY if first_day[:4] == second_day[:4] else Born.OTHER
    if first_day == second_day:
        return Born.SAME
    if first_day[:4] == second_day[:4] and (first_day[4:6], first_day[6:]) == (second_day[6:], second_day[4:6]):
        return Born.SWAPPED
    slips = DamerauLevenshtein.distance(first_day, second_day, score_cutoff=2)
    if slips == 1:
        return Born.SLIP
    cuts = (slice(0, 4), slice(4, 6), slice(6, 8))
    if slips == 2 or sum(first_day[cut] == second_day[cut] for cut in cuts) == 2:  # noqa: PLR2004 - two slips, two parts
        return Born.PARTS
    return Born.YEAR if first_day[:4] == second_day[:4] else Born.OTHER


def _years(first: Identity, second: Identity) -> int:
    """Compare dates of birth of which at least one has no day. Near years say nothing: a year is often a guess."""
    if not first.year or not second.year:
        return _slipped(first.born, second.born)
    if first.year == second.year:
        return Born.FIRST_OF_JANUARY
    return Born.UNKNOWN if abs(int(first.year) - int(second.year)) <= YEARS_OF_A_GUESS else Born.OTHER


def _slipped(first: str, second: str) -> int:
    """Compare dates of birth if one lacks eight digits: ``SLIP`` for at most one typing error, else ``UNKNOWN``."""
    if min(len(first), len(second)) < DIGITS_OF_A_DAY - 1:
        return Born.UNKNOWN
    return Born.SLIP if DamerauLevenshtein.distance(first, second, score_cutoff=1) <= 1 else Born.UNKNOWN


def compare_postcodes(first: Identity, second: Identity) -> int:
    """Return the level at which two postcodes agree.

    Parameters
    ----------
    first, second : Identity

    Returns
    -------
    int

    Examples
    --------
    >>> Postcode(compare_postcodes(Identity("1", postcode="NW95QN"), Identity("2", postcode="NW95QP"))).name
    'SECTOR'
    """
    first_code, second_code = first.postcode, second.postcode
    if not first_code or not second_code:
        return Postcode.UNKNOWN
    if first_code == second_code:
        return Postcode.UNIT
    if min(len(first_code), len(second_code)) >= SHORTEST_TO_SLIP:
        if first_code[:-2] == second_code[:-2]:
            return Postcode.SECTOR
        if DamerauLevenshtein.distance(first_code, second_code, score_cutoff=1) == 1:
            return Postcode.SLIP
        return Postcode.OUTCODE if first_code[:-INWARD] == second_code[:-INWARD] else Postcode.OTHER
    if DamerauLevenshtein.distance(first_code, second_code, score_cutoff=1) == 1:
        return Postcode.SLIP
    return (
        Postcode.OUTCODE
        if first_code == second_code[:-INWARD] or second_code == first_code[:-INWARD]
        else Postcode.OTHER
    )


def _texts(read: Callable[[Identity], str]) -> Callable[[Identity, Identity], int]:
    def compare(first: Identity, second: Identity) -> int:
        first_text, second_text = read(first), read(second)
        if not first_text or not second_text:
            return Text.UNKNOWN
        if first_text == second_text:
            return Text.SAME
        if DamerauLevenshtein.distance(first_text, second_text, score_cutoff=1) == 1:
            return Text.SLIP
        return Text.PART if fuzz.token_sort_ratio(first_text, second_text) >= CLOSE_STREET else Text.OTHER

    return compare


def compare_phones(first: Identity, second: Identity) -> int:
    """Return the level at which two telephone numbers agree.

    Parameters
    ----------
    first, second : Identity

    Returns
    -------
    int

    Examples
    --------
    >>> a, b = Identity("1", phone="+447700900123"), Identity("2", phone="+447700900132")
    >>> Text(compare_phones(a, b)).name
    'SLIP'
    """
    first_phone, _, first_extension = first.phone.partition(EXTENSION)
    second_phone, _, second_extension = second.phone.partition(EXTENSION)
    if not first_phone or not second_phone:
        return Text.UNKNOWN
    if first_phone == second_phone:
        if first_extension == second_extension:
            return Text.SAME
        # A switchboard alone may lead to any of its extensions. Two extensions are two telephones.
        return Text.OTHER if first_extension and second_extension else Text.UNKNOWN
    if first_extension != second_extension:
        return Text.OTHER
    return Text.SLIP if DamerauLevenshtein.distance(first_phone, second_phone, score_cutoff=1) == 1 else Text.OTHER


def compare_emails(first: Identity, second: Identity) -> int:
    """Return the level at which two e-mail addresses agree. ``PART``: only the part before the @ is the same.

    Parameters
    ----------
    first, second : Identity

    Returns
    -------
    int

    Examples
    --------
    >>> Text(compare_emails(Identity("1", email="a.b@example.org"), Identity("2", email="a.b@mail.example.org"))).name
    'PART'
    """
    first_email, second_email = first.email, second.email
    if not first_email or not second_email:
        return Text.UNKNOWN
    if first_email == second_email:
        return Text.SAME
    if DamerauLevenshtein.distance(first_email, second_email, score_cutoff=1) == 1:
        return Text.SLIP
    return Text.PART if first_email.split("@")[0] == second_email.split("@")[0] else Text.OTHER


COMPARE: dict[Field, Callable[[Identity, Identity], int]] = {
    Field.NAME: compare_names,
    Field.BORN: compare_days,
    Field.POSTCODE: compare_postcodes,
    Field.STREET: _texts(lambda person: person.address),
    Field.TOWN: _texts(lambda person: person.place),
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


def compare(first: Identity, second: Identity) -> tuple[int, ...]:
    """Return the level at which each field of two records agrees, in the order of ``Field``.

    Parameters
    ----------
    first, second : Identity

    Returns
    -------
    tuple of int

    Examples
    --------
    >>> first, second = Identity("1", "Ann", "Lee", born="20020526"), Identity("2", "Ann", "Lee", born="20020526")
    >>> [int(level) for level in compare(first, second)]
    [24, 7, 1, 1, 1, 1, 1]
    """
    return tuple(COMPARE[field](first, second) for field in FIELDS)
