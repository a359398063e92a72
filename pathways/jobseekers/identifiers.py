"""Encrypting and decrypting NI and NHS numbers; in production, refusing values that are reserved for tests."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any
from uuid import UUID

from pathways.database import Session
from pathways.errors import RuleBroken
from pathways.jobseekers.details import IDENTIFIERS, Details
from pathways.jobseekers.models import (
    DETAIL_NAMES,
)


class TestValueRefused(RuleBroken):
    title = "This value is reserved for tests"
    __test__ = False  # otherwise pytest collects this class, because its name begins with Test


def refuse_test_values(session: Session, details: Details, *, among: Collection[str] | None = None) -> None:
    """In production, refuse details that contain a value reserved for tests.

    ``among`` limits this to the named fields, so that correcting one field does not fail because of another.
    """
    if session.is_production:
        reserved = [name for name in details.reserved_for_tests() if among is None or name in among]
        if reserved:
            raise TestValueRefused(
                f"{', '.join(reserved)}: this value is reserved for tests. Enter the real value, or leave it blank.",
                pointer=f"/{reserved[0]}",
            )


def sealed(session: Session, table: str, fact_id: UUID, details: Details) -> dict[str, Any]:
    """Return the details as columns of one row, with the NI and NHS numbers encrypted for that row."""
    columns = details.as_dict()
    for name in IDENTIFIERS:
        text = columns.pop(name)
        columns[f"{name}_sealed"] = (
            session.vault.seal(text, place=f"{table}:{name}:{fact_id}") if text is not None else None
        )
    return columns


def unsealed(session: Session, row: Any) -> Details:
    """Return the details of a row, with its NI and NHS numbers decrypted."""
    return Details(**(_values(row) | {name: _opened(session, row, name) for name in IDENTIFIERS}))


def readable(session: Session, row: Any) -> Details:
    """Return the details of a row without those NI and NHS numbers that cannot be decrypted, as after a lost key."""
    values = _values(row)
    for name in IDENTIFIERS:
        with suppress(ValueError, IndexError):
            values[name] = _opened(session, row, name)
    return Details(**values)


def _values(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in DETAIL_NAMES if name not in IDENTIFIERS}


def _opened(session: Session, row: Any, name: str) -> str | None:
    text = getattr(row, f"{name}_sealed")
    return session.vault.open(text, place=f"{row.__tablename__}:{name}:{row.id}") if text is not None else None
