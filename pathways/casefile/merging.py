"""Two records of one person become one, and can be two again.

What happened to the person moves: referrals, enrolments, introductions, spells, evidence, permissions, contacts. What
describes the record stays with it: its details, its profile, its moves, its shortlists. The record that is taken in is
void meanwhile, so no figure counts the person twice; the record that is kept learns what it did not know, by facts
that supersede its own. So both histories are kept, and undoing is putting back.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from pathways import audit
from pathways.base import Actor
from pathways.casefile.schemas import MergeOut, UndoneOut
from pathways.database import Session, WriteSession
from pathways.duplicates import actions as duplicate_actions
from pathways.duplicates import queries as duplicate_queries
from pathways.duplicates.models import PAIR_MOVES, PairEvent
from pathways.errors import Conflict, RuleBroken
from pathways.holdings import Holding
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import (
    DETAIL_NAMES,
    PROFILE_NAMES,
    Jobseeker,
    JobseekerDetails,
    JobseekerEvent,
    JobseekerState,
    Merge,
    ProfileVersion,
)

BLANK: tuple[Any, ...] = (None, "", [])
WHAT = {
    "details": "The details were edited since the merge, so they are left as they are now.",
    "profile": "The profile was edited since the merge, so it is left as it is now.",
    "case": "The case has been closed, opened or assigned since the merge, so it is left as it is now.",
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
    before = _standing(session, kept, taken)
    try:
        with session.begin_nested():
            moved = {
                table: [str(one) for one in ids]
                for holding in holdings
                for table, ids in holding.reassign(session, taken.id, kept.id).items()
                if ids
            }
    except IntegrityError as clash:
        raise MergeRefused(
            "Both records are on a programme, or both are put forward for the same placement. End or withdraw one of"
            " the two first, then merge."
        ) from clash
    session.expire_all()
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
        before=before | {"after": _standing(session, kept, taken)},
        filled=filled,
        reason=reason,
    )
    session.add(made)
    audit.people_changed(session, actor, [taken.id])
    _say(session, actor, kept, taken, PairEvent.MERGE, reason)
    session.flush()
    return made


def _both(session: WriteSession, actor: Actor, kept_id: UUID, merged_id: UUID) -> tuple[Jobseeker, Jobseeker]:
    if kept_id == merged_id:
        raise RuleBroken("This is the same record. Name the other one.", pointer="/other_id")
    # In one order, so that two who merge the same pair the other way round wait for each other and not for ever.
    rows = {
        key: jobseeker_queries.jobseeker(session, actor, key, for_update=True) for key in sorted((kept_id, merged_id))
    }
    for key, row in rows.items():
        if row.merged_into_id is not None:
            raise MergeRefused(f"{row.reference} was merged into another record. Use that one.")
        if row.state is JobseekerState.VOIDED:
            pointer = "/other_id" if key == merged_id else "/jobseeker_id"
            raise RuleBroken(f"{row.reference} was made by mistake and is void.", pointer=pointer)
    return rows[kept_id], rows[merged_id]


def _standing(session: Session, kept: Jobseeker, taken: Jobseeker) -> dict[str, Any]:
    """Return how two records stand: what undoing compares with, and puts back."""
    profile = jobseeker_queries.profile(session, kept)
    return {
        "details": str(jobseeker_queries.details(session, kept).id),
        "profile": str(profile.id) if profile else None,
        "state": kept.state.value,
        "caseworker_id": str(kept.caseworker_id) if kept.caseworker_id else None,
        "programme_id": str(kept.programme_id) if kept.programme_id else None,
        "is_restricted": kept.is_restricted,
        "merged_state": taken.state.value,
    }


def _fill(session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker) -> list[str]:
    """Let the kept record learn what it does not know and the other one does; what differs is left as it is."""
    mine = jobseeker_actions.unsealed(session, jobseeker_queries.details(session, kept))
    theirs = jobseeker_actions.unsealed(session, jobseeker_queries.details(session, taken))
    learnt = {name: theirs[name] for name in DETAIL_NAMES if mine[name] in BLANK and theirs[name] not in BLANK}
    if learnt:
        jobseeker_actions.record_details(session, actor, kept, mine | learnt)
    ours, other = jobseeker_queries.profile(session, kept), jobseeker_queries.profile(session, taken)
    if other is None:
        return sorted(learnt)
    told = {name: getattr(ours, name) if ours else None for name in PROFILE_NAMES}
    more = {
        name: getattr(other, name)
        for name in PROFILE_NAMES
        if told[name] in BLANK and getattr(other, name) not in BLANK
    }
    if more:
        said_by = (dict(ours.said_by) if ours else {}) | {name: other.said_by.get(name, "merge") for name in more}
        jobseeker_actions.add_profile(session, actor, kept, told | more, said_by=said_by, **_beside(ours or other))
    return sorted({*learnt, *more})


def _beside(version: ProfileVersion) -> dict[str, Any]:
    """Return what a profile version says beside its fields."""
    names = ("agreed_on", "agreed_by", "own_words", "note", "experiences", "barriers")
    return {name: getattr(version, name) for name in names}


def _take_case(session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker) -> None:
    """Open the kept case where the other one was open, and give it that one's caseworker where it has none."""
    if taken.state is JobseekerState.OPEN:
        jobseeker_actions.open_case(session, actor, kept)
    whose = kept.caseworker_id or taken.caseworker_id, kept.programme_id or taken.programme_id
    if whose != (kept.caseworker_id, kept.programme_id):
        jobseeker_actions.assign(session, actor, kept, *whose)


