"""The table of programmes."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, Versioned


class Programme(Versioned, Base):
    """``rule_versions`` names the outcome rules it is paid by, as ``RULE@VERSION``, dated in the reference table."""

    __tablename__ = "programmes"
    __table_args__ = (
        UniqueConstraint("partner_id", "id"),
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="ends_after_start"),
    )

    id: Mapped[PrimaryKey]
    ref: Mapped[str] = mapped_column(SHORT, unique=True)
    commissioner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(LINE)
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    rule_versions: Mapped[list[str]] = mapped_column(JSON)
    made_at: Mapped[datetime]
