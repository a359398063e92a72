"""Scheduled jobs of referrals: reminders to acknowledge a referral and to record a start."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select

from pathways.base import Actor, Nation, Role, local_day
from pathways.database import Session, WriteSession
from pathways.jobseekers.models import CaseworkerAssignment, Jobseeker, JobseekerState
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.organisations.models import Organisation
from pathways.reference import tables
from pathways.referrals.models import Referral, ReferralState
from pathways.scheduled import ScheduledJob

CLOCKS = {
    ReferralState.SUBMITTED: ("acknowledge_referral", NoticeKind.REFERRAL_TO_ACKNOWLEDGE),
    ReferralState.ACKNOWLEDGED: ("start_recorded", NoticeKind.REFERRAL_TO_START),
    ReferralState.ACCEPTED: ("start_recorded", NoticeKind.REFERRAL_TO_START),
}
# The jobseeker never had a caseworker. Everybody who is or was on a programme has had a caseworker.
NEVER_STARTED = ~(
    select(CaseworkerAssignment.id)
    .where(
        CaseworkerAssignment.partner_id == Referral.partner_id,
        CaseworkerAssignment.jobseeker_id == Referral.jobseeker_id,
        CaseworkerAssignment.caseworker_id.is_not(None),
    )
    .exists()
)


def _is_late(referral: Referral, nation: Nation, on: date) -> bool:
    clock, _ = CLOCKS[referral.state]
    return tables.due_on(clock, local_day(referral.made_at), nation) < on


def _overdue(session: Session, partner_id: UUID, on: date) -> Iterator[UUID]:
    """Yield the ids of overdue referrals. An accepted one is overdue only if its jobseeker never had a caseworker."""
    nation = session.get_one(Organisation, partner_id).nation
    rows = (
        select(Referral)
        .join(Jobseeker, (Jobseeker.partner_id == Referral.partner_id) & (Jobseeker.id == Referral.jobseeker_id))
        .where(
            Referral.partner_id == partner_id,
            Referral.state.in_(list(CLOCKS)),
            or_(Referral.state != ReferralState.ACCEPTED, NEVER_STARTED),
            Jobseeker.state.in_([JobseekerState.REFERRED, JobseekerState.OPEN]),
        )
        .order_by(Referral.id)
    )
    for referral in session.scalars(rows):
        if _is_late(referral, nation, on):
            yield referral.id


def _remind(session: WriteSession, actor: Actor, referral_id: UUID) -> bool:
    """Notify the team managers about a referral. Return whether a notice was written."""
    referral = session.get_one(Referral, referral_id, populate_existing=True)
    nation = session.get_one(Organisation, referral.partner_id).nation
    if referral.state not in CLOCKS or not _is_late(referral, nation, actor.today):
        return False
    kind, about = CLOCKS[referral.state][1], ("referrals", referral.id)
    notices = message_actions.notify_roles(session, actor, referral.partner_id, [Role.TEAM_MANAGER], kind, about=about)
    return bool(notices)


OF_PARTNERS = (ScheduledJob("overdue referrals", _overdue, _remind),)
