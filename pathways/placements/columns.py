"""The columns of the placement file: the reader of each, and other accepted spellings of its header.

Only the title and the kind are needed. What cannot be read in another cell leaves its field unknown.
"""

import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from pathways.jobseekers import formats
from pathways.placements.models import DbsLevel, PlacementKind, Remote
from pathways.placements.schemas import MOST_POUNDS
from pathways.reference import half_days
from pathways.reference.pay import REMEDY, likely_meaning
from pathways.reference.vocabularies import labels_of
from pathways.sheets import cells, header_words, slips

PLACEMENT_KIND = cells.one_of(PlacementKind)
# Kinds as people write them, beside the codes and their labels.
KINDS_IN_WORDS = {label.lower(): PlacementKind(code) for code, label in labels_of("kinds").items()} | {
    "paid job": PlacementKind.JOB_OPEN,
    "paid work": PlacementKind.JOB_OPEN,
    "job": PlacementKind.JOB_OPEN,
    "work trial": PlacementKind.WORK_TRIAL_JCP,
    "taster": PlacementKind.TASTER,
    "work shadowing": PlacementKind.SHADOWING,
    "volunteer": PlacementKind.VOLUNTEERING,
    "voluntary work": PlacementKind.VOLUNTEERING,
    "self employed": PlacementKind.SELF_EMPLOYMENT,
}
REMOTE = {
    "remote": Remote.YES,
    "fully remote": Remote.YES,
    "home based": Remote.YES,
    "on site": Remote.NO,
    "onsite": Remote.NO,
    "in person": Remote.NO,
}
DBS = {"no": DbsLevel.NONE, "not needed": DbsLevel.NONE, "not required": DbsLevel.NONE}
PLACE_UNITS = re.compile(r"\b(?:places?|posts?|vacanc(?:y|ies)|people|openings?)\b")
AGE_UNITS = re.compile(r"\b(?:years?|yrs?|yo|y/o|old|aged?|of|only|s)\b|'s\b")
PAY_UNITS = re.compile(r"\b(?:per|an|a) ?(?:hour|hr)\b|/ ?(?:hour|hr|h)\b|\bp\.? ?h\.?\b|\b(?:gbp|pounds)\b")


def _level(text: str) -> str | None:
    level = text.strip().upper().removeprefix("LEVEL ").strip() or None
    if level is not None and level not in formats.RQF_LEVELS:
        raise cells.InvalidCell(
            f"This is not an RQF level. The levels are {', '.join(formats.RQF_LEVELS)}.",
            "Correct the cell, or leave it blank.",
        )
    return level


def _needed_line(text: str) -> str:
    line = cells.as_line(text)
    if line is None:
        raise cells.InvalidCell("This field is required.", "Fill in the cell.")
    return line


def _kind(text: str) -> PlacementKind:
    kind = KINDS_IN_WORDS.get(" ".join(text.lower().split())) or PLACEMENT_KIND(text)
    if kind is None:
        raise cells.InvalidCell("This field is required.", f"Write one of {', '.join(PlacementKind)}.")
    return kind


def _places(text: str) -> int | None:
    count = cells.as_whole(text)
    if count is not None and not 1 <= count <= 500:  # noqa: PLR2004 - the same limits as in the API
        raise cells.InvalidCell("The number of places must be from 1 to 500.", "Correct the number.")
    return count


def _surest_places(words: str) -> int | None:
    """Return the number of places that a text is sure of, as 2 in "2-3" or "at least 2"."""
    found = slips.bounds(words, PLACE_UNITS)
    count = int(found[0]) if found is not None and found[0] is not None else 0
    return count if 1 <= count <= 500 else None  # noqa: PLR2004 - the same limits as in the API


def _age(text: str) -> int | None:
    age = cells.as_whole(text)
    if age is not None and not 14 <= age <= 120:  # noqa: PLR2004 - the same limits as in the API
        raise cells.InvalidCell("The age must be from 14 to 120.", "Correct the number.")
    return age


def _youngest(words: str) -> Any:
    ages = _ages(words)
    return ages and slips.Slip(words, ages[0], {"maximum_age": ages[1]} if ages[0] != ages[1] else {})


def _oldest(words: str) -> Any:
    ages = _ages(words)
    return ages and slips.Slip(words, ages[1], {"minimum_age": ages[0]} if ages[0] != ages[1] else {})


def _ages(words: str) -> tuple[int | None, int | None] | None:
    """Return the lowest and the highest age of a text, as in "16-24" or "18+"."""
    found = slips.bounds(words, AGE_UNITS)
    if found is None or any(age is not None and not 14 <= age <= 120 for age in found):  # noqa: PLR2004 - as in the API
        return None
    low, high = found
    return (None if low is None else int(low)), (None if high is None else int(high))


# Words beside an amount of pay that say it is not pay for one hour.
OTHER_PERIOD = re.compile(
    r"\b(?:p\.?\s*a\b|per annum|annum|annual|year|yr|yearly|month|monthly|pcm|week|weekly|day|daily)"
)
FOR_AN_HOUR = re.compile(r"\s*(?:\bp\s*/|/|\bper\b|\ban?\b|p\.?)?\s*(?:hour|hourly|hr|h)\b\.?$")


# A workbook may hold 12.71 as 12.710000000000001.
WORKBOOK_NOISE = Decimal("0.000001")


