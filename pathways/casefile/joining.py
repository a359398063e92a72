"""What a merged record takes over from the other record: blank fields are filled, and what protects is joined.

Nothing that protects the jobseeker may stay in a record that nobody opens. So texts about safe contact, lists of what
to avoid and of adjustments, notes, experiences and barriers of both records are kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pathways.errors import Conflict
from pathways.jobseekers import formats
from pathways.jobseekers.details import Details
from pathways.jobseekers.models import DETAIL_NAMES, PROFILE_NAMES

BLANK: tuple[Any, ...] = (None, "", [])
# Contact fields: none of them is copied if either record has a value in one of the ``WITHHELD`` fields.
REACHED_BY = ("phone", "email", "postcode")
WITHHELD = ("contact_withheld_reason", "safe_contact")
HOURS = ("hours_min", "hours_max")
# Lists of which a jobseeker needs every line.
PROTECTIVE_LISTS = ("avoid", "adjustments")
ACCOMPANYING_TEXTS, ACCOMPANYING_LISTS = ("own_words", "note"), ("experiences", "barriers")
ACCOMPANYING = (*ACCOMPANYING_TEXTS, *ACCOMPANYING_LISTS)
LONGEST = 300
WHAT = {"contact_withheld_reason": "why contact details must not be shared", "safe_contact": "how contact is safe"}


class DifferToSettle(Conflict):
    """A protective text of both records is too long to keep both, so a person must settle it first."""

    title = "The two records differ in what protects the jobseeker"


def new_details(kept: Details, taken: Details) -> dict[str, Any]:
    """Return the details that the kept record takes: values of its blank fields, and joined protective texts."""
    names: Sequence[str] = DETAIL_NAMES
    if any(getattr(details, name) not in BLANK for details in (kept, taken) for name in WITHHELD):
        names = [name for name in DETAIL_NAMES if name not in REACHED_BY]
    names = [name for name in names if name != "as_written"]
    filled = missing(kept.as_dict(), taken.as_dict(), names)
    words = {
        name: text
        for name, text in (taken.as_written or {}).items()
        if name in names and getattr(kept, name) in BLANK and name not in (kept.as_written or {})
    }
    if words:
        filled["as_written"] = dict(kept.as_written or {}) | words
    for name in WITHHELD:
        both = joined_text(getattr(kept, name), getattr(taken, name), " / ")
        if both != getattr(kept, name) and both is not None:
            filled[name] = _fitting(name, both)
    if taken.interpreter_needed and not kept.interpreter_needed:
        filled["interpreter_needed"] = True
    return filled


def _fitting(name: str, both: str) -> str:
    if len(both) > LONGEST:
        raise DifferToSettle(
            f"Both records say {WHAT[name]}, in different words ({name}). Together they are longer than {LONGEST}"
            " characters. Shorten the text of one record so that it says everything, then merge."
        )
    return both


def new_columns(kept: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, Any]:
    """Return the profile fields that the kept record takes: values of its blank fields, and joined protective lists."""
    filled = missing(kept, taken, PROFILE_NAMES)
    if formats.hours_are_crossed({**kept, **filled}):
        filled = {name: value for name, value in filled.items() if name not in HOURS}
    for name in PROTECTIVE_LISTS:
        both = joined_list(kept[name], taken[name])
        if both != kept[name]:
            filled[name] = both
    if taken["can_travel_alone"] is False and kept["can_travel_alone"] is not False:
        filled["can_travel_alone"] = False
    return filled


def accompanying(kept: Any, taken: Any) -> dict[str, Any]:
    """Return the texts, experiences and barriers of two profile versions together. Either may be None."""
    texts = {
        name: joined_text(getattr(kept, name, None), getattr(taken, name, None), "\n\n") for name in ACCOMPANYING_TEXTS
    }
    lists = {name: joined_list(getattr(kept, name, None), getattr(taken, name, None)) for name in ACCOMPANYING_LISTS}
    return texts | lists


def missing(kept: Mapping[str, Any], taken: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the fields that are blank in the kept record and filled in the merged record."""
    return {name: taken[name] for name in names if kept[name] in BLANK and taken[name] not in BLANK}


def joined_text(first: str | None, second: str | None, between: str) -> str | None:
    """Return two texts together, or the one that holds the other."""
    if not first or not second:
        return first or second
    if second.casefold() in first.casefold():
        return first
    return second if first.casefold() in second.casefold() else f"{first}{between}{second}"


def joined_list(first: list[Any] | None, second: list[Any] | None) -> list[Any] | None:
    """Return the lines of the first list, then those of the second that the first lacks."""
    if not first or not second:
        return first or second
    return [*first, *(line for line in second if line not in first)]
