"""A person's identity and contact details as one object, normalised once, when the details enter the service.

``Details`` are made from a request, a row of a file, a stored record or a merge. Code that compares, stores or searches
for a person takes ``Details``. A value in an unusual format leads to a warning and is never refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any

from stdnum.gb import nhs

from pathways.jobseekers import formats, name_marks, placeholders
from pathways.jobseekers.models import MOST_JOINED

IDENTIFIERS = ("nino", "nhs_number")
YOUNGEST, OLDEST = 14, 100
PARTLY = (
    "What was written here could not be read as a whole. The words are stored as they were typed (as_written). Check"
    " the value with the person."
)
WRITTEN = {
    "email": "This is the referrer's own e-mail address, so it is not recorded as the jobseeker's. Ask for their own.",
    "phone": "More than a telephone number was written here. The words are stored as they were typed (as_written) and, "
    "if they may say how the number is safe to use, also as the way of safe contact (safe_contact). Check both.",
}
MORE_THAN_EMAIL = (
    "More than one e-mail address was written here. The first was taken, the words are in as_written and, if they may"
    " say how the address is safe to use, in safe_contact. Check both."
)
NAMES = ("given_name", "family_name", "known_as")
BESIDE_NAME = (
    "Words beside the name may protect the person. They were taken out of the name and are in as_written. If they say"
    " that the record is restricted or that nobody may make contact, this was done. Check it before any contact."
)
NOT_TAKEN = {
    "phone": "It is not clear which telephone number is the person's own and in use, so none was taken. The words are"
    " in as_written. Ask for the number.",
    "postcode": "It is not clear which postcode is the person's, so none was taken, and travel is unknown. The words"
    " are in as_written. Ask where the person stays now.",
}
NOT_ONE = {
    "phone": "These words are no telephone number. They are kept (as_written). Ask for the person's own number.",
    "postcode": "These words are no postcode, so travel is unknown. They are kept (as_written). Ask where the person"
    " stays now, or leave the postcode blank.",
}
SHARED = {
    name: f"Many jobseekers have this {what}, so it may be an office's. Check whether it is the person's own."
    for name, what in (("phone", "telephone number"), ("email", "e-mail address"), ("postcode", "postcode"))
}
NO_BIRTH_YEAR = "With this year of birth, the age is impossible for a jobseeker, so it stays unknown. Check it."
YEAR_ONLY = "Only the year of birth is known, so age limits of placements cannot be checked. Ask for the full date."
EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Identity and contact details as one source gave them. Create them with ``Details.of``, which normalises.

    A blank value is unknown, stored as None, and never means "no". A telephone number is in international form (E.164),
    a postcode is "outward inward", and NI and NHS numbers are capitals and digits without spaces. A value that
    cannot be brought into this form is stored as it was written, and so is a placeholder, which identifies nobody.

    If a source wrote more than a field can hold, ``as_written`` has the words by field name. ``birth_year`` is given
    only if the date of birth is not known.
    """

    given_name: str | None = None
    family_name: str | None = None
    known_as: str | None = None
    date_of_birth: date | None = None
    birth_year: int | None = None
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
    as_written: Mapping[str, str] | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Details":
        """Return the details in ``values``, normalised. Values that are not details are ignored."""
        given = {field.name: values.get(field.name) for field in fields(cls)}
        normalised = {name: None if value == "" else value for name, value in given.items()}
        words = dict(given["as_written"] or {})
        for name, read in READERS.items():
            normalised[name], said = read(given[name])
            if said:
                words.setdefault(name, said)
        for said in (
            formats.said_with_phone(formats.read_phone(given["phone"]).words),
            formats.said_with_email(formats.read_email(given["email"]).words),
        ):
            if said:  # it may protect the person, so it goes wherever the number or the address goes
                safe_contact = formats.joined_text(normalised["safe_contact"], said, "; ") or ""
                normalised["safe_contact"] = safe_contact[:MOST_JOINED]
        for name in NAMES:
            marked = name_marks.read(given[name] or "")
            if marked.words:
                words.setdefault(name, given[name])
                normalised[name] = marked.name
                if name_marks.forbids_contact(marked.words):
                    reason = formats.joined_text(normalised["contact_withheld_reason"], marked.words, "; ") or ""
                    normalised["contact_withheld_reason"] = reason[:MOST_JOINED]
        email = (normalised["email"] or "").strip().casefold()
        if email and email == (values.get("referrer_email") or "").strip().casefold():
            words["email"], normalised["email"] = normalised["email"], None
        if normalised["date_of_birth"] is not None:
            normalised["birth_year"] = None
        return cls(**normalised | {"as_written": words or None})

    def changed(self, changes: Mapping[str, Any]) -> "Details":
        """Return these details with some values replaced. The words written for a replaced value are dropped."""
        words = {name: said for name, said in (self.as_written or {}).items() if name not in changes}
        new_words = words | dict(changes.get("as_written") or {})
        return Details.of(self.as_dict() | dict(changes) | {"as_written": new_words})

    def of_record(self) -> "Details":
        """Return these details with only those words that were written for one of them, not for a profile field."""
        words = {name: said for name, said in (self.as_written or {}).items() if name in DETAILS}
        return replace(self, as_written=words or None)

    def as_dict(self) -> dict[str, Any]:
        """Return every detail by name."""
        return asdict(self)

    def as_read(self) -> dict[str, Any]:
        """Return every detail by name, with only the last three characters of NI and NHS numbers.

        A word in the place of a number, such as "unknown", is no secret and is readable.
        """
        numbers = {name: getattr(self, name) for name in IDENTIFIERS}
        return self.as_dict() | {
            name: formats.masked(number) if number and any(c.isdigit() for c in number) else number
            for name, number in numbers.items()
        }

    @property
    def has_name(self) -> bool:
        """Whether there is a given name or a family name; one of them is enough."""
        return bool(self.given_name or self.family_name)

    @property
    def says_restricted(self) -> bool:
        """Whether words that were written beside a name say that access to the record is to be restricted."""
        return any(name_marks.restricts((self.as_written or {}).get(name)) for name in NAMES)

    @property
    def postcode_key(self) -> str | None:
        """The postcode without its space, in the form that searches compare; None for a placeholder."""
        return None if _is_no_postcode(self.postcode) else formats.compact(self.postcode)

    @property
    def of_offices(self) -> set[str]:
        """The names of the contact fields of which the value, or the words beside it, say that it is an office's."""
        words = self.as_written or {}
        found = {name for name in OF_CONTACT if getattr(self, name) and placeholders.is_of_office(words.get(name))}
        found |= {"phone"} if placeholders.is_office_phone(self.phone) else set()
        return found | ({"email"} if placeholders.is_office_email(self.email) else set())

    @property
    def other_contacts(self) -> list[tuple[str, str]]:
        """Further telephone numbers and e-mail addresses that were written beside the first, each with its field."""
        words = self.as_written or {}
        numbers = [number.number for number in formats.numbers_in(words.get("phone", ""))]
        addresses = [address.lower() for address in formats.emails_in(words.get("email", ""))]
        found = [("phone", number) for number in numbers if not placeholders.is_office_phone(number)]
        found += [
            ("email", own) for own in addresses if not (placeholders.is_email(own) or placeholders.is_office_email(own))
        ]
        own = (("phone", self.phone), ("email", (self.email or "").lower()))
        return [one for one in dict.fromkeys(found) if one not in own and not placeholders.is_of_office(words[one[0]])]

    def placeholders(self, today: date) -> set[str]:
        """Return the names of the fields that hold a placeholder, which stands for a value that is not known."""
        found = {name for name, is_placeholder in PLACEHOLDERS.items() if is_placeholder(getattr(self, name))}
        if found >= {"family_name"} and self.given_name and "given_name" not in found:
            # "Test" is a family name too, and a real given name says that it is one here.
            found -= {"family_name"} if placeholders.may_be_family(self.family_name) else set()
        if placeholders.is_whole_name(self.given_name, self.family_name):
            found |= {"given_name", "family_name"}
        if placeholders.is_birthday(self.date_of_birth, today):
            found.add("date_of_birth")
        return found

    def identifying(self, today: date) -> "Details":
        """Return only what identifies the person: the details without placeholders and without what is an office's."""
        return replace(self, **dict.fromkeys(self.placeholders(today) | self.of_offices))

    def known(self, today: date) -> "Details":
        """Return the details without placeholders. A hostel's postcode remains, as the person may stay there."""
        return replace(self, **dict.fromkeys(self.placeholders(today)))

    def warnings(self, today: date) -> list[dict[str, str]]:
        """Return warnings about implausible values, each with ``field`` and ``text``. No text contains the value."""
        texts: dict[str, str] = {}
        if self.nino and not formats.NINO.match(self.nino) and not formats.TEST_NINO.match(self.nino):
            texts["nino"] = "This NI number does not have two letters, six digits and a letter A to D. Check it."
        if self.nhs_number and not nhs.is_valid(self.nhs_number):
            texts["nhs_number"] = "This NHS number does not have ten digits, or its check digit is wrong. Check it."
        if self.phone and not formats.is_phone(self.phone):
            texts["phone"] = "This does not look like a telephone number. Check it."
        if self.email and not EMAIL.match(self.email):
            texts["email"] = "This does not look like an e-mail address. Check it."
        if self.date_of_birth is not None and not YOUNGEST <= formats.age_on(self.date_of_birth, today) <= OLDEST:
            texts["date_of_birth"] = f"With this date of birth, the age is under {YOUNGEST} or over {OLDEST}. Check it."
        if self.birth_year is not None:
            is_possible = YOUNGEST <= today.year - self.birth_year <= OLDEST
            texts["date_of_birth"] = YEAR_ONLY if is_possible else NO_BIRTH_YEAR
        texts |= {name: placeholders.OF_OFFICES[name] for name in sorted(self.of_offices)}
        texts |= {
            name: placeholders.sentence_of(name, getattr(self, name)) for name in sorted(self.placeholders(today))
        }
        if self.postcode and not placeholders.is_postcode(self.postcode) and _is_no_postcode(self.postcode):
            texts["postcode"] = NO_UK_POSTCODE
        if self.phone and not formats.is_phone(self.phone) and any(c.isdigit() for c in self.phone):
            texts["phone"] = placeholders.INCOMPLETE["phone"]
        if self.date_of_birth is not None and self.date_of_birth > today:
            texts["date_of_birth"] = "This date of birth is in the future, so the age stays unknown. Correct it."
        words = {name: self._said_of_words(name) for name in self.as_written or {}}
        return [{"field": field, "text": text} for field, text in (words | texts).items()]

    def _said_of_words(self, name: str) -> str:
        """Return the warning about the words that were written for a field."""
        if name in IDENTIFIERS and getattr(self, name) is None:
            return f"{placeholders.TEXTS[name]} The words are in as_written."
        if name in NAMES:
            return BESIDE_NAME
        if name in NOT_TAKEN and getattr(self, name) is None:
            words = (self.as_written or {})[name]
            has_any = (
                formats.WHOLE_POSTCODE_IN_TEXT.search(words.upper()) if name == "postcode" else re.search(r"\d", words)
            )
            return NOT_TAKEN[name] if has_any else NOT_ONE[name]
        if name == "email" and self.email:
            return MORE_THAN_EMAIL
        return WRITTEN.get(name, PARTLY)

    def reserved_for_tests(self) -> list[str]:
        """Return the fields that hold a value reserved for tests. Production refuses these values."""
        reserved = {
            "nino": bool(self.nino and formats.TEST_NINO.match(self.nino)),
            "nhs_number": bool(self.nhs_number and self.nhs_number.startswith("999")),
            "phone": bool(self.phone and formats.TEST_PHONE.match(self.phone)),
            "email": bool(self.email and self.email.lower().endswith(("@example.org", ".example.org"))),
        }
        return [name for name, is_reserved in reserved.items() if is_reserved]


