"""Make up a town whose records are hard to link: people who move, marry, and are written down by many offices.

A person has up to eight records over the years. In between they move, change their telephone and sometimes their family
name. Households share a home and a family name: couples, siblings, twins, and a parent and child of one name. Hostels
share a postcode and a telephone, and support workers give their own number. Offices leave fields blank, swap day and
month, know the year alone, spell a name as they hear it, and write a short form or one name of several.

The share of each mistake is a ``Mix``. ``DEVELOPED`` is for development; ``HELD_OUT`` has other shares, and nothing was
chosen by looking at its figures.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate

from benchmarks.people_population import LETTERS, LISTS, OLDEST, YOUNGEST, drawn_name, postcode_of, slipped
from matching.people.identity import Identity
from matching.people.names import called, plain

DIGITS = "0123456789"
STREETS = """
High Station Church Mill Park Victoria Albert Queens Kings Chapel Green Manor School North South West Grange Alma
Clarendon York Gladstone Cromwell Nelson Windsor Richmond Highfield Springfield Woodlands Meadow Orchard Priory Abbey
"""
KINDS_OF_STREET = ("Road", "Street", "Lane", "Avenue", "Close", "Drive", "Terrace", "Gardens")
TOWNS = """
Aldermere Brackley-Heath Castlebeck Dunmoor Eastry Fenwick Gorton Harrowby Inkberrow Keldholme Langsett Marlow-Bottom
Netherby Oakhanger Penwith Quorn Redmarley Stanwick Thornaby Ulverby
"""
HOSTEL, PEOPLE_A_HOME, PEOPLE_A_SUPPORTER = 24, 12, 40
# What different offices hear in one name: pairs of spellings, either of which may stand for the other.
SPELLINGS = (
    ("ee", "i"), ("ou", "u"), ("oo", "u"), ("ah", "a"), ("y", "i"), ("kh", "k"), ("q", "k"), ("ph", "f"), ("sch", "sh"),
    ("w", "v"), ("tz", "z"), ("ea", "ee"), ("ck", "k"), ("ll", "l"), ("ss", "s"), ("mm", "m"), ("ie", "y"), ("th", "t"),
    ("dh", "d"), ("z", "s"), ("e", "a"), ("o", "u"), ("j", "dj"), ("c", "k"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each thing happens: shares of people or of records, from 0 to 1.

    Parameters
    ----------
    records : tuple of float
        The relative number of people with one record, with two, and so on.
    moved, new_phone, married : float
        Of a record, that it was written at another home than the record before, with another telephone, or another
        family name. Nobody changes their family name twice.
    blank : tuple of float
        Of a record, that it has no family name, date of birth, postcode, telephone, e-mail, street and town.
    """

    records: tuple[float, ...] = (5, 3, 2, 2, 1, 1, 0.5, 0.5)
    couple: float = 0.14
    siblings: float = 0.12
    twins: float = 0.03
    namesake: float = 0.03
    hostel: float = 0.006
    moved: float = 0.6
    married: float = 0.2
    second_name: float = 0.35
    supporter: float = 0.08
    new_phone: float = 0.4
    misheard: float = 0.18
    typed: float = 0.1
    short: float = 0.14
    swapped: float = 0.02
    dropped: float = 0.5
    initial: float = 0.03
    blank: tuple[float, float, float, float, float, float] = (0.02, 0.08, 0.20, 0.65, 0.85, 0.45)
    day_swapped: float = 0.03
    day_slipped: float = 0.10
    day_guessed: float = 0.10
    outcode: float = 0.05


DEVELOPED = Mix()
HELD_OUT = Mix(
    records=(4, 4, 1, 1, 1, 1, 1, 1),
    couple=0.2,
    siblings=0.08,
    twins=0.05,
    namesake=0.02,
    hostel=0.01,
    moved=0.6,
    married=0.24,
    second_name=0.5,
    supporter=0.05,
    new_phone=0.5,
    misheard=0.14,
    typed=0.11,
    short=0.08,
    swapped=0.04,
    dropped=0.35,
    initial=0.06,
    blank=(0.03, 0.12, 0.25, 0.6, 0.80, 0.30),
    day_swapped=0.05,
    day_slipped=0.04,
    day_guessed=0.12,
    outcode=0.03,
)


