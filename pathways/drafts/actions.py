"""Keeps, returns and forgets what somebody has typed into a form."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from uuid_utils.compat import uuid7

from pathways.base import local_day
from pathways.database import Session, WriteSession, insert_if_absent
from pathways.drafts.models import Draft
from pathways.errors import TooLarge
from pathways.reference import tables

MOST_CHARACTERS = 200_000  # a long form has some 10,000; a table of working hours for a year some 50,000
MOST_DRAFTS = 100  # of one member
Typed = Mapping[str, Sequence[str]]


def _place(row_id: UUID) -> str:
    return f"drafts:typed:{row_id}"


def save(
    session: WriteSession,
    membership_id: UUID,
    form: str,
    typed: Typed,
    at: datetime,
    *,
    lasts: timedelta | None = None,
) -> None:
    """Keep what was typed into a form, instead of what was kept before.

    Parameters
    ----------
    session : WriteSession
    membership_id : UUID
        The member who typed.
    form : str
        The path of the form.
    typed : mapping of str to list of str
        The values of each field, as the browser sends them.
    at : datetime
    lasts : timedelta, optional
        For how long it is kept. If left out: the days of the ``limits`` table.

    Raises
    ------
    TooLarge
        If there is more than a form can have.
    """
    text = json.dumps({name: list(values) for name, values in typed.items()})
    if len(text) > MOST_CHARACTERS:
        raise TooLarge("This is more than a form can keep. Shorten the longest answer.")
    ends_at = at + (lasts or timedelta(days=int(tables.limit("draft_days", local_day(at)))))
    new = {
        "id": uuid7(),
        "membership_id": membership_id,
        "form": form,
        "typed_sealed": "",
        "saved_at": at,
        "ends_at": ends_at,
    }
    insert_if_absent(session, Draft, [new])
    rows = select(Draft).where(Draft.membership_id == membership_id, Draft.form == form).with_for_update()
    row = session.scalars(rows).one()
    row.typed_sealed, row.saved_at, row.ends_at = session.vault.seal(text, place=_place(row.id)), at, ends_at
    session.flush()
    _forget_oldest(session, membership_id)


def _forget_oldest(session: WriteSession, membership_id: UUID) -> None:
    """Keep only the newest drafts of a member."""
    own = select(Draft.id).where(Draft.membership_id == membership_id)
    old = list(session.scalars(own.order_by(Draft.saved_at.desc(), Draft.id.desc()).offset(MOST_DRAFTS)))
    if old:
        session.execute(delete(Draft).where(Draft.id.in_(old)), execution_options={"synchronize_session": False})


def saved(session: Session, membership_id: UUID, form: str, at: datetime) -> dict[str, list[str]] | None:
    """Return what a member typed into a form; None if nothing is kept."""
    rows = select(Draft).where(
        Draft.membership_id == membership_id, Draft.form == form, Draft.ends_at > at, Draft.typed_sealed != ""
    )
    row = session.scalars(rows).one_or_none()
    if row is None:
        return None
    typed: dict[str, list[str]] = json.loads(session.vault.open(row.typed_sealed, place=_place(row.id)))
    return typed


def forget(session: WriteSession, membership_id: UUID, form: str) -> None:
    """Delete what was kept of a form, because it was sent or is no longer wanted."""
    session.execute(
        delete(Draft).where(Draft.membership_id == membership_id, Draft.form == form),
        execution_options={"synchronize_session": False},
    )


def forget_old(session: WriteSession, at: datetime) -> None:
    """Delete drafts whose time is over."""
    session.execute(delete(Draft).where(Draft.ends_at <= at), execution_options={"synchronize_session": False})
