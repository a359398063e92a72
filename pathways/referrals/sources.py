"""The source type of a referral, if nobody gave one: it follows from the organisation that refers."""

import re
from uuid import UUID

from sqlalchemy import select

from pathways.database import Session
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.referrals.models import Referral, SourceType

OF_KIND = {
    OrganisationKind.JOB_CENTRE: SourceType.JCP,
    OrganisationKind.LOCAL_AUTHORITY: SourceType.ASC,
    OrganisationKind.VOLUNTARY_SECTOR_PARTNER: SourceType.VCSE,
}
IN_NAME = (
    (SourceType.JCP, r"\bjob ?centre|\bdwp\b"),
    (SourceType.PROBATION, r"\bprobation\b|\bprison\b|\bhmp\b"),
    (SourceType.HEALTH, r"\bnhs\b|\bhealth|\bhospital\b|\bclinic\b|\bsurgery\b|\bmedical\b"),
    (SourceType.EDU, r"\bcollege\b|\bschool\b|\buniversity\b|\bacademy\b|\bsixth form\b"),
    (SourceType.ASC, r"\bcouncil\b|\bborough\b|\bsocial care\b"),
)


def in_name(name: str) -> SourceType:
    """Return the source type that the name of an organisation tells; VCSE if it tells none."""
    return next((source for source, words in IN_NAME if re.search(words, name.casefold())), SourceType.VCSE)


def of_organisation(session: Session, organisation: Organisation, partner_id: UUID) -> tuple[SourceType, bool]:
    """Return the source type of an organisation's referrals, and whether its kind or an earlier referral decides it.

    Only referrals to the same partner count. If neither decides, the type is a guess from the name, which a person
    should check.
    """
    if organisation.kind in OF_KIND:
        return OF_KIND[organisation.kind], True
    earlier = select(Referral.source_type).where(
        Referral.partner_id == partner_id, Referral.referring_organisation_id == organisation.id
    )
    latest = session.scalars(earlier.order_by(Referral.id.desc()).limit(1)).first()
    return (latest, True) if latest is not None else (in_name(organisation.name), False)


def of_id(session: Session, organisation_id: UUID, partner_id: UUID) -> SourceType:
    """Return the source type of the referrals to a partner by the organisation with this id."""
    return of_organisation(session, session.get_one(Organisation, organisation_id), partner_id)[0]
