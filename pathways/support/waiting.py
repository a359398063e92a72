"""What waits on the worklist because the other side answered: offers, invitations, declines, starts, decisions.

An item about something that a person must hear leaves with a contact recorded since, or a new introduction. After
the days of the ``limits`` table it leaves too: then ``no_contact`` asks for the contact, or ``stalled`` for a review.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import aliased

from pathways.access.models import User
from pathways.base import Role, local_day
from pathways.claims.models import Claim, ClaimEvent, ClaimMove, ClaimState
from pathways.database import Session
from pathways.enrolments.models import Enrolment
from pathways.facts import as_known
from pathways.introductions.models import (
    CLOCK_OF,
    OPEN,
    REFUSED,
    FeedbackHow,
    Introduction,
    IntroductionEvent,
    IntroductionMove,
    IntroductionState,
    Side,
    StartFeedback,
)
from pathways.introductions.stops import COVERED
from pathways.jobseekers.models import (
    Contact,
    ContactOutcome,
    ContactWith,
    Jobseeker,
    JobseekerEvent,
    JobseekerMove,
    JobseekerState,
)
from pathways.organisations.models import Membership, Organisation
from pathways.placements.models import Place
from pathways.progression.models import Spell, SpellState
from pathways.reference import tables
from pathways.referrals.models import Referral, ReferralEvent, ReferralMove, ReferralSnapshot, ReferralState

# What a query asks of every partner is built once: building it takes longer than the database needs to answer for one
# person. Whose items are wanted, and the days, are added each time.


@dataclass(frozen=True, slots=True)
class Wait:
    """One item of the worklist, without data about the jobseeker."""

    kind: str
    due_on: date
    jobseeker_id: UUID
    subject: str
    subject_id: UUID


@dataclass(frozen=True, slots=True)
class Cases:
    """Whose items are wanted: those of a partner, or only those of some of its jobseekers."""

    partner_id: UUID
    among: tuple[UUID, ...] | None = None

    def own(self, model: Any) -> ColumnElement[bool]:
        """Return the condition that a row is about one of these jobseekers."""
        of_partner: ColumnElement[bool] = model.partner_id == self.partner_id
        return of_partner if self.among is None else of_partner & model.jobseeker_id.in_(self.among)


def _since(on: date, limit: str) -> datetime:
    """Return the beginning of the time in which what happened still waits on the worklist."""
    return datetime.combine(on - timedelta(days=int(tables.limit(limit, on))), time(0), UTC)


@cache
def _contacted_since(move: Any, whom: ContactWith) -> ColumnElement[bool]:
    """Return whether staff recorded, after a move, that they spoke with the jobseeker or the referrer."""
    return (
        select(Contact.id)
        .where(
            Contact.partner_id == move.partner_id,
            Contact.jobseeker_id == move.jobseeker_id,
            Contact.with_whom == whom,
            Contact.outcome == ContactOutcome.SPOKE,
            ~Contact.is_withdrawal,
            Contact.recorded_at > move.recorded_at,
        )
        .exists()
    )


def _has_member(organisation_id: Any, role: Role) -> ColumnElement[bool]:
    """Return whether a person, not a program, can read a notice to this role of an organisation."""
    return (
        select(Membership.id)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.role == role,
            Membership.ended_at.is_(None),
            User.is_machine.is_(False),
        )
        .exists()
    )


@cache
def _is_open(row: Any) -> ColumnElement[bool]:
    """Return whether the case of the jobseeker that a row is about is open."""
    return (
        select(Jobseeker.id)
        .where(
            Jobseeker.partner_id == row.partner_id,
            Jobseeker.id == row.jobseeker_id,
            Jobseeker.state == JobseekerState.OPEN,
        )
        .exists()
    )


@cache
def _with_last_move() -> Any:
    """Return the query of introductions of open cases, each with its last move."""
    newer = aliased(IntroductionMove)
    later = select(newer.id).where(
        newer.partner_id == IntroductionMove.partner_id,
        newer.introduction_id == IntroductionMove.introduction_id,
        newer.id > IntroductionMove.id,
    )
    same = (IntroductionMove.partner_id == Introduction.partner_id) & (
        IntroductionMove.introduction_id == Introduction.id
    )
    return (
        select(Introduction, IntroductionMove)
        .join(IntroductionMove, same)
        .where(_is_open(Introduction), ~later.exists())
    )


@cache
def _to_answer() -> Any:
    states = (IntroductionState.SENT, IntroductionState.INVITED, IntroductionState.OFFERED)
    rows = _with_last_move().where(Introduction.state.in_(states))
    return rows.join(Place, Place.introduction_id == Introduction.id, isouter=True).add_columns(Place.held_until)


def of_answers(session: Session, cases: Cases, on: date, stopped: Collection[UUID]) -> Iterator[Wait]:
    """Yield offers until they are answered, and invitations and reopened introductions until their time limit.

    Introductions that a protective fact stops are left out: nothing may be arranged.
    """
    nation = session.get_one(Organisation, cases.partner_id).nation
    for one, move, held_until in session.execute(_to_answer().where(cases.own(Introduction))):
        if one.id in stopped:
            continue
        if one.state is IntroductionState.OFFERED:
            due_on = held_until or tables.due_on("place_hold", move.valid_on, nation)
            yield Wait("offer_to_answer", due_on, one.jobseeker_id, "introductions", one.id)
            continue
        is_invitation = one.state is IntroductionState.INVITED
        is_reopened = (
            move.event == IntroductionEvent.RECONSIDER.value and move.made_by_role == Role.PLACEMENT_LISTER.value
        )
        due_on = tables.due_on(CLOCK_OF[one.state], move.valid_on, nation)
        if (is_invitation or is_reopened) and due_on >= on:  # afterwards "answer_awaited" asks
            kind = "meeting_to_arrange" if is_invitation else "reopened"
            yield Wait(kind, due_on, one.jobseeker_id, "introductions", one.id)


@cache
def _ended_by_others() -> Any:
    newer = aliased(Introduction)
    introduced_again = select(newer.id).where(
        newer.partner_id == Introduction.partner_id,
        newer.jobseeker_id == Introduction.jobseeker_id,
        newer.made_at > IntroductionMove.recorded_at,
    )
    withdrew = (IntroductionMove.event == IntroductionEvent.WITHDRAW.value) & (IntroductionMove.reason == COVERED)
    return _with_last_move().where(
        Introduction.state.in_(REFUSED),
        # Nobody said anything when an introduction expired: the caseworker has a notice of it.
        IntroductionMove.event != IntroductionEvent.EXPIRE.value,
        or_(withdrew, (IntroductionMove.said_by == Side.SOCIAL_ENTERPRISE) & ~introduced_again.exists()),
        ~_contacted_since(IntroductionMove, ContactWith.JOBSEEKER),
    )


def of_ends(session: Session, cases: Cases, on: date) -> Iterator[Wait]:
    """Yield introductions that the social enterprise or a safety exclusion ended, until staff speak with them."""
    rows = _ended_by_others().where(
        cases.own(Introduction), IntroductionMove.recorded_at >= _since(on, "no_contact_days")
    )
    for one, move in session.execute(rows):
        kind = "decline_to_tell" if move.said_by is Side.SOCIAL_ENTERPRISE else "safety_withdrew"
        yield Wait(kind, move.valid_on, one.jobseeker_id, "introductions", one.id)


@cache
def _without_spell() -> Any:
    spell = select(Spell.id).where(
        Spell.partner_id == Introduction.partner_id,
        Spell.introduction_id == Introduction.id,
        Spell.state != SpellState.VOIDED,
    )
    return select(Introduction.id, Introduction.jobseeker_id, Introduction.started_on).where(
        Introduction.state == IntroductionState.STARTED, _is_open(Introduction), ~spell.exists()
    )


def of_starts(session: Session, cases: Cases, on: date) -> Iterator[Wait]:
    """Yield starts without a spell of work, for instance because the first day is before the enrolment."""
    rows = _without_spell().where(cases.own(Introduction))
    for introduction_id, jobseeker_id, started_on in session.execute(rows):
        yield Wait("spell_to_record", started_on or on, jobseeker_id, "introductions", introduction_id)


@cache
def _unread() -> Any:
    return select(Introduction.id, Introduction.jobseeker_id, Introduction.sent_at).where(
        Introduction.state.in_(OPEN),
        Introduction.sent_at.is_not(None),
        _is_open(Introduction),
        ~_has_member(Introduction.social_enterprise_id, Role.PLACEMENT_LISTER),
    )


def of_unread_introductions(session: Session, cases: Cases, stopped: Collection[UUID]) -> Iterator[Wait]:
    """Yield open introductions that were sent to a social enterprise where nobody can read them."""
    rows = _unread().where(cases.own(Introduction))
    for introduction_id, jobseeker_id, sent_at in session.execute(rows):
        if introduction_id not in stopped and sent_at is not None:
            yield Wait("nobody_notified", local_day(sent_at), jobseeker_id, "introductions", introduction_id)


@cache
def _reopened() -> Any:
    newer = aliased(JobseekerMove)
    later = select(newer.id).where(
        newer.partner_id == JobseekerMove.partner_id,
        newer.jobseeker_id == JobseekerMove.jobseeker_id,
        newer.recorded_at > JobseekerMove.recorded_at,
    )
    enrolled = select(Enrolment.id).where(
        Enrolment.partner_id == JobseekerMove.partner_id,
        Enrolment.jobseeker_id == JobseekerMove.jobseeker_id,
        Enrolment.ended_on.is_(None) | (Enrolment.made_at > JobseekerMove.recorded_at),
    )
    return select(JobseekerMove.jobseeker_id, JobseekerMove.recorded_at).where(
        JobseekerMove.event == JobseekerEvent.REOPEN.value,
        _is_open(JobseekerMove),
        ~later.exists(),
        ~enrolled.exists(),
    )


def of_reopened_cases(session: Session, cases: Cases, _: date) -> Iterator[Wait]:
    """Yield cases that were reopened without an enrolment."""
    nation = session.get_one(Organisation, cases.partner_id).nation
    rows = _reopened().where(cases.own(JobseekerMove))
    for jobseeker_id, recorded_at in session.execute(rows):
        due_on = tables.due_on("start_recorded", local_day(recorded_at), nation)
        yield Wait("on_no_programme", due_on, jobseeker_id, "jobseekers", jobseeker_id)


@cache
def _declined_referrals() -> Any:
    by_address = select(ReferralSnapshot.id).where(
        ReferralSnapshot.partner_id == Referral.partner_id,
        ReferralSnapshot.referral_id == Referral.id,
        as_known(ReferralSnapshot),
        ReferralSnapshot.referrer_email.is_not(None) | ReferralSnapshot.referrer_name.is_not(None),
    )
    waits = Referral.referring_organisation_id.is_not(None) | by_address.exists()
    return (
        select(Referral.id, Referral.jobseeker_id, ReferralMove.recorded_at)
        .join(
            ReferralMove,
            (ReferralMove.partner_id == Referral.partner_id) & (ReferralMove.referral_id == Referral.id),
        )
        .where(
            Referral.state == ReferralState.DECLINED,
            ReferralMove.event == ReferralEvent.DECLINE.value,
            waits,
            ~_has_member(Referral.referring_organisation_id, Role.REFERRER),
            ~_contacted_since(ReferralMove, ContactWith.REFERRER),
        )
    )


def of_decided_referrals(session: Session, cases: Cases, on: date) -> Iterator[Wait]:
    """Yield declined referrals whose referrer can read no notice of it, until staff have spoken with the referrer."""
    rows = _declined_referrals().where(cases.own(Referral), ReferralMove.recorded_at >= _since(on, "no_contact_days"))
    for referral_id, jobseeker_id, recorded_at in session.execute(rows):
        yield Wait("referrer_to_tell", local_day(recorded_at), jobseeker_id, "referrals", referral_id)


def of_claims(session: Session, cases: Cases, on: date) -> Iterator[Wait]:
    """Yield claims with a funder's query, and claims that the funder turned down or reversed and nobody made again."""
    again = aliased(Claim)
    made_again = select(again.id).where(again.partner_id == Claim.partner_id, again.earlier_id == Claim.id)
    decided = (ClaimEvent.QUERY.value, ClaimEvent.FAIL.value, ClaimEvent.REVERSE.value)
    rows = (
        select(Claim.id, Claim.jobseeker_id, Claim.state, func.max(ClaimMove.recorded_at))
        .join(ClaimMove, (ClaimMove.partner_id == Claim.partner_id) & (ClaimMove.claim_id == Claim.id))
        .where(cases.own(Claim), ClaimMove.event.in_(decided))
        .where(
            or_(
                (Claim.state == ClaimState.QUERIED) & (ClaimMove.event == ClaimEvent.QUERY.value),
                Claim.state.in_([ClaimState.FAILED, ClaimState.REVERSED])
                & (ClaimMove.event != ClaimEvent.QUERY.value)
                & (ClaimMove.recorded_at >= _since(on, "stalled_days"))
                & ~made_again.exists(),
            )
        )
        .group_by(Claim.id, Claim.jobseeker_id, Claim.state)
    )
    for claim_id, jobseeker_id, state, recorded_at in session.execute(rows):
        kind = "claim_queried" if state is ClaimState.QUERIED else "claim_turned_down"
        yield Wait(kind, local_day(recorded_at), jobseeker_id, "claims", claim_id)


@cache
def _asking_feedback() -> Any:
    return (
        select(StartFeedback.id, StartFeedback.introduction_id, StartFeedback.jobseeker_id, StartFeedback.recorded_at)
        .where(
            ~StartFeedback.is_withdrawal,
            StartFeedback.wants_call | (StartFeedback.how == FeedbackHow.AT_RISK),
            ~_contacted_since(StartFeedback, ContactWith.EMPLOYER),
        )
        .order_by(StartFeedback.id)
    )


def of_feedback(session: Session, cases: Cases, on: date) -> Iterator[Wait]:
    """Yield feedback of social enterprises that asks for a call or says that the work is at risk.

    It leaves with a contact with an employer recorded since, or after the days in which a case may rest.
    """
    rows = _asking_feedback().where(cases.own(StartFeedback), StartFeedback.recorded_at >= _since(on, "stalled_days"))
    newest = {row.introduction_id: row for row in session.execute(rows)}
    for introduction_id, row in newest.items():
        yield Wait("employer_asks", local_day(row.recorded_at), row.jobseeker_id, "introductions", introduction_id)
