"""Every SELECT on claims."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select, true, union_all
from sqlalchemy.orm import aliased

from pathways.base import Actor, Role
from pathways.claims.models import (
    ANSWERS,
    FUNDERS_WORD,
    OVER,
    Claim,
    ClaimDay,
    ClaimDocument,
    ClaimEvent,
    ClaimEvidence,
    ClaimMove,
    ClaimState,
    FundersAnswer,
)
from pathways.database import Session
from pathways.enrolments.models import Enrolment, EnrolmentMove
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.jobseekers import queries as jobseeker_queries
from pathways.programmes.models import ProgrammePrice
from pathways.progression import queries as progression_queries
from pathways.progression.models import (
    Evidence,
    EvidenceCheck,
    EvidenceDocument,
    Outcome,
    Spell,
    SpellHours,
    SpellVersion,
)


def visible_to(actor: Actor) -> Select[Claim]:
    """Select the claims visible to the actor.

    A partner's members see the claims of jobseekers visible to them. A commissioner sees the claims submitted to it.
    """
    if actor.role is Role.COMMISSIONER:
        sent = select(ClaimMove.id).where(
            ClaimMove.partner_id == Claim.partner_id, ClaimMove.claim_id == Claim.id, ClaimMove.event == "submit"
        )
        return select(Claim).where(Claim.commissioner_id == actor.organisation_id, sent.exists())
    return select(Claim).where(
        Claim.partner_id == actor.organisation_id, jobseeker_queries.is_visible(actor, Claim.jobseeker_id)
    )


def claim(session: Session, actor: Actor, claim_id: UUID, *, for_update: bool = False) -> Claim:
    rows = visible_to(actor).where(Claim.id == claim_id)
    row = jobseeker_queries.held(session, rows) if for_update else session.scalars(rows).one_or_none()
    if row is None:
        raise NotFound("There is no such claim, or you may not see it. Check the id.")
    if for_update:
        # Facts that a claim rests on are recorded and checked under the lock of the enrolment. With the same lock, a
        # decision on the claim sees every fact that a call at the same time records.
        session.get_one(Enrolment, row.enrolment_id, with_for_update=True, populate_existing=True)
    return row


def earlier(session: Session, outcome: Outcome) -> Claim | None:
    """Return the latest claim for the outcome's rule and enrolment, in any state; None if there is none."""
    rows = select(Claim).where(
        Claim.partner_id == outcome.partner_id,
        Claim.enrolment_id == outcome.enrolment_id,
        Claim.rule == outcome.rule,
    )
    return session.scalars(rows.order_by(Claim.attempt.desc()).limit(1)).first()


def current_outcomes(session: Session, claims: Iterable[Claim]) -> set[UUID]:
    """Return the ids of the outcomes of these claims, without those withdrawn and those recorded on rejected items."""
    ids = [claim.outcome_id for claim in claims]
    current = list(session.scalars(select(Outcome).where(Outcome.id.in_(ids), as_known(Outcome))))
    rejected = progression_queries.on_rejected_evidence(session, current)
    return {outcome.id for outcome in current} - rejected


def evidence_of(session: Session, outcome: Outcome) -> list[Evidence]:
    rows = select(Evidence).where(
        Evidence.partner_id == outcome.partner_id, Evidence.id.in_([UUID(item) for item in outcome.evidence_ids])
    )
    return list(session.scalars(rows.order_by(Evidence.id)))


def checkers_of(session: Session, claim: Claim) -> set[UUID]:
    """Return the ids of the users who ever checked the evidence for a claim; superseded checks count too."""
    return set(
        session.scalars(
            select(EvidenceCheck.by)
            .join(ClaimEvidence, ClaimEvidence.evidence_id == EvidenceCheck.evidence_id)
            .where(
                ClaimEvidence.partner_id == claim.partner_id,
                ClaimEvidence.claim_id == claim.id,
                EvidenceCheck.partner_id == claim.partner_id,
            )
        )
    )


def rested_on(session: Session, claims: Sequence[Claim], users: Iterable[UUID]) -> dict[UUID, list[str]]:
    """Return, by claim id, the facts that the claim rests on and that any of these users recorded or checked.

    Facts that were corrected or superseded later count too. The facts are named in words, in the order of the journey;
    claims for which the users recorded and checked nothing are left out.
    """
    if not claims:
        return {}
    of_claims = select(Outcome).where(Outcome.id.in_({claim.outcome_id for claim in claims}))
    outcomes = {row.id: row for row in session.scalars(of_claims)}
    items = _items_of(session, outcomes.values())
    facts = session.execute(_recorded_facts(claims, outcomes.values(), set().union(*items.values()), set(users)))
    found = {(row[0], row[1]) for row in facts}
    rested: dict[UUID, list[str]] = {}
    for claim in claims if found else ():
        outcome = outcomes[claim.outcome_id]
        keys = {claim.id, claim.enrolment_id, outcome.id}
        keys |= {UUID(key) for key in outcome.spell_ids} | items[outcome.id]
        named = [text for order, text in enumerate(FACT_TEXTS) if any((order, key) in found for key in keys)]
        if named:
            rested[claim.id] = named
    return rested


