"""Company and charity numbers: tidied as people write them, checked, and given the code of their public register.

A number in an unknown format causes a warning and is still accepted, but it is never published. A placeholder such as
"n/a" or 00000000 is no number. Also: which mailbox an e-mail address belongs to.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from pathways.organisations.models import Organisation, OrganisationKind

# Companies House prefixes, and registered societies.
PREFIXES = "AC|CE|CS|FC|GE|GS|IC|LP|NC|NF|NI|NL|NO|NP|OC|OE|PC|R0|RC|SA|SC|SE|SF|SG|SI|SL|SO|SR|SZ|ZC"
COMPANY = re.compile(rf"^(?:\d{{8}}|(?:{PREFIXES})\d{{6}}|(?:IP|SP|RS)[A-Z0-9]{{6}})$")
SOCIETY = re.compile(r"^(?:IP|SP|RS)")
CHARITY = re.compile(r"^(?:\d{6,7}(?:-\d+)?|SC\d{6}|NIC\d{6})$")
GMAIL = frozenset({"gmail.com", "googlemail.com"})
COMPANY_LENGTH, LETTERED_DIGITS = 8, 6
LABEL = re.compile(
    r"\b(?:REGISTERED|REGISTRATION|REGD|REG|COMPANIES|COMPANY|HOUSE|CHARITY|CRN|NUMBER|NUM|NO|IN|WALES)\b"
)
COUNTED_UP = frozenset({"123456", "1234567", "12345678"})


class Identifier(NamedTuple):
    """A number in a public register: the code of the register at org-id.guide, its name, and the number."""

    scheme: str
    register: str
    number: str


def _compact(text: str | None) -> str:
    """Return the number in a text, without labels, spaces and the decimals that a spreadsheet adds."""
    plain = LABEL.sub(" ", (text or "").upper())
    return re.sub(r"[^A-Z0-9-]", "", re.sub(r"\.0+\s*$", "", plain)).strip("-")


def is_placeholder(number: str) -> bool:
    """Return whether a text identifies nothing: no digit, one digit repeated, or digits counted up."""
    digits = re.sub(r"\D", "", number)
    return not digits or len(set(digits)) == 1 or number in COUNTED_UP


def company_number(text: str | None) -> str | None:
    """Return a company number with eight characters, because spreadsheets drop zeros; None for a placeholder."""
    compact = _compact(text).replace("-", "")
    if is_placeholder(compact):
        return None
    if compact.isdigit():
        return compact.zfill(COMPANY_LENGTH)
    lettered = re.fullmatch(rf"({PREFIXES}|IP|SP|RS)(\d{{1,{LETTERED_DIGITS}}})", compact)
    return lettered[1] + lettered[2].zfill(LETTERED_DIGITS) if lettered else compact


def charity_number(text: str | None) -> str | None:
    """Return a charity number as its register writes it; None for a placeholder."""
    compact = _compact(text)
    if is_placeholder(compact) or is_placeholder(compact.partition("-")[0]):  # 1234567-1 is a charity linked to 1234567
        return None
    lettered = re.fullmatch(rf"(SC|NIC)O?(\d{{1,{LETTERED_DIGITS}}})", compact)  # SCO12345 has the letter O for a zero
    return lettered[1] + lettered[2].zfill(LETTERED_DIGITS) if lettered else compact


def identifiers(company: str | None, charity: str | None) -> Iterator[Identifier]:
    """Yield the numbers of an organisation that are in the format of a public register."""
    number = company_number(company)
    if number is not None and COMPANY.match(number):
        if SOCIETY.match(number):
            yield Identifier("GB-MPR", "Mutuals Public Register", number)
        else:
            yield Identifier("GB-COH", "Companies House", number)
    number = charity_number(charity)
    if number is not None and CHARITY.match(number):
        if number.startswith("SC"):
            yield Identifier("GB-SC", "Scottish Charity Register", number)
        elif number.startswith("NIC"):
            yield Identifier("GB-NIC", "Charity Commission for Northern Ireland", number)
        else:
            yield Identifier("GB-CHC", "Charity Commission", number)


# A host, then a path, query and fragment of the characters that a URI may have (RFC 3986).
WEBSITE = (
    r"^https?://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]{1,5})?"
    r"([/?#]([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(#([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?)?$"
)
PUBLIC_EMAIL = (
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$"
)


def valid(pattern: str, text: str | None) -> str | None:
    """Return a text if it fits a pattern of this module, else None: the public feed leaves out what is invalid."""
    return text if text is not None and re.search(pattern, text) and not text.endswith("\n") else None


def mailbox(email: str) -> str:
    """Return the mailbox that an e-mail address leads to. Two users with one mailbox are one person.

    ``ada+work@example.org`` leads to the mailbox of ``ada@example.org``. In Gmail, dots do not count either.
    """
    name, _, domain = unicodedata.normalize("NFKC", email).strip().casefold().rpartition("@")
    name = name.split("+", 1)[0] or name
    if domain in GMAIL:
        return f"{name.replace('.', '')}@gmail.com"
    return f"{name}@{domain}"


def warnings_of(organisation: Organisation) -> list[str]:
    """Return a warning for each number in an unknown format, and if the public feed has no address to write to."""
    warnings = []
    if organisation.company_number and not COMPANY.match(organisation.company_number):
        warnings.append(
            "The company number (company_number) is not like a Companies House number, so it is not published."
            " Check it."
        )
    if organisation.charity_number and not CHARITY.match(organisation.charity_number):
        warnings.append(
            "The charity number (charity_number) is not like a UK charity number, so it is not published. Check it."
        )
    if organisation.kind is OrganisationKind.SOCIAL_ENTERPRISE and not organisation.public_email:
        warnings.append(
            "There is no public e-mail address (public_email), so the public feed gives the address of the"
            " operator, if there is one. Add one."
        )
    return warnings
