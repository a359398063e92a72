"""The organisations and members of the demonstration borough, and the queue of steps to run."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from pathways.access.models import User
from pathways.base import Actor, Nation, Role, Source
from pathways.database import Database, WriteSession, acting_as
from pathways.errors import Conflict
from pathways.organisations import actions as organisation_actions
from pathways.organisations.models import Membership, OrganisationKind
from pathways.organisations.schemas import NewKey, NewMember, NewOrganisation, NewUser
from pathways.programmes import actions as programme_actions
from pathways.programmes.schemas import NewPrice, NewProgramme
from pathways.referrals.models import SourceType
from pathways.sign_in import one_time_links
from pathways.sign_in.models import SignInLinkKind

DEMO_ROLES = {
    "CASEWORKER": ("wanda.worker@example.org", Role.CASEWORKER),
    "MANAGER": ("mo.stepping@example.org", Role.TEAM_MANAGER),
    "REFERRER": ("rita.referrer@example.org", Role.REFERRER),
    "LISTER": ("lee.acorn@example.org", Role.PLACEMENT_LISTER),
    "COMMISSIONER": ("cora.council@example.org", Role.COMMISSIONER),
    "ADMINISTRATOR": ("ada.stepping@example.org", Role.ADMINISTRATOR),
    "AUDITOR": ("abe.stepping@example.org", Role.AUDITOR),
    "OTHER_CASEWORKER": ("wes.worker@example.org", Role.CASEWORKER),
    "OPERATOR": (organisation_actions.OPERATOR_EMAIL, Role.OPERATOR),
}

ENTERPRISES = (
    ("Acorn Kitchen CIC", "cafe"),
    ("Bramble Gardens Trust", "gardening"),
    ("Copper Wheel Cycles CIC", "bikes"),
    ("Dovetail Reuse Ltd", "reuse"),
    ("Elder Threads Co-operative", "textiles"),
    ("Finch Office Services CIC", "office"),
    ("Gannet Cleaning Co-operative", "cleaning"),
    ("Harbour Stores CIC", "stores"),
)


DEMO_PRICES = {"LOCAL_13_IN_16": Decimal(600), "LOCAL_26_IN_30": Decimal(900)}  # made-up pounds for each outcome


class NotEmpty(Conflict):
    """The demonstration cannot be loaded, because the database already has jobseekers."""

    title = "The database already has jobseekers"


@dataclass(slots=True)
class Cast:
    """The actors and programmes of the demonstration, and the theme of each social enterprise, by organisation."""

    operator: Actor
    partners: list[UUID] = field(default_factory=list)
    programmes: dict[UUID, UUID] = field(default_factory=dict)
    caseworkers: dict[UUID, list[Actor]] = field(default_factory=dict)
    managers: dict[UUID, Actor] = field(default_factory=dict)
    referrers: list[tuple[Actor, SourceType]] = field(default_factory=list)
    listers: dict[UUID, Actor] = field(default_factory=dict)
    themes: dict[UUID, str] = field(default_factory=dict)
    payers: dict[UUID, Actor] = field(default_factory=dict)


Step = Callable[[WriteSession, datetime], None]


@dataclass
class Borough:
    """The size and dates of the demonstration, and the queue of steps to run, ordered by day."""

    database: Database
    seed: int
    start: date
    end: date
    jobseekers: int
    placements: int
    cast: Cast
    queue: list[tuple[date, int, Step]] = field(default_factory=list)
    count: int = 0

    def later(self, day: date, step: Step) -> None:
        """Queue a step for a day. Steps of the same day run in the order in which they were queued."""
        self.count += 1
        heapq.heappush(self.queue, (day, self.count, step))

    def stream(self, *names: object) -> random.Random:
        """Return the random stream of one jobseeker or placement. Its seed is made from ``seed`` and the names."""
        return random.Random(":".join([str(self.seed), *map(str, names)]))  # noqa: S311 - made-up people, not secrets


def make_cast(session: WriteSession, at: datetime) -> Cast:
    """Create the organisations, members, programmes and prices of the demonstration."""
    first = Actor(UUID(int=0), UUID(int=0), Role.OPERATOR, source=Source.DEMONSTRATION, at=at)
    operator = organisation_actions.make_operator(session, first).then(doing="demonstration")
    session.actor = operator
    cast = Cast(operator)

    def organisation(kind: OrganisationKind, name: str) -> UUID:
        new = NewOrganisation(kind=kind, name=name, nation=Nation.ENGLAND)
        return organisation_actions.make_organisation(session, operator, new).id

    def member(organisation_id: UUID, name: str, role: Role) -> Actor:
        mail = name.lower().replace(" ", ".") + "@example.org"
        user = session.scalars(select(User).where(User.email == mail)).one_or_none()
        user = user or organisation_actions.make_user(session, operator, NewUser(name=name, email=mail))
        new = NewMember(user_id=user.id, organisation_id=organisation_id, role=role)
        membership = organisation_actions.add_member(session, operator, new)
        return Actor(user.id, organisation_id, role, membership.id, Source.DEMONSTRATION, "demonstration", at=at)

    council = organisation(OrganisationKind.LOCAL_AUTHORITY, "Demonstration Borough Council")
    fund = organisation(OrganisationKind.COMMISSIONER, "Demonstration Skills Fund")
    payers = {
        council: member(council, "Cora Council", Role.COMMISSIONER),
        fund: member(fund, "Fred Fund", Role.COMMISSIONER),
    }
    for name, payer, people in (
        ("Stepping Stones", council, ("Wanda Worker", "Wilf Worker", "Win Worker")),
        ("Open Door Works", fund, ("Wes Worker", "Wren Worker")),
    ):
        partner = organisation(OrganisationKind.VOLUNTARY_SECTOR_PARTNER, name)
        cast.partners.append(partner)
        cast.caseworkers[partner] = [member(partner, person, Role.CASEWORKER) for person in people]
        cast.managers[partner] = member(partner, f"Mo {name.split()[0]}", Role.TEAM_MANAGER)
        member(partner, f"Ada {name.split()[0]}", Role.ADMINISTRATOR)
        member(partner, f"Abe {name.split()[0]}", Role.AUDITOR)
        new = NewProgramme(
            commissioner_id=payer,
            partner_id=partner,
            name=f"First Work {name}",
            starts_on=at.date() - timedelta(days=30),
        )
        programme = programme_actions.make(session, operator, new)
        cast.programmes[partner], cast.payers[partner] = programme.id, payers[payer]
        for rule, pounds in DEMO_PRICES.items():
            price = NewPrice(rule=rule, pounds=pounds, from_on=programme.starts_on)
            programme_actions.set_price(session, operator, programme, price)
    jcp = organisation(OrganisationKind.JOB_CENTRE, "Demonstration Jobcentre")
    clinic = organisation(OrganisationKind.OTHER_REFERRER, "Demonstration Health Centre")
    cast.referrers = [
        (member(jcp, "Rita Referrer", Role.REFERRER), SourceType.JCP),
        (member(council, "Rory Referrer", Role.REFERRER), SourceType.ASC),
        (member(clinic, "Ruth Referrer", Role.REFERRER), SourceType.HEALTH),
    ]
    for name, theme in ENTERPRISES:
        enterprise = organisation(OrganisationKind.SOCIAL_ENTERPRISE, name)
        cast.listers[enterprise] = member(enterprise, f"Lee {name.split()[0]}", Role.PLACEMENT_LISTER)
        cast.themes[enterprise] = theme
    return cast


def issue_keys(session: WriteSession, operator: Actor) -> dict[str, str]:
    """Issue and return a key for one member of each role, valid for 30 days; none if no demonstration is loaded."""
    keys = {}
    issuer = operator.then(source=Source.DEMONSTRATION)
    for name, (mail, role) in DEMO_ROLES.items():
        membership = session.scalars(
            select(Membership)
            .join(User, User.id == Membership.user_id)
            .where(User.email == mail, Membership.role == role)
        ).first()
        if membership is not None:
            new = NewKey(membership_id=membership.id, expires_on=operator.today + timedelta(days=30))
            with acting_as(session, issuer):  # the key is marked as issued for the demonstration
                keys[name] = organisation_actions.make_key(session, issuer, new)[1]
    return keys


SIGN_IN_ROLES = ("CASEWORKER", "MANAGER", "REFERRER", "LISTER", "ADMINISTRATOR")


def sign_in_links(session: WriteSession, operator: Actor) -> dict[str, str]:
    """Make and return a one-time path to sign in, for one member of each role that has pages."""
    paths = {}
    for name in SIGN_IN_ROLES:
        user = session.scalars(select(User).where(User.email == DEMO_ROLES[name][0])).one_or_none()
        if user is not None:
            link = one_time_links.add(
                session,
                user.id,
                SignInLinkKind.INVITATION,
                operator.user_id,
                source=Source.DEMONSTRATION,
                at=operator.at,
            )
            paths[name] = one_time_links.path_of(link, operator.at)
    return paths
