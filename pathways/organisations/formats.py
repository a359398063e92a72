"""Formats of company and charity numbers. A number in an unknown format causes a warning and is still accepted."""

import re

from pathways.organisations.models import Organisation

# Companies House prefixes, and registered societies.
COMPANY = re.compile(
    r"^(?:\d{8}|(?:AC|CE|CS|FC|GE|GS|IC|LP|NC|NF|NI|NL|NO|NP|OC|OE|PC|R0|RC|SA|SC|SE|SF|SG|SI|SL|SO|SR|SZ|ZC)\d{6}"
    r"|(?:IP|SP|RS)[A-Z0-9]{6})$"
)
CHARITY = re.compile(r"^(?:\d{6,7}(?:-\d+)?|SC\d{6}|NIC\d{6})$")
COMPANY_LENGTH = 8


def padded_company_number(number: str | None) -> str | None:
    """Return a Companies House number padded to eight characters, because spreadsheets drop leading zeros."""
    if number is None:
        return None
    compact = number.replace(" ", "").upper()
    return compact.zfill(COMPANY_LENGTH) if compact.isdigit() else compact


def warnings_of(organisation: Organisation) -> list[str]:
    """Return a warning for each number of an organisation that has an unknown format."""
    warnings = []
    if organisation.company_number and not COMPANY.match(organisation.company_number):
        warnings.append("The company_number does not have the format of a Companies House number. Check it.")
    if organisation.charity_number and not CHARITY.match(organisation.charity_number.upper()):
        warnings.append("The charity_number does not have the format of a UK charity number. Check it.")
    return warnings
