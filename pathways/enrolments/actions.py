"""Every change to enrolments; closing a case ends the open one."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from uuid_utils.compat import uuid7

from pathways.base import Actor, Role
from pathways.database import Session, WriteSession
from pathways.enrolments import queries
from pathways.enrolments.models import (
    ENROLMENT_MOVES,
    EndReason,
    Enrolment,
    EnrolmentEvent,
    EnrolmentMove,
    EnrolmentState,
)
from pathways.enrolments.schemas import (
    Assignment,
    Closing,
    EnrolmentChange,
    EnrolmentEnding,
    EnrolmentOut,
    NewEnrolment,
)
from pathways.errors import Conflict, RuleBroken
from pathways.facts import MoveRefused, destination, possible_events
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerEvent
from pathways.organisations.models import Membership, Organisation
from pathways.programmes.models import Programme
from pathways.reference import tables
from pathways.referrals import queries as referral_queries
from pathways.referrals.models import Referral, ReferralState

CASEWORKERS = frozenset({Role.CASEWORKER, Role.TEAM_MANAGER})


class EnrolmentMoveRefused(MoveRefused):
    title = "The enrolment cannot make that move now"


class EnrolledAlready(Conflict):
    title = "This jobseeker is on a programme already"


def start(session: WriteSession, actor: Actor, new: NewEnrolment) -> Enrolment:
    """Start a jobseeker on a programme, on an accepted referral; one enrolment at a time."""
    referral = referral_queries.referral(session, actor, new.referral_id)
    if referral.state is not ReferralState.ACCEPTED:
        raise RuleBroken(f"The referral is {referral.state}. Accept it first.", pointer="/referral_id")
    person = jobseeker_queries.jobseeker(session, actor, referral.jobseeker_id, for_update=True)
    jobseeker_actions.must_be_open(person)
    programme = session.scalars(
        select(Programme).where(Programme.partner_id == person.partner_id, Programme.id == new.programme_id)
    ).one_or_none()
    if programme is None:
        raise RuleBroken("Your organisation delivers no such programme.", pointer="/programme_id")
    _check_days(programme, referral, new.started_on, actor.today)
    if queries.open_enrolment(session, person) is not None:
        raise EnrolledAlready("End the open enrolment first; a second referral joins it.")
    caseworker = _caseworker(session, actor, new.caseworker_id or actor.membership_id)
    enrolment = Enrolment(
        id=uuid7(),
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        programme_id=programme.id,
        referral_id=_first_referral(session, person, referral).id,
        caseworker_id=caseworker.id,
        caseworker_from=new.started_on,
        state=EnrolmentState.STARTED,
        started_on=new.started_on,
        made_at=actor.at,
    )
    session.add(enrolment)
    session.flush()  # its log points to it
    session.add(_move_row(actor, enrolment, "start", None, EnrolmentState.STARTED, new.started_on))
    jobseeker_actions.assign(session, actor, person, caseworker.id, programme.id)
    session.flush()  # so that the reply carries the new version
    return enrolment


def _first_referral(session: Session, person: Jobseeker, accepted: Referral) -> Referral:
    """The first referral that led to it: the earliest accepted one that no earlier enrolment was opened by."""
    used_until = session.scalars(
        select(Enrolment.ended_on)
        .where(Enrolment.partner_id == person.partner_id, Enrolment.jobseeker_id == person.id)
        .order_by(Enrolment.ended_on.desc())
        .limit(1)
    ).first()
    used = select(Enrolment.referral_id).where(Enrolment.partner_id == person.partner_id)
    rows = select(Referral).where(
        Referral.partner_id == person.partner_id,
        Referral.jobseeker_id == person.id,
        Referral.state == ReferralState.ACCEPTED,
        Referral.id.not_in(used),
    )
    if used_until is not None:
        rows = rows.where(Referral.referred_on >= used_until)
    return session.scalars(rows.order_by(Referral.referred_on, Referral.id).limit(1)).first() or accepted


def _check_days(programme: Programme, referral: Referral, started_on: date, today: date) -> None:
    if started_on > today:
        raise RuleBroken("A start is recorded when it has happened; this day has not come.", pointer="/started_on")
    if started_on < referral.referred_on:
        raise RuleBroken("It cannot start before the referral.", pointer="/started_on")
    if started_on < programme.starts_on or (programme.ends_on is not None and started_on > programme.ends_on):
        raise RuleBroken("The programme does not run on this day.", pointer="/started_on")


def _caseworker(session: Session, actor: Actor, membership_id: object) -> Membership:
    found = session.scalars(
        select(Membership).where(
            Membership.id == membership_id,
            Membership.organisation_id == actor.organisation_id,
            Membership.role.in_(CASEWORKERS),
            Membership.ended_at.is_(None),
        )
    ).one_or_none()
    if found is None:
        raise RuleBroken("This is no caseworker of your organisation.", pointer="/caseworker_id")
    return found


def _move_row(
    actor: Actor,
    enrolment: Enrolment,
    event: str,
    from_state: EnrolmentState | None,
    to_state: EnrolmentState,
    on: date,
    *,
    reason: str = "",
) -> EnrolmentMove:
    return EnrolmentMove.recorded(
        actor,
        on,
        partner_id=enrolment.partner_id,
        jobseeker_id=enrolment.jobseeker_id,
        enrolment_id=enrolment.id,
        programme_id=enrolment.programme_id,
        referral_id=enrolment.referral_id,
        event=event,
        from_state=from_state.value if from_state else None,
        to_state=to_state.value,
        end_reason=enrolment.end_reason.value if enrolment.end_reason else None,
        reason=reason,
    )


def assign(session: WriteSession, actor: Actor, enrolment: Enrolment, new: Assignment) -> Enrolment:
    """Give the enrolment another caseworker from now on."""
    if enrolment.state is not EnrolmentState.STARTED:
        raise EnrolmentMoveRefused("An ended enrolment has no caseworker to assign.", possible=[])
    valid_on = new.valid_on or actor.today
    if not enrolment.started_on <= valid_on <= actor.today:
        raise RuleBroken("A caseworker is assigned from a day between the start and today.", pointer="/valid_on")
    caseworker = _caseworker(session, actor, new.caseworker_id)
    person = session.get_one(Jobseeker, enrolment.jobseeker_id)
    enrolment.caseworker_id = caseworker.id
    enrolment.caseworker_from = valid_on
    jobseeker_actions.assign(session, actor, person, caseworker.id, enrolment.programme_id, valid_on)
    session.flush()  # so that the reply carries the new version
    return enrolment


def correct_start(session: WriteSession, actor: Actor, enrolment: Enrolment, change: EnrolmentChange) -> Enrolment:
    """Correct the day it started: the first move is superseded by one that is true on the right day."""
    programme = session.get_one(Programme, enrolment.programme_id)
    referral = session.get_one(Referral, enrolment.referral_id)
    _check_days(programme, referral, change.started_on, actor.today)
    if enrolment.ended_on is not None and change.started_on > enrolment.ended_on:
        raise RuleBroken("It cannot start after it ended.", pointer="/started_on")
    first = session.scalars(
        select(EnrolmentMove)
        .where(
            EnrolmentMove.partner_id == enrolment.partner_id,
            EnrolmentMove.enrolment_id == enrolment.id,
            EnrolmentMove.event == "start",
        )
        .order_by(EnrolmentMove.recorded_at.desc(), EnrolmentMove.id.desc())
        .limit(1)
    ).one()
    corrected = _move_row(actor, enrolment, "start", None, EnrolmentState.STARTED, change.started_on)
    corrected.supersedes = first.id
    corrected.end_reason = None
    session.add(corrected)
    enrolment.started_on = change.started_on
    session.flush()  # so that the reply carries the new version
    return enrolment


def end(session: WriteSession, actor: Actor, enrolment: Enrolment, ending: EnrolmentEnding) -> Enrolment:
    to_state = destination(ENROLMENT_MOVES, enrolment.state, EnrolmentEvent.END, EnrolmentMoveRefused)
    if ending.ended_on < enrolment.started_on:
        raise RuleBroken("It cannot end before it started.", pointer="/ended_on")
    if ending.ended_on > actor.today:
        raise RuleBroken("An end is recorded when it has come; this day has not.", pointer="/ended_on")
    enrolment.ended_on, enrolment.end_reason = ending.ended_on, ending.end_reason
    session.add(
        _move_row(
            actor, enrolment, EnrolmentEvent.END.value, enrolment.state, to_state, ending.ended_on, reason=ending.note
        )
    )
    enrolment.state = to_state
    # The caseworker stays until the case closes: weeks and outcomes still come in.
    person = session.get_one(Jobseeker, enrolment.jobseeker_id)
    jobseeker_actions.assign(session, actor, person, person.caseworker_id, None)
    session.flush()  # so that the reply carries the new version
    return enrolment


def resume(session: WriteSession, actor: Actor, enrolment: Enrolment, reason: str) -> Enrolment:
    """Take back an end that was a mistake."""
    to_state = destination(ENROLMENT_MOVES, enrolment.state, EnrolmentEvent.RESUME, EnrolmentMoveRefused)
    person = jobseeker_queries.jobseeker(session, actor, enrolment.jobseeker_id, for_update=True)
    jobseeker_actions.must_be_open(person)
    if queries.open_enrolment(session, person) is not None:
        raise EnrolledAlready("Another enrolment is open by now.")
    last_end = session.scalars(
        select(EnrolmentMove)
        .where(
            EnrolmentMove.partner_id == enrolment.partner_id,
            EnrolmentMove.enrolment_id == enrolment.id,
            EnrolmentMove.event == EnrolmentEvent.END.value,
        )
        .order_by(EnrolmentMove.recorded_at.desc(), EnrolmentMove.id.desc())
        .limit(1)
    ).one()
    enrolment.ended_on, enrolment.end_reason = None, None
    row = _move_row(
        actor, enrolment, EnrolmentEvent.RESUME.value, enrolment.state, to_state, actor.today, reason=reason
    )
    row.supersedes = last_end.id
    session.add(row)
    enrolment.state = to_state
    jobseeker_actions.assign(session, actor, person, enrolment.caseworker_id, enrolment.programme_id)
    session.flush()  # so that the reply carries the new version
    return enrolment


def close_case(session: WriteSession, actor: Actor, person: Jobseeker, closing: Closing) -> Jobseeker:
    """Close the case: the open enrolment ends with the same reason."""
    enrolment = queries.open_enrolment(session, person)
    if enrolment is not None:
        session.refresh(enrolment, with_for_update=True)
        end(session, actor, enrolment, EnrolmentEnding(ended_on=closing.closed_on, end_reason=closing.end_reason))
    elif closing.closed_on > actor.today:
        raise RuleBroken("This day has not come.", pointer="/closed_on")
    jobseeker_actions.assign(session, actor, person, None, None)
    return jobseeker_actions.move(
        session, actor, person, JobseekerEvent.CLOSE, reason=closing.reason, valid_on=closing.closed_on
    )


def end_for_mistake(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    enrolment = queries.open_enrolment(session, person)
    if enrolment is not None:
        ended_on = max(enrolment.started_on, actor.today)
        end(
            session,
            actor,
            enrolment,
            EnrolmentEnding(ended_on=ended_on, end_reason=EndReason.RECORDED_BY_MISTAKE, note=reason),
        )


def reply(session: Session, actor: Actor, enrolment: Enrolment) -> EnrolmentOut:
    return replies(session, actor, [enrolment])[0]


def replies(session: Session, actor: Actor, enrolments: Sequence[Enrolment]) -> list[EnrolmentOut]:
    """Return enrolments as this actor may see them, with what stands beside them in one look-up for all."""
    people = jobseeker_queries.cases(session, (enrolment.jobseeker_id for enrolment in enrolments))
    contacts = queries.first_employer_contacts(session, (enrolment.id for enrolment in enrolments))
    nation = session.get_one(Organisation, actor.organisation_id).nation  # nobody sees another partner's enrolments
    shapes = []
    for enrolment in enrolments:
        columns = {name: getattr(enrolment, name, None) for name in EnrolmentOut.model_fields}
        columns |= {
            "action_plan_by": tables.due_on("action_plan", enrolment.started_on, nation),
            "first_employer_contact_by": tables.due_on("first_employer_contact", enrolment.started_on, nation),
            "first_employer_contact_on": contacts.get(enrolment.id),
            "possible_events": [event.value for event in possible_events(ENROLMENT_MOVES, enrolment.state)],
            "withheld": [],
        }
        seen = jobseeker_queries.visible_groups(actor, people[enrolment.jobseeker_id])
        shapes.append(EnrolmentOut(**columns).limited_to(seen))
    return shapes
