"""Every change to claims.

Nothing can be paid for twice, in whatever order calls arrive. The days, evidence items and documents of a claim are
stored in tables with unique constraints, so the database refuses a second claim that uses any of them.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm.attributes import flag_modified
from uuid_utils.compat import uuid7

from pathways.base import Actor, Role
from pathways.claims import queries
from pathways.claims.models import (
    ANSWERS,
    CLAIM_MOVES,
    FUNDERS_WORD,
    NEEDS_A_REASON,
    ON_AN_OUTCOME,
    OVER,
    WHO_MAY,
    Claim,
    ClaimDay,
    ClaimDocument,
    ClaimEvent,
    ClaimEvidence,
    ClaimMove,
    ClaimState,
    FundersAnswer,
)
from pathways.claims.schemas import ClaimMoveOut, ClaimOut, Confirmation, Declaration, NewClaim, Objection
from pathways.database import Session, WriteSession
from pathways.enrolments import queries as enrolment_queries
from pathways.errors import Conflict, NotPermitted, RuleBroken
from pathways.facts import MoveRefused, NotYourMove, destination, possible_events
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.messages import actions as message_actions
from pathways.messages import queries as message_queries
from pathways.messages.models import NoticeKind
from pathways.organisations import queries as organisation_queries
from pathways.organisations.models import Organisation
from pathways.programmes import queries as programme_queries
from pathways.programmes.models import Programme
from pathways.progression import queries as progression_queries
from pathways.progression.models import Outcome, OutcomeClaimed, SpellVersion
from pathways.reference import outcome_rules, tables

REF_CHARACTERS = 12  # 60 bits of the keyed hash in base 32, so that no two people of a funder share a reference
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class ClaimMoveRefused(MoveRefused):
    """The event is not possible in the claim's present state."""

    title = "This step is not possible in the claim's present state"


class OwnClaim(NotPermitted):
    """A member who recorded or checked something that a claim rests on tried to record the funder's answer to it."""

    title = "You recorded or checked something that this claim rests on, so you cannot decide on it"


class OwnCheck(NotPermitted):
    """The member who checked the evidence tried to submit the claim."""

    title = "You checked the evidence, so you cannot submit this claim"


class ClaimedAlready(Conflict):
    """The outcome, or one of its days, evidence items or documents, is part of another claim."""

    title = "This outcome or its evidence has already been claimed"


class DecisionContested(Conflict):
    """The funder contests a decision that the partner recorded in the funder's name."""

    title = "The funder contests a decision on this claim"


class AnsweredAlready(Conflict):
    """The funder has already given this answer to the decision."""

    title = "The funder has already given this answer"


class OutcomeGone(Conflict):
    """The outcome of the claim has been withdrawn."""

    title = "The outcome has been withdrawn"


class TooEarly(Conflict):
    """The funder accepts this claim only from a later day."""

    title = "It is too early to submit this claim"


def draft(session: WriteSession, actor: Actor, new: NewClaim) -> Claim:
    """Draft a claim for an outcome, at the price in force on the day the outcome was met.

    The draft reserves the outcome's days, evidence and documents. It is refused if another claim for the same rule and
    enrolment is open or paid, or if no price is recorded.
    """
    outcome = progression_queries.outcome(session, actor, new.outcome_id)
    enrolment = enrolment_queries.enrolment(session, actor, outcome.enrolment_id, for_update=True)
    _must_be_current(session, outcome)
    jobseeker_actions.must_not_be_void(session.get_one(Jobseeker, outcome.jobseeker_id))
    before = queries.earlier(session, outcome)
    if before is not None and before.state not in OVER:
        raise ClaimedAlready(
            "This outcome is already claimed. Open that claim; there is nothing more to do here unless it was wrong."
        )
    programme = session.get_one(Programme, enrolment.programme_id)
    price = programme_queries.price_on(session, programme, outcome.rule, outcome.valid_on)
    if price is None:
        raise RuleBroken(
            f"No price for {outcome.rule} is recorded for {outcome.valid_on.isoformat()}. Ask the operator to record"
            " the commissioner's price for this rule, then claim again.",
            pointer="/outcome_id",
        )
    versions = queries.versions_of(session, outcome)
    claim = Claim(
        id=uuid7(),
        partner_id=outcome.partner_id,
        jobseeker_id=outcome.jobseeker_id,
        enrolment_id=outcome.enrolment_id,
        programme_id=programme.id,
        commissioner_id=programme.commissioner_id,
        outcome_id=outcome.id,
        rule=outcome.rule,
        rule_version=outcome.rule_version,
        state=ClaimState.DRAFT,
        participant_ref=before.participant_ref if before is not None else _participant(session, programme, outcome),
        achieved_on=outcome.valid_on,
        pence=price,
        is_subsidised=any(_is_subsidised(version) for version in versions),
        is_own_supply_chain=any(version.is_own_supply_chain for version in versions),
        attempt=before.attempt + 1 if before is not None else 1,
        earlier_id=before.id if before is not None else None,
        made_at=actor.at,
    )
    session.add(claim)
    session.flush()  # days and evidence refer to the claim; if two claims are simultaneous, the second fails here
    _spend(session, claim, outcome)
    session.add(_move_row(actor, claim, "draft", None, ClaimState.DRAFT))
    session.flush()  # the reply reads the move
    return claim


