"""Every query on spells, evidence and outcomes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from pathways.base import Actor
from pathways.database import Session
from pathways.enrolments.models import Enrolment
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.introductions.models import Introduction
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.organisations.models import Organisation
from pathways.progression.models import (
    Evidence,
    EvidenceCheck,
    EvidenceDocument,
    Outcome,
    Spell,
    SpellHours,
    SpellState,
    SpellVersion,
)
from pathways.progression.rules import Basis, HoursTest, OutcomeRule, RateDate, SpellFacts
from pathways.reference import outcome_rules, tables
from pathways.reference.outcome_rules import RuleText
from pathways.referrals.models import ProgressStage, ReachedStage


def visible_to(actor: Actor) -> Select[Spell]:
    return select(Spell).where(
        Spell.partner_id == actor.organisation_id,
        jobseeker_queries.is_visible(actor, Spell.jobseeker_id),
    )


def spell(session: Session, actor: Actor, spell_id: UUID, *, for_update: bool = False) -> Spell:
    rows = visible_to(actor).where(Spell.id == spell_id)
    row = jobseeker_queries.held(session, rows) if for_update else session.scalars(rows).one_or_none()
    if row is None:
        raise NotFound("There is no such spell of work, or you may not see it.")
    return row


def version(session: Session, spell: Spell) -> SpellVersion:
    return session.scalars(
        select(SpellVersion).where(
            SpellVersion.partner_id == spell.partner_id, SpellVersion.spell_id == spell.id, as_known(SpellVersion)
        )
    ).one()


def last_versions(session: Session, spells: Iterable[Spell]) -> dict[UUID, SpellVersion]:
    """Return, by spell id, the last version of each spell. The last version of a voided spell is its withdrawal."""
    rows = session.scalars(
        select(SpellVersion).where(_of(SpellVersion, spells)).order_by(SpellVersion.recorded_at, SpellVersion.id)
    )
    return {row.spell_id: row for row in rows}


def hours(session: Session, spell: Spell) -> list[SpellHours]:
    return list(
        session.scalars(
            select(SpellHours).where(_of(SpellHours, [spell]), as_known(SpellHours)).order_by(SpellHours.valid_on)
        )
    )


def week(session: Session, spell: Spell, week_from: date) -> SpellHours | None:
    """Return the current hours of one week of a spell, if any are recorded."""
    rows = select(SpellHours).where(_of(SpellHours, [spell]), as_known(SpellHours), SpellHours.valid_on == week_from)
    return session.scalars(rows).one_or_none()


def weeks_worked_around(session: Session, spell: Spell, week_from: date) -> list[tuple[date, Decimal]]:
    """Return the first day and the hours of each week near ``week_from`` in all spells of the person of a spell.

    Leaves out that week of the spell itself, weeks with leave, and voided spells.
    """
    near = timedelta(weeks=4)
    rows = (
        select(SpellHours.valid_on, SpellHours.hours)
        .join(Spell, and_(Spell.partner_id == SpellHours.partner_id, Spell.id == SpellHours.spell_id))
        .where(
            SpellHours.partner_id == spell.partner_id,
            SpellHours.jobseeker_id == spell.jobseeker_id,
            SpellHours.valid_on.between(week_from - near, week_from + near),
            SpellHours.leave.is_(None),
            SpellHours.hours > 0,
            or_(SpellHours.spell_id != spell.id, SpellHours.valid_on != week_from),
            Spell.state != SpellState.VOIDED,
            as_known(SpellHours),
        )
    )
    return [(row.valid_on, row.hours) for row in session.execute(rows)]


def weeks_of(session: Session, spells: Iterable[Spell]) -> dict[UUID, list[Any]]:
    """Return, by spell id, the current weeks of each spell with their paid hours, pay (pence) and leave."""
    rows = session.execute(
        select(
            *(SpellHours.spell_id, SpellHours.valid_on, SpellHours.hours, SpellHours.pay_pence, SpellHours.leave),
            SpellHours.reason,
        )
        .where(_of(SpellHours, spells), as_known(SpellHours))
        .order_by(SpellHours.valid_on)
    )
    weeks: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        weeks[row.spell_id].append(row)
    return weeks


def _of(model: type[SpellVersion] | type[SpellHours], spells: Iterable[Spell]) -> ColumnElement[bool]:
    wanted = list(spells)
    return and_(
        model.partner_id.in_({spell.partner_id for spell in wanted}), model.spell_id.in_([spell.id for spell in wanted])
    )


def evidence_visible_to(actor: Actor) -> Select[Evidence]:
    return select(Evidence).where(
        Evidence.partner_id == actor.organisation_id,
        jobseeker_queries.is_visible(actor, Evidence.jobseeker_id),
        as_known(Evidence),
    )


def evidence(session: Session, actor: Actor, evidence_id: UUID) -> Evidence:
    row = session.scalars(evidence_visible_to(actor).where(Evidence.id == evidence_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such evidence, or you may not see it.")
    return row


def spell_of(session: Session, item: Evidence) -> Spell:
    return session.scalars(select(Spell).where(Spell.partner_id == item.partner_id, Spell.id == item.spell_id)).one()


def works_at_same_placement(session: Session, spell: Spell) -> bool:
    """Return whether another running spell has the same introduction, for example after a contract was renewed."""
    rows = select(Spell.id).where(
        Spell.partner_id == spell.partner_id,
        Spell.introduction_id == spell.introduction_id,
        Spell.id != spell.id,
        Spell.state == SpellState.RUNNING,
    )
    return session.scalars(rows.limit(1)).first() is not None


def spells_of_introduction(session: Session, introduction: Introduction) -> list[Spell]:
    """Return the spells that an introduction led to, the newest first, without voided spells."""
    rows = select(Spell).where(
        Spell.partner_id == introduction.partner_id,
        Spell.introduction_id == introduction.id,
        Spell.state != SpellState.VOIDED,
    )
    return list(session.scalars(rows.order_by(Spell.id.desc())))


def has_evidence(session: Session, spell: Spell) -> bool:
    rows = select(Evidence.id).where(
        Evidence.partner_id == spell.partner_id, Evidence.spell_id == spell.id, as_known(Evidence)
    )
    return session.scalars(rows.limit(1)).first() is not None


def spells_of(session: Session, person: Jobseeker) -> list[Spell]:
    """Return the spells of a jobseeker, without voided spells."""
    rows = select(Spell).where(
        Spell.partner_id == person.partner_id, Spell.jobseeker_id == person.id, Spell.state != SpellState.VOIDED
    )
    return list(session.scalars(rows.order_by(Spell.id)))


def stages(session: Session, partner_id: UUID, jobseeker_ids: Sequence[UUID]) -> Iterator[ReachedStage]:
    """Yield the spells of work of people, without voided spells."""
    workplace = func.coalesce(SpellVersion.employer, Organisation.name)
    rows = (
        select(
            *(SpellVersion.jobseeker_id, SpellVersion.started_on, Spell.made_at, SpellVersion.ended_on, workplace),
            SpellVersion.kind,
        )
        .join(Spell, and_(Spell.partner_id == SpellVersion.partner_id, Spell.id == SpellVersion.spell_id))
        .join(Introduction, Introduction.id == Spell.introduction_id, isouter=True)
        .join(Organisation, Organisation.id == Introduction.social_enterprise_id, isouter=True)
        .where(
            SpellVersion.partner_id == partner_id,
            SpellVersion.jobseeker_id.in_(jobseeker_ids),
            as_known(SpellVersion),
            Spell.state != SpellState.VOIDED,
        )
    )
    for jobseeker_id, started_on, made_at, ended_on, name, kind in session.execute(rows):
        is_job = tables.in_force("job_kinds", started_on, kind=kind.value)["counts_as_job"] == "yes"
        yield ReachedStage(jobseeker_id, ProgressStage.STARTED_WORK, started_on, made_at, ended_on, name, is_job)


def outcomes_of_person(session: Session, person: Jobseeker) -> list[Outcome]:
    rows = select(Outcome).where(
        Outcome.partner_id == person.partner_id, Outcome.jobseeker_id == person.id, as_known(Outcome)
    )
    return list(session.scalars(rows.order_by(Outcome.id)))


def document_of(session: Session, item: Evidence) -> EvidenceDocument | None:
    return documents_of(session, [item]).get(item.id)


def documents_of(session: Session, items: Iterable[Evidence]) -> dict[UUID, EvidenceDocument]:
    wanted = list(items)
    rows = session.scalars(
        select(EvidenceDocument).where(
            EvidenceDocument.partner_id.in_({item.partner_id for item in wanted}),
            EvidenceDocument.evidence_id.in_([item.id for item in wanted]),
            as_known(EvidenceDocument),
        )
    )
    return {row.evidence_id: row for row in rows}


def hashes_of(session: Session, items: Iterable[Evidence]) -> list[str]:
    """Return the sorted SHA-256 hashes of the items' documents, whether stored here or elsewhere."""
    wanted = list(items)
    stored = documents_of(session, wanted)
    hashes = {item.document_hash for item in wanted} | {row.sha256 for row in stored.values()}
    return sorted(digest for digest in hashes if digest)


