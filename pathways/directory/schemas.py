"""What the feed says, as the UK profile of the Human Services Data Specification 3.0 has it (domain reference 6.1)."""

from datetime import date, datetime
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class FeedPart(BaseModel):
    """A part of the feed. Everything in it is public."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    DEFUNCT = "defunct"
    TEMPORARILY_CLOSED = "temporarily closed"


class LocationType(StrEnum):
    PHYSICAL = "physical"
    POSTAL = "postal"
    VIRTUAL = "virtual"


class Taxonomy(FeedPart):
    id: UUID
    name: str
    description: str
    version: str | None = None
    uri: str | None = None


class TaxonomyTerm(FeedPart):
    id: UUID
    name: str
    description: str
    code: str | None = None
    taxonomy_id: UUID
    term_uri: str | None = None


class Attribute(FeedPart):
    id: UUID
    link_id: UUID
    link_entity: str
    link_type: str | None = None
    taxonomy_term: TaxonomyTerm


class OrganizationIdentifier(FeedPart):
    id: UUID
    organization_id: UUID
    identifier_scheme: str
    identifier_type: str
    identifier: str


class Organization(FeedPart):
    id: UUID
    name: str
    description: str
    organization_identifiers: list[OrganizationIdentifier] = []


class FeedSchedule(FeedPart):
    id: UUID
    valid_from: date | None = None
    valid_to: date | None = None
    freq: str
    interval: int
    byday: str
    description: str


class Address(FeedPart):
    id: UUID
    location_id: UUID
    address_type: str
    postal_code: str
    country: str


class Location(FeedPart):
    id: UUID
    location_type: LocationType
    name: str | None = None
    addresses: list[Address] = []


class ServiceAtLocation(FeedPart):
    id: UUID
    service_id: UUID
    location: Location


class Service(FeedPart):
    id: UUID
    organization_id: UUID
    name: str
    description: str | None = None
    status: ServiceStatus
    url: str
    minimum_age: int | None = None
    maximum_age: int | None = None
    assured_date: date
    last_modified: datetime
    organization: Organization
    schedules: list[FeedSchedule] = []
    service_at_locations: list[ServiceAtLocation] = []
    attributes: list[Attribute] = []


Item = TypeVar("Item", bound=FeedPart)


class PageOf(FeedPart, Generic[Item]):
    """One page, as Open Referral UK pages: by numbers, from one."""

    total_items: int
    total_pages: int
    page_number: int
    size: int
    first_page: bool
    last_page: bool
    empty: bool
    contents: list[Item]


class About(FeedPart):
    """What the feed is, at its root."""

    version: str
    profile: str
    openapi_url: str
    publisher: str