def _must_be_current(session: WriteSession, outcome: Outcome) -> None:
    """Raise ``OutcomeGone`` if the outcome was withdrawn; otherwise lock it until the transaction ends."""
    locked = select(OutcomeClaimed).where(OutcomeClaimed.outcome_id == outcome.id).with_for_update()
    if session.scalars(locked).one_or_none() is None:
        raise OutcomeGone(
            "A withdrawn outcome no longer counts. If the rule has been met, record a new outcome, then claim for it."
        )
    if progression_queries.on_rejected_evidence(session, [outcome]):
        raise OutcomeGone(
            "Evidence that this outcome names was rejected. Withdraw the outcome and record it again on the evidence"
            " that is accepted now, then claim for it."
        )


def _participant(session: Session, programme: Programme, outcome: Outcome) -> str:
    """Return the jobseeker's pseudonym for a commissioner. It never changes and differs between commissioners."""
    fingerprint = session.vault.fingerprint("participant", f"{programme.commissioner_id}:{outcome.jobseeker_id}")
    number = int(fingerprint[:15], 16)
    return "C-" + "".join(CROCKFORD[number >> 5 * n & 31] for n in reversed(range(REF_CHARACTERS)))


def _is_subsidised(version: SpellVersion) -> bool:
    return tables.in_force("job_kinds", version.started_on, kind=version.kind.value)["is_subsidised"] == "yes"


def _spend(session: WriteSession, claim: Claim, outcome: Outcome) -> None:
    """Reserve the days, evidence items and documents of an outcome; refuse if another claim uses any of them."""
    days = sorted(
        {
            date.fromisoformat(first) + timedelta(days=n)
            for _, first, last in outcome.rests_on
            for n in range((date.fromisoformat(last) - date.fromisoformat(first)).days + 1)
        }
    )
    if not days:
        raise RuleBroken(
            "This outcome was recorded before its working days were stored. Withdraw it, record it again, then claim.",
            pointer="/outcome_id",
        )
    taken = queries.days_taken(session, outcome, days)
    if taken:
        raise ClaimedAlready(
            f"Another claim under this rule already uses {len(taken)} of the outcome's days, the first on"
            f" {taken[0].isoformat()}. Withdraw or reverse that claim first."
        )
    items = queries.evidence_of(session, outcome)
    hashes = progression_queries.hashes_of(session, items)
    if queries.documents_of_others(session, outcome, hashes):
        raise ClaimedAlready(
            "A document for this outcome was already used in a claim for another jobseeker. Check the evidence of both"
            " claims."
        )
    if queries.items_taken(session, outcome, [item.id for item in items], hashes):
        raise ClaimedAlready(
            "Evidence for this outcome was already used in another claim under this rule. Withdraw or reverse that"
            " claim first."
        )
    keys = {"partner_id": claim.partner_id, "jobseeker_id": claim.jobseeker_id, "claim_id": claim.id}
    session.add_all(ClaimDay(id=uuid7(), rule=claim.rule, day=day, **keys) for day in days)
    session.add_all(ClaimEvidence(id=uuid7(), rule=claim.rule, evidence_id=item.id, **keys) for item in items)
    session.add_all(ClaimDocument(id=uuid7(), rule=claim.rule, document_hash=digest, **keys) for digest in hashes)
    session.flush()  # if two claims use the same days or evidence, the second fails here