def document_keys(session: Session, jobseeker_id: UUID) -> list[str]:
    """Return the storage key of every document about a jobseeker, including superseded documents."""
    return list(session.scalars(select(EvidenceDocument.key).where(EvidenceDocument.jobseeker_id == jobseeker_id)))


def check_of(session: Session, item: Evidence) -> EvidenceCheck | None:
    return checks_of(session, [item]).get(item.id)


def checks_of(session: Session, items: Iterable[Evidence]) -> dict[UUID, EvidenceCheck]:
    wanted = list(items)
    rows = session.scalars(
        select(EvidenceCheck).where(
            EvidenceCheck.partner_id.in_({item.partner_id for item in wanted}),
            EvidenceCheck.evidence_id.in_([item.id for item in wanted]),
            as_known(EvidenceCheck),
        )
    )
    return {row.evidence_id: row for row in rows}


def outcomes_visible_to(actor: Actor) -> Select[Outcome]:
    return select(Outcome).where(
        Outcome.partner_id == actor.organisation_id,
        jobseeker_queries.is_visible(actor, Outcome.jobseeker_id),
        as_known(Outcome),
    )


def outcome(session: Session, actor: Actor, outcome_id: UUID) -> Outcome:
    row = session.scalars(outcomes_visible_to(actor).where(Outcome.id == outcome_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such outcome, or you may not see it.")
    return row


def spell_facts(session: Session, enrolment: Enrolment) -> list[SpellFacts]:
    """Return the spells of an enrolment in the form that the outcome engine reads. Voided spells are left out."""
    versions = session.scalars(
        select(SpellVersion)
        .join(Spell, Spell.id == SpellVersion.spell_id)
        .where(
            SpellVersion.partner_id == enrolment.partner_id,
            SpellVersion.enrolment_id == enrolment.id,
            Spell.state != SpellState.VOIDED,
            as_known(SpellVersion),
        )
    ).all()
    weeks: dict[UUID, list[Any]] = defaultdict(list)
    recorded = session.execute(
        select(
            SpellHours.spell_id, SpellHours.valid_on, SpellHours.hours, SpellHours.pay_pence, SpellHours.leave
        ).where(
            SpellHours.partner_id == enrolment.partner_id,
            SpellHours.spell_id.in_([v.spell_id for v in versions]),
            as_known(SpellHours),
        )
    )
    for row in recorded:
        weeks[row.spell_id].append(row)
    return [_facts(version, weeks.get(version.spell_id, [])) for version in versions]


def _facts(version: SpellVersion, weeks: Iterable[Any]) -> SpellFacts:
    return SpellFacts(
        str(version.spell_id),
        version.kind.value,
        version.started_on,
        version.ended_on,
        {week.valid_on: Decimal(week.hours) for week in weeks},
        {week.valid_on: Decimal(week.pay_pence) / 100 for week in weeks if week.pay_pence is not None},
        frozenset(week.valid_on for week in weeks if week.leave is not None),
        version.is_own_supply_chain,
    )


def on_rejected_evidence(session: Session, outcomes: Collection[Outcome]) -> set[UUID]:
    """Return the ids of those outcomes that name an item of evidence whose current check is a rejection."""
    if not outcomes:
        return set()
    rows = select(EvidenceCheck.evidence_id).where(
        EvidenceCheck.partner_id.in_({outcome.partner_id for outcome in outcomes}),
        EvidenceCheck.jobseeker_id.in_({outcome.jobseeker_id for outcome in outcomes}),
        as_known(EvidenceCheck),
        ~EvidenceCheck.is_accepted,
    )
    rejected = {str(evidence_id) for evidence_id in session.scalars(rows)}
    return {outcome.id for outcome in outcomes if rejected & set(outcome.evidence_ids)}


def uploaders_of(session: Session, item: Evidence) -> set[UUID]:
    """Return the ids of the users who ever uploaded a document of an item; replaced documents count too."""
    rows = select(EvidenceDocument.by).where(
        EvidenceDocument.partner_id == item.partner_id, EvidenceDocument.evidence_id == item.id
    )
    return set(session.scalars(rows))


def accepted_evidence(
    session: Session, partner_id: UUID, spell_ids: Iterable[str], *, not_checked_by: Iterable[UUID] = ()
) -> list[Evidence]:
    """Return the accepted, current evidence of these spells, without items that a user of ``not_checked_by`` checked.

    A check that was superseded counts as a check too.
    """
    ever, users = aliased(EvidenceCheck), list(not_checked_by)
    own = select(ever.id).where(
        ever.partner_id == Evidence.partner_id, ever.evidence_id == Evidence.id, ever.by.in_(users)
    )
    return list(
        session.scalars(
            select(Evidence)
            .join(
                EvidenceCheck,
                and_(
                    EvidenceCheck.partner_id == Evidence.partner_id,
                    EvidenceCheck.evidence_id == Evidence.id,
                    as_known(EvidenceCheck),
                ),
            )
            .where(
                Evidence.partner_id == partner_id,
                Evidence.spell_id.in_([UUID(spell_id) for spell_id in spell_ids]),
                as_known(Evidence),
                EvidenceCheck.is_accepted,
                *([~own.exists()] if users else []),
            )
            .order_by(Evidence.id)
        )
    )


def first_day_of_work(session: Session, enrolment: Enrolment) -> date | None:
    """Return the first day of the enrolment's earliest spell that was not voided, or None without a spell."""
    return session.scalars(
        select(func.min(SpellVersion.started_on))
        .join(Spell, and_(Spell.partner_id == SpellVersion.partner_id, Spell.id == SpellVersion.spell_id))
        .where(
            Spell.partner_id == enrolment.partner_id,
            Spell.enrolment_id == enrolment.id,
            Spell.state != SpellState.VOIDED,
            as_known(SpellVersion),
        )
    ).one()


def outcomes_of(session: Session, enrolment: Enrolment) -> list[Outcome]:
    """Return the current outcomes of an enrolment."""
    return list(
        session.scalars(
            select(Outcome).where(
                Outcome.partner_id == enrolment.partner_id, Outcome.enrolment_id == enrolment.id, as_known(Outcome)
            )
        )
    )


def kinds_that_count(on: date) -> frozenset[str]:
    """Return the kinds of placement that count as a job on a day, from the dated ``job_kinds`` table."""
    kinds = {row["kind"] for row in tables.rows("job_kinds")}
    return frozenset(kind for kind in kinds if tables.in_force("job_kinds", on, kind=kind)["counts_as_job"] == "yes")


def rules_named(session: Session, names: Iterable[str], on: date) -> dict[str, OutcomeRule | None]:
    """Return rules by ``NAME@VERSION``: None for a rule that is unknown, or switched off because it is unverified."""
    versions = outcome_rules.all_versions(session)
    texts = {name: versions.get(name) for name in names}
    return {name: as_rule(text, on) if text and text.is_enabled else None for name, text in texts.items()}


def rule_text(session: Session, names: Iterable[str], rule: str, on: date) -> RuleText | None:
    """Return a rule's newest version that is in ``names``, is switched on and is in force on a day, or None."""
    versions = outcome_rules.all_versions(session)
    texts = [versions[name] for name in names if name in versions and versions[name].rule == rule]
    in_force = [t for t in texts if t.is_enabled and t.effective_from <= on <= (t.effective_to or date.max)]
    return max(in_force, key=lambda text: text.effective_from, default=None)


def as_rule(text: RuleText, on: date) -> OutcomeRule:
    """Return a rule in the form that the outcome engine reads, with the kinds of placement that count on a day."""
    return OutcomeRule(
        name=text.rule,
        version=text.version,
        min_hours=text.min_hours,
        weeks_required=text.weeks_required,
        window_weeks=text.window_weeks,
        spells_combined=text.spells_combined,
        kinds_that_count=kinds_that_count(on),
        basis=Basis(text.basis),
        hours_test=HoursTest(text.hours_test),
        longest_gap_days=text.longest_gap_days,
        leave_counts=text.leave_counts,
        rates=outcome_rules.rates(text.pay_rate),
        rate_date=RateDate(text.rate_date),
        rule_date=text.effective_from,
        self_employed_days=text.self_employed_days,
        tracking_days=text.tracking_days,
        own_supply_chain_counts=text.own_supply_chain_counts,
    )
