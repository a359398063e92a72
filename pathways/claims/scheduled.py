"""Scheduled job for claims: notify team managers and the funder of payments that must be paid back."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from sqlalchemy import select

from pathways.base import Actor, Role
from pathways.claims import queries
from pathways.claims.models import Claim, ClaimState
from pathways.database import Session, WriteSession
from pathways.messages import actions as message_actions
from pathways.messages.models import NoticeKind
from pathways.scheduled import ScheduledJob


def _owed(session: Session, partner_id: UUID, _: date) -> Iterator[UUID]:
    """Yield the ids of a partner's paid claims for which the outcome no longer counts."""
    paid = list(session.scalars(select(Claim).where(Claim.partner_id == partner_id, Claim.state == ClaimState.PAID)))
    current = queries.current_outcomes(session, paid)
    yield from (claim.id for claim in paid if claim.outcome_id not in current)


def _notify(session: WriteSession, actor: Actor, claim_id: UUID) -> bool:
    claim = session.get_one(Claim, claim_id)
    kind, about = NoticeKind.CLAIM_OWED_BACK, ("claims", claim.id)
    sides = ((claim.partner_id, Role.TEAM_MANAGER), (claim.commissioner_id, Role.COMMISSIONER))
    written = [message_actions.notify_roles(session, actor, side, [role], kind, about=about) for side, role in sides]
    return any(written)


OF_PARTNERS = (ScheduledJob("notify of claims owed back", _owed, _notify),)