def _release_reserved(session: WriteSession, claim: Claim) -> None:
    """Release the days, evidence and documents of a failed or reversed claim for use by a new claim."""
    for model in (ClaimDay, ClaimEvidence, ClaimDocument):
        session.execute(
            delete(model)
            .where(model.partner_id == claim.partner_id, model.claim_id == claim.id)
            .execution_options(synchronize_session=False)
        )


def _move_row(
    actor: Actor,
    claim: Claim,
    event: str,
    from_state: ClaimState | None,
    to_state: ClaimState,
    *,
    reason: str = "",
    pence: int = 0,
    answers_id: UUID | None = None,
) -> ClaimMove:
    return ClaimMove.recorded(
        actor,
        partner_id=claim.partner_id,
        jobseeker_id=claim.jobseeker_id,
        claim_id=claim.id,
        made_by_role=actor.role.value,
        event=event,
        from_state=from_state.value if from_state else None,
        to_state=to_state.value,
        reason=reason,
        pence=pence,
        told_by_partner=event in FUNDERS_WORD and actor.organisation_id == claim.partner_id,
        answers_id=answers_id,
    )


def submit(session: WriteSession, actor: Actor, claim: Claim, declared: Declaration) -> Claim:
    """Submit a draft with the declaration about other funding.

    Refuses a member who checked any of the claim's evidence. Also refuses a claim that the funder does not accept yet.
    """
    if declared.has_other_funding and not (declared.other_funding or "").strip():
        raise RuleBroken("Name the other funding and say what it pays for.", pointer="/other_funding")
    if not declared.has_other_funding and queries.claimed_elsewhere(session, [claim]).get(claim.id):
        raise RuleBroken(
            "A claim on another programme uses days of this claim. Declare that programme as other funding, or"
            " withdraw the other claim.",
            pointer="/has_other_funding",
        )
    if organisation_queries.same_person(session, actor.user_id) & queries.checkers_of(session, claim):
        raise OwnCheck("Ask a colleague who did not check the evidence to submit the claim.")
    first = _first_days(session, [claim])[claim.id]
    if actor.today < first:
        raise TooEarly(f"The funder accepts this claim from {first.isoformat()}. Submit it on or after that day.")
    claim.has_other_funding = declared.has_other_funding
    claim.other_funding = declared.other_funding if declared.has_other_funding else None
    claim.submitted_by = actor.user_id
    return move(session, actor, claim, ClaimEvent.SUBMIT)


def move(
    session: WriteSession,
    actor: Actor,
    claim: Claim,
    event: ClaimEvent,
    *,
    reason: str = "",
    pounds: Decimal | None = None,
) -> Claim:
    """Apply one event of ``CLAIM_MOVES`` to a claim, with the amount paid or reversed.

    Refuses a role that may not record the event, a missing reason, a payment above the amount claimed, a withdrawn
    outcome, and a decision by a member who recorded or checked anything that the claim rests on. A decision recorded by
    the partner is marked so, and the funder is notified.
    """
    _must_be_permitted(actor, event)
    to_state = _state_after(actor, claim, event)
    if event in NEEDS_A_REASON and not reason.strip():
        raise RuleBroken("Give a reason. The partner and the commissioner can read it.", pointer="/reason")
    if event in FUNDERS_WORD:
        _must_have_recorded_nothing(session, actor, claim)
        _must_not_be_contested(session, actor, claim)
    if event in ON_AN_OUTCOME:
        _must_be_current(session, session.get_one(Outcome, claim.outcome_id))
    pence = 0
    if event is ClaimEvent.PAY:
        pence = claim.paid_pence = _pence_paid(claim, pounds)
    elif event is ClaimEvent.REVERSE:
        pence = -(claim.paid_pence or 0)
    row = _move_row(actor, claim, event.value, claim.state, to_state, reason=reason, pence=pence)
    session.add(row)
    claim.state = to_state
    session.flush()  # the reply needs the new version number
    if to_state in OVER:
        _release_reserved(session, claim)
    message_actions.settle(session, actor, claim.id, {NoticeKind.CLAIM_TO_DECIDE, NoticeKind.CLAIM_QUERIED})
    _notify_of_move(session, actor, claim, row, event)
    return claim


