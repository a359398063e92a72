"""The queries of jobseekers, limited to what the actor may see unless a docstring says otherwise."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, and_, bindparam, func, or_, select

from pathways.audit import AuditRow
from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.facts import Fact, as_known
from pathways.fields import ONLY_RECORD, Group, Purpose, Relation, Relationship, visible_fields
from pathways.jobseekers.models import (
    AboutPerson,
    CaseworkerAssignment,
    Jobseeker,
    JobseekerDetails,
    JobseekerState,
    Merge,
    MonitoringAnswers,
    ProfileVersion,
    Restriction,
    SharingPermission,
)
from pathways.jobseekers.schemas import QUESTIONS
from pathways.reference import wording  # noqa: F401 - it decides by words what belongs to convictions

OnePersons = TypeVar("OnePersons", bound=AboutPerson)


def visible_to(actor: Actor) -> Select[Jobseeker]:
    """Select the jobseekers that the actor may see: for partner staff their organisation's, for other actors none.

    A restricted case is visible only to its caseworker and to team managers. A void record, which was made by mistake
    or merged, is visible only to team managers.
    """
    return _visible(actor.role, actor.organisation_id, actor.membership_id)


def may_see(actor: Actor) -> ColumnElement[bool]:
    return _may_see(actor.role, actor.organisation_id, actor.membership_id)


def _visible(role: Role, organisation: Any, membership: Any) -> Select[Jobseeker]:
    rows = select(Jobseeker).where(_may_see(role, organisation, membership))
    return rows.where(Jobseeker.state != JobseekerState.VOIDED) if role is not Role.TEAM_MANAGER else rows


def _may_see(role: Role, organisation: Any, membership: Any) -> ColumnElement[bool]:
    own: ColumnElement[bool] = Jobseeker.partner_id == organisation
    if role is Role.TEAM_MANAGER:
        return own
    if role is Role.CASEWORKER:
        return and_(own, or_(~Jobseeker.is_restricted, Jobseeker.caseworker_id == membership))
    return Jobseeker.id.is_(None)


def _parameter(name: str) -> Any:
    return bindparam(name, type_=Uuid())


# For each role, the query of one jobseeker. Built only once, because building a query takes as long as running it.
ONE = {
    role: _visible(role, _parameter("organisation"), _parameter("membership")).where(Jobseeker.id == _parameter("id"))
    for role in Role
}
ONE_ID = {role: rows.with_only_columns(Jobseeker.id) for role, rows in ONE.items()}


def ids_visible_to(actor: Actor) -> Select[Any]:
    return visible_to(actor).with_only_columns(Jobseeker.id)


def is_visible(actor: Actor, jobseeker_id: Any) -> ColumnElement[bool]:
    """Return the condition that a row is about a jobseeker this actor may see.

    The subquery is correlated: it runs once for each row. A list of visible ids would be slower, because the database
    would first read the whole caseload, even for a page of ten rows.
    """
    rows = ids_visible_to(actor).where(Jobseeker.id == jobseeker_id)
    return rows.correlate_except(Jobseeker).exists()


def jobseeker(session: Session, actor: Actor, jobseeker_id: UUID, *, for_update: bool = False) -> Jobseeker:
    """Return one jobseeker that the actor may see. With ``for_update``, lock the row and read it again."""
    person = session.scalars(ONE[actor.role], scope_parameters(actor, jobseeker_id)).one_or_none()
    if person is None:
        raise NotFound(_why_not_found(session, actor, jobseeker_id))
    if for_update:
        session.refresh(person, with_for_update=True)
    actor.reading.people.add(person.id)
    return person


def hold(session: Session, *jobseeker_ids: UUID) -> None:
    """Lock the rows of jobseekers in the order of their ids, and read them again.

    Call it before locking another row about a person (docs/architecture.md, Locks). The lock does not hinder
    rows that only refer to the jobseeker.
    """
    rows = select(Jobseeker).where(Jobseeker.id.in_(jobseeker_ids)).order_by(Jobseeker.id)
    session.scalars(rows.with_for_update(key_share=True).execution_options(populate_existing=True)).all()


def _why_not_found(session: Session, actor: Actor, jobseeker_id: UUID) -> str:
    """Return why no record is found. That it was merged is said only to an actor who may see the record that remains.

    If that record was merged later too, the last record of the chain is named.
    """
    merged_into = select(Jobseeker.merged_into_id)
    kept_id = session.scalar(merged_into.where(Jobseeker.id == jobseeker_id))
    while (next_id := session.scalar(merged_into.where(Jobseeker.id == kept_id)) if kept_id else None) is not None:
        kept_id = next_id
    kept = session.scalars(ONE[actor.role], scope_parameters(actor, kept_id)).one_or_none() if kept_id else None
    if kept is None:
        return "This jobseeker does not exist, or you may not see them."
    return f"This record was merged into {kept.reference}. Open that record."


def held(session: Session, rows: Select[OnePersons]) -> OnePersons | None:
    """Lock the only row of a query, after the jobseeker whom it is about, and return it as it is then.

    Returns None if the query has no row, or has none any more once the jobseeker is locked.
    """
    locked = rows.with_for_update(of=rows.column_descriptions[0]["entity"])
    row = session.scalars(rows).one_or_none()
    about: set[UUID] = set()
    while row is not None and row.jobseeker_id not in about:  # a merge may give the row to another record meanwhile
        about.add(row.jobseeker_id)
        hold(session, row.jobseeker_id)
        row = session.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    return row


def scope_parameters(actor: Actor, jobseeker_id: UUID) -> dict[str, Any]:
    """Return the parameters of the queries ``ONE`` and ``ONE_ID``."""
    return {"organisation": actor.organisation_id, "membership": actor.membership_id, "id": jobseeker_id}


def must_see(session: Session, actor: Actor, jobseeker_id: UUID) -> None:
    """Refuse if this actor may not see the jobseeker, without loading the record."""
    if session.connection().execute(ONE_ID[actor.role], scope_parameters(actor, jobseeker_id)).one_or_none() is None:
        raise NotFound(_why_not_found(session, actor, jobseeker_id))


def by_reference(session: Session, reference: str) -> Jobseeker:
    """Return a jobseeker by reference, without checking who may see the record.

    Only for the command line, whose operator has access to the database itself.
    """
    person = session.scalars(select(Jobseeker).where(Jobseeker.reference == reference.strip().upper())).one_or_none()
    if person is None:
        raise NotFound(f"There is no jobseeker with the reference {reference}. Check the reference.")
    return person


class CaseAccess(Protocol):
    """A row with at least the columns that decide an actor's relationship to a jobseeker."""

    @property
    def id(self) -> UUID: ...
    @property
    def partner_id(self) -> UUID: ...
    @property
    def caseworker_id(self) -> UUID | None: ...


