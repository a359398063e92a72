"""Merge two records of one jobseeker, and undo a merge.

One record is kept, and the other is merged into it. Rows about what happened to the jobseeker move to the kept record:
referrals, enrolments, introductions, spells, evidence, permissions and contacts. Rows that describe a record stay with
that record: details, profile, changes of state and shortlists. Empty fields of the kept record are filled with values
of the merged record, as new facts that supersede the earlier facts. Until the merge is undone, the merged record is
void, so that no figure counts the jobseeker twice. Undoing the merge moves the rows back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from pathways import audit
from pathways.base import Actor, Role
from pathways.casefile.joined import columns_of, joined_fields
from pathways.casefile.schemas import MergeOut, UndoneOut
from pathways.claims import queries as claim_queries
from pathways.constraints import broken_constraint
from pathways.database import Session, WriteSession
from pathways.duplicates import actions as duplicate_actions
from pathways.duplicates import queries as duplicate_queries
from pathways.duplicates.models import PAIR_MOVES, PairEvent, PairState
from pathways.enrolments import queries as enrolment_queries
from pathways.errors import Conflict, RuleBroken
from pathways.fields import SHAREABLE, Group
from pathways.holdings import Holding, TiedTogether
from pathways.introductions.models import OPEN, Introduction
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import exclusions, identifiers, identify, joining, profile, restrictions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.details import Details
from pathways.jobseekers.models import (
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
from pathways.protection import actions as protection
from pathways.protection import queries as protection_queries
from pathways.referrals.models import Referral, ReferralState
from pathways.shortlists import safety

LEFT_TEXTS = {
    "details": "Personal details edited since the merge stay as they are now.",
    "profile": "Profile fields edited since the merge stay as they are now.",
    "case": "The case was closed, opened or assigned since the merge, so the case stays as it is now.",
    "restricted": "The record was restricted since the merge, so both records are now restricted.",
    "kept_restricted": "The record stays restricted, because it contains data recorded or edited since the merge.",
    "protective_fields": "What was recorded since the merge about safe contact, an interpreter, what to avoid,"
    " adjustments or travelling alone is now in both records. Check in which it belongs.",
    "protected": "A safety exclusion or withdrawn permission recorded since the merge now applies to both records.",
}


class MergeRefused(Conflict):
    """The two records cannot be merged in their present state."""

    title = "These two records cannot be merged now"


class UndoRefused(Conflict):
    """The merge cannot be undone in the present state of its records."""

    title = "This merge cannot be undone now"


def merge(
    session: WriteSession, actor: Actor, holdings: Sequence[Holding], kept_id: UUID, merged_id: UUID, reason: str
) -> Merge:
    """Merge one record of a jobseeker into another. No data is lost, and the merge can be undone.

    Refuse if the pair was marked as different people, or if rows of the two records together violate a unique
    constraint. Also refuse if an open introduction of one record breaks a safety exclusion of the other record.
    """
    kept, taken = _both(session, actor, kept_id, merged_id)
    pair = duplicate_queries.between(session, kept.partner_id, kept.id, taken.id)
    if pair is not None and pair.state is PairState.DIFFERENT:
        raise MergeRefused(
            "These records were marked as two different people. If that is wrong, first mark them as the same person,"
            " then merge."
        )
    before = _states_before(session, kept, taken)
    session.info["merging"] = True
    try:
        with session.begin_nested():
            moved = {
                table: [str(row_id) for row_id in ids]
                for holding in holdings
                for table, ids in holding.reassign(session, taken.id, kept.id).items()
                if ids
            }
    except IntegrityError as clash:
        if (broken_constraint(clash) or "").startswith("uq_claim_"):
            raise MergeRefused(
                "Claims of both records use the same days, evidence or document, so the funder would pay twice for one"
                " person. Reverse or withdraw one of the claims first, then merge."
            ) from clash
        raise MergeRefused(
            "Are you sure that they are one person? If so: both records have an open enrolment, or both are put forward"
            " for the same placement. End one enrolment or withdraw one introduction first, then merge."
        ) from clash
    session.expire_all()
    _must_be_safe(session, kept)
    filled = _fill(session, actor, kept, taken)
    _take_case(session, actor, kept, taken)
    _notify_caseworkers(session, actor, kept, taken)
    jobseeker_actions.move(session, actor, taken, JobseekerEvent.VOID, reason=f"Merged into {kept.reference}.")
    taken.merged_into_id = kept.id
    if taken.is_restricted:
        restrictions.restrict(session, actor, kept, "The other record was restricted.")
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
    protection.protect(session, actor, kept)
    # Duplicates of the merged record are now duplicates of the kept record, which may also have learnt a field from it.
    details = identifiers.unsealed(session, jobseeker_queries.details(session, taken))
    duplicate_actions.find_candidates(session, actor, [(kept, details)])
    identify.note(session, kept.partner_id, [kept.id])
    return made


def _notify_of_double_claims(session: WriteSession, actor: Actor, kept: Jobseeker) -> None:
    """Send the team managers a notice about each claim that duplicates another claim of the kept record."""
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
        raise RuleBroken("A record cannot be merged with itself. Give the id of the other record.", pointer="/other_id")
    rows = _locked(session, actor, kept_id, merged_id)
    for key, row in rows.items():
        if row.merged_into_id is not None:
            if key == merged_id and row.merged_into_id == kept_id:
                raise MergeRefused(
                    f"{row.reference} is already merged into {rows[kept_id].reference}. There is nothing more to do."
                )
            raise MergeRefused(
                f"{row.reference} has already been merged into another record. Merge with that record instead."
            )
        if row.state is JobseekerState.VOIDED:
            pointer = "/other_id" if key == merged_id else "/jobseeker_id"
            raise RuleBroken(
                f"{row.reference} is void, so it cannot be merged. Choose another record.", pointer=pointer
            )
    return rows[kept_id], rows[merged_id]


def _locked(session: WriteSession, actor: Actor, *ids: UUID) -> dict[UUID, Jobseeker]:
    """Return the records by id, and lock them in the order of their ids.

    The fixed order prevents a deadlock between two requests that merge the same pair in opposite directions.
    """
    return {key: jobseeker_queries.jobseeker(session, actor, key, for_update=True) for key in sorted(ids)}


def _states_before(session: Session, kept: Jobseeker, taken: Jobseeker) -> dict[str, Any]:
    """Return the present state of both records. An undo finds later changes by it, and restores the records to it."""
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
    """Refuse the merge if an open introduction of one record breaks a safety exclusion of the other record.

    Otherwise the jobseeker could be sent to a place that they must be kept away from.
    """
    rows = select(Introduction).where(
        Introduction.partner_id == kept.partner_id, Introduction.jobseeker_id == kept.id, Introduction.state.in_(OPEN)
    )
    for introduction in session.scalars(rows):
        try:
            safety.must_not_be_excluded(session, kept, session.get_one(Placement, introduction.placement_id))
        except safety.ExcludedForSafety as excluded:
            raise MergeRefused(
                "One record is put forward for a placement that a safety exclusion of the other record forbids."
                " Withdraw that introduction first, then merge."
            ) from excluded


def _fill(session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker) -> list[str]:
    """Fill blank fields of the kept record from the merged record, and join what protects.

    Returns the names of the fields that changed.
    """
    joined = joined_fields(session, kept, taken, actor.today)
    if joined.details:
        kept_details = identifiers.unsealed(session, jobseeker_queries.details(session, kept))
        jobseeker_actions.record_details(session, actor, kept, kept_details.changed(joined.details))
    if joined.columns or joined.about:
        kept_profile, taken_profile = (
            jobseeker_queries.profile(session, kept),
            jobseeker_queries.profile(session, taken),
        )
        said_by = dict(kept_profile.said_by) if kept_profile else {}
        if taken_profile is not None:
            said_by |= {name: taken_profile.said_by.get(name, "merge") for name in joined.columns}
        about = joining.accompanying(kept_profile, taken_profile)
        _write_profile(session, actor, kept, {**columns_of(kept_profile), **joined.columns}, said_by, about)
    return joined.names


def _write_profile(
    session: WriteSession,
    actor: Actor,
    kept: Jobseeker,
    columns: Mapping[str, Any],
    said_by: Mapping[str, str],
    about: Mapping[str, Any],
) -> None:
    """Record a profile version with no day of agreement."""
    profile.add_profile(session, actor, kept, columns, said_by=said_by, **about)


def _take_case(session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker) -> None:
    """Open the kept record's case if the merged record's is open. Assign it by the open enrolment, if any."""
    if taken.state is JobseekerState.OPEN:
        jobseeker_actions.open_case(session, actor, kept)
    enrolment = enrolment_queries.open_enrolment(session, kept)
    assignment = (
        (enrolment.caseworker_id, enrolment.programme_id)
        if enrolment is not None
        else (kept.caseworker_id or taken.caseworker_id, None)
    )
    if assignment != (kept.caseworker_id, kept.programme_id):
        jobseeker_actions.assign(session, actor, kept, *assignment)


def _notify_caseworkers(session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker) -> None:
    """Notify the caseworker of the kept record what was added, and that of the other record who has the case now."""
    jobseeker_actions.notify_caseworker(session, actor, kept, kept.caseworker_id, NoticeKind.CASE_MERGED)
    if taken.caseworker_id != kept.caseworker_id:
        jobseeker_actions.notify_caseworker(session, actor, kept, taken.caseworker_id, NoticeKind.CASE_REASSIGNED)


def _record_pair_event(
    session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker, event: PairEvent, reason: str
) -> None:
    """If the two records are stored as a possible duplicate whose state permits the event, record the event."""
    pair = duplicate_queries.between(session, kept.partner_id, kept.id, taken.id)
    if pair is not None and (pair.state, event) in PAIR_MOVES:
        duplicate_actions.record_event(session, actor, pair, event, reason)


def undo(
    session: WriteSession, actor: Actor, holdings: Sequence[Holding], made: Merge, reason: str
) -> tuple[Merge, UndoneOut]:
    """Undo a merge: move back its rows and later rows that depend on them. The result says what is not restored."""
    rows = _locked(session, actor, made.jobseeker_id, made.merged_id)
    kept, taken = rows[made.jobseeker_id], rows[made.merged_id]
    if kept.merged_into_id is not None:
        raise UndoRefused(
            f"{kept.reference} has since been merged into another record. Undo that merge first, then this one."
        )
    if session.scalars(jobseeker_queries.merges_into(kept).where(Merge.id > made.id).limit(1)).first() is not None:
        raise UndoRefused("Another record was merged into this record later. Undo that merge first, then this one.")
    session.info["merging"] = True
    moved = {table: {UUID(row_id) for row_id in ids} for table, ids in made.moved.items()}
    moving = {held.model.__tablename__ for holding in holdings for held in holding.moving}
    stay: dict[str, int] = {}
    counts: dict[str, int] = {}
    try:
        with session.begin_nested():
            for holding in holdings:
                back, staying = holding.put_back(session, moved, taken.id, kept.id, made.recorded_at, moving)
                moved |= back
                counts |= {table: len(ids) for table, ids in back.items() if ids}
                stay |= {table: count for table, count in staying.items() if count}
    except (IntegrityError, TiedTogether) as clash:
        raise UndoRefused(
            "A place, an enrolment or evidence recorded since the merge belongs to both records, so they cannot be"
            " separated now. End or withdraw it where you can, then undo the merge."
        ) from clash
    session.expire_all()
    recorded_since = _protective_since(session, kept, made.before["after"])
    left, as_before = _restore(session, actor, kept, taken, made.before, stays=bool(stay))
    if _give_protective(session, actor, taken, *recorded_since):
        left.append("protective_fields")
    if _protect_both(session, actor, kept, taken, made.recorded_at):
        left.append("protected")
    withdrawn = made.withdrawn(actor, reason)
    withdrawn.moved = {table: sorted(map(str, ids)) for table, ids in moved.items() if ids}
    session.add(withdrawn)
    audit.people_changed(session, actor, [taken.id])
    _record_pair_event(session, actor, kept, taken, PairEvent.UNDO, reason)
    session.flush()
    for person in (kept, taken):
        protection.protect(session, actor, person)
        duplicate_actions.refresh_pairs(session, actor, person)
    identify.note(session, kept.partner_id, [kept.id, taken.id])
    result = UndoneOut(
        jobseeker_id=kept.id,
        restored_id=taken.id,
        put_back=counts,
        stays=stay,
        left=[LEFT_TEXTS[name] for name in left],
        as_before=as_before,
    )
    return withdrawn, result


def _restore(
    session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker, before: Mapping[str, Any], *, stays: bool
) -> tuple[list[str], list[str]]:
    """Restore both records to their state before the merge, except for what was edited since.

    Returns the keys of ``LEFT_TEXTS`` that describe what was not restored, and the names of the kept record's fields
    that are again as before the merge.
    """
    after, now = before["after"], _states_before(session, kept, taken)
    left = []
    is_edited, details_back = _restore_details(session, actor, kept, before, after)
    if is_edited:
        left.append("details")
    is_edited, profile_back = _restore_profile(session, actor, kept, before, after)
    if is_edited:
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
    jobseeker_actions.notify_caseworker(session, actor, taken, taken.caseworker_id, NoticeKind.CASE_ASSIGNED)
    if now["is_restricted"] and not after["is_restricted"]:
        restrictions.restrict(session, actor, taken, "It was restricted while two records were one.")
        left.append("restricted")
    elif now["is_restricted"] and not before["is_restricted"]:
        if stays or left:
            left.append("kept_restricted")
        else:
            restrictions.lift(session, actor, kept, "A merge of two records was undone.")
    return left, sorted(details_back | profile_back)


def _state_of(session: Session, person: Jobseeker, before: JobseekerState) -> JobseekerState:
    """Return open if enrolled, or if ``before`` is referred and a referral is accepted now; otherwise ``before``."""
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
    """Assign a case to the caseworker and programme of its open enrolment.

    Without an open enrolment, assign it to the caseworker ``otherwise`` and to no programme.
    """
    enrolment = enrolment_queries.open_enrolment(session, person)
    assignment = (enrolment.caseworker_id, enrolment.programme_id) if enrolment is not None else (otherwise, None)
    if assignment != (person.caseworker_id, person.programme_id):
        jobseeker_actions.assign(session, actor, person, *assignment)


def _restore_details(
    session: WriteSession, actor: Actor, kept: Jobseeker, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[bool, set[str]]:
    """Empty the details that the merge filled, unless edited since.

    Returns whether any detail was edited since, and the names of those that are as before.
    """
    if before["details"] == after["details"]:
        return False, set()
    old, new = (
        identifiers.unsealed(session, session.get_one(JobseekerDetails, UUID(states["details"])))
        for states in (before, after)
    )
    now = identifiers.unsealed(session, jobseeker_queries.details(session, kept))
    back = _unedited(old.as_dict(), new.as_dict(), now.as_dict())
    if back:
        jobseeker_actions.record_details(session, actor, kept, now.changed(back))
    return now != new, set(back) - {"as_written"}


def _restore_profile(
    session: WriteSession, actor: Actor, kept: Jobseeker, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[bool, set[str]]:
    """Empty the profile fields that the merge filled, unless edited since.

    Returns whether any field was edited since, and the names of those that are as before.
    """
    if before["profile"] == after["profile"]:
        return False, set()
    old = session.get(ProfileVersion, UUID(before["profile"])) if before["profile"] else None
    new = session.get_one(ProfileVersion, UUID(after["profile"]))
    now = jobseeker_queries.profile(session, kept)
    columns = columns_of(now)
    back = _unedited(columns_of(old), columns_of(new), columns)
    about = _about(now)
    about_back = _unedited(_about(old), _about(new), about)
    if back or about_back:
        said_by = {name: by for name, by in (now.said_by if now else {}).items() if name not in back}
        _write_profile(session, actor, kept, columns | back, said_by, about | about_back)
    return columns != columns_of(new) or about != _about(new), {*back, *about_back}


def _about(version: ProfileVersion | None) -> dict[str, Any]:
    return {name: getattr(version, name, None) for name in joining.ACCOMPANYING}


def _unedited(old: Mapping[str, Any], new: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a merge changed and that were not edited since, with their values before the merge."""
    return {name: old[name] for name in old if new[name] != old[name] and now[name] == new[name]}


