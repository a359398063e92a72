"""Records that are about one person by what they say together: pairs through a third record, and chains that are cut.

If A is like B and B is like C, nothing may have found that A is like C. And B may be like A and like C, who are clearly
two people. So each person who is identified is put into a group with the records around them, by average linkage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from pathways.database import Session
from pathways.duplicates import queries
from pathways.duplicates.models import DuplicatePair, PairState
from pathways.jobseekers import identify, one_person
from pathways.jobseekers.identify import MAY_BE, Candidate

MOST_AROUND = 12  # records around one person that are compared with each other
THROUGH = "A third record is like both. Together they may be one person, though the two alone would not be found."
CUT = "Other records that are like one of the two differ from the other, so these may be two people."
Found = tuple[UUID, Sequence[Candidate]]


def together(session: Session, partner_id: UUID, found: Sequence[Found]) -> list[tuple[UUID, list[Candidate]]]:
    """Return the candidates of each person with those through a third record, and with doubt where a chain is cut.

    A candidate through a third record is as likely as not the person, whatever the two records alone say. A candidate
    whose other records differ from the person is never proposed as surely the same.
    """
    ids = {candidate.jobseeker_id for _, candidates in found for candidate in candidates}
    pairs = queries.around(session, partner_id, ids) if ids else []
    around = {person_id: _around(person_id, candidates, pairs) for person_id, candidates in found}
    wanted = {one for person_id, others in around.items() if len(others) > 1 for one in (person_id, *others)}
    if not wanted:
        return [(person_id, list(candidates)) for person_id, candidates in found]
    records = identify.rows_of(session, partner_id, sorted(wanted))
    among = identify.count_people(session, partner_id)
    answer = []
    for person_id, candidates in found:
        others = [one for one in around[person_id] if one in records and records[one][0].merged_into_id is None]
        if len(others) > 1 and person_id in records:
            known = _known(person_id, candidates, pairs)
            group = one_person.group_of(person_id, others, records, known, among)
            through = [one for one in others if one in group and known.get(_both(person_id, one)) is None]
            more = [_through(records, person_id, one, among) for one in through]
            answer.append((person_id, [_doubted(candidate, group) for candidate in candidates] + more))
        else:
            answer.append((person_id, list(candidates)))
    return answer


def _both(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    return max(one, other), min(one, other)


def _around(person_id: UUID, candidates: Sequence[Candidate], pairs: Sequence[DuplicatePair]) -> list[UUID]:
    """Return the candidates of a person, then the records that pairs link with a candidate."""
    ids = dict.fromkeys(candidate.jobseeker_id for candidate in candidates)
    own = set(ids)
    for pair in pairs:
        if pair.state is not PairState.DIFFERENT and {pair.jobseeker_id, pair.other_id} & own:
            ids |= dict.fromkeys((pair.jobseeker_id, pair.other_id))
    ids.pop(person_id, None)
    return list(ids)[:MOST_AROUND]


def _known(
    person_id: UUID, candidates: Sequence[Candidate], pairs: Sequence[DuplicatePair]
) -> dict[tuple[UUID, UUID], float]:
    """Return the probabilities that are known: of the candidates, of decided pairs, and of pairs of other records."""
    known = {_both(person_id, candidate.jobseeker_id): candidate.verdict.probability for candidate in candidates}
    decided = {PairState.DIFFERENT: 0.0, PairState.SAME: 1.0}
    for pair in pairs:
        ids = (pair.jobseeker_id, pair.other_id)
        if pair.state in decided or person_id not in ids:
            known[ids] = decided.get(pair.state, pair.probability)
    return known


def _doubted(candidate: Candidate, group: set[UUID]) -> Candidate:
    """Return a candidate, held back if it is not in the person's group and would be proposed as surely the same."""
    if candidate.jobseeker_id in group:
        return candidate
    return replace(candidate, verdict=one_person.unsure(candidate.verdict, CUT))


def _through(records: Mapping[UUID, tuple[Any, Any]], person_id: UUID, other: UUID, among: int) -> Candidate:
    """Return a candidate that no key of the person found: as likely as not, and never surely the same."""
    verdict = one_person.verdict(records[person_id][1], records[other][1], among)
    if verdict.probability < MAY_BE:
        verdict = replace(verdict, probability=MAY_BE, held_back=THROUGH)
    return Candidate(records[other][0], one_person.unsure(verdict, THROUGH))
