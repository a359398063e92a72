"""Every change to spells of work and their hours. Changes to evidence and outcomes: evidence.py, outcomes.py."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified
from uuid_utils.compat import uuid7

from pathways.base import Actor, hours_into_local_day
from pathways.database import Session, WriteSession
from pathways.enrolments import queries as enrolment_queries
from pathways.enrolments.models import Enrolment
from pathways.errors import Conflict, NotFound, RuleBroken
from pathways.introductions import actions as introduction_actions
from pathways.introductions.models import Introduction, IntroductionState
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.placements.models import PlacementKind
from pathways.placements.schemas import pence, pounds
from pathways.progression import pay_notes, queries
from pathways.progression.models import (
    Spell,
    SpellHours,
    SpellState,
    SpellVersion,
)
from pathways.progression.outcomes import resting_on, withdraw_outcome
from pathways.progression.schemas import (
    HoursLine,
    NewHours,
    NewSpell,
    SpellChange,
    SpellEnding,
    SpellOut,
)
from pathways.reference import tables, worked_hours
from pathways.reference.pay import too_high_for_a_week

DAYS_IN_A_WEEK, HOURS_IN_A_DAY = 7, 24
RECORD_VOID = "The record was made by mistake."
MADE_BY_START = "Made from the placement when the start was recorded."


class SpellIsOver(Conflict):
    title = "This spell of work has ended"


class SpellRecordedAlready(Conflict):
    """The introduction has a running spell already. ``spell_id`` in the problem names it."""

    title = "The introduction already has a spell of work"


MAY_BE_CLAIMED = "A claim may use this outcome: tell your manager first."


class OutcomeRestsOnIt(Conflict):
    title = "An outcome is based on this spell"


def start(session: WriteSession, actor: Actor, new: NewSpell) -> Spell:
    """Record a new spell of work. Refuses a start date in the future or before the enrolment.

    If the start of the introduction made the spell already, corrects and returns that spell. If the introduction has
    another running spell, refuses unless ``is_another`` is true.
    """
    enrolment = enrolment_queries.enrolment(session, actor, new.enrolment_id)
    enrolment = hold_enrolment(session, enrolment.id)  # its start is not corrected meanwhile; a start takes it too
    if new.started_on > actor.today:
        raise RuleBroken(
            "The start date cannot be in the future. Record the spell once work has begun.", pointer="/started_on"
        )
    person = session.get_one(Jobseeker, enrolment.jobseeker_id)
    jobseeker_actions.must_not_be_void(person)
    if new.started_on < enrolment.started_on:
        raise RuleBroken("The work cannot start before the enrolment. Correct the start date.", pointer="/started_on")
    if new.planned_end_on is not None and new.planned_end_on < new.started_on:
        raise RuleBroken("The planned end date cannot be before the start date.", pointer="/planned_end_on")
    pay_notes.check_age(person.date_of_birth, new.started_on)
    pay_notes.check_pay(_said(new, NewSpell.model_fields), person.date_of_birth, actor.today)
    if new.introduction_id is not None:
        introduction = _introduction(session, enrolment, new)
        recorded = None if new.is_another else _recorded_already(session, actor, enrolment, introduction, new)
        if recorded is not None:
            return recorded
    return add_spell(session, actor, enrolment, new)


def add_spell(session: WriteSession, actor: Actor, enrolment: Enrolment, new: NewSpell, reason: str = "") -> Spell:
    """Add a spell and its first version, unchecked. ``reason`` says how it came to be, if not by a member's record."""
    spell = Spell(
        id=uuid7(),
        partner_id=enrolment.partner_id,
        jobseeker_id=enrolment.jobseeker_id,
        enrolment_id=enrolment.id,
        introduction_id=new.introduction_id,
        state=SpellState.RUNNING,
        made_at=actor.at,
    )
    session.add(spell)
    session.flush()  # its versions have a foreign key to the spell
    columns: dict[str, Any] = dict.fromkeys(VERSION_COLUMNS) | _said(new, NewSpell.model_fields)
    _add_version(session, actor, spell, columns, None, reason)
    return spell


def _said(new: NewSpell, fields: Collection[str]) -> dict[str, Any]:
    """Return the columns of a spell's version for some fields of a request."""
    said = {name: getattr(new, name) for name in fields if name in VERSION_COLUMNS}
    if "pay_per_hour_pounds" in fields:
        said["pay_per_hour_pence"] = pence(new.pay_per_hour_pounds)
    return said


