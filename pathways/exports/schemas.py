"""Request bodies and replies for exports."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from pathways.exports.models import ExportKind, ExportState
from pathways.fields import Body, Day, Group, Schema

MonthText = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]


TableName = Literal["adjustments", "breakdowns", "cohort", "medians", "progression", "stages"]


class NewExport(Body):
    """The month, programme and day to make figures for."""

    month: MonthText
    commissioner_id: UUID | None = Field(
        default=None, description="The commissioner to make figures for. If left out: your own organisation."
    )
    programme_id: UUID | None = None
    as_of: Day | None = Field(
        default=None, description="Use facts as known at the end of this day. If left out: today."
    )


class NewClaimsFile(Body):
    """The month and programme to make a claims file for."""

    month: MonthText
    programme_id: UUID | None = Field(
        default=None, description="The programme to include. If left out: all programmes that you pay for."
    )


class FiguresOut(Schema):
    """One table of a month, with the same rows as the published file."""

    month: Annotated[str, Group.RECORD]
    version: Annotated[int, Group.RECORD]
    as_of: Annotated[date, Group.RECORD]
    state: Annotated[ExportState, Group.RECORD]
    table: Annotated[str, Group.RECORD]
    about: Annotated[str, Group.RECORD]
    items: Annotated[list[dict[str, str | float | None]], Group.RECORD]


class ExportOut(Schema):
    """One version of a month's figures or claims file, with the names of its files."""

    id: Annotated[UUID, Group.RECORD]
    commissioner_id: Annotated[UUID, Group.RECORD]
    programme_id: Annotated[UUID | None, Group.RECORD]
    month: Annotated[str, Group.RECORD]
    kind: Annotated[ExportKind, Group.RECORD]
    state: Annotated[ExportState, Group.RECORD]
    version: Annotated[int, Group.RECORD] = Field(validation_alias="number")
    as_of: Annotated[date, Group.RECORD]
    folder: Annotated[str, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    frozen_at: Annotated[datetime | None, Group.RECORD]
    frozen_by: Annotated[UUID | None, Group.RECORD]
    expires_on: Annotated[date | None, Group.RECORD]
    files: Annotated[list[str], Group.RECORD] = []
