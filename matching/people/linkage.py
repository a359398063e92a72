"""The probability that two records are about one person, and how much the evidence of each field weighs.

References
----------
.. [1] Fellegi, Sunter, "A theory for record linkage", Journal of the American Statistical Association 64, 1969.
.. [2] Winkler, "Frequency-based matching in the Fellegi-Sunter model", U.S. Bureau of the Census, 2000: agreement on a
   rare name is stronger evidence than agreement on a common name.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
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
from matching.people.doubtful import is_doubtful
from matching.people.identity import UNKNOWN_DAY, Identity
from matching.people.names import Alike, alike, is_contained

FORMAT = 1


class Kin(StrEnum):
    """How the people of two records are related, unless they are strangers."""

    PERSON = "person"
    HOUSEHOLD = "household"  # people who live or are supported at one address: couples, families, hostels
    TWINS = "twins"


SHIPPED = Path(__file__).with_name("shipped.json")
# The highest probability that is returned if no identifier agrees, and twins, a couple, a hostel or an unknown birthday
# could explain the evidence as well as one person could. A human must then decide.
MOST_UNSURE = 0.98
# The least probability if family name and day of birth agree, and the given names may be one name badly heard or spelt.
# It is below what the fields alone say of twins, but a restricted person's protection must not hang on a spelling.
LEAST_DOUBTFUL = 0.5
DOUBTFUL = (
    "The given names begin or sound alike, and family name and date of birth agree. Twins may agree on these too."
)
# The least probability too if an identifier agrees, whatever else differs: names are changed, and numbers are mixed up.
SAME_NUMBER = "An NI or NHS number agrees and other details do not. Either it is one person, or a number is wrong."
# A telephone number or e-mail address in this many records belongs to a family or a support worker. A postcode belongs
# to a whole street, so only a postcode in this many records belongs to a hostel.
SHARED_BY_MANY = {Field.PHONE: 3, Field.EMAIL: 3, Field.POSTCODE: 10}
# An identifier in this many records is no person's own: somebody made it up, or it is an office's.
IDENTIFIER_SHARED = 5
IDENTIFIER_AGREES, IDENTIFIER_SLIPS, IDENTIFIER_DIFFERS = 18.0, 8.0, -7.0  # evidence, in bits
IDENTIFIER_TEXT = {
    IDENTIFIER_AGREES: "The same.",
    IDENTIFIER_SLIPS: "One character differs.",
    IDENTIFIER_DIFFERS: "Different.",
}
SHARED_TEXT = "The same, but so many records have it that it may belong to nobody."
LEAST_SHARE = 1e-6
MOST_RARE = 64.0  # a name seen once may count as at most this many times rarer than a usual name
MOST_BITS = 300.0
LEAST_MENTIONED = 0.5  # in bits: a smaller effect of shared households is not mentioned
TOGETHER = "Two people who live together, or are supported at one address, could also agree on these details."


class LinkageRefused(ValueError):
    """A file of linkage parameters cannot be read: wrong format, wrong version, or changed after it was saved."""


@dataclass(frozen=True, slots=True)
class FieldWeight:
    """The evidence of one field.

    Parameters
    ----------
    field : str
    text : str
        How the field agrees or differs. The text never contains the value of the field.
    bits : float
        Above 0 if the evidence is for one person, below 0 if for two people. Each bit doubles or halves the odds.
    """

    field: str
    text: str
    bits: float


@dataclass(frozen=True, slots=True)
class LinkageVerdict:
    """The probability that two records are about one person, and the evidence.

    Parameters
    ----------
    probability : float
    told : tuple of FieldWeight
        The evidence of each field. A field that is not known in one record is left out.
    held_back : str
        Why the probability was limited to ``MOST_UNSURE`` or raised to ``LEAST_DOUBTFUL``. Empty if it was neither.
    """

    probability: float
    told: tuple[FieldWeight, ...]
    held_back: str = ""


@dataclass(frozen=True)
class Linkage:
    """A Fellegi-Sunter model over the levels of ``compare`` [1]_, which also allows for households and twins.

    People who live together share an address, a telephone and often a surname, and nothing else. A model that only
    distinguishes one person from two strangers would mistake a couple for one person.

    Parameters
    ----------
    m : mapping of Kin to mapping of Field to sequence of float
        The share of each level among pairs of records of each kind: one person, a household, twins.
    u : mapping of Field to sequence of float
        The share of each level among pairs of records of two people chosen at random.
    shares : mapping of Kin to float
        For each kind, the mean number of other records that are related in this way to a record. The prior is this
        mean divided by the number of records.
    usual : tuple of (float, float)
        The probabilities that two people chosen at random share a given name, and share a family name.
    given_shares, family_shares : mapping of str to float
        The share of records with each name. A name that is not listed counts as the rarest possible [2]_.
    manifest : mapping
        What the parameters were learnt from.

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
        """For each kind, field and level: the evidence, in bits, for this kind of pair against a pair of strangers."""
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

    def rarity(self, level: int, first: Identity, known: tuple[float | None, float | None] = (None, None)) -> float:
        """Return the extra evidence, in bits, of agreement on a name: above 0 for rare names, below 0 for common names.

        Parameters
        ----------
        level : int
            The name level, as ``compare`` returns it.
        first : Identity
        known : tuple of (float or None, float or None)
            The share of records with the given name and with the family name, if the caller has counted them.

        Returns
        -------
        float
        """
        parts = parts_of(level)
        if parts is None:
            return 0.0
        total = 0.0
        for part, name, share, shares, usual in zip(
            parts, first.names, known, (self.given_shares, self.family_shares), self.usual, strict=True
        ):
            if part is Alike.SAME and (share is not None or shares):
                common = share if share is not None else shares.get(name, 0.0)
                total += log2(usual / max(common, LEAST_SHARE, usual / MOST_RARE))
        return total

    def weigh(self, first: Identity, second: Identity, levels: tuple[int, ...], among: float) -> float:
        """Return the evidence for one person, in bits: fields, identifiers, prior, less that for a household or twins.

        Parameters
        ----------
        first, second : Identity
        levels : tuple of int
            As ``compare`` returns them.
        among : float
            The number of records among which the second record was found.

        Returns
        -------
        float
        """
        rarity = self.rarity(levels[0], first)
        totals = {
            kin: sum(bits[name][level] for name, level in zip(FIELDS, levels, strict=True)) + rarity
            for kin, bits in self.bits.items()
        }
        identifiers = sum(bits for _, bits in self._identifiers(first, second))
        return totals[Kin.PERSON] + identifiers + self.prior(among) - self._explained(totals, among)

    def prior(self, among: float) -> float:
        """Return the evidence for one person before any field is compared, in bits. It is usually negative.

        Parameters
        ----------
        among : float
            The number of records that were searched.

        Returns
        -------
        float
        """
        return log2(min(self.shares[Kin.PERSON] / max(among, 1.0), 0.5))

    def _explained(self, totals: Mapping[Kin, float], among: float) -> float:
        """Return the evidence to subtract, in bits, because a household or twins could explain the agreement."""
        others = sum(
            2.0 ** min(totals[kin], MOST_BITS) * min(self.shares[kin] / max(among, 1.0), 0.5)
            for kin in Kin
            if kin is not Kin.PERSON
        )
        return log2(1.0 + others)

    def may_be(
        self,
        first: Identity,
        second: Identity,
        among: float,
        common: tuple[float | None, float | None] = (None, None),
        slips: Collection[str] = (),
    ) -> bool:
        """Return whether ``verdict`` could return a probability of at least one half. False means that it cannot.

        This test is faster than ``verdict``. It ignores two effects that can only lower the probability: the evidence
        for a household or twins, and details that many records share.

        Parameters
        ----------
        first, second : Identity
        among : float
        common : tuple of (float or None, float or None)
        slips : collection of str
            As in ``verdict``.

        Returns
        -------
        bool
        """
        levels = compare(first, second)
        bits = self.bits[Kin.PERSON]
        total = sum(bits[name][level] for name, level in zip(FIELDS, levels, strict=True))
        total += self.rarity(levels[0], first, common) + sum(
            extra for _, extra in self._identifiers(first, second, slips)
        )
        if total + self.prior(among) >= 0.0 or is_doubtful(first, second, levels):
            return True
        return _is_one_number([bits for _, bits in self._identifiers(first, second, slips)])

    def verdict(
        self,
        first: Identity,
        second: Identity,
        among: float,
        shared: Mapping[str, int] | None = None,
        common: tuple[float | None, float | None] = (None, None),
        slips: Collection[str] = (),
    ) -> LinkageVerdict:
        """Return the probability that two records are about one person, and the evidence of each field.

        Parameters
        ----------
        first, second : Identity
        among : float
            The number of records among which the second record was found.
        shared : mapping of str to int
            The number of different people with the same postcode, phone or e-mail as the first record, and of records
            with the same identifier, if counted, by field or kind of identifier. From ``SHARED_BY_MANY`` people a
            detail is no evidence.
        common : tuple of (float or None, float or None)
            The shares of records with the given and with the family name of the first record, if counted by the caller.
        slips : collection of str
            Kinds of identifier that differ by one character only.

        Returns
        -------
        LinkageVerdict
        """
        levels = compare(first, second)
        counts = shared or {}
        weights = []
        totals = dict.fromkeys(Kin, 0.0)
        for name, level in zip(FIELDS, levels, strict=True):
            if level == UNKNOWN_OF[name]:
                continue
            bits = {kin: self.bits[kin][name][level] for kin in Kin}
            lift = self.rarity(level, first, common) if name is Field.NAME else 0.0
            if level == SAME_OF.get(name) and counts.get(name, 0) >= SHARED_BY_MANY[name]:
                # So many people have this value that it may be an office's: no evidence until a person decides.
                weights.append(FieldWeight(name.value, SHARED_TEXT, 0.0))
                continue
            if level == SAME_OF.get(name) and counts.get(name, 0) > 1:
                # Several records share this value, so it is weaker evidence: two strangers may share the value too.
                lift = min(0.0, log2(max(among, 2.0) / counts[name]) - bits[Kin.PERSON])
            totals = {kin: totals[kin] + bits[kin] + lift for kin in Kin}
            weights.append(FieldWeight(name.value, text_of(name, level), round(bits[Kin.PERSON] + lift, 2)))
        identifiers = [
            (kind, shared_bits(bits, counts.get(kind, 0), among))
            for kind, bits in self._identifiers(first, second, slips)
        ]
        weights += [
            FieldWeight(kind, IDENTIFIER_TEXT.get(bits, SHARED_TEXT), round(bits, 2)) for kind, bits in identifiers
        ]
        explained = self._explained(totals, among)
        if explained >= LEAST_MENTIONED:
            weights.append(FieldWeight("household", TOGETHER, round(-explained, 2)))
        sum_of_all = totals[Kin.PERSON] + sum(bits for _, bits in identifiers) + self.prior(among) - explained
        posterior = probability(sum_of_all)
        is_sure = any(bits == IDENTIFIER_AGREES for _, bits in identifiers)
        doubt = "" if is_sure else held_back(first, second, levels, counts)
        if any(bits < 0 for _, bits in identifiers):
            doubt = "An identifier differs. Either it is wrong in one record, or the records are about two people."
        reason = doubt if posterior > MOST_UNSURE else ""
        if posterior < LEAST_DOUBTFUL and is_doubtful(first, second, levels):
            return LinkageVerdict(LEAST_DOUBTFUL, tuple(weights), DOUBTFUL)
        if posterior < LEAST_DOUBTFUL and _is_one_number([bits for _, bits in identifiers]):
            return LinkageVerdict(LEAST_DOUBTFUL, tuple(weights), SAME_NUMBER)
        return LinkageVerdict(min(posterior, MOST_UNSURE) if doubt else posterior, tuple(weights), reason)

    @staticmethod
    def _identifiers(first: Identity, second: Identity, slips: Collection[str] = ()) -> list[tuple[str, float]]:
        agreements = []
        for kind, value in sorted(first.identifiers.items()):
            second_value = second.identifiers.get(kind)
            if value and second_value:
                differs = IDENTIFIER_SLIPS if kind in slips else IDENTIFIER_DIFFERS
                agreements.append((kind, IDENTIFIER_AGREES if value == second_value else differs))
        return agreements

    def saved(self) -> bytes:
        """Return the parameters as JSON with a SHA-256 hash. The format contains no executable code.

        Returns
        -------
        bytes
        """
        parameters = {
            "m": {kin.value: {name.value: list(self.m[kin][name]) for name in FIELDS} for kin in Kin},
            "u": {name.value: list(self.u[name]) for name in FIELDS},
            "shares": {kin.value: self.shares[kin] for kin in Kin},
            "usual": list(self.usual),
            "given_shares": dict(sorted(self.given_shares.items())),
            "family_shares": dict(sorted(self.family_shares.items())),
            "manifest": dict(self.manifest),
        }
        return json.dumps({"format": FORMAT, "sha256": _hash(parameters), **parameters}, indent=1).encode()

    @classmethod
    def read(cls, data: bytes) -> "Linkage":
        """Read parameters that ``saved`` wrote.

        Parameters
        ----------
        data : bytes

        Returns
        -------
        Linkage

        Raises
        ------
        LinkageRefused
            If the data is not a file of linkage parameters, was changed after saving, or has another version.
        """
        try:
            parameters = json.loads(data)
            if parameters.pop("format") != FORMAT or parameters.pop("sha256") != _hash(parameters):
                raise LinkageRefused(
                    "The file has another format, or was changed after it was saved. Save the parameters again."
                )
            m = {kin: _by_field(parameters["m"][kin.value]) for kin in Kin}
            u = _by_field(parameters["u"])
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            if isinstance(wrong, LinkageRefused):
                raise
            raise LinkageRefused(
                "This is not a file of linkage parameters. Use a file that this program saved."
            ) from wrong
        if any(len(each[name]) != LEVELS[name] for each in (*m.values(), u) for name in FIELDS):
            raise LinkageRefused(
                "The parameters belong to a version that compares records differently. Learn the parameters again."
            )
        shares = {kin: float(parameters["shares"][kin.value]) for kin in Kin}
        names = {name: parameters[name] for name in ("given_shares", "family_shares")}
        return cls(m, u, shares, tuple(parameters["usual"]), **names, manifest=parameters["manifest"])

    @classmethod
    def shipped(cls) -> "Linkage":
        """Return the parameters that come with the package.

        Returns
        -------
        Linkage
        """
        return cls.read(SHIPPED.read_bytes())


