"""How Alembic runs: on the database it is handed, in one transaction, one migration run at a time."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, text

from pathways.all_models import METADATA
from pathways.base import UtcDateTime
from pathways.database import Database
from pathways.settings import Settings

ADVISORY_LOCK = 7_284_916  # any fixed number: two deployments that migrate at once queue here


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """A migration imports nothing from pathways, so our types are written as SQLAlchemy's."""
    if kind == "type" and isinstance(item, UtcDateTime):
        autogen_context.imports.add("import sqlalchemy as sa")
        return "sa.DateTime(timezone=True)"
    return False


def include_name(name: str | None, kind: str, _: Any) -> bool:
    return kind != "table" or name in METADATA.tables


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        render_item=render_item,
        include_name=include_name,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = '4s'"))
            connection.execute(text("SET LOCAL statement_timeout = '5s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        context.run_migrations()


def database() -> Database:
    given = context.config.attributes.get("database")
    return given if isinstance(given, Database) else Database.of(Settings())


def keep_references(connection: Connection, *, are_kept: bool) -> None:
    """Switch SQLite's references on or off, which it does between transactions only.

    A table it alters is made anew under its name; with references on, dropping the old one is refused where rows of
    others point to it.
    """
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA foreign_keys = {'ON' if are_kept else 'OFF'}")


class ReferencesBroken(RuntimeError):
    """A migration left rows that point to nothing: a fault of ours; nothing was changed."""


engine = database().engine
is_sqlite = engine.dialect.name == "sqlite"
with (engine.execution_options(writes=True) if is_sqlite else engine).connect() as opened:
    if not is_sqlite:
        run(opened)
        opened.commit()
    else:
        keep_references(opened, are_kept=False)
        try:
            run(opened)
            if opened.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                message = "The migration would leave rows that point to nothing. Nothing was changed."
                raise ReferencesBroken(message)
            opened.commit()
        finally:
            opened.rollback()
            keep_references(opened, are_kept=True)