def _state_after(actor: Actor, claim: Claim, event: ClaimEvent) -> ClaimState:
    """Return the state that an event leads to. Refuses an answer of the funder that does not name its decision."""
    if event in ANSWERS:
        raise ClaimMoveRefused("Name the decision that the funder answers (move_id).", possible=[])
    allowed = {step for step, roles in WHO_MAY.items() if actor.role in roles} - ANSWERS.keys()
    return destination(CLAIM_MOVES, claim.state, event, ClaimMoveRefused, allowed=allowed)


def _pence_paid(claim: Claim, pounds: Decimal | None) -> int:
    pence = claim.pence if pounds is None else int(pounds * 100)
    if pence > claim.pence:
        raise RuleBroken("The payment cannot be more than the amount claimed. Correct the amount.", pointer="/pounds")
    return pence


def _must_be_permitted(actor: Actor, event: ClaimEvent) -> None:
    if actor.role not in WHO_MAY[event]:
        raise NotYourMove(
            f"The role {actor.role} may not {event} a claim. The claim lists what you can do (possible_events)."
        )


def _must_have_recorded_nothing(session: Session, actor: Actor, claim: Claim) -> None:
    """Refuse an actor who recorded or checked anything that the claim rests on, in whatever role."""
    people = organisation_queries.same_person(session, actor.user_id)
    facts = queries.rested_on(session, [claim], people).get(claim.id)
    if facts:
        raise OwnClaim(
            f"You had a part in this claim ({_listed(facts)}), so you cannot decide it. Another team manager who had no"
            " part in it can, or the commissioner (the funder).",
            facts=facts,
        )
    if actor.role is Role.COMMISSIONER and queries.decided_for_partner_by(session, [claim], people):
        raise OwnClaim(
            "For the partner, you recorded a decision in the funder's name on this claim, or on another claim for the"
            " same jobseeker and rule. Ask another member of the commissioner to decide."
        )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _must_not_be_contested(session: Session, actor: Actor, claim: Claim) -> None:
    """Refuse that the partner decides in the funder's name while the funder contests an earlier such decision.

    The decision may be on this claim or on another claim for the same jobseeker and rule. A failure or reversal is
    refused too: it would release the evidence for a new claim.
    """
    if actor.organisation_id == claim.partner_id and queries.contested(session, [claim]):
        raise DecisionContested(
            "The funder says that an entry in its name, on this claim or on another claim for the same jobseeker and"
            " rule, is wrong. Only the funder can act now: contact them. If they were mistaken, ask them to confirm"
            " the entry."
        )


def answer_decision(
    session: WriteSession, actor: Actor, claim: Claim, event: ClaimEvent, answer: Confirmation | Objection
) -> Claim:
    """Confirm or contest, as the funder, a decision that the partner recorded in the funder's name.

    Moves no money. The funder may change its answer; the latest counts. While a decision is contested, the partner
    can record no decision in the funder's name, on this claim or on another one for the same jobseeker and rule.
    Refuses a member who recorded the decision, or recorded or checked anything that the claim rests on.
    """
    _must_be_permitted(actor, event)
    told = _decision(session, claim, event, answer.move_id)
    _must_have_recorded_nothing(session, actor, claim)
    to_state = destination(CLAIM_MOVES, claim.state, event, ClaimMoveRefused)
    reason = answer.reason if isinstance(answer, Objection) else ""
    row = _move_row(actor, claim, event.value, claim.state, to_state, reason=reason, answers_id=told.id)
    session.add(row)
    flag_modified(claim, "state")  # the answer is in another table; this raises the claim's version number too
    session.flush()  # the reply reads the answer and the version number
    if event is ClaimEvent.CONTEST:
        _notify_of_decision(session, actor, claim, row, claim.partner_id, NoticeKind.CLAIM_CONTESTED)
    return claim


