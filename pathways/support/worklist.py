"""The worklist: what needs action, with its due day and owner. It is computed from the records on each request."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from pathways.base import Actor, local_day
from pathways.database import Session
from pathways.enrolments.models import Enrolment
from pathways.facts import as_known
from pathways.fields import Group, Purpose, visible_fields
from pathways.introductions import stops
from pathways.introductions.models import CLOCK_OF, Introduction, IntroductionMove, IntroductionState
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Contact, Jobseeker, JobseekerState
from pathways.organisations.models import Organisation
from pathways.progression.models import Spell, SpellState
from pathways.reference import tables
from pathways.referrals.models import Referral, ReferralState
from pathways.shortlists.models import Shortlist
from pathways.support import queries, schedule, waiting
from pathways.support.models import ActionPlan, CheckIn, InWork
from pathways.support.schedule import ScheduleState
from pathways.support.schemas import Worklist, WorklistItem
from pathways.support.waiting import Cases, Wait

TEXT = {
    "check_in_due": "A check-in is due. Ask the jobseeker whether they are still in work.",
    "check_in_overdue": "A check-in is overdue. Ask the jobseeker whether they are still in work.",
    "at_risk": "Work is at risk or has ended. Contact the jobseeker.",
    "no_contact": "No contact is recorded for more than {limit} days. Contact the jobseeker, or record when you did.",
    "stalled": "There has been no activity on the case for more than {limit} days. Review it.",
    "nothing_offered": "The jobseeker has no offer after {limit} or more shortlists. Review the profile with them.",
    "plan_to_make": "No action plan is recorded yet. Make one with the jobseeker.",
    "plan_to_review": "The action plan is due for review. Review it with the jobseeker.",
    "to_send": "The jobseeker agreed to an introduction, but it has not been sent. Send it.",
    "answer_awaited": "A social enterprise has not answered an introduction. Contact them.",
    "word_awaited": "The jobseeker has not yet agreed to a proposed introduction. Ask them.",
    "start_to_record": "A place was accepted, but no start is recorded. Record it, or say why there was none.",
    "referral_new": "A new referral has arrived. Acknowledge, accept or decline it.",
    "referral_to_decide": "A referral was acknowledged. Meet the person, then accept or decline it.",
    "to_enrol": "A referral was accepted, but the jobseeker is not on a programme yet. Enrol them.",
    "offer_to_answer": "A place is offered to the jobseeker until this day. Ask whether they accept it.",
    "meeting_to_arrange": "A social enterprise would like to meet the jobseeker. Arrange the meeting.",
    "decline_to_tell": "A social enterprise ended an introduction. Tell the jobseeker, and look at other placements.",
    "reopened": "A social enterprise reopened an introduction it had ended. Ask the jobseeker whether to go on.",
    "nobody_notified": "Nobody at the social enterprise has an account, so nobody was notified of an introduction."
    " Contact them yourself, and record their answer.",
    "spell_to_record": "A start has no spell of work, so no check-in is due. Check the first day and record the spell.",
    "safety_withdrew": "A safety exclusion withdrew an introduction. Read what had been read (stopped), and tell the"
    " jobseeker.",
    "on_no_programme": "The case was reopened, but the jobseeker is on no programme. Enrol them, or close the case.",
    "referrer_to_tell": "Nobody at the referring organisation has an account, so nobody was notified that a referral"
    " was decided. Tell them, and record the contact.",
    "employer_asks": "A social enterprise asks for a call, or says that the work is at risk. Contact them, and record"
    " the contact with the employer.",
    "claim_queried": "A funder has a query about a claim. Read it and answer.",
    "claim_turned_down": "A claim was turned down, or its payment was reversed. Read why, and claim again if it is"
    " right.",
    "stopped": "An introduction or a start was stopped. Open the introduction to read why and what to do.",
}
# The row of the ``limits`` table that fills ``{limit}``, by kind.
LIMITS = {
    "no_contact": "no_contact_days",
    "stalled": "stalled_days",
    "nothing_offered": "rounds_without_an_offer",
}


def waiting_items(session: Session, cases: Cases, on: date) -> list[Wait]:
    """Return all items of cases that need action on a day, including items that some members may not see."""
    waits: list[Wait] = []
    for kind in KINDS:
        waits += kind(session, cases, on)
    return waits


def _of_spells(session: Session, cases: Cases, on: date) -> Iterator[Wait]:
    """Yield due or overdue check-ins of running spells, and spells whose last check-in says work is at risk or over."""
    spells = queries.spells_with_versions(session, cases.partner_id, among=cases.among, running_only=True)
    ids = [spell.id for spell, _ in spells]
    answered = queries.answered(session, cases.partner_id, ids)
    last = queries.last_check_ins(session, cases.partner_id, ids)
    for spell, version in spells:
        days = {step: row.valid_on for step, row in answered.get(spell.id, {}).items()}
        steps = queries.steps(version.started_on)
        open_lines = [
            line
            for line in schedule.lines(steps, version.started_on, version.ended_on, days, on)
            if line.state in {ScheduleState.DUE, ScheduleState.OVERDUE}
            # A contact before the first day cannot be made up once the work has begun.
            and (line.due_on >= version.started_on or on < version.started_on)
        ]
        if open_lines:  # only the latest due check-in, because older missed check-ins need not be made up
            line = open_lines[-1]
            yield Wait(f"check_in_{line.state}", line.due_on, spell.jobseeker_id, "spells", spell.id)
        check_in = last.get(spell.id)
        if check_in is not None and (check_in.is_at_risk or check_in.result is InWork.NOT_IN_WORK):
            yield Wait("at_risk", check_in.valid_on, spell.jobseeker_id, "spells", spell.id)


@cache
def _open_enrolments() -> Any:
    return (
        select(Enrolment.id, Enrolment.jobseeker_id, Enrolment.started_on)
        .join(Jobseeker, (Jobseeker.partner_id == Enrolment.partner_id) & (Jobseeker.id == Enrolment.jobseeker_id))
        .where(
            Enrolment.ended_on.is_(None),
            Jobseeker.state == JobseekerState.OPEN,
        )
    )


def _last(model: Any, column: Any, *conditions: Any) -> Any:
    """Return a subquery for the latest day in ``column`` among the ``model`` rows about the enrolment's jobseeker."""
    return (
        select(func.max(column))
        .where(model.partner_id == Enrolment.partner_id, model.jobseeker_id == Enrolment.jobseeker_id, *conditions)
        .correlate(Enrolment)
        .scalar_subquery()
    )


