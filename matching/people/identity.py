"""Who a record says it is about, in the form that is compared, and the keys by which such records are found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from matching.people.names import plain, sound

DIGITS_OF_A_DAY = 8
INWARD = 3
SHORTEST_STREET = 6
UNKNOWN_DAY = "0101"  # what offices write for people who were never told their birthday


@dataclass(frozen=True)
class Identity:
    """What one source says of who somebody is; blank is not known.

    Parameters
    ----------
    key : str
    given, family, known_as : str
        As written.
    born : str
        Eight digits, year first; anything else is not known.
    postcode : str
        Without spaces, in capitals.
    phone, email : str
        As they are compared: a number in its international form, an address in small letters.
    street, town : str
    identifiers : mapping of str to str
        Keyed hashes of what names one person only, by kind.

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

    @cached_property
    def names(self) -> tuple[str, str]:
        """The given and the family name in plain letters."""
        return plain(self.given), plain(self.family)

    @cached_property
    def also(self) -> str:
        """The name they are known by, in plain letters."""
        return plain(self.known_as)

    @cached_property
    def day(self) -> str:
        """The day of birth as eight digits; empty where it is not known."""
        return self.born if len(self.born) == DIGITS_OF_A_DAY and self.born.isdigit() else ""

    @cached_property
    def address(self) -> str:
        """The house and street in plain letters."""
        return plain(self.street)

    @cached_property
    def place(self) -> str:
        """The town in plain letters."""
        return plain(self.town)


def keys_of(who: Identity) -> list[str]:
    """Return the keys by which a record of the same person would be found: any one in common is enough to compare.

    Parameters
    ----------
    who : Identity

    Returns
    -------
    list of str
        Each begins with what it is made of. The last of them need a street or a town.

    Examples
    --------
    >>> keys_of(Identity("1", "Amina", "Begum", born="20020526"))
    ['names+year:bgm|mn|2002', 'names+birthday:bgm|mn|0526', 'day+b:20020526', 'day+m:20020526']
    """
    given, family, day = sound(who.given).split(), sound(who.family).split(), who.day
    initials = sorted({name[0] for names in (given, family) for name in names[:1] + names[-1:]})
    both = "|".join(sorted((given[0], family[-1]))) if given and family else ""
    is_told = day and day[4:] != UNKNOWN_DAY
    shaped = {
        "phone": who.phone,
        "email": who.email,
        "names+year": day and both and f"{both}|{day[:4]}",
        "names+birthday": is_told and both and f"{both}|{day[4:]}",
        "names+place": both and who.postcode and f"{both}|{who.postcode[:-INWARD] or who.postcode}",
        "street": len(who.address) > SHORTEST_STREET and who.address,
        "names+town": both and who.place and f"{both}|{sound(who.place)}",
        "town+day": who.place and day and f"{sound(who.place)}|{day}",
    }
    for initial in initials:
        shaped |= {
            f"day+{initial}": is_told and day,
            f"postcode+{initial}": who.postcode,
        }
    found = [f"{name}:{key}" for name, key in shaped.items() if key]
    return found + [f"{kind}:{value}" for kind, value in sorted(who.identifiers.items()) if value]
