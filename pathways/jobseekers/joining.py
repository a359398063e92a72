"""What a record takes over from a merged record or from a later referral. What protects is joined, never replaced.

Nothing that protects the jobseeker may stay in a record or a referral that nobody opens. So texts about safe contact,
lists of what to avoid and of adjustments, notes, experiences and barriers of both are kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from pathways.errors import Conflict
from pathways.jobseekers import formats
from pathways.jobseekers.details import Details
from pathways.jobseekers.models import DETAIL_NAMES, MOST_JOINED, PROFILE_NAMES

BLANK: tuple[Any, ...] = (None, "", [])
# Contact fields: none of them is copied if either record has a value in one of the ``WITHHELD`` fields.
REACHED_BY = ("phone", "email", "postcode")
WITHHELD = ("contact_withheld_reason", "safe_contact")
HOURS = ("hours_min", "hours_max")
# Lists of which a jobseeker needs every line.
PROTECTIVE_LISTS = ("avoid", "adjustments")
ACCOMPANYING_TEXTS, ACCOMPANYING_LISTS = ("own_words", "note"), ("experiences", "barriers")
ACCOMPANYING = (*ACCOMPANYING_TEXTS, *ACCOMPANYING_LISTS)
WHAT = {"contact_withheld_reason": "why contact details must not be shared", "safe_contact": "how contact is safe"}


class DifferToSettle(Conflict):
    """A protective text of both records is too long to keep both, so a person must settle it first."""

    title = "The two records differ in what protects the jobseeker"


def new_details(kept: Details, taken: Details, today: date) -> dict[str, Any]:
    """Return the details that the kept record takes: values of its blank fields, and joined protective texts.

    A placeholder of the kept record, such as "unknown" or a date of birth in 1900, is replaced by a real value.
    """
    names: Sequence[str] = DETAIL_NAMES
    if any(getattr(details, name) not in BLANK for details in (kept, taken) for name in WITHHELD):
        names = [name for name in DETAIL_NAMES if name not in REACHED_BY]
    names = [name for name in names if name != "as_written"]
    filled = missing(kept.as_dict(), taken.as_dict(), names)
    unknown = kept.placeholders(today) & set(names)
    filled |= missing(kept.known(today).as_dict(), taken.known(today).as_dict(), sorted(unknown))
    if "birth_year" in filled and "date_of_birth" in unknown - filled.keys():
        filled["date_of_birth"] = None  # a year that is known says more than a date that stands for none
    words = {
        name: text
        for name, text in (taken.as_written or {}).items()
        if name in names
        and (getattr(kept, name) in BLANK or name in unknown)
        and (name not in (kept.as_written or {}) or name in filled)
    }
    if words:
        filled["as_written"] = dict(kept.as_written or {}) | words
    protective = protective_details(kept, taken)
    must_fit(protective)
    return filled | protective


def must_fit(protective: Mapping[str, Any]) -> None:
    """Refuse joined texts that are too long to store."""
    for name in WITHHELD:
        if len(protective.get(name, "")) > MOST_JOINED:
            raise DifferToSettle(
                f"Both records say {WHAT[name]}, in different words ({name}). Together they are longer than"
                f" {MOST_JOINED} characters. Shorten the text of one record so that it says everything, then try again."
            )


def protective_details(kept: Details, said: Details) -> dict[str, Any]:
    """Return the details that protect the jobseeker and change by what is said now: texts are joined.

    A joined text may be longer than ``MOST_JOINED``.
    """
    joined = {name: formats.joined_text(getattr(kept, name), getattr(said, name), " / ") for name in WITHHELD}
    new: dict[str, Any] = {name: both for name, both in joined.items() if both and both != getattr(kept, name)}
    if said.interpreter_needed and not kept.interpreter_needed:
        new["interpreter_needed"] = True
    return new


def protective_since(then: Details, now: Details) -> dict[str, Any]:
    """Return the details that protect the jobseeker in ``now`` and did not in ``then``."""
    names = (*WITHHELD, "interpreter_needed")
    return {
        name: getattr(now, name) for name in names if getattr(now, name) not in {None, "", False, getattr(then, name)}
    }


def protective_columns_since(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the profile fields that protect the jobseeker in ``now`` and did not in ``then``; of lists, new lines."""
    new: dict[str, Any] = {
        name: lines
        for name in PROTECTIVE_LISTS
        if (lines := [line for line in now[name] or () if line not in (then[name] or ())])
    }
    if now["can_travel_alone"] is False and then["can_travel_alone"] is not False:
        new["can_travel_alone"] = False
    return new


def protected(said: Details, record: Details) -> Details:
    """Return the details of a referral with what the record says now about safe contact."""
    return replace(said, safe_contact=formats.joined_text(record.safe_contact, said.safe_contact, " / "))


def new_columns(kept: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, Any]:
    """Return the profile fields that the kept record takes: values of its blank fields, and joined protective lists."""
    filled = missing(kept, taken, PROFILE_NAMES)
    if formats.hours_are_crossed({**kept, **filled}):
        filled = {name: value for name, value in filled.items() if name not in HOURS}
    return filled | protective_columns(kept, taken)


def protective_columns(kept: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the profile fields that protect the jobseeker and change by what is said now: lists are joined."""
    joined = {name: joined_list(kept[name], said.get(name)) for name in PROTECTIVE_LISTS}
    new: dict[str, Any] = {name: both for name, both in joined.items() if both != kept[name]}
    if said.get("can_travel_alone") is False and kept["can_travel_alone"] is not False:
        new["can_travel_alone"] = False
    return new


def accompanying(kept: Any, taken: Any) -> dict[str, Any]:
    """Return the texts, experiences and barriers of two profile versions together. Either may be None."""
    texts = {
        name: formats.joined_text(getattr(kept, name, None), getattr(taken, name, None), "\n\n")
        for name in ACCOMPANYING_TEXTS
    }
    lists = {name: joined_list(getattr(kept, name, None), getattr(taken, name, None)) for name in ACCOMPANYING_LISTS}
    return texts | lists


def missing(kept: Mapping[str, Any], taken: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the fields that are blank in the kept record and filled in the merged record."""
    return {name: taken[name] for name in names if kept[name] in BLANK and taken[name] not in BLANK}


def joined_list(first: list[Any] | None, second: list[Any] | None) -> list[Any] | None:
    """Return the lines of the first list, then those of the second that the first lacks."""
    if not first or not second:
        return first or second
    return [*first, *(line for line in second if line not in first)]
