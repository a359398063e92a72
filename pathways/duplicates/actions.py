"""Identifying everyone who is recorded, recording pairs of records that may be one person, and reviewing the pairs.

Every person who is recorded or changed is identified before the transaction commits, by whatever way they come:
``identify.index`` notes them, and ``_identify_recorded_people`` runs in every transaction. On PostgreSQL they are
identified once more after the commit, because simultaneous transactions cannot see each other's rows.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import event, select, update
from uuid_utils.compat import uuid7

from pathways import audit
from pathways.base import Actor, Role
from pathways.database import Database, Session, WriteSession, after_commit, insert_if_absent
from pathways.duplicates import groups, queries
from pathways.duplicates.models import LIKELY_ENOUGH, PAIR_MOVES, DuplicateMove, DuplicatePair, PairEvent, PairState
from pathways.duplicates.schemas import FieldComparison, PairOut, PairSide
from pathways.facts import MoveRefused, destination, possible_events
from pathways.fields import Group
from pathways.jobseekers import identifiers, identify, restrictions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.details import Details
from pathways.jobseekers.former_names import with_former_names
from pathways.jobseekers.identify import SURELY, BatchComparison, Candidate, IdentityQuery
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, JobseekerState
from pathways.jobseekers.search_schemas import SearchHit
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind

SIDE_NAMES = tuple(name for name, group in PairSide.group_of.items() if group in {Group.IDENTITY, Group.CONTACT})
LEARNT_SINCE = "It was decided that these are two people. What was recorded since says that they are one."
MOST_PAIRS = 10  # for each person; more candidates than this come from a common name
READ_FIRST = "This record says how contact is safe, or that it is withheld. Read it before you use any contact details."
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

    A recorded pair is not recorded again, but a dropped pair is opened again, and a pair without a decision gets the
    present comparison. Return all candidates of each person; the caller must leave out those that its actor may not
    see. ``order`` is ``CAME`` for new people: then they are not identified again at the end of the transaction. Unless
    ``inherits`` is false, a record that is as likely as not about a restricted person is restricted.
    """
    if not people:
        return []
    partner_id = people[0][0].partner_id
    # If the actor is a referrer, no identifier in the partner's records is decrypted.
    is_own = actor.organisation_id == partner_id
    identities = [(person.id, identify.identity(session, str(person.id), details)) for person, details in people]
    if order is not BatchComparison.CAME:  # new people have no former names
        named = with_former_names(session, partner_id, identities)
        identities = [(person.id, who) for (person, _), who in zip(people, named, strict=True)]
    identity_queries = [
        IdentityQuery(identity, person.id, details if is_own else None)
        for (person, details), (_, identity) in zip(people, identities, strict=True)
    ]
    candidates = identify.find(session, partner_id, identity_queries, order)
    alone = [(person.id, person_candidates) for (person, _), person_candidates in zip(people, candidates, strict=True)]
    found = groups.together(session, partner_id, alone)
    _record_pairs(session, actor, found, has_compared_numbers=is_own)
    if inherits:
        inherit_restrictions(session, actor, found)
    if order is BatchComparison.CAME:
        _identify_after_commit(session, actor, _taken(session, partner_id, {person.id for person, _ in people}))
    return [person_candidates for _, person_candidates in found]


def _taken(session: WriteSession, partner_id: UUID, jobseeker_ids: Collection[UUID]) -> list[UUID]:
    """Return those of these people who were noted in this transaction, and remove the note."""
    noted = session.info.get("to_identify", {}).get(partner_id, set())
    taken = noted & set(jobseeker_ids)
    noted -= taken
    return sorted(taken)


def identify_noted(
    session: WriteSession, actor: Actor, partner_id: UUID, jobseeker_ids: Collection[UUID]
) -> dict[UUID, list[Candidate]]:
    """Identify those of these people who were noted in this transaction. Return all candidates by person.

    A pair without a decision whose records are no longer similar is dropped. The caller must leave out candidates that
    its actor may not see.
    """
    session.flush()  # the records are compared as they are now
    people = [
        (person, identifiers.unsealed(session, details))
        for person, details in queries.people(session, _taken(session, partner_id, jobseeker_ids)).values()
        if person.state is not JobseekerState.VOIDED
    ]
    candidates = find_candidates(session, actor, people)
    if actor.organisation_id == partner_id:  # a referrer compares no numbers, so would drop too much
        for person, _ in people:
            if person.id in session.info.get("lost_keys", ()):
                _drop_pairs(session, actor, person, "The details changed, and the records are no longer similar.")
    _identify_after_commit(session, actor, [person.id for person, _ in people])
    return {person.id: found for (person, _), found in zip(people, candidates, strict=True)}


def _identify_recorded_people(session: WriteSession) -> None:
    """Identify everyone whose details this transaction recorded or changed, unless that was done already."""
    if session.actor is None or session.in_nested_transaction():
        return
    for partner_id, noted in session.info.get("to_identify", {}).items():
        if noted:
            identify_noted(session, session.actor, partner_id, noted)


