"""Record protective facts, and make everything under way obey them in the same transaction."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm.attributes import get_history

from pathways.access.models import User
from pathways.allocations import actions as allocation_actions
from pathways.allocations.models import AllocationLine
from pathways.base import Actor, Role
from pathways.database import Session, WriteSession, acting_as
from pathways.duplicates import actions as duplicate_actions
from pathways.errors import NotPermitted, RuleBroken
from pathways.fields import SHAREABLE, Group
from pathways.introductions import actions as introduction_actions
from pathways.introductions import reopening, stops
from pathways.introductions.models import OPEN, Introduction, IntroductionEvent, IntroductionState, Side, WhyNot
from pathways.introductions.stops import Stop
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import exclusions, restrictions, sharing
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import (
    ExclusionKind,
    Jobseeker,
    JobseekerState,
    SafetyExclusion,
    SharingPermission,
)
from pathways.jobseekers.personal_data import permission_reply
from pathways.jobseekers.schemas import JobseekerOut, NewPermission, NewSafetyExclusion
from pathways.messages import actions as message_actions
from pathways.messages import queries as message_queries
from pathways.messages.models import NoticeKind
from pathways.organisations.models import Membership
from pathways.placements.models import Placement
from pathways.protection import queries
from pathways.protection.schemas import (
    BarredPlacement,
    CaseRestricted,
    ExclusionRecorded,
    JobseekerChanged,
    PermissionGranted,
    PermissionRevoked,
    StoppedIntroduction,
    StoppedOut,
)
from pathways.shortlists import connected, safety

MOST_BARRED = 100
WITHHELD = "contact_withheld_reason"
NAMES_NOBODY = (
    "Nobody at a social enterprise is known by this full name or e-mail address, so this exclusion bars no placement by"
    " itself. Until that changes, each shortlist and introduction asks you to check for this person."
)
MAY_BE_ELSEWHERE = (
    "This person may work elsewhere too. Check each other placement when a shortlist or introduction asks you."
)
PLACES_UNKNOWN = (
    "A placement whose location is unknown may be in the excluded area. Check it when a shortlist or introduction asks"
    " you."
)


def exclude(session: WriteSession, actor: Actor, person: Jobseeker, new: NewSafetyExclusion) -> SafetyExclusion:
    """Record a safety exclusion and stop at once whatever it covers, also for records that may be the same person."""
    exclusion = exclusions.exclude(session, actor, person, new)
    protect(session, actor, person)
    for other in queries.may_be_the_same(session, person):
        jobseeker_queries.hold(session, other.id)
        protect(session, actor, other)
    return exclusion


def revoke(
    session: WriteSession, actor: Actor, person: Jobseeker, permission: SharingPermission, reason: str
) -> SharingPermission:
    """Revoke a permission. Links and messages to the social enterprise end, and it can take no further step."""
    revoked = sharing.revoke_permission(session, actor, person, permission, reason)
    protect(session, actor, person)
    return revoked


def grant(session: WriteSession, actor: Actor, person: Jobseeker, new: NewPermission) -> SharingPermission:
    """Record a permission to share. A stopped introduction that it opens again is announced to the listers again."""
    with reopening.announcing_again(session, actor, queries.live_introductions(session, person)):
        return sharing.grant_permission(session, actor, person, new)


def withdraw_exclusion(
    session: WriteSession, actor: Actor, person: Jobseeker, exclusion: SafetyExclusion, reason: str
) -> SafetyExclusion:
    """Withdraw a safety exclusion. A stopped introduction that this opens again is announced to the listers again."""
    with reopening.announcing_again(session, actor, queries.live_introductions(session, person)):
        return exclusions.withdraw_exclusion(session, actor, person, exclusion, reason)


def lift(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> Jobseeker:
    """Lift the restriction of a case. Introductions that only a suspicion stopped are announced to listers again."""
    with reopening.announcing_again(session, actor, queries.live_introductions(session, person)):
        return restrictions.lift(session, actor, person, reason)


def restrict(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> Jobseeker:
    """Restrict a case. Every permission is revoked until the caseworker has asked the jobseeker again.

    Refuse a case that is already restricted, because the reason would be lost.
    """
    if person.is_restricted and not restrictions.is_only_suspected(session, person):
        raise RuleBroken(
            "This case is already restricted. Nothing was changed. Record the new reason as a note or a contact."
        )
    restrictions.restrict(session, actor, person, reason)
    protect_restricted(session)
    return person


def protect_restricted(session: WriteSession) -> None:
    """Make everything under way obey each restriction of this transaction, whichever way it was recorded.

    Their likely duplicates are restricted too. New records have nothing under way, and were compared already.
    """
    actor = session.actor
    if actor is None or session.in_nested_transaction():
        return
    while noted := restrictions.taken_note(session):
        for jobseeker_id in noted:
            jobseeker_queries.hold(session, jobseeker_id)
            person = session.get_one(Jobseeker, jobseeker_id)
            if person.made_at != actor.at and person.state is not JobseekerState.VOIDED:
                duplicate_actions.restrict_likely_duplicates(session, actor, person)
                protect(session, actor, person)


event.listen(WriteSession, "before_commit", protect_restricted)


def change(session: WriteSession, actor: Actor, person: Jobseeker, changes: Mapping[str, Any]) -> Jobseeker:
    """Change details. A change that protects, of contact that is withheld or of a restriction, acts at once.

    Who may not read why contact is withheld may still add a reason to it, and cannot replace or clear what is there.
    """
    jobseeker_actions.must_not_be_void(person)
    visible = jobseeker_queries.visible_groups(actor, person)
    unread = sorted(name for name in changes if JobseekerOut.group_of.get(name, Group.RECORD) not in visible)
    given = dict(changes)
    if unread == [WITHHELD] and changes[WITHHELD]:
        given[WITHHELD] = jobseeker_actions.with_reason_to_withhold(session, person, changes[WITHHELD])
    elif unread:
        raise NotPermitted(
            f"You may not read {', '.join(unread)}, so you may not change it. Ask the jobseeker's caseworker or a team"
            " manager."
        )
    if given.pop("is_restricted", None):
        restrictions.restrict(session, actor, person, "")
        protect_restricted(session)
    elif changes.get("is_restricted") is False and person.is_restricted:
        raise RuleBroken(
            "A restriction is lifted by a team manager, with a reason. Use lift-restriction.", pointer="/is_restricted"
        )
    changed_person = jobseeker_actions.change(session, actor, person, given)
    # The change may show that the record resembles a restricted one; the reply says what that stopped.
    duplicate_actions.identify_noted(session, actor, person.partner_id, [person.id])
    protect_restricted(session)
    return changed_person


def protect(session: WriteSession, actor: Actor, person: Jobseeker) -> None:
    """Make everything under way obey the protective facts of a jobseeker. A repeated call changes nothing.

    An open introduction that a safety exclusion covers is withdrawn; the social enterprise is not told why. The
    permissions of that social enterprise are revoked. For every stopped introduction, links end and messages to the
    social enterprise are cancelled. The caseworker and the team managers are notified of what was withdrawn, unless
    they did it themselves, and of what needs a decision. If
    somebody outside the partner acts, such as a referrer, they are notified of every stopped introduction, and what
    ends is ended in the name of the member who recorded the exclusion.

    The caller has locked the jobseeker, on whom every step of either side waits; each step then asks ``stops`` again.
    """
    is_own, act_of = actor.organisation_id == person.partner_id, actor.user_id
    live = queries.live_introductions(session, person, for_update=True)
    stopped = stops.stops_of(session, live)
    no = introduction_actions.No(WhyNot.OTHER, Side.PARTNER, notifies=False)
    covered = [one for one in live if stopped.get(one.id) is Stop.EXCLUDED]
    told_of = {Stop.EXCLUDED, Stop.SUSPECTED, Stop.SAFETY_NOT_CHECKED} | (set() if is_own else {Stop.NOT_PERMITTED})
    actor = actor if is_own else _recorder(session, actor, person)
    with acting_as(session, actor):
        for one in covered:
            if one.state in OPEN:
                introduction_actions.move(session, actor, one, IntroductionEvent.WITHDRAW, reason=stops.COVERED, no=no)
                _notify_of_withdrawal(session, actor, person, one, by=act_of)
        _revoke_from(session, actor, person, _barred_organisations(session, person, live, covered))
        _end_ways_out(session, actor, [one for one in live if one.id in stopped])
        allocation_actions.close_lines(session, actor, person, stops.COVERED, is_closed=_covers(session, person))
        for one in live:
            if stopped.get(one.id) in told_of and one.state in stops.LIVE:
                _notify(session, actor, person, one)


def _recorder(session: Session, actor: Actor, person: Jobseeker) -> Actor:
    """Return the actor in whose name the partner ends something after an act of somebody else.

    It is who recorded the newest exclusion. Without an exclusion nothing is ended, and the actor stays.
    """
    rows = jobseeker_queries.facts_about(SafetyExclusion, person).order_by(SafetyExclusion.recorded_at.desc())
    newest = session.scalars(rows.limit(1)).first()
    if newest is None:
        return actor
    return actor.then(
        user_id=newest.by,
        organisation_id=person.partner_id,
        role=Role.TEAM_MANAGER,
        membership_id=None,
        key_id=None,
        doing="safety:record",
    )


# A change of what connects a person with a workplace, or says where it is, may bring an exclusion to bear.
CHANGED = "changed_workplaces"  # key of the session's note: ids of social enterprises
OF_LISTING = ("contact_email", "postcode", "easting", "northing", "place_basis", "remote")


def _note_changed_workplaces(session: WriteSession, *_: object) -> None:
    noted: set[UUID] = session.info.setdefault(CHANGED, set())
    for row in (*session.new, *session.dirty):
        if isinstance(row, Placement) and any(get_history(row, name).has_changes() for name in OF_LISTING):
            noted.add(row.social_enterprise_id)
        elif isinstance(row, Membership):
            noted.add(row.organisation_id)
        elif isinstance(row, User) and any(get_history(row, name).has_changes() for name in ("name", "email")):
            with session.no_autoflush:
                noted.update(queries.organisations_of(session, row.id))


def protect_from_changed_workplaces(session: WriteSession) -> None:
    """Make everything under way obey exclusions that came to bear by a change of a listing, a member or an account."""
    if session.actor is None or session.in_nested_transaction():
        return
    session.flush()  # notes what changed
    actor, noted = session.actor, session.info.pop(CHANGED, set())
    if not noted:
        return
    for jobseeker_id in session.scalars(queries.excluded_people_at(noted)).all():
        jobseeker_queries.hold(session, jobseeker_id)
        person = session.get_one(Jobseeker, jobseeker_id)
        live = queries.live_introductions(session, person)
        if {Stop.EXCLUDED, Stop.SUSPECTED} & set(stops.stops_of(session, live).values()):
            protect(session, actor, person)


event.listen(WriteSession, "before_flush", _note_changed_workplaces)
event.listen(WriteSession, "before_commit", protect_from_changed_workplaces)


def _covers(session: Session, person: Jobseeker) -> Callable[[AllocationLine], bool]:
    def is_covered(line: AllocationLine) -> bool:
        placement = session.get(Placement, line.placement_id) if line.placement_id else None
        return placement is not None and safety.is_excluded(session, person, placement)

    return is_covered


def _barred_organisations(
    session: Session, person: Jobseeker, live: Collection[Introduction], covered: Collection[Introduction]
) -> set[UUID]:
    """Return the social enterprises that must read nothing about the jobseeker from now on.

    Of an excluded area: those that have no introduction of the jobseeker outside it.
    """
    rows = session.scalars(jobseeker_queries.facts_about(SafetyExclusion, person)).all()
    named = connected.workplaces(session, rows)
    barred = {row.social_enterprise_id for row in rows if row.social_enterprise_id is not None}
    barred |= {organisation_id for ids in named.values() for organisation_id in ids}
    elsewhere = {one.social_enterprise_id for one in live if one not in covered}
    return barred | ({one.social_enterprise_id for one in covered} - elsewhere)


def _revoke_from(session: WriteSession, actor: Actor, person: Jobseeker, organisation_ids: Collection[UUID]) -> None:
    for organisation_id in sorted(organisation_ids):
        permission = jobseeker_queries.permission_for(session, person, organisation_id)
        if permission is not None and permission.is_granted:
            sharing.revoke_permission(session, actor, person, permission, "A safety exclusion was recorded.")


def _end_ways_out(session: WriteSession, actor: Actor, stopped: Collection[Introduction]) -> None:
    ids = [one.id for one in stopped]
    if ids:
        introduction_actions.end_links(session, ids, actor.at)
        enterprises = {one.social_enterprise_id for one in stopped}
        message_actions.cancel(session, actor, enterprises, "introductions", ids)
        message_actions.cancel_webhooks(session, enterprises, "introduction", ids)


def _notify_of_withdrawal(
    session: WriteSession, actor: Actor, person: Jobseeker, introduction: Introduction, *, by: UUID
) -> None:
    """Notify the caseworker and the team managers, without the user ``by`` who reads it in the reply."""
    owner = message_queries.user_of(session, person.caseworker_id)
    managers = message_queries.members(session, person.partner_id, [Role.TEAM_MANAGER])
    message_actions.notify(
        session,
        actor,
        [one for one in (owner, *managers) if one is not None and one != by],
        NoticeKind.SAFETY_WITHDREW,
        about=("introductions", introduction.id),
        organisation_id=person.partner_id,
        occasion=actor.at.isoformat(),
    )


def _notify(session: WriteSession, actor: Actor, person: Jobseeker, introduction: Introduction) -> None:
    about, kind = ("introductions", introduction.id), NoticeKind.SAFETY_TO_DECIDE
    message_actions.notify_owner(
        session, actor, person.partner_id, person.caseworker_id, kind, about=about, occasion=actor.at.isoformat()
    )
    message_actions.notify_roles(
        session, actor, person.partner_id, [Role.TEAM_MANAGER], kind, about=about, occasion=actor.at.isoformat()
    )


# Replies. What was stopped is read from the facts of the same instant, so that a repeated request gets the same reply.


def exclusion_recorded(session: Session, actor: Actor, person: Jobseeker, row: SafetyExclusion) -> ExclusionRecorded:
    """Return a safety exclusion with the placements that it bars today and everything that it stopped."""
    barred = _barred(session, row)
    full = ExclusionRecorded(
        **exclusions.exclusion_of(session, row).model_dump(),
        bars=barred[:MOST_BARRED],
        bars_in_all=len(barred),
        note=_note(row, barred),
        stopped=stopped_with(session, actor, person, row.recorded_at),
    )
    return full.limited_to(jobseeker_queries.visible_groups(actor, person))


def _barred(session: Session, row: SafetyExclusion) -> list[BarredPlacement]:
    covered = safety.covered_by(session, row, queries.published(session))
    names = queries.enterprise_names(session, {placement.social_enterprise_id for placement in covered})
    return [
        BarredPlacement(
            placement_id=placement.id,
            title=placement.title,
            social_enterprise=names[placement.social_enterprise_id],
        )
        for placement in covered
    ]


def _note(row: SafetyExclusion, barred: Collection[BarredPlacement]) -> str | None:
    if row.kind is ExclusionKind.PERSON:
        return MAY_BE_ELSEWHERE if barred else NAMES_NOBODY
    return PLACES_UNKNOWN if row.kind is ExclusionKind.AREA else None


def permission_revoked(session: Session, actor: Actor, person: Jobseeker, row: SharingPermission) -> PermissionRevoked:
    shape = permission_reply(actor, person, row)
    full = PermissionRevoked(**shape.model_dump(), stopped=stopped_at(session, person, row.recorded_at))
    return full.limited_to(jobseeker_queries.visible_groups(actor, person))


def permission_granted(session: Session, actor: Actor, person: Jobseeker, row: SharingPermission) -> PermissionGranted:
    shape = permission_reply(actor, person, row)
    before = session.get(SharingPermission, row.supersedes) if row.supersedes else None
    lost = jobseeker_queries.granted_groups(before) - jobseeker_queries.granted_groups(row)
    read = queries.earlier_readings(session, person, {row.social_enterprise_id}, lost & SHAREABLE)
    full = PermissionGranted(**shape.model_dump(), already_read=read)
    return full.limited_to(jobseeker_queries.visible_groups(actor, person))


def changed(session: Session, actor: Actor, person: Jobseeker, changes: Mapping[str, Any]) -> JobseekerChanged:
    """Return a changed record. A change that protects says what it stopped and what had already been read."""
    shape = JobseekerChanged(**jobseeker_actions.reply(session, actor, person).model_dump())
    if Group.NOTES not in jobseeker_queries.visible_groups(actor, person):
        return shape
    now = stopped_at(session, person, actor.at)
    is_restricted_now = changes.get("is_restricted") or jobseeker_queries.restricted_at(session, person) == actor.at
    if changes.get(WITHHELD):
        ids = queries.ever_permitted(session, person)
        read = queries.earlier_readings(session, person, ids, frozenset({Group.CONTACT}))
        now = now.model_copy(update={"already_read": now.already_read or read})
    elif not is_restricted_now and not is_any_stopped(now):
        return shape
    return shape.model_copy(update={"stopped": now})


def case_restricted(session: Session, actor: Actor, person: Jobseeker) -> CaseRestricted:
    at = jobseeker_queries.restricted_at(session, person) or actor.at
    stopped = (
        stopped_at(session, person, at) if Group.NOTES in jobseeker_queries.visible_groups(actor, person) else None
    )
    return CaseRestricted(**jobseeker_actions.reply(session, actor, person).model_dump(), stopped=stopped)


def is_any_stopped(stopped: StoppedOut) -> bool:
    """Return whether anything ended or was withdrawn. What must be decided may have been stopped before."""
    return bool(
        stopped.withdrawn
        or stopped.permissions_revoked
        or stopped.links_ended
        or stopped.messages_cancelled
        or stopped.allocation_lines_rejected
    )


def stopped_with(session: Session, actor: Actor, person: Jobseeker, at: datetime) -> StoppedOut:
    """Return what was stopped at an instant for a jobseeker and for records that may be the same person.

    Records whose safety exclusions the actor may not read are left out; their caseworkers and the team managers are
    notified.
    """
    whole = stopped_at(session, person, at)
    for other in queries.may_be_the_same(session, person):
        may_read = Group.SAFETY in jobseeker_queries.visible_groups(actor, other)
        if not (may_read and queries.is_visible(session, actor, other)):
            continue
        actor.reading.people.add(other.id)
        more = stopped_at(session, other, at)
        values = {name: getattr(whole, name) + getattr(more, name) for name in StoppedOut.model_fields}
        whole = StoppedOut(**values)
    return whole


def stopped_so_far(session: Session, person: Jobseeker) -> StoppedOut:
    """Return what safety exclusions withdrew so far, what must be decided now, and what had already read."""
    return stopped_at(session, person, None)


def stopped_at(session: Session, person: Jobseeker, at: datetime | None) -> StoppedOut:
    """Return what was stopped at an instant, what must be decided now, and what had already read.

    Without an instant: what safety exclusions withdrew at any time, and every revoked permission.
    """
    withdrawn = queries.withdrawn_at(session, person, at)
    revoked = queries.revoked_at(session, person, at)
    live = queries.live_introductions(session, person)
    stopped = stops.stops_of(session, live)
    titles = {one.id: session.get_one(Placement, one.placement_id).title for one in live}
    enterprises = {one.social_enterprise_id for one, _, _ in withdrawn}
    enterprises |= {row.social_enterprise_id for row in revoked}
    enterprises |= {one.social_enterprise_id for one in live if one.id in stopped}
    names = queries.enterprise_names(session, enterprises)
    return StoppedOut(
        withdrawn=[_line(one, title, names[one.social_enterprise_id], state, None) for one, state, title in withdrawn],
        to_decide=[
            _line(
                one,
                titles[one.id],
                names[one.social_enterprise_id],
                one.state,
                stops.sentence_of(stopped[one.id], one.state),
            )
            for one in live
            if one.id in stopped
        ],
        permissions_revoked=sorted(names[row.social_enterprise_id] for row in revoked),
        **queries.ended_at(session, person, at),
        already_read=queries.earlier_readings(session, person, enterprises),
    )


def _line(
    introduction: Introduction, title: str, enterprise: str, state: str, what_to_do: str | None
) -> StoppedIntroduction:
    return StoppedIntroduction(
        introduction_id=introduction.id,
        title=title,
        social_enterprise=enterprise,
        state=IntroductionState(state),
        what_to_do=what_to_do,
    )
