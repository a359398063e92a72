"""Every SELECT on jobseekers, starting from what the actor may see."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from rapidfuzz import fuzz
from sqlalchemy import ColumnElement, Select, Uuid, and_, bindparam, func, or_, select

from pathways.audit import AuditRow
from pathways.base import Actor, Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.facts import Fact, as_known
from pathways.fields import Group, Purpose, Relation, Relationship, visible_fields
from pathways.jobseekers import formats
from pathways.jobseekers.models import (
    Jobseeker,
    JobseekerDetails,
    JobseekerState,
    Merge,
    MonitoringAnswers,
    ProfileVersion,
    SharingPermission,
)
from pathways.jobseekers.schemas import QUESTIONS, SearchBody

LIKE_ENOUGH = 0.72
MOST_HITS = 20


def visible_to(actor: Actor) -> Select[Jobseeker]:
    """A partner's people see its own jobseekers; restricted ones only their caseworker and team managers.

    A record made by mistake and voided is seen by team managers only.
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


# One jobseeker as each role sees them. Made once: putting the query together costs as much as running it.
ONE = {
    role: _visible(role, _parameter("organisation"), _parameter("membership")).where(Jobseeker.id == _parameter("id"))
    for role in Role
}
ONE_ID = {role: rows.with_only_columns(Jobseeker.id) for role, rows in ONE.items()}


def ids_visible_to(actor: Actor) -> Select[Any]:
    return visible_to(actor).with_only_columns(Jobseeker.id)


def is_visible(actor: Actor, jobseeker_id: Any) -> ColumnElement[bool]:
    """Return the condition that a row is about a jobseeker this actor may see.

    It is looked up for each row: a list of ids would be made of a whole caseload first, for a page of ten.
    """
    rows = ids_visible_to(actor).where(Jobseeker.id == jobseeker_id)
    return rows.correlate_except(Jobseeker).exists()