def cases(session: Session, jobseeker_ids: Iterable[UUID]) -> dict[UUID, CaseAccess]:
    """Return, by jobseeker id, the columns that decide which fields of the jobseeker an actor may read.

    The date of birth is for checks that depend on the age. It is not for the reply.
    """
    columns = (Jobseeker.id, Jobseeker.partner_id, Jobseeker.caseworker_id, Jobseeker.date_of_birth)
    rows = session.execute(select(*columns).where(Jobseeker.id.in_(set(jobseeker_ids))))
    access: dict[UUID, Any] = {row.id: row for row in rows}
    return access


def relationship(actor: Actor, person: CaseAccess) -> Relationship:
    if person.partner_id != actor.organisation_id:
        return Relationship(Relation.NONE)
    if actor.role is Role.TEAM_MANAGER:
        return Relationship(Relation.MANAGER)
    if actor.role is not Role.CASEWORKER:
        return Relationship(Relation.NONE)
    is_own = person.caseworker_id == actor.membership_id
    return Relationship(Relation.OWN_CASEWORKER if is_own else Relation.COLLEAGUE)


def visible_groups(actor: Actor, person: CaseAccess, purpose: Purpose = Purpose.SUPPORT) -> frozenset[Group]:
    """Return the groups of fields of a jobseeker that the actor may see. The request's audit row names the jobseeker.

    Whatever shapes a reply asks here, so no reply can leave a jobseeker out of the audit.
    """
    groups = visible_fields(actor, relationship(actor, person), purpose)
    if groups != ONLY_RECORD:
        actor.reading.people.add(person.jobseeker_id if hasattr(person, "jobseeker_id") else person.id)
    return groups


# The join includes the partner, because every index of rows about people begins with the partner.
THEIR_DETAILS = and_(
    JobseekerDetails.partner_id == Jobseeker.partner_id,
    JobseekerDetails.jobseeker_id == Jobseeker.id,
    as_known(JobseekerDetails),
)


def listed(
    actor: Actor,
    *,
    state: JobseekerState | None = None,
    caseworker: UUID | None = None,
    programme: UUID | None = None,
    updated_since: datetime | None = None,
) -> Select[Any]:
    """Return the query of a list of the jobseekers that the actor may see, limited by the filters."""
    rows: Select[Any] = (
        visible_to(actor)
        .with_only_columns(  # type: ignore[assignment]  # a select of columns is a select
            Jobseeker.id,
            Jobseeker.reference,
            JobseekerDetails.given_name,
            JobseekerDetails.family_name,
            Jobseeker.state,
            Jobseeker.is_restricted,
            Jobseeker.caseworker_id,
            Jobseeker.programme_id,
        )
        .join(
            JobseekerDetails,
            THEIR_DETAILS,
            isouter=True,
        )
    )
    if state is not None:
        rows = rows.where(Jobseeker.state == state)
    if caseworker is not None:
        rows = rows.where(Jobseeker.caseworker_id == caseworker)
    if programme is not None:
        rows = rows.where(Jobseeker.programme_id == programme)
    if updated_since is not None:
        changed = select(AuditRow.jobseeker_id).where(AuditRow.is_change, AuditRow.recorded_at >= updated_since)
        rows = rows.where(Jobseeker.id.in_(changed))
    return rows


