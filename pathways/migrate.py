"""Upgrade a database to the version of this program, and check its version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from pathways.database import Database
from pathways.key_checks import recorded
from pathways.key_proof import settle

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def config(database: Database) -> Config:
    """Return Alembic's configuration for a database. It does not depend on the working directory."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["database"] = database
    return made


def upgrade(database: Database, to: str = "head") -> str:
    """Upgrade, then record the check values of the keys if the database has none.

    Return what the operator must know about check values that were recorded now. Raise ``WrongKey`` before the upgrade
    if the database has check values of other keys.
    """
    with database.engine.connect() as connection:
        values = recorded(connection)
    if values is not None:
        values.refuse_wrong(database.vault, "this database")
    command.upgrade(config(database), to)
    return settle(database) if at_head(database) else ""


def downgrade(database: Database, to: str = "base") -> None:
    command.downgrade(config(database), to)


def newest() -> str | None:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(made).get_current_head()


def is_known(revision: str) -> bool:
    """Return whether a migration of this program makes this revision. A newer program's is not known."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    return revision in {script.revision for script in ScriptDirectory.from_config(made).walk_revisions()}


def revision(database: Database) -> str | None:
    """Return the revision of a database; None if it has none."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def at_head(database: Database) -> bool:
    """Return whether the database answers and has the newest migration."""
    try:
        return revision(database) == newest()
    except SQLAlchemyError:
        return False
