"""Tables of imports: the import, its rows as written with their results, and confirmed column names."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, Role, Versioned, one_of, words


class ImportState(StrEnum):
    """The step an import has reached. Each step continues where it was interrupted."""

    READING = "reading"  # rows are stored as the file is read
    CHECKING = "checking"
    CHECKED = "checked"  # every planned change is known; nothing has been applied
    APPLYING = "applying"
    APPLIED = "applied"
    DISCARDED = "discarded"


class RowState(StrEnum):
    """How far a row has come: read, understood, or with a planned or actual result."""

    READ = "read"
    UNDERSTOOD = "understood"  # read without errors; not yet compared with other rows and with records
    TO_CREATE = "to_create"
    TO_UPDATE = "to_update"
    UNCHANGED = "unchanged"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    WITH_ERRORS = "with_errors"
    REPEATED = "repeated"
    SKIPPED = "skipped"
    CREATED = "created"
    UPDATED = "updated"


# The rows that applying an import processes.
PENDING = (RowState.TO_CREATE, RowState.TO_UPDATE, RowState.POSSIBLE_DUPLICATE)
DONE = (RowState.CREATED, RowState.UPDATED)
NONE_AS_NULL = JSON(none_as_null=True)
UNFINISHED = (ImportState.READING, ImportState.CHECKING, ImportState.APPLYING)


class ImportRun(Base):
    """One import of a file. Its report names rows, fields and rules, and never the value of a cell."""

    __tablename__ = "imports"
    __unaudited__ = True  # actions.py audits begin, change, apply and discard; blocks need no audit row
    __table_args__ = (CheckConstraint(one_of("state", ImportState), name="state_is_known"),)

    id: Mapped[PrimaryKey]
    kind: Mapped[str] = mapped_column(SHORT)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    partner_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    # The member in whose name it runs: first the sender, then the member who applies it. None for imports made before
    # rows were stored.
    acting_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    membership_id: Mapped[UUID | None] = mapped_column(ForeignKey("memberships.id"))
    role: Mapped[Role | None] = mapped_column(words(Role))
    doing: Mapped[str] = mapped_column(SHORT, default="")
    made_at: Mapped[datetime]
    acts_at: Mapped[datetime | None]  # the time to record on its facts; None: the current time
    touched_at: Mapped[datetime | None]  # when a step last ended; None if no process is working on it
    file_hash: Mapped[str] = mapped_column(SHORT)
    state: Mapped[ImportState] = mapped_column(words(ImportState), index=True)
    creates_organisations: Mapped[bool] = mapped_column(default=False)
    all_or_nothing: Mapped[bool] = mapped_column(default=False)
    applies: Mapped[bool] = mapped_column(default=False)  # whether to apply it as soon as it is checked
    takes_duplicates: Mapped[bool] = mapped_column(default=True)
    rows: Mapped[int] = mapped_column(default=0)  # number of rows in the file
    rows_read: Mapped[int] = mapped_column(default=0)
    # The layout of the file (sheets and headers), the rows that were left out, and the unknown columns.
    found: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class ImportRow(Versioned, Base):
    """One row of a file: its result, and its encrypted cells until they are deleted after ``import_cells_days``."""

    __tablename__ = "import_rows"
    __unaudited__ = True  # the import and each record it makes are audited instead
    __table_args__ = (
        UniqueConstraint("import_id", "position"),
        ForeignKeyConstraint(["partner_id", "jobseeker_id"], ["jobseekers.partner_id", "jobseekers.id"]),
        Index("ix_import_rows_partner_id_jobseeker_id", "partner_id", "jobseeker_id"),
        CheckConstraint(one_of("state", RowState), name="state_is_known"),
        Index("ix_import_rows_import_id_state", "import_id", "state", "position"),
        Index("ix_import_rows_import_id_key", "import_id", "key", "state", "position"),
    )

    id: Mapped[PrimaryKey]
    import_id: Mapped[UUID] = mapped_column(ForeignKey("imports.id"))
    position: Mapped[int]
    number: Mapped[int]
    sheet: Mapped[int]  # index of its sheet in ``ImportRun.found``
    cells_sealed: Mapped[str | None] = mapped_column(Text)
    faults: Mapped[list[list[str]] | None] = mapped_column(NONE_AS_NULL)
    file_warnings: Mapped[list[list[str]] | None] = mapped_column(NONE_AS_NULL)  # found while the file was read
    state: Mapped[RowState] = mapped_column(words(RowState), default=RowState.READ)
    key: Mapped[str | None] = mapped_column(SHORT)  # keyed hash; rows with the same key are compared
    said: Mapped[str | None] = mapped_column(SHORT)  # keyed hash of all its values
    errors: Mapped[list[list[str]] | None] = mapped_column(NONE_AS_NULL)  # field, rule, remedy
    warnings: Mapped[list[list[str]] | None] = mapped_column(NONE_AS_NULL)
    alike: Mapped[list[str] | None] = mapped_column(NONE_AS_NULL)  # ids of all candidates, visible or not
    same_as: Mapped[UUID | None] = mapped_column(ForeignKey("jobseekers.id"), index=True)  # chosen by a member
    made: Mapped[str | None] = mapped_column(LINE)  # reference of the record it made, if that is not a jobseeker
    partner_id: Mapped[UUID | None]
    jobseeker_id: Mapped[UUID | None]


class ColumnName(Base):
    """A header in an organisation's own files, and our column that the header means, as a member confirmed."""

    __tablename__ = "column_names"
    __table_args__ = (UniqueConstraint("organisation_id", "kind", "header"),)

    id: Mapped[PrimaryKey]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(SHORT)
    header: Mapped[str] = mapped_column(LINE)  # normalised for comparison: lower-case letters, digits, single spaces
    column: Mapped[str] = mapped_column(SHORT)
    by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime]