event.listen(WriteSession, "before_commit", _identify_recorded_people)


def _identify_after_commit(session: WriteSession, actor: Actor, jobseeker_ids: Sequence[UUID]) -> None:
    if jobseeker_ids:
        again = partial(find_simultaneous, actor=actor, jobseeker_ids=jobseeker_ids)
        after_commit(session, again)


def find_simultaneous(database: Database, actor: Actor, jobseeker_ids: Sequence[UUID]) -> None:
    """Find and record pairs again after the commit: simultaneous requests could not see each other's rows before.

    If that fails, the daily job in ``scheduled.py`` does it.
    """
    if database.is_sqlite or not jobseeker_ids:
        return  # SQLite has one writer at a time, so requests are never simultaneous
    with database.writing(actor) as session:
        first = session.get(Jobseeker, jobseeker_ids[0])
        if first is not None:
            compare_committed(session, actor, first.partner_id, jobseeker_ids)


def compare_committed(session: WriteSession, actor: Actor, partner_id: UUID, jobseeker_ids: Sequence[UUID]) -> bool:
    """Find and record pairs of committed records. Return whether a pair was new or a record is restricted now."""
    alone = _current_candidates(session, partner_id, jobseeker_ids, BatchComparison.AGAIN)
    found = groups.together(session, partner_id, alone)
    new_pairs = _record_pairs(session, actor, found, has_compared_numbers=False)
    return bool(new_pairs + inherit_restrictions(session, actor, found))


def alike_again(session: Session, partner_id: UUID, jobseeker_ids: Sequence[UUID]) -> list[UUID]:
    """Return the people among these, oldest first, who resemble an older record or a record outside of the list."""
    found = _current_candidates(session, partner_id, jobseeker_ids, BatchComparison.AGAIN)
    return [person_id for person_id, candidates in found if candidates]


def refresh_pairs(session: WriteSession, actor: Actor, person: Jobseeker) -> None:
    """After a merge was undone, record a person's new pairs, and drop unreviewed pairs that are no longer similar."""
    details = identifiers.unsealed(session, jobseeker_queries.details(session, person))
    find_candidates(session, actor, [(person, details)], inherits=False)
    _drop_pairs(session, actor, person, "The pair was found through a merged record, and that merge was undone.")


