"""The caseworkers of an organisation, as answers that can be chosen on a page."""

from sqlalchemy import select

from pathways.access.models import User
from pathways.base import Actor, Role
from pathways.database import Session
from pathways.organisations.models import Membership
from pathways.pages.forms import Option


def caseworkers(session: Session, actor: Actor) -> tuple[Option, ...]:
    """Return the caseworkers of the actor's organisation; the actor first, if they are one."""
    rows = session.execute(
        select(Membership.id, User.name)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.organisation_id == actor.organisation_id,
            Membership.role.in_([Role.CASEWORKER, Role.TEAM_MANAGER]),
            Membership.ended_at.is_(None),
        )
        .order_by(User.name)
    ).all()
    own = [Option(str(row.id), f"{row.name} (me)") for row in rows if row.id == actor.membership_id]
    return (*own, *(Option(str(row.id), row.name) for row in rows if row.id != actor.membership_id))