def _decision(session: Session, claim: Claim, event: ClaimEvent, move_id: UUID) -> ClaimMove:
    """Return the decision told in the funder's name that an answer is about. Refuses an answer given before."""
    moves = queries.moves_of(session, [claim]).get(claim.id, [])
    answers = queries.funders_answers(moves)
    if move_id not in answers:
        raise RuleBroken(
            "The claim has no such decision that the partner recorded in your name. The claim lists them (moves"
            " in which told_by_partner is true).",
            pointer="/move_id",
        )
    if answers[move_id] is ANSWERS[event]:
        raise AnsweredAlready("Nothing was changed. To change your answer, send the other answer.")
    return next(row for row in moves if row.id == move_id)


def _notify_of_decision(
    session: WriteSession, actor: Actor, claim: Claim, row: ClaimMove, organisation_id: UUID, kind: NoticeKind
) -> None:
    """Notify the funder of a decision recorded in its name, or the partner's team managers that it is contested."""
    roles = [Role.COMMISSIONER if organisation_id == claim.commissioner_id else Role.TEAM_MANAGER]
    about, occasion = ("claims", claim.id), str(row.id)
    message_actions.notify_roles(session, actor, organisation_id, roles, kind, about=about, occasion=occasion)


def _notify_of_move(session: WriteSession, actor: Actor, claim: Claim, row: ClaimMove, event: ClaimEvent) -> None:
    """Notify the funder of what waits for it, and the partner of what the funder decided."""
    if event is ClaimEvent.QUERY:
        _notify_of_query(session, actor, claim)
    elif event in NOTICE_TO_PARTNER:
        _notify_partner(session, actor, claim, row, NOTICE_TO_PARTNER[event])
    elif event in {ClaimEvent.SUBMIT, ClaimEvent.ANSWER}:
        _notify_of_decision(session, actor, claim, row, claim.commissioner_id, NoticeKind.CLAIM_TO_DECIDE)
    if row.told_by_partner:
        _notify_of_decision(session, actor, claim, row, claim.commissioner_id, NoticeKind.CLAIM_TO_CONFIRM)


NOTICE_TO_PARTNER = {
    ClaimEvent.ACCEPT: NoticeKind.CLAIM_DECIDED,
    ClaimEvent.PAY: NoticeKind.CLAIM_DECIDED,
    ClaimEvent.FAIL: NoticeKind.CLAIM_TURNED_DOWN,
    ClaimEvent.REVERSE: NoticeKind.CLAIM_TURNED_DOWN,
}


def _notify_partner(session: WriteSession, actor: Actor, claim: Claim, row: ClaimMove, kind: NoticeKind) -> None:
    """Notify the jobseeker's caseworker, who submitted the claim and the team managers of a decision on it."""
    person = session.get_one(Jobseeker, claim.jobseeker_id)
    members = message_queries.members(session, claim.partner_id, [Role.CASEWORKER, Role.TEAM_MANAGER])
    managers = message_queries.members(session, claim.partner_id, [Role.TEAM_MANAGER])
    owners = {message_queries.user_of(session, person.caseworker_id), claim.submitted_by}
    message_actions.notify(
        session,
        actor,
        [one for one in members if one != actor.user_id and (one in owners or one in managers)],
        kind,
        about=("claims", claim.id),
        organisation_id=claim.partner_id,
        occasion=str(row.id),
    )


def _notify_of_query(session: WriteSession, actor: Actor, claim: Claim) -> None:
    """Notify the submitter of the funder's query, or the team managers if the submitter has left."""
    members = message_queries.members(session, claim.partner_id, [Role.CASEWORKER, Role.TEAM_MANAGER])
    managers = message_queries.members(session, claim.partner_id, [Role.TEAM_MANAGER])
    message_actions.notify(
        session,
        actor,
        [member for member in members if member == claim.submitted_by] or managers,
        NoticeKind.CLAIM_QUERIED,
        about=("claims", claim.id),
        organisation_id=claim.partner_id,
        occasion=actor.at.isoformat(),
    )


def withdraw_all(session: WriteSession, actor: Actor, person: Jobseeker, _: str) -> None:
    """Withdraw a voided record's claims that the funder has not decided; leave decided claims for people to handle.

    The funder does not learn why the record was voided, and reads only that the record was withdrawn.
    """
    for claim in queries.in_states(session, person, (ClaimState.DRAFT, ClaimState.SUBMITTED, ClaimState.QUERIED)):
        session.refresh(claim, with_for_update=True)
        move(session, actor, claim, ClaimEvent.WITHDRAW, reason="The record was withdrawn.")


