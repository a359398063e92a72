"""Every query on introductions."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import aliased

from pathways.access.models import User
from pathways.base import Actor, Role
from pathways.database import Session
from pathways.duplicates.models import DuplicatePair, may_be_one_person
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.fields import ONLY_RECORD, Group, Purpose, Relation, Relationship, visible_fields
from pathways.introductions.models import OPEN, Introduction, IntroductionMove, IntroductionState
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, JobseekerState, ProfileVersion
from pathways.organisations.models import Membership, Organisation
from pathways.placements.models import Place, Placement, PlacementState, PlaceState
from pathways.shortlists.models import Shortlist, ShortlistMatch


def _same_person(partner_id: Any, jobseeker_id: Any) -> ColumnElement[bool]:
    return and_(partner_id == Introduction.partner_id, jobseeker_id == Introduction.jobseeker_id)


def visible_to(actor: Actor) -> Select[Introduction]:
    """Return the query for the introductions that the actor may see.

    A partner's member sees the introductions of jobseekers visible to that member. A social enterprise sees the
    introductions that were sent to it.
    """
    rows = select(Introduction)
    if actor.role is Role.PLACEMENT_LISTER:
        return rows.where(Introduction.social_enterprise_id == actor.organisation_id, Introduction.sent_at.is_not(None))
    return rows.where(
        Introduction.partner_id == actor.organisation_id,
        jobseeker_queries.is_visible(actor, Introduction.jobseeker_id),
    )


def introduction(session: Session, actor: Actor, introduction_id: UUID, *, for_update: bool = False) -> Introduction:
    """Return an introduction that the actor may see. With ``for_update``, lock the jobseeker, then the introduction."""
    rows = visible_to(actor).where(Introduction.id == introduction_id)
    row = jobseeker_queries.held(session, rows) if for_update else session.scalars(rows).one_or_none()
    if row is None:
        raise NotFound("There is no such introduction, or you may not see it.")
    return row


def held(session: Session, introduction_id: UUID) -> Introduction:
    """Lock the jobseeker, then the introduction, and return it as it is then. It may be of any partner."""
    row = jobseeker_queries.held(session, select(Introduction).where(Introduction.id == introduction_id))
    if row is None:
        raise NotFound("There is no such introduction.")
    return row


# Columns of the jobseeker's profile and details that a reply about an introduction can contain.
OF_PROFILE = (
    ProfileVersion.skills,
    ProfileVersion.qualification_level,
    ProfileVersion.licences,
    ProfileVersion.half_days,
    ProfileVersion.hours_min,
    ProfileVersion.hours_max,
    ProfileVersion.earliest_start_on,
    ProfileVersion.adjustments,
    ProfileVersion.right_to_work,
)
OF_DETAILS = (
    JobseekerDetails.given_name,
    JobseekerDetails.family_name,
    JobseekerDetails.known_as,
    JobseekerDetails.email,
    JobseekerDetails.phone,
    JobseekerDetails.safe_contact,
)
PARTNER, ENTERPRISE = aliased(Organisation), aliased(Organisation)
LAST_MOVE = aliased(IntroductionMove)
_newer_move = aliased(IntroductionMove)
IS_LAST_MOVE = and_(
    LAST_MOVE.partner_id == Introduction.partner_id,
    LAST_MOVE.introduction_id == Introduction.id,
    LAST_MOVE.id
    == (
        select(_newer_move.id)
        .where(_newer_move.partner_id == Introduction.partner_id, _newer_move.introduction_id == Introduction.id)
        .order_by(_newer_move.id.desc())
        .limit(1)
        .correlate(Introduction)
        .scalar_subquery()
    ),
)
OTHERS = aliased(JobseekerDetails)
SIDES = (
    (DuplicatePair.jobseeker_id, DuplicatePair.other_id),
    (DuplicatePair.other_id, DuplicatePair.jobseeker_id),
)


def _may_be_unsafe(one: Any, other: Any) -> ColumnElement[bool]:
    """Return whether another record that may be the same person says more about how contact is safe than this one."""
    says_more = or_(
        OTHERS.contact_withheld_reason.is_not(None),
        and_(OTHERS.safe_contact.is_not(None), OTHERS.safe_contact != func.coalesce(JobseekerDetails.safe_contact, "")),
    )
    return (
        select(DuplicatePair.id)
        .join(OTHERS, and_(OTHERS.partner_id == DuplicatePair.partner_id, OTHERS.jobseeker_id == other))
        .where(
            DuplicatePair.partner_id == Introduction.partner_id,
            one == Introduction.jobseeker_id,
            may_be_one_person(DuplicatePair),
            as_known(OTHERS),
            says_more,
        )
        .exists()
    )


# A limit, because PostgreSQL reads all memberships for an EXISTS in a list.
HAS_LISTER = (
    select(Membership.id)
    .join(User, User.id == Membership.user_id)
    .where(
        Membership.organisation_id == Introduction.social_enterprise_id,
        Membership.role == Role.PLACEMENT_LISTER,
        Membership.ended_at.is_(None),
        User.is_machine.is_(False),
    )
    .limit(1)
    .scalar_subquery()
    .is_not(None)
)


# The query for all data that a reply needs besides the introduction's own row. It is built once, because building it
# costs more than running it.
BESIDE: Select[Any] = (
    select(  # type: ignore[assignment]  # a select of columns is a select
        Introduction.id,
        Introduction.jobseeker_id,
        Jobseeker.reference,
        Jobseeker.partner_id,
        Jobseeker.caseworker_id,
        Jobseeker.state.label("jobseeker_state"),
        *OF_DETAILS,
        *OF_PROFILE,
        ProfileVersion.benefits,
        Placement.title,
        Placement.kind,
        Placement.hours_per_week,
        Placement.pay_per_hour_pence,
        ENTERPRISE.name.label("social_enterprise"),
        PARTNER.name.label("partner"),
        Place.held_until,
        LAST_MOVE.reason.label("last_reason"),
        LAST_MOVE.why,
        LAST_MOVE.said_by,
        HAS_LISTER.label("has_lister"),
        or_(
            JobseekerDetails.contact_withheld_reason.is_not(None),
            *(_may_be_unsafe(one, other) for one, other in SIDES),
        ).label("is_contact_withheld"),
    )
    .join(Jobseeker, _same_person(Jobseeker.partner_id, Jobseeker.id))
    .join(JobseekerDetails, _same_person(JobseekerDetails.partner_id, JobseekerDetails.jobseeker_id))
    .join(
        ProfileVersion,
        and_(_same_person(ProfileVersion.partner_id, ProfileVersion.jobseeker_id), as_known(ProfileVersion)),
        isouter=True,
    )
    .join(Placement, Placement.id == Introduction.placement_id)
    .join(ENTERPRISE, ENTERPRISE.id == Introduction.social_enterprise_id)
    .join(PARTNER, PARTNER.id == Introduction.partner_id)
    .join(Place, Place.introduction_id == Introduction.id, isouter=True)
    .join(LAST_MOVE, IS_LAST_MOVE, isouter=True)
    .where(as_known(JobseekerDetails), Introduction.id.in_(bindparam("ids", expanding=True)))
)


def reply_facts(session: Session, introductions: Iterable[Introduction]) -> dict[UUID, Any]:
    """Return, by introduction id, the data from other tables that replies need. One query reads the data of all."""
    ids = [introduction.id for introduction in introductions]
    rows = session.execute(BESIDE, {"ids": ids}) if ids else ()
    return {row.id: row for row in rows}


def granted(session: Session, actor: Actor, introductions: Iterable[Introduction]) -> dict[UUID, frozenset[Group]]:
    """Return, by jobseeker id, the groups of fields now shared with the actor's social enterprise.

    The result is empty if the actor does not belong to a social enterprise.
    """
    if actor.role is not Role.PLACEMENT_LISTER:
        return {}
    jobseeker_ids = {introduction.jobseeker_id for introduction in introductions}
    permissions = jobseeker_queries.permissions_for(session, actor.organisation_id, jobseeker_ids)
    current = jobseeker_queries.without_paused(session, permissions.values())
    return {
        jobseeker_id: jobseeker_queries.granted_groups(permission) for (jobseeker_id, _), permission in current.items()
    }


def visible_groups(
    actor: Actor, introduction: Introduction, case: Any, granted_now: frozenset[Group]
) -> frozenset[Group]:
    """Return the groups of jobseeker fields that the actor may see.

    A social enterprise sees the groups granted now, and only while the introduction is started, or while both the
    introduction and the case are open. It never sees contact details that must not be shared. ``case`` is the
    introduction's row from ``reply_facts``.
    """
    if actor.role is not Role.PLACEMENT_LISTER:
        return jobseeker_queries.visible_groups(actor, case, Purpose.INTRODUCTION)
    is_live = introduction.state is IntroductionState.STARTED or (
        introduction.state in OPEN and case.jobseeker_state is JobseekerState.OPEN
    )
    shared = granted_now if is_live else frozenset()
    if case.is_contact_withheld:
        shared -= {Group.CONTACT}
    groups = visible_fields(actor, Relationship(Relation.SOCIAL_ENTERPRISE, shared), Purpose.INTRODUCTION)
    if groups != ONLY_RECORD:
        actor.reading.outside.add(introduction.jobseeker_id)
    return groups


def in_states(session: Session, person: Jobseeker, states: tuple[IntroductionState, ...]) -> list[Introduction]:
    return list(
        session.scalars(
            select(Introduction)
            .where(
                Introduction.partner_id == person.partner_id,
                Introduction.jobseeker_id == person.id,
                Introduction.state.in_(states),
            )
            .order_by(Introduction.id)
        )
    )


def open_of_pair(session: Session, partner_id: UUID, jobseeker_id: UUID, placement_id: UUID) -> bool:
    """Return whether this jobseeker already has an open introduction for this placement."""
    rows = select(Introduction.id).where(
        Introduction.partner_id == partner_id,
        Introduction.jobseeker_id == jobseeker_id,
        Introduction.placement_id == placement_id,
        Introduction.state.in_(OPEN),
    )
    return session.scalars(rows.limit(1)).first() is not None


def _moves_of(introduction: Introduction) -> Select[IntroductionMove]:
    return (
        select(IntroductionMove)
        .where(
            IntroductionMove.partner_id == introduction.partner_id, IntroductionMove.introduction_id == introduction.id
        )
        .order_by(IntroductionMove.id.desc())  # ids are in the order of the moves: each is made under the row's lock
        .limit(1)
    )


def last_move(session: Session, introduction: Introduction) -> IntroductionMove | None:
    return session.scalars(_moves_of(introduction)).first()


def last_no(session: Session, introduction: Introduction) -> IntroductionMove | None:
    """Return the last move that ended the introduction without a start, or None."""
    return session.scalars(_moves_of(introduction).where(IntroductionMove.why.is_not(None))).first()


def earlier_ends(session: Session, introductions: Iterable[Introduction]) -> dict[UUID, IntroductionMove]:
    """Return, by introduction id, the last move that ended an earlier introduction of the same pair without a start."""
    wanted = {(one.jobseeker_id, one.placement_id): one for one in introductions}
    if not wanted:
        return {}
    rows = session.execute(
        select(Introduction.id, Introduction.jobseeker_id, Introduction.placement_id, IntroductionMove)
        .join(
            IntroductionMove,
            and_(
                IntroductionMove.partner_id == Introduction.partner_id,
                IntroductionMove.introduction_id == Introduction.id,
            ),
        )
        .where(
            Introduction.partner_id.in_({one.partner_id for one in wanted.values()}),
            Introduction.jobseeker_id.in_({jobseeker_id for jobseeker_id, _ in wanted}),
            Introduction.placement_id.in_({placement_id for _, placement_id in wanted}),
            IntroductionMove.why.is_not(None),
        )
        .order_by(IntroductionMove.id)
    )
    found: dict[UUID, IntroductionMove] = {}
    for row in rows:
        one = wanted.get((row.jobseeker_id, row.placement_id))
        if one is not None and row.id < one.id:
            found[one.id] = row.IntroductionMove
    return found


def put_on_the_list(session: Session, introduction: Introduction) -> IntroductionMove:
    """Return the last move that put the introduction on the waiting list."""
    rows = _moves_of(introduction).where(IntroductionMove.to_state == IntroductionState.WAITING.value)
    return session.scalars(rows).one()


def before_them(session: Session, introductions: Iterable[Introduction]) -> dict[UUID, int]:
    """Return, by introduction id, the position on the placement's waiting list. The longest wait has position 1."""
    waiting = {
        introduction.placement_id for introduction in introductions if introduction.state is IntroductionState.WAITING
    }
    positions: dict[UUID, int] = {}
    counted: dict[UUID, int] = defaultdict(int)
    for row in session.execute(_waiting_list(waiting)) if waiting else ():
        counted[row.placement_id] += 1
        positions[row.id] = counted[row.placement_id]
    return positions


