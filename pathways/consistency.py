"""Is every current state what its facts say? What ``pathways db check`` asks."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, func, not_, or_, select

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
from pathways.progression.models import EvidenceCheck, Outcome, OutcomeClaimed, Spell, SpellState, SpellVersion
from pathways.referrals.models import Referral, ReferralMove, ReferralSnapshot
from pathways.shortlists.models import ModelState, RankingModel, RankingModelMove

# Each log: the rows whose state it explains, its key to them, and the state of a row without any move.
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
    """Return one sentence for each thing that does not fit; rows are named by table and id only."""
    return [
        *(fault for log in LOGS for fault in _states(session, *log)),
        *_heads(session),
        *_caseworkers(session),
        *_places(session),
        *_versions(session),
        *_spells(session),
        *_same_person_throughout(session),
        *_outcomes(session),
        *_claims(session),
    ]


def _states(session: Session, model: Any, move: Any, key: Any, initial: str | None) -> Iterator[str]:
    """The state of each row is where its last move led; each move begins where the one before ended.

    Moves stand in the order of their ids, which are drawn when the row is held: the instant of a call is when it began,
    and one that waited for another was begun before it.
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
    """One version stands: of details and profile for each jobseeker, of the snapshot for each referral."""
    for model, key in (
        (JobseekerDetails, JobseekerDetails.jobseeker_id),
        (ProfileVersion, ProfileVersion.jobseeker_id),
        (ReferralSnapshot, ReferralSnapshot.referral_id),
    ):
        rows = session.execute(select(key, func.count()).where(as_known(model)).group_by(key).having(func.count() > 1))
        for row_id, count in rows:
            yield f"{model.__tablename__}: {row_id} has {count} versions that all stand."
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
            yield f"jobseekers: the caseworker of {row_id} is not the one last assigned."


def _places(session: Session) -> Iterator[str]:
    """A held or filled place belongs to an introduction in that state, and the other way round."""
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
        yield f"places: held for introduction {row_id}, which there is not."


def _versions(session: Session) -> Iterator[str]:
    """Every listing is kept as it stands now; without that no shortlist could be worked out again."""
    kept = select(PlacementVersion.placement_id).where(
        PlacementVersion.placement_id == Placement.id, PlacementVersion.version == Placement.version
    )
    for row_id in session.scalars(select(Placement.id).where(~kept.exists())):
        yield f"placements: {row_id} is not kept as it stands now."
    current = and_(PlacementVersion.placement_id == Placement.id, PlacementVersion.version == Placement.version)
    rows = select(Placement, PlacementVersion.inputs).join(PlacementVersion, current)
    for placement, inputs in session.execute(rows.execution_options(yield_per=1_000)):
        if columns_of(inputs) != inputs_of(placement):
            yield f"placements: {placement.id} is kept otherwise than it stands now."


def _spells(session: Session) -> Iterator[str]:
    versions = {v.spell_id: v for v in session.scalars(select(SpellVersion).where(as_known(SpellVersion)))}
    for row_id, state in session.execute(select(Spell.id, Spell.state)):
        version = versions.get(row_id)
        expected = SpellState.VOIDED
        if version is not None:
            expected = SpellState.ENDED if version.ended_on else SpellState.RUNNING
        if state is not expected:
            yield f"spells: {row_id} is {state.value}, but its versions say {expected.value}."


# What hangs on what: both are about one person, whatever was merged and put back.
HANGS_ON: tuple[tuple[Any, Any, Any], ...] = (
    (Enrolment, Enrolment.referral_id, Referral),
    (Spell, Spell.enrolment_id, Enrolment),
    (Outcome, Outcome.enrolment_id, Enrolment),
)


def _same_person_throughout(session: Session) -> Iterator[str]:
    """What hangs on something is about the same person, and an open enrolment is an open case's."""
    for model, key, parent in HANGS_ON:
        rows = select(model.id).join(parent, parent.id == key).where(model.jobseeker_id != parent.jobseeker_id)
        for row_id in session.scalars(rows):
            yield f"{model.__tablename__}: {row_id} is about somebody else than what it hangs on."
    rows = (
        select(Enrolment.id)
        .join(Jobseeker, Jobseeker.id == Enrolment.jobseeker_id)
        .where(
            Enrolment.ended_on.is_(None),
            or_(Jobseeker.state != JobseekerState.OPEN, Jobseeker.programme_id != Enrolment.programme_id),
        )
    )
    for row_id in session.scalars(rows):
        yield f"enrolments: {row_id} is open, and the case is not, or is on another programme."


def _outcomes(session: Session) -> Iterator[str]:
    current = set(session.scalars(select(Outcome.id).where(as_known(Outcome))))
    held = set(session.scalars(select(OutcomeClaimed.outcome_id)))
    for row_id in current ^ held:
        yield f"outcomes: {row_id} stands and is not held, or is held and does not stand."
    gone = {str(spell_id) for spell_id in session.scalars(select(Spell.id).where(Spell.state == SpellState.VOIDED))}
    for row_id, spell_ids in session.execute(select(Outcome.id, Outcome.spell_ids).where(as_known(Outcome))):
        if gone & set(spell_ids):
            yield f"outcomes: {row_id} rests on a voided spell."
    rejected = {
        str(evidence_id)
        for evidence_id in session.scalars(
            select(EvidenceCheck.evidence_id).where(as_known(EvidenceCheck), not_(EvidenceCheck.is_accepted))
        )
    }
    for row_id, evidence_ids in session.execute(select(Outcome.id, Outcome.evidence_ids).where(as_known(Outcome))):
        if evidence_ids and rejected >= set(evidence_ids):
            yield f"outcomes: {row_id} rests on nothing but evidence that was rejected."


def _claims(session: Session) -> Iterator[str]:
    """What moved is what the claim says was paid; a claim that stands has spent its days, one that is over none."""
    moved = {
        row[0]: row[1]
        for row in session.execute(select(ClaimMove.claim_id, func.sum(ClaimMove.pence)).group_by(ClaimMove.claim_id))
    }
    spent = set(session.scalars(select(ClaimDay.claim_id).distinct()))
    for claim in session.scalars(select(Claim)):
        paid = claim.paid_pence if claim.state is ClaimState.PAID else 0
        if moved.get(claim.id, 0) != paid:
            yield f"claims: {claim.id} was paid something else than its moves say."
        if (claim.state in OVER) == (claim.id in spent):
            yield f"claims: {claim.id} is {claim.state.value}, and its days do not say so."
