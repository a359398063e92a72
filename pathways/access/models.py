"""The people and machines who use the service."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, Base, PrimaryKey, Versioned


class User(Versioned, Base):
    __tablename__ = "users"

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(LINE)
    email: Mapped[str] = mapped_column(LINE, unique=True)
    is_machine: Mapped[bool] = mapped_column(default=False)
    made_at: Mapped[datetime]