def jobseeker(session: Session, actor: Actor, jobseeker_id: UUID, *, for_update: bool = False) -> Jobseeker:
    """Return one jobseeker; for a change, locked and read afresh."""
    found = session.scalars(ONE[actor.role], scope_parameters(actor, jobseeker_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such jobseeker.")
    if for_update:
        session.refresh(found, with_for_update=True)
    return found


def scope_parameters(actor: Actor, jobseeker_id: UUID) -> dict[str, Any]:
    """Return the parameters of ``ONE`` and ``ONE_ID``."""
    return {"organisation": actor.organisation_id, "membership": actor.membership_id, "id": jobseeker_id}


def must_see(session: Session, actor: Actor, jobseeker_id: UUID) -> None:
    """Refuse where this actor may not see a jobseeker, without reading more of them."""
    if session.connection().execute(ONE_ID[actor.role], scope_parameters(actor, jobseeker_id)).one_or_none() is None:
        raise NotFound("There is no such jobseeker.")


def by_reference(session: Session, reference: str) -> Jobseeker:
    """For the command line, whose operator holds the database itself."""
    found = session.scalars(select(Jobseeker).where(Jobseeker.reference == reference.strip().upper())).one_or_none()
    if found is None:
        raise NotFound(f"There is no jobseeker with the reference {reference}.")
    return found


class CaseAccess(Protocol):
    """What decides how an actor stands to a jobseeker: the row itself, or these columns of it."""

    @property
    def partner_id(self) -> UUID: ...
    @property
    def caseworker_id(self) -> UUID | None: ...


def cases(session: Session, jobseeker_ids: Iterable[UUID]) -> dict[UUID, CaseAccess]:
    """Return what decides who may read what about some people."""
    rows = session.execute(
        select(Jobseeker.id, Jobseeker.partner_id, Jobseeker.caseworker_id).where(Jobseeker.id.in_(set(jobseeker_ids)))
    )
    found: dict[UUID, Any] = {row.id: row for row in rows}
    return found


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
    return visible_fields(actor, relationship(actor, person), purpose)


# By partner too, for every index of rows about people begins with it.
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
    """Return the columns of a caseload, filtered."""
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
    """Return the facts of one kind that stand now about one person."""
    return select(model).where(
        model.partner_id == person.partner_id,  # type: ignore[attr-defined]
        model.jobseeker_id == person.id,  # type: ignore[attr-defined]
        as_known(model),
    )


def fact(session: Session, model: type[PersonFact], person: Jobseeker, fact_id: UUID) -> PersonFact:
    found = session.scalars(facts_about(model, person).where(model.id == fact_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such entry, or it has been replaced.")
    return found


def details(session: Session, person: Jobseeker) -> JobseekerDetails:
    return session.scalars(facts_about(JobseekerDetails, person)).one()


def profile(session: Session, person: Jobseeker) -> ProfileVersion | None:
    return session.scalars(facts_about(ProfileVersion, person)).one_or_none()


def profile_versions(person: Jobseeker) -> Select[ProfileVersion]:
    return select(ProfileVersion).where(
        ProfileVersion.partner_id == person.partner_id, ProfileVersion.jobseeker_id == person.id
    )


def permission_for(session: Session, person: Jobseeker, social_enterprise_id: UUID) -> SharingPermission | None:
    """Return what the jobseeker lets this social enterprise be told now, if anything."""
    return session.scalars(
        facts_about(SharingPermission, person)
        .where(SharingPermission.social_enterprise_id == social_enterprise_id)
        .order_by(SharingPermission.recorded_at.desc(), SharingPermission.id.desc())
        .limit(1)
    ).one_or_none()


def granted_groups(permission: SharingPermission | None) -> frozenset[Group]:
    if permission is None or not permission.is_granted:
        return frozenset()
    return frozenset(Group(group) for group in permission.groups)


def search(session: Session, actor: Actor, wanted: SearchBody) -> list[tuple[Any, float, list[str]]]:
    """Return who it may be, best first: spelling, order of names and a missing field are forgiven."""
    rows = session.execute(
        visible_to(actor)
        .with_only_columns(
            Jobseeker.id,
            Jobseeker.reference,
            Jobseeker.given_key,
            Jobseeker.family_key,
            Jobseeker.date_of_birth,
            Jobseeker.postcode_key,
            JobseekerDetails.given_name,
            JobseekerDetails.family_name,
        )
        .join(JobseekerDetails, THEIR_DETAILS)
    ).all()
    name = formats.name_key(wanted.name)
    reference = (wanted.reference or "").strip().upper()
    postcode = formats.compact(wanted.postcode)
    hits = []
    for row in rows:
        scores: dict[str, float] = {}
        if name:
            scores["name"] = fuzz.token_sort_ratio(name, f"{row.given_key} {row.family_key}".strip()) / 100
            if len(name.split()) == 1:
                parts = (row.given_key, row.family_key)
                scores["name"] = max([scores["name"], *(fuzz.ratio(name, part) / 100 for part in parts)])
        if reference:
            scores["reference"] = fuzz.ratio(reference, row.reference) / 100
        if postcode:
            scores["postcode"] = _alike_postcodes(postcode, row.postcode_key)
        if wanted.date_of_birth:
            scores["date_of_birth"] = _alike_dates(wanted.date_of_birth, row.date_of_birth)
        if not scores:
            continue
        likeness = sum(scores.values()) / len(scores)
        if likeness >= LIKE_ENOUGH:
            hits.append((row, round(likeness, 3), sorted(k for k, v in scores.items() if v >= LIKE_ENOUGH)))
    hits.sort(key=lambda hit: (-hit[1], hit[0].reference))
    return hits[:MOST_HITS]


def _alike_postcodes(one: str, other: str | None) -> float:
    if other is None:
        return 0.5
    return 1.0 if one == other else 0.8 if one[:-2] == other[:-2] else 0.0


def _alike_dates(one: date, other: date | None) -> float:
    if other is None:
        return 0.5
    if one == other:
        return 1.0
    swapped = one.day == other.month and one.month == other.day and one.year == other.year
    near = fuzz.ratio(one.isoformat(), other.isoformat()) >= 90  # noqa: PLR2004 - one digit of ten differs
    return 0.85 if swapped or near else 0.0


def merges_into(person: Jobseeker) -> Select[Merge]:
    """Return the merges into a record that are not undone."""
    return facts_about(Merge, person)


def merged_ids(session: Session, person: Jobseeker) -> list[UUID]:
    """Return the records that were merged into a person's, and into those."""
    found: list[UUID] = []
    last = [person.id]
    while last:
        rows = select(Merge.merged_id).where(
            Merge.partner_id == person.partner_id, Merge.jobseeker_id.in_(last), as_known(Merge)
        )
        last = [one for one in session.scalars(rows.order_by(Merge.id)) if one not in found]
        found += last
    return found


def merge(session: Session, actor: Actor, jobseeker_id: UUID, merge_id: UUID) -> Merge:
    person = jobseeker(session, actor, jobseeker_id)
    found = session.scalars(merges_into(person).where(Merge.id == merge_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such merge, or it has been undone.")
    return found


def merged_at(session: Session, partner_ids: Iterable[UUID], at: datetime) -> tuple[dict[UUID, UUID], dict[UUID, UUID]]:
    """Return how merges stood at an instant: into which record each one was taken, and whose some rows were then.

    Rows of a merge are moved, so what is said now of whose they are is not what was known before it or after its undo:
    of those that were another record's at that instant, the second answer names that record.
    """
    merges = list(
        session.scalars(
            select(Merge).where(Merge.partner_id.in_(list(partner_ids))).order_by(Merge.recorded_at, Merge.id)
        )
    )
    into: dict[UUID, UUID] = {}
    then: dict[UUID, UUID] = {}
    now: dict[UUID, UUID] = {}
    for one in merges:
        # A merge moves its rows into the record that is kept; its withdrawal moves them back.
        origin, target = one.merged_id, one.jobseeker_id
        if one.is_withdrawal:
            origin, target = target, origin
        if one.recorded_at <= at:
            into.pop(one.merged_id, None)
            if not one.is_withdrawal:
                into[one.merged_id] = one.jobseeker_id
        for ids in one.moved.values():
            for row_id in map(UUID, ids):
                then.setdefault(row_id, origin)
                now[row_id] = target
                if one.recorded_at <= at:
                    then[row_id] = target
    return into, {
        row_id: scope_parameters for row_id, scope_parameters in then.items() if scope_parameters != now[row_id]
    }


def permissions_for(
    session: Session, social_enterprise_id: UUID, jobseeker_ids: Iterable[UUID]
) -> dict[UUID, SharingPermission]:
    """Return what each of some jobseekers lets one social enterprise be told now, where they said."""
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


def monitoring_counts(session: Session, actor: Actor) -> dict[str, dict[str, int]]:
    """Return how many of the partner's jobseekers gave each answer."""
    counts: dict[str, dict[str, int]] = {}
    for question in QUESTIONS:
        column = getattr(MonitoringAnswers, question)
        rows = session.execute(
            select(column, func.count())
            .join(Jobseeker, Jobseeker.id == MonitoringAnswers.jobseeker_id)
            .where(
                MonitoringAnswers.partner_id == actor.organisation_id,
                Jobseeker.state
                != JobseekerState.VOIDED,  # made by mistake, or merged into another record of the person
                as_known(MonitoringAnswers),
            )
            .group_by(column)
        )
        counts[question] = {row[0]: row[1] for row in rows}
    return counts
