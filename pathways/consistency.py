"""The checks of ``pathways db check``: the current state of every record must agree with its facts."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, func, or_, select

from pathways.allocations.models import AllocationLine, AllocationLineMove
from pathways.claims.models import OVER, Claim, ClaimDay, ClaimMove, ClaimState
from pathways.database import Session
from pathways.enrolments.models import Enrolment, EnrolmentMove
from pathways.facts import as_known
from pathways.introductions.models import HOLDS_A_PLACE, Introduction, IntroductionMove, IntroductionState
from pathways.jobseekers.models import (
    CaseworkerAssignment,
    Jobseeker,
    JobseekerDetails,
    JobseekerMove,
    JobseekerState,
    ProfileVersion,
)
from pathways.placements.models import (
    Place,
    Placement,
    PlacementMove,
    PlacementState,
    PlacementVersion,
    PlaceMove,
    PlaceState,
)
from pathways.placements.versions import columns_of, inputs_of
from pathways.progression import queries as progression_queries
from pathways.progression.models import Outcome, OutcomeClaimed, Spell, SpellState, SpellVersion
from pathways.referrals.models import Referral, ReferralMove, ReferralSnapshot
from pathways.shortlists.models import ModelState, RankingModel, RankingModelMove

# For each log: the table with the states, the table of moves, the foreign key, and the state before the first move.
LOGS: tuple[tuple[Any, Any, Any, str | None], ...] = (
    (Jobseeker, JobseekerMove, JobseekerMove.jobseeker_id, JobseekerState.REFERRED.value),
    (Referral, ReferralMove, ReferralMove.referral_id, None),
    (Enrolment, EnrolmentMove, EnrolmentMove.enrolment_id, None),
    (Introduction, IntroductionMove, IntroductionMove.introduction_id, None),
    (Placement, PlacementMove, PlacementMove.placement_id, PlacementState.DRAFT.value),
    (Place, PlaceMove, PlaceMove.place_id, None),
    (AllocationLine, AllocationLineMove, AllocationLineMove.line_id, None),
    (Claim, ClaimMove, ClaimMove.claim_id, None),
    (RankingModel, RankingModelMove, RankingModelMove.model_id, ModelState.TRAINED.value),
)


def faults(session: Session) -> list[str]:
    """Return one sentence for each inconsistency. It names rows only by table and id."""
    return [
        *(fault for log in LOGS for fault in _states(session, *log)),
        *_heads(session),
        *_caseworkers(session),
        *_places(session),
        *_versions(session),
        *_spells(session),
        *_starts(session),
        *_same_person_throughout(session),
        *_outcomes(session),
        *_claims(session),
    ]


def _states(session: Session, model: Any, move: Any, key: Any, initial: str | None) -> Iterator[str]:
    """Check that the state of each row is that of its last move, and that each move begins where the previous ended.

    Moves are ordered by id, because an id is made while the row is locked. ``recorded_at`` would give a wrong order: it
    is the time at which a request began, and a request that had to wait for the lock may have begun first.
    """
    last: dict[Any, str] = {}
    rows = session.execute(select(key, move.from_state, move.to_state, move.supersedes).order_by(move.id))
    for row_id, from_state, to_state, supersedes in rows:
        before = last.get(row_id, initial)
        if supersedes is None and from_state != before:
            yield f"{move.__tablename__}: {row_id} moved from {from_state}, but it was {before}."
        last[row_id] = to_state if supersedes is None or from_state is not None else last.get(row_id, to_state)
    for row_id, state in session.execute(select(model.id, model.state)):
        expected = last.get(row_id, initial)
        if state.value != expected:
            yield f"{model.__tablename__}: {row_id} is {state.value}, but its moves say {expected}."


def _heads(session: Session) -> Iterator[str]:
    """Check that no profile, details or referral snapshot has two current versions, and that nobody lacks details."""
    for model, key in (
        (JobseekerDetails, JobseekerDetails.jobseeker_id),
        (ProfileVersion, ProfileVersion.jobseeker_id),
        (ReferralSnapshot, ReferralSnapshot.referral_id),
    ):
        rows = session.execute(select(key, func.count()).where(as_known(model)).group_by(key).having(func.count() > 1))
        for row_id, count in rows:
            yield f"{model.__tablename__}: {row_id} has {count} current versions instead of one."
    without = select(Jobseeker.id).where(
        Jobseeker.id.not_in(select(JobseekerDetails.jobseeker_id).where(as_known(JobseekerDetails)))
    )
    for row_id in session.scalars(without):
        yield f"jobseekers: {row_id} has no details."


def _caseworkers(session: Session) -> Iterator[str]:
    rows = session.execute(
        select(CaseworkerAssignment.jobseeker_id, CaseworkerAssignment.caseworker_id).where(
            as_known(CaseworkerAssignment)
        )
    )
    assigned = {row.jobseeker_id: row.caseworker_id for row in rows}
    for row_id, caseworker_id in session.execute(select(Jobseeker.id, Jobseeker.caseworker_id)):
        if assigned.get(row_id) != caseworker_id:
            yield f"jobseekers: the caseworker of {row_id} is not the last assigned caseworker."


def _places(session: Session) -> Iterator[str]:
    """Check that each introduction holds or fills a place of its placement if its state requires it, else none."""
    places = {place.introduction_id: place for place in session.scalars(select(Place)) if place.introduction_id}
    takes = {
        **dict.fromkeys(HOLDS_A_PLACE, PlaceState.HELD),
        IntroductionState.STARTED: PlaceState.FILLED,
    }
    rows = session.execute(select(Introduction.id, Introduction.state, Introduction.placement_id)).all()
    for row_id, state, placement_id in rows:
        place = places.pop(row_id, None)
        wanted = takes.get(state)
        if (place.state if place else None) is not wanted:
            yield f"introductions: {row_id} is {state.value}, but its place is {place.state if place else 'none'}."
        elif place is not None and place.placement_id != placement_id:
            yield f"introductions: {row_id} holds a place of another placement."
    for row_id in places:
        yield f"places: a place is held for introduction {row_id}, which does not exist."


def _versions(session: Session) -> Iterator[str]:
    """Check that the current version of each placement is stored. Without it, a shortlist could not be replayed."""
    stored = select(PlacementVersion.placement_id).where(
        PlacementVersion.placement_id == Placement.id, PlacementVersion.version == Placement.version
    )
    for row_id in session.scalars(select(Placement.id).where(~stored.exists())):
        yield f"placements: the current version of {row_id} is not stored."
    current = and_(PlacementVersion.placement_id == Placement.id, PlacementVersion.version == Placement.version)
    rows = select(Placement, PlacementVersion.inputs).join(PlacementVersion, current)
    for placement, inputs in session.execute(rows.execution_options(yield_per=1_000)):
        if columns_of(inputs) != inputs_of(placement):
            yield f"placements: the stored current version of {placement.id} differs from the placement."


def _spells(session: Session) -> Iterator[str]:
    versions = {v.spell_id: v for v in session.scalars(select(SpellVersion).where(as_known(SpellVersion)))}
    for row_id, state in session.execute(select(Spell.id, Spell.state)):
        version = versions.get(row_id)
        expected = SpellState.VOIDED
        if version is not None:
            expected = SpellState.ENDED if version.ended_on else SpellState.RUNNING
        if state is not expected:
            yield f"spells: {row_id} is {state.value}, but its versions say {expected.value}."


def _starts(session: Session) -> Iterator[str]:
    """Check that no spell began before its enrolment, and that no outcome was met before it."""
    rows = (
        select(Spell.id)
        .join(SpellVersion, and_(SpellVersion.partner_id == Spell.partner_id, SpellVersion.spell_id == Spell.id))
        .join(Enrolment, and_(Enrolment.partner_id == Spell.partner_id, Enrolment.id == Spell.enrolment_id))
        .where(as_known(SpellVersion), Spell.state != SpellState.VOIDED, SpellVersion.started_on < Enrolment.started_on)
    )
    for row_id in session.scalars(rows):
        yield f"spells: {row_id} began before its enrolment."
    met = (
        select(Outcome.id)
        .join(Enrolment, and_(Enrolment.partner_id == Outcome.partner_id, Enrolment.id == Outcome.enrolment_id))
        .where(as_known(Outcome), Outcome.valid_on < Enrolment.started_on)
    )
    for row_id in session.scalars(met):
        yield f"outcomes: {row_id} was met before its enrolment began."


# Tables, foreign keys and parent tables. A row and its parent must be about the same jobseeker, also after merges.
PARENTS: tuple[tuple[Any, Any, Any], ...] = (
    (Enrolment, Enrolment.referral_id, Referral),
    (Spell, Spell.enrolment_id, Enrolment),
    (Outcome, Outcome.enrolment_id, Enrolment),
)


def _same_person_throughout(session: Session) -> Iterator[str]:
    """Check that rows and their parents are about the same jobseeker, and that open enrolments have open cases."""
    for model, key, parent in PARENTS:
        rows = select(model.id).join(parent, parent.id == key).where(model.jobseeker_id != parent.jobseeker_id)
        for row_id in session.scalars(rows):
            yield f"{model.__tablename__}: {row_id} and its {parent.__tablename__} row are about different jobseekers."
    rows = (
        select(Enrolment.id)
        .join(Jobseeker, Jobseeker.id == Enrolment.jobseeker_id)
        .where(
            Enrolment.ended_on.is_(None),
            or_(Jobseeker.state != JobseekerState.OPEN, Jobseeker.programme_id != Enrolment.programme_id),
        )
    )
    for row_id in session.scalars(rows):
        yield f"enrolments: {row_id} is open, but its case is not open or is on another programme."


def _outcomes(session: Session) -> Iterator[str]:
    current = set(session.scalars(select(Outcome.id).where(as_known(Outcome))))
    held = set(session.scalars(select(OutcomeClaimed.outcome_id)))
    for row_id in current ^ held:
        yield f"outcomes: {row_id} is current but not reserved for claims, or reserved but not current."
    gone = {str(spell_id) for spell_id in session.scalars(select(Spell.id).where(Spell.state == SpellState.VOIDED))}
    for row_id, spell_ids in session.execute(select(Outcome.id, Outcome.spell_ids).where(as_known(Outcome))):
        if gone & set(spell_ids):
            yield f"outcomes: {row_id} depends on a voided spell."
    outcomes = list(session.scalars(select(Outcome).where(as_known(Outcome))))
    for row_id in sorted(progression_queries.on_rejected_evidence(session, outcomes)):
        yield f"outcomes: {row_id} names rejected evidence. Withdraw it, and record it again on accepted evidence."


def _claims(session: Session) -> Iterator[str]:
    """Check that a claim's moves add up to the amount paid, and that only failed or reversed claims have no days."""
    moved = {
        row[0]: row[1]
        for row in session.execute(select(ClaimMove.claim_id, func.sum(ClaimMove.pence)).group_by(ClaimMove.claim_id))
    }
    spent = set(session.scalars(select(ClaimDay.claim_id).distinct()))
    for claim in session.scalars(select(Claim)):
        paid = claim.paid_pence if claim.state is ClaimState.PAID else 0
        if moved.get(claim.id, 0) != paid:
            yield f"claims: {claim.id} has a paid amount that differs from the sum of its moves."
        if (claim.state in OVER) == (claim.id in spent):
            yield f"claims: {claim.id} is {claim.state.value}, which does not agree with the days recorded for it."
