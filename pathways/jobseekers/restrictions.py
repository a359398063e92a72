"""Restricting a case to its caseworker and the team managers, and lifting the restriction."""

from sqlalchemy import select

from pathways.base import Actor, Role
from pathways.database import WriteSession
from pathways.errors import RuleBroken
from pathways.facts import NotYourMove
from pathways.jobseekers import queries, sharing
from pathways.jobseekers.actions import assign, must_not_be_void
from pathways.jobseekers.models import Jobseeker, Restriction, SharingPermission

SUSPECTED = "This record may belong to a person whose other record is restricted. Compare both records."
ASK_AGAIN = "The case was restricted. Ask the jobseeker again what may be shared."


def restrict(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """Restrict a case, and revoke every permission to share, because the jobseeker's situation has changed.

    A case that is already restricted stays as it is, unless it was restricted only on suspicion.
    """
    must_not_be_void(person)
    if person.is_restricted and not _is_only_suspected(session, person):
        return
    _record(session, actor, person, reason, is_restricted=True)
    for permission in session.scalars(queries.facts_about(SharingPermission, person)).all():
        if permission.is_granted:
            sharing.revoke_permission(session, actor, person, permission, ASK_AGAIN)


def inherit(session: WriteSession, actor: Actor, person: Jobseeker) -> bool:
    """Restrict a record that may be about a restricted person, unless a person lifted its restriction before.

    Permissions stay, because the suspicion may be wrong. Returns whether the record was restricted now.
    """
    was_lifted = select(Restriction.id).where(
        Restriction.partner_id == person.partner_id,
        Restriction.jobseeker_id == person.id,
        Restriction.is_restricted.is_(False),
    )
    if person.is_restricted or session.scalars(was_lifted.limit(1)).first() is not None:
        return False
    _record(session, actor, person, SUSPECTED, is_restricted=True)
    is_new_and_own = person.made_at == actor.at and actor.organisation_id == person.partner_id
    if actor.role is Role.CASEWORKER and is_new_and_own and person.caseworker_id is None:
        # Otherwise the caseworker who has just typed the record could not see it, and would type it again.
        assign(session, actor, person, actor.membership_id, person.programme_id)
    return True


def lift(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> Jobseeker:
    """Lift the restriction of a case. Only a team manager may, with a reason. Revoked permissions stay revoked."""
    if actor.role is not Role.TEAM_MANAGER:
        raise NotYourMove("Only a team manager may lift the restriction of a case. Ask a team manager.")
    if not person.is_restricted:
        raise RuleBroken("This case is not restricted. There is nothing to lift.")
    _record(session, actor, person, reason, is_restricted=False)
    return person


def _newest(session: WriteSession, person: Jobseeker) -> Restriction | None:
    rows = select(Restriction).where(Restriction.partner_id == person.partner_id, Restriction.jobseeker_id == person.id)
    return session.scalars(rows.order_by(Restriction.recorded_at.desc(), Restriction.id.desc()).limit(1)).first()


def _is_only_suspected(session: WriteSession, person: Jobseeker) -> bool:
    newest = _newest(session, person)
    return newest is not None and newest.reason == SUSPECTED


def _record(session: WriteSession, actor: Actor, person: Jobseeker, reason: str, *, is_restricted: bool) -> None:
    newest = _newest(session, person)
    session.add(
        Restriction.recorded(
            actor,
            partner_id=person.partner_id,
            jobseeker_id=person.id,
            supersedes=newest.id if newest is not None else None,
            is_restricted=is_restricted,
            reason=reason,
        )
    )
    person.is_restricted = is_restricted
    session.flush()  # the reply includes the new version
