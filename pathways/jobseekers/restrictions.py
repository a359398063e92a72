"""Restricting a case to its caseworker and the team managers, and lifting the restriction."""

from uuid import UUID

from sqlalchemy import select

from pathways.base import Actor, Role
from pathways.database import WriteSession
from pathways.errors import RuleBroken
from pathways.facts import NotYourMove
from pathways.jobseekers import queries, sharing
from pathways.jobseekers.actions import assign, must_not_be_void
from pathways.jobseekers.models import Jobseeker, Restriction, SharingPermission

SUSPECTED = "This record may belong to a person whose other record is restricted. Compare both records."
NOTED = "restricted"  # key of the session's note of who was restricted, which ``protection`` reads before the commit
ASK_AGAIN = "The case was restricted. Ask the jobseeker again what may be shared."


def restrict(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """Restrict a case, and revoke every permission to share, because the jobseeker's situation has changed.

    A case that is already restricted stays as it is, unless it was restricted only on suspicion.
    """
    must_not_be_void(person)
    if person.is_restricted and not is_only_suspected(session, person):
        return
    _record(session, actor, person, reason, is_restricted=True)
    for permission in session.scalars(queries.facts_about(SharingPermission, person)).all():
        if permission.is_granted:
            sharing.revoke_permission(session, actor, person, permission, ASK_AGAIN)


def inherit(session: WriteSession, actor: Actor, person: Jobseeker, restricted: Jobseeker) -> bool:
    """Restrict a record that may be about a restricted person.

    Not if a person has lifted its restriction since the other record was restricted. Permissions stay, because the
    suspicion may be wrong. Returns whether the record was restricted now.
    """
    since = queries.restricted_at(session, restricted) or restricted.made_at
    newest = _newest(session, person)
    if person.is_restricted or (newest is not None and newest.recorded_at >= since):
        return False
    _record(session, actor, person, SUSPECTED, is_restricted=True, is_suspected=True)
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


def is_only_suspected(session: WriteSession, person: Jobseeker) -> bool:
    newest = _newest(session, person)
    return newest is not None and newest.is_suspected


def taken_note(session: WriteSession) -> list[UUID]:
    """Return the ids of those who were restricted in this transaction since the last call, in order."""
    return sorted(session.info.pop(NOTED, set()))


def _record(
    session: WriteSession,
    actor: Actor,
    person: Jobseeker,
    reason: str,
    *,
    is_restricted: bool,
    is_suspected: bool = False,
) -> None:
    newest = _newest(session, person)
    session.add(
        Restriction.recorded(
            actor,
            partner_id=person.partner_id,
            jobseeker_id=person.id,
            supersedes=newest.id if newest is not None else None,
            is_restricted=is_restricted,
            is_suspected=is_suspected,
            reason=reason,
        )
    )
    person.is_restricted = is_restricted
    if is_restricted:
        session.info.setdefault(NOTED, set()).add(person.id)
    session.flush()  # the reply includes the new version