# The facts that a claim rests on, in words, in the order of ``_recorded_facts``.
FACT_TEXTS = (
    "the start of the enrolment",
    "the spell of work",
    "hours worked",
    "evidence",
    "a document of the evidence",
    "a check of the evidence",
    "the outcome",
    "the claim",
    "the price",
)


def _items_of(session: Session, outcomes: Iterable[Outcome]) -> dict[UUID, set[UUID]]:
    """Return, by outcome id, the ids of its evidence: the items named, and all that cover any of its days.

    Another item of the same days may carry the outcome in place of a named one, so it counts from its recording on.
    """
    items = {outcome.id: {UUID(item) for item in outcome.evidence_ids} for outcome in outcomes}
    spells = {UUID(spell) for outcome in outcomes for spell in outcome.spell_ids}
    partners = {outcome.partner_id for outcome in outcomes}
    rows = select(Evidence).where(Evidence.partner_id.in_(partners), Evidence.spell_id.in_(spells))
    for item in session.scalars(rows):
        first, last = item.covers_from.isoformat(), item.covers_to.isoformat()
        for outcome in outcomes:
            if any(rest[0] == str(item.spell_id) and first <= rest[2] and last >= rest[1] for rest in outcome.rests_on):
                items[outcome.id].add(item.id)
    return items


def _recorded_facts(claims: Sequence[Claim], outcomes: Iterable[Outcome], items: set[UUID], people: set[UUID]) -> Any:
    """Return the query for the facts by these users: the position in ``FACT_TEXTS`` and the id of what it is about."""
    partners, rests = {claim.partner_id for claim in claims}, list(outcomes)
    spells = {UUID(spell) for outcome in rests for spell in outcome.spell_ids}
    answers = [event.value for event in (*FUNDERS_WORD, *ANSWERS)]
    facts: tuple[tuple[Any, Any, Iterable[UUID], Any], ...] = (
        (EnrolmentMove, EnrolmentMove.enrolment_id, {c.enrolment_id for c in claims}, EnrolmentMove.event == "start"),
        (SpellVersion, SpellVersion.spell_id, spells, true()),
        (SpellHours, SpellHours.spell_id, spells, true()),
        (Evidence, Evidence.id, items, true()),
        (EvidenceDocument, EvidenceDocument.evidence_id, items, true()),
        (EvidenceCheck, EvidenceCheck.evidence_id, items, true()),
        (Outcome, Outcome.id, {outcome.id for outcome in rests}, true()),
        (ClaimMove, ClaimMove.claim_id, {c.id for c in claims}, ClaimMove.event.not_in(answers)),
    )
    parts = [
        select(literal(order), key).where(fact.partner_id.in_(partners), key.in_(keys), fact.by.in_(people), only)
        for order, (fact, key, keys, only) in enumerate(facts)
    ]
    return union_all(*parts, _recorded_prices(claims, people, len(facts)))


def _recorded_prices(claims: Sequence[Claim], people: set[UUID], order: int) -> Any:
    price = ProgrammePrice
    is_for = (price.programme_id == Claim.programme_id) & (price.rule == Claim.rule)
    return (
        select(literal(order), Claim.id)
        .join(price, is_for & (price.valid_on <= Claim.achieved_on))
        .where(Claim.id.in_([claim.id for claim in claims]), price.by.in_(people))
    )


def funders_answers(moves: Iterable[ClaimMove]) -> dict[UUID, FundersAnswer]:
    """Return the funder's latest answer to each decision that the partner recorded in its name, by the id of its move.

    ``moves`` are moves of claims, oldest first.
    """
    answers: dict[UUID, FundersAnswer] = {}
    for move in moves:
        if move.told_by_partner:
            answers[move.id] = FundersAnswer.WAITING
        elif move.answers_id is not None:
            answers[move.answers_id] = ANSWERS[ClaimEvent(move.event)]
    return answers


