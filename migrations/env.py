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


engine = database().engine
writes = engine.dialect.name == "sqlite"
with (engine.execution_options(writes=True) if writes else engine).connect() as opened:
    run(opened)
    opened.commit()