@dataclass(frozen=True, slots=True)
class Home:
    """Where somebody lives."""

    postcode: str
    street: str
    town: str


@dataclass(frozen=True, slots=True)
class Resident:
    """A made-up person of the hard town, as they are at one time."""

    number: int
    given: str
    family: str
    born: date
    home: Home
    phone: str
    country: str
    is_renamed: bool = False


def hard_town(count: int, mix: Mix = DEVELOPED, seed: int = 0) -> tuple[list[Identity], list[int]]:
    """Return made-up records of a hard town, in random order, and the number of each one's person."""
    drawn = random.Random(f"hard town {seed}")
    supporters = [_phone(drawn) for _ in range(max(2, count // PEOPLE_A_SUPPORTER))]
    counts = list(accumulate(mix.records))
    written: list[tuple[Identity, int]] = []
    for person in _residents(drawn, count, mix):
        now = person
        for _ in range(drawn.choices(range(1, len(counts) + 1), cum_weights=counts)[0]):
            written.append((_record(drawn, now, mix, supporters), person.number))
            now = _later(drawn, now, mix, count)
    drawn.shuffle(written)
    records = [replace(record, key=str(n)) for n, (record, _) in enumerate(written)]
    return records, [number for _, number in written]


def _residents(drawn: random.Random, count: int, mix: Mix) -> Iterator[Resident]:
    """Yield people, household by household."""
    made = 0
    while made < count:
        first = _resident(drawn, made, mix, count)
        household = [first, *_others(drawn, first, mix, count)]
        for person in household[: count - made]:
            yield replace(person, number=made)
            made += 1


def _others(drawn: random.Random, first: Resident, mix: Mix, count: int) -> list[Resident]:
    """Return those who live with somebody: a partner, siblings, a twin, a child of the same name, or a hostel."""

    def another() -> Resident:
        other = _resident(drawn, 0, mix, count)
        given, _ = drawn_name(drawn, first.country)
        return replace(other, given=_named(drawn, given, first.country, mix), home=first.home, country=first.country)

    chance = drawn.random()
    if (chance := chance - mix.couple) < 0:
        return [replace(another(), family=first.family if drawn.random() < 0.6 else another().family)]
    if (chance := chance - mix.siblings) < 0:
        return [replace(another(), family=first.family) for _ in range(drawn.randint(1, 3))]
    if (chance := chance - mix.twins) < 0:
        return [replace(another(), family=first.family, born=first.born)]
    if (chance := chance - mix.namesake) < 0:
        older = replace(another(), given=first.given, family=first.family)
        return [replace(older, born=first.born - timedelta(days=drawn.randint(7_000, 12_000)))]
    if chance - mix.hostel < 0:
        strangers = (_resident(drawn, 0, mix, count) for _ in range(HOSTEL - 1))
        return [replace(other, home=first.home, phone=first.phone) for other in strangers]
    return []


def _resident(drawn: random.Random, number: int, mix: Mix, count: int) -> Resident:
    country = drawn.choices(list(LISTS), weights=list(LISTS.values()))[0]
    given, family = drawn_name(drawn, country)
    born = YOUNGEST + timedelta(days=drawn.randrange((OLDEST - YOUNGEST).days))
    if country not in {"en_GB", "es_ES", "ro_RO"} and drawn.random() < 0.15:
        born = born.replace(month=1, day=1)
    given = _named(drawn, given, country, mix)
    return Resident(number, given, family, born, _home(drawn, count), _phone(drawn), country)


def _named(drawn: random.Random, given: str, country: str, mix: Mix) -> str:
    return f"{given} {drawn_name(drawn, country)[0]}" if drawn.random() < mix.second_name else given


def _home(drawn: random.Random, count: int) -> Home:
    at = drawn.randrange(max(4, count // PEOPLE_A_HOME))
    of_street = random.Random(f"street {at}")  # one postcode has one street and one town
    street = f"{of_street.choice(STREETS.split())} {of_street.choice(KINDS_OF_STREET)}"
    return Home(postcode_of(at), f"{drawn.randint(1, 120)} {street}", of_street.choice(TOWNS.split()).replace("-", " "))


def _phone(drawn: random.Random) -> str:
    return f"+4477{drawn.randrange(10**8):08d}"


def _later(drawn: random.Random, person: Resident, mix: Mix, count: int) -> Resident:
    """Return a person some years later."""
    if drawn.random() < mix.moved:
        person = replace(person, home=_home(drawn, count))
    if drawn.random() < mix.new_phone:
        person = replace(person, phone=_phone(drawn))
    if drawn.random() < mix.married and not person.is_renamed:
        family = drawn_name(drawn, person.country)[1]
        family = f"{person.family}-{family}" if drawn.random() < 0.2 else family
        person = replace(person, family=family, is_renamed=True)
    return person


def _record(drawn: random.Random, person: Resident, mix: Mix, supporters: list[str]) -> Identity:
    """Return the record that one office writes about a person."""
    given, family = _given(drawn, person.given, mix), _heard(drawn, person.family, mix)
    if "-" in family and drawn.random() < mix.dropped:
        family = drawn.choice(family.split("-"))
    if drawn.random() < mix.swapped:
        given, family = family, given
    blank = [drawn.random() < share for share in mix.blank]
    phone = drawn.choice(supporters) if drawn.random() < mix.supporter else person.phone
    local = f"{plain(person.given)[:1]}.{plain(person.family).replace(' ', '')}.{person.number}"
    return Identity(
        "",
        given,
        "" if blank[0] else family,
        born="" if blank[1] else _day(drawn, person.born, mix),
        postcode="" if blank[2] else _postcode(drawn, person.home.postcode, mix),
        phone="" if blank[3] else _typed(drawn, phone, mix, DIGITS),
        email="" if blank[4] else f"{local}@example.org",
        street="" if blank[5] else _typed(drawn, person.home.street, mix, LETTERS),
        town="" if blank[5] else _typed(drawn, person.home.town, mix, LETTERS),
    )


def _given(drawn: random.Random, given: str, mix: Mix) -> str:
    first, *more = given.split(" ")
    if drawn.random() < mix.short:
        known = sorted(called(plain(first)))
        first = drawn.choice(known).title() if known and drawn.random() < 0.6 else first[:3] + drawn.choice(["", "ie"])
    elif drawn.random() < mix.initial:
        first = first[:1]
    if more and drawn.random() < mix.dropped:
        # An office that writes one of two names writes the first, or the one that the person is known by.
        return _heard(drawn, first if drawn.random() < 0.85 else more[-1], mix)
    return _heard(drawn, " ".join([first, *more]), mix)


def _heard(drawn: random.Random, name: str, mix: Mix) -> str:
    """Return a name as an office hears and types it."""
    if drawn.random() < mix.misheard:
        lower = name.lower()
        fits = [(a, b) for one, other in SPELLINGS for a, b in ((one, other), (other, one)) if a in lower]
        for a, b in drawn.sample(fits, min(len(fits), drawn.randint(1, 2))):
            lower = lower.replace(a, b, 1)
        name = lower.title()
    return _typed(drawn, name, mix, LETTERS)


def _typed(drawn: random.Random, text: str, mix: Mix, letters: str) -> str:
    return slipped(drawn, text, letters) if drawn.random() < mix.typed else text


def _day(drawn: random.Random, born: date, mix: Mix) -> str:
    if drawn.random() < mix.day_guessed:
        guessed = born.year + drawn.choice([0, 0, 0, -1, 1])
        return drawn.choice([f"{guessed}", f"{guessed}0101"])
    if born.day <= 12 and drawn.random() < mix.day_swapped * 2:
        return f"{born:%Y%d%m}"
    if drawn.random() < mix.day_slipped:
        return slipped(drawn, f"{born:%Y%m%d}", DIGITS)[:8].ljust(8, "1")
    return f"{born:%Y%m%d}"


def _postcode(drawn: random.Random, postcode: str, mix: Mix) -> str:
    if drawn.random() < mix.outcode:
        return postcode[:-3]
    return _typed(drawn, postcode, mix, DIGITS).upper()
