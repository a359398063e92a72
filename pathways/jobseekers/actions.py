"""The functions that change a jobseeker's record."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import event, select
from sqlalchemy.orm.attributes import flag_modified
from uuid_utils.compat import uuid7

from pathways.base import Actor, local_day, utc_now
from pathways.database import Session, WriteSession, insert_many
from pathways.errors import Conflict, RuleBroken
from pathways.facts import MoveRefused, destination, possible_events
from pathways.jobseekers import formats, identify, name_index, queries, shared_details
from pathways.jobseekers.details import SHARED, Details
from pathways.jobseekers.former_names import with_former_names
from pathways.jobseekers.identifiers import refuse_test_values, sealed, unsealed
from pathways.jobseekers.models import (
    HASH_FORM,
    JOBSEEKER_MOVES,
    MOST_JOINED,
    AboutPerson,
    CaseworkerAssignment,
    Jobseeker,
    JobseekerDetails,
    JobseekerEvent,
    JobseekerMove,
    JobseekerState,
    Restriction,
)
from pathways.jobseekers.schemas import (
    DetailsFields,
    DetailsOut,
    JobseekerOut,
    Warned,
)
from pathways.messages import actions as message_actions
from pathways.messages import queries as message_queries
from pathways.messages.models import NoticeKind
from pathways.reference.postcodes import GridPoint, locate, locate_all

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 6


AT_BIRTH = "The restriction was asked for when the person was recorded."


class JobseekerMoveRefused(MoveRefused):
    title = "This step is not possible for the case now"


class CaseIsClosed(RuleBroken):
    title = "The case is not open"


def make(session: WriteSession, actor: Actor, partner_id: UUID, new: Sequence[tuple[Details, bool]]) -> list[Jobseeker]:
    """Create a jobseeker record for each ``(details, is_restricted)`` in ``new``. Refuse details without a name."""
    people = [
        Jobseeker(
            id=uuid7(),
            partner_id=partner_id,
            reference=reference,
            state=JobseekerState.REFERRED,
            is_restricted=is_restricted or details.says_restricted,
            made_at=actor.at,
        )
        for (details, is_restricted), reference in zip(new, _free_references(session, len(new)), strict=True)
    ]
    places = locate_all(session, [details.postcode for details, _ in new])
    described = [(person, details) for person, (details, _) in zip(people, new, strict=True)]
    for person, details in described:
        _must_have_a_name(details)
        refuse_test_values(session, details)
        _describe(session, person, details, places[details.postcode])
    session.add_all(people)
    session.flush()  # the details reference these rows by foreign key
    rows = [JobseekerDetails.row(actor, **_columns(session, person, details)) for person, details in described]
    insert_many(session, JobseekerDetails, rows)
    restricted = [
        Restriction.row(actor, partner_id=partner_id, jobseeker_id=person.id, is_restricted=True, reason=AT_BIRTH)
        for person in people
        if person.is_restricted
    ]
    insert_many(session, Restriction, restricted)
    identities = {person.id: identify.identity(session, str(person.id), details) for person, details in described}
    identify.index(session, partner_id, identities)
    name_index.add_new(session, partner_id, {person.id: details for person, details in described})
    return people


def _free_references(session: Session, count: int) -> list[str]:
    free: dict[str, None] = {}
    while len(free) < count:
        random_references = {
            "J-" + "".join(secrets.choice(CROCKFORD) for _ in range(REFERENCE_LENGTH)) for _ in range(count - len(free))
        }
        taken = set(session.scalars(select(Jobseeker.reference).where(Jobseeker.reference.in_(random_references))))
        free |= dict.fromkeys(sorted(random_references - taken))
    return list(free)


def record_details(session: WriteSession, actor: Actor, person: Jobseeker, details: Details) -> None:
    """Record a new version of a person's identity and contact details, and update the keys that identify the person."""
    _must_have_a_name(details)
    refuse_test_values(session, details)
    previous = session.scalars(queries.facts_about(JobseekerDetails, person)).one_or_none()
    supersedes = previous.id if previous else None
    session.add(JobseekerDetails.recorded(actor, **_columns(session, person, details), supersedes=supersedes))
    _describe(session, person, details, locate(session, details.postcode))
    # Marking the row as changed gives the record a new version, although the details have a row of their own.
    flag_modified(person, "state")
    session.flush()  # so that the reply includes the new version
    (identity,) = with_former_names(
        session, person.partner_id, [(person.id, identify.identity(session, str(person.id), details))]
    )
    identify.index(session, person.partner_id, {person.id: identity})
    name_index.index(session, person.partner_id, person.id)


def _must_have_a_name(details: Details) -> None:
    if not details.has_name:
        raise RuleBroken("A jobseeker needs a name. Enter a given name, a family name or both.", pointer="/given_name")


