"""Recording pairs of records that may be one person, and the reviews of those pairs."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from pathways.base import Actor, Role
from pathways.database import Database, Session, WriteSession, insert_if_absent
from pathways.duplicates import queries
from pathways.duplicates.models import PAIR_MOVES, DuplicateMove, DuplicatePair, PairEvent, PairState
from pathways.duplicates.schemas import FieldComparison, PairOut, PairSide
from pathways.facts import MoveRefused, destination, possible_events
from pathways.fields import Group
from pathways.jobseekers import identifiers, identify, restrictions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.details import Details
from pathways.jobseekers.identify import SURELY, BatchComparison, Candidate, IdentityQuery
from pathways.jobseekers.models import Jobseeker, JobseekerState
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind

SIDE_NAMES = tuple(name for name, group in PairSide.group_of.items() if group in {Group.IDENTITY, Group.CONTACT})
LIKELY_ENOUGH = 0.5  # a record that is as likely as not about a restricted person is restricted too
MOST_PAIRS = 10  # for each person; more candidates than this come from a common name
GROUP_OF_TOLD = {"postcode": Group.CONTACT, "phone": Group.CONTACT, "email": Group.CONTACT, "household": Group.CONTACT}


class PairMoveRefused(MoveRefused):
    title = "This decision is not possible for the pair now"


def find_candidates(
    session: WriteSession,
    actor: Actor,
    people: Sequence[tuple[Jobseeker, Details]],
    order: BatchComparison = BatchComparison.ANY,
    *,
    inherits: bool = True,
) -> list[list[Candidate]]:
    """Find other records of the partner that may be about the same people, and record each pair for review.

    A recorded pair is not recorded again, but a dropped pair is opened again. Return all candidates of each person; the
    caller must leave out those that its actor may not see. Unless ``inherits`` is false, a record that is as likely as
    not about a restricted person is restricted.
    """
    if not people:
        return []
    partner_id = people[0][0].partner_id
    # If the actor is a referrer, no identifier in the partner's records is decrypted.
    is_own = actor.organisation_id == partner_id
    identity_queries = [
        IdentityQuery(identify.identity(session, str(person.id), details), person.id, details if is_own else None)
        for person, details in people
    ]
    candidates = identify.find(session, partner_id, identity_queries, order)
    found = [(person.id, person_candidates) for (person, _), person_candidates in zip(people, candidates, strict=True)]
    _record_pairs(session, actor, found)
    if inherits:
        inherit_restrictions(session, actor, found)
    return candidates


def find_simultaneous(database: Database, actor: Actor, jobseeker_ids: Sequence[UUID]) -> None:
    """Find and record pairs again after the commit: simultaneous requests could not see each other's rows before."""
    if database.is_sqlite or not jobseeker_ids:
        return  # SQLite has one writer at a time, so requests are never simultaneous
    with database.writing(actor) as session:
        first = session.get(Jobseeker, jobseeker_ids[0])
        if first is not None:
            found = _current_candidates(session, first.partner_id, jobseeker_ids, BatchComparison.AGAIN)
            _record_pairs(session, actor, found)
            inherit_restrictions(session, actor, found)


def refresh_pairs(session: WriteSession, actor: Actor, person: Jobseeker) -> None:
    """After a merge was undone, record a person's new pairs, and drop unreviewed pairs that are no longer similar."""
    details = identifiers.unsealed(session, jobseeker_queries.details(session, person))
    [candidates] = find_candidates(session, actor, [(person, details)], inherits=False)
    candidate_ids = {candidate.jobseeker_id for candidate in candidates}
    for pair in session.scalars(queries.unreviewed(person)).all():
        other = pair.other_id if pair.jobseeker_id == person.id else pair.jobseeker_id
        if other not in candidate_ids:
            record_event(
                session,
                actor,
                pair,
                PairEvent.DROP,
                "The pair was found through a merged record, and that merge was undone.",
            )


def _current_candidates(
    session: Session, partner_id: UUID, jobseeker_ids: Sequence[UUID], order: BatchComparison = BatchComparison.ANY
) -> list[tuple[UUID, list[Candidate]]]:
    """Return the candidates of each person, found by the person's current details."""
    people = identify.identities(session, partner_id, jobseeker_ids)
    identity_queries = [IdentityQuery(identity, jobseeker_id) for jobseeker_id, identity in people.items()]
    return list(zip(people, identify.find(session, partner_id, identity_queries, order), strict=True))


def _record_pairs(session: WriteSession, actor: Actor, people: Sequence[tuple[UUID, Sequence[Candidate]]]) -> None:
    """Record new pairs, and open dropped pairs again. If both records found each other, the newer's result is used."""
    pairs: dict[tuple[UUID, UUID], dict[str, Any]] = {}
    for person_id, candidates in people:
        for candidate in candidates[:MOST_PAIRS]:
            later, earlier = max(person_id, candidate.jobseeker_id), min(person_id, candidate.jobseeker_id)
            if (later, earlier) in pairs and person_id != later:
                continue
            pairs[later, earlier] = {
                "id": uuid7(),
                "version": 1,
                "partner_id": candidate.row.partner_id,
                "jobseeker_id": later,
                "other_id": earlier,
                "state": PairState.OPEN,
                "probability": round(candidate.verdict.probability, 6),
                "told": [[comparison.field, comparison.text, comparison.bits] for comparison in candidate.verdict.told],
                "held_back": candidate.verdict.held_back,
                "found_at": actor.at,
            }
    insert_if_absent(session, DuplicatePair, list(pairs.values()))
    for pair in queries.dropped(session, pairs):
        record_event(session, actor, pair, PairEvent.FIND, "The two records are similar again.")


