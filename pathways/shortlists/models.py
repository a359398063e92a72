"""Tables of shortlists, their matches and refusals, and the ranking models."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import ColumnElement

from pathways.base import SHORT, Base, PrimaryKey, Versioned, one_of, words
from pathways.facts import Fact, StateLog
from pathways.jobseekers.models import AboutPerson, about_person
from pathways.reference.timetables import LoadedTimetable


class Shortlist(Fact, Base):
    """One ranking as it was made: placements for a jobseeker, or jobseekers for a placement.

    ``refusals`` is zlib-compressed JSON of refused pairs, nearest to eligible first: all refused pairs of a placement's
    shortlist, but only the nearest refused pairs of a jobseeker's shortlist.
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
    # zlib-compressed JSON of every eligible pair below the limit: id, jobseeker, placement, rank, score, confidence.
    below: Mapped[bytes | None] = mapped_column(LargeBinary)
    # Only for a jobseeker's shortlist (``snapshot.py``). ``inputs`` is the profile that was ranked. ``looked`` holds
    # each placement's version, failed checks and score, from which the other refusals and lower ranks are restored.
    inputs: Mapped[bytes | None] = mapped_column(LargeBinary)
    looked: Mapped[bytes | None] = mapped_column(LargeBinary)
    # The seed of the random tie-break for equal and nearly equal scores; reading the list again gives the same order.
    seed: Mapped[str | None] = mapped_column(SHORT)
    # The timetable that was loaded then, so that the sentences of the list can be made again by the same one.
    timetable_id: Mapped[UUID | None] = mapped_column(index=True)

    @classmethod
    def uses_timetable(cls) -> ColumnElement[bool]:
        """Return the condition that a stored shortlist used a timetable, for a query of timetables."""
        return select(cls.id).where(cls.timetable_id == LoadedTimetable.id).exists()


class SafetyReview(AboutPerson, Fact, Base):
    """A caseworker's finding that a placement is safe for a jobseeker, where the safety check could not tell.

    It answers the safety exclusions whose ids are in ``answers``, as long as the placement's contact and location stay
    as they were. ``listing`` is a hash of them. ``reason`` says how the caseworker made sure.
    """

    __tablename__ = "safety_reviews"

    placement_id: Mapped[UUID] = mapped_column(ForeignKey("placements.id"))
    listing: Mapped[str] = mapped_column(SHORT)
    answers: Mapped[list[str] | None] = mapped_column(JSON)


class ShortlistMatch(AboutPerson, Fact, Base):
    """One ranked pair of a shortlist, with its rank, score, feature values and checks."""

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
    propensity: Mapped[float | None]
    jobseeker_side: Mapped[float | None]
    placement_side: Mapped[float | None]
    score_low: Mapped[float | None]
    score_high: Mapped[float | None]


class ModelState(StrEnum):
    """The state of a ranking model, from training to use and retirement."""

    TRAINED = "trained"
    ASSESSED = "assessed"
    RELEASED = "released"
    RETIRED = "retired"


class ModelEvent(StrEnum):
    ASSESS = "assess"
    RELEASE = "release"
    RETIRE = "retire"


MODEL_MOVES: dict[tuple[ModelState, ModelEvent], ModelState] = {
    (ModelState.TRAINED, ModelEvent.ASSESS): ModelState.ASSESSED,
    (ModelState.ASSESSED, ModelEvent.ASSESS): ModelState.ASSESSED,
    (ModelState.ASSESSED, ModelEvent.RELEASE): ModelState.RELEASED,
    (ModelState.TRAINED, ModelEvent.RETIRE): ModelState.RETIRED,
    (ModelState.ASSESSED, ModelEvent.RETIRE): ModelState.RETIRED,
    (ModelState.RELEASED, ModelEvent.RETIRE): ModelState.RETIRED,
}


class RankingModel(Versioned, Base):
    """A trained ranking model: a binary file, and a manifest that holds the hash of the file.

    Shortlists use the released model, or the expert model if none is released. The ``learning`` package trains,
    assesses and releases models; the table is here because shortlists read it.
    """

    __tablename__ = "ranking_models"
    __table_args__ = (
        CheckConstraint(one_of("state", ModelState), name="state_is_known"),
        Index(
            "uq_ranking_models_one_released",
            "state",
            unique=True,
            sqlite_where=text("state = 'released'"),
            postgresql_where=text("state = 'released'"),
        ),
    )

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(SHORT, unique=True)
    state: Mapped[ModelState] = mapped_column(words(ModelState), default=ModelState.TRAINED)
    kept: Mapped[bytes] = mapped_column(LargeBinary)
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)
    assessment: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    made_at: Mapped[datetime]


class RankingModelMove(StateLog, Base):
    """A change of a ranking model's state."""

    __tablename__ = "ranking_model_moves"

    model_id: Mapped[UUID] = mapped_column(ForeignKey("ranking_models.id"), index=True)
