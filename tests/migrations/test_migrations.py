"""Migrations go up and down on both databases and make just what the models say."""

from datetime import date, timedelta

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, inspect, select

from pathways import consistency, migrate
from pathways.all_models import METADATA
from pathways.demo import borough
from pathways.placements.models import Placement, PlacementVersion
from tests.world import World


def test_there_is_one_head():
    assert len(ScriptDirectory(str(migrate.MIGRATIONS)).get_heads()) == 1


def test_the_database_is_just_what_the_models_say(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_down_and_up_again_leaves_an_equal_database(stage):
    database = stage.database
    before = _shape(database)
    migrate.downgrade(database)
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    assert not migrate.at_head(database)
    migrate.upgrade(database)
    assert migrate.at_head(database)
    assert _shape(database) == before
    assert len(before) > 30


def _shape(database):
    inspector = inspect(database.engine)
    return {
        table: (
            sorted(column["name"] for column in inspector.get_columns(table)),
            sorted(str(index["name"]) for index in inspector.get_indexes(table)),
            sorted(str(check["name"]) for check in inspector.get_check_constraints(table)),
        )
        for table in inspector.get_table_names()
    }


def test_a_migration_imports_nothing_of_ours():
    versions = list((migrate.MIGRATIONS / "versions").glob("*.py"))
    assert versions
    for path in versions:
        assert "pathways" not in path.read_text()


def _told(inputs):
    """What came to be kept since is not known of them."""
    return {name: value for name, value in inputs.items() if value is not None}


def test_a_listing_that_stood_before_its_states_were_kept_is_kept_as_it_stands(database, world: World):
    first = world.list_placement(title="One", essential_skills=["cooking"], starts_on="2026-12-01", remote="yes")
    world.list_placement(title="Two", hours_per_week=12.5)
    with database.reading() as session:
        before = {row.placement_id: (_told(row.inputs), row.easting) for row in _newest(session)}
    migrate.downgrade(database, "50efff20953a")
    migrate.upgrade(database)
    with database.reading() as session:
        assert {row.placement_id: (_told(row.inputs), row.easting) for row in _newest(session)} == before
        assert consistency.faults(session) == []
    assert before[first][1] is None  # from home is nowhere to travel to


def test_a_database_with_people_and_work_in_it_goes_down_and_up_again(database):
    end = date(2026, 6, 30)
    borough.load(database, start=end - timedelta(days=150), end=end, jobseekers=20, placements=12, seed=2)

    def counted() -> dict[str, int]:
        with database.engine.connect() as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in METADATA.tables.items()
            }

    before = counted()
    migrate.downgrade(database, "edac9fa49bd1")
    migrate.upgrade(database)
    after = counted()
    made_since = {"programme_prices", "notices", "emails", "action_plans", "check_ins", "barriers", "scores"}
    made_since |= {name for name in before if name.startswith("claim")}
    made_since.add("name_words")  # the command that upgrades fills it after the migration
    assert {name: count for name, count in after.items() if name not in made_since} == {
        name: count for name, count in before.items() if name not in made_since
    }
    with database.reading() as session:
        assert consistency.faults(session) == []


def _newest(session):
    same = PlacementVersion.version == Placement.version
    rows = select(PlacementVersion).join(Placement, Placement.id == PlacementVersion.placement_id)
    return session.scalars(rows.where(same))
