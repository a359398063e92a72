"""Two records of one person become one, and can be two again.

What happened to the person moves: referrals, enrolments, introductions, spells, evidence, permissions, contacts. What
describes the record stays with it: its details, its profile, its moves, its shortlists. The record that is taken in is
void meanwhile, so no figure counts the person twice; the record that is kept learns what it did not know, by facts
that supersede its own. So both histories are kept, and undoing is putting back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from pathways import audit
from pathways.base import Actor, Role
from pathways.casefile.schemas import MergeOut, UndoneOut
from pathways.claims import queries as claim_queries
from pathways.database import Session, WriteSession
from pathways.duplicates import actions as duplicate_actions
from pathways.duplicates import queries as duplicate_queries
from pathways.duplicates.models import PAIR_MOVES, PairEvent, PairState
from pathways.enrolments import queries as enrolment_queries
from pathways.errors import Conflict, RuleBroken
from pathways.holdings import Holding, TiedTogether
from pathways.introductions.models import OPEN, Introduction
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import exclusions, formats, identifiers, profile
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import (
    DETAIL_NAMES,
    PROFILE_NAMES,
    Jobseeker,
    JobseekerDetails,
    JobseekerEvent,
    JobseekerMove,
    JobseekerState,
    Merge,
    ProfileVersion,
    SafetyExclusion,
    SharingPermission,
)
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.placements.models import Placement
from pathways.referrals.models import Referral, ReferralState
from pathways.shortlists import safety

BLANK: tuple[Any, ...] = (None, "", [])
# How somebody may be reached is one thing: none of it is taken from a record where either says that it is withheld.
REACHED_BY = ("phone", "email", "postcode")
WITHHELD = ("contact_withheld_reason", "safe_contact")
HOURS = ("hours_min", "hours_max")
BESIDE = ("own_words", "note", "experiences", "barriers")
WHAT = {
    "details": "Details that were edited since the merge are left as they are now.",
    "profile": "Profile fields that were edited since the merge are left as they are now.",
    "case": "The case has been closed, opened or assigned since the merge, so it is left as it is now.",
    "restricted": "The record was restricted since the merge, so both are restricted now.",
    "kept_restricted": "The record stays restricted, for something recorded or edited since the merge stays in it.",
    "protected": "What protects the person and was recorded since the merge holds for both records now.",
}


class MergeRefused(Conflict):
    title = "These two records cannot be merged now"


class UndoRefused(Conflict):
    title = "This merge cannot be undone now"


def merge(
    session: WriteSession, actor: Actor, holdings: Sequence[Holding], kept_id: UUID, merged_id: UUID, reason: str
) -> Merge:
    """Take one record into another of the same person; nothing is lost, and it can be undone."""
    kept, taken = _both(session, actor, kept_id, merged_id)
    pair = duplicate_queries.between(session, kept.partner_id, kept.id, taken.id)
    if pair is not None and pair.state is PairState.DIFFERENT:
        raise MergeRefused("Somebody said that these are two people. Say otherwise of the pair first.")
    before = _states_before(session, kept, taken)
    session.info["merging"] = True
    try:
        with session.begin_nested():
            moved = {
                table: [str(one) for one in ids]
                for holding in holdings
                for table, ids in holding.reassign(session, taken.id, kept.id).items()
                if ids
            }
    except IntegrityError as clash:
        if "claim_" in str(clash.orig):
            raise MergeRefused(
                "Claims of both records stand on the same days, evidence or document: one person would be paid for"
                " twice. Reverse or withdraw one of them first, then merge."
            ) from clash
        raise MergeRefused(
            "Both records are on a programme, or both are put forward for the same placement. End or withdraw one of"
            " the two first, then merge."
        ) from clash
    session.expire_all()
    _must_be_safe(session, kept)
    filled = _fill(session, actor, kept, taken)
    _take_case(session, actor, kept, taken)
    jobseeker_actions.move(session, actor, taken, JobseekerEvent.VOID, reason=f"Merged into {kept.reference}.")
    taken.merged_into_id = kept.id
    kept.is_restricted = kept.is_restricted or taken.is_restricted
    session.flush()
    made = Merge.recorded(
        actor,
        partner_id=kept.partner_id,
        jobseeker_id=kept.id,
        merged_id=taken.id,
        moved=moved,
        before=before | {"after": _states_before(session, kept, taken)},
        filled=filled,
        reason=reason,
    )
    session.add(made)
    audit.people_changed(session, actor, [taken.id])
    _record_pair_event(session, actor, kept, taken, PairEvent.MERGE, reason)
    session.flush()
    _notify_of_double_claims(session, actor, kept)
    # Whoever was like the record taken in is like this one now.
    told = identifiers.unsealed(session, jobseeker_queries.details(session, taken))
    duplicate_actions.find_candidates(session, actor, [(kept, told)])
    return made


def _notify_of_double_claims(session: WriteSession, actor: Actor, kept: Jobseeker) -> None:
    """Tell the team managers where the two, who are one person, were claimed for twice at the same time."""
    for claim in claim_queries.claimed_twice(session, kept):
        message_actions.notify_roles(
            session,
            actor,
            kept.partner_id,
            [Role.TEAM_MANAGER],
            NoticeKind.CLAIM_TWICE,
            about=("claims", claim.id),
        )


def _both(session: WriteSession, actor: Actor, kept_id: UUID, merged_id: UUID) -> tuple[Jobseeker, Jobseeker]:
    if kept_id == merged_id:
        raise RuleBroken("This is the same record. Name the other one.", pointer="/other_id")
    rows = _locked(session, actor, kept_id, merged_id)
    for key, row in rows.items():
        if row.merged_into_id is not None:
            raise MergeRefused(f"{row.reference} was merged into another record. Use that one.")
        if row.state is JobseekerState.VOIDED:
            pointer = "/other_id" if key == merged_id else "/jobseeker_id"
            raise RuleBroken(f"{row.reference} was made by mistake and is void.", pointer=pointer)
    return rows[kept_id], rows[merged_id]


def _locked(session: WriteSession, actor: Actor, *ids: UUID) -> dict[UUID, Jobseeker]:
    """Return records locked in one order, so that two who merge the same pair the other way round only wait."""
    return {key: jobseeker_queries.jobseeker(session, actor, key, for_update=True) for key in sorted(ids)}


def _states_before(session: Session, kept: Jobseeker, taken: Jobseeker) -> dict[str, Any]:
    """Return how two records stand: what undoing compares with, and puts back."""
    profile = jobseeker_queries.profile(session, kept)
    return {
        "details": str(jobseeker_queries.details(session, kept).id),
        "profile": str(profile.id) if profile else None,
        "state": kept.state.value,
        "last_move": _last_move(session, kept),
        "caseworker_id": str(kept.caseworker_id) if kept.caseworker_id else None,
        "programme_id": str(kept.programme_id) if kept.programme_id else None,
        "is_restricted": kept.is_restricted,
        "merged_state": taken.state.value,
    }


def _last_move(session: Session, person: Jobseeker) -> str:
    rows = select(JobseekerMove.id).where(
        JobseekerMove.partner_id == person.partner_id, JobseekerMove.jobseeker_id == person.id
    )
    return str(session.scalars(rows.order_by(JobseekerMove.recorded_at.desc(), JobseekerMove.id.desc())).first())


def _must_be_safe(session: Session, kept: Jobseeker) -> None:
    """Refuse while somebody is put forward where the other record must not be sent: it would tell of them there."""
    rows = select(Introduction).where(
        Introduction.partner_id == kept.partner_id, Introduction.jobseeker_id == kept.id, Introduction.state.in_(OPEN)
    )
    for introduction in session.scalars(rows):
        try:
            safety.must_not_be_excluded(session, kept, session.get_one(Placement, introduction.placement_id))
        except safety.ExcludedForSafety as excluded:
            raise MergeRefused(
                "One record is put forward where the other one must not be sent. Withdraw that introduction first."
            ) from excluded


def _fill(session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker) -> list[str]:
    """Let the kept record learn what it does not know and the other one does; what differs is left as it is."""
    mine = identifiers.unsealed(session, jobseeker_queries.details(session, kept))
    theirs = identifiers.unsealed(session, jobseeker_queries.details(session, taken))
    names: Sequence[str] = DETAIL_NAMES
    if any(getattr(details, name) not in BLANK for details in (mine, theirs) for name in WITHHELD):
        names = [name for name in DETAIL_NAMES if name not in REACHED_BY]
    learnt = _unknown(mine.as_dict(), theirs.as_dict(), names)
    if learnt:
        jobseeker_actions.record_details(session, actor, kept, mine.changed(learnt))
    ours, other = jobseeker_queries.profile(session, kept), jobseeker_queries.profile(session, taken)
    if other is None:
        return sorted(learnt)
    told, said = _columns(ours), _columns(other)
    more = _unknown(told, said, PROFILE_NAMES)
    if formats.hours_are_crossed(told | more):
        more = {name: value for name, value in more.items() if name not in HOURS}
    if more:
        said_by = (dict(ours.said_by) if ours else {}) | {name: other.said_by.get(name, "merge") for name in more}
        _write_profile(session, actor, kept, told | more, said_by, ours or other)
    return sorted({*learnt, *more})


def _unknown(mine: Mapping[str, Any], theirs: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: theirs[name] for name in names if mine[name] in BLANK and theirs[name] not in BLANK}


def _columns(version: ProfileVersion | None) -> dict[str, Any]:
    return {name: getattr(version, name) if version else None for name in PROFILE_NAMES}


def _write_profile(
    session: WriteSession,
    actor: Actor,
    kept: Jobseeker,
    columns: Mapping[str, Any],
    said_by: Mapping[str, str],
    beside: ProfileVersion | None,
) -> None:
    """Write a version nobody has agreed to: the person agreed to what stood before, and that is kept."""
    about = {name: getattr(beside, name) for name in BESIDE} if beside is not None else {}
    profile.add_profile(session, actor, kept, columns, said_by=said_by, **about)


def _take_case(session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker) -> None:
    """Open the kept case where the other one was open; the open enrolment decides whose it is."""
    if taken.state is JobseekerState.OPEN:
        jobseeker_actions.open_case(session, actor, kept)
    enrolment = enrolment_queries.open_enrolment(session, kept)
    whose = (
        (enrolment.caseworker_id, enrolment.programme_id)
        if enrolment is not None
        else (kept.caseworker_id or taken.caseworker_id, None)
    )
    if whose != (kept.caseworker_id, kept.programme_id):
        jobseeker_actions.assign(session, actor, kept, *whose)


def _record_pair_event(
    session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker, event: PairEvent, reason: str
) -> None:
    """Say of their pair, where one was found, what became of it."""
    pair = duplicate_queries.between(session, kept.partner_id, kept.id, taken.id)
    if pair is not None and (pair.state, event) in PAIR_MOVES:
        duplicate_actions.record_event(session, actor, pair, event, reason)


def undo(
    session: WriteSession, actor: Actor, holdings: Sequence[Holding], made: Merge, reason: str
) -> tuple[Merge, UndoneOut]:
    """Make them two records again: what moved goes back, with what hangs on it since; say what cannot be put back."""
    rows = _locked(session, actor, made.jobseeker_id, made.merged_id)
    kept, taken = rows[made.jobseeker_id], rows[made.merged_id]
    if kept.merged_into_id is not None:
        raise UndoRefused(f"{kept.reference} was merged into another record since. Undo that merge first.")
    if session.scalars(jobseeker_queries.merges_into(kept).where(Merge.id > made.id).limit(1)).first() is not None:
        raise UndoRefused("Another record was merged into this one since. Undo that merge first.")
    session.info["merging"] = True
    gone = {table: {UUID(one) for one in ids} for table, ids in made.moved.items()}
    moving = {held.model.__tablename__ for holding in holdings for held in holding.moving}
    stay: dict[str, int] = {}
    counts: dict[str, int] = {}
    try:
        with session.begin_nested():
            for holding in holdings:
                back, there = holding.put_back(session, gone, taken.id, kept.id, made.recorded_at, moving)
                gone |= back
                counts |= {table: len(ids) for table, ids in back.items() if ids}
                stay |= {table: count for table, count in there.items() if count}
    except (IntegrityError, TiedTogether) as clash:
        raise UndoRefused(
            "What happened since ties the two records together: a place, an enrolment or evidence hangs on both."
        ) from clash
    session.expire_all()
    left = _restore(session, actor, kept, taken, made.before, stays=bool(stay))
    if _protect_both(session, actor, kept, taken, made.recorded_at):
        left.append("protected")
    withdrawn = made.withdrawn(actor, reason)
    withdrawn.moved = {table: sorted(map(str, ids)) for table, ids in gone.items() if ids}
    session.add(withdrawn)
    audit.people_changed(session, actor, [taken.id])
    _record_pair_event(session, actor, kept, taken, PairEvent.UNDO, reason)
    session.flush()
    for person in (kept, taken):
        duplicate_actions.refresh_pairs(session, actor, person)
    told = UndoneOut(
        jobseeker_id=kept.id, restored_id=taken.id, put_back=counts, stays=stay, left=[WHAT[name] for name in left]
    )
    return withdrawn, told


def _restore(
    session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker, before: Mapping[str, Any], *, stays: bool
) -> list[str]:
    """Put back how the two stood, field by field where nothing was edited since; return what could not be."""
    after, now = before["after"], _states_before(session, kept, taken)
    left = []
    if _restore_details(session, actor, kept, before, after):
        left.append("details")
    if _restore_profile(session, actor, kept, before, after):
        left.append("profile")
    taken.merged_into_id = None
    session.flush()
    jobseeker_actions.restore(session, actor, taken, _state_of(session, taken, JobseekerState(before["merged_state"])))
    if any(now[name] != after[name] for name in ("state", "last_move", "caseworker_id", "programme_id")):
        left.append("case")
        _assign_as_enrolled(session, actor, kept, kept.caseworker_id)
    else:
        _assign_as_enrolled(session, actor, kept, UUID(before["caseworker_id"]) if before["caseworker_id"] else None)
        if before["last_move"] != after["last_move"]:
            jobseeker_actions.restore(session, actor, kept, _state_of(session, kept, JobseekerState(before["state"])))
    _assign_as_enrolled(session, actor, taken, taken.caseworker_id)
    if now["is_restricted"] and not after["is_restricted"]:
        taken.is_restricted = True
        left.append("restricted")
    elif now["is_restricted"] and not before["is_restricted"]:
        if stays or left:
            left.append("kept_restricted")
        else:
            kept.is_restricted = False
    return left


def _state_of(session: Session, person: Jobseeker, before: JobseekerState) -> JobseekerState:
    """Return how a case stands by what it holds: enrolled, or accepted since, it is open; else as it was before."""
    if enrolment_queries.open_enrolment(session, person) is not None:
        return JobseekerState.OPEN
    accepted = select(Referral.id).where(
        Referral.partner_id == person.partner_id,
        Referral.jobseeker_id == person.id,
        Referral.state == ReferralState.ACCEPTED,
    )
    if before is JobseekerState.REFERRED and session.scalars(accepted.limit(1)).first() is not None:
        return JobseekerState.OPEN
    return before


def _assign_as_enrolled(session: WriteSession, actor: Actor, person: Jobseeker, otherwise: UUID | None) -> None:
    """Let the open enrolment decide whose case it is and on which programme; without one, nobody's programme."""
    enrolment = enrolment_queries.open_enrolment(session, person)
    whose = (enrolment.caseworker_id, enrolment.programme_id) if enrolment is not None else (otherwise, None)
    if whose != (person.caseworker_id, person.programme_id):
        jobseeker_actions.assign(session, actor, person, *whose)


