"""The request bodies and replies about organisations, users, members and keys."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, WithJsonSchema

from pathways.access.permissions import Permission
from pathways.base import Nation, Role, Source
from pathways.fields import Body, Day, Group, Schema
from pathways.organisations import formats
from pathways.organisations.models import OrganisationKind, PublishedPlace

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"),
]
Ref = Annotated[str, StringConstraints(min_length=2, max_length=60, pattern=r"^[a-z0-9][a-z0-9-]*$")]
Email = Annotated[str, StringConstraints(min_length=3, max_length=200, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")]
# An address that the public feed gives: of letters, digits and signs that need no quotes in an address (RFC 5322).
PublicEmail = Annotated[str, StringConstraints(min_length=3, max_length=200, pattern=formats.PUBLIC_EMAIL)]
Number = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9-]+$")]
Website = Annotated[str, StringConstraints(max_length=300, pattern=formats.WEBSITE)]
PUBLISHED_PLACE = (
    "How exactly the public feed says where the placements are: the postcode, its district (the first half of the "
    "postcode), or nothing."
)
PUBLIC_EMAIL = (
    "The address that the public feed gives for questions. It is published: give an address of the organisation, such "
    "as jobs@example.org, and not one that names a person."
)


class NewOrganisation(Body):
    """An organisation to create."""

    kind: OrganisationKind
    name: Name
    ref: Ref | None = Field(default=None, description="A short reference. If left out: made from the name.")
    nation: Nation = Nation.ENGLAND
    company_number: Number | None = None
    charity_number: Number | None = None
    published_place: PublishedPlace = Field(default=PublishedPlace.POSTCODE, description=PUBLISHED_PLACE)
    public_email: PublicEmail | None = Field(default=None, description=PUBLIC_EMAIL)
    public_website: Website | None = Field(default=None, description="The web address that the public feed gives.")


class OrganisationChange(Body):
    """Changes to an organisation. Fields that are left out do not change."""

    name: Name | None = None
    nation: Nation | None = None
    company_number: Number | None = None
    charity_number: Number | None = None
    published_place: PublishedPlace | None = Field(default=None, description=PUBLISHED_PLACE)
    public_email: PublicEmail | None = Field(default=None, description=PUBLIC_EMAIL)
    public_website: Website | None = Field(default=None, description="The web address that the public feed gives.")


class OrganisationOut(Schema):
    """An organisation, with warnings about its numbers."""

    id: Annotated[UUID, Group.RECORD]
    ref: Annotated[str, Group.RECORD]
    kind: Annotated[OrganisationKind, Group.RECORD]
    name: Annotated[str, Group.RECORD]
    nation: Annotated[Nation, Group.RECORD]
    company_number: Annotated[str | None, Group.RECORD]
    charity_number: Annotated[str | None, Group.RECORD]
    published_place: Annotated[PublishedPlace, Group.RECORD] = Field(
        default=PublishedPlace.POSTCODE, description=PUBLISHED_PLACE
    )
    public_email: Annotated[str | None, Group.RECORD] = Field(default=None, description=PUBLIC_EMAIL)
    public_website: Annotated[str | None, Group.RECORD] = Field(
        default=None, description="The web address that the public feed gives."
    )
    warnings: Annotated[list[str], Group.RECORD] = []
    version: Annotated[int, Group.RECORD]


class NewUser(Body):
    """A person or machine to create as a user."""

    name: Name
    email: Email
    is_machine: bool = False


class UserChange(Body):
    """Changes to a user. Fields that are left out do not change."""

    name: Name | None = None
    is_machine: bool | None = None


class UserOut(Schema):
    """A person or machine that uses the service."""

    id: Annotated[UUID, Group.RECORD]
    name: Annotated[str, Group.RECORD]
    email: Annotated[str, Group.RECORD]
    is_machine: Annotated[bool, Group.RECORD]
    version: Annotated[int, Group.RECORD]


class NewMember(Body):
    """A user to add to an organisation in one role."""

    user_id: UUID
    organisation_id: UUID
    role: Role
    full_time_share: Annotated[
        Decimal,
        Field(
            ge=0,
            le=1,
            decimal_places=2,
            description="Working time as a share of full time, from 0 to 1. If the user joins again, it is set again.",
        ),
        WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.25}),
    ] = Decimal(1)


class MemberOut(Schema):
    """A user's membership of an organisation, current or ended."""

    id: Annotated[UUID, Group.RECORD]
    user_id: Annotated[UUID, Group.RECORD]
    organisation_id: Annotated[UUID, Group.RECORD]
    role: Annotated[Role, Group.RECORD]
    full_time_share: Annotated[float, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    ended_at: Annotated[datetime | None, Group.RECORD]


class NewKey(Body):
    """An API key to create for a member."""

    membership_id: UUID
    expires_on: Day | None = Field(
        default=None, description="The last day on which the key works. If left out: 90 days from today."
    )
    read_only: bool = Field(
        default=False, description="Whether the key is limited to the permissions of the member's role that only read."
    )
    scopes: Annotated[list[Permission], Field(min_length=1)] | None = Field(
        default=None,
        description="The permissions that the key is limited to; the member's role must have each. If left out: all"
        " permissions of the role.",
    )


class KeyOut(Schema):
    """An API key, without its secret."""

    id: Annotated[UUID, Group.RECORD]
    membership_id: Annotated[UUID, Group.RECORD]
    public_id: Annotated[str, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    expires_on: Annotated[date | None, Group.RECORD]
    revoked_at: Annotated[datetime | None, Group.RECORD]
    issued_by: Annotated[UUID | None, Group.RECORD] = Field(
        description="The id of the user who issued the key. Null for keys issued before this was recorded."
    )
    issued_from: Annotated[Source | None, Group.RECORD] = Field(
        description="How the key was issued. A key issued on the command line was shown to the operator there."
    )
    scopes: Annotated[list[str] | None, Group.RECORD] = Field(
        description="The permissions that the key is limited to. Null: all permissions of the member's role."
    )
    claim_until: Annotated[datetime | None, Group.RECORD] = Field(
        description="Until when the owner can claim the key by the link in the e-mail. Null for a key that was not"
        " issued for claiming."
    )
    claimed_at: Annotated[datetime | None, Group.RECORD] = Field(
        description="When the owner claimed the key. Until then the key does not work."
    )
