"""The table of drafts: what was typed into a form of the web pages, sealed, for a limited time."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, Base, PrimaryKey


class Draft(Base):
    """What one member has typed into one form. Nobody else reads it, and it is deleted when the form is sent."""

    __tablename__ = "drafts"
    __unaudited__ = True
    __table_args__ = (UniqueConstraint("membership_id", "form"),)

    id: Mapped[PrimaryKey]
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id"))
    form: Mapped[str] = mapped_column(LINE)  # the path of the form, which names no person
    typed_sealed: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
