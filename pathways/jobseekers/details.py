"""A person's identity and contact details as one object, normalised once, when the details enter the service.

``Details`` are made from a request, a row of a file, a stored record or a merge. Code that compares, stores or searches
for a person takes ``Details``. A value in an unusual format leads to a warning and is never refused.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from stdnum.gb import nhs

from pathways.jobseekers import formats

IDENTIFIERS = ("nino", "nhs_number")
YOUNGEST, OLDEST = 14, 100
EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Identity and contact details as one source gave them. Create them with ``Details.of``, which normalises.

    A blank value is unknown, stored as None, and never means "no". A telephone number is in international form (E.164),
    a postcode is "outward inward", and NI and NHS numbers are capitals and digits without spaces. A value that
    cannot be brought into this form is stored as it was written.
    """

    given_name: str | None = None
    family_name: str | None = None
    known_as: str | None = None
    date_of_birth: date | None = None
    nino: str | None = None
    nhs_number: str | None = None
    council_person_id: str | None = None
    email: str | None = None
    phone: str | None = None
    postcode: str | None = None
    contact_withheld_reason: str | None = None
    safe_contact: str | None = None
    language: str | None = None
    interpreter_needed: bool | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Details":
        """Return the details in ``values``, normalised. Values that are not details are ignored."""
        given = {field.name: values.get(field.name) for field in fields(cls)}
        normalised = {name: None if value == "" else value for name, value in given.items()}
        return cls(
            **normalised
            | {
                "postcode": formats.tidy_postcode(given["postcode"]),
                "phone": formats.tidy_phone(given["phone"]),
                "nino": formats.compact(given["nino"]),
                "nhs_number": formats.compact(given["nhs_number"]),
            }
        )

    def changed(self, changes: Mapping[str, Any]) -> "Details":
        """Return these details with some values replaced."""
        return Details.of(self.as_dict() | dict(changes))

    def as_dict(self) -> dict[str, Any]:
        """Return every detail by name."""
        return asdict(self)

    def as_read(self) -> dict[str, Any]:
        """Return every detail by name, with only the last three characters of NI and NHS numbers."""
        return self.as_dict() | {name: formats.masked(getattr(self, name)) for name in IDENTIFIERS}

    @property
    def has_name(self) -> bool:
        """Whether there is a given name or a family name; one of them is enough."""
        return bool(self.given_name or self.family_name)

    @property
    def postcode_key(self) -> str | None:
        """The postcode without its space, in the form that searches compare."""
        return formats.compact(self.postcode)

    def warnings(self, today: date) -> list[dict[str, str]]:
        """Return warnings about implausible values, each with ``field`` and ``text``. No text contains the value."""
        texts: dict[str, str] = {}
        if self.nino and not formats.NINO.match(self.nino) and not formats.TEST_NINO.match(self.nino):
            texts["nino"] = "This NI number does not have two letters, six digits and a letter A to D. Check it."
        if self.nhs_number and not nhs.is_valid(self.nhs_number):
            texts["nhs_number"] = "This NHS number does not have ten digits, or its check digit is wrong. Check it."
        if self.postcode and not formats.POSTCODE.match(self.postcode) and not formats.OUTCODE.match(self.postcode):
            texts["postcode"] = "This is not a UK postcode, so travel cannot be worked out. Check it."
        if self.phone and not formats.is_phone(self.phone):
            texts["phone"] = "This does not look like a telephone number. Check it."
        if self.email and not EMAIL.match(self.email):
            texts["email"] = "This does not look like an e-mail address. Check it."
        if self.date_of_birth is not None and not YOUNGEST <= formats.age_on(self.date_of_birth, today) <= OLDEST:
            texts["date_of_birth"] = f"With this date of birth, the age is under {YOUNGEST} or over {OLDEST}. Check it."
        return [{"field": field, "text": text} for field, text in texts.items()]

    def reserved_for_tests(self) -> list[str]:
        """Return the fields that hold a value reserved for tests. Production refuses these values."""
        reserved = {
            "nino": bool(self.nino and formats.TEST_NINO.match(self.nino)),
            "nhs_number": bool(self.nhs_number and self.nhs_number.startswith("999")),
            "phone": bool(self.phone and formats.TEST_PHONE.match(self.phone)),
            "email": bool(self.email and self.email.lower().endswith(("@example.org", ".example.org"))),
        }
        return [name for name, is_reserved in reserved.items() if is_reserved]