def _pay(text: str) -> Decimal | None:
    """Return pay for one hour in pounds. Refuse pay for another period, and name the likely period."""
    plain = text.strip().lower()
    if OTHER_PERIOD.search(plain):
        raise cells.InvalidCell("This is not pay for one hour.", REMEDY)
    digits = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", FOR_AN_HOUR.sub("", plain)).replace("gbp", "").strip()
    try:
        amount = Decimal(digits.removeprefix("£").strip())
    except InvalidOperation:
        pounds_an_hour = cells.as_number(digits)  # blank or a word for unknown, or refused
    else:
        if amount.is_finite() and amount > MOST_POUNDS:
            rule = f"Pay must be from 0 to {MOST_POUNDS:,} pounds an hour. This looks like {likely_meaning(amount)}."
            raise cells.InvalidCell(rule, REMEDY)
        if amount.is_finite() and abs(amount - round(amount, 2)) > WORKBOOK_NOISE:
            raise cells.InvalidCell("Pay has more than two decimals.", "Write the pay in pounds and whole pence.")
        pounds_an_hour = cells.as_number(str(amount))
    return pounds_an_hour


def _surest_pay(words: str) -> Decimal | None:
    """Return the pay of an hour, of a range the lowest: that is the pay which is sure."""
    found = None if OTHER_PERIOD.search(words) else slips.bounds(words, PAY_UNITS)
    lowest = found[0] if found is not None else None
    is_whole_pence = lowest is not None and lowest <= MOST_POUNDS and abs(lowest - round(lowest, 2)) <= WORKBOOK_NOISE
    return lowest if is_whole_pence else None


def _postcode(text: str) -> Any:
    line = slips.line()(text)
    if isinstance(line, slips.Slip):
        return replace(line, value=formats.read_postcode(line.value).value)
    found = formats.read_postcode(line)
    return slips.Slip(found.words, found.value, rule=slips.READ_PARTLY) if found.words else found.value


OPEN_TO_ALL = re.compile(
    r"^(?:-+|n/?a|nil|no(?:ne|body|t applicable|t ring[ -]?fenced| restrictions?| limits?| one)?|any(?:one|body)?|all"
    r"|every(?:one|body)|open(?: to (?:all|any(?:one|body)|every(?:one|body)))?|unrestricted"
    r"|all (?:welcome|groups))[. !]*$",
    re.IGNORECASE,
)


def _ring_fenced_for(text: str) -> Any:
    """Read the group for which a listing is reserved. Words such as "open to all" reserve it for nobody."""
    return None if OPEN_TO_ALL.match(text.strip()) else slips.line()(text)


def _email(text: str) -> str | None:
    line = cells.as_line(text.lstrip("'"))
    if line is not None and formats.emails_in(line) != [line]:
        raise cells.InvalidCell("This is not an e-mail address.", "Correct the address, or leave the cell blank.")
    return line


def _email_in_words(words: str) -> str | None:
    """Return the first e-mail address in a text, as in "Jane Hall <jane@example.org>"."""
    return next(iter(formats.emails_in(words)), None)


READERS: dict[str, cells.Reader] = {
    "placement_ref": slips.lenient(cells.as_line),
    "social_enterprise": cells.line(200),
    "company_number": slips.lenient(cells.line(60)),
    "charity_number": slips.lenient(cells.line(60)),
    "title": _needed_line,
    "occupation": slips.line(),
    "kind": _kind,
    "description": slips.paragraph,
    "essential_skills": slips.lines,
    "desirable_skills": slips.lines,
    "qualifications_needed": slips.lenient(_level, formats.level_in_words),
    "licences_needed": slips.lines,
    "training_given": slips.lines,
    "postcode": _postcode,
    "remote": slips.one_of(Remote, REMOTE),
    "half_days": slips.lenient(
        half_days.read_cell, half_days.parse_words, lambda bits: slips.read_as([half_days.text_of(bits)])
    ),
    "hours_per_week": slips.hours_per_week,
    "hours_flexible": slips.yes_no,
    "starts_on": slips.day,
    "ends_on": slips.day,
    "closes_on": slips.day,
    "places": slips.lenient(_places, _surest_places),
    "pay_per_hour_pounds": slips.certain(slips.lenient(_pay, _surest_pay)),
    "minimum_age": slips.certain(slips.lenient(_age, _youngest)),
    "maximum_age": slips.certain(slips.lenient(_age, _oldest)),
    "ring_fenced_for": _ring_fenced_for,
    "legal_basis": slips.line(),
    "dbs_level": slips.certain(slips.one_of(DbsLevel, DBS)),
    "right_to_work_needed": slips.yes_no,
    "adjustments_offered": slips.lines,
    "environment": slips.lines,
    "support_offered": slips.lines,
    "contact_email": slips.lenient(_email, _email_in_words, lambda _: slips.READ_PARTLY),
}
ALIASES = {header_words.normal(name): name for name in READERS} | {
    "slots": "half_days",
    "available": "half_days",
    "job title": "title",
    "role": "title",
    "employer": "social_enterprise",
    "organisation": "social_enterprise",
    "post code": "postcode",
    "pay per hour": "pay_per_hour_pounds",
    "hourly rate": "pay_per_hour_pounds",
    "hours": "hours_per_week",
    "start date": "starts_on",
    "end date": "ends_on",
    "closing date": "closes_on",
    "reference": "placement_ref",
    "dbs": "dbs_level",
}
