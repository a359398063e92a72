"""Bulk insert a borough's database for tests of query plans: thousands of people, each with a complete journey."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update
from uuid_utils.compat import uuid7

from benchmarks import stocked
from matching.score.ranker import EXPERT_VERSION
from pathways.access.models import User
from pathways.allocations.models import Allocation, AllocationLine, AllocationLineMove, LineState
from pathways.allocations.schemas import AllocationFigures
from pathways.audit import AuditRow
from pathways.base import Base, Role, Source
from pathways.database import Database
from pathways.enrolments.models import Enrolment, EnrolmentMove, EnrolmentState
from pathways.idempotency import IdempotencyKey
from pathways.introductions.models import Introduction, IntroductionMove, IntroductionState
from pathways.jobseekers import key_filling, name_index
from pathways.jobseekers.models import Contact, Jobseeker, JobseekerMove, MonitoringAnswers, SharingPermission
from pathways.organisations.models import ApiKey, Membership
from pathways.placements.models import Place, Placement, PlacementMove, PlaceState
from pathways.progression.models import (
    Evidence,
    EvidenceCheck,
    EvidenceKind,
    Outcome,
    Spell,
    SpellHours,
    SpellState,
    SpellVersion,
)
from pathways.referrals.models import Referral, ReferralMove, ReferralSnapshot, ReferralState, SourceType
from pathways.shortlists import snapshot
from pathways.shortlists.models import Shortlist, ShortlistMatch
from tests.world import World

AT_ONCE = 2_000  # rows
DAY, BORN = date(2026, 6, 1), date(1990, 1, 1)
WEEKS = 3  # of hours, for each spell
SHORTLISTS, MATCHES = 300, 10
MEMBERS = 600
JSON_ANSWERS = (
    "ethnic_group",
    "long_term_condition",
    "condition_reduces_activity",
    "sex",
    "gender_identity",
    "sexual_orientation",
    "religion",
)
Rows = list[dict[str, Any]]


@dataclass
class Stock:
    """The world, its people, and an id of each kind of record by the name of its route parameter."""

    database: Database
    world: World
    people: list[UUID]
    ids: dict[str, UUID] = field(default_factory=dict)


def fill(url: str, *, people: int, placements: int) -> Stock:
    """Fill a database with people and placements, and update its statistics."""
    world, ids = stocked.stocked(url, placements, people)
    stock = Stock(world.database, world, ids)
    with stock.database.writing(None) as session:
        listed = session.execute(select(Placement.id, Placement.social_enterprise_id).order_by(Placement.id)).all()
        held: dict[UUID, UUID] = {}
        for model, rows in _journeys(stock, listed, held).items():
            for start in range(0, len(rows), AT_ONCE):
                session.execute(insert(model), rows[start : start + AT_ONCE])
        for place in session.scalars(select(Place).where(Place.placement_id.in_(held), Place.number == 1)):
            place.state, place.introduction_id = PlaceState.HELD, held[place.placement_id]
        # Dates of birth are spread out, as in reality, so that an index on them is selective.
        born = [
            {"id": person, "version": 1, "date_of_birth": BORN + timedelta(days=number)}
            for number, person in enumerate(ids)
        ]
        session.execute(update(Jobseeker), born)
    for number in range(3):
        referral = world.refer(to="other_partner", ref=f"small-{number}")
        world.accept(referral, by="other_manager")
    with stock.database.engine.connect() as connection:
        # SQLite's own statistics are deleted, so that only the row counts of the service are used.
        connection.execute(text("DELETE FROM sqlite_stat1" if stock.database.is_sqlite else "ANALYZE"))
        connection.commit()
    key_filling.fill(stock.database)
    name_index.fill(stock.database)
    stock.database.count_rows()
    return stock


class Pen:
    """Collect rows by model for bulk inserts."""

    def __init__(self, stock: Stock) -> None:
        world = stock.world
        self.rows: dict[type[Base], Rows] = {}
        self.partner_id = world.organisations["partner"]
        self.at = world.actors["manager"].at
        self.by = world.actors["manager"].user_id
        self.caseworker_id = world.actors["caseworker"].membership_id

    def write(self, model: type[Base], **columns: Any) -> UUID:
        """Add a row, and return its id."""
        row = {"id": uuid7(), **columns}
        self.rows.setdefault(model, []).append(row)
        return row["id"]

    def fact(self, model: type[Base], person: UUID | None = None, on: date = DAY, **columns: Any) -> UUID:
        about = {"partner_id": self.partner_id, "jobseeker_id": person} if person else {}
        record = {"valid_on": on, "recorded_at": self.at, "by": self.by, "source": Source.DEMONSTRATION}
        return self.write(model, **about, **record, **columns)

    def move(self, model: type[Base], person: UUID | None, event_name: str, to: str, **columns: Any) -> UUID:
        return self.fact(model, person, event=event_name, from_state=None, to_state=to, **columns)


def _journeys(stock: Stock, listed: Any, held: dict[UUID, UUID]) -> dict[type[Base], Rows]:
    """Return the rows of all journeys by model. Adds the introduction that holds each offered placement to ``held``."""
    pen = Pen(stock)
    _members(stock, pen)
    allocation_id = pen.fact(
        Allocation,
        partner_id=pen.partner_id,
        proposed_on=DAY,
        model_version=EXPERT_VERSION,
        policy={},
        looked_at=1,
        placements=1,
        figures=dict.fromkeys(AllocationFigures.model_fields, 0),
    )
    for number, person in enumerate(stock.people):
        placement_id, enterprise_id = listed[number % len(listed)]
        about = {"partner_id": pen.partner_id, "jobseeker_id": person}
        made: dict[str, UUID] = {"jobseeker_id": person, "placement_id": placement_id, "allocation_id": allocation_id}
        is_offered = number % 10 == 1 and number < len(listed)
        _supported(stock, pen, number, person, made)
        made["introduction_id"] = pen.write(
            Introduction,
            **about,
            placement_id=placement_id,
            social_enterprise_id=enterprise_id,
            state=IntroductionState.OFFERED if is_offered else IntroductionState.SENT,
            made_at=pen.at,
            sent_at=pen.at,
            version=1,
        )
        begins = None
        for name, to in (("propose", "proposed"), ("agree", "agreed"), ("send", "sent")):
            pen.fact(
                IntroductionMove,
                person,
                event=name,
                from_state=begins,
                to_state=to,
                introduction_id=made["introduction_id"],
                made_by_role="caseworker",
            )
            begins = to
        if is_offered:
            held[placement_id] = made["introduction_id"]
        _worked(pen, person, made)
        made["line_id"] = pen.write(
            AllocationLine,
            **about,
            allocation_id=allocation_id,
            placement_id=placement_id,
            state=LineState.ACCEPTED,
            could_go_to=1,
            need_facts=[],
            why="",
            version=1,
        )
        pen.move(AllocationLineMove, person, "accept", "accepted", line_id=made["line_id"])
        if number < SHORTLISTS:
            made["shortlist_id"] = _shortlist(pen, person, [row[0] for row in islice(listed, MATCHES)])
        stock.ids = stock.ids or made
    for placement_id, _ in listed:
        pen.move(PlacementMove, None, "publish", "published", placement_id=placement_id)
    return pen.rows


def _members(stock: Stock, pen: Pen) -> None:
    for number in range(MEMBERS):
        user_id = pen.write(
            User,
            name=f"Member {number}",
            email=f"member{number}@example.org",
            is_machine=False,
            made_at=pen.at,
            version=1,
        )
        membership_id = pen.write(
            Membership, organisation_id=pen.partner_id, user_id=user_id, role=Role.CASEWORKER, made_at=pen.at
        )
        pen.write(ApiKey, membership_id=membership_id, public_id=f"stock{number}", secret_hash="0", made_at=pen.at)
        for key in range(3):
            pen.write(
                IdempotencyKey,
                user_id=user_id,
                organisation_id=pen.partner_id,
                key=f"key-{key}",
                fingerprint="0",
                made_at=pen.at,
            )


def _supported(stock: Stock, pen: Pen, number: int, person: UUID, made: dict[str, UUID]) -> None:
    """Add a person's referral, enrolment, permission, contacts and audit rows, and put their ids in ``made``."""
    about = {"partner_id": pen.partner_id, "jobseeker_id": person}
    world = stock.world
    made["referral_id"] = pen.write(
        Referral,
        **about,
        ref=f"R-{number}",
        source_key=f"stock:{number}",
        source_type=SourceType.JCP,
        referring_organisation_id=world.organisations["job_centre" if number % 20 else "council"],
        referred_on=DAY,
        state=ReferralState.SUBMITTED if number % 100 == 1 else ReferralState.ACCEPTED,
        made_at=pen.at,
        acknowledged_at=pen.at,
        version=1,
    )
    pen.fact(
        ReferralSnapshot,
        person,
        referral_id=made["referral_id"],
        given_name=f"Given {number}",
        family_name=f"Family {number}",
        is_restricted=False,
    )
    for name, to in (("submit", "submitted"), ("accept", "accepted")):
        pen.move(ReferralMove, person, name, to, referral_id=made["referral_id"])
    pen.move(JobseekerMove, person, "open", "open")
    made["enrolment_id"] = pen.write(
        Enrolment,
        **about,
        programme_id=world.programme_id,
        referral_id=made["referral_id"],
        caseworker_id=pen.caseworker_id,
        caseworker_from=DAY,
        state=EnrolmentState.STARTED,
        started_on=DAY,
        made_at=pen.at,
        version=1,
    )
    pen.move(
        EnrolmentMove,
        person,
        "start",
        "started",
        enrolment_id=made["enrolment_id"],
        programme_id=world.programme_id,
        referral_id=made["referral_id"],
    )
    pen.fact(
        SharingPermission,
        person,
        social_enterprise_id=world.organisations["enterprise"],
        groups=["identity"],
        is_granted=True,
        how_given="in person",
    )
    for outcome in ("spoke", "no_answer"):
        pen.fact(Contact, person, with_whom="employer", how="phone", outcome=outcome)
    pen.fact(MonitoringAnswers, person, **dict.fromkeys(JSON_ANSWERS, "not_asked"))
    for _ in range(3):
        pen.fact(
            AuditRow,
            None,
            doing="jobseeker:read",
            role="caseworker",
            organisation_id=pen.partner_id,
            subject="jobseekers",
            subject_id=person,
            jobseeker_id=person,
            is_change=False,
            request_id="",
        )