PersonFact = TypeVar("PersonFact", bound=Fact)


def facts_about(model: type[PersonFact], person: Jobseeker) -> Select[PersonFact]:
    """Return the query of the current facts of one kind about one person."""
    return select(model).where(
        model.partner_id == person.partner_id,  # type: ignore[attr-defined]
        model.jobseeker_id == person.id,  # type: ignore[attr-defined]
        as_known(model),
    )


def fact(session: Session, model: type[PersonFact], person: Jobseeker, fact_id: UUID) -> PersonFact:
    row = session.scalars(facts_about(model, person).where(model.id == fact_id)).one_or_none()
    if row is None:
        raise NotFound("No current fact has this id. A newer fact may have replaced it. Read the list again.")
    return row


def details(session: Session, person: Jobseeker) -> JobseekerDetails:
    return session.scalars(facts_about(JobseekerDetails, person)).one()


def profile(session: Session, person: Jobseeker) -> ProfileVersion | None:
    return session.scalars(facts_about(ProfileVersion, person)).one_or_none()


def profile_versions(person: Jobseeker) -> Select[ProfileVersion]:
    return select(ProfileVersion).where(
        ProfileVersion.partner_id == person.partner_id, ProfileVersion.jobseeker_id == person.id
    )


def permission_for(session: Session, person: Jobseeker, social_enterprise_id: UUID) -> SharingPermission | None:
    """Return the current permission for this social enterprise, if there is one."""
    return session.scalars(
        facts_about(SharingPermission, person)
        .where(SharingPermission.social_enterprise_id == social_enterprise_id)
        .order_by(SharingPermission.recorded_at.desc(), SharingPermission.id.desc())
        .limit(1)
    ).one_or_none()


def last_caseworker(session: Session, person: Jobseeker) -> UUID | None:
    """Return the membership of the last caseworker that the person ever had, also if the case was closed since."""
    rows = select(CaseworkerAssignment.caseworker_id).where(
        CaseworkerAssignment.partner_id == person.partner_id,
        CaseworkerAssignment.jobseeker_id == person.id,
        CaseworkerAssignment.caseworker_id.is_not(None),
    )
    newest = rows.order_by(CaseworkerAssignment.recorded_at.desc(), CaseworkerAssignment.id.desc()).limit(1)
    return session.scalars(newest).first()


def restricted_at(session: Session, person: Jobseeker) -> datetime | None:
    """Return when the case was last restricted; None if nobody recorded it."""
    rows = facts_about(Restriction, person).where(Restriction.is_restricted)
    newest = session.scalars(rows.order_by(Restriction.recorded_at.desc(), Restriction.id.desc()).limit(1)).first()
    return newest.recorded_at if newest is not None else None


def without_paused(
    session: Session, permissions: Iterable[SharingPermission | None]
) -> dict[tuple[UUID, UUID], SharingPermission]:
    """Return, by (jobseeker id, social enterprise id), the permissions that no later restriction of the case pauses.

    A case may be restricted on suspicion. Its earlier permissions count again once a team manager lifts that.
    """
    rows = [permission for permission in permissions if permission is not None]
    if not rows:
        return {}
    restrictions = session.execute(
        select(Restriction.jobseeker_id, func.max(Restriction.recorded_at))
        .where(
            Restriction.partner_id.in_({row.partner_id for row in rows}),
            Restriction.jobseeker_id.in_({row.jobseeker_id for row in rows}),
            Restriction.is_restricted,
            as_known(Restriction),
        )
        .group_by(Restriction.jobseeker_id)
    )
    since = {row[0]: row[1] for row in restrictions}
    return {
        (row.jobseeker_id, row.social_enterprise_id): row
        for row in rows
        if row.jobseeker_id not in since or row.recorded_at > since[row.jobseeker_id]
    }


def granted_groups(permission: SharingPermission | None) -> frozenset[Group]:
    if permission is None or not permission.is_granted:
        return frozenset()
    return frozenset(Group(group) for group in permission.groups)


def merges_into(person: Jobseeker) -> Select[Merge]:
    """Return the query of the merges into a person's record, without merges that were undone."""
    return facts_about(Merge, person)


