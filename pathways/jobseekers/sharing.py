"""Permissions to share a jobseeker's details with one social enterprise: granting and revoking."""

from typing import Any
from uuid import UUID

from pathways.base import Actor, local_day
from pathways.database import WriteSession
from pathways.errors import RuleBroken
from pathways.jobseekers import queries
from pathways.jobseekers.actions import must_not_be_void
from pathways.jobseekers.models import (
    Jobseeker,
    SharingPermission,
)
from pathways.jobseekers.schemas import (
    NewPermission,
)
from pathways.organisations.models import Organisation, OrganisationKind


def grant_permission(session: WriteSession, actor: Actor, person: Jobseeker, new: NewPermission) -> SharingPermission:
    """Record that the jobseeker lets a social enterprise read some groups of fields. Refuse a void record."""
    must_not_be_void(person)
    organisation = session.get(Organisation, new.social_enterprise_id)
    if organisation is None or organisation.kind is not OrganisationKind.SOCIAL_ENTERPRISE:
        raise RuleBroken("This social enterprise is not known. Choose another one.", pointer="/social_enterprise_id")
    _must_be_the_last_word(session, actor, person, new)
    return _permission(
        session,
        actor,
        person,
        social_enterprise_id=new.social_enterprise_id,
        groups=sorted(set(new.groups)),
        is_granted=True,
        how_given=new.how_given,
        valid_on=new.valid_on,
    )


def _must_be_the_last_word(session: WriteSession, actor: Actor, person: Jobseeker, new: NewPermission) -> None:
    """Refuse a permission that begins later, or that is older than a revocation or than the restriction of the case."""
    begins = new.valid_on or actor.today
    if begins > actor.today:
        raise RuleBroken("A permission cannot begin in the future. Record it on that day.", pointer="/valid_on")
    previous = queries.permission_for(session, person, new.social_enterprise_id)
    ended = [previous.valid_on] if previous is not None and not previous.is_granted else []
    restricted_at = queries.restricted_at(session, person)
    ended += [local_day(restricted_at)] if restricted_at is not None else []
    if ended and begins < max(ended):
        raise RuleBroken(
            f"This permission is older than {max(ended)}, when sharing was stopped. Ask the jobseeker again, and give"
            " the day on which they agree.",
            pointer="/valid_on",
        )


def revoke_permission(
    session: WriteSession, actor: Actor, person: Jobseeker, permission: SharingPermission, reason: str
) -> SharingPermission:
    """Revoke a permission. From then on, the social enterprise can read none of the jobseeker's details."""
    if not permission.is_granted:
        raise RuleBroken("This permission is already revoked. There is nothing more to do.")
    return _permission(
        session,
        actor,
        person,
        social_enterprise_id=permission.social_enterprise_id,
        groups=[],
        is_granted=False,
        how_given=reason,
        valid_on=None,
    )


def _permission(
    session: WriteSession, actor: Actor, person: Jobseeker, *, social_enterprise_id: UUID, valid_on: Any, **columns: Any
) -> SharingPermission:
    previous = queries.permission_for(session, person, social_enterprise_id)
    permission = SharingPermission.recorded(
        actor,
        valid_on,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        supersedes=previous.id if previous else None,
        social_enterprise_id=social_enterprise_id,
        **columns,
    )
    session.add(permission)
    session.flush()  # refuses the second of two writers that supersede the same permission
    return permission
