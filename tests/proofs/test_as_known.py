"""Every month of the demonstration year, exported as known on any later day, equals the export made on that day."""

import os
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from pathways import consistency, migrate
from pathways.base import Actor, Role, Source
from pathways.database import Database
from pathways.demo import borough, cast
from pathways.disclosure.suppression import DisclosureRules, Suppression
from pathways.exports import actions, files, folder, queries
from pathways.exports.months import Month
from pathways.exports.schemas import NewExport
from pathways.exports.tables import TABLES
from tests import postgres
from tests.conftest import settings_for

IS_FULL = bool(os.environ.get("PATHWAYS_PROVE"))
START, END = date(2025, 11, 1), date(2026, 10, 31)
PEOPLE = 48 if IS_FULL else 10
OPERATOR = Actor(UUID(int=0), UUID(int=0), Role.OPERATOR, source=Source.COMMAND_LINE)
# In a short run the days after these; in a full one, every day of the year.
STEP = 1 if IS_FULL else 122


def figures_of(database: Database, as_of: date) -> dict[str, bytes]:
    """Every table of every month up to a day, as known at the end of that day: nothing is hidden."""
    made: dict[str, bytes] = {}
    with database.reading() as session:
        for commissioner_id in sorted(queries.commissioners(session), key=str):
            month = Month.of(START)
            while month.first_day <= as_of:
                new = NewExport(month=str(month), commissioner_id=commissioner_id, as_of=as_of)
                counted = actions.count(session, OPERATOR, new)
                told = actions.contents(
                    counted, Suppression(counted.tally.figures(), DisclosureRules(1, 1, 1), {}), version=1
                )
                made |= {
                    f"{told.folder}/{table.name}.csv": files.csv_bytes(table.header, rows)
                    for table, rows in zip(TABLES, folder.rows_of(told).values(), strict=True)
                }
                month = month.plus(1)
    return made


def export_all(database: Database, as_of: date) -> dict[str, bytes]:
    """Every file of the last two months up to a day, one release after another."""
    made: dict[str, bytes] = {}
    with database.writing(None) as session:
        operator = cast.organisation_actions.make_operator(session, OPERATOR)
    with database.reading() as session:
        commissioners = sorted(queries.commissioners(session), key=str)
    for commissioner_id in commissioners:
        month = Month.of(as_of).plus(-1)
        while month.first_day <= as_of:
            new = NewExport(month=str(month), commissioner_id=commissioner_id, as_of=as_of)
            export = actions.make(database, operator, new)
            with database.reading() as session:
                names = queries.file_names(session, [export.id])[export.id]
                made |= {f"{export.folder}/{name}": queries.file(session, export, name).content for name in names}
            month = month.plus(1)
    return made


@pytest.mark.long_test("postgresql")
def test_each_month_as_known_on_a_day_is_what_was_exported_on_that_day(stage):
    """The history is told once, exported at the end of each day, and read back at the end of the year."""
    database = stage.database
    on_the_day: dict[date, dict[str, bytes]] = {}

    def at_the_end_of(day: date) -> None:
        if (day - START).days % STEP == STEP - 1 or day == END:
            on_the_day[day] = figures_of(database, day)

    borough.load(database, start=START, end=END, jobseekers=PEOPLE, placements=16, seed=7, progress=at_the_end_of)
    compared = 0
    for day, exported in on_the_day.items():
        assert figures_of(database, day) == exported, day
        compared += len(exported)
    print(f"\n{stage.backend}: {compared} tables of {len(on_the_day)} days, every one the same when read back")
    assert compared > 50
    with database.reading() as session:
        assert consistency.faults(session) == []


def test_the_same_history_makes_the_same_bytes_on_both_databases(postgres_url, tmp_path):
    """Told twice, on SQLite and on PostgreSQL, the borough exports the same bytes."""
    made = []
    for url in (f"sqlite:///{tmp_path}/borough.db", postgres.database_beside(postgres_url, "pathways_borough")):
        database = Database.of(settings_for(url))
        migrate.upgrade(database)
        borough.load(database, start=START, end=START + timedelta(days=150), jobseekers=12, placements=8, seed=3)
        made.append(export_all(database, START + timedelta(days=150)))
        database.close()
    assert made[0] == made[1]
    assert len(made[0]) > 10


def test_a_shorter_history_is_the_beginning_of_a_longer_one(tmp_path):
    until = START + timedelta(days=120)
    made = []
    for name, last in (("short", until), ("long", END)):
        database = Database.of(settings_for(f"sqlite:///{tmp_path}/{name}.db"))
        migrate.upgrade(database)
        borough.load(database, start=START, end=END, until=last, jobseekers=24, placements=8, seed=5)
        made.append(figures_of(database, until))
        database.close()
    assert made[0] == made[1]


@pytest.mark.long_test("sqlite")
def test_the_demonstration_has_something_to_show_in_every_list(stage, client):
    database = stage.database
    borough.load(database, start=START, end=END, jobseekers=40, placements=16, seed=1)
    first = Actor(UUID(int=0), UUID(int=0), Role.OPERATOR, source=Source.COMMAND_LINE)
    with database.writing(None) as session:
        actor = cast.organisation_actions.make_operator(session, first)
    with database.writing(actor) as session:
        keys = cast.issue_keys(session, actor)
    assert set(keys) == set(cast.DEMO_ROLES)
    for role, lists in {
        "MANAGER": ("jobseekers", "referrals", "enrolments", "introductions", "spells", "placements"),
        "LISTER": ("introductions", "placements"),
        "REFERRER": ("referrals",),
        "OPERATOR": ("organisations", "users", "members", "keys", "programmes"),
    }.items():
        for name in lists:
            answer = client.get(f"/api/v1/{name}", headers={"Authorization": f"Bearer {keys[role]}"})
            assert answer.json()["items"], (role, name)


@pytest.mark.full_size
def test_the_demonstration_borough_of_the_readme_is_coherent(tmp_path: Path):
    database = Database.of(settings_for(f"sqlite:///{tmp_path}/whole.db"))
    migrate.upgrade(database)
    borough.load(database, start=START, end=END)
    with database.reading() as session:
        assert consistency.faults(session) == []
    database.close()
