"""The start of an introduction together with its spell of work, and the end and the withdrawal of both.

Every start goes through ``start_introduction``, so that the check-ins of the spell become due, every end by a member
through ``end_introduction`` or the end of the spell, and every withdrawal by a member through
``withdraw_introduction``. All lock the jobseeker first, as the end of a spell does.
"""

from datetime import date
from decimal import Decimal

from pathways.base import Actor, Role
from pathways.database import Session, WriteSession
from pathways.enrolments import queries as enrolment_queries
from pathways.enrolments.models import Enrolment
from pathways.errors import Conflict, RuleBroken
from pathways.facts import NotYourMove
from pathways.introductions import actions as introduction_actions
from pathways.introductions import queries as introduction_queries
from pathways.introductions.models import Introduction, IntroductionEvent, IntroductionState
from pathways.introductions.schemas import StartedOn
from pathways.introductions.start_questions import StartNeedsAnswers
from pathways.jobseekers.formats import age_on
from pathways.jobseekers.models import Jobseeker
from pathways.organisations.models import Organisation
from pathways.placements import actions as placement_actions
from pathways.placements import legality
from pathways.placements.models import Placement
from pathways.placements.schemas import pence, pounds
from pathways.progression import pay_notes, queries
from pathways.progression.actions import MADE_BY_START, add_spell, hold_enrolment, void
from pathways.progression.actions import end as end_spell
from pathways.progression.models import Spell, SpellState
from pathways.progression.outcomes import resting_on
from pathways.progression.schemas import NewSpell, SpellEnding, StartOut, WorkEnding
from pathways.reference.tables import NoSuchReference
from pathways.reference.working_age import too_young
from pathways.shortlists import benefits_told

NO_ENROLMENT = (
    "The start is recorded, but no spell of work was made: the jobseeker has no open enrolment. Enrol the jobseeker,"
    " or use the enrolment that has ended, and record the spell with this introduction, so that check-ins become due."
)
BEFORE_ENROLMENT = (
    "The start is recorded, but no spell of work was made: the first day is before the enrolment. Correct the start"
    " of the enrolment if it is wrong, then record the spell with this introduction, so that check-ins become due."
)
VOIDED = "The introduction has no spell of work. Record the spell with this introduction, so that check-ins become due."
PAY_FOR_PARTNER = (
    "Say what the jobseeker is paid for one hour (pay_per_hour_pounds). If it is not known yet, say null, and find out"
    " before a claim is based on this work."
)
PAY_FOR_ENTERPRISE = (
    "Correct the pay of the placement, or say here what the jobseeker is paid for one hour (pay_per_hour_pounds)."
)
NEVER_STARTED = "The start was recorded by mistake."


class StartIsEvidenced(Conflict):
    """Evidence or an outcome is based on the work of a start. ``spell_id`` in the problem names the spell."""

    title = "Evidence or an outcome is based on the work of this start"


class EndNeedsDay(Conflict):
    title = "The end of the work needs its last day"


class WorkRecordedAfterEnd(Conflict):
    title = "The partner has records of work after this day"


def start_introduction(
    session: WriteSession, actor: Actor, introduction: Introduction, start: StartedOn
) -> Introduction:
    """Record that an introduction started, and make its spell from the placement if the jobseeker is enrolled.

    No second spell is made if the introduction has a running one. ``introduction`` may have been read without a lock.
    """
    introduction = introduction_queries.held(session, introduction.id)
    enrolment = _open_enrolment(session, introduction)
    introduction_actions.move(session, actor, introduction, IntroductionEvent.START, start=start)
    spells = queries.spells_of_introduction(session, introduction)
    is_recorded = any(spell.state is SpellState.RUNNING for spell in spells)
    if enrolment is not None and enrolment.started_on <= start.started_on and not is_recorded:
        _make_spell(session, actor, introduction, enrolment, start)
    return introduction


def _open_enrolment(session: WriteSession, introduction: Introduction) -> Enrolment | None:
    """Lock and return the jobseeker's open enrolment, or None."""
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    found = enrolment_queries.open_enrolment(session, person)
    enrolment = hold_enrolment(session, found.id) if found is not None else None
    return enrolment if enrolment is not None and enrolment.ended_on is None else None


def _make_spell(
    session: WriteSession, actor: Actor, introduction: Introduction, enrolment: Enrolment, start: StartedOn
) -> Spell:
    placement = session.get_one(Placement, introduction.placement_id)
    ends_on = placement.ends_on
    new = NewSpell(
        enrolment_id=enrolment.id,
        introduction_id=introduction.id,
        kind=placement.kind,
        title=placement.title,
        employer=session.get_one(Organisation, placement.social_enterprise_id).name,
        started_on=start.started_on,
        planned_end_on=ends_on if ends_on is not None and ends_on >= start.started_on else None,
        pay_per_hour_pounds=_pay_of_start(session, actor, introduction, placement, start),
    )
    return add_spell(session, actor, enrolment, new, MADE_BY_START)