def _worked(pen: Pen, person: UUID, made: dict[str, UUID]) -> None:
    """Add a person's spell with hours, evidence and an outcome, and put their ids in ``made``."""
    about = {"partner_id": pen.partner_id, "jobseeker_id": person}
    made["spell_id"] = pen.write(
        Spell,
        **about,
        enrolment_id=made["enrolment_id"],
        introduction_id=made["introduction_id"],
        state=SpellState.RUNNING,
        made_at=pen.at,
        version=1,
    )
    pen.fact(
        SpellVersion,
        person,
        spell_id=made["spell_id"],
        enrolment_id=made["enrolment_id"],
        kind="JOB_OPEN",
        title="Cafe Assistant",
        started_on=DAY,
    )
    for week in range(WEEKS):
        pen.fact(SpellHours, person, on=DAY + timedelta(weeks=week), spell_id=made["spell_id"], hours=12)
    made["evidence_id"] = pen.fact(
        Evidence,
        person,
        spell_id=made["spell_id"],
        kind=EvidenceKind.PAYSLIP,
        tier="B",
        covers_from=DAY,
        covers_to=DAY,
        obtained_how="copies",
    )
    pen.fact(EvidenceCheck, person, evidence_id=made["evidence_id"], is_accepted=True)
    made["outcome_id"] = pen.fact(
        Outcome,
        person,
        enrolment_id=made["enrolment_id"],
        rule="LOCAL_13_IN_16",
        rule_version="1",
        weeks_counted=13,
        spell_ids=[str(made["spell_id"])],
        evidence_ids=[str(made["evidence_id"])],
    )


def _shortlist(pen: Pen, person: UUID, placement_ids: list[UUID]) -> UUID:
    shortlist_id = pen.fact(
        Shortlist,
        person,
        shown_on=DAY,
        model_version=EXPERT_VERSION,
        looked_at=1,
        eligible=1,
        refused_by_rule={},
        refusals=snapshot.packed([]),
    )
    for rank, placement_id in enumerate(placement_ids, start=1):
        pen.fact(
            ShortlistMatch,
            person,
            shortlist_id=shortlist_id,
            placement_id=placement_id,
            rank=rank,
            score=0.5,
            confidence="high",
            values={},
            checks=[],
            places_left=1,
        )
    return shortlist_id
