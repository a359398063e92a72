"""Formats of company and charity numbers; a number that does not fit is a warning, not a wall."""

import re

from pathways.organisations.models import Organisation

# Companies House prefixes, and registered societies (domain reference 5.2).
COMPANY = re.compile(
    r"^(?:\d{8}|(?:AC|CE|CS|FC|GE|GS|IC|LP|NC|NF|NI|NL|NO|NP|OC|OE|PC|R0|RC|SA|SC|SE|SF|SG|SI|SL|SO|SR|SZ|ZC)\d{6}"
    r"|(?:IP|SP|RS)[A-Z0-9]{6})$"
)
CHARITY = re.compile(r"^(?:\d{6,7}(?:-\d+)?|SC\d{6}|NIC\d{6})$")
COMPANY_LENGTH = 8


def padded_company_number(number: str | None) -> str | None:
    """Companies House numbers are eight long; spreadsheets eat the zeros at the front."""
    if number is None:
        return None
    compact = number.replace(" ", "").upper()
    return compact.zfill(COMPANY_LENGTH) if compact.isdigit() else compact


def warnings_of(organisation: Organisation) -> list[str]:
    warnings = []
    if organisation.company_number and not COMPANY.match(organisation.company_number):
        warnings.append("company_number is not one that Companies House gives; check it.")
    if organisation.charity_number and not CHARITY.match(organisation.charity_number.upper()):
        warnings.append("charity_number is not one that a charity regulator gives; check it.")
    return warnings
