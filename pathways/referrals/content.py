"""What a referrer said in one referral, and a referral that is not recorded yet."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pathways.jobseekers import formats
from pathways.jobseekers.details import Details
from pathways.jobseekers.models import PROFILE_NAMES, Jobseeker
from pathways.referrals.models import ABOUT_NAMES, SourceType

LONGEST_KEY = 300
HAPPENED = ("referred_on", "permission_recorded_on")  # dates of a referral that cannot lie in the future


def source_key(organisation_id: UUID | None, ref: str) -> str:
    """Return one text that combines the id of the referring organisation (or "self") with its reference.

    If the key would be too long for its column, it contains a hash of the reference instead.
    """
    key = f"{organisation_id or 'self'}:{ref}"
    return key if len(key) <= LONGEST_KEY else f"{organisation_id or 'self'}:{hashlib.sha256(ref.encode()).hexdigest()}"


def days_to_come(given: Mapping[str, Any], today: date) -> list[str]:
    """Return the names of the dates in ``given`` that have not come, of those that say what has happened already."""
    return [name for name in HAPPENED if given.get(name) is not None and given[name] > today]


@dataclass(frozen=True, slots=True)
class ReferralContent:
    """What the referrer said: the person's details, the profile fields and, in ``about``, those about the request."""

    details: Details
    profile: Mapping[str, Any]
    about: Mapping[str, Any]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "ReferralContent":
        """Return the content found in ``values``, with its details normalised. Values of other fields are ignored."""
        details = Details.of(values)
        is_restricted = bool(values.get("is_restricted")) or details.says_restricted
        return cls(
            details,
            {name: values.get(name) for name in PROFILE_NAMES},
            {name: values.get(name) for name in ABOUT_NAMES} | {"is_restricted": is_restricted},
        )

    def as_dict(self) -> dict[str, Any]:
        return {**self.details.as_dict(), **self.profile, **self.about}

    def changed(self, given: Mapping[str, Any], *, blanks_clear: bool) -> "ReferralContent":
        """Return a copy with the given values. A None clears its field if ``blanks_clear``; otherwise it is ignored."""
        before = self.as_dict()
        named = {name: value for name, value in given.items() if name in before and (blanks_clear or value is not None)}
        # The words written for a value that is replaced are dropped.
        words = {name: said for name, said in (before["as_written"] or {}).items() if name not in named}
        return ReferralContent.of(before | named | {"as_written": words | dict(named.get("as_written") or {})})

    @property
    def profile_words(self) -> dict[str, str]:
        """The words that were written for profile fields, where a field could not hold them."""
        return {name: said for name, said in (self.details.as_written or {}).items() if name in PROFILE_NAMES}

    @property
    def has_profile(self) -> bool:
        """Whether anything is said about a profile field."""
        return bool(self.profile_words) or any(value is not None for value in self.profile.values())

    def names_that_differ(self, other: "ReferralContent") -> set[str]:
        """Return the names of the fields in which two contents differ."""
        other_values = other.as_dict()
        return {name for name, value in self.as_dict().items() if value != other_values[name]}

    def warnings(self, today: date) -> list[dict[str, str]]:
        """Return warnings about implausible values, as ``field`` and ``text``."""
        crossed = [formats.CROSSED_HOURS] if formats.hours_are_crossed(self.profile) else []
        return [*self.details.warnings(today), *crossed]


@dataclass(frozen=True, slots=True)
class Arriving:
    """A referral that is not recorded yet. ``person`` is the jobseeker's record, if the partner already has one."""

    content: ReferralContent
    referred_on: date
    organisation_id: UUID | None
    source_type: SourceType
    ref: str
    person: Jobseeker | None = None

    @property
    def key(self) -> str:
        return source_key(self.organisation_id, self.ref)
