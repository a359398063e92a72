"""The database that tests share is reset whatever a test leaves open."""

from sqlalchemy import text

from pathways.database import Database


def people(stage) -> int:
    with stage.database.engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM jobseekers")).scalar_one()


def test_a_connection_that_a_test_leaves_open_spoils_no_other(stage, world):
    left = Database.of(stage.settings)
    held = left.engine.connect()
    held.execute(text("SELECT count(*) FROM jobseekers"))
    world.supported(ref="A")
    stage.reset()
    assert people(stage) == 0
    stage.reset(with_world=True)
    stage.world.supported(ref="B")
    assert people(stage) == 1
    held.close()
    left.close()
    stage.reset()
    assert people(stage) == 0
