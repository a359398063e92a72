"""Which of the records around a person are about the same person, by what all of them say together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any
from uuid import UUID

from matching.people.groups import grouped
from matching.people.identity import Identity
from matching.people.linkage import MOST_UNSURE, LinkageVerdict
from pathways.jobseekers import identify


def group_of(
    person_id: UUID,
    others: Sequence[UUID],
    records: Mapping[UUID, tuple[Any, Identity]],
    known: Mapping[tuple[UUID, UUID], float],
    among: int,
) -> set[UUID]:
    """Return those of ``others`` who are in one group with a person, by average linkage.

    ``known`` has the probabilities of pairs, as (newer record, older record); other pairs are compared here.
    """
    ids = [person_id, *others]

    def judge(one: int, other: int) -> float:
        pair = max(ids[one], ids[other]), min(ids[one], ids[other])
        if pair in known:
            return known[pair]
        return verdict(records[pair[0]][1], records[pair[1]][1], among).probability

    chances = {(one, other): judge(one, other) for other in range(len(ids)) for one in range(other)}
    own = next((group for group in grouped(chances, judge) if 0 in group), [])
    return {ids[at] for at in own} - {person_id}


def verdict(first: Identity, second: Identity, among: int) -> LinkageVerdict:
    """Return the verdict on two records, by the names under which they are most alike."""
    verdicts = [identify.model().verdict(one, other, among) for one, other in product(first.as_named, second.as_named)]
    return max(verdicts, key=lambda one: one.probability)


def unsure(found: LinkageVerdict, held_back: str) -> LinkageVerdict:
    """Return a verdict that is limited to what a person must decide, with the reason if it was surer."""
    if found.probability <= MOST_UNSURE:
        return found
    return replace(found, probability=MOST_UNSURE, held_back=held_back)