@cache
def _last_activity() -> Any:
    """Return the query of open enrolments, each with the latest day of a contact and of any other activity."""
    spoke = _last(
        Contact,
        Contact.valid_on,
        Contact.with_whom == "jobseeker",
        Contact.outcome == "spoke",
        ~Contact.is_withdrawal,
    )
    checked = _last(CheckIn, CheckIn.valid_on, CheckIn.told_by == "jobseeker", ~CheckIn.is_withdrawal)
    moved = _last(IntroductionMove, IntroductionMove.valid_on)
    ranked = _last(Shortlist, Shortlist.shown_on)
    planned = _last(ActionPlan, ActionPlan.valid_on)
    any_contact = _last(Contact, Contact.valid_on, ~Contact.is_withdrawal)
    any_check = _last(CheckIn, CheckIn.valid_on, ~CheckIn.is_withdrawal)
    return _open_enrolments().add_columns(spoke, checked, moved, ranked, planned, any_contact, any_check)


def _of_contact(session: Session, cases: Cases, on: date) -> Iterator[Wait]:
    """Yield open enrolments in which there was no contact with the jobseeker, or no activity at all, for too long."""
    no_contact, stalled = (timedelta(days=int(tables.limit(name, on))) for name in ("no_contact_days", "stalled_days"))
    rows = _last_activity().where(cases.own(Enrolment))
    for enrolment_id, jobseeker_id, started_on, *days in session.execute(rows):
        contact_on = max(day for day in (started_on, *days[:2]) if day is not None)
        if contact_on + no_contact < on:
            yield Wait("no_contact", contact_on + no_contact, jobseeker_id, "enrolments", enrolment_id)
        active_on = max(day for day in (started_on, *days) if day is not None)
        if active_on + stalled < on:
            yield Wait("stalled", active_on + stalled, jobseeker_id, "enrolments", enrolment_id)