def _drop_pairs(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """Drop the person's unreviewed pairs with records that are similar to none of the person's records any more.

    A pair may have been found from either side, and by a record merged into one of the two. So each record is compared
    by all that is known of both.
    """
    pairs = session.scalars(queries.unreviewed(person)).all()
    if not pairs:
        return
    others = {pair.id: pair.other_id if pair.jobseeker_id == person.id else pair.jobseeker_id for pair in pairs}
    similar = _similar_to(session, person)
    for pair in pairs:
        other = session.get_one(Jobseeker, others[pair.id])
        if other.id not in similar and person.id not in _similar_to(session, other):
            record_event(session, actor, pair, PairEvent.DROP, reason)


def _similar_to(session: WriteSession, person: Jobseeker) -> set[UUID]:
    """Return the ids of the candidates of a person, found by the details of all records of the person."""
    records = [person.id, *jobseeker_queries.merged_ids(session, person)]
    people = [(record, identifiers.unsealed(session, row)) for record, row in queries.people(session, records).values()]
    identities = [(record.id, identify.identity(session, str(record.id), details)) for record, details in people]
    named = with_former_names(session, person.partner_id, identities)
    found = identify.find(
        session,
        person.partner_id,
        [IdentityQuery(who, person.id, details) for who, (_, details) in zip(named, people, strict=True)],
    )
    alone = [(record.id, candidates) for (record, _), candidates in zip(people, found, strict=True)]
    linked = groups.together(session, person.partner_id, alone)
    return {candidate.jobseeker_id for _, candidates in linked for candidate in candidates}


def _current_candidates(
    session: Session, partner_id: UUID, jobseeker_ids: Sequence[UUID], order: BatchComparison = BatchComparison.ANY
) -> list[tuple[UUID, list[Candidate]]]:
    """Return the candidates of each person, found by the person's current details."""
    people = identify.identities(session, partner_id, jobseeker_ids)
    identity_queries = [IdentityQuery(identity, jobseeker_id) for jobseeker_id, identity in people.items()]
    return list(zip(people, identify.find(session, partner_id, identity_queries, order), strict=True))


def _record_pairs(
    session: WriteSession,
    actor: Actor,
    people: Sequence[tuple[UUID, Sequence[Candidate]]],
    *,
    has_compared_numbers: bool,
) -> int:
    """Record new pairs, open dropped pairs again, and give pairs without a decision the present comparison.

    If both records found each other, the newer's result is used. A comparison that could not decrypt numbers replaces
    another only if it is more probable.
    """
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
    new_pairs = insert_if_absent(session, DuplicatePair, list(pairs.values()))
    if new_pairs == len(pairs):
        return new_pairs
    for pair in queries.dropped(session, pairs):
        record_event(session, actor, pair, PairEvent.FIND, "The two records are similar again.")
    for pair in queries.different(session, pairs):
        if pairs[pair.jobseeker_id, pair.other_id]["probability"] >= SURELY > pair.probability:
            record_event(session, actor, pair, PairEvent.FIND, LEARNT_SINCE)
    _compare_again(session, pairs, only_higher=not has_compared_numbers)
    return new_pairs


def _compare_again(
    session: WriteSession, pairs: Mapping[tuple[UUID, UUID], Mapping[str, Any]], *, only_higher: bool
) -> None:
    """Give the stored pairs without a decision the comparison in ``pairs``, if it differs from the stored one."""
    for pair in queries.undecided(session, pairs):
        columns = pairs[pair.jobseeker_id, pair.other_id]
        new = {name: columns[name] for name in ("probability", "told", "held_back")}
        same = all(new[name] == getattr(pair, name) for name in new)
        if same or (only_higher and new["probability"] <= pair.probability):
            continue
        # A statement, because two transactions that compare one pair at the same moment must not refuse each other.
        session.execute(
            update(DuplicatePair)
            .where(DuplicatePair.id == pair.id, DuplicatePair.state.in_([PairState.OPEN, PairState.ASKED]))
            .values(**new, version=DuplicatePair.version + 1)
            .execution_options(synchronize_session=False)
        )
        session.expire(pair)


def inherit_restrictions(
    session: WriteSession, actor: Actor, people: Sequence[tuple[UUID, Sequence[Candidate]]]
) -> int:
    """Restrict records that are as likely as not about a restricted person, until a team manager decides.

    The team managers are notified of each. Pairs that were reviewed as two people are left out. Return the number of
    records that were restricted.
    """
    suspected = {
        (person_id, candidate.jobseeker_id)
        for person_id, candidates in people
        for candidate in candidates
        if candidate.verdict.probability >= LIKELY_ENOUGH
    }
    if not suspected:
        return 0
    rows = session.scalars(select(Jobseeker).where(Jobseeker.id.in_({one for pair in suspected for one in pair})))
    records = {row.id: row for row in rows}
    count = 0
    for ids in sorted(suspected):
        one, other = (records.get(record_id) for record_id in ids)
        if one is None or other is None or one.is_restricted == other.is_restricted:
            continue
        unrestricted = other if one.is_restricted else one
        pair = queries.between(session, one.partner_id, one.id, other.id)
        if pair is not None and pair.state is PairState.DIFFERENT:
            continue
        jobseeker_queries.hold(session, unrestricted.id)  # somebody else may be changing the other record
        if unrestricted.state is not JobseekerState.VOIDED and restrictions.inherit(
            session, actor, unrestricted, one if one.is_restricted else other
        ):
            _notify_managers(session, actor, unrestricted)
            count += 1
    return count


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


def visible_candidates(database: Database, actor: Actor, jobseeker_ids: Sequence[UUID]) -> list[SearchHit]:
    """Return the records that may be one of these people, for the reply to the request that recorded the people.

    They come from the pairs in the queue, without pairs decided to be two people. A record that the actor may not see
    is left out. Each record in the reply is written to the audit log as opened.
    """
    with database.reading(actor, newest=True) as session:
        rows = queries.candidates(session, actor, jobseeker_ids)
    if rows:
        audit.opened(database, actor, "jobseekers", sorted({(row.Jobseeker.id, row.Jobseeker.id) for row in rows}))
    best: dict[UUID, SearchHit] = {}
    for row in rows:
        best.setdefault(row.Jobseeker.id, _hit(row.DuplicatePair, row.Jobseeker, row.JobseekerDetails))
    return list(best.values())


def hit(candidate: Candidate) -> SearchHit:
    """Return the reply for a candidate."""
    return SearchHit(
        jobseeker_id=candidate.jobseeker_id,
        reference=candidate.row.reference,
        given_name=candidate.row.given_name,
        family_name=candidate.row.family_name,
        date_of_birth=candidate.row.date_of_birth,
        likeness=round(candidate.verdict.probability, 3),
        agrees_on=candidate.agrees_on,
        reasons=candidate.reasons,
    )


def _hit(pair: DuplicatePair, person: Jobseeker, details: JobseekerDetails) -> SearchHit:
    agreeing = [(field, text) for field, text, bits in pair.told if bits > 0]
    return SearchHit(
        jobseeker_id=person.id,
        reference=person.reference,
        given_name=details.given_name,
        family_name=details.family_name,
        date_of_birth=details.date_of_birth,
        likeness=round(pair.probability, 3),
        agrees_on=[field for field, _ in agreeing],
        reasons=[
            *(f"{field.replace('_', ' ').capitalize()}: {text}" for field, text in agreeing),
            *([READ_FIRST] if details.safe_contact or details.contact_withheld_reason else []),
        ],
    )


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
        if values[0][name] != values[1][name]
        and (name == "safe_contact" or (values[0][name] is not None and values[1][name] is not None))
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
