"""Find personal data in the free text of a listing, which everybody may read once it is published."""

import re
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum

SEP = r"[\s.\-\u2010-\u2015/_]*"
NINO = re.compile(rf"(?<![A-Z0-9])[A-Z]{SEP}[A-Z]{SEP}(?:\d{SEP}){{6}}[A-D](?![A-Z0-9])", re.IGNORECASE)
TEN_DIGITS = re.compile(r"(?<![\d£])\d(?:[\s.\-]*\d){9}(?![\s.\-]?\d)")
NHS_WORD = re.compile(r"\bnhs\b\W*(?:number|no|num)?", re.IGNORECASE)
PHONE = re.compile(
    r"(?<![\d£])(?:(?:\+|00)\s*44[\s().\-/]*(?:\(0\)|0)?|\(?0)[\s().\-/]*(?:\d[\s().\-/]*){8,9}\d(?![\s.\-]?\d)"
)
# Freephone, national-rate and support numbers belong to organisations, never to a person's home.
OF_ORGANISATIONS = re.compile(r"(?:0800|0808|03\d\d|084\d|087\d|0345)")
EMAIL = re.compile(
    r"([\w.+%'\-]+)\s*(?:@|\uff20|[\[({]\s*at\s*[\])}]|\s+at\s+(?=[\w\-]+\s*(?:\.|\bdot\b|[\[(]\s*dot\s*[\])])))\s*"
    r"([\w\-]+(?:\s*(?:\.|[\[(]\s*dot\s*[\])]|\s+dot\s+)\s*[\w\-]+)+)",
    re.IGNORECASE,
)
SHARED_MAILBOX = re.compile(
    r"(?:info|jobs?|hello|recruit(?:ment|ing)?|office|contact(?:us)?|enquir(?:y|ies)|inquiries|admin|hr|people|"
    r"volunteer(?:s|ing)?|apply|applications?|careers?|team|work|mail|post|reception|hiring|vacancies|support|"
    r"placements?|opportunities|training|welcome|join(?:us)?|getinvolved|shop|cafe|kitchen)"
)
PRIVATE_PROVIDERS = re.compile(
    r"(?:gmail|googlemail|hotmail|outlook|live|msn|yahoo|ymail|icloud|me|mac|aol|btinternet|sky|talktalk|virginmedia|"
    r"ntlworld|proton|protonmail|gmx|mail|zoho|tiscali|blueyonder|fastmail)\.\w+(?:\.\w+)?",
    re.IGNORECASE,
)
BORN = re.compile(
    r"\b(?:dob|d\.o\.b\.?|date of birth|birth ?date|birthday|born(?: on)?)\b\W{0,4}(?:the )?\d{1,4}(?:st|nd|rd|th)?"
    r"[\s./\-]+(?:\d{1,2}|[a-z]{3,9})[\s./\-,]+\d{2,4}",
    re.IGNORECASE,
)
BANK = re.compile(
    r"\bsort\W?code\b|\baccount\W+(?:number|no)\b\W*\d|(?<!\d)\d\d-\d\d-\d\d\W{1,20}\d{8}(?!\d)", re.IGNORECASE
)
STREET = (
    r"(?:road|rd|street|st|avenue|ave|lane|ln|close|drive|crescent|court|terrace|gardens?|grove|way|place|square|walk|"
    r"mews|hill|view|rise|green|park|row|house|flats?|cottages?|estate|parade)"
)
ADDRESS = re.compile(
    rf"\b(?:(?:flat|apartment|apt|unit|room)\s+\w{{1,4}}\W{{1,3}})?\d{{1,4}}[a-z]?\W{{1,2}}(?:[A-Z][\w'\-]+\s+){{1,4}}{STREET}\b"
    r"|\bflat\s+\d{1,4}[a-z]?\b",
    re.IGNORECASE,
)
AT_HOME = re.compile(
    r"\b(?:home address|my address|my (?:home|house|flat)|(?:his|her|their) (?:home|house|flat|address)|"
    r"lives? (?:at|in)|liv(?:es|ing) at|resid(?:es|ing|ent) (?:at|of)|c/o|care of|flat\s+\d)",
    re.IGNORECASE,
)
AROUND = 80  # characters before an address in which words may say whose home it is
MODULUS = 11  # of the check digit of an NHS number


