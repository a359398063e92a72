"""Scheduled job for keys: remind the owner some days before a key expires, so that no machine stops without warning."""

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.messages import actions
from pathways.messages.models import NoticeKind
from pathways.organisations.models import ApiKey, Membership
from pathways.reference import tables
from pathways.scheduled import ScheduledJob


def _expiring(session: Session, organisation_id: UUID, on: date) -> Iterator[UUID]:
    """Yield the ids of the organisation's keys in use that expire within the days of ``key_warning_days``."""
    days = int(tables.limit("key_warning_days", on))
    rows = (
        select(ApiKey.id)
        .join(Membership, Membership.id == ApiKey.membership_id)
        .where(
            Membership.organisation_id == organisation_id,
            Membership.ended_at.is_(None),
            ApiKey.secret_hash.is_not(None),
            ApiKey.revoked_at.is_(None),
            ApiKey.expires_on.between(on, on + timedelta(days=days)),
        )
    )
    yield from session.scalars(rows)


def _remind(session: WriteSession, actor: Actor, key_id: UUID) -> bool:
    key = session.get_one(ApiKey, key_id)
    membership = session.get_one(Membership, key.membership_id)
    if key.revoked_at is not None or membership.ended_at is not None:
        return False
    return bool(
        actions.notify(
            session,
            actor,
            [membership.user_id],
            NoticeKind.KEY_EXPIRES,
            about=("keys", key.id),
            organisation_id=membership.organisation_id,
        )
    )


OF_ORGANISATIONS = (ScheduledJob("notify of keys that expire", _expiring, _remind),)