def _restore_details(
    session: WriteSession, actor: Actor, kept: Jobseeker, before: Mapping[str, Any], after: Mapping[str, Any]
) -> bool:
    """Take back what a merge filled in, where it still stands; say whether something was edited since."""
    if before["details"] == after["details"]:
        return False
    old, new = (
        identifiers.unsealed(session, session.get_one(JobseekerDetails, UUID(told["details"])))
        for told in (before, after)
    )
    now = identifiers.unsealed(session, jobseeker_queries.details(session, kept))
    back = _taken_back(old.as_dict(), new.as_dict(), now.as_dict())
    if back:
        jobseeker_actions.record_details(session, actor, kept, now.changed(back))
    return now != new


def _restore_profile(
    session: WriteSession, actor: Actor, kept: Jobseeker, before: Mapping[str, Any], after: Mapping[str, Any]
) -> bool:
    if before["profile"] == after["profile"]:
        return False
    old = session.get(ProfileVersion, UUID(before["profile"])) if before["profile"] else None
    new = session.get_one(ProfileVersion, UUID(after["profile"]))
    now = jobseeker_queries.profile(session, kept)
    told = _columns(now)
    back = _taken_back(_columns(old), _columns(new), told)
    if back:
        said_by = {name: by for name, by in (now.said_by if now else {}).items() if name not in back}
        _write_profile(session, actor, kept, told | back, said_by, old if old is None else now)
    return told != _columns(new)


