"""The shapes of the public feed: the UK profile of the Human Services Data Specification 3.0 (Open Referral UK)."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

NOT_STATED = "Not stated"


class FeedPart(BaseModel):
    """The base class of every object in the feed. Everything in the feed is public."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def in_feed(self) -> dict[str, Any]:
        """Return the object as the profile writes it: without the properties that have no value."""
        return self.model_dump(mode="json", exclude_none=True)


class ServiceStatus(StrEnum):
    """Whether a service can be used now, as a status of the Open Referral UK profile."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DEFUNCT = "defunct"
    TEMPORARILY_CLOSED = "temporarily closed"


class LocationType(StrEnum):
    """The kind of a location, as a location type of the Open Referral UK profile."""

    PHYSICAL = "physical"
    POSTAL = "postal"
    VIRTUAL = "virtual"


class Taxonomy(FeedPart):
    """A list of terms by which services are classified."""

    id: UUID
    name: str
    description: str
    version: str | None = None
    uri: str | None = None


class TaxonomyTerm(FeedPart):
    """One term of a taxonomy: a kind of placement."""

    id: UUID
    name: str
    description: str
    code: str | None = None
    taxonomy_id: UUID
    term_uri: str | None = None


class Attribute(FeedPart):
    """A link from a service to the taxonomy term that classifies it."""

    id: UUID
    link_id: UUID
    link_entity: str
    link_type: str | None = None
    taxonomy_term: TaxonomyTerm


class OrganizationIdentifier(FeedPart):
    """The number of a social enterprise in a public register."""

    id: UUID
    organization_id: UUID
    identifier_scheme: str
    identifier_type: str
    identifier: str


class Organization(FeedPart):
    """The social enterprise that offers a service."""

    id: UUID
    name: str
    description: str
    email: str | None = None
    website: str | None = None
    organization_identifiers: list[OrganizationIdentifier] = []


class FeedSchedule(FeedPart):
    """The days of the week on which a service runs in the mornings, the afternoons or the evenings."""

    id: UUID
    valid_from: date | None = None
    valid_to: date | None = None
    freq: str
    interval: int
    byday: str
    description: str


class Address(FeedPart):
    """The address of a location: the organisation and its postcode, or only the district of the postcode.

    The profile requires a town and a county. Listings state neither, so both say that they are not stated.
    """

    id: UUID
    location_id: UUID
    address_type: str
    address_1: str
    city: str = NOT_STATED
    state_province: str = NOT_STATED
    postal_code: str
    country: str


class Location(FeedPart):
    """A location where services are offered, or the statement that the work is done from home."""

    id: UUID
    location_type: LocationType
    name: str | None = None
    addresses: list[Address] = []


class ServiceAtLocation(FeedPart):
    """A service together with the location where it is offered."""

    id: UUID
    service_id: UUID
    location: Location


class Service(FeedPart):
    """A placement, written as a ``service`` object of the Open Referral UK profile."""

    id: UUID
    organization_id: UUID
    name: str
    description: str
    status: ServiceStatus
    url: str | None = None
    email: str | None = None
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
    """One page of a list in the Open Referral UK format. Page numbers start at 1."""

    total_items: int
    total_pages: int
    page_number: int
    size: int
    first_page: bool
    last_page: bool
    empty: bool
    contents: list[Item]


class About(FeedPart):
    """The description of the feed, which is returned at the root address of the feed."""

    version: str
    profile: str
    openapi_url: str
    publisher: str