def _pay_of_start(
    session: Session, actor: Actor, introduction: Introduction, placement: Placement, start: StartedOn
) -> Decimal | None:
    """Return the pay for one hour of the spell: what the request says, else what the placement states.

    Pay that is missing or unlawful on the first day is asked, never recorded. A social enterprise is asked only about
    the placement itself. If its pay is unlawful because of the jobseeker's age, the pay stays unknown, so that nobody
    reads an age from the refusal; the spell says so to the caseworker.
    """
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    birth, first_day = person.date_of_birth, start.started_on
    is_outside, is_said = actor.role is Role.PLACEMENT_LISTER, "pay_per_hour_pounds" in start.model_fields_set
    if too_young(age_on(birth, first_day) if birth is not None else None, first_day) is not None and is_outside:
        raise NotYourMove("This introduction is not open to you now. Contact the partner.")
    pay_notes.check_age(birth, first_day)
    pay = start.pay_per_hour_pounds if is_said else pounds(placement.pay_per_hour_pence)
    if is_said and pay is None and not is_outside:
        return None  # not known yet; the spell says what a claim needs
    question = (
        _question_of_listing(placement, pay, first_day)
        if is_outside
        else pay_notes.question_of_start(placement.kind, pay, birth, first_day)
    )
    if question is not None:
        detail = f"{question} {PAY_FOR_ENTERPRISE if is_outside else PAY_FOR_PARTNER}"
        raise StartNeedsAnswers(detail, errors=[{"pointer": "/pay_per_hour_pounds", "detail": detail}])
    return pay if pay_notes.question_of_start(placement.kind, pay, birth, first_day) is None else None


def _question_of_listing(placement: Placement, in_pounds: Decimal | None, on: date) -> str | None:
    """Return why a placement with this pay would not be lawful on a day; None if it would, or if no rate is known."""
    try:
        listed = placement_actions.changed_copy(placement, {"pay_per_hour_pence": pence(in_pounds), "starts_on": None})
        return legality.reason_of_pay(listed, on)
    except NoSuchReference:
        return None


def end_introduction(
    session: WriteSession, actor: Actor, introduction: Introduction, ending: WorkEnding
) -> Introduction:
    """End a started introduction and its running spells, so that check-ins stop and the referrer reads of the end.

    Asks for the last day if a spell is running. ``introduction`` may have been read without a lock.
    """
    introduction = introduction_queries.held(session, introduction.id)
    if introduction.state is not IntroductionState.STARTED:
        return introduction_actions.move(session, actor, introduction, IntroductionEvent.END)  # says what is possible
    if ending.ended_on is not None:
        _must_be_a_last_day(actor, introduction, ending.ended_on)
    spells = queries.spells_of_introduction(session, introduction)
    for spell in [one for one in spells if one.state is SpellState.RUNNING]:
        if ending.ended_on is None:
            question = "Say which day was the last day of work (ended_on)."
            raise EndNeedsDay(question, errors=[{"pointer": "/ended_on", "detail": question}])
        try:
            end_spell(session, actor, spell, SpellEnding(ended_on=ending.ended_on, end_reason=ending.end_reason))
        except (RuleBroken, Conflict) as refused:
            if actor.role is not Role.PLACEMENT_LISTER:
                raise
            raise WorkRecordedAfterEnd("Check the last day (ended_on), or contact the partner.") from refused
    session.refresh(introduction)
    if introduction.state is IntroductionState.STARTED:  # it had no running spell
        introduction_actions.move(session, actor, introduction, IntroductionEvent.END)
    return introduction


def _must_be_a_last_day(actor: Actor, introduction: Introduction, ended_on: date) -> None:
    if ended_on > actor.today:
        raise RuleBroken(
            "The end date cannot be in the future. Record the end once it has happened.", pointer="/ended_on"
        )
    if introduction.started_on is not None and ended_on < introduction.started_on:
        raise RuleBroken("The end date cannot be before the start date.", pointer="/ended_on")


def withdraw_introduction(
    session: WriteSession, actor: Actor, introduction: Introduction, *, reason: str, no: introduction_actions.No
) -> Introduction:
    """Withdraw an introduction. If it had started, that was a mistake: its spells are voided.

    Refuses while evidence or an outcome is based on one of these spells. ``introduction`` may have been read without a
    lock.
    """
    introduction = introduction_queries.held(session, introduction.id)
    for spell in reversed(queries.spells_of_introduction(session, introduction)):
        session.refresh(spell, with_for_update=True)
        hold_enrolment(session, spell.enrolment_id)
    had_started = introduction.state is IntroductionState.STARTED
    introduction_actions.move(session, actor, introduction, IntroductionEvent.WITHDRAW, reason=reason, no=no)
    for spell in queries.spells_of_introduction(session, introduction) if had_started else []:
        if queries.has_evidence(session, spell) or resting_on(session, spell):
            raise StartIsEvidenced(
                f"Evidence or an outcome is recorded for the spell {spell.id}. If the work never began, void the spell"
                " first. If the work is over, end the spell instead.",
                spell_id=str(spell.id),
            )
        void(session, actor, spell, reason or NEVER_STARTED)
    return introduction


def start_reply(session: Session, actor: Actor, introduction: Introduction) -> StartOut:
    """Return a started introduction with its spell, or the reason why it has none. A social enterprise sees neither."""
    answer = dict(introduction_actions.reply(session, actor, introduction))
    if actor.role is Role.PLACEMENT_LISTER:
        withheld = sorted({*answer.pop("withheld"), "no_spell", "spell_id", "benefit_note"})
        return StartOut(**answer, spell_id=None, no_spell=None, withheld=withheld)
    first_day = introduction.started_on or actor.today
    answer["benefit_note"] = benefits_told.note_of(answer["benefit_flags"], first_day)
    if "benefit_flags" in answer["withheld"]:
        answer["withheld"] = sorted({*answer["withheld"], "benefit_note"})
    spells = queries.spells_of_introduction(session, introduction)
    if spells:
        return StartOut(**answer, spell_id=spells[0].id, no_spell=None)
    return StartOut(**answer, spell_id=None, no_spell=_why_no_spell(session, introduction))


def _why_no_spell(session: Session, introduction: Introduction) -> str:
    enrolment = enrolment_queries.open_enrolment(session, session.get_one(Jobseeker, introduction.jobseeker_id))
    if enrolment is None:
        return NO_ENROLMENT
    is_before = introduction.started_on is not None and introduction.started_on < enrolment.started_on
    return BEFORE_ENROLMENT if is_before else VOIDED
