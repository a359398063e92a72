"""The request bodies and replies about imports."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from pathways.fields import Body, Group, Schema
from pathways.imports.models import ImportState, RowState
from pathways.sheets.cells import CellError


class ColumnNames(Body):
    """Column headers to confirm, or confirmations to remove."""

    columns: dict[Annotated[str, Field(min_length=1, max_length=300)], Annotated[str, Field(max_length=80)] | None] = (
        Field(
            max_length=200,
            description="For each header in your file: its Pathways column, or null to remove the confirmation.",
        )
    )


class ColumnNamesOut(Schema):
    """All headers that your organisation has confirmed for this kind of file."""

    columns: Annotated[dict[str, str], Group.RECORD]


class ImportReport(BaseModel):
    """What an import did, or on a dry run would do: counts, errors and warnings."""

    is_dry_run: bool
    was_applied: bool
    rows: int = 0
    created: int = Field(default=0, description="The number of records created; 0 on a dry run.")
    updated: int = Field(default=0, description="The number of records updated; 0 on a dry run.")
    to_create: int = Field(
        default=0, description="The number of rows that would create a record and are not applied yet."
    )
    to_update: int = 0
    unchanged: int = 0
    possible_duplicates: int = Field(
        default=0, description="How many of the rows in to_create may be about a jobseeker you already support."
    )
    repeated: int = 0
    skipped: int = 0
    in_error: int = 0
    errors: list[CellError] = []
    warnings: list[CellError] = []
    notes: list[str] = []
    unknown_columns: list[str] = []
    suggested_columns: dict[str, str] = {}
    unread_columns: dict[str, str] = Field(
        default_factory=dict,
        description="By unknown header, one sentence: what it seems to be about, that it was not read, and what to do.",
    )
    passed_over: list[str] = []
    made: list[str] = []
    template: str = Field(
        default="", description="The path of a workbook with the columns of this kind of file and lists to choose from."
    )


class ImportLine(Schema):
    """One line of a list of imports."""

    id: Annotated[UUID, Group.RECORD]
    kind: Annotated[str, Group.RECORD]
    state: Annotated[ImportState, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    file_hash: Annotated[str, Group.RECORD]


class ImportOut(ImportLine):
    """An import, with its progress and its report."""

    rows_read: Annotated[int, Group.RECORD] = Field(description="The number of rows read, out of ``report.rows``.")
    rows_checked: Annotated[int, Group.RECORD]
    rows_applied: Annotated[int, Group.RECORD]
    report: Annotated[ImportReport, Group.RECORD]


class FieldChange(Schema):
    """A field that an update would change, with its current and its new value."""

    field: Annotated[str, Group.RECORD]
    was: Annotated[str | None, Group.IDENTITY]
    becomes: Annotated[str | None, Group.IDENTITY]


class RowProblem(Schema):
    """An error or warning of a row: the field, the rule and what to do."""

    field: Annotated[str, Group.RECORD]
    rule: Annotated[str, Group.RECORD]
    remedy: Annotated[str, Group.RECORD]


class ImportRowOut(Schema):
    """A row of an import: its cells, its errors, the changes it would make, and its result."""

    id: Annotated[UUID, Group.RECORD]
    row: Annotated[int, Group.RECORD] = Field(description="The row number as the spreadsheet displays it.")
    sheet: Annotated[str, Group.RECORD]
    state: Annotated[RowState, Group.RECORD]
    cells: Annotated[dict[str, str] | None, Group.IDENTITY] = Field(
        description="The cells as written, by Pathways column name; null once they have been deleted."
    )
    errors: Annotated[list[RowProblem], Group.RECORD]
    warnings: Annotated[list[RowProblem], Group.RECORD]
    changes: Annotated[list[FieldChange], Group.RECORD]
    same_as: Annotated[UUID | None, Group.RECORD] = Field(description="The jobseeker that you chose for this row.")
    made: Annotated[str | None, Group.RECORD]
    version: Annotated[int, Group.RECORD]


class ImportRowRecord(Schema):
    """A row of a file about a jobseeker, in the copy of their data that the jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    import_id: Annotated[UUID, Group.RECORD]
    state: Annotated[RowState, Group.RECORD]
    cells: Annotated[dict[str, str] | None, Group.IDENTITY]


Cell = Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")]


class RowChange(Body):
    """Corrections to a row. Fields that are left out do not change."""

    cells: dict[Annotated[str, Field(max_length=80)], Cell | None] = Field(
        default_factory=dict,
        max_length=100,
        description="The corrected cells, by Pathways column name; null for a blank cell.",
    )
    is_skipped: bool | None = Field(default=None, description="True skips this row; false includes it again.")
    same_as: UUID | None = Field(
        default=None, description="The jobseeker in this row, if you already support them. No new record is created."
    )


class ApplyImport(Body):
    """Options for applying a checked import."""

    all_or_nothing: bool = Field(default=False, description="Apply no row if any row has errors.")
    with_possible_duplicates: bool = Field(
        default=True,
        description="True also applies the rows that may be about a jobseeker you already support.",
    )
