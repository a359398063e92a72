"""Tables of imports: the run, its rows as they were written and what became of each, and what headers mean."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, Role, Versioned, one_of, words


class ImportState(StrEnum):
    """How far an import has come; each step goes on where it stopped."""

    READING = "reading"  # rows are kept as the file is read
    CHECKING = "checking"
    CHECKED = "checked"  # everything is known that would happen, and nothing has
    APPLYING = "applying"
    APPLIED = "applied"
    DISCARDED = "discarded"


class RowState(StrEnum):
    """What will become of a row, or what became of it."""

    READ = "read"
    UNDERSTOOD = "understood"  # by itself; not compared yet with other rows and with what is there
    TO_CREATE = "to_create"
    TO_UPDATE = "to_update"
    UNCHANGED = "unchanged"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    WITH_ERRORS = "with_errors"
    REPEATED = "repeated"
    SKIPPED = "skipped"
    CREATED = "created"
    UPDATED = "updated"


# What applying takes up.
PENDING = (RowState.TO_CREATE, RowState.TO_UPDATE, RowState.POSSIBLE_DUPLICATE)
DONE = (RowState.CREATED, RowState.UPDATED)
NONE_AS_NULL = JSON(none_as_null=True)
UNFINISHED = (ImportState.READING, ImportState.CHECKING, ImportState.APPLYING)


class ImportRun(Base):
    """One import. Its report names rows, fields and rules, never a value."""

    __tablename__ = "imports"
    __unaudited__ = True  # it notes by itself who begins, changes, applies and discards it, and not each block
    __table_args__ = (CheckConstraint(one_of("state", ImportState), name="state_is_known"),)

    id: Mapped[PrimaryKey]
    kind: Mapped[str] = mapped_column(SHORT)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    partner_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    # In whose name it goes on: who sent it, then who applies it. Nobody's, of imports made before rows were kept.
    acting_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    membership_id: Mapped[UUID | None] = mapped_column(ForeignKey("memberships.id"))
    role: Mapped[Role | None] = mapped_column(words(Role))
    doing: Mapped[str] = mapped_column(SHORT, default="")
    made_at: Mapped[datetime]
    acts_at: Mapped[datetime | None]  # the instant it acts at, where that is not the present one
    touched_at: Mapped[datetime | None]  # when a step of it last ended; None where nobody works on it
    file_hash: Mapped[str] = mapped_column(SHORT)
    state: Mapped[ImportState] = mapped_column(words(ImportState), index=True)
    creates_organisations: Mapped[bool] = mapped_column(default=False)
    all_or_nothing: Mapped[bool] = mapped_column(default=False)
    applies: Mapped[bool] = mapped_column(default=False)  # as soon as it is checked
    takes_duplicates: Mapped[bool] = mapped_column(default=True)
    rows: Mapped[int] = mapped_column(default=0)  # in the file
    rows_read: Mapped[int] = mapped_column(default=0)
    # The layout of the file (its sheets with their headers), what was passed over, what nobody knew.
    found: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class ImportRow(Versioned, Base):
    """One row of a file: what was written, sealed, until the time to keep it is over; and what becomes of it."""

    __tablename__ = "import_rows"
    __unaudited__ = True  # the import is what is audited, and each record it makes
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
    sheet: Mapped[int]  # its place among the sheets of ``found``
    cells_sealed: Mapped[str | None] = mapped_column(Text)
    faults: Mapped[list[list[str]] | None] = mapped_column(NONE_AS_NULL)
    state: Mapped[RowState] = mapped_column(words(RowState), default=RowState.READ)
    key: Mapped[str | None] = mapped_column(SHORT)  # of what it is about: two rows of one key meet
    said: Mapped[str | None] = mapped_column(SHORT)  # a hash of all it says
    errors: Mapped[list[list[str]] | None] = mapped_column(NONE_AS_NULL)  # field, rule, remedy
    warnings: Mapped[list[list[str]] | None] = mapped_column(NONE_AS_NULL)
    alike: Mapped[list[str] | None] = mapped_column(NONE_AS_NULL)  # ids of people it may be about, whoever may see them
    same_as: Mapped[UUID | None] = mapped_column(
        ForeignKey("jobseekers.id"), index=True
    )  # the caller's word: whom it is about
    made: Mapped[str | None] = mapped_column(LINE)  # the reference of what it made, where that is no person
    partner_id: Mapped[UUID | None]
    jobseeker_id: Mapped[UUID | None]


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
