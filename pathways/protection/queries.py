"""Every query on what protective facts stopped, and on what social enterprises had read before."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, func, select

from pathways.allocations.models import AllocationLineMove, LineEvent
from pathways.audit import AuditRow, is_about
from pathways.base import Actor
from pathways.database import Session
from pathways.duplicates.models import DuplicatePair, may_be_one_person
from pathways.facts import as_known
from pathways.fields import SHAREABLE, Group
from pathways.introductions.models import DecisionLink, Introduction, IntroductionEvent, IntroductionMove
from pathways.introductions.stops import COVERED, LIVE
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, SafetyExclusion, SharingPermission
from pathways.messages.models import Notice
from pathways.organisations.models import Membership, Organisation
from pathways.placements.models import Placement, PlacementState
from pathways.protection.schemas import EarlierReading


def live_introductions(session: Session, person: Jobseeker, *, for_update: bool = False) -> list[Introduction]:
    """Return the open and started introductions of a jobseeker, oldest first. With ``for_update``, lock them."""
    rows = select(Introduction).where(
        Introduction.partner_id == person.partner_id,
        Introduction.jobseeker_id == person.id,
        Introduction.state.in_(LIVE),
    )
    rows = rows.order_by(Introduction.id)
    if for_update:
        rows = rows.with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(rows))


def with_exclusions(partner_id: UUID) -> Select[UUID]:
    """Return the query of the ids of a partner's jobseekers who have a safety exclusion and a live introduction."""
    live = select(Introduction.id).where(
        Introduction.partner_id == SafetyExclusion.partner_id,
        Introduction.jobseeker_id == SafetyExclusion.jobseeker_id,
        Introduction.state.in_(LIVE),
    )
    return (
        select(SafetyExclusion.jobseeker_id)
        .where(SafetyExclusion.partner_id == partner_id, as_known(SafetyExclusion), live.exists())
        .distinct()
        .order_by(SafetyExclusion.jobseeker_id)
    )


def excluded_people_at(social_enterprise_ids: Collection[UUID]) -> Select[UUID]:
    """Return the query of the ids of jobseekers with an exclusion who have a live introduction at one of these."""
    live = select(Introduction.id).where(
        Introduction.partner_id == SafetyExclusion.partner_id,
        Introduction.jobseeker_id == SafetyExclusion.jobseeker_id,
        Introduction.social_enterprise_id.in_(social_enterprise_ids),
        Introduction.state.in_(LIVE),
    )
    return (
        select(SafetyExclusion.jobseeker_id)
        .where(as_known(SafetyExclusion), live.exists())
        .distinct()
        .order_by(SafetyExclusion.jobseeker_id)
    )


def organisations_of(session: Session, user_id: UUID) -> set[UUID]:
    rows = select(Membership.organisation_id).where(Membership.user_id == user_id, Membership.ended_at.is_(None))
    return set(session.scalars(rows))


def may_be_the_same(session: Session, person: Jobseeker) -> list[Jobseeker]:
    """Return the other records of the partner that are as likely as not about the same person."""
    found: list[Jobseeker] = []
    for own, other in (
        (DuplicatePair.jobseeker_id, DuplicatePair.other_id),
        (DuplicatePair.other_id, DuplicatePair.jobseeker_id),
    ):
        rows = (
            select(Jobseeker)
            .join(DuplicatePair, and_(DuplicatePair.partner_id == Jobseeker.partner_id, other == Jobseeker.id))
            .where(own == person.id, may_be_one_person(DuplicatePair))
        )
        found += session.scalars(rows.order_by(Jobseeker.id))
    return found


def published(session: Session) -> list[Placement]:
    rows = select(Placement).where(Placement.state == PlacementState.PUBLISHED)
    return list(session.scalars(rows.order_by(Placement.title, Placement.id)))


def enterprise_names(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    rows = session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids)))
    return {row.id: row.name for row in rows}


def is_visible(session: Session, actor: Actor, person: Jobseeker) -> bool:
    return session.scalars(jobseeker_queries.visible_to(actor).where(Jobseeker.id == person.id)).first() is not None


def withdrawn_at(session: Session, person: Jobseeker, at: datetime | None) -> list[tuple[Introduction, str, str]]:
    """Return the introductions that were withdrawn at an instant, with the state before and the placement's title.

    Without an instant: those that safety exclusions withdrew at any time.
    """
    when = IntroductionMove.recorded_at == at if at is not None else IntroductionMove.reason == COVERED
    rows = (
        select(Introduction, IntroductionMove.from_state, Placement.title)
        .join(IntroductionMove, IntroductionMove.introduction_id == Introduction.id)
        .join(Placement, Placement.id == Introduction.placement_id)
        .where(
            Introduction.partner_id == person.partner_id,
            Introduction.jobseeker_id == person.id,
            IntroductionMove.partner_id == person.partner_id,
            when,
            IntroductionMove.event == IntroductionEvent.WITHDRAW.value,
        )
        .order_by(IntroductionMove.id)
    )
    return [(row[0], row[1] or "", row[2]) for row in session.execute(rows)]


def revoked_at(session: Session, person: Jobseeker, at: datetime | None) -> list[SharingPermission]:
    """Return the permissions that were revoked at an instant; without an instant, those that are revoked now."""
    when = SharingPermission.recorded_at == at if at is not None else as_known(SharingPermission)
    rows = select(SharingPermission).where(
        SharingPermission.partner_id == person.partner_id,
        SharingPermission.jobseeker_id == person.id,
        when,
        SharingPermission.is_granted.is_(False),
    )
    return list(session.scalars(rows.order_by(SharingPermission.id)))