def _columns(session: Session, person: Jobseeker, details: Details) -> dict[str, Any]:
    fact_id = uuid7()
    return {
        "id": fact_id,
        "partner_id": person.partner_id,
        "jobseeker_id": person.id,
        **sealed(session, "jobseeker_details", fact_id, details.of_record()),
    }


def _describe(session: Session, person: Jobseeker, details: Details, place: GridPoint | None) -> None:
    """Set the columns of the jobseeker's row that searches and rankings read. A placeholder is no value for them."""
    today = session.actor.today if session.actor else local_day(utc_now())
    known = details.known(today)
    person.given_key = formats.name_key(details.given_name)
    person.family_key = formats.name_key(details.family_name)
    person.date_of_birth = known.date_of_birth
    person.postcode_key = known.postcode_key
    hashes = identify.hashes_of_numbers(session, known)
    person.nino_hash, person.nhs_number_hash = hashes.get("nino"), hashes.get("nhs_number")
    person.hash_form = HASH_FORM
    where = place if known.postcode else None
    person.easting, person.northing = (where.easting, where.northing) if where else (None, None)
    person.place_basis = where.basis if where else None


def with_reason_to_withhold(session: Session, person: Jobseeker, reason: str) -> str:
    """Return the reasons to withhold contact details with another one added. Refuse a text that becomes too long."""
    current = unsealed(session, queries.details(session, person)).contact_withheld_reason
    both = formats.joined_text(current, reason, " / ") or reason
    if len(both) > MOST_JOINED:
        raise RuleBroken(
            "This text is too long. Say it in fewer words, or ask the jobseeker's caseworker to record it.",
            pointer="/contact_withheld_reason",
        )
    return both


def reply(session: Session, actor: Actor, person: Jobseeker) -> JobseekerOut:
    """Return the record with the fields that this actor may see."""
    details = unsealed(session, queries.details(session, person))
    full = JobseekerOut(
        **DetailsFields(**details.as_read()).model_dump(),
        id=person.id,
        reference=person.reference,
        state=person.state,
        is_restricted=person.is_restricted,
        caseworker_id=person.caseworker_id,
        programme_id=person.programme_id,
        made_at=person.made_at,
        has_known_place=person.easting is not None,
        is_contact_withheld=details.contact_withheld_reason is not None,
        possible_events=[event.value for event in possible_events(JOBSEEKER_MOVES, person.state)],
        version=person.version,
        warnings=[Warned(**warning) for warning in details.warnings(actor.today) + _shared(session, person, details)],
    )
    visible = queries.visible_groups(actor, person)
    shaped = full.limited_to(visible)
    return shaped.model_copy(
        update={"warnings": [w for w in shaped.warnings if JobseekerOut.group_of[w.field] in visible]}
    )


def _shared(session: Session, person: Jobseeker, details: Details) -> list[dict[str, str]]:
    [names] = shared_details.shared_widely(session, person.partner_id, [details])
    return [{"field": name, "text": SHARED[name]} for name in names]


def extract_of_details(session: Session, row: JobseekerDetails) -> DetailsOut:
    values = unsealed(session, row).as_dict()
    return DetailsOut(**values, id=row.id, valid_on=row.valid_on, recorded_at=row.recorded_at)


def change(session: WriteSession, actor: Actor, person: Jobseeker, changes: Mapping[str, Any]) -> Jobseeker:
    """Change only the fields named in ``changes``. The older version of the details remains on record."""
    if changes:
        details = unsealed(session, queries.details(session, person))
        record_details(session, actor, person, details.changed(changes))
    session.flush()  # so that the reply includes the new version
    return person


def move(
    session: WriteSession,
    actor: Actor,
    person: Jobseeker,
    event: JobseekerEvent,
    *,
    reason: str = "",
    valid_on: date | None = None,
    **columns: Any,
) -> Jobseeker:
    """Apply an event to a case. ``columns`` are further columns of the recorded move."""
    to_state = destination(JOBSEEKER_MOVES, person.state, event, JobseekerMoveRefused)
    session.add(
        JobseekerMove.recorded(
            actor,
            valid_on,
            partner_id=person.partner_id,
            jobseeker_id=person.id,
            event=event.value,
            from_state=person.state.value,
            to_state=to_state.value,
            reason=reason,
            **columns,
        )
    )
    person.state = to_state
    session.flush()  # so that the reply includes the new version
    return person


