"""Tables of how people sign in. Every secret is stored as a hash, or sealed where it must be read again."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, Source, one_of, words


class SignInWay(StrEnum):
    """How a person proved who they are at the start of a session."""

    LINK = "link"
    PASSKEY = "passkey"
    AUTHENTICATOR = "authenticator"
    RECOVERY_CODE = "recovery_code"
    PROVIDER = "provider"


class SignInLinkKind(StrEnum):
    """What a one-time link is for: the first sign-in, or a browser that the service does not know yet."""

    INVITATION = "invitation"
    NEW_BROWSER = "new_browser"


class SignInLink(Base):
    """A one-time link, sent to its owner. Its token is made when the e-mail is sent, so that its maker never has it."""

    __tablename__ = "sign_in_links"
    __table_args__ = (
        CheckConstraint(one_of("kind", SignInLinkKind), name="kind_is_known"),
        CheckConstraint(one_of("made_from", Source), name="made_from_is_known"),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    kind: Mapped[SignInLinkKind] = mapped_column(words(SignInLinkKind))
    made_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    made_from: Mapped[Source] = mapped_column(words(Source))
    made_at: Mapped[datetime]
    works_until: Mapped[datetime]
    link_hash: Mapped[str | None] = mapped_column(SHORT, unique=True)
    used_at: Mapped[datetime | None]
    # When the link was cancelled, or replaced by a newer link.
    cancelled_at: Mapped[datetime | None]


class SignInSession(Base):
    """One browser in which somebody is signed in, in the role of one membership once it is chosen."""

    __tablename__ = "sessions"
    __table_args__ = (CheckConstraint(one_of("way", SignInWay), name="way_is_known"),)

    id: Mapped[PrimaryKey]
    token_hash: Mapped[str] = mapped_column(SHORT, unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    membership_id: Mapped[UUID | None] = mapped_column(ForeignKey("memberships.id"))
    way: Mapped[SignInWay] = mapped_column(words(SignInWay))
    # Whose provider vouched for the person: only roles in this organisation can be chosen then.
    only_organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    # A person who was invited sets up a passkey or an authenticator app before anything else.
    must_set_up: Mapped[bool] = mapped_column(default=False)
    browser: Mapped[str] = mapped_column(SHORT)
    address: Mapped[str] = mapped_column(SHORT)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class KnownBrowser(Base):
    """A browser in which a person has signed in. There, the code of the authenticator app is enough."""

    __tablename__ = "known_browsers"

    id: Mapped[PrimaryKey]
    token_hash: Mapped[str] = mapped_column(SHORT, unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    made_at: Mapped[datetime]
    works_until: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class Passkey(Base):
    """A passkey of a person: the public half of a key pair that never leaves their device."""

    __tablename__ = "passkeys"

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    uses: Mapped[int]  # the signature counter of the device; 0 where the device does not count
    name: Mapped[str] = mapped_column(SHORT)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class AuthenticatorApp(Base):
    """The shared secret of an authenticator app (RFC 6238), sealed. It works once a first code has confirmed it."""

    __tablename__ = "authenticator_apps"

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    sealed_secret: Mapped[str] = mapped_column(LINE)
    made_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    # The time step of the last code that was used: a code works once.
    last_step: Mapped[int] = mapped_column(default=0)


class RecoveryCode(Base):
    """A code for the day on which every device is lost. It works once."""

    __tablename__ = "recovery_codes"

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    code_hash: Mapped[str] = mapped_column(SHORT, index=True)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    # When newer codes took its place.
    replaced_at: Mapped[datetime | None]


class PasskeyChallenge(Base):
    """The random bytes that a passkey signs. They are used once, within minutes."""

    __tablename__ = "passkey_challenges"
    __unaudited__ = True

    id: Mapped[PrimaryKey]
    challenge: Mapped[bytes] = mapped_column(LargeBinary)
    # The person who adds a passkey; none at sign-in, where the passkey itself names its owner.
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    works_until: Mapped[datetime] = mapped_column(index=True)


class SignInTries(Base):
    """How often somebody tried to sign in from one network address, or with one browser or link, without success."""

    __tablename__ = "sign_in_tries"
    __unaudited__ = True
    __table_args__ = (Index("ix_sign_in_tries_last_at", "last_at"),)

    key: Mapped[str] = mapped_column(SHORT, primary_key=True)  # a keyed hash
    tries: Mapped[int]
    last_at: Mapped[datetime]


class IdentityProvider(Base):
    """The service by which an organisation signs in its own members (OpenID Connect), such as Entra or Google."""

    __tablename__ = "identity_providers"
    __table_args__ = (
        Index(
            "uq_identity_providers_current",
            "email_domain",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[PrimaryKey]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    issuer: Mapped[str] = mapped_column(LINE)
    client_id: Mapped[str] = mapped_column(LINE)
    sealed_secret: Mapped[str] = mapped_column(LINE)
    # The part after the @ of the e-mail addresses that the organisation gives out.
    email_domain: Mapped[str] = mapped_column(SHORT)
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ProviderIdentity(Base):
    """Whom a provider means by one of its subjects. An e-mail address links them once; later the subject counts."""

    __tablename__ = "provider_identities"
    __table_args__ = (UniqueConstraint("provider_id", "subject"),)

    id: Mapped[PrimaryKey]
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("identity_providers.id"))
    subject: Mapped[str] = mapped_column(LINE)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    made_at: Mapped[datetime]


class ProviderSignIn(Base):
    """A sign-in on its way to a provider and back. It is used once, within minutes."""

    __tablename__ = "provider_sign_ins"
    __unaudited__ = True

    id: Mapped[PrimaryKey]
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("identity_providers.id"))
    state_hash: Mapped[str] = mapped_column(SHORT, unique=True)
    nonce: Mapped[str] = mapped_column(SHORT)
    sealed_verifier: Mapped[str] = mapped_column(LINE)
    next_path: Mapped[str] = mapped_column(String(600))
    works_until: Mapped[datetime] = mapped_column(index=True)