@cache
def _without_offer() -> tuple[Any, Any]:
    """Return the query of open enrolments without offer and work, with the day of the last shortlist; and the count."""
    offered = select(IntroductionMove.id).where(
        IntroductionMove.partner_id == Enrolment.partner_id,
        IntroductionMove.jobseeker_id == Enrolment.jobseeker_id,
        IntroductionMove.event == "offer",
        IntroductionMove.valid_on >= Enrolment.started_on,
    )
    works = select(Spell.id).where(
        Spell.partner_id == Enrolment.partner_id,
        Spell.jobseeker_id == Enrolment.jobseeker_id,
        Spell.state == SpellState.RUNNING,
    )
    count = (
        select(func.count())
        .where(
            Shortlist.partner_id == Enrolment.partner_id,
            Shortlist.jobseeker_id == Enrolment.jobseeker_id,
            Shortlist.shown_on >= Enrolment.started_on,
        )
        .correlate(Enrolment)
        .scalar_subquery()
    )
    last = _last(Shortlist, Shortlist.shown_on)
    return _open_enrolments().where(~offered.exists(), ~works.exists()).add_columns(last), count


def _of_offers(session: Session, cases: Cases, on: date) -> Iterator[Wait]:
    """Yield open enrolments that had several shortlists but no offer, if the jobseeker has no running spell."""
    rounds = int(tables.limit("rounds_without_an_offer", on))
    rows, count = _without_offer()
    for enrolment_id, jobseeker_id, _, shown_on in session.execute(rows.where(cases.own(Enrolment), count >= rounds)):
        yield Wait("nothing_offered", shown_on, jobseeker_id, "enrolments", enrolment_id)


@cache
def _with_plans() -> Any:
    plan = (ActionPlan.partner_id == Enrolment.partner_id) & (ActionPlan.enrolment_id == Enrolment.id)
    rows = _open_enrolments().add_columns(ActionPlan.id, ActionPlan.review_due_on)
    return rows.join(ActionPlan, plan & as_known(ActionPlan), isouter=True)


def _of_plans(session: Session, cases: Cases, on: date) -> Iterator[Wait]:
    """Yield open enrolments whose action plan is missing or due for review."""
    nation = session.get_one(Organisation, cases.partner_id).nation
    rows = _with_plans().where(cases.own(Enrolment))
    for enrolment_id, jobseeker_id, started_on, plan_id, review_due_on in session.execute(rows):
        if plan_id is None:
            due_on = tables.due_on("action_plan", started_on, nation)
            if due_on < on:
                yield Wait("plan_to_make", due_on, jobseeker_id, "enrolments", enrolment_id)
        elif review_due_on < on:
            yield Wait("plan_to_review", review_due_on, jobseeker_id, "enrolments", enrolment_id)


KIND_OF_STATE = {
    IntroductionState.PROPOSED: "word_awaited",
    IntroductionState.AGREED: "to_send",
    IntroductionState.SENT: "answer_awaited",
    IntroductionState.INVITED: "answer_awaited",
    IntroductionState.ACCEPTED: "start_to_record",
}


