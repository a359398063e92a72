"""The record of an import: what came in, what became of each row, and what to do about the rest."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field
from rapidfuzz import fuzz, process
from sqlalchemy import JSON, ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Actor, Base, PrimaryKey
from pathways.cells import CellError
from pathways.database import Session, WriteSession
from pathways.errors import RuleBroken
from pathways.fields import Body, Group, Schema
from pathways.spreadsheets import normal

# From here on a header is put forward as one of our columns, for a person to confirm. Of 4,529 pairs of our own headers
# that mean two columns 7 are so alike ("min hours wk", "max hours wk"); slips of a letter or two score 80 to 94.
LIKE_A_COLUMN = 78


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


class ColumnName(Base):
    """What a header of an organisation's own means: one of our columns, as a person confirmed once."""

    __tablename__ = "column_names"
    __table_args__ = (UniqueConstraint("organisation_id", "kind", "header"),)

    id: Mapped[PrimaryKey]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(SHORT)
    header: Mapped[str] = mapped_column(LINE)  # as it is compared: small letters, digits, single spaces
    column: Mapped[str] = mapped_column(SHORT)
    by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime]


class ColumnNames(Body):
    columns: dict[Annotated[str, Field(min_length=1, max_length=300)], Annotated[str, Field(max_length=80)] | None] = (
        Field(max_length=200, description="By header as it stands in your file: our column; null forgets it.")
    )


class ColumnNamesOut(Schema):
    columns: Annotated[dict[str, str], Group.RECORD]


def own_columns(session: Session, actor: Actor, kind: str) -> dict[str, str]:
    """Return what this organisation's own headers mean."""
    rows = session.execute(
        select(ColumnName.header, ColumnName.column)
        .where(ColumnName.organisation_id == actor.organisation_id, ColumnName.kind == kind)
        .order_by(ColumnName.header)
    )
    return {row.header: row.column for row in rows}


def confirm_columns(
    session: WriteSession, actor: Actor, kind: str, columns: Mapping[str, str | None], known: Collection[str]
) -> dict[str, str]:
    """Keep what headers mean for this organisation from now on; return all of them."""
    for header, column in columns.items():
        if column is not None and column not in known:
            raise RuleBroken(
                f"There is no column {column[:60]}. Columns: {', '.join(sorted(known))}.", pointer="/columns"
            )
        if not normal(header):
            raise RuleBroken("A header has a letter or a digit.", pointer="/columns")
        rows = select(ColumnName).where(
            ColumnName.organisation_id == actor.organisation_id,
            ColumnName.kind == kind,
            ColumnName.header == normal(header)[:300],
        )
        there = session.scalars(rows).one_or_none()
        if column is None:
            if there is not None:
                session.delete(there)
        elif there is not None:
            there.column, there.by, there.made_at = column, actor.user_id, actor.at
        else:
            session.add(
                ColumnName(
                    organisation_id=actor.organisation_id,
                    kind=kind,
                    header=normal(header)[:300],
                    column=column,
                    by=actor.user_id,
                    made_at=actor.at,
                )
            )
        session.flush()  # two headers that are the same to us meet here
    return own_columns(session, actor, kind)


def suggested(unknown: Iterable[str], aliases: Mapping[str, str], taken: Collection[str]) -> dict[str, str]:
    """Return which column some headers nobody knows may stand for, of those the file does not have already."""
    free = {name: column for name, column in aliases.items() if column not in taken}
    found = {}
    for header in unknown:
        hit = process.extractOne(normal(header), list(free), scorer=fuzz.token_sort_ratio, score_cutoff=LIKE_A_COLUMN)
        if hit is not None:
            found[header[:300]] = free[hit[0]]
    return found


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
    suggested_columns: dict[str, str] = {}
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
    for column in report.unknown_columns:
        meant = report.suggested_columns.get(column)
        perhaps = f" Does it mean {meant}? Confirm it once, or rename it." if meant else ""
        lines.append(f"Not known, so not read: column {column}.{perhaps}")
    lines += [f"Passed over: {what}." for what in report.passed_over]
    lines += report.notes
    lines += [f"Error, {_where(e)}, {e.field}: {e.rule} {e.remedy}" for e in report.errors]
    lines += [f"Warning, {_where(w)}, {w.field}: {w.rule} {w.remedy}" for w in report.warnings]
    return lines
