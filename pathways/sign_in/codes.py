"""The codes of authenticator apps (RFC 6238, six digits, 30 seconds) and the recovery codes."""

import hmac
import secrets
from base64 import b32encode
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import Select, select, update
from uuid_utils.compat import uuid7

from pathways.database import Session, WriteSession
from pathways.errors import NotFound, RuleBroken
from pathways.sign_in import queries
from pathways.sign_in.models import AuthenticatorApp, RecoveryCode

ISSUER = "Pathways"
STEP_SECONDS = 30
STEPS_EITHER_SIDE = 1  # RFC 6238, section 5.2: at most one step for the delay of the network
RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 80 bits, so that no code can be guessed


class WrongCode(RuleBroken):
    title = "The code is not right"


WRONG_CODE = (
    "Enter the six digits that your authenticator app shows now. A code works once, and for a minute at most. If they"
    " are refused again, check that the clock of your telephone is set automatically."
)
WRONG_RECOVERY = "Check your e-mail address and the code. Each recovery code works once."


def _place(app: AuthenticatorApp) -> str:
    return f"authenticator_apps.sealed_secret:{app.id}"


def pending(user_id: UUID) -> Select[AuthenticatorApp]:
    """Return the query of the app that a person is setting up, the newest first."""
    rows = select(AuthenticatorApp).where(
        AuthenticatorApp.user_id == user_id,
        AuthenticatorApp.confirmed_at.is_(None),
        AuthenticatorApp.removed_at.is_(None),
    )
    return rows.order_by(AuthenticatorApp.id.desc())


def begin(session: WriteSession, user_id: UUID, at: datetime) -> AuthenticatorApp:
    """Begin to set up an app, with a new secret: an earlier one may have been seen by others. It does not work yet."""
    for earlier in session.scalars(pending(user_id).with_for_update()):
        earlier.removed_at = at
    app = AuthenticatorApp(id=uuid7(), user_id=user_id, made_at=at)
    app.sealed_secret = session.vault.seal(pyotp.random_base32(), place=_place(app))
    session.add(app)
    session.flush()
    return app


def secret_of(session: Session, app: AuthenticatorApp) -> str:
    return session.vault.open(app.sealed_secret, place=_place(app))


def address_of(secret: str, email: str) -> str:
    """Return the ``otpauth:`` address that an app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def _step_of(secret: str, code: str, at: datetime, after: int) -> int | None:
    """Return the time step of a right code that is later than the last one used; None for a wrong code."""
    digits = "".join(code.split())
    now = int(at.timestamp()) // STEP_SECONDS
    for step in range(now - STEPS_EITHER_SIDE, now + STEPS_EITHER_SIDE + 1):
        expected = pyotp.TOTP(secret).at(step * STEP_SECONDS)
        if step > after and hmac.compare_digest(expected.encode(), digits.encode()):
            return step
    return None


def confirm(session: WriteSession, user_id: UUID, code: str, at: datetime) -> AuthenticatorApp:
    """Confirm the app that is being set up by its first code. It takes the place of an earlier app."""
    app = session.scalars(pending(user_id).limit(1).with_for_update()).first()
    if app is None:
        raise NotFound("No authenticator app is being set up. Open the page again and scan the new code.")
    step = _step_of(secret_of(session, app), code, at, 0)
    if step is None:
        raise WrongCode(WRONG_CODE, pointer="/code")
    earlier = queries.authenticator(session, user_id, for_update=True)
    if earlier is not None:
        earlier.removed_at = at
    app.confirmed_at, app.last_step = at, step
    session.flush()
    return app


def use(session: WriteSession, user_id: UUID, code: str, at: datetime) -> None:
    """Use a code of a person's app. Raises ``WrongCode`` if it is wrong or was used."""
    app = queries.authenticator(session, user_id, for_update=True)
    step = None if app is None else _step_of(secret_of(session, app), code, at, app.last_step)
    if app is None or step is None:
        raise WrongCode(WRONG_CODE, pointer="/code")
    app.last_step = step
    session.flush()


def remove(session: WriteSession, user_id: UUID, at: datetime) -> None:
    """Remove the app of a person, including an app that is being set up."""
    session.execute(
        update(AuthenticatorApp)
        .where(AuthenticatorApp.user_id == user_id, AuthenticatorApp.removed_at.is_(None))
        .values(removed_at=at),
        execution_options={"synchronize_session": "fetch"},
    )


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").upper()


def new_recovery_codes(session: WriteSession, user_id: UUID, at: datetime) -> list[str]:
    """Make new recovery codes and return them. They are shown once; earlier codes stop working."""
    for row in session.scalars(queries.codes_left(user_id)):
        row.replaced_at = at
    made = []
    for _ in range(RECOVERY_CODES):
        text = b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()
        made.append("-".join(text[start : start + 4] for start in range(0, len(text), 4)))
        session.add(RecoveryCode(user_id=user_id, code_hash=queries.hashed(text), made_at=at))
    session.flush()
    return made


def use_recovery(session: WriteSession, user_id: UUID | None, code: str, at: datetime) -> UUID:
    """Use a recovery code and return whose it was. Raises ``WrongCode``, the same for a wrong address and code."""
    row = None
    if user_id is not None:
        rows = queries.codes_left(user_id).where(RecoveryCode.code_hash == queries.hashed(_plain(code)))
        row = session.scalars(rows.with_for_update()).one_or_none()
    if row is None:
        raise WrongCode(WRONG_RECOVERY, pointer="/code")
    row.used_at = at
    session.flush()
    return row.user_id