def _recorded_already(
    session: WriteSession, actor: Actor, enrolment: Enrolment, introduction: Introduction, new: NewSpell
) -> Spell | None:
    """Return the running spell of the introduction that the request means, or None if there is no running spell.

    A spell that the start made, of which nothing else is recorded, takes the values of the request. Any other spell is
    returned only if the request says the same of it.
    """
    spells = queries.spells_of_introduction(session, introduction)
    running = [spell for spell in spells if spell.state is SpellState.RUNNING]
    said = _said(new, new.model_fields_set)
    for spell in running:
        version = queries.version(session, spell)
        if spell.enrolment_id != enrolment.id or version.started_on != new.started_on:
            continue
        if all(getattr(version, name) == value for name, value in said.items()):
            return spell
        if _is_untouched(session, spell, version):
            columns = {name: getattr(version, name) for name in VERSION_COLUMNS}
            _add_version(session, actor, spell, columns | said, version)
            return spell
    if not running:
        return None
    raise SpellRecordedAlready(
        f"The introduction has the running spell {running[0].id}. Correct or void that spell. If this is another"
        " spell from the same introduction, for instance after a contract was renewed, say so (is_another: true).",
        spell_id=str(running[0].id),
    )


def _is_untouched(session: Session, spell: Spell, version: SpellVersion) -> bool:
    """Return whether a spell is as the start made it: not corrected, and without hours and evidence."""
    is_as_made = version.reason == MADE_BY_START
    return is_as_made and not queries.hours(session, spell) and not queries.has_evidence(session, spell)