def _say(session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker, event: PairEvent, reason: str) -> None:
    """Say of their pair, where one was found, what became of it."""
    pair = duplicate_queries.between(session, kept.partner_id, kept.id, taken.id)
    if pair is None:
        return
    if event is PairEvent.MERGE and (pair.state, event) not in PAIR_MOVES:
        duplicate_actions.say(session, actor, pair, PairEvent.SAME, reason)
    if (pair.state, event) in PAIR_MOVES:
        duplicate_actions.say(session, actor, pair, event, reason)


def undo(
    session: WriteSession, actor: Actor, holdings: Sequence[Holding], made: Merge, reason: str
) -> tuple[Merge, UndoneOut]:
    """Make them two records again: what moved goes back, with what hangs on it since; say what cannot be put back."""
    kept = jobseeker_queries.jobseeker(session, actor, made.jobseeker_id, for_update=True)
    taken = jobseeker_queries.jobseeker(session, actor, made.merged_id, for_update=True)
    if kept.merged_into_id is not None:
        raise UndoRefused(f"{kept.reference} was merged into another record since. Undo that merge first.")
    later = session.scalars(jobseeker_queries.merges_into(kept).where(Merge.id > made.id)).first()
    if later is not None and _overlaps(made, later):
        raise UndoRefused("Another record was merged into this one since. Undo that merge first.")
    gone = {table: {UUID(one) for one in ids} for table, ids in made.moved.items()}
    stay: dict[str, int] = {}
    counts: dict[str, int] = {}
    try:
        with session.begin_nested():
            for holding in holdings:
                back, there = holding.put_back(session, gone, taken.id, kept.id, made.recorded_at)
                gone |= back
                counts |= {table: len(ids) for table, ids in back.items() if ids}
                stay |= {table: count for table, count in there.items() if count}
    except IntegrityError as clash:
        raise UndoRefused(
            "What happened since ties the two records together: a place, an enrolment or evidence hangs on both."
        ) from clash
    session.expire_all()
    left = _restore(session, actor, kept, taken, made.before)
    withdrawn = made.withdrawn(actor, reason)
    withdrawn.moved = {table: sorted(map(str, ids)) for table, ids in gone.items() if ids}
    session.add(withdrawn)
    audit.people_changed(session, actor, [taken.id])
    _say(session, actor, kept, taken, PairEvent.UNDO, reason)
    session.flush()
    told = UndoneOut(
        jobseeker_id=kept.id, restored_id=taken.id, put_back=counts, stays=stay, left=[WHAT[name] for name in left]
    )
    return withdrawn, told


def _overlaps(made: Merge, later: Merge) -> bool:
    """Whether a later merge rests on what this one did: it filled or moved the same record's facts."""
    return any(later.before[name] != made.before[name] for name in ("details", "profile"))


def _restore(
    session: WriteSession, actor: Actor, kept: Jobseeker, taken: Jobseeker, before: Mapping[str, Any]
) -> list[str]:
    """Put back how the two stood, where it stands as the merge left it; return what was edited since."""
    after, now = before["after"], _standing(session, kept, taken)
    left = []
    taken.merged_into_id = None
    jobseeker_actions.restore(session, actor, taken, JobseekerState(before["merged_state"]))
    if now["details"] != after["details"]:
        left.append("details")
    elif after["details"] != before["details"]:
        old = session.get_one(JobseekerDetails, UUID(before["details"]))
        jobseeker_actions.record_details(session, actor, kept, jobseeker_actions.unsealed(session, old))
    if now["profile"] != after["profile"]:
        left.append("profile")
    elif after["profile"] != before["profile"]:
        _restore_profile(session, actor, kept, before["profile"])
    case = ("state", "caseworker_id", "programme_id")
    if any(now[name] != after[name] for name in case):
        left.append("case")
    else:
        caseworker, programme = (UUID(before[name]) if before[name] else None for name in case[1:])
        jobseeker_actions.assign(session, actor, kept, caseworker, programme)
        if before["state"] != after["state"]:
            jobseeker_actions.restore(session, actor, kept, JobseekerState(before["state"]))
    if now["is_restricted"] == after["is_restricted"]:
        kept.is_restricted = before["is_restricted"]
    return left


def _restore_profile(session: WriteSession, actor: Actor, kept: Jobseeker, before: str | None) -> None:
    """Write the profile that stood before as the newest version; where there was none, one that knows nothing."""
    if before is None:
        jobseeker_actions.add_profile(session, actor, kept, dict.fromkeys(PROFILE_NAMES), said_by={})
        return
    old = session.get_one(ProfileVersion, UUID(before))
    columns = {name: getattr(old, name) for name in PROFILE_NAMES}
    jobseeker_actions.add_profile(session, actor, kept, columns, said_by=dict(old.said_by), **_beside(old))


def shown(session: Session, made: Merge) -> MergeOut:
    return shown_all(session, [made])[0]


def shown_all(session: Session, merges: Sequence[Merge]) -> list[MergeOut]:
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
