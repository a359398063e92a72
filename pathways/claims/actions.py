"""Every change to claims. No order of calls pays twice: days, items and documents are spent by rows that are unique."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import delete, select
from uuid_utils.compat import uuid7

from pathways.base import Actor, Role
from pathways.claims import queries
from pathways.claims.models import (
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
)
from pathways.claims.schemas import ClaimMoveOut, ClaimOut, Declaration, NewClaim
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
from pathways.organisations.models import Organisation
from pathways.programmes import queries as programme_queries
from pathways.programmes.models import Programme
from pathways.progression import queries as progression_queries
from pathways.progression.models import Outcome, OutcomeClaimed, SpellVersion
from pathways.reference import outcome_rules, tables

REF_CHARACTERS = 12  # sixty bits of the keyed hash in base 32: enough that two people of a funder never share one
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class ClaimMoveRefused(MoveRefused):
    title = "The claim cannot make that move now"


class OwnClaim(NotPermitted):
    title = "Whoever submitted a claim does not record the funder's word on it"


class OwnCheck(NotPermitted):
    title = "Whoever checked the evidence does not submit the claim"


class ClaimedAlready(Conflict):
    title = "This is claimed for already"


class OutcomeGone(Conflict):
    title = "The outcome was taken back"


class TooEarly(Conflict):
    title = "The funder takes this claim later"


def draft(session: WriteSession, actor: Actor, new: NewClaim) -> Claim:
    """Draft the claim for an outcome, at the price of the day it was met; its days and evidence are spent by it."""
    outcome = progression_queries.outcome(session, actor, new.outcome_id)
    enrolment = enrolment_queries.enrolment(session, actor, outcome.enrolment_id, for_update=True)
    _must_be_current(session, outcome)
    jobseeker_actions.must_not_be_void(session.get_one(Jobseeker, outcome.jobseeker_id))
    before = queries.earlier(session, outcome)
    if before is not None and before.state not in OVER:
        raise ClaimedAlready("A claim for this rule and enrolment stands. Withdraw or reverse it first.")
    programme = session.get_one(Programme, enrolment.programme_id)
    price = programme_queries.price_on(session, programme, outcome.rule, outcome.valid_on)
    if price is None:
        raise RuleBroken(
            f"No price of {outcome.rule} is recorded for {outcome.valid_on.isoformat()}. Ask the operator to record"
            " what the commissioner pays.",
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
    session.flush()  # what it spends points to it; two who claim at once meet here
    _spend(session, claim, outcome)
    session.add(_move_row(actor, claim, "draft", None, ClaimState.DRAFT))
    session.flush()  # the reply reads it
    return claim


def _must_be_current(session: WriteSession, outcome: Outcome) -> None:
    """Refuse where the outcome was taken back; hold it until this transaction is over."""
    held = select(OutcomeClaimed).where(OutcomeClaimed.outcome_id == outcome.id).with_for_update()
    if session.scalars(held).one_or_none() is None:
        raise OutcomeGone("Record the outcome again when it is truly met, then claim.")


def _participant(session: Session, programme: Programme, outcome: Outcome) -> str:
    """Return what stands for the person towards one funder: the same each time, and of no use to another."""
    told = session.vault.fingerprint("participant", f"{programme.commissioner_id}:{outcome.jobseeker_id}")
    number = int(told[:15], 16)
    return "C-" + "".join(CROCKFORD[number >> 5 * n & 31] for n in reversed(range(REF_CHARACTERS)))


def _is_subsidised(version: SpellVersion) -> bool:
    return tables.in_force("job_kinds", version.started_on, kind=version.kind.value)["is_subsidised"] == "yes"


def _spend(session: WriteSession, claim: Claim, outcome: Outcome) -> None:
    """Spend the days, the items and the documents an outcome rests on; refuse what was claimed with before."""
    days = sorted(
        {
            date.fromisoformat(first) + timedelta(days=n)
            for _, first, last in outcome.rests_on
            for n in range((date.fromisoformat(last) - date.fromisoformat(first)).days + 1)
        }
    )
    if not days:
        raise RuleBroken(
            "This outcome was recorded before days were kept. Withdraw it and record it again.", pointer="/outcome_id"
        )
    taken = queries.days_taken(session, outcome, days)
    if taken:
        raise ClaimedAlready(
            f"{len(taken)} of its days, from {taken[0].isoformat()}, are claimed for under this rule already."
        )
    items = queries.evidence_of(session, outcome)
    hashes = progression_queries.hashes_of(session, items)
    if queries.documents_of_others(session, outcome, hashes):
        raise ClaimedAlready("A document it rests on was claimed with for somebody else. Look at both.")
    if queries.items_taken(session, outcome, [item.id for item in items], hashes):
        raise ClaimedAlready("Evidence it rests on was claimed with under this rule already.")
    whose = {"partner_id": claim.partner_id, "jobseeker_id": claim.jobseeker_id, "claim_id": claim.id}
    session.add_all(ClaimDay(id=uuid7(), rule=claim.rule, day=day, **whose) for day in days)
    session.add_all(ClaimEvidence(id=uuid7(), rule=claim.rule, evidence_id=item.id, **whose) for item in items)
    session.add_all(ClaimDocument(id=uuid7(), rule=claim.rule, document_hash=one, **whose) for one in hashes)
    session.flush()  # two who spend the same meet here


def _give_back(session: WriteSession, claim: Claim) -> None:
    """Let the days and evidence of a claim that is over be claimed with again."""
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
    )


def submit(session: WriteSession, actor: Actor, claim: Claim, declared: Declaration) -> Claim:
    """Submit a draft, with what is declared of other funding; not by whoever checked its evidence, nor too early."""
    if declared.has_other_funding and not (declared.other_funding or "").strip():
        raise RuleBroken("Say which other funding there is, and for what.", pointer="/other_funding")
    if not declared.has_other_funding and queries.claimed_elsewhere(session, [claim]).get(claim.id):
        raise RuleBroken(
            "A claim stands under another programme on some of the same days. Declare it, or withdraw that one.",
            pointer="/has_other_funding",
        )
    if actor.user_id in queries.checkers_of(session, claim):
        raise OwnCheck("Ask a colleague to submit it.")
    first = _first_days(session, [claim])[claim.id]
    if actor.today < first:
        raise TooEarly(f"It can be submitted from {first.isoformat()}.")
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
    """Make one move of the table, with the money it moves."""
    if actor.role not in WHO_MAY[event]:
        raise NotYourMove(f"The role {actor.role} may not {event} a claim.")
    to_state = destination(CLAIM_MOVES, claim.state, event, ClaimMoveRefused)
    if event in NEEDS_A_REASON and not reason.strip():
        raise RuleBroken("Say why; the other side reads it.", pointer="/reason")
    if event in FUNDERS_WORD and actor.role is Role.TEAM_MANAGER and actor.user_id == claim.submitted_by:
        raise OwnClaim("Ask another team manager, or the commissioner.")
    if event in ON_AN_OUTCOME:
        _must_be_current(session, session.get_one(Outcome, claim.outcome_id))
    pence = 0
    if event is ClaimEvent.PAY:
        pence = claim.pence if pounds is None else int(pounds * 100)
        if pence > claim.pence:
            raise RuleBroken("No more is paid than was asked for.", pointer="/pounds")
        claim.paid_pence = pence
    elif event is ClaimEvent.REVERSE:
        pence = -(claim.paid_pence or 0)
    session.add(_move_row(actor, claim, event.value, claim.state, to_state, reason=reason, pence=pence))
    claim.state = to_state
    session.flush()  # so that the reply carries the new version
    if to_state in OVER:
        _give_back(session, claim)
    if event is ClaimEvent.QUERY:
        _ask_back(session, actor, claim)
    return claim


def _ask_back(session: WriteSession, actor: Actor, claim: Claim) -> None:
    """Tell whoever submitted the claim that the funder asks; where they have left, the team managers."""
    theirs = message_queries.members(session, claim.partner_id, [Role.CASEWORKER, Role.TEAM_MANAGER])
    managers = message_queries.members(session, claim.partner_id, [Role.TEAM_MANAGER])
    message_actions.notify(
        session,
        actor,
        [one for one in theirs if one == claim.submitted_by] or managers,
        NoticeKind.CLAIM_QUERIED,
        about=("claims", claim.id),
        organisation_id=claim.partner_id,
        occasion=actor.at.isoformat(),
    )


def withdraw_all(session: WriteSession, actor: Actor, person: Jobseeker, _: str) -> None:
    """Withdraw what a record that was a mistake asked for; what a funder has decided is left to people.

    Why the record is void is the partner's own: the funder reads that it is.
    """
    for claim in queries.in_states(session, person, (ClaimState.DRAFT, ClaimState.SUBMITTED, ClaimState.QUERIED)):
        session.refresh(claim, with_for_update=True)
        move(session, actor, claim, ClaimEvent.WITHDRAW, reason="The record was withdrawn.")


def reply(session: Session, actor: Actor, claim: Claim) -> ClaimOut:
    return replies(session, actor, [claim])[0]


def replies(session: Session, actor: Actor, claims: Sequence[Claim]) -> list[ClaimOut]:
    """Return claims as this side may see them, with what stands beside them in one look-up for all."""
    if not claims:
        return []
    stands, counts = queries.current_outcomes(session, claims), queries.counts(session, claims)
    elsewhere, moves = queries.claimed_elsewhere(session, claims), queries.moves_of(session, claims)
    people = jobseeker_queries.cases(session, (claim.jobseeker_id for claim in claims))
    first_days = _first_days(session, claims)
    shapes = []
    for claim in claims:
        days, tier = counts[claim.id]
        columns = {name: getattr(claim, name, None) for name in ClaimOut.model_fields}
        columns |= {
            "pounds": claim.pence / 100,
            "paid_pounds": claim.paid_pence / 100 if claim.paid_pence is not None else None,
            "days": days,
            "evidence_tier": tier,
            "claimed_elsewhere": elsewhere.get(claim.id, []),
            "outcome_stands": claim.outcome_id in stands,
            "may_be_submitted_from": first_days[claim.id],
            "possible_events": [
                event.value for event in possible_events(CLAIM_MOVES, claim.state) if actor.role in WHO_MAY[event]
            ],
            "moves": [_move_reply(row) for row in moves.get(claim.id, [])],
        }
        seen = jobseeker_queries.visible_groups(actor, people[claim.jobseeker_id])
        shapes.append(ClaimOut(**columns).limited_to(seen))
    return shapes


def _first_days(session: Session, claims: Sequence[Claim]) -> dict[UUID, date]:
    known = outcome_rules.all_versions(session)
    partners = {claim.partner_id for claim in claims}
    rows = session.execute(select(Organisation.id, Organisation.nation).where(Organisation.id.in_(partners)))
    nations = {row.id: row.nation for row in rows}
    found = {}
    for claim in claims:
        text = known.get(f"{claim.rule}@{claim.rule_version}")
        lag = text.claim_lag_working_days if text is not None else 0
        found[claim.id] = tables.add_working_days(claim.achieved_on, lag, nations[claim.partner_id])
    return found


def _move_reply(row: ClaimMove) -> ClaimMoveOut:
    return ClaimMoveOut(
        event=row.event,
        from_state=row.from_state,
        to_state=row.to_state,
        recorded_at=row.recorded_at,
        made_by_role=row.made_by_role,
        pounds=row.pence / 100,
        reason=row.reason,
    )