def contested(session: Session, claims: Sequence[Claim]) -> set[UUID]:
    """Return the ids of those claims of which the funder contests a decision that the partner recorded in its name.

    A decision on any claim to the same funder for the same jobseeker and rule counts, so also one on an earlier attempt
    or under another enrolment: claiming again ends no contest.
    """
    if not claims:
        return set()
    rows = (
        select(Claim.partner_id, Claim.jobseeker_id, Claim.commissioner_id, Claim.rule, ClaimMove)
        .join(ClaimMove, (ClaimMove.partner_id == Claim.partner_id) & (ClaimMove.claim_id == Claim.id))
        .where(
            Claim.partner_id.in_({claim.partner_id for claim in claims}),
            Claim.jobseeker_id.in_({claim.jobseeker_id for claim in claims}),
            ClaimMove.told_by_partner | ClaimMove.answers_id.is_not(None),
        )
        .order_by(ClaimMove.id)
    )
    moves: dict[tuple[UUID, UUID, UUID, str], list[ClaimMove]] = {}
    for row in session.execute(rows):
        moves.setdefault((row[0], row[1], row[2], row[3]), []).append(row[4])
    disputed = {of for of, told in moves.items() if FundersAnswer.CONTESTED in funders_answers(told).values()}
    return {c.id for c in claims if (c.partner_id, c.jobseeker_id, c.commissioner_id, c.rule) in disputed}


def decided_for_partner_by(session: Session, claims: Sequence[Claim], users: Iterable[UUID]) -> set[UUID]:
    """Return the ids of those claims on which one of these users, for the partner, told a decision of the funder.

    A decision on any claim to the same funder for the same jobseeker and rule counts, as in ``contested``.
    """
    if not claims:
        return set()
    rows = (
        select(Claim.partner_id, Claim.jobseeker_id, Claim.commissioner_id, Claim.rule)
        .join(ClaimMove, (ClaimMove.partner_id == Claim.partner_id) & (ClaimMove.claim_id == Claim.id))
        .where(
            Claim.partner_id.in_({claim.partner_id for claim in claims}),
            Claim.jobseeker_id.in_({claim.jobseeker_id for claim in claims}),
            ClaimMove.told_by_partner,
            ClaimMove.by.in_(list(users)),
        )
    )
    told = {tuple(row) for row in session.execute(rows)}
    return {c.id for c in claims if (c.partner_id, c.jobseeker_id, c.commissioner_id, c.rule) in told}


def worst_answer(answers: Iterable[FundersAnswer]) -> FundersAnswer | None:
    """Return contested if any decision is contested, else waiting if any waits, else confirmed; None without any."""
    given = set(answers)
    order = (FundersAnswer.CONTESTED, FundersAnswer.WAITING, FundersAnswer.CONFIRMED)
    return next((answer for answer in order if answer in given), None)


def waits_for_the_funder() -> Any:
    """Return the condition that the funder has not answered a decision that the partner recorded in its name."""
    told, answer = aliased(ClaimMove), aliased(ClaimMove)
    answered = select(answer.id).where(answer.partner_id == told.partner_id, answer.answers_id == told.id)
    return (
        select(told.id)
        .where(
            told.partner_id == Claim.partner_id,
            told.claim_id == Claim.id,
            told.told_by_partner,
            ~answered.exists(),
        )
        .exists()
    )


def versions_of(session: Session, outcome: Outcome) -> list[SpellVersion]:
    """Return the current versions of the spells that an outcome is based on."""
    rows = (
        select(SpellVersion)
        .join(Spell, (Spell.partner_id == SpellVersion.partner_id) & (Spell.id == SpellVersion.spell_id))
        .where(
            SpellVersion.partner_id == outcome.partner_id,
            SpellVersion.spell_id.in_([UUID(spell) for spell in outcome.spell_ids]),
            as_known(SpellVersion),
        )
    )
    return list(session.scalars(rows))


def days_taken(session: Session, outcome: Outcome, days: Iterable[date]) -> list[date]:
    """Return those of ``days`` that a claim for the same jobseeker and rule already uses, in order."""
    rows = select(ClaimDay.day).where(
        ClaimDay.partner_id == outcome.partner_id,
        ClaimDay.jobseeker_id == outcome.jobseeker_id,
        ClaimDay.rule == outcome.rule,
        ClaimDay.day.in_(list(days)),
    )
    return list(session.scalars(rows.order_by(ClaimDay.day)))


def documents_of_others(session: Session, outcome: Outcome, hashes: Iterable[str]) -> bool:
    """Return whether a claim for a different jobseeker uses any of these documents."""
    rows = select(ClaimDocument.id).where(
        ClaimDocument.partner_id == outcome.partner_id,
        ClaimDocument.document_hash.in_(list(hashes)),
        ClaimDocument.jobseeker_id != outcome.jobseeker_id,
    )
    return session.scalars(rows.limit(1)).first() is not None


def items_taken(session: Session, outcome: Outcome, ids: Iterable[UUID], hashes: Iterable[str]) -> bool:
    """Return whether a claim under the outcome's rule uses any of these evidence items or documents."""
    items = select(ClaimEvidence.id).where(
        ClaimEvidence.partner_id == outcome.partner_id,
        ClaimEvidence.rule == outcome.rule,
        ClaimEvidence.evidence_id.in_(list(ids)),
    )
    documents = select(ClaimDocument.id).where(
        ClaimDocument.partner_id == outcome.partner_id,
        ClaimDocument.rule == outcome.rule,
        ClaimDocument.document_hash.in_(list(hashes)),
    )
    return any(session.scalars(rows.limit(1)).first() is not None for rows in (items, documents))