def ended_at(session: Session, person: Jobseeker, at: datetime | None) -> dict[str, int]:
    """Count the decision links, notices and allocation lines that were ended at an instant; 0 without an instant."""
    if at is None:
        return dict.fromkeys(("links_ended", "messages_cancelled", "allocation_lines_rejected"), 0)
    introductions = select(Introduction.id).where(
        Introduction.partner_id == person.partner_id, Introduction.jobseeker_id == person.id
    )
    lines = select(func.count()).where(
        AllocationLineMove.partner_id == person.partner_id,
        AllocationLineMove.jobseeker_id == person.id,
        AllocationLineMove.recorded_at == at,
        AllocationLineMove.event == LineEvent.REJECT.value,
    )
    links = select(func.count()).where(
        DecisionLink.partner_id == person.partner_id,
        DecisionLink.jobseeker_id == person.id,
        DecisionLink.expires_at == at,
    )
    notices = select(func.count()).where(Notice.cancelled_at == at, Notice.subject_id.in_(introductions))
    return {
        "links_ended": session.scalars(links).one(),
        "messages_cancelled": session.scalars(notices).one(),
        "allocation_lines_rejected": session.scalars(lines).one(),
    }


def _permission_history(session: Session, person: Jobseeker, ids: Collection[UUID]) -> list[SharingPermission]:
    rows = select(SharingPermission).where(
        SharingPermission.partner_id == person.partner_id,
        SharingPermission.jobseeker_id == person.id,
        SharingPermission.social_enterprise_id.in_(ids),
    )
    return list(session.scalars(rows.order_by(SharingPermission.recorded_at, SharingPermission.id)))


@dataclass(frozen=True, slots=True)
class _Known:
    """What decided what social enterprises read of a jobseeker, oldest first."""

    permissions: Sequence[SharingPermission]
    details: Sequence[JobseekerDetails]

    def groups_at(self, social_enterprise_id: UUID, at: datetime) -> frozenset[Group]:
        """Return the groups that were permitted at an instant, without contact if it was withheld then."""
        then = [
            row
            for row in self.permissions
            if row.social_enterprise_id == social_enterprise_id and row.recorded_at <= at
        ]
        if not then or then[-1].is_withdrawal:
            return frozenset()
        details = [row for row in self.details if row.recorded_at <= at]
        is_withheld = bool(details) and details[-1].contact_withheld_reason is not None
        granted = jobseeker_queries.granted_groups(then[-1]) & SHAREABLE
        return granted - {Group.CONTACT} if is_withheld else granted


def _known(session: Session, person: Jobseeker, ids: Collection[UUID]) -> _Known:
    details = select(JobseekerDetails).where(
        JobseekerDetails.partner_id == person.partner_id, JobseekerDetails.jobseeker_id == person.id
    )
    rows = session.scalars(details.order_by(JobseekerDetails.recorded_at, JobseekerDetails.id)).all()
    return _Known(_permission_history(session, person, ids), rows)


def ever_permitted(session: Session, person: Jobseeker) -> set[UUID]:
    """Return the ids of the social enterprises that a jobseeker ever let read anything."""
    rows = select(SharingPermission.social_enterprise_id).where(
        SharingPermission.partner_id == person.partner_id,
        SharingPermission.jobseeker_id == person.id,
        SharingPermission.is_granted,
    )
    return set(session.scalars(rows))


def earlier_readings(
    session: Session, person: Jobseeker, ids: Collection[UUID], groups: frozenset[Group] = SHAREABLE
) -> list[EarlierReading]:
    """Return what each social enterprise had read about a jobseeker, and when, from the audit trail.

    Of ``groups``, those that the jobseeker permitted at the time of each reading. Left out: who never read any of them.
    A reply without any field of the jobseeker is no reading, and neither is a step.
    """
    known = _known(session, person, ids)
    names = enterprise_names(session, ids)
    rows = session.execute(
        select(AuditRow.organisation_id, AuditRow.recorded_at)
        .where(
            is_about([person.id, *jobseeker_queries.merged_ids(session, person)]),
            AuditRow.organisation_id.in_(ids),
            AuditRow.is_refused.is_(False),
            AuditRow.is_change.is_(False),
        )
        .order_by(AuditRow.recorded_at)
    ).all()
    shown = []
    for social_enterprise_id, name in sorted(names.items(), key=lambda item: (item[1], item[0])):
        times = [
            (row.recorded_at, read)
            for row in rows
            if row.organisation_id == social_enterprise_id
            and (read := groups & known.groups_at(social_enterprise_id, row.recorded_at))
        ]
        if times:
            shown.append(
                EarlierReading(
                    social_enterprise_id=social_enterprise_id,
                    social_enterprise=name,
                    groups=sorted({group.value for _, read in times for group in read}),
                    first_at=times[0][0],
                    last_at=times[-1][0],
                    times=len(times),
                )
            )
    return shown


def exclusion(session: Session, actor: Actor, jobseeker_id: UUID, exclusion_id: UUID) -> SafetyExclusion:
    person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    return jobseeker_queries.fact(session, SafetyExclusion, person, exclusion_id)
