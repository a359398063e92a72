"""Every change to enrolments. Closing a case ends its open enrolment."""

from collections.abc import Callable, Sequence
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
    LeavingBody,
    NewEnrolment,
    Reopening,
)
from pathways.errors import Conflict, RuleBroken
from pathways.facts import MoveRefused, NotYourMove, destination, possible_events
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import JOBSEEKER_MOVES, Jobseeker, JobseekerEvent
from pathways.organisations.models import Membership, Organisation
from pathways.programmes.models import Programme
from pathways.reference import tables
from pathways.referrals import actions as referral_actions
from pathways.referrals import queries as referral_queries
from pathways.referrals.models import ProgressStage, Referral, ReferralEvent, ReferralState, StageSource

CASEWORKERS = frozenset({Role.CASEWORKER, Role.TEAM_MANAGER})
# What a feature above enrolments has to say against another start date of an enrolment: it raises an error.
StartCheck = Callable[[Session, Enrolment, date], None]


class EnrolmentMoveRefused(MoveRefused):
    title = "This step is not possible in the enrolment's present state"


class EnrolledAlready(Conflict):
    title = "This jobseeker is already on a programme"


class EnrolmentHasEnded(RuleBroken):
    title = "Say whether the last enrolment continues"


class WorkNotRecorded(RuleBroken):
    title = "Say where the jobseeker works"


def start(session: WriteSession, actor: Actor, new: NewEnrolment) -> Enrolment:
    """Start a jobseeker on a programme, based on an accepted referral.

    Refuses a second open enrolment and a programme of another partner. Also refuses a start date in the future, before
    the referral or on a day on which the programme does not run. With ``accept``, first accepts the referral.
    """
    referral = referral_queries.referral(session, actor, new.referral_id, for_update=new.accept)
    if new.accept and referral.state is not ReferralState.ACCEPTED:
        referral_actions.move(session, actor, referral, ReferralEvent.ACCEPT)
    if referral.state is not ReferralState.ACCEPTED:
        raise RuleBroken(
            f"The referral is {referral.state}, but an enrolment needs an accepted referral. Accept it first, or"
            " send accept.",
            pointer="/referral_id",
        )
    person = jobseeker_queries.jobseeker(session, actor, referral.jobseeker_id, for_update=True)
    jobseeker_actions.must_be_open(person)
    programme = session.scalars(
        select(Programme).where(Programme.partner_id == person.partner_id, Programme.id == new.programme_id)
    ).one_or_none()
    if programme is None:
        raise RuleBroken(
            "Your organisation does not deliver this programme. Choose a programme that it delivers.",
            pointer="/programme_id",
        )
    _check_days(programme, referral, new.started_on, actor.today)
    if queries.open_enrolment(session, person) is not None:
        raise EnrolledAlready(
            "The jobseeker already has an open enrolment, on this or another programme. To start a new enrolment, end"
            " the open enrolment first."
        )
    caseworker = _caseworker(session, actor, new.caseworker_id or actor.membership_id)
    _may_assign(session, actor, person, caseworker)
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
    session.flush()  # the move row has a foreign key to the enrolment
    session.add(_move_row(actor, enrolment, "start", None, EnrolmentState.STARTED, new.started_on))
    jobseeker_actions.assign(session, actor, person, caseworker.id, programme.id)
    session.flush()  # raises the version number, which the reply returns
    return enrolment


