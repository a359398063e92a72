"""Sealing, reading and masking a person's details; values reserved for tests are refused in production."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pathways.database import Session
from pathways.errors import RuleBroken
from pathways.jobseekers import formats
from pathways.jobseekers.models import (
    DETAIL_NAMES,
)


class TestValueRefused(RuleBroken):
    title = "A value reserved for tests"
    __test__ = False  # its name begins with Test; pytest collects it otherwise


def refuse_test_values(session: Session, values: Mapping[str, Any]) -> None:
    if session.is_production:
        reserved = formats.test_values(values)
        if reserved:
            raise TestValueRefused(
                f"{', '.join(reserved)}: this value is reserved for tests and not taken here.",
                pointer=f"/{reserved[0]}",
            )


def sealed(session: Session, table: str, fact_id: UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return details as their columns: tidied, with the NI and NHS numbers encrypted for this row."""
    columns = {name: values.get(name) or None for name in DETAIL_NAMES if name not in {"nino", "nhs_number"}}
    columns["interpreter_needed"] = values.get("interpreter_needed")
    columns["postcode"] = formats.tidy_postcode(values.get("postcode"))
    columns["phone"] = formats.tidy_phone(values.get("phone"))
    for name in ("nino", "nhs_number"):
        text = formats.compact(values.get(name))
        columns[f"{name}_sealed"] = (
            session.vault.seal(text, place=f"{table}:{name}:{fact_id}") if text is not None else None
        )
    return columns


def unsealed(session: Session, row: Any) -> dict[str, Any]:
    """Return the details of a row as plain values."""
    values = {name: getattr(row, name) for name in DETAIL_NAMES if name not in {"nino", "nhs_number"}}
    for name in ("nino", "nhs_number"):
        text = getattr(row, f"{name}_sealed")
        values[name] = (
            session.vault.open(text, place=f"{row.__tablename__}:{name}:{row.id}") if text is not None else None
        )
    return values


def readable(session: Session, row: Any, *, is_masked: bool = True) -> dict[str, Any]:
    values = unsealed(session, row)
    if is_masked:
        values["nino"], values["nhs_number"] = formats.masked(values["nino"]), formats.masked(values["nhs_number"])
    return values
