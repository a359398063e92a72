"""Tables of organisations, memberships and keys."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, Nation, PrimaryKey, Role, Source, Versioned, one_of, words
from pathways.facts import Fact


class OrganisationKind(StrEnum):
    """What kind of organisation it is, which decides the roles its members can have."""

    LOCAL_AUTHORITY = "local_authority"
    JOB_CENTRE = "job_centre"
    VOLUNTARY_SECTOR_PARTNER = "voluntary_sector_partner"
    SOCIAL_ENTERPRISE = "social_enterprise"
    COMMISSIONER = "commissioner"
    OTHER_REFERRER = "other_referrer"
    OPERATOR = "operator"  # the organisation that runs this service


# The roles that members of each kind of organisation may have. Any organisation may have administrators and auditors.
ROLES_IN: dict[OrganisationKind, frozenset[Role]] = {
    OrganisationKind.LOCAL_AUTHORITY: frozenset({Role.REFERRER, Role.COMMISSIONER}),
    OrganisationKind.JOB_CENTRE: frozenset({Role.REFERRER}),
    OrganisationKind.OTHER_REFERRER: frozenset({Role.REFERRER}),
    OrganisationKind.VOLUNTARY_SECTOR_PARTNER: frozenset({Role.CASEWORKER, Role.TEAM_MANAGER}),
    OrganisationKind.SOCIAL_ENTERPRISE: frozenset({Role.PLACEMENT_LISTER}),
    OrganisationKind.COMMISSIONER: frozenset({Role.COMMISSIONER}),
    OrganisationKind.OPERATOR: frozenset({Role.OPERATOR}),
}
ROLES_ANYWHERE = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})


class PublishedPlace(StrEnum):
    """How exactly the public feed says where an organisation's placements are."""

    POSTCODE = "postcode"
    DISTRICT = "district"  # the first half of the postcode only
    NOTHING = "nothing"


class Organisation(Versioned, Base):
    """An organisation that uses the service, refers jobseekers or receives introductions of jobseekers."""

    __tablename__ = "organisations"
    __table_args__ = (CheckConstraint(one_of("kind", OrganisationKind), name="kind_is_known"),)

    id: Mapped[PrimaryKey]
    ref: Mapped[str] = mapped_column(SHORT, unique=True)
    kind: Mapped[OrganisationKind] = mapped_column(words(OrganisationKind))
    name: Mapped[str] = mapped_column(LINE, index=True)
    nation: Mapped[Nation] = mapped_column(words(Nation), default=Nation.ENGLAND)
    company_number: Mapped[str | None] = mapped_column(SHORT)
    charity_number: Mapped[str | None] = mapped_column(SHORT)
    # What the public feed says. An organisation that has not chosen publishes its postcodes.
    published_place: Mapped[PublishedPlace | None] = mapped_column(words(PublishedPlace))
    public_email: Mapped[str | None] = mapped_column(LINE)
    public_website: Mapped[str | None] = mapped_column(LINE)
    made_at: Mapped[datetime]


class Membership(Base):
    """A user in an organisation, in one role."""

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("organisation_id", "user_id", "role"),
        CheckConstraint(one_of("role", Role), name="role_is_known"),
        CheckConstraint("full_time_share >= 0 AND full_time_share <= 1", name="full_time_share_is_a_share"),
    )

    id: Mapped[PrimaryKey]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[Role] = mapped_column(words(Role))
    # Working time as a share of full time, 0 to 1. Caseloads are counted per full-time worker.
    full_time_share: Mapped[Decimal] = mapped_column(Numeric(3, 2), default=Decimal(1))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class MembershipPeriod(Fact, Base):
    """The fact that a member joined or left. ``Membership.ended_at`` follows from these facts."""

    __tablename__ = "membership_periods"

    membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"), index=True)
    is_member: Mapped[bool]


class ApiKey(Base):
    """An API key of one membership. Only a hash of its secret is stored.

    A key that is issued over the API has no secret until its owner claims it by a one-time link, of which only the hash
    of the token is stored. So the issuer of a key cannot use it. On the command line the secret is made at once.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("secret_hash IS NOT NULL OR claim_until IS NOT NULL", name="claimed_or_to_claim"),
        CheckConstraint("claimed_at IS NULL OR link_hash IS NULL", name="link_works_once"),
        CheckConstraint("issued_from IS NULL OR " + one_of("issued_from", Source), name="issued_from_is_known"),
    )

    id: Mapped[PrimaryKey]
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"), index=True)
    public_id: Mapped[str] = mapped_column(SHORT, unique=True)
    secret_hash: Mapped[str | None] = mapped_column(SHORT)
    made_at: Mapped[datetime]
    expires_on: Mapped[date | None]
    revoked_at: Mapped[datetime | None]
    issued_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    issued_from: Mapped[Source | None] = mapped_column(words(Source))
    # The permissions that the key is limited to; None: all permissions of the member's role.
    scopes: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    link_hash: Mapped[str | None] = mapped_column(SHORT, unique=True)
    claim_until: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
