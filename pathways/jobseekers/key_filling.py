"""Store the keyed hashes that identify people, for records of which they are missing or of an earlier form."""

from collections.abc import Mapping, Sequence
from threading import Event
from uuid import UUID

from sqlalchemy import bindparam, delete, or_, select, update

from matching.people.identity import keys_of
from pathways.base import local_day
from pathways.database import Database, Session, WriteSession, insert_if_absent
from pathways.facts import as_known
from pathways.jobseekers import identify, person_keys
from pathways.jobseekers.former_names import with_former_names
from pathways.jobseekers.identifiers import readable
from pathways.jobseekers.models import HASH_FORM, Jobseeker, JobseekerDetails, JobseekerState, PersonKey

AT_ONCE, PAUSE_SECONDS = 500, 0.05


def fill(database: Database, stop: Event | None = None) -> int:
    """Make the hashes of all people who lack them, for instance after an upgrade. Return the number of these people.

    The work is done in small batches: hashes are computed without a write transaction, and each batch is stored in a
    transaction of its own. With ``stop``, the job pauses after each batch, so that other writers wait for one batch at
    most. The job ends as soon as ``stop`` is set.
    """
    filled, last = 0, UUID(int=0)
    has_keys = select(PersonKey.id).where(
        PersonKey.partner_id == Jobseeker.partner_id, PersonKey.jobseeker_id == Jobseeker.id
    )
    to_fill = or_(Jobseeker.hash_form < HASH_FORM, ~has_keys.exists())
    while True:
        with database.reading(newest=True) as session:
            ids = session.scalars(
                select(Jobseeker.id).where(Jobseeker.id > last, to_fill).order_by(Jobseeker.id).limit(AT_ONCE)
            ).all()
            hashes = _hashes(session, ids)
        if not ids:
            return filled
        with database.writing(None) as session:
            _store(session, ids, hashes)
        last, filled = ids[-1], filled + len(ids)
        if stop is not None and stop.wait(PAUSE_SECONDS):
            return filled


Hashes = Mapping[UUID, tuple[Mapping[str, str], set[int]]]


def _hashes(session: Session, ids: Sequence[UUID]) -> Hashes:
    """Return, by person, the hashes of the numbers and the keys, made from the details as they are now."""
    found = []
    of_people = (
        select(JobseekerDetails)
        .join(Jobseeker, Jobseeker.id == JobseekerDetails.jobseeker_id)
        .where(Jobseeker.id.in_(ids), as_known(JobseekerDetails))
        # A void record is found only by the record into which it was merged.
        .where(or_(Jobseeker.state != JobseekerState.VOIDED, Jobseeker.merged_into_id.is_not(None)))
    )
    for row in session.scalars(of_people):
        details = readable(session, row).identifying(local_day(row.recorded_at))
        numbers = identify.hashes_of_numbers(session, details)
        found.append(
            (row.partner_id, row.jobseeker_id, identify.identity_from(str(row.jobseeker_id), details, numbers))
        )
    hashes = {}
    for partner_id in {partner_id for partner_id, _, _ in found}:
        people = [(jobseeker_id, identity) for own, jobseeker_id, identity in found if own == partner_id]
        for (jobseeker_id, _), who in zip(people, with_former_names(session, partner_id, people), strict=True):
            hashes[jobseeker_id] = who.identifiers, {person_keys.hashed(session, key) for key in keys_of(who)}
    return hashes


def _store(session: WriteSession, ids: Sequence[UUID], hashes: Hashes) -> None:
    """Store the hashes of a batch, but not of people whose details changed meanwhile: theirs are new already."""
    people = session.execute(
        select(Jobseeker.partner_id, Jobseeker.id, Jobseeker.hash_form)
        .where(Jobseeker.id.in_(ids))
        .order_by(Jobseeker.id)  # the order in which others lock people
        .with_for_update()
    ).all()
    outdated = [row.id for row in people if row.hash_form < HASH_FORM]
    if outdated:
        connection = session.connection()
        made_again = (
            update(Jobseeker)
            .where(Jobseeker.id == bindparam("person"))
            .values(nino_hash=bindparam("nino"), nhs_number_hash=bindparam("nhs_number"), hash_form=HASH_FORM)
        )
        numbers = {one: hashes[one][0] if one in hashes else {} for one in outdated}
        connection.execute(
            made_again,
            [{"person": one, "nino": n.get("nino"), "nhs_number": n.get("nhs_number")} for one, n in numbers.items()],
        )
        connection.execute(delete(PersonKey).where(PersonKey.jobseeker_id.in_(outdated)))
    have_keys = set(session.scalars(select(PersonKey.jobseeker_id).where(PersonKey.jobseeker_id.in_(ids)).distinct()))
    new = [
        {"partner_id": row.partner_id, "jobseeker_id": row.id, "key": key}
        for row in people
        if row.id not in have_keys and row.id in hashes
        for key in sorted(hashes[row.id][1])
    ]
    insert_if_absent(session, PersonKey, new)  # another process may be storing the same keys
