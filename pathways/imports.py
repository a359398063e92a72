"""The record of an import: what came in, what became of each row, and what to do about the rest."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import SHORT, Base, PrimaryKey
from pathways.cells import CellError
from pathways.fields import Group, Schema


class ImportRun(Base):
    """One import. Its report names rows, fields and rules, never a value."""

    __tablename__ = "imports"

    id: Mapped[PrimaryKey]
    kind: Mapped[str] = mapped_column(SHORT)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    partner_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime]
    file_hash: Mapped[str] = mapped_column(SHORT)
    report: Mapped[dict[str, Any]] = mapped_column(JSON)


class ImportReport(BaseModel):
    """What an import did, or on a dry run would do."""

    is_dry_run: bool
    was_applied: bool
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    in_error: int = 0
    errors: list[CellError] = []
    warnings: list[CellError] = []
    notes: list[str] = []
    unknown_columns: list[str] = []
    passed_over: list[str] = []
    made: list[str] = []


class ImportOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    kind: Annotated[str, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    file_hash: Annotated[str, Group.RECORD]
    report: Annotated[ImportReport, Group.RECORD]


def _where(found: CellError) -> str:
    return f"sheet {found.sheet}, row {found.row}" if found.sheet else f"row {found.row}"


def as_sentences(report: ImportReport) -> list[str]:
    """Return the report as lines for a terminal or a text file."""
    verb = "would be " if report.is_dry_run else ""
    lines = [
        (
            f"{report.rows} rows: {report.created} {verb}created, {report.updated} {verb}updated, "
            f"{report.unchanged} unchanged, {report.repeated} repeated, {report.in_error} with errors."
        )
    ]
    if not report.was_applied and not report.is_dry_run:
        lines.append("Nothing was saved.")
    lines += [f"Not known, so not read: column {column}." for column in report.unknown_columns]
    lines += [f"Passed over: {what}." for what in report.passed_over]
    lines += report.notes
    lines += [f"Error, {_where(e)}, {e.field}: {e.rule} {e.remedy}" for e in report.errors]
    lines += [f"Warning, {_where(w)}, {w.field}: {w.rule} {w.remedy}" for w in report.warnings]
    return lines
