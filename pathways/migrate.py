"""Upgrade a database to the version of this program, and check its version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from pathways.database import Database

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def config(database: Database) -> Config:
    """Return Alembic's configuration for a database. It does not depend on the working directory."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["database"] = database
    return made


def upgrade(database: Database, to: str = "head") -> None:
    command.upgrade(config(database), to)


def downgrade(database: Database, to: str = "base") -> None:
    command.downgrade(config(database), to)


def newest() -> str | None:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(made).get_current_head()


def at_head(database: Database) -> bool:
    """Return whether the database answers and has the newest migration."""
    try:
        with database.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() == newest()
    except SQLAlchemyError:
        return False