def probability(bits: float) -> float:
    """Return the probability that corresponds to a number of bits.

    Parameters
    ----------
    bits : float
        Logarithm of the odds to base 2.

    Returns
    -------
    float

    Examples
    --------
    >>> probability(0.0), probability(1000.0)
    (0.5, 1.0)
    """
    return 1.0 / (1.0 + float(2.0 ** min(-bits, MOST_BITS)))


def shared_bits(bits: float, records: int, among: float) -> float:
    """Return the evidence of an identifier, less if so many records have it that it is no person's own.

    Parameters
    ----------
    bits : float
        The evidence if the identifier were one person's own.
    records : int
        The number of records with the identifier; 0 if not counted.
    among : float
        The number of records that were searched.

    Returns
    -------
    float

    Examples
    --------
    >>> shared_bits(18.0, 2, 1024), shared_bits(18.0, 64, 1024)
    (18.0, 4.0)
    """
    if bits <= 0 or records < IDENTIFIER_SHARED:
        return bits
    return min(bits, max(0.0, log2(max(among, 1.0) / records)))


def _is_one_number(bits: Sequence[float]) -> bool:
    """Return whether an identifier agrees and none differs."""
    return IDENTIFIER_AGREES in bits and min(bits) > 0


def _by_field(shares: Mapping[str, Any]) -> dict[Field, tuple[float, ...]]:
    return {name: tuple(map(float, shares[name.value])) for name in FIELDS}