def _taken_back(old: Mapping[str, Any], new: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a merge changed and nobody has since, as they were before."""
    return {name: old[name] for name in old if new[name] != old[name] and now[name] == new[name]}


def _protect_both(session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker, since: datetime) -> bool:
    """Let what protects the person and was recorded while they were one hold for both: nobody knows whose it was."""
    found = False
    for one, other in ((kept, taken), (taken, kept)):
        for exclusion in session.scalars(jobseeker_queries.facts_about(SafetyExclusion, one)).all():
            if since < exclusion.recorded_at < actor.at:
                exclusions.exclude_as(session, actor, other, exclusion)
                found = True
        for revoked in session.scalars(jobseeker_queries.facts_about(SharingPermission, one)).all():
            if since < revoked.recorded_at < actor.at and not revoked.is_granted:
                found |= _revoke_too(session, actor, other, revoked)
    return found


def _revoke_too(session: WriteSession, actor: Actor, other: Jobseeker, revoked: SharingPermission) -> bool:
    current = jobseeker_queries.permission_for(session, other, revoked.social_enterprise_id)
    if current is None or not current.is_granted:
        return False
    session.add(
        SharingPermission.recorded(
            actor,
            partner_id=other.partner_id,
            jobseeker_id=other.id,
            supersedes=current.id,
            social_enterprise_id=revoked.social_enterprise_id,
            groups=revoked.groups,
            is_granted=False,
            how_given=revoked.how_given,
        )
    )
    session.flush()  # whoever revokes it at the same moment meets it here
    return True


def reply(session: Session, made: Merge) -> MergeOut:
    return replies(session, [made])[0]


def replies(session: Session, merges: Sequence[Merge]) -> list[MergeOut]:
    ids = {key for made in merges for key in (made.jobseeker_id, made.merged_id)}
    rows = session.execute(select(Jobseeker.id, Jobseeker.reference).where(Jobseeker.id.in_(ids)))
    references = {row.id: row.reference for row in rows}
    return [
        MergeOut(
            id=made.id,
            jobseeker_id=made.jobseeker_id,
            reference=references[made.jobseeker_id],
            merged_id=made.merged_id,
            merged_reference=references[made.merged_id],
            made_at=made.recorded_at,
            by=made.by,
            reason=made.reason,
            moved={table: len(ids) for table, ids in made.moved.items()},
            filled=made.filled,
        )
        for made in merges
    ]