def merged_ids(session: Session, person: Jobseeker) -> list[UUID]:
    """Return the ids of the records that were merged into a person's record, directly or through another merge."""
    merged: list[UUID] = []
    last = [person.id]
    while last:
        rows = select(Merge.merged_id).where(
            Merge.partner_id == person.partner_id, Merge.jobseeker_id.in_(last), as_known(Merge)
        )
        last = [merged_id for merged_id in session.scalars(rows.order_by(Merge.id)) if merged_id not in merged]
        merged += last
    return merged


def merge(session: Session, actor: Actor, jobseeker_id: UUID, merge_id: UUID) -> Merge:
    person = jobseeker(session, actor, jobseeker_id)
    row = session.scalars(merges_into(person).where(Merge.id == merge_id)).one_or_none()
    if row is None:
        raise NotFound("This merge does not exist, or it has been undone. Read the list again.")
    return row


def merged_at(session: Session, partner_ids: Iterable[UUID], at: datetime) -> tuple[dict[UUID, UUID], dict[UUID, UUID]]:
    """Return two mappings as known at an instant: merged record to surviving record, and row to jobseeker.

    A merge moves rows to another jobseeker, and its undo moves them back. The second mapping gives the
    jobseeker that a row belonged to at that instant. It leaves out rows that belong to the same jobseeker now.
    """
    merges = list(
        session.scalars(
            select(Merge).where(Merge.partner_id.in_(list(partner_ids))).order_by(Merge.recorded_at, Merge.id)
        )
    )
    into: dict[UUID, UUID] = {}
    then: dict[UUID, UUID] = {}
    now: dict[UUID, UUID] = {}
    for merge_row in merges:
        # A merge moves rows into the surviving record; its withdrawal moves them back.
        origin, target = merge_row.merged_id, merge_row.jobseeker_id
        if merge_row.is_withdrawal:
            origin, target = target, origin
        if merge_row.recorded_at <= at:
            into.pop(merge_row.merged_id, None)
            if not merge_row.is_withdrawal:
                into[merge_row.merged_id] = merge_row.jobseeker_id
        for ids in merge_row.moved.values():
            for row_id in map(UUID, ids):
                then.setdefault(row_id, origin)
                now[row_id] = target
                if merge_row.recorded_at <= at:
                    then[row_id] = target
    return into, {row_id: owner for row_id, owner in then.items() if owner != now[row_id]}


def permissions_for(
    session: Session, social_enterprise_id: UUID, jobseeker_ids: Iterable[UUID]
) -> dict[UUID, SharingPermission]:
    """Return the current permission of each jobseeker for one social enterprise, where there is one."""
    ids = set(jobseeker_ids)
    rows = session.scalars(
        select(SharingPermission)
        .where(
            SharingPermission.partner_id.in_(select(Jobseeker.partner_id).where(Jobseeker.id.in_(ids))),
            SharingPermission.jobseeker_id.in_(ids),
            SharingPermission.social_enterprise_id == social_enterprise_id,
            as_known(SharingPermission),
        )
        .order_by(SharingPermission.recorded_at, SharingPermission.id)
    )
    return {row.jobseeker_id: row for row in rows}


def permissions_between(
    session: Session, pairs: Iterable[tuple[UUID, UUID, UUID]]
) -> dict[tuple[UUID, UUID], SharingPermission]:
    """Return, by (jobseeker id, social enterprise id), the current permission of each (partner, jobseeker, enterprise).

    A pair without a permission is not in the result.
    """
    wanted = set(pairs)
    if not wanted:
        return {}
    partner_ids, jobseeker_ids, enterprise_ids = (set(ids) for ids in zip(*wanted, strict=True))
    rows = session.scalars(
        select(SharingPermission)
        .where(
            SharingPermission.partner_id.in_(partner_ids),
            SharingPermission.jobseeker_id.in_(jobseeker_ids),
            SharingPermission.social_enterprise_id.in_(enterprise_ids),
            as_known(SharingPermission),
        )
        .order_by(SharingPermission.recorded_at, SharingPermission.id)
    )
    return {(row.jobseeker_id, row.social_enterprise_id): row for row in rows}


def monitoring_counts(session: Session, actor: Actor) -> dict[str, dict[str, int]]:
    """Return how many of the partner's jobseekers gave each answer to each question."""
    counts: dict[str, dict[str, int]] = {}
    for question in QUESTIONS:
        column = getattr(MonitoringAnswers, question)
        rows = session.execute(
            select(column, func.count())
            .join(Jobseeker, Jobseeker.id == MonitoringAnswers.jobseeker_id)
            .where(
                MonitoringAnswers.partner_id == actor.organisation_id,
                # A void record was made by mistake or merged into another record of the person.
                Jobseeker.state != JobseekerState.VOIDED,
                as_known(MonitoringAnswers),
            )
            .group_by(column)
        )
        counts[question] = {row[0]: row[1] for row in rows}
    return counts