def _waiting_list(placement_ids: Collection[UUID]) -> Select[UUID, UUID]:
    return (
        select(Introduction.id, Introduction.placement_id)
        .where(Introduction.placement_id.in_(placement_ids), Introduction.state == IntroductionState.WAITING)
        .order_by(Introduction.waiting_since, Introduction.id)
    )


def waiting_for(session: Session, placement_id: UUID) -> list[Introduction]:
    """Return the introductions, of all partners, that wait for a placement, longest wait first, without locking any."""
    rows = select(Introduction).where(
        Introduction.placement_id == placement_id, Introduction.state == IntroductionState.WAITING
    )
    return list(session.scalars(rows.order_by(Introduction.waiting_since, Introduction.id)))


def others_open(session: Session, introduction: Introduction) -> list[Introduction]:
    """Return the other open introductions of the same jobseeker."""
    rows = select(Introduction).where(
        Introduction.partner_id == introduction.partner_id,
        Introduction.jobseeker_id == introduction.jobseeker_id,
        Introduction.id != introduction.id,
        Introduction.state.in_(OPEN),
    )
    return list(session.scalars(rows.order_by(Introduction.id)))


def in_line(session: Session, placement_id: UUID) -> int:
    """Count the introductions for a placement that are sent, invited or waiting, and so have no place yet."""
    undecided = (IntroductionState.SENT, IntroductionState.INVITED, IntroductionState.WAITING)
    return session.scalars(
        select(func.count()).where(Introduction.placement_id == placement_id, Introduction.state.in_(undecided))
    ).one()