def reply(session: Session, actor: Actor, claim: Claim) -> ClaimOut:
    return replies(session, actor, [claim])[0]


def replies(session: Session, actor: Actor, claims: Sequence[Claim]) -> list[ClaimOut]:
    """Return claims with the fields visible to the actor; related rows are read in one query for the whole batch."""
    if not claims:
        return []
    current, counts = queries.current_outcomes(session, claims), queries.counts(session, claims)
    elsewhere, moves = queries.claimed_elsewhere(session, claims), queries.moves_of(session, claims)
    people = jobseeker_queries.cases(session, (claim.jobseeker_id for claim in claims))
    first_days = _first_days(session, claims)
    barred: set[UUID] = set()
    if actor.role in WHO_MAY[ClaimEvent.PAY]:
        users = organisation_queries.same_person(session, actor.user_id)
        barred = set(queries.rested_on(session, claims, users))
        if actor.role is Role.COMMISSIONER:
            barred |= queries.decided_for_partner_by(session, claims, users)
    contested = queries.contested(session, [claim for claim in claims if claim.partner_id == actor.organisation_id])
    shapes = []
    for claim in claims:
        actor.reading.people.add(claim.jobseeker_id)  # the funder reads only a pseudonym, which is still one person's
        days, tier = counts[claim.id]
        answers = queries.funders_answers(moves.get(claim.id, []))
        columns = {name: getattr(claim, name, None) for name in ClaimOut.model_fields}
        columns |= {
            "pounds": claim.pence / 100,
            "paid_pounds": claim.paid_pence / 100 if claim.paid_pence is not None else None,
            "days": days,
            "evidence_tier": tier,
            "claimed_elsewhere": elsewhere.get(claim.id, []),
            "outcome_stands": claim.outcome_id in current,
            "may_be_submitted_from": first_days[claim.id],
            "possible_events": _possible(
                actor, claim, answers.values(), is_barred=claim.id in barred, is_contested=claim.id in contested
            ),
            "funders_answer": queries.worst_answer(answers.values()),
            "moves": [_move_reply(row, answers.get(row.id)) for row in moves.get(claim.id, [])],
        }
        visible = jobseeker_queries.visible_groups(actor, people[claim.jobseeker_id])
        shapes.append(ClaimOut(**columns).limited_to(visible))
    return shapes


def _possible(
    actor: Actor, claim: Claim, answers: Collection[FundersAnswer], *, is_barred: bool, is_contested: bool
) -> list[str]:
    """Return the events that the actor can record now. ``is_contested`` is false for the funder itself."""
    events = {event for event in possible_events(CLAIM_MOVES, claim.state) if actor.role in WHO_MAY[event]}
    if is_barred:
        events -= FUNDERS_WORD | set(ANSWERS)
    if is_contested:
        events -= FUNDERS_WORD
    return sorted(e.value for e in events if e not in ANSWERS or any(given is not ANSWERS[e] for given in answers))


def _first_days(session: Session, claims: Sequence[Claim]) -> dict[UUID, date]:
    """Return the first day on which each claim may be submitted: a number of working days after the outcome was met."""
    versions = outcome_rules.all_versions(session)
    partners = {claim.partner_id for claim in claims}
    rows = session.execute(select(Organisation.id, Organisation.nation).where(Organisation.id.in_(partners)))
    nations = {row.id: row.nation for row in rows}
    first_days = {}
    for claim in claims:
        text = versions.get(f"{claim.rule}@{claim.rule_version}")
        lag = text.claim_lag_working_days if text is not None else 0
        first_days[claim.id] = tables.add_working_days(claim.achieved_on, lag, nations[claim.partner_id])
    return first_days


def _move_reply(row: ClaimMove, answer: FundersAnswer | None) -> ClaimMoveOut:
    return ClaimMoveOut(
        id=row.id,
        event=row.event,
        from_state=row.from_state,
        to_state=row.to_state,
        recorded_at=row.recorded_at,
        made_by_role=row.made_by_role,
        pounds=row.pence / 100,
        reason=row.reason,
        told_by_partner=row.told_by_partner,
        funders_answer=answer,
        answers_id=row.answers_id,
    )
