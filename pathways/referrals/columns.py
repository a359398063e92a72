"""The columns of the referral file: the field that each fills, its reader, and other accepted spellings of its header.

Only a name and the day of the referral are needed. What cannot be read in another cell leaves its field unknown.
"""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pathways.base import local_day, utc_now
from pathways.jobseekers import formats
from pathways.jobseekers.models import EverPaidWork, RightToWork
from pathways.reference import half_days, tables
from pathways.referrals.models import SourceType
from pathways.sheets import cells, header_words, slips

MODES = ("walk", "bicycle", "bus", "tube", "train", "car")
MODE_NAMES = {mode: mode for mode in MODES} | {
    "walking": "walk",
    "walks": "walk",
    "foot": "walk",
    "bike": "bicycle",
    "cycle": "bicycle",
    "cycles": "bicycle",
    "cycling": "bicycle",
    "buses": "bus",
    "underground": "tube",
    "metro": "tube",
    "rail": "train",
    "trains": "train",
    "overground": "train",
    "drive": "car",
    "drives": "car",
    "driving": "car",
}
WITH_A_MODE = frozenset(["by", "on", "own", "a", "the", "my", "local", "pass", "card", "only", "uses", "use", "and"])
EVER_PAID = {"yes": EverPaidWork.YES, "no": EverPaidWork.NO, "never": EverPaidWork.NO}
SOURCES = {
    "jobcentre": SourceType.JCP,
    "job centre": SourceType.JCP,
    "jobcentre plus": SourceType.JCP,
    "job centre plus": SourceType.JCP,
    "dwp": SourceType.JCP,
    "adult social care": SourceType.ASC,
    "social services": SourceType.ASC,
    "social care": SourceType.ASC,
    "self referral": SourceType.SELF,
    "self referred": SourceType.SELF,
    "nhs": SourceType.HEALTH,
    "gp": SourceType.HEALTH,
    "charity": SourceType.VCSE,
    "voluntary sector": SourceType.VCSE,
    "education": SourceType.EDU,
    "college": SourceType.EDU,
    "school": SourceType.EDU,
    "probation service": SourceType.PROBATION,
}


def _level(text: str) -> str | None:
    """Return the highest of the RQF levels in a text, separated by semicolons; None if it names no level."""
    levels = []
    for item in text.split(";"):
        level = item.strip().upper().removeprefix("LEVEL ").removeprefix("L").strip()
        if level and level.lower() not in cells.UNKNOWN:
            if level not in formats.RQF_LEVELS:
                raise cells.InvalidCell(
                    "This is not an RQF level.", f"Write {', '.join(formats.RQF_LEVELS)}, or leave the cell blank."
                )
            levels.append(level)
    return max(levels, key=formats.RQF_LEVELS.index) if levels else None


def _modes(text: str) -> list[str] | None:
    items = cells.as_list(text.lower())
    if items is None:
        return None
    if any(item not in MODE_NAMES for item in items):
        raise cells.InvalidCell(
            "This is not a known way of travelling.", f"Write {', '.join(MODES)}, or leave the cell blank."
        )
    return list(dict.fromkeys(MODE_NAMES[item] for item in items))


def _modes_in_words(words: str) -> list[str] | None:
    """Return the ways of travelling in a text, as in "bus pass, tube"; None if there is none, as in "no car"."""
    found = []
    for item in re.split(r"[;,/&+]|\band\b|\bor\b", words.casefold()):
        parts = [part for part in re.findall(r"[a-z']+", item) if part not in WITH_A_MODE]
        if len(parts) == 1 and parts[0] in MODE_NAMES:
            found.append(MODE_NAMES[parts[0]])
        elif re.search(r"\b(?:no|not|never|can'?t|cannot|don'?t|without|except|but)\b", item):
            return None
    return list(dict.fromkeys(found)) or None


def _most_hours() -> Decimal:
    return tables.limit("highest_hours_per_week", local_day(utc_now()))


YES_TO_WORK = "'Yes' does not say what was seen, so the field is left unknown."
WHICH_RIGHT = (
    "Write: unrestricted (no limit), time_limited (until a date), not_evidenced (says yes, nothing seen), no, or"
    " unknown."
)
_read_right = slips.one_of(RightToWork)


def _right_to_work(text: str) -> Any:
    """Read what is known about the right to work. A plain yes is no answer: the law asks what was seen."""
    found = _read_right(text)
    if isinstance(found, slips.Slip) and found.value is None and slips.is_yes(found.words):
        return replace(found, rule=YES_TO_WORK, remedy=WHICH_RIGHT)
    return found