@cache
def _waiting_introductions() -> Any:
    """Return the query of introductions that wait for a step, each with the day of its last move."""
    since = (
        select(func.max(IntroductionMove.valid_on))
        .where(
            IntroductionMove.partner_id == Introduction.partner_id,
            IntroductionMove.introduction_id == Introduction.id,
        )
        .correlate(Introduction)
        .scalar_subquery()
    )
    rows = select(Introduction.id, Introduction.jobseeker_id, Introduction.state, since)
    return rows.where(Introduction.state.in_(list(CLOCK_OF)))


def _of_introductions(session: Session, cases: Cases, on: date) -> Iterator[Wait]:
    """Yield introductions that wait for a step of the partner, that had no move for too long, or that are stopped.

    A stopped introduction is due at once. Its social enterprise cannot answer, so no other item waits for an answer.
    """
    stopped = _stopped(session, cases)
    for introduction_id, jobseeker_id in stopped.items():
        yield Wait("stopped", on, jobseeker_id, "introductions", introduction_id)
    yield from waiting.of_answers(session, cases, on, stopped)
    yield from waiting.of_unread_introductions(session, cases, stopped)
    nation = session.get_one(Organisation, cases.partner_id).nation
    rows = _waiting_introductions().where(cases.own(Introduction))
    for introduction_id, jobseeker_id, state, moved_on in session.execute(rows):
        if introduction_id in stopped:
            continue
        due_on = tables.due_on(CLOCK_OF[state], moved_on, nation)
        if due_on < on:
            yield Wait(KIND_OF_STATE[state], due_on, jobseeker_id, "introductions", introduction_id)


def _stopped(session: Session, cases: Cases) -> dict[UUID, UUID]:
    """Return the jobseekers of introductions that a protective fact stops, by introduction id."""
    rows = select(Introduction).where(cases.own(Introduction), Introduction.state.in_(stops.LIVE))
    live = session.scalars(rows).all()
    why = stops.stops_of(session, live)
    return {one.id: one.jobseeker_id for one in live if one.id in why}


UNDECIDED = {
    ReferralState.SUBMITTED: ("referral_new", "acknowledge_referral"),
    ReferralState.ACKNOWLEDGED: ("referral_to_decide", "initial_meeting"),
}


@cache
def _referrals() -> tuple[Any, Any]:
    """Return the query of referrals without an answer, and that of accepted ones whose person is on no programme."""
    same = (Jobseeker.partner_id == Referral.partner_id) & (Jobseeker.id == Referral.jobseeker_id)
    rows = (
        select(Referral.id, Referral.jobseeker_id, Referral.state, Referral.made_at)
        .join(Jobseeker, same)
        .where(Jobseeker.state != JobseekerState.VOIDED)
    )
    enrolled = select(Enrolment.id).where(
        Enrolment.partner_id == Referral.partner_id,
        Enrolment.jobseeker_id == Referral.jobseeker_id,
        Enrolment.ended_on.is_(None)
        | (Enrolment.ended_on > Referral.referred_on)
        | (Enrolment.started_on >= Referral.referred_on)
        | (Enrolment.referral_id == Referral.id),
    )
    accepted = rows.where(
        Referral.state == ReferralState.ACCEPTED, Jobseeker.state == JobseekerState.OPEN, ~enrolled.exists()
    )
    return rows.where(Referral.state.in_(UNDECIDED)), accepted.order_by(Referral.made_at, Referral.id)


def _of_referrals(session: Session, cases: Cases, _: date) -> Iterator[Wait]:
    """Yield referrals without an answer from the day they arrive, and accepted people who are on no programme."""
    nation = session.get_one(Organisation, cases.partner_id).nation
    undecided, accepted = _referrals()
    for referral_id, jobseeker_id, state, made_at in session.execute(undecided.where(cases.own(Referral))):
        kind, clock = UNDECIDED[state]
        yield Wait(kind, tables.due_on(clock, local_day(made_at), nation), jobseeker_id, "referrals", referral_id)
    seen: set[UUID] = set()  # one item for a person with several referrals: the earliest, which is due first
    for referral_id, jobseeker_id, _state, made_at in session.execute(accepted.where(cases.own(Referral))):
        if jobseeker_id not in seen:
            seen.add(jobseeker_id)
            due_on = tables.due_on("start_recorded", local_day(made_at), nation)
            yield Wait("to_enrol", due_on, jobseeker_id, "referrals", referral_id)


