"""Tables of exports, their files, and every release."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, one_of, words


class ExportKind(StrEnum):
    """What an export contains."""

    OUTCOMES = "outcomes"  # tables that may be published
    CLAIMS = "claims"  # one row for each claim, for the paying commissioner only


class ExportState(StrEnum):
    """Whether a month is still open or has been closed."""

    PROVISIONAL = "provisional"
    FROZEN = "frozen"


class Export(Base):
    """One version of a month's figures or claims file for one commissioner, as known on one day.

    A closed (frozen) month gets no further version.
    """

    __tablename__ = "exports"
    __table_args__ = (
        UniqueConstraint("commissioner_id", "kind", "programme_key", "month", "number"),
        CheckConstraint(one_of("kind", ExportKind), name="kind_is_known"),
        CheckConstraint(one_of("state", ExportState), name="state_is_known"),
        CheckConstraint(
            "(state = 'frozen') = (frozen_at IS NOT NULL) AND (frozen_at IS NULL) = (frozen_by IS NULL)",
            name="somebody_froze_it",
        ),
        Index("ix_exports_commissioner_id", "commissioner_id", "id"),
    )

    id: Mapped[PrimaryKey]
    commissioner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    programme_id: Mapped[UUID | None] = mapped_column(ForeignKey("programmes.id"))
    # The programme's id, or "all", because a unique constraint ignores NULLs.
    programme_key: Mapped[str] = mapped_column(SHORT)
    kind: Mapped[ExportKind] = mapped_column(words(ExportKind), default=ExportKind.OUTCOMES)
    state: Mapped[ExportState] = mapped_column(words(ExportState), default=ExportState.PROVISIONAL)
    month: Mapped[str] = mapped_column(SHORT)
    number: Mapped[int]
    as_of: Mapped[date]
    # Hash of the counts and the reference tables. While the hash is unchanged, no new version is made.
    facts_hash: Mapped[str] = mapped_column(SHORT)
    content_hash: Mapped[str] = mapped_column(SHORT)
    folder: Mapped[str] = mapped_column(LINE)
    made_at: Mapped[datetime]
    by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    frozen_at: Mapped[datetime | None]
    frozen_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    # The last day on which a claims file, which is personal data, may be read. The file is deleted afterwards.
    expires_on: Mapped[date | None]


class ExportFile(Base):
    """The content of one file of an export. The content of a claims file is encrypted."""

    __tablename__ = "export_files"
    __unaudited__ = True
    __table_args__ = (UniqueConstraint("export_id", "name"),)

    id: Mapped[PrimaryKey]
    export_id: Mapped[UUID] = mapped_column(ForeignKey("exports.id"))
    name: Mapped[str] = mapped_column(LINE)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Release(Base):
    """The counts of an export before suppression and the keys of the suppressed counts.

    Both are needed to decide what to suppress in later exports.
    """

    __tablename__ = "export_releases"
    __unaudited__ = True
    __table_args__ = (Index("ix_export_releases_commissioner_id", "commissioner_id", "export_id"),)

    export_id: Mapped[UUID] = mapped_column(ForeignKey("exports.id"), primary_key=True)
    commissioner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    content: Mapped[bytes] = mapped_column(LargeBinary)