def counts(session: Session, claims: Sequence[Claim]) -> dict[UUID, tuple[int, str | None]]:
    """Return, by claim id, the number of days the claim uses and the weakest tier of its evidence."""
    if not claims:
        return {}
    partners, ids = {claim.partner_id for claim in claims}, [claim.id for claim in claims]
    days = session.execute(
        select(ClaimDay.claim_id, func.count())
        .where(ClaimDay.partner_id.in_(partners), ClaimDay.claim_id.in_(ids))
        .group_by(ClaimDay.claim_id)
    )
    tiers = session.execute(
        select(ClaimEvidence.claim_id, func.max(Evidence.tier))
        .join(Evidence, (Evidence.partner_id == ClaimEvidence.partner_id) & (Evidence.id == ClaimEvidence.evidence_id))
        .where(ClaimEvidence.partner_id.in_(partners), ClaimEvidence.claim_id.in_(ids))
        .group_by(ClaimEvidence.claim_id)
    )
    counted, weakest = {row[0]: row[1] for row in days}, {row[0]: row[1] for row in tiers}
    return {claim.id: (counted.get(claim.id, 0), weakest.get(claim.id)) for claim in claims}


def claimed_elsewhere(session: Session, claims: Sequence[Claim]) -> dict[UUID, list[UUID]]:
    """Return, by claim id, the other programmes on which another claim uses some of the claim's days."""
    ids = [claim.id for claim in claims]
    if not ids:
        return {}
    mine, other = ClaimDay.__table__.alias("mine"), ClaimDay.__table__.alias("other")
    claim, other_claim = Claim.__table__.alias("claim"), Claim.__table__.alias("other_claim")
    rows = session.execute(
        select(mine.c.claim_id, other_claim.c.programme_id)
        .join(
            other,
            (other.c.partner_id == mine.c.partner_id)
            & (other.c.jobseeker_id == mine.c.jobseeker_id)
            & (other.c.day == mine.c.day)
            & (other.c.claim_id != mine.c.claim_id),
        )
        .join(claim, (claim.c.partner_id == mine.c.partner_id) & (claim.c.id == mine.c.claim_id))
        .join(
            other_claim,
            (other_claim.c.partner_id == other.c.partner_id) & (other_claim.c.id == other.c.claim_id),
        )
        .where(
            mine.c.partner_id.in_({row.partner_id for row in claims}),
            mine.c.claim_id.in_(ids),
            other_claim.c.programme_id != claim.c.programme_id,
        )
        .distinct()
    )
    programmes_of: dict[UUID, list[UUID]] = {}
    for row in rows:
        programmes_of.setdefault(row[0], []).append(row[1])
    return {key: sorted(programmes) for key, programmes in programmes_of.items()}


def moves_of(session: Session, claims: Sequence[Claim]) -> dict[UUID, list[ClaimMove]]:
    rows = session.scalars(
        select(ClaimMove)
        .where(
            ClaimMove.partner_id.in_({claim.partner_id for claim in claims}),
            ClaimMove.claim_id.in_([claim.id for claim in claims]),
        )
        .order_by(ClaimMove.id)
    )
    moves: dict[UUID, list[ClaimMove]] = {}
    for row in rows:
        moves.setdefault(row.claim_id, []).append(row)
    return moves


def in_states(session: Session, jobseeker: Any, states: Iterable[ClaimState]) -> list[Claim]:
    rows = select(Claim).where(
        Claim.partner_id == jobseeker.partner_id, Claim.jobseeker_id == jobseeker.id, Claim.state.in_(list(states))
    )
    return list(session.scalars(rows))


def claimed_twice(session: Session, jobseeker: Any) -> list[Claim]:
    """Return a jobseeker's claims that another claim duplicates: same programme and rule, overlapping enrolments.

    Failed and reversed claims are left out.
    """
    rows = session.execute(
        select(Claim, Enrolment.started_on, Enrolment.ended_on)
        .join(Enrolment, (Enrolment.partner_id == Claim.partner_id) & (Enrolment.id == Claim.enrolment_id))
        .where(
            Claim.partner_id == jobseeker.partner_id,
            Claim.jobseeker_id == jobseeker.id,
            Claim.state.not_in(OVER),
        )
        .order_by(Claim.id)
    ).all()
    duplicates = []
    for claim, begins, ends in rows:
        for other, started, ended in rows:
            is_same = (other.programme_id, other.rule) == (claim.programme_id, claim.rule) and other.id != claim.id
            if is_same and begins <= (ended or date.max) and started <= (ends or date.max):
                duplicates.append(claim)
                break
    return duplicates
