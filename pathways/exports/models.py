"""Tables of exports and their files."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey


class Export(Base):
    """One month for one commissioner, as known on one day."""

    __tablename__ = "exports"
    __table_args__ = (UniqueConstraint("commissioner_id", "programme_key", "month", "number"),)

    id: Mapped[PrimaryKey]
    commissioner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    programme_id: Mapped[UUID | None] = mapped_column(ForeignKey("programmes.id"))
    programme_key: Mapped[str] = mapped_column(SHORT)  # the programme's id, or "all": NULLs would not be unique
    month: Mapped[str] = mapped_column(SHORT)
    number: Mapped[int]
    as_of: Mapped[date]
    content_hash: Mapped[str] = mapped_column(SHORT)
    folder: Mapped[str] = mapped_column(LINE)
    made_at: Mapped[datetime]
    by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))


class ExportFile(Base):
    __tablename__ = "export_files"
    __unaudited__ = True
    __table_args__ = (UniqueConstraint("export_id", "name"),)

    id: Mapped[PrimaryKey]
    export_id: Mapped[UUID] = mapped_column(ForeignKey("exports.id"))
    name: Mapped[str] = mapped_column(LINE)
    content: Mapped[bytes] = mapped_column(LargeBinary)
