"""Every change to programmes and their prices."""

from sqlalchemy import select

from pathways.base import Actor
from pathways.database import WriteSession
from pathways.errors import RuleBroken
from pathways.organisations.actions import RefTaken, slug
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.programmes import queries
from pathways.programmes.models import Programme, ProgrammePrice
from pathways.programmes.schemas import NewPrice, NewProgramme, PriceOut, ProgrammeChange
from pathways.reference import outcome_rules

COMMISSIONS = {OrganisationKind.COMMISSIONER, OrganisationKind.LOCAL_AUTHORITY}


def make(session: WriteSession, actor: Actor, new: NewProgramme) -> Programme:
    """Create a programme.

    Refuses an organisation that cannot pay for or deliver a programme, an end date before the start date, an unknown
    outcome rule, and a reference that is already used.
    """
    commissioner = session.get(Organisation, new.commissioner_id)
    if commissioner is None or commissioner.kind not in COMMISSIONS:
        raise RuleBroken(
            "This organisation cannot pay for a programme. Choose a commissioner or a local authority.",
            pointer="/commissioner_id",
        )
    partner = session.get(Organisation, new.partner_id)
    if partner is None or partner.kind is not OrganisationKind.VOLUNTARY_SECTOR_PARTNER:
        raise RuleBroken(
            "This organisation cannot deliver a programme. Choose a voluntary-sector partner.", pointer="/partner_id"
        )
    if new.ends_on is not None and new.ends_on < new.starts_on:
        raise RuleBroken("The end date is before the start date. Correct one of the dates.", pointer="/ends_on")
    _check_rules(session, new.rule_versions)
    ref = new.ref or slug(new.name)
    if session.scalars(select(Programme.id).where(Programme.ref == ref)).first() is not None:
        raise RefTaken("There is already a programme with this reference. Choose another ref.")
    programme = Programme(**new.model_dump(exclude={"ref"}), ref=ref, made_at=actor.at)
    session.add(programme)
    session.flush()  # the reply needs the id
    return programme


def change(session: WriteSession, programme: Programme, change: ProgrammeChange) -> Programme:
    """Change the name, end date or outcome rules of a programme. Refuse an end date before the start date."""
    if "ends_on" in change.model_fields_set:
        if change.ends_on is not None and change.ends_on < programme.starts_on:
            raise RuleBroken(
                "The end date is before the programme's start date. Give a later end date.", pointer="/ends_on"
            )
        programme.ends_on = change.ends_on
    if change.name is not None:
        programme.name = change.name
    if change.rule_versions is not None:
        _check_rules(session, change.rule_versions)
        programme.rule_versions = list(change.rule_versions)
    session.flush()  # so that the reply contains the new version
    return programme


def set_price(session: WriteSession, actor: Actor, programme: Programme, new: NewPrice) -> ProgrammePrice:
    """Record the price of an outcome from a given day on. Refuse an outcome rule that the programme does not use."""
    if new.rule not in {named.split("@")[0] for named in programme.rule_versions}:
        raise RuleBroken(
            "The programme does not use this outcome rule. Choose one of its rules, or add the rule to the programme.",
            pointer="/rule",
        )
    same_day = queries.prices(programme).where(ProgrammePrice.rule == new.rule, ProgrammePrice.valid_on == new.from_on)
    before = session.scalars(same_day).one_or_none()
    price = ProgrammePrice.recorded(
        actor,
        new.from_on,
        programme_id=programme.id,
        rule=new.rule,
        pence=int(new.pounds * 100),
        supersedes=before.id if before is not None else None,
    )
    session.add(price)
    session.flush()  # a unique index refuses the second of two requests that set the same price at once
    return price


def price_reply(price: ProgrammePrice) -> PriceOut:
    return PriceOut(id=price.id, rule=price.rule, pounds=price.pence / 100, from_on=price.valid_on)


def _check_rules(session: WriteSession, rule_versions: list[str]) -> None:
    all_rules = outcome_rules.all_versions(session)
    for position, named in enumerate(rule_versions):
        if named not in all_rules:
            raise RuleBroken(
                f"There is no outcome rule {named}. Choose from: {', '.join(sorted(all_rules))}.",
                pointer=f"/rule_versions/{position}",
            )