def restore(session: WriteSession, actor: Actor, person: Jobseeker, state: JobseekerState) -> None:
    """Give a case the state ``state`` because a merge of its record is undone."""
    if person.state is state:
        return
    last = select(JobseekerMove).where(
        JobseekerMove.partner_id == person.partner_id, JobseekerMove.jobseeker_id == person.id
    )
    # Figures as known on a day when the records were merged still use the superseded move.
    undone = session.scalars(last.order_by(JobseekerMove.recorded_at.desc(), JobseekerMove.id.desc()).limit(1)).one()
    session.add(
        JobseekerMove.recorded(
            actor,
            partner_id=person.partner_id,
            jobseeker_id=person.id,
            supersedes=undone.id,
            event="undo_merge",
            from_state=person.state.value,
            to_state=state.value,
            reason="A merge of two records was undone.",
        )
    )
    person.state = state
    session.flush()  # so that the reply includes the new version


def open_case(session: WriteSession, actor: Actor, person: Jobseeker) -> None:
    """Open the case of a jobseeker whose referral is accepted, or reopen the case if it is closed."""
    must_not_be_void(person)
    if person.state is JobseekerState.REFERRED:
        move(session, actor, person, JobseekerEvent.OPEN)
    elif person.state is JobseekerState.CLOSED:
        move(session, actor, person, JobseekerEvent.REOPEN, reason="A new referral was accepted.")


def must_not_be_void(person: Jobseeker) -> None:
    if person.state is JobseekerState.VOIDED:
        raise CaseIsClosed(
            "This record is void: it was made by mistake or merged. If the person has another record, use that record."
        )


def must_be_open(person: Jobseeker) -> None:
    if person.state is not JobseekerState.OPEN:
        raise CaseIsClosed(f"The case is {person.state}, not open. Accept a referral or reopen the case first.")


def assign(
    session: WriteSession,
    actor: Actor,
    person: Jobseeker,
    caseworker_id: UUID | None,
    programme_id: UUID | None,
    valid_on: date | None = None,
) -> None:
    """Record the caseworker from the day ``valid_on`` (default: today). The caller checks who may be the caseworker.

    The caseworker who had the case and the one who has it now are notified.
    """
    previous = session.scalars(queries.facts_about(CaseworkerAssignment, person)).one_or_none()
    if previous is None or previous.caseworker_id != caseworker_id:
        session.add(
            CaseworkerAssignment.recorded(
                actor,
                valid_on,
                partner_id=person.partner_id,
                jobseeker_id=person.id,
                supersedes=previous.id if previous else None,
                caseworker_id=caseworker_id,
            )
        )
    former, person.caseworker_id = person.caseworker_id, caseworker_id
    person.programme_id = programme_id
    if caseworker_id is not None and caseworker_id != former:
        notify_caseworker(session, actor, person, former, NoticeKind.CASE_REASSIGNED)
        notify_caseworker(session, actor, person, caseworker_id, NoticeKind.CASE_ASSIGNED)


def notify_caseworker(
    session: WriteSession, actor: Actor, person: Jobseeker, membership_id: UUID | None, kind: NoticeKind
) -> None:
    """Notify one caseworker of what happened to a case, unless they did it themselves or have left."""
    user_id = message_queries.user_of(session, membership_id)
    if user_id in {None, actor.user_id}:
        return
    message_actions.notify(
        session,
        actor,
        [user_id],
        kind,
        about=("jobseekers", person.id),
        organisation_id=person.partner_id,
        occasion=actor.at.isoformat(),
    )


def withdraw_fact(session: WriteSession, actor: Actor, fact: Any, reason: str) -> Any:
    """Withdraw a fact that was recorded by mistake. Both the fact and its withdrawal remain."""
    withdrawal = fact.withdrawn(actor, reason)
    session.add(withdrawal)
    session.flush()  # refuses the second of two writers that withdraw the same fact
    return withdrawal


class MergedMeanwhile(Conflict):
    title = "The record was merged into another record"


def _must_not_be_merged(session: WriteSession, *_: object) -> None:
    """Refuse facts about a record that another transaction merged while the facts were being written.

    Without this check, PostgreSQL could store such facts with the merged record, where they would never be read.
    SQLite has one writer at a time, so this cannot happen there.
    """
    if session.get_bind().dialect.name == "sqlite" or session.info.get("merging"):
        return
    people = {row.jobseeker_id for row in session.new if isinstance(row, AboutPerson) and row.jobseeker_id is not None}
    if not people:
        return
    rows = select(Jobseeker.id).where(Jobseeker.id.in_(people), Jobseeker.merged_into_id.is_not(None))
    # A merge holds a lock on these rows. This query waits for the merge and then reads its result.
    locked = select(Jobseeker.id).where(Jobseeker.id.in_(people)).order_by(Jobseeker.id)
    with session.no_autoflush:
        session.connection().execute(locked.with_for_update(read=True, key_share=True))
        if session.connection().execute(rows).first() is not None:
            raise MergedMeanwhile("Use the record into which this record was merged.")


event.listen(WriteSession, "before_flush", _must_not_be_merged)
