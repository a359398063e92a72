"""The identity that a record states, prepared for comparison, and the keys by which its candidates are found."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations

from matching.people.names import full_names, plain, sound

DIGITS_OF_A_DAY, DIGITS_OF_A_YEAR = 8, 4
INWARD = 3
MOST_OTHERS = 4  # further telephone numbers and e-mail addresses by which a person is found
SHORTEST_STREET = 6
MOST_WORDS = 2  # of the given names and of the family names, from which keys are made
BEGINNING = 3  # letters at the beginning of a word
UNKNOWN_DAY = "0101"  # 1 January, which offices enter for people whose birthday is not known
# Letters that are heard in many ways, or not at all.
WITHOUT_VOWELS = str.maketrans("", "", "aeiouhyw")
CONSONANTS, BOTH = 4, 2


@dataclass(frozen=True)
class Identity:
    """The identity of a person as one source states it. An empty field means not known.

    Parameters
    ----------
    key : str
        The caller's identifier for the record.
    given, family, known_as : str
        Names as written.
    born : str
        Date of birth as eight digits, year first, or the year alone as four digits. A date in another form counts as
        not known.
    postcode : str
        Without spaces, in capitals.
    phone, email : str
        In the form that is compared: a number in international form, with " ext " and its extension if it has one; an
        e-mail address in lower case.
    street, town : str
        As written.
    identifiers : mapping of str to str
        By kind (such as National Insurance number): the keyed hash of an identifier that only one person has.
    others : tuple of (str, str)
        Further telephone numbers and e-mail addresses, as ("phone", number) and ("email", address). The person is found
        by them, but they are not compared.
    former : tuple of (str, str)
        Given and family names that the person had before. The person is found by them; ``as_named`` has an identity to
        compare for each.

    Examples
    --------
    >>> Identity("1", "Amina", "Begum", born="20020526", postcode="NW95QN").names
    ('amina', 'begum')
    """

    key: str
    given: str = ""
    family: str = ""
    known_as: str = ""
    born: str = ""
    postcode: str = ""
    phone: str = ""
    email: str = ""
    street: str = ""
    town: str = ""
    identifiers: Mapping[str, str] = field(default_factory=dict)
    others: tuple[tuple[str, str], ...] = ()
    former: tuple[tuple[str, str], ...] = ()

    @cached_property
    def names(self) -> tuple[str, str]:
        """The given and the family name, as ``plain`` returns them."""
        return plain(self.given), plain(self.family)

    @property
    def as_named(self) -> "list[Identity]":
        """The identity, then the same identity under each of its former names."""
        return [self, *(replace(self, given=given, family=family, former=()) for given, family in self.former)]

    @cached_property
    def also(self) -> str:
        """The known-as name, as ``plain`` returns it."""
        return plain(self.known_as)

    @cached_property
    def day(self) -> str:
        """The date of birth as eight digits. Empty if it is not known."""
        return self.born if len(self.born) == DIGITS_OF_A_DAY and self.born.isdigit() else ""

    @cached_property
    def year(self) -> str:
        """The year of birth as four digits. Empty if it is not known."""
        is_year = len(self.born) == DIGITS_OF_A_YEAR and self.born.isdigit()
        return self.born if is_year else self.day[:DIGITS_OF_A_YEAR]

    @cached_property
    def address(self) -> str:
        """The house and street, as ``plain`` returns them."""
        return plain(self.street)

    @cached_property
    def place(self) -> str:
        """The town, as ``plain`` returns it."""
        return plain(self.town)


def keys_of(person: Identity) -> list[str]:
    """Return the keys by which candidates for a record are found: two records that share any key may be compared.

    A key that few records share is a good one, so keys of many records are left out where keys are read. Narrow keys
    combine several fields, and find people of common names among a million. Wide keys, such as one word of a name with
    the year of birth, find the others if all else has changed.

    Parameters
    ----------
    person : Identity

    Returns
    -------
    list of str
        Each key begins with the names of the fields from which it is made.

    Examples
    --------
    >>> keys_of(Identity("1", "Amina", "Begum", born="20020526"))[:5]
    ['names+year:bgm|mn|2002', 'names+birthday:bgm|mn|0526', 'day+b:20020526', 'day+m:20020526', 'word+year:bgm|2002']
    """
    keys = [f"{name}:{value}" for name, value in person.others[:MOST_OTHERS]]
    keys += dict.fromkeys(key for named in person.as_named for key in (*_narrow(named), *_wide(named)))
    return keys + [f"{kind}:{value}" for kind, value in sorted(person.identifiers.items()) if value]


def _narrow(person: Identity) -> list[str]:
    """Return the keys that are made from contact details and address, and from whole names with one more field."""
    given, family = sound(person.given).split(), sound(person.family).split()
    initials = sorted({name[0] for names in (given, family) for name in names[:1] + names[-1:]})
    both = "|".join(sorted((given[0], family[-1]))) if given and family else ""
    day = _either_way(person)
    shaped = {
        "phone": person.phone,
        "email": person.email,
        "switchboard": " ext " in person.phone and person.phone.partition(" ext ")[0],
        "names+year": person.year and both and f"{both}|{person.year}",
        "names+birthday": day and both and f"{both}|{person.day[DIGITS_OF_A_YEAR:]}",
        "names+place": both and person.postcode and f"{both}|{person.postcode[:-INWARD] or person.postcode}",
        "street": len(person.address) > SHORTEST_STREET and person.address,
        "names+town": both and person.place and f"{both}|{sound(person.place)}",
        "town+day": person.place and person.day and f"{sound(person.place)}|{person.day}",
    }
    for initial in initials:
        shaped |= {f"day+{initial}": day, f"postcode+{initial}": person.postcode}
    return [f"{name}:{key}" for name, key in shaped.items() if key]


def _wide(person: Identity) -> list[str]:
    """Return the keys that are made from any word of a name and part of a date or a place."""
    words, full, _ = _words(person)
    sector = person.postcode[:-2] if len(person.postcode) > INWARD + 1 else ""
    keys = [f"word+year:{word}|{person.year}" for word in sorted({*words, *full.values()}) if person.year]
    return keys + [f"word+sector:{word}|{sector}" for word in words if sector]


def weak_keys_of(person: Identity) -> list[str]:
    """Return the keys that say something only among many records: made from little more than a name, or a birthday.

    Two people of one name who are recorded among a dozen may be two people. If two of a thousand have it, it is rare.

    Parameters
    ----------
    person : Identity

    Returns
    -------
    list of str

    Examples
    --------
    >>> weak_keys_of(Identity("1", "Bob", "Begum"))
    ['words:b|bgm', 'words:bgm|rbrt', 'letters:beg|bob', 'consonants:bb|bgm']
    """
    return list(dict.fromkeys(key for named in person.as_named for key in _weak(named)))


def _weak(person: Identity) -> list[str]:
    words, full, begun = _words(person)
    pairs = {*combinations(words, 2), *((full[one], other) for one in full for other in words if other != one)}
    keys = [f"words:{one}|{other}" for one, other in sorted({(min(pair), max(pair)) for pair in pairs})]
    keys += [f"letters:{one}|{other}" for one, other in combinations(begun, 2)]
    keys += [f"letters+year:{word}|{person.year}" for word in begun if person.year]
    day = _either_way(person)
    keys += [f"word+birthday:{word}|{day[DIGITS_OF_A_YEAR:]}" for word in words if day]
    keys += [f"word+town:{word}|{sound(person.place)}" for word in words if person.place]
    keys += [f"word+decade:{word}|{person.year[:-1]}" for word in words if person.year]
    keys += [f"consonants:{both}" for both in _consonants(person)]
    # Two digits of a date are often swapped: 1994 0428 and 1940 4281 have the same digits.
    keys += [f"digits+{word[0]}:{''.join(sorted(day))}" for word in begun if day]
    return keys + [f"day:{day}" for day in [day] if day]


def _consonants(person: Identity) -> list[str]:
    """Return the first four consonants of the given and of the family name, which stay when vowels are misheard."""
    names = [*plain(person.given).split()[:1], *plain(person.family).split()[-1:]]
    heard = [name.translate(WITHOUT_VOWELS)[:CONSONANTS] for name in names]
    return ["|".join(sorted(heard))] if len(heard) == BOTH and all(heard) else []


def _words(person: Identity) -> tuple[list[str], dict[str, str], list[str]]:
    """Return the sounds of the words of a name, the sound of a full name by that of its short form, and beginnings."""
    written = [*plain(person.given).split()[:MOST_WORDS], *person.also.split()[:1]]
    written += plain(person.family).split()[-MOST_WORDS:]
    full = {sound(word): sound(name) for word in written for name in full_names(word)[:1]}
    begun = sorted({word[:BEGINNING] for word in written if len(word) >= BEGINNING})
    return sorted({sound(word) for word in written}), full, begun


def _either_way(person: Identity) -> str:
    """Return the date of birth, the same if day and month are swapped. Empty for 1 January, often not the birthday."""
    year, month, day = person.day[:4], person.day[4:6], person.day[6:]
    return "" if person.day[4:] in ("", UNKNOWN_DAY) else year + "".join(sorted((month, day)))