def _first_referral(session: Session, person: Jobseeker, accepted: Referral) -> Referral:
    """Return the referral that decides the cohort: the earliest accepted referral that no enrolment used.

    Referrals dated before the end of the latest earlier enrolment are left out.
    """
    last_ended_on = session.scalars(
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
    if last_ended_on is not None:
        rows = rows.where(Referral.referred_on >= last_ended_on)
    return session.scalars(rows.order_by(Referral.referred_on, Referral.id).limit(1)).first() or accepted


def _check_days(programme: Programme, referral: Referral, started_on: date, today: date) -> None:
    if started_on > today:
        raise RuleBroken(
            "The start date cannot be in the future. Record the start once it has happened.", pointer="/started_on"
        )
    if started_on < referral.referred_on:
        raise RuleBroken(
            "The start date cannot be before the date of the referral. Correct the date.", pointer="/started_on"
        )
    if started_on < programme.starts_on or (programme.ends_on is not None and started_on > programme.ends_on):
        raise RuleBroken(
            "The programme does not run on this date. Correct the date or choose another programme.",
            pointer="/started_on",
        )


def _caseworker(session: Session, actor: Actor, membership_id: object) -> Membership:
    membership = session.scalars(
        select(Membership).where(
            Membership.id == membership_id,
            Membership.organisation_id == actor.organisation_id,
            Membership.role.in_(CASEWORKERS),
            Membership.ended_at.is_(None),
        )
    ).one_or_none()
    if membership is None:
        raise RuleBroken(
            "The caseworker must be a current caseworker or team manager of your organisation. Choose another member.",
            pointer="/caseworker_id",
        )
    return membership


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
    """Assign another caseworker to an open enrolment, from a day between its start and today (default: today)."""
    if enrolment.state is not EnrolmentState.STARTED:
        raise EnrolmentMoveRefused("This enrolment has ended, so its caseworker cannot be changed.", possible=[])
    valid_on = new.valid_on or actor.today
    if not enrolment.started_on <= valid_on <= actor.today:
        raise RuleBroken("The date must be between the start of the enrolment and today.", pointer="/valid_on")
    caseworker = _caseworker(session, actor, new.caseworker_id)
    person = session.get_one(Jobseeker, enrolment.jobseeker_id)
    _may_assign(session, actor, person, caseworker)
    enrolment.caseworker_id = caseworker.id
    enrolment.caseworker_from = valid_on
    jobseeker_actions.assign(session, actor, person, caseworker.id, enrolment.programme_id, valid_on)
    session.flush()  # raises the version number, which the reply returns
    return enrolment


def _may_assign(session: Session, actor: Actor, person: Jobseeker, caseworker: Membership) -> None:
    """Refuse a caseworker who assigns another caseworker's case: the caseworker of a case reads all of it."""
    had = person.caseworker_id or jobseeker_queries.last_caseworker(session, person)
    if had in {None, actor.membership_id} or person.caseworker_id == caseworker.id or actor.role is Role.TEAM_MANAGER:
        return
    raise NotYourMove("This case has or had another caseworker. Ask a team manager to assign it.")


def correct_start(
    session: WriteSession,
    actor: Actor,
    enrolment: Enrolment,
    change: EnrolmentChange,
    checks: Sequence[StartCheck] = (),
) -> Enrolment:
    """Correct the start date of an enrolment. A new start record with the right date supersedes the earlier record.

    ``checks`` refuse a date that the records of work do not allow. The enrolment is locked by the caller.
    """
    programme = session.get_one(Programme, enrolment.programme_id)
    referral = session.get_one(Referral, enrolment.referral_id)
    _check_days(programme, referral, change.started_on, actor.today)
    if enrolment.ended_on is not None and change.started_on > enrolment.ended_on:
        raise RuleBroken("The start date cannot be after the end date.", pointer="/started_on")
    for check in checks:
        check(session, enrolment, change.started_on)
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
    session.flush()  # raises the version number, which the reply returns
    return enrolment


def end(session: WriteSession, actor: Actor, enrolment: Enrolment, ending: EnrolmentEnding) -> Enrolment:
    """End an enrolment. Refuses an end date in the future or before the start date."""
    to_state = destination(ENROLMENT_MOVES, enrolment.state, EnrolmentEvent.END, EnrolmentMoveRefused)
    if ending.ended_on < enrolment.started_on:
        raise RuleBroken("The end date cannot be before the start date.", pointer="/ended_on")
    if ending.ended_on > actor.today:
        raise RuleBroken(
            "The end date cannot be in the future. Record the end once it has happened.", pointer="/ended_on"
        )
    enrolment.ended_on, enrolment.end_reason = ending.ended_on, ending.end_reason
    row = _move_row(actor, enrolment, EnrolmentEvent.END.value, enrolment.state, to_state, ending.ended_on)
    row.reason, row.without_spell_because = ending.note, ending.without_spell_because
    session.add(row)
    enrolment.state = to_state
    # The caseworker stays assigned until the case closes, because hours and outcomes are still recorded after the end.
    person = session.get_one(Jobseeker, enrolment.jobseeker_id)
    jobseeker_actions.assign(session, actor, person, person.caseworker_id, None)
    session.flush()  # raises the version number, which the reply returns
    return enrolment


def resume(session: WriteSession, actor: Actor, enrolment: Enrolment, reason: str) -> Enrolment:
    """Reopen an enrolment whose end was recorded by mistake. Refused if another enrolment is open."""
    to_state = destination(ENROLMENT_MOVES, enrolment.state, EnrolmentEvent.RESUME, EnrolmentMoveRefused)
    person = jobseeker_queries.jobseeker(session, actor, enrolment.jobseeker_id, for_update=True)
    jobseeker_actions.must_be_open(person)
    if queries.open_enrolment(session, person) is not None:
        raise EnrolledAlready("Another enrolment is open now. End that enrolment before you reopen this one.")
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
    session.flush()  # raises the version number, which the reply returns
    return enrolment


def ask_about_work(
    session: Session,
    sources: Sequence[StageSource],
    person: Jobseeker,
    leaving: LeavingBody,
    on: date,
) -> None:
    """Refuse to end an enrolment or a case as in work if no such work is recorded and no reason is given for it.

    A spell counts if it is a job and is not over on the day of leaving.
    """
    if leaving.end_reason is not EndReason.IN_WORK or leaving.without_spell_because is not None:
        return
    for source in sources:
        for stretch in source(session, person.partner_id, [person.id]):
            is_running = stretch.until is None or stretch.until >= on
            if stretch.stage is ProgressStage.STARTED_WORK and stretch.is_job and is_running:
                return
    raise WorkNotRecorded(
        "The end reason says that the jobseeker is in work, but no spell of a job is recorded for the day of leaving."
        " Record the spell first, or choose another end reason. If there is none to record, say why"
        " (without_spell_because).",
        pointer="/without_spell_because",
    )


def leave(
    session: WriteSession, actor: Actor, enrolment: Enrolment, ending: EnrolmentEnding, sources: Sequence[StageSource]
) -> Enrolment:
    """End an enrolment, after asking about work that is not recorded."""
    ask_about_work(session, sources, session.get_one(Jobseeker, enrolment.jobseeker_id), ending, ending.ended_on)
    return end(session, actor, enrolment, ending)


def reopen_case(session: WriteSession, actor: Actor, person: Jobseeker, new: Reopening) -> Jobseeker:
    """Reopen a closed case. If its last enrolment has ended, the caller must say whether that enrolment continues."""
    destination(JOBSEEKER_MOVES, person.state, JobseekerEvent.REOPEN, jobseeker_actions.JobseekerMoveRefused)
    last = queries.last_enrolment(session, person)
    if last is not None and new.resume_enrolment is None:
        raise EnrolmentHasEnded(
            f"The jobseeker's last enrolment ended on {last.ended_on}. Does it continue? Say yes if its end was a"
            " mistake, or no to reopen the case without an enrolment (resume_enrolment: true or false).",
            pointer="/resume_enrolment",
        )
    if last is None and new.resume_enrolment:
        raise RuleBroken(
            "The jobseeker was on no programme, so no enrolment can continue. Leave out whether one continues"
            " (resume_enrolment).",
            pointer="/resume_enrolment",
        )
    jobseeker_actions.move(session, actor, person, JobseekerEvent.REOPEN, reason=new.reason)
    if last is not None and new.resume_enrolment:
        session.refresh(last, with_for_update=True)
        resume(session, actor, last, new.reason)
    return person


def close_case(
    session: WriteSession, actor: Actor, person: Jobseeker, closing: Closing, sources: Sequence[StageSource]
) -> Jobseeker:
    """Close the case of a jobseeker. An open enrolment ends on the same day for the given ``end_reason``."""
    ask_about_work(session, sources, person, closing, closing.closed_on)
    because = closing.without_spell_because
    enrolment = queries.open_enrolment(session, person)
    if enrolment is not None:
        session.refresh(enrolment, with_for_update=True)
        ending = EnrolmentEnding(
            ended_on=closing.closed_on, end_reason=closing.end_reason, without_spell_because=because
        )
        end(session, actor, enrolment, ending)
    elif closing.closed_on > actor.today:
        raise RuleBroken("The closing date cannot be in the future.", pointer="/closed_on")
    jobseeker_actions.assign(session, actor, person, None, None)
    event, on = JobseekerEvent.CLOSE, closing.closed_on
    return jobseeker_actions.move(
        session, actor, person, event, reason=closing.reason, valid_on=on, without_spell_because=because
    )


def end_for_mistake(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """End the open enrolment, if any, of a jobseeker record that was made by mistake."""
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
    """Return enrolments with the fields that the actor may see. Related data is read for all enrolments at once."""
    people = jobseeker_queries.cases(session, (enrolment.jobseeker_id for enrolment in enrolments))
    contacts = queries.first_employer_contacts(session, (enrolment.id for enrolment in enrolments))
    nation = session.get_one(Organisation, actor.organisation_id).nation  # all enrolments are of the actor's partner
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
