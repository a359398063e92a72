"""A person's identity and contact details: one value, normalised once, where it enters the service.

A request, a row of a file, a stored record and a merge all make ``Details``; whatever compares, stores or looks up a
person takes it. A value in an unusual format is a warning and never refused.
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
    """Identity and contact details as one source gave them. Make one with ``Details.of``, which normalises.

    Blank is unknown, held as None and never "no". A telephone number is in international form (E.164), a postcode is
    "outward inward", and NI and NHS numbers are capitals and digits without spaces, wherever they have such a form.
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
        """Return the details among ``values``, normalised; other names are ignored."""
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
        """Return these details with some of them replaced."""
        return Details.of(self.as_dict() | dict(changes))

    def as_dict(self) -> dict[str, Any]:
        """Return every detail by name."""
        return asdict(self)

    def as_read(self) -> dict[str, Any]:
        """Return every detail by name, with only the last three characters of NI and NHS numbers."""
        return self.as_dict() | {name: formats.masked(getattr(self, name)) for name in IDENTIFIERS}

    @property
    def has_name(self) -> bool:
        """Whether there is a given or a family name; one of them is enough."""
        return bool(self.given_name or self.family_name)

    @property
    def postcode_key(self) -> str | None:
        """The postcode without its space, as it is looked up."""
        return formats.compact(self.postcode)

    def warnings(self, today: date) -> list[dict[str, str]]:
        """Return what looks wrong, as ``field`` and ``text``, without repeating what was written."""
        found: dict[str, str] = {}
        if self.nino and not formats.NINO.match(self.nino) and not formats.TEST_NINO.match(self.nino):
            found["nino"] = "An NI number has two letters, six digits and a letter A to D. Check it."
        if self.nhs_number and not nhs.is_valid(self.nhs_number):
            found["nhs_number"] = "An NHS number has ten digits, and the last one does not match the rest. Check it."
        if self.postcode and not formats.POSTCODE.match(self.postcode) and not formats.OUTCODE.match(self.postcode):
            found["postcode"] = "This is not a UK postcode, so travel cannot be worked out. Check it."
        if self.phone and not formats.is_phone(self.phone):
            found["phone"] = "This does not look like a telephone number. Check it."
        if self.email and not EMAIL.match(self.email):
            found["email"] = "This does not look like an e-mail address. Check it."
        if self.date_of_birth is not None and not YOUNGEST <= formats.age_on(self.date_of_birth, today) <= OLDEST:
            found["date_of_birth"] = f"This date makes the age less than {YOUNGEST} or more than {OLDEST}. Check it."
        return [{"field": field, "text": text} for field, text in found.items()]

    def reserved_for_tests(self) -> list[str]:
        """Return the fields that hold a value reserved for tests, which a production service refuses."""
        found = {
            "nino": bool(self.nino and formats.TEST_NINO.match(self.nino)),
            "nhs_number": bool(self.nhs_number and self.nhs_number.startswith("999")),
            "phone": bool(self.phone and formats.TEST_PHONE.match(self.phone)),
            "email": bool(self.email and self.email.lower().endswith(("@example.org", ".example.org"))),
        }
        return [name for name, is_reserved in found.items() if is_reserved]
