"""One-time links in e-mails, by which the owner of a new key claims it. The issuer of the key never sees the link.

Opening a link (GET) shows no key. Sending the form (POST) makes the secret and shows it once; then the link is dead.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import select

from pathways.base import Actor, Source, day_in_words, local_day
from pathways.database import Session, WriteSession, acting_as
from pathways.errors import NotFound
from pathways.organisations import actions
from pathways.organisations.models import ApiKey, Membership, Organisation

TOKEN_BYTES = 32


class KeyLinkGone(NotFound):
    title = "This link no longer works"


@dataclass(frozen=True, slots=True)
class KeyOffer:
    """What the page behind a link says about the key before it is claimed."""

    organisation: str
    role: str
    expires_on: str
    is_limited: bool


def make(session: WriteSession, key_id: UUID, at: datetime) -> str:
    """Make the link by which a key is claimed, and return its path. Only the hash of its token is stored.

    If the e-mail is sent again, only its newest link works. A key that cannot be claimed now gets no link.
    """
    key = session.get_one(ApiKey, key_id, with_for_update=True, populate_existing=True)
    if not _is_open(key, at):
        return f"keys/{key_id}"
    token = token_urlsafe(TOKEN_BYTES)
    key.link_hash = _hashed(token)
    return f"claim-key/{token}"


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _is_open(key: ApiKey, at: datetime) -> bool:
    is_over = key.expires_on is not None and key.expires_on < local_day(at)
    in_time = key.claim_until is not None and at < key.claim_until
    return key.secret_hash is None and key.revoked_at is None and in_time and not is_over


def label(session: Session, key_id: UUID) -> str:
    """Return what an e-mail about a key adds: that somebody else has seen it. Empty if only its owner has."""
    key = session.get(ApiKey, key_id)
    was_printed = key is not None and key.issued_from is Source.COMMAND_LINE and key.claim_until is None
    if key is None or not was_printed:
        return ""
    return (
        f"The operator of this service made this key on the command line on {day_in_words(local_day(key.made_at))}, and"
        " has seen it"
    )


def _key_of(session: Session, token: str, at: datetime, *, for_update: bool = False) -> tuple[ApiKey, Membership]:
    """Return the key behind a link and its membership. The membership is locked first, as in every change of keys."""
    rows = select(ApiKey).where(ApiKey.link_hash == _hashed(token))
    key = session.scalars(rows).one_or_none()
    if key is not None and for_update:
        session.get_one(Membership, key.membership_id, with_for_update=True, populate_existing=True)
        key = session.scalars(rows.with_for_update().execution_options(populate_existing=True)).one_or_none()
    membership = session.get_one(Membership, key.membership_id) if key is not None else None
    if key is None or membership is None or membership.ended_at is not None or not _is_open(key, at):
        raise KeyLinkGone(
            "The link was used, has expired, or was replaced by a newer e-mail. Ask your administrator for a new key."
            " If you did not use the link yourself, ask your administrator to revoke the key at once."
        )
    return key, membership


def offer_of(session: Session, token: str, at: datetime) -> KeyOffer:
    """Return what a link offers, without the key."""
    key, membership = _key_of(session, token, at)
    return KeyOffer(
        organisation=session.get_one(Organisation, membership.organisation_id).name,
        role=membership.role.value.replace("_", " "),
        expires_on=f"{key.expires_on.day} {key.expires_on:%B %Y}" if key.expires_on else "no day",
        is_limited=key.scopes is not None,
    )


def claim(session: WriteSession, token: str, at: datetime, request_id: str, address: str = "") -> str:
    """Claim a key in the name of its owner and return it. Of two calls at the same time, the second finds no link.

    ``address`` is the network address from which the key was claimed, for the audit.
    """
    key, membership = _key_of(session, token, at, for_update=True)
    owner = Actor(
        membership.user_id,
        membership.organisation_id,
        membership.role,
        membership.id,
        source=Source.PAGE,
        doing="key:claim",
        request_id=request_id,
        issued_by=key.issued_by,
        address=address,
        at=at,
    )
    with acting_as(session, owner):
        secret = actions.set_secret(key)
        key.claimed_at, key.link_hash = at, None
    return secret
