"""What a row of a file may change in the referral that has its reference: not whom it is about, and nothing to less.

People write "TBC" or the number of the row as a reference, and "n/a" where they said more before.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from pathways.database import Session
from pathways.imports import surroundings
from pathways.jobseekers import formats, identify, joining, placeholders
from pathways.jobseekers.details import PLACEHOLDERS, Details
from pathways.jobseekers.models import MOST_JOINED
from pathways.referrals.content import ReferralContent
from pathways.referrals.template import IF_LOST

KEPT = "This stands for a value that is not known, so the value on record was kept."
OF_ANOTHER = (
    "A referral with this reference is on record, and it is about somebody else: names and other details differ."
    " Nothing was changed."
)
GIVE_OWN_REFERENCE = (
    "Give this person's referral a reference of its own. If it is the same person, correct the names by hand first."
)
# Texts that stand for words of a file that could not be read, or that protect everybody in it.
STANDARD = frozenset({text for name, text in IF_LOST.items() if name != "restricted"} | surroundings.TEXTS)
# Of two records that are compared alone: the prior odds are even, so only what the details say counts.
AMONG_TWO, LEAST_ALIKE = 2.0, 0.1


def is_about_another(session: Session, before: ReferralContent, row: ReferralContent) -> bool:
    """Return whether a row is about another person than the referral whose reference it has.

    A corrected name or date of birth, a family name that was changed, and any names with the same date of birth, NI or
    NHS number are the same person's.
    """
    stored, said = (identify.identity(session, key, one.details) for key, one in (("stored", before), ("row", row)))
    has_same_number = any(said.identifiers.get(kind) == value for kind, value in stored.identifiers.items())
    if not (any(stored.names) and any(said.names)) or has_same_number or (stored.day and stored.day == said.day):
        return False
    return identify.model().verdict(stored, said, AMONG_TWO).probability < LEAST_ALIKE


def placeholders_over_values(values: Mapping[str, Any], before: ReferralContent, today: date) -> set[str]:
    """Return the fields of a row whose placeholder would replace a real value of the referral, so that it is kept."""
    said: Details = values["content"].details
    words, stood_for = said.as_written or {}, said.placeholders(today)
    known = before.details.known(today)
    found = {
        name
        for name in (*PLACEHOLDERS, "date_of_birth")
        if getattr(known, name) and (name in stood_for or (getattr(said, name) is None and name in words))
    }
    if known.date_of_birth and "date_of_birth" in stood_for:
        found.add("date_of_birth")
    return found | {
        name
        for name in joining.WITHHELD
        if getattr(before.details, name) and getattr(said, name) and placeholders.says_nothing(getattr(said, name))
    }


def given_in(values: Mapping[str, Any], before: ReferralContent, kept: Collection[str] = ()) -> dict[str, Any]:
    """Return the content of a row as a change to a referral. A blank cell is None and changes nothing.

    Nor does a cell of a field in ``kept``.
    """
    content: ReferralContent = values["content"]
    given = content.as_dict() | {"is_restricted": values["is_restricted"]}
    if values["safe_contact"] is None:
        # Words beside a telephone number are added to what was said before about contact, never put in its place.
        joined = formats.joined_text(before.details.safe_contact, content.details.safe_contact, "; ")
        given["safe_contact"] = joined and joined[:MOST_JOINED]
    for name in joining.WITHHELD:
        # The file only says that something was lost or written around its table, so what is on record stays too.
        said, stored = getattr(content.details, name), getattr(before.details, name)
        if said and stored and any(standard in said for standard in STANDARD):
            given[name] = (formats.joined_text(stored, said, " / ") or stored)[:MOST_JOINED]
    if kept:
        words = {name: said for name, said in (given["as_written"] or {}).items() if name not in kept}
        given |= dict.fromkeys(kept) | {"as_written": words or None}
    return given
