"""Formats of names, numbers and addresses. A wrong format leads to a warning, not to a refusal."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any

import phonenumbers

NINO = re.compile(r"^(?!BG|GB|KN|NK|NT|TN|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z]\d{6}[A-D]$")
TEST_NINO = re.compile(r"^QQ\d{6}[A-D]$")
POSTCODE = re.compile(
    r"^(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y])"
    r" ?\d[ABD-HJLNP-UW-Z]{2})$"
)
OUTCODE = re.compile(r"^[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y])$")
TEST_PHONE = re.compile(r"^\+447700900\d{3}$")
INWARD = 3
RQF_LEVELS = ("E1", "E2", "E3", "1", "2", "3", "4", "5", "6", "7", "8")  # lowest first


def compact(text: str | None) -> str | None:
    """Return the text in capitals without spaces, full stops or hyphens. Return None if nothing remains."""
    return re.sub(r"[\s.-]", "", text).upper() or None if text else None


def name_key(text: str | None) -> str:
    """Return a name in the form that searches compare: in lower case, without accents or punctuation."""
    plain = unicodedata.normalize("NFKD", text or "")
    return re.sub(r"[^\w]+", " ", "".join(c for c in plain if not unicodedata.combining(c)).casefold()).strip()[:300]


def tidy_postcode(text: str | None) -> str | None:
    """Return a postcode as outward code, space, inward code; return any other text without spaces."""
    compacted = compact(text)
    if compacted is None:
        return None
    spaced = f"{compacted[:-INWARD]} {compacted[-INWARD:]}" if len(compacted) > INWARD + 1 else compacted
    return spaced if POSTCODE.match(spaced) else compacted


def tidy_phone(text: str | None) -> str | None:
    """Return a telephone number in international form (E.164); return any other text unchanged."""
    if not text:
        return None
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_possible_number(number):
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def age_on(birth: date, day: date) -> int:
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def masked(number: str | None) -> str | None:
    """Return a number with only its last three characters readable."""
    return None if number is None else "*" * max(0, len(number) - 3) + number[-3:]


CROSSED_HOURS = {
    "field": "hours_min",
    "text": "The minimum hours exceed the maximum hours, so neither is copied to the profile. Ask the referrer.",
}


def hours_are_crossed(values: Mapping[str, Any]) -> bool:
    """Return whether the minimum hours exceed the maximum hours."""
    minimum, maximum = values.get("hours_min"), values.get("hours_max")
    return minimum is not None and maximum is not None and minimum > maximum


def is_phone(phone: str) -> bool:
    try:
        number = phonenumbers.parse(phone, "GB")
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(number)
