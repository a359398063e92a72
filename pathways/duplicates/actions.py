"""Noting pairs that may be one person, and what people say of them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from pathways.base import Actor
from pathways.database import Database, Session, WriteSession, insert_if_absent
from pathways.duplicates import queries
from pathways.duplicates.models import PAIR_MOVES, DuplicateMove, DuplicatePair, PairEvent, PairState
from pathways.duplicates.schemas import FieldComparison, PairOut, PairSide
from pathways.facts import MoveRefused, destination, possible_events
from pathways.fields import Group
from pathways.jobseekers import identifiers, identify
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.details import Details
from pathways.jobseekers.identify import SURELY, BatchComparison, Candidate, IdentityQuery
from pathways.jobseekers.models import Jobseeker

SIDE_NAMES = tuple(name for name, group in PairSide.group_of.items() if group in {Group.IDENTITY, Group.CONTACT})
MOST_PAIRS = 10  # of one referral: who is alike with more is a name, not a person
GROUP_OF_TOLD = {"postcode": Group.CONTACT, "phone": Group.CONTACT, "email": Group.CONTACT, "household": Group.CONTACT}


class PairMoveRefused(MoveRefused):
    title = "This cannot be said of the pair now"


def find_candidates(
    session: WriteSession,
    actor: Actor,
    people: Sequence[tuple[Jobseeker, Details]],
    order: BatchComparison = BatchComparison.ANY,
) -> list[list[Candidate]]:
    """Look whether a partner knows people of these details already, and note each pair for people to look at.

    A pair that was looked at before, whatever was said of it, is not noted again. Returns everybody each may be: the
    caller tells an actor of those they may see.
    """
    if not people:
        return []
    partner_id = people[0][0].partner_id
    # Whoever refers opens nobody's number, not even by our doing.
    own = actor.organisation_id == partner_id
    asked = [
        IdentityQuery(identify.identity(session, str(person.id), details), person.id, details if own else None)
        for person, details in people
    ]
    hits = identify.look_up(session, partner_id, asked, order)
    _note(session, actor, [(person.id, found) for (person, _), found in zip(people, hits, strict=True)])
    return hits


def find_simultaneous(database: Database, actor: Actor, jobseeker_ids: Sequence[UUID]) -> None:
    """Look once more after the transaction: two who came at the same moment could not see each other before."""
    if database.is_sqlite or not jobseeker_ids:
        return  # it has one writer at a time
    with database.writing(actor) as session:
        first = session.get(Jobseeker, jobseeker_ids[0])
        if first is not None:
            _note(session, actor, _hits(session, first.partner_id, jobseeker_ids, BatchComparison.AGAIN))


def refresh_pairs(session: WriteSession, actor: Actor, person: Jobseeker) -> None:
    """Look at somebody whose record was another one's for a while: note whom it may be, drop what it no longer is."""
    details = identifiers.unsealed(session, jobseeker_queries.details(session, person))
    [hits] = find_candidates(session, actor, [(person, details)])
    may_be = {hit.jobseeker_id for hit in hits}
    for pair in session.scalars(queries.unlooked(person)).all():
        other = pair.other_id if pair.jobseeker_id == person.id else pair.jobseeker_id
        if other not in may_be:
            record_event(
                session,
                actor,
                pair,
                PairEvent.DROP,
                "Found through a record that was merged then, and is not now.",
            )


def _hits(
    session: Session, partner_id: UUID, jobseeker_ids: Sequence[UUID], order: BatchComparison = BatchComparison.ANY
) -> list[tuple[UUID, list[Candidate]]]:
    """Return whom some people may be as their records stand."""
    people = identify.identities(session, partner_id, jobseeker_ids)
    asked = [IdentityQuery(who, jobseeker_id) for jobseeker_id, who in people.items()]
    return list(zip(people, identify.look_up(session, partner_id, asked, order), strict=True))


