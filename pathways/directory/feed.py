"""Turn placements into the objects of the public feed.

Objects without an id in the database (schedules, locations, addresses) get an id that is derived from the id of
their placement or organisation. Such ids never change.
"""

import re
from collections.abc import Sequence
from math import ceil
from typing import Any
from uuid import UUID, uuid5

from pathways.base import local_day, utc_now
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
from pathways.organisations.formats import PUBLIC_EMAIL, WEBSITE, identifiers, valid
from pathways.organisations.models import PublishedPlace
from pathways.placements.models import PlacementKind, PlacementState, Remote
from pathways.reference import legal_bases, personal_text
from pathways.reference.legal_bases import LimitKind

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
POSTCODE = re.compile(r"\b([A-Z]{1,2}\d[A-Z\d]?)\s*\d[A-Z]{2}\b", re.IGNORECASE)


DISTRICT = re.compile(r"([A-Z]{1,2}\d[A-Z\d]?)", re.IGNORECASE)


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


def service(row: Any, public_url: str | None, operator_email: str | None = None) -> Service:
    """Return a placement as a service of the feed.

    ``operator_email`` is the address to write to if the social enterprise has published none. Without a ``public_url``
    the service has no link.
    """
    # A maximum age is published only if a legal basis for applying it is recorded (Equality Act 2010).
    is_lawful = legal_bases.covers(row.legal_basis, LimitKind.AGE, local_day(utc_now()), row.kind)
    maximum_age = row.maximum_age if is_lawful else None
    return Service(
        id=row.id,
        organization_id=row.organisation_id,
        name=_public(row, row.title),
        description=_public(row, row.description) if row.description else _description(row),
        status=ServiceStatus.ACTIVE if row.state is PlacementState.PUBLISHED else ServiceStatus.TEMPORARILY_CLOSED,
        url=f"{public_url}{PREFIX}/services/{row.id}" if public_url else None,
        email=valid(PUBLIC_EMAIL, row.public_email) or valid(PUBLIC_EMAIL, operator_email),
        minimum_age=row.minimum_age,
        maximum_age=maximum_age,
        assured_date=row.confirmed_on,
        last_modified=row.changed_at,
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


def _description(row: Any) -> str:
    """Return a sentence about a placement whose listing has no description."""
    parts = [f"{ABOUT_KIND[row.kind]} at {row.organisation}"]
    if row.hours_per_week is not None:
        parts.append(f"{float(row.hours_per_week):g} hours a week")
    if row.pay_per_hour_pence:
        parts.append(f"{row.pay_per_hour_pence / 100:.2f} pounds an hour")
    text = ", ".join(parts)
    return f"{text}. Reserved for: {_public(row, row.ring_fenced_for)}." if row.ring_fenced_for else f"{text}."


def _is_coarse(row: Any) -> bool:
    return row.published_place not in {None, PublishedPlace.POSTCODE}


def _coarse(row: Any, text: str) -> str:
    """Return a text with no more of its postcodes than the organisation publishes: their first half, or nothing."""
    if row.published_place is PublishedPlace.NOTHING:
        return _without_places(text, row.postcode)
    return POSTCODE.sub(lambda found: found[1], text) if _is_coarse(row) else text


BEFORE_A_PLACE = r"(?:\b(?:near|in|at|around|to|of)\s+)?"


def _without_places(text: str, postcode: str | None) -> str:
    """Return a text without postcodes, and without the first half of the placement's own, as in "Gardener near NW9"."""
    text = re.sub(rf"{BEFORE_A_PLACE}(?:{POSTCODE.pattern})", "", text, flags=re.IGNORECASE)
    district = _district(postcode) if postcode else None
    if district is not None:
        text = re.sub(rf"{BEFORE_A_PLACE}\b{district}\b", "", text, flags=re.IGNORECASE)
    return re.sub(r"\s+([,.;:)])", r"\1", re.sub(r"[ \t]{2,}", " ", text)).strip()


def _public(row: Any, text: str) -> str:
    """Return a text as everybody may read it: without personal data, and without postcodes that are not published.

    Publishing refuses personal data. This also covers listings that were published before it did.
    """
    return _coarse(row, personal_text.without(text, [row.public_email] if row.public_email else []))


def organization(row: Any) -> Organization:
    """Return the social enterprise of a placement, with those of its numbers that are in the format of a register."""
    return Organization(
        id=row.organisation_id,
        name=row.organisation,
        description=f"{row.organisation} is a social enterprise that offers first steps into work.",
        email=valid(PUBLIC_EMAIL, row.public_email),
        website=valid(WEBSITE, row.public_website),
        organization_identifiers=[
            OrganizationIdentifier(
                id=uuid5(SPACE, f"{found.scheme} {row.organisation_id}"),
                organization_id=row.organisation_id,
                identifier_scheme=found.scheme,
                identifier_type=found.register,
                identifier=found.number,
            )
            for found in identifiers(row.company_number, row.charity_number)
        ],
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
    """Return the location of a placement: "from home" if it is remote, otherwise its postcode or the district of it.

    The list is empty if the placement is not remote and has no postcode, or if the organisation publishes no location.
    """
    is_from_home = row.remote == Remote.YES
    if not is_from_home and (not row.postcode or row.published_place is PublishedPlace.NOTHING):
        return []
    key = uuid5(SPACE, f"location {row.id}")
    location = Location(
        id=key,
        location_type=LocationType.VIRTUAL if is_from_home else LocationType.PHYSICAL,
        name="From home" if is_from_home else None,
        addresses=[] if is_from_home else _addresses(row, key),
    )
    return [ServiceAtLocation(id=service_at_location_id(row.id), service_id=row.id, location=location)]


def _addresses(row: Any, location_id: UUID) -> list[Address]:
    """Return the address, or none if the organisation publishes districts only and the postcode names none."""
    postal_code = _district(row.postcode) if _is_coarse(row) else row.postcode
    if not postal_code:
        return []
    address = Address(
        id=uuid5(SPACE, f"address {row.id}"),
        location_id=location_id,
        address_type="physical",
        address_1=row.organisation,
        postal_code=postal_code,
        country="GB",
    )
    return [address]


def _district(postcode: str) -> str | None:
    """Return the first half of a postcode; None for a text that is neither a postcode nor a first half."""
    found = POSTCODE.fullmatch(postcode.strip()) or DISTRICT.fullmatch(postcode.strip())
    return found[1].upper() if found else None


def service_at_location_id(placement_id: UUID) -> UUID:
    """Return the id of a placement's service at its location, derived from the placement's id."""
    return uuid5(SPACE, f"at {placement_id}")


def page_of(kind: type[Item], items: Sequence[Item], total: int, number: int, size: int) -> PageOf[Item]:
    """Return one page of a list that never changes: its items, its number, and how many items and pages there are."""
    return framed_page(kind, items, total, pages=ceil(total / size), number=number)


def framed_page(kind: type[Item], items: Sequence[Item], total: int, *, pages: int, number: int) -> PageOf[Item]:
    """Return one page: its items, its number, and how many items and pages there are in total."""
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
