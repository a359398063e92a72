"""Every change to spells, evidence and outcomes. Whoever claims may not check."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified
from uuid_utils.compat import uuid7

from pathways import documents
from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.enrolments import queries as enrolment_queries
from pathways.enrolments.models import Enrolment
from pathways.errors import Conflict, NotFound, NotPermitted, RuleBroken
from pathways.facts import as_known
from pathways.introductions import actions as introduction_actions
from pathways.introductions.models import Introduction, IntroductionState
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.placements.schemas import pence, pounds
from pathways.programmes.models import Programme
from pathways.progression import queries, rules
from pathways.progression.models import (
    TIER_OF,
    Evidence,
    EvidenceCheck,
    EvidenceDocument,
    EvidenceState,
    Outcome,
    OutcomeClaimed,
    Spell,
    SpellHours,
    SpellState,
    SpellVersion,
)
from pathways.progression.schemas import (
    EvidenceOut,
    EvidenceVerdict,
    HoursLine,
    NewEvidence,
    NewHours,
    NewOutcome,
    NewSpell,
    OutcomesExplained,
    RuleFinding,
    SpellChange,
    SpellEnding,
    SpellOut,
    UncoveredDays,
)
from pathways.reference import outcome_rules, tables

DAYS_IN_A_WEEK = 7
RECORD_VOID = "The record was made by mistake."


class SpellIsOver(Conflict):
    title = "This spell of work has ended"


class OwnEvidence(NotPermitted):
    title = "Whoever records evidence may not check it"


class RuleNotMet(Conflict):
    title = "The rule is not met by what is recorded"


class OutcomeRestsOnIt(Conflict):
    title = "An outcome rests on this spell"


class OutcomeRecordedAlready(Conflict):
    title = "This outcome is recorded already"


def start(session: WriteSession, actor: Actor, new: NewSpell) -> Spell:
    """Record that work began."""
    enrolment = enrolment_queries.enrolment(session, actor, new.enrolment_id)
    if new.started_on > actor.today:
        raise RuleBroken("A spell is recorded when it has begun; this day has not come.", pointer="/started_on")
    jobseeker_actions.must_not_be_void(session.get_one(Jobseeker, enrolment.jobseeker_id))
    if new.started_on < enrolment.started_on:
        raise RuleBroken("Work before the enrolment is not counted here.", pointer="/started_on")
    if new.planned_end_on is not None and new.planned_end_on < new.started_on:
        raise RuleBroken("It cannot be meant to end before it starts.", pointer="/planned_end_on")
    if new.introduction_id is not None:
        _check_introduction(session, enrolment, new)
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
    session.flush()  # its versions point to it
    columns = {
        "kind": new.kind,
        "title": new.title,
        "employer": new.employer,
        "started_on": new.started_on,
        "ended_on": None,
        "end_reason": None,
        "planned_end_on": new.planned_end_on,
        "came_after": None,
        "pay_per_hour_pence": pence(new.pay_per_hour_pounds),
        "is_own_supply_chain": new.is_own_supply_chain,
    }
    _add_version(session, actor, spell, columns, None)
    return spell


def _check_introduction(session: Session, enrolment: Enrolment, new: NewSpell) -> None:
    introduction = session.scalars(
        select(Introduction).where(
            Introduction.partner_id == enrolment.partner_id,
            Introduction.jobseeker_id == enrolment.jobseeker_id,
            Introduction.id == new.introduction_id,
        )
    ).one_or_none()
    if introduction is None or introduction.state not in {IntroductionState.STARTED, IntroductionState.ENDED}:
        raise RuleBroken("Name an introduction of this jobseeker that has started.", pointer="/introduction_id")


VERSION_COLUMNS = (
    *("kind", "title", "employer", "started_on", "ended_on", "end_reason", "pay_per_hour_pence"),
    *("planned_end_on", "came_after", "is_own_supply_chain"),
)


def _add_version(
    session: WriteSession, actor: Actor, spell: Spell, columns: Mapping[str, Any], previous: SpellVersion | None
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
            **columns,
        )
    )
    flag_modified(spell, "state")  # what is known of it is a row of its own, but part of this version
    session.flush()  # so that the reply carries the new version


def correct(session: WriteSession, actor: Actor, spell: Spell, change: SpellChange) -> Spell:
    _hold(session, spell)
    previous = queries.version(session, spell)
    columns = {name: getattr(previous, name) for name in VERSION_COLUMNS}
    given = change.model_dump(exclude_unset=True)
    if "pay_per_hour_pounds" in given:
        given["pay_per_hour_pence"] = pence(given.pop("pay_per_hour_pounds"))
    for name in ("kind", "title", "started_on", "is_own_supply_chain"):
        if name in given and given[name] is None:
            raise RuleBroken(f"{name} cannot be emptied.", pointer=f"/{name}")
    columns |= given
    _check_days(session, actor, spell, columns)
    if any(columns[name] != getattr(previous, name) for name in ("kind", "started_on", "is_own_supply_chain")):
        _must_carry_no_outcome(session, spell)
    if columns["started_on"] != previous.started_on and queries.hours(session, spell):
        raise RuleBroken(
            "Hours are recorded by weeks from the old first day. Void this spell and record it again.",
            pointer="/started_on",
        )
    _add_version(session, actor, spell, columns, previous)
    return spell


def _check_days(session: Session, actor: Actor, spell: Spell, columns: Mapping[str, Any]) -> None:
    started_on = columns["started_on"]
    if started_on > actor.today:
        raise RuleBroken("This day has not come.", pointer="/started_on")
    if started_on < session.get_one(Enrolment, spell.enrolment_id).started_on:
        raise RuleBroken("Work before the enrolment is not counted here.", pointer="/started_on")
    if columns["came_after"] is not None and columns["ended_on"] is None:
        raise RuleBroken("It has not ended.", pointer="/came_after")
    if columns["planned_end_on"] is not None and columns["planned_end_on"] < started_on:
        raise RuleBroken("It cannot be meant to end before it starts.", pointer="/planned_end_on")
    if columns["ended_on"] is not None and columns["ended_on"] < started_on:
        raise RuleBroken("It cannot start after it ended.", pointer="/started_on")


def _hold(session: WriteSession, spell: Spell) -> None:
    """Hold the enrolment: whoever records an outcome holds it too, so that neither misses what the other writes."""
    session.get_one(Enrolment, spell.enrolment_id, with_for_update=True, populate_existing=True)


def end(session: WriteSession, actor: Actor, spell: Spell, ending: SpellEnding) -> Spell:
    _hold(session, spell)
    if spell.state is not SpellState.RUNNING:
        raise SpellIsOver(f"It is {spell.state} already.")
    previous = queries.version(session, spell)
    if ending.ended_on < previous.started_on:
        raise RuleBroken("It cannot end before it started.", pointer="/ended_on")
    if ending.ended_on > actor.today:
        raise RuleBroken("An end is recorded when it has come; this day has not.", pointer="/ended_on")
    if any(outcome.valid_on > ending.ended_on for outcome in _resting_on(session, spell)):
        raise OutcomeRestsOnIt("An outcome rests on work after this day. Withdraw it first, then record it again.")
    columns = {name: getattr(previous, name) for name in VERSION_COLUMNS}
    spell.state = SpellState.ENDED
    _add_version(
        session,
        actor,
        spell,
        columns | {"ended_on": ending.ended_on, "end_reason": ending.end_reason, "came_after": ending.came_after},
        previous,
    )
    if spell.introduction_id is not None and not queries.works_there(session, spell):
        introduction_actions.vacate(session, actor, spell.introduction_id)
    return spell


def void(session: WriteSession, actor: Actor, spell: Spell, reason: str) -> Spell:
    """Take back a spell that was recorded by mistake."""
    _hold(session, spell)
    if spell.state is SpellState.VOIDED:
        raise SpellIsOver("It has been voided already.")
    _must_carry_no_outcome(session, spell)
    session.add(queries.version(session, spell).withdrawn(actor, reason))
    spell.state = SpellState.VOIDED
    session.flush()  # so that the reply carries the new version
    return spell


def void_all(session: WriteSession, actor: Actor, person: Jobseeker, _: str) -> None:
    """Take back what a record that was a mistake says of work: its outcomes, so that none is paid, and its spells."""
    for outcome in queries.outcomes_of_person(session, person):
        withdraw_outcome(session, actor, outcome, RECORD_VOID)
    for spell in queries.spells_of(session, person):
        session.refresh(spell, with_for_update=True)
        void(session, actor, spell, RECORD_VOID)


def _must_carry_no_outcome(session: Session, spell: Spell) -> None:
    """What an outcome rests on is not taken from under it."""
    if _resting_on(session, spell):
        raise OutcomeRestsOnIt("Withdraw the outcome first, then correct the spell and record the outcome again.")


def _resting_on(session: Session, spell: Spell) -> list[Outcome]:
    standing = session.scalars(
        select(Outcome).where(
            Outcome.partner_id == spell.partner_id,
            Outcome.enrolment_id == spell.enrolment_id,
            as_known(Outcome),
        )
    )
    return [outcome for outcome in standing if str(spell.id) in outcome.spell_ids]


def record_hours(session: WriteSession, actor: Actor, spell: Spell, new: NewHours) -> SpellHours:
    """Record the paid hours of one week; recording the same week again supersedes it, and what is left out stays."""
    _hold(session, spell)
    if spell.state is SpellState.VOIDED:
        raise SpellIsOver("A voided spell has no hours.")
    version = queries.version(session, spell)
    offset = (new.week_from - version.started_on).days
    if offset < 0 or offset % DAYS_IN_A_WEEK:
        nearest = version.started_on + timedelta(days=max(0, offset - offset % DAYS_IN_A_WEEK))
        raise RuleBroken(
            f"Weeks of this spell begin on the weekday it began on: {nearest.isoformat()} is one.", pointer="/week_from"
        )
    if new.week_from > actor.today or (version.ended_on is not None and new.week_from > version.ended_on):
        raise RuleBroken("This week lies outside the spell.", pointer="/week_from")
    previous = next((h for h in queries.hours(session, spell) if h.valid_on == new.week_from), None)
    pay, leave = pence(new.pay_pounds), new.leave
    if previous is not None:
        pay = pay if "pay_pounds" in new.model_fields_set else previous.pay_pence
        leave = leave if "leave" in new.model_fields_set else previous.leave
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
        hours=new.hours,
        pay_pence=pay,
        leave=leave,
    )
    session.add(hours)
    flag_modified(spell, "state")  # the hours are rows of their own, but part of this version
    session.flush()  # so that the reply carries the new version
    return hours


def add_evidence(session: WriteSession, actor: Actor, new: NewEvidence) -> Evidence:
    spell = queries.spell(session, actor, new.spell_id)
    if new.covers_to < new.covers_from:
        raise RuleBroken("It cannot cover an end before its start.", pointer="/covers_to")
    if new.received_on > actor.today:
        raise RuleBroken("This day has not come.", pointer="/received_on")
    item = Evidence.recorded(
        actor,
        new.received_on,
        partner_id=spell.partner_id,
        jobseeker_id=spell.jobseeker_id,
        spell_id=spell.id,
        kind=new.kind,
        tier=TIER_OF.get(new.kind, "B"),
        covers_from=new.covers_from,
        covers_to=new.covers_to,
        obtained_how=new.obtained_how,
        document_hash=new.document_hash,
    )
    session.add(item)
    session.flush()  # its id is needed by the reply
    return item


def keep_document(
    session: WriteSession, actor: Actor, item: Evidence, content: bytes, *, most_bytes: int, scan: Sequence[str]
) -> EvidenceDocument:
    """Keep the document of an item, sealed; refuse what is too large, of another kind, infected, or another document.

    It is kept before the row that names it is: where the row is not written, nobody can read it.
    """
    if len(content) > most_bytes:
        raise RuleBroken(f"A document has at most {most_bytes:,} bytes. Scan it smaller.", pointer="/file")
    kind = documents.type_of(content)
    if kind is None:
        raise RuleBroken("A document is a PDF, PNG or JPEG file.", pointer="/file")
    hashed = hashlib.sha256(content).hexdigest()
    if item.document_hash is not None and item.document_hash != hashed:
        raise RuleBroken("This is another document than the one whose hash is recorded.", pointer="/file")
    if scan and documents.is_infected(content, scan):
        raise RuleBroken("The scanner found something harmful in it. It is not kept.", pointer="/file")
    _hold(session, queries.spell_of(session, item))
    if queries.check_of(session, item) is not None:
        raise Conflict("The evidence was checked already. Record another item, with its document.")
    before = queries.document_of(session, item)
    key = f"evidence/{uuid7().hex}"
    session.documents.put(key, session.vault.seal_bytes(content, place=key))
    document = EvidenceDocument.recorded(
        actor,
        partner_id=item.partner_id,
        jobseeker_id=item.jobseeker_id,
        evidence_id=item.id,
        supersedes=before.id if before is not None else None,
        key=key,
        sha256=hashed,
        content_type=kind,
        size_bytes=len(content),
    )
    session.add(document)
    session.flush()  # two who upload at once meet here
    return document


def document(session: Session, item: Evidence) -> tuple[bytes, str]:
    """Return the document of an item and what it is; what was changed where it is kept does not open."""
    found = queries.document_of(session, item)
    if found is None:
        raise NotFound("No document is kept of this evidence.")
    sealed = session.documents.get(found.key)
    try:
        return session.vault.open_bytes(sealed, place=found.key), found.content_type
    except ValueError as changed:
        raise documents.StoreAway("It was changed where it is kept, so it is not shown. Ask for it again.") from changed


def forget_documents(session: WriteSession, jobseeker_id: UUID) -> None:
    """Erase the documents themselves, once the rows that name them are gone for good."""
    session.info.setdefault("forget", []).extend(queries.document_keys(session, jobseeker_id))


def check_evidence(session: WriteSession, actor: Actor, item: Evidence, verdict: EvidenceVerdict) -> Evidence:
    """Accept or reject an item that somebody else recorded; a later verdict supersedes.

    An outcome that is not covered without a rejected item is taken back with it.
    """
    if item.by == actor.user_id:
        raise OwnEvidence("Ask a colleague to check it.")
    _hold(session, queries.spell_of(session, item))
    previous = queries.check_of(session, item)
    session.add(
        EvidenceCheck.recorded(
            actor,
            partner_id=item.partner_id,
            jobseeker_id=item.jobseeker_id,
            evidence_id=item.id,
            supersedes=previous.id if previous else None,
            is_accepted=verdict.is_accepted,
            reason=verdict.reason,
        )
    )
    session.flush()  # two who check at once meet here
    if not verdict.is_accepted:
        _look_at_outcomes_again(session, actor, item)
    return item


def explain(session: Session, actor: Actor, person: Jobseeker) -> OutcomesExplained:
    """Explain each rule of the latest enrolment: met, not met, or not yet known."""
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
    known = outcome_rules.known(session)
    versions = session.get_one(Programme, enrolment.programme_id).rule_versions
    for named, rule in queries.rules_named(session, versions, actor.today).items():
        if rule is None:
            name, version = named.split("@")
            findings.append(_disabled(name, version))
            continue
        verdict = rules.judge(spells, rule, actor.today, began_on=enrolment.started_on)
        evidence = queries.accepted_evidence(session, enrolment.partner_id, verdict.spell_ids)
        missing = rules.uncovered(verdict.rests_on, _covers(evidence, known[named].evidence_tier))
        findings.append(
            RuleFinding(
                rule=rule.name,
                rule_version=rule.version,
                finding=verdict.finding.value,
                text=verdict.text,
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
                without_evidence=[UncoveredDays(**asdict(one)) for one in missing],
                outcome_id=recorded.get(rule.name),
            ).shown(jobseeker_queries.visible_groups(actor, person))
        )
    least = tables.limit("job_start_paid_hours", actor.today)
    started = rules.job_started_on(spells, queries.kinds_that_count(actor.today), least)
    return OutcomesExplained(enrolment_id=enrolment.id, job_started_on=started, rules=findings)


def _disabled(name: str, version: str) -> RuleFinding:
    return RuleFinding(
        rule=name,
        rule_version=version,
        finding=rules.Finding.NOT_YET_KNOWN.value,
        text="The figures of this rule are not verified, so it is switched off.",
        met_on=None,
        earliest_on=None,
        weeks_counted=0,
        weeks_unknown=0,
        not_counted=[],
        outcome_id=None,
    )


def record_outcome(session: WriteSession, actor: Actor, new: NewOutcome) -> Outcome:
    """Record that a rule is met, once per rule and enrolment.

    The version of the rule is the one in force when the enrolment began. Each day it rests on must be covered by
    evidence of the tier the rule asks for, accepted by somebody other than whoever records it.
    """
    enrolment = enrolment_queries.enrolment(session, actor, new.enrolment_id, for_update=True)
    jobseeker_actions.must_not_be_void(session.get_one(Jobseeker, enrolment.jobseeker_id))
    programme = session.get_one(Programme, enrolment.programme_id)
    text = queries.rule_text(session, programme.rule_versions, new.rule, enrolment.started_on)
    if text is None:
        raise RuleBroken(
            "The programme is not paid by this rule, the rule is switched off, or it was not in force when the"
            " enrolment began.",
            pointer="/rule",
        )
    if any(outcome.rule == text.rule for outcome in queries.outcomes_of(session, enrolment)):
        raise OutcomeRecordedAlready("One outcome is recorded for each rule and enrolment.")
    rule = queries.as_rule(text, actor.today)
    verdict = rules.judge(queries.spell_facts(session, enrolment), rule, actor.today, began_on=enrolment.started_on)
    if verdict.finding is not rules.Finding.MET or verdict.met_on is None:
        raise RuleNotMet(verdict.text, finding=verdict.finding.value)
    evidence = queries.accepted_evidence(session, enrolment.partner_id, verdict.spell_ids, not_checked_by=actor.user_id)
    missing = rules.uncovered(verdict.rests_on, _covers(evidence, text.evidence_tier))
    if missing:
        raise RuleNotMet(
            "It is met, but not every day it rests on is covered by evidence that somebody else has accepted. Missing: "
            + "; ".join(f"{m.first_on.isoformat()} to {m.last_on.isoformat()}" for m in missing[:5])
            + "."
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
    session.flush()  # the lock points to it
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
    session.flush()  # two who record the same outcome meet here
    return outcome


def _covers(evidence: Iterable[Evidence], least_tier: str | None) -> list[rules.Stretch]:
    """Return the days that items of at least a tier cover; A is the best."""
    good = (item for item in evidence if least_tier is None or item.tier <= least_tier)
    return [rules.Stretch(str(item.spell_id), item.covers_from, item.covers_to) for item in good]


def _resting(evidence: Iterable[Evidence], rests: Iterable[rules.Stretch], least_tier: str | None) -> list[Evidence]:
    """Return the items that cover any day of what a finding rests on."""
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


def _figures(verdict: rules.Verdict) -> dict[str, Any]:
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
    """Take back an outcome; the rule may be recorded again when it is truly met."""
    held = session.scalars(select(OutcomeClaimed).where(OutcomeClaimed.outcome_id == outcome.id)).one_or_none()
    if held is not None:
        session.delete(held)
    withdrawal = outcome.withdrawn(actor, reason)
    session.add(withdrawal)
    session.flush()  # two who take it back meet here
    return withdrawal


def _look_at_outcomes_again(session: WriteSession, actor: Actor, item: Evidence) -> None:
    """Take back each outcome whose days are no longer covered, now that an item is rejected."""
    spell = queries.spell_of(session, item)
    known = outcome_rules.known(session)
    for outcome in _resting_on(session, spell):
        rests = [rules.Stretch(one, date.fromisoformat(f), date.fromisoformat(t)) for one, f, t in outcome.rests_on]
        evidence = queries.accepted_evidence(session, outcome.partner_id, outcome.spell_ids)
        text = known.get(f"{outcome.rule}@{outcome.rule_version}")
        if not evidence or rules.uncovered(rests, _covers(evidence, text.evidence_tier if text else None)):
            withdraw_outcome(session, actor, outcome, "Evidence it rested on was rejected.")


def shown_spell(session: Session, actor: Actor, spell: Spell) -> SpellOut:
    return shown_spells(session, actor, [spell])[0]


def shown_spells(session: Session, actor: Actor, spells: Sequence[Spell]) -> list[SpellOut]:
    """Return spells as this actor may see them, with their versions and hours in one look-up for all."""
    people = jobseeker_queries.cases(session, (spell.jobseeker_id for spell in spells))
    versions, weeks = queries.last_versions(session, spells), queries.weeks_of(session, spells)
    kinds = queries.kinds_that_count(actor.today)
    shapes = []
    for spell in spells:
        version = versions[spell.id]
        visible = jobseeker_queries.visible_groups(actor, people[spell.jobseeker_id])
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
                ).shown(visible)
                for week in weeks.get(spell.id, [])
            ],
            counts_as_job=version.kind.value in kinds,
            is_own_supply_chain=version.is_own_supply_chain,
            version=spell.version,
        )
        shapes.append(answer.shown(visible))
    return shapes


def shown_evidence(session: Session, actor: Actor, item: Evidence) -> EvidenceOut:
    return shown_items(session, actor, [item])[0]


def shown_items(session: Session, actor: Actor, items: Sequence[Evidence]) -> list[EvidenceOut]:
    """Return items of evidence as this actor may see them, with how they were checked in one look-up for all."""
    people = jobseeker_queries.cases(session, (item.jobseeker_id for item in items))
    checks, kept = queries.checks_of(session, items), queries.documents_of(session, items)
    shapes = []
    for item in items:
        check = checks.get(item.id)
        state = EvidenceState.UNCHECKED
        if check is not None:
            state = EvidenceState.ACCEPTED if check.is_accepted else EvidenceState.REJECTED
        columns = {name: getattr(item, name, None) for name in EvidenceOut.model_fields}
        columns |= {
            "received_on": item.valid_on,
            "recorded_by": item.by,
            "state": state,
            "checked_by": check.by if check else None,
            "has_document": item.id in kept,
            "withheld": [],
        }
        shapes.append(EvidenceOut(**columns).shown(jobseeker_queries.visible_groups(actor, people[item.jobseeker_id])))
    return shapes
