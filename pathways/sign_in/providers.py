"""Sign-in by an organisation's own provider (OpenID Connect, authorisation code with PKCE), such as Entra or Google.

A provider vouches only for members of its own organisation whose e-mail address is in its domain. Nothing here asks the
network inside a write transaction: ``begin`` and ``take`` write, ``address_of`` and ``vouched_for`` ask the provider.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from threading import Lock
from typing import Any
from uuid import UUID

import httpx2
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import Select, delete, select, update
from uuid_utils.compat import uuid7

from pathways.access.models import User
from pathways.database import Session, WriteSession
from pathways.errors import Conflict, NotFound, RuleBroken, Unauthenticated, Unavailable
from pathways.organisations.models import Membership, Organisation
from pathways.sign_in import queries
from pathways.sign_in.models import IdentityProvider, ProviderIdentity, ProviderSignIn, SignInSession, SignInWay
from pathways.sign_in.schemas import NewProvider

LOG = structlog.get_logger()
TOKEN_BYTES = 32
LASTS = timedelta(minutes=10)
SECONDS_TO_ANSWER = 5.0
SECONDS_KEPT = 3600.0  # how long what a provider says about itself is believed
LEEWAY = 60  # seconds by which the clocks of both sides may differ
ALGORITHMS = ["RS256", "PS256", "ES256"]
SCOPE = "openid email profile"


class NotVouchedFor(Unauthenticated):
    title = "Your organisation's sign-in did not let you in"


class ProviderSilent(Unavailable):
    title = "Your organisation's sign-in does not answer"


class DomainTaken(Conflict):
    title = "This domain already signs in by a provider"


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider with its secret, as it is needed to ask it."""

    id: UUID
    organisation_id: UUID
    organisation: str
    issuer: str
    client_id: str
    secret: str
    email_domain: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """A sign-in on its way to a provider and back."""

    provider: Provider
    state: str
    nonce: str
    verifier: str
    next_path: str


_known: dict[str, tuple[float, Mapping[str, Any]]] = {}  # what providers say about themselves, by address
_known_lock = Lock()


def add(session: WriteSession, new: NewProvider, organisation_id: UUID, at: datetime) -> IdentityProvider:
    """Let an organisation sign in its members by its provider. Refused if the domain has a provider."""
    domain = new.email_domain.lower().removeprefix("@")
    if session.scalars(_current().where(IdentityProvider.email_domain == domain)).first() is not None:
        raise DomainTaken(f"Addresses at {domain} have a provider. End it first: pathways sign-in end.")
    row = IdentityProvider(
        id=uuid7(),
        organisation_id=organisation_id,
        issuer=new.issuer.rstrip("/"),
        client_id=new.client_id,
        email_domain=domain,
        made_at=at,
    )
    row.sealed_secret = session.vault.seal(new.client_secret.get_secret_value(), place=_secret_place(row.id))
    session.add(row)
    session.flush()
    return row


def end(session: WriteSession, email_domain: str, at: datetime) -> IdentityProvider:
    """End a provider. Its members sign in by passkey, code or link from now on; their sessions end."""
    row = session.scalars(_current().where(IdentityProvider.email_domain == email_domain.lower())).one_or_none()
    if row is None:
        raise NotFound("No provider has this domain now. See: pathways sign-in list.")
    row.ended_at = at
    session.execute(
        update(SignInSession)
        .where(
            SignInSession.only_organisation_id == row.organisation_id,
            SignInSession.way == SignInWay.PROVIDER,
            SignInSession.ended_at.is_(None),
        )
        .values(ended_at=at),
        execution_options={"synchronize_session": False},
    )
    return row


def _current() -> Select[IdentityProvider]:
    return select(IdentityProvider).where(IdentityProvider.ended_at.is_(None))


def _secret_place(row_id: UUID) -> str:
    return f"identity_providers.sealed_secret:{row_id}"


def _verifier_place(row_id: UUID) -> str:
    return f"provider_sign_ins.sealed_verifier:{row_id}"


def _opened(session: Session, row: IdentityProvider) -> Provider:
    name = session.scalars(select(Organisation.name).where(Organisation.id == row.organisation_id)).one()
    secret = session.vault.open(row.sealed_secret, place=_secret_place(row.id))
    return Provider(row.id, row.organisation_id, name, row.issuer, row.client_id, secret, row.email_domain)


