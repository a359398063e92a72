"""Build a small world: partners, referrers, social enterprises and commissioners, with their members and keys."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from pathways.base import Actor, Role, Source
from pathways.database import Database
from pathways.enrolments import actions as enrolment_actions
from pathways.enrolments.schemas import NewEnrolment
from pathways.jobseekers import sharing
from pathways.jobseekers.models import Jobseeker
from pathways.jobseekers.schemas import NewPermission
from pathways.organisations import actions as organisation_actions
from pathways.organisations.models import OrganisationKind as Kind
from pathways.organisations.schemas import NewKey, NewMember, NewOrganisation, NewUser
from pathways.placements import actions as placement_actions
from pathways.placements.models import PlacementEvent
from pathways.placements.schemas import NewPlacement
from pathways.programmes import actions as programme_actions
from pathways.programmes.schemas import NewProgramme
from pathways.referrals import actions as referral_actions
from pathways.referrals.models import Referral, ReferralEvent
from pathways.referrals.schemas import NewReferral

MEMBERS = {
    "caseworker": ("partner", Role.CASEWORKER),
    "colleague": ("partner", Role.CASEWORKER),
    "manager": ("partner", Role.TEAM_MANAGER),
    "administrator": ("partner", Role.ADMINISTRATOR),
    "auditor": ("partner", Role.AUDITOR),
    "other_caseworker": ("other_partner", Role.CASEWORKER),
    "other_manager": ("other_partner", Role.TEAM_MANAGER),
    "referrer": ("job_centre", Role.REFERRER),
    "other_referrer": ("council", Role.REFERRER),
    "lister": ("enterprise", Role.PLACEMENT_LISTER),
    "other_lister": ("other_enterprise", Role.PLACEMENT_LISTER),
    "commissioner": ("fund", Role.COMMISSIONER),
    "other_commissioner": ("council", Role.COMMISSIONER),
}
ORGANISATIONS = {
    "partner": (Kind.VOLUNTARY_SECTOR_PARTNER, "Stepping Stones"),
    "other_partner": (Kind.VOLUNTARY_SECTOR_PARTNER, "Open Door"),
    "job_centre": (Kind.JOB_CENTRE, "Hendon Jobcentre"),
    "council": (Kind.LOCAL_AUTHORITY, "Barnet Council"),
    "enterprise": (Kind.SOCIAL_ENTERPRISE, "Acorn Kitchen CIC"),
    "other_enterprise": (Kind.SOCIAL_ENTERPRISE, "Bramble Gardens Trust"),
    "fund": (Kind.COMMISSIONER, "Skills Fund"),
}
REFERRAL: dict[str, Any] = {
    "source_type": "JCP",
    "referred_on": date(2026, 9, 1),
    "given_name": "Amina",
    "family_name": "Ní Bhriain",
    "date_of_birth": date(2002, 5, 26),
    "nino": "QQ224466C",
    "nhs_number": "9990770476",
    "phone": "07700 900123",
    "email": "amina@example.org",
    "postcode": "NW9 5QN",
    "skills": ["cooking", "team work"],
    "aspirations": ["cafe"],
    "hours_min": 8,
    "hours_max": 20,
    "half_days": "mon all day; tue all day; wed am",
    "travel_modes": ["bus", "walk"],
    "max_travel_minutes": 60,
    "adjustments": ["quiet space"],
    "right_to_work": "unrestricted",
}


NOBODY = UUID(int=0)


def _each_time(_name: Hashable, build: Callable[[], Any]) -> Any:
    return build()


@dataclass
class World:
    """The organisations, actors and keys of the small world, by the names in ``ORGANISATIONS`` and ``MEMBERS``."""

    database: Database
    operator: Actor
    organisations: dict[str, UUID] = field(default_factory=dict)
    actors: dict[str, Actor] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    programme_id: UUID = NOBODY
    other_programme_id: UUID = NOBODY
    # Runs a function once, and restores the rows that it left for the next test that asks: ``Stage.arranged``.
    arranged: Callable[[Hashable, Callable[[], Any]], Any] = _each_time

    def key(self, name: str) -> dict[str, str]:
        """Return the headers of a request by this member."""
        return {"Authorization": f"Bearer {self.secrets[name]}"}

    def on(self, name: str, day: date | None = None) -> Actor:
        """Return this member as an actor, now or at noon of a day."""
        actor = self.actors[name]
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) if day else datetime.now(UTC)
        return actor.then(at=at)

    def refer(self, *, by: str = "referrer", day: date | None = None, to: str = "partner", **changes: Any) -> Referral:
        """Submit a referral with the values of ``REFERRAL`` and some changes."""
        values = {**REFERRAL, "partner_id": self.organisations[to], **changes}
        actor = self.on(by, day)
        with self.database.writing(actor) as session:
            return referral_actions.submit(session, actor, NewReferral(**values))

    def accept(self, referral: Referral, day: date | None = None, by: str = "manager") -> None:
        """Accept a referral."""
        actor = self.on(by, day)
        with self.database.writing(actor) as session:
            row = session.get_one(Referral, referral.id)
            referral_actions.move(session, actor, row, ReferralEvent.ACCEPT)

    def enrol(self, referral: Referral, day: date | None = None, **changes: Any) -> UUID:
        """Start an enrolment on the partner's programme, and return its id."""
        actor = self.on("manager", day)
        new = NewEnrolment(
            **{
                "referral_id": referral.id,
                "programme_id": self.programme_id,
                "started_on": actor.today,
                "caseworker_id": self.actors["caseworker"].membership_id,
                **changes,
            }
        )
        with self.database.writing(actor) as session:
            return enrolment_actions.start(session, actor, new).id

    def supported(self, day: date | None = None, **changes: Any) -> tuple[UUID, UUID]:
        """Refer, accept and enrol a jobseeker. Return the ids of the jobseeker and the enrolment."""

        def build() -> tuple[UUID, UUID]:
            referral = self.refer(day=day, **changes)
            self.accept(referral, day)
            return referral.jobseeker_id, self.enrol(referral, day)

        return self.arranged(("supported", day, repr(changes)), build)

    def list_placement(
        self, *, by: str = "lister", day: date | None = None, owner: UUID | None = None, **changes: Any
    ) -> UUID:
        """List and publish a placement, and return its id."""
        return self.arranged(
            ("listed", by, day, owner, repr(changes)), lambda: self._list_placement(by, day, owner, changes)
        )

    def _list_placement(self, by: str, day: date | None, owner: UUID | None, changes: dict[str, Any]) -> UUID:
        actor = self.on(by, day)
        values = {
            "title": "Cafe Assistant",
            "kind": "JOB_OPEN",
            "pay_per_hour_pounds": "14.00",
            "hours_per_week": 16,
            "hours_flexible": True,
            "half_days": "mon am; mon pm; tue am; tue pm",
            "postcode": "NW4 4BT",
            "places": 3,
            **changes,
        }
        new = NewPlacement(**values)
        with self.database.writing(actor) as session:
            columns = new.model_dump(exclude={"places"})
            placement = placement_actions.make(
                session, actor, owner or actor.organisation_id, columns, places=new.places
            )
            placement_actions.move(session, actor, placement, PlacementEvent.PUBLISH)
            return placement.id

    def permit(self, jobseeker_id: UUID, *groups: str, to: str = "enterprise", day: date | None = None) -> None:
        """Record that the jobseeker permits sharing these groups of data with a social enterprise."""
        actor = self.on("caseworker", day)
        new = NewPermission(
            social_enterprise_id=self.organisations[to],
            groups=list(groups or ("identity", "work")),
            how_given="in person",
        )
        with self.database.writing(actor) as session:
            sharing.grant_permission(session, actor, session.get_one(Jobseeker, jobseeker_id), new)


