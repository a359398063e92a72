"""Turn placements into the objects of the public feed.

Objects without an id in the database (schedules, locations, addresses) get an id that is derived from the id of
their placement or organisation. Such ids never change.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any
from uuid import UUID, uuid5

from pathways.directory.schemas import (
    Address,
    Attribute,
    FeedSchedule,
    Item,
    Location,
    LocationType,
    Organization,
    OrganizationIdentifier,
    PageOf,
    Service,
    ServiceAtLocation,
    ServiceStatus,
    Taxonomy,
    TaxonomyTerm,
)
from pathways.placements.models import PlacementKind, PlacementState, Remote

SPACE = UUID("6b1f6d0c-6a55-5c0c-9a53-0b7d3f1c2e4a")  # the namespace of the derived ids
PREFIX = "/open-referral-uk"
TAXONOMY = Taxonomy(
    id=uuid5(SPACE, "placement_kinds"),
    name="Placement kinds",
    description="The kind of work, or of step towards work, that a placement offers.",
    version="1",
)
ABOUT_KIND = {
    PlacementKind.JOB_OPEN: "A job in the open labour market",
    PlacementKind.JOB_ILM: "A job in an intermediate labour market",
    PlacementKind.JOB_GUARANTEE: "A job under a guarantee",
    PlacementKind.APPRENTICESHIP: "An apprenticeship",
    PlacementKind.SUPPORTED_INTERNSHIP: "A supported internship",
    PlacementKind.WORK_TRIAL_JCP: "A work trial arranged with the jobcentre",
    PlacementKind.SWAP: "A sector-based work academy programme",
    PlacementKind.WORK_EXPERIENCE: "Work experience",
    PlacementKind.TASTER: "A taster",
    PlacementKind.SHADOWING: "Job shadowing",
    PlacementKind.VOLUNTEERING: "Volunteering",
    PlacementKind.SELF_EMPLOYMENT: "Self-employment",
}
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PARTS = ("mornings", "afternoons", "evenings")
REGISTERS = (("company_number", "GB-COH", "Companies House"), ("charity_number", "GB-CHC", "Charity Commission"))


def term(kind: PlacementKind) -> TaxonomyTerm:
    """Return the taxonomy term of a kind of placement."""
    return TaxonomyTerm(
        id=uuid5(SPACE, f"kind {kind.value}"),
        name=ABOUT_KIND[kind],
        description=f"{ABOUT_KIND[kind]}.",
        code=kind.value,
        taxonomy_id=TAXONOMY.id,
    )


TERMS = [term(kind) for kind in PlacementKind]


def service(row: Any, public_url: str) -> Service:
    """Return a placement as a service of the feed."""
    # A maximum age is published only if a legal basis for applying it is recorded (Equality Act 2010).
    maximum_age = row.maximum_age if row.legal_basis else None
    return Service(
        id=row.id,
        organization_id=row.organisation_id,
        name=row.title,
        description=row.description,
        status=ServiceStatus.ACTIVE if row.state is PlacementState.PUBLISHED else ServiceStatus.TEMPORARILY_CLOSED,
        url=f"{public_url}{PREFIX}/services/{row.id}",
        minimum_age=row.minimum_age,
        maximum_age=maximum_age,
        assured_date=row.confirmed_on,
        last_modified=row.made_at,
        organization=organization(row),
        schedules=schedules(row),
        service_at_locations=locations(row),
        attributes=[
            Attribute(
                id=uuid5(SPACE, f"attribute {row.id}"),
                link_id=row.id,
                link_entity="service",
                link_type="placement kind",
                taxonomy_term=term(row.kind),
            )
        ],
    )


def organization(row: Any) -> Organization:
    """Return the social enterprise of a placement, with its company and charity numbers."""
    identifiers = [
        OrganizationIdentifier(
            id=uuid5(SPACE, f"{scheme} {row.organisation_id}"),
            organization_id=row.organisation_id,
            identifier_scheme=scheme,
            identifier_type=register,
            identifier=number,
        )
        for column, scheme, register in REGISTERS
        if (number := getattr(row, column))
    ]
    return Organization(
        id=row.organisation_id,
        name=row.organisation,
        description=f"{row.organisation} is a social enterprise that offers first steps into work.",
        organization_identifiers=identifiers,
    )


def schedules(row: Any) -> list[FeedSchedule]:
    """Return the half-days of a week as up to three schedules: for mornings, afternoons and evenings."""
    made = []
    for part, name in enumerate(PARTS):
        days = [day for index, day in enumerate(DAYS) if (row.half_days or 0) >> (len(PARTS) * index + part) & 1]
        if days:
            made.append(
                FeedSchedule(
                    id=uuid5(SPACE, f"{name} {row.id}"),
                    valid_from=row.starts_on,
                    valid_to=row.ends_on,
                    freq="WEEKLY",
                    interval=1,
                    byday=",".join(days),
                    description=name,
                )
            )
    return made


def locations(row: Any) -> list[ServiceAtLocation]:
    """Return the location of a placement: "from home" if it is remote, otherwise its postcode.

    The list is empty if the placement is not remote and has no postcode.
    """
    is_from_home = row.remote == Remote.YES
    if not is_from_home and not row.postcode:
        return []
    key = uuid5(SPACE, f"location {row.id}")
    location = Location(
        id=key,
        location_type=LocationType.VIRTUAL if is_from_home else LocationType.PHYSICAL,
        name="From home" if is_from_home else None,
        addresses=[] if is_from_home else [_address(row, key)],
    )
    return [ServiceAtLocation(id=service_at_location_id(row.id), service_id=row.id, location=location)]


def _address(row: Any, location_id: UUID) -> Address:
    return Address(
        id=uuid5(SPACE, f"address {row.id}"),
        location_id=location_id,
        address_type="physical",
        postal_code=row.postcode,
        country="GB",
    )


def service_at_location_id(placement_id: UUID) -> UUID:
    """Return the id of a placement's service at its location, derived from the placement's id."""
    return uuid5(SPACE, f"at {placement_id}")


def page_of(kind: type[Item], items: Sequence[Item], total: int, number: int, size: int) -> PageOf[Item]:
    """Return one page of a list: its items, the page number, and how many items and pages there are in total."""
    pages = ceil(total / size)
    return PageOf[kind](  # type: ignore[valid-type]
        total_items=total,
        total_pages=pages,
        page_number=number,
        size=len(items),
        first_page=number == 1,
        last_page=number >= pages,
        empty=not items,
        contents=list(items),
    )
