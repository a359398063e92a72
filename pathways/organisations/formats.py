"""Formats of company and charity numbers and of e-mail addresses. An unknown format causes a warning only."""

import re
import unicodedata

from pathways.organisations.models import Organisation

# Companies House prefixes, and registered societies.
COMPANY = re.compile(
    r"^(?:\d{8}|(?:AC|CE|CS|FC|GE|GS|IC|LP|NC|NF|NI|NL|NO|NP|OC|OE|PC|R0|RC|SA|SC|SE|SF|SG|SI|SL|SO|SR|SZ|ZC)\d{6}"
    r"|(?:IP|SP|RS)[A-Z0-9]{6})$"
)
CHARITY = re.compile(r"^(?:\d{6,7}(?:-\d+)?|SC\d{6}|NIC\d{6})$")
COMPANY_LENGTH = 8
GMAIL = frozenset({"gmail.com", "googlemail.com"})


def padded_company_number(number: str | None) -> str | None:
    """Return a Companies House number padded to eight characters, because spreadsheets drop leading zeros."""
    if number is None:
        return None
    compact = number.replace(" ", "").upper()
    return compact.zfill(COMPANY_LENGTH) if compact.isdigit() else compact


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
    """Return a warning for each number of an organisation that has an unknown format."""
    warnings = []
    if organisation.company_number and not COMPANY.match(organisation.company_number):
        warnings.append("The company_number does not have the format of a Companies House number. Check it.")
    if organisation.charity_number and not CHARITY.match(organisation.charity_number.upper()):
        warnings.append("The charity_number does not have the format of a UK charity number. Check it.")
    return warnings
