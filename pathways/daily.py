"""The daily run of every scheduled job: reminders, escalations, expiries, releases. Safe to run twice or late."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from pathways.base import Actor, Role, local_day
from pathways.claims import scheduled as claims
from pathways.database import Database, repeated
from pathways.duplicates import scheduled as duplicates
from pathways.errors import DomainError
from pathways.exports import scheduled as exports
from pathways.introductions import scheduled as introductions
from pathways.messages import actions as message_actions
from pathways.messages import scheduled as messages
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.placements import scheduled as placements
from pathways.progression import scheduled as progression
from pathways.protection import scheduled as protection
from pathways.referrals import scheduled as referrals
from pathways.scheduled import ScheduledJob
from pathways.support import scheduled as support

LOG = structlog.get_logger()
JOBS: Mapping[OrganisationKind, tuple[Role, Sequence[ScheduledJob]]] = {
    OrganisationKind.SOCIAL_ENTERPRISE: (
        Role.PLACEMENT_LISTER,
        (*placements.OF_SOCIAL_ENTERPRISES, *introductions.OF_SOCIAL_ENTERPRISES),
    ),
    OrganisationKind.VOLUNTARY_SECTOR_PARTNER: (
        Role.TEAM_MANAGER,
        (
            *referrals.OF_PARTNERS,
            *duplicates.OF_PARTNERS,
            *protection.OF_PARTNERS,
            *introductions.OF_PARTNERS,
            *progression.OF_PARTNERS,
            *support.OF_PARTNERS,
            *claims.OF_PARTNERS,
        ),
    ),
    OrganisationKind.COMMISSIONER: (Role.COMMISSIONER, exports.OF_COMMISSIONERS),
    OrganisationKind.LOCAL_AUTHORITY: (Role.COMMISSIONER, exports.OF_COMMISSIONERS),
}


def run(
    database: Database, operator: Actor, at: datetime, *, progress: Callable[[str], None] = lambda _: None
) -> Counter[str]:
    """Run every job for every organisation, as the operator acting for it. Count the rows handled, by job.

    Each row is handled in a transaction of its own, so that a failing row does not stop the others. At the end the
    notices that were not yet e-mailed go into one e-mail for each member. The result leaves out jobs that did nothing.
    """
    on = local_day(at)
    done: Counter[str] = Counter()
    with database.reading(newest=True) as session:
        rows = session.execute(
            select(Organisation.id, Organisation.kind).order_by(Organisation.kind, Organisation.id)
        ).all()
    for organisation_id, kind in rows:
        role, jobs = JOBS.get(kind, (Role.ADMINISTRATOR, ()))
        actor = operator.then(organisation_id=organisation_id, role=role, membership_id=None, at=at, doing="daily")
        for job in (*jobs, *messages.OF_ORGANISATIONS):
            done[job.name] += _run_job(database, actor, job, on)
        progress(str(organisation_id))
    done["provisional months"] = exports.make_provisional(database, operator.then(at=at, doing="daily"))
    with database.writing(operator.then(at=at, doing="daily")) as session:
        done["e-mails"] += message_actions.make_emails(session, at, urgent=False)
    return +done


def _run_job(database: Database, actor: Actor, job: ScheduledJob, on: date) -> int:
    with database.reading(newest=True) as session:
        due = list(job.due(session, actor.organisation_id, on))
    count = 0
    for row_id in due:
        try:
            count += repeated(partial(_act, database, actor, job, row_id))
        except (DomainError, SQLAlchemyError) as wrong:
            LOG.warning("scheduled_job_failed", job=job.name, row_id=str(row_id), error=type(wrong).__name__)
    return count


def _act(database: Database, actor: Actor, job: ScheduledJob, row_id: UUID) -> bool:
    with database.writing(actor) as session:
        return job.act(session, actor, row_id)
