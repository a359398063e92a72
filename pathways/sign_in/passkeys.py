"""Passkeys (W3C Web Authentication, level 3): adding one to an account, and signing in with one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from secrets import token_bytes
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from sqlalchemy import delete, select
from webauthn.helpers import base64url_to_bytes, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from pathways.access.models import User
from pathways.database import WriteSession
from pathways.errors import Conflict
from pathways.sign_in import queries
from pathways.sign_in.models import Passkey, PasskeyChallenge

NAME = "Pathways"
CHALLENGE_BYTES = 32
CHALLENGE_LASTS = timedelta(minutes=5)


class PasskeyRefused(Conflict):
    title = "The passkey could not be used"


REFUSED = "Try again. If it is refused again, sign in another way, and add the passkey to your account once more."


@dataclass(frozen=True, slots=True)
class Site:
    """The website that passkeys belong to: its domain, and the address that browsers give as the origin."""

    domain: str
    origin: str

    @classmethod
    def of(cls, public_url: str) -> "Site":
        """Return the website of an address. A passkey cannot belong to a number, so 127.0.0.1 is called localhost."""
        parts = urlsplit(public_url)
        domain = parts.hostname or "localhost"
        try:
            is_here = ip_address(domain).is_loopback
        except ValueError:
            is_here = False
        if is_here:
            port = f":{parts.port}" if parts.port else ""
            return cls("localhost", f"{parts.scheme}://localhost{port}")
        return cls(domain, f"{parts.scheme}://{parts.netloc}")


def _challenge(session: WriteSession, user_id: UUID | None, at: datetime) -> PasskeyChallenge:
    row = PasskeyChallenge(challenge=token_bytes(CHALLENGE_BYTES), user_id=user_id, works_until=at + CHALLENGE_LASTS)
    session.add(row)
    session.flush()  # the browser sends its id back
    return row


def _used(session: WriteSession, challenge_id: UUID, user_id: UUID | None, at: datetime) -> bytes:
    """Return the bytes of a challenge and delete it: it works once. Of two callers at once, one finds none."""
    row = session.scalars(
        select(PasskeyChallenge).where(PasskeyChallenge.id == challenge_id).with_for_update()
    ).one_or_none()
    if row is None or row.user_id != user_id or row.works_until <= at:
        raise PasskeyRefused("This took too long, or was sent twice. Try again.")
    session.delete(row)
    session.flush()
    return row.challenge


def adding(session: WriteSession, site: Site, user_id: UUID, at: datetime) -> dict[str, Any]:
    """Return what the browser needs to make a passkey, with the id of the challenge."""
    user = session.get_one(User, user_id)
    row = _challenge(session, user_id, at)
    options = webauthn.generate_registration_options(
        rp_id=site.domain,
        rp_name=NAME,
        user_id=user_id.bytes,
        user_name=user.email,
        user_display_name=user.name,
        challenge=row.challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=one.credential_id) for one in session.scalars(queries.passkeys(user_id))
        ],
    )
    return {"challenge_id": str(row.id), "options": options_to_json_dict(options)}


def add(
    session: WriteSession,
    site: Site,
    user_id: UUID,
    challenge_id: UUID,
    *,
    answer: dict[str, Any],
    name: str,
    at: datetime,
) -> Passkey:
    """Add the passkey that a browser made. Refused unless the person was verified by the device."""
    challenge = _used(session, challenge_id, user_id, at)
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.domain,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
        raise PasskeyRefused(REFUSED) from wrong
    if session.scalars(select(Passkey.id).where(Passkey.credential_id == made.credential_id)).first() is not None:
        raise PasskeyRefused("This passkey is in use already. Sign in with it, or make another one.")
    passkey = Passkey(
        user_id=user_id,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        uses=made.sign_count,
        name=name,
        made_at=at,
    )
    session.add(passkey)
    session.flush()
    return passkey


def signing_in(session: WriteSession, site: Site, at: datetime) -> dict[str, Any]:
    """Return what the browser needs to find a passkey of this website, with the id of the challenge."""
    row = _challenge(session, None, at)
    options = webauthn.generate_authentication_options(
        rp_id=site.domain, challenge=row.challenge, user_verification=UserVerificationRequirement.REQUIRED
    )
    return {"challenge_id": str(row.id), "options": options_to_json_dict(options)}


def take(session: WriteSession, challenge_id: UUID, at: datetime) -> bytes:
    """Return the bytes of a challenge at sign-in. It works once, so the caller commits before the answer is checked."""
    return _used(session, challenge_id, None, at)


def use(session: WriteSession, site: Site, challenge: bytes, answer: dict[str, Any], at: datetime) -> UUID:
    """Return whose passkey signed a challenge. Raises ``PasskeyRefused`` if it is unknown, removed or wrong."""
    try:
        credential_id = base64url_to_bytes(answer["rawId"])
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise PasskeyRefused(REFUSED) from wrong
    rows = select(Passkey).where(Passkey.credential_id == credential_id, Passkey.removed_at.is_(None))
    passkey = session.scalars(rows.with_for_update()).one_or_none()
    if passkey is None:
        raise PasskeyRefused("Pathways does not know this passkey, or it was removed. Sign in another way.")
    try:
        checked = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.domain,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.uses,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
        raise PasskeyRefused(REFUSED) from wrong
    passkey.uses, passkey.used_at = checked.new_sign_count, at
    session.flush()
    return passkey.user_id


def forget(session: WriteSession, at: datetime) -> None:
    """Delete challenges that nobody can use now."""
    session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.works_until <= at))
