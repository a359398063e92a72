"""Scheduled job of outcomes: notify the caseworker when a rule is met but no outcome is recorded."""

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import or_, select

from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.enrolments.models import Enrolment
from pathways.jobseekers.models import Jobseeker, JobseekerState
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.programmes.models import Programme
from pathways.progression import queries, rules
from pathways.progression.models import Spell, SpellState
from pathways.reference import tables
from pathways.scheduled import ScheduledJob


def _at_work(session: Session, partner_id: UUID, on: date) -> Iterator[UUID]:
    """Yield the ids of enrolments with work that are open or ended within the last ``outcome_looked_for_days`` days."""
    since = on - timedelta(days=int(tables.limit("outcome_looked_for_days", on)))
    works = select(Spell.id).where(
        Spell.partner_id == Enrolment.partner_id,
        Spell.enrolment_id == Enrolment.id,
        Spell.state != SpellState.VOIDED,
    )
    rows = (
        select(Enrolment.id)
        .join(Jobseeker, (Jobseeker.partner_id == Enrolment.partner_id) & (Jobseeker.id == Enrolment.jobseeker_id))
        .where(
            Enrolment.partner_id == partner_id,
            or_(Enrolment.ended_on.is_(None), Enrolment.ended_on >= since),
            Jobseeker.state != JobseekerState.VOIDED,
            works.exists(),
        )
    )
    yield from session.scalars(rows.order_by(Enrolment.id))


def _notify(session: WriteSession, actor: Actor, enrolment_id: UUID) -> bool:
    """Notify the caseworker about each rule that is met but has no outcome. Return whether a notice was written."""
    enrolment = session.scalars(select(Enrolment).where(Enrolment.id == enrolment_id)).one()
    recorded = {outcome.rule for outcome in queries.outcomes_of(session, enrolment)}
    versions = session.get_one(Programme, enrolment.programme_id).rule_versions
    spells = queries.spell_facts(session, enrolment)
    person = session.get_one(Jobseeker, enrolment.jobseeker_id)
    notices = 0
    for rule in queries.rules_named(session, versions, actor.today).values():
        if rule is None or rule.name in recorded:
            continue
        verdict = rules.judge(spells, rule, actor.today, began_on=enrolment.started_on)
        if verdict.finding is rules.Finding.MET:
            notices += message_actions.notify_owner(
                session,
                actor,
                enrolment.partner_id,
                person.caseworker_id,
                NoticeKind.OUTCOME_CAN_BE_RECORDED,
                about=("enrolments", enrolment.id),
                occasion=rule.name,
            )
    return bool(notices)


OF_PARTNERS = (ScheduledJob("outcomes that can be recorded", _at_work, _notify),)