NO_UK_POSTCODE = "This is not a UK postcode, so it identifies nobody and travel cannot be worked out. Check it."


def _is_no_postcode(text: str | None) -> bool:
    """Return whether a postcode is a placeholder, or has not the form of a UK postcode or of its first part."""
    if not text:
        return False
    return placeholders.is_postcode(text) or not (formats.POSTCODE.match(text) or formats.OUTCODE.match(text))


DETAILS = frozenset(field.name for field in fields(Details))
OF_CONTACT = ("phone", "email", "postcode")
READERS: dict[str, Callable[[str | None], formats.FieldReading]] = {
    "postcode": formats.read_postcode,
    "phone": formats.read_phone,
    "nino": formats.read_nino,
    "nhs_number": formats.read_nhs_number,
    "email": formats.read_email,
}
PLACEHOLDERS: dict[str, Callable[[str | None], bool]] = {
    "given_name": placeholders.is_name,
    "family_name": placeholders.is_name,
    "known_as": placeholders.is_name,
    "council_person_id": lambda text: bool(text) and placeholders.is_reference(text),
    "nino": placeholders.is_nino,
    "nhs_number": placeholders.is_nhs_number,
    "email": placeholders.is_email,
    "phone": lambda phone: placeholders.is_phone(phone) or bool(phone and not formats.is_phone(phone)),
    "postcode": _is_no_postcode,
}