def inherit_restrictions(
    session: WriteSession, actor: Actor, people: Sequence[tuple[UUID, Sequence[Candidate]]]
) -> None:
    """Restrict records that are as likely as not about a restricted person, until a team manager decides.

    The team managers are notified of each. Pairs that were reviewed as two people are left out.
    """
    suspected = {
        (person_id, candidate.jobseeker_id)
        for person_id, candidates in people
        for candidate in candidates
        if candidate.verdict.probability >= LIKELY_ENOUGH
    }
    if not suspected:
        return
    rows = session.scalars(select(Jobseeker).where(Jobseeker.id.in_({one for pair in suspected for one in pair})))
    records = {row.id: row for row in rows}
    for ids in sorted(suspected):
        one, other = (records.get(record_id) for record_id in ids)
        if one is None or other is None or one.is_restricted == other.is_restricted:
            continue
        unrestricted = other if one.is_restricted else one
        pair = queries.between(session, one.partner_id, one.id, other.id)
        if pair is not None and pair.state is PairState.DIFFERENT:
            continue
        if unrestricted.state is not JobseekerState.VOIDED and restrictions.inherit(session, actor, unrestricted):
            _notify_managers(session, actor, unrestricted)


def _notify_managers(session: WriteSession, actor: Actor, person: Jobseeker) -> None:
    message_actions.notify_roles(
        session,
        actor,
        person.partner_id,
        [Role.TEAM_MANAGER],
        NoticeKind.RESTRICTED_ON_SUSPICION,
        about=("jobseekers", person.id),
        occasion=actor.at.isoformat(),
    )


def restrict_likely_duplicates(session: WriteSession, actor: Actor, person: Jobseeker) -> None:
    """Restrict the other records that are as likely as not about a person whose case was restricted."""
    inherit_restrictions(session, actor, _current_candidates(session, person.partner_id, [person.id]))


def alike(session: Session, actor: Actor, person: Jobseeker) -> list[Candidate]:
    """Return the current candidates of a person that this actor may see."""
    candidates = [
        candidate
        for _, person_candidates in _current_candidates(session, person.partner_id, [person.id])
        for candidate in person_candidates
    ]
    rows = jobseeker_queries.ids_visible_to(actor).where(
        Jobseeker.id.in_([candidate.jobseeker_id for candidate in candidates])
    )
    visible_ids = set(session.scalars(rows))
    return [candidate for candidate in candidates if candidate.jobseeker_id in visible_ids]


def record_event(
    session: WriteSession, actor: Actor, pair: DuplicatePair, event: PairEvent, reason: str
) -> DuplicatePair:
    """Record an event of a pair, such as the decision that both records are one person.

    This decision merges nothing: a team manager merges the two records.
    """
    to_state = destination(PAIR_MOVES, pair.state, event, PairMoveRefused)
    session.add(
        DuplicateMove.recorded(
            actor,
            partner_id=pair.partner_id,
            jobseeker_id=pair.jobseeker_id,
            pair_id=pair.id,
            event=event.value,
            from_state=pair.state.value,
            to_state=to_state.value,
            reason=reason,
        )
    )
    pair.state = to_state
    session.flush()  # the reply includes the new version
    return pair


def replies(session: Session, actor: Actor, pairs: Sequence[DuplicatePair]) -> list[PairOut]:
    """Return each pair with its records side by side, limited to the fields that the actor may read of both people."""
    people = queries.people(session, {key for pair in pairs for key in (pair.jobseeker_id, pair.other_id)})
    reasons = queries.reasons(session, pairs)
    return [_reply(session, actor, pair, people, reasons.get(pair.id)) for pair in pairs]


def _reply(
    session: Session, actor: Actor, pair: DuplicatePair, people: Mapping[UUID, Any], reason: str | None
) -> PairOut:
    records = [people[key] for key in (pair.jobseeker_id, pair.other_id)]
    values = [identifiers.unsealed(session, details).as_dict() for _, details in records]
    groups = frozenset.intersection(*(jobseeker_queries.visible_groups(actor, person) for person, _ in records))
    differs = [
        name
        for name in SIDE_NAMES
        if values[0][name] is not None and values[1][name] is not None and values[0][name] != values[1][name]
    ]
    comparisons = [FieldComparison(field=name, text=text, bits=bits) for name, text, bits in pair.told]
    events = [event for event in possible_events(PAIR_MOVES, pair.state) if event in SAID]
    first, other = (_side(session, person, details).limited_to(groups) for person, details in records)
    return PairOut(
        id=pair.id,
        state=pair.state,
        probability=pair.probability,
        is_proposed=pair.probability >= SURELY,
        held_back=pair.held_back,
        told=[
            comparison for comparison in comparisons if GROUP_OF_TOLD.get(comparison.field, Group.IDENTITY) in groups
        ],
        one=first,
        other=other,
        differs_on=[name for name in differs if PairSide.group_of[name] in groups],
        found_at=pair.found_at,
        reason=reason if Group.NOTES in groups else None,
        possible_events=[event.value for event in events],
        version=pair.version,
    )


# The events that a reviewer records directly. Merging and undoing a merge change records, so they are separate actions.
SAID = (PairEvent.ASK, PairEvent.SAME, PairEvent.DIFFERENT)


def _side(session: Session, person: Jobseeker, details: Any) -> PairSide:
    values = identifiers.unsealed(session, details).as_read()
    return PairSide(
        jobseeker_id=person.id,
        reference=person.reference,
        state=person.state,
        made_at=person.made_at,
        caseworker_id=person.caseworker_id,
        **{name: values[name] for name in SIDE_NAMES},
    )