def _protective_since(
    session: Session, kept: Jobseeker, after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what protects the jobseeker in the kept record and was recorded since the merge: details and profile."""
    then = identifiers.unsealed(session, session.get_one(JobseekerDetails, UUID(after["details"])))
    now = identifiers.unsealed(session, jobseeker_queries.details(session, kept))
    version = session.get(ProfileVersion, UUID(after["profile"])) if after["profile"] else None
    columns = columns_of(jobseeker_queries.profile(session, kept))
    return joining.protective_since(then, now), joining.protective_columns_since(columns_of(version), columns)


def _give_protective(
    session: WriteSession, actor: Actor, taken: Jobseeker, details: Mapping[str, Any], columns: Mapping[str, Any]
) -> bool:
    """Add to the other record what protects and was recorded since the merge; nobody can tell to whom it belongs.

    Returns whether there was anything to add.
    """
    if details:
        own = identifiers.unsealed(session, jobseeker_queries.details(session, taken))
        new = joining.protective_details(own, Details(**details))
        joining.must_fit(new)
        if new:
            jobseeker_actions.record_details(session, actor, taken, own.changed(new))
    if columns:
        version = jobseeker_queries.profile(session, taken)
        own_columns = columns_of(version)
        changes = joining.protective_columns(own_columns, columns)
        if changes:
            said_by = (dict(version.said_by) if version else {}) | dict.fromkeys(changes, "merge")
            _write_profile(session, actor, taken, own_columns | changes, said_by, _about(version))
    return bool(details or columns)


def _protect_both(session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker, since: datetime) -> bool:
    """Copy each safety exclusion or withdrawn permission recorded since the merge, so that both records have it.

    Nobody can tell which record each one belongs to, so both get it. Returns whether anything was added.
    """
    has_added = False
    for person, other in ((kept, taken), (taken, kept)):
        for exclusion in session.scalars(jobseeker_queries.facts_about(SafetyExclusion, person)).all():
            if since < exclusion.recorded_at < actor.at:
                exclusions.exclude_as(session, actor, other, exclusion)
                has_added = True
        for revoked in session.scalars(jobseeker_queries.facts_about(SharingPermission, person)).all():
            if since < revoked.recorded_at < actor.at and not revoked.is_granted:
                has_added |= _revoke_too(session, actor, other, revoked)
    return has_added


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
    session.flush()  # a simultaneous revocation fails here
    return True


def reply(session: Session, actor: Actor, made: Merge) -> MergeOut:
    """Return a merge with what it stopped and, if it withheld or restricted anything, what had already been read."""
    shape = replies(session, actor, [made])[0]
    kept = jobseeker_queries.jobseeker(session, actor, made.jobseeker_id)
    stopped = protection.stopped_at(session, kept, made.recorded_at)
    is_restricted = made.before["after"]["is_restricted"] and not made.before["is_restricted"]
    if is_restricted or "contact_withheld_reason" in made.filled:
        groups = SHAREABLE if is_restricted else frozenset({Group.CONTACT})
        ids = protection_queries.ever_permitted(session, kept)
        read = protection_queries.earlier_readings(session, kept, ids, groups)
        stopped = stopped.model_copy(update={"already_read": stopped.already_read or read})
    return shape.model_copy(update={"stopped": stopped})


def replies(session: Session, actor: Actor, merges: Sequence[Merge]) -> list[MergeOut]:
    ids = {key for made in merges for key in (made.jobseeker_id, made.merged_id)}
    actor.reading.people |= ids
    columns = (Jobseeker.id, Jobseeker.reference, Jobseeker.caseworker_id)
    people = {row.id: row for row in session.execute(select(*columns).where(Jobseeker.id.in_(ids)))}
    return [
        MergeOut(
            id=made.id,
            jobseeker_id=made.jobseeker_id,
            reference=people[made.jobseeker_id].reference,
            merged_id=made.merged_id,
            merged_reference=people[made.merged_id].reference,
            caseworker_id=people[made.jobseeker_id].caseworker_id,
            made_at=made.recorded_at,
            by=made.by,
            reason=made.reason,
            moved={table: len(ids) for table, ids in made.moved.items()},
            filled=made.filled,
        )
        for made in merges
    ]
