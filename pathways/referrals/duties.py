"""What time alone makes due of referrals: to be acknowledged, to have a start recorded."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from sqlalchemy import select

from pathways.base import Actor, Nation, Role, local_day
from pathways.database import Session, WriteSession
from pathways.duties import Duty
from pathways.jobseekers.models import Jobseeker, JobseekerState
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.organisations.models import Organisation
from pathways.reference import tables
from pathways.referrals.models import Referral, ReferralState

CLOCKS = {
    ReferralState.SUBMITTED: ("acknowledge_referral", NoticeKind.REFERRAL_TO_ACKNOWLEDGE),
    ReferralState.ACKNOWLEDGED: ("start_recorded", NoticeKind.REFERRAL_TO_START),
    ReferralState.ACCEPTED: ("start_recorded", NoticeKind.REFERRAL_TO_START),
}


def _is_late(referral: Referral, is_started: bool, nation: Nation, on: date) -> bool:  # noqa: FBT001 - one of its facts
    if referral.state is ReferralState.ACCEPTED and is_started:
        return False
    clock, _ = CLOCKS[referral.state]
    return tables.due_on(clock, local_day(referral.made_at), nation) < on


def _waiting(session: Session, partner_id: UUID, on: date) -> Iterator[UUID]:
    """Referrals whose clock ran out; of those accepted, of people who are on no programme yet."""
    nation = session.get_one(Organisation, partner_id).nation
    rows = (
        select(Referral, Jobseeker.programme_id)
        .join(Jobseeker, (Jobseeker.partner_id == Referral.partner_id) & (Jobseeker.id == Referral.jobseeker_id))
        .where(
            Referral.partner_id == partner_id,
            Referral.state.in_(list(CLOCKS)),
            Jobseeker.state.in_([JobseekerState.REFERRED, JobseekerState.OPEN]),
        )
        .order_by(Referral.id)
    )
    for referral, programme_id in session.execute(rows):
        if _is_late(referral, programme_id is not None, nation, on):
            yield referral.id


def _remind(session: WriteSession, actor: Actor, referral_id: UUID) -> bool:
    referral = session.get_one(Referral, referral_id, populate_existing=True)
    person = session.get_one(Jobseeker, referral.jobseeker_id)
    nation = session.get_one(Organisation, referral.partner_id).nation
    if referral.state not in CLOCKS or not _is_late(referral, person.programme_id is not None, nation, actor.today):
        return False
    kind, about = CLOCKS[referral.state][1], ("referrals", referral.id)
    message_actions.notify_roles(session, actor, referral.partner_id, [Role.TEAM_MANAGER], kind, about=about)
    return True


OF_PARTNERS = (Duty("referrals that wait", _waiting, _remind),)
