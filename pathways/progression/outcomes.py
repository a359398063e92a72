"""Outcomes: explain each rule, record an outcome on accepted evidence, withdraw an outcome."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import select
from uuid_utils.compat import uuid7

from pathways.base import Actor, day_in_words
from pathways.database import Session, WriteSession
from pathways.enrolments import queries as enrolment_queries
from pathways.enrolments.models import Enrolment
from pathways.errors import Conflict, RuleBroken
from pathways.facts import as_known
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.organisations import queries as organisation_queries
from pathways.programmes.models import Programme
from pathways.progression import queries, rules
from pathways.progression.models import (
    Evidence,
    Outcome,
    OutcomeClaimed,
    Spell,
)
from pathways.progression.schemas import (
    NewOutcome,
    OutcomesExplained,
    RuleFinding,
    UncoveredDays,
)
from pathways.reference import outcome_rules, tables


class RuleNotMet(Conflict):
    title = "This rule is not met by the records so far"


class EvidenceMissing(RuleNotMet):
    """The work is enough, but not all of its days have accepted evidence. The kind of problem stays ``RuleNotMet``."""

    title = "The work is enough, but evidence is missing"

    @classmethod
    def problem_type(cls) -> str:
        return RuleNotMet.problem_type()


MOST_STRETCHES_NAMED = 5


class OutcomeRecordedAlready(Conflict):
    title = "This outcome is already recorded"


def explain(session: Session, actor: Actor, person: Jobseeker) -> OutcomesExplained:
    """Report, for each rule of the latest enrolment, whether it is met, not met or not yet known."""
    enrolment = session.scalars(
        select(Enrolment)
        .where(Enrolment.partner_id == person.partner_id, Enrolment.jobseeker_id == person.id)
        .order_by(Enrolment.started_on.desc(), Enrolment.id.desc())
        .limit(1)
    ).first()
    if enrolment is None:
        return OutcomesExplained(enrolment_id=None, job_started_on=None, rules=[])
    spells = queries.spell_facts(session, enrolment)
    recorded = {
        outcome.rule: outcome.id
        for outcome in session.scalars(queries.outcomes_visible_to(actor).where(Outcome.enrolment_id == enrolment.id))
    }
    findings = []
    rule_texts = outcome_rules.all_versions(session)
    versions = session.get_one(Programme, enrolment.programme_id).rule_versions
    for named, rule in queries.rules_named(session, versions, actor.today).items():
        if rule is None:
            name, version = named.split("@")
            findings.append(_disabled(name, version))
            continue
        verdict = rules.judge(spells, rule, actor.today, began_on=enrolment.started_on)
        evidence = queries.accepted_evidence(session, enrolment.partner_id, verdict.spell_ids)
        missing = rules.uncovered(verdict.rests_on, _covers(evidence, rule_texts[named].evidence_tier))
        findings.append(
            RuleFinding(
                rule=rule.name,
                rule_version=rule.version,
                finding=verdict.finding.value,
                text=verdict.text + _what_next(verdict, missing, is_recorded=rule.name in recorded),
                met_on=verdict.met_on,
                earliest_on=verdict.earliest_on,
                weeks_counted=verdict.weeks_counted,
                weeks_unknown=verdict.weeks_unknown,
                not_counted=list(verdict.not_counted),
                why_not=dict(verdict.why_not),
                gap_days=verdict.gap_days,
                days_counted=verdict.days_counted,
                hours=verdict.hours,
                pounds=verdict.pounds,
                pounds_needed=verdict.pounds_needed,
                rates_used=list(verdict.rates_used) or None,
                without_evidence=[UncoveredDays(**asdict(stretch)) for stretch in missing],
                outcome_id=recorded.get(rule.name),
            ).limited_to(jobseeker_queries.visible_groups(actor, person))
        )
    least = tables.limit("job_start_paid_hours", actor.today)
    started = rules.job_started_on(spells, queries.kinds_that_count(actor.today), least)
    return OutcomesExplained(enrolment_id=enrolment.id, job_started_on=started, rules=findings)


def _disabled(name: str, version: str) -> RuleFinding:
    return RuleFinding(
        rule=name,
        rule_version=version,
        finding=rules.Finding.NOT_YET_KNOWN.value,
        text="This rule is switched off, because its figures have not been verified.",
        met_on=None,
        earliest_on=None,
        weeks_counted=0,
        weeks_unknown=0,
        not_counted=[],
        outcome_id=None,
    )


def record_outcome(session: WriteSession, actor: Actor, new: NewOutcome) -> Outcome:
    """Record that a rule is met, once for each rule and enrolment.

    Uses the version of the rule in force when the enrolment began. Refuses unless each day on which the rule depends
    is covered by evidence. The evidence must be of at least the tier that the rule requires. A member other than the
    actor must have accepted it, and the actor must never have checked it, also not as another user.
    """
    enrolment = enrolment_queries.enrolment(session, actor, new.enrolment_id, for_update=True)
    jobseeker_actions.must_not_be_void(session.get_one(Jobseeker, enrolment.jobseeker_id))
    programme = session.get_one(Programme, enrolment.programme_id)
    text = queries.rule_text(session, programme.rule_versions, new.rule, enrolment.started_on)
    if text is None:
        raise RuleBroken(
            "This rule cannot be used: the programme does not name it, it is switched off, or it was not in force when"
            " the enrolment began. Choose another rule.",
            pointer="/rule",
        )
    if any(outcome.rule == text.rule for outcome in queries.outcomes_of(session, enrolment)):
        raise OutcomeRecordedAlready("This outcome is already recorded. Withdraw it only if it is wrong.")
    rule = queries.as_rule(text, actor.today)
    verdict = rules.judge(queries.spell_facts(session, enrolment), rule, actor.today, began_on=enrolment.started_on)
    if verdict.finding is not rules.Finding.MET or verdict.met_on is None:
        raise RuleNotMet(verdict.text, finding=verdict.finding.value)
    own = organisation_queries.same_person(session, actor.user_id)
    evidence = queries.accepted_evidence(session, enrolment.partner_id, verdict.spell_ids, not_checked_by=own)
    missing = rules.uncovered(verdict.rests_on, _covers(evidence, text.evidence_tier))
    if missing:
        raise EvidenceMissing(
            f"The work is enough. For these days no colleague has accepted evidence yet: {_days(missing)}. Add"
            " evidence, or ask a colleague to check it. If you checked it yourself, ask a colleague to record the"
            " outcome."
        )
    outcome = Outcome.recorded(
        actor,
        verdict.met_on,
        partner_id=enrolment.partner_id,
        jobseeker_id=enrolment.jobseeker_id,
        enrolment_id=enrolment.id,
        rule=rule.name,
        rule_version=rule.version,
        weeks_counted=verdict.weeks_counted,
        spell_ids=list(verdict.spell_ids),
        evidence_ids=[str(item.id) for item in _resting(evidence, verdict.rests_on, text.evidence_tier)],
        figures=_figures(verdict),
        rests_on=[[r.spell_id, r.first_on.isoformat(), r.last_on.isoformat()] for r in verdict.rests_on],
    )
    session.add(outcome)
    session.flush()  # the lock row has a foreign key to the outcome
    session.add(
        OutcomeClaimed(
            id=uuid7(),
            partner_id=enrolment.partner_id,
            jobseeker_id=enrolment.jobseeker_id,
            enrolment_id=enrolment.id,
            rule=rule.name,
            outcome_id=outcome.id,
        )
    )
    session.flush()  # the second of two records of the same outcome fails here
    return outcome


def _what_next(verdict: rules.RuleVerdict, missing: Sequence[rules.Stretch], *, is_recorded: bool) -> str:
    """Return a further sentence about a rule that is met: whether its outcome is recorded, and what is missing."""
    if verdict.finding is not rules.Finding.MET:
        return ""
    if is_recorded:
        return " The outcome is recorded."
    if missing:
        return " The outcome is not recorded: accepted evidence is missing for some days."
    return " The outcome is not recorded yet."


def _days(stretches: Sequence[rules.Stretch]) -> str:
    """Return stretches of days in words, at most five of them."""
    listed = [
        f"{day_in_words(one.first_on)} to {day_in_words(one.last_on)}" for one in stretches[:MOST_STRETCHES_NAMED]
    ]
    more = len(stretches) - len(listed)
    return "; ".join(listed) + (f"; and {more} more" if more else "")


def _covers(evidence: Iterable[Evidence], least_tier: str | None) -> list[rules.Stretch]:
    """Return the days covered by items of at least the given tier; A is the best tier."""
    good = (item for item in evidence if least_tier is None or item.tier <= least_tier)
    return [rules.Stretch(str(item.spell_id), item.covers_from, item.covers_to) for item in good]


def _resting(evidence: Iterable[Evidence], rests: Iterable[rules.Stretch], least_tier: str | None) -> list[Evidence]:
    """Return the items of at least the given tier that cover any of the days ``rests`` of the same spell."""
    days = list(rests)
    return [
        item
        for item in evidence
        if (least_tier is None or item.tier <= least_tier)
        and any(
            str(item.spell_id) == rest.spell_id and item.covers_from <= rest.last_on and item.covers_to >= rest.first_on
            for rest in days
        )
    ]


def _figures(verdict: rules.RuleVerdict) -> dict[str, Any]:
    return {
        "text": verdict.text,
        "hours": str(verdict.hours) if verdict.hours is not None else None,
        "pounds": str(verdict.pounds) if verdict.pounds is not None else None,
        "pounds_needed": str(verdict.pounds_needed) if verdict.pounds_needed is not None else None,
        "rates_used": list(verdict.rates_used),
        "gap_days": verdict.gap_days,
        "days_counted": verdict.days_counted,
        "tables": tables.version_of_all(),
    }


def withdraw_outcome(session: WriteSession, actor: Actor, outcome: Outcome, reason: str) -> Outcome:
    """Withdraw an outcome and delete its lock row, so that the outcome can be recorded again when the rule is met."""
    lock = session.scalars(select(OutcomeClaimed).where(OutcomeClaimed.outcome_id == outcome.id)).one_or_none()
    if lock is not None:
        session.delete(lock)
    withdrawal = outcome.withdrawn(actor, reason)
    session.add(withdrawal)
    session.flush()  # the second of two withdrawals at the same time fails here
    return withdrawal


def withdraw_uncovered(session: WriteSession, actor: Actor, item: Evidence) -> None:
    """After an item was rejected, withdraw each outcome that names it, or whose days are no longer covered.

    Other accepted evidence may cover the days of an outcome that names the item. A person then records it again.
    """
    spell = queries.spell_of(session, item)
    rule_texts = outcome_rules.all_versions(session)
    for outcome in resting_on(session, spell):
        rests = [
            rules.Stretch(spell_id, date.fromisoformat(first_on), date.fromisoformat(last_on))
            for spell_id, first_on, last_on in outcome.rests_on
        ]
        evidence = queries.accepted_evidence(session, outcome.partner_id, outcome.spell_ids)
        text = rule_texts.get(f"{outcome.rule}@{outcome.rule_version}")
        is_named = str(item.id) in outcome.evidence_ids
        if is_named or not evidence or rules.uncovered(rests, _covers(evidence, text.evidence_tier if text else None)):
            withdraw_outcome(session, actor, outcome, "Evidence for this outcome was rejected.")


def resting_on(session: Session, spell: Spell) -> list[Outcome]:
    """Return the current outcomes that are based on a spell."""
    current = session.scalars(
        select(Outcome).where(
            Outcome.partner_id == spell.partner_id,
            Outcome.enrolment_id == spell.enrolment_id,
            as_known(Outcome),
        )
    )
    return [outcome for outcome in current if str(spell.id) in outcome.spell_ids]