def listed(session: Session) -> list[Provider]:
    """Return the providers that work now, by domain."""
    return [_opened(session, row) for row in session.scalars(_current().order_by(IdentityProvider.email_domain))]


def for_address(session: Session, email: str) -> Provider | None:
    """Return the provider for an e-mail address. It depends on the domain alone: it tells nobody who has an account."""
    domain = email.rpartition("@")[2].lower()
    row = session.scalars(_current().where(IdentityProvider.email_domain == domain)).one_or_none()
    return _opened(session, row) if row is not None else None


def known(session: Session, provider_id: UUID) -> Provider:
    row = session.scalars(_current().where(IdentityProvider.id == provider_id)).one_or_none()
    if row is None:
        raise NotFound("Your organisation no longer signs in this way. Enter your e-mail address on the sign-in page.")
    return _opened(session, row)


def begin(session: WriteSession, provider: Provider, next_path: str, at: datetime) -> Leaving:
    """Keep what must be known when the person comes back from the provider. The state is kept as a hash."""
    leaving = Leaving(provider, token_urlsafe(TOKEN_BYTES), token_urlsafe(16), token_urlsafe(48), next_path)
    row_id = uuid7()
    session.add(
        ProviderSignIn(
            id=row_id,
            provider_id=provider.id,
            state_hash=queries.hashed(leaving.state),
            nonce=leaving.nonce,
            sealed_verifier=session.vault.seal(leaving.verifier, place=_verifier_place(row_id)),
            next_path=next_path,
            works_until=at + LASTS,
        )
    )
    return leaving


def forget(session: WriteSession, at: datetime) -> None:
    """Remove sign-ins that did not come back in time."""
    session.execute(delete(ProviderSignIn).where(ProviderSignIn.works_until <= at))


def take(session: WriteSession, state: str, at: datetime) -> Leaving:
    """Return the sign-in that comes back, which is then used up."""
    row = session.scalars(
        select(ProviderSignIn).where(ProviderSignIn.state_hash == queries.hashed(state)).with_for_update()
    ).one_or_none()
    if row is None or row.works_until <= at:
        raise NotVouchedFor("This sign-in took too long, or was used already. Sign in again.")
    provider = known(session, row.provider_id)
    verifier = session.vault.open(row.sealed_verifier, place=_verifier_place(row.id))
    leaving = Leaving(provider, state, row.nonce, verifier, row.next_path)
    session.delete(row)
    return leaving


def address_of(provider: Provider, leaving: Leaving, back_to: str) -> str:
    """Return the address of the provider's sign-in page."""
    about = _about(provider)
    with _client(provider, back_to) as client:
        address, _ = client.create_authorization_url(
            about["authorization_endpoint"], state=leaving.state, nonce=leaving.nonce, code_verifier=leaving.verifier
        )
    return str(address)


def _client(provider: Provider, back_to: str) -> OAuth2Client:
    return OAuth2Client(
        provider.client_id,
        provider.secret,
        scope=SCOPE,
        redirect_uri=back_to,
        code_challenge_method="S256",
        timeout=SECONDS_TO_ANSWER,
    )


def _about(provider: Provider) -> Mapping[str, Any]:
    """Return what a provider says about itself (OpenID Connect Discovery)."""
    about = _fetched(f"{provider.issuer}/.well-known/openid-configuration")
    if about.get("issuer", "").rstrip("/") != provider.issuer:
        LOG.warning("provider names another issuer", provider_id=str(provider.id))
        raise ProviderSilent("It calls itself by another name than it was set up with. Tell the operator.")
    return about


def _fetched(address: str, *, afresh: bool = False) -> Mapping[str, Any]:
    with _known_lock:
        kept = _known.get(address)
    if kept is not None and not afresh and time.monotonic() - kept[0] < SECONDS_KEPT:
        return kept[1]
    try:
        answer = httpx2.get(address, timeout=SECONDS_TO_ANSWER, follow_redirects=False).raise_for_status().json()
    except (httpx2.HTTPError, ValueError) as failure:
        LOG.warning("provider does not answer", cause=type(failure).__name__)
        raise ProviderSilent("Try again in a few minutes, or use a passkey or a link by e-mail.") from failure
    with _known_lock:
        _known[address] = (time.monotonic(), answer)
    return dict(answer)


