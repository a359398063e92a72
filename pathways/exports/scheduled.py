"""Scheduled jobs of exports: make last month's provisional figures, and delete expired claims files.

Closing a month is not scheduled: a person does it.
"""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

import structlog
from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from pathways.base import Actor
from pathways.database import Database, Session, WriteSession
from pathways.errors import DomainError
from pathways.exports import actions, queries
from pathways.exports.models import ExportFile
from pathways.exports.months import Month
from pathways.exports.schemas import NewExport
from pathways.organisations.models import Organisation
from pathways.reference import tables
from pathways.scheduled import ScheduledJob

LOG = structlog.get_logger()


def make_provisional(database: Database, operator: Actor) -> int:
    """Make last month's figures for each commissioner; return how many were made.

    The dated table ``limits`` says from which working day of the month the figures are due.

    This is not a ``ScheduledJob``, because a scheduled job runs in a write transaction and counting must not.
    """
    with database.reading(newest=True) as session:
        due = list(_due(session, operator.today))
    made = 0
    for commissioner_id, month in due:
        try:
            actions.make(database, operator, NewExport(month=str(month), commissioner_id=commissioner_id))
            made += 1
        except (DomainError, SQLAlchemyError) as error:
            LOG.warning("scheduled_job_failed", job="month", row_id=str(commissioner_id), error=type(error).__name__)
    return made


def _due(session: Session, on: date) -> Iterator[tuple[UUID, Month]]:
    """Yield each commissioner whose figures of last month are due but not made since the due day, with that month."""
    month = Month.of(on).plus(-1)
    for commissioner_id in sorted(queries.commissioners(session), key=str):
        nation = session.get_one(Organisation, commissioner_id).nation
        days = int(tables.limit("export_working_day", on))
        begins = tables.add_working_days(month.last_day, days, nation)
        latest = queries.latest(session, commissioner_id, None, str(month))
        if on >= begins and (latest is None or latest.as_of < begins):
            yield commissioner_id, month


def _expired(session: Session, commissioner_id: UUID, on: date) -> Iterator[UUID]:
    yield from queries.expired(session, commissioner_id, on)


def _delete_files(session: WriteSession, _: Actor, export_id: UUID) -> bool:
    session.execute(delete(ExportFile).where(ExportFile.export_id == export_id))
    return True


OF_COMMISSIONERS = (ScheduledJob("delete expired claims files", _expired, _delete_files),)
