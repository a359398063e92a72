"""Who is notified of a step of an introduction, and of a change of its placement."""

from sqlalchemy import select

from pathways.base import Actor, Role
from pathways.database import WriteSession
from pathways.introductions import stops
from pathways.introductions.models import OPEN, Introduction, IntroductionEvent
from pathways.jobseekers.models import Jobseeker
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.placements import actions as placement_actions
from pathways.placements.models import Placement

# What an actor does who offers a freed place to the waiting list; the offer counts as the social enterprise's.
OFFERED_ON = "introduction:offer_on"
# The notice to the jobseeker's caseworker about a step of the social enterprise, and to the placement listers about a
# step of the partner. Each side is notified only of what the other side did.
TO_CASEWORKER = {
    IntroductionEvent.INVITE: NoticeKind.INTRODUCTION_INVITED,
    IntroductionEvent.WAIT: NoticeKind.INTRODUCTION_WAITS,
    IntroductionEvent.OFFER: NoticeKind.OFFER_MADE,
    IntroductionEvent.DECLINE: NoticeKind.INTRODUCTION_DECLINED,
    IntroductionEvent.RECONSIDER: NoticeKind.INTRODUCTION_REOPENED,
    IntroductionEvent.START: NoticeKind.WORK_STARTED,
    IntroductionEvent.END: NoticeKind.WORK_ENDED,
}
# Notices that ask for a step. Whatever the next step is, nobody acts on them any more.
ASK_FOR_A_STEP = frozenset(
    {
        NoticeKind.INTRODUCTION_SENT,
        NoticeKind.INTRODUCTION_UNANSWERED,
        NoticeKind.INTRODUCTION_ESCALATED,
        NoticeKind.INTRODUCTION_TO_AGREE,
        NoticeKind.INTRODUCTION_INVITED,
        NoticeKind.INTRODUCTION_REOPENED,
        NoticeKind.OFFER_MADE,
        NoticeKind.OFFER_RUNS_OUT,
        NoticeKind.OFFER_ACCEPTED,
        NoticeKind.START_TO_RECORD,
    }
)
TO_LISTERS = {
    IntroductionEvent.SEND: NoticeKind.INTRODUCTION_SENT,
    IntroductionEvent.RECONSIDER: NoticeKind.INTRODUCTION_SENT,
    IntroductionEvent.INVITE: NoticeKind.STEP_RECORDED,
    IntroductionEvent.WAIT: NoticeKind.STEP_RECORDED,
    IntroductionEvent.OFFER: NoticeKind.STEP_RECORDED,
    IntroductionEvent.ACCEPT: NoticeKind.OFFER_ACCEPTED,
    IntroductionEvent.START: NoticeKind.STEP_RECORDED,
    IntroductionEvent.END: NoticeKind.STEP_RECORDED,
    IntroductionEvent.DECLINE: NoticeKind.INTRODUCTION_CLOSED,
    IntroductionEvent.WITHDRAW: NoticeKind.INTRODUCTION_CLOSED,
    IntroductionEvent.EXPIRE: NoticeKind.INTRODUCTION_CLOSED,
}


def notify_other_side(
    session: WriteSession, actor: Actor, introduction: Introduction, event: IntroductionEvent
) -> None:
    """Notify the caseworker of what the social enterprise did, or the placement listers of what the partner did."""
    is_theirs = actor.role is Role.PLACEMENT_LISTER or actor.doing == OFFERED_ON
    if is_theirs and event in TO_CASEWORKER:
        notify_caseworker(session, actor, introduction, TO_CASEWORKER[event])
    elif (
        not is_theirs
        and event in TO_LISTERS
        and introduction.sent_at is not None
        and not stops.is_barred(session, introduction)
    ):
        message_actions.notify_roles(
            session,
            actor,
            introduction.social_enterprise_id,
            [Role.PLACEMENT_LISTER],
            TO_LISTERS[event],
            about=("introductions", introduction.id),
            occasion=actor.at.isoformat(),
        )


def notify_caseworker(session: WriteSession, actor: Actor, introduction: Introduction, kind: NoticeKind) -> None:
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    message_actions.notify_owner(
        session,
        actor,
        introduction.partner_id,
        person.caseworker_id,
        kind,
        about=("introductions", introduction.id),
        occasion=actor.at.isoformat(),
    )


def notify_of_change(session: WriteSession, actor: Actor, placement: Placement) -> None:
    """Notify the caseworker of each open introduction to a placement whose terms have just changed."""
    rows = select(Introduction).where(
        Introduction.placement_id == placement.id,
        Introduction.sent_at.is_not(None),
        Introduction.state.in_(OPEN),
    )
    for introduction in session.scalars(rows.order_by(Introduction.id)).all():
        notify_caseworker(session, actor, introduction, NoticeKind.PLACEMENT_CHANGED)


def notify_caseworkers(session: WriteSession, actor: Actor, placement: Placement) -> None:
    """Notify the caseworker of each open introduction to a placement that has just closed."""
    rows = select(Introduction).where(Introduction.placement_id == placement.id, Introduction.state.in_(OPEN))
    for introduction in session.scalars(rows.order_by(Introduction.id)).all():
        notify_caseworker(session, actor, introduction, NoticeKind.PLACEMENT_CLOSED)


if notify_caseworkers not in placement_actions.WHEN_CLOSED:
    placement_actions.WHEN_CLOSED.append(notify_caseworkers)
if notify_of_change not in placement_actions.WHEN_CHANGED:
    placement_actions.WHEN_CHANGED.append(notify_of_change)