def vouched_for(leaving: Leaving, code: str, back_to: str, at: datetime) -> Mapping[str, Any]:
    """Return the checked claims of the provider's ID token.

    Raises ``NotVouchedFor`` if the person was refused there, or if signature, issuer, audience, time or nonce is wrong.
    """
    provider = leaving.provider
    if not code:
        raise NotVouchedFor("Your organisation refused the sign-in, or it was cancelled there. Sign in again.")
    about = _about(provider)
    try:
        with _client(provider, back_to) as client:
            token = client.fetch_token(
                about["token_endpoint"], code=code, grant_type="authorization_code", code_verifier=leaving.verifier
            )
    except httpx2.HTTPError as failure:
        LOG.warning("provider does not answer", cause=type(failure).__name__)
        raise ProviderSilent("Try again in a few minutes, or use a passkey or a link by e-mail.") from failure
    except (AuthlibBaseError, ValueError) as refused:
        LOG.warning("provider refused the code", provider_id=str(provider.id), cause=type(refused).__name__)
        raise NotVouchedFor("Your organisation's sign-in did not confirm who you are. Sign in again.") from refused
    return _checked(leaving, about, str(token.get("id_token") or ""), at)


def _checked(leaving: Leaving, about: Mapping[str, Any], id_token: str, at: datetime) -> Mapping[str, Any]:
    provider = leaving.provider
    rules = jwt.JWTClaimsRegistry(
        now=int(at.timestamp()),
        leeway=LEEWAY,
        iss={"essential": True, "value": about["issuer"]},
        aud={"essential": True, "value": provider.client_id},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        nonce={"essential": True, "value": leaving.nonce},
    )
    last: Exception | None = None
    for afresh in (False, True):  # a provider may have new keys
        try:
            keys = KeySet.import_key_set(dict(_fetched(about["jwks_uri"], afresh=afresh)))  # type: ignore[arg-type]
            claims = jwt.decode(id_token, keys, algorithms=ALGORITHMS).claims
            rules.validate(claims)
        except (JoseError, ValueError, KeyError) as wrong:
            last = wrong
            continue
        return claims
    LOG.warning("token of a provider is wrong", provider_id=str(provider.id), cause=type(last).__name__)
    raise NotVouchedFor("Your organisation's sign-in did not confirm who you are. Sign in again.")


def person_of(session: WriteSession, provider: Provider, claims: Mapping[str, Any], at: datetime) -> UUID:
    """Return the member of the provider's organisation whom the claims mean.

    The first time, the e-mail address decides: it is in the provider's domain, the provider does not say that it is
    unverified, and a current member of the organisation has it. From then on the subject decides.
    """
    subject = str(claims["sub"])
    linked = session.scalars(
        select(ProviderIdentity.user_id).where(
            ProviderIdentity.provider_id == provider.id, ProviderIdentity.subject == subject
        )
    ).one_or_none()
    email = str(claims.get("email") or claims.get("preferred_username") or "").strip().lower()
    is_ours = email.rpartition("@")[2] == provider.email_domain and claims.get("email_verified") is not False
    by_email = User.email == email if is_ours else User.id.is_(None)
    user_id = session.scalars(
        select(User.id)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.organisation_id == provider.organisation_id,
            Membership.ended_at.is_(None),
            User.is_machine.is_(False),
            User.id == linked if linked is not None else by_email,
        )
        .limit(1)
    ).first()
    if user_id is None:
        raise NotVouchedFor(
            f"{provider.organisation} has no member with this account here. Ask its administrator to add you, with"
            " the e-mail address of this account."
        )
    if linked is None:
        session.add(ProviderIdentity(provider_id=provider.id, subject=subject, user_id=user_id, made_at=at))
        session.flush()
    return user_id


def must_be_https(issuer: str, *, is_production: bool) -> None:
    """Refuse an issuer without HTTPS in production: anybody between could vouch for anybody."""
    if is_production and not issuer.startswith("https://"):
        raise RuleBroken("The issuer must begin with https:// in production.", pointer="/issuer")