class PersonalDataKind(StrEnum):
    """A kind of personal data in a text."""

    NI_NUMBER = "a National Insurance number"
    NHS_NUMBER = "an NHS number"
    PHONE = "a telephone number"
    EMAIL = "a personal e-mail address"
    BIRTH = "a date of birth"
    BANK = "bank details"
    HOME = "a home address"


def found(text: str, own: Iterable[str] = ()) -> Iterator[tuple[PersonalDataKind, int, int]]:
    """Yield each kind of personal data in a text, and where it begins and ends. ``own`` has public e-mail addresses."""
    for kind, pattern in (
        (PersonalDataKind.NI_NUMBER, NINO),
        (PersonalDataKind.BIRTH, BORN),
        (PersonalDataKind.BANK, BANK),
    ):
        for match in pattern.finditer(text):
            yield kind, match.start(), match.end()
    for match in TEN_DIGITS.finditer(text):
        if _is_nhs_number(text, match):
            yield PersonalDataKind.NHS_NUMBER, match.start(), match.end()
    for match in PHONE.finditer(text):
        if not OF_ORGANISATIONS.match(_national(match[0])):
            yield PersonalDataKind.PHONE, match.start(), match.end()
    yield from _emails(text, {address.casefold() for address in own})
    for match in ADDRESS.finditer(text):
        before = text[max(0, match.start() - AROUND) : match.start()]
        if AT_HOME.search(before) or AT_HOME.search(match[0]):
            yield PersonalDataKind.HOME, match.start(), match.end()


def _emails(text: str, public: Collection[str]) -> Iterator[tuple[PersonalDataKind, int, int]]:
    for match in EMAIL.finditer(text):
        if not _is_published(match, public):
            yield PersonalDataKind.EMAIL, match.start(), match.end()


def _national(number: str) -> str:
    digits = re.sub(r"\D", "", number.replace("(0)", ""))
    return "0" + digits.removeprefix("00").removeprefix("44").lstrip("0")


def _is_published(match: re.Match[str], public: Collection[str]) -> bool:
    """Return whether an address is one that an organisation publishes, such as info@ at its own domain."""
    name = match[1].casefold()
    domain = re.sub(r"\s*(?:\bdot\b|[\[(]\s*dot\s*[\])])\s*|\s", ".", match[2].casefold()).replace("..", ".")
    is_shared = SHARED_MAILBOX.fullmatch(name) is not None and PRIVATE_PROVIDERS.fullmatch(domain) is None
    return is_shared or f"{name}@{domain}" in public


def _is_nhs_number(text: str, match: re.Match[str]) -> bool:
    digits = re.sub(r"\D", "", match[0])
    is_named = NHS_WORD.search(text[max(0, match.start() - 25) : match.start()]) is not None
    remainder = sum(int(digit) * (10 - place) for place, digit in enumerate(digits[:-1])) % MODULUS
    has_check_digit = (MODULUS - remainder) % MODULUS == int(digits[-1])
    return digits[0] != "0" and (has_check_digit or is_named)


def kinds(text: str, own: Iterable[str] = ()) -> list[PersonalDataKind]:
    """Return the kinds of personal data in a text, each once."""
    return sorted({kind for kind, _, _ in found(text, own)})


def without(text: str, own: Iterable[str] = ()) -> str:
    """Return a text in which personal data is replaced by the words "removed: " and its kind.

    >>> without("Ring Sam on 07700 900123 after six.")
    'Ring Sam on [removed: a telephone number] after six.'
    """
    spans = sorted((starts, -ends, kind) for kind, starts, ends in found(text, own))
    parts, done = [], 0
    for starts, minus_ends, kind in spans:
        if starts >= done:
            parts += [text[done:starts], f"[removed: {kind}]"]
            done = -minus_ends
        elif -minus_ends > done:
            done = -minus_ends
    return "".join(parts) + text[done:]
