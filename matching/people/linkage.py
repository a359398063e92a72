"""How probable it is that two records are about one person: what each field tells is weighed and told.

References
----------
.. [1] Fellegi, Sunter, "A theory for record linkage", Journal of the American Statistical Association 64, 1969.
.. [2] Winkler, "Frequency-based matching in the Fellegi-Sunter model", U.S. Bureau of the Census, 2000: agreement on a
   rare name tells more than on a common one.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from math import log2
from pathlib import Path
from typing import Any

from matching.people.compare import (
    FIELDS,
    LEVELS,
    TURNED_ALIKE,
    TURNED_SAME,
    UNKNOWN_NAME,
    Born,
    Field,
    Postcode,
    Text,
    compare,
    parts_of,
)
from matching.people.identity import UNKNOWN_DAY, Identity
from matching.people.names import Alike, alike, is_contained

FORMAT = 1


class Kin(StrEnum):
    """What two records may be to each other, beside being of two strangers."""

    PERSON = "person"
    HOUSEHOLD = "household"  # who live, or are helped, at one address: couples, families, hostels
    TWINS = "twins"


SHIPPED = Path(__file__).with_name("shipped.json")
# Without an identifier that agrees, evidence that twins, couples, hostels or an unknown birthday explain as well as one
# person does stops here: a person looks.
MOST_UNSURE = 0.98
# So many records with one telephone or inbox are a family or a support worker; so many with one postcode, which a whole
# street has, a hostel.
SHARED_BY_MANY = {Field.PHONE: 3, Field.EMAIL: 3, Field.POSTCODE: 10}
IDENTIFIER_AGREES, IDENTIFIER_SLIPS, IDENTIFIER_DIFFERS = 18.0, 8.0, -7.0  # bits
IDENTIFIER_TEXT = {
    IDENTIFIER_AGREES: "The same.",
    IDENTIFIER_SLIPS: "One character differs.",
    IDENTIFIER_DIFFERS: "Another one.",
}
LEAST_SHARE = 1e-6
MOST_RARE = 64.0  # a name seen once is not known to be rarer than this times the usual
MOST_BITS = 300.0
TOLD_FROM = 0.5
TOGETHER = "People who live or are helped together have this in common too."


class LinkageRefused(ValueError):
    """Parameters that are not ours, or not as they were saved: said in one sentence."""


@dataclass(frozen=True, slots=True)
class FieldWeight:
    """What one field tells.

    Parameters
    ----------
    field : str
    text : str
        How it agrees or differs, never what it holds.
    bits : float
        For one person where over 0, for two where under; each bit doubles or halves the odds.
    """

    field: str
    text: str
    bits: float


@dataclass(frozen=True, slots=True)
class LinkageVerdict:
    """How probable one person is, and why.

    Parameters
    ----------
    probability : float
    told : tuple of FieldWeight
        By field; what is not known on one side tells nothing and is left out.
    held_back : str
        Why the probability was held below the evidence; empty where it was not.
    """

    probability: float
    told: tuple[FieldWeight, ...]
    held_back: str = ""


@dataclass(frozen=True)
class Linkage:
    """A Fellegi-Sunter model over the levels of ``compare`` [1]_, with two kinds of people who are alike and not one.

    Those who live together agree in address, telephone and often surname, and in nothing else. With strangers alone to
    compare with, that agreement would make a couple one person.

    Parameters
    ----------
    m : mapping of Kin to mapping of Field to sequence of float
        How often each level is seen between records of one person, of a household, of twins.
    u : mapping of Field to sequence of float
        How often between records of two people drawn at random.
    shares : mapping of Kin to float
        How many others of the kind a record has; the prior is that share over how many records there are.
    usual : tuple of (float, float)
        How often two people drawn at random share a given name, and a family name.
    given_shares, family_shares : mapping of str to float
        How common names are; others count as rare as the rarest one told [2]_.
    manifest : mapping
        What it was learnt from.

    Examples
    --------
    >>> model = Linkage.shipped()
    >>> one = Identity("1", "Amina", "Begum", born="20020526", postcode="NW95QN")
    >>> model.verdict(one, Identity("2", "Ameena", "Begum", born="20020526", postcode="NW95QN"), 1000).probability > 0.9
    True
    """

    m: Mapping[Kin, Mapping[Field, tuple[float, ...]]]
    u: Mapping[Field, tuple[float, ...]]
    shares: Mapping[Kin, float]
    usual: tuple[float, float]
    given_shares: Mapping[str, float] = field(default_factory=dict)
    family_shares: Mapping[str, float] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def bits(self) -> dict[Kin, dict[Field, tuple[float, ...]]]:
        """What each level tells for each kind, against two strangers."""
        return {
            kin: {
                name: tuple(
                    0.0 if level == UNKNOWN_OF[name] else log2(m / u)
                    for level, (m, u) in enumerate(zip(shares[name], self.u[name], strict=True))
                )
                for name in FIELDS
            }
            for kin, shares in self.m.items()
        }

    def rarity(self, level: int, one: Identity, known: tuple[float | None, float | None] = (None, None)) -> float:
        """Return how many bits more agreement on these names tells than on usual ones; fewer where they are common.

        Parameters
        ----------
        level : int
        one : Identity
        known : tuple of (float or None, float or None)
            How common the given and the family name are, where that was counted.

        Returns
        -------
        float
        """
        parts = parts_of(level)
        if parts is None:
            return 0.0
        found = 0.0
        for part, name, share, shares, usual in zip(
            parts, one.names, known, (self.given_shares, self.family_shares), self.usual, strict=True
        ):
            if part is Alike.SAME and (share is not None or shares):
                common = share if share is not None else shares.get(name, 0.0)
                found += log2(usual / max(common, LEAST_SHARE, usual / MOST_RARE))
        return found

    def weigh(self, one: Identity, other: Identity, levels: tuple[int, ...], among: float) -> float:
        """Return the bits for one person: what all fields tell, the prior, and what else explains it.

        Parameters
        ----------
        one, other : Identity
        levels : tuple of int
            As ``compare`` gives them.
        among : float
            How many records the other one was found among.

        Returns
        -------
        float
        """
        rarity = self.rarity(levels[0], one)
        found = {
            kin: sum(bits[name][level] for name, level in zip(FIELDS, levels, strict=True)) + rarity
            for kin, bits in self.bits.items()
        }
        told = sum(bits for _, bits in self._identifiers(one, other))
        return found[Kin.PERSON] + told + self.prior(among) - self._explained(found, among)

    def prior(self, among: float) -> float:
        """Return the bits for one person before anything is compared.

        Parameters
        ----------
        among : float

        Returns
        -------
        float
        """
        return log2(min(self.shares[Kin.PERSON] / max(among, 1.0), 0.5))

    def _explained(self, found: Mapping[Kin, float], among: float) -> float:
        """Return by how many bits likelier than of strangers the agreement is of people who are alike and not one."""
        others = sum(
            2.0 ** min(found[kin], MOST_BITS) * min(self.shares[kin] / max(among, 1.0), 0.5)
            for kin in Kin
            if kin is not Kin.PERSON
        )
        return log2(1.0 + others)

    def may_be(
        self,
        one: Identity,
        other: Identity,
        among: float,
        common: tuple[float | None, float | None] = (None, None),
        slips: Collection[str] = (),
    ) -> bool:
        """Return whether ``verdict`` may find one person likelier than two; where not, it surely does not.

        What else explains an agreement, and sharing it with many, only ever tell against one person: they are left out.

        Parameters
        ----------
        one, other : Identity
        among : float
        common : tuple of (float or None, float or None)
        slips : collection of str
            As for ``verdict``.

        Returns
        -------
        bool
        """
        levels = compare(one, other)
        bits = self.bits[Kin.PERSON]
        told = sum(bits[name][level] for name, level in zip(FIELDS, levels, strict=True))
        told += self.rarity(levels[0], one, common) + sum(more for _, more in self._identifiers(one, other, slips))
        return told + self.prior(among) >= 0.0

    def verdict(
        self,
        one: Identity,
        other: Identity,
        among: float,
        shared: Mapping[Field, int] | None = None,
        common: tuple[float | None, float | None] = (None, None),
        slips: Collection[str] = (),
    ) -> LinkageVerdict:
        """Return how probable it is that two records are of one person, and what each field tells.

        Parameters
        ----------
        one, other : Identity
        among : float
            How many records the other one was found among.
        shared : mapping of Field to int
            How many records have the same postcode, phone or e-mail as the first one, where that is known.
        common : tuple of (float or None, float or None)
            How common the given and the family name of the first one are, where that was counted.
        slips : collection of str
            Identifiers that were seen to differ by one character only.

        Returns
        -------
        LinkageVerdict
        """
        levels = compare(one, other)
        counts = shared or {}
        told = []
        found = dict.fromkeys(Kin, 0.0)
        for name, level in zip(FIELDS, levels, strict=True):
            if level == UNKNOWN_OF[name]:
                continue
            bits = {kin: self.bits[kin][name][level] for kin in Kin}
            lift = self.rarity(level, one, common) if name is Field.NAME else 0.0
            if level == SAME_OF.get(name) and counts.get(name, 0) > 1:
                # One of so many who share it: two strangers have it in common oftener than usual.
                lift = min(0.0, log2(max(among, 2.0) / counts[name]) - bits[Kin.PERSON])
            found = {kin: found[kin] + bits[kin] + lift for kin in Kin}
            told.append(FieldWeight(name.value, text_of(name, level), round(bits[Kin.PERSON] + lift, 2)))
        identifiers = self._identifiers(one, other, slips)
        told += [FieldWeight(kind, IDENTIFIER_TEXT[bits], bits) for kind, bits in identifiers]
        explained = self._explained(found, among)
        if explained >= TOLD_FROM:
            told.append(FieldWeight("household", TOGETHER, round(-explained, 2)))
        sum_of_all = found[Kin.PERSON] + sum(bits for _, bits in identifiers) + self.prior(among) - explained
        found_at = probability(sum_of_all)
        is_sure = any(bits == IDENTIFIER_AGREES for _, bits in identifiers)
        why = "" if is_sure else held_back(one, other, levels, counts)
        if any(bits < 0 for _, bits in identifiers):
            why = "An identifier differs: one of the two is wrong, or they are two people."
        held = why if found_at > MOST_UNSURE else ""
        return LinkageVerdict(min(found_at, MOST_UNSURE) if why else found_at, tuple(told), held)

    @staticmethod
    def _identifiers(one: Identity, other: Identity, slips: Collection[str] = ()) -> list[tuple[str, float]]:
        told = []
        for kind, value in sorted(one.identifiers.items()):
            theirs = other.identifiers.get(kind)
            if value and theirs:
                differs = IDENTIFIER_SLIPS if kind in slips else IDENTIFIER_DIFFERS
                told.append((kind, IDENTIFIER_AGREES if value == theirs else differs))
        return told

    def saved(self) -> bytes:
        """Return the parameters as bytes to keep: JSON under a hash, so nothing in it can run.

        Returns
        -------
        bytes
        """
        told = {
            "m": {kin.value: {name.value: list(self.m[kin][name]) for name in FIELDS} for kin in Kin},
            "u": {name.value: list(self.u[name]) for name in FIELDS},
            "shares": {kin.value: self.shares[kin] for kin in Kin},
            "usual": list(self.usual),
            "given_shares": dict(sorted(self.given_shares.items())),
            "family_shares": dict(sorted(self.family_shares.items())),
            "manifest": dict(self.manifest),
        }
        return json.dumps({"format": FORMAT, "sha256": _hash(told), **told}, indent=1).encode()

    @classmethod
    def read(cls, kept: bytes) -> "Linkage":
        """Return parameters as they were saved.

        Parameters
        ----------
        kept : bytes

        Returns
        -------
        Linkage

        Raises
        ------
        LinkageRefused
        """
        try:
            told = json.loads(kept)
            if told.pop("format") != FORMAT or told.pop("sha256") != _hash(told):
                raise LinkageRefused("These parameters are of another kind, or were changed since they were saved.")
            m = {kin: _by_field(told["m"][kin.value]) for kin in Kin}
            u = _by_field(told["u"])
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            if isinstance(wrong, LinkageRefused):
                raise
            raise LinkageRefused("This is not a file of linkage parameters.") from wrong
        if any(len(each[name]) != LEVELS[name] for each in (*m.values(), u) for name in FIELDS):
            raise LinkageRefused("These parameters are of other comparisons than this version makes.")
        shares = {kin: float(told["shares"][kin.value]) for kin in Kin}
        names = {name: told[name] for name in ("given_shares", "family_shares")}
        return cls(m, u, shares, tuple(told["usual"]), **names, manifest=told["manifest"])

    @classmethod
    def shipped(cls) -> "Linkage":
        """Return the parameters that come with the package.

        Returns
        -------
        Linkage
        """
        return cls.read(SHIPPED.read_bytes())


def probability(bits: float) -> float:
    """Return the probability that so many bits stand for.

    Parameters
    ----------
    bits : float
        Logarithm of the odds, to base 2.

    Returns
    -------
    float

    Examples
    --------
    >>> probability(0.0), probability(1000.0)
    (0.5, 1.0)
    """
    return 1.0 / (1.0 + float(2.0 ** min(-bits, MOST_BITS)))


def _by_field(told: Mapping[str, Any]) -> dict[Field, tuple[float, ...]]:
    return {name: tuple(map(float, told[name.value])) for name in FIELDS}


def _hash(told: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


UNKNOWN_OF = dict.fromkeys(FIELDS, 1) | {Field.NAME: UNKNOWN_NAME}
SAME_OF: dict[Field, int] = {Field.POSTCODE: Postcode.UNIT, Field.PHONE: Text.SAME, Field.EMAIL: Text.SAME}


def held_back(one: Identity, other: Identity, levels: tuple[int, ...], shared: Mapping[Field, int]) -> str:
    """Return why two records without an identifier that agrees are for a person to look at; empty where they are not.

    Parameters
    ----------
    one, other : Identity
    levels : tuple of int
    shared : mapping of Field to int

    Returns
    -------
    str

    Examples
    --------
    >>> twins = Identity("1", "Hasan", "Ali", born="20020526"), Identity("2", "Hussein", "Ali", born="20020526")
    >>> held_back(*twins, compare(*twins), {})
    'Their given names are not surely the same: twins share all the rest.'
    """
    of = dict(zip(FIELDS, levels, strict=True))
    parts = parts_of(of[Field.NAME])
    if of[Field.BORN] != Born.SAME:
        if UNKNOWN_DAY in (one.day[4:], other.day[4:]):
            return "1 January is what offices write for people whose birthday nobody knows."
        return "The day of birth does not surely agree."
    turned = alike(one.names[0], other.names[1]), alike(one.names[1], other.names[0])
    is_same = parts[0] is Alike.SAME if parts is not None else min(turned) is Alike.SAME
    if not is_same and not (parts is not None and is_contained(one.names[0], other.names[0])):
        return "Their given names are not surely the same: twins share all the rest."
    close = [name for name, level in SAME_OF.items() if of[name] == level]
    if not any(shared.get(name, 0) < SHARED_BY_MANY[name] for name in close):
        return "Nothing but name and birthday agrees that few people share."
    return ""


ALIKE_TEXT = {
    Alike.SAME: "the same",
    Alike.VARIANT: "a form of the same",
    Alike.CLOSE: "close",
    Alike.OTHER: "another",
    Alike.UNKNOWN: "not told on one side",
}
BORN_TEXT = {
    Born.SAME: "The same day.",
    Born.SWAPPED: "Day and month the other way round.",
    Born.SLIP: "One digit differs.",
    Born.PARTS: "Nearly the same day.",
    Born.FIRST_OF_JANUARY: "The same year; 1 January may stand for a day nobody knows.",
    Born.YEAR: "The same year.",
    Born.OTHER: "Another day.",
}
POSTCODE_TEXT = {
    Postcode.UNIT: "The same.",
    Postcode.SECTOR: "Streets apart.",
    Postcode.SLIP: "One letter differs.",
    Postcode.OUTCODE: "The same district.",
    Postcode.OTHER: "Another district.",
}
TEXT_TEXT = {
    Text.SAME: "The same.",
    Text.SLIP: "One character differs.",
    Text.PART: "Part of it agrees.",
    Text.OTHER: "Another one.",
}
TEXTS: dict[Field, Mapping[Any, str]] = {Field.BORN: BORN_TEXT, Field.POSTCODE: POSTCODE_TEXT}


def text_of(name: Field, level: int) -> str:
    """Return how a field agrees or differs, in words that hold nothing of it.

    Parameters
    ----------
    name : Field
    level : int

    Returns
    -------
    str

    Examples
    --------
    >>> text_of(Field.BORN, Born.SLIP)
    'One digit differs.'
    """
    if name is not Field.NAME:
        return TEXTS.get(name, TEXT_TEXT)[level]
    if level == TURNED_SAME:
        return "Given and family name the other way round."
    if level == TURNED_ALIKE:
        return "Given and family name perhaps the other way round."
    given, family = divmod(level, 5)
    return f"Given name {ALIKE_TEXT[Alike(given)]}, family name {ALIKE_TEXT[Alike(family)]}."
