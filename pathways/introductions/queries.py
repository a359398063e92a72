"""Every SELECT on introductions."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, select
from sqlalchemy.orm import aliased

from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.fields import Group, Purpose, Relation, Relationship, visible_fields
from pathways.introductions.models import OPEN, Introduction, IntroductionMove, IntroductionState
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, JobseekerState, ProfileVersion
from pathways.organisations.models import Organisation
from pathways.placements.models import Place, Placement


def _same_person(partner_id: Any, jobseeker_id: Any) -> ColumnElement[bool]:
    return and_(partner_id == Introduction.partner_id, jobseeker_id == Introduction.jobseeker_id)


def visible_to(actor: Actor) -> Select[Introduction]:
    """A partner's people see those of jobseekers they may see; a social enterprise those that were sent to it."""
    rows = select(Introduction)
    if actor.role is Role.PLACEMENT_LISTER:
        return rows.where(Introduction.social_enterprise_id == actor.organisation_id, Introduction.sent_at.is_not(None))
    return rows.where(
        Introduction.partner_id == actor.organisation_id,
        jobseeker_queries.is_visible(actor, Introduction.jobseeker_id),
    )


def introduction(session: Session, actor: Actor, introduction_id: UUID, *, for_update: bool = False) -> Introduction:
    found = session.scalars(visible_to(actor).where(Introduction.id == introduction_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such introduction.")
    if for_update:
        session.refresh(found, with_for_update=True)
    return found


# What is shown of an introduction beside its own row: of the jobseeker, the placement, the two sides and the place.
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
)
PARTNER, ENTERPRISE = aliased(Organisation), aliased(Organisation)
LAST_REASON = (
    select(IntroductionMove.reason)
    .where(
        IntroductionMove.partner_id == Introduction.partner_id,
        IntroductionMove.introduction_id == Introduction.id,
    )
    .order_by(IntroductionMove.recorded_at.desc(), IntroductionMove.id.desc())
    .limit(1)
    .scalar_subquery()
)
# Made once: putting the query together costs more than running it.
BESIDE: Select[Any] = (
    select(  # type: ignore[assignment]  # a select of columns is a select
        Introduction.id,
        Jobseeker.reference,
        Jobseeker.partner_id,
        Jobseeker.caseworker_id,
        Jobseeker.state.label("jobseeker_state"),
        *OF_DETAILS,
        *OF_PROFILE,
        Placement.title,
        ENTERPRISE.name.label("social_enterprise"),
        PARTNER.name.label("partner"),
        Place.held_until,
        LAST_REASON.label("last_reason"),
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
    .where(as_known(JobseekerDetails), Introduction.id.in_(bindparam("ids", expanding=True)))
)


def beside(session: Session, introductions: Iterable[Introduction]) -> dict[UUID, Any]:
    """Return what is shown of some introductions beside their own rows, in one look-up for all."""
    ids = [one.id for one in introductions]
    rows = session.execute(BESIDE, {"ids": ids}) if ids else ()
    return {row.id: row for row in rows}


def granted(session: Session, actor: Actor, introductions: Iterable[Introduction]) -> dict[UUID, frozenset[Group]]:
    """Return what each jobseeker lets the social enterprise that asks be told now; nothing for anybody else."""
    if actor.role is not Role.PLACEMENT_LISTER:
        return {}
    whose = {one.jobseeker_id for one in introductions}
    permissions = jobseeker_queries.permissions_for(session, actor.organisation_id, whose)
    return {one: jobseeker_queries.granted_groups(permission) for one, permission in permissions.items()}


def visible_groups(
    actor: Actor, introduction: Introduction, case: Any, granted_now: frozenset[Group]
) -> frozenset[Group]:
    """Return what may be seen of the jobseeker: for a social enterprise, what is granted now, while it is open.

    ``case`` is the row of ``beside``.
    """
    if actor.role is not Role.PLACEMENT_LISTER:
        return jobseeker_queries.visible_groups(actor, case, Purpose.INTRODUCTION)
    is_live = introduction.state is IntroductionState.STARTED or (
        introduction.state in OPEN and case.jobseeker_state is JobseekerState.OPEN
    )
    told = granted_now if is_live else frozenset()
    return visible_fields(actor, Relationship(Relation.SOCIAL_ENTERPRISE, told), Purpose.INTRODUCTION)


def in_states(session: Session, person: Jobseeker, states: tuple[IntroductionState, ...]) -> list[Introduction]:
    return list(
        session.scalars(
            select(Introduction).where(
                Introduction.partner_id == person.partner_id,
                Introduction.jobseeker_id == person.id,
                Introduction.state.in_(states),
            )
        )
    )
