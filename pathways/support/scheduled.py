"""Scheduled job of support: notify the owner of a case about due check-ins and plans, once for each due day."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.jobseekers.models import Jobseeker
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.scheduled import ScheduledJob
from pathways.support import worklist
from pathways.support.waiting import Cases

NOTICE_OF = {
    "check_in_due": NoticeKind.CHECK_IN_DUE,
    "check_in_overdue": NoticeKind.CHECK_IN_OVERDUE,
    "plan_to_make": NoticeKind.PLAN_TO_MAKE,
    "plan_to_review": NoticeKind.PLAN_TO_REVIEW,
}


def _partner(_: Session, partner_id: UUID, __: date) -> Iterator[UUID]:
    yield partner_id


def _notify(session: WriteSession, actor: Actor, partner_id: UUID) -> bool:
    """Notify the owners of cases about check-ins and plans. Other kinds of item appear only on the worklist."""
    waits = [wait for wait in worklist.waiting_items(session, Cases(partner_id), actor.today) if wait.kind in NOTICE_OF]
    notices = 0
    for wait in waits:
        person = session.get_one(Jobseeker, wait.jobseeker_id)
        notices += message_actions.notify_owner(
            session,
            actor,
            partner_id,
            person.caseworker_id,
            NOTICE_OF[wait.kind],
            about=(wait.subject, wait.subject_id),
            occasion=wait.due_on.isoformat(),
        )
    return bool(notices)


OF_PARTNERS = (ScheduledJob("check-ins and plans", _partner, _notify),)
