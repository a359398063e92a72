"""Store the keyed hashes that identify people, for records that were made before there were such keys."""

from threading import Event
from typing import Any
from uuid import UUID

from sqlalchemy import select

from matching.people.identity import keys_of
from pathways.database import Database, insert_if_absent
from pathways.jobseekers import identify
from pathways.jobseekers.models import Jobseeker, PersonKey

AT_ONCE, PAUSE_SECONDS = 500, 0.05


def fill(database: Database, stop: Event | None = None) -> int:
    """Store the keys of all people who have none, for instance after an upgrade. Return the number of these people.

    The work is done in small batches: keys are computed without a write transaction, and each batch is stored in a
    transaction of its own. With ``stop``, the job pauses after each batch, so that other writers wait for one batch at
    most. The job ends as soon as ``stop`` is set.
    """
    filled, last = 0, UUID(int=0)
    without = ~select(PersonKey.id).where(*_keys_of_jobseeker()).exists()
    while True:
        new_keys: list[dict[str, Any]] = []
        with database.reading(newest=True) as session:
            people = session.execute(
                select(Jobseeker.partner_id, Jobseeker.id)
                .where(Jobseeker.id > last, without)
                .order_by(Jobseeker.id)
                .limit(AT_ONCE)
            ).all()
            for partner_id in {row.partner_id for row in people}:
                ids = [row.id for row in people if row.partner_id == partner_id]
                rows = session.connection().execute(identify.CANDIDATES, {"partner": partner_id, "ids": ids})
                new_keys += [
                    {"partner_id": partner_id, "jobseeker_id": row.id, "key": key}
                    for row in rows
                    for key in sorted({identify.hashed(session, key) for key in keys_of(identify.identity_of(row))})
                ]
        if not people:
            return filled
        with database.writing(None) as session:
            # After an upgrade, another process may be storing the same keys.
            insert_if_absent(session, PersonKey, new_keys)
        last, filled = people[-1].id, filled + len(people)
        if stop is not None and stop.wait(PAUSE_SECONDS):
            return filled


def _keys_of_jobseeker() -> tuple[Any, Any]:
    return PersonKey.partner_id == Jobseeker.partner_id, PersonKey.jobseeker_id == Jobseeker.id