def next_on_the_shortlist(session: Session, introduction: Introduction, on: date, count: int) -> list[Any]:
    """Return the next placements of the jobseeker's latest shortlist, by rank, or else of the introduction's.

    Leaves out placements that are closed, not reconfirmed, without a free place, or already tried for the jobseeker.
    """
    tried = select(Introduction.placement_id).where(
        Introduction.partner_id == introduction.partner_id, Introduction.jobseeker_id == introduction.jobseeker_id
    )
    latest = (
        select(Shortlist.id)
        .where(Shortlist.partner_id == introduction.partner_id, Shortlist.jobseeker_id == introduction.jobseeker_id)
        .order_by(Shortlist.id.desc())
        .limit(1)
    )
    free = (
        select(func.count())
        .where(Place.placement_id == Placement.id, Place.state == PlaceState.FREE)
        .correlate(Placement)
        .scalar_subquery()
    )
    rows = (
        select(Placement, ShortlistMatch.rank, free.label("places_left"))
        .join(ShortlistMatch, ShortlistMatch.placement_id == Placement.id)
        .where(
            ShortlistMatch.partner_id == introduction.partner_id,
            ShortlistMatch.jobseeker_id == introduction.jobseeker_id,
            ShortlistMatch.shortlist_id == (session.scalars(latest).first() or introduction.shortlist_id),
            Placement.state == PlacementState.PUBLISHED,
            or_(Placement.closes_on.is_(None), Placement.closes_on >= on),
            Placement.reconfirm_by >= on,
            Placement.id.not_in(tried),
            free > 0,
        )
        .order_by(ShortlistMatch.rank)
        .limit(count)
    )
    return list(session.execute(rows))
