"""Safety exclusions: an organisation, a person or an area that a jobseeker must be kept away from."""

from typing import Any

from uuid_utils.compat import uuid7

from pathways.base import Actor, Role
from pathways.database import Session, WriteSession
from pathways.errors import NotPermitted, RuleBroken
from pathways.jobseekers import formats, queries
from pathways.jobseekers.actions import must_not_be_void
from pathways.jobseekers.models import (
    ExclusionKind,
    Jobseeker,
    SafetyExclusion,
)
from pathways.jobseekers.schemas import (
    NewSafetyExclusion,
    SafetyExclusionOut,
)
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.reference.postcodes import locate

# The fields that each kind of exclusion uses. Any other is refused, never dropped: it may be what protects the person.
USED: dict[ExclusionKind, frozenset[str]] = {
    ExclusionKind.ORGANISATION: frozenset({"social_enterprise_id"}),
    ExclusionKind.PERSON: frozenset({"who"}),
    ExclusionKind.AREA: frozenset({"postcode", "radius_km"}),
}
INSTEAD = {
    "social_enterprise_id": "Record a second exclusion for the organisation.",
    "who": "Record a second exclusion for the person.",
    "postcode": "Record a second exclusion for the area.",
    "radius_km": "Record a second exclusion for the area.",
}
NEEDS_WHOLE_POSTCODE = (
    "The first part of a postcode is too large an area to measure a distance from. Give a full postcode nearby, and a"
    " radius that covers the whole area."
)
UNKNOWN_POSTCODE = "The location of this postcode is not known. Use a full postcode nearby."


def _refuse_unused(new: NewSafetyExclusion) -> None:
    for name, instead in INSTEAD.items():
        if name not in USED[new.kind] and getattr(new, name) not in {None, ""}:
            raise RuleBroken(f"An exclusion of this kind does not use {name}. {instead}", pointer=f"/{name}")


def exclude(session: WriteSession, actor: Actor, person: Jobseeker, new: NewSafetyExclusion) -> SafetyExclusion:
    """Record a safety exclusion of an organisation, a person or an area. A person's name is stored encrypted.

    A field that the kind does not use is refused.
    """
    must_not_be_void(person)
    _refuse_unused(new)
    fact_id = uuid7()
    columns: dict[str, Any] = {}
    if new.kind is ExclusionKind.ORGANISATION:
        organisation = session.get(Organisation, new.social_enterprise_id) if new.social_enterprise_id else None
        if organisation is None or organisation.kind is not OrganisationKind.SOCIAL_ENTERPRISE:
            raise RuleBroken(
                "The social enterprise is missing or unknown. Choose a social enterprise.",
                pointer="/social_enterprise_id",
            )
        columns["social_enterprise_id"] = organisation.id
    elif new.kind is ExclusionKind.PERSON:
        if not new.who:
            raise RuleBroken(
                "Say who the person is: their given and family name, their e-mail address, or both.",
                pointer="/who",
            )
        columns["who_sealed"] = session.vault.seal(new.who, place=f"safety_exclusions:who:{fact_id}")
    else:
        if new.radius_km is None:
            raise RuleBroken("The radius is missing. Give it in kilometres.", pointer="/radius_km")
        place = locate(session, new.postcode)
        if place is None or place.basis != "postcode":
            is_first_part = formats.OUTCODE.match(formats.tidy_postcode(new.postcode) or "")
            raise RuleBroken(NEEDS_WHOLE_POSTCODE if is_first_part else UNKNOWN_POSTCODE, pointer="/postcode")
        columns |= {"postcode": formats.tidy_postcode(new.postcode), "radius_km": new.radius_km}
        columns |= {"easting": place.easting, "northing": place.northing}
    exclusion = SafetyExclusion.recorded(
        actor,
        id=fact_id,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        kind=new.kind,
        reason=new.reason,
        **columns,
    )
    session.add(exclusion)
    session.flush()  # the reply includes it
    return exclusion


def exclude_as(session: WriteSession, actor: Actor, person: Jobseeker, other: SafetyExclusion) -> None:
    """Copy another record's safety exclusion to this person. A person's name is encrypted again for the new row."""
    fact_id = uuid7()
    columns = {
        name: getattr(other, name)
        for name in ("kind", "social_enterprise_id", "postcode", "easting", "northing", "radius_km")
    }
    if other.who_sealed is not None:
        who = session.vault.open(other.who_sealed, place=f"safety_exclusions:who:{other.id}")
        columns["who_sealed"] = session.vault.seal(who, place=f"safety_exclusions:who:{fact_id}")
    session.add(
        SafetyExclusion.recorded(
            actor,
            id=fact_id,
            partner_id=person.partner_id,
            jobseeker_id=person.id,
            reason=other.reason,
            **columns,
        )
    )


def withdraw_exclusion(
    session: WriteSession, actor: Actor, person: Jobseeker, exclusion: SafetyExclusion, reason: str
) -> SafetyExclusion:
    """Withdraw a safety exclusion. A person's name is encrypted again for the row that withdraws it.

    Refused for a colleague of the caseworker, who cannot know why it was recorded.
    """
    if actor.role is not Role.TEAM_MANAGER and person.caseworker_id not in {None, actor.membership_id}:
        raise NotPermitted(
            "Only the jobseeker's caseworker or a team manager withdraws a safety exclusion. Ask one of them."
        )
    withdrawal = exclusion.withdrawn(actor, reason)
    if exclusion.who_sealed is not None:
        who = session.vault.open(exclusion.who_sealed, place=f"safety_exclusions:who:{exclusion.id}")
        withdrawal.who_sealed = session.vault.seal(who, place=f"safety_exclusions:who:{withdrawal.id}")
    session.add(withdrawal)
    session.flush()  # refuses the second of two writers that withdraw the same exclusion
    return withdrawal


def exclusion_reply(session: Session, actor: Actor, person: Jobseeker, row: SafetyExclusion) -> SafetyExclusionOut:
    return exclusion_of(session, row).limited_to(queries.visible_groups(actor, person))


def exclusion_of(session: Session, row: SafetyExclusion) -> SafetyExclusionOut:
    who = session.vault.open(row.who_sealed, place=f"safety_exclusions:who:{row.id}") if row.who_sealed else None
    return SafetyExclusionOut(
        id=row.id,
        kind=row.kind,
        social_enterprise_id=row.social_enterprise_id,
        who=who,
        postcode=row.postcode,
        radius_km=float(row.radius_km) if row.radius_km is not None else None,
        reason=row.reason,
        valid_on=row.valid_on,
        recorded_at=row.recorded_at,
        by=row.by,
    )