KINDS: Sequence[Callable[[Session, Cases, date], Iterator[Wait]]] = (
    _of_spells,
    _of_contact,
    _of_offers,
    _of_plans,
    _of_introductions,
    _of_referrals,
    waiting.of_ends,
    waiting.of_starts,
    waiting.of_reopened_cases,
    waiting.of_decided_referrals,
    waiting.of_claims,
    waiting.of_feedback,
)
# Kinds of items that only those may read who read safety exclusions.
OF_SAFETY = frozenset({"stopped", "safety_withdrew"})


def _text(kind: str, on: date) -> str:
    return TEXT[kind].format(limit=int(tables.limit(LIMITS[kind], on))) if kind in LIMITS else TEXT[kind]


def _may_read(actor: Actor, person: Any, wait: Wait) -> bool:
    """Return whether the actor may read an item: that an introduction was stopped is read with safety alone."""
    if wait.kind not in OF_SAFETY:
        return True
    return Group.SAFETY in visible_fields(actor, jobseeker_queries.relationship(actor, person), Purpose.SUPPORT)


def _caseload(session: Session, actor: Actor) -> tuple[UUID, ...]:
    """Return the jobseekers in the caseload of the actor."""
    rows = select(Jobseeker.id).where(
        Jobseeker.partner_id == actor.organisation_id, Jobseeker.caseworker_id == actor.membership_id
    )
    return tuple(session.scalars(rows))


def _people(session: Session, actor: Actor, ids: set[UUID]) -> dict[UUID, Any]:
    """Return those of some jobseekers whom the actor may see, with what decides which fields the actor may read."""
    rows = session.execute(
        select(Jobseeker.id, Jobseeker.partner_id, Jobseeker.reference, Jobseeker.caseworker_id).where(
            Jobseeker.id.in_(jobseeker_queries.ids_visible_to(actor)), Jobseeker.id.in_(ids)
        )
    )
    return {row.id: row for row in rows}


def items_of(session: Session, actor: Actor, cases: Cases) -> list[WorklistItem]:
    """Return the items of cases that the actor may see, most overdue first."""
    waits = waiting_items(session, cases, actor.today)
    people = _people(session, actor, {wait.jobseeker_id for wait in waits})
    seen = [wait for wait in waits if wait.jobseeker_id in people and _may_read(actor, people[wait.jobseeker_id], wait)]
    seen.sort(key=lambda wait: (wait.due_on, wait.kind, str(wait.subject_id)))
    return [
        WorklistItem(
            kind=wait.kind,
            text=_text(wait.kind, actor.today),
            due_on=wait.due_on,
            days_late=max(0, (actor.today - wait.due_on).days),
            jobseeker_id=wait.jobseeker_id,
            reference=people[wait.jobseeker_id].reference,
            owner_id=people[wait.jobseeker_id].caseworker_id,
            subject=wait.subject,
            subject_id=wait.subject_id,
        )
        for wait in seen
    ]


def worklist(
    session: Session, actor: Actor, *, kind: str | None, mine: bool, limit: int
) -> tuple[Worklist, list[UUID]]:
    """Return the items that the actor may see, most overdue first, and the ids of the jobseekers on the list."""
    own = _caseload(session, actor) if mine else None
    seen = items_of(session, actor, Cases(actor.organisation_id, own))
    counts = {name: sum(item.kind == name for item in seen) for name in TEXT}
    items = [item for item in seen if kind in {None, item.kind}][:limit]
    return Worklist(items=items, counts=counts), sorted({item.jobseeker_id for item in items})