def _hash(parameters: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()


UNKNOWN_OF = dict.fromkeys(FIELDS, 1) | {Field.NAME: UNKNOWN_NAME}
SAME_OF: dict[Field, int] = {Field.POSTCODE: Postcode.UNIT, Field.PHONE: Text.SAME, Field.EMAIL: Text.SAME}


def held_back(first: Identity, second: Identity, levels: tuple[int, ...], shared: Mapping[str, int]) -> str:
    """Return why a human must check two records on which no identifier agrees. Empty if no check is needed.

    Parameters
    ----------
    first, second : Identity
    levels : tuple of int
    shared : mapping of str to int

    Returns
    -------
    str

    Examples
    --------
    >>> twins = Identity("1", "Hasan", "Ali", born="20020526"), Identity("2", "Hussein", "Ali", born="20020526")
    >>> held_back(*twins, compare(*twins), {})
    'The given names may differ, and twins share everything else.'
    """
    of = dict(zip(FIELDS, levels, strict=True))
    parts = parts_of(of[Field.NAME])
    if of[Field.BORN] != Born.SAME:
        if UNKNOWN_DAY in (first.day[4:], second.day[4:]):
            return "At least one date of birth is 1 January, which offices often enter when the birthday is not known."
        return "The dates of birth may differ. Ask the person for the date."
    swapped = alike(first.names[0], second.names[1]), alike(first.names[1], second.names[0])
    is_same = parts[0] is Alike.SAME if parts is not None else min(swapped) is Alike.SAME
    if not is_same and not (parts is not None and is_contained(first.names[0], second.names[0])):
        return "The given names may differ, and twins share everything else."
    close = [name for name, level in SAME_OF.items() if of[name] == level]
    if not any(shared.get(name, 0) < SHARED_BY_MANY[name] for name in close):
        return "The name and date of birth agree. Any other detail that agrees is one that many people share."
    return ""


ALIKE_TEXT = {
    Alike.SAME: "the same",
    Alike.VARIANT: "a variant of the same name",
    Alike.CLOSE: "similar",
    Alike.OTHER: "different",
    Alike.UNKNOWN: "missing in one record",
}
BORN_TEXT = {
    Born.SAME: "The same date.",
    Born.SWAPPED: "Day and month are swapped.",
    Born.SLIP: "One digit differs.",
    Born.PARTS: "Similar dates, which may differ.",
    Born.FIRST_OF_JANUARY: "The same year. A year alone, or 1 January, may mean that the day is not known.",
    Born.YEAR: "The same year.",
    Born.OTHER: "Different.",
}
POSTCODE_TEXT = {
    Postcode.UNIT: "The same.",
    Postcode.SECTOR: "Nearby streets.",
    Postcode.SLIP: "One character differs.",
    Postcode.OUTCODE: "The same district.",
    Postcode.OTHER: "Different districts.",
}
TEXT_TEXT = {
    Text.SAME: "The same.",
    Text.SLIP: "One character differs.",
    Text.PART: "Partly the same.",
    Text.OTHER: "Different.",
}
TEXTS: dict[Field, Mapping[Any, str]] = {Field.BORN: BORN_TEXT, Field.POSTCODE: POSTCODE_TEXT}


def text_of(name: Field, level: int) -> str:
    """Return how a field agrees or differs, in words that never contain the value of the field.

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
        return "Given and family name are swapped."
    if level == TURNED_ALIKE:
        return "Given and family name may be swapped."
    given, family = divmod(level, 5)
    return f"Given name {ALIKE_TEXT[Alike(given)]}, family name {ALIKE_TEXT[Alike(family)]}."
