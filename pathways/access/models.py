"""The table of users: people and machines."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, Base, PrimaryKey, Versioned


class User(Versioned, Base):
    """A person or machine that uses the service, through one or more memberships."""

    __tablename__ = "users"

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(LINE)
    email: Mapped[str] = mapped_column(LINE, unique=True)
    is_machine: Mapped[bool] = mapped_column(default=False)
    made_at: Mapped[datetime]
