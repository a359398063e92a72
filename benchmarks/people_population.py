"""Make up a town of people, and the records that several offices write about them.

The town has couples, twins, hostels and many births on 1 January; the records have typing mistakes. Names come from
Faker's lists: British names by frequency, and names of other countries. All people are made up; identifiers, phone
numbers and addresses are in reserved ranges.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from importlib import import_module
from itertools import accumulate
from typing import Any

from matching.people.identity import Identity
from matching.people.names import called, plain

# The percentage of people with names from each list. The British list has frequencies; in the other lists, a name at
# rank r has a weight of 1 / (r + 4).
LISTS = {"en_GB": 62, "en_IN": 12, "en_PK": 8, "yo_NG": 5, "tw_GH": 3, "ro_RO": 4, "tr_TR": 3, "es_ES": 3}
YOUNGEST, OLDEST = date(1961, 1, 1), date(2009, 12, 31)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
INWARD = "ABDEFGHJLNPQRSTUWXYZ"
OUTWARDS = ("N", "NW", "E", "EN", "HA", "W", "SE", "SW")
PEOPLE_A_POSTCODE = 30
HOSTEL = 14  # people


@dataclass(frozen=True, slots=True)
class SyntheticPerson:
    """A made-up person with their true details; records about the person may have mistakes."""

    number: int
    given: str
    family: str
    born: date
    postcode: str
    phone: str
    email: str
    nino: str


@lru_cache
def _names(country: str) -> tuple[list[str], list[float], list[str], list[float]]:
    """Return a country's given names, their cumulative weights, its family names, and their cumulative weights."""
    provider: Any = import_module(f"faker.providers.person.{country}").Provider
    lists: list[Any] = []
    for names in (provider.first_names, provider.last_names):
        if hasattr(names, "items"):
            listed, weights = list(names), [float(weight) for weight in names.values()]
        else:
            listed = list(dict.fromkeys(names))
            random.Random(country).shuffle(listed)  # the lists are in alphabetical order
            weights = [1 / (rank + 4) for rank in range(len(listed))]
        lists += [listed, list(accumulate(weights))]
    return tuple(lists)


def drawn_name(drawn: random.Random, country: str) -> tuple[str, str]:
    """Return a given and a family name of a country, drawn as often as its list has them."""
    given, given_weights, family, family_weights = _names(country)
    return (
        drawn.choices(given, cum_weights=given_weights)[0],
        drawn.choices(family, cum_weights=family_weights)[0],
    )