def build_world(database: Database) -> World:
    """Create the small world in an empty, migrated database."""
    first = Actor(UUID(int=0), UUID(int=0), Role.OPERATOR, source=Source.COMMAND_LINE)
    first = first.then(at=datetime(2025, 1, 1, tzinfo=UTC))
    with database.writing(None) as session:
        operator = organisation_actions.make_operator(session, first)
        session.actor = operator
        world = World(database, operator)
        for name, (kind, title) in ORGANISATIONS.items():
            new = NewOrganisation(kind=kind, name=title)
            world.organisations[name] = organisation_actions.make_organisation(session, operator, new).id
        world.organisations["operator"] = operator.organisation_id
        for name, (organisation, role) in MEMBERS.items():
            user = organisation_actions.make_user(
                session, operator, NewUser(name=name.replace("_", " ").title(), email=f"{name}@example.org")
            )
            membership = organisation_actions.add_member(
                session,
                operator,
                NewMember(user_id=user.id, organisation_id=world.organisations[organisation], role=role),
            )
            world.actors[name] = Actor(user.id, world.organisations[organisation], role, membership.id)
        world.actors["operator"] = operator.then(source=Source.API)
        for name, actor in world.actors.items():
            assert actor.membership_id
            new_key = NewKey(membership_id=actor.membership_id, expires_on=date(2099, 12, 31))
            issuer = operator.then(source=Source.DEMONSTRATION)  # so that the world begins without notices of keys
            session.actor = issuer
            world.secrets[name] = organisation_actions.make_key(session, issuer, new_key)[1]
        session.actor = operator
        start = operator.today - timedelta(days=30)
        for attribute, payer, deliverer in (
            ("programme_id", "fund", "partner"),
            ("other_programme_id", "council", "other_partner"),
        ):
            made = programme_actions.make(
                session,
                operator,
                NewProgramme(
                    commissioner_id=world.organisations[payer],
                    partner_id=world.organisations[deliverer],
                    name=f"First Work {deliverer}",
                    starts_on=start,
                ),
            )
            setattr(world, attribute, made.id)
    return world
