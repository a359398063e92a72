"""Measure the CPU and the statements of each page of a caseworker, in a large partner.

    python -m benchmarks.pages --jobseekers 10000 --placements 2000

All jobseekers belong to one partner; 40 of them are in the caseload that is looked at. A page is compared with the
API's reply about one person in the same run.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from anyio.from_thread import start_blocking_portal
from fastapi.testclient import TestClient
from sqlalchemy import event, insert, select, update
from uuid_utils.compat import uuid7

from benchmarks.stocked import settings_for, stocked
from pathways.app import create_app
from pathways.base import utc_now
from pathways.database import Database
from pathways.enrolments.models import Enrolment, EnrolmentState
from pathways.jobseekers import key_filling, name_index
from pathways.jobseekers.models import Jobseeker
from pathways.referrals.models import Referral, ReferralState, SourceType
from tests.browsing import Browser
from tests.world import World

CASELOAD = 40
TRIES = 15


def _enrol(world: World, ids: list[UUID]) -> None:
    """Give each jobseeker an accepted referral and an open enrolment; all but a caseload to another caseworker."""
    partner, now = world.organisations["partner"], utc_now()
    own, other = world.actors["caseworker"].membership_id, world.actors["colleague"].membership_id
    day = now.date() - timedelta(days=60)
    referrals = [
        {
            "id": uuid7(),
            "partner_id": partner,
            "jobseeker_id": one,
            "ref": f"b{number}",
            "state": ReferralState.ACCEPTED,
            "source_type": SourceType.SELF,
            "source_key": f"bench {number}",
            "referred_on": day,
            "made_at": now,
            "acknowledged_at": now,
            "version": 1,
        }
        for number, one in enumerate(ids)
    ]
    enrolments = [
        {
            "id": uuid7(),
            "partner_id": partner,
            "jobseeker_id": referral["jobseeker_id"],
            "programme_id": world.programme_id,
            "referral_id": referral["id"],
            "caseworker_id": own if number < CASELOAD else other,
            "caseworker_from": day,
            "state": EnrolmentState.STARTED,
            "started_on": day,
            "made_at": now,
            "version": 1,
        }
        for number, referral in enumerate(referrals)
    ]
    with world.database.writing(None) as session:
        session.execute(insert(Referral), referrals)
        session.execute(insert(Enrolment), enrolments)
        session.execute(update(Jobseeker).where(Jobseeker.id.in_(ids[:CASELOAD])).values(caseworker_id=own))
        for start in range(CASELOAD, len(ids), 500):
            session.execute(
                update(Jobseeker).where(Jobseeker.id.in_(ids[start : start + 500])).values(caseworker_id=other)
            )


@contextmanager
def _statements(database: Database) -> Any:
    told: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        told.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield told
    event.remove(database.engine, "before_cursor_execute", note)


def _measured(database: Database, act: Callable[[], Any]) -> tuple[float, int]:
    """Return the median CPU milliseconds and the statements of a call."""
    act()
    spent = []
    with _statements(database) as told:
        for _ in range(TRIES):
            began = time.process_time()
            reply = act()
            spent.append((time.process_time() - began) * 1000)
            assert reply.status_code == 200, reply.text[:500]
    return statistics.median(spent), len(told) // TRIES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobseekers", type=int, default=10_000)
    parser.add_argument("--placements", type=int, default=2_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/pages.db"
        world, ids = stocked(url, options.placements, options.jobseekers)
        _enrol(world, ids)
        key_filling.fill(world.database)
        name_index.fill(world.database)
        world.database.count_rows()
        app = create_app(settings_for(url), world.database)
        # Not as a context manager: that would start the loops of the service, whose CPU would be counted too.
        client = TestClient(app)
        with start_blocking_portal() as client.portal:
            _measure(client, world, ids)


def _measure(client: TestClient, world: World, ids: list[UUID]) -> None:
    browser = Browser(client, world)
    browser.sign_in("caseworker")
    with world.database.reading() as session:
        reference = session.scalars(select(Jobseeker.reference).where(Jobseeker.id == ids[3])).one()
    browser.post(f"/people/{reference}/places")
    browser.post("/people/search", {"text": "Given 77"})
    headers = world.key("caseworker")
    base, _ = _measured(world.database, lambda: client.get(f"/api/v1/jobseekers/{ids[3]}", headers=headers))
    print(f"GET /api/v1/jobseekers/{{id}}: {base:.1f} ms CPU; each page also as a multiple of it")
    of_person = ("", "/profile", "/places", "/work", "/support", "/sharing", "/history", "/handover", "/contacts/new")
    paths = [
        "/", "/today/plans", "/people", "/people?whose=all", "/people?whose=all&page=200", "/people/found",
        "/referrals", "/introductions", "/placements", *(f"/people/{reference}{tab}" for tab in of_person),
    ]  # fmt: skip
    for path in paths:
        spent, statements = _measured(world.database, partial(browser.get, path))
        print(f"{path.replace(reference, '{ref}'):36} {spent:7.1f} ms {spent / base:6.1f} x {statements:4} statements")


if __name__ == "__main__":
    main()
