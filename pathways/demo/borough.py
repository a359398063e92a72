"""Load the demonstration: a made-up borough with a history, recorded day by day through the normal actions.

All people are made up: National Insurance numbers begin with QQ, phone numbers with 07700 900, and e-mail addresses end
in example.org. Each person has a random stream of their own, so a history stopped early is the start of the full one.
"""

import heapq
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select, update

from pathways.database import Database, WriteSession
from pathways.demo.cast import Borough, NotEmpty, Step, make_cast
from pathways.demo.person import ADJUSTMENTS, POSTCODES, WEEKS, Person
from pathways.errors import DomainError
from pathways.jobseekers.models import Jobseeker
from pathways.messages.models import Notice
from pathways.placements import actions as placement_actions
from pathways.placements.models import Placement, PlacementEvent, PlacementKind
from pathways.placements.schemas import NewPlacement
from pathways.reference import tables

LISTINGS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "cafe": (("Cafe Assistant", ("customer service",)), ("Kitchen Assistant", ("food preparation", "teamwork"))),
    "gardening": (("Gardener", ("gardening",)), ("Grounds Maintenance Assistant", ("teamwork",))),
    "bikes": (("Bicycle Mechanic", ("repair",)), ("Workshop Assistant", ("teamwork",))),
    "reuse": (("Reuse Assistant", ("manual handling",)), ("Driver's Mate", ("manual handling", "teamwork"))),
    "textiles": (("Sewing Machinist", ("sewing",)), ("Retail Assistant", ("customer service", "numeracy"))),
    "office": (("Office Assistant", ("organisation", "spreadsheets")), ("Receptionist", ("telephone manner",))),
    "cleaning": (("Cleaner", ("cleaning",)), ("Housekeeper", ("cleaning", "teamwork"))),
    "stores": (("Warehouse Operative", ("stock work",)), ("Stores Assistant", ("stock work", "record keeping"))),
}
KINDS = (PlacementKind.JOB_OPEN, PlacementKind.JOB_ILM, PlacementKind.JOB_OPEN, PlacementKind.WORK_EXPERIENCE)
FIRST_HOUR = 9  # UTC: the hour of the first step of a day; one step follows each minute
DAYS_BETWEEN_CONFIRMATIONS = 60


def load(
    database: Database,
    *,
    start: date,
    end: date,
    until: date | None = None,
    jobseekers: int = 160,
    placements: int = 48,
    seed: int = 1,
    progress: Callable[[date], None] = lambda _: None,
) -> None:
    """Record the borough's history from ``start`` up to and including ``until`` (by default ``end``).

    The history is planned for the days from ``start`` to ``end``. The same seed, start and end give the same history;
    with an earlier ``until``, that history stops earlier. Refused if the database has any jobseekers.
    """
    with database.reading() as session:
        if session.scalars(select(func.count()).select_from(Jobseeker)).one():
            raise NotEmpty(
                "The demonstration can only be loaded if there are no jobseekers yet. Next: use a new database."
            )
    with database.writing(None) as session:
        cast = make_cast(session, _at(start, 0))
    borough = Borough(database, seed, start, end, jobseekers, placements, cast)
    _plan(borough)
    day = start
    while day <= (until or end):
        _run_day(borough, day)
        progress(day)
        day += timedelta(days=1)
    with database.writing(None) as session:  # notices of the made-up year are marked as read
        session.execute(update(Notice).where(Notice.email_id.is_(None)).values(read_at=Notice.made_at))


def _at(day: date, minutes: int) -> datetime:
    return datetime(day.year, day.month, day.day, FIRST_HOUR, tzinfo=UTC) + timedelta(minutes=minutes)


def _run_day(borough: Borough, day: date) -> None:
    """Run the steps of one day. A step that the rules refuse is rolled back and skipped."""
    steps = []
    while borough.queue and borough.queue[0][0] <= day:
        steps.append(heapq.heappop(borough.queue)[2])
    if not steps:
        return
    with borough.database.writing(borough.cast.operator.then(at=_at(day, 0))) as session:
        for minute, step in enumerate(steps):
            try:
                with session.begin_nested():
                    step(session, _at(day, minute))
            except DomainError:
                continue


def _plan(borough: Borough) -> None:
    days = (borough.end - borough.start).days
    for number in range(borough.placements):
        day = borough.start + timedelta(days=number * days // borough.placements)
        borough.later(day, _listing(borough, number))
    for number in range(borough.jobseekers):
        stream = borough.stream("jobseeker", number)
        day = borough.start + timedelta(days=number * days // borough.jobseekers + stream.randint(0, 6))
        borough.later(day, Person(borough, number, stream).refer)


def _listing(borough: Borough, number: int) -> Step:
    stream = borough.stream("placement", number)
    enterprise = list(borough.cast.listers)[number % len(borough.cast.listers)]
    title, skills = stream.choice(LISTINGS[borough.cast.themes[enterprise]])
    kind = stream.choice(KINDS)
    is_paid = kind is not PlacementKind.WORK_EXPERIENCE
    ref = f"DEMO-{number:04d}"

    def step(session: WriteSession, at: datetime) -> None:
        actor = borough.cast.listers[enterprise].then(at=at)
        lawful = tables.minimum_wage(tables.highest_wage_band(actor.today), actor.today + timedelta(days=400)).pence
        new = NewPlacement(
            ref=ref,
            title=title,
            kind=kind,
            essential_skills=list(skills),
            desirable_skills=["teamwork"],
            postcode=stream.choice(POSTCODES),
            half_days=stream.choice(WEEKS).replace("; ", "; "),
            hours_per_week=Decimal(stream.choice((8, 12, 16, 16, 20))),
            hours_flexible=stream.random() < 0.7,
            places=stream.choice((2, 3, 4, 6)),
            pay_per_hour_pounds=Decimal(lawful + stream.choice((0, 25, 60))) / 100 if is_paid else None,
            adjustments_offered=stream.sample(ADJUSTMENTS, 2),
            environment=[stream.choice(("quiet", "busy", "outdoors", "small team"))],
            support_offered=["named buddy"],
        )
        columns = new.model_dump(exclude={"places"})
        placement = placement_actions.make(session, actor, enterprise, columns, places=new.places)
        placement_actions.move(session, actor, placement, PlacementEvent.PUBLISH)
        if number % 9 != 4:
            borough.later(actor.today + timedelta(days=DAYS_BETWEEN_CONFIRMATIONS), _confirming(borough, placement.id))

    return step


def _confirming(borough: Borough, placement_id: UUID) -> Step:
    def step(session: WriteSession, at: datetime) -> None:
        placement = session.get_one(Placement, placement_id)
        actor = borough.cast.listers[placement.social_enterprise_id].then(at=at)
        placement_actions.confirm(session, actor, placement)
        borough.later(actor.today + timedelta(days=DAYS_BETWEEN_CONFIRMATIONS), step)

    return step