def _introduction(session: Session, enrolment: Enrolment, new: NewSpell) -> Introduction:
    """Return the introduction of a new spell. Refuses another jobseeker's, or one without a start."""
    introduction = session.scalars(
        select(Introduction).where(
            Introduction.partner_id == enrolment.partner_id,
            Introduction.jobseeker_id == enrolment.jobseeker_id,
            Introduction.id == new.introduction_id,
        ),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if introduction is None or introduction.state not in {IntroductionState.STARTED, IntroductionState.ENDED}:
        raise RuleBroken("Choose one of this jobseeker's introductions that has started.", pointer="/introduction_id")
    return introduction


VERSION_COLUMNS = (
    *("kind", "title", "employer", "started_on", "ended_on", "end_reason", "pay_per_hour_pence"),
    *("planned_end_on", "came_after", "is_own_supply_chain"),
)


def _add_version(
    session: WriteSession,
    actor: Actor,
    spell: Spell,
    columns: Mapping[str, Any],
    previous: SpellVersion | None,
    reason: str = "",
) -> None:
    session.add(
        SpellVersion.recorded(
            actor,
            columns["started_on"],
            partner_id=spell.partner_id,
            jobseeker_id=spell.jobseeker_id,
            spell_id=spell.id,
            enrolment_id=spell.enrolment_id,
            supersedes=previous.id if previous else None,
            reason=reason,
            **columns,
        )
    )
    flag_modified(spell, "state")  # the new row is in another table; this increases the spell's version number too
    session.flush()  # increases the version number, which the reply returns


def correct(session: WriteSession, actor: Actor, spell: Spell, change: SpellChange) -> Spell:
    """Correct a spell. The new version supersedes the older one.

    While an outcome is based on the spell, refuses to change the kind, the start date or ``is_own_supply_chain``.
    Also refuses to change the start date once hours are recorded.
    """
    hold(session, spell)
    previous = queries.version(session, spell)
    columns = {name: getattr(previous, name) for name in VERSION_COLUMNS}
    given = change.model_dump(exclude_unset=True)
    if "pay_per_hour_pounds" in given:
        given["pay_per_hour_pence"] = pence(given.pop("pay_per_hour_pounds"))
    for name in ("kind", "title", "started_on", "is_own_supply_chain"):
        if name in given and given[name] is None:
            raise RuleBroken(f"The field {name} cannot be empty. Give a value or omit the field.", pointer=f"/{name}")
    columns |= given
    if given.keys() & {"kind", "pay_per_hour_pence", "started_on"}:
        birth = session.get_one(Jobseeker, spell.jobseeker_id).date_of_birth
        pay_notes.check_pay(columns, birth, actor.today)
        if "started_on" in given:
            pay_notes.check_age(birth, columns["started_on"])
    _check_days(session, actor, spell, columns)
    if columns["kind"] is PlacementKind.VOLUNTEERING:
        pay_notes.check_unpaid(queries.hours(session, spell))
    if any(columns[name] != getattr(previous, name) for name in ("kind", "started_on", "is_own_supply_chain")):
        _must_carry_no_outcome(session, spell)
    if columns["started_on"] != previous.started_on and queries.hours(session, spell):
        raise RuleBroken(
            "Hours are recorded for weeks counted from the old start date. Void this spell and record a new one.",
            pointer="/started_on",
        )
    _add_version(session, actor, spell, columns, previous)
    return spell


def _check_days(session: Session, actor: Actor, spell: Spell, columns: Mapping[str, Any]) -> None:
    started_on = columns["started_on"]
    if started_on > actor.today:
        raise RuleBroken("The start date cannot be in the future.", pointer="/started_on")
    if started_on < session.get_one(Enrolment, spell.enrolment_id).started_on:
        raise RuleBroken("The work cannot start before the enrolment. Correct the start date.", pointer="/started_on")
    if columns["came_after"] is not None and columns["ended_on"] is None:
        raise RuleBroken(
            "What came next can be recorded only after the spell has ended. End the spell first.", pointer="/came_after"
        )
    if columns["planned_end_on"] is not None and columns["planned_end_on"] < started_on:
        raise RuleBroken("The planned end date cannot be before the start date.", pointer="/planned_end_on")
    if columns["ended_on"] is not None and columns["ended_on"] < started_on:
        raise RuleBroken("The start date cannot be after the end date.", pointer="/started_on")


def hold(session: WriteSession, spell: Spell) -> None:
    """Lock the spell's enrolment row.

    Recording an outcome takes the same lock, so a spell cannot change while an outcome is being recorded.
    """
    hold_enrolment(session, spell.enrolment_id)


def hold_enrolment(session: WriteSession, enrolment_id: UUID) -> Enrolment:
    """Lock the jobseeker, then the enrolment, on which every change of its spells waits; return it as it is now."""
    enrolment = jobseeker_queries.held(session, select(Enrolment).where(Enrolment.id == enrolment_id))
    if enrolment is None:
        raise NotFound("There is no such enrolment.")
    return enrolment


def check_enrolment_start(session: Session, enrolment: Enrolment, started_on: date) -> None:
    """Refuse another start date of an enrolment if an outcome is current, or if work began before that date.

    Voided spells do not count.
    """
    if started_on != enrolment.started_on and queries.outcomes_of(session, enrolment):
        raise OutcomeRestsOnIt(
            "An outcome is recorded for this enrolment, so its start date cannot change. Withdraw the outcome first,"
            f" correct the date, then record the outcome again. {MAY_BE_CLAIMED}"
        )
    began_on = queries.first_day_of_work(session, enrolment)
    if began_on is not None and started_on > began_on:
        raise RuleBroken(
            f"A spell of work of this enrolment began on {began_on.isoformat()}, so the enrolment cannot start after"
            " that day. Correct the date, or correct or void the spell first.",
            pointer="/started_on",
        )


def end(session: WriteSession, actor: Actor, spell: Spell, ending: SpellEnding) -> Spell:
    """End a spell. Free the place of its introduction, unless another running spell has the same introduction.

    Refuses an end date that is in the future, before the start date, before a week with hours, or before a day on
    which an outcome is based.
    """
    hold(session, spell)
    if spell.state is not SpellState.RUNNING:
        raise SpellIsOver(f"The spell is already {spell.state}, so it cannot be ended.")
    previous = queries.version(session, spell)
    if ending.ended_on < previous.started_on:
        raise RuleBroken("The end date cannot be before the start date.", pointer="/ended_on")
    if ending.ended_on > actor.today:
        raise RuleBroken(
            "The end date cannot be in the future. Record the end once it has happened.", pointer="/ended_on"
        )
    later = [week.valid_on for week in queries.hours(session, spell) if week.hours and week.valid_on > ending.ended_on]
    if later:
        raise RuleBroken(
            f"Hours are recorded for the week from {later[-1].isoformat()}, which is after this end date. Correct the"
            " end date, or record 0 hours for the weeks after it first.",
            pointer="/ended_on",
        )
    if any(outcome.valid_on > ending.ended_on for outcome in resting_on(session, spell)):
        raise OutcomeRestsOnIt(
            "An outcome is based on work after this end date. Withdraw the outcome first, then end the spell and record"
            f" the outcome again. {MAY_BE_CLAIMED}"
        )
    columns = {name: getattr(previous, name) for name in VERSION_COLUMNS}
    spell.state = SpellState.ENDED
    _add_version(
        session,
        actor,
        spell,
        columns | {"ended_on": ending.ended_on, "end_reason": ending.end_reason, "came_after": ending.came_after},
        previous,
    )
    if spell.introduction_id is not None and not queries.works_at_same_placement(session, spell):
        introduction_actions.vacate(session, actor, spell.introduction_id)
    return spell


def void(session: WriteSession, actor: Actor, spell: Spell, reason: str) -> Spell:
    """Void a spell that was recorded by mistake. Refuses while an outcome is based on the spell."""
    hold(session, spell)
    if spell.state is SpellState.VOIDED:
        raise SpellIsOver("This spell is already voided.")
    _must_carry_no_outcome(session, spell)
    session.add(queries.version(session, spell).withdrawn(actor, reason))
    spell.state = SpellState.VOIDED
    session.flush()  # increases the version number, which the reply returns
    return spell


def void_all(session: WriteSession, actor: Actor, person: Jobseeker, _: str) -> None:
    """Withdraw all outcomes and void all spells of a jobseeker record made by mistake, so that no outcome is paid."""
    for outcome in queries.outcomes_of_person(session, person):
        withdraw_outcome(session, actor, outcome, RECORD_VOID)
    for spell in queries.spells_of(session, person):
        session.refresh(spell, with_for_update=True)
        void(session, actor, spell, RECORD_VOID)


def _must_carry_no_outcome(session: Session, spell: Spell) -> None:
    """Refuse a change to a spell that an outcome is based on."""
    if resting_on(session, spell):
        raise OutcomeRestsOnIt(
            f"Withdraw the outcome first, then correct the spell and record the outcome again. {MAY_BE_CLAIMED}"
        )


def record_hours(session: WriteSession, actor: Actor, spell: Spell, new: NewHours) -> SpellHours:
    """Record the paid hours of one week.

    Recording the same week again supersedes the earlier hours. If pay or leave is left out, its earlier value stays.
    Refuses to lower hours or pay, or to change leave, while an outcome is based on the spell.
    """
    hold(session, spell)
    if spell.state is SpellState.VOIDED:
        raise SpellIsOver("Hours cannot be recorded for a voided spell. Record the spell again first.")
    version = queries.version(session, spell)
    offset = (new.week_from - version.started_on).days
    if offset < 0 or offset % DAYS_IN_A_WEEK:
        nearest = version.started_on + timedelta(days=max(0, offset - offset % DAYS_IN_A_WEEK))
        raise RuleBroken(
            f"A week must begin on the weekday on which the spell began. Use {nearest.isoformat()}, for example.",
            pointer="/week_from",
        )
    if new.week_from > actor.today or (version.ended_on is not None and new.week_from > version.ended_on):
        raise RuleBroken(
            "This week is in the future or after the end of the spell. Choose a week within the spell.",
            pointer="/week_from",
        )
    _check_amounts(session, actor, spell, new, version)
    previous = queries.week(session, spell, new.week_from)
    pay, leave = pence(new.pay_pounds), new.leave
    if previous is not None:
        pay = pay if "pay_pounds" in new.model_fields_set else previous.pay_pence
        leave = leave if "leave" in new.model_fields_set else previous.leave
    _check_week(session, spell, version, new, pay, is_leave=leave is not None)
    if previous is not None and (
        new.hours < previous.hours or (pay or 0) < (previous.pay_pence or 0) or leave is not previous.leave
    ):
        _must_carry_no_outcome(session, spell)
    hours = SpellHours.recorded(
        actor,
        new.week_from,
        partner_id=spell.partner_id,
        jobseeker_id=spell.jobseeker_id,
        spell_id=spell.id,
        supersedes=previous.id if previous else None,
        reason=new.unusual_pay_because or "",
        hours=new.hours,
        pay_pence=pay,
        leave=leave,
    )
    session.add(hours)
    flag_modified(spell, "state")  # hours are in another table; this increases the spell's version number too
    session.flush()  # increases the version number, which the reply returns
    return hours


def _check_amounts(session: Session, actor: Actor, spell: Spell, new: NewHours, version: SpellVersion) -> None:
    """Refuse more hours than have passed, than anybody may work in all spells, and pay too high for one week."""
    last = min(new.week_from + timedelta(days=DAYS_IN_A_WEEK - 1), actor.today, version.ended_on or actor.today)
    possible = Decimal((last - new.week_from).days * HOURS_IN_A_DAY)
    possible += hours_into_local_day(actor.at) if last == actor.today else HOURS_IN_A_DAY
    if new.hours > possible:
        raise RuleBroken(
            f"Until now, only {possible:.2f} hours of this week have passed within the spell. Record the hours of a"
            " week once they are worked.",
            pointer="/hours",
        )
    most = tables.limit("highest_hours_per_week", actor.today)
    if new.hours > most:
        raise RuleBroken(f"Nobody may work more than {most:g} hours in a week. Correct the hours.", pointer="/hours")
    if new.leave is None and (wrong := _too_many_in_all(session, spell, new, most)) is not None:
        raise RuleBroken(wrong, pointer="/hours")
    too_high = too_high_for_a_week(new.pay_pounds, actor.today)
    if too_high is not None:
        raise RuleBroken(too_high, pointer="/pay_pounds")
    if version.kind is PlacementKind.VOLUNTEERING and new.pay_pounds:
        raise RuleBroken(pay_notes.VOLUNTEER_WEEK, pointer="/pay_pounds")


def _too_many_in_all(session: Session, spell: Spell, new: NewHours, most: Decimal) -> str | None:
    """Return why the hours of a week are impossible beside those of the person's other spells, else None."""
    previous = queries.week(session, spell, new.week_from)
    if new.hours <= (previous.hours if previous is not None else 0):
        return None  # a correction downwards is always possible
    weeks = queries.weeks_worked_around(session, spell, new.week_from)
    found = worked_hours.impossible_period([*weeks, (new.week_from, new.hours)], new.week_from, most)
    if found is None:
        return None
    first, last, hours, possible = found
    return (
        f"With the hours of the jobseeker's other spells, {float(hours):g} hours would be recorded from"
        f" {first.isoformat()} to {last.isoformat()}, and nobody may work more than {float(possible):g} hours in that"
        " time. Correct these hours, or those of the other spell."
    )


def _check_week(
    session: Session, spell: Spell, version: SpellVersion, new: NewHours, pay_pence: int | None, *, is_leave: bool
) -> None:
    """Refuse pay that does not fit the hours, unless the request says why. The reply names pay that is only kept."""
    birth = session.get_one(Jobseeker, spell.jobseeker_id).date_of_birth
    doubt = pay_notes.week_in_doubt(version.kind, birth, new.week_from, new.hours, pay_pence, is_leave=is_leave)
    is_only_kept = "pay_pounds" not in new.model_fields_set and new.hours > 0
    pay_notes.check_week(doubt, is_confirmed=new.unusual_pay_because is not None or is_only_kept)


def kept_of_week(session: Session, spell: Spell, new: NewHours) -> list[str]:
    """Return, in sentences, what a new record of a week leaves as it was recorded before."""
    return list(pay_notes.kept_of_week(queries.week(session, spell, new.week_from), frozenset(new.model_fields_set)))


def spell_reply(session: Session, actor: Actor, spell: Spell, said: Sequence[str] = ()) -> SpellOut:
    """Return a spell. ``said`` has further sentences for its notes."""
    answer = spell_replies(session, actor, [spell])[0]
    return answer.model_copy(update={"notes": [*said, *answer.notes]}) if answer.notes is not None else answer


def spell_replies(session: Session, actor: Actor, spells: Sequence[Spell]) -> list[SpellOut]:
    """Return spells with the fields that the actor may see. One query reads all versions, another all hours."""
    people = jobseeker_queries.cases(session, (spell.jobseeker_id for spell in spells))
    versions, weeks = queries.last_versions(session, spells), queries.weeks_of(session, spells)
    kinds = queries.kinds_that_count(actor.today)
    shapes = []
    for spell in spells:
        version = versions[spell.id]
        visible = jobseeker_queries.visible_groups(actor, people[spell.jobseeker_id])
        birth = getattr(people[spell.jobseeker_id], "date_of_birth", None)
        answer = SpellOut(
            id=spell.id,
            jobseeker_id=spell.jobseeker_id,
            enrolment_id=spell.enrolment_id,
            introduction_id=spell.introduction_id,
            state=spell.state,
            kind=version.kind,
            title=version.title,
            employer=version.employer,
            started_on=version.started_on,
            ended_on=version.ended_on,
            end_reason=version.end_reason,
            planned_end_on=version.planned_end_on,
            ended_early=version.ended_on < version.planned_end_on
            if version.ended_on is not None and version.planned_end_on is not None
            else None,
            came_after=version.came_after,
            pay_per_hour_pounds=pounds(version.pay_per_hour_pence),
            hours=[
                HoursLine(
                    week_from=week.valid_on, hours=week.hours, pay_pounds=pounds(week.pay_pence), leave=week.leave
                ).limited_to(visible)
                for week in weeks.get(spell.id, [])
            ],
            counts_as_job=version.kind.value in kinds,
            is_own_supply_chain=version.is_own_supply_chain,
            notes=[]
            if spell.state is SpellState.VOIDED
            else list(pay_notes.notes(version, weeks.get(spell.id, []), birth)),
            version=spell.version,
        )
        shapes.append(answer.limited_to(visible))
    return shapes
