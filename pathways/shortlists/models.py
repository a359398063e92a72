"""Tables of shortlists: what was ranked, what was shown, what was refused."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import SHORT, Base
from pathways.facts import Fact
from pathways.jobseekers.models import AboutPerson, about_person


class Shortlist(Fact, Base):
    """One ranking as it was made: placements for a jobseeker, or jobseekers for a placement.

    ``refusals`` is the zlib-compressed JSON of every refused pair, nearest first.
    """

    __tablename__ = "shortlists"
    __table_args__ = (
        UniqueConstraint("partner_id", "id"),
        ForeignKeyConstraint(["partner_id", "jobseeker_id"], ["jobseekers.partner_id", "jobseekers.id"]),
        Index("ix_shortlists_person", "partner_id", "jobseeker_id"),
    )

    partner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    jobseeker_id: Mapped[UUID | None]
    placement_id: Mapped[UUID | None] = mapped_column(ForeignKey("placements.id"))
    shown_on: Mapped[date]
    model_version: Mapped[str] = mapped_column(SHORT)
    profile_version_id: Mapped[UUID | None]
    looked_at: Mapped[int]
    eligible: Mapped[int]
    refused_by_rule: Mapped[dict[str, int]] = mapped_column(JSON)
    refusals: Mapped[bytes] = mapped_column(LargeBinary)


class ShortlistMatch(AboutPerson, Fact, Base):
    """One pair that was shown, at its rank, with what made its score."""

    __tablename__ = "shortlist_matches"
    __table_args__ = about_person(
        "shortlist_matches",
        ForeignKeyConstraint(["partner_id", "shortlist_id"], ["shortlists.partner_id", "shortlists.id"]),
        UniqueConstraint("shortlist_id", "rank"),
    )

    shortlist_id: Mapped[UUID]
    placement_id: Mapped[UUID] = mapped_column(ForeignKey("placements.id"))
    rank: Mapped[int]
    score: Mapped[float]
    confidence: Mapped[str] = mapped_column(SHORT)
    values: Mapped[dict[str, Any]] = mapped_column(JSON)
    checks: Mapped[list[list[str]]] = mapped_column(JSON)
    journey: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    places_left: Mapped[int]