def _note(session: WriteSession, actor: Actor, people: Sequence[tuple[UUID, Sequence[Candidate]]]) -> None:
    """Keep pairs; one that is noted from both sides, or is there already, is noted once, as the later one found it."""
    pairs: dict[tuple[UUID, UUID], dict[str, Any]] = {}
    for person_id, hits in people:
        for hit in hits[:MOST_PAIRS]:
            later, earlier = max(person_id, hit.jobseeker_id), min(person_id, hit.jobseeker_id)
            if (later, earlier) in pairs and person_id != later:
                continue
            pairs[later, earlier] = {
                "id": uuid7(),
                "version": 1,
                "partner_id": hit.row.partner_id,
                "jobseeker_id": later,
                "other_id": earlier,
                "state": PairState.OPEN,
                "probability": round(hit.verdict.probability, 6),
                "told": [[told.field, told.text, told.bits] for told in hit.verdict.told],
                "held_back": hit.verdict.held_back,
                "found_at": actor.at,
            }
    insert_if_absent(session, DuplicatePair, list(pairs.values()))
    for pair in queries.dropped(session, pairs):
        record_event(session, actor, pair, PairEvent.FIND, "They are alike again.")


def alike(session: Session, actor: Actor, person: Jobseeker) -> list[Candidate]:
    """Return who a person may be now, of those this actor may see."""
    hits = [hit for _, theirs in _hits(session, person.partner_id, [person.id]) for hit in theirs]
    rows = jobseeker_queries.ids_visible_to(actor).where(Jobseeker.id.in_([hit.jobseeker_id for hit in hits]))
    seen = set(session.scalars(rows))
    return [hit for hit in hits if hit.jobseeker_id in seen]


def record_event(
    session: WriteSession, actor: Actor, pair: DuplicatePair, event: PairEvent, reason: str
) -> DuplicatePair:
    """Say that a pair is one person, two, or to be asked about; to be one record they are merged by a team manager."""
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
    session.flush()  # the reply carries the new version
    return pair


def replies(session: Session, actor: Actor, pairs: Sequence[DuplicatePair]) -> list[PairOut]:
    """Return pairs side by side, each field as this actor may read it of both people."""
    people = queries.people(session, {key for pair in pairs for key in (pair.jobseeker_id, pair.other_id)})
    reasons = queries.reasons(session, pairs)
    return [_reply(session, actor, pair, people, reasons.get(pair.id)) for pair in pairs]


def _reply(
    session: Session, actor: Actor, pair: DuplicatePair, people: Mapping[UUID, Any], reason: str | None
) -> PairOut:
    both = [people[key] for key in (pair.jobseeker_id, pair.other_id)]
    plain = [identifiers.unsealed(session, details).as_dict() for _, details in both]
    groups = frozenset.intersection(*(jobseeker_queries.visible_groups(actor, person) for person, _ in both))
    differs = [
        name
        for name in SIDE_NAMES
        if plain[0][name] is not None and plain[1][name] is not None and plain[0][name] != plain[1][name]
    ]
    told = [FieldComparison(field=name, text=text, bits=bits) for name, text, bits in pair.told]
    events = [event for event in possible_events(PAIR_MOVES, pair.state) if event in SAID]
    one, other = (_side(session, person, details).limited_to(groups) for person, details in both)
    return PairOut(
        id=pair.id,
        state=pair.state,
        probability=pair.probability,
        is_proposed=pair.probability >= SURELY,
        held_back=pair.held_back,
        told=[line for line in told if GROUP_OF_TOLD.get(line.field, Group.IDENTITY) in groups],
        one=one,
        other=other,
        differs_on=[name for name in differs if PairSide.group_of[name] in groups],
        found_at=pair.found_at,
        reason=reason if Group.NOTES in groups else None,
        possible_events=[event.value for event in events],
        version=pair.version,
    )


# What people say by themselves; merging and its undo are acts on the records.
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
