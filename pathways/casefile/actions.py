"""Read, close and void a whole casefile, using the ``Holding`` that each feature has registered."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select

from pathways.audit import AuditRow, is_about
from pathways.base import Actor
from pathways.casefile.schemas import Extract, TimelinePage
from pathways.database import Session, WriteSession
from pathways.enrolments import actions as enrolment_actions
from pathways.enrolments.schemas import Closing
from pathways.fields import Purpose
from pathways.holdings import Holding
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerEvent
from pathways.pagination import PageRequest, cursor, page_after
from pathways.referrals.models import StageSource


def timeline(
    session: Session,
    holdings: Sequence[Holding],
    person: Jobseeker,
    request: PageRequest,
    *,
    newest_first: bool = False,
) -> TimelinePage:
    """Return one page of a jobseeker's timeline, oldest first, ordered by the day that each entry is about."""
    entries = [entry for holding in holdings for entry in holding.timeline(session, person.id)]
    entries.sort(key=lambda e: (e.on, e.recorded_at, e.id), reverse=newest_first)
    entries_after = page_after(entries, request, lambda entry: entry.id)
    page = list(entries_after[: request.limit])
    has_more = len(entries_after) > request.limit
    return TimelinePage(items=page, next=cursor(page[-1].id) if has_more else None)


def extract(session: Session, actor: Actor, holdings: Sequence[Holding], person: Jobseeker) -> Extract:
    """Return all data held about a jobseeker, limited to the fields that the jobseeker may read."""
    visible = jobseeker_queries.visible_groups(actor, person, Purpose.EXTRACT)
    records = [person.id, *jobseeker_queries.merged_ids(session, person)]
    held = {
        table: [row.limited_to(visible).model_dump(mode="json") for row in rows]
        for holding in holdings
        for table, rows in holding.extract(session, records).items()
    }
    return Extract(jobseeker_id=person.id, reference=person.reference, made_at=actor.at, holdings=held)


def close(
    session: WriteSession,
    actor: Actor,
    holdings: Sequence[Holding],
    person: Jobseeker,
    closing: Closing,
    sources: Sequence[StageSource],
) -> Jobseeker:
    """Close a case: withdraw open introductions, and end the open enrolment with the given ``end_reason``."""
    for holding in reversed(holdings):
        holding.close(session, actor, person, closing.reason)
    return enrolment_actions.close_case(session, actor, person, closing, sources)


def void(session: WriteSession, actor: Actor, holdings: Sequence[Holding], person: Jobseeker, reason: str) -> Jobseeker:
    """Void a record made by mistake: end its open work, such as introductions, and leave it out of all figures."""
    for holding in reversed(holdings):
        holding.void(session, actor, person, reason)
    return jobseeker_actions.move(session, actor, person, JobseekerEvent.VOID, reason=reason)


def access_log(session: Session, jobseeker_id: UUID) -> Select[AuditRow]:
    """Select the audit rows about one jobseeker, alone or in a list, and about the records merged into theirs."""
    person = session.get(Jobseeker, jobseeker_id)
    merged = [] if person is None else jobseeker_queries.merged_ids(session, person)
    return select(AuditRow).where(is_about([jobseeker_id, *merged]))
