"""Finds the name of the constraint that refused a row, on SQLite and on PostgreSQL."""

import re

from sqlalchemy import Table, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from pathways.base import Base

# The message of SQLite has the columns of a unique constraint or index, or the name of a CHECK, and nothing else.
UNIQUE = re.compile(r"^UNIQUE constraint failed: (?P<columns>[\w., ]+)$")
UNIQUE_INDEX = re.compile(r"^UNIQUE constraint failed: index '(?P<name>\w+)'$")
CHECK = re.compile(r"^CHECK constraint failed: (?P<name>\w+)$")


def broken_constraint(error: IntegrityError) -> str | None:
    """Return the name of the constraint or unique index that an error is about; None for foreign keys in SQLite."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:  # PostgreSQL gives the name
        name: str | None = diagnosis.constraint_name
        return name
    message = str(error.orig)
    named = UNIQUE_INDEX.match(message) or CHECK.match(message)
    if named:
        return named["name"]
    unique = UNIQUE.match(message)
    return _unique_name(unique["columns"]) if unique else None


def _unique_name(written: str) -> str | None:
    columns = [name.strip().split(".") for name in written.split(",")]
    table = Base.metadata.tables.get(columns[0][0])
    return _name_in(table, [column for _, column in columns]) if table is not None else None


def _name_in(table: Table, columns: list[str]) -> str | None:
    uniques = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    uniques += [index for index in table.indexes if index.unique]  # type: ignore[misc]  # both have columns and a name
    for unique in uniques:
        if [column.name for column in unique.columns] == columns:
            return str(unique.name)
    return str(table.primary_key.name) if [column.name for column in table.primary_key] == columns else None
