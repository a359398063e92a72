"""Formats of names, numbers and addresses. A wrong format leads to a warning, not to a refusal."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

import phonenumbers

from pathways.jobseekers import placeholders, said_numbers

NINO = re.compile(r"^(?!BG|GB|KN|NK|NT|TN|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z]\d{6}[A-D]$")
TEST_NINO = re.compile(r"^QQ\d{6}[A-D]$")
POSTCODE = re.compile(
    r"^(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y])"
    r" ?\d[ABD-HJLNP-UW-Z]{2})$"
)
OUTCODE = re.compile(r"^[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y])$")
TEST_PHONE = re.compile(r"^\+447700900\d{3}(?: ext \d+)?$")
INTERNATIONAL = re.compile(r"^\+\d{7,15}(?: ext \d{1,6})?$")
EXT = (
    r"[\s,;(-]*(?:extension|extn|ext|xtn|ex|e|x|#|option|opt|(?:(?:and |, ?)?then )?press|room|rm|desk)[\s.:=]*"
    r"(?:(?:no|number)[\s.:]*)?(?P<ext>\d{1,6})\b\)?"
)
EXTENSION = re.compile(EXT, re.IGNORECASE)
# A number alone: digits with the usual separators, and an extension, which may also follow a comma.
ONLY_PHONE = re.compile(rf"^(?P<number>\+?[\d\s().-]*\d)(?:{EXT}|\s*,\s*(?P<other>\d{{1,5}}))?[\s.,;]*$", re.IGNORECASE)
PHONE_LABELS = frozenset(
    [
        "mob",
        "mobile",
        "tel",
        "telephone",
        "phone",
        "home",
        "landline",
        "number",
        "no",
        "m",
        "h",
        "t",
        "or",
        "and",
        "also",
        "cell",
        "uk",
        "whatsapp",
        "main",
        "other",
    ]
)
WHOLE_POSTCODE_IN_TEXT = re.compile(
    r"\b(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d{1,2}|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y])"
    r" ?\d[ABD-HJLNP-UW-Z]{2})\b"
)
LEFT = re.compile(
    r"\b(?:nfa|no fixed|homeless|former(?:ly)?|previous(?:ly)?|was|were|used to|left|moved|not|old address|last address"
    r"|ex|until|evicted|fled|unknown)\b"
)
NINO_IN_TEXT = re.compile(r"\b[A-Z]{2}[ .-]?\d{2}[ .-]?\d{2}[ .-]?\d{2}[ .-]?[A-D]\b", re.IGNORECASE)
NHS_IN_TEXT = re.compile(r"\b\d{3}[ -]?\d{3}[ -]?\d{4}\b")
# Five digits or more, with what people put between them; not a telephone number, a date or a year.
MAY_IDENTIFY = re.compile(
    r"(?<!\d)(?<!\d[\s.-])(?!0[\d ]{9,}|\d\d?[./]\d\d?[./]\d{2,4}\b|(?:19|20)\d\d\b)\d(?:[\s.-]?\d){4,}"
)
BRITISH, DIGITS_OF_BRITISH = 44, 10
SHORTEST_INTERNATIONAL = 11  # +44 and eight digits: a shorter number inside a sentence may be a date or a flat
EMAIL_IN_TEXT = re.compile(r"[^\s<>()\[\],;:\"|@/]+@[^\s<>()\[\],;:\"'|@?/]+\.[^\s<>()\[\],;:\"'|@?/]+(?:\?[^\s>]*)?")
EMAIL_LABELS = frozenset(
    ["email", "mail", "e", "or", "and", "also", "home", "work", "personal", "other", "main", "address"]
)
MOST_PHONE, MOST_POSTCODE, MOST_IDENTIFIER = 60, 20, 30
INWARD = 3
LEVEL = re.compile(
    r"^(?:rqf |nvq |svq |btec |city (?:and|&) guilds )*(entry )?(?:level |lvl |lev |l)?\s*(e?\d)"
    r"(?: nvq| btec| diploma| award| certificate)?$"
)
RQF_LEVELS = ("E1", "E2", "E3", "1", "2", "3", "4", "5", "6", "7", "8")  # lowest first


class FieldReading(NamedTuple):
    """What a reader found in a text: the value, and the words as written if the value does not say all of them."""

    value: str | None
    words: str | None = None


def compact(text: str | None) -> str | None:
    """Return the text in capitals without spaces, full stops or hyphens. Return None if nothing remains."""
    return re.sub(r"[\s.-]", "", text).upper() or None if text else None


def name_key(text: str | None) -> str:
    """Return a name in the form that searches compare: in lower case, without accents or punctuation."""
    plain = unicodedata.normalize("NFKD", text or "")
    return re.sub(r"[^\w]+", " ", "".join(c for c in plain if not unicodedata.combining(c)).casefold()).strip()[:300]


def tidy_identifier(text: str | None) -> str | None:
    """Return an NI or NHS number in capitals without spaces; return a text without digits as it was written."""
    if text is None or any(character.isdigit() for character in text):
        return compact(text)
    return " ".join(text.split()) or None


def tidy_postcode(text: str | None) -> str | None:
    """Return a postcode as outward code, space, inward code; return a text that is none as it was written."""
    compacted = compact(text)
    if text is None or compacted is None:
        return None
    if placeholders.is_postcode(text):
        return " ".join(text.split())
    spaced = f"{compacted[:-INWARD]} {compacted[-INWARD:]}" if len(compacted) > INWARD + 1 else compacted
    return spaced if POSTCODE.match(spaced) else compacted


def internationally(text: str) -> str | None:
    """Return a telephone number in international form (E.164); None if the text is no possible number.

    A British number must be whole: a number that lacks digits would be somebody else's, or nobody's.
    """
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    is_british = number.country_code == BRITISH
    is_whole = len(str(number.national_number)) >= DIGITS_OF_BRITISH
    if is_british and not is_whole and not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def read_phone(text: str | None) -> FieldReading:
    """Return the telephone number of a text in international form, and the text if it says more than a number.

    Of several numbers, it is the first that the words call current, or else the first that they do not call old. If
    they leave open which one is current, no number is taken. An extension is part of the number: "+442079460000 ext
    12". A placeholder, and a text of at most ``MOST_PHONE`` characters without a number, is returned as it was written.
    """
    line = " ".join((text or "").split())
    if not line:
        return FieldReading(None)
    whole = ONLY_PHONE.match(line)
    if whole is not None and not placeholders.is_phone(line) and (plain := internationally(whole["number"])):
        return FieldReading(_with_extension(plain, whole["ext"] or whole["other"]))
    found = numbers_in(line)
    if not found:
        return FieldReading(line) if len(line) <= MOST_PHONE else FieldReading(None, line)
    taken = said_numbers.current(line, found)
    return FieldReading(taken.number if taken else None, line)


def numbers_in(line: str) -> list[said_numbers.NumberInText]:
    """Return the telephone numbers of a text that are whole and no placeholders, each with its place in the text."""
    numbers = []
    for found in phonenumbers.PhoneNumberMatcher(line, "GB", leniency=phonenumbers.Leniency.POSSIBLE):
        raw = EXTENSION.sub("", found.raw_string)
        plain = internationally(raw)
        if plain is None or len(plain) < SHORTEST_INTERNATIONAL or placeholders.is_phone(plain):
            continue
        after = EXTENSION.match(line[found.start + len(raw) :])
        number = _with_extension(plain, after["ext"] if after else None)
        end = found.start + len(raw) + (after.end() if after else 0)
        numbers.append(said_numbers.NumberInText(number, found.start, max(end, found.end)))
    return numbers


def _with_extension(number: str, extension: str | None) -> str:
    return f"{number} ext {extension}" if extension else number


def said_with_phone(words: str | None) -> str | None:
    """Return the words beside a telephone number if they may say how it is safe to use it, as in "mum's phone"."""
    if not words:
        return None
    rest = EXTENSION.sub(" ", re.sub(r"\+?\d[\d\s().+-]{5,}", " ", words))
    said = re.sub(r"^[\s,;:/()-]+|[\s,;:/(-]+$", "", " ".join(rest.split()))
    said = said.removesuffix(")") if said.count(")") > said.count("(") else said
    telling = set(re.findall(r"[a-z']+", said.casefold())) - PHONE_LABELS
    return said if telling else None


def joined_text(first: str | None, second: str | None, between: str) -> str | None:
    """Return two texts together, or the one that holds the other."""
    if not first or not second:
        return first or second
    if second.casefold() in first.casefold():
        return first
    return second if first.casefold() in second.casefold() else f"{first}{between}{second}"


def read_postcode(text: str | None) -> FieldReading:
    """Return the postcode in a text, and the text if it says more, such as a whole address.

    A text of at most ``MOST_POSTCODE`` characters without a postcode is returned as it was written.
    """
    line = " ".join((text or "").split())
    tidy = tidy_postcode(line)
    if tidy is None or POSTCODE.match(tidy) or OUTCODE.match(tidy):
        return FieldReading(tidy)
    found = [code.replace(" ", "") for code in WHOLE_POSTCODE_IN_TEXT.findall(line.upper())]
    if len(set(found)) > 1:  # which of them is the person's is not known
        return FieldReading(None, line)
    # One address only, and not one that the person has left.
    if len(set(found)) == 1 and not LEFT.search(line.casefold()) and not placeholders.is_postcode(found[0]):
        return FieldReading(tidy_postcode(found[0]), line)
    if len(line) > MOST_POSTCODE:
        return FieldReading(None, line)
    return FieldReading(line if re.search(r"[A-Za-z]{3}", line) else tidy)


def read_email(text: str | None) -> FieldReading:
    """Return the e-mail address in a text, and the text if it says more, as "Amina <a@example.org> (check daily)" does.

    Of several addresses the first is returned. A text without an address is returned as it was written.
    """
    line = " ".join((text or "").split())
    found = emails_in(line)
    if not found:
        return FieldReading(line or None)
    rest = re.sub(r"\bmailto\b|[\W_]", "", EMAIL_IN_TEXT.sub(" ", line), flags=re.IGNORECASE)
    is_alone = len({address.casefold() for address in found}) == 1 and not rest
    return FieldReading(found[0], None if is_alone else line)


def emails_in(line: str) -> list[str]:
    """Return the e-mail addresses of a text, in their order."""
    return [found.partition("?")[0].strip(".'") for found in EMAIL_IN_TEXT.findall(line)]


def said_with_email(words: str | None) -> str | None:
    """Return the words beside an e-mail address if they may say how it is safe to use it, as in "her ex reads it"."""
    rest = re.sub(r"^[^<>()]*<|\bmailto\b:?", " ", words or "", flags=re.IGNORECASE)
    said = " ".join(EMAIL_IN_TEXT.sub(" ", rest).split()).strip(" ,;:/<>()[]")
    telling = set(re.findall(r"[a-z']+", said.casefold())) - EMAIL_LABELS
    return said if telling else None


def read_nino(text: str | None) -> FieldReading:
    """Return the NI number in a text, and the other words of the text without any digits of a number."""
    return _read_identifier(text, NINO_IN_TEXT, placeholders.nino_in_form)


def read_nhs_number(text: str | None) -> FieldReading:
    """Return the NHS number in a text, and the other words of the text without any digits of a number."""
    return _read_identifier(text, NHS_IN_TEXT, placeholders.nhs_number_in_form)


def _read_identifier(
    text: str | None, pattern: re.Pattern[str], in_form: Callable[[str | None], str | None]
) -> FieldReading:
    line = " ".join((text or "").split())
    if (number := in_form(line)) is not None:
        is_slip = re.sub(r"[\W_]", "", line).upper() != number
        return FieldReading(number, re.sub(r"\d", "*", line) if is_slip else None)
    found = {number for raw in pattern.findall(line.upper()) if (number := in_form(raw)) is not None}
    if len(found) == 1:
        said = " ".join(re.sub(r"\d+", " ", pattern.sub(" ", line.upper())).split())
        return FieldReading(found.pop(), said.lower() if re.search("[A-Z]", said) else None)
    # The words are stored unencrypted, so nothing that may be a part of a number remains in them.
    if len(line) > MOST_IDENTIFIER:
        return FieldReading(None, without_numbers(line))
    number = tidy_identifier(line)
    forms = [line, number or ""]
    is_phone_number = any(internationally(form) is not None or numbers_in(form) for form in forms)
    if number and any(c.isdigit() for c in line) and (is_phone_number or re.search(r"[^\W\d_]{3}|/", number)):
        return FieldReading(None, without_numbers(line))
    return FieldReading(number)


def without_numbers(line: str) -> str:
    """Return words with an asterisk for each digit of a number that may identify a person. A year is no such number."""
    return MAY_IDENTIFY.sub(lambda found: re.sub(r"\d", "*", found[0]), line)


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


def without_crossed_hours(profile: dict[str, Any]) -> dict[str, Any]:
    """Clear both hours limits if the minimum is above the maximum: a typing error must not rule out placements."""
    if hours_are_crossed(profile):
        return profile | {"hours_min": None, "hours_max": None}
    return profile


def is_phone(phone: str) -> bool:
    """Return whether a text is a telephone number as ``read_phone`` returns it."""
    return INTERNATIONAL.match(phone) is not None


def level_in_words(words: str) -> str | None:
    """Return the highest RQF level that a text names, as in "NVQ 2; GCSEs"; None if it names none.

    The level of other qualifications depends on their grade or country, so a person decides it.
    """
    levels = []
    for item in re.split(r"[;,/]", words.casefold()):
        found = LEVEL.match(" ".join(item.split()))
        if found is not None:
            level = f"E{found[2]}" if found[1] else found[2].upper()
            levels += [level] if level in RQF_LEVELS else []
    return max(levels, key=RQF_LEVELS.index) if levels else None
