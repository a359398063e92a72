"""How many different people share a contact detail: a person's own several records count once.

A detail that many different people have is suspected to be an office's, a supporter's or a hostel's. Two records that
may be one person, without regard to the detail in question, count as one.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import replace
from itertools import islice
from typing import Any

from matching.people.compare import Field
from matching.people.identity import Identity
from matching.people.linkage import LEAST_DOUBTFUL, SHARED_BY_MANY, Linkage

# Two records with one name and one telephone are one person here, so they are compared as if there were few others.
AMONG_FEW = 2.0
MOST_COMPARED = 60


def count_different(linkage: Linkage, records: Iterable[Identity], shared: str) -> int:
    """Return how many different people these records are about, counting no further than ``SHARED_BY_MANY``.

    ``records`` have the same value of the detail ``shared``: telephone, e-mail or postcode.
    """
    people: list[list[Identity]] = []
    without: dict[str, Any] = {shared: ""}
    for record in islice(records, MOST_COMPARED):
        bare = replace(record, **without)
        own = next((group for group in people if any(_may_be_one(linkage, bare, other) for other in group)), None)
        if own is not None:
            own.append(bare)
            continue
        people.append([bare])
        if len(people) >= SHARED_BY_MANY[Field(shared)]:
            break
    return len(people)


def _may_be_one(linkage: Linkage, first: Identity, second: Identity) -> bool:
    if not linkage.may_be(first, second, AMONG_FEW):
        return False
    return linkage.verdict(first, second, AMONG_FEW).probability >= LEAST_DOUBTFUL


def different_people(
    linkage: Linkage,
    who: Identity,
    others: Iterable[Identity],
    counts: Mapping[str, int],
    counted: MutableMapping[tuple[str, str], int] | None = None,
) -> dict[str, int]:
    """Return how many different people have each contact detail of a person that many records have.

    ``counts`` has the number of records by detail, ``others`` those that were read. A detail of which fewer records
    were read than are many is left out, so it counts by its records. ``counted`` keeps what was counted, by detail and
    value.
    """
    found: dict[str, int] = {}
    for shared, many in SHARED_BY_MANY.items():
        value = getattr(who, shared.value)
        if not value or counts[shared] < many:
            continue
        if counted is None or (shared.value, value) not in counted:
            sharers = [who, *(one for one in others if one is not who and getattr(one, shared.value) == value)]
            number = count_different(linkage, sharers, shared) if len(sharers) >= many else counts[shared]
            if counted is None:
                found[shared.value] = number
                continue
            counted[shared.value, value] = number
        found[shared.value] = counted[shared.value, value]
    return found
