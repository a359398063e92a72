"""Tables of programmes and their prices."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, Versioned
from pathways.facts import Fact


class Programme(Versioned, Base):
    """A programme that a commissioner pays for and a partner delivers.

    ``rule_versions`` lists the outcome rules under which the programme is paid, as ``RULE@VERSION``. The dates of each
    rule version are in the reference table of outcome rules.
    """

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


class ProgrammePrice(Fact, Base):
    """The price in pence that a commissioner pays for one outcome under a rule, from the day ``valid_on``."""

    __tablename__ = "programme_prices"
    __table_args__ = (
        CheckConstraint("pence > 0", name="something_is_paid"),
        Index("ix_programme_prices_programme", "programme_id", "rule", "valid_on"),
        # Each rule and day has one first price; each later price supersedes the price before it. If two requests record
        # a first price at the same time, this index refuses the second request.
        Index(
            "uq_programme_prices_first",
            "programme_id",
            "rule",
            "valid_on",
            unique=True,
            sqlite_where=text("supersedes IS NULL"),
            postgresql_where=text("supersedes IS NULL"),
        ),
    )

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programmes.id"))
    rule: Mapped[str] = mapped_column(SHORT)
    pence: Mapped[int]
