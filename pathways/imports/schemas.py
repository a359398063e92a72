"""What goes over the wire about imports."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from pathways.cells import CellError
from pathways.fields import Body, Group, Schema
from pathways.imports.models import ImportState, RowState


class ColumnNames(Body):
    columns: dict[Annotated[str, Field(min_length=1, max_length=300)], Annotated[str, Field(max_length=80)] | None] = (
        Field(max_length=200, description="By header as it stands in your file: our column; null forgets it.")
    )


class ColumnNamesOut(Schema):
    columns: Annotated[dict[str, str], Group.RECORD]


class ImportReport(BaseModel):
    """What an import did, or on a dry run would do."""

    is_dry_run: bool
    was_applied: bool
    rows: int = 0
    created: int = Field(default=0, description="Of a dry run, how many would be.")
    updated: int = 0
    to_create: int = Field(default=0, description="Not applied yet.")
    to_update: int = 0
    unchanged: int = 0
    possible_duplicates: int = Field(default=0, description="Of those to create: perhaps somebody known already.")
    repeated: int = 0
    skipped: int = 0
    in_error: int = 0
    errors: list[CellError] = []
    warnings: list[CellError] = []
    notes: list[str] = []
    unknown_columns: list[str] = []
    suggested_columns: dict[str, str] = {}
    passed_over: list[str] = []
    made: list[str] = []


class ImportLine(Schema):
    """One line of a list of imports."""

    id: Annotated[UUID, Group.RECORD]
    kind: Annotated[str, Group.RECORD]
    state: Annotated[ImportState, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    file_hash: Annotated[str, Group.RECORD]


class ImportOut(ImportLine):
    rows_read: Annotated[int, Group.RECORD] = Field(description="Kept so far, of ``report.rows``.")
    rows_checked: Annotated[int, Group.RECORD]
    rows_applied: Annotated[int, Group.RECORD]
    report: Annotated[ImportReport, Group.RECORD]


class FieldChange(Schema):
    """What an update would change: one field, as it is and as it would be."""

    field: Annotated[str, Group.RECORD]
    was: Annotated[str | None, Group.IDENTITY]
    becomes: Annotated[str | None, Group.IDENTITY]


class RowProblem(Schema):
    field: Annotated[str, Group.RECORD]
    rule: Annotated[str, Group.RECORD]
    remedy: Annotated[str, Group.RECORD]


class ImportRowOut(Schema):
    """One row: what was written, what is wrong, what it would change, what became of it."""

    id: Annotated[UUID, Group.RECORD]
    row: Annotated[int, Group.RECORD] = Field(description="Its number as the spreadsheet shows it.")
    sheet: Annotated[str, Group.RECORD]
    state: Annotated[RowState, Group.RECORD]
    cells: Annotated[dict[str, str] | None, Group.IDENTITY] = Field(
        description="As written, by our column; null once the time to keep them is over."
    )
    errors: Annotated[list[RowProblem], Group.RECORD]
    warnings: Annotated[list[RowProblem], Group.RECORD]
    changes: Annotated[list[FieldChange], Group.RECORD]
    same_as: Annotated[UUID | None, Group.RECORD] = Field(description="Whom you said it is about.")
    made: Annotated[str | None, Group.RECORD]
    version: Annotated[int, Group.RECORD]


class ImportRowRecord(Schema):
    """A row of a file, for the extract of whom it is about."""

    id: Annotated[UUID, Group.RECORD]
    import_id: Annotated[UUID, Group.RECORD]
    state: Annotated[RowState, Group.RECORD]
    cells: Annotated[dict[str, str] | None, Group.IDENTITY]


Cell = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")]


class RowChange(Body):
    """A row put right; what is left out stays as it was."""

    cells: dict[Annotated[str, Field(max_length=80)], Cell | None] = Field(
        default_factory=dict, max_length=100, description="By our column: what is meant; null for blank."
    )
    is_skipped: bool | None = Field(default=None, description="Leave this row out, or take it up again.")
    same_as: UUID | None = Field(
        default=None, description="The jobseeker it is about, whom you support already: no new record is made."
    )


class ApplyImport(Body):
    all_or_nothing: bool = Field(default=False, description="Apply nothing while a row has errors.")
    with_possible_duplicates: bool = Field(
        default=True, description="Take rows that may be of somebody known, too; false leaves them where they are."
    )
