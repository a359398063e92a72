"""Migrations go up and down on both databases and make just what the models say."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from pathways import migrate
from pathways.all_models import METADATA


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