# Column of the file -> (name of our field, reader of the cell).
COLUMNS: dict[str, tuple[str, cells.Reader]] = {
    "referral_ref": ("ref", slips.lenient(cells.as_line)),
    "source_type": ("source_type", slips.one_of(SourceType, SOURCES)),
    "referring_organisation": ("referring_organisation", cells.line(200)),
    "referrer_name": ("referrer_name", slips.line()),
    "referrer_email": ("referrer_email", slips.line()),
    "referred_on": ("referred_on", slips.needed_day),
    "reason": ("referred_because", slips.paragraph),
    "urgency": ("urgency", slips.line()),
    "restricted": ("is_restricted", slips.restricted),
    "given_name": ("given_name", cells.as_line),
    "family_name": ("family_name", cells.as_line),
    "known_as": ("known_as", slips.line()),
    "date_of_birth": ("date_of_birth", slips.date_of_birth),
    "nino": ("nino", slips.line()),
    "nhs_number": ("nhs_number", slips.line()),
    "council_person_id": ("council_person_id", slips.line()),
    "email": ("email", slips.line()),
    "phone": ("phone", slips.protective),
    "postcode": ("postcode", slips.line()),
    "contact_withheld_reason": ("contact_withheld_reason", slips.reason_to_protect),
    "safe_contact": ("safe_contact", slips.protective),
    "language": ("language", slips.line()),
    "interpreter_needed": ("interpreter_needed", slips.yes_no),
    "ever_paid_work": ("ever_paid_work", slips.one_of(EverPaidWork, EVER_PAID)),
    "right_to_work": ("right_to_work", _right_to_work),
    "aspirations": ("aspirations", slips.lines),
    "avoid": ("avoid", slips.lines),
    "skills": ("skills", slips.lines),
    "qualifications": ("qualification_level", slips.lenient(_level, formats.level_in_words)),
    "licences": ("licences", slips.lines),
    "hours_min": ("hours_min", slips.hours_min(_most_hours)),
    "hours_max": ("hours_max", slips.hours_max(_most_hours)),
    "half_days": (
        "half_days",
        slips.lenient(
            half_days.read_cell, half_days.parse_words, lambda bits: slips.read_as([half_days.text_of(bits)])
        ),
    ),
    "earliest_start_on": ("earliest_start_on", slips.day),
    "travel_modes": ("travel_modes", slips.lenient(_modes, _modes_in_words)),
    "max_travel_minutes": ("max_travel_minutes", slips.max_travel_minutes),
    "can_travel_alone": ("can_travel_alone", slips.yes_no),
    "adjustments": ("adjustments", slips.lines),
    "environment": ("environment", slips.lines),
    "benefits": ("benefits", slips.lines),
    # Permission is what the jobseeker said, so it is never worked out from more words than yes or no.
    "permission_to_share": ("permission_to_share", slips.permission),
    "permission_recorded_on": ("permission_recorded_on", slips.day),
}
READERS = {column: reader for column, (_, reader) in COLUMNS.items()}
ALIASES = {header_words.normal(name): name for name in COLUMNS} | {
    "available": "half_days",
    "availability": "half_days",
    "slots": "half_days",
    "referral reference": "referral_ref",
    "reference": "referral_ref",
    "source": "source_type",
    "organisation": "referring_organisation",
    "date referred": "referred_on",
    "referral date": "referred_on",
    "first name": "given_name",
    "forename": "given_name",
    "given names": "given_name",
    "surname": "family_name",
    "last name": "family_name",
    "preferred name": "known_as",
    "dob": "date_of_birth",
    "birth date": "date_of_birth",
    "ni number": "nino",
    "ni no": "nino",
    "national insurance number": "nino",
    "nhs no": "nhs_number",
    "nhs": "nhs_number",
    "las id": "council_person_id",
    "mosaic id": "council_person_id",
    "person id": "council_person_id",
    "e mail": "email",
    "email address": "email",
    "telephone": "phone",
    "mobile": "phone",
    "phone number": "phone",
    "post code": "postcode",
    "job goal": "aspirations",
    "job goals": "aspirations",
    "min hours wk": "hours_min",
    "max hours wk": "hours_max",
    "min hours": "hours_min",
    "max hours": "hours_max",
    "first language": "language",
    "interpreter": "interpreter_needed",
    "rtw": "right_to_work",
    "travel": "travel_modes",
    "consent to share": "permission_to_share",
}
OURS_TO_COLUMN = {ours: column for column, (ours, _) in COLUMNS.items()} | {"birth_year": "date_of_birth"}