def people(count: int, seed: int = 0) -> Iterator[SyntheticPerson]:
    """Yield made-up people, household by household."""
    drawn = random.Random(seed)
    countries, shares = list(LISTS), list(accumulate(LISTS.values()))
    postcodes = max(4, count // PEOPLE_A_POSTCODE)
    made = 0
    while made < count:
        country = drawn.choices(countries, cum_weights=shares)[0]
        chance = drawn.random()
        size = 2 if chance < 0.12 else HOSTEL if chance < 0.124 else 1
        kind = "twins" if size == 2 and drawn.random() < 0.15 else "couple" if size == 2 else "hostel"
        home = postcode_of(drawn.randrange(postcodes))
        first = _person(drawn, made, country, home)
        for n in range(min(size, count - made)):
            person = first if n == 0 else _person(drawn, made, country, home)
            if n and kind == "twins":
                person = replace(person, family=first.family, born=first.born, phone=first.phone)
                if person.given == first.given:
                    person = replace(person, given=f"{person.given[:1]}{person.given[1:][::-1]}".title())
            elif n and kind == "couple":
                person = replace(person, family=first.family if drawn.random() < 0.7 else person.family)
                person = replace(person, phone=first.phone, email=first.email if drawn.random() < 0.6 else person.email)
            elif n:
                person = replace(person, phone=first.phone, email=first.email)
            yield person
            made += 1


def postcode_of(number: int) -> str:
    """Return the made-up postcode with a number."""
    sector, unit = divmod(number, len(INWARD) ** 2)
    area, digits = OUTWARDS[sector % len(OUTWARDS)], sector // len(OUTWARDS)
    return f"{area}{digits // 10 % 99 + 1}{digits % 10}{INWARD[unit // len(INWARD)]}{INWARD[unit % len(INWARD)]}"


def _person(drawn: random.Random, number: int, country: str, home: str) -> SyntheticPerson:
    _, _, family, family_weights = _names(country)
    given_name, family_name = drawn_name(drawn, country)
    born = YOUNGEST + timedelta(days=drawn.randrange((OLDEST - YOUNGEST).days))
    if country in {"en_PK", "tr_TR", "yo_NG"} and drawn.random() < 0.25:
        born = born.replace(month=1, day=1)
    if drawn.random() < 0.03:
        family_name = f"{family_name}-{drawn.choices(family, cum_weights=family_weights)[0]}"
    phone = f"+4477{drawn.randrange(10**8):08d}"
    email = f"{plain(given_name)[:1] or 'x'}.{plain(family_name).replace(' ', '')}{number % 97}.{number}@example.org"
    nino = f"QQ{number % 10**6:06d}{'ABCD'[number // 10**6 % 4]}"
    return SyntheticPerson(number, given_name, family_name, born, home, phone, email, nino)


def slipped(drawn: random.Random, text: str, letters: str = LETTERS) -> str:
    """Return a text with one typing mistake: letters swapped, or a letter dropped, added or replaced."""
    if len(text) < 2:
        return text
    i = drawn.randrange(len(text) - 1)
    kind = drawn.randrange(4)
    if kind == 0:
        return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    if kind == 1:
        return text[:i] + text[i + 1 :]
    if kind == 2:
        return text[:i] + drawn.choice(letters) + text[i:]
    return text[:i] + drawn.choice(letters) + text[i + 1 :]


def office_record(drawn: random.Random, person: SyntheticPerson, key: str) -> Identity:
    """Return the record that one office writes about a person. Details may be blank, wrong or out of date."""
    chance = drawn.random
    given, family = _names_written(drawn, person)
    return Identity(
        key,
        given,
        family if chance() > 0.01 else "",
        born=_birthday_written(drawn, person.born) if chance() > 0.04 else "",
        postcode=_postcode_written(drawn, person.postcode) if chance() > 0.12 else "",
        phone=_phone_written(drawn, person.phone) if chance() > 0.15 else "",
        email=person.email if chance() > 0.45 else "",
    )


def _names_written(drawn: random.Random, person: SyntheticPerson) -> tuple[str, str]:
    given, family, chance = person.given, person.family, drawn.random
    if chance() < 0.06:
        short = sorted(called(plain(given).split(" ")[0]))
        given = drawn.choice(short).title() if short else given
    if chance() < 0.05:
        given = slipped(drawn, given)
    if chance() < 0.06:
        family = slipped(drawn, family)
    if "-" in family and chance() < 0.5:
        family = drawn.choice(family.split("-"))
    if chance() < 0.02:
        family = drawn.choices(_names("en_GB")[2], cum_weights=_names("en_GB")[3])[0]  # the name changed on marriage
    return (family, given) if chance() < 0.015 else (given, family)


def _birthday_written(drawn: random.Random, born: date) -> str:
    chance = drawn.random()
    if chance < 0.02 and born.day <= 12:
        return f"{born:%Y%d%m}"
    if chance < 0.05:
        return slipped(drawn, f"{born:%Y%m%d}", "0123456789")[:8].ljust(8, "1")
    return f"{born:%Y%m%d}"


def _postcode_written(drawn: random.Random, postcode: str) -> str:
    chance = drawn.random()
    if chance < 0.18:
        return postcode_of(drawn.randrange(5_000))  # the person has moved
    return slipped(drawn, postcode.lower(), LETTERS + "0123456789").upper() if chance < 0.2 else postcode


def _phone_written(drawn: random.Random, phone: str) -> str:
    chance = drawn.random()
    if chance < 0.3:
        return f"+4477{drawn.randrange(10**8):08d}"
    return phone[:3] + slipped(drawn, phone[3:], "0123456789") if chance < 0.32 else phone


def twice(count: int, share: float = 0.3, seed: int = 0) -> tuple[list[Identity], list[int]]:
    """Return made-up records, and the number of each one's person. A proportion of people (``share``) has two."""
    drawn = random.Random(seed + 1)
    records: list[Identity] = []
    numbers: list[int] = []
    for person in people(count, seed):
        for _ in range(2 if drawn.random() < share else 1):
            records.append(office_record(drawn, person, str(len(records))))
            numbers.append(person.number)
    return records, numbers


def true_pairs(numbers: Sequence[int]) -> set[tuple[int, int]]:
    """Return the pairs of positions whose records are about the same person."""
    rows_of: dict[int, list[int]] = {}
    for row, number in enumerate(numbers):
        rows_of.setdefault(number, []).append(row)
    return {(a, b) for rows in rows_of.values() for i, a in enumerate(rows) for b in rows[i + 1 :]}
